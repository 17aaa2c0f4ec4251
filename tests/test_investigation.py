"""Tables of the machine: what is stored beside what it means."""

from __future__ import annotations

import csv
import io
import json
import struct
from pathlib import Path
from typing import Any

import pytest
from commands import run
from independent import wire_dialects as vendor
from independent import wire_tables as tables
from independent.specimens import LE11, finish, start

import msl_construct
from msl_construct.document.csv_cells import cell
from msl_construct.document.tables import INVESTIGATED, TABLES, table_columns

BOOT = 1_773_500_000_000_000_000
PID = 4242
NAMES = [name for name, table in TABLES.items() if INVESTIGATED.issuperset(table.types or {"-"})]
ROWS = {  # of each producer's file
    "draft": (0, 2, 2, 2, 4, 0, 0, 0, 0, 2, 2, 2),
    "memslicer": (1, 2, 2, 2, 4, 3, 2, 1, 3, 2, 2, 2),
    "memdiver": (1, 2, 2, 2, 2, 0, 0, 0, 0, 2, 2, 2),
}


def one(*blocks: tuple[int, bytes], os_type: int = 1, **options: Any) -> bytes:
    """A file of some blocks."""
    builder = start(LE11, pid=PID, os_type=os_type)
    for block_type, body in blocks:
        builder.add(block_type, body, **options)
    return finish(builder, LE11)


def context(aligned: bool = False) -> tuple[int, bytes]:
    return (vendor.SYSTEM_CONTEXT, vendor.system_context("<", aligned=aligned, boot_time=BOOT))


def by_memslicer() -> list[tuple[int, bytes]]:
    """What tells memslicer."""
    facts = vendor.counted_rows("<", [vendor.tagged("<", 1, struct.pack("<I", 4096))])
    return [context(), (vendor.KERNEL_SYMBOL_BUNDLE, facts)]


def common() -> list[tuple[int, bytes]]:
    found = tables.typical_tables("<")
    return [found[name] for name in ("processes", "connections", "handles")]


def manifests() -> list[tuple[int, bytes]]:
    found = tables.typical_tables("<")
    return [found[name] for name in ("physical", "build-ids", "omissions")]


def file_of(producer: str, **options: Any) -> bytes:
    """An investigation as a producer writes it."""
    blocks = common() if producer == "draft" else [context(producer == "memdiver"), *common()]
    if producer == "memdiver":
        iface = vendor.with_nul("<", "eth0")
        route = iface + bytes(4) + b"\x0a\0\0\1" + bytes(4) + struct.pack("<HII", 3, 100, 1500)
        counter = vendor.with_nul("<", "Ip") + vendor.with_nul("<", "InReceives")
        rows = [
            tables.connectivity_row("<", tables.IPV4_ROUTE, route),
            tables.connectivity_row("<", tables.MIB_COUNTER, counter + struct.pack("<Q", 99)),
        ]
        blocks.append((vendor.MEMDIVER_CONNECTIVITY_TABLE, tables.table("<", rows)))
    else:
        blocks.append(tables.typical_tables("<")["connectivity"])
    if producer == "memslicer":
        facts = [
            vendor.tagged("<", 1, struct.pack("<I", 4096)),
            vendor.tagged("<", 2, bytes(range(20))),
            vendor.tagged("<", 0x0B, struct.pack("<Q", BOOT + 5)),
        ]
        blocks.append((vendor.KERNEL_SYMBOL_BUNDLE, vendor.counted_rows("<", facts)))
        started = vendor.counted_rows("<", [vendor.persistence_row("<")])
        blocks.append((vendor.PERSISTENCE_MANIFEST, started))
        hidden = vendor.kernel_module_row("<", name="rootkit", base=0, flags=1)
        modules = vendor.counted_rows("<", [vendor.kernel_module_row("<"), hidden])
        blocks.append((vendor.KERNEL_MODULE_LIST, modules))
        said = [
            vendor.tagged("<", 0x11, b"\2"),
            vendor.tagged("<", 0x1F, b"A=B\0C=D\0"),
            vendor.tagged("<", 7, struct.pack("<Q", 100)),
        ]
        blocks.append((vendor.TARGET_INTROSPECTION, vendor.introspection("<", said)))
    return one(*blocks, *manifests(), **options)


def shown(data: bytes, name: str, *words: str) -> list[dict[str, Any]]:
    done = run("inspect", "-", "--json", "--show", name, *words, data=data)
    rows: list[dict[str, Any]] = json.loads(done.stdout)[name]
    return rows


