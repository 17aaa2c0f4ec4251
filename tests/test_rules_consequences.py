"""One mistake, one finding: files that conform, bent in one place, with every hash right.

Every field of every structure is bent in the ways that a rule forbids. Where the fields are,
the reader says; what each change must be called follows from what is done to the bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
from independent import wire, wire_tables
from independent.specimens import BE10, LE10, LE11, Kind
from rules_bending import HEADER, changed, resized
from rules_files import (
    BASE,
    KIB,
    Plan,
    context_of,
    extended,
    imported,
    index_of,
    investigation,
    live,
    processes,
    raw_stream,
)
from sampling import sampled

import msl_construct
from msl_construct.rules import check
from msl_construct.schema import Field, Layout, Record, Table
from msl_construct.schema.choice import Body
from msl_construct.schema.pages import PageStateMap
from msl_construct.schema.variable import Utf8, Utf8Z
from msl_construct.schema.vocabulary import Reserved, Uuid

BEYOND = wire.uuid4(1)[:6] + b"\x10" + wire.uuid4(1)[7:]  # version 1
PLANS = [
    (live, LE10),
    (live, BE10),
    (imported, LE11),
    (raw_stream, LE10),
    (investigation, LE11),
    (extended, LE11),
]
TOO_LITTLE = (
    "TOO-SHORT",
    "LENGTH-TOO-LARGE",
    "COUNT-TOO-LARGE",
    "PAGE-MAP-TOO-LARGE",
    "PAGE-DATA-LENGTH",
    "BLOCK-COUNT-ABSENT",  # the shorter End-of-Capture of older producers
    "SEGMENT-END-UNREADABLE",
)


class Value(NamedTuple):
    """A stored value: its path, its field, and where it is."""

    path: str
    field: Field
    offset: int
    length: int


def values(layout: Layout, record: Record, prefix: str = "") -> Iterator[Value]:
    for field in layout.fields:
        value = record.get(field.key)
        if isinstance(field.type, Table):
            for row, entry in enumerate(value or ()):
                yield from values(field.type.entry, entry, f"{prefix}{field.key}[{row}].")
        elif isinstance(value, Body):
            yield from values(value.layout, value, f"{prefix}{field.key}.")
        elif value is not None and record.offsets is not None:
            yield Value(prefix + field.key, field, *record.offsets[field.key])


def bent(value: Value, old: bytes) -> Iterator[tuple[str, bytes]]:
    """Other bytes for a value, and how the rule's id must end."""
    kind = value.field.type
    if isinstance(kind, Reserved):
        yield "RESERVED-NOT-ZERO", old[:-1] + b"\1"
    elif isinstance(kind, Uuid):
        nil = "KEY-HINT-WITHOUT-REGION" if value.path == "region_uuid" else "UUID-NIL"
        other = "KEY-HINT-WITHOUT-REGION" if value.path == "region_uuid" else "UUID-NOT-VERSION-4"
        if not kind.nil:
            yield nil, bytes(16)
        yield other, BEYOND
    elif isinstance(kind, (Utf8Z, Utf8)) and len(old) > 3:
        yield "STRING-HAS-NUL", old[:1] + b"\0" + old[2:]
        yield "STRING-NOT-UTF-8", b"\xff" + old[1:]
        if not isinstance(kind, Utf8):
            yield "STRING-NOT-TERMINATED", b"x" * len(old)
        if old.endswith(b"\0\0"):
            yield "PADDING-NOT-ZERO", old[:-1] + b"\1"
    elif isinstance(kind, PageStateMap):
        yield "PADDING-NOT-ZERO", old[:-1] + b"\1"


