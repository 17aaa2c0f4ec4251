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

from ..abbreviated import abbreviated
from ..builder.blocks import total
from ..builder.compress import compressed
from ..builder.sink import Sink
from ..builder.uuids import new_uuid
from ..codecs.compress import ALGORITHMS
from ..drafts import DEFAULT_DRAFT, find, schema
from ..errors import ConformanceError, DocumentError
from ..reader.block import RAW
from ..reader.dialects import named_dialect
from ..reader.header import ENCRYPTION, EXTENSION, encryption_layout
from ..schema import ByteOrder, Draft, Layout, Record, Schema
from ..schema.document_values import as_hex, as_number, as_text, checked_keys
from ..schema.layout import OFFSETS, REST, loaded
from ..schema.raw import extent_from_document, raw_from_document
from ..source import Extent
from .load import Parts
from .shape import ABOUT_DIALECT, BLOCK_KEYS, PARTS, VERSION

__all__ = ["build"]

Pieces = list["bytes | Extent"]

_ORDERS = tuple(order.value for order in ByteOrder)


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
    try:
        return _written(parts, file, None if draft is None else find(draft))
    except DocumentError as error:
        if not isinstance(parts, Parts):
            raise
        raise error.at(parts.line_of(error.field)) from None


def _written(parts: Iterable[tuple[str, Any]], file: IO[bytes], asked: Draft | None) -> int:
    builder: _Builder | None = None
    chosen: Schema | None = None
    for key, value in parts:
        if key == "document":
            if isinstance(value, bool) or value != VERSION:
                raise _refused("document", f"expected version {VERSION}", value)
        elif key == "format":
            if builder is not None:
                raise DocumentError("expected before the header, which depends on it", field=key)
            chosen = _schema(value, asked)
        elif key == "header":
            builder = _Builder(file, chosen or schema(asked or DEFAULT_DRAFT), value)
        elif key == "file":
            continue
        elif key not in PARTS:
            raise DocumentError(f"no document has a part {abbreviated(key)}")
        elif builder is None:
            raise DocumentError("expected the header before it", field=key)
        elif key == "blocks":
            builder.blocks(_rows(value, key), key)
        elif key == "segments":
            for index, segment in enumerate(_rows(value, key)):
                builder.segment(segment, f"segments[{index}]")
        else:
            builder.trailing(value)
    if builder is None:
        raise DocumentError("the document has no header")
    return builder.finish()


def _in_dialect(found: Schema, name: Any, where: str) -> Schema:
    """The schema of a part of the file, by what the document says of it."""
    plain = schema(found.name, found.byte_order)
    if name is None:
        return plain
    text = _within(f"{where}.dialect", as_text, name)
    return cast("Schema", _within(f"{where}.dialect", named_dialect, text, plain))


def _schema(value: Any, asked: Draft | None) -> Schema:
    if not isinstance(value, Mapping):
        raise _refused("format", "expected {draft, byte_order}", value)
    known = ("draft", "dialect", "byte_order", *ABOUT_DIALECT)
    unknown = next((key for key in value if key not in known), None)
    if unknown is not None:
        raise _refused("format", f"expected {', '.join(known)} and nothing else", unknown)
    draft = asked or _within("format.draft", as_text, value.get("draft", DEFAULT_DRAFT))
    order = value.get("byte_order", "little")
    if order not in _ORDERS:
        raise _refused("format.byte_order", f"expected {' or '.join(_ORDERS)}", order)
    found: Schema = _within("format", schema, draft, order)
    dialect = None if asked else value.get("dialect")
    if dialect is None:
        return found
    name = _within("format.dialect", as_text, dialect)
    return cast("Schema", _within("format.dialect", named_dialect, name, found))


def _rows(value: Any, key: str) -> Iterator[Any]:
    """The rows of a list, or of whatever gives them one by one.

    Raises:
        DocumentError: it is neither.
    """
    if not isinstance(value, (list, tuple, Iterator)):
        raise _refused(key, "expected a list", value)
    return iter(value)


def _refused(field: str, expected: str, found: object) -> DocumentError:
    return DocumentError(f"{expected}, found {abbreviated(found)}", field=field)


