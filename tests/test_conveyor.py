"""The overlapped output: what was written is there, hashed right, and nothing hangs."""

from __future__ import annotations

import array
import io
import os
import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from blake3 import blake3
from independent.hashing import digest
from overlapping import DATA, PATIENCE, InMemory, Nowhere, OnDisk, Output, Piped, bounded, quiet

from msl_construct.builder import disk, overlapped_output
from msl_construct.builder.overlapped_output import SLOT, Conveyor
from msl_construct.source import BufferSource, Extent

MIB = 1 << 20
PAGE = 4096


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> int:
    """Small buffers, of which many are filled in no time; the bytes of one."""
    monkeypatch.setattr(overlapped_output, "SLOT", 16 * PAGE)
    monkeypatch.setattr(overlapped_output, "_PIECE", MIB >> 7)
    return 16 * PAGE


@pytest.fixture(autouse=True)
def _nothing_stays_behind() -> Iterator[None]:
    with quiet():
        yield


OUTPUTS: dict[str, Callable[[Path], Output]] = {
    "around-the-cache": lambda path: OnDisk(path),
    "raw-file": lambda path: OnDisk(path, buffering=0),
    "through-the-cache": lambda path: OnDisk(path),
    "write-only": lambda path: OnDisk(path, "wb"),
    "appending": lambda path: OnDisk(path, "ab"),
    "pipe": lambda path: Piped(),
    "memory": lambda path: InMemory(),
    "nowhere": lambda path: Nowhere(),
}
ON_DISK = ("around-the-cache", "raw-file", "through-the-cache")


@pytest.fixture(params=OUTPUTS)
def output(request: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Output]:
    found = make(request.param, tmp_path, monkeypatch)
    yield found
    found.file.close()


@pytest.fixture(params=ON_DISK)
def on_disk(request: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Output]:
    found = make(request.param, tmp_path, monkeypatch)
    yield found
    found.file.close()


