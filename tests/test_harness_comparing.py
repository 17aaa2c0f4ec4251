"""Where documents differ: what counts, what does not, and how deep it is looked."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
import rules_files
from harness_corpus import compressed, fault, with_data
from independent.decode import decode
from independent.specimens import LE10, LE11

from msl_construct.corpus import Consumer
from msl_construct.harness import Comparison, ComparisonLevel, compare
from msl_construct.harness.comparing import expected_so_far
from msl_construct.harness.levels import hidden_in_payload
from msl_construct.harness.output import NoDocument, parse
from msl_construct.harness.trial import demanded

Document = dict[str, Any]
Change = Callable[[Document], Any]


def document(data: bytes) -> Document:
    return with_data(decode(data), data)


LIVE = document(rules_files.live(LE10).build())
EXTENDED = document(rules_files.extended(LE11).build())
ZSTD = document(compressed(LE11))
IDENTITY, REGION = 0, 4


def page_size() -> Document:
    plan = rules_files.live(LE10)
    plan.values("region", page_size_log2=5)
    return document(plan.build())


def map_missing() -> Document:
    """A region whose page map needs more bytes than there are."""
    plan = rules_files.live(LE10)
    plan.values("region", region_size=1 << 40)
    return document(plan.build())


DAMAGED = page_size()
TRUNCATED = map_missing()


def changed(
    change: Change, base: Document = LIVE, level: ComparisonLevel = ComparisonLevel.FULL
) -> Comparison:
    found = copy.deepcopy(base)
    change(found)
    return compare(base, found, level)


def paths(comparison: Comparison) -> list[str]:
    assert comparison.count >= len(comparison.differences)
    return [one.path for one in comparison.differences]


def test_the_bases_are_what_their_names_say() -> None:
    assert "damage" in DAMAGED["blocks"][REGION]
    assert "page_state_map" not in TRUNCATED["blocks"][REGION]["payload"]
    assert "damage" in TRUNCATED["blocks"][REGION]
    assert "data" in LIVE["blocks"][REGION]["payload"]["page_data"]
    assert len(EXTENDED["segments"]) == 2
    assert any("compression" in block for block in ZSTD["blocks"])
    assert set(hidden_in_payload(LIVE["blocks"][REGION], ComparisonLevel.PAYLOADS)) == {
        "page_state_map",
        "page_data",
    }


@pytest.mark.parametrize("level", ComparisonLevel)
@pytest.mark.parametrize("base", [LIVE, EXTENDED, ZSTD, DAMAGED, TRUNCATED])
def test_a_document_is_itself(base: Document, level: ComparisonLevel) -> None:
    comparison = compare(base, copy.deepcopy(base), level)
    assert comparison == Comparison()


SAME: dict[str, Change] = {
    "order of keys": lambda d: d.update({"header": dict(reversed(d.pop("header").items()))}),
    "name of the file": lambda d: d["file"].update(name="other.msl"),
    "size of the file unknown": lambda d: d["file"].update(size=None),
    "offsets": lambda d: d["blocks"][0]["payload"].update(offsets={"ppid": ["0x90", 4]}),
    "offsets of a block": lambda d: d["blocks"][0].update(offsets={}),
    "offsets of the header": lambda d: d["header"].update(offsets=7),
}


@pytest.mark.parametrize("change", SAME.values(), ids=SAME)
def test_what_does_not_matter(change: Change) -> None:
    assert changed(change) == Comparison()


BLOCKS = tuple(ComparisonLevel)
REGIONS = (ComparisonLevel.REGIONS, ComparisonLevel.PAYLOADS, ComparisonLevel.FULL)
PAYLOADS = (ComparisonLevel.PAYLOADS, ComparisonLevel.FULL)
FULL = (ComparisonLevel.FULL,)
# What is changed, in which base, at which levels it is seen, and where.
DIFFERENT: dict[str, tuple[Document, Change, tuple[ComparisonLevel, ...], str]] = {
    "version of the form": (LIVE, lambda d: d.update(document=2), BLOCKS, "$.document"),
    "size": (LIVE, lambda d: d["file"].update(size=7), BLOCKS, "$.file.size"),
    "file no object": (LIVE, lambda d: d.update(file="x"), BLOCKS, "$.file"),
    "byte order": (
        LIVE,
        lambda d: d["format"].update(byte_order="big"),
        BLOCKS,
        "$.format.byte_order",
    ),
    "draft": (LIVE, lambda d: d["format"].update(draft="draft-2026-10"), FULL, "$.format.draft"),
    "dialect": (LIVE, lambda d: d["format"].update(dialect="x"), FULL, "$.format.dialect"),
    "no dialect": (LIVE, lambda d: d["format"].pop("dialect"), FULL, "$.format.dialect"),
    "header": (LIVE, lambda d: d["header"].update(pid=1), BLOCKS, "$.header.pid"),
    "float": (LIVE, lambda d: d["header"].update(pid=4242.0), BLOCKS, "$.header.pid"),
    "number as text": (LIVE, lambda d: d["header"].update(pid="4242"), BLOCKS, "$.header.pid"),
    "true for one": (
        LIVE,
        lambda d: d["blocks"][0].update(payload_version=True),
        BLOCKS,
        "$.blocks[0].payload_version",
    ),
    "flags": (LIVE, lambda d: d["header"].update(flags=["bit_9"]), BLOCKS, "$.header.flags"),
    "no header": (LIVE, lambda d: d.pop("header"), BLOCKS, "$.header"),
    "a key more": (LIVE, lambda d: d.update(tool="x"), BLOCKS, "$.tool"),
    "an odd key": (LIVE, lambda d: d["header"].update({"a\nb": 1}), BLOCKS, '$.header["a\\nb"]'),
    "a block less": (LIVE, lambda d: d["blocks"].pop(), BLOCKS, "$.blocks"),
    "a block more": (LIVE, lambda d: d["blocks"].append(d["blocks"][0]), BLOCKS, "$.blocks"),
    "no list": (LIVE, lambda d: d.update(blocks={}), BLOCKS, "$.blocks"),
    "no block": (LIVE, lambda d: d["blocks"].__setitem__(1, None), BLOCKS, "$.blocks[1]"),
    "offset": (LIVE, lambda d: d["blocks"][1].update(offset="0"), BLOCKS, "$.blocks[1].offset"),
    "hash": (
        LIVE,
        lambda d: d["blocks"][1].update(prev_hash="0" * 64),
        BLOCKS,
        "$.blocks[1].prev_hash",
    ),
    "field": (
        LIVE,
        lambda d: d["blocks"][0]["payload"].update(ppid=9),
        PAYLOADS,
        "$.blocks[0].payload.ppid",
    ),
    "no field": (
        LIVE,
        lambda d: d["blocks"][0]["payload"].pop("ppid"),
        PAYLOADS,
        "$.blocks[0].payload.ppid",
    ),
    "a field more": (
        LIVE,
        lambda d: d["blocks"][0]["payload"].update(uid=0),
        PAYLOADS,
        "$.blocks[0].payload.uid",
    ),
    "data where none can be": (
        LIVE,
        lambda d: d["blocks"][0]["payload"].update(data="AA=="),
        PAYLOADS,
        "$.blocks[0].payload.data",
    ),
    "row": (
        LIVE,
        lambda d: d["blocks"][1]["payload"]["entries"][1].update(path="/x"),
        PAYLOADS,
        "$.blocks[1].payload.entries[1].path",
    ),
    "null for text": (
        LIVE,
        lambda d: d["blocks"][0]["payload"].update(exe_path=None),
        PAYLOADS,
        "$.blocks[0].payload.exe_path",
    ),
    "no payload": (LIVE, lambda d: d["blocks"][0].pop("payload"), PAYLOADS, "$.blocks[0].payload"),
    "payload no object": (
        LIVE,
        lambda d: d["blocks"][0].update(payload=[]),
        PAYLOADS,
        "$.blocks[0].payload",
    ),
    "damage made up": (
        LIVE,
        lambda d: d["blocks"][0].update(damage="bad"),
        PAYLOADS,
        "$.blocks[0].damage",
    ),
    "damage not seen": (
        DAMAGED,
        lambda d: d["blocks"][REGION].pop("damage"),
        REGIONS,
        "$.blocks[4].damage",
    ),
    "damage without text": (
        DAMAGED,
        lambda d: d["blocks"][REGION].update(damage=""),
        REGIONS,
        "$.blocks[4].damage",
    ),
    "short map not seen": (
        TRUNCATED,
        lambda d: d["blocks"][REGION].pop("damage"),
        FULL,
        "$.blocks[4].damage",
    ),
    "field beside damage": (
        DAMAGED,
        lambda d: d["blocks"][REGION]["payload"].update(page_size_log2=12),
        REGIONS,
        "$.blocks[4].payload.page_size_log2",
    ),
    "page states": (
        LIVE,
        lambda d: d["blocks"][REGION]["payload"]["page_state_map"].pop(),
        FULL,
        "$.blocks[4].payload.page_state_map",
    ),
    "where page data is": (
        LIVE,
        lambda d: d["blocks"][REGION]["payload"]["page_data"].update(length=1),
        FULL,
        "$.blocks[4].payload.page_data.length",
    ),
    "page data": (
        LIVE,
        lambda d: d["blocks"][REGION]["payload"]["page_data"].update(data="AAAA"),
        FULL,
        "$.blocks[4].payload.page_data.data",
    ),
    "algorithm": (
        ZSTD,
        lambda d: zstd(d)["compression"].update(algorithm="lz4"),
        PAYLOADS,
        ".compression.algorithm",
    ),
    "compression": (ZSTD, lambda d: zstd(d).pop("compression"), PAYLOADS, ".compression"),
    "inside": (
        ZSTD,
        lambda d: zstd(d)["payload"].update(related_pid=1),
        FULL,
        ".payload.related_pid",
    ),
    "segment gone": (EXTENDED, lambda d: d["segments"].pop(), BLOCKS, "$.segments"),
    "verdict": (
        EXTENDED,
        lambda d: d["segments"][0]["verdict"].update(intact=False),
        BLOCKS,
        "$.segments[0].verdict.intact",
    ),
    "block of a segment": (
        EXTENDED,
        lambda d: d["segments"][1]["blocks"][0].update(index=0),
        BLOCKS,
        "$.segments[1].blocks[0].index",
    ),
    "segment without blocks": (
        EXTENDED,
        lambda d: d["segments"][1].pop("blocks"),
        BLOCKS,
        "$.segments[1].blocks",
    ),
    "payload in a segment": (
        EXTENDED,
        lambda d: d["segments"][0]["blocks"][0]["payload"].update(key_len=1),
        PAYLOADS,
        "$.segments[0].blocks[0].payload.key_len",
    ),
    "trailing": (
        LIVE,
        lambda d: d.update(trailing={"offset": "0x0", "length": 1}),
        BLOCKS,
        "$.trailing",
    ),
    "no trailing": (LIVE, lambda d: d.pop("trailing"), BLOCKS, "$.trailing"),
}


def zstd(found: Document) -> Document:
    (block,) = (block for block in found["blocks"] if "compressed" in block["flags"])
    assert isinstance(block, dict)
    return block


@pytest.mark.parametrize("level", ComparisonLevel)
@pytest.mark.parametrize("name", DIFFERENT)
def test_what_is_seen_at_which_level(name: str, level: ComparisonLevel) -> None:
    base, change, levels, where = DIFFERENT[name]
    comparison = changed(change, base, level)
    if level not in levels:
        assert comparison == Comparison()
        return
    assert comparison.count == 1, comparison
    (path,) = paths(comparison)
    assert path == where if where.startswith("$") else path.endswith(where)
    assert comparison.unmarked == ("not seen" in name or "without text" in name)


def test_page_data_may_be_left_out_and_is_counted() -> None:
    def leave_out(found: Document) -> None:
        for block in found["blocks"]:
            block["payload"].get("page_data", {}).pop("data", None)

    comparison = changed(leave_out)
    assert comparison == Comparison(data_hidden=3)
    assert changed(leave_out, level=ComparisonLevel.PAYLOADS) == Comparison()


def test_a_stored_stream_may_be_left_out() -> None:
    base = copy.deepcopy(ZSTD)
    zstd(base)["compression"]["data"] = "AAAA"
    assert changed(lambda d: zstd(d)["compression"].pop("data"), base) == Comparison()
    wrong = changed(lambda d: zstd(d)["compression"].update(data="AAAB"), base)
    assert [path.rpartition("]")[2] for path in paths(wrong)] == [".compression.data"]


def test_what_only_one_shows_beside_damage_is_not_compared() -> None:
    def otherwise(found: Document) -> None:
        found["blocks"][REGION]["payload"] = {"raw": "00", "region_size": 128}
        found["blocks"][REGION]["damage"] = "told in other words"

    assert changed(otherwise, DAMAGED) == Comparison()
    assert changed(lambda d: d["blocks"][REGION].pop("payload"), DAMAGED) == Comparison()


def test_a_block_type_that_no_block_may_have_is_marked_by_its_name() -> None:
    base = document(fault("type_zero", LE10))
    (index,) = (b["index"] for b in base["blocks"] if b["block_type"] == "invalid")
    comparison = changed(lambda d: d["blocks"][index].update(block_type="0x0000"), base)
    assert comparison.unmarked
    assert paths(comparison) == [f"$.blocks[{index}].block_type"]


def test_only_the_first_differences_are_kept_and_all_are_counted() -> None:
    def all_wrong(found: Document) -> None:
        for key in found["header"]:
            found["header"][key] = {}

    comparison = changed(all_wrong)
    assert comparison.count == len(LIVE["header"])
    assert 0 < len(comparison.differences) < comparison.count


def test_long_values_are_shown_where_they_part() -> None:
    def one_character(found: Document) -> None:
        extent = found["blocks"][REGION]["payload"]["page_data"]
        data = extent["data"]
        extent["data"] = data[:1000] + ("A" if data[1000] != "A" else "B") + data[1001:]

    (one,) = changed(one_character).differences
    assert one.expected.endswith("at character 1000")
    assert one.expected != one.found
    assert max(map(len, (one.expected, one.found))) < 120


def test_values_that_nest_are_told_and_not_printed() -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    (one,) = changed(lambda d: d["header"].update(pid=deep)).differences
    assert (one.expected, one.found) == ("4242", "a list of 1")
    while deep:  # or the interpreter takes it apart recursively
        deep = deep.pop()


# -- faults that are too deep for a level ----------------------------------------------------------


@pytest.mark.parametrize(
    ("base", "levels"),
    [
        (DAMAGED, REGIONS),
        (TRUNCATED, FULL),
        (document(fault("type_zero", LE10)), BLOCKS),
        (document(fault("length_79", LE10)), ()),
        (LIVE, ()),
    ],
    ids=["page size", "short map", "type", "length", "no fault"],
)
def test_a_fault_is_demanded_where_it_can_be_seen(
    base: Document, levels: tuple[ComparisonLevel, ...]
) -> None:
    for level in ComparisonLevel:
        due = Consumer.REJECT_BLOCK if level in levels else Consumer.EITHER
        assert demanded(Consumer.REJECT_BLOCK, base, level) is due
        assert demanded(Consumer.ACCEPT, base, level) is Consumer.ACCEPT
        assert demanded(Consumer.REJECT_FILE, None, level) is Consumer.REJECT_FILE


def test_damage_in_what_does_not_inflate_is_out_of_sight_of_payloads() -> None:
    base = copy.deepcopy(ZSTD)
    zstd(base)["damage"] = "cut off"
    assert demanded(Consumer.REJECT_BLOCK, base, ComparisonLevel.FULL) is Consumer.REJECT_BLOCK
    assert demanded(Consumer.REJECT_BLOCK, base, ComparisonLevel.PAYLOADS) is Consumer.EITHER
    without = copy.deepcopy(base)
    del zstd(without)["compression"]
    assert compare(base, without) == Comparison()


def test_whoever_stops_early_is_compared_that_far() -> None:
    found = {**copy.deepcopy(LIVE), "blocks": LIVE["blocks"][:3], "trailing": {"length": 1}}
    expected = expected_so_far(LIVE, found)
    assert compare(expected, found) == Comparison()
    found["blocks"] = [*LIVE["blocks"][:2], LIVE["blocks"][3]]
    assert compare(expected, found).count > 0
    assert expected_so_far(LIVE, LIVE) is LIVE
    assert expected_so_far(LIVE, {"blocks": 7}) is LIVE


def test_whoever_stops_at_a_segment_is_compared_that_far() -> None:
    shown = EXTENDED["segments"][:1]
    assert len(EXTENDED["segments"]) > len(shown)
    found = {**copy.deepcopy(EXTENDED), "segments": shown, "trailing": {"length": 1}}
    assert compare(expected_so_far(EXTENDED, found), found) == Comparison()
    found["segments"] = EXTENDED["segments"][1:2]
    assert compare(expected_so_far(EXTENDED, found), found).count > 0
    found["blocks"], found["segments"] = LIVE["blocks"], []
    assert compare(expected_so_far(EXTENDED, found), found).count > 0


# -- output that is no document --------------------------------------------------------------------

HOSTILE = {
    b"": "nothing",
    b" \n": "nothing",
    b"\xff{}": "not UTF-8 at byte 0",
    b"\xef\xbb\xbf{}": "no JSON",
    b"{": "no JSON",
    b"{} {}": "no JSON",
    b"[]": "no object: list",
    b"7": "no object: int",
    b'{"a": NaN}': "NaN",
    b'{"a": -Infinity}': "Infinity",
    b'{"a": 1, "a": 1}': "twice",
    b'{"a": ' + b"9" * 10_000 + b"}": "no JSON",
    b'{"a":' * 100_000 + b"1" + b"}" * 100_000: "nested",
    b"[" * 1_000_000: "nested",
}


@pytest.mark.parametrize("raw", HOSTILE, ids=[str(raw[:16]) for raw in HOSTILE])
def test_what_is_no_document(raw: bytes) -> None:
    with pytest.raises(NoDocument, match=HOSTILE[raw]):
        parse(raw)


def test_what_is_one() -> None:
    text = json.dumps(LIVE, indent=4) + "\n"
    assert parse(text.encode()) == LIVE
    assert parse(b'{"a": "\\ud800"}') == {"a": "\ud800"}
