"""``msl strings``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from .analysis_options import HitOptions, hit_options
from .common import command, draft_options, open_input, say_version
from .hit_output import finish, first_of, print_hits
from .hit_rows import HitLines, hit_row

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .common import ReadOptions

__all__ = ["strings"]

_ENCODINGS = {
    "ascii": ("ascii",),
    "utf16": ("utf-16-le", "utf-16-be"),
    "all": ("ascii", "utf-16-le", "utf-16-be"),
}


@command()
@click.argument("dump", metavar="DUMP")
@click.option(
    "-n", "--least", type=click.IntRange(1, 1024), default=4, help="Characters at least (4)."
)
@click.option(
    "--encoding",
    type=click.Choice([*_ENCODINGS]),
    default="all",
    help="One byte a character, UTF-16 of either byte order, or all of them (the default).",
)
@hit_options("strings")
@draft_options
def strings(
    dump: str,
    least: int,
    encoding: str,
    hits: HitOptions,
    quiet: bool,
    no_color: bool,
    **options: Unpack[ReadOptions],
) -> int:
    """List the texts in virtual memory, with where each stands.

    A string goes on across the edges of regions, and ends where a byte is not known.

    \b
    Example:
      msl strings dump.msl -n 8 --type heap
      msl strings dump.msl --encoding utf16 --ndjson

    Exit codes: as of msl search.
    """
    form, style = hits.form(), hits.style(no_color)
    from .. import analysis
    from .string_lines import StringLines

    with open_input(dump, passing=False, **options) as opened:
        say_version(dump, opened)
        found = analysis.Searched()
        places = analysis.Locations(opened)
        plain = form == "text" and style.columns is None and not style.color
        rows = analysis.string_rows(
            opened.memory,
            places,
            hit_row(form, style, _ENCODINGS[encoding]),
            rows=StringLines(HitLines(style), places) if plain else None,
            least=least,
            encodings=_ENCODINGS[encoding],
            within=hits.within(opened, analysis.Addresses(opened)),
            searched=found,
            processes=os.cpu_count() or 1,
        )
        read = print_hits(first_of(rows, hits.limit, found), form)
        opened.require_unchanged()
        return finish(opened, dump, found, quiet, hits.limit, read)
