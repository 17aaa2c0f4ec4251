"""What one draft changes in another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..schema import Draft
from .description import describe

__all__ = ["Change", "differences"]


@dataclass(frozen=True)
class Change:
    """One change.

    Args:
        change: ``added``, ``removed`` or ``changed``.
        kind: of what: ``draft``, ``structure``, ``field``, ``registry``, ``code``, ``flag``
            or ``hash``.
        where: its path: a structure's key, and a field's behind it; a registry's name, and a
            code or bit behind it.
        before, after: what of it there was and is; of a thing that changed only what differs.
    """

    change: str
    kind: str
    where: str
    before: dict[str, Any]
    after: dict[str, Any]


_Item = tuple[str, str]


def differences(old: Draft, new: Draft) -> list[Change]:
    """Everything that differs between two drafts, in the order of the newer one.

    When a draft introduced something is no difference; where a field stands is.
    """
    derived = new.block_type_registry.name  # its codes are the structures
    before, after = dict(_items(describe(old), derived)), dict(_items(describe(new), derived))
    changes: list[Change] = []
    for item, value in after.items():
        if item not in before:
            changes.append(Change("added", *item, {}, value))
            continue
        was = before[item]
        if item[0] == "structure":
            was, value = _in_common(was, value)
        keys = [key for key in {**was, **value} if was.get(key) != value.get(key)]
        if keys:
            changes.append(
                Change(
                    "changed",
                    *item,
                    {key: was[key] for key in keys if key in was},
                    {key: value[key] for key in keys if key in value},
                )
            )
    gone = [item for item in before if item not in after]
    return [*changes, *(Change("removed", *item, before[item], {}) for item in gone)]


def _in_common(was: dict[str, Any], value: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Two structures without the fields that only one has, so that an order can be told."""
    if was["fields"] is None or value["fields"] is None:
        return was, value
    left = [key for key in was["fields"] if key in value["fields"]]
    right = [key for key in value["fields"] if key in was["fields"]]
    return {**was, "fields": left}, {**value, "fields": right}


def _items(described: dict[str, Any], derived: str) -> Iterator[tuple[_Item, dict[str, Any]]]:
    """Everything that can differ by itself, each with what is said of it."""
    parts = ("structures", "registries", "chain")
    own = {k: v for k, v in described.items() if k not in (*parts, "base")}
    yield ("draft", ""), own
    for key, structure in described["structures"].items():
        yield from _structure(key, structure)
    for name, registry in described["registries"].items():
        yield ("registry", name), _without(registry, "codes", "bits")
        for code, value in registry.get("codes", {}).items() if name != derived else ():
            yield ("code", f"{name}.{code}"), _without(value)
        for bit, value in registry.get("bits", {}).items():
            yield ("flag", f"{name}.{bit}"), _without(value)
    for where, link in described["chain"].items():
        yield ("hash", where), dict(link)


def _structure(key: str, structure: dict[str, Any]) -> Iterator[tuple[_Item, dict[str, Any]]]:
    fields = structure["fields"]
    order = None if fields is None else list(fields)
    yield ("structure", key), {**_without(structure, "fields"), "fields": order}
    for name, field in (fields or {}).items():
        where = f"{key}.{name}"
        yield ("field", where), _without(field, "entry", "cases")
        if "entry" in field:
            yield from _structure(f"{where}[]", field["entry"])
        for title, case in field.get("cases", {}).items():
            yield from _structure(f"{where}<{title}>", case)


def _without(value: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: inner for key, inner in value.items() if key not in (*keys, "since")}
