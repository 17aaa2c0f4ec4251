"""What there is to know of a block type."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from ..cursor import Cursor, Document, entries

Fields = list[tuple[str, Any]]


class BlockFacts(NamedTuple):
    """A block type of draft-2026-10, typed from its text.

    Attributes:
        code: its BlockType.
        name: as the specification writes it.
        fields: name and width of each field; None is a width that another field gives. A list
            in place of the width has the fields of an entry.
        typical: the payload of a block that conforms, in an order of `struct`.
        reader: decodes a payload that holds more than `read_plain` knows.
        in_segment: whether it may stand in an extension segment.
    """

    code: int
    name: str
    fields: Fields
    typical: Callable[[str], bytes]
    reader: Callable[[Cursor, Document], None] | None = None
    in_segment: bool = False

    @property
    def key(self) -> str:
        """Its name in documents."""
        return re.sub("[ -]", "_", self.name).lower()

    @property
    def read(self) -> Callable[[Cursor, Document], None]:
        """Decodes a payload."""
        return self.reader or partial(read_plain, self.fields)


def read_plain(fields: Fields, c: Cursor, d: Document) -> None:
    """Fields that are shown as they are.

    Numbers, addresses (Addr in their names), times (names that end with At, Time or Timestamp),
    reserved bytes and others that are no number, a text whose length is in the field of its name
    with Len, and entries, which EntryCount counts.
    """
    for name, width in fields:
        key = re.sub("(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
        if isinstance(width, list):
            entries(c, d, key, d["entry_count"], partial(read_plain, width))
        elif width is None:
            d[key] = c.text(d[f"{key}_len"], key)
        elif key.startswith("reserved") or width not in (1, 2, 4, 8):
            d[key] = c.take(width, key).hex()
        elif width == 8 and "addr" in key:
            d[key] = f"{c.u64(key):#018x}"
        elif width == 8 and re.search("(^|_)(at|time|timestamp)$", key):
            d[key] = str(c.u64(key))
        else:
            d[key] = getattr(c, f"u{8 * width}")(key)
