"""What is searched for: bytes with wildcards, texts, numbers, regular expressions, pointers."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, replace

from ..abbreviated import abbreviated
from ..errors import PatternError
from ..schema import ByteOrder

__all__ = [
    "SearchPattern",
    "base64_patterns",
    "hex_pattern",
    "integer_pattern",
    "pointer_pattern",
    "regex_pattern",
    "reversed_pattern",
    "text_pattern",
]

_MOST = 1 << 16
"""Bytes of a pattern of bytes, jumps included."""
_LEAST_ENCODED = 4
_WIDTHS = (1, 2, 4, 8)
_TOKEN = re.compile(r"\s+|([0-9a-fA-F?]{2})|\[(\d+)(?:-(\d+))?\]")


@dataclass(frozen=True)
class SearchPattern:
    """Something to look for.

    Attributes:
        kind: ``hex``, ``text``, ``utf16``, ``base64``, ``reversed``, ``regex``, ``int`` or
            ``pointer``.
        given: as it was given, for people.
        expression: what is matched, on bytes.
        literal: bytes that every match holds, `before` bytes behind its start; empty: none are
            known, or not where.
        before: see above.
        longest: bytes that a match can have; longer ones are not found across two pieces.
        bounds: of pointers: first value and the one behind the last; None otherwise.
        width, align: of pointers, bytes; `width` of strings, too.
        runs: of strings: encoding and fewest characters; None otherwise.
    """

    kind: str
    given: str
    expression: re.Pattern[bytes] | None
    literal: bytes = b""
    before: int = 0
    longest: int = 0
    bounds: tuple[int, int] | None = None
    width: int = 8
    align: int = 1
    runs: tuple[str, int] | None = None


def hex_pattern(text: str) -> SearchPattern:
    """Bytes in hexadecimal: ``4d5a??90``, ``4?`` for a half, ``[4]`` or ``[2-6]`` for a jump.

    Raises:
        PatternError: it is none.
    """
    parts: list[bytes] = []
    fixed: list[tuple[int, bytearray]] = []  # pieces of fixed bytes at a fixed place
    at, longest, certain, position = 0, 0, True, 0
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None:
            raise PatternError(
                f"--hex {abbreviated(text)}: character {position + 1}: expected two digits, ?? or "
                "a jump as in [2-6]"
            )
        position = found.end()
        if found[1]:
            part, value = _byte(found[1].lower())
            parts.append(part)
            if value is not None and certain:
                if not fixed or fixed[-1][0] + len(fixed[-1][1]) != at:
                    fixed.append((at, bytearray()))
                fixed[-1][1].append(value)
            at += 1
            longest += 1
        elif found[2]:
            least, most = int(found[2][:9]), int((found[3] or found[2])[:9])
            if least > most:
                raise PatternError(f"--hex: the jump {found[0]} ends before it begins")
            if most > _MOST:
                raise PatternError(f"--hex: the jump {found[0]}: expected at most {_MOST} bytes")
            parts.append(b"[\\x00-\\xff]{%d,%d}?" % (least, most))
            certain = certain and least == most
            at += least
            longest += most
        if longest > _MOST:
            raise PatternError(f"--hex: expected at most {_MOST} bytes")
    if not any(part != _ANY and not part.endswith(b"?") for part in parts):
        raise PatternError(f"--hex {abbreviated(text)}: expected at least one byte that is known")
    before, literal = max(fixed, key=lambda one: len(one[1]), default=(0, bytearray()))
    expression = re.compile(b"".join(parts), re.DOTALL)
    return SearchPattern("hex", text, expression, bytes(literal), before, longest)


_ANY = b"[\\x00-\\xff]"


def _byte(digits: str) -> tuple[bytes, int | None]:
    """The expression of one byte, and its value if that is known."""
    high, low = digits[0], digits[1]
    if "?" not in digits:
        value = int(digits, 16)
        return b"\\x%02x" % value, value
    if digits == "??":
        return _ANY, None
    if low == "?":
        return f"[\\x{high}0-\\x{high}f]".encode(), None
    values = "".join(f"\\x{number:x}{low}" for number in range(16))
    return f"[{values}]".encode(), None


def text_pattern(text: str, encoding: str = "utf-8", *, ignore_case: bool = False) -> SearchPattern:
    """A text in an encoding: ``utf-8``, ``utf-16-le`` or ``utf-16-be``.

    Args:
        ignore_case: of the letters of ASCII.

    Raises:
        PatternError: it is empty, or the encoding can't say it.
    """
    try:
        data = text.encode(encoding)
    except UnicodeEncodeError as error:
        raise PatternError(f"{abbreviated(text)}: not to be said in {encoding}: {error}") from None
    if not data or len(data) > _MOST:
        raise PatternError(f"a text of {len(data)} bytes: expected 1 to {_MOST}")
    kind = "utf16" if encoding.startswith("utf-16") else "text"
    expression = re.compile(re.escape(data), re.IGNORECASE if ignore_case else 0)
    return SearchPattern(kind, text, expression, b"" if ignore_case else data, 0, len(data))


def reversed_pattern(text: str, encoding: str = "utf-8") -> SearchPattern:
    """A text from its last character to its first.

    Raises:
        PatternError: it is empty, or the encoding can't say it.
    """
    return replace(text_pattern(text[::-1], encoding), kind="reversed", given=text)


def base64_patterns(text: str, encoding: str = "utf-8") -> list[SearchPattern]:
    """What a text is in base64, whatever stands in front of it and behind it.

    There are three forms, since three bytes become four letters, and as many again where the
    alphabet for names and links has others. Letters that depend on what is around it are
    no part of them.

    Raises:
        PatternError: it has fewer than four bytes, or the encoding can't say it.
    """
    data = text_pattern(text, encoding).literal
    if len(data) < _LEAST_ENCODED:
        raise PatternError(
            f"--base64 {abbreviated(text)}: expected at least {_LEAST_ENCODED} bytes"
        )
    forms: dict[bytes, None] = {}
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for shift in range(3):
            letters = encode(bytes(shift) + data)
            forms[letters[-(-8 * shift // 6) : 8 * (shift + len(data)) // 6]] = None
    return [
        SearchPattern("base64", text, re.compile(re.escape(form)), form, 0, len(form))
        for form in forms
    ]


def integer_pattern(value: int, width: int, order: ByteOrder) -> SearchPattern:
    """A number of 1, 2, 4 or 8 bytes, signed or not, in the byte order of the target.

    Args:
        order: of the target.

    Raises:
        PatternError: it does not fit.
    """
    if width not in _WIDTHS:
        raise PatternError(f"--width {width}: expected 1, 2, 4 or 8 bytes")
    bits = 8 * width
    if not -(1 << bits - 1) <= value < 1 << bits:
        raise PatternError(f"--int {value}: does not fit {width} byte{'s' * (width > 1)}")
    data = (value % (1 << bits)).to_bytes(width, "little" if order is ByteOrder.LITTLE else "big")
    return SearchPattern("int", str(value), re.compile(re.escape(data), re.DOTALL), data, 0, width)


def pointer_pattern(start: int, end: int, width: int = 8) -> SearchPattern:
    """A pointer into [start, end), at a multiple of its width.

    Raises:
        PatternError: the range is empty.
    """
    if start >= end:
        raise PatternError(f"--pointer-to {start:#x}..{end:#x}: expected a range that is not empty")
    return SearchPattern(
        "pointer", f"{start:#x}..{end:#x}", None, b"", 0, width, (start, end), width, width
    )


def regex_pattern(text: str, *, longest: int = 4096, ignore_case: bool = False) -> SearchPattern:
    """A regular expression on bytes (Python's `re`, dot matches everything).

    Args:
        text: the expression; characters beyond ASCII are their UTF-8 bytes.
        longest: bytes of a match that are sure to be found wherever it stands.

    Raises:
        PatternError: it is none, or matches nothing at all.
    """
    try:
        expression = re.compile(text.encode(), re.DOTALL | (re.IGNORECASE if ignore_case else 0))
    except (re.error, RecursionError, OverflowError) as error:
        raise PatternError(f"--regex {abbreviated(text)}: {error}") from None
    if expression.match(b""):
        raise PatternError(f"--regex {abbreviated(text)}: matches where nothing stands")
    return SearchPattern("regex", text, expression, b"", 0, longest)
