"""Dialect `memdiver-1.0`: draft-2026-10 as MemDiver 1.0 writes it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ...schema import Schema
from ...schema.blocks import BlockType
from ...schema.choice import Choice
from ...schema.codes import Bit, Enumeration, FlagDefinition, Value
from ...schema.fields import Field
from ...schema.framing import PerhapsBareFrame
from ...schema.layout import Layout
from ...schema.table import Table
from ...schema.variable import Utf8, Utf8Z
from ...schema.vocabulary import ADDRESS, HASH, U16, U32, U64, Coded, Flags, Uint
from ..draft_2026_03.payloads import reserved
from ..draft_2026_10.draft import DRAFT as DRAFT_2026_10
from ..draft_2026_10.tables import system_context
from .model import Dialect, Evidence, Producer, laid_out_otherwise, told_anew
from .shared import as_given
from .vocabulary import Utf8ZPacked

__all__ = ["DIALECT"]

_NAME = "memdiver-1.0"
_BLOCKS = {block.key: block for block in DRAFT_2026_10.blocks}

_HANDLE_TYPE = Enumeration(
    "HandleType",
    2,
    "§6",
    "What a handle leads to.",
    (
        Value(0, "Unknown"),
        Value(1, "File"),
        Value(2, "Directory"),
        Value(3, "Socket"),
        Value(4, "Pipe"),
        Value(5, "Mutex"),
        Value(6, "Timer"),
        Value(7, "Other"),
    ),
)

_NODE_KIND = Enumeration(
    "NodeKind",
    1,
    "§4.3",
    "What a node of the Pointer Graph stands for.",
    (Value(1, "Address"), Value(2, "Offset"), Value(3, "Symbol")),
)

_EDGE_KIND = Enumeration(
    "EdgeKind",
    1,
    "§4.3",
    "How one node of the Pointer Graph leads to another.",
    (Value(1, "Pointer"), Value(2, "Call"), Value(3, "Import")),
)

_GRAPH_FLAGS = FlagDefinition(
    "PointerGraphFlags",
    4,
    "§4.3",
    "What the Pointer Graph comes with.",
    (Bit(0, "IntegrityPresent", "Its BLAKE3 hash stands behind it."),),
)

_POINTER_GRAPH = BlockType(
    0x1003,
    "Pointer Graph",
    "§4.3",
    "What points at what.",
    Layout(
        "Pointer Graph",
        "§4.3",
        (
            Field("NodeCount", U32, "Number of nodes."),
            Field("EdgeCount", U32, "Number of edges."),
            Field("Flags", Flags("PointerGraphFlags"), "What it comes with.", default=0),
            reserved(4),
            Field(
                "Nodes",
                Table(
                    "NodeCount",
                    Layout(
                        "Pointer Graph Node",
                        "§4.3",
                        (
                            Field("Kind", Coded("NodeKind"), "What it stands for."),
                            reserved(1),
                            Field("LabelLen", U16, "Length of Label with its NUL."),
                            Field("Value", ADDRESS, "The address, or whatever Kind says."),
                            Field("Label", Utf8Z("LabelLen"), "A name for people."),
                        ),
                    ),
                ),
                "The nodes; each begins where the one before ends.",
            ),
            Field(
                "Edges",
                Table(
                    "EdgeCount",
                    Layout(
                        "Pointer Graph Edge",
                        "§4.3",
                        (
                            Field("Src", U32, "Number of the node that it leads from."),
                            Field("Dst", U32, "Number of the node that it leads to."),
                            Field("Kind", Coded("EdgeKind"), "How it leads there."),
                            reserved(1),
                            Field("MetadataLen", U16, "Length of Metadata with its NUL."),
                            Field("Metadata", Utf8Z("MetadataLen"), "A remark for people."),
                        ),
                    ),
                ),
                "The edges.",
            ),
            Field(
                "IntegrityHash", HASH, "BLAKE3 of all before, if the flag says so.", optional=True
            ),
        ),
    ),
    in_segment=True,
)


def _connectivity_table() -> BlockType:
    """The draft's Connectivity Table as block 0x0055, with a NUL at the end of each string."""
    layout = _BLOCKS["connectivity_table"].layout
    assert layout is not None
    rows = layout.field("rows").type
    assert isinstance(rows, Table)
    body = rows.entry.field("body").type
    assert isinstance(body, Choice)
    cases = {tag: _with_nul(case) for tag, case in body.cases.items()}
    entry = rows.entry.changing("Body", type=Choice(body.length, body.tag, cases))
    return BlockType(
        0x0055,
        "Memdiver Connectivity Table",
        layout.section,
        "Routes, neighbours, packet sockets and counters of the machine.",
        layout.changing("Rows", type=Table(rows.count, entry)),
        parent="system_context",
    )


