"""What every Construct of the vocabulary has in common.

Declarations are written once, without a byte order. `Vocabulary.bound` gives the same
declaration in one byte order and with one draft's registries; only bound Constructs parse
and build.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from construct import Construct, stream_seek, stream_tell, stream_write

from ..errors import ConformanceError
from ..source import Cursor, FileSource, Short
from .codes import Enumeration, FlagDefinition
from .construct_errors import NotBound, NotBuilt, NotParsed, NotSized
from .values import Record

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = [
    "Between",
    "Binding",
    "DocumentOptions",
    "Misfit",
    "OneOf",
    "Problem",
    "Refused",
    "Vocabulary",
    "refusal",
]


T = TypeVar("T")


@dataclass(frozen=True)
class Binding:
    """What a declaration needs before it can parse: a byte order and a draft's registries."""

    order: str
    enumerations: Mapping[str, Enumeration]
    flags: Mapping[str, FlagDefinition]
    page_states: Enumeration
    draft: str = ""


@dataclass(frozen=True)
class DocumentOptions:
    """How values are shown in the canonical document."""

    with_data: bool = False
    offsets: bool = False


@dataclass(frozen=True)
class Problem:
    """A value that the draft forbids a producer to write."""

    kind: str
    """What is wrong, as a stable word: ``reserved-not-zero``, ``unregistered-code`` …"""
    expected: str
    found: str

    def __str__(self) -> str:
        return f"expected {self.expected}, found {self.found}"


class Misfit(Exception):
    """A value does not fit the bytes that remain.

    Attributes:
        path: where, from the structure outwards: ``entries[3].path``.
        offset: where the value begins.
        value: what could be decoded of it, if anything.
        restart: where the bytes begin that belong to no decoded value.
    """

    def __init__(
        self,
        expected: str,
        found: str,
        *,
        path: str = "",
        offset: int = -1,
        value: Any = None,
        restart: int = -1,
    ) -> None:
        super().__init__(expected, found)
        self.expected = expected
        self.found = found
        self.path = path
        self.offset = offset
        self.value = value
        self.restart = restart

    def at(self, key: str, offset: int) -> Misfit:
        """The same, seen from the structure whose field `key` begins at `offset`."""
        self.path = key + self.path
        if self.offset < 0:
            self.offset = offset
        if self.restart < 0:
            self.restart = offset
        return self


class Refused(ValueError):
    """A value can't be completed, for a reason that can be said of it and its field alone."""


def refusal(path: str, reason: str, *, title: str) -> ConformanceError:
    """What refuses the field at a path inside of the structure of a title."""
    return ConformanceError(f"{title}.{path}: {reason}", field=path, reason=reason)


@dataclass(frozen=True)
class Between:
    """Permitted: `low` to `high`, both included."""

    low: int
    high: int

    def permits(self, value: int) -> bool:
        return self.low <= value <= self.high

    def __str__(self) -> str:
        return f"a value of {self.low} to {self.high}"


@dataclass(frozen=True)
class OneOf:
    """Permitted: just these values."""

    values: tuple[int, ...]

    def permits(self, value: int) -> bool:
        return value in self.values

    def __str__(self) -> str:
        return " or ".join(f"{value:#x}" for value in self.values)


