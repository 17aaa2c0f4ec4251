"""Feeds that compress: in several threads, and yet in the order of adding."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from feeding import BASE, READ, Runs, Target, check, feeding, unlike
from independent.specimens import LE11
from overlapping import PATIENCE, bounded, ours, quiet

from msl_construct.errors import ConformanceError

PAGE = 4096
MEDIUM = (3 << 20) // PAGE + 5


@pytest.fixture(autouse=True)
def _nothing_stays_behind() -> Iterator[None]:
    with quiet():
        yield


class Slow(Target):
    """Every other read takes its time, so that later ones overtake it."""

    def read(self, address: int, view: memoryview) -> Runs | None:
        if address >> 32 & 1:
            time.sleep(0.01)
        return super().read(address, view)


@pytest.mark.parametrize("way", ["zstd", "lz4"])
def test_blocks_stand_in_the_order_of_adding(way: str, tmp_path: Path) -> None:
    def run() -> None:
        target = Slow()
        order: list[int] = []
        others = set(ours())  # what another test has left
        with feeding(way, tmp_path / "out") as (written, _, feed):
            for number in random.Random(way).sample(range(60), 60):
                base = BASE + (number << 32)
                plan = [((1, 20, 100, MEDIUM // 2)[number % 4], READ)]
                feed.add(base, 3, "heap", target.plan(base, plan), target.read)
                order.append(base)
            assert len(set(ours()) - others) <= 2 + 4
        regions = check(written.raw, target.expected)
        bases = [int(block["payload"]["base_addr"], 16) for block in regions]
        assert [base for base in bases if base in set(order)] == order
        assert {tuple(block["flags"]) for block in regions} == {("compressed", f"comp_algo_{way}")}

    bounded(run)


@pytest.mark.parametrize("way", ["zstd", "lz4"])
@pytest.mark.parametrize("pages", [1, 40, MEDIUM])
def test_what_does_not_get_smaller_is_stored(way: str, pages: int, tmp_path: Path) -> None:
    def run() -> None:
        target = Target(page=unlike)
        with feeding(way, tmp_path / "out") as (written, _, feed):
            feed.add(BASE, 3, "heap", target.plan(BASE, [(pages, READ)]), target.read)
        for block in check(written.raw, target.expected):
            assert block["flags"] == []
        assert len(written.raw) < pages * PAGE + 4096

    bounded(run)


@pytest.mark.parametrize("way", ["zstd", "lz4"])
def test_several_threads_read_at_once(way: str, tmp_path: Path) -> None:
    """Otherwise there is no point in it."""
    if (os.cpu_count() or 1) < 2:
        pytest.skip("one processor only")
    names: set[str] = set()
    together = threading.Barrier(2, timeout=PATIENCE)

    class Watching(Target):
        def read(self, address: int, view: memoryview) -> Runs | None:
            if address in (BASE, BASE + (1 << 32)):
                together.wait()
            names.add(threading.current_thread().name)
            return super().read(address, view)

    def run() -> None:
        target = Watching()
        with feeding(way, tmp_path / "out") as (written, _, feed):
            for base in (BASE, BASE + (1 << 32)):
                feed.add(base, 3, "heap", target.plan(base, [(200, READ)]), target.read)
        check(written.raw, target.expected)

    bounded(run)
    assert all(name.startswith("msl-compress") for name in names)


@pytest.mark.parametrize("way", ["zstd", "lz4"])
@pytest.mark.parametrize("level", [1, 9])
def test_levels(way: str, level: int, tmp_path: Path) -> None:
    def run() -> None:
        target = Target()
        with feeding(way, tmp_path / "out", LE11, level=level) as (written, _, feed):
            feed.add(BASE, 3, "heap", target.plan(BASE, [(MEDIUM, READ)]), target.read)
        check(written.raw, target.expected)

    bounded(run)


def test_a_feed_may_compress_less_than_its_writer(tmp_path: Path) -> None:
    """`none` overrides; an unknown codec is refused."""

    def run() -> None:
        target = Target()
        with feeding("zstd", tmp_path / "out") as (written, out, _):
            plain = out.feed(compression="none")
            plain.add(BASE, 3, "heap", target.plan(BASE, [(MEDIUM, READ)]), target.read)
            plain.finish()
            plain.close()
            with pytest.raises((ConformanceError, ValueError), match="brotli"):
                out.feed(compression="brotli")
        for block in check(written.raw, target.expected):
            assert block["flags"] == []

    bounded(run)
