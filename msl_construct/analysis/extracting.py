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
from .image_layouts import ImageLayout

__all__ = [
    "MOST_HASHED_HOLES",
    "NOT_MAPPED",
    "ExtractedPart",
    "WantedPart",
    "extract",
    "manifest",
    "module_parts",
    "region_parts",
]

NOT_MAPPED = "not_mapped"
"""State of bytes of a program's file that no segment brought into memory."""

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
        layout: of the program's file that is to be made of it; None: bytes as they lie in memory.
        number: in its file's name; of several that would have the same.
    """

    start: int
    end: int
    name: str
    layout: ImageLayout | None = None
    number: int = 1

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return self.end - self.start if self.layout is None else self.layout.size

    @property
    def file(self) -> str:
        """A file name that means no folder, whatever the dump says."""
        name = _UNUSUAL.sub("_", file_name(self.name)).strip("._")[:_LONGEST_NAME]
        suffix = ".bin" if self.layout is None else f".{self.layout.kind}"
        number = "" if self.number == 1 else f"-{self.number}"
        return f"{self.start:016x}{'-' if name else ''}{name}{number}{suffix}"


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
    def left_out(self) -> list[str]:
        """What a program's file had that was not mapped."""
        return [] if self.wanted.layout is None else self.wanted.layout.left_out

    @property
    def captured(self) -> int:
        """Bytes of it that the dump has."""
        return sum(length for _, length, state in self.runs if state == CAPTURED)

    @property
    def unknown(self) -> int:
        """Bytes of it that are holes."""
        return self.wanted.size - self.captured


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
    placed = list(_placed(dump, wanted))
    runs = [(offset, length, state) for offset, length, state, _ in placed]
    unknown = sum(length for _, length, state in runs if state != CAPTURED)
    if unknown == wanted.size:
        return ExtractedPart(wanted, tuple(runs), "", "")  # to hash what nobody keeps takes long
    if unknown > _MOST_UNKNOWN:
        raise LimitError(
            f"{unknown} of the {wanted.size} bytes at {wanted.start:#x} are not "
            f"known: expected at most {_MOST_UNKNOWN}; take a part of it (--range)"
        )
    hashed = unknown <= hashed_holes
    digests = Digests()
    try:
        for offset, length, state, address in placed:
            if state != CAPTURED:
                file.seek(length, 1)
            if state != CAPTURED and not hashed:
                continue
            for done in range(0, length, _PIECE):
                size = min(_PIECE, length - done)
                piece = _ZEROS[:size]
                if state == CAPTURED:
                    piece = bytes(dump.memory.read(address + done, size))
                    piece = _altered(piece, offset + done, wanted.layout)
                    file.write(piece)
                if hashed:
                    digests.update(piece)
        file.truncate(wanted.size)
        digests.wait()
        if not hashed:
            return ExtractedPart(wanted, tuple(runs), "", "")
        return ExtractedPart(wanted, tuple(runs), digests.blake3, digests.sha256)
    finally:
        digests.close()


def _placed(dump: Dump, wanted: WantedPart) -> Iterator[tuple[int, int, str, int]]:
    """Offset in the file, length, state and address, over all of it."""
    if wanted.layout is None:
        for address, length, state in dump.memory.states(wanted.start, wanted.end):
            yield address - wanted.start, length, state, address
        return
    at = 0
    for one in wanted.layout.ranges:
        if one.offset > at:
            yield at, one.offset - at, NOT_MAPPED, 0
        for address, length, state in dump.memory.states(one.address, one.address + one.size):
            yield one.offset + address - one.address, length, state, address
        at = one.end


def _altered(piece: bytes, offset: int, layout: ImageLayout | None) -> bytes:
    """Bytes at an offset, with those header fields that must change."""
    for _, at, value in () if layout is None else layout.altered:
        low, high = max(at, offset), min(at + len(value), offset + len(piece))
        if low < high:
            changed = value[low - at : high - at]
            piece = piece[: low - offset] + changed + piece[high - offset :]
    return piece


def _of_file(part: ExtractedPart) -> dict[str, Any]:
    """What the manifest says of a program's file beyond that."""
    layout = part.wanted.layout
    if layout is None:
        return {}
    missing = []
    for offset, length, state in part.runs:
        if state == CAPTURED:
            continue
        inside = (one.name for one in layout.ranges if one.offset <= offset < one.end)
        missing.append([offset, length, state, next(inside, "between")])
    return {
        "format": layout.kind,
        "segments": [
            [one.offset, one.size, f"{one.address:#x}", one.name] for one in layout.ranges
        ],
        "missing": missing,
        "left_out": layout.left_out,
        "altered": [name for name, _, _ in layout.altered],
    }


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
                "size": part.wanted.size,
                "name": part.wanted.name,
                "runs": [list(run) for run in part.runs],
                "blake3": part.blake3 or None,
                "sha256": part.sha256 or None,
                **_of_file(part),
            }
            for part in parts
        ],
    }
