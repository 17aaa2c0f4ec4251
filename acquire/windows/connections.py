"""Sockets of TCP and UDP, from the tables of the system."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from typing import Any

from msl_construct.tcp_states import TCP_STATES

from ..machine import Connection
from .calls import WindowsSystem

__all__ = ["connections", "rows_of"]

_FAMILIES = ((4, 2), (6, 23))
"""Version of IP, and how Windows numbers its family of addresses."""
_ROWS = {
    ("tcp", 4): struct.Struct("<I4sI4sII"),
    ("tcp", 6): struct.Struct("<16s4xI16s4xIII"),
    ("udp", 4): struct.Struct("<4sII"),
    ("udp", 6): struct.Struct("<16s4xII"),
}
"""MIB_TCPROW_OWNER_PID, MIB_TCP6ROW_OWNER_PID, MIB_UDPROW_OWNER_PID, MIB_UDP6ROW_OWNER_PID."""
_STATES = (
    *("close", "listen", "syn_sent", "syn_recv", "established", "fin_wait1", "fin_wait2"),
    *("close_wait", "closing", "last_ack", "time_wait"),
)
"""MIB_TCP_STATE_*, from 1 on; one that is being deleted has none that Linux knows."""


def _state(number: int) -> int:
    """Linux's number of a state; 0: none."""
    if 0 < number <= len(_STATES):
        return TCP_STATES.index(_STATES[number - 1]) + 1
    return 0


def _port(field: int) -> int:
    return socket.ntohs(field & 0xFFFF)


def connections(system: WindowsSystem) -> Iterator[Connection]:
    """All of the machine.

    Raises:
        CallFailed: a table is not told.
    """
    for (protocol, version), form in _ROWS.items():
        table = system.sockets(protocol, dict(_FAMILIES)[version])
        (count,) = struct.unpack_from("<I", table)
        text = socket.AF_INET if version == 4 else socket.AF_INET6
        for number in range(min(count, (len(table) - 4) // form.size)):
            found = form.unpack_from(table, 4 + form.size * number)
            remote, state = None, 0
            if protocol == "udp":
                local, port, pid = found
            elif version == 4:
                state, local, port, there, there_port, pid = found
            else:
                local, port, there, there_port, state, pid = found
            if protocol == "tcp" and _STATES[state - 1 : state] != ("listen",):
                remote = socket.inet_ntop(text, there), _port(there_port)
            here = socket.inet_ntop(text, local), _port(port)
            yield Connection(pid, protocol, here, remote, _state(state))


def rows_of(found: Iterator[Connection], pid: int) -> list[dict[str, Any]]:
    """Those of one process, as the report has them."""
    return [
        {
            "protocol": f"{one.protocol}{'6' if ':' in one.local[0] else ''}",
            "local": _shown(one.local),
            "remote": _shown(one.remote or ("::" if ":" in one.local[0] else "0.0.0.0", 0)),
            "state": TCP_STATES[one.state - 1] if one.state else "unknown",
        }
        for one in found
        if one.pid == pid
    ]


def _shown(place: tuple[str, int]) -> str:
    host, port = place
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
