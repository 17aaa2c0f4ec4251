"""Blocks of the machine: the System Context and its tables (§6)."""

from __future__ import annotations

import ipaddress
import uuid
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from msl_construct import Writer
from msl_construct.reader.acquisition_report import TIED
from msl_construct.tcp_states import TCP_STATES

from .blocks import storable
from .machine import Connection, Machine
from .model import Known, Outcome

__all__ = ["add_system_context", "add_tables", "capabilities", "tables"]

_MOST_TARGETS = 0xFF
_TABLES = {
    "process_table": ("process_table", "system_process_table"),
    "connection_table": ("connection_table", "system_network_table"),
    "handle_table": ("handle_table", "system_handle_table"),
}
"""Block type to its bit in TableBitmap and its bit in CapBitmap."""

_HANDLES = {
    "file": 1,
    "memfd": 1,
    "directory": 2,
    "socket": 3,
    "pipe": 4,
    "fifo": 4,
    "character_device": 5,
    "block_device": 5,
}
"""HandleType by kind of descriptor, as the producers agree about it up to 4; 5 is a device."""
_OTHER = 0xFF
_FAMILIES = {4: "ipv4", 6: "ipv6"}
_MOST_ROWS = 1 << 20


def capabilities(known: Known) -> list[str]:
    """Bits of CapBitmap of what will be written of the machine."""
    if known.machine is None:
        return []
    return ["system_context", *tables(known.facts).values()]


def lists_handles(facts: Mapping[str, Any]) -> bool:
    """Whether the descriptors of the target could be listed."""
    return isinstance(facts.get("descriptors"), list)


def tables(facts: Mapping[str, Any]) -> dict[str, str]:
    """Block types that will be written, each with its bit in CapBitmap.

    Args:
        facts: what is known of the target, as the report has it.
    """
    handles = lists_handles(facts)
    return {
        key: capability
        for key, (_, capability) in _TABLES.items()
        if handles or key != "handle_table"
    }


def add_system_context(
    writer: Writer,
    machine: Machine,
    *,
    targets: int,
    case: str,
    facts: Mapping[str, Any],
    tied: str,
    outcomes: list[Outcome],
) -> uuid.UUID:
    """The System Context, which stands behind the Module List Index.

    Args:
        targets: processes that are acquired together.
        case: reference of the case.
        facts: what is known of the target, as the report has it.
        tied: hash of what the report says of the target, see `acquisition_report.target_hash`.
    """
    texts = {
        "acq_user": machine.acquirer,
        "hostname": machine.hostname,
        "domain": machine.domain,
        "os_detail": f"{machine.os_detail}; {TIED}{tied}",
        "case_ref": case,
    }
    fields: dict[str, Any] = {
        "boot_time": machine.boot_time,
        "target_count": min(targets, _MOST_TARGETS),
        "table_bitmap": [_TABLES[key][0] for key in tables(facts)],
        **{key: storable(text, key, outcomes) or None for key, text in texts.items()},
    }
    return writer.add("system_context", block_flags=["has_children"], compression="none", **fields)


def add_tables(
    writer: Writer,
    machine: Machine,
    pid: int,
    facts: Mapping[str, Any],
    targets: Iterable[int],
) -> None:
    """The tables, children of the System Context.

    Args:
        pid: the target's.
        facts: what is known of it, as the report has it.
        targets: all that are acquired together.
    """
    machine = _with_target(machine, pid, facts)
    descriptors = facts.get("descriptors")
    marked = {pid, *targets}
    writer.add(
        "process_table",
        entries=[
            {
                "pid": one.pid,
                "ppid": one.ppid,
                "uid": one.uid,
                "is_target": int(one.pid in marked),
                "start_time": one.start_time,
                "rss": one.rss,
                "exe": storable(one.exe, "", []),
                "cmd": storable(one.cmd, "", []),
                "user": storable(one.user, "", []),
            }
            for one in machine.processes[:_MOST_ROWS]
        ],
    )
    writer.add(
        "connection_table",
        entries=[_connection(one) for one in machine.connections[:_MOST_ROWS]],
    )
    if lists_handles(facts):
        assert isinstance(descriptors, list)
        writer.add(
            "handle_table",
            entries=[
                {
                    "pid": pid,
                    "fd": one["fd"],
                    "handle_type": _HANDLES.get(one.get("kind", ""), _OTHER)
                    if "kind" in one
                    else 0,
                    "path": storable(one.get("target", ""), "", []),
                }
                for one in descriptors
                if "fd" in one
            ],
        )


def _connection(one: Connection) -> dict[str, Any]:
    local = ipaddress.ip_address(one.local[0])
    remote = ipaddress.ip_address(one.remote[0]).packed if one.remote else b""
    return {
        "pid": one.pid,
        "family": _FAMILIES[local.version],
        "protocol": one.protocol,
        "state": one.state,
        "local_addr": local.packed.ljust(16, b"\0"),
        "local_port": one.local[1],
        "remote_addr": remote.ljust(16, b"\0"),
        "remote_port": one.remote[1] if one.remote else 0,
    }


def _with_target(found: Machine, pid: int, facts: Mapping[str, Any]) -> Machine:
    """The same, with connections of the target's that stand in another namespace."""
    rows = facts.get("connections")
    known = {(one.pid, one.protocol, one.local, one.remote) for one in found.connections}
    more = []
    for row in rows if isinstance(rows, list) else ():
        protocol = str(row.get("protocol", "")).removesuffix("6")
        if protocol not in ("tcp", "udp") or "local" not in row:
            continue
        with suppress(ValueError, KeyError):
            local, remote = _parted(row["local"]), _parted(row["remote"])
            there = remote if remote[1] else None
            if (pid, protocol, local, there) not in known:
                name = row.get("state") if protocol == "tcp" else None
                state = TCP_STATES.index(name) + 1 if name in TCP_STATES else 0
                more.append(Connection(pid, protocol, local, there, state))
    return replace(found, connections=[*found.connections, *more]) if more else found


def _parted(shown: str) -> tuple[str, int]:
    """``127.0.0.1:80`` or ``[::1]:80`` as address and port."""
    host, _, port = shown.rpartition(":")
    return host.strip("[]"), int(port)
