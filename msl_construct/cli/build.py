"""``msl build``."""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from collections.abc import Callable
from typing import IO

import click

from .common import STDIO, Exit, command_options, discard_stdout, note, run

__all__ = ["build"]


def _written(path: str, force: bool, write: Callable[[IO[bytes]], int]) -> int:
    """Write to a path: a file that is there whole or not at all, or what else stands there.

    A device or a pipe is written to and stays what it is; a symbolic link stays, and the
    file that it leads to is written; an existing file keeps its mode.
    """
    if os.path.lexists(path):
        kind = os.stat(path).st_mode if os.path.exists(path) else stat.S_IFREG
        if stat.S_ISDIR(kind):
            raise click.UsageError(f"{path} is a directory")
        if not stat.S_ISREG(kind):
            with open(path, "wb") as special:
                return write(special)
        if not force:
            raise click.UsageError(f"{path} exists; --force overwrites it")
    target = os.path.realpath(path)
    folder, name = os.path.split(target)
    descriptor, partial = tempfile.mkstemp(prefix=f".{name}.", dir=folder)
    try:
        with os.fdopen(descriptor, "wb") as file:
            size = write(file)
        os.chmod(partial, _mode(target))  # mkstemp keeps everybody else out
        os.replace(partial, target)
    except BaseException:
        os.unlink(partial)
        raise
    return size


def _mode(path: str) -> int:
    """The permissions that a file has, or that a new one gets."""
    if os.path.exists(path):
        return stat.S_IMODE(os.stat(path).st_mode)
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("document", metavar="DOC")
@click.option("--output", "-o", metavar="OUT", default=STDIO, help="File to write; - is stdout.")
@click.option("--force", "-f", is_flag=True, help="Overwrite OUT if it exists.")
@command_options
@run
def build(document: str, output: str, force: bool, quiet: bool, no_color: bool) -> int:
    """Turn a canonical document (YAML, JSON or JSON lines) into the file it describes.

    The exact reverse of `msl inspect --with-data`: what DOC states is written as stated,
    good or bad. What it leaves out follows from the rest: lengths, counts, reserved bytes,
    BlockLength, PrevHash, FileHash. DOC may be - for stdin.

    \b
    Example:
      msl inspect --with-data --yaml dump.msl | msl build - -o copy.msl

    Exit codes: 0 fine; 2 OUT exists; 3 DOC is no document, or can't be stored.
    """
    from ..document.build import build as write
    from ..document.load import load

    source: IO[str]
    if document == STDIO:
        source = open(sys.stdin.fileno(), encoding="utf-8", closefd=False)  # noqa: SIM115
    else:
        source = open(document, encoding="utf-8")  # noqa: SIM115
    with source:
        if output == STDIO:
            try:
                size = write(load(source), sys.stdout.buffer)
                sys.stdout.buffer.flush()
            except BrokenPipeError:
                discard_stdout()
                note("msl: the reader of the output went away before the file was whole")
                return Exit.UNREADABLE
        else:
            size = _written(output, force, lambda file: write(load(source), file))
    if not quiet:
        note(f"msl: {size} bytes written to {output}")
    return Exit.FINE
