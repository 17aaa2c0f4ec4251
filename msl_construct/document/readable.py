"""Stored values as people write them: addresses, dates, rights, and names of numbers.

What is here no draft says: it is what the systems that were captured mean by their own numbers.
"""

from __future__ import annotations

import stat
from datetime import datetime, timezone
from ipaddress import IPv4Address, IPv6Address

from ..tcp_states import TCP_STATES

__all__ = [
    "ARP_FLAGS",
    "ETHERTYPES",
    "FAMILIES",
    "IPV4",
    "IPV6",
    "PROTOCOLS",
    "ROUTE_FLAGS",
    "as_date",
    "as_duration",
    "as_mode",
    "as_ticks",
    "bit_names",
    "endpoint",
    "hardware_address",
    "ip_address",
    "network",
    "tcp_state",
]

IPV4, IPV6 = 2, 10
_UDP = 17

FAMILIES = {1: "unix", 16: "netlink", 17: "packet"}
"""Address families of Linux that the drafts list no name for."""

PROTOCOLS = {1: "icmp", 33: "dccp", 58: "icmpv6", 132: "sctp", 136: "udp_lite"}
"""Protocol numbers of IANA that the drafts list no name for."""

ETHERTYPES = {
    0x0001: "802_3",
    0x0003: "all",
    0x0800: "ipv4",
    0x0806: "arp",
    0x8100: "vlan",
    0x86DD: "ipv6",
    0x888E: "eapol",
    0x88CC: "lldp",
}
"""What a packet socket receives, as Linux numbers it."""

ROUTE_FLAGS = (
    (0x0001, "up"),
    (0x0002, "gateway"),
    (0x0004, "host"),
    (0x0008, "reinstate"),
    (0x0010, "dynamic"),
    (0x0020, "modified"),
    (0x0200, "reject"),
)
"""Flags of a route that Linux gives the same meaning for IPv4 and IPv6."""

ARP_FLAGS = ((0x02, "complete"), (0x04, "permanent"), (0x08, "published"))
"""Flags of a neighbour, as Linux has them."""

_EARLIEST = 365 * 86_400 * 10**9
"""Nanoseconds from 1970 to 1971: no process that is examined was started before."""


def as_date(nanoseconds: int) -> str | None:
    """A time in ns since 1970 as a date in UTC; None: unknown, or beyond any calendar."""
    if not nanoseconds:
        return None
    seconds, rest = divmod(nanoseconds, 10**9)
    try:
        date = datetime.fromtimestamp(seconds, timezone.utc)
    except (ValueError, OverflowError, OSError):
        return None
    return f"{date:%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"


def as_duration(nanoseconds: int) -> str:
    """Nanoseconds as days, hours, minutes and seconds."""
    seconds, rest = divmod(nanoseconds, 10**9)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return f"{f'{days} d ' if days else ''}{hours:02}:{minutes:02}:{seconds:02}.{rest:09d}"


def as_ticks(start_time: int) -> bool:
    """Whether a StartTime is no date but clock ticks since the machine was started."""
    return 0 < start_time < _EARLIEST


def as_mode(mode: int) -> str:
    """``st_mode`` as ``ls`` shows it."""
    return stat.filemode(mode & 0xFFFF)


def ip_address(stored: bytes, family: int, *, turned: bool = False) -> str | None:
    """A network address; None: of another family.

    Args:
        stored: 16 bytes, or 4 of IPv4.
        turned: whether the bytes of IPv4 stand in reverse.
    """
    if family == IPV4:
        return str(IPv4Address(stored[3::-1] if turned else stored[:4]))
    if family != IPV6:
        return None
    address = IPv6Address(stored)
    mapped = address.ipv4_mapped
    return str(address) if mapped is None else f"::ffff:{mapped}"


def endpoint(stored: bytes, port: int, family: int, *, turned: bool = False) -> str | None:
    """An address and a port: ``127.0.0.1:443``, ``[::1]:80``; None: of another family."""
    address = ip_address(stored, family, turned=turned)
    if address is None:
        return None
    return f"[{address}]:{port}" if family == IPV6 else f"{address}:{port}"


def network(stored: bytes, mask: bytes | int) -> str:
    """A route's destination: ``10.0.0.0/8``; with the mask itself where it is no prefix.

    Args:
        stored: 4 or 16 bytes.
        mask: as many bytes, or the bits of the prefix.
    """
    address = ip_address(stored, IPV4 if len(stored) == 4 else IPV6)
    if isinstance(mask, int):
        return f"{address}/{mask}"
    bits = f"{int.from_bytes(mask, 'big'):0{8 * len(mask)}b}"
    prefix = len(bits.rstrip("0"))
    written = prefix if "0" not in bits[:prefix] else IPv4Address(mask)
    return f"{address}/{written}"


def hardware_address(stored: bytes) -> str:
    """``02:42:ac:11:00:02``."""
    return stored.hex(":")


def tcp_state(state: int, protocol: int) -> str | None:
    """What Linux calls the state of a socket; None: it has none, or the number is unknown."""
    if protocol == _UDP and state == TCP_STATES.index("close") + 1:
        return "unconnected"
    return TCP_STATES[state - 1] if 0 < state <= len(TCP_STATES) else None


def bit_names(value: int, names: tuple[tuple[int, str], ...]) -> list[str]:
    """Names of the bits that are set and have one."""
    return [name for bit, name in names if value & bit]
