"""Hashes and block counts (§4.4, §4.5)."""

from __future__ import annotations

from collections.abc import Iterator

from ..reader.header import FileHeader
from .declare import rule, since
from .facts import Facts
from .model import Found, Level, Scope


def _of_kind(facts: Facts, kind: str, field: str) -> Iterator[Found]:
    """What `verify` says of one kind, at the field that it is about."""
    for finding in facts.verdict.findings:
        if finding.kind != kind:
            continue
        offset = facts.at(finding.block, field) if finding.block is not None else finding.offset
        yield Found(finding.text, offset, finding.block, field)


@rule(
    "MSL-4.4-PREV-HASH-MISMATCH",
    Level.MUST,
    Scope.WHOLE,
    requirement="PrevHash is the hash of all bytes of the block before, as stored; that of "
    "Block 0 is the hash of the file header.",
    wrong="A block's PrevHash is not the hash of what stands before it.",
    why="The block before was changed, or this one was not written behind it: what it holds "
    "is not what the producer wrote.",
)
def prev_hash_mismatch(facts: Facts) -> Iterator[Found]:
    yield from _of_kind(facts, "chain", "prev_hash")


@rule(
    "MSL-4.5-FILE-HASH-MISMATCH",
    Level.MUST,
    Scope.WHOLE,
    requirement="FileHash is the hash of every byte of the file before the End-of-Capture.",
    wrong="FileHash is not the hash of the bytes before its block.",
    why="Some byte of the capture was changed after it was finished.",
)
def file_hash_mismatch(facts: Facts) -> Iterator[Found]:
    for found in _of_kind(facts, "file_hash", "file_hash"):
        if found.block in facts.hashed:  # one that can't be read is damage, not another hash
            yield found


@rule(
    "MSL-3-BLOCK-COUNT-MISMATCH",
    Level.MUST,
    Scope.WHOLE,
    drafts=since("draft-2026-10"),
    requirement="BlockCount in the file header is 0 or the number of blocks up to the "
    "End-of-Capture, that one included.",
    wrong="The header announces another number of blocks than there are.",
    why="Blocks were removed or added, or the producer did not write what it set out to.",
)
def header_block_count_mismatch(facts: Facts) -> Iterator[Found]:
    layout = facts.schema.file_header
    stated = facts.header.record.get("block_count", 0)
    if facts.finished and stated not in (0, facts.capture_count):
        yield Found(
            f"BlockCount in the header: expected 0 or {facts.capture_count}, the blocks up to "
            f"the End-of-Capture, found {stated}",
            layout.offset_of("block_count"),
            field="block_count",
        )


@rule(
    "MSL-4.5-BLOCK-COUNT-MISMATCH",
    Level.MUST,
    Scope.WHOLE,
    drafts=since("draft-2026-10"),
    requirement="BlockCount in the End-of-Capture is 0 or the number of blocks up to it, "
    "itself included.",
    wrong="The End-of-Capture counts another number of blocks than there are.",
    why="Blocks were removed or added after the capture was finished.",
)
def end_block_count_mismatch(facts: Facts) -> Iterator[Found]:
    stated = facts.stated_count
    if stated and stated != facts.capture_count:
        closing = facts.closings[0]
        yield Found(
            f"BlockCount in {facts.describe(closing)}: expected {facts.capture_count}, found "
            f"{stated}",
            facts.at(closing, "block_count"),
            closing,
            "block_count",
        )


@rule(
    "MSL-4.5-BLOCK-COUNT-ABSENT",
    Level.SHOULD,
    Scope.WHOLE,
    drafts=since("draft-2026-10"),
    requirement="The End-of-Capture says how many blocks the capture has.",
    wrong="The End-of-Capture counts 0 blocks, or ends before the field.",
    why="Nobody can tell from the file whether whole blocks were taken out and the chain "
    "mended behind them.",
)
def end_block_count_absent(facts: Facts) -> Iterator[Found]:
    if facts.stated_count == 0:
        closing = facts.closings[0]
        yield Found(
            f"BlockCount in {facts.describe(closing)}: expected {facts.capture_count}, found "
            "none or 0",
            facts.offsets[closing],
            closing,
            "block_count",
        )


@rule(
    "MSLX-3-HASH-ALGORITHM-PRIVATE",
    Level.OURS,
    Scope.HEADER,
    drafts=since("draft-2026-10"),
    requirement="HashAlgo names an algorithm that everybody can compute.",
    wrong="HashAlgo is Other.",
    why="Nobody but the producer can check the chain, so for everybody else there is none.",
)
def hash_algorithm_private(header: FileHeader) -> Iterator[Found]:
    algorithm = header.record["hash_algo"]
    if algorithm.name == "other":
        yield Found(
            f"HashAlgo: expected blake3, sha_256 or sha_512_256, found {algorithm.name} "
            f"({int(algorithm):#x}): no hash of this file can be checked",
            header.schema.file_header.offset_of("hash_algo"),
            field="hash_algo",
        )
