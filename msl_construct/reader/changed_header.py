"""Encrypted files whose header lost a bit that makes it none: told from files that are no dumps.

A header that can't be read says nothing. A key may: it opens the file once the bit is set right.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from ..drafts import NEWEST_DRAFT, schema
from ..encryption import Keys
from ..encryption.parameters import Envelope
from ..errors import EncryptedError, FormatError, LimitError, TamperedError
from ..schema import Draft
from ..source import BufferSource, Source
from .header import envelope_of, read_header

__all__ = ["may_have_lost_a_bit", "require_unchanged_header"]

_FIELDS = ("magic", "endianness", "header_size", "version")
"""Without these nobody can read a header."""


def may_have_lost_a_bit(source: Source, draft: str | Draft | None, byte_order: str | None) -> bool:
    """Whether a header that can't be read is that of an encrypted file but for one bit."""
    return any(True for _ in _others(source, draft, byte_order))


def require_unchanged_header(
    source: Source, draft: str | Draft | None, byte_order: str | None, key: bytes | str | Keys
) -> None:
    """Refuse what a key opens once a bit of a header that can't be read is the other way round.

    Raises:
        TamperedError: it does, so somebody changed that bit.
    """
    from ..encryption.source import PartedSource
    from ..encryption.unlock import unlock

    size = source.size
    assert size is not None
    keys = replace(Keys.of(key), search=None)
    for other in _others(source, draft, byte_order):
        beginning = BufferSource(other.raw)
        try:
            unlock(
                PartedSource([(beginning, len(other.raw)), (source, size)]), other.envelope, keys
            )
        except TamperedError:
            pass
        except (EncryptedError, LimitError):
            continue
        raise TamperedError(
            f"not intact: a key that was given opens the file if {other.what}: that was changed; "
            "nothing is shown",
            offset=other.offset,
        )


class _Other(NamedTuple):
    what: str
    offset: int
    raw: bytes
    envelope: Envelope


def _others(source: Source, draft: str | Draft | None, byte_order: str | None) -> Iterator[_Other]:
    """Headers of encrypted files that differ in one bit from what stands there."""
    layout = schema(NEWEST_DRAFT).file_header
    stored = source.read(0, 1 << 8 * layout.field("header_size").type.minimum)
    for name in _FIELDS:
        field, first = layout.field(name), layout.offset_of(name)
        for offset in range(first, min(first + field.type.minimum, len(stored))):
            for bit in range(8):
                raw = bytearray(stored)
                raw[offset] ^= 1 << bit
                try:
                    header = read_header(
                        BufferSource(bytes(raw)), draft=draft, byte_order=byte_order
                    )
                except FormatError:
                    continue
                envelope = envelope_of(header)
                if envelope is not None:
                    what = f"bit {bit} of byte {offset - first} of {field.name} is another"
                    yield _Other(what, offset, bytes(raw), envelope)
