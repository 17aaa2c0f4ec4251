"""The read-write classes that schema/msl.ksy gives: files come out as they went in."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import SHARED
from languages.compare import ours
from languages.languages import WRITERS, prepare, rewritten
from languages.run import SAMPLES, gallery_files, sample_files
from languages.toolchains import Missing
from sampling import part_of
from test_languages import about, schema_text

from msl_construct.drafts import DRAFTS, NEWEST_DRAFT

WRITER = pytest.mark.parametrize("name", WRITERS)
DRAFT = DRAFTS[NEWEST_DRAFT]


def round_trip(name: str, paths: list[Path], folder: Path) -> dict[Path, bytes | str]:
    try:
        parse = prepare(WRITERS[name], schema_text("msl.ksy"))
    except Missing as missing:
        pytest.skip(f"{name}: {missing}")
    return dict(zip(paths, rewritten(parse, paths, folder)))


def assert_unchanged(written: dict[Path, bytes | str]) -> None:
    for path, data in written.items():
        assert not isinstance(data, str), f"{path}: {data}"
        assert data == path.read_bytes(), f"{path} is not the same any more"


def assert_undamaged_unchanged(written: dict[Path, bytes | str]) -> None:
    whole = {path: data for path, data in written.items() if not ours(path, DRAFT).damaged}
    assert len(whole) > len(written) // 3
    assert_unchanged(whole)
    # What is damaged may be refused, but is never changed.
    assert_unchanged({path: data for path, data in written.items() if not isinstance(data, str)})


@WRITER
def test_every_sample_comes_out_as_it_went_in(name: str, tmp_path: Path) -> None:
    paths = part_of(sample_files([*SAMPLES, SHARED / "samples"]), about)
    assert_undamaged_unchanged(round_trip(name, paths, tmp_path))


@WRITER
def test_every_undamaged_specimen_comes_out_as_it_went_in(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "gallery"
    folder.mkdir()
    paths = part_of(gallery_files(folder), about)
    assert_undamaged_unchanged(round_trip(name, paths, tmp_path))
