"""Whether a file is intact and complete: chain, FileHash, counts, segments, trailing bytes.

Every byte is hashed twice, once for the chain and once for FileHash; the two run in two
threads that pass over the file together, so that it is read once.
"""

from __future__ import annotations

import threading
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from ..errors import FormatError
from ..hashing import Hasher, hasher_factory, new_hasher
from ..source import SharedPass, WindowReader
from .block import RAW, Block
from .gaps import gap_of, gap_of_file_hash, gap_of_link
from .opened import Indexed, Opened
from .segments import Reason
from .suspects import Few, Link, Suspect, suspect_of
from .verdict import Finding, Verdict

__all__ = ["verify", "verify_passing"]


@dataclass
class Observed:
    """What a pass over the file found out, to be held against what the file says.

    Attributes:
        blocks: how many there are, in the capture and in intact segments.
        in_capture: how many of them are in the capture.
        links: those of PrevHash that differ.
        closings: each End-of-Capture with the hash of all bytes before it.
        forbidden: blocks of a type that must not appear.
        unseen: blocks that could not be looked at.
        header: the bytes of the file header that the hashes are of.
        since: what was changed in it since they were taken; an empty text: nothing.
    """

    blocks: int = 0
    in_capture: int = 0
    links: Few[Link] = field(default_factory=Few)
    closings: Few[tuple[Block, bytes | None]] = field(default_factory=Few)
    forbidden: Few[Block] = field(default_factory=Few)
    unseen: Few[Finding] = field(default_factory=Few)
    header: bytes = b""
    since: str = ""

    def forbid(self, block: Block) -> None:
        """Note a block of a type that must not appear."""
        if self.forbidden.wants(block.index):
            self.forbidden.add(block)

    def look(self, block: Block) -> None:
        """Note why a block could not be looked at, if so."""
        gap = gap_of(block)
        if gap is not None and self.unseen.wants(block.index):
            self.unseen.add(gap)


def verify(dump: Indexed) -> Verdict:
    """Hash the whole file and compare it with what it says of itself.

    Raises:
        ChangedError: somebody wrote to it meanwhile.
    """
    facts = Observed(blocks=len(dump.index), in_capture=dump.capture_count)
    invalid, closing = dump.schema.block("invalid").code, dump.end_of_capture_code
    types = dump.index.types
    for index, kind in enumerate(types):
        if kind == invalid:
            facts.forbid(dump.block(index))
    for block in _misplaced(dump):
        facts.forbid(block)
    ends = array("Q", (i for i in range(dump.capture_count) if types[i] == closing))
    algorithm = dump.header.hash_algorithm
    problem = _unknown(algorithm)
    facts.header = dump.header.raw
    if problem is not None:
        for end in ends:
            if facts.closings.wants(end):
                facts.closings.add((dump.block(end), None))
    else:
        if types and not dump.header.encrypted:
            _find_header(dump, dump.block(0), facts)
        _hash_everything(dump, algorithm, ends, facts)
    compressed = dump.schema.compressed
    for index, flags in enumerate(dump.index.flags):
        if flags & compressed:
            facts.look(dump.block(index))
    verdict = _judge(facts, dump, problem)
    dump.require_unchanged()
    return verdict


def _find_header(dump: Opened, first: Block, facts: Observed) -> None:
    """Which bytes of the file header the first link covers: those that are there, unless another
    header that the dialect knows fits and they don't."""
    dialect, stored = dump.recognition.dialect, first.header["prev_hash"]
    make = hasher_factory(dump.header.hash_algorithm)
    if dialect is None or dialect.earlier_headers is None or make(facts.header).digest() == stored:
        return
    for earlier, since in dialect.earlier_headers(facts.header, dump.schema):
        if make(earlier).digest() == stored:
            facts.header, facts.since = earlier, since
            return


