"""What a declaration is refused for at once: something of another class than it takes.

Whoever writes a draft of one's own is told at the line that says it, not where it is first used.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..abbreviated import abbreviated

__all__ = ["WIDTHS", "demand", "demand_each", "demand_name", "demand_width"]

WIDTHS = (1, 2, 4, 8)
"""The bytes that a number may have."""


def demand(owner: str, part: str, value: object, kinds: tuple[type, ...], expected: str) -> None:
    """Refuse a part of a declaration that is of none of some classes.

    Raises:
        ValueError: what was expected, and what was found.
    """
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        raise ValueError(f"{owner}: {part}: expected {expected}, found {_found(value)}")


def demand_name(owner: str, part: str, value: object, expected: str = "a name") -> None:
    """Refuse what is no text, or an empty one.

    Raises:
        ValueError: see `demand`.
    """
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise ValueError(f"{owner}: {part}: expected {expected}, found {_found(value)}")


def demand_width(owner: str, value: object) -> None:
    """Refuse a number of bytes that no integer has.

    Raises:
        ValueError: see `demand`.
    """
    if value not in WIDTHS:
        raise ValueError(f"{owner}: expected a width of 1, 2, 4 or 8 bytes, found {_found(value)}")


def demand_each(
    owner: str, part: str, values: Any, kinds: tuple[type, ...], expected: str
) -> tuple[Any, ...]:
    """What is in a list of a declaration, once each of it is of one of some classes.

    Raises:
        ValueError: it is no list, or holds something else.
    """
    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
        comma = "; a list of one ends with a comma: (…,)" if isinstance(values, kinds) else ""
        raise ValueError(
            f"{owner}: {part}: expected a list of {expected}, found {_found(values)}{comma}"
        )
    each = tuple(values)
    for index, value in enumerate(each):
        demand(owner, f"{part}[{index}]", value, kinds, expected)
    return each


def _found(value: object) -> str:
    if isinstance(value, type):
        return f"the class {value.__name__} itself; make one: {value.__name__}(…)"
    if value is None or isinstance(value, (bool, int, str, bytes)):
        return abbreviated(value)
    return f"one of class {type(value).__name__}"
