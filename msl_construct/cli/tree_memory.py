"""The tree's branch of memory: regions with what they belong to, folded where all is as usual."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby, islice
from operator import gt

from ..document.hinted_addresses import HintedAddresses
from ..document.place_names import NAMING, PlaceNames
from ..document.region_marks import UNBACKED, WRITTEN, marks_of, rights_of
from ..document.table_blocks import regions_of
from ..reader.regions import ABSENT, Region, fragment_of
from .text import Style, binary_size, printable, shortened, width_of_text
from .tree_blocks import BlockList, TreeBlocks

__all__ = ["MemoryFacts", "PlaceNames", "memory_facts", "memory_rows", "names_of"]

_FOLDED = 3
"""Regions side by side that belong together, and make one row."""
_KIND = 12
"""Columns of a region's type."""
_NAMED = 11
"""Columns that a name has at least, as long as there is a bar to give up for it."""
_COLORS = {
    "captured": "green",
    "failed": "red",
    "unmapped": "yellow",
    "not_resident": "blue",
    "reserved": "magenta",
    "truncated": "red",
    "mixed": "cyan",
}


def names_of(seen: TreeBlocks) -> PlaceNames:
    """What modules and the VAS Map call addresses."""
    return PlaceNames(*(seen.of(kind) for kind in NAMING))


@dataclass
class MemoryFacts:
    """All regions together.

    Attributes:
        names: what addresses are called.
        regions: how many.
        sizes: bytes by the state of their pages.
        written_code, no_file: regions to look at: that are written and executed, and that hold
            code that comes from no file.
        to_look_at: either.
        address_width, rights_width: characters of the widest.
        bases, numbers: of each region, first address and number of its block.
        several: those of more than one fragment, by their place among all.
    """

    blocks: BlockList
    names: PlaceNames

    regions: int = 0
    sizes: dict[str, int] = field(default_factory=dict)
    written_code: int = 0
    no_file: int = 0
    to_look_at: int = 0
    address_width: int = 0
    rights_width: int = 3

    bases: array[int] = field(default_factory=lambda: array("Q"))
    numbers: array[int] = field(default_factory=lambda: array("Q"))
    several: dict[int, Region] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """Bytes of all of them."""
        return sum(self.sizes.values())

    def by_address(self) -> Iterator[Region]:
        """The regions in the order of their addresses; those of one fragment are read again."""
        order: Iterable[int] = range(len(self.bases))
        if any(map(gt, self.bases, islice(self.bases, 1, None))):
            order = sorted(order, key=self.bases.__getitem__)
        for place in order:
            region = self.several.get(place)
            if region is None:
                fragment = fragment_of(self.blocks.block(self.numbers[place]))
                if fragment is None:  # there was memory for it the first time: the end says so
                    continue
                region = Region([fragment])
            yield region


def memory_facts(blocks: BlockList, hinted: HintedAddresses, names: PlaceNames) -> MemoryFacts:
    """Counted in one pass.

    Args:
        hinted: is told of all regions.
        names: of `names_of`.
    """
    found = MemoryFacts(blocks, names)
    for region in regions_of(blocks):
        hinted.take(region)
        if len(region.fragments) > 1 or region.orphan:
            found.several[found.regions] = region
        found.bases.append(region.base_addr)
        found.numbers.append(region.head.block.index)
        found.regions += 1
        for state, pages in region.counts.items():
            if pages:
                found.sizes[state] = found.sizes.get(state, 0) + pages * region.page_size
        marks = marks_of(region, names)
        found.written_code += WRITTEN in marks
        found.no_file += UNBACKED in marks
        found.to_look_at += bool(marks)
        found.address_width = max(found.address_width, len(f"{region.base_addr:#x}"))
        found.rights_width = max(found.rights_width, len(rights_of(region)))
    return found


_SHORT = {WRITTEN: WRITTEN, UNBACKED: "no file"}


@dataclass
class _Group:
    """Regions side by side that belong together.

    Attributes:
        base_addr: where the first of them begins.
        rows: what is shown of as many as are shown on their own; not the regions, whose page maps
            would stay.
        counts: bytes by state.
    """

    key: str
    name: str
    base_addr: int
    rows: list[str] = field(default_factory=list)
    count: int = 0
    size: int = 0
    sizes: dict[str, int] = field(default_factory=dict)
    rights: dict[str, None] = field(default_factory=dict)

    def add(self, region: Region) -> None:
        """Take one more."""
        self.count += 1
        self.size += region.region_size
        self.rights.setdefault(rights_of(region))  # five letters: there are few
        for state, pages in region.counts.items():
            self.sizes[state] = self.sizes.get(state, 0) + pages * region.page_size


def memory_rows(facts: MemoryFacts, style: Style, *, unfolded: bool) -> Iterator[str]:
    """A row for each region, by address, or for several that belong together.

    A region that has something to look at has always a row of its own.
    """
    group: _Group | None = None
    for region in facts.by_address():
        name, key = _name_of(region, facts.names)
        marks = marks_of(region, facts.names)
        alone = unfolded or bool(marks) or any(f.damaged for f in region.fragments)
        if group is not None and (alone or group.key != key):
            yield from _group_rows(group, facts, style)
            group = None
        if alone:
            yield _region_row(region, name, marks, facts, style)
            continue
        if group is None:
            group = _Group(key, name, region.base_addr)
        group.add(region)
        if group.count < _FOLDED:
            group.rows.append(_region_row(region, group.name, marks, facts, style))
    if group is not None:
        yield from _group_rows(group, facts, style)


