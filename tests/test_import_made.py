"""Cores and minidumps of every form, made by hand: what is in them is what was put there."""

from __future__ import annotations

import json
import logging
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from commands import PLACE, run
from foreign_files import PAGE, elf_core, macho_core, minidump, note, page, status

import msl_construct
from msl_construct import Dump

MACHINES = {
    # e_machine, 64 bits, byte order: the schema's name, number of words, places of pc and sp.
    (62, True, "<"): ("x86_64", 27, 16, 19),
    (3, False, "<"): ("x86", 17, 12, 15),
    (183, True, "<"): ("arm64", 34, 32, 31),
    (40, False, "<"): ("arm32", 18, 15, 13),
    (243, True, "<"): ("riscv64", 32, 0, 2),
    (243, False, "<"): ("riscv32", 32, 0, 2),
    (21, True, ">"): ("ppc64", 48, 32, 1),
    (21, True, "<"): ("ppc64", 48, 32, 1),
    (20, False, ">"): ("ppc32", 48, 32, 1),
    (22, True, ">"): ("s390x", 27, 1, 17),
    (8, False, ">"): ("mips32", 45, 40, 35),
    (8, True, ">"): ("mips64", 45, 34, 29),
    (258, True, "<"): ("loongarch64", 45, 33, 3),
}


def imported(data: bytes, folder: Path, *words: str, code: int = 0) -> Dump:
    source, made = folder / "source", folder / "made.msl"
    source.write_bytes(data)
    done = run("import", source, "-o", made, "--check", "--force", *words)
    assert done.returncode == code, done.stderr
    checked = run("check", made)
    assert checked.returncode == 0, checked.stdout
    return msl_construct.open(made)


@pytest.mark.parametrize("machine", MACHINES)
def test_threads_of_every_machine(machine: tuple[int, bool, str], tmp_path: Path) -> None:
    number, wide, order = machine
    name, words, counter, stack = MACHINES[machine]
    values = list(range(0x1000, 0x1000 + words))
    registers = struct.pack(f"{order}{words}{'Q' if wide else 'I'}", *values)
    info = struct.pack(
        order + ("BcBB4xQIIiiii16s80s" if wide else "BcBBIIIiiii16s80s"),
        *(0, b"R", 0, 0, 0, 1, 2, 4242, 7, 8, 9, b"made", b"made by hand"),
    )
    notes = note(order, b"CORE", 3, info) + status(order, wide, 4242, registers)
    notes += status(order, wide, 4243, registers)
    data = elf_core(order, wide, number, notes, [(0x10000, page(1) + page(2), 3 * PAGE, 5)])
    with imported(data, tmp_path) as dump:
        header = dump.header.record
        assert (header["arch_type"].name, header["pid"]) == (name, 4242)
        assert "imported" in header["flags"].names
        assert [one["thread_id"] for one in dump.threads] == [4242, 4243]
        for role, place in (("pc", counter), ("sp", stack)):
            (found,) = [one for one in dump.threads[0]["registers"] if role in one["flags"].names]
            assert int.from_bytes(bytes(found["value"]), "little") == values[place], role
        memory = dump.memory.read(0x10000, 3 * PAGE)
        assert bytes(memory.data) == page(1) + page(2)
        assert [run[2] for run in memory.runs] == ["captured", "failed"]
        (region,) = dump.regions
        assert set(region.protection.names) == {"read", "execute"}


def test_the_number_of_segments_may_stand_in_a_section(tmp_path: Path) -> None:
    segments = [(0x10000 * number, page(number), PAGE, 6) for number in range(1, 9)]
    data = elf_core("<", True, 62, note("<", b"CORE", 99, b"?"), segments, extended=True)
    with imported(data, tmp_path) as dump:
        for address, content, _, _ in segments:
            assert bytes(dump.memory.read(address, PAGE)) == content


