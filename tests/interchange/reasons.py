"""What other readers can't read of the files that this package writes, and why."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["REASONS", "Reason"]


class Reason(NamedTuple):
    """Why a file is not read.

    Attributes:
        why: for people.
        said: part of what the reader itself says.
    """

    why: str
    said: str


_PASSPHRASE = Reason(
    "memslicer opens files by passphrase alone: raw keys and enclosed keys it does not take.",
    "a passphrase is required",
)

REASONS: dict[str, dict[str, Reason]] = {
    "own": {},
    "memslicer": {
        "fragments": Reason(
            "memslicer's reader does not put fragments together, and says so.",
            "CONTINUATION flag set",
        ),
        "1.0-big": Reason(
            "memslicer looks at no Endianness and takes all integers for little-endian.",
            "truncated payload",
        ),
        "passphrase-xchacha": Reason(
            "memslicer decrypts AES-256-GCM alone; it does not look at EncAlgo, and calls the file "
            "modified.",
            "does not verify",
        ),
        **dict.fromkeys(
            ("raw", "raw-xchacha", "x25519", "ml-kem-768", "ml-kem-1024", "hybrid"), _PASSPHRASE
        ),
    },
    "memdiver": {
        "1.0-big": Reason(
            "MemDiver refuses big-endian files, though draft-2026-03 has them.",
            "Invalid Endianness",
        ),
    },
}
"""By reader and the names of files. Whatever is not here is read."""
