"""Gallery: the tables of the revised draft, their codes, strings, counts and faults."""

from __future__ import annotations

from collections.abc import Callable

from . import wire, wire_dialects
from . import wire_tables as wt
from .blocks import ADDED, BlockFacts
from .gallery_connectivity import NAME, U16, U32, U64, connectivity, short_rows
from .gallery_payloads import BYTE_BITS, REGION_TYPES, STRINGS
from .specimens import FIRST_DRAFT, LE11, Kind, Named, capture, finish, one, start
from .wire import Str, Text

PLAIN_STRINGS: dict[str, Str] = {
    "absent": None,
    "one": "a",
    "seven": "seven77",
    "eight": "eight888",  # fills its 8 bytes: no padding
    "nine": "nine-nine",
    "non-ascii": "/tmp/Grüße/日本語/🙂",
    "control": "tab\tnewline\nescape\x1b",
    "bom": "\ufeffmarked",
    "spaces": "  padded with spaces  ",
    "quotes": 'it\'s: "yaml" - {not} [a] #list',
    "true": "true",
    "number": "0123",
    "long": "x" * 300,
    # Nothing ends at a NUL here: it is a character.
    "nul-at-end": "eth0\0",
    "nul-alone": "\0",
    "interior-nul": "a\0b",
    "not-utf8": b"caf\xe9",
    "not-utf8-eight": b"\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8",
    "surrogate": b"\xed\xa0\x80",
    "overlong": b"\xc0\xaf",
    "cut-off": b"ab\xe2\x82",
}
# Where strings are padded, the padding can be odd as well.
PADDED_STRINGS = PLAIN_STRINGS | {
    "padding": Text(b"odd", padding=b"\x01\x02\x03\x04\x05"),
    "padding-last": Text(b"odd", padding=b"\0\0\0\0\x09"),
    "padding-and-not-utf8": Text(b"od\xff", padding=b"\0\0\0\0\x09"),
    "length-too-short": Text(b"abcdefgh", length=3),
    "length-of-padded": Text(b"abc", length=8),
}


def tables() -> Named:
    o = LE11.order
    for name, (block_type, body) in wt.typical_tables(o).items():
        yield f"table-{name}-{NAME}", one(LE11, block_type, body)
    # To the first draft they are bytes.
    for kind in FIRST_DRAFT:
        builder = start(kind)
        for block_type, body in wt.typical_tables(kind.order).values():
            builder.add(block_type, body)
        yield f"later-tables-{kind.name}", finish(builder, kind)
    yield from _investigation(o)
    yield from _empty(o)
    yield from _processes(o)
    yield from _connections(o)
    yield from _handles(o)
    yield from connectivity(o)
    yield from _physical(o)
    yield from _build_ids(o)
    yield from _omissions(o)
    yield from _strings(o)
    yield from _counts(o)
    yield from _fillers()
    for one_type in ADDED:
        yield from _bent(one_type)


def open_tables(kind: Kind) -> Named:
    """What the draft leaves open: the other byte order, rows too short for their own fields."""
    o = kind.order
    builder = start(kind, flags=2)
    for block_type, body in wt.typical_tables(o).values():
        builder.add(block_type, body)
    bodies = wt.connectivity_bodies(o)
    rows = [wt.connectivity_row(o, row_type, body) for row_type, body in bodies.items()]
    builder.add(wt.CONNECTIVITY_TABLE, wt.table(o, rows))
    yield f"tables-{kind.name}", finish(builder, kind)
    extension = wire.encryption_extension(o, key_encap=2, kem_ct_len=1088, cipher_len=4)
    builder = start(kind, flags=4, header_size=128, extension=extension)
    builder.raw(b"seal")
    yield f"encrypted-{kind.name}", builder.data()
    yield from short_rows()


def _investigation(o: str) -> Named:
    """The blocks of an investigation in their places, some of them compressed."""
    builder = start(LE11, flags=2, cap_bitmap=0x7900, block_count=11)
    builder.add(wire.PROCESS_IDENTITY, wire.process_identity(o))
    builder.add(wire.MODULE_LIST_INDEX, wire.module_list_index(o))
    body = wire_dialects.system_context(o, aligned=False)
    context = builder.add(0x0050, body, flags=wire.HAS_CHILDREN)
    for number, (block_type, body) in enumerate(wt.typical_tables(o).values()):
        codec = ("zstd", None, "lz4")[number % 3]
        builder.add(block_type, body, parent_uuid=context, compression=codec)
    yield f"investigation-{NAME}", finish(builder, LE11)
    # One producer pads every payload to 8, which shows as bytes behind the last row.
    builder = start(LE11)
    for size in range(1, 9):
        rows = [wt.physical_range(o, label="x" * size), wt.physical_range(o, label=None)]
        builder.add(wt.PHYSICAL_MEMORY_MAP, wire.padded(wt.table(o, rows)))
        row = wt.connectivity_row(o, wt.MIB_COUNTER, wt.mib_counter(o, mib="x" * size))
        builder.add(wt.CONNECTIVITY_TABLE, wire.padded(wt.table(o, [row])))
    yield f"tables-padded-{NAME}", finish(builder, LE11)
    builder = capture(LE11)
    for block_type in (wt.PHYSICAL_MEMORY_MAP, wt.MODULE_BUILD_ID_MANIFEST):
        builder.add(block_type, dict(wt.typical_tables(o).values())[block_type])
    builder.add(
        wt.REGION_OMISSION_MANIFEST,
        wt.region_omission_manifest(o, [wt.omission_row(o)]),
        compression="zstd",
    )
    builder.end_segment()
    yield f"segment-of-tables-{NAME}", builder.data()


