"""Small files under a draft, each about something that a change concerns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

from ..corpus.assemble import assemble
from ..corpus.base_plans import encrypted, live, minimal
from ..corpus.faults import all_faults
from ..corpus.plan import Edit, Form, Plan
from ..corpus.valid_encrypted import encrypted_with_sealed_segment
from ..drafts import PUBLIC, schema
from ..errors import MslError
from ..rules.engine import rules_for
from ..schema.base import OneOf
from ..schema.codes import Enumeration, FlagDefinition
from ..schema.vocabulary import Fixed, Uint
from .classify import Classified
from .draft_plans import PATTERN, DraftPlans
from .field_places import (
    body_of,
    field_at,
    measured_at,
    number_at,
    paths_to,
    permitted_here,
    sizes_entries,
    steps_of,
)

__all__ = ["ImpactSample", "samples_for"]


@dataclass(frozen=True)
class ImpactSample:
    """A file.

    Attributes:
        name: what is in it.
        draft: name of the draft that it is made under.
        data: the file.
        code: path of the code or flag that it is made for, if it is.
        about: paths of the changes that it may show.
    """

    name: str
    draft: str
    data: bytes
    code: str = ""
    about: set[str] = field(default_factory=set, compare=False)


_UNMAKEABLE = (MslError, LookupError, ValueError, TypeError, AttributeError, StopIteration)


def samples_for(
    draft: str,
    changes: list[Classified],
    codes: Mapping[str, int],
    not_made: Callable[[str], None],
    other: str = "",
) -> list[ImpactSample]:
    """Files under a draft, few for each change, the smallest that show it.

    Args:
        draft: a known draft's name.
        codes: of block types, by their keys in either draft.
        not_made: is told of what can't be made, and why.
        other: the name of the draft that it is compared with; without it there are no files of
            values that one of the two does not permit.
    """
    maker = _Maker(draft, codes, other or draft)
    found: dict[str, ImpactSample] = {}
    for change in changes:
        for name, make in maker.plans(change):
            if name not in found:
                try:
                    data = assemble(make()).data
                except _UNMAKEABLE as error:
                    not_made(f"{name} ({draft}): {error}")
                    continue
                code = change.where if change.kind in ("code", "flag") else ""
                found[name] = ImpactSample(name, draft, data, code)
            found[name].about.add(change.where)
    return list(found.values())


Planned = tuple[str, Callable[[], Plan]]


class _Maker:
    def __init__(self, draft: str, codes: Mapping[str, int], other: str) -> None:
        self._codes = codes
        self._other = schema(other)
        self._form = Form("impact", draft, "little")
        self._schema = self._form.schema
        self._bent = DraftPlans(self._form)

    def plans(self, change: Classified) -> Iterator[Planned]:
        """The plans that may show a change, each with a name."""
        if change.kind in ("draft", "hash"):
            yield "minimal", self._bent.minimal
            if change.kind == "draft":
                yield from self._other_orders()
        elif change.kind in ("code", "flag"):
            registry, _, place = change.where.rpartition(".")
            yield from self._coded(registry, place)
        elif change.kind in ("structure", "field"):
            yield from self._structured(change.where, change.kind == "field")
            yield from self._instead(change)

    def _other_orders(self) -> Iterator[Planned]:
        for order in self._schema.draft.byte_orders[1:]:
            form = Form("impact", self._form.draft, order.value)
            yield f"minimal, {order.value} endian", lambda form=form: minimal(form)  # type: ignore[misc]

    def _structured(self, where: str, is_field: bool) -> Iterator[Planned]:
        key, *parts = steps_of(where)
        if key in ("file_header", "block_header"):
            yield "minimal", self._bent.minimal
            if key == "file_header" and is_field:
                yield from self._header_field(parts[0])
            if key == "block_header" and is_field:
                yield from self._block_header_field(parts[0])
            if where == "file_header.endianness":
                yield from self._other_orders()
            return
        if key in ("encryption_header", "seal_header"):
            yield from self._of_encryption(key, parts if is_field else [])
            return
        if key == "compressed_payload":
            yield from self._compressed()
            return
        block = next((one for one in self._schema.blocks.values() if one.key == key), None)
        if block is None:
            return
        yield key, lambda: self._bent.alone(key)
        if block.layout is not None and any(one.optional for one in block.layout.fields):
            yield f"{key} without optional fields", lambda: self._bent.shortened(key)
        if is_field and block.layout is not None:
            yield from self._patterned(key, parts)

    def _of_encryption(self, key: str, parts: list[str]) -> Iterator[Planned]:
        """Encrypted files; numbers of the header that say where nothing stands are patterns."""
        layout = self._schema.encryption_header
        if layout is None:
            return
        if key == "seal_header":
            if self._schema.seal_header is not None:
                name = "encrypted, with a sealed segment"
                yield name, lambda: self._bent.fitted(encrypted_with_sealed_segment(self._form))
            return
        yield "encrypted", lambda: self._bent.fitted(encrypted(self._form))
        kind = number_at(layout, parts)
        if kind is not None and parts[0] not in ("kem_ct_len", "cipher_len"):
            name = f"encrypted, {parts[0]} with all bytes set"
            yield name, lambda: self._bent.encrypted_with(parts[0], PATTERN[: kind.width])

    def _compressed(self) -> Iterator[Planned]:
        """A compressed block, and those that only the other draft objects to."""

        def make() -> Plan:
            plan = live(self._form)
            if self._form.draft not in PUBLIC:  # of whose payloads streams are known
                plan = self._bent.fitted(plan)
            plan.block("related").codec = "zstd"
            return plan

        yield "live, a block compressed", make
        known = {rule.id for rule in rules_for(self._form.draft)}
        section = self._other.draft.compressed_payload.section
        asked = {
            rule.id
            for rule in rules_for(self._other.draft)
            if rule.section == section and rule.id not in known
        }
        for fault in all_faults():
            if fault.rule in asked:
                asked.remove(fault.rule)
                yield fault.name.strip("_"), lambda fault=fault: fault.plan(self._form)[0]  # type: ignore[misc]

    def _instead(self, change: Classified) -> Iterator[Planned]:
        """The block type that has the code of one that came or went."""
        key = change.where.split(".")[0]
        if key in {one.key for one in self._schema.blocks.values()}:
            return
        code = self._codes.get(key)
        block = None if code is None else self._schema.blocks.get(code)
        if block is not None:
            yield block.key, lambda key=block.key: self._bent.alone(key)  # type: ignore[misc]

    def _patterned(self, key: str, path: list[str]) -> Iterator[Planned]:
        """With a number all of whose bytes are something."""
        name = f"{key}, {'.'.join(path)} with all bytes set"
        if number_at(self._schema.layouts[key], path) is not None:
            yield name, lambda: self._bent.edited(key, path, None)
        elif measured_at(self._schema.layouts[key], path) is not None:
            yield f"{key}, {'.'.join(path)} of many", lambda: self._bent.lengthened(key, path)
        elif sizes_entries(self._schema.layouts[key], path):
            yield f"{key}, entries longer than their fields", lambda: self._bent.sized(key)
        own, other = (field_at(each.layouts.get(key), path) for each in (self._schema, self._other))
        if own is not None and other is not None:
            for value in permitted_here(own.type, other.type):
                yield (
                    f"{key}, {'.'.join(path)} {value}",
                    lambda value=value: self._bent.valued(  # type: ignore[misc]
                        key, path, value
                    ),
                )

    def _header_field(self, key: str) -> Iterator[Planned]:
        layout = self._schema.file_header
        found = next((one for one in layout.fields if one.key == key), None)
        if found is None or not isinstance(found.type, Uint):
            return
        if isinstance(found.type.valid, OneOf):
            for value in found.type.valid.values[1:]:
                yield f"minimal, {key} {value}", partial(self._bent.with_header, key, value)
        if found.type.valid is not None:
            return
        data = PATTERN[: found.type.width]

        def make() -> Plan:
            plan = self._bent.minimal()
            plan.header_edits.append(Edit(layout.offset_of(key), data))
            return plan

        yield f"minimal, {key} with all bytes set", make

    def _block_header_field(self, key: str) -> Iterator[Planned]:
        layout = self._schema.block_header
        found = next((one for one in layout.fields if one.key == key), None)
        if found is None or type(found.type) is not Uint or found.type.valid is not None:
            return
        if key in {"block_length", "payload_version"}:
            return
        data = PATTERN[: found.type.width]

        def make() -> Plan:
            plan = self._bent.minimal()
            first = next(iter(plan.blocks.values()))
            first.header_edits.append(Edit(layout.offset_of(key), data))
            return plan

        yield f"minimal, {key} of a block with all bytes set", make

    def _coded(self, registry: str, place: str) -> Iterator[Planned]:
        """A file with a code or flag in the first field that can have it."""
        name = f"{registry} {place}"
        if registry == self._schema.page_states.name:
            code = int(place, 16)
            states = self._schema.page_states.values
            if any(one.code == code and not one.reserved for one in states):
                yield name, lambda: self._bent.page_state(code)
            return
        found: Enumeration | FlagDefinition | None = self._schema.enumerations.get(
            registry
        ) or self._schema.flags.get(registry)
        if found is None:
            return
        if isinstance(found, Enumeration):
            number = int(place, 16)
            if not found.permits(number):
                return
        else:
            number = 1 << int(place.split()[0])
            if not found.defined & number:
                return
        for layout in (self._schema.file_header,):
            for one in layout.fields:
                if one.type.registry_name == registry:
                    yield name, lambda key=one.key: self._bent.header_code(key, number)  # type: ignore[misc]
                    return
        encryption = self._schema.encryption_header
        for one in encryption.fields if encryption is not None else ():
            if one.type.registry_name == registry:
                assert isinstance(one.type, Fixed)
                data = one.type.encode(number, {})
                yield name, lambda key=one.key, data=data: self._bent.encrypted_with(key, data)  # type: ignore[misc]
                return
        for key, path in self._fields_of(registry):
            layout = self._schema.layouts[key]
            if isinstance(found, Enumeration) and (body := body_of(layout, path, number)):
                yield name, lambda key=key, body=body: self._bent.with_body(key, body)  # type: ignore[misc]
                return
            yield name, lambda key=key, path=path: self._bent.edited(key, path, number)  # type: ignore[misc]
            return

    def _fields_of(self, registry: str) -> Iterator[tuple[str, list[str]]]:
        for block in self._schema.blocks.values():
            if block.layout is not None and not block.forbidden:
                for path in paths_to(block.layout, registry):
                    yield block.key, path
