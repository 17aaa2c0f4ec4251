"""Who holds a Windows process, without Windows: the guardian's program, and how it is watched."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from msl_acquire.plain_target import CallFailed
from msl_acquire.suspension import Suspension
from msl_acquire.windows.console import heard
from msl_acquire.windows.guardian import (
    StoppedThreads,
    TargetCopier,
    TargetKeeper,
    Teller,
    serve,
)
from msl_acquire.windows.guardian_link import GuardianLink
from msl_construct.errors import TargetError

PATIENCE = 60


class Calls:
    """A target that is stopped as often as it was."""

    def __init__(self, refusal: int = 0) -> None:
        self.way = "suspend_process"
        self.count = 0
        self.refusal = refusal
        self.let_go = threading.Event()

    def suspend(self) -> int:
        self.count += not self.refusal
        return self.refusal

    def resume(self) -> int:
        if self.refusal:
            return self.refusal
        self.count -= 1
        self.let_go.set()
        return 0


def answers(keeper: TargetKeeper, *words: bytes) -> list[str]:
    out = io.BytesIO()
    serve(keeper, io.BytesIO(b"".join(word + b"\n" for word in words)), out)
    return out.getvalue().decode().splitlines()


def test_what_it_answers() -> None:
    calls = Calls()
    words = (b"suspend", b"suspend", b"resume", b"resume")
    held = "held suspend_process"
    assert answers(TargetKeeper(calls, 0), *words) == ["ready", held, held, *["released done"] * 2]
    assert calls.count == 0


@pytest.mark.parametrize("words", [(b"suspend",), (b"suspend", b"nonsense")])
def test_who_tells_nothing_more_holds_nothing(words: tuple[bytes, ...]) -> None:
    calls = Calls()
    try:
        answers(TargetKeeper(calls, 0), *words)
    except KeyError:
        assert words[1:]
    assert calls.let_go.is_set()
    assert calls.count == 0


def test_the_bound_is_kept() -> None:
    calls = Calls()
    keeper = TargetKeeper(calls, 0.01)
    keeper.suspend()
    assert calls.let_go.wait(PATIENCE)
    assert keeper.release() == "released max_freeze"
    assert calls.count == 0


def test_refusals() -> None:
    calls = Calls(-0x3FFFFFDE)
    keeper = TargetKeeper(calls, 10)
    assert keeper.suspend() == "refused 0xc0000022"
    assert keeper.release() == "released done"
    calls.refusal = 0
    keeper.suspend()
    calls.refusal = -0x3FFFFFDE
    assert keeper.release() == "failed 0xc0000022"
    calls.refusal = 0
    assert keeper.release() == "released done"
    assert calls.count == 0


class Copies:
    """A process 7 in a snapshot 5."""

    def __init__(self, code: int = 0, *, another: bool = True) -> None:
        self.code = code
        self.another = another
        self.done: list[str] = []

    def capture(self) -> tuple[int, int]:
        return self.code, 5

    def copy_in(self, snapshot: int) -> tuple[int, int]:
        assert snapshot == 5
        return 0, 7

    def is_another(self, process: int) -> bool:
        return self.another

    def end(self, process: int) -> None:
        self.done.append(f"end {process}")

    def free(self, snapshot: int) -> None:
        self.done.append(f"free {snapshot}")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((b"copy",), ["copied 7"]),
        ((b"suspend", b"copy"), ["held suspend_process", "copied 7"]),
        ((b"copy", b"resume", b"discard"), ["copied 7", "released done", "discarded done"]),
    ],
)
def test_no_copy_outlives_who_is_told_nothing_more(
    words: tuple[bytes, ...], expected: list[str]
) -> None:
    calls, copies, out = Calls(), Copies(), io.BytesIO()
    lines = io.BytesIO(b"".join(word + b"\n" for word in words))
    serve(TargetKeeper(calls, 0), lines, out, TargetCopier(copies))
    assert out.getvalue().decode().splitlines() == ["ready", *expected]
    assert copies.done == ["end 7", "free 5"]
    assert calls.count == 0


def test_copies_that_are_refused() -> None:
    refused, target = Copies(8), Copies(another=False)
    assert TargetCopier(refused).answer_copy() == "refused 0x8"
    assert refused.done == []
    copier = TargetCopier(target)
    assert copier.answer_copy() == "refused 0x6"
    copier.discard()
    assert target.done == ["free 5"], "what is no copy was ended"


# How it is watched, by a process of its own whose target is a file with a count -------------

PROGRAM = """
import sys
from pathlib import Path
from msl_acquire.windows.guardian import StoppedThreads, TargetCopier, TargetKeeper, serve
count = Path(sys.argv[1])
copies = Path(sys.argv[1] + " copies")
class Copies:
    def capture(self):
        copies.touch()
        return 8 if sys.argv[2] == "no room" else 0, 5
    def copy_in(self, snapshot):
        return 0, 7
    def is_another(self, process):
        return True
    def end(self, process):
        copies.unlink()
    def free(self, snapshot):
        pass
