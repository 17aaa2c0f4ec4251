"""A target that executes another program while it is looked at: never a mixture of the two."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pytest
from acquire_targets import Running, compiled, started, target
from acquiring import Dump, acquire, as_found, linux_only, report_of, status, verified, wait_until
from sampling import sampled

pytestmark = linux_only

from msl_acquire.backends import backend  # noqa: E402
from msl_acquire.linux.target import LinuxTarget  # noqa: E402
from msl_acquire.options import Options  # noqa: E402
from msl_acquire.report import Report  # noqa: E402
from msl_acquire.session import Session  # noqa: E402
from msl_construct.errors import TargetError  # noqa: E402

METHODS = ("ptrace", "sigstop", "cgroup", "none")


def marked(process: Running, mark: str) -> None:
    """Wait until a process is the program with this mark, ready again."""
    assert process.line() == "ready"
    assert Path(f"/proc/{process.pid}/cmdline").read_bytes().split(b"\0")[1].decode() == mark


def captured(pid: int, out: Path, method: str, before_stop: Callable[[], None]) -> Report:
    """Acquire; something happens between the preparation and the stop."""
    file: IO[bytes]
    with out.open("w+b", 0) as file:
        session = Session(backend(), pid, file, Options(freeze=method), name=str(out))
        with session:
            session.prepare()
            before_stop()
            session.stop()
            session.read()
            session.let_go()
            return session.finish()


def of_one_program(dump: Dump, executable: Path, mark: str, dead: str, least: int = 64) -> None:
    """Identity, modules and memory are those of one program.

    Args:
        least: how often its mark stands in its memory: one that has just begun has not yet
            written it.
    """
    identity = dump.payload(dump.of("process_identity")[0])
    assert identity["exe_path"] == str(executable)
    # Where the kernel is about to lay it out there is none.
    assert mark in (identity["cmd_line"] or mark)
    paths = [dump.payload(entry)["path"] for entry in dump.of("module_entry")]
    assert str(executable) in paths
    everything = b"".join(bytes(data) for _, _, state, data in dump.stretches() if data)
    assert everything.count(mark.encode()) >= least
    assert dead.encode() not in everything


def can_freeze(method: str) -> None:
    if method == "cgroup" and os.geteuid():
        pytest.skip("needs root")


@sampled("method", "who")
@pytest.mark.parametrize("who", ["leader", "thread"])
@pytest.mark.parametrize("method", METHODS)
def test_between_preparation_and_freeze(method: str, who: str, tmp_path: Path) -> None:
    can_freeze(method)
    out = tmp_path / "out.msl"
    with target("executes", "MARK-of-the-dead") as (process, _):

        def execute() -> None:
            assert process.stdin is not None
            process.stdin.write(f"{who} MARK-of-the-living\n".encode())
            marked(process, "MARK-of-the-living")

        report = captured(process.pid, out, method, execute)
        as_found(process.pid)
        assert report.complete
        assert report["freeze"]["executed"] == str(compiled("executes"))
    verified(out)
    of_one_program(Dump(out), compiled("executes"), "MARK-of-the-living", "MARK-of-the-dead")


@sampled()
@pytest.mark.parametrize("method", METHODS)
def test_another_program_altogether(method: str, tmp_path: Path) -> None:
    """Its modules are others: no hash of the dead program's stays."""
    can_freeze(method)
    out = tmp_path / "out.msl"
    other = compiled("e2e_idle")
    with target("executes", "MARK-of-the-dead") as (process, _):

        def execute() -> None:
            assert process.stdin is not None
            process.stdin.write(f"program {other}\n".encode())
            wait_until(lambda: os.readlink(f"/proc/{process.pid}/exe") == str(other), "executed")

        report = captured(process.pid, out, method, execute)
        assert report["freeze"]["executed"] == str(other)
    verified(out)
    dump = Dump(out)
    paths = [dump.payload(entry)["path"] for entry in dump.of("module_entry")]
    assert str(other) in paths
    assert str(compiled("executes")) not in paths
    assert dump.payload(dump.of("process_identity")[0])["exe_path"] == str(other)


def test_a_child_that_still_had_its_parents_memory(tmp_path: Path) -> None:
    """After vfork the old memory does not end when the child executes: it is the parent's."""
    out = tmp_path / "out.msl"
    with target("executes", "MARK-of-the-parent", "vfork") as (process, lines):
        child = int(lines[0].split()[1])

        def execute() -> None:
            assert process.stdin is not None
            process.stdin.write(b"\n")
            assert process.line() == "ready"

        report = captured(child, out, "ptrace", execute)
        assert report.complete
        assert report["freeze"]["executed"]
    verified(out)
    of_one_program(Dump(out), compiled("executes"), "MARK-of-the-child", "MARK-of-the-parent")


@sampled("method", "microseconds")
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("microseconds", [200, 3000, 30000])
def test_a_program_that_executes_itself_without_pause(
    method: str, microseconds: int, tmp_path: Path
) -> None:
    """It is captured as what it is, or refused as what it does; it never is said to have ended."""
    can_freeze(method)
    program = compiled("executes")
    words = [str(program), "MARK-of-the-storm", "storm", str(microseconds)]
    with started(words, "") as (process, _):
        wait_until(lambda: os.readlink(f"/proc/{process.pid}/exe") == str(program), "executed")
        out = tmp_path / "out.msl"
        captured = _acquired(process.pid, out, method)
        assert process.poll() is None
        wait_until(lambda: status(process.pid, "TracerPid") == "0", "it is let go")
    if captured:
        verified(out)
        of_one_program(Dump(out), program, "MARK-of-the-storm", "MARK-of-nobody", least=1)


def _acquired(pid: int, out: Path, method: str) -> bool:
    """Whether it was captured: stopped, it always is."""
    try:
        done = acquire(pid, "-o", out, "--freeze", method)
    except AssertionError as error:
        said = str(error)
        assert method == "none", said
        assert "ended" not in said
        assert "exit code 6" in said or "exit code 4" in said, said
        assert "executed another program" in said or "executes one program" in said, said
        if "exit code 4" in said:
            assert report_of(out)["status"] == "target_replaced"
        return False
    assert done.returncode == 0
    return True


def test_a_number_that_belongs_to_another_process_now() -> None:
    """Which can't be arranged on every machine: the start, and the descriptor, tell."""
    with target("executes", "MARK") as (process, _):
        found = LinuxTarget(process.pid)
        try:
            found._handle._start -= 1
            with pytest.raises(TargetError, match="its number belongs to another process now"):
                found.freeze("sigstop", None)
            as_found(process.pid)
            found._handle._start += 1
            process.send_signal(signal.SIGKILL)
            process.wait()
            with pytest.raises(TargetError, match="has ended"):
                found.freeze("ptrace", None)
        finally:
            found.close()
