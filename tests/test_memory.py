"""Memory by address: adjacent regions, holes, overlaps, maps that promise too much."""

from __future__ import annotations

import struct
import tracemalloc
from itertools import islice, product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from independent import wire
from independent.specimens import KINDS, LE10, LE11, Kind, finish, start
from steps import steps

from msl_construct.errors import MemoryAccessError
from msl_construct.reader import Dump, Region, open_dump
from msl_construct.reader.unread import unread

PAGE = 1024
BASE = 0x10000
NAMES = {0: "captured", 1: "failed", 2: "unmapped"}


def dump_of(*regions: tuple[int, list[int], bytes | None], kind: Kind = LE10) -> Dump:
    """A dump of regions: base, states, page data (None: every page its own bytes)."""
    builder = start(kind)
    for number, (base, states, data) in enumerate(regions):
        if data is None:
            data = page_data(number, states)
        payload = wire.memory_region(
            kind.order, states, base_addr=base, page_size_log2=10, page_data=data
        )
        builder.add(wire.MEMORY_REGION, payload)
    return open_dump(finish(builder, kind))


def page_data(number: int, states: list[int]) -> bytes:
    """Bytes of which each says region and page."""
    captured = [page for page, state in enumerate(states) if state == 0]
    return b"".join(bytes([(number * 37 + page * 5 + 1) & 0xFF]) * PAGE for page in captured)


def model(regions: list[tuple[int, list[int], bytes]], third: str) -> dict[int, tuple[str, bytes]]:
    """Page address -> state and bytes; captured first, then what stands first in the file."""
    found: dict[int, tuple[str, bytes]] = {}
    for base, states, data in regions:
        taken = 0
        for page, state in enumerate(states):
            name, content = NAMES.get(state, third), b""
            if state == 0:
                content = data[taken : taken + PAGE]
                taken += PAGE
                if len(content) < PAGE:  # the tests cut data at pages only
                    name, content = "truncated", b""
            address = base + page * PAGE
            before = found.get(address)
            if before is None or (before[0] != "captured" and name == "captured"):
                found[address] = (name, content)
    return found


def expected(
    found: dict[int, tuple[str, bytes]], address: int, size: int
) -> tuple[bytes, list[tuple[int, int, str]]]:
    """What reading must give, byte by byte."""
    data = bytearray()
    runs: list[tuple[int, int, str]] = []
    for at in range(address, address + size):
        state, content = found.get(at - at % PAGE, ("absent", b""))
        if state == "captured":
            data.append(content[at % PAGE])
        if runs and runs[-1][2] == state:
            runs[-1] = (runs[-1][0], runs[-1][1] + 1, state)
        else:
            runs.append((at, 1, state))
    return bytes(data), runs


@st.composite
def layouts(draw: st.DrawFn) -> list[tuple[int, list[int], bytes]]:
    """A few regions near each other: adjacent, apart, overlapping, with too little data."""
    regions = []
    for number in range(draw(st.integers(0, 4))):
        base = BASE + PAGE * draw(st.integers(0, 12))
        states = draw(st.lists(st.integers(0, 3), max_size=7))
        data = page_data(number, states)
        missing = draw(st.sampled_from([0, 0, 0, 1, 2]))
        regions.append((base, states, data[: max(0, len(data) - missing * PAGE)]))
    return regions


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
@given(regions=layouts(), data=st.data())
def test_reading_equals_the_model(
    kind: Kind, regions: list[tuple[int, list[int], bytes]], data: st.DataObject
) -> None:
    dump = dump_of(*regions, kind=kind)
    pages = model(regions, "not_resident" if kind.revised else "reserved")
    address = BASE - PAGE + data.draw(st.integers(0, 20 * PAGE))
    size = data.draw(st.integers(0, 6 * PAGE) | st.integers(0, 40))
    memory = dump.memory.read(address, size)
    wanted, runs = expected(pages, address, size)
    assert bytes(memory.data) == wanted
    assert list(memory.runs) == runs
    assert (memory.address, memory.size) == (address, size)
    assert memory.complete == (len(wanted) == size)
    assert memory.filled(0xEE) == b"".join(
        bytes([pages[at - at % PAGE][1][at % PAGE]])
        if pages.get(at - at % PAGE, ("", b""))[0] == "captured"
        else b"\xee"
        for at in range(address, address + size)
    )


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_pattern_of_five_pages(kind: Kind) -> None:
    """Where each page's bytes lie in PageData depends on all the pages before it."""
    third = "not_resident" if kind.revised else "reserved"
    patterns = [list(states) for states in product((0, 1, 3), repeat=5)]
    bases = [BASE + number * 8 * PAGE for number in range(len(patterns))]
    regions = [
        (base, states, page_data(number, states))
        for number, (base, states) in enumerate(zip(bases, patterns))
    ]
    dump = dump_of(*regions, kind=kind)
    for base, states, data in regions:
        pages = model([(base, states, data)], third)
        for first in range(5):
            address, size = base + first * PAGE, (5 - first) * PAGE
            memory = dump.memory.read(address, size)
            found = [pages[base + page * PAGE] for page in range(first, 5)]
            assert bytes(memory.data) == b"".join(content for _, content in found), states
            assert sum(length for _, length, _ in memory.runs) == size


