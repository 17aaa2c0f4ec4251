"""Fuzz the reader, the rules, documents and drafts.

Usage: python tests/fuzzing/run.py [--seconds 3600] [--target NAME …] [--seed N] [--keep DIR]

Half of the time goes to random changes of known inputs, half to libFuzzer, which is guided by
coverage, where atheris is installed (``pip install atheris``); else it is said that it is not.
What is found is put into tests/data/found, and is a test from then on (tests/test_found.py).

Exit codes: 0 nothing found; 1 something found, a line on stdout for each; 2 usage.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import FrameType

TESTS = Path(__file__).parents[1]
if __package__ in (None, ""):  # run as a program
    sys.path[:0] = [str(TESTS), str(TESTS.parent)]

from fuzzing.found import FOUND, keep  # noqa: E402 - found by what stands above
from fuzzing.targets import TARGETS, Target  # noqa: E402

__all__ = ["guided", "main", "mutational"]

HANG = 30
"""Seconds that one input may take on the slowest machine."""
MEMORY_MIB = 2048
_KEPT_AT_MOST = 20


def _ring(_: int, __: FrameType | None) -> None:
    raise TimeoutError(f"still busy after {HANG} s")


def mutational(target: Target, seconds: float, seed: int, folder: Path) -> tuple[int, list[str]]:
    """Put changed inputs to a target; how many, and a line for each that was found."""
    found: list[str] = []
    count = 0
    end = time.monotonic() + seconds
    before = signal.signal(signal.SIGALRM, _ring)
    try:
        while (time.monotonic() < end or not count) and len(found) < _KEPT_AT_MOST:
            data = target.mutate(f"{seed}:{count}")
            count += 1
            signal.setitimer(signal.ITIMER_REAL, HANG)
            try:
                target.run(data)
            except Exception as error:
                path = keep(target.name, data, folder)
                found.append(f"{target.name}: {path}: {type(error).__name__}: {error}")
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
    finally:
        signal.signal(signal.SIGALRM, before)
    return count, found


def guided(target: Target, seconds: float, seed: int, folder: Path) -> tuple[int, list[str]]:
    """The same with libFuzzer, in a process of its own."""
    found: list[str] = []
    count = 0
    with tempfile.TemporaryDirectory(prefix="msl-fuzz-") as scratch:
        corpus, artifacts = Path(scratch) / "corpus", Path(scratch) / "found"
        corpus.mkdir()
        artifacts.mkdir()
        ran = subprocess.run(
            [
                sys.executable,
                "-m",
                "fuzzing.guided",
                target.name,
                str(corpus),
                f"-max_total_time={max(1, round(seconds))}",
                f"-seed={seed + 1}",
                f"-timeout={HANG}",
                f"-rss_limit_mb={MEMORY_MIB}",
                f"-artifact_prefix={artifacts}/",
                "-max_len=65536",
                "-print_final_stats=1",
            ],
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS), str(TESTS.parent)])},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
        )
        for line in ran.stderr.splitlines():
            if "stat::number_of_executed_units:" in line:
                count = int(line.split()[-1])
        said = [line for line in ran.stderr.splitlines() if "Error" in line or "Exception" in line]
        for artifact in sorted(artifacts.iterdir()):
            if artifact.name.startswith(("crash-", "timeout-", "oom-")):
                path = keep(target.name, artifact.read_bytes(), folder)
                why = said[-1].strip() if said else artifact.name.partition("-")[0]
                found.append(f"{target.name}: {path}: {why}")
        if ran.returncode and not found:
            found.append(
                f"{target.name}: libFuzzer ended with {ran.returncode}: {ran.stderr[-500:]}"
            )
    return count, found


def main(arguments: list[str] | None = None) -> int:
    """The command line; gives the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=3600.0)
    parser.add_argument("--target", action="append", choices=list(TARGETS))
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--keep", type=Path, default=FOUND, metavar="DIR")
    given = parser.parse_args(arguments)
    chosen = [TARGETS[name] for name in given.target or TARGETS]
    ways = {"mutational": mutational}
    if importlib.util.find_spec("atheris") is None:
        print("skipped: guided: atheris is not installed")
    else:
        ways["guided"] = guided
    share = given.seconds / len(chosen) / len(ways)
    failed = False
    for target in chosen:
        for name, way in ways.items():
            count, found = way(target, share, given.seed, given.keep)
            print(f"{name}: {target.name}: {count} inputs, {len(found)} found, seed {given.seed}")
            for line in found:
                print(f"  {line}")
            failed |= bool(found)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
