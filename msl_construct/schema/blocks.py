"""What a draft registers of a block, and what its hashes cover."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from .base import DocumentOptions
from .declared import demand, demand_name
from .fields import Note
from .layout import Layout
from .names import snake_case

__all__ = ["CAPABILITIES", "BlockType", "ByteOrder", "Coverage", "Start"]

CAPABILITIES = "CapBitmap"
"""The flag word of the file header that says of what kinds there are blocks."""


_OPAQUE = bytes(range(0x10, 0x28)).hex()
"""An instance of a payload that nobody lays out."""


class ByteOrder(str, Enum):
    """Byte order of a file's multi-byte integers (§1.3)."""

    LITTLE = "little"
    BIG = "big"

    @property
    def prefix(self) -> str:
        """The `struct` prefix."""
        return "<" if self is ByteOrder.LITTLE else ">"


class Start(str, Enum):
    """Where the bytes that a stored hash covers begin; they end where its own block begins."""

    FILE = "file"
    """The file's first byte."""
    PREVIOUS = "previous"
    """The structure before the block: the previous block, or the file header for Block 0."""
    SEGMENT = "segment"
    """The first block of the block's extension segment."""


@dataclass(frozen=True)
class Coverage:
    """One link of the integrity chain: what a stored hash is the hash of."""

    structure: str
    """Key of the structure that stores it: ``block_header`` or a block type."""
    field: str
    """Key of the field."""
    start: Start
    section: str
    text: str


@dataclass(frozen=True)
class BlockType:
    """One block type.

    Args:
        code: BlockType as stored.
        name: the specification's name.
        section: where it is specified.
        text: a sentence.
        layout: the payload, or None where the draft gives none (the payload is opaque).
        capability: name of the CapBitmap bit that says such blocks are in the file.
        in_segment: whether extension segments may hold it.
        in_capture: whether a capture may.
        parent: key of the block type of which the file's only block is the parent of each.
        notes: what the draft demands.
        since: the draft that registered it; filled in when a draft is put together.
        forbidden: registered so that nobody writes it.
        example: a payload that conforms, as a document shows it: what samples, tests and pages
            take for an instance.
        sense: the sentence that first said the same, where `text` is a later one.
        deprecated: since when, and why, it should no longer be written.
    """

    code: int
    name: str
    section: str
    text: str
    layout: Layout | None = None
    capability: str | None = None
    notes: tuple[Note, ...] = ()
    since: str = ""
    in_segment: bool = False
    forbidden: bool = False
    example: Mapping[str, Any] | None = None
    in_capture: bool = True
    parent: str = ""
    sense: str = ""
    deprecated: str = ""

    def __post_init__(self) -> None:
        demand_name("BlockType", "name", self.name)
        owner = f"BlockType {self.name}"
        demand(owner, "code", self.code, (int,), "a number")
        demand(owner, "text", self.text, (str,), "a sentence")
        demand(owner, "layout", self.layout, (Layout, type(None)), "a Layout, or None")

    @property
    def meaning(self) -> str:
        """What such a block holds: the same as long as only the words for it change."""
        return self.sense or self.text

    @property
    def key(self) -> str:
        """The name in snake_case."""
        return snake_case(self.name)

    def instance(self) -> dict[str, Any]:
        """A payload of this type as a document: the example, or one made from the layout.

        Raises:
            TypeError: there is neither an example nor a layout that one can be made from.
        """
        if self.example is not None:
            return dict(self.example)
        if self.layout is None:
            return {"raw": _OPAQUE}
        return self.layout.to_document(self.layout.example(), DocumentOptions())
