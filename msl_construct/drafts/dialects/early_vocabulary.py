"""Forms of values in files from before the first draft."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...page_map import pad8
from ...schema.base import DocumentOptions, Problem
from ...schema.misfit import Misfit
from ...schema.pages import PackedPages, PageData, PageStateMap
from ...schema.variable import Blob, Utf8Z
from ...schema.vocabulary import Uint
from ...source import Cursor, Extent

__all__ = ["CountedPageMap", "MajorMinor", "PerhapsPackedPages", "UnpaddedBlob", "Utf8ZWhole"]

_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_LZ4_SIZE = 4
_LZ4_LONGEST = 255  # LZ4 can't expand a byte to more than this many


class MajorMinor(Uint):
    """A version as two bytes, major and minor, whatever the byte order; shown as a u16."""

    def __init__(self) -> None:
        super().__init__(2, shown="version")

    def load(self, raw: Any) -> int:
        return self._turned(raw)

    def store(self, value: Any) -> Any:
        return self._turned(value)

    @property
    def plain(self) -> bool:
        return False

    def _turned(self, value: int) -> int:
        return value if self.order == ">" else (value & 0xFF) << 8 | value >> 8

    def problems(self, value: Any, record: Mapping[str, Any]) -> Iterator[Problem]:
        if value not in (0x0100, 0x0101):
            yield Problem("value-not-permitted", "0x0100 or 0x0101", f"{value:#x}")


class Utf8ZWhole(Utf8Z):
    """UTF-8 text with a NUL whose length counts the zeros up to the next multiple of 8 as well.

    A length of zeros alone is an empty text.
    """

    padded = False

    def counted(self, size: int) -> int:
        return pad8(size)


class UnpaddedBlob(Blob):
    """Opaque bytes without padding of their own."""

    padded = False

    def decode(self, cursor: Cursor, record: Mapping[str, Any]) -> bytes:
        return cursor.take(record[self.length_key])

    def encode(self, value: Any, record: Mapping[str, Any]) -> bytes:
        return bytes(value)


class CountedPageMap(PageStateMap):
    """A page map whose number of pages and page size stand in fields of their own.

    Args:
        size: name of the field with the region's size in bytes.
        page_size: name of the field with the bytes of a page.
        count: name of the field with the number of pages.
    """

    def __init__(self, size: str, page_size: str, count: str) -> None:
        super().__init__(size, page_size, 0, 0)
        self.page_size_key = self.log2_key
        self.count_key = PageStateMap(size, count, 0, 0).log2_key

    def page_size(self, record: Mapping[str, Any]) -> int | None:
        size: int = record.get(self.page_size_key, 0)
        return size if size > 0 and size & size - 1 == 0 else None

    def exponent(self, record: Mapping[str, Any]) -> int | None:
        size = self.page_size(record)
        return None if size is None else size.bit_length() - 1

    def pages(self, record: Mapping[str, Any]) -> int:
        if self.page_size(record) is None:
            raise Misfit("a page size that is a power of two", str(record[self.page_size_key]))
        return int(record[self.count_key])


class PerhapsPackedPages(PageData):
    """Page data that may be compressed without anything saying so.

    It is, if it is not as long as the captured pages and begins as a zstd frame, or with their
    length as a little-endian u32 and so with an LZ4 block.
    """

    def __init__(self, page_state_map: str, page_size: str) -> None:
        super().__init__(page_state_map, page_size)

    def decode(self, cursor: Cursor, record: Mapping[str, Any]) -> Extent:
        expected = self._expected(record)
        stored = cursor.rest()
        if stored.length in (expected, pad8(expected)) or stored.length < _LZ4_SIZE:
            return stored
        head = stored.source.read(stored.offset, _LZ4_SIZE)
        if head == _ZSTD_MAGIC:
            return PackedPages(stored, "zstd", expected)
        said = int.from_bytes(head, "little")
        if said == expected and expected <= (stored.length - _LZ4_SIZE) * _LZ4_LONGEST:
            return PackedPages(stored, "lz4", expected)
        return stored

    def problems(self, value: Any, record: Mapping[str, Any]) -> Iterator[Problem]:
        expected = self._expected(record)
        packed = isinstance(value, PackedPages)
        found = value.length if isinstance(value, Extent) else len(value)
        if not packed and found not in (expected, pad8(expected)):
            yield Problem(
                "page-data-length", f"{expected} bytes for the captured pages", str(found)
            )

    def to_document(self, value: Any, options: DocumentOptions) -> Any:
        shown = super().to_document(value, options)
        if isinstance(value, PackedPages):
            about = {"codec": value.codec, "inflated_size": value.inflated_size}
            shown = {**{key: shown[key] for key in ("offset", "length")}, **about, **shown}
        return shown

    def from_document(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            value = {k: v for k, v in value.items() if k not in ("codec", "inflated_size")}
        return super().from_document(value)

    def _expected(self, record: Mapping[str, Any]) -> int:
        return int(record[self.map_key].captured * record[self.log2_key])
