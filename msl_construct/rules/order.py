"""Where blocks stand: Block 0, Block 1, Block 2, threads before regions (§2, §5, §6)."""

from __future__ import annotations

import uuid as uuids
from collections.abc import Iterator

from .declare import rule, since
from .facts import Facts
from .model import Found, Level, Role, Scope
from .parents import tables

_LIVE = (Role.LIVE_ACQUIRER,)


def _must_be(facts: Facts, number: int, key: str) -> Iterator[Found]:
    """The block of this number, where it is of another type."""
    if len(facts) > number and facts.key(number) != key:
        name = facts.schema.block(key).name
        yield Found(
            f"{facts.describe(number)}: expected {name} as Block {number}, found "
            f"{facts.key(number)}",
            facts.at(number, "block_type"),
            number,
            "block_type",
        )


@rule(
    "MSL-5.4-PROCESS-IDENTITY-NOT-FIRST",
    Level.MUST,
    Scope.WHOLE,
    who=_LIVE,
    requirement="Block 0 of a live acquisition is the Process Identity.",
    wrong="Block 0 of a live acquisition is another block.",
    why="A reader that only wants to know what was captured reads no further than Block 0.",
)
def process_identity_not_first(facts: Facts) -> Iterator[Found]:
    # An Import Provenance there says that it is the Imported flag which is wrong.
    if facts.live and len(facts) and facts.key(0) != "import_provenance":
        yield from _must_be(facts, 0, "process_identity")


@rule(
    "MSL-5.3-MODULE-LIST-INDEX-NOT-SECOND",
    Level.MUST,
    Scope.WHOLE,
    who=_LIVE,
    requirement="Block 1 of a live acquisition is the Module List Index.",
    wrong="Block 1 of a live acquisition is another block.",
    why="Readers find the module list, and the UUIDs of the entries to come, in Block 1.",
)
def module_list_index_not_second(facts: Facts) -> Iterator[Found]:
    if facts.live and len(facts) and facts.key(0) != "import_provenance":
        yield from _must_be(facts, 1, "module_list_index")


@rule(
    "MSLX-5.4-PROCESS-IDENTITY-REPEATED",
    Level.OURS,
    Scope.WHOLE,
    requirement="A dump has at most one Process Identity.",
    wrong="A second block claims to say which process the dump is of.",
    why="A dump is of one process; readers differ in which of the two they believe.",
)
def process_identity_repeated(facts: Facts) -> Iterator[Found]:
    yield from _repeated(facts, "process_identity")


@rule(
    "MSLX-5.3-MODULE-LIST-INDEX-REPEATED",
    Level.OURS,
    Scope.WHOLE,
    requirement="A dump has at most one Module List Index.",
    wrong="A second block claims to be the list of modules.",
    why="Module Entries have one of them as their parent; readers differ in which they take.",
)
def module_list_index_repeated(facts: Facts) -> Iterator[Found]:
    yield from _repeated(facts, "module_list_index")


@rule(
    "MSLX-6-SYSTEM-CONTEXT-REPEATED",
    Level.OURS,
    Scope.WHOLE,
    drafts=since("draft-2026-10"),
    requirement="A dump has at most one System Context.",
    wrong="A second block claims to say on which machine the dump was made.",
    why="The tables have one of them as their parent; readers differ in which they take.",
)
def system_context_repeated(facts: Facts) -> Iterator[Found]:
    yield from _repeated(facts, "system_context")


def _repeated(facts: Facts, key: str) -> Iterator[Found]:
    first = None
    for block in facts.of_type(key):
        if first is None:
            first = block
            continue
        yield Found(
            f"{facts.describe(block)}: expected one such block, {facts.describe(first)} is one "
            "already",
            facts.offsets[block],
            block,
        )


@rule(
    "MSL-5.7-THREAD-CONTEXT-BEHIND-REGION",
    Level.MUST,
    Scope.WHOLE,
    drafts=since("draft-2026-10"),
    requirement="Thread Contexts stand before the first Memory Region.",
    wrong="A Thread Context stands behind a Memory Region.",
    why="Readers that look for registers stop at the first region, to be spared the data.",
)
def thread_context_behind_region(facts: Facts) -> Iterator[Found]:
    region = next(facts.of_type("memory_region"), None)
    if region is None:
        return
    for block in facts.of_type("thread_context"):
        if region < block < facts.capture_count:
            yield Found(
                f"{facts.describe(block)}: expected it before the first Memory Region, "
                f"{facts.describe(region)}",
                facts.offsets[block],
                block,
            )