@pytest.mark.parametrize(
    ("producer", "codec"), [("draft", None), ("memslicer", "zstd"), ("memdiver", "lz4")]
)
def test_every_table_from_a_file_and_from_a_pipe(
    producer: str, codec: str | None, tmp_path: Path
) -> None:
    data = file_of(producer, compression=codec) if codec else file_of(producer)
    path = tmp_path / "-"
    path.write_bytes(data)
    schema = msl_construct.open(path).schema
    for name, count in zip(NAMES, ROWS[producer]):
        rows = json.loads(run("inspect", path, "--json", "--show", name).stdout)[name]
        text = run("inspect", "-", "--csv", "--show", name, data=data).stdout.decode()
        cells = list(csv.DictReader(io.StringIO(text)))
        assert len(rows) == len(cells) == count, name
        for row, piped in zip(rows, cells):
            assert list(row) == list(piped) == table_columns(name, schema)
            for key, value in row.items():
                assert piped[key] == ("" if value is None else str(cell(value))), key
    trees = [run("inspect", where, data=data).stdout.decode() for where in (path, "-")]
    assert trees[0].splitlines()[1:] == trees[1].splitlines()[1:]


def test_the_machine_and_the_case() -> None:
    for aligned in (False, True):
        (row,) = shown(one(context(aligned)), "system")
        assert row["boot_time"] == str(BOOT)
        assert row["boot_time_utc"] == "2026-03-14T14:53:20.000000000Z"
        assert [row[key] for key in ("hostname", "acq_user", "case_ref")] == [
            "host1", "examiner", "CASE-7",
        ]  # fmt: skip
        assert row["table_bitmap"] == ["process_table", "connection_table", "handle_table"]


def test_ticks_are_no_dates() -> None:
    rows = tables.table(
        "<",
        [
            tables.process_row("<", start_time=250),
            tables.process_row("<", pid=1, is_target=0, start_time=BOOT + 1),
            tables.process_row("<", pid=2, is_target=0, start_time=0),
        ],
    )
    table = (tables.PROCESS_TABLE, rows)
    found = shown(one(context(), table), "processes")
    assert [(r["start_time"], r["start_time_unit"], r["start_time_utc"]) for r in found] == [
        ("250", "ticks", "2026-03-14T14:53:22.500000000Z"),
        (str(BOOT + 1), "ns", "2026-03-14T14:53:20.000000001Z"),
        ("0", None, None),
    ]
    (row, *_) = shown(one(table), "processes")  # nobody says when the machine was started
    assert (row["start_time_unit"], row["start_time_utc"]) == ("ticks", None)


def connections(*rows: bytes, **options: Any) -> list[dict[str, Any]]:
    blocks = [(tables.CONNECTION_TABLE, tables.table("<", rows))]
    return shown(one(*options.pop("before", []), *blocks, **options), "connections")


def pair(local: bytes, remote: bytes, **fields: Any) -> bytes:
    wide = {
        "local_addr": local + bytes(16 - len(local)),
        "remote_addr": remote + bytes(16 - len(remote)),
    }
    return tables.connection_row("<", **wide, **fields)


def test_addresses_as_people_write_them_beside_the_stored_bytes() -> None:
    loopback = bytes(15) + b"\1"
    mapped = bytes(10) + b"\xff\xff\x0a\0\0\2"
    rows = connections(
        pair(b"\x7f\0\0\1", b"\x0a\0\0\1"),
        pair(loopback, mapped, family=10, local_port=80, remote_port=65535, state=10),
        pair(b"", b"", family=1, protocol=0, state=0),
        pair(b"\x7f\0\0\1", b"", protocol=17, state=7, remote_port=0),
        pair(b"", b"", family=77, protocol=132, state=200),
    )
    assert [(r["local"], r["remote"], r["protocol"], r["state_name"]) for r in rows] == [
        ("127.0.0.1:443", "10.0.0.1:55555", "tcp", "established"),
        ("[::1]:80", "[::ffff:10.0.0.2]:65535", "tcp", "listen"),
        (None, None, "0x00", None),
        ("127.0.0.1:443", "0.0.0.0:0", "udp", "unconnected"),
        (None, None, "sctp", None),
    ]
    assert [r["family"] for r in rows] == ["ipv4", "ipv6", "unix", "ipv4", "0x4d"]
    assert rows[0]["local_addr"] == "7f000001" + "00" * 12
    assert (rows[0]["local_port"], rows[0]["remote_port"]) == (443, 55555)


def order(*rows: bytes, **options: Any) -> set[str | None]:
    return {row["ipv4_order"] for row in connections(*rows, **options)}


