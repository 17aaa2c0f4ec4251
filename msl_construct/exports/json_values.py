"""JSON Schema of single values: how the canonical document shows each class of the vocabulary."""

from __future__ import annotations

from collections.abc import Mapping
from functools import singledispatchmethod
from itertools import pairwise
from typing import Any

from ..drafts.dialects.early_vocabulary import PerhapsPackedPages
from ..drafts.dialects.vocabulary import Padding, Rows, TextToEnd
from ..errors import MslError
from ..reader.block import RAW
from ..schema.base import Vocabulary
from ..schema.choice import Choice
from ..schema.codes import BitRange, Enumeration, FlagDefinition
from ..schema.fields import Field
from ..schema.layout import OFFSETS, REST, Layout
from ..schema.pages import PageData, PageStateMap
from ..schema.raw import DOCUMENT_RAW_LIMIT
from ..schema.table import Table
from ..schema.variable import Blob, RegisterValue, Rest, Utf8Z
from ..schema.vocabulary import Bytes, Coded, Flags, Magic, Timestamp, Uint, Uuid
from ..schema.words import no_words

__all__ = [
    "ANY_ADDRESS",
    "BASE64",
    "COUNT",
    "HEX",
    "SOME_HEX",
    "Definitions",
    "closed",
    "needed",
    "when",
]

Schema = dict[str, Any]

_BYTE = "[0-9a-f]{2}"
HEX: Schema = {"type": "string", "pattern": f"^({_BYTE})*$"}
"""Bytes, or none."""
SOME_HEX: Schema = {"type": "string", "pattern": f"^({_BYTE})+$"}
"""One byte or more."""
COUNT: Schema = {"type": "integer", "minimum": 0}
"""A count, a length, a size."""


def _exactly(kind: Bytes) -> Schema:
    return {"type": "string", "pattern": f"^[0-9a-f]{{{2 * kind.width}}}$"}


def _address(width: int) -> Schema:
    """A number of `width` bytes in hex, as short as it can be."""
    return {"type": "string", "pattern": f"^0x(0|[1-9a-f][0-9a-f]{{0,{2 * width - 1}}})$"}


ANY_ADDRESS = _address(8)
"""An offset in a file."""
_OFFSET_AND_LENGTH: Schema = {
    "type": "array",
    "prefixItems": [ANY_ADDRESS, COUNT],
    "items": False,
    "minItems": 2,
}
BASE64: Schema = {
    "type": "string",
    "contentEncoding": "base64",
    "pattern": "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$",
}
"""Bytes in base64."""
_UUID = "-".join(f"[0-9a-f]{{{digits}}}" for digits in (8, 4, 4, 4, 12))


def closed(properties: Mapping[str, Any], required: list[str] | None = None) -> Schema:
    """An object that has these properties and no others.

    Args:
        required: those that must be there; all of them unless given.
    """
    needed = list(properties) if required is None else required
    shown: Schema = {"type": "object", "properties": dict(properties)}
    if needed:
        shown["required"] = needed
    return {**shown, "additionalProperties": False}


def _extent(least: int) -> Schema:
    """Bytes that are named by where they are, and may be given as well."""
    length = {"type": "integer", "minimum": least}
    properties = {"offset": ANY_ADDRESS, "length": length, "data": BASE64}
    return closed(properties, ["offset", "length"])


