"""The fault of every rule that follows from the schema, derived from it like the rule.

For a structure and a kind of defect, the places in the file with that structure alone where
such a defect can be are gone through; each gives one way to bend the plan. Which of them
breaks no other rule besides is found out by `msl_construct.corpus.generate`, in order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from ..reader import Dump, open_dump
from ..reader.block import Block as ReadBlock
from ..reader.header import ENCRYPTION
from ..rules.derived import Derived
from ..rules.engine import rules_for
from ..rules.model import Rule
from ..schema import Schema
from .assemble import assemble
from .base_plans import CONNECTIVITY, base_name, encrypted
from .bent_bytes import Spot, Wound, wounds
from .plan import Form, Plan
from .recipe import HEADER, Where
from .single_blocks import SUBJECT, alone, alone_name, one_row, row_name
from .valid_encrypted import encrypted_with_sealed_segment

__all__ = ["Bend", "DerivedFault", "derived_faults"]

_ENCRYPTION = "encryption"
_SEALED = "sealed 1"
_FORCED = {("file_header", "UNREGISTERED-CODE")}
"""Structure and defect: before draft 2026-10 no file can have it that is opened without saying
how to read it. The only such code of the header is Endianness; see the samples that consumers
refuse."""


_SKIPPED = {"UNREGISTERED-CODE"}
"""Defects that a reader gets over: what follows shows whether it did."""


@dataclass(frozen=True)
class Bend:
    """One way to break the rule.

    Attributes:
        plan: the plan with the fault.
        where: where it is.
        base: name of the sample that it is without the fault.
        label: see `Wound`.
    """

    plan: Plan
    where: Where
    base: str
    label: str


@dataclass(frozen=True)
class DerivedFault:
    """A derived rule and the ways to break it.

    Attributes:
        rule: the rule.
        form: draft and byte order.
        defect: the kind of defect.
        bends: the ways, the likeliest first.
    """

    rule: Rule
    form: Form
    defect: str
    bends: Callable[[], Iterator[Bend]] = field(repr=False)


def derived_faults(form: Form) -> Iterator[DerivedFault]:
    """One for each derived rule of the form's draft, in the order of the rules."""
    hosts = _hosts(form.schema)
    for rule in rules_for(form.draft):
        if not isinstance(rule.find, Derived):
            continue
        structure, section, defect = rule.find.key
        if (structure, defect) in _FORCED and not form.schema.draft.since("draft-2026-10"):
            continue
        host = hosts[structure]

        def bends(
            host: str = host, structure: str = structure, section: str = section, d: str = defect
        ) -> Iterator[Bend]:
            for base, fresh in _bases(form, host, d):
                yield from _bends(base, fresh, host, structure, section, d)

        yield DerivedFault(rule, form, defect, bends)


def _bases(form: Form, host: str, defect: str) -> Iterator[tuple[str, Callable[[], Plan]]]:
    """Names and makers of the plans that hold a structure."""
    if host == _ENCRYPTION:
        yield base_name(encrypted, form), lambda: encrypted(form)
    elif host == _SEALED:
        make = encrypted_with_sealed_segment
        yield base_name(make, form), lambda: make(form)
    elif defect == "BODY-TOO-SHORT":
        for kind, _ in CONNECTIVITY:
            name = f"valid/{row_name(kind)}-{form.name}"
            yield name, lambda kind=kind: one_row(kind, form)  # type: ignore[misc]
    else:
        key = "process_identity" if host == HEADER else host
        yield alone_name(key, form), lambda: alone(key, form)


def _hosts(schema: Schema) -> dict[str, str]:
    """Of every structure the block type, or header, that it is in."""
    hosts = {schema.file_header.key: HEADER, schema.block_header.key: "related_dump"}
    if schema.encryption_header is not None:
        hosts[schema.encryption_header.key] = _ENCRYPTION
    if schema.seal_header is not None:
        hosts[schema.seal_header.key] = _SEALED
    for kind in schema.blocks.values():
        if kind.layout is not None:
            for layout in kind.layout.structures():
                hosts.setdefault(layout.key, kind.key)
    return hosts


def _bends(
    base: str, fresh: Callable[[], Plan], host: str, structure: str, section: str, defect: str
) -> Iterator[Bend]:
    with _opened(fresh()) as dump:
        spots = list(_spots(dump, fresh(), host, structure))
        if defect not in _SKIPPED:
            spots.reverse()  # what follows can't hide the last one
        for name, spot in spots:
            for wound in wounds(spot, section, defect):
                plan = fresh()
                _inflict(plan, name, spot, wound)
                front = 0 if spot.end is None else plan.form.schema.block_header_size
                where = Where(name, front + wound.offset)
                yield Bend(plan, where, base, wound.label)


def _opened(plan: Plan) -> Dump:
    return open_dump(assemble(plan).data, draft=plan.form.draft, key=plan.key)


def _spots(dump: Dump, plan: Plan, host: str, structure: str) -> Iterator[tuple[str, Spot]]:
    """Where in the file the structure is."""
    schema = dump.schema
    if host in (HEADER, _ENCRYPTION):
        record, layout = dump.header.record, schema.file_header
        if host == _ENCRYPTION:
            assert schema.encryption_header is not None
            record, layout = record[ENCRYPTION], schema.encryption_header
        yield HEADER, Spot(layout, record, 0, None)
        return
    if host == _SEALED:
        seal = next(dump.seal_headers())
        yield _SEALED, Spot(seal.layout, seal.record, seal.offset, None)
        return
    name, block = _subject(dump, plan, host)
    header, payload = block.with_offsets()
    if structure == schema.block_header.key:
        yield name, Spot(schema.block_header, header, block.offset, None)
        return
    assert block.type is not None
    assert block.type.layout is not None
    start = block.offset + schema.block_header_size
    inside = [
        Spot(layout, record, start, block.length - schema.block_header_size)
        for layout, record in block.type.layout.records(payload)
        if layout.key == structure
    ]
    yield from ((name, spot) for spot in inside)


def _subject(dump: Dump, plan: Plan, host: str) -> tuple[str, ReadBlock]:
    if host == "end_of_capture":
        return "end", dump.blocks[-1]
    if host == "end_of_extension":
        return "end 1", list(dump.segment_blocks(dump.segments[0]))[-1]
    return SUBJECT, dump.blocks[list(plan.blocks).index(SUBJECT)]


def _inflict(plan: Plan, name: str, spot: Spot, wound: Wound) -> None:
    if name == HEADER:
        plan.header_edits += wound.edits
        return
    if name == _SEALED:
        plan.seal_edits += wound.edits
        return
    block = plan.block(name)
    if spot.end is None:
        block.header_edits += wound.edits
    else:
        block.edits += wound.edits
        block.keep, block.extra = wound.keep, wound.extra
