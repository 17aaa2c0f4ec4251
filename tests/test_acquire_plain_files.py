"""Files of modules on systems that tell no more of them than paths: bounded in time, and said."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from blake3 import blake3
from fakes.windows import IMAGE, PAGE, FakeWindows, Region

from msl_acquire import plain_files, shares
from msl_acquire.plain_files import FileFound, GoOn, hash_file, look_at
from msl_acquire.windows import Windows
from msl_acquire.windows.calls import WindowsSystem

LATE = "not hashed: its share of the time was up"


@pytest.fixture
def stalled() -> Iterator[threading.Event]:
    """A server that does not answer before this is over; whoever waits for it is gone then."""
    answers = threading.Event()
    yield answers
    answers.set()
    for thread in threading.enumerate():
        if thread.name == "msl-modules":
            thread.join(60)
            assert not thread.is_alive()


class Clock:
    """Time that goes on when it is told to: a machine that is busy takes nobody's share."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    for module in (plain_files, shares):
        monkeypatch.setattr(module, "time", clock)
    return clock


def hashed(path: str, go_on: GoOn) -> FileFound:
    return hash_file(path, "blake3", go_on)


def test_all_that_can_be_is_hashed(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("a", "b", "c")]
    for file in files[:2]:
        file.write_bytes(file.name.encode() * 3_000_000)
    found = look_at(map(str, files), hashed, 20)
    for file in files[:2]:
        assert found[str(file)] == FileFound(blake3(file.read_bytes()).digest())
    assert found[str(files[2])].problem == "can't be read: No such file or directory"
    assert look_at([], hashed, 20) == {}


def test_one_that_never_ends_takes_its_share_alone(clock: Clock) -> None:
    def look(path: str, go_on: GoOn) -> FileFound:
        while path == "endless":
            clock.now += 0.01
            go_on()
        return FileFound(path.encode())

    found = look_at(["program", "endless", "short"], look, 1)
    assert found == {
        "program": FileFound(b"program"),
        "endless": FileFound(problem=LATE),
        "short": FileFound(b"short"),
    }
    assert 1000 < clock.now < 1000.5


def test_where_one_stalls_its_file_system_is_given_up(
    stalled: threading.Event, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plain_files._Job, "place", lambda _, path: path[0])
    asked = []

    def look(path: str, _: GoOn) -> FileFound:
        asked.append(path)
        if path == "x:1":
            clock.now += 0.6
            stalled.wait()
        return FileFound(path.encode())

    found = look_at(["c:0", "x:1", "x:2", "c:3"], look, 1.5)
    gone = FileFound(problem="its file system did not answer in 0.5 s")
    assert found == {
        "c:0": FileFound(b"c:0"),
        "x:1": gone,
        "x:2": gone,
        "c:3": FileFound(b"c:3"),
    }
    assert "x:2" not in asked


def test_who_was_not_asked_is_not_said_to_be_silent(
    stalled: threading.Event, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a size is not told, nobody knows yet which files lie on the same file system."""

    def stat(path: str) -> os.stat_result:
        if path == "/server/b":
            clock.now += 0.6
            stalled.wait()
        return os.stat(os.curdir)

    monkeypatch.setattr(plain_files, "os", SimpleNamespace(stat=stat, path=os.path))
    found = look_at(["/a", "/server/b", "/c"], lambda path, _: FileFound(path.encode()), 1.5)
    assert found == {
        "/a": FileFound(b"/a"),
        "/server/b": FileFound(problem="its file system did not answer in 0.5 s"),
        "/c": FileFound(b"/c"),
    }


def test_what_was_not_reached_is_said(stalled: threading.Event, clock: Clock) -> None:
    def look(path: str, _: GoOn) -> FileFound:
        if path == "b":
            clock.now += 0.4
            stalled.wait()
        return FileFound(path.encode())

    found = look_at(["a", "b", "c"], look, 0.3)
    assert found == {
        "a": FileFound(b"a"),
        "b": FileFound(problem=LATE),
        "c": FileFound(problem=LATE),
    }


@pytest.mark.usefixtures("stalled")
def test_on_windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hash is absent, and the report says why."""
    large = tmp_path / "large.dll"
    with large.open("wb") as file:
        file.truncate(1 << 40)
    fake = FakeWindows()
    fake.regions = [Region(0x10000, 1, kind=IMAGE)]
    fake.modules = [(0x10000, PAGE, str(large))]
    monkeypatch.setattr("msl_acquire.windows.modules.SECONDS", 0.1)
    target = Windows(WindowsSystem(lambda _: fake, fake.last_error)).target(fake.pid)
    target.prepare()
    (module,) = target.modules(target.mappings())
    assert module.disk_hash is None
    assert target.facts()["module_problems"] == {str(large): LATE}
    target.close()
