"""The images that a Mach-O core names in an LC_NOTE ("all image infos"), as lldb has it.

How large one is, the note does not say: that stands in the image's own header, if it is captured.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ...errors import DamageError
from ...space import ADDRESSES_END, AddressSpace
from ..process import ProcessModule
from ..structures import Held, PackedStructure
from .structures import (
    COMMAND,
    HEADER,
    IMAGE_ENTRY,
    IMAGES_HEADER,
    MAGICS,
    SEGMENT_32,
    SEGMENT_32_FORM,
    SEGMENT_64,
    SEGMENT_64_FORM,
    ImageEntry,
    Segment32,
    Segment64,
)

__all__ = ["IMAGES", "FoundImages", "images_in"]

IMAGES = b"all image infos"
"""Owner of the LC_NOTE that has them."""

_MOST_IMAGES = 1 << 16
_MOST_COMMANDS = 1 << 10
_LARGEST_COMMANDS = 1 << 17
_LONGEST_PATH = 4096
_TIMES = 4
_UNKNOWN = (1 << 64) - 1
_EXECUTABLE = 2
_IN_CACHE = 1 << 31
"""MH_DYLIB_IN_CACHE: its segments stand gigabytes apart, among those of others."""
_TEXT = b"__TEXT"


class FoundImages(NamedTuple):
    """The images of a process.

    Attributes:
        left_out: paths and addresses of those of which nobody knows the size, or the place.
        executable: path of the one that is the program; empty: unknown.
    """

    modules: list[ProcessModule]
    left_out: list[str]
    executable: str


def images_in(
    held: Held, offset: int, size: int, space: AddressSpace, faults: list[str]
) -> FoundImages:
    """The images that a note names.

    Args:
        offset, size: where its bytes stand.
        faults: takes what is wrong with it.
    """
    found = FoundImages([], [], "")
    room = _Room(_TIMES * held.size)
    done = 0
    try:
        for row in _entries(held, offset, size):
            path = _path(held, row.path, room, f"image {done}", faults)
            known = row.address != _UNKNOWN
            extent, kind = _extent(held, space, row.address, room) if known else (0, 0)
            if extent:
                found.modules.append(ProcessModule(row.address, extent, path))
            else:
                found.left_out.append(f"{path}@{row.address:#x}" if known else path)
            if kind == _EXECUTABLE and not found.executable:
                found = found._replace(executable=path)
            done += 1
    except DamageError as error:
        faults.append(f"{error}: those from image {done} on are left out")
    return found


class _Room:
    """How many bytes may be looked at: all images may lead to the same long ones."""

    def __init__(self, size: int) -> None:
        self._left = size

    def take(self, size: int) -> None:
        """Use some.

        Raises:
            DamageError: nothing is left.
        """
        self._left -= size
        if self._left < 0:
            raise DamageError(
                f"images: their paths and headers are more than {_TIMES} times as long as the file"
            )


def _entries(held: Held, offset: int, size: int) -> Iterator[ImageEntry]:
    """The rows of the note.

    Raises:
        DamageError: they are not there whole.
    """
    if size < IMAGES_HEADER.size:
        raise DamageError(
            f"images at {offset:#x}: {size} bytes: expected {IMAGES_HEADER.size} or more",
            offset=offset,
        )
    head = held.one(IMAGES_HEADER, offset, "images")
    if head.entry_size < IMAGE_ENTRY.size or head.images > _MOST_IMAGES:
        raise DamageError(
            f"images at {offset:#x}: {head.images} of {head.entry_size} bytes: expected at most "
            f"{_MOST_IMAGES} of {IMAGE_ENTRY.size} or more",
            offset=offset,
        )
    held.require(head.entries, head.images * head.entry_size, f"{head.images} images")
    for number in range(head.images):
        yield held.one(IMAGE_ENTRY, head.entries + number * head.entry_size, "image")


def _path(held: Held, offset: int, room: _Room, image: str, faults: list[str]) -> str:
    if offset == _UNKNOWN:
        return ""
    if offset >= held.size:
        faults.append(f"{image}: its path at {offset:#x}: the file ends after {held.size} bytes")
        return ""
    read = held.source.read(offset, _LONGEST_PATH + 1)
    data, ended, _ = read.partition(b"\0")
    if not ended:
        why = f"longer than {_LONGEST_PATH} bytes"
        if len(read) <= _LONGEST_PATH:
            why = f"the file ends after {held.size} bytes, within it"
        data = data[:_LONGEST_PATH]
        faults.append(f"{image}: its path at {offset:#x}: {why}: {len(data)} bytes of it are kept")
    room.take(len(data))
    return data.decode("utf-8", "backslashreplace")


def _extent(held: Held, space: AddressSpace, address: int, room: _Room) -> tuple[int, int]:
    """Bytes of an image in memory, from its header on, and its type; zeros where nobody knows."""
    order = held.order
    memory = space.read(address, min(HEADER.size + 4, ADDRESSES_END - address))
    if not memory.complete or memory.size < HEADER.size + 4:
        return 0, 0
    form = MAGICS.get(bytes(memory.data[:4]))
    if form is None or form[0] != order:
        return 0, 0
    header = HEADER.read(order, bytes(memory.data[: HEADER.size]))
    start = address + HEADER.size + (4 if form[1] else 0)
    size = min(header.commands_size, _LARGEST_COMMANDS, ADDRESSES_END - start)
    room.take(size)
    commands = space.read(start, size)
    if not commands.complete:
        return 0, 0
    rows = list(_segments(bytes(commands.data), min(header.commands, _MOST_COMMANDS), order))
    text = next((one for one in rows if one.name.rstrip(b"\0") == _TEXT), None)
    if text is None:
        return 0, 0
    last = text.address + text.memory_size
    if not header.flags & _IN_CACHE:
        last = max(one.address + one.memory_size for one in rows)
    return min(last - text.address, ADDRESSES_END - address), header.file_type


def _segments(data: bytes, count: int, order: str) -> Iterator[Segment32 | Segment64]:
    """The segments that load commands name, as far as these can be followed."""
    at = 0
    for _ in range(count):
        if at + COMMAND.size > len(data):
            return
        command = COMMAND.read(order, data, at)
        form: PackedStructure[Segment64] | PackedStructure[Segment32] | None = None
        if command.type == SEGMENT_64:
            form = SEGMENT_64_FORM
        elif command.type == SEGMENT_32:
            form = SEGMENT_32_FORM
        if command.size < COMMAND.size:
            return
        if form is not None and at + form.size <= len(data):
            yield form.read(order, data, at)
        at += command.size
