"""Where each field of a file stands, and whether a changed value of it is another valid file."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial, singledispatch
from typing import Any

import msl_construct
from msl_construct.page_map import PageMap, pad8, stored_size
from msl_construct.reader import RAW
from msl_construct.schema import Field, Layout, Record, Table
from msl_construct.schema.choice import Choice
from msl_construct.schema.layout import REST
from msl_construct.schema.pages import PageStateMap
from msl_construct.schema.variable import Blob, Measured, Rest, Utf8, Utf8Z
from msl_construct.schema.vocabulary import (
    Bytes,
    Coded,
    Flags,
    Magic,
    Reserved,
    Timestamp,
    Uint,
    Uuid,
)
from msl_construct.schema.words import no_words

from .declarations import references

_DECIDING = {"Endianness", "BlockType"}
"""Registries whose codes say how the rest is read."""

_FREE_FLAGS = {"redacted"}
"""Flags of the headers of which the drafts demand nothing."""

_HEADERS = {"file_header", "block_header"}


@dataclass(frozen=True)
class Spot:
    """One stored field.

    Attributes:
        layout: the structure that it is in.
        field: its declaration; None: bytes behind the last field.
        offset, width: where it stands in the file.
        block: index of the block; None: the file header.
        length: of a value of variable length: what its length field says, or its pages.
        referred: of a UUID: whether another field of the file holds the same.
        chain: whether it is a hash of the integrity chain.
    """

    layout: Layout
    field: Field | None
    offset: int
    width: int
    block: int | None
    length: int = 0
    referred: bool = False
    chain: bool = False

    @property
    def end(self) -> int:
        """The offset behind it."""
        return self.offset + self.width

    @property
    def name(self) -> str:
        """``Memory Region.BaseAddr``."""
        return f"{self.layout.title}.{self.field.name if self.field else REST}"

    @property
    def counting(self) -> bool:
        """Whether it is a length, a count or a size that something depends on."""
        return (
            self.field is not None
            and isinstance(self.field.type, Uint)
            and not isinstance(self.field.type, Timestamp)
            and (
                _referred_to(self.layout, self.field.key)
                or _demanded(self.field)
                or (self.layout.key in _HEADERS and self.field.type.valid is not None)
            )
        )

    def free(self, old: bytes, new: bytes) -> bool:
        """Whether a file with `new` here is another file that a producer could have written.

        A value is free where nothing else in the file, and nothing in the draft, says what it
        must be:

        - addresses, sizes of what is described, times, IDs and numbers of all kinds, unless
          another field is measured by them, the draft demands something of them (a MUST for
          producers), or they are a number of a header that the draft restricts; one that is
          only restricted, within its restriction;
        - a count of which the draft says that it may be left open, as 0;
        - a registered code, or one of a vendor, in the place of another, except for codes that
          say how the rest is read;
        - defined flags of a payload (access rights, roles); no flags of a header but Redacted;
        - the random bits of a UUID that no other field of the file holds;
        - hashes of what is not in the file;
        - text that stays UTF-8 without NUL, opaque bytes, page data;
        - page states, as long as no page becomes or ceases to be Captured.

        See `Spots.structural` for two numbers that measure something and are free all the same.
        """
        if self.field is None or self.chain:
            return False
        return is_free(self.field.type, self, old, new)

    def number(self, raw: bytes) -> int:
        """The integer that these bytes are in file order."""
        return int.from_bytes(raw, "little" if self.layout.order == "<" else "big")


@singledispatch
def is_free(kind: Any, spot: Spot, old: bytes, new: bytes) -> bool:
    """`Spot.free` of the value of a field of this class."""
    raise no_words(kind, "benchmarks.mutation.spots")


@is_free.register(Magic)
@is_free.register(Reserved)
@is_free.register(Table)
def _(kind: Any, spot: Spot, old: bytes, new: bytes) -> bool:
    return False


@is_free.register(Bytes)
@is_free.register(Rest)
def _(kind: Any, spot: Spot, old: bytes, new: bytes) -> bool:
    return True


@is_free.register
def _(kind: Uuid, spot: Spot, old: bytes, new: bytes) -> bool:
    if spot.referred or not any(old):
        return False
    found = uuid.UUID(bytes=new)
    return found.version == 4 and found.variant == uuid.RFC_4122


@is_free.register
def _(kind: Coded, spot: Spot, old: bytes, new: bytes) -> bool:
    assert spot.field is not None
    if kind.enumeration_name in _DECIDING or _referred_to(spot.layout, spot.field.key):
        return False
    if kind.valid is not None:
        return kind.valid.permits(spot.number(new))
    return kind.registry.permits(spot.number(new))


@is_free.register
def _(kind: Flags, spot: Spot, old: bytes, new: bytes) -> bool:
    if spot.layout.key in _HEADERS:
        return set(kind.word.names(spot.number(old) ^ spot.number(new))) <= _FREE_FLAGS
    return not spot.number(new) & ~kind.word.defined


@is_free.register
def _(kind: Uint, spot: Spot, old: bytes, new: bytes) -> bool:
    assert spot.field is not None
    if spot.counting:
        measures = _referred_to(spot.layout, spot.field.key)
        return spot.field.default == 0 and not any(new) and not measures
    return kind.valid is None or kind.valid.permits(spot.number(new))


@is_free.register
def _(kind: PageStateMap, spot: Spot, old: bytes, new: bytes) -> bool:
    before, after = PageMap(old, spot.length), PageMap(new, spot.length)
    assert kind.states is not None
    return (
        after.canonical
        and all(kind.states.permits(state) for state, count in enumerate(after.counts()) if count)
        and [run for run in before.runs() if not run[2]]
        == [run for run in after.runs() if not run[2]]
    )


@is_free.register
def _(kind: Blob, spot: Spot, old: bytes, new: bytes) -> bool:
    return old[spot.length :] == new[spot.length :]


@is_free.register
def _(kind: Utf8, spot: Spot, old: bytes, new: bytes) -> bool:
    return old[spot.length :] == new[spot.length :] and _is_text(new[: spot.length])


@is_free.register
def _(kind: Utf8Z, spot: Spot, old: bytes, new: bytes) -> bool:
    text = new[: spot.length]
    same = old[spot.length :] == new[spot.length :]
    return same and text.endswith(b"\0") and _is_text(text[:-1])


@is_free.register
def _(kind: Choice, spot: Spot, old: bytes, new: bytes) -> bool:
    return False  # what is inside has spots of its own


def _is_text(stored: bytes) -> bool:
    try:
        stored.decode()
    except UnicodeDecodeError:
        return False
    return b"\0" not in stored


def _referred_to(layout: Layout, key: str) -> bool:
    return any(key in references(f.type).values() for f in layout.fields)


def _demanded(field: Field) -> bool:
    return any(note.level.startswith("MUST") and note.who == "producer" for note in field.notes)


class Spots:
    """All fields of a file.

    Args:
        data: a file that can be read and is not encrypted.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._fits: dict[int, Callable[[int], bool]] = {}
        with msl_construct.open(data) as dump:
            self.schema = dump.schema
            self.chain = {(c.structure, c.field) for c in dump.schema.draft.chain}
            found = list(self._of(dump.schema.file_header, dump.header.record, None, 0))
            self.blocks: list[tuple[int, int]] = []
            self.keys: list[str] = []
            for block in dump.blocks:
                self.blocks.append((block.offset, block.length))
                self.keys.append(block.key)
                header, payload = block.with_offsets()
                shift = 0
                found += self._of(dump.schema.block_header, header, block.index, shift)
                layout = block.type.layout if block.type is not None else None
                if block.compression is not None:
                    found.append(self._framing(block))
                elif layout is not None and RAW not in payload:
                    found += self._of(layout, payload, block.index, shift)
        held = Counter(data[s.offset : s.end] for s in found if _is_uuid(s))
        self.all = [
            replace(s, referred=held[data[s.offset : s.end]] > 1) if _is_uuid(s) else s
            for s in found
        ]

    def _of(self, layout: Layout, record: Record, block: int | None, shift: int) -> Iterator[Spot]:
        assert record.offsets is not None
        self._measured(layout, record)
        for field in layout.fields:
            if field.key not in record:
                continue
            offset, width = record.offsets[field.key]
            kind, value = field.type, record[field.key]
            if kind.inner():
                for inside, entry in kind.held(value):
                    assert isinstance(inside, Layout)
                    yield from self._of(inside, entry, block, shift)
            elif width:
                length = 0
                if isinstance(kind, Measured):
                    length = record[kind.length_key]
                elif isinstance(kind, PageStateMap):
                    length = value.pages
                chain = (layout.key, field.key) in self.chain
                yield Spot(layout, field, offset, width, block, length, False, chain)
        if REST in record and layout.key not in _HEADERS:
            offset, width = record.offsets[REST]
            yield Spot(layout, None, offset, width, block)

    def _framing(self, block: Any) -> Spot:
        layout = self.schema.compressed_payload
        field = layout.field("uncompressed_size")
        start = block.stored.offset + layout.offset_of("uncompressed_size")
        return Spot(layout, field, start, field.type.minimum, block.index)

    def structural(self, mutant: bytes) -> bool:
        """Whether a file of the same length differs in more than free values.

        Two numbers measure something and may be free, as what they measure stays where it is
        and nothing but they says where it ends: the length of opaque bytes, where it only makes
        zeros out of padding or padding out of zeros, and the page size, where the region stays
        of whole pages, the map as long as it is, its padding zero and the captured pages as
        many bytes as there are.
        """
        changed = [s for s in self.all if self.data[s.offset : s.end] != mutant[s.offset : s.end]]
        return any(
            not s.free(self.data[s.offset : s.end], mutant[s.offset : s.end])
            and not self._still_fits(s, mutant)
            for s in changed
        )

    def _still_fits(self, spot: Spot, mutant: bytes) -> bool:
        fits = self._fits.get(spot.offset)
        return fits is not None and fits(spot.number(mutant[spot.offset : spot.end]))

    def _measured(self, layout: Layout, record: Record) -> None:
        """Notes the numbers of a structure that `structural` makes exceptions for."""
        assert record.offsets is not None
        for field in layout.fields:
            kind = field.type
            if field.key not in record:
                continue
            start, width = record.offsets[field.key]
            if isinstance(kind, Blob):
                stored = self.data[start : start + width]
                at = record.offsets[kind.length_key][0]
                self._fits[at] = partial(_blob_fits, stored, record[kind.length_key])
            elif isinstance(kind, PageStateMap) and "page_data" in record:
                stored = self.data[start : start + width]
                size, length = record[kind.size_key], record["page_data"].length
                at = record.offsets[kind.log2_key][0]
                self._fits[at] = partial(_page_size_fits, kind, stored, size, length)


def _blob_fits(stored: bytes, length: int, new: int) -> bool:
    first, last = sorted((length, new))
    return pad8(new) == len(stored) and not any(stored[first:last])


def _page_size_fits(kind: PageStateMap, stored: bytes, size: int, length: int, log2: int) -> bool:
    if not kind.low <= log2 <= kind.high or size & ((1 << log2) - 1):
        return False
    pages = PageMap(stored, size >> log2)
    return (
        stored_size(pages.pages) == len(stored)
        and pages.canonical
        and pages.captured << log2 == length
    )


def _is_uuid(spot: Spot) -> bool:
    return spot.field is not None and isinstance(spot.field.type, Uuid)
