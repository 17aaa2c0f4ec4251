"""One fault each, of what regions, modules, hints and compressed payloads hold."""

from __future__ import annotations

from typing import Any

from independent import wire
from rules_faults import FLAGS, FORMAT_10, FORMAT_11, PARENT, PAYLOAD, UUID, Where, fault
from rules_files import BASE, KIB, Plan, Spec

# -- regions -------------------------------------------------------------------------------------


@fault("MSL-5.1-REGION-SIZE-NOT-PAGES")
def half_a_page(plan: Plan) -> Where:
    plan.values("region", region_size=4 * KIB + 512)
    return "region", PAYLOAD + 8


@fault("MSLX-5.1-REGION-EMPTY")
def no_page(plan: Plan) -> Where:
    values = {"page_size_log2": 10, "base_addr": BASE + 64 * KIB}
    plan.put("empty", wire.MEMORY_REGION, wire.memory_region, before="related", **values)
    return "empty", PAYLOAD + 8


@fault("MSLX-5.1-REGION-NOT-ALIGNED")
def between_pages(plan: Plan) -> Where:
    plan.values("region", base_addr=BASE + 512)
    return "region", PAYLOAD


@fault("MSLX-5.1-REGION-BEYOND-ADDRESSES")
def past_the_last_address(plan: Plan) -> Where:
    plan.values("region", base_addr=(1 << 64) - KIB)
    return "region", PAYLOAD + 8


@fault("MSLX-5.1-REGIONS-OVERLAP")
def one_page_twice(plan: Plan) -> Where:
    plan.values("region", base_addr=BASE + 13 * KIB)
    return "first", PAYLOAD


@fault("MSLX-5.1-REGIONS-OVERLAP")
def one_inside_another(plan: Plan) -> Where:
    values = {"page_size_log2": 10, "states": [1], "base_addr": BASE + KIB}
    plan.put("inner", wire.MEMORY_REGION, wire.memory_region, before="region", **values)
    return "inner", PAYLOAD


@fault("MSLX-5.1-FRAGMENTS-OVERLAP")
def fragment_twice(plan: Plan) -> Where:
    plan.values("next", base_addr=BASE + 17 * KIB)
    return "next", PAYLOAD


@fault("MSLX-5.1-FRAGMENTS-APART")
def fragment_missing(plan: Plan) -> Where:
    plan.values("next", base_addr=BASE + 20 * KIB)
    return "next", PAYLOAD


@fault("MSLX-5.1-FRAGMENT-BEFORE-FIRST")
def fragment_first(plan: Plan) -> Where:
    plan.move("next", before="first")
    return "next", PAYLOAD


@fault("MSLX-5.1-FRAGMENT-BEFORE-FIRST")
def fragment_below(plan: Plan) -> Where:
    plan.values("next", base_addr=BASE + 14 * KIB)
    return "next", PAYLOAD


@fault("MSLX-5.1-FRAGMENT-PAGE-SIZE")
def fragment_of_larger_pages(plan: Plan) -> Where:
    plan.values("next", page_size_log2=11, states=[0])
    return "next", PAYLOAD + 0x12


@fault("MSL-5.1-CONTINUATION-WITHOUT-FIRST")
def fragment_of_nothing(plan: Plan) -> Where:
    plan.fields("first", flags=0)
    plan.fields("next", parent_uuid=wire.NIL)
    return "next", PARENT


@fault("MSL-5.1-CONTINUATION-WITHOUT-FIRST")
def fragment_of_a_module_list(plan: Plan) -> Where:
    plan.fields("first", flags=0)
    plan.fields("next", parent_uuid=plan.uuid("index"))
    return "next", PARENT


@fault("MSL-5.1-CONTINUATION-WITHOUT-FIRST")
def fragment_of_a_fragment(plan: Plan) -> Where:
    values = {"page_size_log2": 10, "states": [1], "base_addr": BASE + 20 * KIB}
    fields = {"flags": wire.CONTINUATION, "parent_uuid": plan.uuid("next")}
    plan.fields("next", flags=wire.CONTINUATION | wire.HAS_CHILDREN)
    plan.put(
        "third", wire.MEMORY_REGION, wire.memory_region, before="hint", fields=fields, **values
    )
    return "third", PARENT


