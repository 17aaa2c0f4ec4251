"""Many words in many texts: how long it takes depends little on how many words there are."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

__all__ = ["LEAST", "WordSearch"]

LEAST = 6
"""Characters of the shortest word: that many are looked up at every place."""

T = TypeVar("T", str, bytes)


class WordSearch(Generic[T]):
    """Finds words in texts, of those that begin at one place the longest.

    Words are kept in order. What begins like a text stands in front of it there, and the next one
    in front is either the longest word that the text begins with, or begins with that.

    Args:
        words: of `LEAST` characters or more; shorter ones are found nowhere.
        alone: words that are found only where neither a letter nor a digit (of ASCII) is beside
            them.
    """

    def __init__(self, words: Iterable[T], alone: Iterable[T] = ()) -> None:
        plain, bounded = set(words), set(alone)
        self._words: list[T] = sorted(one for one in plain | bounded if len(one) >= LEAST)
        self._alone: set[T] = bounded - plain
        self._heads: set[T] = {one[:LEAST] for one in self._words}
        self._longest = max(map(len, self._words), default=0)
        self._shorter = self._beginnings()
        self._shorter_plain = self._plain_ones(self._shorter)

    def __bool__(self) -> bool:
        return bool(self._words)

    def spans(self, text: T) -> Iterator[tuple[int, int]]:
        """Where they are, from left to right, none over another."""
        heads, at, last = self._heads, 0, len(text) - LEAST
        if not heads:
            return
        while at <= last:
            if text[at : at + LEAST] in heads and (end := self._end(text, at)):
                yield at, end
                at = end
            else:
                at += 1

    def found_in(self, text: T) -> bool:
        """Whether there is any."""
        return next(self.spans(text), None) is not None

    def without(self, text: T, instead: T) -> T:
        """A text with something else in their place; itself where there are none."""
        pieces, at = [], 0
        for start, end in self.spans(text):
            pieces += [text[at:start], instead]
            at = end
        if not pieces:
            return text
        pieces.append(text[at:])
        return text[:0].join(pieces)

    def _beginnings(self) -> list[int]:
        """Of each word the place of the longest other one that it begins with; -1: none."""
        found: list[int] = []
        open_: list[int] = []
        for place, word in enumerate(self._words):
            while open_ and not word.startswith(self._words[open_[-1]]):
                open_.pop()
            found.append(open_[-1] if open_ else -1)
            open_.append(place)
        return found

    def _plain_ones(self, shorter: list[int]) -> list[int]:
        """Of each word the place of the longest plain one that it begins with; -1: none."""
        found: list[int] = []
        for place in shorter:  # which is in front, so that its own is known
            joined = place >= 0 and self._words[place] in self._alone
            found.append(found[place] if joined else place)
        return found

    def _end(self, text: T, at: int) -> int:
        """Behind the longest word that begins there; 0: none does."""
        place = bisect_right(self._words, text[at : at + self._longest]) - 1
        shorter = self._shorter
        if _continues(text[max(0, at - 1) : at]):  # none that is found alone begins here
            shorter = self._shorter_plain
            if place >= 0 and self._words[place] in self._alone:
                place = shorter[place]
        while place >= 0:
            word = self._words[place]
            end = at + len(word)
            if text.startswith(word, at) and not (word in self._alone and _joined(text, at, end)):
                return end
            place = shorter[place]
        return 0


def _joined(text: T, start: int, end: int) -> bool:
    """Whether a letter or a digit is beside what stands there."""
    return _continues(text[max(0, start - 1) : start]) or _continues(text[end : end + 1])


def _continues(one: T) -> bool:
    return one.isalnum() and one.isascii()
