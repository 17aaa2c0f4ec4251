"""Tables of the investigation (§6): the machine, its processes, their connections and handles.

Beside what is stored stands what it means: addresses as people write them, times as dates, names
of numbers, and whether a row is about the process that was dumped.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping

from ..drafts.handle_types import agreed_handle_types
from ..reader.block import Block
from ..schema.codes import Code, Name
from . import readable
from .table import DocumentTable, Header, Row, dialect_of, entries_of, of_blocks, shown

__all__ = ["INVESTIGATION", "connection_rows", "handle_rows", "process_rows", "system_rows"]

TICK = 10**7
"""Nanoseconds of a clock tick: Linux counts a hundred a second in what it shows of processes."""

_SYSTEM = (
    "target_count",
    "table_bitmap",
    "acq_user",
    "hostname",
    "domain",
    "os_detail",
    "case_ref",
    "uptime_ns",
    "os_version",
)


def system_rows(blocks: Iterable[Block]) -> Iterator[Row]:
    """What each System Context says."""
    for block in blocks:
        yield {
            "block": block.index,
            **shown(block, ("boot_time",)),
            "boot_time_utc": readable.as_date(block.payload.get("boot_time", 0)),
            **shown(block, _SYSTEM),
            "block_uuid": str(block.uuid),
        }


class Targets:
    """The processes that were dumped: the one that the header names, and those so marked."""

    def __init__(self, blocks: Iterable[Block], header: Header) -> None:
        found = array("Q", [header["pid"]] if header["pid"] else [])
        for block in blocks:
            if block.key == "process_table":
                marked = (entry["pid"] for entry in entries_of(block) if entry["is_target"])
                found.extend(pid for pid in marked if pid != header["pid"])
        self._pids = array("Q", sorted(found))

    def __contains__(self, pid: int) -> bool:
        place = bisect_left(self._pids, pid)
        return place < len(self._pids) and self._pids[place] == pid


def process_rows(blocks: Iterable[Block], header: Header) -> Iterator[Row]:
    """Processes of the machine, with a date where StartTime is in ticks as well."""
    targets = Targets(blocks, header)
    booted = _boot_time(blocks)
    for block in blocks:
        if block.key != "process_table":
            continue
        for entry in entries_of(block):
            start = entry["start_time"]
            ticks = readable.as_ticks(start)
            since = start if not ticks else booted + start * TICK if booted else 0
            yield {
                "block": block.index,
                "pid": entry["pid"],
                "is_target": int(entry["pid"] in targets),
                "ppid": entry["ppid"],
                "uid": entry["uid"],
                "user": entry["user"],
                "start_time": str(start),
                "start_time_unit": Name("ticks" if ticks else "ns") if start else None,
                "start_time_utc": readable.as_date(since),
                "rss": entry["rss"],
                "exe": entry["exe"],
                "cmd": entry["cmd"],
            }


def _boot_time(blocks: Iterable[Block]) -> int:
    """When the machine was started, in ns; 0: unknown."""
    for block in blocks:
        if block.key == "system_context":
            return int(block.payload.get("boot_time", 0))
    return 0


def connection_rows(blocks: Iterable[Block], header: Header) -> Iterator[Row]:
    """Connections of the machine."""
    targets = Targets(blocks, header)
    for block in blocks:
        if block.key != "connection_table":
            continue
        turned = _is_turned(block, header)
        for entry in entries_of(block):
            family, protocol, state = entry["family"], entry["protocol"], entry["state"]
            reversed_here = turned and family == readable.IPV4
            ends = {
                end: readable.endpoint(
                    entry[f"{end}_addr"], entry[f"{end}_port"], family, turned=turned
                )
                for end in ("local", "remote")
            }
            yield {
                "block": block.index,
                "pid": entry["pid"],
                "is_target": int(entry["pid"] in targets),
                "family": name_of(family, readable.FAMILIES),
                "protocol": name_of(protocol, readable.PROTOCOLS),
                "state": state,
                "state_name": readable.tcp_state(state, protocol),
                **ends,
                "ipv4_order": Name("reversed" if reversed_here else "network")
                if family == readable.IPV4
                else None,
                "local_addr": entry["local_addr"].hex(),
                "local_port": entry["local_port"],
                "remote_addr": entry["remote_addr"].hex(),
                "remote_port": entry["remote_port"],
            }


def name_of(code: Code, further: Mapping[int, str]) -> str:
    """The schema's name of a number, or one that the system has for it; else the number in hex."""
    return code.name if code.known else Name(further.get(code, code.name))