def _empty(o: str) -> Named:
    for block_type in (0x0051, 0x0052, 0x0053, 0x0054, 0x0059, 0x005A):
        bodies = (wt.table(o), wt.table(o, reserved=0xA1B2_C3D4))
        yield f"table-empty-{block_type:04x}-{NAME}", one(LE11, block_type, *bodies)
    manifests = (
        wt.region_omission_manifest(o, scope=None, patterns=None),
        wt.region_omission_manifest(o, scope=None),
        wt.region_omission_manifest(o, patterns=None),
        wt.region_omission_manifest(o, reserved=0xA1B2_C3D4, reserved2=0x0102_0304),
    )
    yield f"table-empty-005b-{NAME}", one(LE11, wt.REGION_OMISSION_MANIFEST, *manifests)


def _processes(o: str) -> Named:
    rows = [
        wt.process_row(o, pid=0, ppid=0, uid=0, is_target=0, start_time=0, rss=0),
        wt.process_row(o, pid=U32, ppid=U32, uid=U32, is_target=255, start_time=U64, rss=U64),
        wt.process_row(o, is_target=2, exe=None, cmd=None, user=None),
        wt.process_row(o, reserved=b"\x01\x02\x03", reserved2=0xE5F6),
        wt.process_row(o, exe="/opt/größe", cmd="größe --名前 値", user="jürgen"),
        wt.process_row(o, exe=None),
        wt.process_row(o, cmd=None),
        wt.process_row(o, user=None),
    ]
    yield f"processes-{NAME}", one(LE11, wt.PROCESS_TABLE, wt.table(o, rows))
    many = [wt.process_row(o, pid=n, exe="x" * (n % 20), is_target=n == 7) for n in range(120)]
    yield f"processes-many-{NAME}", one(LE11, wt.PROCESS_TABLE, wt.table(o, many))


def _connections(o: str) -> Named:
    rows = [wt.connection_row(o, family=i) for i in (0, 1, 2, 3, 9, 10, 11, 255)]
    rows += [wt.connection_row(o, protocol=i) for i in (0, 1, 5, 6, 7, 16, 17, 18, 255)]
    rows += [wt.connection_row(o, state=i) for i in (*range(13), 255)]
    yield f"codes-connections-{NAME}", one(LE11, wt.CONNECTION_TABLE, wt.table(o, rows))
    rows = [
        wt.connection_row(o, reserved=1, reserved2=0x0203, reserved3=0x0405),
        wt.connection_row(o, pid=U32, local_port=U16, remote_port=U16, reserved3=U16),
        wt.connection_row(o, pid=0, local_port=0, remote_port=0),
        # Network order would show here.
        wt.connection_row(o, local_port=0x0102, remote_port=0x0304),
        wt.connection_row(o, local_addr=b"\xff" * 16, remote_addr=bytes(range(16, 32))),
    ]
    yield f"connections-{NAME}", one(LE11, wt.CONNECTION_TABLE, wt.table(o, rows))


def _handles(o: str) -> Named:
    rows = [wt.handle_row(o, handle_type=i) for i in (*range(9), 0xFF, 0x100, 0x1234, U16)]
    rows += [
        wt.handle_row(o, pid=U32, fd=U32, reserved=U32),
        wt.handle_row(o, pid=0, fd=0, path=None),
        wt.handle_row(o, path="/tmp/größe (deleted)"),
        wt.handle_row(o, path="socket:[1234]"),
    ]
    yield f"handles-{NAME}", one(LE11, wt.HANDLE_TABLE, wt.table(o, rows))


def _physical(o: str) -> Named:
    rows = [
        wt.physical_range(o, start=0, end=0, label=None),
        wt.physical_range(o, start=U64, end=U64, reserved=U16),
        # Packed: a row of any length, and the next one behind it.
        *(wt.physical_range(o, label="x" * n) for n in range(1, 10)),
        wt.physical_range(o, label="Gerät"),
    ]
    yield f"physical-{NAME}", one(LE11, wt.PHYSICAL_MEMORY_MAP, wt.table(o, rows))