def verify_passing(dump: Opened) -> Verdict:
    """The same for a dump that comes from a pipe: one pass, one thread."""
    facts = Observed()
    algorithm = dump.header.hash_algorithm
    problem = _unknown(algorithm)
    invalid, closing = dump.schema.block("invalid").code, dump.end_of_capture_code
    whole = new_hasher(algorithm if problem is None else "blake3")
    chain = whole.copy()
    facts.header = dump.header.raw
    chain.update(facts.header)
    whole.update(facts.header)

    before = _header(dump)

    def take(block: Block) -> None:
        nonlocal before, chain, whole
        if problem is None and block.index == 0:
            _find_header(dump, block, facts)
            if facts.since:
                whole = new_hasher(algorithm)
                whole.update(facts.header)
                chain = whole.copy()
        broken = problem is None and block.header["prev_hash"] != chain.digest()
        if broken and facts.links.wants(block.index):
            facts.links.add(Link(block, chain.digest(), before))
        before = suspect_of(block)
        kind = block.header["block_type"]
        if kind == closing:
            assert block.payload is not None  # decoded while it is at hand
            if facts.closings.wants(block.index):
                digest = whole.copy().digest() if problem is None else None
                facts.closings.add((block, digest))
        elif kind == invalid:
            facts.forbid(block)
        chain = new_hasher(algorithm if problem is None else "blake3")
        for piece in block.extent.chunks():
            chain.update(piece)
            whole.update(piece)
        facts.look(block)

    for _ in dump.each_capture_block(take):
        facts.blocks += 1
    # What belongs to a block that turned out not to be whole is no finding of its own.
    facts.links.only(lambda link: link.block.index < facts.blocks)
    facts.closings.only(lambda end: end[0].index < facts.blocks)
    facts.forbidden.only(lambda block: block.index < facts.blocks)
    facts.unseen.only(lambda gap: (gap.block or 0) < facts.blocks)
    facts.in_capture = facts.blocks
    facts.blocks += sum(segment.count for segment in dump.segments)
    for segment in dump.segments:
        blocks = dump.segment_blocks(segment)
        for block in blocks:
            if block.header["block_type"] == invalid:
                facts.forbid(block)
            facts.look(block)
    for block in _misplaced(dump):
        facts.forbid(block)
    return _judge(facts, dump, problem)


def _header(dump: Opened) -> Suspect:
    return Suspect(0, dump.header.size, "the file header")


def _misplaced(dump: Opened) -> Iterator[Block]:
    """Blocks of extension segments whose type segments must not hold (§4.6)."""
    for segment in dump.segments:
        for block in dump.segment_blocks(segment):
            if block.type is not None and not block.type.in_segment and block.type.code:
                yield block


def _unknown(algorithm: str) -> str | None:
    try:
        new_hasher(algorithm)
    except FormatError as error:
        return str(error)
    return None


def _hash_everything(dump: Indexed, algorithm: str, ends: Sequence[int], facts: Observed) -> None:
    """The chain in this thread, FileHash in a second one, over the same windows of the file.

    Where the system gives no thread, one after the other.
    """
    offsets = dump.index.offsets
    stop = offsets[-1] if len(offsets) else 0  # no hash covers the last block
    source = dump.sequential()
    digests: list[bytes] = []
    failure: list[BaseException] = []

    def whole(along: WindowReader) -> None:
        try:
            other = facts.header if facts.since else b""
            stops = [offsets[end] for end in ends]
            digests.extend(_file_hashes(along, algorithm, other, stops))
        except BaseException as error:
            failure.append(error)
        finally:
            along.close()

    windows = SharedPass(source, stop, readers=2)
    name = "msl-verify-file-hash"
    thread = threading.Thread(target=whole, args=[WindowReader(windows, 1)], name=name, daemon=True)
    try:
        thread.start()
    except (RuntimeError, MemoryError):
        whole(WindowReader(SharedPass(source, stop, readers=1), 0))
        windows.passed(1)
    along = WindowReader(windows, 0)
    try:
        _check_chain(dump, along, algorithm, facts)
    except BaseException as error:
        windows.give_up(error)
        raise
    finally:
        along.close()
        if thread.ident is not None:
            thread.join()
    if failure:
        raise failure[0]
    for end, digest in zip(ends, digests):
        if facts.closings.wants(end):
            facts.closings.add((dump.block(end), digest))


def _file_hashes(
    along: WindowReader, algorithm: str, header: bytes, stops: Iterable[int]
) -> Iterator[bytes]:
    """The hash of all bytes before each of these offsets, with a header in the file's place."""
    hasher = new_hasher(algorithm)
    hasher.update(header)
    position = len(header)
    for stop in stops:
        _feed(hasher, along, position, stop - position)
        position = stop
        yield hasher.copy().digest()


