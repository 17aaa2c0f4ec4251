"""Reports as SARIF 2.1.0, which code hosts and editors read."""

from __future__ import annotations

import os
from collections.abc import Callable
from urllib.parse import quote

from .. import __version__
from ..rules import Level, Rule, RuleFinding
from .check_outcome import CheckReport, FileOutcome
from .common import Exit
from .text import as_json

__all__ = ["SARIF_SCHEMA", "SarifReport", "file_uri"]

SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {Level.MUST: "error", Level.SHOULD: "warning", Level.OURS: "note"}


class SarifReport(CheckReport):
    """One run: results as they are found, and behind them the rules that were broken."""

    def __init__(self, write: Callable[[str], object]) -> None:
        super().__init__(write)
        self._rules: dict[str, tuple[int, Rule]] = {}
        self._results = 0
        self._notes: list[dict[str, object]] = []
        self._failed = False

    def begin(self) -> None:
        self.write(f'{{"$schema": "{SARIF_SCHEMA}", "version": "2.1.0", "runs": [{{"results": [')

    def finding(self, outcome: FileOutcome, finding: RuleFinding) -> None:
        rule, found = finding.rule, finding.found
        index, _ = self._rules.setdefault(rule.id, (len(self._rules), rule))
        place: dict[str, object] = {"artifactLocation": {"uri": file_uri(outcome.name)}}
        if found.offset is not None:
            place["region"] = {"byteOffset": found.offset}
        location: dict[str, object] = {"physicalLocation": place}
        inside = "header" if found.block is None else f"blocks[{found.block}]"
        if found.block is not None or found.field:
            name = f"{inside}.{found.field}" if found.field else inside
            location["logicalLocations"] = [{"fullyQualifiedName": name}]
        result = {
            "ruleId": rule.id,
            "ruleIndex": index,
            "level": _LEVELS[rule.level],
            "message": {"text": found.text},
            "locations": [location],
            "partialFingerprints": {"place/v1": f"{rule.id}:{found.block}:{found.field}"},
        }
        self.write(f"{',' if self._results else ''}\n  {as_json(result)}")
        self._results += 1

    def done(self, outcome: FileOutcome) -> None:
        if outcome.error:
            self._failed = True
            self._note(outcome, "error", outcome.error)
        if outcome.encrypted:
            self._note(outcome, "warning", outcome.encrypted)
        for gap in outcome.gaps:
            self._note(outcome, "warning", gap)

    def end(self, code: Exit) -> None:
        invocation = {
            "executionSuccessful": not self._failed,
            "exitCode": int(code),
            "toolExecutionNotifications": self._notes,
        }
        driver = {
            "name": "msl-construct",
            "version": __version__,
            "rules": [_described(rule) for _, rule in self._rules.values()],
        }
        self.write(f'],\n"invocations": {as_json([invocation])},\n')
        self.write(f'"tool": {{"driver": {as_json(driver)}}}}}]}}\n')

    def _note(self, outcome: FileOutcome, level: str, text: str) -> None:
        place = {"physicalLocation": {"artifactLocation": {"uri": file_uri(outcome.name)}}}
        self._notes.append({"level": level, "message": {"text": text}, "locations": [place]})


def _described(rule: Rule) -> dict[str, object]:
    return {
        "id": rule.id,
        "shortDescription": {"text": rule.wrong},
        "fullDescription": {"text": rule.requirement},
        "help": {"text": rule.why},
        "defaultConfiguration": {"level": _LEVELS[rule.level]},
        "properties": {
            "section": rule.section,
            "level": rule.level.value,
            "who": [role.value for role in rule.who],
            "drafts": list(rule.drafts),
        },
    }


def file_uri(name: str) -> str:
    """A path as a reference: relative as it was given, absolute as a file URI."""
    path = quote(os.fsencode(name.replace(os.sep, "/")))
    return f"file://{path}" if os.path.isabs(name) else path
