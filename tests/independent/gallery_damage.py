"""Gallery: payloads and files which end too early or too late."""

from __future__ import annotations

import struct

from . import wire
from .specimens import KINDS, LE11, Kind, Named, capture, cut, extend, finish, one, typical_payloads


def damaged() -> Named:
    for kind in KINDS:
        yield from _cut_payloads(kind)
        yield from _extra(kind)
        yield from _lying_lengths(kind)
        yield from _truncated(kind)
        yield from _trailing(kind)
        yield from _block_lengths(kind)


def _cut_payloads(kind: Kind) -> Named:
    """Every length a payload can be cut to: at each field's edge and in its middle."""
    for name, (block_type, body) in typical_payloads(kind).items():
        if name == "region":
            body = body[:48]  # fixed fields, the map, a little data
        cuts = [body[:n] for n in range(len(body))]
        if name == "related-hash":
            # A hash that is only partly there has its own place among the undecided files.
            cuts = [body[:24]]
        yield f"cut-{name}-{kind.name}", one(kind, block_type, *cuts)
    # An End-of-Capture ends the capture segment, so each cut needs its own file.
    for size in (0, 1, 31, 32, 33, 39, 40, 41, 44, 47):
        if kind.revised and size > 40:
            continue
        builder = capture(kind, end=False)
        builder.end_capture(change=cut(size))
        yield f"cut-end-{size}-{kind.name}", builder.data()


def _extra(kind: Kind) -> Named:
    for name, (block_type, body) in typical_payloads(kind).items():
        bodies = [body + wire.opaque(n, 1) for n in (1, 4, 8, 255, 256, 257, 1000)]
        bodies.append(body + bytes(8))
        if name == "related" and kind.revised:
            bodies = bodies[3:7]  # shorter ones are a target hash cut off
        yield f"extra-{name}-{kind.name}", one(kind, block_type, *bodies)
    for size in (1, 8, 256, 257):
        builder = capture(kind, end=False)
        # With a count, the revised layout is complete and what follows is really extra.
        count = builder.count + 1 if kind.revised else None
        builder.end_capture(block_count=count, change=extend(size))
        yield f"extra-end-{size}-{kind.name}", builder.data()


def _lying_lengths(kind: Kind) -> Named:
    """Counts and lengths which promise more, or less, than there is."""
    o = kind.order
    long = wire.Text(b"abc\0", length=0xFFFF)
    u32 = wire.Text(b"abc\0", length=0xFFFF_FFFF)
    entry = wire.index_entry(o)
    cases: dict[str, tuple[int, list[bytes]]] = {
        "exe": (wire.PROCESS_IDENTITY, [wire.process_identity(o, exe_path=long)]),
        "cmd": (wire.PROCESS_IDENTITY, [wire.process_identity(o, cmd_line=long)]),
        "path": (wire.MODULE_ENTRY, [wire.module_entry(o, path=long)]),
        "version": (wire.MODULE_ENTRY, [wire.module_entry(o, version=long)]),
        "blob": (
            wire.MODULE_ENTRY,
            [wire.module_entry(o, native_blob=b"abc", blob_len=n) for n in (0, 2, 8, 9, 2**32 - 1)],
        ),
        "note": (wire.KEY_HINT, [wire.key_hint(o, note=u32)]),
        "tool": (wire.IMPORT_PROVENANCE, [wire.import_provenance(o, tool_name=u32)]),
        "import-note": (wire.IMPORT_PROVENANCE, [wire.import_provenance(o, note=u32)]),
        "index-path": (
            wire.MODULE_LIST_INDEX,
            [wire.module_list_index(o, [entry, wire.index_entry(o, path=long)])],
        ),
        "index-count": (
            wire.MODULE_LIST_INDEX,
            [
                wire.module_list_index(o, [entry, entry], entry_count=n)
                for n in (0, 1, 3, 0xFFFF_FFFF)
            ],
        ),
        "index-count-only": (
            wire.MODULE_LIST_INDEX,
            [wire.module_list_index(o, entry_count=5)],
        ),
        "identity-shorter": (
            wire.PROCESS_IDENTITY,
            [wire.process_identity(o, cmd_line=wire.Text(b"abcdefghijk\0", length=0))],
        ),
    }
    if kind.revised:
        register = wire.register(o)
        row = wire.vas_entry(o)
        cases |= {
            "reg-count": (
                wire.THREAD_CONTEXT,
                [wire.thread_context(o, [register], reg_count=n) for n in (0, 2, 0xFFFF_FFFF)],
            ),
            "thread-name": (wire.THREAD_CONTEXT, [wire.thread_context(o, thread_name=long)]),
            "register-width": (
                wire.THREAD_CONTEXT,
                [wire.thread_context(o, [register, wire.register(o, "x", bytes(8), width=200)])],
            ),
            "vas-count": (
                wire.VAS_MAP,
                [wire.vas_map(o, [row, row], count=n) for n in (0, 1, 3, 0xFFFF_FFFF)],
            ),
            "vas-path": (
                wire.VAS_MAP,
                [wire.vas_map(o, [row, wire.vas_entry(o, mapped_path=long)])],
            ),
            "producer": (wire.END_OF_EXTENSION, [wire.end_of_extension(o, producer=long)]),
        }
    for name, (block_type, bodies) in cases.items():
        yield f"lying-{name}-{kind.name}", one(kind, block_type, *bodies)


