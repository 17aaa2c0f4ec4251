"""Makes conformant files whose every block can be bent: `struct` only, nothing of the package.

A `Plan` is a file before it is built: blocks by name, in file order. `live`, `imported`,
`raw_stream`, `investigation` and `extended` make plans that no rule finds fault with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from independent import wire, wire_dialects, wire_tables
from independent.specimens import Kind

START = 1_773_528_836_123_456_789
END = 1_773_528_837_000_000_000
KIB = 1 << 10
BASE = 0x7F00_0000_0000

CATEGORIES = {
    wire.MEMORY_REGION: 0,
    wire.MODULE_LIST_INDEX: 1,
    wire.MODULE_ENTRY: 1,
    wire.THREAD_CONTEXT: 2,
    wire.PROCESS_IDENTITY: 8,
    wire.RELATED_DUMP: 9,
    wire.KEY_HINT: 10,
    0x0050: 11,
    wire_tables.PROCESS_TABLE: 12,
    wire_tables.CONNECTION_TABLE: 13,
    wire_tables.CONNECTIVITY_TABLE: 13,
    wire_tables.HANDLE_TABLE: 14,
}
"""CapBitmap bits by block type (§8 of both drafts)."""

INVESTIGATION_ONLY = range(11, 15)

Make = Callable[..., bytes]


@dataclass
class Spec:
    """One block: what makes its payload, and the fields of its header."""

    type: int
    make: Make
    values: dict[str, Any] = field(default_factory=dict)
    fields: dict[str, Any] = field(default_factory=dict)


@dataclass
class Tail:
    """An extension segment."""

    blocks: dict[str, Spec]
    end: dict[str, Any] | None = field(default_factory=dict)


class Plan:
    """A file before it is built.

    Attributes:
        header: fields of the file header; CapBitmap is right unless it is given.
        blocks: the capture without its End-of-Capture.
        end: fields of the End-of-Capture; None: there is none.
        behind: blocks behind the End-of-Capture that belong to no segment.
        tail: bytes behind everything.
        cut: bytes taken off in the end.
        offsets: where each block begins, once built.
    """

    def __init__(self, kind: Kind, **header: Any) -> None:
        self.kind = kind
        self.header = header
        self.blocks: dict[str, Spec] = {}
        self.end: dict[str, Any] | None = {}
        self.behind: dict[str, Spec] = {}
        self.segments: list[Tail] = []
        self.tail = b""
        self.cut = 0
        self.algorithm = "blake3"
        self.offsets: dict[str, int] = {"header": 0}

    def put(
        self,
        name: str,
        block_type: int,
        make: Make,
        *,
        before: str | None = None,
        fields: dict[str, Any] | None = None,
        **values: Any,
    ) -> None:
        """Add a block at the end of the capture, or before another one."""
        spec = Spec(block_type, make, values, dict(fields or {}))
        spec.fields.setdefault("block_uuid", self.uuid(name))
        items = list(self.blocks.items())
        at = len(items) if before is None else list(self.blocks).index(before)
        self.blocks = dict([*items[:at], (name, spec), *items[at:]])

    def uuid(self, name: str) -> bytes:
        """The UUID that the block of this name has."""
        return wire.uuid4(int.from_bytes(name.encode()[:7].ljust(7, b"\0"), "little"))

    def values(self, name: str, **changed: Any) -> None:
        """Change what a payload is made of."""
        self.blocks[name].values.update(changed)

    def fields(self, name: str, **changed: Any) -> None:
        """Change fields of a block header."""
        self.blocks[name].fields.update(changed)

    def drop(self, *names: str) -> None:
        """Leave blocks out."""
        for name in names:
            del self.blocks[name]

    def move(self, name: str, *, before: str) -> None:
        """Put a block elsewhere."""
        spec = self.blocks.pop(name)
        items = list(self.blocks.items())
        at = list(self.blocks).index(before)
        self.blocks = dict([*items[:at], (name, spec), *items[at:]])

    @property
    def cap_bitmap(self) -> int:
        """The bits of what the capture holds."""
        bits = {CATEGORIES[spec.type] for spec in self.blocks.values() if spec.type in CATEGORIES}
        if not self.kind.revised:
            bits -= set(INVESTIGATION_ONLY)
        return sum(1 << bit for bit in bits)

    def build(self) -> bytes:
        """The file's bytes, with right hashes wherever none is given."""
        header = {"cap_bitmap": self.cap_bitmap, "timestamp": START, **self.header}
        if self.kind.revised and self.end is not None:
            header.setdefault("block_count", len(self.blocks) + 1)
        order = self.kind.order
        builder = wire.FileBuilder(
            wire.file_header(order, version=self.kind.version, **header),
            order,
            algorithm=self.algorithm,
        )

        def add(name: str, spec: Spec) -> None:
            self.offsets[name] = len(builder.data())
            builder.add(spec.type, spec.make(order, **spec.values), **spec.fields)

        for name, spec in self.blocks.items():
            add(name, spec)
        if self.end is not None:
            self.offsets["end"] = len(builder.data())
            end = {"acq_end": END, **self.end}
            if self.kind.revised:
                end.setdefault("block_count", builder.count + 1)
            end.setdefault("block", {"block_uuid": self.uuid("end")})
            builder.end_capture(**end)
        for name, spec in self.behind.items():
            add(name, spec)
        for number, segment in enumerate(self.segments, start=1):
            for name, spec in segment.blocks.items():
                add(name, spec)
            if segment.end is not None:
                self.offsets[f"end {number}"] = len(builder.data())
                builder.end_segment(**segment.end)
        builder.raw(self.tail)
        self.offsets["tail"] = len(builder.data()) - len(self.tail)
        data = builder.data()
        return data[: len(data) - self.cut]


