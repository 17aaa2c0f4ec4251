"""Hypothesis strategies derived from the schema: whatever it declares is generated.

Strategies are kept and drawn from again: Hypothesis examines each object once, and that costs
more than drawing from it.
"""

from __future__ import annotations

import uuid
from functools import cache, singledispatch
from typing import Any

from hypothesis import strategies as st

from msl_construct.drafts import DRAFTS, schema
from msl_construct.page_map import PageMap
from msl_construct.schema import Field, Layout, Record, Schema, Table
from msl_construct.schema.base import Vocabulary
from msl_construct.schema.choice import Choice
from msl_construct.schema.pages import PageData, PageStateMap
from msl_construct.schema.variable import Blob, Measured, RegisterValue, Rest, Utf8, Utf8Z
from msl_construct.schema.vocabulary import (
    Between,
    Bytes,
    Coded,
    Fixed,
    Flags,
    Magic,
    OneOf,
    Reserved,
    Uint,
    Uuid,
)
from msl_construct.schema.words import no_words
from msl_construct.source import BufferSource, Extent

Strategy = st.SearchStrategy[Any]

SCHEMAS = [("draft-2026-03", "little"), ("draft-2026-03", "big"), ("draft-2026-10", "little")]
"""The combinations that the drafts allow."""

_PAGES = 9
_SMALLEST_PAGE = 1 << 10


def all_layouts() -> list[tuple[str, str, str]]:
    """Draft, byte order and key of every structure."""
    return [(d, o, key) for d, o in SCHEMAS for key in schema(d, o).layouts]


def extent(data: bytes) -> Extent:
    return Extent(BufferSource(data), 0, len(data))


@cache
def fixed_values(kind: Fixed, permitted: bool = True) -> Strategy:
    """Values of a constant width; all that can be stored, or those a producer may write."""
    return stored_values(kind, permitted)


@singledispatch
def stored_values(kind: Vocabulary, permitted: bool) -> Strategy:
    """The same, made anew."""
    raise no_words(kind, "tests.strategies")


@stored_values.register
def _(kind: Uint, permitted: bool) -> Strategy:
    if permitted and isinstance(kind.valid, OneOf):
        return st.sampled_from(kind.valid.values)
    if permitted and isinstance(kind.valid, Between):
        return st.integers(kind.valid.low, kind.valid.high)
    return st.integers(0, (1 << 8 * kind.width) - 1)


@stored_values.register
def _(kind: Coded, permitted: bool) -> Strategy:
    registered = [v.code for v in kind.registry.values if not v.reserved]
    if permitted:
        return st.sampled_from(list(kind.valid.values) if kind.valid is not None else registered)
    return st.sampled_from(registered) | st.integers(0, (1 << 8 * kind.width) - 1)


@stored_values.register
def _(kind: Flags, permitted: bool) -> Strategy:
    whole = st.integers(0, (1 << 8 * kind.width) - 1)
    return whole.map(lambda word: word & kind.word.defined) if permitted else whole


@stored_values.register
def _(kind: Bytes, permitted: bool) -> Strategy:
    return _bytes(kind.width)


@stored_values.register
def _(kind: Uuid, permitted: bool) -> Strategy:
    anything = st.uuids() if not permitted else st.uuids(version=4)
    return anything | st.just(uuid.UUID(int=0)) if kind.nil or not permitted else anything


@stored_values.register
def _(kind: Magic, permitted: bool) -> Strategy:
    return st.just(kind.magic) if permitted else _bytes(kind.width)


@stored_values.register
def _(kind: Reserved, permitted: bool) -> Strategy:
    return st.just(bytes(kind.width)) if permitted else _bytes(kind.width)


def _bytes(width: int) -> Strategy:
    return st.binary(min_size=width, max_size=width)


