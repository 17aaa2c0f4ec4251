"""A header for C11 and C++17 that reads mapped files in place.

Structures, codes, names and sentences are those of the schema; what is the same for every
schema stands in ``templates/``. Nothing in the header allocates, copies or reads outside of
the bytes that it was given.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from ...schema import ByteOrder, Draft, Schema
from .facts import facts_of
from .parts import shapes
from .registries import constants, enumeration, flag_word
from .structures import structures
from .template import template
from .views import block_reader, view
from .words import Identifiers, macro

__all__ = ["export"]


def export(draft: Draft) -> str:
    """The text of the header for a draft.

    Raises:
        MslError: a name of the schema is none in C, or two of its names become one.
    """
    return "\n".join(_lines(draft, draft.bound(ByteOrder.LITTLE))) + "\n"


def _lines(draft: Draft, bound: Schema) -> Iterator[str]:
    names = Identifiers()
    found = shapes(draft, bound)
    facts = facts_of(draft, bound, found, names)
    yield from template("opening", facts)
    # C wants an enumeration before its first use, and the byte order is used at once.
    registries = {one.name: one for one in (*bound.enumerations.values(), bound.page_states)}
    for bit in chain.from_iterable(word.bits for word in bound.flags.values()):
        registry = getattr(bit, "enumeration", None)
        if registry is not None:
            registries[registry.name] = registry
    for registry in registries.values():
        yield from enumeration(draft, registry, names)
    for word in bound.flags.values():
        yield from flag_word(draft, word, names)
    yield from constants(draft, bound, found, names)
    for name in ("basics", "pages", "structures"):
        yield from template(name, facts)
    headers = {bound.file_header.key, bound.block_header.key}
    for shape in found:
        yield from structures(draft, shape, names)
        if shape.key not in headers:
            yield from view(draft, shape, names)
    yield ""
    yield from template("file", facts)
    yield from template("blocks", facts)
    by_key = {shape.key: shape for shape in found}
    for block in bound.blocks.values():
        if block.layout is not None:
            yield block_reader(draft, block, by_key[block.layout.key], names)
    yield ""
    if "region" in facts:
        yield from template("reading", facts)
    yield f"#endif /* {macro('h')} */"
