"""What a seeded change is, and what stands in front of its overlay.

| class | what becomes of files and readers |
|---|---|
| SILENT_REINTERPRET | a file is read without complaint and with another value or meaning |
| WIRE_BREAK | bytes stand elsewhere or are others; whoever reads them by the other draft notices |
| OLD_READER_REJECTS | a reader of the old draft must refuse the file |
| OLD_FILE_INVALID | a file of the old draft breaks a demand of the new one |
| DEGRADED | an old reader shows less of something that it knows, and says so |
| ADDITIVE | an old reader passes over something that it does not know, as it should |
| SOURCE | names in documents and in generated code are others |
| COSMETIC | texts are others |
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["ADDITIVE", "BLOCK", "COSMETIC", "DEGRADED", "INVALID", "REJECTS", "SILENT", "SOURCE"]
__all__ += ["WIRE", "Seeded"]


class Seeded(NamedTuple):
    """One change.

    Attributes:
        expected: its class: that of its gravest part.
        where: the path of that part.
        overlay: what ``overlay`` is given, as source.
        base: the draft that is changed.
        version: the format version of the changed one.
    """

    expected: str
    where: str
    overlay: str
    base: str = "draft-2026-10"
    version: int = 0x0102


SILENT, WIRE, REJECTS = "SILENT_REINTERPRET", "WIRE_BREAK", "OLD_READER_REJECTS"
INVALID, DEGRADED, ADDITIVE = "OLD_FILE_INVALID", "DEGRADED", "ADDITIVE"
SOURCE, COSMETIC = "SOURCE", "COSMETIC"

BLOCK = """\
from dataclasses import replace

def swapped(layout, one, other):
    fields = {field.name: field for field in layout.fields}
    order = [{one: other, other: one}.get(name, name) for name in fields]
    return Layout(layout.title, layout.section, [fields[name] for name in order])

def body(layout, tag):
    return layout.field("rows").type.entry.field("body").type.cases[tag]

def with_bodies(layout, **changed):
    rows = layout.field("rows").type
    chosen = rows.entry.field("body").type
    cases = {**chosen.cases, **{int(tag[1:]): one for tag, one in changed.items()}}
    cases = {tag: one for tag, one in cases.items() if one is not None}
    entry = rows.entry.changing("Body", type=Choice(chosen.length, chosen.tag, cases))
    return layout.changing("Rows", type=Table(rows.count, entry, rows.entry_size))

REMARK = BlockType(0x1002, "Remark", "§lab", "What somebody thought.", Layout("Remark", "§lab", (
    Field("Address", ADDRESS, "Where it belongs."),
    Field("TextLen", U16, "Length of Text with its NUL."),
    reserved(6),
    Field("Text", Utf8Z("TextLen"), "The remark."),
)), example={"address": "0x400000", "text": "entry"})
"""
"""What stands in front of every overlay."""
