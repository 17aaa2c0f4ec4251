"""The handles of a Windows process.

What a handle leads to is not asked for: that takes a duplicate, which would keep open what its
owner closes meanwhile, and asking a duplicate of a pipe for its name can wait for ever.
"""

from __future__ import annotations

import os
from contextlib import suppress
from itertools import islice
from typing import Any

from ..plain_target import CallFailed
from .calls import WindowsSystem

__all__ = ["descriptors"]

_PROCESS = "Process"
_COULD_BE_ANYTHING = "File"
"""A file, a folder, a pipe, a socket or a device."""
_MOST = 1 << 16
"""A program may have 2^24 of them, and stands still while they are listed."""
_ATTRIBUTES = ((0x1, "protected_from_close"), (0x2, "inherited"))


def descriptors(system: WindowsSystem, process: int, pid: int) -> tuple[list[dict[str, Any]], int]:
    """In the order of their numbers; and how many more there are.

    Each has ``fd`` (its number), ``type`` (the system's name of it), ``access`` and ``flags``
    (masks), ``flag_names``, ``object`` (the address in the kernel, where that is told), and
    ``kind``: the type again, unless that could be anything.

    Raises:
        CallFailed: they are not told.
    """
    types: dict[int, str] = {}
    with suppress(CallFailed):
        types = _types(system, process)
    rows = []
    listed = system.handles(process, pid)
    for one in sorted(islice(listed, _MOST)):
        name = types.get(one.type_index, "")
        row: dict[str, Any] = {
            "fd": one.value,
            "type": name or f"type {one.type_index}",
            "access": f"{one.access:#x}",
            "flags": f"{one.attributes:#x}",
            "flag_names": [word for bit, word in _ATTRIBUTES if one.attributes & bit],
        }
        if one.object:
            row["object"] = f"{one.object:#x}"
        if name and name != _COULD_BE_ANYTHING:
            row["kind"] = name
        rows.append(row)
    return rows, sum(1 for _ in listed)


def _types(system: WindowsSystem, process: int) -> dict[int, str]:
    """Names of types by the numbers that handles have of them.

    Wine counts otherwise in its list of types: a handle of ours, of a process, says by how much.
    """
    listed = system.types_of_objects()
    shown = system.type_of(system.own_process(), os.getpid(), process)
    if listed.get(shown or 0) == _PROCESS:
        return listed
    (place, *more) = [number for number, name in listed.items() if name == _PROCESS] or [0]
    if not place or more or shown is None:
        return {}
    return {number + shown - place: name for number, name in listed.items()}
