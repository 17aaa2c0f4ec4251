"""What people call kinds of memory, in terms of mappings: ``heap``, ``stacks``, ``jit`` …

A word means what somebody who uses it looks for, whatever allocator or runtime keeps it there: a
mapping may answer to several words, and too much is taken rather than too little.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from .model import COPY_ON_WRITE, EXECUTE, READ, WRITE, Mapping

__all__ = ["WORDS", "Surroundings", "surroundings"]

_PRIVATE = ("anonymous", "heap", "stack")
_LARGEST_GUARD = 1 << 20
"""Bytes without access below a thread's stack: 4 KiB with glibc, up to some more with Java."""


@dataclass(frozen=True)
class Surroundings:
    """What a mapping alone doesn't tell.

    Attributes:
        stack_pointers: of all threads, ascending; empty where they are not known.
        guarded: starts of private mappings that lie on a guard: a small one without access.
        zeroed: starts of mappings that begin where the writable part of an image ends (.bss).
    """

    stack_pointers: tuple[int, ...] = ()
    guarded: frozenset[int] = field(default_factory=frozenset)
    zeroed: frozenset[int] = field(default_factory=frozenset)

    def has_pointer(self, mapping: Mapping) -> bool:
        """Whether a thread's stack pointer leads into a mapping (or to its very end)."""
        position = bisect_left(self.stack_pointers, mapping.start + 1)
        return position < len(self.stack_pointers) and (
            self.stack_pointers[position] <= mapping.end
        )


def surroundings(mappings: Sequence[Mapping], stack_pointers: Iterable[int]) -> Surroundings:
    """Look at each mapping beside the one below it.

    Args:
        mappings: all of a target, in address order.
    """
    guarded, zeroed = set(), set()
    for below, mapping in pairwise(mappings):
        if below.end != mapping.start or mapping.region_type != "anonymous":
            continue
        if below.region_type == "image":
            zeroed.add(mapping.start)
        elif not below.protection & (READ | WRITE | EXECUTE) and below.size <= _LARGEST_GUARD:
            guarded.add(mapping.start)
    return Surroundings(tuple(sorted(stack_pointers)), frozenset(guarded), frozenset(zeroed))


def _anonymous(mapping: Mapping, _: Surroundings) -> bool:
    return mapping.region_type in _PRIVATE


def _readable_and_writable(mapping: Mapping) -> bool:
    return mapping.protection & (READ | WRITE | EXECUTE) == READ | WRITE


def _named_stack(mapping: Mapping) -> bool:
    return mapping.region_type == "stack" or (
        mapping.name.startswith("[anon:") and "stack" in mapping.name
    )


def _heap(mapping: Mapping, around: Surroundings) -> bool:
    if mapping.region_type == "heap" or mapping.name.startswith("/memfd:java_heap"):
        return True
    if mapping.region_type != "anonymous" or not _readable_and_writable(mapping):
        return False
    # A pointer alone does not make a stack: Go keeps its stacks in its heap.
    stack = mapping.start in around.guarded and around.has_pointer(mapping)
    return not stack and not _named_stack(mapping)


def _stacks(mapping: Mapping, around: Surroundings) -> bool:
    if _named_stack(mapping):
        return True
    if around.stack_pointers:
        return around.has_pointer(mapping)
    return mapping.start in around.guarded and _readable_and_writable(mapping)


def _jit(mapping: Mapping, _: Surroundings) -> bool:
    kinds = ("anonymous", "shared_mem", "heap", "stack")
    return bool(mapping.protection & EXECUTE) and mapping.region_type in kinds


def _shared(mapping: Mapping, _: Surroundings) -> bool:
    return mapping.region_type == "shared_mem" or (
        mapping.region_type == "mapped_file"
        and mapping.protection & (WRITE | COPY_ON_WRITE) == WRITE
    )


def _data(mapping: Mapping, around: Surroundings) -> bool:
    if mapping.start in around.zeroed:
        return bool(mapping.protection & WRITE)
    return mapping.region_type == "image" and bool(mapping.protection & WRITE)


WORDS: dict[str, Callable[[Mapping, Surroundings], bool]] = {
    "anonymous": _anonymous,
    "heap": _heap,
    "stacks": _stacks,
    "jit": _jit,
    "images": lambda mapping, _: mapping.region_type == "image",
    "files": lambda mapping, _: mapping.region_type == "mapped_file",
    "shared": _shared,
    "code": lambda mapping, _: bool(mapping.protection & EXECUTE),
    "data": _data,
}
"""Each word, and whether it means a mapping. They are explained in spec-docs/acquire.rst."""
