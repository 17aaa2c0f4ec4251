"""Gallery: memory regions, page maps, fragments and compression."""

from __future__ import annotations

import random
import struct

from . import wire
from .specimens import KINDS, Kind, Named, finish, one, start, typical_payloads

STATE_NAMES = ("captured", "failed", "unmapped", "state-3")
# Around a byte (4 pages) and around the map's padding (32 pages).
PAGE_COUNTS = (*range(10), 11, 12, 13, 15, 16, 17, 27, 28, 29, 31, 32, 33, 35, 36, 37,
               63, 64, 65, 95, 96, 97, 127, 128, 129)  # fmt: skip
# (codec, padding): the revised framing, the padded one, and what must be tolerated.
FRAMINGS = {
    "zstd": ("zstd", 0),
    "lz4": ("lz4", 0),
    "zstd-padded": ("zstd", None),
    "lz4-padded": ("lz4", None),
}


def regions() -> Named:
    for kind in KINDS:
        yield from _states(kind)
        yield from _sizes(kind)
        yield from _maps(kind)
        yield from _fragments(kind)
        yield from _compressed(kind)


def region(kind: Kind, *payloads: bytes) -> bytes:
    return one(kind, wire.MEMORY_REGION, *payloads)


def _states(kind: Kind) -> Named:
    o = kind.order
    for state, label in enumerate(STATE_NAMES):
        body = wire.memory_region(o, [state] * 6, page_size_log2=10)
        yield f"region-all-{label}-{kind.name}", region(kind, body)
    yield f"region-{kind.name}", region(kind, wire.memory_region(o, (0, 1, 2, 0)))
    for count in PAGE_COUNTS:
        # A fixed pseudo-random pattern without captured pages keeps the file small …
        states = random.Random(count).choices((1, 2, 3), k=count)
        body = wire.memory_region(o, states)
        yield f"region-pages-{count}-{kind.name}", region(kind, body)
    for count in (1, 2, 3, 4, 5, 7, 8, 9, 31, 32, 33):
        # … and one with all four states checks the count of stored bytes.
        states = random.Random(1000 + count).choices((0, 1, 2, 3), k=count)
        body = wire.memory_region(o, states, page_size_log2=10)
        yield f"region-mixed-{count}-{kind.name}", region(kind, body)
    each = [wire.memory_region(o, (s,), page_size_log2=10) for s in range(4)]
    yield f"region-single-pages-{kind.name}", region(kind, *each)
    runs = [s for n, s in enumerate((0, 1, 2, 3, 2, 1) * 3) for _ in range(n + 1) if s] + [0]
    body = wire.memory_region(o, runs, page_size_log2=10)
    yield f"region-runs-{kind.name}", region(kind, body)
    many = wire.memory_region(o, (2,) * 40_000)
    yield f"region-many-pages-{kind.name}", region(kind, many)


def _sizes(kind: Kind) -> Named:
    o = kind.order
    for log2 in (10, 11, 12, 14, 16, 21, 30, 39, 40):
        body = wire.memory_region(o, (1, 2, 1), page_size_log2=log2)
        yield f"region-log2-{log2}-{kind.name}", region(kind, body)
    for log2 in (0, 1, 9, 41, 63, 64, 255):
        body = wire.memory_region(o, (1, 2), page_size_log2=log2, region_size=0x2000)
        yield f"region-log2-{log2}-{kind.name}", region(kind, body)
    # Sizes that are no multiple of the page: the map covers whole pages only.
    for size in (1, 0xFFF, 0x1001, 0x4FFF):
        body = wire.memory_region(o, (1,) * (size >> 12), region_size=size)
        yield f"region-size-{size:x}-{kind.name}", region(kind, body)
    for base in (0, 1, 0xFFFF_FFFF_FFFF_F000):
        body = wire.memory_region(o, (1,), base_addr=base)
        yield f"region-base-{base:x}-{kind.name}", region(kind, body)
    # A map that would need far more bytes than the block has.
    for shift in (20, 40, 62, 63):
        body = wire.memory_region(o, (1, 1), region_size=1 << shift)
        yield f"region-map-short-{shift}-{kind.name}", region(kind, body)
    fits = wire.memory_region(o, region_size=33 << 12, page_state_map=b"\x55" * 16)
    yield f"region-map-fits-{kind.name}", region(kind, fits)
    short = wire.memory_region(o, region_size=33 << 12, page_state_map=b"\x55" * 15)
    yield f"region-map-one-short-{kind.name}", region(kind, short)
    for name, size in (("none", 0), ("short", 1023), ("long", 1025), ("longer", 4096)):
        body = wire.memory_region(o, (0, 1), page_size_log2=10, page_data=wire.opaque(size))
        yield f"region-data-{name}-{kind.name}", region(kind, body)
    body = wire.memory_region(o, (1, 2), page_data=b"unexpected")
    yield f"region-data-though-failed-{kind.name}", region(kind, body)
    body = wire.memory_region(o, (), page_data=b"12345678")
    yield f"region-data-without-pages-{kind.name}", region(kind, body)


