"""The Construct classes of values whose length stands in another field."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..abbreviated import abbreviated, abbreviated_hex
from ..page_map import pad8
from ..source import Cursor, Extent
from .base import DocumentOptions, Problem, Sound, Vocabulary
from .declared import demand_name
from .document_values import as_hex, as_text, checked_keys
from .names import snake_case
from .raw import as_bytes, raw_from_document, raw_to_document
from .values import PaddedBytes, StoredText
from .vocabulary import Uint

__all__ = ["Blob", "Measured", "RegisterValue", "Rest", "Utf8", "Utf8Z"]


_WIDEST_REGISTER = 0xFFFF


class Measured(Vocabulary):
    """A value whose stored length stands in an earlier field.

    Args:
        length: the specification's name of that field.
    """

    def __init__(self, length: str) -> None:
        super().__init__()
        demand_name(type(self).__name__, "length", length, "the name of a field")
        self.length = length
        self.length_key = snake_case(length)

    @property
    def minimum(self) -> int:
        return 0

    def reads(self) -> Iterator[tuple[str, tuple[type[Vocabulary], ...]]]:
        yield self.length, (Uint,)

    def measure(self, value: Any) -> int:
        """What the length field must say for this value."""
        raise NotImplementedError

    def normal(self, value: Any, record: Mapping[str, Any]) -> Any:
        """A caller's value as parsing would give it.

        Raises:
            ValueError, TypeError: it is of no form that this field takes.
        """
        return value

    def completed(self, key: str, values: Mapping[str, Any], default: Any) -> Mapping[str, Any]:
        found = self.normal(values.get(key, default), values)
        if self.length_key in values:
            return {key: found}
        return {key: found, self.length_key: self.measure(found)}


class Utf8Z(Measured):
    """UTF-8 text with a NUL; the length counts the NUL, zero padding to 8 follows (§1.3).

    None means absent (length 0, no bytes stored). Text that its stored bytes don't follow
    from (no NUL, more than one, padding that isn't zero, not UTF-8) is a `StoredText`.
    """

    padded = True

    def example(self) -> str:
        return "an example"

    def decode(self, cursor: Cursor, record: Mapping[str, Any]) -> str | None:
        length = record[self.length_key]
        if not length:
            return None
        stored = cursor.take(pad8(length) if self.padded else length)
        text, nul, behind = stored.partition(b"\0")
        if nul and self.counted(len(text) + 1) == length and not any(behind):
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
            raise ValueError(f"expected text, found {abbreviated(value)}")
        raw = value.encode("utf-8", "surrogatepass") + b"\0"
        size = self.counted(len(raw))
        return raw.ljust(pad8(size) if self.padded else size, b"\0")

    def measure(self, value: Any) -> int:
        if value is None:
            return 0
        if isinstance(value, StoredText) and not self.padded:
            return len(value.raw)
        return self.counted(len(value.encode("utf-8", "surrogatepass")) + 1)

    def counted(self, size: int) -> int:
        """What the length says of so many bytes of text and NUL."""
        return size

    def normal(self, value: Any, record: Mapping[str, Any]) -> Any:
        if isinstance(value, StoredText) and self.length_key not in record and self.padded:
            # Padding and text can't be told apart in bytes that don't follow from the text.
            raise ValueError(f"{self.length} must be given where the stored bytes are")
        return value

    @property
    def sound(self) -> Sound | None:
        def sound(value: Any, record: Mapping[str, Any]) -> bool:
            plain = type(value) is str and value.isascii() and "\0" not in value
            return plain and bool(record[self.length_key] == self.measure(value))

        return sound

    def problems(self, value: Any, record: Mapping[str, Any]) -> Iterator[Problem]:
        if isinstance(value, StoredText):
            yield Problem(
                "string-not-canonical",
                "UTF-8, one NUL at the end, zero padding to 8",
                abbreviated_hex(value.raw),
            )
            return
        if value is not None and ("\0" in value or any("\ud800" <= c < "\ue000" for c in value)):
            yield Problem("string-not-canonical", "UTF-8 without NUL inside", abbreviated(value))
            return
        expected = self.measure(value)
        # A string of one NUL and an absent one are both empty: either length is right.
        if record[self.length_key] != expected:
            yield Problem(
                "length-mismatch", f"{self.length} {expected}", str(record[self.length_key])
            )

    def to_document(self, value: Any, options: DocumentOptions) -> Any:
        if isinstance(value, StoredText):
            return {"text": str(value), "raw": value.raw.hex()}
        return value

    def from_document(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            checked_keys(value, "raw", also=("text",))
            return StoredText(as_text(value.get("text", "")), as_hex(value["raw"]))
        return None if value is None else as_text(value)


class Utf8(Utf8Z):
    """UTF-8 text without a NUL, as some rows of draft 2026-10 keep it.

    Args:
        length: the specification's name of the field with its length in bytes.
        padded: whether zero padding to 8 follows.
    """

    def __init__(self, length: str, *, padded: bool = True) -> None:
        super().__init__(length)
        self.padded = padded

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

    sound = Utf8Z.sound

    def problems(self, value: Any, record: Mapping[str, Any]) -> Iterator[Problem]:
        if isinstance(value, StoredText):
            yield Problem(
                "string-not-canonical",
                "UTF-8 without NUL" + (", zero padding to 8" if self.padded else ""),
                abbreviated_hex(value.raw),
            )
        else:
            yield from super().problems(value, record)


class Blob(Measured):
    """Opaque bytes padded to 8; the length does not count the padding (§1.3)."""

    padded = True

    def example(self) -> bytes:
        return b"example."

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
            yield Problem(
                "padding-not-zero", "zero padding to 8", abbreviated_hex(value.raw[len(value) :])
            )
        if record[self.length_key] != len(value):
            yield Problem(
                "length-mismatch", f"{self.length} {len(value)}", str(record[self.length_key])
            )

    def to_document(self, value: Any, options: DocumentOptions) -> Any:
        if isinstance(value, PaddedBytes):
            return {"bytes": value.hex(), "raw": value.raw.hex()}
        return value.hex()

    def from_document(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            checked_keys(value, "bytes", "raw")
            return PaddedBytes(as_hex(value["bytes"]), as_hex(value["raw"]))
        return as_hex(value)


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
        if not 0 <= record[self.length_key] <= _WIDEST_REGISTER:
            raise ValueError(f"{self.length} of {record[self.length_key]}: no register is so wide")
        return value.to_bytes(record[self.length_key], "little" if self.order == "<" else "big")

    def to_document(self, value: Any, options: DocumentOptions) -> Any:
        digits = (value if self.order == ">" else value[::-1]).hex()
        if isinstance(value, PaddedBytes):
            return {"value": f"0x{digits}", "raw": value.raw.hex()}
        return f"0x{digits}"

    def from_document(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            checked_keys(value, "value", "raw")
        text = as_text(value["value"] if isinstance(value, Mapping) else value)
        raw = as_hex(text.removeprefix("0x"))
        if self.order == "<":
            raw = raw[::-1]
        return PaddedBytes(raw, as_hex(value["raw"])) if isinstance(value, Mapping) else raw


class Rest(Vocabulary):
    """Everything up to the structure's end, named and not read."""

    def example(self) -> Any:
        return b"example."

    @property
    def minimum(self) -> int:
        return 0

    def decode(self, cursor: Cursor, record: Mapping[str, Any]) -> Extent:
        return cursor.rest()

    def encode(self, value: Any, record: Mapping[str, Any]) -> Any:
        return value if isinstance(value, Extent) else as_bytes(value)

    def to_document(self, value: Any, options: DocumentOptions) -> Any:
        return raw_to_document(value, options)

    def from_document(self, value: Any) -> Any:
        return raw_from_document(value)
