"""Acquiring a live process: a large heap, a compressed one, and very many regions."""

from __future__ import annotations

import mmap
import os
import shutil
import statistics
import subprocess
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import lz4.block
import zstandard
from blake3 import blake3
from live import Live, areas, compiled, each_piece, script, write_direct
from measure import KIB, MIB, MSL, Row, Setting, Times, compare, environment, in_turns, note, python

from msl_acquire import acquire

NAME = "acquire"
_PIECE = 512 * KIB
_PATIENCE = 300.0
"""Seconds for one acquisition to end."""


def run(setting: Setting) -> list[Row]:
    """All rows of this benchmark."""
    return [*_heap(setting), *_compressed(setting), *_regions(setting)]


def command(pid: int, out: str | Path, *options: str) -> list[str]:
    """``msl acquire``."""
    return python(MSL, "acquire", str(pid), "-o", out, *options)


def whole(pid: int, out: str | Path, **options: Any) -> None:
    """The library call.

    Raises:
        RuntimeError: the dump is not complete.
    """
    report = acquire(pid, out, timeout=_PATIENCE, **options)
    if not report.complete:
        raise RuntimeError(f"{report.status}: {report.detail}")


# -- a large heap ----------------------------------------------------------------------


def _heap(setting: Setting) -> list[Row]:
    size = setting.size(2048, 32) * MIB
    with Live(compiled("heap", setting.tmp), size // MIB, "random") as live:
        return [_to_null(setting, live, size), *_to_disk(setting, live, size)]


def _to_null(setting: Setting, live: Live, size: int) -> Row:
    spans = areas(live.pid, heap=True)
    with mmap.mmap(-1, _PIECE) as memory, memoryview(memory) as buffer:
        times = in_turns(
            setting.rounds,
            ours=lambda: whole(live.pid, os.devnull),
            bound=lambda: each_piece(live.pid, spans, buffer, blake3().update),
            read=lambda: each_piece(live.pid, spans, buffer),
        )
    reading = size / 1e9 / statistics.median(times["read"])
    return compare(
        NAME,
        f"{size / MIB:.0f} MiB heap to /dev/null",
        times,
        ("ours", "bound"),
        size / 1e9,
        unit="GB/s",
        bound_name="read by 512 KiB and hash once, one thread",
        relation=">=",
        target=0.8,
        remark=f"reading alone: {reading:.2f} GB/s",
    )


def _to_disk(setting: Setting, live: Live, size: int) -> list[Row]:
    folder = setting.tmp / "acquired"
    folder.mkdir()
    gcore = shutil.which("gcore")
    with mmap.mmap(-1, MIB) as memory, memoryview(memory) as buffer:
        buffer[:] = os.urandom(MIB)
        turns: dict[str, Callable[[], Any]] = {
            "ours": lambda: _quiet(command(live.pid, folder / "out.msl")),
            "settled": lambda: _settle(folder),
            "direct": lambda: write_direct(folder / "direct", size, buffer),
            "settled_again": lambda: _settle(folder),
        }
        if gcore is None:
            note("gcore (gdb) is not installed: not compared")
        else:
            turns["gcore"] = lambda: _quiet([gcore, "-o", str(folder / "core"), str(live.pid)])
            turns["settled_finally"] = lambda: _settle(folder)
        times = in_turns(setting.rounds, **turns)
    folder.rmdir()
    what = f"{size / MIB:.0f} MiB heap to disk, the whole command"
    scale = size / 1e9
    writing = compare(
        NAME,
        what,
        times,
        ("ours", "direct"),
        scale,
        unit="GB/s",
        bound_name="writing by 1 MiB with O_DIRECT, and nothing else",
        remark="for information",
    )
    if gcore is None:
        return [writing]
    peer = compare(
        NAME,
        what,
        times,
        ("ours", "gcore"),
        scale,
        unit="GB/s",
        bound_name="gcore",
        relation=">=",
        target=1.3,
    )
    return [peer, writing]


def _quiet(words: list[str]) -> None:
    """A command that succeeds, and what it says to people only if it doesn't."""
    done = subprocess.run(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=environment(),
        timeout=_PATIENCE,
        check=False,
    )
    if done.returncode:
        said = done.stderr.decode(errors="replace")[-500:]
        raise RuntimeError(f"{words[-3:]}: exit code {done.returncode}: {said}")


def _settle(folder: Path) -> None:
    """Leave nothing to be written behind: the next one would pay for it."""
    for path in folder.iterdir():
        path.unlink()
    os.sync()


# -- compressed ------------------------------------------------------------------------


def _compressed(setting: Setting) -> list[Row]:
    """The objects of a real Python: only real data show what compressing costs."""
    size = setting.size(512, 24)
    with Live(python("")[0], script("objects.py"), size) as live:
        memory = Memory(live.pid, areas(live.pid))
        zstd = lambda: zstandard.ZstdCompressor().compress  # noqa: E731 - one for each thread
        lz4s = lambda: lz4.block.compress  # noqa: E731
        return [
            _one_algorithm(setting, live, memory, "zstd", zstd),
            _one_algorithm(setting, live, memory, "lz4", lz4s),
        ]


def _one_algorithm(
    setting: Setting,
    live: Live,
    memory: Memory,
    algorithm: str,
    compress: Callable[[], Callable[[memoryview], bytes]],
) -> Row:
    both = _TwoThreads(memory.pieces, compress)
    out = setting.tmp / "compressed.msl"
    times = in_turns(
        setting.rounds,
        null=lambda: whole(live.pid, os.devnull, compress=algorithm),
        both=both,
        disk=lambda: whole(live.pid, out, compress=algorithm),
        settled=out.unlink,
    )
    disk = memory.size / 1e9 / statistics.median(times["disk"])
    return compare(
        NAME,
        f"{memory.size / MIB:.0f} MiB of a Python's objects to /dev/null, {algorithm}",
        times,
        ("null", "both"),
        memory.size / 1e9,
        unit="GB/s",
        bound_name=f"two threads that only compress, by 1 MiB, {algorithm}",
        relation=">=",
        target=0.8,
        remark=f"to 1/{memory.size / both.size:.1f}; to disk: {disk:.2f} GB/s",
    )


class Memory:
    """A target's memory, read once: it stays as it is, for the target waits.

    Attributes:
        size: bytes.
        pieces: all of it, by 1 MiB.
    """

    def __init__(self, pid: int, spans: list[tuple[int, int]]) -> None:
        self.size = sum(end - start for start, end in spans)
        self.pieces: list[memoryview] = []
        whole = memoryview(mmap.mmap(-1, self.size))
        filled = 0
        with mmap.mmap(-1, MIB) as room, memoryview(room) as buffer:

            def keep(piece: memoryview) -> None:
                nonlocal filled
                into = whole[filled : filled + piece.nbytes]
                into[:] = piece
                self.pieces.append(into)
                filled += piece.nbytes

            each_piece(pid, spans, buffer, keep)


class _TwoThreads:
    """Two threads compress pieces in memory, and do nothing else.

    Attributes:
        size: bytes that came out.
    """

    def __init__(
        self, pieces: Sequence[memoryview], compress: Callable[[], Callable[[memoryview], bytes]]
    ) -> None:
        self.size = 0
        self._pieces, self._compress = pieces, compress

    def __call__(self) -> None:
        sizes = [0, 0]

        def run(number: int) -> None:
            compress = self._compress()
            for piece in self._pieces[number::2]:
                sizes[number] += len(compress(piece))

        threads = [threading.Thread(target=run, args=(number,)) for number in (0, 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.size = sum(sizes)


# -- very many regions -----------------------------------------------------------------


def _regions(setting: Setting) -> list[Row]:
    count = setting.size(20_000, 500)
    folder = setting.tmp / "regions"
    folder.mkdir()
    out = folder / "regions.msl"
    with Live(compiled("regions", setting.tmp), count) as live:
        times = in_turns(
            setting.rounds,
            null=lambda: whole(live.pid, os.devnull),
            disk=lambda: whole(live.pid, out),
            settled=lambda: _settle(folder),
            command=lambda: _quiet(command(live.pid, out)),
            settled_again=lambda: _settle(folder),
        )
    folder.rmdir()
    what = f"{count} regions of 8 KiB"
    return [
        _per_region(times, "null", count, f"{what} to /dev/null", 30.0),
        _per_region(times, "disk", count, f"{what} to disk", 30.0),
        _per_region(times, "command", count, f"{what} to disk, the whole command", None),
    ]


def _per_region(times: Times, name: str, count: int, what: str, target: float | None) -> Row:
    each = [1e6 * seconds / count for seconds in times[name]]
    return Row(
        NAME,
        f"{what}, a region",
        statistics.median(each),
        "µs",
        judged="measured",
        target=target,
        remark=f"best {min(each):.1f}; {1000 * statistics.median(times[name]):.0f} ms in all"
        + ("" if target else "; for information"),
    )
