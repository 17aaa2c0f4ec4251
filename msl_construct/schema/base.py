"""What every Construct of the vocabulary has in common.

Declarations are written once, without a byte order. `Vocabulary.bound` gives the same
declaration in one byte order and with one draft's registries; only bound Constructs parse
and build.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from ..errors import ConformanceError
from .codes import Enumeration, FlagDefinition
from .on_streams import OnStreams
from .values import Record

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = [
    "Between",
    "Binding",
    "DocumentOptions",
    "OneOf",
    "Problem",
    "Refused",
    "Sound",
    "Vocabulary",
    "refusal",
]


T = TypeVar("T")

Sound = Callable[[Any, "Mapping[str, Any]"], bool]
"""Whether a value of a record is surely one that a producer may write."""


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


class Vocabulary(OnStreams):
    """Base of the vocabulary; see the module's text."""

    draft = ""
    """Name of the draft that it is bound to."""
    number = False
    """Whether the values are integers in file order."""
    padded = False
    """Whether zeros up to a multiple of 8 bytes follow a value."""

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

    def problems(self, value: Any, record: Mapping[str, Any]) -> Iterator[Problem]:
        """What the draft forbids about this value; reading never asks."""
        return iter(())

    @property
    def sound(self) -> Sound | None:
        """Says of a value that `problems` surely has nothing to say of it, sooner than that does.

        Where it says no, `problems` has to be asked; None: always. It is asked of a class only if
        none that is derived from the one that has it says otherwise what a problem is.
        """
        return None

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


_ORDERS = {"<": "little", ">": "big"}