def _truncated(kind: Kind) -> Named:
    """A file that stops: at block edges, in block headers, in payloads, in the last block."""
    whole = capture(kind)
    data = whole.data()
    edge = 0
    for number, part in enumerate(whole.parts[:-1]):
        edge += len(part)
        for behind in (0, 1, 4, 40, 79, 80, 81):
            yield f"truncated-{number}-{behind}-{kind.name}", data[: edge + behind]
    for missing in (1, 8, 47, 48, 49):
        yield f"truncated-end-{missing}-{kind.name}", data[:-missing]
    yield f"no-end-{kind.name}", capture(kind, end=False).data()


def _trailing(kind: Kind) -> Named:
    data = capture(kind).data()
    for size in (1, 7, 8, 79, 80, 81, 300):
        yield f"trailing-{size}-{kind.name}", data + wire.opaque(size, 1)
    yield f"trailing-zeros-{kind.name}", data + bytes(4096)
    yield f"trailing-magic-short-{kind.name}", data + b"MSLC" + bytes(75)
    yield f"trailing-magic-length-0-{kind.name}", data + b"MSLC" + bytes(76)
    open_data = capture(kind, end=False).data()
    yield f"no-end-trailing-{kind.name}", open_data + wire.opaque(100, 1)
    yield f"file-twice-{kind.name}", data + data
    # A block whose magic is damaged hides everything behind it.
    builder = capture(kind, end=False)
    builder.add(wire.RELATED_DUMP, wire.related_dump(kind.order), magic=b"MSLD")
    yield f"block-magic-{kind.name}", finish(builder, kind)


def _block_lengths(kind: Kind) -> Named:
    body = wire.process_identity(kind.order)
    for length in (0, 1, 79):
        builder = capture(kind, end=False)
        builder.add(wire.PROCESS_IDENTITY, body, block_length=length)
        yield f"block-length-{length}-{kind.name}", finish(builder, kind)
    for length in (10_000_000, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF):
        builder = capture(kind, end=False)
        builder.add(wire.PROCESS_IDENTITY, body, block_length=length)
        yield f"block-length-{length:x}-{kind.name}", finish(builder, kind)
    builder = capture(kind, end=False)
    builder.add(wire.PROCESS_IDENTITY, body, block_length=80 + len(body) + 1)
    yield f"block-length-one-more-{kind.name}", builder.data()
    yield f"block-length-80-{kind.name}", one(kind, wire.PROCESS_IDENTITY, b"")
    if kind is LE11:
        # The length of the first block alone, patched so that it swallows the second one.
        builder = capture(kind)
        data = bytearray(builder.data())
        struct.pack_into("<I", data, 64 + 8, len(builder.parts[1]) + len(builder.parts[2]))
        yield f"block-length-swallows-{kind.name}", bytes(data)
