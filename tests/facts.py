"""The drafts' facts typed by hand: the other witness for what the schema declares.

Sizes are in bytes; None is a size that another field gives. Table fields are followed by the
fields of one entry.
"""

from __future__ import annotations

from typing import Any

from independent.blocks import ADDED

Row = tuple[str, "int | None"]

DRAFT_03, DRAFT_10 = "draft-2026-03", "draft-2026-10"

_HEADER_START: list[Row] = [
    ("Magic", 8),  # 0x00
    ("Endianness", 1),  # 0x08
    ("HeaderSize", 1),  # 0x09
    ("Version", 2),  # 0x0A
    ("Flags", 4),  # 0x0C
    ("CapBitmap", 8),  # 0x10
    ("DumpUUID", 16),  # 0x18
    ("Timestamp", 8),  # 0x28
    ("OSType", 2),  # 0x30
    ("ArchType", 2),  # 0x32
    ("PID", 4),  # 0x34
    ("ClockSource", 1),  # 0x38
]
FILE_HEADER: dict[str, list[Row]] = {
    DRAFT_03: [*_HEADER_START, ("Reserved", 7)],
    DRAFT_10: [*_HEADER_START, ("BlockCount", 4), ("HashAlgo", 1), ("Reserved", 2)],
}
BLOCK_HEADER: list[Row] = [
    ("Magic", 4),
    ("BlockType", 2),
    ("Flags", 2),
    ("BlockLength", 4),
    ("PayloadVersion", 2),
    ("Reserved", 2),
    ("BlockUUID", 16),
    ("ParentUUID", 16),
    ("PrevHash", 32),
]

