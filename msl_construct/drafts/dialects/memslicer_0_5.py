"""Dialect `memslicer-0.5`: draft-2026-10 as memslicer 0.5 writes it."""

from __future__ import annotations

from collections.abc import Iterator

from ...schema import Schema
from ...schema.blocks import ByteOrder
from ..draft_2026_10.draft import DRAFT as DRAFT_2026_10
from .memslicer_tables import ENUMERATIONS, SOCKET_SECTIONS, TABLES, handle_table
from .model import Dialect, Evidence, Producer, is_turned, laid_out_otherwise, told_anew
from .shared import aligned, as_given, padded

__all__ = ["DIALECT"]

_NAME = "memslicer-0.5"
_TABLES = ("connectivity_table", "physical_memory_map")
_PACKED = (*_TABLES, "key_hint")
_ALWAYS = {"memory_regions", "module_list", "process_identity"}
"""What it announces unless it is told more."""

_HANDLE_TABLE = next(block for block in DRAFT_2026_10.blocks if block.key == "handle_table")


def _beginning(raw: bytes, probe: Schema) -> Iterator[str]:
    """The header says big-endian, and everything is little-endian all the same."""
    little = DRAFT_2026_10.bound(ByteOrder.LITTLE)
    (version,) = little.file_header.unpacker("version").unpack_from(raw)
    if version == DRAFT_2026_10.version and is_turned(raw, probe):
        yield "the header says big-endian, and Block 0 makes sense in little-endian alone"


_DRAFT = told_anew(
    DRAFT_2026_10,
    _NAME,
    blocks=(*TABLES, handle_table(_HANDLE_TABLE)),
    layouts={key: lambda layout: padded(layout, _NAME) for key in _PACKED},
    enumerations=ENUMERATIONS,
)


def _marks(seen: Evidence, schema: Schema) -> Iterator[str]:
    """What it does about threads, and what its gdb backend does."""
    yield from _silent_parents(seen, schema)
    yield from _gdb(seen, schema)
    yield from _writer(seen, schema)


def _silent_parents(seen: Evidence, schema: Schema) -> Iterator[str]:
    """Threads are children of a Process Identity that does not say so."""
    identity, thread = (schema.block(key).code for key in ("process_identity", "thread_context"))
    types = list(seen.types)
    if not types or types[0] != identity or thread not in types:
        return
    parent, child = seen.block(schema, 0), seen.block(schema, types.index(thread))
    if parent is None or child is None or "has_children" in parent.flags:
        return
    if parent.uuid.int and child.parent_uuid == parent.uuid:
        yield "Thread Contexts are children of a Process Identity that does not set HasChildren"


def _counts_at_the_end(seen: Evidence, schema: Schema) -> bool:
    """Whether the blocks of a live capture are counted in the End-of-Capture alone."""
    closing = schema.block("end_of_capture").code
    header, types = seen.header, list(seen.types)
    if header["block_count"] or "imported" in header["flags"] or closing not in types:
        return False
    number = types.index(closing)
    block = seen.block(schema, number)
    return block is not None and block.payload.get("block_count") == number + 1


def _gdb(seen: Evidence, schema: Schema) -> Iterator[str]:
    """The clock is unknown, the modules stand behind the regions."""
    if seen.header["clock_source"]:
        return
    module, region = (schema.block(key).code for key in ("module_entry", "memory_region"))
    types = list(seen.types)
    behind = module in types and region in types[: types.index(module)]
    if behind and _counts_at_the_end(seen, schema):
        yield (
            "the clock is unknown, the Module Entries stand behind the regions, and blocks are "
            "counted in the End-of-Capture alone"
        )


def _writer(seen: Evidence, schema: Schema) -> Iterator[str]:
    """The bit of the regions without a region, and codes of VAS Maps that mean nothing."""
    if set(seen.header["cap_bitmap"]) != _ALWAYS:
        return
    regions, known = schema.block("memory_region").code, schema.block("vas_map")
    told = []
    if regions not in seen.types:
        told.append("CapBitmap announces regions, of which there is none")
    if known.code in seen.types:
        block = seen.block(schema, list(seen.types).index(known.code))
        layout = known.layout
        problems = layout.problems_of(block.payload) if block is not None and layout else ()
        if any(problem.kind == "undefined-flag" for _, problem in problems):
            told.append("a VAS Map has bits of Protection that mean nothing")
    if told and _counts_at_the_end(seen, schema):
        yield f"{' and '.join(told)}, and blocks are counted in the End-of-Capture alone"


def _unmarked(seen: Evidence, schema: Schema) -> bool:
    """It counts blocks in the End-of-Capture alone, and aligns all blocks but compressed ones."""
    if seen.header["block_count"] or not all(aligned(seen, schema, compressed=False)):
        return False
    types = list(seen.types)
    closing = schema.block("end_of_capture").code
    if closing not in types:
        return True
    number = types.index(closing)
    block = seen.block(schema, number)
    return block is not None and block.payload.get("block_count") == number + 1


DIALECT = Dialect(
    name=_NAME,
    title="memslicer 0.5",
    text="Blocks 0x0055 to 0x0058 about the kernel, what starts by itself and the target, and "
    "zeros behind packed payloads and Key Hints.",
    source="captures by memslicer 0.5.2 and its source",
    producers=(Producer("memslicer", "0.5", ("0.5.2",)),),
    draft=_DRAFT,
    codes=frozenset(laid_out_otherwise(_DRAFT, DRAFT_2026_10)),
    beginning=_beginning,
    # Zeros that align the block behind a table are nothing that no other producer would write.
    untold=frozenset(block.code for block in DRAFT_2026_10.blocks if block.key in _TABLES),
    marks=_marks,
    unmarked=_unmarked,
    reversed_ipv4=True,
    socket_sections=SOCKET_SECTIONS,
    explains={
        "MSL-4.2-HAS-CHILDREN-MISSING": "memslicer sets HasChildren neither on the System Context "
        "nor, where there are threads, on the Process Identity.",
        "MSL-4.2-HAS-KEY-HINTS-MISSING": "memslicer never sets HasKeyHints.",
        "MSL-5.2-NATIVE-BLOB-NOT-TEXT": "memslicer's NativeBlob is no text but a build-id behind "
        "four bytes that describe it, or what it is given.",
        "MSLX-4.6-SEGMENT-WRITTEN-BEFORE-CAPTURE": "memslicer writes any time of a segment that it "
        "is given.",
        **as_given("memslicer"),
        "MSL-6-TABLE-WITHOUT-SYSTEM-CONTEXT": "memslicer's Connectivity Table and the blocks "
        "behind it have no parent.",
        "MSL-8-CAP-BITMAP-BIT-WITHOUT-BLOCK": "memslicer sets the bit of the regions whether it "
        "captured one or not.",
        "MSL-3-FILE-HEADER-VALUE-NOT-PERMITTED:endianness": "memslicer writes little-endian "
        "integers whatever the header says.",
    },
)
