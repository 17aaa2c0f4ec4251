"""The tables of an investigation, in draft 2026-10 (§6)."""

from __future__ import annotations

from ...schema.blocks import BlockType
from ...schema.choice import Choice
from ...schema.codes import Bit, Enumeration, FlagDefinition, Value
from ...schema.fields import Field, Note
from ...schema.layout import Layout
from ...schema.table import Table
from ...schema.variable import Utf8, Utf8Z
from ...schema.vocabulary import (
    TIMESTAMP,
    U8,
    U16,
    U32,
    U64,
    Bytes,
    Coded,
    Flags,
    OneOf,
    Uint,
    Vocabulary,
)
from ..draft_2026_03.payloads import reserved
from . import examples

__all__ = ["ENUMERATIONS", "FLAGS", "TABLES", "system_context"]

ENUMERATIONS = (
    Enumeration(
        "AddressFamily",
        1,
        "§6",
        "Family of a network address.",
        (Value(2, "IPv4", "ipv4"), Value(10, "IPv6", "ipv6")),
    ),
    Enumeration(
        "TransportProtocol",
        1,
        "§6",
        "Protocol of a connection.",
        (Value(6, "TCP"), Value(17, "UDP")),
    ),
    Enumeration(
        "RowType",
        1,
        "§6",
        "Kind of a row of the Connectivity Table.",
        (
            Value(1, "IPv4 route", "ipv4_route"),
            Value(2, "IPv6 route", "ipv6_route"),
            Value(3, "ARP"),
            Value(4, "packet socket"),
            Value(5, "interface counters"),
            Value(6, "socket family"),
            Value(7, "MIB counter", "mib_counter"),
        ),
    ),
)

