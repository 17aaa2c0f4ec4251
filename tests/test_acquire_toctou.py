"""A target that maps and unmaps without pause: nothing is claimed that was not there."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from acquire_targets import Running, target
from acquiring import PAGE, Dump, acquire, as_found, linux_only, stopped, verified
from sampling import part_of, sampled

pytestmark = linux_only

# As in targets/e2e_churn.c.
MAGIC = 0xA5C3A5C3A5C3A5C3
ARENA, STABLE = 1024 * PAGE, 8 * PAGE
FIRST, STRIDE, THREADS = 0x2000_0000_0000, 0x4000_0000, 4


# One for each test: its threads take the processors from all other tests while it runs.
@pytest.fixture(name="churn")
def process_that_maps_and_unmaps() -> Iterator[Running]:
    with target("e2e_churn", str(THREADS)) as (process, _):
        yield process


@pytest.fixture(name="movers")
def process_that_moves_whole_pages() -> Iterator[Running]:
    with target("e2e_churn", str(THREADS), "move") as (process, _):
        yield process


def arena_of(address: int) -> int | None:
    """Start of the arena that an address lies in."""
    number, offset = divmod(address - FIRST, STRIDE)
    return FIRST + number * STRIDE if 0 <= number < THREADS and offset < ARENA else None


def stable(address: int) -> bool:
    """Whether the page is one of those that are never unmapped nor changed."""
    arena = arena_of(address)
    return arena is not None and (address < arena + STABLE or address >= arena + ARENA - STABLE)


def full(address: int) -> bytes:
    """A page once its thread has filled it."""
    return struct.pack("<512Q", *((address + 8 * i) ^ MAGIC for i in range(512)))


def examine(dump: Dump) -> Counter[str]:
    """Every page of the arenas, judged; how often each state was met."""
    met: Counter[str] = Counter()
    stable_pages = 0
    for start, size, state, data in dump.stretches():
        for offset in range(0, size, PAGE):
            address = start + offset
            if arena_of(address) is None:
                # Nothing else of it comes or goes.
                assert state != "unmapped", hex(address)
                continue
            met[state] += 1
            if stable(address):
                stable_pages += 1
                assert state == "captured", (hex(address), state)
                assert bytes(data[offset : offset + PAGE]) == full(address)
            elif state == "captured":
                page = bytes(data[offset : offset + PAGE])
                if page not in (bytes(PAGE), full(address)):
                    # Read while it was being filled: each word is its own or still zero.
                    words = struct.unpack("<512Q", page)
                    wrong = [
                        i for i, w in enumerate(words) if w not in (0, (address + 8 * i) ^ MAGIC)
                    ]
                    assert wrong == [], f"page {address:#x} holds what was never there"
                    met["partial"] += 1
    assert stable_pages == THREADS * 2 * STABLE // PAGE
    return met


@sampled()
@pytest.mark.parametrize("draft", ["draft-2026-03", "draft-2026-10"])
@pytest.mark.parametrize("compress", ["none", "lz4"])
def test_nothing_is_invented_of_a_target_that_runs(
    draft: str, compress: str, churn: Running, tmp_path: Path
) -> None:
    outs = [tmp_path / f"{number}.msl" for number in range(4)]
    for out in outs:
        acquire(churn.pid, "-o", out, "--freeze", "none", "--draft", draft, "--compress", compress)
    as_found(churn.pid)
    met: Counter[str] = Counter()
    with stopped(churn.pid):  # it would only take the processor
        for out in outs:
            verified(out)
            met += examine(Dump(out))
    assert churn.poll() is None
    # Its mappings live for microseconds: some must have gone, or nothing was tested.
    assert met["unmapped"] > 0
    if draft == "draft-2026-10":
        assert met["reserved"] == 0
    else:
        assert met["not_resident"] == met["reserved"] == 0


@sampled()
@pytest.mark.parametrize("draft", ["draft-2026-03", "draft-2026-10"])
def test_what_is_gone_is_not_taken_for_untouched(
    draft: str, movers: Running, tmp_path: Path
) -> None:
    """pagemap shows nothing where nothing is mapped, as it does where nothing was written.

    These pages have contents for as long as they are mapped, so that every zero is invented.
    """
    outs = [tmp_path / f"{number}.msl" for number in range(5)]
    for out in outs:
        acquire(movers.pid, "-o", out, "--freeze", "none", "--draft", draft)
    as_found(movers.pid)
    met: Counter[str] = Counter()
    with stopped(movers.pid):
        for out in outs:
            verified(out)
            for start, size, state, data in Dump(out).stretches():
                for offset in range(0, size, PAGE):
                    address = start + offset
                    if arena_of(address) is None:
                        continue
                    met[state] += 1
                    if state == "captured":
                        assert bytes(data[offset : offset + PAGE]) == full(address), hex(address)
                    else:
                        assert state == "unmapped", (hex(address), state)
                        assert not stable(address)
    assert met["unmapped"] > 0, "none had gone: nothing was tested"


@sampled()
@pytest.mark.parametrize("method", ["ptrace", "sigstop"])
def test_nothing_goes_while_it_is_frozen(method: str, churn: Running, tmp_path: Path) -> None:
    for number in part_of(range(4)):
        out = tmp_path / f"{number}.msl"
        first = int(churn.ask("?"))
        acquire(churn.pid, "-o", out, "--freeze", method)
        as_found(churn.pid)
        with stopped(churn.pid):  # it would only take the processor
            verified(out)
            met = examine(Dump(out))
        assert met["unmapped"] == 0
        # A page without access can be read all the same, or is Failed where the kernel refuses.
        assert met["captured"] > 0
        assert int(churn.ask("?")) > first
