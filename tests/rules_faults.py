"""One fault each: what is done to a conformant file so that it breaks just one written rule.

Each function bends a plan, and says where the fault then is: a block's name and the offset
within it, by the drafts' tables.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from independent import wire
from independent.specimens import KINDS, LE11, Kind
from rules_files import (
    END,
    Plan,
    Spec,
    Tail,
    bytes_of,
    index_of,
    investigation,
    late_hint,
    live,
    processes,
)

BLOCK_TYPE, FLAGS, LENGTH, UUID, PARENT, PREV_HASH, PAYLOAD = 4, 6, 8, 0x10, 0x20, 0x30, 0x50

Where = tuple[str, int]


@dataclass(frozen=True)
class Fault:
    """A way to break a rule."""

    rule: str
    name: str
    base: Callable[[Kind], Plan]
    bend: Callable[[Plan], Where]
    kinds: tuple[Kind, ...]

    def file(self, kind: Kind) -> tuple[bytes, int]:
        """The file, and the offset of the fault in it."""
        plan = self.base(kind)
        where, offset = self.bend(plan)
        data = plan.build()
        return data, plan.offsets[where] + offset


FAULTS: list[Fault] = []

ALL = KINDS
FORMAT_10 = tuple(kind for kind in KINDS if not kind.revised)
FORMAT_11 = (LE11,)


def fault(
    rule: str, kinds: tuple[Kind, ...] = ALL, base: Callable[[Kind], Plan] = live
) -> Callable[[Callable[[Plan], Where]], Callable[[Plan], Where]]:
    def noted(bend: Callable[[Plan], Where]) -> Callable[[Plan], Where]:
        FAULTS.append(Fault(rule, bend.__name__, base, bend, kinds))
        return bend

    return noted


# -- the file header -------------------------------------------------------------------------------


@fault("MSL-3-HEADER-SIZE-NOT-AS-ENCRYPTED", FORMAT_11)
def header_128_without_encryption(plan: Plan) -> Where:
    plan.header["header_size"] = 128
    return "header", 9


@fault("MSL-3-HEADER-SIZE-NOT-AS-ENCRYPTED", FORMAT_11)
def header_64_with_encryption(plan: Plan) -> Where:
    plan.header["flags"] = 4
    return "header", 9


@fault("MSLX-3-HASH-ALGORITHM-PRIVATE", FORMAT_11)
def hash_of_ones_own(plan: Plan) -> Where:
    plan.header["hash_algo"] = 0xFF
    return "header", 0x3D


# -- block types and flags -------------------------------------------------------------------------


@fault("MSL-4.3-BLOCK-TYPE-INVALID")
def type_zero(plan: Plan) -> Where:
    plan.put("zero", 0x0000, bytes_of, before="related")
    return "zero", BLOCK_TYPE


@fault("MSL-4.3-BLOCK-TYPE-FORBIDDEN", FORMAT_11)
def type_without_payload(plan: Plan) -> Where:
    plan.put("forbidden", 0x0012, bytes_of, before="related")
    plan.header["cap_bitmap"] = plan.cap_bitmap | 1 << 3
    return "forbidden", BLOCK_TYPE


@fault("MSLX-4.3-BLOCK-TYPE-UNREGISTERED")
def type_unknown(plan: Plan) -> Where:
    plan.put("unknown", 0x2345, bytes_of, before="related")
    return "unknown", BLOCK_TYPE


@fault("MSL-4.2-COMP-ALGO-WITHOUT-COMPRESSED")
def codec_of_nothing(plan: Plan) -> Where:
    plan.fields("related", flags=wire.ZSTD)
    return "related", FLAGS


@fault("MSL-4.2-COMPRESSED-WITHOUT-COMP-ALGO")
def compressed_by_nothing(plan: Plan) -> Where:
    plan.fields("related", flags=wire.COMPRESSED)
    return "related", FLAGS


@fault("MSL-4.2-COMP-ALGO-RESERVED")
def compressed_by_nobody(plan: Plan) -> Where:
    plan.fields("related", flags=wire.COMPRESSED | wire.ZSTD | wire.LZ4)
    return "related", FLAGS


@fault("MSL-4.2-CONTINUATION-OUTSIDE-REGION")
def continued_dump(plan: Plan) -> Where:
    plan.fields("related", flags=wire.CONTINUATION)
    return "related", FLAGS


# -- hashes and counts -----------------------------------------------------------------------------


@fault("MSL-4.4-PREV-HASH-MISMATCH")
def link_missing(plan: Plan) -> Where:
    plan.fields("related", prev_hash=bytes(32))
    return "related", PREV_HASH


@fault("MSL-4.4-PREV-HASH-MISMATCH")
def first_link_wrong(plan: Plan) -> Where:
    plan.fields("identity", prev_hash=b"\x11" * 32)
    return "identity", PREV_HASH


@fault("MSL-4.5-FILE-HASH-MISMATCH")
def file_hash_wrong(plan: Plan) -> Where:
    plan.end = {"file_hash": b"\xee" * 32}
    return "end", PAYLOAD


@fault("MSL-3-BLOCK-COUNT-MISMATCH", FORMAT_11)
def one_block_announced_too_many(plan: Plan) -> Where:
    plan.header["block_count"] = len(plan.blocks) + 2
    return "header", 0x39


@fault("MSL-4.5-BLOCK-COUNT-MISMATCH", FORMAT_11)
def one_block_counted_too_few(plan: Plan) -> Where:
    plan.end = {"block_count": len(plan.blocks)}
    return "end", PAYLOAD + 0x28


@fault("MSL-4.5-BLOCK-COUNT-ABSENT", FORMAT_11)
def count_zero(plan: Plan) -> Where:
    plan.end = {"block_count": 0}
    return "end", 0


@fault("MSL-4.5-BLOCK-COUNT-ABSENT", FORMAT_11)
def end_without_count(plan: Plan) -> Where:
    plan.end = {"short": True}
    return "end", 0


# -- how the file ends -----------------------------------------------------------------------------


@fault("MSL-4.1-BLOCK-LENGTH-TOO-SMALL")
def length_79(plan: Plan) -> Where:
    plan.fields("related", block_length=79)
    return "related", LENGTH


@fault("MSLX-4.1-BLOCK-TRUNCATED")
def end_cut(plan: Plan) -> Where:
    plan.cut = 1
    return "end", LENGTH


@fault("MSLX-4.1-BLOCK-TRUNCATED")
def length_beyond_the_file(plan: Plan) -> Where:
    plan.fields("hint", block_length=0xFFFF_FFFF)
    return "hint", LENGTH


@fault("MSLX-2-TRAILING-BYTES")
def a_few_bytes_more(plan: Plan) -> Where:
    plan.tail = b"tail"
    return "tail", 0


@fault("MSLX-2-TRAILING-BYTES")
def many_bytes_more(plan: Plan) -> Where:
    plan.tail = bytes(500)
    return "tail", 0


@fault("MSLX-2-TRAILING-BYTES")
def magic_damaged(plan: Plan) -> Where:
    plan.fields("related", magic=b"MSLD")
    return "related", 0


@fault("MSL-4.5-END-OF-CAPTURE-ABSENT")
def no_end(plan: Plan) -> Where:
    plan.end = None
    return "tail", 0


@fault("MSL-4.5-END-OF-CAPTURE-NOT-LAST", FORMAT_10)
def hint_behind_the_end(plan: Plan) -> Where:
    plan.behind = {"late": late_hint(plan, "late")}
    return "late", 0


@fault("MSL-4.5-END-OF-CAPTURE-REPEATED", FORMAT_10)
def two_ends(plan: Plan) -> Where:
    first = plan.build()
    end_at = plan.offsets["end"]
    assert end_at < len(first)
    values = {"file_hash": wire.digest("blake3", first), "acq_end": END}
    fields = {"block_uuid": plan.uuid("again")}
    plan.behind = {"again": Spec(wire.END_OF_CAPTURE, wire.end_of_capture, values, fields)}
    return "again", 0


# -- order -----------------------------------------------------------------------------------------


@fault("MSL-5.4-PROCESS-IDENTITY-NOT-FIRST")
def another_block_first(plan: Plan) -> Where:
    plan.drop("identity")
    plan.move("related", before="index")
    return "related", BLOCK_TYPE


@fault("MSL-5.3-MODULE-LIST-INDEX-NOT-SECOND")
def another_block_second(plan: Plan) -> Where:
    plan.move("related", before="index")
    return "related", BLOCK_TYPE


@fault("MSL-5.3-MODULE-LIST-INDEX-NOT-SECOND")
def no_index(plan: Plan) -> Where:
    plan.drop("index", "module", "other")
    return ("thread" if plan.kind.revised else "region"), BLOCK_TYPE


@fault("MSLX-5.4-PROCESS-IDENTITY-REPEATED")
def two_identities(plan: Plan) -> Where:
    plan.put("second", wire.PROCESS_IDENTITY, wire.process_identity, before="related")
    return "second", 0


@fault("MSLX-5.3-MODULE-LIST-INDEX-REPEATED")
def two_indexes(plan: Plan) -> Where:
    plan.put("second", wire.MODULE_LIST_INDEX, index_of, rows=[], before="related")
    return "second", 0


@fault("MSL-5.7-THREAD-CONTEXT-BEHIND-REGION", FORMAT_11)
def late_thread(plan: Plan) -> Where:
    plan.move("sleeper", before="related")
    return "sleeper", 0


@fault("MSLX-5.8-VAS-MAP-MISPLACED", FORMAT_11)
def early_map(plan: Plan) -> Where:
    plan.move("map", before="region")
    return "map", 0


@fault("MSL-6-SYSTEM-CONTEXT-NOT-THIRD", FORMAT_11, investigation)
def late_context(plan: Plan) -> Where:
    plan.move("related", before="system")
    return "related", BLOCK_TYPE


@fault("MSL-6-SYSTEM-CONTEXT-NOT-THIRD", FORMAT_11)
def no_context(plan: Plan) -> Where:
    plan.header["flags"] = 2
    return "module", BLOCK_TYPE


@fault("MSLX-6-SYSTEM-CONTEXT-REPEATED", FORMAT_11, investigation)
def two_contexts(plan: Plan) -> Where:
    plan.put("second", 0x0050, bytes_of, before="module", size=40)
    return "second", 0


@fault("MSL-6-INVESTIGATION-FLAG-MISSING", FORMAT_11, investigation)
def flag_missing(plan: Plan) -> Where:
    plan.header["flags"] = 0
    return "header", 0x0C


@fault("MSL-6-TABLE-WITHOUT-SYSTEM-CONTEXT", FORMAT_11, investigation)
def table_of_nobody(plan: Plan) -> Where:
    second = {"flags": 0}
    plan.put("second", 0x0051, processes, before="module", fields=second)
    return "second", PARENT


@fault("MSL-6-TABLE-WITHOUT-SYSTEM-CONTEXT", FORMAT_11)
def table_alone(plan: Plan) -> Where:
    plan.put("processes", 0x0051, processes, before="module")
    return "processes", PARENT


# -- references ------------------------------------------------------------------------------------


@fault("MSL-4.1-BLOCK-UUID-REPEATED")
def uuid_of_another(plan: Plan) -> Where:
    plan.fields("related", block_uuid=plan.uuid("hint"))
    return "related", UUID


@fault("MSL-4.1-PARENT-NOT-FOUND")
def parent_elsewhere(plan: Plan) -> Where:
    plan.fields("related", parent_uuid=wire.uuid4(777))
    return "related", PARENT


@fault("MSLX-4.1-PARENT-IS-ITSELF")
def ones_own_parent(plan: Plan) -> Where:
    plan.fields("related", parent_uuid=plan.uuid("related"), flags=wire.HAS_CHILDREN)
    return "related", PARENT


@fault("MSLX-4.1-PARENT-IS-ITSELF")
def ones_own_grandparent(plan: Plan) -> Where:
    parent = {"parent_uuid": plan.uuid("related"), "flags": wire.HAS_CHILDREN}
    plan.put("child", wire.RELATED_DUMP, wire.related_dump, before="related", fields=parent)
    plan.fields("related", parent_uuid=plan.uuid("child"), flags=wire.HAS_CHILDREN)
    return "child", PARENT


@fault("MSL-4.2-HAS-CHILDREN-MISSING")
def secret_parent(plan: Plan) -> Where:
    plan.fields("index", flags=0)
    return "index", FLAGS


@fault("MSL-4.2-HAS-CHILDREN-UNFOUNDED")
def parent_of_nobody(plan: Plan) -> Where:
    plan.fields("related", flags=wire.HAS_CHILDREN)
    return "related", FLAGS


@fault("MSL-4.2-HAS-KEY-HINTS-MISSING")
def secret_keys(plan: Plan) -> Where:
    plan.fields("region", flags=0)
    return "region", FLAGS


@fault("MSL-4.2-HAS-KEY-HINTS-UNFOUNDED")
def keys_of_nobody(plan: Plan) -> Where:
    plan.fields("next", flags=wire.CONTINUATION | wire.HAS_KEY_HINTS)
    return "next", FLAGS


# -- capabilities ----------------------------------------------------------------------------------


@fault("MSL-8-CAP-BITMAP-BIT-WITHOUT-BLOCK")
def promise_broken(plan: Plan) -> Where:
    plan.drop("related")
    plan.header["cap_bitmap"] = plan.cap_bitmap | 1 << 9
    return "header", 0x10


@fault("MSL-8-CAP-BITMAP-BIT-WITHOUT-BLOCK", FORMAT_11)
def promise_kept_by_an_appender(plan: Plan) -> Where:
    # The region had no hint when the header was written.
    plan.drop("hint")
    plan.fields("region", flags=0)
    plan.segments = [Tail({"late": late_hint(plan, "late")})]
    plan.header["cap_bitmap"] = plan.cap_bitmap | 1 << 10
    return "header", 0x10


@fault("MSL-8-CAP-BITMAP-BLOCK-WITHOUT-BIT")
def related_dump_unannounced(plan: Plan) -> Where:
    plan.header["cap_bitmap"] = plan.cap_bitmap & ~(1 << 9)
    return "header", 0x10


@fault("MSL-8-CAP-BITMAP-BLOCK-WITHOUT-BIT")
def regions_unannounced(plan: Plan) -> Where:
    plan.header["cap_bitmap"] = plan.cap_bitmap & ~1
    return "header", 0x10