class Calls:
    way = "suspend_process"
    def add(self, more):
        count.write_text(str(int(count.read_text()) + more))
        return 0
    def suspend(self):
        if sys.argv[2] == "dies before":
            sys.exit()
        self.add(1)
        if sys.argv[2] == "hangs":
            import time
            time.sleep(60)
        if sys.argv[2] == "dies behind":
            import os
            os._exit(0)
        return 0
    def resume(self):
        return self.add(-1)
if sys.argv[2] == "mute":
    sys.exit()
copier = TargetCopier(Copies())
serve(TargetKeeper(Calls(), 0), sys.stdin.buffer, sys.stdout.buffer, copier)
"""


class Held:
    """A guardian of a file, and what its watcher did."""

    def __init__(self, count: Path, how: str, found: int) -> None:
        self.count = count
        count.write_text(str(found))
        self.lost = threading.Event()
        self.undone = 0
        self.untold = self.interrupted = False
        self.process: subprocess.Popen[bytes] | None = None

        def start() -> subprocess.Popen[bytes]:
            command = [sys.executable, "-c", PROGRAM, str(count), how]
            pipe = subprocess.PIPE
            self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe)
            return self.process

        self.guardian = GuardianLink(start, self.lost.set, self.counts, self.undo)

    def counts(self) -> dict[int, int]:
        if self.interrupted:
            raise KeyboardInterrupt
        if self.untold:
            return {}
        return {1: int(self.count.read_text()), 2: int(self.count.read_text()) + 1}

    def undo(self) -> None:
        self.undone += 1
        self.count.write_text(str(int(self.count.read_text()) - 1))

    def close(self) -> None:
        self.guardian.close()
        assert self.process is not None
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture(params=[0, 2], ids=["running", "found stopped"])
def found(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture
def made(tmp_path: Path, found: int) -> Iterator[list[Held]]:
    made: list[Held] = []
    yield made
    for held in made:
        held.close()
        assert held.count.read_text() == str(found), "the target is not as it was found"


def test_held_and_let_go(tmp_path: Path, made: list[Held], found: int) -> None:
    made.append(held := Held(tmp_path / "count", "well", found))
    held.guardian.ready()
    for _ in range(2):
        held.guardian.suspend()
        assert held.count.read_text() == str(found + 1)
        assert held.guardian.resume() == ""
        assert held.count.read_text() == str(found)
    assert held.guardian.facts["found_stopped"] == (found > 0)
    assert held.guardian.facts["held_by"] == "suspend_process"
    assert not held.undone


@pytest.mark.parametrize("how", ["discarded", "closed"])
def test_copied(tmp_path: Path, made: list[Held], found: int, how: str) -> None:
    made.append(held := Held(tmp_path / "count", "well", found))
    copies = tmp_path / "count copies"
    held.guardian.ready()
    held.guardian.discard()
    held.guardian.suspend()
    assert held.guardian.copy() == 7
    assert held.guardian.resume() == ""
    assert copies.exists()
    if how == "discarded":
        held.guardian.discard()
    else:
        held.guardian.close()
    assert not copies.exists()


def test_a_copy_that_is_refused_leaves_it_held(
    tmp_path: Path, made: list[Held], found: int
) -> None:
    made.append(held := Held(tmp_path / "count", "no room", found))
    held.guardian.ready()
    held.guardian.suspend()
    with pytest.raises(CallFailed, match="PssCaptureSnapshot failed with error 0x8"):
        held.guardian.copy()
    assert held.count.read_text() == str(found + 1)
    assert held.guardian.resume() == ""


def test_whoever_asks_waits_for_the_answer_to_another(
    tmp_path: Path, made: list[Held], found: int
) -> None:
    """The bound of a stop runs out while a copy is made: each has its own answer."""
    made.append(held := Held(tmp_path / "count", "well", found))
    held.guardian.ready()
    held.guardian.suspend()
    assert held.process is not None
    said: list[str] = []
    timer = threading.Thread(target=lambda: said.append(held.guardian.resume()))
    pipe, words = held.process.stdin, list[bytes]()

    class Words:
        """Of whoever asks first the word is not yet written when somebody else begins to."""

        def write(self, word: bytes) -> None:
            words.append(word)
            if word == b"copy\n":
                timer.start()
                timer.join(0.2)
                assert words == [word]
            assert pipe is not None
            pipe.write(word)

        def flush(self) -> None:
            assert pipe is not None
            pipe.flush()

    held.process.stdin = Words()  # type: ignore[assignment]
    try:
        assert held.guardian.copy() == 7
        timer.join(PATIENCE)
    finally:
        held.process.stdin = pipe
    assert said == [""]
    assert words == [b"copy\n", b"resume\n"]
    assert held.count.read_text() == str(found)


def test_killed_while_it_holds(tmp_path: Path, made: list[Held], found: int) -> None:
    made.append(held := Held(tmp_path / "count", "well", found))
    held.guardian.ready()
    held.guardian.suspend()
    assert held.process is not None
    os.kill(held.process.pid, signal.SIGKILL)
    assert held.lost.wait(PATIENCE)
    assert held.undone == 1
    assert held.guardian.resume() == "guardian_ended"


@pytest.mark.parametrize(("how", "undone"), [("dies before", 0), ("dies behind", 1)])
def test_ends_while_it_is_asked(
    tmp_path: Path, made: list[Held], found: int, how: str, undone: int
) -> None:
    """Nobody was told whether it had stopped the target; the counts say so."""
    made.append(held := Held(tmp_path / "count", how, found))
    held.guardian.ready()
    with pytest.raises(CallFailed, match="the guardian failed"):
        held.guardian.suspend()
    assert held.undone == undone
    assert not held.lost.is_set()
    with pytest.raises(CallFailed):
        held.guardian.suspend()


def test_who_does_not_answer(
    tmp_path: Path, made: list[Held], found: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody knows whether it has stopped the target when it is given up."""
    for bound, seconds in (("_ANSWERING", 3.0), ("_ENDING", 1.0)):
        monkeypatch.setattr(f"msl_acquire.windows.guardian_link.{bound}", seconds)
    made.append(held := Held(tmp_path / "count", "hangs", found))
    held.guardian.ready()
    with pytest.raises(CallFailed, match="the guardian failed"):
        held.guardian.suspend()
    assert held.undone == 1


