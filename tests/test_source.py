"""Where bytes come from: buffers, files, pipes; cursors and extents over them."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import lzma
import os
import tempfile
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from independent import wire
from independent.specimens import LE10, LE11, capture, finish, start
from open_files import descriptors

from msl_construct.errors import HeaderError, StreamError
from msl_construct.reader import open_dump
from msl_construct.source import (
    BufferSource,
    Cursor,
    Extent,
    FileSource,
    PathSource,
    Short,
    Source,
    StreamSource,
)

DATA = bytes(range(256)) * 40
FILE = capture(LE10).data()


def path_source(data: bytes) -> PathSource:
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.flush()
        return PathSource(file.fileno())


MAKERS: list[Callable[[bytes], Source]] = [
    BufferSource,
    lambda data: BufferSource(memoryview(bytearray(data))),
    path_source,
    lambda data: FileSource(io.BytesIO(data)),
    lambda data: StreamSource(io.BytesIO(data)),
]
each_source = pytest.mark.parametrize(
    "make", MAKERS, ids=["bytes", "memoryview", "path", "file", "stream"]
)


@each_source
@given(offset=st.integers(0, 300), length=st.integers(0, 300), size=st.integers(0, 280))
def test_reading_clips_at_the_end(
    make: Callable[[bytes], Source], offset: int, length: int, size: int
) -> None:
    data = DATA[:size]
    source = make(data)
    assert isinstance(source, Source)
    assert source.read(offset, length) == data[offset : offset + length]
    assert bytes(source.view(offset, length)) == data[offset : offset + length]
    source.read(0, size + 1)
    assert source.size == size


def test_views_of_files_stay_valid_after_closing() -> None:
    source = path_source(DATA)
    view = source.view(100, 50)
    source.close()
    source.close()
    assert bytes(view) == DATA[100:150]


def test_views_of_buffers_are_no_copies() -> None:
    data = bytearray(DATA)
    view = BufferSource(data).view(5, 2)
    data[5] = 0xEE
    assert view[0] == 0xEE


# -- pipes -----------------------------------------------------------------------------------


class Pipe(io.RawIOBase):
    """Gives what it has in small pieces and cannot go back."""

    def __init__(self, data: bytes, piece: int = 7) -> None:
        self.data, self.piece, self.position = data, piece, 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        size = self.piece if size < 0 else min(size, self.piece)
        found = self.data[self.position : self.position + size]
        self.position += len(found)
        return found

    def readinto(self, buffer: Any) -> int:
        found = self.read(len(buffer))
        buffer[: len(found)] = found
        return len(found)


def test_a_stream_goes_forward_only() -> None:
    source = StreamSource(Pipe(DATA))  # type: ignore[arg-type]
    assert source.size is None
    assert source.read(10, 20) == DATA[10:30]
    assert source.read(0, 5) == DATA[:5]  # still held
    source.forget(10)
    assert source.read(10, 5) == DATA[10:15]
    with pytest.raises(StreamError, match=r"offset 0x9 has gone by: .* stands at 0xa") as caught:
        source.read(9, 1)
    assert caught.value.offset == 9
    source.forget(5000)
    assert source.read(5000, 3) == DATA[5000:5003]
    with pytest.raises(StreamError):
        source.view(4999, 1)
    assert source.read(len(DATA), 1) == b""
    assert source.size == len(DATA)


def test_a_stream_holds_only_what_was_not_forgotten() -> None:
    pipe = Pipe(DATA, piece=64)
    source = StreamSource(pipe)  # type: ignore[arg-type]
    source.forget(100_000)
    assert (source.size, source.read(100_000, 4)) == (len(DATA), b"")
    pipe = Pipe(DATA, piece=64)
    source = StreamSource(pipe)  # type: ignore[arg-type]
    extent = Extent(source, 64, 5000)
    assert b"".join(bytes(piece) for piece in extent.chunks(512)) == DATA[64:5064]
    with pytest.raises(StreamError):
        bytes(extent)


def test_draining_gives_what_is_left() -> None:
    source = StreamSource(Pipe(DATA))  # type: ignore[arg-type]
    source.read(0, 10)
    source.forget(4)
    assert source.start == 4
    assert b"".join(source.drain()) == DATA[4:]
    assert source.size == len(DATA)


# -- cursors and extents ---------------------------------------------------------------------


@given(data=st.data(), size=st.integers(0, 2000))
def test_a_cursor_never_leaves_its_range(data: st.DataObject, size: int) -> None:
    start_, end = sorted(data.draw(st.tuples(st.integers(0, size), st.integers(0, size))))
    cursor = Cursor(BufferSource(DATA[:size]), start_, end)
    position = start_
    for length in data.draw(st.lists(st.integers(0, 700), max_size=8)):
        if length > end - position:
            with pytest.raises(Short) as caught:
                cursor.take(length)
            assert (caught.value.needed, caught.value.remaining) == (length, end - position)
        else:
            assert cursor.take(length) == DATA[position : position + length]
            position += length
        assert (cursor.position, cursor.remaining) == (position, end - position)
        inner = cursor.within(length)
        assert (inner.position, inner.end) == (position, min(end, position + length))
    assert bytes(cursor.rest()) == DATA[position:end]
    assert cursor.remaining == 0


def test_a_cursor_over_a_source_that_ends_early() -> None:
    cursor = Cursor(BufferSource(b"abc"), 0, 10)
    with pytest.raises(Short):
        cursor.take(5)


def test_extents() -> None:
    extent = Extent(BufferSource(DATA), 16, 4)
    assert (bytes(extent), len(extent)) == (b"\x10\x11\x12\x13", 4)
    assert extent == b"\x10\x11\x12\x13" == Extent(BufferSource(bytes(extent)), 0, 4)
    assert extent != b"\x10"
    assert extent != Extent(BufferSource(DATA), 17, 4)
    assert extent != 5
    assert repr(extent) == "Extent(offset=0x10, length=4)"
    assert [bytes(c) for c in Extent(BufferSource(DATA), 0, 10).chunks(4)] == [
        DATA[:4], DATA[4:8], DATA[8:10],
    ]  # fmt: skip


# -- whatever the caller has -----------------------------------------------------------------


def keys(file: Any) -> list[str]:
    with open_dump(file) as dump:
        assert dump.size == len(FILE)
        assert dump.verify().intact
        return [block.key for block in dump.blocks]


EXPECTED = [
    "process_identity", "module_list_index", "module_entry", "memory_region", "memory_region",
    "end_of_capture",
]  # fmt: skip


def test_opening_what_is_in_memory() -> None:
    for file in (FILE, bytearray(FILE), memoryview(FILE), io.BytesIO(FILE)):
        assert keys(file) == EXPECTED


def test_opening_paths_and_files(tmp_path: Path) -> None:
    path = tmp_path / "a dump.msl"
    path.write_bytes(FILE)
    assert keys(path) == keys(str(path)) == EXPECTED
    assert open_dump(path).name == "a dump.msl"
    with open(path, "rb") as file:
        file.seek(100)
        assert keys(file) == EXPECTED
        assert file.read(4) == FILE[100:104]  # the caller's position is the caller's
    with open(path, "rb", buffering=0) as raw:
        assert keys(raw) == EXPECTED
    with pytest.raises(FileNotFoundError):
        open_dump(tmp_path / "nothing")


def test_page_data_outlives_the_dump(tmp_path: Path) -> None:
    path = tmp_path / "a.msl"
    path.write_bytes(FILE)
    with open_dump(path) as dump:
        view = dump.regions[0].page_data
    assert bytes(view) == b"\0" * 1024
    dump.close()


@pytest.mark.parametrize(
    ("name", "opener"), [("gz", gzip.open), ("bz2", bz2.open), ("xz", lzma.open)]
)
def test_opening_a_compressed_file_object(
    tmp_path: Path, name: str, opener: Callable[[Path, str], IO[bytes]]
) -> None:
    """It has a descriptor, but that of the compressed file."""
    path = tmp_path / f"a.msl.{name}"
    with opener(path, "wb") as file:
        file.write(FILE)
    with opener(path, "rb") as file:
        assert keys(file) == EXPECTED


def test_opening_an_archive_member(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.msl", FILE)
        with archive.open("a.msl") as file:
            assert keys(file) == EXPECTED


def fed(data: bytes, write: Callable[[], IO[bytes]]) -> threading.Thread:
    def feed() -> None:
        with write() as file, contextlib.suppress(BrokenPipeError):
            file.write(data)

    thread = threading.Thread(target=feed, daemon=True)
    thread.start()
    return thread


def test_opening_a_pipe() -> None:
    reading, writing = os.pipe()
    thread = fed(FILE, lambda: os.fdopen(writing, "wb"))
    with os.fdopen(reading, "rb") as pipe:
        assert keys(pipe) == EXPECTED
    thread.join()
    assert keys(io.BufferedReader(Pipe(FILE))) == EXPECTED


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_opening_a_named_pipe(tmp_path: Path) -> None:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    thread = fed(FILE, lambda: path.open("wb"))
    assert keys(path) == EXPECTED
    thread.join()


def test_what_is_no_dump_is_closed_again(tmp_path: Path) -> None:
    path = tmp_path / "a.msl"
    path.write_bytes(b"nothing of the kind")
    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("needs /proc")
    before = descriptors()
    with path.open("rb"):
        assert descriptors() - before
    for _ in range(5):
        with pytest.raises(HeaderError):
            open_dump(path)
        assert not descriptors() - before


class Slow(io.BytesIO):
    """A file object that lets another thread in between seek and read."""

    def seek(self, offset: int, whence: int = 0) -> int:
        found = super().seek(offset, whence)
        threading.Event().wait(0.0005)
        return found


@pytest.mark.parametrize("kind", [LE10, LE11], ids=lambda kind: kind.name)
def test_verifying_a_file_object_does_not_race_with_itself(kind: Any) -> None:
    """The chain and FileHash are computed side by side from one position."""
    builder = start(kind)
    for number in range(40):
        builder.add(0x0012, wire.opaque(500, number))
    data = finish(builder, kind)
    for _ in range(3):
        verdict = open_dump(Slow(data)).verify()
        assert [f.kind for f in verdict.findings] == []
