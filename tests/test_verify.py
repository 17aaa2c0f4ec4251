"""Verifying: a finding for every kind of damage, and none for what is as it must be."""

from __future__ import annotations

import io
import tracemalloc
from itertools import accumulate
from typing import Any

import pytest
from independent import wire
from independent.hashing import ALGORITHMS, digest
from independent.specimens import FIRST_DRAFT, KINDS, LE10, LE11, Kind, capture, finish, start

from msl_construct.reader import Dump, Verdict, open_dump
from msl_construct.reader.stream import PassingDump

kinds = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
HASH_ALGO = {"blake3": 0, "sha_256": 1, "sha_512_256": 2}


def findings(verdict: Verdict) -> list[tuple[str, int | None]]:
    return [(f.kind, f.block) for f in verdict.findings]


def gaps(verdict: Verdict) -> list[str]:
    return [f.kind for f in verdict.gaps]


def flipped(data: bytes, offset: int, bit: int = 1) -> bytes:
    out = bytearray(data)
    out[offset] ^= bit
    return bytes(out)


@kinds
def test_an_intact_file(kind: Kind) -> None:
    verdict = open_dump(capture(kind).data()).verify()
    assert (verdict.findings, verdict.gaps) == ([], [])
    assert verdict.intact
    assert verdict.complete
    assert (verdict.file_hash, verdict.blocks, verdict.unprotected) == ("match", 6, 5)
    assert str(verdict) == "intact and complete: 6 blocks"


@kinds
def test_a_flip_anywhere_before_the_last_block_is_found(kind: Kind) -> None:
    """In the header, in every block's header and payload: chain and FileHash both see it."""
    builder = capture(kind)
    data = builder.data()
    starts = [sum(map(len, builder.parts[:i])) for i in range(len(builder.parts))]
    for part, begin in enumerate(starts[:-1]):
        # bytes that neither end the walk nor change how the file is read
        last = len(builder.parts[part]) - 1
        places = [0x0E, 0x10, 0x2F, 0x50, last] if part else [0x30, 0x3F]
        for place in places:
            verdict = open_dump(flipped(data, begin + place)).verify()
            assert findings(verdict) == [("chain", part), ("file_hash", 5)], (part, place)
            assert verdict.file_hash == "mismatch"
            assert not verdict.intact
            assert verdict.complete
            chain, whole = verdict.findings
            assert chain.offset == starts[part + 1]
            assert whole.offset == starts[-1]
            assert digest("blake3", flipped(data, begin + place)[: starts[-1]]).hex() in whole.text


@kinds
def test_a_flip_in_a_prev_hash_shows_in_both_links(kind: Kind) -> None:
    builder = capture(kind)
    begin = len(builder.parts[0]) + len(builder.parts[1])
    verdict = open_dump(flipped(builder.data(), begin + 0x30)).verify()
    assert findings(verdict) == [("chain", 1), ("chain", 2), ("file_hash", 5)]


@kinds
def test_flips_in_the_last_block(kind: Kind) -> None:
    """No hash covers it: only what it stores about others can be held against them."""
    data = capture(kind).data()
    last = len(data) - 128
    expected: dict[int, list[Any]] = {
        0x10: [], 0x30: [("chain", 5)], 0x4F: [("chain", 5)], 0x50: [("file_hash", 5)],
        0x6F: [("file_hash", 5)], 0x70: [], 0x7F: [],
    }  # fmt: skip
    for place, found in expected.items():
        verdict = open_dump(flipped(data, last + place)).verify()
        assert findings(verdict) == found, place
        assert verdict.unprotected == 5


@kinds
def test_no_end_of_capture(kind: Kind) -> None:
    verdict = open_dump(capture(kind, end=False).data()).verify()
    assert verdict.intact
    assert gaps(verdict) == ["no_end_of_capture"]
    assert verdict.file_hash == "absent"
    assert str(verdict).startswith("intact but incomplete: no End-of-Capture")


@kinds
@pytest.mark.parametrize("behind", [b"\0" * 9, b"x" * 100])
def test_bytes_behind_the_last_block(kind: Kind, behind: bytes) -> None:
    data = capture(kind).data()
    dump = open_dump(data + behind)
    verdict = dump.verify()
    assert verdict.intact
    assert gaps(verdict) == ["trailing"]
    assert verdict.gaps[0].offset == len(data)
    assert dump.trailing == behind
    assert f"{len(behind)} bytes from {len(data):#x}" in verdict.gaps[0].text


