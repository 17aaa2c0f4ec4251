"""What an author of a draft starts with and looks at: a file, diagrams, strings of documents."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import facts
import pytest
from authoring import known_as_before  # noqa: F401
from commands import run

from msl_construct.drafts import DRAFTS, PUBLIC
from msl_construct.drafts.authored import load
from msl_construct.exports.consistency import findings
from msl_construct.exports.diagram import bits, bytes_of, svg
from msl_construct.exports.document_strings import document_strings
from msl_construct.exports.draft_start import draft_start
from msl_construct.schema import ByteOrder

NEW = DRAFTS["draft-2026-10"].bound(ByteOrder.LITTLE)


# -- a file to begin with ------------------------------------------------------------------------


@pytest.mark.parametrize("base", PUBLIC)
def test_the_start_is_a_draft_that_changes_nothing(base: str, tmp_path: Path) -> None:
    path = tmp_path / "my_draft.py"
    done = run("schema", "new", path, "--base", base)
    assert (done.returncode, done.stdout) == (0, b"")
    draft = load(f"{path}:MY_DRAFT")
    assert (draft.name, draft.base) == ("my-draft", DRAFTS[base])
    assert draft.version == DRAFTS[base].version + 1
    assert [one for one in findings(draft) if not one.remark] == []
    assert run("schema", "new", path).returncode == 2  # it is there
    assert run("schema", "new", tmp_path / "my_draft.txt").returncode == 2


def test_every_word_of_the_start_can_be_used(tmp_path: Path) -> None:
    text, constant = draft_start(DRAFTS["draft-2026-10"], "my_draft.py")
    code = re.compile(r"^( *)# ((?:\w+ = \w+\(|\w+=\[|\w+=\{|\w+\(|    |\)).*)$", re.MULTILINE)
    path = tmp_path / "my_draft.py"
    path.write_text(code.sub(r"\1\2", text), "utf-8")
    draft = load(f"{path}:{constant}")
    words = {one.word for one in draft.amendments}
    assert len(words) == 10
    assert [one for one in findings(draft) if not one.remark] == []
    assert "remark" in {block.key for block in draft.blocks}


# -- pictures ------------------------------------------------------------------------------------


def test_the_diagram_of_a_structure_has_its_bytes() -> None:
    lines = list(bytes_of(NEW.key_hint))
    assert all(len(line) <= 75 for line in lines)
    assert lines[2].endswith("|  0x00")
    # Region UUID takes two rows, without a line between them.
    assert "RegionUUID" in lines[2]
    assert set(lines[3]) == {"+", " "}
    row = next(line for line in lines if "KeyLen" in line)
    assert [cell.strip() for cell in row.strip("|").split("|")[:3]] == [
        "KeyLen", "KeyType", "Protocol  0x18"[:8],
    ]  # fmt: skip
    assert row.endswith("0x18")
    assert any(line.startswith("~") and "Note: text, NoteLen" in line for line in lines)


def test_a_row_says_where_it_begins() -> None:
    """A field of varying length has a row of its own, wherever it begins."""
    row = NEW.layouts["connectivity_table"].field("rows").type.entry
    for layout, name, place in ((NEW.key_hint, "Note:", "0x2c"), (row, "Body:", "0x03")):
        (line,) = (one for one in bytes_of(layout) if name in one)
        assert line.endswith(place)
        assert f">{place}</text>" in svg(layout)
    assert not any("0x04" in line or "0x08" in line for line in bytes_of(row))
    first, short, below, *_ = list(bytes_of(row))[1:]
    assert (first, below[:25]) == ("+-------+---------------+", first)
    assert (short.index("0x00"), short[:9]) == (67, "|RowType|")
    lines = [line for line in bytes_of(NEW.layouts["module_entry"]) if "DiskHash" in line]
    assert [line[-1] for line in lines] == ["|"], "behind Path nobody knows where"


@pytest.mark.parametrize("key", list(NEW.layouts))
def test_every_structure_has_a_diagram_with_all_its_fields(key: str) -> None:
    layout = NEW.layouts[key]
    picture = svg(layout)
    root = ElementTree.fromstring(picture)
    titles = [one.text for one in root.iter("{http://www.w3.org/2000/svg}text")]
    for field in layout.fields:
        stem = field.name[:5]
        assert any(stem in line for line in bytes_of(layout)), field.name
        assert any(title and stem in title for title in titles), field.name
    assert "currentColor" in picture


def test_the_diagram_of_a_flag_word_has_its_bits() -> None:
    lines = list(bits(NEW.flags["BlockFlags"]))
    assert lines[0].split() == [str(number) for number in range(15, -1, -1)]
    assert [one.strip() for one in lines[2].strip("|").split("|")][-6:] == list("EDCBBA")
    assert "  B  bits 1 to 2: CompAlgo" in lines
    long = "\n".join(bits(NEW.flags["CapBitmap"]))
    assert "MemoryRegions" in long
    assert " 63" not in long  # rows without a flag are left out


def test_the_command_shows_them(tmp_path: Path) -> None:
    text = run("schema", "show", "draft-2026-10", "memory_region").stdout.decode()
    assert "|page0|page1|page2|page3|  byte 0" in text
    assert "11  NotResident" in text
    done = run("schema", "show", "draft-2026-10", "0x0001", "--svg")
    assert ElementTree.fromstring(done.stdout).tag.endswith("svg")
    for words in (["--svg"], ["OSType", "--svg"], ["0x0001", "--svg", "--json"]):
        assert run("schema", "show", "draft-2026-10", *words).returncode == 2


# -- what a document may hold ----------------------------------------------------------------------


@pytest.mark.parametrize("draft", PUBLIC)
def test_the_strings_of_a_document(draft: str) -> None:
    found = document_strings(DRAFTS[draft])
    assert {"document", "blocks", "payload_version", "base_addr", "page_state_map"} <= set(
        found["keys"]
    )
    assert "linux" in found["OSType"]
    assert "comp_algo_zstd" in found["BlockFlags"]
    assert {"memory_region", "end_of_capture"} <= set(found["BlockType"])
    done = run("schema", "show", draft, "--document")
    assert "OSType: linux\n" in done.stdout.decode()
    assert json.loads(run("schema", "show", draft, "--document", "--json").stdout) == found


def test_no_string_of_a_sample_is_missing() -> None:
    """Every key of the documents of the corpus is listed."""
    keys = set(document_strings(DRAFTS[facts.DRAFT_10])["keys"])
    for path in sorted((Path(__file__).parents[1] / "samples" / "valid").glob("*-11-le.json"))[:40]:
        waiting = [json.loads(path.read_text("utf-8"))]
        while waiting:
            one = waiting.pop()
            if isinstance(one, dict):
                assert set(one) <= keys, path.name
                waiting += list(one.values())
            elif isinstance(one, list):
                waiting += one
