"""What takes the bytes of a dump, as everything above it sees it.

Blocks are put together above, and go, in the order of the file, to an output: a `Sink`, or a
`Conveyor` for who overlaps reading, hashing and writing. Nobody above asks which of them it is.

Encryption (§10) stands in between: as an output that holds another one. It is made when the file
header and the enclosed key are written, which stay in the clear. What it is given is plaintext.
It takes that into FileHash and writes the ciphertext to the output that it holds; when it is
closed, the tag. Its `chain_digest` is zeros, since every PrevHash of such a file is zero, and it is
not `revisable`: what stands under a tag can't be corrected. For the fast ways of `RegionFeed` it
has buffers of its own (`BufferedOutput`), which it encrypts when they are committed. So neither
blocks nor regions need to know of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from ..hashing import Hasher
from ..source import Extent

__all__ = ["BufferedOutput", "ChainedOutput", "Mark"]

Mark = tuple[int, Callable[[], Hasher]]
"""A position to come back to: file offset, and what gives the file hash up to it."""


class ChainedOutput(Protocol):
    """Takes a file's bytes in order and hashes them, for the chain and for FileHash.

    Attributes:
        algorithm: HashAlgo name.
        position: bytes that the file holds, those under way included.
    """

    algorithm: str
    position: int

    @property
    def revisable(self) -> bool:
        """Whether what was written can be read back and corrected."""

    def begin(self) -> None:
        """Start a new structure: what follows goes into a fresh chain hash."""

    def write(self, data: bytes | bytearray | memoryview | Extent) -> None:
        """Take more bytes; the caller may reuse its buffer at once.

        Raises:
            OSError: they, or some before them, could not be written.
        """

    def chain_digest(self) -> bytes:
        """PrevHash of the next block: the hash of everything since `begin`."""

    def file_digest(self) -> bytes:
        """Hash of everything so far: the FileHash of an End-of-Capture written now."""

    def mark(self) -> Mark:
        """Remember this point, so that `revise` can hash again what follows it."""

    def patch(self, offset: int, data: bytes) -> None:
        """Correct bytes of the block being written; call `revise` before the next one."""

    def revise(self, mark: Mark) -> None:
        """Hash again everything behind `mark`, read back from the file, as one structure."""

    def flush(self) -> None:
        """See to it that everything is with the operating system.

        Raises:
            OSError: it could not be written.
        """

    def close(self) -> None:
        """End threads and free buffers; the file stays the caller's."""


@runtime_checkable
class BufferedOutput(ChainedOutput, Protocol):
    """An output that lets its callers fill its buffers in place.

    Attributes:
        chained_by: what callers hash what they commit with; `UNHASHED` where nothing is chained.
    """

    chained_by: str

    @property
    def room(self) -> int:
        """The most bytes that `reserve` can give."""

    def reserve(self, size: int) -> memoryview:
        """Room for the next `size` bytes of the file; valid until anything else is done.

        Raises:
            OSError: something before could not be written.
        """

    def commit(self, size: int, *, digest: bytes | None = None) -> None:
        """The first `size` bytes of what was reserved belong to the file now.

        Args:
            digest: their hash, where the caller has taken it and they are a whole block.
        """
