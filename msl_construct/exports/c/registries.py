"""Enumerations, flag words and constants."""

from __future__ import annotations

from collections.abc import Iterator

from ...schema import BitRange, Draft, Enumeration, FlagDefinition, Schema
from ...schema.base import Between
from ...schema.vocabulary import Magic, Uint
from .parts import Shape
from .words import LINE, Identifiers, comment, macro, since, text_literal, type_name

__all__ = ["constants", "enumeration", "flag_word"]

_LONGEST_INT = 4


def enumeration(draft: Draft, registry: Enumeration, names: Identifiers) -> Iterator[str]:
    """A registry as an enum, and a function that names its values."""
    name = names.declare(type_name(registry.key))
    yield from comment(f"{registry.name}, {registry.section}: {registry.text}")
    yield f"enum {name} {{"
    for index, value in enumerate(registry.values):
        text = [f"{value.label}." if value.text or value.reserved else value.label, value.text]
        text.append("Reserved: not to be written." if value.reserved else "")
        text.append(since(draft, value.since))
        comma = "," if index + 1 < len(registry.values) else ""
        code = f"0x{value.code:0{2 * registry.width}x}"
        line = f"    {names.declare(macro(registry.key, value.name))} = {code}{comma}"
        remark = comment(*text, indent=4)
        if len(remark) == 1 and len(line) + len(remark[0]) < LINE:
            yield f"{line} {remark[0].lstrip()}"
        else:
            yield from remark
            yield line
    yield "};"
    for span in registry.spans:
        yield from comment(f"{span.first:#06x} to {span.last:#06x}: {span.use}.")
    yield ""
    yield from _naming(
        names.declare(f"{name}_name"),
        "code",
        [(macro(registry.key, value.name), value.name) for value in registry.values],
        f"Name of a value of {registry.name}; NULL where it has none.",
    )


def flag_word(draft: Draft, word: FlagDefinition, names: Identifiers) -> Iterator[str]:
    """Masks of a flag word, and a function that names its bits."""
    suffix = "UINT64_C" if word.width > _LONGEST_INT else "UINT32_C"
    yield from comment(f"{word.name}, {word.section}: {word.text}")
    numbered: list[tuple[str, str]] = []
    for bit in word.bits:
        yield from comment(
            f"{bit.label}." if bit.text else bit.label, bit.text, since(draft, bit.since)
        )
        name = macro(word.key, bit.name)
        if isinstance(bit, BitRange):
            yield f"#define {names.declare(f'{name}_MASK')} {suffix}({bit.mask:#x})"
            yield f"#define {names.declare(f'{name}_SHIFT')} {bit.bit}"
        else:
            yield f"#define {names.declare(name)} {suffix}({1 << bit.bit:#x})"
            numbered.append((str(bit.bit), bit.name))
    yield ""
    for bit in word.bits:
        if isinstance(bit, BitRange):
            name = macro(word.key, bit.name)
            function = names.declare(type_name(f"{word.key}_{bit.name}"))
            yield from comment(f"{bit.label} of a word of {word.name}.")
            yield f"static inline uint32_t {function}(uint64_t word)"
            yield "{"
            yield f"    return MSL_CAST(uint32_t, (word & {name}_MASK)"
            yield f"        >> {name}_SHIFT);"
            yield "}"
            yield ""
    yield from _naming(
        names.declare(f"{type_name(word.key)}_bit_name"),
        "bit",
        numbered,
        f"Name of a bit of {word.name}, counted from the least significant; NULL where it has "
        "none.",
    )


def _naming(function: str, argument: str, cases: list[tuple[str, str]], text: str) -> Iterator[str]:
    yield from comment(text)
    yield f"static inline const char *{function}(uint32_t {argument})"
    yield "{"
    yield f"    switch ({argument}) {{"
    for label, name in cases:
        yield f'    case {label}: return "{name}";'
    yield "    default: return NULL;"
    yield "    }"
    yield "}"
    yield ""


def constants(
    draft: Draft, bound: Schema, structures: list[Shape], names: Identifiers
) -> Iterator[str]:
    """Versions, magic bytes and permitted ranges."""
    yield from comment(f"Version of {draft.name}, the major number in the high byte.")
    yield f"#define {names.declare(macro('format_version'))} {draft.version:#06x}u"
    yield from comment("PayloadVersion of every layout below.")
    yield f"#define {names.declare(macro('payload_version'))} {draft.payload_version}u"
    for shape in structures:
        for field in shape.layout.fields:
            if isinstance(field.type, Magic):
                yield from comment(f"{shape.layout.title}, {field.section}: {field.text}")
                name = names.declare(macro(shape.key, field.key))
                yield f"#define {name} {text_literal(field.type.magic)}"
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
