"""Documents that ask for far more than they hold: refused, or written in little memory."""

from __future__ import annotations

import resource
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msl_construct.page_map import PageMap
from msl_construct.schema.run_map import RunMap

MOST_MEMORY = 512 << 20
"""Address space of a command; what a short document asks for must not add to it."""

FILE_HEADER, BLOCK_HEADER, FIXED = 64, 80, 32
"""Bytes in front of the page map: headers, and the region's fields of constant width."""

REGION = """
document: 1
format: {{draft: draft-2026-10, byte_order: little}}
header: {{os_type: linux, arch_type: x86_64, pid: 1, timestamp: "5", cap_bitmap: []}}
blocks:
- {{block_type: memory_region, payload: {{base_addr: 0, {fields}, protection: [read],
   region_type: heap, timestamp: "0", page_state_map: {states}, page_data: {{length: 0}}}}}}
"""


def built(tmp_path: Path, fields: str, states: str) -> tuple[int, str, Path]:
    """Exit code, stderr and the file, of a build that has `MOST_MEMORY`."""
    document, made = tmp_path / "region.yaml", tmp_path / "made.msl"
    document.write_text(REGION.format(fields=fields, states=states))

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))

    command = [sys.executable, "-m", "msl_construct", "build", document, "-o", made]
    done = subprocess.run(command, preexec_fn=limit, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr, made


@pytest.mark.parametrize(
    ("fields", "states", "said"),
    [
        ("page_size_log2: 12", "[[0, 17179869000, failed]]", "region_size is not given"),
        ("region_size: 4096, page_size_log2: 12", "[[0, 17179869000, failed]]", "of 1 pages"),
        (
            "region_size: 4096, page_size_log2: 200",
            "[[0, 17179869000, failed]]",
            "expected PageSizeLog2 of 10 to 40, found 200",
        ),
        (
            "region_size: 4096, page_size_log2: 12",
            "{runs: [[0, 17179869000, failed]], padding: '00'}",
            "of 1 pages",
        ),
        ("region_size: 4096, page_size_log2: 12", f"[[0, {1 << 80}, failed]]", "no block can hold"),
        ("region_size: 4096, page_size_log2: 17179869184", "[[0, 1, captured]]", "does not fit"),
        ("region_size: 4096, page_size_log2: 17179869184", "[[0, 1, failed]]", "does not fit"),
        (
            "region_size: 4096, rest: '00', page_size_log2: 17179869184",
            "[[0, 1, captured]]",
            "page_size_log2",
        ),
        (f"region_size: {1 << 90}, page_size_log2: 12", "[[0, 1, captured]]", "does not fit"),
    ],
)
def test_what_no_region_can_be_is_refused_before_it_is_made(
    tmp_path: Path, fields: str, states: str, said: str
) -> None:
    code, err, made = built(tmp_path, fields, states)
    assert (code, err.count("\n")) == (3, 1), err
    assert said in err
    assert not made.exists()


def test_a_long_map_is_written_and_never_held(tmp_path: Path) -> None:
    """Thirty words of a document that become 256 MiB of page states."""
    pages, last = 1 << 30, 5
    states = (
        f"[[0, 2, unmapped], [2, {pages - 2 - last}, failed], [{pages - last}, {last}, unmapped]]"
    )
    fields = f"region_size: {pages << 12}, page_size_log2: 12"
    code, err, made = built(tmp_path, fields, states)
    assert code == 0, err
    with made.open("rb") as file:
        start, size = FILE_HEADER + BLOCK_HEADER, pages // 4
        file.seek(start)
        assert struct.unpack("<QQ", file.read(16)) == (0, pages << 12)
        file.seek(start + FIXED)
        assert file.read(1) == b"\xa5"
        for _ in range((size >> 20) - 1):
            assert file.read(1 << 20) == b"\x55" * (1 << 20)
        assert file.read() == b"\x55" * ((1 << 20) - 3) + b"\x56\xaa"
    made.unlink()


# -- the map that is made when it is written ---------------------------------------------------


@st.composite
def states(draw: st.DrawFn) -> list[tuple[int, int, int]]:
    runs, first = [], 0
    for count in draw(st.lists(st.integers(1, 90), max_size=12)):
        runs.append((first, count, draw(st.integers(0, 3))))
        first += count
    return runs


@given(states(), st.integers(0, 200), st.integers(0, 200), st.booleans())
def test_it_is_the_map_that_the_same_runs_make(
    runs: list[tuple[int, int, int]], one: int, other: int, odd: bool
) -> None:
    pages = sum(count for _, count, _ in runs)
    plain: PageMap = PageMap.from_runs(runs, pages)
    lazy: PageMap = RunMap(runs, pages)
    if odd:
        tail = bytes(byte | 1 for byte in plain.tail)
        plain, lazy = plain.with_tail(tail), lazy.with_tail(tail)
    assert bytes(lazy.stored) == plain.stored
    assert lazy == plain
    first, stop = min(one, other), max(one, other)
    assert lazy.extent.source.read(first, stop - first) == plain.stored[first:stop]  # type: ignore[attr-defined]
    if not odd:
        assert list(lazy.runs()) == list(plain.runs())
        assert list(lazy.runs(first, stop)) == list(plain.runs(first, stop))
        assert lazy.counts(first, min(stop, pages)) == plain.counts(first, min(stop, pages))
        assert lazy.rank(min(one, pages)) == plain.rank(min(one, pages))
        assert [lazy[page] for page in range(pages)] == [plain[page] for page in range(pages)]
    for name in ("tail", "canonical", "all_captured", "captured", "pages"):
        if name != "captured" or not odd:
            assert getattr(lazy, name) == getattr(plain, name)


def test_its_captured_pages_are_counted() -> None:
    assert RunMap([(0, 3, 0), (3, 2, 1), (5, 4, 0)], 9).captured == 7


@pytest.mark.parametrize("runs", [[(1, 4, 0)], [(0, 3, 0)], [(0, 4, 4)], [(0, 5, 0)], [(0, 0, 0)]])
def test_runs_that_are_no_map_are_refused(runs: list[tuple[int, int, int]]) -> None:
    with pytest.raises(ValueError, match="page run"):
        RunMap(runs, 4)
    with pytest.raises(ValueError, match="page run"):
        PageMap.from_runs(runs, 4)
