"""The Windows backend on a fake of Windows' libraries."""

from __future__ import annotations

import ctypes
import io
import json
import re
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fakes.dump_pages import pages_of
from fakes.windows import (
    FREE,
    IMAGE,
    MAPPED,
    PAGE,
    RESERVE,
    TEBS,
    FakeThread,
    FakeWindows,
    Region,
    context_bytes,
    filetime,
    pattern,
)
from fakes.windows_backend import checked, system, target  # noqa: F401 - fixtures

from msl_acquire import acquire
from msl_acquire.cli import acquire as acquire_command
from msl_acquire.model import Action
from msl_acquire.plain_files import FileFound, hash_file
from msl_acquire.reading import read_pages
from msl_acquire.windows import Windows, structures
from msl_acquire.windows.calls import WindowsSystem, load_system
from msl_acquire.windows.device_names import DeviceNames
from msl_acquire.windows.registers import CONTEXT_SIZE
from msl_acquire.windows.target import WindowsTarget
from msl_construct.errors import TargetError

BASE = 0x1_4000_0000
HIGH = 0x7FF6_0000_0000


@pytest.fixture
def fake() -> Iterator[FakeWindows]:
    """A Windows with one target; whatever was opened must have been closed in the end."""
    fake = FakeWindows()
    fake.regions = [
        Region(0x10000, 4),
        Region(0x20000, 16, state=RESERVE),
        Region(0x30000, 2, state=RESERVE, allocation=0x30000),
        Region(0x32000, 1, protect=0x104, allocation=0x30000),
        Region(0x33000, 3, allocation=0x30000),
        Region(0x40000, 1, protect=0x01),
        Region(0x50000, 1, protect=0x204),
        Region(BASE, 1, protect=0x02, kind=IMAGE, name="\\Device\\V1\\target.exe"),
        Region(BASE + PAGE, 3, protect=0x20, kind=IMAGE, allocation=BASE, name="\\Device\\V1\\t"),
        Region(BASE + 4 * PAGE, 2, protect=0x08, kind=IMAGE, allocation=BASE, name="x"),
        Region(HIGH, 2, protect=0x02, kind=MAPPED, name="\\Device\\V1\\locale.nls"),
        Region(HIGH + 0x10000, 1, kind=MAPPED),
    ]
    fake.threads = {
        11: FakeThread(
            context=context_bytes(0x1_4000_1234, 0x33800), created=filetime(1_700_000_001)
        ),
        12: FakeThread(count=1, context=context_bytes(0x1_4000_2222, 0x33900)),
    }
    fake.modules = [
        (HIGH + 0x100000, 0x5000, "C:\\Windows\\ntdll.dll"),
        (BASE, 6 * PAGE, "C:\\target.exe"),
    ]
    fake.processes = [
        (0, 0, "[System Process]"),
        (4, 0, "System"),
        (fake.pid, 4, "Target.exe"),
    ]
    fake.started = {fake.pid: filetime(1_700_000_000), 4: filetime(1_600_000_000)}
    with checked(fake):
        yield fake


def buffer(pages: int) -> memoryview:
    return memoryview(bytearray(b"\xaa" * pages * PAGE))


# The structures, against the sizes and offsets of the Windows headers ----------------------


@pytest.mark.parametrize(
    ("kind", "size", "offsets"),
    [
        (
            "MemoryBasicInformation",
            48,
            {"allocation_base": 8, "allocation_protect": 16, "partition_id": 20}
            | {"region_size": 24, "state": 32, "protect": 36, "type": 40},
        ),
        (
            "ModuleEntry",
            1080,
            {"process_id": 8, "base_address": 24, "base_size": 32, "handle": 40}
            | {"module": 48, "exe_path": 560},
        ),
        ("ThreadEntry", 28, {"thread_id": 8, "owner_process_id": 12}),
        ("ProcessEntry", 568, {"process_id": 8, "parent_process_id": 32, "exe_file": 44}),
        (
            "SystemInfo",
            48,
            {"page_size": 4, "minimum_application_address": 8, "maximum_application_address": 16},
        ),
        ("ProcessMemoryCounters", 72, {"working_set_size": 16}),
        ("UnicodeString", 16, {"buffer": 8}),
        ("TokenPrivileges", 16, {"privilege": 4}),
        ("FileTime", 8, {"high": 4}),
    ],
)
def test_structure_layout(kind: str, size: int, offsets: dict[str, int]) -> None:
    structure = getattr(structures, kind)
    assert ctypes.sizeof(structure) == size
    assert {name: getattr(structure, name).offset for name in offsets} == offsets


def test_context_has_its_documented_size() -> None:
    assert CONTEXT_SIZE == 1232


# Where it works ----------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform == "win32", reason="this is Windows")
def test_elsewhere_it_says_so() -> None:
    with pytest.raises(TargetError, match=f"needs Windows; this is {sys.platform}"):
        load_system()
    with pytest.raises(TargetError, match="needs Windows"):
        Windows()


