"""The machine, from /proc and psutil: its processes, and its sockets of TCP and UDP."""

from __future__ import annotations

import contextlib
import os
import platform
import socket
from collections.abc import Iterator
from pathlib import Path

import psutil

from msl_construct.tcp_states import TCP_STATES

from ..machine import Connection, Machine, RunningProcess
from .proc_text import read_stat, since_epoch

__all__ = ["machine"]

_STATES = {
    getattr(psutil, f"CONN_{name.upper()}"): number
    for number, name in enumerate(TCP_STATES, 1)
    if name != "new_syn_recv"  # of which psutil makes SYN_RECV
}


def machine() -> Machine:
    """What there is; raises nothing. It takes a while: some milliseconds for each process."""
    lacking: list[str] = []
    processes = list(_processes(lacking))
    connections = list(_connections(lacking))
    name = platform.node()
    return Machine(
        _boot_time(),
        name,
        _domain(name),
        _system(),
        _user(),
        processes,
        connections,
        lacking,
    )


def _boot_time() -> int:
    with contextlib.suppress(OSError, ValueError):
        return since_epoch(0)
    return 0


def _domain(name: str) -> str:
    """The domain that a resolver would add; nobody is asked for it."""
    if "." in name:
        return name.partition(".")[2]
    with contextlib.suppress(OSError):
        for line in Path("/etc/resolv.conf").read_text("utf-8", "replace").splitlines():
            words = line.split()
            if len(words) > 1 and words[0] in ("domain", "search"):
                return words[1]
    return ""


def _system() -> str:
    kernel = os.uname()
    words = [kernel.sysname, kernel.release, kernel.machine]
    with contextlib.suppress(OSError):
        pretty = platform.freedesktop_os_release().get("PRETTY_NAME", "")
        if pretty:
            words.append(f"({pretty})")
    return " ".join(words)


def _user() -> str:
    import pwd

    with contextlib.suppress(KeyError):
        return pwd.getpwuid(os.getuid()).pw_name
    return str(os.getuid())


def _processes(lacking: list[str]) -> Iterator[RunningProcess]:
    hidden = 0
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess), process.oneshot():
            exe = cmd = user = ""
            try:
                exe = process.exe()
            except psutil.AccessDenied:
                hidden += 1
            with contextlib.suppress(psutil.AccessDenied, psutil.ZombieProcess):
                cmd = " ".join(process.cmdline())
            with contextlib.suppress(psutil.AccessDenied, KeyError):
                user = process.username()
            yield RunningProcess(
                process.pid,
                process.ppid(),
                process.uids().real,
                _start(process.pid),
                process.memory_info().rss,
                exe,
                cmd,
                user,
            )
    if hidden:
        lacking.append(f"the executables of {hidden} processes are hidden from this user")


def _start(pid: int) -> int:
    with contextlib.suppress(OSError, ValueError, IndexError):
        return since_epoch(read_stat(f"/proc/{pid}").start_ticks)
    return 0


def _connections(lacking: list[str]) -> Iterator[Connection]:
    """Those of our own network namespace."""
    try:
        found = psutil.net_connections("inet")
    except (psutil.Error, OSError, RuntimeError) as error:
        lacking.append(f"connections could not be listed: {error}")
        return
    unknown = 0
    for one in found:
        if one.pid is None:
            unknown += 1
        yield Connection(
            one.pid or 0,
            "tcp" if one.type == socket.SOCK_STREAM else "udp",
            (one.laddr[0], one.laddr[1]) if one.laddr else ("::", 0),
            (one.raddr[0], one.raddr[1]) if one.raddr else None,
            _STATES.get(one.status, 0),
        )
    if unknown:
        lacking.append(f"whose {unknown} connections are is hidden from this user, or nobody's")