# -- single situations -----------------------------------------------------------------------


def test_adjacent_regions_read_as_one() -> None:
    dump = dump_of((BASE + 2 * PAGE, [0], b"b" * PAGE), (BASE, [0, 0], b"a" * 2 * PAGE))
    memory = dump.memory.read(BASE + PAGE, 2 * PAGE)
    assert bytes(memory) == b"a" * PAGE + b"b" * PAGE
    assert memory.runs == ((BASE + PAGE, 2 * PAGE, "captured"),)
    assert memory.complete


def test_bytes_without_data_are_refused() -> None:
    dump = dump_of((BASE, [0, 1, 2, 0], b"a" * PAGE + b"d" * PAGE))
    memory = dump.memory.read(BASE, 5 * PAGE)
    assert [state for _, _, state in memory.runs] == [
        "captured", "failed", "unmapped", "captured", "absent",
    ]  # fmt: skip
    assert not memory.complete
    with pytest.raises(MemoryAccessError, match=rf"{PAGE} bytes at {BASE + PAGE:#x} are failed"):
        bytes(memory)
    assert memory.filled(0x7F) == (b"a" * PAGE + b"\x7f" * 2 * PAGE + b"d" * PAGE + b"\x7f" * PAGE)


def test_a_read_within_a_page_and_of_nothing() -> None:
    dump = dump_of((BASE, [1, 0], bytes(range(256)) * 4))
    assert bytes(dump.memory.read(BASE + PAGE + 250, 10)) == bytes([*range(250, 256), *range(4)])
    nothing = dump.memory.read(BASE, 0)
    assert (bytes(nothing), nothing.runs, nothing.complete) == (b"", (), True)
    assert dump.memory.read(0, 16).runs == ((0, 16, "absent"),)
    for address, size in ((-1, 4), (4, -1)):
        with pytest.raises(ValueError, match="below zero"):
            dump.memory.read(address, size)


@pytest.mark.parametrize("held", [0, 1, PAGE - 1, PAGE, PAGE + 7])
@pytest.mark.parametrize("compression", [None, "zstd", "lz4"])
def test_a_map_that_promises_too_much_never_shows_the_next_block(
    held: int, compression: str | None
) -> None:
    builder = start(LE10)
    for base, size, byte in ((BASE, held, b"a"), (BASE + 16 * PAGE, PAGE, b"z")):
        states = [0, 0, 0] if byte == b"a" else [0]
        body = wire.memory_region(
            "<", states, base_addr=base, page_size_log2=10, page_data=byte * size
        )
        builder.add(wire.MEMORY_REGION, body, compression=compression)
    dump = open_dump(finish(builder, LE10))
    memory = dump.memory.read(BASE, 3 * PAGE)
    assert bytes(memory.data) == b"a" * held
    runs = [(BASE, held, "captured"), (BASE + held, 3 * PAGE - held, "truncated")]
    assert list(memory.runs) == [run for run in runs if run[1]]
    assert dump.regions[0].first.missing == 3 * PAGE - held
    with pytest.raises(MemoryAccessError, match="truncated"):
        bytes(memory)
    assert bytes(dump.memory.read(BASE + 16 * PAGE, PAGE)) == b"z" * PAGE


