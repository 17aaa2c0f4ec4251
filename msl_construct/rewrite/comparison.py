"""Whether two files say the same: what a conversion asks of its own result."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from itertools import zip_longest
from typing import Any

from ..abbreviated import abbreviated
from ..reader.block import RAW, Block
from ..reader.dialects import plain_schema
from ..reader.dump import Dump
from ..reader.regions import Region
from ..schema import Code, FlagValue, Layout, Record
from ..schema.values import StoredText
from ..schema.variable import RegisterValue
from ..source import Extent
from .contents import written_layout
from .conversion import Conversion
from .plan import Step
from .regions import RegionPart, released
from .translation import independent

__all__ = ["differences"]

_HINTED = "region_uuid"


def differences(before: Dump, after: Dump, conversion: Conversion) -> Iterator[str]:
    """Where the new file says something else than the old one, in a sentence each.

    Memory by its pages and bytes, everything else by its fields; what the conversion told of as
    lost is left out. Both files are read; nothing of what was written is taken for granted.
    """
    yield from _header(before, after)
    places = {block.uuid.bytes: block.index for block in after.blocks}
    regions = {region.uuid.bytes: region for region in after.regions}
    plan = conversion.plan
    steps = [*plan.steps, *(step for _, steps in plan.segments for step in steps)]
    for step in steps:
        index = places.get(step.uuid.bytes)
        if index is None:
            yield f"block {step.uuid} ({step.key}) is not in the new file"
        elif step.part is not None:
            found = regions.get(step.uuid.bytes)
            if found is None:
                yield f"region {step.uuid} is not in the new file"
            else:
                yield from _region(step.part, found, conversion)
        elif step.index is not None and step.key != "module_list_index":
            yield from _block(before.block(step.index), after.block(index), step, conversion)
    yield from _counts(before, after, conversion)


def _counts(before: Dump, after: Dump, conversion: Conversion) -> Iterator[str]:
    """Whether there are as many blocks of each type as were to be written."""
    expected: dict[str, int] = {}
    for step in conversion.plan.steps:
        expected[step.key] = expected.get(step.key, 0) + 1
    found: dict[str, int] = {}
    for block in after.capture_blocks:
        if block.key == "memory_region" and "continuation" in block.flags:
            continue
        found[block.key] = found.get(block.key, 0) + 1
    for key in ("import_provenance", "end_of_capture"):
        found.pop(key, None)
    for key in sorted(expected.keys() | found.keys()):
        if expected.get(key, 0) != found.get(key, 0):
            yield f"{key}: expected {expected.get(key, 0)} blocks, found {found.get(key, 0)}"
    if (before.end_of_capture is None) != (after.end_of_capture is None):
        yield "only one of the files has an End-of-Capture"
    if before.end_of_capture is not None and after.end_of_capture is not None:
        ends = [one.end_of_capture.payload.get("acq_end", 0) for one in (before, after)]  # type: ignore[union-attr]
        if ends[0] != ends[1]:
            yield f"acq_end: {ends[0]} became {ends[1]}"
    if len(after.segments) != conversion.segments:
        yield f"expected {conversion.segments} extension segments, found {len(after.segments)}"


def _header(before: Dump, after: Dump) -> Iterator[str]:
    for key in ("timestamp", "pid"):
        if before.header.record[key] != after.header.record[key]:
            yield f"file header: {key} differs"


# -- memory ------------------------------------------------------------------------------


def _region(part: RegionPart, found: Region, conversion: Conversion) -> Iterator[str]:
    where = f"region at {part.base_addr:#x}"
    if found.base_addr != part.base_addr or found.page_size != part.page_size:
        yield f"{where}: it begins at {found.base_addr:#x}, pages of {found.page_size} bytes"
        return
    expected = part.states(conversion.target)
    there = ((count, state) for _, count, state in found.runs())
    for one, other in zip_longest(_merged(expected), _merged(there)):
        if one != other:
            yield f"{where}: expected pages {one}, found {other}"
            return
    told = conversion.losses
    head = part.head
    for key in ("protection", "region_type"):
        mine, theirs = head.payload[key], found.head.payload[key]
        same = int(mine) == int(theirs) if _nameless(mine) else _plain(mine) == _plain(theirs)
        if not same and not told.covers(head.block.index, key):
            yield f"{where}: {key}: {abbreviated(mine)} became {abbreviated(theirs)}"
    if head.payload.get("timestamp") != found.head.payload.get("timestamp"):
        yield f"{where}: timestamp differs"
    if not _same_bytes(part.data(), found):
        yield f"{where}: its bytes differ"
    released(part)


def _merged(runs: Iterator[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    held: tuple[int, str] | None = None
    for count, state in runs:
        if held is not None and held[1] == state:
            held = (held[0] + count, state)
        elif count:
            if held is not None:
                yield held
            held = (count, state)
    if held is not None:
        yield held


def _same_bytes(mine: Extent, found: Region) -> bool:
    """Whether the captured pages hold the same bytes; read in pieces."""

    def theirs() -> Iterator[memoryview]:
        for fragment in found.fragments:
            promised = fragment.pages.captured * fragment.page_size
            yield from fragment.data.part(0, promised).chunks()

    left, right = memoryview(b""), memoryview(b"")
    ours, others = mine.chunks(), theirs()
    while True:
        left = left or next(ours, memoryview(b""))
        right = right or next(others, memoryview(b""))
        size = min(len(left), len(right))
        if not size:
            return not left and not right
        if left[:size] != right[:size]:
            return False
        left, right = left[size:], right[size:]


# -- everything else ---------------------------------------------------------------------


def _block(before: Block, after: Block, step: Step, conversion: Conversion) -> Iterator[str]:
    where = f"{before.describe()}"
    if after.parent_uuid != step.parent:
        yield f"{where}: its parent is {after.parent_uuid}, expected {step.parent}"
    target = written_layout(conversion.target, step.key)
    if target is None or RAW in after.payload or RAW in before.payload:
        if not _same_stored(before, after, step, conversion):
            yield f"{where}: its payload differs"
        return
    assert before.type is not None
    assert before.type.layout is not None
    seen = _Seen(before.index, conversion)
    for path in seen.differing(before.payload, after.payload, before.type.layout, target, ""):
        yield f"{where}: {path} differs"


def _same_stored(before: Block, after: Block, step: Step, conversion: Conversion) -> bool:
    """Whether a payload that one of the files does not lay out has the bytes that it should."""
    content = conversion.plan.content(step)
    if isinstance(content, Record):
        return False
    found = after.payload.get(RAW)
    if found is None:
        plain = plain_schema(after.schema)
        found = Block(after.source, plain, after.index, after.offset, after.length).payload.get(
            RAW, b""
        )
    return bytes(content) == bytes(found)


class _Seen:
    """Compares what two layouts have in common."""

    def __init__(self, index: int, conversion: Conversion) -> None:
        self._index = index
        self._losses = conversion.losses
        self._renamed = conversion.plan.renamed
        self._registries = conversion.plan.contents.registries

    def differing(
        self, mine: Record, theirs: Record, source: Layout, target: Layout, path: str
    ) -> Iterator[str]:
        orders = source.order != target.order
        for key, kind in independent(target).items():
            where = f"{path}{key}"
            if key not in mine or self._losses.covers(self._index, where):
                continue
            value, other = mine[key], theirs.get(key)
            inner = kind.inner().get(None)
            if isinstance(inner, Layout):
                own = next(f.type for f in source.fields if f.key == key).inner().get(None)
                assert isinstance(own, Layout)
                yield from self._rows(value, other or (), own, inner, where)
            elif orders and isinstance(kind, RegisterValue):
                if bytes(value)[::-1] != bytes(other or b""):
                    yield where
            elif not self._same(value, self._named(value, other, source, key), where):
                yield where

    def _named(self, value: Any, other: Any, source: Layout, key: str) -> Any:
        """A code of the new file, by the name that the old one's has, if it has one.

        Which dialect a file is read in may be another one: codes have names there or not.
        """
        if isinstance(value, Code) and not isinstance(other, Code):
            registry = self._registries.get(source.field(key).type.registry_name or "")
            return other if registry is None or other is None else registry.decode(int(other))
        if isinstance(other, Code) and not isinstance(value, Code):
            return int(other)
        return other

    def _rows(
        self, mine: Any, theirs: Any, source: Layout, target: Layout, path: str
    ) -> Iterator[str]:
        kept = (
            (f"{path}[{number}].", row)
            for number, row in enumerate(mine)
            if not self._losses.covers(self._index, f"{path}[{number}]")
        )
        for one, row in zip_longest(kept, theirs):
            if one is None or row is None:
                yield f"number of {path}"
                return
            yield from self.differing(one[1], row, source, target, one[0])

    def _same(self, mine: Any, theirs: Any, path: str) -> bool:
        if isinstance(mine, Mapping) and isinstance(theirs, Mapping):
            return all(
                self._same(mine[key], theirs[key], f"{path}.{key}")
                for key in theirs
                if key in mine
                and not key.endswith("_len")
                and not self._losses.covers(self._index, f"{path}.{key}")
            )
        if isinstance(mine, uuid.UUID):
            return theirs in (mine, self._renamed.get(mine.bytes))
        if _nameless(mine):  # which the draft of the new file may have a name for
            return int(mine) == int(theirs or 0)
        return bool(_plain(mine) == _plain(theirs))


def _nameless(value: Any) -> bool:
    """Whether a code or a flag of the old file has no name there."""
    if isinstance(value, FlagValue):
        return any(name.startswith("bit_") for name in value.names)
    return isinstance(value, Code) and not value.known


def _plain(value: Any) -> Any:
    """A value by what it means: a code and flags by their names."""
    if isinstance(value, Code):
        return value.name if value.known else int(value)
    if isinstance(value, FlagValue):
        return tuple(value.names)
    if isinstance(value, StoredText):
        return str(value).partition("\0")[0] or None
    if isinstance(value, (str, bytes)):
        return value or None
    if isinstance(value, Extent):
        return bytes(value)
    return value
