"""A made-up target for the tests of feeds: what is planned, what comes, what must be found."""

from __future__ import annotations

import io
import os
import random
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from independent.specimens import LE10, Kind
from overlapping import drained
from writing import Forward, blocks_of, live, memory_of, numbered

import msl_construct
from msl_construct.builder import Writer
from msl_construct.builder.uuids import new_uuid

READ, ZERO, CAPTURED = "read", "zero", "captured"
BASE = 0x7F00_0000_0000
Runs = list[tuple[int, str]]

WAYS = ("file", "pipe", "zstd", "lz4", "plain", "forward")
"""Straight to a regular file, through a pipe, compressed; by a writer whose output has no
buffers, to a file that can be corrected and to one that can't."""


def page_of(address: int, size: int) -> bytes:
    """What stands in the target there: no two pages alike."""
    return struct.pack("<Q", address ^ 0x5A5A) * (size // 8)


def unlike(address: int, size: int) -> bytes:
    """The same, and not to be compressed."""
    return random.Random(address).randbytes(size)


class Target:
    """Memory that is read as a feed reads it.

    Args:
        surprises: states of the pages that don't come, by address.
        explicit: now and then account for every page although all of them came.
    """

    def __init__(
        self,
        log2: int = 12,
        surprises: dict[int, str] | None = None,
        *,
        explicit: bool = False,
        page: Callable[[int, int], bytes] = page_of,
    ) -> None:
        self.size = 1 << log2
        self.log2 = log2
        self.surprises = surprises or {}
        self.explicit = explicit
        self.page = page
        self.expected: dict[int, bytes | str] = {}
        self.reads: list[tuple[int, int]] = []
        self.lock = threading.Lock()

    def read(self, address: int, view: memoryview) -> Runs | None:
        pages, odd = divmod(view.nbytes, self.size)
        assert pages
        assert not odd
        with self.lock:
            self.reads.append((address, view.nbytes))
        view[:] = b"\xee" * view.nbytes  # what is left of an earlier read
        outcome: Runs = []
        taken = 0
        for at in range(address, address + view.nbytes, self.size):
            state = self.surprises.get(at, CAPTURED)
            if state == CAPTURED:
                view[taken : taken + self.size] = self.page(at, self.size)
                taken += self.size
            if outcome and outcome[-1][1] == state and at % 3:
                outcome[-1] = (outcome[-1][0] + 1, state)
            else:
                outcome.append((1, state))
        if taken == view.nbytes and not (self.explicit and address % 5 == 0):
            return None
        return outcome

    def plan(self, base: int, plan: Runs) -> Runs:
        """Take note of what must be found if this is done."""
        for count, what in plan:
            for at in range(base, base + count * self.size, self.size):
                if what == READ:
                    state = self.surprises.get(at, CAPTURED)
                    self.expected[at] = self.page(at, self.size) if state == CAPTURED else state
                else:
                    self.expected[at] = bytes(self.size) if what == ZERO else what
            base += count * self.size
        return plan


def states_of(kind: Kind) -> tuple[str, ...]:
    return ("failed", "unmapped", "not_resident") if kind.revised else ("failed", "unmapped")


def random_plan(rng: random.Random, kind: Kind, pages: int) -> Runs:
    plan: Runs = []
    while pages:
        most = rng.choice((1, 2, 5, 40, pages))
        count = rng.randint(1, min(pages, most))
        what = rng.choice((READ, READ, READ, ZERO, *states_of(kind)))
        plan.append((count, what))
        pages -= count
    return plan


def random_surprises(
    rng: random.Random, kind: Kind, base: int, pages: int, size: int
) -> dict[int, str]:
    """None, a few, some stretches, or most of the pages."""
    how = rng.choice(("none", "few", "stretches", "most"))
    states = states_of(kind)
    if how == "none":
        return {}
    if how == "few":
        chosen = [rng.randrange(pages) for _ in range(3)]
        return {base + page * size: rng.choice(states) for page in chosen}
    found: dict[int, str] = {}
    page = 0
    while page < pages:
        count, state = rng.randint(1, 60), rng.choice(states)
        if rng.random() < (0.1 if how == "stretches" else 0.7):
            for at in range(page, min(pages, page + count)):
                found[base + at * size] = state
        page += count
    return found


class Written:
    """Where a feed writes to in one of the ways, and what came of it."""

    def __init__(self, way: str, path: Path) -> None:
        self.way = way
        self.path = path
        self.raw = b""


@contextmanager
def feeding(
    way: str, path: Path, kind: Kind = LE10, *, own_uuids: bool = False, **options: Any
) -> Iterator[tuple[Written, Writer, Any]]:
    """A writer behind Block 1 and its feed; `Written.raw` is set when both are closed."""
    written = Written(way, path)
    wait: Callable[[], bytes] | None = None
    if way == "file":
        file: Any = open(path, "w+b")  # noqa: SIM115 - closed below
    elif way == "pipe":
        read, write = os.pipe()
        file, wait = os.fdopen(write, "wb", 0), drained(read)
    elif way == "forward":
        file = Forward()
    else:
        file = io.BytesIO()
        options["compression"] = way if way in ("zstd", "lz4") else "none"
    options.setdefault("new_uuid", numbered() if own_uuids else new_uuid)
    try:
        overlapped = way not in ("plain", "forward")
        with live(file, kind, "memory_regions", overlapped=overlapped, **options) as out:
            feed = out.feed()
            try:
                yield written, out, feed
                feed.finish()
            finally:
                feed.close()
    finally:
        written.raw = file.getvalue() if isinstance(file, io.BytesIO) else b""
        if isinstance(file, Forward):
            written.raw = bytes(file.data)
        file.close()
        if wait is not None:
            written.raw = wait()
        elif way == "file":
            written.raw = path.read_bytes()


def regions_of(raw: bytes) -> list[dict[str, Any]]:
    return [block for block in blocks_of(raw) if block["block_type"] == "memory_region"]


def check(raw: bytes, expected: dict[int, bytes | str]) -> list[dict[str, Any]]:
    """The dump is complete, and holds just this memory; its regions."""
    found = memory_of(raw)
    assert found.keys() == expected.keys()
    wrong = [hex(address) for address, value in expected.items() if found[address] != value]
    assert not wrong, f"{len(wrong)} pages differ, the first at {wrong[0]}"
    with msl_construct.open(raw) as dump:
        verdict = dump.verify()
    assert (verdict.intact, verdict.complete) == (True, True)
    regions = regions_of(raw)
    for block in regions:
        assert set(block["flags"]) <= {"compressed", "comp_algo_zstd", "comp_algo_lz4"}
        assert block["parent_uuid"] == "00000000-0000-0000-0000-000000000000"
        assert "damage" not in block
    uuids = [block["block_uuid"] for block in regions]
    assert len(set(uuids)) == len(uuids)
    return regions


def check_prefix(raw: bytes, expected: dict[int, bytes | str]) -> None:
    """The dump is incomplete, and all that it holds is true."""
    with msl_construct.open(raw) as dump:
        verdict = dump.verify()
        assert (verdict.intact, verdict.complete) == (True, False)
    position = raw[9]
    while len(raw) - position >= 80:
        length = struct.unpack_from("<I" if raw[8] == 1 else ">I", raw, position + 8)[0]
        if position + length > len(raw):
            break
        position += length
    found = {**memory_of(raw[:position]), **begun(raw, position)}
    wrong = [hex(address) for address, value in found.items() if expected[address] != value]
    assert not wrong, f"{len(wrong)} pages differ, the first at {wrong[0]}"


def begun(raw: bytes, position: int) -> dict[int, bytes | str]:
    """What the last, unfinished block says of the target, as far as its data goes."""
    order = "<" if raw[8] == 1 else ">"
    body = position + 80
    if len(raw) < body + 0x20 or raw[position + 4 : position + 6] != struct.pack(order + "H", 1):
        return {}
    base, size = struct.unpack_from(order + "QQ", raw, body)
    page = 1 << raw[body + 0x12]
    data = body + 0x20 + (size // page + 31) // 32 * 8
    found: dict[int, bytes | str] = {}
    for number in range(size // page if data <= len(raw) else 0):
        state = raw[body + 0x20 + number // 4] >> (6 - 2 * (number % 4)) & 3
        if state:
            found[base + number * page] = ("", "failed", "unmapped", "not_resident")[state]
        elif data + page <= len(raw):
            found[base + number * page] = raw[data : data + page]
        data += 0 if state else page
    return found


def within(seconds: float, condition: Callable[[], bool]) -> bool:
    """Whether it comes true in that time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def spread(plan: Sequence[tuple[int, str]]) -> int:
    """Pages of a plan."""
    return sum(count for count, _ in plan)
