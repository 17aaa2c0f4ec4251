"""What the state of a page means, for people: in the tree, on a page and in a ticket alike."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["STATE_WORDS", "StateWords", "state_in_words"]


class StateWords(NamedTuple):
    """Words for a state.

    Attributes:
        short: what became of the page, for a legend or the head of a column.
        meaning: the same in full.
    """

    short: str
    meaning: str


STATE_WORDS = {
    "captured": StateWords("captured", "its bytes are in the file"),
    "not_resident": StateWords("never touched", "never touched by the process: nothing was there"),
    # Unmapped is not "nothing is mapped there": the page was listed (§6). Some producers write it
    # of pages that were there and could not be read; who does so is not always told.
    "unmapped": StateWords(
        "gone before it was read", "gone between its being listed and its being read"
    ),
    "absent": StateWords("not in the file", "the file says nothing of it"),
    "reserved": StateWords("undefined state", "a state that the specification does not define"),
    "truncated": StateWords("bytes missing", "should be in the file, and its bytes are missing"),
    "failed": StateWords("could not be read", "could not be read"),
    "damaged": StateWords(
        "damaged in the file", "what became of it is not known: the file is damaged there"
    ),
}
"""By the keys of states; those of a draft of one's own have none."""


def state_in_words(state: str) -> StateWords:
    """Words for a state by its key; of one that is not known, the key itself."""
    plain = state.replace("_", " ")
    return STATE_WORDS.get(state, StateWords(plain, plain))
