"""A structure whose field goes by another name, wherever the structure names it."""

from __future__ import annotations

from dataclasses import replace

from .base import Vocabulary
from .layout import Layout
from .names import snake_case

__all__ = ["REFERENCES", "renamed"]

REFERENCES = ("length", "tag", "count", "entry_size", "size", "page_size_log2", "page_state_map")
"""Attributes of the vocabulary that name another field."""


def renamed(layout: Layout, old: str, new: str) -> Layout:
    """The same layout with a field of another name, and of the meaning that it had.

    Raises:
        ValueError: it has a field of that name.
    """
    if any(new in (one.name, one.key) or snake_case(new) == one.key for one in layout.fields):
        raise ValueError(f"{layout.title} has a {new} already")
    fields = []
    for one in layout.fields:
        if one.name == old:
            one = replace(one, name=new, called="", sense=one.meaning)
        fields.append(one.with_type(_referring(one.type, old, new)))
    return Layout(layout.title, layout.section, fields)


def _referring(kind: Vocabulary, old: str, new: str) -> Vocabulary:
    said = [name for name in REFERENCES if getattr(kind, name, None) == old]
    if not said:
        return kind
    twin = object.__new__(type(kind))
    for name, value in kind.__dict__.items():
        key = name.endswith("_key") and value == snake_case(old)
        twin.__dict__[name] = new if name in said else snake_case(new) if key else value
    return twin
