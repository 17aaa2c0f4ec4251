"""What to do to a structure's bytes so that it has a defect of one kind, and no other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

from ..page_map import PAGES_PER_BYTE, PageMap, pad8
from ..schema import Enumeration, Field, Layout, Record, Table
from ..schema.choice import Choice
from ..schema.pages import PageData, PageStateMap
from ..schema.variable import Measured, Utf8Z
from ..schema.vocabulary import Between, Coded, Fixed, Flags, OneOf, Reserved, Uint, Uuid
from .plan import Edit

__all__ = ["Spot", "Wound", "wounds"]

_FILLING = b"\xee"
_LATIN = b"\xe9"  # no UTF-8 sequence can have it in front of ASCII
_VERSION_BYTE = 6
_RESERVED_STATE = 3


@dataclass(frozen=True)
class Spot:
    """A structure inside a file.

    Attributes:
        layout: the structure.
        record: its values, with their offsets.
        base: the file offset that offsets here are counted from.
        end: length of the payload that it stands in; None for a header.
    """

    layout: Layout
    record: Record
    base: int
    end: int | None

    def place(self, key: str) -> tuple[int, int]:
        """Offset, counted from `base`, and length of a field."""
        assert self.record.offsets is not None
        start, length = self.record.offsets[key]
        return start - self.base, length

    def width_inside(self, record: Record, key: str) -> int:
        """Length of a field of a structure inside this one."""
        assert record.offsets is not None
        return record.offsets[key][1]

    def number(self, key: str, value: int) -> Edit:
        """What puts a number into a field."""
        offset, width = self.place(key)
        order: Literal["little", "big"] = "big" if self.layout.order == ">" else "little"
        return Edit(offset, value.to_bytes(width, order))


@dataclass(frozen=True)
class Wound:
    """A change of bytes.

    Attributes:
        offset: where a checker must see it.
        edits: bytes to change.
        keep: how much of the payload stays; None: all.
        extra: what is put behind it.
        label: of wounds with one label only the first that will do is wanted; with labels of
            their own each is.
    """

    offset: int
    edits: tuple[Edit, ...] = ()
    keep: int | None = None
    extra: bytes = b""
    label: str = ""


def wounds(spot: Spot, section: str, defect: str) -> Iterator[Wound]:
    """Every wound of a kind that a structure's fields of one section can be given."""
    whole = _WHOLE.get(defect)
    if whole is not None:
        yield from whole(spot)
        return
    for field in spot.layout.fields:
        if field.section == section and field.key in spot.record:
            for wound in _FIELDS[defect](spot, field):
                yield replace(wound, label=field.key) if defect in _EACH else wound


def _reserved(spot: Spot, field: Field) -> Iterator[Wound]:
    if isinstance(field.type, Reserved):
        offset, width = spot.place(field.key)
        yield Wound(offset, (Edit(offset, b"\x01" + bytes(width - 1)),))


