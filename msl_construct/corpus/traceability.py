"""From statements to rules to samples: what a corpus shows of the specification, and what not.

A rule's *fail* samples are those whose verdict names it; its *pass* samples are what these
differ from by their fault (`Sample.base`). A rule that binds readers has the samples that it
picks. A statement is *covered*, as far as some samples go, when each of its rules has a fail and
a pass sample among them, and each `Pick` (its own and of its readers' rules) has one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from ..drafts import PUBLIC
from ..rules import Level, Pick, Rule, every_rule
from ..rules.statements import Statement, every_statement, matching
from .manifest import Kind, Sample

__all__ = ["FILE", "picked", "table", "text"]

FILE = "traceability.json"
"""Name of the table in a corpus' folder."""

_VERSION = 1
_OVERALL = "overall"


def table(samples: Iterable[Sample], drafts: Sequence[str] = PUBLIC) -> dict[str, Any]:
    """The table of a corpus: a `Manifest`, or any of its samples.

    It has ``coverage`` (in each draft by the samples of that draft, and ``overall`` by all of
    them), ``statements``, ``rules``, and ``orphans``: what is traced to nothing.
    """
    every = tuple(samples)
    corpora = {_OVERALL: _Corpus(every, every)}
    for draft in drafts:
        corpora[draft] = _Corpus(tuple(s for s in every if s.draft == draft), every)
    demanded = every_statement(*drafts)
    statements = [_statement(statement, corpora) for statement in demanded]
    rules = [_rule(rule, corpora, demanded) for rule in every_rule(drafts)]
    return {
        "traceability": _VERSION,
        "coverage": {name: _coverage(statements, name) for name in corpora},
        "statements": statements,
        "rules": rules,
        "orphans": _orphans(statements, rules, corpora[_OVERALL]),
    }


def text(found: dict[str, Any]) -> str:
    """The file that holds a table: a statement or rule a line."""
    parts = []
    for key, value in found.items():
        if isinstance(value, list):
            rows = ",\n".join(_dumped(row) for row in value)
            parts.append(f"{_dumped(key)}: [\n{rows}\n]")
        elif isinstance(value, dict):
            rows = ",\n".join(f"{_dumped(name)}: {_dumped(row)}" for name, row in value.items())
            parts.append(f"{_dumped(key)}: {{\n{rows}\n}}")
        else:
            parts.append(f"{_dumped(key)}: {_dumped(value)}")
    return "{" + ",\n".join(parts) + "}\n"


def picked(pick: Pick, sample: Sample) -> bool:
    """Whether a sample is one of those that are meant."""
    verdict = sample.verdict
    return (
        (not pick.feature or pick.feature in sample.features)
        and (not pick.rule or any(fnmatchcase(rule, pick.rule) for rule in verdict.rules))
        and (not pick.consumer or pick.consumer == verdict.consumer.value)
        and (not pick.name or fnmatchcase(sample.name, pick.name))
        and (not pick.draft or pick.draft == sample.draft)
    )


@dataclass
class _Shown:
    """What some samples show of a rule or a statement, and what they do not.

    Names are kept in order, once each.
    """

    passing: dict[str, None] = field(default_factory=dict)
    failing: dict[str, None] = field(default_factory=dict)
    picked: dict[str, None] = field(default_factory=dict)
    missing: dict[str, None] = field(default_factory=dict)

    def add(self, other: _Shown) -> None:
        self.passing.update(other.passing)
        self.failing.update(other.failing)
        self.picked.update(other.picked)
        self.missing.update(other.missing)

    def to_json(self) -> dict[str, Any]:
        return {
            "pass": list(self.passing),
            "fail": list(self.failing),
            "samples": list(self.picked),
        }


class _Corpus:
    """Samples, by the rules that they break.

    Args:
        samples: those that count.
        every: those and all others, among which a `Pick` with a draft looks.
    """

    def __init__(self, samples: Sequence[Sample], every: Sequence[Sample]) -> None:
        self.samples = samples
        self._every = every
        self.names = {sample.name for sample in samples}
        self.breaking: dict[str, list[Sample]] = {}
        for sample in samples:
            for rule in sample.verdict.rules:
                self.breaking.setdefault(rule, []).append(sample)
        self._picks: dict[Pick, _Shown] = {}

    def of_rule(self, rule: Rule) -> _Shown:
        if not rule.judges_files:
            return self.of_picks(rule.samples)
        shown = _Shown()
        for sample in self.breaking.get(rule.id, ()):
            shown.failing[sample.name] = None
            if sample.base in self.names:
                shown.passing[sample.base] = None
        if not shown.failing:
            shown.missing[f"no sample breaks {rule.id}"] = None
        elif not shown.passing:
            shown.missing[f"no sample keeps {rule.id}"] = None
        return shown

    def of_picks(self, picks: Iterable[Pick]) -> _Shown:
        shown = _Shown()
        for pick in picks:
            if pick not in self._picks:
                one = self._picks[pick] = _Shown()
                among = self._every if pick.draft else self.samples
                one.picked.update((s.name, None) for s in among if picked(pick, s))
                if not one.picked:
                    one.missing[f"no sample has {pick}"] = None
            shown.add(self._picks[pick])
        return shown


