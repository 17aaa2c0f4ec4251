"""The file header's fields against each other (§3)."""

from __future__ import annotations

from collections.abc import Iterator

from ..reader import FileHeader
from .declare import before, rule, since
from .facts import Facts
from .model import Found, Level, Scope


@rule(
    "MSL-3-HEADER-SIZE-NOT-AS-ENCRYPTED",
    Level.MUST,
    Scope.HEADER,
    drafts=since("draft-2026-10"),
    requirement="HeaderSize is 128 when the flag Encrypted is set, and 64 when it is not.",
    wrong="HeaderSize and the flag Encrypted contradict each other.",
    why="A reader looks for the encryption parameters, or for Block 0, where they are not.",
)
def header_size_not_as_encrypted(header: FileHeader) -> Iterator[Found]:
    schema = header.schema
    assert schema.encryption_header is not None
    plain = schema.file_header_size
    extended = plain + schema.encryption_header.size
    expected, other = (extended, plain) if header.encrypted else (plain, extended)
    if header.size == other:  # any third value is no size that a header may have
        yield Found(
            f"HeaderSize: expected {expected}, as Encrypted is "
            f"{'set' if header.encrypted else 'not set'}, found {header.size}",
            schema.file_header.offset_of("header_size"),
            field="header_size",
        )


@rule(
    "MSL-1.3-BYTE-ORDER-NOT-AS-STATED",
    Level.MUST,
    Scope.WHOLE,
    drafts=before("draft-2026-10"),
    requirement="All integers of the structure are in the byte order that Endianness names.",
    wrong="Endianness names another byte order than the one that the integers are in.",
    why="Whoever believes the header finds an unknown version and no block that makes sense: the "
    "dump is lost to them.",
)
def byte_order_not_as_stated(facts: Facts) -> Iterator[Found]:
    stated, found = facts.header.record["endianness"], facts.schema.byte_order.value
    # Somebody may have insisted on an order in which nothing makes sense.
    if stated.name != found and len(facts.types) and facts.types[0] in facts.schema.blocks:
        yield Found(
            f"Endianness: expected {found}, as Block 0 makes sense in that byte order alone, "
            f"found {stated.name}",
            facts.schema.file_header.offset_of("endianness"),
            field="endianness",
        )
