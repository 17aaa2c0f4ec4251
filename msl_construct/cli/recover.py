"""``msl recover``."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from ..errors import MslError
from ..outputs import NewFile, whole_file
from .common import (
    Exit,
    command,
    draft_options,
    lacking_code,
    note,
    say_version,
    whoever_reads,
)
from .keys import keys_of
from .text import as_json, binary_size, many
from .written_file import check_apart, check_new, refuse_itself

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ..reader.salvage import SalvagedDump
    from ..rewrite import Conversion
    from .common import ReadOptions

__all__ = ["recover"]

_SHOWN = 20
_READING = ("draft", "dialect", "byte_order", "max_inflate", "max_memory", "max_spool")
"""Options of reading, beside keys."""


@command()
@click.argument("bad", metavar="BAD")
@click.option("--output", "-o", metavar="GOOD", required=True, help="File to write.")
@click.option(
    "--keep-altered",
    is_flag=True,
    help="Keep blocks whose bytes are others than the block behind them says (PrevHash).",
)
@click.option("--json", "as_json_", is_flag=True, help="Say on stdout what was kept and lost.")
@click.option("--report", metavar="R.json", help="Write that to a file.")
@click.option("--force", "-f", is_flag=True, help="Replace GOOD, and R.json, if they exist.")
@draft_options
def recover(
    bad: str,
    output: str,
    keep_altered: bool,
    as_json_: bool,
    report: str | None,
    force: bool,
    quiet: bool,
    **options: Unpack[ReadOptions],
) -> int:
    """Write what stands of a damaged dump as a new one.

    Every block that stands is kept: its header makes sense, and the block behind it does not
    say that its bytes were others. Behind damage the next block is looked for. GOOD is a new
    file with a chain of its own; its Import Provenance says what it was made of, and that
    something was lost. BAD is only read; its header must be readable. Of an encrypted one the tag
    must match, for damage can't be walked around; what stands under it is written in the open.

    \b
    Example:
      msl recover broken.msl -o rest.msl
      msl recover broken.msl -o rest.msl --json

    Exit codes: 0 nothing was lost; 1 BAD is encrypted and was changed; 2 GOOD exists, is BAD, or
    can't be written; 3 BAD is unreadable, or there is no room; 4 something was lost; 5 BAD is
    encrypted, and no key or a wrong one.
    """
    from ..reader.dump import opened_as
    from ..reader.salvage import SalvagedDump
    from ..rewrite import convert

    for place in (output, *([] if report is None else [report])):
        refuse_itself(bad, place)
        check_new(place, force)
    check_apart(output, report)
    asked = dict[str, Any](options)
    given: dict[str, Any] = {key: asked[key] for key in _READING if asked.get(key) is not None}
    keys = keys_of(asked)
    if keys is not None:
        given["key"] = keys
    try:
        opened = opened_as(SalvagedDump, bad, keep_altered=keep_altered, **given)
    except MslError as error:
        error.file = bad
        raise
    with opened as dump:
        say_version(bad, dump)
        lost = sum(one.length for one in dump.lost)
        remarks = {"complete": "no", "bytes_lost_by_damage": str(lost)} if lost else {}
        with NewFile(output, force=force) as new:
            with open(new.file.fileno(), "w+b", closefd=False) as file:
                found = convert(dump, file, draft=dump.schema.draft.name, remarks=remarks)
            dump.require_unchanged()
            new.settle()
        told = _as_json(bad, output, dump, found)
    if report is not None:
        with whole_file(report, force=force, secret=False) as file:
            file.write(told.encode())
    if as_json_:
        with whoever_reads():
            click.echo(told, nl=False)
    _tell(bad, output, dump, found, quiet)
    return lacking_code(dump) if dump.lost or len(found.losses) else Exit.FINE


def _kept(dump: SalvagedDump) -> list[list[int]]:
    """Runs of blocks side by side: number of the first, how many, offset of the first."""
    found: list[list[int]] = []
    behind = -1
    for number, (offset, length) in enumerate(zip(dump.index.offsets, dump.index.lengths)):
        if offset == behind:
            found[-1][1] += 1
        else:
            found.append([number, 1, offset])
        behind = offset + length
    return found


def _as_json(bad: str, output: str, dump: SalvagedDump, found: Conversion) -> str:
    return (
        as_json(
            {
                "source": bad,
                "kept": _kept(dump),
                "lost": [
                    {"offset": f"{one.offset:#x}", "length": one.length, "why": one.why}
                    for one in dump.lost
                ],
                "unproved": dump.unproved,
                "not_said": [str(loss) for loss in islice(found.losses, 1000)],
                "written": output,
            },
            indent=2,
        )
        + "\n"
    )


def _tell(bad: str, output: str, dump: SalvagedDump, found: Conversion, quiet: bool) -> None:
    for one in dump.lost[:_SHOWN]:
        note(f"msl: {bad}: lost: {one.length} bytes at {one.offset:#x}: {one.why}")
    if len(dump.lost) > _SHOWN:
        note(f"msl: {bad}: {len(dump.lost) - _SHOWN} more ranges were lost")
    for loss in islice(found.losses, _SHOWN):
        note(f"msl: {bad}: {loss.kind}: {loss}")
    if len(found.losses) > _SHOWN:
        note(f"msl: {bad}: {len(found.losses) - _SHOWN} more; --report has them")
    if quiet:
        return
    lost = binary_size(sum(one.length for one in dump.lost))
    said = f"{many(len(dump.index), 'block')} of {bad}, {lost} were lost"
    if dump.lost and dump.unproved:
        said += f"; nothing vouches for {many(dump.unproved, 'block')}"
    note(f"msl: {output}: {many(found.blocks, 'block')}, made of {said}")
