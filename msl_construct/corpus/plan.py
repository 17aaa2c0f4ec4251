"""A sample before it is bytes: its blocks by name, as documents, and what is bent in them.

A block is given like one of the canonical document: what is left out follows from the rest.
`edits` change stored bytes before anything is hashed over them, so that chain and FileHash
fit what stands in the file; `lies` are put into header fields that otherwise follow from
the block.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..drafts import find, schema
from ..hashing import new_hasher
from ..schema import Schema

__all__ = [
    "Edit",
    "Form",
    "Plan",
    "PlannedBlock",
    "Tail",
    "Which",
    "before",
    "every",
    "forms_of",
    "little",
    "since",
    "uuid_of",
]


class Form(NamedTuple):
    """A way to write a file; big-endian exists in format 1.0 only."""

    name: str
    draft: str
    byte_order: str

    @property
    def schema(self) -> Schema:
        """The draft in this byte order."""
        return schema(self.draft, self.byte_order)

    def lays_out(self, key: str) -> bool:
        """Whether the draft has a layout for a structure or the payload of a block type."""
        return key in self.schema.layouts

    def has(self, key: str, field: str) -> bool:
        """Whether a structure of the draft has a field."""
        layout = self.schema.layouts.get(key)
        return layout is not None and any(one.key == field for one in layout.fields)


def forms_of(*drafts: str) -> tuple[Form, ...]:
    """The ways to write files of some drafts: each in its byte orders."""
    return tuple(
        Form(f"{draft.version >> 8}{draft.version & 0xFF}-{order.value[0]}e", name, order.value)
        for name, draft in ((name, find(name)) for name in drafts)
        for order in draft.byte_orders
    )


Which = Callable[[Form], bool]
"""Says of a form whether a sample is made in it."""


def every(form: Form) -> bool:
    """In every form."""
    return True


def little(form: Form) -> bool:
    """In little-endian files."""
    return form.byte_order == "little"


def since(draft: str) -> Which:
    """In files of a draft and of those that follow from it."""
    return lambda form: form.schema.draft.since(draft)


def before(draft: str, byte_order: str = "") -> Which:
    """In files of drafts that don't follow from this one; only in a byte order, if one is given."""
    return lambda form: not form.schema.draft.since(draft) and byte_order in ("", form.byte_order)


def uuid_of(name: str) -> str:
    """The version 4 UUID that stands for a name, the same everywhere."""
    hasher = new_hasher()
    hasher.update(name.encode())
    return str(uuid.UUID(bytes=hasher.digest()[:16], version=4))


class Edit(NamedTuple):
    """Bytes to put into a payload, or into the file header."""

    offset: int
    data: bytes


@dataclass
class PlannedBlock:
    """One block.

    Attributes:
        type: key of its type, or a number.
        payload: the payload's document.
        fields: fields of the block header's document; what is missing is computed.
        edits: changes of the payload's bytes.
        keep: bytes of the payload that are kept; None: all.
        extra: bytes that are put behind the payload.
        codec: ``zstd`` or ``lz4``: store the payload compressed.
        stream: what stands in the payload's place, framing and all, if it is no honest stream.
        lies: values of header fields, whatever would be right.
        header_edits: changes of the block header's bytes.
    """

    type: str | int
    payload: dict[str, Any] = field(default_factory=dict)
    fields: dict[str, Any] = field(default_factory=dict)
    edits: list[Edit] = field(default_factory=list)
    keep: int | None = None
    extra: bytes = b""
    codec: str | None = None
    stream: bytes | None = None
    lies: dict[str, Any] = field(default_factory=dict)
    header_edits: list[Edit] = field(default_factory=list)


@dataclass
class Tail:
    """An extension segment; without `end` nothing closes it."""

    blocks: dict[str, PlannedBlock]
    end: PlannedBlock | None = field(default_factory=lambda: PlannedBlock("end_of_extension"))