class Definitions:
    """Collects what is referred to by name.

    Attributes:
        found: the schemas by name, in the order of their first use.
        variant: a dialect's name while that is described: behind the names of what differs in it.
    """

    def __init__(self) -> None:
        self.found: dict[str, Schema] = {}
        self.variant = ""

    def define(self, name: str, schema: Schema) -> Schema:
        """A reference to a schema that is kept under a name.

        Raises:
            MslError: the name stands for another schema already.
        """
        if self.variant and self.found.get(name, schema) != schema:
            name = f"{name}.{self.variant}"
        if self.found.setdefault(name, schema) != schema:
            raise MslError(
                f"JSON Schema: two different structures are called {name}; rename one of them"
            )
        return {"$ref": f"#/$defs/{name}"}

    # -- values ----------------------------------------------------------------------------

    @singledispatchmethod
    def value(self, kind: Vocabulary) -> Schema:
        """The form of a value.

        Raises:
            ExportError: a class of the vocabulary whose form is not known here.
        """
        raise no_words(kind, __name__)

    @value.register
    def _(self, kind: Coded) -> Schema:
        return self.registry(kind.registry)

    @value.register
    def _(self, kind: Flags) -> Schema:
        return self.flags(kind.word)

    @value.register
    def _(self, kind: Timestamp) -> Schema:
        decimal = {"type": "string", "pattern": "^(0|[1-9][0-9]{0,19})$"}
        return self.define("value.time", {**decimal, "description": "Nanoseconds since 1970, UTC."})

    @value.register
    def _(self, kind: Uint) -> Schema:
        if kind.shown == "address":
            return self.define(f"value.address_{8 * kind.width}", _address(kind.width))
        if kind.shown == "version":
            return {"type": "string", "pattern": f"^0x[0-9a-f]{{{2 * kind.width}}}$"}
        return {"type": "integer", "minimum": 0, "maximum": (1 << 8 * kind.width) - 1}

    @value.register
    def _(self, kind: Uuid) -> Schema:
        return self.define("value.uuid", {"type": "string", "pattern": f"^{_UUID}$"})

    @value.register
    def _(self, kind: Magic) -> Schema:
        return {"anyOf": [{"const": kind.magic.decode("ascii")}, closed({"raw": _exactly(kind)})]}

    @value.register
    def _(self, kind: Bytes) -> Schema:
        return self.define(f"value.bytes_{kind.width}", _exactly(kind))

    @value.register
    def _(self, kind: Utf8Z) -> Schema:
        text = {"type": "string"}
        kept = closed({"text": text, "raw": SOME_HEX})
        return self.define("value.text", {"anyOf": [{"type": ["string", "null"]}, kept]})

    @value.register
    def _(self, kind: RegisterValue) -> Schema:
        number = {"type": "string", "pattern": f"^0x({_BYTE})*$"}
        kept = closed({"value": number, "raw": SOME_HEX})
        return self.define("value.register", {"anyOf": [number, kept]})

    @value.register
    def _(self, kind: Blob) -> Schema:
        kept = closed({"bytes": HEX, "raw": SOME_HEX})
        return self.define("value.blob", {"anyOf": [HEX, kept]})

    @value.register
    def _(self, kind: PageStateMap) -> Schema:
        assert kind.states is not None
        return self._page_map(kind.states)

    @value.register
    def _(self, kind: PerhapsPackedPages) -> Schema:
        about = {"codec": {"enum": ["zstd", "lz4"]}, "inflated_size": COUNT}
        packed = {**_extent(0)["properties"], **about}
        needed = ["offset", "length", *about]
        return {"anyOf": [self.extent(), closed(packed, needed)]}

    @value.register
    def _(self, kind: PageData) -> Schema:
        return self.extent()

    @value.register
    def _(self, kind: Rest) -> Schema:
        return self.raw()

    @value.register
    def _(self, kind: Table) -> Schema:
        return {"type": "array", "items": self._inner(kind.entry, bool(kind.entry_size))}

    @value.register
    def _(self, kind: Rows) -> Schema:
        return {"type": "array", "items": self._inner(kind.entry, False)}

    @value.register
    def _(self, kind: TextToEnd) -> Schema:
        text = {"type": "string"}
        return {"anyOf": [text, closed({"text": text, "raw": SOME_HEX})]}

    @value.register
    def _(self, kind: Padding) -> Schema:
        return {"type": "string", "pattern": "^(00){1,7}$"}

    @value.register
    def _(self, kind: Choice) -> Schema:
        cases = [self._inner(layout, True) for layout in kind.cases.values()]
        return {"anyOf": [self._undecoded(), *cases]}

    def registry(self, registry: Enumeration) -> Schema:
        """The names of an enumeration, and other codes in hex."""
        digits = 2 * registry.width
        known = [f"0x{value.code:0{digits}x}" for value in registry.values]
        other = {
            "type": "string",
            "pattern": f"^0x[0-9a-f]{{{digits}}}$",
            "not": {"enum": known},
            "description": "A code that the draft does not register.",
        }
        names = {"enum": [value.name for value in registry.values]}
        about = {"title": registry.name, "description": f"{registry.text} {registry.section}"}
        return self.define(f"enumeration.{registry.key}", {**about, "anyOf": [names, other]})

    def flags(self, word: FlagDefinition) -> Schema:
        """The names of what may be set in a flag word, undefined bits included."""
        ranges = [bit for bit in word.bits if isinstance(bit, BitRange)]
        numbers = {1 << bit for bit in range(8 * word.width)}
        for bit in ranges:
            numbers -= {number for number in numbers if number & bit.mask}
            numbers |= {value << bit.bit for value in range(1, 1 << bit.bits)}
        names = [name for number in sorted(numbers) for name in word.names(number)]
        about = {"title": word.name, "description": f"{word.text} {word.section}"}
        return self.define(
            f"flags.{word.key}",
            {**about, "type": "array", "items": {"enum": names}, "uniqueItems": True},
        )

    def _page_map(self, states: Enumeration) -> Schema:
        run = {
            "type": "array",
            "prefixItems": [
                {**COUNT, "description": "The run's first page."},
                {"type": "integer", "minimum": 1, "description": "Pages of the run."},
                self.registry(states),
            ],
            "items": False,
            "minItems": 3,
        }
        runs = {"type": "array", "items": run}
        odd = closed({"runs": runs, "padding": SOME_HEX})
        return self.define("value.page_state_map", {"anyOf": [runs, odd]})

    def extent(self) -> Schema:
        """Bytes by where they are, however many."""
        return self.define("value.extent", _extent(0))

    def raw(self) -> Schema:
        """Undecoded bytes: hex while they are few, else where they are."""
        few = {"type": "string", "pattern": f"^({_BYTE}){{0,{DOCUMENT_RAW_LIMIT}}}$"}
        return self.define("value.raw", {"anyOf": [few, _extent(DOCUMENT_RAW_LIMIT + 1)]})

    def _undecoded(self) -> Schema:
        return closed({RAW: self.raw()})

    # -- structures ------------------------------------------------------------------------

    def fields(self, layout: Layout) -> Schema:
        """The properties of a structure's fields, in stored order."""
        return {field.key: self.field(field) for field in layout.fields}

    def field(self, field: Field) -> Schema:
        """The property of one field."""
        about = {"title": field.name, "description": f"{field.text} {field.section}"}
        return {**about, **self._apart(self.value(field.type))}

    def _apart(self, schema: Schema) -> Schema:
        """A schema that a title and a description may be set beside."""
        return {key: value for key, value in schema.items() if key not in ("title", "description")}

    def _inner(self, layout: Layout, open_ended: bool) -> Schema:
        """An entry of a table or a case of a choice: whole, or it would not be there."""
        whole = self.structure(layout, open_ended=open_ended)
        whole["required"] = needed(layout)
        return self.define(f"structure.{layout.key}", whole)

    def structure(self, layout: Layout, *, open_ended: bool) -> Schema:
        """A structure that may be cut off behind any of its fields.

        Args:
            open_ended: whether bytes may follow the last field.
        """
        properties = {**self.fields(layout)}
        if open_ended:
            properties[REST] = self.raw()
        keys = [field.key for field in layout.fields]
        properties[OFFSETS] = self.offsets([*keys, *([REST] if open_ended else [])])
        shown: Schema = {"title": layout.title, "description": layout.section}
        shown |= closed(properties, [])
        before = {key: [previous] for previous, key in pairwise(keys)}
        if before:
            shown["dependentRequired"] = before
        rules = [rule for field in layout.fields for rule in self._cases(layout, field)]
        if rules:
            shown["allOf"] = rules
        return shown

    def offsets(self, keys: list[str]) -> Schema:
        """File offset and length of each of these fields."""
        return {
            "description": "File offset and length of each field.",
            "type": "object",
            "propertyNames": {"enum": keys},
            "additionalProperties": self.define("value.offset_and_length", _OFFSET_AND_LENGTH),
        }

    def _cases(self, layout: Layout, field: Field) -> list[Schema]:
        """Which layout a chosen body has, by the field that chooses."""
        kind = field.type
        if not isinstance(kind, Choice):
            return []
        tag = layout.field(kind.tag_key).type
        assert isinstance(tag, (Coded, Uint))
        rules = []
        shown = []
        for number, case in kind.cases.items():
            name = tag.registry.decode(number).name if isinstance(tag, Coded) else number
            shown.append(name)
            rules.append(
                when({kind.tag_key: {"const": name}}, {field.key: self._inner(case, True)})
            )
        other = {kind.tag_key: {"not": {"enum": shown}}}
        return [*rules, when(other, {field.key: self._undecoded()})]


def needed(layout: Layout) -> list[str]:
    """Keys of the fields that a whole structure has."""
    return [field.key for field in layout.fields if not field.optional]


def when(condition: Mapping[str, Any], then: Mapping[str, Any]) -> Schema:
    """A rule: where these properties are so, those are so."""
    return {
        "if": {"properties": dict(condition), "required": list(condition)},
        "then": {"properties": dict(then)},
    }
