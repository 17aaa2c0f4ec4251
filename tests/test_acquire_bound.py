"""A stop that ends: whatever is done to the acquirer and its guardian, the target runs on in
time, as it was found."""

from __future__ import annotations

import contextlib
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import permutations
from pathlib import Path

import pytest
from acquire_targets import Running
from acquiring import command, environment, root_only, states, status, wait_until
from sampling import part_of, sampled

if sys.platform != "linux":
    pytest.skip("needs Linux", allow_module_level=True)

from test_acquire_freeze import ACQUIRER, HOLDING, Counters, acquirer, counting, need, state, within

from msl_acquire.linux.freeze import freeze, ptrace
from msl_acquire.linux.freeze.cgroup import ControlGroup, groups
from msl_acquire.linux.freeze.channel import InThread
from msl_acquire.linux.freeze.guardian.refusals import Refusal

LIMIT = 1.5
"""Seconds of --max-freeze here."""
LATE = 0.5
"""Seconds that it may be late, where somebody is stopped."""
SLACK = 3.0
"""What a busy machine may add."""


def deputy_of(guardian: int) -> int:
    """The number of a guardian's deputy."""
    [child] = Path(f"/proc/{guardian}/task/{guardian}/children").read_text().split()
    return int(child)


def let_go_in_time(process: Running, counters: Counters, place: str, began: float) -> None:
    """It was held for LIMIT seconds, and then runs on as it was found."""
    before = counters.now(range(4))
    while counters.now(range(4)) == before:
        assert time.monotonic() - began < LIMIT + LATE + SLACK, "it is still held"
        time.sleep(0.01)
    assert counters.all_move(range(4))
    runs_as_found(process, place)


def runs_as_found(process: Running, place: str) -> None:
    wait_until(lambda: status(process.pid, "TracerPid") == "0", "nobody traces it")
    wait_until(lambda: not states(process.pid) & set("Tt"), "it is not stopped")
    where = Path(f"/proc/{process.pid}/cgroup")
    wait_until(lambda: where.read_text() == place, "it is back in its control group")
    assert process.poll() is None


def wake(*numbers: int) -> None:
    """End whatever was stopped."""
    for number in numbers:
        for one in (signal.SIGKILL, signal.SIGCONT):
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, one)


STOPPED = {
    "the acquirer": ("acquirer",),
    "the guardian": ("guardian",),
    "the deputy": ("deputy",),
    "acquirer and guardian": ("acquirer", "guardian"),
    "acquirer and deputy": ("acquirer", "deputy"),
}


@sampled("who")
@pytest.mark.parametrize("who", STOPPED)
@pytest.mark.parametrize("method", HOLDING)
def test_max_freeze_though_somebody_is_stopped(tmp_path: Path, method: str, who: str) -> None:
    need(method)
    with counting(tmp_path) as (process, counters):
        place = Path(f"/proc/{process.pid}/cgroup").read_text()
        with acquirer(process.pid, method, LIMIT) as (other, guardian):
            began = time.monotonic()
            deputy = deputy_of(guardian)
            numbers = {"acquirer": other.pid, "guardian": guardian, "deputy": deputy}
            try:
                for name in STOPPED[who]:
                    os.kill(numbers[name], signal.SIGSTOP)
                let_go_in_time(process, counters, place, began)
            finally:
                wake(*numbers.values())


@sampled()
@pytest.mark.parametrize("method", ["ptrace", "sigstop"])
def test_all_are_stopped_and_the_kernel_lets_go(tmp_path: Path, method: str) -> None:
    with counting(tmp_path) as (process, counters):
        place = Path(f"/proc/{process.pid}/cgroup").read_text()
        with acquirer(process.pid, method, LIMIT) as (other, guardian):
            began = time.monotonic()
            numbers = (other.pid, guardian, deputy_of(guardian))
            try:
                for number in numbers:
                    os.kill(number, signal.SIGSTOP)
                let_go_in_time(process, counters, place, began)
            finally:
                wake(*numbers)


@sampled()
@pytest.mark.parametrize("method", ["ptrace", "sigstop"])
def test_all_are_killed_and_the_kernel_lets_go(tmp_path: Path, method: str) -> None:
    """In any order."""
    with counting(tmp_path) as (process, counters):
        place = Path(f"/proc/{process.pid}/cgroup").read_text()
        for order in part_of(permutations(range(3)), lambda order: order[0]):
            with acquirer(process.pid, method) as (other, guardian):
                numbers = (other.pid, guardian, deputy_of(guardian))
                for one in order:
                    with contextlib.suppress(ProcessLookupError):  # another's death was its end
                        os.kill(numbers[one], signal.SIGKILL)
                assert counters.all_move(range(4)), order
        runs_as_found(process, place)


