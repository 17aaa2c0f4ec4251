"""Cores in and out, against hashing as often."""

from __future__ import annotations

import os
import struct
from pathlib import Path

from measure import (
    GIB,
    MIB,
    MSL,
    PIECE,
    Row,
    Setting,
    Times,
    compare,
    in_turns,
    note,
    python,
    run_child,
    watch_child,
)

from msl_construct.hashing import new_hasher

NAME = "exchange"
SEGMENTS = 16
PAGE = 4096
HASHES = 3
"""How often an import must hash what it reads: the source, the chain, the file."""


def run(setting: Setting) -> list[Row]:
    """All rows of this benchmark."""
    size = setting.size(2 * GIB, 32 * MIB)
    names = ("core", "kept.msl", "made.msl", "again.core")
    core, kept, dump, again = (setting.tmp / name for name in names)
    beside = Path(f"{again}.holes.json")

    def clear() -> None:
        """Give up what was written, which takes as long as a part of writing it."""
        for path in (dump, again, beside):
            path.unlink(missing_ok=True)

    try:
        note(f"writing a core of {size / MIB:.0f} MiB")
        _write_core(core, size)
        taken = ("import", core, "-o", dump, "--force", "--quiet")
        given = ("export", kept, "--to", "elf-core", "-o", again, "--force", "--quiet")
        run_child(python(MSL, "import", core, "-o", kept, "--quiet"))
        _hash(kept, 1)  # what is written past the page cache is in it from now on
        times = in_turns(
            setting.rounds,
            clear,
            taken=lambda: run_child(python(MSL, *taken)),
            given=lambda: run_child(python(MSL, *given)),
            hashed=lambda: _hash(core, HASHES),
            once=lambda: _hash(core, 1),
            copied=lambda: run_child(["cp", str(kept), str(again)]),
        )
        return [
            _rate("import of a core", times, ("taken", "hashed"), size),
            _rate("export of a core", times, ("given", "once"), size),
            compare(
                NAME,
                f"export of a core, {size / GIB:.3g} GiB, beside a plain copy",
                times,
                ("given", "copied"),
                size / 1e9,
                unit="GB/s",
                bound_name="cp",
                relation=">=",
                remark="what writing as many bytes takes whoever does it",
            ),
            _memory("import", taken, size),
            _memory("export", given, size),
        ]
    finally:
        for path in (core, kept, dump, again, beside):
            path.unlink(missing_ok=True)


def _rate(what: str, times: Times, names: tuple[str, str], size: int) -> Row:
    return compare(
        NAME,
        f"{what}, {size / GIB:.3g} GiB",
        times,
        names,
        size / 1e9,
        unit="GB/s",
        bound_name="hashing it as often",
        relation=">=",
        target=0.6,
        remark="to disk, with the start of Python",
    )


def _write_core(path: Path, size: int) -> None:
    """An ELF core whose segments together have this size."""
    part = size // SEGMENTS // PAGE * PAGE
    offset = -(-(64 + 56 * SEGMENTS) // PAGE) * PAGE
    head = b"\x7fELF" + bytes([2, 1, 1]) + bytes(9)
    head += struct.pack("<HHIQQQIHHHHHH", 4, 62, 1, 0, 64, 0, 0, 64, 56, SEGMENTS, 0, 0, 0)
    for number in range(SEGMENTS):
        place = 0x10000000 + 2 * number * part
        row = (1, 6, offset + number * part, place, 0, part, part, PAGE)
        head += struct.pack("<IIQQQQQQ", *row)
    data = os.urandom(MIB)
    with path.open("wb") as file:
        file.write(head.ljust(offset, b"\0"))
        for at in range(0, SEGMENTS * part, MIB):
            file.write(at.to_bytes(8, "little") + data[8 : min(MIB, SEGMENTS * part - at)])


def _hash(path: Path, times: int) -> None:
    buffer = memoryview(bytearray(PIECE))
    hashers = [new_hasher("blake3") for _ in range(times)]
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(buffer):
            for hasher in hashers:
                hasher.update(buffer[:count])


def _memory(what: str, command: tuple[object, ...], size: int) -> Row:
    peaks = watch_child(python(MSL, *map(str, command))).peaks
    return Row(
        NAME,
        f"memory of {what}, {size / GIB:.3g} GiB",
        peaks.get("VmRSS", 0) / MIB,
        "MiB",
        judged="measured",
        target=200.0,
        remark="peak VmRSS",
    )
