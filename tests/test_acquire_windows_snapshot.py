"""``--freeze snapshot`` of the Windows backend, on a fake of Windows' libraries."""

from __future__ import annotations

import ctypes
import io
from collections.abc import Iterator
from typing import Any

import pytest
from fakes.dump_pages import pages_of
from fakes.windows import (
    IMAGE,
    MAPPED,
    PAGE,
    RESERVE,
    FakeThread,
    FakeWindows,
    Region,
    context_bytes,
    filetime,
    pattern,
)
from fakes.windows_backend import checked, system, target  # noqa: F401 - fixtures

from msl_acquire.ending import deficiencies
from msl_acquire.options import Options
from msl_acquire.session import Session
from msl_acquire.windows import Windows
from msl_acquire.windows.calls import WindowsSystem
from msl_acquire.windows.guardian import TargetCopier
from msl_acquire.windows.guardian_calls import CopyingSystem
from msl_acquire.windows.guardian_link import guarded
from msl_acquire.windows.opening import open_to_copy
from msl_acquire.windows.own_calls import OwnCalls
from msl_acquire.windows.structures import PROCESS_SET_INFORMATION
from msl_acquire.windows.target import WindowsTarget
from msl_construct.errors import TargetError

BASE, FILE, SECTION = 0x1_4000_0000, 0x50000, 0x60000
LATER = b"later..." * (PAGE // 8)


@pytest.fixture
def fake() -> Iterator[FakeWindows]:
    fake = FakeWindows()
    fake.regions = [
        Region(0x10000, 4, unreadable={3}),
        Region(0x20000, 1, state=RESERVE),
        Region(0x30000, 1, protect=0x104),
        Region(0x40000, 2, protect=0x02, kind=MAPPED, name="\\Device\\V1\\locale.nls"),
        Region(FILE, 2, kind=MAPPED, name="\\Device\\V1\\data"),
        Region(0x58000, 1, protect=0x02, kind=MAPPED, name="\\Device\\V1\\data"),
        Region(SECTION, 3, kind=MAPPED, unreadable={1}),
        Region(0x70000, 1, protect=0x02, kind=MAPPED),
        Region(BASE, 2, protect=0x20, kind=IMAGE, name="\\Device\\V1\\t.exe"),
        Region(BASE + 2 * PAGE, 1, kind=IMAGE, allocation=BASE, name="\\Device\\V1\\t.exe"),
        Region(BASE + 3 * PAGE, 1, protect=0x08, kind=IMAGE, allocation=BASE, name="x"),
    ]
    fake.threads = {11: FakeThread(context=context_bytes(0x1234, 0x10800), created=filetime(1))}
    fake.modules = [(BASE, 4 * PAGE, "C:\\t.exe")]
    fake.processes = [(fake.pid, 4, "t.exe")]
    fake.started = {fake.pid: filetime(1_700_000_000)}
    with checked(fake):
        yield fake


def everything(mappings: Any) -> Any:
    return mappings


def scribbles(fake: FakeWindows) -> None:
    """Have the target write to all of its memory as soon as it runs on."""
    real = fake._NtResumeProcess

    def resume(handle: int) -> int:
        for region in fake.regions:
            if region.protect in (0x04, 0x08) and region.state != RESERVE:
                pages = range(region.start, region.end, PAGE)
                fake.written |= dict.fromkeys(pages, LATER)
        # Nobody else than the target: the other view of what it writes through the first one.
        fake.written |= dict.fromkeys((0x58000, 0x70000), LATER)
        fake.modules = [(0x40000, PAGE, "C:\\later.dll")]
        return real(handle)

    fake.replace("NtResumeProcess", resume)


def again(fake: FakeWindows) -> Windows:
    """A backend whose calls are those that the system has now."""
    return Windows(WindowsSystem(lambda _: fake, fake.last_error))


def test_what_is_read_is_of_one_moment(fake: FakeWindows) -> None:
    """A whole acquisition of a target that writes to all of its memory as soon as it may."""
    scribbles(fake)
    file = io.BytesIO()
    report = Session(again(fake), fake.pid, file, Options(freeze="snapshot")).run()
    assert report.status == "complete", report.detail
    assert fake.written
    expected: dict[int, bytes | str] = {
        region.start + PAGE * n: (
            "failed"
            if region.protect & 0x100 or n in region.unreadable
            else pattern(region.start + PAGE * n)
        )
        for region in fake.regions
        if region.state != RESERVE
        for n in range(region.pages)
    }
    assert pages_of(file.getvalue(), PAGE) == expected
    assert fake.suspended() == {11: 0}
    assert fake.calls == ["suspend", "capture", "resume", "end", "free"]
    told = report["freeze"]["snapshot"]
    assert told["read_in_stop"] == (2 + 1 + 2 + 1 + 1) * PAGE
    assert told["copy"] in fake.copies
    assert told["copy_left"] is False
    assert report["freeze"]["why_ended"] == "done"
    assert {row["cause"] for row in report["memory"]["causes"]} >= {"read_in_stop", "guard"}
    (module,) = report["target"]["modules"]
    assert module["path"] == "C:\\t.exe"
    (thread,) = report["target"]["threads"]
    assert thread["registers"] > 20
    assert report["after"]["verdict"] == "as_found"


def copied(target: WindowsTarget) -> None:
    target.freeze("snapshot", None)
    target.copy(everything)
    target.run_on()


def test_the_target_may_change_and_end(target: WindowsTarget, fake: FakeWindows) -> None:
    copied(target)
    mappings = target.mappings()
    fake.regions, fake.ended = [], True
    view = memoryview(bytearray(3 * PAGE))
    assert target.read(mappings[0], 0x10000, view) == 3 * PAGE
    assert bytes(view) == b"".join(pattern(0x10000 + n * PAGE) for n in range(3))
    assert target.alive()
    assert target.failure(mappings[0], 0x13000, 1) == ("failed", "read_error", 0, 1)
    assert target.read(mappings[5], SECTION, view) == PAGE
    assert target.failure(mappings[5], SECTION + PAGE, 2) == ("failed", "read_error", 299, 1)
    assert target.read(mappings[5], SECTION + 2 * PAGE, view[:PAGE]) == PAGE
    assert target.afterwards()["verdict"] == "ended"


def test_a_copy_that_somebody_ends_is_told(target: WindowsTarget, fake: FakeWindows) -> None:
    copied(target)
    mapping = target.mappings()[0]
    fake.ended_copies.update(fake.copies)
    assert target.read(mapping, 0x10000, memoryview(bytearray(PAGE))) == 0
    assert target.failure(mapping, 0x10000, 4) == ("failed", "snapshot_lost", 0, 4)
    assert not target.alive()
    assert target.ending().status == "snapshot_lost"


def test_who_is_several_times_asked_has_one_copy(target: WindowsTarget, fake: FakeWindows) -> None:
    copied(target)
    assert target.afterwards()["verdict"] == "as_found"
    target.close()
    target.close()
    assert fake.calls == ["suspend", "capture", "resume", "end", "free"]


@pytest.mark.parametrize(
    ("change", "message", "calls"),
    [
        ({"capture_error": 5}, "can't be copied: PssCaptureSnapshot failed .* 0x5", ["capture"]),
        ({"query_error": 87}, "PssCaptureSnapshot failed .* 0x57", ["capture", "free"]),
        # Whatever that is, nothing is ended that is no copy.
        ({"copy_is_target": True}, "PssCaptureSnapshot failed .* 0x6", ["capture", "free"]),
        ({"left_to_commit": 128 << 20}, "only 128 MiB can be committed; use --freeze suspend", []),
        ({"available_physical": PAGE}, "0 MiB of its memory", ["capture", "end", "free"]),
    ],
)
def test_refused(
    target: WindowsTarget,
    fake: FakeWindows,
    change: dict[str, Any],
    message: str,
    calls: list[str],
) -> None:
    """The target is let go, and nothing is left."""
    for name, value in change.items():
        setattr(fake, name, value)
    frozen = target.freeze("snapshot", None)
    with pytest.raises(TargetError, match=message):
        target.copy(everything)
    assert fake.suspended() == {11: 0}
    assert frozen.why_ended == "done"
    assert [one for one in fake.calls if one not in ("suspend", "resume")] == calls
    if "end" not in calls:
        fake.copies.clear()


def test_a_copy_of_which_nothing_is_told_is_ended(fake: FakeWindows) -> None:
    """It was made, and then its number can't be asked for: it must not be left, nor its handle."""
    real, asked = fake._GetProcessId, list[int]()

    def number(handle: int) -> int:
        found = real(handle)
        if found in fake.copies:
            asked.append(found)
        return fake._fail(5) if len(asked) > 1 else found

    fake.replace("GetProcessId", number)
    target = again(fake).target(fake.pid)
    target.freeze("snapshot", None)
    with pytest.raises(TargetError, match="can't be copied: GetProcessId failed with error 0x5"):
        target.copy(everything)
    target.close()
    assert fake.suspended() == {11: 0}


@pytest.mark.parametrize("moment", ["made", "ended"])
def test_interrupted_beside_a_copy(
    fake: FakeWindows, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    target = again(fake).target(fake.pid)
    target.freeze("snapshot", None)
    if moment == "made":
        monkeypatch.setattr("msl_acquire.windows.target_copy.CopiedMemory", interrupt)
    else:
        target.copy(everything)
        target.run_on()
        real = OwnCalls.discard
        monkeypatch.setattr(OwnCalls, "discard", lambda self: interrupt(real(self)))
    with pytest.raises(KeyboardInterrupt):
        target.copy(everything) if moment == "made" else target.afterwards()
    monkeypatch.undo()
    target.close()
    assert fake.suspended() == {11: 0}


def test_a_guardian_for_which_no_handle_is_given(fake: FakeWindows) -> None:
    """It must start with two; the first is closed where there is no second."""
    real, made = fake._DuplicateHandle, list[int]()

    def duplicate(*arguments: int) -> int:
        made.append(arguments[1])
        return fake._fail(1450) if len(made) > 1 else real(*arguments)

    fake.replace("DuplicateHandle", duplicate)
    system = WindowsSystem(lambda _: fake, fake.last_error)
    handle = open_to_copy(system, fake.pid)
    with pytest.raises(TargetError, match=r"no guardian can be started .* 0x5aa"):
        guarded(system, handle, "snapshot", None, lambda: None)
    system.close(handle)


def test_whoever_ran_again_too_early_is_refused(fake: FakeWindows) -> None:
    """Then the copy, and what was kept, are not of one moment."""
    real, target = fake._PssCaptureSnapshot, None

    def capture(*arguments: int) -> int:
        assert target is not None
        assert target._suspension is not None
        target._suspension._expire()
        return real(*arguments)

    fake.replace("PssCaptureSnapshot", capture)
    target = again(fake).target(fake.pid)
    target.freeze("snapshot", 60)
    target.copy(everything)
    with pytest.raises(TargetError, match=r"ran again before it was copied \(max_freeze\)"):
        target.run_on()
    target.close()
    assert fake.suspended() == {11: 0}


def test_where_there_is_no_such_call(fake: FakeWindows) -> None:
    """Wine 8, Windows before 8.1: nothing else is done instead."""
    assert "snapshot" in again(fake).freezers
    del fake.PssCaptureSnapshot
    backend = again(fake)
    assert backend.freezers == ("suspend", "threads", "none")
    with pytest.raises(TargetError, match="no freeze method snapshot; use suspend or threads"):
        backend.preflight(fake.pid, "snapshot")
    assert fake.calls == []


def test_the_calls_of_the_guardian(fake: FakeWindows, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are declared anew in its program, and end nothing either that is no copy."""
    monkeypatch.setattr(ctypes, "WinDLL", lambda _: fake, raising=False)
    target = fake._handle(("process", fake.pid, 0x80))
    copier = TargetCopier(CopyingSystem(target))
    code, copy = copier.copy()
    assert (code, fake.handles[copy][1]) == (0, *fake.copies)
    copier.discard()
    copier.discard()
    assert fake.calls == ["capture", "end", "free"]
    assert fake.ended_copies == set(fake.copies)
    fake.copy_is_target = True
    assert copier.copy() == (6, 0)
    copier.discard()
    assert fake.calls == ["capture", "end", "free", "capture", "free"]
    fake.capture_error = 8
    assert copier.copy() == (8, 0)
    fake.copies.clear()
    fake.ended_copies.clear()
    fake._CloseHandle(target)


def test_a_copy_that_stays_is_said(fake: FakeWindows) -> None:
    fake.replace("TerminateProcess", lambda *_: 1)
    report = Session(again(fake), fake.pid, io.BytesIO(), Options(freeze="snapshot")).run()
    (copy,) = fake.copies
    assert report["freeze"]["snapshot"]["copy_left"] is True
    (line,) = deficiencies(report, fake.pid)
    assert (
        line == f"process {fake.pid}: its copy, process {copy}, was still there: see that it ends"
    )
    fake.ended_copies.add(copy)


def test_it_is_stopped_by_what_ends_with_its_holder_where_that_is_granted(
    system: WindowsSystem, fake: FakeWindows
) -> None:
    handle = open_to_copy(system, fake.pid)
    assert fake.handles[handle][2] & PROCESS_SET_INFORMATION
    system.close(handle)
    real = fake._OpenProcess

    def refuse(access: int, inherit: int, pid: int) -> int:
        return fake._fail(5) if access & PROCESS_SET_INFORMATION else real(access, inherit, pid)

    fake.replace("OpenProcess", refuse)
    handle = open_to_copy(again(fake)._system, fake.pid)
    assert fake.handles[handle][2] & 0x880 == 0x880
    system.close(handle)


def test_it_must_be_ours_to_copy(system: WindowsSystem, fake: FakeWindows) -> None:
    fake.stop_error = 5
    with pytest.raises(TargetError, match=r"stopping and copying process .* is denied"):
        Windows(system).preflight(fake.pid, "snapshot")
