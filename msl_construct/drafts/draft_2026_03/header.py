"""File header, block header, compressed framing and integrity chain of draft 2026-03."""

from __future__ import annotations

from ...schema.blocks import Coverage, Start
from ...schema.fields import Field, Note
from ...schema.layout import Layout
from ...schema.variable import Rest
from ...schema.vocabulary import (
    HASH,
    TIMESTAMP,
    U32,
    U64,
    UUID,
    Between,
    Coded,
    Flags,
    Magic,
    OneOf,
    Reserved,
    Uint,
    Uuid,
)

__all__ = ["BLOCK_HEADER", "CHAIN", "COMPRESSED_PAYLOAD", "FILE_HEADER"]

_ZERO = Note("MUST", "producer", "Write zero; consumers ignore the bytes.", "§1.3")

FILE_HEADER = Layout(
    "File Header",
    "§3",
    (
        Field(
            "Magic",
            Magic(b"MEMSLICE"),
            "Identifies the file format.",
            (Note("MUST", "consumer", "Reject a file that begins otherwise.", "§12"),),
        ),
        Field(
            "Endianness",
            Coded("Endianness"),
            "Byte order of every multi-byte integer in the file; page data is not touched by it.",
            (Note("MUST", "consumer", "Reject any value but 1 and 2."),),
        ),
        Field(
            "HeaderSize",
            Uint(1, valid=OneOf((64,))),
            "Size of this header in bytes: Block 0 begins at this file offset.",
            (
                Note("MUST", "producer", "Write 64."),
                Note("MUST", "consumer", "Find Block 0 by this field.", "§12"),
            ),
            default=64,
        ),
        Field(
            "Version",
            Uint(2, shown="version", valid=OneOf((0x0100,))),
            "Format version, the major number in the high byte.",
            (
                Note("SHOULD", "consumer", "Reject an unknown major version.", "§3.2"),
                Note("MAY", "consumer", "Parse an unknown minor version.", "§3.2"),
            ),
            default=0x0100,
        ),
        Field("Flags", Flags("HeaderFlags"), "Properties of the whole file.", default=0),
        Field(
            "CapBitmap",
            Flags("CapBitmap"),
            "Which categories of data the file holds blocks of.",
            (Note("MUST", "producer", "Set exactly the bits of the categories captured.", "§8"),),
        ),
        Field("DumpUUID", UUID, "Identifies this dump; other files refer to it."),
        Field("Timestamp", TIMESTAMP, "Wall-clock time at which the acquisition began."),
        Field("OSType", Coded("OSType"), "Operating system of the target."),
        Field("ArchType", Coded("ArchType"), "Instruction set of the target."),
        Field("PID", U32, "Process ID of the target; 0 when an import does not know it."),
        Field("ClockSource", Coded("ClockSource"), "Clock behind the timestamps.", default=0),
        Field("Reserved", Reserved(7), "For later versions.", (_ZERO,)),
    ),
)

BLOCK_HEADER = Layout(
    "Block Header",
    "§4.1",
    (
        Field("Magic", Magic(b"MSLC"), "Marks the beginning of a block.", default=b"MSLC"),
        Field(
            "BlockType",
            Coded("BlockType"),
            "What the block holds.",
            (
                Note("MUST", "consumer", "Reject type 0x0000.", "§12"),
                Note("MUST", "consumer", "Skip an unknown type by BlockLength.", "§12"),
            ),
            section="§4.3",
        ),
        Field("Flags", Flags("BlockFlags"), "Properties of the block.", section="§4.2", default=0),
        Field(
            "BlockLength",
            Uint(4, valid=Between(80, 0xFFFFFFFF)),
            "Bytes of the whole block on disk: this header and the payload.",
        ),
        Field(
            "PayloadVersion",
            Uint(2, valid=OneOf((1,))),
            "Version of the payload's layout.",
            (
                Note("MUST", "producer", "Write 1.", "§12"),
                Note("MUST", "consumer", "Skip an unknown version of a known type.", "§12"),
            ),
            default=1,
        ),
        Field("Reserved", Reserved(2), "For later versions.", (_ZERO,)),
        Field("BlockUUID", UUID, "Identifies the block."),
        Field("ParentUUID", Uuid(nil=True), "BlockUUID of the parent block, or zeros."),
        Field("PrevHash", HASH, "Link of the integrity chain.", section="§4.4"),
    ),
)

COMPRESSED_PAYLOAD = Layout(
    "Compressed Payload",
    "§4.2",
    (
        Field(
            "UncompressedSize",
            U64,
            "Size of the payload once inflated, fixed fields included.",
            (
                Note(
                    "SHOULD",
                    "producer",
                    "This draft leaves the framing open; its producers wrote the size and the "
                    "stream as draft 2026-10 §4.2.1 then fixed it, padded to 8 with zeros.",
                ),
            ),
        ),
        Field("Stream", Rest(), "One zstd frame, or a little-endian u32 size and one LZ4 block."),
    ),
)

CHAIN = (
    Coverage(
        "block_header",
        "prev_hash",
        Start.PREVIOUS,
        "§4.4",
        "All on-disk bytes of the block before, compressed as stored; for Block 0 the "
        "HeaderSize bytes of the file header.",
    ),
    Coverage(
        "end_of_capture",
        "file_hash",
        Start.FILE,
        "§4.5",
        "Every byte of the file before the End-of-Capture block.",
    ),
)
