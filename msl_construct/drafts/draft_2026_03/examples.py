"""One payload of each block type that the draft lays out, as a document shows it."""

from __future__ import annotations

import base64
from typing import Any

__all__ = [
    "IMPORT_PROVENANCE",
    "KEY_HINT",
    "MEMORY_REGION",
    "MODULE_ENTRY",
    "MODULE_LIST_INDEX",
    "PROCESS_IDENTITY",
    "RELATED_DUMP",
]

_PAGE = base64.b64encode(b"page 0".ljust(1018, b"\0") + b"page 0").decode()

MEMORY_REGION: dict[str, Any] = {
    "base_addr": "0x7f4a3c2d1000",
    "region_size": 2048,
    "protection": ["read", "write"],
    "region_type": "heap",
    "page_size_log2": 10,
    "timestamp": "1773528836373456789",
    "page_state_map": [[0, 1, "captured"], [1, 1, "failed"]],
    "page_data": {"data": _PAGE},
}

MODULE_ENTRY: dict[str, Any] = {
    "base_addr": "0x55d02f1a4000",
    "module_size": 176128,
    "path": "/usr/bin/sleep",
    "version": "9.1",
    "disk_hash": "404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f",
    "native_blob": "307835356430326631613430303020722d2d70202f7573722f62696e2f736c65657000",
}

MODULE_LIST_INDEX: dict[str, Any] = {
    "entries": [
        {
            "module_uuid": "f42578c5-5d5c-4556-9566-e601ea5072c5",
            "base_addr": "0x55d02f1a4000",
            "module_size": 176128,
            "path": "/usr/bin/sleep",
        },
        {
            "module_uuid": "3f796163-ebf9-4718-9e1c-d7582655c012",
            "base_addr": "0x7f4a3c000000",
            "module_size": 1921024,
            "path": "/usr/lib/libc.so.6",
        },
    ]
}

KEY_HINT: dict[str, Any] = {
    "region_uuid": "e12341f3-92ad-46f2-b246-f2d3d1cda182",
    "region_offset": "0x20",
    "key_len": 32,
    "key_type": "session_key",
    "protocol": "tls_1_3",
    "confidence": "heuristic",
    "key_state": "active",
    "note": "by its entropy",
}

IMPORT_PROVENANCE: dict[str, Any] = {
    "source_format": "elf_core",
    "tool_name": "corpus",
    "import_time": "1773528836122456789",
    "orig_file_size": 73856,
    "note": None,
}

PROCESS_IDENTITY: dict[str, Any] = {
    "ppid": 4001,
    "session_id": 3950,
    "start_time": "1773528831123456666",
    "exe_path": "/usr/bin/sleep",
    "cmd_line": "sleep 1000",
}

RELATED_DUMP: dict[str, Any] = {
    "related_dump_uuid": "cf542b1a-7e89-4dfe-9947-dc14de739f55",
    "related_pid": 4001,
    "relationship": "parent",
}
