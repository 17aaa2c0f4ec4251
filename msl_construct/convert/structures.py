"""Structures of other formats: typed tuples, each of them a Construct as well.

A structure is declared once, as a `NamedTuple` whose annotations say the widths::

    class NoteHeader(NamedTuple):
        name_size: U32
        description_size: U32
        type: U32

    NOTE_HEADER = Structure(NoteHeader)

The byte order is said when it is read or written. Nothing of it decides what a value means.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import lru_cache
from typing import Annotated, Any, Generic, Literal, Protocol, TypeVar, cast, get_type_hints

import construct

from ..errors import DamageError
from ..source import Source

__all__ = ["I32", "U8", "U16", "U32", "U64", "Held", "PackedStructure", "order_of"]

U8 = Annotated[int, "B"]
U16 = Annotated[int, "H"]
U32 = Annotated[int, "I"]
U64 = Annotated[int, "Q"]
I32 = Annotated[int, "i"]

T = TypeVar("T")

_AT_ONCE = 1 << 16


class _Form(Protocol):
    """What `NamedTuple` gives a class besides its fields."""

    __name__: str
    _fields: tuple[str, ...]


class PackedStructure(Generic[T]):
    """A structure of constant width.

    Args:
        form: a `NamedTuple` whose fields are annotated with `U8` to `U64`, `I32`, or
            ``Annotated[bytes, "16s"]``.

    Attributes:
        size: its bytes.
        name: what messages call it.
    """

    def __init__(self, form: type[T]) -> None:
        self._form = form
        told = cast("_Form", form)
        hints = get_type_hints(form, include_extras=True)
        self._codes = {name: str(hints[name].__metadata__[0]) for name in told._fields}
        self._packed = {order: struct.Struct(order + self.format) for order in "<>"}
        self.size = self._packed["<"].size
        self.name = told.__name__

    @property
    def format(self) -> str:
        """The format string for `struct`, without a byte order."""
        return "".join(self._codes.values())

    def read(self, order: str, data: bytes | memoryview, offset: int = 0) -> T:
        """One structure out of a buffer that holds it.

        Args:
            order: ``<`` or ``>``.
        """
        return self._form(*self._packed[order].unpack_from(data, offset))

    def rows(self, order: str, data: bytes | memoryview) -> Iterator[T]:
        """Structures one behind the other, as many as fit wholly."""
        whole = len(data) - len(data) % self.size
        return (self._form(*row) for row in self._packed[order].iter_unpack(data[:whole]))

    def write(self, order: str, *values: int | bytes) -> bytes:
        """The stored bytes; one value for each field."""
        return self._packed[order].pack(*values)

    def construct(self, order: str) -> construct.Struct:
        """The same as a Construct."""
        return _as_construct(order, tuple(self._codes.items()))


@lru_cache(maxsize=256)
def _as_construct(order: str, codes: tuple[tuple[str, str], ...]) -> construct.Struct:
    fields: list[Any] = []
    for name, code in codes:
        kind = (
            construct.Bytes(int(code[:-1]))
            if code.endswith("s")
            else construct.FormatField(order, code)
        )
        fields.append(name / kind)
    return construct.Struct(*fields)


def order_of(order: str) -> Literal["little", "big"]:
    """``little`` or ``big``."""
    return "little" if order == "<" else "big"


class Held:
    """The bytes of a foreign file, none of which is believed to be there before it was looked at.

    Args:
        source: the file.
        order: its byte order, ``<`` or ``>``.
    """

    def __init__(self, source: Source, order: str = "<") -> None:
        size = source.size
        assert size is not None  # what is imported is a file, or has been spooled
        self.source = source
        self.order = order
        self.size = size

    @property
    def byte_order(self) -> Literal["little", "big"]:
        """The same as a word."""
        return order_of(self.order)

    def has(self, offset: int, length: int) -> bool:
        """Whether the file is long enough."""
        return offset >= 0 and length >= 0 and offset + length <= self.size

    def bytes_at(self, offset: int, length: int, what: str) -> bytes:
        """Bytes that must be there.

        Raises:
            DamageError: they are not.
        """
        self.require(offset, length, what)
        return self.source.read(offset, length)

    def require(self, offset: int, length: int, what: str) -> None:
        """Make sure that bytes are there.

        Raises:
            DamageError: they are not.
        """
        if not self.has(offset, length):
            raise DamageError(
                f"{what} at {offset:#x}: expected {length} bytes, the file ends after {self.size}",
                offset=min(offset, self.size),
            )

    def one(self, form: PackedStructure[T], offset: int, what: str = "") -> T:
        """A structure that must be there.

        Raises:
            DamageError: it is not.
        """
        return form.read(self.order, self.bytes_at(offset, form.size, what or form.name))

    def many(
        self, form: PackedStructure[T], offset: int, count: int, what: str = ""
    ) -> Iterator[T]:
        """A table that must be there whole; read piece by piece.

        Raises:
            DamageError: it is not.
        """
        self.require(offset, count * form.size, f"{what or form.name}: {count} rows")
        step = max(1, _AT_ONCE // form.size)
        for first in range(0, count, step):
            rows = min(step, count - first)
            yield from form.rows(
                self.order, self.source.read(offset + first * form.size, rows * form.size)
            )
