"""The drafts and dialects by name, each loaded when it is first asked for."""

from __future__ import annotations

import copyreg
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Literal, TypeVar, overload

from ..abbreviated import abbreviated

if TYPE_CHECKING:
    from ..records import draft_2026_03, draft_2026_10
    from ..schema import ByteOrder, Draft, Layout, Schema
    from .dialects.model import Dialect

__all__ = [
    "DEFAULT_DRAFT",
    "DIALECTS",
    "DRAFTS",
    "NEWEST_DRAFT",
    "PUBLIC",
    "dialect_schema",
    "find",
    "in_place",
    "known",
    "layout_of",
    "recognised",
    "register",
    "schema",
]

PUBLIC = ("draft-2026-03", "draft-2026-10")
"""The drafts that were published, oldest first: each the folder of its name, beside this file."""

NEWEST_DRAFT = PUBLIC[-1]
"""What an unknown minor version is read with."""

DEFAULT_DRAFT = "draft-2026-03"
"""What is written unless another is asked for: the public specification."""

_T = TypeVar("_T")


class _Loaded(Mapping[str, _T]):
    """Values by name, each loaded with its first use."""

    def __init__(self, names: tuple[str, ...], load: Callable[[str], _T]) -> None:
        self.values_by_name: dict[str, _T | None] = dict.fromkeys(names)
        self._load = load

    def __getitem__(self, name: str) -> _T:
        found = self.values_by_name[name]
        if found is None:
            found = self.values_by_name[name] = self._load(name)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self.values_by_name))

    def __len__(self) -> int:
        return len(self.values_by_name)

    def __contains__(self, name: object) -> bool:
        return name in self.values_by_name


def _public(name: str) -> Draft:
    draft: Draft = import_module(f".{name.replace('-', '_')}.draft", __package__).DRAFT
    if draft.name != name:
        raise ValueError(f"the folder of {name!r} declares {draft.name!r}")
    copyreg.pickle(type(draft), _pickled)
    return draft


def _pickled(draft: Draft) -> tuple[Callable[..., Draft], tuple[object, ...], object]:
    """A public draft is pickled by its name, any other one as it is."""
    if draft.name in PUBLIC and DRAFTS[draft.name] is draft:
        return find, (draft.name,), None
    return copyreg.__newobj__, (type(draft),), draft.__getstate__()  # type: ignore[attr-defined]


def _dialect(name: str) -> Dialect:
    file = name.replace("-", "_").replace(".", "_")
    dialect: Dialect = import_module(f".dialects.{file}", __package__).DIALECT
    if dialect.name != name:
        raise ValueError(f"the file of {name!r} declares {dialect.name!r}")
    return dialect


DRAFTS: _Loaded[Draft] = _Loaded(PUBLIC, _public)
"""The drafts that are known by name: the public ones, oldest first, and those registered."""

DIALECTS: _Loaded[Dialect] = _Loaded(
    ("layouts-2026-10", "memslicer-0.2", "memslicer-0.5", "memdiver-1.0", "radare2", "early"),
    _dialect,
)
"""The dialects that are known by name, in the order in which they are preferred: each the file
of its name in `dialects`."""


def known() -> tuple[str, ...]:
    """Names of the drafts in `DRAFTS`."""
    return tuple(DRAFTS)


def find(draft: str | Draft) -> Draft:
    """A draft by its name; a draft itself is what it is.

    Raises:
        ValueError: no draft of this name is known.
    """
    if not isinstance(draft, str):
        return draft
    if draft not in DRAFTS:
        raise ValueError(f"unknown draft {abbreviated(draft)}; known: {', '.join(DRAFTS)}")
    return DRAFTS[draft]


def recognised(version: int) -> Draft | None:
    """The draft that a file of a format version is read with; None: of no known major version.

    An unknown minor version is read with the newest public draft (§3.2). A registered draft is
    recognised by a version that no public one has.
    """
    drafts = list(DRAFTS.values())
    for draft in drafts:
        if draft.version == version:
            return draft
    major = version >> 8
    return DRAFTS[NEWEST_DRAFT] if any(d.version >> 8 == major for d in drafts) else None


def register(draft: Draft) -> None:
    """Make a draft known by its name, so that files can be read and written with it by name.

    Raises:
        ValueError: the name is that of another draft.
    """
    if draft.name in DRAFTS and DRAFTS[draft.name] is not draft:
        raise ValueError(f"there is a draft {draft.name!r} already")
    DRAFTS.values_by_name[draft.name] = draft


@contextmanager
def in_place(draft: Draft) -> Iterator[None]:
    """Let a draft go by the name of a known one for a while: to try what a faulty one does."""
    original = DRAFTS[draft.name]
    DRAFTS.values_by_name[draft.name] = draft
    try:
        yield
    finally:
        DRAFTS.values_by_name[draft.name] = original


def _bound(draft: Draft, byte_order: ByteOrder) -> Schema:
    """A draft in one byte order; a test of faulty drafts puts something faster here."""
    return draft.bound(byte_order)


@overload
def schema(
    draft: Literal["draft-2026-03"] = ..., byte_order: str | ByteOrder = ...
) -> draft_2026_03.Structures: ...
@overload
def schema(
    draft: Literal["draft-2026-10"], byte_order: str | ByteOrder = ...
) -> draft_2026_10.Structures: ...
@overload
def schema(draft: str | Draft, byte_order: str | ByteOrder = ...) -> Schema: ...
def schema(draft: str | Draft = DEFAULT_DRAFT, byte_order: str | ByteOrder = "little") -> Schema:
    """A draft in one byte order; the same object every time.

    Args:
        draft: a draft, or a name in `DRAFTS`.
        byte_order: ``little`` or ``big``.

    Raises:
        ValueError: no such draft or byte order.
    """
    from ..schema import ByteOrder

    found = find(draft)
    bound = _bound(found, ByteOrder(byte_order))
    if found.name not in PUBLIC:
        _ = bound.settled  # what is wrong with one's own draft shows here, not in a file
    return bound


def layout_of(form: Schema, key: str) -> Layout | None:
    """The layout of a block type's payload: the draft's own, or else the newest draft's.

    Raises:
        ConformanceError: the draft registers no such type.
    """
    kind = form.find(key)
    if kind.layout is not None:
        return kind.layout
    newer = schema(NEWEST_DRAFT, form.byte_order).blocks.get(kind.code)
    return None if newer is None else newer.layout


def dialect_schema(name: str, byte_order: ByteOrder) -> Schema:
    """A dialect in one byte order; the same object every time.

    Raises:
        KeyError: no such dialect.
    """
    return DIALECTS[name].draft.bound(byte_order)
