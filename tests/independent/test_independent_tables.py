"""Proves the tables and the encryption extension on hand-packed bytes."""

from __future__ import annotations

from typing import Any

import pytest

from . import wire
from . import wire_tables as wt
from .decode import decode
from .specimens import BE10, LE11, Kind, one, start

Document = dict[str, Any]
ORDERS = ("<", ">")
BE11 = Kind("11-be", ">", wire.V11)


def block_of(block_type: int, stored: str | bytes, kind: Kind = LE11) -> Document:
    body = bytes.fromhex(stored) if isinstance(stored, str) else stored
    out: Document = decode(one(kind, block_type, body))["blocks"][0]
    return out


def payload_of(block_type: int, stored: str | bytes, kind: Kind = LE11) -> Document:
    block = block_of(block_type, stored, kind)
    assert "damage" not in block
    out: Document = block["payload"]
    return out


def row_of(row_type: int, body: str) -> Document:
    """The only row of a little-endian Connectivity Table, its three bytes written out."""
    raw = bytes.fromhex(body)
    head = bytes([1, 0, 0, 0, 0, 0, 0, 0, row_type, len(raw), 0])
    payload = payload_of(0x0054, head + raw)
    assert list(payload) == ["row_count", "reserved", "rows"]
    row: Document = payload["rows"][0]
    assert list(row) == ["row_type", "row_len", "body"]
    assert row["row_len"] == len(raw)
    return row


# -- sizes the draft prints, and builders against bytes written out -----------------------------


@pytest.mark.parametrize("order", ORDERS)
def test_sizes(order: str) -> None:
    assert len(wt.table(order)) == 8
    assert len(wt.process_row(order, exe=None, cmd=None, user=None)) == 40
    assert len(wt.connection_row(order)) == 48
    assert len(wt.handle_row(order, path=None)) == 16
    assert len(wt.physical_range(order, label=None)) == 20
    assert len(wt.build_id_row(order)) == 64
    assert len(wt.omission_row(order, name=None)) == 24
    assert len(wt.region_omission_manifest(order, scope=None, patterns=None)) == 16
    assert len(wt.connectivity_row(order, 9)) == 3
    sizes = [len(body) for body in wt.connectivity_bodies(order).values()]
    # eth0, lo, eth0, eth0, Ip and InReceives included: what the real rows hold as RowLen.
    assert sizes == [28, 45, 21, 30, 70, 17, 24]


def test_builders_against_bytes_written_out() -> None:
    """Fields with values which show where each one lies."""
    assert wt.process_row(
        ">", pid=1, ppid=2, uid=3, is_target=4, reserved=b"abc", start_time=5, rss=6,
        exe="e", cmd="cc", user=None, reserved2=7,
    ) == bytes.fromhex(
        "00000001 00000002 00000003 04 616263 0000000000000005 0000000000000006"
        "0002 0003 0000 0007 6500000000000000 6363000000000000"
    )  # fmt: skip
    assert wt.connection_row(
        "<", pid=1, family=2, protocol=3, state=4, reserved=5, local_addr=b"L" * 16,
        local_port=6, reserved2=7, remote_addr=b"R" * 16, remote_port=8, reserved3=9,
    ) == bytes.fromhex(
        "01000000 02 03 04 05" + "4c" * 16 + "0600 0700" + "52" * 16 + "0800 0900"
    )  # fmt: skip
    assert wt.handle_row(">", pid=1, fd=2, handle_type=3, path="p", reserved=4) == bytes.fromhex(
        "00000001 00000002 0003 0002 00000004 7000000000000000"
    )
    assert wt.table("<", [b"xy"], count=3, reserved=4) == bytes.fromhex("03000000 04000000 7879")
    assert wt.connectivity_row(">", 5, b"xy") == bytes.fromhex("05 0002 7879")
    assert wt.physical_range(">", start=1, end=2, label="ab", reserved=3) == bytes.fromhex(
        "0000000000000001 0000000000000002 0002 0003 6162"
    )
    assert wt.build_id_row(
        "<", base_addr=1, build_id_len=2, build_id_source=3, flags=4, reserved=5,
        build_id=b"B" * 20, disk_hash=b"H" * 32,
    ) == bytes.fromhex("0100000000000000 02 03 04 05" + "42" * 20 + "48" * 32)  # fmt: skip
    assert wt.region_omission_manifest(
        ">",
        [wt.omission_row(">", base_addr=1, size=2, protection=3, region_type=4, reason=5,
                         reserved=6, name="n", reserved2=7)],
        reserved=8, scope="12345678", patterns="p", reserved2=9,
    ) == bytes.fromhex(
        "00000001 00000008 0008 0001 00000009 3132333435363738 7000000000000000"
        "0000000000000001 0000000000000002 03 04 05 06 0001 0007 6e00000000000000"
    )  # fmt: skip
    assert wire.encryption_extension(
        ">", enc_algo=1, kdf_type=2, key_encap=3, reserved=4, kdf_time=5, kdf_memory=6,
        kdf_lanes=7, reserved2=8, kem_ct_len=9, nonce=b"N" * 24, kdf_salt=b"S" * 16, cipher_len=10,
    ) == bytes.fromhex(
        "01 02 03 04 00000005 00000006 07 08 0009" + "4e" * 24 + "53" * 16 + "000000000000000a"
    )  # fmt: skip


