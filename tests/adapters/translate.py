"""Turns a reader's objects into parts of a canonical document."""

from uuid import UUID

from canonical import FIELDS, names
from independent import layouts

_REVISED = {"header": " block_count hash_algo:HASH_ALGO/1"}
"""Fields that the older draft does not have."""


def fields(kind, found, revised=True):
    """What an object of the reader says, by the document's keys; `revised`: by format 1.1's."""
    shown = {}
    for word in (FIELDS[kind] + (_REVISED.get(kind, "") if revised else "")).split():
        name, _, how = word.partition(":")
        key, _, attribute = name.partition("=")
        value = getattr(found, attribute or key, None)
        if value is not None:
            # A text of no characters is none; whether just a NUL is stored, no reader tells.
            shown[key] = None if value == "" else _shown(f"{kind}.{key}", value, how, revised)
    return shown


def _shown(kind, value, how, revised):
    if kind in FIELDS:
        return [fields(kind, row, revised) for row in value]
    if how in ("x", "t"):
        return hex(value) if how == "x" else str(value)
    table, _, width = how.partition("/")
    if table:  # the names of both drafts, or of this one
        found = getattr(names, table, None) or getattr(names, f"{table}_1{int(revised)}")
        return names.enum(value, found, int(width)) if width else names.bits(value, found)
    if isinstance(value, (bytes, UUID)):
        return value.hex() if isinstance(value, bytes) else str(value)
    return int(value) if isinstance(value, int) else value  # no members of enumerations


def block(index, offset, found, revised=True):
    """A block without its payload, of an object that has the header's fields by their names."""
    types = layouts.BLOCK_TYPE_11 if revised else names.BLOCK_TYPE_10
    uuids = {key: getattr(found, key) for key in ("block_uuid", "parent_uuid")}
    return {
        "index": index,
        "offset": hex(offset),
        "block_type": names.enum(found.block_type, types, 2),
        "flags": names.block_flags(found.flags),
        "block_length": found.block_length,
        "payload_version": found.payload_version,
        **{k: str(UUID(bytes=v) if isinstance(v, bytes) else v) for k, v in uuids.items()},
        "prev_hash": found.prev_hash.hex(),
    }
