"""``msl convert``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ..codecs.compress import ALGORITHMS
from ..drafts import NEWEST_DRAFT, PUBLIC
from ..outputs import NewFile, is_passing, whole_file
from .common import (
    STDIO,
    Exit,
    command,
    draft_options,
    lacking_code,
    note,
    open_input,
    say_version,
)
from .drafts import DRAFT
from .text import as_json, many
from .written_file import check_apart, check_new, refuse_itself

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ..reader import Dump
    from ..rewrite import Conversion
    from .common import ReadOptions

__all__ = ["convert"]

_SHOWN = 40


@command()
@click.argument("old", metavar="OLD")
@click.option("--output", "-o", metavar="NEW", required=True, help="File to write.")
@click.option(
    "--to-draft", type=DRAFT, default=NEWEST_DRAFT, show_default=True, help="What is written."
)
@click.option("--compress", type=click.Choice(ALGORITHMS), help="Compress what gets smaller by it.")
@click.option("--level", type=int, help="The codec's level.")
@click.option("--losses", metavar="L.json", help="Write what could not be expressed there as well.")
@click.option("--force", "-f", is_flag=True, help="Replace NEW, and L.json, if they exist.")
@draft_options
def convert(
    old: str,
    output: str,
    to_draft: str,
    compress: str | None,
    level: int | None,
    losses: str | None,
    force: bool,
    quiet: bool,
    **options: Unpack[ReadOptions],
) -> int:
    """Write a dump of any dialect, draft or compression as a new file that conforms to a draft.

    OLD is only read. NEW begins with an Import Provenance that names it. Page data is copied in
    pieces; what OLD does not hold (pages without bytes, an acquisition that did not finish, damage)
    is not made up, and NEW has no End-of-Capture where OLD has none. Whatever NEW can't say is told
    on stderr, a line each, and with --losses in a JSON document.

    Then both files are read again: memory with its page states, modules, threads and all other
    blocks must say the same, but for what was told. Where they do not, NEW is not kept.

    \b
    Example:
      msl convert old.msl -o new.msl --compress zstd
      msl convert old.msl -o new.msl --to-draft draft-2026-03 --losses losses.json

    Exit codes: 0 NEW says all that OLD says; 1 NEW turned out to differ, and was not kept; 2 NEW
    exists, or is OLD; 3 OLD is unreadable, or too large for a limit; 4 NEW was written, and does
    not say everything, or OLD is damaged or incomplete; 5 OLD is encrypted.
    """
    from ..rewrite import convert as write

    check_apart(output, losses)
    for place in (output, *([] if losses is None else [losses])):
        _check(old, place, force)
    with open_input(old, passing=False, **options) as dump:
        say_version(old, dump)
        with NewFile(output, force=force) as new:
            with open(new.file.fileno(), "w+b", closefd=False) as file:
                found = write(dump, file, draft=to_draft, compression=compress, level=level)
            different = _compared(dump, new, found)
            dump.require_unchanged()
            if different:
                for text in different:
                    note(f"msl: {output}: {text}")
                note(f"msl: {output}: it would say something else than {old}, and is not kept")
                return Exit.FINDINGS
            new.settle()
    if losses is not None:
        with whole_file(losses, force=force, secret=False) as listed:
            listed.write(_as_json(old, output, found).encode())
    _tell(old, output, found, quiet)
    whole = not len(found.losses) and found.verdict.complete
    return Exit.FINE if whole else lacking_code(dump)


def _compared(dump: Dump, new: NewFile, found: Conversion) -> list[str]:
    """Where the new file says something else, as it is read again; no more than some lines."""
    from itertools import islice

    from ..reader import open_dump
    from ..rewrite import differences

    own = found.target.name not in PUBLIC
    with open_dump(new.file, draft=found.target.draft if own else None) as after:
        verdict = after.verify()
        said = [f"not intact: {one.text}" for one in verdict.findings]
        return [*said, *islice(differences(dump, after, found), _SHOWN)][:_SHOWN]


def _check(old: str, place: str, force: bool) -> None:
    """Refuse a place where nothing can be written, or where the old file stands.

    Raises:
        click.UsageError: it is such a place.
    """
    if place == STDIO or is_passing(place):
        raise click.UsageError(f"{place}: what is written is read again: name a file")
    refuse_itself(old, place)
    check_new(place, force)


def _tell(old: str, output: str, found: Conversion, quiet: bool) -> None:
    losses = found.losses
    for loss in list(losses)[:_SHOWN]:
        note(f"msl: {old}: {loss.kind}: {loss}")
    if len(losses) > _SHOWN:
        note(f"msl: {old}: {len(losses) - _SHOWN} more; --losses has them")
    if not found.verdict.complete and not len(losses):
        note(f"msl: {old}: {found.verdict}")  # what it ends with 4 for
    if quiet:
        return
    said = "everything" if not len(losses) else f"all but {many(len(losses), 'thing')}"
    note(
        f"msl: {output}: {found.target.name}, {many(found.blocks, 'block')}, "
        f"{many(found.segments, 'extension segment')}; says {said} that {old} says, as reading "
        "both again shows"
    )


def _as_json(old: str, output: str, found: Conversion) -> str:
    rows = [
        {
            "kind": loss.kind,
            "offset": None if loss.offset is None else f"{loss.offset:#x}",
            "block": loss.block,
            "field": loss.field or None,
            "text": loss.text,
        }
        for loss in found.losses
    ]
    document = {
        "source": old,
        "written": output,
        "draft": found.target.name,
        "intact": found.verdict.intact,
        "complete": found.verdict.complete,
        "count": len(found.losses),
        "losses": rows,
    }
    return as_json(document) + "\n"