class Plan:
    """What a sample is made of.

    Attributes:
        form: draft and byte order.
        header: the file header's document; CapBitmap and BlockCount are right unless given.
        header_edits: changes of the header's bytes.
        encryption: the document of the encryption header.
        key: for encrypting everything behind the header; see `assemble`.
        enclosed: the enclosed key, behind the header.
        opens: with what an encrypted sample is opened: ``raw``, ``passphrase`` or ``private``, and
            the key: hexadecimal but for a passphrase.
        sealed_segments: extension segments that are encrypted on their own, behind the tag.
        seal_edits: changes of the bytes of the first of their headers, before its tag is made.
        sized: whether CipherLen says how long the ciphertext is; else it is what it was given.
        blocks: the capture by name, without its End-of-Capture.
        end: the End-of-Capture; None: there is none.
        behind: blocks behind it that belong to no segment.
        segments: extension segments.
        tail: bytes behind everything.
        cut: bytes taken off in the end.
        hash_algo: of all hashes.
    """

    def __init__(self, form: Form, **header: Any) -> None:
        self.form = form
        self.header: dict[str, Any] = header
        self.header_edits: list[Edit] = []
        self.encryption: dict[str, Any] | None = None
        self.key: bytes | None = None
        self.enclosed = b""
        self.opens: tuple[str, str] | None = None
        self.sealed_segments: list[Tail] = []
        self.seal_edits: list[Edit] = []
        self.sized = False
        self.blocks: dict[str, PlannedBlock] = {}
        self.end: PlannedBlock | None = PlannedBlock("end_of_capture")
        self.behind: dict[str, PlannedBlock] = {}
        self.segments: list[Tail] = []
        self.tail = b""
        self.cut = 0
        self.hash_algo = "blake3"

    def put(
        self,
        name: str,
        block_type: str | int,
        payload: Mapping[str, Any] | None = None,
        *,
        before: str | None = None,
        **fields: Any,
    ) -> PlannedBlock:
        """Add a block at the end of the capture, or before another one.

        Args:
            fields: of the block header.
        """
        block = PlannedBlock(block_type, dict(payload or {}), fields)
        self._insert(name, block, before)
        return block

    def _insert(self, name: str, block: PlannedBlock, before: str | None) -> None:
        if before is None:
            self.blocks[name] = block
            return
        at = list(self.blocks).index(before)
        items = list(self.blocks.items())
        self.blocks = dict([*items[:at], (name, block), *items[at:]])

    def uuid(self, name: str) -> str:
        """The BlockUUID of the block of this name."""
        return uuid_of(name)

    def values(self, name: str, **changed: Any) -> None:
        """Change fields of a payload."""
        self.block(name).payload.update(changed)

    def fields(self, name: str, **changed: Any) -> None:
        """Change fields of a block header."""
        self.block(name).fields.update(changed)

    def block(self, name: str) -> PlannedBlock:
        """A block by its name: ``end``, ``end 1``, or the name it was given.

        Raises:
            KeyError: there is none.
        """
        if name == "end" and self.end is not None:
            return self.end
        found = {**self.blocks, **self.behind}
        for number, segment in enumerate(self.segments, start=1):
            found.update(segment.blocks)
            if segment.end is not None:
                found[f"end {number}"] = segment.end
        return found[name]

    def drop(self, *names: str) -> None:
        """Leave blocks out."""
        for name in names:
            del self.blocks[name]

    def move(self, name: str, *, before: str) -> None:
        """Put a block elsewhere."""
        self._insert(name, self.blocks.pop(name), before)

    @property
    def key_to_judge(self) -> bytes | None:
        """The key, where a fault is seen by nobody without it."""
        return self.key if self.seal_edits else None

    @property
    def capabilities(self) -> list[str]:
        """Names of the CapBitmap bits of what the capture holds."""
        registered = self.form.schema.blocks
        found = {
            kind.capability
            for kind in registered.values()
            for block in self.blocks.values()
            if kind.capability and block.type in (kind.key, kind.code)
        }
        bits = self.form.schema.flags["CapBitmap"]
        return bits.names(sum(1 << bit.bit for bit in bits.bits if bit.label in found))
