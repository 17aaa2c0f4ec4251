"""Real cores and minidumps as dumps: memory, modules and threads are those of a second parser."""

from __future__ import annotations

import io
import logging
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from commands import run
from conftest import SHARED, shared

import msl_construct
from msl_construct import Dump

FOLDER = SHARED / "samples" / "foreign"
CORES = ("core_linux32.elf", "core_linux64.elf")
BROKEN = ("invalid-range.dmp", "invalid-record-count.dmp")
MINIDUMPS = sorted(path.name for path in FOLDER.glob("*.dmp") if path.name not in BROKEN) or [
    "test.dmp"
]


@pytest.fixture
def imported(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Path, Dump]]:
    """A foreign file, and the dump that it was imported as."""
    source = shared("samples", "foreign", request.param)
    made = tmp_path / "made.msl"
    done = run("import", source, "-o", made, "--check")
    assert done.returncode == 0, done.stderr
    checked = run("check", made)
    assert checked.returncode == 0, checked.stdout
    with msl_construct.open(made) as dump:
        assert dump.verify().intact
        yield source, dump


def edges_of(dump: Dump) -> dict[int, bytes]:
    """The bytes of pages that were not held whole."""
    text = dump.blocks[0].payload["note"]
    found = re.findall(r"edge=(0x[0-9a-f]+):([0-9a-f]+)", text)
    return {int(address, 16): bytes.fromhex(data) for address, data in found}


def bytes_at(dump: Dump, edges: dict[int, bytes], address: int, size: int) -> bytes:
    """What the dump has of a range: of pages, and of the pieces in its note."""
    out = bytearray()
    memory = dump.memory.read(address, size)
    at = 0
    pieces = sorted(edges.items())
    for start, length, state in memory.runs:
        if state == "captured":
            out += memory.data[at : at + length]
            at += length
            continue
        for base, data in pieces:
            low, high = max(start, base), min(start + length, base + len(data))
            if low < high:
                out += data[low - base : high - base]
    return bytes(out)


@pytest.mark.parametrize("imported", CORES, indirect=True)
def test_a_core_is_what_pyelftools_reads(imported: tuple[Path, Dump]) -> None:
    elffile = pytest.importorskip("elftools.elf.elffile")
    source, dump = imported
    compared = 0
    with source.open("rb") as file:
        core = elffile.ELFFile(file)
        notes: list[Any] = []
        for segment in core.iter_segments():
            if segment["p_type"] == "PT_NOTE":
                notes += list(segment.iter_notes())
            elif segment["p_type"] == "PT_LOAD":
                data = segment.data()
                memory = dump.memory.read(segment["p_vaddr"], segment["p_memsz"])
                assert bytes(memory.data) == data
                states = {run[2] for run in memory.runs}
                assert states <= {"captured", "failed"}
                compared += len(data)
    assert compared > 100_000
    by_type = {one["n_type"]: one["n_desc"] for one in notes}
    process = by_type["NT_PRPSINFO"]
    identity = next(dump.blocks.of_type("process_identity")).payload
    assert dump.header.record["pid"] == process["pr_pid"]
    assert (identity["ppid"], identity["session_id"]) == (process["pr_ppid"], process["pr_sid"])
    assert identity["cmd_line"] == process["pr_psargs"].rstrip(b"\0 ").decode()
    files = by_type["NT_FILE"]
    rows = {
        (row["vm_start"], row["vm_end"] - row["vm_start"], path.decode())
        for row, path in zip(files["Elf_Nt_File_Entry"], files["filename"])
    }
    mapped = next(dump.blocks.of_type("vas_map")).payload["entries"]
    found = {
        (one["base_addr"], one["region_size"], one["mapped_path"])
        for one in mapped
        if one["mapped_path"]
    }
    assert found == rows
    assert {one["path"] for one in dump.modules} == {path for _, _, path in rows}
    assert len(dump.threads) == sum(1 for one in notes if one["n_type"] == "NT_PRSTATUS")


def contexts(thread: Any) -> dict[str, int]:
    """General registers as the `minidump` package reads them."""
    context = thread.ContextObject
    return {
        name.lower(): getattr(context, name)
        for name in vars(context)
        if re.fullmatch(r"R[a-z0-9]{1,3}|E[a-z]{2}", name)
    }