@pytest.mark.parametrize("later", [True, False])
def test_killed_when_no_counts_are_told(
    tmp_path: Path, made: list[Held], found: int, later: bool
) -> None:
    made.append(held := Held(tmp_path / "count", "well", found))
    held.guardian.ready()
    held.untold = True
    held.guardian.suspend()
    held.untold = not later
    assert held.process is not None
    os.kill(held.process.pid, signal.SIGKILL)
    assert held.lost.wait(PATIENCE)
    assert held.undone == 1


def test_closed_while_it_holds(tmp_path: Path, made: list[Held], found: int) -> None:
    made.append(held := Held(tmp_path / "count", "well", found))
    held.guardian.ready()
    held.guardian.suspend()
    held.guardian.close()
    assert not held.undone


def test_interrupted_before_it_is_asked(tmp_path: Path, made: list[Held], found: int) -> None:
    """What stood still before us does so behind us."""
    made.append(held := Held(tmp_path / "count", "well", found))
    held.guardian.ready()
    held.interrupted = True
    with pytest.raises(KeyboardInterrupt):
        held.guardian.suspend()
    held.interrupted = False
    assert held.guardian.resume() == ""
    held.guardian.close()
    assert not held.undone


def test_who_does_not_start(tmp_path: Path, made: list[Held], found: int) -> None:
    made.append(held := Held(tmp_path / "count", "mute", found))
    with pytest.raises(TargetError, match="said 'nothing'; acquire it running"):
        held.guardian.ready()

    def refuse() -> subprocess.Popen[bytes]:
        raise PermissionError(13, "no")

    with pytest.raises(TargetError, match="no guardian can be started"):
        GuardianLink(refuse, held.lost.set, dict, held.undo)


