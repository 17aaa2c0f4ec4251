"""How a target fares when it has been let go: what it was found as, or what became of it."""

from __future__ import annotations

import signal
import time
from typing import Any, NamedTuple

from .freeze import Hold
from .freeze.guardian.refusals import process_of, tracer_of
from .freeze.guardian.thread_state import Sighting, look, look_at_all
from .handle import Handle, Program, program
from .maps import living_thread
from .proc_text import read_bytes, text

__all__ = ["StateBefore", "afterwards", "found"]

_SETTLED = 0.05
"""Seconds after the thaw by which what letting go does to a target has been done: a thread that
a filter kills dies at once, one that has been told to go on runs."""
_MOST = 32
"""Threads that are named one by one."""


class StateBefore(NamedTuple):
    """What was there before the target was touched.

    Attributes:
        groups: its control groups, as /proc has them.
        tracer: number of the process that traced it; 0: none did.
    """

    groups: str
    tracer: int


def found(pid: int) -> StateBefore:
    """Look at it before it is touched."""
    return StateBefore(_groups(pid), process_of(tracer) if (tracer := tracer_of(pid, pid)) else 0)


def _groups(pid: int) -> str:
    try:
        return text(read_bytes(f"/proc/{pid}/cgroup"))
    except OSError:
        return ""


def afterwards(
    handle: Handle, executed: Program | None, before: StateBefore, hold: Hold
) -> dict[str, Any]:
    """Look at a target that has been let go; waits for a moment if that was just now.

    Args:
        handle: of the process.
        executed: the program that it executed; None if it had none to be seen.
        before: see `found`.
        hold: how it was held.

    Returns:
        For the report. ``verdict``: ``as_found``, ``ended``, ``stopped`` (by nobody that we
        know of, or by us), ``traced``, ``changed`` (see ``changes``). ``detail``: the same in
        words for people; empty if all is as it was.
    """
    pid = hold.pid
    settled = (hold.ended or time.time_ns()) / 1e9 + _SETTLED
    while True:
        seen = look_at_all(pid) if handle.same() else {}
        living = {number: one for number, one in seen.items() if one.state not in "ZXx"}
        left = settled - time.time()
        if not living or not 0 < left <= _SETTLED:
            break
        time.sleep(min(left, 0.01))
    result: dict[str, Any] = {
        "verdict": "as_found",
        "detail": "",
        "looked_at": str(time.time_ns()),
        "threads": len(living),
        "threads_gone": sorted(_gone(living, hold))[:_MOST],
        "threads_new": len(set(living) - set(hold.threads)),
    }
    if not living:
        result.update(_end(pid, handle))
    else:
        result.update(_state(pid, living, executed, before, hold))
    return result


def _gone(living: dict[int, Sighting], hold: Hold) -> list[int]:
    return [
        number
        for number, one in hold.threads.items()
        if one.state not in "ZXx"
        and (number not in living or living[number].start_ticks != one.start_ticks)
    ]


def _end(pid: int, handle: Handle) -> dict[str, Any]:
    """How it ended, where its parent has not yet asked."""
    code: int | None = None
    if handle.same() and (leader := look(pid, pid)) is not None and leader.state in "ZXx":
        try:
            code = int(read_bytes(f"/proc/{pid}/stat").split()[-1])
        except (OSError, ValueError, IndexError):
            code = None
    how = ""
    killed = None
    if code:
        number = code & 0x7F
        if number:
            try:
                killed = signal.Signals(number).name
            except ValueError:
                killed = str(number)
            how = f" by {killed}"
        else:
            how = f" with exit code {code >> 8}"
    return {
        "verdict": "ended",
        "detail": f"process {pid} has not outlived its acquisition: it ended{how}",
        "signal": killed,
        "exit_code": None if code is None or code & 0x7F else code >> 8,
    }


def _state(
    pid: int, living: dict[int, Sighting], executed: Program | None, before: StateBefore, hold: Hold
) -> dict[str, Any]:
    """What about a living process is not as it was."""
    thread = next(iter(living))
    stopped = sorted(number for number, one in living.items() if one.state in "Tt")
    tracer = tracer_of(pid, thread)
    tracer = process_of(tracer) if tracer else 0
    now = program(f"/proc/{living_thread(pid)}")
    changes = []
    if executed is not None and now is not None and now != executed:
        changes.append("it executes another program")
    if hold.found_stopped and not stopped:
        changes.append("it runs, though it had been stopped")
    if before.groups and _groups(pid) != before.groups:
        changes.append("its control group is another one")
    result: dict[str, Any] = {"tracer": tracer, "stopped": stopped[:_MOST], "changes": changes}
    if tracer and tracer != before.tracer:
        result["verdict"] = "traced"
        result["detail"] = f"process {pid} is traced by process {tracer}"
    elif stopped and not hold.found_stopped and not tracer:
        result["verdict"] = "stopped"
        result["detail"] = (
            f"process {pid} stands still: {len(stopped)} of {len(living)} threads are stopped; "
            f"if nobody else did it, let it go: kill -CONT {pid}"
        )
    elif changes:
        result["verdict"] = "changed"
        result["detail"] = f"process {pid} is not as it was found: {', '.join(changes)}"
    return result
