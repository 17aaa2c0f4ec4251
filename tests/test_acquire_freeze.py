"""Freezing real programs: they stand still, and go on as they were found."""

from __future__ import annotations

import contextlib
import mmap
import os
import select
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from acquire_targets import Running, compiled, started
from sampling import part_of, sampled

if sys.platform != "linux":
    pytest.skip("needs Linux", allow_module_level=True)

from msl_acquire.linux.freeze import METHODS, freeze
from msl_acquire.linux.freeze.cgroup import ControlGroup, groups
from msl_acquire.linux.freeze.guardian import refusals
from msl_acquire.linux.freeze.guardian.grouping import Grouping
from msl_acquire.linux.threads import threads
from msl_construct.errors import TargetError

SLOTS = 4096
USR1, CONT, QUEUED, PROGRAMS, STARTED, MAY_END = range(2048, 2054)
HOLDING = [method for method in METHODS if method != "none"]
BOUND = 60.0
"""Seconds after which nothing is worth waiting for."""


class Counters:
    """The slots that freeze_counters.c counts in, seen through a mapping of our own."""

    def __init__(self, path: Path) -> None:
        path.write_bytes(bytes(8 * SLOTS))
        self.path = path
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), 8 * SLOTS)

    def __getitem__(self, slot: int) -> int:
        return int(struct.unpack_from("=Q", self._map, 8 * slot)[0])

    def let_child_end(self) -> None:
        struct.pack_into("=Q", self._map, 8 * MAY_END, 1)

    def now(self, slots: range | list[int]) -> list[int]:
        return [self[slot] for slot in slots]

    def stand_still(self, slots: range | list[int], seconds: float = 0.1) -> bool:
        before = self.now(slots)
        time.sleep(seconds)
        return self.now(slots) == before

    def all_move(self, slots: range | list[int]) -> bool:
        before = self.now(slots)
        return within(lambda: all(a != b for a, b in zip(before, self.now(slots))))


def within(condition: Callable[[], bool], seconds: float = BOUND) -> bool:
    """Whether the condition comes true in time."""
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.005)
    return True


def state(pid: int, thread_id: int | None = None) -> str:
    """The letter that the kernel has for it; empty if it's gone."""
    try:
        text = Path(f"/proc/{pid}/task/{thread_id or pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return text.rpartition(") ")[2].split()[0]


def thread_ids(pid: int) -> list[int]:
    """Numbers of its threads."""
    return [int(name) for name in os.listdir(f"/proc/{pid}/task")]


def all_stopped(pid: int) -> bool:
    """Whether every thread is."""
    return all(state(pid, number) == "T" for number in thread_ids(pid))


def need(method: str) -> None:
    """Skip where the system has nothing to freeze with."""
    if method == "cgroup" and not any(
        os.access(group.directory, os.W_OK) for group in groups(os.getpid())
    ):
        pytest.skip("needs a writable control group (version 2, or the freezer of version 1)")


@contextlib.contextmanager
def counting(
    tmp_path: Path, mode: str = "count", number: int = 3
) -> Iterator[tuple[Running, Counters]]:
    counters = Counters(tmp_path / "slots")
    program = str(compiled("freeze_counters"))
    with started([program, str(counters.path), mode, str(number)]) as (process, _):
        yield process, counters


ACQUIRER = """
import os, sys
from msl_acquire.linux.freeze import freeze
limit = float(sys.argv[3]) if len(sys.argv) > 3 else None
hold = freeze(int(sys.argv[1]), sys.argv[2], limit)
print("frozen", hold.facts.get("guardian", 0), flush=True)
print("asked", os.read(0, 1), flush=True)
before = hold.why_ended
hold.thaw()
print(before, hold.why_ended, hold.ended - hold.began, flush=True)
"""


