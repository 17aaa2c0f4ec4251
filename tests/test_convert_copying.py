"""Captured runs on their way into another format: from file to file, and nothing made up."""

from __future__ import annotations

import errno
import io
import os
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import COMMAND
from foreign_files import PAGE

from msl_construct.builder import disk
from msl_construct.builder.disk import Disk
from msl_construct.convert.copying import RunWriter
from msl_construct.convert.kernel_copy import KernelCopy
from msl_construct.convert.memory_runs import can_seek
from msl_construct.convert.segments import FileSegment, SegmentSpace
from msl_construct.errors import MemoryAccessError
from msl_construct.source import BufferSource, PathSource, Source


def elsewhere(*_: object, **__: object) -> int:
    """What the kernel says of two file systems, or of one that does not copy."""
    raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))


@pytest.mark.parametrize("front", [5, PAGE, 3 * PAGE + 1])
@pytest.mark.parametrize(
    "way", ["past the cache", "through the cache", "without the kernel", "memory"]
)
def test_a_run_goes_from_file_to_file_with_its_zeros(
    way: str, front: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Read and written at a time, whichever way; and piece by piece into what is no file."""
    block = 1 << 16
    content = b"".join(
        (b"ab" * (block // 2), bytes(3 * block), b"c" * 100, bytes(block), b"d" * PAGE, bytes(100))
    )
    content += random.Random(1).randbytes(3 << 20) + bytes(5 << 20) + b"e" * (PAGE + 1)
    source = tmp_path / "source"
    source.write_bytes(b"head" + content)
    held = PathSource(source)
    size = len(content)
    space = SegmentSpace(held, [FileSegment(PAGE, PAGE + size, 0, 4, size, size)])
    if way == "memory":
        file = io.BytesIO()
        with RunWriter(space, file, False) as memory:
            memory.put(PAGE, size)
        assert file.getvalue() == content
        return
    if way == "past the cache":
        monkeypatch.setattr(Disk, "goes_through", lambda *_: False)
    else:
        monkeypatch.setattr(disk, "around_cache", lambda _: None)
    if way == "without the kernel":
        monkeypatch.setattr(os, "splice", elsewhere)
    target = tmp_path / "target"
    with target.open("wb") as out:
        out.write(b"f" * front)
        with RunWriter(space, out, True) as memory:
            memory.put(PAGE, 1000)
            memory.put(PAGE + 1000, size - 1000)
        assert out.tell() == front + size
        out.truncate(out.tell())
    assert target.read_bytes() == b"f" * front + content
    assert target.stat().st_blocks * 512 < front + size - (5 << 20)


def test_what_stands_in_no_file_goes_between(tmp_path: Path) -> None:
    """Runs of which only some stand in a file as they are."""
    source = tmp_path / "source"
    source.write_bytes(b"x" * PAGE + b"z" * PAGE)

    class Halved(SegmentSpace):
        def places(self, address: int, size: int) -> Iterator[tuple[Source, int, int]]:
            if address == 2 * PAGE:
                return iter([(BufferSource(b"x" * PAGE), 0, PAGE)])
            return super().places(address, size)

    parts = [FileSegment(at * PAGE, (at + 1) * PAGE, at, 0, PAGE, PAGE) for at in (1, 2)]
    parts.append(FileSegment(3 * PAGE, 4 * PAGE, 3, PAGE, PAGE, PAGE))
    with (tmp_path / "out").open("wb") as out:
        with RunWriter(Halved(PathSource(source), parts), out, True) as memory:
            for at in (1, 2, 3):
                memory.put(at * PAGE, PAGE)
        out.truncate(out.tell())
    assert (tmp_path / "out").read_bytes() == b"x" * 2 * PAGE + b"z" * PAGE


def test_a_system_without_a_pipe_left_is_one_that_does_not_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none() -> tuple[int, int]:
        raise OSError(errno.ENFILE, os.strerror(errno.ENFILE))

    monkeypatch.setattr(os, "pipe", none)
    (tmp_path / "source").write_bytes(b"x")
    with (tmp_path / "source").open("rb") as source, (tmp_path / "out").open("wb") as out:
        kernel = KernelCopy(out.fileno())
        assert kernel.copied(source.fileno(), 0, 1, 0) == 0
    assert not kernel.works


@pytest.mark.parametrize("past", [False, True])
def test_a_disk_that_is_full_is_told(
    past: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"x" * 20 * (1 << 20))
    size = source.stat().st_size
    space = SegmentSpace(PathSource(source), [FileSegment(0, size, 0, 0, size, size)])

    def full(*_: object, **__: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Disk, "goes_through", lambda *_: not past)
    monkeypatch.setattr(Disk, "store_past", full)
    monkeypatch.setattr(os, "splice", full)
    with (
        (tmp_path / "out").open("wb") as out,
        pytest.raises(OSError, match="space") as told,
        RunWriter(space, out, True) as memory,
    ):
        memory.put(0, size)
    assert told.value.errno == errno.ENOSPC


@pytest.mark.parametrize("pages", [3, 1000])
def test_a_source_that_becomes_shorter_is_not_taken_for_zeros(
    pages: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Disk, "goes_through", lambda *_: True)
    size = pages * PAGE
    source = tmp_path / "source"
    source.write_bytes(b"x" * size)
    space = SegmentSpace(PathSource(source), [FileSegment(PAGE, PAGE + size, 0, 0, size, size)])
    os.truncate(source, PAGE)
    with (
        (tmp_path / "out").open("wb") as out,
        pytest.raises(MemoryAccessError),
        RunWriter(space, out, True) as memory,
    ):
        memory.put(PAGE, size)


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
