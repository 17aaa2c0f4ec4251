"""Rules that bind readers: listed and explained, never put to a file."""

from __future__ import annotations

import json
from typing import Any

import pytest
import rules_files
from commands import PLACE, run
from independent.specimens import LE10, LE11, one

import msl_construct
from msl_construct.corpus import Consumer
from msl_construct.drafts import PUBLIC
from msl_construct.rules import Check, Level, Role, Scope, check, every_rule, rules_for
from msl_construct.rules.consumers import CONSUMERS
from msl_construct.rules.engine import binding
from msl_construct.rules.statements import every_statement, matching

READERS = [rule for rule in every_rule(PUBLIC) if not rule.judges_files]


def test_they_are_rules_of_the_drafts() -> None:
    assert [rule.id for rule in READERS] != []
    assert {rule.id for rule in READERS} == {rule.id for rule in CONSUMERS}
    for draft in PUBLIC:
        bound = binding(rules_for(draft), [Role.CONSUMER])
        assert list(bound) == [rule for rule in CONSUMERS if draft in rule.drafts]
    for rule in CONSUMERS:
        assert (rule.scope, rule.who) == (Scope.READER, (Role.CONSUMER,))
        assert "-READER-" in rule.id
        assert rule.id.startswith("MSLX-" if rule.level is Level.OURS else "MSL-")
        for text in (rule.requirement, rule.wrong, rule.why):
            assert text.endswith("."), rule.id
        assert rule.requirement.startswith(("A reader ", "For a reader "))
        assert rule.wrong.startswith("The reader "), rule.id


def test_every_demand_on_consumers_is_a_rule_or_says_why_not() -> None:
    for statement in every_statement():
        if statement.who != (Role.CONSUMER,) or statement.untestable or statement.word == "MAY":
            continue
        for draft in statement.drafts:
            found = [rule for rule in matching(statement, draft) if not rule.judges_files]
            assert found, (statement.id, draft)


def test_without_samples_only_where_no_output_shows_it() -> None:
    reasons = {
        rule: statement.untestable
        for statement in every_statement()
        for rule in statement.rules
        if statement.untestable
    }
    for rule in CONSUMERS:
        assert bool(rule.samples) != bool(reasons.get(rule.id)), rule.id


def test_picks_name_what_there_is() -> None:
    ids = {rule.id for rule in every_rule(PUBLIC) if rule.judges_files}
    for rule in CONSUMERS:
        for pick in rule.samples:
            assert str(pick), rule.id
            assert not pick.rule or pick.rule in ids, (rule.id, pick.rule)
            assert not pick.consumer or Consumer(pick.consumer)


def test_the_words_of_a_pick() -> None:
    by_id = {rule.id: rule for rule in CONSUMERS}
    (pick,) = by_id["MSL-4.3-READER-ACCEPTS-INVALID-TYPE"].samples
    assert str(pick) == "rule MSL-4.3-BLOCK-TYPE-INVALID, consumer reject-block"


@pytest.mark.parametrize("kind", [LE10, LE11], ids=lambda kind: kind.name)
def test_no_file_is_judged_by_them(kind: object) -> None:
    good = rules_files.live(kind).build()  # type: ignore[arg-type]
    bad = one(kind, 0, b"")  # type: ignore[arg-type]
    for data in (good, bad):
        with msl_construct.open(data) as dump:
            assert all(rule.judges_files for rule in Check(dump).rules)
            assert Check(dump, rules=READERS).rules == ()
            assert list(check(dump, rules=READERS)) == []
            assert list(check(dump, roles=[Role.CONSUMER])) == []


def test_nor_do_they_find_anything_when_asked() -> None:
    for rule in READERS:
        assert list(rule.find(None)) == []


# -- the command ---------------------------------------------------------------------------------


def told(*words: Any, code: int = 0) -> str:
    done = run("check", *words)
    assert done.returncode == code, done.stderr
    return (done.stderr if code else done.stdout).decode()


def test_list_has_them() -> None:
    lines = told("--list", "--role", "consumer").splitlines()
    assert [line.split()[0] for line in lines] == [rule.id for rule in READERS]
    assert all("consumer" in line for line in lines)
    text = told("--list", "--role", "consumer", "--format", "json")
    for row in json.loads(text):
        assert row["scope"] == "reader"
        assert isinstance(row["samples"], list)


def test_explain_says_which_samples_show_it() -> None:
    found = told("--explain", "MSL-5.1-READER-LOSES-FRAGMENTS")
    assert "Judges    readers, never a file" in found
    assert "Samples   feature cont" in found
    found = told("--explain", "MSL-8-READER-IGNORES-CAP-BITMAP")
    assert "Samples   none: what a reader prints does not show it" in found


def test_a_file_can_t_be_checked_for_readers() -> None:
    sample = PLACE / "samples" / "live-le.msl"
    errors = told("--role", "consumer", sample, code=2)
    assert "no file breaks a rule for consumers; expected --list or --explain" in errors
    told("--role", "consumer", "--role", "producer", sample)
