"""How Memory Regions are laid out in a buffer: derived from the schema once for many of them."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from typing import Any

from ..abbreviated import abbreviated
from ..errors import ConformanceError
from ..page_map import PageMap, Run, stored_size
from ..schema.packing import RowPacker
from .blocks import BlockStream
from .region_plan import READ, WINDOW, ZERO, Piece, Plan, Read, note, runs_of

__all__ = ["RegionLaying", "Shape", "put_zeros"]

_HASHED = 1 << 16
"""Bytes of a block whose multiples are hashed while it is read: from odd places on, a hash works
in small steps."""

Shape = tuple[int, int]
"""Protection and RegionType as they are stored, once they are known to be permitted."""


class RegionLaying:
    """Lays out Memory Regions for the fast ways of a `RegionFeed`, and counts their pages.

    Attributes:
        blocks: Memory Regions that were laid out and belong to the file.
        states: their pages, by the code of their state.
        head: bytes of a block in front of its page map.
    """

    def __init__(self, stream: BlockStream) -> None:
        self.stream = stream
        self.schema = stream.schema
        self.kind = self.schema.block("memory_region")
        layout = self.kind.layout
        assert layout is not None
        self._fixed = RowPacker(
            layout.before("page_state_map"),
            *("base_addr", "region_size", "protection", "region_type", "page_size_log2"),
            "timestamp",
        )
        self.head = stream.header_size + self._fixed.size
        self.blocks = 0
        self.states = [0, 0, 0, 0]
        self._codes: dict[str, int] = {}
        self._shapes: dict[tuple[int, str, int], Shape] = {}
        self._zeros = bytes(8)

    # -- what callers say --------------------------------------------------------------

    def shape(self, protection: int, region_type: str, log2: int) -> Shape:
        """The stored Protection and RegionType.

        Raises:
            ConformanceError: the draft forbids one of them, or pages of this size.
        """
        found = self._shapes.get((protection, region_type, log2))
        if found is not None:
            return found
        layout = self.kind.layout
        assert layout is not None
        if 1 << log2 > WINDOW:
            raise ConformanceError(f"pages of {1 << log2} bytes: a feed reads at most {WINDOW}")
        given = {"protection": protection, "region_type": region_type, "page_size_log2": log2}
        record = layout.before("page_state_map").complete(
            {"base_addr": 0, "region_size": 0, "timestamp": 0, **given}
        )
        for key in given:
            field = layout.field(key)
            for problem in field.type.problems(record[key], record):
                raise ConformanceError(f"{key} must not be written: {problem} ({field.section})")
        found = int(record["protection"]), int(record["region_type"])
        self._shapes[protection, region_type, log2] = found
        return found

    def check_plan(self, plan: Plan) -> None:
        """Refuse a plan with page states that the draft forbids.

        Raises:
            ConformanceError: it has some.
        """
        for what in {what for _, what in plan}:
            if what not in (READ, ZERO):
                self.state(what)

    def state(self, name: str) -> int:
        """The code of a page state that the draft permits.

        Raises:
            ConformanceError: it has no such state.
        """
        code = self._codes.get(name)
        if code is None:
            states = self.schema.page_states
            try:
                code = states.encode(name)
            except ValueError as error:
                raise ConformanceError(f"{error} (§6)") from None
            if not states.permits(code):
                raise ConformanceError(
                    f"page state {abbreviated(name)}: {self.schema.name} does not permit it (§6)"
                )
            self._codes[name] = code
        return code

    # -- parts of a block --------------------------------------------------------------

    def size_of(self, piece: Piece) -> int:
        """Bytes of a piece's block, if its plan holds."""
        return self.head + stored_size(piece.pages) + (piece.data << piece.log2)

    def lay_head(
        self, buffer: Any, piece: Piece, shape: Shape, size: int, found: uuid.UUID
    ) -> None:
        """A block up to its page map, at a buffer's start."""
        self.stream.lay_header(buffer, self.kind, size, 0, found)
        self.lay_fields(buffer, self.stream.header_size, piece, shape)

    def lay_fields(self, buffer: Any, offset: int, piece: Piece, shape: Shape) -> None:
        """The fields in front of the page map; the time is now."""
        size = piece.pages << piece.log2
        self._fixed.pack_into(
            buffer, offset, piece.base, size, *shape, piece.log2, self.stream.clock()
        )

    @property
    def fields_size(self) -> int:
        """Bytes of the fields in front of the page map."""
        return self._fixed.size

    def planned_map(self, piece: Piece) -> bytes:
        """The stored map of a piece whose plan holds."""
        if piece.data == piece.pages:
            size = stored_size(piece.pages)
            if len(self._zeros) < size:
                self._zeros = bytes(size)
            return self._zeros[:size]
        return PageMap.from_runs(self.planned_runs(piece, piece.pages), piece.pages).stored

    def planned_runs(self, piece: Piece, stop: int) -> list[Run]:
        """The states of a piece's first pages, if its plan holds."""
        runs: list[Run] = []
        page = 0
        for count, what in piece.plan:
            count = min(count, stop - page)
            if count <= 0:
                break
            note(runs, page, count, 0 if what in (READ, ZERO) else self.state(what))
            page += count
        return runs

    def fill(
        self,
        piece: Piece,
        view: memoryview,
        start: int,
        read: Read,
        update: Callable[[memoryview], Any] | None = None,
    ) -> tuple[int, list[Run] | None]:
        """Read a piece's pages into `view` from `start` on.

        Args:
            update: takes the bytes from the view's start on, in order, until a page comes
                otherwise than planned.

        Returns:
            the end of the bytes, and the runs of page states where they differ from the plan.
        """
        base, log2, end, told = piece.base, piece.log2, start, 0
        runs: list[Run] | None = None
        page = 0
        for count, what in piece.plan:
            if what != READ:
                if what == ZERO:
                    put_zeros(view[end : end + (count << log2)])
                    end += count << log2
                if runs is not None:
                    note(runs, page, count, self.state("captured" if what == ZERO else what))
                page += count
                continue
            step = max(1, WINDOW >> log2)
            for first in range(page, page + count, step):
                pages = min(step, page + count - first)
                size = pages << log2
                outcome = read(base + (first << log2), view[end : end + size])
                if outcome is None:
                    end += size
                    if runs is not None:
                        note(runs, first, pages, 0)
                    elif update is not None:
                        whole = end - end % _HASHED
                        update(view[told:whole])
                        told = whole
                    continue
                if runs is None:
                    runs = self.planned_runs(piece, first)
                for at, number, code in runs_of(outcome, pages, self.state):
                    note(runs, first + at, number, code)
                    end += 0 if code else number << log2
            page += count
        if update is not None and runs is None and told < end:
            update(view[told:end])
        return end, runs

    # -- for the account ---------------------------------------------------------------

    def count(self, runs: Iterable[Run], width: int = 1) -> None:
        """Take note of a block that is in the file, by its page states; see `Piece.width`."""
        self.blocks += 1
        for _, count, code in runs:
            self.states[code] += count * width


_BLANK = bytes(WINDOW)


def put_zeros(view: memoryview) -> None:
    """Fill a view with zeros."""
    for start in range(0, view.nbytes, WINDOW):
        part = view[start : start + WINDOW]
        part[:] = _BLANK[: part.nbytes]