def make(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Output:
    if name == "through-the-cache":
        monkeypatch.setattr(disk, "around_cache", lambda file: None)
    return OUTPUTS[name](tmp_path / "out")


class Model:
    """Does to bytes what is done to a `Conveyor`, and compares."""

    def __init__(self, out: Conveyor, seed: object) -> None:
        self.out = out
        self.rng = random.Random(str(seed))
        self.data = bytearray()
        self.began = 0  # where the chain hash begins
        self.whole = True  # whether the chain hash knows everything since then
        self.own: bytes | None = None  # what was given as the digest of the last commit
        self.mark: Any = None
        self.marked = 0

    def bytes(self, size: int) -> memoryview:
        start = self.rng.randrange(len(DATA) - size)
        return memoryview(DATA)[start : start + size]

    def size(self) -> int:
        rng, slot = self.rng, overlapped_output.SLOT
        return rng.choice(
            (
                rng.randrange(300),
                rng.randrange(3 * PAGE),
                PAGE * rng.randrange(1, slot // PAGE // 3) + rng.choice((-1, 0, 0, 1)),
                slot // 8 + rng.choice((-1, 0, 1)),
                rng.randrange(slot // 4),
                rng.choice((slot - 80, slot - 1, slot)) if rng.random() < 0.3 else 1,
            )
        )

    def write(self) -> None:
        piece = self.bytes(self.size())
        given: Any = bytearray(piece)
        if self.rng.random() < 0.2:
            given = Extent(BufferSource(bytes(piece)), 0, piece.nbytes)
        self.out.write(given)
        self.data += piece
        self.own = None if piece.nbytes else self.own
        if isinstance(given, bytearray):
            given[:] = bytes(len(given))  # it is the caller's again

    def fill(self) -> None:
        size = self.size()
        view = self.out.reserve(size)
        assert view.nbytes == size
        taken = self.rng.choice((size, size, self.rng.randrange(size + 1), 0))
        piece = self.bytes(taken)
        view[:taken] = piece
        self.own = blake3(piece).digest() if self.rng.random() < 0.2 else None
        self.out.commit(taken, digest=self.own)
        self.data += piece
        self.whole = self.whole and (self.own is None or not taken)

    def begin(self) -> None:
        self.out.begin()
        self.began, self.whole, self.own = len(self.data), True, None
        if self.out.revisable:
            self.mark, self.marked = self.out.mark(), len(self.data)

    def revise(self) -> None:
        """Some corrections to what was written since the mark."""
        if self.mark is None or len(self.data) == self.marked:
            return
        for _ in range(self.rng.randrange(1, 5)):
            at = self.rng.choice(
                (self.marked, max(self.marked, len(self.data) - 3 * PAGE), len(self.data) - 1)
            )
            at = self.rng.randrange(at, len(self.data))
            piece = bytes(self.bytes(self.rng.randrange(1, 9)))[: len(self.data) - at]
            self.out.patch(at, piece)
            self.data[at : at + len(piece)] = piece
            if self.rng.random() < 0.3:
                self.write()
        self.out.revise(self.mark)
        self.began, self.whole, self.own = self.marked, True, None
        self.mark = None  # good for one time

    def check(self) -> None:
        assert self.out.position == len(self.data)
        if self.own is not None:
            assert self.out.chain_digest() == self.own
        elif self.whole:
            assert self.out.chain_digest() == blake3(self.data[self.began :]).digest()
        if self.rng.random() < 0.3:
            assert self.out.file_digest() == blake3(self.data).digest()

    def step(self) -> None:
        what = (self.write, self.fill, self.fill, self.begin, self.revise, self.out.flush)
        self.rng.choice(what)()
        self.check()


@pytest.mark.parametrize("seed", range(5))
def test_any_sequence(output: Output, seed: int, small: int) -> None:
    any_sequence(output, seed, 60)


def test_any_sequence_in_large_buffers(on_disk: Output) -> None:
    any_sequence(on_disk, "large", 30)


def any_sequence(output: Output, seed: object, steps: int) -> None:
    def run() -> None:
        rng = random.Random(str(seed))
        room = rng.choice((0, 0, 1 << 18, 1 << 40))
        out = Conveyor(output.file, slots=rng.randint(2, 4), cache_room=room)
        try:
            model = Model(out, seed)
            model.begin()
            for _ in range(steps):
                model.step()
            assert out.file_digest() == blake3(model.data).digest()
            out.flush()
        finally:
            out.close()
        content = output.content()
        assert content is None or content == model.data

    bounded(run)


def test_which_outputs_can_be_corrected(output: Output, request: pytest.FixtureRequest) -> None:
    out = Conveyor(output.file)
    assert out.revisable == Conveyor.is_regular(output.file)
    assert out.revisable == (request.node.callspec.params["output"] in ON_DISK)
    out.close()
    output.content()


EDGES = (0, 1, PAGE - 1, PAGE, PAGE + 1)
FULL = (-PAGE, -1, 0, 1, PAGE, PAGE + 1)


@pytest.mark.parametrize("before", [0, 1, PAGE - 1, PAGE])
def test_sizes_around_a_buffer(on_disk: Output, before: int, small: int) -> None:
    """Written, reserved behind what is carried along, and written again, twice around."""
    for size in (*EDGES, *(small + more for more in FULL)):
        on_disk.file.seek(0)
        on_disk.file.truncate()
        sizes_around_a_buffer(on_disk, before, size)


def test_sizes_around_a_large_buffer(on_disk: Output) -> None:
    sizes_around_a_buffer(on_disk, PAGE - 1, SLOT)


def sizes_around_a_buffer(on_disk: Output, before: int, size: int) -> None:
    def run() -> None:
        out = Conveyor(on_disk.file)
        wanted = DATA[:before]
        out.write(wanted)
        for _ in range(2):
            out.write(DATA[:size])
            room = min(size, overlapped_output.SLOT)
            view = out.reserve(room)
            assert view.nbytes == room
            view[:] = DATA[7 : 7 + room]
            out.commit(room)
            wanted += DATA[:size] + DATA[7 : 7 + room]
        assert out.file_digest() == blake3(wanted).digest()
        assert out.chain_digest() == blake3(wanted).digest()
        out.flush()
        out.close()
        on_disk.file.seek(0)
        assert on_disk.file.read() == wanted

    bounded(run)


@pytest.mark.parametrize("carried", [1, 100, PAGE - 1])
def test_patches_of_what_is_carried_along(on_disk: Output, carried: int) -> None:
    """The end of the file stands on disk and, where it fills no unit, in a buffer as well."""

    def run() -> None:
        out = Conveyor(on_disk.file)
        out.begin()
        mark = out.mark()
        wanted = bytearray(DATA[: 2 * PAGE + carried])
        out.write(bytes(wanted))
        for at, piece in ((2 * PAGE - 2, b"abcd"), (2 * PAGE, b"e"), (len(wanted) - 1, b"f")):
            piece = piece[: len(wanted) - at]
            out.patch(at, piece)
            wanted[at : at + len(piece)] = piece
        out.write(DATA[:5000])
        wanted += DATA[:5000]
        out.patch(1, b"xyz")
        wanted[1:4] = b"xyz"
        out.revise(mark)
        assert out.chain_digest() == out.file_digest() == blake3(wanted).digest()
        out.write(b"behind")
        wanted += b"behind"
        assert out.chain_digest() == out.file_digest() == blake3(wanted).digest()
        out.flush()
        out.close()
        assert on_disk.content() == wanted

    bounded(run)


@pytest.mark.parametrize("algorithm", ["blake3", "sha_256", "sha_512_256"])
def test_every_hash(algorithm: str) -> None:
    out = Conveyor(io.BytesIO(), algorithm)
    out.write(b"first")
    out.begin()
    out.write(b"second")
    assert out.chain_digest() == digest(algorithm, b"second")
    assert out.file_digest() == digest(algorithm, b"firstsecond")
    out.close()


def test_other_buffers_than_bytes() -> None:
    file = io.BytesIO()
    out = Conveyor(file)
    numbers = array.array("I", range(1000))
    out.write(memoryview(numbers))  # type: ignore[arg-type]
    out.write(memoryview(b"ab"))
    out.flush()
    out.close()
    assert file.getvalue() == numbers.tobytes() + b"ab"


def test_a_flush_puts_everything_on_disk(on_disk: OnDisk) -> None:
    out = Conveyor(on_disk.file)
    wanted = b""
    for size in (10, 5000, 1, PAGE, 3 * MIB + 5):
        out.write(DATA[:size])
        wanted += DATA[:size]
        out.flush()
        assert on_disk.path.read_bytes() == wanted
    out.close()
    on_disk.content()


def test_a_file_that_does_not_stand_at_its_start(tmp_path: Path) -> None:
    path = tmp_path / "out"
    with open(path, "w+b") as file:
        file.write(b"preamble")
        out = Conveyor(file)
        assert not out.revisable
        out.write(DATA[:10_000])
        out.flush()
        out.close()
    assert path.read_bytes() == b"preamble" + DATA[:10_000]


def test_what_cannot_be_reserved_is_refused() -> None:
    """Never a view that is shorter than asked for."""
    out = Conveyor(io.BytesIO())
    out.write(b"x")
    try:
        view = out.reserve(SLOT + PAGE)
        assert view.nbytes == SLOT + PAGE
        view = out.reserve(SLOT + PAGE + 1)
    except ValueError:
        pass
    else:
        pytest.fail(f"got {view.nbytes} bytes")
    finally:
        out.close()


def test_closing_twice_and_with_a_view_still_held() -> None:
    out = Conveyor(io.BytesIO())
    view = out.reserve(10)
    out.close()
    out.close()
    view.release()


# -- what the system may do ----------------------------------------------------------------


@pytest.mark.parametrize("most", [PAGE, 3 * PAGE, MIB, 5000, 1, PAGE - 1])
def test_short_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    """`pwrite` may take less than it was given, and not whole units."""
    real = os.pwrite
    calls = []

    def short(descriptor: int, data: Any, offset: int) -> int:
        calls.append(offset)
        if most % PAGE and len(calls) % 2:  # a direct write of an odd size would be refused
            with open(f"/proc/self/fd/{descriptor}", "r+b", 0) as file:
                file.seek(offset)
                return file.write(data[:most])
        return real(descriptor, data[: max(PAGE, most // PAGE * PAGE)], offset)

    monkeypatch.setattr(os, "pwrite", short)

    def run() -> None:
        disk = OnDisk(tmp_path / "out")
        out = Conveyor(disk.file)
        if out._unit == 1:
            pytest.skip("this file system has no O_DIRECT")
        wanted = b""
        for size in (2 * MIB, 3 * PAGE, 100, MIB + 1):
            out.write(DATA[:size])
            out.flush()
            wanted += DATA[:size]
        assert out.file_digest() == blake3(wanted).digest()
        out.close()
        assert disk.content() == wanted
        assert calls

    bounded(run)


def test_a_file_system_that_takes_the_flag_and_refuses_the_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some demand another alignment, and say so only then: the page cache still works."""

    def refuse(*_: Any) -> int:
        raise OSError(22, "Invalid argument")

    monkeypatch.setattr(os, "pwrite", refuse)

    def run() -> None:
        disk = OnDisk(tmp_path / "out")
        out = Conveyor(disk.file)
        try:
            out.write(DATA[: 10 * MIB])
            out.flush()
            assert out.file_digest() == blake3(DATA[: 10 * MIB]).digest()
        finally:
            out.close()
            content = disk.content()
        assert content == DATA[: 10 * MIB]

    bounded(run)


def test_many_at_once(tmp_path: Path) -> None:
    """Each has its own threads and buffers."""

    def one(number: int) -> None:
        disk = OnDisk(tmp_path / str(number))
        out = Conveyor(disk.file)
        for _ in range(20):
            out.write(DATA[number : number + 100_000])
        out.flush()
        out.close()
        assert disk.content() == DATA[number : number + 100_000] * 20

    threads = [threading.Thread(target=one, args=(n,), daemon=True) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive()
    assert len(list(tmp_path.iterdir())) == 4
