"""Fields by the paths that differences have: what they are, and where they stand in a payload."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from ..drafts import known, schema
from ..errors import MslError
from ..exports.description import case_place
from ..schema import Layout
from ..schema.base import Between, DocumentOptions, OneOf, Vocabulary
from ..schema.choice import Choice
from ..schema.fields import Field
from ..schema.layout import REST
from ..schema.pages import PageStateMap
from ..schema.table import Table
from ..schema.values import Record
from ..schema.variable import Blob, Utf8Z
from ..schema.vocabulary import Coded, Fixed, Reserved, Uint
from ..source import BufferSource, Cursor

__all__ = [
    "body_of",
    "enlarge_entries",
    "field_at",
    "fitted",
    "lengthen",
    "measured_at",
    "number_at",
    "paths_to",
    "permitted_here",
    "place_of",
    "sizes_entries",
    "start_of",
]
__all__ += ["steps_of", "with_body"]


def steps_of(where: str) -> list[str]:
    """The steps of a path; a body that is chosen has its chooser's code: ``body<RowType arp>``."""
    return re.findall(r"[^.\[\]<>]+(?:<[^>]*>)?", where)


def _body(layout: Layout, step: str) -> tuple[int, Layout] | None:
    """The code and the layout of a body that a step names."""
    key = step.partition("<")[0]
    for one in layout.fields:
        if one.key == key and isinstance(one.type, Choice):
            for tag, inner in one.type.cases.items():
                if step == f"{key}<{case_place(one, tag, layout)}>":
                    return tag, inner
    return None


def fitted(layout: Layout, document: Mapping[str, Any]) -> dict[str, Any]:
    """A document's values for the fields that a layout has, and examples of others."""
    read = {name for one in layout.fields for name, _ in one.type.reads()}
    found: dict[str, Any] = {}
    for one in layout.fields:
        kind = one.type
        if document.get(one.key) is not None:
            value = document[one.key]
            if isinstance(kind, Table) and isinstance(value, list):
                rows = (row for row in value if _is_laid_out(kind.entry, row))
                found[one.key] = [fitted(kind.entry, row) for row in rows]
                continue
            if isinstance(kind, Choice) and isinstance(value, dict) and "raw" not in value:
                inner = _chosen(layout, kind, document)
                assert inner is not None
                found[one.key] = fitted(inner, value)
                continue
            value = _named_now(kind, value)
            if kind.chosen_by or _can_be_stored(kind, value):
                found[one.key] = value
                continue
        left = one.default is not None and not one.optional
        if left or one.name in read or isinstance(kind, Reserved):
            continue
        with suppress(TypeError):
            found[one.key] = kind.to_document(kind.example(), DocumentOptions())
    return found


def _is_laid_out(layout: Layout, row: Mapping[str, Any]) -> bool:
    """Whether a draft lays out the bodies that a row of a document has fields of."""
    return all(
        _chosen(layout, one.type, row) is not None
        for one in layout.fields
        if isinstance(one.type, Choice) and "raw" not in row.get(one.key, ())
    )


def _name_now(kind: Coded, name: str) -> str:
    """What a registry calls a code that an earlier draft has by this name."""
    if not any(one.name == name for one in kind.registry.values):
        for draft in known():
            was = schema(draft).enumerations.get(kind.enumeration_name)
            for one in was.values if was is not None else ():
                if one.name == name:
                    return kind.registry.decode(one.code).name
    return name


def _chosen(layout: Layout, kind: Choice, document: Mapping[str, Any]) -> Layout | None:
    """The layout of a document's body."""
    chooser, code = layout.field(kind.tag_key).type, document.get(kind.tag_key)
    if isinstance(chooser, Coded) and isinstance(code, str):
        code = int(chooser.registry.encode(_name_now(chooser, code)))
    return kind.cases.get(code) if isinstance(code, int) else None


def _chooser(layout: Layout, step: str) -> str:
    """The key of the field that chooses a body."""
    kind = layout.field(step.partition("<")[0]).type
    assert isinstance(kind, Choice)
    return kind.tag_key


