"""Valid samples of enumerations and flags: every registered code, every defined bit."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, islice
from typing import Any

from .base_plans import (
    CONNECTIVITY,
    MANIFESTS,
    TABLES,
    investigation,
    minimal,
    vas_map,
    with_regions,
)
from .payloads import (
    BASE,
    KIB,
    REGISTERS,
    identity,
    key_hint,
    module,
    provenance,
    region,
    related,
    thread,
)
from .plan import Form, Plan, since, uuid_of
from .single_blocks import one_row, row_name
from .valid import valid


def _names(form: Form, registry: str) -> list[str]:
    return [v.name for v in form.schema.enumerations[registry].values if not v.reserved]


def _bits(form: Form, word: str) -> list[str]:
    flags = form.schema.flags[word]
    return flags.names(flags.defined)


def _turns(form: Form, *registries: str) -> list[list[str]]:
    """Rows of codes, as many as the longest registry has, so that all of each occur."""
    names = [_names(form, registry) for registry in registries]
    rows = max(map(len, names))
    return [[each[row % len(each)] for each in names] for row in range(rows)]


@valid("codes", "failed")
def region_types(form: Form) -> Plan:
    """Every RegionType; every single bit of Protection, and none, and all."""
    bits = _bits(form, "Protection")
    words = [[], *([bit] for bit in bits), bits]
    kinds = _names(form, "RegionType")
    rows = [
        region(
            "F",
            BASE + (number << 20),
            protection=words[number % len(words)],
            region_type=kinds[number % len(kinds)],
        )
        for number in range(max(len(words), len(kinds)))
    ]
    return with_regions(form, *rows)


@valid("codes", "hints")
def key_codes(form: Form) -> Plan:
    """Every KeyType, Protocol, Confidence and KeyState."""
    plan = with_regions(form, region("C"))
    plan.fields("region", flags=["has_key_hints"])
    fields = ("key_type", "protocol", "confidence", "key_state")
    rows = _turns(form, "KeyType", "Protocol", "Confidence", "KeyState")
    for number, row in enumerate(rows):
        # Confidence and KeyState must not hold the same number in every hint.
        row[3] = _names(form, "KeyState")[(number + number // 3) % 3]
        hint = key_hint(
            "region", note=None, region_offset=hex(32 * number), **dict(zip(fields, row))
        )
        plan.put(f"hint {number}", "key_hint", hint)
    return plan


@valid("codes", "rel24")
def relationships(form: Form) -> Plan:
    """Every Relationship, in Related Dumps of 24 bytes."""
    plan = minimal(form)
    for number, name in enumerate(_names(form, "Relationship")):
        other = related(
            related_dump_uuid=uuid_of(f"dump {number}"),
            related_pid=0xA1B2_C300 + number,
            relationship=name,
        )
        plan.put(f"related {number}", "related_dump", other)
    return plan


@valid("rel56", forms=since("draft-2026-10"))
def related_with_hash(form: Form) -> Plan:
    """A Related Dump of 56 bytes, with the other file's FileHash."""
    plan = minimal(form)
    plan.put("related", "related_dump", related(target_hash=bytes(range(0x80, 0xA0)).hex()))
    return plan


for _source in ("unknown", "raw_byte_stream", "elf_core", "windows_minidump", "macos_core",
                "procdump", "other"):  # fmt: skip

    @valid(
        "import",
        name=f"import-{_source.replace('_', '-')}",
        shows=f"An import of the source format {_source.replace('_', ' ')}.",
    )
    def import_of(form: Form, source: str = _source) -> Plan:
        plan = Plan(form, flags=["imported"])
        raw = source == "raw_byte_stream"
        if raw:
            plan.header.update(os_type="unknown", arch_type="unknown", pid=0)
        origin = provenance(source_format=source, orig_file_size=3 * KIB, note="abc")
        plan.put("import", "import_provenance", origin)
        base = 0 if raw else BASE
        states = "CCC" if raw else "CFU"
        plan.put("region", "memory_region", region(states, base, timestamp="0"))
        return plan


@valid("import")
def import_with_identity(form: Form) -> Plan:
    """An import whose source names the process: its identity stands behind the provenance."""
    plan = Plan(form, flags=["imported"])
    origin = provenance(source_format="windows_minidump", tool_name="konverter \u2192 msl")
    plan.put("import", "import_provenance", origin)
    plan.put("identity", "process_identity", identity(session_id=0, ppid=0, start_time="0"))
    return plan


