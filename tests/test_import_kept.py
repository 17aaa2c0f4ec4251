"""What an import has no field for, and keeps in its note: it is in every export again."""

from __future__ import annotations

import io
import struct
import tracemalloc
from pathlib import Path

import pytest
from commands import run
from foreign_files import PAGE, elf_core, note, page, status
from test_import_made import imported
from test_import_minidump import Tail, amd64, made

import msl_construct
from msl_construct.convert.elf_core.write import write_core
from msl_construct.convert.minidump.write import write_minidump
from msl_construct.convert.provenance import kept_edges
from msl_construct.rewrite.captured import captured

WORDS = struct.pack("<27Q", *range(0x2000, 0x2000 + 27))
BASE = 0x10000
SEGMENTS = [
    (BASE, (page(1) + page(2))[:5000], 2 * PAGE, 6),  # ends within a page
    (BASE + 3 * PAGE + 100, page(3)[100:] + page(4), 2 * PAGE - 100, 6),  # begins within one
    (BASE + 8 * PAGE + 7, b"seven bytes", 11, 4),  # fills none
]
FORMS = {"elf-core": (), "minidump": (), "raw": ("--format", "raw", "--states", "out.states.json")}


def exported(folder: Path, form: str) -> bytes:
    done = run("export", "made.msl", "--to", form, "-o", "out", "--force", folder=folder)
    assert done.returncode in (0, 4), done.stderr  # not all registers are known
    return (folder / "out").read_bytes()


def segments_of(core: bytes) -> dict[int, bytes]:
    """The memory of a core of 64 bits, by a walk of its own; what adjoins is one."""
    (at,) = struct.unpack_from("<Q", core, 32)
    (count,) = struct.unpack_from("<H", core, 56)
    found = {}
    for row in range(count):
        kind, _, offset, base, _, size, more, _ = struct.unpack_from(
            "<IIQQQQQQ", core, at + 56 * row
        )
        if kind == 1:
            assert size == more
            before = next((at for at, data in found.items() if at + len(data) == base), base)
            found[before] = found.get(before, b"") + core[offset : offset + size]
    return found


def test_bytes_of_pages_that_are_not_held_whole(tmp_path: Path) -> None:
    data = elf_core("<", True, 62, status("<", True, 12, WORDS), SEGMENTS)
    with imported(data, tmp_path):
        pass
    expected = {base: content for base, content, _, _ in SEGMENTS}
    made_of = (tmp_path / "made.msl").read_bytes()
    assert segments_of(exported(tmp_path, "elf-core")) == expected
    for form, words in FORMS.items():
        (tmp_path / "made.msl").write_bytes(made_of)
        again = exported(tmp_path, form)
        chosen = [str(tmp_path / one) if one.startswith("out") else one for one in words]
        chosen += ["--os", "linux", "--arch", "x86_64"] if words else []
        with imported(again, tmp_path, *chosen):
            pass
        assert segments_of(exported(tmp_path, "elf-core")) == expected, form


def test_a_note_replaces_no_page_that_is_captured(tmp_path: Path) -> None:
    """Whoever writes a note may say anything in it."""
    data = elf_core("<", True, 62, b"", [(BASE, page(1) + page(2)[:500], 2 * PAGE, 6)])
    with imported(data, tmp_path) as dump:
        edge = f"edge={BASE + PAGE:#x}:{page(2)[:500].hex()}"
        assert edge in dump.blocks[0].payload["note"]
    lying = (
        (tmp_path / "made.msl")
        .read_bytes()
        .replace(edge.encode(), edge.replace(f"{BASE + PAGE:#x}", f"{BASE:#x}").encode())
    )
    with msl_construct.open(lying) as dump:
        assert f"edge={BASE:#x}:" in dump.blocks[0].payload["note"]
        memory = captured(dump).space.read(BASE, 2 * PAGE)
        assert bytes(memory.data) == page(1)


