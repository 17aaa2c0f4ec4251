"""Dialect `early`: the layout from before the first draft."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ...schema import Schema
from ...schema.blocks import BlockType, ByteOrder
from ...schema.codes import Bit, FlagDefinition
from ...schema.fields import Field
from ...schema.layout import Layout
from ...schema.vocabulary import TIMESTAMP, U16, U32, OneOf, Uint
from ..draft_2026_03.draft import DRAFT as DRAFT_2026_03
from .early_vocabulary import (
    CountedPageMap,
    MajorMinor,
    PerhapsPackedPages,
    UnpaddedBlob,
    Utf8ZWhole,
)
from .model import Dialect, Producer, laid_out_otherwise, told_anew
from .shared import padded

__all__ = ["DIALECT"]

_NAME = "early"
_VERSIONS = (b"\x01\x00", b"\x01\x01")
_NO_FIRST = ("process_identity", "import_provenance")

_FLAGS = FlagDefinition(
    "BlockFlags", 2, "§4.2", "Properties of one block.", (Bit(0, "HasChildren"),)
)


def _beginning(raw: bytes, probe: Schema) -> Iterator[str]:
    """Version is two bytes; Block 0 has PayloadVersion 0 and is none that a draft begins with."""
    offset = probe.file_header.offset_of("version")
    version = raw[offset : offset + 2]
    start = raw[probe.file_header.offset_of("header_size")]
    block = raw[start : start + probe.block_header_size]
    if probe.byte_order is not ByteOrder.LITTLE or version not in _VERSIONS:
        return
    if len(block) < probe.block_header_size or not block.startswith(probe.block_magic):
        return
    peek = probe.block_header.unpacker("block_type", "payload_version")
    kind, payload_version = peek.unpack_from(block)
    if payload_version == 0 and kind not in {probe.block(key).code for key in _NO_FIRST}:
        yield (
            f"Version is the bytes {version.hex(' ')}, and Block 0, of type {kind:#06x}, has "
            "PayloadVersion 0"
        )


def _earlier_headers(raw: bytes, schema: Schema) -> Iterator[tuple[bytes, str]]:
    """The one public capture was given another minor version by those who keep it."""
    offset = schema.file_header.offset_of("version")
    first, later = _VERSIONS
    if raw[offset : offset + 2] == later:
        earlier = raw[:offset] + first + raw[offset + 2 :]
        yield earlier, f"Version says {later.hex(' ')} and said {first.hex(' ')} then"


def _memory_region(block: BlockType) -> BlockType:
    assert block.layout is not None
    kept = block.layout.field
    fields = (
        *(kept(key) for key in ("base_addr", "region_size", "protection", "region_type")),
        Field("PageSize", U16, "Bytes of a page.", default=4096),
        Field("NumPages", U32, "Number of pages."),
        Field("Timestamp", TIMESTAMP, "When this region was read.", default=0),
        replace(kept("page_state_map"), type=CountedPageMap("RegionSize", "PageSize", "NumPages")),
        replace(kept("page_data"), type=PerhapsPackedPages("PageStateMap", "PageSize")),
    )
    return replace(block, layout=Layout(block.layout.title, block.layout.section, fields))


def _module_entry(layout: Layout) -> Layout:
    layout = layout.changing("Path", type=Utf8ZWhole("PathLen"))
    layout = layout.changing("Version", type=Utf8ZWhole("VersionLen"))
    return padded(layout.changing("NativeBlob", type=UnpaddedBlob("BlobLen")), _NAME)


def _told() -> Iterator[BlockType]:
    for block in DRAFT_2026_03.blocks:
        if block.key == "memory_region":
            yield _memory_region(block)


_DRAFT = told_anew(
    DRAFT_2026_03,
    _NAME,
    blocks=_told(),
    layouts={
        "file_header": lambda layout: layout.changing("Version", type=MajorMinor()),
        "module_entry": _module_entry,
        # The number of modules alone; each stands in a block of its own.
        "module_list_index": lambda layout: layout.replacing("Entries", _NAME),
    },
    block_header=DRAFT_2026_03.block_header.changing(
        "PayloadVersion", type=Uint(2, valid=OneOf((0,))), default=0
    ),
    payload_version=0,
    byte_orders=(ByteOrder.LITTLE,),
)

DIALECT = Dialect(
    name=_NAME,
    title="the layout from before the first draft",
    text="Version is two bytes and PayloadVersion 0, regions come first and state the bytes and "
    "number of their pages, their PageData may be compressed unannounced, the Module List Index is "
    "its count alone, lengths of paths count the padding, and block flag 0 means HasChildren.",
    source="captures by memslicer-rs, files of libmsl, and the one public capture of a browser",
    producers=(
        Producer("memslicer-rs", "", ("git of 2026-03",)),
        Producer("libmsl", "", ("git of 2026-03",)),
        Producer("an earlier capture tool"),
    ),
    draft=replace(
        _DRAFT,
        flags=tuple(
            _FLAGS.stamped(_NAME) if word.name == _FLAGS.name else word for word in _DRAFT.flags
        ),
    ),
    codes=frozenset(laid_out_otherwise(_DRAFT, DRAFT_2026_03)),
    untold=frozenset(laid_out_otherwise(_DRAFT, DRAFT_2026_03)),  # its beginning tells it
    beginning=_beginning,
    earlier_headers=_earlier_headers,
    differences={
        "file_header": "Version is two bytes, major and minor.",
        "module_list_index": "The Module List Index is its count alone, and flag 0 HasChildren.",
        **dict.fromkeys(
            ("memory_region", "module_entry", "end_of_capture"), "PayloadVersion is 0."
        ),
    },
    explains={
        "MSL-5.4-PROCESS-IDENTITY-NOT-FIRST": "Before the first draft there was no such block.",
        "MSL-5.3-MODULE-LIST-INDEX-NOT-SECOND": "The regions come first.",
        "MSL-5.2-NATIVE-BLOB-NOT-TEXT": "libmsl writes any NativeBlob that it is given.",
        "MSLX-5.1-REGION-TIME-OUTSIDE-ACQUISITION": "libmsl writes any time of a region that it is "
        "given.",
    },
)
