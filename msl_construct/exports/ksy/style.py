"""How the YAML looks: the conventions of Kaitai's format gallery, written by hand.

A general YAML writer can't be told to keep hexadecimal keys, to indent sequences under their
key and to fold documentation at a column, all of which the gallery does.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

__all__ = ["COLUMNS", "Hex", "Node", "Prose", "Quoted", "emitted"]

Node = dict[Any, Any]
"""A mapping of the document, in the order in which it is written."""

COLUMNS = 80
"""Documentation is folded here."""

_STEP = "  "
_PLAIN = re.compile(r"(?:[A-Za-z0-9_(.§]|-(?! ))[^\n]*")
_NOT_PLAIN = re.compile(r": | #|:$|\s$|::")
_OTHERWISE_TYPED = re.compile(
    r"[-+.0-9][-+.0-9a-fA-FxXoO_:eE]*|true|false|yes|no|on|off|y|n|null|~", re.IGNORECASE
)


class Hex(int):
    """An integer that is written in hexadecimal.

    Args:
        digits: at least so many, with zeros in front.
    """

    digits: int

    def __new__(cls, value: int, digits: int = 1) -> Hex:
        self = super().__new__(cls, value)
        self.digits = digits
        return self

    def __str__(self) -> str:
        return f"0x{int(self):0{self.digits}x}"


class Prose(str):
    """Sentences, folded where they don't fit one line; line breaks are kept."""

    __slots__ = ()


class Quoted(str):
    """Text that would be read as something else without quotes."""

    __slots__ = ()


def emitted(document: Node) -> str:
    """The document as YAML: 2 spaces, sequences under their key, one newline at the end."""
    return "\n".join(_mapping(document, "")) + "\n"


def _mapping(node: Mapping[Any, Any], indent: str) -> Iterator[str]:
    for key, value in node.items():
        name = f"{indent}{_scalar(key)}:"
        if isinstance(value, Prose):
            yield from _prose(name, value, indent + _STEP)
        elif isinstance(value, Mapping):
            yield name
            yield from _mapping(value, indent + _STEP)
        elif isinstance(value, Sequence) and not isinstance(value, str):
            yield name
            yield from _sequence(value, indent + _STEP)
        else:
            yield f"{name} {_scalar(value)}"


def _sequence(items: Sequence[Any], indent: str) -> Iterator[str]:
    for item in items:
        if isinstance(item, Mapping):
            lines = _mapping(item, indent + _STEP)
            yield f"{indent}- {next(lines).lstrip()}"
            yield from lines
        else:
            yield f"{indent}- {_scalar(item)}"


def _prose(name: str, text: Prose, indent: str) -> Iterator[str]:
    if "\n" not in text and _is_plain(text) and len(f"{name} {text}") <= COLUMNS:
        yield f"{name} {text}"
        return
    yield f"{name} |"
    for paragraph in text.split("\n"):
        if not paragraph:
            yield ""
        yield from textwrap.wrap(
            paragraph,
            COLUMNS,
            initial_indent=indent,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        )


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    text = str(value)
    if not isinstance(value, Quoted) and _is_plain(text):
        return text
    return "'" + text.replace("'", "''") + "'"


def _is_plain(text: str) -> bool:
    return (
        _PLAIN.fullmatch(text) is not None
        and _NOT_PLAIN.search(text) is None
        and _OTHERWISE_TYPED.fullmatch(text) is None
    )
