"""What a reader makes of a file, place by place, beside what its writer meant."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from ..schema.layout import REST
from .classes import ChangeClass
from .evidence import ImpactEvidence, ReaderOutcome
from .making import ImpactSample
from .reading import BLOCK, TABLE, ReaderAccount, ReaderClaim

__all__ = ["compared"]

C = ChangeClass
_DAMAGED = re.compile(r"payload (\w+) at ")
"""The field that a payload ends in, as a reader complains of it."""


def compared(
    reader: str, sample: ImpactSample, truth: ReaderAccount, other: ReaderAccount, *, old_file: bool
) -> Iterator[ImpactEvidence]:
    """Whatever differs, and the class that it shows.

    Args:
        reader: whose account the second is.
        truth, other: the account of the writer's draft, and of the reader.
        old_file: whether the file is of the older draft.
    """
    if other.refused:
        cls = C.OLD_FILE_INVALID if old_file else C.OLD_READER_REJECTS
        paths: tuple[str, ...] = ("file_header.magic",) if other.wrong_magic else ()
        if other.refused.startswith("major"):
            paths = ("", "file_header.version")
        if other.refused.endswith("-endian"):
            paths = ("", "file_header.endianness")
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
            and all((one.form == form) == (claim.form == form) for form in (BLOCK, TABLE))
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
        yield from _place(claim, exact, near, why, seen, old_file=old_file)
    if truth.segments and other.knows_segments and not other.segments:
        text = "bytes behind the end"
        yield ImpactEvidence(
            reader,
            sample,
            C.WIRE_BREAK,
            ReaderOutcome.LESS,
            ("end_of_extension",),
            "a segment",
            text,
            text,
        )
    yield from _complaints(reader, sample, truth, other, old_file=old_file)
    known = {rule for rule, _ in truth.findings}
    cls = C.OLD_FILE_INVALID if old_file else C.ADDITIVE
    for rule, path in other.findings:
        if rule not in known and path != "file_header.version" and not _unsaid(truth, path):
            paths = tuple(dict.fromkeys((path, *_meant_by(path, truth, other))))
            yield ImpactEvidence(
                reader, sample, cls, ReaderOutcome.SAME, paths, "conforms", rule, rule
            )


def _meant_by(path: str, truth: ReaderAccount, other: ReaderAccount) -> Iterator[str]:
    """What the writer has in the bytes that another reader has a field in."""
    for one in other.claims:
        if one.where == path and one.form == "reserved":
            for claim in truth.claims:
                if claim.start < one.end and one.start < claim.end and claim.form != BLOCK:
                    yield claim.where


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
    claim: ReaderClaim,
    exact: ReaderClaim | None,
    near: list[ReaderClaim],
    why: str,
    seen: Seen,
    *,
    old_file: bool,
) -> Iterator[ImpactEvidence]:
    if exact is None:
        kept = [one for one in near if one.known in ("raw", "new", "reserved")]
        wide = next((one for one in near if one.start == claim.start), None)
        if wide and (wide.form, wide.value, wide.sense) == ("number", claim.value, claim.sense):
            return  # the bytes around it are zeros in little-endian order: the same number
        if claim.form == TABLE and why and wide is not None and wide.end < claim.end:
            yield seen(C.DEGRADED, ReaderOutcome.LESS, claim, wide, why)  # entries are compared
        elif near and len(kept) < len(near):
            wrong = next(one for one in near if one not in kept)
            cls = C.WIRE_BREAK if why else C.SILENT_REINTERPRET
            yield seen(cls, ReaderOutcome.WRONG, claim, wrong, why, near)
        else:
            first = kept[0] if kept else None
            raw = first is None or first.known == "raw"
            yield seen(C.DEGRADED if raw else C.ADDITIVE, ReaderOutcome.LESS, claim, first, why)
        return
    if exact.known == "new" and exact.form == BLOCK and old_file:
        yield seen(C.OLD_FILE_INVALID, ReaderOutcome.LESS, claim, exact, "nobody registers it")
    elif exact.known in ("raw", "new"):
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
        if not old_file and exact.registry and not claim.registry and _named_now(claim, exact):
            yield seen(C.SILENT_REINTERPRET, ReaderOutcome.WRONG, claim, exact, why)
            return
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
    blocks = {one.block: one.where for one in other.claims if one.form == BLOCK}
    for index in other.complaints:
        for text in _news(truth, other, index):
            where = blocks.get(index, "")
            silent = _unsaid(truth, f"{where}.payload")
            if text.startswith("unknown PayloadVersion"):
                yield ImpactEvidence(
                    reader, sample, C.DEGRADED, ReaderOutcome.LESS, ("",), "a payload", text, text
                )
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
            ended = _DAMAGED.search(text)
            if old_file and ended and f"{where}.{ended[1]}" in truth.may_end_before:
                paths, cls = (f"{where}.{ended[1]}",), C.OLD_FILE_INVALID
            yield ImpactEvidence(
                reader, sample, cls, ReaderOutcome.LESS, paths, "intact", text, text
            )
