"""Damaged cores and minidumps: a dump that holds, or an error of ours, within bounds of memory."""

from __future__ import annotations

import io
import os
import random
import struct
import time
import tracemalloc
from collections.abc import Callable
from itertools import islice

import pytest
from conftest import SHARED
from foreign_files import (
    PAGE,
    elf_core,
    macho_core,
    macho_images,
    minidump,
    note,
    page,
    status,
)
from sampling import part_of

import msl_construct
from msl_construct.convert.elf_core.write import write_core
from msl_construct.convert.importing import Origin, import_process
from msl_construct.convert.minidump.write import write_minidump
from msl_construct.convert.raw_write import write_raw
from msl_construct.convert.recognising import read_foreign, recognised
from msl_construct.errors import MslError
from msl_construct.rewrite.agreement import differences
from msl_construct.rewrite.captured import captured
from msl_construct.rules import check
from msl_construct.source import BufferSource

COUNT = int(os.environ.get("MSL_FOREIGN_MUTANTS", "240"))
"""How many mutants there are: 10,000 are the whole."""

LIMIT = 48 << 20
SMALL = 300_000


def made() -> dict[str, bytes]:
    """One file of each format, small enough to be changed everywhere."""
    registers = struct.pack("<27Q", *range(27))
    path = b"/usr/bin/made\0"
    files = struct.pack("<5Q", 1, 4096, 0x10000, 0x12000, 0) + path
    vector = struct.pack("<6Q", 6, 4096, 3, 0x10040, 0, 0)
    info = struct.pack(
        "<BcBB4xQIIiiii16s80s", 0, b"R", 0, 0, 0, 1, 2, 3, 4, 5, 6, b"made", b"made x"
    )
    notes = b"".join(
        (
            note("<", b"CORE", 3, info),
            status("<", True, 12, registers),
            note("<", b"CORE", 2, bytes(512)),
            note("<", b"LINUX", 0x202, bytes(2696)),
            note("<", b"CORE", 6, vector),
            note("<", b"CORE", 0x46494C45, files),
            status("<", True, 13, registers),
        )
    )
    segments = [(0x10000, page(1), 2 * PAGE, 5), (0x40000, page(5)[:1500], PAGE, 6)]
    big = struct.pack(">45I", *range(45))
    system = struct.pack("<HHHBBIIIIIHH24s", 9, 0, 0, 1, 1, 10, 0, 19045, 2, 0, 0, 0, b"")
    modules = struct.pack("<IQIIII52xII8x16x", 1, 0x10000, PAGE, 0, 0, 0, 24, 0x300)
    unloaded = struct.pack("<IIIQIIII", 12, 24, 1, 0x90000, PAGE, 0, 0, 0)
    thread = struct.pack("<IIIIIQQIIII", 1, 77, 0, 0, 0, 0, 0, 0, 0, 1232, 0x100)
    info_list = struct.pack("<IIQ", 16, 48, 1)
    info_list += struct.pack("<QQIIQIIII", 0x10000, 0x10000, 4, 0, PAGE, 0x1000, 4, 0x20000, 0)
    memory = struct.pack("<IQII", 1, 0x10000, 2000, 0x80)
    wide = struct.pack("<QQQQ", 1, 0x80, 0x50000, 1024)
    state = struct.pack("<II21Q", 4, 42, *range(21))
    net = b"".join(
        note("<", name, 33, struct.pack("<26Q", *range(26)))
        for name in (b"NetBSD-CORE@1", b"NetBSD-CORE@", b"NetBSD-CORE@x")
    )
    kept = struct.pack("<ii3Q", 160, 1, 0x10000, 0x11000, 0).ljust(136, b"\0") + b"/bin/made".ljust(
        24, b"\0"
    )
    free = b"".join(
        note("<", b"FreeBSD", kind, content)
        for kind, content in (
            (3, struct.pack("<i4xQ17s81s2xi", 1, 120, b"made", b"made by hand", 77)),
            (1, struct.pack("<i4xQQQiii4x34Q", 1, 0, 0, 0, 14, 11, 100, *range(34))),
            (2, bytes(520)),
            (7, b"worker".ljust(24, b"\0")),
            (10, struct.pack("<i", 1160) + kept * 2),
            (16, struct.pack("<iQQQQ", 16, 3, 0x10040, 0, 0)),
        )
    )
    return {
        "elf": elf_core("<", True, 62, notes, segments),
        "freebsd": elf_core("<", True, 183, free, segments),
        "elf-extended": elf_core("<", True, 62, notes, segments, extended=True),
        "elf-big": elf_core(">", False, 8, status(">", False, 5, big), segments),
        "minidump": minidump(
            [
                (7, system),
                (4, modules),
                (14, unloaded),
                (3, thread),
                (16, info_list),
                (5, memory),
                (9, wide),
                (0x47670009, b"00010000-00011000 r-xp 00000000 00:00 0 /made\n"),
            ],
            tail=bytes(3000),
        ),
        "minidump-more": more(system, thread),
        "minidump-wide": wide_registers(system),
        "netbsd": elf_core("<", True, 62, net, segments),
        "macho": macho_core(segments, [state]),
        "macho-images": macho_images([state])[1],
        "compacted": elf_core("<", True, 62, compacted(registers), segments),
    }


