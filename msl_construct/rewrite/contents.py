"""What the blocks of an old file say, as the draft of the new one has it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from functools import lru_cache

from ..abbreviated import abbreviated
from ..builder.block_demands import LowerCase, Roles, demands_of
from ..builder.blocks import checked
from ..drafts import DIALECTS, dialect_schema, layout_of
from ..errors import ConformanceError
from ..reader.block import RAW, Block
from ..reader.dialects import plain_schema
from ..reader.dump import Dump
from ..schema import BlockType, Field, Layout, Record, Schema
from ..source import Extent
from .losses import Loss, Losses
from .regions import RegionPart
from .translation import Translation, independent

__all__ = ["Content", "Contents", "written_as", "written_by", "written_layout"]

Content = Record | bytes | Extent
"""Fields of a layout, or a payload as it is stored."""

_HASHES = ("disk_hash",)
"""Fields that hold a hash by the file's algorithm."""


class Contents:
    """Translates the blocks of one dump.

    Args:
        dump: the old file.
        target: what is written.
        renamed: BlockUUIDs that are others in the new file, by the bytes of the old ones.
        same_hashes: whether hashes of modules mean the same in the new file.

    Attributes:
        registries: what readers take a code for that the target's draft gives no name.
    """

    def __init__(
        self,
        dump: Dump,
        target: Schema,
        renamed: Mapping[bytes, uuid.UUID],
        *,
        same_hashes: bool,
    ) -> None:
        self.dump, self.target = dump, target
        self._renamed = renamed
        self._same_hashes = same_hashes
        self._turned = target.byte_order is not dump.schema.byte_order
        dialect = next(_dialects(target), None)
        self.registries = {} if dialect is None else dialect.enumerations

    def of_block(self, block: Block, key: str, losses: Losses | None = None) -> Content:
        """What a block says, that is of this type in the new file.

        Args:
            losses: where to tell of what is lost; None: nowhere, as it was told of before.

        Raises:
            ConformanceError: the draft forbids it, or lays out what the old one does not.
        """
        kind = written_as(self.target, key)
        target = written_layout(self.target, key)
        if kind is None:
            raise ConformanceError(f"{self.target.name} registers no such type")
        if target is None or (kind.layout is None and not _is_laid_out(block)):
            return self._raw(block, losses)
        source = _layout_of(block)
        fields = self._translation(block, losses).fields(block.payload, source, target)
        self._forget_hashes(block, fields, losses)
        record = checked(target, fields)
        missing = [one.name for one in target.fields if not _there(one, record)]
        if missing:
            raise ConformanceError(f"{', '.join(missing)}: nothing that could be read")
        if kind.layout is None:  # a later draft's, which this one stores and does not describe
            return b"".join(bytes(piece) for piece in target.pieces(record))
        for demand in demands_of(key).fields:
            if isinstance(demand, Roles):
                demand.check_entries(record[demand.table])
            elif isinstance(demand, LowerCase):
                self._lower(block, fields[demand.table], demand, losses)
        return fields

    def of_region(self, part: RegionPart, losses: Losses | None = None) -> Record:
        """The fields of a region, but for its pages.

        Raises:
            ConformanceError: the draft forbids them.
        """
        block = part.head.block
        target = self.target.block("memory_region").layout
        assert target is not None
        layout, source = (one.before("page_state_map") for one in (target, _layout_of(block)))
        wanted = {one.key for one in layout.fields}
        named = Record({k: v for k, v in block.payload.items() if k in wanted})
        fields = self._translation(block, losses).fields(named, source, layout)
        fields["base_addr"] = part.base_addr
        fields["region_size"] = sum(one.pages.pages for one in part.fragments) * part.page_size
        fields["page_size_log2"] = part.page_size.bit_length() - 1
        checked(layout, fields)
        for fragment in part.fragments:
            for key in ("protection", "region_type"):
                if losses is not None and fragment.payload[key] != block.payload[key]:
                    text = f"{fragment.block.describe()}: {key}: another one than its region has"
                    losses.add(Loss("form", text, fragment.block.offset, fragment.block.index, key))
        return fields

    def provenance(self, block: Block, losses: Losses) -> tuple[Record, list[str]] | None:
        """What an Import Provenance says, and what else it says, for its Note.

        None: the draft forbids it.
        """
        target = self.target.block("import_provenance").layout
        assert target is not None
        extra: list[str] = []
        told = Losses()
        try:
            source = _layout_of(block)
            fields = self._translation(block, told).fields(block.payload, source, target)
            checked(target, fields)
        except ConformanceError as error:
            losses.add(Loss("draft", f"must not be written: {error}", block.offset, block.index))
            return None
        for loss in told:
            value = block.payload.get(loss.field)
            if loss.field not in plain_keys(target) and isinstance(value, bytes):
                extra.append(f"{loss.field}={value.hex()}")
                continue
            if loss.field in fields:
                extra.append(f"original_{loss.field}={value}")
            losses.add(loss)
        return fields, extra

    def of_row(self, key: str, row: Record) -> Record:
        """The fields of a block that a row of some table speaks of."""
        target = self.target.block(key).layout
        assert target is not None
        return self._translation(None, None).fields(row, target, target)

    def of_header(self, losses: Losses) -> Record:
        """The fields of the file header that say something of the target and of the time."""

        def tell(kind: str, where: str, text: str) -> None:
            losses.add(Loss(kind, f"file header: {where}: {text}", 0, None, where))

        old = self.dump.header
        translation = Translation(tell, {}, self._turned, self.registries)
        record = Record({k: v for k, v in old.record.items() if k not in _OWN})
        source, target = old.schema.file_header, self.target.file_header
        found = translation.fields(record, source, target)
        return Record({key: value for key, value in found.items() if key not in _OWN})

    # -- inside ------------------------------------------------------------------------

    def _translation(self, block: Block | None, losses: Losses | None) -> Translation:
        def tell(kind: str, where: str, text: str) -> None:
            if losses is not None and block is not None:
                message = f"{block.describe()}: {where}: {text}"
                losses.add(Loss(kind, message, block.offset, block.index, where))

        return Translation(tell, self._renamed, self._turned, self.registries)

    def _lower(
        self, block: Block, rows: list[Record], demand: LowerCase, losses: Losses | None
    ) -> None:
        for number, row in enumerate(rows):
            text = row[demand.field]
            if text is not None and text != text.lower():
                row[demand.field] = text.lower()
                if losses is not None:
                    where = f"{demand.table}[{number}].{demand.field}"
                    told = f"{block.describe()}: {where}: {abbreviated(text)} becomes lower case"
                    losses.add(Loss("form", told, block.offset, block.index, where))

    def _forget_hashes(self, block: Block, fields: Record, losses: Losses | None) -> None:
        if self._same_hashes:
            return
        for key in _HASHES:
            if any(fields.get(key, b"")):
                fields[key] = bytes(len(fields[key]))
                if losses is not None:
                    text = f"{block.describe()}: {key}: {self.target.name} has no such algorithm"
                    losses.add(Loss("draft", text, block.offset, block.index, key))

    def _raw(self, block: Block, losses: Losses | None) -> Extent:
        """A payload as it is stored, inflated."""
        payload = block.payload
        if RAW not in payload:
            plain = plain_schema(self.dump.schema)
            payload = self.dump.block_in(plain, block.index).payload
        if RAW not in payload:
            raise ConformanceError("it has a layout here, and none in the new file")
        if self._turned and losses is not None:
            text = "nobody says in which byte order its numbers are: they stay as they are stored"
            losses.add(Loss("draft", f"{block.describe()}: {text}", block.offset, block.index, RAW))
        found: Extent = payload[RAW]
        return found


