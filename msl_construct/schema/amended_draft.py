"""A draft with what it declares to become of things of its base."""

from __future__ import annotations

from dataclasses import Field as DataclassField
from dataclasses import replace
from typing import Any, ClassVar, Protocol, TypeVar

from .amendments import Amendment, Declared, amended
from .blocks import BlockType, ByteOrder, Coverage
from .codes import Enumeration, FlagDefinition
from .layout import Layout

__all__ = ["amended_draft", "chained", "linked"]

_HEADERS = ("file_header", "block_header", "compressed_payload", "encryption_header", "seal_header")


class _Drafted(Protocol):
    """What of a draft the words can change."""

    __dataclass_fields__: ClassVar[dict[str, DataclassField[Any]]]

    @property
    def name(self) -> str: ...
    @property
    def block_header(self) -> Layout: ...
    @property
    def blocks(self) -> tuple[BlockType, ...]: ...
    @property
    def enumerations(self) -> tuple[Enumeration, ...]: ...
    @property
    def flags(self) -> tuple[FlagDefinition, ...]: ...
    @property
    def page_states(self) -> Enumeration: ...
    @property
    def chain(self) -> tuple[Coverage, ...]: ...
    @property
    def byte_orders(self) -> tuple[ByteOrder, ...]: ...


_D = TypeVar("_D", bound=_Drafted)


def amended_draft(draft: _D, amendments: tuple[Amendment, ...]) -> _D:
    """A draft with what becomes of things of its base, in the order of the words.

    Raises:
        AmendmentError: one of the words is refused.
    """
    if not amendments:
        return draft
    headers: dict[str, Layout | None] = {name: getattr(draft, name) for name in _HEADERS}
    layouts = {name: one for name, one in headers.items() if one is not None}
    layouts.update({b.key: b.layout for b in draft.blocks if b.layout is not None})
    parts = Declared(
        draft.name,
        layouts,
        {block.key: block for block in draft.blocks},
        {one.name: one for one in (*draft.enumerations, draft.page_states)},
        {one.name: one for one in draft.flags},
        ByteOrder.BIG in draft.byte_orders,
        frozenset((link.structure, link.field) for link in draft.chain),
    )
    declared = amended(parts, amendments)
    blocks = (replace(b, layout=parts.layouts.get(b.key)) for b in parts.blocks.values())
    changed: dict[str, Any] = {
        **{name: parts.layouts.get(name) for name in _HEADERS},
        "blocks": tuple(sorted(blocks, key=lambda block: block.code)),
        "enumerations": tuple(parts.registries[one.name] for one in draft.enumerations),
        "page_states": parts.registries[draft.page_states.name],
        "flags": tuple(parts.flags[one.name] for one in draft.flags),
        "amendments": declared,
    }
    return replace(draft, **changed)


def chained(draft: _D) -> _D:
    """A draft, of which every hash of the chain that has a structure is a field.

    Raises:
        ValueError: one is not: whoever verifies would not find it.
    """
    layouts: dict[str, Layout | None] = {block.key: block.layout for block in draft.blocks}
    layouts["block_header"] = draft.block_header
    for link in draft.chain:
        layout = layouts.get(link.structure)
        if layout is not None and all(one.key != link.field for one in layout.fields):
            raise ValueError(
                f"{draft.name}: {link.structure} has no {link.field}, which the integrity chain "
                "names: leave the field where it is"
            )
    return draft


def linked(links: tuple[Coverage, ...], fresh: tuple[Coverage, ...]) -> tuple[Coverage, ...]:
    """The chain with further links; one for a hash that it has stands in that one's place."""
    new = {(one.structure, one.field): one for one in fresh}
    kept = [new.pop((one.structure, one.field), one) for one in links]
    return (*kept, *new.values())
