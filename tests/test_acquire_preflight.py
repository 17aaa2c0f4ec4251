"""Whether a process can be acquired, and what is said where it can't."""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
from acquire_targets import compiled, started, target

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")

from msl_acquire.linux import preflight as preflights  # noqa: E402
from msl_acquire.linux.permission import Standing, cause_of_refusal, standing  # noqa: E402
from msl_acquire.linux.preflight import preflight  # noqa: E402
from msl_construct.errors import TargetError  # noqa: E402


def wait_until_it_sleeps(pid: int) -> None:
    """Until a process that has just been started has nothing more to do."""
    deadline = time.monotonic() + 60
    while "State:\tS" not in Path(f"/proc/{pid}/status").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_process_of_ours_is_permitted_and_not_touched() -> None:
    with target("meta_program") as (process, _):
        wait_until_it_sleeps(process.pid)
        for method in ("ptrace", "sigstop", "none"):
            told = preflight(process.pid, method)
            assert told["memory"] == "permitted"
            assert told["thread"] == process.pid
            assert told["page_size"] == os.sysconf("SC_PAGE_SIZE")
        status = Path(f"/proc/{process.pid}/status").read_text()
        assert "State:\tS" in status
        assert "TracerPid:\t0" in status


def test_what_is_no_target() -> None:
    with pytest.raises(TargetError, match="it can't stop itself"):
        preflight(os.getpid(), "ptrace")
    with pytest.raises(TargetError, match="there is no process 4194305; check the number"):
        preflight(4194305, "ptrace")  # above the largest that Linux gives
    for number in (0, -1):
        with pytest.raises(TargetError, match="is no number of a process"):
            preflight(number, "ptrace")


def test_a_zombie() -> None:
    process = subprocess.Popen(["true"])
    try:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        with pytest.raises(TargetError, match=f"process {process.pid} has ended .*zombie"):
            preflight(process.pid, "ptrace")
    finally:
        process.wait(60)


def test_a_process_whose_first_thread_has_ended() -> None:
    with target("meta_leader") as (process, _):
        until = time.monotonic() + 60
        while ") Z" not in Path(f"/proc/{process.pid}/stat").read_text():
            assert time.monotonic() < until
            time.sleep(0.01)
        told = preflight(process.pid, "none")
        assert told["leader_ended"]
        assert told["thread"] != process.pid
        assert str(told["thread"]) in os.listdir(f"/proc/{process.pid}/task")


def test_a_thread_is_not_a_process() -> None:
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait, args=(120,))
    thread.start()
    try:
        with pytest.raises(TargetError, match=rf"is a thread of process {os.getpid()} .*acquire"):
            preflight(thread.native_id or 0, "ptrace")
    finally:
        stop.set()
        thread.join(60)


def test_a_thread_of_the_kernel() -> None:
    for number in (2, 3):
        stat = Path(f"/proc/{number}/stat")
        if stat.exists() and int(stat.read_text().rpartition(")")[2].split()[6]) & 0x200000:
            with pytest.raises(TargetError, match="is a thread of the kernel"):
                preflight(number, "ptrace")
            return
    pytest.skip("needs to see threads of the kernel")


def test_a_process_that_is_traced_already() -> None:
    tool = shutil.which("strace") or shutil.which("gdb")
    if tool is None:
        pytest.skip("needs strace or gdb")
    options = ["-p", "PID"] if tool.endswith("strace") else ["-q", "-nx", "-p", "PID"]
    with target("meta_program") as (process, _):
        arguments = [str(process.pid) if option == "PID" else option for option in options]
        with started([tool, *arguments], "") as (tracer, _):
            until = time.monotonic() + 60
            while "TracerPid:\t0" in Path(f"/proc/{process.pid}/status").read_text():
                if tracer.poll() is not None or time.monotonic() > until:
                    pytest.skip(f"{tool} could not attach")
                time.sleep(0.05)
            with pytest.raises(TargetError, match=r"already traced by process \d+ .*--freeze"):
                preflight(process.pid, "ptrace")
            assert preflight(process.pid, "none")["standing"]["tracer"] > 0


def test_the_control_group() -> None:
    with target("meta_program") as (process, _):
        try:
            told = preflight(process.pid, "cgroup")
        except TargetError as error:
            pytest.skip(str(error))
        directory = Path(told["control_group"]["directory"])
        name = "cgroup.procs" if told["control_group"]["version"] == 2 else "tasks"
        assert str(process.pid) in (directory / name).read_text().split()


def test_no_control_group(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflights, "groups", lambda _: [])
    with (
        target("meta_program") as (process, _),
        pytest.raises(TargetError, match="mount the cgroup2 file system, or choose --freeze"),
    ):
        preflight(process.pid, "cgroup")