def _maps(kind: Kind) -> Named:
    """Map bytes that no packing of states gives."""
    o = kind.order
    odd = {
        "unused-states": (5, b"\x55\x7f" + bytes(6)),
        "unused-last-bits": (3, b"\x55" + bytes(7)),
        "padding": (5, b"\x55\x40\0\0\0\0\0\x01"),
        "padding-first": (4, b"\x55\x80" + bytes(6)),
        "padding-both": (6, b"\x55\x5f" + b"\xee" * 6),
        "full-word": (32, b"\xa5" * 8),
        "second-word": (33, b"\x6a" * 8 + b"\x40" + bytes(6) + b"\x80"),
        "vector-18": (4, b"\x18" + bytes(7)),
    }
    for name, (pages, raw) in odd.items():
        body = wire.memory_region(o, region_size=pages << 12, page_state_map=raw, page_data=b"")
        yield f"map-{name}-{kind.name}", region(kind, body)
    states = [0, 0, 0, 1, 0, 0, 2, 2, 0, 0, 1, 0]  # figure 8
    body = wire.memory_region(o, states, page_size_log2=10)
    yield f"map-figure-8-{kind.name}", region(kind, body)


def _fragments(kind: Kind) -> Named:
    o = kind.order
    for name, order in (("in-order", (1, 2, 3)), ("shuffled", (3, 1, 2))):
        builder = start(kind, cap_bitmap=1)
        first = builder.add(
            wire.MEMORY_REGION,
            wire.memory_region(o, (0,), page_size_log2=10, base_addr=0x10000),
            flags=wire.HAS_CHILDREN,
        )
        for n in order:
            builder.add(
                wire.MEMORY_REGION,
                wire.memory_region(o, (0, 1), page_size_log2=10, base_addr=0x10000 + 0x800 * n),
                flags=wire.CONTINUATION,
                parent_uuid=first,
            )
        yield f"fragments-{name}-{kind.name}", finish(builder, kind)
    builder = start(kind)
    builder.add(
        wire.MEMORY_REGION,
        wire.memory_region(o, (1,)),
        flags=wire.CONTINUATION,
        parent_uuid=wire.uuid4(999),
    )
    yield f"fragments-orphan-{kind.name}", finish(builder, kind)
    builder = start(kind, cap_bitmap=1 | 1 << 10)
    whole = builder.add(
        wire.MEMORY_REGION,
        wire.memory_region(o, (1, 0, 0), page_size_log2=10),
        flags=wire.HAS_KEY_HINTS,
    )
    builder.add(wire.KEY_HINT, wire.key_hint(o, region_uuid=whole, region_offset=0x3F0))
    builder.add(wire.KEY_HINT, wire.key_hint(o, region_uuid=wire.uuid4(12345)))
    yield f"hints-good-and-dangling-{kind.name}", finish(builder, kind)


