"""What is said of structures and block types that came, went, or differ."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..exports.difference import Change
from ..schema import BlockType
from ..schema.blocks import CAPABILITIES
from ..schema.choice import Choice
from ..schema.vocabulary import Coded
from .classes import ChangeClass
from .draft_pair import DraftPair
from .verdicts import DECLARE, ChangeVerdict, new_demands, of_permission, worst

__all__ = ["StructureVerdicts"]

C = ChangeClass


class StructureVerdicts:
    """What is said of the structures of two drafts.

    Args:
        pair: both.
    """

    def __init__(self, pair: DraftPair) -> None:
        self._pair = pair

    def of_structure(self, change: Change) -> ChangeVerdict:
        """A structure that came, went, or differs."""
        key = change.where
        if change.change == "added":
            return self.added(key)
        if change.change == "removed":
            return self.removed(key)
        found = [ChangeVerdict(C.COSMETIC, "only its words differ")]
        fields = self._pair.fields_of(key)
        if "fields" in change.after and fields is not None:
            found.append(fields.reordered())
        if "name" in change.after:
            found.append(ChangeVerdict(C.SOURCE, "generated code calls the structure otherwise"))
        if key in self._pair.old_blocks and key in self._pair.new_blocks:
            found += self._block(self._pair.old_blocks[key], self._pair.new_blocks[key])
        return worst(found)

    def added(self, key: str) -> ChangeVerdict:
        """A structure that came."""
        block = self._pair.new_blocks.get(key)
        if (outer := self._outer_field(key)) is not None:
            return outer
        if block is None:
            if "." in key:
                return self._inside(key)
            reason = "an old reader finds no blocks where it stands, and says so"
            return ChangeVerdict(C.DEGRADED, reason)
        return self._taken(block) or ChangeVerdict(
            C.ADDITIVE, "an old reader skips blocks of a type that it does not know"
        )

    def removed(self, key: str) -> ChangeVerdict:
        """A structure that went."""
        block = self._pair.old_blocks.get(key)
        if (outer := self._outer_field(key)) is not None:
            return outer
        if block is None and key.endswith(">"):
            reason = "a new reader shows bodies of old files as bytes"
            return ChangeVerdict(C.DEGRADED, reason, "deprecate(…) the code instead")
        if block is None:
            return ChangeVerdict(C.COSMETIC, "what had it is gone, or is laid out otherwise")
        now = self._pair.new.blocks.get(block.code)
        if now is not None and (taken := self._taken(now)) is not None:
            return taken
        reason = "blocks of old files are of a type that nobody registers"
        return ChangeVerdict(
            C.OLD_FILE_INVALID, reason, "forbid(…) or deprecate(…) the type instead"
        )

    def _taken(self, block: BlockType) -> ChangeVerdict | None:
        """A block type whose code was another one's."""
        was = self._pair.old.blocks.get(block.code)
        if was is None or was.key == block.key or was.meaning == block.meaning:
            return None
        reason = f"an old reader takes such a block for a {was.name}, a new one a {was.name} for it"
        return ChangeVerdict(C.SILENT_REINTERPRET, reason, "register a code that is free")

    def _outer_field(self, where: str) -> ChangeVerdict | None:
        """What is said of the field that a layout stands in, if that field became another."""
        while where.endswith(("[]", ">")):
            where = where[:-2] if where.endswith("[]") else where[: where.rindex("<")]
            outer, _, key = where.rpartition(".")
            fields = self._pair.fields_of(outer)
            if fields is not None and key in fields.kept:
                verdict = fields.changed(key)
                return verdict if verdict.cls.severity > C.SOURCE.severity else None
            if fields is not None and key in fields.gone:
                return fields.removed(key)
            where = outer
        return None

    def _inside(self, key: str) -> ChangeVerdict:
        """A layout inside a table or a choice that came."""
        outer = key.split(".")[0]
        raw = outer in self._pair.old_blocks and outer not in self._pair.old_layouts
        if raw and outer in self._pair.new_blocks:
            return self.of_its_structure(outer, "added")
        if outer in self._pair.old_layouts and key.endswith(">"):
            if self._named(key):
                reason = "an old reader knows the code, and shows the body as bytes"
                return ChangeVerdict(C.DEGRADED, reason)
            return ChangeVerdict(
                C.ADDITIVE, "an old reader keeps bodies of a tag that it does not know"
            )
        return ChangeVerdict(C.ADDITIVE, "it comes with its field")

    def _named(self, where: str) -> bool:
        """Whether the old draft registers the code that chooses a body."""
        outer, _, step = where.rpartition(".")
        key, _, place = step.removesuffix(">").partition("<")
        layout = self._pair.old_layouts.get(outer)
        kinds = {} if layout is None else {one.key: one.type for one in layout.fields}
        kind = kinds.get(key)
        if layout is None or not isinstance(kind, Choice):
            return False
        chooser, code = layout.field(kind.tag_key).type, int(place.split()[-1], 16)
        return isinstance(chooser, Coded) and any(v.code == code for v in chooser.registry.values)

    def _block(self, old: BlockType, new: BlockType) -> Iterator[ChangeVerdict]:
        if old.code != new.code:
            taken = self._taken(new)
            yield taken or ChangeVerdict(
                C.OLD_FILE_INVALID,
                f"blocks of old files are of type {old.code:#06x}, which nobody registers",
                "leave the code as it is",
            )
        if old.meaning != new.meaning:
            reason = f"it held: {old.meaning} It holds: {new.meaning}"
            yield ChangeVerdict(C.SILENT_REINTERPRET, reason, DECLARE)
        if old.layout is None and new.layout is not None:
            remedy = "" if old.forbidden else "old files may hold anything there: look at them"
            yield ChangeVerdict(C.DEGRADED, "an old reader shows the payload as bytes", remedy)
        if old.layout is not None and new.layout is None:
            yield ChangeVerdict(C.DEGRADED, "a new reader shows the payload as bytes")
        if old.layout is not None:
            yield from new_demands(old.notes, new.notes)
        yield from of_permission(old, self._of_same_bit(old, new))

    def _of_same_bit(self, old: BlockType, new: BlockType) -> BlockType:
        """The new type, of which the old one's bit says that there are such blocks."""
        bits = [
            next((one.bit for one in schema.flags[CAPABILITIES].bits if label == one.label), None)
            for schema, label in (
                (self._pair.old, old.capability),
                (self._pair.new, new.capability),
            )
        ]
        same = bits[0] is not None and bits[0] == bits[1]
        return replace(new, capability=old.capability) if same else new

    def of_its_structure(self, where: str, change: str) -> ChangeVerdict:
        """A field of a structure that only one draft has."""
        key = where.split(".")[0]
        if (outer := self._outer_field(where)) is not None:
            return outer
        if key in self._pair.old_blocks and key in self._pair.new_blocks:
            found = list(self._block(self._pair.old_blocks[key], self._pair.new_blocks[key]))
            laid = [one for one in found if one.cls in (C.DEGRADED, C.ADDITIVE)]
            if laid:
                return worst(laid)
        if where not in self._pair.old_layouts and "." in where:
            return self._inside(where)
        if change == "added":
            return self.added(key)
        return self.removed(where if where.endswith(">") else key)
