"""Bytes that nobody decoded: as the canonical document shows them, and back."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from ..abbreviated import abbreviated
from ..errors import DocumentError
from ..source import BufferSource, Extent
from .base import DocumentOptions
from .document_values import as_hex, as_number, as_text, checked_keys

__all__ = [
    "DOCUMENT_RAW_LIMIT",
    "Base64",
    "as_bytes",
    "extent_from_document",
    "extent_to_document",
    "raw_from_document",
    "raw_to_document",
]

DOCUMENT_RAW_LIMIT = 256
"""Undecoded bytes up to this many stand in the document as hex, more as an extent."""


class Base64:
    """A leaf of the document: bytes that the emitter writes in base64, piece by piece."""

    __slots__ = ("extent",)

    def __init__(self, extent: Extent) -> None:
        self.extent = extent

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Base64) and self.extent == other.extent

    __hash__ = None  # type: ignore[assignment]

    def __str__(self) -> str:
        return base64.b64encode(self.extent.view()).decode("ascii")


def extent_to_document(extent: Extent, options: DocumentOptions) -> dict[str, Any]:
    """``{offset, length}`` and, when asked for, ``data``."""
    shown: dict[str, Any] = {"offset": f"{extent.offset:#x}", "length": extent.length}
    if options.with_data:
        shown["data"] = Base64(extent)
    return shown


def extent_from_document(value: Any) -> Extent:
    """Bytes from ``{…, data: base64}``.

    Raises:
        ValueError: there is no data, or not as much as `length` says.
        DocumentError: the data is no base64.
    """
    if not isinstance(value, Mapping):
        raise ValueError(f"expected {{offset, length, data}}, found {abbreviated(value)}")
    checked_keys(value, also=("offset", "length", "data"))
    length = as_number(value["length"]) if "length" in value else None
    if "data" not in value:
        if length == 0:
            return Extent(BufferSource(b""), 0, 0)
        raise ValueError("no data here: make the document with --with-data")
    data = value["data"]
    if isinstance(data, Base64):
        return data.extent
    try:
        raw = base64.b64decode(as_text(data), validate=True)
    except ValueError as error:
        reason = f"expected base64, found {abbreviated(data)} ({error})"
        raise DocumentError(reason, field="data") from None
    if length is not None and length != len(raw):
        raise ValueError(f"length says {abbreviated(length)} bytes, data holds {len(raw)}")
    return Extent(BufferSource(raw), 0, len(raw))


def raw_to_document(extent: Extent, options: DocumentOptions) -> Any:
    """Undecoded bytes: hex while they are few, an extent otherwise."""
    if extent.length <= DOCUMENT_RAW_LIMIT:
        return bytes(extent).hex()
    return extent_to_document(extent, options)


def raw_from_document(value: Any) -> Extent:
    """The inverse of `raw_to_document`."""
    if isinstance(value, str):
        raw = as_hex(value)
        return Extent(BufferSource(raw), 0, len(raw))
    return extent_from_document(value)


def as_bytes(value: Any) -> bytes:
    """Bytes as they are, from anything that holds bytes and from nothing else."""
    if isinstance(value, bytes):
        return value
    if not isinstance(value, (bytearray, memoryview)):
        # bytes(n) would be n zeros
        raise ValueError(f"expected bytes, found {abbreviated(value)}")
    return bytes(value)
