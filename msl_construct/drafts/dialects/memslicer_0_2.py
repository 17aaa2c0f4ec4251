"""Dialect `memslicer-0.2`: draft-2026-03 as memslicer 0.2 to 0.4 write it, and 0.5 as 1.0."""

from __future__ import annotations

from collections.abc import Iterator
from math import gcd

from ...errors import FormatError
from ...hashing import new_hasher
from ...schema import Record, Schema
from ...schema.blocks import BlockType, ByteOrder
from ...schema.codes import Bit, Value
from ...schema.layout import Layout
from ..draft_2026_03.draft import DRAFT as DRAFT_2026_03
from ..draft_2026_10.draft import DRAFT as DRAFT_2026_10
from .memslicer_tables import ENUMERATIONS, SOCKET_SECTIONS, TABLES, handle_table
from .model import Dialect, Evidence, Producer, is_turned, laid_out_otherwise, told_anew
from .shared import aligned, as_given, padded

__all__ = ["DIALECT"]

_NAME = "memslicer-0.2"
_LATER = {block.key: block for block in DRAFT_2026_10.blocks}
_AS_LATER = ("system_context", "process_table", "connection_table", "module_build_id_manifest")
_PACKED = ("connectivity_table", "physical_memory_map")
_COUNT = 4
"""Bytes of BlockCount, which HashAlgo stands behind."""
_HASHES = next(one for one in DRAFT_2026_10.enumerations if one.name == "HashAlgo")
_ALIGNED = 8
_TELLING = 8
"""Different lengths of compressed blocks, which 8 divides by chance once in 16 million files."""


def _bits(word: str) -> Iterator[Bit]:
    """The bits that draft-2026-10 added to a flag word."""
    (mine,) = (one for one in DRAFT_2026_03.flags if one.name == word)
    (later,) = (one for one in DRAFT_2026_10.flags if one.name == word)
    known = {bit.bit for bit in mine.bits}
    return (bit for bit in later.bits if isinstance(bit, Bit) and bit.bit not in known)


def _later_values(enumeration: str) -> tuple[Value, ...]:
    """The codes that draft-2026-10 added to an enumeration."""
    (mine,) = (one for one in DRAFT_2026_03.enumerations if one.name == enumeration)
    (later,) = (one for one in DRAFT_2026_10.enumerations if one.name == enumeration)
    known = {value.code for value in mine.values if isinstance(value, Value)}
    return tuple(v for v in later.values if isinstance(v, Value) and v.code not in known)


def _packed(key: str) -> BlockType:
    block = _LATER[key]
    assert block.layout is not None
    return BlockType(block.code, block.name, block.section, block.text, padded(block.layout, _NAME))


def _header(layout: Layout) -> Layout:
    later = DRAFT_2026_10.file_header
    fields = (later.field(key) for key in ("block_count", "hash_algo", "reserved"))
    size = later.field("header_size").type
    return layout.changing("HeaderSize", type=size).replacing("Reserved", _NAME, *fields)


def _end_of_capture(layout: Layout) -> Layout:
    # 0.2 writes zeros there; 0.5 the number of blocks, whatever version the header says.
    later = _LATER["end_of_capture"].layout
    assert later is not None
    return layout.replacing("Reserved", _NAME, *later.fields[-2:])


def _marks(seen: Evidence, schema: Schema) -> Iterator[str]:
    """Where 0.5 counts the blocks, what 0.2 says of a list of no modules, and its streams."""
    yield from _aligned_streams(seen, schema)
    yield from _hashed(seen, schema)
    listing = schema.block("module_list_index").code
    if listing in seen.types:
        block = seen.block(schema, list(seen.types).index(listing))
        empty = block is not None and block.payload.get("entry_count") == 0
        if block is not None and empty and "has_children" in block.flags:
            yield "Module List Index: it sets HasChildren and lists no module"
    closing = schema.block("end_of_capture").code
    if closing not in seen.types:
        return
    number = list(seen.types).index(closing)
    block = seen.block(schema, number)
    reserved = None if block is None else block.payload.get("reserved")
    order = schema.byte_order.value
    if reserved == (number + 1).to_bytes(4, order) + bytes(4):  # type: ignore[arg-type]
        yield f"End-of-Capture: the number of blocks, {number + 1}, where the draft has zeros"


def _beginning(raw: bytes, probe: Schema) -> Iterator[str]:
    """Encrypted files of 1.0, which has none; and those that say big-endian and are not."""
    little = DRAFT_2026_10.bound(ByteOrder.LITTLE)
    peek = little.file_header.unpacker("header_size", "version", "flags")
    size, version, flags = peek.unpack_from(raw)
    if version != DRAFT_2026_03.version:
        return
    if is_turned(raw, probe):
        yield "the header says big-endian, and Block 0 makes sense in little-endian alone"
    assert little.encryption_header is not None
    mask = little.flags["HeaderFlags"].mask("encrypted")
    longer = size == little.file_header_size + little.encryption_header.size
    if flags & mask and longer and not raw[size:].startswith(little.block_magic):
        yield "the header says Encrypted, and how, in a file of version 1.0"


