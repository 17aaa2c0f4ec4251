"""What is handed from thread to thread: in order, whoever is slow, to its end or an error."""

from __future__ import annotations

import io
import random
import time
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from blake3 import blake3
from overlapping import DATA, PATIENCE, bounded, ours, quiet
from sampling import sampled

from msl_construct.builder import overlapped_output
from msl_construct.builder.disk import Disk
from msl_construct.builder.overlapped_output import Conveyor
from msl_construct.builder.worker_thread import WorkerThread

PAGE = 4096


@pytest.fixture(autouse=True)
def _nothing_stays_behind() -> Iterator[None]:
    with quiet():
        yield


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overlapped_output, "SLOT", 8 * PAGE)
    monkeypatch.setattr(overlapped_output, "_PIECE", 2 * PAGE)


class Sleepy:
    """Sleeps at times, and fails at a given one."""

    def __init__(self, seed: object, fails_at: int = -1) -> None:
        self.rng = random.Random(str(seed))
        self.fails_at = fails_at
        self.count = 0

    def __call__(self) -> None:
        self.count += 1
        if self.count == self.fails_at:
            raise MemoryError
        if self.rng.random() < 0.2:
            time.sleep(self.rng.random() / 500)


class SleepyFile(io.BytesIO):
    def __init__(self, sleepy: Sleepy) -> None:
        super().__init__()
        self.sleepy = sleepy

    def write(self, data: Any) -> int:
        self.sleepy()
        return super().write(data)


class SleepyHasher:
    def __init__(self, sleepy: Sleepy, hasher: Any = None) -> None:
        self.sleepy = sleepy
        self.hasher = hasher or blake3()

    def update(self, data: Any) -> None:
        self.sleepy()
        self.hasher.update(data)

    def copy(self) -> SleepyHasher:
        return SleepyHasher(self.sleepy, self.hasher.copy())

    def digest(self) -> bytes:
        return bytes(self.hasher.digest())


def some_blocks(out: Conveyor, rng: random.Random, count: int, before: Any = None) -> bytes:
    """Blocks written each way that there is; what is expected of it."""
    wanted = bytearray()
    for _ in range(count):
        if before is not None:
            before()
        size = rng.choice((rng.randrange(1, 200), rng.randrange(1, 8) * PAGE, 8 * PAGE))
        piece = DATA[rng.randrange(1 << 20) :][:size]
        if rng.random() < 0.3:
            out.write(piece)
        else:
            view = out.reserve(size)
            view[:] = piece
            out.commit(size, digest=bytes(32))
        wanted += piece
    return bytes(wanted)


