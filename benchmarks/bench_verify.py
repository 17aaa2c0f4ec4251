"""``msl verify`` of a file full of data, against two cores that do nothing but hash."""

from __future__ import annotations

import mmap
import os
from pathlib import Path

from dumps import Region, dense
from measure import (
    GIB,
    MIB,
    MSL,
    Row,
    Setting,
    compare,
    hash_twice,
    in_turns,
    note,
    python,
    run_child,
    watch_child,
)

import msl_construct

NAME = "verify"


def run(setting: Setting) -> list[Row]:
    """All rows of this benchmark."""
    large, small = setting.size(4 * GIB, 32 * MIB), setting.size(GIB, 8 * MIB)
    rows = _case(setting, "2 MiB blocks", Region(512), large, command=True)
    rows += _case(setting, "64 KiB blocks", Region(16), small, command=False)
    return rows


def _case(setting: Setting, what: str, region: Region, size: int, *, command: bool) -> list[Row]:
    """The command, which has targets, or the function behind it, for information."""
    path = setting.tmp / "verify.msl"
    try:
        note(f"writing {size / MIB:.0f} MiB in {what}")
        shape = dense(path, [region] * (size // region.data))
        memory = mmap.mmap(-1, min(size, setting.size(512 * MIB, 8 * MIB)))
        memory.write(os.urandom(MIB) * (len(memory) // MIB))
        times = in_turns(
            setting.rounds,
            verify=lambda: (
                run_child(python(MSL, "verify", path)) if command else _verify_here(path)
            ),
            mapped=lambda: _hash_file(path),
            memory=lambda: hash_twice(memory, size // len(memory)),
        )
        memory.close()
        rows = [
            compare(
                NAME,
                f"{'msl verify' if command else 'Dump.verify'}, {size / GIB:.3g} GiB, {what}",
                times,
                ("verify", bound),
                shape.size / 1e9,
                unit="GB/s",
                bound_name=name,
                relation=">=",
                target=0.8 if command else None,
                remark="with the start of Python" if command else "for information",
            )
            for bound, name in (
                ("mapped", "two threads hash the mapped file"),
                ("memory", "two threads hash memory"),
            )
        ]
        if command:
            rows.append(_memory(path, size))
        return rows
    finally:
        path.unlink(missing_ok=True)


def _verify_here(path: Path) -> None:
    with msl_construct.open(path) as dump:
        verdict = dump.verify()
    assert verdict.intact, verdict
    assert verdict.complete, verdict


def _hash_file(path: Path) -> None:
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapping:
        mapping.madvise(mmap.MADV_SEQUENTIAL)
        hash_twice(mapping)


def _memory(path: Path, size: int) -> Row:
    peaks = watch_child(python(MSL, "verify", path)).peaks
    return Row(
        NAME,
        f"memory of verify, {size / GIB:.3g} GiB",
        peaks.get("RssAnon", 0) / MIB,
        "MiB",
        judged="measured",
        target=200.0,
        remark=f"peak RssAnon; with the mapping {peaks.get('VmRSS', 0) / MIB:.0f} MiB",
    )
