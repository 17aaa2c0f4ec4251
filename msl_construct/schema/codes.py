"""Declarations of enumerations and flag words, and the values that they decode to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from ..abbreviated import abbreviated
from .declared import demand, demand_each, demand_name, demand_width
from .document_values import as_number
from .names import snake_case

__all__ = [
    "Bit",
    "BitRange",
    "Code",
    "Enumeration",
    "FlagDefinition",
    "FlagValue",
    "Name",
    "Span",
    "Value",
]


_REMEMBERED = 4096  # flag words; a file may have any number of different ones


class Name(str):
    """A name that the schema gives: the only text that may stand unquoted in YAML."""

    __slots__ = ()


class Code(int):
    """A value of a coded field: an integer that knows its registered name.

    `name` is the schema's name, or the value as a hex string of the field's width when
    the draft registers none.
    """

    name: str
    known: bool

    def __new__(cls, value: int, name: str, known: bool = True) -> Code:
        code = super().__new__(cls, value)
        code.__dict__.update(name=name, known=known)
        return code

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("a code is shared by everything that was decoded to it")

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return f"<{self.name}: {int(self):#x}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return Code, (int(self), self.name, self.known)


class FlagValue(int):
    """A flag word: an integer whose set bits can be asked by name (``"read" in protection``)."""

    definition: FlagDefinition

    def __new__(cls, value: int, definition: FlagDefinition) -> FlagValue:
        flags = super().__new__(cls, value)
        flags.__dict__["definition"] = definition
        return flags

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("flags are a value: build another one")

    @property
    def names(self) -> list[str]:
        """Names of the set bits in bit order; an undefined bit is ``bit_9``."""
        return self.definition.names(self)

    def __contains__(self, name: str) -> bool:
        return name in self.names

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __repr__(self) -> str:
        return f"<{'|'.join(self.names) or '-'}: {int(self):#x}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return FlagValue, (int(self), self.definition)


@dataclass(frozen=True)
class Value:
    """One registered code.

    Args:
        code: the stored number.
        label: the specification's spelling.
        name: ours, where it does not follow from the label by the naming rule.
        text: a sentence, where the label alone does not say enough.
        since: the draft that registered it; filled in when a draft is put together.
        reserved: registered as "reserved": named, but a producer must not write it.
        sense: what first said the same, where label or `text` are later ones.
        deprecated: since when, and why, it should no longer be written.
    """

    code: int
    label: str
    name: str = ""
    text: str = ""
    since: str = ""
    reserved: bool = False
    sense: str = ""
    deprecated: str = ""

    @property
    def meaning(self) -> str:
        """What the code says: the same as long as only the words for it change."""
        return self.sense or self.text or self.label

    def __post_init__(self) -> None:
        demand_name("Value", "label", self.label)
        demand(f"Value {self.label}", "code", self.code, (int,), "a number")
        if not self.name:
            object.__setattr__(self, "name", snake_case(self.label))


@dataclass(frozen=True)
class Span:
    """A range of codes that the draft sets aside: ``reserved`` or ``vendor``."""

    first: int
    last: int
    use: str


@dataclass(frozen=True)
class Enumeration:
    """A registry of codes, open to values it does not know."""

    name: str
    width: int
    section: str
    text: str
    values: tuple[Value, ...]
    spans: tuple[Span, ...] = ()

    def __post_init__(self) -> None:
        demand_name("Enumeration", "name", self.name)
        demand_width(f"Enumeration {self.name}", self.width)
        each = demand_each(f"Enumeration {self.name}", "values", self.values, (Value,), "a Value")
        object.__setattr__(self, "values", each)

    @property
    def key(self) -> str:
        """The snake_case name."""
        return snake_case(self.name)

    @cached_property
    def _by_code(self) -> Mapping[int, Code]:
        return {v.code: Code(v.code, Name(v.name)) for v in self.values}

    @cached_property
    def permitted(self) -> frozenset[int]:
        """The registered codes that a producer may write."""
        return frozenset(v.code for v in self.values if not v.reserved)

    @cached_property
    def _by_name(self) -> Mapping[str, Code]:
        return {code.name: code for code in self._by_code.values()}

    def decode(self, value: int) -> Code:
        """The `Code` of a stored value, registered or not."""
        code = self._by_code.get(value)
        return code if code is not None else self._unknown(value)

    def encode(self, value: int | str) -> int:
        """The number of a code, a registered name, or a hex string.

        Raises:
            ValueError: neither a registered name nor a number that fits.
        """
        if isinstance(value, str):
            known = self._by_name.get(value)
            if known is not None:
                return int(known)
            try:
                value = as_number(value)
            except ValueError:
                raise ValueError(
                    f"{abbreviated(value)} is not a name of {self.name} "
                    f"({', '.join(self._by_name)}) nor a number"
                ) from None
        if not 0 <= value < 1 << 8 * self.width:
            raise ValueError(f"{abbreviated(value)} does not fit {self.name}'s {self.width} bytes")
        return int(value)

    def permits(self, value: int) -> bool:
        """Whether a producer may write this value: registered, or in a vendor span."""
        if value in self._by_code:
            return value in self.permitted
        return any(s.first <= value <= s.last and s.use == "vendor" for s in self.spans)

    def adding(self, since: str, values: Iterable[Value]) -> Enumeration:
        """This registry with more values, or other ones for the same codes."""
        each = demand_each(self.name, "values", values, (Value,), "a Value")
        added = {v.code: replace(v, since=since) for v in each}
        if not added:
            return self
        kept = [v for v in self.values if v.code not in added]
        merged = sorted([*kept, *added.values()], key=lambda v: v.code)
        return replace(self, values=tuple(merged))

    def stamped(self, since: str) -> Enumeration:
        """This registry with `since` filled in where it is empty."""
        if all(v.since for v in self.values):
            return self
        return replace(
            self, values=tuple(v if v.since else replace(v, since=since) for v in self.values)
        )

    def _unknown(self, value: int) -> Code:
        return Code(value, f"0x{value:0{2 * self.width}x}", known=False)


@dataclass(frozen=True)
class Bit:
    """One flag; `sense` and `deprecated` as those of a `Value`."""

    bit: int
    label: str
    text: str = ""
    name: str = ""
    since: str = ""
    sense: str = ""
    deprecated: str = ""

    @property
    def meaning(self) -> str:
        """What the flag says: the same as long as only the words for it change."""
        return self.sense or self.text or self.label

    def __post_init__(self) -> None:
        demand_name("Bit", "label", self.label)
        demand(f"Bit {self.label}", "bit", self.bit, (int,), "a number")
        if not self.name:
            object.__setattr__(self, "name", snake_case(self.label))


@dataclass(frozen=True)
class BitRange:
    """A small number inside a flag word; prints as ``<name>_<value>`` unless zero."""

    bit: int
    bits: int
    label: str
    enumeration: Enumeration
    text: str = ""
    since: str = ""

    @property
    def name(self) -> str:
        return snake_case(self.label)

    @property
    def meaning(self) -> str:
        """What the number says."""
        return self.text or self.label

    @property
    def mask(self) -> int:
        """The bits of the word that belong to the number."""
        return ((1 << self.bits) - 1) << self.bit

    def of(self, word: int) -> Code:
        """The number, as a code of its enumeration."""
        return self.enumeration.decode((word & self.mask) >> self.bit)


@dataclass(frozen=True)
class FlagDefinition:
    """The meaning of a flag word's bits; bits it doesn't name are kept and print as ``bit_N``."""

    name: str
    width: int
    section: str
    text: str
    bits: tuple[Bit | BitRange, ...]
    _names: dict[int, list[str]] = field(default_factory=dict, compare=False, repr=False)
    _values: dict[int, FlagValue] = field(default_factory=dict, compare=False, repr=False)

    def __post_init__(self) -> None:
        demand_name("FlagDefinition", "name", self.name)
        demand_width(f"FlagDefinition {self.name}", self.width)
        owner = f"FlagDefinition {self.name}"
        each = demand_each(owner, "bits", self.bits, (Bit, BitRange), "a Bit or BitRange")
        object.__setattr__(self, "bits", each)

    @property
    def key(self) -> str:
        """The snake_case name."""
        return snake_case(self.name)

    @cached_property
    def defined(self) -> int:
        """Mask of the bits that have a meaning."""
        mask = 0
        for bit in self.bits:
            mask |= bit.mask if isinstance(bit, BitRange) else 1 << bit.bit
        return mask

    @cached_property
    def _words(self) -> Mapping[str, int]:
        words: dict[str, int] = {}
        for bit in self.bits:
            if isinstance(bit, BitRange):
                for value in range(1, 1 << bit.bits):
                    code = bit.enumeration.decode(value)
                    words[Name(f"{bit.name}_{code.name}")] = value << bit.bit
            else:
                words[Name(bit.name)] = 1 << bit.bit
        for number in range(8 * self.width):
            if not self.defined >> number & 1:
                words[Name(f"bit_{number}")] = 1 << number
        return words

    @property
    def _named(self) -> list[str]:
        return [name for name, mask in self._words.items() if mask & self.defined]

    def decode(self, word: int) -> FlagValue:
        """The word as a `FlagValue`."""
        found = self._values.get(word)
        if found is None:
            found = FlagValue(word, self)
            if len(self._values) < _REMEMBERED:
                self._values[word] = found
        return found

    def names(self, word: int) -> list[str]:
        """Names of what is set, in bit order."""
        found = self._names.get(word)
        if found is None:
            found = []
            for bit in sorted(self._words.items(), key=lambda item: item[1] & -item[1]):
                mask = self._mask_of(bit[1])
                if word & mask == bit[1]:
                    found.append(bit[0])
            if len(self._names) < _REMEMBERED:
                self._names[int(word)] = found
        return list(found)

    def encode(self, value: int | str | Iterable[str]) -> int:
        """The word for a number or for names.

        Raises:
            ValueError: a name is unknown, or the number does not fit.
        """
        if isinstance(value, str):
            value = [value]
        if not isinstance(value, int):
            word = 0
            for name in value:
                if name not in self._words:
                    raise ValueError(
                        f"{abbreviated(name)} is not a flag of {self.name} "
                        f"({', '.join(self._named)})"
                    )
                word |= self._words[name]
            return word
        if not 0 <= value < 1 << 8 * self.width:
            raise ValueError(f"{abbreviated(value)} does not fit {self.name}'s {self.width} bytes")
        return int(value)

    def has(self, name: str) -> bool:
        """Whether a flag or a number inside the word goes by this name."""
        return name in self._called

    @cached_property
    def _called(self) -> frozenset[str]:
        return frozenset(bit.name for bit in self.bits)

    def field(self, label: str) -> BitRange:
        """The number inside the word that has this label."""
        return next(b for b in self.bits if isinstance(b, BitRange) and b.label == label)

    def mask(self, name: str) -> int:
        """The bit of a flag by its name."""
        return self._words[name]

    def adding(self, since: str, bits: Iterable[Bit]) -> FlagDefinition:
        """This word with more bits defined, or other meanings for the same bits."""
        each = demand_each(self.name, "bits", bits, (Bit, BitRange), "a Bit or BitRange")
        added = {b.bit: replace(b, since=since) for b in each}
        if not added:
            return self
        kept = [b for b in self.bits if b.bit not in added]
        merged = sorted([*kept, *added.values()], key=lambda b: b.bit)
        return FlagDefinition(self.name, self.width, self.section, self.text, tuple(merged))

    def stamped(self, since: str) -> FlagDefinition:
        """This word with `since` filled in where it is empty."""
        if all(b.since for b in self.bits):
            return self
        bits = tuple(b if b.since else replace(b, since=since) for b in self.bits)
        return FlagDefinition(self.name, self.width, self.section, self.text, bits)

    def _mask_of(self, word: int) -> int:
        for bit in self.bits:
            if isinstance(bit, BitRange) and bit.mask & word:
                return bit.mask
        return word
