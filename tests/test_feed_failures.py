"""Feeds when something goes wrong: reads that raise or miscount, misuse, a sudden end."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from feeding import (
    BASE,
    READ,
    WAYS,
    Runs,
    Target,
    check,
    check_prefix,
    feeding,
    random_surprises,
    within,
)
from independent.specimens import LE10
from overlapping import bounded, quiet
from writing import blocks_of, live, memory_of

import msl_construct
from msl_construct.builder.overlapped_output import SLOT
from msl_construct.errors import ConformanceError, MslError

MIB = 1 << 20
PAGE = 4096
LARGE = (SLOT + 3 * MIB) // PAGE
MEDIUM = 3 * MIB // PAGE + 5
SIZES = (1, 40, LARGE)


@pytest.fixture(autouse=True)
def _nothing_stays_behind() -> Iterator[None]:
    with quiet():
        yield


class Boom(Exception):
    """Raised by a read."""


class Failing(Target):
    """Raises at one of its reads, from whatever thread."""

    def __init__(self, at: int, error: BaseException | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.left = at
        self.error = error or Boom("no")

    def read(self, address: int, view: memoryview) -> Runs | None:
        with self.lock:
            self.left -= 1
            if self.left < 0:
                raise self.error
        return super().read(address, view)


# -- reads that raise ----------------------------------------------------------------------


@pytest.mark.parametrize("pages", SIZES)
@pytest.mark.parametrize("at", [0, 1, 9])
@pytest.mark.parametrize("way", WAYS)
def test_a_read_that_raises(way: str, at: int, pages: int, tmp_path: Path) -> None:
    """What it raised comes out, nothing hangs, and what was written before is intact."""

    def run() -> tuple[bytes, Target]:
        target = Failing(at, surprises={BASE + PAGE: "failed"})
        seen: list[Any] = []
        with (
            pytest.raises(Boom) as caught,
            feeding(way, tmp_path / "out") as (written, _, feed),
        ):
            seen.append(written)
            for number in range(12):
                base = BASE + (number << 32)
                feed.add(base, 3, "heap", target.plan(base, [(pages, READ)]), target.read)
            feed.finish()
        assert caught.value is target.error
        return seen[0].raw, target

    raw, target = bounded(run)
    check_prefix(raw, target.expected)


@pytest.mark.parametrize("pages", SIZES)
@pytest.mark.parametrize("way", WAYS)
def test_going_on_after_a_read_that_raised(way: str, pages: int, tmp_path: Path) -> None:
    """Whoever goes on all the same gets a true file, or is refused: never a wrong one."""

    def run() -> tuple[bytes, Target]:
        target = Failing(2 if pages > 300 else 1)
        seen: list[Any] = []
        try:
            with feeding(way, tmp_path / "out") as (written, _, feed):
                seen.append(written)
                for number in range(3):
                    base = BASE + (number << 32)
                    plan = target.plan(base, [(pages, READ)])
                    try:
                        feed.add(base, 3, "heap", plan, target.read)
                    except Boom:
                        target.left = 1000
        except (Boom, ConformanceError):
            pass
        return seen[0].raw, target

    raw, target = bounded(run)
    with msl_construct.open(raw) as dump:
        verdict = dump.verify()
    assert verdict.intact
    if not verdict.complete:
        check_prefix(raw, target.expected)
        return
    assert blocks_of(raw)[-1]["block_type"] == "end_of_capture"
    for address, value in memory_of(raw).items():
        assert value == target.expected[address]


# -- reads that miscount -------------------------------------------------------------------

MISCOUNTS: dict[str, Callable[[int], Runs]] = {
    "nothing": lambda pages: [],
    "too-few": lambda pages: [(pages - 1, "captured")],
    "too-few-failed": lambda pages: [(pages - 1, "failed")],
    "too-many": lambda pages: [(pages + 1, "captured")],
    "too-many-failed": lambda pages: [(pages + 1, "failed")],
    "far-too-many": lambda pages: [(1, "captured"), (1 << 20, "failed")],
    "negative": lambda pages: [(pages + 1, "failed"), (-1, "captured")],
}


@pytest.mark.parametrize("name", MISCOUNTS)
@pytest.mark.parametrize("pages", SIZES)
@pytest.mark.parametrize("way", WAYS)
def test_a_read_that_miscounts(way: str, pages: int, name: str, tmp_path: Path) -> None:
    """Is refused, and never believed."""

    def run() -> bytes:
        seen: list[Any] = []

        def read(address: int, view: memoryview) -> Runs | None:
            if address < BASE + (1 << 32) or (not address >> 12 & 1 and view.nbytes > PAGE):
                return None
            return MISCOUNTS[name](view.nbytes // PAGE)

        with (
            pytest.raises(ValueError),
            feeding(way, tmp_path / "out") as (written, _, feed),
        ):
            seen.append(written)
            feed.add(BASE, 3, "heap", [(pages, READ)], read)
            feed.add(BASE + (1 << 32) + PAGE, 3, "heap", [(pages, READ)], read)
            feed.finish()
        return bytes(seen[0].raw)

    raw = bounded(run)
    verdict = msl_construct.open(raw).verify()
    assert (verdict.intact, verdict.complete) == (True, False)


@pytest.mark.parametrize("state", ["no_such_state", "not_resident", ""])
@pytest.mark.parametrize("pages", SIZES)
@pytest.mark.parametrize("way", WAYS)
def test_a_state_that_the_draft_forbids(way: str, pages: int, state: str, tmp_path: Path) -> None:
    def run() -> bytes:
        target = Target(surprises={BASE: state})
        seen: list[Any] = []
        with (
            pytest.raises(ConformanceError, match="§6"),
            feeding(way, tmp_path / "out", LE10) as (written, _, feed),
        ):
            seen.append(written)
            feed.add(BASE, 3, "heap", [(pages, READ)], target.read)
            feed.finish()
        return bytes(seen[0].raw)

    verdict = msl_construct.open(bounded(run)).verify()
    assert (verdict.intact, verdict.complete) == (True, False)


# -- misuse --------------------------------------------------------------------------------


@pytest.mark.parametrize("pages", [1, LARGE])
@pytest.mark.parametrize("way", WAYS)
def test_adding_to_a_finished_file(way: str, pages: int, tmp_path: Path) -> None:
    def run() -> bytes:
        target = Target()
        with feeding(way, tmp_path / "out") as (written, out, feed):
            feed.add(BASE, 3, "heap", target.plan(BASE, [(1, READ)]), target.read)
            feed.finish()
            out.close()
            with pytest.raises(ConformanceError, match="finished"):
                feed.add(BASE << 1, 3, "heap", [(pages, READ)], Target().read)
                feed.finish()
            if way in ("zstd", "lz4"):
                feed._queue.clear()
        check(written.raw, target.expected)
        return bytes(written.raw)

    bounded(run)


@pytest.mark.parametrize("pages", [1, LARGE])
@pytest.mark.parametrize("own_uuids", [False, True])
def test_adding_while_a_region_is_open(own_uuids: bool, pages: int, tmp_path: Path) -> None:
    """Blocks can't be nested, whoever writes them."""

    def run() -> None:
        target = Target()
        with feeding("file", tmp_path / "out", own_uuids=own_uuids) as (written, out, feed):
            feed.add(BASE, 3, "heap", target.plan(BASE, [(1, READ)]), target.read)
            base = BASE + (1 << 32)
            with out.region(base_addr=base, region_size=2 * PAGE, region_type="heap") as region:
                region.captured(b"a" * PAGE)
                with pytest.raises(ConformanceError, match="open"):
                    feed.add(BASE << 1, 3, "heap", [(pages, READ)], Target().read)
                with pytest.raises(ConformanceError, match="open"):
                    out.feed()
                region.captured(b"b" * PAGE)
            target.expected.update({base: b"a" * PAGE, base + PAGE: b"b" * PAGE})
        check(written.raw, target.expected)

    bounded(run)