@contextlib.contextmanager
def acquirer(pid: int, method: str, limit: float | None = None) -> Iterator[tuple[Running, int]]:
    """Another process that freezes, then waits for a byte; and its guardian's number."""
    command = [sys.executable, "-c", ACQUIRER, str(pid), method]
    if limit is not None:
        command.append(str(limit))
    with started(command, ready="") as (process, _):
        words = process.line().split()
        assert words[0] == "frozen"
        yield process, int(words[1])


@pytest.mark.parametrize("method", HOLDING)
def test_counters_stand_still_and_move_again(tmp_path: Path, method: str) -> None:
    need(method)
    with counting(tmp_path) as (process, counters):
        assert counters.all_move(range(4))
        before = time.time_ns()
        hold = freeze(process.pid, method, 30.0)
        try:
            assert counters.stand_still(range(4))
            assert hold.ended == 0
            assert hold.why_ended == ""
            assert before < hold.began < time.time_ns()
            assert hold.method == method
            assert hold.facts["threads"] == 4
            assert hold.facts["found_stopped"] is False
            assert hold.facts["not_stopped"] == []
            assert 0 < hold.facts["nanoseconds_to_freeze"] < 10**10
        finally:
            hold.thaw()
        assert counters.all_move(range(4))
        assert hold.why_ended == "done"
        assert "not_undone" not in hold.facts
        ended = hold.ended
        assert ended - hold.began >= 10**8
        hold.thaw()
        assert hold.ended == ended
        assert state(process.pid) in "RS"


def test_without_freezing_it_runs_on(tmp_path: Path) -> None:
    with counting(tmp_path) as (process, counters):
        hold = freeze(process.pid, "none", 30.0)
        assert counters.all_move(range(4))
        hold.thaw()
        assert (hold.method, hold.why_ended) == ("none", "done")
        assert hold.ended > hold.began
        assert all(thread.flags == () for thread in threads(hold))


@pytest.mark.parametrize("method", METHODS)
def test_found_stopped_stays_stopped_and_wakes_as_ever(tmp_path: Path, method: str) -> None:
    need(method)
    with counting(tmp_path) as (process, counters):
        process.send_signal(signal.SIGSTOP)
        assert within(lambda: all_stopped(process.pid))
        hold = freeze(process.pid, method, 30.0)
        assert hold.facts["found_stopped"] is True
        assert {thread.thread_state for thread in threads(hold)} == {"stopped"}
        assert all("suspended" in thread.flags for thread in threads(hold))
        assert counters.stand_still(range(4), 0.05)
        hold.thaw()
        assert within(lambda: all_stopped(process.pid))
        assert counters.stand_still(range(4))
        assert state(process.pid) == "T"
        assert counters[CONT] == 0
        process.send_signal(signal.SIGCONT)
        assert counters.all_move(range(4))
        assert counters[CONT] == 1


@pytest.mark.parametrize("method", HOLDING)
def test_a_signal_sent_meanwhile_is_delivered_afterwards(tmp_path: Path, method: str) -> None:
    need(method)
    with counting(tmp_path) as (process, counters):
        hold = freeze(process.pid, method, 30.0)
        try:
            process.send_signal(signal.SIGUSR1)
            assert counters.stand_still([USR1], 0.05)
            assert counters[USR1] == 0
        finally:
            hold.thaw()
        assert within(lambda: counters[USR1] == 1)
        assert counters.all_move(range(4))


@sampled()
@pytest.mark.parametrize("method", ["ptrace", "sigstop"])
def test_no_signal_is_lost_while_freezing_and_letting_go(tmp_path: Path, method: str) -> None:
    with counting(tmp_path) as (process, counters):
        sent = 0
        done = threading.Event()

        def send() -> None:
            nonlocal sent
            while not done.is_set() and sent < 2000:
                os.kill(process.pid, signal.SIGRTMIN)
                sent += 1
                time.sleep(0.0002)

        sender = threading.Thread(target=send)
        sender.start()
        try:
            for _ in range(30 if method == "ptrace" else 4):
                freeze(process.pid, method, 30.0, registers=False).thaw()
        finally:
            done.set()
            sender.join()
        assert sent > 20
        assert within(lambda: counters[QUEUED] == sent)
        assert counters.all_move(range(4))


