"""Proves the hand-written builder and decoder on their own, from numbers the drafts print."""

from __future__ import annotations

import struct
import uuid
from typing import Any

import blake3
import pytest

from . import gallery, wire
from .decode import all_blocks, decode, inflate
from .hashing import digest
from .specimens import KINDS, LE10, LE11, Kind, capture, finish, one, start

Document = dict[str, Any]
ORDERS = ("<", ">")


def payload_of(kind: Kind, block_type: int, body: bytes) -> Document:
    out: Document = decode(one(kind, block_type, body))["blocks"][0]["payload"]
    return out


# -- builder ----------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ORDERS)
def test_sizes(order: str) -> None:
    assert len(wire.file_header(order)) == 64
    assert len(wire.file_header(order, header_size=128, version=wire.V11)) == 128
    assert len(wire.encryption_extension(order)) == 64
    assert len(wire.block(order, 0x0012)) == 80
    assert len(wire.end_of_capture(order)) == 48
    assert len(wire.end_of_capture(order, block_count=3)) == 48
    assert len(wire.end_of_capture(order, short=True)) == 40
    assert len(wire.related_dump(order)) == 24
    assert len(wire.related_dump(order, target_hash=bytes(32))) == 56
    assert len(wire.process_identity(order, exe_path=None, cmd_line=None)) == 0x18
    assert len(wire.key_hint(order, note=None)) == 0x2C
    assert len(wire.import_provenance(order, tool_name=None)) == 0x20
    assert len(wire.module_entry(order, path=None)) == 0x18 + 32 + 8
    assert len(wire.module_list_index(order)) == 8
    assert len(wire.index_entry(order, path=None)) == 40
    assert len(wire.memory_region(order)) == 0x20
    assert len(wire.thread_context(order, thread_name=None)) == 32
    assert len(wire.register(order, "pc", 0)) == 8 + 8 + 8
    assert len(wire.vas_entry(order, mapped_path=None)) == 24
    assert len(wire.end_of_extension(order, producer=None)) == 56


@pytest.mark.parametrize("order", ORDERS)
def test_worked_example(order: str) -> None:
    """Draft §11, ntdll.dll."""
    body = wire.module_entry(
        order,
        base_addr=0x7FFD_D4D0_0000,
        module_size=0x200000,
        path="C:\\Windows\\System32\\ntdll.dll",
        version="10.0.22621.1",
        native_blob=bytes(384),
    )
    assert len(body) == 496
    assert struct.unpack_from(order + "HH", body, 0x10) == (30, 13)
    assert body[0x18 + 29 : 0x18 + 32] == bytes(3)  # the NUL and two bytes of padding
    assert struct.unpack_from(order + "I", body, 0x18 + 32 + 16 + 32) == (384,)
    raw = wire.block(order, wire.MODULE_ENTRY, body)
    assert struct.unpack_from(order + "I", raw, 8) == (576,)
    assert len(raw) == 0x240


def test_page_maps() -> None:
    figure_8 = [0, 0, 0, 1, 0, 0, 2, 2, 0, 0, 1, 0]
    assert wire.page_map(figure_8) == bytes.fromhex("010a04") + bytes(5)
    assert wire.page_map([0, 1, 2, 0]) == b"\x18" + bytes(7)
    assert wire.page_map([]) == b""
    assert [len(wire.page_map([1] * n)) for n in (1, 32, 33, 64, 65)] == [8, 8, 16, 16, 24]


def test_header_bytes() -> None:
    """Every byte of a big-endian header, written out."""
    made = wire.file_header(
        ">", flags=1, cap_bitmap=0x0102, dump_uuid=bytes(range(16)), timestamp=0x1122334455667788,
        os_type=0x0304, arch_type=0x0506, pid=0x0708090A, clock_source=2,
    )  # fmt: skip
    assert made == bytes.fromhex(
        "4d454d534c494345 02 40 0100 00000001 0000000000000102"
        "000102030405060708090a0b0c0d0e0f 1122334455667788 0304 0506 0708090a 02 00000000000000"
    )
    made = wire.file_header("<", version=wire.V11, block_count=0x01020304, hash_algo=2)
    assert made[8:12] == bytes.fromhex("01400101")
    assert made[0x39:] == bytes.fromhex("04030201 02 0000")


