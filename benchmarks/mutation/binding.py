"""Drafts in a byte order, faulty ones among them, bound fast."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from msl_construct.drafts import DRAFTS
from msl_construct.drafts.registry import in_place
from msl_construct.schema import ByteOrder, Draft, Layout, Schema
from msl_construct.schema.vocabulary import Binding

from .declarations import HEADERS, registry_of, within


class Bound:
    """What `schema()` asks for a draft in a byte order; faulty drafts can be put among them.

    Of a faulty draft only what differs from the right one is bound anew, since binding
    everything takes longer than reading a sample.
    """

    def __init__(self) -> None:
        self.originals = dict(DRAFTS)
        self._kept: dict[tuple[str, ByteOrder], Schema] = {}
        self._faulty: dict[ByteOrder, Schema] = {}
        self._uses: dict[int, set[str]] = {}
        for draft in self.originals.values():
            for layout in _outer(draft):
                self._uses[id(layout)] = _registries(layout)

    def __call__(self, draft: Draft, order: ByteOrder) -> Schema:
        """A draft in a byte order: a right one, or the one that stands in for it."""
        name = draft.name
        if draft is self.originals[name]:
            return self._original(name, order)
        if order not in self._faulty:
            self._faulty[order] = self._bind(self._original(name, order), draft)
        return self._faulty[order]

    @contextmanager
    def known(self, faulty: Draft) -> Iterator[None]:
        """A faulty draft in the place of the right one."""
        self._faulty = {}
        with in_place(faulty):
            yield

    def _original(self, name: str, order: ByteOrder) -> Schema:
        key = name, order
        if key not in self._kept:
            self._kept[key] = self.originals[name].bound(order)
        return self._kept[key]

    def _bind(self, right: Schema, faulty: Draft) -> Schema:
        """As `Draft.bound`, with everything that is the same taken from the right draft."""
        changed = _changed(right.draft, faulty)
        registries = {e.name: e for e in (*faulty.enumerations, faulty.block_type_registry)}
        binding = Binding(
            right.byte_order.prefix,
            MappingProxyType(registries),
            MappingProxyType({f.name: f for f in faulty.flags}),
            faulty.page_states,
        )
        known: dict[int, Any] = {
            id(getattr(right.draft, name)): getattr(right, name) for name in HEADERS
        }
        known.update((id(b.layout), right.blocks[b.code].layout) for b in right.draft.blocks)

        def bound(layout: Layout | None) -> Any:
            if layout is None:
                return None
            same = id(layout) in known and not self._uses[id(layout)] & changed
            return known[id(layout)] if same else layout.bound(binding)

        return Schema(
            draft=faulty,
            byte_order=right.byte_order,
            blocks=MappingProxyType(
                {b.code: replace(b, layout=bound(b.layout)) for b in faulty.blocks}
            ),
            enumerations=binding.enumerations,
            flags=binding.flags,
            page_states=faulty.page_states,
            **{name: bound(getattr(faulty, name)) for name in HEADERS},
        )


def _outer(draft: Draft) -> Iterator[Layout]:
    layouts = [getattr(draft, name) for name in HEADERS] + [b.layout for b in draft.blocks]
    return (layout for layout in layouts if layout is not None)


def _registries(layout: Layout) -> set[str]:
    names = {registry_of(field.type) for _, inner in within((), layout) for field in inner.fields}
    return {name for name in names if name is not None}


def _changed(right: Draft, faulty: Draft) -> set[str]:
    """Names of the registries that are not the same."""
    known = {id(registry) for registry in right.enumerations}
    changed = {r.name for r in faulty.enumerations if id(r) not in known}
    words = {id(word) for word in right.flags}
    changed |= {word.name for word in faulty.flags if id(word) not in words}
    if faulty.page_states is not right.page_states:
        changed.add("PageState")
    if [(b.code, b.name) for b in faulty.blocks] != [(b.code, b.name) for b in right.blocks]:
        changed.add("BlockType")
    return changed
