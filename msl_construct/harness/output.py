"""From what a decoder printed to a document, whatever it printed."""

from __future__ import annotations

import json
import threading
from typing import Any, NoReturn

__all__ = ["NoDocument", "parse"]

_ONE_AT_A_TIME = threading.Lock()
"""JSON may take twenty times its own size in memory; so much at once is enough."""


class NoDocument(Exception):
    """It is not one JSON object; the text says why."""


def parse(raw: bytes) -> dict[str, Any]:
    """The document in a decoder's output.

    Stricter than `json`: no NaN, no key twice in an object, UTF-8 without a mark.

    Raises:
        NoDocument: there is none, or more than one.
    """
    if not raw.strip():
        raise NoDocument("nothing on stdout")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NoDocument(f"not UTF-8 at byte {error.start}") from None
    try:
        with _ONE_AT_A_TIME:
            found = json.loads(text, parse_constant=_constant, object_pairs_hook=_object)
    except NoDocument:
        raise
    except RecursionError:
        raise NoDocument("JSON that is nested too deeply") from None
    except ValueError as error:  # the interpreter's bound on the digits of a number as well
        raise NoDocument(f"no JSON: {error}") from None
    if not isinstance(found, dict):
        raise NoDocument(f"JSON, but no object: {type(found).__name__}")
    return found


def _constant(name: str) -> NoReturn:
    raise NoDocument(f"{name} is no JSON")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise NoDocument(f"the key {json.dumps(key[:40])} twice in an object")
            seen.add(key)
    return found
