"""`offsets` of the document: every field's place, checked by reading the bytes there."""

from __future__ import annotations

import struct
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import zstandard
from comparing import document_of
from independent import layouts, names, wire
from independent.specimens import KINDS, LE10, LE11, Kind, capture, cut, finish, one, start
from independent.specimens import typical_payloads as typical

ENUMERATIONS = {
    "block_type": layouts.BLOCK_TYPE_11, "os_type": names.OS_TYPE, "arch_type": names.ARCH_TYPE,
    "clock_source": names.CLOCK_SOURCE, "hash_algo": names.HASH_ALGO,
    "region_type": names.REGION_TYPE, "relationship": names.RELATIONSHIP,
    "key_type": names.KEY_TYPE_11, "protocol": names.PROTOCOL, "confidence": names.CONFIDENCE,
    "key_state": names.KEY_STATE, "source_format": names.SOURCE_FORMAT,
    "thread_state": names.THREAD_STATE, "name_source": names.NAME_SOURCE,
    "endianness": {1: "little", 2: "big"}, "family": {2: "ipv4", 10: "ipv6"},
    "build_id_source": names.BUILD_ID_SOURCE, "reason": names.OMISSION_REASON,
    "row_type": names.ROW_TYPE, "enc_algo": names.ENC_ALGO, "kdf_type": names.KDF_TYPE,
    "key_encap": names.KEY_ENCAP,
}  # fmt: skip
TEXTS = {"path", "version", "exe_path", "cmd_line", "note", "tool_name", "thread_name", "name",
         "mapped_path", "producer", "exe", "cmd", "user", "label", "scope", "patterns", "iface",
         "mib", "counter"}  # fmt: skip
UUIDS = {"dump_uuid", "block_uuid", "parent_uuid", "module_uuid", "region_uuid",
         "related_dump_uuid"}  # fmt: skip
BYTES = {"reserved", "reserved2", "disk_hash", "file_hash", "segment_hash", "prev_hash",
         "target_hash", "native_blob", "extension", "reserved3", "local_addr", "remote_addr",
         "build_id", "dest", "gateway", "mask", "next_hop", "ip", "hw_addr", "nonce",
         "kdf_salt"}  # fmt: skip
WORDS = {"flags", "cap_bitmap", "protection"}


