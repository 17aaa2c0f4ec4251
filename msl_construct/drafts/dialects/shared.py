"""What several dialects lay out alike: zeros behind a payload."""

from __future__ import annotations

from ...schema.fields import Field
from ...schema.layout import Layout
from .vocabulary import Padding

__all__ = ["PADDING", "SECTION", "padded"]

SECTION = "§6"
"""Where draft-2026-10 has the tables of the investigation."""

PADDING = Field("Padding", Padding(), "Zeros up to the next block.", optional=True)


def padded(layout: Layout, since: str) -> Layout:
    """A layout with the zeros behind it that align the next block."""
    return layout.appending(since, PADDING)
