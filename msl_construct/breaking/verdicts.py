"""What a single difference does: its class, the reason, and what would make it safe."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ..schema.base import Between, OneOf
from ..schema.blocks import BlockType
from ..schema.codes import Bit, BitRange, Enumeration, FlagDefinition, Value
from ..schema.fields import Field, Note
from ..schema.vocabulary import Bytes, Coded, Fixed, Flags, Reserved, Timestamp, Uint, Uuid
from .classes import ChangeClass

__all__ = ["DECLARE", "ChangeVerdict", "new_demands", "of_code", "of_kind", "of_permission"]
__all__ += ["of_permitted", "of_shared", "worst", "zero_is_unknown"]

C = ChangeClass


class ChangeVerdict(NamedTuple):
    """What is said of a difference.

    Attributes:
        cls: the class.
        reason: why, in a sentence without its full stop.
        remedy: what would make it safe; empty: nothing need be done.
    """

    cls: ChangeClass
    reason: str
    remedy: str = ""


def worst(verdicts: list[ChangeVerdict]) -> ChangeVerdict:
    """The gravest of some; the first of equally grave ones."""
    return max(verdicts, key=lambda one: one.cls.severity)


DECLARE = (
    "say reword(…) if it means the same; else give it another name or number, and leave this one"
)


def of_code(old: Value | Bit | BitRange, new: Value | Bit | BitRange) -> ChangeVerdict:
    """A code or flag of which something is another than before."""
    if old.meaning != new.meaning:
        if isinstance(old, Value) and old.reserved:
            reason = f"{old.label} was not to be written; an old reader takes {new.label} for it"
            return ChangeVerdict(C.DEGRADED, reason)
        what = "flag" if isinstance(old, (Bit, BitRange)) else "code"
        reason = f"an old reader takes the {what} for {_said(old)}, a new one for {_said(new)}"
        return ChangeVerdict(
            C.SILENT_REINTERPRET, reason, f"register a {what} that is free; {DECLARE}"
        )
    if isinstance(old, BitRange) or isinstance(new, BitRange):
        if _bits(old) != _bits(new):
            reason = "other bits of the word are the number"
            return ChangeVerdict(C.SILENT_REINTERPRET, reason, "leave the bits where they are")
        old_codes = old.enumeration if isinstance(old, BitRange) else None
        new_codes = new.enumeration if isinstance(new, BitRange) else None
        if old_codes and new_codes and (found := of_registries(old_codes, new_codes)):
            return found
    if isinstance(old, Value) and isinstance(new, Value) and old.reserved != new.reserved:
        if new.reserved:
            reason = f"{old.label} may no longer be written, and old files have it"
            return ChangeVerdict(C.OLD_FILE_INVALID, reason, "deprecate(…) it instead")
        return ChangeVerdict(C.ADDITIVE, f"{new.label} may be written from now on")
    if old.name != new.name:
        return ChangeVerdict(C.SOURCE, f"documents call it {new.name}, no longer {old.name}")
    return ChangeVerdict(C.COSMETIC, "only its words differ")


def _said(one: Value | Bit | BitRange) -> str:
    return one.label if one.meaning == one.label else f"{one.label} ({one.meaning})"


def _bits(one: Value | Bit | BitRange) -> tuple[int, int]:
    if isinstance(one, Value):
        return one.code, 0
    return one.bit, one.bits if isinstance(one, BitRange) else 1


def _mask(one: Bit | BitRange) -> int:
    """The bits of a word that a flag, or a number inside of it, has."""
    return one.mask if isinstance(one, BitRange) else 1 << one.bit


def of_shared(
    registry: Enumeration | FlagDefinition, one: Value | Bit | BitRange
) -> ChangeVerdict | None:
    """A code that was for vendors to give, or bits that the other draft's word has otherwise."""
    if isinstance(one, Value):
        if isinstance(registry, Enumeration) and registry.permits(one.code):
            reason = "old files may have it from a vendor, who means something else by it"
            return ChangeVerdict(C.SILENT_REINTERPRET, reason, "register a code that is free")
    elif isinstance(registry, FlagDefinition):
        other = next((each for each in registry.bits if _mask(each) & _mask(one)), None)
        if other is not None:
            reason = f"some readers take its bits for {one.label}, others for {other.label}"
            return ChangeVerdict(C.SILENT_REINTERPRET, reason, "use bits that are free")
    return None


