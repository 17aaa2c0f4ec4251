"""Reports as JUnit XML: a suite for each file, a case for each rule."""

from __future__ import annotations

from collections.abc import Iterator

from ..rules import Found, Rule
from .check_outcome import CheckReport, FileOutcome
from .common import Exit
from .junit import DECLARATION, case, content, quoted
from .text import many

__all__ = ["JUnitReport"]


class JUnitReport(CheckReport):
    """For build servers. What does not count is output of a case that passes."""

    keep = 20

    def begin(self) -> None:
        self.write(f'{DECLARATION}<testsuites name="msl check">\n')

    def done(self, outcome: FileOutcome) -> None:
        cases = list(_cases(outcome))
        failures = sum("<failure" in case for case in cases)
        errors = sum("<error" in case for case in cases)
        self.write(
            f'<testsuite name={quoted(outcome.name)} tests="{len(cases)}" '
            f'failures="{failures}" errors="{errors}" skipped="0">\n'
        )
        self.write("".join(cases))
        self.write("</testsuite>\n")

    def end(self, code: Exit) -> None:
        self.write("</testsuites>\n")


def _cases(outcome: FileOutcome) -> Iterator[str]:
    """Whether the file can be read, whether it is complete, and every rule."""
    inside = ""
    if outcome.error:
        inside = f"<error message={quoted(outcome.error)}/>"
    elif outcome.encrypted:
        inside = f"<error message={quoted(outcome.encrypted)}/>"
    yield case(outcome.name, "readable", inside)
    if outcome.draft is None:
        return
    inside = ""
    if outcome.gaps:
        text = content(outcome.gaps)
        inside = f"<failure message={quoted(outcome.gaps[0])}>{text}</failure>"
    yield case(outcome.name, "complete", inside)
    for rule in outcome.rules.values():
        yield case(outcome.name, rule.id, _broken(outcome, rule))


def _broken(outcome: FileOutcome, rule: Rule) -> str:
    count = outcome.counts.get(rule.id, 0)
    if not count:
        return ""
    places = outcome.places.get(rule.id, [])
    lines = [_line(place) for place in places]
    if count > len(places):
        lines.append(f"and {count - len(places)} more")
    text = content(lines)
    if not outcome.matters(rule):
        return f"<system-out>{text}</system-out>"
    message = f"{many(count, 'finding')}: {rule.wrong}"
    return f'<failure message={quoted(message)} type="{rule.level.value}">{text}</failure>'


def _line(found: Found) -> str:
    offset = "" if found.offset is None else f"{found.offset:#x}: "
    return offset + found.text