def without_unknown(data: bytes) -> bytes:
    """The other parser stops at a stream that it does not know: they are marked as unused."""
    known = pytest.importorskip("minidump.constants").MINIDUMP_STREAM_TYPE
    count, directory = struct.unpack_from("<II", data, 8)
    changed = bytearray(data)
    for at in range(directory, directory + 12 * count, 12):
        (kind,) = struct.unpack_from("<I", data, at)
        if kind not in {one.value for one in known}:
            struct.pack_into("<I", changed, at, 0)
    return bytes(changed)


@pytest.mark.parametrize("imported", MINIDUMPS, indirect=True)
def test_a_minidump_is_what_another_parser_reads(imported: tuple[Path, Dump]) -> None:
    parsers = pytest.importorskip("minidump.minidumpfile")
    logging.disable(logging.CRITICAL)  # it tells of its own failures there
    source, dump = imported
    try:
        theirs = parsers.MinidumpFile.parse_bytes(without_unknown(source.read_bytes()))
    finally:
        logging.disable(logging.NOTSET)
    data = source.read_bytes()
    edges = edges_of(dump)
    compared = 0
    for listed in (theirs.memory_segments, theirs.memory_segments_64):
        for one in listed.memory_segments if listed is not None else ():
            expected = data[one.start_file_address :][: one.size]
            assert bytes_at(dump, edges, one.start_virtual_address, one.size) == expected
            compared += one.size
    assert compared
    modules = {(one["base_addr"], one["module_size"], one["path"]) for one in dump.modules}
    assert modules == {(one.baseaddress, one.size, one.name) for one in theirs.modules.modules}
    threads = {one["thread_id"]: one for one in dump.threads}
    crashed = (
        {one.ThreadId for one in theirs.exception.exception_records} if theirs.exception else set()
    )
    for thread in theirs.threads.threads:
        found = {one["name"]: bytes(one["value"]) for one in threads[thread.ThreadId]["registers"]}
        if thread.ThreadId in crashed:
            assert "crashed" in threads[thread.ThreadId]["flags"].names
            continue  # its context is that of the exception
        expected = contexts(thread) if thread.ContextObject else {}
        for name, value in expected.items():
            assert int.from_bytes(found[name], "little") == value, name
    assert len(threads) == len(theirs.threads.threads)


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_one_is_refused_with_the_reason(name: str, tmp_path: Path) -> None:
    made = tmp_path / "made.msl"
    done = run("import", shared("samples", "foreign", name), "-o", made)
    assert done.returncode == 3
    assert b"holds nothing of a process" in done.stderr
    assert not made.exists()


def test_what_wine_said_of_its_target(tmp_path: Path) -> None:
    """The target wrote down its own pages, its threads, and where its program counter is."""
    told = shared("samples", "foreign", "wine-target.txt").read_text().splitlines()
    facts = {tuple(line.split()[:2]): line.split()[2:] for line in told}
    made = tmp_path / "made.msl"
    assert run("import", FOLDER / "wine-normal.dmp", "-o", made).returncode == 0
    with msl_construct.open(made) as dump:
        assert dump.header.record["pid"] == int(told[0].split()[1])
        spinning = next(
            one for one in dump.threads if str(one["thread_id"]) == facts[("thread", "spin")][0]
        )
        assert spinning["registers"]
        edges = edges_of(dump)
        address, size, expected = facts["buffer", "stack"]
        assert bytes_at(dump, edges, int(address, 16), int(size)) == bytes.fromhex(expected)


def test_what_is_no_dump_of_a_process_is_refused(tmp_path: Path) -> None:
    for data, words in (
        (b"MEMSLICE" + bytes(100), b"msl convert"),
        (b"\x7fELF" + bytes(4), b"e_ident"),
        (b"PK\x03\x04", b"found 504b0304; a zip file: unzip"),
        (b"\x28\xb5\x2f\xfd" + bytes(99), b"a zstd file: zstd -d"),
        (b"PAGEDU64" + bytes(99), b"a dump of a whole machine"),
        (b"anything" + bytes(99), b"--format raw"),
        (b"", b"--format raw"),
    ):
        source = tmp_path / "source"
        source.write_bytes(data)
        done = run("import", source, "-o", tmp_path / "made.msl")
        assert done.returncode == 3, data
        assert words in done.stderr
        assert not (tmp_path / "made.msl").exists()


def test_standard_output_takes_it_as_well(tmp_path: Path) -> None:
    source = shared("samples", "foreign", "test.dmp")
    done = run("import", source, "-o", "-")
    assert done.returncode == 0
    with msl_construct.open(io.BytesIO(done.stdout)) as dump:
        assert dump.verify().intact
