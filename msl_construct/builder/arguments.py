"""What a caller of the `Writer` gives, checked and brought into the form that is stored."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from ..abbreviated import abbreviated
from ..drafts import layout_of
from ..errors import ConformanceError, FormatError, NoFieldError
from ..hashing import new_hasher
from ..page_map import PageMap, Run, stored_size
from ..schema import BlockType, Layout, Record, Schema
from ..schema.layout import REST
from ..schema.packing import RowPacker
from ..schema.table import Table
from ..schema.vocabulary import Flags
from ..source import BufferSource, Cursor, Extent
from .block_demands import LowerCase, Roles, demands_of
from .blocks import checked

__all__ = [
    "BlockFlags",
    "PageStates",
    "check_entries",
    "checked_header",
    "flag_word",
    "page_map_of",
    "stored_payload",
    "table_payload",
]

_AT_ONCE = 4096  # rows of a table

BlockFlags = int | str | Iterable[str]
PageStates = PageMap | Iterable[tuple[int, int, str | int]]


def checked_header(
    form: Schema, header: Mapping[str, Any], dump_uuid: uuid.UUID, timestamp: int
) -> tuple[Record, str]:
    """The fields of a file header, and the name of its hash algorithm.

    Raises:
        ConformanceError: the draft forbids it, or it can't be written yet.
    """
    given = {
        "magic": form.file_magic,
        "endianness": form.byte_order.value,
        "dump_uuid": dump_uuid,
        "timestamp": timestamp,
        **header,
    }
    found = checked(form.file_header, given)
    if found["endianness"].name != form.byte_order.value:
        raise ConformanceError(
            f"Endianness {found['endianness'].name}: the file is written in "
            f"{form.byte_order.value}-endian order (§3)"
        )
    if found["header_size"] != form.file_header_size:
        raise ConformanceError("HeaderSize: follows from `encryption` (§10)")
    if "encrypted" in found["flags"]:
        raise ConformanceError("Flags: encrypted follows from `encryption` (§10)")
    algorithm = found.get("hash_algo")
    name = "blake3" if algorithm is None else algorithm.name
    try:
        new_hasher(name)
    except FormatError as error:
        raise ConformanceError(f"HashAlgo: {error} (§3)") from None
    return found, name


def page_map_of(form: Schema, states: PageStates | None, pages: int, longest: int) -> PageMap:
    """Page states in any accepted form, as a `PageMap`.

    Args:
        longest: bytes that a payload may have.

    Raises:
        ConformanceError: they don't cover the pages in order.
    """
    if isinstance(states, PageMap):
        return states
    encode = form.page_states.encode
    if stored_size(pages) > longest:
        raise ConformanceError(f"{pages} pages have a map that no block can hold (§5.1)")
    if states is None:
        return PageMap.uniform(pages)
    try:
        runs: list[Run] = [(first, count, encode(state)) for first, count, state in states]
        return PageMap.from_runs(runs, pages)
    except ValueError as error:
        raise ConformanceError(f"PageStateMap: {error} (§6)") from None


def table_payload(
    form: Schema,
    kind: BlockType,
    fields: Mapping[str, Any],
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    where: str,
) -> list[bytes | Extent]:
    """The payload of a block that ends with a table, from the table's rows.

    They are taken some thousands at a time: made when they are asked for, they need not all be
    in memory.

    Raises:
        ConformanceError: the draft forbids it, or the block has no such payload.
    """
    layout = _layout(form, kind)
    last = layout.fields[-1]
    if not isinstance(last.type, Table):
        raise ConformanceError(f"{kind.name} does not end with a table ({kind.section})")
    head = layout.before(last.key)
    size = fields.get(last.type.entry_size_key, 0) if last.type.entry_size_key else 0
    entry = last.type.entry
    try:
        packer = RowPacker(entry, *columns)
    except NoFieldError:
        names = ", ".join(field.key for field in entry.fields)
        raise ConformanceError(
            f"{where}: expected columns of {names}, found {abbreviated(tuple(columns))}"
        ) from None
    except TypeError as error:
        raise ConformanceError(f"{where}: {error}") from None
    stored, count, rest = bytearray(), 0, iter(rows)
    while part := list(islice(rest, _AT_ONCE)):
        stored += packer.rows(part, count)
        count += len(part)
        if size and any(len(packer.rows([row])) != size for row in part):
            raise ConformanceError(
                f"{where}: {last.type.entry_size_key} {size}, but not every entry has that size "
                f"({last.section})"
            )
    record = checked(head, {**fields, last.type.count_key: count}, where)
    return [head.encode(record), bytes(stored)]


def stored_payload(form: Schema, kind: BlockType, payload: bytes, where: str) -> Record:
    """What a payload says that somebody else laid out, held against the draft.

    Raises:
        ConformanceError: it is not what the block's layout makes of what it says.
    """
    layout = _layout(form, kind)
    record = layout.decode(Cursor(BufferSource(payload), 0, len(payload)))
    if REST in record:
        raise ConformanceError(f"{where}: the payload is not laid out as a {kind.name} is")
    if layout.encode(checked(layout, record, where)) != payload:
        raise ConformanceError(f"{where}: the payload is not stored as the draft stores it")
    return record


def check_entries(
    form: Schema, kind: BlockType, columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> Iterable[Sequence[Any]]:
    """The rows of a table, once they are found to be such as the block must have.

    Raises:
        ConformanceError: they are not.
    """
    fields = demands_of(kind.key).fields
    demands = [one for one in fields if isinstance(one, (LowerCase, Roles))]
    if demands:
        rows = list(rows)
    for demand in demands:
        table = _layout(form, kind).field(demand.table).type
        assert isinstance(table, Table)
        flags = table.entry.field(demand.field).type
        entries: list[Mapping[str, Any]] = []
        place = list(columns).index(demand.field) if demand.field in columns else -1
        for row in rows if place >= 0 else ():
            try:
                value = row[place]
                if isinstance(flags, Flags):
                    value = flags.word.names(flags.word.encode(value))
            except (ValueError, TypeError, IndexError) as error:
                raise ConformanceError(f"{demand.field}: {error} ({demand.section})") from None
            entries.append({demand.field: value})
        demand.check_entries(entries)
    return rows


def flag_word(form: Schema, block_flags: BlockFlags) -> int:
    """The block flags that a caller may give.

    Raises:
        ConformanceError: there are others among them.
    """
    definition = form.flags["BlockFlags"]
    try:
        word = definition.encode(block_flags)
    except ValueError as error:
        raise ConformanceError(f"{error} (§4.2)") from None
    others = word & ~(definition.mask("has_children") | definition.mask("has_key_hints"))
    if others:
        raise ConformanceError(
            f"block flags {', '.join(definition.names(others))}: follow from what is written, "
            "and can't be set (§4.2)"
        )
    return word


def _layout(form: Schema, kind: BlockType) -> Layout:
    """The layout of a block, that of a later draft where this one only names it.

    Raises:
        ConformanceError: none did.
    """
    found = layout_of(form, kind.key)
    if found is None:
        raise ConformanceError(f"{kind.name}: no draft gives a payload layout ({kind.section})")
    return found