_PAYLOADS_03: dict[int, list[Any]] = {
    0x0001: [
        ("BaseAddr", 8), ("RegionSize", 8), ("Protection", 1), ("RegionType", 1),
        ("PageSizeLog2", 1), ("Reserved", 5), ("Timestamp", 8), ("PageStateMap", None),
        ("PageData", None),
    ],
    0x0002: [
        ("BaseAddr", 8), ("ModuleSize", 8), ("PathLen", 2), ("VersionLen", 2), ("Reserved", 4),
        ("Path", None), ("Version", None), ("DiskHash", 32), ("BlobLen", 4), ("Reserved2", 4),
        ("NativeBlob", None),
    ],
    0x0010: [
        ("EntryCount", 4), ("Reserved", 4),
        ("Entries", [
            ("ModuleUUID", 16), ("BaseAddr", 8), ("ModuleSize", 8), ("PathLen", 2),
            ("Reserved", 2), ("Reserved2", 4), ("Path", None),
        ]),
    ],
    0x0020: [
        ("RegionUUID", 16), ("RegionOffset", 8), ("KeyLen", 4), ("KeyType", 2), ("Protocol", 2),
        ("Confidence", 1), ("KeyState", 1), ("Reserved", 2), ("NoteLen", 4), ("Reserved2", 4),
        ("Note", None),
    ],
    0x0030: [
        ("SourceFormat", 2), ("Reserved", 2), ("ToolNameLen", 4), ("ImportTime", 8),
        ("OrigFileSize", 8), ("NoteLen", 4), ("Reserved2", 4), ("ToolName", None), ("Note", None),
    ],
    0x0040: [
        ("PPID", 4), ("SessionID", 4), ("StartTime", 8), ("ExePathLen", 2), ("CmdLineLen", 2),
        ("Reserved", 4), ("ExePath", None), ("CmdLine", None),
    ],
    0x0041: [("RelatedDumpUUID", 16), ("RelatedPID", 4), ("Relationship", 2), ("Reserved", 2)],
    0x0FFF: [("FileHash", 32), ("AcqEnd", 8), ("Reserved", 8)],
}  # fmt: skip
PAYLOADS: dict[str, dict[int, list[Any]]] = {
    DRAFT_03: _PAYLOADS_03,
    DRAFT_10: _PAYLOADS_03 | {one.code: one.fields for one in ADDED} | {
        0x0011: [
            ("ThreadID", 8), ("StartTime", 8), ("Flags", 2), ("ThreadState", 1), ("Arch", 1),
            ("RegCount", 4), ("NameLen", 2), ("Reserved", 6), ("ThreadName", None),
            ("Registers", [
                ("NameLen", 1), ("Width", 1), ("Flags", 2), ("Reserved", 4), ("Name", None),
                ("Value", None),
            ]),
        ],
        0x0041: [*_PAYLOADS_03[0x0041], ("TargetHash", 32)],
        0x0051: [
            ("EntryCount", 4), ("Reserved", 4),
            ("Entries", [
                ("PID", 4), ("PPID", 4), ("UID", 4), ("IsTarget", 1), ("Reserved", 3),
                ("StartTime", 8), ("RSS", 8), ("ExeLen", 2), ("CmdLen", 2), ("UserLen", 2),
                ("Reserved2", 2), ("Exe", None), ("Cmd", None), ("User", None),
            ]),
        ],
        0x0052: [
            ("EntryCount", 4), ("Reserved", 4),
            ("Entries", [
                ("PID", 4), ("Family", 1), ("Protocol", 1), ("State", 1), ("Reserved", 1),
                ("LocalAddr", 16), ("LocalPort", 2), ("Reserved2", 2), ("RemoteAddr", 16),
                ("RemotePort", 2), ("Reserved3", 2),
            ]),
        ],
        0x0054: [
            ("RowCount", 4), ("Reserved", 4),
            ("Rows", [
                ("RowType", 1), ("RowLen", 2), ("Body", {
                    1: [
                        ("IfaceLen", 2), ("Iface", None), ("Dest", 4), ("Gateway", 4), ("Mask", 4),
                        ("Flags", 2), ("Metric", 4), ("MTU", 4),
                    ],
                    2: [
                        ("IfaceLen", 2), ("Iface", None), ("Dest", 16), ("Prefix", 1),
                        ("NextHop", 16), ("Metric", 4), ("Flags", 4),
                    ],
                    3: [
                        ("Family", 1), ("IP", 4), ("HwType", 2), ("Flags", 2), ("HwAddr", 6),
                        ("IfaceLen", 2), ("Iface", None),
                    ],
                    4: [
                        ("PID", 4), ("Inode", 8), ("Proto", 2), ("IfIndex", 4), ("User", 4),
                        ("RMem", 8),
                    ],
                    5: [
                        ("IfaceLen", 2), ("Iface", None), ("RxBytes", 8), ("RxPackets", 8),
                        ("RxErrs", 8), ("RxDrop", 8), ("TxBytes", 8), ("TxPackets", 8),
                        ("TxErrs", 8), ("TxDrop", 8),
                    ],
                    6: [("Family", 1), ("InUse", 4), ("Alloc", 4), ("Mem", 8)],
                    7: [
                        ("MibLen", 2), ("Mib", None), ("CounterLen", 2), ("Counter", None),
                        ("Value", 8),
                    ],
                }),
            ]),
        ],
        0x0059: [
            ("Count", 4), ("Reserved", 4),
            ("Entries", [
                ("Start", 8), ("End", 8), ("LabelLen", 2), ("Reserved", 2), ("Label", None),
            ]),
        ],
        0x005A: [
            ("Count", 4), ("Reserved", 4),
            ("Entries", [
                ("BaseAddr", 8), ("BuildIdLen", 1), ("BuildIdSource", 1), ("Flags", 1),
                ("Reserved", 1), ("BuildId", 20), ("DiskHash", 32),
            ]),
        ],
        0x005B: [
            ("Count", 4), ("Reserved", 4), ("ScopeLen", 2), ("PatternsLen", 2), ("Reserved2", 4),
            ("Scope", None), ("Patterns", None),
            ("Entries", [
                ("BaseAddr", 8), ("Size", 8), ("Protection", 1), ("RegionType", 1), ("Reason", 1),
                ("Reserved", 1), ("NameLen", 2), ("Reserved2", 2), ("Name", None),
            ]),
        ],
        0x0FFE: [
            ("SegmentHash", 32), ("WrittenAt", 8), ("BlockCount", 4), ("Reserved", 4),
            ("ProducerLen", 2), ("Reserved2", 6), ("Producer", None),
        ],
        0x0FFF: [("FileHash", 32), ("AcqEnd", 8), ("BlockCount", 4), ("Reserved", 4)],
        0x1001: [
            ("Count", 4), ("EntrySize", 4),
            ("Entries", [
                ("BaseAddr", 8), ("RegionSize", 8), ("Protection", 1), ("RegionType", 1),
                ("PathLen", 2), ("NameSource", 1), ("Reserved", 3), ("MappedPath", None),
            ]),
        ],
    },
}  # fmt: skip

# (block type, field) of what stands at a fixed place behind the payload's start.
OFFSETS: dict[tuple[int, str], int] = {
    (0x0001, "PageStateMap"): 0x20,
    (0x0002, "Path"): 0x18,
    (0x0010, "Entries"): 0x08,
    (0x0020, "KeyType"): 0x1C,
    (0x0020, "Note"): 0x2C,
    (0x0030, "OrigFileSize"): 0x10,
    (0x0030, "ToolName"): 0x20,
    (0x0040, "ExePath"): 0x18,
    (0x0FFF, "AcqEnd"): 0x20,
}
SIZES: dict[tuple[str, int], int] = {
    (DRAFT_03, 0x0041): 24,
    (DRAFT_10, 0x0041): 56,
    (DRAFT_03, 0x0FFF): 48,
    (DRAFT_10, 0x0FFF): 48,
}


