"""What a page of `msl report` holds, found without the package: its data, its texts, its markup."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from typing import Any

__all__ = ["Page", "numbers", "regions"]


class Page(HTMLParser):
    """A page that was read.

    Attributes:
        elements: names with attributes, in order.
        text: all text but scripts and styles.
        scripts, styles: what is between their tags; data: the JSON among the scripts.
    """

    def __init__(self, source: str) -> None:
        super().__init__()
        self.source = source
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.scripts: list[str] = []
        self.styles: list[str] = []
        self._inside = ""
        self.feed(source)
        self.data: dict[str, Any] = json.loads(self.scripts[0])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._inside = tag if tag in ("script", "style") else ""
        for name, found in (("script", self.scripts), ("style", self.styles)):
            if tag == name:
                found.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == self._inside:
            self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            self.scripts[-1] += data
        elif self._inside == "style":
            self.styles[-1] += data
        else:
            self.text += data

    @property
    def policy(self) -> dict[str, str]:
        """The Content Security Policy by directive."""
        (content,) = [
            attributes["content"] or ""
            for name, attributes in self.elements
            if attributes.get("http-equiv") == "Content-Security-Policy"
        ]
        return dict(part.strip().split(" ", 1) for part in content.split(";"))


def digest(text: str) -> str:
    """What a policy calls a script or a style."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def numbers(column: Any, count: int) -> list[int]:
    """A packed column."""
    if isinstance(column, dict):
        return [column["all"]] * count
    found, value, shift = [], 0, 0
    for byte in base64.b64decode(column):
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            found.append(value)
            value = shift = 0
    assert len(found) == count
    return found


def regions(memory: dict[str, Any]) -> list[dict[str, Any]]:
    """The regions of a dump, each with its runs of pages."""
    count = memory["count"]
    names = ("size", "page_size", "rights", "type", "name", "marks", "run_counts")
    columns = {name: numbers(memory[name], count) for name in names}
    states = {state: numbers(packed, count) for state, packed in memory["counts"].items()}
    runs = iter(numbers(memory["runs"], sum(columns["run_counts"])))
    found, end = [], 0
    for place, gap in enumerate(numbers(memory["gap"], count)):
        base = end + (gap >> 1 if gap % 2 == 0 else -(gap + 1 >> 1))
        end = base + columns["size"][place]
        row: dict[str, Any] = {name: values[place] for name, values in columns.items()}
        for name in ("rights", "type", "name"):
            row[name] = memory["texts"][row[name]]
        row["base_addr"] = f"{base:#x}"
        row["counts"] = {state: counts[place] for state, counts in states.items()}
        row["runs"] = [
            (run >> 4, memory["states"][run & 15])
            for run in (next(runs) for _ in range(columns["run_counts"][place]))
        ]
        found.append(row)
    return found


def everything(page: Page) -> str:
    """All that is on a page, with what is packed in it unpacked."""
    packed = [
        base64.b64decode(text).decode("latin-1")
        for text in re.findall(r'"([A-Za-z0-9+/]{8,}=*)"', page.scripts[0])
        if len(text) % 4 == 0
    ]
    return "\n".join([page.source, page.text, json.dumps(page.data, ensure_ascii=False), *packed])
