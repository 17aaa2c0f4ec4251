"""The rendered specification says all that a decoder of blocks and regions needs.

`newcomer/decoder.py` has the page's conventions in it, and takes everything else from its tables.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from commands import PLACE, run
from sampling import part_of

from msl_construct.corpus import Manifest
from msl_construct.drafts import DRAFTS, PUBLIC
from msl_construct.specification.page import specification

DECODER = Path(__file__).parent / "newcomer" / "decoder.py"
SAMPLES = PLACE / "samples"
LACKS = {"encrypted", "large"}


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("pages")
    found = [folder / f"{name}.html" for name in PUBLIC]
    for name, path in zip(PUBLIC, found):
        path.write_text(specification(DRAFTS[name]), "utf-8")
    return found


def judged(pages: list[Path], names: list[str], *words: str) -> dict[str, Any]:
    """What ``samples run`` says of the decoder."""
    decoder = " ".join(map(str, [sys.executable, DECODER, *pages]))
    only = [f"--only={name}" for name in names]
    words = ("--decoder", decoder, "--batch", "--format", "json", *words, *only)
    ran = run("samples", "run", "--samples", SAMPLES, *words)
    report: dict[str, Any] = json.loads(ran.stdout)
    assert ran.returncode == (0 if report["ok"] else 1)
    return report


def test_it_decodes_the_samples(pages: list[Path]) -> None:
    manifest = Manifest.load(SAMPLES)
    names = [one.name for one in manifest if not LACKS & set(one.features)]
    report = judged(pages, list(part_of(names, lambda name: name[:10])), "--level", "payloads")
    assert report["ok"], report["causes"]
    assert report["totals"]["pass"] > 50


def test_a_page_that_says_something_else_is_noticed(pages: list[Path]) -> None:
    text = pages[0].read_text("utf-8")
    wrong = pages[0].with_name("wrong.html")
    wrong.write_text(text.replace(">u64, address<", ">u64<"), "utf-8")
    report = judged([wrong, pages[1]], ["valid/region-*10-le"], "--level", "regions")
    assert not report["ok"]
