"""Reading a document that is JSON, or JSON lines: by the C scanner, and a key twice is refused.

The scanner tells no places. Where something is wrong, the text of the block that it is in is
gone through a second time.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from ..abbreviated import abbreviated
from ..errors import DocumentError
from .field_path import Step, steps_of
from .plain_scalars import LONGEST_NUMBER
from .shape import LISTS
from .text import Text

__all__ = ["JsonDocument", "JsonLines", "begins_json_lines"]

_DEEPEST = 64
_SPACE = re.compile(r"[ \t\n\r]*")
_WORD = re.compile(r"[-+.\w]+")


class _Refused(Exception):
    """What the scanner's hooks refuse, on its way out of the scanner."""


def _mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Refused
    return found


def _no_number(text: str) -> Any:
    raise _Refused


_DECODER = json.JSONDecoder(object_pairs_hook=_mapping, parse_constant=_no_number)
_PLAIN = json.JSONDecoder(parse_int=str)  # to pass over values


class JsonDocument:
    """The parts of a JSON document, decoded a block at a time.

    Args:
        text: all of it.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._field = ""
        self._begin = 0

    def parts(self) -> Iterator[tuple[str, Any]]:
        """``(key, value)`` in order; ``blocks`` and ``segments`` are iterators.

        Raises:
            DocumentError: it is broken, or does not mean one thing.
        """
        seen: set[str] = set()
        self._expect("{")
        more = self._peek() != "}"
        while more:
            self._field, self._begin = "", self._skip()
            if self._peek() != '"':
                raise self._broken("expected a key in double quotes")
            key = self._value()
            if key in seen:
                raise self._wrong(self._begin, f"{abbreviated(key)} stands here a second time")
            seen.add(key)
            self._expect(":")
            self._field, self._begin = key, self._skip()
            if key in LISTS and self._peek() == "[":
                rows = self._rows(key)
                yield key, rows
                for _ in rows:
                    pass
            else:
                yield key, self._value()
            more = self._peek() == ","
            if more:
                self._at += 1
        self._field = ""
        self._expect("}")
        if self._skip() < len(self._text):
            raise self._broken("expected the end behind the document")

    def line_of(self, field: str) -> int:
        """The line of a value that was read last, or of what it stands in."""
        own, steps = steps_of(self._field), steps_of(field)
        at = self._at
        if own and not steps:
            at = self._begin
        elif own and steps[: len(own)] == own:
            at = _place(self._text, self._begin, steps[len(own) :])
        return self._line(at)

    def _rows(self, key: str) -> Iterator[Any]:
        self._expect("[")
        count = 0
        more = self._peek() != "]"
        while more:
            self._field, self._begin = f"{key}[{count}]", self._skip()
            yield self._value()
            count += 1
            more = self._peek() == ","
            if more:
                self._at += 1
        self._field = key
        self._expect("]")

    def _value(self) -> Any:
        """The value that comes next."""
        begin = self._skip()
        try:
            value, self._at = _DECODER.raw_decode(self._text, begin)
        except json.JSONDecodeError as error:
            raise self._wrong(error.pos, f"not JSON: {error.msg.lower()}") from None
        except (_Refused, RecursionError, ValueError):
            raise self._wrong(*_fault(self._text, begin)) from None
        return value

    def _skip(self) -> int:
        """Where the next character is that isn't blank."""
        found = _SPACE.match(self._text, self._at)
        assert found is not None
        self._at = found.end()
        return self._at

    def _peek(self) -> str:
        at = self._skip()
        return self._text[at : at + 1]

    def _expect(self, mark: str) -> None:
        if self._peek() != mark:
            raise self._broken(f"expected {mark}")
        self._at += 1

    def _broken(self, expected: str) -> DocumentError:
        found = self._text[self._at : self._at + 8] or "the end"
        return self._wrong(self._at, f"not JSON: {expected}, found {abbreviated(found)}")

    def _wrong(self, at: int, reason: str) -> DocumentError:
        column = at - self._text.rfind("\n", 0, at)
        return DocumentError(f"{reason} (column {column})", line=self._line(at))

    def _line(self, at: int) -> int:
        return self._text.count("\n", 0, at) + 1


