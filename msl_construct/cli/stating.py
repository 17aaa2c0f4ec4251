"""What `msl sign` and `msl timestamp` share: the statement about a dump, as a file beside it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import SignatureError
from ..outputs import whole_file
from .common import STDIO, Exit, note
from .measured import measured
from .vouching import SUFFIX, statement_of

if TYPE_CHECKING:
    from .common import ReadOptions

__all__ = ["stated", "written"]


def stated(path: str, options: ReadOptions) -> tuple[bytes, Exit | None]:
    """The statement about a dump, which is verified first, and why nobody should sign it.

    Raises:
        click.UsageError: it is no file, which a statement can stand beside.
    """
    if path == STDIO:
        raise click.UsageError("-: a statement stands beside a file: name one")
    dump = measured(path, options)
    verdict = dump.verdict
    text = statement_of(dump.uuid, dump.algorithm, verdict, dump.digests).text().encode()
    if verdict.findings:
        note(f"msl: {path}: {verdict}")
        return text, Exit.FINDINGS
    if not verdict.complete:
        note(f"msl: {path}: {verdict}")
    return text, None


def written(path: str, text: bytes) -> str:
    """The file with the statement, made unless it is there; its name.

    Raises:
        SignatureError: another text is there.
    """
    place = path + SUFFIX
    try:
        there = _beginning(place, len(text) + 1)
    except FileNotFoundError:
        with whole_file(place, secret=False) as file:
            file.write(text)
        return place
    if there != text:
        raise SignatureError(f"{place}: is there, and is no statement about {path} as it is now")
    return place


def _beginning(place: str, size: int) -> bytes:
    """The first bytes of a file; of what is none, such as a pipe, nothing is awaited."""
    if not Path(place).is_file() and os.path.lexists(place):
        return b""
    with Path(place).open("rb") as file:
        return file.read(size)
