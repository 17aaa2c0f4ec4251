"""What a word without quotes means in YAML: what all its versions agree on, or nothing.

YAML 1.1 takes ``no`` for a truth value, ``010`` for eight, ``1:30`` for ninety and
``2026-11-30`` for a date; YAML 1.2 takes ``010`` for ten and the others for text. A document says
one thing.
"""

from __future__ import annotations

import re

from ..abbreviated import abbreviated

__all__ = ["LONGEST_NUMBER", "plain_value"]

LONGEST_NUMBER = 80
"""Characters of a number; no field holds one that needs as many."""

_VALUES: dict[str, bool | None] = {
    "": None,
    **dict.fromkeys(("null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_WORDS = frozenset(
    form
    for word in ("yes", "no", "on", "off", "y", "n")
    for form in (word, word.capitalize(), word.upper())
) | {"~", "=", "<<"}
_FIRST = frozenset("0123456789+-.")
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_HEX = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:0|[1-9][0-9]*)\.[0-9]+")
_NUMBER_TO_SOME = re.compile(
    r"""
      [-+]?[0-9][0-9_]*                                   # 010, 1_000
    | [-+]?0[box][0-9a-fA-F_]+                            # 0b1, 0o7, -0x1
    | [-+]?[0-9][0-9_]*(?::[0-9]{1,2})+(?:\.[0-9_]*)?     # 1:30:45
    | [-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?
    | [-+]?[0-9][0-9_]*[eE][-+]?[0-9]+                    # 1e3
    | [-+]?\.(?:inf|Inf|INF) | \.(?:nan|NaN|NAN)
    | [0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt\s].*)?         # a date
    """,
    re.VERBOSE | re.DOTALL,
)


def plain_value(text: str) -> str | int | float | bool | None:
    """The one meaning of a word without quotes.

    Raises:
        ValueError: it has more than one, or is a number that no field holds.
    """
    if text in _VALUES:
        return _VALUES[text]
    if text in _WORDS:
        raise ValueError(f"{text} does not mean the same to all readers of YAML: {_remedy(text)}")
    if text[0] not in _FIRST:
        return text
    if _INTEGER.fullmatch(text) or _HEX.fullmatch(text):
        if len(text) > LONGEST_NUMBER:
            raise ValueError(f"expected a number that a field can hold, found {abbreviated(text)}")
        return int(text, 16 if text[1:2] == "x" else 10)
    if len(text) <= LONGEST_NUMBER and _FLOAT.fullmatch(text):
        return float(text)
    if _NUMBER_TO_SOME.fullmatch(text):
        raise ValueError(
            f"{abbreviated(text)} is not the same number to all readers of YAML: quote it, if it "
            "is text"
        )
    return text


def _remedy(text: str) -> str:
    if text == "~":
        return "write null, or quote it"
    if text == "<<":
        return "write out what it stands for, or quote it"
    return "quote it" if text == "=" else "quote it, or write true or false"
