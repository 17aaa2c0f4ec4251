"""An output that fails, or that nobody reads: an error, a true beginning, and no waiting."""

from __future__ import annotations

import errno
import io
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pytest
from independent.specimens import LE10
from overlapping import DATA, PATIENCE, bounded, ours, quiet
from writing import live

import msl_construct
from msl_construct.builder.overlapped_output import SLOT, Conveyor
from msl_construct.errors import MslError

MIB = 1 << 20


@pytest.fixture(autouse=True)
def _nothing_stays_behind() -> Iterator[None]:
    with quiet():
        yield


class Limited(io.RawIOBase):
    """Takes some bytes and fails then, as a full disk does."""

    def __init__(self, room: int, error: BaseException | None = None) -> None:
        self.data = bytearray()
        self.room = room
        self.error = error or OSError(errno.ENOSPC, "No space left on device")

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        left = self.room - len(self.data)
        if not left:
            raise self.error
        piece = memoryview(data)[:left]
        self.data += piece
        return len(piece)


def until_it_fails(out: Conveyor, most: int) -> OSError:
    """Writes more than fits; the error that comes of it, and of everything after it."""
    with pytest.raises(OSError) as first:
        for _ in range(most // MIB + 2):
            out.write(DATA[:MIB])
        out.flush()
    for again in (
        lambda: out.write(b"x"),
        lambda: out.reserve(1),
        out.flush,
        out.file_digest,
        lambda: out.write(DATA[: 2 * MIB]),
        out.flush,
    ):
        with pytest.raises(OSError) as later:
            again()
        assert type(later.value) is type(first.value)
        assert later.value.errno == first.value.errno
    return first.value


@pytest.mark.parametrize("room", [0, 1, 4096, 5 * MIB + 1, SLOT, 3 * SLOT - 1])
def test_a_full_disk(room: int) -> None:
    def run() -> None:
        file = Limited(room)
        out = Conveyor(file)  # type: ignore[arg-type]
        try:
            error = until_it_fails(out, room + 5 * SLOT)
        finally:
            out.close()
        assert error.errno == errno.ENOSPC
        assert file.data == (DATA[:MIB] * (room // MIB + 1))[:room]

    bounded(run)


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), BrokenPipeError),
        (OSError(errno.EIO, "Input/output error"), OSError),
        (io.UnsupportedOperation("write"), io.UnsupportedOperation),
        (ValueError("write to closed file"), OSError),
        (MemoryError(), OSError),
    ],
    ids=lambda value: getattr(value, "__name__", type(value).__name__),
)
def test_whatever_it_raises(raised: BaseException, expected: type[BaseException]) -> None:
    def run() -> None:
        out = Conveyor(Limited(100, raised))  # type: ignore[arg-type]
        try:
            assert type(until_it_fails(out, 5 * SLOT)) is expected
        finally:
            out.close()

    bounded(run)


def test_a_pipe_that_would_block() -> None:
    """A non-blocking output that is full is an error, and not waited for."""

    def run() -> None:
        read, write = os.pipe()
        os.set_blocking(write, False)
        with os.fdopen(read, "rb", 0), os.fdopen(write, "wb", 0) as file:
            out = Conveyor(file)
            try:
                assert isinstance(until_it_fails(out, 5 * SLOT), BlockingIOError)
            finally:
                out.close()

    bounded(run)


@pytest.mark.parametrize("buffering", [0, -1])
def test_a_pipe_whose_reader_goes_away(buffering: int) -> None:
    def run() -> None:
        read, write = os.pipe()
        file = os.fdopen(write, "wb", buffering)
        out = Conveyor(file)
        try:
            out.write(DATA[:100])
            threading.Timer(0.05, os.close, (read,)).start()
            assert isinstance(until_it_fails(out, 5 * SLOT), BrokenPipeError)
        finally:
            out.close()
            try:
                file.close()
            except BrokenPipeError:
                assert buffering

    bounded(run)


def test_a_device_that_is_full() -> None:
    def run() -> None:
        with open("/dev/full", "wb", 0) as file:
            out = Conveyor(file)
            try:
                assert until_it_fails(out, 5 * SLOT).errno == errno.ENOSPC
            finally:
                out.close()

    if not os.path.exists("/dev/full"):
        pytest.skip("there is no /dev/full")
    bounded(run)


class NeverFlushed(io.BytesIO):
    def flush(self) -> None:
        raise OSError(errno.EDQUOT, "Disk quota exceeded")


def test_a_flush_that_fails() -> None:
    out = Conveyor(NeverFlushed())
    try:
        out.write(b"x")
        with pytest.raises(OSError) as caught:
            out.flush()
        assert caught.value.errno == errno.EDQUOT
    finally:
        out.close()


_LIMITED = """
import json, os, resource, sys
from msl_construct.builder import disk, overlapped_output
if sys.argv[2] == "cached":
    disk.around_cache = lambda file: None
found = []
for limit in json.loads(sys.argv[3]):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    file = open(sys.argv[1], "w+b")
    out = overlapped_output.Conveyor(file)
    data, errors = bytes(range(256)) * 4096, []
    for again in range(30):
        try:
            out.write(data)
        except OSError as error:
            errors.append(error.errno)
    try:
        out.flush()
    except OSError as error:
        errors.append(error.errno)
    out.close()
    try:
        file.close()
    except OSError:
        pass
    with open(sys.argv[1], "rb") as again:
        stored = again.read()
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    found.append([errors[:1], len(set(errors)), len(stored), (data * 31).startswith(stored)])
print(json.dumps(found))
"""


