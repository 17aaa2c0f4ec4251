"""Plans of files that conform, from which most samples follow by one change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .payloads import (
    BASE,
    KIB,
    identity,
    key_hint,
    module,
    module_list,
    provenance,
    region,
    related,
    thread,
)
from .plan import Form, Plan, PlannedBlock, Tail

__all__ = [
    "Make",
    "base_name",
    "encrypted",
    "extended",
    "imported",
    "investigation",
    "late_hint",
    "live",
    "minimal",
    "raw_stream",
    "with_regions",
]

Make = Callable[[Form], Plan]

KEY = bytes(range(32))
"""Of the encrypted samples: bytes 00 to 1f."""


def base_name(make: Make, form: Form) -> str:
    """Name of the sample that a plan is when nothing bends it."""
    return f"valid/{make.__name__.replace('_', '-')}-{form.name}"


def minimal(form: Form) -> Plan:
    """The smallest live acquisition: an identity and an empty list of modules."""
    plan = Plan(form)
    plan.put("identity", "process_identity", identity())
    plan.put("index", "module_list_index", module_list())
    return plan


def with_regions(form: Form, *regions: dict[str, Any]) -> Plan:
    """A live acquisition of some regions, called ``region``, ``region 1`` and so on."""
    plan = minimal(form)
    for number, payload in enumerate(regions):
        plan.put(f"region {number}" if number else "region", "memory_region", payload)
    return plan


def live(form: Form) -> Plan:
    """Two modules, a region with a hint, one in two fragments, a related dump.

    In 1.1 two threads and a VAS Map as well.
    """
    plan = Plan(form)
    plan.put("identity", "process_identity", identity())
    names = ("module", "other")
    plan.put("index", "module_list_index", module_list(*names), flags=["has_children"])
    for number, name in enumerate(names):
        plan.put(name, "module_entry", module(number), parent_uuid=plan.uuid("index"))
    if form.lays_out("thread_context"):
        plan.put("thread", "thread_context", thread(4242, flags=["current"]))
        plan.put("sleeper", "thread_context", thread(4243, thread_name=None))
    plan.put("region", "memory_region", region("CFCU"), flags=["has_key_hints"])
    at = BASE + 16 * KIB
    plan.put("first", "memory_region", region("CC", at), flags=["has_children"])
    fragment = region("CF", at + 2 * KIB, first=2)
    plan.put(
        "next",
        "memory_region",
        fragment,
        parent_uuid=plan.uuid("first"),
        flags=["continuation"],
    )
    plan.put("hint", "key_hint", key_hint("region"))
    plan.put("related", "related_dump", related())
    if form.lays_out("vas_map"):
        plan.put("map", "vas_map", vas_map())
    return plan


def vas_map(**others: Any) -> dict[str, Any]:
    """A VAS Map of what `live` has."""
    row = {"region_size": 4 * KIB, "protection": ["read", "write"], "region_type": "heap"}
    first = {"base_addr": hex(BASE), "name_source": "live", "mapped_path": "[heap]", **row}
    second = {"base_addr": hex(BASE + 16 * KIB), "mapped_path": None, **row}
    return {"entries": [first, second], **others}


def imported(form: Form) -> Plan:
    """A converted ELF core with a Process Identity."""
    plan = Plan(form, flags=["imported"])
    plan.put("import", "import_provenance", provenance())
    plan.put("identity", "process_identity", identity())
    plan.put("region", "memory_region", region("CF"))
    plan.put("related", "related_dump", related())
    return plan


def raw_stream(form: Form) -> Plan:
    """A converted raw byte stream: one region at 0, whose last page is filled up."""
    plan = Plan(form, flags=["imported"], os_type="unknown", arch_type="unknown", pid=0)
    size = 2 * KIB - 100
    origin = provenance(source_format="raw_byte_stream", orig_file_size=size)
    plan.put("import", "import_provenance", origin)
    plan.put("region", "memory_region", region("CC", 0, timestamp="0"))
    return plan


def investigation(form: Form) -> Plan:
    """A live acquisition in investigation mode, with the system's tables (1.1)."""
    plan = live(form)
    plan.header["flags"] = ["investigation"]
    context = bytes(range(40)).hex()
    plan.put("system", "system_context", {"raw": context}, before="module", flags=["has_children"])
    for name, payload in TABLES.items():
        plan.put(name, name, payload, before="module", parent_uuid=plan.uuid("system"))
    for name, payload in MANIFESTS.items():
        plan.put(name, name, payload, before="map")
    return plan


def encrypted(form: Form) -> Plan:
    """A live acquisition encrypted with a raw key (1.1)."""
    plan = minimal(form)
    plan.header["flags"] = ["encrypted"]
    nonce = bytes(range(0xA0, 0xAC)) + bytes(12)
    plan.encryption = {"enc_algo": "aes_256_gcm", "nonce": nonce.hex(), "cipher_len": 0}
    plan.key = KEY
    return plan


def late_hint(plan: Plan) -> PlannedBlock:
    """A Key Hint that somebody adds after the capture."""
    return PlannedBlock("key_hint", key_hint("first"))


