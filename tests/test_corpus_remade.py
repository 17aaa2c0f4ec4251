"""The samples are made again, as whoever changes them does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import commands
from sampling import only_whole

from msl_construct.corpus import Kind, Manifest

FOLDER = Path(__file__).parents[1] / "samples"
STORED = [sample for sample in Manifest.load(FOLDER) if sample.stored]
READABLE = [sample for sample in STORED if sample.document]
KEYED = [sample for sample in STORED if sample.key is not None]


def test_made_again_they_are_the_same_bytes(tmp_path: Path) -> None:
    """By another process, with another hash seed and time zone."""
    only_whole("the bare wheel makes them all in CI, in the same way")
    environment = {**os.environ, "PYTHONHASHSEED": "42", "TZ": "Asia/Kathmandu"}
    command = [sys.executable, "-m", "msl_construct", "samples", "generate", "-q", "-o", tmp_path]
    subprocess.run(command, env=environment, check=True)
    made_files = {path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()}
    for path in made_files:
        assert (tmp_path / path).read_bytes() == (FOLDER / path).read_bytes(), path
    assert len(made_files) == len(STORED) + len(READABLE) + len(KEYED) + 2


def test_what_is_stale_is_named(tmp_path: Path) -> None:
    for name in (*(kind.value for kind in Kind), "manifest.json", "traceability.json"):
        os.symlink(FOLDER / name, tmp_path / name)
    os.unlink(tmp_path / "questionable")
    (tmp_path / "questionable").mkdir()
    questionable = [s for s in STORED if s.kind is Kind.QUESTIONABLE]
    for number, sample in enumerate(questionable):
        for name in (sample.file, sample.document_file):
            assert name is not None
            if number:
                (tmp_path / name).write_bytes((FOLDER / name).read_bytes() + b"\n" * (number == 1))
    (tmp_path / "questionable" / "another.msl").write_bytes(b"")
    done = commands.run("samples", "generate", "--check", "-o", tmp_path)
    first, second = questionable[:2]
    assert done.returncode == 1
    assert done.stdout.decode().splitlines() == [
        f"{tmp_path}/{first.file}: missing",
        f"{tmp_path}/{first.document_file}: missing",
        f"{tmp_path}/{second.file}: differs",
        f"{tmp_path}/{second.document_file}: differs",
        f"{tmp_path}/questionable/another.msl: no sample of this name",
    ]
    assert done.stderr.decode() == f"msl: {tmp_path}: 5 differences\n"
