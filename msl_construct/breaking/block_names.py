"""Block types that another draft calls otherwise."""

from __future__ import annotations

from dataclasses import replace

from ..schema import BlockType, Draft
from ..schema.layout import Layout

__all__ = ["with_names_of"]


def with_names_of(old: Draft, new: Draft) -> tuple[Draft, dict[str, str]]:
    """A draft whose block types go by the names that another gives them, and the old keys.

    Types of one code and one meaning are the same. Whoever compares the two then finds what
    differs besides.

    Returns:
        The draft, and by the new keys of those that are renamed their old ones.
    """
    codes = {one.code: one for one in new.blocks}
    keys = {one.key for one in old.blocks}
    called: dict[str, BlockType] = {}
    for one in old.blocks:
        twin = codes.get(one.code)
        if twin is None or twin.key == one.key or twin.key in keys:
            continue
        if twin.meaning == one.meaning:
            called[one.key] = twin
    if not called:
        return old, {}
    blocks = []
    for one in old.blocks:
        parent = called[one.parent].key if one.parent in called else one.parent
        twin = called.get(one.key)
        if twin is None:
            blocks.append(replace(one, parent=parent))
            continue
        layout = one.layout
        if layout is not None:
            layout = Layout(twin.name, layout.section, layout.fields)
        blocks.append(replace(one, name=twin.name, parent=parent, layout=layout))
    return replace(old, blocks=tuple(blocks)), {two.key: key for key, two in called.items()}
