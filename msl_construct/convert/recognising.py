"""Which format a file is in, and how it is read."""

from __future__ import annotations

from ..errors import FormatError
from ..source import Source
from .elf_core.read import is_core, read_core
from .macho_core.read import is_macho_core, read_macho_core
from .minidump.read import read_minidump, written_by_procdump
from .minidump.streams import is_minidump
from .process import CapturedProcess

__all__ = ["FORMATS", "read_foreign", "recognised"]

FORMATS = ("elf-core", "minidump", "macho-core", "raw")
"""What can be imported."""

_MACHINE = "a dump of a whole machine: expected one of a process"
_OTHERS = {
    b"\x1f\x8b": "a gzip file: gzip -d gives what is in it",
    b"\x28\xb5\x2f\xfd": "a zstd file: zstd -d gives what is in it",
    b"\xfd7zXZ": "an xz file: xz -d gives what is in it",
    b"\x04\x22\x4d\x18": "an LZ4 file: lz4 -d gives what is in it",
    b"BZh": "a bzip2 file: bzip2 -d gives what is in it",
    b"PK\x03\x04": "a zip file: unzip gives what is in it",
    b"PAGEDU": f"{_MACHINE} (Windows)",
    b"KDUMP": f"{_MACHINE} (kdump)",
    b"EMiL": f"{_MACHINE} (LiME)",
    b"\xca\xfe\xba\xbe": "a Mach-O file of several processors, which no core is",
}
"""What else is taken for a dump of a process, by how it begins: systemd keeps cores compressed."""


def recognised(source: Source) -> str:
    """The format that a file begins as.

    Raises:
        FormatError: it begins as none of them.
    """
    beginning = source.read(0, 8)
    if is_core(beginning):
        return "elf-core"
    if is_minidump(beginning):
        return "minidump"
    if is_macho_core(beginning):
        return "macho-core"
    if beginning.startswith(b"MEMSLICE"):
        raise FormatError("a Memory Slice already: see msl convert", offset=0)
    shown = beginning.hex() or "nothing"
    other = next((told for mark, told in _OTHERS.items() if beginning.startswith(mark)), None)
    advice = "raw memory is imported with --format raw" if other is None else other
    raise FormatError(
        f"expected an ELF core, a minidump or a Mach-O core, found {shown}; {advice}", offset=0
    )


def read_foreign(source: Source, form: str) -> tuple[CapturedProcess, str]:
    """The process of a file, and the schema's name of its SourceFormat.

    Raises:
        FormatError: it is in another format.
        DamageError: what is needed of it is not there.
        LimitError: it has more of something than anybody writes.
    """
    if form == "minidump":
        process = read_minidump(source)
        return process, "procdump" if written_by_procdump(source) else "windows_minidump"
    if form == "macho-core":
        return read_macho_core(source), "macos_core"
    return read_core(source), "elf_core"
