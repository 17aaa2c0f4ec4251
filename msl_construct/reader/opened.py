"""What a dump in a file and a dump from a pipe have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from ..budget import Budget
from ..drafts.dialects import Recognition
from ..encryption.parameters import lacking
from ..errors import EncryptedError
from ..schema import Schema
from ..source import Extent, Source
from .block import Block, Problems
from .header import FileHeader, envelope_of
from .segments import Reason, Segment
from .walk import BlockIndex, Ending

__all__ = ["Indexed", "Opened"]

T = TypeVar("T")


class Opened(ABC):
    """An opened dump: its header, what it is read with, and where its blocks end.

    Attributes:
        name: the file's name, without its folder.
        header: the file header as found.
        schema: the draft, or the dialect that the capture is read with, in the file's byte order.
        recognition: which dialect the capture is in, and what it was recognised by.
        segment_recognitions: the same by number of the extension segments that are in another.
        ending: why the blocks end where they do.
        segments: the intact extension segments.
        budget: how much may be kept of what is inflated.
        problems: by block index, why a payload could not be decoded to its end; of the
            blocks that were decoded so far.
    """

    name: str
    header: FileHeader
    schema: Schema
    recognition: Recognition
    segment_recognitions: dict[int, Recognition]
    ending: Ending
    segments: list[Segment]
    budget: Budget
    problems: Problems

    @abstractmethod
    def each_capture_block(self, function: Callable[[Block], T]) -> Iterator[T]:
        """What `function` makes of each block of the capture."""

    @abstractmethod
    def segment_blocks(self, segment: Segment) -> Iterable[Block]:
        """The blocks of one extension segment."""

    @property
    @abstractmethod
    def trailing(self) -> Extent | None:
        """Bytes behind the last block (or intact segment), if any."""

    @property
    def draft(self) -> str:
        """Name of the draft that the file is read with."""
        return self.schema.name

    @property
    def end_of_capture_code(self) -> int:
        """BlockType of the End-of-Capture."""
        return self.schema.block("end_of_capture").code

    @property
    def dialect(self) -> str | None:
        """Name of the dialect that the capture is read with; None: as its draft has it."""
        return self.schema.draft.dialect

    @property
    def producer(self) -> str | None:
        """Who has probably written the file, as far as its dialect tells."""
        return self.recognition.producer

    @property
    def locked(self) -> bool:
        """Whether the blocks are ciphertext that nobody gave a key for."""
        return self.header.encrypted

    @property
    def tampered(self) -> bool:
        """Whether what was sealed behind an intact capture is no longer what it was (§10.8).

        The capture can be read; what was changed is shown to nobody.
        """
        return self.ending.reason is Reason.TAG

    def require_key(self) -> None:
        """Refuse to go on with ciphertext.

        Raises:
            EncryptedError: the blocks are encrypted, and no key was given.
        """
        if self.locked:
            raise EncryptedError(self.encryption().text, offset=self.header.size)

    @abstractmethod
    def require_unchanged(self) -> None:
        """Make sure that what was read belongs together: nobody wrote to the file meanwhile.

        Raises:
            ChangedError: somebody did.
        """

    def encryption(self) -> Ending:
        """How the blocks of an encrypted file end: before they begin."""
        start = self.header.size
        envelope = envelope_of(self.header)
        how = "the header does not say how" if envelope is None else lacking(envelope)
        text = f"everything from {start:#x} on, behind the header, is ciphertext (§10): {how}"
        return Ending(start, "encrypted", text)


class Indexed(Opened):
    """An opened dump whose blocks can be had in any order.

    Attributes:
        source: the file's bytes; of an encrypted one that was opened, plaintext in the place of
            ciphertext.
        stored: the file's bytes as they are.
        index: where the blocks are.
        capture_count: how many of them belong to the capture; the others to segments.
    """

    source: Source
    stored: Source
    index: BlockIndex
    capture_count: int

    @abstractmethod
    def block(self, index: int) -> Block:
        """The block of this number."""

    @abstractmethod
    def block_in(self, schema: Schema, index: int) -> Block:
        """The same, as a schema has it; nothing is noted of what does not fit."""

    @abstractmethod
    def sequential(self) -> Source:
        """The source, told that it will be read from front to back."""
