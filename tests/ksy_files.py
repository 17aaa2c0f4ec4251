"""A .ksy as the tests look at it: parsed by a YAML library, and its types as plain fields."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

Node = dict[Any, Any]


def parsed(text: str) -> Node:
    """The document; keys keep their order, and a key that stands twice is an error."""
    return yaml.load(text, _Loader)  # type: ignore[no-any-return]


_SAFE: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the same in C where there is one


class _Loader(_SAFE):  # type: ignore[misc]
    """A key that stands twice is one of two fields lost, which YAML libraries let pass."""


def _mapping(loader: Any, node: yaml.MappingNode) -> Node:
    pairs = [
        (loader.construct_object(k), loader.construct_object(v, deep=True)) for k, v in node.value
    ]
    found: Node = {}
    for key, value in pairs:
        assert key not in found, f"{key} stands twice at {node.start_mark}"
        found[key] = value
    return found


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)


def specified(attribute: Node) -> str | None:
    """The specification's name of an attribute, if it is a field of the specification."""
    return attribute.get("-orig-id")


def fixed_size(attribute: Node) -> int | None:
    """Bytes of an attribute whose size is no expression."""
    kind = attribute.get("type")
    if isinstance(kind, str) and kind[0] == "u" and kind[1:].isdigit():
        return int(kind[1:])
    if isinstance(attribute.get("contents"), str):
        return len(attribute["contents"])
    size = attribute.get("size")
    return size if isinstance(size, int) else None


def fields(ksy: Node, type_id: str) -> list[tuple[str, Any]]:
    """The specification's fields of a type, in the form of `facts`: name and size.

    A table's size is the list of its entry's fields, a choice's the mapping of its cases;
    page data, which is no stored attribute but read on demand, stands behind the others.
    """
    body = ksy["types"][type_id]
    found: list[tuple[str, Any]] = []
    for attribute in body["seq"]:
        name = specified(attribute)
        if name is None:
            continue
        kind = attribute.get("type")
        if isinstance(kind, dict):
            cases = {c: fields(ksy, t) for c, t in kind["cases"].items() if c != "_"}
            found.append((name, cases))
        elif "repeat" in attribute:
            found.append((name, fields(ksy, kind)))
        else:
            found.append((name, fixed_size(attribute)))
    for instance in body.get("instances", {}).values():
        if instance.get("size-eos") and specified(instance):
            found.append((specified(instance) or "", None))
    return found


def attributes(ksy: Node) -> Iterator[tuple[str, str, Node]]:
    """``(where, id, attribute)`` of everything in every `seq` and `instances`."""
    bodies = {"root": ksy, **ksy["types"]}
    for key, body in bodies.items():
        for attribute in body.get("seq", []):
            yield f"{key}.seq", attribute["id"], attribute
        for name, instance in body.get("instances", {}).items():
            yield f"{key}.instances", name, instance
