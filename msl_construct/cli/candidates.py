"""``msl candidates``."""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import IO, TYPE_CHECKING, Any

import click

from .analysis_options import ending, form_of, within
from .common import (
    STDIO,
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
from .search import place_json
from .text import as_json, binary_size, many, printable

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ..analysis.candidates import Candidate, CandidateSearch
    from ..reader.dump import Dump
    from .common import ReadOptions

__all__ = ["candidates"]

_LISTED = 40
"""Candidates for people, unless --full."""


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("dumps", metavar="DUMP...", nargs=-1, required=True)
@click.option(
    "--align",
    "how",
    type=click.Choice(["auto", "address", "module"]),
    default="auto",
    help="Which regions belong together, as for msl diff.",
)
@click.option(
    "--shapes",
    "shape_files",
    multiple=True,
    metavar="FILE",
    help="Shapes of your own, besides those of the library; see msl candidates --list-shapes.",
)
@click.option("--only", multiple=True, metavar="SHAPE", help="Only these shapes.")
@click.option(
    "--limit",
    type=click.IntRange(1, 1_000_000),
    default=100,
    metavar="N",
    help="At most so many candidates of each shape in each dump (100).",
)
@click.option(
    "--range", "ranges", multiple=True, metavar="A..B", help="Only these addresses of each dump."
)
@click.option("--full", is_flag=True, help="List everything, also for people.")
@click.option("--json", "as_json_", is_flag=True, help="One JSON document.")
@click.option("--ndjson", is_flag=True, help="One JSON object for each candidate, then the rest.")
@draft_options
@command_options
@run
def candidates(
    dumps: tuple[str, ...],
    how: str,
    shape_files: tuple[str, ...],
    only: tuple[str, ...],
    limit: int,
    ranges: tuple[str, ...],
    full: bool,
    as_json_: bool,
    ndjson: bool,
    quiet: bool,
    no_color: bool,
    **options: Unpack[ReadOptions],
) -> int:
    """Find what may be keys in one dump, or in several of one process or program.

    Each dump is looked at on its own: AES key schedules, private keys and secrets of TLS and SSH
    that a computation confirms, patterns, and what only looks like a key. Further dumps add what
    changed, what stayed, and where the same stands in them; they take nothing away. A score is the
    sum of its parts, which are all shown. A page that was not captured is unknown, never constant.
    Needs numpy: pip install 'msl-construct[candidates]'.

    \b
    Example:
      msl candidates dump.msl
      msl candidates monday.msl tuesday.msl wednesday.msl --json
      msl candidates dump.msl --only aes_256_key_schedule --range '[heap]..[heap]+0x10000'

    Exit codes: 0 there are candidates; 1 there are none; 2 usage, or a mistake in a file of
    shapes; 3 a dump is not an .msl or unreadable; 4 a dump is incomplete, or something was not
    looked at; 5 a key is missing.
    """
    form = form_of(as_json_, ndjson)
    if dumps.count(STDIO) > 1:
        raise click.UsageError("stdin can be one of them only")
    from .. import analysis
    from ..analysis import candidates as finding

    numpy = finding.numeric()
    if numpy is None:
        raise click.UsageError("numpy is not installed: pip install 'msl-construct[candidates]'")
    shapes = finding.library() + finding.load_shapes(shape_files)
    if only:
        unknown = sorted(set(only) - {one.name for one in shapes})
        if unknown:
            raise click.UsageError(f"--only {unknown[0]}: no shape is called so")
        shapes = tuple(one for one in shapes if one.name in only)
    code = Exit.FINE
    with ExitStack() as stack:
        opened: list[Dump] = []
        for path in dumps:
            one = stack.enter_context(open_input(path, passing=False, **options))
            say_version(path, one)
            opened.append(one)
        found = finding.find_candidates(
            numpy,
            opened,
            shapes,
            how=how,
            most=limit,
            within=[within(one, analysis.Addresses(one), ranges, None, None) for one in opened],
            processes=os.cpu_count() or 1,
        )
        try:
            _print(dumps, found, form, full)
        except BrokenPipeError:
            discard_stdout()
        for path, one in zip(dumps, opened):
            one.require_unchanged()
            code = code or ending(one, path, quiet)
    for line in found.gaps:
        note(f"msl: {line}")
        code = Exit.INCOMPLETE
    if found.more and not quiet:
        parts = ", ".join(f"{count} {shape}" for shape, count in sorted(found.more.items()))
        note(f"msl: with lower scores, not listed (--limit): {parts}")
    if code is Exit.FINE and not found.candidates:
        return Exit.FINDINGS
    return code


def _print(dumps: tuple[str, ...], found: CandidateSearch, form: str, full: bool) -> None:
    if form == "text":
        with text_out() as out:
            _write(dumps, found, None if full else _LISTED, out)
        return
    with data_out() as out:
        whole = {
            "dumps": list(dumps),
            "classes": found.classes,
            "coverage": [
                {
                    "captured": one.captured,
                    "unknown": one.unknown,
                    "compared": one.compared,
                    "align": one.alignment,
                }
                for one in found.coverage
            ],
            "more": found.more,
            "gaps": found.gaps,
        }
        rows = [_row(dumps, one) for one in found.candidates]
        if form == "json":
            out.write(as_json({**whole, "candidates": rows}, indent=2) + "\n")
            return
        for row in rows:
            out.write(as_json(row) + "\n")
        out.write(as_json(whole) + "\n")


def _row(dumps: tuple[str, ...], one: Candidate) -> dict[str, Any]:
    return {
        "dump": dumps[one.dump],
        "address": f"{one.address:#x}",
        "length": one.length,
        "shape": one.shape,
        "score": one.score,
        "parts": one.parts,
        "facts": one.facts,
        "checked": one.checked,
        **place_json(one.location),
        "chunk": None
        if one.chunk is None
        else {
            "address": f"{one.chunk.address:#x}",
            "size": one.chunk.size,
            "allocator": one.chunk.allocator,
        },
        "pointed_from": [f"{address:#x}" for address in one.pointed_from],
        "addresses_in_other_dumps": [
            None if address is None else f"{address:#x}"
            for number, address in enumerate(one.elsewhere)
            if number != one.dump
        ],
    }


def _write(dumps: tuple[str, ...], found: CandidateSearch, most: int | None, out: IO[str]) -> None:
    total = sum(found.classes.values()) or 1
    out.write(f"bytes of {printable(dumps[0])} by class\n")
    for name, size in found.classes.items():
        out.write(f"  {name:<16} {binary_size(size):>12}  {100 * size / total:5.1f} %\n")
    for path, one in zip(dumps, found.coverage):
        holes = "".join(f", {binary_size(size)} {state}" for state, size in one.unknown.items())
        line = f"  {printable(path)}: {binary_size(one.captured)} captured{holes}"
        if one.alignment is not None:
            line += f"; {binary_size(one.compared)} compared by {one.alignment}"
        out.write(line + "\n")
    out.write(f"{many(len(found.candidates), 'candidate')}\n")
    for candidate in found.candidates[:most]:
        _write_one(dumps, candidate, out)
    if most is not None and len(found.candidates) > most:
        out.write(f"  and {len(found.candidates) - most} more: --full lists them\n")


def _write_one(dumps: tuple[str, ...], one: Candidate, out: IO[str]) -> None:
    place, module = one.location.region, one.location.module
    where = "-"
    if module is not None:
        where = f"{os.path.basename(module.path)}+{module.offset:#x}"
    elif place is not None:
        where = f"{place.name or f'[{place.region_type}]'}+{one.address - place.base_addr:#x}"
    inside = f" of {printable(dumps[one.dump])}" if len(dumps) > 1 else ""
    out.write(
        f"{one.score:.3f}  {one.address:#018x}  {one.length:>5} bytes  {one.shape}  "
        f"{printable(where)}{inside}\n"
    )
    points = " + ".join(f"{name} {value:g}" for name, value in one.parts.items() if value)
    out.write(f"         = {points}\n")
    facts = "; ".join(f"{key} {value}" for key, value in one.facts.items())
    if one.chunk is not None:
        facts += f"; chunk of {one.chunk.size} bytes at {one.chunk.address:#x}"
    if one.pointed_from:
        facts += f"; pointed to from {', '.join(f'{at:#x}' for at in one.pointed_from[:4])}"
    out.write(f"         {printable(facts)}\n")
    others = [at for number, at in enumerate(one.elsewhere) if number != one.dump]
    if any(at is not None for at in others):
        told = ", ".join("-" if at is None else f"{at:#x}" for at in others)
        out.write(f"         in the other dumps at {told}\n")
