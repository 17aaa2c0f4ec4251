"""Whether a target may be copied, asked before it is touched."""

from __future__ import annotations

import os
from contextlib import suppress

from msl_construct.errors import TargetError

from ...rates import COPYING
from .. import smaps
from ..control_groups import levels, number_in
from ..maps import living_thread, read_whole
from ..proc_text import read_status
from .guardian.headroom import groups, room

__all__ = ["estimate", "limiting", "refuse_unfit"]

_MACHINE = "x86_64"
_FIXED = 4 << 20
"""Bytes that a copy takes besides its page tables."""
_PER_MAPPING = 512
"""Bytes that each of its mappings takes of the kernel's memory."""
_CAP_SYS_ADMIN = 1 << 21
_REMEDY = "use --freeze ptrace, which makes no copy"


_TRIES = 20
"""How often a thread may end, as all but one do that execute another program, before it is read."""


def _status(pid: int) -> dict[str, str]:
    """Of one of its threads.

    Raises:
        TargetError: the process is gone, or all that was looked at were.
    """
    tries = 0
    while True:
        try:
            return read_status(f"/proc/{living_thread(pid)}")
        except OSError as error:
            tries += 1
            if tries == _TRIES:
                raise TargetError(f"process {pid} is gone", remedy="check the number") from error


def _bytes(status: dict[str, str], *keys: str) -> int:
    return sum(int(status.get(key, "0").split()[0]) << 10 for key in keys)


_SAFE = 500
"""The highest `oom_score_adj` of a target that nobody would take before its copy."""


def _private(status: dict[str, str]) -> int:
    """Bytes of memory whose page tables are copied, an upper bound."""
    return _bytes(status, "RssAnon", "VmSwap")


def estimate(pid: int) -> float:
    """Seconds that copying the target is expected to take, in pages of 4 KiB."""
    with suppress(TargetError):
        return _private(_status(pid)) * COPYING
    return 0.0


def refuse_unfit(pid: int, max_freeze: float | None) -> None:
    """Refuse a target that the copy could do harm to.

    Raises:
        TargetError: it could; the message says how, and what to do.
    """
    if os.uname().machine != _MACHINE:
        raise TargetError(
            f"a snapshot takes a system call made in the target, which is known for {_MACHINE} "
            f"only, not for {os.uname().machine}",
            remedy=_REMEDY,
        )
    status = _status(pid)
    _refuse_filter(pid, status)
    _refuse_fault_handler(pid)
    _refuse_time(pid, status, max_freeze)
    _refuse_without_room(pid, status)
    _refuse_without_number(pid)


def _refuse_filter(pid: int, status: dict[str, str]) -> None:
    if status.get("Seccomp", "0") == "0":
        return
    own = _status(os.getpid())
    if int(own.get("CapEff", "0"), 16) & _CAP_SYS_ADMIN and own.get("Seccomp", "0") == "0":
        return  # the guardian will see whether the kernel lets it be suspended
    raise TargetError(
        f"process {pid} has a seccomp filter, which could kill it for the call that copies it; "
        "we may not suspend it",
        remedy="run with CAP_SYS_ADMIN and without a filter of one's own (in a container: "
        "--security-opt seccomp=unconfined), or use --freeze ptrace",
    )


def _refuse_fault_handler(pid: int) -> None:
    """A copy could wait for a userfaultfd's reader, who stands still."""
    if not smaps.fault_handlers_possible():
        return
    try:
        registered = smaps.registered(living_thread(pid))
    except OSError:
        return  # nothing of it can be read, and who traces it will say why
    if registered:
        raise TargetError(
            f"process {pid} has memory that a userfaultfd watches: copying it could wait for "
            "somebody who stands still",
            remedy=_REMEDY,
        )


def _refuse_time(pid: int, status: dict[str, str], max_freeze: float | None) -> None:
    seconds = _private(status) * COPYING
    if max_freeze is not None and seconds > max_freeze:
        raise TargetError(
            f"copying the page tables of process {pid} can take {seconds:.3g} seconds, in which "
            f"nothing can stop it; --max-freeze allows {max_freeze:g}",
            remedy=f"allow a longer stop: --max-freeze {seconds * 1.5:.2g}",
        )


def _refuse_without_room(pid: int, status: dict[str, str]) -> None:
    least = room(groups(limiting(pid)))
    # Twice what is to stay free, or the copy would have to go as soon as it is made.
    # Page tables are counted where the target is. A page that stands alone takes a whole one.
    tables = _bytes(status, "VmPTE") + _PER_MAPPING * _mappings(pid)
    needed = tables + _FIXED + 2 * least.kept
    if _is_a_choice(pid):
        needed += _private(status)
    if least.free < needed:
        raise TargetError(
            f"{least.where} has {max(0, least.free) >> 20} MiB of memory left, and a copy of "
            f"process {pid} needs {needed >> 20} at first; the target could be killed for want of "
            "memory",
            remedy="raise the limit, or use --freeze ptrace, which takes no memory of the target's",
        )


def _is_a_choice(pid: int) -> bool:
    """Whether the kernel might end the target rather than its copy where memory is short.

    It takes who is largest, and counts `oom_score_adj` as so many thousandths of all that may be
    had. The copy has 1000, and would be as large as the target was.
    """
    with suppress(TargetError, OSError, ValueError):
        return int(read_whole(f"/proc/{living_thread(pid)}/oom_score_adj")) > _SAFE
    return True


def _mappings(pid: int) -> int:
    with suppress(TargetError, OSError):
        return read_whole(f"/proc/{living_thread(pid)}/maps").count(b"\n")
    return 0


def limiting(pid: int) -> str:
    """The control groups that limit a process's memory, as `guardian.headroom.groups` wants it."""
    return "\n".join(
        f"{each.version} {directory}"
        for each in levels(pid, "memory")
        for directory in each.directories
    )


def _refuse_without_number(pid: int) -> None:
    for each in levels(pid, "pids"):
        for directory in each.directories:
            limit = number_in(f"{directory}/pids.max")
            current = number_in(f"{directory}/pids.current")
            if limit is not None and current is not None and current >= limit:
                raise TargetError(
                    f"the control group {directory} has reached its limit of processes, {limit} "
                    f"(pids.max): process {pid} can't be copied",
                    remedy="raise the limit, or use --freeze ptrace",
                )
