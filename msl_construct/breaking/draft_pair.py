"""Two drafts side by side: what both have, by its path."""

from __future__ import annotations

from ..exports.description import registries
from ..schema import ByteOrder, Draft
from .of_fields import FieldVerdicts
from .paths import layouts_by_path
from .shapes import Shapes

__all__ = ["DraftPair"]


class DraftPair:
    """An older draft and a newer one, as what is said of their differences needs them.

    Attributes:
        drafts: both.
        old, new: both, bound.
        old_layouts, new_layouts: their structures by path.
        old_registries, new_registries: their codes and flags by name.
        old_blocks, new_blocks: their block types by key.
        shielded: whether PayloadVersion tells their payloads apart.
    """

    def __init__(self, old: Draft, new: Draft) -> None:
        self.drafts = old, new
        self.old, self.new = (draft.bound(ByteOrder.LITTLE) for draft in (old, new))
        self.shielded = old.payload_version != new.payload_version
        self.old_layouts = dict(layouts_by_path(self.old))
        self.new_layouts = dict(layouts_by_path(self.new))
        self.old_registries = registries(self.old)
        self.new_registries = registries(self.new)
        self.old_blocks = {one.key: one for one in self.old.blocks.values()}
        self.new_blocks = {one.key: one for one in self.new.blocks.values()}
        self._fields: dict[str, FieldVerdicts] = {}

    def fields_of(self, where: str) -> FieldVerdicts | None:
        """What is said of the fields of a structure that both drafts have."""
        if where not in self._fields:
            old, new = self.old_layouts.get(where), self.new_layouts.get(where)
            if old is None or new is None:
                return None
            shielded = self.shielded and where.split(".")[0] in self.new_blocks
            self._fields[where] = FieldVerdicts(
                old,
                new,
                shielded=shielded,
                header=where == self.new.file_header.key,
                absorbed=self._absorbed(where),
            )
        return self._fields[where]

    def _absorbed(self, where: str) -> bool:
        """Whether what an entry's size moves is followed by bytes that take all that is left."""
        while where.endswith("[]"):
            where, _, key = where[:-2].rpartition(".")
            old, new = self.old_layouts.get(where), self.new_layouts.get(where)
            if old is None or new is None or getattr(new.field(key).type, "entry_size", None):
                return False
            if Shapes(old, new).absorbs():
                return True
        return False
