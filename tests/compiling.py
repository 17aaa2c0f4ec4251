"""Test modules compiled once for all processes of a run.

pytest rewrites the assertions of each module that it imports, which takes longer than all else of
collecting, and keeps the result as bytecode. Processes that begin together find none of it: each
rewrites everything, at the same time as the others.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

__all__ = ["FEW", "compile_once", "not_compiled"]

FEW = 50
"""So many modules are compiled sooner than a process for it has begun."""


def not_compiled(modules: Iterable[Path]) -> list[Path]:
    """Those of the modules of which pytest keeps nothing, or something older."""
    return [path for path in modules if not _kept(path)]


def _kept(path: Path) -> bool:
    place = Path(importlib.util.cache_from_source(str(path)))
    name = place.name.removesuffix(".pyc")
    written = path.stat().st_mtime
    return any(one.stat().st_mtime >= written for one in place.parent.glob(f"{name}-pytest-*.pyc"))


def compile_once(modules: Sequence[Path], processes: int) -> None:
    """Let some processes collect the modules, a share each, and keep what they compile.

    What is wrong with a module is for the run to say.
    """
    missing = not_compiled(modules)
    if sys.dont_write_bytecode or len(missing) <= FEW:
        return
    environment = {key: text for key, text in os.environ.items() if key != "PYTEST_ADDOPTS"}
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"]
    shares = [missing[number::processes] for number in range(processes)]
    running = [
        subprocess.Popen(
            [*command, *map(str, share)],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for share in shares
        if share
    ]
    try:
        for process in running:
            process.wait()
    finally:
        for process in running:
            process.kill()
            process.wait()
