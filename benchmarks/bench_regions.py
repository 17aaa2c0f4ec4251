"""Listing very many regions, and reading where they overlap.

`Dump.regions` is held against the generated Python parser, as each measures itself, and
``inspect --json`` against a walk with schema/msl.h, both as whole programs. The interpreter finds
the modules compiled, as it does wherever the package is installed.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from bench_languages import HERE, python_parser
from dumps import Region, sparse
from measure import GIB, KIB, MSL, ROOT, Child, Row, Setting, compare, in_turns, note, python
from measure import run_child as run_program

sys.path.insert(0, str(ROOT / "tests"))
from languages.toolchains import Missing

NAME = "regions"


def run(setting: Setting) -> list[Row]:
    """All rows of this benchmark."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = str(setting.tmp / "compiled")
    return [*_parsed(setting), *_printed(setting), *_overlapping(setting)]


def _turns(setting: Setting, **commands: list[str]) -> dict[str, list[Child]]:
    children: dict[str, list[Child]] = {name: [] for name in commands}
    for _ in range(1 + setting.rounds):
        for name, command in commands.items():
            children[name].append(run_program(command, capture=True))
    return {name: found[1:] for name, found in children.items()}  # the first is not counted


def _row(what: str, times: dict[str, list[float]], bound: str, target: float, remark: str) -> Row:
    measured, held_against = times["measured"], times["bound"]
    ratios = [a / b for a, b in zip(measured, held_against)]
    return Row(
        NAME,
        what,
        1000 * statistics.median(measured),
        "ms",
        1000 * statistics.median(held_against),
        bound_name=bound,
        ratio=statistics.median(ratios),
        low=min(ratios),
        high=max(ratios),
        target=target,
        remark=remark,
    )


def _parsed(setting: Setting) -> Iterator[Row]:
    """`Dump.regions`; every region has one page, because the generated parser reads page data."""
    try:
        generated = python_parser(setting.tmp, HERE / "regions_generated.py")
    except Missing as missing:
        note(f"generated parser: not measured: {missing}")
        return
    path = setting.tmp / "parsed.msl"
    count = setting.size(20_000, 200)
    sparse(path, [Region(1)] * count)
    own = [sys.executable, str(HERE / "regions_package.py")]
    children = _turns(setting, measured=[*own, str(path)], bound=[*generated, str(path)])
    path.unlink()
    said = {name: [json.loads(child.output) for child in found] for name, found in children.items()}
    assert len({tuple(one[1:]) for found in said.values() for one in found}) == 1, said
    times = {name: [one[0] for one in found] for name, found in said.items()}
    yield _row(
        f"dump.regions, {count} regions of {4 * KIB} bytes",
        times,
        "the generated Python parser",
        1.0,
        "from opening the file; as the programs measure it",
    )


def _printed(setting: Setting) -> Iterator[Row]:
    compiler = shutil.which("gcc")
    if compiler is None:
        note("msl.h: not measured: no gcc")
        return
    walk = setting.tmp / "walk-regions"
    options = ["-std=c11", "-O2", f"-I{ROOT / 'schema'}"]
    subprocess.run([compiler, *options, "-o", walk, str(HERE / "walk.c")], check=True)
    path = setting.tmp / "printed.msl"
    count = setting.size(20_000, 200)
    shape = sparse(path, [Region(105)] * count)
    children = _turns(
        setting,
        measured=python(MSL, "inspect", "--json", path),
        bound=[str(walk), str(path), "headers"],
    )
    path.unlink()
    times = {name: [child.cores for child in found] for name, found in children.items()}
    yield _row(
        f"inspect --json, {count} regions, {shape.size / GIB:.1f} GiB sparse",
        times,
        "walk with schema/msl.h",
        10.0,
        "processor time of both as whole programs, starting included",
    )


def _overlapping(setting: Setting) -> Iterator[Row]:
    """Pages of a region that spans all others, read one by one."""
    sys.path.insert(0, str(ROOT))
    import msl_construct

    counts = {"few": setting.size(1_000, 50), "many": setting.size(16_000, 100)}
    dumps = {}
    for name, count in counts.items():
        path = setting.tmp / f"{name}.msl"
        _one_spans_all(path, count)
        dumps[name] = msl_construct.open(path)
    try:
        pages = counts["few"]

        def reading(name: str) -> None:
            memory, step = dumps[name].memory, counts[name] // pages
            for page in range(0, step * pages, step):
                memory.read(_BASE + (page << 12), 1 << 12)

        times = in_turns(setting.rounds, many=lambda: reading("many"), few=lambda: reading("few"))
    finally:
        for dump in dumps.values():
            dump.close()
    yield compare(
        NAME,
        f"{pages} pages where one of {counts['many']} regions spans the others",
        times,
        ("many", "few"),
        bound_name=f"one of {counts['few']}",
        target=2.0,
        remark="once the page maps were looked at, which the first page does",
    )


_BASE = 0x10_0000_0000


def _one_spans_all(path: Path, count: int) -> None:
    """Regions of one page each, moved to stand one behind the other under the last, large one."""
    shape = sparse(path, [Region(1)] * count + [Region(count)])
    with open(path, "r+b") as file:
        for number, (offset, _) in enumerate(shape.data):
            region = Region(1 if number < count else count)
            base = _BASE + (number << 12 if number < count else 0)
            file.seek(offset - region.map - 32)
            file.write(struct.pack("<Q", base))
