"""What a dump says of every page; the one module here that uses the package, to read it."""

from __future__ import annotations

import msl_construct

__all__ = ["pages_of"]


def pages_of(raw: bytes, page_size: int) -> dict[int, bytes | str]:
    """By address: the page's bytes, or its state if it was not captured."""
    found: dict[int, bytes | str] = {}
    with msl_construct.open(raw) as dump:
        assert dump.verify().intact
        for region in dump.regions:
            assert region.page_size == page_size
            for first, count, state in region.runs():
                for number in range(first, first + count):
                    address = region.base_addr + number * page_size
                    found[address] = state
                    if state == "captured":
                        found[address] = bytes(dump.memory.read(address, page_size))
    return found
