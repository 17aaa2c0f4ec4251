"""``python -m msl_acquire.trial``: whether acquisition works on this machine; a summary to report.

A target of its own is acquired by each method, each dump is verified and held against what the
target says of itself, and an acquirer is killed while it holds the target. The summary is JSON on
stdout; it has no memory, paths, names or addresses in it. The exit code is 1 if anything failed.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msl_construct
from msl_construct.rules import check

from . import acquire
from .backends import backend
from .report import tool

__all__ = ["SelfTrial", "main"]

PATIENCE = 180.0
_STILL = 1.0
_SIZE = 1 << 20
_BALLAST = 96 << 20
"""More than an acquirer holds in memory: so it must write while the target stands still."""
TARGET = f"""
import ctypes, os, sys, threading, time
data = bytearray(i * 37 % 251 for i in range({_SIZE}))
ballast = bytearray(b"x") * ({_BALLAST})
place = ctypes.addressof(ctypes.c_char.from_buffer(data))
print(os.getpid(), place, flush=True)
def wait():
    sys.stdin.read()
    os._exit(0)
threading.Thread(target=wait, daemon=True).start()
ticks = 0
while True:
    ticks += 1
    print(ticks, flush=True)
    time.sleep(0.02)
"""
"""Prints its number and where it keeps bytes that anybody can tell; then counts."""

HOLDER = """
import sys
from msl_construct.cli import main
main(["acquire", sys.argv[1], "-o", "-", "--no-report"])
"""


class SelfTrial:
    """What was tried, and what came of it."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    def add(self, what: str, *, passed: bool, **facts: Any) -> None:
        """One thing."""
        self.rows.append({"tried": what, "passed": passed, **facts})

    @property
    def passed(self) -> bool:
        """Whether nothing failed."""
        return all(row["passed"] for row in self.rows)


def main() -> int:
    """Try, and print the summary; the exit code."""
    ArgumentParser(prog="python -m msl_acquire.trial", description=__doc__).parse_args()
    trial = SelfTrial()
    system = backend()
    with tempfile.TemporaryDirectory() as folder, _target(Path(folder)) as (pid, place, ticks):
        for method in system.freezers:
            _guarded(trial, f"acquire, {method}", _by_method, pid, place, method, Path(folder))
        for _ in range(3):
            _guarded(trial, "kill an acquirer", _killed, pid, ticks)
    summary = {
        "trial": 1,
        "system": {
            "name": system.name,
            "release": platform.release(),
            "version": platform.version(),
            "machine": platform.machine(),
        },
        "tool": tool(),
        "passed": trial.passed,
        "rows": trial.rows,
    }
    print(json.dumps(summary, indent=1))
    return 0 if trial.passed else 1


@contextmanager
def _target(folder: Path) -> Iterator[tuple[int, int, Path]]:
    """Its PID, where its bytes are, and the file that it counts into."""
    ticks = folder / "ticks"
    with open(ticks, "wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-c", TARGET], stdin=subprocess.PIPE, stdout=out
        )
    try:
        until = time.monotonic() + PATIENCE
        while b"\n" not in (said := ticks.read_bytes()):
            if time.monotonic() > until:
                raise TimeoutError("the target does not start")
            time.sleep(0.05)
        pid, place = map(int, said.split(b"\n")[0].split())
        yield pid, place, ticks
    finally:
        process.kill()
        process.communicate()


def _guarded(trial: SelfTrial, what: str, function: Any, *arguments: Any) -> None:
    try:
        facts = function(*arguments)
    except Exception as error:
        # Messages have paths in them; the kind and the cause are what is of use.
        facts = {"passed": False, "error": type(error).__name__, "cause": _cause(error)}
    trial.add(what, **facts)


def _cause(error: BaseException) -> str:
    below = error.__cause__
    return str(below) if below is not None and below.__class__.__name__ == "CallFailed" else ""


def _by_method(pid: int, place: int, method: str, folder: Path) -> dict[str, Any]:
    """One acquisition, and what is wrong with it."""
    file = folder / f"{method}.msl"
    report = acquire(pid, file, freeze=method)
    with msl_construct.open(file) as dump:
        verdict = dump.verify()
        read = dump.memory.read(place, _SIZE)
        right = bytes(read) == bytes(i * 37 % 251 for i in range(_SIZE)) if read.complete else False
        rules = Counter(finding.rule.id for finding in check(dump))
    freeze = report["freeze"]
    passed = report.complete and verdict.intact and verdict.complete and right and not rules
    return {
        "passed": bool(passed),
        "status": report.status,
        "verified": verdict.intact and verdict.complete,
        "memory_right": right,
        "findings": dict(rules),
        "pages": report["memory"]["pages"],
        "causes": report["memory"]["causes"],
        "size": file.stat().st_size,
        "frozen_ns": freeze["duration"],
        "why_ended": freeze["why_ended"],
        "held_by": freeze.get("held_by", ""),
        "guardian": bool(freeze.get("guardian")),
        "threads": len(report["target"]["threads"]),
        "registers": sorted({row["registers"] for row in report["target"]["threads"]}),
        "modules": len(report["target"]["modules"]),
        "unknown": sorted(report["target"].get("unknown", {})),
        "after": report["after"]["verdict"],
    }


def _killed(pid: int, ticks: Path) -> dict[str, Any]:
    """An acquirer that is killed while it holds the target; how soon that goes on."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(pid)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert holder.stdout is not None
    first = threading.Thread(target=holder.stdout.read, args=(1,), daemon=True)
    try:
        # What it writes first it writes when it has stopped the target.
        first.start()
        first.join(PATIENCE)
        stood = _wait(lambda: holder.poll() is not None or _stands(ticks), PATIENCE)
        stood = stood and holder.poll() is None and not first.is_alive()
    finally:
        holder.kill()
        killed = time.monotonic()
    before = os.path.getsize(ticks)
    went_on = _wait(lambda: os.path.getsize(ticks) > before, PATIENCE)
    seconds = time.monotonic() - killed
    first.join(PATIENCE)
    holder.communicate()
    return {"passed": stood and went_on, "stood_still": stood, "went_on_after": round(seconds, 2)}


def _stands(ticks: Path) -> bool:
    before = os.path.getsize(ticks)
    time.sleep(_STILL)
    return os.path.getsize(ticks) == before


def _wait(met: Any, seconds: float) -> bool:
    until = time.monotonic() + seconds
    while not met():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


if __name__ == "__main__":
    sys.exit(main())
