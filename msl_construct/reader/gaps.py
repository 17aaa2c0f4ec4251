"""What could not be looked at: of a file, of its header, of a block. None of it is damage.

Whoever says that a file is fine says so of what was looked at. The rest is a gap.
"""

from __future__ import annotations

from ..errors import FormatError
from ..hashing import new_hasher
from .block import Block, budget_ran_out
from .header import FileHeader
from .opened import Opened
from .verdict import Finding

__all__ = ["gap_of", "gap_of_file_hash", "gap_of_hashes", "gap_of_link"]


def gap_of(block: Block) -> Finding | None:
    """Why the payload of a block, or the end of it, could not be looked at; None if it could.

    Inflates a compressed payload to its end. What a draft has no layout for is no gap: it says
    nothing of it that could be looked at.
    """
    if not block.compressed:
        return None
    error = block.inflation_error
    if error is not None:
        reason = str(error)
    elif budget_ran_out(block, block.payload):
        reason = str(block.payload.damage)
    else:
        return None
    text = f"{block.describe()}: not checked: {reason}"
    return Finding("not_inflated", text, block.stored.offset, block.index)


def gap_of_hashes(header: FileHeader) -> Finding | None:
    """Why no hash of a file can be checked; None if they can."""
    try:
        new_hasher(header.hash_algorithm)
    except FormatError as error:
        offset = header.schema.file_header.offset_of("hash_algo")
        return Finding("hash_algo", str(error), offset)
    return None


def gap_of_link(dump: Opened, block: Block) -> Finding | None:
    """That the producer hashed no file header; None if it did, or if this is not Block 0.

    Of an encrypted file no block has a PrevHash, and the tag covers the header.
    """
    if block.index or dump.header.encrypted:
        return None
    if not _is_unrecorded(dump, block.header["prev_hash"]):
        return None
    text = f"PrevHash of {block.describe()} was not recorded: nothing covers the header"
    return Finding("unrecorded", text, block.offset, block.index)


def gap_of_file_hash(dump: Opened, block: Block) -> Finding | None:
    """That the producer put no FileHash into an End-of-Capture; None if it did."""
    if not _is_unrecorded(dump, block.payload.get("file_hash")):
        return None
    text = f"FileHash of {block.describe()} was not recorded"
    return Finding("unrecorded", text, block.offset, block.index)


def _is_unrecorded(dump: Opened, digest: bytes | None) -> bool:
    """Whether a hash is one that the producers of the file's dialect have left out."""
    dialect = dump.recognition.dialect
    unrecorded = dialect is not None and dialect.unrecorded_hashes
    return unrecorded and digest is not None and not any(digest)