def _is_turned(block: Block, header: Header) -> bool:
    """Whether the bytes of IPv4 addresses stand in reverse.

    memslicer turns those that it takes from Linux once too often. Its API writes what it is given,
    and nothing but the addresses themselves tells the two apart: those of one's own machine and of
    private networks, which nearly every table has, make sense one way only.
    """
    dialect = dialect_of(block)
    suspect = dialect is not None and dialect.reversed_ipv4 and header["os_type"].name == "linux"
    forth = back = loopback = 0
    for entry in entries_of(block):
        if entry["family"] != readable.IPV4:
            continue
        for stored in (entry["local_addr"], entry["remote_addr"]):
            forth += _is_near(stored[:4])
            back += _is_near(stored[3::-1])
            loopback += stored[1:4] == b"\0\0\x7f" and stored[0] != stored[3]
    return back >= forth if suspect else bool(loopback) and not forth


def _is_near(address: bytes) -> bool:
    """Whether an address is of this machine, of a private network or of its own link."""
    first, second = address[0], address[1]
    return (
        first in (10, 127)
        or (first == 172 and 16 <= second < 32)
        or (first, second) in ((192, 168), (169, 254))
    )


def handle_rows(blocks: Iterable[Block], header: Header) -> Iterator[Row]:
    """Handles of the machine's processes; their types are named as the producer numbers them."""
    targets = Targets(blocks, header)
    for block in blocks:
        if block.key != "handle_table":
            continue
        for entry in entries_of(block):
            code = entry["handle_type"]
            agreed = Name(agreed_handle_types().get(code, f"{code:#06x}"))
            yield {
                "block": block.index,
                "pid": entry["pid"],
                "is_target": int(entry["pid"] in targets),
                "fd": entry["fd"],
                "handle_type": code.name if isinstance(code, Code) else agreed,
                "handle_code": int(code),
                "path": entry["path"],
            }


INVESTIGATION: dict[str, DocumentTable] = {
    "system": DocumentTable(
        ("system_context",),
        "the machine, the case and who acquired",
        ("block", "boot_time", "boot_time_utc", *_SYSTEM, "block_uuid"),
        of_blocks(system_rows),
    ),
    "processes": DocumentTable(
        ("system_context", "process_table"),
        "processes of the machine",
        (
            "block",
            "pid",
            "is_target",
            "ppid",
            "uid",
            "user",
            "start_time",
            "start_time_unit",
            "start_time_utc",
            "rss",
            "exe",
            "cmd",
        ),
        process_rows,
        sources=("process_table",),
    ),
    "connections": DocumentTable(
        ("process_table", "connection_table"),
        "network connections of the machine",
        (
            "block",
            "pid",
            "is_target",
            "family",
            "protocol",
            "state",
            "state_name",
            "local",
            "remote",
            "ipv4_order",
            "local_addr",
            "local_port",
            "remote_addr",
            "remote_port",
        ),
        connection_rows,
        sources=("connection_table",),
    ),
    "handles": DocumentTable(
        ("process_table", "handle_table"),
        "open files and handles of the machine's processes",
        ("block", "pid", "is_target", "fd", "handle_type", "handle_code", "path"),
        handle_rows,
        sources=("handle_table",),
    ),
}
"""Tables of what processes do, by the name that ``--show`` knows them by."""
