"""A dump of any dialect, draft or compression as a new file that conforms to a draft."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import IO, Any

from .. import __version__
from ..builder import Writer, append_segment
from ..builder.block_adder import BlockAdder
from ..builder.uuids import new_uuid
from ..builder.writer import DEFAULT_BUFFER_LIMIT
from ..drafts import NEWEST_DRAFT, find, schema
from ..errors import FormatError
from ..hashing import new_hasher
from ..reader.dump import Dump
from ..reader.header import EXTENSION
from ..reader.verdict import Verdict
from ..schema import Code, Draft, FlagDefinition, Record, Schema
from ..schema.names import snake_case
from .contents import written_as, written_by
from .losses import Loss, Losses
from .plan import ConversionPlan, Step
from .regions import RegionPart, released

__all__ = ["TOOL", "Conversion", "convert"]

TOOL = f"msl-construct {__version__}"
"""ToolName of the Import Provenance, and Producer of an End-of-Extension."""

_PROVENANCE, _CONTEXT = "import_provenance", "system_context"
_SAYS_OF_IMPORT = ("source_format", "tool_name", "import_time", "orig_file_size")
_STREAM = "raw_byte_stream"


@dataclass(frozen=True)
class Conversion:
    """What became of a file.

    Attributes:
        target: the draft of the new one, in its byte order.
        plan: its blocks, and which of the old one they are made of.
        losses: what it does not say.
        verdict: whether the old one is intact and complete.
        complete: whether the new one has an End-of-Capture, as the old one has.
        blocks: how many blocks its capture has.
        segments: how many extension segments it has.
    """

    target: Schema
    plan: ConversionPlan
    losses: Losses
    verdict: Verdict
    complete: bool
    blocks: int
    segments: int


def convert(
    dump: Dump,
    file: IO[bytes],
    *,
    draft: str | Draft = NEWEST_DRAFT,
    compression: str | None = None,
    level: int | None = None,
    buffer_limit: int = DEFAULT_BUFFER_LIMIT,
    remarks: Mapping[str, str] = MappingProxyType({}),
    new_uuid: Callable[[], uuid.UUID] = new_uuid,
    clock: Callable[[], int] = time.time_ns,
) -> Conversion:
    """Write a dump anew, as a file that conforms to a draft.

    Nothing is made up: pages without bytes stay without them, and a file that its acquirer did
    not finish gets no End-of-Capture.

    Args:
        dump: the old file.
        file: takes the new one; can be read and written, and is empty.
        draft: what is written; the newest unless given.
        remarks: what else the note of the Import Provenance says, as key and value.
        compression, level, buffer_limit, new_uuid, clock: see `Writer`.

    Raises:
        EncryptedError: the blocks are ciphertext.
        LimitError: something can't be looked at within the limits that were given.
        OSError: the new file can't be written.
    """
    dump.require_key()
    verdict = dump.verify()
    target = _schema(dump, draft)
    losses = Losses()
    algorithm = _algorithm(dump, target)
    same = dump.header.hash_algorithm == (algorithm or "blake3")
    plan = ConversionPlan(dump, target, losses, new_uuid, same_hashes=same)
    _judge_file(dump, plan, verdict, losses)
    fields = plan.contents.of_header(losses)
    flags = ["imported", *_kept_flags(dump, plan, losses)]
    provenance = Step(_PROVENANCE, new_uuid())
    provenance.fields = _provenance(dump, plan, verdict, losses, clock(), remarks)
    complete = dump.end_of_capture is not None
    header = {
        **fields,
        "flags": flags,
        "cap_bitmap": _capabilities(plan.steps, target),
        **({} if algorithm is None else {"hash_algo": algorithm}),
    }
    writer = Writer(
        file,
        header,
        draft=target.draft,
        byte_order=target.byte_order,
        compression=compression,
        level=level,
        buffer_limit=buffer_limit,
        new_uuid=new_uuid,
        clock=clock,
    )
    try:
        for step in (provenance, *plan.steps):
            _write(writer, plan, step)
        if complete:
            closing = dump.end_of_capture
            assert closing is not None
            writer.close(closing.payload.get("acq_end", 0))
    finally:
        writer.abandon()
    file.flush()
    segments = _write_segments(file, plan, compression, level, new_uuid) if complete else 0
    return Conversion(target, plan, losses, verdict, complete, writer.blocks.index, segments)


def _schema(dump: Dump, draft: str | Draft) -> Schema:
    found = find(draft)
    order = dump.schema.byte_order
    return schema(found, order if order in found.byte_orders else found.byte_orders[0])


def _algorithm(dump: Dump, target: Schema) -> str | None:
    """HashAlgo of the new file; None where its draft has but one."""
    if "hash_algo" not in {one.key for one in target.file_header.fields}:
        return None
    try:
        new_hasher(dump.header.hash_algorithm)
    except FormatError:  # one that nobody knows
        return "blake3"
    return dump.header.hash_algorithm


# -- what is said of the file as a whole -----------------------------------------------


def _judge_file(dump: Dump, plan: ConversionPlan, verdict: Verdict, losses: Losses) -> None:
    for finding in verdict.findings:
        losses.add(Loss("damage", f"{finding.kind}: {finding.text}", finding.offset, finding.block))
    if dump.end_of_capture is None:
        text = "no End-of-Capture: the acquirer did not finish, and the new file has none either"
        losses.add(Loss("damage", text, dump.ending.offset))
    if dump.trailing is not None:
        text = f"{dump.trailing.length} bytes behind the last block: {dump.ending.text}"
        losses.add(Loss("damage", text, dump.trailing.offset))
    for block in list(dump.capture_blocks.of_type("end_of_capture"))[:1]:
        if block.problem is not None:
            losses.add(Loss("damage", block.problem, block.offset, block.index))
    if EXTENSION in dump.header.record:
        size = len(dump.header.record[EXTENSION])
        losses.add(Loss("form", f"{size} bytes between the file header and Block 0"))
    same = dump.header.hash_algorithm
    if _algorithm(dump, plan.target) not in (None, same):
        losses.add(Loss("draft", f"hashes by {same}: nobody can compute them; BLAKE3 is written"))


def _kept_flags(dump: Dump, plan: ConversionPlan, losses: Losses) -> list[str]:
    """Flags of the file header that still hold."""
    known = plan.target.flags["HeaderFlags"]
    there = {step.key for step in plan.steps}
    kept = []
    for name in dump.header.record["flags"].names:
        if name == "imported":
            continue
        text = ""
        if name == "encrypted":
            text = "the new file is not encrypted"
        elif name == "investigation":
            if _CONTEXT not in there:
                text = "the new file has no System Context"
        elif not _has_bit(known, name):
            text = f"{known.name} has no such bit"
        else:
            kept.append(name)
        if text:
            losses.add(Loss("draft", f"file header: flags: {name}: {text}", None, None, "flags"))
    if _CONTEXT in there and _has_bit(known, "investigation"):
        kept.append("investigation")
    _judge_capabilities(dump, plan, losses)
    return kept


def _has_bit(word: FlagDefinition, name: str) -> bool:
    """Whether a flag word has a bit of this name."""
    try:
        return not word.encode([name]) & ~word.defined
    except ValueError:
        return False


def _judge_capabilities(dump: Dump, plan: ConversionPlan, losses: Losses) -> None:
    """Say which categories the old header announces, and the new one does not."""
    word = plan.target.flags["CapBitmap"]
    written = set(word.names(word.encode(_capabilities(plan.steps, plan.target))))
    for segment in dump.segments:
        for block in dump.segment_blocks(segment):
            if block.type is not None and block.type.capability:
                written.add(snake_case(block.type.capability))
    for name in dump.header.record["cap_bitmap"].names:
        if name not in written:
            known = _has_bit(word, name)
            reason = "the new file holds no such block" if known else "there is no such bit"
            text = f"file header: cap_bitmap: {name}: {reason}"
            losses.add(Loss("form" if known else "draft", text, None, None, "cap_bitmap"))


def _capabilities(steps: Iterable[Step], target: Schema) -> list[str]:
    kinds = {step.key for step in steps}
    found = {kind.capability for key in kinds if (kind := written_as(target, key)) is not None}
    return sorted(snake_case(one) for one in found if one)


def _provenance(
    dump: Dump,
    plan: ConversionPlan,
    verdict: Verdict,
    losses: Losses,
    now: int,
    remarks: Mapping[str, str],
) -> Record:
    """The Import Provenance: the old one's, if it has one, and what was done now."""
    blocks = list(dump.capture_blocks.of_type(_PROVENANCE))
    fields = Record()
    notes = [_note(dump, verdict, remarks)]
    for block in blocks[1:]:
        text = f"{block.describe()}: there is one already"
        losses.add(Loss("form", text, block.offset, block.index))
    for block in blocks[:1]:
        found = plan.contents.provenance(block, losses)
        if found is None:
            continue
        fields, extra = found
        notes = [*([fields["note"]] if fields.get("note") else []), *extra, *notes]
        notes.append(f"converted_by={TOOL}")
        _settle_stream(plan, block.index, block.offset, fields, losses)
    if any(key not in fields for key in _SAYS_OF_IMPORT):  # none, or one that is cut: that is told
        fields = Record()
        fields["source_format"] = plan.target.enumerations["SourceFormat"].encode("other")
        fields["tool_name"] = TOOL
        fields["import_time"] = now
        fields["orig_file_size"] = dump.size or 0
    fields["note"] = "; ".join(notes)
    return fields


