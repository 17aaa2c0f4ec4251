"""The file header's fields against each other (§3)."""

from __future__ import annotations

from collections.abc import Iterator

from ..reader import FileHeader
from .declare import rule, since
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