def _with_nul(layout: Layout) -> Layout:
    fields = []
    for field in layout.fields:
        kind = field.type
        if isinstance(kind, Utf8):
            field = replace(field, type=Utf8ZPacked(kind.length))
        fields.append(field)
    return Layout(layout.title, layout.section, fields)


def _handle_table() -> BlockType:
    block = _BLOCKS["handle_table"]
    assert block.layout is not None
    table = block.layout.field("entries").type
    assert isinstance(table, Table)
    entry = table.entry.changing("HandleType", type=Coded("HandleType"))
    layout = block.layout.changing("Entries", type=Table(table.count, entry))
    return replace(block, layout=layout)


_OLDER_TAIL = (
    # Files of releases before 1.0 have these behind CaseRef.
    Field("UptimeNs", U64, "How long the machine had been up, in ns.", optional=True),
    Field("OSVersionLen", U16, "Length of OSVersion with its NUL.", optional=True),
    replace(reserved(6, "Reserved2"), optional=True),
    Field("OSVersion", Utf8Z("OSVersionLen"), "Version of the system.", optional=True),
)

_DRAFT = told_anew(
    DRAFT_2026_10,
    _NAME,
    blocks=(
        system_context(Uint(4), 6, *_OLDER_TAIL),
        _handle_table(),
        _connectivity_table(),
        _POINTER_GRAPH,
    ),
    layouts={
        "compressed_payload": lambda layout: PerhapsBareFrame(
            layout.title, layout.section, layout.fields
        ),
        "module_entry": lambda layout: (
            layout.replacing("BlobLen", _NAME)
            .replacing("Reserved2", _NAME)
            .replacing("NativeBlob", _NAME)
        ),
        "import_provenance": lambda layout: layout.appending(
            _NAME, Field("SourceHash", HASH, "BLAKE3 of the original.", optional=True)
        ),
    },
    values={
        "SourceFormat": (
            Value(4, "Materialised .msl", "materialised_msl"),
            Value(5, "Raw with a maps sidecar", "raw_with_maps"),
        ),
        "Relationship": (
            Value(3, "Sibling"),
            Value(4, "Same process later"),
            Value(5, "Same process earlier"),
        ),
    },
    bits={"CapBitmap": (Bit(15, "PageStatesInferred", "Page states were not observed."),)},
    enumerations=(_HANDLE_TYPE, _NODE_KIND, _EDGE_KIND),
    flags=(_GRAPH_FLAGS,),
)

_CODES = frozenset(laid_out_otherwise(_DRAFT, DRAFT_2026_10))


def _unrecorded(seen: Evidence, schema: Schema) -> Iterator[str]:
    """Releases up to 0.7 hash no header, and count no blocks in the End-of-Capture."""
    closing = schema.block("end_of_capture").code
    if not seen.types or "encrypted" in seen.header["flags"]:
        return
    first = seen.block(schema, 0)
    if first is None or any(first.header["prev_hash"]):
        return
    if closing in seen.types:
        block = seen.block(schema, list(seen.types).index(closing))
        if block is None or block.payload.get("block_count"):
            return
    told = "Block 0 has no PrevHash, and no End-of-Capture counts the blocks"
    if _CODES.isdisjoint(seen.types):
        # So does a file of any producer in which somebody has put zeros there.
        told += (
            f"; {schema.draft.name} would fit as well, with these taken out: --dialect none reads "
            "the file as that, and then it is not intact"
        )
    yield told


