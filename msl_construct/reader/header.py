"""Reading the file header, and recognising files that no public draft describes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..abbreviated import abbreviated
from ..drafts import DIALECTS, DRAFTS, NEWEST_DRAFT, recognised, schema
from ..drafts.dialects import Recognition, is_turned
from ..encryption.parameters import Envelope
from ..errors import DialectError, HeaderError
from ..schema import ByteOrder, Draft, Layout, Record, Schema
from ..source import BufferSource, Cursor, Source

__all__ = [
    "ENCRYPTION",
    "EXTENSION",
    "NO_DIALECT",
    "FileHeader",
    "encryption_layout",
    "envelope_of",
    "read_header",
]

NO_DIALECT = "none"
"""Said instead of a dialect's name: the file is read as the draft has it."""

ENCRYPTION = "encryption"
"""Key of the structure behind the header's own fields, in encrypted files."""

EXTENSION = "extension"
"""Key of the header bytes behind the fields that the draft describes."""

_LONGEST = 255  # what HeaderSize, a u8, can say


@dataclass(frozen=True)
class FileHeader:
    """The file header as found, and the schema that the file is read with."""

    schema: Schema
    record: Record
    raw: bytes
    """All HeaderSize bytes: what Block 0's PrevHash covers."""
    recognition: Recognition = field(default_factory=Recognition)
    """The dialect, where the file's first bytes alone are those of one."""

    unknown_version: str = ""
    """What to say of a minor version that no draft has; empty where one has it, or was named."""

    @property
    def key(self) -> str:
        """Name of the structure: ``file_header``."""
        return self.schema.file_header.key

    @property
    def size(self) -> int:
        """HeaderSize: the file offset of Block 0."""
        return len(self.raw)

    @property
    def encrypted(self) -> bool:
        """Whether the blocks are ciphertext (draft 2026-10 §10)."""
        return encryption_layout(self.schema, self.record) is not None

    @property
    def hash_algorithm(self) -> str:
        """Name of the hash behind the chain."""
        algorithm = self.record.get("hash_algo")
        return "blake3" if algorithm is None else algorithm.name


def read_header(
    source: Source,
    *,
    draft: str | Draft | None = None,
    dialect: str | None = None,
    byte_order: str | None = None,
) -> FileHeader:
    """Decode the file header and choose the draft to read the file with.

    Args:
        draft, byte_order: read the file with these, whatever the header says and however
            odd it looks; by default they follow from the header.
        dialect: look for this one only, or with ``none`` for none; by default for all.

    Raises:
        HeaderError: not a Memory Slice file, or of a version that can't be read.
        DialectError: a layout from before or beside the public drafts, and none was wanted.
    """
    probe = schema(NEWEST_DRAFT)
    size = probe.file_header_size
    raw = source.read(0, _LONGEST + probe.block_header_size)
    magic = probe.file_magic
    if not raw:
        raise HeaderError("the file is empty: expected a Memory Slice file", offset=0)
    if raw[: len(magic)] != magic:
        raise HeaderError(
            f"not a Memory Slice file: expected {abbreviated(magic.decode())} at offset 0, found "
            f"{abbreviated(bytes(raw[: len(magic)]))}",
            offset=0,
        )
    if len(raw) < size:
        raise HeaderError(
            f"the file ends after {len(raw)} bytes, inside its header of {size}", offset=len(raw)
        )
    order = ByteOrder(byte_order) if byte_order else _byte_order(raw, probe)
    header_size = _field(raw, "header_size", order)
    recognition = Recognition()
    if draft is None and byte_order is None:
        recognition = _recognised_by_beginning(raw, schema(NEWEST_DRAFT, order), dialect)
    if recognition.dialect is not None:
        draft = recognition.dialect.draft
        order = order if order in draft.byte_orders else draft.byte_orders[0]
    version = _field(raw, "version", order)
    bound = schema(_draft_for(version) if draft is None else draft, order)
    unknown = ""
    if draft is None and version != bound.draft.version and recognition.dialect is None:
        unknown = f"version {version >> 8}.{version & 0xFF} is not known; read as {bound.name}"
    if header_size < size:
        raise HeaderError(
            f"HeaderSize at {probe.file_header.offset_of('header_size'):#x}: expected at least "
            f"{size}, found {header_size}; Block 0 would begin inside the header (§3)",
            offset=probe.file_header.offset_of("header_size"),
        )
    if len(raw) < header_size:
        raise HeaderError(
            f"the file ends after {len(raw)} bytes, inside its header of {header_size}",
            offset=len(raw),
        )
    if draft is None and byte_order is None:
        _refuse_turned(raw, schema(NEWEST_DRAFT, order), header_size)
    record = bound.file_header.decode(Cursor.over(raw[:size]), offsets=True)
    assert record.offsets is not None
    behind = size
    encryption = encryption_layout(bound, record)
    if encryption is not None and header_size >= size + encryption.size:
        behind += encryption.size
        cursor = Cursor(BufferSource(raw), size, behind)
        record[ENCRYPTION] = encryption.decode(cursor, offsets=True)
        record.offsets[ENCRYPTION] = (size, encryption.size)
    if header_size > behind:
        record[EXTENSION] = raw[behind:header_size]
        record.offsets[EXTENSION] = (behind, header_size - behind)
    return FileHeader(bound, record, raw[:header_size], recognition, unknown)