@kinds
def test_a_truncated_block(kind: Kind) -> None:
    verdict = open_dump(capture(kind).data()[:-1]).verify()
    assert verdict.intact
    assert gaps(verdict) == ["no_end_of_capture", "truncated"]


@kinds
def test_type_0_must_not_appear(kind: Kind) -> None:
    builder = capture(kind, end=False)
    builder.add(0x0000, wire.opaque(8))
    verdict = open_dump(finish(builder, kind)).verify()
    assert findings(verdict) == [("block_type", 5)]


def test_an_empty_file_has_nothing_to_speak_against_it() -> None:
    verdict = open_dump(wire.file_header("<")).verify()
    assert (verdict.blocks, verdict.unprotected, gaps(verdict)) == (0, None, ["no_end_of_capture"])


@pytest.mark.parametrize("kind", FIRST_DRAFT, ids=lambda kind: kind.name)
def test_blocks_behind_the_end_continue_the_chain(kind: Kind) -> None:
    builder = capture(kind)
    builder.add(wire.KEY_HINT, wire.key_hint(kind.order))
    good = open_dump(builder.data()).verify()
    assert good.intact
    assert good.complete
    assert good.blocks == 7
    builder.add(wire.KEY_HINT, wire.key_hint(kind.order), prev_hash=bytes(32))
    assert findings(open_dump(builder.data()).verify()) == [("chain", 7)]


# -- counts and algorithms -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "end", "wrong"),
    [(0, 0, 0), (6, 6, 0), (0, 6, 0), (6, 0, 0), (5, 6, 1), (6, 7, 1), (1, 1, 2)],
)
def test_block_counts(header: int, end: int, wrong: int) -> None:
    builder = capture(LE11, end=False, block_count=header)
    builder.end_capture(block_count=end)
    verdict = open_dump(builder.data()).verify()
    assert findings(verdict) == [("block_count", None)] * wrong


def test_counts_of_the_later_draft_mean_nothing_in_the_first() -> None:
    builder = capture(LE10, end=False, reserved=b"\x01\0\0\0\0\0\0")
    builder.end_capture(reserved=b"\x09" + bytes(7))
    assert open_dump(builder.data()).verify().intact


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_hash_algorithms(algorithm: str) -> None:
    builder = capture(LE11, algorithm=algorithm, hash_algo=HASH_ALGO[algorithm])
    data = builder.data()
    verdict = open_dump(data).verify()
    assert verdict.intact
    assert verdict.file_hash == "match"
    assert findings(open_dump(flipped(data, 0x60)).verify())
    for other in ALGORITHMS:
        if other != algorithm:
            lying = open_dump(data[:0x3D] + bytes([HASH_ALGO[other]]) + data[0x3E:])
            assert len(lying.verify().findings) == 7  # six links and the FileHash


@pytest.mark.parametrize(("code", "name"), [(0xFF, "other"), (0x03, "0x03")])
def test_an_algorithm_that_nobody_knows(code: int, name: str) -> None:
    verdict = open_dump(capture(LE11, hash_algo=code).data()).verify()
    assert not verdict.findings
    assert verdict.intact is None  # nobody knows
    assert gaps(verdict) == ["hash_algo"]
    assert name in verdict.gaps[0].text
    assert verdict.file_hash == "unchecked"


# -- extension segments ----------------------------------------------------------------------


def with_segments(count: int = 2, **last: Any) -> tuple[Dump, list[int]]:
    """A capture and segments of two blocks each; `last` bends the last end. Offsets of each."""
    builder = capture(LE11)
    offsets = []
    for number in range(count):
        offsets.append(len(builder.data()))
        builder.add(wire.KEY_HINT, wire.key_hint("<"))
        builder.end_segment(**(last if number == count - 1 else {}))
    return open_dump(builder.data()), offsets


def test_good_segments() -> None:
    dump, offsets = with_segments()
    assert [(s.index, s.first, s.count, s.offset) for s in dump.segments] == [
        (1, 6, 2, offsets[0]), (2, 8, 2, offsets[1]),
    ]  # fmt: skip
    assert dump.size == offsets[0] + sum(s.length for s in dump.segments)
    keys = [b.key for b in dump.segment_blocks(dump.segments[1])]
    assert keys == ["key_hint", "end_of_extension"]
    assert (len(dump.capture_blocks), len(dump.blocks)) == (6, 10)
    assert dump.trailing is None
    assert dump.complete
    verdict = dump.verify()
    assert verdict.intact
    assert verdict.complete
    assert verdict.segments == 2


