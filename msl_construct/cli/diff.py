"""``msl diff``."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack
from itertools import chain
from typing import IO, TYPE_CHECKING

import click

from .analysis_options import TOLD, align_option, color_option, ending, form_of
from .common import (
    NOBODY,
    STDIO,
    Exit,
    command,
    data_out,
    discard_stdout,
    draft_options,
    note,
    open_input,
    paths,
    say_version,
    text_out,
)
from .diff_timeline import timeline_json, write_timeline
from .terminal import style_of
from .text import Style, as_json, binary_size, folded, many, printable

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ..analysis import DumpDifference, MemoryChange, RegionPair
    from ..reader.dump import Dump
    from .common import ReadOptions

__all__ = ["diff"]

_NOT_FOLLOWED = "msl: the timeline has no regions and no pages: they are not compared by address"

_LISTED = 20
"""Rows of one kind for people, unless --full."""
_COLORS = {"added": "green", "removed": "red"}
"""Of titles; what else is different has none."""
_INDENT = 6
"""Columns in front of what a row goes on with."""
_BYTES = 16
"""Bytes of a change on its line."""


@command()
@click.argument("dumps", metavar="A B...", nargs=-1, callback=paths, required=True)
@align_option(
    "Which regions belong together: those at one address, or at one offset in one module "
    "(auto: that, if a module moved)."
)
@click.option("--bytes", "with_bytes", is_flag=True, help="Show the bytes before and after.")
@click.option("--full", is_flag=True, help="List everything, also for people.")
@click.option("--json", "as_json_", is_flag=True, help="One JSON document.")
@click.option(
    "--ndjson",
    is_flag=True,
    help="One JSON object for each pair, then one for the timeline.",
)
@color_option()
@draft_options
def diff(
    dumps: tuple[str, ...],
    how: str,
    with_bytes: bool,
    full: bool,
    as_json_: bool,
    ndjson: bool,
    color: str,
    quiet: bool,
    no_color: bool,
    **options: Unpack[ReadOptions],
) -> int:
    """Say what is different in two dumps, or from each to the next of several.

    Of several dumps a timeline follows: what was there when, and which pages came to have which
    content. A page that one of them did not capture is unknown, and neither same nor changed. With
    --align module, pointers that moved with what they point to are told from other changes.

    \b
    Example:
      msl diff before.msl after.msl
      msl diff monday.msl tuesday.msl wednesday.msl --json
      msl diff a.msl b.msl --align module --bytes

    Exit codes: 0 nothing differs and all of it could be compared; 1 they differ; 2 usage; 3 one
    is not an .msl or unreadable; 4 nothing differs, but pages are unknown, one dump alone has a
    table, or a dump is incomplete; 5 a key is missing.
    """
    if len(dumps) < 2:
        raise click.UsageError("two dumps, please")
    if dumps.count(STDIO) > 1:
        raise click.UsageError("stdin can be one of them only")
    form_of(as_json_, ndjson)
    style = style_of(color, no_color)
    from .. import analysis

    code, found = Exit.FINE, list[dict[str, object]]()
    changes: list[list[MemoryChange]] = []
    more_changes = 0
    with ExitStack() as stack:
        opened: list[Dump] = []
        for path in dumps:
            one = stack.enter_context(open_input(path, passing=False, **options))
            say_version(path, one)
            opened.append(one)
        try:
            for number in range(1, len(opened)):
                a, b = opened[number - 1], opened[number]
                difference = analysis.diff(a, b, how=how, processes=os.cpu_count() or 1)
                names = dumps[number - 1], dumps[number]
                found.append(
                    _as_json(names, difference, opened[number - 1 : number + 1], with_bytes)
                )
                code = _worse(code, difference)
                _tell(names, difference, quiet)
                if ndjson:
                    with data_out() as out:
                        out.write(as_json(found[-1]) + "\n")
                elif not as_json_:
                    with text_out() as out:
                        _write(names, difference, a, b, with_bytes, full, out, style)
                if len(dumps) > 2:
                    changes.append(difference.changes)
                    more_changes += difference.more_changes
            times = None
            if len(dumps) > 2:
                by_address = all(step["align"] == "address" for step in found)
                if not by_address:
                    more_changes = 0
                    changes.clear()  # there is no address that means the same in all of them
                    if not quiet:
                        note(_NOT_FOLLOWED)
                times = analysis.timeline(
                    opened, chain(*changes), more_changes, by_address=by_address
                )
            if times is not None and not as_json_:
                with data_out() if ndjson else text_out() as out:
                    if ndjson:
                        out.write(as_json({"timeline": timeline_json(dumps, times)}) + "\n")
                    else:
                        most = None if full else _LISTED
                        where = _where(opened)
                        write_timeline(dumps, times, most, out, style, where)
            if as_json_:
                with data_out() as out:
                    whole: dict[str, object] = found[0] if times is None else {"steps": found}
                    if times is not None:
                        whole["timeline"] = timeline_json(dumps, times)
                    out.write(as_json(whole, indent=2) + "\n")
        except BrokenPipeError:
            discard_stdout()
            if len(found) < len(dumps) - 1:
                note(f"msl: incomplete: {NOBODY}: from {dumps[len(found)]} on")
                code = code or Exit.INCOMPLETE
        for path, one in zip(dumps, opened):
            one.require_unchanged()
            told = ending(one, path, quiet)
            code = told if one.tampered else code or told
    return code


def _where(dumps: list[Dump]) -> Callable[[int], str]:
    """What says what stands at an address, in the first dump that knows."""
    from ..analysis import Locations

    places = [Locations(dump) for dump in dumps]
    return lambda address: next(filter(None, (one.text(address) for one in places)), "")


def _tell(names: tuple[str, str], difference: DumpDifference, quiet: bool) -> None:
    """Say what could not be compared."""
    both = f"msl: {names[0]}, {names[1]}"
    left = [*difference.not_compared, *difference.pages.failed]
    for line in left[:TOLD]:
        note(f"{both}: {line}")
    if len(left) > TOLD and not quiet:
        note(f"{both}: and {len(left) - TOLD} more like this (--json has all)")
    if difference.pages.unknown and not difference:
        pages = many(difference.pages.unknown, "page")
        note(f"{both}: incomplete: {pages} could not be compared")


def _worse(code: Exit, difference: DumpDifference) -> Exit:
    if difference:
        return Exit.FINDINGS
    left = difference.pages.unknown or difference.pages.failed or difference.not_compared
    return code or (Exit.INCOMPLETE if left else Exit.FINE)


# --- as JSON -----------------------------------------------------------------------------------


def _as_json(
    names: tuple[str, str], found: DumpDifference, dumps: list[Dump], with_bytes: bool
) -> dict[str, object]:
    pages = found.pages
    return {
        "a": names[0],
        "b": names[1],
        "align": found.alignment,
        "regions": {
            key: [_region_row(pair, dumps) for pair in pairs]
            for key, pairs in found.regions.items()
        },
        "pages": {
            "same": pages.same,
            "changed": pages.changed,
            "rebased": pages.rebased,
            "unknown": pages.unknown,
            "only_a": pages.only_a,
            "only_b": pages.only_b,
        },
        "changes": _changes(found.changes, dumps, with_bytes),
        "more_changes": found.more_changes,
        "modules": found.modules,
        "threads": found.threads,
        "process": found.process,
        "environment": found.environment,
        "system": found.system,
        "not_compared": [*found.not_compared, *pages.failed],
    }


def _region_row(pair: RegionPair, dumps: list[Dump]) -> dict[str, object]:
    row: dict[str, object] = {}
    for dump, prefix, region in zip(dumps, ("", "other_"), (pair.a, pair.b)):
        if region is not None:
            row[f"{prefix}base_addr"] = f"{region.base_addr:#x}"
            row[f"{prefix}region_size"] = region.region_size
            row[f"{prefix}protection"] = region.protection.names
            row[f"{prefix}region_type"] = region.region_type.name
            row[f"{prefix}name"] = dump.memory.name_of(region.base_addr)
    return row


def _changes(
    changes: list[MemoryChange], dumps: list[Dump], with_bytes: bool
) -> list[dict[str, object]]:
    """By region, in the order of addresses."""
    rows: list[dict[str, object]] = []
    runs: list[list[object]] = []
    shown: list[list[str]] = []
    a, b = dumps
    for change in changes:
        region = a.memory.region_at(change.address)
        base = change.address if region is None else region.base_addr
        if not rows or rows[-1]["base_addr"] != f"{base:#x}":
            name = a.memory.name_of(change.address)
            runs, shown = [], []
            rows.append({"base_addr": f"{base:#x}", "name": name, "runs": runs})
            if with_bytes:
                rows[-1]["bytes"] = shown
        runs.append([f"{change.address:#x}", change.size])
        if with_bytes:
            size = min(change.size, 1 << 16)
            shown.append(
                [
                    bytes(a.memory.read(change.address, size).data).hex(),
                    bytes(b.memory.read(change.other, size).data).hex(),
                ]
            )
    return rows


# --- for people --------------------------------------------------------------------------------


def _write(
    names: tuple[str, str],
    found: DumpDifference,
    a: Dump,
    b: Dump,
    with_bytes: bool,
    full: bool,
    out: IO[str],
    style: Style,
) -> None:
    from ..analysis import Locations

    most = None if full else _LISTED
    heading = f"{printable(names[0])} -> {printable(names[1])} (by {found.alignment})"
    out.write("\n".join(folded(heading, style.columns, 2)) + "\n")
    for key, pairs in found.regions.items():
        _list(out, style, f"regions {key}", [_region_text(key, pair, a, b) for pair in pairs], most)
    for what, rows in (
        ("process", found.process),
        ("environment", found.environment),
        ("modules", found.modules),
        ("threads", found.threads),
    ):
        for key, listed in rows.items():
            _list(out, style, f"{what} {key}", [_row_text(row) for row in listed], most)
    for table, kinds in found.system.items():
        for key, listed in kinds.items():
            _list(out, style, f"{table} {key}", [_row_text(row) for row in listed], most)
    pages = found.pages
    rebased = f" ({pages.rebased} of them only by pointers that moved)" if pages.rebased else ""
    counted = (
        f"pages: {pages.same} same, {pages.changed} changed{rebased}, {pages.unknown} unknown, "
        f"{pages.only_a} only in the first, {pages.only_b} only in the second"
    )
    out.write("\n".join(folded(counted, style.columns, 2)) + "\n")
    locations = Locations(a)
    lines = []
    for change in found.changes[: most or None]:
        where = locations.text(change.address)
        line = f"{change.address:#018x}  {change.size:>8}  {printable(where)}"
        if change.rebased:
            line += "  (moved pointers)"
        if with_bytes:
            size = min(change.size, _BYTES)
            old = bytes(a.memory.read(change.address, size).data).hex()
            new = bytes(b.memory.read(change.other, size).data).hex()
            line += f"  {old} -> {new}"
        lines.append(line)
    more = len(found.changes) - len(lines) + found.more_changes
    _list(out, style, "changes", lines, None, more)


def _list(
    out: IO[str], style: Style, title: str, lines: list[str], most: int | None, more: int = 0
) -> None:
    if not lines:
        return
    shown = lines if most is None else lines[:most]
    more += len(lines) - len(shown)
    counted = many(len(lines) + (more if most is None else 0), "row")
    fg = _COLORS.get(title.rpartition(" ")[2])
    out.write(f"{style.paint(title, fg=fg, bold=True)}: {counted}\n")
    for line in shown:
        out.writelines(f"{part}\n" for part in folded(f"  {line}", style.columns, _INDENT))
    if more:
        out.write(f"  and {more} more (--full)\n")


def _region_text(key: str, pair: RegionPair, a: Dump, b: Dump) -> str:
    from ..analysis.locations import rights

    one = pair.a or pair.b
    assert one is not None
    name = (b if pair.a is None else a).memory.name_of(one.base_addr) or ""
    named = "" if name == f"[{one.region_type.name}]" else f"  {printable(name)}"
    text = (
        f"{one.base_addr:#018x}  {binary_size(one.region_size):>10}  "
        f"{rights(tuple(one.protection.names))}  {one.region_type.name}{named}"
    )
    if pair.a is None or pair.b is None:
        return text
    if key == "resized":
        return f"{text}  -> {binary_size(pair.b.region_size)}"
    if key == "reprotected":
        return f"{text}  -> {rights(tuple(pair.b.protection.names))}"
    return f"{text}  -> {pair.b.region_type.name}"


def _row_text(row: dict[str, object]) -> str:
    """The columns that say something; a time as a date alone, where it is one."""
    dated = [key.removesuffix("_utc") for key in row if key.endswith("_utc") and row[key]]
    left_out = {"is_target", *dated, *(f"{key}_unit" for key in dated)}
    return printable(
        "  ".join(
            f"{key} {value}"
            for key, value in row.items()
            if value not in (None, "", []) and key not in left_out
        )
    )
