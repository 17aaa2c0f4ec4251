"""The specification of a draft as one page of HTML, which needs nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from html import escape
from importlib.resources import files
from itertools import islice

from ..exports.description import version_text
from ..exports.diagram import page_map
from ..schema import ByteOrder, Draft, Schema
from ..schema.pages import PageStateMap
from . import prose
from .marking import Page, anchor, link
from .of_documents import documented
from .of_files import dissected, pictured
from .of_rules import changes, dialects, questions, statements
from .of_structures import registry_tables, structure

__all__ = ["specification"]


def specification(draft: Draft) -> str:
    """The page.

    Args:
        draft: one that is known by its name.
    """
    page = Page()
    schema = draft.bound(ByteOrder.LITTLE)
    blocks = {block.key: block for block in schema.blocks.values()}
    page.heading(1, f"Memory Slice, {draft.name}", "top")
    page.text(f"Format version {version_text(draft.version)}; {draft.status}.")
    _ways(page)
    page.add(pictured(draft))

    def section(title: str, text: Callable[[Draft], Iterator[str]], *keys: str) -> None:
        page.heading(2, title)
        page.text(*text(draft))
        for key in keys:
            if key in schema.layouts:
                structure(page, draft, schema, key)

    section("Introduction", prose.introduction)
    section("Conventions", prose.conventions)
    section("Reading a file", prose.reading)
    section("Headers", lambda _: iter(()), "file_header", "block_header")
    _notes(page, draft)
    page.heading(2, "Block types")
    page.text(
        "A consumer skips a type that it does not know, and a PayloadVersion that it does not "
        f"know, by BlockLength. The layouts here are those of PayloadVersion "
        f"{draft.payload_version}."
    )
    for key, block in blocks.items():
        structure(page, draft, schema, key, block)
    _page_states(page, draft, schema)
    section("Compression", prose.compression, "compressed_payload")
    _chain(page, draft)
    section("Extension segments", prose.segments)
    section("Encryption", prose.encryption, "encryption_header", "seal_header")
    page.heading(2, "Registries")
    page.text("Codes and flags that are not listed are kept as they are by whoever reads.")
    registry_tables(page, draft, schema)
    page.heading(2, "Conformance statements")
    statements(page, draft)
    section("Security considerations", prose.security)
    page.heading(2, "Changes against the base draft")
    changes(page, draft)
    page.heading(2, "Open questions, and our reading")
    questions(page, draft)
    page.heading(2, "Dialects")
    dialects(page, draft)
    page.heading(2, "The canonical document")
    documented(page, draft)
    page.heading(2, "An example, byte by byte")
    dissected(page, draft)
    return _document(page, draft)


def _ways(page: Page) -> None:
    """A way in for each kind of reader."""
    ways = (
        ("You write a reader", "conventions", "Conventions, headers, then the block types."),
        ("You write a producer", "conformance-statements", "What MUST be, with ids and rules."),
        ("You have a hex dump", "an-example-byte-by-byte", "A file, byte by byte."),
        (
            "You know the draft before",
            "changes-against-the-base-draft",
            "What changed, and for whom.",
        ),
    )
    cells = (f"<div><b>{link(to, title)}</b><br>{escape(text)}</div>" for title, to, text in ways)
    page.add(f'<div class="ways">{"".join(cells)}</div>')


def _notes(page: Page, draft: Draft) -> None:
    """What the draft demands of the whole file."""
    if not draft.notes:
        return
    page.heading(3, "Demands on the whole file")
    items = (
        f"<li><b>{one.level}</b> ({escape(one.who)}): {escape(one.text)} {escape(one.section)}</li>"
        for one in draft.notes
    )
    page.add(f"<ul>{''.join(items)}</ul>")


def _page_states(page: Page, draft: Draft, schema: Schema) -> None:
    """What is known of each page, with a picture of the map."""
    page.heading(2, "Page states")
    page.text(*prose.page_states(draft))
    kinds = (
        field.type
        for layout in schema.layouts.values()
        for field in layout.fields
        if isinstance(field.type, PageStateMap)
    )
    for kind in islice(kinds, 1):
        page.add(f"<pre>{escape(chr(10).join(page_map(kind)))}</pre>")
        assert kind.states is not None
        where = link(anchor(kind.states.name), kind.states.name)
        page.add(f"<p>What each state means: {where}.</p>")


def _chain(page: Page, draft: Draft) -> None:
    """What each stored hash is the hash of."""
    page.heading(2, "Integrity")
    page.text("What each stored hash is the hash of; see Security considerations for its worth.")
    items = (
        f"<li>{link(anchor(one.structure, one.field), f'{one.structure}.{one.field}')} "
        f"({escape(one.section)}): {escape(one.text)}</li>"
        for one in draft.chain
    )
    page.add(f"<ul>{''.join(items)}</ul>")


def _document(page: Page, draft: Draft) -> str:
    assets = files(__package__) / "assets"
    style = (assets / "style.css").read_text("utf-8")
    script = (assets / "search.js").read_text("utf-8")
    contents = "\n".join(
        f'<li class="level{level}">{link(at, title)}</li>'
        for level, at, title in page.contents
        if level < 4
    )
    index = json.dumps(page.index, ensure_ascii=False).replace("<", "\\u003c")
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Memory Slice, {escape(draft.name)}</title>
<style>
{style}</style>
</head>
<body>
<div class="page">
<div class="cover"><p>Memory Slice</p><p>{escape(draft.name)}</p>
<p>Format version {version_text(draft.version)}; {escape(draft.status)}</p></div>
<nav aria-label="Contents"><details open><summary>Contents</summary><ul>
{contents}
</ul></details></nav>
<main>
<div class="search"><input id="search" type="search" placeholder="Search structures, fields, codes"
aria-label="Search"><ul id="hits"></ul></div>
{chr(10).join(page.body)}
</main>
</div>
<script type="application/json" id="index">{index}</script>
<script>
{script}</script>
</body>
</html>
"""
