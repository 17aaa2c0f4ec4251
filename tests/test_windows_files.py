"""What names mean to Windows; what its pipes say."""

from __future__ import annotations

import errno
import io
import re
import sys
from typing import TYPE_CHECKING

import pytest

from msl_construct.cli import start
from msl_construct.windows_files import refused_name

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("CON", "CON is a device"),
        ("con.msl", "CON is a device"),
        ("out/COM1", "COM1 is a device"),
        (r"C:\case\lpt9.txt", "LPT9 is a device"),
        ("aux .x.y", "AUX is a device"),
        ("conin$", "CONIN"),
        ("COM²", "COM² is a device"),
        ("NUL.msl", "NUL takes everything"),
        (r"\\.\COM12", "names a device"),
        ("//./PhysicalDrive0", "names a device"),
        ("a.msl:stream", "names a stream"),
        (r"C:\x\a.msl::$DATA", "names a stream"),
        (r"\\?\C:\a:b", "names a stream"),
        ("dump.msl.", "ends with a dot"),
        ("dump ", "ends with a dot"),
        ("a<b", "has a '<'"),
        ("a?", "has a '\\?'"),
        ("a\tb", r"has a '\\t'"),
    ],
)
def test_refused(name: str, reason: str) -> None:
    assert re.match(reason, refused_name(name))


@pytest.mark.parametrize(
    "name",
    [
        *("a.msl", "C:x.msl", "C:/x/y.msl", r"\\server\share\a.msl", r"\\?\C:\long\a.msl"),
        *("NUL", "console.msl", "COM10", "comma", ".hidden", "名.msl", "out/..", ".", r"x\y"),
    ],
)
def test_permitted(name: str) -> None:
    assert refused_name(name) == ""


class Raw(io.RawIOBase):
    def __init__(self, number: int) -> None:
        self.number = number

    def write(self, _: ReadableBuffer) -> int:
        raise OSError(self.number, "Invalid argument")


def test_a_pipe_whose_reader_has_gone() -> None:
    with pytest.raises(BrokenPipeError):
        start._Pipe(Raw(errno.EINVAL)).write(b"x")
    with pytest.raises(OSError, match="Invalid argument") as caught:
        start._Pipe(Raw(errno.ENOSPC)).write(b"x")
    assert caught.value.errno == errno.ENOSPC


@pytest.mark.skipif(sys.platform == "win32", reason="this is Windows")
def test_elsewhere_pipes_are_left_alone() -> None:
    raw = Raw(0)
    assert start.piped(raw) is raw