def _hashed(seen: Evidence, schema: Schema) -> Iterator[str]:
    """The header names another hash than BLAKE3, and Block 0 has such a one of the header."""
    reserved = seen.header["reserved"]
    names = {value.code: value for value in _HASHES.values if isinstance(value, Value)}
    found = names.get(reserved[_COUNT])
    if not seen.types or found is None or not found.code or any(reserved[_COUNT + 1 :]):
        return
    first = seen.block(schema, 0)
    try:
        hasher = new_hasher(_HASHES.decode(found.code).name)
    except FormatError:
        return
    hasher.update(bytes(schema.file_header.encode(Record(seen.header))))
    if first is not None and first.header["prev_hash"] == hasher.digest():
        yield f"HashAlgo is {found.name}, and Block 0 has that of the header"


def _aligned_streams(seen: Evidence, schema: Schema) -> Iterator[str]:
    """0.2 puts zeros behind each stream, up to the next multiple of 8.

    Streams of the same content have the same length, and those of empty pages grow by 16 bytes a
    page: lengths that 8 divides tell of zeros if they differ, and not by a larger step than 8.
    """
    mask = schema.flags["BlockFlags"].mask("compressed")
    found = {length for length, flags in zip(seen.lengths, seen.flags) if flags & mask}
    if len(found) < _TELLING:
        return
    least = min(found)
    if not least % _ALIGNED and gcd(*(length - least for length in found)) == _ALIGNED:
        yield "8 divides the length of every compressed block: zeros stand behind the streams"


def _unmarked(seen: Evidence, schema: Schema) -> bool:
    """It aligns all blocks, compressed ones with zeros behind their streams."""
    return all(
        each
        for compressed in (False, True)
        for each in aligned(seen, schema, compressed=compressed)
    )


_mine = {enumeration.name for enumeration in DRAFT_2026_03.enumerations}
_words = {definition.name for definition in DRAFT_2026_03.flags}

_DRAFT = told_anew(
    DRAFT_2026_03,
    _NAME,
    blocks=(
        *TABLES,
        *(_LATER[key] for key in _AS_LATER),
        *(_packed(key) for key in _PACKED),
        handle_table(_LATER["handle_table"]),
    ),
    layouts={
        "file_header": _header,
        "key_hint": lambda layout: padded(layout, _NAME),
        "end_of_capture": _end_of_capture,
    },
    values={"KeyType": _later_values("KeyType")},
    bits={"HeaderFlags": _bits("HeaderFlags"), "CapBitmap": _bits("CapBitmap")},
    enumerations=(
        *(one for one in DRAFT_2026_10.enumerations if one.name not in _mine),
        *ENUMERATIONS,
    ),
    flags=tuple(one for one in DRAFT_2026_10.flags if one.name not in _words),
    byte_orders=(ByteOrder.LITTLE,),
    encryption_header=DRAFT_2026_10.encryption_header,
)

DIALECT = Dialect(
    name=_NAME,
    title="memslicer 0.2 to 0.4, and 0.5 where it writes version 1.0",
    text="Blocks 0x0050 to 0x005A with 1.1's System Context, the header's BlockCount and "
    "HashAlgo, encryption, zeros behind packed payloads and Key Hints, and 0.5's count of blocks "
    "in the End-of-Capture.",
    source="captures by memslicer 0.2.7 and 0.5.2, files of the writers of 0.2.4, 0.3.0 and 0.4.0",
    producers=(
        Producer("memslicer", "0.2 to 0.4", ("0.2.4", "0.2.7", "0.3.0", "0.4.0")),
        Producer("memslicer", "0.5", ("0.5.2",)),
    ),
    draft=_DRAFT,
    codes=frozenset(laid_out_otherwise(_DRAFT, DRAFT_2026_03)),
    untold=frozenset(block.code for block in _DRAFT.blocks if block.key == "end_of_capture"),
    beginning=_beginning,
    marks=_marks,
    unmarked=_unmarked,
    reversed_ipv4=True,
    socket_sections=SOCKET_SECTIONS,
    differences={
        "file_header": "Flags and bits of CapBitmap, HeaderSize, BlockCount and HashAlgo are those "
        "of 1.1; so is encryption.",
        "end_of_capture": "The blocks are counted behind AcqEnd, as 1.1 has it.",
    },
    explains={
        "MSL-1.3-BYTE-ORDER-NOT-AS-STATED": "memslicer writes little-endian integers whatever the "
        "header says.",
        "MSL-4.2-HAS-CHILDREN-MISSING": "memslicer does not set HasChildren on the System Context.",
        "MSL-4.2-HAS-CHILDREN-UNFOUNDED": "memslicer 0.2 sets HasChildren on every Module List "
        "Index, be it the parent of a module or not.",
        "MSL-4.2-HAS-KEY-HINTS-MISSING": "memslicer never sets HasKeyHints.",
        **as_given("memslicer"),
        "MSL-8-CAP-BITMAP-BIT-WITHOUT-BLOCK": "memslicer sets the bit of the regions whether it "
        "captured one or not.",
        "MSL-6-TABLE-WITHOUT-SYSTEM-CONTEXT": "memslicer's Connectivity Table and the blocks "
        "behind it have no parent.",
    },
)
