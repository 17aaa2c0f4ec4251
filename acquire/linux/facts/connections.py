"""The sockets that a process holds, from the tables of its network namespace."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import struct
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from msl_construct.tcp_states import TCP_STATES

from ..proc_text import text
from .items import not_read

__all__ = ["Sockets", "address_of", "connections", "sockets"]

_SECONDS = 2.0
"""How long reading all tables may take: a busy server's are long."""

_STATES = ("unknown", *TCP_STATES, "bound_inactive")
_UNIX_TYPES = {1: "stream", 2: "datagram", 5: "seqpacket"}
_UNIX_STATES = {1: "unconnected", 2: "connecting", 3: "connected", 4: "disconnecting"}
_UNIX_LISTENING = 0x10000
_PACKET_TYPES = {2: "datagram", 3: "raw", 10: "packet"}

_UNIX_LINE = re.compile(
    rb"([0-9a-f]+:) ([0-9A-F]{8}) ([0-9A-F]{8}) ([0-9A-F]{8}) ([0-9A-F]{4}) ([0-9A-F]{2})"
    rb" +([0-9]+)(?: (.*))?",
    re.DOTALL,
)
"""A line as the kernel prints it: of a name with newlines in it, the rest is none."""

_Row = dict[str, Any]


@dataclass(frozen=True)
class Sockets:
    """What the tables of a network namespace told of some sockets, which takes a while.

    Attributes:
        held: their inodes, with the descriptors that are them.
        found: what a table tells, by inode.
        failed: an entry for each table that could not be read.
    """

    held: dict[int, list[int]]
    found: dict[int, _Row]
    failed: list[_Row]


def sockets(path: str, known: Sockets | None = None) -> Sockets:
    """Look for the sockets that a process holds in all tables.

    Args:
        known: those that it held a moment ago are not looked for again.

    Raises:
        OSError: the descriptors can't be listed.
    """
    held = _held(path)
    known = known or Sockets({}, {}, [])
    new = {inode: held[inode] for inode in held if inode not in known.held}
    found, failed = _tabled(path, new)
    return Sockets(held, {**known.found, **found}, known.failed + failed)


def _tabled(path: str, held: dict[int, list[int]]) -> tuple[dict[int, _Row], list[_Row]]:
    found: dict[int, _Row] = {}
    failed: list[_Row] = []
    deadline = time.monotonic() + _SECONDS
    for table, parse in _TABLES.items() if held else ():
        if len(found) == len(held):
            break
        try:
            asked = held
            if table == "unix":
                asked = {inode: held[inode] for inode in _unix_among(path, held) - set(found)}
            for inode, told in _rows(f"{path}/net/{table}", parse, asked, deadline):
                row = {"protocol": table, **told}
                known = found.setdefault(inode, row)
                if table == "unix" and not row.items() <= known.items():
                    known["contradicted"] = True
        except FileNotFoundError:
            continue  # a kernel without that protocol
        except TimeoutError as error:
            failed.append({"protocol": table, "error": "ETIMEDOUT", "detail": str(error)})
        except OSError as error:
            failed.append({"protocol": table, **not_read(error)})
    return found, failed


def connections(path: str, before: Sockets | None = None) -> list[_Row]:
    """The sockets, in the order of their lowest descriptor.

    Each has ``inode``, ``descriptors`` and ``protocol`` (``tcp``, ``udp6``, ``unix``,
    ``netlink`` …), and what the table of its protocol tells: ``local``, ``remote``, ``state``,
    queues in bytes. A socket in no table (not yet bound, or of a rare family) has the
    kernel's own name of its protocol, and ``listed`` is false. A table that could not be read
    adds an entry with ``protocol`` and ``error``.

    The kernel prints the names of Unix sockets with their newlines, so anybody can bring lines
    of their own into that table. It only tells of sockets that are in no other and that the
    kernel itself calls Unix sockets; where several lines tell different things of one, the
    first counts and ``contradicted`` is true.

    Args:
        before: what was found of them right before the process was stopped: ``before_stop``
            is true of those.

    Raises:
        OSError: the descriptors can't be listed.
    """
    now = sockets(path, before)
    rows = []
    for inode, numbers in now.held.items():
        row = {"inode": inode, "descriptors": numbers, "listed": inode in now.found}
        if before is not None and inode in before.held:
            row["before_stop"] = True
        known = now.found.get(inode) or {"protocol": _named(path, numbers[0])}
        rows.append({**row, **known})
    return rows + now.failed


def _held(path: str) -> dict[int, list[int]]:
    """Inode of each socket to the descriptors that are it."""
    held: dict[int, list[int]] = {}
    for number in sorted(map(int, os.listdir(f"{path}/fd"))):
        try:
            target = os.readlink(f"{path}/fd/{number}")
        except OSError:
            continue
        if target.startswith("socket:["):
            held.setdefault(int(target[8:-1]), []).append(number)
    return held


