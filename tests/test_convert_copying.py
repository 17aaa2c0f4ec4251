"""Captured runs on their way into another format: from file to file, and nothing made up."""

from __future__ import annotations

import errno
import io
import os
import subprocess
from pathlib import Path

import pytest
from commands import COMMAND
from foreign_files import PAGE

from msl_construct.convert.copying import RunWriter
from msl_construct.convert.memory_runs import can_seek
from msl_construct.convert.segments import FileSegment, SegmentSpace
from msl_construct.errors import MemoryAccessError
from msl_construct.source import PathSource


def test_a_run_goes_from_file_to_file_with_its_zeros(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the kernel, by hand where that can't, and piece by piece into what is no file."""
    block = 1 << 16
    content = b"".join(
        (b"ab" * (block // 2), bytes(3 * block), b"c" * 100, bytes(block), b"d" * PAGE)
    )
    source = tmp_path / "source"
    source.write_bytes(b"head" + content)
    space = SegmentSpace(
        PathSource(source),
        [FileSegment(PAGE, PAGE + len(content), 0, 4, len(content), len(content))],
    )

    def refuse(*_: object) -> int:
        raise OSError(errno.EXDEV, "another device")

    for number, way in enumerate(("kernel", "hand", "memory")):
        if way == "hand":
            monkeypatch.setattr(os, "copy_file_range", refuse)
        if way == "memory":
            file = io.BytesIO()
            RunWriter(space, file, False).put(PAGE, len(content))
            assert file.getvalue() == content
            continue
        with (tmp_path / str(number)).open("wb") as out:
            out.write(b"front")
            RunWriter(space, out, True).put(PAGE, len(content))
            assert out.tell() == 5 + len(content)
            out.truncate(out.tell())
        assert (tmp_path / str(number)).read_bytes() == b"front" + content


def test_a_source_that_becomes_shorter_is_not_taken_for_zeros(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"x" * 3 * PAGE)
    space = SegmentSpace(
        PathSource(source), [FileSegment(PAGE, 4 * PAGE, 0, 0, 3 * PAGE, 3 * PAGE)]
    )
    os.truncate(source, PAGE)
    with (tmp_path / "out").open("wb") as out, pytest.raises(MemoryAccessError):
        RunWriter(space, out, True).put(PAGE, 3 * PAGE)


def test_what_stands_in_a_file_is_not_taken_for_zeros_of_memory(tmp_path: Path) -> None:
    """Standard output may be a file that somebody has opened for reading and writing."""
    place = tmp_path / "out"
    place.write_bytes(b"x" * PAGE)
    with place.open("r+b") as out:
        assert not can_seek(out)
        out.truncate(0)
        assert can_seek(out)


@pytest.mark.parametrize("mode", ["r+b", "ab"])
def test_nothing_is_written_to_the_dump_through_standard_output(tmp_path: Path, mode: str) -> None:
    sample = next((Path(__file__).parents[1] / "samples").rglob("*.msl"))
    dump = tmp_path / "dump.msl"
    dump.write_bytes(sample.read_bytes())
    with dump.open(mode) as out:
        done = subprocess.run(
            [*COMMAND, "export", str(dump), "--to", "raw", "-o", "-"],
            stdout=out,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode == 2
    assert b"is the file that is read" in done.stderr
    assert dump.read_bytes() == sample.read_bytes()