def test_a_freeze_that_somebody_else_has_ended() -> None:
    calls: list[str] = []

    def resume() -> str:
        calls.append("resume")
        return "max_freeze"

    frozen = Suspension("suspend", lambda: calls.append("stop"), resume, lambda: True, None)
    frozen.lost("guardian_ended")
    assert not frozen.ended
    frozen.begin()
    frozen.thaw()
    assert frozen.why_ended == "max_freeze"
    frozen.lost("guardian_ended")
    assert frozen.why_ended == "max_freeze"
    other = Suspension("suspend", lambda: None, resume, lambda: True, None)
    other.begin()
    other.lost("guardian_ended")
    other.thaw()
    assert other.why_ended == "guardian_ended"
    assert calls == ["stop", "resume"]


def test_console() -> None:
    asked: list[str] = []
    over = threading.Event()
    assert not heard(0, asked.append, over)  # Ctrl-C is a signal

    def request(why: str) -> None:
        asked.append(why)
        over.set()

    assert [heard(event, request, over) for event in (2, 5, 6)] == [True] * 3
    assert asked == ["the console was closed", "the user logs off", "the machine shuts down"]


# Thread by thread ---------------------------------------------------------------------------


class Threads:
    """Threads of a process by their numbers, and how often each is suspended."""

    def __init__(self, counts: dict[int, int]) -> None:
        self.counts = dict(counts)
        self.opened: set[int] = set()
        self.refused: set[int] = set()
        self.stuck: set[int] = set()
        self.births: list[int] = []

    def numbers(self) -> list[int]:
        return list(self.counts)

    def open(self, number: int) -> int:
        if number in self.refused:
            return 0
        self.opened.add(number)
        return number

    def count(self, handle: int) -> int:
        return self.counts[handle]

    def suspend(self, handle: int) -> bool:
        self.counts[handle] += 1
        if self.births:
            self.counts[self.births.pop()] = 0
        return True

    def resume(self, handle: int) -> bool:
        if handle in self.stuck:
            return False
        self.counts[handle] -= 1
        return True

    def close(self, handle: int) -> None:
        self.opened.remove(handle)


def test_stopped_one_by_one() -> None:
    threads = Threads({1: 0, 2: 3, 3: 0})
    threads.refused, threads.births = {3}, [5, 4]
    stopped = StoppedThreads(threads, lambda _: None)
    said = answers(TargetKeeper(stopped, 0), b"suspend", b"resume")
    assert said == ["ready", "held suspend_thread", "released done"]
    assert threads.counts == {1: 0, 2: 3, 3: 0, 4: 0, 5: 0}
    assert not threads.opened
    told: list[str] = []
    stopped = StoppedThreads(threads, told.append)
    assert stopped.suspend() == 0
    assert threads.counts == {1: 1, 2: 4, 3: 0, 4: 1, 5: 1}
    assert told == ["thread 1 0\nthread 2 3\nthread 4 0\nthread 5 0\n"]
    threads.stuck = {4}
    assert stopped.resume() < 0
    assert threads.counts == {1: 0, 2: 3, 3: 0, 4: 1, 5: 0}
    threads.stuck = set()
    assert stopped.resume() == 0
    assert threads.counts == {1: 0, 2: 3, 3: 0, 4: 0, 5: 0}
    assert not threads.opened


def test_a_number_that_comes_again() -> None:
    """A thread ended when it was to be stopped, and one that was born then has its number."""
    threads = Threads({1: 0, 2: 0, 3: 0})
    threads.refused = {2, 3}
    real = threads.suspend

    def suspend(handle: int) -> bool:
        threads.refused.discard(2)
        return real(handle)

    threads.suspend = suspend  # type: ignore[method-assign]
    stopped = StoppedThreads(threads, lambda _: None)
    assert stopped.suspend() == 0
    assert threads.counts == {1: 1, 2: 1, 3: 0}
    assert stopped.resume() == 0
    assert threads.counts == {1: 0, 2: 0, 3: 0}
    assert not threads.opened


def test_who_can_not_tell_lets_all_go() -> None:
    """Whoever would read which threads are stopped has ended, when some already are."""
    threads = Threads({1: 0, 2: 0})
    threads.births = [3]

    def tell(text: str) -> None:
        if text == "thread 3 0\n":
            assert threads.counts == {1: 1, 2: 1, 3: 0}
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        answers(TargetKeeper(StoppedThreads(threads, tell), 0), b"suspend")
    assert threads.counts == {1: 0, 2: 0, 3: 0}
    assert not threads.opened


