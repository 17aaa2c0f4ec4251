"""Gallery: every code, bit, reserved field and kind of string in the payloads."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from . import wire
from .specimens import (
    KINDS,
    LE11,
    OPAQUE_TYPES,
    TABLE_TYPES,
    TYPES_OF_1_1,
    Kind,
    Named,
    finish,
    one,
    opaque_types,
    start,
)
from .wire import Str, Text

REGION_TYPES = (*range(7), 7, 0xFE, 0xFF)
RELATIONSHIPS = (*range(6), 6, 0xFFFE, 0xFFFF)
KEY_TYPES = (*range(13), 13, 0xFFFE, 0xFFFF)
PROTOCOLS = (*range(10), 10, 0xFFFE, 0xFFFF)
SOURCE_FORMATS = (*range(6), 6, 0xFFFE, 0xFFFF)
THREAD_STATES = (*range(8), 8, 0xFF)
NAME_SOURCES = (*range(4), 4, 0xFF)
BYTE_BITS = (*(1 << i for i in range(8)), 0, 0xFF)
WORD_BITS = (*(1 << i for i in range(16)), 0, 0xFFFF)

STRINGS: dict[str, Str] = {
    "absent": None,
    "empty": "",  # a NUL and nothing else
    "one": "a",
    "seven": "seven77",  # fills 8 bytes with its NUL: no padding
    "eight": "eight888",  # one NUL too long for 8
    "fifteen": "fifteen-fifteen",
    "non-ascii": "/tmp/Grüße/日本語/🙂",
    "control": "tab\tnewline\nescape\x1b",
    "bom": "\ufeffmarked",
    "spaces": "  padded with spaces  ",
    "quotes": 'it\'s: "yaml" - {not} [a] #list',
    "true": "true",
    "number": "0123",
    "windows": "C:\\Windows\\System32\\ntdll.dll",
    "long": "x" * 300,
    "no-nul": b"no NUL",
    "no-nul-full": b"8 bytes!",
    "interior-nul": b"a\0b\0",
    "interior-nul-no-end": b"a\0b",
    "two-nuls": b"ab\0\0",
    "only-nuls": bytes(8),
    "not-utf8": b"caf\xe9\0",
    "not-utf8-no-nul": b"\xff\xfe\xfd",
    "surrogate": b"\xed\xa0\x80\0",
    "overlong": b"\xc0\xaf\0",
    "cut-off": b"ab\xe2\x82\0",
    "utf8-behind-nul": b"ok\0\xff\xff\0",
    "padding": Text(b"odd\0", padding=b"\x01\x02\x03\x04"),
    "padding-last": Text(b"odd\0", padding=b"\0\0\0\x09"),
    "length-of-padded": Text(b"abc\0", length=8),
}


def payloads() -> Named:
    for kind in KINDS:
        yield from _strings(kind)
        yield from _codes(kind)
        yield from _reserved(kind)
        yield from _extremes(kind)
        yield from _block_headers(kind)
    yield from _threads()
    yield from _vas_maps()
    yield from _type_of_other_draft()


def _string_fields(kind: Kind) -> dict[str, tuple[int, Callable[[Str], bytes]]]:
    o = kind.order
    out: dict[str, tuple[int, Callable[[Str], bytes]]] = {
        "exe-path": (wire.PROCESS_IDENTITY, lambda s: wire.process_identity(o, exe_path=s)),
        "cmd-line": (wire.PROCESS_IDENTITY, lambda s: wire.process_identity(o, cmd_line=s)),
        "path": (wire.MODULE_ENTRY, lambda s: wire.module_entry(o, path=s, version="1")),
        "version": (wire.MODULE_ENTRY, lambda s: wire.module_entry(o, version=s)),
        "note": (wire.KEY_HINT, lambda s: wire.key_hint(o, note=s)),
        "tool-name": (
            wire.IMPORT_PROVENANCE,
            lambda s: wire.import_provenance(o, tool_name=s, note="n"),
        ),
        "import-note": (wire.IMPORT_PROVENANCE, lambda s: wire.import_provenance(o, note=s)),
        "index-path": (
            wire.MODULE_LIST_INDEX,
            lambda s: wire.module_list_index(
                o, [wire.index_entry(o, path=s), wire.index_entry(o, path="/second")]
            ),
        ),
    }
    if kind.revised:
        out |= {
            "producer": (wire.END_OF_EXTENSION, lambda s: wire.end_of_extension(o, producer=s)),
            "thread-name": (
                wire.THREAD_CONTEXT,
                lambda s: wire.thread_context(o, [wire.register(o)], thread_name=s),
            ),
            "mapped-path": (
                wire.VAS_MAP,
                lambda s: wire.vas_map(o, [wire.vas_entry(o, mapped_path=s), wire.vas_entry(o)]),
            ),
        }
    return out


def _strings(kind: Kind) -> Named:
    fields = _string_fields(kind)
    # Every string in one field, a file each, so that a difference has a name of its own …
    for name, value in STRINGS.items():
        block_type, build = fields["exe-path"]
        yield f"string-{name}-{kind.name}", one(kind, block_type, build(value))
    # … and in every field, where one file per field is enough.
    for field, (block_type, build) in fields.items():
        yield f"strings-{field}-{kind.name}", one(kind, block_type, *map(build, STRINGS.values()))


def _codes(kind: Kind) -> Named:
    o = kind.order
    groups: dict[str, tuple[int, Iterable[bytes]]] = {
        "region-types": (
            wire.MEMORY_REGION,
            (wire.memory_region(o, region_type=i) for i in REGION_TYPES),
        ),
        "region-protections": (
            wire.MEMORY_REGION,
            (wire.memory_region(o, protection=i) for i in BYTE_BITS),
        ),
        "relationships": (
            wire.RELATED_DUMP,
            (wire.related_dump(o, relationship=i) for i in RELATIONSHIPS),
        ),
        "key-types": (wire.KEY_HINT, (wire.key_hint(o, key_type=i) for i in KEY_TYPES)),
        "protocols": (wire.KEY_HINT, (wire.key_hint(o, protocol=i) for i in PROTOCOLS)),
        "confidences": (wire.KEY_HINT, (wire.key_hint(o, confidence=i) for i in (0, 1, 2, 3, 255))),
        "key-states": (wire.KEY_HINT, (wire.key_hint(o, key_state=i) for i in (0, 1, 2, 3, 255))),
        "source-formats": (
            wire.IMPORT_PROVENANCE,
            (wire.import_provenance(o, source_format=i) for i in SOURCE_FORMATS),
        ),
    }
    for name, (block_type, variants) in groups.items():
        yield f"codes-{name}-{kind.name}", one(kind, block_type, *variants)


def _reserved(kind: Kind) -> Named:
    o = kind.order
    odd4, odd2 = 0xA1B2_C3D4, 0xE5F6
    region = wire.memory_region(o, reserved=b"\x01\x02\x03\x04\x05")
    yield f"reserved-region-{kind.name}", one(kind, wire.MEMORY_REGION, region)
    module = wire.module_entry(o, reserved=odd4, reserved2=odd4 + 1)
    yield f"reserved-module-{kind.name}", one(kind, wire.MODULE_ENTRY, module)
    index = wire.module_list_index(
        o, [wire.index_entry(o, reserved=odd2, reserved2=odd4)], reserved=odd4 + 2
    )
    yield f"reserved-index-{kind.name}", one(kind, wire.MODULE_LIST_INDEX, index)
    identity = wire.process_identity(o, reserved=odd4)
    yield f"reserved-identity-{kind.name}", one(kind, wire.PROCESS_IDENTITY, identity)
    related = wire.related_dump(o, reserved=odd2)
    yield f"reserved-related-{kind.name}", one(kind, wire.RELATED_DUMP, related)
    hint = wire.key_hint(o, reserved=odd2, reserved2=odd4)
    yield f"reserved-hint-{kind.name}", one(kind, wire.KEY_HINT, hint)
    imported = wire.import_provenance(o, reserved=odd2, reserved2=odd4)
    yield f"reserved-import-{kind.name}", one(kind, wire.IMPORT_PROVENANCE, imported)
    builder = start(kind)
    if kind.revised:
        builder.end_capture(block_count=1, reserved=b"\x01\x02\x03\x04")
    else:
        builder.end_capture(reserved=bytes(range(1, 9)))
    yield f"reserved-end-{kind.name}", builder.data()


def _extremes(kind: Kind) -> Named:
    o, u32, u64 = kind.order, 0xFFFF_FFFF, 0xFFFF_FFFF_FFFF_FFFF
    for name, v32, v64 in (("zero", 0, 0), ("max", u32, u64)):
        builder = start(kind)
        builder.add(
            wire.PROCESS_IDENTITY,
            wire.process_identity(
                o, ppid=v32, session_id=v32, start_time=v64, exe_path=None, cmd_line=None
            ),
        )
        builder.add(
            wire.MODULE_LIST_INDEX,
            wire.module_list_index(o, [wire.index_entry(o, base_addr=v64, module_size=v64)]),
        )
        builder.add(
            wire.MODULE_ENTRY,
            wire.module_entry(
                o, base_addr=v64, module_size=v64, path=None, disk_hash=bytes([v32 & 0xFF] * 32)
            ),
        )
        builder.add(wire.MEMORY_REGION, wire.memory_region(o, base_addr=v64, timestamp=v64))
        builder.add(wire.KEY_HINT, wire.key_hint(o, region_offset=v64, key_len=v32, note=None))
        builder.add(wire.RELATED_DUMP, wire.related_dump(o, related_pid=v32))
        builder.add(
            wire.IMPORT_PROVENANCE,
            wire.import_provenance(o, import_time=v64, orig_file_size=v64, tool_name=None),
        )
        builder.add(wire.MODULE_LIST_INDEX, wire.module_list_index(o))
        if kind.revised:
            builder.end_capture(acq_end=v64, block_count=v32)
        else:
            builder.end_capture(acq_end=v64)
        yield f"numbers-{name}-{kind.name}", builder.data()
    blobs = [wire.module_entry(o, native_blob=wire.opaque(n)) for n in (*range(1, 10), 300)]
    yield f"module-blobs-{kind.name}", one(kind, wire.MODULE_ENTRY, *blobs)
    odd = wire.module_entry(o, native_blob=b"abc", blob_padding=b"\0\0\0\0\x07")
    yield f"module-blob-padding-{kind.name}", one(kind, wire.MODULE_ENTRY, odd)
    many = [wire.index_entry(o, path=f"/lib/{n}", module_uuid=wire.uuid4(n)) for n in range(40)]
    index = wire.module_list_index(o, many)
    yield f"index-many-{kind.name}", one(kind, wire.MODULE_LIST_INDEX, index)


def _block_headers(kind: Kind) -> Named:
    identity = wire.process_identity(kind.order)
    for bit in range(3, 16):
        file = one(kind, wire.PROCESS_IDENTITY, identity, flags=1 << bit)
        yield f"block-flag-{bit}-{kind.name}", file
    # Without Compressed, bits 1-2 mean nothing but are still shown.
    for algo in (1, 2, 3):
        file = one(kind, wire.PROCESS_IDENTITY, identity, flags=algo << 1)
        yield f"block-algo-{algo}-uncompressed-{kind.name}", file
    file = one(kind, wire.PROCESS_IDENTITY, identity, flags=0xFFFE)
    yield f"block-flags-all-but-compressed-{kind.name}", file
    file = one(kind, wire.PROCESS_IDENTITY, identity, reserved=0x1234)
    yield f"block-reserved-{kind.name}", file
    odd = {"block_uuid": b"\xff" * 16, "parent_uuid": bytes(range(16))}
    yield f"block-uuids-{kind.name}", one(kind, wire.PROCESS_IDENTITY, identity, **odd)
    file = one(kind, wire.PROCESS_IDENTITY, identity, prev_hash=b"\xab" * 32)
    yield f"block-chain-broken-{kind.name}", file
    for version in (0, 2, 0xFFFF):
        file = one(kind, wire.PROCESS_IDENTITY, identity, payload_version=version)
        yield f"block-version-{version}-{kind.name}", file
    for code in opaque_types(kind):
        file = one(kind, code, b"", wire.opaque(3), wire.opaque(256), wire.opaque(257))
        yield f"type-{code:04x}-{kind.name}", file
    builder = start(kind)
    for code in filter(None, OPAQUE_TYPES + TABLE_TYPES):  # not 0x0000, which has a file of its own
        builder.add(code, wire.opaque(8), payload_version=7)
    yield f"types-opaque-version-7-{kind.name}", finish(builder, kind)


def _threads() -> Named:
    o = LE11.order
    name = LE11.name
    thread = wire.THREAD_CONTEXT
    states = [wire.thread_context(o, thread_state=i) for i in THREAD_STATES]
    yield f"codes-thread-states-{name}", one(LE11, thread, *states)
    flags = [wire.thread_context(o, flags=i) for i in WORD_BITS]
    yield f"codes-thread-flags-{name}", one(LE11, thread, *flags)
    arches = [wire.thread_context(o, arch=i) for i in (0, 1, 2, 11, 12, 255)]
    yield f"thread-arches-{name}", one(LE11, thread, *arches)
    bits = wire.thread_context(o, [wire.register(o, f"r{i}", i, flags=i) for i in WORD_BITS])
    yield f"codes-register-flags-{name}", one(LE11, thread, bits)
    widths = wire.thread_context(
        o,
        [
            wire.register(o, f"w{i}", wire.opaque(i, 1), width=i)
            for i in (0, 1, 2, 4, 7, 8, 9, 16, 32, 64, 255)
        ],
    )
    yield f"register-widths-{name}", one(LE11, thread, widths)
    small = {key: value for key, value in STRINGS.items() if key != "long"}
    strings = wire.thread_context(o, [wire.register(o, value) for value in small.values()])
    yield f"strings-register-name-{name}", one(LE11, thread, strings)
    odd = wire.thread_context(
        o, [wire.register(o, reserved=0x0102_0304)], reserved=b"\x01\x02\x03\x04\x05\x06"
    )
    yield f"reserved-thread-{name}", one(LE11, thread, odd)
    top = 0xFFFF_FFFF_FFFF_FFFF
    extremes = wire.thread_context(o, thread_id=top, start_time=top, thread_name=None)
    yield f"thread-numbers-max-{name}", one(LE11, thread, extremes)


def _vas_maps() -> Named:
    o = LE11.order
    name = LE11.name
    rows = [wire.vas_entry(o, name_source=i) for i in NAME_SOURCES]
    yield f"codes-name-sources-{name}", one(LE11, wire.VAS_MAP, wire.vas_map(o, rows))
    rows = [wire.vas_entry(o, region_type=i) for i in REGION_TYPES]
    rows += [wire.vas_entry(o, protection=i) for i in BYTE_BITS]
    yield f"codes-vas-{name}", one(LE11, wire.VAS_MAP, wire.vas_map(o, rows))
    rows = [wire.vas_entry(o, reserved=b"\x01\x02\x03", base_addr=0, region_size=1 << 62)]
    yield f"reserved-vas-{name}", one(LE11, wire.VAS_MAP, wire.vas_map(o, rows))
    yield f"vas-empty-{name}", one(LE11, wire.VAS_MAP, wire.vas_map(o))
    two = one(LE11, wire.VAS_MAP, wire.vas_map(o), wire.vas_map(o, [wire.vas_entry(o)]))
    yield f"vas-twice-{name}", two
    end = wire.end_of_extension(o, reserved=0x0102_0304, reserved2=b"\x01\x02\x03\x04\x05\x06")
    yield f"reserved-extension-end-{name}", one(LE11, wire.END_OF_EXTENSION, end)


def _type_of_other_draft() -> Named:
    """Types whose layout only the revised draft knows are opaque in the first."""
    for kind in KINDS[:2]:
        o = kind.order
        bodies = (
            wire.thread_context(o, [wire.register(o)]),
            wire.vas_map(o, [wire.vas_entry(o)]),
            wire.end_of_extension(o),
        )
        for code, body in zip(TYPES_OF_1_1, bodies, strict=True):
            yield f"later-type-{code:04x}-{kind.name}", one(kind, code, body)
        related = wire.related_dump(o, target_hash=bytes(range(32)))
        yield f"later-related-{kind.name}", one(kind, wire.RELATED_DUMP, related)
        builder = start(kind)
        builder.end_capture(block_count=1)
        yield f"later-end-count-{kind.name}", builder.data()
