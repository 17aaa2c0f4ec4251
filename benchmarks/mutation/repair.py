"""Making the hashes of a changed file right again, so that only what it says can be wrong."""

from __future__ import annotations

from msl_construct.errors import MslError
from msl_construct.hashing import digest
from msl_construct.reader.header import FileHeader, read_header
from msl_construct.reader.walk import Walk
from msl_construct.schema import Coverage, Schema, Start
from msl_construct.source import BufferSource

_Block = tuple[int, int, int]


def repaired(data: bytes) -> bytes | None:
    """The file with every hash of the integrity chain recomputed; None where nobody reads it.

    Blocks are found as a reader finds them, so that what a damaged length makes of the file is
    chained as well. All other bytes stay.
    """
    try:
        header = read_header(BufferSource(data))
    except MslError:
        return None
    if header.encrypted:
        return None
    schema = header.schema
    walk = Walk(BufferSource(data), schema, header.size)
    blocks = [(offset, kind, length) for offset, kind, _, length in walk]
    new = bytearray(data)
    link = schema.coverage("block_header")
    before, segment = (0, header.size), header.size
    ended = False
    for block in blocks:
        offset, kind, length = block
        at = offset + schema.block_header.offset_of(link.field)
        if not _put(new, at, before[0], before[0] + before[1], header):
            return None  # an algorithm that nobody knows
        for coverage in schema.draft.chain:
            if coverage.structure != link.structure:
                _own(new, schema, header, coverage, block, segment)
        key = schema.blocks[kind].key if kind in schema.blocks else ""
        if key == "end_of_extension" or (key == "end_of_capture" and not ended):
            segment, ended = offset + length, True
        before = offset, length
    return bytes(new)


def _own(
    new: bytearray,
    schema: Schema,
    header: FileHeader,
    coverage: Coverage,
    block: _Block,
    segment: int,
) -> None:
    """The hash that a block's payload holds."""
    offset, kind, length = block
    known = schema.blocks.get(kind)
    if known is None or known.key != coverage.structure or known.layout is None:
        return
    at = offset + schema.block_header_size + known.layout.offset_of(coverage.field)
    width = known.layout.field(coverage.field).type.minimum
    if at + width <= offset + length:
        start = 0 if coverage.start is Start.FILE else segment
        _put(new, at, start, offset, header)


def _put(new: bytearray, at: int, start: int, stop: int, header: FileHeader) -> bool:
    try:
        found = digest(header.hash_algorithm, [bytes(new[start:stop])])
    except MslError:
        return False
    new[at : at + len(found)] = found
    return True
