"""Proves the tables and the encryption extension on files which other tools wrote."""

from __future__ import annotations

from typing import Any

import pytest

from .decode import all_blocks, decode
from .test_independent_files import SAMPLES

Document = dict[str, Any]


def sample(name: str) -> Document:
    path = SAMPLES / name
    if not path.exists():
        pytest.skip(f"needs ../shared/samples/{name}")
    return decode(path.read_bytes(), path.name)


def tables_of(name: str) -> dict[str, Document]:
    return {
        block["block_type"]: block["payload"]
        for block in all_blocks(sample(name))
        if "damage" not in block
    }


@pytest.mark.parametrize("folder", ["memslicer-0.5.2", "memdiver-1.0.2"])
def test_real_investigation_tables(folder: str) -> None:
    """What both producers wrote of the same process."""
    tables = tables_of(f"{folder}/api-investigation-all-tables.msl")
    # MemDiver aligns what memslicer packs: in the draft it is damaged.
    assert ("system_context" in tables) == (folder == "memslicer-0.5.2")
    processes = tables["process_table"]
    assert [row["pid"] for row in processes["entries"]] == [4242, 1, 2]
    first = processes["entries"][0]
    assert (first["exe"], first["cmd"], first["user"]) == ("peer", "peer --x", "alice")
    assert (first["start_time"], first["rss"]) == ("1767225600000000000", 315392)
    connections = tables["connection_table"]["entries"]
    assert [(row["family"], row["protocol"], row["local_port"]) for row in connections] == [
        ("ipv4", "tcp", 443), ("ipv6", "udp", 53),
    ]  # fmt: skip
    assert connections[0]["local_addr"] == "7f000001" + "00" * 12
    handles = tables["handle_table"]["entries"]
    assert [row["path"] for row in handles[:3]] == ["/dev/null", "socket:[1234]", None]
    expected = [5, 3, 255, 1] if folder == "memslicer-0.5.2" else [5, 3, 7]
    assert [row["handle_type"] for row in handles] == expected
    for name in ("process_table", "connection_table", "handle_table"):
        assert "rest" not in tables[name]


def test_real_connectivity_table() -> None:
    table = tables_of("memslicer-0.5.2/api-investigation-all-tables.msl")["connectivity_table"]
    assert "rest" not in table
    rows = {row["row_type"]: row for row in table["rows"]}
    assert [row["row_len"] for row in rows.values()] == [28, 45, 21, 30, 70, 17, 24]
    assert all("rest" not in row["body"] for row in rows.values())
    bodies = {name: row["body"] for name, row in rows.items()}
    assert bodies["ipv4_route"]["iface"] == "eth0"
    assert bodies["ipv4_route"]["mtu"] == 1500
    assert bodies["ipv6_route"]["prefix"] == 128
    assert bodies["arp"]["hw_addr"] == "0242ac110002"
    assert bodies["packet_socket"]["inode"] == 12345
    assert bodies["interface_counters"]["tx_drop"] == 8
    assert bodies["socket_family"]["mem"] == 7
    assert bodies["mib_counter"]["counter"] == "InReceives"
    assert bodies["mib_counter"]["value"] == 99


def test_real_manifests() -> None:
    tables = tables_of("memslicer-0.5.2/api-investigation-all-tables.msl")
    physical = tables["physical_memory_map"]
    assert [row["label"] for row in physical["entries"]] == ["System RAM"] * 2
    assert [row["start"] for row in physical["entries"]] == ["0x0", "0x100000"]
    # This producer pads every payload to 8, and the rows are 68 bytes with their head.
    assert physical["rest"] == "00000000"
    modules = tables["module_build_id_manifest"]["entries"]
    assert [row["build_id_source"] for row in modules] == ["bridge", "none"]
    assert modules[0]["build_id"] == bytes(range(20)).hex()
    assert modules[1]["flags"] == ["deleted", "mem_fd"]
    omissions = tables["region_omission_manifest"]
    assert (omissions["scope"], omissions["patterns"]) == ("heap,stack", "libc*\n*/x")
    assert [row["reason"] for row in omissions["entries"]] == ["module_exclude", "scope"]
    live = tables_of("memslicer-0.5.2/sh-gdb-scope.msl")["region_omission_manifest"]
    assert live["count"] == len(live["entries"]) == 18
    assert {row["reason"] for row in live["entries"]} == {"scope"}
    assert "[vdso]" in {row["name"] for row in live["entries"]}
    assert "rest" not in live
    later = tables_of("memslicer-0.5.2/api-extension-segments-2.msl")
    assert later["module_build_id_manifest"]["entries"][0]["build_id_source"] == "retroactive"


@pytest.mark.parametrize(
    ("name", "algorithm", "kdf"),
    [
        ("memslicer-0.5.2/api-encrypted-zstd", "aes_256_gcm", "argon2id"),
        ("memslicer-0.5.2/api-sealed-segment", "aes_256_gcm", "argon2id"),
        ("memslicer-0.5.2/sh-gdb-encrypted", "aes_256_gcm", "argon2id"),
        ("memdiver-1.0.2/api-encrypted-passphrase-aesgcm-zstd", "aes_256_gcm", "argon2id"),
        ("memdiver-1.0.2/api-encrypted-passphrase-xchacha20", "xchacha20_poly1305", "argon2id"),
        ("memdiver-1.0.2/api-encrypted-rawkey-aesgcm", "aes_256_gcm", "none"),
    ],
)
def test_real_encryption(name: str, algorithm: str, kdf: str) -> None:
    document = sample(f"{name}.msl")
    encryption = document["header"]["encryption"]
    assert "extension" not in document["header"]
    assert (encryption["enc_algo"], encryption["kdf_type"]) == (algorithm, kdf)
    assert (encryption["key_encap"], encryption["kem_ct_len"]) == ("none", 0)
    assert [encryption[key] for key in ("kdf_time", "kdf_memory", "kdf_lanes")] == [3, 65536, 4]
    # The tag stands behind the ciphertext; only the sealed file goes on behind it.
    behind = document["trailing"]["length"] - encryption["cipher_len"] - 16
    assert (behind > 0) == name.endswith("sealed-segment")
    assert behind >= 0
