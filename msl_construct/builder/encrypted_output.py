"""The output of an encrypted file: plaintext comes in, ciphertext and a tag go out."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from ..encryption.ciphers import SLACK
from ..encryption.sealing import Encryption, Prepared
from ..errors import ConformanceError, LimitError
from ..hashing import UNHASHED, new_hasher
from ..pool import started_pool
from ..schema import ByteOrder, Layout, Record, Schema
from ..source import Extent
from .output import Mark
from .overlapped_output import SLOT, Conveyor
from .sink import Sink, appends

__all__ = ["EncryptedOutput", "encrypted_header"]

_PIECE = 1 << 20
_WORTH_A_THREAD = 1 << 18
_ENCRYPTED = "encrypted"


def encrypted_header(form: Schema, layout: Layout, header: Record, prepared: Prepared) -> bytes:
    """The header of an encrypted file, with CipherLen 0, and the enclosed key.

    Args:
        layout: of its encryption header.
        header: fields of the header of one that is not; those that change are changed in it.
    """
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


class EncryptedOutput:
    """Encrypts what it is given and hands it to an output below; in the end the tag.

    FileHash is over the plaintext, and every PrevHash is zero (§10). Nothing can be corrected.
    CipherLen is filled in where the output below can correct; else it stays 0, and the tag is the
    end of the file.

    Args:
        below: takes what is to be written, and need not hash it.
        algorithm: HashAlgo name.
        front: the header, with CipherLen 0, and the enclosed key; it is written.
        cipher_len: offset of CipherLen, its width and byte order.
    """

    revisable = False
    room = SLOT

    def __init__(
        self,
        below: Sink | Conveyor,
        algorithm: str,
        prepared: Prepared,
        front: bytes,
        cipher_len: tuple[int, int, ByteOrder],
    ) -> None:
        self.below = below
        self.algorithm, self.chained_by = algorithm, UNHASHED
        self._most = prepared.cipher.most
        self._sealing = prepared.cipher.sealing(front)
        self._cipher_len = cipher_len
        self._start = len(front)
        self._whole = new_hasher(algorithm)
        self._whole.update(front)
        self._digest_size = len(self._whole.digest())
        self._buffer = memoryview(bytearray(_PIECE + SLACK))
        self._reserved = bytearray()
        self._helper: ThreadPoolExecutor | None = None
        self._tried = False
        self._failed = self._closed = False
        below.begin()
        below.write(front)
        self.position = below.position

    @classmethod
    def opened(
        cls,
        below: Sink | Conveyor,
        form: Schema,
        header: Record,
        algorithm: str,
        encryption: Encryption,
    ) -> EncryptedOutput:
        """One whose header is that of a file which is not encrypted, changed as need be.

        Raises:
            ConformanceError: the draft knows no encryption.
        """
        from ..reader.dialects import plain_schema

        layout = form.encryption_header
        if layout is None or plain_schema(form).encryption_header is None:
            # Not even where a producer, and so its dialect, made something of it.
            raise ConformanceError(
                f"{form.name} has no encrypted files: expected draft-2026-10 or later (§10), to "
                "which msl convert brings a dump"
            )
        prepared = encryption.prepare(header["dump_uuid"].bytes)
        front = encrypted_header(form, layout, header, prepared)
        at = form.file_header_size + layout.offset_of("cipher_len")
        width = layout.field("cipher_len").type.minimum
        return cls(below, algorithm, prepared, front, (at, width, form.byte_order))

    def begin(self) -> None:
        """Nothing is chained."""

    def chain_digest(self) -> bytes:
        """Zeros: every PrevHash of an encrypted file."""
        return bytes(self._digest_size)

    def file_digest(self) -> bytes:
        """Hash of all plaintext so far: the FileHash of an End-of-Capture written now."""
        return self._whole.copy().digest()

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
                self._encrypt(part)
            finally:
                if pending is not None:
                    pending.result()

    def _encrypt(self, part: memoryview) -> None:
        failed, self._failed = self._failed, True  # until all of it has been handed on
        if failed:
            raise OSError("an earlier write failed: nothing may follow what it left")
        below = self.below
        if isinstance(below, Conveyor):
            count = self._sealing.update_into(part, below.reserve(part.nbytes + SLACK))
            below.commit(count, digest=bytes(self._digest_size))
        else:
            count = self._sealing.update_into(part, self._buffer)
            below.write(self._buffer[:count])
        self.position = below.position
        self._failed = False

    def _helping(self) -> ThreadPoolExecutor | None:
        if not self._tried:
            self._tried = True
            self._helper = started_pool(1, "msl-file-hash")
        return self._helper

    def reserve(self, size: int) -> memoryview:
        """Room for the next `size` bytes, as they are before they are encrypted."""
        if len(self._reserved) < size:
            self._reserved = bytearray(max(size, self.room))
        return memoryview(self._reserved)[:size]

    def commit(self, size: int, *, digest: bytes | None = None) -> None:
        """Write what was reserved."""
        self.write(memoryview(self._reserved)[:size])

    def flush(self) -> None:
        """See to it that all of it is with the operating system, but for the tag.

        Raises:
            OSError: it could not be written.
        """
        self.below.flush()

    def close(self) -> None:
        """Write the tag, and CipherLen where that can be; the file stays the caller's.

        Raises:
            OSError: it can't be written.
        """
        if self._closed:
            return
        self._closed = True
        try:
            if not self._failed:
                self._failed = True
                length = self.position - self._start
                self.below.write(self._sealing.tag())
                self.position = self.below.position
                at, width, order = self._cipher_len
                if _corrects(self.below):
                    self.below.patch(at, length.to_bytes(width, order.value))
                self.below.flush()
        finally:
            self.below.close()
            if self._helper is not None:
                self._helper.shutdown()
                self._helper = None


def _corrects(below: Sink | Conveyor) -> bool:
    """Whether bytes that were written can be written over."""
    if isinstance(below, Conveyor):
        return below.revisable
    try:
        return below.file.seekable() and not appends(below.file)
    except (AttributeError, ValueError):
        return False
