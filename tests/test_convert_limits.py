"""Other formats at their edges: what is claimed twice, what is not known, what must stay."""

from __future__ import annotations

import io
import json
import struct
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import IO, Any

import pytest
from commands import PLACE, one_line, run
from foreign_files import PAGE, elf_core, macho_core, note, page, status
from independent import wire
from independent.specimens import LE11, finish, start
from writing import writer

import msl_construct
from msl_construct.convert.elf_core import read as core_reading
from msl_construct.convert.elf_core.mapped_files import FileRow, mappings_of
from msl_construct.convert.elf_core.write import write_core
from msl_construct.convert.minidump.contexts import decode_context, encode_context
from msl_construct.convert.minidump.write import write_minidump
from msl_construct.convert.process import CapturedProcess, MappedRange
from msl_construct.convert.recognising import read_foreign, recognised
from msl_construct.convert.region_plan import planned
from msl_construct.convert.segments import SegmentSpace
from msl_construct.errors import LimitError, MslError
from msl_construct.rewrite.captured import captured
from msl_construct.source import BufferSource, FileSource

SEGMENT = [(0x10000, page(1), PAGE, 6)]


def read(data: bytes) -> CapturedProcess:
    source = BufferSource(data)
    return read_foreign(source, recognised(source))[0]


# -- what comes in ---------------------------------------------------------------------