LOOPBACK_TURNED = pair(b"\1\0\0\x7f", b"\1\0\0\x7f")
PUBLIC = pair(b"\x08\x08\x04\x04", b"\x5d\xb8\xd8\x22")
PRIVATE = pair(b"\x0a\0\0\5", b"\xc0\xa8\0\1")


def test_addresses_that_memslicer_turned_are_turned_back() -> None:
    (row, *_) = connections(LOOPBACK_TURNED, PUBLIC, before=by_memslicer())
    assert (row["local"], row["local_addr"][:8]) == ("127.0.0.1:443", "0100007f")
    assert order(LOOPBACK_TURNED, before=by_memslicer()) == {"reversed"}
    assert order(PUBLIC, before=by_memslicer()) == {"reversed"}  # nothing contradicts the producer
    assert order(PRIVATE, PUBLIC, before=by_memslicer()) == {"network"}  # what its API was given
    assert order(PUBLIC, before=by_memslicer(), os_type=0) == {"network"}  # on Windows it does not
    assert order(LOOPBACK_TURNED, PUBLIC) == {"reversed"}  # whoever wrote it
    assert order(PUBLIC) == order(PRIVATE) == order(LOOPBACK_TURNED, PRIVATE) == {"network"}


def test_the_targets_own_rows_are_marked() -> None:
    processes = [
        tables.process_row("<", pid=pid, is_target=int(pid == 7)) for pid in (1, 7, PID)
    ]  # several processes were captured together
    handles = [tables.handle_row("<", pid=pid) for pid in (1, 7, PID, 0)]
    data = one(
        (tables.HANDLE_TABLE, tables.table("<", handles)),
        (tables.PROCESS_TABLE, tables.table("<", processes)),
    )
    assert [row["is_target"] for row in shown(data, "processes")] == [0, 1, 1]
    assert [row["is_target"] for row in shown(data, "handles")] == [0, 1, 1, 0]


def test_handle_types_are_named_after_their_producer() -> None:
    rows = [tables.handle_row("<", handle_type=code) for code in (0, 3, 4, 5, 6, 7, 255)]
    table = (tables.HANDLE_TABLE, tables.table("<", rows))
    names = {
        None: ["unknown", "socket", "pipe", "0x0005", "0x0006", "0x0007", "0x00ff"],
        False: ["unknown", "socket", "pipe", "device", "registry", "0x07", "other"],
        True: ["unknown", "socket", "pipe", "mutex", "timer", "other", "0x00ff"],
    }
    for aligned, expected in names.items():
        told = [context(True)] if aligned else by_memslicer()
        blocks = [table] if aligned is None else [*told, table]
        found = shown(one(*blocks), "handles")
        assert [row["handle_type"] for row in found] == expected
        assert [row["handle_code"] for row in found] == [0, 3, 4, 5, 6, 7, 255]


def test_rows_of_connectivity() -> None:
    bodies = tables.connectivity_bodies("<")
    rows = [tables.connectivity_row("<", kind, body) for kind, body in bodies.items()]
    odd = tables.ipv4_route("<", mask=b"\xff\0\xff\0", dest=b"\x0a\0\0\0")
    rows += [
        tables.connectivity_row("<", tables.IPV4_ROUTE, odd),
        tables.connectivity_row("<", 200, b"\1\2\3"),
        tables.connectivity_row("<", 200, bytes(300)),
    ]
    data = one((tables.CONNECTIVITY_TABLE, tables.table("<", rows)))
    found = shown(data, "connectivity")
    kinds = dict(zip(bodies, found))
    assert kinds[tables.ARP]["hardware"].count(":") == 5
    assert kinds[tables.ARP]["hw_addr"] == kinds[tables.ARP]["hardware"].replace(":", "")
    assert kinds[tables.IPV4_ROUTE]["address"].count("/") == 1
    assert "up" in kinds[tables.IPV4_ROUTE]["flag_names"]
    assert kinds[tables.SOCKET_FAMILY]["family"] == "ipv4"
    assert found[-3]["address"] == "10.0.0.0/255.0.255.0"
    assert (found[-2]["row_type"], found[-2]["raw"]) == ("0xc8", "010203")
    assert found[-1]["raw"]["length"] == 300
    turned = one(*by_memslicer(), (tables.CONNECTIVITY_TABLE, tables.table("<", rows[5:6])))
    assert shown(turned, "connectivity")[0]["family"] == "tcp"  # memslicer's section of sockstat


