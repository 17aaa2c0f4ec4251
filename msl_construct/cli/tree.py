"""The readable tree that ``msl inspect`` prints when nothing else is asked for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar

from ..document.hinted_addresses import HintedAddresses
from .text import (
    AlignedRows,
    Style,
    binary_size,
    folded,
    many,
    moment,
    printable,
    width_of_text,
)
from .tree_blocks import TreeBlocks
from .tree_investigation import Branch, investigated
from .tree_memory import MemoryFacts, PlaceNames, memory_facts, memory_rows, names_of
from .tree_summary import summary, verdict

if TYPE_CHECKING:
    from ..reader.dump import Dump

__all__ = ["tree"]

Write = Callable[[str], object]
T = TypeVar("T")

_INDENT = "    "
_SLASHES = r"[/\\]"


def tree(dump: Dump, write: Write, style: Style, *, unfolded: bool = False) -> None:
    """Print a dump as a tree; reads no page data.

    Args:
        unfolded: whether each region has a row of its own.
    """
    seen = TreeBlocks(dump)
    hinted = HintedAddresses(seen.of("key_hint"))
    facts = memory_facts(seen.of("memory_region"), hinted, names_of(seen))
    name = printable(dump.name) or "dump"
    size = f"  {binary_size(dump.size)}" if dump.size is not None else ""
    dialect = f" ({dump.dialect})" if dump.dialect else ""
    width = style.columns

    def put(text: str, first: str = "", further: str = "  ") -> None:
        fits = width is None or len(first) + width_of_text(text) <= width
        parts = [text] if fits else folded(text, width and width - len(further))
        for number, part in enumerate(parts):
            write(f"{further if number else first}{part}\n")

    put(
        f"{style.paint(name, bold=True)}{size}  {dump.draft}{dialect}, "
        f"{dump.header.schema.byte_order.value}-endian"
    )
    if dump.dialect is not None:
        put(printable(str(dump.recognition)))
    elif dump.recognition.untold:
        put(printable(dump.recognition.untold))
    put(verdict(dump, seen, style))
    for line in summary(dump, seen, facts, style):
        put(line, "  ", " " * 12)
    tee, last, bar, gap = (
        ("├─ ", "└─ ", "│  ", "   ") if style.unicode else ("|- ", "`- ", "|  ", "   ")
    )
    for final, (line, below) in _until_last(_branches(dump, seen, facts, hinted, style, unfolded)):
        stem = gap if final else bar
        put(line, last if final else tee, f"{stem}{_INDENT}")
        for ends, inner in _until_last(below):
            put(inner, stem + (last if ends else tee), f"{stem}{gap if ends else bar}{_INDENT}")


def _until_last(items: Iterable[T]) -> Iterator[tuple[bool, T]]:
    """Items, each with whether it is the last."""
    waiting: list[T] = []
    for item in items:
        if waiting:
            yield False, waiting.pop()
        waiting.append(item)
    if waiting:
        yield True, waiting.pop()


def _branches(
    dump: Dump,
    seen: TreeBlocks,
    facts: MemoryFacts,
    hinted: HintedAddresses,
    style: Style,
    unfolded: bool,
) -> Iterator[Branch]:
    names = facts.names
    header = dump.header.record
    capabilities = ", ".join(header["cap_bitmap"].names) or "nothing"
    below = [
        f"target    {header['os_type'].name} {header['arch_type'].name}, pid {header['pid']}",
        f"acquired  {moment(header['timestamp'])}, {_clock(header['clock_source'].name)}",
        f"holds     {capabilities}",
    ]
    if header["flags"]:
        below.append(f"flags     {', '.join(header['flags'].names)}")
    yield f"header    {header['dump_uuid']}", below
    for block in seen.of("import_provenance"):
        payload = block.payload
        yield (
            f"imported  from {payload['source_format'].name}, "
            f"{binary_size(payload['orig_file_size'])}, {moment(payload['import_time'])}",
            [
                f"{label}  {printable(payload.get(key))}"
                for label, key in (("tool", "tool_name"), ("note", "note"))
                if payload.get(key)
            ],
        )
    for block in seen.of("process_identity"):
        payload = block.payload
        path = payload.get("exe_path")
        yield (
            f"process   {printable(path) if path else 'unknown'}",
            [
                f"command   {printable(payload.get('cmd_line'))}",
                f"parent    pid {payload['ppid'] or 'unknown'}, "
                f"session {payload['session_id'] or 'unknown'}, "
                f"started {moment(payload['start_time'])}",
            ],
        )
    yield from _modules(seen, style)
    yield from _threads(seen, names, style)
    yield from _memory(seen, facts, style, unfolded)
    yield from _more(seen, names, hinted, style)
    yield from investigated(dump.header.record, seen, style)
    if seen.others:
        yield (
            f"others    {many(len(seen.others), 'block')} shown by type only",
            (f"{b.offset:#x}  {b.key}  {binary_size(b.length)}" for b in seen.others),
        )
    for segment in dump.segments:
        rows = (
            f"{b.offset:#x}  {b.key}  {binary_size(b.length)}" for b in dump.segment_blocks(segment)
        )
        found = dump.segment_recognitions.get(segment.index)
        other = "" if found is None else f", {printable(str(found))}"
        yield f"segment   {segment.index} at {segment.offset:#x}, intact{other}", rows
    if seen.damaged:
        problems = (block.problem or "" for block in seen.damaged)
        yield f"damage    {many(len(seen.damaged), 'payload')}", problems
    if seen.unread:
        reasons = (block.problem or "" for block in seen.unread)
        yield f"unread    {many(len(seen.unread), 'payload')}", reasons
    if dump.trailing is not None:
        yield (
            f"trailing  {many(dump.trailing.length, 'byte')} at {dump.trailing.offset:#x}",
            [dump.ending.text],
        )
    for block in seen.of("end_of_capture"):
        payload = block.payload
        if "acq_end" in payload:
            yield f"end       {block.offset:#x}, {moment(payload['acq_end'])}", []


def _modules(seen: TreeBlocks, style: Style) -> Iterator[Branch]:
    entries = seen.of("module_entry")
    if not entries and not seen.of("module_list_index"):
        return
    named = sum(len(b.payload.get("entries", [])) for b in seen.of("module_list_index"))

    def rows() -> Iterator[tuple[str, ...]]:
        for block in entries:
            payload = block.payload
            if "path" not in payload:
                continue
            yield (
                f"{payload['base_addr']:#x}",
                binary_size(payload["module_size"]),
                printable(payload["path"]),
                printable(payload.get("version") or ""),
            )

    missing = f", {named} in the list" if named != len(entries) else ""
    yield f"modules   {len(entries)}{missing}", AlignedRows(rows, style)


def _threads(seen: TreeBlocks, names: PlaceNames, style: Style) -> Iterator[Branch]:
    from ..document.tables import thread_rows

    blocks = seen.of("thread_context")
    if not blocks:
        return

    def rows() -> Iterator[tuple[str, ...]]:
        for row in thread_rows(blocks):
            cells = (
                str(row["thread_id"]),
                printable(row["thread_name"]),
                ", ".join([row["thread_state"] or "-", *(row["flags"] or [])]),
                f"pc {row['pc'] or '-'}",
                _place(row["pc"], names),
            )
            further = (f"sp {row['sp'] or '-'}", many(row["registers"], "register"))
            yield (*cells, *further) if style.roomy else cells

    yield f"threads   {len(blocks)}", AlignedRows(rows, style)


def _place(address: str | None, names: PlaceNames) -> str:
    """What stands at an address, in a few letters."""
    if address is None:
        return ""
    where = int(address, 16)
    name = names.module_of(where) or names.mapping_of(where)
    return "" if name is None else f"in {printable(re.split(_SLASHES, name)[-1])}"


def _memory(seen: TreeBlocks, facts: MemoryFacts, style: Style, unfolded: bool) -> Iterator[Branch]:
    if not facts.regions:
        return
    sizes = dict(facts.sizes)
    captured = binary_size(sizes.pop("captured", 0))
    rest = "".join(f", {binary_size(n)} {state}" for state, n in sizes.items() if n)
    head = f"memory    {many(facts.regions, 'region')}: {captured} captured{rest}"
    if facts.to_look_at:
        head += style.paint(
            f"; {facts.to_look_at} to look at: W+X, or code without a file", fg="red"
        )
    rows = memory_rows(facts, style, unfolded=unfolded)
    yield head, rows


def _more(
    seen: TreeBlocks, names: PlaceNames, hinted: HintedAddresses, style: Style
) -> Iterator[Branch]:
    hints = seen.of("key_hint")
    if hints:

        def rows() -> Iterator[tuple[str, ...]]:
            for block in hints:
                hint = block.payload
                region, offset = hint["region_uuid"], hint["region_offset"]
                address = hinted.at(region, offset)
                place = None if address is None else f"{address:#x}"
                yield (
                    f"{hint['key_type'].name}",
                    f"{hint['protocol'].name}",
                    f"{hint['key_len']} bytes at " + (place or f"{offset:#x} of {region}"),
                    _place(place, names),
                    f"{hint['confidence'].name}, {hint['key_state'].name}",
                    printable(hint.get("note")),
                )

        yield f"hints     {len(hints)}", AlignedRows(rows, style)
    related = seen.of("related_dump")
    if related:
        yield (
            f"related   {len(related)}",
            (
                f"{b.payload['related_dump_uuid']}  pid {b.payload['related_pid']}, "
                f"{b.payload['relationship'].name}"
                for b in related
            ),
        )
    for block in seen.of("vas_map"):
        count = len(block.payload.get("entries", []))
        yield f"mappings  {count} in the VAS Map at {block.offset:#x} (--show mappings)", []


def _clock(name: str) -> str:
    return name if name.startswith("clock_") else f"{name} clock"
