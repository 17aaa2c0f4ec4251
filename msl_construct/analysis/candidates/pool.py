"""The bytes of one dump that look like keys, at hand for computations that need several."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile
from typing import Any

from ...errors import DamageError, LimitError, MemoryAccessError
from ...reader.dump import Dump
from ..patterns import SearchPattern
from .scanning import DumpScan

__all__ = ["KeyBytes", "Pool"]

_MOST_HELD = 1 << 23
"""Bytes of runs that are kept."""
_LONGEST = 1 << 13
"""Bytes of a run that is; longer ones are no keys, but what was encrypted or compressed."""
_SHORT = 32
_MOST_SLACK = 16
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
        self._windows: dict[int, bytes | None] = {}
        self._found: dict[bytes, int | None] = {}
        self.left_out = 0
        self.limits: list[str] = []
        kept: list[tuple[int, int]] = []
        size = 0
        for start, end in sorted(found.runs, key=_worth):
            if end - start > _LONGEST or size + end - start > _MOST_HELD:
                self.left_out += end - start <= _LONGEST
            else:
                size += end - start
                kept.append((start, end))
        self._runs: list[tuple[int, int]] = []
        self._firsts: list[int] = []
        self._places = [0]
        joined = bytearray()
        for start, end in sorted(kept):
            first = start - _AROUND
            data = self.bytes_at(first, end - first + _AROUND)
            if data is None:
                first, data = start, self.bytes_at(start, end - start)
            if data is not None:
                self._runs.append((start, end))
                self._firsts.append(first)
                joined += data
                self._places.append(len(joined))
        self._joined = bytes(joined)
        self._starts = np.array([start for start, _ in self._runs], np.uint64)
        self._sizes = np.array([end - start for start, end in self._runs], np.int64)

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
        for run in self._fitting(length).tolist():
            start, end = self._runs[run]
            low = start - start % align
            if start - low > 2:  # else a zero may have been its first byte
                low += align
            for address in range(low, end - length + 4, align):
                blob = self._blob(run, address, length)
                if blob is not None:
                    yield blob

    def own(self, length: int, align: int = 8) -> Iterator[KeyBytes]:
        """Those of `blobs` that have a run nearly for themselves."""
        # They come in the order of what is around them.
        return takewhile(lambda blob: blob.slack <= _MOST_SLACK, self.blobs(length, align))

    def blobs_beside(
        self, length: int, align: int, at: int, pattern: SearchPattern
    ) -> Iterator[KeyBytes]:
        """Those of `blobs` that a pattern stands beside, `at` bytes from their first."""
        np = self.numpy
        runs = self._fitting(length)
        odd = (self._starts[runs] % np.uint64(align)).astype(np.int64)
        low = np.where(odd > 2, align - odd, -odd)
        counts = np.maximum(0, (self._sizes[runs] - length + 3 - low) // align + 1)
        every = np.repeat(np.arange(len(runs)), counts)
        within = np.arange(len(every)) - np.repeat(np.cumsum(counts) - counts, counts)
        offsets = low[every] + within * align
        beside = self._starts[runs[every]] + (offsets + at).astype(np.uint64)
        for index in self._literal(beside, pattern).tolist():
            run = int(runs[every[index]])
            blob = self._blob(run, self._runs[run][0] + int(offsets[index]), length)
            if blob is not None:
                yield blob

    def _fitting(self, length: int) -> Any:
        """Numbers of the runs in which bytes of a length are looked for, those of it first."""
        np = self.numpy
        most = max(_LONGEST_SEARCHED, 2 * length)
        some = np.flatnonzero((self._sizes >= length - 3) & (self._sizes <= most))
        return some[np.argsort(np.abs(self._sizes[some] - length), kind="stable")]

    def _blob(self, run: int, address: int, length: int) -> KeyBytes | None:
        at = self._places[run] + address - self._firsts[run]
        if at < self._places[run] or at + length > self._places[run + 1]:
            return None
        start, end = self._runs[run]
        return KeyBytes(address, self._joined[at : at + length], end - start - length)

    def _literal(self, addresses: Any, pattern: SearchPattern) -> Any:
        """Numbers of addresses at which a pattern may stand: its literal bytes do, or who knows."""
        np = self.numpy
        wanted = np.frombuffer(pattern.literal, np.uint8)
        places = addresses + np.uint64(pattern.before)
        likely = np.ones(len(places), bool)
        order = np.argsort(places >> np.uint64(_WINDOW.bit_length() - 1), kind="stable")
        windows = places[order] >> np.uint64(_WINDOW.bit_length() - 1)
        edges = np.flatnonzero(np.diff(windows)) + 1
        for some in np.split(order, edges) if len(order) and len(wanted) else ():
            start = int(places[some[0]]) // _WINDOW * _WINDOW
            window = self._window(start)
            offsets = (places[some] - np.uint64(start)).astype(np.int64)
            inside = offsets <= _WINDOW - len(wanted)
            if window is not None:
                data = np.frombuffer(window, np.uint8)
                rows = data[offsets[inside][:, None] + np.arange(len(wanted))]
                likely[some[inside]] = (rows == wanted).all(axis=1)
        return np.flatnonzero(likely)

    def some(self, blobs: Iterator[KeyBytes], most: int, what: str) -> Iterator[KeyBytes]:
        """The first of some; that there are more is told in `limits`."""
        for number, blob in enumerate(blobs):
            if number == most:
                self.limits.append(f"{what}: of more than {most} places the best were looked at")
                return
            yield blob

    def runs(self) -> tuple[Any, Any]:
        """First addresses and lengths of those that are kept, by address: arrays."""
        return self._starts, self._sizes

    def find(self, needle: bytes) -> int | None:
        """Where some bytes stand in the runs that are kept, 8 or more of them; None: nowhere."""
        np = self.numpy
        value = int.from_bytes(needle[:8], "little")
        keys, likely = self._index
        if not likely[value & _FILTER]:
            return None
        at = int(np.searchsorted(keys, np.uint64(value)))
        if at == len(keys) or int(keys[at]) != value:
            return None
        if needle not in self._found:
            self._found[needle] = self._place_of(needle)
        return self._found[needle]

    def _place_of(self, needle: bytes) -> int | None:
        """The same, looked for wherever its first 8 bytes stand.

        However often that is: all needles together have no more such places than there are bytes.
        """
        head, size = needle[:8], len(needle)
        place = self._joined.find(head)
        while place >= 0:
            run = bisect_right(self._places, place) - 1
            address = self._firsts[run] + place - self._places[run]
            inside = place + size <= self._places[run + 1]
            there = self._joined[place : place + size] if inside else self.bytes_at(address, size)
            if there == needle:
                return address
            place = self._joined.find(head, place + 1)
        return None

    @cached_property
    def _index(self) -> tuple[Any, bytes]:
        """All 8 bytes side by side in order, and which low bits there are."""
        np = self.numpy
        size = max(0, len(self._joined) - 7)
        keys = np.empty(size, np.uint64)
        for step in range(min(8, size)):
            part = keys[step::8]
            part[:] = np.frombuffer(self._joined, "<u8", len(part), step)
        inside = np.ones(size, bool)
        for step in range(1, 8):  # what is of two runs stands nowhere
            ends = np.array(self._places[1:-1], np.int64) - step
            inside[ends[(ends >= 0) & (ends < size)]] = False
        keys = np.sort(keys[inside])
        likely = np.zeros(_FILTER + 1, bool)
        likely[(keys & np.uint64(_FILTER)).astype(np.int64)] = True
        return keys, likely.tobytes()
