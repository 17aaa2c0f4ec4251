"""Parts of a dump's memory as files: bytes where there are some, holes elsewhere, and hashes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

from ..errors import LimitError
from ..hashing import Digests
from ..reader.dump import Dump
from ..space import CAPTURED
from .addresses import file_name

__all__ = ["ExtractedPart", "WantedPart", "extract", "manifest", "module_parts", "region_parts"]

_PIECE = 1 << 20
_ZEROS = bytes(_PIECE)
_LONGEST_NAME = 48
_MOST_UNKNOWN = 64 << 30
"""Bytes that are not known of a part: to hash more takes minutes, and few file systems take it."""
_UNUSUAL = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True)
class WantedPart:
    """An address range that becomes a file.

    Attributes:
        start, end: addresses; the second is the first one behind it.
        name: what it is called in the dump; empty: nothing.
    """

    start: int
    end: int
    name: str

    @property
    def file(self) -> str:
        """A file name that means no folder, whatever the dump says."""
        name = _UNUSUAL.sub("_", file_name(self.name)).strip("._")[:_LONGEST_NAME]
        return f"{self.start:016x}{'-' if name else ''}{name}.bin"


@dataclass(frozen=True)
class ExtractedPart:
    """What became of one.

    Attributes:
        wanted: it.
        runs: offset within the file, length and state of all of it, in order.
        blake3, sha256: of the file, holes as zeros; in hexadecimal. Empty where no byte is known.
    """

    wanted: WantedPart
    runs: tuple[tuple[int, int, str], ...]
    blake3: str
    sha256: str

    @property
    def captured(self) -> int:
        """Bytes of it that the dump has."""
        return sum(length for _, length, state in self.runs if state == CAPTURED)


def region_parts(dump: Dump) -> Iterator[WantedPart]:
    """All regions, by address."""
    for region in sorted(dump.regions, key=lambda one: (one.base_addr, one.first.order)):
        name = dump.memory.name_of(region.base_addr) or ""
        yield WantedPart(region.base_addr, region.end, name)


def module_parts(dump: Dump) -> Iterator[WantedPart]:
    """All modules, as they lie in memory."""
    for module in dump.modules:
        if "module_size" in module:
            base = module["base_addr"]
            yield WantedPart(base, base + module["module_size"], module.get("path") or "")


def extract(dump: Dump, wanted: WantedPart, file: IO[bytes]) -> ExtractedPart:
    """Write a range to a new file; what is not known is a hole in it.

    Args:
        file: stands at its start, and is empty.

    Raises:
        LimitError: some of it is known, and more than 64 GiB are not.
        OSError: it can't be written.
        DamageError, LimitError: captured bytes can't be had.
    """
    runs = [
        (address - wanted.start, length, state)
        for address, length, state in dump.memory.states(wanted.start, wanted.end)
    ]
    unknown = sum(length for _, length, state in runs if state != CAPTURED)
    if unknown == wanted.end - wanted.start:
        return ExtractedPart(wanted, tuple(runs), "", "")  # to hash what nobody keeps takes long
    if unknown > _MOST_UNKNOWN:
        raise LimitError(
            f"{unknown} of the {wanted.end - wanted.start} bytes at {wanted.start:#x} are not "
            f"known: expected at most {_MOST_UNKNOWN}; take a part of it (--range)"
        )
    digests = Digests()
    try:
        for offset, length, state in runs:
            if state != CAPTURED:
                file.seek(length, 1)
                for done in range(0, length, _PIECE):
                    digests.update(_ZEROS[: min(_PIECE, length - done)])
                continue
            for done in range(0, length, _PIECE):
                at = wanted.start + offset + done
                memory = dump.memory.read(at, min(_PIECE, length - done))
                piece = bytes(memory)
                file.write(piece)
                digests.update(piece)
        file.truncate(wanted.end - wanted.start)
        digests.wait()
        return ExtractedPart(wanted, tuple(runs), digests.blake3, digests.sha256)
    finally:
        digests.close()


def manifest(dump: Dump, parts: list[ExtractedPart]) -> dict[str, Any]:
    """What was extracted, as ``manifest.json`` has it."""
    closing = dump.end_of_capture
    file_hash = None if closing is None else closing.payload.get("file_hash")
    return {
        "dump_uuid": str(dump.header.record["dump_uuid"]),
        "file_hash": None if file_hash is None else file_hash.hex(),
        "parts": [
            {
                "file": part.wanted.file,
                "base_addr": f"{part.wanted.start:#x}",
                "size": part.wanted.end - part.wanted.start,
                "name": part.wanted.name,
                "runs": [list(run) for run in part.runs],
                "blake3": part.blake3,
                "sha256": part.sha256,
            }
            for part in parts
        ],
    }
