"""Decoded values that remember what was stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .codes import FlagDefinition

__all__ = ["Code", "FlagValue", "Name", "PaddedBytes", "Record", "StoredText"]


class Name(str):
    """A name that the schema gives: the only text that may stand unquoted in YAML."""

    __slots__ = ()


class Code(int):
    """A value of a coded field: an integer that knows its registered name.

    `name` is the schema's name, or the value as a hex string of the field's width when
    the draft registers none.
    """

    name: str
    known: bool

    def __new__(cls, value: int, name: str, known: bool = True) -> Code:
        code = super().__new__(cls, value)
        code.__dict__.update(name=name, known=known)
        return code

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("a code is shared by everything that was decoded to it")

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return f"<{self.name}: {int(self):#x}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return Code, (int(self), self.name, self.known)


class FlagValue(int):
    """A flag word: an integer whose set bits can be asked by name (``"read" in protection``)."""

    definition: FlagDefinition

    def __new__(cls, value: int, definition: FlagDefinition) -> FlagValue:
        flags = super().__new__(cls, value)
        flags.__dict__["definition"] = definition
        return flags

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("flags are a value: build another one")

    @property
    def names(self) -> list[str]:
        """Names of the set bits in bit order; an undefined bit is ``bit_9``."""
        return self.definition.names(self)

    def __contains__(self, name: str) -> bool:
        return name in self.names

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __repr__(self) -> str:
        return f"<{'|'.join(self.names) or '-'}: {int(self):#x}>"


class StoredText(str):
    """Text whose stored bytes can't be recovered from it; `raw` holds them, padding included."""

    raw: bytes

    def __new__(cls, text: str, raw: bytes) -> StoredText:
        stored = super().__new__(cls, text)
        stored.raw = raw
        return stored


class PaddedBytes(bytes):
    """Bytes stored with padding that is not zero; `raw` is both."""

    raw: bytes

    def __new__(cls, value: bytes, raw: bytes) -> PaddedBytes:
        padded = super().__new__(cls, value)
        padded.raw = raw
        return padded


class Record(dict[str, Any]):
    """The fields of one structure in stored order, also readable as attributes.

    Attributes:
        damage: what did not fit, or None. The fields before it are complete; the bytes
            from the first field that didn't fit are under ``rest``.
        offsets: ``{field: (offset, length)}`` in the source, only when asked for.
    """

    __slots__ = ("damage", "offsets")

    def __init__(self, values: Mapping[str, Any] | None = None) -> None:
        super().__init__(values or {})
        self.damage: Damage | None = None
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