@fault("MSL-5.1-CONTINUATION-MISSING")
def fragment_unmarked(plan: Plan) -> Where:
    plan.fields("next", flags=0)
    return "next", FLAGS


@fault("MSL-5.1-CONTINUATION-MISSING")
def region_with_a_parent(plan: Plan) -> Where:
    plan.fields("first", parent_uuid=plan.uuid("region"))
    return "first", FLAGS


# -- modules -------------------------------------------------------------------------------------


def _rows(plan: Plan, *changes: dict[str, Any]) -> None:
    rows = plan.blocks["index"].values["rows"]
    plan.values("index", rows=[{**row, **change} for row, change in zip(rows, changes)])


_SECOND_ROW = PAYLOAD + 8 + 40 + 16  # the first: 40 fixed bytes and a path of 15


@fault("MSL-5.3-MODULE-UUID-REPEATED")
def two_rows_for_one_module(plan: Plan) -> Where:
    rows = plan.blocks["index"].values["rows"]
    plan.values("index", rows=[rows[0], {**rows[0], "base_addr": 0x3000_0000}, rows[1]])
    return "index", _SECOND_ROW


@fault("MSL-5.3-MODULE-WITHOUT-ENTRY")
def module_left_out(plan: Plan) -> Where:
    plan.drop("other")
    return "index", _SECOND_ROW


@fault("MSL-5.2-MODULE-ENTRY-NOT-LISTED")
def module_unknown_before(plan: Plan) -> Where:
    rows = plan.blocks["index"].values["rows"]
    plan.values("index", rows=rows[:1])
    return "other", UUID


@fault("MSL-5.2-MODULE-ENTRY-PARENT")
def module_of_nobody(plan: Plan) -> Where:
    plan.fields("other", parent_uuid=wire.NIL)
    return "other", PARENT


@fault("MSLX-5.2-MODULE-ENTRY-DIFFERS")
def module_elsewhere(plan: Plan) -> Where:
    plan.values("other", base_addr=0x2000_1000)
    return "other", PAYLOAD


@fault("MSLX-5.2-MODULE-ENTRY-DIFFERS")
def module_larger(plan: Plan) -> Where:
    plan.values("other", module_size=0x4000)
    return "other", PAYLOAD + 8


@fault("MSLX-5.2-MODULE-ENTRY-DIFFERS")
def module_of_another_file(plan: Plan) -> Where:
    plan.values("other", path="/lib/d.so")
    return "other", PAYLOAD + 0x18


@fault("MSL-5.2-NATIVE-BLOB-NOT-TEXT")
def line_without_end(plan: Plan) -> Where:
    plan.values("other", native_blob=b"20000000-20001000 r--p 00000000 08:01 7 /lib/c.so")
    return "other", PAYLOAD


@fault("MSL-5.2-NATIVE-BLOB-NOT-TEXT")
def line_of_no_text(plan: Plan) -> Where:
    plan.values("other", native_blob=b"\xff\0")
    return "other", PAYLOAD


@fault("MSLX-5.3-MODULE-ADDRESS-REPEATED")
def modules_in_one_place(plan: Plan) -> Where:
    _rows(plan, {}, {"base_addr": 0x1000_0000})
    plan.values("other", base_addr=0x1000_0000)
    return "index", _SECOND_ROW


# -- hints and related dumps -----------------------------------------------------------------------


@fault("MSL-5.6-KEY-HINT-WITHOUT-REGION")
def hint_at_nothing(plan: Plan) -> Where:
    plan.put("lost", wire.KEY_HINT, wire.key_hint, before="related", region_uuid=wire.uuid4(999))
    return "lost", PAYLOAD


@fault("MSL-5.6-KEY-HINT-WITHOUT-REGION")
def hint_at_nil(plan: Plan) -> Where:
    plan.put("lost", wire.KEY_HINT, wire.key_hint, before="related", region_uuid=wire.NIL)
    return "lost", PAYLOAD


@fault("MSL-5.6-KEY-HINT-WITHOUT-REGION")
def hint_at_a_module(plan: Plan) -> Where:
    region = {"region_uuid": plan.uuid("other")}
    plan.put("lost", wire.KEY_HINT, wire.key_hint, before="related", **region)
    plan.fields("other", flags=wire.HAS_KEY_HINTS)
    return "lost", PAYLOAD