_OWN = (
    "magic",
    "endianness",
    "header_size",
    "version",
    "flags",
    "cap_bitmap",
    "dump_uuid",
    "block_count",
    "hash_algo",
)
"""Fields of the file header that follow from what is written."""


@lru_cache(maxsize=1024)
def written_by(target: Schema, key: str) -> Schema | None:
    """What a block of this type is written by in a file of a draft; None: there is no such type.

    What a draft has no type for is written as a dialect of that draft has it, where the draft has
    no other use for the code and lays out the type whose child it is: readers that know no
    dialect skip it.
    """
    laid_out = {kind.key for kind in target.blocks.values() if kind.layout is not None}
    if any(kind.key == key for kind in target.blocks.values()):
        return target
    for dialect in _dialects(target):
        for kind in dialect.blocks.values():
            added = kind.layout is not None and kind.code not in target.blocks
            if kind.key == key and added and kind.parent in laid_out:
                return dialect
    return None


def written_as(target: Schema, key: str) -> BlockType | None:
    """The type of such a block; None: see `written_by`."""
    found = written_by(target, key)
    return None if found is None else found.block(key)


@lru_cache(maxsize=1024)
def written_layout(target: Schema, key: str) -> Layout | None:
    """The layout that a block gets in a file of a draft; None: nobody has one.

    Where the draft registers a type and does not lay it out, that of a later draft, or of the first
    of its dialects that has one: its readers can make sense of that.
    """
    if written_by(target, key) is target:
        found = layout_of(target, key)
        if found is not None:
            return found
    for dialect in _dialects(target):
        for kind in dialect.blocks.values():
            if kind.key == key and kind.layout is not None:
                return kind.layout
    return None


def _dialects(target: Schema) -> Iterator[Schema]:
    """The dialects of a draft, those that are preferred first."""
    for name, dialect in DIALECTS.items():
        if dialect.draft.name == target.name and target.byte_order in dialect.draft.byte_orders:
            yield dialect_schema(name, target.byte_order)


def _there(field: Field, record: Record) -> bool:
    return field.optional or field.key in record


def _is_laid_out(block: Block) -> bool:
    """Whether a block was read with a layout."""
    return block.type is not None and block.type.layout is not None and RAW not in block.payload


def _layout_of(block: Block) -> Layout:
    """The layout that a block was read with.

    Raises:
        ConformanceError: there is none.
    """
    found = None if block.type is None else block.type.layout
    if found is None or RAW in block.payload:
        raise ConformanceError(f"{block.schema.name} has no layout for it")
    return found


def plain_keys(layout: Layout) -> set[str]:
    """The fields of a layout that say something of their own."""
    return set(independent(layout))
