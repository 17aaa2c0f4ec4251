"""Which draft introduced what."""

from __future__ import annotations

from ..schema import Draft, Layout

__all__ = ["introduced", "version_of"]


def version_of(draft: Draft, name: str) -> int:
    """The format version of the draft that introduced something; 0 where nothing says which."""
    found = draft.ancestor(name)
    return 0 if found is None else found.version


def introduced(draft: Draft, layout: Layout) -> str:
    """The draft that introduced a structure: the one of its oldest field."""
    return min((field.since for field in layout.fields), key=lambda name: version_of(draft, name))
