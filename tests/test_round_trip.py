"""From a file to its document and back: byte for byte, in the library and through the commands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from commands import run
from comparing import built, document_of, gallery_files, gallery_part, sample, sample_names, text_of
from independent import decode, wire
from independent.hashing import ALGORITHMS
from independent.specimens import KINDS, LE10, LE11, Kind, capture, finish, one, start
from independent.specimens import typical_payloads as typical
from mutations import mutated
from sampling import part_of

import msl_construct
from msl_construct.errors import MslError

SHARDS = 8
FORMS = ("yaml", "json", "ndjson")
PLACE = Path(__file__).parents[1]


def rebuilt(document: dict[str, Any]) -> bytes:
    """The file of a document given as plain values."""
    return built(json.dumps(document))


def assert_exact(data: bytes, form: str, name: str) -> None:
    again = built(text_of(data, form, with_data=True))
    if again != data:
        pairs = enumerate(zip(again, data))
        at = next((i for i, (a, b) in pairs if a != b), min(len(again), len(data)))
        pytest.fail(f"{name} as {form}: {len(again)} of {len(data)} bytes, differs at {at:#x}")


# -- everything, in the library --------------------------------------------------------


@pytest.mark.parametrize("shard", range(SHARDS))
def test_gallery_is_rebuilt_exactly(shard: int) -> None:
    for number, (name, data) in enumerate(gallery_part()[shard::SHARDS]):
        # YAML reads slowest: every file in one of the forms, so that each meets many files.
        assert_exact(data, FORMS[number % 3], name)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", sample_names())
def test_sample_is_rebuilt_exactly(name: str, form: str) -> None:
    assert_exact(sample(name), form, name)


def test_bytes_behind_a_zstd_frame_are_kept() -> None:
    stored = wire.compress("<", wire.process_identity("<"), "zstd") + b"\0\0\0\0\0\0\0\0\0junk"
    data = one(LE10, wire.PROCESS_IDENTITY, stored, flags=wire.COMPRESSED | wire.ZSTD)
    for form in FORMS:
        assert_exact(data, form, "bytes behind a frame")


@pytest.mark.parametrize("shard", range(SHARDS))
def test_damaged_copies_are_rebuilt_exactly(shard: int) -> None:
    pool = [data for _, data in gallery_files()]
    opened = 0
    for number in (taken := part_of(range(60))):
        seed = f"round-trip:{shard}:{number}"
        data = mutated(seed, pool)
        try:
            text = text_of(data, FORMS[number % 3], with_data=True)
        except MslError:
            continue
        opened += 1
        assert built(text) == data, seed
    assert opened >= len(taken) // 4


# -- through the real commands ---------------------------------------------------------

SPREAD = [
    f"everything-{kind}" for kind in ("10-le", "10-be", "11-le")
] + [
    "capture-10-be", "numbers-max-11-le", "strings-exe-path-10-le", "strings-register-name-11-le",
    "map-padding-both-10-be", "module-blob-padding-10-le", "fragments-shuffled-11-le",
    "behind-end-and-tail-10-be", "segments-2-sha_256", "segment-and-tail",
    "segment-first-hash-then-good", "stream-lz4-stream-broken-10-le", "opaque-zstd-11-le",
    "opaque-lz4-10-be", "end-zstd-11-le", "block-flags-all-but-compressed-10-be",
    "reserved-vas-11-le", "vas-entry-size-64", "many-blocks-10-le",
]  # fmt: skip


def through_commands(path: Path, form: str = "--yaml") -> tuple[bytes, int, int]:
    inspected = run("inspect", "--with-data", form, path)
    made = run("build", "-", data=inspected.stdout)
    return made.stdout, inspected.returncode, made.returncode


@pytest.mark.parametrize("name", SPREAD)
def test_gallery_through_the_commands(name: str, tmp_path: Path) -> None:
    data = dict(gallery_files())[name]
    path = tmp_path / "in.msl"
    path.write_bytes(data)
    out, inspected, code = through_commands(path)
    assert out == data
    assert inspected in (0, 4)
    assert code == 0


@pytest.mark.parametrize("name", sample_names())
def test_sample_through_the_commands(name: str, tmp_path: Path) -> None:
    path = tmp_path / "in.msl"
    path.write_bytes(sample(name))
    out, inspected, code = through_commands(path)
    assert out == path.read_bytes()
    assert inspected in (0, 4, 5)
    assert code == 0


# -- editing ---------------------------------------------------------------------------

FOLLOWS = {
    "block_length", "prev_hash", "file_hash", "segment_hash", "reserved", "reserved2",
    "path_len", "version_len", "exe_path_len", "cmd_line_len", "tool_name_len", "note_len",
    "name_len", "producer_len", "blob_len", "entry_count", "count", "reg_count", "header_size",
    "index", "offset", "length", "magic",
}  # fmt: skip


def bare(value: Any) -> Any:
    """A document without anything that follows from the rest of it."""
    if isinstance(value, dict):
        kept = {k: bare(v) for k, v in value.items() if k not in FOLLOWS and k != "offsets"}
        if kept.get("block_type") == "end_of_extension":
            kept["payload"].pop("block_count")
        if kept.get("block_type") == "end_of_capture":  # has an optional tail: see below
            kept["payload"]["reserved"] = value["payload"]["reserved"]
        return kept
    return [bare(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.name)
def test_what_follows_from_the_rest_may_be_left_out(kind: Kind) -> None:
    builder = start(kind)
    for block_type, body in typical(kind).values():
        if block_type != wire.END_OF_EXTENSION:
            builder.add(block_type, body)
    data = finish(builder, kind)
    document = bare(document_of(data, with_data=True))
    assert "prev_hash" not in str(document)
    assert rebuilt(document) == data


@pytest.mark.parametrize(("code", "algorithm"), list(enumerate(ALGORITHMS)))
def test_segments_are_computed_too(code: int, algorithm: str) -> None:
    builder = capture(LE11, hash_algo=code, algorithm=algorithm)
    for _ in range(2):
        builder.add(wire.KEY_HINT, wire.key_hint("<"))
        builder.end_segment()
    data = builder.data()
    document = bare(document_of(data, with_data=True))
    assert "segment_hash" not in str(document)
    assert rebuilt(document) == data


def test_optional_tail_is_whole_or_absent() -> None:
    """A count without the reserved bytes behind it must not cut the payload short."""
    data = capture(LE11).data()
    document = document_of(data, with_data=True)
    document["blocks"][-1]["payload"].pop("reserved")
    document["blocks"][-1].pop("block_length")
    assert rebuilt(document) == data


@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.name)
def test_edited_document_verifies(kind: Kind) -> None:
    document = bare(document_of(capture(kind).data(), with_data=True))
    document["blocks"][0]["payload"]["exe_path"] = "/somewhere/else/altogether"
    document["blocks"][0]["payload"]["cmd_line"] = None
    document["blocks"].insert(3, {"block_type": "key_hint", "payload": document_hint()})
    data = rebuilt(document)
    decoded = decode.decode(data)  # lengths, as another reader sees them
    assert decoded["blocks"][0]["payload"]["exe_path"] == "/somewhere/else/altogether"
    assert decoded["blocks"][0]["payload"]["exe_path_len"] == 27
    assert decoded["blocks"][3]["block_type"] == "key_hint"
    verdict = msl_construct.open(data).verify()
    kinds = {finding.kind for finding in verdict.findings}
    # A count of blocks that was stated stays as stated; everything that was left out fits.
    assert kinds == ({"block_count"} if kind.revised else set())
    assert verdict.complete


def document_hint() -> dict[str, Any]:
    return {
        "region_uuid": "11111111-2222-4333-8444-555555555555",
        "region_offset": "0x40",
        "key_len": 32,
        "key_type": "session_key",
        "protocol": "tls_1_3",
        "confidence": "heuristic",
        "key_state": "active",
        "note": "added by hand",
    }


def test_written_by_hand_in_yaml() -> None:
    text = """
        document: 1
        format: {draft: draft-2026-03, byte_order: big}
        header: {cap_bitmap: [], timestamp: "1", os_type: linux, arch_type: arm64, pid: 7}
        blocks:
        - block_type: process_identity
          payload: {ppid: 1, session_id: 2, start_time: "3", exe_path: /bin/sh}
        - block_type: 0x2345
          payload: {raw: "0102"}
        - block_type: end_of_capture
          payload: {acq_end: "9"}
    """
    data = built(text.replace("0x2345", '"0x2345"'))
    document = decode.decode(data)
    assert document["format"]["byte_order"] == "big"
    assert [b["block_type"] for b in document["blocks"]] == [
        "process_identity", "0x2345", "end_of_capture",
    ]  # fmt: skip
    assert document["blocks"][0]["payload"]["cmd_line"] is None
    assert document["header"]["cap_bitmap"] == []
    verdict = msl_construct.open(data).verify()
    assert (verdict.intact, verdict.complete) == (True, True)
    assert len({b["block_uuid"] for b in document["blocks"]}) == 3


@pytest.mark.parametrize("codec", ["zstd", "lz4"])
def test_edited_compressed_payload_is_compressed_again(codec: str) -> None:
    body = wire.process_identity("<", cmd_line="x " * 200)
    document = bare(document_of(one(LE11, wire.PROCESS_IDENTITY, body, compression=codec)))
    block = document["blocks"][0]
    block["payload"]["exe_path"] = "/new"
    block["compression"].pop("uncompressed_size")
    shown = decode.decode(rebuilt(document))["blocks"][0]
    assert shown["payload"]["exe_path"] == "/new"
    assert shown["compression"]["algorithm"] == codec
    assert shown["block_length"] < 80 + len(body)
