"""What there is to know of a block type."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from ..cursor import Cursor, Document


class BlockFacts(NamedTuple):
    """A block type of draft-2026-10, typed from its text.

    Attributes:
        code: its BlockType.
        name: as the specification writes it.
        fields: name and width of each field; None is a width that another field gives. A list
            in place of the width has the fields of an entry.
        read: decodes a payload.
        typical: the payload of a block that conforms, in an order of `struct`.
        in_segment: whether it may stand in an extension segment.
    """

    code: int
    name: str
    fields: list[tuple[str, Any]]
    read: Callable[[Cursor, Document], None]
    typical: Callable[[str], bytes]
    in_segment: bool = False

    @property
    def key(self) -> str:
        """Its name in documents."""
        return re.sub("[ -]", "_", self.name).lower()
