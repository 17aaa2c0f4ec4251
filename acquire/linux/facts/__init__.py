"""What Linux knows of a process besides its memory, for the report.

Everything can be stored as JSON: addresses and bit masks as hexadecimal strings, times as
decimal strings of nanoseconds since the Unix epoch. What could not be read is there all the
same, as ``{"error": "EACCES", "detail": "Permission denied"}``, and stops nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .connections import Sockets, connections, sockets
from .container import container
from .descriptors import descriptors
from .items import item
from .process import PROCESS_ITEMS
from .security import credentials, namespaces

__all__ = ["Sockets", "facts", "sockets"]

_ITEMS: dict[str, Callable[[str], Any]] = {
    **PROCESS_ITEMS,
    "credentials": credentials,
    "namespaces": namespaces,
    "container": container,
    "descriptors": descriptors,
}


def facts(pid: int, path: str | None = None, before: Sockets | None = None) -> dict[str, Any]:
    """Every fact about process `pid`, by name; raises nothing.

    Args:
        path: a folder of /proc to ask instead of ``/proc/PID``: that of a living thread
            where the first one has ended.
        before: its sockets, if they have been looked for already.
    """
    path = path or f"/proc/{pid}"
    found = {name: item(read, path) for name, read in _ITEMS.items()}
    found["connections"] = item(lambda place: connections(place, before), path)
    return found
