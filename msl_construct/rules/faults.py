"""What is wrong with one structure, by its declaration alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from ..abbreviated import abbreviated_hex
from ..drafts.dialects.vocabulary import TextToEnd
from ..errors import CompressionError
from ..page_map import PAGES_PER_BYTE, PageMap, pad8
from ..reader.block import RAW, Block, budget_ran_out
from ..reader.header import ENCRYPTION, FileHeader, encryption_layout
from ..reader.sealed import SealHeader
from ..schema import Field, Layout, PaddedBytes, Record, StoredText, Table
from ..schema.base import Problem, Sound
from ..schema.choice import Body
from ..schema.layout import REST, inner_layouts
from ..schema.pages import PageStateMap
from ..schema.variable import Measured, Utf8
from ..schema.vocabulary import Coded, Fixed
from ..source import Extent
from .defect_kinds import kinds_of_field, what_does_not_fit
from .model import Found

__all__ = [
    "WRITTEN",
    "Defect",
    "Key",
    "faults_of_block",
    "faults_of_header",
    "faults_of_seal_header",
]

Key = tuple[str, str, str]
"""Structure, section and kind of defect: what makes a derived rule."""

WRITTEN = {
    ("block_header", "block_type"),
    ("block_header", "block_length"),
    ("key_hint", "region_uuid"),
}
"""Structures and fields that hand-written rules say more of than the declaration could."""

_Refined = tuple[str, str, "int | None"]
_Judge = tuple[str, "Sound | None", Callable[[str, Record], Iterator[Any]]]
_STEP = re.compile(r"(\w+)(?:\[(\d+)\])?")

# Consequences of damage, which is reported itself, and what no file that was read can have.
FOLLOWS = {
    "length-mismatch",
    "count-mismatch",
    "page-count-mismatch",
    "page-size",
    "entry-size",
    "wrong-magic",
}
SAME = {
    "reserved-not-zero": "RESERVED-NOT-ZERO",
    "value-not-permitted": "VALUE-NOT-PERMITTED",
    "undefined-flag": "UNDEFINED-FLAG",
    "uuid-not-version-4": "UUID-NOT-VERSION-4",
    "nil-uuid": "UUID-NIL",
    "surplus-bytes": "BODY-TOO-LONG",
    "body-does-not-fit": "BODY-TOO-SHORT",
}


@dataclass(frozen=True)
class Defect:
    """A defect and the rule that it breaks, by its key."""

    key: Key
    found: Found


@dataclass(frozen=True)
class _Place:
    """A value inside a structure.

    Attributes:
        layout: the innermost structure that holds it.
        field: its field; None for the bytes behind the last one.
        record: the structure's values.
        path: from the outermost structure.
    """

    layout: Layout
    field: Field | None
    record: Record
    path: str

    @property
    def value(self) -> Any:
        return self.record[self.field.key if self.field is not None else REST]

    @property
    def offset(self) -> int | None:
        key = self.field.key if self.field is not None else REST
        return None if self.record.offsets is None else self.record.offsets[key][0]

    def key(self, kind: str) -> Key:
        section = self.layout.section if self.field is None else self.field.section
        return self.layout.key, section, kind


def faults_of_header(header: FileHeader) -> Iterator[Defect]:
    """What is wrong with a file header, encryption header included."""
    yield from _faults(header.schema.file_header, header.record, _plain)
    layout = encryption_layout(header.schema, header.record)
    if layout is not None and ENCRYPTION in header.record:
        yield from _faults(layout, header.record[ENCRYPTION], _plain, ENCRYPTION + ".")


def faults_of_seal_header(header: SealHeader) -> Iterator[Defect]:
    """What is wrong with the header of a sealed segment."""

    def found(text: str, offset: int | None, field: str) -> Found:
        where = f"{header.layout.key}.{field}"
        return Found(f"{header.describe()}: {field}: {text}", offset, None, where)

    return _faults(header.layout, header.record, found)


def faults_of_block(block: Block) -> Iterator[Defect]:
    """What is wrong with a block's header and payload.

    Nothing is yielded for what a limit of this program kept from being judged; see
    `msl_construct.reader.gaps`.
    """
    sound = block.sound_header  # while its bytes are at hand
    layout = block.type.layout if block.type is not None else None
    decoded = None if layout is None or RAW in block.payload else layout
    if not _suspicious(block, decoded, sound):
        return
    header, payload = block.with_offsets()
    where = _Where(block)
    yield from _faults(block.schema.block_header, header, where.in_header)
    if decoded is not None:
        for fault in _faults(decoded, payload, where.in_payload):
            # What is too short or too long because the stream is not as it says is one mistake.
            if fault.key[2] != "PAGE-DATA-LENGTH" or not _broken_stream(block):
                yield fault
        yield from _faults_of_end(decoded, block, payload, where)


def _broken_stream(block: Block) -> bool:
    """Whether a compressed payload does not inflate to the size that it declares."""
    return block.compression is not None and isinstance(block.inflation_error, CompressionError)


def _suspicious(block: Block, layout: Layout | None, sound: bool) -> bool:
    """Whether there may be a fault: without offsets, as nearly every block has none."""
    if not sound and _has_problems(block.schema.block_header, block.header):
        return True
    payload = block.payload
    if layout is None:
        return False
    return payload.damage is not None or REST in payload or _has_problems(layout, payload)


def _has_problems(layout: Layout, record: Record) -> bool:
    """Whether `Layout.problems_of` has anything to say, for loops over many blocks."""
    for key, sound, problems in _judges(layout):
        if key not in record or (sound is not None and sound(record[key], record)):
            continue
        if next(problems(key, record), None) is not None:
            return True
    return False


@cache
def _judges(layout: Layout) -> tuple[_Judge, ...]:
    """The fields that can have a problem at all, with what is asked first, and what judges each."""
    return tuple(
        (field.key, layout.sound_of(field.key), field.type.problems_within)
        for field in layout.fields
        if field.type.inner() or any(kinds_of_field(field))
    )


# -- values --------------------------------------------------------------------------------


class _Where:
    """Turns what the reader knows of a place into a place in the file."""

    def __init__(self, block: Block) -> None:
        self._block = block
        # Offsets inside a payload that was inflated are none of the file's.
        self._inflated = block.compression is not None

    def in_header(self, text: str, offset: int | None, field: str) -> Found:
        return Found(f"{self._block.describe()}: {field}: {text}", offset, self._block.index, field)

    def in_payload(self, text: str, offset: int | None, field: str) -> Found:
        if self._inflated and offset is not None:
            text = f"{text} (at {offset:#x} of the inflated payload)"
            offset = self._block.stored.offset
        return Found(f"{self._block.describe()}: {field}: {text}", offset, self._block.index, field)


def _plain(text: str, offset: int | None, field: str) -> Found:
    return Found(f"{field}: {text}", offset, None, field)


def _faults(layout: Layout, record: Record, found: Any, prefix: str = "") -> Iterator[Defect]:
    """Problems of the values of a structure, each under the rule of its innermost structure."""
    for path, problem in layout.problems_of(record):
        if problem.kind in FOLLOWS or (layout.key, path) in WRITTEN:
            continue
        # Bytes that a body has left over are the row's, which says how long the body is.
        place = _resolved(layout, record, path.removesuffix(f".{REST}"))
        for kind, text, offset in _refined(place, problem):
            yield Defect(place.key(kind), found(text, offset, prefix + path))


def _resolved(layout: Layout, record: Record, path: str) -> _Place:
    """The place that a path such as ``entries[3].body.family`` leads to."""
    steps = _STEP.findall(path)
    for number, (key, index) in enumerate(steps):
        field = layout.field(key)
        if number == len(steps) - 1:
            return _Place(layout, field, record, path)
        if index:
            record, layout = record[key][int(index)], inner_layouts(field.type)[None]
        else:
            record = record[key]
            assert isinstance(record, Body)
            layout = record.layout
    raise LookupError(path)


def _refined(place: _Place, problem: Problem) -> Iterator[_Refined]:
    """Kinds, texts and offsets of what the schema calls one problem."""
    if problem.kind in REFINED:
        yield from REFINED[problem.kind](place, problem)
    else:
        yield SAME[problem.kind], _expected(problem), place.offset


def _expected(problem: Problem) -> str:
    return f"expected {problem.expected}, found {problem.found}"


def _string(place: _Place, problem: Problem) -> Iterator[_Refined]:
    """What about a string is wrong: all of it."""
    field, value, offset = place.field, place.value, place.offset
    assert field is not None
    raw = value.raw if isinstance(value, StoredText) else value.encode("utf-8", "surrogatepass")
    if isinstance(field.type, TextToEnd):
        yield from _not_utf_8(raw, offset)
        return
    assert isinstance(field.type, Measured)
    length = place.record[field.type.length_key]
    text, behind = raw[:length], raw[length:]
    bare = isinstance(field.type, Utf8)
    unended = not bare and b"\0" not in text
    if unended:
        ending = text[-8:].hex()
        yield "STRING-NOT-TERMINATED", f"expected a NUL at its end, found {ending}", offset
    inside = text if bare else text[:-1]
    if b"\0" in inside:
        at = inside.index(b"\0")
        expected = "none" if bare else f"one, as byte {length - 1}"
        found = f"expected NUL: {expected}, found one as byte {at} of {length}"
        yield "STRING-HAS-NUL", found, offset
    yield from _not_utf_8(text, offset)
    if any(behind) and not unended:  # or else it is the rest of the string
        yield from _nonzero(behind, length, offset)


def _not_utf_8(text: bytes, offset: int | None) -> Iterator[_Refined]:
    try:
        text.decode()
    except UnicodeDecodeError as error:
        found = f"expected UTF-8, found {text[error.start : error.start + 4].hex()} as byte "
        yield "STRING-NOT-UTF-8", f"{found}{error.start}", offset


def _page_data(place: _Place, problem: Problem) -> Iterator[_Refined]:
    if _whole_pages(place):
        yield "PAGE-DATA-LENGTH", _expected(problem), place.offset


def _whole_pages(place: _Place) -> bool:
    """Whether it is clear how many pages the region has; if not, that is another rule."""
    (page_map,) = (f.type for f in place.layout.fields if isinstance(f.type, PageStateMap))
    page = page_map.page_size(place.record)
    size: int = place.record[page_map.size_key]
    return page is not None and size % page == 0


def _padding(place: _Place, problem: Problem) -> Iterator[_Refined]:
    value = place.value
    if isinstance(value, PaddedBytes):
        yield from _nonzero(value.raw[len(value) :], len(value), place.offset)
    else:
        assert isinstance(value, PageMap)
        if not _whole_pages(place):
            return
        used = value.pages % PAGES_PER_BYTE
        tail = bytearray(value.tail)
        tail[0] &= 0xFF >> 2 * used
        yield from _nonzero(bytes(tail), len(value.stored) - len(tail), place.offset)


def _nonzero(padding: bytes, behind: int, offset: int | None) -> Iterator[_Refined]:
    first = len(padding) - len(padding.lstrip(b"\0"))
    at = None if offset is None else offset + behind + first
    found = abbreviated_hex(padding)
    yield "PADDING-NOT-ZERO", f"expected zeros behind {behind} bytes, found {found}", at


def _code(place: _Place, problem: Problem) -> Iterator[_Refined]:
    """A code that the draft rules out, or one that it just says nothing of."""
    assert place.field is not None
    assert isinstance(place.field.type, Coded)
    registry = place.field.type.registry
    code = int(place.value)
    reserved = any(value.code == code for value in registry.values) or any(
        span.first <= code <= span.last and span.use == "reserved" for span in registry.spans
    )
    kind = "RESERVED-CODE" if reserved else "UNREGISTERED-CODE"
    yield kind, _expected(problem), place.offset


def _page_states(place: _Place, problem: Problem) -> Iterator[_Refined]:
    assert place.field is not None
    assert isinstance(place.field.type, PageStateMap)
    states, pages = place.field.type.states, place.value
    assert states is not None
    first = next(run for run in pages.runs() if not states.permits(run[2]))
    count = sum(n for state, n in enumerate(pages.counts()) if not states.permits(state))
    text = f"expected no reserved state, found {first[2]} from page {first[0]} on, {count} of "
    yield "RESERVED-PAGE-STATE", f"{text}{pages.pages} pages in all", place.offset


REFINED: dict[str, Callable[[_Place, Problem], Iterator[_Refined]]] = {
    "string-not-canonical": _string,
    "padding-not-zero": _padding,
    "page-data-length": _page_data,
    "unregistered-code": _code,
    "reserved-page-state": _page_states,
}
"""What the schema calls one problem and rules tell apart."""


# -- where structures end ---------------------------------------------------------------------


def _faults_of_end(
    layout: Layout, block: Block, payload: Record, where: _Where
) -> Iterator[Defect]:
    """Damage, or bytes that belong to no field."""
    if payload.damage is not None:
        if not budget_ran_out(block, payload):
            yield from _faults_of_damage(layout, payload, where)
    elif REST in payload:
        rest: Extent = payload[REST]
        size = block.length if block.compression is None else rest.offset + rest.length
        used = size - rest.length
        if rest.length == pad8(used) - used and not any(bytes(rest)):
            return  # producers align blocks so; the drafts neither demand nor forbid it
        place = _Place(layout, None, payload, REST)
        text = f"expected the end of the payload, found {rest.length} more bytes"
        yield Defect(place.key("SURPLUS-BYTES"), where.in_payload(text, place.offset, REST))


def _faults_of_damage(layout: Layout, payload: Record, where: _Where) -> Iterator[Defect]:
    damage = payload.damage
    assert damage is not None
    steps = _STEP.findall(damage.field)
    field, kind, sized = layout.fields[0], "TOO-SHORT", False
    holder = layout  # the structure that is blamed
    for number, (key, index) in enumerate(steps):
        field = layout.field(key)
        holder = layout
        last = number == len(steps) - 1
        if isinstance(field.type, Table) and index:
            table = field.type
            sized = bool(table.entry_size_key and payload.get(table.entry_size_key))
            layout = table.entry
            kind = "COUNT-TOO-LARGE"
            if last or isinstance(layout.field(steps[number + 1][0]).type, Fixed):
                kind = "ENTRY-SIZE-TOO-SMALL" if sized and not last else kind
                break
            continue
        found = what_does_not_fit(field.type, payload, last)
        if found is None:
            return
        kind = found
        if index or kind == "BODY-TOO-SHORT":
            break  # rows that nothing counts are as many as fit
    text = f"expected {damage.expected}, found {damage.found}"
    if field.omitted_by:
        text += f"; {field.omitted_by} leaves out what is missing"
    key = holder.key, field.section if kind != "TOO-SHORT" else holder.section, kind
    yield Defect(key, where.in_payload(text, damage.offset, damage.field))
