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

__all__ = [
    "MOST_HASHED_HOLES",
    "ExtractedPart",
    "WantedPart",
    "extract",
    "manifest",
    "module_parts",
    "region_parts",
]

_PIECE = 1 << 20
_ZEROS = bytes(_PIECE)
_LONGEST_NAME = 48
_MOST_UNKNOWN = 64 << 30
"""Bytes that are not known of a part: few file systems take more."""
MOST_HASHED_HOLES = 2 << 30
"""Bytes that are not known and hashed as zeros: seconds, where a few bytes promise any number."""
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
        blake3, sha256: of the file, holes as zeros; in hexadecimal. Empty where no byte is known,
            or where there are more holes than were to be hashed.
    """

    wanted: WantedPart
    runs: tuple[tuple[int, int, str], ...]
    blake3: str
    sha256: str

    @property
    def captured(self) -> int:
        """Bytes of it that the dump has."""
        return sum(length for _, length, state in self.runs if state == CAPTURED)

    @property
    def unknown(self) -> int:
        """Bytes of it that are holes."""
        return self.wanted.end - self.wanted.start - self.captured


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


def extract(
    dump: Dump, wanted: WantedPart, file: IO[bytes], *, hashed_holes: int = MOST_HASHED_HOLES
) -> ExtractedPart:
    """Write a range to a new file; what is not known is a hole in it.

    Args:
        file: stands at its start, and is empty.
        hashed_holes: most bytes that are not known of a part that is hashed.

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
    hashed = unknown <= hashed_holes
    digests = Digests()
    try:
        for offset, length, state in runs:
            if state != CAPTURED:
                file.seek(length, 1)
            if state != CAPTURED and not hashed:
                continue
            for done in range(0, length, _PIECE):
                size = min(_PIECE, length - done)
                piece = _ZEROS[:size]
                if state == CAPTURED:
                    piece = bytes(dump.memory.read(wanted.start + offset + done, size))
                    file.write(piece)
                if hashed:
                    digests.update(piece)
        file.truncate(wanted.end - wanted.start)
        digests.wait()
        if not hashed:
            return ExtractedPart(wanted, tuple(runs), "", "")
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
                "blake3": part.blake3 or None,
                "sha256": part.sha256 or None,
            }
            for part in parts
        ],
    }
