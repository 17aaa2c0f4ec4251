"""The reports about a check: the one that people read, and which one is asked for."""

from __future__ import annotations

from collections.abc import Callable

from ..rules import Found, Level, Rule
from .check_outcome import CheckReport, FileOutcome
from .terminal import wants_color
from .text import Style, many, printable

__all__ = ["TextReport", "report"]

_FIRST = 3
"""Places of each rule that are shown unless all are asked for."""

_LEVELS = (Level.MUST, Level.SHOULD, Level.OURS)


class TextReport(CheckReport):
    """For people: findings by rule."""

    def __init__(self, write: Callable[[str], object], everything: bool, style: Style) -> None:
        super().__init__(write)
        self.keep = None if everything else _FIRST
        self._style = style

    def done(self, outcome: FileOutcome) -> None:
        lines = [f"{printable(outcome.name)}: {_summary(outcome)}"]
        lines += [f"  incomplete: {printable(gap)}" for gap in outcome.gaps]
        if outcome.encrypted:
            lines.append(f"  {printable(outcome.encrypted)}")
        if outcome.error and outcome.draft is not None:
            cut = "" if outcome.changed else "not read to its end: "
            lines.append(f"  {cut}{printable(outcome.error)}")
        for level in _LEVELS:
            for rule, count in outcome.counts.items():
                if outcome.rules[rule].level is level:
                    lines += self._group(outcome, outcome.rules[rule], count)
        lines += self._explained(outcome)
        self.write("\n".join(lines) + "\n")

    def _explained(self, outcome: FileOutcome) -> list[str]:
        """What the file's dialects explain, by dialect and rule."""
        lines: list[str] = []
        shown = ""
        for (dialect, rule), (count, first) in outcome.explained.items():
            if dialect != shown:
                shown = dialect
                assert first.explained_by is not None
                by = f"explained by dialect {dialect}, as {first.explained_by.producer} writes it"
                lines.append(f"  {by} (--strict counts it)")
            lines.append(f"    {rule}: {many(count, 'finding')}")
            lines.append(f"      {first.explanation}")
        return lines

    def _group(self, outcome: FileOutcome, rule: Rule, count: int) -> list[str]:
        color = "red" if outcome.matters(rule) else "yellow"
        level = self._style.paint(f"{rule.level.value:6}", fg=color)
        name = self._style.paint(rule.id, bold=True)
        lines = [f"  {level} {name}: {many(count, 'finding')}", f"    {rule.wrong}"]
        if rule.id in outcome.explanations:
            lines.append(f"    {outcome.explanations[rule.id]}")
        places = outcome.places.get(rule.id, [])
        width = max((len(_offset(place)) for place in places), default=0)
        for place in places:
            lines.append(f"    {_offset(place):>{width}}  {printable(place.text)}")
        if count > len(places):
            lines.append(f"    and {count - len(places)} more (--all)")
        return lines


def _offset(found: Found) -> str:
    return "-" if found.offset is None else f"{found.offset:#x}"


def _summary(outcome: FileOutcome) -> str:
    if outcome.draft is None:
        return f"not checked: {printable(outcome.error)}"
    counted, others = outcome.counted, outcome.total - outcome.counted
    if not outcome.total:
        first = "nothing found in what was checked" if outcome.doubt else "no findings"
    elif not counted:
        first = f"{many(others, 'finding')}, none of which count{'s' if others == 1 else ''}"
        first = first if others > 1 else "1 finding that does not count"
    else:
        first = many(counted, "finding")
        if others:
            first += f", {others} more that {'does' if others == 1 else 'do'} not count"
    if outcome.doubt:
        first = f"{outcome.doubt}; {first}"
    explained = sum(count for count, _ in outcome.explained.values())
    if explained:
        first += f", {explained} explained by its dialect"
    if outcome.known:
        first += f", {outcome.known} known before"
    read = outcome.draft if outcome.dialect is None else f"{outcome.draft} ({outcome.dialect})"
    about = f"{read}, {many(outcome.blocks, 'block')}, {many(len(outcome.rules), 'rule')}"
    return f"{first} ({about})"


def report(
    form: str, write: Callable[[str], object], everything: bool, strict: bool, no_color: bool
) -> CheckReport:
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
