"""How long a target stands still for a copy-on-write snapshot of it."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

from live import Live, compiled
from measure import MIB, MSL, Row, Setting, note, python, run_child

NAME = "acquire_snapshot"


def run(setting: Setting) -> list[Row]:
    """All rows of this benchmark."""
    program = compiled("private", setting.tmp)
    size = setting.size(2048, 32)
    rows = []
    for huge, pages, target in ((0, "pages of 4 KiB", 80.0), (1, "huge pages", 5.0)):
        with Live(program, size, huge, 1) as live:
            rows.append(_row(setting, live, size, pages, "snapshot", target))
            rows.append(_row(setting, live, size, pages, "ptrace", None))
    return rows


def _row(
    setting: Setting, live: Live, size: int, pages: str, method: str, target: float | None
) -> Row:
    what = f"stop of a heap of {size} MiB, {pages}, --freeze {method}, to disk"
    note(what)
    gaps, base, before = [], [], live.memory()["RssAnon"]
    for _ in range(setting.rounds + 1):
        with tempfile.TemporaryDirectory(dir=setting.tmp) as folder:
            command = python(MSL, "acquire", str(live.pid), "-q", "--freeze", method)
            live.beat()
            time.sleep(0.5)
            base.append(live.beat()[0])
            run_child([*command, "-o", str(Path(folder) / "dump.msl")])
            gaps.append(live.beat()[0])
    grown = live.memory()["RssAnon"] - before
    return Row(
        NAME,
        what,
        1000 * statistics.median(gaps[1:]),
        "ms",
        judged="measured",
        target=target,
        remark=f"longest gap of a thread that wakes every 0.2 ms: {1000 * min(gaps[1:]):.1f} to "
        f"{1000 * max(gaps[1:]):.1f}; within half a second without us "
        f"{1000 * statistics.median(base):.1f}; grown by {grown / MIB:.1f} MiB",
    )
