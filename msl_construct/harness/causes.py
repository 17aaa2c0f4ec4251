"""Why samples fail: failures that look alike are one cause, which is put into words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from .comparing import Difference
from .judging import SampleOutcome
from .kinds import HINTS, DifferenceKind
from .results import Result, Results
from .trial import ENDED_OTHERWISE
from .unread import Unread

__all__ = ["Cause", "causes"]

_FEATURES = {
    "be": "big-endian: Endianness in the file header (§3) says in which order the bytes of every "
    "number stand",
    "encrypted": "encrypted: the flag in the file header (§3) says so, the decoder shows the "
    "header and ends with 5",
    "ext": "extended by segments (§4.6)",
    "cont": "with regions in several fragments: Continuation (§4.2) marks a fragment",
    "zst": "with payloads compressed with zstd (§4.2)",
    "lz4": "with payloads compressed with lz4 (§4.2)",
    "hdr128": "of a HeaderSize of 128: the first block stands at HeaderSize (§3)",
    "unkblk": "with blocks of unknown types: BlockLength says where the next one is (§4.3)",
    "trunc": "cut off: the decoder shows what is there and ends with 4",
    "noeoc": "without End-of-Capture: the decoder shows what is there and ends with 4",
    "trail": "with bytes behind the last block: the decoder shows them as trailing and ends with 4",
    "pv2": "with payload versions that no draft knows (§4.1)",
    "notres": "with pages that were not resident (§5.1)",
    "utf8": "with texts that are no UTF-8",
}
"""Features that say by themselves what to look at."""
_ORDERS = {"little": "little-endian", "big": _FEATURES["be"]}


@dataclass(frozen=True)
class Cause:
    """Samples that fail alike.

    Attributes:
        outcomes: what becomes of them, the most frequent first.
        what: what happens, in a line; of all of them.
        hint: what is probably wrong with the decoder; empty: nobody knows.
        results: the samples, the smallest first.
        places: where in the document, without indices, and in how many samples.
    """

    outcomes: tuple[SampleOutcome, ...]
    what: str
    hint: str
    results: tuple[Result, ...]
    places: tuple[tuple[str, int], ...] = ()

    @property
    def smallest(self) -> Result:
        """The sample with which to begin."""
        return self.results[0]


@dataclass(frozen=True)
class _Key:
    """What failures have in common; a hint that follows from it."""

    what: str
    hint: str = ""
    outcome: SampleOutcome | None = None


def causes(results: Results) -> list[Cause]:
    """The causes of a run's failures, that of most samples first.

    Args:
        results: what came out of the run.
    """
    groups: dict[_Key, list[Result]] = {}
    unsure = _unsure(results)
    for result in results.failures:
        groups.setdefault(_key(result, unsure), []).append(result)
    passing = [result for result in results if result.outcome is SampleOutcome.PASS]
    found = [_cause(key, group, passing) for key, group in groups.items()]
    return sorted(found, key=lambda cause: (-len(cause.results), not cause.hint, cause.what))


def _cause(key: _Key, group: list[Result], passing: list[Result]) -> Cause:
    group.sort(key=lambda result: (result.sample.size or 0, result.sample.name))
    places: Counter[str] = Counter()
    for result in group:
        telling = _telling(result)
        if telling is not None:
            places[telling.place] += 1
    outcomes = Counter(result.outcome for result in group).most_common()
    return Cause(
        tuple(outcome for outcome, _ in outcomes),
        key.what,
        _of_one_number(key, group) or key.hint or _shared(group, passing),
        tuple(group),
        tuple(places.most_common()),
    )


def _of_one_number(key: _Key, group: list[Result]) -> str:
    """A hint where numbers of one name alone have their bytes in the other order, else nothing.

    Whoever misreads one number has no use for being told of the whole file's byte order.
    """
    reversed_ = DifferenceKind.BYTES_REVERSED
    if key.hint != HINTS[reversed_]:
        return ""
    shown = [one for result in group for one in result.differences if one.kind is reversed_]
    names = {one.place.rpartition(".")[2] for one in shown}
    whole = any(len(result.differences) == result.difference_count for result in group)
    if len(names) != 1 or not whole:  # of a longer list only the first are kept
        return ""
    return (
        f"Of {names.pop()} alone the bytes stand in the other order: look at where it is read. "
        f"{HINTS[reversed_].partition(': ')[2]}"
    )


def _unsure(results: Results) -> DifferenceKind:
    """What it is that may be either of two kinds: the one that other samples show."""
    kinds = Counter(one.kind for one in map(_telling, results.failures) if one is not None)
    shifted, states = DifferenceKind.MAP_SHIFTED, DifferenceKind.MAP_STATES
    if kinds[shifted] == kinds[states]:
        return DifferenceKind.MAP_SHIFTED_OR_STATES
    return max(shifted, states, key=kinds.__getitem__)


def _key(result: Result, unsure: DifferenceKind) -> _Key:
    """What makes a failure like others.

    Args:
        unsure: what a difference of a map is that may be of either kind.
    """
    difference, unread = _telling(result), result.unread
    telling = difference is not None and difference.kind.is_telling
    if unread is not None and not (telling and difference and _before(difference, unread)):
        what = "blocks are not shown" if unread.only else "reading ends at a block"
        return _Key(f"{what}: {unread.special}", unread.hint)
    if difference is not None and difference.kind.is_telling:
        kind = unsure if difference.kind in _EITHER else difference.kind
        return _Key(_words(kind), HINTS[kind])
    if difference is not None:
        what = f"{_words(difference.kind)} at {difference.place}"
    elif result.stderr.strip():
        what = _general(result.stderr.strip().splitlines()[-1])
    else:
        of_code = result.detail.startswith(ENDED_OTHERWISE)  # its numbers are what is wrong
        what = result.detail if of_code else _general(result.detail)
    return _Key(what, outcome=result.outcome)


def _before(difference: Difference, unread: Unread) -> bool:
    """Whether a difference stands before a block that is not shown, so that it may be why."""
    if difference.kind in _FOLLOWING:
        return False
    block = _BLOCK.match(difference.path)
    return difference.place.startswith(_IN_FRONT) if block is None else int(block[1]) < unread.index


_BLOCK = re.compile(r"\$\.blocks\[(\d+)\]\.")
_FOLLOWING = (DifferenceKind.DAMAGE_MADE_UP, DifferenceKind.DAMAGE_UNSEEN)
_EITHER = (DifferenceKind.MAP_SHIFTED_OR_STATES,)
_IN_FRONT = ("document", "format", "header")


def _telling(result: Result) -> Difference | None:
    """The difference of a sample that says most."""
    telling = [one for one in result.differences if one.kind.is_telling]
    # What is called damaged, or is not, follows from what is misread.
    behind = [one for one in telling if one.kind in (*_FOLLOWING, *_EITHER)]
    first = [one for one in telling if one not in behind]
    behind.sort(key=lambda one: one.kind in _FOLLOWING)
    return next(iter((*first, *behind, *result.differences)), None)


def _words(kind: DifferenceKind) -> str:
    return kind.value.replace("-", " ")


def _general(line: str) -> str:
    """A line without what changes from file to file."""
    line = re.sub(r"\S*/\S+", "…", line)
    line = re.sub(r"0x[0-9a-fA-F]+|\d+", "N", line)
    return re.sub(r"\s+", " ", line)[:120] or "nothing is said"


def _shared(group: list[Result], passing: Iterable[Result]) -> str:
    """What all samples of a group have, and none that passes; empty: nothing."""
    passing = list(passing)
    if not passing:
        return ""
    common = frozenset.intersection(*(frozenset(one.sample.features) for one in group))
    common -= {feature for one in passing for feature in one.sample.features}
    orders = {one.sample.byte_order for one in group}
    if len(orders) == 1 and not orders & {one.sample.byte_order for one in passing}:
        return _no_other(_ORDERS[orders.pop()])
    known = [feature for feature in _FEATURES if feature in common]
    if known:
        return _no_other(_FEATURES[known[0]])
    drafts = {one.sample.draft for one in group}
    if len(drafts) == 1 and not drafts & {one.sample.draft for one in passing}:
        return _no_other(f"of {drafts.pop()}")
    return _no_other(f"with the feature {min(common)}") if common else ""


def _no_other(words: str) -> str:
    what, colon, more = words.partition(":")
    return f"Every one is {what}, and no such sample passes{colon}{more}."