# -- decoder against bytes written out ----------------------------------------------------------


def test_process_table() -> None:
    payload = payload_of(
        0x0051,
        "01000000 0b000000"
        "01000000 02000000 03000000 04 010203 0500000000000000 0600000000000000"
        "0200 0000 0900 0708 6100000000000000 6162636465666768 00 00000000000000",
    )
    assert payload == {
        "entry_count": 1,
        "reserved": "0b000000",
        "entries": [
            {
                "pid": 1, "ppid": 2, "uid": 3, "is_target": 4, "reserved": "010203",
                "start_time": "5", "rss": 6, "exe_len": 2, "cmd_len": 0, "user_len": 9,
                "reserved2": "0708", "exe": "a", "cmd": None, "user": "abcdefgh",
            }
        ],
    }  # fmt: skip
    keys = list(payload["entries"][0])
    assert keys[-7:] == ["exe_len", "cmd_len", "user_len", "reserved2", "exe", "cmd", "user"]


def test_connection_table() -> None:
    payload = payload_of(
        0x0052,
        "02000000 00000000"
        "01000000 02 06 0a 0b" + "11" * 16 + "bb01 0c0d" + "22" * 16 + "03d9 0e0f"
        "ffffffff 0a 11 00 00" + "33" * 16 + "3500 0000" + "00" * 16 + "0000 0000",
    )
    first, second = payload["entries"]
    assert list(first.items()) == [
        ("pid", 1), ("family", "ipv4"), ("protocol", "tcp"), ("state", 10), ("reserved", "0b"),
        ("local_addr", "11" * 16), ("local_port", 443), ("reserved2", "0c0d"),
        ("remote_addr", "22" * 16), ("remote_port", 55555), ("reserved3", "0e0f"),
    ]  # fmt: skip
    assert (second["pid"], second["family"], second["protocol"]) == (0xFFFF_FFFF, "ipv6", "udp")
    other = wt.table("<", [wt.connection_row("<", family=1, protocol=132)])
    (row,) = payload_of(0x0052, other)["entries"]
    assert (row["family"], row["protocol"]) == ("0x01", "0x84")


