"""Enumerations, flag words and constants, and tables of their names."""

from __future__ import annotations

from collections.abc import Iterator

from ...schema import BitRange, Draft, Enumeration, FlagDefinition, Schema
from ...schema.base import Between
from ...schema.vocabulary import Magic, Uint
from .parts import Shape
from .words import (
    Identifiers,
    comment,
    filled,
    macro,
    remarked,
    since,
    text_literal,
    type_name,
)

__all__ = ["constants", "enumeration", "flag_word"]

_LONGEST_INT = 4


def enumeration(draft: Draft, registry: Enumeration, names: Identifiers) -> Iterator[str]:
    """A registry as an enum, and the table of its names."""
    name = names.declare(type_name(registry.key))
    about = f"{registry.name}, {registry.section}: {registry.text}"
    yield from remarked(f"enum {name} {{", about)
    for index, value in enumerate(registry.values):
        text = [f"{value.label}." if value.text or value.reserved else value.label, value.text]
        text.append("Reserved: not to be written." if value.reserved else "")
        text.append(since(draft, value.since))
        comma = "," if index + 1 < len(registry.values) else ""
        code = f"0x{value.code:0{2 * registry.width}x}"
        line = f"    {names.declare(macro(registry.key, value.name))} = {code}{comma}"
        yield from remarked(line, *text, indent=4)
    yield "};"
    spans = [f"{span.first:#06x} to {span.last:#06x}: {span.use}." for span in registry.spans]
    yield from comment(*spans) if spans else ()
    codes = [(f"{value.code:#x}", value.name) for value in registry.values]
    yield from _naming(names.declare(f"{name}_name"), codes)


def flag_word(draft: Draft, word: FlagDefinition, names: Identifiers) -> Iterator[str]:
    """Masks of a flag word, and the table of its names."""
    suffix = "UINT64_C" if word.width > _LONGEST_INT else "UINT32_C"
    yield from comment(f"{word.name}, {word.section}: {word.text}")
    numbered: list[tuple[str, str]] = []
    for bit in word.bits:
        text = (f"{bit.label}." if bit.text else bit.label, bit.text, since(draft, bit.since))
        name = macro(word.key, bit.name)
        if isinstance(bit, BitRange):
            mask = f"#define {names.declare(f'{name}_MASK')} {suffix}({bit.mask:#x})"
            yield from remarked(mask, *text)
            yield f"#define {names.declare(f'{name}_SHIFT')} {bit.bit}"
        else:
            one = f"#define {names.declare(name)} {suffix}({1 << bit.bit:#x})"
            yield from remarked(one, *text)
            numbered.append((str(bit.bit), bit.name))
    for bit in word.bits:
        if isinstance(bit, BitRange):
            function = names.declare(type_name(f"{word.key}_{bit.name}"))
            yield f"MSL_BITS({function}, {macro(word.key, bit.name)})"
    yield from _naming(names.declare(f"{type_name(word.key)}_bit_name"), numbered)


def _naming(function: str, named: list[tuple[str, str]]) -> Iterator[str]:
    """The function that names codes or bits."""
    rows = (f'MSL_NAME({code}, "{name}")' for code, name in named)
    yield from filled(f"MSL_NAMING({function},", rows, ")")
    yield ""


def constants(
    draft: Draft, bound: Schema, structures: list[Shape], names: Identifiers
) -> Iterator[str]:
    """Versions, magic bytes and permitted ranges."""
    yield from remarked(
        f"#define {names.declare(macro('format_version'))} {draft.version:#06x}u",
        f"Version of {draft.name}, the major number in the high byte.",
    )
    yield from remarked(
        f"#define {names.declare(macro('payload_version'))} {draft.payload_version}u",
        "PayloadVersion of every layout below.",
    )
    for shape in structures:
        for field in shape.layout.fields:
            if isinstance(field.type, Magic):
                name = names.declare(macro(shape.key, field.key))
                yield from remarked(
                    f"#define {name} {text_literal(field.type.magic)}",
                    f"{shape.layout.title}, {field.section}: {field.text}",
                )
            elif isinstance(field.type, Uint) and isinstance(field.type.valid, Between):
                valid = field.type.valid
                suffix = "UINT64_C" if valid.high >= 1 << 32 else "UINT32_C"
                yield from comment(
                    f"{shape.layout.title}, {field.section}: {field.name} is {valid}."
                )
                for bound_name, value in (("minimum", valid.low), ("maximum", valid.high)):
                    name = names.declare(macro(shape.key, field.key, bound_name))
                    yield f"#define {name} {suffix}({value})"
    yield ""
