"""Typical payloads and files which the gallery bends into odd ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from . import wire
from .wire import FileBuilder
from .wire_tables import typical_tables


class Kind(NamedTuple):
    """A way to write a file; big-endian exists in format 1.0 only."""

    name: str
    order: str
    version: int

    @property
    def revised(self) -> bool:
        return self.version != wire.V10


LE10 = Kind("10-le", "<", wire.V10)
BE10 = Kind("10-be", ">", wire.V10)
LE11 = Kind("11-le", "<", wire.V11)
KINDS = (LE10, BE10, LE11)
FIRST_DRAFT = (LE10, BE10)

Named = Iterator[tuple[str, bytes]]

# Types without a layout in both drafts, then the one the revised draft only gives a name,
# producer-specific ones, unused ones, and both ends of every range.
OPAQUE_TYPES = (
    0x0012, 0x0013, 0x0014, 0x0015, 0x1003,
    0x0055, 0x0056, 0x0057, 0x0058,
    0x0000, 0x0003, 0x000F, 0x0016, 0x0042, 0x0FFD, 0x1000, 0x1002, 0x1FFF, 0x2000, 0x2345,
    0xFFFF,
)  # fmt: skip
# Tables which only the revised draft knows.
TABLE_TYPES = (0x0050, 0x0051, 0x0052, 0x0053, 0x0054, 0x0059, 0x005A, 0x005B)
TYPES_OF_1_1 = (wire.THREAD_CONTEXT, wire.VAS_MAP, wire.END_OF_EXTENSION)


def opaque_types(kind: Kind) -> tuple[int, ...]:
    """Types whose payload stays bytes in this kind of file."""
    return OPAQUE_TYPES if kind.revised else OPAQUE_TYPES + TABLE_TYPES


def start(kind: Kind, *, algorithm: str = "blake3", **header: Any) -> FileBuilder:
    header.setdefault("version", kind.version)
    return FileBuilder(wire.file_header(kind.order, **header), kind.order, algorithm=algorithm)


def finish(builder: FileBuilder, kind: Kind) -> bytes:
    """End the capture as the draft says and return the file."""
    if kind.revised:
        builder.end_capture(block_count=builder.count + 1)
    else:
        builder.end_capture()
    return builder.data()


def one(kind: Kind, block_type: int, *payloads: bytes, **fields: Any) -> bytes:
    """A file of equal-typed blocks and an End-of-Capture."""
    builder = start(kind)
    for payload in payloads:
        builder.add(block_type, payload, **fields)
    return finish(builder, kind)


def cut(size: int) -> Callable[[bytes], bytes]:
    """What keeps the first ``size`` bytes of a payload."""
    return lambda body: body[:size]


def extend(size: int) -> Callable[[bytes], bytes]:
    """What appends ``size`` bytes to a payload."""
    return lambda body: body + wire.opaque(size, 1)


def typical_payloads(kind: Kind) -> dict[str, tuple[int, bytes]]:
    """A well-filled payload of every type with a layout, except End-of-Capture."""
    o = kind.order
    out = {
        "region": (
            wire.MEMORY_REGION,
            wire.memory_region(o, (0, 1, 2, 0, 3), page_size_log2=10),
        ),
        "module": (
            wire.MODULE_ENTRY,
            wire.module_entry(
                o,
                path="/usr/lib/libc.so.6",
                version="2.39",
                disk_hash=bytes(range(32)),
                native_blob=b"7f00-7f01 r-xp\0",
            ),
        ),
        "index": (
            wire.MODULE_LIST_INDEX,
            wire.module_list_index(
                o,
                [
                    wire.index_entry(o),
                    wire.index_entry(o, path=None, module_uuid=wire.uuid4(8)),
                    wire.index_entry(o, path="/lib/ld.so", module_uuid=wire.uuid4(9)),
                ],
            ),
        ),
        "hint": (wire.KEY_HINT, wire.key_hint(o)),
        "import": (wire.IMPORT_PROVENANCE, wire.import_provenance(o, note="from a core")),
        "identity": (wire.PROCESS_IDENTITY, wire.process_identity(o)),
        "related": (wire.RELATED_DUMP, wire.related_dump(o)),
    }
    if kind.revised:
        out["related-hash"] = (
            wire.RELATED_DUMP,
            wire.related_dump(o, target_hash=bytes(range(32, 64))),
        )
        out["thread"] = (
            wire.THREAD_CONTEXT,
            wire.thread_context(
                o,
                [
                    wire.register(o, "rip", 0x7FFD_D4D0_1234, flags=1),
                    wire.register(o, "rsp", 0x7FFC_0000_0010, flags=2),
                    wire.register(o, "cs", 0x33, width=2),
                ],
            ),
        )
        out["vas"] = (
            wire.VAS_MAP,
            wire.vas_map(o, [wire.vas_entry(o), wire.vas_entry(o, mapped_path=None)]),
        )
        out |= typical_tables(o)
        out["extension-end"] = (wire.END_OF_EXTENSION, wire.end_of_extension(o))
    return out


def capture(kind: Kind, *, end: bool = True, **header: Any) -> FileBuilder:
    """A small live capture: identity, index, a module, two regions."""
    o = kind.order
    # Memory regions, module list and process identity.
    header.setdefault("cap_bitmap", 0b1_0000_0011)
    builder = start(kind, **header)
    module = wire.uuid4(50)
    builder.add(wire.PROCESS_IDENTITY, wire.process_identity(o))
    index = builder.add(
        wire.MODULE_LIST_INDEX,
        wire.module_list_index(o, [wire.index_entry(o, module_uuid=module)]),
        flags=wire.HAS_CHILDREN,
    )
    builder.add(wire.MODULE_ENTRY, wire.module_entry(o), block_uuid=module, parent_uuid=index)
    builder.add(wire.MEMORY_REGION, wire.memory_region(o, (0, 1), page_size_log2=10))
    builder.add(
        wire.MEMORY_REGION,
        wire.memory_region(o, (2, 0), page_size_log2=10, base_addr=0x7FFF_0000_0000),
    )
    if end:
        finish(builder, kind)
    return builder