def test_handle_table() -> None:
    stored = "01000000 00000000 01000000 02000000 0501 0300 0a0b0c0d 6162 000000000000"
    payload = payload_of(0x0053, stored)
    assert list(payload["entries"][0].items()) == [
        ("pid", 1), ("fd", 2), ("handle_type", 0x0105), ("path_len", 3),
        ("reserved", "0a0b0c0d"), ("path", "ab"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("row_type", "name", "stored", "body"),
    [
        (
            1, "ipv4_route",
            "0400 65746830 01020304 05060708 ffffff00 0300 64000000 dc050000",
            [("iface_len", 4), ("iface", "eth0"), ("dest", "01020304"), ("gateway", "05060708"),
             ("mask", "ffffff00"), ("flags", 3), ("metric", 100), ("mtu", 1500)],
        ),
        (
            2, "ipv6_route",
            "0000" + "11" * 16 + "40" + "22" * 16 + "00010000 01002080",
            [("iface_len", 0), ("iface", None), ("dest", "11" * 16), ("prefix", 64),
             ("next_hop", "22" * 16), ("metric", 256), ("flags", 0x80200001)],
        ),
        (
            3, "arp",
            "02 0a000001 0100 0200 0242ac110002 0200 6c6f",
            [("family", "ipv4"), ("ip", "0a000001"), ("hw_type", 1), ("flags", 2),
             ("hw_addr", "0242ac110002"), ("iface_len", 2), ("iface", "lo")],
        ),
        (
            4, "packet_socket",
            "4d000000 3930000000000000 0300 02000000 e8030000 0010000000000000",
            [("pid", 77), ("inode", 12345), ("proto", 3), ("if_index", 2), ("user", 1000),
             ("r_mem", 4096)],
        ),
        (
            5, "interface_counters",
            "0100 61" + "".join(f"0{n}00000000000000" for n in range(1, 9)),
            [("iface_len", 1), ("iface", "a"), ("rx_bytes", 1), ("rx_packets", 2),
             ("rx_errs", 3), ("rx_drop", 4), ("tx_bytes", 5), ("tx_packets", 6),
             ("tx_errs", 7), ("tx_drop", 8)],
        ),
        (
            6, "socket_family",
            "0a 05000000 06000000 0700000000000000",
            [("family", 10), ("in_use", 5), ("alloc", 6), ("mem", 7)],
        ),
        (
            7, "mib_counter",
            "0200 4970 0300 496e52 6300000000000000",
            [("mib_len", 2), ("mib", "Ip"), ("counter_len", 3), ("counter", "InR"),
             ("value", 99)],
        ),
        (8, "0x08", "010203", [("raw", "010203")]),
        (0, "0x00", "", [("raw", "")]),
        (
            6, "socket_family",
            "02 05000000 06000000 0700000000000000 aabb",
            [("family", 2), ("in_use", 5), ("alloc", 6), ("mem", 7), ("rest", "aabb")],
        ),
    ],
)  # fmt: skip
def test_connectivity_rows(
    row_type: int, name: str, stored: str, body: list[tuple[str, object]]
) -> None:
    row = row_of(row_type, stored)
    assert row["row_type"] == name
    assert list(row["body"].items()) == body


def test_connectivity_rows_follow_each_other() -> None:
    """RowLen leads to the next row even where the row is unknown or longer than its fields."""
    rows = [
        wt.connectivity_row("<", 0x42, bytes(300)),
        wt.connectivity_row("<", 6, wt.socket_family("<") + bytes(5)),
        wt.connectivity_row("<", 7, wt.mib_counter("<", mib="Tcp")),
    ]
    payload = payload_of(0x0054, wt.table("<", rows))
    unknown, longer, last = payload["rows"]
    assert unknown["body"] == {"raw": {"offset": hex(64 + 80 + 8 + 3), "length": 300}}
    assert longer["body"]["rest"] == "00" * 5
    assert last["body"]["mib"] == "Tcp"
    assert "rest" not in payload
    # What its own RowLen leaves no room for is no row, and nor is anything behind it.
    short = wt.connectivity_row("<", 6, wt.socket_family("<")[:-1])
    block = block_of(0x0054, wt.table("<", [rows[2], short, rows[2]]))
    assert "damage" in block
    assert [row["row_type"] for row in block["payload"]["rows"]] == ["mib_counter"]
    assert block["payload"]["rest"] == (short + rows[2]).hex()


def test_physical_memory_map_is_packed() -> None:
    payload = payload_of(
        0x0059,
        "02000000 00000000"
        "0000000000000000 fffb090000000000 0300 0a0b 52414d"
        "0000100000000000 ffffffbf00000000 0000 0000"
        "00000000",
    )
    assert payload == {
        "count": 2,
        "reserved": "00000000",
        "entries": [
            {
                "start": "0x0", "end_addr": "0x9fbff", "label_len": 3, "reserved": "0a0b",
                "label": "RAM",
            },
            {
                "start": "0x100000", "end_addr": "0xbfffffff", "label_len": 0,
                "reserved": "0000",
                "label": None,
            },
        ],
        "rest": "00000000",
    }  # fmt: skip


def test_build_id_manifest() -> None:
    stored = "01000000 00000000 0000000000 7f0000 10 05 8f 0a" + "11" * 20 + "22" * 32
    payload = payload_of(0x005A, stored)
    assert list(payload["entries"][0].items()) == [
        ("base_addr", "0x7f0000000000"), ("build_id_len", 16), ("build_id_source", "retroactive"),
        ("flags", ["deleted", "mem_fd", "anon_rwx", "unlinked", "bit_7"]), ("reserved", "0a"),
        ("build_id", "11" * 20), ("disk_hash", "22" * 32),
    ]  # fmt: skip


def test_region_omission_manifest() -> None:
    payload = payload_of(
        0x005B,
        "01000000 00000000 0500 0100 0a0b0c0d 737461636b000000 2a00000000000000"
        "0010000000000000 0020000000000000 05 03 01 0e 0800 0f10 6c6962632e736f36",
    )
    assert payload == {
        "count": 1,
        "reserved": "00000000",
        "scope_len": 5,
        "patterns_len": 1,
        "reserved2": "0a0b0c0d",
        "scope": "stack",
        "patterns": "*",
        "entries": [
            {
                "base_addr": "0x1000", "region_size": 8192, "protection": ["read", "execute"],
                "region_type": "image", "reason": "module_exclude", "reserved": "0e",
                "name_len": 8, "reserved2": "0f10", "name": "libc.so6",
            }
        ],
    }  # fmt: skip
    keys = "count reserved scope_len patterns_len reserved2 scope patterns entries"
    assert list(payload) == keys.split()


@pytest.mark.parametrize(
    ("stored", "padded", "packed"),
    [
        (None, None, None),
        ("abc", "abc", "abc"),
        ("eight888", "eight888", "eight888"),
        ("größe", "größe", "größe"),
        ("eth0\0", "eth0\0", "eth0\0"),
        (
            b"caf\xe9",
            {"text": "caf\ufffd", "raw": "636166e900000000"},
            {"text": "caf\ufffd", "raw": "636166e9"},
        ),
    ],
)
def test_strings_without_nul(stored: wire.Str, padded: object, packed: object) -> None:
    row = wt.omission_row("<", name="next")
    payload = payload_of(0x005B, wt.region_omission_manifest("<", [row], scope=stored))
    assert payload["scope"] == padded
    assert payload["entries"][0]["name"] == "next"
    rows = [wt.physical_range("<", label=stored), wt.physical_range("<", label="next")]
    payload = payload_of(0x0059, wt.table("<", rows))
    assert [row["label"] for row in payload["entries"]] == [packed, "next"]


def test_padding_that_is_not_zero_shows() -> None:
    odd = wire.Text(b"odd", padding=b"\0\0\0\0\1")
    payload = payload_of(0x005B, wt.region_omission_manifest("<", patterns=odd))
    assert payload["patterns"] == {"text": "odd", "raw": "6f64640000000001"}


@pytest.mark.parametrize(
    ("block_type", "key"),
    [(0x51, "entries"), (0x52, "entries"), (0x53, "entries"), (0x54, "rows"), (0x59, "entries"),
     (0x5A, "entries"), (0x5B, "entries")],
)  # fmt: skip
def test_counts_beyond_the_payload(block_type: int, key: str) -> None:
    whole = dict(wt.typical_tables("<").values())[block_type]
    good = payload_of(block_type, whole)
    first = next(iter(good))
    count = good[first]
    more = (count + 1).to_bytes(4, "little") + whole[4:]
    block = block_of(block_type, more + b"\xaa\xbb")
    assert f"{key}[{count}]" in block["damage"]
    assert block["payload"] == {**good, first: count + 1, "rest": "aabb"}
    assert block_of(block_type, whole[:5])["payload"] == {first: count, "rest": "00"}
    assert block_of(block_type, whole[:8])["payload"][first] == count
    fewer = block_of(block_type, (0).to_bytes(4, "little") + whole[4:])
    assert "damage" not in fewer
    assert fewer["payload"][key] == []
    assert "rest" in fewer["payload"]


def test_byte_order() -> None:
    """The same tables in both orders are the same document, and differ in their bytes."""
    little, big = wt.typical_tables("<"), wt.typical_tables(">")
    for name, (block_type, body) in big.items():
        assert body != little[name][1]
        assert payload_of(block_type, body, BE11) == payload_of(*little[name]), name
        # The first draft has no layout for it.
        assert list(block_of(block_type, body, BE10)["payload"]) == ["raw"]


# -- encryption extension -----------------------------------------------------------------------

EXTENSION = bytes.fromhex(
    "02 01 04 0a 03000000 00000100 04 0b 6004" + "11" * 24 + "22" * 16 + "2800000001000000"
)


def encrypted(size: int, extension: bytes, **fields: Any) -> Document:
    fields.setdefault("flags", 4)
    builder = start(LE11, header_size=size, extension=extension, **fields)
    builder.raw(b"sealed")
    return decode(builder.data())


def test_encryption() -> None:
    document = encrypted(128, EXTENSION)
    header = document["header"]
    assert list(header)[-2:] == ["reserved", "encryption"]
    assert list(header["encryption"].items()) == [
        ("enc_algo", "xchacha20_poly1305"), ("kdf_type", "argon2id"),
        ("key_encap", "x25519_ml_kem_768"), ("reserved", "0a"), ("kdf_time", 3),
        ("kdf_memory", 65536), ("kdf_lanes", 4), ("reserved2", "0b"), ("kem_ct_len", 1120),
        ("nonce", "11" * 24), ("kdf_salt", "22" * 16), ("cipher_len", (1 << 32) + 40),
    ]  # fmt: skip
    assert document["trailing"] == {"offset": "0x80", "length": 6}


def test_extension_without_room_or_flag() -> None:
    header = encrypted(136, EXTENSION + bytes(range(8)))["header"]
    assert list(header)[-2:] == ["encryption", "extension"]
    assert header["encryption"]["kem_ct_len"] == 1120
    assert header["extension"] == "0001020304050607"
    for size, flags, version in ((127, 4, 0x0101), (128, 0, 0x0101), (128, 4, 0x0100)):
        extension = EXTENSION[: size - 64]
        header = encrypted(size, extension, flags=flags, version=version)["header"]
        assert "encryption" not in header
        assert header["extension"] == extension.hex()
    assert not {"encryption", "extension"} & set(encrypted(64, b"")["header"])