@cache
def texts(longest: int) -> Strategy:
    """Text that its stored bytes follow from: no NUL, at most `longest` bytes with it."""
    plain = st.text(
        st.characters(exclude_characters="\0", exclude_categories=["Cs"]),
        max_size=min(40, longest // 4 - 1),
    )
    return st.none() | plain | st.just("x" * min(longest - 1, 300))


def page_maps(max_pages: int = _PAGES, states: int = 4) -> Strategy:
    """Page maps as a producer writes them."""
    listed = st.lists(st.integers(0, states - 1), max_size=max_pages)
    return listed.map(page_map_of)


def page_map_of(states: list[int]) -> PageMap:
    runs = [(page, 1, state) for page, state in enumerate(states)]
    return PageMap.from_runs(runs, len(states))


@cache
def example_of(layout: Layout) -> Record | None:
    """The example of the block type whose payload this is, if it is one's."""
    kinds = DRAFTS[layout.draft].blocks if layout.draft in DRAFTS else ()
    keys = {field.key for field in layout.fields}  # fewer in a part of a layout
    for kind in kinds:
        if kind.key == layout.key and kind.example is not None and keys >= set(kind.example):
            return layout.complete(layout.from_document(kind.example))
    return None


@cache
@st.composite
def records(draw: st.DrawFn, layout: Layout, permitted: bool = True) -> Record:
    """A complete record of a layout: every length and count right; now and then the example."""
    example = example_of(layout)
    if example is not None and draw(st.integers(0, 9)) == 9:
        return example
    values: dict[str, Any] = {}
    derived = {
        key
        for f in layout.fields
        for key in (getattr(f.type, "length_key", None), getattr(f.type, "count_key", None))
    }
    tail = draw(st.booleans())
    for field in layout.fields:
        if field.key in derived or (field.optional and not tail):
            continue
        values[field.key] = draw(value_of(field, layout, values, permitted))
    return layout.complete(values)


def value_of(field: Field, layout: Layout, values: dict[str, Any], permitted: bool) -> Strategy:
    """A value of one field; `values` holds those before it."""
    maps = next((f.type for f in layout.fields if isinstance(f.type, PageStateMap)), None)
    if maps is not None and field.key == maps.log2_key:
        return st.integers(maps.low, maps.low + 2)
    if maps is not None and field.key == maps.size_key:
        return st.integers(0, _PAGES).map(lambda n: n * (_SMALLEST_PAGE << 2))
    if any(getattr(f.type, "entry_size_key", None) == field.key for f in layout.fields):
        return st.just(0)  # a constant size needs entries to match
    return values_of(field.type, layout, values, permitted)


@singledispatch
def values_of(
    kind: Vocabulary, layout: Layout, values: dict[str, Any], permitted: bool
) -> Strategy:
    """Values of a class; `values` holds those of the fields before it."""
    raise no_words(kind, "tests.strategies")


@values_of.register
def _(kind: Fixed, layout: Layout, values: dict[str, Any], permitted: bool) -> Strategy:
    return fixed_values(kind, permitted)


@values_of.register
def _(kind: PageStateMap, layout: Layout, values: dict[str, Any], permitted: bool) -> Strategy:
    pages = values[kind.size_key] >> values[kind.log2_key]
    last = 3 if kind.states is None or kind.states.permits(3) or not permitted else 2
    return _states(pages, last)


@values_of.register
def _(kind: Rest, layout: Layout, values: dict[str, Any], permitted: bool) -> Strategy:
    return _bytes_of_a_file(600)


@values_of.register
def _(kind: PageData, layout: Layout, values: dict[str, Any], permitted: bool) -> Strategy:
    return _page_data(values[kind.map_key].captured << values[kind.log2_key])


@values_of.register
def _(kind: Choice, layout: Layout, values: dict[str, Any], permitted: bool) -> Strategy:
    case = kind.cases.get(int(values[kind.tag_key]))
    return _bytes_of_a_file(40) if case is None else records(case, permitted)


@values_of.register
def _(kind: Table, layout: Layout, values: dict[str, Any], permitted: bool) -> Strategy:
    return _rows(kind.entry, permitted)


@values_of.register(Blob)
@values_of.register(RegisterValue)
def _(kind: Measured, layout: Layout, values: dict[str, Any], permitted: bool) -> Strategy:
    return _blobs(min(_longest(kind, layout), 50))


@values_of.register
def _(kind: Utf8Z, layout: Layout, values: dict[str, Any], permitted: bool) -> Strategy:
    return texts(_longest(kind, layout))


@values_of.register
def _(kind: Utf8, layout: Layout, values: dict[str, Any], permitted: bool) -> Strategy:
    return _texts_that_are_there(_longest(kind, layout))


def _longest(kind: Measured, layout: Layout) -> int:
    """Bytes that the length field can say, if they are not too many for a test."""
    return min(1 << 16, (1 << 8 * layout.field(kind.length_key).type.minimum) - 1)


@cache
def _texts_that_are_there(longest: int) -> Strategy:
    return texts(longest).map(lambda text: text or None)


@cache
def _blobs(longest: int) -> Strategy:
    return st.binary(max_size=longest)


@cache
def _rows(entry: Layout, permitted: bool) -> Strategy:
    return st.lists(records(entry, permitted), max_size=4)


@cache
def _states(pages: int, last: int) -> Strategy:
    states = st.lists(st.integers(0, last), min_size=pages, max_size=pages)
    return states.map(page_map_of)


@cache
def _page_data(size: int) -> Strategy:
    return st.integers(0, 255).map(lambda byte: extent(bytes([byte]) * size))


@cache
def _bytes_of_a_file(most: int) -> Strategy:
    return st.binary(max_size=most).map(extent)


@cache
@st.composite
def damaged(draw: st.DrawFn, layout: Layout) -> bytes:
    """Stored bytes of a layout that were cut, extended, or changed somewhere."""
    raw = bytearray(layout.encode(draw(records(layout, permitted=False))))
    for _ in range(draw(st.integers(0, 3))):
        if raw:
            raw[draw(st.integers(0, min(len(raw) - 1, 200)))] = draw(st.integers(0, 255))
    how = draw(st.sampled_from(["as it is", "cut", "extended"]))
    if how == "cut":
        del raw[draw(st.integers(0, min(len(raw), 400))) :]
    elif how == "extended":
        raw += draw(st.binary(min_size=1, max_size=300))
    return bytes(raw)


def bound_layout(draft: str, order: str, key: str) -> tuple[Schema, Layout]:
    found = schema(draft, order)
    return found, found.layouts[key]