def changes(data: bytes, kind: Kind) -> Iterator[tuple[str, str, bytes]]:
    """What is changed, how the rule's id ends, and the file."""
    order = kind.order
    with msl_construct.open(data) as dump:
        places = [("header", v) for v in values(dump.schema.file_header, dump.header.record)]
        cuts = []
        for block in dump.blocks:
            header, payload = block.with_offsets()
            name = f"{block.index} {block.key}"
            places += [(name, v) for v in values(block.schema.block_header, header)]
            assert block.type is not None
            if block.type.layout is None:
                continue
            inside = list(values(block.type.layout, payload))
            places += [(name, v) for v in inside]
            starts = {v.offset - block.offset - HEADER for v in inside if v.length}
            stored = data[block.offset + HEADER : block.offset + block.length]
            cuts.append((name, block.offset, starts, stored))
    for name, value in places:
        old = data[value.offset : value.offset + value.length]
        for ending, new in bent(value, old):
            what = f"{name} {value.path} {ending}"
            yield what, ending, changed(data, order, value.offset, new)
    for name, offset, starts, stored in cuts:
        for cut in sorted(starts):
            yield f"{name} cut {cut:#x}", "", resized(data, order, offset, stored[:cut])
        yield f"{name} surplus", "SURPLUS-BYTES", resized(data, order, offset, stored + b"\1" * 65)


def found(data: bytes) -> list[str]:
    with msl_construct.open(data) as dump:
        return [finding.rule.id for finding in check(dump)]


@sampled()
@pytest.mark.parametrize(("make", "kind"), PLANS, ids=[f"{m.__name__}-{k.name}" for m, k in PLANS])
def test_one_change_one_finding(make: Callable[[Kind], Plan], kind: Kind) -> None:
    data = make(kind).build()
    assert found(data) == []
    wrong = {}
    number = 0
    for what, ending, file in changes(data, kind):
        number += 1
        ids = found(file)
        endings = (ending,) if ending else TOO_LITTLE
        if what.endswith("surplus") and "memory_region" in what:
            endings = ("PAGE-DATA-LENGTH",)
        if len(ids) != 1 or not ids[0].endswith(endings):
            wrong[what] = ids
    assert wrong == {}
    assert number > 40


# -- changes that a producer makes in two places at once -----------------------------------------


def both(plan: Plan, uuid: bytes) -> None:
    """A module whose UUID is bad, in the list and in its entry."""
    rows = plan.blocks["index"].values["rows"]
    plan.values("index", rows=[rows[0], {**rows[1], "module_uuid": uuid}])
    plan.fields("other", block_uuid=uuid)


def parent_too(plan: Plan, uuid: bytes) -> None:
    """A module list whose UUID is bad; its children name it as it is."""
    plan.fields("index", block_uuid=uuid)
    for child in ("module", "other"):
        plan.fields(child, parent_uuid=uuid)


def hint_too(plan: Plan, uuid: bytes) -> None:
    """A region whose UUID is bad; its hint names it as it is."""
    plan.fields("region", block_uuid=uuid)
    plan.values("hint", region_uuid=uuid)


def two_hints(plan: Plan, uuid: bytes) -> None:
    hint_too(plan, uuid)
    values: dict[str, Any] = {"region_uuid": uuid}
    plan.put("another", wire.KEY_HINT, wire.key_hint, before="related", **values)


ROW, BLOCK = "MSL-5.3-MODULE-LIST-ENTRY", "MSL-4.1-BLOCK-HEADER"


