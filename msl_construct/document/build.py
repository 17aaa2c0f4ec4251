"""From a document to the file: the exact reverse of rendering it.

What the document states is written as stated, good or bad. What it leaves out follows from
the rest: lengths and counts, reserved bytes (zero), BlockLength, PrevHash, FileHash. So a
document made with page data gives back its file byte for byte, and one written by hand
need say no more than what matters.
"""

from __future__ import annotations

import io
import uuid
from collections.abc import Iterable, Iterator, Mapping
from typing import IO, Any, cast

from ..builder.blocks import total
from ..builder.compress import compressed
from ..builder.sink import Sink
from ..builder.uuids import new_uuid
from ..drafts import DEFAULT_DRAFT, find, schema
from ..errors import ConformanceError, DocumentError
from ..reader.block import RAW
from ..reader.dialects import named_dialect
from ..reader.header import ENCRYPTION, EXTENSION, encryption_layout
from ..schema import Draft, Layout, Record, Schema
from ..schema.layout import REST
from ..schema.raw import extent_from_document, raw_from_document
from ..source import Extent
from .shape import BLOCK_KEYS, VERSION

__all__ = ["build"]

Pieces = list["bytes | Extent"]


def build(
    parts: Iterable[tuple[str, Any]], file: IO[bytes], *, draft: str | Draft | None = None
) -> int:
    """Write the file that a document describes; the number of bytes.

    Args:
        parts: as `load` gives them.
        file: where to; a pipe will do.
        draft: written whatever the document says.

    Raises:
        DocumentError: something in the document can't be stored, with its path.
        ValueError: no such draft.
    """
    asked = None if draft is None else find(draft)
    builder: _Builder | None = None
    chosen: Schema | None = None
    for key, value in parts:
        if key == "document":
            if value != VERSION:
                raise DocumentError(f"document: expected version {VERSION}, found {value!r}")
        elif key == "format":
            if builder is not None:
                raise DocumentError("format: expected before the header, which depends on it")
            chosen = _schema(value, asked)
        elif key == "header":
            builder = _Builder(file, chosen or schema(asked or DEFAULT_DRAFT), value)
        elif key == "file":
            continue
        elif builder is None:
            raise DocumentError(f"{key}: expected the header before it")
        elif key == "blocks":
            builder.blocks(value, "blocks")
        elif key == "segments":
            for index, segment in enumerate(value):
                builder.segment(segment, f"segments[{index}]")
        elif key == "trailing":
            builder.trailing(value)
        else:
            raise DocumentError(f"{key}: no document has such a part")
    if builder is None:
        raise DocumentError("the document has no header")
    return builder.finish()


def _schema(value: Any, asked: Draft | None) -> Schema:
    if not isinstance(value, Mapping):
        raise DocumentError(f"format: expected {{draft, byte_order}}, found {value!r}")
    try:
        draft = asked or str(value.get("draft", DEFAULT_DRAFT))
        found = schema(draft, str(value.get("byte_order", "little")))
        dialect = None if asked else value.get("dialect")
        return found if dialect is None else named_dialect(str(dialect), found)
    except ValueError as error:
        raise DocumentError(f"format: {error}") from None


