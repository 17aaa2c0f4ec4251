"""What is signed: a short text that names a dump by its hashes."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass

from ..abbreviated import abbreviated
from ..errors import SignatureError

__all__ = ["DumpStatement", "read_statement"]

_TITLE = "Memory Slice dump, statement 1"
_NONE = "none"
_LONGEST = 4096
_NAMES = {
    "dump_uuid": "DumpUUID",
    "size": "Size",
    "hash_algo": "HashAlgo",
    "file_hash": "FileHash",
    "blake3": "BLAKE3",
    "sha256": "SHA-256",
}
"""Attributes in their order, and what the text calls them."""


@dataclass(frozen=True)
class DumpStatement:
    """One dump, by everything that tells it from others.

    Attributes:
        dump_uuid: DumpUUID.
        size: bytes of the file.
        hash_algo: what FileHash is made with.
        file_hash: FileHash as its End-of-Capture has it, in hex; empty where it has none.
        blake3, sha256: of the whole file, in hex. They cover the last block, too, and segments.
    """

    dump_uuid: str
    size: int
    hash_algo: str
    file_hash: str
    blake3: str
    sha256: str

    def text(self) -> str:
        """The text, which is the same for the same dump to the last byte."""
        lines = [_TITLE]
        for key, name in _NAMES.items():
            lines.append(f"{name}: {getattr(self, key) or _NONE}")
        return "\n".join(lines) + "\n"

    def differing(self, other: DumpStatement) -> Iterator[str]:
        """In what this one and that of the dump at hand differ, a sentence each."""
        for key, name in _NAMES.items():
            said, found = getattr(self, key), getattr(other, key)
            if said != found:
                yield f"{name}: the statement says {said or _NONE}, the dump has {found or _NONE}"


def read_statement(raw: bytes, name: str = "") -> DumpStatement:
    """The statement that a text makes; only a text that `DumpStatement.text` would give.

    Raises:
        SignatureError: it is none.
    """
    if len(raw) > _LONGEST:
        raise SignatureError(f"{name}: no statement about a dump: more than {_LONGEST} bytes")
    try:
        text = raw.decode("ascii")
        lines = text.splitlines()
        pairs = [line.split(": ", 1) for line in lines[1:]]
        if lines[:1] != [_TITLE] or [pair[0] for pair in pairs] != list(_NAMES.values()):
            raise ValueError(f"expected {_TITLE!r} and its lines, found {abbreviated(text)}")
        values = dict(zip(_NAMES, (pair[1] for pair in pairs)))
        found = DumpStatement(
            str(uuid.UUID(values["dump_uuid"])),
            int(values["size"]),
            values["hash_algo"],
            "" if values["file_hash"] == _NONE else values["file_hash"],
            values["blake3"],
            values["sha256"],
        )
        if found.text() != text:
            raise ValueError("it is not written as statements are")
    except (ValueError, IndexError) as error:  # UnicodeDecodeError is one
        raise SignatureError(f"{name}: no statement about a dump: {error}") from None
    return found
