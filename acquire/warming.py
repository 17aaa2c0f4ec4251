"""Running once, before the target stands still, what will run while it does.

Much of a program takes longer the first time: modules are imported, the schema is bound to the
draft, encoders are made for what they are to encode. A target would have to wait for all of that.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from .bounds import Bounds, Interrupt
from .dumping import Dumping
from .model import Action, Failure, Known, Mapping, Register, Stretch, Thread
from .options import Options
from .standing import HeldPages, StopPlan
from .tally import Tally

__all__ = ["warm"]

_FEW = 64
"""Modules and mappings that are enough."""

_POINTERS = (Register("pc", bytes(8), ("pc",)), Register("sp", bytes(8), ("sp",)))


def warm(options: Options, header: dict[str, Any], known: Known) -> None:
    """Write a dump of nothing to nowhere.

    Args:
        options, header: as they will be.
        known: what was learnt of the target so far.
    """
    options = replace(options, max_bytes=None, timeout=None)
    page_size = known.identity.page_size
    thread = Thread(1, 0, "", "running", _POINTERS)
    few = replace(
        known, mappings=known.mappings[:_FEW], modules=known.modules[:_FEW], threads=[thread]
    )
    dumping = Dumping(io.BytesIO(), options, Bounds(options, Interrupt()), lambda: None)
    try:
        dumping.begin(header, few, few.threads, (), 0)
        chosen, nobody = [_mapping(page_size, 1), _mapping(page_size, 4)], _Nobody(page_size)
        tally, held = Tally("failed", "failed", str), HeldPages(4 * page_size, page_size)
        dumping.add_regions(nobody, zip(chosen, nobody.plans(chosen)), tally, 0, None)
        standing = StopPlan(nobody, chosen, held)
        held.take(nobody, standing.last, lambda size: None)
        dumping.add_parts(held, held.parts, tally, 0, None)
        held.close()
    finally:
        dumping.abandon()


def _mapping(page_size: int, pages: int) -> Mapping:
    return Mapping(page_size, page_size * (1 + pages), 3, "anonymous", "", b"")


class _Nobody:
    """A target whose pages are all zero, but for one that can't be read."""

    def __init__(self, page_size: int) -> None:
        self.page_size = page_size

    def plans(self, mappings: Sequence[Mapping]) -> Iterator[Sequence[Stretch]]:
        """Read the first page, and leave the others."""
        for mapping in mappings:
            pages = (mapping.end - mapping.start) // self.page_size
            read = Stretch(1, Action.READ)
            yield [read] if pages == 1 else [read, Stretch(pages - 1, Action.SKIP, "failed")]

    def read(self, mapping: Mapping, address: int, into: memoryview) -> int:
        """Leave what is there."""
        return into.nbytes

    def failure(self, mapping: Mapping, address: int, pages: int) -> Failure:
        """Nothing fails."""
        raise NotImplementedError