def test_a_page_that_is_not_held_whole_is_failed_and_its_bytes_are_kept(tmp_path: Path) -> None:
    data = elf_core("<", True, 62, b"", [(0x10000, page(1) + page(2)[:1500], 2 * PAGE, 6)])
    with imported(data, tmp_path) as dump:
        (region,) = dump.regions
        assert region.page_size == 1024
        memory = dump.memory.read(0x10000, 2 * PAGE)
        assert memory.runs == (
            (0x10000, PAGE + 1024, "captured"),
            (0x10000 + PAGE + 1024, PAGE - 1024, "failed"),
        )
        kept = page(2)[1024:1500].hex()
        assert f"edge={0x10000 + PAGE + 1024:#x}:{kept}" in dump.blocks[0].payload["note"]


def test_a_core_that_was_cut_is_imported_and_said_to_be(tmp_path: Path) -> None:
    whole = elf_core("<", True, 62, b"", [(0x10000, page(1) + page(2), 2 * PAGE, 6)])
    with imported(whole[: -PAGE - 100], tmp_path, code=4) as dump:
        memory = dump.memory.read(0x10000, 2 * PAGE)
        assert bytes(memory.data) == page(1)[: PAGE - 1024]
        assert "fault=" in dump.blocks[0].payload["note"]


def test_memory64_and_what_windows_says_of_its_mappings(tmp_path: Path) -> None:
    system = struct.pack("<HHHBBIIIIIHH24s", 9, 0, 0, 1, 1, 10, 0, 19045, 2, 0, 0, 0, b"")
    rows = struct.pack("<QQQQ", 0x10000, 2 * PAGE, 0x7FF600000000, PAGE)
    info = struct.pack("<IIQ", 16, 48, 3)
    for base, size, state, rights, kind in (
        (0x10000, 3 * PAGE, 0x1000, 0x104, 0x20000),
        (0x20000, 16 * PAGE, 0x2000, 0, 0x20000),
        (0x7FF600000000, PAGE, 0x1000, 0x80, 0x1000000),
    ):
        info += struct.pack("<QQIIQIIII", base, base, 4, 0, size, state, rights, kind, 0)
    context = bytearray(1232)
    struct.pack_into("<I", context, 0x30, 0x10000B)
    struct.pack_into("<Q", context, 0x98, 0x10010)
    struct.pack_into("<Q", context, 0xF8, 0x7FF600000123)
    struct.pack_into("<Q", context, 0x78, 0x1122334455667788)
    context[0x100 + 160 : 0x100 + 176] = bytes(range(16))
    streams_size = 32 + 12 * 6
    sizes = [len(system), len(info), 4 + 48, 24, 16 + 32]
    at_context = streams_size + sum(sizes)
    at_memory = at_context + len(context)
    thread = struct.pack("<IIIIIQQIIII", 1, 77, 0, 0, 0, 0, 0, 0, 0, len(context), at_context)
    misc = struct.pack("<6I", 24, 3, 4711, 1_600_000_000, 0, 0)
    lists = struct.pack("<QQ", 2, at_memory) + rows
    data = minidump(
        [(7, system), (16, info), (3, thread), (15, misc), (9, lists), (0, b"")],
        tail=bytes(context) + page(1) + page(2) + page(3),
    )
    with imported(data, tmp_path) as dump:
        header = dump.header.record
        assert (header["os_type"].name, header["pid"]) == ("windows", 4711)
        assert header["timestamp"] == 1_700_000_000 * 10**9
        assert bytes(dump.memory.read(0x10000, 2 * PAGE)) == page(1) + page(2)
        assert bytes(dump.memory.read(0x7FF600000000, PAGE)) == page(3)
        runs = dump.memory.read(0x10000 + 2 * PAGE, PAGE).runs
        assert [run[2] for run in runs] == ["failed"]
        assert dump.memory.read(0x20000, PAGE).runs[0][2] == "absent"
        first, second = sorted(dump.regions, key=lambda one: one.base_addr)
        assert set(first.protection.names) == {"read", "write", "guard"}
        assert set(second.protection.names) == {"read", "write", "execute", "copy_on_write"}
        assert (first.region_type.name, second.region_type.name) == ("stack", "image")
        (thread_found,) = dump.threads
        values = {one["name"]: bytes(one["value"]) for one in thread_found["registers"]}
        assert values["rax"] == bytes.fromhex("8877665544332211")
        assert values["xmm0"] == bytes(range(16))


