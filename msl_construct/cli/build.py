"""``msl build``."""

from __future__ import annotations

import os
import sys
from typing import IO

import click

from ..errors import DocumentError
from ..outputs import is_passing
from .common import (
    STDIO,
    Exit,
    command,
    note,
)
from .drafts import draft_option
from .written_file import write_out

__all__ = ["build"]


def _refuse_itself(source: IO[str], output: str) -> None:
    """Refuse to write over the document that is read.

    Raises:
        click.UsageError: it would be.
    """
    try:
        same = os.path.samestat(os.fstat(source.fileno()), os.stat(output))
    except OSError:
        return  # there is nothing yet
    if same and not is_passing(output):
        raise click.UsageError(f"{output} is the document itself: choose another name")


def _opened(path: str) -> IO[str]:
    """A document's text; what is no UTF-8 is found by whoever reads it."""
    if path == STDIO:
        if sys.stdin is None:
            raise click.UsageError("-: stdin is closed")
        descriptor, owned = sys.stdin.fileno(), False
    else:
        descriptor, owned = path, True
    try:
        return open(descriptor, encoding="utf-8", errors="surrogateescape", closefd=owned)
    except OSError as error:  # of a descriptor, which has no name
        raise OSError(error.errno, error.strerror, path) from None


@command()
@click.argument("document", metavar="DOC")
@click.option("--output", "-o", metavar="OUT", default=STDIO, help="File to write; - is stdout.")
@draft_option("Write this draft, whatever DOC says.")
@click.option("--force", "-f", is_flag=True, help="Replace OUT if it exists.")
def build(document: str, output: str, draft: str | None, force: bool, quiet: bool) -> int:
    """Turn a canonical document (YAML, JSON or JSON lines) into the file it describes.

    The exact reverse of `msl inspect --with-data`: what DOC states is written as stated,
    good or bad. What it leaves out follows from the rest: lengths, counts, reserved bytes,
    BlockLength, PrevHash, FileHash. DOC may be - for stdin.

    \b
    Example:
      msl inspect --with-data --yaml dump.msl | msl build - -o copy.msl

    A document means one thing, or is refused: a key that stands twice, a second document, a
    word that YAML's versions read differently (no, on, ~, 010, 1:30). The message names the line.

    Exit codes: 0 fine; 2 OUT exists; 3 DOC is no document, or can't be stored.
    """
    from ..document.build import build as write
    from ..document.load import load

    with _opened(document) as source:
        if output != STDIO:
            _refuse_itself(source, output)
        try:
            size = write_out(output, force, lambda file: write(load(source), file, draft=draft))
        except DocumentError as error:
            error.file = document
            raise
    if not quiet:
        note(f"msl: {size} bytes written to {output}")
    return Exit.FINE
