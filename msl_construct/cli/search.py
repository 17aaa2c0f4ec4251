"""``msl search``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from .analysis_options import HitOptions, hit_options
from .common import command, draft_options, open_input, say_version
from .hit_output import finish, first_of, print_hits
from .hit_rows import hit_row

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .common import ReadOptions

__all__ = ["search"]

_TWO_BYTES = ("utf-16-le", "utf-16-be")


@command()
@click.argument("dump", metavar="DUMP")
@click.argument("texts", metavar="PATTERN...", nargs=-1)
@click.option("--text", "more", multiple=True, metavar="TEXT", help="A text in UTF-8.")
@click.option(
    "--utf16", multiple=True, metavar="TEXT", help="A text in UTF-16, of either byte order."
)
@click.option(
    "--base64",
    "encoded",
    multiple=True,
    metavar="TEXT",
    help="A text as it is in base64, wherever it begins in what was encoded; also in UTF-16.",
)
@click.option(
    "--reversed",
    "backwards",
    multiple=True,
    metavar="TEXT",
    help="A text backwards, in UTF-8 and in UTF-16 of either byte order.",
)
@click.option(
    "--hex", "hexes", multiple=True, metavar="HEX", help="Bytes: 4d5a??90, 4? for a half, [2-6]."
)
@click.option("--regex", multiple=True, metavar="RE", help="A regular expression on bytes.")
@click.option("--int", "numbers", multiple=True, metavar="N", help="A number, see --width.")
@click.option(
    "--width", type=click.IntRange(1, 8), default=4, help="Bytes of the numbers of --int (4)."
)
@click.option(
    "--pointer-to",
    "pointers",
    multiple=True,
    metavar="A..B",
    help="Pointers into a range, at multiples of their width.",
)
@click.option("-i", "--ignore-case", is_flag=True, help="Of texts and expressions.")
@hit_options("hits")
@draft_options
def search(
    dump: str,
    texts: tuple[str, ...],
    more: tuple[str, ...],
    utf16: tuple[str, ...],
    encoded: tuple[str, ...],
    backwards: tuple[str, ...],
    hexes: tuple[str, ...],
    regex: tuple[str, ...],
    numbers: tuple[str, ...],
    width: int,
    pointers: tuple[str, ...],
    ignore_case: bool,
    hits: HitOptions,
    quiet: bool,
    no_color: bool,
    **options: Unpack[ReadOptions],
) -> int:
    """Find bytes, texts, numbers and pointers in virtual memory.

    A PATTERN is a text in UTF-8; several are looked for in one pass. A match goes on across
    the edges of regions and fragments, and never across a byte that is not known. Addresses
    are as for msl read.

    \b
    Example:
      msl search dump.msl 'BEGIN RSA PRIVATE KEY'
      msl search dump.msl --hex '4d5a??00' --protection x
      msl search dump.msl --int 0xdeadbeef --pointer-to libc.so.6..libc.so.6+0x1000 --json

    Exit codes: 0 found; 1 no match in what is captured; 2 usage; 3 not an .msl or unreadable;
    4 the dump is incomplete, or some captured memory could not be read, or no byte of what was to
    be searched is captured; 5 a key is missing.
    """
    form = hits.form()
    if not (
        texts or more or utf16 or encoded or backwards or hexes or regex or numbers or pointers
    ):
        raise click.UsageError("nothing to look for: give a PATTERN, --hex, --regex, ...")
    from .. import analysis

    with open_input(dump, passing=False, **options) as opened:
        say_version(dump, opened)
        addresses = analysis.Addresses(opened)
        order = opened.schema.byte_order
        wanted = [analysis.text_pattern(text, ignore_case=ignore_case) for text in (*texts, *more)]
        for text in utf16:
            for encoding in _TWO_BYTES:
                wanted.append(analysis.text_pattern(text, encoding, ignore_case=ignore_case))
        for text in encoded:
            for encoding in ("utf-8", _TWO_BYTES[0]):
                wanted += analysis.base64_patterns(text, encoding)
        for text in backwards:
            wanted += [analysis.reversed_pattern(text, one) for one in ("utf-8", *_TWO_BYTES)]
        wanted += [analysis.hex_pattern(text) for text in hexes]
        wanted += [analysis.regex_pattern(text, ignore_case=ignore_case) for text in regex]
        wanted += [analysis.integer_pattern(_int(text), width, order) for text in numbers]
        wanted += [
            analysis.pointer_pattern(*addresses.range(text), analysis.pointer_width(opened))
            for text in pointers
        ]
        found = analysis.Searched()
        rows = analysis.search_rows(
            opened.memory,
            analysis.Locations(opened),
            wanted,
            hit_row(form, hits.style(no_color), [one.kind for one in wanted]),
            order=order,
            within=hits.within(opened, addresses),
            searched=found,
            processes=os.cpu_count() or 1,
        )
        read = print_hits(first_of(rows, hits.limit, found), form)
        opened.require_unchanged()
        return finish(opened, dump, found, quiet, hits.limit, read)


def _int(text: str) -> int:
    try:
        return int(text, 0)
    except ValueError:
        raise click.BadParameter(f"--int {text[:40]!r}: expected a number") from None
