"""Putting the rules to files: what is asked, in which order, of what, and in how much memory."""

from __future__ import annotations

import os
import re
import struct
import subprocess
import sys
from pathlib import Path

import facts
import pytest
import rules_files
import zstandard
from commands import PLACE
from independent import wire
from independent.specimens import BE10, KINDS, LE10, LE11, Kind, capture, finish, one, start

import msl_construct
from msl_construct.drafts import PUBLIC
from msl_construct.rules import (
    Check,
    Found,
    Level,
    Role,
    Rule,
    Scope,
    check,
    every_rule,
    gaps,
    rules_for,
)
from msl_construct.rules.engine import binding

SAMPLES = sorted((PLACE / "samples").glob("*.msl"))


def ids(data: bytes, **options: object) -> list[str]:
    with msl_construct.open(data) as dump:
        return [finding.rule.id for finding in check(dump, **options)]  # type: ignore[arg-type]


# -- which rules there are -------------------------------------------------------------------------


def test_ids_are_unique_and_of_one_form() -> None:
    for draft in PUBLIC:
        rules = rules_for(draft)
        assert len({rule.id for rule in rules}) == len(rules) > 100
    for rule in every_rule(PUBLIC):
        assert re.fullmatch(r"MSLX?-[0-9.]+-[A-Z0-9-]+", rule.id)
        assert rule.id.startswith("MSLX-") == (rule.level is Level.OURS)
        assert set(rule.drafts) <= set(PUBLIC)
        for draft in PUBLIC:
            assert (rule.id in {r.id for r in rules_for(draft)}) == (draft in rule.drafts)


def test_no_such_draft() -> None:
    with pytest.raises(ValueError, match="draft-2026-03, draft-2026-10"):
        rules_for("draft-1999-01")


def test_roles() -> None:
    rules = rules_for(facts.DRAFT_10)
    every = {rule.id for rule in binding(rules, [Role.PRODUCER])}
    live = {rule.id for rule in binding(rules, [Role.LIVE_ACQUIRER])}
    importer = {rule.id for rule in binding(rules, [Role.IMPORTER])}
    assert every < live  # whoever captures is a producer as well
    assert every < importer
    assert "MSL-5.4-PROCESS-IDENTITY-NOT-FIRST" in live - importer
    assert binding(rules, [Role.CONSUMER]) == tuple(r for r in rules if Role.CONSUMER in r.who)


# -- what is found ---------------------------------------------------------------------------------


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_nothing_about_our_samples(path: Path) -> None:
    assert ids(path.read_bytes()) == []


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
@pytest.mark.parametrize("make", [rules_files.live, rules_files.imported, rules_files.raw_stream])
def test_nothing_about_a_file_that_conforms(kind: Kind, make: object) -> None:
    data = make(kind).build()  # type: ignore[operator]
    assert ids(data) == []


@pytest.mark.parametrize("draft", PUBLIC)
@pytest.mark.parametrize("compression", [None, "zstd", "lz4"])
def test_nothing_about_a_file_that_we_write(
    draft: str, compression: str | None, tmp_path: Path
) -> None:
    path = tmp_path / "fresh.msl"
    header = {
        "os_type": "linux",
        "arch_type": "x86_64",
        "pid": 7,
        "cap_bitmap": ["memory_regions", "module_list", "process_identity"],
        "clock_source": "clock_realtime",
    }
    with msl_construct.Writer(path, header, draft=draft, compression=compression) as writer:
        writer.add_process_identity(exe_path="/bin/true", cmd_line="true")
        row = {"base_addr": 0x1000, "module_size": 0x1000, "path": "/bin/true"}
        (uuid,) = writer.add_module_list_index([row])
        writer.add_module_entry(block_uuid=uuid, **row)
        writer.add_memory_region(
            base_addr=0x1000,
            data=bytes(0x2000),
            region_size=0x4000,
            page_states=[(0, 2, "captured"), (2, 2, "failed")],
            region_type="image",
        )
    assert ids(path.read_bytes()) == []


def test_the_order_is_header_blocks_whole() -> None:
    builder = start(LE10, reserved=b"\1" + bytes(6), cap_bitmap=1)
    for number in range(2):
        builder.add(wire.PROCESS_IDENTITY, wire.process_identity("<", reserved=number + 1))
    found = []
    with msl_construct.open(finish(builder, LE10)) as dump:
        found = [(f.rule.scope, f.found.block) for f in check(dump)]
    header = found.index((Scope.HEADER, None))
    whole = next(i for i, (scope, _) in enumerate(found) if scope is Scope.WHOLE)
    assert header == 0
    assert found[1:3] == [(Scope.BLOCK, 0), (Scope.BLOCK, 1)]
    assert all(scope is Scope.WHOLE for scope, _ in found[whole:])
    assert whole == 3


