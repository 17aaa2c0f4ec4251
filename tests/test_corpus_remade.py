"""The samples are made again, as whoever changes them does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from sampling import only_whole

from msl_construct.corpus import Manifest

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
