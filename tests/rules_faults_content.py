"""One fault each, of what regions, modules, hints and compressed payloads hold."""

from __future__ import annotations

from typing import Any

from independent import wire
from rules_faults import FORMAT_10, FORMAT_11, PAYLOAD, Where, fault
from rules_files import KIB, Plan, Spec

# -- regions -------------------------------------------------------------------------------------


@fault("MSL-5.1-REGION-SIZE-NOT-PAGES")
def half_a_page(plan: Plan) -> Where:
    plan.values("region", region_size=4 * KIB + 512)
    return "region", PAYLOAD + 8


# -- modules -------------------------------------------------------------------------------------


_SECOND_ROW = PAYLOAD + 8 + 40 + 16  # the first: 40 fixed bytes and a path of 15


@fault("MSL-5.3-MODULE-UUID-REPEATED")
def two_rows_for_one_module(plan: Plan) -> Where:
    rows = plan.blocks["index"].values["rows"]
    plan.values("index", rows=[rows[0], {**rows[0], "base_addr": 0x3000_0000}, rows[1]])
    return "index", _SECOND_ROW


@fault("MSL-5.2-NATIVE-BLOB-NOT-TEXT")
def line_of_no_text(plan: Plan) -> Where:
    plan.values("other", native_blob=b"\xff\0")
    return "other", PAYLOAD


# -- hints and related dumps -----------------------------------------------------------------------


@fault("MSL-5.6-KEY-HINT-WITHOUT-REGION")
def hint_at_nothing(plan: Plan) -> Where:
    plan.put("lost", wire.KEY_HINT, wire.key_hint, before="related", region_uuid=wire.uuid4(999))
    return "lost", PAYLOAD


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
