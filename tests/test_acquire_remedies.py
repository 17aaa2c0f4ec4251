"""What a refusal tells people to do works when they do it."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from acquire_targets import started, target
from acquiring import (
    acquire,
    as_found,
    command,
    environment,
    linux_only,
    status,
    tasks,
    verified,
    wait_until,
)
from sampling import sampled

pytestmark = linux_only


@contextlib.contextmanager
def traced_by_gdb(_: Path) -> Iterator[int]:
    """Stopped in the debugger."""
    if not shutil.which("gdb"):
        pytest.skip("needs gdb")
    with target("e2e_idle") as (process, _lines):
        debugger = subprocess.Popen(
            ["gdb", "--nx", "-q", "-p", str(process.pid)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            wait_until(lambda: status(process.pid, "TracerPid") == str(debugger.pid), "gdb has it")
            yield process.pid
        finally:
            debugger.kill()
            debugger.communicate()


@contextlib.contextmanager
def traced_by_strace(place: Path) -> Iterator[int]:
    """Running under a tracer."""
    if not shutil.which("strace"):
        pytest.skip("needs strace")
    words = ["strace", "-f", "-o", str(place / "trace"), "-p"]
    with target("e2e_idle") as (process, _lines):
        tracer = subprocess.Popen([*words, str(process.pid)], stderr=subprocess.DEVNULL)
        try:
            wait_until(lambda: status(process.pid, "TracerPid") == str(tracer.pid), "it traces")
            yield process.pid
        finally:
            tracer.terminate()
            tracer.wait()


@contextlib.contextmanager
def filtered(place: Path) -> Iterator[int]:
    """With a seccomp filter that kills."""
    slots = place / "slots"
    slots.write_bytes(bytes(4096))
    words = ("nanosleep", "kill_process", "all", str(slots))
    with target("freeze_filtered", *words) as (process, _lines):
        yield process.pid


SITUATIONS = {
    "gdb": (traced_by_gdb, ("ptrace", "sigstop", "snapshot")),
    "strace": (traced_by_strace, ("ptrace", "sigstop", "snapshot")),
    "filter": (filtered, ("sigstop", "cgroup")),
}
CASES = [(name, method) for name, (_, methods) in SITUATIONS.items() for method in methods]


@sampled("situation")
@pytest.mark.parametrize(("situation", "method"), CASES)
def test_every_way_of_freezing_that_is_named_works(
    situation: str, method: str, tmp_path: Path
) -> None:
    """Each of them, at once, and not after another refusal."""
    if method == "cgroup" and os.geteuid():
        pytest.skip("needs root")
    make, _ = SITUATIONS[situation]
    with make(tmp_path) as pid:
        done = acquire(pid, "-o", tmp_path / "out.msl", "--freeze", method, code=6)
        (line,) = done.stderr.decode().splitlines()
        named = re.findall(r"--freeze (\w+)", line.partition(";")[2])
        assert named, line
        for number, way in enumerate(named):
            out = tmp_path / f"{number}.msl"
            acquire(pid, "-o", out, "--freeze", way)
            verified(out)


def test_a_thread_is_told_its_process(tmp_path: Path) -> None:
    with target("e2e_counter", "2", "16", "1", "1000") as (process, _):
        thread = max(tasks(process.pid) - {process.pid})
        done = acquire(thread, "-o", tmp_path / "out.msl", code=6)
        found = re.search(r"; acquire (\d+)", done.stderr.decode())
        assert found, done.stderr
        acquire(found[1], "-o", tmp_path / "out.msl")
        as_found(process.pid)


def test_a_word_that_is_named_selects_something(tmp_path: Path) -> None:
    with target("e2e_idle") as (process, _):
        words = ["-o", tmp_path / "out.msl", "--include"]
        done = acquire(process.pid, *words, "path:/nothing", code=6)
        named = re.findall(r"(\w+) \([\d.]+ MiB\)", done.stderr.decode())
        assert "heap" in named
        for word in named:
            acquire(process.pid, *words, word, "--force")


def test_another_users_process(tmp_path: Path) -> None:
    """`run as root` is what root's acquisition of it shows to help."""
    if os.geteuid() or not shutil.which("setpriv"):
        pytest.skip("needs root and setpriv")
    with started(["sleep", "1000"], "") as (process, _):
        user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        done = subprocess.run(
            [*user, *command(process.pid, "-o", "-")],
            capture_output=True,
            env=environment(),
            check=False,
        )
        if done.returncode != 6:
            pytest.skip(f"needs a Python that everybody may run: {done.stderr!r}")
        assert b"run as root" in done.stderr
        acquire(process.pid, "-o", tmp_path / "out.msl")
