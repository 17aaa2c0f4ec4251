"""Whatever breaks a MUST of the draft is refused by the writer, not only what was thought of.

Every file that was made with `struct` to break one rule is given to a `Writer`, block by block.
Either it refuses something, or what it writes no longer breaks that rule.
"""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
import rules_faults_content
import rules_faults_parts
import rules_faults_tables
from independent.specimens import KINDS, LE11, Kind
from rules_faults import FAULTS, Fault
from rules_files import Plan, extended, imported, investigation, live, raw_stream

import msl_construct
from msl_construct import Writer
from msl_construct.errors import MslError
from msl_construct.reader import Block
from msl_construct.rules import Level, check, rules_for

assert rules_faults_content, rules_faults_parts
assert rules_faults_tables

FOLLOWS = ("magic", "header_size", "block_count")
"""Fields of the file header that say what comes of the others, or of what is written."""


def written_again(data: bytes) -> bytes:
    """The same capture from a `Writer`.

    Raises:
        MslError: it refuses something.
    """
    dump = msl_construct.open(data)
    header = {key: one for key, one in dump.header.record.items() if key not in FOLLOWS}
    file = io.BytesIO()
    out = Writer(file, header, draft=dump.draft, byte_order=dump.schema.byte_order)
    for block in dump.blocks:
        if block.key == "end_of_capture":
            break
        add(out, block)
    out.close()
    return file.getvalue()


def add(out: Writer, block: Block) -> None:
    flags = [name for name in block.flags if name in ("has_children", "has_key_hints")]
    given = {"block_uuid": block.uuid, "parent_uuid": block.parent_uuid}
    if block.type is None or block.type.layout is None:
        stored = bytes(block.stored.view())
        out.add_opaque(int(block.header["block_type"]), stored, block_flags=flags, **given)  # type: ignore[arg-type]
    elif block.key != "memory_region":
        out.add(block.key, block_flags=flags, **given, **block.payload)  # type: ignore[arg-type]
    elif "continuation" not in block.flags:  # fragments are the writer's own business
        fields = dict(block.payload)
        states, pages = fields.pop("page_state_map"), fields.pop("page_data")
        flags = [name for name in flags if name != "has_children"]
        out.add_memory_region(
            data=bytes(pages.view()),
            page_states=states,
            block_flags=flags,
            block_uuid=block.uuid,
            **fields,
        )


def must(fault: Fault, kind: Kind) -> bool:
    draft = "draft-2026-10" if kind.revised else "draft-2026-03"
    levels = {rule.id: rule.level for rule in rules_for(draft)}
    return levels[fault.rule] is Level.MUST


CASES = [(fault, kind) for fault in FAULTS for kind in fault.kinds if must(fault, kind)]


@pytest.mark.parametrize(
    ("fault", "kind"), CASES, ids=[f"{f.rule}-{f.name}-{k.name}" for f, k in CASES]
)
def test_what_breaks_a_must_is_refused_or_put_right(fault: Fault, kind: Kind) -> None:
    data, _ = fault.file(kind)
    try:
        again = written_again(data)
    except MslError:
        return
    with msl_construct.open(again) as dump:
        assert fault.rule not in {finding.rule.id for finding in check(dump)}


CONFORMANT = [
    *((make, kind) for make in (live, imported, raw_stream) for kind in KINDS),
    (investigation, LE11),
    (extended, LE11),
]


@pytest.mark.parametrize(
    ("make", "kind"), CONFORMANT, ids=[f"{m.__name__}-{k.name}" for m, k in CONFORMANT]
)
def test_what_conforms_is_written(make: Callable[[Kind], Plan], kind: Kind) -> None:
    with msl_construct.open(written_again(make(kind).build())) as dump:
        assert list(check(dump)) == []
