"""Small files under a draft, each about something that a change concerns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from ..corpus.assemble import assemble
from ..corpus.base_plans import encrypted, live, minimal, with_regions
from ..corpus.faults import all_faults
from ..corpus.payloads import region
from ..corpus.plan import Edit, Form, Plan, PlannedBlock
from ..corpus.single_blocks import SUBJECT, alone
from ..corpus.valid_encrypted import encrypted_with_sealed_segment
from ..drafts import PUBLIC, schema
from ..errors import MslError
from ..rules.engine import rules_for
from ..schema.base import OneOf
from ..schema.codes import Enumeration, FlagDefinition
from ..schema.pages import PageStateMap
from ..schema.vocabulary import Fixed, Flags, Uint
from .classify import Classified
from .field_places import (
    body_of,
    enlarge_entries,
    field_at,
    fitted,
    lengthen,
    measured_at,
    number_at,
    paths_to,
    permitted_here,
    place_of,
    sizes_entries,
    start_of,
    steps_of,
    with_body,
)

__all__ = ["ImpactSample", "samples_for"]

_PATTERN = bytes(range(0x11, 0x19))
"""What a number gets whose bytes must all be seen."""


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


_MANY = 70_000
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

    def plans(self, change: Classified) -> Iterator[Planned]:
        """The plans that may show a change, each with a name."""
        if change.kind in ("draft", "hash"):
            yield "minimal", self._minimal
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

    def _minimal(self) -> Plan:
        return self._fitted(minimal(self._form))

    def _structured(self, where: str, is_field: bool) -> Iterator[Planned]:
        key, *parts = steps_of(where)
        if key in ("file_header", "block_header"):
            yield "minimal", self._minimal
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
        yield key, lambda: self._alone(key)
        if block.layout is not None and any(one.optional for one in block.layout.fields):
            yield f"{key} without optional fields", lambda: self._shortened(key)
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
                yield name, lambda: self._fitted(encrypted_with_sealed_segment(self._form))
            return
        yield "encrypted", lambda: self._fitted(encrypted(self._form))
        kind = number_at(layout, parts)
        if kind is not None and parts[0] not in ("kem_ct_len", "cipher_len"):
            name = f"encrypted, {parts[0]} with all bytes set"
            yield name, lambda: self._encrypted_with(parts[0], _PATTERN[: kind.width])

    def _encrypted_with(self, key: str, data: bytes) -> Plan:
        plan = self._fitted(encrypted(self._form))
        layout = self._schema.encryption_header
        assert layout is not None
        plan.header_edits.append(Edit(self._schema.file_header_size + layout.offset_of(key), data))
        return plan

    def _compressed(self) -> Iterator[Planned]:
        """A compressed block, and those that only the other draft objects to."""

        def make() -> Plan:
            plan = live(self._form)
            if self._form.draft not in PUBLIC:  # of whose payloads streams are known
                plan = self._fitted(plan)
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

    def _shortened(self, key: str) -> Plan:
        """A block alone that ends where it may."""
        plan = self._alone(key)
        layout = self._schema.layouts[key]
        first = next(one for one in layout.fields if one.optional)
        block = _subject(plan, key)
        block.keep = start_of(layout, block.payload, first.key)
        return plan

    def _instead(self, change: Classified) -> Iterator[Planned]:
        """The block type that has the code of one that came or went."""
        key = change.where.split(".")[0]
        if key in {one.key for one in self._schema.blocks.values()}:
            return
        code = self._codes.get(key)
        block = None if code is None else self._schema.blocks.get(code)
        if block is not None:
            yield block.key, lambda key=block.key: self._alone(key)  # type: ignore[misc]

    def _patterned(self, key: str, path: list[str]) -> Iterator[Planned]:
        """With a number all of whose bytes are something."""
        name = f"{key}, {'.'.join(path)} with all bytes set"
        if number_at(self._schema.layouts[key], path) is not None:
            yield name, lambda: self._edited(key, path, None)
        elif measured_at(self._schema.layouts[key], path) is not None:
            yield f"{key}, {'.'.join(path)} of many", lambda: self._lengthened(key, path)
        elif sizes_entries(self._schema.layouts[key], path):
            yield f"{key}, entries longer than their fields", lambda: self._sized(key)
        own, other = (field_at(each.layouts.get(key), path) for each in (self._schema, self._other))
        if own is not None and other is not None:
            for value in permitted_here(own.type, other.type):
                yield (
                    f"{key}, {'.'.join(path)} {value}",
                    lambda value=value: self._valued(  # type: ignore[misc]
                        key, path, value
                    ),
                )

    def _valued(self, key: str, path: list[str], value: int) -> Plan:
        """With a number that has a meaning for what stands behind it, if it is a page size."""
        kinds = [one.type for one in self._schema.layouts[key].fields]
        maps = [one for one in kinds if isinstance(one, PageStateMap)]
        if [one.log2_key for one in maps] != path:
            return self._edited(key, path, value)
        return self._fitted(with_regions(self._form, region("CC", log2=value)))

    def _sized(self, key: str) -> Plan:
        """With entries that have bytes behind their fields, and a number that says how long."""
        plan = self._alone(key)
        enlarge_entries(self._schema.layouts[key], _subject(plan, key).payload)
        return plan

    def _lengthened(self, key: str, path: list[str]) -> Plan:
        """With so many bytes that a length of two bytes can't say it, if it has more."""
        plan = self._alone(key)
        block = _subject(plan, key)
        lengthen(self._schema.layouts[key], block.payload, path, _MANY)
        return plan

    def _header_field(self, key: str) -> Iterator[Planned]:
        layout = self._schema.file_header
        found = next((one for one in layout.fields if one.key == key), None)
        if found is None or not isinstance(found.type, Uint):
            return
        if isinstance(found.type.valid, OneOf):
            for value in found.type.valid.values[1:]:
                yield f"minimal, {key} {value}", lambda value=value: self._with(key, value)  # type: ignore[misc]
        if found.type.valid is not None:
            return
        data = _PATTERN[: found.type.width]

        def make() -> Plan:
            plan = self._minimal()
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
        data = _PATTERN[: found.type.width]

        def make() -> Plan:
            plan = self._minimal()
            first = next(iter(plan.blocks.values()))
            first.header_edits.append(Edit(layout.offset_of(key), data))
            return plan

        yield f"minimal, {key} of a block with all bytes set", make

    def _with(self, key: str, value: int) -> Plan:
        plan = self._minimal()
        plan.header[key] = value
        return plan

    def _coded(self, registry: str, place: str) -> Iterator[Planned]:
        """A file with a code or flag in the first field that can have it."""
        name = f"{registry} {place}"
        if registry == self._schema.page_states.name:
            code = int(place, 16)
            states = self._schema.page_states.values
            if any(one.code == code and not one.reserved for one in states):
                yield name, lambda: self._page_state(code)
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
                    yield name, lambda key=one.key: self._header_code(key, number)  # type: ignore[misc]
                    return
        encryption = self._schema.encryption_header
        for one in encryption.fields if encryption is not None else ():
            if one.type.registry_name == registry:
                assert isinstance(one.type, Fixed)
                data = one.type.encode(number, {})
                yield name, lambda key=one.key, data=data: self._encrypted_with(key, data)  # type: ignore[misc]
                return
        for key, path in self._fields_of(registry):
            layout = self._schema.layouts[key]
            if isinstance(found, Enumeration) and (body := body_of(layout, path, number)):
                yield name, lambda key=key, body=body: self._with_body(key, body)  # type: ignore[misc]
                return
            yield name, lambda key=key, path=path: self._edited(key, path, number)  # type: ignore[misc]
            return

    def _with_body(self, key: str, path: list[str]) -> Plan:
        """A block alone in which a code chooses the body that it is for."""
        plan = self._alone(key)
        with_body(self._schema.layouts[key], _subject(plan, key).payload, path)
        return plan

    def _fields_of(self, registry: str) -> Iterator[tuple[str, list[str]]]:
        for block in self._schema.blocks.values():
            if block.layout is not None and not block.forbidden:
                for path in paths_to(block.layout, registry):
                    yield block.key, path

    def _header_code(self, key: str, number: int) -> Plan:
        plan = self._minimal()
        layout = self._schema.file_header
        kind = layout.field(key).type
        assert isinstance(kind, Fixed)
        if isinstance(kind, Flags):
            plan.header[key] = number | kind.word.encode(plan.header.get(key, 0))
            plan.header[key] = kind.word.names(plan.header[key])
        else:
            plan.header_edits.append(Edit(layout.offset_of(key), kind.encode(number, {})))
        return plan

    def _page_state(self, code: int) -> Plan:
        payload = region("C")
        payload["region_size"] *= 2
        payload["page_state_map"] = [[0, 1, "captured"], [1, 1, f"0x{code:02x}"]]
        if code == 0:
            payload = region("CC")
        return self._fitted(with_regions(self._form, payload))

    def _alone(self, key: str) -> Plan:
        return self._fitted(alone(key, self._form))

    def _edited(self, key: str, path: list[str], number: int | None) -> Plan:
        """A block alone, with other bytes in a field: a code, a flag, a pattern."""
        plan = self._alone(key)
        block = _subject(plan, key)
        layout = self._schema.layouts[key]
        with_body(layout, block.payload, path)
        at, kind = place_of(layout, block.payload, path)
        data = _PATTERN[: kind.width] if number is None else kind.encode(number, {})
        block.edits.append(Edit(at, data))
        return plan

    # -- documents that were written for another draft --------------------------------------

    def _fitted(self, plan: Plan) -> Plan:
        """A plan whose payloads have the fields that the draft has."""
        segments = [*plan.segments, *plan.sealed_segments]
        blocks = [*plan.blocks.values(), *(b for s in segments for b in s.blocks.values())]
        for block in blocks:
            self._fit(block)
        return plan

    def _fit(self, block: PlannedBlock) -> None:
        blocks = self._schema.blocks.values()
        known = next((one for one in blocks if block.type in (one.key, one.code)), None)
        if known is None or known.layout is None:
            return
        if "raw" in block.payload:
            block.payload = known.instance()
        block.payload = fitted(known.layout, block.payload)


def _subject(plan: Plan, key: str) -> PlannedBlock:
    for block in (*plan.blocks.values(), *(b for s in plan.segments for b in s.blocks.values())):
        if block.type == key:
            return block
    if key == "end_of_capture" and plan.end is not None:
        return plan.end
    if key == "end_of_extension" and plan.segments and plan.segments[0].end is not None:
        return plan.segments[0].end
    return plan.block(SUBJECT)
