"""A segment that is appended to an encrypted file: held until it is whole, then sealed (§10.8)."""

from __future__ import annotations

import io
import os
from typing import IO, TYPE_CHECKING

from ..encryption.ciphers import SLACK, cipher_named
from ..encryption.derive import segment_key
from ..encryption.parameters import NONCES, TAG
from ..errors import ConformanceError, LimitError
from .sink import Sink

if TYPE_CHECKING:
    from ..reader.dump import Dump

__all__ = ["SealedSegmentOutput"]

_MOST = 256 << 20
"""Bytes that are held: their number stands under the tag, in front of them."""
_NONCE = 24


class SealedSegmentOutput(Sink):
    """Takes the blocks of a sealed segment, whose every PrevHash is zero.

    Args:
        dump: an encrypted file that was opened with its key, and ends with a tag.

    Raises:
        ConformanceError: its header does not say where its tag stands.
    """

    def __init__(self, dump: Dump) -> None:
        unlocked, layout = dump.unlocked, dump.schema.seal_header
        assert unlocked is not None
        if layout is None or not unlocked.envelope.stated_length:
            raise ConformanceError(
                f"{dump.name}: nothing can be appended: CipherLen in the header is 0, so that only "
                "the end of the file says where its tag stands (§10.8); msl decrypt and msl "
                "encrypt write it anew"
            )
        size = dump.stored.size
        assert size is not None
        self._layout = layout
        self._held = io.BytesIO()
        super().__init__(self._held, dump.header.hash_algorithm, size + layout.size)
        self._front = self.position
        self._cipher = unlocked.envelope.cipher
        sealed = [one for one in dump.segments if one.offset >= unlocked.behind]
        self._index = len(sealed) + 1
        before = dump.stored.read(size - TAG, TAG)
        self._covered, self._before = unlocked.covered, before
        self._key = segment_key(unlocked.candidate.key, unlocked.envelope.dump_uuid, self._index)

    def chain_digest(self) -> bytes:
        """Zeros."""
        return bytes(len(super().chain_digest()))

    def write(self, data: object) -> None:
        """Hold it, and hash it.

        Raises:
            LimitError: it is more than is held.
        """
        super().write(data)  # type: ignore[arg-type]
        if self.position - self._front > _MOST:
            raise LimitError(f"a sealed segment of more than {_MOST} bytes is not written")

    def seal(self, file: IO[bytes]) -> None:
        """Write what is held, encrypted, behind its header, and its tag.

        Raises:
            OSError: it can't be written.
        """
        plain = self._held.getbuffer()
        nonce = os.urandom(NONCES[self._cipher]).ljust(_NONCE, b"\0")
        stated = {"seg_index": self._index, "seg_cipher_len": len(plain), "nonce": nonce}
        head = bytes(self._layout.encode(self._layout.complete(stated)))
        sealing = cipher_named(self._cipher, self._key, nonce).sealing(
            self._covered + head + self._before
        )
        buffer = memoryview(bytearray(len(plain) + SLACK))
        count = sealing.update_into(plain, buffer)
        for piece in (head, buffer[:count], sealing.tag()):
            view = memoryview(piece)
            while view:
                view = view[file.write(view) :]
        self.position += TAG
