"""Parts of minidumps beyond memory: each is in the dump, or is named in its note."""

from __future__ import annotations

import io
import json
import random
import struct
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from commands import run
from foreign_files import PAGE, page
from test_import_made import imported

import msl_construct
from msl_construct import Dump
from msl_construct.convert.elf_core.write import write_core
from msl_construct.rewrite.captured import captured

ADDRESS = 0x10000


def laid_out(order: str, streams: list[tuple[int, bytes]], tail: bytes, at: int) -> bytes:
    """A minidump of any byte order, whose tail stands at an offset that the streams may name."""
    directory, data = b"", b""
    start = 32 + 12 * len(streams)
    for kind, content in streams:
        directory += struct.pack(order + "III", kind, len(content), start + len(data))
        data += content
    mark = b"MDMP" if order == "<" else b"PMDM"
    head = mark + struct.pack(order + "IIIIIQ", 0xA793, len(streams), 32, 0, 1_700_000_000, 2)
    made = head + directory + data
    assert len(made) <= at
    return made.ljust(at, b"\0") + tail


class Tail:
    """What streams point to, from an offset on."""

    def __init__(self, order: str, at: int) -> None:
        self.order, self.at, self.data = order, at, b""

    def put(self, data: bytes) -> int:
        place = self.at + len(self.data)
        self.data += data
        return place

    def text(self, text: str) -> int:
        data = text.encode("utf-16-le" if self.order == "<" else "utf-16-be")
        return self.put(struct.pack(self.order + "I", len(data)) + data + b"\0\0")

    def utf8(self, text: str) -> int:
        data = text.encode()
        return self.put(struct.pack(self.order + "I", len(data)) + data + b"\0")


def system(order: str, processor: int, platform: int = 0x8201) -> bytes:
    return struct.pack(
        order + "HHHBBIIIIIHH24s", processor, 0, 0, 1, 1, 1, 2, 3, platform, 0, 0, 0, b""
    )


def thread_row(order: str, number: int, context: tuple[int, int]) -> bytes:
    return struct.pack(order + "IIIIQQIIII", number, 0, 0, 0, 0, 0, 0, 0, *context)


def made(
    order: str,
    processor: int,
    context: bytes,
    more: list[tuple[int, bytes]],
    tail: Tail,
    **how: int,
) -> bytes:
    """A minidump of one thread, with a page of memory."""
    place = tail.put(context)
    memory = tail.put(page(1))
    row = thread_row(order, 77, (len(context), place))
    streams = [
        (7, system(order, processor, **how)),
        (3, struct.pack(order + "I", 1) + row),
        (5, struct.pack(order + "IQII", 1, ADDRESS, PAGE, memory)),
        *more,
    ]
    return laid_out(order, streams, tail.data, tail.at)


def registers(dump: Dump) -> Mapping[str, int]:
    return {
        one["name"]: int.from_bytes(bytes(one["value"]), "little")
        for one in dump.threads[0]["registers"]
    }


def note_of(dump: Dump) -> Mapping[str, str]:
    parts = (part.partition("=") for part in dump.blocks[0].payload["note"].split("; "))
    return {key: value for key, _, value in parts}


def mips(order: str, mark: int) -> bytes:
    """MDRawContextMIPS: 32 registers, hi and lo, DSP, epc, badvaddr, status, cause, floats."""
    general = [0xFFFFFFFF80000000 + n for n in range(32)]
    data = struct.pack(order + "II34Q", mark | 6, 0, *general, 0x11, 0x12)
    data += struct.pack(order + "8I", 1, 2, 3, 4, 5, 6, 7, 0)
    data += struct.pack(order + "QQII", 0xFFFFFFFF80123456, 0x77, 0x88, 0x99)
    return data + struct.pack(order + "32QII", *range(0x500, 0x520), 0xF1, 0xF2)


