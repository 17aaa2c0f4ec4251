"""What becomes of each block of an old file: decided before a byte of the new one is written.

The header of a file and the flags of its blocks speak of blocks to come, and are never corrected.
So all is looked at once, without the page data, and once more when it is written.
"""

from __future__ import annotations

import uuid as uuids
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from ..builder.block_demands import demands_of
from ..builder.blocks import NIL
from ..errors import ConformanceError
from ..reader.block import RAW, Block
from ..reader.dump import Dump
from ..schema import BlockType, Record, Schema
from .contents import Content, Contents, written_as
from .losses import Loss, Losses
from .regions import RegionPart, parts_of, present_of

__all__ = ["Closing", "ConversionPlan", "Step"]

ALIASES = {"memdiver_connectivity_table": "connectivity_table"}
"""Names of blocks that a dialect has, and what the drafts call the same."""

_CLOSING = ("end_of_capture", "end_of_extension")
_INDEX, _ENTRY, _REGION, _HINT = "module_list_index", "module_entry", "memory_region", "key_hint"
_PROVENANCE, _IDENTITY, _CONTEXT = "import_provenance", "process_identity", "system_context"
_FIRST = (_PROVENANCE, _IDENTITY, _INDEX, _CONTEXT)


@dataclass
class Step:
    """A block of the new file.

    Attributes:
        key: its type there.
        uuid, parent: its BlockUUID and ParentUUID there.
        index: of the block of the old file; None: it is made anew.
        part: the region, of a Memory Region.
        fields: what it says, where that is made anew.
        flags: names of block flags.
    """

    key: str
    uuid: uuids.UUID
    parent: uuids.UUID = NIL
    index: int | None = None
    part: RegionPart | None = None
    fields: Record | None = None
    flags: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Closing:
    """What an End-of-Extension says of its segment, beside hash and count."""

    producer: str | None
    written_at: int


