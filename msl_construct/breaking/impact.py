"""The proof: files of both drafts, read by the readers of both, and what each makes of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..errors import MslError
from ..schema import Draft
from ..schema.layout import REST
from .classes import ChangeClass
from .classify import Classified, classified
from .evidence import ImpactEvidence, ReaderOutcome
from .making import ImpactSample, samples_for
from .reading import TABLE, ReaderAccount, ReaderClaim, told

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
        samples: every file that was made.
        not_made: what could not be made, and why.
    """

    changes: list[Classified]
    evidence: list[list[ImpactEvidence]]
    others: list[list[ImpactEvidence]]
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
        return cls is C.OLD_FILE_INVALID and shown.severity <= C.ADDITIVE.severity

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


def impact(
    old: Draft,
    new: Draft,
    decoders: Mapping[str, Callable[[ImpactSample], list[ImpactEvidence] | None]] | None = None,
) -> Impact:
    """Make files under two drafts and let the readers of both read them.

    Args:
        old, new: drafts that are known by their names.
        decoders: further readers by name; None: they were not asked of that file.
    """
    changes = classified(old, new)
    not_made: list[str] = []
    codes = {block.key: block.code for draft in (old, new) for block in draft.blocks}
    samples = [
        one
        for draft in (old, new)
        for one in samples_for(draft.name, changes, codes, not_made.append)
    ]
    others: dict[int, list[ImpactEvidence]] = {index: [] for index in range(len(changes))}
    about: dict[int, list[ImpactEvidence]] = {index: [] for index in range(len(changes))}
    for sample in samples:
        reader = new if sample.draft == old.name else old
        try:
            truth, other = told(sample.data, sample.draft), told(sample.data, reader.name)
        except (MslError, KeyError, ValueError, TypeError, RuntimeError) as error:
            not_made.append(f"{sample.name} ({sample.draft}) is not judged: {error}")
            continue
        seen = list(_compared(reader.name, sample, truth, other, old_file=reader is new))
        for index, change in enumerate(changes):
            about[index] += [one for one in seen if _concerns(one, change)]
            if change.where in sample.about:
                about[index].append(_calm(reader.name, sample, change))
        for name, decode in (decoders or {}).items():
            read = decode(sample)
            if read is None:
                not_made.append(f"{sample.name} ({sample.draft}) is not shown to {name}")
                continue
            for index, change in enumerate(changes):
                others[index] += [one for one in read if _concerns(one, change)]
                if change.where in sample.about:
                    others[index].append(_calm(name, sample, change))
    evidence = [sorted(about[i], key=lambda one: -one.cls.severity) for i in about]
    return Impact(changes, evidence, list(others.values()), samples, not_made)


def _calm(reader: str, sample: ImpactSample, change: Classified) -> ImpactEvidence:
    return ImpactEvidence(reader, sample, C.COSMETIC, ReaderOutcome.SAME, (change.where,), "", "")


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
        return set(one.paths) == {where}
    outer = where.split(".")[0]
    for path in one.paths:
        if path == where or path.startswith((f"{where}.", f"{where}[")):
            return True
        if where.startswith(f"{path}["):
            return True
        if one.outcome is not ReaderOutcome.SAME and path == outer:
            return change.kind in ("field", "structure")
    return False


def _compared(
    reader: str, sample: ImpactSample, truth: ReaderAccount, other: ReaderAccount, *, old_file: bool
) -> Iterator[ImpactEvidence]:
    """What a reader makes of a file, place by place, beside what its writer meant."""
    if other.refused:
        cls = C.OLD_FILE_INVALID if old_file else C.OLD_READER_REJECTS
        paths: tuple[str, ...] = ("file_header.magic",) if other.wrong_magic else ()
        if other.refused.startswith("major"):
            paths = ("", "file_header.version")
        yield ImpactEvidence(
            reader, sample, cls, ReaderOutcome.REFUSED, paths, "a file", other.refused
        )
        return

    def seen(
        cls: ChangeClass,
        outcome: ReaderOutcome,
        meant: ReaderClaim | None,
        found: ReaderClaim | None,
        why: str = "",
        near: Sequence[ReaderClaim] = (),
    ) -> ImpactEvidence:
        paths = [
            path
            for one in (meant, found, *near)
            if one
            for path in (one.where, *one.registry)
            if path
        ]
        if meant and found and meant.own == found.own and _of_one_registry(meant, found):
            paths = [*meant.registry, *found.registry]  # the field is as ever, its code is not
        return ImpactEvidence(
            reader,
            sample,
            cls,
            outcome,
            tuple(dict.fromkeys(paths)),
            meant.shown if meant else "nothing",
            found.shown if found else "nothing",
            why,
        )

    for claim in truth.claims:
        if claim.known in ("raw", "new") or claim.start == claim.end:
            continue
        near = [
            one
            for one in other.claims
            if one.start < claim.end
            and claim.start < one.end
            and (one.form == TABLE) == (claim.form == TABLE)
        ]
        if claim.form == TABLE and not near:
            continue  # its entries are compared
        exact = next(
            (one for one in near if (one.start, one.end) == (claim.start, claim.end)), None
        )
        index = exact.block if exact else near[0].block if near else claim.block
        why = "; ".join(_news(truth, other, index))
        if claim.known == "reserved" and claim.form == "reserved":
            for one in near:
                inside = claim.start <= one.start and one.end <= claim.end
                told = one.value.strip("0") or one.says_zero
                if inside and told and one.form not in ("reserved", REST):
                    cls = C.WIRE_BREAK if why else C.SILENT_REINTERPRET
                    yield seen(cls, ReaderOutcome.WRONG, claim, one, why)
            continue
        yield from _place(claim, exact, near, why, seen)
    yield from _complaints(reader, sample, truth, other, old_file=old_file)
    known = {rule for rule, _ in truth.findings}
    cls = C.OLD_FILE_INVALID if old_file else C.ADDITIVE
    for rule, path in other.findings:
        if rule not in known and path != "file_header.version" and not _unsaid(truth, path):
            yield ImpactEvidence(
                reader, sample, cls, ReaderOutcome.SAME, (path,), "conforms", rule, rule
            )