def test_a_macho_core(tmp_path: Path) -> None:
    state = struct.pack("<II21Q", 4, 42, *range(0x100, 0x115))
    segments = [(0x100000000, page(1), PAGE, 5), (0x7FFF00000000, page(2), 2 * PAGE, 3)]
    with imported(macho_core(segments, [state, state]), tmp_path) as dump:
        assert dump.header.record["os_type"].name == "macos"
        assert bytes(dump.memory.read(0x100000000, PAGE)) == page(1)
        assert [run[2] for run in dump.memory.read(0x7FFF00000000, 2 * PAGE).runs] == [
            "captured",
            "failed",
        ]
        values = {one["name"]: bytes(one["value"]) for one in dump.threads[0]["registers"]}
        assert int.from_bytes(values["rip"], "little") == 0x110
        assert int.from_bytes(values["rsp"], "little") == 0x107
        assert len(dump.threads) == 2


def test_raw_memory(tmp_path: Path) -> None:
    data = page(1) + page(2)
    with imported(data, tmp_path, "--format", "raw") as dump:
        assert dump.blocks[0].payload["source_format"].name == "raw_byte_stream"
        assert bytes(dump.memory.read(0, 2 * PAGE)) == data
    with imported(data + b"tail", tmp_path, "--format", "raw", "--base", "0x7f0000000000") as dump:
        assert bytes(dump.memory.read(0x7F0000000000, 2 * PAGE)) == data
        assert f"edge=0x7f0000002000:{b'tail'.hex()}" in dump.blocks[0].payload["note"]


def test_raw_memory_with_its_mappings(tmp_path: Path) -> None:
    maps = tmp_path / "maps"
    maps.write_text(
        "00400000-00401000 r-xp 00000000 fe:00 123    /usr/bin/made up\n"
        "00500000-00501000 ---p 00000000 00:00 0\n"
        "00600000-00601000 rw-p 00000000 00:00 0      [heap]\n"
    )
    words = ("--format", "raw", "--maps", str(maps), "--os", "linux", "--arch", "x86_64")
    with imported(page(1) + page(2), tmp_path, *words) as dump:
        assert bytes(dump.memory.read(0x600000, PAGE)) == page(2)
        assert dump.memory.read(0x500000, PAGE).runs[0][2] == "failed"
        assert [one["path"] for one in dump.modules] == ["/usr/bin/made up"]
    source = tmp_path / "source"
    source.write_bytes(page(1))
    done = run("import", source, "-o", tmp_path / "other.msl", *words)
    assert done.returncode == 3
    assert b"2 mappings that can be read have 8192" in done.stderr


def test_a_core_comes_back_from_its_dump(tmp_path: Path) -> None:
    words = struct.pack("<27Q", *range(0x2000, 0x2000 + 27))
    notes = status("<", True, 12, words)
    segments = [(0x10000, page(1), 2 * PAGE, 6), (0x40000, page(5), PAGE, 5)]
    data = elf_core("<", True, 62, notes, segments)
    with imported(data, tmp_path):
        pass
    core = tmp_path / "again.core"
    done = run("export", tmp_path / "made.msl", "--to", "elf-core", "-o", core)
    assert done.returncode == 0, done.stderr
    holes = json.loads(Path(f"{core}.holes.json").read_text())["holes"]
    assert [(one["address"], one["length"], one["state"]) for one in holes] == [
        ("0x11000", PAGE, "failed")
    ]
    with imported(core.read_bytes(), tmp_path) as dump:
        assert bytes(dump.memory.read(0x10000, PAGE)) == page(1)
        assert bytes(dump.memory.read(0x40000, PAGE)) == page(5)
        values = [
            int.from_bytes(bytes(one["value"]), "little") for one in dump.threads[0]["registers"]
        ]
        assert sorted(values) == list(range(0x2000, 0x2000 + 27))


