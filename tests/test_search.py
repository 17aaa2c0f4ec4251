"""Searching memory: held against a look at every address of small, odd address spaces."""

from __future__ import annotations

import base64
import random
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_space import Part, Parts

from msl_construct import analysis
from msl_construct.analysis import islands
from msl_construct.analysis.islands import SearchedBytes
from msl_construct.analysis.patterns import SearchPattern
from msl_construct.errors import CompressionError, PatternError
from msl_construct.schema import ByteOrder
from msl_construct.space import AddressSpace
from msl_construct.space.layers import Wanted

SMALL = 32
"""Bytes of a piece: matches have to be found across many edges."""


class Nowhere(analysis.Locations):
    """Locations of what is no dump."""

    def __init__(self) -> None:
        pass

    def at(self, address: int) -> analysis.Location:
        return analysis.Location(None, None)


class Lost(Nowhere):
    """Regions of some bytes each."""

    def __init__(self, ends: list[int]) -> None:
        self.ends = ends

    def end_of(self, address: int) -> int:
        return next(end for end in self.ends if end > address)


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(islands, "_PIECE", SMALL)
    monkeypatch.setattr(islands, "_OVERLAPS", 0)


class Bytes(Part):
    """A part whose bytes are given."""

    def __init__(self, base: int, order: int, stored: list[tuple[int, str]], data: bytes) -> None:
        super().__init__(base, order, stored)
        self.content = data


@st.composite
def spaces(draw: st.DrawFn, letters: bytes = b"ab") -> tuple[AddressSpace, list[tuple[int, bytes]]]:
    """An address space, and its captured runs as an independent look has them."""
    parts: list[Part] = []
    known: dict[int, int] = {}
    at = draw(st.integers(0, 9))
    for order in range(draw(st.integers(1, 5))):
        at += draw(st.sampled_from((0, 0, 1, 50)))
        stored, data, begin = [], b"", at
        for _ in range(draw(st.integers(1, 4))):
            size = draw(st.integers(1, 70))
            state = draw(st.sampled_from(("captured", "captured", "captured", "failed")))
            stored.append((size, state))
            if state == "captured":
                piece = bytes(
                    draw(st.lists(st.sampled_from(letters), min_size=size, max_size=size))
                )
                known.update(zip(range(at, at + size), piece))
                data += piece
            at += size
        parts.append(Bytes(begin, order, stored, data))
    runs: list[tuple[int, bytes]] = []
    for address in sorted(known):
        if runs and runs[-1][0] + len(runs[-1][1]) == address:
            runs[-1] = runs[-1][0], runs[-1][1] + bytes([known[address]])
        else:
            runs.append((address, bytes([known[address]])))
    return Parts(parts), runs


def found(
    space: AddressSpace, *patterns: SearchPattern, **options: Any
) -> list[tuple[int, int, str]]:
    hits = list(analysis.search(space, Nowhere(), patterns, **options))
    assert [hit.address for hit in hits] == sorted(hit.address for hit in hits)
    return [(hit.address, hit.length, hit.pattern) for hit in hits]


def everywhere(runs: list[tuple[int, bytes]], wanted: bytes) -> Iterator[int]:
    for base, data in runs:
        for at in range(len(data) - len(wanted) + 1):
            if data[at : at + len(wanted)] == wanted:
                yield base + at


@given(
    spaces(), st.lists(st.text("ab", min_size=1, max_size=9), min_size=1, max_size=3, unique=True)
)
def test_texts_are_found_wherever_they_begin(
    given_space: tuple[AddressSpace, list[tuple[int, bytes]]], texts: list[str]
) -> None:
    space, runs = given_space
    expected = sorted((at, len(t), t) for t in texts for at in everywhere(runs, t.encode()))
    assert sorted(found(space, *map(analysis.text_pattern, texts))) == expected


@given(
    spaces(b"\x00\x01ab"),
    st.lists(st.sampled_from(["61", "??", "0?", "?1", "[2]", "62"]), min_size=1, max_size=6),
)
def test_bytes_with_wildcards_are_found_wherever_they_begin(
    given_space: tuple[AddressSpace, list[tuple[int, bytes]]], tokens: list[str]
) -> None:
    space, runs = given_space
    cells = [cell for token in tokens for cell in (["??", "??"] if token == "[2]" else [token])]
    if all(cell == "??" for cell in cells):
        with pytest.raises(PatternError):
            analysis.hex_pattern("".join(tokens))
        return

    def fits(byte: int, cell: str) -> bool:
        return all(want in ("?", have) for want, have in zip(cell, f"{byte:02x}"))

    expected = [
        base + at
        for base, data in runs
        for at in range(len(data) - len(cells) + 1)
        if all(fits(data[at + n], cell) for n, cell in enumerate(cells))
    ]
    assert [at for at, _, _ in found(space, analysis.hex_pattern(" ".join(tokens)))] == expected


