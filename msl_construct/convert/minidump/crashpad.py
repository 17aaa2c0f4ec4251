"""What Crashpad adds to a minidump: who reported it, annotations of the program and of modules."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

from . import streams as kinds
from .streams import Streams
from .structures import CRASHPAD_INFO, LOCATION, MODULE_ANNOTATIONS

__all__ = ["crashpad_remarks"]

_MOST = 256
_LONGEST = 4096
_TEXT = 1
"""Type of an annotation object that is text."""


def crashpad_remarks(streams: Streams) -> dict[str, str]:
    """What the stream says, as keys and values for a note.

    Raises:
        DamageError: it is not there whole.
    """
    info = streams.one(kinds.CRASHPAD, CRASHPAD_INFO)
    if info is None:
        return {}
    found: dict[str, str] = {}
    for name, value in (("crashpad_report", info.report), ("crashpad_client", info.client)):
        if any(value):
            little = streams.held.order == "<"
            found[name] = str(uuid.UUID(bytes_le=value) if little else uuid.UUID(bytes=value))
    told: list[str] = []
    for line in _annotations(streams, info.annotations, info.modules):
        if len(told) == _MOST:
            told.append(f"and more than {_MOST}")
            break
        told.append(line)
    if told:
        found["annotations"] = ", ".join(told)
    return found


def _annotations(streams: Streams, simple: int, modules: int) -> Iterator[str]:
    yield from (f"{key}={value}" for key, value in _dictionary(streams, simple))
    for at in _rows(streams, modules, 4 + LOCATION.size):
        held = streams.held
        number = int.from_bytes(held.source.read(at, 4), held.byte_order)
        place = held.one(LOCATION, at + 4)
        if not held.has(place.offset, MODULE_ANNOTATIONS.size):
            streams.faults.append(f"annotations of module {number}: not there")
            continue
        row = held.one(MODULE_ANNOTATIONS, place.offset)
        for each in _rows(streams, row.list, 4):
            yield f"module {number}: {_text(streams, each)}"
        for key, value in _dictionary(streams, row.simple):
            yield f"module {number}: {key}={value}"
        for each in _rows(streams, row.objects, 12):
            kind = int.from_bytes(held.source.read(each + 4, 2), held.byte_order)
            data = _bytes(streams, each + 8)
            value = data.decode("utf-8", "backslashreplace") if kind == _TEXT else data.hex()
            yield f"module {number}: {_text(streams, each)}={value}"


def _dictionary(streams: Streams, at: int) -> Iterator[tuple[str, str]]:
    for row in _rows(streams, at, 8):
        yield _text(streams, row), _text(streams, row + 4)


def _rows(streams: Streams, at: int, width: int) -> Iterator[int]:
    """Where the rows of a list stand, of which none may be there."""
    held = streams.held
    if not at:
        return
    if not held.has(at, 4):
        streams.faults.append(f"annotations at {at:#x}: the file ends after {held.size} bytes")
        return
    count = int.from_bytes(held.source.read(at, 4), held.byte_order)
    if not held.has(at + 4, count * width):
        streams.faults.append(f"annotations at {at:#x}: {count} of them are not there")
        return
    yield from range(at + 4, at + 4 + count * width, width)


def _text(streams: Streams, at: int) -> str:
    return _bytes(streams, at).decode("utf-8", "backslashreplace")


def _bytes(streams: Streams, at: int) -> bytes:
    """The string, or the array of bytes, that an offset stored at `at` leads to; cut if long."""
    held = streams.held
    offset = int.from_bytes(held.source.read(at, 4), held.byte_order)
    if not offset:
        return b""
    size = int.from_bytes(held.source.read(offset, 4), held.byte_order)
    if not held.has(offset, 4 + size):
        streams.faults.append(f"annotation at {offset:#x}: {size} bytes that are not there")
        return b""
    if size > _LONGEST:
        streams.faults.append(
            f"annotation at {offset:#x}: {size} bytes: the first {_LONGEST} of them are kept"
        )
    return held.source.read(offset + 4, min(size, _LONGEST))
