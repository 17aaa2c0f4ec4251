"""The readable tree that ``msl inspect`` prints when nothing else is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..reader.block import RAW, Block, Problems
from ..reader.regions import Region, assemble, lacks_data
from .text import Style, aligned, binary_size, many, moment, printable

if TYPE_CHECKING:
    from ..reader.dump import Dump
    from ..reader.stream import PassingDump

__all__ = ["tree"]

Write = Callable[[str], object]

_CELLS = 24
_RIGHTS = (("read", "r"), ("write", "w"), ("execute", "x"), ("guard", "g"), ("copy_on_write", "c"))
_WHOLE_ONLY = ("process_identity", "import_provenance", "key_hint", "related_dump")
_OWN_SECTION = (
    "process_identity",
    "import_provenance",
    "module_list_index",
    "module_entry",
    "thread_context",
    "memory_region",
    "key_hint",
    "related_dump",
    "vas_map",
    "end_of_capture",
)


_COLORS = {
    "captured": "green",
    "failed": "red",
    "unmapped": "yellow",
    "not_resident": "blue",
    "reserved": "magenta",
    "truncated": "red",
    "mixed": "cyan",
}


@dataclass
class _Seen:
    """What is kept of the blocks that went by.

    Attributes:
        known: what the dump has found out of their payloads.
        problems: of payloads that do not fit.
        unread: of payloads that could not be looked at.
    """

    known: Problems
    by_type: dict[str, list[Block]] = field(default_factory=dict)
    others: list[Block] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    count: int = 0
    undecoded: int = 0

    def take(self, block: Block) -> None:
        """Keep what the tree shows of a block."""
        block.hold()
        self.count += 1
        if block.problem is not None:
            unread = block.index in self.known.unread
            (self.unread if unread else self.problems).append(block.problem)
        elif RAW in block.payload:
            self.undecoded += 1
        whole = block.payload.damage is None or block.key not in _WHOLE_ONLY
        if block.key in _OWN_SECTION and RAW not in block.payload and whole:
            self.by_type.setdefault(block.key, []).append(block)
        else:
            self.others.append(block)

    def of(self, key: str) -> list[Block]:
        """Decoded blocks of a type."""
        return self.by_type.get(key, [])


Branch = tuple[str, list[str]]
"""A line of the tree and the lines below it."""


def tree(dump: Dump | PassingDump, write: Write, style: Style) -> None:
    """Print a dump as a tree; reads no page data."""
    seen = _Seen(dump.problems)
    for _ in dump.each_capture_block(seen.take):
        pass
    branches = list(_branches(dump, seen, style))
    name = printable(dump.name) or "dump"
    size = f"  {binary_size(dump.size)}" if dump.size is not None else ""
    dialect = f" ({dump.dialect})" if dump.dialect else ""
    write(
        f"{style.paint(name, bold=True)}{size}  {dump.draft}{dialect}, "
        f"{dump.header.schema.byte_order.value}-endian\n"
    )
    if dump.dialect is not None:
        write(f"{printable(str(dump.recognition))}\n")
    write(f"{_verdict(dump, seen, style)}\n")
    tee, last, bar, gap = (
        ("├─ ", "└─ ", "│  ", "   ") if style.unicode else ("|- ", "`- ", "|  ", "   ")
    )
    for number, (line, below) in enumerate(branches):
        final = number == len(branches) - 1
        write(f"{last if final else tee}{line}\n")
        for position, inner in enumerate(below):
            stem = gap if final else bar
            write(f"{stem}{last if position == len(below) - 1 else tee}{inner}\n")


def _verdict(dump: Dump | PassingDump, seen: _Seen, style: Style) -> str:
    """One line that says how much of a dump this is."""
    if dump.header.encrypted:
        return style.paint("encrypted: only the header can be read", fg="yellow")
    parts = [many(seen.count, "block")]
    if seen.problems:
        parts.append(f"{many(len(seen.problems), 'payload')} not fitting the layout")
    if seen.unread:
        parts.append(f"{many(len(seen.unread), 'payload')} that could not be looked at")
    if seen.undecoded:
        parts.append(f"{many(seen.undecoded, 'payload')} not decoded")
    missing = [b for b in seen.of("memory_region") if lacks_data(b)]
    if missing:
        parts.append(f"{many(len(missing), 'region')} without all the bytes promised")
    if dump.complete and not seen.problems and not missing and not seen.unread:
        mark, color = ("✔" if style.unicode else "ok"), "green"
        head = "complete"
    elif dump.complete and not seen.problems and not missing:
        mark, color = ("✘" if style.unicode else "!!"), "yellow"
        head = "complete, but not all of it could be looked at"
    else:
        mark, color = ("✘" if style.unicode else "!!"), "red"
        head = "complete, but damaged" if dump.complete else "incomplete"
    if not dump.complete:
        if not seen.of("end_of_capture"):
            parts.append("no End-of-Capture: the acquirer did not finish")
        if dump.trailing is not None:
            parts.append(f"{many(dump.trailing.length, 'byte')} at the end are not blocks")
    return (
        style.paint(f"{mark} {head}", fg=color, bold=True)
        + f": {'; '.join(parts)} (hashes not checked: msl verify)"
    )


def _branches(dump: Dump | PassingDump, seen: _Seen, style: Style) -> Iterator[Branch]:
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
    yield from _threads(seen)
    yield from _memory(seen, style)
    yield from _more(seen)
    if seen.others:
        yield (
            f"others    {many(len(seen.others), 'block')} shown by type only",
            [f"{b.offset:#x}  {b.key}  {binary_size(b.length)}" for b in seen.others],
        )
    for segment in dump.segments:
        rows = [
            f"{b.offset:#x}  {b.key}  {binary_size(b.length)}" for b in dump.segment_blocks(segment)
        ]
        found = dump.segment_recognitions.get(segment.index)
        other = "" if found is None else f", {printable(str(found))}"
        yield f"segment   {segment.index} at {segment.offset:#x}, intact{other}", rows
    if seen.problems:
        yield f"damage    {many(len(seen.problems), 'payload')}", seen.problems
    if seen.unread:
        yield f"unread    {many(len(seen.unread), 'payload')}", seen.unread
    if dump.trailing is not None:
        yield (
            f"trailing  {many(dump.trailing.length, 'byte')} at {dump.trailing.offset:#x}",
            [dump.ending.text],
        )
    for block in seen.of("end_of_capture"):
        payload = block.payload
        if "acq_end" in payload:
            yield f"end       {block.offset:#x}, {moment(payload['acq_end'])}", []


def _modules(seen: _Seen, style: Style) -> Iterator[Branch]:
    entries = seen.of("module_entry")
    if not entries and not seen.of("module_list_index"):
        return
    named = sum(len(b.payload.get("entries", [])) for b in seen.of("module_list_index"))
    rows = []
    for block in entries:
        payload = block.payload
        if "path" not in payload:
            continue
        version = f"  {printable(payload['version'])}" if payload.get("version") else ""
        rows.append(
            (
                f"{payload['base_addr']:#x}",
                binary_size(payload["module_size"]),
                f"{printable(payload['path'])}{version}",
            )
        )
    missing = f", {named} in the list" if named != len(entries) else ""
    yield f"modules   {len(entries)}{missing}", aligned(rows)


def _threads(seen: _Seen) -> Iterator[Branch]:
    from ..document.tables import thread_rows

    blocks = seen.of("thread_context")
    if not blocks:
        return
    rows = [
        (
            str(row["thread_id"]),
            printable(row["thread_name"]),
            ", ".join([row["thread_state"] or "-", *(row["flags"] or [])]),
            f"pc {row['pc'] or '-'}",
            f"sp {row['sp'] or '-'}",
            many(row["registers"], "register"),
        )
        for row in thread_rows(blocks)
    ]
    yield f"threads   {len(blocks)}", aligned(rows)


def _memory(seen: _Seen, style: Style) -> Iterator[Branch]:
    regions = assemble(seen.of("memory_region"))
    if not regions:
        return
    totals: dict[str, int] = {}
    names = _mapping_names(seen)
    rows = []
    for region in regions:
        counts = region.counts
        for state, count in counts.items():
            totals[state] = totals.get(state, 0) + count * region.page_size
        pages = sum(counts.values())
        percent = f"{100 * counts.get('captured', 0) // pages}%" if pages else "-"
        remarks = [
            f"{count} {state}" for state, count in counts.items() if count and state != "captured"
        ]
        if len(region.fragments) > 1:
            remarks.append(f"{len(region.fragments)} fragments")
        if any(f.damaged for f in region.fragments):
            remarks.append("damaged: its page map does not fit")
        rows.append(
            (
                f"{region.base_addr:#x}",
                binary_size(region.region_size),
                _rights(region),
                region.region_type.name,
                _bar(region, pages, style),
                percent,
                ", ".join(remarks),
                printable(names.get(region.base_addr, "")),
            )
        )
    captured = binary_size(totals.pop("captured", 0))
    rest = "".join(f", {binary_size(n)} {state}" for state, n in totals.items() if n)
    yield f"memory    {many(len(regions), 'region')}: {captured} captured{rest}", aligned(rows)


def _mapping_names(seen: _Seen) -> dict[int, str]:
    """What the last VAS Map calls the mapping at an address."""
    return {
        entry["base_addr"]: entry["mapped_path"]
        for block in seen.of("vas_map")[-1:]
        for entry in block.payload.get("entries", [])
        if entry["mapped_path"]
    }


def _rights(region: Region) -> str:
    return "".join(letter if name in region.protection else "-" for name, letter in _RIGHTS)


def _bar(region: Region, pages: int, style: Style) -> str:
    """Page states from the first page to the last, a cell for each share of them."""
    if not pages:
        return " " * _CELLS
    glyphs = style.glyphs
    cells = []
    span = max(1, region.region_size // region.page_size)
    width = min(_CELLS, span)
    for cell in range(width):
        first, stop = (
            cell * span // width,
            max((cell + 1) * span // width, cell * span // width + 1),
        )
        counts: dict[str, int] = {}
        for fragment in region.fragments:
            shift = (fragment.base - region.base_addr) // region.page_size
            low, high = max(0, first - shift), min(fragment.pages.pages, stop - shift)
            if low < high:
                for name, count in fragment.counts(low, high).items():
                    if count:
                        counts[name] = counts.get(name, 0) + count
        state = next(iter(counts)) if len(counts) == 1 else "mixed" if counts else "unmapped"
        cells.append(style.paint(glyphs[state], fg=_COLORS[state]))
    return "".join(cells) + " " * (_CELLS - width)


def _more(seen: _Seen) -> Iterator[Branch]:
    hints = seen.of("key_hint")
    if hints:
        rows = []
        for block in hints:
            hint = block.payload
            rows.append(
                (
                    f"{hint['key_type'].name}",
                    f"{hint['protocol'].name}",
                    f"{hint['key_len']} bytes at {hint['region_offset']:#x} of "
                    f"{hint['region_uuid']}",
                    f"{hint['confidence'].name}, {hint['key_state'].name}",
                    printable(hint.get("note")),
                )
            )
        yield f"hints     {len(hints)}", aligned(rows)
    related = seen.of("related_dump")
    if related:
        yield (
            f"related   {len(related)}",
            [
                f"{b.payload['related_dump_uuid']}  pid {b.payload['related_pid']}, "
                f"{b.payload['relationship'].name}"
                for b in related
            ],
        )
    for block in seen.of("vas_map"):
        count = len(block.payload.get("entries", []))
        yield f"mappings  {count} in the VAS Map at {block.offset:#x} (--show mappings)", []


def _clock(name: str) -> str:
    return name if name.startswith("clock_") else f"{name} clock"