def _build_ids(o: str) -> Named:
    rows = [wt.build_id_row(o, build_id_source=i) for i in (*range(7), 255)]
    rows += [wt.build_id_row(o, flags=i) for i in BYTE_BITS]
    yield f"codes-build-ids-{NAME}", one(LE11, wt.MODULE_BUILD_ID_MANIFEST, wt.table(o, rows))
    rows = [wt.build_id_row(o, build_id_len=i, reserved=i) for i in (0, 1, 16, 20, 21, 255)]
    rows += [
        wt.build_id_row(o, base_addr=U64, build_id=b"\xff" * 20, disk_hash=b"\xff" * 32),
        wt.build_id_row(o, base_addr=0, build_id=bytes(20)),
        wt.build_id_row(o, build_id_len=16, build_id=bytes(range(16)) + bytes(4)),
    ]
    yield f"build-ids-{NAME}", one(LE11, wt.MODULE_BUILD_ID_MANIFEST, wt.table(o, rows))


def _omissions(o: str) -> Named:
    rows = [wt.omission_row(o, reason=i) for i in (0, 1, 2, 3, 255)]
    rows += [wt.omission_row(o, region_type=i) for i in REGION_TYPES]
    rows += [wt.omission_row(o, protection=i) for i in BYTE_BITS]
    body = wt.region_omission_manifest(o, rows)
    yield f"codes-omissions-{NAME}", one(LE11, wt.REGION_OMISSION_MANIFEST, body)
    rows = [
        wt.omission_row(o, base_addr=U64, size=U64, reserved=0xA1, reserved2=0xB2C3),
        wt.omission_row(o, base_addr=0, size=0, name=None),
        wt.omission_row(o, name="[vdso]"),
    ]
    body = wt.region_omission_manifest(o, rows, patterns="größe*\n*/名前\n")
    yield f"omissions-{NAME}", one(LE11, wt.REGION_OMISSION_MANIFEST, body)


def _strings(o: str) -> Named:
    """Every odd string in every field, with a row behind it."""
    Make = Callable[[Str], bytes]

    def packed(row_type: int, make: Make) -> Make:
        behind = wt.connectivity_row(o, wt.SOCKET_FAMILY, wt.socket_family(o))
        return lambda s: wt.table(o, [wt.connectivity_row(o, row_type, make(s)), behind])

    process: dict[str, Make] = {
        "exe": lambda s: wt.process_row(o, exe=s),
        "cmd": lambda s: wt.process_row(o, cmd=s),
        "user": lambda s: wt.process_row(o, user=s),
    }
    terminated: dict[str, tuple[int, Make]] = {
        f"process-{field}": (
            wt.PROCESS_TABLE,
            lambda s, make=make: wt.table(o, [make(s), wt.process_row(o)]),  # type: ignore[misc]
        )
        for field, make in process.items()
    }
    terminated["handle-path"] = (
        wt.HANDLE_TABLE,
        lambda s: wt.table(o, [wt.handle_row(o, path=s), wt.handle_row(o)]),
    )
    for field, (block_type, build) in terminated.items():
        yield f"strings-{field}-{NAME}", one(LE11, block_type, *map(build, STRINGS.values()))
    unpadded: dict[str, tuple[int, Make]] = {
        "physical-label": (
            wt.PHYSICAL_MEMORY_MAP,
            lambda s: wt.table(o, [wt.physical_range(o, label=s), wt.physical_range(o)]),
        ),
    }
    for field, row_type, make in (
        ("ipv4-iface", 1, lambda s: wt.ipv4_route(o, iface=s)),
        ("ipv6-iface", 2, lambda s: wt.ipv6_route(o, iface=s)),
        ("arp-iface", 3, lambda s: wt.arp(o, iface=s)),
        ("counters-iface", 5, lambda s: wt.interface_counters(o, iface=s)),
        ("mib", 7, lambda s: wt.mib_counter(o, mib=s)),
        ("counter", 7, lambda s: wt.mib_counter(o, counter=s)),
    ):
        unpadded[field] = (wt.CONNECTIVITY_TABLE, packed(row_type, make))
    for field, (block_type, build) in unpadded.items():
        file = one(LE11, block_type, *map(build, PLAIN_STRINGS.values()))
        yield f"strings-{field}-{NAME}", file
    row = wt.omission_row(o)
    padded: dict[str, Make] = {
        "scope": lambda s: wt.region_omission_manifest(o, [row], scope=s),
        "patterns": lambda s: wt.region_omission_manifest(o, [row], patterns=s),
        "omitted-name": lambda s: wt.region_omission_manifest(o, [wt.omission_row(o, name=s), row]),
    }
    for field, build in padded.items():
        bodies = map(build, PADDED_STRINGS.values())
        yield f"strings-{field}-{NAME}", one(LE11, wt.REGION_OMISSION_MANIFEST, *bodies)
    for name, value in PADDED_STRINGS.items():
        file = one(LE11, wt.REGION_OMISSION_MANIFEST, padded["scope"](value))
        yield f"plain-string-{name}-{NAME}", file
    for name, value in PLAIN_STRINGS.items():
        file = one(LE11, wt.PHYSICAL_MEMORY_MAP, unpadded["physical-label"][1](value))
        yield f"packed-string-{name}-{NAME}", file


