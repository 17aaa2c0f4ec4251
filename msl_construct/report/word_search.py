"""Many words in many texts: how long it takes depends little on how many words there are."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

__all__ = ["LEAST", "WordSearch"]

LEAST = 6
"""Characters of the shortest word: that many are looked up at every place."""

_LONGEST = 1024
"""Characters that are compared at every place. Of a longer word its beginning is found, and with it
whatever follows as in the word: so no text that repeats one takes longer than its length allows."""

T = TypeVar("T", str, bytes)


class WordSearch(Generic[T]):
    """Finds words in texts, of those that begin at one place the longest.

    Words are kept in order. What begins like a text stands in front of it there, and the next one
    in front is either the longest word that the text begins with, or begins with that.

    Args:
        words: of `LEAST` characters or more; shorter ones are found nowhere.
        alone: words that are found only where neither a letter nor a digit (of ASCII) is beside
            them; of more than a thousand characters anywhere.
    """

    def __init__(self, words: Iterable[T], alone: Iterable[T] = ()) -> None:
        plain, bounded = set(words), set(alone)
        self._long: dict[T, list[T]] = {}
        for word in [one for one in plain | bounded if len(one) > _LONGEST]:
            self._long.setdefault(word[:_LONGEST], []).append(word)
            plain.discard(word)
            bounded.discard(word)
        plain |= self._long.keys()
        self._words: list[T] = sorted(one for one in plain | bounded if len(one) >= LEAST)
        self._alone: set[T] = bounded - plain
        self._heads: set[T] = {one[:LEAST] for one in self._words}
        self._longest = max(map(len, self._words), default=0)
        self._sizes = [*map(len, self._words), 0]  # the last is that of no word, by -1
        self._parents = self._beginnings()
        self._leaps = self._far_beginnings()
        self._shorter = self._found_within(bounded=True)
        self._shorter_plain = self._found_within(bounded=False)

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

    def _far_beginnings(self) -> list[int]:
        """Of each word one that is some beginnings away, so that any of them is a few leaps off.

        The leaps of a word are those of skew-binary numbers: twice as far where two of the same
        length follow each other, else to the next one.
        """
        parents = [*self._parents, -1]
        depths, leaps = [0] * len(parents), [-1] * len(parents)
        for place, parent in enumerate(self._parents):
            depths[place] = depths[parent] + 1
            leap = leaps[parent]
            even = depths[parent] - depths[leap] == depths[leap] - depths[leaps[leap]]
            leaps[place] = leaps[leap] if even else parent
        return leaps

    def _found_within(self, *, bounded: bool) -> list[int]:
        """Of each word the place of the longest other one that is found where it stands; -1: none.

        Args:
            bounded: whether those count that are found alone, too: where the word that they are a
                part of goes on with neither a letter nor a digit.
        """
        found: list[int] = []
        for word, place in zip(self._words, self._parents):
            if place >= 0 and self._words[place] in self._alone:
                size = self._sizes[place]
                if not bounded or _continues(word[size : size + 1]):
                    place = found[place]  # which is in front, so that its own is known
            found.append(place)
        return found

    def _end(self, text: T, at: int) -> int:
        """Behind the longest word that begins there; 0: none does."""
        place = bisect_right(self._words, text[at : at + self._longest]) - 1
        inside = _continues(text[max(0, at - 1) : at])  # none that is found alone begins here
        place = self._plain(place) if inside else place
        if place < 0:
            return 0
        place = self._within(place, _alike(self._words[place], text, at))
        if inside:
            place = self._plain(place)
        elif place >= 0 and self._words[place] in self._alone:
            end = at + self._sizes[place]
            place = self._shorter[place] if _continues(text[end : end + 1]) else place
        if place < 0:
            return 0
        size = self._sizes[place]
        further = self._long.get(self._words[place], ()) if size == _LONGEST else ()
        return at + max((_alike(word, text, at) for word in further), default=size)

    def _plain(self, place: int) -> int:
        """The longest that is found anywhere, of a word and those that it begins with."""
        joined = place >= 0 and self._words[place] in self._alone
        return self._shorter_plain[place] if joined else place

    def _within(self, place: int, most: int) -> int:
        """The longest of a word and those that it begins with, of so many characters at most."""
        sizes, leaps, parents = self._sizes, self._leaps, self._parents
        while sizes[place] > most:
            place = leaps[place] if sizes[leaps[place]] > most else parents[place]
        return place


def _alike(word: T, text: T, at: int) -> int:
    """How many characters a word and a text from there on begin with alike."""
    least, step = 0, LEAST
    while step:
        piece = word[least : least + step]
        if piece and text.startswith(piece, at + least):
            least += len(piece)
            step *= 2
        elif step == 1:
            break
        else:
            step = min(step, max(1, len(piece))) // 2 or 1
    return least


def _continues(one: T) -> bool:
    return one.isalnum() and one.isascii()