def of_registries(old: Enumeration, new: Enumeration) -> ChangeVerdict | None:
    """A field whose codes are those of another registry; None: the same."""
    codes = {one.code: one for one in new.values}
    for one in old.values:
        other = codes.get(one.code)
        if other is not None and other.meaning != one.meaning and not one.reserved:
            reason = f"{one.code:#x} was {one.label} and is {other.label}"
            return ChangeVerdict(C.SILENT_REINTERPRET, reason, "register codes that are free")
    if lost := [one for one in old.values if one.code not in codes and not one.reserved]:
        return _lost(new.name, lost[0].label)
    known = {one.code for one in old.values}
    return _of_other(old.name, new.name, more=any(code not in known for code in codes))


def _lost(name: str, label: str) -> ChangeVerdict:
    reason = f"old files may have {label}, which {name} does not register"
    return ChangeVerdict(C.OLD_FILE_INVALID, reason, "leave the field its registry")


def _of_other(old: str, new: str, *, more: bool) -> ChangeVerdict | None:
    """A field of another registry, in which all is that was in the old one."""
    if more:
        return ChangeVerdict(C.ADDITIVE, f"its codes are of {new}, which has more of them")
    return None if old == new else ChangeVerdict(C.SOURCE, f"its codes are of {new}")


def of_kind(old: Fixed, new: Fixed) -> ChangeVerdict | None:
    """Bytes of one width that are read as something else; None: as the same."""
    if isinstance(old, Reserved) or isinstance(new, Reserved):
        return None
    if old.number != new.number:
        reason = (
            "the bytes were a number in the file's byte order, and are kept as they stand"
            if old.number
            else "the bytes were kept as they stand, and are a number in the file's byte order"
        )
        return ChangeVerdict(C.SILENT_REINTERPRET, reason, "give it another name in reserved bytes")
    if isinstance(old, Timestamp) != isinstance(new, Timestamp):
        reason = "one of the two is nanoseconds since 1970, the other a number of something else"
        return ChangeVerdict(C.SILENT_REINTERPRET, reason, "give it another name in reserved bytes")
    if old.registry_name is not None and old.registry_name == new.registry_name:
        return None  # what became of its codes is said of them
    if isinstance(old, Coded) and isinstance(new, Coded):
        return of_registries(old.registry, new.registry)
    if isinstance(old, Flags) and isinstance(new, Flags):
        bits = {one.bit: one for one in new.word.bits}
        for one in old.word.bits:
            if one.bit in bits and bits[one.bit].meaning != one.meaning:
                reason = f"bit {one.bit} was {one.label} and is {bits[one.bit].label}"
                return ChangeVerdict(C.SILENT_REINTERPRET, reason, "use flags that are free")
        if lost := [one for one in old.word.bits if not _mask(one) & new.word.defined]:
            return _lost(new.word.name, lost[0].label)
        more = bool(new.word.defined & ~old.word.defined)
        return _of_other(old.word.name, new.word.name, more=more)
    if isinstance(new, (Coded, Flags)) and not isinstance(old, (Coded, Flags)):
        reason = f"old files may have numbers that {new.registry_name} does not register"
        return ChangeVerdict(C.OLD_FILE_INVALID, reason, "give it another name in reserved bytes")
    if isinstance(new, Uuid) and type(old) is Bytes:
        reason = "old files may have bytes that are no UUID of version 4"
        return ChangeVerdict(C.OLD_FILE_INVALID, reason, "leave it bytes")
    if isinstance(old, (Coded, Flags)) and type(old) is not type(new):
        reason = f"an old reader takes what is none for a code or flag of {old.registry_name}"
        return ChangeVerdict(C.SILENT_REINTERPRET, reason, "give it another name in reserved bytes")
    if isinstance(old, Uuid) and type(old) is not type(new):
        return ChangeVerdict(C.ADDITIVE, "more values may be written: any, in another form")
    if type(old) is not type(new):
        return ChangeVerdict(C.SOURCE, "documents show the same bytes in another form")
    if isinstance(old, Uint) and isinstance(new, Uint) and old.shown != new.shown:
        return ChangeVerdict(C.SOURCE, "documents show the same number in another form")
    if isinstance(old, Bytes) and getattr(old, "magic", b"") != getattr(new, "magic", b""):
        return ChangeVerdict(
            C.WIRE_BREAK, "an old reader finds no such structure", "keep the magic"
        )
    return None