@pytest.mark.parametrize("state", ["not_resident", "absent"])
def test_a_note_makes_no_memory(state: str, tmp_path: Path) -> None:
    """Its bytes are of pages that are Failed, as an import writes them, or of none."""
    data = elf_core("<", True, 62, b"", [(BASE, page(1) + b"seven", 2 * PAGE, 6)])
    with imported(data, tmp_path) as dump:
        region = dump.regions[0].fragments[0].block
        assert captured(dump).space.read(BASE + PAGE, 5).complete
        states = region.stored.offset + 32
    lying = bytearray((tmp_path / "made.msl").read_bytes())
    if state == "absent":
        lying = lying.replace(f"edge={BASE + PAGE:#x}".encode(), f"edge={BASE * 9:#x}".encode())
        assert f"edge={BASE * 9:#x}".encode() in lying
    else:
        assert lying[states : states + 2] == b"\x00\x55"  # four pages of 1 KiB, captured; failed
        lying[states + 1] = 0xFF
    with msl_construct.open(bytes(lying)) as dump:
        found = captured(dump)
        at = BASE * 9 if state == "absent" else BASE + PAGE
        assert [run[2] for run in found.space.read(at, 5).runs] == [state]
        assert [line for line in found.faults if "5 bytes of memory" in line]


def test_an_edge_of_megabytes_takes_no_more_than_them() -> None:
    """An expression that repeats a group keeps a place for each time."""
    text = f"edge=0x1000:{'ab' * (2 << 20)}"
    tracemalloc.start()
    found = list(kept_edges(f"{text}; edge=0x1:abc; edge=0x2:0d"))
    used = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found == [(0x1000, b"\xab" * (2 << 20)), (2, b"\r")]
    assert used < 20 << 20


def test_a_number_that_is_none_is_unknown(tmp_path: Path) -> None:
    """Of more than 32 bits, which an exception stream has no room for."""
    notes = status("<", True, 12, WORDS)
    sent = struct.pack("<iii4xQ", 11, 0, 1, 16).ljust(128, b"\0")
    notes += note("<", b"CORE", 0x53494749, sent)
    with imported(elf_core("<", True, 62, notes, [(BASE, page(1), PAGE, 6)]), tmp_path) as dump:
        assert "; signal=11; exception=0xb at 0x10" in dump.blocks[0].payload["note"]
    data = (tmp_path / "made.msl").read_bytes()
    told, stated = b"; signal=11; exception=0xb at 0x10", b"; signal=4294967296; user=77; x=yy"
    with msl_construct.open(data.replace(told, stated)) as dump:
        found = captured(dump)
        assert (found.signal, found.exception, found.identity) == (0, None, {"user": 77})
        write_minidump(found, io.BytesIO())
    with msl_construct.open(data.replace(told, stated.replace(b"=77", b"=-7"))) as dump:
        assert captured(dump).identity == {}


def test_registers_that_are_not_all_there_are_said(tmp_path: Path) -> None:
    notes = status("<", True, 12, WORDS)
    with imported(elf_core("<", True, 62, notes, [(BASE, page(1), PAGE, 6)]), tmp_path) as dump:
        block = next(dump.blocks.of_type("thread_context"))
        at, count = block.stored.offset + 20, block.payload["reg_count"]
    data = bytearray((tmp_path / "made.msl").read_bytes())
    assert struct.unpack_from("<I", data, at) == (count,)
    struct.pack_into("<I", data, at, count + 1)
    with msl_construct.open(bytes(data)) as dump:
        assert write_core(captured(dump), io.BytesIO()).told.partial == [12]


@pytest.mark.parametrize("code", [1, -6])
@pytest.mark.parametrize("form", ["elf-core", "minidump"])
def test_a_signal_goes_through(form: str, code: int, tmp_path: Path) -> None:
    """The address of a fault; of a signal that somebody has sent, there is none."""
    address = 0x7FFFDEADBEE8
    sent = struct.pack("<iii4xQ", 11, 0, code, address).ljust(128, b"\0")
    notes = status("<", True, 12, WORDS) + note("<", b"CORE", 0x53494749, sent)
    with imported(elf_core("<", True, 62, notes, [(BASE, page(1), PAGE, 6)]), tmp_path) as dump:
        told = dump.blocks[0].payload["note"]
        assert ("CORE:0x53494749" in told) == (code < 0)
    data = exported(tmp_path, form)
    if form == "elf-core":
        content = note("<", b"CORE", 0x53494749, sent if code > 0 else sent[:16].ljust(128, b"\0"))
        assert content in data
    else:
        count, directory = struct.unpack_from("<II", data, 8)
        rows = [struct.unpack_from("<III", data, directory + 12 * row) for row in range(count)]
        places = {kind: offset for kind, _, offset in rows}
        found = struct.unpack_from("<IIIIQQII15QII", data, places[6])
        assert found[:2] + found[4:5] == (12, 0, 0)
        assert found[2:4] == (11, code & 0xFFFFFFFF)
        assert found[5] == (address if code > 0 else 0)
        (threads,) = struct.unpack_from("<I", data, places[3])
        assert threads == 1
        assert found[-2:] == struct.unpack_from("<II", data, places[3] + 4 + 40)
        holes = (tmp_path / "out.holes.json").read_text()
        assert ("exception.address" in holes) == (code < 0)
    with imported(data, tmp_path) as dump:
        told = captured(dump)
        assert told.signal == 11
        assert told.exception is not None
        assert told.exception.flags == code & 0xFFFFFFFF
        assert "crashed" in dump.threads[0]["flags"].names or form == "elf-core"


