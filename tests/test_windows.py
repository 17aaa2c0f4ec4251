"""Two readers pass over a file together: each byte is read once, and nobody waits for ever."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from independent import wire
from independent.specimens import LE11, finish, start

import msl_construct
from msl_construct.errors import ChangedError
from msl_construct.source import BufferSource, FileSource, PathSource, SharedPass, WindowReader

DATA = random.Random(5).randbytes(50_000)
SIZE = 1000
PATIENCE = 60


@pytest.fixture(name="path")
def file_of_data(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(DATA)
    return path


def together(*turns: Callable[[], None]) -> None:
    threads = [threading.Thread(target=turn, daemon=True) for turn in turns]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive(), "a reader waits for ever"


def read_in_steps(reader: WindowReader, steps: int, into: list[bytes]) -> None:
    chance = random.Random(steps)
    at = 0
    while at < len(DATA):
        length = min(chance.randrange(1, steps), len(DATA) - at)
        assert reader.read(at, 20) == DATA[at : at + 20]
        into.append(b"".join(map(bytes, reader.pieces(at, length))))
        at += length
    reader.close()


@pytest.mark.parametrize("kind", [PathSource, FileSource, BufferSource])
@pytest.mark.parametrize("steps", [30, 900, 7000])
def test_each_reader_gets_every_byte(path: Path, kind: Any, steps: int) -> None:
    made = {PathSource: path, BufferSource: DATA, FileSource: path.open("rb", buffering=0)}
    windows = SharedPass(kind(made[kind]), len(DATA), 2, SIZE)
    found: tuple[list[bytes], list[bytes]] = [], []
    together(
        lambda: read_in_steps(WindowReader(windows, 0), steps, found[0]),
        lambda: read_in_steps(WindowReader(windows, 1), 70_000, found[1]),
    )
    assert [b"".join(pieces) for pieces in found] == [DATA, DATA]
    made[FileSource].close()  # type: ignore[attr-defined]


def test_each_byte_is_read_once(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = PathSource(path)
    real, reads = PathSource.read_into, []

    def counted(self: PathSource, offset: int, buffer: memoryview) -> None:
        reads.append((offset, id(buffer.obj)))
        real(self, offset, buffer)

    monkeypatch.setattr(PathSource, "read_into", counted)
    windows = SharedPass(source, len(DATA), 2, SIZE)

    def all_of_it(number: int) -> None:
        reader = WindowReader(windows, number)
        assert b"".join(map(bytes, reader.pieces(0, len(DATA)))) == DATA
        reader.close()

    together(lambda: all_of_it(0), lambda: all_of_it(1))
    assert sorted(offset for offset, _ in reads) == list(range(0, len(DATA), SIZE))
    assert len({buffer for _, buffer in reads}) <= 4


def test_one_who_stops_early_holds_nobody_up(path: Path) -> None:
    windows = SharedPass(PathSource(path), len(DATA), 2, SIZE)

    def a_little() -> None:
        reader = WindowReader(windows, 1)
        assert b"".join(map(bytes, reader.pieces(0, 1500))) == DATA[:1500]
        reader.close()

    found: list[bytes] = []
    together(a_little, lambda: read_in_steps(WindowReader(windows, 0), 5000, found))
    assert b"".join(found) == DATA


def test_what_can_not_be_read_is_told_to_everybody(path: Path) -> None:
    source = PathSource(path)
    os.truncate(path, 20_500)
    windows = SharedPass(source, len(DATA), 2, SIZE)
    told: list[BaseException] = []

    def all_of_it(number: int) -> None:
        reader = WindowReader(windows, number)
        try:
            for piece in reader.pieces(0, len(DATA)):
                assert len(piece) == SIZE
        except ChangedError as error:
            told.append(error)
        reader.close()

    together(lambda: all_of_it(0), lambda: all_of_it(1))
    assert len(told) == 2
    assert "was cut shorter" in str(told[0])


def test_one_who_gives_up_ends_the_other(path: Path) -> None:
    windows = SharedPass(PathSource(path), len(DATA), 2, SIZE)
    told: list[BaseException] = []

    def all_of_it() -> None:
        with pytest.raises(KeyboardInterrupt) as caught:
            list(WindowReader(windows, 0).pieces(0, len(DATA)))  # waits for the other
        told.append(caught.value)

    together(all_of_it, lambda: windows.give_up(KeyboardInterrupt()))
    assert told


# -- verify --------------------------------------------------------------------------------


def large() -> bytes:
    """Blocks that end before, at and behind the ends of windows of 1 MiB."""
    builder = start(LE11)
    for length in (1 << 20, (1 << 20) - 80, 3 << 20, 8, 700_000):
        builder.add(0x2345, wire.opaque(length, length))
    return finish(builder, LE11)


def test_verify_over_the_ends_of_windows(tmp_path: Path) -> None:
    data = large()
    path = tmp_path / "a.msl"
    path.write_bytes(data)
    with msl_construct.open(path) as dump:
        verdict = dump.verify()
        assert verdict.intact
        assert verdict.complete
        starts = [block.offset for block in dump.blocks]
    for at in ((1 << 20) - 1, 1 << 20, (2 << 20) + 5, (5 << 20) + 7):
        changed = bytearray(data)
        changed[at] ^= 1
        path.write_bytes(changed)
        with msl_construct.open(path) as dump:
            verdict = dump.verify()
        assert verdict.file_hash == "mismatch"
        (chain,) = (found for found in verdict.findings if found.kind == "chain")
        assert chain.bytes is not None
        assert chain.bytes[0] == max(start for start in starts if start <= at)


def test_verify_without_a_second_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.msl"
    path.write_bytes(large())

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with msl_construct.open(path) as dump:
        monkeypatch.setattr(threading.Thread, "start", refuse)
        verdict = dump.verify()
    assert verdict.intact
    assert verdict.file_hash == "match"
