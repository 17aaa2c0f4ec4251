"""Reading a document: YAML and JSON a block at a time, JSON lines a record at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Any, Protocol

from .read_json import JsonDocument, JsonLines, begins_json_lines
from .text import Text

__all__ = ["Parts", "load"]


class _Reader(Protocol):
    def parts(self) -> Iterator[tuple[str, Any]]: ...

    def line_of(self, field: str) -> int: ...


class Parts(Iterator[tuple[str, Any]]):
    """``(key, value)`` of a document in order; ``blocks`` and ``segments`` are iterators.

    Each of those must be used up before the next part is asked for.

    Raises:
        DocumentError: the text is neither YAML nor JSON, or does not mean one thing; from each
            iterator when it gets there.
    """

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self._reader: _Reader | None = None
        self._parts: Iterator[tuple[str, Any]] | None = None

    def __next__(self) -> tuple[str, Any]:
        if self._parts is None:
            self._reader = _reader(Text(self._file))
            self._parts = self._reader.parts()
        return next(self._parts)

    def line_of(self, field: str) -> int | None:
        """The line of what was read last: of a field in it, or of where reading stands."""
        return None if self._reader is None else self._reader.line_of(field)


def load(file: IO[str]) -> Parts:
    """The parts of a document, read as they are asked for.

    Args:
        file: its text; bytes that are no UTF-8 are found where they are escaped
            (``errors="surrogateescape"``).
    """
    return Parts(file)


def _reader(text: Text) -> _Reader:
    """Whatever reads the form that a text begins with."""
    start = text.start()
    if start.startswith("{"):
        if begins_json_lines(text.first_line()):
            return JsonLines(text)
        if start[1:].lstrip()[:1] in ('"', "}", ""):  # else it is a mapping of YAML in braces
            return JsonDocument(text.read())
    from .read_yaml import YamlDocument  # PyYAML takes its time to be imported

    return YamlDocument(text)
