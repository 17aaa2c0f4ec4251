"""The output of an encrypted file: plaintext comes in, ciphertext and a tag go out."""

from __future__ import annotations

from concurrent.futures import Future
from typing import IO, Any

from ..encryption.ciphers import SLACK
from ..encryption.sealing import Encryption, Prepared
from ..errors import ConformanceError, LimitError
from ..schema import Record, Schema
from ..source import Extent
from .output import Mark
from .sink import Sink, appends

__all__ = ["EncryptedOutput", "encrypted_header"]

_PIECE = 1 << 20
_WORTH_A_THREAD = 1 << 18
_ENCRYPTED = "encrypted"


def encrypted_header(form: Schema, header: Record, prepared: Prepared) -> bytes:
    """The header of an encrypted file, with CipherLen 0, and the enclosed key.

    Args:
        header: fields of the header of one that is not; those that change are changed in it.

    Raises:
        ConformanceError: the draft knows no encryption.
    """
    layout = form.encryption_header
    if layout is None:
        raise ConformanceError(
            f"{form.name} has no encrypted files: expected draft-2026-10 or later (§10)"
        )
    header["flags"] = form.file_header.from_document(
        {"flags": [*header["flags"].names, _ENCRYPTED]}
    )["flags"]
    header["header_size"] = form.file_header_size + layout.size
    given = {
        key: value if isinstance(value, (bytes, int)) else layout.from_document({key: value})[key]
        for key, value in prepared.fields.items()
    }
    stated = bytes(layout.encode(layout.complete(given)))
    return bytes(form.file_header.encode(header)) + stated + prepared.enclosed


class EncryptedOutput(Sink):
    """Encrypts what it is given and writes it; the tag is written when it is closed.

    FileHash is over the plaintext, and every PrevHash is zero (§10). Nothing can be corrected.

    Args:
        file: where the bytes go; only `write` is needed. CipherLen is filled in where the file
            can seek; else it stays 0, and the tag is the end of the file.
        algorithm: HashAlgo name.
        front: the header, with CipherLen 0, and the enclosed key; it is written.
        cipher_len: offset of CipherLen, and its width.
    """

    room = _PIECE

    def __init__(
        self,
        file: IO[bytes],
        algorithm: str,
        prepared: Prepared,
        front: bytes,
        cipher_len: tuple[int, int],
    ) -> None:
        super().__init__(file, algorithm)
        self._most = prepared.cipher.most
        self._sealing = prepared.cipher.sealing(front)
        self._cipher_len = cipher_len
        self._start = len(front)
        self._digest_size = len(self._whole.digest())
        self._whole.update(front)
        self._buffer = memoryview(bytearray(_PIECE + SLACK))
        self._reserved = bytearray()
        self._sealed = False
        self._put(memoryview(front))

    @classmethod
    def opened(
        cls,
        file: IO[bytes],
        form: Schema,
        header: Record,
        algorithm: str,
        encryption: Encryption,
    ) -> EncryptedOutput:
        """One whose header is that of a file which is not encrypted, changed as need be.

        Raises:
            ConformanceError: the draft knows no encryption.
        """
        prepared = encryption.prepare(header["dump_uuid"].bytes)
        front = encrypted_header(form, header, prepared)
        layout = form.encryption_header
        assert layout is not None
        at = form.file_header_size + layout.offset_of("cipher_len")
        return cls(file, algorithm, prepared, front, (at, layout.field("cipher_len").type.minimum))

    @property
    def revisable(self) -> bool:
        """Never: what stands under a tag can't be corrected."""
        return False

    def begin(self) -> None:
        """Nothing is chained."""

    def chain_digest(self) -> bytes:
        """Zeros: every PrevHash of an encrypted file."""
        return bytes(self._digest_size)

    def mark(self) -> Mark:
        raise ConformanceError("an encrypted file can't be corrected (§10)")

    def patch(self, offset: int, data: bytes) -> None:
        raise ConformanceError("an encrypted file can't be corrected (§10)")

    def revise(self, mark: Mark) -> None:
        raise ConformanceError("an encrypted file can't be corrected (§10)")

    def write(self, data: bytes | bytearray | memoryview | Extent) -> None:
        """Hash, encrypt and write.

        Raises:
            LimitError: it is more than the cipher can encrypt under one nonce.
            OSError: it can't be written.
        """
        if isinstance(data, Extent):
            for piece in data.chunks():
                self.write(piece)
            return
        view = memoryview(data).cast("B")
        if self.position - self._start + view.nbytes > self._most:
            raise LimitError(
                f"more than {self._most} bytes: more than the cipher can encrypt under one nonce "
                "(§10.1)"
            )
        helper = self._helping() if view.nbytes >= _WORTH_A_THREAD else None
        for start in range(0, view.nbytes, _PIECE):
            part = view[start : start + _PIECE]
            pending: Future[Any] | None = None
            if helper is None:
                self._whole.update(part)
            else:
                pending = helper.submit(self._whole.update, part)
            try:
                count = self._sealing.update_into(part, self._buffer)
                self._put(self._buffer[:count])
            finally:
                if pending is not None:
                    pending.result()

    def reserve(self, size: int) -> memoryview:
        """Room for the next `size` bytes, as they are before they are encrypted."""
        if len(self._reserved) < size:
            self._reserved = bytearray(max(size, self.room))
        return memoryview(self._reserved)[:size]

    def commit(self, size: int, *, digest: bytes | None = None) -> None:
        """Write what was reserved."""
        self.write(memoryview(self._reserved)[:size])

    def close(self) -> None:
        """Write the tag, and CipherLen where that can be; the file stays the caller's.

        Raises:
            OSError: it can't be written.
        """
        try:
            if not self._sealed and not self._failed:
                self._sealed = True
                length = self.position - self._start
                self._put(memoryview(self._sealing.tag()))
                self._record(length)
                self.flush()
        finally:
            super().close()

    def _record(self, length: int) -> None:
        at, width = self._cipher_len
        try:
            if appends(self.file) or not self.file.seekable():
                return
        except (AttributeError, ValueError):
            return
        self.file.seek(self._base + at)
        self._put(memoryview(length.to_bytes(width, "little")), advance=False)
        self.file.seek(self._base + self.position)