def test_more_data_than_the_map_promises_is_not_memory() -> None:
    dump = dump_of((BASE, [0, 1], b"a" * PAGE + b"x" * 5000))
    assert dump.memory.read(BASE, 2 * PAGE).runs == (
        (BASE, PAGE, "captured"), (BASE + PAGE, PAGE, "failed"),
    )  # fmt: skip


def test_overlaps_prefer_captured_bytes_then_file_order() -> None:
    dump = dump_of(
        (BASE, [1, 0, 0], b"12".replace(b"1", b"a" * PAGE).replace(b"2", b"b" * PAGE)),
        (BASE, [0, 0, 2, 0], b"x" * 3 * PAGE),
    )
    memory = dump.memory.read(BASE, 4 * PAGE)
    assert bytes(memory) == b"x" * PAGE + b"a" * PAGE + b"b" * PAGE + b"x" * PAGE
    (overlap,) = dump.memory.overlaps
    assert (overlap.start, overlap.end) == (BASE, BASE + 3 * PAGE)
    assert [overlap.first, overlap.second] == dump.regions
    assert dump.memory.region_at(BASE + 3 * PAGE) is dump.regions[1]
    assert dump.memory.region_at(BASE + PAGE) is dump.regions[0]
    assert dump.memory.region_at(BASE - 1) is None


def test_regions_of_different_page_sizes() -> None:
    builder = start(LE10)
    small = wire.memory_region("<", (0, 1), base_addr=BASE, page_size_log2=10)
    large = wire.memory_region(
        "<", (0,), base_addr=BASE + 2 * PAGE, page_size_log2=14, page_data=b"L" * (1 << 14)
    )
    builder.add(wire.MEMORY_REGION, small)
    builder.add(wire.MEMORY_REGION, large)
    memory = open_dump(finish(builder, LE10)).memory.read(BASE + PAGE, 3 * PAGE)
    assert memory.runs == ((BASE + PAGE, PAGE, "failed"), (BASE + 2 * PAGE, 2 * PAGE, "captured"))
    assert bytes(memory.data) == b"L" * 2 * PAGE


def test_a_region_size_that_is_no_multiple_of_the_page_size() -> None:
    builder = start(LE10)
    body = wire.memory_region(
        "<", (0, 0), base_addr=BASE, page_size_log2=10, region_size=2 * PAGE + 100
    )
    builder.add(wire.MEMORY_REGION, body)
    memory = open_dump(finish(builder, LE10)).memory.read(BASE, 3 * PAGE)
    assert memory.runs == ((BASE, 2 * PAGE, "captured"), (BASE + 2 * PAGE, PAGE, "absent"))


def test_memory_near_the_end_of_the_address_space() -> None:
    top = (1 << 64) - PAGE
    dump = dump_of((top, [0], b"t" * PAGE))
    assert bytes(dump.memory.read(top + 1000, 24)) == b"t" * 24
    assert dump.memory.read(top, 2 * PAGE).runs[0] == (top, PAGE, "captured")


# -- sizes that nobody can hold --------------------------------------------------------------


def peak_of(dump_bytes: bytes, base: int, far: int) -> tuple[int, Region, tuple[object, ...]]:
    """Bytes allocated by opening a dump and reading a little, far into its region."""
    tracemalloc.start()
    try:
        dump = open_dump(dump_bytes)
        (region,) = dump.regions
        runs = dump.memory.read(base + far, 8192).runs
        _ = region.counts
        list(islice(region.runs(), 100))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return peak, region, runs