@contextlib.contextmanager
def control_group(version: int) -> Iterator[ControlGroup]:
    """One of our own that can be frozen."""
    for group in groups(os.getpid()):
        if group.version == version and os.access(group.directory, os.W_OK):
            break
    else:
        pytest.skip(f"needs a writable control group of version {version} that can freeze")
    directory = Path(group.directory, f"msl-test-{os.getpid()}-{time.monotonic_ns():x}")
    directory.mkdir()
    try:
        yield ControlGroup(version, str(directory))
    finally:
        Path(directory, group.commands[0]).write_text(group.commands[2])

        def emptied() -> bool:
            for line in Path(directory, "cgroup.procs").read_text().split():
                wake(int(line))
            return not Path(directory, "cgroup.procs").read_text()

        wait_until(emptied, "it is empty")
        directory.rmdir()


def put(group: ControlGroup, *numbers: int) -> None:
    for number in numbers:
        Path(group.directory, "cgroup.procs").write_text(str(number))


def frozen(group: ControlGroup) -> None:
    """Freeze everything in it."""
    Path(group.directory, group.commands[0]).write_text(group.commands[1])


@root_only
@sampled("version")
@pytest.mark.parametrize("method", HOLDING)
@pytest.mark.parametrize("version", [1, 2])
def test_max_freeze_though_the_acquirer_s_group_is_frozen(
    tmp_path: Path, method: str, version: int
) -> None:
    """As by docker pause: whatever was started in it."""
    need(method)
    with control_group(version) as group, counting(tmp_path) as (process, counters):
        place = Path(f"/proc/{process.pid}/cgroup").read_text()
        code = (
            f"import os; open({group.directory + '/cgroup.procs'!r}, 'w').write(str(os.getpid()))\n"
            + ACQUIRER
        )
        other = Running(
            [sys.executable, "-c", code, str(process.pid), method, str(LIMIT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
        )
        try:
            guardian = int(other.line().split()[1])
            began = time.monotonic()
            inside = Path(group.directory, "cgroup.procs").read_text().split()
            assert inside == [str(other.pid)], "the guardian has left it"
            frozen(group)
            let_go_in_time(process, counters, place, began)
            assert within(lambda: state(guardian) in ("", "Z"))
        finally:
            Path(group.directory, group.commands[0]).write_text(group.commands[2])
            other.kill()
            other.communicate()


@root_only
@sampled("version")
@pytest.mark.parametrize("method", HOLDING)
@pytest.mark.parametrize("version", [1, 2])
def test_max_freeze_though_the_guardian_is_put_into_a_frozen_group(
    tmp_path: Path, method: str, version: int
) -> None:
    need(method)
    with control_group(version) as group, counting(tmp_path) as (process, counters):
        place = Path(f"/proc/{process.pid}/cgroup").read_text()
        with acquirer(process.pid, method, LIMIT) as (other, guardian):
            began = time.monotonic()
            put(group, other.pid, guardian)
            frozen(group)
            let_go_in_time(process, counters, place, began)
            Path(group.directory, group.commands[0]).write_text(group.commands[2])


@pytest.mark.parametrize("method", HOLDING)
def test_a_guardian_that_is_killed(tmp_path: Path, method: str) -> None:
    """The kernel lets go of what it traced; its deputy holds on what it stopped otherwise, and
    no longer than was asked for."""
    need(method)
    with counting(tmp_path) as (process, counters):
        place = Path(f"/proc/{process.pid}/cgroup").read_text()
        began = time.monotonic()
        hold = freeze(process.pid, method, LIMIT)
        os.kill(hold.facts["guardian"], signal.SIGKILL)
        let_go_in_time(process, counters, place, began)
        assert within(lambda: hold.ended > 0)
        traced = method in ("ptrace", "snapshot")
        assert hold.why_ended == ("guardian_ended" if traced else "max_freeze")
        hold.thaw()
        assert hold.ended - hold.began < 1e9 * (LIMIT + LATE + SLACK)


@sampled("killed")
@pytest.mark.parametrize("killed", [("acquirer", "guardian"), ("guardian", "acquirer")])
@pytest.mark.parametrize("method", HOLDING)
def test_acquirer_and_guardian_are_killed_at_once(
    tmp_path: Path, method: str, killed: tuple[str, str]
) -> None:
    need(method)
    with counting(tmp_path) as (process, counters):
        place = Path(f"/proc/{process.pid}/cgroup").read_text()
        with acquirer(process.pid, method) as (other, guardian):
            deputy = deputy_of(guardian)
            for name in killed:
                os.kill({"acquirer": other.pid, "guardian": guardian}[name], signal.SIGKILL)
            assert counters.all_move(range(4))
            runs_as_found(process, place)
            assert within(lambda: state(deputy) in ("", "Z"))


@sampled()
@pytest.mark.parametrize("method", HOLDING)
def test_no_bound_and_a_stopped_guardian_and_the_acquirer_is_killed(
    tmp_path: Path, method: str
) -> None:
    need(method)
    with counting(tmp_path) as (process, counters):
        place = Path(f"/proc/{process.pid}/cgroup").read_text()
        with acquirer(process.pid, method) as (other, guardian):
            try:
                os.kill(guardian, signal.SIGSTOP)
                other.kill()
                assert counters.all_move(range(4))
                runs_as_found(process, place)
            finally:
                wake(guardian)


@sampled()
@pytest.mark.parametrize("method", HOLDING)
def test_no_bound_and_a_stopped_acquirer_holds(tmp_path: Path, method: str) -> None:
    """Nobody asked for an end, and it can still let go."""
    need(method)
    with counting(tmp_path) as (process, counters):
        with acquirer(process.pid, method) as (other, _):
            other.send_signal(signal.SIGSTOP)
            assert counters.stand_still(range(4), 0.6)
            other.send_signal(signal.SIGCONT)
            assert other.stdin is not None
            other.stdin.write(b"x")
            assert other.line() == "asked b'x'"
            assert other.line().split()[-2] == "done"
        assert counters.all_move(range(4))


@sampled("method")
@pytest.mark.parametrize("number", [signal.SIGTSTP, signal.SIGSTOP], ids=lambda one: one.name)
@pytest.mark.parametrize("method", HOLDING)
def test_the_command_s_process_group_is_stopped(
    tmp_path: Path, method: str, number: signal.Signals
) -> None:
    need(method)
    with (
        counting(tmp_path, "large") as (process, counters),
        acquiring(tmp_path, process, method) as tool,
    ):
        os.killpg(tool.pid, number)
        began = time.monotonic()
        while not counters.all_move(range(4)):
            assert time.monotonic() - began < LIMIT + LATE + SLACK
        wait_until(lambda: not states(process.pid) & set("Tt"), "it is not stopped")
        os.killpg(tool.pid, signal.SIGCONT)


@contextlib.contextmanager
def acquiring(
    tmp_path: Path, process: Running, method: str, terminal: int = -1
) -> Iterator[subprocess.Popen[bytes]]:
    """The command, in front of a pipe that nobody reads, while it holds the target: a large one."""
    options = ("--freeze", method, "--max-freeze", LIMIT, "--quiet", "-o", "-")
    stream = subprocess.DEVNULL if terminal < 0 else terminal
    tool = subprocess.Popen(
        command(process.pid, *options, "--report", tmp_path / "report.json"),
        stdin=stream,
        stdout=subprocess.PIPE,
        stderr=stream,
        env=environment(),
        start_new_session=True,
    )
    try:
        where = Path(f"/proc/{process.pid}/cgroup")
        place = where.read_text()

        def at_work() -> bool:
            assert tool.poll() is None, "it has ended before"
            if method == "snapshot":  # held for milliseconds, while it is copied; then it is read
                return (tmp_path / "report.json").exists()
            return bool(states(process.pid) & set("Tt")) or where.read_text() != place

        wait_until(at_work, "it is held")
        yield tool
    finally:
        tool.kill()
        tool.communicate()


@sampled()
@pytest.mark.parametrize("method", HOLDING)
def test_the_command_s_terminal_is_closed(tmp_path: Path, method: str) -> None:
    need(method)
    ours, theirs = pty.openpty()
    with counting(tmp_path, "large") as (process, counters):
        place = Path(f"/proc/{process.pid}/cgroup").read_text()
        with acquiring(tmp_path, process, method, theirs):
            os.close(theirs)
            os.close(ours)
            assert counters.all_move(range(4))
            runs_as_found(process, place)


def test_a_guardian_in_a_thread_where_a_child_may_not_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with Yama, which permits tracing to ancestors only."""
    real = ptrace.Traced._trace

    def trace(self: ptrace.Traced) -> object:
        if not isinstance(self._channel, InThread):
            raise Refusal("no", remedy="", errno=1)
        return real(self)

    monkeypatch.setattr(ptrace.Traced, "_trace", trace)
    with counting(tmp_path) as (process, counters):
        for limit in (30.0, 0.3):
            hold = freeze(process.pid, "ptrace", limit)
            assert (hold.facts["guardian"], hold.facts["deputy"]) == (0, 0)
            assert "acquirer" in hold.facts["undone_by"]
            assert len(hold.register_sets) == 4
            if limit > 1:
                assert counters.stand_still(range(4), 0.05)
                hold.thaw()
            assert within(lambda hold=hold: hold.ended > 0)
            assert hold.why_ended == ("done" if limit > 1 else "max_freeze")
            hold.thaw()
            assert counters.all_move(range(4))


def test_an_acquirer_that_traces_itself_and_is_stopped_is_ended(tmp_path: Path) -> None:
    """The target comes first."""
    code = (
        "from msl_acquire.linux.freeze import ptrace\n"
        "from msl_acquire.linux.freeze.channel import InThread\n"
        "ptrace.InProcess = InThread\n" + ACQUIRER
    )
    with counting(tmp_path) as (process, counters):
        command = [sys.executable, "-c", code, str(process.pid), "ptrace", str(LIMIT)]
        other = Running(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        try:
            assert other.line() == "frozen 0"
            other.send_signal(signal.SIGSTOP)
            assert counters.all_move(range(4))
            assert other.wait(60) == -signal.SIGKILL
        finally:
            other.kill()
            other.communicate()
