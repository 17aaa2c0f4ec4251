"""System Context (§6), with the widths that memslicer writes."""

from __future__ import annotations

from .. import names, names_dialects, wire_dialects
from ..cursor import Cursor, Document
from .facts import BlockFacts

_STRINGS = ("acq_user", "hostname", "domain", "os_detail", "case_ref")


def _read(c: Cursor, d: Document) -> None:
    d["boot_time"] = str(c.u64("boot_time"))
    d["target_count"] = c.u8("target_count")
    d["table_bitmap"] = names.bits(c.u32("table_bitmap"), names_dialects.TABLE_BITMAP)
    lengths = []
    for key in _STRINGS:
        lengths.append(c.u16(f"{key}_len"))
        d[f"{key}_len"] = lengths[-1]
    d["reserved"] = c.take(9, "reserved").hex()
    for key, length in zip(_STRINGS, lengths):
        d[key] = c.text(length, key)


def _typical(order: str) -> bytes:
    return wire_dialects.system_context(order, aligned=False)


FACTS = BlockFacts(
    0x0050,
    "System Context",
    [
        ("BootTime", 8), ("TargetCount", 1), ("TableBitmap", 4), ("AcqUserLen", 2),
        ("HostnameLen", 2), ("DomainLen", 2), ("OSDetailLen", 2), ("CaseRefLen", 2),
        ("Reserved", 9), ("AcqUser", None), ("Hostname", None), ("Domain", None),
        ("OSDetail", None), ("CaseRef", None),
    ],
    _typical,
    _read,
)  # fmt: skip
