"""What came out of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ..corpus.manifest import Sample
from .comparing import Difference
from .judging import FAILURES, SampleOutcome
from .levels import ComparisonLevel
from .unread import Unread

__all__ = ["Result", "Results", "Row", "Stale"]


@dataclass(frozen=True)
class Result:
    """What became of one sample.

    Attributes:
        sample: the sample.
        outcome: what became of it.
        failure: of a known difference: the class that it would have failed with.
        detail: what happened, in a line; empty if there is nothing to say.
        differences: the first differences between the documents.
        difference_count: how many there are.
        unread: the first block that it does not show.
        data_hidden: stretches of page data that were expected and not printed.
        code: exit code, negative for a signal; None: it was not run or was killed.
        seconds: how long it took.
        stderr: the end of what it said there.
        command: the command, as one would type it; empty if it was not run.
        reason: what the list or the declaration says that it comes from.
    """

    sample: Sample
    outcome: SampleOutcome
    failure: SampleOutcome | None = None
    detail: str = ""
    differences: tuple[Difference, ...] = ()
    difference_count: int = 0
    unread: Unread | None = None
    data_hidden: int = 0
    code: int | None = None
    seconds: float = 0.0
    stderr: str = ""
    command: str = ""
    reason: str = ""

    @property
    def failed(self) -> bool:
        """Whether it fails the run."""
        return self.outcome in FAILURES

    def to_json(self) -> dict[str, Any]:
        """The result as plain values."""
        return {
            "name": self.sample.name,
            "outcome": self.outcome.value,
            "failure": None if self.failure is None else self.failure.value,
            "detail": self.detail,
            "differences": [vars(one) for one in self.differences],
            "difference_count": self.difference_count,
            "unread": None if self.unread is None else str(self.unread),
            "data_hidden": self.data_hidden,
            "code": self.code,
            "seconds": round(self.seconds, 3),
            "stderr": self.stderr,
            "command": self.command,
            "reason": self.reason,
        }


@dataclass(frozen=True)
class Stale:
    """An entry of a list that says what is not so.

    Attributes:
        pattern: the entry.
        source: name of the list and number of the line.
        why: what is wrong with it.
    """

    pattern: str
    source: str
    why: str


@dataclass(frozen=True)
class Row:
    """A row of the matrix: how often each outcome is among some samples.

    Attributes:
        group: ``feature``, ``draft``, ``kind`` or ``total``.
        name: feature code, name of the draft or kind.
        counts: number of samples by outcome; every outcome has one.
    """

    group: str
    name: str
    counts: dict[SampleOutcome, int]


@dataclass(frozen=True)
class Results:
    """What came out of a run, sample by sample in the order of the corpus."""

    decoder: str
    level: ComparisonLevel
    timeout: float
    results: tuple[Result, ...]
    stale: tuple[Stale, ...] = ()

    def __iter__(self) -> Iterator[Result]:
        return iter(self.results)

    def __len__(self) -> int:
        return len(self.results)

    @property
    def failures(self) -> tuple[Result, ...]:
        """The samples that fail the run."""
        return tuple(result for result in self.results if result.failed)

    @property
    def ok(self) -> bool:
        """Whether nothing failed and no entry of a list is stale."""
        return not self.failures and not self.stale

    @property
    def counts(self) -> dict[SampleOutcome, int]:
        """Number of samples by outcome; every outcome has one."""
        return _counts(self.results)

    @property
    def data_hidden(self) -> int:
        """Samples whose page data was not shown, so that it was not compared."""
        return sum(result.data_hidden > 0 for result in self.results)

    def matrix(self) -> list[Row]:
        """The outcomes by feature, by draft, by kind, and of all samples."""
        groups: dict[str, Callable[[Sample], tuple[str, ...]]] = {
            "feature": lambda sample: sample.features,
            "draft": lambda sample: (sample.draft,),
            "kind": lambda sample: (sample.kind.value,),
        }
        rows = []
        for group, keys_of in groups.items():
            found: dict[str, list[Result]] = {}
            for result in self.results:
                for key in keys_of(result.sample):
                    found.setdefault(key, []).append(result)
            names = sorted(found) if group == "feature" else list(found)
            rows += [Row(group, name, _counts(found[name])) for name in names]
        return [*rows, Row("total", "all", self.counts)]

    def to_json(self) -> dict[str, Any]:
        """Everything as plain values; ``samples_run`` is the version of this form."""
        return {
            "samples_run": 1,
            "decoder": self.decoder,
            "level": self.level.value,
            "timeout": self.timeout,
            "ok": self.ok,
            "totals": {outcome.value: count for outcome, count in self.counts.items()},
            "data_hidden": self.data_hidden,
            "matrix": [
                {
                    "group": row.group,
                    "name": row.name,
                    **{outcome.value: count for outcome, count in row.counts.items()},
                }
                for row in self.matrix()
            ],
            "stale": [vars(one) for one in self.stale],
            "samples": [result.to_json() for result in self.results],
        }


def _counts(results: tuple[Result, ...] | list[Result]) -> dict[SampleOutcome, int]:
    found = Counter(result.outcome for result in results)
    return {outcome: found[outcome] for outcome in SampleOutcome}
