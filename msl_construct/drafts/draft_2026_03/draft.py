"""Draft 2026-03: the public specification, format version 1.0."""

from __future__ import annotations

from dataclasses import replace

from ...schema.blocks import ByteOrder
from ...schema.codes import Span
from ...schema.fields import Note
from ...schema.model import Draft
from .codes import ENUMERATIONS, FLAGS, PAGE_STATES
from .header import BLOCK_HEADER, CHAIN, COMPRESSED_PAYLOAD, FILE_HEADER
from .payloads import BLOCKS

__all__ = ["DRAFT"]

_NAME = "draft-2026-03"

DRAFT = Draft(
    name=_NAME,
    version=0x0100,
    status="the public specification, version 1.0.0, working draft",
    file_header=FILE_HEADER.stamped(_NAME),
    block_header=BLOCK_HEADER.stamped(_NAME),
    compressed_payload=COMPRESSED_PAYLOAD.stamped(_NAME),
    blocks=tuple(
        replace(block, since=_NAME, layout=block.layout.stamped(_NAME) if block.layout else None)
        for block in BLOCKS
    ),
    block_type_spans=(
        Span(0x0000, 0x0FFF, "capture-time"),
        Span(0x1000, 0x1FFF, "structural"),
        Span(0x2000, 0xFFFF, "reserved"),
    ),
    enumerations=tuple(enumeration.stamped(_NAME) for enumeration in ENUMERATIONS),
    flags=tuple(flags.stamped(_NAME) for flags in FLAGS),
    page_states=PAGE_STATES.stamped(_NAME),
    chain=CHAIN,
    byte_orders=(ByteOrder.LITTLE, ByteOrder.BIG),
    notes=(
        Note("MUST", "producer", "Pad every variable field to 8 with zeros.", "§1.3"),
        Note("MUST", "producer", "Never modify what is written, the header included.", "§12"),
        Note(
            "MUST", "live acquirer", "Process Identity is Block 0, Module List Index Block 1.", "§2"
        ),
        Note("MUST NOT", "producer", "Present the unkeyed chain as tamper evidence.", "§2.2"),
    ),
)
