"""What an open dump keeps of all that it inflates has one bound, and is never called damage."""

from __future__ import annotations

import gc
import json
import pickle
import random
import resource
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest
import zstandard
from commands import PLACE
from independent import wire
from independent.specimens import LE10, finish, start
from sampling import sampled

import msl_construct
from msl_construct.budget import Budget, Charge, default_budget
from msl_construct.codecs.inflate import InflatedSource
from msl_construct.errors import CompressionError, LimitError
from msl_construct.source import BufferSource, Extent

ODD = Path(__file__).parent / "data" / "odd" / "dumps"
BOMB = ODD / "30-pagemap-bomb-14KB.msl"
WINDOWS = ODD / "31-zstd-window-misreported.msl"
MIB = 1 << 20


class Hoard:
    """Something that can make again what it keeps."""

    def __init__(self, budget: Budget, size: int) -> None:
        self.budget, self.kept = budget, size
        budget.take(size, self)

    def release(self) -> None:
        self.budget.give_back(self.kept)
        self.kept = 0


# -- the sum --------------------------------------------------------------------------------


def test_what_can_be_made_again_goes_first_and_the_longest_unused_before_others() -> None:
    budget = Budget(100)
    first, second, third = (Hoard(budget, 30) for _ in range(3))
    budget.take(0, first)  # it is used again
    budget.take(35)
    assert (first.kept, second.kept, third.kept) == (30, 0, 30)
    assert budget.room(first) == 65
    with pytest.raises(LimitError, match=r"max_memory \(--max-memory\)"):
        budget.take(66)
    assert (first.kept, third.kept, budget.used) == (0, 0, 35)


def test_a_charge_lasts_as_long_as_it_is_kept() -> None:
    budget = Budget(10)
    charge = Charge(budget, 7)
    with pytest.raises(LimitError), budget.lent(4):
        pass
    assert pickle.loads(pickle.dumps(charge)) is None
    del charge
    with pytest.raises(LimitError):
        Charge(budget, 11)
    gc.collect()
    assert budget.used == 0


# -- one payload ----------------------------------------------------------------------------


DATA = random.Random(11).randbytes(3000) * 4000  # twelve megabytes


def source_of(data: bytes, limit: int, algorithm: str = "zstd") -> tuple[InflatedSource, Budget]:
    stream = wire.compress("<", data, algorithm)[8:]
    budget = Budget(limit)
    extent = Extent(BufferSource(stream), 0, len(stream))
    return InflatedSource(extent, algorithm, len(data), 1 << 30, budget), budget


@pytest.mark.parametrize("algorithm", ["zstd", "lz4"])
@pytest.mark.parametrize("limit", [64 * MIB, 8 * MIB])
def test_every_part_is_what_the_whole_has_there(algorithm: str, limit: int) -> None:
    if algorithm == "lz4":
        limit *= 4  # which comes as a whole
    source, budget = source_of(DATA, limit, algorithm)
    rng = random.Random(5)
    for _ in range(30):
        offset, size = rng.randrange(len(DATA)), rng.randrange(1, 300_000)
        wanted = DATA[offset : offset + size]
        assert source.view(offset, size) == wanted
        assert b"".join(source.pieces(offset, size, 70_000)) == wanted
        assert budget.used <= limit
    source.check()
    source.release()
    assert budget.used == 0
    assert source.read(5, 9) == DATA[5:14]
    del source
    gc.collect()
    assert budget.used == 0


def test_what_is_too_large_to_be_kept_passes_by_once_from_front_to_back() -> None:
    """Page after page costs one pass over the stream, not one for each."""
    source, budget = source_of(DATA, 64 * MIB)
    budget.take(budget.limit - 6 * MIB)  # what others keep
    reads: list[int] = []
    stream = source._stream.source
    real = stream.read
    stream.read = lambda offset, length: reads.append(length) or real(offset, length)  # type: ignore[func-returns-value, method-assign]
    pages = [bytes(source.view(at, 4096)) for at in range(0, len(DATA), 4096)]
    assert b"".join(pages) == DATA
    assert sum(reads) < 3 * source._stream.length


