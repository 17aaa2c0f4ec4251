"""No file takes the time that the hashes of other modules need, and what is none is no module."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from acquire_targets import compiled, started
from acquiring import acquire, linux_only, report_of
from blake3 import blake3

from msl_acquire import shares
from msl_acquire.linux import module_files
from msl_acquire.linux.maps import mappings
from msl_acquire.linux.modules import ModuleCache, modules, prehash
from msl_acquire.shares import Shares

pytestmark = linux_only

MAPPER = """
import mmap, sys, time
kept = []
for path in sys.argv[1:]:
    with open(path, "rb") as file:
        protection = mmap.PROT_READ | mmap.PROT_EXEC
        kept.append(mmap.mmap(file.fileno(), 4096, mmap.MAP_PRIVATE, protection))
print("ready", flush=True)
time.sleep(60)
"""
HUGE = 100 << 30


@contextmanager
def mapping(*paths: Path) -> Iterator[Any]:
    """A program that has these files mapped as code."""
    with started([sys.executable, "-c", MAPPER, *map(str, paths)]) as (process, _):
        yield process


def sparse(path: Path, begin: bytes) -> Path:
    with path.open("wb") as file:
        file.write(begin)
        try:
            file.truncate(HUGE)
        except OSError:
            pytest.skip(f"needs a file system for files of {HUGE} bytes")
    return path


def _paths(found: Any) -> list[str]:
    return [module.path for module in found]


def test_files_that_are_mostly_hole(tmp_path: Path) -> None:
    program = compiled("meta_program").read_bytes()
    library = sparse(tmp_path / "library.so", program)
    nothing = sparse(tmp_path / "two-letters", b"MZ")
    short = tmp_path / "short"
    short.write_bytes(b"MZ" + bytes(4094))
    with mapping() as plain:
        expected = _paths(modules(plain.pid, mappings(plain.pid)))
    with mapping(nothing, library, short) as process:
        cache = ModuleCache()
        began = time.monotonic()
        found = modules(process.pid, mappings(process.pid), cache, seconds=30)
        assert time.monotonic() - began < 15
    assert sorted(_paths(found)) == sorted([*expected, str(library)])
    without = [module.path for module in found if module.disk_hash is None]
    assert sorted(without) == sorted(["[vdso]", str(library)])
    assert cache.problems == {
        str(library): f"not hashed: of its {HUGE} bytes only {library.stat().st_blocks * 512} "
        "are stored"
    }


def test_a_pe_file_is_a_module(tmp_path: Path) -> None:
    image = tmp_path / "image.dll"
    image.write_bytes(
        b"MZ" + bytes(58) + (128).to_bytes(4, "little") + bytes(64) + b"PE\0\0x" * 999
    )
    with mapping(image) as process:
        found = {module.path: module for module in modules(process.pid, mappings(process.pid))}
    assert found[str(image)].disk_hash == blake3(image.read_bytes()).digest()


def test_one_that_takes_its_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a slow disk: it is given up, everything else is hashed, and it is not tried again."""
    slow = tmp_path / "slow.so"
    slow.write_bytes(compiled("meta_program").read_bytes())
    real = module_files._Job._hash
    asked: list[str] = []
    given: list[float] = []

    def hashed(self: Any, descriptor: int) -> bytes:
        path = os.readlink(f"/proc/self/fd/{descriptor}")
        asked.append(path)
        if path == str(slow):
            given.append(self._until - time.monotonic())
        while path == str(slow):
            time.sleep(0.01)
            self._beat = time.monotonic()
            if self._beat > self._until:
                raise module_files._TooLong
        return real(self, descriptor)

    monkeypatch.setattr(module_files._Job, "_hash", hashed)
    with mapping(slow) as process:
        listed = mappings(process.pid)
        cache = ModuleCache()
        found = modules(process.pid, listed, cache, seconds=8)
        assert 0 < given[0] <= 2, "a quarter at most"
        assert asked[0] == os.path.realpath(sys.executable), "the program comes first"
        assert cache.problems == {str(slow): "not hashed: its share of the time was up"}
        assert {m.path for m in found if m.disk_hash is None} == {"[vdso]", str(slow)}
        asked.clear()
        assert modules(process.pid, listed, cache) == found
        assert asked == []


def test_small_ones_come_before_large_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = compiled("meta_program").read_bytes()
    paths = []
    for number, size in enumerate((3 << 20, 0, 1 << 20, 2 << 20)):
        paths.append(tmp_path / f"{number}.so")
        paths[-1].write_bytes(program + os.urandom(size))
    order: list[str] = []
    real = module_files._Job._hash

    def hashed(self: Any, descriptor: int) -> bytes:
        order.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        return real(self, descriptor)

    monkeypatch.setattr(module_files._Job, "_hash", hashed)
    with mapping(*paths) as process:
        prehash(process.pid, mappings(process.pid))
    ours = [path for path in order if path.startswith(str(tmp_path))]
    assert ours == [str(paths[number]) for number in (1, 2, 3, 0)]


def test_shares(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(shares.time, "monotonic", lambda: now)
    found = Shares({"program": 5, "a": 1, "b": 1, "c": 98}, 100.0, 40.0, "program")
    assert found.until("program") == 100 + 20  # half of it all at most
    now = 101.0
    assert found.until("a") == pytest.approx(101 + 10)  # a third of what is left, a quarter at most
    now = 111.0
    assert found.until("b") == pytest.approx(111 + 10)
    now = 133.0
    assert found.until("c") == pytest.approx(134)  # what is left
    assert Shares({"a": 1}, 0.0, 40.0, None).until("a") == now  # there is nothing left


def test_what_has_no_hash_is_said_in_the_end(tmp_path: Path) -> None:
    library = sparse(tmp_path / "library.so", compiled("meta_program").read_bytes())
    out = tmp_path / "out.msl"
    with mapping(library) as process:
        done = acquire(process.pid, "-o", out, "--include", "type:stack")
    assert b"1 module without hash: of its " in done.stderr
    assert str(library) in report_of(out)["target"]["module_problems"]


def test_what_nobody_waits_for_is_left(tmp_path: Path) -> None:
    """Another target that has the same file mapped must not take it for one without a hash."""
    library = tmp_path / "library.so"
    library.write_bytes(compiled("meta_program").read_bytes() + os.urandom(8 << 20))
    known = ModuleCache()
    with mapping(library) as process:
        asked = 0

        def stop() -> bool:
            nonlocal asked
            asked += 1
            return asked > 20

        found = mappings(process.pid)
        prehash(process.pid, found, earlier=known, stop=stop)
        assert asked < 40
        (ours,) = (m for m in modules(process.pid, found, known) if m.path == str(library))
    assert ours.disk_hash == blake3(library.read_bytes()).digest()
