"""``msl export``."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import IO, TYPE_CHECKING, Any

import click

from ..outputs import is_passing
from ..source import PathSource
from .analysis_options import ending
from .common import (
    STDIO,
    Exit,
    command,
    draft_options,
    note,
    open_input,
    paths,
    say_version,
)
from .exporting_tables import TABULAR, export_tables
from .text import binary_size, many
from .written_file import check_new, refuse_itself, write_out, write_together

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ..convert.process import CapturedProcess
    from ..convert.told import Told, Written
    from .common import ReadOptions

__all__ = ["export"]

_BESIDE = {
    "elf-core": ("holes.json",),
    "minidump": ("holes.json",),
    "raw": ("maps", "states.json"),
}
"""What is written beside each format."""


@command()
@click.argument("dumps", metavar="DUMP...", nargs=-1, callback=paths, required=True)
@click.option(
    "--to",
    "form",
    type=click.Choice((*_BESIDE, *TABULAR)),
    required=True,
    help="What is written.",
)
@click.option("--output", "-o", metavar="OUT", required=True, help="File to write; - is stdout.")
@click.option("--force", "-f", is_flag=True, help="Replace OUT, and what stands beside it.")
@click.option("--table", "tables", multiple=True, metavar="NAME", help="Only this table.")
@click.option("--findings", is_flag=True, help="Tables: with what msl check finds.")
@click.option("--page-hashes", is_flag=True, help="Tables: with a hash of every captured page.")
@click.option(
    "--workers", type=click.IntRange(1, 1024), default=1, help="Tables: processes at a time."
)
@click.option(
    "--dask",
    "cluster",
    default="",
    metavar="ADDRESS",
    help="Tables: by the workers of this scheduler of Dask (tcp://host:8786), who see the same "
    "files at the same paths.",
)
@draft_options
def export(
    dumps: tuple[str, ...],
    form: str,
    output: str,
    force: bool,
    tables: tuple[str, ...],
    findings: bool,
    page_hashes: bool,
    workers: int,
    cluster: str,
    quiet: bool,
    **options: Unpack[ReadOptions],
) -> int:
    """Write a dump in a format that other tools read.

    elf-core: for gdb, lldb, drgn, eu-stack, readelf. Captured memory, threads with all registers,
    the auxiliary vector out of the captured stack, mapped files. What was not captured is not in
    it, not even as zeros, and is listed in OUT.holes.json with its state, beside whatever else the
    core can't say, and which bytes are of pages that an import could not hold whole.

    minidump: for WinDbg, Visual Studio, lldb and minidump_stackwalk, with all captured memory
    (memory64), modules, threads, the memory info list and handles; likewise with OUT.holes.json.

    raw: the captured bytes, one run behind the other. OUT.maps has the mappings as lines of
    /proc/PID/maps, OUT.states.json the state of every stretch and where its bytes are in OUT.

    parquet, csv, ndjson: tables of one dump, or of all that are named and that stand below folders;
    OUT is a folder with one file for each table and dump (see msl export --to parquet in the
    documentation). Started again, it goes on where it was. A dump that can't be read is a row of
    the table errors.

    \b
    Example:
      msl export dump.msl --to elf-core -o dump.core
      gdb /usr/bin/sleep dump.core
      msl export dumps/ --to parquet -o lake --workers 4

    Exit codes: 0 fine; 2 OUT exists; 3 not an .msl, unreadable, or of a machine that the format
    does not have; 4 the dump is incomplete, threads or registers are not known (--to raw
    has none), or one of many dumps can't be read; 5 a key is missing.
    """
    if form in TABULAR:
        more = (*(["findings"] if findings else []), *(["page_hashes"] if page_hashes else []))
        given = dict(options)
        return export_tables(
            dumps, form, output, _known(tables), more, workers, cluster, quiet, given
        )
    if len(dumps) != 1 or tables or findings or page_hashes or cluster:
        raise click.UsageError(f"--to {form} takes one dump, and no option of tables")
    (dump,) = dumps
    passing = output == STDIO or is_passing(output)  # beside which nothing stands
    beside = () if passing else tuple(f"{output}.{ending}" for ending in _BESIDE[form])
    for place in (output, *beside):
        refuse_itself(dump, place)
        if place != STDIO:
            check_new(place, force)
    with open_input(dump, passing=False, **options) as opened:
        from ..rewrite.captured import captured

        say_version(dump, opened)
        process = captured(opened)
        if isinstance(opened.stored, PathSource):
            opened.stored.advise_sequential()
        write = _writer(form)
        found: Written

        def written(file: IO[bytes]) -> Written:
            nonlocal found
            found = write(process, file)
            opened.require_unchanged()  # else OUT is not kept
            return found

        if passing:
            write_out(output, force, written)
        else:
            lists = [
                (place, partial(_write_beside, place, output, lambda: found)) for place in beside
            ]
            write_together([(output, written), *lists], force)
        if not quiet:
            note(
                f"msl: {dump}: {many(found.runs, 'captured run')} of {binary_size(found.memory)}, "
                f"{many(len(process.threads), 'thread')}, in {output}"
                + (f"; beside it: {', '.join(beside)}" if beside else "")
            )
        for line in process.faults:
            note(f"msl: {dump}: {line}")
        _say_noted(dump, process, quiet)
        # Raw memory has no threads: nothing of it is missing where theirs is.
        complete = form == "raw" or (
            _say(dump, form, found.told, bool(process.threads)) and not process.threads_unread
        )
        return ending(opened, dump, quiet) or (Exit.FINE if complete else Exit.INCOMPLETE)


def _known(tables: tuple[str, ...]) -> tuple[str, ...]:
    from ..lake.columns import LAKE_TABLES

    for name in tables:
        if name not in LAKE_TABLES:
            raise click.UsageError(f"--table {name}: expected one of {', '.join(LAKE_TABLES)}")
    return tables


def _writer(form: str) -> Callable[[CapturedProcess, IO[bytes]], Written]:
    if form == "raw":
        from ..convert.raw_write import write_raw

        return write_raw
    if form == "minidump":
        from ..convert.minidump.write import write_minidump

        return write_minidump
    from ..convert.elf_core.write import write_core

    return write_core


def _write_beside(place: str, output: str, written: Callable[[], Written], file: IO[bytes]) -> None:
    """What stands beside an export: its holes, its mappings, or the states of its memory.

    Args:
        written: what became of the export, which is written before this.
    """
    from ..convert.raw_write import maps_of, states_of

    found = written()
    process = found.process
    if place.endswith(".maps"):
        file.writelines(line.encode("utf-8", "backslashreplace") for line in maps_of(process))
        return
    head: dict[str, Any] = {
        "dump_uuid": str(process.dump_uuid),
        "file": output.replace("\\", "/").rpartition("/")[2],
    }
    noted = [{"address": f"{at:#x}", "length": length} for at, length in process.noted]
    head["bytes_from_note"] = noted
    if place.endswith(".holes.json"):
        _write_rows(file, {**head, **_told(found.told)}, "holes", found.lines())
        return
    what = {"os_type": process.os_type, "arch_type": process.arch_type, "pid": process.pid}
    _write_rows(file, {**head, **what}, "states", states_of(process))


def _told(told: Told) -> dict[str, Any]:
    """What else the core can't say, as the list beside it has it."""
    return {
        "auxiliary_vector": told.auxiliary or None,
        "threads_left_out": {str(one): why for one, why in told.threads.items()},
        "registers_written_as_zero": {str(one): names for one, names in told.registers.items()},
        "registers_left_out": {str(one): names for one, names in told.left_out.items()},
        "threads_with_more_registers": [str(one) for one in told.partial],
        "fields_written_as_zero": told.fields,
        "files_left_out": [
            {"address": f"{address:#x}", "path": path} for address, path in told.files
        ],
    }