def extended(form: Form) -> Plan:
    """A live acquisition with two extension segments (1.1)."""
    plan = live(form)
    plan.fields("first", flags=["has_children", "has_key_hints"])
    plan.segments = [Tail({"late": late_hint(plan)})]
    graph = PlannedBlock("pointer_graph", {"raw": bytes(range(24)).hex()})
    plan.segments.append(Tail({"graph": graph}))
    return plan


_PROCESS = {
    "pid": 4242,
    "ppid": 4001,
    "uid": 1000,
    "is_target": 1,
    "start_time": "1773528800000000007",
    "rss": 1_234_944,
    "exe": "/usr/bin/sleep",
    "cmd": "sleep 1000",
    "user": "eve",
}
_CONNECTION = {
    "pid": 4242,
    "family": "ipv4",
    "protocol": "tcp",
    "state": 1,
    "local_addr": "c0a80117" + "00" * 12,
    "local_port": 51_234,
    "remote_addr": "08080404" + "00" * 12,
    "remote_port": 443,
}
_IFACE = {"iface": "wlan0"}
_ROUTE4 = {"dest": "0a000000", "gateway": "0a000001", "mask": "ff000000"}
_ROUTE6 = {"dest": "fe80" + "00" * 13 + "07", "prefix": 64, "next_hop": "20" + "00" * 14 + "01"}
_COUNTERS = ("rx_bytes", "rx_packets", "rx_errs", "rx_drop")
_SENT = ("tx_bytes", "tx_packets", "tx_errs", "tx_drop")
CONNECTIVITY: tuple[tuple[str, dict[str, Any]], ...] = (
    ("ipv4_route", {**_IFACE, **_ROUTE4, "flags": 3, "metric": 100, "mtu": 1500}),
    ("ipv6_route", {**_IFACE, **_ROUTE6, "metric": 256, "flags": 0x400001}),
    (
        "arp",
        {
            "family": "ipv4",
            "ip": "0a000001",
            "hw_type": 1,
            "flags": 2,
            "hw_addr": "0250f2a1b2c3",
            "iface": "wlan0",
        },
    ),
    (
        "packet_socket",
        {"pid": 801, "inode": 40_321, "proto": 3, "if_index": 2, "user": 101, "r_mem": 4096},
    ),
    (
        "interface_counters",
        {**_IFACE, **{key: 1000 + i for i, key in enumerate((*_COUNTERS, *_SENT))}},
    ),
    ("socket_family", {"family": 2, "in_use": 41, "alloc": 44, "mem": 12_288}),
    ("mib_counter", {"mib": "Tcp", "counter": "RetransSegs", "value": 1234}),
)
"""A row of each kind."""

TABLES: dict[str, dict[str, Any]] = {
    "process_table": {
        "entries": [
            _PROCESS,
            {
                **_PROCESS,
                "pid": 1,
                "ppid": 0,
                "uid": 0,
                "is_target": 0,
                "exe": "/lib/systemd/initd",
                "cmd": "systemd --user -q1",
                "user": "root",
            },
        ]
    },
    "connection_table": {
        "entries": [
            _CONNECTION,
            {**_CONNECTION, "family": "ipv6", "protocol": "udp", "state": 0, "local_port": 53},
        ]
    },
    "handle_table": {
        "entries": [
            {"pid": 4242, "fd": 0, "handle_type": 1, "path": "/dev/null"},
            {"pid": 4242, "fd": 3, "handle_type": 0, "path": None},
        ]
    },
    "connectivity_table": {
        "rows": [{"row_type": kind, "body": body} for kind, body in CONNECTIVITY]
    },
}
"""What System Context is the parent of."""

MANIFESTS: dict[str, dict[str, Any]] = {
    "physical_memory_map": {
        "entries": [
            {"start": "0x1000", "end_addr": "0x9fbff", "label": "System RAM"},
            {"start": "0xfee00000", "end_addr": "0xfee00fff", "label": None},
        ]
    },
    "module_build_id_manifest": {
        "entries": [
            {
                "base_addr": "0x55d02f1a4000",
                "build_id_len": 20,
                "build_id_source": "on_disk",
                "flags": ["deleted"],
                "build_id": bytes(range(1, 21)).hex(),
                "disk_hash": bytes(range(0x40, 0x60)).hex(),
            },
            {"base_addr": "0x7f4a3c000000"},
        ]
    },
    "region_omission_manifest": {
        "scope": "heap,stack",
        "patterns": "*.so\n/usr/share/*",
        "entries": [
            {
                "base_addr": "0x7f4a30000000",
                "region_size": 65_536,
                "protection": ["read", "execute"],
                "region_type": "image",
                "reason": "module_exclude",
                "name": "/usr/lib/libz.so.1",
            },
            {
                "base_addr": "0x7f4a31000000",
                "region_size": 4096,
                "protection": ["read"],
                "region_type": "mapped_file",
                "reason": "scope",
                "name": None,
            },
        ],
    },
}
"""What may stand in a capture and in an extension segment."""
