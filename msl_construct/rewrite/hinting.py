"""Key Hints behind a dump that is there already: where key material may lie (§5.6)."""

from __future__ import annotations

import uuid as uuids
from collections.abc import Iterable
from dataclasses import dataclass
from typing import IO, Any

from ..builder import append_segment
from ..reader.dump import Dump
from ..space import CAPTURED
from .conversion import TOOL

__all__ = ["KeyPlace", "hint", "key_place"]

_HINT = "key_hint"


@dataclass(frozen=True)
class KeyPlace:
    """Where key material may lie, as a Key Hint says it.

    Attributes:
        region_uuid: of the block whose page data holds it.
        region_offset: where in the captured bytes of that block it begins.
        key_len: bytes.
        key_type, protocol, confidence: names in the schema.
        note: for people.
    """

    region_uuid: uuids.UUID
    region_offset: int
    key_len: int
    key_type: str
    protocol: str
    confidence: str
    note: str


def key_place(
    dump: Dump, address: int, length: int, key_type: str, protocol: str, confidence: str, note: str
) -> KeyPlace | None:
    """The Key Hint of a range; None: its bytes do not stand side by side in one block."""
    region = dump.memory.region_at(address)
    if region is None:
        return None
    for fragment in region.fragments:
        if fragment.base <= address and address + length <= fragment.end:
            runs = list(fragment.runs(address, address + length))
            if all(state == CAPTURED for _, _, state, _ in runs):
                return KeyPlace(
                    fragment.block.uuid, runs[0][3], length, key_type, protocol, confidence, note
                )
    return None


def hint(file: IO[bytes], places: Iterable[KeyPlace], **options: Any) -> None:
    """Append a segment of Key Hints.

    Args:
        file: the dump, open for reading and writing.
        options: see `append_segment`.

    Raises:
        ConformanceError: nothing can be appended to it.
    """
    with append_segment(file, **{"producer": TOOL, **options}) as writer:
        for one in places:
            writer.add(
                _HINT,
                region_uuid=one.region_uuid,
                region_offset=one.region_offset,
                key_len=one.key_len,
                key_type=one.key_type,
                protocol=one.protocol,
                confidence=one.confidence,
                key_state="unknown",
                note=one.note,
            )
