"""What a corpus lacks, from the faults that it did not notice."""

from __future__ import annotations

from collections.abc import Iterable

from .declarations import BLOCK, title
from .mutant import REGISTRIES, Mutant
from .specimens import Specimen, touched_by

_SHOWN = 4
_PAIRS = ("codes-swapped", "flags-swapped", "block-types-swapped")
_ONE_AT_A_TIME = ("code-removed", "flag-removed", "block-type-removed")


def missing(survivors: Iterable[Mutant], specimens: Iterable[Specimen]) -> list[str]:
    """What to add to the corpus, a line each: structures first, then values and features.

    What one missing value explains is said once: pairs of codes that could be swapped unseen
    are left out where one of the two is missing itself.
    """
    survivors, specimens = list(survivors), list(specimens)
    lines: dict[str, list[str]] = {}
    absent = {
        (m.draft.name, m.where, token)
        for m in survivors
        if m.operator in _ONE_AT_A_TIME
        for token in m.tokens
    }
    for mutant in survivors:
        name = mutant.draft.name
        if mutant.operator in _PAIRS and any(
            (name, mutant.where, token) in absent for token in mutant.tokens
        ):
            continue
        structure = mutant.structures[0] if len(mutant.structures) == 1 else None
        lacks = f"{name}: {mutant.lacks}"
        if (
            structure is not None
            and mutant.operator not in REGISTRIES
            and not _read(mutant, specimens)
        ):
            outer = structure[:2] if structure[0] == BLOCK else structure[:1]
            lacks = f"{name}: any {title(mutant.draft, outer)}"
        lines.setdefault(lacks, []).append(f"{mutant.operator}: {mutant.what}")
    return [f"{lacks} [{_few(list(dict.fromkeys(faults)))}]" for lacks, faults in lines.items()]


def _few(faults: list[str]) -> str:
    shown = "; ".join(faults[:_SHOWN])
    return shown if len(faults) <= _SHOWN else f"{shown}; {len(faults) - _SHOWN} more"


def _read(mutant: Mutant, specimens: Iterable[Specimen]) -> bool:
    names = {block.code: block.key for block in mutant.draft.blocks}
    return any(
        s.draft == mutant.draft.name and touched_by(s, mutant.structures[0], names)
        for s in specimens
    )
