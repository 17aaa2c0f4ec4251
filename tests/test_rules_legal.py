"""Files that are odd and yet allowed: no rule of the drafts may find anything in them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from independent import wire
from independent.specimens import KINDS, LE10, LE11, Kind
from rules_files import (
    BASE,
    END,
    KIB,
    Plan,
    Spec,
    Tail,
    bytes_of,
    extended,
    imported,
    index_of,
    late_hint,
    live,
    map_of,
    thread_of,
)

import msl_construct
from msl_construct.rules import check

Bend = Callable[[Plan], None]


def found(plan: Plan) -> list[str]:
    with msl_construct.open(plan.build()) as dump:
        return [finding.rule.id for finding in check(dump)]


def no_modules(plan: Plan) -> None:
    plan.drop("module", "other", "index")
    plan.put("index", wire.MODULE_LIST_INDEX, index_of, before=list(plan.blocks)[1], rows=[])


def no_regions(plan: Plan) -> None:
    plan.drop("region", "first", "next", "hint")


def large_pages_at_the_end(plan: Plan) -> None:
    """Pages of 2^40 bytes, none captured, up to the last address there is."""
    plan.drop("hint")
    plan.fields("region", flags=0)
    place = {"base_addr": (1 << 64) - (4 << 40), "page_size_log2": 40}
    plan.values("region", states=[1, 2, 1, 1], **place)


def many_fragments(plan: Plan) -> None:
    """They stand in any order behind the first; the hint names one of them."""
    part = {"flags": wire.CONTINUATION, "parent_uuid": plan.uuid("first")}
    for number in (5, 4):
        place = {"base_addr": BASE + 16 * KIB + number * KIB, "page_size_log2": 10, "states": [0]}
        values = {**place, "before": "hint", "fields": dict(part)}
        plan.put(f"part {number}", wire.MEMORY_REGION, wire.memory_region, **values)
    plan.fields("next", flags=wire.CONTINUATION | wire.HAS_KEY_HINTS)
    plan.put(
        "second hint", wire.KEY_HINT, wire.key_hint, before="related", region_uuid=plan.uuid("next")
    )


def a_key_across_fragments(plan: Plan) -> None:
    """A hint that names the first fragment means the region."""
    plan.fields("first", flags=wire.HAS_CHILDREN | wire.HAS_KEY_HINTS)
    plan.fields("region", flags=0)
    plan.values("hint", region_uuid=plan.uuid("first"), region_offset=2 * KIB + 8)


def modules_without_address(plan: Plan) -> None:
    rows = plan.blocks["index"].values["rows"]
    plan.values("index", rows=[{**row, "base_addr": 0} for row in rows])
    for name in ("module", "other"):
        plan.values(name, base_addr=0)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
@pytest.mark.parametrize(
    "bend",
    [
        no_modules,
        no_regions,
        large_pages_at_the_end,
        many_fragments,
        a_key_across_fragments,
        modules_without_address,
    ],
    ids=lambda bend: bend.__name__,
)
def test_live(kind: Kind, bend: Bend) -> None:
    plan = live(kind)
    bend(plan)
    assert found(plan) == []


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_an_import_with_modules_and_no_identity(kind: Kind) -> None:
    plan = imported(kind)
    plan.drop("identity")
    rows = [{"module_uuid": plan.uuid("module")}]
    children = {"flags": wire.HAS_CHILDREN}
    plan.put("index", wire.MODULE_LIST_INDEX, index_of, rows=rows, fields=children)
    parent = {"parent_uuid": plan.uuid("index")}
    plan.put("module", wire.MODULE_ENTRY, wire.module_entry, fields=parent)
    assert found(plan) == []


@pytest.mark.parametrize("block_type", [0x1001, 0x1003])
def test_structural_blocks_behind_the_end_of_1_0(block_type: int) -> None:
    """Analysis tools append them (§4.3); FileHash stays what it was (§4.5)."""
    plan = live(LE10)
    fields = {"block_uuid": plan.uuid("late"), "parent_uuid": plan.uuid("region")}
    plan.behind = {"late": Spec(block_type, bytes_of, {}, fields)}
    assert found(plan) == []


def test_a_structural_block_of_an_unknown_type_is_only_that() -> None:
    plan = live(LE10)
    plan.behind = {"late": Spec(0x1ABC, bytes_of, {}, {"block_uuid": plan.uuid("late")})}
    assert found(plan) == ["MSLX-4.3-BLOCK-TYPE-UNREGISTERED"]


def test_what_appenders_refer_to_need_not_have_known_it() -> None:
    """Who appends never changes a flag of the capture, nor CapBitmap."""
    plan = live(LE11)
    plan.drop("hint")
    plan.fields("region", flags=0)
    child = Spec(0x1003, bytes_of, {}, {"parent_uuid": plan.uuid("thread")})
    plan.segments = [Tail({"late": late_hint(plan, "late"), "graph": child})]
    assert found(plan) == []


def test_maps_in_segments_and_rows_that_overlap() -> None:
    plan = extended(LE11)
    rows = [{}, {}, {"region_size": 1 << 40}]
    plan.segments.append(Tail({"map 2": Spec(wire.VAS_MAP, map_of, {"rows": rows}, {})}))
    assert found(plan) == []


def test_a_thread_whose_registers_are_in_any_order() -> None:
    plan = live(LE11)
    registers = [
        {"name": "sp", "value": BASE, "flags": 2, "width": 4},
        {"name": "v0", "value": b"\1" * 16, "width": 16},
        {"name": "pc", "value": BASE, "flags": 1 | 32, "width": 8},
    ]
    registers[0]["value"] = 0x1000
    plan.blocks["thread"].values["registers"] = registers
    plan.blocks["thread"].make = thread_of
    assert found(plan) == []


def test_times_that_are_not_known() -> None:
    plan = live(LE11)
    plan.header["timestamp"] = 0
    plan.end = {"acq_end": END}
    assert found(plan) == []
