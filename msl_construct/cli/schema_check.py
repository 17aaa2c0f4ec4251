"""``msl schema check``."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from ..drafts import find
from .common import Exit, command_options, data_out, note, run
from .drafts import UNCHECKED_DRAFT
from .text import many

__all__ = ["check"]


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("drafts", type=UNCHECKED_DRAFT, metavar="DRAFT...", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a finding, one a line.")
@command_options
@run
def check(drafts: tuple[str, ...], as_json: bool, quiet: bool, no_color: bool) -> int:
    """Check that a draft's declaration agrees with itself.

    Codes and keys are unique and in range, bits do not overlap, what a field refers to stands
    before it, every name is legal in other languages, everything has a section and a sentence,
    hashes and flags that are named exist. A remark is odd but usable, such as a padded value
    that begins unaligned; --quiet leaves remarks out.

    FILE.py:NAME is a draft of your own; FILE.py is run for it.

    \b
    Example:
      msl schema check draft-2026-10
      msl schema check draft-2026-03 draft-2026-10 --json

    Exit codes: 0 nothing but remarks; 1 findings; 2 usage, no such draft.
    """
    from ..exports.consistency import findings

    worst = Exit.FINE
    for name in drafts:
        found = findings(find(name))
        grave = [one for one in found if not one.remark]
        if grave:
            worst = Exit.FINDINGS
        with data_out() as out:
            for one in grave if quiet else found:
                if as_json:
                    row = {"draft": name, **asdict(one)}
                    out.write(json.dumps(row, ensure_ascii=False) + "\n")
                else:
                    out.write(f"{name}: {'remark, ' if one.remark else ''}{one}\n")
        if not quiet:
            remarks = many(len(found) - len(grave), "remark")
            note(f"msl: {name}: {many(len(grave), 'finding')}, {remarks}")
    return worst
