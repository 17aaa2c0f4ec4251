"""Regions written while they are read: on a file, through a pipe, split, compressed."""

from __future__ import annotations

import io
import random
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from independent.specimens import KINDS, LE10, LE11, Kind
from writing import Forward, blocks_of, live, memory_of

import msl_construct
from msl_construct.builder import RegionWriter
from msl_construct.builder.blocks import BlockStream
from msl_construct.errors import ConformanceError

PAGE = 1024
BASE = 0x7F00_0000_0000
Plan = list[tuple[str, int]]
"""States of a region, run by run."""


def page(number: int) -> bytes:
    return number.to_bytes(4, "little") * (PAGE // 4)


def expected(plan: Plan) -> dict[int, bytes | str]:
    """What memory must look like, from the plan alone."""
    found: dict[int, bytes | str] = {}
    for state, count in plan:
        for _ in range(count):
            number = len(found)
            found[BASE + number * PAGE] = page(number) if state == "captured" else state
    return found


def random_plan(seed: str, pages: int = 60) -> Plan:
    rng = random.Random(seed)
    plan: Plan = []
    while pages:
        count = min(pages, rng.choice((1, 1, 2, 3, 4, 5, 9)))
        plan.append((rng.choice(("captured", "captured", "failed", "unmapped")), count))
        pages -= count
    return plan


def fill(region: RegionWriter, plan: Plan, *, at_once: int = 3) -> None:
    """Do what the plan says; the buffer is used again and again, as a reader would."""
    number = 0
    buffer = bytearray(at_once * PAGE)
    for state, count in plan:
        if state != "captured":
            region.mark(state, count)
            number += count
            continue
        while count:
            pages = min(count, at_once)
            for i in range(pages):
                buffer[i * PAGE : (i + 1) * PAGE] = page(number + i)
            region.captured(memoryview(buffer)[: pages * PAGE])
            number += pages
            count -= pages
    buffer[:] = bytes(len(buffer))


def write(file: Any, kind: Kind, plan: Plan, **options: Any) -> None:
    pages = sum(count for _, count in plan)
    with live(file, kind, "memory_regions", **options) as out:
        with out.region(
            base_addr=BASE, region_size=pages * PAGE, page_size_log2=10, protection=3
        ) as region:
            fill(region, plan)
        assert region.done == region.pages == pages


def check(raw: bytes, plan: Plan) -> list[dict[str, Any]]:
    """The file holds just the planned memory and verifies; its region blocks."""
    assert memory_of(raw) == expected(plan)
    dump = msl_construct.open(raw)
    verdict = dump.verify()
    assert (verdict.intact, verdict.complete) == (True, True)
    pages = sum(count for _, count in plan)
    found = dump.memory.read(BASE, pages * PAGE)
    want = [page for page in expected(plan).values() if isinstance(page, bytes)]
    assert bytes(found.data) == b"".join(want)
    assert len(dump.regions) == 1
    return [b for b in blocks_of(raw) if b["block_type"] == "memory_region"]


PLANS: dict[str, Plan] = {
    "all-captured": [("captured", 17)],
    "all-failed": [("failed", 17)],
    "last-fails": [("captured", 8), ("failed", 1)],
    "first-fails": [("unmapped", 1), ("captured", 8)],
    "alternating": [("captured", 1), ("failed", 1)] * 9,
    "within-a-map-byte": [("captured", 1), ("failed", 2), ("captured", 1), ("unmapped", 3)],
    "across-map-bytes": [("captured", 3), ("failed", 6), ("captured", 2), ("unmapped", 30)],
    "one-page": [("captured", 1)],
    "nothing": [],
    **{f"random-{n}": random_plan(f"plan:{n}") for n in range(8)},
}


@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.name)
@pytest.mark.parametrize("name", PLANS)
def test_seekable_file(name: str, kind: Kind) -> None:
    file = io.BytesIO()
    write(file, kind, PLANS[name])
    blocks = check(file.getvalue(), PLANS[name])
    assert len(blocks) == 1
    assert blocks[0]["flags"] == []


@pytest.mark.parametrize("name", PLANS)
def test_real_file(name: str, tmp_path: Path) -> None:
    path = tmp_path / "out.msl"
    write(path, LE10, PLANS[name])
    check(path.read_bytes(), PLANS[name])


