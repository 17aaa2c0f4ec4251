"""Mutated files by the thousand: nothing but MslError may escape, and nothing may blow up.

MSL_FUZZ sets how many files there are in all; a failure names its seed, and
``MSL_FUZZ_SEED=3:17`` runs that file alone.
"""

from __future__ import annotations

import io
import os
import signal
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from conftest import SHARED
from independent import gallery
from mutations import mutated
from sampling import part_of

import msl_construct
from msl_construct.document.render import Renderer
from msl_construct.errors import EncryptedError, MslError
from msl_construct.reader import Dump
from msl_construct.reader.stream import PassingDump

FILES = int(os.environ.get("MSL_FUZZ", "1500"))
SHARDS = 20
INFLATE = 1 << 16
DEADLINE = 30  # seconds a file may take on the slowest machine; a hang is what this is for
MEMORY = 8 << 20
MEMORY_PER_BYTE = 40
MEMORY_EVERY = 5  # tracing costs, so only each fifth file is measured
LARGEST_SAMPLE = 48 << 10
ADDRESSES = (0, 1 << 12, (1 << 47) - 4096, 1 << 63, (1 << 64) - 4096, (1 << 64) - 1)


@lru_cache(maxsize=1)
def pool() -> tuple[bytes, ...]:
    named = (*gallery.files(), *gallery.undecided(), *gallery.rejected())
    return tuple(data for _, data in named)


@lru_cache(maxsize=1)
def samples() -> tuple[bytes, ...]:
    paths = sorted((SHARED / "samples").glob("*/*.msl"))
    return tuple(p.read_bytes() for p in paths if p.stat().st_size <= LARGEST_SAMPLE)


class Pipe(io.RawIOBase):
    """Bytes that can only be read forward, a few at a time."""

    def __init__(self, data: bytes) -> None:
        self._inner = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return self._inner.read(min(size, 1000) if size >= 0 else 1000)


@contextmanager
def deadline(seconds: int) -> Iterator[None]:
    if not hasattr(signal, "setitimer"):
        yield
        return

    def ring(*_: Any) -> None:
        raise TimeoutError(f"still busy after {seconds} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def addresses(dump: Dump) -> Iterator[int]:
    yield from ADDRESSES
    for region in dump.regions[:20]:
        for address in (region.base_addr, region.end):
            yield from (address + shift for shift in (-1, 0, 1) if address + shift >= 0)


def from_file(data: bytes) -> tuple[dict[str, Any], tuple[Any, ...] | None]:
    """Everything there is to ask of a file; its document and verdict."""
    dump = msl_construct.open(data, max_inflate=INFLATE)
    document = Renderer().document(dump)
    Renderer(offsets=True).document(dump)
    if dump.header.encrypted:  # nothing may look as if the dump were empty
        for ask in (lambda: dump.regions, lambda: dump.memory, lambda: dump.modules, dump.verify):
            with pytest.raises(EncryptedError):
                ask()
        return document, None
    for region in dump.regions:
        _ = (region.counts, region.end, list(region.runs()))
    _ = (dump.modules, dump.threads, dump.memory.overlaps)
    for address in addresses(dump):
        for size in (0, 1, 8192, 1 << 40):
            found = _tolerant(dump, address, size)
            if found is not None:
                assert sum(length for _, length, _ in found.runs) == size
                captured = sum(length for _, length, state in found.runs if state == "captured")
                assert found.data.nbytes == captured
    verdict = dump.verify()
    return document, (verdict.intact, verdict.complete, verdict.blocks, verdict.file_hash)


def _tolerant(dump: Dump, address: int, size: int) -> Any:
    try:
        return dump.memory.read(address, size)
    except MslError:
        return None  # page data that does not inflate


def from_pipe(data: bytes) -> tuple[dict[str, Any], tuple[Any, ...] | None]:
    with PassingDump(Pipe(data), max_inflate=INFLATE) as dump:
        document = Renderer().document(dump)
    with PassingDump(Pipe(data), max_inflate=INFLATE) as dump:
        try:
            verdict = dump.verify()
        except EncryptedError:
            return document, None
    return document, (verdict.intact, verdict.complete, verdict.blocks, verdict.file_hash)


def outcome(function: Any, data: bytes) -> Any:
    try:
        return function(data)
    except MslError as error:
        return type(error), bool(str(error))


def check(data: bytes, *, measured: bool) -> None:
    if measured:
        tracemalloc.start()
    try:
        with deadline(DEADLINE):
            whole, passing = outcome(from_file, data), outcome(from_pipe, data)
        if measured:
            peak = tracemalloc.get_traced_memory()[1]
            allowed = MEMORY + MEMORY_PER_BYTE * len(data)
            assert peak <= allowed, f"{peak} bytes in use for a file of {len(data)}"
    finally:
        if measured:
            tracemalloc.stop()
    for result in (whole, passing):
        if isinstance(result[0], dict):
            del result[0]["file"]
        else:
            assert result[1], "an error without a message"
    assert passing == whole, "a pipe and a file give different results"


def report(seed: str, data: bytes, folder: Path) -> str:
    path = folder / f"fuzz-{seed.replace(':', '-')}.msl"
    path.write_bytes(data)
    return f"fuzz seed {seed}: {len(data)} bytes, kept as {path}"


@pytest.mark.parametrize("shard", range(SHARDS))
def test_mutated_files(shard: int, tmp_path: Path) -> None:
    count = FILES // SHARDS + (shard < FILES % SHARDS)
    for number in part_of(range(count)):
        run_one(f"{shard}:{number}", number, tmp_path)


@pytest.mark.skipif("MSL_FUZZ_SEED" not in os.environ, reason="MSL_FUZZ_SEED names one file")
def test_one_seed(tmp_path: Path) -> None:
    run_one(os.environ["MSL_FUZZ_SEED"], 0, tmp_path)


def run_one(seed: str, number: int, folder: Path) -> None:
    data = mutated(seed, pool(), samples())
    try:
        check(data, measured=number % MEMORY_EVERY == 0)
    except BaseException as error:
        error.add_note(report(seed, data, folder)) if hasattr(error, "add_note") else print(
            report(seed, data, folder)
        )
        raise


def test_seeds_give_the_same_file_every_time() -> None:
    names = [f"{shard}:0" for shard in range(SHARDS)]
    first = [mutated(name, pool()) for name in names]
    assert first == [mutated(name, pool()) for name in names]
    assert len(set(first)) == SHARDS


def test_mutations_reach_every_kind_of_end() -> None:
    """The fuzz is worth something only if most files still open and many are damaged."""
    opened = damaged = 0
    for number in range(200):
        data = mutated(f"reach:{number}", pool())
        try:
            document = Renderer().document(msl_construct.open(data, max_inflate=INFLATE))
        except MslError:
            continue
        opened += 1
        damaged += document["trailing"] is not None or any(
            "damage" in block for block in document["blocks"]
        )
    assert opened > 120
    assert damaged > 40
