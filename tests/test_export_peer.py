"""A live process dumped by rust-minidump: what its reader says of that, it says of our export."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from acquiring import linux_only
from commands import run

PEER = "MSL_MINIDUMP_PEER"
"""Environment variable: what `cargo build` makes in `tests/peers/minidump`."""

SCRIPT = """
import threading, time
for number in range(3):
    threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
print(flush=True)
time.sleep(600)
"""


@linux_only
def test_a_process_comes_back_as_another_reader_sees_it(tmp_path: Path) -> None:
    peer = os.environ.get(PEER)
    if peer is None:
        pytest.skip(f"needs {PEER}: cargo build in tests/peers/minidump")
    theirs, dump, ours = (tmp_path / name for name in ("theirs.dmp", "dump.msl", "ours.dmp"))
    command = [sys.executable, "-c", SCRIPT]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        subprocess.run([peer, "write", str(process.pid), theirs], check=True, timeout=60)
        process.kill()
    assert run("import", theirs, "-o", dump, "--check").returncode == 0
    assert run("check", dump).returncode == 0
    assert run("export", dump, "--to", "minidump", "-o", ours).returncode == 0
    expected, found = (
        subprocess.run([peer, "read", path], check=True, capture_output=True, text=True, timeout=60)
        for path in (theirs, ours)
    )
    lines = sorted(expected.stdout.splitlines())
    assert [sum(one.startswith(word) for one in lines) for word in ("system", "thread")] == [1, 4]
    assert any(line.startswith("memory") for line in lines)
    assert sorted(found.stdout.splitlines()) == lines
