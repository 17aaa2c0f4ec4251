"""One payload of each block type that the draft adds, as a document shows it."""

from __future__ import annotations

from typing import Any

__all__ = [
    "CONNECTION_TABLE",
    "CONNECTIVITY_TABLE",
    "HANDLE_TABLE",
    "MODULE_BUILD_ID_MANIFEST",
    "PHYSICAL_MEMORY_MAP",
    "PROCESS_TABLE",
    "REGION_OMISSION_MANIFEST",
    "THREAD_CONTEXT",
    "VAS_MAP",
]

THREAD_CONTEXT: dict[str, Any] = {
    "thread_id": 4242,
    "start_time": "1773528832123456468",
    "flags": ["current"],
    "thread_state": "sleeping",
    "thread_name": "worker",
    "registers": [
        {"name": "rip", "width": 8, "flags": ["pc"], "value": "0x00007f4a3c0e1d2b"},
        {"name": "rsp", "width": 8, "flags": ["sp"], "value": "0x00007ffc5a6b7c80"},
    ],
}

VAS_MAP: dict[str, Any] = {
    "entries": [
        {
            "base_addr": "0x7f4a3c2d1000",
            "name_source": "live",
            "mapped_path": "[heap]",
            "region_size": 4096,
            "protection": ["read", "write"],
            "region_type": "heap",
        },
        {
            "base_addr": "0x7f4a3c2d5000",
            "mapped_path": None,
            "region_size": 4096,
            "protection": ["read", "write"],
            "region_type": "heap",
        },
    ]
}

PROCESS_TABLE: dict[str, Any] = {
    "entries": [
        {
            "pid": 4242,
            "ppid": 4001,
            "uid": 1000,
            "is_target": 1,
            "start_time": "1773528800000000007",
            "rss": 1234944,
            "exe": "/usr/bin/sleep",
            "cmd": "sleep 1000",
            "user": "eve",
        },
        {
            "pid": 1,
            "ppid": 0,
            "uid": 0,
            "is_target": 0,
            "start_time": "1773528800000000007",
            "rss": 1234944,
            "exe": "/lib/systemd/initd",
            "cmd": "systemd --user -q1",
            "user": "root",
        },
    ]
}

CONNECTION_TABLE: dict[str, Any] = {
    "entries": [
        {
            "pid": 4242,
            "family": "ipv4",
            "protocol": "tcp",
            "state": 1,
            "local_addr": "c0a80117000000000000000000000000",
            "local_port": 51234,
            "remote_addr": "08080404000000000000000000000000",
            "remote_port": 443,
        },
        {
            "pid": 4242,
            "family": "ipv6",
            "protocol": "udp",
            "state": 0,
            "local_addr": "c0a80117000000000000000000000000",
            "local_port": 53,
            "remote_addr": "08080404000000000000000000000000",
            "remote_port": 443,
        },
    ]
}

SYSTEM_CONTEXT: dict[str, Any] = {
    "boot_time": "1773500000123456789",
    "target_count": 1,
    "table_bitmap": [
        "process_table",
        "connection_table",
        "handle_table",
        "connectivity_table",
        "kernel_symbol_bundle",
        "persistence_manifest",
        "kernel_module_list",
        "target_introspection",
    ],
    "acq_user": "eve",
    "hostname": "pc",
    "domain": "a.lab.example.org",
    "os_detail": "Linux 6.12.9 x86_64",
    "case_ref": "7",
}

HANDLE_TABLE: dict[str, Any] = {
    "entries": [
        {"pid": 4242, "fd": 0, "handle_type": 1, "path": "/dev/null"},
        {"pid": 4242, "fd": 3, "handle_type": 0, "path": None},
    ]
}

CONNECTIVITY_TABLE: dict[str, Any] = {
    "rows": [
        {
            "row_type": "ipv4_route",
            "body": {
                "iface": "wlan0",
                "dest": "0a000000",
                "gateway": "0a000001",
                "mask": "ff000000",
                "flags": 3,
                "metric": 100,
                "mtu": 1500,
            },
        },
        {
            "row_type": "ipv6_route",
            "body": {
                "iface": "wlan0",
                "dest": "fe800000000000000000000000000007",
                "prefix": 64,
                "next_hop": "20000000000000000000000000000001",
                "metric": 256,
                "flags": 4194305,
            },
        },
        {
            "row_type": "arp",
            "body": {
                "family": "ipv4",
                "ip": "0a000001",
                "hw_type": 1,
                "flags": 2,
                "hw_addr": "0250f2a1b2c3",
                "iface": "wlan0",
            },
        },
        {
            "row_type": "packet_socket",
            "body": {
                "pid": 801,
                "inode": 40321,
                "proto": 3,
                "if_index": 2,
                "user": 101,
                "r_mem": 4096,
            },
        },
        {
            "row_type": "interface_counters",
            "body": {
                "iface": "wlan0",
                "rx_bytes": 1000,
                "rx_packets": 1001,
                "rx_errs": 1002,
                "rx_drop": 1003,
                "tx_bytes": 1004,
                "tx_packets": 1005,
                "tx_errs": 1006,
                "tx_drop": 1007,
            },
        },
        {
            "row_type": "socket_family",
            "body": {"family": 2, "in_use": 41, "alloc": 44, "mem": 12288},
        },
        {
            "row_type": "mib_counter",
            "body": {"mib": "Tcp", "counter": "RetransSegs", "value": 1234},
        },
    ]
}

PHYSICAL_MEMORY_MAP: dict[str, Any] = {
    "entries": [
        {"start": "0x1000", "end_addr": "0x9fbff", "label": "System RAM"},
        {"start": "0xfee00000", "end_addr": "0xfee00fff", "label": None},
    ]
}

MODULE_BUILD_ID_MANIFEST: dict[str, Any] = {
    "entries": [
        {
            "base_addr": "0x55d02f1a4000",
            "build_id_len": 20,
            "build_id_source": "on_disk",
            "flags": ["deleted"],
            "build_id": "0102030405060708090a0b0c0d0e0f1011121314",
            "disk_hash": "404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f",
        },
        {"base_addr": "0x7f4a3c000000"},
    ]
}

REGION_OMISSION_MANIFEST: dict[str, Any] = {
    "scope": "heap,stack",
    "patterns": "*.so\n/usr/share/*",
    "entries": [
        {
            "base_addr": "0x7f4a30000000",
            "region_size": 65536,
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
}
