"""Going through a draft's declarations, and changing one of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Any

from msl_construct.schema import Draft, Field, Layout, Table
from msl_construct.schema.choice import Choice
from msl_construct.schema.pages import PageStateMap
from msl_construct.schema.vocabulary import Coded, Flags

HEADERS = ("file_header", "block_header", "compressed_payload", "encryption_header")
BLOCK = "block"

Path = tuple[Any, ...]
"""Where a structure is declared: ``("block", 0x0010, "entries")``."""

_REFERENCES = {
    "length": "length_key",
    "count": "count_key",
    "tag": "tag_key",
    "size": "size_key",
    "page_size_log2": "log2_key",
    "entry_size": "entry_size_key",
}


def structures(draft: Draft) -> Iterator[tuple[Path, Layout]]:
    """Every structure of a draft, those inside others included."""
    for name in HEADERS:
        layout = getattr(draft, name)
        if layout is not None:
            yield from within((name,), layout)
    for block in draft.blocks:
        if block.layout is not None:
            yield from within((BLOCK, block.code), block.layout)


def within(path: Path, layout: Layout) -> Iterator[tuple[Path, Layout]]:
    """A structure and those inside it."""
    yield path, layout
    for field in layout.fields:
        if isinstance(field.type, Table):
            yield from within((*path, field.key), field.type.entry)
        elif isinstance(field.type, Choice):
            for tag, case in field.type.cases.items():
                yield from within((*path, field.key, tag), case)


def with_structure(draft: Draft, path: Path, new: Layout) -> Draft:
    """The draft with another layout at a place."""
    if path[0] != BLOCK:
        return replace(draft, **{path[0]: _put(getattr(draft, path[0]), path[1:], new)})
    blocks = tuple(
        replace(b, layout=_put(b.layout, path[2:], new))
        if b.code == path[1] and b.layout is not None
        else b
        for b in draft.blocks
    )
    return replace(draft, blocks=blocks)


def _put(layout: Layout, rest: Path, new: Layout) -> Layout:
    if not rest:
        return new
    field = layout.field(rest[0])
    kind = field.type
    if isinstance(kind, Table):
        inner: Any = changed(kind, entry=_put(kind.entry, rest[1:], new))
    else:
        assert isinstance(kind, Choice)
        cases = {**kind.cases, rest[1]: _put(kind.cases[rest[1]], rest[2:], new)}
        inner = changed(kind, cases=cases)
    return with_field(layout, field, replace(field, type=inner))


def with_fields(layout: Layout, fields: Iterable[Field]) -> Layout:
    """A structure of the same name with other fields."""
    return Layout(layout.title, layout.section, fields)


def with_field(layout: Layout, old: Field, new: Field) -> Layout:
    """A structure with one field exchanged."""
    return with_fields(layout, (new if f is old else f for f in layout.fields))


def changed(kind: Any, **attributes: Any) -> Any:
    """A copy of an unbound Construct of the vocabulary with other attributes."""
    twin = object.__new__(type(kind))
    twin.__dict__.update(kind.__dict__)
    twin.__dict__.update(attributes)
    return twin


def references(kind: Any) -> dict[str, str]:
    """What a Construct takes from earlier fields of its structure: attribute, key."""
    if not isinstance(kind, (Table, Choice, PageStateMap)) and "length_key" not in vars(kind):
        return {}
    return {
        name: vars(kind)[key]
        for name, key in _REFERENCES.items()
        if vars(kind).get(name) is not None and key in vars(kind)
    }


def with_reference(kind: Any, name: str, target: Field) -> Any:
    """A Construct that looks at another field."""
    return changed(kind, **{name: target.name, _REFERENCES[name]: target.key})


def legal(layout: Layout) -> bool:
    """Whether every reference leads to an earlier field, and no two fields share a key."""
    seen: set[str] = set()
    for field in layout.fields:
        if field.key in seen or not seen.issuperset(references(field.type).values()):
            return False
        seen.add(field.key)
    return True


def registry_of(kind: Any) -> str | None:
    """Name of the registry or flag word that a field is decoded with, if any."""
    if isinstance(kind, Coded):
        return kind.enumeration_name
    if isinstance(kind, Flags):
        return kind.definition_name
    return "PageState" if isinstance(kind, PageStateMap) else None


def users(draft: Draft, registry: str) -> list[tuple[Path, Field]]:
    """The fields that are decoded with a registry."""
    return [
        (path, field)
        for path, layout in structures(draft)
        for field in layout.fields
        if registry_of(field.type) == registry
    ]


def title(draft: Draft, path: Path) -> str:
    """A structure's name for people: ``Module List Index / Module List Entry``."""
    known = dict(structures(draft))
    names = [known[path[:end]].title for end in range(1, len(path) + 1) if path[:end] in known]
    return " / ".join(names)


def signature(value: Any) -> Any:
    """All that reading depends on in a declaration: equal signatures read alike.

    Sentences, sections and notes are left out; types are told apart by their class and
    everything that they hold.
    """
    if isinstance(value, Draft):
        parts: list[Any] = [signature(getattr(value, name)) for name in HEADERS]
        parts += [
            [
                (b.code, b.name, b.forbidden, b.in_segment, b.capability, signature(b.layout))
                for b in value.blocks
            ],
            [signature(e) for e in (*value.enumerations, value.page_states)],
            [(f.name, f.width, [_bit(b) for b in f.bits]) for f in value.flags],
            [(c.structure, c.field, c.start) for c in value.chain],
            (value.segments, value.payload_version, value.version, value.byte_orders),
            value.block_type_spans,
        ]
        return parts
    if isinstance(value, Layout):
        return _layout_signature(value)
    if hasattr(value, "values") and hasattr(value, "spans"):
        codes = sorted((v.code, v.name, v.reserved) for v in value.values)
        return value.name, value.width, codes, value.spans
    if isinstance(value, dict):
        return [(key, signature(inner)) for key, inner in value.items()]
    if hasattr(value, "_bind"):
        hidden = {"order", "name", "docs", "flagbuildnone", "parsed"}
        held = {k: signature(v) for k, v in vars(value).items() if k not in hidden}
        return type(value).__name__, sorted(held.items(), key=lambda item: item[0])
    return value


@lru_cache(maxsize=1024)
def _layout_signature(layout: Layout) -> Any:
    return [(f.key, f.optional, signature(f.type)) for f in layout.fields]


def _bit(bit: Any) -> Any:
    return bit.bit, getattr(bit, "bits", 1), bit.name, signature(getattr(bit, "enumeration", None))
