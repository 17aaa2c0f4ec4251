"""Which dialect a file is in: by its structure, never by who says to have written it."""

from __future__ import annotations

from collections.abc import Iterable

from ..abbreviated import abbreviated
from ..drafts import DIALECTS, dialect_schema
from ..drafts.dialects import Dialect
from ..schema import Schema
from ..schema.layout import REST
from .block import RAW, Block
from .opened import Indexed

__all__ = ["NO_DIALECT", "named_dialect", "recognised_dialect"]

NO_DIALECT = "none"
"""Said instead of a dialect's name: the file is read as the draft has it."""


def named_dialect(name: str, schema: Schema) -> Schema:
    """The schema of a dialect that the caller names, whatever the file looks like.

    Raises:
        ValueError: there is no such dialect of this draft.
    """
    dialect = DIALECTS.get(name)
    if dialect is None:
        known = ", ".join((NO_DIALECT, *DIALECTS))
        raise ValueError(f"unknown dialect {abbreviated(name)}; known: {known}")
    if dialect.draft.name != schema.name:
        raise ValueError(
            f"dialect {name} is one of {dialect.draft.name}; the file is read with {schema.name}"
        )
    return dialect_schema(name, schema.byte_order)


def recognised_dialect(dump: Indexed) -> Schema | None:
    """The schema of the dialect that a file is in; None if it is in none that is known.

    Decodes the payloads in question, and no others.
    """
    for dialect in DIALECTS.values():
        if dialect.draft.name == dump.schema.name and _is_in(dump, dialect):
            return dialect_schema(dialect.name, dump.schema.byte_order)
    return None


def _is_in(dump: Indexed, dialect: Dialect) -> bool:
    schema = dialect_schema(dialect.name, dump.schema.byte_order)
    blocks = (
        dump.block_in(schema, index)
        for index, code in enumerate(dump.index.types)
        if code in dialect.codes
    )
    return _all_fit(blocks)


def _all_fit(blocks: Iterable[Block]) -> bool:
    """Whether there are blocks, and each is what its layout says, to the last byte."""
    fitting = 0
    for block in blocks:
        if block.problem is not None or RAW in block.payload or REST in block.payload:
            return False
        assert block.type is not None
        assert block.type.layout is not None
        if next(block.type.layout.problems_of(block.payload), None) is not None:
            return False
        fitting += 1
    return fitting > 0
