"""Plans of files under a draft that differ in one place from those of the corpus."""

from __future__ import annotations

from ..corpus.base_plans import encrypted, minimal, with_regions
from ..corpus.payloads import region
from ..corpus.plan import Edit, Form, Plan, PlannedBlock
from ..corpus.single_blocks import SUBJECT, alone
from ..schema.pages import PageStateMap
from ..schema.vocabulary import Fixed, Flags
from .field_places import (
    enlarge_entries,
    fitted,
    lengthen,
    place_of,
    start_of,
    with_body,
)

__all__ = ["PATTERN", "DraftPlans"]

PATTERN = bytes(range(0x11, 0x19))
"""What a number gets whose bytes must all be seen."""
_MANY = 70_000


class DraftPlans:
    """Plans under one draft; each has the fields that the draft has.

    Args:
        form: the draft and the byte order.
    """

    def __init__(self, form: Form) -> None:
        self._form = form
        self._schema = form.schema

    def minimal(self) -> Plan:
        """The smallest live capture."""
        return self.fitted(minimal(self._form))

    def encrypted_with(self, key: str, data: bytes) -> Plan:
        """An encrypted file with other bytes in a field of its header."""
        plan = self.fitted(encrypted(self._form))
        layout = self._schema.encryption_header
        assert layout is not None
        plan.header_edits.append(Edit(self._schema.file_header_size + layout.offset_of(key), data))
        return plan

    def shortened(self, key: str) -> Plan:
        """A block alone that ends where it may."""
        plan = self.alone(key)
        layout = self._schema.layouts[key]
        first = next(one for one in layout.fields if one.optional)
        block = _subject_of(plan, key)
        block.keep = start_of(layout, block.payload, first.key)
        return plan

    def valued(self, key: str, path: list[str], value: int) -> Plan:
        """With a number that has a meaning for what stands behind it, if it is a page size."""
        kinds = [one.type for one in self._schema.layouts[key].fields]
        maps = [one for one in kinds if isinstance(one, PageStateMap)]
        if [one.log2_key for one in maps] != path:
            return self.edited(key, path, value)
        return self.fitted(with_regions(self._form, region("CC", log2=value)))

    def sized(self, key: str) -> Plan:
        """With entries that have bytes behind their fields, and a number that says how long."""
        plan = self.alone(key)
        enlarge_entries(self._schema.layouts[key], _subject_of(plan, key).payload)
        return plan

    def lengthened(self, key: str, path: list[str]) -> Plan:
        """With so many bytes that a length of two bytes can't say it, if it has more."""
        plan = self.alone(key)
        block = _subject_of(plan, key)
        lengthen(self._schema.layouts[key], block.payload, path, _MANY)
        return plan

    def with_header(self, key: str, value: int) -> Plan:
        """With another number in a field of the file header."""
        plan = self.minimal()
        plan.header[key] = value
        return plan

    def with_body(self, key: str, path: list[str]) -> Plan:
        """A block alone in which a code chooses the body that it is for."""
        plan = self.alone(key)
        with_body(self._schema.layouts[key], _subject_of(plan, key).payload, path)
        return plan

    def header_code(self, key: str, number: int) -> Plan:
        """With a code or a flag in a field of the file header."""
        plan = self.minimal()
        layout = self._schema.file_header
        kind = layout.field(key).type
        assert isinstance(kind, Fixed)
        if isinstance(kind, Flags):
            plan.header[key] = number | kind.word.encode(plan.header.get(key, 0))
            plan.header[key] = kind.word.names(plan.header[key])
        else:
            plan.header_edits.append(Edit(layout.offset_of(key), kind.encode(number, {})))
        return plan

    def page_state(self, code: int) -> Plan:
        """A region with a page in a state."""
        payload = region("C")
        payload["region_size"] *= 2
        payload["page_state_map"] = [[0, 1, "captured"], [1, 1, f"0x{code:02x}"]]
        if code == 0:
            payload = region("CC")
        return self.fitted(with_regions(self._form, payload))

    def alone(self, key: str) -> Plan:
        """A block of a type, and as little as may be beside it."""
        return self.fitted(alone(key, self._form))

    def edited(self, key: str, path: list[str], number: int | None) -> Plan:
        """A block alone, with other bytes in a field: a code, a flag, a pattern."""
        plan = self.alone(key)
        block = _subject_of(plan, key)
        layout = self._schema.layouts[key]
        with_body(layout, block.payload, path)
        at, kind = place_of(layout, block.payload, path)
        data = PATTERN[: kind.width] if number is None else kind.encode(number, {})
        block.edits.append(Edit(at, data))
        return plan

    def fitted(self, plan: Plan) -> Plan:
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


def _subject_of(plan: Plan, key: str) -> PlannedBlock:
    """The block that a plan is about."""
    for block in (*plan.blocks.values(), *(b for s in plan.segments for b in s.blocks.values())):
        if block.type == key:
            return block
    if key == "end_of_capture" and plan.end is not None:
        return plan.end
    if key == "end_of_extension" and plan.segments and plan.segments[0].end is not None:
        return plan.segments[0].end
    return plan.block(SUBJECT)
