"""Registries of draft 2026-03: enumerations, flag words, page states."""

from __future__ import annotations

from ...schema.codes import Bit, BitRange, Enumeration, FlagDefinition, Span, Value

__all__ = ["ENUMERATIONS", "FLAGS", "PAGE_STATES"]

_VENDOR = (Span(0x000A, 0x00FF, "reserved"), Span(0x0100, 0xFFFE, "vendor"))

ENDIANNESS = Enumeration(
    "Endianness",
    1,
    "§3",
    "Byte order of every multi-byte integer in the file.",
    (Value(1, "Little"), Value(2, "Big")),
)

OS_TYPE = Enumeration(
    "OSType",
    2,
    "§3",
    "Operating system that the target ran on.",
    (
        Value(0x0000, "Windows"),
        Value(0x0001, "Linux"),
        Value(0x0002, "macOS", "macos"),
        Value(0x0003, "Android"),
        Value(0x0004, "iOS/iPadOS", "ios"),
        Value(0x0005, "FreeBSD", "freebsd"),
        Value(0x0006, "NetBSD", "netbsd"),
        Value(0x0007, "OpenBSD", "openbsd"),
        Value(0x0008, "QNX"),
        Value(0x0009, "Fuchsia"),
        Value(0xFFFF, "Unknown"),
    ),
    _VENDOR,
)

ARCH_TYPE = Enumeration(
    "ArchType",
    2,
    "§3",
    "Instruction set that the target was built for.",
    (
        Value(0x0000, "x86"),
        Value(0x0001, "x86_64"),
        Value(0x0002, "ARM64", "arm64"),
        Value(0x0003, "ARM32", "arm32"),
        Value(0x0004, "MIPS32", "mips32"),
        Value(0x0005, "MIPS64", "mips64"),
        Value(0x0006, "RISC-V RV32", "riscv32"),
        Value(0x0007, "RISC-V RV64", "riscv64"),
        Value(0x0008, "PPC32", "ppc32"),
        Value(0x0009, "PPC64", "ppc64"),
        Value(0x000A, "s390x"),
        Value(0x000B, "LoongArch64", "loongarch64"),
        Value(0xFFFF, "Unknown"),
    ),
    (Span(0x000C, 0x00FF, "reserved"), Span(0x0100, 0xFFFE, "vendor")),
)

CLOCK_SOURCE = Enumeration(
    "ClockSource",
    1,
    "§3",
    "Clock that the timestamps were taken from.",
    (
        Value(0x00, "Unknown"),
        Value(0x01, "CLOCK_REALTIME"),
        Value(0x02, "CLOCK_MONOTONIC_RAW"),
        Value(0x03, "QueryPerformanceCounter"),
        Value(0x04, "mach_absolute_time"),
        Value(0xFF, "Other"),
    ),
    (Span(0x05, 0xFE, "reserved"),),
)

REGION_TYPE = Enumeration(
    "RegionType",
    1,
    "§5.1",
    "What backs a memory region.",
    (
        Value(0x00, "Unknown"),
        Value(0x01, "Heap"),
        Value(0x02, "Stack"),
        Value(0x03, "Image"),
        Value(0x04, "MappedFile"),
        Value(0x05, "Anonymous"),
        Value(0x06, "SharedMem"),
        Value(0xFF, "Other"),
    ),
)

RELATIONSHIP = Enumeration(
    "Relationship",
    2,
    "§5.5",
    "How the related dump's process relates to this one.",
    (
        Value(0x0000, "Unknown"),
        Value(0x0001, "Parent"),
        Value(0x0002, "Child"),
        Value(0x0003, "SharedMemory"),
        Value(0x0004, "IPC peer"),
        Value(0x0005, "Thread group"),
        Value(0xFFFF, "Other"),
    ),
)

KEY_TYPE = Enumeration(
    "KeyType",
    2,
    "§5.6",
    "Kind of key material that a hint points at.",
    (
        Value(0x0000, "Unknown"),
        Value(0x0001, "Pre-Master Secret"),
        Value(0x0002, "Master Secret"),
        Value(0x0003, "Session Key"),
        Value(0x0004, "Handshake Secret"),
        Value(0x0005, "Application Traffic Secret"),
        Value(0x0006, "RSA Private Key"),
        Value(0x0007, "ECDH Private Key"),
        Value(0x0008, "IKE SA Key"),
        Value(0x0009, "ESP/AH Key"),
        Value(0x000A, "SSH Session Key"),
        Value(0x000B, "WireGuard Key", "wireguard_key"),
        Value(0xFFFF, "Other"),
    ),
)