@pytest.mark.parametrize(
    ("bent", "message"),
    [
        ({"segment_hash": bytes(32)}, "SegmentHash"),
        ({"block_count": 0}, "BlockCount says 0, the segment has 2"),
        ({"block_count": 3}, "BlockCount says 3, the segment has 2"),
        ({"block": {"prev_hash": bytes(32)}}, "PrevHash"),
        ({"change": lambda body: body[:40]}, "can't be decoded"),
        ({"block": {"payload_version": 2}}, "can't be decoded"),
    ],
    ids=["hash", "count 0", "count 3", "chain", "cut", "version"],
)
def test_a_bad_segment_is_trailing_from_its_first_byte(bent: dict[str, Any], message: str) -> None:
    dump, offsets = with_segments(2, **bent)
    assert [s.index for s in dump.segments] == [1]
    assert len(dump.blocks) == 8
    assert dump.trailing is not None
    assert dump.trailing.offset == offsets[1]
    assert (dump.ending.kind, dump.ending.offset) == ("segment", offsets[1])
    assert message in dump.ending.text
    verdict = dump.verify()
    assert not verdict.intact, "a segment that was tampered with must not pass"
    assert [finding.kind for finding in verdict.findings] == ["segment"]
    assert message in verdict.findings[0].text
    assert gaps(verdict) == ["trailing"]
    assert message in verdict.gaps[0].text


def test_what_follows_a_bad_segment_is_trailing_too() -> None:
    builder = capture(LE11)
    offset = len(builder.data())
    builder.add(wire.KEY_HINT, wire.key_hint("<"), prev_hash=bytes(32))
    builder.end_segment()
    builder.add(wire.KEY_HINT, wire.key_hint("<"))
    builder.end_segment()
    dump = open_dump(builder.data())
    assert (dump.segments, len(dump.blocks)) == ([], 6)
    assert dump.trailing is not None
    assert dump.trailing.offset == offset


def test_a_segment_without_an_end() -> None:
    builder = capture(LE11)
    offset = len(builder.data())
    builder.add(0x1003, wire.opaque(40))
    dump = open_dump(builder.data())
    assert dump.segments == []
    assert dump.trailing is not None
    assert dump.trailing.offset == offset
    assert "no End-of-Extension" in dump.ending.text


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_segments_use_the_algorithm_of_the_file(algorithm: str) -> None:
    builder = capture(LE11, algorithm=algorithm, hash_algo=HASH_ALGO[algorithm])
    builder.add(wire.KEY_HINT, wire.key_hint("<"))
    builder.end_segment()
    assert len(open_dump(builder.data()).segments) == 1


def test_the_first_draft_knows_no_segments() -> None:
    builder = capture(LE10)
    builder.add(wire.KEY_HINT, wire.key_hint("<"))
    builder.end_segment()
    dump = open_dump(builder.data())
    assert dump.segments == []
    assert [b.key for b in dump.blocks][-2:] == ["key_hint", "0x0ffe"]
    assert dump.verify().intact


def test_truncation_inside_a_segment_keeps_the_capture() -> None:
    dump, offsets = with_segments(1)
    data = dump.source.read(0, 1 << 20)
    for cut in range(offsets[0], len(data)):
        shorter = open_dump(data[:cut])
        assert (len(shorter.blocks), shorter.segments) == (6, []), cut
        assert shorter.complete == (cut == offsets[0]), cut
        if cut > offsets[0]:
            assert shorter.trailing == data[offsets[0] : cut], cut


def test_an_end_that_hashes_more_than_the_capture() -> None:
    """A second End-of-Capture of the first draft: each covers every byte before itself."""
    builder = start(LE10)
    builder.end_capture()
    builder.end_capture()
    verdict = open_dump(builder.data()).verify()
    assert verdict.intact
    assert verdict.file_hash == "match"


# -- what is damaged, by its own bytes ------------------------------------------------------------


def regions(count: int, kind: Kind = LE11) -> tuple[bytes, list[int]]:
    """A capture with regions, and where its blocks begin."""
    builder = start(kind)
    for number in range(count):
        body = wire.memory_region(
            kind.order, (0,), base_addr=0x7000_0000 + (number << 20), page_size_log2=10
        )
        builder.add(wire.MEMORY_REGION, body)
    finish(builder, kind)
    return builder.data(), [0, *accumulate(map(len, builder.parts))][:-1]


