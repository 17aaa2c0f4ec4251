"""Targets whose seccomp filter forbids what the kernel does when they are let go: they live."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from acquire_targets import Running, compiled, started
from acquiring import (
    acquire,
    as_found,
    linux_only,
    report_of,
    root_only,
    states,
    status,
    wait_until,
)
from commands import one_line
from sampling import sampled

if sys.platform != "linux":
    pytest.skip("needs Linux", allow_module_level=True)

from msl_acquire.linux.freeze import freeze
from msl_acquire.linux.freeze.guardian import filters
from msl_construct.errors import TargetError

pytestmark = linux_only

RETURNED, EINTR, OTHER, WAITING = range(4)
CALLS = ["nanosleep", "clock_nanosleep", "poll", "futex"]


class Filtered:
    """A target that waits under a filter, and what it has counted."""

    def __init__(self, pid: int, slots: Path) -> None:
        self.pid = pid
        self._slots = slots

    def count(self, slot: int) -> int:
        return int(struct.unpack_from("=Q", self._slots.read_bytes(), 8 * slot)[0])

    def waits(self) -> None:
        """Its threads stand in their system calls."""
        wait_until(lambda: self.count(WAITING) > 0 and states(self.pid) == {"S"}, "it waits")
        time.sleep(0.02)

    def lives(self) -> None:
        """It is there as before, and its wait ends and is begun again."""
        as_found(self.pid)
        returned = self.count(RETURNED)
        wait_until(lambda: self.count(RETURNED) > returned, "its call comes back")
        assert states(self.pid) & set("RS")


@contextlib.contextmanager
def filtered(
    tmp_path: Path, call: str, action: str, where: str = "all", *options: str
) -> Iterator[Filtered]:
    slots = tmp_path / f"{call}-{action}-{where}"
    slots.write_bytes(bytes(4096))
    slots.chmod(0o666)
    program = str(compiled("freeze_filtered_i386" if options else "freeze_filtered", *options))
    with started([program, call, action, where, str(slots)]) as (process, _):
        target = Filtered(process.pid, slots)
        target.waits()
        yield target


def stopped_once(target: Filtered) -> dict[str, Any]:
    """Stop it by ptrace and let it go: the facts."""
    hold = freeze(target.pid, "ptrace", 30.0)
    try:
        assert states(target.pid) == {"t"}
    finally:
        hold.thaw()
    assert hold.why_ended == "done"
    return hold.facts


def sees_nothing(target: Filtered) -> None:
    """Its call goes on for the rest of its time, as if nothing had been."""
    target.lives()
    assert (target.count(EINTR), target.count(OTHER)) == (0, 0)


def is_interrupted(target: Filtered, facts: dict[str, Any], thread_id: int = 0) -> None:
    """Its call has come back with EINTR, at once, and the facts say so."""
    [ended] = facts["interrupted_calls"]
    assert ended["thread_id"] == (thread_id or target.pid)
    assert ended["reason"]
    wait_until(lambda: target.count(EINTR) == 1, "the call ends with EINTR")
    target.lives()
    assert (target.count(EINTR), target.count(OTHER)) == (1, 0)


@root_only
@sampled("call", "action")
@pytest.mark.parametrize("action", ["kill_process", "kill_thread", "trap", "errno"])
@pytest.mark.parametrize("call", CALLS)
def test_a_filter_that_forbids_restart_syscall(tmp_path: Path, call: str, action: str) -> None:
    with filtered(tmp_path, call, action) as target:
        is_interrupted(target, stopped_once(target))


@root_only
@pytest.mark.parametrize("call", CALLS)
def test_a_filter_that_permits_it(tmp_path: Path, call: str) -> None:
    with filtered(tmp_path, call, "allow") as target:
        assert stopped_once(target)["interrupted_calls"] == []
        sees_nothing(target)


@root_only
def test_two_filters_of_which_one_forbids_it(tmp_path: Path) -> None:
    with filtered(tmp_path, "nanosleep", "kill_process", "stacked") as target:
        is_interrupted(target, stopped_once(target))


@root_only
@pytest.mark.parametrize("call", ["nanosleep", "poll"])
def test_a_filter_that_looks_at_arguments(tmp_path: Path, call: str) -> None:
    """Those of restart_syscall are those of the call that it goes on with."""
    with filtered(tmp_path, call, "kill_process", "arguments") as target:
        is_interrupted(target, stopped_once(target))


@root_only
def test_a_filter_of_one_thread_only(tmp_path: Path) -> None:
    with filtered(tmp_path, "nanosleep", "kill_process", "thread") as target:
        [other] = {int(n) for n in os.listdir(f"/proc/{target.pid}/task")} - {target.pid}
        is_interrupted(target, stopped_once(target), other)
        for method in ("sigstop", "cgroup"):
            with pytest.raises(TargetError, match=f"seccomp filter .thread {other}"):
                freeze(target.pid, method, 30.0)
        target.lives()


@root_only
def test_a_filter_that_came_while_the_thread_waited(tmp_path: Path) -> None:
    """It forbids the very call, which would be made again."""
    with filtered(tmp_path, "read", "kill_process", "late") as target:
        facts = stopped_once(target)
        [ended] = facts["interrupted_calls"]
        assert ended["thread_id"] == target.pid
        wait_until(lambda: target.count(EINTR) == 1, "the call ends with EINTR")
        assert states(target.pid) == {"S"}


def test_the_strict_mode(tmp_path: Path) -> None:
    for method in ("ptrace", "sigstop"):
        with filtered(tmp_path, "read", "allow", "strict") as target:
            assert status(target.pid, "Seccomp") == "1"
            hold = freeze(target.pid, method, 30.0)
            hold.thaw()
            assert not hold.facts.get("interrupted_calls")
            as_found(target.pid)
            time.sleep(0.1)
            assert states(target.pid) == {"S"}
            assert target.count(RETURNED) == 0


I386 = ("-m32", "-nostdlib", "-static", "-fno-pie", "-no-pie", "-fno-stack-protector")


@root_only
@pytest.mark.parametrize("action", ["kill_process", "allow"])
def test_of_32_bit_code(tmp_path: Path, action: str) -> None:
    if os.uname().machine != "x86_64":
        pytest.skip("needs x86-64")
    try:
        compiled("freeze_filtered_i386", *I386)
    except AssertionError:
        pytest.skip("needs a compiler that makes 32-bit programs (gcc -m32)")
    with filtered(tmp_path, "i386", action, "all", *I386) as target:
        facts = stopped_once(target)
        if action == "allow":
            sees_nothing(target)
        else:
            is_interrupted(target, facts)
            assert facts["interrupted_calls"][0]["call"] == 0


@pytest.mark.parametrize("method", ["sigstop", "cgroup"])
@pytest.mark.parametrize("action", ["kill_process", "allow"])
def test_methods_that_can_not_look_refuse(tmp_path: Path, action: str, method: str) -> None:
    with filtered(tmp_path, "nanosleep", action) as target:
        with pytest.raises(TargetError, match="seccomp filter") as caught:
            freeze(target.pid, method, 30.0)
        assert "--freeze ptrace" in caught.value.remedy
        sees_nothing(target)


@root_only
@sampled()
@pytest.mark.parametrize("action", ["kill_process", "allow"])
def test_the_command(tmp_path: Path, action: str) -> None:
    out = tmp_path / "out.msl"
    with filtered(tmp_path, "nanosleep", action) as target:
        for method in ("sigstop", "cgroup"):
            done = acquire(target.pid, "-o", out, "--freeze", method, code=6)
            assert "--freeze ptrace" in one_line(done.stderr)
            assert not out.exists()
        acquire(target.pid, "-o", out)
        report = report_of(out)
        assert report["after"]["verdict"] == "as_found"
        assert len(report["freeze"]["interrupted_calls"]) == (action == "kill_process")
        target.lives()


@pytest.mark.parametrize("method", ["sigstop", "none"])
def test_what_is_stopped_already_is_not_refused(tmp_path: Path, method: str) -> None:
    with filtered(tmp_path, "nanosleep", "allow") as target:
        os.kill(target.pid, signal.SIGSTOP)
        wait_until(lambda: states(target.pid) == {"T"}, "it is stopped")
        freeze(target.pid, method, 30.0).thaw()
        assert states(target.pid) == {"T"}
        os.kill(target.pid, signal.SIGCONT)
        sees_nothing(target)


AS_SOMEBODY = """
import json, os, sys
from msl_acquire.linux.freeze import freeze
os.setgroups([]); os.setgid(65534); os.setuid(65534)
arguments = sys.argv[1:]
child = os.posix_spawn(arguments[0], arguments, os.environ)
os.read(0, 1)
hold = freeze(child, "ptrace", 30.0)
hold.thaw()
print(json.dumps([child, hold.facts]), flush=True)
os.read(0, 1)
os.kill(child, 9)
"""


@root_only
@sampled()
@pytest.mark.parametrize("action", ["kill_process", "allow"])
@pytest.mark.parametrize("call", ["nanosleep", "read"])
def test_an_ordinary_user_who_may_not_see_the_filter(
    open_tmp: Path, call: str, action: str
) -> None:
    """What may be forbidden ends with EINTR; what was permitted is made again."""
    if Path("/proc/sys/kernel/yama/ptrace_scope").exists():
        pytest.skip("needs a kernel without Yama")
    slots = open_tmp / "slots"
    slots.write_bytes(bytes(4096))
    slots.chmod(0o666)
    program = compiled("freeze_filtered")
    program.parent.chmod(0o755)
    command = [sys.executable, "-c", AS_SOMEBODY, str(program), call, action, "all", str(slots)]
    process = Running(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
    assert process.stdin is not None
    try:
        assert process.line() == "ready"
        target = Filtered(0, slots)
        wait_until(lambda: target.count(WAITING) > 0, "it waits")
        time.sleep(0.1)
        process.stdin.write(b"x")
        target.pid, facts = json.loads(process.line())
        assert status(target.pid, "Uid").split()[0] == "65534"
        if call == "read":
            time.sleep(0.1)
            assert facts["interrupted_calls"] == []
            assert target.count(RETURNED) == 0
        else:
            is_interrupted(target, facts)
        assert states(target.pid) == {"S"}
    finally:
        process.communicate(b"x", timeout=60)


# --- the interpreter ---------------------------------------------------------------------------

ALLOW, KILL = 0x7FFF0000, 0x80000000


def program(*instructions: tuple[int, int, int, int]) -> bytes:
    return b"".join(struct.pack("=HBBI", *one) for one in instructions)


DATA = filters.Data(219, 0xC000003E, 0x7F0012345678, (1, 2, 3, 4, 5, 0x600000007))


@pytest.mark.parametrize(
    ("body", "value"),
    [
        ([(0x20, 0, 0, 0)], 219),
        ([(0x20, 0, 0, 4)], 0xC000003E),
        ([(0x20, 0, 0, 8)], 0x12345678),
        ([(0x20, 0, 0, 12)], 0x7F00),
        ([(0x20, 0, 0, 56)], 7),
        ([(0x20, 0, 0, 60)], 6),
        ([(0x80, 0, 0, 0)], 64),
        ([(0x00, 0, 0, 7), (0x04, 0, 0, 5)], 12),
        ([(0x00, 0, 0, 7), (0x14, 0, 0, 9)], 0xFFFFFFFE),
        ([(0x00, 0, 0, 7), (0x24, 0, 0, 3)], 21),
        ([(0x00, 0, 0, 7), (0x34, 0, 0, 2)], 3),
        ([(0x00, 0, 0, 6), (0x44, 0, 0, 9)], 15),
        ([(0x00, 0, 0, 6), (0x54, 0, 0, 3)], 2),
        ([(0x00, 0, 0, 6), (0xA4, 0, 0, 3)], 5),
        ([(0x00, 0, 0, 1), (0x64, 0, 0, 31)], 1 << 31),
        ([(0x00, 0, 0, 1 << 31), (0x74, 0, 0, 31)], 1),
        ([(0x00, 0, 0, 1), (0x84, 0, 0, 0)], 0xFFFFFFFF),
        ([(0x01, 0, 0, 4), (0x00, 0, 0, 3), (0x0C, 0, 0, 0)], 7),
        ([(0x00, 0, 0, 9), (0x02, 0, 0, 3), (0x00, 0, 0, 0), (0x60, 0, 0, 3)], 9),
        ([(0x01, 0, 0, 9), (0x03, 0, 0, 3), (0x61, 0, 0, 3), (0x87, 0, 0, 0)], 9),
        ([(0x00, 0, 0, 9), (0x07, 0, 0, 0), (0x00, 0, 0, 0), (0x87, 0, 0, 0)], 9),
        ([(0x05, 0, 0, 1), (0x00, 0, 0, 1), (0x04, 0, 0, 2)], 2),
        ([(0x81, 0, 0, 0), (0x87, 0, 0, 0)], 64),
    ],
)
def test_each_instruction(body: list[tuple[int, int, int, int]], value: int) -> None:
    whole = program(*body, (0x15, 0, 1, value), (0x06, 0, 0, ALLOW), (0x06, 0, 0, KILL))
    assert filters.action(whole, DATA).action == ALLOW


@pytest.mark.parametrize(
    ("jump", "operand", "taken"),
    [
        (0x15, 219, True), (0x15, 220, False), (0x25, 218, True), (0x25, 219, False),
        (0x35, 219, True), (0x35, 220, False), (0x45, 1, True), (0x45, 4, False),
    ],
)  # fmt: skip
def test_each_condition(jump: int, operand: int, taken: bool) -> None:
    whole = program((0x20, 0, 0, 0), (jump, 0, 1, operand), (0x06, 0, 0, ALLOW), (0x06, 0, 0, KILL))
    assert filters.action(whole, DATA).action == (ALLOW if taken else KILL)


def test_the_accumulator_is_returned_without_its_data() -> None:
    whole = program((0x00, 0, 0, 0x00050026), (0x16, 0, 0, 0))
    verdict = filters.action(whole, DATA)
    assert (verdict.action, verdict.general) == (0x00050000, True)
    whole = program((0x20, 0, 0, 16), (0x06, 0, 0, ALLOW))
    assert filters.action(whole, DATA).general is False


@pytest.mark.parametrize(
    "wrong",
    [b"", b"1234567", program((0x00, 0, 0, 1)), program((0x40, 0, 0, 0), (0x06, 0, 0, 0)),
     program((0x34, 0, 0, 0), (0x06, 0, 0, 0)), program((0x20, 0, 0, 64), (0x06, 0, 0, 0))],
)  # fmt: skip
def test_what_is_no_program(wrong: bytes) -> None:
    with pytest.raises(ValueError, match="no seccomp filter"):
        filters.action(wrong, DATA)