def number_at(layout: Layout, path: list[str]) -> Fixed | None:
    """The kind of a plain number at a path that nothing measures by; None: there is none."""
    read = {name for one in layout.fields for name, _ in one.type.reads()}
    if not path:
        return None
    body = _body(layout, path[0])
    if body is not None:
        return number_at(body[1], path[1:])
    for one in layout.fields:
        if one.key == path[0]:
            if isinstance(one.type, Table) and len(path) > 1:
                return number_at(one.type.entry, path[1:])
            if isinstance(one.type, Coded):
                return one.type
            if isinstance(one.type, Uint) and one.type.valid is None and one.name not in read:
                return one.type
            return None
    return None


def paths_to(layout: Layout, registry: str) -> Iterator[list[str]]:
    """Where a structure has codes of a registry."""
    for one in layout.fields:
        if one.type.registry_name == registry and not isinstance(one.type, PageStateMap):
            yield [one.key]
        if isinstance(one.type, Table):
            yield from ([one.key, *path] for path in paths_to(one.type.entry, registry))
        if isinstance(one.type, Choice):
            for tag, inner in one.type.cases.items():
                step = f"{one.key}<{case_place(one, tag, layout)}>"
                yield from ([step, *path] for path in paths_to(inner, registry))


def start_of(layout: Layout, document: Mapping[str, Any], key: str) -> int | None:
    """Where a field begins in the payload that a document gives; None: the payload lacks it."""
    found = _decoded(layout, document)
    assert found.offsets is not None
    return int(found.offsets[key][0]) if key in found.offsets else None


def _named_now(kind: Vocabulary, value: Any) -> Any:
    return _name_now(kind, value) if isinstance(kind, Coded) and isinstance(value, str) else value


def _can_be_stored(kind: Vocabulary, value: Any) -> bool:
    try:
        loaded = kind.load_document(value, {})
        if isinstance(kind, Fixed):
            kind.store(loaded)
    except (ValueError, TypeError, KeyError, AttributeError, MslError):
        return False
    return True


def _decoded(layout: Layout, document: Mapping[str, Any]) -> Record:
    data = _stored(layout, document)
    return layout.decode(Cursor(BufferSource(data), 0, len(data)), offsets=True)


def field_at(layout: Layout | None, path: list[str]) -> Field | None:
    """The field at a path; None: there is none."""
    if layout is None or not path:
        return None
    body = _body(layout, path[0])
    if body is not None:
        return field_at(body[1], path[1:])
    found = next((one for one in layout.fields if one.key == path[0]), None)
    if found is not None and len(path) > 1:
        return field_at(found.type.entry, path[1:]) if isinstance(found.type, Table) else None
    return found


def permitted_here(kind: Vocabulary, other: Vocabulary) -> list[int]:
    """Some numbers that one of two kinds permits, and the other does not."""
    if not isinstance(kind, Uint) or not isinstance(other, Uint) or kind.valid == other.valid:
        return []
    found: set[int] = set()
    for valid in (kind.valid, other.valid):
        if isinstance(valid, Between):
            found |= {valid.low - 1, valid.low, valid.high, valid.high + 1}
        elif isinstance(valid, OneOf):
            found |= {*valid.values, max(valid.values) + 1}
    fits = [one for one in sorted(found) if 0 <= one < 1 << 8 * kind.width]
    alone = [
        one
        for one in fits
        if (kind.valid is None or kind.valid.permits(one))
        and not (other.valid is None or other.valid.permits(one))
    ]
    return alone[:2]


def sizes_entries(layout: Layout, path: list[str]) -> bool:
    """Whether the field at a path says how long the entries of a table are."""
    return any(
        isinstance(one.type, Table) and [one.type.entry_size_key] == path for one in layout.fields
    )