def both_ways(data: bytes) -> list[Verdict]:
    """Verified in a file, and as it comes through a pipe."""
    with open_dump(data) as dump, PassingDump(io.BytesIO(data)) as passing:
        found = [dump.verify(), passing.verify()]
    assert found[0].findings == found[1].findings
    return found


@pytest.mark.parametrize("place", [0x60, 0x90])
def test_a_changed_byte_is_told_by_its_own_block_and_addresses(place: int) -> None:
    data, starts = regions(6)
    for verdict in both_ways(flipped(data, starts[3] + place)):
        chain = verdict.findings[0]
        assert (chain.kind, chain.block, chain.offset) == ("chain", 3, starts[4])
        assert chain.bytes == (starts[3], starts[4] - starts[3])
        assert f"{starts[4] - starts[3]} bytes at {starts[3]:#x} (block 2 " in chain.text
        assert "are not what was written: PrevHash of block 3" in chain.text
        if place == 0x90:  # else it is the base address that was changed
            assert chain.addresses == (0x7020_0000, 0x7020_0400)
            assert "addresses 0x70200000 to 0x70200400" in chain.text


def test_a_changed_prev_hash_is_not_blamed_on_the_block_before_alone() -> None:
    data, starts = regions(6)
    for verdict in both_ways(flipped(data, starts[3] + 0x35)):
        first, second = (f for f in verdict.findings if f.kind == "chain")
        assert (first.block, second.block) == (2, 3)
        assert "or the block behind them was not" in first.text
        assert second.bytes == (starts[3], starts[4] - starts[3])
        assert "or the block" not in second.text


def test_a_changed_header_is_the_header() -> None:
    data, _ = regions(3)
    for verdict in both_ways(flipped(data, 0x30)):
        assert verdict.findings[0].bytes == (0, 64)
        assert "64 bytes at 0x0 (the file header)" in verdict.findings[0].text


def test_of_very_many_findings_a_thousand_are_told_and_the_others_counted() -> None:
    count = 2500
    data, starts = regions(count)
    out = bytearray(data)
    for begin in starts[1:]:
        out[begin + 0x30] ^= 1
    for verdict in both_ways(bytes(out)):
        told = [f for f in verdict.findings if f.kind == "chain"]
        assert len(told) == 1001
        assert told[-1].text == f"and {count + 1 - 1000} blocks more, up to block {count}"
    with open_dump(bytes(out)) as dump:
        dump.blocks[0].payload  # noqa: B018 - what is imported late
        tracemalloc.start()
        try:
            dump.verify()
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 5_000_000


@pytest.mark.parametrize("behind", [0, 2])
def test_what_file_hash_does_not_cover_is_said(behind: int) -> None:
    """Blocks behind the End-of-Capture can be added by anybody: FileHash matches as before."""
    builder = capture(LE10)
    for _ in range(behind):
        builder.add(wire.KEY_HINT, wire.key_hint("<"))
    data = builder.data()
    with open_dump(data) as dump, PassingDump(io.BytesIO(data)) as passing:
        for verdict in (dump.verify(), passing.verify()):
            assert (verdict.file_hash, verdict.file_hash_covers) == ("match", 5)
            assert verdict.behind_file_hash == behind
            assert verdict.as_json()["behind_file_hash"] == behind
            said = f"FileHash covers 5 of {6 + behind} blocks: {behind} blocks behind"
            assert verdict.coverage.startswith(said) == bool(behind)


def test_of_an_encrypted_file_only_who_has_the_key_can_add_blocks() -> None:
    verdict = Verdict(blocks=8, file_hash="match", file_hash_covers=5, behind_file_hash=2)
    assert "could be added by anybody" in verdict.coverage
    verdict.authenticated = True
    assert "could be added by whoever has the key" in verdict.coverage
    assert "anybody" not in verdict.coverage


def test_a_segment_is_not_said_to_be_without_a_hash() -> None:
    builder = capture(LE11)
    builder.add(wire.KEY_HINT, wire.key_hint("<"))
    builder.end_segment()
    verdict = open_dump(builder.data()).verify()
    assert (verdict.segments, verdict.behind_file_hash, verdict.coverage) == (1, 0, "")
