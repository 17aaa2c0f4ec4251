"""The machine, as Windows tells of it: its processes, and its sockets of TCP and UDP."""

from __future__ import annotations

import getpass
import os
import platform
import time
from collections.abc import Iterator
from contextlib import suppress

from ..machine import Connection, Machine, RunningProcess
from ..plain_target import CallFailed
from . import structures as win
from .calls import WindowsSystem
from .connections import connections
from .credentials import AccountNames, user_of

__all__ = ["machine"]

_PID_OF_IDLE = 0


def machine(system: WindowsSystem) -> Machine:
    """What there is; raises nothing."""
    lacking: list[str] = []
    found: list[Connection] = []
    try:
        found = list(connections(system))
    except CallFailed as error:
        lacking.append(f"connections could not be listed: {error}")
    processes: list[RunningProcess] = []
    try:
        processes = list(_processes(system, lacking))
    except CallFailed as error:
        lacking.append(f"processes could not be listed: {error}")
    return Machine(
        time.time_ns() - system.uptime() * 1_000_000,
        platform.node(),
        os.environ.get("USERDNSDOMAIN", ""),
        platform.platform(),
        _user(),
        processes,
        found,
        lacking,
    )


def _user() -> str:
    with suppress(OSError, KeyError, ImportError):
        return getpass.getuser()
    return ""


def _processes(system: WindowsSystem, lacking: list[str]) -> Iterator[RunningProcess]:
    """What may be asked of processes that are not ours to read."""
    names, hidden = AccountNames(system), 0
    for entry in system.processes():
        pid, parent = int(entry.process_id), int(entry.parent_process_id)
        name = win.wide_text(entry.exe_file)
        try:
            process = system.open_process(pid, win.PROCESS_QUERY_LIMITED_INFORMATION)
        except CallFailed:
            hidden += pid != _PID_OF_IDLE
            yield RunningProcess(pid, parent, exe=name)
            continue
        try:
            start = rss = 0
            exe, line, user = name, "", ""
            with suppress(CallFailed):
                start = system.started(process)
            with suppress(CallFailed):
                rss = system.working_set(process)
            with suppress(CallFailed):
                exe = system.image_path(process)
            with suppress(CallFailed):
                line = system.command_line(process)
            with suppress(CallFailed):
                user = names.of(user_of(system, process))
            yield RunningProcess(pid, parent, 0, start, rss, exe, line, user)
        finally:
            system.close(process)
    if hidden:
        lacking.append(f"what {hidden} processes are is hidden from this user, but for their names")
