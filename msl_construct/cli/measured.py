"""A dump, verified, and hashed from its first byte to its last."""

from __future__ import annotations

import sys
import uuid
from typing import IO, TYPE_CHECKING, NamedTuple, cast

from ..hashing import Digests
from ..reader.verdict import Verdict
from ..source import Extent
from .common import STDIO, open_input, say_version

if TYPE_CHECKING:
    from .common import ReadOptions

__all__ = ["VerifiedDump", "measured"]

_PIECE = 1 << 20


class VerifiedDump(NamedTuple):
    """What a statement or a report says of a dump.

    Attributes:
        uuid: DumpUUID.
        algorithm: HashAlgo.
        digests: hashes of the whole file.
        context: the System Context as it is stored; nothing where the dump only passed by.
    """

    verdict: Verdict
    uuid: uuid.UUID
    algorithm: str
    digests: Digests
    context: bytes


def measured(path: str, options: ReadOptions) -> VerifiedDump:
    """Verify and hash a file, or what comes from stdin.

    Raises:
        MslError: it can't be read, or was changed meanwhile.
        OSError: likewise.
    """
    digests, context = Digests(), b""
    try:
        if path == STDIO and sys.stdin is not None:
            passing = _HashedInput(sys.stdin.buffer, digests)
            with open_input(path, stdin=cast("IO[bytes]", passing), **options) as dump:
                say_version(path, dump)
                verdict = dump.verify()
                passing.drain()
                header = dump.header
        else:
            with open_input(path, passing=False, **options) as dump:
                say_version(path, dump)
                verdict = dump.verify()
                for piece in Extent(dump.stored, 0, dump.size or 0).chunks():
                    digests.update(piece)
                dump.require_unchanged()
                header = dump.header
                found = next(dump.capture_blocks.of_type("system_context"), None)
                context = b"" if found is None else bytes(found.stored.view())
    finally:
        digests.close()
    return VerifiedDump(
        verdict, header.record["dump_uuid"], header.hash_algorithm, digests, context
    )


class _HashedInput:
    """A stream that hashes what is read of it."""

    def __init__(self, file: IO[bytes], digests: Digests) -> None:
        self._file = file
        self._digests = digests

    def read(self, size: int) -> bytes:
        """At most so many bytes."""
        piece = self._file.read(size)
        self._digests.update(piece)
        return piece

    def drain(self) -> None:
        """Read it to its end."""
        while self.read(_PIECE):
            pass
