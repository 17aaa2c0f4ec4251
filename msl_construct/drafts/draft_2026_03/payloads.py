"""Block types and payload layouts of draft 2026-03."""

from __future__ import annotations

from dataclasses import replace

from ...schema.blocks import BlockType
from ...schema.fields import Field, Note
from ...schema.layout import Layout
from ...schema.pages import PageData, PageStateMap
from ...schema.table import Table
from ...schema.variable import Blob, Utf8Z
from ...schema.vocabulary import (
    ADDRESS,
    HASH,
    TIMESTAMP,
    U16,
    U32,
    U64,
    UUID,
    Between,
    Coded,
    Flags,
    Reserved,
    Uint,
)
from . import examples

__all__ = ["BLOCKS", "opaque", "reserved"]

_ZERO = Note("MUST", "producer", "Write zero; consumers ignore the bytes.", "§1.3")
_PAGE_SIZE_LOG2 = Between(10, 40)
_MEMDIVER = "MemDiver 1.0"


def reserved(width: int, name: str = "Reserved") -> Field:
    """A reserved field."""
    return Field(name, Reserved(width), "For later versions.", (_ZERO,))


MEMORY_REGION = BlockType(
    0x0001,
    "Memory Region",
    "§5.1",
    "A range of the target's address space: a state for each page, bytes for the captured ones.",
    Layout(
        "Memory Region",
        "§5.1",
        (
            Field("BaseAddr", ADDRESS, "First virtual address of the region."),
            Field(
                "RegionSize",
                U64,
                "Bytes of address space that the region spans.",
                (Note("MUST", "producer", "A multiple of the page size."),),
            ),
            Field("Protection", Flags("Protection"), "Access rights.", default=0),
            Field("RegionType", Coded("RegionType"), "What backs the region.", default=0),
            Field(
                "PageSizeLog2",
                Uint(1, valid=_PAGE_SIZE_LOG2),
                "Binary logarithm of the page size.",
                (Note("MUST", "consumer", "Reject a value outside 10 to 40.", "§12"),),
                default=12,
            ),
            reserved(5),
            Field("Timestamp", TIMESTAMP, "When this region was read.", default=0),
            Field(
                "PageStateMap",
                PageStateMap(
                    "RegionSize", "PageSizeLog2", _PAGE_SIZE_LOG2.low, _PAGE_SIZE_LOG2.high
                ),
                "The state of every page, two bits each, most significant bits first.",
                section="§6",
            ),
            Field(
                "PageData",
                PageData("PageStateMap", "PageSizeLog2"),
                "The captured pages' bytes, one page behind the other.",
            ),
        ),
    ),
    capability="MemoryRegions",
    notes=(
        Note(
            "MUST",
            "producer",
            "Split a region that BlockLength can't hold: the first fragment sets HasChildren, "
            "each further one sets Continuation and has the first as its parent.",
        ),
    ),
    example=examples.MEMORY_REGION,
)

MODULE_ENTRY = BlockType(
    0x0002,
    "Module Entry",
    "§5.2",
    "One executable image or library mapped into the target.",
    Layout(
        "Module Entry",
        "§5.2",
        (
            Field("BaseAddr", ADDRESS, "Where the module is mapped."),
            Field("ModuleSize", U64, "Bytes of address space that the module spans."),
            Field("PathLen", U16, "Length of Path with its NUL."),
            Field("VersionLen", U16, "Length of Version with its NUL; 0: none known."),
            reserved(4),
            Field("Path", Utf8Z("PathLen"), "The module's file."),
            Field("Version", Utf8Z("VersionLen"), "The module's version, as its producer says it."),
            Field(
                "DiskHash",
                HASH,
                "Hash of the module's file on disk; all zeros: not available.",
                (
                    Note("MUST", "producer", "Write zeros when the file is unavailable.", "§12"),
                    Note("MUST", "consumer", "Read all zeros as not available.", "§12"),
                ),
                default=bytes(32),
            ),
            Field("BlobLen", U32, "Length of NativeBlob.", omitted_by=_MEMDIVER),
            replace(reserved(4, "Reserved2"), omitted_by=_MEMDIVER),
            Field(
                "NativeBlob",
                Blob("BlobLen"),
                "What the operating system itself keeps about the module.",
                (
                    Note(
                        "SHOULD",
                        "producer",
                        "Windows: LDR_DATA_TABLE_ENTRY; Linux and Android: the maps or smaps "
                        "line with a NUL; macOS: dyld_image_info.",
                    ),
                ),
                default=b"",
                omitted_by=_MEMDIVER,
            ),
        ),
    ),
    capability="ModuleList",
    parent="module_list_index",
    notes=(
        Note("MUST", "producer", "BlockUUID is the ModuleUUID of the Module List Index."),
        Note("MUST", "producer", "ParentUUID is the Module List Index."),
    ),
    example=examples.MODULE_ENTRY,
)

MODULE_LIST_INDEX = BlockType(
    0x0010,
    "Module List Index",
    "§5.3",
    "All modules of the target, known before the first of them is written.",
    Layout(
        "Module List Index",
        "§5.3",
        (
            Field("EntryCount", U32, "Number of entries."),
            reserved(4),
            Field(
                "Entries",
                Table(
                    "EntryCount",
                    Layout(
                        "Module List Entry",
                        "§5.3",
                        (
                            Field("ModuleUUID", UUID, "BlockUUID of the module's Module Entry."),
                            Field("BaseAddr", ADDRESS, "Where the module is mapped."),
                            Field("ModuleSize", U64, "Bytes that the module spans."),
                            Field("PathLen", U16, "Length of Path with its NUL."),
                            reserved(2),
                            reserved(4, "Reserved2"),
                            Field("Path", Utf8Z("PathLen"), "The module's file."),
                        ),
                    ),
                ),
                "One entry for each module.",
            ),
        ),
    ),
    capability="ModuleList",
    notes=(Note("MUST", "live acquirer", "Be Block 1 of a live acquisition."),),
    example=examples.MODULE_LIST_INDEX,
)

