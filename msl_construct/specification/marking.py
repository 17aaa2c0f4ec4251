"""HTML by hand: what a page is made of, and what can be found in it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape

__all__ = ["Page", "anchor", "code", "link", "marked", "row", "table"]


def anchor(*parts: str) -> str:
    """The name of a place, by what stands there: ``memory-region.base-addr``."""
    return ".".join(re.sub(r"[^a-z0-9]+", "-", one.lower()).strip("-") for one in parts)


def code(text: str) -> str:
    """A name as it stands in files and documents."""
    return f"<code>{escape(text)}</code>"


def marked(text: str) -> str:
    """A sentence; names in backticks are code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def link(to: str, text: str) -> str:
    """A link to a place of the page."""
    return f'<a href="#{to}">{escape(text)}</a>'


def row(cells: Iterable[str], at: str = "") -> str:
    """A row of cells that are HTML already."""
    place = f' id="{at}"' if at else ""
    return f"<tr{place}>{''.join(f'<td>{one}</td>' for one in cells)}</tr>"


def table(heads: Sequence[str], rows: Iterable[str], at: str = "") -> str:
    """A table that scrolls where it is wider than the page."""
    place = f' id="{at}"' if at else ""
    place += f' class="of-{anchor(heads[0])}"'  # what is printed has columns of constant width
    head = "".join(f"<th>{escape(one)}</th>" for one in heads)
    body = "\n".join(rows)
    return (
        f'<div class="scroll"><table{place}><thead><tr>{head}</tr></thead>\n'
        f"<tbody>{body}</tbody></table></div>"
    )


@dataclass
class Page:
    """A page under way.

    Attributes:
        body: HTML, piece by piece.
        contents: level, anchor and title of each heading.
        index: what can be searched for.
    """

    body: list[str] = field(default_factory=list)
    contents: list[tuple[int, str, str]] = field(default_factory=list)
    index: list[dict[str, str]] = field(default_factory=list)

    def heading(self, level: int, title: str, at: str = "", kind: str = "section") -> None:
        """A heading, which the table of contents has and the search finds."""
        place = at or anchor(title)
        self.body.append(f'<h{level} id="{place}">{escape(title)}</h{level}>')
        self.contents.append((level, place, title))
        self.findable(kind, title, place)

    def text(self, *paragraphs: str) -> None:
        """Plain text; names in backticks are code."""
        for one in paragraphs:
            self.body.append(f"<p>{marked(one)}</p>")

    def add(self, html: str) -> None:
        """HTML as it is."""
        self.body.append(html)

    def findable(self, kind: str, title: str, at: str, text: str = "") -> None:
        """Let the search find a place, by its title and by other words."""
        words = f"{title} {text}".lower()
        self.index.append({"kind": kind, "title": title, "anchor": at, "text": words})
