"""Guardians that are ready before anybody is stopped: they touch nobody, and leave nothing."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from acquire_targets import Running, started, target
from acquiring import as_found, linux_only, states, status, wait_until
from sampling import sampled

pytestmark = linux_only

from test_acquire_freeze import HOLDING, all_stopped, counting, need, state  # noqa: E402

from msl_acquire import api  # noqa: E402
from msl_acquire.bounds import Interrupt  # noqa: E402
from msl_acquire.linux.find import children  # noqa: E402
from msl_acquire.linux.freeze import Hold, arm, stop  # noqa: E402
from msl_acquire.linux.freeze.cgroup import groups  # noqa: E402
from msl_acquire.linux.target import LinuxTarget  # noqa: E402
from msl_acquire.session import Session  # noqa: E402
from msl_acquire.several_targets import together  # noqa: E402
from msl_construct.errors import TargetError  # noqa: E402

SLOW = 0.4
"""Seconds that a guardian takes to start in some tests."""


def guards(pid: int) -> set[int]:
    """The guardians of an acquirer, and their deputies."""
    found = set()
    for name in ("msl-guardian", "msl-deputy"):
        for entry in os.listdir("/proc"):
            with contextlib.suppress(OSError, ValueError):
                parent = int(status(int(entry), "PPid"))
                if status(int(entry), "Name") == name and parent in {pid, *found}:
                    found.add(int(entry))
    return found


def all_gone(pids: set[int]) -> None:
    for pid in pids:
        wait_until(lambda pid=pid: state(pid) in ("", "Z", "X"), f"guardian {pid} is gone")


@contextlib.contextmanager
def armed(pid: int, method: str) -> Iterator[tuple[Hold, set[int]]]:
    """Ready, but not stopped; its guardian and deputy, who are gone in the end."""
    need(method)
    hold = arm(pid, method, 30.0)
    try:
        hold.ready()
        found = guards(os.getpid())
        yield hold, found
    finally:
        hold.thaw()
    all_gone(found)


@pytest.mark.parametrize("method", HOLDING)
def test_nobody_is_touched(method: str, tmp_path: Path) -> None:
    with counting(tmp_path) as (process, counters):
        with armed(process.pid, method) as (_, found):
            assert len(found) == 2
            assert counters.all_move(range(4))
            as_found(process.pid)
        assert counters.all_move(range(4))


@pytest.mark.parametrize("method", HOLDING)
def test_never_used_it_leaves_the_target_to_whoever_stopped_it_meanwhile(
    method: str, tmp_path: Path
) -> None:
    with counting(tmp_path) as (process, _), armed(process.pid, method) as (hold, _):
        os.kill(process.pid, signal.SIGSTOP)
        wait_until(lambda: all_stopped(process.pid), "it is stopped")
        hold.thaw()
        time.sleep(0.05)
        assert all_stopped(process.pid)


@pytest.mark.parametrize("method", HOLDING)
def test_the_guardian_is_killed_before_it_is_needed(method: str, tmp_path: Path) -> None:
    with counting(tmp_path) as (process, counters), armed(process.pid, method) as (hold, found):
        for pid in found:
            os.kill(pid, signal.SIGKILL)
        os.kill(process.pid, signal.SIGSTOP)  # by somebody else: not for us to undo
        wait_until(lambda: all_stopped(process.pid), "it is stopped")
        # What is stopped is left alone by sigstop, and cgroup has another hierarchy to try.
        if method in ("ptrace", "snapshot"):
            with pytest.raises(TargetError):
                stop(hold)
        else:
            with contextlib.suppress(TargetError):
                stop(hold)
        hold.thaw()
        assert all_stopped(process.pid)
        os.kill(process.pid, signal.SIGCONT)
        assert counters.all_move(range(4))


ARMER = """
import sys
from msl_acquire.linux.freeze import arm
hold = arm(int(sys.argv[1]), sys.argv[2], 30.0)
hold.ready()
print("armed", flush=True)
sys.stdin.read()
"""


@sampled()
@pytest.mark.parametrize("method", HOLDING)
def test_the_acquirer_is_killed_before_anybody_is_stopped(method: str, tmp_path: Path) -> None:
    need(method)
    with counting(tmp_path) as (process, counters):
        command = [sys.executable, "-c", ARMER, str(process.pid), method]
        with started(command, "armed") as (acquirer, _):
            found = guards(acquirer.pid)
            assert len(found) == 2
            acquirer.kill()
            acquirer.wait()
            all_gone(found)
        assert counters.all_move(range(4))
        as_found(process.pid)


def test_stopped_by_others_between(tmp_path: Path) -> None:
    with counting(tmp_path) as (process, _), armed(process.pid, "sigstop") as (hold, found):
        os.kill(process.pid, signal.SIGSTOP)
        wait_until(lambda: all_stopped(process.pid), "it is stopped")
        stop(hold)
        assert hold.found_stopped
        assert hold.facts["guardian"] == 0
        all_gone(found)
        hold.thaw()
        assert all_stopped(process.pid)


def test_woken_by_others_between(tmp_path: Path) -> None:
    with counting(tmp_path) as (process, counters):
        os.kill(process.pid, signal.SIGSTOP)
        wait_until(lambda: all_stopped(process.pid), "it is stopped")
        with armed(process.pid, "sigstop") as (hold, _):
            os.kill(process.pid, signal.SIGCONT)
            wait_until(lambda: not states(process.pid) & set("T"), "it runs")
            stop(hold)
            assert not hold.found_stopped
            assert counters.stand_still(range(4))
        assert counters.all_move(range(4))


def test_moved_to_another_control_group_between(tmp_path: Path) -> None:
    """It is moved back to that, not to where it was when the guardian started."""
    need("cgroup")
    with counting(tmp_path) as (process, counters):
        (group, *_) = (one for one in groups(process.pid) if os.access(one.directory, os.W_OK))
        other = Path(group.directory, f"msl-test-{os.getpid()}")
        other.mkdir()
        try:
            with armed(process.pid, "cgroup") as (hold, _):
                (other / "cgroup.procs").write_text(str(process.pid))
                stop(hold)
                assert hold.facts["cgroup"].startswith(f"{other}/")
                assert counters.stand_still(range(4))
                hold.thaw()
            assert str(process.pid) in (other / "cgroup.procs").read_text().split()
            assert counters.all_move(range(4))
        finally:
            Path(group.directory, "cgroup.procs").write_text(str(process.pid))
            other.rmdir()


def test_armed_anew_for_another_method(tmp_path: Path) -> None:
    with counting(tmp_path) as (process, counters):
        one = LinuxTarget(process.pid)
        try:
            one.arm("sigstop", 30.0)
            one.ready()
            unused = guards(os.getpid())
            hold = one.freeze("ptrace", 30.0)
            all_gone(unused)
            assert hold.method == "ptrace"
            assert counters.stand_still(range(4))
            hold.thaw()
            one.arm("ptrace", 30.0)
        finally:
            one.close()
        assert not guards(os.getpid())
        assert counters.all_move(range(4))


# --- several ---------------------------------------------------------------------------------


class Told:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.errors: dict[int, Exception] = {}
        self.skew: list[int] = []

    def refused(self, pid: int, error: Exception) -> None:
        self.errors[pid] = error

    def began(self, pid: int) -> None:
        pass

    def done(self, pid: int, report: object) -> None:
        self.skew.append(int(report["together"]["skew"]))  # type: ignore[index]


@contextlib.contextmanager
def idle(count: int) -> Iterator[list[int]]:
    with contextlib.ExitStack() as stack:
        processes: list[Running] = [
            stack.enter_context(target("e2e_idle"))[0] for _ in range(count)
        ]
        yield [process.pid for process in processes]
        for process in processes:
            as_found(process.pid)
            assert process.poll() is None
        assert not guards(os.getpid())


def run(pids: list[int], place: Path, method: str, interrupt: Interrupt, told: Told) -> None:
    def how(pid: int) -> contextlib.AbstractContextManager[Session]:
        return api.opened(pid, place / f"{pid}.msl", interrupt=interrupt, freeze=method)

    together(pids, how, told, interrupt, descendants=children)  # type: ignore[arg-type]


@sampled()
@pytest.mark.parametrize("method", HOLDING)
def test_all_guardians_are_ready_before_the_first_stop(
    method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need(method)
    slow = tmp_path / "python"
    slow.write_text(f'#!/bin/sh\nsleep {SLOW}\nexec {sys.executable} "$@"\n')
    slow.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(slow))
    told = Told()
    with idle(3) as pids:
        run(pids, tmp_path, method, Interrupt(), told)
    assert not told.errors
    assert len(told.skew) == 3
    assert max(told.skew) < SLOW * 1e9


def test_interrupted_before_the_first_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    interrupt = Interrupt()
    ready = LinuxTarget.ready

    def last(one: LinuxTarget) -> None:
        ready(one)
        if len(guards(os.getpid())) == 4:
            interrupt.request("enough")

    monkeypatch.setattr(LinuxTarget, "ready", last)
    told = Told()
    with idle(2) as pids:
        run(pids, tmp_path, "ptrace", interrupt, told)
        assert set(told.errors) == set(pids)
        assert not list(tmp_path.iterdir())


def test_one_for_whom_no_guardian_can_be_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with idle(3) as pids:
        real = LinuxTarget.arm

        def but_one(one: LinuxTarget, method: str, max_freeze: float | None) -> None:
            if one.pid == pids[1]:
                monkeypatch.setattr(sys, "executable", "/nowhere/python")
            try:
                real(one, method, max_freeze)
            finally:
                monkeypatch.undo()
                monkeypatch.setattr(LinuxTarget, "arm", but_one)

        monkeypatch.setattr(LinuxTarget, "arm", but_one)
        told = Told()
        run(pids, tmp_path, "sigstop", Interrupt(), told)
        assert set(told.errors) == {pids[1]}
        assert "can't be started" in str(told.errors[pids[1]])
        assert len(told.skew) == 2


def test_copies_do_not_go_with_other_methods(tmp_path: Path) -> None:
    interrupt = Interrupt()
    with idle(2) as pids:

        def how(pid: int) -> contextlib.AbstractContextManager[Session]:
            method = "snapshot" if pid == pids[0] else "ptrace"
            return api.opened(pid, tmp_path / f"{pid}.msl", interrupt=interrupt, freeze=method)

        with pytest.raises(TargetError, match="would not agree") as caught:
            together(pids, how, Told(), interrupt, descendants=children)  # type: ignore[arg-type]
        assert "--one-by-one" in (caught.value.remedy or "")
        assert not list(tmp_path.iterdir())