def of_permitted(old: Fixed, new: Fixed) -> ChangeVerdict | None:
    """Values that may be written; None: the same ones."""
    before, after = getattr(old, "valid", None), getattr(new, "valid", None)
    if before == after:
        return None
    if _within(before, after):
        return ChangeVerdict(C.ADDITIVE, f"more values may be written: {after or 'any'}")
    return ChangeVerdict(
        C.OLD_FILE_INVALID,
        f"permitted is {after or 'any'}, and old files may have {before or 'any'}",
        "permit what was permitted, and say SHOULD NOT",
    )


def _within(inner: Between | OneOf | None, outer: Between | OneOf | None) -> bool:
    if outer is None:
        return True
    if inner is None:
        return False
    if isinstance(inner, OneOf):
        return all(outer.permits(one) for one in inner.values)
    return isinstance(outer, Between) and outer.low <= inner.low and inner.high <= outer.high


def new_demands(old: tuple[Note, ...], new: tuple[Note, ...]) -> list[ChangeVerdict]:
    """What producers must do from now on, and need not have done before."""
    before = {(one.level, one.text) for one in old}
    return [
        ChangeVerdict(
            C.OLD_FILE_INVALID,
            f"{one.who}: {one.level}: {one.text} Old files need not",
            "say SHOULD",
        )
        for one in new
        if one.level.startswith("MUST")
        and one.who != "consumer"
        and (one.level, one.text) not in before
    ]


def of_permission(old: BlockType, new: BlockType) -> Iterator[ChangeVerdict]:
    """What may be written of a block type, and where."""
    if new.forbidden and not old.forbidden:
        reason = "blocks of old files are of a type that may no longer be written"
        yield ChangeVerdict(C.OLD_FILE_INVALID, reason, "deprecate(…) it instead")
    if old.forbidden and not new.forbidden:
        yield ChangeVerdict(C.ADDITIVE, "such blocks may be written from now on")
    if (old.in_capture and not new.in_capture) or (old.in_segment and not new.in_segment):
        reason = "blocks of old files stand where they may no longer stand"
        yield ChangeVerdict(C.OLD_FILE_INVALID, reason, "leave them the place that they had")
    if (new.in_capture and not old.in_capture) or (new.in_segment and not old.in_segment):
        yield ChangeVerdict(C.ADDITIVE, "such blocks may stand elsewhere as well")
    if new.capability != old.capability:
        cls = C.ADDITIVE if new.capability is None else C.OLD_FILE_INVALID
        yield ChangeVerdict(cls, f"CapBitmap says {new.capability or 'nothing'} of such blocks")
    if new.parent != old.parent:
        cls = C.ADDITIVE if not new.parent else C.OLD_FILE_INVALID
        yield ChangeVerdict(cls, f"their parent is {new.parent or 'anybody'}")


def zero_is_unknown(field: Field) -> bool:
    """Whether zeros say of a field that nothing is known, or nothing set."""
    default = field.default
    if isinstance(default, (bytes, bytearray)):
        return not any(default)
    return isinstance(default, int) and default == 0
