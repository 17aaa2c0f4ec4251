"""What systems answer alike of whose processes little is known."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

from msl_construct.errors import TargetError

from .machine import Machine
from .model import Limit
from .plain_target import FREEZERS

__all__ = ["PlainBackend", "descendants"]


class PlainBackend:
    """The part of a `Backend` that is the same wherever one call stops a process."""

    name: str
    freezers: tuple[str, ...] = FREEZERS
    keeps_evidence = False
    lists = "ps -e"

    def find(self, name: str) -> list[int]:
        """PIDs of the processes of this name."""
        raise NotImplementedError

    def members(self, kind: str, name: str) -> list[int]:
        """PIDs of the processes of this name; we are never among them.

        Raises:
            TargetError: it is asked for anything but a name.
        """
        if kind != "name":
            raise TargetError(f"on {self.name} no {kind} can be named", remedy="give names or PIDs")
        return [pid for pid in self.find(name) if pid != os.getpid()]

    def unfit(self, pid: int) -> str:
        """Never said here: `preflight` refuses."""
        return ""

    def describe(self, pid: int) -> str:
        """Its number has to do."""
        return f"process {pid}"

    def machine(self) -> Machine | None:
        """Not looked at."""
        return None

    def limits(self, pid: int) -> list[Limit]:
        """None that are looked at."""
        return []

    def resume(self, pid: int) -> str:
        """Nothing is left stopped here by whoever ends.

        Raises:
            TargetError: always.
        """
        raise TargetError(
            f"--resume is for Windows: on {self.name} the kernel lets a target go",
            remedy=f"if something else has stopped process {pid}: kill -CONT {pid}",
        )

    def in_memory(self, device: int) -> bool:
        """Not looked at."""
        return False


def descendants(
    pid: int,
    listed: Iterable[tuple[int, int]],
    is_child: Callable[[int, int], bool] = lambda child, parent: True,
) -> list[int]:
    """PIDs of its descendants; neither are we among them nor those that we have started.

    Who holds a target is one of these, and must not be stopped himself.

    Args:
        pid: the process.
        listed: number and parent's number of all processes.
        is_child: whether one that names a parent was started by it.
    """
    listed = list(listed)
    found: set[int] = set()
    apart = {pid, os.getpid()}
    waiting = [pid]
    while waiting:
        parent = waiting.pop()
        for child, named in listed:
            if named == parent and child not in found | apart and is_child(child, parent):
                found.add(child)
                waiting.append(child)
    return sorted(found)