@rule(
    "MSLX-5.8-VAS-MAP-MISPLACED",
    Level.OURS,
    Scope.WHOLE,
    drafts=since("draft-2026-10"),
    requirement="The VAS Map of a capture stands directly before its End-of-Capture.",
    wrong="A VAS Map stands in the middle of the capture.",
    why="It is the usual place; a map from before the regions were read may be out of date.",
)
def vas_map_misplaced(facts: Facts) -> Iterator[Found]:
    last = None
    for block in facts.of_type("vas_map"):
        if block < facts.capture_count:
            last = block
    if last is not None and facts.finished and last + 1 != facts.closings[0]:
        yield Found(
            f"{facts.describe(last)}: expected it directly before "
            f"{facts.describe(facts.closings[0])}",
            facts.offsets[last],
            last,
        )


@rule(
    "MSL-6-SYSTEM-CONTEXT-NOT-THIRD",
    Level.MUST,
    Scope.WHOLE,
    drafts=since("draft-2026-10"),
    who=_LIVE,
    requirement="Block 2 of a live acquisition in investigation mode is the System Context.",
    wrong="The flag Investigation is set, and Block 2 is not the System Context.",
    why="Whoever looks for the machine and the case of an investigation looks in Block 2.",
)
def system_context_not_third(facts: Facts) -> Iterator[Found]:
    if facts.live and "investigation" in facts.header.record["flags"]:
        yield from _must_be(facts, 2, "system_context")


@rule(
    "MSL-6-SYSTEM-CONTEXT-ABSENT",
    Level.MUST,
    Scope.WHOLE,
    drafts=since("draft-2026-10"),
    who=(Role.IMPORTER,),
    requirement="A converted dump in investigation mode has a System Context.",
    wrong="The flags Imported and Investigation are set, and there is no System Context.",
    why="Whoever handles the file as an investigation's finds neither the machine nor the case.",
)
def system_context_absent(facts: Facts) -> Iterator[Found]:
    flags = facts.header.record["flags"]
    if facts.live or not facts.finished or "investigation" not in flags:
        return  # of a live acquisition, the rule of Block 2 says so
    if next(facts.of_type("system_context"), None) is not None:
        return
    if next(tables(facts), None) is not None:
        return  # that their parent is not there is said of the tables
    yield Found(
        f"header flags: {', '.join(flags.names)}: expected a System Context, found none",
        facts.schema.file_header.offset_of("flags"),
        field="flags",
    )


@rule(
    "MSL-6-INVESTIGATION-FLAG-MISSING",
    Level.MUST,
    Scope.WHOLE,
    drafts=since("draft-2026-10"),
    requirement="A file with a System Context has the header flag Investigation.",
    wrong="The file holds a System Context, and the flag Investigation is not set.",
    why="What a file says of other people's processes must be known before it is handed on.",
)
def investigation_flag_missing(facts: Facts) -> Iterator[Found]:
    block = next(facts.of_type("system_context"), None)
    if block is not None and "investigation" not in facts.header.record["flags"]:
        yield Found(
            f"header flags: expected Investigation, as {facts.describe(block)} is there, found "
            f"{', '.join(facts.header.record['flags'].names) or 'none'}",
            facts.schema.file_header.offset_of("flags"),
            field="flags",
        )


@rule(
    "MSL-6-TABLE-WITHOUT-SYSTEM-CONTEXT",
    Level.MUST,
    Scope.WHOLE,
    drafts=since("draft-2026-10"),
    requirement="The tables of investigation mode have the System Context as their parent.",
    wrong="A table's ParentUUID is not the System Context.",
    why="Nothing says which machine, and at which time, the table is about.",
)
def table_without_system_context(facts: Facts) -> Iterator[Found]:
    context = next(facts.of_type("system_context"), None)
    expected = facts.uuids[context] if context is not None else None
    if context in facts.nameless:
        return  # nothing can name it as its parent, which is another rule
    for block in tables(facts):
        parent = facts.parent(block)
        if parent == expected or (any(parent) and facts.uuids.find(parent) is None):
            continue  # right, or a UUID that is no block's, which is another rule
        where = facts.describe(context) if context is not None else "a System Context"
        yield Found(
            f"{facts.describe(block)}: ParentUUID: expected {where}, found "
            f"{uuids.UUID(bytes=parent)}",
            facts.at(block, "parent_uuid"),
            block,
            "parent_uuid",
        )