def test_stopping_and_waking_it_during_ptrace_takes_effect_afterwards(tmp_path: Path) -> None:
    with counting(tmp_path) as (process, counters):
        hold = freeze(process.pid, "ptrace", 30.0)
        process.send_signal(signal.SIGSTOP)
        hold.thaw()
        assert within(lambda: all_stopped(process.pid))
        assert counters.stand_still(range(4))
        hold = freeze(process.pid, "ptrace", 30.0)
        process.send_signal(signal.SIGCONT)
        assert counters.stand_still(range(4), 0.05)
        hold.thaw()
        assert counters.all_move(range(4))


@sampled()
@pytest.mark.parametrize("method", HOLDING)
def test_a_target_that_keeps_making_threads(tmp_path: Path, method: str) -> None:
    need(method)
    with counting(tmp_path, "spawn", 2) as (process, counters):
        assert counters.all_move([1, STARTED])
        for _ in part_of(range(10 if method == "ptrace" else 2)):
            hold = freeze(process.pid, method, 30.0)
            try:
                listed = thread_ids(process.pid)
                assert counters.stand_still([0, 1, STARTED], 0.03)
                living = {number for number in listed if state(process.pid, number) not in "ZX"}
                assert living <= {thread.thread_id for thread in threads(hold)}
                if method == "ptrace":
                    assert {state(process.pid, number) for number in living} == {"t"}
                assert hold.facts["new_threads"] >= 0
            finally:
                hold.thaw()
            assert counters.all_move([0, 1, STARTED])


def test_a_target_that_keeps_replacing_its_program(tmp_path: Path) -> None:
    with counting(tmp_path, "exec", 6) as (process, counters):
        assert counters.all_move([PROGRAMS])
        until = time.monotonic() + 40.0  # each starts a process
        for _ in part_of(range(50)):
            hold = freeze(process.pid, "ptrace", 30.0)
            assert hold.facts["not_stopped"] == []
            assert counters.stand_still([*range(7), PROGRAMS], 0.002)
            hold.thaw()
        assert time.monotonic() < until
        assert counters.all_move([PROGRAMS])


