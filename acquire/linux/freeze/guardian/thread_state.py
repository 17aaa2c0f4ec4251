"""What /proc says of a thread at one moment."""

from __future__ import annotations

import os
from typing import NamedTuple

__all__ = ["Sighting", "look", "look_at_all", "status_value", "thread_ids"]

_LARGEST = 4096
"""Bytes of a stat file that matter; they are far shorter."""
_LARGEST_STATUS = 1 << 16
"""The same of a status file, where a long list of groups may stand."""


class Sighting(NamedTuple):
    """One thread.

    Attributes:
        thread_id: the kernel's number.
        name: its own, up to fifteen bytes, replaced where it is no UTF-8.
        state: the letter of /proc/PID/task/TID/stat.
        start_ticks: clock ticks from boot to its start.
        threads: how many threads the process has.
    """

    thread_id: int
    name: str
    state: str
    start_ticks: int
    threads: int


def look(pid: int, thread_id: int) -> Sighting | None:
    """The thread as it is now; None if it is gone."""
    try:
        descriptor = os.open(f"/proc/{pid}/task/{thread_id}/stat", os.O_RDONLY)
    except OSError:
        return None
    try:
        line = os.read(descriptor, _LARGEST)
    except OSError:  # ESRCH: it went between the two
        return None
    finally:
        os.close(descriptor)
    # The name stands in parentheses and may hold some, and spaces.
    front, _, back = line.rpartition(b") ")
    fields = back.split(b" ", 20)
    if len(fields) < 20:
        return None
    name = front.partition(b"(")[2].decode("utf-8", "replace")
    return Sighting(thread_id, name, fields[0].decode("ascii"), int(fields[19]), int(fields[17]))


def thread_ids(pid: int) -> list[int]:
    """Numbers of the threads, in the kernel's order; empty if the process is gone."""
    try:
        return [int(name) for name in os.listdir(f"/proc/{pid}/task")]
    except OSError:
        return []


def look_at_all(pid: int) -> dict[int, Sighting]:
    """Every thread as it is now."""
    seen = {}
    for thread_id in thread_ids(pid):
        sighting = look(pid, thread_id)
        if sighting is not None:
            seen[thread_id] = sighting
    return seen


def status_value(pid: int, thread_id: int, key: str) -> str:
    """A value of the thread's status file; empty if there is none."""
    try:
        descriptor = os.open(f"/proc/{pid}/task/{thread_id}/status", os.O_RDONLY)
    except OSError:
        return ""
    try:
        lines = os.read(descriptor, _LARGEST_STATUS)
    except OSError:
        return ""
    finally:
        os.close(descriptor)
    # Only the name is of the thread's own choosing; the kernel escapes newlines in it.
    _, mark, rest = (b"\n" + lines).partition(b"\n" + key.encode() + b":")
    value = rest.partition(b"\n")[0] if mark else b""
    return value.strip().decode("utf-8", "backslashreplace")