def _numbered(*labels: str, **extra: int) -> dict[int, str]:
    return dict(enumerate(labels)) | {code: label for label, code in extra.items()}


_CODES_03: dict[str, dict[int, str]] = {
    "Endianness": {1: "Little", 2: "Big"},
    "OSType": _numbered(
        "Windows", "Linux", "macOS", "Android", "iOS/iPadOS", "FreeBSD", "NetBSD", "OpenBSD",
        "QNX", "Fuchsia", Unknown=0xFFFF,
    ),
    "ArchType": _numbered(
        "x86", "x86_64", "ARM64", "ARM32", "MIPS32", "MIPS64", "RISC-V RV32", "RISC-V RV64",
        "PPC32", "PPC64", "s390x", "LoongArch64", Unknown=0xFFFF,
    ),
    "ClockSource": _numbered(
        "Unknown", "CLOCK_REALTIME", "CLOCK_MONOTONIC_RAW", "QueryPerformanceCounter",
        "mach_absolute_time", Other=0xFF,
    ),
    "RegionType": _numbered(
        "Unknown", "Heap", "Stack", "Image", "MappedFile", "Anonymous", "SharedMem", Other=0xFF
    ),
    "Relationship": _numbered(
        "Unknown", "Parent", "Child", "SharedMemory", "IPC peer", "Thread group", Other=0xFFFF
    ),
    "KeyType": _numbered(
        "Unknown", "Pre-Master Secret", "Master Secret", "Session Key", "Handshake Secret",
        "Application Traffic Secret", "RSA Private Key", "ECDH Private Key", "IKE SA Key",
        "ESP/AH Key", "SSH Session Key", "WireGuard Key", Other=0xFFFF,
    ),
    "Protocol": _numbered(
        "Unknown", "TLS 1.2", "TLS 1.3", "DTLS 1.2", "DTLS 1.3", "QUIC", "IKEv2/IPsec", "SSH",
        "WireGuard", "PQ-TLS", Other=0xFFFF,
    ),
    "Confidence": _numbered("Speculative", "Heuristic", "Confirmed"),
    "KeyState": _numbered("Unknown", "Active", "Expired/zeroed"),
    "SourceFormat": _numbered(
        "Unknown", "Raw byte stream", "ELF core", "Windows Minidump", "macOS core", "ProcDump",
        Other=0xFFFF,
    ),
    "BlockType": {
        0x0000: "Invalid", 0x0001: "Memory Region", 0x0002: "Module Entry",
        0x0010: "Module List Index", 0x0011: "Thread Context", 0x0012: "File Descriptor",
        0x0013: "Network Connection", 0x0014: "Environment Block", 0x0015: "Security Token",
        0x0020: "Key Hint", 0x0030: "Import Provenance", 0x0040: "Process Identity",
        0x0041: "Related Dump", 0x0FFF: "End-of-Capture", 0x1001: "VAS Map",
        0x1003: "Pointer Graph",
    },
}  # fmt: skip
CODES: dict[str, dict[str, dict[int, str]]] = {
    DRAFT_03: _CODES_03,
    DRAFT_10: _CODES_03 | {
        "KeyType": _CODES_03["KeyType"] | {0x000C: "ML-KEM Private Key"},
        "HashAlgo": {0: "BLAKE3", 1: "SHA-256", 2: "SHA-512/256", 0xFF: "Other"},
        "ThreadState": _numbered(
            "Unknown", "Running", "Sleeping", "Stopped", "Waiting", "Uninterruptible", "Halted",
            "Zombie",
        ),
        "NameSource": _numbered("Unspecified", "Live", "SourceMetadata", "Synthesized"),
        "BlockType": _CODES_03["BlockType"] | {
            0x0051: "Process Table", 0x0052: "Connection Table",
            0x0054: "Connectivity Table", 0x0059: "Physical Memory Map",
            0x005A: "Module Build-ID Manifest", 0x005B: "Region Omission Manifest",
            0x0FFE: "End-of-Extension", **{one.code: one.name for one in ADDED},
        },
        "EncAlgo": {1: "AES-256-GCM", 2: "XChaCha20-Poly1305"},
        "KDFType": {0: "None", 1: "Argon2id"},
        "KeyEncap": {
            0: "None", 1: "X25519", 2: "ML-KEM-768", 3: "ML-KEM-1024", 4: "X25519+ML-KEM-768",
            0xFF: "Other",
        },
        "AddressFamily": {2: "IPv4", 10: "IPv6"},
        "TransportProtocol": {6: "TCP", 17: "UDP"},
        "RowType": {
            1: "IPv4 route", 2: "IPv6 route", 3: "ARP", 4: "packet socket",
            5: "interface counters", 6: "socket family", 7: "MIB counter",
        },
        "BuildIdSource": _numbered(
            "None", "Bridge", "MapFiles", "OnDisk", "CapturedRegion", "Retroactive",
        ),
        "OmissionReason": {1: "ModuleExclude", 2: "Scope"},
    },
}  # fmt: skip
CODE_WIDTHS = {
    "Endianness": 1, "OSType": 2, "ArchType": 2, "ClockSource": 1, "RegionType": 1,
    "Relationship": 2, "KeyType": 2, "Protocol": 2, "Confidence": 1, "KeyState": 1,
    "SourceFormat": 2, "BlockType": 2, "HashAlgo": 1, "ThreadState": 1, "NameSource": 1,
    "EncAlgo": 1, "KDFType": 1, "KeyEncap": 1, "AddressFamily": 1, "TransportProtocol": 1,
    "RowType": 1, "BuildIdSource": 1, "OmissionReason": 1,
}  # fmt: skip

