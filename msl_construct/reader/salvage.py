"""Reading on behind damage: every block that stands, and what was lost between them.

A block stands if its header makes sense and nothing that can be relied on says that its bytes are
others. Who says so is the block directly behind it, by its PrevHash, as long as that one is not
itself contradicted; or FileHash, for all of them at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..errors import EncryptedError, FormatError
from ..hashing import digest, new_hasher
from ..schema import Schema
from ..source import Extent, Source
from .dump import Dump
from .walk import BlockIndex, Ending, Walk

__all__ = ["LostRange", "SalvagedDump"]

_WINDOW = 1 << 20


@dataclass(frozen=True)
class LostRange:
    """Bytes of a file that no block that stands holds.

    Attributes:
        offset, length: where they are.
        why: for people.
    """

    offset: int
    length: int
    why: str


class SalvagedDump(Dump):
    """A dump of which only the blocks that stand are there; the others are `lost`.

    Args:
        source: the file; its header must be readable.
        keep_altered: keep blocks whose bytes are others than the next one says.
        options: as for `Dump`.

    Attributes:
        lost: what is not among the blocks, in order.
        unproved: how many blocks nobody vouches for: the last one, and those in front of what
            was lost.

    Raises:
        EncryptedError: the blocks are ciphertext, and no key was given.
        TamperedError: they were changed; damage of what is encrypted can't be walked around.
        HeaderError: the header is lost as well.
    """

    def __init__(self, source: Source, *, keep_altered: bool = False, **options: Any) -> None:
        self.lost: list[LostRange] = []
        self.unproved = 0
        self._keep_altered = keep_altered
        super().__init__(source, **options)
        behind = self.trailing if self.unlocked is not None else None
        if behind is not None:
            self.lost.append(LostRange(behind.offset, behind.length, self.ending.text))

    def _walk(self) -> Ending:
        if self.unlocked is not None:  # its tag matches, so that nothing of it is damaged
            return super()._walk()
        if self.header.encrypted:
            raise EncryptedError(f"{self.encryption().text}; nothing can be recovered without it")
        index = BlockIndex()
        offset, end = self.header.size, self.source.size or 0
        while True:
            walk = Walk(self.source, self.schema, offset)
            for found in walk:
                index.add(found[0], found[1], found[2], found[3])
            assert walk.ending is not None
            broken = walk.ending
            if broken.clean:
                break
            found_again = next(_candidates(self.source, self.schema, broken.offset + 1), end)
            self.lost.append(LostRange(broken.offset, found_again - broken.offset, broken.text))
            if found_again >= end:
                break
            offset = found_again
        self._choose(index)
        self.lost.sort(key=lambda one: one.offset)
        return Ending(end, "end", f"the file ends at {end:#x}")

    def _choose(self, index: BlockIndex) -> None:
        """Keep the blocks that stand."""
        altered = self._altered(index)
        for number in range(len(index)):
            offset, length = index.offsets[number], index.lengths[number]
            if altered[number] and not self._keep_altered:
                why = "the block behind it says that its bytes were others (PrevHash)"
                self.lost.append(LostRange(offset, length, why))
                continue
            self.index.add(offset, index.types[number], index.flags[number], length)

    def _altered(self, index: BlockIndex) -> bytearray:
        """For each block whether it certainly is another one than was written."""
        count = len(index)
        found = bytearray(count)
        try:
            new_hasher(self.header.hash_algorithm)
        except FormatError:  # nobody can say of a block that its bytes were others
            self.unproved = count
            return found
        closing = self._closing_in(index)
        if closing is not None and self._vouches(index, closing):
            self.unproved = count - closing
            return found
        contradicted, witnessed = self._judged(index)
        disputed = [n for n in range(count - 1) if contradicted[n]]
        for number in disputed:
            witness = number + 1
            if witnessed[witness]:
                # Who is contradicted itself may say wrong things of others.
                found[number] = not contradicted[witness]
            else:
                # An End-of-Capture says the same twice. Where it is the only one that does not
                # agree with the rest, it is believed.
                found[number] = not self.lost and len(disputed) == 1 and witness == closing
        self.unproved = sum(
            not found[number] and (not witnessed[number] or contradicted[number])
            for number in range(count)
        )
        return found

    def _judged(self, index: BlockIndex) -> tuple[bytearray, bytearray]:
        """For each block whether the one right behind it says something else of it, or anything."""
        previous_at = self.schema.block_header.offset_of("prev_hash")
        contradicted, witnessed = bytearray(len(index)), bytearray(len(index))
        for number in range(len(index) - 1):
            offset, length = index.offsets[number], index.lengths[number]
            if offset + length != index.offsets[number + 1]:
                continue
            said = bytes(self.source.read(index.offsets[number + 1] + previous_at, 32))
            if not any(said):
                continue  # it was wiped out
            own = digest(self.header.hash_algorithm, Extent(self.source, offset, length).chunks())
            witnessed[number] = 1
            contradicted[number] = own != said
        return contradicted, witnessed

    def _closing_in(self, index: BlockIndex) -> int | None:
        """Number of the End-of-Capture."""
        try:
            return index.types.index(self.end_of_capture_code)
        except ValueError:
            return None

    def _vouches(self, index: BlockIndex, closing: int) -> bool:
        """Whether FileHash says that all in front of the End-of-Capture is what it was."""
        layout = self.schema.block("end_of_capture").layout
        if self.lost or layout is None:
            return False
        at = index.offsets[closing] + self.schema.block_header_size + layout.offset_of("file_hash")
        front = Extent(self.source, 0, index.offsets[closing])
        own = digest(self.header.hash_algorithm, front.chunks())
        return own == bytes(self.source.read(at, 32))


def _candidates(source: Source, schema: Schema, start: int) -> Iterator[int]:
    """Where a block may begin, from an offset on."""
    magic, header = schema.block_magic, schema.block_header_size
    unpack = schema.block_header.unpacker("magic", "block_type", "flags", "block_length")
    size = source.size or 0
    at = start
    while at + header <= size:
        window = bytes(source.read(at, min(_WINDOW, size - at)))
        place = window.find(magic)
        if place < 0 or place + header > len(window):
            if at + len(window) >= size:
                return
            at += max(1, (len(window) if place < 0 else place) - len(magic) + 1)
            continue
        offset = at + place
        _, kind, _, length = unpack.unpack_from(window, place)
        at = offset + 1
        if kind in schema.blocks and header <= length <= size - offset:
            if not _begins_another_file(source, schema, offset):
                yield offset
                return
            # A dump that lay in the memory which was dumped: none of its blocks is ours.
            walk = Walk(source, schema, offset)
            for found in walk:
                at = found[0] + found[3]


def _begins_another_file(source: Source, schema: Schema, offset: int) -> bool:
    """Whether a file header stands in front of a block."""
    size, magic = schema.file_header.size, schema.file_magic
    return offset >= 2 * size and bytes(source.read(offset - size, len(magic))) == magic
