"""What a table of a dump is: from which blocks it is made, and what a row of it has."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..drafts import DIALECTS
from ..reader.block import Block
from ..schema.vocabulary import DocumentOptions

if TYPE_CHECKING:
    from ..drafts.dialects import Dialect

__all__ = ["DocumentTable", "Header", "Row", "dialect_of", "entries_of", "of_blocks", "shown"]

Row = dict[str, Any]

Header = Mapping[str, Any]
"""Fields of the file header."""

_OPTIONS = DocumentOptions()


@dataclass(frozen=True)
class DocumentTable:
    """One table.

    Args:
        types: block types that it is made from; empty: all of them.
        text: a sentence for --help and the docs.
        columns: keys of a row, in order.
        rows: from the blocks, and the file header, to the rows.
        address: column of an address whose ``module`` and mapping ``name`` stand in two columns
            at the end; None: there is none.
        sources: those of `types` that rows stand in; empty: all of them.
    """

    types: tuple[str, ...]
    text: str
    columns: tuple[str, ...]
    rows: Callable[[Iterable[Block], Header], Iterator[Row]]
    address: str | None = None
    sources: tuple[str, ...] = ()

    @property
    def told_by(self) -> tuple[str, ...]:
        """Block types of which one is there if a dump says anything of this, even of none."""
        return self.sources or self.types


def of_blocks(
    rows: Callable[[Iterable[Block]], Iterator[Row]],
) -> Callable[[Iterable[Block], Header], Iterator[Row]]:
    """Rows that the file header has no part in."""
    return lambda blocks, _: rows(blocks)


def dialect_of(block: Block) -> Dialect | None:
    """The dialect that a block is read in."""
    return DIALECTS.get(block.schema.draft.dialect or "")


def entries_of(block: Block, key: str = "entries") -> Iterable[Mapping[str, Any]]:
    """Those entries of a table that could be decoded."""
    found: Iterable[Mapping[str, Any]] = block.payload.get(key) or ()
    return found


def shown(block: Block, keys: Iterable[str]) -> Row:
    """Fields of a payload as the document shows them; None for those that are not there."""
    kind = block.type
    row: Row = dict.fromkeys(keys)
    if kind is not None and kind.layout is not None and block.known_version:
        for key in row:
            if key in block.payload:
                value = block.payload[key]
                row[key] = kind.layout.field(key).type.to_document(value, _OPTIONS)
    return row
