"""Rules that follow from the schema: each kind fires on a file made by hand with just that fault.

Payloads come from the independent writer; the ids, the fields and the offsets are read off the
drafts' tables.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import facts
import pytest
from independent import gallery, wire, wire_tables
from independent.specimens import BE10, LE10, LE11, Kind, finish, one, start
from independent.wire import Text

import msl_construct
from msl_construct.drafts import DRAFTS
from msl_construct.rules import Scope, check, every_rule, rules_for
from msl_construct.rules import faults as rule_faults
from msl_construct.rules.defect_kinds import KINDS
from msl_construct.rules.derived import Derived, derived
from msl_construct.schema import ByteOrder

DRAFT_NAMES = (facts.DRAFT_03, facts.DRAFT_10)
PAYLOAD = 64 + 80  # where the first block's payload begins
BEYOND = wire.uuid4(1)[:6] + b"\x10" + wire.uuid4(1)[7:]  # version 1


def derived_findings(data: bytes, **options: Any) -> list[tuple[str, int | None, str]]:
    """Id, offset and field of what derived rules find."""
    with msl_construct.open(data, **options) as dump:
        return [(f.rule.id, f.found.offset, f.found.field) for f in check(dump) if f.rule.derived]


# -- one fault each ----------------------------------------------------------------------------


class Case(NamedTuple):
    """A file's first block, and the only finding of derived rules."""

    kind: Kind
    block: int
    payload: bytes
    rule: str
    offset: int
    field: str
    header: dict[str, Any] = {}


def region(kind: Kind, states: Any = (0, 1), **fields: Any) -> bytes:
    return wire.memory_region(kind.order, states, page_size_log2=10, **fields)


