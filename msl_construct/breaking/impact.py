"""The proof: files of both drafts, read by the readers of both, and what each makes of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ..errors import MslError
from ..schema import Draft
from ..schema.table import Table
from .classes import ChangeClass
from .classify import Classified, classified
from .comparing import compared
from .decoders import OtherReader
from .evidence import ImpactEvidence, ReaderOutcome
from .making import ImpactSample, samples_for
from .paths import layouts_by_path
from .reading import A_TABLE, told

__all__ = ["Contradiction", "Impact", "impact"]

C = ChangeClass


@dataclass(frozen=True)
class Contradiction:
    """A change whose class is not what files show: a defect of the one or of the other.

    Attributes:
        change: as it was classified.
        shown: the class that files show.
        evidence: which show it.
    """

    change: Classified
    shown: ChangeClass
    evidence: ImpactEvidence | None


@dataclass
class Impact:
    """What was found.

    Attributes:
        changes: every difference, with its class.
        evidence: of each change, by its place in `changes`: what shows it, gravest first.
        others: the same of other readers, which know neither draft.
        unexplained: what other readers read otherwise where nothing changed.
        counting: paths of the fields that count or measure entries: so many that a width matters
            make no small file.
        samples: every file that was made.
        not_made: what could not be made, and why.
    """

    changes: list[Classified]
    evidence: list[list[ImpactEvidence]]
    others: list[list[ImpactEvidence]]
    unexplained: list[ImpactEvidence]
    counting: set[str]
    samples: list[ImpactSample]
    not_made: list[str]

    def shown(self, index: int) -> ChangeClass | None:
        """The gravest class that files show of a change; None: no file is about it."""
        found = self.evidence[index]
        return max((one.cls for one in found), key=lambda cls: cls.severity) if found else None

    def unproved(self, index: int) -> bool:
        """Whether no file shows a change that may show: of a demand, that an old file breaks it.

        That none of a few small files does proves nothing.
        """
        cls, shown = self.changes[index].cls, self.shown(index)
        if shown is None:
            return cls.severity >= C.ADDITIVE.severity
        if shown is cls:
            return False
        calm = shown.severity <= C.ADDITIVE.severity
        return calm and (cls is C.OLD_FILE_INVALID or self._counts(self.changes[index]))

    def _counts(self, change: Classified) -> bool:
        """Whether a change is of a number of entries, or of the reserved bytes beside it."""
        outer = change.where.rpartition(".")[0]
        return any(
            each.where in self.counting and each.where.rpartition(".")[0] == outer
            for each in self.changes
        )

    @property
    def disputed(self) -> Iterator[tuple[Classified, ImpactEvidence]]:
        """Changes that another reader takes for something else in silence, said not to do that."""
        for change, found in zip(self.changes, self.others):
            silent = [one for one in found if one.cls is C.SILENT_REINTERPRET]
            if silent and change.cls.severity < C.WIRE_BREAK.severity:
                yield from ((change, one) for one in {o.reader: o for o in silent}.values())

    @property
    def contradictions(self) -> Iterator[Contradiction]:
        """Changes of which files show something else than was said."""
        for index, change in enumerate(self.changes):
            shown = self.shown(index)
            if shown is None or shown is change.cls:
                continue
            if self.unproved(index):
                continue
            calm = max(shown.severity, change.cls.severity) <= C.ADDITIVE.severity
            less = shown.severity < change.cls.severity or change.kind == "registry"
            if not (calm and less):
                worst = max(self.evidence[index], key=lambda one: one.cls.severity)
                yield Contradiction(change, shown, worst)


def impact(old: Draft, new: Draft, decoders: Sequence[OtherReader] = ()) -> Impact:
    """Make files under two drafts and let the readers of both read them.

    Args:
        old, new: drafts that are known by their names.
        decoders: further readers.
    """
    changes = classified(old, new)
    not_made: list[str] = []
    codes = {block.key: block.code for draft in (old, new) for block in draft.blocks}
    samples = [
        one
        for draft in (old, new)
        for one in samples_for(
            draft.name, changes, codes, not_made.append, (new if draft is old else old).name
        )
    ]
    others: dict[int, list[ImpactEvidence]] = {index: [] for index in range(len(changes))}
    about: dict[int, list[ImpactEvidence]] = {index: [] for index in range(len(changes))}
    blamed: dict[tuple[object, ...], list[int]] = {}
    unexplained: list[ImpactEvidence] = []

    def due_to(one: ImpactEvidence) -> list[int]:
        about = frozenset(one.sample.about) if not any(one.paths) else one.sample.code
        tables = one.meant == one.found == A_TABLE
        key = (one.cls, one.outcome, one.paths, tables, about)
        found = blamed.get(key)
        if found is None:
            found = blamed[key] = list(_blamed(one, changes))
        return found

    for sample in samples:
        reader = new if sample.draft == old.name else old
        try:
            truth, other = told(sample.data, sample.draft), told(sample.data, reader.name)
        except (MslError, KeyError, ValueError, TypeError, RuntimeError) as error:
            not_made.append(f"{sample.name} ({sample.draft}) is not judged: {error}")
            continue
        seen = list(compared(reader.name, sample, truth, other, old_file=reader is new))
        for one in seen:
            for index in due_to(one):
                about[index].append(one)
        for index, change in enumerate(changes):
            if change.where in sample.about:
                about[index].append(_calm(reader.name, sample, change))
        for decoder in decoders:
            read = decoder.read(sample)
            if read is None:
                not_made.append(f"{sample.name} ({sample.draft}) is not shown to {decoder.name}")
                continue
            for one in read:
                for index in due_to(one):
                    others[index].append(one)
                if one.outcome is not ReaderOutcome.LESS and not due_to(one):
                    unexplained.append(one)  # a decoder may show less than it reads
            for index, change in enumerate(changes):
                if change.where in sample.about and decoder.looks_at(sample, change):
                    others[index].append(_calm(decoder.name, sample, change))
    evidence = [sorted(about[i], key=lambda one: -one.cls.severity) for i in about]
    counting = {
        f"{where}.{key}"
        for draft in (old, new)
        for where, layout in layouts_by_path(draft.bound(draft.byte_orders[0]))
        for one in layout.fields
        if isinstance(one.type, Table)
        for key in (one.type.count_key, one.type.entry_size_key)
        if key
    }
    told_by_others = list(others.values())
    return Impact(changes, evidence, told_by_others, unexplained, counting, samples, not_made)


def _calm(reader: str, sample: ImpactSample, change: Classified) -> ImpactEvidence:
    return ImpactEvidence(reader, sample, C.COSMETIC, ReaderOutcome.SAME, (change.where,), "", "")


def _blamed(one: ImpactEvidence, changes: list[Classified]) -> Iterator[int]:
    """The changes that something may be due to.

    What is seen of a whole file or block, and not of a field, is due to the graver ones of its
    changes, if any of them is grave enough.
    """
    concerned = [index for index, change in enumerate(changes) if _concerns(one, change)]
    refused = one.outcome is ReaderOutcome.REFUSED
    if refused or not any("." in path for path in one.paths):
        blocks = set() if refused else set(one.paths) - {""}
        severity = one.cls.severity
        near = (each for each in changes if not blocks or each.where.split(".")[0] in blocks)
        if any(each.cls.severity >= severity for each in near):
            concerned = [i for i in concerned if changes[i].cls.severity >= severity]
    elif one.meant == one.found == A_TABLE:
        grave = [i for i in concerned if changes[i].cls.severity >= one.cls.severity]
        concerned = grave or concerned
    elif any("." not in path for path in one.paths):
        # Bytes behind a structure's fields are due to the graver of its changes, too.
        inside = replace(one, paths=tuple(path for path in one.paths if "." in path))
        grave = [i for i in concerned if changes[i].cls.severity >= one.cls.severity]
        if grave:
            concerned = [i for i in concerned if i in grave or _concerns(inside, changes[i])]
    yield from concerned


def _concerns(one: ImpactEvidence, change: Classified) -> bool:
    """Whether a place is what a change is about."""
    where = change.where
    if not one.paths and where in ("", "file_header.version"):
        return False
    if not one.paths or one.paths == ("",):
        return where in one.sample.about or (change.kind == "draft" and bool(one.paths))
    if one.sample.code and one.outcome is ReaderOutcome.SAME and one.cls is not C.SOURCE:
        return where == one.sample.code
    if change.kind == "draft":
        return bool({"", "file_header.version", "file_header.endianness"} & set(one.paths))
    whole = change.kind in ("structure", "registry") and change.change == "changed"
    if whole and "fields" not in change.after:
        return set(one.paths) - {"block_header.block_type"} == {where}
    outer = where.split(".")[0]
    for path in one.paths:
        if path == where or path.startswith((f"{where}.", f"{where}[")):
            return True
        if where.startswith(f"{path}["):
            return True
        if one.outcome is not ReaderOutcome.SAME and path == outer:
            return change.kind in ("field", "structure")
    return False
