"""Writing very many structures of one layout: derived from its fields, a column at a time.

`Layout.complete` and `Layout.encode` look at every field of every structure, which is right
for a block and slow for the twenty thousandth entry of a table. A `RowPacker` does the
same for rows of plain values: each distinct code, flag set or text is checked and stored
once, and what has constant width is packed by one precompiled `struct`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice, repeat
from typing import Any

from ..abbreviated import abbreviated
from ..errors import ConformanceError
from .fields import Field
from .layout import Layout
from .variable import Measured
from .vocabulary import Fixed, Uint

__all__ = ["RowPacker"]


class RowPacker:
    """Packs structures of one layout from the values of some of its fields.

    Args:
        layout: bound to a byte order; fields of constant width, and behind them fields
            whose length stands in one of those.
        keys: the fields that are given, in the order in which they are given. The others
            are what `Layout.complete` makes of them: lengths, zeros and defaults.

    Attributes:
        size: bytes of the part of constant width.

    Raises:
        NoFieldError: the layout has no such field.
        TypeError: the layout has another shape, or a field is neither given nor follows.
    """

    def __init__(self, layout: Layout, *keys: str) -> None:
        self._layout = layout
        self._keys = keys
        layout.demand_fields(keys)
        fixed, self._texts = _in_columns(layout)
        codes: list[str] = []
        for field in fixed:
            assert isinstance(field.type, Fixed)
            codes.append(field.type.code)
        self._struct = struct.Struct(layout.order + "".join(codes))
        self.size = self._struct.size
        self._lengths = []
        for field in self._texts:
            assert isinstance(field.type, Measured)
            self._lengths.append(field.type.length_key)
        self._order = [field.key for field in fixed]
        self._template: list[Any] = []
        self._stores: dict[str, Callable[[Any], Any]] = {}
        for field in fixed:
            constant: Any = None
            if field.key in keys:
                self._stores[field.key] = _storing(field)
            elif field.key not in self._lengths:
                follows = field.type.completed(field.key, {}, field.default)
                if field.key not in follows:
                    raise TypeError(f"{layout.title}.{field.key} must be given")
                constant = _storing(field)(follows[field.key])
            self._template.append(constant)
        missing = [field.key for field in self._texts if field.key not in keys]
        if missing:
            raise TypeError(f"{layout.title}.{missing[0]} must be given")
        self._positions = [self._order.index(key) for key in keys if key in self._order]

    def pack_into(self, buffer: Any, offset: int, *values: Any) -> None:
        """One structure of constant width from values as `struct` takes them, unchecked.

        For the header of a block, whose values are known to be right.
        """
        row = self._template[:]
        for position, value in zip(self._positions, values):
            row[position] = value
        self._struct.pack_into(buffer, offset, *row)

    def rows(self, rows: Iterable[Sequence[Any]], first: int = 0) -> bytes:
        """Structures one behind the other, each from its values.

        Args:
            first: number of the first of these rows, for messages.

        Raises:
            ConformanceError: a value can't be stored, or the draft forbids it.
        """
        return b"".join(self._columns(rows, first))

    def each(self, rows: Iterable[Sequence[Any]]) -> Iterator[bytes]:
        """The same structures, one by one; nothing is packed before all are found right.

        Raises:
            ConformanceError: as `rows`.
        """
        parts = 1 + len(self._texts)
        stored = self._columns(rows)
        return map(b"".join, zip(*([iter(stored)] * parts)))

    def _columns(self, rows: Iterable[Sequence[Any]], first: int = 0) -> Iterable[bytes]:
        """Of each row the part of constant width and its texts, one behind the other."""
        rows = list(rows)
        if not rows:
            return ()
        if set(map(len, rows)) != {len(self._keys)}:
            raise ConformanceError(
                f"{self._layout.title}: every row must have {len(self._keys)} values: "
                f"{', '.join(self._keys)}"
            )
        given = dict(zip(self._keys, zip(*rows)))
        columns: dict[str, Iterable[Any]] = {}
        for key, store in self._stores.items():
            columns[key] = map(store, given[key])
        stored: list[Iterable[bytes]] = []
        for field, length in zip(self._texts, self._lengths):
            encode = _encoding(field)
            pairs = [encode(value) for value in given[field.key]]
            measured = [pair[0] for pair in pairs]
            if length in given and list(given[length]) != measured:
                raise ConformanceError(
                    f"{length}: not the length of every {field.key} ({field.section})"
                )
            columns[length] = measured
            stored.append([pair[1] for pair in pairs])
        arguments = [
            columns[key] if key in columns else repeat(constant)
            for key, constant in zip(self._order, self._template)
        ]
        cut = [list(islice(column, len(rows))) for column in arguments]
        try:
            packed = list(map(self._struct.pack, *cut))
        except struct.error:
            raise self._misfit(cut, first) from None
        return chain.from_iterable(zip(packed, *stored))

    def _misfit(self, columns: Sequence[Sequence[Any]], first: int) -> ConformanceError:
        """Says which value it is that does not fit its field."""
        for key, column in zip(self._order, columns):
            field = self._layout.field(key)
            assert isinstance(field.type, Fixed)
            one = struct.Struct(self._layout.order + field.type.code)
            for index, value in enumerate(column, first):
                try:
                    one.pack(value)
                except struct.error as error:
                    if key in self._lengths:
                        key = self._texts[self._lengths.index(key)].key + f", {key}"
                    return ConformanceError(
                        f"{key} of row {index}: {abbreviated(value)} does not fit: {error} "
                        f"({field.section})"
                    )
        return ConformanceError(f"{self._layout.title}: a value does not fit its field")


def _in_columns(layout: Layout) -> tuple[list[Field], list[Field]]:
    """The fields of constant width, and those behind them that are measured by one of these.

    Raises:
        TypeError: there are others, or they are mixed.
    """
    fixed = [field for field in layout.fields if isinstance(field.type, Fixed)]
    texts = [field for field in layout.fields if isinstance(field.type, Measured)]
    if any(field.type.chosen_by for field in texts) or list(layout.fields) != fixed + texts:
        raise TypeError(f"{layout.title}: its rows can't be packed in columns")
    return fixed, texts


def _storing(field: Field) -> Callable[[Any], Any]:
    """From a caller's value to what `struct` packs, checked."""
    kind = field.type
    assert isinstance(kind, Fixed)
    if isinstance(kind, Uint) and kind.valid is None:
        return _as_it_is

    def check(value: Any) -> Any:
        try:
            stored = kind.store(value)
            problems = list(kind.problems(kind.load(stored), {}))
        except (ValueError, TypeError) as error:
            raise ConformanceError(f"{field.key}: {error} ({field.section})") from None
        if problems:
            raise ConformanceError(f"{field.key}: {problems[0]} ({field.section})")
        return stored

    return _Remembered(check)


def _encoding(field: Field) -> Callable[[Any], tuple[int, bytes]]:
    """From a caller's value to its length and its stored bytes, checked."""
    kind = field.type
    assert isinstance(kind, Measured)

    def check(value: Any) -> tuple[int, bytes]:
        try:
            normal = kind.normal(value, {})
            length = kind.measure(normal)
            problems = list(kind.problems(normal, {kind.length_key: length}))
            raw = bytes(kind.encode(normal, {kind.length_key: length}))
        except (ValueError, TypeError, AttributeError) as error:
            raise ConformanceError(f"{field.key}: {error} ({field.section})") from None
        if problems:
            raise ConformanceError(f"{field.key}: {problems[0]} ({field.section})")
        return length, raw

    return _Remembered(check)


def _as_it_is(value: Any) -> Any:
    return value


class _Remembered:
    """A function whose results are kept while they are few: codes, flag sets, paths."""

    _MOST = 4096

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self._function = function
        self._known: dict[Any, Any] = {}

    def __call__(self, value: Any) -> Any:
        try:
            return self._known[value]
        except KeyError:
            found = self._function(value)
            if len(self._known) < self._MOST:
                self._known[value] = found
            return found
        except TypeError:  # a list of flags can't be a key
            return self._function(value)
