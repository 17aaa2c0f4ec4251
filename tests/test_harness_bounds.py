"""Decoders that do not end, print without end or leave processes behind."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from harness_corpus import a_corpus_of_one, decoder, gone, only

from msl_construct.corpus import Manifest
from msl_construct.harness import SampleOutcome, run

__all__ = ["a_corpus_of_one"]


HANGING = {
    "sleeps": "time.sleep(600)",
    "busy": "while True: pass",
    "deaf": "signal.signal(signal.SIGTERM, signal.SIG_IGN)\ntime.sleep(600)",
    "closed": "os.close(1); os.close(2)\ntime.sleep(600)",
    "waits": "sys.stdout.write('{}'); sys.stdout.flush(); subprocess.run(['sleep', '600'])",
    "talks": "while True: sys.stderr.write('x' * 4096)",
}


@pytest.mark.parametrize("body", HANGING.values(), ids=HANGING)
def test_hanging(one: Manifest, tmp_path: Path, body: str) -> None:
    note = tmp_path / "pids"
    begin = "import os, signal, subprocess, sys, time\n"
    begin += f"open({str(note)!r}, 'w').write(str(os.getpid()))\n"
    for patience in (1, 8, 64):
        begun = time.monotonic()
        result = only(run(one, decoder(tmp_path, begin + body, right=False), timeout=patience))
        assert time.monotonic() - begun < patience + 20
        assert result.outcome is SampleOutcome.HANG
        assert result.detail == f"not done after {patience} s"
        if note.exists():  # else it had not even begun: the machine was busy
            break
    assert len(result.stderr) <= 4096
    gone(note)


@pytest.mark.parametrize("closed", ["", "stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL"])
def test_a_child_that_is_left_behind(one: Manifest, tmp_path: Path, closed: str) -> None:
    note = tmp_path / "pids"
    body = f"""
import subprocess
child = subprocess.Popen(["sleep", "600"], {closed})
open({str(note)!r}, "w").write(str(child.pid))
"""
    for patience in (60,) if closed else (1.5, 12, 96):
        result = only(run(one, decoder(tmp_path, body), timeout=patience))
        if closed or "held its output" in result.detail:
            break  # else it had not even ended: the machine was busy
    assert result.outcome is (SampleOutcome.PASS if closed else SampleOutcome.HANG), result.detail
    assert closed or "held its output" in result.detail
    gone(note)


def test_a_gigabyte_is_not_taken(one: Manifest, tmp_path: Path) -> None:
    note = tmp_path / "pids"
    body = f"""
import os, sys
open({str(note)!r}, "w").write(str(os.getpid()))
for _ in range(1024): sys.stdout.write("x" * (1 << 20))
"""
    command = decoder(tmp_path, body, right=False)
    result = only(run(one, command, output_limit=1 << 20, timeout=60))
    assert result.outcome is SampleOutcome.CRASH
    assert result.detail == "output too large: more than 1048576 bytes"
    gone(note)


def test_full_pipes_block_nobody(one: Manifest, tmp_path: Path) -> None:
    body = "sys.stderr.write('y' * (1 << 20)); print(' ' * (1 << 20)); sys.stderr.write('end')"
    result = only(run(one, decoder(tmp_path, body), timeout=60))
    assert result.outcome is SampleOutcome.PASS
    assert result.stderr == "y" * 4093 + "end"
