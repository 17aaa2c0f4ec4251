"""Programs' files out of memory: what a segment brought there is there again, the rest is named."""

from __future__ import annotations

import json
import random
import shutil
import struct
import subprocess
from pathlib import Path
from typing import Any

import pytest
from commands import run
from independent import wire
from independent.specimens import LE11, finish, start

PAGE = 4096
BASE = 0x7F12_3456_0000


def dump(folder: Path, pieces: dict[int, tuple[list[int], bytes]], size: int) -> Path:
    """A module of so many bytes; regions by their offset in it, states and captured bytes."""
    builder = start(LE11)
    for offset, (states, data) in sorted(pieces.items()):
        payload = wire.memory_region(
            "<", states, base_addr=BASE + offset, region_type=3, page_data=data
        )
        builder.add(wire.MEMORY_REGION, payload)
    entry = wire.module_entry("<", base_addr=BASE, module_size=size, path="/usr/bin/thing")
    builder.add(wire.MODULE_ENTRY, entry)
    path = folder / "made.msl"
    path.write_bytes(finish(builder, LE11))
    return path


def rebuilt(path: Path, *words: str, code: int) -> tuple[bytes, dict[str, Any]]:
    folder = path.with_name("out")
    done = run("extract", path, "-o", folder, *(words or ("--module", "thing", "--as-file")))
    assert done.returncode == code, done.stderr
    (row,) = json.loads((folder / "manifest.json").read_text())["parts"]
    return (folder / row["file"]).read_bytes(), row


def mapped(program: bytes) -> tuple[dict[int, tuple[list[int], bytes]], int, list[Any]]:
    """What a loader makes of an ELF file of 64 bits: pages of segments, zeros behind them."""
    table, each, count = (
        *struct.unpack_from("<Q", program, 32),
        *struct.unpack_from("<HH", program, 54),
    )
    memory: dict[int, bytearray] = {}
    loads = []
    for number in range(count):
        kind, _, offset, address, _, filled, size = struct.unpack_from(
            "<IIQQQQQ", program, table + number * each
        )
        if kind != 1:
            continue
        loads.append((offset, filled, address))
        first = address // PAGE * PAGE
        behind = -(-(address + size) // PAGE) * PAGE
        for page in range(first, behind, PAGE):
            memory.setdefault(page, bytearray(PAGE))
        for at in range(filled):
            page = (address + at) // PAGE * PAGE
            memory[page][(address + at) % PAGE] = program[offset + at]
    pieces = {page: ([0], bytes(data)) for page, data in memory.items()}
    return pieces, max(memory) + PAGE, loads


@pytest.fixture(scope="module")
def program() -> bytes:
    path = shutil.which("true")
    data = Path(path).read_bytes() if path else b""
    if data[:7] != b"\x7fELF\x02\x01\x01" or data[16:18] != b"\x03\x00":
        pytest.skip("needs /bin/true as a position independent ELF of 64 bits")
    return data


def test_segments_are_where_the_file_has_them(tmp_path: Path, program: bytes) -> None:
    pieces, size, loads = mapped(program)
    data, row = rebuilt(dump(tmp_path, pieces, size), code=4)
    for offset, filled, _ in loads:
        for at in range(offset, offset + filled):
            assert data[at] == program[at] or at in range(40, 64), at
    assert row["format"] == "elf"
    assert row["file"] == f"{BASE:016x}-thing.elf"
    assert [one[:2] for one in row["segments"]] == [list(one[:2]) for one in sorted(loads)]
    assert row["left_out"] == [f"section headers at {struct.unpack_from('<Q', program, 40)[0]:#x}"]
    assert row["altered"] == ["e_shoff", "e_shnum", "e_shstrndx"]
    assert all(state == "not_mapped" for _, _, state, _ in row["missing"])
    assert sum(length for _, length, _ in row["runs"]) == row["size"] == len(data)


def test_addresses_that_the_loader_put_into_the_dynamic_section_are_those_of_the_file(
    tmp_path: Path, program: bytes
) -> None:
    pieces, size, loads = mapped(program)
    table, count = *struct.unpack_from("<Q", program, 32), *struct.unpack_from("<H", program, 56)
    heads = (struct.unpack_from("<IIQQQQ", program, table + 56 * n) for n in range(count))
    offset, address, filled = next(
        (offset, address, filled) for kind, _, offset, address, _, filled in heads if kind == 2
    )
    added = 0
    for at in range(0, filled, 16):
        tag, value = struct.unpack_from("<QQ", program, offset + at)
        page, place = divmod(address + at + 8, PAGE)
        states, data = pieces[page * PAGE]
        if (
            tag in (3, 4, 5, 6, 7, 17, 23, 36, 0x6FFF_FEF5, 0x6FFF_FFF0) and value
        ):  # as glibc 2.36 does
            value, added = value + BASE, added + 1
        elif tag == 25:  # DT_INIT_ARRAY is not adjusted, whatever it looks like
            value += 2 * size
        word = struct.pack("<Q", value)
        pieces[page * PAGE] = states, data[:place] + word + data[place + 8 :]
    data, row = rebuilt(dump(tmp_path, pieces, size), code=4)
    assert added >= 4
    assert len(row["altered"]) == 3 + added
    assert {"DT_STRTAB", "DT_SYMTAB"} < set(row["altered"])
    other = {
        at
        for begin, size, _ in loads
        for at in range(begin, begin + size)
        if data[at] != program[at] and at not in range(40, 64)
    }
    places = range(offset, offset + filled, 16)
    init = next(at for at in places if program[at] == 25 and not any(program[at + 1 : at + 8]))
    assert other <= set(range(init + 8, init + 16))


def test_a_dynamic_section_that_stands_elsewhere_in_the_file_changes_nothing_there(
    tmp_path: Path,
) -> None:
    """Two segments; the table is in the second, and the header speaks of a place in the first."""
    table = struct.pack("<QQQQ", 5, BASE + 0x40, 6, BASE + 0x50).ljust(64, b"\0")
    for place, names in ((PAGE, {"DT_STRTAB", "DT_SYMTAB"}), (0x200, set[str]())):
        head = b"\x7fELF\2\1\1".ljust(16, b"\0")
        head += struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, 0, 64, 0, 0, 64, 56, 3, 0, 0, 0)
        for kind, offset, address, size in (
            (1, 0, 0, PAGE), (1, PAGE, PAGE, PAGE), (2, place, PAGE, len(table))
        ):  # fmt: skip
            head += struct.pack("<IIQQQQQQ", kind, 6, offset, address, address, size, size, PAGE)
        memory = {0: ([0], head.ljust(PAGE, b"\x11")), PAGE: ([0], table.ljust(PAGE, b"\x22"))}
        folder = tmp_path / f"{place:x}"
        folder.mkdir()
        data, row = rebuilt(dump(folder, memory, 2 * PAGE), code=0)
        assert set(row["altered"]) == names
        assert data[0x200:PAGE] == b"\x11" * (PAGE - 0x200)
        first = struct.unpack_from("<Q", data, PAGE + 8)[0]
        assert first == (0x40 if names else BASE + 0x40)


