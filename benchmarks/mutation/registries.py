"""Faults in registries: codes, flags, page states, block types, and the draft's own numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import combinations
from typing import Any

from msl_construct.schema import (
    Bit,
    BitRange,
    BlockType,
    Draft,
    Enumeration,
    FlagDefinition,
    Start,
    Value,
)

from .declarations import Path, users
from .mutant import Mutant


def mutants_of_registries(draft: Draft) -> Iterator[Mutant]:
    """Every fault of these kinds in a draft."""
    for enumeration in draft.enumerations:
        yield from _enumeration(draft, enumeration, _put_enumeration, "")
    yield from _enumeration(draft, draft.page_states, _put_page_states, "PageState")
    for word in draft.flags:
        yield from _flags(draft, word)
        for bit in word.bits:
            if isinstance(bit, BitRange):
                yield from _enumeration(draft, bit.enumeration, _Inside(word, bit).put, word.name)
    yield from _block_types(draft)
    yield from _numbers(draft)


def _unknown(registry: Enumeration, code: int | None) -> tuple[str, ...]:
    return () if code is None else (str(registry.decode(code).name),)


def _put_enumeration(draft: Draft, old: Enumeration, new: Enumeration) -> Draft:
    changed = tuple(new if e is old else e for e in draft.enumerations)
    return replace(draft, enumerations=changed)


def _put_page_states(draft: Draft, old: Enumeration, new: Enumeration) -> Draft:
    return replace(draft, page_states=new)


def _put_flags(draft: Draft, old: FlagDefinition, bits: Any) -> Draft:
    new = FlagDefinition(old.name, old.width, old.section, old.text, tuple(bits))
    return replace(draft, flags=tuple(new if f is old else f for f in draft.flags))


class _Inside:
    """The registry of a number inside a flag word."""

    def __init__(self, word: FlagDefinition, bit: BitRange) -> None:
        self.word = word
        self.bit = bit

    def put(self, draft: Draft, old: Enumeration, new: Enumeration) -> Draft:
        """The draft with another registry for it."""
        bits = (replace(b, enumeration=new) if b is self.bit else b for b in self.word.bits)
        return _put_flags(draft, self.word, bits)


def _paths(draft: Draft, registry: str) -> tuple[Path, ...]:
    return tuple(path for path, _ in users(draft, registry))


def _fields(draft: Draft, registry: str) -> str:
    names = sorted({field.name for _, field in users(draft, registry)})
    return f"{registry} ({', '.join(names)})" if names and names != [registry] else registry


def _enumeration(
    draft: Draft, old: Enumeration, put: Callable[[Draft, Enumeration, Enumeration], Draft], of: str
) -> Iterator[Mutant]:
    paths = _paths(draft, of or old.name)
    name = _fields(draft, of or old.name) if of in ("", "PageState") else f"{of}.{old.name}"
    prefix = f"{old.key}_" if of not in ("", "PageState") else ""
    used = {v.code for v in old.values}

    # What the byte order is, and that a codec is none, no document says by this name.
    shown = old.name not in ("Endianness", "CompAlgo")

    def mutant(
        operator: str, what: str, values: Any, touched: list[Value], free: int | None = None
    ) -> Mutant:
        new = replace(old, values=tuple(values))
        labels = " or ".join(v.label for v in touched)
        return Mutant(
            draft,
            operator,
            old.name,
            what,
            lambda: put(draft, old, new),
            paths,
            frozenset(prefix + name for name in (*(v.name for v in touched), *_unknown(old, free))),
            f"{name} {labels}",
            shown,
        )

    for value in old.values:
        others = [v for v in old.values if v is not value]
        yield mutant("code-removed", f"no {value.label}", others, [value])
        limit = 4 if of else 1 << 8 * old.width
        free = next((c for c in range(value.code + 1, limit) if c not in used), None)
        if free is None:
            free = next((c for c in range(limit) if c not in used), None)
        if free is not None:
            moved = [replace(v, code=free) if v is value else v for v in old.values]
            what = f"{value.label} is {free:#x} for {value.code:#x}"
            yield mutant("code-changed", what, moved, [value], free)
    for one, other in combinations(old.values, 2):
        codes = {id(one): other.code, id(other): one.code}
        swapped = [replace(v, code=codes.get(id(v), v.code)) for v in old.values]
        what = f"{one.label} and {other.label} swapped"
        yield mutant("codes-swapped", what, swapped, [one, other])
    if not of:
        for width in (1, 2, 4, 8):
            if width != old.width:
                yield Mutant(
                    draft,
                    "registry-width",
                    old.name,
                    f"{width} bytes for {old.width}",
                    lambda w=width: put(draft, old, replace(old, width=w)),  # type: ignore[misc]
                    paths,
                    lacks=f"a structure with a {old.name}",
                )


def _flags(draft: Draft, word: FlagDefinition) -> Iterator[Mutant]:
    paths = _paths(draft, word.name)
    name = _fields(draft, word.name)
    free = [n for n in range(8 * word.width) if not word.defined >> n & 1]

    def mutant(operator: str, what: str, bits: Any, touched: list[Any], *more: str) -> Mutant:
        labels = " or ".join(b.label for b in touched)
        return Mutant(
            draft,
            operator,
            word.name,
            what,
            lambda: _put_flags(draft, word, bits),
            paths,
            frozenset((*(b.name for b in touched), *more)),
            f"{name} with {labels} alone of the two"
            if len(touched) == 2
            else f"{name} with {labels}",
            all(isinstance(b, Bit) for b in touched),
        )

    for bit in word.bits:
        others = tuple(b for b in word.bits if b is not bit)
        yield mutant("flag-removed", f"no {bit.label}", others, [bit])
        if free and isinstance(bit, Bit):
            moved = tuple(replace(b, bit=free[0]) if b is bit else b for b in word.bits)
            what = f"{bit.label} is bit {free[0]} for {bit.bit}"
            yield mutant("flag-moved", what, moved, [bit], f"bit_{free[0]}")
        elif isinstance(bit, BitRange):
            for low, bits in ((free[0], bit.bits), (bit.bit, 1), (bit.bit + 1, 1)):
                moved = tuple(replace(b, bit=low, bits=bits) if b is bit else b for b in word.bits)
                yield mutant("flag-moved", f"{bit.label} is {bits} bits at {low}", moved, [bit])
    plain = [b for b in word.bits if isinstance(b, Bit)]
    for one, other in combinations(plain, 2):
        numbers = {id(one): other.bit, id(other): one.bit}
        swapped = tuple(
            replace(b, bit=numbers[id(b)]) if id(b) in numbers else b for b in word.bits
        )
        what = f"{one.label} and {other.label} swapped"
        yield mutant("flags-swapped", what, swapped, [one, other])
    for width in (1, 2, 4, 8):
        if width != word.width and word.defined < 1 << 8 * width:
            yield Mutant(
                draft,
                "registry-width",
                word.name,
                f"{width} bytes for {word.width}",
                lambda w=width: replace(  # type: ignore[misc]
                    draft,
                    flags=tuple(
                        FlagDefinition(f.name, w, f.section, f.text, f.bits) if f is word else f
                        for f in draft.flags
                    ),
                ),
                paths,
                lacks=f"a structure with {word.name}",
            )


def _block_types(draft: Draft) -> Iterator[Mutant]:
    used = {b.code for b in draft.blocks}

    def mutant(
        operator: str, what: str, blocks: Any, touched: list[BlockType], *more: str
    ) -> Mutant:
        names = " or ".join(b.name for b in touched)
        return Mutant(
            draft,
            operator,
            "BlockType",
            what,
            lambda: replace(draft, blocks=tuple(blocks)),
            (),
            frozenset((*(b.key for b in touched), *more)),
            f"a block of type {names}",
            # Of the two that close something, the reader knows the codes.
            all(b.key not in ("end_of_capture", "end_of_extension") for b in touched),
        )

    for block in draft.blocks:
        others = [b for b in draft.blocks if b is not block]
        yield mutant("block-type-removed", f"no {block.name}", others, [block])
        free = next(c for c in range(block.code + 1, 1 << 16) if c not in used)
        moved = [replace(b, code=free) if b is block else b for b in draft.blocks]
        what = f"{block.name} is {free:#06x} for {block.code:#06x}"
        yield mutant("block-type-changed", what, moved, [block], f"{free:#06x}")
        if block.layout is not None:
            opaque = [replace(b, layout=None) if b is block else b for b in draft.blocks]
            yield mutant("block-type-opaque", f"{block.name} without a layout", opaque, [block])
    for one, other in combinations(draft.blocks, 2):
        codes = {one.code: other.code, other.code: one.code}
        swapped = [replace(b, code=codes.get(b.code, b.code)) for b in draft.blocks]
        what = f"{one.name} and {other.name} swapped"
        yield mutant("block-types-swapped", what, swapped, [one, other])


def _numbers(draft: Draft) -> Iterator[Mutant]:
    """What stands in the draft itself."""

    def mutant(operator: str, what: str, lacks: str, **changes: Any) -> Mutant:
        return Mutant(
            draft, operator, draft.name, what, lambda: replace(draft, **changes), lacks=lacks
        )

    for version in (0, draft.payload_version + 1):
        what = f"PayloadVersion {version} for {draft.payload_version}"
        lacks = f"a known block of PayloadVersion {draft.payload_version}"
        yield mutant("payload-version", what, lacks, payload_version=version)
    for step in (1, 0x100):
        version = draft.version + step
        what = f"version {version:#06x} for {draft.version:#06x}"
        yield mutant("version", what, "a file of the version", version=version)
    yield mutant(
        "segments",
        "no extension segments" if draft.segments else "extension segments",
        "a file with an extension segment",
        segments=not draft.segments,
    )
    if draft.encryption_header is not None:
        lacks = "an encrypted file"
        yield mutant("encryption", "no encryption header", lacks, encryption_header=None)
    for link in draft.chain:
        if link.start is not Start.SEGMENT:
            continue  # what a document says of it; the others are told apart by the rules
        structure = next(b.layout for b in draft.blocks if b.key == link.structure)
        assert structure is not None
        for field in structure.fields:
            if field.key != link.field:
                chain = tuple(replace(c, field=field.key) if c is link else c for c in draft.chain)
                what = f"hash in {field.name}"
                yield mutant("chain", what, "an extension segment", chain=chain)