def test_block_header_bytes() -> None:
    made = wire.block(
        ">", 0x0041, b"xyz", flags=0x20, payload_version=3, reserved=4, block_uuid=b"u" * 16,
        parent_uuid=b"p" * 16, prev_hash=b"h" * 32,
    )  # fmt: skip
    assert made == (
        b"MSLC" + bytes.fromhex("0041 0020 00000053 0003 0004")
        + b"u" * 16 + b"p" * 16 + b"h" * 32 + b"xyz"
    )  # fmt: skip


def test_payload_bytes() -> None:
    """Fields with values which show where each one lies."""
    assert wire.process_identity(
        ">", ppid=1, session_id=2, start_time=3, exe_path="a", cmd_line="bc", reserved=4
    ) == bytes.fromhex(
        "00000001 00000002 0000000000000003 0002 0003 00000004 6100000000000000 6263000000000000"
    )
    assert wire.memory_region(
        "<", (1,), base_addr=1, region_size=4096, protection=5, region_type=0xFF,
        page_size_log2=12, reserved=b"abcde", timestamp=2,
    ) == bytes.fromhex(
        "0100000000000000 0010000000000000 05 ff 0c 6162636465 0200000000000000 4000000000000000"
    )  # fmt: skip
    assert wire.related_dump(
        ">", related_dump_uuid=bytes(16), related_pid=1, relationship=2, reserved=3
    ) == bytes(16) + bytes.fromhex("00000001 0002 0003")
    assert wire.import_provenance(
        "<", source_format=1, reserved=2, tool_name=b"", import_time=3, orig_file_size=4,
        note="n", reserved2=5,
    ) == bytes.fromhex(
        "0100 0200 00000000 0300000000000000 0400000000000000 02000000 05000000 6e00000000000000"
    )  # fmt: skip
    assert wire.index_entry(
        ">", module_uuid=bytes(16), base_addr=1, module_size=2, path=None, reserved=3, reserved2=4
    ) == bytes(16) + bytes.fromhex("0000000000000001 0000000000000002 0000 0003 00000004")
    assert wire.thread_context(
        "<", [wire.register("<", "pc", 0x1122, width=2, flags=1)], thread_id=1, start_time=2,
        flags=3, thread_state=4, arch=5, thread_name=None,
    ) == bytes.fromhex(
        "0100000000000000 0200000000000000 0300 04 05 01000000 0000 000000000000"
        "03 02 0100 00000000 7063000000000000 2211000000000000"
    )  # fmt: skip
    assert wire.vas_map(
        "<",
        [wire.vas_entry("<", base_addr=1, region_size=2, protection=3, region_type=4,
                        name_source=3, mapped_path="m")],
    ) == bytes.fromhex(
        "01000000 00000000 0100000000000000 0200000000000000 03 04 0200 03 000000 6d00000000000000"
    )  # fmt: skip
    assert wire.end_of_extension("<", written_at=1, block_count=2, producer="p") == bytes(
        32
    ) + bytes.fromhex("0100000000000000 02000000 00000000 0200 000000000000 7000000000000000")
    assert wire.end_of_capture("<", acq_end=1, block_count=2) == bytes(32) + bytes.fromhex(
        "0100000000000000 02000000 00000000"
    )


def test_key_hint_note_offset() -> None:
    """NoteLen, Reserved2 and Note stand where the field sizes put them."""
    body = wire.key_hint(
        ">", region_uuid=bytes(16), region_offset=1, key_len=2, key_type=3, protocol=4,
        confidence=5, key_state=6, reserved=7, note="n", reserved2=8,
    )  # fmt: skip
    assert body[0x10:] == bytes.fromhex(
        "0000000000000001 00000002 0003 0004 05 06 0007 00000002 00000008 6e00000000000000"
    )


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_uuids_and_chain(kind: Kind) -> None:
    builder = capture(kind)
    assert uuid.UUID(bytes=wire.uuid4(5)).version == 4
    assert uuid.UUID(bytes=wire.uuid4(5)).variant == uuid.RFC_4122
    for before, after in zip(builder.parts, builder.parts[1:], strict=False):
        assert after[0x30:0x50] == blake3.blake3(before).digest()
    *rest, end = builder.parts
    assert end[80:112] == blake3.blake3(b"".join(rest)).digest()


