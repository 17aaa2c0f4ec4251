"""The files in samples/: reproducible, intact, documented as an independent decoder reads them."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
import yaml
from independent.decode import decode

import msl_construct

SAMPLES = Path(__file__).parents[1] / "samples"
FILES = sorted(SAMPLES.glob("*.msl"))


def recipes() -> ModuleType:
    spec = importlib.util.spec_from_file_location("samples_make", SAMPLES / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_there_are_both_byte_orders() -> None:
    assert {path.read_bytes()[8] for path in FILES} == {1, 2}


def test_making_them_again_gives_the_same_bytes(tmp_path: Path) -> None:
    for made in recipes().make(tmp_path):
        if made.read_bytes() == (SAMPLES / made.name).read_bytes():
            continue
        # Another version of zstd or LZ4 may compress to other bytes of the same meaning.
        assert made.name.startswith("regions-1.1"), made.name
        dump = msl_construct.open((tmp_path / "regions-1.1.msl").read_bytes())
        known = msl_construct.open((SAMPLES / "regions-1.1.msl").read_bytes())
        assert [r.page_data for r in dump.regions] == [r.page_data for r in known.regions]
    assert {path.name for path in tmp_path.iterdir()} == {
        path.name for path in SAMPLES.iterdir() if path.suffix in (".msl", ".yaml")
    }


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_document_is_what_an_independent_decoder_reads(path: Path) -> None:
    stated = yaml.safe_load(path.with_suffix(".yaml").read_text(encoding="utf-8"))
    assert stated == decode(path.read_bytes(), path.name)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_intact_and_complete(path: Path) -> None:
    with msl_construct.open(path) as dump:
        verdict = dump.verify()
    assert verdict.intact, str(verdict)
    assert verdict.complete, str(verdict)
