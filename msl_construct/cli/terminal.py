"""What the terminal can show, if stdout is one."""

from __future__ import annotations

import os
import sys
from typing import TextIO

from .text import DRAWN, Style

__all__ = ["columns", "columns_of", "draws", "style_of", "wants_color"]


def draws() -> bool:
    """Whether stdout has the characters that lines and bars are drawn with."""
    try:
        DRAWN.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def columns() -> int | None:
    """How wide the terminal is that stdout is, or what COLUMNS says; None: no limit."""
    stated = os.environ.get("COLUMNS", "")
    if stated.isdecimal() and int(stated):
        return int(stated)
    return columns_of(sys.stdout)


def columns_of(stream: TextIO) -> int | None:
    """How wide the terminal is that a stream is; None: it is none."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or None
    except (OSError, ValueError):
        return None


def wants_color(no_color: bool) -> bool:
    """Whether stdout is a terminal that may be coloured."""
    return not no_color and not os.environ.get("NO_COLOR") and sys.stdout.isatty()


def style_of(color: str, no_color: bool) -> Style:
    """How what people read is shown.

    Args:
        color: what --color says: ``auto``, ``always`` or ``never``.
        no_color: what --no-color says, which goes before it.
    """
    colored = not no_color and (color == "always" or wants_color(color == "never"))
    return Style(colored, draws(), columns())
