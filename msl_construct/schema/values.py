"""Decoded values that remember what was stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["PaddedBytes", "Record", "StoredText"]


class StoredText(str):
    """Text whose stored bytes can't be recovered from it; `raw` holds them, padding included."""

    raw: bytes

    def __new__(cls, text: str, raw: bytes) -> StoredText:
        stored = super().__new__(cls, text)
        stored.raw = raw
        return stored

    def __reduce__(self) -> tuple[object, ...]:
        return StoredText, (str(self), self.raw)


class PaddedBytes(bytes):
    """Bytes stored with padding that is not zero; `raw` is both."""

    raw: bytes

    def __new__(cls, value: bytes, raw: bytes) -> PaddedBytes:
        padded = super().__new__(cls, value)
        padded.raw = raw
        return padded

    def __reduce__(self) -> tuple[object, ...]:
        return PaddedBytes, (bytes(self), self.raw)


class Record(dict[str, Any]):
    """The fields of one structure in stored order, also readable as attributes.

    Attributes:
        damage: what did not fit, or None. The fields before it are complete; the bytes
            from the first field that didn't fit are under ``rest``.
        offsets: ``{field: (offset, length)}`` in the source, only when asked for.
        charge: what is charged to a budget for as long as the record is kept.
    """

    __slots__ = ("charge", "damage", "offsets")

    def __init__(self, values: Mapping[str, Any] | None = None) -> None:
        if values is not None:
            super().__init__(values)
        self.damage: Damage | None = None
        self.charge: object = None
        self.offsets: dict[str, tuple[int, int]] | None = None

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"no field {name!r} here; there are {', '.join(self)}") from None


class Damage:
    """Why a structure could not be decoded to its end."""

    __slots__ = ("expected", "field", "found", "offset")

    def __init__(self, field: str, offset: int, expected: str, found: str) -> None:
        self.field = field
        self.offset = offset
        self.expected = expected
        self.found = found

    def __str__(self) -> str:
        return f"{self.field} at {self.offset:#x}: expected {self.expected}, found {self.found}"