@given(spaces(b"abc"), st.integers(0, 3), st.integers(0, 3))
def test_a_jump_takes_the_shortest_way(
    given_space: tuple[AddressSpace, list[tuple[int, bytes]]], least: int, more: int
) -> None:
    space, runs = given_space
    expected = []
    for base, data in runs:
        for at in range(len(data)):
            ends = [at + 1 + jump for jump in range(least, least + more + 1)]
            behind = [
                end for end in ends if data[at : at + 1] == b"a" and data[end : end + 1] == b"c"
            ]
            if behind:
                expected.append((base + at, behind[0] + 1 - at))
    hits = found(space, analysis.hex_pattern(f"61[{least}-{least + more}]63"))
    assert [(at, size) for at, size, _ in hits] == expected


@given(
    spaces(b"ab1"), st.sampled_from(["a+b", "[ab]{3}", "1a*", "(?<=a)b", r"\bab?", "^1", "(?i)A1"])
)
def test_expressions_match_as_over_the_whole(
    given_space: tuple[AddressSpace, list[tuple[int, bytes]]], text: str
) -> None:
    space, runs = given_space
    expected = [
        (base + match.start(), len(match[0]))
        for base, data in runs
        for match in re.finditer(text.encode(), data, re.DOTALL)
    ]
    assert [(at, size) for at, size, _ in found(space, analysis.regex_pattern(text))] == expected


@given(spaces(b"\x00\x01\x02"), st.sampled_from([4, 8]), st.sampled_from(list(ByteOrder)))
def test_pointers_stand_at_multiples_of_their_width(
    given_space: tuple[AddressSpace, list[tuple[int, bytes]]], width: int, order: ByteOrder
) -> None:
    space, runs = given_space
    low, high = 0x0001 << 8 * (width - 2), 0x0102 << 8 * (width - 2)
    expected = [
        at
        for base, data in runs
        for at in range(base, base + len(data) - width + 1)
        if at % width == 0
        and low <= int.from_bytes(data[at - base : at - base + width], order.value) < high
    ]
    pattern = analysis.pointer_pattern(low, high, width)
    assert [at for at, _, _ in found(space, pattern, order=order)] == expected


@given(spaces(b"ab\x00\xff"), st.integers(1, 6))
def test_strings_are_as_long_as_they_can_be(
    given_space: tuple[AddressSpace, list[tuple[int, bytes]]], least: int
) -> None:
    space, runs = given_space
    expected = [
        (base + match.start(), match[0].decode())
        for base, data in runs
        for match in re.finditer(b"[ -~\t]{%d,}" % least, data)
    ]
    hits = analysis.strings(space, Nowhere(), least=least, encodings=["ascii"])
    assert [(hit.address, hit.text) for hit in hits] == expected


@given(spaces(), st.integers(0, 200), st.integers(0, 200))
def test_what_was_searched_is_told(
    given_space: tuple[AddressSpace, list[tuple[int, bytes]]], start: int, size: int
) -> None:
    space, runs = given_space
    coverage = SearchedBytes(0, {})
    list(islands.islands(space, [(start, start + size)], coverage))
    known = {at for base, data in runs for at in range(base, base + len(data))}
    assert coverage.captured == sum(at in known for at in range(start, start + size))
    failed = sum(n for _, n, state in space.states(start, start + size) if state == "failed")
    assert sum(coverage.unknown.values()) == failed


def one_run(data: bytes) -> AddressSpace:
    return Parts([Bytes(100, 0, [(len(data), "captured")], data)])


