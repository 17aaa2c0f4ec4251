"""``msl import``."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import IO, TYPE_CHECKING

import click

from ..codecs.compress import ALGORITHMS
from ..errors import LimitError, MslError
from ..outputs import NewFile, is_passing
from ..source import PathSource
from .common import STDIO, Exit, command, note
from .text import many, printable
from .written_file import check_new, refuse_itself, write_out

if TYPE_CHECKING:
    from ..convert.importing import Imported, Origin
    from ..convert.process import CapturedProcess
    from ..source import Source

__all__ = ["import_command"]

_FORMATS = ("elf-core", "minidump", "macho-core", "raw")
_SHOWN = 40
_LONGEST_MAPS = 64 << 20


class _Address(click.ParamType):  # type: ignore[type-arg]
    name = "address"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        try:
            found = int(str(value), 0)
        except ValueError:
            found = -1
        if not 0 <= found < 1 << 64:
            self.fail(f"{value}: expected an address such as 0x400000", param, ctx)
        return found


@command("import")
@click.argument("source", metavar="SOURCE")
@click.option("--output", "-o", metavar="OUT", required=True, help="File to write; - is stdout.")
@click.option(
    "--format", "form", type=click.Choice(_FORMATS), help="What SOURCE is; recognised unless given."
)
@click.option("--base", type=_Address(), metavar="ADDR", help="Raw: address of the first byte.")
@click.option(
    "--maps", metavar="FILE", help="Raw: lines of /proc/PID/maps; SOURCE has their bytes in order."
)
@click.option("--states", metavar="FILE", help="Raw: OUT.states.json of msl export --to raw.")
@click.option("--os", "os_type", default="unknown", metavar="NAME", help="Raw: as OSType has it.")
@click.option("--arch", default="unknown", metavar="NAME", help="Raw: as ArchType has it.")
@click.option("--pid", type=click.IntRange(0, 0xFFFFFFFF), default=0, help="Raw: its process.")
@click.option("--compress", type=click.Choice(ALGORITHMS), help="Compress what gets smaller by it.")
@click.option(
    "--check", is_flag=True, help="Read OUT again, list where it differs and what it leaves out."
)
@click.option("--force", "-f", is_flag=True, help="Replace OUT if it exists.")
def import_command(
    source: str,
    output: str,
    form: str | None,
    base: int | None,
    maps: str | None,
    states: str | None,
    os_type: str,
    arch: str,
    pid: int,
    compress: str | None,
    check: bool,
    force: bool,
    quiet: bool,
) -> int:
    """Write a core, a minidump or raw memory as a Memory Slice.

    ELF cores of either class and byte order, minidumps of Windows, Breakpad, Crashpad and ProcDump,
    Mach-O cores, raw bytes. OUT begins with an Import Provenance whose note has SOURCE's hash, what
    nobody knows, what was left out, and the bytes of pages that SOURCE does not hold whole: such
    pages are Failed. SOURCE is only read.

    \b
    Example:
      msl import core.4242 -o process.msl --check
      msl import memory.bin --format raw --base 0x7f0000000000 -o process.msl

    Exit codes: 0 fine; 1 OUT turned out to differ (--check), and was not kept; 2 OUT exists, or
    --format is needed; 3 SOURCE can't be read as what it is; 4 OUT was written, and SOURCE is
    damaged or lacks some of its bytes.
    """
    if form != "raw" and (base is not None or maps is not None or states is not None):
        raise click.UsageError("--base, --maps and --states are for --format raw")
    if form != "raw" and (os_type != "unknown" or arch != "unknown" or pid):
        raise click.UsageError("--os, --arch and --pid are for --format raw")
    if base is not None and (maps is not None or states is not None):
        raise click.UsageError("--base says the same as --maps and --states: give one of them")
    if check and (output == STDIO or is_passing(output)):
        raise click.UsageError("--check reads OUT again: give a file")
    for read in (source, maps, states):
        if read is not None:
            refuse_itself(read, output)
    if output != STDIO:
        check_new(output, force)
    from ..convert.importing import Origin
    from ..convert.provenance import left_out
    from ..convert.recognising import read_foreign, recognised
    from ..reader.opening import source_of

    opened, name, owned = source_of(sys.stdin.buffer if source == STDIO else source)
    try:
        if isinstance(opened, PathSource):
            opened.advise_sequential()
        if form == "raw":
            process, kind = _raw(opened, base, maps, states, os_type, arch, pid)
        else:
            process, kind = read_foreign(opened, form or recognised(opened))
        origin = Origin(opened, kind, name)
        unchanged = (lambda: None) if owned is None else owned.require_unchanged
        found, differs = _write(process, origin, output, force, compress, check, unchanged)
    except MslError as error:
        error.file = error.file or source
        raise
    finally:
        if owned is not None:
            owned.close()
    if differs:
        for line in differs:
            note(f"msl: {output}: {line}")
        note(f"msl: {output}: it would say something else than {source}, and is not kept")
        return Exit.FINDINGS
    if check:
        for line in left_out(found.note):
            note(f"msl: {output}: {line}")
    return _tell(source, output, found, quiet)


def _raw(
    source: Source,
    base: int | None,
    maps: str | None,
    states: str | None,
    os_type: str,
    arch: str,
    pid: int,
) -> tuple[CapturedProcess, str]:
    from ..convert.raw import read_raw, source_format

    _require_name("--os", "OSType", os_type)
    _require_name("--arch", "ArchType", arch)
    beside = {
        "maps": None if maps is None else _read_beside(maps),
        "states": None if states is None else _read_beside(states),
    }
    process = read_raw(source, base=base, **beside, os_type=os_type, arch_type=arch, pid=pid)
    return process, source_format(source, base=base, **beside)


def _require_name(option: str, registry: str, name: str) -> None:
    """Refuse a name that the schema does not have.

    Raises:
        click.UsageError: it has others.
    """
    from ..drafts import NEWEST_DRAFT, schema

    known = [one.name for one in schema(NEWEST_DRAFT).enumerations[registry].values]
    if name not in known:
        raise click.UsageError(f"{option} {name}: expected one of {', '.join(known)}")


def _read_beside(path: str) -> bytes:
    """A list that stands beside raw memory.

    Raises:
        LimitError: it is longer than anybody reads.
    """
    with open(path, "rb") as file:
        data = file.read(_LONGEST_MAPS + 1)
    if len(data) > _LONGEST_MAPS:
        raise LimitError(f"{path}: expected at most {_LONGEST_MAPS} bytes")
    return data


def _write(
    process: CapturedProcess,
    origin: Origin,
    output: str,
    force: bool,
    compress: str | None,
    check: bool,
    unchanged: Callable[[], None],
) -> tuple[Imported, list[str]]:
    """What became of it, and where the new file differs; it is kept where it does not.

    Args:
        unchanged: raises an error if SOURCE was changed meanwhile; then nothing is kept.
    """
    from ..convert.importing import import_process

    if output == STDIO or is_passing(output):

        def written(file: IO[bytes]) -> Imported:
            made = import_process(process, origin, file, compression=compress)
            unchanged()
            return made

        return write_out(output, force, written), []
    with NewFile(output, force=force) as new:
        with open(new.file.fileno(), "w+b", closefd=False) as file:
            found = import_process(process, origin, file, compression=compress, overlapped=True)
        differs = _differences(process, new) if check else []
        unchanged()
        if not differs:
            new.settle()
    return found, differs


def _differences(process: CapturedProcess, new: NewFile) -> list[str]:
    from ..reader.dump import open_dump
    from ..rewrite.agreement import differences

    with open(os.dup(new.file.fileno()), "rb") as file:
        file.seek(0)
        with open_dump(file) as dump:
            found = []
            for line in differences(process, dump):
                found.append(line)
                if len(found) == _SHOWN:
                    break
            return found


def _tell(source: str, output: str, found: Imported, quiet: bool) -> int:
    count = len(found.lines) + found.more_lines
    for line in found.lines[:_SHOWN]:
        note(f"msl: {source}: {line}")
    if count > _SHOWN:
        note(f"msl: {source}: and {count - _SHOWN} more lines like this")
    if not quiet:
        parts = [
            many(found.regions, "region"),
            many(found.modules, "module"),
            many(found.threads, "thread"),
        ]
        if found.edges:
            parts.append(f"{found.edges} pieces of pages that are not held whole, in the note")
        note(f"msl: {source}: {', '.join(parts)}, in {printable(output)}")
    return Exit.INCOMPLETE if found.lines else Exit.FINE
