"""What ``msl diff`` prints of more than two dumps as a whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import IO, TYPE_CHECKING

from .text import Style, folded, many, printable

if TYPE_CHECKING:
    from ..analysis import Timeline, TimelineRow

__all__ = ["timeline_json", "write_timeline"]

_INDENT = 6
"""Columns in front of what goes on of a row."""
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_LEGEND = "a letter for each state, . not there or not captured, ? not said"


def timeline_json(names: Sequence[str], found: Timeline) -> dict[str, object]:
    """The whole, as ``--json`` prints it."""
    return {
        "dumps": list(names),
        **{
            kind: [{"what": row.what, "values": list(row.values)} for row in rows]
            for kind, rows in found.rows.items()
        },
        "pages": [{"address": row.what, "contents": list(row.values)} for row in found.pages],
        "more_pages": found.more_pages,
    }


def write_timeline(
    names: Sequence[str],
    found: Timeline,
    most: int | None,
    out: IO[str],
    style: Style,
    where: Callable[[int], str],
) -> None:
    """The same for people: a column for each dump, a letter for each state, a dot for none.

    Args:
        where: says what stands at the address of a page.
    """
    title = f"timeline of {many(len(names), 'dump')}"
    heading = f"{style.paint(title, bold=True)} ({_LEGEND})"
    out.write("\n".join(folded(heading, style.columns, 2)) + "\n")
    for kind, rows in (*found.rows.items(), ("pages", found.pages)):
        if not rows:
            continue
        shown = rows if most is None else rows[:most]
        more = len(rows) - len(shown) + (found.more_pages if kind == "pages" else 0)
        out.write(f"{kind}: {many(len(shown) + more, 'row')}\n")
        for row in shown:
            line = f"  {_letters(row)}  {printable(row.what)}"
            if kind == "pages":
                line += f"  {printable(where(int(row.what, 16)))}"
            elif kind == "regions":
                line += f"  {printable(_region(row))}"
            out.writelines(f"{part}\n" for part in folded(line, style.columns, _INDENT))
        if more:
            out.write(f"  and {more} more (--full)\n")


def _region(row: TimelineRow) -> str:
    """What a region is called where it is there."""
    one = next(value for value in row.values if isinstance(value, dict))
    return str(one["name"] or f"[{one['region_type']}]")


def _letters(row: TimelineRow) -> str:
    seen: list[object] = []
    letters = []
    for value in row.values:
        if value == "unknown":
            letters.append("?")
            continue
        if value is not None and value not in seen:
            seen.append(value)
        letters.append("." if value is None else _letter(seen.index(value)))
    return " ".join(letters)


def _letter(number: int) -> str:
    """Another one for each number: ``a``, ``z``, ``a1``."""
    return _LETTERS[number % 26] + (str(number // 26) if number >= 26 else "")
