"""Every difference between two drafts, each with its class."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..exports.description import registries
from ..exports.difference import Change, differences
from ..schema import BlockType, ByteOrder, Draft
from ..schema.codes import Bit, BitRange, Enumeration, FlagDefinition, Value
from .classes import ChangeClass
from .of_structures import FieldVerdicts
from .paths import layouts_by_path
from .shapes import Shapes
from .verdicts import (
    DECLARE,
    ChangeVerdict,
    new_demands,
    of_code,
    of_permission,
    of_shared,
    worst,
)

__all__ = ["Classified", "classified"]

C = ChangeClass


@dataclass(frozen=True)
class Classified:
    """A difference with what it does.

    Attributes:
        cls: its class.
        change: ``added``, ``removed``, ``changed`` or ``renamed``.
        kind, where: of what; see `Change`.
        reason: why it is of that class.
        bytes: which bytes are concerned; empty: none in particular.
        remedy: what would make it safe; empty: nothing need be done.
        before, after: what of it there was and is.
    """

    cls: ChangeClass
    change: str
    kind: str
    where: str
    reason: str
    bytes: str
    remedy: str
    before: dict[str, Any]
    after: dict[str, Any]


def classified(old: Draft, new: Draft) -> list[Classified]:
    """Everything that differs between two drafts, each with its class; in the order of the newer.

    A field, code or block type under another name is one difference, not two.
    """
    return list(_Classifier(old, new).all())


class _Classifier:
    def __init__(self, old: Draft, new: Draft) -> None:
        self._drafts = old, new
        self._old, self._new = (draft.bound(ByteOrder.LITTLE) for draft in (old, new))
        self._shielded = old.payload_version != new.payload_version
        self._old_layouts = dict(layouts_by_path(self._old))
        self._new_layouts = dict(layouts_by_path(self._new))
        self._old_registries = registries(self._old)
        self._new_registries = registries(self._new)
        self._fields: dict[str, FieldVerdicts] = {}
        self._old_blocks = {one.key: one for one in self._old.blocks.values()}
        self._new_blocks = {one.key: one for one in self._new.blocks.values()}

    def all(self) -> Iterator[Classified]:
        """Every difference."""
        changes = differences(*self._drafts)
        twins = dict(self._twins(changes))
        gone = {(one.kind, one.where): one for one in changes if one.change == "removed"}
        for one in changes:
            if one.change == "removed" and one.where in twins.values():
                continue
            change, before = one.change, one.before
            if one.change == "added" and one.where in twins:
                change = "renamed"
                before = gone[one.kind, twins[one.where]].before
                verdict = self._renamed(one, twins[one.where])
            else:
                verdict = self._verdict(one)
            yield Classified(
                verdict.cls,
                change,
                one.kind,
                one.where,
                verdict.reason,
                self._bytes(one),
                verdict.remedy,
                before,
                one.after,
            )

    # -- names ---------------------------------------------------------------------------

    def _twins(self, changes: list[Change]) -> Iterator[tuple[str, str]]:
        """Of things under another name: the new path and the old one."""
        blocks = {one.code: one for one in self._old_blocks.values()}
        removed = {one.where for one in changes if one.change == "removed"}
        for one in changes:
            if one.change != "added":
                continue
            if one.kind == "field":
                where, _, key = one.where.rpartition(".")
                pairs = self._fields_of(where)
                if pairs is not None:
                    for old_key, new_key in pairs.renamed().items():
                        if new_key == key:
                            yield one.where, f"{where}.{old_key}"
            elif one.kind == "structure" and one.where in self._new_blocks:
                block = self._new_blocks[one.where]
                was = blocks.get(block.code)
                if was is not None and was.key in removed and was.meaning == block.meaning:
                    yield one.where, was.key

    def _renamed(self, change: Change, was: str) -> ChangeVerdict:
        if change.kind == "structure":
            reason = f"documents call it {change.where}, no longer {was}"
            return ChangeVerdict(C.SOURCE, reason)
        where, _, key = change.where.rpartition(".")
        fields = self._fields_of(where)
        assert fields is not None
        verdict = fields.changed(key)
        if verdict.cls.severity > C.SOURCE.severity:
            return verdict
        return ChangeVerdict(
            C.SOURCE, f"documents call it {key}, no longer {was.rpartition('.')[2]}"
        )

    def _fields_of(self, where: str) -> FieldVerdicts | None:
        """What is said of the fields of a structure that both drafts have."""
        if where not in self._fields:
            old, new = self._old_layouts.get(where), self._new_layouts.get(where)
            if old is None or new is None:
                return None
            shielded = self._shielded and where.split(".")[0] in self._new_blocks
            self._fields[where] = FieldVerdicts(
                old,
                new,
                shielded=shielded,
                header=where == self._new.file_header.key,
                absorbed=self._absorbed(where),
            )
        return self._fields[where]

    def _absorbed(self, where: str) -> bool:
        """Whether what an entry's size moves is followed by bytes that take all that is left."""
        while where.endswith("[]"):
            where, _, key = where[:-2].rpartition(".")
            old, new = self._old_layouts.get(where), self._new_layouts.get(where)
            if old is None or new is None or getattr(new.field(key).type, "entry_size", None):
                return False
            if Shapes(old, new).absorbs():
                return True
        return False

    # -- verdicts ------------------------------------------------------------------------

    def _verdict(self, change: Change) -> ChangeVerdict:
        return {
            "draft": self._of_draft,
            "structure": self._of_structure,
            "field": self._of_field,
            "registry": self._of_registry,
            "code": self._of_code,
            "flag": self._of_code,
            "hash": self._of_hash,
        }[change.kind](change)

    def _of_draft(self, change: Change, *, version_only: bool = False) -> ChangeVerdict:
        old, new = self._drafts
        found = [
            ChangeVerdict(C.COSMETIC, "a file says which draft it is of, and old readers see it")
        ]
        if old.version >> 8 != new.version >> 8:
            reason = "the major version is another one, which an old reader rejects (§3.2)"
            found.append(ChangeVerdict(C.OLD_READER_REJECTS, reason, "raise the minor version"))
        if version_only:
            return worst(found)
        if set(old.byte_orders) - set(new.byte_orders):
            reason = "old files may be of a byte order that is no longer permitted"
            found.append(ChangeVerdict(C.OLD_FILE_INVALID, reason))
        if set(new.byte_orders) - set(old.byte_orders):
            reason = "an old reader rejects files of the other byte order"
            found.append(ChangeVerdict(C.OLD_READER_REJECTS, reason))
        if self._shielded:
            reason = "an old reader shows every payload as bytes, a new one those of old files"
            found.append(ChangeVerdict(C.DEGRADED, reason))
        if new.segments and not old.segments:
            reason = "an old reader takes extension segments for bytes behind the end"
            found.append(ChangeVerdict(C.DEGRADED, reason))
        if old.segments and not new.segments:
            reason = "old files may have extension segments"
            found.append(ChangeVerdict(C.OLD_FILE_INVALID, reason))
        return worst([*found, *new_demands(old.notes, new.notes)])

    def _of_structure(self, change: Change) -> ChangeVerdict:
        key = change.where
        if change.change == "added":
            return self._added_structure(key)
        if change.change == "removed":
            return self._removed_structure(key)
        found = [ChangeVerdict(C.COSMETIC, "only its words differ")]
        fields = self._fields_of(key)
        if "fields" in change.after and fields is not None:
            found.append(fields.reordered())
        if "name" in change.after:
            found.append(ChangeVerdict(C.SOURCE, "generated code calls the structure otherwise"))
        if key in self._old_blocks and key in self._new_blocks:
            found += self._block(self._old_blocks[key], self._new_blocks[key])
        return worst(found)

    def _added_structure(self, key: str) -> ChangeVerdict:
        block = self._new_blocks.get(key)
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

    def _removed_structure(self, key: str) -> ChangeVerdict:
        block = self._old_blocks.get(key)
        if (outer := self._outer_field(key)) is not None:
            return outer
        if block is None:
            return ChangeVerdict(C.COSMETIC, "what had it is gone, or is laid out otherwise")
        now = self._new.blocks.get(block.code)
        if now is not None and (taken := self._taken(now)) is not None:
            return taken
        reason = "blocks of old files are of a type that nobody registers"
        return ChangeVerdict(
            C.OLD_FILE_INVALID, reason, "forbid(…) or deprecate(…) the type instead"
        )

    def _taken(self, block: BlockType) -> ChangeVerdict | None:
        """A block type whose code was another one's."""
        was = self._old.blocks.get(block.code)
        if was is None or was.key == block.key or was.meaning == block.meaning:
            return None
        reason = f"an old reader takes such a block for a {was.name}, a new one a {was.name} for it"
        return ChangeVerdict(C.SILENT_REINTERPRET, reason, "register a code that is free")

    def _outer_field(self, where: str) -> ChangeVerdict | None:
        """What is said of the field that a layout stands in, if that field became another."""
        while where.endswith(("[]", ">")):
            where = where[:-2] if where.endswith("[]") else where[: where.rindex("<")]
            outer, _, key = where.rpartition(".")
            fields = self._fields_of(outer)
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
        raw = outer in self._old_blocks and outer not in self._old_layouts
        if raw and outer in self._new_blocks:
            return self._of_its_structure(outer, "added")
        if outer in self._old_layouts and key.endswith(">"):
            return ChangeVerdict(
                C.ADDITIVE, "an old reader keeps bodies of a tag that it does not know"
            )
        return ChangeVerdict(C.ADDITIVE, "it comes with its field")

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
        yield from of_permission(old, new)

    def _of_field(self, change: Change) -> ChangeVerdict:
        where, _, key = change.where.rpartition(".")
        fields = self._fields_of(where)
        if fields is None:
            return self._of_its_structure(where, change.change)
        if change.where == "file_header.version":
            return self._of_draft(change, version_only=True)
        if change.change == "added":
            return fields.added(key)
        if change.change == "removed":
            return fields.removed(key)
        return fields.changed(key)

    def _of_its_structure(self, where: str, change: str) -> ChangeVerdict:
        """A field of a structure that only one draft has."""
        key = where.split(".")[0]
        if (outer := self._outer_field(where)) is not None:
            return outer
        if key in self._old_blocks and key in self._new_blocks:
            found = list(self._block(self._old_blocks[key], self._new_blocks[key]))
            laid = [one for one in found if one.cls in (C.DEGRADED, C.ADDITIVE)]
            if laid:
                return worst(laid)
        if where not in self._old_layouts and "." in where:
            return self._inside(where)
        if change == "added":
            return self._added_structure(key)
        return self._removed_structure(key)

    def _of_registry(self, change: Change) -> ChangeVerdict:
        name = change.where
        if change.change == "added":
            return self._of_new_registry(name)
        if change.change == "removed":
            return ChangeVerdict(C.SOURCE, "generated code has no such names")
        if "width" in change.after:
            return ChangeVerdict(
                C.WIRE_BREAK, "its fields have another width", "use a new registry"
            )
        old, new = self._old_registries[name], self._new_registries[name]
        if isinstance(old, Enumeration) and isinstance(new, Enumeration) and old.spans != new.spans:
            vendor = [one for one in old.spans if one.use == "vendor" and one not in new.spans]
            if vendor:
                reason = "codes of vendors in old files are no longer set aside"
                return ChangeVerdict(C.OLD_FILE_INVALID, reason, "leave the span to vendors")
        return ChangeVerdict(C.COSMETIC, "only its words differ")

    def _of_new_registry(self, name: str) -> ChangeVerdict:
        """Codes that came with the fields that have them."""
        for where, layout in self._new_layouts.items():
            for field in layout.fields:
                if field.type.registry_name != name:
                    continue
                fields = self._fields_of(where)
                if fields is None:
                    return self._of_its_structure(where, "added")
                if field.key not in fields.kept:
                    return fields.added(field.key)
        return ChangeVerdict(C.ADDITIVE, "codes of fields that an old reader does not know")

    def _of_code(self, change: Change) -> ChangeVerdict:
        name, _, place = change.where.rpartition(".")
        old = _numbered(self._old_registries.get(name), place)
        new = _numbered(self._new_registries.get(name), place)
        if old is None:
            if name not in self._old_registries:
                return self._of_new_registry(name)
            return of_shared(self._old_registries[name], new) or ChangeVerdict(
                C.ADDITIVE, "an old reader shows its number"
            )
        if new is None:
            if isinstance(old, Value) and old.reserved:
                return ChangeVerdict(C.COSMETIC, "nobody was to write it")
            if isinstance(old, (Bit, BitRange)) and name in self._new_registries:
                shared = of_shared(self._new_registries[name], old)
                if shared is not None:
                    return shared
            reason = "old files have it, and nobody registers it any more"
            return ChangeVerdict(C.OLD_FILE_INVALID, reason, "forbid(…) or deprecate(…) it instead")
        return of_code(old, new)

    def _of_hash(self, change: Change) -> ChangeVerdict:
        if change.change == "added":
            return ChangeVerdict(C.ADDITIVE, "an old reader does not verify it")
        if change.change == "removed":
            return ChangeVerdict(C.DEGRADED, "a new reader does not verify it")
        reason = "it is the hash of other bytes: whoever verifies finds that it does not fit"
        if "from" in change.after or "text" in change.after:
            return ChangeVerdict(C.WIRE_BREAK, reason, "give the other hash a field of its own")
        return ChangeVerdict(C.COSMETIC, "only its section differs")

    def _bytes(self, change: Change) -> str:
        if change.kind == "field":
            where, _, key = change.where.rpartition(".")
            fields = self._fields_of(where)
            place = fields.place(key) if fields is not None else None
            if place is not None:
                return str(place)
            offset = (change.after or change.before).get("offset")
            return f"from {offset}" if offset else ""
        if change.kind == "structure" and (code := (change.after or change.before).get("code")):
            return f"payloads of type {code}"
        if change.kind in ("code", "flag"):
            return f"fields of {change.where.rpartition('.')[0]}"
        return ""


def _numbered(registry: Enumeration | FlagDefinition | None, place: str) -> Any:
    """The code or flag of a number as paths have it; None: there is none."""
    if isinstance(registry, Enumeration):
        return next((one for one in registry.values if one.code == int(place, 16)), None)
    if isinstance(registry, FlagDefinition):
        first = int(place.split()[0])
        found: Bit | BitRange | None = next((b for b in registry.bits if b.bit == first), None)
        return found
    return None