KEY_HINT = BlockType(
    0x0020,
    "Key Hint",
    "§5.6",
    "Where key material may lie inside a memory region.",
    Layout(
        "Key Hint",
        "§5.6",
        (
            Field("RegionUUID", UUID, "BlockUUID of the memory region."),
            Field(
                "RegionOffset",
                ADDRESS,
                "Where the key begins in the region's PageData; pages without data don't count.",
            ),
            Field("KeyLen", U32, "Length of the key in bytes."),
            Field("KeyType", Coded("KeyType"), "Kind of key.", default=0),
            Field("Protocol", Coded("Protocol"), "Protocol that the key belongs to.", default=0),
            Field("Confidence", Coded("Confidence"), "How sure the producer is.", default=0),
            Field("KeyState", Coded("KeyState"), "Whether the key was in use.", default=0),
            reserved(2),
            Field("NoteLen", U32, "Length of Note with its NUL."),
            reserved(4, "Reserved2"),
            Field("Note", Utf8Z("NoteLen"), "A remark for people."),
        ),
    ),
    capability="CryptoHints",
    example=examples.KEY_HINT,
)

IMPORT_PROVENANCE = BlockType(
    0x0030,
    "Import Provenance",
    "§9",
    "What a converted dump was converted from.",
    Layout(
        "Import Provenance",
        "§9",
        (
            Field("SourceFormat", Coded("SourceFormat"), "Format of the original."),
            reserved(2),
            Field("ToolNameLen", U32, "Length of ToolName with its NUL."),
            Field("ImportTime", TIMESTAMP, "When the conversion took place."),
            Field("OrigFileSize", U64, "Size of the original in bytes."),
            Field("NoteLen", U32, "Length of Note with its NUL."),
            reserved(4, "Reserved2"),
            Field("ToolName", Utf8Z("ToolNameLen"), "The converter."),
            Field("Note", Utf8Z("NoteLen"), "A remark for people."),
        ),
    ),
    notes=(Note("MUST", "importer", "Exactly one, as Block 0."),),
    example=examples.IMPORT_PROVENANCE,
)

PROCESS_IDENTITY = BlockType(
    0x0040,
    "Process Identity",
    "§5.4",
    "Which process the dump is of.",
    Layout(
        "Process Identity",
        "§5.4",
        (
            Field("PPID", U32, "Process ID of the parent; 0: unknown.", default=0),
            Field("SessionID", U32, "Session of the process; 0: unknown.", default=0),
            Field("StartTime", TIMESTAMP, "When the process was started; 0: unknown.", default=0),
            Field("ExePathLen", U16, "Length of ExePath with its NUL."),
            Field("CmdLineLen", U16, "Length of CmdLine with its NUL."),
            reserved(4),
            Field("ExePath", Utf8Z("ExePathLen"), "The process's executable."),
            Field("CmdLine", Utf8Z("CmdLineLen"), "Its command line."),
        ),
    ),
    capability="ProcessIdentity",
    notes=(
        Note("MUST", "live acquirer", "Be Block 0 of a live acquisition."),
        Note("MUST", "importer", "Where there is one, stand directly behind Block 0.", "§2"),
    ),
    example=examples.PROCESS_IDENTITY,
)

RELATED_DUMP = BlockType(
    0x0041,
    "Related Dump",
    "§5.5",
    "Another dump that belongs with this one.",
    Layout(
        "Related Dump",
        "§5.5",
        (
            Field("RelatedDumpUUID", UUID, "DumpUUID of the other file."),
            Field("RelatedPID", U32, "Process ID of the other process.", default=0),
            Field("Relationship", Coded("Relationship"), "How the two relate.", default=0),
            reserved(2),
        ),
    ),
    capability="RelatedDumps",
    example=examples.RELATED_DUMP,
)

END_OF_CAPTURE = BlockType(
    0x0FFF,
    "End-of-Capture",
    "§4.5",
    "The acquirer finished; without it the dump is possibly incomplete.",
    Layout(
        "End-of-Capture",
        "§4.5",
        (
            Field("FileHash", HASH, "Hash of every byte before this block."),
            Field("AcqEnd", TIMESTAMP, "When the acquisition ended."),
            reserved(8),
        ),
    ),
    notes=(Note("SHOULD", "producer", "Be the last block."),),
)


def opaque(code: int, name: str, text: str, capability: str | None = None) -> BlockType:
    """A type that the draft registers without a payload layout."""
    return BlockType(code, name, "§4.3", text, capability=capability)


BLOCKS = (
    BlockType(0x0000, "Invalid", "§4.3", "Must not appear.", forbidden=True),
    MEMORY_REGION,
    MODULE_ENTRY,
    MODULE_LIST_INDEX,
    opaque(0x0011, "Thread Context", "Registers of one thread.", "ThreadContexts"),
    opaque(0x0012, "File Descriptor", "An open file of the target.", "FileDescriptors"),
    opaque(0x0013, "Network Connection", "A connection of the target.", "NetworkState"),
    opaque(0x0014, "Environment Block", "The target's environment.", "EnvironmentVars"),
    opaque(0x0015, "Security Token", "The target's credentials.", "SecurityContext"),
    KEY_HINT,
    IMPORT_PROVENANCE,
    PROCESS_IDENTITY,
    RELATED_DUMP,
    END_OF_CAPTURE,
    opaque(0x1001, "VAS Map", "The layout of the target's address space."),
    opaque(0x1003, "Pointer Graph", "Which regions point into which."),
)