def _note(dump: Dump, verdict: Verdict, remarks: Mapping[str, str]) -> str:
    """What the new file was made of, as ``key=value`` pairs."""
    recognition = dump.recognition
    stored = verdict.stored_file_hash
    about = {
        "source_format": "msl",
        "draft": dump.schema.name,
        "dialect": recognition.name or "none",
        **({} if recognition.producer is None else {"producer": recognition.producer}),
        "dump_uuid": str(dump.header.record["dump_uuid"]),
        "size": str(dump.size or 0),
        "hash_algo": dump.header.hash_algorithm,
        "file_hash": "none" if stored is None else stored.hex(),
        "intact": {True: "yes", False: "no", None: "unknown"}[verdict.intact],
        "complete": "yes" if verdict.complete else "no",
        **remarks,
    }
    return "; ".join(f"{key}={value}" for key, value in about.items())


def _settle_stream(
    plan: ConversionPlan, index: int, offset: int, fields: Record, losses: Losses
) -> None:
    """A raw byte stream is one region at address 0, all of it captured (§9)."""
    registry = plan.target.enumerations["SourceFormat"]
    found = fields.get("source_format")
    code = found if isinstance(found, Code) else registry.decode(int(found or 0))
    if code.name != _STREAM:
        return
    parts = [step.part for step in plan.steps if step.part is not None]
    whole = len(parts) == 1 and parts[0].base_addr == 0 and _all_captured(parts[0], plan.target)
    if not whole:
        fields["source_format"] = registry.encode("unknown")
        text = "source_format: the regions are not those of a raw byte stream, it becomes unknown"
        losses.add(Loss("form", text, offset, index, "source_format"))


