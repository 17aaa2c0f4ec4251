"""Where each field of a file stands, and whether a changed value of it is another valid file."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import msl_construct
from msl_construct.page_map import PageMap, pad8, stored_size
from msl_construct.reader import RAW
from msl_construct.schema import Field, Layout, Record, Table
from msl_construct.schema.choice import Body, Choice
from msl_construct.schema.layout import REST
from msl_construct.schema.pages import PageStateMap
from msl_construct.schema.variable import Blob, Measured, Rest, Utf8, Utf8Z
from msl_construct.schema.vocabulary import (
    Bytes,
    Coded,
    Flags,
    Hash,
    Magic,
    Reserved,
    Timestamp,
    Uint,
    Uuid,
)

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
        kind: Any = self.field.type
        if isinstance(kind, (Magic, Reserved)):
            return False
        if isinstance(kind, Hash) or type(kind) is Bytes or type(kind) is Rest:
            return True
        if isinstance(kind, Rest):
            return True
        if isinstance(kind, Uuid):
            return self._free_uuid(kind, old, new)
        if isinstance(kind, Coded):
            return self._free_code(kind, self.number(new))
        if isinstance(kind, Flags):
            changed = self.number(old) ^ self.number(new)
            if self.layout.key in _HEADERS:
                return set(kind.word.names(changed)) <= _FREE_FLAGS
            return not self.number(new) & ~kind.word.defined
        if isinstance(kind, Uint):
            if self.counting:
                return self.field.default == 0 and not any(new) and self._measures_nothing
            return kind.valid is None or kind.valid.permits(self.number(new))
        if isinstance(kind, PageStateMap):
            return self._free_states(kind, old, new)
        return self._free_content(kind, old, new)

    def number(self, raw: bytes) -> int:
        """The integer that these bytes are in file order."""
        return int.from_bytes(raw, "little" if self.layout.order == "<" else "big")

    @property
    def _measures_nothing(self) -> bool:
        assert self.field is not None
        return not _referred_to(self.layout, self.field.key)

    def _free_uuid(self, kind: Uuid, old: bytes, new: bytes) -> bool:
        if self.referred or not any(old):
            return False
        found = uuid.UUID(bytes=new)
        return found.version == 4 and found.variant == uuid.RFC_4122

    def _free_code(self, kind: Coded, code: int) -> bool:
        assert self.field is not None
        if kind.enumeration_name in _DECIDING or _referred_to(self.layout, self.field.key):
            return False
        if kind.valid is not None:
            return kind.valid.permits(code)
        return kind.registry.permits(code)

    def _free_states(self, kind: PageStateMap, old: bytes, new: bytes) -> bool:
        before, after = PageMap(old, self.length), PageMap(new, self.length)
        assert kind.states is not None
        return (
            after.canonical
            and all(
                kind.states.permits(state) for state, count in enumerate(after.counts()) if count
            )
            and [run for run in before.runs() if not run[2]]
            == [run for run in after.runs() if not run[2]]
        )

    def _free_content(self, kind: Any, old: bytes, new: bytes) -> bool:
        if old[self.length :] != new[self.length :]:
            return False  # padding
        if isinstance(kind, Blob):
            return True
        text = new[: self.length]
        if isinstance(kind, Utf8Z) and not isinstance(kind, Utf8):
            if not text.endswith(b"\0"):
                return False
            text = text[:-1]
        try:
            return b"\0" not in text and bool(text.decode()) >= 0
        except UnicodeDecodeError:
            return False


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
            if isinstance(kind, Table):
                for entry in value:
                    yield from self._of(kind.entry, entry, block, shift)
            elif isinstance(kind, Choice):
                if isinstance(value, Body):
                    yield from self._of(value.layout, value, block, shift)
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