def test_facts_of_the_kernel_and_the_target_in_words() -> None:
    data = file_of("memslicer")
    assert [(r["fact"], r["value"], r["text"]) for r in shown(data, "kernel")] == [
        ("page_size", 4096, None),
        ("kernel_build_id", bytes(range(20)).hex(), None),
        ("clock_realtime", str(BOOT + 5), "2026-03-14T14:53:20.000000005Z"),
    ]
    assert [(r["fact"], r["value"], r["text"]) for r in shown(data, "introspection")] == [
        ("seccomp_mode", 2, "filter"),
        ("environ", b"A=B\0C=D\0".hex(), "A=B\nC=D"),
        ("smaps_pss_kib", 100, "100 KiB"),
    ]
    (row,) = shown(data, "persistence")
    assert (row["found_in"], row["mode"], row["mode_text"]) == (
        "systemd_system", 0o100644, "-rw-r--r--",
    )  # fmt: skip
    assert row["modified_utc"] == "2026-03-14T14:53:20.000000000Z"
    assert [(r["name"], r["seen_in"], r["state_name"]) for r in shown(data, "kernel_modules")] == [
        ("ext4", "proc and sysfs", "live"),
        ("rootkit", "proc alone", "live"),
    ]


def test_manifests() -> None:
    data = one(*manifests(), (tables.REGION_OMISSION_MANIFEST, nothing_left_out()))
    first, second = shown(data, "build_ids")
    assert (first["build_id"], first["build_id_source"]) == (bytes(range(20)).hex(), "bridge")
    assert (second["build_id"], second["stored_build_id"]) == (None, "00" * 20)
    omitted = shown(data, "omissions")
    assert [(r["reason"], r["name"]) for r in omitted] == [
        ("module_exclude", "/usr/lib/libc.so.6"),
        ("scope", None),
        (None, None),
    ]
    assert omitted[0]["patterns"] == ["libc*", "*/x"]
    assert [row["scope"] for row in omitted] == ["heap,stack", "heap,stack", "all"]
    assert shown(data, "physical")[0]["size"] == 0x9_FC00


def nothing_left_out() -> bytes:
    return tables.region_omission_manifest("<", scope="all", patterns=None)


def test_a_table_that_breaks_off_shows_what_could_be_read() -> None:
    rows = [tables.process_row("<", pid=pid) for pid in (1, 2)]
    data = one((tables.PROCESS_TABLE, tables.table("<", rows, count=5)))
    assert [row["pid"] for row in shown(data, "processes")] == [1, 2]


def test_build_ids_of_a_segment_are_in_the_table() -> None:
    builder = start(LE11, pid=PID)
    finish(builder, LE11)
    builder.add(*tables.typical_tables("<")["build-ids"])
    builder.end_segment()
    assert len(shown(builder.data(), "build_ids")) == 2


def test_the_tree_shows_the_targets_rows_and_says_how_many_there_are() -> None:
    handles = [tables.handle_row("<", pid=PID if n < 10 else 1, fd=n) for n in range(300)]
    blocks = [context(), *common()[:2], (tables.HANDLE_TABLE, tables.table("<", handles))]
    tree = run("inspect", "-", data=one(*blocks)).stdout.decode()
    assert "handles   300 handles, 10 of the target (--show handles)" in tree
    assert tree.count("fd ") == 8
    assert "127.0.0.1:443" in tree
    assert "CASE-7" in tree
    assert "others" not in tree


def test_a_terminal_is_not_spoken_to_by_what_a_machine_is_called() -> None:
    evil = "\x1b[2Jx\u202e"
    body = vendor.system_context("<", aligned=False, hostname=evil, case_ref=evil)
    process = tables.process_row("<", cmd=evil, user=evil)
    handle = tables.handle_row("<", path=evil)
    data = one(
        (vendor.SYSTEM_CONTEXT, body),
        (tables.PROCESS_TABLE, tables.table("<", [process])),
        (tables.HANDLE_TABLE, tables.table("<", [handle])),
    )
    out = run("inspect", "-", data=data).stdout.decode()
    assert out.count("\\x1b") == 5
    assert "\x1b" not in out
    assert "\u202e" not in out


def test_a_name_that_is_no_utf_8_is_shown_as_far_as_it_is() -> None:
    odd = vendor.system_context("<", aligned=False, hostname=b"h\xffst\0", case_ref=b"C\xfe\0")
    data = one((context()[0], odd))
    dialect = ("--dialect", "memslicer-0.5")
    done = run("inspect", "-", *dialect, data=data)
    assert done.returncode == 0, done.stderr
    assert "system    h\ufffdst" in done.stdout.decode()
    assert "case      C\ufffd" in done.stdout.decode()
    (row,) = shown(data, "system", *dialect)
    assert row["hostname"]["raw"].startswith("68ff737400")
