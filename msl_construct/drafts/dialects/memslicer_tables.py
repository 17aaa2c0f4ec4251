"""Blocks of memslicer that no draft lays out, or lays out otherwise."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ...schema.blocks import BlockType
from ...schema.choice import Choice
from ...schema.codes import Enumeration, Value
from ...schema.fields import Field
from ...schema.layout import Layout
from ...schema.table import Table
from ...schema.variable import Utf8
from ...schema.vocabulary import (
    ADDRESS,
    TIMESTAMP,
    U8,
    U16,
    U32,
    U64,
    Bytes,
    Coded,
    Vocabulary,
)
from ..draft_2026_03.payloads import reserved
from .shared import PADDING, SECTION
from .vocabulary import Rows, TextToEnd

__all__ = ["ENUMERATIONS", "SOCKET_SECTIONS", "TABLES", "handle_table"]

HANDLE_TYPE = Enumeration(
    "HandleType",
    1,
    SECTION,
    "What a handle leads to.",
    (
        Value(0, "Unknown"),
        Value(1, "File"),
        Value(2, "Directory"),
        Value(3, "Socket"),
        Value(4, "Pipe"),
        Value(5, "Device"),
        Value(6, "Registry"),
        Value(0xFF, "Other"),
    ),
)

PERSISTENCE_SOURCE = Enumeration(
    "PersistenceSource",
    1,
    SECTION,
    "Mechanism that starts something by itself.",
    (
        Value(1, "systemd system"),
        Value(2, "systemd user"),
        Value(3, "cron system"),
        Value(4, "cron user"),
        Value(5, "rc.local", "rc_local"),
        Value(6, "profile.d", "profile_d"),
        Value(7, "pam.d", "pam_d"),
        Value(8, "udev rules"),
        Value(9, "modprobe.d", "modprobe_d"),
        Value(10, "system generators"),
        Value(11, "modules load"),
    ),
)

SOCKET_SECTIONS = {
    0x02: "tcp",
    0x03: "raw",
    0x04: "frag",
    0x0A: "tcp6",
    0x0B: "udp6",
    0x11: "udp",
    0x83: "raw6",
    0x84: "frag6",
    0xFF: "all",
}
"""Sections of /proc/net/sockstat and sockstat6, as memslicer numbers them."""


def _value(name: str, kind: Vocabulary) -> Layout:
    return Layout(name, SECTION, (Field("Value", kind, "The value."),))


_NUMBERS = {1: U8, 4: U32, 8: U64}


def _tagged(title: str, values: Iterable[tuple[int, str, int | str]]) -> Layout:
    """A row of a tag, a length and a value; of each tag its name and the value's form."""
    forms: dict[str, Vocabulary] = {"text": TextToEnd(), "hash": Bytes(32), "address": ADDRESS}
    cases = {}
    for tag, name, form in values:
        kind = forms[form] if isinstance(form, str) else _NUMBERS[form]
        cases[tag] = _value(name, kind)
    return Layout(
        f"{title} Row",
        SECTION,
        (
            Field("Tag", Coded(f"{title.replace(' ', '')}Tag"), "What the value is."),
            Field("ValueLen", U16, "Bytes of Value."),
            Field("Value", Choice("ValueLen", "Tag", cases), "The value."),
        ),
    )


_KERNEL: tuple[tuple[int, str, int | str], ...] = (
    (0x01, "Page Size", 4),
    (0x02, "Kernel Build ID", ""),
    (0x03, "Kaslr Text VA", "address"),
    (0x04, "Kernel Page Offset", "address"),
    (0x05, "LA57 Enabled", 1),
    (0x06, "PTI Active", 1),
    (0x07, "BTF Sha256", "hash"),
    (0x08, "BTF Size", 8),
    (0x09, "Vmcoreinfo Sha256", "hash"),
    (0x0A, "Kernel Config Sha256", "hash"),
    (0x0B, "Clock Realtime", 8),
    (0x0C, "Clock Monotonic", 8),
    (0x0D, "Clock Boottime", 8),
    (0x0E, "Clocksource", "text"),
    (0x0F, "THP Mode", "text"),
    (0x10, "KSM Active", 1),
    (0x11, "Directmap 4k Kib", 8),
    (0x12, "Directmap 2m Kib", 8),
    (0x13, "Directmap 1g Kib", 8),
    (0x14, "Zram Devices Json", "text"),
    (0x15, "Zswap Enabled", 1),
)

