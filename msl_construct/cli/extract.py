"""``msl extract``."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import AddressError, DamageError, ImageError, LimitError
from ..outputs import check_name, check_place, own_file, whole_file
from .analysis_options import ending
from .common import Exit, command, draft_options, note, open_input, say_version
from .text import binary_size, many, printable

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ..analysis import Addresses, ExtractedPart, WantedPart
    from ..reader.dump import Dump
    from .common import ReadOptions

__all__ = ["extract"]

_MANIFEST = "manifest.json"


@command()
@click.argument("dump", metavar="DUMP")
@click.option("-o", "--output", required=True, metavar="DIR", help="A new or empty folder.")
@click.option("--region", "regions", multiple=True, metavar="ADDR", help="The region there.")
@click.option("--module", "modules", multiple=True, metavar="NAME", help="A module in memory.")
@click.option("--range", "ranges", multiple=True, metavar="A..B", help="An address range.")
@click.option("--all", "everything", is_flag=True, help="Every region.")
@click.option(
    "--as-file",
    is_flag=True,
    help="Of modules: the ELF or PE file, rebuilt from the segments that are in memory.",
)
@draft_options
def extract(
    dump: str,
    output: str,
    regions: tuple[str, ...],
    modules: tuple[str, ...],
    ranges: tuple[str, ...],
    everything: bool,
    as_file: bool,
    quiet: bool,
    **options: Unpack[ReadOptions],
) -> int:
    """Write parts of memory to files, with a manifest of what is known.

    Each part is a file of its own, as long as its addresses are many. What is not known is a
    hole in it, and listed in manifest.json with its state; a part of which nothing is known
    has no file. Addresses are as for msl read. Only their owner can read the files.

    \b
    Example:
      msl extract dump.msl -o heap --region '[heap]'
      msl extract dump.msl -o libc --module libc.so.6
      msl extract dump.msl -o program --module sleep --as-file
      msl extract dump.msl -o memory --all

    Exit codes: 0 all of it is known; 2 nothing is called so; 3 not an .msl, unreadable, or the
    files can't be written; 4 some bytes are not known, or the dump is incomplete; 5 a key is
    missing.
    With --as-file a file has holes where nothing was mapped or captured: the manifest lists them.
    """
    if not (regions or modules or ranges or everything):
        raise click.UsageError("nothing to extract: --region, --module, --range or --all")
    if as_file and (ranges or everything):
        raise click.UsageError("--as-file goes with --module, or with --region of an image")
    from .. import analysis

    with open_input(dump, passing=False, **options) as opened:
        say_version(dump, opened)
        addresses = analysis.Addresses(opened)
        wanted = list(_wanted(opened, addresses, regions, modules, ranges, everything))
        folder = _folder(output)
        parts, code = [], Exit.FINE
        holes = analysis.MOST_HASHED_HOLES
        for part in _named_apart(wanted):
            try:
                if as_file:
                    layout = analysis.image_layout(opened.memory, part.start)
                    part = replace(part, layout=layout)
                done = _write(opened, part, folder, holes)
            except (DamageError, ImageError, LimitError) as error:
                note(f"msl: {dump}: {part.start:#x} was not extracted: {error}")
                code = Exit.INCOMPLETE
                continue
            parts.append(done)
            if done.blake3:
                holes -= done.unknown
            elif done.captured and not quiet:
                unknown = binary_size(done.unknown)
                note(f"msl: {dump}: {part.start:#x} was not hashed: {unknown} of it are holes")
        opened.require_unchanged()
        found = analysis.manifest(opened, parts)
        for row in found["parts"]:
            if not (folder / row["file"]).exists():
                row["file"] = None
        with whole_file(folder / _MANIFEST, force=False) as file:
            file.write(json.dumps(found, indent=2).encode() + b"\n")
        lacking = sum(part.unknown for part in parts)
        if not quiet:
            captured = binary_size(sum(part.captured for part in parts))
            said = f"{many(len(parts), 'part')}, {captured} in {printable(output)}"
            if lacking:
                said += f"; {binary_size(lacking)} are not known: see {_MANIFEST}"
            note(f"msl: {dump}: {said}")
        lacks = lacking or any(part.left_out for part in parts)
        return ending(opened, dump, quiet) or code or (Exit.INCOMPLETE if lacks else Exit.FINE)


def _wanted(
    dump: Dump,
    addresses: Addresses,
    regions: tuple[str, ...],
    modules: tuple[str, ...],
    ranges: tuple[str, ...],
    everything: bool,
) -> list[WantedPart]:
    from .. import analysis

    found = list(analysis.region_parts(dump)) if everything else []
    for text in regions:
        region = dump.memory.region_at(addresses.address(text))
        if region is None:
            raise AddressError(f"{printable(text)}: no region covers this address")
        name = dump.memory.name_of(region.base_addr) or ""
        found.append(analysis.WantedPart(region.base_addr, region.end, name))
    for text in modules:
        base = addresses.address(text)
        inside = [one for one in analysis.module_parts(dump) if one.start <= base < one.end]
        if not inside:
            raise AddressError(f"{printable(text)}: no module is there")
        found.append(inside[0])
    for text in ranges:
        start, end = addresses.range(text)
        found.append(analysis.WantedPart(start, end, dump.memory.name_of(start) or ""))
    return found


def _named_apart(wanted: list[WantedPart]) -> Iterator[WantedPart]:
    """Each once; of those that begin at one address and end apart, each with a name of its own."""
    taken: dict[tuple[int, str], int] = {}
    for part in dict.fromkeys(wanted):
        key = part.start, part.file
        taken[key] = taken.get(key, 0) + 1
        yield replace(part, number=taken[key])


def _folder(output: str) -> Path:
    """A folder of our own.

    Raises:
        OSError: it holds something, or can't be made.
    """
    folder = Path(output)
    check_name(output)
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        if not folder.is_dir() or any(folder.iterdir()):
            raise
    return folder


def _write(dump: Dump, wanted: WantedPart, folder: Path, hashed_holes: int) -> ExtractedPart:
    """Write one part; its file goes again where nothing of it is known."""
    from .. import analysis

    place = folder / wanted.file
    check_place(place, force=False)
    done = None
    try:
        with own_file(place) as file:
            done = analysis.extract(dump, wanted, file, hashed_holes=hashed_holes)
    finally:
        if done is None or not done.captured:
            os.unlink(place)
    return done
