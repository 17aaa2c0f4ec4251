"""Draft 2026-10, format version 1.1: only what it changes in draft 2026-03.

Investigation tables (§6), the manifests of §5.9 to §5.11 and the header of encrypted files are
in `tables`, `manifests` and `encryption`.
"""

from __future__ import annotations

from dataclasses import replace

from ...schema.blocks import BlockType, ByteOrder, Coverage, Start
from ...schema.codes import Bit, Enumeration, FlagDefinition, Value
from ...schema.fields import Field, Note
from ...schema.layout import Layout
from ...schema.table import Table
from ...schema.variable import RegisterValue, Utf8Z
from ...schema.vocabulary import (
    ADDRESS,
    HASH,
    TIMESTAMP,
    U8,
    U16,
    U32,
    U64,
    Coded,
    Flags,
    OneOf,
    Reserved,
    Uint,
)
from ..draft_2026_03.draft import DRAFT as DRAFT_2026_03
from ..draft_2026_03.payloads import reserved
from . import encryption, examples, manifests, tables
from .sealing import SEAL_HEADER

__all__ = ["DRAFT"]

_NAME = "draft-2026-10"
_PAGE_STATES = "§7"
"""Where page states are specified, which were §6 before the investigation was."""

HASH_ALGO = Enumeration(
    "HashAlgo",
    1,
    "§3",
    "Hash behind PrevHash, FileHash, SegmentHash and DiskHash.",
    (
        Value(0x00, "BLAKE3"),
        Value(0x01, "SHA-256"),
        Value(0x02, "SHA-512/256", "sha_512_256"),
        Value(0xFF, "Other"),
    ),
)

THREAD_STATE = Enumeration(
    "ThreadState",
    1,
    "§5.7",
    "What the scheduler said of a thread.",
    (
        Value(0, "Unknown"),
        Value(1, "Running"),
        Value(2, "Sleeping"),
        Value(3, "Stopped"),
        Value(4, "Waiting"),
        Value(5, "Uninterruptible"),
        Value(6, "Halted"),
        Value(7, "Zombie"),
    ),
)

NAME_SOURCE = Enumeration(
    "NameSource",
    1,
    "§5.8",
    "Where the name of a mapping comes from.",
    (
        Value(0, "Unspecified"),
        Value(1, "Live"),
        Value(2, "SourceMetadata"),
        Value(3, "Synthesized"),
    ),
)

THREAD_FLAGS = FlagDefinition(
    "ThreadFlags",
    2,
    "§5.7",
    "What is special about a thread.",
    (
        Bit(0, "Current"),
        Bit(1, "Crashed"),
        Bit(2, "Suspended"),
        Bit(3, "Partial", "Not all of its registers could be read."),
    ),
)

REGISTER_FLAGS = FlagDefinition(
    "RegisterFlags",
    2,
    "§5.7",
    "The role of a register.",
    (
        Bit(0, "PC"),
        Bit(1, "SP"),
        Bit(2, "FP"),
        Bit(3, "flags"),
        Bit(4, "thread pointer"),
        Bit(5, "link register"),
    ),
)

THREAD_CONTEXT = BlockType(
    0x0011,
    "Thread Context",
    "§5.7",
    "The registers of one thread.",
    Layout(
        "Thread Context",
        "§5.7",
        (
            Field("ThreadID", U64, "The thread's ID."),
            Field("StartTime", TIMESTAMP, "When the thread was started; 0: unknown.", default=0),
            Field("Flags", Flags("ThreadFlags"), "What is special about the thread.", default=0),
            Field("ThreadState", Coded("ThreadState"), "State at capture.", default=0),
            Field(
                "Arch", U8, "Instruction set of the registers; 0: as the header says.", default=0
            ),
            Field("RegCount", U32, "Number of registers."),
            Field("NameLen", U16, "Length of ThreadName with its NUL."),
            reserved(6),
            Field("ThreadName", Utf8Z("NameLen"), "The thread's name."),
            Field(
                "Registers",
                Table(
                    "RegCount",
                    Layout(
                        "Register",
                        "§5.7",
                        (
                            Field("NameLen", U8, "Length of Name with its NUL."),
                            Field("Width", U8, "Bytes of the value."),
                            Field("Flags", Flags("RegisterFlags"), "Its role.", default=0),
                            reserved(4),
                            Field("Name", Utf8Z("NameLen"), "The register's name, lower case."),
                            Field("Value", RegisterValue("Width"), "Its content, in file order."),
                        ),
                    ),
                ),
                "The registers.",
                (Note("MUST", "producer", "PC and SP are among them."),),
            ),
        ),
    ),
    notes=(
        Note("MUST", "producer", "Stand before the first Memory Region."),
        Note("SHOULD", "producer", "Exactly one thread is Current."),
    ),
    example=examples.THREAD_CONTEXT,
)

