"""Small generated files which together hold every feature, code and fault of both drafts."""

from __future__ import annotations

from collections.abc import Iterator

from . import wire
from .gallery_damage import damaged
from .gallery_header import headers
from .gallery_payloads import payloads
from .gallery_regions import regions
from .gallery_structure import segment, structures
from .gallery_tables import open_tables, tables
from .specimens import (
    KINDS,
    LE10,
    LE11,
    Kind,
    Named,
    capture,
    cut,
    finish,
    one,
    opaque_types,
    start,
)


def files() -> Iterator[tuple[str, bytes]]:
    """(name, bytes) of every file whose canonical document is settled."""
    yield from headers()
    yield from payloads()
    yield from regions()
    yield from damaged()
    yield from structures()
    yield from tables()


def rejected() -> Iterator[tuple[str, bytes]]:
    """Files that are not to be decoded at all."""
    yield "empty", b""
    for kind in KINDS:
        whole = capture(kind).data()
        for size in (1, 8, 63):
            yield f"header-cut-{size}-{kind.name}", whole[:size]
        yield f"magic-{kind.name}", b"MEMSLICF" + whole[8:]
        for code in (0, 3, 0x10, 0xFF):
            yield f"endianness-{code}-{kind.name}", whole[:8] + bytes([code]) + whole[9:]
        for version in (0x0000, 0x0001, 0x0200, 0xFFFF):
            file = finish(start(kind, version=version), kind)
            yield f"version-{version:04x}-{kind.name}", file
        # The header's own fields would not fit, or Block 0 would start behind the file.
        for size in (0, 63):
            yield f"header-size-{size}-{kind.name}", whole[:9] + bytes([size]) + whole[10:]
        yield f"header-size-beyond-{kind.name}", whole[:9] + b"\xff" + whole[10:200]


def undecided() -> Iterator[tuple[str, bytes]]:
    """Files which the drafts leave open: two decoders may differ without either being wrong."""
    for kind in KINDS:
        yield from _bad_streams(kind)
    yield from _odd_strings()
    yield from _optional_tails()
    yield from _doubtful_segments()
    order_11 = Kind("11-be", ">", wire.V11)
    yield "big-endian-1.1", capture(order_11).data()
    yield from open_tables(order_11)
    o = LE11.order
    for size in (24, 40, 64):
        body = wire.vas_map(o, [wire.vas_entry(o), wire.vas_entry(o)], entry_size=size)
        yield f"vas-entry-size-{size}", one(LE11, wire.VAS_MAP, body)
    yield "vas-entry-size-empty", one(LE11, wire.VAS_MAP, wire.vas_map(o, entry_size=40))
    value = wire.register(o, "cs", 0x33, width=2, value_padding=b"\x01" * 6)
    body = wire.thread_context(o, [value])
    yield "register-value-padding", one(LE11, wire.THREAD_CONTEXT, body)