def _all_captured(part: RegionPart, target: Schema) -> bool:
    page_map = part.page_map(target)
    return page_map.captured == page_map.pages


# -- writing -----------------------------------------------------------------------------


def _write(writer: Writer, plan: ConversionPlan, step: Step) -> None:
    if step.part is not None:
        content = plan.content(step)
        assert isinstance(content, Record)
        fields = {key: value for key, value in content.items() if key != "reserved"}
        writer.add_memory_region(
            data=step.part.data(),
            page_states=step.part.page_map(plan.target),
            block_flags=sorted(step.flags),
            block_uuid=step.uuid,
            **fields,
        )
        released(step.part)
    elif step.key == "module_list_index":
        _write_index(writer, plan, step)
    else:
        _add(writer, plan, step)


def _write_index(writer: Writer, plan: ConversionPlan, step: Step) -> None:
    """The Module List Index: what the Module Entries say."""
    rows = []
    for entry in plan.steps:
        if entry.key == "module_entry":
            fields = plan.content(entry)
            assert isinstance(fields, Record)
            row = {key: fields.get(key) for key in ("base_addr", "module_size", "path")}
            rows.append({"module_uuid": entry.uuid, **row})
    writer.add_module_list_index(rows, block_uuid=step.uuid)


def _add(writer: BlockAdder, plan: ConversionPlan, step: Step) -> None:
    content = plan.content(step)
    by = written_by(plan.target, step.key)
    common: dict[str, Any] = {
        "block_flags": sorted(step.flags),
        "block_uuid": step.uuid,
        "parent_uuid": step.parent,
    }
    if isinstance(content, Record):
        if by is None or by is plan.target:
            writer.add(step.key, **common, **content)
        else:
            writer.add_of_dialect(by, step.key, content, **common)
        return
    writer.add_opaque(step.key, content, **common)


def _write_segments(
    file: IO[bytes],
    plan: ConversionPlan,
    compression: str | None,
    level: int | None,
    new_uuid: Callable[[], uuid.UUID],
) -> int:
    for closing, steps in plan.segments:
        with append_segment(
            file,
            producer=closing.producer,
            compression=compression,
            level=level,
            clock=_always(closing.written_at),
            new_uuid=new_uuid,
        ) as writer:
            for step in steps:
                _add(writer, plan, step)
    return len(plan.segments)


def _always(moment: int) -> Callable[[], int]:
    return lambda: moment
