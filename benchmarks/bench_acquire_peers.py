"""Acquiring a process with others' tools and with this one, each as its users run it.

python benchmarks/bench_acquire_peers.py [--peers VENV] [--tmp DIR] [--small] [--rounds N]
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from live import Live, compiled, script
from measure import KIB, MIB, MSL, PEERS, Row, Setting, environment, note, python

NAME = "acquire_peers"
_OURS = "msl acquire"
_PATIENCE = 300.0
"""Seconds for a tool to end."""
_EVERY = 0.02
"""Seconds between two looks at a tool's memory."""


@dataclass(frozen=True)
class Tool:
    """A command that acquires.

    Attributes:
        name: as the table shows it.
        command: PID and output file to command line; None if it isn't installed.
        missing: what would have to be installed.
    """

    name: str
    command: Callable[[int, Path], list[str]] | None
    missing: str = ""


@dataclass(frozen=True)
class Run:
    """What one run of a tool took, and did to its target.

    Attributes:
        seconds: from its start to its end.
        stopped, in_all: the longest time that the target stood still, and the sum of such
            times beyond 2 ms; seconds.
        tool: peak of the memory of the tool and its children, bytes.
        added, peak: what the target's memory had grown by in the end, and at its largest;
            bytes.
        size: bytes of the file, and `stored` those that it occupies on disk.
        problem: why there is nothing to see; empty if all went well.
    """

    seconds: float = 0.0
    stopped: float = 0.0
    in_all: float = 0.0
    tool: int = 0
    added: int = 0
    peak: int = 0
    size: int = 0
    stored: int = 0
    problem: str = ""


@dataclass(frozen=True)
class Result:
    """A tool and a target: medians of the runs."""

    target: str
    tool: str
    run: Run


def run(setting: Setting) -> list[Row]:
    """All rows of this benchmark."""
    return _rows(results(setting))


def results(setting: Setting) -> list[Result]:
    """Every tool with every target, in turns."""
    found = []
    for target, command in setting.few(_targets(setting)):
        runs: dict[str, list[Run]] = {}
        for number in range(int(setting.small), min(3, setting.rounds) + 1):
            for tool in tools():
                note(f"{target}: {tool.name}" + ("" if number else ", unmeasured"))
                one = _one(tool, command, setting.tmp)
                if number or one.problem:
                    runs.setdefault(tool.name, []).append(one)
        found += [Result(target, name, _median(all_runs)) for name, all_runs in runs.items()]
    return found


def tools() -> Iterator[Tool]:
    """This package's command first, then the others."""

    def ours(*options: str) -> Callable[[int, Path], list[str]]:
        return lambda pid, out: python(MSL, "acquire", str(pid), "-o", out, *options)

    yield Tool(_OURS, ours())
    yield Tool(f"{_OURS} --compress zstd", ours("--compress", "zstd"))
    gcore = shutil.which("gcore")
    yield Tool(
        "gcore",
        # It appends the PID to the name.
        None if gcore is None else lambda pid, out: [gcore, "-o", str(out), str(pid)],
        "gdb (gcore)",
    )
    memslicer = _memslicer()
    for backend in ("gdb", "frida"):
        yield Tool(f"memslicer -b {backend}", _slicer(memslicer, backend), "memslicer (--peers)")


def _memslicer() -> str | None:
    """The command, from the virtual environment named, or else from the path."""
    folder = os.environ.get(PEERS)
    return shutil.which("memslicer", path=f"{folder}/bin" if folder else None)


def _slicer(command: str | None, backend: str) -> Callable[[int, Path], list[str]] | None:
    if command is None:
        return None
    return lambda pid, out: [command, str(pid), "-b", backend, "-o", str(out)]


def _targets(setting: Setting) -> Iterator[tuple[str, list[str | Path | int]]]:
    """What is acquired from; all have a heartbeat."""
    size, idle = setting.size(256, 16), setting.size(1024, 64)
    heap = compiled("heap", setting.tmp)
    yield f"C, {size} MiB heap, {idle} MiB never touched", [heap, size, "objects", idle, 1]
    yield f"Python, {size} MiB of objects", [sys.executable, script("objects.py"), size, 1]
    node = shutil.which("node")
    if node is None:
        note("node is not installed: no row for it")
    else:
        yield f"node, {size} MiB of objects", [node, script("objects.js"), max(size, 64), 1]


def _one(tool: Tool, target: list[str | Path | int], folder: Path) -> Run:
    """One run, with a target of its own: some tools leave traces."""
    if tool.command is None:
        return Run(problem=f"not installed: {tool.missing}")
    with Live(*target) as live, tempfile.TemporaryDirectory(dir=folder) as name:
        out = Path(name) / "out"
        time.sleep(0.1)
        live.reset_peak()
        before = live.memory()["VmRSS"]
        live.beat()
        begin = time.perf_counter()
        with (
            tempfile.TemporaryFile() as said,
            running(tool.command(live.pid, out), said) as process,
        ):
            memory = watched(process)
            seconds = time.perf_counter() - begin
            problem = problem_of(process, said)
        try:
            stopped, in_all = live.beat()
            after = live.memory()
        except (OSError, RuntimeError, ValueError):
            return Run(problem="the target did not survive it")
        files = [path.stat() for path in Path(name).iterdir() if path.stat().st_size]
        # The dump is the largest; besides it there are logs and reports.
        dump = max(files, key=lambda file: file.st_size, default=None)
        if dump is None and not problem:
            problem = "wrote no file"
        return Run(
            seconds=seconds,
            stopped=stopped,
            in_all=in_all,
            tool=memory,
            added=after["VmRSS"] - before,
            peak=after["VmHWM"] - before,
            size=0 if dump is None else dump.st_size,
            stored=0 if dump is None else dump.st_blocks * 512,
            problem=problem,
        )


