"""The blocks of a dump written anew into another envelope: encrypted, or no longer so.

What follows from the envelope is computed again: PrevHash, FileHash, SegmentHash. All else is
copied as it is stored, piece by piece.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

from ..errors import ConformanceError
from ..hashing import UNHASHED, Hasher, new_hasher
from ..schema import Record, Schema
from ..source import Extent
from .encrypted_output import EncryptedOutput
from .output import ChainedOutput
from .sink import Sink

if TYPE_CHECKING:
    from ..encryption.sealing import Encryption
    from ..reader.dump import Dump

__all__ = ["write_decrypted", "write_encrypted"]

_ENCRYPTED = "encrypted"


def write_encrypted(dump: Dump, file: IO[bytes], encryption: Encryption) -> int:
    """Write an encrypted file of the same blocks; the number of bytes.

    What the dump's hashes say is not looked at: verify it before.

    Raises:
        ConformanceError: its draft knows no encryption, it is encrypted already, or its header
            says another byte order than its blocks have.
        OSError: it can't be written.
    """
    if dump.header.encrypted:
        raise ConformanceError("the dump is encrypted already (§10)")
    stated = dump.header.record["endianness"]
    if stated.name in ("little", "big") and stated.name != dump.schema.byte_order.value:
        raise ConformanceError(
            f"the header says {stated.name}-endian, which the blocks are not: nobody could read it "
            "when Block 0 is sealed, by which that is known; msl convert comes before"
        )
    header = _plain_header(dump)
    algorithm = dump.header.hash_algorithm
    below = Sink(file, UNHASHED)
    output = EncryptedOutput.opened(below, dump.schema, header, algorithm, encryption)
    return _written(dump, output)


def write_decrypted(dump: Dump, file: IO[bytes]) -> int:
    """Write the same blocks in the open; the number of bytes.

    Sealed segments become extension segments.

    Raises:
        ConformanceError: it is not encrypted.
        EncryptedError: it was opened without a key.
        OSError: it can't be written.
    """
    if not dump.header.encrypted:
        raise ConformanceError("the dump is not encrypted")
    dump.require_key()
    header = _plain_header(dump)
    flags = [name for name in header["flags"].names if name != _ENCRYPTED]
    layout = dump.schema.file_header
    header["flags"] = layout.from_document({"flags": flags})["flags"]
    header["header_size"] = dump.schema.file_header_size
    output = Sink(file, dump.header.hash_algorithm)
    output.begin()
    output.write(bytes(layout.encode(header)))
    return _written(dump, output)


def _plain_header(dump: Dump) -> Record:
    """The fields of a file header alone."""
    layout = dump.schema.file_header
    known = {field.key for field in layout.fields}
    found = dump.header.record
    behind = dump.header.size - dump.schema.file_header_size
    extra = dump.schema.encryption_header
    if behind != (0 if not dump.header.encrypted or extra is None else extra.size):
        raise ConformanceError(
            f"HeaderSize {dump.header.size}: what stands behind the header's own fields can't be "
            "kept (§3)"
        )
    return Record({key: value for key, value in found.items() if key in known})


def _written(dump: Dump, output: ChainedOutput) -> int:
    try:
        _Copying(dump, output).copy()
        output.flush()
    finally:
        output.close()
    return output.position


class _Copying:
    """Copies blocks, with the hashes that follow from where they come to stand."""

    def __init__(self, dump: Dump, output: ChainedOutput) -> None:
        self._dump = dump
        self._output = output
        self._segment: Hasher | None = None
        form = dump.schema
        self._hash_at = form.block_header.offset_of("prev_hash")
        self._width = form.block_header.field("prev_hash").type.minimum
        self._head = form.block_header_size

    def copy(self) -> None:
        """All blocks, in the order of the file."""
        dump, output = self._dump, self._output
        previous = output.chain_digest()
        index = dump.index
        capture_ends = dump.end_of_capture_code
        segment_ends = (
            dump.schema.block("end_of_extension").code if dump.schema.draft.segments else None
        )
        for number, (offset, length, kind) in enumerate(
            zip(index.offsets, index.lengths, index.types)
        ):
            head = bytearray(dump.source.read(offset, self._head))
            head[self._hash_at : self._hash_at + self._width] = previous
            payload: bytes | Extent = Extent(dump.source, offset + self._head, length - self._head)
            if kind == capture_ends:
                payload = self._closing(number, output.file_digest())
            elif kind == segment_ends and number >= dump.capture_count:
                assert self._segment is not None
                payload = self._closing(number, self._segment.digest())
            output.begin()
            output.write(head)
            output.write(payload)
            self._take(number, kind == segment_ends, head, payload)
            previous = output.chain_digest()

    def _take(self, number: int, ends: bool, head: bytearray, payload: bytes | Extent) -> None:
        """Take a block into the hash of its segment."""
        if number + 1 < self._dump.capture_count:
            return
        if ends or number + 1 == self._dump.capture_count:
            self._segment = new_hasher(self._dump.header.hash_algorithm)
            return
        assert self._segment is not None
        self._segment.update(head)
        for piece in [payload] if isinstance(payload, bytes) else payload.chunks():
            self._segment.update(piece)

    def _closing(self, number: int, digest: bytes) -> bytes:
        """The payload of a block that stores the hash of those before it.

        Raises:
            ConformanceError: it is compressed, or too short to store one.
        """
        block = self._dump.block(number)
        form: Schema = block.schema
        assert block.type is not None
        field = form.coverage(block.type.key).field
        layout = block.type.layout
        stored = bytearray(bytes(block.stored))
        at = None if layout is None else layout.offset_of(field)
        if at is None or "compressed" in block.flags or at + len(digest) > len(stored):
            raise ConformanceError(f"{block.describe()}: its {field} can't be written anew")
        stored[at : at + len(digest)] = digest
        return bytes(stored)