def payload_cases(kind: Kind) -> Iterator[Case]:
    """Both drafts, both byte orders."""
    o = kind.order
    identity, index, module = wire.PROCESS_IDENTITY, wire.MODULE_LIST_INDEX, wire.MODULE_ENTRY
    area, hint, related = wire.MEMORY_REGION, wire.KEY_HINT, wire.RELATED_DUMP

    def case(block: int, payload: bytes, rule: str, offset: int, field: str, **h: Any) -> Case:
        return Case(kind, block, payload, rule, offset, field, h)

    good = wire.process_identity(o)
    yield case(
        identity,
        good,
        "MSL-4.1-BLOCK-HEADER-RESERVED-NOT-ZERO",
        64 + 0xE,
        "reserved",
        reserved=0x0100,
    )
    yield case(identity, good, "MSL-4.2-BLOCK-HEADER-UNDEFINED-FLAG", 64 + 6, "flags", flags=1 << 9)
    yield case(
        identity,
        good,
        "MSL-4.1-BLOCK-HEADER-VALUE-NOT-PERMITTED",
        64 + 0xC,
        "payload_version",
        payload_version=2,
    )
    yield case(
        identity,
        good,
        "MSL-4.1-BLOCK-HEADER-UUID-NIL",
        64 + 0x10,
        "block_uuid",
        block_uuid=bytes(16),
    )
    yield case(
        identity,
        good,
        "MSL-4.1-BLOCK-HEADER-UUID-NOT-VERSION-4",
        64 + 0x10,
        "block_uuid",
        block_uuid=BEYOND,
    )
    yield case(
        identity,
        good,
        "MSL-4.1-BLOCK-HEADER-UUID-NOT-VERSION-4",
        64 + 0x20,
        "parent_uuid",
        parent_uuid=BEYOND,
    )
    yield case(
        area,
        region(kind, reserved=b"\0\0\0\0\1"),
        "MSL-5.1-MEMORY-REGION-RESERVED-NOT-ZERO",
        PAYLOAD + 0x13,
        "reserved",
    )
    yield case(
        area,
        region(kind, protection=0x21),
        "MSL-5.1-MEMORY-REGION-UNDEFINED-FLAG",
        PAYLOAD + 0x10,
        "protection",
    )
    yield case(
        area,
        region(kind, region_type=7),
        "MSLX-5.1-MEMORY-REGION-UNREGISTERED-CODE",
        PAYLOAD + 0x11,
        "region_type",
    )
    bad_size = wire.memory_region(o, (1, 1), page_size_log2=9)
    yield case(
        area,
        bad_size,
        "MSL-5.1-MEMORY-REGION-VALUE-NOT-PERMITTED",
        PAYLOAD + 0x12,
        "page_size_log2",
    )
    # Page states are §6 of the first draft; what the second put in there made them §7.
    states = f"MSL-{7 if kind.revised else 6}-MEMORY-REGION"
    odd_map = wire.memory_region(o, region_size=5 << 12, page_state_map=b"\x55\x40\0\0\0\0\1\0")
    yield case(area, odd_map, f"{states}-PADDING-NOT-ZERO", PAYLOAD + 0x20 + 6, "page_state_map")
    odd_bits = wire.memory_region(o, region_size=5 << 12, page_state_map=b"\x55\x41" + bytes(6))
    yield case(area, odd_bits, f"{states}-PADDING-NOT-ZERO", PAYLOAD + 0x20 + 1, "page_state_map")
    short = wire.memory_region(o, region_size=33 << 12, page_state_map=b"\x55" * 15)
    yield case(area, short, f"{states}-PAGE-MAP-TOO-LARGE", PAYLOAD + 0x20, "page_state_map")
    for size in (1023, 1025):
        yield case(
            area,
            region(kind, page_data=bytes(size)),
            "MSL-5.1-MEMORY-REGION-PAGE-DATA-LENGTH",
            PAYLOAD + 0x28,
            "page_data",
        )
    yield case(
        area, region(kind)[:0x14], "MSL-5.1-MEMORY-REGION-TOO-SHORT", PAYLOAD + 0x13, "reserved"
    )
    entries = [wire.index_entry(o), wire.index_entry(o, module_uuid=wire.uuid4(7))]
    length = len(entries[0])
    table = wire.module_list_index(o, entries, entry_count=3)
    yield case(
        index,
        table,
        "MSL-5.3-MODULE-LIST-INDEX-COUNT-TOO-LARGE",
        PAYLOAD + 8 + 2 * length,
        "entries[2].module_uuid",
    )
    table = wire.module_list_index(o, entries, entry_count=1)
    yield case(
        index, table, "MSL-5.3-MODULE-LIST-INDEX-SURPLUS-BYTES", PAYLOAD + 8 + length, "rest"
    )
    table = wire.module_list_index(o, entries, reserved=1)
    yield case(index, table, "MSL-5.3-MODULE-LIST-INDEX-RESERVED-NOT-ZERO", PAYLOAD + 4, "reserved")
    for fault, field, at, value in (
        ("RESERVED-NOT-ZERO", "reserved2", 0x24, {"reserved2": 5}),
        ("UUID-NIL", "module_uuid", 0, {"module_uuid": bytes(16)}),
        ("UUID-NOT-VERSION-4", "module_uuid", 0, {"module_uuid": BEYOND}),
        ("STRING-NOT-TERMINATED", "path", 0x28, {"path": b"abc"}),
        ("STRING-HAS-NUL", "path", 0x28, {"path": b"a\0c\0"}),
        ("STRING-NOT-UTF-8", "path", 0x28, {"path": b"caf\xe9\0"}),
        ("PADDING-NOT-ZERO", "path", 0x28 + 5, {"path": Text(b"abc\0", padding=b"\0\1\0\0")}),
        ("LENGTH-TOO-LARGE", "path", 0x28, {"path": Text(b"abc\0", length=9)}),
    ):
        table = wire.module_list_index(o, [entries[0], wire.index_entry(o, **value)])
        yield case(
            index,
            table,
            f"MSL-5.3-MODULE-LIST-ENTRY-{fault}",
            PAYLOAD + 8 + length + at,
            f"entries[1].{field}",
        )
    blob = wire.module_entry(o, path="/a", native_blob=b"abc", blob_padding=b"\0\0\0\0\7")
    yield case(
        module,
        blob,
        "MSL-5.2-MODULE-ENTRY-PADDING-NOT-ZERO",
        PAYLOAD + 0x18 + 8 + 32 + 8 + 7,
        "native_blob",
    )
    without = wire.module_entry(o, path="/a")[:-8]
    yield case(
        module, without, "MSL-5.2-MODULE-ENTRY-TOO-SHORT", PAYLOAD + 0x18 + 8 + 32, "blob_len"
    )
    yield case(
        hint,
        wire.key_hint(o, key_state=3),
        "MSLX-5.6-KEY-HINT-UNREGISTERED-CODE",
        PAYLOAD + 0x21,
        "key_state",
    )
    # Zeros up to a multiple of 8 are no fault; any other byte, and any other number, is.
    bare = wire.key_hint(o, note=None)
    yield case(hint, bare + bytes(12), "MSL-5.6-KEY-HINT-SURPLUS-BYTES", PAYLOAD + 0x2C, "rest")
    yield case(hint, bare + b"\0\0\0\1", "MSL-5.6-KEY-HINT-SURPLUS-BYTES", PAYLOAD + 0x2C, "rest")
    yield case(hint, bare + bytes(3), "MSL-5.6-KEY-HINT-SURPLUS-BYTES", PAYLOAD + 0x2C, "rest")
    for fault, uuid in (("UUID-NIL", bytes(16)), ("UUID-NOT-VERSION-4", BEYOND)):
        yield case(
            related,
            wire.related_dump(o, related_dump_uuid=uuid),
            f"MSL-5.5-RELATED-DUMP-{fault}",
            PAYLOAD,
            "related_dump_uuid",
        )


