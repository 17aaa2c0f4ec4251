"""Writing captured bytes alone; where they belong is said beside them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Any

from ..space import ABSENT, ADDRESSES_END, CAPTURED
from .copying import RunWriter
from .memory_runs import CapturedRuns, can_seek
from .process import EXECUTE, READ, WRITE, CapturedProcess
from .told import Told, Written

__all__ = ["maps_of", "states_of", "write_raw"]


def write_raw(process: CapturedProcess, file: IO[bytes]) -> Written:
    """Write every captured run, one behind the other, in address order."""
    runs = CapturedRuns(process)
    seekable = can_seek(file)
    with RunWriter(process.space, file, seekable) as memory:
        for address, length, _ in runs:
            memory.put(address, length)
    if seekable:
        file.truncate(runs.total)
    return Written(process, len(runs), runs.total, runs.total, Told(auxiliary="not in raw memory"))


def maps_of(process: CapturedProcess) -> Iterator[str]:
    """The mappings as lines of /proc/PID/maps; device and inode are 0, unknown offsets too."""
    for one in process.stretches():
        rights = (
            ("r" if one.protection & READ else "-")
            + ("w" if one.protection & WRITE else "-")
            + ("x" if one.protection & EXECUTE else "-")
            + ("s" if one.region_type == "shared_mem" else "p")
        )
        line = f"{one.start:08x}-{one.end:08x} {rights} {one.file_offset or 0:08x} 00:00 0"
        # As Linux has it: a name with a line end in it would be a line of its own.
        name = one.name.replace("\n", "\\012")
        yield f"{line:<73}{name}".rstrip() + "\n"


def states_of(process: CapturedProcess) -> Iterator[dict[str, Any]]:
    """The state of every stretch; of captured ones, where their bytes are in the file."""
    offset = 0
    for mapping in process.stretches():
        for address, length, state in process.space.states(mapping.start, mapping.end):
            row: dict[str, Any] = {"address": f"{address:#x}", "length": length}
            row["state"] = "not_captured" if state == ABSENT else state
            if state == CAPTURED:
                row["length"] = length = min(length, ADDRESSES_END - address)
                if length <= 0:
                    continue
                row["offset"] = offset
                offset += length
            yield row
