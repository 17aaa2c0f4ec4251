"""A filter between blocks and output, as encryption will be one: nobody above takes notice."""

from __future__ import annotations

import io
from typing import Any

import pytest
from blake3 import blake3
from feeding import READ, ZERO, Target
from writing import CLOCK, blocks_of, header, memory_of

from msl_construct.builder.arguments import checked_header
from msl_construct.builder.block_adder import BlockAdder
from msl_construct.builder.blocks import BlockStream
from msl_construct.builder.compressing_feed import CompressingFeed
from msl_construct.builder.feed import RegionFeed
from msl_construct.builder.file_state import FileState
from msl_construct.builder.output import BufferedOutput, ChainedOutput, Mark
from msl_construct.builder.overlapped_output import SLOT, Conveyor
from msl_construct.builder.page_buffer import PageBuffer
from msl_construct.builder.region import RegionWriter
from msl_construct.builder.sink import Sink
from msl_construct.builder.uuids import new_uuid
from msl_construct.drafts import schema
from msl_construct.source import Extent

MASK = 0x5A
VEIL = bytes(value ^ MASK for value in range(256))
PAGE = 4096


class Veiled:
    """Stands where encryption will: plaintext comes in, something else goes out."""

    algorithm = "blake3"
    revisable = False

    def __init__(self, output: ChainedOutput, clear: bytes) -> None:
        self.output = output
        self.position = len(clear)
        self.room = SLOT
        self._hash = blake3(clear)
        self._buffer = bytearray(SLOT)

    def begin(self) -> None:
        self.output.begin()

    def write(self, data: bytes | bytearray | memoryview | Extent) -> None:
        for piece in data.chunks() if isinstance(data, Extent) else (data,):
            plain = bytes(piece)
            self._hash.update(plain)
            self.output.write(plain.translate(VEIL))
            self.position += len(plain)

    def chain_digest(self) -> bytes:
        return bytes(32)

    def file_digest(self) -> bytes:
        return self._hash.digest()

    def mark(self) -> Mark:
        raise AssertionError("it can't be corrected")

    def patch(self, offset: int, data: bytes) -> None:
        raise AssertionError("it can't be corrected")

    def revise(self, mark: Mark) -> None:
        raise AssertionError("it can't be corrected")

    def flush(self) -> None:
        self.output.flush()

    def close(self) -> None:
        self.output.close()

    def reserve(self, size: int) -> memoryview:
        return memoryview(self._buffer)[:size]

    def commit(self, size: int, *, digest: bytes | None = None) -> None:
        self.write(memoryview(self._buffer)[:size])


class Adder(BlockAdder):
    _END = "end_of_capture"


@pytest.mark.parametrize("below", [Sink, Conveyor])
def test_every_way_to_write_goes_through_a_filter(below: Any) -> None:
    file = io.BytesIO()
    form = schema("draft-2026-10")
    given = header("process_identity", "module_list", "memory_regions")
    record, algorithm = checked_header(form, given, given["dump_uuid"], CLOCK)
    clear = form.file_header.encode(record)
    output = below(file, algorithm)
    output.begin()
    output.write(clear)
    veiled = Veiled(output, clear)
    checked: BufferedOutput = veiled  # for mypy
    state = FileState(form, record)
    blocks = BlockStream(checked, form, state, veiled.chain_digest(), new_uuid=new_uuid)
    out = Adder(form, blocks, state, None)
    out.add("process_identity", exe_path="/x", cmd_line=None)
    out.add("module_list_index", entries=[])

    target = Target(surprises={1 << 20: "failed", (5 << 30) + 3 * PAGE: "not_resident"})
    feed = RegionFeed(blocks)
    for base, plan in (
        (0, [(2, READ)]),
        (1 << 20, [(3, READ)]),
        (1 << 30, [(2, READ), (1, "unmapped"), (1, ZERO)]),
        (5 << 30, [(1000, READ)]),
    ):
        feed.add(base, 3, "heap", target.plan(base, plan), target.read)
    assert feed.blocks == 5
    squeezed = CompressingFeed(blocks, "zstd")
    squeezed.add(6 << 30, 3, "heap", target.plan(6 << 30, [(400, READ)]), target.read)
    squeezed.finish()
    squeezed.close()
    fields = {"base_addr": 7 << 30, "region_size": 3 * PAGE}
    with RegionWriter(blocks, fields, buffer=PageBuffer(), buffer_limit=1 << 20) as region:
        region.captured(bytes(PAGE))
        region.mark("failed")
        region.captured(bytes(PAGE))
    target.expected.update(
        {(7 << 30): bytes(PAGE), (7 << 30) + PAGE: "failed", (7 << 30) + 2 * PAGE: bytes(PAGE)}
    )
    end = veiled.position
    expected = veiled.file_digest()
    blocks.abandon()

    stored = file.getvalue()
    raw = stored[: len(clear)] + stored[len(clear) :].translate(VEIL)
    assert len(raw) == end
    assert expected == blake3(raw).digest()
    assert memory_of(raw) == target.expected
    assert {block["prev_hash"] for block in blocks_of(raw)} == {"00" * 32}
