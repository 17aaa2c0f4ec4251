"""What a converted dump must be like (§9)."""

from __future__ import annotations

from collections.abc import Iterator

from .declare import rule
from .facts import Facts
from .model import Found, Level, Role, Scope
from .parents import first_fragment, unmarked_parent

_WHO = (Role.IMPORTER,)


def _place(facts: Facts, block: int, text: str) -> Found:
    return Found(f"{facts.describe(block)}: {text}", facts.at(block, "block_type"), block)


@rule(
    "MSL-9-IMPORTED-FLAG-MISSING",
    Level.MUST,
    Scope.WHOLE,
    who=_WHO,
    requirement="A converted dump has the header flag Imported.",
    wrong="The file holds an Import Provenance, and the flag Imported is not set.",
    why="It passes for a live acquisition, with an acquirer to answer for it.",
)
def imported_flag_missing(facts: Facts) -> Iterator[Found]:
    block = next(facts.of_type("import_provenance"), None)
    if facts.live and block is not None:
        yield Found(
            f"header flags: expected Imported, as {facts.describe(block)} is there, found "
            f"{', '.join(facts.header.record['flags'].names) or 'none'}",
            facts.schema.file_header.offset_of("flags"),
            field="flags",
        )


@rule(
    "MSL-9-IMPORT-PROVENANCE-NOT-FIRST",
    Level.MUST,
    Scope.WHOLE,
    who=_WHO,
    requirement="Block 0 of a converted dump is its Import Provenance.",
    wrong="The flag Imported is set, and Block 0 is not an Import Provenance.",
    why="Nothing says what the dump was converted from, or not where readers look for it.",
)
def import_provenance_not_first(facts: Facts) -> Iterator[Found]:
    if facts.live or not len(facts) or facts.key(0) == "import_provenance":
        return
    where = next(facts.of_type("import_provenance"), None)
    also = f"; {facts.describe(where)} comes too late" if where is not None else ""
    yield _place(facts, 0, f"expected Import Provenance as Block 0{also}")


@rule(
    "MSL-9-IMPORT-PROVENANCE-REPEATED",
    Level.MUST,
    Scope.WHOLE,
    who=_WHO,
    requirement="A converted dump has exactly one Import Provenance.",
    wrong="A second block claims to say what the dump was converted from.",
    why="Nobody can tell which of the two is the original.",
)
def import_provenance_repeated(facts: Facts) -> Iterator[Found]:
    blocks = facts.of_type("import_provenance")
    first = next(blocks, None)
    for block in blocks:
        assert first is not None
        text = f"expected one Import Provenance, {facts.describe(first)} is one already"
        yield _place(facts, block, text)


@rule(
    "MSL-9-PROCESS-IDENTITY-NOT-SECOND",
    Level.MUST,
    Scope.WHOLE,
    who=_WHO,
    requirement="Where a converted dump has a Process Identity, it stands directly behind the "
    "Import Provenance.",
    wrong="A converted dump's Process Identity is not Block 1.",
    why="A reader that only wants to know what was captured reads no further than Block 1.",
)
def process_identity_not_second(facts: Facts) -> Iterator[Found]:
    block = next(facts.of_type("process_identity"), None)
    if facts.live or block is None or facts.key(0) != "import_provenance":
        return
    if block != 1:
        yield _place(facts, block, "expected Process Identity as Block 1 of a converted dump")


@rule(
    "MSL-9-RAW-STREAM-NOT-ONE-REGION",
    Level.MUST,
    Scope.WHOLE,
    who=_WHO,
    requirement="A raw byte stream becomes one Memory Region at BaseAddr 0.",
    wrong="A dump that was converted from a raw byte stream has several regions, none, or one "
    "at another address.",
    why="Addresses of the original and of the dump are not the same.",
)
def raw_stream_not_one_region(facts: Facts) -> Iterator[Found]:
    if not _raw(facts):
        return
    heads = _regions(facts)
    if not heads and facts.finished:
        yield _place(facts, 0, "a raw byte stream: expected one Memory Region, found none")
    for block in heads[1:]:
        yield _place(facts, block, "a raw byte stream: expected one Memory Region only")
    for block in heads[:1]:
        row = facts.regions.row_of(block)
        if row is not None and facts.regions.bases[row]:
            yield Found(
                f"{facts.describe(block)}: BaseAddr: expected 0 for a raw byte stream, found "
                f"{facts.regions.bases[row]:#x}",
                facts.at(block, "base_addr"),
                block,
                "base_addr",
            )


@rule(
    "MSL-9-RAW-STREAM-NOT-CAPTURED",
    Level.MUST,
    Scope.WHOLE,
    who=_WHO,
    requirement="All pages of a raw byte stream are Captured.",
    wrong="A page of a dump that was converted from a raw byte stream is not Captured.",
    why="A stream has no holes: some of the original is missing.",
)
def raw_stream_not_captured(facts: Facts) -> Iterator[Found]:
    if not _raw(facts):
        return
    for row, block in enumerate(facts.regions.blocks):
        if facts.uncaptured[row]:
            yield Found(
                f"{facts.describe(block)}: a raw byte stream: expected all pages Captured",
                facts.at(block, "page_state_map"),
                block,
                "page_state_map",
            )


@rule(
    "MSLX-9-RAW-STREAM-SIZE",
    Level.OURS,
    Scope.WHOLE,
    who=_WHO,
    requirement="The region of a raw byte stream is as long as the original, up to a whole page.",
    wrong="A raw byte stream's region has another size than OrigFileSize says.",
    why="Some of the original is missing, or bytes were added to it.",
)
def raw_stream_size(facts: Facts) -> Iterator[Found]:
    if not _raw(facts) or not facts.finished or len(_regions(facts)) != 1 or not facts.regions:
        return
    if not all(map(facts.regions.known, range(len(facts.regions)))):
        return  # its size is another rule
    stated = facts.sources[0][1]
    page = 1 << facts.regions.exponents[0]
    expected, found = -(-stated // page) * page, sum(facts.regions.sizes)
    if stated and expected != found:
        yield Found(
            f"{facts.describe(0)}: OrigFileSize {stated}: expected a region of {expected:#x} "
            f"bytes, found {found:#x}",
            facts.at(0, "orig_file_size"),
            0,
            "orig_file_size",
        )


def _raw(facts: Facts) -> bool:
    """Whether the file says that it was converted from a raw byte stream."""
    return not facts.live and facts.sources.get(0, ("", 0))[0] == "raw_byte_stream"


def _regions(facts: Facts) -> list[int]:
    """The blocks that regions begin with."""
    return [
        block
        for block in facts.of_type("memory_region")
        if unmarked_parent(facts, block) is None
        and (not facts.has_flag(block, "continuation") or first_fragment(facts, block) is None)
    ]
