"""Whether a file is intact and complete: chain, FileHash, counts, segments, trailing bytes.

Every byte is hashed twice, once for the chain and once for FileHash; the two run in two
threads that pass over the file together, so that it is brought into memory once.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

from ..errors import FormatError
from ..hashing import Hasher, new_hasher
from ..source import Source
from .block import RAW, Block
from .gaps import gap_of
from .opened import Indexed, Opened
from .segments import Reason
from .verdict import Finding, Verdict

__all__ = ["verify", "verify_passing"]


@dataclass
class Observed:
    """What a pass over the file found out, to be held against what the file says.

    Attributes:
        blocks: how many there are, in the capture and in intact segments.
        links: blocks whose PrevHash differs, each with the hash that was expected.
        closings: each End-of-Capture with the hash of all bytes before it.
        forbidden: blocks of a type that must not appear.
        unseen: blocks that could not be looked at.
    """

    blocks: int = 0
    links: list[tuple[Block, bytes]] = field(default_factory=list)
    closings: list[tuple[Block, bytes | None]] = field(default_factory=list)
    forbidden: list[Block] = field(default_factory=list)
    unseen: list[Finding] = field(default_factory=list)


def verify(dump: Indexed) -> Verdict:
    """Hash the whole file and compare it with what it says of itself.

    Raises:
        ChangedError: somebody wrote to it meanwhile.
    """
    facts = Observed(blocks=len(dump.index))
    invalid, closing = dump.schema.block("invalid").code, dump.end_of_capture_code
    types = dump.index.types
    facts.forbidden.extend(dump.block(i) for i, kind in enumerate(types) if kind == invalid)
    facts.forbidden.extend(_misplaced(dump))
    ends = [i for i in range(dump.capture_count) if types[i] == closing]
    algorithm = dump.header.hash_algorithm
    problem = _unknown(algorithm)
    if problem is not None:
        facts.closings.extend((dump.block(i), None) for i in ends)
    else:
        _hash_everything(dump, algorithm, ends, facts)
    compressed = dump.schema.compressed
    for index, flags in enumerate(dump.index.flags):
        if flags & compressed:
            facts.unseen.extend(_unseen(dump.block(index)))
    verdict = _judge(facts, dump, problem)
    dump.require_unchanged()
    return verdict


def verify_passing(dump: Opened) -> Verdict:
    """The same for a dump that comes from a pipe: one pass, one thread."""
    facts = Observed()
    algorithm = dump.header.hash_algorithm
    problem = _unknown(algorithm)
    invalid, closing = dump.schema.block("invalid").code, dump.end_of_capture_code
    whole = new_hasher(algorithm if problem is None else "blake3")
    chain = whole.copy()
    chain.update(dump.header.raw)
    whole.update(dump.header.raw)

    def take(block: Block) -> None:
        nonlocal chain
        if block.header["prev_hash"] != chain.digest() and problem is None:
            facts.links.append((block, chain.digest()))
        kind = block.header["block_type"]
        if kind == closing:
            assert block.payload is not None  # decoded while it is at hand
            facts.closings.append((block, whole.copy().digest() if problem is None else None))
        elif kind == invalid:
            facts.forbidden.append(block)
        chain = new_hasher(algorithm if problem is None else "blake3")
        for piece in block.extent.chunks():
            chain.update(piece)
            whole.update(piece)
        facts.unseen.extend(_unseen(block))

    for _ in dump.each_capture_block(take):
        facts.blocks += 1
    # What belongs to a block that turned out not to be whole is no finding of its own.
    for found in (facts.links, facts.closings):
        found[:] = [entry for entry in found if entry[0].index < facts.blocks]  # type: ignore[misc]
    facts.forbidden = [block for block in facts.forbidden if block.index < facts.blocks]
    facts.unseen = [gap for gap in facts.unseen if (gap.block or 0) < facts.blocks]
    facts.blocks += sum(segment.count for segment in dump.segments)
    for segment in dump.segments:
        blocks = dump.segment_blocks(segment)
        for block in blocks:
            if block.header["block_type"] == invalid:
                facts.forbidden.append(block)
            facts.unseen.extend(_unseen(block))
    facts.forbidden.extend(_misplaced(dump))
    return _judge(facts, dump, problem)


def _misplaced(dump: Opened) -> list[Block]:
    """Blocks of extension segments whose type segments must not hold (§4.6)."""
    return [
        block
        for segment in dump.segments
        for block in dump.segment_blocks(segment)
        if block.type is not None and not block.type.in_segment and block.type.code
    ]


def _unseen(block: Block) -> Iterator[Finding]:
    """Why a block could not be looked at, if so."""
    gap = gap_of(block)
    if gap is not None:
        yield gap


def _unknown(algorithm: str) -> str | None:
    try:
        new_hasher(algorithm)
    except FormatError as error:
        return str(error)
    return None


def _hash_everything(dump: Indexed, algorithm: str, ends: list[int], facts: Observed) -> None:
    """The chain in this thread, FileHash in a second one, in step with each other."""
    source = dump.sequential()
    failure: list[BaseException] = []
    digests: list[bytes] = []

    def whole() -> None:
        try:
            hasher = new_hasher(algorithm)
            position = 0
            for index in ends:
                stop = dump.index.offsets[index]
                _feed(hasher, source, position, stop - position)
                position = stop
                digests.append(hasher.copy().digest())
        except BaseException as error:
            failure.append(error)

    thread = threading.Thread(target=whole, name="msl-verify-file-hash", daemon=True)
    thread.start()
    try:
        facts.links.extend(_chain(dump, source, algorithm))
    finally:
        thread.join()
    if failure:
        raise failure[0]
    facts.closings.extend((dump.block(i), digest) for i, digest in zip(ends, digests))


def _chain(dump: Indexed, source: Source, algorithm: str) -> Iterator[tuple[Block, bytes]]:
    hasher = new_hasher(algorithm)
    hasher.update(dump.header.raw)
    expected = hasher.digest()
    stored_at = dump.schema.block_header.offset_of("prev_hash")
    width = dump.schema.block_header.field("prev_hash").type.minimum
    last = len(dump.index) - 1
    for index, (offset, length) in enumerate(zip(dump.index.offsets, dump.index.lengths)):
        if source.read(offset + stored_at, width) != expected:
            yield dump.block(index), expected
        if index < last:
            hasher = new_hasher(algorithm)
            _feed(hasher, source, offset, length)
            expected = hasher.digest()


def _feed(hasher: Hasher, source: Source, offset: int, length: int) -> None:
    for piece in source.pieces(offset, length):
        hasher.update(piece)


def _judge(facts: Observed, dump: Opened, problem: str | None) -> Verdict:
    """Turn hashes, counts and the way the file ends into findings."""
    verdict = Verdict(blocks=facts.blocks, segments=len(dump.segments))
    verdict.recognition = dump.recognition
    verdict.unprotected = verdict.blocks - 1 if verdict.blocks else None
    findings, gaps = verdict.findings, verdict.gaps
    if problem is not None:
        verdict.file_hash = "unchecked"
        gaps.append(Finding("hash_algo", problem))
    for block, expected in facts.links:
        if block.index == 0 and _is_unrecorded(dump, block.header["prev_hash"]):
            text = f"PrevHash of {block.describe()} was not recorded: nothing covers the header"
            gaps.append(Finding("unrecorded", text, block.offset, block.index))
            continue
        text = (
            f"PrevHash of {block.describe()}: expected {expected.hex()}, found "
            f"{block.header['prev_hash'].hex()}: the structure before it is not what was "
            "written, or the block was not written behind it (§4.4)"
        )
        findings.append(Finding("chain", text, block.offset, block.index))
    if facts.closings:
        verdict.stored_file_hash = facts.closings[0][0].payload.get("file_hash")
    for block, digest in facts.closings:
        if _is_unrecorded(dump, block.payload.get("file_hash")):
            verdict.file_hash = "unchecked"
            text = f"FileHash of {block.describe()} was not recorded"
            gaps.append(Finding("unrecorded", text, block.offset, block.index))
        elif digest is not None:
            _judge_file_hash(verdict, block, digest)
    if not dump.header.encrypted:
        _judge_counts(verdict, dump, facts)
    for block in facts.forbidden:
        text = f"{block.describe()}: a block of this type must not stand here (§4.3, §4.6)"
        findings.append(Finding("block_type", text, block.offset, block.index))
    if not facts.closings:
        text = (
            "no End-of-Capture: the acquirer did not finish, so compare the file with a digest "
            "from elsewhere (§4.5)"
        )
        gaps.append(Finding("no_end_of_capture", text))
    gaps.extend(facts.unseen)
    unproven = (Reason.UNCLOSED, Reason.ALGORITHM)
    if dump.ending.kind == "segment" and dump.ending.reason not in unproven:
        findings.append(Finding("segment", dump.ending.text, dump.ending.offset))
    if dump.trailing is not None:
        kind = "truncated" if dump.ending.kind == "truncated" else "trailing"
        text = (
            f"{dump.trailing.length} bytes from {dump.trailing.offset:#x} on are not part of the "
            f"dump: {dump.ending.text}"
        )
        gaps.append(Finding(kind, text, dump.trailing.offset))
    return verdict


def _is_unrecorded(dump: Opened, digest: bytes | None) -> bool:
    """Whether a hash is one that the producers of the file's dialect have left out."""
    dialect = dump.recognition.dialect
    unrecorded = dialect is not None and dialect.unrecorded_hashes
    return unrecorded and digest is not None and not any(digest)


