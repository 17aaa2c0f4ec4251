"""A slow, plain decoder of both drafts: bytes to the canonical document."""

from __future__ import annotations

import struct
import uuid
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any, NamedTuple

import lz4.block  # type: ignore[import-untyped]
import zstandard

from . import encryption, layouts, names
from .hashing import digest
from .layouts import Cursor, Document, read_payload

END_OF_CAPTURE = 0x0FFF
END_OF_EXTENSION = 0x0FFE
_HASHES = {0: "blake3", 1: "sha_256", 2: "sha_512_256"}


class NotMsl(ValueError):
    """Not a file these drafts describe."""


class _Raw(NamedTuple):
    """A block's place and the header fields the walk needs."""

    offset: int
    block_type: int
    flags: int
    length: int
    version: int
    parent: bytes
    prev_hash: bytes


class _File(NamedTuple):
    data: memoryview
    order: str
    revised: bool  # draft-2026-10
    header_size: int

    def u16(self, offset: int) -> int:
        return int(struct.unpack_from(self.order + "H", self.data, offset)[0])

    def u32(self, offset: int) -> int:
        return int(struct.unpack_from(self.order + "I", self.data, offset)[0])

    def u64(self, offset: int) -> int:
        return int(struct.unpack_from(self.order + "Q", self.data, offset)[0])


def decode(data: bytes, name: str = "x.msl", *, key: bytes | None = None) -> Document:
    """The canonical document of a file; raises :class:`NotMsl` for what must be rejected.

    An encrypted one is decrypted if its key is given.
    """
    file = _open(data)
    header = _header(file)
    if key is not None:
        return _decrypted(data, name, key, header)
    blocks: list[Document] = []
    segments: list[Document] = []
    position = file.header_size
    if not (file.revised and "encrypted" in header["flags"]):
        position = _capture(file, position, blocks)
        ended = bool(blocks) and blocks[-1]["block_type"] == "end_of_capture"
        if file.revised and ended:
            position = _segments(file, position, blocks, segments)
    left = len(data) - position
    return {
        "document": 1,
        "file": {"name": PurePath(name).name, "size": len(data)},
        "format": {
            "draft": "draft-2026-10" if file.revised else "draft-2026-03",
            "dialect": None,
            "byte_order": "little" if file.order == "<" else "big",
        },
        "header": header,
        "blocks": blocks,
        "segments": segments,
        "trailing": {"offset": hex(position), "length": left} if left else None,
    }


def _decrypted(data: bytes, name: str, key: bytes, header: Document) -> Document:
    """The document of an encrypted file: blocks stand in it where their ciphertext does."""
    found = encryption.opened(data, key)
    file = _open(found.view)
    blocks: list[Document] = []
    segments: list[Document] = []
    position = _capture(file, found.start, blocks)
    position = _unchained(file, position, found.end, len(blocks), segments)
    whole = position == found.end
    at, left = position, found.end - position
    for offset, plain in found.sealed if whole else ():
        shifted = _open(data[:offset] + plain)
        count = len(blocks) + sum(len(segment["blocks"]) for segment in segments)
        _unchained(shifted, offset, offset + len(plain), count, segments)
    if whole:
        at, left = found.behind, len(data) - found.behind
    return {
        "document": 1,
        "file": {"name": PurePath(name).name, "size": len(data)},
        "format": {"draft": "draft-2026-10", "dialect": None, "byte_order": "little"},
        "header": header,
        "blocks": blocks,
        "segments": segments,
        "trailing": {"offset": hex(at), "length": left} if left else None,
    }


def _unchained(file: _File, position: int, end: int, index: int, segments: list[Document]) -> int:
    """Segments whose every PrevHash is zero; return where they end."""
    pending: list[_Raw] = []
    start = position
    for raw in _walk(file, position):
        pending.append(raw)
        if any(raw.prev_hash):
            break
        if raw.block_type == END_OF_EXTENSION:
            documents = [_block(file, one, index + i) for i, one in enumerate(pending)]
            segments.append(
                {
                    "index": len(segments) + 1,
                    "offset": hex(start),
                    "blocks": documents,
                    "verdict": {"intact": True},
                }
            )
            index += len(pending)
            start, pending = raw.offset + raw.length, []
    return start


def all_blocks(document: Document) -> list[Document]:
    """The blocks of the capture and of every segment, in file order."""
    inside = [block for segment in document["segments"] for block in segment["blocks"]]
    return list(document["blocks"]) + inside


