"""Reports as JSON, and what an older one of them knows already."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable

import click

from ..rules import Rule, RuleFinding
from .check_outcome import CheckReport, FileOutcome
from .common import Exit
from .text import as_json

__all__ = ["VERSION", "JsonReport", "KnownFindings", "LinesReport", "described"]

VERSION = 1
"""Of the report's own form."""

_Place = tuple[str, str, "int | None", str]


def described(rule: Rule) -> dict[str, object]:
    """A rule with all that is said of it."""
    return {
        "id": rule.id,
        "section": rule.section,
        "level": rule.level.value,
        "who": [role.value for role in rule.who],
        "drafts": list(rule.drafts),
        "scope": rule.scope.value,
        "derived": rule.derived,
        "requirement": rule.requirement,
        "wrong": rule.wrong,
        "why": rule.why,
        **({} if rule.judges_files else {"samples": [str(pick) for pick in rule.samples]}),
    }


def _finding(finding: RuleFinding) -> dict[str, object]:
    found = finding.found
    return {
        "rule": finding.rule.id,
        "level": finding.rule.level.value,
        "section": finding.rule.section,
        "offset": None if found.offset is None else f"{found.offset:#x}",
        "block": found.block,
        "field": found.field,
        "text": found.text,
        **_explanation(finding),
    }


def _explanation(finding: RuleFinding) -> dict[str, object]:
    """What dialects have to say of a finding; nothing where they have nothing."""
    if not finding.explanation:
        return {}
    dialect = finding.explained_by
    return {
        "explained_by": None if dialect is None else dialect.name,
        "explanation": finding.explanation,
    }


def _explained(outcome: FileOutcome) -> dict[str, object]:
    """The dialect of a file, and by rule how many findings it explains."""
    if outcome.dialect is None and not outcome.explained:
        known: dict[str, object] = {"producer": None}
        known["possible_producers"] = list(outcome.possible)
        return known if outcome.possible else {}
    counts: dict[str, dict[str, int]] = {}
    for (dialect, rule), (count, _) in outcome.explained.items():
        counts.setdefault(dialect, {})[rule] = count
    return {
        "dialect": outcome.dialect,
        "producer": outcome.producer,
        "recognised_by": list(outcome.reasons),
        "explained": counts,
    }


def _result(outcome: FileOutcome) -> dict[str, object]:
    """What is known of a file once it has been checked."""
    return {
        "draft": outcome.draft,
        **_explained(outcome),
        "exit_code": int(outcome.code),
        "blocks": outcome.blocks,
        "counted": outcome.counted,
        "known": outcome.known,
        "counts": outcome.counts,
        "complete": not outcome.gaps and not outcome.error and not outcome.encrypted,
        "gaps": outcome.gaps,
        "encrypted": bool(outcome.encrypted),
        "error": outcome.error or None,
    }


_LARGEST = 1 << 28
"""Characters of an older report; a device would give them without end."""


class JsonReport(CheckReport):
    """One JSON object: files with their findings, and the rules that were broken."""

    def __init__(self, write: Callable[[str], object]) -> None:
        super().__init__(write)
        self._rules: dict[str, Rule] = {}
        self._files = 0
        self._findings = 0

    def begin(self) -> None:
        self.write(f'{{"check": {VERSION}, "files": [')

    def file(self, outcome: FileOutcome) -> None:
        name = as_json(outcome.name)
        self.write(f'{"," if self._files else ""}\n{{"file": {name}, "findings": [')
        self._files += 1
        self._findings = 0

    def finding(self, outcome: FileOutcome, finding: RuleFinding) -> None:
        self._rules[finding.rule.id] = finding.rule
        comma = "," if self._findings else ""
        self.write(f"{comma}\n  {as_json(_finding(finding))}")
        self._findings += 1

    def explained(self, outcome: FileOutcome, finding: RuleFinding) -> None:
        self.finding(outcome, finding)

    def done(self, outcome: FileOutcome) -> None:
        self.write("], " + as_json(_result(outcome))[1:])

    def end(self, code: Exit) -> None:
        rules = [described(rule) for rule in self._rules.values()]
        self.write(f'],\n"exit_code": {int(code)}, "rules": {as_json(rules)}}}\n')


class LinesReport(CheckReport):
    """A JSON object a line: every finding, and behind those of a file the file."""

    def finding(self, outcome: FileOutcome, finding: RuleFinding) -> None:
        row = {"type": "finding", "file": outcome.name, **_finding(finding)}
        self.write(as_json(row) + "\n")

    def explained(self, outcome: FileOutcome, finding: RuleFinding) -> None:
        self.finding(outcome, finding)

    def done(self, outcome: FileOutcome) -> None:
        row = {"type": "file", "file": outcome.name, **_result(outcome)}
        self.write(as_json(row) + "\n")


class KnownFindings:
    """The findings of an older report.

    A finding is known by file, rule, block and field: not by its text, which tells of hashes
    and addresses, nor by its offset, which moves with everything before it. Where the same
    place breaks a rule more often than it did, the surplus is new.
    """

    def __init__(self, places: Counter[_Place]) -> None:
        self._places = places

    @classmethod
    def read(cls, path: str) -> KnownFindings:
        """The findings of a ``--format json`` report.

        Raises:
            click.UsageError: it is none.
        """
        places: Counter[_Place] = Counter()
        try:
            with open(path, encoding="utf-8") as file:
                text = file.read(_LARGEST + 1)
            if len(text) > _LARGEST:
                raise ValueError(f"more than {_LARGEST} characters")
            older = json.loads(text)
            if older["check"] != VERSION:
                raise ValueError(f"expected a report of version {VERSION}")
            for one in older["files"]:
                for row in one["findings"]:
                    name = os.path.normpath(one["file"])
                    places[name, row["rule"], row["block"], row["field"]] += 1
        except (OSError, ValueError, KeyError, TypeError) as error:
            reason = (
                str(error) if isinstance(error, (OSError, ValueError)) else "fields are missing"
            )
            raise click.UsageError(
                f"--baseline {path}: not a report of msl check --format json: {reason}"
            ) from None
        return cls(places)

    def has(self, file: str, finding: RuleFinding) -> bool:
        """Whether the finding is known; each of the report's is good for one."""
        found = finding.found
        place = os.path.normpath(file), finding.rule.id, found.block, found.field
        if not self._places[place]:
            return False
        self._places[place] -= 1
        return True
