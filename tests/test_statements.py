"""The statements: complete, held against the texts of the drafts, and traced to rules."""

from __future__ import annotations

import re

import normative
import pytest
from normative import (
    CONFORMANCE,
    DRAFT_03,
    DRAFT_10,
    PHRASES,
    WORDS,
    conformance_items,
    sections_at,
)

from msl_construct.drafts import PUBLIC
from msl_construct.rules import Level, Role, every_rule, rules_for
from msl_construct.rules.declare import before
from msl_construct.rules.statements import Statement, Word, every_statement, matching, st, unmatched

STATEMENTS = {statement.id: statement for statement in every_statement()}
OPEN_POINTS = "## Open points"
WRITTEN = [statement for statement in every_statement() if not statement.derived]


def flat(text: str) -> str:
    """The text with lines of a paragraph joined, so that phrases are found across their ends."""
    return re.sub(r"(?<![\n|])\n(?![\n|#\-*§]|\d+ )", " ", text)


def place_of(text: str, phrase: str) -> int:
    assert text.count(phrase) == 1, f"{phrase!r} occurs {text.count(phrase)} times"
    return text.index(phrase)


# -- against the texts -------------------------------------------------------------------------


def unaccounted(text: str, draft: str) -> tuple[list[str], int]:
    """Where a text demands something that no phrase has; and in how many places it demands."""
    spans = []
    for phrase in PHRASES[draft]:
        place = place_of(text, phrase)
        spans.append((place, place + len(phrase)))
    missing, seen = [], 0
    for numbers, start, end in normative.sections(text):
        if numbers == (CONFORMANCE,) or text.startswith(OPEN_POINTS, start):
            continue  # lists whose items are gone through below; what nobody has decided
        for word in WORDS.finditer(text, start, end):
            seen += 1
            if not any(first <= word.start() and word.end() <= last for first, last in spans):
                missing.append(text[max(0, word.start() - 60) : word.end() + 40])
    return missing, seen


@pytest.mark.parametrize("draft", PUBLIC)
def test_every_normative_word_is_a_statement(draft_texts: dict[str, str], draft: str) -> None:
    text = flat(draft_texts[draft])
    missing, seen = unaccounted(text, draft)
    assert missing == []
    assert seen > 15
    for demand in ("A reader MUST sing.", "Blocks are never blue.", "It SHOULD\nrain."):
        section = text.index("## §4.4" if draft == DRAFT_03 else "## §7")
        more = flat(f"{text[:section]}{demand}\n\n{text[section:]}")
        assert len(unaccounted(more, draft)[0]) == 1, demand


@pytest.mark.parametrize("draft", PUBLIC)
def test_phrases_stand_where_the_statements_say(draft_texts: dict[str, str], draft: str) -> None:
    text = flat(draft_texts[draft])
    for phrase, name in PHRASES[draft].items():
        statement = STATEMENTS[name]
        assert draft in statement.drafts, name
        own = dict(zip(statement.drafts, statement.sections))[draft]
        found = sections_at(text, place_of(text, phrase))
        also = {item.split(" ")[0] for item in statement.also} and CONFORMANCE in found
        below = any(one.startswith(f"{own}.") or own.startswith(f"{one}.") for one in found)
        assert own in found or also or below or not found, (name, own, found)


@pytest.mark.parametrize("draft", PUBLIC)
def test_words_are_those_of_the_text(draft: str) -> None:
    for phrase, name in PHRASES[draft].items():
        for found in re.findall(r"MUST NOT|MUST|SHOULD|MAY", phrase):
            assert STATEMENTS[name].word.value == found, name


def test_every_statement_stands_in_a_text(draft_texts: dict[str, str]) -> None:
    said = {name for phrases in PHRASES.values() for name in phrases.values()}
    assert said == {statement.id for statement in WRITTEN}
    for statement in WRITTEN:  # by the text of the draft that made it first
        first = [d for d in PUBLIC if statement.id in PHRASES[d].values()]
        assert statement.drafts[0] == first[0], statement.id


def test_every_item_of_the_lists_of_conformance(draft_texts: dict[str, str]) -> None:
    items = conformance_items(draft_texts[DRAFT_03])
    assert len(items) == 14 + 10 + 2 + 1 + 4
    for draft in PUBLIC:
        also = {i for s in every_statement() if draft in s.drafts for i in s.also}
        assert also == items, draft


