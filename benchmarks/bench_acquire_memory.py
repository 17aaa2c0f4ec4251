"""Memory that acquiring a live process takes, whatever the process."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from live import Live, compiled, script
from measure import MIB, MSL, Row, Setting, note, python, run_child

NAME = "acquire_memory"

_OLDER = "draft-2026-03"
"""What older readers know."""


def run(setting: Setting) -> list[Row]:
    """All rows of this benchmark."""
    heap, regions, sparse = (compiled(name, setting.tmp) for name in ("heap", "regions", "sparse"))
    size = setting.size(2048, 32)
    rows = []
    with Live(heap, size, "objects") as live:
        for compress in ("none", "zstd", "lz4"):
            what = f"{size} MiB heap, --compress {compress}"
            rows.append(_row(setting, what, live, "--compress", compress))
        rows.append(_row(setting, f"{size} MiB heap, to a pipe", live, pipe=True))
    size = setting.size(512, 24)
    with Live(python("")[0], script("objects.py"), size) as live:
        what = f"{size} MiB of a Python's objects, --compress zstd"
        rows.append(_row(setting, what, live, "--compress", "zstd"))
    count = setting.size(20_000, 500)
    with Live(regions, count) as live:
        rows.append(_row(setting, f"{count} regions of 8 KiB", live))
        rows.append(_row(setting, f"{count} regions, to a pipe", live, pipe=True))
    count = setting.size(60_000, 500)
    with Live(regions, count) as live:
        rows.append(_row(setting, f"{count} mappings", live))
    count = setting.size(10_000, 50)
    with Live(compiled("threads", setting.tmp), count) as live:
        rows.append(_row(setting, f"{count} threads", live))
    size = setting.size(16, 1)
    with Live(sparse, size, 1000) as live:
        what = f"{size} GiB, of which 62 MiB are touched"
        rows.append(_row(setting, what, live))
        # Its zeros are stored.
        older = ("--draft", _OLDER)
        rows.append(_row(setting, f"{what}, {_OLDER}, zstd", live, *older, "--compress", "zstd"))
        rows.append(_row(setting, f"{what}, {_OLDER}, to a pipe", live, *older, pipe=True))
    return rows


def _row(setting: Setting, what: str, live: Live, *options: str, pipe: bool = False) -> Row:
    note(what)
    children = []
    for _ in range(min(3, setting.rounds)):
        with _output(setting.tmp, pipe) as out:
            command = python(MSL, "acquire", str(live.pid), "-q", "-o", out, *options)
            children.append(run_child(command))
    seconds = statistics.median(child.seconds for child in children)
    return Row(
        NAME,
        f"memory of acquire, {what}",
        max(child.max_rss for child in children) / MIB,
        "MiB",
        judged="measured",
        target=100.0,
        remark=f"ru_maxrss of the command; {seconds:.2f} s",
    )


@contextmanager
def _output(folder: Path, pipe: bool) -> Iterator[str | Path]:
    """Where to; with `pipe` standard output, which `run_child` throws away."""
    if pipe:
        yield "-"
        return
    with tempfile.TemporaryDirectory(dir=folder) as name:  # a report comes along
        yield Path(name) / "memory.msl"
