"""Structures by the paths that differences have: ``handle_table.entries[]``."""

from __future__ import annotations

from collections.abc import Iterator

from ..exports.description import case_place
from ..schema import Layout, Schema
from ..schema.layout import inner_layouts

__all__ = ["layouts_by_path"]


def layouts_by_path(schema: Schema) -> Iterator[tuple[str, Layout]]:
    """Every layout by the path that differences have."""
    for key, layout in schema.layouts.items():
        yield from _inner(key, layout)


def _inner(where: str, layout: Layout) -> Iterator[tuple[str, Layout]]:
    yield where, layout
    for field in layout.fields:
        for tag, inner in inner_layouts(field.type).items():
            path = f"{where}.{field.key}"
            name = f"{path}[]" if tag is None else f"{path}<{case_place(field, tag, layout)}>"
            yield from _inner(name, inner)