def _open(data: bytes) -> _File:
    if len(data) < 64 or data[:8] != b"MEMSLICE":
        raise NotMsl("no MEMSLICE header")
    if data[8] not in (1, 2):
        raise NotMsl(f"Endianness {data[8]}")
    order = "<" if data[8] == 1 else ">"
    version = int(struct.unpack_from(order + "H", data, 0x0A)[0])
    if version >> 8 != 1:
        raise NotMsl(f"version 0x{version:04x}")
    if not 64 <= data[9] <= len(data):
        raise NotMsl(f"HeaderSize {data[9]} of {len(data)} bytes")
    return _File(memoryview(data), order, version != 0x0100, data[9])


def _header(file: _File) -> Document:
    data = file.data
    cap_names = names.CAP_BITMAP_11 if file.revised else names.CAP_BITMAP_10
    flag_names = names.HEADER_FLAGS_11 if file.revised else names.HEADER_FLAGS_10
    header: Document = {
        "magic": bytes(data[:8]).decode("ascii"),
        "endianness": "little" if data[8] == 1 else "big",
        "header_size": data[9],
        "version": f"0x{file.u16(0x0A):04x}",
        "flags": names.bits(file.u32(0x0C), flag_names),
        "cap_bitmap": names.bits(file.u64(0x10), cap_names),
        "dump_uuid": str(uuid.UUID(bytes=bytes(data[0x18:0x28]))),
        "timestamp": str(file.u64(0x28)),
        "os_type": names.enum(file.u16(0x30), names.OS_TYPE, 2),
        "arch_type": names.enum(file.u16(0x32), names.ARCH_TYPE, 2),
        "pid": file.u32(0x34),
        "clock_source": names.enum(data[0x38], names.CLOCK_SOURCE, 1),
    }
    if file.revised:
        header["block_count"] = file.u32(0x39)
        header["hash_algo"] = names.enum(data[0x3D], names.HASH_ALGO, 1)
        header["reserved"] = bytes(data[0x3E:0x40]).hex()
    else:
        header["reserved"] = bytes(data[0x39:0x40]).hex()
    extension = bytes(data[64 : file.header_size])
    if file.revised and "encrypted" in header["flags"] and len(extension) >= 64:
        header["encryption"] = _encryption(Cursor(data[64:128], file.order, 64, file.revised))
        extension = extension[64:]
    if extension:
        header["extension"] = extension.hex()
    return header


def _encryption(c: Cursor) -> Document:
    """The 64 bytes behind the header's own fields."""
    return {
        "enc_algo": names.enum(c.u8("enc_algo"), names.ENC_ALGO, 1),
        "kdf_type": names.enum(c.u8("kdf_type"), names.KDF_TYPE, 1),
        "key_encap": names.enum(c.u8("key_encap"), names.KEY_ENCAP, 1),
        "reserved": c.take(1, "reserved").hex(),
        "kdf_time": c.u32("kdf_time"),
        "kdf_memory": c.u32("kdf_memory"),
        "kdf_lanes": c.u8("kdf_lanes"),
        "reserved2": c.take(1, "reserved2").hex(),
        "kem_ct_len": c.u16("kem_ct_len"),
        "nonce": c.take(24, "nonce").hex(),
        "kdf_salt": c.take(16, "kdf_salt").hex(),
        "cipher_len": c.u64("cipher_len"),
    }


def _walk(file: _File, position: int) -> Iterator[_Raw]:
    """Blocks from ``position`` on, until what is there cannot be one."""
    data = file.data
    while len(data) - position >= 80 and bytes(data[position : position + 4]) == b"MSLC":
        length = file.u32(position + 0x08)
        if not 80 <= length <= len(data) - position:
            return
        yield _Raw(
            position,
            file.u16(position + 0x04),
            file.u16(position + 0x06),
            length,
            file.u16(position + 0x0C),
            bytes(data[position + 0x20 : position + 0x30]),
            bytes(data[position + 0x30 : position + 0x50]),
        )
        position += length


def _capture(file: _File, position: int, blocks: list[Document]) -> int:
    """Fill ``blocks`` and return where they end."""
    for raw in _walk(file, position):
        blocks.append(_block(file, raw, len(blocks)))
        position = raw.offset + raw.length
        # 1.0 knows no segments: there the blocks behind the end are ordinary ones.
        if file.revised and raw.block_type == END_OF_CAPTURE:
            break
    return position


