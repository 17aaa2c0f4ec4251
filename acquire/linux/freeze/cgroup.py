"""Freezing by control group: the target is moved into one of its own, and that is frozen.

The group is made inside the target's own, so that all of its limits still hold and nobody
who watches that group (systemd) takes it for empty. Version 2 of control groups is used
where the target's group is writable, else the freezer of version 1. The target can see it:
/proc/PID/cgroup changes for the time, and moving takes milliseconds, with hundreds of busy
threads seconds; it runs on while it is moved. Processes that it starts are moved back with it.
"""

from __future__ import annotations

import os
import time
from typing import NamedTuple

from ..proc_text import lines_of, read_bytes
from .blocked import pointers
from .filtered import refuse_filtered
from .guarded import Guarded, HoldFailed
from .guardian import refusals
from .guardian.refusals import Refusal
from .guardian.thread_state import Sighting, look, look_at_all

__all__ = ["ControlGroup", "Grouped", "groups"]

_PATIENCE = 3.0
"""Seconds within which a group has to be frozen; threads that sleep uninterruptibly take
longer."""


class ControlGroup(NamedTuple):
    """The control group that a process is in, in one hierarchy.

    Attributes:
        version: 1 or 2.
        directory: where it is in the file system.
    """

    version: int
    directory: str

    @property
    def commands(self) -> tuple[str, str, str]:
        """The file that freezes, and what to write into it to freeze and to let go."""
        if self.version == 2:
            return ("cgroup.freeze", "1", "0")
        return ("freezer.state", "FROZEN", "THAWED")

    def frozen(self, directory: str) -> bool:
        """Whether everything in this directory's group stands still."""
        try:
            if self.version == 2:
                with open(f"{directory}/cgroup.events", encoding="ascii") as file:
                    return "frozen 1" in file.read()
            with open(f"{directory}/freezer.state", encoding="ascii") as file:
                return file.read().strip() == "FROZEN"
        except OSError:  # the root of the hierarchy has neither
            return False


def _mounts() -> list[tuple[int, str, str]]:
    """Hierarchies that can freeze: version, root within the hierarchy, mount point."""
    found = []
    for line in lines_of(read_bytes("/proc/self/mountinfo")):
        front, _, back = os.fsdecode(line).partition(" - ")
        kind, _, options = back.partition(" ")
        fields = front.split(" ")
        if len(fields) < 6:
            continue
        if kind == "cgroup2":
            found.append((2, fields[3], fields[4]))
        elif kind == "cgroup" and "freezer" in options.rpartition(" ")[2].split(","):
            found.append((1, fields[3], fields[4]))
    return sorted(found, key=lambda mount: -mount[0])


def groups(pid: int) -> list[ControlGroup]:
    """Where the process is, in every hierarchy that can freeze; version 2 first."""
    places: dict[int, str] = {}
    try:
        for line in lines_of(read_bytes(f"/proc/{pid}/cgroup")):
            fields = os.fsdecode(line).split(":", 2)
            if len(fields) < 3:
                continue
            number, controllers, path = fields
            if number == "0":
                places[2] = path
            elif "freezer" in controllers.split(","):
                places[1] = path
        mounts = _mounts()
    except OSError:
        return []
    found = []
    for version, root, mount in mounts:
        path = places.get(version, "..")
        if ".." in path.split("/"):  # not there, or outside of our namespace
            continue
        if root != "/":
            if path != root and not path.startswith(root + "/"):
                continue
            path = path[len(root) :]
        directory = os.path.join(mount, path.strip("/")).rstrip("/")
        if os.path.isdir(directory):
            found.append(ControlGroup(version, directory))
    return found


