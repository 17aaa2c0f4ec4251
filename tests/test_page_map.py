"""Page maps against a plain list of states."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby, islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msl_construct.page_map import PageMap, pad8, stored_size

C, F, U, R = 0, 1, 2, 3
MILLION = 1_000_000

state_lists = st.lists(st.integers(0, 3), max_size=70) | st.lists(
    st.tuples(st.integers(0, 3), st.integers(1, 40)), max_size=8
).map(lambda runs: [state for state, count in runs for _ in range(count)])


def packed(states: list[int]) -> bytes:
    """The stored form, bit by bit: the first page in the most significant bits."""
    bits = "".join(f"{state:02b}" for state in states)
    bits += "0" * (-len(bits) % 64)
    return int(bits or "0", 2).to_bytes(len(bits) // 8, "big")


def grouped(states: list[int], first: int = 0) -> list[tuple[int, int, int]]:
    """Maximal runs of a list, page numbers from `first`."""
    runs = []
    for state, pages in groupby(states):
        count = len(list(pages))
        runs.append((first, count, state))
        first += count
    return runs


@contextmanager
def peak_below(limit: int) -> Iterator[None]:
    """Fails when what is inside allocates `limit` bytes or more at a time."""
    tracemalloc.start()
    try:
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < limit, f"{peak} bytes"


# -- what the drafts print -------------------------------------------------------------------


def test_vector() -> None:
    assert PageMap.from_runs([(0, 1, C), (1, 1, F), (2, 1, U), (3, 1, C)], 4).stored == (
        b"\x18" + bytes(7)
    )
    page_map = PageMap(b"\x18" + bytes(7), 4)
    assert [page_map[page] for page in range(4)] == [C, F, U, C]


def test_figure_8() -> None:
    states = [C, C, C, F, C, C, U, U, C, C, F, C]
    stored = bytes.fromhex("010a04") + bytes(5)
    page_map = PageMap(stored, 12)
    assert [page_map[page] for page in range(12)] == states
    assert list(page_map.runs()) == [
        (0, 3, C), (3, 1, F), (4, 2, C), (6, 2, U), (8, 2, C), (10, 1, F), (11, 1, C),
    ]  # fmt: skip
    assert PageMap.from_runs(page_map.runs(), 12).stored == stored
    assert page_map.counts() == (8, 2, 2, 0)
    assert page_map.captured == 8
    assert packed(states) == stored


@pytest.mark.parametrize(
    ("pages", "size"),
    [(0, 0), (1, 8), (4, 8), (32, 8), (33, 16), (64, 16), (65, 24), (1 << 20, 1 << 18)],
)
def test_stored_size(pages: int, size: int) -> None:
    assert stored_size(pages) == size


def test_pad8() -> None:
    assert [pad8(n) for n in (0, 1, 7, 8, 9, 16, 17)] == [0, 8, 8, 8, 16, 16, 24]


# -- against the list ------------------------------------------------------------------------


@given(states=state_lists)
def test_building_and_looking(states: list[int]) -> None:
    page_map = PageMap.from_runs(grouped(states), len(states))
    assert page_map.stored == packed(states)
    assert len(page_map) == page_map.pages == len(states)
    assert [page_map[page] for page in range(len(states))] == states
    assert list(page_map.runs()) == grouped(states)
    assert page_map.counts() == tuple(states.count(s) for s in range(4))
    assert page_map.captured == states.count(C)
    assert [page_map.rank(p) for p in range(len(states) + 1)] == [
        states[:p].count(C) for p in range(len(states) + 1)
    ]
    assert page_map.canonical
    assert page_map == PageMap(packed(states), len(states))
    for page in (-1, len(states)):
        with pytest.raises(IndexError):
            _ = page_map[page]


@given(states=state_lists, data=st.data())
def test_a_part_of_the_pages(states: list[int], data: st.DataObject) -> None:
    page_map = PageMap(packed(states), len(states))
    first = data.draw(st.integers(0, len(states) + 3))
    stop = data.draw(st.none() | st.integers(0, len(states) + 9))
    part = states[first:stop]
    assert list(page_map.runs(first, stop)) == grouped(part, first)
    assert page_map.counts(first, stop) == tuple(part.count(s) for s in range(4))


@given(states=state_lists, junk=st.binary(min_size=30, max_size=30))
def test_bits_behind_the_last_page_are_kept_and_ignored(states: list[int], junk: bytes) -> None:
    clean = packed(states)
    bits = 2 * len(states)
    mask = (1 << 8 * len(clean) - bits) - 1
    noise = int.from_bytes(junk[: len(clean)].ljust(len(clean), b"\0"), "big") & mask
    stored = (int.from_bytes(clean, "big") | noise).to_bytes(len(clean), "big")
    page_map = PageMap(stored, len(states))
    assert page_map.canonical == (noise == 0)
    assert list(page_map.runs()) == grouped(states)
    assert page_map.counts() == tuple(states.count(s) for s in range(4))
    assert page_map.captured == states.count(C)
    restored = PageMap.from_runs(page_map.runs(), len(states)).with_tail(page_map.tail)
    assert restored == page_map
    assert restored.stored == stored


@pytest.mark.parametrize("pages", [1, 2, 3, 4, 5, 31])
def test_any_single_bit_behind_the_last_page_is_noticed(pages: int) -> None:
    for bit in range(64):
        stored = (1 << 63 - bit).to_bytes(8, "big")
        assert PageMap(stored, pages).canonical == (bit < 2 * pages), bit


@pytest.mark.parametrize("state", range(4))
@pytest.mark.parametrize("pages", [0, 1, 3, 4, 5, 31, 32, 33, 1000])
def test_uniform(pages: int, state: int) -> None:
    assert PageMap.uniform(pages, state).stored == packed([state] * pages)


@pytest.mark.parametrize(
    ("runs", "pages"),
    [
        ([(0, 2, C)], 3), ([(0, 4, C)], 3), ([(1, 2, C)], 3), ([(0, 1, C), (2, 1, F)], 3),
        ([(0, 2, C), (1, 1, F)], 3), ([(0, 0, C), (0, 3, F)], 3), ([(0, 3, 4)], 3),
        ([(0, 3, -1)], 3), ([], 1), ([(0, -1, C)], 0),
    ],
)  # fmt: skip
def test_runs_that_make_no_map(runs: list[tuple[int, int, int]], pages: int) -> None:
    with pytest.raises(ValueError, match="page"):
        PageMap.from_runs(runs, pages)


def test_maps_compare_by_content() -> None:
    assert PageMap(bytes(8), 4) == PageMap(bytes(8), 4)
    assert PageMap(bytes(8), 4) != PageMap(bytes(8), 5)
    assert PageMap(bytes(8), 4) != PageMap(b"\x01" + bytes(7), 4)
    assert PageMap(bytes(8), 4) != "a map"


@pytest.mark.parametrize("edge", [1 << 18, (1 << 18) + 1, (1 << 18) - 1, 3 << 18])
def test_runs_across_the_pieces_in_which_a_map_is_read(edge: int) -> None:
    pages = 1 << 20
    page_map = PageMap.from_runs([(0, edge, F), (edge, pages - edge, C)], pages)
    assert list(page_map.runs()) == [(0, edge, F), (edge, pages - edge, C)]
    assert page_map.counts() == (pages - edge, edge, 0, 0)
    assert page_map.rank(edge) == 0
    assert page_map.rank(edge + 5) == 5
    assert page_map.rank(pages) == pages - edge
    assert list(page_map.runs(edge - 2, edge + 3)) == [(edge - 2, 2, F), (edge, 3, C)]


# -- sixteen million pages: memory, not time -------------------------------------------------


@pytest.mark.parametrize("value", [0x00, 0x55, 0xAA, 0x11, 0x1B])
def test_sixteen_million_pages(value: int) -> None:
    pages = 1 << 24
    stored = bytes([value]) * (pages // 4)
    each = [value >> shift & 3 for shift in (6, 4, 2, 0)]
    with peak_below(4 * MILLION):
        page_map = PageMap(stored, pages)
        assert page_map.counts() == tuple(each.count(s) * pages // 4 for s in range(4))
        assert page_map.captured == each.count(C) * pages // 4
        assert page_map.rank(pages - 4) == each.count(C) * (pages - 4) // 4
        assert page_map[pages - 1] == each[3]
        head = list(islice(page_map.runs(), 1000))
        assert head == grouped(each * 1000)[: len(head)] or len(head) == 1
        middle = pages // 2
        assert list(page_map.runs(middle, middle + 8)) == grouped(each * 2, middle)
        assert list(page_map.runs(pages - 4)) == grouped(each, pages - 4)


def test_sixteen_million_pages_of_one_state_are_one_run() -> None:
    pages = 1 << 24
    for state in range(4):
        with peak_below(16 * MILLION):  # the stored map and the copy it is frozen from
            page_map = PageMap.uniform(pages, state)
            assert list(page_map.runs()) == [(0, pages, state)]
