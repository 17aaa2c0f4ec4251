"""``msl enrich``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .appending import appendable
from .common import Exit, command, note
from .drafts import draft_option
from .keys import key_options
from .text import many

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .keys import KeyOptions

__all__ = ["enrich"]


@command()
@click.argument("dump", metavar="DUMP")
@click.option("--dry-run", is_flag=True, help="Say what was found, and append nothing.")
@draft_option("Read and append with this draft, whatever DUMP says.")
@key_options
def enrich(
    dump: str,
    dry_run: bool,
    draft: str | None,
    quiet: bool,
    **options: Unpack[KeyOptions],
) -> int:
    """Append the build-ids of captured images to a dump.

    Of each module the image's headers are read from the captured memory: the build-id of ELF, the
    GUID of the symbols of PE, the UUID of Mach-O. They go into a Module Build-ID Manifest in an
    extension segment behind the dump, as with `msl append`: no byte that is there is changed.
    Modules whose build-id the dump has already are left out; of those whose headers were not
    captured that is said.

    \b
    Example:
      msl enrich dump.msl && msl inspect --show build_ids dump.msl

    Exit codes: 0 each module's build-id is in DUMP now; 1 DUMP is not intact; 2 its draft has no
    segments, or somebody else is appending; 3 unreadable; 4 of some modules there is none, or DUMP
    is incomplete, or has bytes behind its blocks; 5 it is encrypted, and no key or a wrong one.
    """
    from ..rewrite.enriching import build_ids
    from ..rewrite.enriching import enrich as write

    with appendable(dump, options, draft) as place:
        if place.code is not None:
            return place.code
        found = list(build_ids(place.dump))
        new = [one for one in found if one.build_id]
        for one in found:
            if one.build_id and not quiet:
                note(f"msl: {dump}: {one.base_addr:#x} {one.path}: {one.build_id.hex()}")
            elif one.reason:
                note(f"msl: {dump}: {one.base_addr:#x} {one.path}: {one.reason}")
        if not found:
            note(f"msl: {dump}: it names no module")
        if new and not dry_run:
            write(place.file, new, key=place.key, draft=draft)
            number = place.settle(dump)
            if not quiet:
                note(f"msl: {dump}: extension segment {number}, {many(len(new), 'build-id')}")
    missing = not found or any(one.reason for one in found)
    return Exit.INCOMPLETE if missing else Exit.FINE
