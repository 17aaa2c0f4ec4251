"""The rendered specification says all that a decoder of blocks and regions needs.

`newcomer/decoder.py` has the page's conventions in it, and takes everything else from its tables.
"""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from commands import PLACE, run
from mutations import mutated
from sampling import part_of

from msl_construct.corpus import Manifest
from msl_construct.document import Renderer
from msl_construct.document.emit import write_json
from msl_construct.drafts import DRAFTS, PUBLIC
from msl_construct.errors import DialectError, MslError
from msl_construct.harness.comparing import compare
from msl_construct.harness.levels import ComparisonLevel
from msl_construct.reader import open_dump
from msl_construct.specification.page import specification

DECODER = Path(__file__).parent / "newcomer" / "decoder.py"
sys.path.append(str(DECODER.parent))

import decoder as newcomer  # noqa: E402 - a script, in no package

SAMPLES = PLACE / "samples"
LACKS = {"large"}
HASHED = ("segment", "extension", "encrypted", "zst", "lz4")
"""What files are about of which no reader says all without hashes, keys or libraries."""
MUTANTS = 64
"""Of the damaged files, so many a run of a part."""


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
    failed = [one for one in report["samples"] if one["outcome"] not in ("pass", "skipped")]
    assert failed == []
    assert report["totals"]["pass"] > 50


def test_a_page_that_says_something_else_is_noticed(pages: list[Path]) -> None:
    text = pages[0].read_text("utf-8")
    wrong = pages[0].with_name("wrong.html")
    wrong.write_text(text.replace(">u64, address<", ">u64<"), "utf-8")
    report = judged([wrong, pages[1]], ["valid/region-*10-le"], "--level", "regions")
    assert not report["ok"]


def read_by_us(data: bytes) -> dict[str, Any] | None:
    """The document of a file; None: it is refused.

    Raises:
        DialectError: by its contents, not by what it says, it is of another byte order.
    """
    text = io.StringIO()
    try:
        with open_dump(data) as dump:
            write_json(Renderer().parts(dump), text.write)
    except DialectError:
        raise
    except MslError:
        return None
    document: dict[str, Any] = json.loads(text.getvalue())
    return document


def test_the_page_says_what_becomes_of_damage(pages: list[Path], tmp_path: Path) -> None:
    """It shows damaged files as our reader does, but for those of producers who differ."""
    drafts = sorted(
        (newcomer.Draft(one.read_text("utf-8")) for one in pages), key=lambda d: d.version
    )
    names = [one.name for one in Manifest.load(SAMPLES) if one.stored]
    plain = [one for one in names if not any(word in one.lower() for word in HASHED)]
    small = [path for one in plain if (path := SAMPLES / f"{one}.msl").stat().st_size < 8000]
    pool = [path.read_bytes() for path in small]
    path, compared = tmp_path / "damaged.msl", 0
    for seed in part_of(range(16 * MUTANTS), lambda _: ""):
        path.write_bytes(data := mutated(f"newcomer-{seed}", pool))
        try:
            expected = read_by_us(data)
        except DialectError:  # such a file may be refused, or not
            continue
        if expected is not None and (expected["format"]["dialect"] or expected["segments"]):
            continue
        try:
            _, found = newcomer.decode(drafts, str(path))
        except newcomer.Refused:
            assert expected is None, seed
            continue
        assert expected is not None, seed
        wrong = compare(expected, found, ComparisonLevel.PAYLOADS).differences
        assert wrong == [], (seed, wrong)
        compared += 1
    assert compared > MUTANTS // 2