@contextmanager
def running(command: list[str], said: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """A command that has ended, in the end, with everything that it started."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=said,
        env=environment() if command[0] == sys.executable else None,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def watched(process: subprocess.Popen[bytes]) -> int:
    """Wait for a command; the peak of the sum of its processes' memory, in bytes."""
    peak, end = 0, time.monotonic() + _PATIENCE
    while process.poll() is None and time.monotonic() < end:
        memory = [_memory(pid) for pid in _family(process.pid)]
        # Each one's own peak is exact; the sum is as exact as looking at it now and then is.
        peak = max(peak, sum(now for now, _ in memory), *(most for _, most in memory), 0)
        time.sleep(_EVERY)
    return peak


def problem_of(process: subprocess.Popen[bytes], said: IO[bytes]) -> str:
    if process.returncode is None:
        return f"not done after {_PATIENCE:.0f} s"
    if process.returncode == 0:
        return ""
    said.seek(0)
    last = said.read().decode(errors="replace").strip().splitlines()[-1:]
    return f"exit code {process.returncode}: {' '.join(last)}"


def _family(pid: int) -> list[int]:
    """A process and its descendants."""
    found = [pid]
    for parent in found:
        for path in Path(f"/proc/{parent}/task").glob("*/children"):
            try:
                found += map(int, path.read_text().split())
            except OSError:
                continue
    return found


def _memory(pid: int) -> tuple[int, int]:
    """Resident bytes, and their peak; zeros once it has ended."""
    found = {"VmRSS": 0, "VmHWM": 0}
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        lines = []
    for line in lines:
        key, _, value = line.partition(":")
        if key in found:
            found[key] = int(value.split()[0]) * KIB
    return found["VmRSS"], found["VmHWM"]


def _median(runs: list[Run]) -> Run:
    """Each figure's median; a problem hides all figures."""
    problems = [run.problem for run in runs if run.problem]
    if problems:
        return Run(problem=problems[0])
    names = [name for name in Run.__dataclass_fields__ if name != "problem"]
    return Run(**{name: statistics.median(getattr(run, name) for run in runs) for name in names})


# -- what is shown ---------------------------------------------------------------------


def _rows(found: list[Result]) -> list[Row]:
    """The same for the table of all benchmarks; all for information."""
    rows = []
    ours = {result.target: result.run.seconds for result in found if result.tool == _OURS}
    for result in found:
        run, what = result.run, f"{result.target}: {result.tool}"
        if run.problem:
            rows.append(Row(NAME, what, 0.0, "s", remark=run.problem))
            continue
        alone = result.tool == _OURS or not ours.get(result.target)
        remark = ", ".join(f"{key} {value}" for key, value in _cells(run).items() if key != "time")
        rows.append(
            Row(
                NAME,
                what,
                run.seconds,
                "s",
                None if alone else ours[result.target],
                "" if alone else _OURS,
                None if alone else run.seconds / ours[result.target],
                remark=remark,
            )
        )
    return rows


def _cells(run: Run) -> dict[str, str]:
    """The columns."""
    size = f"{run.size / MIB:.0f} MiB"
    if run.stored < 0.9 * run.size:
        size += f" ({run.stored / MIB:.0f} on disk)"
    return {
        "time": f"{run.seconds:.2f} s",
        "target stopped": f"{1000 * run.stopped:.0f} ms",
        "stops in all": f"{1000 * run.in_all:.0f} ms",
        "tool's memory": f"{run.tool / MIB:.0f} MiB",
        "added to target": f"{run.added / MIB:+.1f} MiB",
        "at most": f"{run.peak / MIB:+.1f} MiB",
        "file": size,
    }


def table(found: list[Result]) -> str:
    """Everything side by side, as Markdown."""
    heads = ["target", "tool", *_cells(Run())]
    lines = [heads, ["---" for _ in heads]]
    for result in found:
        if result.run.problem:
            cells = [result.run.problem, *[""] * (len(heads) - 3)]
        else:
            cells = list(_cells(result.run).values())
        lines.append([result.target, result.tool, *cells])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> int:
    """This benchmark alone, with a table of its own."""
    parser = argparse.ArgumentParser(description="msl acquire and its peers, side by side.")
    parser.add_argument("--peers", type=Path, metavar="VENV", help="where memslicer is installed")
    parser.add_argument("--tmp", type=Path, help="folder for the files (needs 3 GB)")
    parser.add_argument("--small", action="store_true", help="small targets")
    parser.add_argument("--rounds", type=int, default=3, help="1 to 3; the median counts")
    options = parser.parse_args()
    if options.peers is not None:
        os.environ[PEERS] = str(options.peers.absolute())
    with tempfile.TemporaryDirectory(prefix="msl-bench-", dir=options.tmp) as folder:
        found = results(Setting(options.small, Path(folder), options.rounds))
    print(table(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