class _Builder:
    def __init__(self, file: IO[bytes], chosen: Schema, header: Any) -> None:
        self._schema = chosen
        self._index = 0
        layout = chosen.file_header
        if not isinstance(header, Mapping):
            raise DocumentError(f"header: expected a mapping, found {header!r}")
        given = dict(header)
        extension = _hex(given.pop(EXTENSION, ""), f"header.{EXTENSION}")
        encryption = given.pop(ENCRYPTION, None)
        record = _within("header", layout.from_document, given)
        if encryption is not None:
            extension = _encryption(chosen, record, encryption) + extension
        defaults = {
            "magic": chosen.file_magic,
            "endianness": chosen.byte_order.value,
            "header_size": chosen.file_header_size + len(extension),
            "dump_uuid": new_uuid(),
        }
        record = _within("header", layout.complete, {**defaults, **record})
        raw = _within("header", layout.encode, record) + extension
        if record["header_size"] != len(raw):
            raise DocumentError(
                f"header.header_size: says {record['header_size']}, the header has {len(raw)} "
                "bytes; leave it out to have it computed"
            )
        algorithm = record.get("hash_algo")
        known = algorithm is None or algorithm.name in ("blake3", "sha_256", "sha_512_256")
        self._sink = Sink(file, algorithm.name if algorithm is not None and known else "blake3")
        self._computes = known
        self._sink.begin()
        self._sink.write(raw)

    def blocks(self, rows: Iterator[Any], where: str) -> None:
        """Blocks, one behind the other."""
        for number, row in enumerate(rows):
            self._block(row, f"{where}[{number}]", None)

    def segment(self, row: Any, where: str) -> None:
        """An extension segment: its blocks, with a hash of its own."""
        if not isinstance(row, Mapping) or not isinstance(row.get("blocks"), Iterable):
            raise DocumentError(f"{where}: expected a mapping with blocks, found {row!r}")
        start = _Segment(Sink(cast("IO[bytes]", _Nowhere()), self._sink.algorithm), self._index)
        for number, block in enumerate(row["blocks"]):
            self._block(block, f"{where}.blocks[{number}]", start)
        start.sink.close()

    def trailing(self, value: Any) -> None:
        """Bytes behind the last block."""
        if value is not None:
            self._sink.write(_within("trailing", extent_from_document, value))

    def finish(self) -> int:
        """Flush; the file's size."""
        self._sink.flush()
        self._sink.close()
        return self._sink.position

    def _block(self, row: Any, where: str, segment: _Segment | None) -> None:
        if not isinstance(row, Mapping):
            raise DocumentError(f"{where}: expected a mapping, found {row!r}")
        layout = self._schema.block_header
        fields = {key: value for key, value in row.items() if key not in BLOCK_KEYS}
        if "block_type" not in fields:
            raise DocumentError(f"{where}: block_type is missing")
        header = _within(where, layout.from_document, fields)
        previous = self._sink.chain_digest()
        if "prev_hash" not in header and not self._computes:
            raise DocumentError(f"{where}.prev_hash: HashAlgo is not one that can be computed")
        payload, algorithm = self._payload(row, header, f"{where}.payload", segment)
        header.setdefault("magic", self._schema.block_magic)
        header.setdefault("flags", 0)
        if algorithm is not None and "flags" not in fields:
            header["flags"] = ["compressed", f"comp_algo_{algorithm}"]
        header.setdefault("block_uuid", new_uuid())
        header.setdefault("parent_uuid", uuid.UUID(int=0))
        header.setdefault("prev_hash", previous)
        length = layout.size + total(payload)
        if header.setdefault("block_length", length) != length:
            raise DocumentError(
                f"{where}.block_length: says {header['block_length']}, the block has {length} "
                "bytes; leave it out to have it computed"
            )
        complete = _within(where, layout.complete, header)
        self._sink.begin()
        pieces: Pieces = [_within(where, layout.encode, complete), *payload]
        for piece in pieces:
            self._sink.write(piece)
            if segment is not None:
                segment.sink.write(piece)
        self._index += 1

    def _payload(
        self, row: Mapping[str, Any], header: Record, where: str, segment: _Segment | None
    ) -> tuple[Pieces, str | None]:
        """The payload as stored, and what compressed it if that was done here."""
        stated = row.get("compression")
        if stated is not None and not isinstance(stated, Mapping):
            raise DocumentError(f"{where}: compression: expected a mapping, found {stated!r}")
        if stated is not None and "data" in stated:
            framing = self._schema.compressed_payload
            record = {
                "uncompressed_size": stated.get("uncompressed_size", 0),
                "stream": _within(where, extent_from_document, {"data": stated["data"]}),
            }
            return list(_within(where, _listed, framing, record)), None
        content = row.get("payload", {})
        if not isinstance(content, Mapping):
            raise DocumentError(f"{where}: expected a mapping, found {content!r}")
        if RAW in content:
            pieces: Pieces = [_within(f"{where}.{RAW}", raw_from_document, content[RAW])]
        else:
            pieces = self._fields(content, header, where, segment)
        if stated is None:
            return pieces, None
        algorithm = str(stated.get("algorithm"))
        return _within(where, compressed, self._schema, pieces, algorithm), algorithm

    def _fields(
        self, content: Mapping[str, Any], header: Record, where: str, segment: _Segment | None
    ) -> Pieces:
        kind = self._schema.blocks.get(header["block_type"])
        layout = kind.layout if kind is not None else None
        if layout is None:
            if not content:
                return []
            raise DocumentError(
                f"{where}: {self._schema.name} has no layout for {header['block_type'].name}: "
                "expected {raw: hex}"
            )
        assert kind is not None
        record = _within(where, layout.from_document, content)
        if REST not in record:
            self._compute(kind.key, layout, record, segment)
            record = _within(where, layout.complete, record)
        _agree(layout, record, where)
        return list(_within(where, _listed, layout, record))

    def _compute(self, key: str, layout: Layout, record: Record, segment: _Segment | None) -> None:
        """Hashes and counts of the closing blocks, where the document leaves them out."""
        if key == "end_of_capture":
            record.setdefault("file_hash", self._sink.file_digest())
        elif key == "end_of_extension" and segment is not None:
            record.setdefault("segment_hash", segment.sink.file_digest())
            record.setdefault("block_count", self._index - segment.first + 1)


