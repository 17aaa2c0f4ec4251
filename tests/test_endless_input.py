"""Devices, pipes, sockets, folders: judged by their first bytes, never spooled without bound."""

from __future__ import annotations

import errno
import io
import os
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import click
import pytest
from click.testing import CliRunner
from commands import COMMAND, PATIENCE, PLACE, one_line
from independent.specimens import LE10, LE11, capture

import msl_construct
from msl_construct.cli import check_data
from msl_construct.cli.group import cli
from msl_construct.errors import HeaderError, LimitError, StreamError
from msl_construct.reader import opening, spool

pytestmark = pytest.mark.skipif(os.name != "posix", reason="devices and named pipes are POSIX")

FILE = capture(LE11).data()
READING = [["inspect"], ["inspect", "--json", "--with-data"], ["check"], ["verify"]]
each_command = pytest.mark.parametrize("command", READING, ids=" ".join)


@pytest.fixture
def spooling(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every temporary file that is made."""
    made: list[str] = []
    real = tempfile.TemporaryFile

    def counted(*arguments: Any, **options: Any) -> Any:
        made.append(str(options))
        return real(*arguments, **options)

    monkeypatch.setattr(spool.tempfile, "TemporaryFile", counted)
    return made


@contextmanager
def pipe_of(path: Path, *pieces: bytes) -> Iterator[None]:
    """A named pipe to which somebody writes these, over and over the last of them."""
    os.mkfifo(path)

    def feed() -> None:
        try:
            with path.open("wb", buffering=0) as file:
                for piece in pieces:
                    file.write(piece)
                while True:
                    file.write(pieces[-1])
        except OSError:
            pass

    thread = threading.Thread(target=feed, daemon=True)
    thread.start()
    yield
    thread.join(PATIENCE)
    assert not thread.is_alive()


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/urandom", "/dev/null", "/dev/full"])
def test_a_device_that_holds_no_dump_is_refused_at_once(device: str, spooling: list[str]) -> None:
    with pytest.raises(HeaderError, match="a Memory Slice file"):
        msl_construct.open(device)
    with open(device, "rb") as file, pytest.raises(HeaderError):
        msl_construct.open(file)
    assert spooling == []


DEVICE = "/dev/zero"
OUT = ("-o", "out")
EVERY_COMMAND = {
    "read": (DEVICE, "0"),
    "search": (DEVICE, "x"),
    "strings": (DEVICE,),
    "extract": (DEVICE, "--all", *OUT),
    "diff": (DEVICE, DEVICE),
    "recover": (DEVICE, *OUT),
    "convert": (DEVICE, *OUT),
    "encrypt": (DEVICE, *OUT, "--key-file", "key"),
    "decrypt": (DEVICE, *OUT, "--key-file", "key"),
    "sign": (DEVICE, "--signing-key", "key"),
    "timestamp": (DEVICE,),
}


@pytest.mark.parametrize("command", EVERY_COMMAND)
def test_every_command_refuses_it_at_once(
    command: str, tmp_path: Path, spooling: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("key").write_bytes(bytes(range(32)))
    done = CliRunner().invoke(cli, [command, *EVERY_COMMAND[command]])
    assert done.exit_code == 3, done.stderr
    assert one_line(done.stderr.encode()).startswith(f"msl: {DEVICE}: not a Memory Slice file")
    assert spooling == []
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (("sign", "--signing-key", DEVICE), 3),
        (("verify", "--report", DEVICE), 3),
        (("verify", "--signature", "a.sig", "--signers", DEVICE), 3),
        (("timestamp", "--response", DEVICE, "--trusted", DEVICE), 3),
        (("encrypt", *OUT, "--key-file", DEVICE), 5),
        (("encrypt", *OUT, "--public-key", DEVICE), 5),
        (("inspect", "--private-key", DEVICE), 5),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_goes_with_a_dump_may_not_be_endless(
    command: tuple[str, ...], code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("dump.msl").write_bytes(FILE)
    Path("a.sig").write_bytes(b"")
    done = CliRunner().invoke(cli, [command[0], "dump.msl", *command[1:]])
    assert done.exit_code == code, done.output
    assert one_line(done.stderr.encode())
    assert not Path("out").exists()


def test_a_pipe_of_garbage_is_refused_before_it_is_spooled(
    tmp_path: Path, spooling: list[str]
) -> None:
    path = tmp_path / "fifo"
    with pipe_of(path, b"garbage " * 4096), pytest.raises(HeaderError):
        msl_construct.open(path)
    assert spooling == []


@pytest.mark.parametrize("max_spool", [0, 1000, len(FILE), 1 << 20])
def test_an_endless_dump_is_spooled_up_to_the_limit(tmp_path: Path, max_spool: int) -> None:
    path = tmp_path / "fifo"
    with (
        pipe_of(path, FILE, bytes(4096)),
        pytest.raises(LimitError, match=rf"{max_spool} bytes .*--max-spool") as caught,
    ):
        msl_construct.open(path, max_spool=max_spool)
    assert caught.value.offset == 0


def test_what_passes_by_is_spooled_up_to_the_limit_only() -> None:
    class Endless(io.RawIOBase):
        left = FILE

        def read(self, size: int = -1) -> bytes:
            piece, self.left = self.left[:size], self.left[size:]
            return piece or bytes(size)

    endless: Any = Endless()
    with (
        pytest.raises(LimitError, match="1048576 bytes"),
        msl_construct.PassingDump(endless, max_spool=1 << 20) as dump,
    ):
        list(dump.each_capture_block(lambda block: block.key))
    with msl_construct.PassingDump(io.BytesIO(FILE), max_spool=0) as dump:
        assert dump.verify().complete
    with (
        pytest.raises(LimitError, match=f"from {len(FILE):#x} on is more than the 8 bytes"),
        msl_construct.PassingDump(io.BytesIO(FILE + bytes(9)), max_spool=8) as dump,
    ):
        dump.verify()


def test_a_limit_that_suffices_changes_nothing(tmp_path: Path) -> None:
    for size, enough in ((len(FILE), True), (len(FILE) - 1, False)):
        reading, writing = os.pipe()
        thread = threading.Thread(target=filled, args=(writing, FILE), daemon=True)
        thread.start()
        with os.fdopen(reading, "rb") as pipe:
            if enough:
                with msl_construct.open(pipe, max_spool=size) as dump:
                    assert dump.verify().intact
            else:
                with pytest.raises(LimitError):
                    msl_construct.open(pipe, max_spool=size)
        thread.join(PATIENCE)


def filled(descriptor: int, data: bytes) -> None:
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
    except BrokenPipeError:
        pass


def test_half_of_what_is_free_may_be_spooled(monkeypatch: pytest.MonkeyPatch) -> None:
    class Usage:
        free = 2 * len(FILE) - 2

    monkeypatch.setattr(spool.shutil, "disk_usage", lambda _: Usage)
    reading, writing = os.pipe()
    threading.Thread(target=filled, args=(writing, FILE), daemon=True).start()
    with os.fdopen(reading, "rb") as pipe, pytest.raises(LimitError, match="half of what is free"):
        msl_construct.open(pipe)


# -- nobody writes ---------------------------------------------------------------------------


@pytest.mark.parametrize("held", [False, True], ids=["nobody", "somebody-silent"])
def test_a_pipe_that_nobody_writes_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held: bool
) -> None:
    monkeypatch.setattr(opening, "PATIENCE", 0.2)
    path = tmp_path / "fifo"
    os.mkfifo(path)
    silent = os.open(path, os.O_RDWR) if held else -1
    try:
        with pytest.raises(StreamError, match=r"no byte came within 0\.2 s.*stdin"):
            msl_construct.open(path)
    finally:
        if held:
            os.close(silent)


def test_a_pipe_whose_writer_comes_late(tmp_path: Path) -> None:
    path = tmp_path / "fifo"
    os.mkfifo(path)

    def late() -> None:
        threading.Event().wait(0.3)
        with path.open("wb", buffering=0) as file:
            for begin in range(0, len(FILE), 100):  # and in small pieces
                file.write(FILE[begin : begin + 100])

    thread = threading.Thread(target=late, daemon=True)
    thread.start()
    with msl_construct.open(path) as dump:
        assert dump.verify().complete
    thread.join(PATIENCE)


# -- commands --------------------------------------------------------------------------------


def ended(*arguments: Any, stdin: int | IO[bytes] = subprocess.DEVNULL) -> tuple[int, str]:
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)],
        stdin=stdin,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(PLACE)},
        timeout=PATIENCE,
    )
    return done.returncode, one_line(done.stderr)


@each_command
def test_a_command_refuses_what_never_ends(command: list[str]) -> None:
    code, line = ended(*command, "/dev/zero")
    assert (code, "not a Memory Slice file" in line) == (3, True)
    with open("/dev/zero", "rb") as zeros:
        code, line = ended(*command, "-", stdin=zeros)
    assert (code, "not a Memory Slice file" in line) == (3, True)


def test_a_command_says_what_can_not_be_read(tmp_path: Path) -> None:
    where = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(where))
        code, line = ended("verify", where)
    assert (code, "is a socket: expected a file, a pipe or a device" in line) == (3, True)
    code, line = ended("inspect", tmp_path)
    assert (code, os.strerror(errno.EISDIR) in line) == (3, True)


def test_a_command_has_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "fifo"
    with pipe_of(path, capture(LE10).data(), bytes(1 << 16)):
        code, line = ended("check", "--max-spool", 1 << 20, path)
    assert (code, "more than the 1048576 bytes" in line) == (3, True)


def test_an_older_report_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_data, "_LARGEST", 1 << 16)
    with pytest.raises(click.UsageError, match=r"/dev/zero.*more than 65536 characters"):
        check_data.KnownFindings.read("/dev/zero")
