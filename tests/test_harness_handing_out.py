"""Decoders that do something to the sample that they are given."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

import pytest
from harness_corpus import a_corpus_of_one, decoder, only

from msl_construct.corpus.manifest import Manifest
from msl_construct.errors import DocumentError
from msl_construct.harness import Result, SampleOutcome, run
from msl_construct.harness.handing_out import _copy, handed_out, prepare

__all__ = ["a_corpus_of_one"]

DEEDS = {
    "empties": ("open(path, 'wb').close()", "changed its file: expected .* bytes, found 0"),
    "appends": ("open(path, 'ab').write(b'.')", "changed its file: expected"),
    "rewrites": (
        "path.chmod(0o600); data = path.read_bytes(); path.write_bytes(data[::-1])",
        "changed bytes of its file",
    ),
    "one-byte": (
        "path.chmod(0o600); file = open(path, 'r+b'); file.seek(90); file.write(b'Z')",
        "changed bytes of its file",
    ),
    "removes": ("path.unlink()", "removed its file"),
    "moves": ("path.rename(path.with_name('other'))", "removed its file"),
    "links": (
        "path.unlink(); path.symlink_to('/dev/null')",
        "replaced its file by a symbolic link",
    ),
    "pipes": ("path.unlink(); import os; os.mkfifo(path)", "something that is no file"),
    "clears": ("import shutil; shutil.rmtree(path.parents[1])", "removed its file"),
    "stdin": ("", "changed its file: expected .* bytes, found 0"),
}


def as_it_was(manifest: Manifest) -> dict[str, bytes]:
    return {
        str(path.relative_to(manifest.folder)): path.read_bytes()
        for path in sorted(manifest.folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.skipif(os.name != "posix", reason="decoders are run on POSIX systems")
@pytest.mark.parametrize("deed", DEEDS)
def test_what_a_decoder_does_to_its_sample_is_said(
    one: Manifest, tmp_path: Path, deed: str
) -> None:
    before = as_it_was(one)
    body, said = DEEDS[deed]
    command = decoder(tmp_path, f"sys.stdout.flush()\n{body}")
    if deed == "stdin":
        right = decoder(tmp_path, "").replace("{}", str(one.folder / "valid" / "live-10-le.msl"))
        command = f"sh -c '{right}; : > /dev/stdin'"
    result: Result = only(run(one, command))
    assert result.outcome is SampleOutcome.CRASH, result
    assert result.failed
    assert result.detail
    assert re.search(said, result.detail), result.detail
    assert as_it_was(one) == before, "the corpus stays as it was"


def test_a_shell_that_empties_its_file_does_not_pass(one: Manifest) -> None:
    before = as_it_was(one)
    result = only(run(one, "sh -c ': > \"$1\"' decoder {}"))
    assert result.failed
    assert "changed its file" in result.detail
    assert as_it_was(one) == before


def test_the_command_that_is_shown_names_the_sample(one: Manifest, tmp_path: Path) -> None:
    result = only(run(one, decoder(tmp_path, "path.unlink()")))
    assert str(one.folder / "valid" / "live-10-le.msl") in result.command


def test_copies_are_read_only_and_gone_afterwards(one: Manifest, tmp_path: Path) -> None:
    (sample,) = one
    prepare(one, tmp_path)
    with handed_out(one, sample, tmp_path) as given:
        assert given.path.name == Path(sample.file).name
        assert given.path.read_bytes() == (one.folder / sample.file).read_bytes()
        assert stat.S_IMODE(given.path.stat().st_mode) == 0o444
        assert given.changes() == ""
        given.path.parent.chmod(0)
    assert [path.name for path in tmp_path.iterdir() if path.is_dir() and path.name != "one"] == []


def test_a_corpus_that_changes_meanwhile_ends_the_run(one: Manifest, tmp_path: Path) -> None:
    original = one.folder / "valid" / "live-10-le.msl"
    command = decoder(tmp_path, f"open({str(original)!r}, 'ab').write(b'.')")
    with pytest.raises(DocumentError, match="changed while a decoder ran"):
        run(one, command)


def test_holes_stay_holes(tmp_path: Path) -> None:
    sparse, copy = tmp_path / "sparse", tmp_path / "copy"
    with sparse.open("wb") as file:
        for at in (0, 5 << 20, 40 << 20):
            file.seek(at)
            file.write(b"data" * 100)
        file.truncate(64 << 20)
    _copy(sparse, copy)
    assert copy.read_bytes() == sparse.read_bytes()
    assert copy.stat().st_blocks <= sparse.stat().st_blocks + 64
    for size in (0, 1 << 20):
        (tmp_path / "hole").write_bytes(b"")
        os.truncate(tmp_path / "hole", size)
        copy.unlink()
        _copy(tmp_path / "hole", copy)
        assert copy.read_bytes() == bytes(size)
