"""Faults in structures: fields, their widths, order, references, padding and byte order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import singledispatch
from itertools import combinations
from typing import Any

from msl_construct.schema import Draft, Field, Layout, Table
from msl_construct.schema.choice import Choice
from msl_construct.schema.pages import PageStateMap
from msl_construct.schema.variable import Blob, RegisterValue, Rest, Utf8, Utf8Z
from msl_construct.schema.vocabulary import (
    Bytes,
    Coded,
    Fixed,
    Flags,
    Magic,
    Timestamp,
    Uint,
    Uuid,
)
from msl_construct.schema.words import no_words

from .declarations import (
    Path,
    changed,
    references,
    registry_of,
    structures,
    title,
    with_field,
    with_fields,
    with_reference,
    with_structure,
)
from .faulty import (
    FileOrderUuid,
    FromTheOtherEnd,
    Repadded,
    Turned,
    TurnedLayout,
    TurnedRegister,
)
from .mutant import Mutant

_WIDTHS = {1: "B", 2: "H", 4: "I", 8: "Q"}


class _Site:
    """One structure of a draft."""

    def __init__(self, draft: Draft, path: Path, layout: Layout) -> None:
        self.draft = draft
        self.path = path
        self.layout = layout
        self.title = title(draft, path)

    def mutant(self, operator: str, field: str, what: str, new: Layout, lacks: str) -> Mutant:
        """The draft with another layout here."""
        where = f"{self.title}.{field}" if field else self.title
        return Mutant(
            self.draft,
            operator,
            where,
            what,
            lambda: with_structure(self.draft, self.path, new),
            (self.path,),
            lacks=f"{lacks} ({where})",
        )

    def typed(self, operator: str, field: Field, kind: Any, what: str, lacks: str) -> Mutant:
        """The draft with another type for a field here."""
        new = with_field(self.layout, field, replace(field, type=kind))
        return self.mutant(operator, field.name, what, new, lacks)


def mutants_of_structures(draft: Draft) -> Iterator[Mutant]:
    """Every fault of these kinds in every structure of a draft."""
    for path, layout in structures(draft):
        site = _Site(draft, path, layout)
        for operator in (_dropped, _swapped, _reference, _tail):
            yield from operator(site)
        for field in layout.fields:
            yield from of_kind(field.type, site, field)


def _dropped(site: _Site) -> Iterator[Mutant]:
    for field in site.layout.fields:
        new = with_fields(site.layout, (f for f in site.layout.fields if f is not field))
        yield site.mutant("field-dropped", field.name, "not there", new, "the structure")


def _swapped(site: _Site) -> Iterator[Mutant]:
    fields = site.layout.fields
    for one, other in combinations(range(len(fields)), 2):
        new = list(fields)
        new[one] = replace(fields[other], optional=fields[one].optional)
        new[other] = replace(fields[one], optional=fields[other].optional)
        names = f"{fields[one].name}, {fields[other].name}"
        yield site.mutant(
            "fields-swapped",
            names,
            "swapped",
            with_fields(site.layout, new),
            "a file where the bytes of these fields differ",
        )


def _reference(site: _Site) -> Iterator[Mutant]:
    for index, field in enumerate(site.layout.fields):
        for attribute, key in references(field.type).items():
            for target in site.layout.fields[:index]:
                # A key that was given a name of its own can't be referred to.
                if target.key == key or target.called or not _may_measure(target.type):
                    continue
                yield site.typed(
                    "reference",
                    field,
                    with_reference(field.type, attribute, target),
                    f"its {attribute} in {target.name}",
                    f"a file where {target.name} differs from {key}",
                )
            if attribute == "entry_size":
                yield site.typed(
                    "reference",
                    field,
                    changed(field.type, entry_size=None, entry_size_key=None),
                    "no entry size",
                    "entries larger than their fields",
                )


def _may_measure(kind: Any) -> bool:
    return isinstance(kind, (Uint, Coded)) and not isinstance(kind, Timestamp)


def _tail(site: _Site) -> Iterator[Mutant]:
    """The optional tail begins one field earlier or later, or there is none."""
    fields = site.layout.fields
    first = next((i for i, f in enumerate(fields) if f.optional), len(fields))
    for begin in sorted({first - 1, first + 1, len(fields)} - {first}):
        if begin > len(fields):
            continue
        new = [replace(f, optional=i >= begin) for i, f in enumerate(fields)]
        name = fields[begin].name if begin < len(fields) else ""
        what = f"optional from {name}" if name else "none"
        at = fields[min(first, begin)].name
        yield site.mutant(
            "optional-tail",
            "",
            what,
            with_fields(site.layout, new),
            f"one that ends just before {at}",
        )


# -- faults of the classes of the vocabulary ---------------------------------------------------


@singledispatch
def of_kind(kind: Any, site: _Site, field: Field) -> Iterator[Mutant]:
    """The faults that a class of fields can have."""
    raise no_words(kind, "benchmarks.mutation.fields")


@of_kind.register
def _(kind: Uint, site: _Site, field: Field) -> Iterator[Mutant]:
    for width, code in _WIDTHS.items():
        if width != kind.width:
            yield from _width(kind, site, field, width, code)
    yield from _turned(kind, site, field)


@of_kind.register
def _(kind: Coded, site: _Site, field: Field) -> Iterator[Mutant]:
    yield from _turned(kind, site, field)
    draft = site.draft
    for registry in (*draft.enumerations, draft.block_type_registry):
        if registry.name != kind.enumeration_name and registry.width == _width_of(draft, kind):
            fault = changed(kind, enumeration_name=registry.name)
            lacks = f"a code that {registry.name} has another name for"
            yield site.typed("registry", field, fault, f"of {registry.name}", lacks)


@of_kind.register
def _(kind: Flags, site: _Site, field: Field) -> Iterator[Mutant]:
    yield from _turned(kind, site, field)
    for word in site.draft.flags:
        if word.name != kind.definition_name and word.width == _width_of(site.draft, kind):
            fault = changed(kind, definition_name=word.name)
            lacks = f"a flag that {word.name} has another name for"
            yield site.typed("registry", field, fault, f"of {word.name}", lacks)


@of_kind.register
def _(kind: Bytes, site: _Site, field: Field) -> Iterator[Mutant]:
    for width in (kind.width - 1, kind.width + 1):
        if width:
            yield from _width(kind, site, field, width, f"{width}s")


@of_kind.register
def _(kind: Magic, site: _Site, field: Field) -> Iterator[Mutant]:
    for index in range(len(kind.magic)):
        magic = bytearray(kind.magic)
        magic[index] ^= 0x20
        new = changed(kind, magic=bytes(magic))
        yield site.typed("constant", field, new, repr(bytes(magic)), "any file")


@of_kind.register
def _(kind: Uuid, site: _Site, field: Field) -> Iterator[Mutant]:
    new_kind = FileOrderUuid(nil=kind.nil)
    lacks = "a UUID that isn't nil"
    yield site.typed("byte-order", field, new_kind, "not in network order", lacks)


@of_kind.register
def _(kind: Utf8Z, site: _Site, field: Field) -> Iterator[Mutant]:
    yield from _padding(kind, site, field, 1, 4, 16)
    yield site.typed("text-kind", field, Utf8(kind.length), "without a NUL", "a text")


@of_kind.register
def _(kind: Utf8, site: _Site, field: Field) -> Iterator[Mutant]:
    if kind.padded:
        yield from _padding(kind, site, field, 1, 4, 16)
    else:
        yield from _padding(kind, site, field, 2, 4)
        fault = changed(kind, padded=True, padding=True)
        yield _padded(site, field, fault, 8)
    yield site.typed("text-kind", field, Utf8Z(kind.length), "with a NUL", "a text")


@of_kind.register
def _(kind: Blob, site: _Site, field: Field) -> Iterator[Mutant]:
    yield from _padding(kind, site, field, 1, 4, 16)


@of_kind.register
def _(kind: RegisterValue, site: _Site, field: Field) -> Iterator[Mutant]:
    yield from _padding(kind, site, field, 1, 4, 16)
    lacks = "a register that isn't the same in both byte orders"
    new_kind = TurnedRegister(kind.length)
    yield site.typed("byte-order", field, new_kind, "of the other order", lacks)


@of_kind.register
def _(kind: PageStateMap, site: _Site, field: Field) -> Iterator[Mutant]:
    yield from _padding(kind, site, field, 1, 4, 16)
    yield site.typed(
        "bit-order",
        field,
        FromTheOtherEnd(kind),
        "least significant first",
        "four pages of which the first and the last, or the others, differ",
    )
    for bound, step in (("low", -1), ("low", 1), ("high", -1), ("high", 1)):
        value = getattr(kind, bound) + step
        fault = changed(kind, **{bound: value})
        at = value if (bound == "low") == (step < 0) else value - step
        what = f"PageSizeLog2 {bound}: {value}"
        yield site.typed("page-size", field, fault, what, f"a region of PageSizeLog2 {at}")


@of_kind.register
def _(kind: Choice, site: _Site, field: Field) -> Iterator[Mutant]:
    for tag, layout in kind.cases.items():
        cases = {t: case for t, case in kind.cases.items() if t != tag}
        lacks = f"a body of {kind.tag} {tag} ({layout.title})"
        yield site.typed("choice", field, changed(kind, cases=cases), f"no {tag}", lacks)
    for one, other in combinations(kind.cases, 2):
        cases = {**kind.cases, one: kind.cases[other], other: kind.cases[one]}
        yield site.typed(
            "choice",
            field,
            changed(kind, cases=cases),
            f"{one} and {other} swapped",
            f"a body of {kind.tag} {one} or {other}",
        )


@of_kind.register(Rest)
@of_kind.register(Table)
def _(kind: Any, site: _Site, field: Field) -> Iterator[Mutant]:
    return iter(())  # what it refers to and what is inside is bent all the same


def _width(kind: Fixed, site: _Site, field: Field, width: int, code: str) -> Iterator[Mutant]:
    yield site.typed(
        "field-width",
        field,
        changed(kind, width=width, code=code),
        f"{width} bytes for {kind.width}",
        "a file where the bytes behind the field tell its width",
    )


def _turned(kind: Fixed, site: _Site, field: Field) -> Iterator[Mutant]:
    if _width_of(site.draft, kind) == 1:
        return
    new = with_field(site.layout, field, replace(field, type=Turned(kind)))
    turned = TurnedLayout(new.title, new.section, new.fields)
    lacks = "a value that isn't the same in both byte orders"
    yield site.mutant("byte-order", field.name, "of the other order", turned, lacks)


def _width_of(draft: Draft, kind: Any) -> int:
    name = registry_of(kind)
    if name is None:
        return int(kind.width)
    widths = {f.name: f.width for f in draft.flags}
    widths.update((e.name, e.width) for e in (*draft.enumerations, draft.block_type_registry))
    return widths[name]


def _padding(kind: Any, site: _Site, field: Field, *multiples: int) -> Iterator[Mutant]:
    for multiple in multiples:
        yield _padded(site, field, Repadded(kind, multiple), multiple)


def _padded(site: _Site, field: Field, fault: Any, multiple: int) -> Mutant:
    what = f"padded to {multiple}" if multiple > 1 else "no padding"
    return site.typed("padding", field, fault, what, f"a length that {what} changes")