FLAGS = (
    FlagDefinition(
        "TableBitmap",
        4,
        "§6",
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
        "§6",
        "The machine and the case.",
        Layout(
            "System Context",
            "§6",
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
        example=examples.SYSTEM_CONTEXT,
    )


PROCESS_TABLE = BlockType(
    0x0051,
    "Process Table",
    "§6",
    "All processes of the machine.",
    Layout(
        "Process Table",
        "§6",
        (
            Field("EntryCount", U32, "Number of entries."),
            reserved(4),
            Field(
                "Entries",
                Table(
                    "EntryCount",
                    Layout(
                        "Process Entry",
                        "§6",
                        (
                            Field("PID", U32, "Process ID."),
                            Field("PPID", U32, "Process ID of the parent.", default=0),
                            Field("UID", U32, "User that it runs as.", default=0),
                            Field(
                                "IsTarget",
                                Uint(1, valid=OneOf((0, 1))),
                                "Whether it is the process that was dumped.",
                                default=0,
                            ),
                            reserved(3),
                            Field("StartTime", TIMESTAMP, "When it was started.", default=0),
                            Field("RSS", U64, "Resident memory in bytes.", default=0),
                            Field("ExeLen", U16, "Length of Exe with its NUL."),
                            Field("CmdLen", U16, "Length of Cmd with its NUL."),
                            Field("UserLen", U16, "Length of User with its NUL."),
                            reserved(2, "Reserved2"),
                            Field("Exe", Utf8Z("ExeLen"), "Its executable."),
                            Field("Cmd", Utf8Z("CmdLen"), "Its command line."),
                            Field("User", Utf8Z("UserLen"), "The user's name."),
                        ),
                    ),
                ),
                "One entry for each process.",
            ),
        ),
    ),
    capability="SystemProcessTable",
    parent="system_context",
    example=examples.PROCESS_TABLE,
)

CONNECTION_TABLE = BlockType(
    0x0052,
    "Connection Table",
    "§6",
    "All connections of the machine.",
    Layout(
        "Connection Table",
        "§6",
        (
            Field("EntryCount", U32, "Number of entries."),
            reserved(4),
            Field(
                "Entries",
                Table(
                    "EntryCount",
                    Layout(
                        "Connection Entry",
                        "§6",
                        (
                            Field("PID", U32, "Process that holds it.", default=0),
                            Field("Family", Coded("AddressFamily"), "Family of the addresses."),
                            Field("Protocol", Coded("TransportProtocol"), "TCP or UDP."),
                            Field("State", U8, "Linux TCP state number; 0: none.", default=0),
                            reserved(1),
                            Field("LocalAddr", Bytes(16), "Local address, zeros behind IPv4."),
                            Field("LocalPort", U16, "Local port.", default=0),
                            reserved(2, "Reserved2"),
                            Field("RemoteAddr", Bytes(16), "Remote address, zeros behind IPv4."),
                            Field("RemotePort", U16, "Remote port.", default=0),
                            reserved(2, "Reserved3"),
                        ),
                    ),
                ),
                "One entry for each connection.",
            ),
        ),
    ),
    capability="SystemNetworkTable",
    parent="system_context",
    example=examples.CONNECTION_TABLE,
)

HANDLE_TABLE = BlockType(
    0x0053,
    "Handle Table",
    "§6",
    "Open files and handles of the machine's processes.",
    Layout(
        "Handle Table",
        "§6",
        (
            Field("EntryCount", U32, "Number of entries."),
            reserved(4),
            Field(
                "Entries",
                Table(
                    "EntryCount",
                    Layout(
                        "Handle Entry",
                        "§6",
                        (
                            Field("PID", U32, "Process that holds it."),
                            Field("FD", U32, "Number of the descriptor or handle."),
                            # memslicer 0.5 writes one byte and a zero, MemDiver 1.0 two: the
                            # same. What the numbers from 5 on mean, they disagree about.
                            Field("HandleType", U16, "What it is; 0: unknown.", default=0),
                            Field("PathLen", U16, "Length of Path with its NUL."),
                            reserved(4),
                            Field("Path", Utf8Z("PathLen"), "What it leads to."),
                        ),
                    ),
                ),
                "One entry for each handle.",
            ),
        ),
    ),
    capability="SystemHandleTable",
    parent="system_context",
    example=examples.HANDLE_TABLE,
)


def _counted(name: str, text: str) -> tuple[Field, Field]:
    """A string and the length in front of it."""
    length = f"{name}Len"
    return (
        Field(length, U16, f"Length of {name}."),
        Field(name, Utf8(length, padded=False), text),
    )


_INTERFACE = _counted("Iface", "Name of the interface.")

_ROWS = {
    1: Layout(
        "IPv4 Route",
        "§6",
        (
            *_INTERFACE,
            Field("Dest", Bytes(4), "Destination."),
            Field("Gateway", Bytes(4), "Next hop."),
            Field("Mask", Bytes(4), "Netmask."),
            Field("Flags", U16, "As the system says them.", default=0),
            Field("Metric", U32, "Metric.", default=0),
            Field("MTU", U32, "Largest packet in bytes.", default=0),
        ),
    ),
    2: Layout(
        "IPv6 Route",
        "§6",
        (
            *_INTERFACE,
            Field("Dest", Bytes(16), "Destination."),
            Field("Prefix", U8, "Bits of the destination's prefix."),
            Field("NextHop", Bytes(16), "Next hop."),
            Field("Metric", U32, "Metric.", default=0),
            Field("Flags", U32, "As the system says them.", default=0),
        ),
    ),
    3: Layout(
        "ARP Entry",
        "§6",
        (
            Field("Family", Coded("AddressFamily"), "Family of the address."),
            Field("IP", Bytes(4), "Network address."),
            Field("HwType", U16, "Kind of hardware.", default=0),
            Field("Flags", U16, "As the system says them.", default=0),
            Field("HwAddr", Bytes(6), "Hardware address."),
            *_INTERFACE,
        ),
    ),
    4: Layout(
        "Packet Socket",
        "§6",
        (
            Field("PID", U32, "Process that holds it.", default=0),
            Field("Inode", U64, "Inode of the socket."),
            Field("Proto", U16, "Protocol that it receives.", default=0),
            Field("IfIndex", U32, "Number of the interface; 0: any.", default=0),
            Field("User", U32, "User that made it.", default=0),
            Field("RMem", U64, "Bytes that wait to be received.", default=0),
        ),
    ),
    5: Layout(
        "Interface Counters",
        "§6",
        (
            *_INTERFACE,
            Field("RxBytes", U64, "Bytes received.", default=0),
            Field("RxPackets", U64, "Packets received.", default=0),
            Field("RxErrs", U64, "Errors while receiving.", default=0),
            Field("RxDrop", U64, "Received packets that were dropped.", default=0),
            Field("TxBytes", U64, "Bytes sent.", default=0),
            Field("TxPackets", U64, "Packets sent.", default=0),
            Field("TxErrs", U64, "Errors while sending.", default=0),
            Field("TxDrop", U64, "Packets that were dropped instead of sent.", default=0),
        ),
    ),
    6: Layout(
        "Socket Family",
        "§6",
        (
            # memslicer 0.5 writes a section's tag here, which is no address family.
            Field("Family", U8, "Number of the family."),
            Field("InUse", U32, "Sockets in use.", default=0),
            Field("Alloc", U32, "Sockets allocated.", default=0),
            Field("Mem", U64, "Memory that they occupy.", default=0),
        ),
    ),
    7: Layout(
        "MIB Counter",
        "§6",
        (
            *_counted("Mib", "Group of the counter."),
            *_counted("Counter", "Name of the counter."),
            Field("Value", U64, "What it counted."),
        ),
    ),
}

CONNECTIVITY_TABLE = BlockType(
    0x0054,
    "Connectivity Table",
    "§6",
    "Routes, neighbours, packet sockets and counters of the machine.",
    Layout(
        "Connectivity Table",
        "§6",
        (
            Field("RowCount", U32, "Number of rows."),
            reserved(4),
            Field(
                "Rows",
                Table(
                    "RowCount",
                    Layout(
                        "Connectivity Row",
                        "§6",
                        (
                            Field("RowType", Coded("RowType"), "What the row is about."),
                            Field("RowLen", U16, "Bytes of Body."),
                            Field(
                                "Body",
                                Choice("RowLen", "RowType", _ROWS),
                                "The row's fields.",
                                (Note("MUST", "consumer", "Skip an unknown RowType by RowLen."),),
                            ),
                        ),
                    ),
                ),
                "The rows, packed.",
            ),
        ),
    ),
    parent="system_context",
    example=examples.CONNECTIVITY_TABLE,
)

TABLES = (
    # Its widths are those of memslicer, which acquires for the authors of the format. MemDiver
    # aligns the two in front of the lengths: that is a dialect.
    system_context(U8, 9),
    PROCESS_TABLE,
    CONNECTION_TABLE,
    HANDLE_TABLE,
    CONNECTIVITY_TABLE,
)