@pytest.mark.parametrize("first", [0x400, 0x800, 0x900, 0xFFF])
def test_mappings_that_share_a_page(first: int, tmp_path: Path) -> None:
    """Bytes of the second stand where they stood, though its page begins in the first."""
    start, whole = 0x10000, b"".join(map(page, range(1, 5)))
    parts = [
        (start, whole[:first], first, 6),
        (start + first, whole[first:], len(whole) - first, 4),
    ]
    (tmp_path / "source").write_bytes(elf_core("<", True, 62, b"", parts))
    done = run("import", "source", "-o", "made.msl", "--check", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert run("check", "made.msl", folder=tmp_path).returncode == 0
    with msl_construct.open(tmp_path / "made.msl") as dump:
        memory = captured(dump).space.read(start, len(whole))
        assert bytes(memory) == whole
        assert all(one.base_addr % one.page_size == 0 for one in dump.regions)


def test_a_thread_whose_number_is_none() -> None:
    notes = note("<", b"NetBSD-CORE@\xb2", 33, struct.pack("<26Q", *range(26)))
    notes += note("<", b"NetBSD-CORE@1", 33, struct.pack("<26Q", *range(26)))
    found = read(elf_core("<", True, 62, notes, SEGMENT))
    assert [one.thread_id for one in found.threads] == [2, 1]
    assert found.remarks["thread_ids"] == "unknown of 1 threads, which got others: 2"


def test_numbers_of_other_systems_have_the_order_of_the_file() -> None:
    info = struct.pack(">IIII64xii", 1, 160, 11, 0, 4242, 7).ljust(0x7C + 36, b"\0")
    found = read(elf_core(">", True, 43, note(">", b"NetBSD-CORE", 1, info), SEGMENT))
    assert (found.pid, found.ppid, found.signal) == (4242, 7, 11)
    told = struct.pack(">i4xQ17s81s2xi", 1, 120, b"made", b"made by hand", 77)
    found = read(elf_core(">", True, 21, note(">", b"FreeBSD", 3, told), SEGMENT))
    assert found.pid == 77


def test_a_thread_of_freebsd_has_no_number_below_zero() -> None:
    head = struct.pack("<i4xQQQiii4x", 1, 224, 176, 512, 1300000, 11, -2)
    (thread,) = read(elf_core("<", True, 62, note("<", b"FreeBSD", 1, head), SEGMENT)).threads
    assert thread.thread_id == 0xFFFFFFFE


def test_notes_are_counted_over_all_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file can name the same bytes in every one of its segments: they are read once."""
    notes = note("<", b"CORE", 99, b"?") * 20
    data = bytearray(elf_core("<", True, 62, notes, SEGMENT))
    half = len(notes) // 2
    data[64 + 56 : 64 + 2 * 56] = data[64 : 64 + 56]
    twice = read(bytes(data))
    assert twice.remarks["notes_left_out"] == "CORE:0x63*20"
    assert "left out" in twice.faults[0]
    struct.pack_into("<Q", data, 64 + 32, half)
    (start,) = struct.unpack_from("<Q", data, 64 + 8)
    struct.pack_into("<Q", data, 64 + 56 + 8, start + half)
    struct.pack_into("<Q", data, 64 + 56 + 32, half)
    monkeypatch.setattr(core_reading, "MOST_NOTES", 20)
    halves = read(bytes(data))
    assert halves.remarks["notes_left_out"] == "CORE:0x63*20"
    assert not halves.faults
    monkeypatch.setattr(core_reading, "MOST_NOTES", 19)
    with pytest.raises(LimitError):
        read(bytes(data))


def test_files_that_share_addresses_are_taken_once() -> None:
    loads = [MappedRange(at, at + PAGE) for at in range(0, 64 * PAGE, 2 * PAGE)]
    rows = [FileRow(0, 64 * PAGE, PAGE, f"/{number}") for number in range(50)]
    rows.append(FileRow(PAGE, 70 * PAGE, 5 * PAGE, "/last"))
    found = mappings_of(loads, rows, set())
    assert len(found) <= len(loads) + len(rows) + 32
    assert all(one.end <= two.start for one, two in pairwise(found))
    assert (found[-1].start, found[-1].file_offset) == (64 * PAGE, 68 * PAGE)


def test_notes_of_threads_that_nobody_knows_are_told() -> None:
    notes = status("<", True, 12, bytes(27 * 8)) + note("<", b"LINUX", 0x204, bytes(8))
    notes += note("<", b"CORE", 0x53494749, bytes(128)) + note("<", b"CORE", 2, bytes(512))
    found = read(elf_core("<", True, 62, notes, SEGMENT))
    assert found.remarks["notes_left_out"] == "CORE:0x53494749*1 LINUX:0x204*1"


def test_a_command_that_is_shorter_than_what_it_says() -> None:
    data = bytearray(macho_core(SEGMENT, []))
    struct.pack_into("<I", data, 32 + 4, 8)
    with pytest.raises(MslError, match="expected 72 or more"):
        read(bytes(data))


def test_commands_are_counted_before_they_are_read() -> None:
    data = bytearray(macho_core(SEGMENT, []))
    struct.pack_into("<I", data, 16, 1 << 31)
    with pytest.raises(LimitError):
        read(bytes(data))


def test_the_whole_address_space_is_more_than_one_region() -> None:
    whole = MappedRange(0, 1 << 64)
    process = CapturedProcess(
        "linux", "x86_64", SegmentSpace(BufferSource(b""), []), mappings=[whole]
    )
    sizes = [sum(count for count, _ in one.plan) << one.page_size_log2 for one in planned(process)]
    assert sum(sizes) == 1 << 64
    assert max(sizes) < 1 << 64


@pytest.mark.parametrize(
    "row",
    [
        '{"address": "0x0", "length": 1e999, "state": "captured", "offset": 0}',
        '{"address": "0x0", "length": 18446744073709551616, "state": "failed"}',
    ],
)
def test_states_that_no_memory_has(row: str, tmp_path: Path) -> None:
    raw, states = tmp_path / "raw", tmp_path / "states"
    raw.write_bytes(page(1))
    states.write_text(f'{{"states": [{row}]}}')
    words = ("--format", "raw", "--states", states, "-o", tmp_path / "out.msl")
    done = run("import", raw, *words)
    assert done.returncode == 3
    assert b"states: " in done.stderr
    assert one_line(done.stderr)


def test_states_without_bytes_come_back(tmp_path: Path) -> None:
    first = tmp_path / "first.msl"
    first.write_bytes(made([(0x10000, [("captured", 1), ("unmapped", 1), ("not_resident", 2)])]))
    raw = tmp_path / "out.raw"
    assert run("export", first, "--to", "raw", "-o", raw).returncode == 0
    words = ("--format", "raw", "--states", f"{raw}.states.json", "--check")
    done = run("import", raw, "-o", tmp_path / "back.msl", *words)
    assert done.returncode == 0, done.stderr
    with msl_construct.open(tmp_path / "back.msl") as dump:
        runs = dump.memory.read(0x10000, 4 * PAGE).runs
    assert [one[2] for one in runs] == ["captured", "unmapped", "not_resident"]


# -- what goes out ---------------------------------------------------------------------


def made(
    regions: list[tuple[int, list[tuple[str, int]]]],
    modules: list[dict[str, Any]] | None = None,
    registers: list[dict[str, Any]] | None = None,
    thread: int = 7,
    **fields: Any,
) -> bytes:
    """A dump with pages of zeros."""
    file = io.BytesIO()
    categories = ["process_identity", "memory_regions"]
    categories += ["module_list"] if modules else []
    categories += ["thread_contexts"] if registers else []
    with writer(file, LE11, *categories, fields={"flags": ["imported"], **fields}) as out:
        out.add_import_provenance(
            source_format="other", tool_name="test", import_time=1, orig_file_size=1, note=""
        )
        out.add_process_identity()
        if modules:
            rows = [
                {key: one[key] for key in ("base_addr", "module_size", "path")} for one in modules
            ]
            index = out.new_uuid()
            uuids = out.add_module_list_index(rows, block_uuid=index)
            for one, found in zip(modules, uuids):
                out.add_module_entry(block_uuid=found, parent_uuid=index, **one)
        if registers:
            out.add_thread_context(thread_id=thread, flags=["current"], registers=registers)
        for base, runs in regions:
            size = sum(pages for _, pages in runs) * PAGE
            with out.region(base_addr=base, region_size=size) as region:
                for state, pages in runs:
                    if state == "captured":
                        region.captured(bytes(pages * PAGE))
                    else:
                        region.mark(state, pages)
    return file.getvalue()


def exported(data: bytes, folder: Path, form: str, *words: str) -> tuple[int, bytes, Path]:
    dump, out = folder / "dump.msl", folder / "out"
    dump.write_bytes(data)
    done = run("export", dump, "--to", form, "-o", out, *words)
    return done.returncode, done.stderr, out


def register(name: str, size: int, *flags: str) -> dict[str, Any]:
    return {"name": name, "value": bytes([1]) * size, "flags": list(flags)}


POINTERS = [register("rip", 8, "pc"), register("rsp", 8, "sp")]


def test_addresses_that_a_core_of_32_bits_does_not_have(tmp_path: Path) -> None:
    data = made([(0x7F0000000000, [("captured", 1)])], arch_type="x86")
    code, said, out = exported(data, tmp_path, "elf-core")
    assert code == 3
    assert b"32 bits" in said
    assert not out.exists()


@pytest.mark.parametrize("version", ["1.2.3.\u00b2", "1.2.3." + "9" * 5000])
def test_a_version_of_numbers_that_are_none(version: str, tmp_path: Path) -> None:
    module = {"base_addr": 0x10000, "module_size": PAGE, "path": "a.dll", "version": version}
    data = made([(0x10000, [("captured", 1)])], modules=[module])
    code, said, _ = exported(data, tmp_path, "minidump")
    assert code == 0, said


@pytest.mark.parametrize("form", ["elf-core", "minidump"])
def test_vector_registers_that_nobody_knows_are_told(form: str, tmp_path: Path) -> None:
    """A set is written whole: those of it that are not known stand there as zero."""
    names = ["rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", *(f"r{n}" for n in range(8, 16))]
    registers = [*POINTERS, *(register(name, 8) for name in names), register("ymm3", 32)]
    registers.append(register("mxcsr", 4))
    data = made([(0x10000, [("captured", 1)])], registers=registers)
    code, said, out = exported(data, tmp_path, form)
    assert code == 4, said
    told = json.loads(Path(f"{out}.holes.json").read_text())["registers_written_as_zero"]["7"]
    assert {"st0", "fctrl", "xmm2"} <= set(told)
    assert not {"xmm3", "mxcsr", "rax"} & set(told)


@pytest.mark.parametrize("architecture", [5, 12])
def test_a_context_without_floating_point_registers_says_so(architecture: int) -> None:
    values = {"sp": b"\x10" * 4, "pc": b"\x20" * 4}
    data, held, _ = encode_context(architecture, values)
    assert int.from_bytes(data[:4], "little") & 7 == 3
    assert held == {"sp", "pc"}
    names = {one.name for one in decode_context(architecture, data, "<")}
    assert "pc" in names
    assert not names & {"d0", "v0", "fpscr", "fpsr"}
    vector = "d1" if architecture == 5 else "v1"
    data, held, _ = encode_context(architecture, {**values, vector: b"\x30" * 16})
    assert int.from_bytes(data[:4], "little") & 7 == 7
    assert {vector, f"{vector[0]}2"} <= held
    assert vector in {one.name for one in decode_context(architecture, data, "<")}


def test_a_name_is_no_line_of_its_own(tmp_path: Path) -> None:
    forged = "/a\n20000-21000 rwxp 0 00:00 0 /forged"
    module = {"base_addr": 0x10000, "module_size": PAGE, "path": forged}
    code, said, out = exported(
        made([(0x10000, [("captured", 1)])], modules=[module]), tmp_path, "raw"
    )
    assert code == 0, said
    (line,) = Path(f"{out}.maps").read_text().splitlines()
    assert line.startswith("00010000-00011000 ")


def test_states_end_with_the_address_space(tmp_path: Path) -> None:
    code, said, out = exported(made([((1 << 64) - PAGE, [("captured", 1)])]), tmp_path, "raw")
    assert code == 0, said
    (row,) = json.loads(Path(f"{out}.states.json").read_text())["states"]
    assert row["length"] == PAGE == out.stat().st_size


# -- what must stay --------------------------------------------------------------------


def test_what_is_read_is_not_replaced_by_what_stands_beside(tmp_path: Path) -> None:
    data = made([(0x10000, [("captured", 1)])])
    for form, ending in (("elf-core", "holes.json"), ("raw", "maps"), ("raw", "states.json")):
        dump = tmp_path / f"dump.{ending}"
        dump.write_bytes(data)
        done = run("export", dump, "--to", form, "-o", tmp_path / "dump", "--force")
        assert done.returncode == 2
        assert b"is the file that is read" in done.stderr
        assert dump.read_bytes() == data


@pytest.mark.parametrize("option", ["--maps", "--states"])
def test_lists_beside_raw_memory_are_not_replaced(option: str, tmp_path: Path) -> None:
    raw, beside = tmp_path / "raw", tmp_path / "beside"
    raw.write_bytes(page(1))
    beside.write_text("10000-11000 rw-p 0 00:00 0\n")
    done = run("import", raw, "--format", "raw", option, beside, "-o", beside, "--force")
    assert done.returncode == 2
    assert beside.read_text().startswith("10000-")


def test_what_is_said_of_raw_memory_is_said_of_no_other(tmp_path: Path) -> None:
    core = tmp_path / "core"
    core.write_bytes(elf_core("<", True, 62, b"", SEGMENT))
    done = run("import", core, "--pid", "7", "-o", tmp_path / "out.msl")
    assert done.returncode == 2


def test_a_name_that_no_registry_has(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    raw.write_bytes(page(1))
    for option in ("--os", "--arch"):
        words = ("--format", "raw", option, "none-such", "-o", tmp_path / "out.msl")
        done = run("import", raw, *words)
        assert done.returncode == 2
        assert b"x86_64" in done.stderr or b"linux" in done.stderr


def test_a_source_that_changes_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from click.testing import CliRunner

    from msl_construct.cli.importing import import_command
    from msl_construct.convert import importing

    source, out = tmp_path / "raw", tmp_path / "out.msl"
    source.write_bytes(page(1))
    real = importing.import_process

    def changing(*arguments: Any, **options: Any) -> Any:
        found = real(*arguments, **options)
        source.write_bytes(page(2) + page(3))
        return found

    monkeypatch.setattr(importing, "import_process", changing)
    words = [str(source), "--format", "raw", "-o", str(out)]
    assert CliRunner().invoke(import_command, words).exit_code not in (0, 70)
    assert not out.exists()


@pytest.mark.skipif(not Path("/dev/null").exists(), reason="no devices")
def test_nothing_is_written_beside_a_device(tmp_path: Path) -> None:
    dump = tmp_path / "dump.msl"
    dump.write_bytes(made([(0x10000, [("captured", 1)])]))
    done = run("export", dump, "--to", "raw", "-o", "/dev/null", "--quiet")
    assert done.returncode == 0, done.stderr
    assert not Path("/dev/null.maps").exists()


def test_numbers_of_threads_that_do_not_fit(tmp_path: Path) -> None:
    data = made([(0x10000, [("captured", 1)])], registers=POINTERS, thread=1 << 33)
    for form in ("elf-core", "minidump"):
        code, said, out = exported(data, tmp_path, form, "--force")
        assert code == 4
        assert b"has numbers" in said
        assert str(1 << 33) in json.loads(Path(f"{out}.holes.json").read_text())["threads_left_out"]


def test_a_place_that_no_file_has() -> None:
    source = FileSource(io.BytesIO(b"abc"))
    assert source.read((1 << 64) - 1, 4) == b""
    assert source.read(1, 4) == b"bc"


def test_bytes_that_no_state_names_are_told(tmp_path: Path) -> None:
    raw, states = tmp_path / "raw", tmp_path / "states"
    raw.write_bytes(page(1) + page(2) + b"rest")
    rows = [
        {"address": f"{at:#x}", "length": PAGE, "state": "captured", "offset": offset}
        for at, offset in ((0x10000, 0), (0x30000, 0), (0x20000, PAGE))
    ]
    states.write_text(json.dumps({"states": rows}))
    words = ("--format", "raw", "--states", states, "-o", tmp_path / "out.msl")
    done = run("import", raw, *words)
    assert done.returncode == 4
    assert b"4 of the 8196 bytes" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="the shell of Unix")
@pytest.mark.parametrize("form", ["elf-core", "minidump", "raw"])
@pytest.mark.parametrize("way", [">>", ">"])
def test_what_stands_before_it_in_standard_output_stays(
    form: str, way: str, tmp_path: Path
) -> None:
    """Also where pages of zeros become holes of files."""
    code, said, out = exported(made([(0x10000, [("captured", 64)])]), tmp_path, form)
    assert code == 0, said
    behind = tmp_path / "behind"
    command = f'(printf hello; "$0" -m msl_construct export "$1" --to {form} -o -) {way} "$2"'
    words = ["sh", "-c", command, sys.executable, str(tmp_path / "dump.msl"), str(behind)]
    subprocess.run(words, cwd=PLACE, check=True, capture_output=True)
    assert behind.read_bytes() == b"hello" + out.read_bytes()


@pytest.mark.parametrize("form", ["elf-core", "minidump", "raw"])
def test_mappings_end_with_the_addresses(form: str, tmp_path: Path) -> None:
    """A size may say more than there are."""
    builder = start(LE11)
    entries = [
        wire.vas_entry("<", base_addr=base, region_size=1 << 63) for base in (1 << 62, 3 << 62)
    ]
    builder.add(wire.VAS_MAP, wire.vas_map("<", entries))
    last = wire.memory_region("<", [0, 0], base_addr=(1 << 64) - PAGE, page_data=bytes(2 * PAGE))
    builder.add(wire.MEMORY_REGION, last)
    path = tmp_path / "dump.msl"
    path.write_bytes(finish(builder, LE11))
    done = run("export", path, "--to", form, "-o", tmp_path / "out")
    assert done.returncode in (0, 4), done.stderr


@pytest.mark.parametrize("write", [write_core, write_minidump])
def test_registers_of_many_threads_are_not_held(
    write: Callable[[CapturedProcess, IO[bytes]], object],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They stand before the memory, and are put on disk meanwhile when they are many."""
    module = sys.modules[write.__module__]
    monkeypatch.setattr(module, "NOTES_IN_MEMORY", 1 << 16)
    image = bytearray(2696)
    struct.pack_into("<Q", image, 464, 0x2E7)
    struct.pack_into("<Q", image, 512, 0x2E7)
    notes = status("<", True, 1, bytes(216)) + note("<", b"LINUX", 0x202, bytes(image))
    process = read(elf_core("<", True, 62, notes, SEGMENT))
    (thread,) = process.threads
    count = 400
    threads = [thread._replace(thread_id=number) for number in range(1, count + 1)]
    with (tmp_path / "out").open("wb") as file:
        tracemalloc.start()
        write(replace(process, threads=threads), file)
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert (tmp_path / "out").stat().st_size > count * len(image)
    assert used < count * len(image) // 2
