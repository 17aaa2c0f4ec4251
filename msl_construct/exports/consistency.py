"""Whether a draft's declaration agrees with itself, before anything is made from it."""

from __future__ import annotations

import keyword
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations

from ..abbreviated import abbreviated
from ..page_map import PAGES_PER_BYTE, pad8
from ..schema import (
    Bit,
    BitRange,
    Draft,
    Enumeration,
    FlagDefinition,
    Note,
    Record,
    Span,
)
from ..schema.blocks import Start
from ..schema.fields import Field
from ..schema.layout import OFFSETS, REST, Layout, inner_layouts
from ..schema.variable import Rest
from ..schema.vocabulary import Fixed, Hash, Uint
from .measures import Registered, measures

__all__ = ["Inconsistency", "findings", "structures_of"]

_ID = re.compile(r"[a-z][a-z0-9_]*")
_SECTION = re.compile(r"§\w+(\.\w+)*")
_LEVELS = ("MUST", "MUST NOT", "SHOULD", "SHOULD NOT", "MAY")


@dataclass(frozen=True)
class Inconsistency:
    """Something in a declaration that does not agree with the rest of it.

    Args:
        kind: a stable word: ``duplicate-code``, ``overlapping-bits`` …
        where: structure and field, or registry and value.
        text: what is wrong, in a sentence without its full stop.
        remark: odd, but it can be read and written; the published drafts do it.
    """

    kind: str
    where: str
    text: str
    remark: bool = False

    def __str__(self) -> str:
        return f"{self.kind}: {self.where}: {self.text}"


def findings(draft: Draft) -> list[Inconsistency]:
    """What is wrong with a draft's declaration; nothing where all is well.

    The draft need not be usable: it is looked at as it was declared, without a byte order.
    """
    return list(_findings(draft))


