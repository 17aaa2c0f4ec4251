"""Writing from memory to /dev/null, against two cores that do nothing but hash."""

from __future__ import annotations

import mmap
import os
from collections.abc import Callable
from typing import IO

from measure import GIB, MIB, Row, Setting, compare, hash_twice, in_turns

from msl_construct import Writer

NAME = "write"

_HEADER = {
    "os_type": "linux",
    "arch_type": "x86_64",
    "pid": 4711,
    "cap_bitmap": ["memory_regions", "module_list", "process_identity"],
}
Fill = Callable[[Writer, memoryview, int], None]


def run(setting: Setting) -> list[Row]:
    """All rows of this benchmark."""
    size = setting.size(4 * GIB, 32 * MIB)
    part = setting.size(256 * MIB, 8 * MIB)
    memory = mmap.mmap(-1, part)
    memory.write(os.urandom(MIB) * (part // MIB))
    view = memoryview(memory)
    count = size // part
    times = in_turns(
        setting.rounds,
        bound=lambda: hash_twice(memory, count),
        whole=lambda: _write(view, count, _whole),
        pieces=lambda: _write(view, count, _pieces),
        pipe=lambda: _to_pipe(view, count, _pieces),
    )
    view.release()
    memory.close()
    cases = {
        "whole": ("add_memory_region", 0.7),
        "pieces": ("region().captured() by 1 MiB", 0.7),
        "pipe": ("the same, output neither seekable nor readable", None),
    }
    return [
        compare(
            NAME,
            f"{size / GIB:.3g} GiB in {count} regions, {what}",
            times,
            (name, "bound"),
            size / 1e9,
            unit="GB/s",
            bound_name="two threads hash memory",
            relation=">=",
            target=target,
            remark="" if target else "for information: fragments of 64 MiB are held in memory",
        )
        for name, (what, target) in cases.items()
    ]


def _write(view: memoryview, count: int, fill: Fill) -> None:
    with Writer(os.devnull, _HEADER) as writer:
        _blocks(writer, view, count, fill)


def _to_pipe(view: memoryview, count: int, fill: Fill) -> None:
    with open(os.devnull, "wb", buffering=0) as file:
        only: IO[bytes] = _WriteOnly(file)  # type: ignore[assignment]
        with Writer(only, _HEADER) as writer:
            _blocks(writer, view, count, fill)


class _WriteOnly:
    """As much of a file as a pipe offers."""

    def __init__(self, file: IO[bytes]) -> None:
        self.write = file.write


def _blocks(writer: Writer, view: memoryview, count: int, fill: Fill) -> None:
    writer.add_process_identity(
        ppid=1, session_id=1, start_time=10**18, exe_path="/usr/bin/target", cmd_line="target"
    )
    writer.add_module_list_index([])
    for number in range(count):
        fill(writer, view, 0x10_0000_0000 * (number + 1))


def _whole(writer: Writer, view: memoryview, base: int) -> None:
    writer.add_memory_region(base_addr=base, data=view)


def _pieces(writer: Writer, view: memoryview, base: int) -> None:
    with writer.region(base_addr=base, region_size=view.nbytes) as region:
        for start in range(0, view.nbytes, MIB):
            region.captured(view[start : start + MIB])