class Grouped(Guarded):
    """A target in a frozen control group.

    Args:
        pid: the target.
        max_freeze: seconds after which the guardian lets it go in any case; None: never.
        registers: whether to look for program counters and stack pointers.

    Raises:
        TargetError: no guardian can be started.
        Refusal: it is gone, or nothing that can be stopped; `stop` raises it as well: with a
            seccomp filter, no control group that can be written.
    """

    def __init__(self, pid: int, max_freeze: float | None, *, registers: bool) -> None:
        super().__init__(pid, "cgroup")
        self._child = ""
        self._max_freeze = max_freeze
        self._registers = registers
        refusals.refuse_hopeless(pid)
        leader = look(pid, pid)
        if leader is None:
            raise refusals.gone(pid)
        self._leader = leader
        self._armed: ControlGroup | None = None
        candidates = groups(pid)
        if candidates and not any(one.frozen(one.directory) for one in candidates):
            self._start(candidates[0])

    def _start(self, group: ControlGroup) -> None:
        """Start a guardian that moves the target into a group of its own within this one."""
        name = f"msl-acquire-{os.getpid()}-{time.monotonic_ns():x}"
        self._child = f"{group.directory}/{name}"
        self._armed = group
        self._start_guardian(
            str(self.pid),
            str(self._leader.start_ticks),
            group.directory,
            self._child,
            *group.commands,
        )

    def stop(self) -> None:
        """Have the target moved and frozen, unless it is."""
        pid = self.pid
        refusals.refuse_hopeless(pid)
        candidates = groups(pid)  # it may have been moved by others since the guardian started
        found = look_at_all(pid)
        self.found_stopped = any(thread.state == "T" for thread in found.values())
        began = time.monotonic()
        group = next((one for one in candidates if one.frozen(one.directory)), None)
        found_frozen = group is not None
        if group is None:
            refuse_filtered(pid, found, "cgroup")
            group = self._move(candidates)
            began = time.monotonic()
            self._await_frozen(group)
        else:
            self._dismiss()
            self._child = ""
        self._note(group, found, began, found_frozen)
        if self._registers:
            self.pointers = pointers(pid, self.still)

    def _move(self, candidates: list[ControlGroup]) -> ControlGroup:
        """Have the target moved into a group of its own and that frozen; which kind it was."""
        reasons = []
        for group in candidates:
            if group != self._armed:
                self._start(group)
            try:
                self._hold(self._max_freeze)
            except HoldFailed as error:
                if error.errno == 3:
                    raise refusals.gone(self.pid) from error
                reasons.append(f"{error.path or group.directory}: {error}")
                continue
            return group
        why = "; ".join(reasons) or "no hierarchy that can freeze is mounted"
        raise Refusal(
            f"process {self.pid} can't be frozen by control group: {why}",
            remedy="run as root with /sys/fs/cgroup writable, or use --freeze ptrace",
        )

    def _await_frozen(self, group: ControlGroup) -> None:
        until = time.monotonic() + _PATIENCE
        while not group.frozen(self._child) and time.monotonic() < until:
            time.sleep(0.0001)

    def _note(
        self, group: ControlGroup, found: dict[int, Sighting], began: float, found_frozen: bool
    ) -> None:
        frozen = group.frozen(self._child or group.directory)
        spent = time.monotonic() - began
        self.began = time.time_ns()
        now = look_at_all(self.pid)
        living = {number: seen for number, seen in now.items() if seen.state not in "ZXx"}
        moving = {} if frozen else {n: seen for n, seen in living.items() if seen.state in "RD"}
        if not frozen and not moving:
            moving = living
        self.still = frozenset(set(living) - set(moving))
        self.threads = {number: found.get(number, seen) for number, seen in now.items()}
        self.facts = {
            "threads": len(now),
            "found_stopped": self.found_stopped,
            "found_frozen": found_frozen,
            "nanoseconds_to_freeze": int(spent * 1e9),
            "new_threads": len(set(now) - set(found)),
            "zombie_threads": sorted(set(now) - set(living)),
            "not_stopped": [
                {"thread_id": number, "reason": f"not frozen in time (state {seen.state})"}
                for number, seen in sorted(moving.items())
            ],
            "cgroup_version": group.version,
            "cgroup": self._child or group.directory,
            **self._who(),
            "undone_by": "nobody: it was frozen before" if found_frozen else "the guardian",
        }

    def _by_hand(self) -> str:
        return f"let it go by hand: thaw {self._child}, move its processes up and remove it"
