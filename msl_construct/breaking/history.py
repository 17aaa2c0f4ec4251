"""Whether a draft keeps what its base published, or declares that it does not."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from ..exports.consistency import Inconsistency
from ..exports.ledger import published
from ..schema import Draft
from ..schema.amendments import Amendment
from ..schema.names import snake_case
from .classes import ChangeClass
from .classify import Classified, classified

__all__ = ["against_base"]

_DECLARED = ("renumber", "redefine", "retype", "widen")
_LAYOUT = (ChangeClass.SILENT_REINTERPRET, ChangeClass.WIRE_BREAK)


def against_base(draft: Draft) -> Iterator[Inconsistency]:
    """What a draft changes in its base without declaring it, with a reason.

    Renumbered and reused codes, second meanings, layouts that differ under the payload version
    that they had, reserved bytes that are gone.
    """
    if draft.base is None:
        return
    said: set[str] = set()
    for change in classified(draft.base, draft):
        gone = change.change == "removed" and change.kind != "field"
        if change.cls not in _LAYOUT or gone or _declared(draft, change):
            continue
        structure = change.where.split(".")[0]
        if structure not in said:
            found = _of_change(draft, change)
            if change.kind in ("structure", "field") and found.kind != "second-meaning":
                said.add(structure)  # what follows from it need not be said again
            yield found
            if change.kind == "structure":
                said.add(structure)
    yield from _renumbered(draft)
    yield from _reused(draft)


def _of_change(draft: Draft, change: Classified) -> Inconsistency:
    where, text = change.where, f"{change.reason}; {change.remedy}".removesuffix("; ")
    reworded = change.change == "changed" and "text" in change.after
    told = reworded or change.kind in ("code", "flag", "hash")
    if told or (change.kind == "structure" and "fields" not in change.after):
        return Inconsistency("second-meaning", where, text)
    if change.kind == "structure" and change.change == "added":
        return Inconsistency("second-meaning", where, text)
    if str(change.after.get("stored_as", "")).endswith("zero bytes"):
        return Inconsistency("reserved-shrank", where, text)
    return Inconsistency(
        "payload-version", where, f"the version is still {draft.payload_version}: {text}"
    )


def _declared(draft: Draft, change: Classified) -> bool:
    words = (word for word in draft.amendments if word.word in _DECLARED)
    return any(_is_about(word, change, draft) for word in words)


def _is_about(word: Amendment, change: Classified, draft: Draft) -> bool:
    """Whether a word declares a change: that of its thing, or of what stands behind it."""
    where = change.where.replace("[]", "").split(".")
    path = word.where.replace("[]", "").split(".")
    if change.kind in ("code", "flag"):
        names = [
            side.get(key) for side in (change.before, change.after) for key in ("name", "label")
        ]
        return word.where == where[0] and (word.what in names or "text" in change.after)
    return len(where) >= len(path) and all(map(partial(_is_step, draft), path, where))


def _is_step(draft: Draft, said: str, step: str) -> bool:
    """Whether a step of a word's path, such as ``Body<arp>``, is one of a change's."""
    (name, _, code), (key, _, place) = (
        one.removesuffix(">").partition("<") for one in (said, step)
    )
    if snake_case(name) != key or not code:
        return snake_case(name) == key
    digits = place.split()[-1]
    if place.endswith(code) or code == str(int(digits, 16)):
        return True
    values = (one for each in draft.enumerations for one in each.values)
    return any(one.code == int(digits, 16) and code in (one.name, one.label) for one in values)


def _renumbered(draft: Draft) -> Iterator[Inconsistency]:
    """Names that stand at another number than in the base."""
    assert draft.base is not None
    old, new = published(draft.base), published(draft)
    words = {(one.where, one.what) for one in draft.amendments if one.word == "renumber"}
    for part in ("codes", "flags"):
        before = {(path.rpartition(".")[0], one["name"]): path for path, one in old[part].items()}
        for path, one in new[part].items():
            key = path.rpartition(".")[0], one["name"]
            was = before.get(key)
            if was is not None and was != path and key not in words:
                text = f"{one['name']} was {was.rpartition('.')[2]}; say renumber(…) with a reason"
                yield Inconsistency("renumbered", path, text)


def _reused(draft: Draft) -> Iterator[Inconsistency]:
    """Numbers that somebody had in an earlier draft, and nobody in the base."""
    assert draft.base is not None
    base = published(draft.base)
    for part, entries in published(draft).items():
        for path, one in entries.items():
            if part == "fields" or path in base[part]:
                continue
            for earlier in draft.base.lineage:
                was = published(earlier)[part].get(path)
                if was is not None and was["meaning"] != one["meaning"]:
                    text = f"it was {was['name']} in {earlier.name}: take a number that is free"
                    yield Inconsistency("reused", path, text)
                    break
