"""Gallery: whole files, blocks behind the end, extension segments good and bad."""

from __future__ import annotations

from . import wire
from .specimens import FIRST_DRAFT, KINDS, LE11, Kind, Named, capture, cut, finish, start
from .specimens import typical_payloads as typical
from .wire import FileBuilder
from .wire_tables import typical_tables


def structures() -> Named:
    for kind in KINDS:
        yield from _whole(kind)
    for kind in FIRST_DRAFT:
        yield from _behind_end(kind)
    yield from _segments()
    yield from _bad_segments()


def _whole(kind: Kind) -> Named:
    o = kind.order
    yield f"capture-{kind.name}", capture(kind).data()
    builder = start(kind)
    for block_type, body in typical(kind).values():
        builder.add(block_type, body)
    yield f"everything-{kind.name}", finish(builder, kind)
    builder = start(kind, flags=1, cap_bitmap=1, os_type=0xFFFF, arch_type=0xFFFF, pid=0)
    builder.add(wire.IMPORT_PROVENANCE, wire.import_provenance(o, source_format=1))
    builder.add(wire.MEMORY_REGION, wire.memory_region(o, (0, 0), base_addr=0, page_size_log2=10))
    yield f"imported-raw-{kind.name}", finish(builder, kind)
    builder = start(kind, flags=1)
    builder.add(wire.IMPORT_PROVENANCE, wire.import_provenance(o, note="minidump"))
    builder.add(wire.PROCESS_IDENTITY, wire.process_identity(o))
    yield f"imported-identity-{kind.name}", finish(builder, kind)
    # The source's hash behind the note, as one producer appends it.
    builder = start(kind, flags=1)
    builder.add(wire.IMPORT_PROVENANCE, wire.import_provenance(o) + bytes(range(32)))
    yield f"imported-source-hash-{kind.name}", finish(builder, kind)
    # A module that ends behind its hash, as one producer writes it.
    builder = start(kind)
    builder.add(wire.MODULE_ENTRY, wire.module_entry(o)[:-8])
    yield f"module-without-blob-{kind.name}", finish(builder, kind)
    builder = start(kind)
    for seed in (1, 1, 2):
        builder.add(wire.RELATED_DUMP, wire.related_dump(o), block_uuid=wire.uuid4(seed))
    yield f"duplicate-uuids-{kind.name}", finish(builder, kind)
    builder = capture(kind, end=False)
    builder.end_capture(file_hash=b"\xee" * 32)
    yield f"file-hash-wrong-{kind.name}", builder.data()
    # Blocks at odd offsets: nothing aligns them.
    builder = start(kind)
    for size in (1, 3, 5, 7):
        builder.add(0x0012, wire.opaque(size))
        builder.add(wire.KEY_HINT, wire.key_hint(o, note="n" * size))
    yield f"unaligned-{kind.name}", finish(builder, kind)
    builder = start(kind)
    for number in range(300):
        builder.add(0x0012, b"", block_uuid=wire.uuid4(2000 + number))
    yield f"many-blocks-{kind.name}", finish(builder, kind)


def _behind_end(kind: Kind) -> Named:
    """1.0 knows no segments: blocks behind the end are blocks."""
    o = kind.order
    builder = capture(kind)
    builder.add(wire.KEY_HINT, wire.key_hint(o))
    builder.add(0x1003, wire.opaque(20))
    yield f"behind-end-{kind.name}", builder.data()
    builder.raw(b"tail")
    yield f"behind-end-and-tail-{kind.name}", builder.data()
    builder = capture(kind)
    builder.end_capture()
    yield f"two-ends-{kind.name}", builder.data()
    builder = capture(kind)
    builder.add(wire.KEY_HINT, wire.key_hint(o))
    builder.end_segment()
    yield f"behind-end-segment-{kind.name}", builder.data()
    builder = capture(kind)
    builder.add(wire.KEY_HINT, wire.key_hint(o), prev_hash=bytes(32))
    yield f"behind-end-chain-broken-{kind.name}", builder.data()


def segment(builder: FileBuilder, *, hints: int = 2) -> None:
    """The blocks of an extension segment, without its end."""
    for number in range(hints):
        builder.add(wire.KEY_HINT, wire.key_hint(builder.order, region_offset=number))