def test_digests() -> None:
    """The published digests of no bytes at all."""
    assert digest("blake3", b"").hex().startswith("af1349b9f5f9a1a6a0404dea36dcc949")
    assert digest("sha_256", b"").hex().startswith("e3b0c44298fc1c149afbf4c8996fb924")
    assert digest("sha_512_256", b"").hex().startswith("c672b8d1ef56ed28ab87c3622c511406")


# -- decoder ----------------------------------------------------------------------------------


def test_document_by_hand() -> None:
    """A whole file and the whole document that belongs to it."""
    identity = bytes.fromhex(
        "01000000 02000000 0300000000000000 0200 0000 00000000 6100000000000000"
    )
    header = bytes.fromhex(
        "4d454d534c494345 01 40 0001 01000000 0101000000000000"
        "000102030405060708090a0b0c0d0e0f 0500000000000000 0100 0200 09000000 01 00000000000000"
    )
    block = b"MSLC" + bytes.fromhex("4000 0600 70000000 0100 0000") + b"\x11" * 16
    block += b"\x22" * 16 + b"\x33" * 32 + identity
    assert decode(header + block + b"tail", "some/where/a.msl") == {
        "document": 1,
        "file": {"name": "a.msl", "size": 64 + 112 + 4},
        "format": {"draft": "draft-2026-03", "dialect": None, "byte_order": "little"},
        "header": {
            "magic": "MEMSLICE",
            "endianness": "little",
            "header_size": 64,
            "version": "0x0100",
            "flags": ["imported"],
            "cap_bitmap": ["memory_regions", "process_identity"],
            "dump_uuid": "00010203-0405-0607-0809-0a0b0c0d0e0f",
            "timestamp": "5",
            "os_type": "linux",
            "arch_type": "arm64",
            "pid": 9,
            "clock_source": "clock_realtime",
            "reserved": "00000000000000",
        },
        "blocks": [
            {
                "index": 0,
                "offset": "0x40",
                "block_type": "process_identity",
                "flags": ["comp_algo_reserved"],
                "block_length": 112,
                "payload_version": 1,
                "reserved": "0000",
                "block_uuid": "11111111-1111-1111-1111-111111111111",
                "parent_uuid": "22222222-2222-2222-2222-222222222222",
                "prev_hash": "33" * 32,
                "payload": {
                    "ppid": 1,
                    "session_id": 2,
                    "start_time": "3",
                    "exe_path_len": 2,
                    "cmd_line_len": 0,
                    "reserved": "00000000",
                    "exe_path": "a",
                    "cmd_line": None,
                },
            }
        ],
        "segments": [],
        "trailing": {"offset": "0xb0", "length": 4},
    }


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        (None, None),
        ("", ""),
        ("abc", "abc"),
        ("seven77", "seven77"),
        (b"abc", {"text": "abc", "raw": "6162630000000000"}),
        (b"a\0b\0", {"text": "a", "raw": "6100620000000000"}),
        (b"\xff\0", {"text": "\ufffd", "raw": "ff00000000000000"}),
        (
            wire.Text(b"a\0", padding=b"\0\0\0\0\0\1"),
            {"text": "a", "raw": "6100000000000001"},
        ),
    ],
)
def test_strings(stored: wire.Str, shown: object) -> None:
    body = wire.process_identity("<", exe_path=stored, cmd_line="next")
    payload = payload_of(LE10, wire.PROCESS_IDENTITY, body)
    assert payload["exe_path"] == shown
    assert payload["cmd_line"] == "next"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_page_runs(kind: Kind) -> None:
    third = "not_resident" if kind.revised else "reserved"
    body = wire.memory_region(kind.order, (0, 0, 1, 2, 2, 3), page_size_log2=10)
    payload = payload_of(kind, wire.MEMORY_REGION, body)
    assert payload["page_state_map"] == [
        [0, 2, "captured"], [2, 1, "failed"], [3, 2, "unmapped"], [5, 1, third]
    ]  # fmt: skip
    assert payload["page_data"] == {"offset": hex(64 + 80 + 0x20 + 8), "length": 2048}
    odd = wire.memory_region(
        kind.order, region_size=5 << 12, page_state_map=b"\x55\x41" + bytes(6), page_data=b""
    )
    assert payload_of(kind, wire.MEMORY_REGION, odd)["page_state_map"] == {
        "runs": [[0, 5, "failed"]],
        "padding": "41000000000000",
    }


