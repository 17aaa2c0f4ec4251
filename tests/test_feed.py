"""Regions read straight into the output: every page is what was there, or says what is amiss."""

from __future__ import annotations

import io
import random
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from feeding import (
    BASE,
    READ,
    WAYS,
    ZERO,
    Runs,
    Target,
    check,
    feeding,
    random_plan,
    random_surprises,
    regions_of,
    spread,
    states_of,
)
from independent.specimens import BE10, KINDS, LE10, LE11, Kind
from overlapping import bounded, quiet
from writing import CLOCK, blocks_of, live

import msl_construct
from msl_construct.builder.overlapped_output import SLOT
from msl_construct.errors import ConformanceError

MIB = 1 << 20
PAGE = 4096
WINDOW = MIB


@pytest.fixture(autouse=True)
def _nothing_stays_behind() -> Iterator[None]:
    with quiet():
        yield


def one_region(
    way: str, path: Path, target: Target, plan: Runs, kind: Kind = LE10, **options: Any
) -> bytes:
    """A dump of one region, after a small one so that nothing begins at a round offset."""

    def run() -> bytes:
        odd = Target(10)
        with feeding(way, path, kind, **options) as (written, _, feed):
            feed.add(0x1000, 5, "image", odd.plan(0x1000, [(1, READ)]), odd.read, page_size_log2=10)
            feed.add(BASE, 3, "heap", target.plan(BASE, plan), target.read,
                     page_size_log2=target.log2)  # fmt: skip
        target.expected.update(odd.expected)
        return written.raw

    return bounded(run)


