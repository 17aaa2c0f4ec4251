"""The address space: held against a look at every address, and its steps counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from independent import wire
from independent.specimens import KINDS, LE11, Kind, finish, start
from steps import steps
from test_memory import BASE, PAGE, dump_of

from msl_construct.errors import MemoryAccessError
from msl_construct.reader import open_dump
from msl_construct.space import AddressSpace, Cover, LayeredSpace, contest
from msl_construct.space.layers import Wanted

STATES = ("captured", "failed", "unmapped", "not_resident", "reserved", "truncated", "damaged")


@dataclass
class Part:
    """A part of an address space, of runs as they are given."""

    base: int
    order: int
    stored: list[tuple[int, str]]
    looks: int = 0
    content: bytes = field(init=False)

    def __post_init__(self) -> None:
        length = sum(length for length, state in self.stored if state == "captured")
        self.content = bytes((self.order * 31 + at * 7 + 1) & 0xFF for at in range(length))

    @property
    def end(self) -> int:
        return self.base + sum(length for length, _ in self.stored)

    def runs(self, start: int, end: int) -> Iterator[tuple[int, int, str, int]]:
        at, taken = self.base, 0
        for length, state in self.stored:
            first, stop = max(at, start), min(at + length, end)
            self.looks += 1
            if first < stop:
                yield first, stop - first, state, taken + first - at
            at += length
            taken += length if state == "captured" else 0


class Parts(LayeredSpace[Part]):
    def bytes_of(self, wanted: Sequence[Wanted[Part]]) -> memoryview:
        return memoryview(b"".join(p.content[at : at + size] for p, at, size in wanted))


def known(parts: Sequence[Part]) -> dict[int, tuple[str, bytes]]:
    """State and byte of every address, looked at one by one."""
    found: dict[int, tuple[str, bytes]] = {}
    for part in sorted(parts, key=lambda p: p.order):
        at, taken = part.base, 0
        for length, state in part.stored:
            for address in range(at, at + length):
                content = b""
                if state == "captured":
                    content = part.content[taken : taken + 1]
                    taken += 1
                before = found.get(address, ("absent", b""))[0]
                if before == "absent" or (before != "captured" and state == "captured"):
                    found[address] = (state, content)
            at += length
    return found


def spoken(
    found: dict[int, tuple[str, bytes]], start: int, end: int
) -> tuple[list[tuple[int, int, str]], bytes]:
    runs: list[tuple[int, int, str]] = []
    data = b""
    for address in range(start, end):
        state, content = found.get(address, ("absent", b""))
        data += content
        if runs and runs[-1][2] == state:
            runs[-1] = (runs[-1][0], runs[-1][1] + 1, state)
        else:
            runs.append((address, 1, state))
    return runs, data


@st.composite
def layers(draw: st.DrawFn) -> list[Part]:
    stored = st.lists(
        st.tuples(st.integers(1, 9), st.sampled_from([*STATES, "absent", "captured"])), max_size=6
    )
    count = draw(st.integers(0, 9))
    orders = draw(st.permutations(range(count)))
    return [Part(draw(st.integers(0, 40)), order, draw(stored)) for order in orders]


@pytest.mark.parametrize("sizes", [(64, 1 << 16, 1 << 20), (1, 1, 1), (3, 2, 4)], ids=str)
@given(parts=layers(), data=st.data())
def test_it_answers_what_a_look_at_every_address_finds(
    sizes: tuple[int, int, int], parts: list[Part], data: st.DataObject
) -> None:
    names = ("_SHORTEST", "_MOST_CHANGES", "_KEPT_CHANGES")
    with pytest.MonkeyPatch.context() as patch:
        for name, size in zip(names, sizes):
            patch.setattr(contest, name, size)
        space = Parts(parts)
        found = known(parts)
        for _ in range(4):  # what one read has found out serves the next
            address = data.draw(st.integers(0, 90))
            size = data.draw(st.integers(0, 60))
            runs, content = spoken(found, address, address + size)
            memory = space.read(address, size)
            assert (list(memory.runs), bytes(memory.data)) == (runs, content)
            assert list(space.states(address, address + size)) == runs
        claimed = {at for part in parts for at in range(part.base, part.end)}
        ranges = list(space.ranges())
        assert {at for first, stop in ranges for at in range(first, stop)} == claimed
        assert all(stop < begin for (_, stop), (begin, _) in pairwise(ranges))


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 12))))
def test_the_first_that_covers(ranges: list[tuple[int, int]]) -> None:
    cover = Cover((base, base + size, number) for number, (base, size) in enumerate(ranges))
    for address in range(50):
        there = [n for n, (base, size) in enumerate(ranges) if base <= address < base + size]
        assert cover.at(address) == (there[0] if there else None)


def test_stretches_beyond_64_bits() -> None:
    long = 1 << 66
    parts = [Part(0, 0, [(long, "failed"), (8, "failed")]), Part(long, 1, [(4, "captured")])]
    space = Parts(parts)
    assert list(space.states(long - 1, long + 9)) == [
        (long - 1, 1, "failed"), (long, 4, "captured"), (long + 4, 4, "failed"),
        (long + 8, 1, "absent"),
    ]  # fmt: skip
    assert bytes(space.read(long, 4)) == parts[1].content


def test_a_file_that_became_shorter_is_never_filled() -> None:
    class Short(Parts):
        def bytes_of(self, wanted: Sequence[Wanted[Part]]) -> memoryview:
            return super().bytes_of(wanted)[:-1]

    with pytest.raises(MemoryAccessError, match="expected 4 captured ones, found 3"):
        Short([Part(16, 0, [(4, "captured")])]).read(16, 4)


# -- the memory of a dump -----------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_dumps_memory_is_an_address_space(kind: Kind) -> None:
    space: AddressSpace = dump_of(
        (BASE, [0, 1, 2], None), (BASE + 3 * PAGE, [3, 0], None), (BASE + 8 * PAGE, [0], None),
        kind=kind,
    ).memory  # fmt: skip
    assert isinstance(space, AddressSpace)
    assert list(space.ranges()) == [(BASE, BASE + 5 * PAGE), (BASE + 8 * PAGE, BASE + 9 * PAGE)]
    third = "not_resident" if kind.revised else "reserved"
    assert list(space.states(BASE + 100, BASE + 8 * PAGE + 10)) == [
        (BASE + 100, PAGE - 100, "captured"),
        (BASE + PAGE, PAGE, "failed"),
        (BASE + 2 * PAGE, PAGE, "unmapped"),
        (BASE + 3 * PAGE, PAGE, third),
        (BASE + 4 * PAGE, PAGE, "captured"),
        (BASE + 5 * PAGE, 3 * PAGE, "absent"),
        (BASE + 8 * PAGE, 10, "captured"),
    ]
    assert list(space.states(BASE, BASE)) == []


@pytest.mark.parametrize("compression", [None, "zstd", "lz4"])
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_fragments_of_one_region_and_an_overlap_within_it(
    kind: Kind, compression: str | None
) -> None:
    builder = start(kind)
    pieces = [(0, [0, 1], b"a", None), (4, [0, 0], b"b", 0), (1, [0, 2, 0, 1], b"c", None)]
    identities = []
    for page, states, byte, parent in pieces:
        captured = sum(state == 0 for state in states)
        body = wire.memory_region(
            kind.order, states, base_addr=BASE + page * PAGE, page_size_log2=10,
            page_data=byte * PAGE * captured,
        )  # fmt: skip
        more: dict[str, Any] = {}
        if parent is not None:
            more = {"flags": wire.CONTINUATION, "parent_uuid": identities[parent]}
        identities.append(builder.add(wire.MEMORY_REGION, body, compression=compression, **more))
    memory = open_dump(finish(builder, kind)).memory.read(BASE, 6 * PAGE)
    assert [(run[0] - BASE) // PAGE for run in memory.runs] == [0, 2, 3]
    assert [run[2] for run in memory.runs] == ["captured", "unmapped", "captured"]
    assert bytes(memory.data) == b"".join(byte * PAGE for byte in (b"a", b"c", b"c", b"b", b"b"))


def test_names() -> None:
    builder = start(LE11)
    body = wire.memory_region("<", (0,), base_addr=BASE, page_size_log2=10, region_type=1)
    builder.add(wire.MEMORY_REGION, body)
    builder.add(
        wire.MODULE_ENTRY, wire.module_entry("<", base_addr=0x400000, path=b"/usr/bin/target")
    )
    space = open_dump(finish(builder, LE11)).memory
    assert space.name_of(BASE) == "[heap]"
    assert space.name_of(0x400000) == "/usr/bin/target"
    assert space.name_of(1) is None


# -- what it costs ------------------------------------------------------------------------------


def one_spans_all(count: int) -> list[Part]:
    small = [Part(2 * n, n, [(1, "captured")]) for n in range(count)]
    return [*small, Part(0, count, [(2 * count, "failed")])]


def one_spans_all_and_is_first(count: int) -> list[Part]:
    small = [Part(2 * n, n + 1, [(1, "captured")]) for n in range(count)]
    return [*small, Part(0, 0, [(2 * count, "captured")])]


def all_claim_all(count: int) -> list[Part]:
    return [Part(0, n, [(2 * count, "failed")]) for n in range(count)]


def nested(count: int) -> list[Part]:
    return [Part(n, n, [(4 * count - 2 * n, "captured")]) for n in range(count)]


def stairs(count: int) -> list[Part]:
    return [Part(n, count - n, [(count, "failed"), (1, "captured")]) for n in range(count)]


def the_last_has_it(count: int) -> list[Part]:
    return [*all_claim_all(count), Part(0, count, [(2 * count, "captured")])]


@pytest.mark.parametrize(
    "make",
    [one_spans_all, one_spans_all_and_is_first, all_claim_all, nested, stairs, the_last_has_it],
)
def test_an_address_costs_no_more_than_the_logarithm(make: Callable[[int], list[Part]]) -> None:
    """Sixteen times as many parts, and hardly more steps for each address that is read."""

    def cost(count: int) -> tuple[float, float]:
        parts = make(count)
        end = max(part.end for part in parts)
        whole = steps(lambda: Parts(parts).read(0, end)) / end
        space = Parts(parts)
        asked = range(0, end, max(1, end // 200))
        space.read(0, end)
        each = steps(lambda: [space.read(at, 1) for at in asked]) / len(asked)
        assert sum(part.looks for part in parts) < 40 * count + 400  # each some times, not often
        return whole, each

    (few, few_each), (many, many_each) = cost(60), cost(960)
    assert many < 1.5 * few + 5
    assert many_each < 1.5 * few_each


def test_looking_for_regions_costs_no_more_either() -> None:
    def cost(count: int) -> float:
        small = [(BASE + n * PAGE, [0], b"x" * PAGE) for n in range(count)]
        memory = dump_of((BASE, [1] * count, None), *small).memory
        memory.region_at(BASE)
        asked = range(BASE, BASE + count * PAGE, count // 40 * PAGE)
        return steps(lambda: [memory.region_at(at) for at in asked]) / len(asked)

    assert cost(640) < 1.5 * cost(40)