def test_a_limit_is_no_damage() -> None:
    source, _ = source_of(DATA, 1000)
    for ask in (source.check, source.whole, lambda: source.view(0, 10), lambda: source.read(0, 9)):
        with pytest.raises(LimitError, match="max_memory"):
            ask()
    source, _ = source_of(DATA, 64 * MIB)
    source._stream = Extent(source._stream.source, 0, source._stream.length - 9)
    with pytest.raises(CompressionError):
        source.check()


def test_a_window_that_the_library_does_not_open_is_no_damage() -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=28)
    stream = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    stored = stream.compress(DATA) + stream.flush()
    extent = Extent(BufferSource(stored), 0, len(stored))
    with pytest.raises(LimitError, match="window"):
        InflatedSource(extent, "zstd", len(DATA), 1 << 30, Budget(1 << 31)).check()


# -- a dump ---------------------------------------------------------------------------------


def bomb(count: int, size: int) -> bytes:
    """Regions whose page maps inflate to `size` bytes each, of alternating states."""
    builder = start(LE10)
    pages = size * 4
    body = wire.memory_region(
        "<", base_addr=0, region_size=pages << 10, page_size_log2=10,
        page_state_map=b"\x66" * size, page_data=b"",
    )  # fmt: skip
    for number in range(count):
        builder.add(wire.MEMORY_REGION, number.to_bytes(8, "little") + body[8:], compression="zstd")
    return finish(builder, LE10)


def test_page_maps_are_kept_within_the_sum() -> None:
    data = bomb(40, MIB)
    assert len(data) < 64 << 10
    msl_construct.open(bomb(1, 64)).regions  # noqa: B018 - what is imported late
    tracemalloc.start()
    try:
        dump = msl_construct.open(data, max_memory=8 * MIB)
        regions = dump.regions
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert 4 <= len(regions) <= 8
    assert peak < 11 * MIB
    lost = sorted(dump.problems)
    assert len(lost) == 40 - len(regions)
    assert all(f"block {index} (memory_region)" in dump.problems[index] for index in lost)
    assert all("--max-memory" in text for text in dump.problems.values())
    assert not any("damaged" in text for text in dump.problems.values())


def test_what_was_read_is_given_back() -> None:
    dump = msl_construct.open(bomb(30, MIB), max_memory=8 * MIB)
    for block in dump.blocks:
        assert block.problem is None
        assert dump.budget.used < 8 * MIB
    del block
    gc.collect()
    assert dump.budget.used == 0


