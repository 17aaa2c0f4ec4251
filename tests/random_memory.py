"""Dumps of random memory: regions that touch, holes, fragments, compression, both drafts.

What is where is said twice: by the file, which is made without the package, and byte by byte.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import strategies as st
from independent import wire
from independent.specimens import KINDS, Kind, finish, start

PAGE = 1024
RIGHTS = {3: "rw-", 5: "r-x", 7: "rwx", 1: "r--"}
TYPES = {1: "heap", 2: "stack", 5: "anonymous"}


@dataclass(frozen=True)
class RandomRegion:
    """A region: its pages' states, and the bytes of those that are captured."""

    base: int
    protection: int
    region_type: int
    states: Sequence[int]
    data: bytes

    @property
    def end(self) -> int:
        return self.base + len(self.states) * PAGE


@dataclass(frozen=True)
class RandomMemory:
    """A dump, and what an independent look says is in it."""

    file: bytes
    regions: list[RandomRegion]

    @property
    def runs(self) -> list[tuple[int, bytes]]:
        """Captured bytes, as far as they go on."""
        found: list[tuple[int, bytes]] = []
        for region in self.regions:
            for base, data in self.runs_of(region):
                if found and found[-1][0] + len(found[-1][1]) == base:
                    found[-1] = found[-1][0], found[-1][1] + data
                else:
                    found.append((base, data))
        return found

    @staticmethod
    def runs_of(region: RandomRegion) -> list[tuple[int, bytes]]:
        """The same of one region."""
        found: list[tuple[int, bytes]] = []
        taken = 0
        for page, state in enumerate(region.states):
            if state:
                continue
            base, data = region.base + page * PAGE, region.data[taken : taken + PAGE]
            taken += PAGE
            if found and found[-1][0] + len(found[-1][1]) == base:
                found[-1] = found[-1][0], found[-1][1] + data
            else:
                found.append((base, data))
        return found


@st.composite
def memories(draw: st.DrawFn, words: Sequence[bytes]) -> RandomMemory:
    """Memory in which these words stand, also across the edges of everything."""
    kind: Kind = draw(st.sampled_from(KINDS))
    regions = []
    at = 0x10000
    for _ in range(draw(st.integers(1, 4))):
        at += draw(st.sampled_from((0, 0, 1, 7))) * PAGE
        states = draw(st.lists(st.sampled_from((0, 0, 0, 1, 2)), min_size=1, max_size=6))
        size = states.count(0) * PAGE
        regions.append(
            RandomRegion(
                at,
                draw(st.sampled_from([*RIGHTS])),
                draw(st.sampled_from([*TYPES])),
                states,
                draw(_contents(words, size)),
            )
        )
        at = regions[-1].end
    builder = start(kind)
    for region in draw(st.permutations(regions)):
        _add(draw, builder, kind, region)
    return RandomMemory(finish(builder, kind), regions)


@st.composite
def _contents(draw: st.DrawFn, words: Sequence[bytes], size: int) -> bytes:
    """Words at edges of pages and anywhere, among bytes of which few are printable."""
    rng = draw(st.randoms(use_true_random=False))
    data = bytearray(rng.choice(b"\x00\x01\x80\xffab") for _ in range(size))
    for _ in range(rng.randint(0, 12)):
        word = rng.choice(words)
        edge = rng.randrange(0, size + 1, PAGE) if size else 0
        at = rng.choice((edge - rng.randint(0, len(word)), rng.randint(0, size)))
        if 0 <= at <= size - len(word):
            data[at : at + len(word)] = word
        elif at < 0:  # what the word began with stands in front of it, if anything does
            data[: max(0, at + len(word))] = word[-at:][:size]
    return bytes(data[:size])


def _add(draw: st.DrawFn, builder: wire.FileBuilder, kind: Kind, region: RandomRegion) -> None:
    """A region as one block or as fragments, each compressed or not."""
    pages = len(region.states)
    cuts = sorted(draw(st.sets(st.integers(1, pages), max_size=2)) - {pages})
    first: bytes | None = None
    for low, high in zip([0, *cuts], [*cuts, pages]):
        states = region.states[low:high]
        taken = region.states[:low].count(0) * PAGE
        payload = wire.memory_region(
            kind.order,
            states,
            base_addr=region.base + low * PAGE,
            protection=region.protection,
            region_type=region.region_type,
            page_size_log2=10,
            page_data=region.data[taken : taken + states.count(0) * PAGE],
        )
        algorithm = draw(st.sampled_from((None, None, "zstd", "lz4")))
        if first is None:
            first = builder.add(wire.MEMORY_REGION, payload, compression=algorithm)
        else:
            builder.add(
                wire.MEMORY_REGION,
                payload,
                compression=algorithm,
                flags=wire.CONTINUATION,
                parent_uuid=first,
            )
