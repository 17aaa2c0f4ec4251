"""The manifests of draft 2026-10: physical memory, build IDs, regions left out (§5.9 to §5.11)."""

from __future__ import annotations

from ...schema.blocks import BlockType
from ...schema.codes import Bit, Enumeration, FlagDefinition, Value
from ...schema.fields import Field
from ...schema.layout import Layout
from ...schema.table import Table
from ...schema.variable import Utf8
from ...schema.vocabulary import (
    ADDRESS,
    HASH,
    U16,
    U32,
    U64,
    Bytes,
    Coded,
    Flags,
    OneOf,
    Uint,
)
from ..draft_2026_03.payloads import reserved
from . import examples

__all__ = ["ENUMERATIONS", "FLAGS", "MANIFESTS"]

ENUMERATIONS = (
    Enumeration(
        "BuildIdSource",
        1,
        "§5.10",
        "Where a build ID was found.",
        (
            Value(0, "None"),
            Value(1, "Bridge"),
            Value(2, "MapFiles"),
            Value(3, "OnDisk"),
            Value(4, "CapturedRegion"),
            Value(5, "Retroactive"),
        ),
    ),
    Enumeration(
        "OmissionReason",
        1,
        "§5.11",
        "Why a region was left out.",
        (Value(1, "ModuleExclude"), Value(2, "Scope")),
    ),
)

FLAGS = (
    FlagDefinition(
        "BuildIdFlags",
        1,
        "§5.10",
        "What is odd about a module's file.",
        (Bit(0, "Deleted"), Bit(1, "MemFd"), Bit(2, "AnonRWX"), Bit(3, "Unlinked")),
    ),
)

PHYSICAL_MEMORY_MAP = BlockType(
    0x0059,
    "Physical Memory Map",
    "§5.9",
    "What the machine's physical addresses belong to.",
    Layout(
        "Physical Memory Map",
        "§5.9",
        (
            Field("Count", U32, "Number of entries."),
            reserved(4),
            Field(
                "Entries",
                Table(
                    "Count",
                    Layout(
                        "Physical Range",
                        "§5.9",
                        (
                            Field("Start", ADDRESS, "First physical address."),
                            Field("End", ADDRESS, "Last physical address.", called="end_addr"),
                            Field("LabelLen", U16, "Length of Label."),
                            reserved(2),
                            Field("Label", Utf8("LabelLen", padded=False), "What is there."),
                        ),
                    ),
                ),
                "The ranges, packed.",
            ),
        ),
    ),
    in_segment=True,
    example=examples.PHYSICAL_MEMORY_MAP,
)

MODULE_BUILD_ID_MANIFEST = BlockType(
    0x005A,
    "Module Build-ID Manifest",
    "§5.10",
    "Which builds the modules are of.",
    Layout(
        "Module Build-ID Manifest",
        "§5.10",
        (
            Field("Count", U32, "Number of entries."),
            reserved(4),
            Field(
                "Entries",
                Table(
                    "Count",
                    Layout(
                        "Build-ID Entry",
                        "§5.10",
                        (
                            Field("BaseAddr", ADDRESS, "Where the module is mapped."),
                            Field(
                                "BuildIdLen",
                                Uint(1, valid=OneOf((0, 16, 20))),
                                "Bytes of BuildId that count.",
                                default=0,
                            ),
                            Field(
                                "BuildIdSource",
                                Coded("BuildIdSource"),
                                "Where it was found.",
                                default=0,
                            ),
                            Field("Flags", Flags("BuildIdFlags"), "What is odd.", default=0),
                            reserved(1),
                            Field("BuildId", Bytes(20), "The build ID.", default=bytes(20)),
                            Field(
                                "DiskHash",
                                HASH,
                                "Hash of the module's file; zeros: not available.",
                                default=bytes(32),
                            ),
                        ),
                    ),
                ),
                "One entry for each module.",
            ),
        ),
    ),
    in_segment=True,
    example=examples.MODULE_BUILD_ID_MANIFEST,
)

REGION_OMISSION_MANIFEST = BlockType(
    0x005B,
    "Region Omission Manifest",
    "§5.11",
    "Which regions were left out on purpose.",
    Layout(
        "Region Omission Manifest",
        "§5.11",
        (
            Field("Count", U32, "Number of entries."),
            reserved(4),
            Field("ScopeLen", U16, "Length of Scope."),
            Field("PatternsLen", U16, "Length of Patterns."),
            reserved(4, "Reserved2"),
            Field("Scope", Utf8("ScopeLen"), "What was asked for."),
            Field("Patterns", Utf8("PatternsLen"), "What was excluded, a pattern a line."),
            Field(
                "Entries",
                Table(
                    "Count",
                    Layout(
                        "Omitted Region",
                        "§5.11",
                        (
                            Field("BaseAddr", ADDRESS, "First address."),
                            Field("Size", U64, "Bytes that it spans.", called="region_size"),
                            Field("Protection", Flags("Protection"), "Access rights.", default=0),
                            Field("RegionType", Coded("RegionType"), "What backs it.", default=0),
                            Field("Reason", Coded("OmissionReason"), "Why it was left out."),
                            reserved(1),
                            Field("NameLen", U16, "Length of Name."),
                            reserved(2, "Reserved2"),
                            Field("Name", Utf8("NameLen"), "The mapping's name or file."),
                        ),
                    ),
                ),
                "One entry for each region.",
            ),
        ),
    ),
    in_segment=True,
    example=examples.REGION_OMISSION_MANIFEST,
)

MANIFESTS = (PHYSICAL_MEMORY_MAP, MODULE_BUILD_ID_MANIFEST, REGION_OMISSION_MANIFEST)