def _judge_file_hash(verdict: Verdict, block: Block, digest: bytes) -> None:
    if RAW in block.payload:
        if verdict.file_hash == "absent":
            verdict.file_hash = "unchecked"
        text = f"FileHash of {block.describe()} can't be read, so that it was not checked (§4.5)"
        verdict.gaps.append(Finding("file_hash", text, block.offset, block.index))
        return
    stored = block.payload.get("file_hash")
    if stored == digest:
        if verdict.file_hash == "absent":
            verdict.file_hash = "match"
        return
    verdict.file_hash = "mismatch"
    found = stored.hex() if stored is not None else "none"
    text = f"FileHash of {block.describe()}: expected {digest.hex()}, found {found} (§4.5)"
    verdict.findings.append(Finding("file_hash", text, block.offset, block.index))


def _judge_counts(verdict: Verdict, dump: Opened, facts: Observed) -> None:
    if not facts.closings:
        return  # an unfinished file has fewer blocks than were announced: that is a gap
    stated = [("header", dump.header.record.get("block_count", 0), 0)]
    closing = facts.closings[0][0]
    stated.append(("End-of-Capture", closing.payload.get("block_count", 0), closing.offset))
    actual = closing.index + 1
    for where, count, offset in stated:
        if count and count != actual:
            text = (
                f"BlockCount in the {where}: expected {actual} blocks up to the End-of-Capture, "
                f"found {count} (§4.5)"
            )
            verdict.findings.append(Finding("block_count", text, offset))
