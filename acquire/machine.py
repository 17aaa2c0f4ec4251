"""The machine as an investigation has it: who runs, and who is connected with whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

__all__ = ["Connection", "Machine", "RunningProcess"]


@dataclass(frozen=True)
class RunningProcess:
    """A process of the machine.

    Attributes:
        pid, ppid, uid: 0 where unknown.
        start_time: nanoseconds since the Unix epoch; 0 where unknown.
        rss: bytes of resident memory.
        exe, cmd, user: empty where unknown.
    """

    pid: int
    ppid: int = 0
    uid: int = 0
    start_time: int = 0
    rss: int = 0
    exe: str = ""
    cmd: str = ""
    user: str = ""


@dataclass(frozen=True)
class Connection:
    """A socket of TCP or UDP.

    Attributes:
        pid: who holds it; 0 where unknown.
        protocol: ``tcp`` or ``udp``.
        local, remote: address and port; None: none.
        state: Linux's number of a TCP state; 0: none.
    """

    pid: int
    protocol: str
    local: tuple[str, int]
    remote: tuple[str, int] | None
    state: int = 0


@dataclass(frozen=True)
class Machine:
    """What was learnt of the machine shortly before the target was stopped.

    Attributes:
        boot_time: nanoseconds since the Unix epoch; 0 where unknown.
        hostname, domain, os_detail: empty where unknown.
        acquirer: name of the user who acquires.
        processes, connections: all that could be seen.
        lacking: what could not, for the report.
    """

    boot_time: int = 0
    hostname: str = ""
    domain: str = ""
    os_detail: str = ""
    acquirer: str = ""
    processes: Sequence[RunningProcess] = ()
    connections: Sequence[Connection] = ()
    lacking: list[str] = field(default_factory=list)
