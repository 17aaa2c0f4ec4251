"""How a layout reads: the fast path, derived from the fields.

Fields of constant width that stand side by side are read by one precompiled
`struct.Struct`; every other field by its own Construct.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from ..source import Cursor, Short
from .fields import Field
from .misfit import Misfit
from .values import Record
from .variable import Rest
from .vocabulary import Fixed

__all__ = ["Ended", "Step", "reading_steps"]

Step = Callable[[Cursor, Record], None]
"""Reads one field or one run of fields into the record."""


class Ended(Exception):
    """The payload ends where it may: before an optional field."""


def reading_steps(
    fields: Sequence[Field], order: str
) -> Iterator[Callable[[Cursor, Record], None]]:
    """Readers of the fields: one a run of constant widths, one a variable field."""
    run: list[Field] = []
    for field in fields:
        if run and (field.optional and not run[-1].optional):
            yield _run(run, order)
            run = []
        if isinstance(field.type, Fixed):
            run.append(field)
            continue
        if run:
            yield _run(run, order)
            run = []
        yield _single(field)
    if run:
        yield _run(run, order)


def _run(run: Sequence[Field], order: str) -> Step:
    kinds = [(f.key, f.type) for f in run if isinstance(f.type, Fixed)]
    packed = struct.Struct(order + "".join(kind.code for _, kind in kinds))
    keys = tuple(key for key, _ in kinds)
    loaders = tuple((at, kind.loader) for at, (_, kind) in enumerate(kinds) if not kind.plain)
    optional = run[0].optional
    size = packed.size

    def read(cursor: Cursor, record: Record) -> None:
        if optional and not cursor.remaining:
            raise Ended
        start = cursor.position
        try:
            raw = cursor.take(size)
        except Short:
            _read_singly(run, cursor, record)  # raises at the first that doesn't fit
            return
        values = list(packed.unpack(raw))
        for at, load in loaders:
            values[at] = load(values[at])
        record.update(zip(keys, values))
        if record.offsets is not None:
            for key, kind in kinds:
                record.offsets[key] = (start, kind.width)
                start += kind.width

    return read


def _single(field: Field) -> Step:
    key, decode, optional = field.key, field.type.decode, field.optional
    lazy = isinstance(field.type, Rest)

    def read(cursor: Cursor, record: Record) -> None:
        if optional and not cursor.remaining:
            raise Ended
        start = cursor.position
        try:
            record[key] = decode(cursor, record)
        except Short as short:
            raise Misfit(
                f"{short.needed} bytes",
                f"{short.remaining} before the end",
                path=key,
                offset=start,
                restart=start,
            ) from None
        except Misfit as misfit:
            if misfit.value is not None:
                record[key] = misfit.value
                if record.offsets is not None:
                    record.offsets[key] = (start, misfit.restart - start)
            raise misfit.at(key, start) from None
        if record.offsets is not None:
            record.offsets[key] = (start, record[key].length if lazy else cursor.position - start)

    return read


def _read_singly(run: Sequence[Field], cursor: Cursor, record: Record) -> None:
    for field in run:
        _single(replace(field, optional=False))(cursor, record)