VAS_MAP = BlockType(
    0x1001,
    "VAS Map",
    "§5.8",
    "The layout of the target's address space; the last one in the file counts.",
    Layout(
        "VAS Map",
        "§5.8",
        (
            Field("Count", U32, "Number of entries."),
            Field("EntrySize", U32, "Size of every entry; 0: as long as its path.", default=0),
            Field(
                "Entries",
                Table(
                    "Count",
                    Layout(
                        "VAS Map Entry",
                        "§5.8",
                        (
                            Field("BaseAddr", ADDRESS, "First address of the mapping."),
                            Field("RegionSize", U64, "Bytes that it spans."),
                            Field("Protection", Flags("Protection"), "Access rights.", default=0),
                            Field("RegionType", Coded("RegionType"), "What backs it.", default=0),
                            Field("PathLen", U16, "Length of MappedPath with its NUL."),
                            Field("NameSource", Coded("NameSource"), "Origin of it.", default=0),
                            reserved(3),
                            Field("MappedPath", Utf8Z("PathLen"), "The mapping's name or file."),
                        ),
                    ),
                    entry_size="EntrySize",
                ),
                "The mappings.",
                (Note("MUST NOT", "consumer", "Derive page states from them."),),
            ),
        ),
    ),
    in_segment=True,
    example=examples.VAS_MAP,
)

END_OF_EXTENSION = BlockType(
    0x0FFE,
    "End-of-Extension",
    "§4.6",
    "Closes an extension segment.",
    Layout(
        "End-of-Extension",
        "§4.6",
        (
            Field("SegmentHash", HASH, "Hash of the segment's bytes before this block."),
            Field("WrittenAt", TIMESTAMP, "When the segment was written."),
            Field(
                "BlockCount",
                U32,
                "Blocks of the segment, this one included.",
                (Note("MUST", "producer", "Exact, never 0."),),
            ),
            reserved(4),
            Field("ProducerLen", U16, "Length of Producer with its NUL."),
            reserved(6, "Reserved2"),
            Field("Producer", Utf8Z("ProducerLen"), "Who wrote the segment."),
        ),
    ),
    in_segment=True,
    in_capture=False,
)

_NEW_BLOCKS = (
    THREAD_CONTEXT,
    *tables.TABLES,
    *manifests.MANIFESTS,
    END_OF_EXTENSION,
    VAS_MAP,
)

_BLOCK_COUNT = Field(
    "BlockCount",
    U32,
    "Blocks of the capture segment, End-of-Capture included; 0: unknown.",
    (Note("MUST", "producer", "Agree with the blocks unless 0."),),
    default=0,
)


def _header(layout: Layout) -> Layout:
    layout = layout.replacing(
        "HeaderSize",
        layout.field("header_size").since,
        replace(
            layout.field("header_size"),
            type=Uint(1, valid=OneOf((64, 128))),
            notes=(Note("MUST", "producer", "Write 64, or 128 when Encrypted."),),
        ),
    )
    layout = layout.replacing(
        "Endianness",
        layout.field("endianness").since,
        replace(
            layout.field("endianness"),
            type=Coded("Endianness", valid=OneOf((1,))),
            notes=(Note("MUST", "producer", "Write 1: format version 1.1 is little-endian."),),
        ),
    )
    layout = layout.replacing(
        "Version",
        layout.field("version").since,
        replace(
            layout.field("version"),
            type=Uint(2, shown="version", valid=OneOf((0x0101,))),
            default=0x0101,
            notes=(
                Note("MUST", "consumer", "Parse an unknown minor version of major 1."),
                Note("SHOULD", "consumer", "Reject another major version."),
            ),
        ),
    )
    return layout.replacing(
        "Reserved",
        _NAME,
        replace(
            _BLOCK_COUNT,
            notes=(Note("MUST NOT", "producer", "Patch it after writing."), *_BLOCK_COUNT.notes),
        ),
        Field("HashAlgo", Coded("HashAlgo"), "The file's hash algorithm.", default=0),
        Field("Reserved", Reserved(2), "For later versions."),
    )


