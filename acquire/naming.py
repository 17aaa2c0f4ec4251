"""Which processes are meant: by number, by name, by control group, and what they have started."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from msl_construct.errors import TargetError

from .backend import Backend

__all__ = ["Meant", "Wanted", "processes"]

_LONGEST_PID = 20
_MOST_LISTED = 12


@dataclass(frozen=True)
class Wanted:
    """What a user named.

    Attributes:
        targets: numbers, and names that one process each must have.
        all_of: names whose every process is meant.
        containers: numbers of containers, or what they begin with.
        units: of systemd.
        children: what all of these have started, too.
    """

    targets: tuple[str, ...] = ()
    all_of: tuple[str, ...] = ()
    containers: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    children: bool = False

    @property
    def anybody(self) -> bool:
        """Whether anything was named."""
        return bool(self.targets or self.all_of or self.containers or self.units)


@dataclass
class Meant:
    """The processes.

    Attributes:
        pids: each once, in the order named.
        skipped: those that were found and have nothing to acquire, and why.
        several: whether it is for the machine to say how many there are: then there may be one.
    """

    pids: list[int] = field(default_factory=list)
    skipped: dict[int, str] = field(default_factory=dict)
    several: bool = False


def processes(system: Backend, wanted: Wanted) -> Meant:
    """Look for them; this program is never among what is found.

    Raises:
        TargetError: nothing goes by one of the names, or several processes by a name of one.
    """
    several = wanted.all_of or wanted.containers or wanted.units or wanted.children
    meant = Meant(several=bool(several))
    found: list[int] = []
    for target in wanted.targets:
        if target.isascii() and target.isdecimal() and len(target) < _LONGEST_PID:
            found.append(int(target))
        else:
            found.append(_one(system, target, meant))
    for kind, names in (
        ("name", wanted.all_of),
        ("container", wanted.containers),
        ("unit", wanted.units),
    ):
        for name in names:
            found += _all(system, kind, name, meant)
    if wanted.children:
        for pid in list(found):
            found += _fit(system, system.children(pid), meant)
    meant.pids = list(dict.fromkeys(found))
    return meant


def _one(system: Backend, name: str, meant: Meant) -> int:
    found = _fit(system, system.members("name", name), meant)
    if len(found) == 1:
        return found[0]
    if not found:
        raise _nobody(system, "name", name, meant)
    raise TargetError(
        f"{name!r} is the name of {len(found)} processes: {_listed(system, found)}",
        remedy=f"--all-of {name} takes all of them (-o FOLDER/), a PID takes one",
    )


def _all(system: Backend, kind: str, name: str, meant: Meant) -> list[int]:
    found = _fit(system, system.members(kind, name), meant)
    if not found:
        raise _nobody(system, kind, name, meant)
    return found


_LOOK = {
    "container": "see docker ps --no-trunc, podman ps or crictl ps for the numbers of those that "
    "run, and run outside of any other container",
    "unit": "see systemctl list-units (and with --user) for those that are active",
}


def _nobody(system: Backend, kind: str, name: str, meant: Meant) -> TargetError:
    what = {"name": "is called", "container": "is in container", "unit": "belongs to unit"}[kind]
    but = f" that could be acquired ({_said(meant.skipped)})" if meant.skipped else ""
    return TargetError(
        f"no process{but} {what} {name!r}",
        remedy=_LOOK.get(kind) or f"see {system.lists} for what is running",
    )


def _said(skipped: dict[int, str]) -> str:
    some = [f"{pid} {why}" for pid, why in list(skipped.items())[:_MOST_LISTED]]
    more = len(skipped) - len(some)
    return ", ".join([*some, *([f"and {more} more"] if more else [])])


def _fit(system: Backend, pids: Iterable[int], meant: Meant) -> list[int]:
    """Those that have something to acquire; the others are noted."""
    found = []
    for pid in pids:
        why = system.unfit(pid)
        if why:
            meant.skipped[pid] = why
        else:
            found.append(pid)
    return found


def _listed(system: Backend, pids: Sequence[int]) -> str:
    some = [f"{pid} ({system.describe(pid)})" for pid in pids[:_MOST_LISTED]]
    more = len(pids) - len(some)
    return ", ".join([*some, *([f"and {more} more"] if more else [])])