def power(order: str, wide: bool) -> bytes:
    """MDRawContextPPC and PPC64: srr0, srr1, 32 registers, cr, xer, lr, ctr (mq), vrsave."""
    word = "Q" if wide else "I"
    mark = 0x1000029 if wide else 0x20000029
    head = struct.pack(f"{order}3{word}", mark, 0x4000, 0x4001)
    head += struct.pack(f"{order}32{word}", *range(0x100, 0x120))
    rest = [1, 2, 3, 4, 6] if wide else [1, 2, 3, 4, 5, 6]
    head += struct.pack(f"{order}{len(rest)}{word}", *rest)
    head += struct.pack(order + "32QII", *range(0x500, 0x520), 0, 0xF5)
    return head + bytes(range(16)) * 33 + bytes(16 + 4 + 28)


CONTEXTS = {
    ("mips32", "<"): (1, mips("<", 0x40000), {"pc": 0x80123456, "r29": 0x8000001D}),
    ("mips32", ">"): (1, mips(">", 0x40000), {"pc": 0x80123456, "r29": 0x8000001D}),
    ("mips64", "<"): (0x8004, mips("<", 0x80000), {"pc": 0xFFFFFFFF80123456, "hi": 0x11}),
    ("ppc32", ">"): (3, power(">", False), {"pc": 0x4000, "r1": 0x101, "mq": 5, "lr": 3}),
    ("ppc64", ">"): (0x8002, power(">", True), {"pc": 0x4000, "r1": 0x101, "ctr": 4}),
    ("ppc64", "<"): (0x8002, power("<", True), {"pc": 0x4000, "f31": 0x51F, "fpscr": 0xF5}),
}


@pytest.mark.parametrize("case", CONTEXTS, ids="-".join)
def test_contexts_of_mips_and_power(case: tuple[str, str], tmp_path: Path) -> None:
    name, order = case
    processor, context, expected = CONTEXTS[case]
    data = made(order, processor, context, [], Tail(order, 1024))
    with imported(data, tmp_path) as dump:
        assert dump.header.record["arch_type"].name == name
        found = registers(dump)
        assert expected.items() <= found.items()
        assert found["f0"] == 0x500
        assert bytes(dump.memory.read(ADDRESS, PAGE)) == page(1)
    if order == ">":
        return  # minidumps are written little-endian
    out = tmp_path / "out.dmp"
    done = run("export", tmp_path / "made.msl", "--to", "minidump", "-o", out)
    assert done.returncode == 0, done.stderr
    with imported(out.read_bytes(), tmp_path) as dump:
        assert registers(dump) == found


def test_the_upper_halves_of_vectors_stand_behind_the_context(tmp_path: Path) -> None:
    context = bytearray(1232)
    struct.pack_into("<I", context, 0x30, 0x10005F)
    struct.pack_into("<Q", context, 0x98, ADDRESS)
    struct.pack_into("<Q", context, 0xF8, ADDRESS)
    context[0x1A0 : 0x1A0 + 256] = bytes(range(256))
    upper = bytes(255 - n for n in range(256))
    area = struct.pack("<QQ", 0x804, (1 << 63) | 0x804).ljust(64, b"\0") + upper + bytes(16)
    behind = struct.pack("<iIiIiI", -1232, 1232 + 24 + len(area), -1232, 1232, 24, len(area))
    data = made("<", 9, bytes(context) + behind + area, [], Tail("<", 1024), platform=2)
    with imported(data, tmp_path) as dump:
        values = {one["name"]: bytes(one["value"]) for one in dump.threads[0]["registers"]}
        for n in range(16):
            part = slice(16 * n, 16 * n + 16)
            assert values[f"ymm{n}"] == bytes(range(256))[part] + upper[part]
        assert values["u_cet"] + values["pl3_ssp"] == bytes(16)
        assert "registers_left_out" not in note_of(dump)


