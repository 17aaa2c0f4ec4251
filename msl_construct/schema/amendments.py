"""What a draft declares to become of something of its base: the frame of every such word.

Each word refuses what would be silently wrong: a field that would move what stands behind it, a
code that was another one's, a meaning that changes without a reason. The refusal knows the line
that the word stands in.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from .blocks import BlockType
from .choice import Choice
from .codes import Enumeration, FlagDefinition
from .fields import Field
from .layout import Layout
from .table import Table
from .vocabulary import Fixed

__all__ = [
    "BLOCK_TYPES",
    "Amendment",
    "AmendmentError",
    "AmendmentRefusal",
    "Declared",
    "amended",
    "demand_reason",
    "edit",
    "field_of",
    "width_of",
    "word",
]

BLOCK_TYPES = "BlockType"
"""What the registry of block types is called, whose codes are the blocks' own."""


@dataclass
class Declared:
    """What an amendment may change: the parts of a draft, by their names.

    Attributes:
        name: the new draft's.
        layouts: of the headers and of the payloads, by key.
        blocks: by key.
        registries, flags: by the specification's name; page states are a registry.
        big_endian: whether files of the draft may be.
        hashes: keys of structure and field of everything that the chain names.
    """

    name: str
    layouts: dict[str, Layout]
    blocks: dict[str, BlockType]
    registries: dict[str, Enumeration]
    flags: dict[str, FlagDefinition]
    big_endian: bool
    hashes: frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Amendment:
    """One change that is declared as such.

    Attributes:
        word: which word says it.
        where: a structure's key, with the names of tables behind it, or a registry's name.
        what: name of the field, code, flag or block type.
        reason: why.
        place: file and line that declare it.
        draft: name of the draft that makes it; filled in when that is put together.
    """

    word: str
    where: str
    what: str
    reason: str = ""
    place: tuple[str, int] = ("", 0)
    draft: str = ""
    apply: Callable[[Declared], None] = field(repr=False, compare=False, default=lambda _: None)


class AmendmentError(ValueError):
    """A word that can't be done, or should not.

    Attributes:
        place: file and line of the word.
    """

    def __init__(self, text: str, place: tuple[str, int]) -> None:
        super().__init__(text)
        self.place = place


class AmendmentRefusal(Exception):
    """Why a word is refused; which it is and where it stands is added by `amended`."""


def amended(parts: Declared, amendments: tuple[Amendment, ...]) -> tuple[Amendment, ...]:
    """Apply the words in their order; gives them with the name of the draft.

    Raises:
        AmendmentError: one of them is refused.
    """
    for one in amendments:
        if not isinstance(one, Amendment):
            raise ValueError(
                f"{parts.name}: expected a word such as rename(…), found {type(one).__name__}"
            )
        try:
            one.apply(parts)
        except (AmendmentRefusal, ValueError) as error:
            called = f"{one.word} {one.where}{f' {one.what}' if one.what else ''}"
            raise AmendmentError(f"{parts.name}: {called}: {error}", one.place) from None
    return tuple(replace(one, draft=parts.name) for one in amendments)


def word(
    name: str, where: str, what: str, apply: Callable[[Declared], None], reason: str = ""
) -> Amendment:
    """A word with the place of the line that uses it; called by a function that is one itself."""
    frame = sys._getframe(2)  # the line that uses the word
    place = (frame.f_code.co_filename, frame.f_lineno)
    return Amendment(name, where, what, reason, place, apply=apply)


def demand_reason(reason: str, why: str) -> None:
    """Refuse a word without a reason.

    Raises:
        AmendmentRefusal: there is none.
    """
    if not reason.strip():
        raise AmendmentRefusal(f"expected a reason: {why}")


def edit(parts: Declared, where: str, change: Callable[[Layout], Layout]) -> None:
    """Change the structure at a path: a key, and what inside of it is meant.

    A table's name stands for its entry, ``Body<arp>`` for what a body is where its chooser has that
    code, which may be a number, too.

    Raises:
        AmendmentRefusal: there is no such structure.
    """
    key, *tables = where.split(".")
    if key not in parts.layouts:
        raise AmendmentRefusal(f"no structure is called {key}")
    parts.layouts[key] = _inside(parts, parts.layouts[key], tables, change)


def _inside(
    parts: Declared, layout: Layout, steps: list[str], change: Callable[[Layout], Layout]
) -> Layout:
    if not steps:
        return change(layout)
    name, chosen, code = steps[0].removesuffix("[]").removesuffix(">").partition("<")
    found = field_of(layout, name)
    kind = found.type
    if isinstance(kind, Choice) and chosen:
        tag = _tag(parts, layout, kind, code)
        inner = _inside(parts, kind.cases[tag], steps[1:], change)
        kind = Choice(kind.length, kind.tag, {**kind.cases, tag: inner})
    elif isinstance(kind, Table) and not chosen:
        entry = _inside(parts, kind.entry, steps[1:], change)
        kind = Table(kind.count, entry, kind.entry_size)
    elif isinstance(kind, Choice):
        raise AmendmentRefusal(f"{found.name} is laid out by {kind.tag}: say {name}<…> with a code")
    else:
        raise AmendmentRefusal(f"{found.name} is no table")
    return layout.changing(found.name, type=kind)


def _tag(parts: Declared, layout: Layout, kind: Choice, code: str) -> int:
    """The code that chooses a body, from its name, its label or the number.

    Raises:
        AmendmentRefusal: no body is laid out for it.
    """
    code = code.removeprefix(f"{kind.tag} ")
    registry = parts.registries.get(str(layout.field(kind.tag_key).type.registry_name))
    values = registry.values if registry is not None else ()
    for tag in kind.cases:
        names = {str(tag), *(n for v in values if v.code == tag for n in (v.name, v.label))}
        if code in names or _number(code) == tag:
            return tag
    raise AmendmentRefusal(f"no body is laid out for a {kind.tag} of {code or 'nothing'}")


def _number(text: str) -> int | None:
    try:
        return int(text, 0)
    except ValueError:
        return None


def field_of(layout: Layout, name: str) -> Field:
    """A field by its name or key.

    Raises:
        AmendmentRefusal: there is none.
    """
    for one in layout.fields:
        if name in (one.name, one.key):
            return one
    names = ", ".join(one.name for one in layout.fields)
    raise AmendmentRefusal(f"{layout.title} has no field {name}; it has {names}")


def width_of(parts: Declared, one: Field) -> int:
    """Bytes of a field; those of its registry, if it has one.

    Raises:
        AmendmentRefusal: its width is not constant, or there is no such registry.
    """
    name = one.type.registry_name
    if not isinstance(one.type, Fixed):
        raise AmendmentRefusal(f"{one.name} has no constant width")
    if name is None:
        return one.type.width
    found = parts.registries.get(name) or parts.flags.get(name)
    if found is None:
        raise AmendmentRefusal(f"there is no registry {name} for {one.name}")
    return found.width
