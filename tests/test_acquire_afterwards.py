"""What is said of a target that has been let go."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from acquire_targets import Running, started
from acquiring import acquire, launched, linux_only, report_of, states, verified, wait_until
from commands import one_line

if sys.platform != "linux":
    pytest.skip("needs Linux", allow_module_level=True)

from msl_acquire.linux.freeze import freeze
from msl_acquire.linux.freeze.cgroup import groups
from msl_acquire.linux.target import LinuxTarget

pytestmark = linux_only

WAITS = """
import os, signal, sys, threading, time
end = threading.Event()
if "exit" in sys.argv:
    signal.signal(signal.SIGCONT, lambda *_: os._exit(7))
if "exec" in sys.argv:
    signal.signal(signal.SIGUSR1, lambda *_: os.execv("/bin/sleep", ["sleep", "100"]))
if "thread" in sys.argv:
    threading.Thread(target=end.wait).start()
    signal.signal(signal.SIGUSR1, lambda *_: end.set())
print("ready", flush=True)
while True:
    time.sleep(0.01)
"""


@contextlib.contextmanager
def held(*words: str, method: str = "ptrace") -> Iterator[tuple[Running, LinuxTarget]]:
    """A target that was held and let go."""
    with started([sys.executable, "-c", WAITS, *words]) as (process, _):
        target = LinuxTarget(process.pid)
        try:
            target.freeze(method, 30.0).thaw()
            yield process, target
        finally:
            target.close()


def verdict(target: LinuxTarget, expected: str) -> dict[str, Any]:
    found = target.afterwards()
    assert found["verdict"] == expected, found
    assert bool(found["detail"]) is (expected != "as_found")
    return found


@pytest.mark.parametrize("method", ["ptrace", "sigstop", "none"])
def test_as_it_was_found(method: str) -> None:
    with held("thread", method=method) as (_, target):
        found = verdict(target, "as_found")
        assert (found["threads"], found["threads_gone"], found["threads_new"]) == (2, [], 0)
        assert (found["tracer"], found["stopped"], found["changes"]) == (0, [], [])


@pytest.mark.parametrize("number", [signal.SIGSYS, signal.SIGKILL], ids=lambda one: one.name)
def test_it_was_killed(number: signal.Signals) -> None:
    with held() as (process, target):
        process.send_signal(number)
        found = verdict(target, "ended")
        assert found["signal"] in (number.name, None)  # None: not ours to see
        if os.geteuid() == 0:
            assert found["detail"].endswith(f"by {number.name}")
        process.wait()
        assert verdict(target, "ended")["signal"] is None


def test_it_was_stopped() -> None:
    with held() as (process, target):
        process.send_signal(signal.SIGSTOP)
        wait_until(lambda: states(process.pid) == {"T"}, "it is stopped")
        found = verdict(target, "stopped")
        assert found["stopped"] == [process.pid]
        assert "kill -CONT" in found["detail"]


def test_it_had_been_stopped() -> None:
    with started([sys.executable, "-c", WAITS]) as (process, _):
        process.send_signal(signal.SIGSTOP)
        wait_until(lambda: states(process.pid) == {"T"}, "it is stopped")
        target = LinuxTarget(process.pid)
        target.freeze("ptrace", 30.0).thaw()
        verdict(target, "as_found")
        process.send_signal(signal.SIGCONT)
        assert "had been stopped" in verdict(target, "changed")["detail"]
        target.close()


def test_somebody_else_traces_it() -> None:
    with held() as (process, target):
        hold = freeze(process.pid, "ptrace", 30.0)
        assert verdict(target, "traced")["tracer"] == hold.facts["guardian"]
        hold.thaw()


def test_it_executes_another_program() -> None:
    with held("exec") as (process, target):
        process.send_signal(signal.SIGUSR1)
        wait_until(
            lambda: Path(f"/proc/{process.pid}/comm").read_text() == "sleep\n", "it executed"
        )
        assert "another program" in verdict(target, "changed")["detail"]


def test_a_thread_has_gone() -> None:
    with held("thread") as (process, target):
        [other] = {int(n) for n in os.listdir(f"/proc/{process.pid}/task")} - {process.pid}
        process.send_signal(signal.SIGUSR1)
        wait_until(lambda: len(os.listdir(f"/proc/{process.pid}/task")) == 1, "it has ended")
        found = verdict(target, "as_found")
        assert found["threads_gone"] == [other]


def test_it_is_in_another_control_group() -> None:
    for group in groups(os.getpid()):
        if os.access(group.directory, os.W_OK):
            break
    else:
        pytest.skip("needs a writable control group")
    child = Path(group.directory, f"msl-test-{os.getpid()}-{time.monotonic_ns():x}")
    child.mkdir()
    try:
        with held() as (process, target):
            (child / "cgroup.procs").write_text(str(process.pid))
            assert "control group" in verdict(target, "changed")["detail"]
    finally:
        wait_until(lambda: not (child / "cgroup.procs").read_text(), "it is empty")
        child.rmdir()


def test_the_command_says_that_it_did_not_outlive_it(tmp_path: Path) -> None:
    """Here by its own doing: it ends when somebody wakes it."""
    out = tmp_path / "out.msl"
    with started([sys.executable, "-c", WAITS, "exit"]) as (process, _):
        done = acquire(process.pid, "-o", out, "--freeze", "sigstop", "--quiet", code=4)
        assert f"{process.pid} has not outlived" in one_line(done.stderr)
    verified(out)
    report = report_of(out)
    assert report["status"] == "complete"
    assert report["after"]["verdict"] == "ended"
    if os.geteuid() == 0:
        assert report["after"]["exit_code"] == 7


def test_the_command_says_what_did_not_stop(tmp_path: Path) -> None:
    """A thread that waits for the child that it has forked by vfork."""
    code = (
        "#include <stdio.h>\n#include <unistd.h>\n"
        'int main(void) { puts("ready"); fflush(stdout);\n'
        "if (!vfork()) { sleep(100); _exit(0); } return 0; }\n"
    )
    (tmp_path / "vfork.c").write_text(code)
    program = str(tmp_path / "vfork")
    built = subprocess.run(["gcc", "-o", program, program + ".c"], capture_output=True, check=False)
    if built.returncode:
        pytest.skip("needs a C compiler (gcc)")
    with started([program]) as (process, _):
        wait_until(lambda: states(process.pid) == {"D"}, "it waits for its child")
        for method in ("sigstop", "ptrace"):
            out = tmp_path / f"{method}.msl"
            with launched(process.pid, "-o", out, "--freeze", method) as tool:
                _, errors = tool.communicate(timeout=60)
            assert tool.returncode == 0, errors
            assert b"1 thread did not stop" in errors
            assert report_of(out)["freeze"]["not_stopped"][0]["thread_id"] == process.pid
