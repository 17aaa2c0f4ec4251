"""Captured runs on their way into another format: from file to file, and nothing made up."""

from __future__ import annotations

import errno
import io
import os
from pathlib import Path

import pytest
from foreign_files import PAGE

from msl_construct.convert.copying import RunWriter
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