def _as_nobody(work: Callable[[], str]) -> str:
    """What `work` returns in a child of ours without any privilege."""
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        # Python warns of forking with threads about; the child does next to nothing.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setresgid(65534, 65534, 65534)
            os.setresuid(65534, 65534, 65534)
            os.write(writing, work().encode())
        except BaseException as error:
            os.write(writing, f"{type(error).__name__}: {error}".encode())
        finally:
            os._exit(0)
    os.close(writing)
    with open(reading, "rb") as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    return said.decode()


def _refusal(pid: int) -> str:
    try:
        preflight(pid, "ptrace")
    except TargetError as error:
        return str(error)
    return "permitted"


def test_a_process_of_another_user() -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root, to become another user")
    with target("meta_program") as (process, _):
        said = _as_nobody(lambda: _refusal(process.pid))
    assert f"process {process.pid} can't be read: it belongs to user 0, we are user 65534" in said
    assert "run as root or give the capability CAP_SYS_PTRACE" in said


def test_a_process_that_forbids_it() -> None:
    tool = shutil.which("setpriv")
    if os.geteuid() != 0 or tool is None:
        pytest.skip("needs root and setpriv")
    options = ["--reuid=65534", "--regid=65534", "--clear-groups"]
    program = compiled("meta_program")
    program.parent.chmod(0o711)
    with started([tool, *options, str(program), "shut"]) as (process, _):
        said = _as_nobody(lambda: _refusal(process.pid))
        seen = standing(process.pid, f"/proc/{process.pid}")
        assert (seen.dumpable, seen.same_user_namespace, seen.tracer) == (False, True, 0)
    with started([tool, *options, str(program)]) as (process, _):
        assert _as_nobody(lambda: _refusal(process.pid)) == "permitted"
    assert "it is not dumpable" in said
    assert "CAP_SYS_PTRACE" in said


_OURS = Standing(
    our_uid=1000,
    our_capabilities=0,
    our_no_new_privileges=False,
    our_seccomp=0,
    our_label="",
    in_container=False,
    uids=(1000, 1000, 1000),
    capabilities=0,
    dumpable=True,
    same_user_namespace=None,
    no_new_privileges=False,
    label="",
    tracer=0,
    yama=None,
    descendant=False,
)
_ALL = (1 << 41) - 1
_ROOT = {"our_uid": 0, "our_capabilities": _ALL, "uids": (0, 0, 0), "capabilities": _ALL}
_NO_TRACE = {**_ROOT, "our_capabilities": _ALL & ~(1 << 19), "capabilities": 0}


@pytest.mark.parametrize(
    ("changes", "cause", "remedy"),
    [
        ({"uids": (0, 0, 0)}, "belongs to user 0, we are user 1000", "run as root or give"),
        ({"uids": (1000, 0, 0)}, "belongs to user 0, 1000", "run as root or give"),
        (
            {"uids": (0, 0, 0), "our_capabilities": 1 << 19},
            "files in /proc belong to user 0, we are user 1000 without the capability CAP_DAC_READ",
            "give the capability CAP_DAC_READ_SEARCH",
        ),
        (
            {"our_capabilities": 1 << 19, "dumpable": False},
            "belong to root, for it is not dumpable",
            "give the capability CAP_DAC_READ_SEARCH",
        ),
        (
            {"uids": (0, 0, 0), "our_capabilities": 1 << 19 | 1 << 2},
            "security module",
            "outside of any sandbox",
        ),
        ({"capabilities": 1 << 12}, "capabilities that we don't have", "CAP_SYS_PTRACE"),
        ({"dumpable": False}, "not dumpable", "CAP_SYS_PTRACE"),
        ({"yama": 1}, "ptrace_scope is 1", "sysctl kernel.yama.ptrace_scope=0, or run as root"),
        ({"yama": 2}, "ptrace_scope is 2", "run as root"),
        ({"yama": 3, **_ROOT}, "ptrace_scope is 3", "reboot"),
        ({"yama": 1, "descendant": True}, "security module (Landlock", "outside of any sandbox"),
        ({"same_user_namespace": False}, "another user namespace", "parent namespace"),
        (
            {**_ROOT, "same_user_namespace": False},
            "where our CAP_SYS_PTRACE doesn't count",
            "on the host",
        ),
        ({**_ROOT, "label": "docker-default (enforce)"}, "'docker-default (enforce)'", "policy"),
        ({**_ROOT}, "security module (Landlock, BPF)", "outside of any sandbox"),
        (
            {**_NO_TRACE, "uids": (101, 101, 101), "in_container": True},
            "root lacks the capability CAP_SYS_PTRACE",
            "--cap-add SYS_PTRACE",
        ),
        (
            {"uids": (0, 0, 0), "our_no_new_privileges": True},
            "belongs to user 0",
            "no_new_privs is set",
        ),
    ],
)
def test_the_cause_that_is_named(changes: dict[str, object], cause: str, remedy: str) -> None:
    said = cause_of_refusal(7, dataclasses.replace(_OURS, **changes))  # type: ignore[arg-type]
    assert said[0].startswith("process 7 can't be read: ")
    assert cause in said[0]
    assert remedy in said[1]