def test_readelf_reads_it(tmp_path: Path, program: bytes) -> None:
    if shutil.which("readelf") is None:
        pytest.skip("needs readelf")
    pieces, size, _ = mapped(program)
    data, _ = rebuilt(dump(tmp_path, pieces, size), code=4)
    made, original = tmp_path / "made.elf", tmp_path / "original.elf"
    made.write_bytes(data)
    original.write_bytes(program)
    for option in ("-lW", "-dW", "--notes"):
        said = [
            subprocess.run(["readelf", option, path], capture_output=True, text=True, check=True)
            for path in (made, original)
        ]
        assert said[0].stderr == "", option
        if option == "-dW":
            assert said[0].stdout == said[1].stdout


def test_a_page_that_failed_is_named_with_its_segment(tmp_path: Path, program: bytes) -> None:
    pieces, size, loads = mapped(program)
    offset, filled, address = loads[1]
    page = address // PAGE * PAGE
    pieces[page] = ([1], b"")
    data, row = rebuilt(dump(tmp_path, pieces, size), code=4)
    failed = [one for one in row["missing"] if one[2] == "failed"]
    assert failed == [[offset, min(filled, page + PAGE - address), "failed", "segment 1"]] or (
        failed[0][0] == offset and "segment" in failed[0][3]
    )
    assert not any(data[failed[0][0] : failed[0][0] + failed[0][1]])


def portable(sections: list[tuple[bytes, int, int, int, int]], *, magic: int = 0x20B) -> bytes:
    """Headers of a PE file: name, virtual size and address, raw size and offset of each section."""
    optional = struct.pack("<H", magic).ljust(60, b"\1") + struct.pack("<I", 0x400)
    size = 240 if magic == 0x20B else 224
    optional = bytearray(optional.ljust(size, b"\0"))
    directories = 112 if magic == 0x20B else 96
    struct.pack_into("<II", optional, directories + 32, 0x9000, 0x100)
    head = b"PE\0\0" + struct.pack("<HHIIIHH", 0x8664, len(sections), 0, 0, 0, size, 0x22)
    table = b"".join(struct.pack("<8sIIII16x", *one) for one in sections)
    return b"MZ".ljust(60, b"\0") + struct.pack("<I", 0x80) + bytes(64) + head + optional + table


