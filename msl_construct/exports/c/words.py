"""Names and comments of the header: everything that both C and C++ must be able to read."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable

from ...errors import MslError
from ...schema import Draft
from ..versions import version_of

__all__ = [
    "LINE",
    "PREFIX",
    "Identifiers",
    "comment",
    "filled",
    "macro",
    "remarked",
    "since",
    "text_literal",
    "type_name",
]

PREFIX = "msl"
LINE = 100
"""Columns."""

_KEYWORDS = frozenset(
    re.findall(
        r"\w+",
        """
    alignas alignof and and_eq asm auto bitand bitor bool break case catch char class compl const
    constexpr const_cast continue decltype default delete do double dynamic_cast else enum
    explicit export extern false float for friend goto if inline int long mutable namespace new
    noexcept not not_eq nullptr operator or or_eq private protected public register
    reinterpret_cast restrict return short signed sizeof static static_assert static_cast struct
    switch template this thread_local throw true try typedef typeid typename union unsigned using
    virtual void volatile wchar_t while xor xor_eq
        """,
    )
)
"""Words that are no names in C11 or in C++17."""


def type_name(key: str) -> str:
    """The name of a type or function that belongs to `key`."""
    return f"{PREFIX}_{key}"


def macro(*keys: str) -> str:
    """The name of a macro or an enumerator."""
    return "_".join((PREFIX, *keys)).upper()


class Identifiers:
    """The names that the header has declared so far, so that none is declared twice."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def declare(self, name: str) -> str:
        """Take a name of file scope.

        Raises:
            MslError: it is no identifier, or something else is called so.
        """
        self.member(name)
        if name in self._taken:
            raise MslError(
                f"C header: {name} would be declared twice; expected every name of the schema to "
                "stay different with words joined by underscores: rename one of the two"
            )
        self._taken.add(name)
        return name

    @staticmethod
    def member(name: str) -> str:
        """A name inside a structure.

        Raises:
            MslError: C or C++ reserves the word, or it is no identifier.
        """
        if name in _KEYWORDS or not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name):
            raise MslError(
                f"C header: {name!r} is no name in C and C++; expected letters, digits and "
                "underscores, and no keyword: give the field another key with `called`"
            )
        return name


def comment(*sentences: str, indent: int = 0) -> list[str]:
    """Sentences as one comment, a line or more."""
    margin = " " * indent
    text = " ".join(sentence for sentence in sentences if sentence)
    text = text.replace("*/", "* /").replace("/*", "/ *")
    lines = textwrap.wrap(text, LINE - 6 - indent, break_long_words=False, break_on_hyphens=False)
    if len(lines) == 1:
        return [f"{margin}/* {lines[0]} */"]
    lines[0], lines[-1] = f"/* {lines[0]}", f"{lines[-1]} */"
    return [margin + (f" * {line}" if index else line) for index, line in enumerate(lines)]


def remarked(line: str, *sentences: str, indent: int = 0) -> list[str]:
    """A line with a comment: behind it where there is room, in front of it otherwise."""
    if not any(sentences):
        return [line]
    remark = comment(*sentences, indent=indent)
    if len(remark) == 1 and len(line) + 1 + len(remark[0].lstrip()) <= LINE:
        return [f"{line} {remark[0].lstrip()}"]
    return [*remark, line]


def filled(opening: str, items: Iterable[str], closing: str) -> list[str]:
    """What stands between two brackets, as many items on a line as it has room for."""
    *head, last = items
    lines = [opening]
    for item in (*head, f"{last}{closing}"):
        if len(lines[-1]) + 1 + len(item) <= LINE:
            lines[-1] += f" {item}"
        else:
            lines.append(f"    {item}")
    return lines


def since(draft: Draft, name: str) -> str:
    """A remark on what the first draft did not have yet."""
    *_, first = draft.lineage
    return f"Since {name}." if version_of(draft, name) > first.version else ""


def text_literal(data: Iterable[int]) -> str:
    """Bytes as a string literal."""
    return '"' + "".join(
        chr(byte) if chr(byte).isalnum() else f"\\{byte:03o}" for byte in data
    ) + '"'  # fmt: skip
