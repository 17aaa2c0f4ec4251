"""ELF cores of live processes: what debuggers see in ours is what they see in gcore's."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import struct
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from acquire_targets import compiled, target
from acquiring import acquire, linux_only
from commands import run

PATIENCE = 120
DEBUGGER = ("thread apply all bt", "thread apply all info all-registers", "info proc mappings")


@dataclass(frozen=True)
class Captured:
    """One stopped process, captured four ways.

    Attributes:
        dump, early: by the acquirer, in both drafts.
        core, early_core: exported from them.
        theirs: gcore's.
        pages: where the target's own pages are.
        auxiliary: what the kernel says of the auxiliary vector.
    """

    dump: Path
    early: Path
    core: Path
    early_core: Path
    theirs: Path
    pages: int
    auxiliary: bytes


def needs(program: str) -> str:
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"needs {program}")
    return found


@pytest.fixture(scope="module")
def captured(tmp_path_factory: pytest.TempPathFactory) -> Captured:
    gcore = needs("gcore")
    needs("gdb")
    folder = tmp_path_factory.mktemp("cores")
    dump, early = folder / "dump.msl", folder / "early.msl"
    with target("threaded") as (process, lines):
        os.kill(process.pid, signal.SIGSTOP)
        until_stopped(process.pid)
        acquire(process.pid, "-o", dump)
        acquire(process.pid, "-o", early, "--draft", "draft-2026-03")
        command = [gcore, "-o", str(folder / "gcore"), str(process.pid)]
        subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE)
        auxiliary = Path(f"/proc/{process.pid}/auxv").read_bytes()
        theirs = folder / f"gcore.{process.pid}"
    for one in (dump, early):
        done = run("export", one, "--to", "elf-core", "-o", one.with_suffix(".core"))
        assert done.returncode == 0, done.stderr
    pages = int(lines[0].split()[1], 16)
    cores = dump.with_suffix(".core"), early.with_suffix(".core")
    return Captured(dump, early, *cores, theirs, pages, auxiliary)


def states(pid: int) -> Iterator[bool]:
    """Whether each thread has stopped."""
    for stat in Path(f"/proc/{pid}/task").glob("*/stat"):
        yield stat.read_text().rpartition(")")[2].split()[0] == "T"


def until_stopped(pid: int) -> None:
    """Wait for every thread."""
    until = time.monotonic() + 60
    while not all(states(pid)):
        assert time.monotonic() < until
        time.sleep(0.01)


@cache
def asked(core: Path, *commands: str) -> list[str]:
    """What gdb says of a core, line by line."""
    words = [word for command in commands for word in ("-ex", command)]
    done = subprocess.run(
        ["gdb", "-nx", "-batch", *words, str(compiled("threaded")), str(core)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return (done.stdout + done.stderr).splitlines()


def headers(core: Path) -> list[tuple[int, int, int]]:
    """Address, offset and bytes of the PT_LOADs of a little-endian core of 64 bits.

    Read with nothing but `struct`.
    """
    found = []
    with core.open("rb") as file:
        head = file.read(64)
        (start,) = struct.unpack_from("<Q", head, 32)
        size, count = struct.unpack_from("<HH", head, 54)
        file.seek(start)
        for row in struct.iter_unpack("<IIQQQQQQ", file.read(size * count)):
            kind, _, offset, address, _, stored, _, _ = row
            if kind == 1:
                found.append((address, offset, stored))
    return found


def loads(core: Path) -> dict[int, bytes]:
    """The memory of a core."""
    data = core.read_bytes()
    return {address: data[offset : offset + size] for address, offset, size in headers(core)}


@linux_only
@pytest.mark.parametrize("which", ["core", "early_core"])
def test_gdb_says_the_same_as_of_its_own_core(captured: Captured, which: str) -> None:
    ours = asked(getattr(captured, which), *DEBUGGER)
    theirs = asked(captured.theirs, *DEBUGGER)
    assert [line for line in ours if "deep (" in line], ours
    assert any("worker" in line or "LWP" in line for line in ours)
    assert any(
        "zmm7 " in line or "ymm7 " in line or "xmm7 " in line or "v7 " in line for line in ours
    )
    assert ours == theirs


@linux_only
def test_its_memory_is_that_of_gdbs_core(captured: Captured) -> None:
    """Byte for byte, wherever both have any; and what ours lacks is listed with its state."""
    ours, theirs = loads(captured.core), loads(captured.theirs)
    compared = 0
    for base, data in ours.items():
        for other, expected in theirs.items():
            start, end = max(base, other), min(base + len(data), other + len(expected))
            if start < end:
                part = expected[start - other : end - other]
                assert data[start - base : end - base] == part, hex(start)
                compared += end - start
    assert compared > 200_000
    listed = json.loads(Path(f"{captured.core}.holes.json").read_text())
    holes = [(int(one["address"], 16), one["length"], one["state"]) for one in listed["holes"]]
    assert (captured.pages + 4096, 7 * 4096, "not_resident") in holes
    assert not any(
        base < at + length and at < base + len(data)
        for at, length, _ in holes
        for base, data in ours.items()
    )


@linux_only
def test_no_page_without_bytes_is_shown(captured: Captured) -> None:
    untouched, marked = captured.pages + 3 * 4096, captured.pages
    lines = asked(captured.core, f"x/s {marked:#x}", f"x/4xb {untouched:#x}")
    assert any("MSL-MARKER-0123456789" in line for line in lines)
    assert f"Cannot access memory at address {untouched:#x}" in lines


@linux_only
def test_the_auxiliary_vector_is_the_kernels(captured: Captured) -> None:
    assert captured.auxiliary in captured.core.read_bytes()


@linux_only
def test_readelf_has_nothing_to_say_against_it(captured: Captured) -> None:
    readelf = needs("readelf")
    for option in ("-hlW", "-nW"):
        done = subprocess.run(
            [readelf, option, captured.core], capture_output=True, timeout=PATIENCE, check=False
        )
        assert done.returncode == 0
        assert not done.stderr, done.stderr


@linux_only
def test_elfutils_unwinds_the_same(captured: Captured) -> None:
    stack = needs("eu-stack")
    shown = []
    for core in (captured.core, captured.theirs):
        done = subprocess.run(
            [stack, "--core", core, "-e", compiled("threaded")],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        lines = done.stdout.splitlines()
        shown.append([line for line in lines if line.startswith(("#", "TID"))])
    assert len(shown[0]) > 20
    assert shown[0] == shown[1]


@linux_only
def test_pyelftools_decodes_it(captured: Captured) -> None:
    elffile = pytest.importorskip("elftools.elf.elffile")
    notes = []
    for core in (captured.core, captured.theirs):
        with core.open("rb") as file:
            (found,) = [
                one for one in elffile.ELFFile(file).iter_segments() if one["p_type"] == "PT_NOTE"
            ]
            notes.append(list(found.iter_notes()))
    by_kind = [
        {(n["n_type"]): n["n_desc"] for n in each if n["n_type"] in ("NT_FILE", "NT_PRPSINFO")}
        for each in notes
    ]
    ours, theirs = by_kind
    rows = [
        [
            (row["vm_start"], row["vm_end"], row["page_offset"] * each["NT_FILE"]["page_size"])
            for row in each["NT_FILE"]["Elf_Nt_File_Entry"]
        ]
        for each in by_kind
    ]
    assert rows[0] == rows[1]
    for key in ("pr_fname", "pr_psargs", "pr_pid", "pr_ppid", "pr_sid"):
        assert ours["NT_PRPSINFO"][key] == theirs["NT_PRPSINFO"][key], key


@linux_only
def test_lldb_sees_the_same(captured: Captured) -> None:
    lldb = needs("lldb")
    untouched = captured.pages + 3 * 4096
    shown = []
    for core in (captured.core, captured.theirs):
        words = [f"target create --core {core} {compiled('threaded')}", "bt all", "register read"]
        words += [f"memory read {captured.pages:#x}"]
        words += [f"memory read {untouched:#x}"] if core == captured.core else []
        done = subprocess.run(
            [lldb, "-b", "--no-lldbinit", *(word for one in words for word in ("-o", one))],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        lines = [line for line in done.stdout.splitlines() if str(core) not in line]
        shown.append([re.sub(r"name = '[^']*', ", "", line) for line in lines])
        if core == captured.core:
            assert f"core file does not contain {untouched:#x}" in done.stderr, done.stderr
            shown[0] = shown[0][: len(lines) - 1]  # the question that only this one was asked
    assert sum("frame #" in line for line in shown[0]) > 20
    assert any("MSL-MARKER-0123" in line for line in shown[0])
    assert shown[0] == shown[1]


def counter(frame: Any) -> int | None:
    """The program counter of a frame; None of the one that the unwinder ends at."""
    try:
        return int(frame.pc)
    except LookupError:
        return None


@linux_only
def test_drgn_sees_the_same(captured: Captured) -> None:
    drgn = pytest.importorskip("drgn")
    shown = []
    for core in (captured.core, captured.theirs):
        program = drgn.Program()
        program.set_core_dump(str(core))
        with contextlib.suppress(drgn.MissingDebugInfoError):
            program.load_default_debug_info()
        traces = {
            thread.tid: [counter(frame) for frame in thread.stack_trace()]
            for thread in program.threads()
        }
        shown.append((traces, program.read(captured.pages, 4096)))
        if core == captured.core:
            with pytest.raises(drgn.FaultError):
                program.read(captured.pages + 3 * 4096, 8)
    assert sum(map(len, shown[0][0].values())) > 20
    assert shown[0] == shown[1]
