"""What is read while the target stands still, and written when it has been let go."""

from __future__ import annotations

import os
import random
import select
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from acquire_targets import target
from acquiring import (
    PAGE,
    Dump,
    acquire,
    launched,
    linux_only,
    report_of,
    status,
)
from feeding import feeding
from sampling import sampled

from msl_acquire.bounds import Stopped
from msl_acquire.model import Action, Failure, Mapping, Stretch
from msl_acquire.pages import Pages, Part
from msl_acquire.standing import LEAST, HeldPages, StopPlan
from msl_acquire.tally import Tally

PLANNED = (Action.READ, Action.READ, Action.READ, Action.SKIP, Action.UNTOUCHED)


def content(address: int) -> bytes:
    return address.to_bytes(8, "little") * (PAGE // 8)


class Memory:
    """A target of which some pages can't be read."""

    page_size = PAGE

    def __init__(self, rng: random.Random, plans: dict[int, list[Stretch]], failing: float) -> None:
        self.planned = plans
        self.failing = {
            page
            for start, plan in plans.items()
            for page in range(start, start + sum(one.pages for one in plan) * PAGE, PAGE)
            if rng.random() < failing
        }
        self.reads = 0

    def plans(self, mappings: Sequence[Mapping]) -> Iterator[Sequence[Stretch]]:
        for mapping in mappings:
            yield self.planned[mapping.start]

    def read(self, mapping: Mapping, address: int, into: memoryview) -> int:
        assert mapping.start <= address
        assert address + into.nbytes <= mapping.end
        self.reads += 1
        for at in range(0, into.nbytes, PAGE):
            if address + at in self.failing:
                return at
            into[at : at + PAGE] = content(address + at)
        return into.nbytes

    def failure(self, mapping: Mapping, address: int, pages: int) -> Failure:
        cause = self.cause(address)
        alike = 1
        while alike < pages and self.cause(address + alike * PAGE) == cause:
            alike += 1
        return Failure("failed", cause, 5, alike)

    def cause(self, address: int) -> str:
        return f"cause_{address // PAGE // 5 % 3}" if address in self.failing else ""


def memory(rng: random.Random, failing: float) -> tuple[Memory, list[Mapping]]:
    mappings, plans = [], {}
    at = 1 << 20
    for _ in range(rng.randint(1, 12)):
        plan = [
            Stretch(rng.randint(1, rng.choice((3, 700))), action, "" if action == 0 else "why")
            for action in (rng.choice(PLANNED) for _ in range(rng.randint(1, 8)))
        ]
        size = sum(one.pages for one in plan) * PAGE
        mappings.append(Mapping(at, at + size, 3, "anonymous", "", b""))
        plans[at] = plan
        at += size + rng.choice((0, PAGE, 1 << 30))
    rng.shuffle(mappings)
    return Memory(rng, plans, failing), mappings


def pages_of(parts: Sequence[Part]) -> list[tuple[int, Action, str]]:
    found = []
    for part in parts:
        at = part.part.start
        assert part.mapping.start <= at
        for pages, action, cause, _ in part.plan:
            assert pages
            found += [(at + n * PAGE, action, cause) for n in range(pages)]
            at += pages * PAGE
        assert at == part.part.end <= part.mapping.end
    return found


def pages_in(target: Memory, mappings: Sequence[Mapping]) -> list[tuple[int, Action, str]]:
    return pages_of([Part(one, one, target.planned[one.start]) for one in mappings])


@sampled()
@pytest.mark.parametrize("seed", range(40))
def test_every_page_is_written_at_once_or_held(seed: int) -> None:
    rng = random.Random(seed)
    target, mappings = memory(rng, 0)
    room = rng.choice((0, LEAST, LEAST + 5 * PAGE, 4 << 20, 64 << 20))
    held = HeldPages(room, PAGE)
    standing = StopPlan(target, mappings, held)
    assert standing.rest is None
    assert not standing.put_off
    assert not target.reads
    assert pages_of([*standing.first, *standing.last]) == pages_in(target, mappings)
    to_hold = sum(action is Action.READ for _, action, _ in pages_of(standing.last)) * PAGE
    assert to_hold <= room
    at_once = sum(action is Action.READ for _, action, _ in pages_of(standing.first)) * PAGE
    assert not at_once or to_hold > room - LEAST
    held.close()


def written(target: Memory | HeldPages, parts: Sequence[Part]) -> tuple[bytes, Tally]:
    """What the feed makes of it, with the same UUIDs and times each time."""
    tally = Tally("failed", "failed", str)
    with feeding("memory", Path(), own_uuids=True) as (found, _, feed):
        Pages(target, feed, tally).capture_parts(parts)
    return found.raw, tally


@sampled()
@pytest.mark.parametrize("seed", range(40))
def test_what_was_held_is_written_as_what_is_read(seed: int) -> None:
    rng = random.Random(1000 + seed)
    target, mappings = memory(rng, rng.choice((0, 0.02, 0.5)))
    held = HeldPages(64 << 20, PAGE)
    standing = StopPlan(target, mappings, held)
    assert not standing.first
    held.take(target, standing.last, lambda size: None)
    reads = target.reads
    data, tally = written(held, held.parts)
    assert target.reads == reads
    expected, as_read = written(target, held.parts)
    assert data == expected
    assert tally.totals(len(tally.regions)) == as_read.totals(len(as_read.regions))
    assert (
        held.size
        == sum(
            action is Action.READ and at not in target.failing
            for at, action, _ in pages_of(standing.last)
        )
        * PAGE
    )
    held.close()


def test_what_was_not_read_is_not_written() -> None:
    target, mappings = memory(random.Random(5), 0)
    held = HeldPages(64 << 20, PAGE)
    standing = StopPlan(target, mappings, held)
    left = 3

    def look(size: int) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise Stopped("interrupted", "enough")

    with pytest.raises(Stopped):
        held.take(target, standing.last, look)
    assert held.parts == standing.last[:3]
    assert written(held, held.parts)[0] == written(target, standing.last[:3])[0]


def test_too_many_mappings_are_planned_on_the_way() -> None:
    plan = [Stretch(1, Action.READ)]
    starts = range(1 << 20, (1 << 20) + 40000 * 2 * PAGE, 2 * PAGE)
    mappings = [Mapping(at, at + PAGE, 3, "anonymous", "", b"") for at in starts]
    target = Memory(random.Random(1), dict.fromkeys(starts, plan), 0)
    standing = StopPlan(target, mappings, HeldPages(64 << 20, PAGE))
    assert not standing.last
    assert standing.rest is not None
    rest = [mapping for mapping, _ in standing.rest]
    assert [*(part.mapping for part in standing.first), *rest] == mappings


# --- a real target ---------------------------------------------------------------------------


@linux_only
def test_the_target_runs_before_anybody_takes_a_byte(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with target("e2e_idle") as (process, _):
        reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        with launched(process.pid, "-o", pipe) as acquirer:
            assert select.select([reader], [], [], 60)[0]
            assert status(process.pid, "TracerPid") == "0"
            os.set_blocking(reader, True)
            with open(reader, "rb") as source:
                (tmp_path / "dump.msl").write_bytes(source.read())
            assert acquirer.wait(60) == 0
    assert Dump(tmp_path / "dump.msl").regions


@linux_only
def test_times_of_pages_are_within_the_stop(tmp_path: Path) -> None:
    with target("e2e_idle") as (process, _):
        acquire(process.pid, "-o", tmp_path / "dump.msl")
    report = report_of(tmp_path / "dump.msl")
    began, ended = int(report["freeze"]["began"]), int(report["freeze"]["ended"])
    memory = report["memory"]
    assert began <= int(memory["first_page_time"]) <= int(memory["last_page_time"]) <= ended
    later = {
        row["base_addr"]
        for row in report["regions"]
        if any(cause["cause"] == "from_file_later" for cause in row.get("causes", ()))
    }
    held = 0
    for region in Dump(tmp_path / "dump.msl").of("memory_region"):
        if region["payload"]["base_addr"] not in later:
            assert began <= int(region["payload"]["timestamp"]) <= ended
            held += 1
    assert held > 3
