"""The .ksy as Kaitai's format gallery wants it: names of lengths, counts and offsets say so.

Everything else is that of the plain .ksy. There names are the specification's, here a length is
``len_`` and what it is of, a count ``num_`` and what is counted, an offset ``ofs_`` and to what.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from .structures import document
from .style import Node, Prose, emitted

if TYPE_CHECKING:
    from ...schema import Draft

__all__ = ["export", "renamed_fields"]

_ROOT = ""
"""Name under which the fields of the file itself are renamed."""
_ENDINGS = (
    (re.compile(r"(\w+)_(?:len|length|size)"), "len_{}"),
    (re.compile(r"(\w+)_count"), "num_{}s"),
    (re.compile(r"(\w+)_offset"), "ofs_{}"),
)
_EXPRESSIONS = (
    *("size", "value", "pos", "io", "if", "switch-on"),
    *("repeat-expr", "repeat-until"),
)
_WORD = re.compile(r"(?<![\w.:'])[a-z_][a-z0-9_]*(?:\.[a-z_][a-z0-9_]*)*(?![\w:'])")
_ID = re.compile(r"[a-z][a-z0-9_]*")
_ORIGINATOR = "memslicer"


def export(draft: Draft) -> str:
    """The .ksy of a draft for the format gallery.

    Raises:
        ExportError: a declaration, or the name of one, that some target language can't take.
    """
    found = document(draft)
    names = _renamed(found)
    meta = {**found["meta"], "id": "msl", "application": _ORIGINATOR}
    types = {name: _type(node, names, names.get(name, {})) for name, node in found["types"].items()}
    root = _type({"seq": found["seq"]}, names, names.get(_ROOT, {}))
    return emitted(
        {**found, "meta": meta, "doc": _prose(found["doc"]), "seq": root["seq"], "types": types}
    )


def renamed_fields(draft: Draft) -> dict[str, dict[str, str]]:
    """New names by those of the plain .ksy, for each type; those of the file under ``""``."""
    return _renamed(document(draft))


def _prose(text: str) -> Prose:
    """What the file says of itself, without what it says of names."""
    parts = text.split("\n\n")
    parts[1] = (
        "-orig-id has the specification's own spelling. A field of a registry is a number, "
        "NAME_code, and an instance NAME with its enumeration, so that unregistered numbers are "
        "kept; text is its stored bytes, NAME_raw, and an instance NAME that is decoded when it "
        "is asked for, so that bytes that are not UTF-8 don't end the parse."
    )
    return Prose("\n\n".join(parts))


def _renamed(found: Node) -> dict[str, dict[str, str]]:
    nodes = {_ROOT: {"seq": found["seq"]}, **found["types"]}
    names = {name: dict(_of_type(node)) for name, node in nodes.items()}
    return {name: one for name, one in names.items() if one}


def _of_type(node: Node) -> Iterator[tuple[str, str]]:
    """Names that say another thing than their use."""
    fields = [(one["id"], one) for one in node.get("seq", ())]
    fields += node.get("instances", {}).items()
    taken = {name for name, _ in fields}
    used: dict[str, set[str]] = {}
    for name, one in fields:
        for key, prefix in (("size", "len_"), ("repeat-expr", "num_")):
            count = str(one.get(key, ""))
            if _ID.fullmatch(count) and count in taken:
                used.setdefault(count, set()).add(prefix + name)
    for name, _ in fields:
        exact = used.get(name, set())
        new = exact.pop() if len(exact) == 1 else next(_by_ending(name), name)
        if new != name and new not in taken:
            taken.add(new)
            yield name, new


def _by_ending(name: str) -> Iterator[str]:
    for pattern, form in _ENDINGS:
        found = pattern.fullmatch(name)
        if found:
            yield form.format(found[1])


def _type(node: Node, names: Mapping[str, Mapping[str, str]], own: Mapping[str, str]) -> Node:
    found = dict(node)
    if "seq" in node:
        found["seq"] = [
            _attribute({**one, "id": own.get(one["id"], one["id"])}, names, own)
            for one in node["seq"]
        ]
    if "instances" in node:
        found["instances"] = {
            own.get(name, name): _attribute(one, names, own)
            for name, one in node["instances"].items()
        }
    return found


def _attribute(node: Node, names: Mapping[str, Mapping[str, str]], own: Mapping[str, str]) -> Node:
    found: Node = {}
    for key, value in node.items():
        if key in _EXPRESSIONS and isinstance(value, str):
            value = _expression(value, names, own)
        elif key == "type" and isinstance(value, dict):
            value = {**value, "switch-on": _expression(value["switch-on"], names, own)}
        found[key] = value
    return found


def _expression(text: str, names: Mapping[str, Mapping[str, str]], own: Mapping[str, str]) -> str:
    """An expression with the names that it refers to."""
    elsewhere = {old: new for one in names.values() for old, new in one.items()}

    def renamed(found: re.Match[str]) -> str:
        first, *others = found[0].split(".")
        if first == "_root" and others:
            others[0] = names.get(_ROOT, {}).get(others[0], others[0])
            return ".".join((first, *others))
        others = [elsewhere.get(one, one) for one in others]
        return ".".join((own.get(first, first), *others))

    new = _WORD.sub(renamed, text)
    return new if type(text) is str else type(text)(new)
