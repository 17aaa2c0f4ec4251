"""``msl schema check``."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from typing import Any

import click

from ..drafts import find
from .common import Exit, command, data_out, note, whoever_reads
from .drafts import TOLERABLE, UNCHECKED_DRAFT, blaming_its_file, demand_bindable
from .text import many

__all__ = ["check"]

_LEDGER = "schema/ledger.json"


def _ledger(path: str | None) -> dict[str, Any]:
    """What was published, as far as a file says it.

    Raises:
        click.UsageError: the file is no ledger.
    """
    if path is None and not os.path.isfile(_LEDGER):
        return {}
    try:
        with open(path or _LEDGER, encoding="utf-8") as file:
            found = json.load(file)
    except (OSError, ValueError) as error:
        raise click.UsageError(f"{path or _LEDGER}: {error}") from None
    if not isinstance(found, dict) or "ledger" not in found:
        raise click.UsageError(f"{path or _LEDGER} is no ledger")
    return found


@command()
@click.argument("drafts", type=UNCHECKED_DRAFT, metavar="DRAFT...", nargs=-1, required=True)
@click.option(
    "--ledger",
    type=click.Path(exists=True, dir_okay=False),
    help="What was published; schema/ledger.json, where there is one.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a finding, one a line.")
def check(drafts: tuple[str, ...], ledger: str | None, as_json: bool, quiet: bool) -> int:
    """Check that a draft's declaration agrees with itself.

    Codes and keys are unique and in range, bits do not overlap, what a field refers to stands
    before it, lengths and counts can say what they measure, every name is legal in other
    languages, everything has a section and a sentence, hashes and flags that are named exist.

    What its base published a draft keeps, or declares in words with a reason that it does not:
    numbers of codes and flags, meanings, layouts under their payload version, reserved bytes. What
    the ledger says of it is still so.

    A remark is odd but usable, such as a padded value that begins unaligned; --quiet leaves
    remarks out.

    FILE.py:NAME is a draft of your own; FILE.py is run for it. Its findings begin with the file
    and the line.

    \b
    Example:
      msl schema check draft-2026-10
      msl schema check draft-2026-03 draft-2026-10 --json

    Exit codes: 0 nothing but remarks; 1 findings; 2 usage, no such draft, or
    one that can't be used.
    """
    from ..breaking.history import against_base
    from ..drafts.authored import is_loaded, place_of
    from ..exports.consistency import Inconsistency, findings
    from ..exports.ledger import changed_since

    worst = Exit.FINE
    for name in drafts:
        draft = find(name)
        with blaming_its_file(draft):
            found = findings(draft)
            if all(one.remark or one.kind in TOLERABLE for one in found):
                demand_bindable(draft)
                found += against_base(draft)
                for text in changed_since(_ledger(ledger), draft):
                    found.append(Inconsistency("published", name, text))
        grave = [one for one in found if not one.remark]
        if grave:
            worst = Exit.FINDINGS
        with whoever_reads(), data_out() as out:
            for one in grave if quiet else found:
                place = place_of(name, one.where, one.text) if is_loaded(draft) else None
                if as_json:
                    row = {"draft": name, **asdict(one)}
                    row |= {} if place is None else place._asdict()
                    out.write(json.dumps(row, ensure_ascii=False) + "\n")
                else:
                    line = f"{name}: {'remark, ' if one.remark else ''}{one}\n"
                    out.write(line if place is None else f"{place}: {line}")
        if not quiet:
            remarks = many(len(found) - len(grave), "remark")
            note(f"msl: {name}: {many(len(grave), 'finding')}, {remarks}")
    return worst