@pytest.mark.parametrize("kind", [LE10, LE11], ids=lambda kind: kind.name)
@pytest.mark.parametrize("ending", ["UUID-NIL", "UUID-NOT-VERSION-4"])
@pytest.mark.parametrize(
    ("bend", "where"),
    [(both, ROW), (parent_too, BLOCK), (hint_too, BLOCK), (two_hints, BLOCK)],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_a_bad_uuid_is_reported_where_it_is_given(
    kind: Kind, ending: str, bend: Callable[[Plan, bytes], None], where: str
) -> None:
    plan = live(kind)
    bend(plan, bytes(16) if ending == "UUID-NIL" else BEYOND)
    assert found(plan.build()) == [f"{where}-{ending}"]


@pytest.mark.parametrize("kind", [LE10, LE11], ids=lambda kind: kind.name)
def test_a_good_uuid_that_is_another(kind: Kind) -> None:
    """Each is one mistake: whoever should be named is left without, which is not said again."""
    other = wire.uuid4(4711)
    for change, rule in (
        (lambda plan: plan.fields("other", block_uuid=other), "MSL-5.2-MODULE-ENTRY-NOT-LISTED"),
        (lambda plan: plan.fields("index", block_uuid=other), "MSL-4.1-PARENT-NOT-FOUND"),
        (lambda plan: plan.fields("next", parent_uuid=other), "MSL-4.1-PARENT-NOT-FOUND"),
        (
            lambda plan: plan.fields("next", parent_uuid=wire.NIL),
            "MSL-5.1-CONTINUATION-WITHOUT-FIRST",
        ),
        (
            lambda plan: plan.fields("next", parent_uuid=plan.uuid("index")),
            "MSL-5.1-CONTINUATION-WITHOUT-FIRST",
        ),
        (
            lambda plan: plan.fields("other", parent_uuid=plan.uuid("identity")),
            "MSL-5.2-MODULE-ENTRY-PARENT",
        ),
        (lambda plan: plan.values("hint", region_uuid=other), "MSL-5.6-KEY-HINT-WITHOUT-REGION"),
        (
            lambda plan: plan.values("hint", region_uuid=plan.uuid("other")),
            "MSL-5.6-KEY-HINT-WITHOUT-REGION",
        ),
        (lambda plan: plan.fields("region", block_uuid=other), "MSL-5.6-KEY-HINT-WITHOUT-REGION"),
    ):
        plan = live(kind)
        change(plan)
        assert found(plan.build()) == [rule]


# -- a fragment without Continuation -------------------------------------------------------------


def third_fragment(plan: Plan) -> None:
    values = {"page_size_log2": 10, "states": [0], "base_addr": BASE + 20 * KIB}
    fields = {"flags": wire.CONTINUATION, "parent_uuid": plan.uuid("first")}
    plan.put(
        "third", wire.MEMORY_REGION, wire.memory_region, before="hint", fields=fields, **values
    )


def gap_in_the_middle(plan: Plan) -> None:
    third_fragment(plan)
    assert found(plan.build()) == []
    plan.fields("next", flags=0)


def hint_in_the_fragment(plan: Plan) -> None:
    """It names the first fragment, and means a place in the second."""
    plan.fields("first", flags=wire.HAS_CHILDREN | wire.HAS_KEY_HINTS)
    plan.fields("region", flags=0)
    plan.values("hint", region_uuid=plan.uuid("first"), region_offset=2 * KIB + 8)
    assert found(plan.build()) == []
    plan.fields("next", flags=0)


def parent_of_a_fragment(plan: Plan) -> None:
    """A Continuation of what is no Continuation by its flags is right, as far as can be seen."""
    third_fragment(plan)
    plan.fields("next", flags=wire.HAS_CHILDREN)
    plan.fields("third", parent_uuid=plan.uuid("next"))


def fragment_of_a_fragment(plan: Plan) -> None:
    third_fragment(plan)
    plan.fields("third", flags=0, parent_uuid=plan.uuid("next"))


@pytest.mark.parametrize("kind", [LE10, LE11], ids=lambda kind: kind.name)
@pytest.mark.parametrize(
    "bend",
    [gap_in_the_middle, hint_in_the_fragment, parent_of_a_fragment, fragment_of_a_fragment],
    ids=lambda bend: bend.__name__,
)
def test_a_fragment_without_its_flag_is_one_finding(
    kind: Kind, bend: Callable[[Plan], None]
) -> None:
    plan = live(kind)
    bend(plan)
    assert found(plan.build()) == ["MSL-5.1-CONTINUATION-MISSING"]


def test_a_raw_stream_in_fragments_is_one_region_with_or_without_the_flag() -> None:
    plan = raw_stream(LE10)
    plan.values("region", states=[0])
    plan.fields("region", flags=wire.HAS_CHILDREN)
    part = {"flags": wire.CONTINUATION, "parent_uuid": plan.uuid("region")}
    values = {"page_size_log2": 10, "states": [0], "base_addr": KIB}
    plan.put("part", wire.MEMORY_REGION, wire.memory_region, fields=part, **values)
    assert found(plan.build()) == []
    plan.fields("part", flags=0)
    assert found(plan.build()) == ["MSL-5.1-CONTINUATION-MISSING"]


def test_regions_that_are_their_own_ancestors_are_only_that() -> None:
    plan = live(LE10)
    plan.fields("region", parent_uuid=plan.uuid("region"), flags=wire.HAS_KEY_HINTS | 16)
    assert found(plan.build()) == ["MSLX-4.1-PARENT-IS-ITSELF"]
    plan = live(LE10)
    flags = wire.HAS_CHILDREN
    plan.fields("region", parent_uuid=plan.uuid("first"), flags=wire.HAS_KEY_HINTS | flags)
    plan.fields("first", parent_uuid=plan.uuid("region"), flags=flags)
    assert found(plan.build()) == ["MSLX-4.1-PARENT-IS-ITSELF"]


# -- a converted investigation -------------------------------------------------------------------


def converted(*, context: bool) -> Plan:
    """A converted dump in investigation mode, with a Process Table."""
    plan = imported(LE11)
    plan.header["flags"] = 1 | 2
    system = {"flags": wire.HAS_CHILDREN}
    if context:
        plan.put("system", 0x0050, context_of, before="region", fields=system)
    parent = {"parent_uuid": plan.uuid("system") if context else wire.NIL}
    table = wire_tables.PROCESS_TABLE
    plan.put("processes", table, processes, before="region", fields=parent)
    return plan


def test_a_missing_system_context_is_said_once() -> None:
    absent = "MSL-6-SYSTEM-CONTEXT-ABSENT"
    assert found(converted(context=True).build()) == []
    plan = converted(context=False)
    assert found(plan.build()) == ["MSL-6-TABLE-WITHOUT-SYSTEM-CONTEXT"]
    plan.fields("processes", parent_uuid=wire.uuid4(4711))
    assert found(plan.build()) == ["MSL-4.1-PARENT-NOT-FOUND"]
    plan.drop("processes")
    assert found(plan.build()) == [absent]
    plan.end = None  # it may have been about to be written
    assert found(plan.build()) == ["MSL-4.5-END-OF-CAPTURE-ABSENT"]
    plan = live(LE11)
    plan.header["flags"] = 2
    assert found(plan.build()) == ["MSL-6-SYSTEM-CONTEXT-NOT-THIRD"]


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_count_of_modules_that_lies(count: int) -> None:
    plan = live(LE10)
    plan.values("index", entry_count=count)
    ending = "COUNT-TOO-LARGE" if count > 2 else "SURPLUS-BYTES"
    assert found(plan.build()) == [f"MSL-5.3-MODULE-LIST-INDEX-{ending}"]


def test_two_children_of_one_that_is_missing_are_one_finding_that_counts_them() -> None:
    plan = live(LE10)
    plan.fields("index", block_uuid=wire.uuid4(4711))
    with msl_construct.open(plan.build()) as dump:
        (finding,) = check(dump)
    assert "1 more block" in finding.found.text


def test_the_list_alone_is_judged_when_no_module_is_in_it() -> None:
    plan = live(LE11)
    plan.drop("module", "other")
    plan.put("empty", wire.MODULE_LIST_INDEX, index_of, before="index", rows=[])
    plan.drop("index")
    assert found(plan.build()) == []