def _marks(seen: Evidence, schema: Schema) -> Iterator[str]:
    """What its earlier releases leave out, and what it writes where there are no modules."""
    yield from _unrecorded(seen, schema)
    codes = {key: schema.block(key).code for key in ("process_identity", "memory_region")}
    if "imported" in seen.header["flags"] or tuple(seen.types[:2]) != tuple(codes.values()):
        return
    closing = schema.block("end_of_capture").code
    if closing not in seen.types:
        return
    number = list(seen.types).index(closing)
    block = seen.block(schema, number)
    counted = None if block is None else block.payload.get("block_count")
    if seen.header["block_count"] == counted == number + 1:
        yield (
            "the regions come right behind the Process Identity, and the blocks are counted in "
            "the file header and in the End-of-Capture"
        )


DIALECT = Dialect(
    name=_NAME,
    title="MemDiver 1.0, and its earlier releases",
    text="Module Entries end behind DiskHash, Import Provenance has a SourceHash, the System "
    "Context is aligned, the Connectivity Table is block 0x0055 and its strings end with a NUL, "
    "and codes of SourceFormat, Relationship and HandleType have other meanings.",
    source="captures and imports by MemDiver 1.0.2 and its source, files of the writers of 0.5.6, "
    "0.7.0, 0.10.0 and 1.0.0",
    producers=(Producer("MemDiver", "1.0", ("0.5.6", "0.7.0", "0.10.0", "1.0.0", "1.0.2")),),
    draft=_DRAFT,
    codes=_CODES,
    marks=_marks,
    unrecorded_hashes=True,
    differences={
        "file_header": "Bit 15 of CapBitmap says that page states were not observed.",
        "module_entry": "Module Entries end behind DiskHash.",
        "import_provenance": "A hash of the original stands behind the Note.",
        "system_context": "TargetCount and TableBitmap have four bytes each.",
        "memdiver_connectivity_table": "The Connectivity Table is block 0x0055.",
        "pointer_graph": "The Pointer Graph is laid out, which the draft leaves to producers.",
    },
    explains={
        "MSL-4.2-HAS-CHILDREN-MISSING": "MemDiver does not set HasChildren on the Module List "
        "Index, nor on the System Context.",
        "MSL-4.6-SEGMENT-NOT-CLOSED": "MemDiver closes nothing, and chains nothing, behind the "
        "End-of-Capture before 0.10.",
        "MSL-4.5-BLOCK-COUNT-ABSENT": "MemDiver does not count the blocks before 0.10.",
        "MSL-5.1-REGION-SIZE-NOT-PAGES": "MemDiver writes regions of any size before 0.7.",
        "MSL-5.4-PROCESS-IDENTITY-NOT-FIRST": "MemDiver knows no Process Identity before 0.7.",
        "MSL-8-CAP-BITMAP-BLOCK-WITHOUT-BIT": "MemDiver sets no bit of CapBitmap before 0.7.",
        "MSL-8-CAP-BITMAP-BIT-WITHOUT-BLOCK": "MemDiver sets the bit of an identity that it is "
        "given for an import, and leaves the block out.",
        "MSL-4.2-HAS-KEY-HINTS-MISSING": "MemDiver never sets HasKeyHints.",
        "MSL-5.3-MODULE-LIST-INDEX-NOT-SECOND": "MemDiver lists no modules where it has none.",
        "MSL-6-SYSTEM-CONTEXT-NOT-THIRD": "MemDiver writes the System Context behind the modules.",
        "MSL-6-TABLE-WITHOUT-SYSTEM-CONTEXT": "MemDiver's tables have no parent where the System "
        "Context does not stand before them.",
        "MSL-3-NONCE-TAIL-NOT-ZERO": "MemDiver writes all 24 bytes of a nonce that it is given, "
        "whichever cipher it is for.",
        "MSLX-4.5-ACQUISITION-ENDS-BEFORE-START": "MemDiver takes the time of the End-of-Capture "
        "before that of the file header.",
        "MSLX-4.6-SEGMENT-WRITTEN-BEFORE-CAPTURE": "MemDiver takes the time of a segment when it "
        "is registered, before the capture is written, and any that it is given.",
        **as_given("MemDiver"),
    },
)