def extended_context(form: str) -> tuple[bytes, dict[str, bytes]]:
    """A context with AVX-512, protection keys and tiles behind it; what is in its registers.

    Args:
        form: ``compacted``, where tiles are in no use, or ``plain``, at places of its own.
    """
    dice = random.Random(form)
    context = bytearray(amd64())
    struct.pack_into("<I", context, 0x30, 0x10005F)
    context[0x100:0x300] = dice.randbytes(512)
    upper, masks, high, rest = (dice.randbytes(size) for size in (256, 64, 512, 1024))
    in_use = 0x2E6
    if form == "compacted":
        # Bits 2, 5, 6, 7, 9 and 17, of which the last begins at a multiple of 64.
        area = struct.pack("<QQ", in_use, 1 << 63 | 0x202E6).ljust(64, b"\0")
        area += upper + masks + high + rest + struct.pack("<Q", 0x55555554)
        area = area.ljust(-(-len(area) // 64) * 64, b"\0") + bytes(64)
    else:
        area = struct.pack("<QQ", in_use | 1 << 17, 0).ljust(64, b"\0")
        area += upper + masks + high + rest + struct.pack("<Q", 0x55555554) + bytes(64)
    behind = struct.pack("<iIiIiI", -1232, 1232 + 24 + len(area), -1232, 1232, 24, len(area))
    low = context[0x1A0 : 0x1A0 + 256]
    expected = {f"k{n}": masks[8 * n : 8 * n + 8] for n in range(8)}
    for n in range(16):
        short, wide = slice(16 * n, 16 * n + 16), slice(32 * n, 32 * n + 32)
        expected[f"zmm{n}"] = bytes(low[short]) + upper[short] + high[wide]
        expected[f"zmm{n + 16}"] = rest[64 * n : 64 * n + 64]
    expected["pkru"] = struct.pack("<I", 0x55555554)
    return bytes(context) + behind + area, expected


@pytest.mark.parametrize("form", ["compacted", "plain"])
def test_the_widest_registers_come_in_and_go_out(form: str, tmp_path: Path) -> None:
    context, expected = extended_context(form)
    more = []
    if form == "plain":  # places as AMD's processors have them
        sizes = {2: 256, 5: 64, 6: 512, 7: 1024, 9: 8, 17: 64}
        places, at = bytearray(512), 576
        for bit, size in sizes.items():
            struct.pack_into("<II", places, 8 * bit, at, size)
            at += size
        config = struct.pack("<IIQ", 528, len(context), sum(1 << bit for bit in sizes) | 3)
        misc = struct.pack("<6I", 1364, 1, 77, 0, 0, 0).ljust(832, b"\0")
        more = [(15, misc + config + bytes(places) + bytes(4))]
    data = made("<", 9, context, more, Tail("<", 2048), platform=2)
    with imported(data, tmp_path) as dump:
        values = {one["name"]: bytes(one["value"]) for one in dump.threads[0]["registers"]}
        assert expected.items() <= values.items()
        left = note_of(dump).get("registers_left_out")
        assert left == (
            None if form == "compacted" else "features 0x20000 of XSAVE (AMX tile shapes)"
        )
    out = tmp_path / "out.dmp"
    done = run("export", tmp_path / "made.msl", "--to", "minidump", "-o", out)
    assert done.returncode == (4 if left else 0)  # the thread is known to have more
    assert json.loads(Path(f"{out}.holes.json").read_text())["registers_left_out"] == {}
    written = out.read_bytes()
    assert written.count(expected["zmm31"]) == 1
    with imported(written, tmp_path) as dump:
        again = {one["name"]: bytes(one["value"]) for one in dump.threads[0]["registers"]}
        assert again == values
    parsers = pytest.importorskip("minidump.minidumpfile")
    theirs = parsers.MinidumpFile.parse_bytes(written)
    (thread,) = theirs.threads.threads
    assert thread.ContextObject.Rip == ADDRESS
    assert thread.ThreadContext.DataSize == 1232 + 24 + 64 + 256 + 64 + 512 + 1024 + 8


def amd64() -> bytes:
    context = bytearray(1232)
    struct.pack_into("<I", context, 0x30, 0x100003)
    struct.pack_into("<Q", context, 0x98, ADDRESS)
    struct.pack_into("<Q", context, 0xF8, ADDRESS)
    return bytes(context)


def test_handles_come_in_and_go_out(tmp_path: Path) -> None:
    tail = Tail("<", 1024)
    rows = b""
    handles = [(4, "File", "\\Device\\x"), (8, "Event", ""), (12, "Event", "\\E"), (16, "", "")]
    for number, kind, name in handles:
        places = tail.text(kind) if kind else 0, tail.text(name) if name else 0
        rows += struct.pack("<QIIIIIIII", number, *places, 1, 2, 3, 4, 0, 0)
    listed = struct.pack("<IIII", 16, 40, len(handles), 0) + rows
    misc = struct.pack("<6I", 24, 1, 4711, 0, 0, 0)
    data = made("<", 9, amd64(), [(12, listed), (15, misc)], tail, platform=2)
    with imported(data, tmp_path) as dump:
        (block,) = dump.blocks.of_type("handle_table")
        found = [
            (one["pid"], one["fd"], int(one["handle_type"]), one["path"] or "")
            for one in block.payload["entries"]
        ]
        assert found == [(4711, n, int(kind == "File"), name) for n, kind, name in handles]
        assert note_of(dump)["handle_types"] == "Event: 0x8 0xc"
        (context,) = dump.blocks.of_type("system_context")
        assert context.payload["os_detail"] == "1.2.3"
    out = tmp_path / "out.dmp"
    assert run("export", tmp_path / "made.msl", "--to", "minidump", "-o", out).returncode == 0
    parsers = pytest.importorskip("minidump.minidumpfile")
    theirs = parsers.MinidumpFile.parse(str(out))
    told = theirs.sysinfo
    assert (told.MajorVersion, told.MinorVersion, told.BuildNumber) == (1, 2, 3)
    beside = json.loads(Path(f"{out}.holes.json").read_text())
    assert "handles.access" in beside["fields_written_as_zero"]
    assert [
        (one.Handle, one.TypeName or "", one.ObjectName or "") for one in theirs.handles.handles
    ] == handles
    theirs.file_handle.close()


def test_what_names_the_symbols_of_modules_comes_in_and_goes_out(tmp_path: Path) -> None:
    tail = Tail("<", 2048)
    record = b"RSDS" + bytes(range(16)) + struct.pack("<I", 3) + b"C:\\made; by.pdb\0"
    elf = b"LEpB" + bytes(range(20))
    long = tail.put(bytes(5000))
    rows = b""
    for base, debug, misc in (
        (0x100000, (len(record), tail.put(record)), (0, 0)),
        (0x200000, (len(elf), tail.put(elf)), (9, 9)),
        (0x300000, (0, 0), (0, 0)),
        (0x400000, (5000, long), (0, 0)),
        (0x200000, (len(record), 2048), (0, 0)),  # at the place of another one
    ):
        rows += struct.pack("<QIIII52s", base, PAGE, 0, 0, tail.text(f"m{base:x}"), b"")
        rows += struct.pack("<IIII16s", *debug, *misc, b"")
    data = made("<", 9, amd64(), [(4, struct.pack("<I", 5) + rows)], tail, platform=2)
    with imported(data, tmp_path, code=4) as dump:
        note = note_of(dump)
        assert note["codeview"] == f"0x100000:{record.hex()} 0x200000:{elf.hex()}"
        assert note["codeview_left_out"] == "of 1 modules"
        assert note["misc_records_left_out"] == "of 1 modules"
    out = tmp_path / "out.dmp"
    assert run("export", tmp_path / "made.msl", "--to", "minidump", "-o", out).returncode == 0
    written = out.read_bytes()
    parsers = pytest.importorskip("minidump.minidumpfile")
    theirs = parsers.MinidumpFile.parse_bytes(written)
    told = json.loads(Path(f"{out}.holes.json").read_text())
    assert "modules.codeview" in told["fields_written_as_zero"]
    for kind, size, at in struct.iter_unpack("<III", written[32 : 32 + 12 * 7]):
        if kind == 4:
            listed = written[at + 4 : at + size]
    places = [struct.unpack_from("<II", listed, n + 76) for n in range(0, len(listed), 108)]
    assert [written[at : at + size] for size, at in places] == [record, elf, b"", b""]
    assert len(theirs.modules.modules) == 4


def test_crashpad_and_breakpad_say_more(tmp_path: Path) -> None:
    tail = Tail("<", 2048)
    pairs = struct.pack("<III", 1, tail.utf8("prod"), tail.utf8("Made"))
    simple = tail.put(pairs)
    objects = tail.put(
        struct.pack("<IIHHI", 1, tail.utf8("where"), 1, 0, tail.utf8("here; and there"))
    )
    listed = tail.put(struct.pack("<II", 1, tail.utf8("a line")))
    module = tail.put(struct.pack("<7I", 1, 8, listed, 12, simple, 16, objects))
    modules = tail.put(struct.pack("<IIII", 1, 3, 28, module))
    report = bytes(range(16))
    info = struct.pack("<I16s16sIIII", 1, report, bytes(16), 12, simple, 16, modules)
    asked = struct.pack("<III", 3, 1, 77)
    more = [
        (0x43500001, info),
        (0x47670001, asked),
        (0x47670007, b"A=1\0"),
        (0x4D7A0009, b"?"),
        (0x47670008, struct.pack("<4Q", 6, 4096, 0, 0)),
        (10, b"*** procdump -ma 77\0"),
        (11, "*** Manual dump\0".encode("utf-16-le")),
    ]
    data = made("<", 9, amd64(), more, tail)
    with imported(data, tmp_path) as dump:
        note = note_of(dump)
        assert note["comment"] == "*** procdump -ma 77 *** Manual dump"
        assert dump.blocks[0].payload["source_format"].name == "procdump"
        assert note["crashpad_report"] == "03020100-0504-0706-0809-0a0b0c0d0e0f"
        assert note["annotations"] == (
            "prod=Made, module 3: a line, module 3: prod=Made, module 3: where=here, and there"
        )
        assert note["streams_left_out"] == "LinuxEnviron:0x47670007 unknown:0x4d7a0009"
        assert bytes.fromhex(note["auxiliary"]) == struct.pack("<4Q", 6, 4096, 0, 0)
        assert "current" in dump.threads[0]["flags"].names
        assert note["unknown"].endswith("thread_start_time protection")


def test_what_nobody_knows_is_said(tmp_path: Path) -> None:
    info = struct.pack("<IIQ", 16, 48, 1)
    info += struct.pack("<QQIIQIIII", ADDRESS, ADDRESS, 4, 0, PAGE, 0x1000, 0x3, 0x20000, 0)
    data = made("<", 0x8001, amd64(), [(16, info)], Tail("<", 1024), platform=0x8202)
    with imported(data, tmp_path, code=4) as dump:
        note = note_of(dump)
        assert note["platform"] == "0x8202, which nobody here knows"
        assert note["machine"] == "0x8001, whose registers nobody here knows"
        assert note["unknown"].endswith("protection")
        assert not dump.threads


def test_the_extended_thread_list_and_when_threads_began(tmp_path: Path) -> None:
    tail = Tail("<", 1024)
    context = amd64()
    place, memory = tail.put(context), tail.put(page(1))
    row = thread_row("<", 78, (len(context), place)) + struct.pack("<QII", 0, 0, 0)
    created = 116_444_736_000_000_000 + 5 * 10**7
    times = struct.pack("<III", 12, 64, 1)
    times += struct.pack("<IIII6Q", 78, 0, 0, 0, created, 0, 0, 0, 0, 0)
    streams = [
        (7, system("<", 9, 2)),
        (8, struct.pack("<I", 1) + row),
        (17, times),
        (5, struct.pack("<IQII", 1, ADDRESS, PAGE, memory)),
    ]
    with imported(laid_out("<", streams, tail.data, tail.at), tmp_path) as dump:
        (thread,) = dump.threads
        assert (thread["thread_id"], thread["start_time"]) == (78, 5 * 10**9)


def test_the_cause_and_the_owner_of_a_core_come_back(tmp_path: Path) -> None:
    from foreign_files import elf_core, note, status

    words = struct.pack("<27Q", *range(0x2000, 0x2000 + 27))
    person = struct.pack(
        "<BcBB4xQIIiiii16s80s", 0, b"R", 0, 0, 0, 1001, 1002, 42, 7, 8, 9, b"made", b"made"
    )
    vector = struct.pack("<6Q", 3, ADDRESS, 6, 4096, 0, 0)
    notes = note("<", b"CORE", 3, person) + status("<", True, 42, words)
    notes += note("<", b"CORE", 6, vector)
    data = elf_core("<", True, 62, notes, [(ADDRESS, page(1), PAGE, 6)])
    with imported(data, tmp_path) as dump:
        found = note_of(dump)
        assert (found["signal"], found["user"], found["group"]) == ("11", "1001", "1002")
    core = tmp_path / "again.core"
    assert run("export", tmp_path / "made.msl", "--to", "elf-core", "-o", core).returncode == 0
    elffile = pytest.importorskip("elftools.elf.elffile")
    with core.open("rb") as file:
        notes_found = {
            one["n_type"]: one["n_desc"]
            for segment in elffile.ELFFile(file).iter_segments()
            if segment["p_type"] == "PT_NOTE"
            for one in segment.iter_notes()
        }
    assert notes_found["NT_PRPSINFO"]["pr_uid"] == 1001
    assert notes_found["NT_PRPSINFO"]["pr_gid"] == 1002
    assert vector in core.read_bytes()
    zero = json.loads(Path(f"{core}.holes.json").read_text())["fields_written_as_zero"]
    assert "state" in zero
    assert not {"user", "group", "session_id", "signal"} & set(zero)
    with msl_construct.open(tmp_path / "made.msl") as dump:
        assert dump.verify().intact


def test_a_damaged_part_that_the_others_do_without(tmp_path: Path) -> None:
    """Handles, names, comments behind the end of the file: said, and everything else is there."""
    data = bytearray(made("<", 9, amd64(), [(12, b""), (24, b""), (10, b"")], Tail("<", 1024)))
    for row in range(3, 6):
        struct.pack_into("<II", data, 32 + 12 * row + 4, 100, len(data))
    with imported(bytes(data), tmp_path, code=4) as dump:
        assert len(dump.threads) == 1
        assert bytes(dump.memory.read(ADDRESS, PAGE)) == page(1)
        note = dump.blocks[0].payload["note"]
        for name in ("handle data", "thread names", "comment"):
            assert f"fault={name}" in note


def test_numbers_that_a_core_has_no_room_for_are_told(tmp_path: Path) -> None:
    """Whoever writes a note may say anything in it."""
    from foreign_files import elf_core, status

    words = struct.pack("<27Q", *range(0x2000, 0x2000 + 27))
    data = elf_core("<", True, 62, status("<", True, 42, words), [(ADDRESS, page(1), PAGE, 6)])
    with imported(data, tmp_path) as dump:
        process = captured(dump)
        for number in (1 << 15, 1 << 31, 9999999999):
            found = write_core(replace(process, signal=number), io.BytesIO())
            assert "signal" in found.told.fields
        found = write_core(replace(process, pid=(1 << 31) + 1, session_id=5), io.BytesIO())
        assert "pid" in found.told.fields
        assert "session_id" not in found.told.fields


@pytest.mark.parametrize("form", [1 << 63, 0])
def test_a_feature_that_is_not_there_whole_is_not_read(form: int, tmp_path: Path) -> None:
    """Zeros in place of what the minidump gives no room to would be values nobody captured."""
    context = bytearray(amd64())
    struct.pack_into("<I", context, 0x30, 0x10005F)
    area = struct.pack("<QQ", 4, form and form | 4).ljust(64, b"\0") + bytes(range(256))
    behind = struct.pack("<iIiIiI", -1232, 1232 + 24 + len(area), -1232, 1232, 24, len(area))
    place = struct.pack("<II", 576, 8)
    config = struct.pack("<IIQ", 528, 4096, 4) + (bytes(16) + place).ljust(512, b"\0")
    misc = struct.pack("<I", 1364).ljust(832, b"\0") + config + bytes(4)
    data = made("<", 9, bytes(context) + behind + area, [(15, misc)], Tail("<", 4096), platform=2)
    with imported(data, tmp_path) as dump:
        assert "xmm0" in registers(dump)
        assert "ymm0" not in registers(dump)
        assert note_of(dump)["registers_left_out"] == "features 0x4 of XSAVE (AVX)"


def test_an_area_that_a_context_only_speaks_of_is_told(tmp_path: Path) -> None:
    """As Windows writes contexts of exceptions."""
    context = bytearray(amd64())
    struct.pack_into("<I", context, 0x30, 0x10005F)
    with imported(made("<", 9, bytes(context), [], Tail("<", 4096), platform=2), tmp_path) as dump:
        expected = "the XSAVE areas behind contexts of 1 threads"
        assert note_of(dump)["registers_lacking"] == expected