def _findings(draft: Draft) -> Iterator[Inconsistency]:
    registry = draft.block_type_registry
    enumerations = [*draft.enumerations, registry, draft.page_states]
    for word in draft.flags:
        enumerations += [bit.enumeration for bit in word.bits if isinstance(bit, BitRange)]
    yield from _unique("duplicate-name", "registries", (e.name for e in enumerations))
    yield from _unique("duplicate-name", "flag words", (word.name for word in draft.flags))
    for enumeration in enumerations:
        yield from _enumeration(enumeration)
    yield from _fitting(draft.page_states.name, draft.page_states, 8 // PAGES_PER_BYTE)
    for word in draft.flags:
        yield from _flags(word)
    yield from _blocks(draft)
    used: set[str] = set()
    widths = {one.name: one.width for one in enumerations} | {
        word.name: word.width for word in draft.flags
    }
    codes = {
        one.name: Registered(one.width, frozenset(value.code for value in one.values))
        for one in enumerations
    } | {word.name: Registered(word.width) for word in draft.flags}
    for where, layout in structures_of(draft):
        yield from _layout(where, layout, widths)
        yield from (Inconsistency(*one) for one in measures(where, layout, codes))
        for field in layout.fields:
            used |= {name for name in [field.type.registry_name] if name}
    for name in (*(e.name for e in draft.enumerations), *(word.name for word in draft.flags)):
        if name not in used:
            yield Inconsistency("unused-registry", name, "no field has it")
    yield from _chain(draft)


def structures_of(draft: Draft) -> Iterator[tuple[str, Layout]]:
    """Every layout of a draft with its path, those inside tables and choices included."""
    sealed = (draft.encryption_header, draft.seal_header)
    headers = (draft.file_header, *sealed, draft.block_header, draft.compressed_payload)
    waiting = [(one.key, one) for one in headers if one is not None]
    waiting += [(b.key, b.layout) for b in draft.blocks if b.layout is not None]
    while waiting:
        where, layout = waiting.pop(0)
        yield where, layout
        for field in layout.fields:
            for tag, inner in inner_layouts(field.type).items():
                waiting.append((f"{where}.{field.key}[{'' if tag is None else tag}]", inner))


def _unique(kind: str, where: str, values: Iterable[object]) -> Iterator[Inconsistency]:
    for value, count in Counter(values).items():
        if count > 1:
            yield Inconsistency(kind, where, f"{value} stands there {count} times")


def _identifier(where: str, name: str) -> Iterator[Inconsistency]:
    if not _ID.fullmatch(name) or keyword.iskeyword(name):
        yield Inconsistency(
            "no-identifier", where, f"{name!r} can't be a name in Python or in a .ksy"
        )


def _sourced(where: str, section: str, text: str) -> Iterator[Inconsistency]:
    if not _SECTION.fullmatch(section):
        yield Inconsistency(
            "no-section", where, f"expected the section it stands in, found {section!r}"
        )
    if len(text) < 6 or not text.endswith("."):
        yield Inconsistency("no-sentence", where, f"expected a sentence, found {text!r}")


def _notes(where: str, notes: Iterable[Note]) -> Iterator[Inconsistency]:
    for note in notes:
        if note.level not in _LEVELS:
            yield Inconsistency(
                "no-level", where, f"{note.level!r} is none of {', '.join(_LEVELS)}"
            )


# -- registries ----------------------------------------------------------------------------


def _enumeration(one: Enumeration) -> Iterator[Inconsistency]:
    yield from _sourced(one.name, one.section, one.text)
    digits, end = 2 * one.width, 1 << 8 * one.width
    codes = [value.code for value in one.values]
    yield from _unique("duplicate-code", one.name, (f"0x{code:0{digits}x}" for code in codes))
    yield from _unique("duplicate-key", one.name, (value.name for value in one.values))
    for value in one.values:
        yield from _identifier(f"{one.name}.{value.label}", value.name)
        if not 0 <= value.code < end:
            yield Inconsistency(
                "out-of-range", f"{one.name}.{value.label}", f"{value.code} is over {end - 1}"
            )
    for span in one.spans:
        where = f"{one.name}, span {_span(span)}"
        if not 0 <= span.first <= span.last < end:
            yield Inconsistency("out-of-range", where, f"expected codes from 0 to {end - 1:#x}")
        if span.use in ("reserved", "vendor"):
            for value in one.values:
                if span.first <= value.code <= span.last:
                    text = f"{value.label} is registered in what is set aside: {span.use}"
                    yield Inconsistency("code-in-span", where, text)
    for left, right in combinations(one.spans, 2):
        if left.first <= right.last and right.first <= left.last:
            yield Inconsistency("overlapping-spans", one.name, f"{_span(left)} and {_span(right)}")


def _span(span: Span) -> str:
    return f"{span.first:#x} to {span.last:#x}"


def _flags(word: FlagDefinition) -> Iterator[Inconsistency]:
    yield from _sourced(word.name, word.section, word.text)
    yield from _unique("duplicate-key", word.name, (bit.name for bit in word.bits))
    taken: dict[int, str] = {}
    for bit in word.bits:
        where = f"{word.name}.{bit.label}"
        yield from _identifier(where, bit.name)
        for number in _numbers(bit):
            if number in taken:
                text = f"bit {number} is {taken[number]} already"
                yield Inconsistency("overlapping-bits", where, text)
            taken[number] = bit.label
            if not 0 <= number < 8 * word.width:
                text = f"bit {number} is beyond the word's {8 * word.width}"
                yield Inconsistency("out-of-range", where, text)
        if isinstance(bit, BitRange):
            yield from _fitting(where, bit.enumeration, bit.bits)


def _fitting(where: str, registry: Enumeration, bits: int) -> Iterator[Inconsistency]:
    """Codes that are stored in so many bits."""
    for value in registry.values:
        if value.code >> bits:
            text = f"{value.label} ({value.code}) does not fit {bits} bits"
            yield Inconsistency("out-of-range", f"{where}.{value.label}", text)


def _numbers(bit: Bit | BitRange) -> range:
    return range(bit.bit, bit.bit + (bit.bits if isinstance(bit, BitRange) else 1))


# -- structures ----------------------------------------------------------------------------


def _blocks(draft: Draft) -> Iterator[Inconsistency]:
    capabilities = {bit.label for word in draft.flags for bit in word.bits}
    for block in draft.blocks:
        yield from _identifier(block.name, block.key)
        yield from _sourced(block.name, block.section, block.text)
        yield from _notes(block.name, block.notes)
        if block.capability is not None and block.capability not in capabilities:
            yield Inconsistency(
                "no-such-flag", block.name, f"{block.capability} is no flag of the draft"
            )
        if block.layout is not None and block.layout.key != block.key:
            text = f"its layout is called {block.layout.title}"
            yield Inconsistency("two-names", block.name, text)
        if block.in_segment and not draft.segments:
            yield Inconsistency("no-segments", block.name, "the draft has no extension segments")
        if not (block.in_segment or block.in_capture or block.forbidden):
            yield Inconsistency("no-place", block.name, "neither captures nor segments hold it")
        if block.parent and block.parent not in {one.key for one in draft.blocks}:
            yield Inconsistency("no-such-parent", block.name, f"the draft has no {block.parent}")


def _layout(where: str, layout: Layout, widths: dict[str, int]) -> Iterator[Inconsistency]:
    keys = [field.key for field in layout.fields]
    yield from _unique("duplicate-key", where, keys)
    ended = False
    for index, field in enumerate(layout.fields):
        place = f"{where}.{field.key}"
        yield from _identifier(place, field.key)
        yield from _sourced(place, field.section, field.text)
        yield from _notes(place, field.notes)
        if field.key in (REST, OFFSETS) or hasattr(Record(), field.key):
            yield Inconsistency(
                "taken-key", place, "the document or the package uses this key itself"
            )
        name = field.type.registry_name
        if name is not None and name not in widths:
            yield Inconsistency("no-such-registry", place, f"the draft has no {name}")
        if ended and not field.optional:
            text = "must be there, but stands behind a field that may be missing"
            yield Inconsistency("optional-not-last", place, text)
        ended = ended or field.optional
        if isinstance(field.type, Rest) and field is not layout.fields[-1]:
            yield Inconsistency("rest-not-last", place, "takes all that is left, but fields follow")
        yield from _references(place, field, layout.fields[:index], layout)
        yield from _default(place, field, widths)
    yield from _alignment(where, layout, widths)


def _references(
    place: str, field: Field, before: tuple[Field, ...], layout: Layout
) -> Iterator[Inconsistency]:
    """What a field's type reads stands in front of it, and is a number."""
    for name, types in field.type.reads():
        found = next((one for one in before if one.name == name), None)
        if found is None:
            known = any(one.name == name for one in layout.fields)
            text = f"needs {name}, which {'stands behind it' if known else 'is no field here'}"
            yield Inconsistency("reference", place, text)
        elif not isinstance(found.type, types):
            wanted = " or ".join(one.__name__ for one in types)
            text = f"needs {name} as {wanted}, found {type(found.type).__name__}"
            yield Inconsistency("reference", place, text)


def _default(place: str, field: Field, widths: dict[str, int]) -> Iterator[Inconsistency]:
    kind, value = field.type, field.default
    if isinstance(value, int) and isinstance(kind, Fixed) and kind.number:
        width = _width(kind, widths)
        if width is not None and not 0 <= value < 1 << 8 * width:
            yield Inconsistency("default", place, f"{value} does not fit {width} bytes")
        valid = getattr(kind, "valid", None)
        if valid is not None and not valid.permits(value):
            yield Inconsistency("default", place, f"expected {valid}, found {value}")
    elif value is not None and type(kind) is Uint:
        yield Inconsistency("default", place, f"expected a number, found {abbreviated(value)}")
    elif isinstance(value, bytes) and isinstance(kind, Fixed) and len(value) != kind.width:
        yield Inconsistency("default", place, f"expected {kind.width} bytes, found {len(value)}")


def _width(kind: Fixed, widths: dict[str, int]) -> int | None:
    """The width of a field's value; None for one of a registry that isn't there."""
    name = kind.registry_name
    return kind.width if name is None else widths.get(name)


def _alignment(where: str, layout: Layout, widths: dict[str, int]) -> Iterator[Inconsistency]:
    """Padded values and page maps begin at a multiple of 8 from the structure's start (§1.3)."""
    offset: int | None = 0
    for field in layout.fields:
        kind = field.type
        if isinstance(kind, Fixed):
            width = _width(kind, widths)
            offset = None if width is None or offset is None else offset + width
        elif kind.padded:
            if offset is not None and offset != pad8(offset):
                text = f"is padded to 8 but begins at {offset:#x} behind aligned bytes"
                yield Inconsistency("unaligned", f"{where}.{field.key}", text, remark=True)
            offset = 0
        else:
            offset = None  # nothing is known of what stands behind
    if offset and offset != pad8(offset) and "." not in where:
        text = f"its constant part ends at {offset:#x}, no multiple of 8"
        yield Inconsistency("unaligned", where, text, remark=True)


def _chain(draft: Draft) -> Iterator[Inconsistency]:
    layouts = dict(structures_of(draft))
    starts = {link.start for link in draft.chain}
    for start in Start:
        if start not in starts and (start is not Start.SEGMENT or draft.segments):
            text = f"the integrity chain has no hash of what begins at the {start.value}"
            yield Inconsistency("no-hash", "chain", f"{text}: readers verify files by it")
    for link in draft.chain:
        place = f"{link.structure}.{link.field}"
        yield from _sourced(place, link.section, link.text)
        layout = layouts.get(link.structure)
        field = next((f for f in layout.fields if f.key == link.field), None) if layout else None
        if field is None or not isinstance(field.type, Hash):
            yield Inconsistency("no-such-hash", place, "the chain names it, but it is no hash here")