def _padding(spot: Spot, field: Field) -> Iterator[Wound]:
    kind = field.type
    offset, stored = spot.place(field.key)
    if isinstance(kind, Measured) and not isinstance(kind, Choice):
        length = spot.record[kind.length_key]
        if pad8(length) > length and stored == pad8(length):
            last = offset + stored - 1
            yield Wound(last, (Edit(last, b"\x01"),))
    elif isinstance(kind, PageStateMap):
        used = -(-kind.pages(spot.record) // PAGES_PER_BYTE)
        if stored > used:
            last = offset + stored - 1
            yield Wound(last, (Edit(last, b"\x01"),))


def _not_permitted(spot: Spot, field: Field) -> Iterator[Wound]:
    valid = field.type.valid if isinstance(field.type, (Uint, Coded)) else None
    if isinstance(valid, Between):
        values = [valid.low - 1, valid.high + 1]
    elif isinstance(valid, OneOf):
        values = [max(valid.values) + 1, max(valid.values) - 1]
    else:
        return
    most = 1 << 8 * spot.place(field.key)[1]
    for value in values:
        if 0 <= value < most and not valid.permits(value):
            yield _coded(spot, field, value)


def _coded(spot: Spot, field: Field, value: int) -> Wound:
    return Wound(spot.place(field.key)[0], (spot.number(field.key, value),))


def _reserved_code(spot: Spot, field: Field) -> Iterator[Wound]:
    if isinstance(field.type, Coded) and field.type.valid is None:
        registry = field.type.registry
        for span in registry.spans:
            if span.use == "reserved":
                yield _coded(spot, field, span.first)
        for value in registry.values:
            if value.reserved:
                yield _coded(spot, field, value.code)


def _unregistered(spot: Spot, field: Field) -> Iterator[Wound]:
    if isinstance(field.type, Coded) and field.type.valid is None:
        free = _free_code(field.type.registry)
        if free is not None:
            yield _coded(spot, field, free)


def _free_code(registry: Enumeration) -> int | None:
    known = {value.code for value in registry.values}
    for code in range(1 << 8 * registry.width):
        if code not in known and not any(s.first <= code <= s.last for s in registry.spans):
            return code
    return None


def _undefined_flag(spot: Spot, field: Field) -> Iterator[Wound]:
    if isinstance(field.type, Flags):
        word, defined = int(spot.record[field.key]), field.type.word.defined
        for bit in range(8 * field.type.width):
            if not defined >> bit & 1:
                yield _coded(spot, field, word | 1 << bit)
                return


def _other_uuid(spot: Spot, field: Field) -> Iterator[Wound]:
    """As version 1: what a library gives that wasn't asked for version 4."""
    if isinstance(field.type, Uuid) and spot.record[field.key].int:
        offset, _ = spot.place(field.key)
        changed = spot.record[field.key].bytes[_VERSION_BYTE] & 0x0F | 0x10
        yield Wound(offset, (Edit(offset + _VERSION_BYTE, bytes((changed,))),))


def _nil_uuid(spot: Spot, field: Field) -> Iterator[Wound]:
    if isinstance(field.type, Uuid) and not field.type.nil:
        offset, width = spot.place(field.key)
        yield Wound(offset, (Edit(offset, bytes(width)),))


def _text(byte: bytes, place: Callable[[int, int], int], least: int) -> Any:
    """Wounds of strings: one byte at a place that follows from offset and length."""

    def made(spot: Spot, field: Field) -> Iterator[Wound]:
        kind = field.type
        if isinstance(kind, Utf8Z) and spot.record[kind.length_key] >= least:
            offset, _ = spot.place(field.key)
            at = place(offset, spot.record[kind.length_key])
            yield Wound(offset, (Edit(at, byte),))

    return made


def _state(spot: Spot, field: Field) -> Iterator[Wound]:
    if isinstance(field.type, PageStateMap):
        offset, _ = spot.place(field.key)
        found = spot.record[field.key]
        # Pages that have no data anyway, so that nothing but their state is odd.
        runs = [
            (first, count, _RESERVED_STATE if state else 0) for first, count, state in found.runs()
        ]
        changed = PageMap.from_runs(runs, found.pages)
        if changed.stored != found.stored:
            yield Wound(offset, (Edit(offset, bytes(changed.stored)),))


def _map_cut(spot: Spot, field: Field) -> Iterator[Wound]:
    if isinstance(field.type, PageStateMap):
        offset, length = spot.place(field.key)
        yield Wound(offset, keep=offset + length - 1)


def _data_cut(spot: Spot, field: Field) -> Iterator[Wound]:
    if isinstance(field.type, PageData):
        offset, length = spot.place(field.key)
        yield Wound(offset, keep=offset + length - 1)


def _too_long(spot: Spot, field: Field) -> Iterator[Wound]:
    """A length that says more than there is: the most that its field can say, or one more."""
    kind = field.type
    if isinstance(kind, Measured):
        offset, length = spot.place(field.key)
        width = spot.place(kind.length_key)[1]
        if isinstance(kind, Choice):
            if offset + length == spot.end:
                yield Wound(offset, (spot.number(kind.length_key, length + 1),))
                yield Wound(offset, keep=offset, label=f"before-{field.key}")
        else:
            yield Wound(offset, (spot.number(kind.length_key, (1 << 8 * width) - 1),))
            if field is spot.layout.fields[-1] and length and offset + length == spot.end:
                yield Wound(offset, keep=offset, label=f"before-{field.key}")


def _body_short(spot: Spot, field: Field) -> Iterator[Wound]:
    """The last row loses the last bytes of its last field."""
    if isinstance(field.type, Choice) and spot.end is not None:
        offset, length = spot.place(field.key)
        body = spot.record[field.key]
        last = body.layout.fields[-1]
        if offset + length != spot.end:
            return
        key = field.type.length_key
        at = spot.end - spot.width_inside(body, last.key)
        if isinstance(last.type, Fixed):
            yield Wound(at, (spot.number(key, length - 1),), keep=spot.end - 1)
        whole = spot.number(key, length - (spot.end - at))
        yield Wound(at, (whole,), keep=at, label=f"before-{last.key}-of-{body.layout.key}")


def _body_long(spot: Spot, field: Field) -> Iterator[Wound]:
    if isinstance(field.type, Choice) and spot.end is not None:
        offset, length = spot.place(field.key)
        if offset + length == spot.end:
            edit = spot.number(field.type.length_key, length + 2)
            yield Wound(offset, (edit,), extra=_FILLING * 2)


def _count(spot: Spot, field: Field) -> Iterator[Wound]:
    if isinstance(field.type, Table) and spot.end is not None:
        key = field.type.count_key
        yield Wound(spot.end, (spot.number(key, spot.record[key] + 1),))
        start, _ = spot.place(field.key)
        yield Wound(start, keep=start, label=f"before-{field.key}")
        last = field.type.entry.fields[-1]
        if isinstance(last.type, Fixed):
            cut = spot.end - last.type.width
            yield Wound(cut, keep=cut, label=f"before-{last.key}")


def _entry_size(spot: Spot, field: Field) -> Iterator[Wound]:
    """A size that ends inside of the first entry, at a field's border."""
    if isinstance(field.type, Table) and field.type.entry_size_key is not None:
        entry = field.type.entry
        second = entry.fields[2].key
        size = entry.offset_of(second)
        start = spot.place(field.key)[0]
        yield Wound(start + size, (spot.number(field.type.entry_size_key, size),))


def _too_short(spot: Spot) -> Iterator[Wound]:
    """The payload ends inside of a field of constant width, the last one that it may."""
    for field in reversed(spot.layout.fields):
        if isinstance(field.type, Fixed) and field.key in spot.record and not field.optional:
            offset, width = spot.place(field.key)
            yield Wound(offset, keep=offset + width - 1)
            if field is spot.layout.fields[-1]:
                yield Wound(offset, keep=offset, label=f"before-{field.key}")


def _surplus(spot: Spot) -> Iterator[Wound]:
    if spot.end is not None:
        yield Wound(spot.end, extra=_FILLING * 16)


_EACH = {
    "RESERVED-NOT-ZERO",
    "VALUE-NOT-PERMITTED",
    "RESERVED-CODE",
    "UNREGISTERED-CODE",
    "UNDEFINED-FLAG",
}
"""Kinds of defect of which each field is worth a sample: a reader may miss one of them."""

_WHOLE: dict[str, Callable[[Spot], Iterator[Wound]]] = {
    "TOO-SHORT": _too_short,
    "SURPLUS-BYTES": _surplus,
}
_FIELDS: dict[str, Callable[[Spot, Field], Iterator[Wound]]] = {
    "RESERVED-NOT-ZERO": _reserved,
    "PADDING-NOT-ZERO": _padding,
    "VALUE-NOT-PERMITTED": _not_permitted,
    "RESERVED-CODE": _reserved_code,
    "UNREGISTERED-CODE": _unregistered,
    "UNDEFINED-FLAG": _undefined_flag,
    "UUID-NOT-VERSION-4": _other_uuid,
    "UUID-NIL": _nil_uuid,
    "STRING-NOT-TERMINATED": _text(b"x", lambda offset, length: offset + length - 1, 2),
    "STRING-HAS-NUL": _text(b"\0", lambda offset, length: offset + 1, 4),
    "STRING-NOT-UTF-8": _text(_LATIN, lambda offset, length: offset, 3),
    "RESERVED-PAGE-STATE": _state,
    "PAGE-MAP-TOO-LARGE": _map_cut,
    "PAGE-DATA-LENGTH": _data_cut,
    "LENGTH-TOO-LARGE": _too_long,
    "BODY-TOO-SHORT": _body_short,
    "BODY-TOO-LONG": _body_long,
    "COUNT-TOO-LARGE": _count,
    "ENTRY-SIZE-TOO-SMALL": _entry_size,
}