@pytest.mark.parametrize("magic", [0x10B, 0x20B])
def test_sections_of_a_pe_are_where_the_file_has_them(tmp_path: Path, magic: int) -> None:
    rng = random.Random(magic)
    text, data = rng.randbytes(0x1800), rng.randbytes(0x200)
    sections = [
        (b".text", 0x1780, 0x1000, 0x1800, 0x400),
        (b".data", 0x900, 0x3000, 0x200, 0x1C00),
        (b".bss", 0x100, 0x4000, 0, 0),
    ]
    head = portable(sections, magic=magic).ljust(PAGE, b"\0")
    memory = {
        0: ([0], head),
        0x1000: ([0, 0], text.ljust(2 * PAGE, b"\0")),
        0x3000: ([0], data.ljust(PAGE, b"\0")),
    }
    made, row = rebuilt(dump(tmp_path, memory, 0x5000), code=4)
    expected = bytearray(head[:0x400] + text + data)
    at = 0x80 + 24 + (112 if magic == 0x20B else 96) + 32
    expected[at : at + 8] = bytes(8)
    assert made == bytes(expected)
    assert row["left_out"] == ["certificates: 256 bytes at 0x9000"]
    assert row["altered"] == ["certificate table"]
    assert (row["format"], row["missing"]) == ("pe", [])


def test_sections_of_a_pe_whose_names_stand_behind_its_symbols(tmp_path: Path) -> None:
    """objdump takes a file for none at all that has such a name, and no symbols any more."""
    sections = [(b".text", 0x1000, 0x1000, 0x1000, 0x400), (b"/4", 0x200, 0x2000, 0x200, 0x1400)]
    head = bytearray(portable(sections).ljust(PAGE, b"\0"))
    struct.pack_into("<II", head, 0x80 + 12, 0x9000, 3)
    memory = {0: ([0], bytes(head)), 0x1000: ([0, 0], b"t" * PAGE + b"d" * PAGE)}
    made, row = rebuilt(dump(tmp_path, memory, 0x3000), code=4)
    assert "name of section /4" in row["altered"]
    assert "3 symbols at 0x9000" in row["left_out"]
    assert made[0x80 + 12 : 0x80 + 20] == bytes(8)
    name = 0x80 + 24 + 240 + 40
    assert made[name - 40 : name - 32] == b".text\0\0\0"
    assert made[name : name + 8] == b"_4\0\0\0\0\0\0"


@pytest.mark.parametrize("cut", [0, 4, 16, 32, 52, 63])
def test_headers_that_make_no_sense_are_refused(tmp_path: Path, program: bytes, cut: int) -> None:
    pieces, size, _ = mapped(program)
    rng = random.Random(cut)
    head = bytearray(pieces[0][1])
    head[cut : cut + 32] = rng.randbytes(32)
    pieces[0] = ([0], bytes(head))
    path = dump(tmp_path, pieces, size)
    done = run("extract", path, "-o", tmp_path / "out", "--module", "thing", "--as-file")
    assert done.returncode in (0, 4)
    assert b"Traceback" not in done.stderr


def test_a_segment_at_no_address_is_named(tmp_path: Path, program: bytes) -> None:
    pieces, size, _ = mapped(program)
    head = bytearray(pieces[0][1])
    table, each, count = struct.unpack_from("<Q14xHH", head, 32)
    loaded = [at for at in range(table, table + each * count, each) if head[at] == 1]
    struct.pack_into("<Q", head, loaded[-1] + 16, (1 << 64) - 1)  # p_vaddr
    pieces[0] = ([0], bytes(head))
    _, row = rebuilt(dump(tmp_path, pieces, size), code=4)
    assert any("at no address that there is" in one for one in row["left_out"])


def test_a_header_that_was_not_captured_is_said(tmp_path: Path, program: bytes) -> None:
    pieces, size, _ = mapped(program)
    pieces[0] = ([1], b"")
    path = dump(tmp_path, pieces, size)
    done = run("extract", path, "-o", tmp_path / "out", "--module", "thing", "--as-file")
    assert done.returncode == 4
    assert b"is not captured" in done.stderr
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["parts"] == []


def test_ranges_are_no_files(tmp_path: Path, program: bytes) -> None:
    pieces, size, _ = mapped(program)
    path = dump(tmp_path, pieces, size)
    for words in (("--range", "0x1..0x2"), ("--all",)):
        done = run("extract", path, "-o", tmp_path / "out", "--as-file", *words)
        assert done.returncode == 2
