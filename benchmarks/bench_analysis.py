"""Searching, strings, YARA and comparing, against what the same machine does with plain bytes."""

from __future__ import annotations

import mmap
import os
import random
import shutil
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

from dumps import Region, dense
from measure import (
    GIB,
    MIB,
    MSL,
    Row,
    Setting,
    compare,
    in_turns,
    note,
    python,
    watch_child,
)

import msl_construct
from msl_construct import analysis

NAME = "analysis"
NEEDLE = b"a needle of 20 bytes"
RULES = """
rule text { strings: $a = "nowhere to be found" condition: $a }
rule some_bytes { strings: $b = { 4d 5a 90 00 [4-8] de ad be ef } condition: $b }
rule expression { strings: $r = /[A-Z]{6}-[0-9]{12}-nowhere/ condition: $r }
rule in_utf16 { strings: $w = "nowhere at all" wide nocase condition: $w }
"""


def run(setting: Setting) -> list[Row]:
    """All rows of this benchmark."""
    size = setting.size(GIB, 16 * MIB)
    path, other = setting.tmp / "analysis.msl", setting.tmp / "analysis-other.msl"
    try:
        note(f"writing {size / MIB:.0f} MiB of text, noise, code and zeros")
        shape = dense(path, [Region(4096)] * (size // (16 * MIB)))
        _filled(path, shape.data)
        rows = [_fixed(setting, path, size), _pointers(setting, path, size)]
        rows += _strings(setting, path, size)
        rows += _rules(setting, path, size)
        rows += _noise(setting, other)
        size = setting.size(4 * GIB, 16 * MIB)
        note(f"writing twice {size / MIB:.0f} MiB of the same")
        shape = dense(path, [Region(4096)] * (size // (16 * MIB)))
        _filled(path, shape.data)
        return [*rows, *_difference(setting, path, other, shape.data, size)]
    finally:
        path.unlink(missing_ok=True)
        other.unlink(missing_ok=True)


def _filled(path: Path, places: list[tuple[int, int]]) -> None:
    """The same file with a mix of data in it; its hashes are of no interest here."""
    rng = random.Random(1)
    words = [rng.randbytes(rng.randint(2, 9)).hex().encode() for _ in range(4096)]
    text = b" ".join(rng.choice(words) for _ in range(200_000))
    code = Path(os.path.realpath("/proc/self/exe")).read_bytes()
    kinds = (text, os.urandom(4 * MIB), code, bytes(4 * MIB))
    with path.open("r+b") as file:
        for number, (offset, length) in enumerate(places):
            data = kinds[number % len(kinds)]
            file.seek(offset)
            file.write((data * (length // len(data) + 1))[:length])


def _mapped(path: Path) -> mmap.mmap:
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def _forked(count: int, work: Callable[[int], object]) -> None:
    """The same work in copies of this process, at once."""
    children = []
    for number in range(count):
        child = os.fork()
        if not child:
            try:
                work(number)
            finally:
                os._exit(0)
        children.append(child)
    for child in children:
        assert os.waitpid(child, 0)[1] == 0


def _fixed(setting: Setting, path: Path, size: int) -> Row:
    cores = os.cpu_count() or 1

    def here() -> None:
        with msl_construct.open(path) as dump:
            wanted = [analysis.text_pattern(NEEDLE.decode())]
            places = analysis.Locations(dump)
            assert not list(analysis.search(dump.memory, places, wanted, processes=cores))

    def plain(number: int) -> None:
        with _mapped(path) as mapping:
            part = len(mapping) // cores
            mapping.find(NEEDLE, number * part, (number + 1) * part)

    times = in_turns(setting.rounds, search=here, find=lambda: _forked(cores, plain))
    return compare(
        NAME,
        f"search of 20 bytes in {size / GIB:.3g} GiB, {cores} processes",
        times,
        ("search", "find"),
        size / 1e9,
        unit="GB/s",
        bound_name=f"mmap.find in {cores} processes",
        relation=">=",
        target=0.8,
    )


def _pointers(setting: Setting, path: Path, size: int) -> Row:
    import numpy

    cores = os.cpu_count() or 1

    def here() -> None:
        with msl_construct.open(path) as dump:
            wanted = [analysis.pointer_pattern(0x7FFF_0000_0000, 0x7FFF_0000_1000)]
            places = analysis.Locations(dump)
            list(analysis.search(dump.memory, places, wanted, processes=cores))

    def plain() -> None:
        with _mapped(path) as mapping:
            numpy.frombuffer(mapping, numpy.uint64, len(mapping) // 8).sum()

    times = in_turns(setting.rounds, search=here, sum=plain)
    return compare(
        NAME,
        f"aligned pointers into a range in {size / GIB:.3g} GiB, {cores} processes",
        times,
        ("search", "sum"),
        size / 1e9,
        unit="GB/s",
        bound_name="numpy sums the mapped file",
        relation=">=",
        target=0.5,
    )


def _strings(setting: Setting, path: Path, size: int) -> list[Row]:
    if shutil.which("strings") is None:
        return [Row(NAME, "strings", 0, "GB/s", remark="GNU strings is not installed")]
    rows = []

    def found(least: int) -> None:
        """All of them, each an address and a length."""
        from msl_construct.analysis.islands import read_piece
        from msl_construct.analysis.string_runs import string_runs
        from msl_construct.space import CapturedReader

        with msl_construct.open(path) as dump:
            memory = CapturedReader(dump.memory)
            for start, end in dump.memory.ranges():
                for number in range(-(-(end - start) // MIB)):
                    piece = read_piece(memory, start, end, number, MIB, 1 << 16)
                    for _ in string_runs(piece.data, least, "ascii", piece.first):
                        pass

    where = "each with its region and module"
    for what, least, ours, remark in (
        ("strings of 4 characters, found", 4, lambda: found(4), ""),
        ("msl strings -n 4", 4, lambda: _printed(path, 4), where),
        ("msl strings -n 12", 12, lambda: _printed(path, 12), where),
    ):
        gnu = partial(_silent, ["strings", "-a", "-n", str(least), str(path)])
        times = in_turns(setting.rounds, ours=ours, gnu=gnu)
        rows.append(
            compare(
                NAME,
                f"{what}, {size / GIB:.3g} GiB",
                times,
                ("ours", "gnu"),
                size / 1e9,
                unit="GB/s",
                bound_name=f"GNU strings -n {least}",
                relation=">=",
                target=1.0,
                remark=remark,
            )
        )
    return rows


def _noise(setting: Setting, path: Path) -> list[Row]:
    """Texts that are there by chance: the most that there can be in so many bytes."""
    if shutil.which("strings") is None:
        return []
    size = setting.size(256 * MIB, 16 * MIB)
    shape = dense(path, [Region(4096)] * (size // (16 * MIB)))
    with path.open("r+b") as file:
        for offset, length in shape.data:
            file.seek(offset)
            file.write(os.urandom(length))
    output = setting.tmp / "analysis-strings.txt"
    words = ("strings", path, "-n", 4, "--encoding", "ascii")
    gnu = ["strings", "-a", "-n", "4", "-t", "x", str(path)]
    try:
        times = in_turns(
            setting.rounds,
            ours=lambda: _stored(python(MSL, *words), output),
            gnu=lambda: _stored(gnu, output),
        )
        return [
            compare(
                NAME,
                f"msl strings -n 4 of {size / MIB:.0f} MiB of noise, to a file",
                times,
                ("ours", "gnu"),
                size / 1e9,
                unit="GB/s",
                bound_name="GNU strings -n 4 -t x",
                relation=">=",
                target=1.0,
                remark="each with its region and module",
            )
        ]
    finally:
        output.unlink(missing_ok=True)


def _stored(command: list[str], output: Path) -> None:
    with output.open("wb") as file:
        subprocess.run(command, stdout=file, stderr=subprocess.DEVNULL, check=True)


def _silent(command: list[str]) -> None:
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)


def _printed(path: Path, least: int) -> None:
    words = ("strings", path, "-n", least, "--encoding", "ascii")
    subprocess.run(python(MSL, *words), stdout=subprocess.DEVNULL, check=True)


def _rules(setting: Setting, path: Path, size: int) -> list[Row]:
    engine = analysis.yara_engine("yara_x")
    if engine is None:
        return [Row(NAME, "YARA", 0, "GB/s", remark="yara-x is not installed")]
    import yara_x

    rules = analysis.yara.rule_texts(RULES)
    compiled = yara_x.compile(RULES)

    def here() -> None:
        with msl_construct.open(path) as dump:
            places = analysis.Locations(dump)
            list(analysis.scan_rules(dump, places, rules, engine))

    with _mapped(path) as mapping:
        whole = bytes(mapping)
    times = in_turns(setting.rounds, scan=here, plain=lambda: compiled.scan(whole))
    return [
        compare(
            NAME,
            f"four YARA rules over {size / GIB:.3g} GiB",
            times,
            ("scan", "plain"),
            size / 1e9,
            unit="GB/s",
            bound_name="yara-x on one buffer in memory",
            relation=">=",
            target=0.8,
            remark="with compiling them, reading, and starting processes",
        )
    ]


def _difference(
    setting: Setting, path: Path, other: Path, places: list[tuple[int, int]], size: int
) -> list[Row]:
    shutil.copyfile(path, other)
    with other.open("r+b") as file:  # one page in a hundred is another
        for offset, length in places:
            for at in range(0, length, 100 * 4096):
                file.seek(offset + at + 1234)
                file.write(b"changed")

    def here() -> None:
        with msl_construct.open(path) as a, msl_construct.open(other) as b:
            assert analysis.diff(a, b, processes=os.cpu_count() or 1).pages.changed

    def plain() -> None:
        buffer = bytearray(MIB)
        for name in (path, other):
            with name.open("rb", buffering=0) as file:
                while file.readinto(buffer):
                    pass

    times = in_turns(setting.rounds, diff=here, read=plain)
    child = watch_child(python(MSL, "diff", path, other), expect=1)
    return [
        compare(
            NAME,
            f"diff of two dumps of {size / GIB:.3g} GiB, 1 % of pages changed",
            times,
            ("diff", "read"),
            2 * size / 1e9,
            unit="GB/s",
            bound_name="reading both",
            relation=">=",
            target=0.6,
        ),
        Row(
            NAME,
            "memory of msl diff",
            child.peaks.get("RssAnon", 0) / MIB,
            "MiB",
            judged="measured",
            target=200.0,
            remark="peak RssAnon",
        ),
    ]
