"""Parts of acquiring: stopping threads, their registers, and listing mappings."""

from __future__ import annotations

import statistics
import time
from functools import partial
from pathlib import Path

from live import Live, compiled
from measure import MIB, Row, Setting, compare, in_turns

from msl_acquire import blocks
from msl_acquire.linux import freeze, maps, threads
from msl_construct.drafts import schema

NAME = "acquire_parts"


def run(setting: Setting) -> list[Row]:
    """All rows of this benchmark."""
    rows = [row for count in (0, 15, 255, 2999) for row in _threads(setting, count)]
    return [*rows, *_contexts(setting), *_mappings(setting)]


def _threads(setting: Setting, others: int) -> list[Row]:
    """Stop so many idle threads and the first one, and let them go.

    What counts is how long the target is held up: the process that does it is started before.
    """
    count = others + 1
    stop, registers, go, whole = [], [], [], []
    with Live(compiled("threads", setting.tmp), others) as live:
        for number in range(3 * setting.rounds + 1):
            begin = time.perf_counter()
            frozen = freeze.freeze(live.pid, "ptrace", 30.0)
            stopped = time.perf_counter()
            frozen.thaw()
            if number:
                whole.append(stopped - begin)
                stop.append(frozen.facts["nanoseconds_to_freeze"] / 1e9)
                registers.append(frozen.facts["nanoseconds_to_read_registers"] / 1e9)
                go.append(time.perf_counter() - stopped)
    each = 1e6 * statistics.median(registers) / count
    return [
        Row(
            NAME,
            f"stop {count} idle threads" if others else "stop a single thread",
            1000 * statistics.median(stop),
            "ms",
            judged="measured",
            target=1 + 0.03 * count,
            remark=f"best {1000 * min(stop):.2f}; with the start of the guardian and the registers "
            f"{1000 * statistics.median(whole):.0f} ms; letting go, and the guardian's end, "
            f"{1000 * statistics.median(go):.0f} ms",
        ),
        Row(
            NAME,
            f"registers of {count} threads, a thread" if others else "registers of a thread",
            each,
            "µs",
            judged="measured",
            target=40.0 if others else None,  # a single one bears all that is done once
        ),
    ]


def _contexts(setting: Setting) -> list[Row]:
    """Lay out the Thread Contexts of very many threads, from what the kernel gave of each."""
    count = setting.size(3000, 50)
    each = []
    with Live(compiled("threads", setting.tmp), count - 1) as live:
        hold = freeze.freeze(live.pid, "ptrace", 30.0)
        hold.thaw()
        for number in range(3 * setting.rounds + 1):
            known = threads.threads(hold)
            begin = time.perf_counter()
            for _ in blocks.thread_contexts(known, schema()):
                pass
            if number:
                each.append(1e6 * (time.perf_counter() - begin) / count)
    return [
        Row(
            NAME,
            f"lay out the Thread Contexts of {count} threads, a thread",
            statistics.median(each),
            "µs",
            judged="measured",
            target=15.0,
            remark=f"best {min(each):.1f}",
        )
    ]


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
