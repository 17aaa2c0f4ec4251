"""The specification as a page: everything that is declared is in it, and can be found."""

from __future__ import annotations

import json
import re
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import pytest
from authoring import known_as_before  # noqa: F401
from commands import PLACE, run

from msl_construct.drafts import DRAFTS, PUBLIC
from msl_construct.drafts.authored import load
from msl_construct.exports.description import registries
from msl_construct.rules.engine import rules_for
from msl_construct.rules.statements import every_statement
from msl_construct.schema import ByteOrder, Enumeration
from msl_construct.specification.marking import anchor
from msl_construct.specification.page import specification

_VOID = {"meta", "input", "br", "rect"}


class Read(HTMLParser):
    """What a page has: text, ids, links; and whether what was opened was closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.words: list[str] = []
        self.scripts: list[str] = []
        self._open: list[str] = []
        self.feed(page)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag not in _VOID:
            self._open.append(tag)
        if "id" in given:
            self.ids.append(str(given["id"]))
        if tag == "a":
            self.links.append(str(given["href"]))
        assert "src" not in given, "the page needs nothing else"
        assert tag != "link"

    def handle_endtag(self, tag: str) -> None:
        if tag not in _VOID:
            assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        (self.scripts if self._open[-1:] == ["script"] else self.words).append(data)


@cache
def page(draft: str) -> Read:
    return Read(specification(DRAFTS[draft]))


@pytest.mark.parametrize("draft", PUBLIC)
def test_everything_has_an_anchor(draft: str) -> None:
    read, schema = page(draft), DRAFTS[draft].bound(ByteOrder.LITTLE)
    assert len(set(read.ids)) == len(read.ids)
    wanted = {anchor(key) for key in schema.layouts}
    wanted |= {anchor(block.key) for block in schema.blocks.values()}
    for key, layout in schema.layouts.items():
        wanted |= {anchor(key, field.key) for field in layout.fields}
    for name, registry in registries(schema).items():
        if isinstance(registry, Enumeration):
            digits = 2 * registry.width
            wanted |= {anchor(name, f"0x{v.code:0{digits}x}") for v in registry.values}
        else:
            wanted |= {anchor(name, f"bit-{bit.bit}") for bit in registry.bits}
    wanted |= {anchor(one.id) for one in every_statement(draft)}
    assert wanted - set(read.ids) == set()


@pytest.mark.parametrize("draft", PUBLIC)
def test_every_link_leads_somewhere(draft: str) -> None:
    read = page(draft)
    assert {link for link in read.links if link[1:] not in read.ids} == set()
    assert len(read.links) > 150


@pytest.mark.parametrize("draft", PUBLIC)
def test_what_is_declared_stands_there(draft: str) -> None:
    text = " ".join(" ".join(page(draft).words).split())
    schema = DRAFTS[draft].bound(ByteOrder.LITTLE)
    for block in schema.blocks.values():
        assert f"{block.name} (0x{block.code:04x})" in text
        assert block.text in text
        assert all(note.text in text for note in block.notes)
    of_files = {rule.id for rule in rules_for(draft) if not rule.id.startswith("MSLX")}
    assert [rule for rule in of_files if rule not in text] == []
    titles = "Conventions, Reading a file, Page states, Integrity, Compression, "
    titles += "Extension segments, Encryption, Security considerations, Dialects, "
    titles += "The canonical document"
    for title in [*titles.split(", "), "An example, byte by byte"]:
        assert title in text


def test_the_search_finds_the_block_type_first() -> None:
    """As the script of the page looks: structures in front of fields, flags and statements."""
    index = json.loads(page("draft-2026-10").scripts[0])
    order = ["structure", "field", "flag", "code", "statement", "section"]
    hits = [one for one in index if "continuation" in one["text"]]
    hits.sort(key=lambda one: order.index(one["kind"]))
    assert (hits[0]["kind"], hits[0]["anchor"]) == ("structure", "memory-region")
    assert any(one["title"] == "BlockFlags: Continuation" for one in hits)
    assert {one["anchor"] for one in index} <= set(page("draft-2026-10").ids)


def test_the_example_is_dissected_to_its_end() -> None:
    text = " ".join(page("draft-2026-03").words)
    assert "4d 45 4d 53 4c 49 43 45" in text
    rows = re.findall(r"\b([0-9a-f]{4}) to ([0-9a-f]{4})\b", text[text.index("byte by byte") :])
    at = 0
    for first, last in rows:
        assert int(first, 16) == at, "every byte has its row"
        at = int(last, 16) + 1
    assert f"{at} bytes: an identity" in text
    assert "process_identity.exe_path" in text
    assert "end_of_capture.file_hash" in text


def test_what_is_new_is_marked() -> None:
    text = specification(DRAFTS["draft-2026-10"])
    row = text[text.index('id="file-header.hash-algo"') :]
    assert "new in draft-2026-10" in row[: row.index("</tr>")]
    row = text[text.index('id="file-header.pid"') :]
    assert "new in" not in row[: row.index("</tr>")]
    assert "OLD_FILE_INVALID (" in text


def test_a_draft_of_one_s_own_has_a_page(tmp_path: Path) -> None:
    own = f"{PLACE / 'spec-docs' / 'examples' / 'descriptors.py'}:OPEN_FILES"
    words = ("schema", "export", "--to", "spec", "--draft", own)
    assert run(*words, "-o", tmp_path / "spec", "-q").returncode == 0
    text = (tmp_path / "spec" / "index.html").read_text("utf-8")
    assert text == specification(load(own))
    assert 'id="file-descriptor.open-flags"' in text
    assert run(*words, "-o", tmp_path / "spec", "--check").returncode == 0
    (tmp_path / "spec" / "index.html").write_text("old", "utf-8")
    assert run(*words, "-o", tmp_path / "spec", "--check").returncode == 1
    assert run(*words).stdout.decode() == text
