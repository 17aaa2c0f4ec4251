"""The exported tables against the facts typed by hand, read back from their text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import facts
import pytest

from msl_construct.drafts import DRAFTS
from msl_construct.errors import MslError
from msl_construct.exports import EXPORTS
from msl_construct.exports.kinds import stored_as
from msl_construct.exports.rst import escaped, layout_table
from msl_construct.schema import Draft, Field, Layout
from msl_construct.schema.base import Vocabulary

drafts = pytest.mark.parametrize("draft", list(DRAFTS))

Table = list[tuple[str, ...]]


def text_of(draft: str) -> str:
    return EXPORTS["rst"].export(DRAFTS[draft])


def sections(text: str) -> dict[str, list[Table]]:
    """The tables under each heading; a row is its cells."""
    found: dict[str, list[Table]] = {}
    lines = text.splitlines()
    heading = ""
    for number, line in enumerate(lines):
        if re.fullmatch(r"([=-])\1{3,}", line):
            heading = lines[number - 1].replace("\\", "")
            found[heading] = []
        elif line == ".. list-table::":
            found[heading].append([])
        elif line.startswith("   * -"):
            found[heading][-1].append((line[7:].strip(),))
        elif line.startswith("     -"):
            row = found[heading][-1].pop()
            found[heading][-1].append((*row, line[7:].strip()))
    return found


def rows(fields: list[Any]) -> Iterator[list[tuple[str, str]]]:
    """(offset, name) of a structure as the tables should give them, then of those inside."""
    shown: list[tuple[str, str]] = []
    inner: list[Any] = []
    offset: int | None = 0
    for name, size in fields:
        shown.append(("then" if offset is None else f"+0x{offset:02x}", name))
        if isinstance(size, list):
            inner.append(size)
        elif isinstance(size, dict):
            inner += size.values()
        offset = offset + size if isinstance(size, int) and offset is not None else None
    yield shown
    for one in inner:
        yield from rows(one)


@drafts
def test_fields_and_offsets(draft: str) -> None:
    found = sections(text_of(draft))
    expected = {
        "File Header (§3)": facts.FILE_HEADER[draft],
        "Block Header (§4.1)": facts.BLOCK_HEADER,
    }
    if draft == facts.DRAFT_10:
        expected["Encryption Header (§3)"] = facts.ENCRYPTION_HEADER
    for code, fields in facts.PAYLOADS[draft].items():
        title = f"{facts.CODES[draft]['BlockType'][code]} ({code:#06x})"
        expected[title] = fields
    for title, fields in expected.items():
        tables = [[(row[0], row[2]) for row in table[1:]] for table in found[title]]
        assert tables == list(rows(fields)), title
        assert all(re.fullmatch(r"``[a-z0-9_]+``", r[3]) for t in found[title] for r in t[1:])


@drafts
def test_codes_and_flags(draft: str) -> None:
    found = sections(text_of(draft))
    for name, values in facts.CODES[draft].items():
        width = 2 * facts.CODE_WIDTHS[name]
        (table,) = found[name]
        shown = [row[0] for row in table[1:] if row[1]]
        assert shown == [f"0x{code:0{width}x}" for code in sorted(values)], name
    for name, (_, bits) in facts.FLAGS[draft].items():
        (table,) = found[name]
        assert [int(row[0].split()[0]) for row in table[1:]] == sorted(bits), name
    (table,) = found["PageState"]
    assert [row[0] for row in table[1:]] == ["0x00", "0x01", "0x02", "0x03"]


@drafts
def test_every_block_type_has_a_section(draft: str) -> None:
    found = sections(text_of(draft))
    for code, name in facts.CODES[draft]["BlockType"].items():
        assert f"{name} ({code:#06x})" in found
        without = code not in facts.PAYLOADS[draft]
        assert (found[f"{name} ({code:#06x})"] == []) == without


@drafts
def test_the_text_is_well_formed(draft: str) -> None:
    text = text_of(draft)
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    assert "\t" not in text
    assert [line for line in text.splitlines() if line != line.rstrip()] == []
    assert text == text_of(draft)


@drafts
def test_docutils_has_nothing_against_it(draft: str) -> None:
    core = pytest.importorskip("docutils.core", reason="needs docutils (docs extra)")
    settings = {"halt_level": 2, "report_level": 2, "warning_stream": False}
    html = core.publish_string(text_of(draft), writer="html5", settings_overrides=settings)
    assert b"MEMSLICE" not in html
    assert html.count(b"<table") >= len(facts.PAYLOADS[draft]) + 3


def test_what_means_something_to_restructuredtext_is_escaped() -> None:
    assert escaped(r"a_b *c* `d` |e| \f") == r"a\_b \*c\* \`d\` \|e\| \\f"
    layout: Layout = DRAFTS[facts.DRAFT_03].block_header
    field: Field = replace(layout.fields[0], text="Looks like `code` and a_reference_.")
    table = "\n".join(layout_table(Layout("One", "§1", (field,))))
    assert r"Looks like \`code\` and a\_reference\_." in table


def test_remarks_stand_with_their_field() -> None:
    newest: Draft = DRAFTS[facts.DRAFT_10]
    found = sections(text_of(newest.name))
    (table,) = found["Related Dump (0x0041)"]
    assert "May be missing" in table[-1][4]
    assert "Since draft-2026-10" in table[-1][4]
    assert [row for row in table[1:-1] if "May be missing" in row[4] or "Since" in row[4]] == []
    (table,) = found["Module Entry (0x0002)"]
    assert [row[2] for row in table if "Left out" in row[4]] == [
        "BlobLen",
        "Reserved2",
        "NativeBlob",
    ]


def test_a_class_without_words_is_refused() -> None:
    class Novelty(Vocabulary):
        """Nobody has heard of it."""

    with pytest.raises(MslError, match="Novelty"):
        stored_as(Novelty())
