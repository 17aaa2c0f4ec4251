"""The loader's own entries of modules, as a Windows process keeps them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ..plain_target import CallFailed
from .calls import WindowsSystem
from .peb import number_at, read_at

__all__ = ["loader_entries"]

_MOST = 1 << 14


class _Form(NamedTuple):
    """How it is laid out for an address of `width` bytes: where the PEB has the loader's data,
    those their list, an entry the image's address, and what of an entry all systems have
    (from InLoadOrderLinks to TimeDateStamp)."""

    width: int
    data: int
    entries: int
    base: int
    size: int


_WIDE = _Form(8, 0x18, 0x10, 0x30, 0x88)
_NARROW = _Form(4, 0x0C, 0x0C, 0x18, 0x48)


def loader_entries(system: WindowsSystem, process: int, *, narrow: bool) -> dict[int, bytes]:
    """LDR_DATA_TABLE_ENTRY by the address of the image, as far as all systems have it alike.

    Args:
        narrow: of the 32-bit program that it runs; else of the process itself.

    Raises:
        CallFailed: the list can't be read.
    """
    peb = system.peb_of_32_bits(process) if narrow else system.peb(process)
    return dict(_walk(system, process, peb, _NARROW if narrow else _WIDE)) if peb else {}


def _walk(
    system: WindowsSystem, process: int, peb: int, form: _Form
) -> Iterator[tuple[int, bytes]]:
    data = number_at(system, process, peb + form.data, form.width)
    if not data:  # not started yet
        return
    head = data + form.entries
    at = number_at(system, process, head, form.width)
    seen: set[int] = set()
    while at and at != head and at not in seen and len(seen) < _MOST:
        seen.add(at)
        try:
            entry = read_at(system, process, at, form.size)
        except CallFailed:  # it was unloaded in this moment
            return
        yield int.from_bytes(entry[form.base : form.base + form.width], "little"), entry
        at = int.from_bytes(entry[: form.width], "little")
