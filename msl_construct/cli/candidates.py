"""``msl candidates``."""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import TYPE_CHECKING

import click

from ..errors import PatternError
from ..remote_output import is_same_place
from .analysis_options import (
    align_option,
    color_option,
    ending,
    form_of,
    within,
    without_match,
)
from .appending import appendable
from .candidates_patterns import (
    patterns_of_candidates,
    patterns_of_ranges,
    untried,
    write_patterns,
)
from .candidates_text import print_candidates
from .common import (
    STDIO,
    Exit,
    command,
    draft_options,
    note,
    open_input,
    paths,
    say_version,
    whoever_reads,
)
from .terminal import style_of
from .text import many
from .written_file import check_new, refuse_itself

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ..analysis.candidates import CandidateSearch, MemoryShape
    from ..reader.dump import Dump
    from ..rewrite.hinting import KeyPlace
    from .common import ReadOptions

__all__ = ["candidates"]

_LEAST_HINTED = 0.3
"""What a shape must be worth to be told in a Key Hint; what only looks like a key is not."""
_HINT = "key_hint"
_SAME = ("region_uuid", "region_offset", "key_len")
"""Fields by which two Key Hints are of the same bytes."""


@command()
@click.argument("dumps", metavar="DUMP...", nargs=-1, callback=paths, required=True)
@align_option("Which regions belong together, as for msl diff.")
@click.option(
    "--shapes",
    "shape_files",
    multiple=True,
    metavar="FILE",
    help="Shapes of your own in YAML, besides those of the library.",
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
@click.option(
    "--structures",
    is_flag=True,
    help="Also infer lists, trees and arrays of records in heap regions.",
)
@click.option(
    "--append",
    "appending",
    is_flag=True,
    help="Write Key Hints of the first dump's candidates behind it, as an extension segment.",
)
@click.option("--yara", "yara_file", metavar="OUT", help="Write patterns as YARA rules.")
@click.option("--volatility", "plugin", metavar="OUT", help="... as a plugin for Volatility 3.")
@click.option("--signature", metavar="OUT", help="... as JSON.")
@click.option(
    "--of",
    "wanted",
    multiple=True,
    metavar="A..B|PLACE",
    help="Patterns of these ranges of the first dump, or of the regions of these places, instead "
    "of the best candidates. Of more than 4 KiB those with most in common are taken.",
)
@click.option(
    "--margin",
    type=click.IntRange(0, 1024),
    default=64,
    metavar="BYTES",
    help="Bytes around a candidate that go into its pattern (64).",
)
@click.option(
    "--against",
    multiple=True,
    metavar="DUMP",
    help="Another dump to try the patterns on; hits in it are false ones.",
)
@click.option("--force", "-f", is_flag=True, help="Overwrite files of patterns.")
@click.option("--full", is_flag=True, help="List everything, also for people.")
@click.option("--json", "as_json_", is_flag=True, help="One JSON document.")
@click.option("--ndjson", is_flag=True, help="One JSON object for each candidate, then the rest.")
@color_option()
@draft_options
def candidates(
    dumps: tuple[str, ...],
    how: str,
    shape_files: tuple[str, ...],
    only: tuple[str, ...],
    limit: int,
    ranges: tuple[str, ...],
    structures: bool,
    appending: bool,
    yara_file: str | None,
    plugin: str | None,
    signature: str | None,
    wanted: tuple[str, ...],
    margin: int,
    against: tuple[str, ...],
    force: bool,
    full: bool,
    as_json_: bool,
    ndjson: bool,
    color: str,
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

    --yara, --volatility and --signature write patterns of the best candidates, or of any range:
    bytes that are the same in all dumps are literal, the rest, and the candidate itself, may be
    any. Each is tried on the dumps that it was made of, and on those of --against.

    \b
    Example:
      msl candidates dump.msl
      msl candidates monday.msl tuesday.msl wednesday.msl --json
      msl candidates dump.msl --only aes_256_key_schedule --range '[heap]..[heap]+0x10000'
      msl candidates a.msl b.msl --yara keys.yar --against other.msl
      msl candidates dump.msl --structures --append

    Exit codes: 0 there are candidates; 1 there are none; 2 usage, or a mistake in a file of
    shapes; 3 a dump is not an .msl or unreadable; 4 a dump is incomplete, or something was not
    looked at, or not in every way since that takes too long, or nothing is captured of what was to
    be; 5 a key is missing.
    """
    form = form_of(as_json_, ndjson)
    if dumps.count(STDIO) > 1:
        raise click.UsageError("stdin can be one of them only")
    from .. import analysis
    from ..analysis import candidates as finding

    numpy = finding.numeric()
    if numpy is None:
        raise click.UsageError("numpy is not installed: pip install 'msl-construct[candidates]'")
    own = finding.load_shapes(shape_files, besides=finding.library())
    shapes = finding.library() + own
    if only:
        names = sorted({one.name for one in shapes})
        unknown = sorted(set(only) - set(names))
        if unknown:
            raise click.UsageError(
                f"--only {unknown[0]}: no shape is called so; there are {', '.join(names)}"
            )
        shapes = tuple(one for one in shapes if one.name in only)
    outputs = {"yara": yara_file, "volatility": plugin, "signature": signature}
    if (wanted or against) and not any(outputs.values()):
        raise click.UsageError("--of and --against go with --yara, --volatility or --signature")
    if appending and dumps[0] == STDIO:
        raise click.UsageError("--append: nothing can be appended to stdin")
    _check_outputs([path for path in outputs.values() if path], (*dumps, *against, *shape_files))
    for path in outputs.values():
        if path is not None:
            check_new(path, force)
    code = Exit.FINE
    with ExitStack() as stack:
        opened: list[Dump] = []
        for path in (*dumps, *against):
            one = stack.enter_context(open_input(path, passing=False, **options))
            say_version(path, one)
            opened.append(one)
        some, others = opened[: len(dumps)], opened[len(dumps) :]
        _check_names(some[0], own)
        found = finding.find_candidates(
            numpy,
            some,
            shapes,
            how=how,
            most=limit,
            within=[within(one, analysis.Addresses(one), ranges, None, None) for one in some],
            processes=os.cpu_count() or 1,
        )
        inferred = None
        if structures:
            inferred = [
                (path, one)
                for path, dump in zip(dumps, some)
                for one in finding.infer_structures(numpy, dump, found.gaps)
            ]
        tries = None
        if any(outputs.values()):
            places = finding.Correspondence([analysis.align(some[0], one, how) for one in some[1:]])
            if wanted:
                patterns = patterns_of_ranges(numpy, some, places, wanted, quiet)
            else:
                patterns = patterns_of_candidates(some, places, found, margin)
            tries = [
                (
                    pattern,
                    [
                        (path, finding.tried(pattern, dump, place))
                        for path, dump, place in zip(
                            (*dumps, *against),
                            (*some, *others),
                            (*pattern.places, *(None for _ in others)),
                        )
                    ],
                )
                for pattern in patterns
            ]
            write_patterns(patterns, outputs, force)
            found.gaps += untried(tries)
        hints = _hints(some[0], found, shapes, only) if appending else []
        with whoever_reads():
            print_candidates(dumps, found, inferred, tries, form, full, style_of(color, no_color))
        for path, one in zip((*dumps, *against), opened):
            one.require_unchanged()
            told = ending(one, path, quiet)
            code = told if one.tampered else code or told
    for line in (*found.gaps, *found.limits):
        note(f"msl: {line}")
        code = code or Exit.INCOMPLETE
    if found.more and not quiet:
        parts = ", ".join(f"{count} {shape}" for shape, count in sorted(found.more.items()))
        note(f"msl: with lower scores, not listed (--limit): {parts}")
    if appending:
        code = _append(dumps[0], hints, quiet, options) or code
    if code is Exit.FINE and not found.candidates and not inferred and not tries:
        return without_match(", ".join(dumps), sum(one.captured for one in found.coverage))
    return code


def _check_names(dump: Dump, shapes: tuple[MemoryShape, ...]) -> None:
    """Refuse shapes whose kind of key or protocol the draft of the dump has no name for."""
    layout = dump.schema.key_hint
    for one in shapes:
        for field, name in (("key_type", one.key_type), ("protocol", one.protocol)):
            names = [str(value.name) for value in layout.field(field).type.enumeration.values]
            if name not in names:
                raise PatternError(
                    f"{one.place}: shape {one.name}: {field}: expected one of {', '.join(names)} "
                    f"({dump.draft}), found {name}"
                )


def _check_outputs(outputs: list[str], read: tuple[str, ...]) -> None:
    """Refuse to write over what is read, and two forms of patterns to one file."""
    for number, path in enumerate(outputs):
        if any(is_same_place(path, other) for other in outputs[:number]):
            raise click.UsageError(f"{path}: each form of patterns needs a file of its own")
        for one in read:
            refuse_itself(one, path)


def _hints(
    dump: Dump, found: CandidateSearch, shapes: tuple[MemoryShape, ...], only: tuple[str, ...]
) -> list[KeyPlace]:
    """Key Hints of a dump's candidates that it has not; what can't be told in one is a gap."""
    from ..rewrite.hinting import key_place

    named = {one.name: one for one in shapes}
    known = {
        tuple(block.payload.get(field) for field in _SAME) for block in dump.blocks.of_type(_HINT)
    }
    hints = []
    for one in found.candidates:
        shape = named[one.shape]
        if one.dump or (shape.weight < _LEAST_HINTED and one.shape not in only):
            continue
        confidence = "confirmed" if one.checked else "heuristic"
        if shape.weight < _LEAST_HINTED:
            confidence = "speculative"
        text = f"{one.shape}, score {one.score}: {one.facts.get('check', shape.title)}"
        place = key_place(
            dump, one.address, one.length, shape.key_type, shape.protocol, confidence, text
        )
        if place is None:
            found.gaps.append(f"{one.shape} at {one.address:#x} is in more than one block: no hint")
        elif tuple(getattr(place, field) for field in _SAME) not in known:
            hints.append(place)
    return hints


def _append(path: str, hints: list[KeyPlace], quiet: bool, options: ReadOptions) -> Exit:
    from ..rewrite.hinting import hint

    if not hints:
        note(
            f"msl: {path}: nothing to append: no candidate is more than what looks like a key, or "
            "the dump has hints of them"
        )
        return Exit.FINE
    with appendable(path, options) as place:
        if place.code is not None:
            return place.code
        hint(place.file, hints, key=place.key)
        number = place.settle(path)
    if not quiet:
        note(f"msl: {path}: extension segment {number}, {many(len(hints), 'Key Hint')}")
    return Exit.FINE
