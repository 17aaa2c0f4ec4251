"""``msl schema new``."""

from __future__ import annotations

import os

import click

from ..drafts import NEWEST_DRAFT, find
from .common import STDIO, Exit, command, note
from .drafts import DRAFT
from .written_file import write_out

__all__ = ["new"]


@command()
@click.argument("file", metavar="FILE.py")
@click.option(
    "--base", type=DRAFT, default=NEWEST_DRAFT, show_default=True, help="What it changes."
)
@click.option("--force", "-f", is_flag=True, help="Overwrite a file that exists.")
def new(file: str, base: str, force: bool, quiet: bool) -> int:
    """Write a file to begin a draft of your own with.

    It declares an overlay of BASE that changes nothing, with every word that an author needs as
    a comment. - is stdout.

    \b
    Example:
      msl schema new my_draft.py --base draft-2026-10

    Exit codes: 0 fine; 2 usage, the file exists; 3 it can't be written.
    """
    from ..exports.draft_start import draft_start

    if file != STDIO and not file.endswith(".py"):
        raise click.UsageError(f"{file}: a draft is a Python file: name it FILE.py")
    shown = "mine.py" if file == STDIO else os.path.basename(file)
    text, constant = draft_start(find(base), shown)
    write_out(file, force, lambda out: out.write(text.encode()))
    if not quiet and file != STDIO:
        note(f"msl: {file} declares {constant}: msl schema check {file}:{constant}")
    return Exit.FINE