@pytest.mark.parametrize("limit", [0, PAGE, 5 * PAGE, 1 << 30])
@pytest.mark.parametrize("name", PLANS)
def test_pipe(name: str, limit: int) -> None:
    file = Forward()
    write(file, LE10, PLANS[name], buffer_limit=limit)
    blocks = check(bytes(file.data), PLANS[name])
    check_fragments(blocks)
    if limit == 1 << 30:
        assert len(blocks) == 1


def check_fragments(blocks: list[dict[str, Any]]) -> None:
    """§5.1: the first sets HasChildren, each further one Continuation and its parent."""
    first, *others = blocks
    assert "continuation" not in first["flags"]
    assert ("has_children" in first["flags"]) == bool(others)
    assert int(first["parent_uuid"].replace("-", ""), 16) == 0
    bases = [int(b["payload"]["base_addr"], 16) for b in blocks]
    assert bases == sorted(set(bases))
    for block, base in zip(others, bases[1:]):
        assert "continuation" in block["flags"]
        assert "has_children" not in block["flags"]
        assert block["parent_uuid"] == first["block_uuid"]
        assert base > int(first["payload"]["base_addr"], 16)
        assert block["payload"]["protection"] == first["payload"]["protection"]
    assert len({b["block_uuid"] for b in blocks}) == len(blocks)


def test_fragments_are_made_where_a_pipe_can_hold_no_more() -> None:
    file = Forward()
    write(file, LE10, [("captured", 20)], buffer_limit=4 * PAGE)
    blocks = check(bytes(file.data), [("captured", 20)])
    assert len(blocks) >= 5
    assert all(b["payload"]["page_data"]["length"] <= 4 * PAGE for b in blocks)


@pytest.mark.parametrize("codec", ["zstd", "lz4"])
@pytest.mark.parametrize("target", [io.BytesIO, Forward])
@pytest.mark.parametrize("name", ["all-captured", "alternating", "random-1", "random-5"])
def test_compressed(name: str, target: Any, codec: str) -> None:
    file = target()
    write(file, LE11, PLANS[name], compression=codec, buffer_limit=7 * PAGE)
    raw = bytes(file.data) if isinstance(file, Forward) else file.getvalue()
    blocks = check(raw, PLANS[name])
    check_fragments(blocks)
    assert any(b.get("compression", {}).get("algorithm") == codec for b in blocks)