# -- anything ------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_random_regions(kind: Kind, way: str, seed: int, tmp_path: Path) -> None:
    """Many regions of any size, plan and outcome in one file."""
    rng = random.Random(f"{kind.name} {seed}")

    def run() -> tuple[bytes, dict[int, bytes | str], set[int]]:
        expected: dict[int, bytes | str] = {}
        starts: set[int] = set()
        own = rng.random() < 0.3
        with feeding(way, tmp_path / "out", kind, own_uuids=own) as (written, _, feed):
            base = 0x40_0000
            for _ in range(rng.randint(1, 16)):
                log2 = rng.choice((10, 12, 12, 14, 16))
                base = -(-base // (1 << log2)) << log2
                most = rng.choice((1, 8, 300, 1500)) * PAGE
                pages = rng.randint(1, max(1, most >> log2))
                plan = random_plan(rng, kind, pages) if rng.random() < 0.6 else [(pages, READ)]
                surprises = random_surprises(rng, kind, base, pages, 1 << log2)
                target = Target(log2, surprises, explicit=rng.random() < 0.3)
                feed.add(base, 3, "heap", target.plan(base, plan), target.read,
                         page_size_log2=log2)  # fmt: skip
                expected.update(target.expected)
                starts.add(base)
                base += pages << log2
                base += rng.choice((0, 0, PAGE, 1 << 30))
        return written.raw, expected, starts

    raw, expected, starts = bounded(run)
    bases = [int(block["payload"]["base_addr"], 16) for block in check(raw, expected)]
    assert bases == sorted(bases), "the order is not the one in which they were added"
    assert starts <= set(bases)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("way", WAYS)
def test_random_large_regions(way: str, seed: int, tmp_path: Path) -> None:
    """Above a buffer's size: streamed to a file, several blocks elsewhere."""
    rng = random.Random(f"large {seed}")
    log2 = (12, 14, 16)[seed]
    kind = (LE10, LE11, BE10)[seed]
    pages = rng.randint(SLOT + MIB, 2 * SLOT + MIB) >> log2
    plan = [(pages // 2, READ), *random_plan(rng, kind, pages - pages // 2)]
    surprises = random_surprises(rng, kind, BASE, pages, 1 << log2)
    for page in rng.sample(range(pages), 6):
        surprises[BASE + (page << log2)] = rng.choice(states_of(kind))
    target = Target(log2, surprises, explicit=True)
    raw = one_region(way, tmp_path / "out", target, plan, kind, own_uuids=seed == 1)
    regions = check(raw, target.expected)
    assert (len(regions) == 2) == (way in ("file", "plain"))


# -- where surprises may be ----------------------------------------------------------------

LARGE = (SLOT + 3 * MIB) // PAGE
MEDIUM = 3 * WINDOW // PAGE + 5
SURPRISES = {
    "first": lambda pages: [0],
    "last": lambda pages: [pages - 1],
    "both": lambda pages: [0, pages - 1],
    "every-window": lambda pages: range(3, pages, WINDOW // PAGE),
    "window-edges": lambda pages: [
        page
        for edge in range(0, pages + 1, WINDOW // PAGE)
        for page in (edge - 1, edge)
        if 0 <= page < pages
    ],
    "all": lambda pages: range(pages),
    "all-but-the-last": lambda pages: range(pages - 1),
}


@pytest.mark.parametrize("where", SURPRISES)
@pytest.mark.parametrize("pages", [1, MEDIUM, LARGE])
@pytest.mark.parametrize("way", ["file", "pipe", "zstd"])
def test_surprises(way: str, pages: int, where: str, tmp_path: Path) -> None:
    surprises = {BASE + page * PAGE: "failed" for page in SURPRISES[where](pages)}
    target = Target(12, surprises)
    raw = one_region(way, tmp_path / "out", target, [(pages, READ)])
    check(raw, target.expected)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "plan",
    [
        [(3, ZERO)],
        [(1, ZERO), (1, READ)],
        [(1, READ), (1, ZERO)],
        [(2, "failed"), (1, ZERO), (2, "unmapped")],
        [(WINDOW // PAGE, ZERO), (1, READ), (WINDOW // PAGE + 1, ZERO)],
        [(LARGE, ZERO)],
        [(LARGE, ZERO), (1, READ)],
        [(1, READ), (LARGE, ZERO)],
        [(5, "failed")],
        [(LARGE * 10, "failed")],
    ],
    ids=lambda plan: "-".join(f"{count}{what}" for count, what in plan),
)
def test_pages_that_are_not_read(way: str, plan: Runs, tmp_path: Path) -> None:
    target = Target(12, {BASE + PAGE: "failed"})
    check(one_region(way, tmp_path / "out", target, plan), target.expected)
    wanted = sum(count for count, what in plan if what == READ) * PAGE
    assert sum(size for _, size in target.reads) == wanted


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("surprised", [False, True])
def test_sparse_regions(way: str, surprised: bool, tmp_path: Path) -> None:
    """Little data among very many pages: the maps count as well where a buffer is full."""
    surprises = {BASE + PAGE * page: "unmapped" for page in (0, 999, 51_003)} if surprised else {}
    target = Target(12, surprises)
    plan = [(1000, READ), (50_000, "failed"), (1000, READ), (50_001, "failed"), (60, READ)]
    raw = one_region(way, tmp_path / "out", target, plan)
    check(raw, target.expected)


@pytest.mark.parametrize("way", ["file", "pipe"])
@pytest.mark.parametrize("log2", [10, 12, 16])
def test_sizes_around_a_buffer(way: str, log2: int, tmp_path: Path) -> None:
    """Blocks that just fit, just don't, and begin at odd offsets."""
    whole = SLOT >> log2
    steps = (-260, -1, 0) if log2 == 10 else (-65, -3, -2, -1)
    for pages in (whole + step for step in steps if whole + step > 0):
        target = Target(log2, {})
        raw = one_region(way, tmp_path / "out", target, [(pages, READ)])
        found = regions_of(raw)
        assert sum(block["payload"]["page_data"]["length"] for block in found[1:]) == pages << log2
        verdict = msl_construct.open(raw).verify()
        assert (verdict.intact, verdict.complete) == (True, True)
        with msl_construct.open(raw) as dump:
            data = b"".join(target.page(BASE + (n << log2), 1 << log2) for n in range(pages))
            assert bytes(dump.memory.read(BASE, pages << log2).data) == data


# -- what the blocks say -------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
@pytest.mark.parametrize("way", WAYS)
def test_fields(kind: Kind, way: str, tmp_path: Path) -> None:
    target = Target(14, {BASE: "failed"})
    for _ in range(2):  # the first is checked, the others are filled in
        raw = one_region(way, tmp_path / "out", target, [(3, READ)], kind)
        block = regions_of(raw)[1]
        payload = block["payload"]
        assert int(payload["base_addr"], 16) == BASE
        assert payload["region_size"] == 3 << 14
        assert payload["protection"] == ["read", "write"]
        assert payload["region_type"] == "heap"
        assert payload["page_size_log2"] == 14
        assert payload["timestamp"] == str(CLOCK)
        assert payload["page_state_map"] == [[0, 1, "failed"], [1, 2, "captured"]]
        first = regions_of(raw)[0]["payload"]
        assert first["protection"] == ["read", "execute"]
        assert first["region_type"] == "image"


@pytest.mark.parametrize("algorithm", ["sha_256", "sha_512_256"])
@pytest.mark.parametrize("way", WAYS)
def test_other_hashes(way: str, algorithm: str, tmp_path: Path) -> None:
    target = Target(12, {BASE + 5 * PAGE: "not_resident"})
    raw = one_region(
        way, tmp_path / "out", target, [(LARGE, READ)], LE11, fields={"hash_algo": algorithm}
    )
    check(raw, target.expected)


def test_the_same_bytes_as_a_region_writer(tmp_path: Path) -> None:
    """One block, whichever way it was written: in a buffer, streamed, or page by page."""
    for pages in (1, 100, MEDIUM, LARGE):
        target = Target(12, {BASE + PAGE * page: "failed" for page in range(0, pages, 97)})
        with feeding("file", tmp_path / "out", own_uuids=True) as (written, _, feed):
            feed.add(BASE, 3, "heap", target.plan(BASE, [(pages, READ)]), target.read)
        file = io.BytesIO()
        with (
            live(file, LE10, "memory_regions") as out,
            out.region(
                base_addr=BASE, region_size=pages * PAGE, protection=3, region_type="heap",
                timestamp=CLOCK,
            ) as region,
        ):  # fmt: skip
            for value in target.expected.values():
                if isinstance(value, str):
                    region.mark(value)
                else:
                    region.captured(value)
        assert written.raw == file.getvalue()


def test_other_blocks_in_between(tmp_path: Path) -> None:
    """A feed is no mode: blocks of any kind stand where they were added."""
    target = Target(12, {BASE + PAGE: "failed"})
    with feeding("file", tmp_path / "out", LE11) as (written, out, feed):
        for number in range(4):
            base = BASE + (number << 32)
            pages = (3, LARGE, 1, MEDIUM)[number]
            feed.add(base, 3, "heap", target.plan(base, [(pages, READ)]), target.read)
            out.add_table("vas_map", ("base_addr", "region_size", "mapped_path"),
                          [(base, pages * PAGE, "[heap]")])  # fmt: skip
    check(written.raw, target.expected)
    kinds = [block["block_type"] for block in blocks_of(written.raw)][2:-1]
    assert kinds == ["memory_region", "vas_map"] * 4


# -- very many pages -----------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("base", [0x1_0000_0000_0000, BASE + 0x1234_5000], ids=["even", "odd"])
def test_twenty_tebibytes_of_nothing(way: str, base: int, tmp_path: Path) -> None:
    """Cost neither memory nor a large file, and are all accounted for."""
    size = 20 << 40
    target = Target()
    tracemalloc.start()
    try:
        with feeding(way, tmp_path / "out") as (written, _, feed):
            feed.add(base, 0, "other",
                     [(1, READ), ((size >> 12) - 2, "failed"), (1, READ)], target.read)  # fmt: skip
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8 * MIB
    assert len(written.raw) < 300_000
    at = base
    captured = 0
    for block in regions_of(written.raw):
        payload = block["payload"]
        assert int(payload["base_addr"], 16) == at
        assert not at % (1 << payload["page_size_log2"])
        for _, count, state in payload["page_state_map"]:
            assert state in ("captured", "failed")
            captured += count << payload["page_size_log2"] if state == "captured" else 0
        at += payload["region_size"]
    assert at == base + size
    assert captured == 2 * PAGE
    verdict = msl_construct.open(written.raw).verify()
    assert (verdict.intact, verdict.complete) == (True, True)
    assert target.reads == [(base, PAGE), (base + size - PAGE, PAGE)]


@pytest.mark.parametrize("way", ["file", "pipe"])
def test_progress(way: str, tmp_path: Path) -> None:
    """Never backwards, never more than there is, and all of it in the end."""
    target = Target()
    told: list[int] = []
    with feeding(way, tmp_path / "out") as (_, _, feed):
        feed.watch = told.append
        feed.add(BASE, 3, "heap", [(4 * LARGE, READ)], target.read)
    assert told == sorted(told)
    assert told[-1] == 4 * LARGE * PAGE
    assert len(told) > 1


def test_a_plan_without_pages(tmp_path: Path) -> None:
    """Parts of no pages are none: an empty region is not written, or is a valid one."""
    target = Target()
    for plan in ([], [(0, READ)], [(0, "failed")], [(0, READ), (2, READ), (0, "failed")]):
        with feeding("file", tmp_path / "out") as (written, _, feed):
            feed.add(0x1000, 3, "heap", [(1, READ)], target.read)
            feed.add(BASE, 3, "heap", plan, target.read)
        found = sum(block["payload"]["region_size"] for block in regions_of(written.raw))
        assert found == (1 + spread(plan)) * PAGE
        verdict = msl_construct.open(written.raw).verify()
        assert (verdict.intact, verdict.complete) == (True, True)


def test_empty_parts_of_an_outcome(tmp_path: Path) -> None:
    """A read may account for no pages of a state on the way."""
    target = Target()

    def read(address: int, view: memoryview) -> Runs:
        target.read(address, view)
        pages = view.nbytes // PAGE
        return [(0, "failed"), (pages, "captured"), (0, "unmapped")]

    for pages in (1, MEDIUM, LARGE):
        target.expected.clear()
        with feeding("file", tmp_path / "out") as (written, _, feed):
            feed.add(BASE, 3, "heap", target.plan(BASE, [(pages, READ)]), read)
        check(written.raw, target.expected)


# -- what is refused -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"region_type": "no_such_type"}, "region_type"),
        ({"protection": 1 << 15}, "protection"),
        ({"page_size_log2": 9}, "page_size_log2"),
        ({"page_size_log2": 41}, ""),
        ({"plan": [(1, "no_such_state")]}, "§6"),
        ({"plan": [(1, READ), (1, "not_resident")]}, "§6"),
        ({"plan": [(LARGE, READ), (1, "not_resident")]}, "§6"),
    ],
    ids=str,
)
@pytest.mark.parametrize("way", WAYS)
def test_what_the_draft_forbids(
    way: str, fields: dict[str, Any], message: str, tmp_path: Path
) -> None:
    """Is refused before a byte of it is written, and the file goes on."""
    target = Target()
    given = {"protection": 3, "region_type": "heap", "plan": [(3, READ)], **fields}
    with feeding(way, tmp_path / "out") as (written, out, feed):
        feed.add(0x1000, 3, "heap", target.plan(0x1000, [(1, READ)]), target.read)
        feed.finish()
        position = out.sink.position
        with pytest.raises(ConformanceError) as caught:
            feed.add(BASE, read=Target().read, **given)
        assert message in str(caught.value)
        feed.finish()
        assert out.sink.position == position
        feed.add(0x9000, 3, "heap", target.plan(0x9000, [(1, READ)]), target.read)
    check(written.raw, target.expected)
