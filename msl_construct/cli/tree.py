"""The readable tree that ``msl inspect`` prints when nothing else is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar

from ..document.table_blocks import regions_of
from ..reader.regions import Region
from .text import AlignedRows, Style, binary_size, folded, many, moment, printable
from .tree_blocks import TreeBlocks
from .tree_investigation import Branch, investigated
from .tree_names import MappingNames

if TYPE_CHECKING:
    from ..reader.dump import Dump

__all__ = ["tree"]

Write = Callable[[str], object]
T = TypeVar("T")

_INDENT = "    "
_RIGHTS = (("read", "r"), ("write", "w"), ("execute", "x"), ("guard", "g"), ("copy_on_write", "c"))
_COLORS = {
    "captured": "green",
    "failed": "red",
    "unmapped": "yellow",
    "not_resident": "blue",
    "reserved": "magenta",
    "truncated": "red",
    "mixed": "cyan",
}


def tree(dump: Dump, write: Write, style: Style) -> None:
    """Print a dump as a tree; reads no page data."""
    seen = TreeBlocks(dump)
    name = printable(dump.name) or "dump"
    size = f"  {binary_size(dump.size)}" if dump.size is not None else ""
    dialect = f" ({dump.dialect})" if dump.dialect else ""
    width = style.columns

    def put(text: str, first: str = "", further: str = "  ") -> None:
        for number, part in enumerate(folded(text, width and width - len(further))):
            write(f"{further if number else first}{part}\n")

    put(
        f"{style.paint(name, bold=True)}{size}  {dump.draft}{dialect}, "
        f"{dump.header.schema.byte_order.value}-endian"
    )
    if dump.dialect is not None:
        put(printable(str(dump.recognition)))
    put(_verdict(dump, seen, style))
    tee, last, bar, gap = (
        ("├─ ", "└─ ", "│  ", "   ") if style.unicode else ("|- ", "`- ", "|  ", "   ")
    )
    for final, (line, below) in _until_last(_branches(dump, seen, style)):
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


def _verdict(dump: Dump, seen: TreeBlocks, style: Style) -> str:
    """One line that says how much of a dump this is."""
    if dump.locked:
        return style.paint("encrypted: only the header can be read", fg="yellow")
    parts = [many(seen.count, "block")]
    if seen.damaged:
        parts.append(f"{many(len(seen.damaged), 'payload')} not fitting the layout")
    if seen.unread:
        parts.append(f"{many(len(seen.unread), 'payload')} that could not be looked at")
    if seen.undecoded:
        parts.append(f"{many(seen.undecoded, 'payload')} not decoded")
    if seen.lacking:
        parts.append(f"{many(seen.lacking, 'region')} without all the bytes promised")
    fits = not seen.damaged and not seen.lacking
    if dump.complete and fits and not seen.unread:
        mark, color = ("✔" if style.unicode else "ok"), "green"
        head = "complete"
    elif dump.complete and fits:
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
        + f": {'; '.join(parts)} (hashes and page data not checked: msl verify)"
    )


def _branches(dump: Dump, seen: TreeBlocks, style: Style) -> Iterator[Branch]:
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
    yield from investigated(dump.header.record, seen)
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
            version = f"  {printable(payload['version'])}" if payload.get("version") else ""
            yield (
                f"{payload['base_addr']:#x}",
                binary_size(payload["module_size"]),
                f"{printable(payload['path'])}{version}",
            )

    missing = f", {named} in the list" if named != len(entries) else ""
    yield f"modules   {len(entries)}{missing}", AlignedRows(rows)


def _threads(seen: TreeBlocks) -> Iterator[Branch]:
    from ..document.tables import thread_rows

    blocks = seen.of("thread_context")
    if not blocks:
        return

    def rows() -> Iterator[tuple[str, ...]]:
        for row in thread_rows(blocks):
            yield (
                str(row["thread_id"]),
                printable(row["thread_name"]),
                ", ".join([row["thread_state"] or "-", *(row["flags"] or [])]),
                f"pc {row['pc'] or '-'}",
                f"sp {row['sp'] or '-'}",
                many(row["registers"], "register"),
            )

    yield f"threads   {len(blocks)}", AlignedRows(rows)


_NO_FILE = ("heap", "stack", "anonymous", "shared_mem")
"""Types of regions that hold no file's code."""


def _memory(seen: TreeBlocks, style: Style) -> Iterator[Branch]:
    blocks = seen.of("memory_region")
    names = MappingNames(seen)
    totals: dict[str, int] = {}
    count = marked = 0

    def rows() -> Iterator[tuple[str, ...]]:
        nonlocal count, marked
        totals.clear()
        count = marked = 0
        for region in regions_of(blocks):
            count += 1
            marked += bool(_suspicious(region))
            for state, pages in region.counts.items():
                totals[state] = totals.get(state, 0) + pages * region.page_size
            yield _region_row(region, names, style)

    aligned = AlignedRows(rows)
    aligned.measure()
    if not count:
        return
    captured = binary_size(totals.pop("captured", 0))
    rest = "".join(f", {binary_size(n)} {state}" for state, n in totals.items() if n)
    warning = style.paint(f"; {marked} to look at: W+X, or code without a file", fg="red")
    head = f"memory    {many(count, 'region')}: {captured} captured{rest}"
    yield head + (warning if marked else ""), aligned


def _region_row(region: Region, names: MappingNames, style: Style) -> tuple[str, ...]:
    counts = region.counts
    pages = sum(counts.values())
    percent = f"{100 * counts.get('captured', 0) // pages}%" if pages else "-"
    remarks = [style.paint(what, fg="red", bold=True) for what in _suspicious(region)]
    remarks += [
        f"{count} {state}" for state, count in counts.items() if count and state != "captured"
    ]
    if len(region.fragments) > 1:
        remarks.append(f"{len(region.fragments)} fragments")
    if any(f.damaged for f in region.fragments):
        remarks.append("damaged: its page map does not fit")
    return (
        f"{region.base_addr:#x}",
        binary_size(region.region_size),
        _rights(region),
        region.region_type.name,
        _bar(region, pages, style),
        percent,
        ", ".join(remarks),
        printable(names.of(region.base_addr)),
    )


def _suspicious(region: Region) -> list[str]:
    """What code that was put there at run time has about it, and little else."""
    rights = region.protection
    if "execute" not in rights:
        return []
    found = ["W+X"] if "write" in rights else []
    if region.region_type.name in _NO_FILE:
        found.append("code without a file")
    return found


def _rights(region: Region) -> str:
    return "".join(letter if name in region.protection else "-" for name, letter in _RIGHTS)


def _bar(region: Region, pages: int, style: Style) -> str:
    """Page states from the first page to the last, a cell for each share of them."""
    if not pages:
        return " " * style.cells
    glyphs = style.glyphs
    cells = []
    span = max(1, region.region_size // region.page_size)
    width = min(style.cells, span)
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
    return "".join(cells) + " " * (style.cells - width)


def _more(seen: TreeBlocks) -> Iterator[Branch]:
    hints = seen.of("key_hint")
    if hints:

        def rows() -> Iterator[tuple[str, ...]]:
            for block in hints:
                hint = block.payload
                yield (
                    f"{hint['key_type'].name}",
                    f"{hint['protocol'].name}",
                    f"{hint['key_len']} bytes at {hint['region_offset']:#x} of "
                    f"{hint['region_uuid']}",
                    f"{hint['confidence'].name}, {hint['key_state'].name}",
                    printable(hint.get("note")),
                )

        yield f"hints     {len(hints)}", AlignedRows(rows)
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