def _segments() -> Named:
    o = LE11.order
    for algorithm, code in (("blake3", 0), ("sha_256", 1), ("sha_512_256", 2)):
        builder = capture(LE11, hash_algo=code, algorithm=algorithm)
        for _ in range(2):
            segment(builder)
            builder.end_segment()
        yield f"segments-2-{algorithm}", builder.data()
    builder = capture(LE11)
    builder.end_segment(block_count=1)
    yield "segment-of-its-end-alone", builder.data()
    builder = capture(LE11)
    for block_type in (0x0020, 0x0041, 0x0059, 0x005A, 0x005B, 0x1000, 0x1001, 0x1003, 0x1FFF):
        body = {
            0x0020: wire.key_hint(o),
            0x0041: wire.related_dump(o),
            0x1001: wire.vas_map(o),
            **dict(typical_tables(o).values()),
        }
        builder.add(block_type, body.get(block_type, wire.opaque(24)))
    builder.end_segment()
    yield "segment-allowed-types", builder.data()
    builder = capture(LE11)
    builder.add(wire.VAS_MAP, wire.vas_map(o, [wire.vas_entry(o)]), compression="zstd")
    builder.add(0x1003, wire.opaque(300))
    builder.end_segment(producer=None, reserved=7, reserved2=b"\1\2\3\4\5\6")
    yield "segment-compressed-and-odd", builder.data()
    builder = capture(LE11, header_size=72)
    for number in range(5):
        segment(builder, hints=number)
        builder.end_segment(written_at=number)
    yield "segments-5-header-72", builder.data()
    builder = capture(LE11)
    segment(builder)
    builder.end_segment()
    builder.raw(b"behind the segment")
    yield "segment-and-tail", builder.data()
    for name, short in (("short-end", True), ("counted-end", False)):
        builder = capture(LE11, end=False)
        builder.end_capture(short=short, block_count=None if short else 6)
        segment(builder)
        builder.end_segment()
        yield f"segment-behind-{name}", builder.data()
    builder = capture(LE11, end=False)
    builder.end_capture(file_hash=bytes(32), block_count=6)
    segment(builder)
    builder.end_segment()
    yield "segment-behind-wrong-file-hash", builder.data()
    # The chain of the capture is another matter than that of the segment.
    builder = start(LE11)
    builder.add(wire.PROCESS_IDENTITY, wire.process_identity(o), prev_hash=b"\x11" * 32)
    finish(builder, LE11)
    segment(builder)
    builder.end_segment()
    yield "segment-behind-broken-capture-chain", builder.data()
    # Without an End-of-Capture there are no segments, only blocks.
    builder = capture(LE11, end=False)
    builder.start_segment()
    segment(builder)
    builder.end_segment()
    yield "segment-without-capture-end", builder.data()
    builder = capture(LE11, end=False)
    builder.add(wire.END_OF_EXTENSION, wire.end_of_extension(o))
    finish(builder, LE11)
    yield "extension-end-inside-capture", builder.data()


def _bad_segments() -> Named:
    """Each alone, and behind a good segment, which must stay."""
    for place in ("first", "second"):
        for name, builder in _bad(place == "second"):
            yield f"segment-{place}-{name}", builder.data()
            # An intact one behind a bad one is lost with it.
            segment(builder)
            builder.end_segment()
            yield f"segment-{place}-{name}-then-good", builder.data()


def _bad(behind_good: bool) -> list[tuple[str, FileBuilder]]:
    o = LE11.order
    wrong = b"\x5a" * 32

    def fresh() -> FileBuilder:
        builder = capture(LE11)
        if behind_good:
            segment(builder)
            builder.end_segment()
        return builder

    out: list[tuple[str, FileBuilder]] = []
    for name, where in (("zero", bytes(32)), ("wrong", wrong)):
        builder = fresh()
        builder.add(0x1003, wire.opaque(12), prev_hash=where)
        builder.end_segment()
        out.append((f"chain-{name}-at-first", builder))
        builder = fresh()
        segment(builder, hints=1)
        builder.add(0x1003, wire.opaque(12), prev_hash=where)
        builder.end_segment()
        out.append((f"chain-{name}-inside", builder))
        builder = fresh()
        segment(builder)
        builder.end_segment(block={"prev_hash": where})
        out.append((f"chain-{name}-at-end", builder))
    builder = fresh()
    segment(builder)
    builder.end_segment(segment_hash=wrong)
    out.append(("hash", builder))
    for count in (0, 2, 4, 0xFFFF_FFFF):
        builder = fresh()
        segment(builder)
        builder.end_segment(block_count=count)
        out.append((f"count-{count}", builder))
    for size in (0, 31, 32, 43):
        builder = fresh()
        segment(builder)
        builder.end_segment(change=cut(size))
        out.append((f"end-cut-{size}", builder))
    # No End-of-Extension: nothing behind may follow, so these two stand at the file's end.
    builder = fresh()
    segment(builder)
    builder.raw(b"\0" * 8)
    out.append(("without-end", builder))
    builder = fresh()
    segment(builder)
    builder.add(wire.KEY_HINT, wire.key_hint(o), block_length=79)
    out.append(("block-too-short", builder))
    return out
