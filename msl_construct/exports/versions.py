"""Which draft introduced what."""

from __future__ import annotations

from ..schema import ByteOrder, Draft, Layout

__all__ = ["introduced", "later_layouts", "version_of"]


def version_of(draft: Draft, name: str) -> int:
    """The format version of the draft that introduced something; 0 where nothing says which."""
    found = draft.ancestor(name)
    return 0 if found is None else found.version


def introduced(draft: Draft, layout: Layout) -> str:
    """The draft that introduced a structure: the one of its oldest field."""
    return min((field.since for field in layout.fields), key=lambda name: version_of(draft, name))


def later_layouts(draft: Draft) -> list[tuple[int, list[int]]]:
    """Block types whose layouts came later than the first draft that this one reads files of.

    Each with the version in which it came: a file of an earlier one may have other bytes there.
    """
    lineage = list(draft.lineage)
    found: dict[int, list[int]] = {}
    for block in draft.bound(ByteOrder.LITTLE).blocks.values():
        if block.layout is None:
            continue
        since = draft
        for older in lineage[1:]:
            known = older.bound(ByteOrder.LITTLE).blocks.get(block.code)
            if known is None or known.layout is None:
                break
            since = older
        if since is not lineage[-1] and since.version != lineage[-1].version:
            found.setdefault(since.version, []).append(block.code)
    return sorted(found.items(), reverse=True)
