"""Pieces of JUnit XML, with nothing in them that XML or a terminal would trip over."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

from .text import printable

__all__ = ["DECLARATION", "case", "content", "quoted"]

DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'


def quoted(text: str) -> str:
    """An attribute's value, quotes included."""
    return quoteattr(printable(text))


def content(lines: list[str]) -> str:
    """Lines as the content of an element."""
    return escape("\n".join(printable(line) for line in lines))


def case(suite: str, name: str, inside: str = "", *, seconds: float | None = None) -> str:
    """A test case.

    Args:
        suite: what it belongs to.
        name: what it is called.
        inside: elements that say how it went; none: it passed.
        seconds: how long it took.
    """
    time = "" if seconds is None else f' time="{seconds:.3f}"'
    head = f"<testcase classname={quoted(suite)} name={quoted(name)}{time}"
    return f"{head}>{inside}</testcase>\n" if inside else f"{head}/>\n"
