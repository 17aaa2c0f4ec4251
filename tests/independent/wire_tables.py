"""The tables of the revised draft, row by row (draft 2026-10 §5.9 to §5.11 and §6)."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence

from .basics import ZERO_HASH, Str, Text, text

PROCESS_TABLE = 0x0051
CONNECTION_TABLE = 0x0052
HANDLE_TABLE = 0x0053
CONNECTIVITY_TABLE = 0x0054
PHYSICAL_MEMORY_MAP = 0x0059
MODULE_BUILD_ID_MANIFEST = 0x005A
REGION_OMISSION_MANIFEST = 0x005B

IPV4_ROUTE, IPV6_ROUTE, ARP, PACKET_SOCKET, INTERFACE_COUNTERS, SOCKET_FAMILY, MIB_COUNTER = range(
    1, 8
)


def plain(value: Str, *, padding: bool = True) -> tuple[int, bytes]:
    """(length field, stored bytes) of a string without NUL, padded to 8 or packed."""
    if value is None:
        return 0, b""
    if isinstance(value, str):
        value = value.encode()
    if isinstance(value, bytes):
        value = Text(value, padding=None if padding else b"")
    return text(value)


def table(
    order: str, rows: Iterable[bytes] = (), *, count: int | None = None, reserved: int = 0
) -> bytes:
    """A number of rows, a reserved word, the rows: every table but the omission manifest."""
    stored = list(rows)
    number = len(stored) if count is None else count
    return struct.pack(order + "II", number, reserved) + b"".join(stored)


def process_row(
    order: str,
    *,
    pid: int = 4242,
    ppid: int = 1,
    uid: int = 1000,
    is_target: int = 1,
    reserved: bytes = bytes(3),
    start_time: int = 1_773_528_000_000_000_000,
    rss: int = 315_392,
    exe: Str = "/usr/bin/sleep",
    cmd: Str = "sleep 1000",
    user: Str = "alice",
    reserved2: int = 0,
) -> bytes:
    exe_len, exe_raw = text(exe)
    cmd_len, cmd_raw = text(cmd)
    user_len, user_raw = text(user)
    out = struct.pack(order + "IIIB", pid, ppid, uid, is_target) + reserved
    out += struct.pack(
        order + "QQHHHH", start_time, rss, exe_len, cmd_len, user_len, reserved2
    )  # +0x10
    return out + exe_raw + cmd_raw + user_raw  # +0x28


def connection_row(
    order: str,
    *,
    pid: int = 4242,
    family: int = 2,
    protocol: int = 6,
    state: int = 1,
    reserved: int = 0,
    local_addr: bytes = b"\x7f\0\0\1" + bytes(12),
    local_port: int = 443,
    reserved2: int = 0,
    remote_addr: bytes = b"\x0a\0\0\1" + bytes(12),
    remote_port: int = 55555,
    reserved3: int = 0,
) -> bytes:
    out = struct.pack(order + "IBBBB", pid, family, protocol, state, reserved) + local_addr
    out += struct.pack(order + "HH", local_port, reserved2) + remote_addr
    return out + struct.pack(order + "HH", remote_port, reserved3)


def handle_row(
    order: str,
    *,
    pid: int = 4242,
    fd: int = 3,
    handle_type: int = 1,
    path: Str = "/dev/null",
    reserved: int = 0,
) -> bytes:
    path_len, raw = text(path)
    return struct.pack(order + "IIHHI", pid, fd, handle_type, path_len, reserved) + raw


# -- connectivity -----------------------------------------------------------------------------


def connectivity_row(
    order: str, row_type: int, body: bytes = b"", *, row_len: int | None = None
) -> bytes:
    """Three bytes, which RowLen does not count, and the body."""
    return struct.pack(order + "BH", row_type, len(body) if row_len is None else row_len) + body


def counted(order: str, value: Str) -> bytes:
    """A string behind its u16 length, packed."""
    length, raw = plain(value, padding=False)
    return struct.pack(order + "H", length) + raw


def ipv4_route(
    order: str,
    *,
    iface: Str = "eth0",
    dest: bytes = bytes(4),
    gateway: bytes = b"\x0a\0\0\1",
    mask: bytes = b"\xff\xff\xff\0",
    flags: int = 3,
    metric: int = 100,
    mtu: int = 1500,
) -> bytes:
    out = counted(order, iface) + dest + gateway + mask
    return out + struct.pack(order + "HII", flags, metric, mtu)


def ipv6_route(
    order: str,
    *,
    iface: Str = "lo",
    dest: bytes = bytes(15) + b"\1",
    prefix: int = 128,
    next_hop: bytes = bytes(range(16)),
    metric: int = 256,
    flags: int = 0x8020_0001,
) -> bytes:
    out = counted(order, iface) + dest + struct.pack("B", prefix) + next_hop
    return out + struct.pack(order + "II", metric, flags)


def arp(
    order: str,
    *,
    family: int = 2,
    ip: bytes = b"\x0a\0\0\1",
    hw_type: int = 1,
    flags: int = 2,
    hw_addr: bytes = b"\x02\x42\xac\x11\0\2",
    iface: Str = "eth0",
) -> bytes:
    out = struct.pack("B", family) + ip + struct.pack(order + "HH", hw_type, flags)
    return out + hw_addr + counted(order, iface)


def packet_socket(
    order: str,
    *,
    pid: int = 77,
    inode: int = 12345,
    proto: int = 3,
    if_index: int = 2,
    user: int = 1000,
    r_mem: int = 4096,
) -> bytes:
    return struct.pack(order + "IQHIIQ", pid, inode, proto, if_index, user, r_mem)


def interface_counters(
    order: str, *, iface: Str = "eth0", counters: Sequence[int] = range(1, 9)
) -> bytes:
    """``counters``: bytes, packets, errors, drops received; then the same sent."""
    return counted(order, iface) + struct.pack(order + "8Q", *counters)


def socket_family(
    order: str, *, family: int = 2, in_use: int = 5, alloc: int = 6, mem: int = 7
) -> bytes:
    return struct.pack(order + "BIIQ", family, in_use, alloc, mem)


def mib_counter(
    order: str, *, mib: Str = "Ip", counter: Str = "InReceives", value: int = 99
) -> bytes:
    return counted(order, mib) + counted(order, counter) + struct.pack(order + "Q", value)


def connectivity_bodies(order: str) -> dict[int, bytes]:
    """A typical body of every row type."""
    return {
        IPV4_ROUTE: ipv4_route(order),
        IPV6_ROUTE: ipv6_route(order),
        ARP: arp(order),
        PACKET_SOCKET: packet_socket(order),
        INTERFACE_COUNTERS: interface_counters(order),
        SOCKET_FAMILY: socket_family(order),
        MIB_COUNTER: mib_counter(order),
    }


# -- §5.9 to §5.11 ----------------------------------------------------------------------------


def physical_range(
    order: str,
    *,
    start: int = 0x10_0000,
    end: int = 0xBFFF_FFFF,
    label: Str = "System RAM",
    reserved: int = 0,
) -> bytes:
    label_len, raw = plain(label, padding=False)
    return struct.pack(order + "QQHH", start, end, label_len, reserved) + raw


def build_id_row(
    order: str,
    *,
    base_addr: int = 0x7F00_0000_0000,
    build_id_len: int = 20,
    build_id_source: int = 1,
    flags: int = 0,
    reserved: int = 0,
    build_id: bytes = bytes(range(20)),
    disk_hash: bytes = ZERO_HASH,
) -> bytes:
    out = struct.pack(order + "QBBBB", base_addr, build_id_len, build_id_source, flags, reserved)
    return out + build_id + disk_hash


def omission_row(
    order: str,
    *,
    base_addr: int = 0x7F00_0000_0000,
    size: int = 0x2000,
    protection: int = 5,
    region_type: int = 3,
    reason: int = 1,
    reserved: int = 0,
    name: Str = "/usr/lib/libc.so.6",
    reserved2: int = 0,
) -> bytes:
    name_len, raw = plain(name)
    return (
        struct.pack(
            order + "QQBBBBHH",
            base_addr,
            size,
            protection,
            region_type,
            reason,
            reserved,
            name_len,
            reserved2,
        )
        + raw
    )


def region_omission_manifest(
    order: str,
    rows: Iterable[bytes] = (),
    *,
    count: int | None = None,
    reserved: int = 0,
    scope: Str = "heap,stack",
    patterns: Str = "libc*\n*/x",
    reserved2: int = 0,
) -> bytes:
    """``rows`` come from :func:`omission_row`."""
    stored = list(rows)
    scope_len, scope_raw = plain(scope)
    patterns_len, patterns_raw = plain(patterns)
    number = len(stored) if count is None else count
    out = struct.pack(order + "IIHHI", number, reserved, scope_len, patterns_len, reserved2)
    return out + scope_raw + patterns_raw + b"".join(stored)  # scope at +0x10


def typical_tables(order: str) -> dict[str, tuple[int, bytes]]:
    """A small well-filled table of every type."""
    bodies = connectivity_bodies(order)
    chosen = (IPV4_ROUTE, ARP, SOCKET_FAMILY, MIB_COUNTER)
    return {
        "processes": (
            PROCESS_TABLE,
            table(
                order,
                [process_row(order), process_row(order, pid=1, is_target=0, exe=None, user=None)],
            ),
        ),
        "connections": (
            CONNECTION_TABLE,
            table(
                order,
                [
                    connection_row(order),
                    connection_row(
                        order,
                        family=10,
                        protocol=17,
                        state=0,
                        local_addr=bytes(range(16)),
                        local_port=53,
                        remote_addr=bytes(16),
                        remote_port=0,
                    ),
                ],
            ),
        ),
        "handles": (
            HANDLE_TABLE,
            table(order, [handle_row(order), handle_row(order, fd=4, handle_type=255, path=None)]),
        ),
        "connectivity": (
            CONNECTIVITY_TABLE,
            table(order, [connectivity_row(order, kind, bodies[kind]) for kind in chosen]),
        ),
        "physical": (
            PHYSICAL_MEMORY_MAP,
            table(order, [physical_range(order, start=0, end=0x9_FBFF), physical_range(order)]),
        ),
        "build-ids": (
            MODULE_BUILD_ID_MANIFEST,
            table(
                order,
                [
                    build_id_row(order, disk_hash=bytes(range(32))),
                    build_id_row(order, build_id_len=0, build_id_source=0, build_id=bytes(20)),
                ],
            ),
        ),
        "omissions": (
            REGION_OMISSION_MANIFEST,
            region_omission_manifest(
                order, [omission_row(order), omission_row(order, reason=2, name=None)]
            ),
        ),
    }
