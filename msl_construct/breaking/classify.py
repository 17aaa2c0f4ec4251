"""Every difference between two drafts, each with its class."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..exports.difference import Change, differences
from ..schema import Draft
from ..schema.codes import Bit, BitRange, Enumeration, FlagDefinition, Value
from .block_names import with_names_of
from .classes import ChangeClass
from .draft_pair import DraftPair
from .of_structures import StructureVerdicts
from .verdicts import (
    ChangeVerdict,
    new_demands,
    of_code,
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
        old, self._names = with_names_of(old, new)
        self._pair = DraftPair(old, new)
        self._structures = StructureVerdicts(self._pair)

    def all(self) -> Iterator[Classified]:
        """Every difference."""
        for key, was in self._names.items():
            code = f"{self._pair.new_blocks[key].code:#06x}"
            yield Classified(
                C.SOURCE,
                "renamed",
                "structure",
                key,
                f"documents call it {key}, no longer {was}",
                f"payloads of type {code}",
                "",
                {"key": was},
                {"key": key},
            )
        changes = differences(*self._pair.drafts)
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
        for one in changes:
            if one.change == "added" and one.kind == "field":
                where, _, key = one.where.rpartition(".")
                pairs = self._pair.fields_of(where)
                if pairs is not None:
                    for old_key, new_key in pairs.renamed().items():
                        if new_key == key:
                            yield one.where, f"{where}.{old_key}"

    def _renamed(self, change: Change, was: str) -> ChangeVerdict:
        where, _, key = change.where.rpartition(".")
        fields = self._pair.fields_of(where)
        assert fields is not None
        verdict = fields.changed(key)
        if verdict.cls.severity > C.SOURCE.severity:
            return verdict
        return ChangeVerdict(
            C.SOURCE, f"documents call it {key}, no longer {was.rpartition('.')[2]}"
        )

    # -- verdicts ------------------------------------------------------------------------

    def _verdict(self, change: Change) -> ChangeVerdict:
        return {
            "draft": self._of_draft,
            "structure": self._structures.of_structure,
            "field": self._of_field,
            "registry": self._of_registry,
            "code": self._of_code,
            "flag": self._of_code,
            "hash": self._of_hash,
        }[change.kind](change)

    def _of_draft(self, change: Change, *, version_only: bool = False) -> ChangeVerdict:
        old, new = self._pair.drafts
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
        if self._pair.shielded:
            reason = "an old reader shows every payload as bytes, a new one those of old files"
            found.append(ChangeVerdict(C.DEGRADED, reason))
        if new.segments and not old.segments:
            reason = "an old reader takes extension segments for bytes behind the end"
            found.append(ChangeVerdict(C.DEGRADED, reason))
        if old.segments and not new.segments:
            reason = "old files may have extension segments"
            found.append(ChangeVerdict(C.OLD_FILE_INVALID, reason))
        return worst([*found, *new_demands(old.notes, new.notes)])

    def _of_field(self, change: Change) -> ChangeVerdict:
        where, _, key = change.where.rpartition(".")
        fields = self._pair.fields_of(where)
        if fields is None:
            return self._structures.of_its_structure(where, change.change)
        if change.where == "file_header.version":
            return self._of_draft(change, version_only=True)
        if change.change == "added":
            return fields.added(key)
        if change.change == "removed":
            return fields.removed(key)
        return fields.changed(key)

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
        old, new = self._pair.old_registries[name], self._pair.new_registries[name]
        if isinstance(old, Enumeration) and isinstance(new, Enumeration) and old.spans != new.spans:
            vendor = [one for one in old.spans if one.use == "vendor" and one not in new.spans]
            if vendor:
                reason = "codes of vendors in old files are no longer set aside"
                return ChangeVerdict(C.OLD_FILE_INVALID, reason, "leave the span to vendors")
        return ChangeVerdict(C.COSMETIC, "only its words differ")

    def _of_new_registry(self, name: str) -> ChangeVerdict:
        """Codes that came with the fields that have them."""
        for where, layout in self._pair.new_layouts.items():
            for field in layout.fields:
                if field.type.registry_name != name:
                    continue
                fields = self._pair.fields_of(where)
                if fields is None:
                    return self._structures.of_its_structure(where, "added")
                if field.key not in fields.kept:
                    return fields.added(field.key)
        return ChangeVerdict(C.ADDITIVE, "codes of fields that an old reader does not know")

    def _of_code(self, change: Change) -> ChangeVerdict:
        name, _, place = change.where.rpartition(".")
        old = _numbered(self._pair.old_registries.get(name), place)
        new = _numbered(self._pair.new_registries.get(name), place)
        if old is None:
            if name not in self._pair.old_registries:
                return self._of_new_registry(name)
            return of_shared(self._pair.old_registries[name], new) or ChangeVerdict(
                C.ADDITIVE, "an old reader shows its number"
            )
        if new is None:
            if isinstance(old, Value) and old.reserved:
                return ChangeVerdict(C.COSMETIC, "nobody was to write it")
            if isinstance(old, (Bit, BitRange)) and name in self._pair.new_registries:
                shared = of_shared(self._pair.new_registries[name], old)
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
            fields = self._pair.fields_of(where)
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