def test_only_the_rules_that_are_given() -> None:
    data = one(BE10, wire.PROCESS_IDENTITY, wire.process_identity(">", reserved=1))
    wanted = [rule for rule in rules_for(facts.DRAFT_03) if rule.section == "§5.4"]
    assert ids(data, rules=wanted) == ["MSL-5.4-PROCESS-IDENTITY-RESERVED-NOT-ZERO"]
    assert ids(data, rules=[]) == []


def test_a_rule_of_ones_own() -> None:
    def empty(block: msl_construct.Block) -> object:
        if block.length == 80:
            yield Found("expected a payload", block.offset, block.index)

    rule = Rule(
        "MSLX-4.1-EMPTY", "§4.1", Level.OURS, (Role.PRODUCER,), "R.", "W.", "Y.", Scope.BLOCK,
        empty, tuple(PUBLIC),  # type: ignore[arg-type]
    )  # fmt: skip
    data = one(LE10, 0x0012, b"", b"12345678", b"")
    with msl_construct.open(data) as dump:
        assert [f.found.block for f in check(dump, rules=[rule])] == [0, 2]


def test_roles_are_asked_for() -> None:
    data = capture(LE10, end=False)  # Block 0 and 1 are where they belong
    data = one(LE10, wire.MEMORY_REGION, wire.memory_region("<", (0,)))
    assert "MSL-5.4-PROCESS-IDENTITY-NOT-FIRST" in ids(data, roles=[Role.LIVE_ACQUIRER])
    assert "MSL-5.4-PROCESS-IDENTITY-NOT-FIRST" not in ids(data, roles=[Role.IMPORTER])


def test_another_draft_judges_otherwise() -> None:
    """State 3 is reserved in the first draft and means NotResident in the other."""
    data = one(LE10, wire.MEMORY_REGION, wire.memory_region("<", (3,)))
    rule = "MSL-6-MEMORY-REGION-RESERVED-PAGE-STATE"
    for draft, expected in ((None, True), (facts.DRAFT_03, True), (facts.DRAFT_10, False)):
        with msl_construct.open(data, draft=draft) as dump:
            assert (rule in [f.rule.id for f in check(dump)]) == expected


def test_an_encrypted_file_is_put_to_the_rules_of_headers_only() -> None:
    extension = wire.encryption_extension()
    builder = start(LE11, flags=4, header_size=128, extension=extension)
    builder.raw(wire.opaque(400))
    with msl_construct.open(builder.data()) as dump:
        under_way = Check(dump)
        assert {rule.scope for rule in under_way.rules} == {Scope.HEADER}
        assert list(under_way) == []
        assert gaps(dump) == []


def test_a_limit_of_ours_is_no_finding() -> None:
    builder = start(LE11, cap_bitmap=1)
    body = wire.memory_region("<", (0,) * 8)
    builder.add(wire.MEMORY_REGION, body, compression="zstd")
    data = finish(builder, LE11)
    with msl_construct.open(data, max_inflate=1000) as dump:
        under_way = Check(dump)
        blocks = [f for f in under_way if f.rule.scope is Scope.BLOCK]
    assert blocks == []
    (reason,) = under_way.unchecked
    assert "block 0" in reason
    assert "--max-inflate" in reason


@pytest.mark.parametrize("size", [1 << 63, (1 << 64) - 1])
@pytest.mark.parametrize("codec", ["zstd", "lz4"])
def test_a_payload_of_more_bytes_than_python_can_count(size: int, codec: str) -> None:
    builder = start(LE11, cap_bitmap=1)
    stored = wire.compress("<", wire.memory_region("<", (0,) * 8), codec, size=size)
    flags = wire.COMPRESSED | (wire.ZSTD if codec == "zstd" else wire.LZ4)
    builder.add(wire.MEMORY_REGION, stored, flags=flags)
    with msl_construct.open(finish(builder, LE11)) as dump:
        under_way = Check(dump)
        blocks = [f.rule.id for f in under_way if f.found.block == 0]
    # LZ4 can't hold so much, and the zstd frame says another size: neither needs inflating.
    rules = [rule for rule in blocks if "PROCESS-IDENTITY" not in rule]
    assert rules == ["MSL-4.2.1-PAYLOAD-NOT-INFLATABLE"]
    assert len(under_way.unchecked) == (codec == "zstd")


