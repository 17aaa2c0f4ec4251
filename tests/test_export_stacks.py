"""Stacks in minidumps: the rows of threads lead to the memory that is there."""

from __future__ import annotations

import json
import os
import re
import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from commands import run
from conftest import shared
from foreign_files import PAGE, elf_core, page, status

from msl_construct import Writer

TOOL = "MSL_MINIDUMP_STACKWALK"
"""Environment variable: Breakpad's minidump_stackwalk, where it is not on PATH. The npm package
`minidump` has one."""

BASE = 0x10000
CAPTURED, ABSENT = BASE + PAGE + 0x808, BASE + 4 * PAGE


def registers(pointer: int) -> bytes:
    """General registers of Linux on x86-64: rip, and rsp."""
    values = [0] * 27
    values[16], values[19] = BASE + 8, pointer
    return struct.pack("<27Q", *values)


def rows(data: bytes) -> dict[int, tuple[int, int, int]]:
    """First address, bytes and offset of the stack of each thread."""
    count, directory = struct.unpack_from("<II", data, 8)
    for at in range(directory, directory + 12 * count, 12):
        kind, _, offset = struct.unpack_from("<III", data, at)
        if kind == 3:
            (number,) = struct.unpack_from("<I", data, offset)
            table = struct.iter_unpack("<4I2Q4I", data[offset + 4 : offset + 4 + 48 * number])
            return {row[0]: row[5:8] for row in table}
    raise AssertionError("no thread list")


def test_a_thread_leads_to_its_stack(tmp_path: Path) -> None:
    notes = status("<", True, 1, registers(CAPTURED)) + status("<", True, 2, registers(ABSENT))
    content = page(1) + page(2) + page(3)
    source, dump, made = (tmp_path / name for name in ("core", "dump.msl", "made.dmp"))
    source.write_bytes(elf_core("<", True, 62, notes, [(BASE, content, 6 * PAGE, 6)]))
    assert run("import", source, "-o", dump).returncode == 0
    run("export", dump, "--to", "minidump", "-o", made)
    data = made.read_bytes()
    found = rows(data)
    start, size, offset = found[1]
    assert start <= CAPTURED - 128
    assert start + size == BASE + len(content)
    assert data[offset : offset + size] == content[start - BASE :]
    assert found[2][1:] == (0, 0)
    again = tmp_path / "again.msl"
    done = run("import", made, "-o", again, "--check")
    assert done.returncode in (0, 4), done.stderr
    assert b"differ" not in done.stderr


def test_a_thread_with_more_registers_than_the_dump_has_is_named(tmp_path: Path) -> None:
    dump = tmp_path / "dump.msl"
    header = {
        "cap_bitmap": ["module_list", "process_identity", "thread_contexts"],
        "os_type": "linux",
    }
    header |= {"arch_type": "x86_64", "pid": 7}
    with dump.open("wb") as file, Writer(file, header, draft="draft-2026-10") as out:
        out.add_process_identity(exe_path="/usr/bin/made")
        out.add_module_list_index([])
        for number, flags in ((7, ["current", "partial"]), (8, [])):
            words = {"rip": ["pc"], "rsp": ["sp"]}
            values = [
                {"name": name, "value": bytes(8), "flags": roles} for name, roles in words.items()
            ]
            out.add_thread_context(thread_id=number, flags=flags, registers=values)
    for form in ("elf-core", "minidump"):
        made = tmp_path / form
        done = run("export", dump, "--to", form, "-o", made)
        assert done.returncode == 4
        assert b"thread 7: has registers that the dump does not hold" in done.stderr
        beside = json.loads(Path(f"{made}.holes.json").read_text())
        assert beside["threads_with_more_registers"] == ["7"]


def test_breakpad_finds_the_same_frames(tmp_path: Path) -> None:
    tool = os.environ.get(TOOL) or shutil.which("minidump_stackwalk")
    if tool is None:
        pytest.skip(f"needs minidump_stackwalk, on PATH or in {TOOL}")
    source = shared("samples", "foreign", "breakpad-linux_null_dereference.dmp")
    dump, made = tmp_path / "dump.msl", tmp_path / "made.dmp"
    assert run("import", source, "-o", dump).returncode == 0
    run("export", dump, "--to", "minidump", "-o", made)
    frames = []
    for path in (source, made):
        done = subprocess.run([tool, "-m", path], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        frames.append(re.findall(r"^\d+\|\d+\|.*", done.stdout, re.M))
    assert len(frames[0]) > 5
    assert frames[0] == frames[1]
