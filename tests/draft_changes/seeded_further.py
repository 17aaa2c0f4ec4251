"""Changes of whatever else a draft has: units, places to count from, headers, sizes, names.

They were written before anybody looked at what the program says of them.
"""

from __future__ import annotations

from .kinds import ADDITIVE, COSMETIC, DEGRADED, INVALID, SILENT, SOURCE, WIRE, Seeded

__all__ = ["FURTHER"]

FURTHER: dict[str, Seeded] = {
    "a unit in the encryption's header is another": Seeded(
        SILENT,
        "encryption_header.kdf_memory",
        "amendments=[redefine('encryption_header', 'KDFMemory', 'Memory of the key "
        "derivation in MiB.', reason='large')]",
    ),
    "a size in bytes becomes one in pages": Seeded(
        SILENT,
        "process_table.entries[].rss",
        "amendments=[redefine('process_table.Entries', 'RSS', 'Resident memory in pages.', "
        "reason='as /proc has it')]",
    ),
    "an address counts from another place": Seeded(
        SILENT,
        "module_list_index.entries[].base_addr",
        "amendments=[redefine('module_list_index.Entries', 'BaseAddr', 'Distance from the "
        "first module.', reason='small numbers')]",
    ),
    "two flags are exchanged": Seeded(
        SILENT,
        "Protection.0",
        "bits={'Protection': (Bit(0, 'Write'), Bit(1, 'Read'))}",
    ),
    "a flag of the same name says something else": Seeded(
        SILENT,
        "ThreadFlags.1",
        "bits={'ThreadFlags': (Bit(1, 'Crashed', 'It crashed at some time before.'),)}",
    ),
    "a field in reserved bytes takes zero for a value": Seeded(
        SILENT,
        "module_entry.load_order",
        "layouts={'module_entry': lambda layout: layout.replacing('Reserved', 'x', "
        "Field('LoadOrder', U32, 'Place in the load order; 0 is the first.'))}",
    ),
    "a code is put between the others": Seeded(
        SILENT,
        "ThreadState.0x01",
        "values={'ThreadState': (Value(1, 'New'), Value(2, 'Running'), Value(3, "
        "'Sleeping'), Value(4, 'Stopped'), Value(5, 'Waiting'), Value(6, "
        "'Uninterruptible'), Value(7, 'Halted'), Value(8, 'Zombie'))}",
    ),
    "two texts in front no longer padded": Seeded(
        WIRE,
        "system_context.acq_user",
        "layouts={'system_context': lambda layout: layout.changing('AcqUser', "
        "type=Utf8Z('AcqUserLen')).changing('AcqUser', type=Utf8('AcqUserLen', "
        "padded=False))}",
    ),
    "count of blocks counts segments": Seeded(
        SILENT,
        "file_header.block_count",
        "amendments=[redefine('file_header', 'BlockCount', 'Blocks of the file, those of "
        "segments included; 0: unknown.', reason='one number')]",
    ),
    "a register becomes bytes": Seeded(
        SILENT,
        "thread_context.registers[].value",
        "layouts={'thread_context': lambda layout: layout.changing('Registers', "
        "type=Table('RegCount', layout.field('registers').type.entry.changing('Value', "
        "type=Blob('Width'))))}",
    ),
    "a number big-endian": Seeded(
        SILENT,
        "key_hint.key_len",
        "amendments=[retype('key_hint', 'KeyLen', Bytes(4), reason='network order')]",
    ),
    "code page of a text": Seeded(
        SILENT,
        "key_hint.note",
        "amendments=[redefine('key_hint', 'Note', 'A remark for people, in the code page "
        "of the machine.', reason='as it was typed')]",
    ),
    "text becomes bytes of another encoding": Seeded(
        SILENT,
        "handle_table.entries[].path",
        "layouts={'handle_table': lambda layout: layout.changing('Entries', "
        "type=Table('EntryCount', layout.field('entries').type.entry.changing('Path', "
        "type=Blob('PathLen'))))}",
    ),
    "text becomes bytes at the end": Seeded(
        SILENT,
        "key_hint.note",
        "layouts={'key_hint': lambda layout: layout.changing('Note', type=Blob('NoteLen'))}",
    ),
    "a small number is widened": Seeded(
        SILENT,
        "connection_table.entries[].state",
        "amendments=[widen('connection_table.Entries', 'State', U16, out_of='Reserved', "
        "reason='other systems')]",
    ),
    "a block is renamed": Seeded(
        SOURCE,
        "linked_dump",
        "amendments=[rename('BlockType', 'related_dump', 'Linked Dump')]",
    ),
    "a bit is renamed": Seeded(
        SOURCE,
        "CapBitmap.1",
        "amendments=[rename('CapBitmap', 'ModuleList', 'Modules')]",
    ),
    "a time becomes a number": Seeded(
        SILENT,
        "end_of_capture.acq_end",
        "amendments=[retype('end_of_capture', 'AcqEnd', U64, reason='ticks of the machine')]",
    ),
    "a half is carved": Seeded(
        ADDITIVE,
        "module_entry.load_order",
        "amendments=[carve('module_entry', 'Reserved', Field('LoadOrder', U16, 'Place in "
        "the load order; 0: unknown.', default=0))]",
    ),
    "a value is forbidden in words": Seeded(
        INVALID,
        "key_hint.key_len",
        "amendments=[forbid('key_hint', 'KeyLen', 0)]",
    ),
    "environment gets a payload": Seeded(
        DEGRADED,
        "environment_block",
        "amendments=[give_payload('environment_block', Layout('Environment Block', '§lab', "
        "(Field('TextLen', U32, 'Length of Text with its NUL.'), reserved(4), "
        "Field('Text', Utf8Z('TextLen'), 'NAME=value.'))), example={'text': 'A=1'})]",
        base="draft-2026-03",
        version=0x0101,
    ),
    "a code is deprecated": Seeded(
        COSMETIC,
        "RegionType.0x05",
        "amendments=[deprecate('RegionType', 'Anonymous', reason='too vague')]",
    ),
    "small pages are permitted": Seeded(
        DEGRADED,
        "memory_region.page_size_log2",
        "layouts={'memory_region': lambda layout: layout.changing('PageSizeLog2', "
        "type=Uint(1, valid=Between(9, 40))).changing('PageStateMap', "
        "type=PageStateMap('RegionSize', 'PageSizeLog2', 9, 40))}",
    ),
    "fields of a body exchanged": Seeded(
        SILENT,
        "connectivity_table.rows[].body<RowType 0x05>",
        "layouts={'connectivity_table': lambda layout: with_bodies(layout, "
        "_5=swapped(body(layout, 5), 'RxErrs', 'RxDrop'))}",
    ),
    "a body's field is widened": Seeded(
        WIRE,
        "connectivity_table.rows[].body<RowType 0x04>.proto",
        "layouts={'connectivity_table': lambda layout: with_bodies(layout, _4=body(layout, "
        "4).changing('Proto', type=U32))}",
    ),
    "a body loses a field in the middle": Seeded(
        WIRE,
        "connectivity_table.rows[].body<RowType 0x02>.prefix",
        "layouts={'connectivity_table': lambda layout: with_bodies(layout, _2=body(layout, "
        "2).replacing('Prefix', 'x'))}",
    ),
    "a body loses its last field": Seeded(
        DEGRADED,
        "connectivity_table.rows[].body<RowType 0x04>.r_mem",
        "layouts={'connectivity_table': lambda layout: with_bodies(layout, _4=body(layout, "
        "4).replacing('RMem', 'x'))}",
    ),
    "a block in the structural span": Seeded(
        ADDITIVE,
        "remark",
        "blocks=[replace(REMARK, code=0x1FF0)]",
    ),
    "a block in the reserved span": Seeded(
        ADDITIVE,
        "remark",
        "blocks=[replace(REMARK, code=0x2345)]",
    ),
    "a reserved code gets a name": Seeded(
        ADDITIVE,
        "OSType.0x000a",
        "values={'OSType': (Value(0x000A, 'Solaris'),)}",
    ),
    "end of capture loses its time in the first draft": Seeded(
        WIRE,
        "end_of_capture.acq_end",
        "layouts={'end_of_capture': lambda layout: layout.replacing('AcqEnd', 'x')}",
        base="draft-2026-03",
        version=0x0101,
    ),
    "end of capture loses its reserved bytes": Seeded(
        DEGRADED,
        "end_of_capture.reserved",
        "layouts={'end_of_capture': lambda layout: layout.replacing('Reserved', 'x')}",
        base="draft-2026-03",
        version=0x0101,
    ),
    "process table loses its last text": Seeded(
        WIRE,
        "process_table.entries[].user",
        "layouts={'process_table': lambda layout: layout.changing('Entries', "
        "type=Table('EntryCount', layout.field('entries').type.entry.replacing('User', "
        "'x').replacing('UserLen', 'x', reserved(2, 'Reserved4'))))}",
    ),
    "entries get a size": Seeded(
        WIRE,
        "process_table.entries",
        "layouts={'process_table': lambda layout: layout.replacing('Reserved', 'x', "
        "Field('EntrySize', U32, 'Size of every entry; 0: as long as its texts.', "
        "default=0)).changing('Entries', type=Table('EntryCount', "
        "layout.field('entries').type.entry, entry_size='EntrySize'))}",
    ),
    "names of two fields exchanged": Seeded(
        SILENT,
        "process_table.entries[]",
        "layouts={'process_table': lambda layout: layout.changing('Entries', "
        "type=Table('EntryCount', swapped(layout.field('entries').type.entry, 'PID', "
        "'PPID')))}",
    ),
    "a flag word becomes a number": Seeded(
        SILENT,
        "vas_map.entries[].protection",
        "layouts={'vas_map': lambda layout: layout.changing('Entries', type=Table('Count', "
        "layout.field('entries').type.entry.changing('Protection', type=U8), "
        "entry_size='EntrySize'))}",
    ),
    "a field takes another registry": Seeded(
        SILENT,
        "vas_map.entries[].region_type",
        "layouts={'vas_map': lambda layout: layout.changing('Entries', type=Table('Count', "
        "layout.field('entries').type.entry.changing('RegionType', "
        "type=Coded('NameSource')), entry_size='EntrySize'))}",
    ),
    "a field takes another flag word": Seeded(
        SILENT,
        "thread_context.flags",
        "layouts={'thread_context': lambda layout: layout.changing('Flags', "
        "type=Flags('RegisterFlags'))}",
    ),
    "text without NUL": Seeded(
        SILENT,
        "key_hint.note",
        "layouts={'key_hint': lambda layout: layout.changing('Note', type=Utf8('NoteLen'))}",
    ),
    "a hash becomes optional behind": Seeded(
        DEGRADED,
        "module_entry.build_path",
        "layouts={'module_entry': lambda layout: layout.appending('x', "
        "Field('BuildPathLen', U16, 'Length of BuildPath with its NUL; 0: none.', "
        "optional=True, default=0), replace(reserved(6, 'Reserved3'), optional=True), "
        "Field('BuildPath', Utf8Z('BuildPathLen'), 'Where it was built.', optional=True))}",
    ),
}
