"""One fault each: what is done to a conformant file so that it breaks just one written rule.

Each function bends a plan, and says where the fault then is: a block's name and the offset
within it, by the drafts' tables.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from independent.specimens import KINDS, LE10, LE11, Kind
from rules_files import (
    Plan,
    bytes_of,
    investigation,
    live,
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


@fault("MSLX-3-HASH-ALGORITHM-PRIVATE", FORMAT_11)
def hash_of_ones_own(plan: Plan) -> Where:
    plan.header["hash_algo"] = 0xFF
    return "header", 0x3D


@fault("MSL-1.3-BYTE-ORDER-NOT-AS-STATED", (LE10,))
def header_of_the_other_byte_order(plan: Plan) -> Where:
    plan.header["endianness"] = 2
    return "header", 8


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


# -- hashes and counts -----------------------------------------------------------------------------


@fault("MSL-4.4-PREV-HASH-MISMATCH")
def link_missing(plan: Plan) -> Where:
    plan.fields("related", prev_hash=bytes(32))
    return "related", PREV_HASH


# -- how the file ends -----------------------------------------------------------------------------


@fault("MSL-4.1-BLOCK-LENGTH-TOO-SMALL")
def length_79(plan: Plan) -> Where:
    plan.fields("related", block_length=79)
    return "related", LENGTH


@fault("MSL-4.5-END-OF-CAPTURE-ABSENT")
def no_end(plan: Plan) -> Where:
    plan.end = None
    return "tail", 0


# -- order -----------------------------------------------------------------------------------------


@fault("MSL-5.4-PROCESS-IDENTITY-NOT-FIRST")
def another_block_first(plan: Plan) -> Where:
    plan.drop("identity")
    plan.move("related", before="index")
    return "related", BLOCK_TYPE


@fault("MSL-6-SYSTEM-CONTEXT-NOT-THIRD", FORMAT_11, investigation)
def late_context(plan: Plan) -> Where:
    plan.move("related", before="system")
    return "related", BLOCK_TYPE


# -- references ------------------------------------------------------------------------------------


@fault("MSL-4.1-BLOCK-UUID-REPEATED")
def uuid_of_another(plan: Plan) -> Where:
    plan.fields("related", block_uuid=plan.uuid("hint"))
    return "related", UUID


# -- capabilities ----------------------------------------------------------------------------------


@fault("MSL-8-CAP-BITMAP-BIT-WITHOUT-BLOCK")
def promise_broken(plan: Plan) -> Where:
    plan.drop("related")
    plan.header["cap_bitmap"] = plan.cap_bitmap | 1 << 9
    return "header", 0x10