def test_a_leader_whose_place_is_being_taken_is_no_zombie(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a look shows while another thread of the target executes a program, at times."""
    with counting(tmp_path, "exec", 6) as (process, _):
        real = refusals.look
        shown: list[int] = []

        def look(pid: int, thread_id: int) -> Any:
            sighting = real(pid, thread_id)
            shown.append(thread_id)
            if len(shown) > 2 or sighting is None:
                return sighting
            return sighting._replace(state="Z", threads=1)

        monkeypatch.setattr(refusals, "look", look)
        refusals.refuse_hopeless(process.pid)
        assert len(shown) >= 3


def test_a_thread_that_can_not_be_stopped_is_given_up(tmp_path: Path) -> None:
    with counting(tmp_path, "vfork", 3) as (process, counters):
        assert counters.all_move([0, 2, 3])
        asleep = [number for number in thread_ids(process.pid) if state(process.pid, number) == "D"]
        assert len(asleep) == 1
        began = time.monotonic()
        hold = freeze(process.pid, "ptrace", 30.0)
        try:
            assert time.monotonic() - began < 20.0
            assert counters.stand_still(range(4))
            [given_up] = hold.facts["not_stopped"]
            assert given_up["thread_id"] == asleep[0]
            assert "uninterruptibly" in given_up["reason"]
            [thread] = [one for one in threads(hold) if one.thread_id == asleep[0]]
            assert (thread.thread_state, thread.registers) == ("uninterruptible", ())
        finally:
            hold.thaw()
        assert counters.all_move([0, 2, 3])
        counters.let_child_end()
        assert counters.all_move(range(4))


@pytest.mark.parametrize("method", HOLDING)
def test_a_leader_that_has_ended(tmp_path: Path, method: str) -> None:
    need(method)
    with counting(tmp_path, "leaderless", 3) as (process, counters):
        assert within(lambda: state(process.pid) == "Z")
        hold = freeze(process.pid, method, 30.0)
        try:
            assert counters.stand_still(range(1, 4))
            assert hold.facts["zombie_threads"] == [process.pid]
            found = {thread.thread_id: thread for thread in threads(hold)}
            assert found[process.pid].thread_state == "zombie"
            assert found[process.pid].registers == ()
            assert len(found) == 4
        finally:
            hold.thaw()
        assert "not_undone" not in hold.facts
        assert counters.all_move(range(1, 4))


def test_a_zombie_is_refused() -> None:
    with started(["true"], ready="") as (process, _):
        assert within(lambda: state(process.pid) == "Z")
        for method in METHODS:
            with pytest.raises(TargetError, match="zombie"):
                freeze(process.pid, method, 1.0)


def test_what_is_gone_is_refused() -> None:
    with started(["true"], ready="") as (process, _):
        pass
    for method in METHODS:
        with pytest.raises(TargetError, match="is gone"):
            freeze(process.pid, method, 1.0)


def test_ourselves_and_the_kernel_are_refused() -> None:
    with pytest.raises(TargetError, match="itself"):
        freeze(os.getpid(), "ptrace", 1.0)
    if Path("/proc/2/comm").exists() and Path("/proc/2/comm").read_text() == "kthreadd\n":
        with pytest.raises(TargetError):
            freeze(2, "ptrace", 1.0)


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(TargetError, match="'prayer'"):
        freeze(os.getppid(), "prayer", 1.0)


@sampled()
@pytest.mark.parametrize("method", ["ptrace", "sigstop"])
def test_a_target_that_is_being_traced(tmp_path: Path, method: str) -> None:
    with counting(tmp_path) as (process, counters):
        with acquirer(process.pid, "ptrace") as (_, guardian):
            with pytest.raises(TargetError, match=f"process {guardian} .msl-guardian") as caught:
                freeze(process.pid, method, 1.0)
            assert "--freeze none" in caught.value.remedy
            assert counters.stand_still(range(4), 0.05)
        assert counters.all_move(range(4))


def test_a_target_that_we_may_not_trace(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root, to give up its rights")
    code = (
        "import os, sys\n"
        "from msl_acquire.linux.freeze import freeze\n"
        "from msl_construct.errors import TargetError\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "for method in ('ptrace', 'sigstop', 'cgroup'):\n"
        "    try:\n"
        "        freeze(int(sys.argv[1]), method, 1.0)\n"
        "    except TargetError as error:\n"
        "        print(method, error)\n"
    )
    with counting(tmp_path) as (process, counters):
        done = subprocess.run(
            [sys.executable, "-c", code, str(process.pid)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        said = done.stdout.splitlines()
        if "Permission denied" in done.stderr and not said:
            pytest.skip("needs an interpreter that user nobody may run")
        assert [line.split()[0] for line in said] == ["ptrace", "sigstop", "cgroup"], done.stderr
        assert "CAP_SYS_PTRACE" in said[0]
        assert counters.all_move(range(4))


@sampled()
@pytest.mark.parametrize("method", HOLDING)
def test_killing_the_acquirer_lets_the_target_go(tmp_path: Path, method: str) -> None:
    need(method)
    with counting(tmp_path) as (process, counters):
        place = Path(f"/proc/{process.pid}/cgroup").read_text()
        with acquirer(process.pid, method) as (other, guardian):
            assert counters.stand_still(range(4))
            inside = Path(f"/proc/{process.pid}/cgroup").read_text()
            assert (inside != place) is (method == "cgroup")
            assert guardian > 0
            other.kill()
            assert counters.all_move(range(4))
        assert within(lambda: Path(f"/proc/{process.pid}/cgroup").read_text() == place)
        assert within(lambda: state(process.pid) in "RS")
        assert within(lambda: state(guardian) in ("", "Z"))
        for group in groups(process.pid):
            name = f"msl-acquire-{other.pid}-*"
            assert within(lambda group=group, name=name: not any(Path(group.directory).glob(name)))


@sampled()
@pytest.mark.parametrize("method", HOLDING)
def test_max_freeze_though_the_acquirer_is_blocked(tmp_path: Path, method: str) -> None:
    need(method)
    with (
        counting(tmp_path) as (process, counters),
        acquirer(process.pid, method, limit=1.5) as (other, _),
    ):
        assert counters.stand_still(range(4), 0.05)
        assert counters.all_move(range(4))
        assert not select.select([other.stdout], [], [], 0)[0]  # still in its read
        assert other.stdin is not None
        other.stdin.write(b"x")
        assert other.line() == "asked b'x'"
        before, after, nanoseconds = other.line().split()
        assert (before, after) == ("max_freeze", "max_freeze")
        assert 0.05e9 < int(nanoseconds) < 5e9  # the kernel takes its part of 1.5 s to stop it


def test_without_anybody_to_guard_it_the_acquirer_lets_go_itself(tmp_path: Path) -> None:
    method = "cgroup"
    need(method)
    with counting(tmp_path) as (process, counters):
        place = Path(f"/proc/{process.pid}/cgroup").read_text()
        hold = freeze(process.pid, method, 30.0)
        os.kill(hold.facts["deputy"], signal.SIGKILL)
        os.kill(hold.facts["guardian"], signal.SIGKILL)
        assert counters.stand_still(range(4))
        hold.thaw()
        assert counters.all_move(range(4))
        assert hold.why_ended == "done"
        assert "acquirer" in hold.facts["undone_by"]
        assert Path(f"/proc/{process.pid}/cgroup").read_text() == place


@pytest.mark.parametrize("call", ["let_go", "clean_up"])
def test_what_could_not_be_undone_is_said_until_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    method = "cgroup"
    need(method)

    def refuse(_: Grouping) -> None:
        raise PermissionError(1, "no")

    with counting(tmp_path) as (process, counters):
        place = Path(f"/proc/{process.pid}/cgroup").read_text()
        hold = freeze(process.pid, method, 30.0)
        os.kill(hold.facts["deputy"], signal.SIGKILL)
        os.kill(hold.facts["guardian"], signal.SIGKILL)
        with monkeypatch.context() as patch:
            patch.setattr(Grouping, call, refuse)
            for _ in range(2):
                with pytest.raises(TargetError, match="can't be let go"):
                    hold.thaw()
        assert (hold.ended == 0) == (call == "let_go")
        assert Path(f"/proc/{process.pid}/cgroup").read_text() != place
        for _ in range(2):
            hold.thaw()
        assert counters.all_move(range(4))
        assert hold.why_ended == "done"
        assert Path(f"/proc/{process.pid}/cgroup").read_text() == place


def test_without_anybody_to_guard_it_the_kernel_wakes_it(tmp_path: Path) -> None:
    with counting(tmp_path) as (process, counters):
        hold = freeze(process.pid, "sigstop", 30.0)
        os.kill(hold.facts["deputy"], signal.SIGKILL)
        os.kill(hold.facts["guardian"], signal.SIGKILL)
        assert counters.all_move(range(4))
        hold.thaw()
        assert counters.all_move(range(4))


def test_a_handler_of_the_signal_that_wakes_runs_once(tmp_path: Path) -> None:
    with counting(tmp_path) as (process, counters):
        for number, limit in enumerate((30.0, 0.1), 1):
            hold = freeze(process.pid, "sigstop", limit)
            wait = 0.0 if limit > 1 else 0.4
            time.sleep(wait)
            hold.thaw()
            assert within(lambda number=number: counters[CONT] == number)
            time.sleep(0.1)
            assert counters[CONT] == number


@pytest.mark.parametrize("method", HOLDING)
def test_a_target_that_is_killed_meanwhile(tmp_path: Path, method: str) -> None:
    need(method)
    with counting(tmp_path) as (process, _):
        hold = freeze(process.pid, method, 30.0)
        process.kill()
        assert within(lambda: state(process.pid) == "Z")
        hold.thaw()
        assert hold.why_ended == "gone"
        assert process.wait(BOUND) == -signal.SIGKILL


@pytest.mark.parametrize("version", [1, 2])
def test_either_version_of_control_groups(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: int
) -> None:
    def only(pid: int) -> list[ControlGroup]:
        return [group for group in groups(pid) if group.version == version]

    if not any(os.access(group.directory, os.W_OK) for group in only(os.getpid())):
        pytest.skip(f"needs a writable control group of version {version} that can freeze")
    monkeypatch.setattr("msl_acquire.linux.freeze.cgroup.groups", only)
    with counting(tmp_path) as (process, counters):
        place = Path(f"/proc/{process.pid}/cgroup").read_text()
        hold = freeze(process.pid, "cgroup", 30.0)
        try:
            assert hold.facts["cgroup_version"] == version
            assert counters.stand_still(range(4))
        finally:
            hold.thaw()
        assert counters.all_move(range(4))
        assert Path(f"/proc/{process.pid}/cgroup").read_text() == place
        assert not Path(hold.facts["cgroup"]).exists()


def test_without_a_control_group_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = ControlGroup(2, str(tmp_path / "missing"))
    monkeypatch.setattr("msl_acquire.linux.freeze.cgroup.groups", lambda pid: [here])
    with counting(tmp_path) as (process, counters):
        with pytest.raises(TargetError, match=r"missing.*No such file") as caught:
            freeze(process.pid, "cgroup", 30.0)
        assert "--freeze ptrace" in caught.value.remedy
        assert counters.all_move(range(4))


def test_another_s_wake_up_during_sigstop_is_noted(tmp_path: Path) -> None:
    with counting(tmp_path) as (process, counters):
        hold = freeze(process.pid, "sigstop", 30.0)
        process.send_signal(signal.SIGCONT)
        assert counters.all_move(range(4))
        hold.thaw()
        assert hold.facts["woken_by_others"] is True
        hold = freeze(process.pid, "sigstop", 30.0)
        hold.thaw()
        assert hold.facts["woken_by_others"] is False


def test_many_threads(tmp_path: Path) -> None:
    with counting(tmp_path, "count", 64) as (process, counters):
        assert counters.all_move(range(65))
        began = time.monotonic()
        hold = freeze(process.pid, "ptrace", 30.0)
        assert time.monotonic() - began < 30.0
        assert counters.stand_still(range(65))
        assert len(hold.register_sets) == 65
        hold.thaw()
        assert counters.all_move(range(65))


def test_what_is_said_of_threads(tmp_path: Path) -> None:
    with counting(tmp_path, "idle", 2) as (process, counters):
        assert counters.all_move([1, 2])
        assert within(lambda: state(process.pid) == "S")
        hold = freeze(process.pid, "ptrace", 30.0)
        hold.thaw()
        found = threads(hold)
    assert [thread.name for thread in found] == ["freeze_counters", "counter-1", "counter-2"]
    assert [thread.thread_state for thread in found] == ["sleeping", "running", "running"]
    assert found[0].thread_id == process.pid
    assert all(thread.flags == ("suspended",) for thread in found)
    for thread in found:
        assert abs(thread.start_time / 1e9 - time.time()) < BOUND