class JsonLines:
    """The parts of a document in JSON lines, as `write_ndjson` writes them."""

    def __init__(self, text: Text) -> None:
        self._text = text
        self._line = 1
        self._held: dict[str, Any] | None = None

    def parts(self) -> Iterator[tuple[str, Any]]:
        """``(key, value)`` in order; ``blocks``, ``segments`` and their blocks are iterators.

        Raises:
            DocumentError: a line is broken, or does not mean one thing.
        """
        while (line := self._text.readline()).isspace():
            self._line = self._text.line
        head = self._record(line)
        for key in (*LISTS, "trailing"):
            if key in head:
                raise self._wrong(f"{key}: expected records of their own")
        yield from ((key, value) for key, value in head.items() if key != "record")
        yield "blocks", self._of_kind("block")
        yield "segments", self._segments()
        trailing = self._take()
        if trailing is not None:
            if trailing.get("record") != "trailing":
                raise self._wrong(f"unexpected record {abbreviated(trailing.get('record'))}")
            yield "trailing", trailing.get("trailing")
        if self._take() is not None:
            raise self._wrong("expected nothing behind the trailing record")

    def line_of(self, field: str) -> int:
        """The line of the record that was read last."""
        return self._line

    def _take(self) -> dict[str, Any] | None:
        held, self._held = self._held, None
        if held is not None:
            return held
        while line := self._text.readline():
            self._line = self._text.line - line.endswith("\n")
            if not line.isspace():
                return self._record(line)
        return None

    def _record(self, line: str) -> dict[str, Any]:
        try:
            row = _DECODER.decode(line)
        except json.JSONDecodeError as error:
            raise self._wrong(f"not JSON: {error.msg.lower()} (column {error.pos + 1})") from None
        except (_Refused, RecursionError, ValueError):
            at, reason = _fault(line, 0)
            raise self._wrong(f"{reason} (column {at + 1})") from None
        if not isinstance(row, dict):
            raise self._wrong(f"expected one record a line, found {abbreviated(row)}")
        return row

    def _of_kind(self, kind: str, segment: Any = None) -> Iterator[dict[str, Any]]:
        while (row := self._take()) is not None:
            if row.get("record") != kind or row.get("segment") != segment:
                self._held = row
                return
            row.pop("record")
            row.pop("segment", None)
            yield row

    def _segments(self) -> Iterator[dict[str, Any]]:
        for row in self._of_kind("segment"):
            if "blocks" in row:
                raise self._wrong("blocks: expected records of their own")
            yield {**row, "blocks": self._of_kind("block", row.get("index"))}

    def _wrong(self, reason: str) -> DocumentError:
        return DocumentError(reason, line=self._line)


def begins_json_lines(line: str) -> bool:
    """Whether a line is the first record of JSON lines."""
    if '"record"' not in line:
        return False
    try:
        found = _PLAIN.decode(line)
    except (RecursionError, ValueError):
        return False  # read as a whole document, it will be said what is wrong
    return isinstance(found, dict) and found.get("record") == "document"


# -- places ------------------------------------------------------------------------------


def _place(text: str, at: int, steps: list[Step]) -> int:
    """Where a path leads from a value that is whole, as far as it leads."""
    shown = at
    for step in steps:
        for number, (name, begin) in enumerate(_members(text, at)):
            if step == (number if name is None else _PLAIN.raw_decode(text, name)[0]):
                shown = begin if name is None else name
                at = begin
                break
        else:
            break
    return shown


def _members(text: str, at: int) -> Iterator[tuple[int | None, int]]:
    """Where the keys (None in a list) and values of a mapping or list begin."""
    opened = text[at]
    if opened not in "{[":
        return
    at = _behind(text, at + 1)
    while text[at] not in "}]":
        name = at if opened == "{" else None
        if name is not None:
            at = _behind(text, _PLAIN.raw_decode(text, at)[1]) + 1  # the colon
            at = _behind(text, at)
        yield name, at
        at = _behind(text, _PLAIN.raw_decode(text, at)[1])
        if text[at] == ",":
            at = _behind(text, at + 1)


def _behind(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    assert found is not None
    return found.end()


def _fault(text: str, at: int) -> tuple[int, str]:
    """Where a value that the scanner's hooks refused has what they refused, and what it is."""
    for _ in range(_DEEPEST + 1):
        keys: set[str] = set()
        for name, begin in _members(text, at):
            if name is not None:
                key = _PLAIN.raw_decode(text, name)[0]
                if key in keys:
                    return name, f"{abbreviated(key)} stands here a second time"
                keys.add(key)
            if not _is_taken(text, begin):
                at = begin
                break
        else:
            return at, _word_fault(text, at)
    return at, f"nested more than {_DEEPEST} deep"


def _is_taken(text: str, at: int) -> bool:
    try:
        _DECODER.raw_decode(text, at)
    except (_Refused, RecursionError, ValueError):
        return False
    return True


def _word_fault(text: str, at: int) -> str:
    found = _WORD.match(text, at)
    word = found.group() if found is not None else ""
    if len(word) > LONGEST_NUMBER:
        return f"expected a number that a field can hold, found {abbreviated(word)}"
    return f"not JSON: expected what JSON has, found {abbreviated(word)}"