def first_draft_cases() -> Iterator[Case]:
    for kind in (LE10, BE10):
        body = region(kind, (0, 3, 3, 1))
        yield Case(
            kind,
            wire.MEMORY_REGION,
            body,
            "MSL-6-MEMORY-REGION-RESERVED-PAGE-STATE",
            PAYLOAD + 0x20,
            "page_state_map",
        )


def revised_cases() -> Iterator[Case]:
    o = LE11.order
    vas, thread, tables = wire.VAS_MAP, wire.THREAD_CONTEXT, wire_tables

    def case(block: int, payload: bytes, rule: str, offset: int, field: str) -> Case:
        return Case(LE11, block, payload, rule, offset, field)

    row = wire.vas_entry(o, mapped_path=None)
    yield case(
        vas,
        wire.vas_map(o, [row], entry_size=16),
        "MSL-5.8-VAS-MAP-ENTRY-SIZE-TOO-SMALL",
        PAYLOAD + 8 + 0x10,
        "entries[0].protection",
    )
    yield case(
        vas,
        wire.vas_map(o, [row], count=2, entry_size=24),
        "MSL-5.8-VAS-MAP-COUNT-TOO-LARGE",
        PAYLOAD + 8 + 24,
        "entries[1]",
    )
    named = wire.vas_entry(o, mapped_path="/a")
    yield case(
        vas,
        wire.vas_map(o, [named], entry_size=24),
        "MSL-5.8-VAS-MAP-ENTRY-LENGTH-TOO-LARGE",
        PAYLOAD + 8 + 24,
        "entries[0].mapped_path",
    )
    value = wire.register(o, "cs", 0x33, width=2, value_padding=b"\0\0\0\0\0\1")
    body = wire.thread_context(o, [value], thread_name=None)
    yield case(
        thread,
        body,
        "MSL-5.7-REGISTER-PADDING-NOT-ZERO",
        PAYLOAD + 0x20 + 8 + 8 + 7,
        "registers[0].value",
    )
    route = wire_tables.ipv4_route(o)
    for fault, length, offset, field in (
        ("BODY-TOO-LONG", len(route) + 2, 3, "rows[0].body.rest"),
        ("BODY-TOO-SHORT", len(route) - 4, 3 + len(route) - 4, "rows[0].body.mtu"),
    ):
        stored = route.ljust(length, b"\xee")[:length]
        table = tables.table(o, [tables.connectivity_row(o, 1, stored)])
        yield case(
            tables.CONNECTIVITY_TABLE,
            table,
            f"MSL-6-CONNECTIVITY-ROW-{fault}",
            PAYLOAD + 8 + offset,
            field,
        )
    table = tables.table(o, [tables.connectivity_row(o, 1, route, row_len=len(route) + 1)])
    yield case(
        tables.CONNECTIVITY_TABLE,
        table,
        "MSL-6-CONNECTIVITY-ROW-LENGTH-TOO-LARGE",
        PAYLOAD + 8 + 3,
        "rows[0].body",
    )
    yield case(
        tables.CONNECTIVITY_TABLE,
        tables.table(o, [tables.connectivity_row(o, 99, b"abc")]),
        "MSLX-6-CONNECTIVITY-ROW-UNREGISTERED-CODE",
        PAYLOAD + 8,
        "rows[0].row_type",
    )
    broken = tables.table(
        o, [tables.connectivity_row(o, 5, tables.interface_counters(o, iface=b"\xff"))]
    )
    yield case(
        tables.CONNECTIVITY_TABLE,
        broken,
        "MSL-6-INTERFACE-COUNTERS-STRING-NOT-UTF-8",
        PAYLOAD + 8 + 3 + 2,
        "rows[0].body.iface",
    )


