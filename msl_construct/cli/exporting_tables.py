"""``msl export --to parquet|csv|ndjson``: tables of one dump or of many."""

from __future__ import annotations

import os
from typing import Any

import click

from .common import STDIO, Exit, note
from .keys import keys_of
from .text import many, printable

__all__ = ["TABULAR", "export_tables"]

TABULAR = ("parquet", "csv", "ndjson")
_SHOWN = 40


def export_tables(
    dumps: tuple[str, ...],
    form: str,
    output: str,
    tables: tuple[str, ...],
    more: tuple[str, ...],
    workers: int,
    cluster: str,
    quiet: bool,
    options: dict[str, Any],
) -> int:
    """Make the tables, and say what became of them; the exit code."""
    from ..lake.making import TablePlan, default_tables, make_lake, sources_in

    if output == STDIO:
        raise click.UsageError("tables are written to a folder: -o LAKE")
    if os.path.exists(output) and not os.path.isdir(output):
        raise click.UsageError(f"{output} is no folder")
    kept = {key: value for key, value in options.items() if value is not None}
    keys = keys_of(kept)
    if keys is not None:
        kept["key"] = keys
    kept.pop("max_spool", None)
    plan = TablePlan(output, form, default_tables(tables, more), kept)
    made = again = failed = incomplete = altered = 0
    for one in make_lake(sources_in(dumps), plan, workers, cluster):
        made += 1
        again += one.again
        altered += one.altered
        incomplete += not one.complete and not one.error
        if one.error:
            failed += 1
            if failed <= _SHOWN:
                note(f"msl: {one.source}: {one.error}")
    if failed > _SHOWN:
        note(f"msl: and {failed - _SHOWN} more that can't be read: see the table errors")
    if not quiet:
        parts = [f"{many(made, 'dump')} in {printable(output)}"]
        parts += [f"{again} of them were there"] if again else []
        parts += [f"{failed} can't be read"] if failed else []
        parts += [f"{incomplete} are incomplete"] if incomplete else []
        note(f"msl: {', '.join(parts)}")
    if altered:
        return Exit.FINDINGS
    return Exit.INCOMPLETE if failed or incomplete else Exit.FINE