def _bad_streams(kind: Kind) -> Named:
    """Compressed payloads which do not inflate, and those of types without a layout."""
    o = kind.order
    body = wire.process_identity(o)
    zstd, lz4 = (wire.compress(o, body, codec) for codec in ("zstd", "lz4"))
    flags = {"zstd": wire.COMPRESSED | wire.ZSTD, "lz4": wire.COMPRESSED | wire.LZ4}
    cases: list[tuple[str, int, bytes]] = [
        ("algo-none", wire.COMPRESSED, zstd),
        ("algo-reserved", wire.COMPRESSED | wire.ZSTD | wire.LZ4, zstd),
    ]
    for codec, good in (("zstd", zstd), ("lz4", lz4)):
        flag = flags[codec]
        short, long = (wire.compress(o, body, codec, size=len(body) + n) for n in (-1, 1))
        cases += [
            (f"{codec}-empty", flag, b""),
            (f"{codec}-size-cut", flag, good[:7]),
            (f"{codec}-size-only", flag, good[:8]),
            (f"{codec}-stream-cut", flag, good[:-3]),
            (f"{codec}-stream-broken", flag, good[:12] + bytes(len(good) - 12)),
            (f"{codec}-size-short", flag, short),
            (f"{codec}-size-long", flag, long),
            (f"{codec}-size-huge", flag, wire.compress(o, body, codec, size=1 << 62)),
            (f"{codec}-zeros-8", flag, good + bytes(8)),
            (f"{codec}-not-zeros", flag, good + b"\0\x01"),
            (f"{codec}-uncompressed", flag, body),
            (f"{codec}-nothing-inside", flag, wire.compress(o, b"", codec)),
        ]
    for name, flag, stored in cases:
        file = one(kind, wire.PROCESS_IDENTITY, stored, flags=flag)
        yield f"stream-{name}-{kind.name}", file
    for codec in ("zstd", "lz4"):
        builder = start(kind)
        for code in filter(None, opaque_types(kind)):
            builder.add(code, wire.opaque(40), compression=codec)
        builder.add(0x0012, wire.opaque(2000), compression=codec)
        yield f"opaque-{codec}-{kind.name}", finish(builder, kind)
        builder = start(kind)
        builder.add(wire.PROCESS_IDENTITY, body)
        builder.end_capture(block={"compression": codec})
        yield f"end-{codec}-{kind.name}", builder.data()


def _odd_strings() -> Named:
    """No NUL within the length, but bytes behind it: where does the text end?"""
    for kind in KINDS:
        bodies = [
            wire.process_identity(kind.order, exe_path=wire.Text(b"abcdefg\0", length=4)),
            wire.process_identity(kind.order, exe_path=wire.Text(b"abcdefgh", length=4)),
            # The last string without its padding.
            wire.process_identity(kind.order, cmd_line=wire.Text(b"abc\0", padding=b"")),
        ]
        yield f"string-runs-on-{kind.name}", one(kind, wire.PROCESS_IDENTITY, *bodies)


def _optional_tails() -> Named:
    """The revised draft's tails, present in part."""
    o = LE11.order
    related = wire.related_dump(o, target_hash=bytes(range(32)))
    for size in (25, 32, 55):
        yield f"related-tail-{size}", one(LE11, wire.RELATED_DUMP, related[:size])
    for size in (41, 43, 44, 47):
        builder = capture(LE11, end=False)
        builder.end_capture(block_count=6, change=cut(size))
        yield f"end-tail-{size}", builder.data()


def _doubtful_segments() -> Named:
    o = LE11.order
    for code in (0x0001, 0x0002, 0x0010, 0x0011, 0x0030, 0x0040, 0x0050, 0x0058, 0x0FFF, 0x2345):
        builder = capture(LE11)
        builder.add(code, wire.opaque(24))
        builder.end_segment()
        yield f"segment-forbidden-{code:04x}", builder.data()
    # The three checks hold, but the string behind them is cut, or the end is itself odd.
    builder = capture(LE11)
    segment(builder)
    builder.end_segment(change=cut(50))
    yield "segment-end-cut-behind-count", builder.data()
    for name, fields in (
        ("version-2", {"payload_version": 2}),
        ("zstd", {"compression": "zstd"}),
    ):
        builder = capture(LE11)
        segment(builder)
        builder.end_segment(block=fields)
        yield f"segment-end-{name}", builder.data()
    # An End-of-Capture this draft cannot read: does it end the capture?
    builder = capture(LE11, end=False)
    builder.end_capture(block_count=6, block={"payload_version": 2})
    segment(builder)
    builder.end_segment()
    yield "segment-behind-end-version-2", builder.data()
    builder = capture(LE11, hash_algo=0xFF)
    segment(builder)
    builder.end_segment()
    yield "segment-hash-other", builder.data()
    builder = capture(LE10, version=wire.V10)
    builder.add(0x0000, wire.opaque(8))
    builder.add(wire.KEY_HINT, wire.key_hint(o))
    yield "type-invalid-in-the-middle", builder.data()