def _name_of(region: Region, names: PlaceNames) -> tuple[str, str]:
    """What a region is called, and what those have in common that belong together."""
    module = names.module_of(region.base_addr)
    mapping = names.mapping_of(region.base_addr)
    kind = f"[{region.region_type.name}]"
    return mapping or module or kind, module or mapping or kind


def _group_rows(group: _Group, facts: MemoryFacts, style: Style) -> Iterator[str]:
    if group.count < _FOLDED:
        yield from group.rows
        return
    pages = sum(group.sizes.values())
    captured = group.sizes.get("captured", 0)
    times = "×" if style.unicode else "x"
    remarks = [f"{group.count} regions" if style.wide else f"{times}{group.count}"]
    rights = "" if style.narrow else " ".join(group.rights)
    if style.columns is not None:
        rights = shortened(rights, facts.rights_width + 2 + _KIND, style.unicode)
    if not style.narrow:
        remarks += _lacking(group.sizes)
    shares = [(state, size) for state, size in group.sizes.items() if size]
    yield _row(
        f"{group.base_addr:#x}",
        group.size,
        rights.ljust(facts.rights_width + (0 if style.narrow else 2 + _KIND)),
        None,
        _shares(shares, pages, style),
        f"{100 * captured // pages}%" if pages else "-",
        group.key,
        remarks,
        facts,
        style,
    )


def _lacking(sizes: dict[str, int]) -> list[str]:
    """What there is none of, by why."""
    return [
        f"{binary_size(size)} {state}"
        for state, size in sizes.items()
        if size and state != "captured"
    ]


def _region_row(
    region: Region, name: str, marks: list[str], facts: MemoryFacts, style: Style
) -> str:
    counts = region.counts
    pages = sum(counts.values())
    remarks = [
        style.paint(_SHORT[what] if style.narrow else what, fg="red", bold=True) for what in marks
    ]
    if not style.narrow:  # else there is the bar
        remarks += _lacking({state: n * region.page_size for state, n in counts.items()})
    if len(region.fragments) > 1:
        remarks.append(f"{len(region.fragments)} fragments")
    if any(f.damaged for f in region.fragments):
        remarks.append("damaged: its page map does not fit")
    rights = rights_of(region).ljust(facts.rights_width)
    return _row(
        f"{region.base_addr:#x}",
        region.region_size,
        style.paint(rights, fg="red", bold=True) if marks else rights,
        region.region_type.name,
        _bar(region, pages, style),
        f"{100 * counts.get('captured', 0) // pages}%" if pages else "-",
        name,
        remarks,
        facts,
        style,
    )


def _row(
    address: str,
    size: int,
    rights: str,
    kind: str | None,
    bar: str,
    percent: str,
    name: str,
    remarks: list[str],
    facts: MemoryFacts,
    style: Style,
) -> str:
    """The cells of a row, as many of them and as much of the name as there is room for.

    Args:
        kind: None: `rights` are those of several regions, and take its column as well.
    """
    cells = [address.ljust(facts.address_width), binary_size(size).rjust(9), rights]
    if kind is not None and not style.narrow:
        cells.append(kind.ljust(_KIND))
    cells.append(percent.rjust(4))
    said = printable(name)
    remark = ", ".join(remarks)
    if style.room is not None:
        used = sum(width_of_text(cell) + 2 for cell in cells)
        left = style.room - used - _NAMED - 2
        more = "…" if style.unicode else "..."
        while width_of_text(remark) > left and len(remarks) > 1:
            remarks = remarks[:-1]  # the summary has all of them
            remark = ", ".join([*remarks, more])
        if bar and width_of_text(remark) + style.cells + 2 > left:
            bar = ""
        room = style.room - used - (style.cells + 2 if bar else 0)
        room -= width_of_text(remark) + 2 if remark else 0
        said = shortened(said, max(room, _NAMED), style.unicode)
    if bar:
        cells.append(bar)
    cells.append(said)
    return "  ".join([*cells, remark] if remark else cells).rstrip()


def _shares(states: list[tuple[str, int]], total: int, style: Style) -> str:
    """States of several regions, each with its share of the cells; order means nothing."""
    cells, done, seen = [], 0, 0
    for state, size in states:
        seen += size
        stop = style.cells * seen // total if total else 0
        glyph = style.glyphs.get(state, style.glyphs["mixed"])
        if stop > done:
            cells.append(style.paint(glyph * (stop - done), fg=_COLORS.get(state)))
        done = stop
    return "".join(cells) + " " * (style.cells - done)


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
        cells.append(next(iter(counts)) if len(counts) == 1 else "mixed" if counts else ABSENT)
    painted = (
        # A draft of one's own may have other states.
        style.paint(glyphs.get(state, glyphs["mixed"]) * len(list(same)), fg=_COLORS.get(state))
        for state, same in groupby(cells)
    )
    return "".join(painted) + " " * (style.cells - width)
