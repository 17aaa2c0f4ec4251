"""Feature codes: what a sample has that not every reader can read."""

from __future__ import annotations

__all__ = ["FEATURES", "TYPE", "meaning"]

TYPE = "type-"
"""Prefix of the code of a sample that is about one block type."""

FEATURES = {
    "absent-strings": "strings of length 0, which are not there",
    "aftereoc": "blocks behind the End-of-Capture (1.0)",
    "be": "big-endian",
    "blockcount": "a BlockCount of 0 in the header",
    "codes": "every code of some registries",
    "complago": "CompAlgo in a block that is not Compressed",
    "cont": "a region in several fragments",
    "empty-strings": "strings of length 1, which are empty",
    "encrypted": "the blocks are encrypted",
    "ext": "extension segments",
    "failed": "pages that failed",
    "hash-sha256": "SHA-256 instead of BLAKE3",
    "hash-sha512": "SHA-512/256 instead of BLAKE3",
    "hdr128": "a header of 128 bytes",
    "hdr72": "a header of 72 bytes",
    "header-codes": "a registered code in each field of the header",
    "hints": "Key Hints",
    "import": "a converted file",
    "investigation": "the flag Investigation",
    "large": "too large to be kept: made on demand",
    "long-strings": "strings of thousands of bytes",
    "lz4": "payloads compressed with LZ4",
    "magic": "a damaged block magic",
    "many": "thousands of blocks",
    "many-pages": "thousands of pages",
    "map-lengths": "page maps of the lengths around their padding",
    "minor": "an unknown minor version",
    "modules": "more than two modules",
    "multi": "several regions",
    "noblob": "a module without the operating system's record",
    "noeoc": "no End-of-Capture",
    "noregion": "no memory region",
    "notres": "pages that are not resident (1.1)",
    "noversion": "a module without a version",
    "numbers": "numbers with their highest bits set",
    "padded-stream": "zeros behind a compressed stream",
    "padding": "strings and blobs of all lengths around the padding",
    "pagesize": "other page sizes than 1 KiB",
    "pv2": "an unknown PayloadVersion",
    "redacted": "the flag Redacted",
    "rel24": "Related Dumps of 24 bytes",
    "rel56": "Related Dumps of 56 bytes",
    "reserved-nonzero": "something in reserved bytes",
    "reserved-state": "the page state that 1.0 reserves",
    "short-end": "an End-of-Capture of 40 bytes",
    "tables": "the investigation's tables, or manifests",
    "threads": "Thread Contexts",
    "trail": "bytes behind the last block",
    "trunc": "the file ends inside a block",
    "unkblk": "an unregistered block type",
    "unkenum": "an unregistered code",
    "unmapped": "pages that were unmapped",
    "utf8": "strings beyond ASCII, or with control characters",
    "vas": "VAS Maps",
    "vendor": "codes of the vendors' ranges",
    "worked-example": "the specification's §11",
    "zero-diskhash": "a DiskHash of zeros",
    "zeromod": "no modules",
    "zst": "payloads compressed with zstd",
}
"""What each code means."""


def meaning(code: str) -> str | None:
    """What a code means; None if there is no such code."""
    if code.startswith(TYPE):
        return f"the block type {code.removeprefix(TYPE).replace('-', ' ')} alone"
    return FEATURES.get(code)
