"""What a file has and an import does not take is named, and what it lacks is not made up."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from pathlib import Path

import pytest
from commands import run
from foreign_files import PAGE, elf_core, macho_core, macho_images, note, page, status
from test_import_kept import BASE, SEGMENTS, WORDS, image
from test_import_made import imported
from test_import_minidump import ADDRESS, Tail, amd64, made, note_of

from msl_construct import Dump

AVX, TILES = 2, 18
SEGMENT = [(BASE, page(1), PAGE, 5)]


def values(dump: Dump) -> Mapping[str, bytes]:
    return {one["name"]: bytes(one["value"]) for one in dump.threads[0]["registers"]}


def is_partial(dump: Dump) -> bool:
    return "partial" in dump.threads[0]["flags"].names


def core(notes: bytes) -> bytes:
    return elf_core("<", True, 62, notes, SEGMENT)


# -- XSAVE -----------------------------------------------------------------------------


def xsave(data: bytearray, *, enabled: int, in_use: int, form: int) -> bytes:
    struct.pack_into("<Q", data, 464, enabled)
    struct.pack_into("<QQ", data, 512, in_use, form)
    return bytes(data)


def test_an_image_that_is_compacted(tmp_path: Path) -> None:
    """Protection keys stand where AVX does in the other form, and tiles behind them, aligned."""
    mask = 3 | 1 << AVX | 1 << 9 | 1 << TILES
    data = bytearray(576 + 256 + 64 + 8192)  # the keys have 8 bytes, and tiles begin at 64
    data[160:176] = b"x" * 16
    data[576:592] = b"y" * 16
    data[832:836] = b"pkru"
    stored = xsave(data, enabled=mask, in_use=mask, form=1 << 63 | mask)
    with imported(
        core(status("<", True, 7, WORDS) + note("<", b"LINUX", 0x202, stored)), tmp_path
    ) as dump:
        found = values(dump)
        assert found["ymm0"] == b"x" * 16 + b"y" * 16
        assert found["pkru"] == b"pkru"
        assert note_of(dump)["registers_left_out"] == "features 0x40000 of XSAVE (AMX tiles)"
        assert is_partial(dump)


@pytest.mark.parametrize("form", [0, 1 << 63])
def test_what_is_not_in_use_has_not_been_stored(form: int, tmp_path: Path) -> None:
    """Whatever stands in its place: the processor, gdb too, takes it for what it begins with."""
    data = bytearray(b"\xee" * 832)
    data[512:576] = bytes(64)
    stored = xsave(data, enabled=7, in_use=1, form=form | (7 if form else 0))
    with imported(
        core(status("<", True, 7, WORDS) + note("<", b"LINUX", 0x202, stored)), tmp_path
    ) as dump:
        found = values(dump)
        assert found["ymm0"] == bytes(32)
        assert found["mxcsr"] == b"\x80\x1f\0\0"
        assert found["st0"] == b"\xee" * 10
        assert not is_partial(dump)


@pytest.mark.parametrize("where", ["core", "minidump"])
def test_tiles_are_named(where: str, tmp_path: Path) -> None:
    """They are wider than a register of a dump can be; nothing else of the thread is lost."""
    if where == "core":
        stored = image({AVX: (576, 256), TILES: (2816, 8192)}, 11008)
        data = core(status("<", True, 7, WORDS) + note("<", b"LINUX", 0x202, stored))
    else:
        context = bytearray(amd64())
        struct.pack_into("<I", context, 0x30, 0x10004B)
        mask = 1 << AVX | 1 << 17 | 1 << TILES
        area = struct.pack("<QQ", mask, 1 << 63 | mask).ljust(64, b"\0")
        area += b"y" * 256 + b"c" * 64 + b"t" * 8192
        context += struct.pack("<iIiIiI", -1232, 1256 + len(area), -1232, 1232, 24, len(area))
        data = made("<", 9, bytes(context) + area, [], Tail("<", 2048), platform=2)
    with imported(data, tmp_path) as dump:
        expected = "features 0x40000 of XSAVE (AMX tiles)"
        if where == "minidump":
            expected = "features 0x60000 of XSAVE (AMX tile shapes, AMX tiles)"
        assert note_of(dump)["registers_left_out"] == expected
        assert values(dump)["ymm15"][16:] == (b"y" if where == "minidump" else b"\2") * 16
        assert is_partial(dump)
    done = run("export", tmp_path / "made.msl", "--to", "elf-core", "-o", tmp_path / "out")
    assert done.returncode == 4
    number = 7 if where == "core" else 77
    assert f"thread {number}: has registers that the dump does not hold".encode() in done.stderr


# -- cores -----------------------------------------------------------------------------


def test_notes_that_are_too_short(tmp_path: Path) -> None:
    """An older note has what a newer one that is cut does not."""
    notes = status("<", True, 7, WORDS)
    notes += note("<", b"CORE", 2, b"f" * 512) + note("<", b"LINUX", 0x202, b"x" * 500)
    notes += note("<", b"CORE", 3, b"i" * 100)
    with imported(core(notes + b"odd"), tmp_path, code=4) as dump:
        told = note_of(dump)
        assert told["registers_lacking"] == "of 1 threads, whose notes are too short"
        assert told["process"] == "unknown: an NT_PRPSINFO of 100 bytes"
        assert "the last 3 bytes are no note" in told["fault"]
        assert values(dump)["st0"] == b"f" * 10
        assert is_partial(dump)


def test_a_status_that_is_cut_makes_a_thread_partial(tmp_path: Path) -> None:
    with imported(core(status("<", True, 7, WORDS[:-32])), tmp_path) as dump:
        assert "rip" in values(dump)
        assert "gs" not in values(dump)
        assert is_partial(dump)


def test_notes_that_are_there_twice(tmp_path: Path) -> None:
    notes = status("<", True, 7, WORDS)
    for kind in (6, 0x46494C45):
        notes += note("<", b"CORE", kind, bytes(16)) + note("<", b"CORE", kind, bytes(32))
    with imported(core(notes), tmp_path) as dump:
        assert note_of(dump)["notes_left_out"] == "CORE:0x46494c45*1 CORE:0x6*1"


def test_segments_that_are_no_memory(tmp_path: Path) -> None:
    data = bytearray(elf_core("<", True, 183, b"", [*SEGMENT, (BASE + PAGE, page(2), PAGE, 4)]))
    struct.pack_into("<I", data, 64 + 2 * 56, 0x70000002)
    with imported(bytes(data), tmp_path) as dump:
        assert note_of(dump)["segments_left_out"] == "memory_tags*1"
        assert dump.memory.read(BASE + PAGE, PAGE).runs[0][2] == "absent"


@pytest.mark.parametrize("cut", [False, True])
def test_notes_of_a_thread_of_netbsd(cut: bool, tmp_path: Path) -> None:
    """Since version 9 what comes first has no registers: it is not short of any."""
    notes = note("<", b"NetBSD-CORE@1", 24, bytes(72))
    notes += note("<", b"NetBSD-CORE@1", 33, struct.pack("<26Q", *range(26)))
    notes += note("<", b"NetBSD-CORE@1", 35, b"f" * (500 if cut else 512))
    with imported(core(notes), tmp_path) as dump:
        assert is_partial(dump) == cut
        assert ("registers_lacking" in note_of(dump)) == cut
        assert ("st0" in values(dump)) != cut


def test_notes_of_freebsd_that_are_too_short(tmp_path: Path) -> None:
    """As on Linux: an older note has what a newer one that is cut does not."""
    head = struct.pack("<i4xQQQiii4x", 1, 0, 0, 0, 1400000, 11, 100123)
    notes = note("<", b"FreeBSD", 1, head + struct.pack("<22Q", *range(22)))
    notes += note("<", b"FreeBSD", 2, b"f" * 512) + note("<", b"FreeBSD", 0x202, b"x" * 500)
    with imported(core(notes), tmp_path) as dump:
        assert note_of(dump)["registers_lacking"] == "of 1 threads, whose notes are too short"
        assert values(dump)["st0"] == b"f" * 10
        assert is_partial(dump)


# -- minidumps -------------------------------------------------------------------------


def test_a_context_that_is_cut(tmp_path: Path) -> None:
    context = bytearray(amd64()[:0x200])
    struct.pack_into("<I", context, 0x30, 0x10000B)  # says that the FXSAVE image is there
    with imported(made("<", 9, bytes(context), [], Tail("<", 2048)), tmp_path) as dump:
        assert note_of(dump)["registers_lacking"] == "of 1 threads, whose contexts are too short"
        assert is_partial(dump)
        assert "xmm0" not in values(dump)


def test_memory_at_the_end_and_an_exception_of_nobody(tmp_path: Path) -> None:
    tail = Tail("<", 2048)
    tail.put(page(2) + page(3))
    ranges = struct.pack("<QQQQ", 1, 2048, (1 << 64) - PAGE, 2 * PAGE)
    row = struct.pack("<IIIIQQII15QII", 5, 0, 11, 0, 0, 0, 0, 0, *[0] * 15, 1232, 2048)
    data = made("<", 9, amd64(), [(9, ranges), (6, row)], tail)
    with imported(data, tmp_path, code=4) as dump:
        assert bytes(dump.memory.read((1 << 64) - PAGE, PAGE)) == page(2)
        told = dump.blocks[0].payload["note"]
        assert "memory at 0xfffffffffffff000: 0x2000 bytes: the address space ends" in told
        assert "exception: thread 5 is in no list of threads" in told
        assert bytes(dump.memory.read(ADDRESS, PAGE)) == page(1)


# -- Mach-O ----------------------------------------------------------------------------

STATE = struct.pack("<II21Q", 4, 42, *range(0x100, 0x115))
STOPPED = struct.pack("<II4I", 6, 4, 14, 4, 0, 0)
WIDE = struct.pack("<II", 17, 2) + bytes(8)


def test_states_and_commands_that_are_not_read(tmp_path: Path) -> None:
    segments = [(0x100000000, page(1) + b"more", PAGE, 5)]
    states = [STATE + STOPPED, STATE + WIDE]
    data = macho_core(segments, states, [struct.pack("<16sQQ", b"addrable bits", 0, 0)])
    with imported(data, tmp_path, code=4) as dump:
        told = note_of(dump)
        assert told["thread_states_left_out"] == "flavour 17*1, flavour 6*1"
        assert told["commands_left_out"] == "0x31 (addrable bits)*1"
        assert "what is beyond them has no address" in told["fault"]
        flags = [one["flags"].names for one in dump.threads]
        assert ["partial" in one for one in flags] == [False, True]


@pytest.mark.parametrize("wide", [True, False])
def test_states_as_the_kernel_writes_them(wide: bool, tmp_path: Path) -> None:
    """Each holds a flavour of its own; what a thread was stopped by is no lack of registers."""

    def state(flavour: int, inner: int, data: bytes, words: int) -> bytes:
        head = struct.pack("<4I", flavour, 2 + words, inner, len(data) // 4)
        return head + data.ljust(4 * words, b"\0")

    general = struct.pack("<21Q" if wide else "<16I", *range(21 if wide else 16))
    states = state(7, 4 if wide else 1, general, 42)
    states += state(8, 5 if wide else 2, bytes(8) + b"f" * 512 + bytes(4), 131)
    states += state(9, 6 if wide else 3, bytes(16 if wide else 12), 4)
    data = bytearray(macho_core([(0x10000, page(1), PAGE, 5)], [states]))
    struct.pack_into("<I", data, 4, 0x01000007 if wide else 7)
    with imported(bytes(data), tmp_path) as dump:
        assert values(dump)["st7"] == b"f" * 10
        assert not is_partial(dump)
        left_out = f"flavour {6 if wide else 3}*1"
        assert note_of(dump)["thread_states_left_out"] == left_out


def test_flavours_without_end(tmp_path: Path) -> None:
    """Eight bytes make another one: of most only the number is kept."""
    more = b"".join(struct.pack("<II", 1000 + number, 0) for number in range(100))
    with imported(macho_core([(0x10000, page(1), PAGE, 5)], [STATE + more]), tmp_path) as dump:
        told = note_of(dump)["thread_states_left_out"]
        assert told.startswith("flavour 1000*1, flavour 1001*1")
        assert told.endswith("flavour 1063*1, and 36 of other kinds")


def test_images_of_a_macho_core(tmp_path: Path) -> None:
    """Their names stand in a note, their sizes in their own headers, wherever they are loaded."""
    base, data = macho_images([STATE])
    with imported(data, tmp_path) as dump:
        assert [(one["base_addr"], one["module_size"], one["path"]) for one in dump.modules] == [
            (base, 3 * PAGE, "/usr/bin/program")
        ]
        (identity,) = dump.blocks.of_type("process_identity")
        assert identity.payload["exe_path"] == "/usr/bin/program"
        told = note_of(dump)["modules_left_out"]
        assert told == "/usr/lib/gone@0x7fff00000000, /usr/lib/gone"
        assert dump.memory.name_of(base) == "/usr/bin/program"


@pytest.mark.parametrize(
    ("length", "cut", "why"),
    [
        (4096, 0, ""),
        (5000, 0, "longer than 4096 bytes: 4096 bytes of it are kept"),
        (3000, 10, "the file ends after {} bytes, within it: 2992 bytes of it are kept"),
        (3000, 3002, "the file ends after {} bytes"),
    ],
)
def test_a_path_of_a_macho_core_that_is_not_kept_whole(
    tmp_path: Path, length: int, cut: int, why: str
) -> None:
    _, data = macho_images([STATE])
    path = b"/usr/bin/program"
    at = data.rindex(path)
    data = data[:at] + data[at + len(path) + 1 :] + path.ljust(length, b"m") + b"\0x"
    places = data.index(struct.pack("<Q", at))  # of the first image; the others' moves with it
    moved = len(data) - length - 2
    data = data[:places] + struct.pack("<Q", moved) + data[places + 8 :]
    data = data.replace(struct.pack("<Q", at + 17), struct.pack("<Q", at))
    data = data[: len(data) - cut]
    with imported(data, tmp_path, code=4 if why else 0) as dump:
        faults = note_of(dump).get("fault", "")
        told = f"image 0: its path at {moved:#x}: {why.format(len(data))}"
        assert faults == (told if why else "")
        kept = {"": length, "l": 4096, "t": 2992}[why[:1]] if cut < 3000 else 0
        assert len(dump.modules[0]["path"]) == kept


def test_texts_that_are_longer_than_is_kept(tmp_path: Path) -> None:
    """A command line that a field has no room for, and a comment that a note has none for."""
    texts = [(10, b"c" * 5000), (0x47670006, b"thing\0" + b"a" * 70_000)]
    data = made("<", 9, amd64(), texts, Tail("<", 1 << 17))
    with imported(data, tmp_path, code=4) as dump:
        (identity,) = dump.blocks.of_type("process_identity")
        assert len(identity.payload["cmd_line"]) == 65_000
        assert note_of(dump)["comment"] == "c" * 4096
        note = dump.blocks[0].payload["note"]
        assert "fault=comment: 5000 characters: the first 4096 of them are kept" in note
        assert "fault=command line: 70006 bytes: the first 65000 of them are kept" in note


# -- exports ---------------------------------------------------------------------------


def test_an_export_says_which_bytes_stand_in_the_note(tmp_path: Path) -> None:
    data = elf_core("<", True, 62, status("<", True, 12, WORDS), SEGMENTS)
    with imported(data, tmp_path):
        pass
    expected = []
    for start, content, _, _ in SEGMENTS:  # what fills no page of 1 KiB
        end = start + len(content)
        first, last = -(-start // 1024) * 1024, end // 1024 * 1024
        parts = [(start, min(first, end)), (max(last, start), end)] if first <= last else []
        parts = parts or [(start, end)]
        expected += [
            {"address": f"{low:#x}", "length": high - low} for low, high in parts if high > low
        ]
    count = sum(one["length"] for one in expected if isinstance(one["length"], int))
    for form, ending in (("elf-core", "holes"), ("minidump", "holes"), ("raw", "states")):
        out = tmp_path / form
        done = run("export", tmp_path / "made.msl", "--to", form, "-o", out)
        assert (
            json.loads(out.with_name(f"{form}.{ending}.json").read_text())["bytes_from_note"]
            == expected
        )
        assert (
            f"{count} bytes at {len(expected)} places, from {expected[0]['address']} on".encode()
            in done.stderr
        )
    done = run("export", "samples/live-le.msl", "--to", "elf-core", "-o", tmp_path / "plain")
    assert json.loads((tmp_path / "plain.holes.json").read_text())["bytes_from_note"] == []
    assert b"note of its import" not in done.stderr


def test_raw_memory_has_no_threads_to_lack(tmp_path: Path) -> None:
    """What is there of a dump whose Thread Contexts can't be read is all of its memory."""
    data = core(status("<", True, 12, WORDS))
    with imported(data, tmp_path, "--compress", "zstd") as dump:
        block = next(dump.blocks.of_type("thread_context"))
        assert block.compressed
        at, size = block.stored.offset, block.stored.length
    made_of = bytearray((tmp_path / "made.msl").read_bytes())
    made_of[at : at + size] = b"\xff" * size
    broken = tmp_path / "broken.msl"
    broken.write_bytes(made_of)
    for form, code in (("elf-core", 4), ("raw", 0)):
        done = run("export", broken, "--to", form, "-o", tmp_path / form)
        assert (done.returncode, b"1 Thread Contexts can't be read" in done.stderr) == (code, True)
