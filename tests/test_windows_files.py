"""What names mean to Windows; what its pipes say."""

from __future__ import annotations

import errno
import io
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest
from commands import run

from msl_construct.cli import start
from msl_construct.cli.common import paths
from msl_construct.cli.group import cli
from msl_construct.windows_files import expanded, refused_name

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


TOP = Path(__file__).parent.parent
WORKFLOW = TOP / "spec-docs" / "examples" / "windows.yml"


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
        (r"\\?\PhysicalDrive0", "names a device"),
        (r"\\?\Harddisk0Partition1", "names a device"),
        (r"\\?\COM1", "names a device"),
        (r"\??\C:\a.msl", "names a device"),
        (r"\\.", "names a device"),
        (r"\\localhost\pipe\a.msl", "names a device"),
        (r"\\?\UNC\localhost\Pipe\a", "names a device"),
        ("//host/mailslot/a.msl", "names a device"),
        ("//host//pipe/a.msl", "names a device"),
        (r"\\host\pipe.\a.msl", "names a device"),
        (r"\\?\C:", "names a device"),
        (r"\\?\Volume{8c2f7e10}", "names a device"),
        ("a.msl:stream", "names a stream"),
        (r"C:\x\a.msl::$DATA", "names a stream"),
        (r"\\?\C:\a:b", "names a stream"),
        ("dump.msl.", "ends with a dot"),
        ("dump ", "ends with a dot"),
        ("out/...", "ends with a dot"),
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
        *(r"\\?\UNC\server\share\a.msl", r"\\?\Volume{8c2f7e10}\a.msl", r"\\?\NUL"),
        *(r"\\server\pipes\a.msl", r"pipe\a.msl", r"C:\pipe\a.msl", "out/."),
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


def test_wildcards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("b.msl", "a.msl", "[x].msl", "x.msl"):
        (tmp_path / name).touch()
    assert expanded("[ab].msl") == ["a.msl", "b.msl"]
    assert expanded("[x].msl") == ["[x].msl"]  # a name that is there is meant
    assert expanded("none-*.msl") == ["none-*.msl"]
    assert expanded("out\\c.msl") == ["out/c.msl"]
    assert expanded("\\\\?\\C:\\c.msl") == ["\\\\?\\C:\\c.msl"]


NO_FILES = {"texts", "patterns", "drafts", "targets"}


def test_every_list_of_files_has_its_wildcards_expanded() -> None:
    """Windows' shells leave that to each program."""
    context = click.Context(cli)
    commands: list[click.Command] = [cli]
    seen = set()
    while commands:
        command = commands.pop()
        if isinstance(command, click.Group):
            found = (command.get_command(context, name) for name in command.list_commands(context))
            commands += [each for each in found if each is not None]
        for parameter in command.params:
            if isinstance(parameter, click.Argument) and parameter.nargs == -1:
                seen.add(parameter.name)
                is_files = parameter.name not in NO_FILES
                assert (parameter.callback is paths) == is_files, (command.name, parameter.name)
    assert seen == {"dumps", "files"} | NO_FILES


def test_what_the_workflow_verifies_is_intact() -> None:
    """Its job on a real Windows fails for no other reason than Windows."""
    text = WORKFLOW.read_text("utf-8")
    (words,) = re.findall(r"^ +msl verify (.+) \|\| exit 1$", text, re.M)
    files = [one for word in words.replace("\\", "/").split() for one in expanded_here(word)]
    assert len(files) > 20
    assert run("verify", *files).returncode == 0


def expanded_here(word: str) -> list[str]:
    return sorted(map(str, TOP.glob(word))) if "*" in word else [word]
