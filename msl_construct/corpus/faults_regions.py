"""One fault each, of memory regions and their fragments (§5.1, §6)."""

from __future__ import annotations

from .assemble import END, NIL, START
from .faults import fault
from .payloads import BASE, KIB, region
from .plan import Plan
from .recipe import Where, field_of, payload_at


@fault("MSL-5.1-REGION-SIZE-NOT-PAGES")
def half_a_page(plan: Plan) -> Where:
    """RegionSize is half a page more than four pages."""
    plan.values("region", region_size=4 * KIB + 512)
    return payload_at(plan, "region", "region_size")


@fault("MSLX-5.1-REGION-EMPTY")
def no_page(plan: Plan) -> Where:
    """A region of no bytes."""
    plan.put("empty", "memory_region", region("", BASE + 64 * KIB), before="related")
    return payload_at(plan, "empty", "region_size")


@fault("MSLX-5.1-REGION-NOT-ALIGNED")
def between_pages(plan: Plan) -> Where:
    """A BaseAddr half a page behind a page's start."""
    plan.values("region", base_addr=hex(BASE + 512))
    return payload_at(plan, "region", "base_addr")


@fault("MSLX-5.1-REGION-BEYOND-ADDRESSES")
def past_the_last_address(plan: Plan) -> Where:
    """A region that starts a page before the last address and has four."""
    plan.values("region", base_addr=hex((1 << 64) - KIB))
    return payload_at(plan, "region", "region_size")


@fault("MSLX-5.1-REGIONS-OVERLAP")
def one_page_twice(plan: Plan) -> Where:
    """The last page of one region is the first of the next."""
    plan.values("region", base_addr=hex(BASE + 13 * KIB))
    return payload_at(plan, "first", "base_addr")


@fault("MSLX-5.1-REGIONS-OVERLAP")
def one_inside_another(plan: Plan) -> Where:
    """A region that lies inside another."""
    plan.put("inner", "memory_region", region("F", BASE + KIB), before="region")
    return payload_at(plan, "inner", "base_addr")


@fault("MSLX-5.1-FRAGMENTS-OVERLAP")
def fragment_twice(plan: Plan) -> Where:
    """A fragment begins on the last page of the one before."""
    plan.values("next", base_addr=hex(BASE + 17 * KIB))
    return payload_at(plan, "next", "base_addr")


@fault("MSLX-5.1-FRAGMENTS-APART")
def fragment_missing(plan: Plan) -> Where:
    """Two pages are missing between two fragments."""
    plan.values("next", base_addr=hex(BASE + 20 * KIB))
    return payload_at(plan, "next", "base_addr")


@fault("MSLX-5.1-FRAGMENT-BEFORE-FIRST")
def fragment_first(plan: Plan) -> Where:
    """The second fragment stands in front of the first."""
    plan.move("next", before="first")
    return payload_at(plan, "next", "base_addr")


@fault("MSLX-5.1-FRAGMENT-BEFORE-FIRST")
def fragment_below(plan: Plan) -> Where:
    """The second fragment's address is below that of the first."""
    plan.values("next", base_addr=hex(BASE + 14 * KIB))
    return payload_at(plan, "next", "base_addr")


@fault("MSLX-5.1-FRAGMENT-PAGE-SIZE")
def fragment_of_larger_pages(plan: Plan) -> Where:
    """A fragment with pages of another size than the first."""
    plan.block("next").payload = region("C", BASE + 18 * KIB, log2=11)
    return payload_at(plan, "next", "page_size_log2")


@fault("MSL-5.1-CONTINUATION-WITHOUT-FIRST")
def fragment_of_nothing(plan: Plan) -> Where:
    """A Continuation without a parent."""
    plan.fields("first", flags=[])
    plan.fields("next", parent_uuid=NIL)
    return field_of(plan, "next", "parent_uuid")


@fault("MSL-5.1-CONTINUATION-WITHOUT-FIRST")
def fragment_of_a_module_list(plan: Plan) -> Where:
    """A Continuation of the Module List Index."""
    plan.fields("first", flags=[])
    plan.fields("next", parent_uuid=plan.uuid("index"))
    return field_of(plan, "next", "parent_uuid")


@fault("MSL-5.1-CONTINUATION-WITHOUT-FIRST")
def fragment_of_a_fragment(plan: Plan) -> Where:
    """A Continuation of a Continuation."""
    plan.fields("next", flags=["continuation", "has_children"])
    plan.put(
        "third",
        "memory_region",
        region("F", BASE + 20 * KIB),
        before="hint",
        flags=["continuation"],
        parent_uuid=plan.uuid("next"),
    )
    return field_of(plan, "third", "parent_uuid")


@fault("MSL-5.1-CONTINUATION-MISSING")
def fragment_unmarked(plan: Plan) -> Where:
    """A second fragment that names the first one as its parent and does not set Continuation."""
    plan.fields("next", flags=[])
    return field_of(plan, "next", "flags")


@fault("MSL-5.1-CONTINUATION-MISSING")
def region_with_a_parent(plan: Plan) -> Where:
    """A region in fragments of its own that names another region as its parent."""
    plan.fields("first", parent_uuid=plan.uuid("region"))
    return field_of(plan, "first", "flags")


@fault("MSLX-5.1-REGION-TIME-OUTSIDE-ACQUISITION")
def read_before_the_start(plan: Plan) -> Where:
    """A region that was read a nanosecond before the acquisition began."""
    plan.values("region", timestamp=str(START - 1))
    return payload_at(plan, "region", "timestamp")


@fault("MSLX-5.1-REGION-TIME-OUTSIDE-ACQUISITION")
def read_after_the_end(plan: Plan) -> Where:
    """A region that was read a nanosecond after the acquisition ended."""
    plan.values("region", timestamp=str(END + 1))
    return payload_at(plan, "region", "timestamp")