def test_damage_keeps_whole_entries() -> None:
    entry = wire.index_entry("<", path=None)
    body = wire.module_list_index("<", [entry, entry], entry_count=3) + b"\x01\x02"
    block = decode(one(LE10, wire.MODULE_LIST_INDEX, body))["blocks"][0]
    assert list(block)[-2:] == ["damage", "payload"]
    assert len(block["payload"]["entries"]) == 2
    assert block["payload"]["rest"] == "0102"
    short = decode(one(LE10, wire.MODULE_LIST_INDEX, b"\x01\0\0\0\xaa"))["blocks"][0]
    assert short["payload"] == {"entry_count": 1, "rest": "aa"}


@pytest.mark.parametrize("log2", [9, 41])
def test_page_size_out_of_range(log2: int) -> None:
    body = wire.memory_region("<", (1,), page_size_log2=log2, region_size=4096)
    block = decode(one(LE10, wire.MEMORY_REGION, body))["blocks"][0]
    assert "damage" in block
    assert list(block["payload"])[-2:] == ["timestamp", "rest"]
    assert block["payload"]["rest"] == "4000000000000000"


def test_register_value_is_a_number_in_file_order() -> None:
    body = wire.thread_context("<", [wire.register("<", "rip", b"\x34\x12\0\0", width=4)])
    payload = payload_of(LE11, wire.THREAD_CONTEXT, body)
    assert payload["registers"][0]["value"] == "0x00001234"


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(("codec", "code"), [("zstd", 1), ("lz4", 2)])
def test_inflate_tolerates_padding(order: str, codec: str, code: int) -> None:
    body = bytes(100) + b"end" + bytes(9)
    for padding in (*range(8), None):
        stored = wire.compress(order, body, codec, padding=padding)
        assert inflate(stored, code, order) == (body, codec)
    for bad in (
        wire.compress(order, body, codec, padding=8),
        wire.compress(order, body, codec) + b"\1",
        wire.compress(order, body, codec, size=len(body) + 1),
        wire.compress(order, body, codec)[:-1],
        b"\0" * 7,
    ):
        with pytest.raises(ValueError):
            inflate(bad, code, order)


def test_compressed_offsets_count_in_the_inflated_payload() -> None:
    builder = start(LE11)
    body = wire.memory_region("<", (0, 1), page_size_log2=10)
    builder.add(wire.MEMORY_REGION, body, compression="zstd")
    block = decode(finish(builder, LE11))["blocks"][0]
    assert block["flags"] == ["compressed", "comp_algo_zstd"]
    assert block["compression"] == {"algorithm": "zstd", "uncompressed_size": 0x28 + 1024}
    assert block["payload"]["page_data"] == {"offset": "0x28", "length": 1024}


def test_segments() -> None:
    files = dict(gallery.files())
    document = decode(files["segments-2-sha_512_256"])
    assert [len(segment["blocks"]) for segment in document["segments"]] == [3, 3]
    indexes = [block["index"] for block in all_blocks(document)]
    assert indexes == list(range(len(indexes)))
    assert document["trailing"] is None
    for name, data in files.items():
        if name.startswith("segment-first-"):
            assert decode(data)["segments"] == [], name
        if name.startswith("segment-second-"):
            assert len(decode(data)["segments"]) == 1, name
    # In the first draft the same bytes are nothing but blocks.
    document = decode(files["behind-end-segment-10-be"])
    assert document["segments"] == []
    assert document["trailing"] is None
    assert document["blocks"][-1]["block_type"] == "0x0ffe"