@given(st.binary(max_size=40), st.text(min_size=4, max_size=20), st.binary(max_size=40))
def test_a_text_is_found_in_base64_whatever_is_around_it(
    front: bytes, text: str, behind: bytes
) -> None:
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        encoded = encode(front + text.encode() + behind)
        hits = list(analysis.search(one_run(encoded), Nowhere(), analysis.base64_patterns(text)))
        # Letters of the text alone: the first that is, and the one behind the last.
        first, last = -(-8 * len(front) // 6), 8 * (len(front) + len(text.encode())) // 6
        assert (100 + first, last - first) in [(hit.address, hit.length) for hit in hits]
        assert {(hit.kind, hit.text) for hit in hits} == {("base64", text)}


@given(st.text(min_size=1, max_size=9), st.sampled_from(["utf-8", "utf-16-le", "utf-16-be"]))
def test_a_text_is_found_backwards(text: str, encoding: str) -> None:
    data = b"__" + text[::-1].encode(encoding) + b"__"
    hits = analysis.search(one_run(data), Nowhere(), [analysis.reversed_pattern(text, encoding)])
    assert (102, text) in [(hit.address, hit.text) for hit in hits]


def test_too_little_text_has_no_base64() -> None:
    with pytest.raises(PatternError, match="at least 4 bytes"):
        analysis.base64_patterns("abc")


def test_the_context_of_a_hit_ends_at_a_hole() -> None:
    part = Bytes(100, 0, [(3, "failed"), (40, "captured")], b"ab" + b"X" + b"c" * 37)
    (hit,) = analysis.search(Parts([part]), Nowhere(), [analysis.text_pattern("X")])
    assert (hit.address, hit.before, hit.after) == (105, b"ab", b"c" * 16)


@pytest.mark.parametrize(
    "text", ["", "4", "4d5", "????", "[3]", "zz", "4d[5-2]", "4d[99999999]", "4d [", "4d" * 70000]
)
def test_what_is_no_pattern_of_bytes_is_refused(text: str) -> None:
    with pytest.raises(PatternError, match="ends before it begins"):
        analysis.hex_pattern("4d [5-2] 5a")
    with pytest.raises(PatternError, match="--hex"):
        analysis.hex_pattern(text)


@pytest.mark.parametrize("text", ["(", "a{99999999999}", "x*", "a|", "[", "(?<n>"])
def test_what_is_no_expression_is_refused(text: str) -> None:
    with pytest.raises(PatternError, match="--regex"):
        analysis.regex_pattern(text)


@pytest.mark.parametrize(
    ("value", "width"), [(256, 1), (-129, 1), (1 << 32, 4), (0, 3), (1 << 64, 8)]
)
def test_a_number_that_does_not_fit_is_refused(value: int, width: int) -> None:
    with pytest.raises(PatternError):
        analysis.integer_pattern(value, width, ByteOrder.LITTLE)


class Broken(Parts):
    """An address space of which some parts can't be had."""

    broken: set[int] = set()

    def bytes_of(self, wanted: Sequence[Wanted[Part]]) -> memoryview:
        if any(part.order in self.broken for part, _, _ in wanted):
            raise CompressionError("it does not inflate")
        return super().bytes_of(wanted)


@pytest.mark.parametrize("seed", range(60))
def test_what_can_not_be_read_hides_nothing_around_it(seed: int) -> None:
    rng = random.Random(seed)
    parts: list[Part] = []
    at = 64
    for order in range(rng.randint(1, 7)):
        data = bytes(rng.choice(b"ab") for _ in range(rng.randint(1, 90)))
        parts.append(Bytes(at, order, [(len(data), "captured")], data))
        at += len(data)
    space = Broken(parts)
    space.broken = {order for order in range(len(parts)) if rng.random() < 0.3}
    islands_of: list[tuple[int, bytes]] = []
    for part in parts:
        if part.order in space.broken:
            continue
        if islands_of and islands_of[-1][0] + len(islands_of[-1][1]) == part.base:
            islands_of[-1] = islands_of[-1][0], islands_of[-1][1] + part.content
        else:
            islands_of.append((part.base, part.content))
    told = analysis.Searched()
    patterns = [analysis.text_pattern("ab"), analysis.text_pattern("aab")]
    hits = analysis.search(space, Lost([p.end for p in parts]), patterns, searched=told)
    found_ = sorted((hit.address, hit.pattern) for hit in hits)
    assert found_ == sorted(
        (address, text)
        for text in ("ab", "aab")
        for address in everywhere(islands_of, text.encode())
    )
    assert len(told.failed) == len(space.broken)
    assert told.coverage.captured == sum(len(data) for _, data in islands_of)


def test_an_expression_that_goes_on_beyond_what_is_looked_at_says_so() -> None:
    """A match is followed as far as a piece has bytes: nobody is to take that for the whole."""
    size = 40 * SMALL
    space = Parts([Bytes(0x10000, 0, [(size, "captured")], b"a" * size)])
    told = analysis.Searched()
    wanted = analysis.regex_pattern("a+", longest=SMALL)
    hits = found(space, wanted, searched=told)
    assert sum(length for _, length, _ in hits) == size
    assert len(told.failed) == len(hits) - 1 > 0
    assert "0x10000 may go on" in told.failed[0]
    told = analysis.Searched()
    assert found(space, analysis.regex_pattern("a{4}", longest=SMALL), searched=told)
    assert not told.failed


STOPPED = """
from msl_construct.analysis.forked import in_order
results = in_order(lambda number: [number, bytes(1 << 20)], 12, 3)
assert next(results)[0] == 0
results.close()
assert list(in_order(lambda number: [number], 12, 3)) == [[number] for number in range(12)]
"""


def test_who_wants_no_more_hits_waits_for_nobody() -> None:
    """Copies of this process have more to tell than pipes hold, and nobody reads it."""
    subprocess.run([sys.executable, "-c", STOPPED], check=True, timeout=60)