def _distinct() -> Iterator[int]:
    """Numbers of eight bytes that have no two bytes alike, each from other bytes."""
    for first in count(129, 8):
        yield int.from_bytes(bytes((first + i) % 256 for i in range(8)), "big")


@valid("codes", "threads", forms=since("draft-2026-10"))
def thread_codes(form: Form) -> Plan:
    """Every ThreadState, every bit of a thread's Flags, another Arch than the header's."""
    plan = minimal(form)
    bits = _bits(form, "ThreadFlags")
    states = _names(form, "ThreadState")
    numbers = _distinct()
    for number, state in enumerate(states):
        plan.put(
            f"thread {number}",
            "thread_context",
            thread(
                next(numbers),
                thread_state=state,
                flags=[bits[number]] if number < len(bits) else [],
                arch=number,
                start_time=str(next(numbers)),
                thread_name=f"t{number}" * number or None,
            ),
        )
    return plan


@valid("codes", "threads", forms=since("draft-2026-10"))
def register_widths(form: Form) -> Plan:
    """Registers of 1, 2, 4, 8, 10, 16, 32 and 64 bytes; every bit of a register's Flags."""
    plan = minimal(form)
    widths = (1, 2, 4, 8, 10, 16, 32, 64)
    bits = [bit for bit in _bits(form, "RegisterFlags") if bit not in ("pc", "sp")]
    more = [
        {
            "name": f"r{width}",
            "width": width,
            "flags": [bits[number]] if number < len(bits) else [],
            "value": "0x" + bytes((16 * number + i) % 256 for i in range(width, 0, -1)).hex(),
        }
        for number, width in enumerate(widths)
    ]
    registers = [*REGISTERS, *more]
    plan.put("thread", "thread_context", thread(4242, flags=["current"], registers=registers))
    return plan


@valid("codes", "vas", forms=since("draft-2026-10"))
def mapping_codes(form: Form) -> Plan:
    """A VAS Map with every RegionType, every NameSource and every bit of Protection."""
    plan = minimal(form)
    bits = _bits(form, "Protection")
    rows = _turns(form, "RegionType", "NameSource")
    numbers = _distinct()
    entries = [
        {
            "base_addr": hex(next(numbers)),
            "region_size": next(numbers),
            "protection": bits[: number + 1][-1:],
            "region_type": kind,
            "name_source": source,
            "mapped_path": None if source == "unspecified" else f"/map/{number}",
        }
        for number, (kind, source) in enumerate(rows)
    ]
    plan.put("map", "vas_map", {"entries": entries})
    return plan


@valid("vas", forms=since("draft-2026-10"))
def mappings_of_one_size(form: Form) -> Plan:
    """A VAS Map whose EntrySize says 40 bytes for every entry, whatever their paths take."""
    plan = minimal(form)
    rows = [
        {"base_addr": hex(BASE), "region_size": KIB, "mapped_path": "a long one"},
        {"base_addr": hex(BASE + KIB), "region_size": KIB, "mapped_path": "nearly 16 long"},
    ]
    plan.put("map", "vas_map", {"entry_size": 40, "entries": rows})
    return plan


@valid("vas", forms=since("draft-2026-10"))
def mappings_twice(form: Form) -> Plan:
    """Two VAS Maps: the last one counts."""
    plan = minimal(form)
    plan.put("map", "vas_map", {"entries": []})
    plan.put("map 2", "vas_map", vas_map())
    return plan


@valid("codes", "tables", "investigation", forms=since("draft-2026-10"))
def table_codes(form: Form) -> Plan:
    """The investigation's tables with every code, and numbers that have no two bytes alike."""
    plan = investigation(form)
    numbers = _distinct()
    process = {
        **TABLES["process_table"]["entries"][0],
        "pid": 0xC1C2_C3C4,
        "ppid": 0xD1D2_D3D4,
        "uid": 0xE1E2_E3E4,
        "start_time": str(next(numbers)),
        "rss": next(numbers),
    }
    plan.values("process_table", entries=[process])
    connection = {
        **TABLES["connection_table"]["entries"][0],
        "pid": 0xA1A2_A3A4,
        "local_addr": bytes(range(0x30, 0x40)).hex(),
        "remote_addr": bytes(range(0x50, 0x60)).hex(),
        "local_port": 0xB1B2,
        "remote_port": 0xB3B4,
    }
    families = _turns(form, "AddressFamily", "TransportProtocol")
    plan.values(
        "connection_table",
        entries=[
            {**connection, "family": family, "protocol": protocol, "state": 11 - number}
            for number, (family, protocol) in enumerate(families)
        ],
    )
    handles = [
        {"pid": 0x9192_9394 + n, "fd": 0x8182_8384, "handle_type": n << 8 | n, "path": "/h" * n}
        for n in range(1, 6)
    ]
    plan.values("handle_table", entries=handles)
    rows = [{"row_type": kind, "body": _numbered(body, numbers)} for kind, body in CONNECTIVITY]
    plan.values("connectivity_table", rows=rows)
    return plan