CASES = [
    *(case for kind in (LE10, BE10, LE11) for case in payload_cases(kind)),
    *first_draft_cases(),
    *revised_cases(),
]


@pytest.mark.parametrize(
    "case", CASES, ids=lambda case: f"{case.kind.name}-{case.rule}-{case.field}-{case.offset:x}"
)
def test_one_fault_one_finding(case: Case) -> None:
    data = one(case.kind, case.block, case.payload, **case.header)
    assert derived_findings(data) == [(case.rule, case.offset, case.field)]


HEADERS: dict[str, tuple[Kind, dict[str, Any], tuple[str, int, str]]] = {
    "reserved-10": (LE10, {"reserved": b"\0\1\0\0\0\0\0"}, ("RESERVED-NOT-ZERO", 57, "reserved")),
    "reserved-11": (LE11, {"reserved": b"\0\1"}, ("RESERVED-NOT-ZERO", 0x3E, "reserved")),
    "flag": (BE10, {"flags": 2}, ("UNDEFINED-FLAG", 0x0C, "flags")),
    "flag-11": (LE11, {"flags": 16}, ("UNDEFINED-FLAG", 0x0C, "flags")),
    "capability": (LE10, {"cap_bitmap": 1 << 11}, ("UNDEFINED-FLAG", 0x10, "cap_bitmap")),
    "nil": (LE10, {"dump_uuid": bytes(16)}, ("UUID-NIL", 0x18, "dump_uuid")),
    "version-1": (LE10, {"dump_uuid": BEYOND}, ("UUID-NOT-VERSION-4", 0x18, "dump_uuid")),
    "os": (BE10, {"os_type": 0x00FF}, ("RESERVED-CODE", 0x30, "os_type")),
    "architecture": (LE10, {"arch_type": 0x000C}, ("RESERVED-CODE", 0x32, "arch_type")),
    "clock": (LE11, {"clock_source": 5}, ("RESERVED-CODE", 0x38, "clock_source")),
    "hash": (LE11, {"hash_algo": 3}, ("UNREGISTERED-CODE", 0x3D, "hash_algo")),
    "size": (LE10, {"header_size": 72}, ("VALUE-NOT-PERMITTED", 0x09, "header_size")),
    "minor": (LE11, {"version": 0x0102}, ("VALUE-NOT-PERMITTED", 0x0A, "version")),
}  # fmt: skip


@pytest.mark.parametrize("name", HEADERS)
def test_one_fault_in_the_file_header(name: str) -> None:
    kind, fields, (fault, offset, field) = HEADERS[name]
    data = finish(start(kind, **fields), kind)
    prefix = "MSLX" if fault == "UNREGISTERED-CODE" else "MSL"
    assert derived_findings(data) == [(f"{prefix}-3-FILE-HEADER-{fault}", offset, field)]


