"""Structures that nobody has described: records that point to each other, and arrays of records."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ...errors import DamageError, LimitError
from ...reader.dump import Dump
from ...reader.regions import Region
from ...space import CAPTURED
from .word_kinds import KINDS, ZERO, kinds_of

__all__ = ["InferredField", "InferredStructure", "infer_structures"]

_LAST = (1 << 64) - 1
_MOST_MEMORY = 1 << 26
_MOST_RECORD = 1024
_LEAST_RECORDS = 4
_LEAST_ARRAY = 8
_MOST_STRIDE = 32
_MOST_ARRAY = 1 << 17
_SHOWN = 16
_FLAGS = 7
_HEAPS = ("heap", "anonymous")


@dataclass(frozen=True)
class InferredField:
    """A word of a structure.

    Attributes:
        offset: from its beginning.
        kind: what the word is in most instances: ``link`` (to the beginning of another instance, or
            zero), or of `KINDS`.
        share: of the instances in which it is that, from 0 to 1.
    """

    offset: int
    kind: str
    share: float


@dataclass(frozen=True)
class InferredStructure:
    """Records that are alike.

    Attributes:
        kind: ``list``, ``doubly_linked_list``, ``tree`` (records with several links), ``array``.
        size: bytes of a record; of one that was allocated, those it may use.
        instances: how many there are.
        confidence: how much alike they are: the mean of the shares of their fields that are not
            zero in all, for links times the part of links that lead to an instance or nowhere.
        fields: proposed layout.
        addresses: of instances; of many the first.
    """

    kind: str
    size: int
    instances: int
    confidence: float
    fields: tuple[InferredField, ...]
    addresses: tuple[int, ...]


def infer_structures(
    np: Any, dump: Dump, gaps: list[str], *, most: int = _MOST_MEMORY
) -> list[InferredStructure]:
    """Records in heap regions that are repeated; the largest groups first.

    Records are what words point to and the allocator (glibc) has as a chunk. Those of one size
    that point to each other from the same place make a list or a tree; within one chunk, words
    whose kinds come again at a constant distance make an array.

    Args:
        np: numpy.
        gaps: told what was not looked at.
        most: bytes that are looked at.
    """
    words = _Words(np, dump, most, gaps)
    records = _records(np, words)
    found = [*_linked(np, words, records), *_arrays(np, words, records)]
    return sorted(found, key=lambda one: (-one.confidence * one.instances, one.addresses[0]))


class _Words:
    """The words of heap regions, one piece behind the other.

    Attributes:
        values: all of them.
        inside: of each whether it points to one of them.
        targets: those that words of memory point to, ascending.
    """

    def __init__(self, np: Any, dump: Dump, most: int, gaps: list[str]) -> None:
        self._np = np
        mark = "<" if dump.schema.byte_order.value == "little" else ">"
        bases, parts, size = [], [], 0
        for start, length in _writable(dump, lambda region: region.region_type.name in _HEAPS):
            if size + length > most:
                gaps.append(f"heap regions beyond {most} bytes were not looked at for structures")
                break
            try:
                data = dump.memory.read(start, length).data
            except (DamageError, LimitError) as error:
                gaps.append(f"{length} bytes at {start:#x} were not looked at: {error}")
                continue
            bases.append(start)
            parts.append(np.frombuffer(data, f"{mark}u8", length // 8).astype(np.uint64))
            size += length
        self.values = np.concatenate(parts) if parts else np.zeros(0, np.uint64)
        self._bases = np.array(bases, np.uint64)
        counts = np.array([len(part) for part in parts], np.int64)
        self._ends = np.cumsum(counts)
        self._firsts = self._ends - counts
        self.inside = self.index(self.values) >= 0
        self.targets = self._targets(dump, mark, most - size, gaps)
        # What lies behind the last address of 64 bits no word points to.
        mapped = [(start, min(end, _LAST)) for start, end in dump.memory.ranges() if start < _LAST]
        ranges = np.array(mapped, np.uint64).reshape(-1, 2)
        self._mapped = ranges[:, 0].copy(), ranges[:, 1].copy()

    def _targets(self, dump: Dump, mark: str, most: int, gaps: list[str]) -> Any:
        """What words point to, those of globals and stacks included."""
        np = self._np
        found = [self.values[self.inside]]
        for start, length in _writable(dump, lambda region: region.region_type.name not in _HEAPS):
            if length > most:
                gaps.append(f"what {length} bytes at {start:#x} point to was not looked at")
                continue
            most -= length
            try:
                data = dump.memory.read(start, length).data
            except (DamageError, LimitError) as error:
                gaps.append(f"{length} bytes at {start:#x} were not looked at: {error}")
                continue
            values = np.frombuffer(data, f"{mark}u8", length // 8).astype(np.uint64)
            found.append(values[self.index(values) >= 0])
        return np.unique(np.concatenate(found))

    def kinds(self, values: Any) -> Any:
        """The number in `KINDS` of each of some words."""
        np = self._np
        starts, ends = self._mapped
        at = np.searchsorted(starts, values, "right").astype(np.int64) - 1
        mapped = (at >= 0) & (values < ends[np.maximum(at, 0)])
        return kinds_of(np, values, self.index(values) >= 0, mapped)

    def index(self, addresses: Any) -> Any:
        """Which word stands at each address; -1: none does."""
        np = self._np
        if not len(self._bases):
            return np.full(len(addresses), -1)
        part = np.searchsorted(self._bases, addresses, "right").astype(np.int64) - 1
        good = part >= 0
        part = np.maximum(part, 0)
        offset = (addresses - self._bases[part]).astype(np.int64)
        found = self._firsts[part] + offset // 8
        good &= (offset % 8 == 0) & (offset >= 0) & (found < self._ends[part])
        return np.where(good, found, -1)

    def address(self, index: Any) -> Any:
        """Where words stand."""
        part = self._np.searchsorted(self._ends, index, "right")
        return self._bases[part] + (index - self._firsts[part]).astype(self._np.uint64) * 8


def _writable(dump: Dump, wanted: Callable[[Region], bool]) -> Iterator[tuple[int, int]]:
    """Captured runs of some regions that can be written to."""
    for region in sorted(dump.regions, key=lambda one: one.base_addr):
        if not wanted(region) or "write" not in region.protection.names:
            continue
        for address, length, state in dump.memory.states(
            region.base_addr, min(region.end, _LAST + 1)
        ):
            if state == CAPTURED and address % 8 == 0 and length >= 8:
                yield address, length - length % 8


@dataclass(frozen=True)
class _Records:
    """Chunks that something points to.

    Attributes:
        starts: index of the first word of each, ascending.
        sizes: words that each may use.
    """

    starts: Any
    sizes: Any


def _records(np: Any, words: _Words) -> _Records:
    starts = words.index(words.targets[words.targets % np.uint64(16) == 0])
    starts = starts[starts > 0]
    starts = starts[words.address(starts - 1) + np.uint64(8) == words.address(starts)]
    header = words.values[starts - 1]
    size = (header & ~np.uint64(_FLAGS)).astype(np.int64)
    good = (size % 16 == 0) & (size >= 32) & (size <= 8 * _MOST_ARRAY)
    starts, size = starts[good], size[good]
    behind = starts - 1 + size // 8
    good = behind < len(words.values)
    starts, size, behind = starts[good], size[good], behind[good]
    good = words.address(behind) == words.address(starts - 1) + size.astype(np.uint64)
    follows = words.values[behind]
    rest = follows & ~np.uint64(_FLAGS)
    good &= (follows & np.uint64(1) == 1) & (rest % np.uint64(16) == 0) & (rest >= np.uint64(16))
    return _Records(starts[good], size[good] // 8 - 1)


def _linked(np: Any, words: _Words, records: _Records) -> Iterator[InferredStructure]:
    """Lists and trees of records of one size."""
    for size in np.unique(records.sizes).tolist():
        starts = records.starts[records.sizes == size]
        if len(starts) < _LEAST_RECORDS or 8 * size > _MOST_RECORD:
            continue
        table = words.values[starts[:, None] + np.arange(size)]
        target = words.index(table.ravel()).reshape(table.shape)
        number = np.minimum(np.searchsorted(starts, target), len(starts) - 1)
        linked = (target >= 0) & (starts[number] == target)
        linked &= number != np.arange(len(starts))[:, None]
        yield from _groups(np, words, starts, table, linked, number)


def _groups(
    np: Any, words: _Words, starts: Any, table: Any, linked: Any, number: Any
) -> Iterator[InferredStructure]:
    """Slots through which the same records are linked belong to one structure."""
    left = []
    for slot in np.flatnonzero(linked.sum(axis=0) >= _LEAST_RECORDS - 1).tolist():
        sources = np.flatnonzero(linked[:, slot])
        targets = np.unique(number[sources, slot])
        # What a link leads to has a link there itself, or none; what a text's words are is neither.
        if (linked[targets, slot] | (table[targets, slot] == 0)).mean() >= 0.7:
            left.append((slot, np.union1d(sources, targets)))
    left.sort(key=lambda one: -len(one[1]))
    while left:
        slot, members = left.pop(0)
        slots, rest = [slot], []
        for other, some in left:
            common = len(np.intersect1d(members, some, assume_unique=True))
            if common >= 0.5 * len(some):
                slots.append(other)
                members = np.union1d(members, some)
            else:
                rest.append((other, some))
        left = rest
        one = _structure(np, words, starts, table, linked, number, sorted(slots), members)
        if one is not None:
            yield one


def _structure(
    np: Any,
    words: _Words,
    starts: Any,
    table: Any,
    linked: Any,
    number: Any,
    slots: Sequence[int],
    members: Any,
) -> InferredStructure | None:
    rows = table[members]
    # A slot of which most lead nowhere known is no link, but a pointer that sometimes does.
    closed = linked[members] | (rows == 0)
    slots = [slot for slot in slots if closed[:, slot].mean() >= 0.5]
    if len(members) < _LEAST_RECORDS or not slots:
        return None
    fields, shares = [], []
    codes = words.kinds(rows.ravel()).reshape(rows.shape)
    for slot in range(rows.shape[1]):
        if slot in slots:
            share = float(closed[:, slot].mean())
            fields.append(InferredField(8 * slot, "link", round(share, 2)))
            shares.append(share)
            continue
        field = _field(np, codes[:, slot], 8 * slot)
        fields.append(field)
        if field.kind != KINDS[ZERO]:
            shares.append(field.share)
    kind = "tree" if len(slots) > 1 else "list"
    if len(slots) == 2 and _back(np, linked, number, members, slots):
        kind = "doubly_linked_list"
    links = sum(float(closed[:, slot].mean()) for slot in slots) / len(slots)
    addresses = words.address(starts[members]).tolist()
    return InferredStructure(
        kind,
        8 * rows.shape[1],
        len(members),
        round(links * sum(shares) / len(shares), 3),
        tuple(fields),
        tuple(addresses[:_SHOWN]),
    )


def _back(np: Any, linked: Any, number: Any, members: Any, slots: Sequence[int]) -> bool:
    """Whether one link of a record leads back from where the other leads."""
    first, second = slots
    sources = members[linked[members, first]]
    targets = number[sources, first]
    if not len(sources):
        return False
    there = linked[targets, second] & (number[targets, second] == sources)
    return bool(there.mean() >= 0.8)


def _field(np: Any, codes: Any, offset: int) -> InferredField:
    """What a word is in most instances; zeros count for what the others are."""
    counts = np.bincount(codes, minlength=len(KINDS))
    zeros = int(counts[ZERO])
    counts[ZERO] = 0
    if not counts.any():
        return InferredField(offset, KINDS[ZERO], 1.0)
    best = int(counts.argmax())
    return InferredField(offset, KINDS[best], round((int(counts[best]) + zeros) / len(codes), 2))


def _arrays(np: Any, words: _Words, records: _Records) -> Iterator[InferredStructure]:
    """Chunks in which the kinds of words come again at a constant distance."""
    for start, size in zip(records.starts.tolist(), records.sizes.tolist()):
        if size < 2 * _LEAST_ARRAY:
            continue
        values = words.values[start : start + size]
        codes = words.kinds(values)
        used = int(np.flatnonzero(codes)[-1]) + 1 if codes.any() else 0
        best = _stride(np, codes[:used])
        if best is None:
            continue
        stride, count = best
        rows = codes[: stride * count].reshape(count, stride)
        fields = tuple(_field(np, rows[:, slot], 8 * slot) for slot in range(stride))
        shares = [field.share for field in fields if field.kind != KINDS[ZERO]]
        first = int(words.address(np.array([start]))[0])
        yield InferredStructure(
            "array",
            8 * stride,
            count,
            round(sum(shares) / len(shares), 3),
            fields,
            tuple(first + 8 * stride * number for number in range(min(count, _SHOWN))),
        )


def _stride(np: Any, codes: Any) -> tuple[int, int] | None:
    """Words after which kinds come again, and how often; None: they do not.

    At least two kinds, in nine of ten words, and better than at any smaller distance.
    """
    for stride in range(2, min(_MOST_STRIDE, len(codes) // _LEAST_ARRAY) + 1):
        count = len(codes) // stride
        rows = codes[: stride * count].reshape(count, stride)
        first = np.array([np.bincount(column).argmax() for column in rows.T])
        same = (rows == first) | (rows == ZERO)
        alike = same.mean() >= 0.9 and same.all(axis=1).mean() >= 0.7
        if len(np.unique(first[first != ZERO])) >= 2 and alike and (rows != ZERO).mean() >= 0.3:
            return stride, count
    return None
