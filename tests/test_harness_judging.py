"""What becomes of a sample: every cell of the table."""

from __future__ import annotations

import itertools

import pytest

from msl_construct.corpus import Consumer
from msl_construct.harness import FAILURES, Said, SampleOutcome, Shown, judge
from msl_construct.harness.judging import said_by

LETTERS = {
    "P": SampleOutcome.PASS,
    "C": SampleOutcome.CRASH,
    "H": SampleOutcome.HANG,
    "A": SampleOutcome.ACCEPTED_INVALID,
    "R": SampleOutcome.REJECTED_VALID,
    "W": SampleOutcome.WRONG_VALUE,
    "N": SampleOutcome.NO_DOCUMENT,
}
SAID = (Said.READ, Said.INCOMPLETE, Said.ENCRYPTED, Said.REFUSED, Said.CRASHED, Said.HUNG)
SHOWN = (Shown.RIGHT, Shown.WRONG, Shown.UNMARKED, Shown.NONE)

# The columns are what the decoder says: read, incomplete, encrypted, refused, crashed, hung.
# In a cell: the document is right, wrong, has a bad block unmarked, is none.
TABLE = """
accept        0   PWWN  RRRR  RRRR  RRRR  CCCC  HHHH
accept        4   AAAA  PWWN  RRRR  RRRR  CCCC  HHHH
accept        5   AAAA  RRRR  PWWN  RRRR  CCCC  HHHH
reject-block  0   PWAN  PWAN  RRRR  PPPP  CCCC  HHHH
reject-block  3   PWAN  PWAN  PWAN  PPPP  CCCC  HHHH
reject-block  4   AAAA  PWAN  RRRR  PPPP  CCCC  HHHH
reject-block  5   AAAA  RRRR  PWAN  PPPP  CCCC  HHHH
either        0   PWWN  PWWN  RRRR  PPPP  CCCC  HHHH
either        3   PWWN  PWWN  PWWN  PPPP  CCCC  HHHH
either        4   AAAA  PWWN  RRRR  PPPP  CCCC  HHHH
either        5   AAAA  RRRR  PWWN  PPPP  CCCC  HHHH
reject-file   0   AAAA  AAAA  AAAA  PPPP  CCCC  HHHH
reject-file   3   AAAA  AAAA  AAAA  PPPP  CCCC  HHHH
reject-file   4   AAAA  AAAA  AAAA  PPPP  CCCC  HHHH
reject-file   5   AAAA  AAAA  AAAA  PPPP  CCCC  HHHH
"""
ROWS = {(row[0], int(row[1])): row[2:] for row in map(str.split, TABLE.strip().splitlines())}
CELLS = [
    (consumer, exit_code, said, shown, LETTERS[letter])
    for (consumer, exit_code), cells in ROWS.items()
    for said, cell in zip(SAID, cells)
    for shown, letter in zip(SHOWN, cell)
]


@pytest.mark.parametrize(
    ("consumer", "exit_code", "said", "shown", "outcome"),
    CELLS,
    ids=[f"{c}-{e}-{said.value}-{shown.value}" for c, e, said, shown, _ in CELLS],
)
def test_a_cell(
    consumer: str, exit_code: int, said: Said, shown: Shown, outcome: SampleOutcome
) -> None:
    assert judge(Consumer(consumer), exit_code, said, shown) is outcome


def test_the_table_has_every_cell() -> None:
    assert set(SAID) == set(Said)
    assert set(SHOWN) == set(Shown)
    due = set(itertools.product([one.value for one in Consumer], (0, 3, 4, 5)))
    assert set(ROWS) == due - {("accept", 3)}
    assert all(len(cells) == len(SAID) for cells in ROWS.values())
    assert set(LETTERS.values()) == {*FAILURES, SampleOutcome.PASS}


@pytest.mark.parametrize("said", Said)
def test_what_must_be_accepted_can_be_read(said: Said) -> None:
    with pytest.raises(ValueError, match="must be accepted, but ends with 3"):
        judge(Consumer.ACCEPT, 3, said, Shown.RIGHT)


def test_exit_codes() -> None:
    found = {code: said_by(code) for code in range(-64, 256)}
    assert found[0] is Said.READ
    assert found[4] is Said.INCOMPLETE
    assert found[5] is Said.ENCRYPTED
    refused = [code for code, said in found.items() if said is Said.REFUSED]
    assert refused == [code for code in range(1, 70) if code not in (4, 5)]
    crashed = [code for code, said in found.items() if said is Said.CRASHED]
    assert crashed == [*range(-64, 0), *range(70, 256)]