def test_big_endian_is_a_value_that_version_1_1_does_not_permit() -> None:
    kind = Kind("11-be", ">", wire.V11)
    found = derived_findings(finish(start(kind), kind))
    assert found == [("MSL-3-FILE-HEADER-VALUE-NOT-PERMITTED", 8, "endianness")]


def test_an_encrypted_file_is_judged_by_its_headers() -> None:
    extension = wire.encryption_extension(reserved2=1, enc_algo=7)
    builder = start(LE11, flags=4, header_size=128, extension=extension, reserved=b"\1\0")
    builder.raw(wire.opaque(300))
    assert derived_findings(builder.data()) == [
        ("MSL-3-FILE-HEADER-RESERVED-NOT-ZERO", 0x3E, "reserved"),
        ("MSLX-3-ENCRYPTION-HEADER-UNREGISTERED-CODE", 0x40, "encryption.enc_algo"),
        ("MSL-3-ENCRYPTION-HEADER-RESERVED-NOT-ZERO", 0x40 + 0x0D, "encryption.reserved2"),
    ]


@pytest.mark.parametrize("codec", ["zstd", "lz4"])
def test_a_fault_inside_a_compressed_payload(codec: str) -> None:
    """No byte of the file is the faulty one: the offset is that of the stored payload."""
    builder = start(LE11)
    body = wire.process_identity("<", reserved=7)
    builder.add(wire.PROCESS_IDENTITY, body, compression=codec)
    data = finish(builder, LE11)
    rule = "MSL-5.4-PROCESS-IDENTITY-RESERVED-NOT-ZERO"
    assert derived_findings(data) == [(rule, PAYLOAD, "reserved")]
    with msl_construct.open(data) as dump:
        (text,) = [f.found.text for f in check(dump) if f.rule.id == rule]
    assert "0x14 of the inflated payload" in text


def test_a_text_says_where_what_was_expected_and_what_was_found() -> None:
    data = one(LE10, wire.PROCESS_IDENTITY, wire.process_identity("<", reserved=7))
    with msl_construct.open(data) as dump:
        (finding,) = [f for f in check(dump) if f.rule.derived]
    assert finding.found.text == (
        "block 0 (process_identity) at 0x40: reserved: expected zero, found 07000000"
    )
    assert finding.found.block == 0


def test_a_long_value_is_not_printed_whole() -> None:
    text = b"\xff" * 5000 + b"\0"
    data = one(LE10, wire.PROCESS_IDENTITY, wire.process_identity("<", exe_path=text))
    map_ = wire.memory_region("<", region_size=1 << 12, page_state_map=b"\x7f" * 8)
    for file in (data, one(LE10, wire.MEMORY_REGION, map_)):
        with msl_construct.open(file) as dump:
            assert all(len(f.found.text) < 400 for f in check(dump))


# -- silence -----------------------------------------------------------------------------------

UNDAMAGED = re.compile(
    r"(capture|fragments|hints-good|imported-(raw|identity)|index-many|many-blocks|module-blobs"
    r"|numbers|duplicate-uuids|file-hash-wrong|block-chain-broken|no-end|trailing|truncated"
    r"|header-(os-000[0-9]|os-0100|os-ffff|os-fffe|clock-0[0-4]|clock-ff|pid|count)"
    r"|header-arch-(000[0-9ab]|0100|ffff|fffe)|header-hash-(blake3|sha)|header-and-end"
    r"|string-(absent|empty|one|seven|eight|fifteen|long|non-ascii|quotes|spaces|windows|bom)"
    r"|(plain|packed)-string-(absent|one|seven|eight|nine|long|non-ascii|quotes|spaces|bom)"
    r"|region-(all-(captured|failed|unmapped)|base|size|many-pages|log2-[1-4]\d-)"
    r"|map-(figure-8|full-word)|table-[a-z]|typical-|segments-2-(blake3|sha)|segment-allowed-types"
    r"|(identity|module|index|hint|import|related)-(zstd|lz4)|zeros-(zstd|lz4)"
    r"|investigation|tables-padded|behind-end|thread-arches|register-widths|processes-many"
    r"|unaligned|everything-11|region-\d\d-|connectivity-(every|numbers|\d))"
)
DOUBTFUL = re.compile(r"region-log2-41|segments-2-header|table-empty|.*-all-flags-")