def test_who_does_not_read_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads that stand still would wait with us: an acquirer that was stopped reads nothing."""
    monkeypatch.setattr("msl_acquire.windows.guardian._TELLING", 0.2)
    threads = Threads(dict.fromkeys(range(1, 20_001), 0))
    reading, writing = os.pipe()
    with open(writing, "wb", buffering=0) as out:
        with pytest.raises(TimeoutError, match="nobody reads"):
            StoppedThreads(threads, Teller(out)).suspend()
        assert set(threads.counts.values()) == {0}
        monkeypatch.setattr("msl_acquire.windows.guardian._TELLING", PATIENCE)
        os.close(reading)
        with pytest.raises(BrokenPipeError):
            Teller(out)("thread 1 0\n")
    with pytest.raises(OSError, match="closed file"):
        Teller(out)("thread 1 0\n")
    assert not threads.opened


def test_threads_without_end_are_not_waited_for() -> None:
    threads = Threads({1: 0})
    threads.births = list(range(2, 5000))
    stopped = StoppedThreads(threads, lambda _: None)
    assert stopped.suspend() == 0
    assert sum(threads.counts.values()) < 1000
    assert stopped.resume() == 0
    assert not any(threads.counts.values())


def test_nobody_to_stop() -> None:
    threads = Threads({1: 0})
    threads.refused = {1}
    keeper = TargetKeeper(StoppedThreads(threads, lambda _: None), 0)
    assert keeper.suspend() == "refused 0xc0000001"


PROGRAM_OF_THREADS = """
import os, sys
from pathlib import Path
from msl_acquire.windows.guardian import StoppedThreads, TargetKeeper, Teller, serve
folder, dies = Path(sys.argv[1]), sys.argv[2]
class Threads:
    calls = 0
    def numbers(self):
        return sorted(int(file.name) for file in folder.iterdir())
    def open(self, number):
        return number
    def count(self, number):
        return int((folder / str(number)).read_text()) if dies != "untold" else -1
    def add(self, number, more):
        file = folder / str(number)
        file.write_text(str(int(file.read_text()) + more))
        Threads.calls += 1
        if str(Threads.calls) == dies:
            os._exit(0)
        return True
    def suspend(self, number):
        return self.add(number, 1)
    def resume(self, number):
        return self.add(number, -1)
    def close(self, number):
        pass
tell = Teller(sys.stdout.buffer)
serve(TargetKeeper(StoppedThreads(Threads(), tell), 0), sys.stdin.buffer, sys.stdout.buffer)
"""


@pytest.mark.parametrize("dies", ["never", "untold", "uncounted", "1", "2", "3", "4", "5", "6"])
def test_each_thread_is_as_it_was_found(tmp_path: Path, dies: str) -> None:
    """The guardian ends behind any of its calls: what it has done is undone, and no more."""
    found = {1: 0, 2: 2, 3: 0}
    for number, count in found.items():
        (tmp_path / str(number)).write_text(str(count))

    def counts() -> dict[int, int]:
        return {int(file.name): int(file.read_text()) for file in tmp_path.iterdir()}

    def told() -> dict[int, int]:
        return {} if dies == "uncounted" else counts()

    def let_go_of(number: int) -> None:
        (tmp_path / str(number)).write_text(str(counts()[number] - 1))

    def start() -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", PROGRAM_OF_THREADS, str(tmp_path), dies]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    lost = threading.Event()
    guardian = GuardianLink(start, lost.set, told, pytest.fail, let_go_of)
    guardian.ready()
    if dies in ("1", "2", "3"):
        with pytest.raises(CallFailed, match="the guardian failed"):
            guardian.suspend()
    else:
        guardian.suspend()
        assert counts() == {1: 1, 2: 3, 3: 1}
        assert guardian.facts["held_by"] == "suspend_thread"
        if dies in ("untold", "uncounted"):
            assert guardian._process.poll() is None
            guardian._process.kill()
            assert lost.wait(PATIENCE)
        assert guardian.resume() == ("" if dies == "never" else "guardian_ended")
    guardian.close()
    assert counts() == found
    assert guardian._process.stdout is not None
    guardian._process.stdout.close()