def shown_from(key: str, raw: bytes, order: str, value: Any) -> Any:
    """What the document must show for a field, worked out from its stored bytes."""
    number = int.from_bytes(raw, "little" if order == "<" else "big")
    if key == "protocol" and len(raw) == 1:
        return {6: "tcp", 17: "udp"}.get(number, f"0x{number:02x}")
    if isinstance(value, int) and key in ("user", "value", "family"):  # of sockets, counters
        return number
    if key in ENUMERATIONS:
        return ENUMERATIONS[key].get(number, f"0x{number:0{2 * len(raw)}x}")
    if key in UUIDS:
        return str(uuid.UUID(bytes=raw))
    if key in BYTES:
        return raw[: len(value) // 2].hex() if key == "native_blob" else raw.hex()
    if key == "magic":
        return raw.decode()
    if key in TEXTS and not (key == "version" and len(raw) == 2 and value == "0x0100"):
        return raw.split(b"\0")[0].decode() if raw else None
    if key == "value":
        raw = raw[: len(value) // 2 - 1]  # what follows is padding
        return f"0x{(raw if order == '>' else raw[::-1]).hex()}"
    if isinstance(value, int):
        return number
    return hex(number) if value.startswith("0x") else str(number)


def check_fields(fields: dict[str, Any], data: bytes, order: str) -> int:
    """Compare every listed field with the bytes at its place; the number of them."""
    checked = 0
    for key, (start_text, length) in fields["offsets"].items():
        at, value = int(start_text, 16), fields[key]
        raw = data[at : at + length]
        assert len(raw) == length, key
        if key in WORDS and isinstance(value, list):
            bits = int.from_bytes(raw, "little" if order == "<" else "big")
            plain = bits if key != "flags" else bits & ~0b110
            assert len(value) >= bin(plain).count("1"), key
        elif key == "version" and isinstance(value, str) and value.startswith("0x0"):
            assert value == f"0x{struct.unpack(order + 'H', raw)[0]:04x}"
        elif key == "page_state_map":
            assert raw == wire.page_map(states_of(value))
        elif key == "page_data":
            assert value == {"offset": start_text, "length": length}
        elif key in ("body", "encryption") and "raw" not in value:
            checked += check_fields(value, data, order)
        elif key in ("entries", "registers", "rows"):
            inner = [place for row in value for place in row["offsets"].values()]
            if inner:
                assert inner[0][0] == start_text
                assert int(inner[-1][0], 16) + inner[-1][1] == at + length
            checked += sum(check_fields(row, data, order) for row in value)
        elif key in ("rest", "raw"):
            assert value == raw.hex() or value == {"offset": start_text, "length": length}
        else:
            assert shown_from(key, raw, order, value) == value, key
        checked += 1
    return checked


def states_of(runs: list[list[Any]]) -> list[int]:
    numbers = {name: code for code, name in enumerate(names.STATES_10)}
    numbers["not_resident"] = 3
    return [numbers[state] for _, count, state in runs for _ in range(count)]


def places(fields: dict[str, Any]) -> Iterator[tuple[int, int]]:
    for start_text, length in fields["offsets"].values():
        yield int(start_text, 16), length


def assert_tiles(fields: dict[str, Any], begin: int, end: int) -> None:
    """The fields lie one behind the other and leave no byte out."""
    position = begin
    for at, length in places(fields):
        assert at == position
        position += length
    assert position == end


@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.name)
def test_every_field_of_every_block_type(kind: Kind) -> None:
    builder = start(kind, cap_bitmap=0x101, flags=1)
    for block_type, body in typical(kind).values():
        builder.add(block_type, body, flags=wire.HAS_CHILDREN)
    data = finish(builder, kind)
    document = document_of(data, offsets=True)
    checked = check_fields(document["header"], data, kind.order)
    assert_tiles(document["header"], 0, 64)
    for block in document["blocks"]:
        at = int(block["offset"], 16)
        fields = {**block, "magic": "MSLC"}
        assert_tiles(fields, at, at + 80)
        assert_tiles(block["payload"], at + 80, at + block["block_length"])
        checked += check_fields(fields, data, kind.order)
        checked += check_fields(block["payload"], data, kind.order)
    assert checked > 150


@pytest.mark.parametrize("size", [0, 3, 256, 257])
def test_payloads_without_a_layout_have_their_place_too(size: int) -> None:
    data = one(LE10, 0x2345, wire.opaque(size))
    payload = document_of(data, offsets=True)["blocks"][0]["payload"]
    assert payload["offsets"] == {"raw": ["0x90", size]}
    assert check_fields(payload, data, "<") == 1


def test_offsets_change_nothing_else() -> None:
    def without(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: without(v) for k, v in value.items() if k != "offsets"}
        return [without(v) for v in value] if isinstance(value, list) else value

    for kind in KINDS:
        data = capture(kind).data()
        shown = document_of(data, offsets=True)
        assert shown != document_of(data)
        assert without(shown) == document_of(data)


@pytest.mark.parametrize("codec", ["zstd", "lz4"])
def test_offsets_within_a_compressed_payload_count_from_its_start(codec: str) -> None:
    body = wire.process_identity("<")
    document = document_of(one(LE11, wire.PROCESS_IDENTITY, body, compression=codec), offsets=True)
    payload = document["blocks"][0]["payload"]
    assert_tiles(payload, 0, len(body))
    assert check_fields(payload, body, "<") == 8


def test_header_extension_and_rest_have_their_places() -> None:
    data = one(LE10, wire.PROCESS_IDENTITY, wire.process_identity("<") + b"more")
    block = document_of(data, offsets=True)["blocks"][0]
    assert list(places(block["payload"]))[-1] == (64 + block["block_length"] - 4, 4)
    longer = start(LE10, header_size=72, extension=b"\1\2\3\4\5\6\7\x08").data()
    header = document_of(longer, offsets=True)["header"]
    assert header["offsets"]["extension"] == ["0x40", 8]


def test_damaged_payload_lists_what_fits() -> None:
    data = one(LE10, wire.PROCESS_IDENTITY, cut(26)(wire.process_identity("<")))
    block = document_of(data, offsets=True)["blocks"][0]
    assert "damage" in block
    assert block["payload"]["offsets"]["reserved"] == [hex(64 + 80 + 20), 4]
    assert "exe_path" not in block["payload"]["offsets"]


def test_a_size_beyond_what_python_counts() -> None:
    """UncompressedSize is a u64; what it leaves for the page data is more than len() can say."""
    region = wire.memory_region("<", [wire.CAPTURED] * 64)
    # A frame that doesn't say what it holds: only inflating it would tell.
    frame = zstandard.ZstdCompressor(write_content_size=False).compress(region)
    payload = struct.pack("<Q", 0xFFFF_FFFF_0000_0028) + frame
    data = one(LE11, wire.MEMORY_REGION, payload, flags=wire.COMPRESSED | wire.ZSTD)
    block = document_of(data, offsets=True)["blocks"][0]
    assert "damage" not in block, block["damage"]
    size = block["compression"]["uncompressed_size"]
    start, length = block["payload"]["offsets"]["page_data"]
    assert size > 1 << 63
    assert int(start, 16) + length == size
