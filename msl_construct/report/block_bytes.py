"""The small blocks, byte by byte, with what each byte belongs to; page data is none of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ..document.render import Renderer
from ..errors import MslError
from ..reader.block import RAW, Block
from ..reader.dump import Dump
from ..schema.layout import OFFSETS
from ..words import binary_size
from .model import ShownBlock, ShownField
from .redaction import Redaction

__all__ = ["shown_blocks"]

_MOST_BYTES = 4096
"""Of a block, and `_MOST_TOTAL` of all of them."""
_MOST_TOTAL = 96 << 10
_MOST_BLOCKS = 2000
_MOST_FIELDS = 600
_VALUE = 160
"""Characters of a value."""
_DAMAGED = "it can't be taken apart, being damaged or of a kind that is not known"
_NEVER = "memory_region"
_TOLD_APART = frozenset(
    {
        "process_identity",
        "import_provenance",
        "module_list_index",
        "module_entry",
        "thread_context",
        "key_hint",
        "related_dump",
        "vas_map",
        "system_context",
        "process_table",
        "connection_table",
        "handle_table",
        "physical_memory_map",
        "module_build_id_manifest",
        "region_omission_manifest",
        "end_of_capture",
        "end_of_extension",
    }
)
"""Blocks of which it is known where environments and command lines stand, or that none do."""
_WIDE = 8
"""Bytes of a register; wider ones hold what the process copied, texts among it."""


def shown_blocks(dump: Dump, redaction: Redaction) -> tuple[list[ShownBlock], dict[str, int]]:
    """The file's header and the small blocks, and why how many other blocks are not among them.

    Memory regions are never among them, and are not counted.
    """
    renderer = Renderer(offsets=True)
    found = [_header(dump, renderer)]
    total = 0
    left_out: dict[str, int] = {}

    def leave(kind: str, why: str) -> None:
        text = f"{kind.replace('_', ' ')}: {why}"
        left_out[text] = left_out.get(text, 0) + 1

    if dump.locked:
        return found, left_out
    never = set(dump.capture_blocks.indexes_of_type(_NEVER))
    for index in range(len(dump.index)):
        if index in never or (block := dump.block(index)).key == _NEVER:
            continue
        size = block.length
        why = _why_not(block, redaction)
        if not why and (total + size > _MOST_TOTAL or len(found) > _MOST_BLOCKS):
            why = f"behind those of the first {binary_size(_MOST_TOTAL)} that are shown"
        if why:
            leave(block.key, why)
            continue
        try:
            found.append(_block(block, renderer, redaction))
        except MslError:
            leave(block.key, _DAMAGED)
            continue
        total += size
    return found, left_out


def _why_not(block: Block, redaction: Redaction) -> str:
    """Why the bytes of a block are not shown, whatever others are; empty: they are."""
    if block.length > _MOST_BYTES:
        return f"larger than {binary_size(_MOST_BYTES)}"
    if redaction.hidden and block.key not in _TOLD_APART:
        return "something that is redacted may be anywhere in it"
    return _DAMAGED if RAW in block.payload or block.problem is not None else ""


def _header(dump: Dump, renderer: Renderer) -> ShownBlock:
    data = bytes(dump.stored.read(0, min(dump.header.size, _MOST_BYTES)))
    shown = renderer.header(dump.header)
    return ShownBlock(None, "file_header", 0, data, tuple(_fields(shown, 0, "", None)))


def _block(block: Block, renderer: Renderer, redaction: Redaction) -> ShownBlock:
    shown = renderer.block(block)
    fields = list(_fields(shown, block.offset, "", redaction))
    compressed = block.compression is not None
    size = block.schema.block_header_size if compressed else block.length
    data = bytearray(block.source.read(block.offset, size))
    if not compressed:
        fields += _fields(shown["payload"], block.offset, "", redaction)
    for one in fields:
        if one.redacted:
            data[one.start : one.start + one.length] = bytes(one.length)
    return ShownBlock(
        block.index, block.key, block.offset, bytes(data), tuple(fields[:_MOST_FIELDS]), compressed
    )


def _fields(
    shown: Mapping[str, Any], origin: int, prefix: str, redaction: Redaction | None
) -> Iterator[ShownField]:
    """The fields of a structure of the document; of structures inside it their fields."""
    for key, (start, length) in (shown.get(OFFSETS) or {}).items():
        value, path = shown.get(key), f"{prefix}{key}"
        entries = [one for one in _inside(value) if OFFSETS in one[1]]
        if entries:
            for number, one in entries:
                yield from _fields(one, origin, f"{path}{number}.", redaction)
        elif length:
            wide = key == "value" and "width" in shown and length > _WIDE
            hidden = redaction is not None and (
                redaction.field(path, value) or (wide and bool(redaction.hidden))
            )
            text = "" if hidden else _text(value)
            yield ShownField(path, int(start, 16) - origin, length, text, hidden)


def _inside(value: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Structures inside of a value, each with its place."""
    if isinstance(value, Mapping):
        yield "", value
    elif isinstance(value, (list, tuple)):
        for number, one in enumerate(value):
            if isinstance(one, Mapping):
                yield f"[{number}]", one


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return text if len(text) <= _VALUE else f"{text[:_VALUE]}… ({len(text)} characters)"
