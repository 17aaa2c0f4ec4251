"""``msl samples list``."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..characters import escape_for_json
from .common import Exit, command, data_out, note, text_out, whoever_reads
from .drafts import draft_option
from .text import printable

if TYPE_CHECKING:
    from ..corpus import Sample

__all__ = ["list_samples"]


@command("list")
@click.argument("patterns", metavar="[PATTERN...]", nargs=-1)
@click.option(
    "--samples",
    "folder",
    metavar="DIR",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A corpus that was made before; else what would be made.",
)
@click.option("--feature", "features", metavar="CODE", multiple=True, help="Only with this code.")
@click.option("--rule", "rules", metavar="ID", multiple=True, help="Only what breaks this rule.")
@click.option("--codes", is_flag=True, help="List the feature codes and what they mean instead.")
@click.option("--json", "as_json", is_flag=True, help="The manifest's entries, one a line.")
@draft_option("What would be made of this draft alone.")
def list_samples(
    patterns: tuple[str, ...],
    folder: Path | None,
    features: tuple[str, ...],
    rules: tuple[str, ...],
    codes: bool,
    as_json: bool,
    draft: str | None,
    quiet: bool,
) -> int:
    """List the samples: what each shows, and what is to come out for it.

    PATTERN is a name with * and ?. The columns: name, size, exit code of a reader that shows
    all it can, what a consumer does with it, the rules that it breaks, what it shows.

    \b
    Example:
      msl samples list 'valid/*'
      msl samples list --feature lz4
      msl samples list --rule MSL-4.4-PREV-HASH-MISMATCH --json

    Exit codes: 0 fine; 1 nothing fits; 2 usage; 3 DIR holds no corpus.
    """
    from ..corpus import Manifest

    if codes:
        return _codes()
    if draft is not None and folder is not None:
        raise click.UsageError("--draft says what would be made; --samples names what was made")
    if folder is None:
        from ..corpus.generate import entries

        samples: list[Sample] = entries(*([] if draft is None else [draft]))
    else:
        samples = list(Manifest.load(folder))

    def wanted(sample: Sample) -> bool:
        named = not patterns or any(fnmatchcase(sample.name, pattern) for pattern in patterns)
        breaks = not rules or any(rule in sample.verdict.rules for rule in rules)
        return named and breaks and set(features) <= set(sample.features)

    chosen = [sample for sample in samples if wanted(sample)]
    with whoever_reads(), data_out() if as_json else text_out() as out:
        for sample in chosen:
            if as_json:
                out.write(escape_for_json(json.dumps(sample.to_json(), ensure_ascii=False)) + "\n")
            else:
                out.write(printable(_row(sample)) + "\n")
    if not chosen and not quiet:
        note("msl: no sample fits")
    return Exit.FINE if chosen else Exit.FINDINGS


def _codes() -> Exit:
    from ..corpus.features import FEATURES, TYPE

    rows = [*FEATURES.items(), (f"{TYPE}*", "a block type alone")]
    with whoever_reads(), data_out() as out:
        for code, meaning in rows:
            out.write(f"{code:16}  {meaning}\n")
    return Exit.FINE


def _row(sample: Sample) -> str:
    verdict = sample.verdict
    broken = " ".join(verdict.rules) or "-"
    size = "on-demand" if sample.size is None else str(sample.size)
    judged = f"{verdict.exit} {verdict.consumer.value}"
    return "  ".join((sample.name, size, judged, broken, sample.shows))
