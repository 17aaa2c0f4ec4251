"""Constructs with one fault each, to declare fields with."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from msl_construct.page_map import PageMap
from msl_construct.schema import Layout
from msl_construct.schema.pages import PageStateMap
from msl_construct.schema.variable import RegisterValue
from msl_construct.schema.vocabulary import Fixed, Uuid, Vocabulary
from msl_construct.source import Cursor


class _Around(Vocabulary):
    """Another Construct with a fault around it."""

    def __init__(self, inner: Any) -> None:
        super().__init__()
        self.inner = inner

    def _bind(self, binding: Any) -> None:
        super()._bind(binding)
        self.inner = self.inner.bound(binding)

    @property
    def minimum(self) -> int:
        return int(self.inner.minimum)

    def decode(self, cursor: Cursor, record: Mapping[str, Any]) -> Any:
        return self.inner.decode(cursor, record)

    def to_document(self, value: Any, options: Any) -> Any:
        return self.inner.to_document(value, options)


class Turned(Fixed):
    """An integer in the byte order that the file does not have."""

    def __init__(self, inner: Any) -> None:
        super().__init__()
        self.inner = inner

    def _bind(self, binding: Any) -> None:
        super()._bind(binding)
        self.inner = self.inner.bound(binding)
        self.width = self.inner.width
        self.code = f"{self.width}s"

    def number(self, raw: bytes) -> int:
        """The integer that stands there."""
        return int.from_bytes(raw, "big" if self.order == "<" else "little")

    def load(self, raw: Any) -> Any:
        return self.inner.load(self.number(raw))

    def to_document(self, value: Any, options: Any) -> Any:
        return self.inner.to_document(value, options)


class TurnedLayout(Layout):
    """A structure that has a `Turned` field: loops over headers see it turned as well."""

    def unpacker(self, *keys: str) -> Any:
        return _Unpacker(super().unpacker(*keys), [f for f in self.fields if f.key in keys])


class _Unpacker:
    def __init__(self, packed: Any, fields: list[Any]) -> None:
        self._packed = packed
        self._fields = fields

    def unpack_from(self, buffer: Any, offset: int = 0) -> tuple[Any, ...]:
        """As `struct.Struct.unpack_from`."""
        found = self._packed.unpack_from(buffer, offset)
        return tuple(
            f.type.number(raw) if isinstance(f.type, Turned) else raw
            for f, raw in zip(self._fields, found)
        )


class TurnedRegister(RegisterValue):
    """A register's content in the byte order that the file does not have."""

    def _bind(self, binding: Any) -> None:
        super()._bind(binding)
        self.order = ">" if self.order == "<" else "<"


class FileOrderUuid(Uuid):
    """A UUID whose first three parts are integers in little-endian order."""

    def load(self, raw: Any) -> uuid.UUID:
        return uuid.UUID(bytes_le=bytes(raw))


class Repadded(_Around):
    """A value of variable length that is padded to another multiple than it is."""

    def __init__(self, inner: Any, multiple: int) -> None:
        super().__init__(inner)
        self.multiple = multiple

    def decode(self, cursor: Cursor, record: Mapping[str, Any]) -> Any:
        if isinstance(self.inner, PageStateMap):
            exact = (self.inner.pages(record) + 3) // 4
        else:
            exact = record[self.inner.length_key]
        return self.inner.decode(
            _Taking(cursor, -(-exact // self.multiple) * self.multiple), record
        )


class _Taking:
    """A cursor that takes a given number of bytes, and hands out what was asked for."""

    def __init__(self, cursor: Cursor, exact: int) -> None:
        self._cursor = cursor
        self._exact = exact

    def take(self, length: int) -> bytes:
        """So many bytes, made up of zeros where the padding would have been."""
        return bytes(self._cursor.take(self._exact))[:length].ljust(length, b"\0")


def _turned(value: int) -> int:
    return (value & 3) << 6 | (value >> 2 & 3) << 4 | (value >> 4 & 3) << 2 | value >> 6


_OTHER_END = bytes(_turned(value) for value in range(256))


class FromTheOtherEnd(_Around):
    """Page states packed least significant first."""

    def decode(self, cursor: Cursor, record: Mapping[str, Any]) -> PageMap:
        found = self.inner.decode(cursor, record)
        return PageMap(bytes(found.stored).translate(_OTHER_END), found.pages)
