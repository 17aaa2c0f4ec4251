"""Writing rows as Parquet, CSV or JSON lines; in memory are some thousand of them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain, islice
from typing import IO, TYPE_CHECKING, Any

from ..document.csv_cells import cell
from ..errors import ExportError
from .columns import ColumnKind, LakeTable

if TYPE_CHECKING:
    import pyarrow

__all__ = ["WRITERS", "require"]

Row = Mapping[str, Any]

_AT_ONCE = 1 << 16


def require(form: str) -> None:
    """Make sure that a format can be written.

    Raises:
        ExportError: a library is missing; the message says which.
    """
    if form == "parquet":
        _arrow()


def _arrow() -> Any:
    try:
        import pyarrow.parquet
    except ImportError:
        raise ExportError(
            "Parquet needs pyarrow: pip install 'msl-construct[lake]'; or take --to csv, ndjson"
        ) from None
    return pyarrow


def _batches(rows: Iterable[Row]) -> Iterator[Sequence[Row]]:
    iterator = iter(rows)
    while batch := list(islice(iterator, _AT_ONCE)):
        yield batch


def write_parquet(table: LakeTable, rows: Iterable[Row], file: IO[bytes]) -> None:
    """A Parquet file, compressed with zstd; numbers are uint64."""
    batches = _batches(rows)
    first = next(batches, None)
    if first is None:  # most dumps have no rows in most tables
        file.write(_without_rows(table))
        return
    arrow = _arrow()
    schema = _schema(table)
    with arrow.parquet.ParquetWriter(file, schema, compression="zstd") as writer:
        for batch in chain((first,), batches):
            writer.write_table(arrow.Table.from_pylist(list(batch), schema=schema))


@lru_cache(maxsize=64)
def _without_rows(table: LakeTable) -> bytes:
    file = io.BytesIO()
    with _arrow().parquet.ParquetWriter(file, _schema(table), compression="zstd"):
        pass
    return file.getvalue()


@lru_cache(maxsize=64)
def _schema(table: LakeTable) -> pyarrow.Schema:
    arrow = _arrow()
    kinds = {
        ColumnKind.NUMBER: arrow.uint64(),
        ColumnKind.REAL: arrow.float64(),
        ColumnKind.TEXT: arrow.string(),
        ColumnKind.TRUTH: arrow.bool_(),
        ColumnKind.TEXTS: arrow.list_(arrow.string()),
    }
    return arrow.schema([(column.name, kinds[column.kind]) for column in table.columns])


def write_csv(table: LakeTable, rows: Iterable[Row], file: IO[bytes]) -> None:
    """CSV with a line of names; several texts of a cell have spaces between them."""
    text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=False)
    writer = csv.writer(text, lineterminator="\n")
    names = [column.name for column in table.columns]
    writer.writerow(names)
    for row in rows:
        writer.writerow([_cell(row[name]) for name in names])
    text.flush()
    text.detach()


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else cell(value)


def write_ndjson(table: LakeTable, rows: Iterable[Row], file: IO[bytes]) -> None:
    """A JSON object a line; numbers beyond 2^53 are exact, for whoever reads them so."""
    for row in rows:
        file.write(json.dumps(row).encode() + b"\n")


WRITERS: Mapping[str, Callable[[LakeTable, Iterable[Row], IO[bytes]], None]] = {
    "parquet": write_parquet,
    "csv": write_csv,
    "ndjson": write_ndjson,
}
"""By the name of the format, which is the ending of its files as well."""
