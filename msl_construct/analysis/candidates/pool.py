"""The bytes of one dump that look like keys, at hand for computations that need several."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ...errors import DamageError, LimitError, MemoryAccessError
from ...reader.dump import Dump
from .scanning import DumpScan

__all__ = ["KeyBytes", "Pool"]

_MOST_HELD = 1 << 23
"""Bytes of runs that are kept."""
_LONGEST = 1 << 13
"""Bytes of a run that is; longer ones are no keys, but what was encrypted or compressed."""
_SHORT = 32
_AROUND = 16
_LONGEST_SEARCHED = 1 << 10
"""Bytes of a run in which a key is looked for at each of its places."""
_WINDOW = 1 << 16
_MOST_WINDOWS = 64
_FILTER = (1 << 24) - 1


def _worth(run: tuple[int, int]) -> tuple[bool, int, int]:
    """Which runs are kept where there are too many: those as long as keys, and short ones last."""
    size = run[1] - run[0]
    return size < _SHORT, size, run[0]


@dataclass(frozen=True)
class KeyBytes:
    """Bytes that may be a key.

    Attributes:
        address: of the first.
        data: they.
        slack: bytes of the run around them that are not they: of a key of its own, few.
    """

    address: int
    data: bytes
    slack: int


class Pool:
    """Runs of a dump, and where bytes stand in them.

    Attributes:
        left_out: runs that were too many to be kept.
        keys: of the key schedules that were found.
        limits: computations that were not made with everything here.
    """

    def __init__(self, np: Any, dump: Dump, found: DumpScan) -> None:
        self.numpy, self.dump = np, dump
        self.keys = {key for _, key, _ in found.schedules}
        self._runs: list[tuple[int, int]] = []
        self._bytes: dict[int, tuple[int, bytes]] = {}
        self._windows: dict[int, bytes | None] = {}
        self.left_out = 0
        self.limits: list[str] = []
        size = 0
        for start, end in sorted(found.runs, key=_worth):
            if end - start > _LONGEST or size + end - start > _MOST_HELD:
                self.left_out += end - start <= _LONGEST
                continue
            data = self.bytes_at(start - _AROUND, end - start + 2 * _AROUND)
            first = start - _AROUND
            if data is None:
                first, data = start, self.bytes_at(start, end - start)
            if data is not None:
                size += end - start
                self._runs.append((start, end))
                self._bytes[start] = first, data
        self._runs.sort()

    def bytes_at(self, address: int, size: int) -> bytes | None:
        """Bytes of the dump; None: it has not all of them."""
        if address < 0 or size < 0:
            return None
        start = address - address % _WINDOW
        if address + size <= start + _WINDOW:
            window = self._window(start)
            if window is not None:
                return window[address - start : address - start + size]
        return self._read(address, size)

    def _window(self, start: int) -> bytes | None:
        """Memory around what is asked for, at hand for what is asked next; None: it has holes."""
        if start not in self._windows:
            if len(self._windows) >= _MOST_WINDOWS:
                del self._windows[next(iter(self._windows))]
            self._windows[start] = self._read(start, _WINDOW)
        return self._windows[start]

    def _read(self, address: int, size: int) -> bytes | None:
        try:
            return bytes(self.dump.memory.read(address, size))
        except (DamageError, LimitError, MemoryAccessError):
            return None

    def blobs(self, length: int, align: int = 8) -> Iterator[KeyBytes]:
        """Bytes of a length, at multiples of `align`, those that fill their run first."""
        some = sorted(self._runs, key=lambda run: abs(run[1] - run[0] - length))
        for start, end in some:
            if not length - 3 <= end - start <= max(_LONGEST_SEARCHED, 2 * length):
                continue
            first, data = self._bytes[start]
            low = start - start % align
            if start - low > 2:  # else a zero may have been its first byte
                low += align
            for address in range(low, end - length + 4, align):
                at = address - first
                if at >= 0 and at + length <= len(data):
                    yield KeyBytes(address, data[at : at + length], end - start - length)

    def some(self, blobs: Iterator[KeyBytes], most: int, what: str) -> Iterator[KeyBytes]:
        """The first of some; that there are more is told in `limits`."""
        for number, blob in enumerate(blobs):
            if number == most:
                self.limits.append(f"{what}: of more than {most} places the best were looked at")
                return
            yield blob

    def runs(self) -> Sequence[tuple[int, int]]:
        """Those that are kept, by address."""
        return self._runs

    def find(self, needle: bytes) -> int | None:
        """Where some bytes stand in the runs that are kept, 8 or more of them; None: nowhere."""
        np = self.numpy
        value = int.from_bytes(needle[:8], "little")
        keys, places, likely = self._index
        if not likely[value & _FILTER]:
            return None
        wanted = np.uint64(value)
        at = int(np.searchsorted(keys, wanted))
        tried = 0
        while at < len(keys) and keys[at] == wanted and tried < _MOST_WINDOWS:
            address = int(places[at])
            if self.bytes_at(address, len(needle)) == needle:
                return address
            at += 1
            tried += 1
        return None

    @cached_property
    def _index(self) -> tuple[Any, Any, bytes]:
        """All 8 bytes side by side in order, where they stand, and which low bits there are."""
        np = self.numpy
        keys, places = [np.zeros(0, np.uint64)], [np.zeros(0, np.uint64)]
        for first, data in self._bytes.values():
            own = np.frombuffer(data, np.uint8)
            if len(own) >= 8:
                view = np.lib.stride_tricks.sliding_window_view(own, 8)
                keys.append(np.ascontiguousarray(view).view("<u8").ravel())
                places.append(np.uint64(first) + np.arange(len(view), dtype=np.uint64))
        every, where = np.concatenate(keys), np.concatenate(places)
        order = np.argsort(every, kind="stable")
        likely = np.zeros(_FILTER + 1, bool)
        likely[(every & np.uint64(_FILTER)).astype(np.int64)] = True
        return every[order], where[order], likely.tobytes()
