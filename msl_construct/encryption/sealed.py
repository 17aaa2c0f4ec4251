"""Sealed segments: messages of their own behind the tag of the file (§10.8)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..schema import Record
from ..source import Cursor
from .ciphers import Cipher, cipher_named
from .derive import segment_key
from .parameters import TAG
from .source import DecryptedSource
from .unlock import Unlocked

__all__ = ["SealedMessage", "Unsealed", "sealed_messages"]


@dataclass(frozen=True)
class SealedMessage:
    """A sealed segment whose tag was found to match.

    Attributes:
        index: 1, 2, … in file order.
        offset: of its header; `behind`: of what stands behind its tag.
        start, end: offsets of its ciphertext.
        plaintext: its blocks, at the offsets of the ciphertext.
    """

    index: int
    offset: int
    start: int
    end: int
    plaintext: DecryptedSource

    @property
    def behind(self) -> int:
        """Offset of what stands behind its tag."""
        return self.end + TAG


@dataclass(frozen=True)
class Unsealed:
    """Why no sealed segment begins where one might.

    Attributes:
        offset: where it might begin.
        text: why none does.
        damaged: whether one was written there and is no longer what it was.
    """

    offset: int
    text: str
    damaged: bool


def sealed_messages(unlocked: Unlocked) -> Iterator[SealedMessage | Unsealed]:
    """The sealed segments of a file, and why what stands behind the last of them is none.

    Every byte of them is read, to verify their tags. Nothing comes at the end of the file.
    """
    size = unlocked.stored.size
    assert size is not None
    offset, tag, index = unlocked.behind, unlocked.tag, 1
    while offset < size:
        found = _next(unlocked, offset, index, tag, size)
        yield found
        if isinstance(found, Unsealed):
            return
        offset, index = found.behind, index + 1
        tag = unlocked.stored.read(found.end, TAG)


def _next(
    unlocked: Unlocked, offset: int, index: int, tag: bytes, size: int
) -> SealedMessage | Unsealed:
    envelope, stored = unlocked.envelope, unlocked.stored
    layout = envelope.schema.seal_header
    where = f"{size - offset} bytes at {offset:#x} behind the tag"
    if layout is None or not envelope.stated_length:
        return Unsealed(offset, f"{where}: CipherLen does not say where it stands (§10.8)", False)
    raw = stored.read(offset, layout.size)
    if len(raw) < layout.size:
        return Unsealed(offset, f"{where} are too few for a SealHeader (§10.8)", False)
    stated = layout.decode(Cursor.over(raw))
    magic, room = envelope.schema.seal_magic, size - offset - layout.size - TAG
    problem = _problem(stated, magic, layout.size, index, room)
    if not problem and stated["seg_cipher_len"] > room:
        return _beyond_the_end(unlocked, stated, offset, index, tag, room)
    if problem:
        damaged = _was_one(stated, magic, layout.size, index)
        return Unsealed(offset, f"{where} are no sealed segment: {problem} (§10.8)", damaged)
    cipher = _cipher(unlocked, stated, index)
    start, length = offset + layout.size, int(stated["seg_cipher_len"])
    if not _verified(unlocked, cipher, raw + tag, start, length):
        text = f"sealed segment {index} at {offset:#x}: its tag does not match (§10.8)"
        return Unsealed(offset, text, True)
    plaintext = DecryptedSource(stored, cipher, start, length)
    return SealedMessage(index, offset, start, start + length, plaintext)


def _cipher(unlocked: Unlocked, stated: Record, index: int) -> Cipher:
    key = segment_key(unlocked.candidate.key, unlocked.envelope.dump_uuid, index)
    return cipher_named(unlocked.envelope.cipher, key, stated["nonce"])


def _verified(unlocked: Unlocked, cipher: Cipher, own: bytes, start: int, length: int) -> bool:
    """Whether the tag behind a ciphertext matches, with what it covers of its own."""
    tagger = cipher.tagger(unlocked.covered + own)
    for piece in unlocked.stored.pieces(start, length):
        tagger.take(piece)
    return length <= cipher.most and tagger.matches(unlocked.stored.read(start + length, TAG))


def _beyond_the_end(
    unlocked: Unlocked, stated: Record, offset: int, index: int, tag: bytes, room: int
) -> Unsealed:
    """Why a segment is longer than the file: its length was changed, or its end was not written.

    The first is known by the tag, which matches with the length that was written.
    """
    layout = unlocked.envelope.schema.seal_header
    assert layout is not None
    length = int(stated["seg_cipher_len"])
    where = f"sealed segment {index} at {offset:#x}"
    cipher, start = _cipher(unlocked, stated, index), offset + layout.size
    for bit in range(length.bit_length()):
        other = length ^ 1 << bit
        if 0 < other <= room:
            raw = bytes(layout.encode(Record({**stated, "seg_cipher_len": other})))
            if _verified(unlocked, cipher, raw + tag, start, other):
                text = f"{where}: SegCipherLen was changed from {other} to {length} (§10.8)"
                return Unsealed(offset, text, True)
    text = (
        f"{where} has {max(room + TAG, 0)} of {length + TAG} bytes behind its SealHeader: whoever "
        "appended it did not finish, or the file was cut (§10.8)"
    )
    return Unsealed(offset, text, False)


def _problem(stated: Record, magic: bytes, size: int, index: int, room: int) -> str:
    """What keeps a header from being that of the next segment."""
    if stated["magic"] != magic:
        return f"expected {magic!r}, found {bytes(stated['magic'])!r}"
    if stated["seal_hdr_size"] != size:
        return f"SealHdrSize: expected {size}, found {stated['seal_hdr_size']}"
    if stated["seg_index"] != index:
        return f"SegIndex: expected {index}, found {stated['seg_index']}"
    if not stated["seg_cipher_len"]:
        return f"SegCipherLen: expected 1 to {max(room, 0)}, found 0"
    return ""


def _was_one(stated: Record, magic: bytes, size: int, index: int) -> bool:
    """Whether bytes were written as such a header: one field of it may be damaged."""
    expected = {"magic": magic, "seal_hdr_size": size, "seg_index": index}
    same = [field for field, value in expected.items() if stated[field] == value]
    return len(same) >= len(expected) - 1
