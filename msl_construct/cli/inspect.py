"""``msl inspect``."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import IO, TYPE_CHECKING, Any, Literal, TypeVar

import click

from ..document.csv_cells import cell
from ..reader.gaps import gap_of_hashes
from ..reader.opened import Indexed
from .analysis_options import color_option
from .common import (
    NOBODY,
    STDIO,
    Exit,
    command,
    data_out,
    discard_stdout,
    draft_options,
    lacking_code,
    lacking_word,
    note,
    open_input,
    say_version,
)
from .pager import paged_out
from .terminal import style_of
from .text import Style, many

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ..reader.dump import Dump
    from ..reader.stream import PassingDump
    from .common import ReadOptions

__all__ = ["inspect"]

F = TypeVar("F", bound=Callable[..., object])

_PARTS = ("header", "blocks", "segments", "trailing")
_FORMATS = ("yaml", "json", "ndjson", "csv")


def _formats(function: F) -> F:
    helps = {
        "yaml": "The canonical document as YAML.",
        "json": "The canonical document as JSON.",
        "ndjson": "One JSON record a line: the document's head, then each block or row.",
        "csv": "One table (see --show) as CSV; regions unless told otherwise.",
    }
    for name in reversed(_FORMATS):
        function = click.option(f"--{name}", f"as_{name}", is_flag=True, help=helps[name])(function)
    return function


def _form(**asked: bool) -> str | None:
    """The one format that was asked for."""
    chosen = [name for name in _FORMATS if asked[name]]
    if len(chosen) > 1:
        raise click.UsageError(f"one of --{' and --'.join(chosen)}, please")
    return chosen[0] if chosen else None


def _show(_: click.Context, __: click.Parameter, value: str | None) -> list[str]:
    from ..document.tables import TABLES

    names = [name.strip() for name in (value or "").split(",") if name.strip()]
    for name in names:
        if name not in _PARTS and name not in TABLES:
            known = ", ".join([*_PARTS, *TABLES])
            raise click.BadParameter(f"{name!r} is not one of {known}")
    return list(dict.fromkeys(names))


@command()
@click.argument("dump", metavar="DUMP")
@_formats
@click.option(
    "--show",
    metavar="NAMES",
    callback=_show,
    help="Only these, separated by commas. Parts: header, blocks, segments, trailing. Tables: "
    "index, regions, pages, modules, threads, mappings, process, hints, related, origin; of the "
    "machine: system, processes, connections, handles, connectivity, kernel, kernel_modules, "
    "persistence, introspection, physical, build_ids, omissions.",
)
@click.option("--all", "unfolded", is_flag=True, help="Each region on a row of its own.")
@color_option("Of the tree: ")
@click.option(
    "--pager/--no-pager",
    default=None,
    help="The tree through $MSL_PAGER, $PAGER or less; by default on a terminal.",
)
@click.option("--offsets", is_flag=True, help="Add every field's file offset and length.")
@click.option("--with-data", is_flag=True, help="Add page data, base64; not with --csv.")
@draft_options
def inspect(
    dump: str,
    as_yaml: bool,
    as_json: bool,
    as_ndjson: bool,
    as_csv: bool,
    show: list[str],
    offsets: bool,
    with_data: bool,
    unfolded: bool,
    color: str,
    pager: bool | None,
    quiet: bool,
    no_color: bool,
    **options: Unpack[ReadOptions],
) -> int:
    """Show everything a dump holds, without reading page data.

    Prints a readable tree, in which regions that belong together are one row, or the canonical
    document (--yaml, --json, --ndjson), which other programs may rely on, or a table (--csv).
    --show, --offsets and --with-data print YAML unless told otherwise. DUMP may be - for stdin,
    which is read block by block. For the tree and for tables it is spooled to a temporary file,
    all but page data; with --with-data, and to verify extension segments, page data as well.

    \b
    Example:
      msl inspect dump.msl
      msl inspect dump.msl --json --show regions,modules
      msl inspect dump.msl --csv --show pages > pages.csv
      msl inspect dump.msl --csv --show connections
      msl inspect dump.msl --all --color always | less -R

    Exit codes: 0 fine; 3 not an .msl or unreadable; 4 incomplete (no End-of-Capture,
    truncated, trailing bytes), or something could not be looked at (a payload that does not
    inflate, an unknown HashAlgo); 5 encrypted, and no key or a wrong one; 1 encrypted, and not
    what was written. What could be read is on stdout with 4 and 5.
    Page data is looked at with --with-data only.
    """
    from ..document.tables import TABLES

    form = _form(yaml=as_yaml, json=as_json, ndjson=as_ndjson, csv=as_csv)
    tables = [name for name in show if name in TABLES]
    if form == "csv":
        tables = tables or ([] if show else ["regions"])
        if len(tables) != 1 or len(show) > 1:
            raise click.UsageError(f"--csv prints one table: --show {'|'.join(TABLES)}")
    if form == "csv" and (with_data or offsets):
        raise click.UsageError("--with-data and --offsets need --yaml, --json or --ndjson")
    if form is None and (with_data or offsets):
        form = "yaml"
    again = tables or (form is None and not show)  # blocks are needed more than once
    passing: bool | Literal["listing"] = "listing" if again and not with_data else not with_data
    with open_input(dump, passing=passing, **options) as opened:
        say_version(dump, opened)
        try:
            with _out(form, show, pager) as out:
                if form is None and not show:
                    _tree(opened, out, style_of(color, no_color), unfolded)
                elif form == "csv":
                    _csv(opened, tables[0], out)
                else:
                    _document(opened, form or "yaml", show, tables, with_data, offsets, out)
        except BrokenPipeError:
            discard_stdout()
            code = _ending(opened, dump, quiet)
            if not code and (with_data or _may_lack(opened)):
                note(f"msl: {dump}: incomplete: {NOBODY}")
                return Exit.INCOMPLETE
            return code  # what the file is stays true
        opened.require_unchanged()
        return _ending(opened, dump, quiet)


def _out(form: str | None, show: list[str], pager: bool | None) -> AbstractContextManager[IO[str]]:
    if form is None and not show:
        return paged_out(pager)
    if form in ("json", "ndjson"):
        return data_out()
    return data_out(lacking="backslashreplace")  # YAML has the same escapes


def _tree(dump: Dump | PassingDump, out: IO[str], style: Style, unfolded: bool) -> None:
    from .tree import tree

    assert isinstance(dump, Indexed)
    tree(dump, out.write, style, unfolded=unfolded)


def _document(
    dump: Dump | PassingDump,
    form: str,
    show: list[str],
    tables: list[str],
    with_data: bool,
    offsets: bool,
    out: IO[str],
) -> None:
    from ..document import emit
    from ..document.render import Renderer

    renderer = Renderer(with_data=with_data, offsets=offsets, lines=form == "json")
    write = {"yaml": emit.write_yaml, "json": emit.write_json, "ndjson": emit.write_ndjson}[form]
    parts = renderer.parts(dump)
    write(_narrowed(dump, parts, show, tables) if show else parts, out.write)


def _narrowed(
    dump: Dump | PassingDump, parts: Iterator[tuple[str, Any]], show: list[str], tables: list[str]
) -> Iterator[tuple[str, object]]:
    """The parts that were asked for, then the tables; all blocks of a pipe go by all the same."""
    for key, value in parts:
        if key == "blocks" and key not in show:
            if not isinstance(dump, Indexed):
                for _ in dump.each_capture_block(lambda block: None):
                    pass
            continue
        if key in ("document", "file", "format") or key in show:
            yield key, value
    for name in tables:
        yield name, _rows(dump, name)


def _rows(dump: Dump | PassingDump, name: str) -> Iterator[dict[str, Any]]:
    from ..document.tables import table_rows

    assert isinstance(dump, Indexed)
    return table_rows(dump, name)


def _csv(dump: Dump | PassingDump, name: str, out: IO[str]) -> None:
    from ..document.tables import table_columns

    writer = csv.DictWriter(out, table_columns(name, dump.schema), lineterminator="\n")
    writer.writeheader()
    for row in _rows(dump, name):
        writer.writerow({key: cell(value) for key, value in row.items()})


def _may_lack(dump: Dump | PassingDump) -> bool:
    """Whether something nobody has looked at may be what can't be: compressed, or yet to come."""
    if not isinstance(dump, Indexed):
        return dump.ending.kind == "open"
    return any(dump.block(number).compressed for number in range(len(dump.index)))