def _say_noted(dump: str, process: CapturedProcess, quiet: bool) -> None:
    """Say how much of the memory stands in no page of the dump."""
    if process.noted and not quiet:
        count = sum(length for _, length in process.noted)
        note(
            f"msl: {dump}: {many(count, 'byte')} at {many(len(process.noted), 'place')}, from "
            f"{process.noted[0][0]:#x} on, are of pages that its source did not hold whole: the "
            "note of its import has them"
        )


def _say(dump: str, form: str, told: Told, threads: bool) -> bool:
    """Say what is missing; whether nothing of a thread is."""
    for number, why in list(told.threads.items())[:8]:
        note(f"msl: {dump}: thread {number} is left out: {why}")
    for number, names in list(told.registers.items())[:8]:
        note(f"msl: {dump}: thread {number}: not known, and written as zero: {', '.join(names)}")
    for number in told.partial[:8]:
        note(f"msl: {dump}: thread {number}: has registers that the dump does not hold")
    if not threads:
        note(f"msl: {dump}: no thread is known: debuggers find no registers")
    elif form == "elf-core" and not told.auxiliary:
        note(f"msl: {dump}: no auxiliary vector was found: debuggers may not place the program")
    return not told.threads and not told.registers and not told.partial


def _write_rows(
    file: IO[bytes], head: Mapping[str, Any], key: str, rows: Iterable[Mapping[str, Any]]
) -> None:
    """A JSON document whose last list is written as it comes."""
    file.write(json.dumps(head, indent=2).encode().rstrip(b"}\n") + f',\n  "{key}": ['.encode())
    between = b"\n    "
    for row in rows:
        file.write(between + json.dumps(row).encode())
        between = b",\n    "
    file.write(b"\n  ]\n}\n")