# -- payloads that are made of others ----------------------------------------------------------


def index_of(order: str, rows: Iterable[dict[str, Any]], **values: Any) -> bytes:
    return wire.module_list_index(order, [wire.index_entry(order, **row) for row in rows], **values)


def thread_of(order: str, registers: Iterable[dict[str, Any]], **values: Any) -> bytes:
    return wire.thread_context(order, [wire.register(order, **row) for row in registers], **values)


def map_of(order: str, rows: Iterable[dict[str, Any]], **values: Any) -> bytes:
    return wire.vas_map(order, [wire.vas_entry(order, **row) for row in rows], **values)


def processes(order: str, targets: Iterable[int] = (1,)) -> bytes:
    rows = [wire_tables.process_row(order, is_target=target) for target in targets]
    return wire_tables.table(order, rows)


def context_of(order: str) -> bytes:
    return wire_dialects.system_context(order, aligned=False)


def raw_of(order: str, size: int) -> bytes:
    return wire.import_provenance(order, source_format=1, orig_file_size=size)


def physical_of(order: str, rows: Iterable[dict[str, Any]]) -> bytes:
    made = [wire_tables.physical_range(order, **row) for row in rows]
    return wire_tables.table(order, made)


def build_ids_of(order: str, rows: Iterable[dict[str, Any]]) -> bytes:
    return wire_tables.table(order, [wire_tables.build_id_row(order, **row) for row in rows])


def bytes_of(order: str, size: int = 24) -> bytes:
    return wire.opaque(size)


REGISTERS: list[dict[str, Any]] = [
    {"name": "rip", "value": BASE + 8, "flags": 1},
    {"name": "rsp", "value": BASE + 16, "flags": 2},
]

# -- files that conform --------------------------------------------------------------------------