class ConversionPlan:
    """What is written of a dump, in which order, and what is not.

    Attributes:
        steps: the blocks of the capture, but for those that are made of the conversion itself.
        segments: those of each extension segment that is kept.
        renamed: BlockUUIDs that are others in the new file, by the bytes of the old ones: a file
            can't make the hashes of those collide.
        losses: what the new file will not say.

    Args:
        dump: the old file.
        target: what is written.
        new_uuid: makes BlockUUIDs.
        same_hashes: whether hashes of modules mean the same in the new file.

    Raises:
        LimitError: not all of the file can be looked at.
    """

    def __init__(
        self,
        dump: Dump,
        target: Schema,
        losses: Losses,
        new_uuid: Callable[[], uuids.UUID],
        *,
        same_hashes: bool,
    ) -> None:
        self.dump, self.target, self.losses = dump, target, losses
        self.renamed: dict[bytes, uuids.UUID] = {}
        self.contents = Contents(dump, target, self.renamed, same_hashes=same_hashes)
        self.segments: list[tuple[Closing, list[Step]]] = []
        self._new_uuid = new_uuid
        self._uuids: set[bytes] = set()
        self._places: dict[int, uuids.UUID] = {}
        self._once: set[str] = set()
        self.steps = self._capture()
        self._plan_segments()
        self._settle_references()

    # -- the capture -------------------------------------------------------------------

    def _capture(self) -> list[Step]:
        blocks = self.dump.capture_blocks
        for block in blocks:
            self._judge_header(block)
            self._name(block)
        regions = {step.index: step for step in self._regions()}
        found = []
        for block in blocks:
            if block.key in (_INDEX, _ENTRY, _PROVENANCE, *_CLOSING):
                continue
            if block.key == _REGION:
                continue
            step = self._step(block)
            if step is not None:
                found.append(step)
        found += self._modules()
        found += regions.values()
        return found

    def _regions(self) -> Iterator[Step]:
        known: set[int] = set()
        for region in self.dump.regions:
            known.update(one.block.index for one in region.fragments)
            for group in parts_of(region, self.target, self.losses):
                head = min(group, key=lambda one: (one.continues, one.block.index))
                if not sum(one.pages.pages for one in group):
                    self._lose(head.block, "draft", "a region without a page")
                    continue
                found = self._places[head.block.index]
                present = tuple(present_of(one, self.losses) for one in group)
                part = RegionPart(group, found, present)
                step = Step(_REGION, found, index=head.block.index, part=part)
                if self._fits(head.block, step):
                    yield step
        for block in self.dump.capture_blocks.of_type(_REGION):
            if block.index not in known:
                self._lose(block, "damage", block.problem or "it can't be read")

    def _modules(self) -> list[Step]:
        """The Module List Index and the Module Entries, of which each row has one."""
        blocks = self.dump.capture_blocks
        lists = list(blocks.of_type(_INDEX))
        entries: list[Step] = []
        listed: dict[bytes, Record] = {}
        for block in lists[1:]:
            self._lose(block, "form", "there is one already")
        for block in lists[:1]:
            if block.problem is not None:
                self._lose(block, "damage", block.problem, "entries")
            for row in block.payload.get("entries", ()):
                listed.setdefault(row["module_uuid"].bytes, row)
        for block in blocks.of_type(_ENTRY):
            step = self._step(block)
            if step is not None:
                entries.append(step)
                listed.pop(block.uuid.bytes, None)
        for named, row in listed.items():
            found = self._named(uuids.UUID(bytes=named))
            fields = Record({key: row[key] for key in ("base_addr", "module_size", "path")})
            step = Step(_ENTRY, found, fields=self.contents.of_row(_ENTRY, fields))
            entries.append(step)
        if not entries and not lists:
            return []
        index = Step(_INDEX, self._places[lists[0].index] if lists else self._named(NIL))
        index.index = lists[0].index if lists else None
        return [index, *entries]

    # -- extension segments ------------------------------------------------------------

    def _plan_segments(self) -> None:
        for segment in self.dump.segments:
            found = []
            blocks = self.dump.segment_blocks(segment)
            for block in blocks:
                self._judge_header(block)
                self._name(block)
                if block.key not in _CLOSING:
                    step = self._step(block, segment=True)
                    if step is not None:
                        found.append(step)
            if not self.target.draft.segments:
                text = f"extension segment {segment.index}: {self.target.name} has none"
                where = "its blocks stand in the capture" if found else "none of its blocks is kept"
                self.losses.add(Loss("draft", f"{text}; {where}", segment.offset))
                self.steps += found
            elif found:
                self.segments.append((self._closing(blocks[len(blocks) - 1]), found))

    def _closing(self, block: Block) -> Closing:
        try:
            fields = self.contents.of_block(block, _CLOSING[1], self.losses)
        except ConformanceError as error:
            self._lose(block, "damage", str(error))
            return Closing(None, 0)
        assert isinstance(fields, Record)
        return Closing(fields.get("producer"), fields.get("written_at", 0))

    # -- one block ---------------------------------------------------------------------

    def _name(self, block: Block) -> None:
        """Give a block its BlockUUID in the new file."""
        self._places[block.index] = self._named(block.uuid)

    def _named(self, old: uuids.UUID) -> uuids.UUID:
        kind = self.target.block_header.field("block_uuid").type
        if old.bytes not in self._uuids and not any(kind.problems(old, {})):
            self._uuids.add(old.bytes)
            return old
        found = self._new_uuid()
        self._uuids.add(found.bytes)
        if old != NIL:
            self.renamed.setdefault(old.bytes, found)
        return found

    def _judge_header(self, block: Block) -> None:
        """Say what of a block's header no draft has."""
        header = block.header
        unknown = [name for name in block.flags.names if name.startswith("bit_")]
        if unknown:
            self._lose(block, "form", f"block flags {', '.join(unknown)}", "flags")
        if any(header["reserved"]):
            self._lose(block, "form", f"Reserved {header['reserved'].hex()}", "reserved")

    def _step(self, block: Block, *, segment: bool = False) -> Step | None:
        """What becomes of a block that is no region; None: it can't be expressed."""
        key = ALIASES.get(block.key, block.key)
        kind = written_as(self.target, key)
        reason = self._refused(block, kind, segment)
        if kind is None or reason:
            self._lose(block, "draft", reason)
            return None
        if not block.known_version:
            version = block.header["payload_version"]
            self._lose(block, "draft", f"PayloadVersion {version}: nobody knows its layout")
            return None
        if block.problem is not None and RAW in block.payload:
            self._lose(block, "damage", block.problem)
            return None
        if kind.key in (_IDENTITY, _CONTEXT):
            if kind.key in self._once:
                self._lose(block, "form", "there is one already")
                return None
            self._once.add(kind.key)
        step = Step(kind.key, self._places[block.index], index=block.index)
        step.parent = block.parent_uuid
        return step if self._fits(block, step) else None

    def _kind(self, step: Step) -> BlockType:
        """What a block of the new file is."""
        kind = written_as(self.target, step.key)
        assert kind is not None  # else there would be no such step
        return kind

    def _refused(self, block: Block, kind: BlockType | None, segment: bool) -> str:
        if segment and block.type is not None and not block.type.in_segment:
            return "it must not stand in an extension segment"
        if kind is None:
            return f"{self.target.name} registers no such type"
        if kind.forbidden:
            return f"{self.target.name} forbids such blocks ({kind.section})"
        if segment and self.target.draft.segments and not kind.in_segment:
            return f"{self.target.name} has no such block in extension segments"
        if (not segment or not self.target.draft.segments) and not kind.in_capture:
            return f"{self.target.name} has no such block in captures"
        return ""

    def _fits(self, block: Block, step: Step) -> bool:
        """Whether the draft permits what a block says; tells of what it does not."""
        try:
            content = self.content(step, self.losses)
        except ConformanceError as error:
            damaged = block.problem is not None
            self._lose(block, "damage" if damaged else "draft", str(error))
            return False
        if isinstance(content, Record) and step.key == _HINT:
            step.fields = content
        return True

    def content(self, step: Step, losses: Losses | None = None) -> Content:
        """What a block of the new file says.

        Args:
            losses: where to tell of what is lost; None: nowhere, as it was told of before.

        Raises:
            ConformanceError: the draft forbids it.
        """
        if step.part is not None:
            return self.contents.of_region(step.part, losses)
        if step.fields is not None:
            return step.fields
        assert step.index is not None
        return self.contents.of_block(self.dump.block(step.index), step.key, losses)

    # -- what blocks say of each other -------------------------------------------------

    def _settle_references(self) -> None:
        """Order the blocks, and see whom they refer to."""
        self._drop_orphans()
        self.steps.sort(key=self._rank)
        written = {step.uuid.bytes: step for step in self.steps}
        self.steps = [step for step in self.steps if self._settle_hint(step, written)]
        written = {step.uuid.bytes: step for step in self.steps}
        self._settle_parents(self.steps, {})  # of what is left: a parent says that it has children
        for _, steps in self.segments:
            steps[:] = [step for step in steps if self._settle_hint(step, written, marked=False)]
            self._settle_parents(steps, written)
        self.segments = [(closing, steps) for closing, steps in self.segments if steps]

    def _drop_orphans(self) -> None:
        """Let go of blocks whose type is a child of one that is not there."""
        there = {step.key for step in self.steps}
        kept = []
        for step in self.steps:
            parent = self._kind(step).parent
            if parent and parent not in there and not self.target.block(parent).forbidden:
                if step.index is not None:
                    self._lose(self.dump.block(step.index), "draft", f"there is no {parent}")
            else:
                kept.append(step)
        self.steps = kept

    def _rank(self, step: Step) -> tuple[int, int]:
        """Where a block stands: as §2, §5 and §9 have it, and else as it did."""
        number = -1 if step.index is None else step.index
        kind = self._kind(step)
        if step.key in _FIRST:
            return _FIRST.index(step.key), number
        if kind.parent == _CONTEXT:
            return len(_FIRST), number
        if demands_of(step.key).before:
            return len(_FIRST) + 1, number
        if step.key == _HINT:
            return len(_FIRST) + 3, number
        if step.key == "vas_map":
            return len(_FIRST) + 4, number
        return len(_FIRST) + 2, number

    def _settle_parents(self, steps: list[Step], before: dict[bytes, Step]) -> None:
        written = dict(before)
        context = next((step for step in steps if step.key == _CONTEXT), None)
        index = next((step for step in steps if step.key == _INDEX), None)
        for step in steps:
            kind = self._kind(step)
            forced = {_CONTEXT: context, _INDEX: index}.get(kind.parent or "")
            if forced is not None:
                step.parent = forced.uuid
                forced.flags.add("has_children")
            elif step.parent != NIL:
                wanted = self.renamed.get(step.parent.bytes, step.parent)
                parent = written.get(wanted.bytes)
                if parent is None:
                    self._lose_parent(step)
                else:
                    step.parent = wanted
                    if wanted.bytes not in before:
                        parent.flags.add("has_children")
            written[step.uuid.bytes] = step

    def _lose_parent(self, step: Step) -> None:
        assert step.index is not None
        text = f"ParentUUID {step.parent}: no such block stands before it"
        self._lose(self.dump.block(step.index), "form", text, "parent_uuid")
        step.parent = NIL

    def _settle_hint(self, step: Step, written: dict[bytes, Step], *, marked: bool = True) -> bool:
        """Whether a Key Hint points at bytes that the new file has.

        Args:
            marked: whether its region says that there is one; none knows of a later segment.
        """
        if step.key != _HINT or step.index is None:
            return True
        fields = step.fields
        assert fields is not None
        region = written.get(fields["region_uuid"].bytes)
        block = self.dump.block(step.index)
        if region is None or region.part is None:
            text = f"RegionUUID {fields['region_uuid']}: there is no such region"
            self._lose(block, "form", text)
            return False
        end = fields["region_offset"] + fields["key_len"]
        if end > region.part.data_size:
            text = f"it ends {end} bytes into the region's PageData, which has "
            self._lose(block, "form", f"{text}{region.part.data_size}")
            return False
        if marked:
            region.flags.add("has_key_hints")
        return True

    def _lose(self, block: Block, kind: str, text: str, where: str = "") -> None:
        place = block.describe()
        message = text if text.startswith(place) else f"{place}: {text}"
        kind = "limit" if kind == "damage" and block.limited else kind
        self.losses.add(Loss(kind, message, block.offset, block.index, where))
