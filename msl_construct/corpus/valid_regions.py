"""Valid samples of regions, fragments, hints and compressed payloads (§4.2, §5.1, §5.6)."""

from __future__ import annotations

from .base_plans import investigation, live, minimal, with_regions
from .payloads import BASE, KIB, key_hint, region
from .plan import Form, Plan, since
from .valid import valid

_CODECS = (("zstd", "zst"), ("lz4", "lz4"))

for _codec, _code in _CODECS:

    @valid(
        _code,
        "failed",
        name=f"region-{_code}",
        shows=f"A memory region with holes, compressed with {_codec}: what inflates is the whole "
        "payload, fixed fields and page map included.",
    )
    def compressed_region(form: Form, codec: str = _codec) -> Plan:
        plan = with_regions(form, region("CFCC"))
        plan.block("region").codec = codec
        return plan

    @valid(
        _code,
        name=f"everything-{_code}",
        shows=f"Every block compressed with {_codec}, the End-of-Capture too.",
    )
    def compressed_all(form: Form, codec: str = _codec) -> Plan:
        plan = live(form)
        for block in (*plan.blocks.values(), plan.block("end")):
            block.codec = codec
        return plan

    @valid(
        _code,
        "tables",
        forms=since("draft-2026-10"),
        name=f"tables-{_code}",
        shows=f"The investigation's tables and the manifests, compressed with {_codec}.",
    )
    def compressed_tables(form: Form, codec: str = _codec) -> Plan:
        plan = investigation(form)
        for block in plan.blocks.values():
            if "table" in str(block.type) or "manifest" in str(block.type):
                block.codec = codec
        return plan


@valid("multi")
def regions_adjacent(form: Form) -> Plan:
    """Three regions without a gap between their addresses: a read may cross both edges."""
    at = [BASE + 2 * KIB * number for number in range(3)]
    return with_regions(form, *(region("CC", a, first=2 * n) for n, a in enumerate(at)))


@valid("multi")
def regions_unordered(form: Form) -> Plan:
    """Regions that do not stand in the order of their addresses."""
    return with_regions(form, *(region("C", BASE + (n << 20), first=n) for n in (3, 1, 2)))


@valid("multi", "failed", "unmapped")
def regions_around_holes(form: Form) -> Plan:
    """The captured pages lie at the edges of regions that have holes and gaps between them."""
    return with_regions(
        form,
        region("FC", BASE),
        region("CU", BASE + 2 * KIB, first=2),
        region("UC", BASE + 8 * KIB, first=4),
    )


@valid("cont")
def fragments_unordered(form: Form) -> Plan:
    """A region in four fragments, which stand in another order than their addresses have."""
    plan = minimal(form)
    plan.put("first", "memory_region", region("CF", BASE), flags=["has_children"])
    for number in (3, 1, 2):
        plan.put(
            f"part {number}",
            "memory_region",
            region("CF", BASE + 2 * number * KIB, first=2 * number),
            flags=["continuation"],
            parent_uuid=plan.uuid("first"),
        )
    return plan


@valid("cont", "zst")
def fragments_compressed(form: Form) -> Plan:
    """A region in two fragments, the second of which is compressed."""
    plan = minimal(form)
    plan.put("first", "memory_region", region("CC", BASE), flags=["has_children"])
    plan.put(
        "part",
        "memory_region",
        region("CC", BASE + 2 * KIB, first=2),
        flags=["continuation"],
        parent_uuid=plan.uuid("first"),
    ).codec = "zstd"
    return plan


@valid("cont", "multi")
def fragments_of_two(form: Form) -> Plan:
    """Two regions in two fragments each, which stand in turn."""
    plan = minimal(form)
    for number, letter in enumerate("ab"):
        at = BASE + (number << 20)
        plan.put(letter, "memory_region", region("C", at), flags=["has_children"])
    for number, letter in enumerate("ab"):
        plan.put(
            f"{letter} 2",
            "memory_region",
            region("C", BASE + (number << 20) + KIB, first=1),
            flags=["continuation"],
            parent_uuid=plan.uuid(letter),
        )
    return plan


@valid("cont", "hints")
def hint_in_fragment(form: Form) -> Plan:
    """A Key Hint at the second fragment of a region."""
    plan = minimal(form)
    plan.put("first", "memory_region", region("CC", BASE), flags=["has_children"])
    plan.put(
        "part",
        "memory_region",
        region("FC", BASE + 2 * KIB, first=2),
        flags=["continuation", "has_key_hints"],
        parent_uuid=plan.uuid("first"),
    )
    plan.put("hint", "key_hint", key_hint("part"))
    return plan


@valid("hints", "failed")
def hint_behind_holes(form: Form) -> Plan:
    """RegionOffset counts within PageData: offset 0x420 lies on the fourth page, not the second."""
    plan = with_regions(form, region("CFFCC"))
    plan.fields("region", flags=["has_key_hints"])
    plan.put("hint", "key_hint", key_hint("region", region_offset=hex(KIB + 0x20)))
    return plan


@valid("hints")
def hint_across_pages(form: Form) -> Plan:
    """A key that begins on one page and ends on the next."""
    plan = with_regions(form, region("CC"))
    plan.fields("region", flags=["has_key_hints"])
    plan.put("hint", "key_hint", key_hint("region", region_offset=hex(KIB - 16)))
    return plan


@valid("hints")
def hints_before_region(form: Form) -> Plan:
    """Key Hints that stand in front of their region, two of them for one place."""
    plan = minimal(form)
    plan.put("hint", "key_hint", key_hint("region", note=None))
    plan.put("hint 2", "key_hint", key_hint("region", key_type="unknown", note="a guess"))
    plan.put("region", "memory_region", region("C"), flags=["has_key_hints"])
    return plan


@valid("noregion")
def no_region(form: Form) -> Plan:
    """A live acquisition without a memory region: CapBitmap does not announce any."""
    return minimal(form)
