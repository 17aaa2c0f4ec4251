"""What must not happen when a file is closed too early, cut, appended to, or made to mislead."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import pytest
import zstandard
from commands import files_of_every_fate, run
from independent import wire
from independent.specimens import LE10, LE11, capture
from sampling import part_of

import msl_construct
from msl_construct import Writer
from msl_construct.errors import ConformanceError
from msl_construct.reader.stream import PassingDump

__all__ = ["files_of_every_fate"]

HEADER = {
    "os_type": "linux",
    "arch_type": "x86_64",
    "pid": 1,
    "cap_bitmap": ["memory_regions", "module_list", "process_identity"],
}


def begun(file: Any, **options: Any) -> Writer:
    writer = Writer(file, HEADER, **options)
    writer.add_process_identity(exe_path="/bin/x")
    writer.add_module_list_index([])
    return writer


def one_region(path: Path) -> Path:
    with begun(path) as writer:
        writer.add_memory_region(base_addr=0x10000, data=b"\xaa" * 8192)
    return path


def test_a_closed_file_does_not_turn_into_zeros(tmp_path: Path) -> None:
    for looked_before in (False, True):
        with msl_construct.open(one_region(tmp_path / "x.msl")) as dump:
            region, memory = dump.regions[0], dump.memory
            if looked_before:
                assert bytes(memory.read(0x10000, 4)) == b"\xaa" * 4
        with pytest.raises(ValueError, match="closed"):
            _ = region.page_data
        with pytest.raises(ValueError, match="closed"):
            memory.read(0x10000, 8)


def test_bytes_handed_out_outlive_the_file(tmp_path: Path) -> None:
    with msl_construct.open(one_region(tmp_path / "x.msl")) as dump:
        data = dump.regions[0].page_data
    assert bytes(data) == b"\xaa" * 8192


def test_promised_bytes_that_are_missing_are_not_captured() -> None:
    builder = capture(LE10)
    region = wire.memory_region("<", [0] * 16, base_addr=0x40000, page_data=b"\xbb" * 4096)
    builder = wire.FileBuilder(wire.file_header("<"), "<")
    builder.add(wire.MEMORY_REGION, region)
    builder.end_capture()
    dump = msl_construct.open(builder.data())
    assert dump.regions[0].counts["captured"] == 1
    assert dump.regions[0].counts["truncated"] == 15
    assert list(dump.regions[0].runs()) == [(0, 1, "captured"), (1, 15, "truncated")]
    shown = run("inspect", "-", data=builder.data()).stdout.decode()
    assert "without all the bytes promised" in shown
    assert "60.0 KiB truncated (should be in the file, and its bytes are missing)" in shown


def test_a_region_in_a_segment_is_not_the_targets_memory() -> None:
    builder = capture(LE11)
    builder.start_segment()
    evil = wire.memory_region("<", [0], base_addr=0x666000, page_data=b"EVIL" * 1024)
    builder.add(wire.MEMORY_REGION, evil)
    builder.end_segment()
    data = builder.data()
    dump = msl_construct.open(data)
    assert len(dump.segments) == 1
    assert dump.memory.read(0x666000, 4).runs == ((0x666000, 4, "absent"),)
    passing = PassingDump(io.BytesIO(data)).verify()
    for verdict in (dump.verify(), passing):
        assert [finding.kind for finding in verdict.findings] == ["block_type"]


def test_a_writer_may_begin_behind_other_bytes() -> None:
    file = io.BytesIO(b"x" * 100)
    file.seek(100)
    with begun(file) as writer, writer.region(base_addr=0, region_size=4 * 4096) as region:
        region.captured(b"a" * 4096)
        region.mark("failed")
        region.captured(b"b" * 8192)
    assert file.getvalue()[:100] == b"x" * 100
    dump = msl_construct.open(file.getvalue()[100:])
    verdict = dump.verify()
    assert (verdict.intact, verdict.complete) == (True, True), str(verdict)
    assert dump.memory.read(2 * 4096, 4).data == b"bbbb"


def test_a_file_that_only_appends_is_not_corrected_in_place(tmp_path: Path) -> None:
    path = tmp_path / "x.msl"
    with (
        path.open("a+b") as file,
        begun(file) as writer,
        writer.region(base_addr=0, region_size=3 * 4096) as region,
    ):
        region.captured(b"a" * 4096)
        region.mark("failed")
        region.captured(b"b" * 4096)
    verdict = msl_construct.open(path).verify()
    assert (verdict.intact, verdict.complete) == (True, True), str(verdict)


class Full(io.BytesIO):
    """A disk that is full once, and then has room again."""

    failures = 1

    def write(self, data: Any) -> int:
        if self.failures and len(data) > 4000:
            self.failures -= 1
            super().write(data[:1000])
            raise OSError(28, "No space left on device")
        return super().write(data)


def test_nothing_follows_a_write_that_failed() -> None:
    file = Full()
    writer = begun(file)
    with pytest.raises(OSError, match="space"):
        writer.add_memory_region(base_addr=0, data=bytes(8192))
    with pytest.raises(OSError, match="earlier write"):
        writer.add_memory_region(base_addr=0x10000, data=bytes(4096))
    with pytest.raises((OSError, ConformanceError)):
        writer.close()
    dump = msl_construct.open(file.getvalue())
    assert not dump.complete
    assert len(dump.blocks) == 2


@pytest.mark.parametrize("compression", [None, "zstd"])
def test_a_region_that_was_given_up_leaves_an_incomplete_file(compression: str | None) -> None:
    file = io.BytesIO()
    writer = begun(file, compression=compression)

    def give_up() -> None:
        with writer.region(base_addr=0, region_size=100 * 4096) as region:
            region.captured(bytes(8 * 4096))
            raise KeyError

    with pytest.raises(KeyError):
        give_up()
    writer.close()
    assert not msl_construct.open(file.getvalue()).complete


def test_a_small_stream_does_not_become_a_million_entries() -> None:
    fixed = struct.pack("<QQHBBIH6x", 1, 0, 0, 0, 0, 1 << 20, 0)
    payload = fixed + bytes(8 << 20)
    stored = struct.pack("<Q", len(payload)) + zstandard.compress(payload)
    builder = wire.FileBuilder(wire.file_header("<", version=0x0101), "<")
    builder.add(wire.THREAD_CONTEXT, stored, flags=0b011)
    builder.end_capture()
    block = msl_construct.open(builder.data()).blocks[0]
    assert len(block.payload["registers"]) < 40_000
    assert block.problem is not None
    assert "compressed stream" in block.problem


@pytest.mark.parametrize(
    "kind",
    [
        wire.PROCESS_IDENTITY,
        wire.IMPORT_PROVENANCE,
        wire.KEY_HINT,
        wire.RELATED_DUMP,
        wire.THREAD_CONTEXT,
        wire.MEMORY_REGION,
        wire.MODULE_ENTRY,
    ],
)
def test_payloads_cut_anywhere_are_shown(kind: int) -> None:
    for length in part_of(range(0, 44, 3)):
        builder = wire.FileBuilder(wire.file_header("<", version=0x0101), "<")
        builder.add(kind, bytes(length))
        builder.end_capture()
        for arguments in (["--no-color"], ["--csv", "--show", "threads"])[: 1 + (length % 6 == 0)]:
            done = run("inspect", "-", *arguments, data=builder.data())
            assert done.returncode == 0, done.stderr


def test_a_region_that_does_not_inflate_is_not_skipped_silently(tmp_path: Path) -> None:
    builder = wire.FileBuilder(wire.file_header("<"), "<")
    builder.add(wire.MEMORY_REGION, struct.pack("<Q", 4096) + b"not zstd at all", flags=0b011)
    builder.end_capture()
    for arguments in (["--csv"], ["--json"], []):
        done = run("inspect", "-", *arguments, data=builder.data())
        assert done.returncode == 4
        assert b"1 payload could not be looked at" in done.stderr
        # It is a gap with an exit code of its own, and so said without remarks as well.
        assert run("inspect", "-", "-q", *arguments, data=builder.data()).stderr == done.stderr
