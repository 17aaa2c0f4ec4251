"""Proves the gallery complete and the decoder on files which other tools wrote."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from . import gallery, layouts, names
from .decode import NotMsl, all_blocks, decode
from .hashing import digest
from .specimens import FIRST_DRAFT

Document = dict[str, Any]
SAMPLES = Path(os.environ.get("MSL_SHARED", Path(__file__).parents[3] / "shared")) / "samples"


# -- gallery ----------------------------------------------------------------------------------


def test_gallery_is_deterministic_and_named_once() -> None:
    first = list(gallery.files())
    assert first == list(gallery.files())
    assert len(first) >= 250
    assert [name for name, n in Counter(name for name, _ in first).items() if n > 1] == []
    assert max(len(data) for _, data in first) < 64 * 1024


def test_gallery_decodes_gap_free() -> None:
    for name, data in (*gallery.files(), *gallery.undecided()):
        document = decode(data, name)
        assert json.loads(json.dumps(document)) == document, name
        position = document["header"]["header_size"]
        for block in all_blocks(document):
            assert int(block["offset"], 16) == position, name
            position += block["block_length"]
        trailing = document["trailing"]
        if trailing is not None:
            assert int(trailing["offset"], 16) == position, name
            position += trailing["length"]
        assert position == len(data), name


def test_gallery_rejects() -> None:
    for name, data in gallery.rejected():
        with pytest.raises(NotMsl):
            decode(data, name)


def _words(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield str(key)
            yield from _words(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _words(inner)
    elif isinstance(value, str):
        yield value


def test_gallery_covers_every_name() -> None:
    """Each name of each enumeration and flag set occurs in a field that can hold it."""
    seen: dict[str, set[str]] = {}

    def collect(value: object) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                seen.setdefault(key, set()).update(_words(inner))
                collect(inner)
        elif isinstance(value, list):
            for inner in value:
                collect(inner)

    for name, data in gallery.files():
        collect(decode(data, name))
    expected: dict[str, set[str]] = {
        "os_type": {*names.OS_TYPE.values(), "0x000a", "0x0100"},
        "arch_type": {*names.ARCH_TYPE.values(), "0x000c", "0xfffe"},
        "clock_source": {*names.CLOCK_SOURCE.values(), "0x05", "0xfe"},
        "hash_algo": {*names.HASH_ALGO.values(), "0x03"},
        "block_type": {*layouts.BLOCK_TYPE_11.values(), "0x0050", "0x0055", "0x2345", "0xffff"},
        "region_type": {*names.REGION_TYPE.values(), "0x07"},
        "relationship": {*names.RELATIONSHIP.values(), "0x0006"},
        "key_type": {*names.KEY_TYPE_11.values(), "0x000c", "0x000d"},
        "protocol": {*names.PROTOCOL.values(), "0x000a", *names.TRANSPORT.values(), "0x01"},
        "confidence": {*names.CONFIDENCE.values(), "0x03"},
        "key_state": {*names.KEY_STATE.values(), "0xff"},
        "source_format": {*names.SOURCE_FORMAT.values(), "0x0006"},
        "thread_state": {*names.THREAD_STATE.values(), "0x08"},
        "name_source": {*names.NAME_SOURCE.values(), "0x04"},
        "protection": {*names.PROTECTION.values(), "bit_5", "bit_6", "bit_7"},
        "cap_bitmap": {*names.CAP_BITMAP_11.values(), "bit_11", "bit_15", "bit_63"},
        "page_state_map": {*names.STATES_10, *names.STATES_11, "runs", "padding"},
        "flags": {
            *names.HEADER_FLAGS_11.values(), *names.THREAD_FLAGS.values(),
            *names.REGISTER_FLAGS.values(), *names.BUILD_ID_FLAGS.values(),
            "compressed", "comp_algo_zstd", "comp_algo_lz4", "comp_algo_reserved",
            "has_key_hints", "has_children", "continuation",
            *(f"bit_{bit}" for bit in range(1, 32)),
        },
        "algorithm": {"zstd", "lz4"},
        "enc_algo": {*names.ENC_ALGO.values(), "0x00", "0x03"},
        "kdf_type": {*names.KDF_TYPE.values(), "0x02"},
        "key_encap": {*names.KEY_ENCAP.values(), "0x05", "0xfe"},
        "family": {*names.FAMILY.values(), "0x00", "0x0b"},
        "row_type": {*names.ROW_TYPE.values(), "0x00", "0x08", "0xff"},
        "build_id_source": {*names.BUILD_ID_SOURCE.values(), "0x06"},
        "reason": {*names.OMISSION_REASON.values(), "0x00", "0x03"},
    }  # fmt: skip
    missing = {key: sorted(want - seen[key]) for key, want in expected.items() if want - seen[key]}
    assert missing == {}
    assert {
        "rest",
        "damage",
        "raw",
        "extension",
        "encryption",
        "target_hash",
        "native_blob",
    } <= set(seen)


# -- files by other tools ---------------------------------------------------------------------


def sample_files() -> list[Path]:
    """All but the capture that is older than the draft and the one whose byte order lies."""
    return [
        path
        for path in sorted(SAMPLES.glob("*/*.msl"))
        if path.parent.name != "early" and "big-endian" not in path.name
    ]


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="no files by other tools here")
def test_samples_are_found() -> None:
    assert len(sample_files()) >= 40


@pytest.mark.parametrize("path", sample_files(), ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_sample(path: Path) -> None:
    data = path.read_bytes()
    document = decode(data, path.name)
    header = document["header"]
    assert header["os_type"] == "linux"
    assert header["arch_type"] == "x86_64"
    if "encrypted" in header["flags"]:
        assert document["blocks"] == []
        assert document["trailing"]["offset"] == "0x80"
        return
    blocks = all_blocks(document)
    assert document["trailing"] is None
    assert sum(block["block_length"] for block in blocks) + 64 == len(data)
    algorithm = header.get("hash_algo", "blake3")
    before = data[:64]
    for block in blocks:
        assert block["prev_hash"] == digest(algorithm, before).hex()
        offset = int(block["offset"], 16)
        before = data[offset : offset + block["block_length"]]
        # One producer's modules end behind the hash, and it aligns the System Context; nothing
        # else is damaged.
        if "damage" in block:
            assert path.parent.name.startswith("memdiver")
            assert block["block_type"] in ("module_entry", "system_context")
            rest = block["payload"]["rest"]
            assert block["block_type"] == "system_context" or rest == ""
        if block["block_type"] == "memory_region":
            _check_region(block["payload"])
    end = document["blocks"][-1]
    if "no-eoc" in path.name:
        assert end["block_type"] != "end_of_capture"
        return
    assert end["block_type"] == "end_of_capture"
    covered = digest(algorithm, data[: int(end["offset"], 16)])
    assert end["payload"]["file_hash"] == covered.hex()
    for count in (header.get("block_count", 0), end["payload"].get("block_count", 0)):
        assert count in (0, len(document["blocks"]))


def _check_region(payload: Document) -> None:
    """The map covers the region and its captured pages are the data there is."""
    page_size = 1 << payload["page_size_log2"]
    runs = payload["page_state_map"]
    assert sum(count for _, count, _ in runs) * page_size == payload["region_size"]
    captured = sum(count for _, count, state in runs if state == "captured")
    assert captured * page_size == payload["page_data"]["length"]


def test_only_first_draft_is_big_endian() -> None:
    assert [kind.order for kind in FIRST_DRAFT] == ["<", ">"]
    big = [data for _, data in gallery.files() if data[8] == 2]
    assert big
    assert all(data[10:12] == b"\x01\x00" for data in big)
