"""UUIDs of version 4 that never repeat, in threads and forked processes too (§1.3)."""

from __future__ import annotations

import os
import uuid
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from msl_construct.builder import new_uuid

COUNT = 2000
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")


def test_version_and_variant() -> None:
    for _ in range(COUNT):
        found = new_uuid()
        assert found.version == 4
        assert found.variant == uuid.RFC_4122
        assert found.bytes[6] >> 4 == 4
        assert found.bytes[8] >> 6 == 0b10


def test_every_other_bit_varies() -> None:
    ones, zeros = 0, 0
    for _ in range(COUNT):
        value = new_uuid().int
        ones |= value
        zeros |= ~value
    fixed = (0xF << 76) | (0b11 << 62)
    everything = (1 << 128) - 1
    assert ones & zeros & everything == everything & ~fixed


def test_no_repeats() -> None:
    assert len({new_uuid() for _ in range(20_000)}) == 20_000


def test_threads_share_nothing() -> None:
    barrier = Barrier(8)

    def make(_: int) -> list[uuid.UUID]:
        barrier.wait()
        return [new_uuid() for _ in range(COUNT)]

    with ThreadPoolExecutor(8) as pool:
        found = [one for many in pool.map(make, range(8)) for one in many]
    assert len(set(found)) == 8 * COUNT


def in_child(depth: int = 1) -> list[bytes]:
    """UUIDs of a forked child (of a child, …), each process making some of its own."""
    reader, writer = os.pipe()
    process = os.fork()
    if process == 0:
        os.close(reader)
        made = [new_uuid().bytes for _ in range(50)]
        if depth > 1:
            made += in_child(depth - 1)
        with os.fdopen(writer, "wb") as out:
            out.write(b"".join(made))
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as file:
        raw = file.read()
    assert os.waitpid(process, 0)[1] == 0
    return [raw[i : i + 16] for i in range(0, len(raw), 16)]


@needs_fork
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_forked_children_start_anew() -> None:
    found = [new_uuid().bytes]  # the generator exists before it is forked
    for _ in range(3):
        found += in_child()
    found += [new_uuid().bytes for _ in range(50)]
    assert len(found) == 201
    assert len(set(found)) == len(found)


@needs_fork
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_children_of_children_too() -> None:
    new_uuid()
    found = in_child(depth=4)
    assert len(found) == 200
    assert len(set(found)) == 200
