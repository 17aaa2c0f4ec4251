"""What became of a file, and the report about it that people read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ..rules import Finding, Found, Level, Rule
from .common import Exit, wants_color
from .text import Style, many, printable

if TYPE_CHECKING:
    from ..reader.dump import Dump

__all__ = ["Outcome", "Report", "TextReport", "report"]

_FIRST = 3
"""Places of each rule that are shown unless all are asked for."""

_LEVELS = (Level.MUST, Level.SHOULD, Level.OURS)


class Outcome:
    """What a check made of one file.

    Attributes:
        name: the file, as it was named or found.
        draft: what it was judged by; None when it could not be read.
        blocks: how many it has.
        rules: what was put to it, by id.
        counts: findings by rule id, in the order in which the rules were broken first.
        places: the first findings of each rule, or all of them.
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
        self.known = 0
        self.gaps: list[str] = []
        self.encrypted = ""
        self.error = ""
        self._keep = keep
        self._failed: Exit | None = None

    def opened(self, dump: Dump, rules: Sequence[Rule]) -> None:
        """The file is readable, and these rules will be put to it."""
        self.draft = dump.draft
        self.blocks = len(dump.index)
        self.rules = {rule.id: rule for rule in rules}

    def take(self, finding: Finding) -> None:
        """Count a finding, and keep it while it is among the first."""
        rule = finding.rule.id
        count = self.counts[rule] = self.counts.get(rule, 0) + 1
        if self._keep is None or count <= self._keep:
            self.places.setdefault(rule, []).append(finding.found)

    def fail(self, code: Exit, error: str) -> None:
        """The file could not be read, or not to its end."""
        self._failed, self.error = code, error

    def matters(self, rule: Rule) -> bool:
        """Whether findings of a rule decide about the exit code."""
        return self.strict or rule.level is Level.MUST

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


class Report:
    """Base of the reports; each writes its own text with `write`.

    Attributes:
        keep: how many findings of each rule an outcome is to keep; None for all.
    """

    keep: int | None = 0

    def __init__(self, write: Callable[[str], Any]) -> None:
        self.write = write

    def begin(self) -> None:
        """Before the first file."""

    def file(self, outcome: Outcome) -> None:
        """A file is open, or can't be opened."""

    def finding(self, outcome: Outcome, finding: Finding) -> None:
        """In the order in which they are found."""

    def done(self, outcome: Outcome) -> None:
        """Behind a file."""

    def end(self, code: Exit) -> None:
        """Behind the last file."""


class TextReport(Report):
    """For people: findings by rule."""

    def __init__(self, write: Callable[[str], Any], everything: bool, style: Style) -> None:
        super().__init__(write)
        self.keep = None if everything else _FIRST
        self._style = style

    def done(self, outcome: Outcome) -> None:
        lines = [f"{printable(outcome.name)}: {_summary(outcome)}"]
        lines += [f"  incomplete: {printable(gap)}" for gap in outcome.gaps]
        if outcome.encrypted:
            lines.append(f"  {outcome.encrypted}")
        if outcome.error and outcome.draft is not None:
            lines.append(f"  not read to its end: {printable(outcome.error)}")
        for level in _LEVELS:
            for rule, count in outcome.counts.items():
                if outcome.rules[rule].level is level:
                    lines += self._group(outcome, outcome.rules[rule], count)
        self.write("\n".join(lines) + "\n")

    def _group(self, outcome: Outcome, rule: Rule, count: int) -> list[str]:
        color = "red" if outcome.matters(rule) else "yellow"
        level = self._style.paint(f"{rule.level.value:6}", fg=color)
        name = self._style.paint(rule.id, bold=True)
        lines = [f"  {level} {name}: {many(count, 'finding')}", f"    {rule.wrong}"]
        places = outcome.places.get(rule.id, [])
        width = max((len(_offset(place)) for place in places), default=0)
        for place in places:
            lines.append(f"    {_offset(place):>{width}}  {printable(place.text)}")
        if count > len(places):
            lines.append(f"    and {count - len(places)} more (--all)")
        return lines


def _offset(found: Found) -> str:
    return "-" if found.offset is None else f"{found.offset:#x}"


def _summary(outcome: Outcome) -> str:
    if outcome.draft is None:
        return f"not checked: {printable(outcome.error)}"
    counted, others = outcome.counted, outcome.total - outcome.counted
    if not outcome.total:
        first = "no findings"
    elif not counted:
        first = f"{many(others, 'finding')}, none of which count{'s' if others == 1 else ''}"
        first = first if others > 1 else "1 finding that does not count"
    else:
        first = many(counted, "finding")
        if others:
            first += f", {others} more that {'does' if others == 1 else 'do'} not count"
    if outcome.known:
        first += f", {outcome.known} known before"
    about = f"{outcome.draft}, {many(outcome.blocks, 'block')}, {many(len(outcome.rules), 'rule')}"
    return f"{first} ({about})"


def report(
    form: str, write: Callable[[str], Any], everything: bool, strict: bool, no_color: bool
) -> Report:
    """A report of one of the formats."""
    if form == "text":
        return TextReport(write, everything, Style(wants_color(no_color)))
    if form == "junit":
        from .check_junit import JUnitReport

        return JUnitReport(write)
    if form == "sarif":
        from .check_sarif import SarifReport

        return SarifReport(write)
    from .check_data import JsonReport, LinesReport

    return JsonReport(write) if form == "json" else LinesReport(write)
