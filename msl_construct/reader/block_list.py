"""The blocks of a dump as a sequence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import overload

from ..abbreviated import abbreviated
from ..drafts import DIALECTS, DRAFTS
from .block import Block
from .opened import Indexed

__all__ = ["Blocks"]


class Blocks(Sequence[Block]):
    """The blocks of a dump, made when they are asked for."""

    def __init__(self, dump: Indexed, first: int, stop: int) -> None:
        self._dump = dump
        self._range = range(first, stop)

    def __len__(self) -> int:
        return len(self._range)

    @overload
    def __getitem__(self, index: int) -> Block: ...
    @overload
    def __getitem__(self, index: slice) -> list[Block]: ...
    def __getitem__(self, index: int | slice) -> Block | list[Block]:
        if isinstance(index, slice):
            return [self._dump.block(i) for i in self._range[index]]
        return self._dump.block(self._range[index])

    def __iter__(self) -> Iterator[Block]:
        return map(self._dump.block, self._range)

    def __repr__(self) -> str:
        return f"<{len(self)} blocks>"

    def of_type(self, *keys: str) -> Iterator[Block]:
        """Blocks of some types, found without reading the others.

        Raises:
            KeyError: no draft knows such a type.
        """
        return map(self._dump.block, self.indexes_of_type(*keys))

    def indexes_of_type(self, *keys: str) -> Iterator[int]:
        """Indexes of blocks of some types.

        Raises:
            KeyError: no draft knows such a type.
        """
        codes = {code for key in keys if (code := self._code(key)) is not None}
        types = self._dump.index.types
        return (i for i in self._range if types[i] in codes)

    def _code(self, key: str) -> int | None:
        """The code of a block type; None for one that only another draft or dialect has."""
        dialects = (dialect.draft for dialect in DIALECTS.values())
        for draft in (self._dump.schema.draft, *DRAFTS.values(), *dialects):
            for block in draft.blocks:
                if block.key == key:
                    return block.code if draft is self._dump.schema.draft else None
        raise KeyError(f"no draft has a block type {abbreviated(key)}")