@fault("MSL-5.6-KEY-HINT-OUTSIDE-REGION")
def hint_behind_the_region(plan: Plan) -> Where:
    plan.values("hint", region_offset=4 * KIB - 31)
    return "hint", PAYLOAD + 0x10


@fault("MSL-5.6-KEY-HINT-WITHOUT-DATA")
def hint_counts_pages_without_data(plan: Plan) -> Where:
    plan.values("hint", region_offset=2 * KIB - 31)
    return "hint", PAYLOAD + 0x10


@fault("MSLX-5.6-KEY-HINT-EMPTY")
def hint_at_no_byte(plan: Plan) -> Where:
    plan.values("hint", key_len=0)
    return "hint", PAYLOAD + 0x18


@fault("MSLX-5.6-KEY-HINT-ACROSS-HOLE")
def hint_on_pages_apart(plan: Plan) -> Where:
    plan.values("hint", region_offset=KIB - 16)
    return "hint", PAYLOAD + 0x10


@fault("MSLX-5.5-RELATED-DUMP-IS-ITSELF")
def related_to_itself(plan: Plan) -> Where:
    plan.values("related", related_dump_uuid=wire.uuid4(0))
    return "related", PAYLOAD


# -- compressed payloads --------------------------------------------------------------------------


def _compressed(plan: Plan, codec: str, stored: bytes) -> Where:
    flag = wire.ZSTD if codec == "zstd" else wire.LZ4
    fields = {**plan.blocks["related"].fields, "flags": wire.COMPRESSED | flag}
    plan.blocks["related"] = Spec(wire.RELATED_DUMP, lambda order: stored, {}, fields)
    return "related", PAYLOAD


def _stored(plan: Plan, codec: str, **options: Any) -> bytes:
    order = plan.kind.order
    return wire.compress(order, wire.related_dump(order), codec, **options)


def _not_inflatable(plan: Plan, codec: str) -> Where:
    return _compressed(plan, codec, _stored(plan, codec)[:-1])


def _another_size(plan: Plan, codec: str) -> Where:
    return _compressed(plan, codec, _stored(plan, codec, size=23))


def _surplus(plan: Plan, behind: bytes) -> Where:
    stored = _stored(plan, "zstd")
    _compressed(plan, "zstd", stored + behind)
    return "related", PAYLOAD + len(stored)


for _rule, _kinds in (
    ("MSL-4.2.1-PAYLOAD-NOT-INFLATABLE", FORMAT_11),
    ("MSLX-4.2-PAYLOAD-NOT-INFLATABLE", FORMAT_10),
):

    @fault(_rule, _kinds)
    def frame_cut(plan: Plan) -> Where:
        return _not_inflatable(plan, "zstd")

    @fault(_rule, _kinds)
    def lz4_cut(plan: Plan) -> Where:
        return _not_inflatable(plan, "lz4")

    @fault(_rule, _kinds)
    def frame_of_another_size(plan: Plan) -> Where:
        return _another_size(plan, "zstd")

    @fault(_rule, _kinds)
    def lz4_of_another_size(plan: Plan) -> Where:
        return _another_size(plan, "lz4")

    @fault(_rule, _kinds)
    def no_framing(plan: Plan) -> Where:
        return _compressed(plan, "zstd", b"\x18")


for _rule, _kinds in (
    ("MSL-4.2.1-STREAM-SURPLUS", FORMAT_11),
    ("MSLX-4.2-STREAM-SURPLUS", FORMAT_10),
):

    @fault(_rule, _kinds)
    def eight_zeros(plan: Plan) -> Where:
        return _surplus(plan, bytes(8))

    @fault(_rule, _kinds)
    def two_frames(plan: Plan) -> Where:
        return _surplus(plan, _stored(plan, "zstd")[8:])


@fault("MSL-4.2.1-STREAM-PADDED", FORMAT_11)
def zstd_padded(plan: Plan) -> Where:
    return _surplus(plan, bytes(7))


@fault("MSL-4.2.1-STREAM-PADDED", FORMAT_11)
def lz4_padded(plan: Plan) -> Where:
    stored = _stored(plan, "lz4")
    _compressed(plan, "lz4", stored + b"\0")
    return "related", PAYLOAD + len(stored)
