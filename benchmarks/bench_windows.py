"""Acquisition under Wine beside dbghelp's MiniDumpWriteDump, with full memory, of one target."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from measure import GIB, MIB, ROOT, Row, Setting, note

import msl_construct

NAME = "windows"
SOURCE = ROOT / "benchmarks" / "targets" / "windows_heap.c"
ASKED = "MSL_WINDOWS"
OURS, THEIRS = "msl acquire", "MiniDumpWriteDump"
_WAY = {"msl acquire --compress zstd": ("--compress", "zstd"), OURS: ()}


class Taken(NamedTuple):
    """One dump: seconds in all, of the processor, and for which the target stood still; bytes."""

    seconds: float
    cores: float
    gap: float
    size: int


def run(setting: Setting) -> list[Row]:
    """All rows of this benchmark; none where nobody asks for them, or Wine is not to be had."""
    if os.environ.get(ASKED, "0") in ("", "0"):
        note(f"left out: {ASKED}=1 asks for it")
        return []
    sys.path.insert(0, str(ROOT / "tests"))
    from windows.environment import Missing, compiled, opened

    size = setting.size(256, 16)
    with tempfile.TemporaryDirectory(dir=setting.tmp) as place:
        folder = Path(place)
        try:
            with opened(folder) as wine:
                program = _compiled(folder)
                writer = compiled("minidump.c", "-municode", "-ldbghelp")
                with _target(wine, program, size) as target:
                    return _rows(setting, wine, target, writer, folder, size)
        except Missing as error:
            note(f"left out: {error}")
            return []


def _compiled(folder: Path) -> Path:
    from windows.environment import COMPILER

    program = folder / "heap.exe"
    compiler = shutil.which(COMPILER)
    assert compiler is not None
    subprocess.run([compiler, "-O2", "-o", program, SOURCE], check=True)
    return program


class _Target:
    """A process of windows_heap.c."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self.pid = int(self._line().split()[1])
        assert self._line() == "ready"

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().decode().strip()

    def gap(self) -> float:
        """Seconds for which its thread did not run, since this was asked last."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"gap\n")
        self._process.stdin.flush()
        return int(self._line().split()[1]) / 1e6


@contextmanager
def _target(wine: Any, program: Path, size: int) -> Iterator[_Target]:
    process = wine.start(wine.command(program, str(size)))
    try:
        yield _Target(process)
    finally:
        process.kill()
        process.wait()


def _rows(
    setting: Setting, wine: Any, target: _Target, writer: Path, folder: Path, size: int
) -> list[Row]:
    from windows.environment import dos

    file = folder / "taken"
    ways: dict[str, Sequence[str]] = {
        name: wine.msl("acquire", str(target.pid), "-q", "--force", "-o", dos(file), *options)
        for name, options in _WAY.items()
    }
    ways[THEIRS] = wine.command(writer, "write", str(target.pid), dos(file), "full")
    taken: dict[str, list[Taken]] = {name: [] for name in ways}
    idle = []
    for number in range(setting.rounds + 1):
        target.gap()
        time.sleep(0.5)
        idle.append(target.gap())
        for name, command in ways.items():
            note(f"{name}" + ("" if number else ", unmeasured"))
            one = _taken(wine, command, target, file)
            _check(name, file, size)
            if number:
                taken[name].append(one)
    remark = f"within half a second without anybody {1000 * statistics.median(idle):.0f} ms"
    figures = (
        ("the target stands still", "gap", "ms", 1e3, remark),
        ("in all", "seconds", "s", 1, "Python under Wine takes 2 s to start"),
        ("processor time, its process alone", "cores", "s", 1, "Wine's server works for both, too"),
        ("size", "size", "MiB", 1 / MIB, ""),
    )
    return [
        _row(f"{size} MiB heap, {name}: {what}", taken[name], taken[THEIRS], *how)
        for what, *how in figures
        for name in _WAY
    ]


def _row(
    what: str,
    ours: Sequence[Taken],
    theirs: Sequence[Taken],
    field: str,
    unit: str,
    scale: float,
    remark: str,
) -> Row:
    measured, bound = ([getattr(one, field) * scale for one in taken] for taken in (ours, theirs))
    ratios = [a / b for a, b in zip(measured, bound)]
    spread = f"{min(measured):.3g} to {max(measured):.3g}, {min(bound):.3g} to {max(bound):.3g}"
    return Row(
        NAME,
        what,
        statistics.median(measured),
        unit,
        statistics.median(bound),
        THEIRS,
        statistics.median(ratios),
        min(ratios),
        max(ratios),
        remark="; ".join(filter(None, (spread, remark))),
    )


def _taken(wine: Any, command: Sequence[str], target: _Target, file: Path) -> Taken:
    file.unlink(missing_ok=True)
    target.gap()
    began = time.perf_counter()
    process = wine.start(command)
    for stream in (process.stdin, process.stdout, process.stderr):
        stream.close() if stream is process.stdin else stream.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command[1:]}: exit code {process.returncode}")
    return Taken(seconds, usage.ru_utime + usage.ru_stime, target.gap(), file.stat().st_size)


def _check(name: str, file: Path, size: int) -> None:
    """Whether what was taken is what it is called, and whole."""
    if name == THEIRS:
        assert file.read_bytes()[:4] == b"MDMP"
        assert file.stat().st_size > size * MIB
        return
    with msl_construct.open(file) as dump:
        assert dump.verify().complete
        assert sum(region.counts["captured"] for region in dump.regions) * 4096 >= size * MIB
    assert file.stat().st_size < GIB