def _memory_region(layout: Layout) -> Layout:
    states = layout.field("page_state_map")
    return layout.replacing(states.name, states.since, replace(states, section=_PAGE_STATES))


def _end_of_capture(layout: Layout) -> Layout:
    return layout.replacing(
        "Reserved",
        _NAME,
        replace(
            _BLOCK_COUNT,
            optional=True,
            notes=(Note("SHOULD", "producer", "Write it."), *_BLOCK_COUNT.notes),
        ),
        replace(reserved(4), optional=True),
    )


def _compressed_payload(layout: Layout) -> Layout:
    size = replace(
        layout.field("uncompressed_size"),
        section="§4.2.1",
        notes=(Note("MUST", "producer", "The stream inflates to exactly this many bytes."),),
    )
    stream = replace(
        layout.field("stream"),
        section="§4.2.1",
        notes=(
            Note("MUST NOT", "producer", "Pad the stream."),
            Note("MUST", "consumer", "Tolerate up to 7 zero bytes behind the stream."),
        ),
    )
    return Layout(layout.title, "§4.2.1", (size, stream))


_OVERLAY = DRAFT_2026_03.overlay(
    _NAME,
    version=0x0101,
    status="version 1.1 with the 1.1.1 sealing amendment, working draft",
    layouts={
        "file_header": _header,
        "memory_region": _memory_region,
        "end_of_capture": _end_of_capture,
        "compressed_payload": _compressed_payload,
        "related_dump": lambda layout: layout.appending(
            _NAME,
            Field(
                "TargetHash",
                HASH,
                "FileHash of the related file; zeros: unknown.",
                optional=True,
                default=bytes(32),
            ),
        ),
    },
    blocks=_NEW_BLOCKS,
    values={
        "KeyType": (Value(0x000C, "ML-KEM Private Key"),),
    },
    bits={
        "HeaderFlags": (
            Bit(1, "Investigation", "The file holds tables about the whole machine (§6)."),
            Bit(2, "Encrypted", "The blocks are one AEAD message (§10)."),
            Bit(3, "Redacted"),
        ),
        "CapBitmap": (
            Bit(11, "SystemContext"),
            Bit(12, "SystemProcessTable"),
            Bit(13, "SystemNetworkTable"),
            Bit(14, "SystemHandleTable"),
        ),
    },
    enumerations=(
        HASH_ALGO,
        THREAD_STATE,
        NAME_SOURCE,
        *encryption.ENUMERATIONS,
        *tables.ENUMERATIONS,
        *manifests.ENUMERATIONS,
    ),
    flags=(THREAD_FLAGS, REGISTER_FLAGS, *manifests.FLAGS, *tables.FLAGS),
    encryption_header=encryption.ENCRYPTION_HEADER.stamped(_NAME),
    seal_header=SEAL_HEADER.stamped(_NAME),
    page_states=(
        Value(3, "NotResident", text="Mapped, never touched: zero content, no bytes in PageData."),
    ),
    chain=(
        Coverage(
            "end_of_extension",
            "segment_hash",
            Start.SEGMENT,
            "§4.6",
            "Every byte from the segment's first block to before the End-of-Extension.",
        ),
    ),
    segment_blocks=(0x0020, 0x0041, 0x1003),
    segment_only_blocks=(0x1003,),
    forbidden_blocks=(0x0012, 0x0013, 0x0014, 0x0015),
    segments=True,
    byte_orders=(ByteOrder.LITTLE,),
)

DRAFT = replace(_OVERLAY, page_states=replace(_OVERLAY.page_states, section=_PAGE_STATES))
