"""Under Wine: minidumps of dbghelp become what `msl acquire` captures, and dbghelp reads ours."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import run
from windows.environment import Wine, compiled, dos
from windows.targets import Runner, Target, started
from windows.words import filled

import msl_construct
from msl_construct.reader.dump import Dump

PAGE = 4096
SKIPPED = ("guard", "noaccess", "hole")
"""What Wine puts into minidumps though the process itself could not read it."""


@pytest.fixture(scope="module")
def target(wine: Wine) -> Iterator[Target]:
    with started(wine, wine.folder, "spin", name="dumped") as target:
        yield target


@pytest.fixture(scope="module")
def tool() -> Path:
    return compiled("minidump.c", "-municode", "-ldbghelp")


@pytest.fixture(scope="module")
def folder(wine: Wine) -> Path:
    return wine.folder


@pytest.fixture(scope="module")
def acquired(under_wine: Runner, target: Target) -> Path:
    answer = under_wine("acquire", str(target.pid), "-o", "acquired.msl")
    assert answer.code == 0, answer.err
    return under_wine.folder / "acquired.msl"


def written(wine: Wine, target: Target, tool: Path, kind: str) -> Path:
    """A minidump by dbghelp."""
    file = wine.folder / f"{kind}.dmp"
    done = wine.run(wine.command(tool, "write", str(target.pid), dos(file), kind))
    assert done.returncode == 0, done.stdout
    return file


def spin_of(dump: Dump, target: Target) -> dict[str, int]:
    number = next(int(words[1]) for words in target.lines["thread"] if words[0] == "spin")
    (thread,) = (thread for thread in dump.threads if thread.thread_id == number)
    found = {str(r.name): int.from_bytes(bytes(r.value), "little") for r in thread.registers}
    # A vector register goes by its widest name alone.
    narrow = {f"xmm{name[3:]}": found[name] for name in found if name[:3] in ("ymm", "zmm")}
    return {**narrow, **found}


@pytest.mark.parametrize("kind", ["full", "normal"])
def test_imported(
    wine: Wine, target: Target, tool: Path, acquired: Path, kind: str, tmp_path: Path
) -> None:
    source = written(wine, target, tool, kind)
    done = run("import", source, "-o", tmp_path / "imported.msl", "--check")
    assert done.returncode in (0, 4), done.stderr  # of threads that end, dbghelp writes no context
    with msl_construct.open(tmp_path / "imported.msl") as dump, msl_construct.open(acquired) as own:
        assert dump.verify().intact
        modules = {m.base_addr: (m.module_size, str(m.path)) for m in dump.modules}
        ours = {m.base_addr: (m.module_size, str(m.path)) for m in own.modules}
        assert {base: size for base, (size, _) in modules.items()} == {
            base: size for base, (size, _) in ours.items()
        }
        told = {name: int(value, 16) for _, name, value in target.lines["register"]}
        for found in (spin_of(dump, target), spin_of(own, target)):
            assert {name: found[name] & (1 << 64) - 1 for name in told} == told
        compared = 0
        for name, address, size, _, seed in target.lines["region"]:
            if name in SKIPPED or seed == "none" or kind == "normal":
                continue
            expected = filled(int(size), int(seed))
            for at in range(0, int(size), PAGE):
                here = own.memory.read(int(address, 16) + at, PAGE)
                there = dump.memory.read(int(address, 16) + at, PAGE)
                if here.complete:
                    assert bytes(here) == bytes(there) == expected[at : at + PAGE], (name, at)
                    compared += 1
        assert compared > 30 or kind == "normal"


def test_ours_is_read(
    wine: Wine, target: Target, tool: Path, acquired: Path, tmp_path: Path
) -> None:
    ours = wine.folder / "ours.dmp"
    done = run("export", acquired, "--to", "minidump", "-o", ours)
    assert done.returncode in (0, 4), done.stderr
    assert b"written as zero" not in done.stderr
    found = wine.run(wine.command(tool, "read", dos(ours)))
    assert found.returncode == 0
    lines = [line.split(maxsplit=4) for line in found.stdout.decode("utf-8").splitlines()]
    words: dict[str, list[list[str]]] = {}
    for first, *rest in lines:
        words.setdefault(first, []).append(rest)
    assert words["system"] == [["9", "2"]]
    with msl_construct.open(acquired) as own:
        assert {int(base, 16): int(size, 16) for base, size, *_ in words["module"]} == {
            m.base_addr: m.module_size for m in own.modules
        }
        assert {int(number) for number, *_ in words["thread"]} == {t.thread_id for t in own.threads}
        spin = spin_of(own, target)
        number = next(words[1] for words in target.lines["thread"] if words[0] == "spin")
        (row,) = (" ".join(rest).split() for rest in words["thread"] if rest[0] == number)
        told = [spin[name] for name in ("rip", "rbx", "r12")]
        assert [int(value, 16) for value in row[2:]] == told
        total = 0
        for start, size, checksum in words["memory"]:
            read = own.memory.read(int(start, 16), int(size, 16))
            assert read.complete
            assert checksum_of(bytes(read)) == int(checksum, 16)
            total += int(size, 16)
        assert total > 1 << 20


def checksum_of(data: bytes) -> int:
    """As minidump.c makes it, of what is short enough to go over here."""
    value = 0
    for at in range(0, len(data) - 7, 8):
        value = (value * 31 + int.from_bytes(data[at : at + 8], "little")) & (1 << 64) - 1
    return value