def more(system: bytes, thread: bytes) -> bytes:
    """A minidump with what Crashpad, Breakpad and ProcDump add; every offset is that of zeros."""
    handles = struct.pack("<IIII", 16, 32, 2, 0)
    handles += struct.pack("<QIIIIII", 4, 0x900, 0x910, 0, 0, 0, 0) * 2
    times = struct.pack("<III", 12, 64, 1) + struct.pack("<IIII6Q", 77, 0, 0, 0, 1 << 57, *[0] * 5)
    crashpad = struct.pack("<I16s16sIIII", 1, b"r" * 16, bytes(16), 12, 0x900, 16, 0x940)
    return minidump(
        [
            (7, system),
            (8, thread + bytes(16)),
            (12, handles),
            (17, times),
            (24, struct.pack("<IIQ", 1, 77, 0x900)),
            (0x43500001, crashpad),
            (0x47670001, struct.pack("<III", 3, 1, 77)),
            (0x47670008, struct.pack("<4Q", 6, 4096, 0, 0)),
            (0x47670007, b"A=1\0"),
            (10, b"*** procdump -ma 77\0"),
            (9, struct.pack("<QQQQ", 1, 0x400, 0x10000, 4096)),
        ],
        tail=bytes(8000),
    )


def compacted(registers: bytes) -> bytes:
    """An XSAVE image whose features stand one behind the other, with tiles, and where they do."""
    mask, image = 0x402E7, bytearray(576 + 256 + 64 + 512 + 1024 + 64 + 8192)
    struct.pack_into("<Q", image, 464, mask)
    struct.pack_into("<QQ", image, 512, mask, 1 << 63 | mask)
    rows = b"".join(struct.pack("<4I", bit, 256 << bit, 576, 0) for bit in (2, 5, 18))
    notes = note("<", b"LINUX", 0x202, bytes(image)) + note("<", b"LINUX", 0x205, rows)
    return status("<", True, 12, registers) + notes


def wide_registers(system: bytes) -> bytes:
    """A minidump whose contexts have more behind them."""
    context = bytearray(1232)
    struct.pack_into("<I", context, 0x30, 0x10005F)
    area = struct.pack("<QQ", 0x8E6, 1 << 63 | 0xAE6).ljust(64, b"\0") + bytes(2600)
    context += struct.pack("<iIiIiI", -1232, 0, -1232, 1232, 24, len(area)) + area
    config = struct.pack("<IIQ", 528, 4000, 0xAE7).ljust(528, b"\1")
    thread = struct.pack("<IIIIIQQIIII", 1, 77, 0, 0, 0, 0, 0, 0, 0, len(context), 0x700)
    streams = [
        (7, system),
        (3, thread),
        (15, struct.pack("<6I", 1364, 1, 77, 0, 0, 0).ljust(832, b"\0") + config + bytes(4)),
        (9, struct.pack("<QQQQ", 1, 0x400, 0x10000, 4096)),
    ]
    front = minidump(streams)
    assert len(front) <= 0x700
    return front.ljust(0x700, b"\0") + context + bytes(2000)


