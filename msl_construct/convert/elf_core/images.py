"""Where in its file a mapping of an image begins: by the program headers that memory holds."""

from __future__ import annotations

from dataclasses import dataclass

from ...space import AddressSpace
from ..process import ProcessModule
from .structures import (
    HEADERS,
    IDENT,
    LOAD,
    MAGIC,
    PROGRAM_HEADERS,
    ProgramHeader32,
    ProgramHeader64,
)

__all__ = ["LoadedImage", "image_at"]

_MOST_HEADERS = 256
_PAGE = 4096


@dataclass(frozen=True)
class LoadedImage:
    """An ELF image in memory.

    Attributes:
        bias: what is added to the addresses of its file.
        segments: ``(address, offset in the file, bytes of the file)``, as its file has them.
    """

    bias: int
    segments: tuple[tuple[int, int, int], ...]

    def offset_of(self, address: int) -> int | None:
        """Where in the file the page at an address begins; None if no segment has it."""
        wanted = address - self.bias
        found = None
        for start, offset, size in self.segments:
            first = start - start % _PAGE
            if first <= wanted < start + size:
                found = offset - start % _PAGE + wanted - first
        return found


def image_at(space: AddressSpace, module: ProcessModule) -> LoadedImage | None:
    """What the captured head of a module says; None if it is no ELF image, or was not captured."""
    head = space.read(module.base, IDENT.size + HEADERS[1].size)
    if not head.complete or bytes(head.data[:4]) != MAGIC:
        return None
    ident = IDENT.read("<", head.data)
    order = {1: "<", 2: ">"}.get(ident.data)
    if order is None or ident.file_class not in (1, 2):
        return None
    wide = ident.file_class - 1
    header = HEADERS[wide].read(order, head.data, IDENT.size)
    form = PROGRAM_HEADERS[wide]
    count = header.program_header_count
    if header.program_header_size != form.size or not 0 < count <= _MOST_HEADERS:
        return None
    table = space.read(module.base + header.program_headers, count * form.size)
    if not table.complete:
        return None
    rows: list[ProgramHeader32 | ProgramHeader64] = [*form.rows(order, table.data)]
    loads = [row for row in rows if row.type == LOAD]
    first = next((row for row in loads if row.offset < _PAGE), None)
    if first is None:
        return None
    bias = module.base - (first.address - first.offset)
    return LoadedImage(bias, tuple((row.address, row.offset, row.file_size) for row in loads))