def _statement(statement: Statement, corpora: dict[str, _Corpus]) -> dict[str, Any]:
    drafts = [name for name in statement.drafts if name in corpora]
    rules = {rule.id: rule for draft in drafts for rule in matching(statement, draft)}
    shown = {}
    for name in (_OVERALL, *drafts):
        held = rules.values() if name == _OVERALL else matching(statement, name)
        one = shown[name] = corpora[name].of_picks(statement.samples)
        for rule in held:
            one.add(corpora[name].of_rule(rule))
    return {
        "id": statement.id,
        "section": statement.section,
        "word": statement.word.value,
        "who": [role.value for role in statement.who],
        "drafts": drafts,
        "derived": statement.derived,
        "text": statement.text,
        "also": list(statement.also),
        "untestable": statement.untestable or None,
        "rules": list(rules),
        **shown[_OVERALL].to_json(),
        "missing": {
            name: [] if statement.untestable else list(one.missing) for name, one in shown.items()
        },
    }


def _rule(
    rule: Rule, corpora: dict[str, _Corpus], statements: Iterable[Statement]
) -> dict[str, Any]:
    drafts = [name for name in rule.drafts if name in corpora]
    shown = {}
    for name in (_OVERALL, *drafts):
        shown[name] = corpora[name].of_rule(rule)
    return {
        "id": rule.id,
        "section": rule.section,
        "level": rule.level.value,
        "ours": rule.level is Level.OURS,
        "judges": rule.scope.value,
        "drafts": drafts,
        "derived": rule.derived,
        "statements": [s.id for s in statements if _comes_of(rule, s)],
        **shown[_OVERALL].to_json(),
        "missing": {name: list(one.missing) for name, one in shown.items()},
    }


def _comes_of(rule: Rule, statement: Statement) -> bool:
    if not set(rule.drafts) & set(statement.drafts):
        return False
    return any(fnmatchcase(rule.id, pattern) for pattern in statement.rules)


def _coverage(statements: Iterable[dict[str, Any]], name: str) -> dict[str, Any]:
    """How many statements there are, can be tested, and are covered."""
    held = [row for row in statements if name in row["missing"]]
    testable = [row for row in held if row["untestable"] is None]
    covered = [row for row in testable if not row["missing"][name]]
    return {
        "statements": len(held),
        "testable": len(testable),
        "covered": len(covered),
        "share": round(len(covered) / len(testable), 4) if testable else 0.0,
    }


def _orphans(
    statements: Iterable[dict[str, Any]], rules: Iterable[dict[str, Any]], corpus: _Corpus
) -> dict[str, list[str]]:
    """What is traced to nothing, each kind by itself.

    ``rules`` are those that no statement asks for, our own doubts apart, which are ``ours``;
    ``unsampled`` the rules without what shows them, draft by draft.
    """
    rules = list(rules)
    known = {row["id"] for row in rules}
    used = {name for row in statements for name in (*row["pass"], *row["samples"])}
    used |= {name for row in rules for name in (*row["pass"], *row["samples"])}
    return {
        "statements": [
            row["id"]
            for row in statements
            if not (row["rules"] or row["samples"] or row["untestable"])
        ],
        "rules": [row["id"] for row in rules if not (row["statements"] or row["ours"])],
        "ours": [row["id"] for row in rules if row["ours"]],
        "unsampled": [
            f"{draft}: {missing}"
            for row in rules
            for draft in row["drafts"]
            for missing in row["missing"][draft]
        ],
        "samples": [sample.name for sample in corpus.samples if _idle(sample, used)],
        "unknown_rules": [
            f"{sample.name}: {rule}"
            for sample in corpus.samples
            for rule in sample.verdict.rules
            if rule not in known
        ],
        "unknown_bases": list(_without_base(corpus)),
    }


def _idle(sample: Sample, used: set[str]) -> bool:
    """Whether nothing needs a sample."""
    if sample.name in used or sample.verdict.rules:
        return False
    return not (sample.features if sample.kind is Kind.VALID else sample.question)


def _without_base(corpus: _Corpus) -> Iterator[str]:
    for sample in corpus.samples:
        if sample.base is not None and sample.base not in corpus.names:
            yield f"{sample.name}: {sample.base}"


def _dumped(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
