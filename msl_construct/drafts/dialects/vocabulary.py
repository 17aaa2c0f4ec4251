"""Forms of values that no draft has, and some producers write."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ...abbreviated import abbreviated, abbreviated_hex
from ...errors import ConformanceError
from ...schema.base import Binding, DocumentOptions, Problem, Refused, Vocabulary, refusal
from ...schema.document_values import as_hex, as_text, checked_keys
from ...schema.entries import HELD, Entries
from ...schema.layout import Layout
from ...schema.misfit import Misfit
from ...schema.table import entries_from_document, shown_entries
from ...schema.values import Record, StoredText
from ...schema.variable import Utf8Z
from ...source import Cursor, Extent

__all__ = ["Padding", "Rows", "TextToEnd", "Utf8ZPacked"]

_ALIGNMENT = 8


class Utf8ZPacked(Utf8Z):
    """UTF-8 text with a NUL that the length counts, and no padding behind it."""

    padded = False


class TextToEnd(Vocabulary):
    """UTF-8 text without a NUL that takes up all that is left of its structure."""

    @property
    def minimum(self) -> int:
        return 0

    def decode(self, cursor: Cursor, record: Mapping[str, Any]) -> str:
        stored = cursor.take(cursor.remaining)
        try:
            return stored.decode()
        except UnicodeDecodeError:
            return StoredText(stored.decode(errors="replace"), stored)

    def encode(self, value: Any, record: Mapping[str, Any]) -> bytes:
        if isinstance(value, StoredText):
            return value.raw
        if not isinstance(value, str):
            raise ValueError(f"expected text, found {abbreviated(value)}")
        return value.encode("utf-8", "surrogatepass")

    def problems(self, value: Any, record: Mapping[str, Any]) -> Iterator[Problem]:
        if isinstance(value, StoredText):
            yield Problem("string-not-canonical", "UTF-8", abbreviated_hex(value.raw))

    def to_document(self, value: Any, options: DocumentOptions) -> Any:
        if isinstance(value, StoredText):
            return {"text": str(value), "raw": value.raw.hex()}
        return value

    def from_document(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            checked_keys(value, "raw", also=("text",))
            return StoredText(as_text(value.get("text", "")), as_hex(value["raw"]))
        return as_text(value)


class Padding(Vocabulary):
    """Up to 7 zeros at the end of a payload, which align the block behind it.

    Bytes that are no such padding are left to what is said of surplus bytes.
    """

    @property
    def minimum(self) -> int:
        return 0

    def decode(self, cursor: Cursor, record: Mapping[str, Any]) -> bytes:
        found = cursor.remaining
        if found >= _ALIGNMENT:
            raise Misfit("at most 7 zeros up to the payload's end", f"{found} bytes")
        stored = cursor.take(found)
        if any(stored):
            raise Misfit("zeros up to the payload's end", stored.hex())
        return stored

    def encode(self, value: Any, record: Mapping[str, Any]) -> bytes:
        if not isinstance(value, bytes) or len(value) >= _ALIGNMENT or any(value):
            raise ValueError(f"expected at most 7 zeros, found {abbreviated(value)}")
        return value

    def to_document(self, value: Any, options: DocumentOptions) -> Any:
        return value.hex()

    def from_document(self, value: Any) -> Any:
        return as_hex(value)


class Rows(Vocabulary):
    """Rows of one layout up to the payload's end, whose number stands nowhere.

    Args:
        entry: layout of a row; one that begins with 8 zeros or fewer up to the end is none, but
            padding.
    """

    def __init__(self, entry: Layout) -> None:
        super().__init__()
        self.entry = entry

    def _bind(self, binding: Binding) -> None:
        super()._bind(binding)
        self.entry = self.entry.bound(binding)

    @property
    def minimum(self) -> int:
        return 0

    def decode(self, cursor: Cursor, record: Mapping[str, Any]) -> Sequence[Record]:
        offsets = getattr(record, "offsets", None) is not None
        budget = getattr(cursor.source, "entry_budget", None)
        few: list[Record] = []
        many = Entries(
            cursor.source,
            cursor.position,
            cursor.end,
            lambda cursor: self.entry.decode_entry(cursor, offsets=offsets),
        )
        while cursor.remaining and not _is_padding(cursor):
            start = cursor.position
            if budget is not None and len(many) >= budget:
                expected = f"at most {budget} entries from so small a compressed stream"
                value = many.or_few(few, start)
                raise Misfit(expected, "more", value=value, offset=start, restart=start)
            try:
                entry = self.entry.decode_entry(cursor, offsets=offsets)
            except Misfit as misfit:
                raise Misfit(
                    misfit.expected,
                    misfit.found,
                    path=f"[{len(many)}].{misfit.path}",
                    offset=misfit.offset,
                    value=many.or_few(few, start),
                    restart=start,
                ) from None
            many.add(cursor.position)
            if len(many) <= HELD:
                few.append(entry)
            else:
                few.clear()
        return many.or_few(few, cursor.position)

    def inner(self) -> Mapping[int | None, Layout]:
        return {None: self.entry}

    def stamped(self, since: str) -> Rows:
        entry = self.entry.stamped(since)
        return self if entry is self.entry else Rows(entry)

    def encode(self, value: Any, record: Mapping[str, Any]) -> bytes:
        return b"".join(self.entry.encode(entry) for entry in value)

    def completed(self, key: str, values: Mapping[str, Any], default: Any) -> Mapping[str, Any]:
        given = values.get(key, default)
        if given is None:
            return {}
        if not isinstance(given, Sequence) or isinstance(given, (str, bytes)):
            raise Refused(f"expected rows, found {abbreviated(given)}")
        entries: list[Record] = []
        for value in given:
            where = f"{key}[{len(entries)}]"
            if not isinstance(value, Mapping):
                reason = f"expected the fields of {self.entry.title}, found {abbreviated(value)}"
                raise refusal(where, reason, title=self.entry.title)
            try:
                entries.append(self.entry.complete(value))
            except ConformanceError as error:
                raise refusal(
                    f"{where}.{error.field}", error.reason, title=self.entry.title
                ) from None
        return {key: entries}

    def problems_within(self, key: str, record: Mapping[str, Any]) -> Iterator[tuple[str, Problem]]:
        for index, entry in enumerate(record[key]):
            for path, problem in self.entry.problems_of(entry):
                yield f"{key}[{index}].{path}", problem

    def to_document(self, value: Any, options: DocumentOptions) -> Any:
        return shown_entries(self.entry, value, options)

    def from_document(self, value: Any) -> Any:
        return entries_from_document(self.entry, value, "rows")


def _is_padding(cursor: Cursor) -> bool:
    left = cursor.remaining
    if left >= _ALIGNMENT:
        return False
    return not any(Extent(cursor.source, cursor.position, left).view())
