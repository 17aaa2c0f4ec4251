"""An ELF core of more segments than its header can count."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator

from msl_construct.convert.elf_core.read import read_core
from msl_construct.convert.elf_core.write import write_core
from msl_construct.convert.process import CapturedProcess, MappedRange
from msl_construct.source import BufferSource
from msl_construct.space import CAPTURED, Memory, Run

RUNS = 65_600
BASE = 0x1000
END = BASE + 2 * RUNS


class Dotted:
    """Memory of which every other byte was captured, and is the low byte of its address."""

    def ranges(self) -> Iterator[tuple[int, int]]:
        yield BASE, END

    def states(self, start: int, end: int) -> Iterator[Run]:
        for address in range(start, end):
            yield address, 1, "failed" if address % 2 else CAPTURED

    def read(self, address: int, size: int) -> Memory:
        runs = tuple(self.states(address, address + size))
        data = bytes(at & 0xFF for at, _, state in runs if state == CAPTURED)
        return Memory(address, size, memoryview(data), runs)

    def name_of(self, address: int) -> str | None:
        return None


def test_more_runs_than_a_header_counts() -> None:
    process = CapturedProcess(
        "linux", "x86_64", Dotted(), mappings=[MappedRange(BASE, END, 3, "anonymous")]
    )
    out = io.BytesIO()
    found = write_core(process, out)
    data = out.getvalue()
    assert (found.runs, found.memory, found.size) == (RUNS, RUNS, len(data))
    count, sections, index = struct.unpack_from("<HxxHH", data, 56)
    (section,) = struct.unpack_from("<Q", data, 40)
    assert (count, sections, index) == (0xFFFF, 1, 0)
    assert struct.unpack_from("<I", data, section + 44) == (RUNS + 1,)
    again = read_core(BufferSource(data))
    assert len(again.mappings) == RUNS
    for address in (BASE, BASE + 2, END - 2):
        memory = again.space.read(address, 2)
        assert bytes(memory.data) == bytes([address & 0xFF])
        assert memory.runs[1][2] == "absent"
    assert len(list(found.lines())) == RUNS
