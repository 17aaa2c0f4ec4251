"""The specification as a PDF: every block's name, contents with page numbers, links that lead."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from commands import PLACE, run
from sampling import sampled

from msl_construct.drafts import DRAFTS, PUBLIC
from msl_construct.schema import ByteOrder

NEEDS = "needs WeasyPrint, Pango and pypdf: pip install 'msl-construct[test]'"


def book(draft: str, path: Path) -> Any:
    """The PDF of a draft, opened."""
    pypdf = pytest.importorskip("pypdf", reason=NEEDS)
    try:
        import weasyprint  # noqa: F401
    except (ImportError, OSError):
        pytest.skip(NEEDS)
    ran = run("schema", "export", "--to", "spec-pdf", "--draft", draft, "-o", path, "-q")
    assert ran.returncode == 0, ran.stderr
    return pypdf.PdfReader(path)


@sampled()
@pytest.mark.parametrize("draft", PUBLIC[::-1])
def test_the_book_has_everything(draft: str, tmp_path: Path) -> None:
    found = book(draft, tmp_path / "spec.pdf")
    pages = [page.extract_text() for page in found.pages]
    text = " ".join(" ".join(pages).split())
    blocks = DRAFTS[draft].bound(ByteOrder.LITTLE).blocks.values()
    assert [b.name for b in blocks if f"{b.name} (0x{b.code:04x})" not in text] == []
    assert found.metadata.title == f"Memory Slice, {draft}"

    listed = dict(re.findall(r"^(.+?)[ .]{3,}(\d+)$", "\n".join(pages[1:4]), re.M))
    for block in blocks:
        title = f"{block.name} (0x{block.code:04x})"
        assert title in pages[int(listed[title]) - 1], title
    outline = [one.title for one in flat(found.outline)]
    assert {"Conventions", "Memory Region (0x0001)", "Registries"} <= set(outline)

    links = [note.get_object() for page in found.pages for note in page.get("/Annots", ())]
    targets = {str(one["/Dest"]) for one in links if "/Dest" in one}
    assert len(targets) > 100
    assert targets <= set(found.named_destinations)


def flat(outline: list[Any]) -> list[Any]:
    """An outline's entries in one list."""
    return [
        one for entry in outline for one in (flat(entry) if isinstance(entry, list) else [entry])
    ]


def test_it_needs_a_file(tmp_path: Path) -> None:
    for words in ([], ["-o", "-"], ["-o", tmp_path], ["-o", tmp_path / "a.pdf", "--check"]):
        assert run("schema", "export", "--to", "spec-pdf", *words).returncode == 2


def test_without_weasyprint_it_is_said_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "weasyprint.py").write_text("raise ImportError('none here')")
    path = f"{tmp_path}:{PLACE}"
    out = tmp_path / "a.pdf"
    ran = run("schema", "export", "--to", "spec-pdf", "-o", out, PYTHONPATH=path)
    assert ran.returncode == 3, ran.stderr
    assert b"pip install 'msl-construct[pdf]'" in ran.stderr
    assert not out.exists()