def undamaged() -> list[tuple[str, bytes]]:
    files = [
        (name, data)
        for name, data in gallery.files()
        if UNDAMAGED.match(name) and not DOUBTFUL.match(name)
    ]
    assert len(files) > 600
    return files


def test_silent_on_undamaged_files() -> None:
    found = {name: derived_findings(data) for name, data in undamaged()}
    assert {name: rows for name, rows in found.items() if rows} == {}


def test_all_rules_can_fire() -> None:
    """On some file of the gallery, or one of the cases above: none is listed in vain.

    Those that take a key to see have tests of their own.
    """
    fired = {case.rule for case in CASES}
    for _, data in gallery.files():
        fired.update(rule for rule, _, _ in derived_findings(data))
    seen = (r for r in every_rule(DRAFT_NAMES) if r.derived and r.scope is not Scope.SEALED)
    assert {r.id for r in seen} - fired == set(), (
        "the gallery has no block that can break them: a new one's bytes stand in "
        "tests/independent/blocks/, and its texts there are of lengths that need padding"
    )


def test_nothing_odd_is_let_pass() -> None:
    """Every file of the gallery that is odd by its declaration alone has a finding."""
    odd = re.compile(r"(cut|extra|lying|reserved|module-without-blob|map-padding|region-data)-")
    whole = re.compile(r"cut-(end-4[0-9]-11|related-hash)|reserved-end-10")
    for name, data in gallery.files():
        if odd.match(name) and not whole.match(name):
            assert derived_findings(data), name


# -- the rules themselves --------------------------------------------------------------------------


def test_every_kind_has_a_case() -> None:
    fired = {case.rule for case in CASES} | {
        f"-{fault}" for _, _, (fault, _, _) in HEADERS.values()
    }
    assert [kind for kind in KINDS if not any(rule.endswith(f"-{kind}") for rule in fired)] == []


@pytest.mark.parametrize("draft", DRAFT_NAMES)
def test_each_rule_says_everything(draft: str) -> None:
    rules = derived(DRAFTS[draft].bound(ByteOrder.LITTLE))
    assert len({rule.id for rule in rules}) == len(rules)
    for rule in rules:
        assert re.fullmatch(r"MSLX?-[0-9.]+-[A-Z0-9-]+", rule.id)
        assert rule.id.split("-")[1] == rule.section.removeprefix("§")
        assert rule.id.startswith("MSLX") == (rule.level.value == "ours")
        assert draft in rule.drafts
        assert rule.derived
        assert rule.who
        for text in (rule.requirement, rule.wrong, rule.why):
            assert re.fullmatch(r"[A-Z].*[.]", text), text
            assert "{" not in text


def test_every_problem_of_the_schema_is_known() -> None:
    """A problem that the schema learns to see must become a rule, or be set aside on purpose."""
    said = set()
    for file in (Path(msl_construct.__file__).parent / "schema").glob("**/*.py"):
        said.update(re.findall(r'Problem\(\s*"([a-z0-9-]+)"', file.read_text("utf-8")))
    said |= {"nil-uuid", "uuid-not-version-4"}  # chosen between before it is made
    known = {*rule_faults.SAME, *rule_faults.REFINED, *rule_faults.FOLLOWS}
    assert said == known


def test_a_rule_alone_finds_what_all_together_find() -> None:
    for case in CASES[::3]:
        data = one(case.kind, case.block, case.payload, **case.header)
        with msl_construct.open(data, dialect="none") as dump:
            together = [(f.rule.id, f.found) for f in check(dump) if f.rule.derived]
            alone = []
            for rule in rules_for(dump.draft):
                if isinstance(rule.find, Derived):
                    subjects = {
                        Scope.HEADER: [dump.header],
                        Scope.BLOCK: list(dump.blocks),
                        Scope.SEALED: list(dump.seal_headers()),
                    }[rule.scope]
                    alone += [(rule.id, found) for one_ in subjects for found in rule.find(one_)]
        assert alone == together
