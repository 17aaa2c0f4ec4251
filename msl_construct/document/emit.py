"""Writing a document as JSON or YAML, part by part, never holding more than one block.

YAML is written here and not by PyYAML because page data must pass through in pieces, and
because every UUID, hash, path and time has to be quoted: only names of the schema and
numbers stand bare. tests read the result back with PyYAML.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from ..characters import escape_for_json, escape_for_yaml
from ..schema.codes import Name
from ..schema.raw import Base64

__all__ = ["write_json", "write_ndjson", "write_yaml"]

Write = Callable[[str], Any]

_GROUP = 3 << 18  # bytes of data to a piece of base64: a multiple of three
_YAML_WORDS = frozenset(["null", "true", "false", "yes", "no", "on", "off", "y", "n"])
_FLOW_KEYS = 3


class _Streamed(Exception):
    pass


def _refuse(_: Any) -> Any:
    raise _Streamed


_encode = json.JSONEncoder(ensure_ascii=False, default=_refuse).encode


def _data(leaf: Base64, write: Write) -> None:
    """Base64 in pieces; the source's own pieces may have any length."""
    held = b""
    for chunk in leaf.extent.chunks(_GROUP):
        held += bytes(chunk)
        whole = len(held) // 3 * 3
        write(base64.b64encode(held[:whole]).decode("ascii"))
        held = held[whole:]
    write(base64.b64encode(held).decode("ascii"))


def _json(value: Any, write: Write) -> None:
    """One value on one line."""
    try:
        write(escape_for_json(_encode(value)))
        return
    except _Streamed:
        pass
    if isinstance(value, Base64):
        write('"')
        _data(value, write)
        write('"')
    elif isinstance(value, Mapping):
        between = "{"
        for key, inner in value.items():
            write(f"{between}{_encode(key)}: ")
            _json(inner, write)
            between = ", "
        write("}" if value else "{}")
    else:
        write("[")
        between = ""
        for inner in value:
            write(between)
            _json(inner, write)
            between = ", "
        write("]")


def write_json(parts: Iterable[tuple[str, Any]], write: Write) -> None:
    """A JSON document: one line a part, one line a block."""
    between = "{\n"
    for key, value in parts:
        write(f"{between}{_encode(key)}: ")
        between = ",\n"
        if isinstance(value, Iterator):
            _json_lines(value, write)
        else:
            _json(value, write)
    write("\n}\n")


def _json_lines(values: Iterator[Any], write: Write) -> None:
    between = "[\n"
    for value in values:
        if isinstance(value, str):  # a `Line`: whatever else is listed is a mapping
            write(between + value)
        else:
            write(between)
            _json(value, write)
        between = ",\n"
    write("[]" if between == "[\n" else "\n]")


def write_ndjson(parts: Iterable[tuple[str, Any]], write: Write) -> None:
    """JSON lines: the first has ``record: document``, then a line a record with its kind."""
    head: dict[str, Any] = {"record": "document"}
    for key, value in parts:
        if not isinstance(value, Iterator) and key != "trailing":
            head[key] = value
            continue
        if head:
            _json(head, write)
            write("\n")
            head = {}
        if key == "trailing":
            _json({"record": key, "trailing": value}, write)
            write("\n")
            continue
        for row in value:
            if key == "segments":
                blocks = row.pop("blocks")
                _json({"record": "segment", **row}, write)
                write("\n")
                for block in blocks:
                    _json({"record": "block", "segment": row["index"], **block}, write)
                    write("\n")
                continue
            _json({"record": key.removesuffix("s"), **row}, write)
            write("\n")
    if head:
        _json(head, write)
        write("\n")


# -- YAML ------------------------------------------------------------------------------


def _scalar(value: Any) -> str | None:
    """A YAML scalar, or None for anything that isn't one."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, str):
        if isinstance(value, Name) and value not in _YAML_WORDS:
            return value
        return escape_for_yaml(json.dumps(value, ensure_ascii=False))
    return None


def _flow(value: Any) -> str | None:
    """Short values on one line: lists of scalars, small mappings of scalars."""
    scalar = _scalar(value)
    if scalar is not None:
        return scalar
    if isinstance(value, Mapping):
        if len(value) > _FLOW_KEYS:
            return None
        pairs = [(key, _scalar(inner)) for key, inner in value.items()]
        if any(text is None for _, text in pairs):
            return None
        return "{" + ", ".join(f"{key}: {text}" for key, text in pairs) + "}"
    if isinstance(value, (list, tuple)):
        texts = [_scalar(inner) for inner in value]
        if any(text is None for text in texts):
            return None
        return "[" + ", ".join(text for text in texts if text is not None) + "]"
    return None


def _yaml(value: Any, write: Write, indent: str, lead: str) -> None:
    """A value behind `lead` (``key:`` or ``-``), nested ones on lines of their own."""
    flow = _flow(value)
    if flow is not None:
        write(f"{lead} {flow}\n")
        return
    if isinstance(value, Base64):
        write(f'{lead} "')
        _data(value, write)
        write('"\n')
        return
    if isinstance(value, Mapping):
        begin = f"{lead} " if lead.endswith("-") else f"{lead}\n"
        inner_indent = indent + "  "
        first = lead.endswith("-")
        write(begin)
        for key, inner in value.items():
            _yaml(inner, write, inner_indent, f"{'' if first else inner_indent}{key}:")
            first = False
        return
    write(lead)
    empty = True
    for inner in value:
        if empty:
            write("\n")
            empty = False
        _yaml(inner, write, indent, f"{indent}-")
    if empty:
        write(" []\n")


def write_yaml(parts: Iterable[tuple[str, Any]], write: Write) -> None:
    """A YAML document, block by block."""
    for key, value in parts:
        _yaml(value, write, "", f"{key}:")
