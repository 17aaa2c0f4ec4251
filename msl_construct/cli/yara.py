"""``msl yara``."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import click

from .analysis_options import TOLD, HitOptions, hit_options
from .common import Exit, command, draft_options, note, open_input, paths, say_version
from .hit_output import finish, print_hits
from .hit_rows import hit_row
from .read import stated_fill

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ..analysis.yara import Engine, RuleGap, RuleScan
    from .common import ReadOptions

__all__ = ["yara"]


@command()
@click.argument("dump", metavar="DUMP")
@click.argument("files", metavar="RULES...", nargs=-1, callback=paths, required=True)
@click.option(
    "-d",
    "--define",
    "defined",
    multiple=True,
    metavar="NAME=VALUE",
    help="An external: true, false, a number or a text.",
)
@click.option(
    "--timeout",
    "seconds",
    type=click.IntRange(1, 86400),
    default=60,
    metavar="SECONDS",
    help="Most that a rule may take with one piece of memory (60).",
)
@click.option(
    "--fill",
    metavar="error|zero|0xNN",
    callback=stated_fill,
    default="error",
    help="Bytes of an image that are not known, for the rules of images; by default it ends there.",
)
@click.option(
    "--processes",
    type=click.IntRange(0, 256),
    metavar="N",
    help="How many processes scan (one for each processor); 0: none but this one.",
)
@hit_options("hits")
@draft_options
def yara(
    dump: str,
    files: tuple[str, ...],
    defined: tuple[str, ...],
    seconds: int,
    fill: int | None,
    processes: int | None,
    hits: HitOptions,
    quiet: bool,
    no_color: bool,
    **options: Unpack[ReadOptions],
) -> int:
    """Ask YARA rules of virtual memory.

    RULES are files, or folders of files .yar and .yara. A rule is asked of captured memory in
    one piece, across the edges of regions and never across a byte that is not known; a rule of
    pe, elf and the like of images of modules; a rule that asks for protection, region_type,
    region_name or module_path, which are texts, of each region on its own. Needs yara-x, or
    yara-python: pip install 'msl-construct[yara]'.

    \b
    Example:
      msl yara dump.msl rules.yar
      msl yara dump.msl rules/ --protection x --json

    Exit codes: 0 a rule matches; 1 none does; 2 usage, or a mistake in a rule; 3 not an .msl, or
    a file is unreadable; 4 the dump is incomplete, or a rule could not be asked of something, or
    no byte is captured that any could be asked of; 5 a key is missing.
    """
    form = hits.form()
    from .. import analysis
    from ..analysis import yara as rules_of

    engine = _engine()
    externals = dict(map(_external, defined))
    rules = rules_of.load_rules(files, engine, externals)
    with open_input(dump, passing=False, **options) as opened:
        say_version(dump, opened)
        found = rules_of.RuleScan()
        matches = rules_of.scan_rules(
            opened,
            analysis.Locations(opened),
            rules,
            engine,
            externals=externals,
            seconds=seconds,
            fill=fill,
            within=hits.within(opened, analysis.Addresses(opened)),
            processes=processes,
            searched=found,
        )
        row = hit_row(form, hits.style(no_color))
        rows = ((1, row(hit)) for hit in islice(matches, hits.limit))
        read = print_hits(rows, form, lambda: map(_gap_json, found.gaps))
        opened.require_unchanged()
        code = finish(opened, dump, found, quiet, hits.limit, read)
        left = _gaps(found, dump, quiet)
        return code if opened.tampered else left or code


def _engine() -> Engine:
    from ..analysis.yara import yara_engine

    engine = yara_engine()
    if engine is None:
        raise click.UsageError(
            "neither yara-x nor yara-python is installed: pip install 'msl-construct[yara]'"
        )
    return engine


def _external(text: str) -> tuple[str, str | int | bool]:
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise click.BadParameter(f"--define {text[:40]!r}: expected NAME=VALUE")
    if value in ("true", "false"):
        return name, value == "true"
    try:
        number = int(value, 0)
    except ValueError:
        return name, value
    if not -(1 << 63) <= number < 1 << 63:
        raise click.BadParameter(f"--define {text[:40]!r}: expected a number of 64 bits")
    return name, number


def _gap_json(gap: RuleGap) -> dict[str, object]:
    return {
        "address": f"{gap.address:#x}",
        "length": gap.length,
        "kind": "gap",
        "rule": gap.rule,
        "why": gap.why,
    }


def _gaps(found: RuleScan, dump: str, quiet: bool) -> Exit:
    """Say what rules were not asked; the exit code for that."""
    for gap in found.gaps[:TOLD]:
        rule = "" if gap.rule is None else f"rule {gap.rule}: "
        note(f"msl: {dump}: {rule}{gap.length} bytes at {gap.address:#x}: {gap.why}")
    if len(found.gaps) > TOLD and not quiet:
        note(f"msl: {dump}: and {len(found.gaps) - TOLD} more like this (--json lists them)")
    return Exit.INCOMPLETE if found.gaps else Exit.FINE
