"""``msl search``."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from itertools import chain, islice
from typing import IO, TYPE_CHECKING

import click

from .analysis_options import TOLD, HitOptions, ending, hit_options
from .common import (
    Exit,
    command_options,
    data_out,
    discard_stdout,
    draft_options,
    note,
    open_input,
    run,
    say_version,
    text_out,
)
from .text import as_json, binary_size, many, printable

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ..analysis import Hit, Location, Searched
    from ..reader.dump import Dump
    from .common import ReadOptions

__all__ = ["finish", "hit_json", "place_json", "print_hits", "search"]

_TWO_BYTES = ("utf-16-le", "utf-16-be")
_REMEMBERED = 1024
"""Names of modules."""
_SHOWN = 32
"""Bytes of a hit on its line."""


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
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
@command_options
@run
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

    Exit codes: 0 found; 1 no match; 2 usage; 3 not an .msl or unreadable; 4 the dump is
    incomplete, or some captured memory could not be read; 5 a key is missing.
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
        matches = analysis.search(
            opened.memory,
            analysis.Locations(opened),
            wanted,
            order=order,
            within=hits.within(opened, addresses),
            searched=found,
            processes=os.cpu_count() or 1,
        )
        read = print_hits(islice(matches, hits.limit), form)
        opened.require_unchanged()
        return finish(opened, dump, found, quiet, hits.limit, read)


def _int(text: str) -> int:
    try:
        return int(text, 0)
    except ValueError:
        raise click.BadParameter(f"--int {text[:40]!r}: expected a number") from None


def place_json(place: Location) -> dict[str, object]:
    """Where something is, as every command prints it."""
    region, module = place.region, place.module
    return {
        "region": None
        if region is None
        else {
            "base_addr": f"{region.base_addr:#x}",
            "protection": list(region.protection),
            "region_type": region.region_type,
            "name": region.name,
        },
        "module": None
        if module is None
        else {"path": module.path, "offset": f"{module.offset:#x}"},
    }


def hit_json(hit: Hit) -> dict[str, object]:
    """A hit, as ``--json`` prints it."""
    row: dict[str, object] = {
        "address": f"{hit.address:#x}",
        "length": hit.length,
        "bytes": hit.data.hex(),
        "text": hit.text,
        "kind": hit.kind,
        "pattern": hit.pattern or None,
        **({} if hit.rule is None else {"rule": hit.rule}),
        **place_json(hit.location),
        "before": hit.before.hex(),
        "after": hit.after.hex(),
    }
    if hit.value is not None:
        row["value"] = f"{hit.value:#x}"
    return row


def print_hits(
    hits: Iterable[Hit], form: str, gaps: Callable[[], Iterable[dict[str, object]]] = tuple
) -> bool:
    """All hits, as they come; whether somebody read them to the end.

    Args:
        form: ``json``, ``ndjson`` or ``text``.
        gaps: rows that follow them as JSON; asked when all hits are printed.
    """
    try:
        if form == "text":
            with text_out() as out:
                line = _Lines().line
                for hit in hits:
                    out.write(line(hit) + "\n")
        else:
            with data_out() as out:
                _write_json(chain(map(hit_json, hits), _later(gaps)), form, out)
    except BrokenPipeError:
        discard_stdout()
        return False
    return True


def _later(rows: Callable[[], Iterable[dict[str, object]]]) -> Iterator[dict[str, object]]:
    yield from rows()


def _write_json(rows: Iterable[dict[str, object]], form: str, out: IO[str]) -> None:
    if form == "ndjson":
        for row in rows:
            out.write(as_json(row) + "\n")
        return
    out.write("[")
    for index, row in enumerate(rows):
        out.write(("," if index else "") + "\n" + as_json(row))
    out.write("\n]\n")


class _Lines:
    """Hits as lines: ``address  rights  where  what``."""

    def __init__(self) -> None:
        # Imported once, and asked once for each region: there are many lines.
        from ..analysis.addresses import file_name
        from ..analysis.locations import rights

        self._file_name = lru_cache(_REMEMBERED)(lambda path: printable(file_name(path)))
        self._rights = rights
        self._region: object = None
        self._letters, self._label, self._base = "---", "-", 0

    def line(self, hit: Hit) -> str:
        """One of them."""
        place, address = hit.location, hit.address
        region, module = place.region, place.module
        if region is not self._region:
            self._region = region
            self._letters, self._label = "---", "-"
            if region is not None:
                words, self._base = region.label
                self._letters, self._label = self._rights(region.protection), printable(words)
        if module is not None:
            where = f"{self._file_name(module.path)}+{module.offset:#x}"
        elif region is not None:
            where = f"{self._label}+{address - self._base:#x}"
        else:
            where = "-"
        if hit.value is not None:
            what = f"-> {hit.value:#x}"
        elif hit.text is not None:
            what = f'"{printable(hit.text)}"'
        else:
            what = hit.data[:_SHOWN].hex() + ("…" if hit.length > _SHOWN else "")
        kind = hit.kind if hit.rule is None else printable(f"{hit.rule} {hit.pattern}".strip())
        return f"{address:#018x}  {self._letters}  {kind:<9}  {where:<32}  {what}"


def finish(
    dump: Dump, path: str, found: Searched, quiet: bool, limit: int | None, read: bool
) -> Exit:
    """Say what could not be searched; the exit code of the whole.

    Args:
        read: what `print_hits` said: of what nobody reads nothing more is looked for.
    """
    code = ending(dump, path, quiet)
    for line in found.failed[:TOLD]:
        note(f"msl: {path}: {line}")
        code = code or Exit.INCOMPLETE
    if len(found.failed) > TOLD and not quiet:
        note(f"msl: {path}: and {len(found.failed) - TOLD} more like this")
    stopped = limit is not None and found.hits >= limit
    if not quiet:
        said = f"{many(found.hits, 'hit')} in {binary_size(found.coverage.captured)}"
        if stopped:
            said += f", and no more were looked for (--limit {limit})"
        elif not read:
            said += "; nobody read on, so that there may be more"
        holes = {state: size for state, size in found.coverage.unknown.items() if size}
        if holes:
            parts = ", ".join(f"{binary_size(size)} {state}" for state, size in holes.items())
            said += f"; not to be searched, since there are no bytes: {parts}"
        note(f"msl: {path}: {said}")
    if code is Exit.FINE and not found.hits:
        return Exit.FINDINGS
    return code
