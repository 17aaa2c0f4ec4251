"""Builds .msl bytes by hand: ``struct`` formats and offsets as the two drafts print them.

Every function takes the byte order first ('<' or '>'). Every stored field has a keyword, so that
odd files can be made: lengths that lie, strings without NUL, padding that is not zero.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import lz4.block  # type: ignore[import-untyped]
import zstandard

from .basics import (
    CAPTURED as CAPTURED,
)
from .basics import (
    COMPRESSED as COMPRESSED,
)
from .basics import (
    CONTINUATION as CONTINUATION,
)
from .basics import (
    END_OF_CAPTURE as END_OF_CAPTURE,
)
from .basics import (
    END_OF_EXTENSION as END_OF_EXTENSION,
)
from .basics import (
    FAILED as FAILED,
)
from .basics import (
    HAS_CHILDREN as HAS_CHILDREN,
)
from .basics import (
    HAS_KEY_HINTS as HAS_KEY_HINTS,
)
from .basics import (
    IMPORT_PROVENANCE as IMPORT_PROVENANCE,
)
from .basics import (
    KEY_HINT as KEY_HINT,
)
from .basics import (
    LZ4 as LZ4,
)
from .basics import (
    MEMORY_REGION as MEMORY_REGION,
)
from .basics import (
    MODULE_ENTRY as MODULE_ENTRY,
)
from .basics import (
    MODULE_LIST_INDEX as MODULE_LIST_INDEX,
)
from .basics import (
    NIL as NIL,
)
from .basics import (
    PROCESS_IDENTITY as PROCESS_IDENTITY,
)
from .basics import (
    RELATED_DUMP as RELATED_DUMP,
)
from .basics import (
    STATE_3 as STATE_3,
)
from .basics import (
    THREAD_CONTEXT as THREAD_CONTEXT,
)
from .basics import (
    UNMAPPED as UNMAPPED,
)
from .basics import (
    V10 as V10,
)
from .basics import (
    V11 as V11,
)
from .basics import (
    VAS_MAP as VAS_MAP,
)
from .basics import (
    ZERO_HASH as ZERO_HASH,
)
from .basics import (
    ZSTD as ZSTD,
)
from .basics import (
    Str as Str,
)
from .basics import (
    Text as Text,
)
from .basics import (
    pad8 as pad8,
)
from .basics import (
    padded as padded,
)
from .basics import (
    text as text,
)
from .basics import (
    uuid4 as uuid4,
)
from .hashing import ALGORITHMS, digest
from .wire_payloads import (
    end_of_capture as end_of_capture,
)
from .wire_payloads import (
    end_of_extension as end_of_extension,
)
from .wire_payloads import (
    import_provenance as import_provenance,
)
from .wire_payloads import (
    index_entry as index_entry,
)
from .wire_payloads import (
    key_hint as key_hint,
)
from .wire_payloads import (
    memory_region as memory_region,
)
from .wire_payloads import (
    module_entry as module_entry,
)
from .wire_payloads import (
    module_list_index as module_list_index,
)
from .wire_payloads import (
    opaque as opaque,
)
from .wire_payloads import (
    page_bytes as page_bytes,
)
from .wire_payloads import (
    page_map as page_map,
)
from .wire_payloads import (
    process_identity as process_identity,
)
from .wire_payloads import (
    register as register,
)
from .wire_payloads import (
    related_dump as related_dump,
)
from .wire_payloads import (
    thread_context as thread_context,
)
from .wire_payloads import (
    vas_entry as vas_entry,
)
from .wire_payloads import (
    vas_map as vas_map,
)

# -- §3 file header ---------------------------------------------------------------------------


def file_header(
    order: str = "<",
    *,
    magic: bytes = b"MEMSLICE",
    endianness: int | None = None,
    header_size: int = 64,
    version: int = V10,
    flags: int = 0,
    cap_bitmap: int = 0,
    dump_uuid: bytes | None = None,
    timestamp: int = 1_773_528_836_123_456_789,
    os_type: int = 1,
    arch_type: int = 1,
    pid: int = 4242,
    clock_source: int = 1,
    reserved: bytes | None = None,
    block_count: int = 0,
    hash_algo: int = 0,
    extension: bytes | None = None,
) -> bytes:
    """64 bytes and, up to ``header_size``, the extension (zeros unless given).

    ``block_count`` and ``hash_algo`` are stored unless the version is 0x0100; ``reserved`` has 7
    bytes in 1.0 and 2 afterwards.
    """
    if endianness is None:
        endianness = 1 if order == "<" else 2
    out = magic  # 0x00
    out += struct.pack(order + "BBHIQ", endianness, header_size, version, flags, cap_bitmap)  # 0x08
    out += uuid4(0) if dump_uuid is None else dump_uuid  # 0x18
    out += struct.pack(  # 0x28
        order + "QHHIB", timestamp, os_type, arch_type, pid, clock_source
    )
    if version == V10:  # 0x39
        out += bytes(7) if reserved is None else reserved
    else:
        out += struct.pack(order + "IB", block_count, hash_algo)
        out += bytes(2) if reserved is None else reserved
    if extension is None:
        extension = bytes(max(0, header_size - 64))
    return out + extension


def encryption_extension(
    order: str = "<",
    *,
    enc_algo: int = 1,
    kdf_type: int = 1,
    key_encap: int = 0,
    reserved: int = 0,
    kdf_time: int = 3,
    kdf_memory: int = 65536,
    kdf_lanes: int = 4,
    reserved2: int = 0,
    kem_ct_len: int = 0,
    nonce: bytes = bytes(range(12)) + bytes(12),
    kdf_salt: bytes = bytes(range(16)),
    cipher_len: int = 0,
) -> bytes:
    """The 64 bytes at 0x40 of an encrypted 1.1 file."""
    out = struct.pack(
        order + "BBBBII", enc_algo, kdf_type, key_encap, reserved, kdf_time, kdf_memory
    )
    out += struct.pack(order + "BBH", kdf_lanes, reserved2, kem_ct_len)
    return out + nonce + kdf_salt + struct.pack(order + "Q", cipher_len)


# -- §4.1 block header, §4.2 compression ------------------------------------------------------


def block(
    order: str,
    block_type: int,
    payload: bytes = b"",
    *,
    magic: bytes = b"MSLC",
    flags: int = 0,
    block_length: int | None = None,
    payload_version: int = 1,
    reserved: int = 0,
    block_uuid: bytes | None = None,
    parent_uuid: bytes = NIL,
    prev_hash: bytes = ZERO_HASH,
) -> bytes:
    """80 header bytes and the payload as it is to be stored."""
    length = 80 + len(payload) if block_length is None else block_length
    out = magic + struct.pack(order + "HHIHH", block_type, flags, length, payload_version, reserved)
    out += uuid4(1) if block_uuid is None else block_uuid  # 0x10
    return out + parent_uuid + prev_hash + payload  # 0x20, 0x30, 0x50


def compress(
    order: str,
    payload: bytes,
    algorithm: str,
    *,
    padding: int | None = 0,
    size: int | None = None,
    content_size: bool = True,
) -> bytes:
    """A framed compressed payload: u64 size, then the stream.

    ``padding`` zero bytes follow; None pads to 8 as the 1.0 producers did. ``size`` overrides the
    stored UncompressedSize, ``content_size`` False leaves the length out of the zstd frame.
    """
    if algorithm == "zstd":
        stream = zstandard.ZstdCompressor(write_content_size=content_size).compress(payload)
    else:
        stream = lz4.block.compress(payload, store_size=True)
    out = struct.pack(order + "Q", len(payload) if size is None else size) + stream
    return padded(out) if padding is None else out + bytes(padding)


# -- whole files ------------------------------------------------------------------------------


class FileBuilder:
    """Strings blocks behind a header with the right PrevHash, FileHash and SegmentHash.

    ``algorithm`` names the hash (``blake3``, ``sha_256`` or ``sha_512_256``); the caller puts the
    matching HashAlgo into the header.
    """

    def __init__(self, header: bytes, order: str = "<", *, algorithm: str = "blake3") -> None:
        if algorithm not in ALGORITHMS:
            raise ValueError(algorithm)
        self.order = order
        self.algorithm = algorithm
        self.parts: list[bytes] = [header]
        self.count = 0
        self.segment_part: int | None = None  # where the current extension segment starts
        self.segment_count = 0
        self._previous = header

    def add(
        self,
        block_type: int,
        payload: bytes = b"",
        *,
        flags: int = 0,
        compression: str | None = None,
        padding: int | None = 0,
        prev_hash: bytes | None = None,
        block_uuid: bytes | None = None,
        **fields: Any,
    ) -> bytes:
        """Append a block and return its UUID; ``fields`` go to :func:`block`."""
        if compression is not None:
            payload = compress(self.order, payload, compression, padding=padding)
            flags |= COMPRESSED | (ZSTD if compression == "zstd" else LZ4)
        if block_uuid is None:
            block_uuid = uuid4(100 + self.count)
        if prev_hash is None:
            prev_hash = digest(self.algorithm, self._previous)
        raw = block(
            self.order,
            block_type,
            payload,
            flags=flags,
            prev_hash=prev_hash,
            block_uuid=block_uuid,
            **fields,
        )
        self.parts.append(raw)
        self.count += 1
        self.segment_count += 1
        self._previous = raw
        return block_uuid

    def end_capture(
        self,
        *,
        file_hash: bytes | None = None,
        change: Callable[[bytes], bytes] | None = None,
        block: dict[str, Any] | None = None,
        **fields: Any,
    ) -> None:
        """Append an End-of-Capture; ``change`` may alter its payload, ``fields`` fill it."""
        if file_hash is None:
            file_hash = digest(self.algorithm, self.data())
        payload = end_of_capture(self.order, file_hash=file_hash, **fields)
        self.add(END_OF_CAPTURE, change(payload) if change else payload, **(block or {}))
        self.start_segment()

    def start_segment(self) -> None:
        """The next block is the first one of an extension segment."""
        self.segment_part = len(self.parts)
        self.segment_count = 0

    def end_segment(
        self,
        *,
        segment_hash: bytes | None = None,
        block_count: int | None = None,
        change: Callable[[bytes], bytes] | None = None,
        block: dict[str, Any] | None = None,
        **fields: Any,
    ) -> None:
        """Append an End-of-Extension over the blocks since the last end."""
        if segment_hash is None:
            first = len(self.parts) if self.segment_part is None else self.segment_part
            segment_hash = digest(self.algorithm, b"".join(self.parts[first:]))
        if block_count is None:
            block_count = self.segment_count + 1
        payload = end_of_extension(
            self.order, segment_hash=segment_hash, block_count=block_count, **fields
        )
        self.add(END_OF_EXTENSION, change(payload) if change else payload, **(block or {}))
        self.start_segment()

    def raw(self, data: bytes) -> None:
        """Append bytes outside the chain."""
        self.parts.append(data)

    def data(self) -> bytes:
        return b"".join(self.parts)