def test_old_windows_is_refused(fake: FakeWindows) -> None:
    del fake.IsWow64Process2
    with pytest.raises(TargetError, match="no IsWow64Process2; Windows 10"):
        WindowsSystem(lambda _: fake, fake.last_error)


# Opening -----------------------------------------------------------------------------------


def test_preflight_touches_nothing(system: WindowsSystem, fake: FakeWindows) -> None:
    facts = Windows(system).preflight(fake.pid, "suspend")
    assert facts == {"debug_privilege": True, "architecture": "x86_64", "working_set": 123456}
    assert fake.calls == []
    assert fake.reads == []


def test_unknown_process(system: WindowsSystem) -> None:
    with pytest.raises(TargetError, match="there is no process 4711"):
        Windows(system).preflight(4711, "suspend")


def test_unknown_method(system: WindowsSystem, fake: FakeWindows, target: WindowsTarget) -> None:
    with pytest.raises(
        TargetError, match="no freeze method ptrace; use suspend or threads or snapshot or none"
    ):
        Windows(system).preflight(fake.pid, "ptrace")
    with pytest.raises(TargetError, match="no freeze method ptrace"):
        target.freeze("ptrace", None)
    assert fake.calls == []


@pytest.mark.parametrize(
    ("privileged", "protection", "remedy"),
    [
        (False, 0, "run as administrator"),
        (True, 0, "a security product"),
        (True, 0x31, "protected process"),
    ],
)
def test_denied(
    system: WindowsSystem, fake: FakeWindows, privileged: bool, protection: int, remedy: str
) -> None:
    fake.open_error, fake.privileged, fake.protection = 5, privileged, protection
    with pytest.raises(TargetError, match=r"access to process .* is denied") as caught:
        Windows(system).preflight(fake.pid, "suspend")
    assert remedy in caught.value.remedy


@pytest.mark.parametrize("beyond", [0, 1, 3])
def test_own_process_is_refused(
    system: WindowsSystem, fake: FakeWindows, monkeypatch: pytest.MonkeyPatch, beyond: int
) -> None:
    """Windows opens a process by any of four numbers."""
    monkeypatch.setattr("os.getpid", lambda: fake.pid)
    with pytest.raises(TargetError, match="can't acquire or resume itself"):
        Windows(system).preflight(fake.pid + beyond, "suspend")
    with pytest.raises(TargetError, match="can't acquire or resume itself"):
        Windows(system).target(fake.pid + beyond)
    assert fake.calls == []


def test_a_process_is_who_its_handle_says(system: WindowsSystem) -> None:
    refused: list[Callable[[], object]] = [
        lambda: Windows(system).preflight(7_000_001, "none"),
        lambda: Windows(system).target(7_000_002),
        lambda: Windows(system).resume(7_000_003),
    ]
    for call in refused:
        with pytest.raises(TargetError, match=r"there is no process 700000\d; process 7000000"):
            call()


@pytest.mark.parametrize("method", ["suspend", "none"])
def test_only_who_is_to_be_stopped_must_be_ours_to_stop(
    system: WindowsSystem, fake: FakeWindows, method: str
) -> None:
    fake.stop_error = 5
    backend = Windows(system)
    target = backend.target(fake.pid)
    if method == "suspend":
        with pytest.raises(TargetError, match=r"stopping process .* is denied"):
            backend.preflight(fake.pid, method)
        with pytest.raises(TargetError, match=r"stopping process .* is denied"):
            target.arm(method, None)
    else:
        backend.preflight(fake.pid, method)
        target.arm(method, None)
        assert target.read(target.mappings()[0], 0x10000, buffer(1)) == PAGE
    target.close()


def test_the_privilege_is_given_back(system: WindowsSystem, fake: FakeWindows) -> None:
    Windows(system).preflight(fake.pid, "suspend")
    assert not fake.privilege_on
    first, second = (Windows(system).target(fake.pid) for _ in range(2))
    first.close()
    assert fake.privilege_on
    second.close()
    assert not fake.privilege_on
    fake.privilege_on = True  # whoever calls us has turned it on
    Windows(system).target(fake.pid).close()
    assert fake.privilege_on


@pytest.mark.parametrize("told", [True, False])
def test_what_was_left_suspended_is_resumed(
    system: WindowsSystem, fake: FakeWindows, told: bool
) -> None:
    fake.tells_counts = told
    backend = Windows(system)
    assert "is not suspended (1 of its 2 threads are): nothing was done" in backend.resume(fake.pid)
    assert fake.suspended() == {11: 0, 12: 1}
    for thread in fake.threads.values():
        thread.count += 2
    assert "was resumed, and is suspended 1 times more" in backend.resume(fake.pid)
    assert backend.resume(fake.pid) == f"process {fake.pid} was resumed"
    assert fake.suspended() == {11: 0, 12: 1}
    assert ("suspend thread" in fake.calls) != told
    for thread in fake.threads.values():
        thread.refused = True
    with pytest.raises(TargetError, match="can't be learnt: nothing was done"):
        backend.resume(fake.pid)
    assert fake.suspended() == {11: 0, 12: 1}