class _Builder:
    def __init__(self, file: IO[bytes], chosen: Schema, header: Any) -> None:
        self._schema = chosen
        self._index = 0
        layout = chosen.file_header
        if not isinstance(header, Mapping):
            raise _refused("header", "expected a mapping", header)
        given = dict(header)
        extension = loaded(f"header.{EXTENSION}", as_hex, given.pop(EXTENSION, ""))
        encryption = given.pop(ENCRYPTION, None)
        record = _within("header", layout.from_document, given)
        self._encrypted = encryption is not None
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
                f"says {record['header_size']}, the header has {len(raw)} bytes; leave it out to "
                "have it computed",
                field="header.header_size",
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
            if self._encrypted:
                raise DocumentError(
                    "a file whose header says that it is encrypted has none in the clear; take "
                    "the flag encrypted and header.encryption out to build one that is not",
                    field=f"{where}[{number}]",
                )
            self._block(row, f"{where}[{number}]", None)

    def segment(self, row: Any, where: str) -> None:
        """An extension segment: its blocks, with a hash of its own."""
        if not isinstance(row, Mapping) or "blocks" not in row:
            raise _refused(where, "expected a mapping with blocks", row)
        of_capture = self._schema
        if "dialect" in row:  # written by somebody else than the capture
            self._schema = _in_dialect(of_capture, row["dialect"], where)
        start = _Segment(Sink(cast("IO[bytes]", _Nowhere()), self._sink.algorithm), self._index)
        for number, block in enumerate(_rows(row["blocks"], f"{where}.blocks")):
            self._block(block, f"{where}.blocks[{number}]", start)
        start.sink.close()
        self._schema = of_capture

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
            raise _refused(where, "expected a mapping", row)
        layout = self._schema.block_header
        fields = {key: value for key, value in row.items() if key not in BLOCK_KEYS}
        if "block_type" not in fields:
            raise DocumentError("block_type is missing", field=where)
        header = _within(where, layout.from_document, fields)
        previous = self._sink.chain_digest()
        if "prev_hash" not in header and not self._computes:
            raise DocumentError(
                "HashAlgo is not one that can be computed", field=f"{where}.prev_hash"
            )
        payload, algorithm = self._payload(row, header, where, segment)
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
                f"says {header['block_length']}, the block has {length} bytes; leave it out to "
                "have it computed",
                field=f"{where}.block_length",
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
        self, row: Mapping[str, Any], header: Record, at: str, segment: _Segment | None
    ) -> tuple[Pieces, str | None]:
        """The payload as stored, and what compressed it if that was done here."""
        where = f"{at}.payload"
        stated = row.get("compression")
        if stated is not None and not isinstance(stated, Mapping):
            raise _refused(f"{at}.compression", "expected a mapping", stated)
        if stated is not None and "data" in stated:
            framing = self._schema.compressed_payload
            size = stated.get("uncompressed_size", 0)
            stream = {"data": stated["data"]}
            record = {
                "uncompressed_size": _within(
                    f"{at}.compression.uncompressed_size", as_number, size
                ),
                "stream": _within(f"{at}.compression", extent_from_document, stream),
            }
            if stated.get("bare") is True:
                return [record["stream"]], None
            return list(_within(f"{at}.compression", _listed, framing, record)), None
        content = row.get("payload", {})
        if not isinstance(content, Mapping):
            raise _refused(where, "expected a mapping", content)
        if RAW in content:
            _within(where, _only_raw, content)
            pieces: Pieces = [_within(f"{where}.{RAW}", raw_from_document, content[RAW])]
        else:
            pieces = self._fields(content, header, where, segment)
        if stated is None:
            return pieces, None
        algorithm = stated.get("algorithm")
        if algorithm not in ALGORITHMS:
            raise _refused(
                f"{at}.compression.algorithm", f"expected {' or '.join(ALGORITHMS)}", algorithm
            )
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
                f"{self._schema.name} has no layout for {header['block_type'].name}: expected "
                "{raw: hex}",
                field=where,
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


def _only_raw(content: Mapping[str, Any]) -> None:
    checked_keys(content, RAW, also=(OFFSETS,))


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
                f"{problem}; leave the length or count out to have it computed", field=path
            ).within(where)


def _problems(layout: Layout, record: Record) -> list[tuple[str, Any]]:
    return list(layout.problems_of(record))


def _encryption(chosen: Schema, header: Mapping[str, Any], value: Any) -> bytes:
    """The structure behind the header of an encrypted file."""
    where = f"header.{ENCRYPTION}"
    layout = encryption_layout(chosen, header) if "flags" in header else None
    if layout is None:
        raise DocumentError(
            "only a header with the flag encrypted, of a draft that defines it, has one",
            field=where,
        )
    record = _within(where, layout.from_document, value)
    return bytes(_within(where, layout.encode, _within(where, layout.complete, record)))


def _within(where: str, function: Any, *arguments: Any) -> Any:
    """Call, and put the document's path in front of what goes wrong."""
    try:
        return loaded(where, function, *arguments)
    except ConformanceError as error:
        reason = error.reason if error.field else str(error)
        raise DocumentError(reason, field=error.field).within(where) from None