def test_raw_memory_comes_back_with_its_states(tmp_path: Path) -> None:
    segments = [(0x10000, page(1), 2 * PAGE, 6), (0x40000, page(5), PAGE, 5)]
    with imported(elf_core("<", True, 62, b"", segments), tmp_path):
        pass
    raw = tmp_path / "out.raw"
    done = run("export", tmp_path / "made.msl", "--to", "raw", "-o", raw)
    assert done.returncode == 0, done.stderr
    assert raw.read_bytes() == page(1) + page(5)
    words = ("--format", "raw", "--states", f"{raw}.states.json", "--maps", f"{raw}.maps")
    with imported(raw.read_bytes(), tmp_path, *words) as dump:
        memory = dump.memory.read(0x10000, 2 * PAGE)
        assert [one[2] for one in memory.runs] == ["captured", "failed"]
        assert bytes(dump.memory.read(0x40000, PAGE)) == page(5)
        rights = {one.base_addr: set(one.protection.names) for one in dump.regions}
        assert rights == {0x10000: {"read", "write"}, 0x40000: {"read", "execute"}}


@pytest.mark.parametrize(
    "machine", [(62, True, "<"), (3, False, "<"), (183, True, "<"), (40, False, "<")]
)
def test_a_minidump_comes_back(machine: tuple[int, bool, str], tmp_path: Path) -> None:
    """Memory, threads with their general registers; and another parser reads it, too."""
    number, wide, order = machine
    words = MACHINES[machine][1]
    registers = struct.pack(f"{order}{words}{'Q' if wide else 'I'}", *range(0x1000, 0x1000 + words))
    segments = [(0x10000, page(1), 2 * PAGE, 6), (0x40000, page(5), PAGE, 5)]
    data = elf_core(order, wide, number, status(order, wide, 12, registers), segments)
    with imported(data, tmp_path) as dump:
        before = {one["name"]: bytes(one["value"]) for one in dump.threads[0]["registers"]}
    out = tmp_path / "out.dmp"
    done = run("export", tmp_path / "made.msl", "--to", "minidump", "-o", out)
    assert done.returncode == 0, done.stderr
    with imported(out.read_bytes(), tmp_path) as dump:
        assert bytes(dump.memory.read(0x10000, PAGE)) == page(1)
        assert [one[2] for one in dump.memory.read(0x11000, PAGE).runs] == ["failed"]
        assert bytes(dump.memory.read(0x40000, PAGE)) == page(5)
        after = {one["name"]: bytes(one["value"]) for one in dump.threads[0]["registers"]}
    kept = before.keys() & after.keys()
    assert len(kept) > 14
    assert {name: after[name][:2] for name in kept} == {name: before[name][:2] for name in kept}
    if number == 183:
        return  # the other parser does not know this processor
    parsers = pytest.importorskip("minidump.minidumpfile")
    logging.disable(logging.CRITICAL)
    try:
        theirs = parsers.MinidumpFile.parse_bytes(out.read_bytes())
    finally:
        logging.disable(logging.NOTSET)
    assert [one.ThreadId for one in theirs.threads.threads] == [12]
    ranges = {
        one.start_virtual_address: out.read_bytes()[one.start_file_address :][: one.size]
        for one in theirs.memory_segments_64.memory_segments
    }
    assert ranges == {0x10000: page(1), 0x40000: page(5)}


def test_a_segment_that_claims_the_whole_address_space(tmp_path: Path) -> None:
    """What it does not hold takes no room, and is Failed all the same."""
    top = (1 << 64) - PAGE
    segments = [(PAGE, page(1), top - PAGE, 6), (0x7F0000000000, page(2), PAGE, 6)]
    with imported(elf_core("<", True, 62, b"", segments), tmp_path, code=4) as dump:
        assert (tmp_path / "made.msl").stat().st_size < 8 << 20
        assert bytes(dump.memory.read(PAGE, PAGE)) == page(1)
        for address in (2 * PAGE, 1 << 45, 1 << 62, top - PAGE):
            assert [one[2] for one in dump.memory.read(address, PAGE).runs] == ["failed"]
        assert bytes(dump.memory.read(0x7F0000000000, PAGE)) == page(2)


