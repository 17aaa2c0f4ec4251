"""What encryption changes for a dump: how it is opened, how it ends, and its sealed segments."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..drafts import NEWEST_DRAFT, schema
from ..encryption import Keys
from ..errors import EncryptedError, TamperedError
from ..schema import Layout, Record, Schema
from ..source import Cursor, Source
from .block import Block
from .header import FileHeader, envelope_of
from .segments import Broken, Reason, Segment, check_segment
from .walk import BlockIndex, Ending, Walk

if TYPE_CHECKING:
    from ..encryption.sealed import SealedMessage
    from ..encryption.source import PartedSource
    from ..encryption.unlock import Unlocked

__all__ = ["SealHeader", "Sealed", "behind_tag", "seal_headers", "unlocked_with"]


@dataclass(frozen=True)
class SealHeader:
    """The header of a sealed segment that holds.

    Attributes:
        layout: what it is decoded by.
        record: what it says, with the offsets of its fields.
        offset: where it begins.
    """

    layout: Layout
    record: Record
    offset: int

    def describe(self) -> str:
        """Which it is, for messages."""
        return f"sealed segment {self.record['seg_index']} at {self.offset:#x}"


def seal_headers(unlocked: Unlocked, segments: Iterable[Segment]) -> Iterator[SealHeader]:
    """The headers in front of those segments that are sealed, in file order."""
    layout = unlocked.envelope.schema.seal_header
    if layout is None:
        return
    for segment in segments:
        if segment.offset >= unlocked.behind:
            at = segment.offset - layout.size
            cursor = Cursor(unlocked.stored, at, segment.offset)
            yield SealHeader(layout, layout.decode(cursor, offsets=True), at)


def unlocked_with(source: Source, header: FileHeader, key: bytes | str | Keys) -> Unlocked | None:
    """Verify and open what is encrypted; None if nothing is.

    Raises:
        EncryptedError, TamperedError, LimitError: see `msl_construct.encryption.unlock`.
    """
    if not header.encrypted:
        _require_marked(source, header)
        return None
    from ..encryption.unlock import unlock

    envelope = envelope_of(header)
    if envelope is None:
        raise TamperedError(
            f"not intact: the header says Encrypted, but ends at {header.size:#x} before it says "
            "how (§3)",
            offset=header.size,
        )
    return unlock(source, envelope, Keys.of(key))


def _require_marked(source: Source, header: FileHeader) -> None:
    """Refuse what a key was given for, and what seems to have lost its mark.

    Raises:
        EncryptedError: it says that it is encrypted, and is read as what has no encryption.
        TamperedError: it looks like an encrypted file and does not say that it is one.
    """
    newest = schema(NEWEST_DRAFT)
    assert newest.encryption_header is not None
    size = newest.file_header_size + newest.encryption_header.size
    magic = newest.block_magic
    if source.read(header.size, len(magic)) == magic:
        return
    (flags,) = newest.file_header.unpacker("flags").unpack_from(header.raw)
    says_so = bool(flags & newest.flags["HeaderFlags"].mask("encrypted"))
    if header.size == size and says_so:
        raise EncryptedError(
            f"the header says Encrypted, but files of its version are not encrypted in "
            f"{header.schema.name}, which it is read with: read it without --draft",
            offset=header.schema.file_header.offset_of("version"),
        )
    if header.size == size:
        raise TamperedError(
            "not intact: the header is as long as that of an encrypted file and no block stands "
            "behind it, but it does not say Encrypted: it was changed",
            offset=header.schema.file_header.offset_of("flags"),
        )
    if says_so:
        raise TamperedError(
            f"not intact: the header says Encrypted and no block stands behind its {header.size} "
            f"bytes, but that of an encrypted file has {size}: it was changed",
            offset=header.schema.file_header.offset_of("header_size"),
        )


def behind_tag(unlocked: Unlocked) -> Ending:
    """How a file ends whose plaintext ends with its last block."""
    at, size = unlocked.behind, unlocked.stored.size
    assert size is not None
    if at == size:
        return Ending(at, "end", f"the file ends at {at:#x} behind the tag")
    return Ending(at, "sealed", f"{size - at} bytes stand behind the tag at {unlocked.end:#x}")


class Sealed:
    """Takes in the sealed segments of an encrypted file (§10.8).

    Args:
        view: gets their plaintext in the place of their ciphertext.
        index: gets their blocks.
        segments: gets them.
        get: a block by its number, as a schema has it.
    """

    def __init__(
        self,
        unlocked: Unlocked,
        view: PartedSource,
        index: BlockIndex,
        segments: list[Segment],
        get: Callable[[Schema, int], Block],
    ) -> None:
        self._unlocked = unlocked
        self._view = view
        self._index = index
        self._segments = segments
        self._get = get

    def find(self, bound: Schema, algorithm: str, ending: Ending) -> Ending:
        """Take them in, and say how the file ends behind the last of them."""
        from ..encryption.sealed import SealedMessage, sealed_messages

        for found in sealed_messages(self._unlocked):
            if not isinstance(found, SealedMessage):
                kind, reason = ("segment", Reason.TAG) if found.damaged else ("sealed", None)
                return Ending(found.offset, kind, found.text, reason, ending)
            self._view.put(found.plaintext, found.start, found.end)
            first = len(self._index)
            segment = self._checked(found, bound, algorithm)
            if isinstance(segment, Broken):
                self._index.cut(first)
                return Ending(found.offset, "segment", segment.text, segment.reason, ending)
            self._segments.append(segment)
            at = found.behind
            ending = Ending(at, "end", f"the file ends at {at:#x} behind a sealed segment")
        return ending

    def _checked(self, found: SealedMessage, bound: Schema, algorithm: str) -> Segment | Broken:
        """The one segment that the plaintext must be."""
        first, number = len(self._index), len(self._segments) + 1
        walk = Walk(found.plaintext, bound, found.start)
        self._index.extend(walk)
        assert walk.ending is not None
        stop = len(self._index)
        where = f"segment {number} at {found.start:#x}"
        if stop == first:
            return Broken(Reason.UNCLOSED, f"{where}: it holds no block")

        def get(index: int) -> Block:
            return self._get(bound, index)

        segment = check_segment(get, first, stop, None, algorithm, number)
        if isinstance(segment, Segment) and (segment.count < stop - first or not walk.ending.clean):
            return Broken(Reason.END, f"{where}: more stands behind it under its tag (§10.8)")
        return segment
