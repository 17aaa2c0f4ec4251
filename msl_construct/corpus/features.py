"""Feature codes: what a sample has that not every reader can read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["FEATURES", "TYPE", "found_in", "meaning"]

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


Document = dict[str, Any]

_TABLES = ("_table", "_manifest", "_memory_map")
_FIRST = ("0x0100", "0x0101")
_LOG2 = 10


def found_in(document: Document) -> Iterator[str]:
    """The codes of what a document shows, whatever its sample was made for."""
    header = document["header"]
    blocks = [*document["blocks"], *(b for s in document["segments"] for b in s["blocks"])]
    yield from (code for code, is_there in _OF_HEADER.items() if is_there(header))
    yield from (code for code, is_there in _OF_BLOCK.items() if any(map(is_there, blocks)))
    if document["segments"]:
        yield "ext"
    if document["trailing"] is not None and "encrypted" not in header["flags"]:
        yield "trail"
    regions = [b for b in blocks if b["block_type"] == "memory_region"]
    if sum("continuation" not in block["flags"] for block in regions) > 1:
        yield "multi"
    for block in regions:
        states = block["payload"].get("page_state_map", [])
        runs = states["runs"] if isinstance(states, dict) else states
        yield from (_STATES[state] for _, _, state in runs if state in _STATES)


_STATES = {
    "failed": "failed",
    "unmapped": "unmapped",
    "not_resident": "notres",
    "0x03": "reserved-state",
}

_OF_HEADER: dict[str, Callable[[Document], bool]] = {
    "encrypted": lambda header: "encrypted" in header["flags"],
    "hash-sha256": lambda header: header.get("hash_algo") == "sha_256",
    "hash-sha512": lambda header: header.get("hash_algo") == "sha_512_256",
    "hdr128": lambda header: header["header_size"] == 128,
    "hdr72": lambda header: header["header_size"] == 72,
    "import": lambda header: "imported" in header["flags"],
    "investigation": lambda header: "investigation" in header["flags"],
    "minor": lambda header: header["version"] not in _FIRST,
    "redacted": lambda header: "redacted" in header["flags"],
}

_OF_BLOCK: dict[str, Callable[[Document], bool]] = {
    "cont": lambda block: "continuation" in block["flags"],
    "hints": lambda block: block["block_type"] == "key_hint",
    "lz4": lambda block: block.get("compression", {}).get("algorithm") == "lz4",
    "pagesize": lambda block: block["payload"].get("page_size_log2", _LOG2) != _LOG2,
    "pv2": lambda block: block["payload_version"] != 1,
    "rel24": lambda block: (
        "related_pid" in block["payload"] and "target_hash" not in block["payload"]
    ),
    "rel56": lambda block: "target_hash" in block["payload"],
    "tables": lambda block: block["block_type"].endswith(_TABLES) and "raw" not in block["payload"],
    "threads": lambda block: "thread_id" in block["payload"],
    "unkblk": lambda block: block["block_type"].startswith("0x"),
    "vas": lambda block: block["block_type"] == "vas_map" and "entries" in block["payload"],
    "zst": lambda block: block.get("compression", {}).get("algorithm") == "zstd",
}