def encryption_layout(bound: Schema, record: Mapping[str, Any]) -> Layout | None:
    """What stands behind a header with these flags, or None: an encrypted file says how (§3).

    In a file of an earlier version the flag is a reserved bit, which consumers ignore.
    """
    layout = bound.encryption_header
    if layout is None or "encrypted" not in record["flags"]:
        return None
    since = bound.draft.ancestor(layout.fields[0].since) or bound.draft
    return layout if record.get("version", since.version) >= since.version else None


def envelope_of(header: FileHeader) -> Envelope | None:
    """What a header says of the encryption; None if it doesn't."""
    stated = header.record.get(ENCRYPTION)
    if stated is None:
        return None
    return Envelope(header.schema, header.raw, stated, header.record["dump_uuid"].bytes)


def _byte_order(raw: bytes, probe: Schema) -> ByteOrder:
    offset = probe.file_header.offset_of("endianness")
    code = probe.enumerations["Endianness"].decode(raw[offset])
    if not code.known:
        raise HeaderError(
            f"Endianness at {offset:#x}: expected 1 (little) or 2 (big), found {int(code)} (§3); "
            "if you know the byte order, state it with --byte-order",
            offset=offset,
        )
    return ByteOrder(code.name)


def _field(raw: bytes, key: str, order: ByteOrder) -> int:
    return int(schema(NEWEST_DRAFT, order).file_header.unpacker(key).unpack_from(raw)[0])


def _draft_for(version: int) -> Draft:
    found = recognised(version)
    if found is not None:
        return found
    offset = schema(NEWEST_DRAFT).file_header.offset_of("version")
    known_majors = ", ".join(sorted({f"{d.version >> 8}" for d in DRAFTS.values()}))
    raise HeaderError(
        f"Version at {offset:#x}: expected major {known_majors}, found {version:#06x} (major "
        f"{version >> 8}); to read the file all the same, name a draft with --draft (§3.2)",
        offset=offset,
    )


def _refuse_turned(raw: bytes, probe: Schema, start: int) -> None:
    """Refuse what is big-endian in its header alone, and in no dialect for all that."""
    if probe.byte_order is ByteOrder.BIG and is_turned(raw, probe):
        raise DialectError(
            f"not a draft layout: the header says big-endian, but Block 0 at {start:#x} makes "
            "sense in little-endian only; --byte-order little reads it",
            offset=start,
        )


def _recognised_by_beginning(raw: bytes, probe: Schema, dialect: str | None) -> Recognition:
    """The dialect whose first bytes these are, if any.

    Raises:
        DialectError: there is one, and whoever reads wants none.
    """
    for name, found in DIALECTS.items():
        if found.beginning is None or (dialect not in (None, NO_DIALECT, name)):
            continue
        reasons = tuple(found.beginning(raw, probe))
        if reasons and dialect == NO_DIALECT:
            raise DialectError(
                f"not a draft layout: {'; '.join(reasons)}: such files are in the dialect {name}, "
                "and can't be read without it; --draft shows their blocks with undecoded payloads",
                offset=probe.file_header_size,
            )
        if reasons:
            return Recognition(found, reasons)
    return Recognition()