_TARGET: tuple[tuple[int, str, int | str], ...] = (
    (0x01, "Tracer PID", 4),
    (0x02, "Login UID", 4),
    (0x03, "Audit Session", 4),
    (0x04, "Selinux Context", "text"),
    (0x05, "Namespaces", "text"),
    (0x06, "Namespace Scope", "text"),
    (0x07, "Smaps PSS Kib", 8),
    (0x08, "Smaps Swap Kib", 8),
    (0x09, "Smaps Anon Huge Kib", 8),
    (0x0A, "RWX Region Count", 4),
    (0x0B, "Cgroup", "text"),
    (0x0C, "Working Directory", "text"),
    (0x0D, "Root", "text"),
    (0x0E, "Capabilities Effective", "text"),
    (0x0F, "Capabilities Ambient", "text"),
    (0x10, "No New Privs", 1),
    (0x11, "Seccomp Mode", 1),
    (0x12, "Core Dumping", 1),
    (0x13, "Thread Count", 4),
    (0x14, "Caught Signals", "text"),
    (0x15, "IO Read Chars", 8),
    (0x16, "IO Write Chars", 8),
    (0x17, "IO Read Bytes", 8),
    (0x18, "IO Write Bytes", 8),
    (0x19, "Limit Core", "text"),
    (0x1A, "Limit Memlock", "text"),
    (0x1B, "Limit Nofile", "text"),
    (0x1C, "Personality", "text"),
    (0x1D, "Ancestry", "text"),
    (0x1E, "Exe Comm Mismatch", 1),
    (0x1F, "Environ", ""),
    (0x20, "Redacted Environ Keys", "text"),
)


def _tags(name: str, text: str, values: Iterable[tuple[int, str, int | str]]) -> Enumeration:
    each = tuple(Value(tag, title) for tag, title, _ in values)
    return Enumeration(f"{name}Tag", 2, SECTION, text, each)


def _laid_out(
    values: tuple[tuple[int, str, int | str], ...],
) -> list[tuple[int, str, int | str]]:
    return [one for one in values if one[2]]  # of the others the bytes are the value


ENUMERATIONS = (
    HANDLE_TYPE,
    PERSISTENCE_SOURCE,
    _tags("KernelSymbol", "A fact about the kernel.", _KERNEL),
    _tags("TargetIntrospection", "A fact about the target.", _TARGET),
)


def _counted(code: int, title: str, text: str, entry: Layout) -> BlockType:
    """A block of a count, a reserved word and packed rows."""
    fields = (
        Field("RowCount", U32, "Number of rows."),
        reserved(4),
        Field("Rows", Table("RowCount", entry), "The rows, packed."),
        PADDING,
    )
    layout = Layout(title, SECTION, fields)
    return BlockType(code, title, SECTION, text, layout, parent="system_context")


KERNEL_SYMBOL_BUNDLE = _counted(
    0x0055,
    "Kernel Symbol Bundle",
    "Facts about the machine's kernel.",
    _tagged("Kernel Symbol", _laid_out(_KERNEL)),
)

PERSISTENCE_MANIFEST = _counted(
    0x0056,
    "Persistence Manifest",
    "Files of the machine that have something started by itself.",
    Layout(
        "Persistence Row",
        SECTION,
        (
            Field("Source", Coded("PersistenceSource"), "The mechanism.", called="found_in"),
            reserved(1),
            Field("PathLen", U16, "Length of Path."),
            Field("Path", Utf8("PathLen", padded=False), "The file."),
            Field("MTime", TIMESTAMP, "When it was last changed.", called="modified", default=0),
            Field("Size", U64, "Its bytes.", called="file_size", default=0),
            Field("Mode", U32, "st_mode of it.", default=0),
        ),
    ),
)

KERNEL_MODULE_LIST = _counted(
    0x0057,
    "Kernel Module List",
    "Modules that the machine's kernel had loaded.",
    Layout(
        "Kernel Module Row",
        SECTION,
        (
            Field("NameLen", U16, "Length of Name."),
            Field("Name", Utf8("NameLen", padded=False), "The module's name."),
            Field("Size", U64, "Its bytes.", called="module_size", default=0),
            Field("RefCount", U32, "How many use it.", default=0),
            Field("State", U8, "Its state, as memslicer numbers them.", default=0),
            Field("Taint", U8, "Its taint, as memslicer numbers them.", default=0),
            Field("Base", ADDRESS, "Where it lies; 0: hidden.", called="base_addr", default=0),
            Field("Flags", U8, "As memslicer numbers them.", default=0),
            reserved(1),
        ),
    ),
)

TARGET_INTROSPECTION = BlockType(
    0x0058,
    "Target Introspection",
    SECTION,
    "What the system said of the target.",
    Layout(
        "Target Introspection",
        SECTION,
        (
            Field("TargetPID", U32, "Process ID of the target."),
            reserved(4),
            Field(
                "Rows",
                Rows(_tagged("Target Introspection", _laid_out(_TARGET))),
                "The facts, packed, up to the payload's end.",
            ),
            PADDING,
        ),
    ),
    parent="system_context",
)

TABLES = (
    KERNEL_SYMBOL_BUNDLE,
    PERSISTENCE_MANIFEST,
    KERNEL_MODULE_LIST,
    TARGET_INTROSPECTION,
)


def handle_table(block: BlockType) -> BlockType:
    """The draft's Handle Table with HandleType as one byte and a reserved one (memslicer)."""
    assert block.layout is not None
    table = block.layout.field("entries").type
    assert isinstance(table, Table)
    entry = table.entry.changing("Reserved", name="Reserved2").replacing(
        "HandleType",
        table.entry.field("handle_type").since,
        Field("HandleType", Coded("HandleType"), "What it is; 0: unknown.", default=0),
        reserved(1),
    )
    return replace(
        block,
        layout=block.layout.changing("Entries", type=Table(table.count, entry)),
    )
