"""Rules of each subject against files that break one of them, and against files that conform."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import rules_faults_content
import rules_faults_parts
import rules_faults_tables
from independent.specimens import KINDS, LE11, Kind
from rules_faults import FAULTS, Fault
from rules_files import Plan, encrypted, extended, imported, investigation, live, raw_stream

import msl_construct
from msl_construct.drafts import DRAFTS, NEWEST_DRAFT
from msl_construct.rules import Level, Rule, RuleFinding, check, rules_for
from msl_construct.rules.written import WRITTEN

MORE = (
    rules_faults_content,
    rules_faults_parts,
    rules_faults_tables,
)  # importing them notes their faults

CASES = [(fault, kind) for fault in FAULTS for kind in fault.kinds]
CONFORMANT = [
    *((make, kind) for make in (live, imported, raw_stream) for kind in KINDS),
    (investigation, LE11),
    (extended, LE11),
    (encrypted, LE11),
]


def findings(data: bytes) -> list[RuleFinding]:
    with msl_construct.open(data) as dump:
        return list(check(dump))


@pytest.mark.parametrize(
    ("fault", "kind"), CASES, ids=[f"{f.rule}-{f.name}-{k.name}" for f, k in CASES]
)
def test_breaks_this_rule_and_no_other(fault: Fault, kind: Kind) -> None:
    data, offset = fault.file(kind)
    found = findings(data)
    assert [finding.rule.id for finding in found] == [fault.rule], found
    (finding,) = found
    assert finding.found.offset == offset, f"{finding.found.offset:#x}, not {offset:#x}"
    assert finding.found.text


@pytest.mark.parametrize(
    ("make", "kind"), CONFORMANT, ids=[f"{m.__name__}-{k.name}" for m, k in CONFORMANT]
)
def test_nothing_is_found_in_a_file_that_conforms(make: Callable[[Kind], Plan], kind: Kind) -> None:
    assert findings(make(kind).build()) == []


def subject(rule: Rule) -> tuple[str, str]:
    """What a rule looks at: rules of one subject stand in one module."""
    return rule.find.__module__.rpartition(".")[2], rule.scope.name


def test_every_subject_has_a_file_in_every_draft_that_it_has_rules_in() -> None:
    """Each single rule is broken by a sample of the corpus; these files are made without it."""
    rules = {rule.id: rule for rule in WRITTEN}
    broken = {(subject(rules[fault.rule]), kind.revised) for fault, kind in CASES}
    newest = NEWEST_DRAFT
    held = {(subject(rule), draft == newest) for rule in WRITTEN for draft in rule.drafts}
    missing = sorted(held - broken)
    assert not missing, f"no file in tests/rules_faults*.py breaks a rule of {missing}"


def test_rules_say_what_they_are() -> None:
    ids = [rule.id for rule in WRITTEN]
    assert len(ids) == len(set(ids))
    for rule in WRITTEN:
        assert rule.id.startswith("MSLX-" if rule.level is Level.OURS else "MSL-"), rule.id
        assert rule.id.split("-")[1] == rule.section[1:], rule.id
        assert rule.id == rule.id.upper()
        for text in (rule.requirement, rule.wrong, rule.why):
            assert text.endswith("."), rule.id
        assert rule.who
        assert not rule.derived


@pytest.mark.parametrize("draft", DRAFTS)
def test_written_rules_are_part_of_a_drafts_rules(draft: str) -> None:
    held = {rule.id for rule in rules_for(draft)}
    assert {rule.id for rule in WRITTEN if draft in rule.drafts} <= held
    assert not held & {rule.id for rule in WRITTEN if draft not in rule.drafts}