def enlarge_entries(layout: Layout, document: dict[str, Any]) -> None:
    """Let entries whose size a number says have bytes behind their fields."""
    for one in layout.fields:
        kind = one.type
        if not isinstance(kind, Table) or not kind.entry_size_key:
            continue
        rows = [dict(row) for row in document[one.key]] * 2
        sizes = [len(_stored(kind.entry, row)) for row in rows]
        size = max(sizes) + 8
        document[kind.entry_size_key] = size
        document[one.key] = [
            {**row, REST: bytes(size - own).hex()} for row, own in zip(rows, sizes)
        ]
        document.pop(kind.count_key, None)


def _stored(layout: Layout, document: Mapping[str, Any]) -> bytes:
    record = layout.complete(layout.from_document(fitted(layout, document)))
    return b"".join(bytes(piece) for piece in layout.pieces(record))


def measured_at(layout: Layout, path: list[str]) -> Field | None:
    """The text or bytes that a field at a path counts, if its width can count many."""
    for one in layout.fields:
        if path and one.key == path[0] and isinstance(one.type, Table) and len(path) > 1:
            return measured_at(one.type.entry, path[1:])
        if path and one.key == path[0] and isinstance(one.type, Uint) and one.type.width > 2:
            return _counted_by(layout, one.key)
    return None


def _counted_by(layout: Layout, key: str) -> Field | None:
    for one in layout.fields:
        if isinstance(one.type, (Utf8Z, Blob)) and one.type.length_key == key:
            return one
    return None


def lengthen(layout: Layout, document: dict[str, Any], path: list[str], many: int) -> None:
    """Let a document have so many bytes in the text or bytes that a field at a path counts."""
    counted = measured_at(layout, path)
    assert counted is not None
    for step in path[:-1]:
        document[step] = [dict(row) for row in document[step]]
        document = document[step][0]
    document[counted.key] = "a" * many if isinstance(counted.type, Utf8Z) else "11" * many
    document.pop(path[-1], None)


def body_of(layout: Layout, path: list[str], code: int) -> list[str] | None:
    """The path of the body that a code chooses in the field at a path; None: it chooses none."""
    *tables, key = path
    for step in tables:
        table = {one.key: one.type for one in layout.fields}.get(step)
        if not isinstance(table, Table):
            return None
        layout = table.entry
    for one in layout.fields:
        if isinstance(one.type, Choice) and one.type.tag_key == key and code in one.type.cases:
            return [*tables, f"{one.key}<{case_place(one, code, layout)}>"]
    return None


def with_body(layout: Layout, document: dict[str, Any], path: list[str]) -> None:
    """Let a document have a row with the body that a path goes through."""
    if len(path) < 2 or not isinstance((table := layout.field(path[0]).type), Table):
        return
    chosen = _body(table.entry, path[1])
    if chosen is None:
        return
    key = _chooser(table.entry, path[1])
    kind = next(one.type for one in table.entry.fields if one.key == key)
    names = {chosen[0], kind.to_document(chosen[0], DocumentOptions())}
    rows = document.get(path[0]) or []
    if not any(row.get(key) in names for row in rows):
        body = path[1].partition("<")[0]
        tag = kind.to_document(chosen[0], DocumentOptions())
        document[path[0]] = [*rows, {key: tag, body: fitted(chosen[1], {})}]


def place_of(layout: Layout, document: Mapping[str, Any], path: list[str]) -> tuple[int, Fixed]:
    """Where a field stands in the payload that a document gives, and what it is.

    Raises:
        KeyError: there is none, or its table has no entries.
    """
    found = _decoded(layout, document)
    for index, step in enumerate(path[:-1]):
        body = _body(layout, step)
        if body is not None:
            layout, found = body[1], found[step.partition("<")[0]]
            continue
        table = layout.field(step).type
        assert isinstance(table, Table)
        layout = table.entry
        after = path[index + 1]
        chosen = _body(layout, after)
        key = None if chosen is None else _chooser(layout, after)
        rows = [one for one in found[step] if chosen is None or one[key] == chosen[0]]
        if not rows:
            raise KeyError(step)
        found = rows[0]
    kind = layout.field(path[-1]).type
    assert isinstance(kind, Fixed)
    assert found.offsets is not None
    return found.offsets[path[-1]][0], kind
