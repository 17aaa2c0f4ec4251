"""Which faults of the schema a corpus notices."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

from msl_construct.drafts import DRAFTS
from msl_construct.rules import rules_for

from .binding import Bound
from .declarations import Path
from .fields import mutants_of_structures
from .judgement import mutants_of_demands
from .mutant import Mutant
from .registries import mutants_of_registries
from .specimens import Specimen, touched_by


@dataclass
class Score:
    """What became of the mutants.

    Attributes:
        killed: how many the corpus notices.
        survivors: those it doesn't.
        equivalent: those that no file can show, and why.
        stillborn: how many are no declaration.
        killers: for each sample, how many it was the first to notice.
    """

    killed: int = 0
    survivors: list[Mutant] = field(default_factory=list)
    equivalent: list[tuple[Mutant, str]] = field(default_factory=list)
    stillborn: int = 0
    killers: dict[str, int] = field(default_factory=dict)
    by_operator: dict[str, list[int]] = field(default_factory=dict)

    @property
    def judged(self) -> int:
        """Mutants that a file can show."""
        return self.killed + len(self.survivors)

    @property
    def ratio(self) -> float:
        """Killed of judged."""
        return self.killed / self.judged if self.judged else 1.0


def schema_mutants() -> Iterator[Mutant]:
    """Every mutant of every draft that is read otherwise."""
    for draft in list(DRAFTS.values()):
        yield from mutants_of_structures(draft)
        yield from mutants_of_registries(draft)


def demand_mutants() -> Iterator[Mutant]:
    """Every mutant of every draft that is read alike and judged otherwise."""
    for draft in list(DRAFTS.values()):
        yield from mutants_of_demands(draft)


class Trial:
    """Tries mutants on a corpus.

    Args:
        specimens: the corpus.
    """

    def __init__(self, specimens: Iterable[Specimen]) -> None:
        self._specimens = sorted(specimens, key=lambda s: len(s.data))
        self._first: dict[Any, list[Specimen]] = {}
        self._bound = Bound()
        self._touched: dict[tuple[str, Path], list[Specimen]] = {}
        package = sys.modules["msl_construct.drafts.registry"]
        self._patch = mock.patch.object(package, "_bound", self._bound)

    def run(self, mutants: Iterable[Mutant]) -> Score:
        """Try each.

        Raises:
            ValueError: the corpus isn't read as expected without any fault.
        """
        score = Score()
        with self._patch:
            for specimen in self._specimens:
                if not specimen.as_found():
                    raise ValueError(f"{specimen.name}: not read as its expected document says")
            for mutant in mutants:
                self._one(mutant, score)
        return score

    def _one(self, mutant: Mutant, score: Score) -> None:
        if mutant.stillborn:
            score.stillborn += 1
            return
        why = mutant.equivalent
        if why:
            score.equivalent.append((mutant, why))
            return
        with self._bound.known(mutant.faulty):
            notices = _judging(mutant.draft.name) if mutant.judged else _reading
            killer = next((s for s in self._candidates(mutant) if notices(s)), None)
        tally = score.by_operator.setdefault(mutant.operator, [0, 0])
        tally[1] += 1
        if killer is None:
            score.survivors.append(mutant)
            return
        tally[0] += 1
        score.killed += 1
        score.killers[killer.name] = score.killers.get(killer.name, 0) + 1
        line = self._first.setdefault((mutant.draft.name, mutant.structures), [])
        if killer in line:
            line.remove(killer)
        line.insert(0, killer)

    def _candidates(self, mutant: Mutant) -> Iterator[Specimen]:
        """The files that may show a mutant, those first that are likely to."""
        tried: set[int] = set()
        pool = self._pool(mutant)
        if mutant.decisive:
            pool = [s for s in pool if mutant.tokens & s.tokens]
        likely = [s for s in pool if mutant.tokens & s.tokens] if mutant.tokens else []
        known = self._first.get((mutant.draft.name, mutant.structures), ())
        for specimen in (*likely, *known, *pool):
            if id(specimen) not in tried:
                tried.add(id(specimen))
                yield specimen

    def _pool(self, mutant: Mutant) -> list[Specimen]:
        """All files for which it can matter: those where the structures are decoded at all."""
        name = mutant.draft.name
        if mutant.judged and not mutant.structures:
            return [s for s in self._specimens if s.draft == name]
        if not mutant.structures or any(p[0] in ("file_header",) for p in mutant.structures):
            return self._specimens  # the header is looked at before the draft is known
        found: dict[int, Specimen] = {}
        for path in mutant.structures:
            for specimen in self._touching(name, path):
                found[id(specimen)] = specimen
        return sorted(found.values(), key=lambda s: len(s.data))

    def _touching(self, name: str, path: Path) -> list[Specimen]:
        key = (name, path[:2])
        if key not in self._touched:
            names = {b.code: b.key for b in self._bound.originals[name].blocks}
            self._touched[key] = [
                s
                for s in self._specimens
                if path[0] == "block_header" or (s.draft == name and touched_by(s, path, names))
            ]
        return self._touched[key]


def _reading(specimen: Specimen) -> bool:
    """Whether a file isn't read as expected any more."""
    try:
        return not specimen.as_found()
    except Exception:
        return True


def _judging(draft: str) -> Callable[[Specimen], bool]:
    """What tells whether a file isn't judged as expected any more.

    Files of the other draft are told by their document, which no demand changes.
    """
    rules = rules_for(draft)

    def notices(specimen: Specimen) -> bool:
        try:
            return specimen.draft == draft and not specimen.as_judged(rules)
        except Exception:
            return True

    return notices
