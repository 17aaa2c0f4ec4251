"""Reading the file header, and recognising files that no public draft describes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..abbreviated import abbreviated
from ..drafts import DRAFTS, NEWEST_DRAFT, recognised, schema
from ..errors import DialectError, HeaderError
from ..schema import ByteOrder, Draft, Layout, Record, Schema
from ..source import BufferSource, Cursor, Source

__all__ = ["ENCRYPTION", "EXTENSION", "FileHeader", "encryption_layout", "read_header"]

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
    source: Source, *, draft: str | Draft | None = None, byte_order: str | None = None
) -> FileHeader:
    """Decode the file header and choose the draft to read the file with.

    Args:
        draft, byte_order: read the file with these, whatever the header says and however
            odd it looks; by default they follow from the header.

    Raises:
        HeaderError: not a Memory Slice file, or of a version that can't be read.
        DialectError: a layout from before or beside the public drafts.
    """
    probe = schema(NEWEST_DRAFT)
    size = probe.file_header_size
    raw = source.read(0, _LONGEST + probe.block_header_size)
    magic = probe.file_magic
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
    version = _field(raw, "version", order)
    bound = schema(_draft_for(version, raw) if draft is None else draft, order)
    header_size = _field(raw, "header_size", order)
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
        _refuse_dialects(raw[header_size:], order, header_size)
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
    return FileHeader(bound, record, raw[:header_size])


def encryption_layout(bound: Schema, record: Mapping[str, Any]) -> Layout | None:
    """What stands behind a header with these flags, or None: an encrypted file says how (§3).

    In a file of an earlier version the flag is a reserved bit, which consumers ignore.
    """
    layout = bound.encryption_header
    if layout is None or "encrypted" not in record["flags"]:
        return None
    since = bound.draft.ancestor(layout.fields[0].since) or bound.draft
    return layout if record.get("version", since.version) >= since.version else None


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


def _draft_for(version: int, raw: bytes) -> Draft:
    found = recognised(version)
    if found is not None:
        return found
    offset = schema(NEWEST_DRAFT).file_header.offset_of("version")
    if raw[offset : offset + 2] == b"\x01\x00":
        # The early capture tool wrote two bytes, major and minor, instead of a u16.
        raise DialectError(
            f"not a draft layout: Version at {offset:#x} is 01 00, the major and minor bytes of "
            "the 'early' dialect from before the public draft, which can't be read yet",
            offset=offset,
        )
    known_majors = ", ".join(sorted({f"{d.version >> 8}" for d in DRAFTS.values()}))
    raise HeaderError(
        f"Version at {offset:#x}: expected major {known_majors}, found {version:#06x} (major "
        f"{version >> 8}); to read the file all the same, name a draft with --draft (§3.2)",
        offset=offset,
    )


def _refuse_dialects(behind: bytes, order: ByteOrder, offset: int) -> None:
    """Recognise by Block 0 what the header alone doesn't show."""
    bound = schema(NEWEST_DRAFT, order)
    if len(behind) < bound.block_header_size or not behind.startswith(bound.block_magic):
        return
    peek = ("block_type", "block_length", "payload_version")
    kind, length, payload_version = bound.block_header.unpacker(*peek).unpack_from(behind)
    first = {bound.block("process_identity").code, bound.block("import_provenance").code}
    if payload_version == 0 and kind not in first:
        # chrome_min.msl, the one public capture by the tool that preceded the draft.
        raise DialectError(
            f"not a draft layout: Block 0 at {offset:#x} has type {kind:#06x} and PayloadVersion "
            "0, as the 'early' dialect from before the public draft wrote it, which can't be read "
            "yet; --draft shows its blocks with undecoded payloads",
            offset=offset,
        )
    if order is ByteOrder.BIG:
        little = schema(NEWEST_DRAFT, ByteOrder.LITTLE)
        other, swapped, _ = little.block_header.unpacker(*peek).unpack_from(behind)
        if kind not in bound.blocks and other in little.blocks and swapped < length:
            # memslicer 0.5 sets the byte-order flag and goes on writing little-endian.
            raise DialectError(
                f"not a draft layout: the header says big-endian, but Block 0 at {offset:#x} "
                "makes sense in little-endian only (memslicer writes such files); "
                "--byte-order little reads it",
                offset=offset,
            )