def _check_chain(dump: Indexed, along: WindowReader, algorithm: str, facts: Observed) -> None:
    make = hasher_factory(algorithm)
    chained = not dump.header.encrypted  # there the tag covers everything, and PrevHash is zero
    expected = make(facts.header).digest()
    if not chained:
        expected = bytes(len(expected))
    stored_at = dump.schema.block_header.offset_of("prev_hash")
    width = dump.schema.block_header.field("prev_hash").type.minimum
    last = len(dump.index) - 1
    for index, (offset, length) in enumerate(zip(dump.index.offsets, dump.index.lengths)):
        if along.read(offset + stored_at, width) != expected and facts.links.wants(index):
            before = suspect_of(dump.block(index - 1)) if index else _header(dump)
            facts.links.add(Link(dump.block(index), expected, before))
        if chained and index < last:
            hasher = make()
            _feed(hasher, along, offset, length)
            expected = hasher.digest()


def _feed(hasher: Hasher, along: WindowReader, offset: int, length: int) -> None:
    for piece in along.pieces(offset, length):
        hasher.update(piece)


def _judge(facts: Observed, dump: Opened, problem: str | None) -> Verdict:
    """Turn hashes, counts and the way the file ends into findings."""
    verdict = Verdict(blocks=facts.blocks, segments=len(dump.segments))
    verdict.recognition = dump.recognition
    verdict.authenticated = dump.header.encrypted
    if not verdict.authenticated:
        verdict.unprotected = verdict.blocks - 1 if verdict.blocks else None
    findings, gaps = verdict.findings, verdict.gaps
    if problem is not None:
        verdict.file_hash = "unchecked"
        gaps.append(Finding("hash_algo", problem))
    if facts.since:
        text = (
            f"the file header was changed since it was hashed: {facts.since}; every other byte "
            "that the hashes cover is what was written"
        )
        gaps.append(Finding("header_changed", text, 0))
    links = list(facts.links)
    for link, behind in zip(links, [*links[1:], None]):
        block = link.block
        unrecorded = gap_of_link(dump, block)
        if unrecorded is not None:
            gaps.append(unrecorded)
            continue
        findings.append(_broken(link, facts, behind, chained=not dump.header.encrypted))
    if facts.closings:
        end = facts.closings.first[0]
        verdict.stored_file_hash = end.payload.get("file_hash")
        verdict.behind_file_hash = facts.in_capture - end.index - 1
    for block, digest in facts.closings:
        unrecorded = gap_of_file_hash(dump, block)
        if unrecorded is not None:
            verdict.file_hash = "unchecked"
            gaps.append(unrecorded)
        elif digest is not None:
            _judge_file_hash(verdict, block, digest)
    if facts.closings and verdict.file_hash in ("match", "mismatch"):
        verdict.file_hash_covers = facts.closings.first[0].index
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
    _count_the_rest(verdict, facts)
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


def _broken(link: Link, facts: Observed, behind: Link | None, *, chained: bool) -> Finding:
    """What a link that does not hold says, by the bytes that it speaks against.

    The next link covers this PrevHash: where it holds, the bytes before are what was changed.
    """
    block, before = link.block, link.before
    index = block.index
    if not chained:
        text = (
            f"PrevHash of {block.describe()}: expected zeros, as in every block of an encrypted "
            f"file, found {block.header['prev_hash'].hex()} (§10)"
        )
        return Finding("chain", text, block.offset, index)
    covered = index + 1 < facts.blocks and (behind is None or behind.block.index != index + 1)
    if behind is None and facts.links.more:
        covered = False  # nobody remembers
    text = (
        f"{before.length} bytes at {before.offset:#x} ({before.text}) are not what was written"
        f"{'' if covered else ', or the block behind them was not'}: PrevHash of "
        f"{block.describe()}: expected {link.expected.hex()}, found "
        f"{block.header['prev_hash'].hex()} (§4.4)"
    )
    span = (before.offset, before.length)
    return Finding("chain", text, block.offset, index, span, before.addresses)


def _count_the_rest(verdict: Verdict, facts: Observed) -> None:
    """One line for what is not told one by one."""
    for kind, few, into in (
        ("chain", facts.links, verdict.findings),
        ("file_hash", facts.closings, verdict.findings),
        ("block_type", facts.forbidden, verdict.findings),
        ("not_inflated", facts.unseen, verdict.gaps),
    ):
        if few.more and any(found.kind == kind for found in into):
            text = f"and {few.more} blocks more, up to block {few.last}"
            into.append(Finding(kind, text, None, few.last))


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
    closing = facts.closings.first[0]
    stated.append(("End-of-Capture", closing.payload.get("block_count", 0), closing.offset))
    actual = closing.index + 1
    for where, count, offset in stated:
        if count and count != actual:
            text = (
                f"BlockCount in the {where}: expected {actual} blocks up to the End-of-Capture, "
                f"found {count} (§4.5)"
            )
            verdict.findings.append(Finding("block_count", text, offset))
