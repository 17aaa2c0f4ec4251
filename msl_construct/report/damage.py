"""What of a file is not what was written: in plain words, where, and how much is not affected."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator

from ..reader.verdict import Finding, Verdict
from ..words import binary_size, many
from .model import DumpReport, MemoryColumns

__all__ = [
    "ALTERED",
    "IN_THE_HEADER",
    "contradicted_blocks",
    "damage_lines",
    "described",
    "in_plain_words",
    "more_contradicted",
    "standing_of_blocks",
    "tells_standing",
]

ALTERED = 4
"""Mark of regions with a block that does not agree with its hash."""
IN_THE_HEADER = -1
"""In place of a block's index: what says it is the file's header."""
_MAY_BE_CHANGED = "may be what was changed: its block does not agree with its hash"
_NO_HASH = "may be what was changed: no hash covers its block"
_CHAIN = re.compile(
    r"^(?P<size>\d+) bytes at (?P<at>0x[0-9a-f]+) \((?P<what>.+)\) are not what was written"
    r"(?P<or>, or the block behind them was not)?: (?P<hash>PrevHash of )"
)
_HASHES = re.compile(
    r"expected (?P<computed>[0-9a-f]{32,}), found (?P<recorded>[0-9a-f]{32,}|none)"
)
_RECORDED = ": recorded in the file: "
_OF_HASHES = ": the hash that speaks against it: "
_FEW = 4


def in_plain_words(text: str) -> str:
    """What verify and check say of hashes, for people who don't know what is expected of what."""
    text = _CHAIN.sub(
        r"at least one of the \g<size> bytes at \g<at> (\g<what>) is not what was written\g<or>; "
        rf"which, or how many, the hash can't say{_OF_HASHES}\g<hash>",
        text,
    )
    return _HASHES.sub(
        rf"{_RECORDED[2:]}\g<recorded>, computed from its bytes as they are now: "
        r"\g<computed>",
        text,
    )


def contradicted_blocks(verdict: Verdict | None) -> frozenset[int]:
    """Indexes of the blocks that their hashes contradict, or may."""
    if verdict is None:
        return frozenset()
    broken = {one.block for one in verdict.findings if one.kind == "chain" and one.bytes}
    found = set()
    for index in broken:
        if index is None:
            continue
        if index:
            found.add(index - 1)
        # Its PrevHash may be what was changed, unless the next one says that it was not.
        if index + 1 >= verdict.blocks or index + 1 in broken:
            found.add(index)
    return frozenset(found)


def standing_of_blocks(verdict: Verdict | None) -> Callable[[int], str]:
    """What is to be thought of what a block says, by its index; empty where nothing is.

    In a file with no finding, or of which nobody can say where it was changed, nothing is.
    """
    if verdict is None or not tells_standing(verdict):
        return lambda index: ""
    contradicted = contradicted_blocks(verdict)
    if any(one.kind == "chain" and one.block == 0 for one in verdict.findings):
        contradicted |= {IN_THE_HEADER}
    uncovered = {verdict.unprotected}
    if any(one.kind == "unrecorded" and one.block == 0 for one in verdict.gaps):
        uncovered.add(IN_THE_HEADER)

    def standing(index: int) -> str:
        if index in contradicted:
            return _MAY_BE_CHANGED
        return _NO_HASH if index in uncovered else ""

    return standing


def tells_standing(verdict: Verdict | None) -> bool:
    """Whether the hashes say where a file was changed, so that they speak for the rest of it."""
    if verdict is None or more_contradicted(verdict):
        return False
    chain = [one for one in verdict.findings if one.kind == "chain"]
    return bool(chain) and all(one.bytes for one in chain)


def more_contradicted(verdict: Verdict) -> bool:
    """Whether there are more of them than are told one by one."""
    return any(one.kind == "chain" and one.offset is None for one in verdict.findings)


def damage_lines(found: DumpReport, *, hashes: bool = True) -> Iterator[str]:
    """What speaks against the file, a line each: what is proven, and what is there.

    Args:
        hashes: whether they are quoted.
    """
    threads = _counters(found)
    for one in found.verdict.findings if found.verdict else ():
        where, parted, quoted = in_plain_words(one.text).partition(_OF_HASHES)
        if one.kind == "file_hash" and not hashes:
            where = where.partition(_RECORDED)[0] + " is not the hash of what stands before it"
        yield f"{where[:1].upper()}{where[1:]}{_place(found.memory, one, threads)}"
        if parted and hashes:
            yield quoted


def _place(memory: MemoryColumns, one: Finding, threads: list[tuple[int, str]]) -> str:
    if one.kind != "chain" or one.bytes is None:
        return ""
    if one.addresses is None:
        return ". It is no memory: what the page has from there may be wrong"
    region = _region_at(memory, one.addresses[0])
    if region is None:
        return ""
    first, behind = (bisect_left(threads, (at, "")) for at in one.addresses)
    there = [text for _, text in threads[first : min(behind, first + _FEW)]]
    if behind > first + _FEW:
        there.append(f"{many(behind - first - _FEW, 'more thread')}")
    shown = f". It is memory: {described(memory, region)}"
    return f"{shown}; {'; '.join(there)}" if there else shown


def described(memory: MemoryColumns, place: int) -> str:
    """A region in words."""
    name = memory.texts[memory.names[place]] or "no name"
    return (
        f"{binary_size(memory.sizes[place])} {memory.texts[memory.rights[place]]} at "
        f"{memory.bases[place]:#x}, {name}"
    )


def _region_at(memory: MemoryColumns, address: int) -> int | None:
    place = bisect_right(memory.bases, address) - 1
    inside = place >= 0 and address < memory.bases[place] + memory.sizes[place]
    return place if inside else None


def _counters(found: DumpReport) -> list[tuple[int, str]]:
    """Program counters in ascending order, each with whose it is in words."""
    table = found.table("threads")
    counters: list[tuple[int, str]] = []
    if table is None:
        return counters
    for row in table.rows:
        values = dict(zip(table.columns, row))
        pc = values.get("pc")
        if isinstance(pc, str):
            whose = "the current thread" if "current" in (values.get("flags") or ()) else "thread"
            text = f"{whose} {values.get('thread_id')} stands there, at {pc}"
            counters.append((int(pc, 16), text))
    return sorted(counters)