# -- by themselves -------------------------------------------------------------------------------


def test_what_statements_are() -> None:
    for statement in every_statement():
        assert re.fullmatch(r"ST-[0-9.]+-[A-Z0-9-]+", statement.id)
        assert statement.section == f"§{statement.id.split('-')[1]}"
        assert statement.text.endswith("."), statement.id
        assert not statement.untestable.endswith("."), statement.id
        assert statement.who, statement.id
        assert statement.drafts, statement.id
        assert set(statement.drafts) <= set(PUBLIC)
        assert set(statement.sections) <= {statement.section, statement.revised}
    assert {statement.word for statement in every_statement()} == set(Word)
    assert {role for statement in every_statement() for role in statement.who} == set(Role)


@pytest.mark.parametrize("draft", PUBLIC)
def test_a_statement_is_traced_in_every_draft_that_makes_it(draft: str) -> None:
    for statement in every_statement():
        found = matching(statement, draft)
        if draft not in statement.drafts:
            assert found == ()
        else:
            assert found or statement.samples or statement.untestable, statement.id


def test_whom_rules_bind_the_statement_binds() -> None:
    """A statement of consumers alone has no rule for files, and the other way round."""
    for statement in every_statement():
        for draft in statement.drafts:
            for rule in matching(statement, draft):
                if rule.judges_files:
                    assert set(statement.who) != {Role.CONSUMER}, (statement.id, rule.id)
                else:
                    assert Role.CONSUMER in statement.who, (statement.id, rule.id)


def test_every_rule_comes_of_a_statement_unless_it_is_ours() -> None:
    for draft in PUBLIC:
        traced = {rule.id for one in every_statement() for rule in matching(one, draft)}
        idle = {rule.id for rule in rules_for(draft) if rule.level is not Level.OURS} - traced
        assert idle == set()


def test_a_rule_is_no_stricter_than_what_it_comes_of() -> None:
    words = {Word.MUST: Level.MUST, Word.MUST_NOT: Level.MUST, Word.SHOULD: Level.SHOULD}
    binds = {
        (rule.id, words.get(statement.word))
        for statement in every_statement()
        for draft in statement.drafts
        for rule in matching(statement, draft)
    }
    for rule in every_rule(PUBLIC):
        assert rule.level is Level.OURS or (rule.id, rule.level) in binds, rule.id


def test_a_pattern_that_matches_nothing() -> None:
    made = st("ST-9-X", Word.MUST, Role.PRODUCER, "X.", "MSL-*-RESERVED-NOT-ZERO", "MSL-9-NO-*")
    assert unmatched(made) == ("MSL-9-NO-*",)
    only = st(
        "ST-4.6-X", Word.MUST, Role.PRODUCER, "X.", "MSL-4.6-*", drafts=before("draft-2026-10")
    )
    assert unmatched(only) == ("MSL-4.6-*",)
    assert [rule.id for rule in matching(only, DRAFT_10)] == []


@pytest.mark.parametrize("name", ["ST-X-Y", "S-4.1-Y"])
def test_an_id_of_another_form(name: str) -> None:
    with pytest.raises(ValueError, match="ST-<section>-<name>"):
        st(name, Word.MUST, Role.PRODUCER, "X.", "MSL-*")


def test_a_statement_that_is_traced_to_nothing() -> None:
    with pytest.raises(ValueError, match="expected rules, samples, or the reason"):
        st("ST-4.1-Y", Word.MUST, Role.PRODUCER, "X.")


def test_layouts_are_those_of_the_schema() -> None:
    derived: list[Statement] = [s for s in every_statement() if s.derived]
    ids = {statement.id for statement in derived}
    assert {"ST-5.1-MEMORY-REGION-LAYOUT", "ST-4.3-VAS-MAP-OPAQUE", "ST-5.8-VAS-MAP-LAYOUT"} <= ids
    table = STATEMENTS["ST-6-CONNECTIVITY-TABLE-LAYOUT"]
    assert "MSL-6-CONNECTIVITY-ROW-BODY-TOO-LONG" in table.rules
    opaque = STATEMENTS["ST-4.3-VAS-MAP-OPAQUE"]
    assert (opaque.drafts, opaque.word) == ((DRAFT_03,), Word.MAY)