def live(kind: Kind) -> Plan:
    """A live acquisition: two modules, a region, one in two fragments, a hint, a related dump."""
    plan = Plan(kind)
    plan.put("identity", wire.PROCESS_IDENTITY, wire.process_identity)
    rows = [
        {"module_uuid": plan.uuid("module"), "base_addr": 0x1000_0000},
        {"module_uuid": plan.uuid("other"), "base_addr": 0x2000_0000, "path": "/lib/c.so"},
    ]
    children = {"flags": wire.HAS_CHILDREN}
    plan.put("index", wire.MODULE_LIST_INDEX, index_of, rows=rows, fields=children)
    for name, row in zip(("module", "other"), rows):
        values = {key: value for key, value in row.items() if key != "module_uuid"}
        parent = {"parent_uuid": plan.uuid("index")}
        plan.put(name, wire.MODULE_ENTRY, wire.module_entry, fields=parent, **values)
    if kind.revised:
        plan.put("thread", wire.THREAD_CONTEXT, thread_of, registers=list(REGISTERS))
        others = {"thread_id": 4243, "flags": 0}
        plan.put("sleeper", wire.THREAD_CONTEXT, thread_of, registers=list(REGISTERS), **others)
    region = {"page_size_log2": 10, "base_addr": BASE}
    plan.put(
        "region",
        wire.MEMORY_REGION,
        wire.memory_region,
        states=[0, 1, 0, 2],
        fields={"flags": wire.HAS_KEY_HINTS},
        **region,
    )
    region["base_addr"] = BASE + 16 * KIB
    plan.put(
        "first", wire.MEMORY_REGION, wire.memory_region, states=[0, 0], fields=children, **region
    )
    region["base_addr"] += 2 * KIB
    part = {"flags": wire.CONTINUATION, "parent_uuid": plan.uuid("first")}
    plan.put("next", wire.MEMORY_REGION, wire.memory_region, states=[0, 1], fields=part, **region)
    plan.put("hint", wire.KEY_HINT, wire.key_hint, region_uuid=plan.uuid("region"))
    plan.put("related", wire.RELATED_DUMP, wire.related_dump)
    if kind.revised:
        plan.put("map", wire.VAS_MAP, map_of, rows=[{}, {"base_addr": BASE + 16 * KIB}])
    return plan


def imported(kind: Kind) -> Plan:
    """A converted ELF core with a Process Identity."""
    plan = Plan(kind, flags=1)
    plan.put("import", wire.IMPORT_PROVENANCE, wire.import_provenance)
    plan.put("identity", wire.PROCESS_IDENTITY, wire.process_identity)
    region = {"page_size_log2": 10, "states": [0, 1]}
    plan.put("region", wire.MEMORY_REGION, wire.memory_region, **region)
    plan.put("related", wire.RELATED_DUMP, wire.related_dump)
    return plan


def raw_stream(kind: Kind) -> Plan:
    """A converted raw byte stream."""
    plan = Plan(kind, flags=1, os_type=0xFFFF, arch_type=0xFFFF, pid=0)
    plan.put("import", wire.IMPORT_PROVENANCE, raw_of, size=2 * KIB - 100)
    region = {"page_size_log2": 10, "states": [0, 0], "base_addr": 0}
    plan.put("region", wire.MEMORY_REGION, wire.memory_region, **region)
    return plan


def investigation(kind: Kind) -> Plan:
    """A live acquisition in investigation mode (1.1)."""
    plan = live(kind)
    plan.header["flags"] = 2
    system = {"flags": wire.HAS_CHILDREN}
    plan.put("system", 0x0050, context_of, before="module", fields=system)
    parent = {"parent_uuid": plan.uuid("system")}
    plan.put("processes", wire_tables.PROCESS_TABLE, processes, before="module", fields=parent)
    rows: list[dict[str, Any]] = [{"start": 0, "end": 0xFFF}, {}]
    plan.put("physical", wire_tables.PHYSICAL_MEMORY_MAP, physical_of, before="map", rows=rows)
    rows = [{}, {"build_id_len": 16, "build_id": bytes(range(16)) + bytes(4)}]
    rows.append({"build_id_len": 0, "build_id_source": 0, "build_id": bytes(20)})
    ids = wire_tables.MODULE_BUILD_ID_MANIFEST
    plan.put("build ids", ids, build_ids_of, before="map", rows=rows)
    return plan


def encrypted(kind: Kind) -> Plan:
    """An encrypted file (1.1); what is behind its header is no ciphertext, which nobody sees."""
    plan = Plan(kind, flags=4, header_size=128, extension=wire.encryption_extension(kind.order))
    plan.put("identity", wire.PROCESS_IDENTITY, wire.process_identity)
    return plan


def extended(kind: Kind) -> Plan:
    """A live acquisition with two extension segments (1.1)."""
    plan = live(kind)
    plan.segments = [Tail({"late hint": late_hint(plan, "late hint")})]
    plan.segments.append(Tail({"graph": Spec(0x1003, bytes_of, {}, {})}))
    return plan


def late_hint(plan: Plan, name: str) -> Spec:
    """A Key Hint that somebody adds after the capture."""
    values = {"region_uuid": plan.uuid("first")}
    return Spec(wire.KEY_HINT, wire.key_hint, values, {"block_uuid": plan.uuid(name)})
