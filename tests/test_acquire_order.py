"""In which order memory is read, and that its pages are the same in any order."""

from __future__ import annotations

import random
from pathlib import Path

from acquire_targets import Running, target
from acquiring import Dump, acquire, linux_only, maps, stopped

from msl_acquire.linux.maps import mappings
from msl_acquire.linux.memory import LinuxMemory
from msl_acquire.model import Mapping, Stretch
from msl_acquire.selection import reading_order

pytestmark = linux_only


def _mapping(start: int, kind: str, protection: int) -> Mapping:
    return Mapping(start, start + 4096, protection, kind, "", b"")


def test_what_exists_nowhere_else_comes_first() -> None:
    code, constants = _mapping(1 << 12, "image", 5), _mapping(2 << 12, "image", 1)
    data, heap = _mapping(3 << 12, "image", 3), _mapping(4 << 12, "heap", 3)
    cache, anonymous = _mapping(5 << 12, "mapped_file", 1), _mapping(6 << 12, "anonymous", 3)
    reserved, shared = _mapping(7 << 12, "anonymous", 0), _mapping(8 << 12, "shared_mem", 1)
    stack, kernel = _mapping(9 << 12, "stack", 3), _mapping(10 << 12, "other", 5)
    given = [code, constants, data, heap, cache, anonymous, reserved, shared, stack, kernel]
    first, then, last = [heap, stack], [data, anonymous, reserved, shared], [code, constants, cache]
    assert reading_order(given) == [*first, *then, *last, kernel]


def test_the_plan_of_a_mapping_does_not_depend_on_the_order() -> None:
    with target("zoo", "anon") as (process, _), stopped(process.pid):
        found = mappings(process.pid)
        memory = LinuxMemory(process.pid)

        def planned(order: list[Mapping]) -> dict[Mapping, list[Stretch]]:
            return {mapping: list(plan) for mapping, plan in zip(order, memory.plans(order))}

        try:
            ascending = planned(found)
            for seed in range(5):
                assert planned(random.Random(seed).sample(found, len(found))) == ascending
            assert planned(reading_order(found)) == ascending
        finally:
            memory.close()


def test_a_dump_has_heap_and_stack_first(tmp_path: Path) -> None:
    out = tmp_path / "out.msl"
    process: Running
    with target("e2e_counter", "1", "64", "8", "200") as (process, _):
        acquire(process.pid, "-o", out)
        listed = maps(process.pid)
    regions = Dump(out).regions
    assert {region.region_type for region in regions[:2]} == {"heap", "stack"}
    only_read = [
        region.region_type == "image" and "write" not in region.protection for region in regions
    ]
    anonymous = [region.region_type == "anonymous" for region in regions]
    assert max(i for i, is_one in enumerate(anonymous) if is_one) < only_read.index(True)
    bases = [region.base for region in Dump(out).regions]
    assert set(bases) >= {line.start for line in listed if line.name == "[heap]"}
    assert bases != sorted(bases)
