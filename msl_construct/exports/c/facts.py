"""What the templates have to know of a schema: its names, and a few numbers."""

from __future__ import annotations

from collections.abc import Iterator

from ...page_map import PAGES_PER_BYTE
from ...schema import ByteOrder, Draft, FlagDefinition, Schema, Table
from ...schema.pages import PageData, PageStateMap
from ...schema.vocabulary import Uint
from ..versions import version_of
from .parts import Part, Shape, Varying
from .words import Identifiers, macro, type_name

__all__ = ["facts_of"]

_STATUSES = (
    ("OK", "All is there."),
    ("END", "Nothing more: the end is where it should be."),
    ("ERROR_TRUNCATED", "Something does not fit the bytes that are left for it."),
    ("ERROR_MAGIC", "The file does not begin as a Memory Slice does."),
    ("ERROR_ENDIANNESS", "The header names no byte order."),
    ("ERROR_HEADER_SIZE", "The header is shorter than its fields or longer than the file."),
    ("ERROR_VERSION", "The file is of a version without this layout."),
    ("ERROR_ENCRYPTED", "The blocks are ciphertext."),
    ("ERROR_BLOCK_SHORT", "Too few bytes are left for another block."),
    ("ERROR_BLOCK_MAGIC", "What follows the last block is no block."),
    ("ERROR_BLOCK_LENGTH", "A block claims to be shorter than its header."),
    ("ERROR_BLOCK_TRUNCATED", "The file ends inside of a block."),
    ("ERROR_BLOCK_TYPE", "The block is of another type."),
    ("ERROR_PAYLOAD_VERSION", "The payload has a layout that this header does not know."),
    ("ERROR_COMPRESSED", "The payload is compressed: inflate it, then decode it."),
    ("ERROR_NOT_COMPRESSED", "The payload is not compressed."),
    ("ERROR_PAGE_SIZE", "The page size is outside of what is permitted."),
    ("ERROR_PAGE_NUMBER", "The region has no such page."),
    ("ERROR_PAGE_STATE", "The page was not captured: it has no bytes in the file."),
    ("ERROR_WIDTH", "The number is too wide."),
)
"""What the functions of the header answer, in order, each with a sentence."""

_BITS = 8 // PAGES_PER_BYTE
_ALL_PAIRS = (1 << _BITS) - 1

_PAGE_FACTS = {
    "per_byte": str(PAGES_PER_BYTE),
    "bits": str(_BITS),
    "mask": str(_ALL_PAIRS),
    "uniform": f"{sum(1 << _BITS * page for page in range(PAGES_PER_BYTE)):#04x}",
}


def facts_of(draft: Draft, bound: Schema, found: list[Shape], names: Identifiers) -> dict[str, str]:
    """What the templates name: what is called so in the schema, as C calls it."""
    header, block = bound.file_header, bound.block_header
    order = bound.enumerations["Endianness"]
    flags, block_flags = bound.flags["HeaderFlags"], bound.flags["BlockFlags"]
    by_key = {value.name: macro(order.key, value.name) for value in order.values}
    state = bound.page_states.decode(bound.page_states.encode("captured"))
    names.declare(type_name("status"))
    facts = {
        **_PAGE_FACTS,
        "guard": macro("h"),
        "draft": draft.name,
        "draft_status": draft.status,
        "statuses": " \\\n".join(_statuses(names)),
        "byte_order": type_name(order.key),
        "byte_order_name": type_name(f"{order.key}_name"),
        "little": by_key[ByteOrder.LITTLE.value],
        "captured": macro(bound.page_states.key, state.name),
        "file_header": type_name(header.key),
        "block_header": type_name(block.key),
        "file_magic": macro(header.key, header.field("magic").key),
        "block_magic": macro(block.key, block.field("magic").key),
        "magic": block.field("magic").key,
        "endianness": header.field("endianness").key,
        "header_size": header.field("header_size").key,
        "version": header.field("version").key,
        "flags": header.field("flags").key,
        "block_type": block.field("block_type").key,
        "block_flags": block.field("flags").key,
        "block_length": block.field("block_length").key,
        "payload_version": block.field("payload_version").key,
        "compressed": macro(block_flags.key, _known(block_flags, "compressed")),
        "comp_algo": type_name(f"{block_flags.key}_{block_flags.field('CompAlgo').name}"),
        "compressed_payload": bound.compressed_payload.key,
    }
    if bound.encryption_header is not None:
        bit = next(bit for bit in flags.bits if bit.name == "encrypted")
        facts["encryption_header"] = type_name(bound.encryption_header.key)
        facts["encrypted"] = macro(flags.key, bit.name)
        facts["encrypted_since"] = f"{version_of(draft, bit.since):#06x}"
    facts.update(_region_facts(bound))
    if any(_is_inner_table(shape, part) for shape in found for part in shape.parts):
        facts["fields_behind_tables"] = ""
    return facts


_CLOSING = "end_of_capture"


def _region_facts(bound: Schema) -> Iterator[tuple[str, str]]:
    """The block type whose pages are found by their address, and the one behind which none are."""
    for block in bound.blocks.values():
        if block.key == _CLOSING:
            yield "closing", macro("block_type", block.key)
    for block in bound.blocks.values():
        fields = () if block.layout is None else block.layout.fields
        bases = [f.key for f in fields if isinstance(f.type, Uint) and f.type.shown == "address"]
        maps = [f.key for f in fields if isinstance(f.type, PageStateMap)]
        data = [f.key for f in fields if isinstance(f.type, PageData)]
        if block.layout is not None and bases and maps and data:
            yield "region", block.layout.key
            yield "region_type", macro("block_type", block.key)
            yield from zip(("region_base", "region_map", "region_data"), (*bases[:1], *maps, *data))
            return


def _is_inner_table(shape: Shape, part: Part) -> bool:
    """Whether a part is a table with other fields behind it."""
    inside = isinstance(part, Varying) and isinstance(part.field.type, Table)
    return inside and not shape.ends_with(part)


def _statuses(names: Identifiers) -> Iterator[str]:
    for index, (name, text) in enumerate(_STATUSES):
        yield f'    X({names.declare(macro(name))}, {index}, "{text}")'


def _known(word: FlagDefinition, name: str) -> str:
    """The name of a bit that the word has."""
    return next(bit.name for bit in word.bits if bit.name == name)