def _named(path: str, number: int) -> str:
    """What the kernel calls the protocol of a socket; empty where it doesn't say."""
    try:
        name = os.getxattr(f"{path}/fd/{number}", "system.sockprotoname")
    except OSError:
        return ""
    return text(name.rstrip(b"\0")).lower()


def _unix_among(path: str, held: dict[int, list[int]]) -> set[int]:
    """Inodes of those sockets that are Unix sockets, or that the kernel says nothing of."""
    named = {inode: _named(path, numbers[0]) for inode, numbers in held.items()}
    return {inode for inode, name in named.items() if not name or name.startswith("unix")}


def _rows(
    path: str,
    parse: tuple[int, Callable[[list[bytes]], _Row]],
    held: dict[int, list[int]],
    deadline: float,
) -> Iterator[tuple[int, _Row]]:
    """The lines of a table that are about the sockets in `held`."""
    column, read = parse
    with open(path, "rb") as table:
        next(table, b"")
        for count, line in enumerate(table):
            # A line that can't be understood is no reason to miss those behind it.
            found = None
            with contextlib.suppress(ValueError, IndexError, struct.error):
                line = line.rstrip(b"\n")
                fields = _split_unix(line) if read is _unix else line.split(None, column + 1)
                if len(fields) > column and (inode := int(fields[column])) in held:
                    found = inode, read(fields)
            if found is not None:
                yield found
            if count % 1024 == 1023 and time.monotonic() > deadline:
                raise TimeoutError(f"not read to its end: {_SECONDS} s were up")


def address_of(shown: bytes) -> str:
    """Address and port from their hexadecimal form: ``127.0.0.1:80``, ``[::1]:80``.

    The kernel prints an address as numbers of 32 bits in the byte order of the machine.
    """
    host, _, port = shown.partition(b":")
    words = [int(host[at : at + 8], 16) for at in range(0, len(host), 8)]
    packed = struct.pack(f"={len(words)}I", *words)
    if len(packed) == 4:
        return f"{socket.inet_ntop(socket.AF_INET, packed)}:{int(port, 16)}"
    return f"[{socket.inet_ntop(socket.AF_INET6, packed)}]:{int(port, 16)}"


def _internet(fields: list[bytes]) -> _Row:
    state = int(fields[3], 16)
    sending, _, receiving = fields[4].partition(b":")
    return {
        "local": address_of(fields[1]),
        "remote": address_of(fields[2]),
        "state": _STATES[state] if state < len(_STATES) else str(state),
        "send_queue": int(sending, 16),
        "receive_queue": int(receiving, 16),
        "uid": int(fields[7]),
    }


def _raw(fields: list[bytes]) -> _Row:
    """A raw socket has the number of its protocol for a port, and no other."""
    row = _internet(fields)
    row["ip_protocol"] = int(fields[1].partition(b":")[2], 16)
    return row


def _unix(fields: list[bytes]) -> _Row:
    kind, state = int(fields[4], 16), int(fields[5], 16)
    listening = int(fields[3], 16) & _UNIX_LISTENING
    return {
        "local": text(fields[7]),
        "type": _UNIX_TYPES.get(kind, str(kind)),
        "state": "listen" if listening else _UNIX_STATES.get(state, str(state)),
    }


def _split_unix(line: bytes) -> list[bytes]:
    match = _UNIX_LINE.fullmatch(line)
    return [field or b"" for field in match.groups()] if match else []


def _netlink(fields: list[bytes]) -> _Row:
    return {
        "family": int(fields[1]),
        "port": int(fields[2]),
        "groups": "0x" + text(fields[3]),
        "receive_queue": int(fields[4]),
        "send_queue": int(fields[5]),
        "drops": int(fields[8]),
    }


def _packet(fields: list[bytes]) -> _Row:
    kind = int(fields[2])
    return {
        "type": _PACKET_TYPES.get(kind, str(kind)),
        "ethernet_protocol": "0x" + text(fields[3]),
        "interface": int(fields[4]),
        "running": fields[5] == b"1",
        "receive_queue": int(fields[6]),
        "uid": int(fields[7]),
    }


_TABLES: dict[str, tuple[int, Callable[[list[bytes]], _Row]]] = {
    "tcp": (9, _internet),
    "tcp6": (9, _internet),
    "udp": (9, _internet),
    "udp6": (9, _internet),
    "netlink": (9, _netlink),
    "packet": (8, _packet),
    "raw": (9, _raw),
    "raw6": (9, _raw),
    "udplite": (9, _internet),
    "udplite6": (9, _internet),
    "icmp": (9, _raw),
    "icmp6": (9, _raw),
    "unix": (6, _unix),  # last: see `connections`
}
"""Table to the column of the inode, and what makes sense of a line."""