def test_pages_beyond_the_sum_are_read_all_the_same() -> None:
    states = [0, 1] * 2048
    builder = start(LE10)
    data = random.Random(3).randbytes(2048) * 1024
    for base in (0, 1 << 30):
        body = wire.memory_region("<", states, base_addr=base, page_size_log2=10, page_data=data)
        builder.add(wire.MEMORY_REGION, body, compression="zstd")
    with msl_construct.open(finish(builder, LE10), max_memory=5 * MIB) as dump:
        for at in range(0, 4096, 509):
            for base in (0, 1 << 30):
                memory = dump.memory.read(base + (at << 10), 8 << 10)
                first = -(-at // 2)
                count = (at + 8 + 1) // 2 - first
                assert bytes(memory.data) == data[first << 10 : first + count << 10]
        assert dump.budget.used <= dump.budget.limit


# -- address space --------------------------------------------------------------------------


LOOK = """
import json, resource, sys, msl_construct
data, limit = open(sys.argv[1], "rb").read(), int(sys.argv[2])
with msl_construct.open(sys.argv[1]) as dump:  # what is imported late
    len(dump.blocks)
resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
def peak():
    return next(int(l.split()[1]) << 10 for l in open("/proc/self/status") if l[:6] == "VmPeak")
before = peak()
with msl_construct.open(sys.argv[1]) as dump:
    counts = [region.counts for region in dump.regions]
    dump.verify()
    print(json.dumps([peak() - before, len(counts), list(dump.problems.values())]))
"""


def looked_at(path: Path, limit: int = resource.RLIM_INFINITY) -> tuple[int, int, list[str]]:
    done = subprocess.run(
        [sys.executable, "-c", LOOK, str(path), str(limit)],
        capture_output=True, cwd=PLACE, check=True, timeout=120,
    )  # fmt: skip
    grown, regions, problems = json.loads(done.stdout)
    return grown, regions, problems


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
@pytest.mark.parametrize("path", [BOMB, WINDOWS], ids=lambda path: path.name[:2])
def test_address_space_grows_by_no_more_than_the_sum(path: Path) -> None:
    grown, regions, _ = looked_at(path)
    assert regions
    # The thread that verifies has a stack, and glibc reserves 64 MiB for what it allocates.
    assert grown < default_budget(path.stat().st_size) + 128 * MIB


@pytest.mark.skipif(sys.platform != "linux", reason="needs RLIMIT_AS")
def test_decompressors_are_let_go() -> None:
    """Thousands of windows at once were too many for ten gigabytes of address space."""
    _, regions, problems = looked_at(WINDOWS, 1 << 30)
    assert regions > 1000
    assert not problems


@pytest.mark.skipif(sys.platform != "linux", reason="needs RLIMIT_AS")
def test_what_the_system_refuses_is_no_damage() -> None:
    """The address space ends before the sum does."""
    _, _, problems = looked_at(BOMB, 200 * MIB)
    assert problems
    for text in problems:
        assert "memory" in text
        assert "damaged" not in text


COMMANDS = [
    ["inspect"], ["inspect", "--json"], ["inspect", "--csv", "--show", "regions"], ["verify"],
]  # fmt: skip


@pytest.mark.skipif(sys.platform != "linux", reason="needs RLIMIT_AS")
@sampled("command")
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("more", [[], ["--max-memory", str(40 * MIB)]], ids=["", "limited"])
def test_no_command_is_killed(command: list[str], more: list[str]) -> None:
    limit = 640 * MIB
    done = subprocess.run(
        [sys.executable, "-m", "msl_construct", *command, *more, str(BOMB)],
        capture_output=True, cwd=PLACE, timeout=120,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
    )  # fmt: skip
    assert done.returncode in (0, 4)
    assert b"damaged" not in done.stderr
    if done.returncode == 4:  # rows that are read anew for each line may do without
        assert b"--max-memory" in done.stderr or b"memory" in done.stderr


def test_what_could_not_be_looked_at_is_not_called_damaged() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "msl_construct", "inspect", "--max-memory", "1000000", str(BOMB)],
        capture_output=True, cwd=PLACE, timeout=120,
    )  # fmt: skip
    assert done.returncode == 4
    assert b"could not be looked at" in done.stdout
    assert b"--max-memory" in done.stdout + done.stderr
    assert b"damage" not in done.stdout + done.stderr


def test_texts_are_charged_as_what_they_take() -> None:
    """A character beyond the basic plane takes four bytes in the file and in memory."""
    builder = start(LE10)
    path = ("\U0001f600" * 10_000).encode()
    for number in range(60):
        body = wire.module_entry("<", base_addr=number << 20, path=path)
        builder.add(wire.MODULE_ENTRY, body, compression="zstd")
    with msl_construct.open(finish(builder, LE10), max_memory=2 * MIB) as dump:
        modules = [block.payload for block in dump.blocks.of_type("module_entry")]
        assert dump.budget.used <= 2 * MIB
        shown = [module for module in modules if "path" in module]
        assert 10 < len(shown) < 60
        assert len(dump.problems) == 60 - len(shown)
        del modules, shown
        gc.collect()
        assert dump.budget.used == 0


def test_payloads_that_are_not_compressed_are_charged_as_well() -> None:
    """As long as they are kept, and the block that is too much is named."""
    builder = start(LE10)
    for number in range(400):
        builder.add(wire.MODULE_ENTRY, wire.module_entry("<", base_addr=number << 20))
    with msl_construct.open(finish(builder, LE10), max_memory=100_000) as dump:
        kept = [block.payload for block in dump.blocks.of_type("module_entry")]
        shown = [module for module in kept if "path" in module]
        assert dump.budget.used <= 100_000
        assert 50 < len(shown) < 200
        assert len(dump.problems.unread) == 400 - len(shown)
        text = dump.problems[max(dump.problems)]
        assert "block 400 (module_entry)" in text or "block 399 (module_entry)" in text
        assert "--max-memory" in text
        del kept, shown
        gc.collect()
        assert dump.budget.used == 0
        for block in dump.blocks:  # one after the other they fit
            assert "path" in block.payload or block.key != "module_entry"
