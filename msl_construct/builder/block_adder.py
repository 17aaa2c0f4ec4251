"""Adding blocks whose payload is at hand: by their fields, row by row, laid out, or opaque."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

from ..abbreviated import abbreviated
from ..errors import ConformanceError
from ..schema import BlockType, Schema
from ..source import BufferSource, Extent
from .arguments import BlockFlags, check_entries, flag_word, stored_payload, table_payload
from .block_demands import demands_of
from .blocks import NIL, BlockStream, Pieces, checked
from .file_state import BlockState

__all__ = ["BlockAdder"]


class BlockAdder:
    """Adds blocks to a capture or to a segment; see `Writer` and `SegmentWriter`.

    Every block type has a method ``add_<name>`` that takes the fields of its layout by
    name; lengths, counts, reserved bytes and padding follow from them. What the draft
    forbids is refused with a `ConformanceError` before a byte of it is written.
    """

    _END: ClassVar[str]
    """Key of the block type that closes what blocks are added to."""

    def __init__(
        self, schema: Schema, blocks: BlockStream, state: BlockState, compression: str | None
    ) -> None:
        self.schema = schema
        self.compression = compression
        self.blocks = blocks
        self._state = state

    # -- one method per block type -----------------------------------------------------

    def __getattr__(self, name: str) -> Callable[..., uuid.UUID]:
        """``add_<block type>`` for every type that the draft gives a layout."""
        if name.startswith("add_"):
            key = name.removeprefix("add_")
            try:
                kind = self.schema.block(key)
            except KeyError:
                known = [f"add_{b.key}" for b in self.schema.blocks.values() if b.layout]
                raise AttributeError(
                    f"{self.schema.name} has no block type {abbreviated(key)}; there are "
                    f"{', '.join(known)}"
                ) from None
            return partial(self.add, kind.key)
        raise AttributeError(name)

    def __dir__(self) -> list[str]:
        adders = [f"add_{b.key}" for b in self.schema.blocks.values() if b.layout is not None]
        return sorted({*super().__dir__(), *adders})

    def add(
        self,
        key: str,
        *,
        block_flags: BlockFlags = 0,
        block_uuid: uuid.UUID | None = None,
        parent_uuid: uuid.UUID = NIL,
        compression: str | None = None,
        **fields: Any,
    ) -> uuid.UUID:
        """Add a block of any type that has a layout; its BlockUUID.

        Args:
            key: the block type, for example ``related_dump``.
            block_flags: ``has_children`` and ``has_key_hints``, where later blocks will refer to
                this one; the others follow from what is written.
            compression: overrides the writer's; ``none`` stores this block as it is.

        Raises:
            ConformanceError: the draft forbids it.
        """
        if key == self._END:
            kind = self.schema.block(key)
            raise ConformanceError(
                f"{kind.name}: close() writes it, with its hash ({kind.section})"
            )
        return self._add(key, block_flags, block_uuid, parent_uuid, compression, fields)

    def _add(
        self,
        key: str,
        block_flags: BlockFlags,
        block_uuid: uuid.UUID | None,
        parent_uuid: uuid.UUID,
        compression: str | None,
        fields: Mapping[str, Any],
    ) -> uuid.UUID:
        kind = self.schema.find(key)
        if kind.layout is None:
            raise ConformanceError(
                f"{kind.name}: {self.schema.name} gives no payload layout ({kind.section}); "
                "add_opaque writes bytes as they are"
            )
        usual = {
            f.key: f.default for f in kind.layout.fields if f.optional and f.default is not None
        }
        record = checked(kind.layout, {**usual, **fields}, self._where(kind))
        word = flag_word(self.schema, block_flags)
        self._state.check(kind, record)
        payload = list(kind.layout.pieces(record))
        found = self._append(kind, payload, word, block_uuid, parent_uuid, compression)
        self._state.note(kind, record)
        return found

    def add_of_dialect(
        self,
        dialect: Schema,
        key: str,
        fields: Mapping[str, Any],
        *,
        block_flags: BlockFlags = 0,
        block_uuid: uuid.UUID | None = None,
        parent_uuid: uuid.UUID = NIL,
        compression: str | None = None,
    ) -> uuid.UUID:
        """Add a block that the draft does not register and a dialect lays out; its BlockUUID.

        For whoever takes over what a producer wrote: readers that know no dialects skip it.

        Args:
            dialect: one of the draft's dialects.
            key: the block type there.
            fields: of its layout.

        Raises:
            ConformanceError: the draft has a type of this code, or the dialect forbids it.
        """
        kind = dialect.block(key)
        if kind.code in self.schema.blocks or kind.layout is None:
            raise ConformanceError(
                f"{kind.name}: {self.schema.name} has a block type {kind.code:#06x} of its own, or "
                f"nobody lays it out ({kind.section})"
            )
        payload = list(kind.layout.pieces(checked(kind.layout, fields, self._where(kind))))
        self.blocks.register(dialect, kind)
        word = flag_word(self.schema, block_flags)
        return self._append(kind, payload, word, block_uuid, parent_uuid, compression)

    def add_opaque(
        self,
        key: str | int,
        payload: bytes | memoryview | Extent,
        *,
        block_flags: BlockFlags = 0,
        block_uuid: uuid.UUID | None = None,
        parent_uuid: uuid.UUID = NIL,
        compression: str | None = None,
    ) -> uuid.UUID:
        """Add a block whose payload the draft does not lay out; its BlockUUID.

        Raises:
            ConformanceError: the type is forbidden, or has a layout that must be used.
        """
        try:
            code = self.schema.enumerations["BlockType"].encode(key)
        except ValueError as error:
            raise ConformanceError(f"{error} (§4.3)") from None
        kind = self.schema.blocks.get(code)
        if kind is not None and kind.layout is not None:
            raise ConformanceError(
                f"{kind.name} has a layout ({kind.section}): use add_{kind.key} instead"
            )
        if kind is None:
            raise ConformanceError(
                f"block type {code:#06x} is not registered in {self.schema.name} (§4.3)"
            )
        if not isinstance(payload, Extent):
            payload = Extent(BufferSource(payload), 0, len(payload))
        word = flag_word(self.schema, block_flags)
        return self._append(kind, [payload], word, block_uuid, parent_uuid, compression)

    def add_table(
        self,
        key: str,
        columns: Sequence[str],
        rows: Iterable[Sequence[Any]],
        *,
        block_flags: BlockFlags = 0,
        block_uuid: uuid.UUID | None = None,
        compression: str | None = None,
        **fields: Any,
    ) -> uuid.UUID:
        """Add a block whose payload ends with a table, such as VAS Map; its BlockUUID.

        Like `add`, and made for very many rows. A block that the draft names without a
        layout gets the one that the newest draft gave it.

        Args:
            columns: keys of the entry's fields that are given, in the order of each row.
            rows: their values; texts and bytes, numbers, names, tuples of flag names.
            fields: the fields in front of the table.

        Raises:
            ConformanceError: the draft forbids it.
        """
        kind = self.schema.find(key)
        if any(demand.refers for demand in demands_of(key).fields):
            raise ConformanceError(
                f"{kind.name}: others refer to it, or it to others; use add_{key} ({kind.section})"
            )
        rows = check_entries(self.schema, kind, columns, rows)
        payload = table_payload(self.schema, kind, fields, columns, rows, self._where(kind))
        word = flag_word(self.schema, block_flags)
        return self._append(kind, payload, word, block_uuid, NIL, compression)

    def add_stored(
        self,
        key: str,
        payloads: Iterable[bytes],
        *,
        compression: str | None = None,
        check: bool = True,
    ) -> int:
        """Add blocks of one type whose payloads are laid out already; how many there were.

        For blocks by the thousand that differ in little, such as Thread Contexts. The caller
        vouches for the payloads: only the first one is read, and held against the draft. What
        the blocks of a file must say of each other is checked for all of them.

        Args:
            key: the block type. One that the draft names without a layout gets the one that
                the newest draft gave it.
            payloads: made when they are asked for, so that they need not all be in memory.
            compression: overrides the writer's.
            check: look at the first one now; otherwise the caller does it when there is time, by
                `check_stored`.

        Raises:
            ConformanceError: the draft forbids them, or has no such block.
        """
        kind = self.schema.find(key)
        refers = any(demand.refers for demand in demands_of(key).fields)
        if refers or kind.parent or key == self._END:
            raise ConformanceError(
                f"{kind.name}: others refer to it, or it to others; use add ({kind.section})"
            )
        count = 0
        for payload in payloads:
            if check and not count:
                self.check_stored(key, payload)
            extent = Extent(BufferSource(payload), 0, len(payload))
            self._append(kind, [extent], 0, None, NIL, compression)
            count += 1
        return count

    def check_stored(self, key: str, payload: bytes) -> None:
        """Hold a payload that is laid out already against the draft.

        Raises:
            ConformanceError: the draft forbids it, or has no such block.
        """
        kind = self.schema.find(key)
        record = stored_payload(self.schema, kind, payload, self._where(kind))
        self._state.check(kind, record)

    # -- inside ------------------------------------------------------------------------

    def _append(
        self,
        kind: BlockType,
        payload: Pieces,
        word: int,
        block_uuid: uuid.UUID | None,
        parent: uuid.UUID,
        compression: str | None,
    ) -> uuid.UUID:
        self.blocks.check_ready()
        named, parent = self._state.named(kind, block_uuid, parent)
        found = named or self.blocks.new_uuid()
        self.blocks.append(kind, payload, word, found, parent, self._algorithm(compression))
        return found

    def _where(self, kind: BlockType) -> str:
        return f"block {self.blocks.index} ({kind.key})"

    def _algorithm(self, compression: str | None) -> str | None:
        chosen = compression if compression is not None else self.compression
        return None if chosen == "none" else chosen