@pytest.mark.parametrize("state", [0, 1])
def test_a_region_of_two_to_the_62_bytes(state: int) -> None:
    """4 million pages of a terabyte each, of which not one byte is there."""
    pages = 1 << 22
    builder = start(LE10)
    body = wire.memory_region(
        "<", base_addr=0, region_size=1 << 62, page_size_log2=40,
        page_state_map=bytes([0x55 * state]) * (pages // 4), page_data=b"",
    )  # fmt: skip
    builder.add(wire.MEMORY_REGION, body, compression="zstd")
    data = finish(builder, LE10)
    assert len(data) < 4096
    peak, region, runs = peak_of(data, 0, (1 << 62) - 8192)
    assert runs == (((1 << 62) - 8192, 8192, "failed" if state else "truncated"),)
    assert region.region_size == 1 << 62
    assert list(region.runs()) == [(0, pages, "failed" if state else "truncated")]
    assert peak < 16_000_000


def test_a_region_of_two_to_the_62_bytes_without_its_map() -> None:
    builder = start(LE10)
    body = wire.memory_region("<", region_size=1 << 62, page_state_map=bytes(64), page_data=b"")
    builder.add(wire.MEMORY_REGION, body)
    dump = open_dump(finish(builder, LE10))
    assert [region.base_addr for region in dump.regions] == [0x7F00_0000_0000]
    assert dump.regions[0].page_data == b""
    block = dump.blocks[0]
    assert block.payload["region_size"] == 1 << 62
    assert block.problem is not None
    assert "page_state_map" in block.problem
    assert dump.memory.read(0x7F00_0000_0000, 16).runs == ((0x7F00_0000_0000, 16, "damaged"),)


@pytest.mark.parametrize("kind", [LE10, LE11], ids=lambda kind: kind.name)
def test_64_gib_of_alternating_pages(kind: Kind) -> None:
    pages = 1 << 24
    builder = start(kind)
    body = wire.memory_region(
        "<", base_addr=BASE, region_size=pages << 12, page_size_log2=12,
        page_state_map=b"\x66" * (pages // 4), page_data=b"",
    )  # fmt: skip
    builder.add(wire.MEMORY_REGION, body)
    data = finish(builder, kind)
    peak, region, runs = peak_of(data, BASE, (pages - 2) << 12)
    last = BASE + ((pages - 2) << 12)
    assert runs == ((last, 4096, "failed"), (last + 4096, 4096, "unmapped"))
    assert region.counts["failed"] == region.counts["unmapped"] == pages // 2
    assert peak < 24_000_000


def test_only_the_pages_asked_for_are_taken_from_the_file() -> None:
    """A mebibyte is read out of a hole of a tebibyte."""
    pages = 1 << 20
    states = bytes(8) + b"\x55" * (pages // 4 - 8)
    builder = start(LE10)
    body = wire.memory_region(
        "<", base_addr=BASE, region_size=pages << 20, page_size_log2=20,
        page_state_map=states, page_data=struct.pack(">I", 0xCAFEBABE) * (1 << 18),
    )  # fmt: skip
    builder.add(wire.MEMORY_REGION, body)
    dump = open_dump(finish(builder, LE10))
    assert bytes(dump.memory.read(BASE + 4, 4)) == b"\xca\xfe\xba\xbe"
    memory = dump.memory.read(BASE, pages << 20)
    assert memory.runs == (
        (BASE, 1 << 20, "captured"),
        (BASE + (1 << 20), 31 << 20, "truncated"),
        (BASE + (32 << 20), (pages - 32) << 20, "failed"),
    )


def test_block_uuids_that_were_made_to_collide_cost_what_others_do() -> None:
    """Numbers that differ by multiples of 2^61 - 1 have one hash, as `uuid.UUID` has it."""

    def cost(step: int) -> int:
        builder = start(LE10)
        body = wire.memory_region("<", (0,), base_addr=BASE, page_size_log2=10)
        for number in range(1, 600):
            identity = (number * step).to_bytes(16, "big")
            builder.add(wire.MEMORY_REGION, body, block_uuid=identity)
        dump = open_dump(finish(builder, LE10))
        return steps(lambda: dump.regions)

    cost(1)
    assert cost((1 << 61) - 1) < 1.1 * cost(1)


def test_bytes_that_no_read_gives_are_counted_and_said() -> None:
    hiding = dump_of(
        (BASE, [0, 0, 0, 0], b"a" * 4 * PAGE),
        (BASE + PAGE, [0, 1], b"x" * PAGE),
        (BASE + 3 * PAGE, [0, 0], b"y" * 2 * PAGE),
        (BASE + 9 * PAGE, [0], b"z" * PAGE),
    )
    assert list(hiding.memory.hidden()) == [(BASE, BASE + 5 * PAGE, 2 * PAGE)]
    (line,) = unread(hiding)
    assert f"{BASE:#x}..{BASE + 5 * PAGE:#x}: of {2 * PAGE} captured bytes others are read" in line
    apart = dump_of((BASE, [0, 1], b"a" * PAGE), (BASE, [1, 0], b"b" * PAGE))
    assert (list(apart.memory.hidden()), list(unread(apart))) == ([], [])
