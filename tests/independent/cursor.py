"""A position in a payload, and what every layout reads from there."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

Document = dict[str, Any]


class Damage(Exception):
    """The next field does not fit."""


class Cursor:
    """A position in a payload; ``base`` is the payload's offset in the file, 0 when inflated."""

    def __init__(self, data: memoryview, order: str, base: int, revised: bool) -> None:
        self.data = data
        self.order = order
        self.base = base
        self.revised = revised  # draft-2026-10
        self.pos = 0

    @property
    def left(self) -> int:
        return len(self.data) - self.pos

    def take(self, size: int, what: str) -> bytes:
        if size > self.left:
            raise Damage(f"{what}: {size} bytes wanted, {self.left} left")
        out = bytes(self.data[self.pos : self.pos + size])
        self.pos += size
        return out

    def _int(self, code: str, size: int, what: str) -> int:
        return int(struct.unpack(self.order + code, self.take(size, what))[0])

    def u8(self, what: str) -> int:
        return self._int("B", 1, what)

    def u16(self, what: str) -> int:
        return self._int("H", 2, what)

    def u32(self, what: str) -> int:
        return self._int("I", 4, what)

    def u64(self, what: str) -> int:
        return self._int("Q", 8, what)

    def text(self, length: int, what: str) -> Any:
        """A string whose length field holds ``length``; stored padded to 8."""
        if length == 0:
            return None
        raw = self.take((length + 7) // 8 * 8, what)
        content, nul, behind = raw[:length].partition(b"\0")
        try:
            value = content.decode("utf-8")
        except UnicodeDecodeError:
            nul = b""
        if nul and not behind and not any(raw[length:]):
            return value
        return {"text": content.decode("utf-8", errors="replace"), "raw": raw.hex()}

    def plain_text(self, length: int, what: str, *, padding: bool = True) -> Any:
        """A string of ``length`` bytes without NUL; stored padded to 8 unless told otherwise."""
        if length == 0:
            return None
        raw = self.take((length + 7) // 8 * 8 if padding else length, what)
        try:
            value = raw[:length].decode("utf-8")
        except UnicodeDecodeError:
            return {"text": raw[:length].decode("utf-8", errors="replace"), "raw": raw.hex()}
        # A NUL among the bytes is a character like any other: nothing ends at it.
        return {"text": value, "raw": raw.hex()} if any(raw[length:]) else value

    def within(self, size: int, what: str) -> Cursor:
        """A cursor over the next ``size`` bytes alone, which this one leaves behind."""
        start = self.pos
        self.take(size, what)
        inner = Cursor(self.data[: self.pos], self.order, self.base, self.revised)
        inner.pos = start
        return inner

    def rest(self) -> Any:
        """Everything left: its hex, or where it is when that would be long."""
        if self.left > 256:
            return {"offset": hex(self.base + self.pos), "length": self.left}
        return bytes(self.data[self.pos :]).hex()


def entries(
    c: Cursor, d: Document, key: str, count: int, read: Callable[[Cursor, Document], None]
) -> None:
    """``count`` entries; one that doesn't fit leaves the whole ones and goes to the rest."""
    rows: list[Document] = []
    d[key] = rows
    for _ in range(count):
        start = c.pos
        row: Document = {}
        try:
            read(c, row)
        except Damage as damage:
            c.pos = start
            raise Damage(f"{key}[{len(rows)}]: {damage}") from None
        rows.append(row)