def _counts(o: str) -> Named:
    """Counts and lengths which promise more, or less, than there is."""
    rows = {
        0x0051: wt.process_row(o),
        0x0052: wt.connection_row(o),
        0x0053: wt.handle_row(o),
        0x0054: wt.connectivity_row(o, wt.MIB_COUNTER, wt.mib_counter(o)),
        0x0059: wt.physical_range(o),
        0x005A: wt.build_id_row(o),
    }
    for block_type, row in rows.items():
        counts = (0, 1, 3, 0x7FFF_FFFF, 0xFFFF_FFFF)
        bodies = [wt.table(o, [row, row], count=n) for n in counts]
        bodies += [wt.table(o, [row, row], count=3) + wire.opaque(n, 1) for n in (3, 300)]
        bodies += [wt.table(o, count=5), wt.table(o, [row, row[:-1]])]
        yield f"lying-count-{block_type:04x}-{NAME}", one(LE11, block_type, *bodies)
    row = wt.omission_row(o)
    bodies = [wt.region_omission_manifest(o, [row, row], count=n) for n in (0, 1, 3, 0xFFFF_FFFF)]
    bodies.append(wt.region_omission_manifest(o, count=5))
    yield f"lying-count-005b-{NAME}", one(LE11, wt.REGION_OMISSION_MANIFEST, *bodies)
    long = Text(b"abc\0", length=U16)
    plain = Text(b"abc", length=U16)
    cases: dict[str, tuple[int, bytes]] = {
        "exe": (0x0051, wt.table(o, [rows[0x0051], wt.process_row(o, exe=long)])),
        "cmd": (0x0051, wt.table(o, [rows[0x0051], wt.process_row(o, cmd=long)])),
        "user": (0x0051, wt.table(o, [rows[0x0051], wt.process_row(o, user=long)])),
        "handle-path": (0x0053, wt.table(o, [rows[0x0053], wt.handle_row(o, path=long)])),
        "row-len": (
            0x0054,
            wt.table(o, [rows[0x0054], wt.connectivity_row(o, 6, bytes(17), row_len=U16)]),
        ),
        "row-len-one-more": (
            0x0054,
            wt.table(o, [rows[0x0054], wt.connectivity_row(o, 6, bytes(17), row_len=18)]),
        ),
        "row-len-unknown": (
            0x0054,
            wt.table(o, [rows[0x0054], wt.connectivity_row(o, 66, bytes(17), row_len=18)]),
        ),
        "label": (0x0059, wt.table(o, [rows[0x0059], wt.physical_range(o, label=plain)])),
        "scope": (0x005B, wt.region_omission_manifest(o, [row], scope=plain)),
        "patterns": (0x005B, wt.region_omission_manifest(o, [row], patterns=plain)),
        "omitted-name": (
            0x005B,
            wt.region_omission_manifest(o, [row, wt.omission_row(o, name=plain)]),
        ),
    }
    for name, (block_type, body) in cases.items():
        yield f"lying-table-{name}-{NAME}", one(LE11, block_type, body)


def _bent(facts: BlockFacts) -> Named:
    """A payload as it should be, with every byte of it changed in turn, cut, and with more."""
    body = facts.typical(LE11.order)
    bodies = [body, *(body[:size] for size in range(len(body))), body + b"\1"]
    for place in range(len(body)):
        bodies += (body[:place] + value + body[place + 1 :] for value in (b"\0", b"\x41", b"\xff"))
    yield f"typical-{facts.code:04x}-{NAME}", one(LE11, facts.code, body)
    yield f"bent-{facts.code:04x}-{NAME}", one(LE11, facts.code, *bodies)


def _fillers() -> Named:
    """Bytes that mean nothing where a table should be."""
    for block_type in (0x0051, 0x0052, 0x0053, 0x0054, 0x0059, 0x005A, 0x005B):
        bodies = [wire.opaque(n) for n in (0, 3, 256, 257)] + [bytes(n) for n in (4, 7, 8, 200)]
        yield f"filler-{block_type:04x}-{NAME}", one(LE11, block_type, *bodies)
