"""Page maps of sixteen million pages, decoded to runs."""

from __future__ import annotations

import random
from collections import deque
from itertools import pairwise

from measure import Row, Setting, compare, in_turns

from msl_construct.page_map import PageMap, Run, stored_size

NAME = "page_map"


def run(setting: Setting) -> list[Row]:
    """All rows of this benchmark."""
    pages = setting.size(16_000_000, 160_000)
    share = setting.size(1, 100)
    captured = bytes(stored_size(pages))
    zeros = bytes(bytearray(len(captured)))  # an object of its own, or == would not compare
    assert _decoded(captured, pages) == [(0, pages, 0)]
    times = in_turns(
        4 * setting.rounds + 1,
        decode=lambda: _exhaust(captured, pages),
        compare=lambda: captured == zeros,
    )
    rows = [
        compare(
            NAME,
            f"{pages} pages, all captured",
            times,
            ("decode", "compare"),
            bound_name="memcmp of the map",
            target=4.0,
        )
    ]
    for count, most in ((1_000, 15.0), (100_000, 400.0), (None, None)):
        runs = _alternating(pages) if count is None else _random_runs(count // share, pages)
        stored = _stored(runs, pages)
        if count is not None:
            assert _decoded(stored, pages) == runs
        row = _case(setting, stored, pages, len(runs), alternating=count is None)
        row.target = most
        rows.append(row)
        del runs
    return rows


def _case(setting: Setting, stored: bytes, pages: int, runs: int, *, alternating: bool) -> Row:
    zeros = bytes(bytearray(len(stored)))
    same = bytes(bytearray(stored))
    times = in_turns(
        setting.rounds,
        decode=lambda: _exhaust(stored, pages),
        compare=lambda: (stored == same, stored == zeros),
    )
    row = compare(
        NAME,
        f"{pages} pages, {'alternating' if alternating else f'{runs} runs'}",
        times,
        ("decode", "compare"),
        bound_name="memcmp of the map",
        judged="measured",
    )
    row.remark = f"{1e6 * row.measured / runs:.0f} ns a run"
    return row


def _exhaust(stored: bytes, pages: int) -> None:
    deque(PageMap(stored, pages).runs(), maxlen=0)


def _decoded(stored: bytes, pages: int) -> list[Run]:
    return list(PageMap(stored, pages).runs())


def _random_runs(count: int, pages: int) -> list[Run]:
    """Runs of captured, failed and unmapped pages, no two neighbours alike."""
    chance = random.Random(count)
    edges = [0, *sorted(chance.sample(range(1, pages), count - 1)), pages]
    runs: list[Run] = []
    state = 0
    for first, stop in pairwise(edges):
        runs.append((first, stop - first, state))
        state = (state + chance.choice((1, 2))) % 3
    return runs


def _alternating(pages: int) -> range:
    return range(pages)


def _stored(runs: list[Run] | range, pages: int) -> bytes:
    """The map, packed without the package's help: a byte a page first, then four to a byte."""
    if isinstance(runs, range):
        states = bytearray(b"\x00\x01" * (pages // 2))
    else:
        states = bytearray(pages)
        for first, count, state in runs:
            if state:
                states[first : first + count] = bytes([state]) * count
    quarters = [int.from_bytes(states[place::4], "little") for place in range(4)]
    packed = quarters[0] << 6 | quarters[1] << 4 | quarters[2] << 2 | quarters[3]
    return packed.to_bytes(pages // 4, "little").ljust(stored_size(pages), b"\0")
