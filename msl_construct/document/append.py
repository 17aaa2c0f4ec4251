"""From a document to an extension segment behind a dump that is there already (§4.6)."""

from __future__ import annotations

import time
import uuid as uuids
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import IO, Any

from ..abbreviated import abbreviated
from ..builder import SegmentWriter, append_segment, new_uuid
from ..codecs.compress import ALGORITHMS
from ..encryption import Keys
from ..errors import ConformanceError, DocumentError
from ..reader.block import RAW
from ..schema import BlockType, Schema
from ..schema.document_values import as_text, checked_keys
from ..schema.layout import OFFSETS, REST, loaded
from ..schema.raw import raw_from_document
from .shape import VERSION

__all__ = ["Appended", "append"]

_STATED = ("block_type", "flags", "block_uuid", "parent_uuid", "compression", "payload")
_FOLLOWS = ("index", "offset", "block_length", "payload_version", "reserved", "prev_hash", OFFSETS)
"""What a block of a document may say besides, and what follows from where it will stand."""

_CLOSING = ("end_of_capture", "end_of_extension")
_GIVEN = ("has_children", "has_key_hints")


@dataclass(frozen=True)
class Appended:
    """A segment that was written.

    Attributes:
        blocks: how many it has, End-of-Extension included.
        offset, length: its bytes.
    """

    blocks: int
    offset: int
    length: int


def append(
    parts: Iterable[tuple[str, Any]],
    file: IO[bytes],
    *,
    producer: str | None = None,
    compression: str | None = None,
    level: int | None = None,
    key: Keys | None = None,
    draft: str | None = None,
    new_uuid: Callable[[], uuids.UUID] = new_uuid,
    clock: Callable[[], int] = time.time_ns,
) -> Appended:
    """Append the blocks of a document as one extension segment; existing bytes stay as they are.

    Args:
        parts: as `load` gives them: ``blocks``, and ``document`` with its version.
        file: a finished dump, open for reading and writing.
        producer, compression, level, key, draft, new_uuid, clock: see `append_segment`.

    Raises:
        ConformanceError: the dump can't be appended to.
        DocumentError: something in the document can't be stored there, with its path. The file is
            cut back to what it was.
    """
    blocks = _blocks(parts)
    parents = {str(block.get("parent_uuid")) for block in blocks}
    with append_segment(
        file,
        producer=producer,
        compression=compression,
        level=level,
        key=key,
        draft=draft,
        new_uuid=new_uuid,
        clock=clock,
    ) as writer:
        first = writer.blocks.index
        for number, block in enumerate(blocks):
            _add(writer, block, f"blocks[{number}]", parents)
        writer.close()
        end = writer.blocks.output.position
        return Appended(writer.blocks.index - first, writer.offset, end - writer.offset)


def _blocks(parts: Iterable[tuple[str, Any]]) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] | None = None
    for key, value in parts:
        if key == "document":
            if isinstance(value, bool) or value != VERSION:
                raise _refused("document", f"expected version {VERSION}", value)
        elif key == "blocks":
            if isinstance(value, (str, Mapping)) or not isinstance(value, Iterable):
                raise _refused(key, "expected a list", value)
            found = []
            for number, block in enumerate(value):
                if not isinstance(block, Mapping):
                    raise _refused(f"blocks[{number}]", "expected a block", block)
                found.append(block)
        else:
            raise DocumentError(
                f"the document of a segment has blocks alone, found {abbreviated(key)}"
            )
    if not found:
        raise DocumentError("expected blocks: a segment holds at least one (§4.6)")
    return found


def _add(writer: SegmentWriter, block: Mapping[str, Any], where: str, parents: set[str]) -> None:
    for key in block:
        if key not in (*_STATED, *_FOLLOWS):
            raise _refused(where, f"expected {', '.join(_STATED)} and nothing else", key)
    kind = _within(f"{where}.block_type", _kind, writer.schema, block.get("block_type"))
    common: dict[str, Any] = {
        "block_flags": _within(f"{where}.flags", _flags, block, parents),
        "compression": _compression(block.get("compression"), where),
    }
    for key in ("block_uuid", "parent_uuid"):
        if key in block:
            common[key] = _within(f"{where}.{key}", uuids.UUID, block[key])
    content = block.get("payload", {})
    if not isinstance(content, Mapping):
        raise _refused(f"{where}.payload", "expected a mapping", content)
    if kind.layout is None:
        _within(f"{where}.payload", checked_keys, content, RAW, also=(OFFSETS,))
        raw = _within(f"{where}.payload.{RAW}", raw_from_document, content[RAW])
        _within(where, writer.add_opaque, kind.key, bytes(raw), **common)
        return
    record = _within(f"{where}.payload", kind.layout.from_document, content)
    if any(bytes(record.pop(REST, b""))):
        raise DocumentError("nothing may stand behind the fields", field=f"{where}.payload.{REST}")
    _within(f"{where}.payload", _added, writer, kind.key, common, record)


def _added(writer: SegmentWriter, key: str, common: Mapping[str, Any], record: Any) -> None:
    writer.add(key, **common, **record)


def _kind(chosen: Schema, name: Any) -> BlockType:
    key = as_text(name)
    if key in _CLOSING:
        raise ValueError(f"{key} is written by who appends, with its hash (§4.6)")
    return chosen.find(key)


def _flags(block: Mapping[str, Any], parents: set[str]) -> list[str]:
    stated = block.get("flags", [])
    if not isinstance(stated, list):
        raise ValueError(f"expected a list, found {abbreviated(stated)}")
    found = {as_text(one) for one in stated} & set(_GIVEN)
    if "block_uuid" in block and str(block["block_uuid"]) in parents:
        found.add("has_children")
    return sorted(found)


def _compression(stated: Any, where: str) -> str | None:
    """How the payload is stored; None: as the caller wants it."""
    if stated is None:
        return None
    algorithm = stated.get("algorithm") if isinstance(stated, Mapping) else stated
    if algorithm not in ALGORITHMS:
        field = f"{where}.compression"
        raise _refused(field, f"expected {' or '.join(ALGORITHMS)}", algorithm)
    return str(algorithm)


def _refused(field: str, expected: str, found: object) -> DocumentError:
    return DocumentError(f"{expected}, found {abbreviated(found)}", field=field)


def _within(where: str, function: Any, *arguments: Any, **named: Any) -> Any:
    """Call, and put the document's path in front of what goes wrong."""
    try:
        return loaded(where, lambda: function(*arguments, **named))
    except ConformanceError as error:
        raise DocumentError(error.reason or str(error), field=error.field).within(where) from None
