"""Damaged dumps on a page: it is made, or an error is told; it says no more than is known."""

from __future__ import annotations

import os

import pytest
from conftest import SHARED
from fuzzing.mutants import mutants
from pages import Page, regions
from sampling import part_of
from test_fuzz import DEADLINE, deadline

import msl_construct
from msl_construct.errors import MslError
from msl_construct.report import Redaction, compared, html_page, markdown_page, report_of

MUTANTS = int(os.environ.get("MSL_REPORT_MUTANTS", "96"))
SHARDS = 4


@pytest.mark.parametrize("shard", range(SHARDS))
def test_a_page_of_a_mutant_says_no_more_than_is_known(shard: int) -> None:
    seeds = [f"{'shared' if SHARED.exists() else 'own'}:{n}" for n in range(shard, MUTANTS, SHARDS)]
    for seed in part_of(seeds):
        for data in mutants(seed):
            try:
                judge(data)
            except AssertionError as error:
                raise AssertionError(f"seed {seed}: {error}") from error


def judge(data: bytes) -> None:
    try:
        with (
            deadline(DEADLINE),
            msl_construct.open(data, max_inflate=1 << 20, max_memory=64 << 20) as dump,
        ):
            locked = dump.locked
            verdict = None if locked else dump.verify()
            found = report_of(dump, name="mutant", entropy_pages=64)
            comparisons = compared([dump, dump], Redaction())
    except MslError:
        return
    page = Page(html_page([found, found], comparisons, redaction=Redaction()))
    assert [name for name, _ in page.elements].count("script") == 2
    (shown, _) = page.data["dumps"]
    levels = {question: level for question, (level, _) in shown["answers"].items()}
    if verdict is None:
        assert levels["intact"] == "open"
    else:
        assert (levels["intact"] == "good") == (verdict.intact is True)
        assert levels["complete"] != "good" or verdict.complete
        rows = regions(shown["memory"])
        assert len(rows) == shown["memory"]["regions"]
        places = [int(row["base_addr"], 16) for row in rows]
        assert places == sorted(places)
    assert markdown_page([found, found], comparisons, redaction=Redaction()).startswith("# ")
