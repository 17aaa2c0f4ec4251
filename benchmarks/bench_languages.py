"""Generated parsers, and schema/msl.h, against this package: the same walk in every language.

Every walk is a program of its own, in `languages/`, and is measured as a whole: what its
runtime needs to start is part of what its users wait for. The time from opening the dump to
the last block, as the program itself measures it, stands in the remark.
"""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from dumps import Region, Shape, sparse
from measure import GIB, KIB, MIB, ROOT, Child, Row, Setting, note, run_child

sys.path.insert(0, str(ROOT / "tests"))
import generated_parsers
from languages.toolchains import Missing

NAME = "languages"
HERE = Path(__file__).parent / "languages"
BASE = "msl_construct"

Command = list[str]


def run(setting: Setting) -> list[Row]:
    """All rows of this benchmark."""
    programs = dict(_programs(setting.tmp))
    dense = [Region(105)] * setting.size(624, 20)  # 256 MiB
    large = [Region(105)] * setting.size(9986, 40)  # 4 GiB
    rows = []
    for regions, names in ((dense, tuple(programs)), (large, (BASE, "msl.h"))):
        path = setting.tmp / "languages.msl"
        shape = sparse(path, regions)
        chosen = {name: programs[name] for name in names if name in programs}
        try:
            for how in ("headers", "full"):
                rows += _case(setting, chosen, path, shape, how)
        finally:
            path.unlink()
    return rows


def _case(
    setting: Setting, programs: dict[str, Command], path: Path, shape: Shape, how: str
) -> Iterator[Row]:
    children: dict[str, list[Child]] = {name: [] for name in programs}
    for _ in range(1 + min(5, setting.rounds)):  # the first is not counted
        for name, command in programs.items():
            children[name].append(run_child([*command, str(path), how], capture=True))
    said = {name: [json.loads(c.output) for c in found[1:]] for name, found in children.items()}
    # Not a race between programs that do different things.
    results = {tuple(one[2:]) for found in said.values() for one in found}
    assert len(results) == 1, results
    assert next(iter(results))[0] == shape.blocks
    size = f"{shape.size / GIB:.2g} GiB" if shape.size > GIB else f"{shape.size / MIB:.0f} MiB"
    for name, found in children.items():
        seconds = [child.seconds for child in found[1:]]
        base = [child.seconds for child in children[BASE][1:]]
        inside = statistics.median(one[0] for one in said[name])
        # As each says itself: ru_maxrss begins with that of the process that started it.
        rss = max(one[1] for one in said[name]) / KIB
        yield Row(
            NAME,
            f"{how}, {shape.blocks} blocks, {size} sparse: {name}",
            1000 * statistics.median(seconds),
            "ms",
            1000 * statistics.median(base),
            bound_name=BASE,
            ratio=statistics.median(a / b for a, b in zip(seconds, base)),
            remark=f"{1000 * inside:.3g} ms without starting; {rss:.0f} MiB",
        )


def _programs(tmp: Path) -> Iterator[tuple[str, Command]]:
    """Every walk that can be run here, by name; the others are named on stderr."""
    yield BASE, [sys.executable, str(HERE / "walk_package.py")]
    makers: dict[str, Callable[[Path], Command]] = {
        "python": _python,
        "javascript": _javascript,
        "java": _java,
        "go": _go,
    }
    for name, make in makers.items():
        try:
            ready = generated_parsers.ready(name)
        except Missing as missing:
            note(f"{name}: not measured: {missing}")
            continue
        yield f"generated {name}", make(Path(shutil.copytree(ready, tmp / name)))
    compiler = shutil.which("gcc")
    if compiler is None:
        note("msl.h: not measured: no gcc")
        return
    binary = str(tmp / "walk")
    options = ["-std=c11", "-O2", f"-I{ROOT / 'schema'}"]
    subprocess.run([compiler, *options, "-o", binary, str(HERE / "walk.c")], check=True)
    yield "msl.h", [binary]


def python_parser(tmp: Path, program: Path) -> Command:
    """A program of ours that uses the generated Python parser.

    Raises:
        Missing: the parser can't be generated here.
    """
    folder = tmp / f"python-{program.stem}"
    return _python(Path(shutil.copytree(generated_parsers.ready("python"), folder)), program)


def _python(folder: Path, program: Path = HERE / "walk_generated.py") -> Command:
    start = f"import sys; sys.path[:0] = [{str(folder)!r}, {str(folder / 'lib')!r}]"
    code = f"{start}; exec(open({str(program)!r}).read())"
    return [sys.executable, "-c", code]


def _javascript(folder: Path) -> Command:
    shutil.copy(HERE / "walk.js", folder)
    return ["node", str(folder / "walk.js")]


def _java(folder: Path) -> Command:
    path = f"{folder}/lib/*:{folder}/classes"
    classes = str(folder / "classes")
    command = ["javac", "-cp", path, "-sourcepath", str(folder), "-d", classes]
    subprocess.run([*command, str(HERE / "Walk.java")], check=True)
    return ["java", "-cp", path, "Walk"]


def _go(folder: Path) -> Command:
    (folder / "walk").mkdir()
    shutil.copy(HERE / "walk.go", folder / "walk" / "main.go")
    subprocess.run(["go", "build", "-o", "walk/walk", "./walk"], cwd=folder, check=True)
    return [str(folder / "walk" / "walk")]
