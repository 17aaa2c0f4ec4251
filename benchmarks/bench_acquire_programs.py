"""What clients of real servers notice of an acquisition, by this tool and by others.

python benchmarks/run.py acquire_programs --peers VENV
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench_acquire_peers import Tool, problem_of, running, tools, watched
from live import Live, compiled
from measure import Row, Setting, note
from programs import PROGRAMS, Missing

NAME = "acquire_programs"
_SETTLE = 0.5
"""Seconds of answers before and behind."""
_STOP, _A_THREAD, _A_MAPPING = 0.010, 40e-6, 5e-6
"""Seconds that a stop may take besides the reading: in all, for each thread and mapping."""
_LEAST_RATE_SIZE = 1024
"""MiB of the heap at which the rate of reading is measured: so much that what is held in memory,
and never written in the stop, hardly counts."""


@dataclass(frozen=True)
class _Run:
    """One acquisition of a server.

    Attributes:
        stall: longest answer meanwhile, and `usual` before; seconds.
        bound: what the stop may take; seconds.
        seconds: the tool's.
        problem: what went wrong for tool, server or client; empty if nothing.
    """

    stall: float = 0.0
    usual: float = 0.0
    bound: float = 0.0
    seconds: float = 0.0
    problem: str = ""


def run(setting: Setting) -> list[Row]:
    """All rows of this benchmark."""
    rate = _rate(setting)
    rows = []
    for name in setting.few(PROGRAMS):
        runs: dict[str, list[_Run]] = {}
        for number in range(setting.rounds):
            for tool in tools():
                if "frida" in tool.name:  # it does not come back from nginx
                    continue
                note(f"{name}: {tool.name}, round {number + 1}")
                try:
                    runs.setdefault(tool.name, []).append(_one(name, tool, rate))
                except Missing as missing:
                    runs.setdefault(tool.name, []).append(_Run(problem=str(missing)))
        rows += [_row(name, tool, found) for tool, found in runs.items()]
    return rows


def _rate(setting: Setting) -> float:
    """Bytes a second at which a stopped heap is read, hashed and written here."""
    ours = next(iter(tools()))
    heap = compiled("heap", setting.tmp)
    rates = []
    with tempfile.TemporaryDirectory(dir=setting.tmp) as folder:
        for number in setting.few(range(3)):
            with Live(heap, setting.size(_LEAST_RATE_SIZE, 64), "objects", 0, 0) as live:
                out = Path(folder) / f"{number}.msl"
                with _tool(ours, live.pid, out) as problem:
                    if problem():
                        raise RuntimeError(problem())
                report = json.loads(Path(f"{out}.report.json").read_text())
                rates.append(out.stat().st_size / (int(report["freeze"]["duration"]) / 1e9))
                out.unlink()
    return statistics.median(rates)


class _tool:  # noqa: N801 - used as a function
    """A tool that has ended; what is entered says what went wrong with it."""

    def __init__(self, tool: Tool, pid: int, out: Path) -> None:
        assert tool.command is not None
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - closed in __exit__
        self._context = running(tool.command(pid, out), self._said)

    def __enter__(self) -> Callable[[], str]:
        process = self._context.__enter__()
        watched(process)
        return lambda: problem_of(process, self._said)

    def __exit__(self, *error: object) -> None:
        self._context.__exit__(None, None, None)
        self._said.close()


def _one(name: str, tool: Tool, rate: float) -> _Run:
    """One acquisition of a server of its own."""
    if tool.command is None:
        return _Run(problem=f"not installed: {tool.missing}")
    with tempfile.TemporaryDirectory(prefix="msl-", dir="/tmp") as text:
        folder = Path(text)
        folder.chmod(0o755)
        with PROGRAMS[name](folder) as served, served.client() as client:
            time.sleep(_SETTLE)
            client.longest()
            time.sleep(_SETTLE)
            usual = client.longest()
            pid = served.pid or client.pid
            bound = _bound(pid, rate)
            with tempfile.TemporaryDirectory() as place:
                begun = time.perf_counter()
                with _tool(tool, pid, Path(place) / "out") as problem:
                    seconds, wrong = time.perf_counter() - begun, problem()
                time.sleep(_SETTLE)
            wrong = wrong or " ".join(client.errors)
            return _Run(client.longest(), usual, bound, seconds, wrong)


def _bound(pid: int, rate: float) -> float:
    """Seconds that the process may stand still."""
    status = dict(
        line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines()
    )
    resident = int(status["VmRSS"].split()[0]) * 1024
    with open(f"/proc/{pid}/maps", "rb") as maps:
        mappings = sum(1 for _ in maps)
    threads = int(status["Threads"])
    return _STOP + _A_THREAD * threads + _A_MAPPING * mappings + resident / rate


def _row(name: str, tool: str, runs: list[_Run]) -> Row:
    """The medians; a problem hides them."""
    what = f"{name}: longest answer, {tool}"
    problems = [run.problem for run in runs if run.problem]
    if problems:
        return Row(NAME, what, 0.0, "ms", remark=problems[0])
    ratios = [(run.stall - run.usual) / run.bound for run in runs]
    ours = tool.startswith("msl acquire") and "--compress" not in tool
    stall, usual, bound, seconds = (
        statistics.median(getattr(run, figure) for run in runs)
        for figure in ("stall", "usual", "bound", "seconds")
    )
    return Row(
        NAME,
        what,
        1000 * stall,
        "ms",
        1000 * bound,
        "what the stop may take",
        statistics.median(ratios),
        min(ratios),
        max(ratios),
        target=1.0 if ours else None,
        remark=f"usually {1000 * usual:.1f} ms; the tool took {seconds:.2f} s; no client error",
    )
