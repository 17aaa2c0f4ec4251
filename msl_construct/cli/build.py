"""``msl build``."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from typing import IO

import click

from .common import STDIO, Exit, command_options, note, run

__all__ = ["build"]


def _replace(path: str, write: Callable[[IO[bytes]], int]) -> int:
    """Write a file that is there whole or not at all."""
    folder, name = os.path.split(path)
    descriptor, partial = tempfile.mkstemp(prefix=f".{name}.", dir=folder or ".")
    try:
        with os.fdopen(descriptor, "wb") as file:
            size = write(file)
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(partial, 0o666 & ~mask)  # mkstemp keeps everybody else out
        os.replace(partial, path)
    except BaseException:
        os.unlink(partial)
        raise
    return size


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

    Exit codes: 0 fine; 3 DOC is no document, or can't be stored.
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
            size = write(load(source), sys.stdout.buffer)
            sys.stdout.buffer.flush()
        else:
            if os.path.exists(output) and not force:
                raise click.UsageError(f"{output} exists; --force overwrites it")
            size = _replace(output, lambda file: write(load(source), file))
    if not quiet:
        note(f"msl: {size} bytes written to {output}")
    return Exit.FINE