@sampled("slots")
@pytest.mark.parametrize("slots", [2, 3, 5])
@pytest.mark.parametrize("seed", range(4))
def test_in_order_whoever_is_slow(
    seed: int, slots: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = random.Random(f"{seed} {slots}")
    monkeypatch.setattr(overlapped_output, "new_hasher", lambda name: SleepyHasher(Sleepy(seed)))

    def run() -> None:
        file = SleepyFile(Sleepy(seed + 100))
        out = Conveyor(file, slots=slots)
        wanted = some_blocks(out, rng, 120, Sleepy(seed + 200))
        assert out.file_digest() == blake3(wanted).digest()
        out.flush()
        out.close()
        assert file.getvalue() == wanted
        with open(tmp_path / "out", "w+b") as on_disk:
            out = Conveyor(on_disk, slots=slots, cache_room=64 * PAGE)
            wanted = some_blocks(out, rng, 120, Sleepy(seed + 300))
            assert out.file_digest() == blake3(wanted).digest()
            out.flush()
            out.close()
        assert (tmp_path / "out").read_bytes() == wanted

    bounded(run, 3 * PATIENCE)


@pytest.mark.parametrize("stage", ["hash", "write"])
@pytest.mark.parametrize("regular", [False, True])
@pytest.mark.parametrize("fails_at", [1, 2, 7, 20])
def test_an_error_in_any_thread_reaches_whoever_writes(
    stage: str, regular: bool, fails_at: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what is in the file is a beginning of what was written."""
    sleepy = Sleepy(fails_at, fails_at)
    wanted = bytearray()
    if stage == "hash":
        hashers: Iterator[Any] = chain([SleepyHasher(sleepy)], iter(blake3, None))
        monkeypatch.setattr(
            overlapped_output, "new_hasher", lambda name: next(hashers)
        )  # file's first
    elif regular:
        real = Disk.store

        def store(self: Disk, view: memoryview, begin: int) -> None:
            sleepy()
            real(self, view, begin)

        monkeypatch.setattr(Disk, "store", store)

    def run() -> None:
        file: Any = SleepyFile(sleepy if stage == "write" else Sleepy("never"))
        if regular:
            file = open(tmp_path / "out", "w+b")  # noqa: SIM115 - closed below
        out = Conveyor(file, slots=2)
        with pytest.raises(OSError, match="the output failed"):
            for _ in range(2000):
                wanted.extend(DATA[len(wanted) : len(wanted) + 3000])
                out.write(DATA[len(wanted) - 3000 : len(wanted)])
            out.flush()
        for again in (out.flush, out.file_digest, lambda: out.reserve(1), lambda: out.write(b"x")):
            with pytest.raises(OSError):
                again()
        out.close()
        if regular:
            file.close()
        content = (tmp_path / "out").read_bytes() if regular else file.getvalue()
        assert bytes(wanted).startswith(content)

    bounded(run)


def test_a_stage_goes_on_behind_an_error() -> None:
    taken: list[bytes] = []

    def take(piece: memoryview) -> None:
        if piece.nbytes == 1:
            raise ValueError(bytes(piece))
        taken.append(bytes(piece))

    stage = WorkerThread("msl-test", take)
    for piece in (b"ab", b"x", b"cd", b"y", b"ef"):
        stage.put(memoryview(piece))
    assert stage.reached().wait(PATIENCE)
    assert taken == [b"ab", b"cd", b"ef"]
    assert isinstance(stage.error, ValueError)
    assert stage.error.args == (b"x",)
    stage.close(wait=True)


# -- past the page cache or through it -------------------------------------------------------


class Clock:
    """Time that passes only where something is written; seconds a buffer, either way."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, past: float, through: float) -> None:
        self.now, self.past, self.through = 0.0, past, through
        self.ways: list[str] = []
        monkeypatch.setattr(time, "perf_counter", lambda: self.now)
        monkeypatch.setattr(Disk, "_past_cache", lambda *_: self._pass("past"))
        monkeypatch.setattr(Disk, "store_rest", lambda *_: self._pass("through"))

    def _pass(self, way: str) -> None:
        self.ways.append(way)
        self.now += self.past if way == "past" else self.through

    def write(self, out: Disk, count: int) -> list[str]:
        """The ways that so many buffers take."""
        self.ways = []
        for _ in range(count):
            out.store(memoryview(DATA)[: 8 * PAGE], 0)
        return self.ways


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Any]:
    with open(tmp_path / "out", "w+b") as found:
        yield found


def on_disk(file: Any, room: int) -> Disk:
    out = Disk(file, room)
    if not out.past_cache:
        pytest.skip("this file system has no O_DIRECT")
    return out


def test_the_faster_way_is_taken(file: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    out = on_disk(file, 1 << 40)
    clock = Clock(monkeypatch, past=0.01, through=0.002)
    assert clock.write(out, 200).count("through") > 180
    clock.through = 0.1  # the system makes writers wait
    assert clock.write(out, 200).count("past") > 180
    clock.through = 0.001
    assert clock.write(out, 400)[-100:].count("through") > 90
    out.close()


def test_the_cache_has_to_be_clearly_faster(file: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    out = on_disk(file, 1 << 40)
    clock = Clock(monkeypatch, past=0.01, through=0.009)
    assert clock.write(out, 200).count("past") > 180
    out.close()


@pytest.mark.parametrize("room", [0, 8 * PAGE - 1, 8 * PAGE, 100 * PAGE])
def test_no_more_of_the_cache_is_taken_than_permitted(
    file: Any, room: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = on_disk(file, room)
    clock = Clock(monkeypatch, past=0.01, through=0.001)
    assert clock.write(out, 300).count("through") == room // (8 * PAGE)
    assert out.cached <= room
    out.close()


@pytest.mark.parametrize("buffering", [0, -1])
def test_no_hole_is_left_where_the_ways_take_turns(tmp_path: Path, buffering: int) -> None:
    """Whoever is killed leaves a beginning of the dump, and not one with gaps."""
    path = tmp_path / "out"
    with open(path, "w+b", buffering) as file:
        out = on_disk(file, 1 << 40)
        written = 0
        for _ in range(40):
            out.store(memoryview(DATA)[written : written + PAGE], written)
            written += PAGE
            assert path.read_bytes() == DATA[:written]
        assert 0 < out.cached < written
        out.close()


def test_waiting_for_no_thread_that_has_ended() -> None:
    """Every thread of an output ends with it."""
    others = set(ours())
    for _ in range(20):
        out = Conveyor(io.BytesIO())
        assert set(ours()) - others
        out.close()
        assert not set(ours()) - others
