"""The example of every block type: it conforms, and says something of every field."""

from __future__ import annotations

import pytest

from msl_construct.drafts import DRAFTS, PUBLIC, schema
from msl_construct.schema.blocks import BlockType
from msl_construct.schema.vocabulary import Reserved

CLOSING = {"end_of_capture", "end_of_extension"}
"""What they hold follows from the file that they end."""

TYPES = [
    pytest.param(draft, order.value, block, id=f"{draft}-{order.value}-{block.key}")
    for draft in PUBLIC
    for order in DRAFTS[draft].byte_orders
    for block in schema(draft, order).blocks.values()
    if block.layout is not None
]


def test_every_type_with_a_layout_has_one() -> None:
    for draft in PUBLIC:
        blocks = schema(draft).blocks.values()
        lacking = {block.key for block in blocks if block.layout and block.example is None}
        assert lacking <= CLOSING


@pytest.mark.parametrize(("draft", "order", "block"), TYPES)
def test_it_conforms_and_comes_back(draft: str, order: str, block: BlockType) -> None:
    layout = block.layout
    assert layout is not None
    example = block.instance()
    record = layout.complete(layout.from_document(example))
    assert [f"{path}: {problem}" for path, problem in layout.problems_of(record)] == []
    parsed = layout.parse(layout.build(record))
    assert parsed == record
    missing = {
        field.key
        for field in layout.fields
        if field.key not in record and not field.optional and not isinstance(field.type, Reserved)
    }
    assert missing == set()


@pytest.mark.parametrize("draft", PUBLIC)
def test_the_constructs_build_it(draft: str) -> None:
    form = schema(draft)
    for block in form.blocks.values():
        if block.layout is not None and block.example is not None:
            record = block.layout.complete(block.layout.from_document(block.example))
            header = {"block_type": block.key, "block_uuid": bytes(16), "prev_hash": bytes(32)}
            made = form.block.build({"header": header, "payload": record})
            assert form.block.parse(made).payload == record