def _ending(dump: Dump | PassingDump, path: str, quiet: bool) -> int:
    """The exit code, and the one line on stderr that goes with it."""
    name = "stdin" if path == STDIO else path
    if dump.locked:
        note(f"msl: {name}: {dump.encryption().text}; without, only the header can be read")
        return Exit.KEY
    unseen = _unseen(dump)
    if dump.complete or dump.ending.kind == "open":  # a pipe of which the rest was not read
        if unseen:
            note(f"msl: {name}: incomplete: {unseen}")
            return Exit.INCOMPLETE
        if dump.problems and not quiet:
            first = dump.problems[min(dump.problems)]
            count = many(len(dump.problems), "payload")
            note(f"msl: {name}: {count} could not be decoded to the end; the first: {first}")
        return Exit.FINE
    if dump.ending.clean:
        text = "no End-of-Capture, the acquirer did not finish (§4.5)"
    else:
        text = dump.ending.text
    word = lacking_word(dump, text)
    note(f"msl: {name}: {word}: {text}{f'; {unseen}' if unseen else ''}")
    return lacking_code(dump)


def _unseen(dump: Dump | PassingDump) -> str:
    """What could not be looked at, in one line; empty when there is no such thing."""
    hashes = gap_of_hashes(dump.header)
    parts = [] if hashes is None else [hashes.text]
    unread = dump.problems.unread
    if unread:
        first = dump.problems[min(unread)]
        parts.append(f"{many(len(unread), 'payload')} could not be looked at; the first: {first}")
    return "; ".join(parts)
