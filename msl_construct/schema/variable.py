"""The Construct classes of values whose length stands in another field."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import Any

from ..page_map import PAGES_PER_BYTE, PageMap, pad8, stored_size
from ..source import BufferSource, Cursor, Extent
from .codes import Enumeration
from .names import snake_case
from .values import PaddedBytes, StoredText
from .vocabulary import Binding, Misfit, Options, Problem, Vocabulary

__all__ = [
    "DOCUMENT_RAW_LIMIT",
    "Base64",
    "Blob",
    "PageData",
    "PageStateMap",
    "RegisterValue",
    "Rest",
    "Utf8",
    "Utf8Z",
    "raw_from_document",
    "raw_to_document",
]

DOCUMENT_RAW_LIMIT = 256
"""Undecoded bytes up to this many stand in the document as hex, more as an extent."""


_LONG_MAP = 1 << 16
_BEYOND_ANY_BLOCK = 1 << 32  # BlockLength is a u32


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


def extent_to_document(extent: Extent, options: Options) -> dict[str, Any]:
    """``{offset, length}`` and, when asked for, ``data``."""
    shown: dict[str, Any] = {"offset": f"{extent.offset:#x}", "length": extent.length}
    if options.with_data:
        shown["data"] = Base64(extent)
    return shown


def extent_from_document(value: Any) -> Extent:
    """Bytes from ``{…, data: base64}``.

    Raises:
        ValueError: there is no data, or not as much as `length` says.
    """
    if not isinstance(value, Mapping):
        raise ValueError(f"expected {{offset, length, data}}, found {value!r}")
    if "data" not in value:
        if value.get("length") == 0:
            return Extent(BufferSource(b""), 0, 0)
        raise ValueError("no data here: make the document with --with-data")
    data = value["data"]
    if isinstance(data, Base64):
        return data.extent
    raw = base64.b64decode(data, validate=True)
    if "length" in value and value["length"] != len(raw):
        raise ValueError(f"length says {value['length']} bytes, data holds {len(raw)}")
    return Extent(BufferSource(raw), 0, len(raw))


def raw_to_document(extent: Extent, options: Options) -> Any:
    """Undecoded bytes: hex while they are few, an extent otherwise."""
    if extent.length <= DOCUMENT_RAW_LIMIT:
        return bytes(extent).hex()
    return extent_to_document(extent, options)


def raw_from_document(value: Any) -> Extent:
    """The inverse of `raw_to_document`."""
    if isinstance(value, str):
        raw = bytes.fromhex(value)
        return Extent(BufferSource(raw), 0, len(raw))
    return extent_from_document(value)


def as_bytes(value: Any) -> bytes:
    """Bytes as they are, from anything that holds bytes and from nothing else."""
    if isinstance(value, bytes):
        return value
    if not isinstance(value, (bytearray, memoryview)):
        raise ValueError(f"expected bytes, found {value!r}")  # bytes(n) would be n zeros
    return bytes(value)


class Measured(Vocabulary):
    """A value whose stored length stands in an earlier field.

    Args:
        length: the specification's name of that field.
    """

    def __init__(self, length: str) -> None:
        super().__init__()
        self.length = length
        self.length_key = snake_case(length)

    @property
    def minimum(self) -> int:
        return 0

    def measure(self, value: Any) -> int:
        """What the length field must say for this value."""
        raise NotImplementedError

    def normal(self, value: Any, record: Mapping[str, Any]) -> Any:
        """A caller's value as parsing would give it.

        Raises:
            ValueError, TypeError: it is of no form that this field takes.
        """
        return value


class Utf8Z(Measured):
    """UTF-8 text with a NUL; the length counts the NUL, zero padding to 8 follows (§1.3).

    None means absent (length 0, no bytes stored). Text that its stored bytes don't follow
    from (no NUL, more than one, padding that isn't zero, not UTF-8) is a `StoredText`.
    """

    padding = True

    def decode(self, cursor: Cursor, record: Mapping[str, Any]) -> str | None:
        length = record[self.length_key]
        if not length:
            return None
        stored = cursor.take(pad8(length))
        text, nul, behind = stored.partition(b"\0")
        if nul and len(text) + 1 == length and not any(behind):
            try:
                return text.decode()
            except UnicodeDecodeError:
                pass
        return StoredText(stored[:length].partition(b"\0")[0].decode(errors="replace"), stored)

    def encode(self, value: Any, record: Mapping[str, Any]) -> bytes:
        if value is None:
            return b""
        if isinstance(value, StoredText):
            return value.raw
        if not isinstance(value, str):
            raise ValueError(f"expected text, found {value!r}")
        raw = value.encode("utf-8", "surrogatepass") + b"\0"
        return raw.ljust(pad8(len(raw)), b"\0")

    def measure(self, value: Any) -> int:
        if value is None:
            return 0
        return len(value.encode("utf-8", "surrogatepass")) + 1

    def normal(self, value: Any, record: Mapping[str, Any]) -> Any:
        if isinstance(value, StoredText) and self.length_key not in record and self.padding:
            # Padding and text can't be told apart in bytes that don't follow from the text.
            raise ValueError(f"{self.length} must be given where the stored bytes are")
        return value

    def problems(self, value: Any, record: Mapping[str, Any]) -> Iterator[Problem]:
        if isinstance(value, StoredText):
            yield Problem(
                "string-not-canonical",
                "UTF-8, one NUL at the end, zero padding to 8",
                value.raw.hex(),
            )
            return
        if value is not None and ("\0" in value or any("\ud800" <= c < "\ue000" for c in value)):
            yield Problem("string-not-canonical", "UTF-8 without NUL inside", repr(value))
            return
        expected = self.measure(value)
        # A string of one NUL and an absent one are both empty: either length is right.
        if record[self.length_key] != expected:
            yield Problem(
                "length-mismatch", f"{self.length} {expected}", str(record[self.length_key])
            )

    def to_document(self, value: Any, options: Options) -> Any:
        if isinstance(value, StoredText):
            return {"text": str(value), "raw": value.raw.hex()}
        return value

    def from_document(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return StoredText(str(value.get("text", "")), bytes.fromhex(value["raw"]))
        if value is not None and not isinstance(value, str):
            raise ValueError(f"expected text, found {value!r}; quote it")
        return value


class Utf8(Utf8Z):
    """UTF-8 text without a NUL, as some rows of draft 2026-10 keep it.

    Args:
        length: the specification's name of the field with its length in bytes.
        padded: whether zero padding to 8 follows.
    """

    def __init__(self, length: str, *, padded: bool = True) -> None:
        super().__init__(length)
        self.padded = self.padding = padded

    def decode(self, cursor: Cursor, record: Mapping[str, Any]) -> str | None:
        length = record[self.length_key]
        if not length:
            return None
        stored = cursor.take(pad8(length) if self.padded else length)
        text = stored[:length]
        if not any(stored[length:]):
            try:
                return text.decode()
            except UnicodeDecodeError:
                pass
        return StoredText(text.decode(errors="replace"), stored)

    def encode(self, value: Any, record: Mapping[str, Any]) -> bytes:
        if value is None or isinstance(value, StoredText) or not isinstance(value, str):
            return super().encode(value, record)
        raw = value.encode("utf-8", "surrogatepass")
        return raw.ljust(pad8(len(raw)), b"\0") if self.padded else raw

    def measure(self, value: Any) -> int:
        if isinstance(value, StoredText) and not self.padded:
            return len(value.raw)
        return max(0, super().measure(value) - 1)

    def normal(self, value: Any, record: Mapping[str, Any]) -> Any:
        if isinstance(value, StoredText):
            return super().normal(value, record)
        return value or None  # an empty one is stored as an absent one is

    def problems(self, value: Any, record: Mapping[str, Any]) -> Iterator[Problem]:
        if isinstance(value, StoredText):
            yield Problem(
                "string-not-canonical",
                "UTF-8 without NUL" + (", zero padding to 8" if self.padded else ""),
                value.raw.hex(),
            )
        else:
            yield from super().problems(value, record)


class Blob(Measured):
    """Opaque bytes padded to 8; the length does not count the padding (§1.3)."""

    def decode(self, cursor: Cursor, record: Mapping[str, Any]) -> bytes:
        length = record[self.length_key]
        stored = cursor.take(pad8(length))
        value = stored[:length]
        return PaddedBytes(value, stored) if any(stored[length:]) else value

    def encode(self, value: Any, record: Mapping[str, Any]) -> bytes:
        if isinstance(value, PaddedBytes):
            return value.raw
        raw = as_bytes(value)
        return raw.ljust(pad8(len(raw)), b"\0")

    def measure(self, value: Any) -> int:
        return len(value)

    def normal(self, value: Any, record: Mapping[str, Any]) -> Any:
        return as_bytes(value)

    def problems(self, value: Any, record: Mapping[str, Any]) -> Iterator[Problem]:
        if isinstance(value, PaddedBytes):
            yield Problem("padding-not-zero", "zero padding to 8", value.raw[len(value) :].hex())
        if record[self.length_key] != len(value):
            yield Problem(
                "length-mismatch", f"{self.length} {len(value)}", str(record[self.length_key])
            )

    def to_document(self, value: Any, options: Options) -> Any:
        if isinstance(value, PaddedBytes):
            return {"bytes": value.hex(), "raw": value.raw.hex()}
        return value.hex()

    def from_document(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return PaddedBytes(bytes.fromhex(value["bytes"]), bytes.fromhex(value["raw"]))
        return bytes.fromhex(value)


class RegisterValue(Blob):
    """A register's content: an integer of `length` bytes in file order, padded to 8 (§5.7).

    Kept as the stored bytes, because a vector register is no number; to be written, it may
    be given as a number as well.
    """

    def encode(self, value: Any, record: Mapping[str, Any]) -> bytes:
        return super().encode(self.normal(value, record), record)

    def normal(self, value: Any, record: Mapping[str, Any]) -> Any:
        if not isinstance(value, int):
            return as_bytes(value)
        if self.length_key not in record:
            raise ValueError(f"{self.length} is needed to store a register given as a number")
        return value.to_bytes(record[self.length_key], "little" if self.order == "<" else "big")

    def to_document(self, value: Any, options: Options) -> Any:
        digits = (value if self.order == ">" else value[::-1]).hex()
        if isinstance(value, PaddedBytes):
            return {"value": f"0x{digits}", "raw": value.raw.hex()}
        return f"0x{digits}"

    def from_document(self, value: Any) -> Any:
        text = value["value"] if isinstance(value, Mapping) else value
        raw = bytes.fromhex(text.removeprefix("0x"))
        if self.order == "<":
            raw = raw[::-1]
        return PaddedBytes(raw, bytes.fromhex(value["raw"])) if isinstance(value, Mapping) else raw


class PageStateMap(Vocabulary):
    """Two bits a page, most significant first, padded to 8 bytes (§5.1, §6); see `PageMap`.

    Args:
        size: name of the field with the region's size in bytes.
        page_size_log2: name of the field with the page size's exponent.
        low, high: exponents outside make the map's length meaningless; such a region MUST
            be rejected.
    """

    def __init__(self, size: str, page_size_log2: str, low: int, high: int) -> None:
        super().__init__()
        self.size = size
        self.page_size_log2 = page_size_log2
        self.size_key = snake_case(size)
        self.log2_key = snake_case(page_size_log2)
        self.low = low
        self.high = high
        self.states: Enumeration | None = None

    def _bind(self, binding: Binding) -> None:
        super()._bind(binding)
        self.states = binding.page_states

    @property
    def minimum(self) -> int:
        return 0

    def pages(self, record: Mapping[str, Any]) -> int:
        """Pages of the region that `record` describes.

        Raises:
            Misfit: the page size is outside the permitted range.
        """
        log2 = record[self.log2_key]
        if not self.low <= log2 <= self.high:
            raise Misfit(f"{self.page_size_log2} of {self.low} to {self.high}", str(log2))
        return int(record[self.size_key] >> log2)

    def decode(self, cursor: Cursor, record: Mapping[str, Any]) -> PageMap:
        pages = self.pages(record)
        return PageMap(cursor.take(stored_size(pages)), pages)

    def encode(self, value: Any, record: Mapping[str, Any]) -> bytes:
        if not isinstance(value, PageMap):
            raise ValueError(f"expected a PageMap, found {value!r}")
        return value.stored

    def problems(self, value: Any, record: Mapping[str, Any]) -> Iterator[Problem]:
        try:
            pages = self.pages(record)
        except Misfit as misfit:
            yield Problem("page-size", misfit.expected, misfit.found)
            return
        if value.pages != pages:
            yield Problem("page-count-mismatch", f"{pages} pages", f"{value.pages} pages")
        if not value.canonical:
            yield Problem("padding-not-zero", "zero behind the last page", value.tail.hex())
        assert self.states is not None
        for state, count in enumerate(value.counts()):
            if count and not self.states.permits(state):
                yield Problem(
                    "reserved-page-state", "registered page states", f"{count} of {state}"
                )

    def to_document(self, value: Any, options: Options) -> Any:
        assert self.states is not None
        names = [self.states.decode(state).name for state in range(PAGES_PER_BYTE)]
        runs: Any = ([first, count, names[state]] for first, count, state in value.runs())
        if len(value.stored) < _LONG_MAP:
            runs = list(runs)  # a longer one is written run by run
        return runs if value.canonical else {"runs": runs, "padding": value.tail.hex()}

    def from_document(self, value: Any) -> Any:
        assert self.states is not None
        runs = value["runs"] if isinstance(value, Mapping) else value
        coded = [(first, count, self.states.encode(state)) for first, count, state in runs]
        pages = sum(count for _, count, _ in coded)
        if stored_size(pages) >= _BEYOND_ANY_BLOCK:
            raise ValueError(f"{pages} pages have a map that no block can hold")
        page_map = PageMap.from_runs(coded, pages)
        if not isinstance(value, Mapping):
            return page_map
        tail = bytes.fromhex(value["padding"])
        if len(tail) != len(page_map.tail):
            raise ValueError(f"padding: expected {len(page_map.tail)} bytes, found {len(tail)}")
        return page_map.with_tail(tail)


class Rest(Vocabulary):
    """Everything up to the structure's end, named and not read."""

    @property
    def minimum(self) -> int:
        return 0

    def decode(self, cursor: Cursor, record: Mapping[str, Any]) -> Extent:
        return cursor.rest()

    def encode(self, value: Any, record: Mapping[str, Any]) -> Any:
        return value if isinstance(value, Extent) else as_bytes(value)

    def to_document(self, value: Any, options: Options) -> Any:
        return raw_to_document(value, options)

    def from_document(self, value: Any) -> Any:
        return raw_from_document(value)


class PageData(Rest):
    """The bytes of the captured pages, one after another (§5.1).

    Args:
        page_state_map: name of the field that says which pages those are.
        page_size_log2: name of the field with the page size's exponent.
    """

    def __init__(self, page_state_map: str, page_size_log2: str) -> None:
        super().__init__()
        self.page_state_map = page_state_map
        self.page_size_log2 = page_size_log2
        self.map_key = snake_case(page_state_map)
        self.log2_key = snake_case(page_size_log2)

    def problems(self, value: Any, record: Mapping[str, Any]) -> Iterator[Problem]:
        expected = record[self.map_key].captured << record[self.log2_key]
        # A compressed payload may say that it inflates to more than len() can.
        found = value.length if isinstance(value, Extent) else len(value)
        if expected != found:
            yield Problem(
                "page-data-length", f"{expected} bytes for the captured pages", str(found)
            )

    def to_document(self, value: Any, options: Options) -> Any:
        return extent_to_document(value, options)

    def from_document(self, value: Any) -> Any:
        return extent_from_document(value)
