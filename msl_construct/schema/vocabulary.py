"""The Construct classes that the format is declared in: values of constant width.

Every class is a real Construct: it parses from and builds to streams, alone or inside
stock Constructs. Beyond that it says what exporters, rules and the document need to know,
and it keeps what was stored: nothing is rejected, repaired or dropped while parsing.
"""

from __future__ import annotations

import struct
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..abbreviated import abbreviated, abbreviated_hex
from ..source import Cursor
from .base import Between, Binding, DocumentOptions, OneOf, Problem, Sound, Vocabulary
from .codes import Code, Enumeration, FlagDefinition, FlagValue
from .declared import demand, demand_name, demand_width
from .document_values import as_hex, as_name, as_number, as_text, checked_keys
from .misfit import Misfit

__all__ = [
    "ADDRESS",
    "HASH",
    "TIMESTAMP",
    "U8",
    "U16",
    "U32",
    "U64",
    "UUID",
    "VERSION",
    "Between",
    "Binding",
    "Coded",
    "DocumentOptions",
    "Fixed",
    "Flags",
    "Hash",
    "Magic",
    "Misfit",
    "OneOf",
    "Problem",
    "Reserved",
    "Timestamp",
    "Uint",
    "Uuid",
    "Vocabulary",
]


_MOST = (1 << 31) - 1  # bytes that one `struct` can have


class Fixed(Vocabulary):
    """A value of constant width, so that runs of them are read by one precompiled `struct`."""

    code: str
    """The `struct` format character, without a byte order."""
    width: int

    @property
    def minimum(self) -> int:
        return self.width

    def load(self, raw: Any) -> Any:
        """From what `struct` unpacked to our value."""
        return raw

    def store(self, value: Any) -> Any:
        """From our value to what `struct` packs."""
        return value

    @property
    def loader(self) -> Callable[[Any], Any]:
        """`load`, for the fast path: once bound, by as few calls as it takes."""
        return self.load

    @property
    def plain(self) -> bool:
        """Whether `load` does nothing, so that the fast path may leave it out."""
        return type(self).load is Fixed.load

    @property
    def sound_stored(self) -> Sound | None:
        """`sound`, of what `struct` unpacked; no other field is asked."""
        sound, load = self.sound, self.load
        if sound is None or self.plain:
            return sound
        return lambda raw, record: sound(load(raw), record)

    def decode(self, cursor: Cursor, record: Mapping[str, Any]) -> Any:
        (raw,) = struct.unpack(self.order + self.code, cursor.take(self.width))
        return self.load(raw)

    def encode(self, value: Any, record: Mapping[str, Any]) -> bytes:
        try:
            return struct.pack(self.order + self.code, self.store(value))
        except (struct.error, TypeError):
            raise ValueError(f"{abbreviated(value)} does not fit {self.width} bytes") from None

    def _sizeof(self, context: Any, path: str) -> int:
        self._demand_order()  # the width of a code is that of its registry
        return self.width


_EXAMPLE = uuid.UUID("9796546c-64ab-45ab-b468-b479f3b3c20d")
_INTEGERS = {1: "B", 2: "H", 4: "I", 8: "Q"}


class Uint(Fixed):
    """An unsigned integer in file order.

    Args:
        width: bytes.
        shown: how the document prints it: ``number``, ``address`` (hex) or ``version``
            (hex of full width).
        valid: what a producer may write, where that is less than everything.
    """

    number = True

    def __init__(
        self, width: int, *, shown: str = "number", valid: Between | OneOf | None = None
    ) -> None:
        super().__init__()
        demand_width("Uint", width)
        self.width = width
        self.code = _INTEGERS[width]
        self.shown = shown
        self.valid = valid

    def example(self) -> int:
        if isinstance(self.valid, OneOf):
            return self.valid.values[0]
        return self.valid.low if isinstance(self.valid, Between) else 1

    def store(self, value: Any) -> Any:
        if not isinstance(value, int) or not 0 <= value < 1 << 8 * self.width:
            raise ValueError(f"{abbreviated(value)} does not fit {self.width} bytes")
        return value

    @property
    def judges(self) -> bool:
        return self.valid is not None or type(self).problems is not Uint.problems

    @property
    def sound(self) -> Sound | None:
        valid = self.valid
        return None if valid is None else lambda value, _: valid.permits(value)

    def problems(self, value: Any, record: Mapping[str, Any]) -> Iterator[Problem]:
        if self.valid is not None and not self.valid.permits(value):
            yield Problem("value-not-permitted", str(self.valid), f"{value} ({value:#x})")

    @property
    def shown_as_it_is(self) -> bool:
        return self.shown == "number" and type(self).to_document is Uint.to_document

    def to_document(self, value: Any, options: DocumentOptions) -> Any:
        if self.shown == "address":
            return f"{value:#x}"
        if self.shown == "version":
            return f"0x{value:0{2 * self.width}x}"
        return value

    def from_document(self, value: Any) -> Any:
        return as_number(value)