_FLAGS_03: dict[str, tuple[int, dict[int, str]]] = {
    "HeaderFlags": (4, {0: "Imported"}),
    "BlockFlags": (
        2, {0: "Compressed", 1: "CompAlgo", 3: "HasKeyHints", 4: "HasChildren", 5: "Continuation"},
    ),
    "CapBitmap": (8, _numbered(
        "MemoryRegions", "ModuleList", "ThreadContexts", "FileDescriptors", "NetworkState",
        "EnvironmentVars", "SharedMemory", "SecurityContext", "ProcessIdentity", "RelatedDumps",
        "CryptoHints",
    )),
    "Protection": (1, _numbered("Read", "Write", "Execute", "Guard", "CopyOnWrite")),
}  # fmt: skip
FLAGS: dict[str, dict[str, tuple[int, dict[int, str]]]] = {
    DRAFT_03: _FLAGS_03,
    DRAFT_10: _FLAGS_03 | {
        "HeaderFlags": (4, _numbered("Imported", "Investigation", "Encrypted", "Redacted")),
        "CapBitmap": (8, _FLAGS_03["CapBitmap"][1] | {
            11: "SystemContext", 12: "SystemProcessTable", 13: "SystemNetworkTable",
            14: "SystemHandleTable",
        }),
        "ThreadFlags": (2, _numbered("Current", "Crashed", "Suspended", "Partial")),
        "RegisterFlags": (
            2, _numbered("PC", "SP", "FP", "flags", "thread pointer", "link register")
        ),
        "TableBitmap": (
            4,
            {
                0: "ProcessTable", 1: "ConnectionTable", 2: "HandleTable", 3: "ConnectivityTable",
                4: "KernelSymbolBundle", 6: "PersistenceManifest", 7: "KernelModuleList",
                9: "TargetIntrospection",
            },
        ),
        "BuildIdFlags": (1, _numbered("Deleted", "MemFd", "AnonRWX", "Unlinked")),
    },
}  # fmt: skip

ENCRYPTION_HEADER: list[Any] = [
    ("EncAlgo", 1), ("KDFType", 1), ("KeyEncap", 1), ("Reserved", 1), ("KDFTime", 4),
    ("KDFMemory", 4), ("KDFLanes", 1), ("Reserved2", 1), ("KEMCtLen", 2), ("Nonce", 24),
    ("KDFSalt", 16), ("CipherLen", 8),
]  # fmt: skip
SEAL_HEADER: list[Any] = [
    ("Magic", 4), ("SealHdrSize", 2), ("SegIndex", 2), ("SegCipherLen", 8), ("Nonce", 24),
    ("Reserved", 24),
]  # fmt: skip
PAGE_STATES = {
    DRAFT_03: _numbered("Captured", "Failed", "Unmapped", "Reserved"),
    DRAFT_10: _numbered("Captured", "Failed", "Unmapped", "NotResident"),
}
IN_SEGMENT = {
    DRAFT_03: set(),
    DRAFT_10: {0x20, 0x41, 0x59, 0x5A, 0x5B, 0x0FFE, 0x1001, 0x1003}
    | {one.code for one in ADDED if one.in_segment},
}
NOT_IN_CAPTURE = {DRAFT_03: set(), DRAFT_10: {0x0FFE, 0x1003}}
CHILDREN = {
    DRAFT_03: {0x0002: 0x0010},
    DRAFT_10: {0x0002: 0x0010, **dict.fromkeys((0x51, 0x52, 0x53, 0x54), 0x50)},
}
"""Block types of which each block is the child of the one block of another type."""
FORBIDDEN = {DRAFT_03: {0x0000}, DRAFT_10: {0x0000, 0x0012, 0x0013, 0x0014, 0x0015}}