class _Segment:
    """The running hash and the first block of a segment being written."""

    def __init__(self, sink: Sink, first: int) -> None:
        self.sink = sink
        self.first = first


class _Nowhere(io.RawIOBase):
    """A file that forgets."""

    def write(self, data: Any) -> int:
        return len(data)


def _listed(layout: Layout, record: Record) -> Pieces:
    return list(layout.pieces(record))


def _agree(layout: Layout, record: Record, where: str) -> None:
    """Refuse lengths and counts that no longer fit what they count.

    Only where an editor changed one and not the other: a parsed document always agrees.
    """
    kinds = {"length-mismatch", "page-count-mismatch"}
    if REST not in record:  # a damaged table has fewer entries than its count says
        kinds.add("count-mismatch")
    for path, problem in _within(where, _problems, layout, record):
        if problem.kind in kinds:
            raise DocumentError(
                f"{where}.{path}: {problem}; leave the length or count out to have it computed"
            )


def _problems(layout: Layout, record: Record) -> list[tuple[str, Any]]:
    return list(layout.problems_of(record))


def _encryption(chosen: Schema, header: Mapping[str, Any], value: Any) -> bytes:
    """The structure behind the header of an encrypted file."""
    where = f"header.{ENCRYPTION}"
    layout = encryption_layout(chosen, header) if "flags" in header else None
    if layout is None:
        raise DocumentError(
            f"{where}: only a header with the flag encrypted, of a draft that defines it, has one"
        )
    record = _within(where, layout.from_document, value)
    return bytes(_within(where, layout.encode, _within(where, layout.complete, record)))


def _hex(value: Any, where: str) -> bytes:
    try:
        return bytes.fromhex(value)
    except (TypeError, ValueError):
        raise DocumentError(f"{where}: expected hex, found {value!r}") from None


def _within(where: str, function: Any, *arguments: Any) -> Any:
    """Call, and put the document's path in front of what goes wrong."""
    try:
        return function(*arguments)
    except ConformanceError as error:
        text = f".{error.field}: {error.reason}" if error.field else f": {error}"
        raise DocumentError(f"{where}{text}") from None
    except DocumentError as error:
        raise DocumentError(f"{where}.{error}") from None
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        raise DocumentError(f"{where}: {error}") from None