def specimens() -> dict[str, bytes]:
    found = made()
    for path in sorted((SHARED / "samples" / "foreign").glob("*.*")):
        if path.suffix in (".dmp", ".elf") and path.stat().st_size < SMALL:
            found[path.name] = path.read_bytes()
    return found


SPECIMENS = specimens()


def flipped(data: bytearray, dice: random.Random) -> None:
    for _ in range(dice.randint(1, 8)):
        data[dice.randrange(_front(data))] ^= 1 << dice.randrange(8)


def cut(data: bytearray, dice: random.Random) -> None:
    del data[dice.randrange(len(data)) :]


def numbers(data: bytearray, dice: random.Random) -> None:
    """Values that are where a length or an offset may be."""
    for _ in range(dice.randint(1, 4)):
        width = dice.choice((2, 4, 8))
        at = dice.randrange(max(1, _front(data) - width)) & ~(width - 1)
        value = dice.choice((0, 1, len(data), 1 << 31, (1 << 32) - 1, 1 << 47, (1 << 64) - 1))
        data[at : at + width] = (value & (1 << 8 * width) - 1).to_bytes(width, "little")


def moved(data: bytearray, dice: random.Random) -> None:
    first, second = sorted(dice.randrange(_front(data)) for _ in range(2))
    data[first:second] = data[first:second][::-1] if dice.random() < 0.3 else b""


def _front(data: bytearray) -> int:
    """Where structures stand, more than contents."""
    return max(1, min(len(data), 6000))


WAYS: tuple[Callable[[bytearray, random.Random], None], ...] = (flipped, cut, numbers, moved)


def mutant(name: str, number: int) -> bytes:
    """A changed file: the same for the same number."""
    data = bytearray(SPECIMENS[name])
    WAYS[number % len(WAYS)](data, random.Random(number))
    return bytes(data)


@pytest.mark.parametrize("name", SPECIMENS)
def test_mutants(name: str) -> None:
    mine = range(list(SPECIMENS).index(name), COUNT, len(SPECIMENS))
    for number in part_of(mine, lambda one: one % len(WAYS)):
        judge(mutant(name, number), f"{name} {number}")


def judge(data: bytes, what: str, *, measured: bool = True) -> str:
    """Import a file, and look at what comes of it: "refused" or "imported".

    Args:
        measured: take the memory that an import needs, in which it takes twice the time.

    Raises:
        AssertionError: an error that is not documented, too much memory or time, or a dump that
            does not hold or has findings, is not what it was made of, or can't be exported.
    """
    out = io.BytesIO()
    if measured:
        tracemalloc.start()
    began = time.process_time()
    try:
        source = BufferSource(data)
        process, kind = read_foreign(source, recognised(source))
        import_process(process, Origin(source, kind, "mutant"), out, clock=lambda: 1)
    except MslError:
        return "refused"
    except Exception as error:
        raise AssertionError(what) from error
    finally:
        peak = tracemalloc.get_traced_memory()[1]  # 0 unless it is measured
        tracemalloc.stop()
        assert peak < LIMIT, (what, peak)
        assert time.process_time() - began < 20, what
    with msl_construct.open(out.getvalue()) as dump:
        verdict = dump.verify()
        assert verdict.intact, what
        assert verdict.complete, what
        found = [f"{one.rule.id}: {one.found}" for one in check(dump)]
        assert not found, (what, found[:4])
        differs = list(islice(differences(process, dump), 4))
        assert not differs, (what, differs)
        exported(dump, what)
    return "imported"


def exported(dump: msl_construct.Dump, what: str) -> None:
    """Write what was imported in every format, into nothing that can be seeked in."""
    process = captured(dump)
    for write in (write_core, write_minidump, write_raw):
        try:
            write(process, io.BytesIO())
        except MslError:
            continue
        except Exception as error:
            raise AssertionError(f"{what}, exported by {write.__name__}") from error


def test_the_files_that_are_changed_are_read() -> None:
    for name, data in made().items():
        source = BufferSource(data)
        process, _ = read_foreign(source, recognised(source))
        assert any(run[2] == "captured" for run in process.space.states(0x10000, 0x11000)), name
