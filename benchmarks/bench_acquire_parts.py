"""Parts of acquiring: stopping threads, their registers, and listing mappings."""

from __future__ import annotations

import statistics
import time
from functools import partial
from pathlib import Path

from live import Live, compiled
from measure import MIB, Row, Setting, compare, in_turns

from msl_acquire.linux import freeze, maps

NAME = "acquire_parts"


def run(setting: Setting) -> list[Row]:
    """All rows of this benchmark."""
    threads = [row for count in (0, 15, 255) for row in _threads(setting, count)]
    return [*threads, *_mappings(setting)]


def _threads(setting: Setting, others: int) -> list[Row]:
    """Stop so many idle threads and the first one, and let them go."""
    count = others + 1
    stop, registers, go = [], [], []
    with Live(compiled("threads", setting.tmp), others) as live:
        for number in range(3 * setting.rounds + 1):
            bare = _frozen(live.pid, registers=False)
            full = _frozen(live.pid, registers=True)
            if number:
                stop.append(bare[0])
                registers.append(full[0] - bare[0])
                go.append(bare[1])
    each = 1e6 * statistics.median(registers) / count
    return [
        Row(
            NAME,
            f"stop {count} idle threads" if others else "stop a single thread",
            1000 * statistics.median(stop),
            "ms",
            judged="measured",
            target=1 + 0.03 * count,
            remark=f"best {1000 * min(stop):.2f}; letting go {1000 * statistics.median(go):.2f} ms",
        ),
        Row(
            NAME,
            f"registers of {count} threads, a thread" if others else "registers of a thread",
            each,
            "µs",
            judged="measured",
            target=40.0,
        ),
    ]


def _frozen(pid: int, *, registers: bool) -> tuple[float, float]:
    """Seconds to stop it (and read registers), and to let it go."""
    begin = time.perf_counter()
    frozen = freeze.freeze(pid, "ptrace", 30.0, registers=registers)
    stopped = time.perf_counter()
    frozen.thaw()
    return stopped - begin, time.perf_counter() - stopped


def _mappings(setting: Setting) -> list[Row]:
    """List very many mappings, against the kernel alone."""
    count = setting.size(12_000, 500)
    buffer = bytearray(4 * MIB)
    rows = []
    for program, what in (("mappings", "four in five of files"), ("regions", "of no file")):
        with Live(compiled(program, setting.tmp), count) as live:
            found = len(maps.mappings(live.pid))
            times = in_turns(
                3 * setting.rounds,
                ours=partial(maps.mappings, live.pid),
                kernel=partial(_read_maps, live.pid, buffer),
            )
        each = [f"{1e6 * statistics.median(times[name]) / found:.2f}" for name in times]
        row = compare(
            NAME,
            f"list {found} mappings, {what}",
            times,
            ("ours", "kernel"),
            bound_name="reading /proc/PID/maps into a buffer",
            target=2.5 if program == "mappings" else None,
            remark=f"{each[0]} µs a mapping to {each[1]}",
        )
        rows.append(row)
    rows[-1].remark += "; for information: the kernel needs no path for these"
    return rows


def _read_maps(pid: int, buffer: bytearray) -> None:
    view, at = memoryview(buffer), 0
    with Path(f"/proc/{pid}/maps").open("rb", buffering=0) as file:
        while got := file.readinto(view[at:]):
            at += got
