"""Which dialect a file is in: by what accounts for its bytes, never by who says to have written it.

For every dialect of the draft, and for the draft itself, it is counted which blocks are what
their layouts say, to the last byte. The fewest that are not decide, then the most that are:
a payload that a draft only names is neither. Where that does not tell dialects apart, the
draft itself is preferred, then the dialect that was declared first; the others are named.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from ...schema import Schema
from ...schema.layout import REST
from .model import MOST_ROWS, Dialect, Evidence, Recognition, SeenBlock

__all__ = ["recognise"]

_RAW = "raw"
_BLOCKS_PER_TYPE = 16
_STRUCTURAL = frozenset(
    (
        "reserved-not-zero",
        "undefined-flag",
        "string-not-canonical",
        "length-mismatch",
        "count-mismatch",
        "surplus-bytes",
        "entry-size",
        "value-not-permitted",
    )
)
"""Problems that show that a payload is something else; a code that is not registered is none."""


class _Score(NamedTuple):
    misfits: int
    unmarked: int
    """Minus the number of fits and of marks, so that less is better."""


def recognise(
    seen: Evidence,
    plain: Schema,
    dialects: Iterable[tuple[Dialect, Schema]],
    preferred: Dialect | None = None,
) -> Recognition:
    """The dialect of a file, or of one of its parts.

    Looks at the first few blocks of each type that a dialect lays out otherwise, and at no
    others, whatever the size of the file.

    Args:
        plain: the draft, in the file's byte order.
        dialects: those of this draft, each in the same byte order.
        preferred: the dialect that is taken where nothing speaks against it; None: the draft.
    """
    candidates = list(dialects)
    chosen = _chosen(seen.types, frozenset().union(*(one.telling for one, _ in candidates)))
    score, plainly = _score(seen, plain, chosen)
    ranked: list[tuple[_Score, Recognition]] = [(score, Recognition())]
    for dialect, schema in candidates:
        marks = list(dialect.marks(seen, plain)) if dialect.marks is not None else []
        told_of = any(seen.types[number] in dialect.telling for number in chosen)
        if not (dialect is preferred or marks or told_of):
            continue
        score, fits = _score(seen, schema, chosen)
        told = [*_told(fits, plainly, schema), *marks]
        if told or dialect is preferred:
            score = _Score(score.misfits, score.unmarked - len(marks))
            ranked.append((score, Recognition(dialect, tuple(told))))
    ranked.sort(key=lambda one: (one[0], one[1].dialect is not preferred))
    best, found = ranked[0]
    if found.dialect is None:
        possible = (
            str(dialect.producers[0])
            for dialect, schema in candidates
            if dialect.unmarked is not None
            and _score(seen, schema, chosen)[0].misfits == best.misfits
            and dialect.unmarked(seen, plain)
        )
        return replace(found, possible=tuple(dict.fromkeys(possible)))
    others = [r.name for s, r in ranked[1:] if s == best and r.name is not None]
    return replace(found, others=tuple(others))


def _chosen(types: Sequence[int], codes: frozenset[int]) -> list[int]:
    """Numbers of the first few blocks of each type that a dialect could tell of."""
    left = dict.fromkeys(codes.intersection(types), _BLOCKS_PER_TYPE)
    chosen: list[int] = []
    if not left:
        return chosen
    for number, code in enumerate(types):
        if left.get(code, 0):
            left[code] -= 1
            chosen.append(number)
    return chosen


def _score(seen: Evidence, schema: Schema, chosen: Sequence[int]) -> tuple[_Score, list[str]]:
    """How many of some blocks are not as a schema has them, and the types of those that are."""
    misfits, fits = 0, []
    for number in chosen:
        block = seen.block(schema, number)
        if block is None or block.type is None or block.type.layout is None:
            continue
        if _fits(block):
            fits.append(block.key)
        else:
            misfits += 1
    return _Score(misfits, -len(fits)), fits


def _fits(block: SeenBlock) -> bool:
    """Whether a payload is what its layout says, to the last byte.

    Of a long table the first rows speak for the others.
    """
    cut = any(isinstance(v, list) and len(v) >= MOST_ROWS for v in block.payload.values())
    if not cut and (block.problem is not None or REST in block.payload):
        return False
    if _RAW in block.payload:
        return False
    assert block.type is not None
    assert block.type.layout is not None
    structural = _STRUCTURAL - {"count-mismatch"} if cut else _STRUCTURAL
    problems = block.type.layout.problems_of(block.payload)
    return not any(problem.kind in structural for _, problem in problems)


def _told(fits: Sequence[str], plainly: Sequence[str], schema: Schema) -> list[str]:
    """In words, of which types more blocks are as the dialect has them than as the draft does."""
    counted = {key: fits.count(key) for key in dict.fromkeys(fits)}
    return [
        f"{schema.block(key).name}: {count} of its form"
        for key, count in counted.items()
        if count > plainly.count(key)
    ]