def test_a_frame_that_does_not_say_its_size_is_not_judged_beyond_the_limit() -> None:
    builder = start(LE11, cap_bitmap=1)
    region = wire.memory_region("<", (0,) * 8)
    stream = zstandard.ZstdCompressor(write_content_size=False).compress(region)
    stored = (1 << 63).to_bytes(8, "little") + stream
    builder.add(wire.MEMORY_REGION, stored, flags=wire.COMPRESSED | wire.ZSTD)
    with msl_construct.open(finish(builder, LE11)) as dump:
        under_way = Check(dump)
        blocks = [f.rule.id for f in under_way if f.found.block == 0]
    assert "MSL-4.2.1-PAYLOAD-NOT-INFLATABLE" not in blocks
    (reason,) = under_way.unchecked
    assert "not checked" in reason


def test_gaps() -> None:
    whole = capture(LE10)
    for data, words in (
        (whole.data(), []),
        (capture(LE10, end=False).data(), ["no End-of-Capture"]),
        (whole.data() + b"tail", ["4 bytes"]),
        (whole.data()[:-1], ["no End-of-Capture", "127 bytes"]),
    ):
        with msl_construct.open(data) as dump:
            found = gaps(dump)
        assert len(found) == len(words)
        assert all(word in text for word, text in zip(words, found))


# -- memory ----------------------------------------------------------------------------------------

PEAK = """
import sys
import msl_construct
from msl_construct.rules import check
with msl_construct.open(sys.argv[1]) as dump:
    found = [finding.rule.id for finding in check(dump)]
    blocks = len(dump.index)
peak = [line for line in open("/proc/self/status") if line.startswith(("RssAnon", "VmData"))]
import resource
print(blocks, *found)
print(*(line.split()[1] for line in peak))
"""


def sparse(path: Path, regions: int, pages: int) -> None:
    """Regions of zeros that the file system does not store; every hash is right."""
    from blake3 import blake3

    zeros = bytes(1 << 20)
    header = wire.file_header(cap_bitmap=1, flags=1)
    previous, whole = blake3(header).digest(), blake3(header)
    with open(path, "wb") as file:
        file.write(header)

        def put(kind: int, front: bytes, holes: int, number: int) -> None:
            nonlocal previous
            block = wire.block(
                "<", kind, front, block_length=80 + len(front) + holes, prev_hash=previous,
                block_uuid=wire.uuid4(number),
            )  # fmt: skip
            own = blake3(block)
            whole.update(block)
            file.write(block)
            for done in range(0, holes, len(zeros)):
                piece = zeros[: min(len(zeros), holes - done)]
                own.update(piece)
                whole.update(piece)
            file.seek(holes, os.SEEK_CUR)
            previous = own.digest()

        put(wire.IMPORT_PROVENANCE, wire.import_provenance("<"), 0, 1)
        for number in range(regions):
            base = number * pages << 12
            body = wire.memory_region("<", (0,) * pages, base_addr=base, page_data=b"")
            put(wire.MEMORY_REGION, body, pages << 12, number + 2)
        put(wire.END_OF_CAPTURE, wire.end_of_capture("<", file_hash=whole.digest()), 0, 9999)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
def test_a_large_file_takes_little_memory(tmp_path: Path) -> None:
    """A sparse file of 128 MiB; what is mapped from it is the kernel's to take back."""
    path = tmp_path / "large.msl"
    sparse(path, regions=4, pages=8192)
    assert path.stat().st_size > 128 << 20
    done = subprocess.run(
        [sys.executable, "-c", PEAK, str(path)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(PLACE)},
        check=True,
        timeout=120,
    )
    found, memory = done.stdout.splitlines()
    assert found == "6"
    assert int(memory.split()[-1]) < 64 << 10  # KiB that no file backs


def test_many_blocks_with_a_fault_each() -> None:
    """Findings come one by one: the first is there before the last block has been looked at."""
    header = wire.file_header(flags=1)
    body = struct.pack("<IIQHHI", 1, 1, 0, 0, 0, 7)
    blocks = [
        wire.block("<", wire.PROCESS_IDENTITY, body, block_uuid=wire.uuid4(n)) for n in range(3000)
    ]
    rule = "MSL-5.4-PROCESS-IDENTITY-RESERVED-NOT-ZERO"
    with msl_construct.open(header + b"".join(blocks)) as dump:
        findings = check(dump)
        first = next(finding for finding in findings if finding.rule.id == rule)
        assert first.found.block == 0
        assert sum(finding.rule.id == rule for finding in findings) == 2999
