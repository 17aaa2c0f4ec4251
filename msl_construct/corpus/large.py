"""Samples that are too large to keep: written on demand, as sparse files.

A plan would hold all of them in memory; these are documents, written a block at a time.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from io import RawIOBase
from pathlib import Path
from typing import IO, Any, cast

from ..document.build import build
from ..outputs import whole_file
from ..page_map import stored_size
from ..schema import Schema
from ..schema.raw import Base64
from ..source import Extent, PathSource
from .assemble import END, START
from .payloads import BASE, identity, module_list, region, related
from .plan import Form, uuid_of

__all__ = ["LARGE", "Large", "write_large"]

_LOG2 = 12
_SPAN = 1 << 32
_BLOCKS = 100_000
_PIECE = bytes(1 << 20)

Rows = Iterator[dict[str, Any]]


_FORM = Form("10-le", "draft-2026-03", "little")


@dataclass(frozen=True)
class Large:
    """A sample that is made on demand.

    Attributes:
        name: without folder and form.
        shows: what it shows.
        form: draft and byte order.
        features: short codes of what it has.
        capabilities: CapBitmap beside identity and module list.
        rows: the blocks between the module list and the End-of-Capture, as documents; its
            argument is an empty file to put page data into.
    """

    name: str
    shows: str
    form: Form
    features: tuple[str, ...]
    capabilities: tuple[str, ...]
    rows: Callable[[Schema, IO[bytes]], Rows]


def write_large(large: Large, path: Path) -> None:
    """Write a large sample; where it is zero for long, the file has a hole.

    Raises:
        OSError: it can't be written.
    """
    header = {
        "flags": [],
        "dump_uuid": uuid_of("dump"),
        "timestamp": str(START),
        "os_type": "linux",
        "arch_type": "x86_64",
        "pid": 4242,
        "clock_source": "clock_realtime",
        "cap_bitmap": ["module_list", "process_identity", *large.capabilities],
    }
    with tempfile.TemporaryFile() as pages, whole_file(path, force=True, secret=False) as file:
        form = {"draft": large.form.draft, "byte_order": large.form.byte_order}
        blocks = _named(large, large.rows(large.form.schema, pages))
        parts = iter((("format", form), ("header", header), ("blocks", blocks)))
        build(parts, cast("IO[bytes]", _Sparse(file)))
        file.truncate()


def _named(large: Large, rows: Rows) -> Rows:
    """All blocks, each with a UUID of its own unless it has one."""

    def every() -> Rows:
        yield {"block_type": "process_identity", "payload": identity()}
        yield {"block_type": "module_list_index", "payload": module_list()}
        yield from rows
        yield {"block_type": "end_of_capture", "payload": {"acq_end": str(END)}}

    for number, row in enumerate(every()):
        yield {"block_uuid": uuid_of(f"{large.name} {number}"), **row}


class _Sparse(RawIOBase):
    """Passes on what is written, but for zeros, over which it skips."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        for start in range(0, len(view), len(_PIECE)):
            part = bytes(view[start : start + len(_PIECE)])  # views compare byte by byte
            if part == _PIECE[: len(part)]:
                self._file.seek(len(part), 1)
            else:
                self._file.write(part)
        return len(view)


def _continued(schema: Schema, pages: IO[bytes]) -> Rows:
    """The largest fragment that BlockLength can say, and what is left of the region."""
    layout = schema.block("memory_region").layout
    assert layout is not None
    page = 1 << _LOG2
    total = (_SPAN >> _LOG2) + 2
    room = _SPAN - 1 - schema.block_header_size - layout.offset_of("page_state_map")
    first = room // page
    while stored_size(first) + first * page > room:
        first -= 1
    for number in (0, first - 1, first, total - 1):
        pages.seek(number * page)
        pages.write(f"page {number}".encode())
    pages.truncate(total * page)
    pages.flush()
    with closing(PathSource(pages.fileno())) as source:
        start = 0
        for count in (first, total - first):
            data = Base64(Extent(source, start * page, count * page))
            fragment = region("", (BASE & -page) + start * page, _LOG2, size=count * page)
            fragment |= {"page_state_map": [[0, count, "captured"]], "page_data": {"data": data}}
            row: dict[str, Any] = {"block_type": "memory_region", "payload": fragment}
            if start:
                yield {**row, "flags": ["continuation"], "parent_uuid": uuid_of("first")}
            else:
                yield {**row, "flags": ["has_children"], "block_uuid": uuid_of("first")}
            start += count


def _blocks(schema: Schema, pages: IO[bytes]) -> Rows:
    for number in range(_BLOCKS):
        other = related(related_dump_uuid=uuid_of(f"dump {number}"), related_pid=number)
        yield {"block_type": "related_dump", "payload": other}


LARGE = (
    Large(
        "continuation-4gib",
        "A region of 4 GiB and two pages, all captured: more than BlockLength can say, so it "
        "stands in two fragments, the first as long as a block can be.",
        _FORM,
        ("cont", "large"),
        ("memory_regions",),
        _continued,
    ),
    Large(
        "blocks-100000",
        "100,000 Related Dumps, and the blocks that every file has.",
        _FORM,
        ("large", "many"),
        ("related_dumps",),
        _blocks,
    ),
)
