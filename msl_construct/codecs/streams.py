"""What the codecs' libraries make of a stream, and what a frame says of itself (§4.2)."""

from __future__ import annotations

import struct
from importlib import import_module
from typing import Any

from ..errors import LimitError

__all__ = ["LZ4_FRAME", "LZ4_SIZE", "TOLERATED_PADDING", "frame_size", "inflate_lz4", "library"]

LZ4_SIZE = struct.Struct("<I")  # python-lz4's own prefix: little-endian in every file

TOLERATED_PADDING = 7  # what 1.0 producers put behind the stream to align the block

LZ4_FRAME = "lz4_frame"
"""LZ4's own frame instead of a size and a block."""


def frame_size(algorithm: str, head: bytes) -> int | None:
    """What a codec's frame says that it inflates to; None where it is none or does not say it.

    Args:
        head: its first bytes, 19 of them if there are so many.
    """
    import lz4.frame
    import zstandard

    try:
        if algorithm == "zstd":
            size = int(zstandard.get_frame_parameters(head).content_size)
            return None if size == zstandard.CONTENTSIZE_UNKNOWN else size
        return int(lz4.frame.get_frame_info(head)["content_size"]) or None
    except (zstandard.ZstdError, RuntimeError, ValueError):
        return None


def library(name: str) -> Any:
    """A codec.

    Raises:
        LimitError: it can't be loaded here, which says nothing about the file.
    """
    try:
        return import_module(name)
    except ImportError as error:
        raise LimitError(f"the library {name}, which inflates such payloads: {error}") from None


def inflate_lz4(stored: memoryview, declared: int) -> tuple[bytes | None, int, str]:
    """Inflate an LZ4 block behind its size, with zeros behind it if need be.

    The block does not say where it ends, so that one zero fewer is tried after the other.

    Returns:
        The content, or None; how many zeros stand behind the block; what was found instead.
    """
    lz4_block = library("lz4.block")

    body = stored[LZ4_SIZE.size :]
    zeros = 0
    while zeros < min(TOLERATED_PADDING, len(body)) and body[len(body) - 1 - zeros] == 0:
        zeros += 1
    problem = ""
    for cut in range(zeros + 1):
        try:
            found = lz4_block.decompress(body[: len(body) - cut], uncompressed_size=declared)
        except (lz4_block.LZ4BlockError, ValueError, OverflowError):
            # What the library says of it differs between its versions, and documents show this.
            problem = problem or "something else, or a damaged one"
            continue
        if len(found) == declared:
            return found, cut, ""
        problem = problem or f"{len(found)} bytes"
    return None, 0, problem
