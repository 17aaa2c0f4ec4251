"""What the terminal can show, if stdout is one."""

from __future__ import annotations

import os
import sys

from .text import DRAWN

__all__ = ["columns", "draws", "wants_color"]


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
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or None
    except (OSError, ValueError):
        return None


def wants_color(no_color: bool) -> bool:
    """Whether stdout is a terminal that may be coloured."""
    return not no_color and not os.environ.get("NO_COLOR") and sys.stdout.isatty()
