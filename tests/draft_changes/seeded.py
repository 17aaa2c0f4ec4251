"""Forty changes that an author may make to a draft, each with the class that it deserves.

They are data: what `overlay` is given, as the author would write it, and what follows from the
meaning of the classes alone. Nothing here comes from what the program says of them.
"""

from __future__ import annotations

from .kinds import (
    ADDITIVE,
    BLOCK,
    COSMETIC,
    DEGRADED,
    INVALID,
    REJECTS,
    SILENT,
    SOURCE,
    WIRE,
    Seeded,
)
from .seeded_further import FURTHER
from .seeded_later import LATER

__all__ = ["BLOCK", "BY_CLASS", "CHANGES", "HIDDEN", "Seeded"]

CHANGES: dict[str, Seeded] = {
    # -- read without complaint, and wrong -------------------------------------------------
    "a length in bytes becomes one in bits": Seeded(
        SILENT,
        "key_hint.key_len",
        "amendments=[redefine('key_hint', 'KeyLen', 'Length of the key in bits.', "
        "reason='keys of odd length')]",
    ),
    "a time since the epoch becomes one since boot": Seeded(
        SILENT,
        "process_identity.start_time",
        "amendments=[redefine('process_identity', 'StartTime', "
        "'Nanoseconds between boot and start of the process.', reason='no clock may be trusted')]",
    ),
    "an offset counts from another place": Seeded(
        SILENT,
        "key_hint.region_offset",
        "layouts={'key_hint': lambda layout: layout.changing('RegionOffset', "
        "text='Where the key begins, counted from the first captured byte.')}",
    ),
    "a hash is that of something else": Seeded(
        SILENT,
        "module_entry.disk_hash",
        "amendments=[redefine('module_entry', 'DiskHash', "
        "'Hash of the module as it is mapped; zeros: none.', reason='files are gone')]",
    ),
    "a count of blocks becomes a length": Seeded(
        SILENT,
        "end_of_capture.block_count",
        "amendments=[redefine('end_of_capture', 'BlockCount', "
        "'Bytes of the capture segment in KiB; 0: unknown.', reason='for progress bars')]",
    ),
    "two fields of one width change places": Seeded(
        SILENT,
        "process_identity",
        "layouts={'process_identity': lambda layout: swapped(layout, 'PPID', 'SessionID')}",
    ),
    "two codes are exchanged": Seeded(
        SILENT,
        "OSType.0x0000",
        "values={'OSType': (Value(0, 'Linux'), Value(1, 'Windows'))}",
    ),
    "a code keeps its name and gets another meaning": Seeded(
        SILENT,
        "Confidence.0x02",
        "amendments=[redefine('Confidence', 'Confirmed', 'Two heuristics agree.', "
        "reason='nobody confirms anything')]",
    ),
    "a code is given away again": Seeded(
        SILENT,
        "RegionType.0x06",
        "values={'RegionType': (Value(6, 'GPU memory'),)}",
    ),
    "a bit means something else": Seeded(
        SILENT,
        "Protection.3",
        "bits={'Protection': (Bit(3, 'NoDump'),)}",
    ),
    "a bit keeps its name and gets another meaning": Seeded(
        SILENT,
        "Protection.4",
        "amendments=[redefine('Protection', 'CopyOnWrite', 'The page was copied already.', "
        "reason='only that can be seen')]",
    ),
    "a number is stored in network order": Seeded(
        SILENT,
        "connection_table.entries[].local_port",
        "amendments=[retype('connection_table.Entries', 'LocalPort', Bytes(2), "
        "reason='as the system has it')]",
    ),
    "a field takes the reserved bytes behind it": Seeded(
        SILENT,
        "key_hint.key_state",
        "layouts={'key_hint': lambda layout: layout.changing('KeyState', type=U16)"
        ".changing('Reserved', type=Reserved(layout.field('reserved').type.width - 1))}",
    ),
    "a code of a block type is given away again": Seeded(
        SILENT,
        "related_dump",
        "blocks=[replace(REMARK, code=0x0041)]",
    ),
    "a field is widened into reserved bytes": Seeded(
        SILENT,
        "connection_table.entries[].local_port",
        "amendments=[widen('connection_table.Entries', 'LocalPort', U32, out_of='Reserved2', "
        "reason='ports of other protocols')]",
    ),
    "a field in front of page data is taken out": Seeded(
        SILENT,
        "memory_region.timestamp",
        "layouts={'memory_region': lambda layout: layout.replacing('Timestamp', 'x')}",
    ),
    # -- noticed ---------------------------------------------------------------------------
    "a field is widened": Seeded(
        WIRE,
        "process_identity.session_id",
        "layouts={'process_identity': lambda layout: layout.changing('SessionID', type=U64)}",
    ),
    "a field is put in front": Seeded(
        WIRE,
        "key_hint.weight",
        "layouts={'key_hint': lambda layout: layout.replacing('RegionUUID', 'x', "
        "Field('Weight', U64, 'How much it counts.', default=0), layout.field('region_uuid'))}",
    ),
    "a field that must be there is appended": Seeded(
        WIRE,
        "key_hint.seen_at",
        "layouts={'key_hint': lambda layout: layout.appending('x', "
        "Field('SeenAt', TIMESTAMP, 'When it was found.'))}",
    ),
    "a count of entries becomes a length": Seeded(
        WIRE,
        "handle_table.entries",
        "layouts={'handle_table': lambda layout: layout.changing('Entries', "
        "type=Blob('EntryCount'))}",
    ),
    "a string is no longer padded": Seeded(
        WIRE,
        "import_provenance.tool_name",
        "layouts={'import_provenance': lambda layout: layout.changing('ToolName', "
        "type=Utf8('ToolNameLen', padded=False))}",
    ),
    "a field is taken out": Seeded(
        WIRE,
        "related_dump.related_pid",
        "layouts={'related_dump': lambda layout: layout.replacing('RelatedPID', 'x')}",
    ),
    "a hash covers something else": Seeded(
        WIRE,
        "block_header.prev_hash",
        "chain=[Coverage('block_header', 'prev_hash', Start.FILE, '§4.4', "
        "'Every byte of the file before the block.')]",
    ),
    # -- refused ---------------------------------------------------------------------------
    "a magic is another one": Seeded(
        REJECTS,
        "file_header.magic",
        "layouts={'file_header': lambda layout: layout.changing('Magic', type=Magic(b'MSLSLICE'))}",
    ),
    "the major version is raised": Seeded(REJECTS, "", "", version=0x0200),
    # -- old files break a demand ------------------------------------------------------------
    "a code is forbidden": Seeded(
        INVALID, "RegionType.0xff", "amendments=[forbid('RegionType', 'Other')]"
    ),
    "a block type is forbidden": Seeded(
        INVALID, "related_dump", "amendments=[forbid('BlockType', 'related_dump')]"
    ),
    "a value of a number is forbidden": Seeded(
        INVALID,
        "key_hint.key_len",
        "layouts={'key_hint': lambda layout: layout.changing('KeyLen', "
        "type=Uint(4, valid=OneOf((16, 24))))}",
    ),
    "a code is moved": Seeded(
        INVALID,
        "RegionType.0x02",
        "amendments=[renumber('RegionType', 'Stack', 0x22, reason='room for more stacks')]",
    ),
    "a block type stands in segments only": Seeded(
        INVALID, "related_dump", "segment_only_blocks=['related_dump']"
    ),
    # -- shown less, and said so -------------------------------------------------------------
    "a field that may be missing is appended": Seeded(
        DEGRADED,
        "key_hint.seen_at",
        "layouts={'key_hint': lambda layout: layout.appending('x', "
        "Field('SeenAt', TIMESTAMP, 'When it was found; 0: unknown.', optional=True, default=0))}",
    ),
    "a registered type gets a payload": Seeded(
        DEGRADED,
        "pointer_graph",
        "amendments=[give_payload('pointer_graph', Layout('Pointer Graph', '§lab', ("
        "Field('Place', ADDRESS, 'Where the pointer stands.'), "
        "Field('Target', ADDRESS, 'Where it leads.'))), "
        "example={'place': '0x10', 'target': '0x20'})]",
    ),
    "a type that nobody was to write gets a payload": Seeded(
        DEGRADED,
        "file_descriptor",
        "amendments=[give_payload('file_descriptor', Layout('File Descriptor', '§lab', ("
        "Field('FD', U32, 'Number of the descriptor.'), reserved(4))), example={'fd': 3})]",
    ),
    "a reserved code gets a meaning": Seeded(
        DEGRADED,
        "PageState.0x03",
        "page_states=(Value(3, 'NotResident', text='Mapped, never touched.'),)",
        base="draft-2026-03",
        version=0x0101,
    ),
    # -- passed over -------------------------------------------------------------------------
    "a block type is added": Seeded(ADDITIVE, "remark", "blocks=[REMARK]"),
    "a code is added": Seeded(
        ADDITIVE, "RegionType.0x07", "values={'RegionType': (Value(7, 'Device'),)}"
    ),
    "a bit is added": Seeded(ADDITIVE, "Protection.5", "bits={'Protection': (Bit(5, 'Sealed'),)}"),
    "a field is carved from reserved bytes": Seeded(
        ADDITIVE,
        "key_hint.weight",
        "amendments=[carve('key_hint', 'Reserved', "
        "Field('Weight', U8, 'How much it counts; 0: unknown.', default=0))]",
    ),
    "more values of a number are allowed": Seeded(
        ADDITIVE,
        "file_header.header_size",
        "layouts={'file_header': lambda layout: layout.changing('HeaderSize', "
        "type=Uint(1, valid=OneOf((64, 128))))}",
        base="draft-2026-03",
        version=0x0101,
    ),
    # -- names and texts ---------------------------------------------------------------------
    "a field is renamed": Seeded(
        SOURCE,
        "process_identity.parent_id",
        "amendments=[rename('process_identity', 'PPID', 'ParentID')]",
    ),
    "a code is renamed": Seeded(
        SOURCE, "OSType.0x0002", "amendments=[rename('OSType', 'macOS', 'Darwin')]"
    ),
    "a text says the same in other words": Seeded(
        COSMETIC,
        "process_identity.ppid",
        "amendments=[reword('process_identity', 'PPID', "
        "'The number of the process that started it; 0: unknown.')]",
    ),
    "a field is deprecated": Seeded(
        COSMETIC,
        "process_identity.session_id",
        "amendments=[deprecate('process_identity', 'SessionID', reason='nobody reads it')]",
    ),
    **LATER,
    **FURTHER,
}
"""The changes, by what an author would say of them."""

HIDDEN = (
    "a length in bytes becomes one in bits",
    "a time since the epoch becomes one since boot",
    "an offset counts from another place",
    "a hash is that of something else",
    "a count of blocks becomes a length",
    "a code keeps its name and gets another meaning",
    "a bit keeps its name and gets another meaning",
)
"""Those that names, numbers, widths and offsets don't show."""

BY_CLASS = [(change.expected, name) for name, change in CHANGES.items()]
"""The changes with their classes, so that some of each class are looked at in every run."""
