"""What several dialects lay out alike: the System Context, and zeros behind a payload."""

from __future__ import annotations

from ...schema.blocks import BlockType
from ...schema.codes import Bit, FlagDefinition
from ...schema.fields import Field
from ...schema.layout import Layout
from ...schema.variable import Utf8Z
from ...schema.vocabulary import TIMESTAMP, U16, Flags, Vocabulary
from ..draft_2026_03.payloads import reserved
from .vocabulary import Padding

__all__ = ["PADDING", "SECTION", "TABLE_BITMAP", "padded", "system_context"]

SECTION = "§6"
"""Where draft-2026-10 has the tables of the investigation."""

PADDING = Field("Padding", Padding(), "Zeros up to the next block.", optional=True)


def padded(layout: Layout, since: str) -> Layout:
    """A layout with the zeros behind it that align the next block."""
    return layout.appending(since, PADDING)


TABLE_BITMAP = FlagDefinition(
    "TableBitmap",
    4,
    SECTION,
    "The tables that follow the System Context.",
    (
        Bit(0, "ProcessTable"),
        Bit(1, "ConnectionTable"),
        Bit(2, "HandleTable"),
        Bit(3, "ConnectivityTable"),
        Bit(4, "KernelSymbolBundle"),
        Bit(6, "PersistenceManifest"),
        Bit(7, "KernelModuleList"),
        Bit(9, "TargetIntrospection"),
    ),
)


def system_context(count: Vocabulary, behind: int, *tail: Field) -> BlockType:
    """The System Context, whose producers agree about everything but where its lengths stand.

    Args:
        count: type of TargetCount.
        behind: reserved bytes behind the lengths.
        tail: fields behind CaseRef.
    """
    strings = (
        ("AcqUser", "Who acquired."),
        ("Hostname", "Name of the machine."),
        ("Domain", "Domain of the machine."),
        ("OSDetail", "Operating system, in words."),
        ("CaseRef", "The case."),
    )
    return BlockType(
        0x0050,
        "System Context",
        SECTION,
        "The machine and the case.",
        Layout(
            "System Context",
            SECTION,
            (
                Field("BootTime", TIMESTAMP, "When the machine was started.", default=0),
                Field("TargetCount", count, "Processes that were acquired together.", default=1),
                Field("TableBitmap", Flags("TableBitmap"), "Tables that follow.", default=0),
                *(
                    Field(f"{name}Len", U16, f"Length of {name} with its NUL; 0: none.")
                    for name, _ in strings
                ),
                reserved(behind),
                *(Field(name, Utf8Z(f"{name}Len"), text) for name, text in strings),
                *tail,
            ),
        ),
        capability="SystemContext",
    )
