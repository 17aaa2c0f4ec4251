"""Finding the blocks of a file by their headers alone (§2)."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass

from ..schema import Schema
from ..source import Source
from .segments import Reason

__all__ = ["BlockIndex", "Ending", "Found", "Walk"]

Found = tuple[int, int, int, int]
"""Offset, BlockType, Flags, BlockLength."""

_WINDOW = 1 << 16
_NEAR_LOOK = 1 << 12
_NEAR = 1 << 14  # blocks this small are found several to a read


@dataclass(frozen=True)
class Ending:
    """Why the blocks end where they do.

    Attributes:
        offset: the first byte that belongs to no block.
        kind: ``end`` (the file is at its end), ``short`` (too few bytes for a block),
            ``magic`` (something else stands there), ``length`` (a BlockLength below the
            header's size), ``truncated`` (the file ends inside the block), ``encrypted``,
            ``segment`` (an extension segment that does not verify), ``sealed`` (something stands
            behind the tag of an encrypted file that is no sealed segment).
        text: the same for people, with what was expected and found.
        reason: of a ``segment``, why it does not verify.
        walked: of a ``segment``, how the blocks ended that stand where it should be.
    """

    offset: int
    kind: str
    text: str
    reason: Reason | None = None
    walked: Ending | None = None

    @property
    def clean(self) -> bool:
        """Whether the file ends just where its last block does."""
        return self.kind == "end"


class Walk:
    """Iterates over the blocks from an offset; `ending` is there once it has run out."""

    def __init__(self, source: Source, schema: Schema, start: int) -> None:
        self._source = source
        self._schema = schema
        self._start = start
        self.ending: Ending | None = None

    def __iter__(self) -> Iterator[Found]:
        source, schema = self._source, self._schema
        unpack = schema.block_header.unpacker(
            "magic", "block_type", "flags", "block_length"
        ).unpack_from
        header, magic_expected = schema.block_header_size, schema.block_magic
        size = source.size
        offset, window, base = self._start, b"", self._start
        look, near = header, False
        while True:
            local = offset - base
            if local + header > len(window):
                # One small block says little about the next: look further ahead step by step.
                look = min(max(4 * look, _NEAR_LOOK), _WINDOW) if near else header
                window = source.read(offset, look)
                base, local = offset, 0
                if len(window) < header:
                    self.ending = self._short(offset, window)
                    return
            magic, kind, flags, length = unpack(window, local)
            if magic != magic_expected:
                self.ending = Ending(
                    offset,
                    "magic",
                    f"blocks end at {offset:#x}: expected {magic_expected.decode()!r}, found "
                    f"{magic!r}",
                )
                return
            if length < header:
                self.ending = Ending(
                    offset,
                    "length",
                    f"block at {offset:#x}: BlockLength {length} is less than the header's "
                    f"{header} bytes (§4.1)",
                )
                return
            if size is not None and length > size - offset:
                self.ending = truncated(offset, length, size - offset)
                return
            yield offset, kind, flags, length
            offset += length
            near = length < _NEAR

    def _short(self, offset: int, window: bytes) -> Ending:
        if not window:
            return Ending(offset, "end", f"the file ends at {offset:#x} behind its last block")
        return Ending(
            offset,
            "short",
            f"{len(window)} bytes at {offset:#x} are too few for a block header of "
            f"{self._schema.block_header_size}",
        )


def truncated(offset: int, length: int, found: int) -> Ending:
    """The end of a file inside of a block."""
    return Ending(
        offset,
        "truncated",
        f"block at {offset:#x}: BlockLength says {length} bytes, the file ends after {found} of "
        "them",
    )


class BlockIndex:
    """Where the blocks are: sixteen bytes a block, however many there are."""

    def __init__(self) -> None:
        self.offsets = array("Q")
        self.lengths = array("I")
        self.types = array("H")
        self.flags = array("H")

    def __len__(self) -> int:
        return len(self.offsets)

    def extend(self, blocks: Walk) -> None:
        """Take in every block that the walk finds."""
        add_offset, add_length = self.offsets.append, self.lengths.append
        add_type, add_flags = self.types.append, self.flags.append
        for offset, kind, flags, length in blocks:
            add_offset(offset)
            add_length(length)
            add_type(kind)
            add_flags(flags)

    def add(self, offset: int, kind: int, flags: int, length: int) -> None:
        """Take in one block."""
        self.offsets.append(offset)
        self.lengths.append(length)
        self.types.append(kind)
        self.flags.append(flags)

    def cut(self, count: int) -> None:
        """Keep only the first `count` blocks."""
        for column in (self.offsets, self.lengths, self.types, self.flags):
            del column[count:]