@pytest.mark.parametrize("name", PLANS)
@pytest.mark.parametrize("target", [io.BytesIO, Forward])
def test_split_at_a_small_longest_block(
    name: str, target: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a region above 4 GiB is split, at a size that a test can afford."""
    monkeypatch.setattr(BlockStream, "max_payload", property(lambda self: 0x20 + 8 + 6 * PAGE))
    file = target()
    write(file, LE10, PLANS[name])
    raw = bytes(file.data) if isinstance(file, Forward) else file.getvalue()
    blocks = check(raw, PLANS[name])
    check_fragments(blocks)
    assert all(b["block_length"] <= 80 + 0x20 + 8 + 6 * PAGE for b in blocks)
    if name == "all-captured":
        assert len(blocks) >= 3


@pytest.mark.parametrize("name", PLANS)
def test_whole_region_is_split_too(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BlockStream, "max_payload", property(lambda self: 0x20 + 8 + 6 * PAGE))
    plan, runs, first = PLANS[name], [], 0
    for state, count in plan:
        runs.append((first, count, state))
        first += count
    data = b"".join(p for p in expected(plan).values() if isinstance(p, bytes))
    file = io.BytesIO()
    with live(file, LE10, "memory_regions") as out:
        out.add_memory_region(
            base_addr=BASE,
            region_size=first * PAGE,
            page_states=runs,
            data=data,
            page_size_log2=10,
        )
    check_fragments(check(file.getvalue(), plan))


def test_hint_and_children_flags_stay_with_the_first_fragment() -> None:
    file = Forward()
    with live(file, LE10, "memory_regions", "crypto_hints", buffer_limit=PAGE) as out:
        with out.region(
            base_addr=BASE, region_size=3 * PAGE, page_size_log2=10, block_flags="has_key_hints"
        ) as region:
            fill(region, [("captured", 3)], at_once=1)
        out.add_key_hint(region_uuid=region.uuid, region_offset=0, key_len=1)
    flags = [b["flags"] for b in blocks_of(bytes(file.data)) if b["block_type"] == "memory_region"]
    assert flags == [["has_key_hints", "has_children"], ["continuation"], ["continuation"]]


def test_pages_must_all_be_accounted_for() -> None:
    for target in (io.BytesIO(), Forward()):
        out = live(target, LE10, "memory_regions")
        region = out.region(base_addr=BASE, region_size=4 * PAGE, page_size_log2=10)
        region.captured(page(0))
        with pytest.raises(ConformanceError, match=r"3 of 4 pages.*§6"):
            region.close()


@pytest.mark.parametrize("target", [io.BytesIO, Forward])
def test_refusals_while_a_region_is_open(target: Any) -> None:
    out = live(target(), LE10, "memory_regions")
    with out.region(base_addr=BASE, region_size=2 * PAGE, page_size_log2=10) as region:
        with pytest.raises(ConformanceError, match=r"§5.1"):
            region.captured(b"x" * (PAGE + 1))
        with pytest.raises(ConformanceError):
            region.captured(bytes(3 * PAGE))
        with pytest.raises(ConformanceError):
            region.mark("failed", 3)
        with pytest.raises(ConformanceError):
            region.mark("failed", -1)
        for state in ("captured", "reserved", "not_resident", "lost", 3, 0, 9):
            with pytest.raises(ConformanceError, match=r"§6"):
                region.mark(state)
        with pytest.raises(ConformanceError, match=r"§2"):
            out.add_opaque(0x1003, b"")
        with pytest.raises(ConformanceError, match=r"§2"):
            out.region(base_addr=0, region_size=0)
        region.captured(page(0))
        with pytest.raises(ConformanceError, match=r"§2"):
            out.add_opaque(0x1003, b"")
        region.mark("failed")
    out.close()


def test_end_while_a_region_is_open_is_refused() -> None:
    out = live(io.BytesIO(), LE10, "memory_regions")
    region = out.region(base_addr=BASE, region_size=2 * PAGE, page_size_log2=10)
    region.captured(page(0))
    with pytest.raises(ConformanceError):
        out.close()


def test_not_resident_pages_of_the_revised_draft() -> None:
    plan = [("captured", 2), ("not_resident", 5), ("failed", 1), ("captured", 1)]
    for target in (io.BytesIO(), Forward()):
        write(target, LE11, plan)
        raw = bytes(target.data) if isinstance(target, Forward) else target.getvalue()
        check(raw, plan)


@pytest.mark.parametrize("target", [io.BytesIO, Forward])
def test_exception_inside_a_region(target: Any) -> None:
    file = target()

    def interrupted() -> None:
        with live(file, LE10, "memory_regions") as out:
            out.add_memory_region(base_addr=0, data=page(1), page_size_log2=10)
            with out.region(base_addr=BASE, region_size=4 * PAGE, page_size_log2=10) as region:
                region.captured(page(0))
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    raw = bytes(file.data) if isinstance(file, Forward) else file.getvalue()
    dump = msl_construct.open(raw)
    keys = [block.key for block in dump.blocks]
    assert keys == ["process_identity", "module_list_index", "memory_region"]
    verdict = dump.verify()
    assert (verdict.intact, verdict.complete) == (True, False)


def peak_of_pipe(pages: int, limit: int) -> int:
    class Sink(io.RawIOBase):
        def writable(self) -> bool:
            return True

        def write(self, data: Any) -> int:
            return len(data)

    tracemalloc.start()
    try:
        with (
            live(Sink(), LE10, "memory_regions", buffer_limit=limit) as out,
            out.region(base_addr=0, region_size=pages << 12) as region,
        ):
            for _ in range(pages // 16):
                region.captured(bytes(16 << 12))
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_of_a_pipe_is_bounded_by_the_buffer() -> None:
    limit = 1 << 20
    small, large = peak_of_pipe(1024, limit), peak_of_pipe(16 * 1024, limit)
    assert large < 4 * limit + (1 << 20)
    assert large < small + (1 << 20)
