"""How a value is shown in a message: never longer than a line, whatever it is.

What a document or a caller hands over may be a text of a gigabyte, a number of a million digits
or a list that holds one list a million times over. `repr` walks all of it, and so does
`reprlib` for every class it has not heard of.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from uuid import UUID

__all__ = ["abbreviated", "abbreviated_hex"]

_TEXT = 48
_BITS = 128
_ITEMS = 4
_DEPTH = 2
_WHOLE = 120


def abbreviated(value: object) -> str:
    """A value as Python writes it, cut where that gets long.

    Nothing is looked at that is not shown: time and memory are bounded for any value.
    """
    shown = _shown(value, _DEPTH)
    return shown if len(shown) <= _WHOLE else f"{shown[: _WHOLE - 1]}…"


def abbreviated_hex(raw: bytes) -> str:
    """Bytes in hex, cut where that gets long."""
    return raw[:_TEXT].hex() + _left(len(raw) - _TEXT, "bytes")


def _shown(value: object, depth: int) -> str:
    if value is None or isinstance(value, (bool, float, UUID)):
        return repr(value)
    if isinstance(value, int):
        bits = value.bit_length()
        return repr(value) if bits <= _BITS else f"a number of {bits} bits"
    if isinstance(value, str):
        return repr(value[:_TEXT]) + _left(len(value) - _TEXT, "characters")
    if isinstance(value, (bytes, bytearray)):
        return repr(bytes(value[:_TEXT])) + _left(len(value) - _TEXT, "bytes")
    if isinstance(value, Mapping):
        return _listed("{}", _pairs(value, depth), len(value)) if depth else "{…}"
    if isinstance(value, tuple):
        return _listed("()", _items(value, depth), len(value)) if depth else "(…)"
    if isinstance(value, (list, set, frozenset)):
        return _listed("[]", _items(value, depth), len(value)) if depth else "[…]"
    return f"an object of {type(value).__name__}"


def _left(count: int, unit: str) -> str:
    return f"… and {count} {unit} more" if count > 0 else ""


def _pairs(value: Mapping[object, object], depth: int) -> Iterable[str]:
    for key, inner in islice(value.items(), _ITEMS):
        yield f"{_shown(key, depth - 1)}: {_shown(inner, depth - 1)}"


def _items(value: Iterable[object], depth: int) -> Iterable[str]:
    return (_shown(inner, depth - 1) for inner in islice(value, _ITEMS))


def _listed(brackets: str, shown: Iterable[str], count: int) -> str:
    texts = [*shown, *(["…"] if count > _ITEMS else [])]
    return f"{brackets[0]}{', '.join(texts)}{brackets[1]}"