def test_each_that_can_be_is_resumed(
    system: WindowsSystem,
    fake: FakeWindows,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("msl_acquire.cli.this_system", lambda **_: Windows(system))
    for thread in fake.threads.values():
        thread.count += 1

    def resumed(*more: str) -> int:
        with pytest.raises(SystemExit) as ended:
            acquire_command.main(["--resume", "7000100", str(fake.pid), *more])
        return int(ended.value.code or 0)

    assert resumed("-o", "x.msl") == 2
    assert fake.calls == []
    capsys.readouterr()
    assert resumed() == 6
    assert capsys.readouterr().err.splitlines() == [
        "msl: there is no process 7000100",
        f"msl: process {fake.pid} was resumed",
    ]
    assert fake.suspended() == {11: 0, 12: 1}


def test_nobody_resumes_itself(
    system: WindowsSystem, fake: FakeWindows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would wait for itself, suspended, to count how often it is."""
    monkeypatch.setattr("os.getpid", lambda: fake.pid)
    with pytest.raises(TargetError, match="resume itself"):
        Windows(system).resume(fake.pid)
    assert fake.calls == []
    assert not fake.handles


# The address space -------------------------------------------------------------------------


def test_walk(target: WindowsTarget) -> None:
    found = [(m.start, m.size // PAGE, m.protection, m.region_type) for m in target.mappings()]
    # Bits: 1 read, 2 write, 4 execute, 8 guard, 16 copy on write.
    assert found == [
        (0x10000, 4, 3, "anonymous"),
        (0x32000, 1, 3 | 8, "anonymous"),
        (0x33000, 3, 3, "anonymous"),
        (0x40000, 1, 0, "anonymous"),
        (0x50000, 1, 3, "anonymous"),
        (BASE, 1, 1, "image"),
        (BASE + PAGE, 3, 5, "image"),
        (BASE + 4 * PAGE, 2, 3 | 16, "image"),
        (HIGH, 2, 1, "mapped_file"),
        (HIGH + 0x10000, 1, 3, "shared_mem"),
    ]
    # Address space that is only reserved has no pages; it is counted.
    assert target.facts()["reserved"] == {"ranges": 2, "bytes": 18 * PAGE}


def test_names_and_native_descriptions(target: WindowsTarget) -> None:
    mappings = {mapping.start: mapping for mapping in target.mappings()}
    # One name for one allocation: what is asked once is not asked again.
    assert mappings[BASE].name == "C:\\target.exe"
    assert mappings[BASE + PAGE].name == "C:\\target.exe"
    assert mappings[0x10000].name == mappings[HIGH + 0x10000].name == ""
    assert mappings[BASE + PAGE].native == struct.pack(
        "<QQIHHQIIII", BASE + PAGE, BASE, 4, 0, 0, 3 * PAGE, 0x1000, 0x20, IMAGE, 0
    )


def test_walk_that_stands_still_ends(
    target: WindowsTarget, fake: FakeWindows, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = structures.MemoryBasicInformation(base_address=0x5000, region_size=0, state=FREE)
    monkeypatch.setattr(WindowsSystem, "query", lambda *_: info)
    info.base_address = 0
    with pytest.raises(TargetError, match="stands still"):
        target.mappings()


def test_walk_of_an_ended_process(target: WindowsTarget, fake: FakeWindows) -> None:
    fake.ended = True
    with pytest.raises(TargetError, match="can't be walked at 0x0"):
        target.mappings()
    assert not target.alive()


def test_plans(target: WindowsTarget) -> None:
    mappings = target.mappings()
    plans = {m.start: list(plan) for m, plan in zip(mappings, target.plans(mappings), strict=True)}
    assert plans[0x10000] == [(4, Action.READ, "", 0)]
    assert plans[0x32000] == [(1, Action.SKIP, "guard", 0)]
    assert plans[0x40000] == [(1, Action.SKIP, "no_access", 0)]
    assert plans[0x50000] == [(1, Action.SKIP, "device", 0)]
    for mapping in mappings:
        assert sum(stretch.pages for stretch in plans[mapping.start]) == mapping.size // PAGE


def test_device_memory_on_request(system: WindowsSystem, fake: FakeWindows) -> None:
    target = Windows(system, devices=True).target(fake.pid)
    mapping = next(m for m in target.mappings() if m.start == 0x50000)
    assert list(target.plans([mapping])) == [[(1, Action.READ, "", 0)]]
    target.close()


def test_plan_sees_what_changed_since_the_walk(target: WindowsTarget, fake: FakeWindows) -> None:
    mapping = target.mappings()[0]
    fake.regions[0:1] = [Region(0x10000, 1), Region(0x11000, 1, protect=0x104), Region(0x13000, 1)]
    assert list(target.plans([mapping])) == [
        [
            (1, Action.READ, "", 0),
            (1, Action.SKIP, "guard", 0),
            (1, Action.READ, "", 0),
            (1, Action.READ, "", 0),
        ]
    ]


# Reading -----------------------------------------------------------------------------------


def test_read(target: WindowsTarget) -> None:
    mapping = target.mappings()[0]
    view = buffer(4)
    assert target.read(mapping, 0x10000, view) == 4 * PAGE
    assert bytes(view) == b"".join(pattern(0x10000 + PAGE * i) for i in range(4))


@pytest.mark.parametrize("reports", [True, False])
@pytest.mark.parametrize("surplus", [0, 100])
@pytest.mark.parametrize("bad", range(8))
def test_partial_read_is_whole_pages(
    system: WindowsSystem, fake: FakeWindows, bad: int, surplus: int, reports: bool
) -> None:
    fake.regions = [Region(0x10000, 8, unreadable={bad})]
    fake.partial_surplus, fake.reports_partial = surplus, reports
    target = Windows(system).target(fake.pid)
    mapping = target.mappings()[0]
    view = buffer(8)
    assert target.read(mapping, 0x10000, view) == bad * PAGE
    assert bytes(view[: bad * PAGE]) == b"".join(pattern(0x10000 + PAGE * i) for i in range(bad))
    failure = target.failure(mapping, 0x10000 + bad * PAGE, 8 - bad)
    assert failure == ("failed", "read_error", 299, 1)
    target.close()


def test_failures(target: WindowsTarget, fake: FakeWindows) -> None:
    mapping = target.mappings()[0]
    fake.regions[0:1] = [
        Region(0x10000, 1, protect=0x01),
        Region(0x11000, 1, state=RESERVE),
        Region(0x13000, 1, protect=0x104),
    ]
    # The error is that of the last read, if that was where it stopped.
    assert target.read(mapping, 0x10000, buffer(4)) == 0
    assert target.failure(mapping, 0x10000, 4) == ("failed", "no_access", 299, 1)
    assert target.failure(mapping, 0x11000, 3) == ("unmapped", "decommitted", 0, 1)
    assert target.failure(mapping, 0x12000, 2) == ("unmapped", "unmapped", 0, 1)
    assert target.failure(mapping, 0x13000, 1) == ("failed", "guard", 0, 1)


def test_vanishes_between_walk_and_read(target: WindowsTarget, fake: FakeWindows) -> None:
    mapping = target.mappings()[0]
    view = buffer(4)

    def vanish(address: int) -> None:
        fake.regions = [region for region in fake.regions if region.start != 0x10000]

    fake.before_read = vanish
    assert target.read(mapping, 0x10000, view) == 0
    assert bytes(view) == b"\xaa" * 4 * PAGE
    assert target.failure(mapping, 0x10000, 4) == ("unmapped", "unmapped", 299, 4)


def test_target_ends_between_walk_and_read(target: WindowsTarget, fake: FakeWindows) -> None:
    mapping = target.mappings()[0]
    fake.ended = True
    assert target.read(mapping, 0x10000, buffer(4)) == 0
    assert target.failure(mapping, 0x10000, 4) == ("unmapped", "gone", 5, 4)


def test_no_answer_is_not_unmapped(
    target: WindowsTarget, fake: FakeWindows, monkeypatch: pytest.MonkeyPatch
) -> None:
    mapping = target.mappings()[0]
    monkeypatch.setattr(fake, "regions", [])
    real = WindowsSystem._checked

    def refuse(self: WindowsSystem, name: str, *arguments: object) -> int:
        if name == "VirtualQueryEx":
            arguments = (0xBAD, *arguments[1:])
        return real(self, name, *arguments)

    monkeypatch.setattr(WindowsSystem, "_checked", refuse)
    assert target.failure(mapping, 0x10000, 4) == ("failed", "no_answer", 6, 1)
    fake.bad_arguments.clear()


def test_read_pages_never_asks_twice_for_what_came() -> None:
    asked: list[tuple[int, int]] = []

    def copy(address: int, into: memoryview) -> int:
        asked.append((address, len(into)))
        return 0 if address + len(into) > 0x5000 else len(into)

    assert read_pages(copy, 0, memoryview(bytearray(0x10000 + 7)), 0x1000) == 0x5000
    assert len(asked) < 16
    assert asked[-1] == (0x5000, 0x1000)


# Freezing ----------------------------------------------------------------------------------


def test_suspend_and_resume(target: WindowsTarget, fake: FakeWindows) -> None:
    before = fake.suspended()
    began = time.time_ns()
    frozen = target.freeze("suspend", None)
    assert fake.suspended() == {11: 1, 12: 2}
    assert began <= frozen.began <= time.time_ns()
    assert (frozen.method, frozen.ended, frozen.why_ended) == ("suspend", 0, "")
    frozen.thaw()
    frozen.thaw()
    assert fake.suspended() == before
    assert frozen.ended >= frozen.began
    assert frozen.why_ended == "done"
    assert fake.calls == ["suspend", "resume"]


def test_none_touches_nothing(target: WindowsTarget, fake: FakeWindows) -> None:
    frozen = target.freeze("none", 0.01)
    threads = target.threads(frozen)
    assert [(thread.registers, thread.flags) for thread in threads] == [((), ("partial",))] * 2
    frozen.thaw()
    assert fake.calls == []
    assert frozen.why_ended == "done"


def test_closing_undoes_the_freeze(system: WindowsSystem, fake: FakeWindows) -> None:
    target = Windows(system).target(fake.pid)
    target.freeze("suspend", None)
    target.close()
    assert fake.suspended() == {11: 0, 12: 1}


def test_interrupt_behind_the_call_undoes_the_freeze(
    target: WindowsTarget, fake: FakeWindows, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = WindowsSystem.suspend_process

    def interrupted(self: WindowsSystem, process: int) -> None:
        real(self, process)
        raise KeyboardInterrupt

    monkeypatch.setattr(WindowsSystem, "suspend_process", interrupted)
    with pytest.raises(KeyboardInterrupt):
        target.freeze("suspend", 60)
    assert fake.suspended() == {11: 0, 12: 1}


def test_refused_freeze_leaves_everything(target: WindowsTarget, fake: FakeWindows) -> None:
    fake.suspend_status = -0x3FFFFFDE
    others = set(threading.enumerate())
    with pytest.raises(TargetError, match=r"can't be suspended.*0xc0000022.*none"):
        target.freeze("suspend", 60)
    target.close()
    assert fake.calls == ["suspend"]
    # The thread that would have watched over the freeze ends, a minute before its time.
    wait_until(
        lambda: (
            not [t for t in set(threading.enumerate()) - others if isinstance(t, threading.Timer)]
        )
    )


def test_time_is_up(target: WindowsTarget, fake: FakeWindows) -> None:
    seen = []
    fake.on_suspend = lambda: seen.append(fake.suspended())
    asked = time.time_ns()
    frozen = target.freeze("suspend", 0.05)
    wait_until(lambda: frozen.ended)
    assert seen == [{11: 1, 12: 2}]
    assert fake.suspended() == {11: 0, 12: 1}
    assert frozen.why_ended == "max_freeze"
    assert frozen.ended - asked > 0.04e9  # it counts from before the first thread is touched
    frozen.thaw()
    assert fake.calls == ["suspend", "resume"]


def test_time_that_is_up_at_once_does_not_resume_first(
    target: WindowsTarget, fake: FakeWindows
) -> None:
    fake.on_suspend = lambda: time.sleep(0.05)
    frozen = target.freeze("suspend", 0.0)
    wait_until(lambda: frozen.ended)
    assert fake.calls == ["suspend", "resume"]
    assert fake.suspended() == {11: 0, 12: 1}


def test_target_ends_while_frozen(target: WindowsTarget, fake: FakeWindows) -> None:
    frozen = target.freeze("suspend", None)
    fake.ended = True
    frozen.thaw()
    assert frozen.why_ended == "gone"


def test_failed_resume_is_said_and_tried_again(target: WindowsTarget, fake: FakeWindows) -> None:
    frozen = target.freeze("suspend", None)
    fake.resume_status = -0x3FFFFFDE
    with pytest.raises(TargetError, match=r"could not be resumed.*acquire --resume"):
        frozen.thaw()
    assert frozen.ended == 0
    fake.resume_status = 0
    frozen.thaw()
    assert fake.suspended() == {11: 0, 12: 1}


def test_the_report_tells_of_a_target_that_is_not_let_go(
    system: WindowsSystem, fake: FakeWindows, tmp_path: Path
) -> None:
    fake.resume_status = -0x3FFFFFDE
    report = tmp_path / "report.json"
    with pytest.raises(TargetError, match="could not be resumed"):
        acquire(
            fake.pid, tmp_path / "a.msl", report=report, backend=Windows(system), max_freeze=None
        )
    told = json.loads(report.read_text())
    assert told["status"] == "defect"
    assert "could not be resumed" in told["detail"]


def wait_until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


# What else is known ------------------------------------------------------------------------


def test_threads(target: WindowsTarget) -> None:
    frozen = target.freeze("suspend", None)
    first, second = target.threads(frozen)
    assert (first.thread_id, first.start_time) == (11, 1_700_000_001 * 10**9)
    assert (first.thread_state, first.flags) == ("unknown", ())
    registers = {register.name: register for register in first.registers}
    assert registers["rip"].value == (0x1_4000_1234).to_bytes(8, "little")
    assert registers["rsp"].value == (0x33800).to_bytes(8, "little")
    assert {n: r.flags for n, r in registers.items() if r.flags} == {
        "rip": ("pc",),
        "rsp": ("sp",),
        "rbp": ("fp",),
        "eflags": ("flags",),
    }
    numbers = {n: int.from_bytes(r.value, "little") for n, r in registers.items() if n[0] != "x"}
    segments = {"cs": 0x33, "ds": 0x2B, "es": 0x2B, "fs": 0x53, "gs": 0x2C, "ss": 0x2D}
    classic = {"rax": 0xA0, "rcx": 0xC0, "rdx": 0xD0, "rbx": 0xB0, "rbp": 0xBB, "rsi": 0x51}
    assert numbers == {
        **classic,
        "rdi": 0xD1,
        "rsp": 0x33800,
        "rip": 0x1_4000_1234,
        "eflags": 0x246,
        "mxcsr": 0x1F80,
        **{f"r{n}": n * 0x100 for n in range(8, 16)},
        **{f"dr{n}": 0 for n in (0, 1, 2, 3, 6, 7)},
        "gs_base": TEBS + 11 * PAGE,
        **{f"st{n}": int.from_bytes(bytes([0xF0 + n]) * 10, "little") for n in range(8)},
        **dict(zip(("fctrl", "fstat", "ftag", "fop"), (0x37F, 0x38, 0x80, 0x7E9), strict=True)),
        **{name: n for n, name in enumerate(("fioff", "fiseg", "fooff", "foseg"), 1)},
        **segments,
    }
    assert all(registers[f"xmm{n}"].value == bytes([n]) * 16 for n in range(16))
    # It had been suspended before, by somebody else.
    assert (second.thread_state, second.flags) == ("stopped", ("suspended",))
    frozen.thaw()


def test_threads_that_resist(target: WindowsTarget, fake: FakeWindows) -> None:
    fake.threads[13] = FakeThread(refused=True)
    fake.threads[14] = FakeThread()
    fake.threads[15] = FakeThread(context=context_bytes(1, 2), born_late=True)
    frozen = target.freeze("suspend", None)
    threads = {thread.thread_id: thread for thread in target.threads(frozen)}
    assert threads[13].registers == threads[14].registers == ()
    assert threads[13].flags == threads[14].flags == ("partial",)
    assert sorted(frozen.facts["thread_errors"]) == [13, 14]
    assert frozen.facts["not_stopped"] == [15]
    # Each was left as it was found.
    assert fake.suspended() == {11: 1, 12: 2, 13: 1, 14: 1, 15: 0}
    # Who stands still is not suspended once more: if we were killed then, it would stay so.
    assert fake.calls.count("suspend thread") == 1
    frozen.thaw()


def test_threads_of_a_system_that_does_not_tell_counts(
    target: WindowsTarget, fake: FakeWindows
) -> None:
    fake.tells_counts = False
    frozen = target.freeze("suspend", None)
    first, second = target.threads(frozen)
    assert first.registers
    assert second.flags == ("suspended",)
    assert fake.suspended() == {11: 1, 12: 2}
    frozen.thaw()


def test_registers_of_other_processors_are_not_made_up(
    target: WindowsTarget, fake: FakeWindows
) -> None:
    fake.machine = (0x1C4, 0xAA64)
    frozen = target.freeze("suspend", None)
    assert {(t.registers, t.flags[0]) for t in target.threads(frozen)} == {((), "partial")}
    assert target.identity().arch_type == "arm32"
    frozen.thaw()


@pytest.mark.parametrize(
    ("machine", "name"),
    [
        ((0, 0x8664), "x86_64"),
        ((0, 0x14C), "x86"),
        ((0x1C4, 0xAA64), "arm32"),
        ((0, 0xAA64), "unknown"),
    ],
)
def test_architecture(
    target: WindowsTarget, fake: FakeWindows, machine: tuple[int, int], name: str
) -> None:
    fake.machine = machine
    assert target.identity().arch_type == name


def test_identity(target: WindowsTarget, fake: FakeWindows) -> None:
    fake.command_line = 'target.exe "späß 😀"'
    identity = target.identity()
    assert (identity.pid, identity.ppid, identity.session_id) == (fake.pid, 4, 3)
    assert identity.start_time == 1_700_000_000 * 10**9
    assert (identity.exe_path, identity.cmd_line) == ("C:\\target.exe", 'target.exe "späß 😀"')
    assert (identity.name, identity.os_type, identity.page_size) == ("Target.exe", "windows", 4096)
    assert target.resident() == 123456


def test_what_is_not_told_stays_empty(target: WindowsTarget, fake: FakeWindows) -> None:
    fake.snapshot_errors = [5]
    identity = target.identity()
    assert (identity.ppid, identity.name) == (0, "")
    assert target.facts()["unknown"] == {"parent": "CreateToolhelp32Snapshot failed with error 0x5"}


def test_modules(target: WindowsTarget, fake: FakeWindows, tmp_path: Path) -> None:
    file = tmp_path / "a.dll"
    file.write_bytes(b"abc")
    fake.modules.append((0x5000_0000, 0x3000, str(file)))
    # The list changes while it is taken: the documentation says to try again.
    fake.snapshot_errors = [24, 24]
    target.prepare()
    modules = target.modules(target.mappings())
    assert [(m.base_addr, m.module_size, m.path) for m in modules] == [
        (0x5000_0000, 0x3000, str(file)),
        (BASE, 6 * PAGE, "C:\\target.exe"),
        (HIGH + 0x100000, 0x5000, "C:\\Windows\\ntdll.dll"),
    ]
    # BLAKE3 of "abc", from its own test vectors; there are no files for the others.
    assert modules[0].disk_hash == bytes.fromhex(
        "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85"
    )
    assert modules[1].disk_hash is None
    assert target.facts()["modules_from"] == "toolhelp"


@pytest.mark.parametrize(
    ("path", "opened"),
    [
        ("\\\\server\\share\\a.dll", False),
        ("//server/share/a.dll", False),
        ("\\/server\\share\\a.dll", False),
        ("\\\\.\\pipe\\a", False),
        ("\\\\?\\UNC\\server\\share\\a.dll", False),
        ("\\??\\UNC\\server\\share\\a.dll", False),
        ("\\\\?\\GLOBALROOT\\Device\\Mup\\server\\a.dll", False),
        ("\\\\?\\C:\\a.dll", True),
        ("C:\\a.dll", True),
    ],
)
def test_nobody_else_is_asked_for_a_module(
    target: WindowsTarget,
    fake: FakeWindows,
    path: str,
    opened: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A program writes into its loader's list what it likes: a server would learn who we are."""
    asked: list[str] = []

    def look(path: str, *_: object) -> FileFound:
        asked.append(path)
        return FileFound()

    monkeypatch.setattr("msl_acquire.windows.modules.hash_file", look)
    fake.modules.append((0x5000_0000, 0x3000, path))
    target.prepare()
    module = target.modules(target.mappings())[0]
    assert (module.path, module.disk_hash) == (path, None)
    assert (path in asked) == opened
    assert (path in target.facts()["module_problems"]) != opened


def test_modules_without_toolhelp(target: WindowsTarget, fake: FakeWindows) -> None:
    fake.module_error = 24
    target.prepare()
    assert [(m.base_addr, m.module_size, m.path) for m in target.modules(target.mappings())] == [
        (BASE, 6 * PAGE, "C:\\target.exe")
    ]
    assert target.facts()["modules_from"] == "mappings"


def test_only_regular_files_are_hashed(tmp_path: Path) -> None:
    def problem(path: str) -> str:
        found = hash_file(path, "blake3", lambda: None)
        assert found.disk_hash is None
        return found.problem

    assert problem(str(tmp_path)) == problem("/dev/zero") == "not hashed: it is no regular file"
    assert problem("C:\\not\\there") == "can't be read: No such file or directory"
    assert problem("a\0b").startswith("can't be read: ")


def test_find(system: WindowsSystem, fake: FakeWindows) -> None:
    fake.processes += [(900, 4, "target.EXE"), (800, 4, "other.exe")]
    backend = Windows(system)
    assert backend.find("target") == backend.find("TARGET.exe") == [900, fake.pid]
    assert backend.find("targe") == []
    assert backend.freezers[0] == "suspend"


def test_we_are_never_meant(
    system: WindowsSystem, fake: FakeWindows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is our guardian, which could let nobody go while it is stopped itself."""
    fake.processes += [(61, fake.pid, "target.exe"), (62, 61, "guardian"), (63, fake.pid, "other")]
    fake.started |= {number: filetime(1_700_000_100) for number in (61, 62, 63)}
    monkeypatch.setattr("os.getpid", lambda: 61)
    assert Windows(system).members("name", "target") == [fake.pid]
    assert Windows(system).children(fake.pid) == [63]


def test_children(system: WindowsSystem, fake: FakeWindows) -> None:
    pid = fake.pid
    # 63 claims a parent that is younger than itself: the number was used again.
    fake.processes += [(61, pid, "a"), (62, 61, "b"), (63, pid, "c"), (64, 63, "d")]
    fake.started |= {61: filetime(1_700_000_100), 63: filetime(1_600_000_000)}
    assert Windows(system).children(pid) == [61, 62]


def test_host(system: WindowsSystem) -> None:
    host = Windows(system).host()
    assert abs(time.time_ns() - 5 * 10**9 - int(host["boot_time"])) < 5 * 10**9
    assert host["boot_id"] == ""


# All together ------------------------------------------------------------------------------


def test_session(system: WindowsSystem, fake: FakeWindows) -> None:
    """A dump through the session: every page of it is what the model says it is."""
    from msl_acquire.options import Options
    from msl_acquire.session import Session

    fake.regions[0].unreadable = {2}
    file = io.BytesIO()
    report = Session(Windows(system), fake.pid, file, Options()).run()
    assert report.status == "complete"
    assert fake.suspended() == {11: 0, 12: 1}
    expected = {
        (region.start + PAGE * number): (
            pattern(region.start + PAGE * number)
            if region.protect in (0x02, 0x04, 0x08, 0x20) and number not in region.unreadable
            else "failed"
        )
        for region in fake.regions
        if region.state == 0x1000
        for number in range(region.pages)
    }
    assert pages_of(file.getvalue(), PAGE) == expected


# What a process keeps of itself ------------------------------------------------------------


def test_command_line_from_the_parameters(target: WindowsTarget, fake: FakeWindows) -> None:
    """Wine has no class 60, nor has Windows 8."""
    fake.command_line, fake.command_line_status = 'target.exe \u540d "a b"', -0x3FFFFFFD
    assert target.identity().cmd_line == 'target.exe \u540d "a b"'
    assert "unknown" not in target.facts()


def test_environment(target: WindowsTarget) -> None:
    assert target.facts()["environment"]["variables"] == ["A=1", "=C:=C:\\", "\u540d=\u00e4"]


def test_an_environment_that_is_too_long_says_so(
    target: WindowsTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = target.facts()["environment"]
    monkeypatch.setattr("msl_acquire.windows.peb._MOST_ENVIRONMENT", 8)
    cut = target.facts()["environment"]
    assert whole["state"] == "as strings"
    assert (cut["size"], cut["variables"]) == (8, ["A=1"])
    assert re.fullmatch(
        r"as strings, without their end: \d+ bytes are said to be there", cut["state"]
    )


def test_heaps_and_stacks(target: WindowsTarget, fake: FakeWindows) -> None:
    """All that lies in the allocation of one: the guard page below a stack as well."""
    fake.heaps = [0x10000, 0x7777_0000]
    fake.threads[11].stack = (0x36000, 0x33000)
    fake.threads[12].stack = (BASE + 2 * PAGE, BASE)  # in an image, which it stays
    found = {mapping.start: mapping.region_type for mapping in target.mappings()}
    assert found[0x10000] == "heap"
    assert found[0x32000] == found[0x33000] == "stack"
    assert found[0x40000] == "anonymous"
    assert found[BASE] == found[BASE + PAGE] == "image"


def test_what_is_known_of_threads(target: WindowsTarget, fake: FakeWindows) -> None:
    fake.threads[11].name, fake.threads[11].stack = "worker \u540d", (0x36000, 0x33000)
    frozen = target.freeze("suspend", None)
    assert [thread.name for thread in target.threads(frozen)] == ["worker \u540d", ""]
    assert target.facts()["thread_facts"][11] == {
        "teb": hex(TEBS + 11 * PAGE),
        "stack_base": "0x36000",
        "stack_limit": "0x33000",
        "start_address": "0x14000000b",
    }
    frozen.thaw()
    assert fake.texts == {}


def test_no_names_of_threads_before_windows_10(fake: FakeWindows) -> None:
    del fake.GetThreadDescription
    target = Windows(WindowsSystem(lambda _: fake, fake.last_error)).target(fake.pid)
    assert [t.name for t in target.threads(target.freeze("none", None))] == ["", ""]
    target.close()


@pytest.mark.parametrize(
    ("device", "path"),
    [
        ("\\Device\\HarddiskVolume3\\x\\y.dll", "D:\\x\\y.dll"),
        ("\\device\\harddiskvolume3\\x", "D:\\x"),
        ("\\Device\\HarddiskVolume33\\x", "\\Device\\HarddiskVolume33\\x"),
        ("\\Device\\ImDisk\\0\\x\\y", "E:\\x\\y"),
        ("\\??\\C:\\windows\\l_intl.nls\0", "C:\\windows\\l_intl.nls"),
        ("\\??\\UNC\\server\\share\\a", "\\\\server\\share\\a"),
        ("\\Device\\Mup\\server\\share\\a", "\\\\server\\share\\a"),
        ("\\Device\\HarddiskVolume3", "\\Device\\HarddiskVolume3"),
        ("", ""),
    ],
)
def test_device_paths(system: WindowsSystem, fake: FakeWindows, device: str, path: str) -> None:
    fake.drives = {
        "D:": "\\Device\\HarddiskVolume3",
        "E:": "\\Device\\ImDisk\\0",
        "S:": "\\Device\\HarddiskVolume3",  # subst
    }
    assert DeviceNames(system).path(device) == path