FLOATS = {
    # e_machine, 64 bits, byte order: notes beyond the general registers, by type and bytes.
    (62, True, "<"): {2: 512},
    (3, False, "<"): {0x46E62B7F: 512},
    (183, True, "<"): {2: 528, 0x401: 8, 0x406: 16},
    (40, False, "<"): {0x400: 260},
    (243, True, "<"): {2: 264},
    (243, False, "<"): {2: 264},
    (21, True, ">"): {2: 264, 0x100: 544, 0x102: 256},
    (22, True, ">"): {2: 136, 0x309: 128, 0x30A: 256},
    (8, True, ">"): {2: 264},
    (258, True, "<"): {2: 272},
}


@pytest.mark.parametrize("machine", FLOATS)
def test_vector_registers_go_in_and_out_again(
    machine: tuple[int, bool, str], tmp_path: Path
) -> None:
    """What is exported is, note by note, what was imported: as far as it is registers."""
    number, wide, order = machine
    words = MACHINES[machine][1]
    registers = struct.pack(f"{order}{words}{'Q' if wide else 'I'}", *range(0x1000, 0x1000 + words))
    notes, contents = status(order, wide, 12, registers), {}
    for kind, size in FLOATS[machine].items():
        contents[kind] = bytes((kind + at * 7) % 251 for at in range(size))
        notes += note(order, b"CORE" if kind == 2 else b"LINUX", kind, contents[kind])
    data = elf_core(order, wide, number, notes, [(0x10000, page(1), PAGE, 6)])
    with imported(data, tmp_path) as dump:
        before = {one["name"]: bytes(one["value"]) for one in dump.threads[0]["registers"]}
    core = tmp_path / "again.core"
    assert run("export", tmp_path / "made.msl", "--to", "elf-core", "-o", core).returncode == 0
    assert core.read_bytes()[5] == (1 if order == "<" else 2), "the order of the process"
    with imported(core.read_bytes(), tmp_path) as dump:
        after = {one["name"]: bytes(one["value"]) for one in dump.threads[0]["registers"]}
    assert before == after
    assert len(before) > words - 20 + len(contents)


def numbers_of(thread: Mapping[str, Any]) -> dict[str, int]:
    """The registers of a thread as numbers."""
    return {
        one["name"]: int.from_bytes(bytes(one["value"]), "little") for one in thread["registers"]
    }


def test_threads_of_netbsd_and_freebsd(tmp_path: Path) -> None:
    segment = [(0x10000, page(1), PAGE, 6)]
    info = struct.pack("<IIII64xii", 1, 160, 11, 0, 4242, 7).ljust(0x7C, b"\0") + b"made".ljust(
        36, b"\0"
    )
    net = note("<", b"NetBSD-CORE", 1, info)
    for thread in (1, 2):
        net += note("<", f"NetBSD-CORE@{thread}".encode(), 33, struct.pack("<26Q", *range(26)))
    with imported(elf_core("<", True, 62, net, segment), tmp_path) as dump:
        assert (dump.header.record["os_type"].name, dump.header.record["pid"]) == ("netbsd", 4242)
        assert [one["thread_id"] for one in dump.threads] == [1, 2]
        values = numbers_of(dump.threads[0])
        assert (values["rdi"], values["rip"], values["rsp"]) == (0, 21, 24)
    registers = struct.pack("<15QIHHIHH5Q", *range(15), 0, 1, 2, 0, 3, 4, 20, 21, 22, 23, 24)
    head = struct.pack("<i4xQQQiii4x", 1, 224, 176, 512, 1300000, 11, 100123)
    told = struct.pack("<i4xQ17s81s2xi", 1, 120, b"made", b"made by hand", 77)
    free = note("<", b"FreeBSD", 3, told) + note("<", b"FreeBSD", 1, head + registers)
    with imported(elf_core("<", True, 62, free, segment), tmp_path) as dump:
        assert (dump.header.record["os_type"].name, dump.header.record["pid"]) == ("freebsd", 77)
        (thread,) = dump.threads
        assert thread["thread_id"] == 100123
        values = {
            one["name"]: int.from_bytes(bytes(one["value"]), "little")
            for one in thread["registers"]
        }
        assert (values["r15"], values["rip"], values["rsp"], values["fs"]) == (0, 20, 23, 1)