class Vocabulary(Construct):
    """Base of the vocabulary; see the module's text."""

    order = ""
    """The `struct` prefix of the byte order; empty before `bound`."""
    draft = ""
    """Name of the draft that it is bound to."""
    number = False
    """Whether the values are integers in file order."""
    padded = False
    """Whether zeros up to a multiple of 8 bytes follow a value."""
    title = ""
    """What the specification calls it, where it has a name of its own."""

    def __setattr__(self, name: str, value: Any) -> None:
        if self.__dict__.get("_sealed"):
            raise AttributeError(f"{type(self).__name__} is part of an immutable schema")
        super().__setattr__(name, value)

    def bound(self, binding: Binding) -> Self:
        """A sealed copy of this declaration in one byte order."""
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        twin.__dict__.pop("_sealed", None)
        twin._bind(binding)
        twin._sealed = True
        return twin

    def _bind(self, binding: Binding) -> None:
        self.order = binding.order
        self.draft = binding.draft

    def _demand_order(self) -> None:
        """Refuse to read or write what was declared, but not bound to a byte order.

        Raises:
            UnboundError: it has none; it is a ConstructError, too.
        """
        if not self.order:
            name = self.title or type(self).__name__
            raise NotBound(
                f"{name} has no byte order: take it from a schema, as in "
                'msl_construct.schema(draft, "little")'
            )

    # -- what the schema knows ---------------------------------------------------------

    @property
    def shown_as_it_is(self) -> bool:
        """Whether `to_document` does nothing, so that the fast path may leave it out."""
        return False

    @property
    def minimum(self) -> int:
        """The smallest number of bytes a value can occupy."""
        raise NotImplementedError

    @property
    def chosen_by(self) -> tuple[str, ...]:
        """Keys of earlier fields whose values choose how this one is laid out."""
        return ()

    def inner(self) -> Mapping[int | None, Vocabulary]:
        """The structures inside of a value: an entry under None, a body by the tag that chooses."""
        return {}

    def held(self, value: Any) -> Iterator[tuple[Vocabulary, Record]]:
        """The structures inside of a value, each with what it decodes to."""
        return iter(())

    @property
    def registry_name(self) -> str | None:
        """The specification's name of the codes or flags that give a value its meaning."""
        return None

    def reads(self) -> Iterator[tuple[str, tuple[type[Vocabulary], ...]]]:
        """Names of the earlier fields that a value depends on, and what each may be."""
        return iter(())

    def example(self) -> Any:
        """A value that a producer may write; None where it follows from others.

        Raises:
            TypeError: none can be told without the other fields.
        """
        raise TypeError(f"no example of a {type(self).__name__}: add it to that class")

    def stamped(self, since: str) -> Vocabulary:
        """This declaration with `since` filled in where its structures leave it empty."""
        return self

    # -- values ------------------------------------------------------------------------

    def decode(self, cursor: Cursor, record: Mapping[str, Any]) -> Any:
        """The value at the cursor; earlier fields of the structure are in `record`.

        Raises:
            Short, Misfit: the payload does not hold it.
        """
        raise NotImplementedError

    def encode(self, value: Any, record: Mapping[str, Any]) -> Any:
        """The stored bytes (or an Extent that names them) of a value.

        Raises:
            ValueError: the value can't be stored in this field.
        """
        raise NotImplementedError

    def problems(self, value: Any, record: Mapping[str, Any]) -> Iterator[Problem]:
        """What the draft forbids about this value; reading never asks."""
        return iter(())

    @property
    def judges(self) -> bool:
        """Whether a value can have a problem at all."""
        own = type(self)
        return (
            own.problems is not Vocabulary.problems
            or own.problems_within is not Vocabulary.problems_within
        )

    def problems_within(self, key: str, record: Mapping[str, Any]) -> Iterator[tuple[str, Problem]]:
        """``(path, problem)`` for the value of the field `key` and for what stands inside of it."""
        for problem in self.problems(record[key], record):
            yield key, problem

    def completed(self, key: str, values: Mapping[str, Any], default: Any) -> Mapping[str, Any]:
        """What follows from `values` for the field `key`: itself, its length, its count.

        Raises:
            ConformanceError: something inside of the value is refused; `field` is its path.
            Refused: the value itself is, for the reason given.
            ValueError, TypeError: the value is of no form that this field takes.
        """
        return {} if key in values or default is None else {key: default}

    def to_document(self, value: Any, options: DocumentOptions) -> Any:
        """The value as the canonical document shows it."""
        raise NotImplementedError

    def from_document(self, value: Any) -> Any:
        """The inverse of `to_document`.

        Raises:
            ValueError: not a form that the document uses for this field.
        """
        raise NotImplementedError

    def load_document(self, value: Any, record: Mapping[str, Any]) -> Any:
        """`from_document` for a field whose form earlier fields of the structure decide."""
        return self.from_document(value)

    # -- as a Construct ----------------------------------------------------------------

    def __repr__(self) -> str:
        bound = f"{self.draft}, {_ORDERS[self.order]}" if self.order else "not bound"
        return f"<{type(self).__name__}{f' {self.title}' if self.title else ''}, {bound}>"

    def __copy__(self) -> Self:
        return self if self.__dict__.get("_sealed") else super().__copy__()

    def __deepcopy__(self, memo: Any) -> Self:
        return copy(self)

    def __setstate__(self, attrs: Mapping[str, Any]) -> None:
        self.__dict__.update(attrs)

    def parse_file(self, filename: str | os.PathLike[str], **contextkw: Any) -> Any:
        """Parse a file; bytes that are named and not read stay readable behind it."""
        return self.parse_stream(_ClosedWhenUnused(filename), **contextkw)

    def _parse(self, stream: Any, context: Any, path: str) -> Any:
        return self._reading(stream, path, lambda cursor: self._take(cursor, context))

    def _reading(self, stream: Any, path: str, take: Callable[[Cursor], T]) -> T:
        """What `take` finds at the stream's position, which is behind it then.

        Raises:
            PayloadError: it does not fit; a ConstructError, too.
        """
        self._demand_order()
        start = stream_tell(stream, path)
        stream_seek(stream, start, 0, path)
        source = _Borrowed(stream)
        cursor = Cursor(source, start, source.size)
        where = path.removeprefix("(parsing)").removeprefix(" -> ").replace(" -> ", ".")
        try:
            value = take(cursor)
        except Short as short:
            at = cursor.position
            found = f"{short.remaining} before the end"
            raise self._unparsed(where, "", at, f"{short.needed} bytes", found) from None
        except Misfit as misfit:
            at = max(misfit.offset, start)
            raise self._unparsed(where, misfit.path, at, misfit.expected, misfit.found) from None
        except KeyError as error:
            name = where or self.title or type(self).__name__
            message = f"{name}: needs {error}, and nothing in front of it is called so"
            raise NotParsed(message, offset=start, field=where) from None
        stream_seek(stream, cursor.position, 0, path)
        return value

    def _take(self, cursor: Cursor, context: Any) -> Any:
        """The value at a cursor that may have more behind it."""
        return self.decode(cursor, context)

    def _unparsed(
        self, where: str, inside: str, offset: int, expected: str, found: str
    ) -> NotParsed:
        dot = "." if where and inside[:1] not in ("", ".", "[") else ""
        field = f"{where}{dot}{inside}"
        place = field if where else f"{self.title or type(self).__name__}: {inside}".rstrip(": ")
        message = f"{place} at {offset:#x}: expected {expected}, found {found}"
        return NotParsed(message, offset=offset, field=field)

    def _build(self, obj: Any, stream: Any, context: Any, path: str) -> Any:
        self._demand_order()
        try:
            raw = bytes(self.encode(obj, context))
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, Misfit) as error:
            raise NotBuilt(f"{path.removeprefix('(building) -> ')}: {error}") from None
        stream_write(stream, raw, len(raw), path)
        return obj

    def _sizeof(self, context: Any, path: str) -> int:
        raise NotSized(f"{self.title or type(self).__name__} has no constant size")

    def _actualsize(self, stream: Any, context: Any, path: str) -> int:
        """The size of what stands in the stream, which is left where it stood."""
        start = stream_tell(stream, path)
        try:
            self._parse(stream, context, path)
            return int(stream_tell(stream, path)) - int(start)
        finally:
            stream_seek(stream, start, 0, path)


_ORDERS = {"<": "little", ">": "big"}


class _ClosedWhenUnused(io.FileIO):
    """A file that is open while something still names bytes of it."""

    def __del__(self) -> None:
        self.close()


class _Borrowed(FileSource):
    """A stream that is somebody else's: whatever is read of it, it stands where it stood."""

    def __init__(self, file: Any) -> None:
        position = file.tell()
        super().__init__(file)
        file.seek(position)

    def read(self, offset: int, length: int) -> bytes:
        position = self._file.tell()
        try:
            return super().read(offset, length)
        finally:
            self._file.seek(position)
