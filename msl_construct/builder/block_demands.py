"""What a file demands of its blocks beyond the fields of each, as a table.

What the schema says is asked of the schema: that a type is forbidden, stands in captures or in
segments only, is announced in CapBitmap, or is a child of another. `DEMANDS` has what it does not
say. A type that stands in neither may stand anywhere, any number of times.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ..abbreviated import abbreviated
from ..errors import ConformanceError
from ..schema import Record

__all__ = [
    "DEMANDS",
    "Demands",
    "FieldDemand",
    "LowerCase",
    "Place",
    "Referring",
    "Roles",
    "announces",
    "demands_of",
]


@dataclass(frozen=True)
class Place:
    """Where the only block of a type stands.

    Attributes:
        number: of the block; None: anywhere.
        required: whether the file must have it.
    """

    number: int | None = None
    required: bool = False


class Referring(Protocol):
    """What a file knows of the blocks that others refer to."""

    def hint_at(self, region: uuid.UUID) -> int:
        """Bytes of PageData of a region that Key Hints may refer to.

        Raises:
            ConformanceError: there is no such region, or it was written without has_key_hints.
        """

    def check_unused(self, found: Iterable[uuid.UUID]) -> None:
        """Check BlockUUIDs of blocks to come.

        Raises:
            ConformanceError: one stands there twice, or is that of another block.
        """

    def hinted(self, region: uuid.UUID) -> None:
        """A Key Hint at this region was written."""

    def announced(self, found: Iterable[uuid.UUID]) -> None:
        """Blocks of these UUIDs were announced."""

    def one_region(self, section: str) -> None:
        """The file holds one region from now on, at address 0, all of it captured."""


class FieldDemand(Protocol):
    """A demand on the fields of a block that nothing but other blocks or entries can answer.

    Attributes:
        refers: whether other blocks come into it, so that every payload must be looked at.
    """

    @property
    def refers(self) -> bool: ...

    def check(self, record: Record, state: Referring) -> None:
        """Look at a block before it is written.

        Raises:
            ConformanceError: it must not be.
        """

    def written(self, record: Record, state: Referring) -> None:
        """Take note of one that was written."""


@dataclass(frozen=True)
class Roles:
    """Among the entries of a table are some with each of these flags."""

    table: str
    field: str
    roles: tuple[str, ...]
    what: str
    section: str
    refers = False

    def check(self, record: Record, state: Referring) -> None:
        self.check_entries(record[self.table])

    def check_entries(self, entries: Sequence[Mapping[str, Any]]) -> None:
        """The same of entries that are no record yet."""
        for role in self.roles:
            if not any(role in entry[self.field] for entry in entries):
                raise ConformanceError(
                    f"{self.table.title()}: none is flagged {role}, {self.what} ({self.section})"
                )

    def written(self, record: Record, state: Referring) -> None: ...


@dataclass(frozen=True)
class LowerCase:
    """A text of every entry of a table is in lower case."""

    table: str
    field: str
    section: str
    refers = False

    def check(self, record: Record, state: Referring) -> None:
        self.check_entries(record[self.table])

    def check_entries(self, entries: Sequence[Mapping[str, Any]]) -> None:
        """The same of entries that are no record yet."""
        for index, entry in enumerate(entries):
            text = entry[self.field]
            if text is not None and text != text.lower():
                raise ConformanceError(
                    f"{self.table}[{index}].{self.field} {abbreviated(text)}: expected lower case "
                    f"({self.section})"
                )

    def written(self, record: Record, state: Referring) -> None: ...


@dataclass(frozen=True)
class WithinRegion:
    """A range lies within the PageData of a region, which says that it is referred to."""

    region: str
    offset: str
    length: str
    section: str
    refers = True

    def check(self, record: Record, state: Referring) -> None:
        data = state.hint_at(record[self.region])
        offset, length = record[self.offset], record[self.length]
        if offset + length > data:
            raise ConformanceError(
                f"RegionOffset {offset:#x}: {length} bytes from there on reach beyond the "
                f"region's PageData of {data} bytes ({self.section})"
            )

    def written(self, record: Record, state: Referring) -> None:
        state.hinted(record[self.region])


@dataclass(frozen=True)
class Announces:
    """The entries of a table name the BlockUUIDs of blocks that are its children."""

    table: str
    field: str
    refers = True

    def check(self, record: Record, state: Referring) -> None:
        state.check_unused(self._named(record))

    def written(self, record: Record, state: Referring) -> None:
        state.announced(self._named(record))

    def _named(self, record: Record) -> list[uuid.UUID]:
        return [entry[self.field] for entry in record[self.table]]


@dataclass(frozen=True)
class WholeStream:
    """Where a field has this value, the file holds one region, at address 0, all of it captured."""

    field: str
    value: str
    section: str
    refers = False

    def check(self, record: Record, state: Referring) -> None: ...

    def written(self, record: Record, state: Referring) -> None:
        if record[self.field].name == self.value:
            state.one_region(self.section)


@dataclass(frozen=True)
class Demands:
    """What a file demands of the blocks of one type.

    Attributes:
        section: where that is said.
        live, imported: where its only block stands in a live acquisition, and in an import; None:
            there may be several, anywhere.
        flag: header flag that is set where the block is, and nowhere else.
        before: key of a type in front of which it stands, where the draft lays it out.
        fields: of its fields.
    """

    section: str
    live: Place | None = None
    imported: Place | None = None
    flag: str = ""
    before: str = ""
    fields: tuple[FieldDemand, ...] = ()

    def place(self, *, imported: bool, flags: Iterable[str]) -> Place | None:
        """Where its only block stands in a file with these header flags."""
        found = self.imported if imported else self.live
        if found is not None and self.flag and self.flag not in flags:
            return Place(found.number)
        return found


_NOTHING = Demands("")

DEMANDS: Mapping[str, Demands] = {
    "import_provenance": Demands(
        "§2, §9",
        None,
        Place(0, required=True),
        flag="imported",
        fields=(WholeStream("source_format", "raw_byte_stream", "§9"),),
    ),
    "process_identity": Demands("§2", Place(0, required=True), Place(1)),
    "module_list_index": Demands(
        "§5.3",
        Place(1, required=True),
        Place(),
        fields=(Announces("entries", "module_uuid"),),
    ),
    "system_context": Demands(
        "§6", Place(2, required=True), Place(required=True), flag="investigation"
    ),
    "thread_context": Demands(
        "§5.7",
        before="memory_region",
        fields=(
            Roles("registers", "flags", ("pc", "sp"), "every thread has one", "§5.7"),
            LowerCase("registers", "name", "§5.7"),
        ),
    ),
    "key_hint": Demands(
        "§5.6", fields=(WithinRegion("region_uuid", "region_offset", "key_len", "§5.6"),)
    ),
}
"""By the key of the block type."""


def demands_of(key: str) -> Demands:
    """What is demanded of the blocks of a type."""
    return DEMANDS.get(key, _NOTHING)


def announces(key: str) -> bool:
    """Whether blocks of a type name the BlockUUIDs of its children to come."""
    return any(isinstance(demand, Announces) for demand in demands_of(key).fields)