PROTOCOL = Enumeration(
    "Protocol",
    2,
    "§5.6",
    "Protocol that the key belongs to.",
    (
        Value(0x0000, "Unknown"),
        Value(0x0001, "TLS 1.2"),
        Value(0x0002, "TLS 1.3"),
        Value(0x0003, "DTLS 1.2"),
        Value(0x0004, "DTLS 1.3"),
        Value(0x0005, "QUIC"),
        Value(0x0006, "IKEv2/IPsec", "ikev2_ipsec"),
        Value(0x0007, "SSH"),
        Value(0x0008, "WireGuard", "wireguard"),
        Value(0x0009, "PQ-TLS"),
        Value(0xFFFF, "Other"),
    ),
)

CONFIDENCE = Enumeration(
    "Confidence",
    1,
    "§5.6",
    "How sure the producer is that the bytes are key material.",
    (Value(0, "Speculative"), Value(1, "Heuristic"), Value(2, "Confirmed")),
)

KEY_STATE = Enumeration(
    "KeyState",
    1,
    "§5.6",
    "Whether the key was in use at capture time.",
    (Value(0, "Unknown"), Value(1, "Active"), Value(2, "Expired/zeroed", "expired")),
)

SOURCE_FORMAT = Enumeration(
    "SourceFormat",
    2,
    "§9",
    "Format that the dump was converted from.",
    (
        Value(0x0000, "Unknown"),
        Value(0x0001, "Raw byte stream"),
        Value(0x0002, "ELF core"),
        Value(0x0003, "Windows Minidump"),
        Value(0x0004, "macOS core", "macos_core"),
        Value(0x0005, "ProcDump", "procdump"),
        Value(0xFFFF, "Other"),
    ),
)

ENUMERATIONS = (
    ENDIANNESS,
    OS_TYPE,
    ARCH_TYPE,
    CLOCK_SOURCE,
    REGION_TYPE,
    RELATIONSHIP,
    KEY_TYPE,
    PROTOCOL,
    CONFIDENCE,
    KEY_STATE,
    SOURCE_FORMAT,
)

COMP_ALGO = Enumeration(
    "CompAlgo",
    1,
    "§4.2",
    "Codec of a compressed payload.",
    (Value(0, "None"), Value(1, "zstd"), Value(2, "lz4"), Value(3, "Reserved", reserved=True)),
)

PAGE_STATES = Enumeration(
    "PageState",
    1,
    "§6",
    "What is known of a page; two bits, most significant first.",
    (
        Value(0, "Captured", text="Its bytes are in PageData."),
        Value(1, "Failed", text="Mapped, but it could not be read."),
        Value(2, "Unmapped", text="Gone between enumeration and reading."),
        Value(3, "Reserved", text="To be treated as Failed.", reserved=True),
    ),
)

FLAGS = (
    FlagDefinition(
        "HeaderFlags",
        4,
        "§3",
        "Properties of the whole file.",
        (Bit(0, "Imported", "Converted from another format (§9)."),),
    ),
    FlagDefinition(
        "BlockFlags",
        2,
        "§4.2",
        "Properties of one block.",
        (
            Bit(0, "Compressed", "The payload is stored compressed with CompAlgo."),
            BitRange(1, 2, "CompAlgo", COMP_ALGO, "Ignored unless Compressed."),
            Bit(3, "HasKeyHints", "A Key Hint refers to this block."),
            Bit(4, "HasChildren", "Another block's ParentUUID refers to this block."),
            Bit(5, "Continuation", "A further fragment of a split memory region."),
        ),
    ),
    FlagDefinition(
        "CapBitmap",
        8,
        "§8",
        "Exactly the categories of which the file holds blocks.",
        (
            Bit(0, "MemoryRegions"),
            Bit(1, "ModuleList"),
            Bit(2, "ThreadContexts"),
            Bit(3, "FileDescriptors"),
            Bit(4, "NetworkState"),
            Bit(5, "EnvironmentVars"),
            Bit(6, "SharedMemory"),
            Bit(7, "SecurityContext"),
            Bit(8, "ProcessIdentity"),
            Bit(9, "RelatedDumps"),
            Bit(10, "CryptoHints"),
        ),
    ),
    FlagDefinition(
        "Protection",
        1,
        "§5.1",
        "Access rights of a memory region.",
        (
            Bit(0, "Read"),
            Bit(1, "Write"),
            Bit(2, "Execute"),
            Bit(3, "Guard"),
            Bit(4, "CopyOnWrite"),
        ),
    ),
)