class Timestamp(Uint):
    """Nanoseconds since the Unix epoch, UTC; zero where unknown (§1.3)."""

    def __init__(self) -> None:
        super().__init__(8, shown="time")

    def example(self) -> int:
        return 1_773_528_800_000_000_000

    def to_document(self, value: Any, options: DocumentOptions) -> Any:
        return str(value)


class Bytes(Fixed):
    """A constant number of bytes, kept as they are."""

    def __init__(self, width: int) -> None:
        super().__init__()
        demand("Bytes", "width", width, (int,), "a number of bytes")
        if not 0 < width <= _MOST:
            raise ValueError(f"Bytes: expected a width of 1 to {_MOST} bytes, found {width}")
        self.width = width
        self.code = f"{width}s"

    def example(self) -> Any:
        return bytes(range(1, self.width + 1))

    def store(self, value: Any) -> Any:
        if len(value) != self.width:
            raise ValueError(f"expected {self.width} bytes, found {len(value)}")
        return bytes(value)

    def to_document(self, value: Any, options: DocumentOptions) -> Any:
        return value.hex()

    def from_document(self, value: Any) -> Any:
        if not isinstance(value, str):
            raise ValueError(f"expected {self.width} bytes as hex, found {abbreviated(value)}")
        return as_hex(value)


