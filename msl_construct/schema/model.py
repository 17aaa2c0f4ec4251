"""Drafts, overlays, and the bound `Schema` that everything else uses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from struct import Struct
from types import MappingProxyType
from typing import Protocol, TypeVar

from ..abbreviated import abbreviated
from ..errors import ConformanceError
from ..page_map import PAGES_PER_BYTE
from .amended_draft import amended_draft, chained, linked
from .amendments import Amendment
from .base import Binding, OneOf
from .blocks import BlockType, ByteOrder, Coverage
from .codes import Enumeration, FlagDefinition, FlagValue, Span, Value
from .declared import demand, demand_each, demand_name
from .fields import Field, Note
from .layout import Layout
from .overlaid_blocks import codes_of, overlaid
from .vocabulary import Fixed, Magic, Uint
from .whole_block import WholeBlock

__all__ = ["Draft", "Identified", "Schema"]

T = TypeVar("T")


class Identified(Protocol):
    """What a draft holds for those who judge files by it: a rule or a statement."""

    @property
    def id(self) -> str:
        """What it is called."""


def _by_name(draft: str, part: str, given: Mapping[str, T] | None, expected: str) -> dict[str, T]:
    """What an overlay says of something that its base has, by its name.

    Raises:
        ValueError: it is no such mapping.
    """
    if given is not None and not isinstance(given, Mapping):
        raise ValueError(f"{draft}: {part}: expected {expected} by name: {{'…': …}}")
    return dict(given or {})


@dataclass(frozen=True, eq=False, repr=False)
class Draft:
    """Everything one draft declares, without a byte order.

    Attributes:
        base: the draft that this one is an overlay of.
        removed: fields of the base that this one no longer has.
        amendments: what it declares to become of things of its base.
        rules, statements: those that this draft adds to its base's; see `msl_construct.rules`.
        without_rules: ids, or patterns (``fnmatch``) of ids, of rules of the base that no
            longer hold.
        dialect: name of the dialect that this is, if it is one.
    """

    name: str
    version: int
    status: str
    file_header: Layout
    block_header: Layout
    compressed_payload: Layout
    blocks: tuple[BlockType, ...]
    block_type_spans: tuple[Span, ...]
    enumerations: tuple[Enumeration, ...]
    flags: tuple[FlagDefinition, ...]
    page_states: Enumeration
    chain: tuple[Coverage, ...]
    byte_orders: tuple[ByteOrder, ...]
    base: Draft | None = None
    removed: tuple[Field, ...] = ()
    payload_version: int = 1
    segments: bool = False
    notes: tuple[Note, ...] = ()
    encryption_header: Layout | None = None
    seal_header: Layout | None = None
    dialect: str | None = None
    rules: tuple[Identified, ...] = ()
    without_rules: tuple[str, ...] = ()
    statements: tuple[Identified, ...] = ()
    amendments: tuple[Amendment, ...] = ()

    def overlay(
        self,
        name: str,
        version: int,
        status: str,
        *,
        layouts: Mapping[str, Callable[[Layout], Layout]] | None = None,
        blocks: Iterable[BlockType] = (),
        values: Mapping[str, Iterable[Value]] | None = None,
        bits: Mapping[str, Iterable[object]] | None = None,
        enumerations: Iterable[Enumeration] = (),
        flags: Iterable[FlagDefinition] = (),
        page_states: Iterable[Value] = (),
        chain: Iterable[Coverage] = (),
        segment_blocks: Iterable[int | str] = (),
        segment_only_blocks: Iterable[int | str] = (),
        forbidden_blocks: Iterable[int | str] = (),
        rules: Iterable[Identified] = (),
        without_rules: Iterable[str] = (),
        statements: Iterable[Identified] = (),
        amendments: Iterable[Amendment] = (),
        **others: object,
    ) -> Draft:
        """The draft that follows from this one by the changes given, and nothing else.

        Args:
            layouts: edits of ``file_header`` or another header, of ``compressed_payload`` or a
                block type's layout, by key.
            blocks: new block types, or known codes that now have a layout.
            values, bits: codes and flags by the name of their enumeration or flag word; one that
                is registered already gets the new meaning.
            segment_blocks: earlier block types, by code or key, that extension segments may hold.
            segment_only_blocks: those of them that a capture may no longer hold.
            forbidden_blocks: earlier block types that may no longer be written.
            rules: rules of its own; those of this draft hold as well.
            without_rules: ids or patterns of those that no longer do.
            statements: what this draft demands, beside its base.
            chain: further hashes, or what a hash of this draft's is now that of.
            amendments: what becomes of things of this draft, in words: `rename` and its like,
                applied in their order behind all other edits.
            others: attributes of the draft that it has instead of this one's.

        Raises:
            ValueError: something is changed that this draft does not have, or declared twice; or
                a field is gone that the integrity chain names.
        """
        demand_name("overlay", "name", name, "the draft's name")
        demand(name, "version", version, (int,), "a number such as 0x0102")
        demand(name, "status", status, (str,), "a text")
        edits = _by_name(name, "layouts", layouts, "an edit of a Layout")
        for key, edit in edits.items():
            if not callable(edit):
                raise ValueError(f"{name}: layouts: {key}: expected a function of a Layout")
        removed: list[Field] = []

        def edited(key: str, layout: Layout) -> Layout:
            if key not in edits:
                return layout
            new = edits.pop(key)(layout)
            if not isinstance(new, Layout):
                raise ValueError(
                    f"{name}: the edit of {key} gives {type(new).__name__}, expected a Layout"
                )
            kept = {f.name for f in new.fields}
            removed.extend(replace(f, until=self.name) for f in layout.fields if f.name not in kept)
            return new

        for key in ("block_header", "encryption_header", "seal_header"):
            given = others.get(key, getattr(self, key))
            if isinstance(given, Layout):  # None: the draft has no such header
                others[key] = edited(key, given)
        merged = overlaid(
            name,
            self.name,
            self.blocks,
            fresh=blocks,
            edited=edited,
            in_segment=codes_of(name, self.name, self.blocks, segment_blocks),
            only_there=codes_of(name, self.name, self.blocks, segment_only_blocks),
            forbidden=codes_of(name, self.name, self.blocks, forbidden_blocks),
        )
        more_values = _by_name(name, "values", values, "Values")
        more_bits = _by_name(name, "bits", bits, "Bits")
        enumerations = demand_each(
            name, "enumerations", enumerations, (Enumeration,), "an Enumeration"
        )
        flags = demand_each(name, "flags", flags, (FlagDefinition,), "a FlagDefinition")
        chain = demand_each(name, "chain", chain, (Coverage,), "a Coverage")
        without_rules = demand_each(name, "without_rules", without_rules, (str,), "a rule's id")
        draft = replace(
            self,
            name=name,
            version=version,
            status=status,
            base=self,
            file_header=self._versioned(edited("file_header", self.file_header), version),
            compressed_payload=edited("compressed_payload", self.compressed_payload),
            blocks=merged,
            enumerations=(
                *(e.adding(name, more_values.pop(e.name, ())) for e in self.enumerations),
                *(e.stamped(name) for e in enumerations),
            ),
            flags=(
                *(f.adding(name, more_bits.pop(f.name, ())) for f in self.flags),  # type: ignore[arg-type]
                *(f.stamped(name) for f in flags),
            ),
            page_states=self.page_states.adding(name, page_states),
            chain=linked(self.chain, tuple(chain)),
            removed=tuple(removed),
            rules=tuple(rules),
            without_rules=tuple(without_rules),
            statements=tuple(statements),
            **others,  # type: ignore[arg-type]
        )
        left = [*edits, *more_values, *more_bits]
        if left:
            raise ValueError(f"{name}: nothing in {self.name} is called {', '.join(left)}")
        return chained(amended_draft(draft, tuple(amendments)))

    def _versioned(self, header: Layout, version: int) -> Layout:
        """A file header whose Version is another one, unless its Version was edited."""
        field = next((one for one in header.fields if one.key == "version"), None)
        if field is None or version == self.version or field.default != self.version:
            return header
        kind = Uint(field.type.minimum, shown="version", valid=OneOf((version,)))
        return header.changing(field.name, type=kind, default=version)

    def __repr__(self) -> str:
        return f"<Draft {self.name}>"

    @property
    def lineage(self) -> Iterator[Draft]:
        """This draft, the one that it is an overlay of, and so on to the first."""
        draft: Draft | None = self
        while draft is not None:
            yield draft
            draft = draft.base

    def since(self, name: str) -> bool:
        """Whether this is the draft of a name, or follows from it: what it brought is in force."""
        return any(draft.name == name for draft in self.lineage)

    def ancestor(self, name: str) -> Draft | None:
        """The draft of a name in the lineage; None: it is not there."""
        return next((draft for draft in self.lineage if draft.name == name), None)

    def has_state(self, name: str) -> bool:
        """Whether a page can be in a state, for example ``not_resident``."""
        return any(state.name == name for state in self.page_states.values)

    @cached_property
    def block_type_registry(self) -> Enumeration:
        """The block types as an enumeration: derived, so that no code is written twice."""
        return Enumeration(
            "BlockType",
            2,
            "§4.3",
            "What a block holds, and so which layout its payload has.",
            tuple(
                Value(b.code, b.name, text=b.text, since=b.since, reserved=b.forbidden)
                for b in self.blocks
            ),
            self.block_type_spans,
        )

    def bound(self, byte_order: ByteOrder) -> Schema:
        """This draft in one byte order; the same object every time."""
        found = self._bound.get(byte_order)
        if found is None:
            found = self._bound[byte_order] = self._bind(byte_order)
        return found

    @cached_property
    def _bound(self) -> dict[ByteOrder, Schema]:
        return {}

    def __getstate__(self) -> dict[str, object]:
        return {name: value for name, value in self.__dict__.items() if name != "_bound"}

    def _bind(self, byte_order: ByteOrder) -> Schema:
        registries = {e.name: e for e in (*self.enumerations, self.block_type_registry)}
        binding = Binding(
            byte_order.prefix,
            MappingProxyType(registries),
            MappingProxyType({f.name: f for f in self.flags}),
            self.page_states,
            self.name,
        )
        return Schema(
            draft=self,
            byte_order=byte_order,
            file_header=self.file_header.bound(binding),
            block_header=self.block_header.bound(binding),
            compressed_payload=self.compressed_payload.bound(binding),
            blocks=MappingProxyType(
                {
                    b.code: replace(b, layout=b.layout.bound(binding) if b.layout else None)
                    for b in self.blocks
                }
            ),
            enumerations=binding.enumerations,
            flags=binding.flags,
            page_states=self.page_states,
            encryption_header=(
                self.encryption_header.bound(binding) if self.encryption_header else None
            ),
            seal_header=self.seal_header.bound(binding) if self.seal_header else None,
        )


@dataclass(frozen=True, eq=False, repr=False)
class Schema:
    """A draft in one byte order: immutable, and all that is needed to read or write a file.

    Attributes:
        file_header, block_header, compressed_payload: Constructs of these structures.
        encryption_header: what stands behind the file header of an encrypted file, or None.
        seal_header: what stands in front of a segment that is encrypted on its own, or None.
        blocks: block types by code; `BlockType.layout` is the payload's Construct.
        enumerations, flags: registries by the specification's name.
    """

    draft: Draft
    byte_order: ByteOrder
    file_header: Layout
    block_header: Layout
    compressed_payload: Layout
    blocks: Mapping[int, BlockType]
    enumerations: Mapping[str, Enumeration]
    flags: Mapping[str, FlagDefinition]
    page_states: Enumeration
    encryption_header: Layout | None = None
    seal_header: Layout | None = None

    def __repr__(self) -> str:
        return f"<Schema {self.draft.name}, {self.byte_order.value}>"

    def __reduce__(self) -> tuple[object, ...]:
        return Draft.bound, (self.draft, self.byte_order)

    def __getattr__(self, key: str) -> Layout:
        """The Construct of a block type's payload: ``schema.memory_region``."""
        found = None if key.startswith("_") else self._by_key.get(key)
        if found is None:
            known = ", ".join(one.key for one in self.blocks.values() if one.layout)
            raise AttributeError(f"{self.name} has no structure {key!r}; its payloads are {known}")
        if found.layout is None:
            raise AttributeError(f"{self.name} gives no layout of {key!r} ({found.section})")
        return found.layout

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self.layouts})

    @property
    def name(self) -> str:
        """The draft's name, for example ``draft-2026-03``."""
        return self.draft.name

    @cached_property
    def file_magic(self) -> bytes:
        """The first bytes of every file."""
        return _magic(self.file_header)

    @cached_property
    def block_magic(self) -> bytes:
        """The first bytes of every block."""
        return _magic(self.block_header)

    @cached_property
    def seal_magic(self) -> bytes:
        """The first bytes of every sealed segment; empty where a draft has none."""
        return b"" if self.seal_header is None else _magic(self.seal_header)

    @cached_property
    def compressed(self) -> int:
        """The flag that a block whose payload is compressed has; 0 where there is none."""
        return self._flag("compressed")

    @cached_property
    def identity(self) -> Struct:
        """Reads of a block's header BlockType, Flags, PayloadVersion, BlockUUID and ParentUUID."""
        keys = ("block_type", "flags", "payload_version", "block_uuid", "parent_uuid")
        return self.block_header.unpacker(*keys)

    @cached_property
    def page_state_names(self) -> tuple[str, ...]:
        """The names of a page's states by their stored codes."""
        return tuple(self.page_states.decode(code).name for code in range(PAGES_PER_BYTE))

    @cached_property
    def key_of(self) -> Callable[[int], str]:
        """The name of a block type by its code, which is in hex where the draft registers none."""
        kind = self.block_header.field("block_type").type
        assert isinstance(kind, Fixed)
        load = kind.loader
        known: dict[int, str] = {}

        def key_of(code: int) -> str:
            if code not in known:
                known[code] = str(load(code).name)
            return known[code]

        return key_of

    @cached_property
    def block_flags(self) -> Callable[[int], FlagValue]:
        """The flags of a block from their stored number."""
        kind = self.block_header.field("flags").type
        assert isinstance(kind, Fixed)
        return kind.loader

    @cached_property
    def continuation(self) -> int:
        """The flag of a later fragment of a memory region; 0 where there is none."""
        return self._flag("continuation")

    def _flag(self, name: str) -> int:
        word = self.flags["BlockFlags"]
        return word.mask(name) if word.has(name) else 0

    @cached_property
    def block_header_size(self) -> int:
        """The size of a block without payload, and so the least BlockLength."""
        return self.block_header.size

    @cached_property
    def file_header_size(self) -> int:
        """The size of the file header without any extension."""
        return self.file_header.size

    @cached_property
    def _by_key(self) -> Mapping[str, BlockType]:
        return {b.key: b for b in self.blocks.values()}

    @cached_property
    def block(self) -> WholeBlock:
        """The Construct of a whole block; called with a key or a code, its block type."""
        return WholeBlock(
            self.block_header,
            self.compressed_payload,
            self.blocks,
            self.flags["BlockFlags"],
            self.draft.payload_version,
        )

    def find(self, key: str) -> BlockType:
        """A block type by its key, for those who write one.

        Raises:
            ConformanceError: the draft registers no such type.
        """
        found = self._by_key.get(key)
        if found is None:
            raise ConformanceError(f"{self.name} has no block type {abbreviated(key)} (§4.3)")
        return found

    @cached_property
    def layouts(self) -> Mapping[str, Layout]:
        """Every structure by key: the headers, the compressed framing, the payloads."""
        headers = (
            self.file_header,
            self.encryption_header,
            self.seal_header,
            self.block_header,
        )
        found = {layout.key: layout for layout in headers if layout is not None}
        found["compressed_payload"] = self.compressed_payload
        found.update({b.key: b.layout for b in self.blocks.values() if b.layout is not None})
        return MappingProxyType(found)

    @cached_property
    def settled(self) -> bool:
        """Whether all structures can be made, which is done when they are first asked for.

        Raises:
            KeyError: a field names a registry that the draft does not have.
        """
        for layout in self.layouts.values():
            layout.settle()
        return True

    def coverage(self, structure: str) -> Coverage:
        """The hash that a structure stores."""
        return next(c for c in self.draft.chain if c.structure == structure)


def _magic(layout: Layout) -> bytes:
    found = next((f.type.magic for f in layout.fields if isinstance(f.type, Magic)), None)
    if found is None:
        raise ValueError(f"{layout.title} has no Magic, which readers find it by")
    return found
