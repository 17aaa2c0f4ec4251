"""``msl samples generate``."""

from __future__ import annotations

from pathlib import Path

import click

from .common import (
    Exit,
    command,
    note,
    whoever_reads,
)
from .drafts import draft_option
from .text import many

__all__ = ["generate"]


@command()
@click.option(
    "--output",
    "-o",
    "folder",
    metavar="DIR",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the corpus; made if it is missing.",
)
@click.option("--check", is_flag=True, help="Write nothing; say what in DIR is stale.")
@click.option(
    "--large", is_flag=True, help="Add the samples that are made on demand: sparse, above 4 GiB."
)
@draft_option("The corpus of this draft alone, not of all public ones.")
def generate(folder: Path, check: bool, large: bool, draft: str | None, quiet: bool) -> int:
    """Make the sample corpus: files, expected documents, manifest.json, traceability.json.

    The same bytes on every machine. What each sample is said to break is held against what the
    rules find before it is written. Files in DIR that are no part of the corpus are left alone;
    --check names them if they lie among the samples. Of a draft of your own, what can't be made
    is left out and named on stderr: samples that its base allows, and it forbids.

    \b
    Example:
      msl samples generate -o samples
      msl samples generate --check -o samples

    Exit codes: 0 fine; 1 stale (--check); 2 usage; 3 DIR can't be written.
    """
    from ..corpus.generate import generate as make
    from ..corpus.generate import stale

    drafts = () if draft is None else (draft,)
    if check:
        found = stale(folder, *drafts)
        with whoever_reads():
            for line in found:
                click.echo(line)
        if not quiet:
            note(f"msl: {folder}: {many(len(found), 'difference')}")
        return Exit.FINDINGS if found else Exit.FINE
    left_out: list[str] = []
    manifest = make(folder, *drafts, large=large, left_out=left_out)
    if not quiet:
        for line in left_out:
            note(f"msl: left out: {line}")
        note(f"msl: {many(len(manifest), 'sample')} in {folder}")
    return Exit.FINE