@pytest.mark.parametrize("way", ["zstd", "lz4"])
def test_closing_before_the_feed_has_finished(way: str, tmp_path: Path) -> None:
    """Regions that were added are in the file, or the file is not called complete."""

    def run() -> None:
        target = Target()
        seen: list[Any] = []
        try:
            with feeding(way, tmp_path / "out") as (written, out, feed):
                seen.append(written)
                for number in range(5):
                    base = BASE + (number << 32)
                    feed.add(base, 3, "heap", target.plan(base, [(MEDIUM, READ)]), target.read)
                out.close()
        except (ConformanceError, ValueError):
            pass
        verdict = msl_construct.open(seen[0].raw).verify()
        assert verdict.intact
        if verdict.complete:
            check(seen[0].raw, target.expected)

    bounded(run)


def test_a_category_that_the_header_does_not_announce(tmp_path: Path) -> None:
    with open(tmp_path / "out", "w+b") as file, live(file, LE10, overlapped=True) as out:
        feed = out.feed()
        with pytest.raises(ConformanceError, match="CapBitmap"):
            feed.add(BASE, 3, "heap", [(1, READ)], Target().read)
    verdict = msl_construct.open((tmp_path / "out").read_bytes()).verify()
    assert (verdict.intact, verdict.complete) == (True, True)


# -- a sudden end --------------------------------------------------------------------------

_KILLED = """
import sys
sys.path[:0] = sys.argv[3:]
from feeding import BASE, Target, feeding, random_surprises
from independent.specimens import LE10
from pathlib import Path
import random
rng = random.Random(sys.argv[2])
with feeding(sys.argv[1].rpartition(".")[2], Path(sys.argv[1])) as (_, _, feed):
    print("begun", flush=True)
    base = BASE
    for number in range(100_000):
        pages = (3, 2900, 1, 800)[number % 4]
        surprises = random_surprises(rng, LE10, base, pages, 4096)
        target = Target(12, surprises)
        feed.add(base, 3, "heap", [(pages, "read")], target.read)
        base += pages << 12
"""


@pytest.mark.parametrize("seed", range(3))
def test_a_process_that_is_killed(seed: int, tmp_path: Path) -> None:
    """At any moment: what is on disk is intact, and says of every page what was there."""
    rng = random.Random(f"killed {seed}")
    path = tmp_path / "out.file"
    child = subprocess.Popen(
        [sys.executable, "-c", _KILLED, str(path), str(seed), *sys.path], stdout=subprocess.PIPE
    )
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == b"begun\n"
        within(60, lambda: path.stat().st_size > 0)
        time.sleep(rng.random() * 0.4)
        child.send_signal(signal.SIGKILL)
        child.communicate(timeout=60)
    finally:
        child.kill()
        child.communicate()
    raw = path.read_bytes()
    if len(raw) < 64:
        with pytest.raises(MslError):
            msl_construct.open(raw)
        return
    again = random.Random(str(seed))
    expected: dict[int, bytes | str] = {}
    base = BASE
    for number in range(len(raw) // (800 * PAGE) * 4 + 8):
        pages = (3, 2900, 1, 800)[number % 4]
        target = Target(12, random_surprises(again, LE10, base, pages, PAGE))
        target.plan(base, [(pages, READ)])
        expected.update(target.expected)
        base += pages << 12
    check_prefix(raw, expected)
