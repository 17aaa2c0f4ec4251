"""Structures as pictures of their bytes, as RFCs have them: for terminals, and as SVG.

A row has eight bytes. A flag word is drawn bit by bit, a page map by the pages of its first byte.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from ..schema import BitRange, FlagDefinition, Layout
from ..schema.pages import PageStateMap
from ..schema.vocabulary import Fixed, Reserved
from .kinds import stored_as

__all__ = ["bits", "bytes_of", "page_map", "svg"]

_ROW = 8
_CELL = 8
_BITS_IN_A_ROW = 16


@dataclass(frozen=True)
class _Stretch:
    """Bytes of one field; a field of varying length has a row of its own."""

    name: str
    start: int
    width: int
    varies: bool = False
    reserved: bool = False


@dataclass(frozen=True)
class _Row:
    """Up to eight bytes, and where they begin; None: that varies."""

    offset: int | None
    stretches: list[_Stretch]

    @property
    def varies(self) -> bool:
        """Whether it is a field of varying length."""
        return self.stretches[0].varies


def _rows(layout: Layout) -> Iterator[_Row]:
    """The fields row by row; behind a field of varying length a row begins anew."""
    row: list[_Stretch] = []
    at = 0
    offset: int | None = 0
    for field in layout.fields:
        if not isinstance(field.type, Fixed):
            if row:
                yield _Row(offset, row)
            name = f"{field.name}: {stored_as(field.type)}"
            begins = None if offset is None else offset + at
            yield _Row(begins, [_Stretch(name, 0, _ROW, varies=True)])
            row, at, offset = [], 0, None
            continue
        left, first = field.type.width, True
        reserved = isinstance(field.type, Reserved)
        while left:
            width = min(left, _ROW - at)
            name = field.name if first else ""
            row.append(_Stretch(name, at, width, reserved=reserved))
            left, first, at = left - width, False, at + width
            if at == _ROW:
                yield _Row(offset, row)
                row, at = [], 0
                offset = None if offset is None else offset + _ROW
    if row:
        yield _Row(offset, row)


def bytes_of(layout: Layout) -> Iterator[str]:
    """A structure's bytes, a line each; ``~`` stands where the length varies."""
    yield "".join(f"{number:^{_CELL}}" for number in range(_ROW)).rstrip()
    before: list[_Stretch] = []
    for row in _rows(layout):
        yield _edge(before, row.stretches)
        mark = "~" if row.varies else "|"
        cells = mark.join(_label(one) for one in row.stretches)
        place = "" if row.offset is None else f"  {row.offset:#04x}"
        yield f"{f'{mark}{cells}{mark}':<{_ROW * _CELL + 1}}{place}".rstrip()
        before = row.stretches
    yield _edge(before, [])


def _label(one: _Stretch) -> str:
    room = one.width * _CELL - 1
    name = one.name if len(one.name) <= room else f"{one.name[: room - 1]}…"
    return f"{name:^{room}}"


def _edge(above: list[_Stretch], below: list[_Stretch]) -> str:
    """The line between two rows; open where a field goes on."""
    ends = {one.start + one.width for one in above} | {one.start for one in above}
    ends |= {one.start + one.width for one in below} | {one.start for one in below}
    line = ""
    for number in range(_ROW):
        goes_on = any(one.start <= number < one.start + one.width and not one.name for one in below)
        covered = any(one.start <= number < one.start + one.width for one in (*above, *below))
        open_here = " " if goes_on or not covered else "-"
        line += "+" if number in ends or number == 0 else open_here
        line += open_here * (_CELL - 1)
    last = _ROW in ends
    return f"{line}{'+' if last else ''}".rstrip()


def bits(word: FlagDefinition) -> Iterator[str]:
    """A flag word bit by bit, the highest first, with letters for the flags."""
    total = 8 * word.width
    letters = {}
    for index, bit in enumerate(word.bits):
        span = bit.bits if isinstance(bit, BitRange) else 1
        letters.update(dict.fromkeys(range(bit.bit, bit.bit + span), _letter(index)))
    for first in range(total - 1, -1, -_BITS_IN_A_ROW):
        numbers = list(range(first, max(first - _BITS_IN_A_ROW, -1), -1))
        if len(numbers) < len(range(total)) and not any(one in letters for one in numbers):
            continue
        yield " " + " ".join(f"{one:>2}" for one in numbers)
        yield "+" + "--+" * len(numbers)
        yield "|" + "|".join(f"{letters.get(one, '0'):>2}" for one in numbers) + "|"
        yield "+" + "--+" * len(numbers)
    for index, bit in enumerate(word.bits):
        last = bit.bit + bit.bits - 1 if isinstance(bit, BitRange) else bit.bit
        place = f"bit {bit.bit}" if last == bit.bit else f"bits {bit.bit} to {last}"
        yield f"  {_letter(index)}  {place}: {bit.label}"


def _letter(index: int) -> str:
    return "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"[index % 52]


def page_map(kind: PageStateMap) -> Iterator[str]:
    """The first byte of a page map: two bits a page, the first page in the highest ones."""
    yield "  7  6  5  4  3  2  1  0"
    yield "+-----+-----+-----+-----+"
    yield "|page0|page1|page2|page3|  byte 0"
    yield "+-----+-----+-----+-----+"
    for value in kind.states.values if kind.states is not None else ():
        yield f"  {value.code:02b}  {value.label}"


_WIDTH, _HEIGHT = 92, 36


def svg(layout: Layout) -> str:
    """The same as a picture; it takes the colors of the page that it stands in."""
    rows = list(_rows(layout))
    width, height = _ROW * _WIDTH + 60, (len(rows) + 1) * _HEIGHT
    title = escape(f"{layout.title} ({layout.section})")
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img" aria-label="{title}" '
        'font-family="monospace" font-size="12" fill="none" stroke="currentColor">',
        f"<title>{title}</title>",
    ]
    for number in range(_ROW):
        lines.append(_text(number * _WIDTH + _WIDTH / 2, _HEIGHT / 2, str(number)))
    for index, row in enumerate(rows, start=1):
        top = index * _HEIGHT
        for one in row.stretches:
            dashes = ' stroke-dasharray="4 3"' if one.varies else ""
            shade = ' fill="currentColor" fill-opacity="0.08"' if one.reserved else ""
            lines.append(
                f'<rect x="{one.start * _WIDTH}" y="{top}" width="{one.width * _WIDTH}" '
                f'height="{_HEIGHT}"{dashes}{shade}/>'
            )
            if one.name:
                room = int(one.width * _WIDTH / 7.5)
                name = one.name if len(one.name) <= room else f"{one.name[: room - 1]}…"
                middle = (one.start + one.width / 2) * _WIDTH
                lines.append(_text(middle, top + _HEIGHT / 2, name))
        if row.offset is not None:
            lines.append(_text(_ROW * _WIDTH + 30, top + _HEIGHT / 2, f"{row.offset:#04x}"))
    return "\n".join([*lines, "</svg>"]) + "\n"


def _text(x: float, y: float, text: str) -> str:
    return (
        f'<text x="{x:g}" y="{y:g}" text-anchor="middle" dominant-baseline="central" '
        f'fill="currentColor" stroke="none">{escape(text)}</text>'
    )
