"""Acquisition of a program for Windows under Wine, beside MiniDumpWriteDump of the same process.

It needs what the tests under Wine need, and runs where ``MSL_WINDOWS=1`` asks for it, as they do.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from measure import MIB, ROOT, Row, Setting, compare, note
from measure import Times as Measured

sys.path.insert(0, str(ROOT / "tests"))

NAME = "acquire_windows"
_METHODS = ("suspend", "threads", "none")


def run(setting: Setting) -> list[Row]:
    """All rows of this benchmark."""
    if os.environ.get("MSL_WINDOWS", "0") == "0":
        note("left out: it needs MSL_WINDOWS=1, and Wine")
        return []
    from windows.environment import Missing, compiled, dos, opened
    from windows.targets import Runner, started

    folder = setting.tmp / "wine"
    folder.mkdir()
    try:
        with opened(folder) as wine, started(wine, folder, "spin") as target:
            tool = compiled("minidump.c", "-municode", "-ldbghelp")
            runner = Runner(wine, folder)
            reports: dict[str, list[dict[str, str]]] = {}

            def ours(method: str) -> None:
                words = ("acquire", str(target.pid), "-o", "a.msl", "--force", "-q")
                answer = runner(*words, "--freeze", method)
                assert answer.code == 0, answer.err
                report = json.loads((folder / "a.msl.report.json").read_text())
                reports.setdefault(method, []).append(report["freeze"])

            def dbghelp() -> None:
                words = ("write", str(target.pid), dos(folder / "a.dmp"), "full")
                done = wine.run(wine.command(tool, *words))
                assert done.returncode == 0, done.stdout

            functions: dict[str, Callable[[], None]] = {
                method: (lambda method=method: ours(method)) for method in _METHODS
            }
            times = _in_turns(setting.rounds, functions | {"dbghelp": dbghelp})
            runner.close()
            sizes = [(folder / name).stat().st_size / MIB for name in ("a.msl", "a.dmp")]
            return list(_rows(times, reports, sizes))
    except Missing as missing:
        note(f"left out: {missing}")
        return []


def _in_turns(rounds: int, functions: dict[str, Callable[[], None]]) -> Measured:
    """As `measure.in_turns`, with the processor time of all that runs in Wine."""
    times = Measured(functions)
    for number in range(rounds + 1):
        for name, function in functions.items():
            before, began = _cores(), time.perf_counter()
            function()
            if number:
                times[name].append(time.perf_counter() - began)
                times.cores[name].append(_cores() - before)
    return times


def _cores() -> float:
    """Processor time of Wine's programs but targets, which run all the time, in seconds."""
    found = sum(os.times()[2:4])
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                words = (entry / "cmdline").read_bytes()
                if b"python.exe" in words or b"wineserver" in words:
                    fields = (entry / "stat").read_text().rpartition(")")[2].split()
                    found += sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")
    return found


def _rows(
    times: Measured, reports: dict[str, list[dict[str, str]]], sizes: list[float]
) -> Iterator[Row]:
    for method in _METHODS:
        frozen = sorted(int(one["duration"]) / 1e6 for one in reports[method][1:])
        cores = [
            sorted(times.cores[name])[len(times.cores[name]) // 2] for name in (method, "dbghelp")
        ]
        stood = f"frozen {frozen[len(frozen) // 2]:.0f} ms" if method != "none" else "not frozen"
        megabytes = f"{sizes[0]:.0f} and {sizes[1]:.0f} MiB"
        yield compare(
            NAME,
            f"msl acquire --freeze {method}",
            times,
            (method, "dbghelp"),
            remark="; ".join((megabytes, f"core-s {cores[0]:.2f} to {cores[1]:.2f}", stood)),
        )