def _compressed(kind: Kind) -> Named:
    o = kind.order
    for label, (codec, padding) in FRAMINGS.items():
        for name, (block_type, body) in typical_payloads(kind).items():
            builder = start(kind)
            builder.add(block_type, body, compression=codec, padding=padding)
            # What follows shows whether the padding was taken for the block's own.
            builder.add(wire.PROCESS_IDENTITY, wire.process_identity(o))
            yield f"{name}-{label}-{kind.name}", finish(builder, kind)
        builder = start(kind)
        body = wire.memory_region(o, (0, 1, 2, 0, 3) * 5, page_size_log2=12)
        builder.add(wire.MEMORY_REGION, body, compression=codec, padding=padding)
        noise = random.Random(7).randbytes(2048)  # does not shrink
        body = wire.memory_region(o, (0, 0), page_size_log2=10, page_data=noise)
        builder.add(wire.MEMORY_REGION, body, compression=codec, padding=padding)
        yield f"regions-{label}-{kind.name}", finish(builder, kind)
        # Damage inside the inflated payload, short and long.
        for name, cut, extra in (("cut", 30, 0), ("extra", 0, 5), ("extra-long", 0, 300)):
            identity = wire.process_identity(o) + wire.opaque(extra)
            identity = identity[: len(identity) - cut]
            builder = start(kind)
            builder.add(wire.PROCESS_IDENTITY, identity, compression=codec, padding=padding)
            yield f"identity-{name}-{label}-{kind.name}", finish(builder, kind)
        # The inflated region's map does not fit.
        builder = start(kind)
        body = wire.memory_region(o, (1, 1), region_size=1 << 60)
        builder.add(wire.MEMORY_REGION, body, compression=codec, padding=padding)
        yield f"region-map-short-{label}-{kind.name}", finish(builder, kind)
        # An unknown payload version is not even inflated.
        builder = start(kind)
        builder.add(
            wire.PROCESS_IDENTITY,
            wire.process_identity(o),
            compression=codec,
            padding=padding,
            payload_version=2,
        )
        yield f"identity-version-2-{label}-{kind.name}", finish(builder, kind)
    for codec in ("zstd", "lz4"):
        for padding in range(1, 8):
            builder = start(kind)
            body = wire.process_identity(o)
            builder.add(wire.PROCESS_IDENTITY, body, compression=codec, padding=padding)
            yield f"identity-{codec}-zeros-{padding}-{kind.name}", finish(builder, kind)
        # The payload's own end is zeros, which must not be mistaken for padding.
        builder = start(kind)
        body = wire.memory_region(o, (0,), page_size_log2=10, page_data=bytes(1024))
        builder.add(wire.MEMORY_REGION, body, compression=codec, padding=None)
        body = wire.module_list_index(o)
        builder.add(wire.MODULE_LIST_INDEX, body, compression=codec, padding=None)
        yield f"zeros-{codec}-padded-{kind.name}", finish(builder, kind)
        flags = 0xFFF8
        builder = start(kind)
        builder.add(wire.PROCESS_IDENTITY, wire.process_identity(o), compression=codec, flags=flags)
        yield f"identity-{codec}-all-flags-{kind.name}", finish(builder, kind)
    builder = start(kind)
    body = wire.compress(o, wire.process_identity(o), "zstd", content_size=False)
    builder.add(wire.PROCESS_IDENTITY, body, flags=wire.COMPRESSED | wire.ZSTD)
    yield f"identity-zstd-no-content-size-{kind.name}", finish(builder, kind)
    # UncompressedSize is a number of the file; the size inside an LZ4 block is always little.
    builder = start(kind)
    inflated = wire.process_identity(o)
    body = struct.pack(o + "Q", len(inflated)) + struct.pack("<I", len(inflated))
    body += _stored_lz4(inflated)
    builder.add(wire.PROCESS_IDENTITY, body, flags=wire.COMPRESSED | wire.LZ4)
    yield f"identity-lz4-literals-{kind.name}", finish(builder, kind)


def _stored_lz4(data: bytes) -> bytes:
    """One LZ4 sequence of literals only."""
    length = len(data)
    if length < 15:
        return bytes([length << 4]) + data
    out, left = bytearray([0xF0]), length - 15
    while left >= 255:
        out.append(255)
        left -= 255
    out.append(left)
    return bytes(out) + data
