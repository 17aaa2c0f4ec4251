"""Cores of FreeBSD and NetBSD on every processor: made by hand, from their public headers."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from foreign_files import PAGE, elf_core, note, page
from sampling import sampled
from test_import_made import imported, numbers_of

SEGMENT = [(0x10000, page(1), PAGE, 6)]

FREEBSD = {
    # e_machine, wide, order: words of struct reg, and where some registers stand in it.
    (3, False, "<"): (19, {"fs": 0, "ebp": 5, "ebx": 7, "eax": 10, "eip": 13, "esp": 16, "gs": 18}),
    (40, False, "<"): (17, {"r0": 0, "r12": 12, "sp": 13, "lr": 14, "pc": 15, "cpsr": 16}),
    (183, True, "<"): (34, {"x0": 0, "x30": 30, "sp": 31, "pc": 32}),
    (243, True, "<"): (33, {"ra": 0, "sp": 1, "tp": 3, "t6": 10, "fp": 11, "s11": 22, "a0": 23}),
    (21, True, ">"): (37, {"r0": 0, "r1": 1, "lr": 32, "cr": 33, "ctr": 35, "pc": 36}),
    (21, True, "<"): (37, {"r31": 31, "xer": 34, "pc": 36}),
    (20, False, ">"): (37, {"r1": 1, "lr": 32, "pc": 36}),
    (8, True, ">"): (40, {"r29": 29, "status": 32, "lo": 33, "hi": 34, "cause": 36, "pc": 37}),
}
NETBSD = {
    # The same, and the type of the note.
    (3, False, "<"): (
        16,
        33,
        {"eax": 0, "edx": 2, "esp": 4, "edi": 7, "eip": 8, "cs": 10, "gs": 15},
    ),
    (40, False, "<"): (17, 33, {"sp": 13, "lr": 14, "pc": 15}),
    (183, True, "<"): (35, 32, {"x30": 30, "sp": 31, "pc": 32, "cpsr": 33, "tpidr": 34}),
    (243, True, "<"): (32, 32, {"ra": 0, "sp": 1, "t6": 30, "pc": 31}),
    (20, False, ">"): (37, 33, {"r1": 1, "lr": 32, "pc": 36}),
    (8, False, ">"): (38, 33, {"r29": 29, "status": 32, "badvaddr": 35, "pc": 37}),
    (8, True, ">"): (38, 33, {"r29": 29, "pc": 37}),
}


def words(order: str, wide: bool, count: int) -> bytes:
    return struct.pack(f"{order}{count}{'Q' if wide else 'I'}", *range(0x10000, 0x10000 + count))


@sampled()
@pytest.mark.parametrize("machine", FREEBSD)
def test_threads_of_freebsd(machine: tuple[int, bool, str], tmp_path: Path) -> None:
    number, wide, order = machine
    count, places = FREEBSD[machine]
    size = "4xQQQ" if wide else "III"
    head = struct.pack(f"{order}i{size}iii{'4x' if wide else ''}", 1, 0, 0, 0, 1400000, 11, 100123)
    told = struct.pack(
        f"{order}i{'4xQ' if wide else 'I'}17s81s2xi", 1, 120, b"made", b"made by hand", 77
    )
    named = struct.pack(f"{order}20sI", b"worker", 0)
    notes = note(order, b"FreeBSD", 3, told)
    notes += note(order, b"FreeBSD", 1, head + words(order, wide, count))
    notes += note(order, b"FreeBSD", 7, named)
    with imported(elf_core(order, wide, number, notes, SEGMENT), tmp_path) as dump:
        assert (dump.header.record["os_type"].name, dump.header.record["pid"]) == ("freebsd", 77)
        (thread,) = dump.threads
        assert (thread["thread_id"], thread["thread_name"]) == (100123, "worker")
        values = numbers_of(thread)
        assert {name: values[name] - 0x10000 for name in places} == places
        roles = {name for one in thread["registers"] for name in one["flags"].names}
        assert {"pc", "sp"} <= roles


@sampled()
@pytest.mark.parametrize("machine", NETBSD)
def test_threads_of_netbsd(machine: tuple[int, bool, str], tmp_path: Path) -> None:
    number, wide, order = machine
    count, kind, places = NETBSD[machine]
    info = struct.pack(order + "IIII64xii", 1, 160, 11, 0, 4242, 7).ljust(0x7C, b"\0")
    notes = note(order, b"NetBSD-CORE", 1, info + b"made".ljust(36, b"\0"))
    vector = struct.pack(f"{order}4{'Q' if wide else 'I'}", 6, 4096, 0, 0)
    notes += note(order, b"NetBSD-CORE", 2, vector)
    notes += note(order, b"NetBSD-CORE@1", kind, words(order, wide, count))
    with imported(elf_core(order, wide, number, notes, SEGMENT), tmp_path) as dump:
        assert (dump.header.record["os_type"].name, dump.header.record["pid"]) == ("netbsd", 4242)
        (thread,) = dump.threads
        values = numbers_of(thread)
        assert {name: values[name] - 0x10000 for name in places} == places
        assert f"auxiliary={vector.hex()}" in dump.blocks[0].payload["note"]


def test_floats_of_netbsd_stand_elsewhere(tmp_path: Path) -> None:
    vectors = bytes(range(256)) * 2
    notes = note("<", b"NetBSD-CORE@5", 32, words("<", True, 35))
    notes += note("<", b"NetBSD-CORE@5", 34, vectors + struct.pack("<II", 0xC, 0x5))
    with imported(elf_core("<", True, 183, notes, SEGMENT), tmp_path) as dump:
        (thread,) = dump.threads
        values = {one["name"]: bytes(one["value"]) for one in thread["registers"]}
        assert values["v31"] == vectors[-16:]
        assert (values["fpcr"][0], values["fpsr"][0]) == (0xC, 5)


def test_what_freebsd_says_of_mappings(tmp_path: Path) -> None:
    rows = b""
    for start, offset, path in (
        (0x10000, 0, b"/bin/made"),
        (0x20000, 0x3000, b"/lib/a.so"),
        (0, 0, b""),
    ):
        name = path.ljust(len(path) // 8 * 8 + 8, b"\0")
        row = struct.pack("<ii3Q", 136 + len(name), 1, start, start + PAGE, offset)
        rows += row.ljust(136, b"\0") + name
    vector = struct.pack("<iQQQQ", 16, 3, 0x10040, 0, 0)
    head = struct.pack("<i4xQQQiii4x", 1, 0, 0, 0, 1400000, 11, 100123)
    notes = note("<", b"FreeBSD", 1, head + words("<", True, 34))
    notes += note("<", b"FreeBSD", 10, struct.pack("<i", 1160) + rows)
    notes += note("<", b"FreeBSD", 16, vector)
    data = elf_core("<", True, 183, notes, [(0x10000, page(1), PAGE, 5)])
    with imported(data, tmp_path) as dump:
        (identity,) = dump.blocks.of_type("process_identity")
        assert identity.payload["exe_path"] == "/bin/made"
        assert [(one["base_addr"], one["path"]) for one in dump.modules] == [(0x10000, "/bin/made")]
        (mapped,) = dump.blocks.of_type("vas_map")
        found = {one["base_addr"]: one["mapped_path"] for one in mapped.payload["entries"]}
        assert found == {0x10000: "/bin/made", 0x20000: "/lib/a.so"}


def test_mappings_of_freebsd_on_32_bits_are_named(tmp_path: Path) -> None:
    """They are not read; nobody may take them for not being there."""
    head = struct.pack("<iIIIiii", 1, 0, 0, 0, 1400000, 11, 100123)
    notes = note("<", b"FreeBSD", 1, head + words("<", False, 17))
    notes += note("<", b"FreeBSD", 10, struct.pack("<i", 1160))
    with imported(elf_core("<", False, 40, notes, SEGMENT), tmp_path) as dump:
        assert "FreeBSD:0xa*1" in dump.blocks[0].payload["note"]
