"""What becomes of the fields of a structure when its layout changes."""

from __future__ import annotations

from collections.abc import Iterator

from ..schema.fields import Field
from ..schema.layout import Layout
from ..schema.names import snake_case
from ..schema.table import Table
from ..schema.variable import Measured
from ..schema.vocabulary import Fixed, Reserved
from .classes import ChangeClass
from .shapes import FieldPlace, Shapes
from .verdicts import (
    DECLARE,
    ChangeVerdict,
    new_demands,
    of_kind,
    of_permitted,
    worst,
    zero_is_unknown,
)

__all__ = ["FieldVerdicts"]

C = ChangeClass
_RAISE = "raise the payload version, so that old readers show the payload as bytes"
_SHIELDED = ChangeVerdict(
    C.DEGRADED, "the payload version is another one: an old reader shows the payload as bytes"
)


_ENDS_EARLIER = ChangeVerdict(
    C.DEGRADED,
    "a new reader shows its bytes as a rest, an old one finds an end too early",
    "deprecate(…) it, or leave its bytes reserved",
)


class FieldVerdicts:
    """What is said of each field that came, went or changed between two layouts.

    Args:
        old, new: bound layouts of one structure.
        shielded: whether the payload version tells them apart.
        header: whether it is the file header.
        absorbed: whether something behind the structure takes all bytes that are left.
    """

    def __init__(
        self,
        old: Layout,
        new: Layout,
        *,
        shielded: bool = False,
        header: bool = False,
        absorbed: bool = False,
    ) -> None:
        self._shapes = Shapes(old, new)
        self._old = {one.key: one for one in old.fields}
        self._new = {one.key: one for one in new.fields}
        self._shielded = shielded
        self._header = header
        self._fits = self._shapes.fits()
        unnoticed = absorbed or self._shapes.absorbs() or self._shapes.same_in_all()
        silent = unnoticed and not self._fits
        self._broken = C.SILENT_REINTERPRET if silent else C.WIRE_BREAK

    @property
    def kept(self) -> set[str]:
        """Keys of the fields that both have, by their new names."""
        return set(self._shapes.old_names)

    @property
    def gone(self) -> set[str]:
        """Keys of the fields that only the old layout has."""
        return set(self._old) - set(self._shapes.pairs)

    def renamed(self) -> dict[str, str]:
        """Keys of new fields by the old ones that they were under another name."""
        return {old: new for old, new in self._shapes.pairs.items() if old != new}

    def place(self, key: str) -> FieldPlace | None:
        """Where a field stands: in the new layout, or where it stood."""
        return self._shapes.new_places.get(key) or self._shapes.old_places.get(key)

    def reordered(self) -> ChangeVerdict:
        """The order of fields is another one."""
        if self._shielded:
            return _SHIELDED
        if self._fits:
            reason = "fields change places, and their structure has as many bytes as before"
            return ChangeVerdict(C.SILENT_REINTERPRET, reason, f"leave them in place, or {_RAISE}")
        reason = "fields change places"
        return ChangeVerdict(self._broken, reason, f"leave them in place, or {_RAISE}")

    def added(self, key: str) -> ChangeVerdict:
        """A field that only the new layout has."""
        field, place = self._new[key], self._shapes.new_places[key]
        if self._shielded:
            return _SHIELDED
        if key in self._shapes.tail():
            reason = "an old reader shows its bytes as a rest behind the structure"
            return ChangeVerdict(C.DEGRADED, reason)
        if not self._fits:
            if isinstance(field.type, Reserved):
                return ChangeVerdict(self._broken, "reserved bytes are added", _RAISE)
            reason = f"what follows moves by {self._widths(field)}, and the structure grows"
            if self._new_last(key):
                reason = "a new reader misses it in every old file"
            remedy = "append it as optional, or carve(…) it from reserved bytes"
            return ChangeVerdict(self._broken, reason, remedy)
        shared = [one for one in self._overlapped(place) if not isinstance(one.type, Reserved)]
        if shared:
            names = ", ".join(one.name for one in shared)
            reason = f"an old reader takes its bytes for {names}"
            return ChangeVerdict(C.SILENT_REINTERPRET, reason, "carve(…) it from reserved bytes")
        if isinstance(field.type, Reserved):
            return ChangeVerdict(C.COSMETIC, "bytes stay reserved under another name")
        if not zero_is_unknown(field):
            reason = "its bytes were reserved: a new reader takes their zeros for a value"
            return ChangeVerdict(C.SILENT_REINTERPRET, reason, "let zero mean unknown: default=0")
        if field.optional and not any(one.optional for one in self._overlapped(place)):
            reason = "the structure may end before it, which an old reader calls damage"
            return ChangeVerdict(C.DEGRADED, reason)
        return ChangeVerdict(
            C.ADDITIVE, "it takes reserved bytes, and zero says that nothing is known"
        )

    def removed(self, key: str) -> ChangeVerdict:
        """A field that only the old layout has."""
        field, place = self._old[key], self._shapes.old_places[key]
        if self._shielded:
            return _SHIELDED
        at = [*self._old].index(key)
        before, behind = [*self._old][:at], [*self._old][at + 1 :]
        kept = [self._shapes.pairs.get(one) for one in before] == [*self._new]
        if not self._fits and kept and not any(one in self._shapes.pairs for one in behind):
            return _ENDS_EARLIER
        if isinstance(field.type, Reserved):
            if not any(one.overlaps(place) for one in self._shapes.new_places.values()):
                return _ENDS_EARLIER
            if self._fits:
                return self._used(place)
            return ChangeVerdict(
                self._broken, "reserved bytes are gone, and what follows moves", _RAISE
            )
        if not self._fits:
            remedy = "deprecate(…) it, or leave its bytes reserved"
            return ChangeVerdict(self._broken, "what follows moves", remedy)
        now = [
            one
            for name, one in self._new.items()
            if self._shapes.new_places[name].overlaps(place) and not isinstance(one.type, Reserved)
        ]
        if now:
            names = ", ".join(one.name for one in now)
            reason = f"an old reader takes {names} for it"
            return ChangeVerdict(C.SILENT_REINTERPRET, reason, "leave its bytes reserved")
        if not any(one.overlaps(place) for one in self._shapes.new_places.values()):
            return _ENDS_EARLIER
        if zero_is_unknown(field):
            reason = "old files have it where bytes are reserved, and must be zero"
            return ChangeVerdict(C.OLD_FILE_INVALID, reason, "deprecate(…) it instead")
        reason = "its bytes are reserved: an old reader takes their zeros for a value"
        return ChangeVerdict(C.SILENT_REINTERPRET, reason, "deprecate(…) it instead")

    def changed(self, key: str) -> ChangeVerdict:
        """A field that both have, by its new key."""
        old_key = self._shapes.old_names.get(key, key)
        old, new = self._old[old_key], self._new[key]
        found = list(self._changes(old, new))
        if old.meaning != new.meaning and not isinstance(new.type, Reserved):
            reason = f"it meant: {old.meaning} It means: {new.meaning}"
            found.append(ChangeVerdict(C.SILENT_REINTERPRET, reason, DECLARE))
        if not found and not (self._header and key == "version"):
            found += new_demands(old.notes, new.notes)
        if found:
            return worst(found)
        if old.default != new.default and not (self._header and key == "version"):
            reason = "whoever leaves it out writes something else than before"
            return ChangeVerdict(C.SOURCE, reason)
        return ChangeVerdict(C.COSMETIC, "only its words differ")

    def _changes(self, old: Field, new: Field) -> Iterator[ChangeVerdict]:
        if self._shielded and self._structural(old, new):
            yield _SHIELDED
            return
        before, after = self._shapes.old_places[old.key], self._shapes.new_places[new.key]
        fixed = isinstance(old.type, Fixed) and isinstance(new.type, Fixed)
        if isinstance(old.type, Reserved) and isinstance(new.type, Reserved):
            if before != after and not self._fits:
                yield ChangeVerdict(self._broken, "it moves")
            elif before != after:
                yield worst([self._used(before), *self._freed(after)])
        elif (before.behind, before.start) != (after.behind, after.start):
            yield self._moved(before, after)
        elif fixed and before.end != after.end:
            yield self._resized(old, new)
        if isinstance(old.type, Fixed) and isinstance(new.type, Fixed):
            if old.type.width == new.type.width:
                yield from self._retyped(old.type, new.type)
            if not (self._header and new.key == "version"):
                permitted = of_permitted(old.type, new.type)
                if permitted is not None and permitted.cls is C.ADDITIVE and _rejects(old):
                    permitted = self._rejected(permitted)
                if permitted is not None:
                    yield permitted
        elif self._ends_alike(old, new) and type(old.type) is not type(new.type):
            reason = f"{_named(old)} becomes {_named(new)}, of the same bytes"
            yield ChangeVerdict(C.SILENT_REINTERPRET, reason, _RAISE)
        elif type(old.type) is not type(new.type) or old.type.padded != new.type.padded:
            reason = f"{_named(old)} becomes {_named(new)}: it ends elsewhere"
            yield ChangeVerdict(C.WIRE_BREAK, reason, _RAISE)
        elif self._shapes.pairs.get(_sizing(old), _sizing(old)) != _sizing(new):
            named = _sizing(new) or _sizing(old)
            reason = f"entries may be longer than their fields, as {named} says to one reader alone"
            yield ChangeVerdict(C.WIRE_BREAK, reason, _RAISE)
        elif not self._fits and self._refers(old) != self._refers(new):
            yield ChangeVerdict(self._broken, "another field says how long it is", _RAISE)
        if new.optional and not old.optional:
            reason = "the structure may end before it, which an old reader calls damage"
            yield ChangeVerdict(C.DEGRADED, reason)
        elif old.optional and not new.optional:
            reason = "old files may end before it"
            yield ChangeVerdict(C.OLD_FILE_INVALID, reason, "leave it optional")

    def _rejected(self, more: ChangeVerdict) -> ChangeVerdict:
        """Values that an old reader is told to reject: with the file, or with what has them."""
        reason = f"{more.reason}, which an old reader must reject"
        cls = C.OLD_READER_REJECTS if self._header else C.DEGRADED
        return ChangeVerdict(cls, reason)

    def _ends_alike(self, old: Field, new: Field) -> bool:
        """Whether two fields of varying length have as many bytes as the same field says."""
        measured = isinstance(old.type, Measured) and isinstance(new.type, Measured)
        said = [self._shapes.pairs.get(snake_case(name)) for name in self._refers(old)]
        same = said == [snake_case(name) for name in self._refers(new)]
        return measured and same and old.type.padded == new.type.padded

    def _used(self, before: FieldPlace) -> ChangeVerdict:
        """Reserved bytes that others have: it is what that does."""
        found = [ChangeVerdict(C.COSMETIC, "other bytes are reserved")]
        for key, one in self._new.items():
            place = self._shapes.new_places[key]
            if isinstance(one.type, Reserved) or not place.overlaps(before):
                continue
            old_key = self._shapes.old_names.get(key)
            verdict = self.added(key) if old_key is None else self.changed(key)
            found.append(verdict._replace(reason=f"{one.name} has its bytes: {verdict.reason}"))
        return worst(found)

    def _freed(self, after: FieldPlace) -> Iterator[ChangeVerdict]:
        """Bytes that are reserved now, and were others': it is what became of those."""
        for key, one in self._old.items():
            if isinstance(one.type, Reserved) or not self._shapes.old_places[key].overlaps(after):
                continue
            now = self._shapes.pairs.get(key)
            verdict = self.removed(key) if now is None else self.changed(now)
            yield verdict._replace(reason=f"it has bytes of {one.name}: {verdict.reason}")

    def _retyped(self, old: Fixed, new: Fixed) -> Iterator[ChangeVerdict]:
        found = of_kind(old, new)
        if found is not None:
            if self._header and hasattr(old, "magic"):
                found = ChangeVerdict(
                    C.OLD_READER_REJECTS, "the file begins otherwise", found.remedy
                )
            yield found

    def _moved(self, before: FieldPlace, after: FieldPlace) -> ChangeVerdict:
        reason = f"it stood at {before} and stands at {after}"
        cls = C.SILENT_REINTERPRET if self._fits else self._broken
        return ChangeVerdict(cls, reason, f"leave it in place, or {_RAISE}")

    def _resized(self, old: Field, new: Field) -> ChangeVerdict:
        wider = new.type.minimum > old.type.minimum
        measuring = {snake_case(name) for one in self._old.values() for name in self._refers(one)}
        if self._fits and old.key in measuring:
            reason = f"one reader sees the lower bytes, and less of what {old.name} measures"
            remedy = "give the larger ones a field of their own"
            return ChangeVerdict(C.WIRE_BREAK, reason, remedy)
        if self._fits:
            reason = (
                "an old reader sees its lower bytes, and takes the others for reserved"
                if wider
                else "a new reader sees the lower bytes of what an old file may have"
            )
            remedy = "carve(…) a field for the upper bytes, whose zero says that there are none"
            return ChangeVerdict(C.SILENT_REINTERPRET, reason, remedy)
        now, was = new.type.minimum, old.type.minimum
        reason = f"it has {now} bytes instead of {was}, and what follows moves"
        remedy = f"widen(…) it out of reserved bytes, or {_RAISE}"
        return ChangeVerdict(self._broken, reason, remedy)

    def _structural(self, old: Field, new: Field) -> bool:
        return self._shapes.old_places[old.key] != self._shapes.new_places[new.key] or type(
            old.type
        ) is not type(new.type)

    def _overlapped(self, place: FieldPlace) -> Iterator[Field]:
        for key, one in self._old.items():
            if self._shapes.old_places[key].overlaps(place):
                yield one

    def _new_last(self, key: str) -> bool:
        return list(self._new)[-1] == key

    def _widths(self, field: Field) -> str:
        width = field.type.minimum
        return f"{width} bytes" if width != 1 else "a byte"

    def _refers(self, field: Field) -> list[str]:
        return [name for name, _ in field.type.reads()]


def _sizing(field: Field) -> str:
    """The key of the field that says how long a table's entries are; empty: none does."""
    return field.type.entry_size_key or "" if isinstance(field.type, Table) else ""


def _rejects(field: Field) -> bool:
    """Whether readers are told to reject values that are not permitted."""
    return any(
        note.level == "MUST" and note.who == "consumer" and note.text.startswith("Reject")
        for note in field.notes
    )


def _named(field: Field) -> str:
    return type(field.type).__name__
