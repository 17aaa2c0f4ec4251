"""The text of a document as it comes in: looked at before it is read, its lines counted."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import IO

from ..errors import DocumentError

__all__ = ["Text"]

_PIECE = 1 << 16
_BLANK_AT_MOST = 1 << 20
_SURROGATE = re.compile("[\ud800-\udfff]")
_ESCAPED = range(0xDC80, 0xDD00)  # bytes that errors="surrogateescape" could not decode


class Text:
    """A text stream whose beginning can be looked at.

    Attributes:
        line: the number of the line that begins, or goes on, with what is read next.
    """

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self._held: str | None = None
        self.line = 1

    def start(self) -> str:
        """What the text begins with from its first character that isn't blank, left in place.

        Raises:
            DocumentError: there is none.
        """
        if self._held is not None:
            return self._held.lstrip()
        held = self._take(_PIECE).removeprefix("\ufeff")
        while not held or held.isspace():
            more = self._take(_PIECE, held)
            if not more:
                raise DocumentError("the document is empty", line=self._end(held))
            held += more
            if len(held) > _BLANK_AT_MOST and held.isspace():
                raise DocumentError("expected a document, found blank lines", line=1)
        self._held = held
        return held.lstrip()

    def first_line(self) -> str:
        """The first line that isn't blank, left in place like `start`."""
        start = self.start()
        if "\n" not in start:
            self._held = f"{self._held}{self._checked(self._file.readline, self._held or '')}"
        return (self._held or "").lstrip().partition("\n")[0]

    def read(self, size: int = -1) -> str:
        """At most `size` characters; what PyYAML asks for."""
        held, self._held = self._held or "", None
        return self._passed(held + self._take(-1, held) if size < 0 else held or self._take(size))

    def readline(self) -> str:
        """The next line with what ends it; nothing at the end."""
        held, self._held = self._held or "", None
        end = held.find("\n") + 1
        if end:
            self._held = held[end:] or None
            return self._passed(held[:end])
        return self._passed(held + self._checked(self._file.readline, held))

    def _take(self, size: int, before: str = "") -> str:
        return self._checked(lambda: self._file.read(size), before)

    def _checked(self, read: Callable[[], str], before: str) -> str:
        """What comes next, behind what is held.

        Raises:
            DocumentError: it holds what is no UTF-8.
        """
        try:
            piece = read()
        except UnicodeDecodeError as error:
            line = self._end(before) + error.object.count(b"\n", 0, error.start)
            byte = error.object[error.start]
            raise DocumentError(f"expected UTF-8, found byte 0x{byte:02x}", line=line) from None
        except OSError as error:
            name = error.filename or getattr(self._file, "name", None)
            raise OSError(error.errno, error.strerror, name) from None
        bad = None if piece.isascii() else _SURROGATE.search(piece)
        if bad is None:
            return piece
        line = self._end(before) + piece.count("\n", 0, bad.start())
        code = ord(bad.group())
        found = f"byte 0x{code & 0xFF:02x}" if code in _ESCAPED else f"U+{code:04X}"
        raise DocumentError(f"expected UTF-8, found {found}", line=line)

    def _passed(self, piece: str) -> str:
        self.line += piece.count("\n")
        return piece

    def _end(self, held: str) -> int:
        return self.line + held.count("\n")
