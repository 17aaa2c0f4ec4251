"""The drafts that the seeded changes give."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from draft_changes.seeded import BLOCK, CHANGES
from msl_construct.drafts import DRAFTS
from msl_construct.drafts.authored import load
from msl_construct.schema import Draft

__all__ = ["drafted", "source_of"]


def source_of(name: str) -> str:
    """The file that an author would write for a change."""
    change = CHANGES[name]
    number = list(CHANGES).index(name)
    return (
        f"from msl_construct.author import *\n{BLOCK}\n"
        f"CHANGED = DRAFTS[{change.base!r}].overlay('changed-{number}', "
        f"version={change.version:#06x}, status='a change', {change.overlay})\n"
    )


@contextmanager
def drafted(name: str, folder: Path) -> Iterator[tuple[Draft, Draft]]:
    """The draft that is changed, and the changed one; known by name for as long as it takes."""
    known = dict(DRAFTS.values_by_name)
    path = folder / "changed.py"
    path.write_text(source_of(name), "utf-8")
    try:
        yield DRAFTS[CHANGES[name].base], load(f"{path}:CHANGED")
    finally:
        DRAFTS.values_by_name.clear()
        DRAFTS.values_by_name.update(known)
