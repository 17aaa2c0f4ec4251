"""Tables: entries of one layout, one behind the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..abbreviated import abbreviated
from ..errors import ConformanceError, DocumentError
from ..source import Cursor
from .base import Binding, DocumentOptions, Problem, Refused, Sound, Vocabulary, refusal
from .declared import demand, demand_name
from .entries import HELD, Entries, EntriesShown
from .layout import OFFSETS, REST, Layout, surplus
from .misfit import Misfit
from .names import snake_case
from .values import Record
from .vocabulary import Uint

__all__ = ["Table", "entries_from_document", "shown_entries"]


class Table(Vocabulary):
    """Entries of one layout, as many as an earlier field says.

    Args:
        count: name of the field with the number of entries.
        entry: layout of one entry.
        entry_size: name of a field that fixes every entry's size unless it is zero.
    """

    def __init__(self, count: str, entry: Layout, entry_size: str | None = None) -> None:
        super().__init__()
        demand_name("Table", "count", count, "the name of a field")
        demand("Table", "entry", entry, (Layout,), "a Layout")
        self.count = count
        self.count_key = snake_case(count)
        self.entry = entry
        self.entry_size = entry_size
        self.entry_size_key = snake_case(entry_size) if entry_size else None

    def _bind(self, binding: Binding) -> None:
        super()._bind(binding)
        self.entry = self.entry.bound(binding)

    @property
    def minimum(self) -> int:
        return 0

    def held(self, value: Any) -> Iterator[tuple[Layout, Record]]:
        return ((self.entry, entry) for entry in value)

    def reads(self) -> Iterator[tuple[str, tuple[type[Vocabulary], ...]]]:
        yield self.count, (Uint,)
        if self.entry_size:
            yield self.entry_size, (Uint,)

    def example(self) -> list[Record]:
        return [self.entry.example()]

    def inner(self) -> Mapping[int | None, Layout]:
        return {None: self.entry}

    def stamped(self, since: str) -> Table:
        entry = self.entry.stamped(since)
        return self if entry is self.entry else Table(self.count, entry, self.entry_size)

    def decode(self, cursor: Cursor, record: Mapping[str, Any]) -> Sequence[Record]:
        size = record[self.entry_size_key] if self.entry_size_key else 0
        offsets = getattr(record, OFFSETS, None) is not None

        def one(cursor: Cursor) -> Record:
            if size:
                return self._sized(cursor, size, offsets)
            return self.entry.decode_entry(cursor, offsets=offsets)

        entries: list[Record] = []
        many = Entries(cursor.source, cursor.position, cursor.end, one)
        budget = getattr(cursor.source, "entry_budget", None)
        for index in range(record[self.count_key]):
            start = cursor.position
            if budget is not None and index >= budget:
                raise Misfit(
                    f"at most {budget} entries from so small a compressed stream",
                    f"{record[self.count_key]}",
                    path=f"[{index}]",
                    offset=start,
                    value=many.or_few(entries, start),
                    restart=start,
                )
            try:
                entry = one(cursor)
            except Misfit as misfit:
                raise Misfit(
                    misfit.expected,
                    misfit.found,
                    path=f"[{index}].{misfit.path}" if misfit.path else f"[{index}]",
                    offset=misfit.offset,
                    value=many.or_few(entries, start),
                    restart=start,
                ) from None
            many.add(cursor.position)
            if index < HELD:
                entries.append(entry)
            else:
                entries.clear()
        return many.or_few(entries, cursor.position)

    def _sized(self, cursor: Cursor, size: int, offsets: bool) -> Record:
        if size > cursor.remaining:
            raise Misfit(f"{size} bytes", str(cursor.remaining), offset=cursor.position)
        window = cursor.within(size)
        entry = self.entry.decode(window, offsets=offsets)
        if entry.damage is not None:
            found = entry.damage
            raise Misfit(found.expected, found.found, path=found.field, offset=found.offset)
        cursor.position += size
        return entry

    def encode(self, value: Any, record: Mapping[str, Any]) -> bytes:
        return b"".join(self.entry.encode(entry) for entry in value)

    def completed(self, key: str, values: Mapping[str, Any], default: Any) -> Mapping[str, Any]:
        given = values.get(key, default)
        if given is None:
            return {}
        if isinstance(given, (str, bytes, Mapping)) or not isinstance(given, Iterable):
            raise Refused(f"expected entries, found {abbreviated(given)}")
        entries: list[Record] = []
        for value in given:
            where = f"{key}[{len(entries)}]"
            if not isinstance(value, Mapping):
                reason = f"expected the fields of {self.entry.title}, found {abbreviated(value)}"
                raise refusal(where, f"{reason} ({self.entry.section})", title=self.entry.title)
            try:
                entries.append(self.entry.complete(value))
            except ConformanceError as error:
                if not error.field:
                    raise
                raise refusal(
                    f"{where}.{error.field}", error.reason, title=self.entry.title
                ) from None
        return {key: entries, self.count_key: values.get(self.count_key, len(entries))}

    @property
    def sound(self) -> Sound | None:
        return self._is_sound

    def _is_sound(self, entries: Sequence[Record], record: Mapping[str, Any]) -> bool:
        if record[self.count_key] != len(entries):
            return False
        if self.entry_size_key and record[self.entry_size_key]:
            return False  # what each is as long as has to be found out
        is_sound = self.entry.is_sound
        return all(REST not in entry and is_sound(entry) for entry in entries)

    def problems_within(self, key: str, record: Mapping[str, Any]) -> Iterator[tuple[str, Problem]]:
        """Problems of the entries, each with its path, and of their number."""
        entries: Sequence[Record] = record[key]
        if record[self.count_key] != len(entries):
            yield (
                self.count_key,
                Problem("count-mismatch", f"{len(entries)} entries", str(record[self.count_key])),
            )
        size = record[self.entry_size_key] if self.entry_size_key else 0
        for index, entry in enumerate(entries):
            if size and len(self.entry.encode(entry)) != size:
                yield f"{key}[{index}]", Problem("entry-size", f"{size} bytes", "another size")
            for path, problem in self.entry.problems_of(entry):
                yield f"{key}[{index}].{path}", problem
            if not size or any(f.key not in entry for f in self.entry.fields if not f.optional):
                yield from surplus(f"{key}[{index}]", entry)

    def to_document(self, value: Any, options: DocumentOptions) -> Any:
        return shown_entries(self.entry, value, options)

    def from_document(self, value: Any) -> Any:
        return entries_from_document(self.entry, value, "entries")


def shown_entries(
    entry: Layout, value: Sequence[Record], options: DocumentOptions
) -> Sequence[Any] | EntriesShown:
    """Entries of one layout as a document holds them; of a long table one at a time."""
    if isinstance(value, Entries):
        return EntriesShown(value, lambda one: entry.to_document(one, options))
    return [entry.to_document(one, options) for one in value]


def entries_from_document(entry: Layout, value: Any, what: str) -> list[Any]:
    """Entries of one layout as a document holds them.

    Args:
        what: what they are called.

    Raises:
        ValueError, DocumentError: they are none; the error says which.
    """
    if not isinstance(value, list):
        raise ValueError(f"expected a list of {what}, found {abbreviated(value)}")
    entries = []
    for index, one in enumerate(value):
        try:
            entries.append(entry.from_document(one))
        except DocumentError as error:
            raise error.within(f"[{index}]") from None
    return entries
