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
from ..schema import Layout, Record, Schema, Table
from ..schema.choice import Body, Choice
from .alone import SUBJECT, alone, alone_name
from .assemble import assemble
from .bases import encrypted
from .plan import Form, Plan
from .recipe import HEADER, Where
from .wounds import Spot, Wound, wounds

__all__ = ["Bend", "DerivedFault", "derived_faults"]

_ENCRYPTION = "encryption"
_FORCED = {("file_header", "UNREGISTERED-CODE", False)}
"""Structure, defect and whether the draft is the second one: what no file can have that is
opened without saying how to read it. In 1.0 the only such code of the header is Endianness;
see the samples that consumers refuse."""
_ENCRYPTED = "valid/encrypted-11-le"


@dataclass(frozen=True)
class Bend:
    """One way to break the rule: a plan with the fault, and where it is."""

    plan: Plan
    where: Where


@dataclass(frozen=True)
class DerivedFault:
    """A derived rule and the ways to break it.

    Attributes:
        rule: the rule.
        form: draft and byte order.
        base: name of the sample that all ways start from.
        defect: the kind of defect.
        bends: the ways, the likeliest first.
    """

    rule: Rule
    form: Form
    base: str
    defect: str
    bends: Callable[[], Iterator[Bend]] = field(repr=False)


def derived_faults(form: Form) -> Iterator[DerivedFault]:
    """One for each derived rule of the form's draft, in the order of the rules."""
    hosts = _hosts(form.schema)
    for rule in rules_for(form.draft):
        if not isinstance(rule.find, Derived):
            continue
        structure, section, defect = rule.find.key
        if (structure, defect, form.revised) in _FORCED:
            continue
        host = hosts[structure]
        if host == HEADER:
            base = alone_name("process_identity", form)
        elif host == _ENCRYPTION:
            base = _ENCRYPTED
        else:
            base = alone_name(host, form)

        def bends(
            host: str = host, structure: str = structure, section: str = section, d: str = defect
        ) -> Iterator[Bend]:
            return _bends(form, host, structure, section, d)

        yield DerivedFault(rule, form, base, defect, bends)


def _hosts(schema: Schema) -> dict[str, str]:
    """Of every structure the block type, or header, that it is in."""
    hosts = {schema.file_header.key: HEADER, schema.block_header.key: "related_dump"}
    if schema.encryption_header is not None:
        hosts[schema.encryption_header.key] = _ENCRYPTION
    for kind in schema.blocks.values():
        if kind.layout is not None:
            for layout in _structures(kind.layout):
                hosts.setdefault(layout.key, kind.key)
    return hosts


def _structures(layout: Layout) -> Iterator[Layout]:
    yield layout
    for each in layout.fields:
        if isinstance(each.type, Table):
            yield from _structures(each.type.entry)
        elif isinstance(each.type, Choice):
            for case in each.type.cases.values():
                yield from _structures(case)


def _bends(form: Form, host: str, structure: str, section: str, defect: str) -> Iterator[Bend]:
    def fresh() -> Plan:
        if host == _ENCRYPTION:
            return encrypted(form)
        return alone("process_identity" if host == HEADER else host, form)

    with open_dump(assemble(fresh()).data) as dump:
        for name, spot in _spots(dump, fresh(), host, structure):
            for wound in wounds(spot, section, defect):
                plan = fresh()
                _inflict(plan, name, spot, wound)
                front = 0 if spot.end is None else form.schema.block_header_size
                yield Bend(plan, Where(name, front + wound.offset))


def _spots(dump: Dump, plan: Plan, host: str, structure: str) -> Iterator[tuple[str, Spot]]:
    """Where in the file the structure is, the last place first: what follows can't hide it."""
    schema = dump.schema
    if host in (HEADER, _ENCRYPTION):
        record, layout = dump.header.record, schema.file_header
        if host == _ENCRYPTION:
            assert schema.encryption_header is not None
            record, layout = record[ENCRYPTION], schema.encryption_header
        yield HEADER, Spot(layout, record, 0, None)
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
        for layout, record in _within(block.type.layout, payload)
        if layout.key == structure
    ]
    yield from ((name, spot) for spot in reversed(inside))


def _subject(dump: Dump, plan: Plan, host: str) -> tuple[str, ReadBlock]:
    if host == "end_of_capture":
        return "end", dump.blocks[-1]
    if host == "end_of_extension":
        return "end 1", list(dump.segment_blocks(dump.segments[0]))[-1]
    return SUBJECT, dump.blocks[list(plan.blocks).index(SUBJECT)]


def _within(layout: Layout, record: Record) -> Iterator[tuple[Layout, Record]]:
    """A structure and those inside of it, with their values."""
    yield layout, record
    for each in layout.fields:
        if each.key not in record:
            continue
        if isinstance(each.type, Table):
            for entry in record[each.key]:
                yield from _within(each.type.entry, entry)
        elif isinstance(each.type, Choice):
            body = record[each.key]
            if isinstance(body, Body):
                yield from _within(body.layout, body)


def _inflict(plan: Plan, name: str, spot: Spot, wound: Wound) -> None:
    if name == HEADER:
        plan.header_edits += wound.edits
        return
    block = plan.block(name)
    if spot.end is None:
        block.header_edits += wound.edits
    else:
        block.edits += wound.edits
        block.keep, block.extra = wound.keep, wound.extra
