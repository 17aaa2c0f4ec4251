"""Characters that must not go out as they are: what acts on a terminal, and what nobody sees.

Text in a dump is an attacker's. By its Unicode category a character is shown, or it is escaped:
controls, formats (among them those that turn the direction of writing), line and paragraph
separators, surrogates, private use, whatever this interpreter's Unicode does not assign, and
spaces other than the plain one. A few are of a category that is shown and are blank all the same.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

__all__ = ["escape_for_json", "escape_for_people", "escape_for_yaml", "width_of"]

_BLANK = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
"""Of no category of its own: fillers, joiners and variation selectors that are marks or letters."""
_NOT_ASCII = re.compile(r"[^ -~]")


def escape_for_people(text: str) -> str:
    r"""Text of which everything that is there can be seen: ``\x1b``, ``\u202e``, ``\U000e0041``."""
    return _escaped(text, _long)


def escape_for_yaml(encoded: str) -> str:
    """The same inside of a double-quoted YAML scalar: what it stands for stays."""
    return _escaped(encoded, _long)


def escape_for_json(encoded: str) -> str:
    """The same inside of a JSON text, which has escapes of sixteen bits only."""
    return _escaped(encoded, _short)


def width_of(text: str) -> int:
    """How many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(unicodedata.category(c) in ("Mn", "Me") for c in text)


def _escaped(text: str, escape: Callable[[str], str]) -> str:
    if text.isprintable() and (text.isascii() or _BLANK.search(text) is None):
        return text
    return _NOT_ASCII.sub(
        lambda found: escape(found[0]) if _hidden(found[0]) else found[0],
        text,
    )


def _hidden(character: str) -> bool:
    return not character.isprintable() or _BLANK.match(character) is not None


def _long(character: str) -> str:
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _short(character: str) -> str:
    code = ord(character)
    if code < 0x10000:
        return f"\\u{code:04x}"
    high, low = divmod(code - 0x10000, 0x400)
    return f"\\u{0xD800 + high:04x}\\u{0xDC00 + low:04x}"