def _segments(file: _File, position: int, blocks: list[Document], segments: list[Document]) -> int:
    """Fill ``segments`` with the intact ones behind the capture; return where they end."""
    algorithm = _HASHES.get(file.data[0x3D])
    if algorithm is None:
        return position  # nobody can verify them
    index = len(blocks)
    start = int(blocks[-1]["offset"], 16)
    previous = digest(algorithm, file.data[start:position])
    pending: list[_Raw] = []
    for raw in _walk(file, position):
        if raw.prev_hash != previous:
            break
        pending.append(raw)
        end = raw.offset + raw.length
        previous = digest(algorithm, file.data[raw.offset : end])
        if raw.block_type != END_OF_EXTENSION:
            continue
        documents = [_block(file, one, index + i) for i, one in enumerate(pending)]
        payload = documents[-1]["payload"]
        covered = digest(algorithm, file.data[position : raw.offset]).hex()
        if payload.get("segment_hash") != covered or payload.get("block_count") != len(pending):
            break
        segments.append(
            {
                "index": len(segments) + 1,
                "offset": hex(position),
                "blocks": documents,
                "verdict": {"intact": True},
            }
        )
        index += len(documents)
        position = end
        pending = []
    return position


def _block(file: _File, raw: _Raw, index: int) -> Document:
    data = file.data
    at = raw.offset
    type_names = layouts.BLOCK_TYPE_11 if file.revised else names.BLOCK_TYPE_10
    out: Document = {
        "index": index,
        "offset": hex(at),
        "block_type": names.enum(raw.block_type, type_names, 2),
        "flags": names.block_flags(raw.flags),
        "block_length": raw.length,
        "payload_version": raw.version,
        "reserved": bytes(data[at + 0x0E : at + 0x10]).hex(),
        "block_uuid": str(uuid.UUID(bytes=bytes(data[at + 0x10 : at + 0x20]))),
        "parent_uuid": str(uuid.UUID(bytes=raw.parent)),
        "prev_hash": raw.prev_hash.hex(),
    }
    stored = data[at + 80 : at + raw.length]
    cursor = Cursor(stored, file.order, at + 80, file.revised)
    if raw.version != 1:
        out["payload"] = {"raw": cursor.rest()}
        return out
    damage: str | None = None
    if raw.flags & 1:
        try:
            inflated, algorithm = inflate(bytes(stored), raw.flags >> 1 & 3, file.order)
        except ValueError as error:
            # What can't be inflated stays as it is stored.
            out["damage"] = str(error)
            out["payload"] = {"raw": cursor.rest()}
            return out
        out["compression"] = {"algorithm": algorithm, "uncompressed_size": len(inflated)}
        cursor = Cursor(memoryview(inflated), file.order, 0, file.revised)
    payload, damage = read_payload(raw.block_type, cursor)
    if damage is not None:
        out["damage"] = damage
    out["payload"] = payload
    return out


def inflate(stored: bytes, algorithm: int, order: str) -> tuple[bytes, str]:
    """Undo the framing of a compressed payload; ValueError when it does not hold."""
    if len(stored) < 8:
        raise ValueError("compressed payload without UncompressedSize")
    size = int(struct.unpack_from(order + "Q", stored)[0])
    if algorithm == 1:
        return _zstd(stored[8:], size), "zstd"
    if algorithm == 2:
        return _lz4(stored[8:], size), "lz4"
    raise ValueError(f"compressed with CompAlgo {algorithm}")


def _zstd(stream: bytes, size: int) -> bytes:
    inflater = zstandard.ZstdDecompressor().decompressobj()
    try:
        declared = zstandard.frame_content_size(stream)
        if declared not in (-1, size):
            raise ValueError(f"zstd frame of {declared} bytes, {size} announced")
        out = inflater.decompress(stream)
    except zstandard.ZstdError as error:
        raise ValueError(f"zstd: {error}") from None
    if not inflater.eof:
        raise ValueError("zstd frame is cut off")
    behind = inflater.unused_data
    if len(behind) > 7 or any(behind):
        raise ValueError("bytes behind the zstd frame")
    if len(out) != size:
        raise ValueError(f"{len(out)} bytes inflated, {size} announced")
    return bytes(out)


def _lz4(stream: bytes, size: int) -> bytes:
    # A sequence holds at most 255 bytes of output per byte of input, so this bounds the memory.
    if len(stream) < 4 or struct.unpack_from("<I", stream)[0] != size or size > 255 * len(stream):
        raise ValueError("lz4 size does not match UncompressedSize")
    for padding in range(min(8, len(stream) - 3)):
        # An LZ4 block has no end mark: the padding shows only by the stream not fitting.
        if any(stream[len(stream) - padding :]):
            break
        try:
            out: Any = lz4.block.decompress(stream[: len(stream) - padding])
        except lz4.block.LZ4BlockError:
            continue
        if len(out) == size:
            return bytes(out)
    raise ValueError("lz4 block is damaged")
