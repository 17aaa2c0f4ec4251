"""The table from statements to rules to samples, and what is traced to nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from msl_construct.corpus import MANIFEST, Consumer, ExpectedVerdict, Kind, Manifest, Sample
from msl_construct.corpus.traceability import FILE, picked, table, text
from msl_construct.drafts import PUBLIC
from msl_construct.rules import Pick, every_rule
from msl_construct.rules.statements import every_statement

DRAFT_03, DRAFT_10 = "draft-2026-03", "draft-2026-10"
SAMPLES = Path(__file__).parents[1] / "samples"

INVALID_TYPE = "MSL-4.3-BLOCK-TYPE-INVALID"


def sample(
    name: str,
    *features: str,
    draft: str = DRAFT_03,
    rules: tuple[str, ...] = (),
    consumer: Consumer = Consumer.ACCEPT,
    base: str | None = None,
    question: str | None = None,
) -> Sample:
    return Sample(
        name=name,
        kind=Kind(name.split("/")[0]),
        draft=draft,
        byte_order="little",
        features=features,
        shows="It.",
        verdict=ExpectedVerdict(rules=rules, consumer=consumer),
        size=1,
        blake3="0" * 64,
        base=base,
        question=question,
    )


def broken(rule: str, base: str, **more: Any) -> Sample:
    return sample(f"invalid/{rule}", rules=(rule,), base=base, **more)


def rows(found: dict[str, Any], key: str = "statements") -> dict[str, Any]:
    return {row["id"]: row for row in found[key]}


SMALL = (
    sample("valid/live", "cont"),
    sample("valid/idle"),
    broken(INVALID_TYPE, "valid/live", consumer=Consumer.REJECT_BLOCK),
    broken("MSL-4.4-PREV-HASH-MISMATCH", "valid/gone"),
    broken("MSL-4.4-UNHEARD-OF", "valid/live"),
    sample("questionable/open", question="What now?"),
    sample("questionable/shut"),
)


# -- the table -------------------------------------------------------------------------------------


def test_it_has_every_statement_and_every_rule() -> None:
    found = table(())
    assert list(rows(found)) == [statement.id for statement in every_statement()]
    assert list(rows(found, "rules")) == [rule.id for rule in every_rule(PUBLIC)]
    assert list(found["coverage"]) == ["overall", *PUBLIC]


def test_a_rule_has_the_samples_that_break_it_and_their_bases() -> None:
    found = table(SMALL)
    rule = rows(found, "rules")[INVALID_TYPE]
    assert (rule["pass"], rule["fail"]) == (["valid/live"], [f"invalid/{INVALID_TYPE}"])
    assert rule["statements"] == ["ST-4.3-TYPE-INVALID"]
    nothing = f"no sample breaks {INVALID_TYPE}"
    assert rule["missing"] == {"overall": [], DRAFT_03: [], DRAFT_10: [nothing]}
    statement = rows(found)["ST-4.3-TYPE-INVALID"]
    assert statement["rules"] == [INVALID_TYPE]
    assert (statement["pass"], statement["fail"]) == (rule["pass"], rule["fail"])
    assert statement["missing"] == rule["missing"]


def test_a_fail_sample_without_its_base_keeps_nothing() -> None:
    row = rows(table(SMALL), "rules")["MSL-4.4-PREV-HASH-MISMATCH"]
    assert (row["pass"], row["fail"]) == ([], ["invalid/MSL-4.4-PREV-HASH-MISMATCH"])
    assert row["missing"][DRAFT_03] == ["no sample keeps MSL-4.4-PREV-HASH-MISMATCH"]


def test_a_readers_rule_has_the_samples_that_it_picks() -> None:
    found = table(SMALL)
    for rule, name in (
        ("MSL-5.1-READER-LOSES-FRAGMENTS", "valid/live"),
        ("MSL-4.3-READER-ACCEPTS-INVALID-TYPE", f"invalid/{INVALID_TYPE}"),
    ):
        row = rows(found, "rules")[rule]
        assert (row["samples"], row["pass"], row["fail"]) == ([name], [], [])
    row = rows(found)["ST-3-MAGIC"]
    wanted = "no sample has consumer reject-file, name invalid/refuse-magic-*"
    assert row["missing"] == {"overall": [wanted], DRAFT_03: [wanted], DRAFT_10: [wanted]}


def test_what_cannot_be_tested_is_not_missing() -> None:
    for name in ("ST-2.2-NO-TAMPER-EVIDENCE", "ST-12-CAP-BITMAP-FIRST"):
        row = rows(table(()))[name]
        assert row["untestable"]
        assert not any(row["missing"].values())


@pytest.mark.parametrize(
    ("pick", "expected"),
    [
        (Pick("a"), True),
        (Pick("x"), False),
        (Pick(rule="MSL-4.*"), True),
        (Pick(rule="MSL-5.*"), False),
        (Pick("a", rule="MSL-4.1-B", consumer="reject-block", name="invalid/*-le"), True),
        (Pick("a", consumer="accept"), False),
        (Pick("a", name="valid/*"), False),
        (Pick("a", draft=DRAFT_03), True),
        (Pick("a", draft=DRAFT_10), False),
    ],
)
def test_picks(pick: Pick, expected: bool) -> None:
    one = sample(
        "invalid/z-le", "a", "b", rules=("MSL-4.1-B",), consumer=Consumer.REJECT_BLOCK, base="y"
    )
    assert picked(pick, one) is expected


# -- coverage --------------------------------------------------------------------------------------


def test_coverage_counts_what_can_be_tested() -> None:
    statements = every_statement()
    found = table(())["coverage"]
    for name, counts in found.items():
        held = [s for s in statements if name in ("overall", *s.drafts)]
        assert counts["statements"] == len(held)
        assert counts["testable"] == sum(not s.untestable for s in held)
        assert (counts["covered"], counts["share"]) == (0, 0.0)


def test_coverage_of_a_draft_is_by_its_own_samples() -> None:
    # One of each: chain (two statements), FileHash; the readers' rules that look at them.
    chain, whole = "MSL-4.4-PREV-HASH-MISMATCH", "MSL-4.5-FILE-HASH-MISMATCH"
    base = sample("valid/live")
    covered = {
        "ST-1.3-HASH", "ST-4.4-BLOCK-0", "ST-4.4-CHAIN", "ST-4.5-FILE-HASH",
        "ST-12-VERIFY-CHAIN", "ST-12-VERIFY-FILE-HASH",
    }  # fmt: skip
    found = table((base, broken(chain, "valid/live"), broken(whole, "valid/live")))
    for name in ("overall", DRAFT_03):
        held = [row for row in found["statements"] if name in row["missing"]]
        done = {r["id"] for r in held if not r["missing"][name] and not r["untestable"]}
        assert done == covered
        assert found["coverage"][name]["covered"] == len(covered)
    assert found["coverage"][DRAFT_10]["covered"] == 0


def test_what_a_reader_does_with_a_file_of_another_draft() -> None:
    row = rows(table([sample("valid/later", "minor", draft=DRAFT_10)]))["ST-3.2-MINOR"]
    assert row["samples"] == ["valid/later"]
    assert row["missing"] == {"overall": [], DRAFT_03: []}


# -- orphans ---------------------------------------------------------------------------------------


def test_statements_and_rules_leave_no_orphans() -> None:
    found = table(())["orphans"]
    assert found["rules"] == []
    assert all(name.startswith("MSLX-") for name in found["ours"])
    picking = {s.id for s in every_statement() if not (s.rules or s.untestable)}
    assert set(found["statements"]) == picking  # nothing but samples could show them


def test_orphans_of_a_small_corpus() -> None:
    found = table(SMALL)["orphans"]
    assert found["samples"] == ["valid/idle", "questionable/shut"]
    assert found["unknown_rules"] == ["invalid/MSL-4.4-UNHEARD-OF: MSL-4.4-UNHEARD-OF"]
    assert found["unknown_bases"] == ["invalid/MSL-4.4-PREV-HASH-MISMATCH: valid/gone"]
    assert f"{DRAFT_03}: no sample breaks {INVALID_TYPE}" not in found["unsampled"]
    assert f"{DRAFT_10}: no sample breaks {INVALID_TYPE}" in found["unsampled"]
    assert f"{DRAFT_03}: no sample keeps MSL-4.4-PREV-HASH-MISMATCH" in found["unsampled"]


# -- the file --------------------------------------------------------------------------------------


def test_the_file_is_the_table_a_row_a_line() -> None:
    found = table(SMALL)
    written = text(found)
    assert json.loads(written) == found
    assert written.count("\n") > len(found["statements"]) + len(found["rules"])
    assert written.endswith("}\n")


def corpus() -> Manifest:
    if not (SAMPLES / MANIFEST).exists():
        pytest.skip("needs samples/manifest.json: run msl samples generate")
    return Manifest.load(SAMPLES)


def test_the_corpus_leaves_no_orphans() -> None:
    found = table(corpus())["orphans"]
    del found["ours"]
    assert not any(found.values()), found


def test_the_corpus_covers_every_statement_that_can_be_tested() -> None:
    found = table(corpus())
    missing = {row["id"]: row["missing"] for row in found["statements"]}
    assert {name: m for name, m in missing.items() if any(m.values())} == {}


def test_the_stored_table_is_the_one_of_the_corpus() -> None:
    stored = (corpus().folder / FILE).read_text(encoding="utf-8")
    assert stored == text(table(corpus())), "run msl samples generate -o samples"