def _of_one_registry(meant: ReaderClaim, found: ReaderClaim) -> bool:
    """Whether two readers look the same number up in registries of one name."""
    names = {path.rpartition(".")[0] for path in (*meant.registry, *found.registry)}
    same = (meant.start, meant.end) == (found.start, found.end)
    return bool(meant.registry and found.registry) and len(names) == 1 and same


def _unsaid(truth: ReaderAccount, path: str) -> bool:
    """Whether a path is in a payload of which the writer's draft says nothing."""
    key, _, inside = path.partition(".")
    return bool(inside) and any(one.known == "raw" and one.where == key for one in truth.claims)


Seen = Callable[..., ImpactEvidence]


def _place(
    claim: ReaderClaim, exact: ReaderClaim | None, near: list[ReaderClaim], why: str, seen: Seen
) -> Iterator[ImpactEvidence]:
    if exact is None:
        kept = [one for one in near if one.known in ("raw", "new", "reserved")]
        wide = next((one for one in near if one.start == claim.start), None)
        if wide and (wide.form, wide.value, wide.sense) == ("number", claim.value, claim.sense):
            return  # the bytes around it are zeros in little-endian order: the same number
        if near and len(kept) < len(near):
            wrong = next(one for one in near if one not in kept)
            cls = C.WIRE_BREAK if why else C.SILENT_REINTERPRET
            yield seen(cls, ReaderOutcome.WRONG, claim, wrong, why, near)
        else:
            first = kept[0] if kept else None
            raw = first is None or first.known == "raw"
            yield seen(C.DEGRADED if raw else C.ADDITIVE, ReaderOutcome.LESS, claim, first, why)
        return
    if exact.known in ("raw", "new"):
        yield seen(
            C.ADDITIVE if exact.known == "new" else C.DEGRADED,
            ReaderOutcome.LESS,
            claim,
            exact,
            why,
        )
    elif exact.known == "unknown" or exact.form == "reserved":
        yield seen(C.ADDITIVE, ReaderOutcome.LESS, claim, exact, why)
    elif exact.known == "reserved" and claim.known != "reserved":
        yield seen(C.DEGRADED, ReaderOutcome.LESS, claim, exact, why)
    elif (exact.form, exact.value, exact.sense) != (claim.form, claim.value, claim.sense):
        if (claim.form == "states" and exact.sense == claim.sense) or _named_now(claim, exact):
            yield seen(C.SOURCE, ReaderOutcome.SAME, claim, exact)
            return
        cls = C.WIRE_BREAK if why else C.SILENT_REINTERPRET
        yield seen(cls, ReaderOutcome.WRONG, claim, exact, why)
    elif (exact.where, exact.shown) != (claim.where, claim.shown):
        yield seen(C.SOURCE, ReaderOutcome.SAME, claim, exact)


def _named_now(claim: ReaderClaim, exact: ReaderClaim) -> bool:
    """Whether one reader has a name for the other's number, in a field that means the same."""
    same = (exact.form, exact.value) == (claim.form, claim.value)
    owns = {one.own or one.sense for one in (claim, exact)}
    return same and len(owns) == 1 and bool(claim.registry) != bool(exact.registry)


def _news(truth: ReaderAccount, other: ReaderAccount, block: int) -> list[str]:
    """What a reader complains of in a block, and the writer's does not."""
    known = truth.complaints.get(block, [])
    return [one for one in other.complaints.get(block, []) if one not in known]


def _complaints(
    reader: str, sample: ImpactSample, truth: ReaderAccount, other: ReaderAccount, *, old_file: bool
) -> Iterator[ImpactEvidence]:
    """Damage and hashes that do not fit, which break more than a place."""
    blocks = {one.block: one.where for one in other.claims if one.form == "block"}
    for index in other.complaints:
        for text in _news(truth, other, index):
            where = blocks.get(index, "")
            silent = _unsaid(truth, f"{where}.payload")
            if index < -1 or text.startswith(("unknown", "bytes behind")) or silent:
                continue
            if "does not fit" in text:
                paths: tuple[str, ...] = (text.split(" ")[0],)
            elif index == -1:
                paths = ("",)
            else:
                paths = (where,)
            grave = "does not fit" in text or (old_file and index >= 0)
            cls = C.WIRE_BREAK if grave else C.DEGRADED
            yield ImpactEvidence(
                reader, sample, cls, ReaderOutcome.LESS, paths, "intact", text, text
            )