def test_a_core_comes_through_a_pipe(tmp_path: Path) -> None:
    made = tmp_path / "made.msl"
    data = elf_core("<", True, 62, b"", [(0x10000, page(1), PAGE, 6)])
    done = run("import", "-", "-o", made, "--check", data=data)
    assert done.returncode == 0, done.stderr
    with msl_construct.open(made) as dump:
        assert bytes(dump.memory.read(0x10000, PAGE)) == page(1)


@pytest.mark.parametrize("size", [0, PAGE])
def test_bytes_of_a_segment_beyond_its_memory_are_told(size: int, tmp_path: Path) -> None:
    core, out = tmp_path / "core", tmp_path / "made.msl"
    rest = (4 * PAGE, page(3), PAGE, 6)
    core.write_bytes(elf_core("<", True, 62, b"", [(PAGE, page(1) + page(2), size, 6), rest]))
    done = run("import", core, "-o", out)
    assert done.returncode == 4
    assert f"8192 bytes of memory that has {size}".encode() in done.stderr


def test_what_an_image_keeps_and_nobody_reads_is_said(tmp_path: Path) -> None:
    """Tiles in use: the vectors are read, and the tiles are named."""
    image = bytearray(11008)
    struct.pack_into("<Q", image, 464, 0x602E7)
    struct.pack_into("<Q", image, 512, 0x402E7)
    notes = status("<", True, 7, struct.pack("<27Q", *range(0x1000, 0x101B)))
    notes += note("<", b"LINUX", 0x202, bytes(image))
    data = elf_core("<", True, 62, notes, [(0x10000, page(1), PAGE, 5)])
    with imported(data, tmp_path) as dump:
        assert "zmm31" in {one["name"] for one in dump.threads[0]["registers"]}
        assert (
            "registers_left_out=features 0x40000 of XSAVE (AMX tiles)"
            in dump.blocks[0].payload["note"]
        )


def test_a_byte_order_that_the_processor_has_not_is_said(tmp_path: Path) -> None:
    notes = status(">", True, 7, struct.pack(">27Q", *range(0x1000, 0x101B)))
    data = elf_core(">", True, 62, notes, [(0x10000, page(1), PAGE, 5)])
    words = "big-endian, and of x86_64, which is little-endian"
    with imported(data, tmp_path, code=4) as dump:
        assert f"fault=e_ident and e_machine: {words}" in dump.blocks[0].payload["note"]
    out = tmp_path / "out.core"
    done = run("export", tmp_path / "made.msl", "--to", "elf-core", "-o", out)
    assert done.returncode == 0
    assert words.encode() in done.stderr
    assert out.read_bytes()[5] == 1
    assert struct.unpack_from("<H", out.read_bytes(), 18) == (62,)


def test_how_a_dumps_own_numbers_stand_is_no_byte_order_of_its_process(tmp_path: Path) -> None:
    out = tmp_path / "out.core"
    sample = PLACE / "samples" / "live-be.msl"
    assert run("export", sample, "--to", "elf-core", "-o", out).returncode == 0
    assert out.read_bytes()[5] == 1


def test_scalable_vectors_that_are_too_wide_are_said(tmp_path: Path) -> None:
    head = struct.pack("<IIHHHH", 16 + 34 * 256, 16 + 34 * 256, 256, 256, 1, 0)
    notes = status("<", True, 7, struct.pack("<34Q", *range(0x1000, 0x1022)))
    notes += note("<", b"LINUX", 0x405, head + bytes(34 * 256))
    data = elf_core("<", True, 183, notes, [(0x10000, page(1), PAGE, 5)])
    with imported(data, tmp_path) as dump:
        assert "z0" not in {one["name"] for one in dump.threads[0]["registers"]}
        assert "registers_left_out=z registers of 256 bytes" in dump.blocks[0].payload["note"]
