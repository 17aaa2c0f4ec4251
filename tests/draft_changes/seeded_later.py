"""Further changes: in rows whose kind chooses their layout, at ends, of whole files.

Like the forty they follow from the meaning of the classes.
"""

from __future__ import annotations

from .kinds import ADDITIVE, COSMETIC, DEGRADED, INVALID, REJECTS, SILENT, SOURCE, WIRE, Seeded

__all__ = ["LATER"]

LATER: dict[str, Seeded] = {
    "a number in a row of one kind means something else": Seeded(
        SILENT,
        "connectivity_table.rows[].body<RowType 0x03>.flags",
        "amendments=[redefine('connectivity_table.Rows.Body<arp>', 'Flags', 'Flags of the "
        "wire.', reason='they differ')]",
    ),
    "a number in a row of one kind is read otherwise": Seeded(
        SILENT,
        "connectivity_table.rows[].body<RowType 0x01>.metric",
        "amendments=[retype('connectivity_table.Rows.Body<0x01>', 'Metric', Bytes(4), "
        "reason='as it is sent')]",
    ),
    "two fields of a row change places": Seeded(
        SILENT,
        "connectivity_table.rows[].body<RowType 0x03>",
        "layouts={'connectivity_table': lambda layout: with_bodies(layout, "
        "_3=swapped(body(layout, 3), 'HwType', 'Flags'))}",
    ),
    "two texts exchange their lengths": Seeded(
        SILENT,
        "process_identity.exe_path",
        "layouts={'process_identity': lambda layout: "
        "layout.changing('ExePath', type=Utf8Z('CmdLineLen'))"
        ".changing('CmdLine', type=Utf8Z('ExePathLen'))}",
    ),
    "two texts change places": Seeded(
        SILENT,
        "process_identity",
        "layouts={'process_identity': lambda layout: swapped(layout, 'ExePath', 'CmdLine')}",
    ),
    "the codes of two kinds of rows are exchanged": Seeded(
        SILENT,
        "RowType.0x01",
        "values={'RowType': (Value(1, 'IPv6 route'), Value(2, 'IPv4 route'))}",
    ),
    "the byte orders are exchanged": Seeded(
        SILENT,
        "Endianness.0x01",
        "values={'Endianness': (Value(1, 'Big'), Value(2, 'Little'))}",
    ),
    "two page states are exchanged": Seeded(
        SILENT,
        "PageState.0x00",
        "page_states=(Value(0, 'Failed'), Value(1, 'Captured'))",
    ),
    "a page state means something else": Seeded(
        SILENT,
        "PageState.0x01",
        "amendments=[redefine('PageState', 'Failed', 'Nobody wanted it.', reason='it is so')]",
    ),
    "the end of the capture loses its time": Seeded(
        SILENT,
        "end_of_capture.acq_end",
        "layouts={'end_of_capture': lambda layout: layout.replacing('AcqEnd', 'x')}",
    ),
    "the end of a segment loses its time": Seeded(
        WIRE,
        "end_of_extension.written_at",
        "layouts={'end_of_extension': lambda layout: layout.replacing('WrittenAt', 'x')}",
    ),
    "a field is put in front of a row's others": Seeded(
        WIRE,
        "connectivity_table.rows[].body<RowType 0x03>.age",
        "layouts={'connectivity_table': lambda layout: with_bodies(layout, _3=body(layout, "
        "3).replacing('Family', 'x', Field('Age', U32, 'Its age.', default=0), "
        "body(layout, 3).field('family')))}",
    ),
    "two kinds of rows exchange their layouts": Seeded(
        WIRE,
        "connectivity_table.rows[].body<RowType 0x01>",
        "layouts={'connectivity_table': lambda layout: with_bodies(layout, _1=body(layout, "
        "2), _2=body(layout, 1))}",
    ),
    "a length is widened": Seeded(
        WIRE,
        "handle_table.entries[].path_len",
        "amendments=[widen('handle_table.Entries', 'PathLen', U32, out_of='Reserved', "
        "reason='long paths')]",
    ),
    "the other byte order is permitted": Seeded(
        REJECTS,
        "",
        "byte_orders=(ByteOrder.LITTLE, ByteOrder.BIG)",
    ),
    "a kind of rows is forbidden": Seeded(
        INVALID,
        "RowType.0x07",
        "amendments=[forbid('RowType', 'MIB counter')]",
    ),
    "a kind of rows gets another code": Seeded(
        INVALID,
        "RowType.0x03",
        "amendments=[renumber('RowType', 'ARP', 0x23, reason='room')]",
    ),
    "a bit is moved": Seeded(
        INVALID,
        "Protection.3",
        "amendments=[renumber('Protection', 'Guard', 6, reason='room')]",
    ),
    "a block type is moved": Seeded(
        INVALID,
        "key_hint",
        "amendments=[renumber('BlockType', 'key_hint', 0x0021, reason='room')]",
    ),
    "a field that could be missing must be there": Seeded(
        INVALID,
        "related_dump.target_hash",
        "layouts={'related_dump': lambda layout: layout.changing('TargetHash', optional=False)}",
    ),
    "a number gets a registry": Seeded(
        INVALID,
        "handle_table.entries[].handle_type",
        "enumerations=[Enumeration('HandleKind', 2, '§lab', 'Kind of handle.', (Value(1, "
        "'File'), Value(2, 'Socket')))], amendments=[retype('handle_table.Entries', "
        "'HandleType', Coded('HandleKind'), reason='names')]",
    ),
    "a field's bytes are reserved": Seeded(
        INVALID,
        "end_of_capture.reserved",
        "layouts={'end_of_capture': lambda layout: layout.replacing('BlockCount', "
        "'x').changing('Reserved', type=Reserved(8))}",
    ),
    "the payload version is raised": Seeded(
        DEGRADED,
        "",
        "payload_version=2",
    ),
    "a field may be missing": Seeded(
        DEGRADED,
        "system_context.case_ref",
        "layouts={'system_context': lambda layout: layout.changing('CaseRef', optional=True)}",
    ),
    "a kind of rows is no longer laid out": Seeded(
        DEGRADED,
        "connectivity_table.rows[].body<RowType 0x07>",
        "layouts={'connectivity_table': lambda layout: with_bodies(layout, _7=None)}",
    ),
    "a row gets a field that may be missing": Seeded(
        DEGRADED,
        "connectivity_table.rows[].body<RowType 0x03>.age",
        "layouts={'connectivity_table': lambda layout: with_bodies(layout, _3=body(layout, "
        "3).appending('x', Field('Age', U32, 'Its age; 0: unknown.', default=0, "
        "optional=True)))}",
    ),
    "another kind of rows is laid out": Seeded(
        ADDITIVE,
        "connectivity_table.rows[].body<RowType 0x08>",
        "values={'RowType': (Value(8, 'bridge'),)}, layouts={'connectivity_table': lambda "
        "layout: with_bodies(layout, _8=Layout('Bridge', '§lab', (Field('Port', U16, 'The "
        "port.'),)))}",
    ),
    "the block header gets a field": Seeded(
        ADDITIVE,
        "block_header.priority",
        "amendments=[carve('block_header', 'Reserved', Field('Priority', U8, 'How urgent; "
        "0: not said.', default=0))]",
    ),
    "a code becomes a number": Seeded(
        SILENT,
        "key_hint.confidence",
        "amendments=[retype('key_hint', 'Confidence', U8, reason='percent')]",
    ),
    "a field of a row is renamed": Seeded(
        SOURCE,
        "connectivity_table.rows[].body<RowType 0x03>.hardware",
        "amendments=[rename('connectivity_table.Rows.Body<arp>', 'HwType', 'Hardware')]",
    ),
    "a kind of rows is renamed": Seeded(
        SOURCE,
        "RowType.0x03",
        "amendments=[rename('RowType', 'ARP', 'Neighbour')]",
    ),
    "a page state is renamed": Seeded(
        SOURCE,
        "PageState.0x01",
        "amendments=[rename('PageState', 'Failed', 'Unreadable')]",
    ),
    "a field of a row is deprecated": Seeded(
        COSMETIC,
        "connectivity_table.rows[].body<RowType 0x03>.hw_type",
        "amendments=[deprecate('connectivity_table.Rows.Body<3>', 'HwType', reason='always "
        "the same')]",
    ),
    "a block type is deprecated": Seeded(
        COSMETIC,
        "related_dump",
        "amendments=[deprecate('BlockType', 'related_dump', reason='nobody reads it')]",
    ),
}
"""The changes, by what an author would say of them."""