def test_an_exception_of_windows_goes_through(tmp_path: Path) -> None:
    row = struct.pack("<IIIIQQII15Q", 77, 0, 0xC0000005, 1, 0, 0x401000, 2, 0, 1, 16, *[9] * 13)
    data = made("<", 9, amd64(), [(6, row + bytes(8))], Tail("<", 2048), platform=2)
    with imported(data, tmp_path) as dump:
        thread = dump.threads[0]["thread_id"]
        told = "exception=0xc0000005 at 0x401000 in thread 77, flags 0x1, parameters 0x1 0x10"
        assert told in dump.blocks[0].payload["note"]
        assert captured(dump).signal == 0
    data = exported(tmp_path, "minidump")
    wanted = row[:-104] + bytes(104)
    assert wanted in data
    at = data.index(wanted) + len(wanted)
    size, offset = struct.unpack_from("<II", data, at)
    assert (size > 0) == (thread == 77)
    assert offset + size <= len(data)


def image(places: dict[int, tuple[int, int]], size: int) -> bytes:
    """An XSAVE image whose features are filled with their bit."""
    data = bytearray(size)
    mask = 3 | sum(1 << bit for bit in places)
    struct.pack_into("<Q", data, 464, mask)
    struct.pack_into("<Q", data, 512, mask)
    for bit, (at, length) in places.items():
        data[at : at + length] = bytes([bit]) * length
    return bytes(data)


@pytest.mark.parametrize("stated", [True, False])
def test_where_an_image_has_what_is_said_beside_it(stated: bool, tmp_path: Path) -> None:
    """By a layout that no processor has, and whose size looks like Intel's."""
    places = {2: (832, 256), 5: (576, 64), 6: (1152, 512), 7: (1664, 1024), 9: (640, 8)}
    places |= {18: (2752, 8192)}
    rows = b"".join(struct.pack("<4I", bit, size, at, 0) for bit, (at, size) in places.items())
    rows += struct.pack("<4I", 3, 64, 1 << 31, 0) + struct.pack("<4I", 200, 64, 576, 0)
    notes = status("<", True, 7, WORDS)
    notes += note("<", b"LINUX", 0x202, image(places, 11008))
    notes += note("<", b"LINUX", 0x205, rows) if stated else b""
    with imported(elf_core("<", True, 62, notes, [(BASE, page(1), PAGE, 5)]), tmp_path) as dump:
        values = {one["name"]: bytes(one["value"]) for one in dump.threads[0]["registers"]}
        told = dump.blocks[0].payload["note"]
        assert "registers_left_out=features 0x40000 of XSAVE (AMX tiles)" in told
        assert "0x205" not in told
    expected = bytes(16) + b"\2" * 16 + b"\6" * 32
    assert (values["zmm0"] == expected) == stated
    if stated:
        assert {values[f"k{n}"] for n in range(8)} == {b"\5" * 8}
        assert values["zmm31"] == b"\7" * 64
        assert values["pkru"] == b"\t" * 4


def test_threads_are_read_one_at_a_time(tmp_path: Path) -> None:
    """What is kept of a dump has a limit: threads beyond it would be left out."""
    count = 120
    notes = b"".join(status("<", True, 1 + number, WORDS) for number in range(count))
    with imported(elf_core("<", True, 62, notes, [(BASE, page(1), PAGE, 5)]), tmp_path):
        pass
    with msl_construct.open(tmp_path / "made.msl", max_memory=200_000) as dump:
        process = captured(dump)
        assert process.threads_unread == 0
        assert [len(one.registers) for one in process.threads] == [27] * count
        assert [one.thread_id for one in process.threads] == list(range(1, count + 1))
