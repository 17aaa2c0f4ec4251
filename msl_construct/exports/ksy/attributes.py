"""One field of a Construct class as attributes of a Kaitai type.

What a field is stored as goes into `seq`, what it means into `instances`, which are computed
when they are asked for: a file full of unknown codes or text that is not UTF-8 still parses,
and what was stored stays there to be looked at and written back.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import singledispatch

from ...errors import ExportError
from ...schema import Bit, BitRange, Field
from ...schema.base import Vocabulary
from ...schema.choice import Choice
from ...schema.layout import REST
from ...schema.pages import PageData, PageStateMap
from ...schema.table import Table
from ...schema.variable import Blob, RegisterValue, Rest, Utf8, Utf8Z
from ...schema.vocabulary import Bytes, Coded, Fixed, Flags, Magic, Uint
from ...schema.words import no_words
from . import expressions
from .prose import about, of_field
from .style import Hex, Node
from .type_builder import Structure, stored_id

__all__ = ["OPAQUE", "PADDED_TEXT", "add_fields", "attributes", "flag_id"]

OPAQUE = "opaque_payload"
"""Type of bytes that nothing is known about."""

PADDED_TEXT = "padded_text"
"""Type of text with a NUL and the padding behind it."""

_MOST_ITERATIONS = 0x7FFFFFFF
"""C++ counts in an `int`: one more, and it would silently read nothing."""


def add_fields(structure: Structure, fields: Iterable[Field]) -> None:
    """Add fields of a structure's layout to it, in stored order.

    Raises:
        ExportError: one of them can't be said in a .ksy.
    """
    for one in fields:
        if attributes.dispatch(type(one.type)) is attributes.dispatch(object):
            raise no_words(one.type, __name__, f"{structure.layout.title}.{one.key}")
        attributes(one.type, one, structure)


@singledispatch
def attributes(kind: Vocabulary, one: Field, structure: Structure) -> None:
    """Add what a field of this class is stored as, and what that means.

    Raises:
        ExportError: the class is none that this exporter knows.
    """
    raise no_words(kind, __name__)


@attributes.register
def _(kind: Uint, one: Field, structure: Structure) -> None:
    structure.ordered |= kind.width > 1
    what: Node = {"type": f"u{kind.width}"}
    valid = structure.limits.get(one.key) or _limit(one, kind, structure)
    if valid:
        what["valid"] = valid
    structure.stored(one, **what)


def _limit(one: Field, kind: Uint, structure: Structure) -> Node:
    """What a value has to be for the fields that depend on it to make sense."""
    if kind.shown == "version":  # of another major there is no layout
        major = structure.workshop.draft.version >> 8
        return {"min": Hex(major << 8, 4), "max": Hex((major << 8) + 0xFF, 4)}
    for other in structure.layout.fields:
        user = other.type
        if isinstance(user, PageStateMap) and user.log2_key == one.key:
            return {"min": user.low, "max": user.high}
        if isinstance(user, Table) and user.count_key == one.key and kind.width > 2:
            return {"max": expressions.count_limit(user.entry.minimum, kind.width)}
    return {}


@attributes.register
def _(kind: Bytes, one: Field, structure: Structure) -> None:
    structure.stored(one, size=kind.width)


@attributes.register
def _(kind: Magic, one: Field, structure: Structure) -> None:
    structure.stored(one, contents=kind.magic.decode("ascii"))


@attributes.register
def _(kind: Coded, one: Field, structure: Structure) -> None:
    structure.ordered |= kind.width > 1
    structure.stored(one, stored_id(one), type=f"u{kind.width}")
    structure.give(
        one.key, value=stored_id(one), enum=structure.workshop.registries.id_of(kind.registry)
    )


@attributes.register
def _(kind: Flags, one: Field, structure: Structure) -> None:
    structure.ordered |= kind.width > 1
    structure.stored(one, type=f"u{kind.width}")
    for bit in kind.word.bits:
        if isinstance(bit, BitRange):
            structure.give(
                bit.name,
                _orig_id=bit.label,
                value=expressions.bits_of(one.key, bit.bit, bit.bits),
                enum=structure.workshop.registries.id_of(bit.enumeration),
                **({"doc": about(bit.text)} if bit.text else {}),
            )
            continue
        try:
            value = expressions.bit_set(one.key, bit.bit)
        except ValueError:
            raise ExportError(
                f"{structure.layout.title}.{one.key}: bit {bit.bit} ({bit.label}) is too high "
                "for the bit operations of JavaScript"
            ) from None
        structure.give(
            flag_id(one, bit),
            _orig_id=bit.label,
            value=value,
            **({"doc": about(bit.text)} if bit.text else {}),
        )


def flag_id(one: Field, bit: Bit) -> str:
    """The id of a flag: what is asked about the structure that has it."""
    if bit.name.startswith("has_"):
        return bit.name
    return f"has_{bit.name}" if one.key.endswith("bitmap") else f"is_{bit.name}"


@attributes.register
def _(kind: Utf8Z, one: Field, structure: Structure) -> None:
    raw = f"{one.key}_raw"
    width = structure.width_of(kind.length_key)
    size = expressions.padded(kind.length_key, width)
    structure.stored(
        one, raw, size=size if width <= 2 else expressions.within(size), type=PADDED_TEXT
    )
    structure.give(one.key, _orig_id=one.name, value=f"{raw}.content.to_s('UTF-8')")


@attributes.register
def _(kind: Utf8, one: Field, structure: Structure) -> None:
    raw = f"{one.key}_raw"
    structure.stored(one, raw, size=structure.size_from(kind.length_key))
    if kind.padded:
        structure.padding(one, kind.length_key)
    structure.give(one.key, _orig_id=one.name, value=f"{raw}.to_s('UTF-8')")


@attributes.register
def _(kind: Blob, one: Field, structure: Structure) -> None:
    size = structure.size_from(kind.length_key)
    if structure.width_of(kind.length_key) > 2:
        size = expressions.within(expressions.wide(kind.length_key))
    structure.stored(one, size=size)
    structure.padding(one, kind.length_key)


@attributes.register
def _(kind: RegisterValue, one: Field, structure: Structure) -> None:
    attributes.dispatch(Blob)(kind, one, structure)
    little = structure.workshop.little_endian()
    width = kind.length_key
    structure.give(
        f"{one.key}_number",
        value=expressions.little_endian(one.key, width),
        doc=about(
            f"{one.name} as a number. Absent where it has no byte or more than "
            f"{expressions.NUMBER_WIDTH}, and in big-endian files. Languages without unsigned "
            "numbers of 64 bits show it as they show a u8: JavaScript, and PHP from 2^63 on, "
            "rounded; Java, Lua with a sign."
        ),
        **{
            "if": f"{little} and {width} >= 1 and {width} <= {expressions.NUMBER_WIDTH}",
        },
    )


@attributes.register
def _(kind: PageStateMap, one: Field, structure: Structure) -> None:
    schema = structure.workshop.schema
    states = schema.page_states
    structure.stored(
        one, size=expressions.within(expressions.page_map_size("num_pages"), "num_pages")
    )
    structure.give(
        "page_size",
        value=expressions.page_size(kind.log2_key, kind.low),
        doc=about("Bytes of a page."),
    )
    structure.give(
        "num_pages",
        value=expressions.page_count(kind.size_key, "page_size"),
        doc=about("Pages of the region, and so states in the map."),
    )
    structure.give(
        "page_states",
        _orig_id=states.name,
        pos=Hex(structure.layout.offset_of(one.key)),
        type="b2",
        enum=structure.workshop.registries.id_of(states),
        repeat="expr",
        repeat_expr="num_pages",
        doc=about(
            f"The state of every page. Absent above {_MOST_ITERATIONS:#x} pages, which C++ can't "
            "count. A program that writes files disables this instance: what it "
            f"says stands in {one.key}, and so do the bits behind the last page."
        ),
        **{"if": f"num_pages <= {_MOST_ITERATIONS:#x}.as<s8>"},
    )


@attributes.register
def _(kind: PageData, one: Field, structure: Structure) -> None:
    page_map = structure.layout.field(kind.map_key)
    start = structure.layout.offset_of(page_map.key)
    size = expressions.page_map_size("num_pages")
    structure.give(
        one.key,
        _orig_id=one.name,
        pos=f"({start:#x}.as<s8> + {size}).as<s8>",
        size_eos=True,
        doc=of_field(one, structure.layout),
    )
    structure.open_ended = True


@attributes.register
def _(kind: Rest, one: Field, structure: Structure) -> None:
    structure.stored(one, size_eos=True)
    structure.open_ended = True


@attributes.register
def _(kind: Table, one: Field, structure: Structure) -> None:
    entry = structure.workshop.structure(kind.entry)
    add_fields(entry, kind.entry.fields)
    if kind.entry_size_key:
        _fill(entry, f"_parent.{kind.entry_size_key}")
    structure.stored(
        one, type=kind.entry.key, repeat="expr", repeat_expr=structure.size_from(kind.count_key)
    )


def _fill(entry: Structure, size: str) -> None:
    """What is left of an entry whose size the table fixes."""
    used = str(sum(f.type.width for f in entry.layout.fields if isinstance(f.type, Fixed)))
    for one in entry.layout.fields:
        if isinstance(one.type, Utf8Z) and not isinstance(one.type, Utf8):
            length = one.type.length_key
            used += f" + {expressions.padded(length, entry.width_of(length))}"
        elif not isinstance(one.type, Fixed):
            raise ExportError(
                f"{entry.layout.title}.{one.key}: the size of {type(one.type).__name__} in an "
                "entry of fixed size is not known here"
            )
    left = f"({expressions.wide(size)} - ({used}).as<s8>).as<s8>"
    entry.add(
        REST,
        size=f"({size} == 0 ? 0.as<s8> : {left}).as<s8>",
        doc=about("Bytes behind the last field, where the table says how long an entry is."),
    )
    entry.open_ended = True


@attributes.register
def _(kind: Choice, one: Field, structure: Structure) -> None:
    cases: Node = {}
    for tag, layout in sorted(kind.cases.items()):
        case = structure.workshop.structure(layout)
        add_fields(case, layout.fields)
        case.rest()
        cases[Hex(tag, 2 * structure.width_of(kind.tag_key))] = layout.key
    cases["_"] = OPAQUE
    structure.stored(
        one,
        size=structure.size_from(kind.length_key),
        type={
            "switch-on": stored_id(structure.layout.field(kind.tag_key)),
            "cases": cases,
        },
    )