def _numbered(body: dict[str, Any], numbers: Iterator[int]) -> dict[str, Any]:
    """A row with other numbers: as many bytes of a distinct one as its field has."""
    widths = {"flags": 2, "metric": 4, "mtu": 4, "hw_type": 2, "pid": 4, "proto": 2, "prefix": 1}
    widths |= {"if_index": 4, "user": 4, "in_use": 4, "alloc": 4, "family": 1}
    return {
        key: next(numbers) >> 64 - 8 * widths.get(key, 8) if isinstance(value, int) else value
        for key, value in body.items()
    }


@valid("codes", "tables", forms=since("draft-2026-10"))
def manifest_codes(form: Form) -> Plan:
    """The manifests with every code and every bit, and numbers that have no two bytes alike."""
    plan = minimal(form)
    numbers = _distinct()
    ranges = [
        {"start": hex(first), "end_addr": hex(first + 0xFFF), "label": label}
        for first, label in zip(islice(numbers, 3), ("System RAM", "", "PCI Bus 0000:00"))
    ]
    plan.put("ranges", "physical_memory_map", {"entries": [*ranges[:1], *ranges[2:]]})
    bits = _bits(form, "BuildIdFlags")
    build_id = bytes(range(0x21, 0x35)).hex()
    ids = [
        {
            "base_addr": hex(next(numbers)),
            "build_id_len": 0 if source == "none" else (16, 20)[number % 2],
            "build_id_source": source,
            "flags": bits[number : number + 1],
            "build_id": ("" if source == "none" else build_id[: (32, 40)[number % 2]]).ljust(
                40, "0"
            ),
            "disk_hash": bytes((number + i) % 256 for i in range(32)).hex(),
        }
        for number, source in enumerate(_names(form, "BuildIdSource"))
    ]
    plan.put("ids", "module_build_id_manifest", {"entries": ids})
    rows = _turns(form, "RegionType", "OmissionReason")
    protection = _bits(form, "Protection")
    omitted = [
        {
            "base_addr": hex(next(numbers)),
            "region_size": next(numbers),
            "protection": protection[number : number + 1],
            "region_type": kind,
            "reason": reason,
            "name": "n" * number or None,
        }
        for number, (kind, reason) in enumerate(rows)
    ]
    manifest = {"scope": "heap", "patterns": "*.so", "entries": omitted}
    plan.put("omitted", "region_omission_manifest", manifest)
    return plan


for _kind, _body in CONNECTIVITY:

    @valid(
        "tables",
        "investigation",
        forms=since("draft-2026-10"),
        name=row_name(_kind),
        shows=f"A Connectivity Table with one row, of the kind {_kind.replace('_', ' ')}.",
    )
    def row_of(form: Form, kind: str = _kind) -> Plan:
        return one_row(kind, form)


@valid("tables", "investigation", forms=since("draft-2026-10"))
def tables_empty(form: Form) -> Plan:
    """The investigation's tables and the manifests without a row."""
    plan = investigation(form)
    plan.drop("process_table")
    for name in ("connection_table", "handle_table", *MANIFESTS):
        plan.values(name, entries=[])
    plan.values("connectivity_table", rows=[])
    return plan


@valid("modules")
def module_without_path(form: Form) -> Plan:
    """A module whose path is not known, the last of the list: PathLen 0, no byte stored."""
    plan = minimal(form)
    nowhere = {"base_addr": hex(BASE), "module_size": 0x1000, "path": None}
    plan.values("index", entries=[{"module_uuid": uuid_of("module"), **nowhere}])
    plan.fields("index", flags=["has_children"])
    plan.put("module", "module_entry", module(0, **nowhere), parent_uuid=plan.uuid("index"))
    return plan
