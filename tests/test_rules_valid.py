"""Files that conform: no rule, derived or written, may find anything in them."""

from __future__ import annotations

from pathlib import Path

import pytest
from acquire_targets import target
from acquiring import acquire, linux_only
from independent.gallery import files
from independent.specimens import KINDS, LE11, Kind, capture
from test_samples import FILES
from writing import START, Forward, blocks_of, live, uid

import msl_construct
from msl_construct import append_segment
from msl_construct.drafts import DRAFTS
from msl_construct.rules import RuleFinding, check

PAGE = 4096
BASE = 0x10000

CONFORMANT = {
    "capture",
    "header-size-64",
    "header-hash-blake3",
    "header-hash-sha_256",
    "header-hash-sha_512_256",
    "header-count-0",
    "header-count-6",
    "segment-of-tables",
    "extension-128-encrypted",
    "encryption-nonce-24",
}
"""Specimens of the gallery that are whole dumps; most others are a block and an end."""

GALLERY = [
    (name, data)
    for name, data in files()
    if any(name.removesuffix(f"-{kind.name}") in CONFORMANT for kind in KINDS)
]


def findings(file: bytes | Path) -> list[RuleFinding]:
    with msl_construct.open(file) as dump:
        return list(check(dump))


def test_every_conformant_specimen_is_there() -> None:
    found = {name.rsplit("-", 2)[0] for name, _ in GALLERY}
    assert found == CONFORMANT
    assert len(GALLERY) == 14


@pytest.mark.parametrize("data", [d for _, d in GALLERY], ids=[name for name, _ in GALLERY])
def test_specimens(data: bytes) -> None:
    assert findings(data) == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_our_samples(path: Path) -> None:
    assert findings(path) == []


@pytest.mark.parametrize("compression", [None, "zstd", "lz4"])
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_what_the_writer_writes(kind: Kind, compression: str | None) -> None:
    file = Forward()
    options = {"compression": compression, "buffer_limit": PAGE}
    with live(file, kind, "memory_regions", "crypto_hints", "related_dumps", **options) as out:
        values = {"region_size": 3 * PAGE, "page_size_log2": 12, "timestamp": START}
        with out.region(base_addr=BASE, block_flags="has_key_hints", **values) as region:
            for _ in range(2):
                region.captured(bytes(PAGE))
            region.mark("failed")
        out.add_key_hint(region_uuid=region.uuid, region_offset=2 * PAGE - 8, key_len=8)
        out.add_related_dump(related_dump_uuid=uid(9), related_pid=8, relationship="child")
    data = bytes(file.data)
    if compression is None:
        assert [b["flags"] for b in blocks_of(data) if b["block_type"] == "memory_region"][1:]
    assert findings(data) == []


def test_what_is_appended(tmp_path: Path) -> None:
    path = tmp_path / "x.msl"
    path.write_bytes(capture(LE11).data())
    with append_segment(path, producer="test") as segment:
        segment.add("related_dump", related_dump_uuid=uid(9), related_pid=8, relationship="child")
    assert findings(path) == []


@linux_only
@pytest.mark.parametrize("draft", DRAFTS)
def test_what_is_acquired(draft: str, tmp_path: Path) -> None:
    path = tmp_path / "x.msl"
    with target("zoo", str(tmp_path)) as (process, _):
        done = acquire(process.pid, "-o", path, "--draft", draft)
    assert done.returncode == 0, done.stderr
    assert findings(path) == []
