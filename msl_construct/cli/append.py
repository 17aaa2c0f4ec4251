"""``msl append``."""

from __future__ import annotations

import sys
from typing import IO, TYPE_CHECKING

import click

from ..codecs.compress import ALGORITHMS
from ..errors import DocumentError
from .appending import appendable
from .common import STDIO, Exit, command, note
from .drafts import draft_option
from .keys import key_options
from .text import many

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .keys import KeyOptions

__all__ = ["append"]


def _opened(path: str) -> IO[str]:
    if path == STDIO:
        if sys.stdin is None:
            raise click.UsageError("-: stdin is closed")
        return open(sys.stdin.fileno(), encoding="utf-8", errors="surrogateescape", closefd=False)
    return open(path, encoding="utf-8", errors="surrogateescape")


@command()
@click.argument("dump", metavar="DUMP")
@click.argument("document", metavar="DOC")
@click.option("--producer", metavar="TEXT", help="Who appends; this program unless given.")
@click.option("--compress", type=click.Choice(ALGORITHMS), help="Compress what gets smaller by it.")
@draft_option("Read and append with this draft, whatever DUMP says.")
@key_options
def append(
    dump: str,
    document: str,
    producer: str | None,
    compress: str | None,
    draft: str | None,
    quiet: bool,
    **options: Unpack[KeyOptions],
) -> int:
    """Append blocks to a finished dump, as an extension segment behind it.

    DOC (YAML or JSON) has `blocks`, each with `block_type` and `payload` as `msl inspect --yaml`
    shows them; lengths, counts and hashes follow. No byte that is there is changed. The chain goes
    on behind the last block; an End-of-Extension closes the segment. Behind an encrypted file the
    segment is encrypted, too, under the same key: a sealed segment.

    DUMP is verified first: nothing is appended to a file that is damaged, incomplete or has bytes
    behind its blocks. If it is interrupted, what was there stays as it was, and the rest is bytes
    behind the last block.

    \b
    Example:
      msl append dump.msl doc.yaml

    Exit codes: 0 appended; 1 DUMP is not intact; 2 its draft has no segments, or somebody else is
    appending; 3 DUMP or DOC can't be read, or DOC can't be stored; 4 DUMP is incomplete, or
    has bytes behind its blocks; 5 it is encrypted, and no key or a wrong one.
    """
    from ..document.append import append as write
    from ..document.load import load
    from ..rewrite import TOOL

    with appendable(dump, options, draft) as place:
        if place.code is not None:
            return place.code
        with _opened(document) as source:
            try:
                found = write(
                    load(source),
                    place.file,
                    producer=producer or TOOL,
                    compression=compress,
                    key=place.key,
                    draft=draft,
                )
            except DocumentError as error:
                error.file = document
                raise
        number = place.settle(dump)
    if not quiet:
        note(
            f"msl: {dump}: extension segment {number}, {many(found.blocks, 'block')}, "
            f"{found.length} bytes at {found.offset:#x}"
        )
    return Exit.FINE
