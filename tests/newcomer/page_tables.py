"""The tables of a rendered specification, as text; nothing here knows the format."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

__all__ = ["Cell", "Section", "sections"]


@dataclass
class Cell:
    """A cell of a table: its text, and the names that it links to."""

    text: str = ""
    links: list[str] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)


@dataclass
class Section:
    """What stands under a heading, up to the next one."""

    at: str
    title: str = ""
    tables: list[list[list[Cell]]] = field(default_factory=list)
    """Rows of cells, the heads first."""

    def table(self, *heads: str) -> list[dict[str, Cell]] | None:
        """The rows of the table with these heads, by head."""
        for first, *rows in self.tables:
            if [cell.text for cell in first] == list(heads):
                return [dict(zip(heads, row)) for row in rows]
        return None


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found = [Section("")]
        self._heading = False
        self._cell: Cell | None = None
        self._code: list[str] | None = None
        self._skipped = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in ("svg", "script", "style"):
            self._skipped += 1
        elif tag in ("h1", "h2", "h3", "h4"):
            self.found.append(Section(given.get("id") or ""))
            self._heading = True
        elif tag == "table":
            self.found[-1].tables.append([])
        elif tag == "tr":
            self.found[-1].tables[-1].append([])
        elif tag in ("td", "th"):
            self._cell = Cell()
            self.found[-1].tables[-1][-1].append(self._cell)
        elif tag == "a" and self._cell is not None:
            self._cell.links.append(str(given["href"])[1:])
        elif tag == "code" and self._cell is not None:
            self._cell.codes.append("")
            self._code = self._cell.codes

    def handle_endtag(self, tag: str) -> None:
        if tag in ("svg", "script", "style"):
            self._skipped -= 1
        elif tag in ("h1", "h2", "h3", "h4"):
            self._heading = False
        elif tag in ("td", "th"):
            self._cell = None
        elif tag == "code":
            self._code = None

    def handle_data(self, data: str) -> None:
        if self._skipped:
            return
        if self._heading:
            self.found[-1].title += data
        elif self._cell is not None:
            self._cell.text += data
            if self._code is not None:
                self._code[-1] += data


def sections(page: str) -> list[Section]:
    """The page, heading by heading."""
    reader = _Reader()
    reader.feed(page)
    return reader.found
