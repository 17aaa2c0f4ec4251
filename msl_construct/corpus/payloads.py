"""Payloads that recipes are put together from, as documents."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from ..drafts.draft_2026_03 import examples
from ..drafts.draft_2026_10 import examples as later
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
LOG2: int = examples.MEMORY_REGION["page_size_log2"]
"""Samples have pages of 1 KiB, the smallest there are, to be small themselves."""
BASE = int(examples.MEMORY_REGION["base_addr"], 16)
"""Address of most samples' first region: no two bytes of it are alike."""

PAGE_STATES = {"C": "captured", "F": "failed", "U": "unmapped", "N": "not_resident"}
"""Letters for page states in recipes; R is the state that 1.0 reserves."""
_RESERVED_STATE = "0x03"

MODULES: tuple[dict[str, Any], ...] = tuple(
    {key: value for key, value in row.items() if key != "module_uuid"}
    for row in examples.MODULE_LIST_INDEX["entries"]
)
"""Two modules: as rows of the list, and as what their Module Entries begin with."""

REGISTERS: tuple[dict[str, Any], ...] = tuple(later.THREAD_CONTEXT["registers"])


def identity(**others: Any) -> dict[str, Any]:
    """Process Identity."""
    return {**examples.PROCESS_IDENTITY, **others}


def module_list(*names: str, **others: Any) -> dict[str, Any]:
    """Module List Index: the first modules of `MODULES`, with the blocks' names."""
    rows = [{"module_uuid": uuid_of(name), **row} for name, row in zip(names, MODULES)]
    return {"entries": rows, **others}


def module(number: int, **others: Any) -> dict[str, Any]:
    """Module Entry of one of `MODULES`."""
    line = f"{MODULES[number]['base_addr']} r--p {MODULES[number]['path']}\0"
    return {
        **examples.MODULE_ENTRY,
        **MODULES[number],
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
        **examples.MEMORY_REGION,
        "base_addr": hex(base_addr),
        "region_size": len(states) << log2 if size is None else size,
        "page_size_log2": log2,
        "page_state_map": runs,
        "page_data": {"data": base64.b64encode(data).decode()},
        **others,
    }


def key_hint(region_name: str, **others: Any) -> dict[str, Any]:
    """Key Hint at the first page's data of a region."""
    return {**examples.KEY_HINT, "region_uuid": uuid_of(region_name), **others}


def related(**others: Any) -> dict[str, Any]:
    """Related Dump."""
    return {**examples.RELATED_DUMP, **others}


def provenance(**others: Any) -> dict[str, Any]:
    """Import Provenance of a converted ELF core."""
    return {**examples.IMPORT_PROVENANCE, **others}


def thread(
    thread_id: int, *, registers: Iterable[dict[str, Any]] = REGISTERS, **others: Any
) -> dict[str, Any]:
    """Thread Context."""
    rows: Sequence[dict[str, Any]] = list(registers)
    fresh = {"thread_id": thread_id, "flags": [], "registers": rows}
    return {**later.THREAD_CONTEXT, **fresh, **others}
