"""Which faults of valid files the rules notice."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import islice

import msl_construct
from msl_construct.errors import MslError
from msl_construct.rules import Rule, check, gaps, rules_for

from .file_mutants import FileMutant, file_mutants
from .specimens import Specimen

REFUSED = "refused"
INCOMPLETE = "incomplete"


@dataclass
class FileScore:
    """What became of the mutants.

    Attributes:
        killed: structural ones that are noticed.
        survivors: structural ones that nobody notices.
        free, free_noticed: ones that a producer could have written; those that the rules
            find fault with all the same.
        by_operator: noticed and tried, by operator and whether hashes were repaired.
        noticers: by rule (or refusal), how many it was among the first to notice.
    """

    killed: int = 0
    survivors: list[FileMutant] = field(default_factory=list)
    free: int = 0
    free_noticed: int = 0
    by_operator: dict[str, list[int]] = field(default_factory=dict)
    noticers: dict[str, int] = field(default_factory=dict)

    @property
    def judged(self) -> int:
        """Structural mutants."""
        return self.killed + len(self.survivors)

    @property
    def ratio(self) -> float:
        """Killed of judged."""
        return self.killed / self.judged if self.judged else 1.0


Rules = Callable[[str], Iterable[Rule]]


def first_notice(data: bytes, rules: Rules = rules_for) -> str:
    """What notices a fault first: a rule's id, a refusal, a gap; empty where nothing does."""
    try:
        with msl_construct.open(data) as dump:
            finding = next(check(dump, rules=rules(dump.draft)), None)
            if finding is not None:
                return finding.rule.id
            return INCOMPLETE if gaps(dump) else ""
    except MslError:
        return REFUSED


def usable(specimens: Iterable[Specimen], rules: Rules = rules_for) -> list[Specimen]:
    """The files that faults can be put into: valid, complete, not encrypted."""
    return [
        s
        for s in specimens
        if s.kind == "valid"
        and s.expected is not None
        and not s.encrypted
        and s.blocks
        and not first_notice(s.data, rules)
    ]


def run(
    specimens: Iterable[Specimen], *, seed: int, count: int, rules: Rules = rules_for
) -> FileScore:
    """Try `count` mutants.

    Args:
        specimens: a corpus; faults are put into what `usable` finds in it.
        rules: the rules of a draft by its name.

    Raises:
        ValueError: there is nothing to put faults into.
    """
    found = usable(specimens, rules)
    if not found:
        raise ValueError("no valid, complete sample to put faults into")
    score = FileScore()
    for mutant in islice(file_mutants(found, seed), count):
        notice = first_notice(mutant.data, rules)
        if not mutant.structural:
            score.free += 1
            score.free_noticed += bool(notice)
            continue
        key = f"{mutant.operator}, hashes {'right' if mutant.repaired else 'stale'}"
        tally = score.by_operator.setdefault(key, [0, 0])
        tally[1] += 1
        if notice:
            tally[0] += 1
            score.killed += 1
            score.noticers[notice] = score.noticers.get(notice, 0) + 1
        else:
            score.survivors.append(mutant)
    return score


def classes(survivors: Iterable[FileMutant]) -> dict[str, tuple[int, str]]:
    """Survivors by what was done to which field: how many, and one of them."""
    found: dict[str, tuple[int, str]] = {}
    for mutant in survivors:
        key = f"{mutant.operator} {mutant.field or mutant.what}"
        found[key] = (found.get(key, (0, ""))[0] + 1, mutant.text)
    return dict(sorted(found.items(), key=lambda item: -item[1][0]))