class Magic(Bytes):
    """Bytes that identify a structure."""

    def __init__(self, magic: bytes) -> None:
        super().__init__(len(magic))
        self.magic = magic

    def example(self) -> bytes:
        return self.magic

    @property
    def sound(self) -> Sound | None:
        magic = self.magic
        return lambda value, _: value == magic

    def problems(self, value: Any, record: Mapping[str, Any]) -> Iterator[Problem]:
        if value != self.magic:
            yield Problem(
                "wrong-magic", abbreviated(self.magic.decode()), abbreviated(bytes(value))
            )

    def to_document(self, value: Any, options: DocumentOptions) -> Any:
        return value.decode("ascii") if value == self.magic else {"raw": value.hex()}

    def from_document(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            checked_keys(value, "raw")
            return as_hex(value["raw"])
        text = as_text(value)
        if not text.isascii():
            raise ValueError(f"expected ASCII, found {abbreviated(text)}")
        return text.encode("ascii")


class Reserved(Bytes):
    """Bytes a producer must write as zero and a consumer must ignore (§1.3); kept as found."""

    def example(self) -> bytes:
        return bytes(self.width)

    @property
    def sound(self) -> Sound | None:
        zeros = bytes(self.width)
        return lambda value, _: value == zeros

    def problems(self, value: Any, record: Mapping[str, Any]) -> Iterator[Problem]:
        if any(value):
            yield Problem("reserved-not-zero", "zero", abbreviated_hex(value))

    def completed(self, key: str, values: Mapping[str, Any], default: Any) -> Mapping[str, Any]:
        return {} if key in values else {key: bytes(self.width)}


class Hash(Bytes):
    """A 32-byte digest (§1.3)."""

    def __init__(self) -> None:
        super().__init__(32)


_FIXED = uuid.UUID("00000000-0000-f000-c000-000000000000").int  # version and variant
_VERSION_4 = uuid.UUID("00000000-0000-4000-8000-000000000000").int
_NIL_BYTES = bytes(16)
_NIL = uuid.UUID(bytes=_NIL_BYTES)
_NIL_TEXT = str(_NIL)


class Uuid(Bytes):
    """A version 4 UUID, 16 bytes in network order whatever the file's byte order (§1.3).

    Args:
        nil: whether all zeros is permitted ("none").
    """

    def __init__(self, *, nil: bool = False) -> None:
        super().__init__(16)
        self.nil = nil

    def example(self) -> uuid.UUID:
        return _EXAMPLE

    def load(self, raw: Any) -> uuid.UUID:
        return uuid.UUID(bytes=raw) if raw != _NIL_BYTES else _NIL

    def store(self, value: Any) -> Any:
        if isinstance(value, str):
            value = uuid.UUID(value)
        return value.bytes if isinstance(value, uuid.UUID) else super().store(value)

    @property
    def sound(self) -> Sound | None:
        nil = self.nil

        def sound(value: Any, _: Mapping[str, Any]) -> bool:
            number = value.int
            return bool(number & _FIXED == _VERSION_4 or (nil and not number))

        return sound

    @property
    def sound_stored(self) -> Sound | None:
        if type(self).load is not Uuid.load:
            return super().sound_stored
        nil = self.nil

        def sound(raw: Any, _: Mapping[str, Any]) -> bool:
            return (raw[6] & 0xF0 == 0x40 and raw[8] & 0xC0 == 0x80) or (nil and raw == _NIL_BYTES)

        return sound

    def problems(self, value: Any, record: Mapping[str, Any]) -> Iterator[Problem]:
        if self.nil and not value.int:
            return
        if value.version != 4 or value.variant != uuid.RFC_4122:
            kind = "nil-uuid" if not value.int else "uuid-not-version-4"
            yield Problem(kind, "a version 4 UUID", str(value))

    def to_document(self, value: Any, options: DocumentOptions) -> Any:
        return str(value) if value is not _NIL else _NIL_TEXT

    def from_document(self, value: Any) -> Any:
        try:
            return uuid.UUID(as_text(value))
        except ValueError:
            raise ValueError(f"expected a UUID, found {abbreviated(value)}") from None


class Coded(Fixed):
    """A code of a registry; values the registry doesn't know are kept.

    Args:
        enumeration: name of the registry in the draft.
        valid: what a producer may write, where "registered" is not the rule.
    """

    number = True

    def __init__(self, enumeration: str, *, valid: OneOf | None = None) -> None:
        super().__init__()
        demand_name("Coded", "enumeration", enumeration, "the name of a registry")
        self.enumeration_name = enumeration
        self.enumeration: Enumeration | None = None
        self.valid = valid

    def _bind(self, binding: Binding) -> None:
        super()._bind(binding)
        self.enumeration = binding.enumerations[self.enumeration_name]
        self.width = self.enumeration.width
        self.code = _INTEGERS[self.width]

    @property
    def registry_name(self) -> str:
        return self.enumeration_name

    def example(self) -> int:
        if self.valid is not None:
            return self.valid.values[0]
        return next(one.code for one in self.registry.values if self.registry.permits(one.code))

    @property
    def registry(self) -> Enumeration:
        """The registry, once bound."""
        assert self.enumeration is not None, "a Construct parses only after bound()"
        return self.enumeration

    def load(self, raw: Any) -> Code:
        return self.registry.decode(raw)

    @property
    def loader(self) -> Callable[[Any], Any]:
        return self.registry.decode if type(self).load is Coded.load else self.load

    def store(self, value: Any) -> int:
        return self.registry.encode(value)

    @property
    def sound(self) -> Sound | None:
        valid = self.valid
        if valid is not None:
            return lambda value, _: valid.permits(value)
        may = self.registry.permitted
        return lambda value, _: value in may

    @property
    def sound_stored(self) -> Sound | None:
        return self.sound if type(self).load is Coded.load else super().sound_stored

    def problems(self, value: Any, record: Mapping[str, Any]) -> Iterator[Problem]:
        if self.valid is not None:
            if not self.valid.permits(value):
                yield Problem("value-not-permitted", str(self.valid), f"{int(value):#x}")
        elif not self.registry.permits(value):
            yield Problem(
                "unregistered-code",
                f"a registered {self.registry.name}",
                f"{int(value):#x}",
            )

    def to_document(self, value: Any, options: DocumentOptions) -> Any:
        return value.name if isinstance(value, Code) else self.registry.decode(value).name

    def from_document(self, value: Any) -> Any:
        return self.registry.decode(self.registry.encode(as_name(value)))


class Flags(Fixed):
    """A flag word; bits the draft doesn't define are kept."""

    number = True

    def __init__(self, definition: str) -> None:
        super().__init__()
        demand_name("Flags", "definition", definition, "the name of a flag word")
        self.definition_name = definition
        self.definition: FlagDefinition | None = None

    def _bind(self, binding: Binding) -> None:
        super()._bind(binding)
        self.definition = binding.flags[self.definition_name]
        self.width = self.definition.width
        self.code = _INTEGERS[self.width]

    @property
    def registry_name(self) -> str:
        return self.definition_name

    def example(self) -> int:
        return 0

    @property
    def word(self) -> FlagDefinition:
        """The definition of the bits, once bound."""
        assert self.definition is not None, "a Construct parses only after bound()"
        return self.definition

    def load(self, raw: Any) -> FlagValue:
        return self.word.decode(raw)

    @property
    def loader(self) -> Callable[[Any], Any]:
        return self.word.decode if type(self).load is Flags.load else self.load

    def store(self, value: Any) -> int:
        return self.word.encode(value)

    @property
    def sound(self) -> Sound | None:
        undefined = ~self.word.defined
        return lambda value, _: not value & undefined

    @property
    def sound_stored(self) -> Sound | None:
        return self.sound if type(self).load is Flags.load else super().sound_stored

    def problems(self, value: Any, record: Mapping[str, Any]) -> Iterator[Problem]:
        undefined = value & ~self.word.defined
        if undefined:
            yield Problem(
                "undefined-flag",
                f"only bits defined for {self.word.name}",
                ", ".join(self.word.names(undefined)),
            )

    def to_document(self, value: Any, options: DocumentOptions) -> Any:
        return self.word.names(value)

    def from_document(self, value: Any) -> Any:
        names = [as_text(name) for name in value] if isinstance(value, list) else as_name(value)
        return self.load(self.word.encode(names))


U8 = Uint(1)
U16 = Uint(2)
U32 = Uint(4)
U64 = Uint(8)
ADDRESS = Uint(8, shown="address")
VERSION = Uint(2, shown="version")
TIMESTAMP = Timestamp()
UUID = Uuid()
HASH = Hash()
