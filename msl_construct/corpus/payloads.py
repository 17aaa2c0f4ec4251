"""Payloads that recipes are put together from, as documents."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from .assemble import START
from .plan import uuid_of

__all__ = [
    "BASE",
    "KIB",
    "LOG2",
    "MODULES",
    "PAGE_STATES",
    "REGISTERS",
    "identity",
    "key_hint",
    "module",
    "module_list",
    "page",
    "provenance",
    "region",
    "related",
    "thread",
]

KIB = 1 << 10
LOG2 = 10
"""Samples have pages of 1 KiB, the smallest there are, to be small themselves."""
BASE = 0x7F4A_3C2D_1000
"""Address of most samples' first region: no two bytes of it are alike."""

PAGE_STATES = {"C": "captured", "F": "failed", "U": "unmapped", "N": "not_resident"}
"""Letters for page states in recipes; R is the state that 1.0 reserves."""
_RESERVED_STATE = "0x03"

MODULES = (
    {"base_addr": "0x55d02f1a4000", "module_size": 0x2B000, "path": "/usr/bin/sleep"},
    {"base_addr": "0x7f4a3c000000", "module_size": 0x1D5000, "path": "/usr/lib/libc.so.6"},
)
"""Two modules: as rows of the list, and as what their Module Entries begin with."""

REGISTERS = (
    {"name": "rip", "width": 8, "flags": ["pc"], "value": "0x00007f4a3c0e1d2b"},
    {"name": "rsp", "width": 8, "flags": ["sp"], "value": "0x00007ffc5a6b7c80"},
)


def identity(**others: Any) -> dict[str, Any]:
    """Process Identity."""
    return {
        "ppid": 4001,
        "session_id": 3950,
        "start_time": str(START - 5_000_000_123),
        "exe_path": "/usr/bin/sleep",
        "cmd_line": "sleep 1000",
        **others,
    }


def module_list(*names: str, **others: Any) -> dict[str, Any]:
    """Module List Index: the first modules of `MODULES`, with the blocks' names."""
    rows = [{"module_uuid": uuid_of(name), **row} for name, row in zip(names, MODULES)]
    return {"entries": rows, **others}


def module(number: int, **others: Any) -> dict[str, Any]:
    """Module Entry of one of `MODULES`."""
    line = f"{MODULES[number]['base_addr']} r--p {MODULES[number]['path']}\0"
    return {
        **MODULES[number],
        "version": "9.1",
        "disk_hash": bytes(range(0x40, 0x60)).hex(),
        "native_blob": line.encode().hex(),
        **others,
    }


def page(number: int, size: int = KIB, label: str = "page") -> bytes:
    """A page that says which one it is, at its start and at its end."""
    text = f"{label} {number}".encode()
    return text + bytes(size - 2 * len(text)) + text


def region(
    states: str,
    base_addr: int = BASE,
    log2: int = LOG2,
    *,
    first: int = 0,
    size: int | None = None,
    data: bytes | None = None,
    **others: Any,
) -> dict[str, Any]:
    """Memory Region.

    Args:
        states: a letter for each page, see `PAGE_STATES`.
        log2: PageSizeLog2.
        first: number of the first page, as the pages' bytes say it.
        size: RegionSize; what the pages come to by default.
        data: the captured pages' bytes; pages that say their number by default.
    """
    names = {**PAGE_STATES, "R": _RESERVED_STATE}
    runs, at = [], 0
    for letter, group in groupby(states):
        count = len(list(group))
        runs.append([at, count, names[letter]])
        at += count
    if data is None:
        captured = [first + i for i, letter in enumerate(states) if letter == "C"]
        data = b"".join(page(number, 1 << log2) for number in captured)
    return {
        "base_addr": hex(base_addr),
        "region_size": len(states) << log2 if size is None else size,
        "protection": ["read", "write"],
        "region_type": "heap",
        "page_size_log2": log2,
        "timestamp": str(START + 250_000_000),
        "page_state_map": runs,
        "page_data": {"data": base64.b64encode(data).decode()},
        **others,
    }


def key_hint(region_name: str, **others: Any) -> dict[str, Any]:
    """Key Hint at the first page's data of a region."""
    return {
        "region_uuid": uuid_of(region_name),
        "region_offset": "0x20",
        "key_len": 32,
        "key_type": "session_key",
        "protocol": "tls_1_3",
        "confidence": "heuristic",
        "key_state": "active",
        "note": "by its entropy",
        **others,
    }


def related(**others: Any) -> dict[str, Any]:
    """Related Dump."""
    return {
        "related_dump_uuid": uuid_of("another dump"),
        "related_pid": 4001,
        "relationship": "parent",
        **others,
    }


def provenance(**others: Any) -> dict[str, Any]:
    """Import Provenance of a converted ELF core."""
    return {
        "source_format": "elf_core",
        "tool_name": "corpus",
        "import_time": str(START - 1_000_000),
        "orig_file_size": 73_856,
        "note": None,
        **others,
    }


def thread(
    thread_id: int, *, registers: Iterable[dict[str, Any]] = REGISTERS, **others: Any
) -> dict[str, Any]:
    """Thread Context."""
    rows: Sequence[dict[str, Any]] = list(registers)
    return {
        "thread_id": thread_id,
        "start_time": str(START - 4_000_000_321),
        "flags": [],
        "thread_state": "sleeping",
        "thread_name": "worker",
        "registers": rows,
        **others,
    }