@pytest.mark.parametrize("way", ["direct", "cached"])
def test_a_limit_of_the_file_size(tmp_path: Path, way: str) -> None:
    """A regular file that can't grow: the system's own reason, and all that fits stays."""
    limits = [0, 4096, 5000, SLOT, SLOT + 1, 9 * MIB + 512]
    ran = subprocess.run(
        [sys.executable, "-c", _LIMITED, str(tmp_path / "out"), way, json.dumps(limits)],
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert not ran.returncode, ran.stderr.decode()
    for limit, (first, kinds, size, true) in zip(limits, json.loads(ran.stdout)):
        assert (first, kinds, true) == ([errno.EFBIG], 1, True), limit
        assert limit // 4096 * 4096 <= size <= limit


# -- nobody reads --------------------------------------------------------------------------


class Unread:
    """A pipe that nobody reads from, as a file to write to."""

    def __init__(self) -> None:
        self._read, write = os.pipe()
        self.file: IO[bytes] = os.fdopen(write, "wb", 0)
        self._others = set(ours())  # what another test has left is nothing to wait for

    def __enter__(self) -> Unread:
        return self

    def __exit__(self, *_: object) -> None:
        """Who hangs in a write is freed by this."""
        os.close(self._read)
        deadline = time.monotonic() + PATIENCE
        while set(ours()) - self._others and time.monotonic() < deadline:
            time.sleep(0.01)
        self.file.close()


@pytest.mark.parametrize("what", ["write", "flush", "reserve"])
def test_giving_up(what: str) -> None:
    def run() -> None:
        with Unread() as pipe:
            out = Conveyor(pipe.file)
            out.write(DATA[:MIB])
            began = time.monotonic()
            timer = threading.Timer(0.3, out.give_up)
            timer.start()
            with pytest.raises(OSError) as caught:
                while what == "write":
                    out.write(DATA[:MIB])
                while what == "reserve":
                    out.reserve(SLOT)
                    out.commit(SLOT)
                out.flush()
            assert caught.value.errno == errno.EPIPE
            assert "given up" in str(caught.value)
            with pytest.raises(OSError):
                out.write(b"x")
            out.close()
            assert time.monotonic() - began > 0.25  # nobody reads: it had waited until then
            timer.join()

    bounded(run)


def test_giving_up_before_anything_was_written() -> None:
    def run() -> None:
        with Unread() as pipe:
            out = Conveyor(pipe.file)
            out.give_up()
            with pytest.raises(OSError):
                for _ in range(50):
                    out.write(DATA[:MIB])
            out.close()

    bounded(run)


def test_a_writer_that_is_given_up() -> None:
    """The whole of it: the context ends, with the reason, though nobody ever reads."""

    def run() -> None:
        with Unread() as pipe:
            out = live(pipe.file, LE10, "memory_regions", overlapped=True)
            assert isinstance(out.sink, Conveyor)
            threading.Timer(0.3, out.sink.give_up).start()
            with pytest.raises(OSError), out:
                for number in range(100):
                    out.add_memory_region(base_addr=number << 30, data=DATA[:MIB])

    bounded(run)


def test_giving_up_does_no_harm_to_an_output_that_is_read() -> None:
    def run() -> None:
        file = io.BytesIO()
        out = Conveyor(file)
        out.write(DATA[:MIB])
        out.give_up()
        out.write(DATA[:MIB])
        out.flush()
        out.close()
        assert file.getvalue() == DATA[:MIB] * 2

    bounded(run)


# -- what is left of a file ----------------------------------------------------------------


@pytest.mark.parametrize("room", [0, 63, 64, 1000, 4096, 3 * MIB + 77, 11 * MIB, 20 * MIB])
def test_a_dump_that_did_not_fit(room: int) -> None:
    """Is intact as far as it goes, and incomplete."""

    def run() -> None:
        file = Limited(room)
        with (
            pytest.raises(OSError) as caught,
            live(file, LE10, "memory_regions", overlapped=True) as out,
        ):
            for number in range(30):
                out.add_memory_region(base_addr=number << 30, data=DATA[: MIB + 4096])
        assert caught.value.errno == errno.ENOSPC
        assert len(file.data) == room
        if room < 64:
            with pytest.raises(MslError):
                msl_construct.open(bytes(file.data))
            return
        verdict = msl_construct.open(bytes(file.data)).verify()
        assert (verdict.intact, verdict.complete) == (True, False)

    bounded(run)


def test_a_writer_whose_output_fails_at_once_leaves_nothing() -> None:
    """Neither threads nor descriptors, even where nobody could close it."""

    def run() -> None:
        for _ in range(3):
            with (
                pytest.raises(OSError),
                live(Limited(0), LE10, "memory_regions", overlapped=True) as out,
            ):
                out.add_memory_region(base_addr=0, data=DATA[: 5 * SLOT // 2 // 4096 * 4096])

    bounded(run)
