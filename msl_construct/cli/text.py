"""Text for people: sizes, times, aligned columns, colour where there is a terminal."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timezone

import click

from ..characters import escape_for_people, width_of

__all__ = ["DRAWN", "Style", "aligned", "as_json", "binary_size", "many", "moment", "printable"]

DRAWN = "✔✘█▓░·│├└─"
"""What lines and bars are drawn with where the encoding has all of it."""

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")


@dataclass(frozen=True)
class Style:
    """Colour or none, drawing characters or ASCII, and how many columns there are (None: any)."""

    color: bool = False
    unicode: bool = True
    columns: int | None = None

    def paint(self, text: str, *, fg: str | None = None, bold: bool = False) -> str:
        """The text, styled if there is colour."""
        return click.style(text, fg=fg, bold=bold or None) if self.color else text

    @property
    def glyphs(self) -> dict[str, str]:
        """Characters of the page bar, by state."""
        if self.unicode:
            return {
                "captured": "█",
                "failed": "░",
                "unmapped": "·",
                "not_resident": "_",
                "reserved": "?",
                "truncated": "!",
                "mixed": "▓",
            }
        return {
            "captured": "#",
            "failed": "x",
            "unmapped": ".",
            "not_resident": "_",
            "reserved": "?",
            "truncated": "!",
            "mixed": "+",
        }


def binary_size(size: int) -> str:
    """Bytes for people: ``20.0 KiB``."""
    value = float(size)
    for unit in _UNITS:
        if value < 1024 or unit == _UNITS[-1]:
            return f"{size} B" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    raise AssertionError


def moment(nanoseconds: int) -> str:
    """A timestamp for people, in UTC; zero is unknown."""
    if not nanoseconds:
        return "unknown time"
    seconds, rest = divmod(nanoseconds, 10**9)
    try:
        date = datetime.fromtimestamp(seconds, timezone.utc)
    except (ValueError, OverflowError, OSError):
        return f"{nanoseconds} ns"
    return f"{date:%Y-%m-%d %H:%M:%S}.{rest:09d} UTC"


def many(count: int, thing: str) -> str:
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


def printable(text: str | None) -> str:
    """Text from the dump, with nothing in it that would act on a terminal."""
    if text is None:
        return "-"
    return escape_for_people(text)


def as_json(value: object, *, indent: int | None = None) -> str:
    """JSON in ASCII, with nothing in it that would act on a terminal."""
    return json.dumps(value, indent=indent).replace("\x7f", "\\u007f")


def aligned(rows: Iterable[tuple[str, ...]]) -> list[str]:
    """Rows as lines with columns below each other; sizes and numbers to the right."""
    table = list(rows)
    if not table:
        return []
    widths = [max(_width(row[i]) for row in table) for i in range(len(table[0]))]
    lines = []
    for row in table:
        cells = []
        for text, width in zip(row, widths):
            fill = " " * (width - _width(text))
            right = text[:1].isdigit() and text.split(" ")[-1] in (*_UNITS, text)
            right = right and not text.startswith("0x")
            cells.append(fill + text if right else text + fill)
        lines.append("  ".join(cells).rstrip())
    return lines


def _width(text: str) -> int:
    return width_of(click.unstyle(text))
