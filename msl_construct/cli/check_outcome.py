"""What a check made of a file, and what a report about it is told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ..rules import Found, Level, Rule, RuleFinding
from .common import Exit

if TYPE_CHECKING:
    from ..reader.dump import Dump

__all__ = ["CheckReport", "FileOutcome"]


class FileOutcome:
    """What a check made of one file.

    Attributes:
        name: the file, as it was named or found.
        draft: what it was judged by; None when it could not be read.
        blocks: how many it has.
        rules: what was put to it, by id.
        counts: findings by rule id, in the order in which the rules were broken first.
        places: the first findings of each rule, or all of them.
        explanations: by rule id, who is known to write so, and why.
        dialect: name of the dialect that it is in, if any; producer: who has probably written it;
            reasons: what tells so; possible: of a file in none, who is known to write such ones.
        explained: findings that dialects explain and that don't count, by dialect and rule id, with
            the first of each.
        known: findings that the baseline has.
        gaps: why it is not complete, or not checked completely.
        encrypted: why only the header was checked.
        error: why it could not be read (to its end).
    """

    def __init__(self, name: str, strict: bool, keep: int | None) -> None:
        self.name = name
        self.strict = strict
        self.draft: str | None = None
        self.blocks = 0
        self.rules: dict[str, Rule] = {}
        self.counts: dict[str, int] = {}
        self.places: dict[str, list[Found]] = {}
        self.dialect: str | None = None
        self.producer: str | None = None
        self.reasons: tuple[str, ...] = ()
        self.possible: tuple[str, ...] = ()
        self.explained: dict[tuple[str, str], tuple[int, RuleFinding]] = {}
        self.explanations: dict[str, str] = {}
        self.known = 0
        self.gaps: list[str] = []
        self.encrypted = ""
        self.error = ""
        self._keep = keep
        self._failed: Exit | None = None

    def opened(self, dump: Dump, rules: Sequence[Rule]) -> None:
        """The file is readable, and these rules will be put to it."""
        self.draft = dump.draft
        self.dialect, self.producer = dump.dialect, dump.producer
        self.reasons = dump.recognition.reasons
        self.possible = dump.recognition.possible
        self.blocks = len(dump.index)
        self.rules = {rule.id: rule for rule in rules}

    def take(self, finding: RuleFinding) -> None:
        """Count a finding, and keep it while it is among the first."""
        rule = finding.rule.id
        self.rules.setdefault(rule, finding.rule)  # a dialect has rules of its own
        count = self.counts[rule] = self.counts.get(rule, 0) + 1
        if self._keep is None or count <= self._keep:
            self.places.setdefault(rule, []).append(finding.found)
        if finding.explanation:
            by = finding.explained_by
            who = "known of" if by is None else f"so in dialect {by.name}:"
            self.explanations.setdefault(rule, f"{who} {finding.explanation}")

    def explain(self, finding: RuleFinding) -> None:
        """Count a finding that is as it must be in the dialect of the file, or of its part."""
        assert finding.explained_by is not None
        key = finding.explained_by.name, finding.rule.id
        count, first = self.explained.get(key, (0, finding))
        self.explained[key] = count + 1, first

    def fail(self, code: Exit, error: str) -> None:
        """The file could not be read, or not to its end."""
        self._failed, self.error = code, error

    def matters(self, rule: Rule) -> bool:
        """Whether findings of a rule decide about the exit code."""
        return self.strict or rule.level is Level.MUST

    @property
    def changed(self) -> bool:
        """Whether it was read to its end, and is not intact."""
        return self._failed is Exit.FINDINGS

    @property
    def doubt(self) -> str:
        """Why it is not fine, whatever the rules find: a word or two; empty: nothing of that."""
        if self.changed:
            return "not intact"
        if self._failed is not None:
            return "not read to its end"
        if self.encrypted:
            return "encrypted"
        return "incomplete" if self.gaps else ""

    @property
    def counted(self) -> int:
        """How many findings decide about the exit code."""
        return sum(n for rule, n in self.counts.items() if self.matters(self.rules[rule]))

    @property
    def total(self) -> int:
        """How many findings there are."""
        return sum(self.counts.values())

    @property
    def code(self) -> Exit:
        """The exit code of this file alone."""
        if self._failed is not None:
            return self._failed
        if self.counted:
            return Exit.FINDINGS
        if self.encrypted:
            return Exit.KEY
        return Exit.INCOMPLETE if self.gaps else Exit.FINE


class CheckReport:
    """Base of the reports; each writes its own text with `write`.

    Attributes:
        keep: how many findings of each rule an outcome is to keep; None for all.
    """

    keep: int | None = 0

    def __init__(self, write: Callable[[str], object]) -> None:
        self.write = write

    def begin(self) -> None:
        """Before the first file."""

    def file(self, outcome: FileOutcome) -> None:
        """A file is open, or can't be opened."""

    def finding(self, outcome: FileOutcome, finding: RuleFinding) -> None:
        """In the order in which they are found."""

    def explained(self, outcome: FileOutcome, finding: RuleFinding) -> None:
        """In the same order, what the dialect of the file explains."""

    def done(self, outcome: FileOutcome) -> None:
        """Behind a file."""

    def end(self, code: Exit) -> None:
        """Behind the last file."""
