"""Text for people: sizes, times, aligned columns, colour where there is a terminal."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import click

from ..characters import escape_for_people, width_of
from ..words import UNITS, binary_size, many, moment

__all__ = [
    "DRAWN",
    "AlignedRows",
    "Style",
    "aligned",
    "as_json",
    "begun",
    "binary_size",
    "folded",
    "many",
    "moment",
    "printable",
    "shortened",
    "width_of_text",
]

DRAWN = "✔✘█▓░·│├└─"
"""What lines and bars are drawn with where the encoding has all of it."""

_CELLS, _FEW_CELLS = 24, 8
_WIDE = 120  # columns
_ROOMY = 100
_WORDY = 160
_REMEMBERED = 256  # rows
_DEEP = 6
"""Columns in front of a row below a branch."""
_NARROWEST = 16  # columns
_AMOUNT = re.compile(rf"[0-9]+|[0-9.]+ ({'|'.join(UNITS)})")
_WHOLE = 20
"""Columns that no text is shortened to less than: an address has as many."""
_LEAST = 10
"""The same for a long text at the end of a row."""


@dataclass(frozen=True)
class Style:
    """Colour or none, drawing characters or ASCII, and how many columns there are (None: any)."""

    color: bool = False
    unicode: bool = True
    columns: int | None = None

    @property
    def cells(self) -> int:
        """How many columns the bar of a region's pages has."""
        return _CELLS if self.roomy else _FEW_CELLS

    @property
    def roomy(self) -> bool:
        """Whether there is room for all columns."""
        return self.columns is None or self.columns >= _WIDE

    @property
    def narrow(self) -> bool:
        """Whether there is room for the most important columns only."""
        return self.columns is not None and self.columns < _ROOMY

    @property
    def wide(self) -> bool:
        """Whether there is room for whole words."""
        return self.columns is None or self.columns >= _WORDY

    @property
    def room(self) -> int | None:
        """Columns of a row below a branch of the tree; None: any number."""
        return None if self.columns is None else self.columns - _DEEP

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
                "absent": "╌",
                "mixed": "▓",
            }
        return {
            "captured": "#",
            "failed": "x",
            "unmapped": ".",
            "not_resident": "_",
            "reserved": "?",
            "truncated": "!",
            "absent": "-",
            "mixed": "+",
        }


def printable(text: str | None) -> str:
    """Text from the dump, with nothing in it that would act on a terminal."""
    if text is None:
        return "-"
    if text.isascii() and text.isprintable():
        return text
    return escape_for_people(text)


def as_json(value: object, *, indent: int | None = None) -> str:
    """JSON in ASCII, with nothing in it that would act on a terminal."""
    return json.dumps(value, indent=indent).replace("\x7f", "\\u007f")


def folded(text: str, width: int | None, further: int = 0) -> list[str]:
    """A line as lines of a width, broken between words where there are any.

    Args:
        further: columns in front of all lines but the first.
    """
    if width is None or _width(text) <= width:
        return [text]
    lines: list[str] = []
    line, used, room = "", 0, max(width, _NARROWEST)
    below = max(width - further, _NARROWEST)
    for word in re.split("( +)", text):
        size = _width(word)
        if used + size > room and line.strip() and size <= below:
            lines.append(line.rstrip())
            line, used, room = "", 0, below
        if not line and lines and not word.strip():
            continue
        if used + size > room:
            word = click.unstyle(word)  # colour is not worth a line that is too long
        while used + size > room:
            head = _beginning(word, room - used) if used < room else ""
            lines.append(line + head)
            word, line, used, room = word[len(head) :], "", 0, below
            size = _width(word)
        line, used = line + word, used + size
    if line.strip():
        lines.append(line.rstrip())
    return [lines[0], *(" " * further + one for one in lines[1:])] if lines else []


def _beginning(word: str, width: int) -> str:
    """As much of a word as fits."""
    stop = min(len(word), width)
    while stop > 1 and _width(word[:stop]) > width:
        stop -= 1
    return word[:stop]


def aligned(rows: Iterable[tuple[str, ...]]) -> list[str]:
    """Rows as lines with columns below each other; sizes and numbers to the right."""
    table = list(rows)
    return list(AlignedRows(lambda: iter(table)))


class AlignedRows(Iterable[str]):
    """The same for rows that are made twice, first to measure them: none of many is kept.

    Args:
        rows: makes them.
        style: how many columns there are; the widest texts are shortened for a row below a
            branch of the tree.
    """

    def __init__(
        self, rows: Callable[[], Iterator[tuple[str, ...]]], style: Style | None = None
    ) -> None:
        self._rows = rows
        self._style = style or Style()
        self._widths: list[int] | None = None
        self._few: list[tuple[str, ...]] | None = []

    def measure(self) -> list[int]:
        """Widths of the columns; makes all rows, the first time."""
        if self._widths is None:
            widths: list[int] = []
            for row in self._rows():
                found = [_width(text) for text in row]
                widths = [max(pair) for pair in zip(widths, found)] if widths else found
                if self._few is not None:
                    self._few.append(row)
                    if len(self._few) > _REMEMBERED:
                        self._few = None
            self._widths = widths
        return self._widths

    def __iter__(self) -> Iterator[str]:
        widths = _fitting(self.measure(), self._style.room)
        for row in self._rows() if self._few is None else self._few:
            yield _line(row, widths, self._style.unicode)


def _line(row: tuple[str, ...], widths: list[int], unicode: bool) -> str:
    cells = []
    for text, width in zip(row, widths):
        if _width(text) > width:
            text = shortened(text, width, unicode)
        fill = " " * (width - _width(text))
        cells.append(fill + text if _AMOUNT.fullmatch(text) else text + fill)
    return "  ".join(cells).rstrip()


def _fitting(widths: list[int], room: int | None) -> list[int]:
    """Widths of columns that fit, the widest made narrower; numbers and addresses are not."""
    found = list(widths)
    while room is not None and sum(found) + 2 * (len(found) - 1) > room:
        widest = max(found, default=0)
        if widest <= _WHOLE:
            break
        place = found.index(widest)
        found[place] = max(_WHOLE, widest - (sum(found) + 2 * (len(found) - 1) - room))
    if room is not None and found and found[-1] < widths[-1]:  # a text: it has been cut before
        over = sum(found) + 2 * (len(found) - 1) - room
        found[-1] = max(_LEAST, found[-1] - max(0, over))
    return found


def shortened(text: str, width: int, unicode: bool = True) -> str:
    """As much of a text as fits, with a mark; of a path its end."""
    if _width(text) <= width:
        return text
    mark = "…" if unicode else "~"
    text = click.unstyle(text)
    name = re.split(r"[/\\]", text)[-1]
    if name == text:
        return begun(text, width, unicode)
    if _width(name) < width:  # of a path what fits in front of its name
        return mark + _end(text, width - 1)
    head = _beginning(name, max(1, (width - 1) * 2 // 3))
    return head + mark + _end(name[len(head) :], width - 1 - _width(head))


def begun(text: str, width: int, unicode: bool = True) -> str:
    """As much of the beginning of a text as fits, with a mark where that is not all."""
    if _width(text) <= width:
        return text
    return _beginning(text, max(1, width - 1)) + ("…" if unicode else "~")


def _end(text: str, width: int) -> str:
    """As much of the end of a text as fits."""
    start = max(0, len(text) - width)
    while start < len(text) and _width(text[start:]) > width:
        start += 1
    return text[start:]


def width_of_text(text: str) -> int:
    """Columns of a text, colour apart."""
    return _width(text)


def _width(text: str) -> int:
    return width_of(click.unstyle(text))
