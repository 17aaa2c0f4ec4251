"""The handle data of a minidump, in and out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from struct import Struct

from ..process import ProcessHandle
from . import streams as kinds
from .streams import Streams
from .structures import HANDLE

__all__ = ["handles_of", "write_handles"]

_HEAD = Struct("<IIII")


def handles_of(streams: Streams) -> list[ProcessHandle]:
    """What the process has open.

    Raises:
        DamageError: the list is not there whole.
        LimitError: it has more than a million rows.
    """
    return [
        ProcessHandle(
            row.handle,
            streams.text(row.type_name, f"type of handle {row.handle:#x}"),
            streams.text(row.object_name, f"handle {row.handle:#x}"),
        )
        for row in streams.sized_rows(kinds.HANDLES, HANDLE, "I")
    ]


def write_handles(handles: Sequence[ProcessHandle], text: Callable[[str], int]) -> bytes:
    """A stream with them; what is not known of one (rights, counts) is 0.

    Args:
        text: stores a string and says where.
    """
    rows = [
        HANDLE.write(
            "<",
            one.number,
            text(one.kind) if one.kind else 0,
            text(one.name) if one.name else 0,
            0,
            0,
            0,
            0,
        )
        for one in handles
    ]
    return _HEAD.pack(_HEAD.size, HANDLE.size, len(rows), 0) + b"".join(rows)
