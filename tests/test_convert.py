"""Files of every dialect and draft, written anew: nothing lost that was not told, nothing made up.

By default a part of the samples. MSL_CONVERT=all converts every sample there is, to both drafts and
with both codecs.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import struct
import subprocess
import tracemalloc
from pathlib import Path
from random import Random
from typing import Any

import pytest
from commands import one_line, run
from conftest import SHARED, shared
from converting import DRAFTS, converted, is_faithful
from independent import wire
from independent.decode import decode
from independent.specimens import BE10, LE10, LE11, Kind, capture, start
from sampling import part_of
from writing import live, memory_of

import msl_construct
from msl_construct.corpus import Manifest
from msl_construct.drafts import DIALECTS
from msl_construct.encryption import Keys
from msl_construct.encryption.private_keys import raw_private_keys
from msl_construct.errors import EncryptedError, FormatError
from msl_construct.page_map import PageMap
from msl_construct.rewrite import convert, differences
from msl_construct.rewrite.page_states import joined, with_codes, without_data
from msl_construct.rules import check

PLACE = Path(__file__).parents[1]
DATA = Path(__file__).parent / "data"
OLD, NEW = DRAFTS

NAMED = [
    "valid/extended-11-le",
    "valid/segment-of-every-type-11-le",
    "valid/all-captured-10-be",
    "questionable/hint-appended-unannounced-11-le",
]
"""Of the corpus, whatever else is taken."""


def _samples() -> list[Path]:
    """Of the corpus each 40th, and what is named; of foreign files all small ones."""
    corpus = sorted(PLACE.glob("samples/*/*.msl"))
    foreign = sorted([*DATA.glob("mem*/*.msl"), *SHARED.glob("*samples/*/*.msl")])
    if os.environ.get("MSL_CONVERT") == "all":
        return [*corpus, *foreign]
    small = [path for path in foreign if path.stat().st_size < 200_000]
    named = [PLACE / "samples" / f"{name}.msl" for name in NAMED]
    return [*named, *corpus[::40], *small]


KEYED = {
    PLACE / "samples" / one.file: one.key
    for one in Manifest.load(PLACE / "samples")
    if one.key is not None
}


def _key_of(path: Path) -> Keys | bytes | None:
    """What opens an encrypted sample."""
    key = KEYED.get(path)
    if key is not None:
        if key.kind == "private":
            return Keys(private=raw_private_keys(key.data))
        return Keys(passphrase=key.data) if key.kind == "passphrase" else key.data
    if PLACE / "samples" not in path.parents:  # what other tools wrote
        if "rawkey" in path.name:
            return bytes(range(32))
        if "encrypted" in path.name or "sealed" in path.name:
            return Keys(passphrase=b"peerpass")
    return None


def _label(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


@pytest.mark.parametrize("path", _samples(), ids=_label)
def test_a_sample_says_the_same_in_both_drafts(path: Path) -> None:
    before = hashlib.sha256(path.read_bytes()).digest()
    codecs = ("zstd", "lz4", None) if os.environ.get("MSL_CONVERT") == "all" else (None,)
    for draft in DRAFTS:
        for codec in codecs:
            try:
                found = converted(path, draft, key=_key_of(path), compression=codec)
            except (EncryptedError, FormatError):
                continue  # no key, or no dump at all
            assert found.differences == []
            assert found.findings == []
    assert hashlib.sha256(path.read_bytes()).digest() == before


def test_every_dialect_is_among_the_samples() -> None:
    """Whoever adds a dialect sees here whether its files can be converted."""
    shared("samples")
    found = set()
    for path in _samples():
        if SHARED in path.parents or DATA in path.parents:
            with msl_construct.open(path) as dump:
                found.add(dump.dialect)
    # What we ourselves write; the samples of it are made by the corpus.
    assert found >= set(DIALECTS) - {"layouts-2026-10"}


# -- held against what somebody else reads ------------------------------------------------


@pytest.mark.parametrize("draft", DRAFTS)
@pytest.mark.parametrize("kind", [LE10, BE10, LE11], ids=lambda kind: kind.name)
def test_the_independent_decoder_reads_the_same(kind: Kind, draft: str) -> None:
    """Modules, regions and more, as a decoder sees them that imports nothing of the package."""
    old = capture(kind).data()
    new = converted(old, draft).data
    assert memory_of(new) == memory_of(old)
    for key in ("module_list_index", "module_entry", "process_identity"):
        mine, theirs = (
            [one["payload"] for one in decode(data)["blocks"] if one["block_type"] == key]
            for data in (old, new)
        )
        assert theirs == mine, key
    first = decode(new)["blocks"][0]
    assert first["block_type"] == "import_provenance"
    uuid = decode(old)["header"]["dump_uuid"]
    assert f"dump_uuid={uuid}" in first["payload"]["note"]
    assert decode(new)["header"]["dump_uuid"] != uuid


@pytest.mark.parametrize("codec", ["zstd", "lz4"])
def test_compressed_it_holds_the_same(codec: str) -> None:
    old = capture(LE11).data()
    found = converted(old, NEW, compression=codec, buffer_limit=1 << 12)
    assert is_faithful(found)
    assert memory_of(found.data) == memory_of(old)


@pytest.mark.parametrize("codec", ["zstd", "lz4"])
def test_fragments_of_a_file_are_compressed_as_one(codec: str, tmp_path: Path) -> None:
    """Each is read into the same buffer as the one before it."""
    builder, parent = start(LE11), wire.uuid4(7)
    for number, letter in enumerate("abc"):
        pages = letter.encode() * 0x1000
        base = 0x8000 + 0x1000 * number
        builder.add(
            wire.MEMORY_REGION,
            wire.memory_region("<", [0], base_addr=base, page_data=pages),
            flags=wire.CONTINUATION if number else wire.HAS_CHILDREN,
            block_uuid=wire.uuid4(7 + number),
            parent_uuid=parent if number else bytes(16),
        )
    old, new = tmp_path / "old.msl", tmp_path / "new.msl"
    old.write_bytes(builder.data())
    done = run("convert", old, "-o", new, "--compress", codec, "--quiet")
    assert "differ" not in done.stderr.decode()
    assert memory_of(new.read_bytes()) == memory_of(old.read_bytes())


@pytest.mark.parametrize("name", ["memdiver-1.0.2/api-basic-lz4", "memslicer-0.2.7/api-basic-zstd"])
def test_memslicer_verifies_what_was_converted(name: str, tmp_path: Path) -> None:
    python = os.environ.get("MSL_MEMSLICER_PYTHON")
    if not python:
        pytest.skip("needs memslicer: name an interpreter that has it in MSL_MEMSLICER_PYTHON")
    new = tmp_path / "new.msl"
    assert run("convert", DATA / f"{name}.msl", "-o", new).returncode == 0
    program = (
        "import sys; from memslicer.msl.verify import verify_slice\n"
        "with open(sys.argv[1], 'rb') as file: report = verify_slice(file)\n"
        "print(report.ok if hasattr(report, 'ok') else report.valid, report.trailing_bytes)"
    )
    done = subprocess.run(
        [python, "-c", program, str(new)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.split() == ["True", "0"], done.stderr
    reader = Path(__file__).parent / "adapters" / "memslicer_reader.py"
    read = subprocess.run(
        [python, str(reader), str(new)], capture_output=True, text=True, timeout=60, check=False
    )
    document = json.loads(read.stdout)
    types = [block["block_type"] for block in document["blocks"]]
    assert types[:3] == ["import_provenance", "process_identity", "module_list_index"]
    with msl_construct.open(new) as dump:
        assert len(types) == len(dump.blocks)


# -- what can't be said -------------------------------------------------------------------


def test_codes_go_by_their_names() -> None:
    """5 and 7 are Mutex and Other of MemDiver, and something else of everybody else."""
    found = converted(DATA / "memdiver-1.0.2/api-investigation-all-tables.msl", NEW)
    rows = [loss for loss in found.losses if "handle_type" in loss]
    assert [("mutex (5)" in row, "becomes other" in row) for row in rows] == [(True, True)]
    with msl_construct.open(found.data) as dump:
        table = next(dump.capture_blocks.of_type("handle_table"))
        assert [entry["handle_type"] & 0xFF for entry in table.payload["entries"]] == [
            0xFF,
            3,
            0xFF,
        ]


def test_a_state_that_a_draft_lacks_becomes_failed() -> None:
    old = _with_states([3, 0, 3, 2])
    found = converted(old, OLD)
    assert is_faithful(found)
    assert ["not_resident" in loss and loss.endswith("failed: 2") for loss in found.losses] == [
        True
    ]
    with msl_construct.open(found.data) as dump:
        assert list(dump.regions[0].runs()) == [
            (0, 1, "failed"),
            (1, 1, "captured"),
            (2, 1, "failed"),
            (3, 1, "unmapped"),
        ]


def _with_states(states: list[int]) -> bytes:
    """A dump of 1.1 with one region of so many pages."""
    file = io.BytesIO()
    with live(file, LE11, "memory_regions") as writer:
        writer.add_memory_region(
            base_addr=0x1000,
            region_size=len(states) << 12,
            data=b"\xa5" * (states.count(0) << 12),
            page_states=[(number, 1, state) for number, state in enumerate(states)],
        )
    return file.getvalue()


def test_tables_that_a_draft_lacks_are_told() -> None:
    found = converted(DATA / "memslicer-0.5.2/api-investigation-all-tables.msl", OLD)
    text = "\n".join(found.losses)
    for key in ("system_context", "process_table", "connection_table", "handle_table"):
        assert f"({key})" in text
    assert "flags: investigation" in text


@pytest.mark.parametrize("version", ["0.2.7", "0.5.2"])
def test_what_memslicer_alone_writes_is_kept_where_there_is_a_system_context(version: str) -> None:
    """Its blocks have their payloads, and a parent; 1.0 has no place for them."""
    path = shared(f"samples/memslicer-{version}/api-investigation-all-tables.msl")
    old = decode(path.read_bytes())
    found = converted(path, NEW)
    assert is_faithful(found)
    assert found.losses == []
    new = decode(found.data)

    def payloads(document: dict[str, Any]) -> dict[str, Any]:
        rows = ((one["block_type"], one["payload"]) for one in document["blocks"])
        return {key: payload for key, payload in rows if key in MEMSLICERS}

    assert list(payloads(new)) == list(MEMSLICERS)
    for key, payload in payloads(new).items():
        mine = _raw(found.data, payload)
        theirs = _raw(path.read_bytes(), payloads(old)[key])  # with zeros that align what follows
        assert theirs == mine.ljust(-(-len(mine) // 8) * 8, b"\0"), key
    (context,) = (one for one in new["blocks"] if one["block_type"] == "system_context")
    parents = {one["parent_uuid"] for one in new["blocks"] if one["block_type"] in MEMSLICERS}
    assert parents == {context["block_uuid"]}
    with msl_construct.open(found.data) as dump:
        assert dump.dialect == "memslicer-0.5"
        assert not any(one.explained_by is None for one in check(dump))
    told = converted(path, OLD).losses
    keys = ("kernel_symbol_bundle", "persistence_manifest", "kernel_module_list")
    for key in (*keys, "target_introspection"):
        assert any(f"({key})" in one and "registers no such type" in one for one in told)


MEMSLICERS = ("0x0055", "0x0056", "0x0057", "0x0058")


def _raw(data: bytes, payload: dict[str, Any]) -> bytes:
    """What the decoder says of a payload without a layout."""
    raw = payload["raw"]
    if isinstance(raw, str):
        return bytes.fromhex(raw)
    return data[int(raw["offset"], 16) :][: raw["length"]]


def test_a_hash_by_an_algorithm_that_a_draft_lacks_is_no_hash() -> None:
    found = converted(DATA / "memslicer-0.5.2/api-hash-sha256.msl", OLD)
    assert any("disk_hash" in loss for loss in found.losses)
    with msl_construct.open(found.data) as dump:
        assert not any(any(module["disk_hash"]) for module in dump.modules)
    kept = converted(DATA / "memslicer-0.5.2/api-hash-sha256.msl", NEW)
    assert kept.losses == []
    with msl_construct.open(kept.data) as dump:
        assert dump.header.hash_algorithm == "sha_256"


# -- damage and what was never finished ---------------------------------------------------


def test_an_unfinished_capture_stays_one() -> None:
    found = converted(DATA / "memslicer-0.5.2/api-no-eoc.msl", NEW)
    assert not found.conversion.complete
    assert is_faithful(found)
    with msl_construct.open(found.data) as dump:
        assert dump.end_of_capture is None
        assert "complete=no" in dump.blocks[0].payload["note"]


@pytest.mark.parametrize("cut", [1, 100, 4096, 5000])
def test_bytes_that_are_not_there_are_not_made_up(cut: int) -> None:
    """The file ends in the middle of its last region."""
    data = _with_states([0, 0, 0, 0])
    with msl_construct.open(data) as dump:
        region = next(dump.blocks.of_type("memory_region"))
        end = region.offset + region.length
    found = converted(data[: end - cut], NEW)
    assert found.differences == []
    assert "no End-of-Capture" in "\n".join(found.losses)
    with msl_construct.open(found.data) as dump:
        # A block that the file's end cuts is none: the walk ended before it.
        assert dump.regions == []


def test_a_page_map_that_promises_more_than_there_is() -> None:
    """BlockLength leaves no room for the last page: it becomes failed, and that is told."""
    data = bytearray(_with_states([0, 0, 0, 0]))
    with msl_construct.open(bytes(data)) as dump:
        region = next(dump.blocks.of_type("memory_region"))
    struct.pack_into("<I", data, region.offset + 8, region.length - 4096)
    del data[region.offset + region.length - 4096 : region.offset + region.length]
    found = converted(bytes(data), NEW)
    assert found.differences == []
    assert any("pages that become failed: 1" in loss for loss in found.losses)
    with msl_construct.open(found.data) as dump:
        assert [run[1:] for run in dump.regions[0].runs()] == [(3, "captured"), (1, "failed")]
        assert "intact=no" in dump.blocks[0].payload["note"]


def test_bytes_behind_the_last_block_are_told() -> None:
    found = converted(_with_states([0]) + b"garbage", NEW)
    assert any(loss.startswith("7 bytes behind the last block") for loss in found.losses)
    assert b"garbage" not in found.data


def test_one_flipped_bit_is_told() -> None:
    data = bytearray(_with_states([0, 0, 0, 0]))
    data[data.index(b"\xa5" * 100) + 50] ^= 1
    found = converted(bytes(data), NEW)
    assert any("chain" in loss for loss in found.losses)
    assert found.differences == []


# -- page maps, against the obvious way ----------------------------------------------------


@pytest.mark.parametrize("pages", [0, 1, 3, 4, 5, 8, 63])
def test_page_maps_are_made_like_lists(pages: int) -> None:
    states = [(7 * n + n // 3) % 4 for n in range(pages)]
    stored = bytearray(b"\xff" * (-(-pages // 4) + 7))
    for number, state in enumerate(states):
        shift = 6 - 2 * (number % 4)
        stored[number // 4] = stored[number // 4] & ~(3 << shift) | state << shift
    page_map = PageMap(bytes(stored), pages)
    turned = with_codes(page_map, (0, 1, 2, 1))
    assert [turned[n] for n in range(pages)] == [(0, 1, 2, 1)[s] for s in states]
    assert turned.canonical
    for kept in range(states.count(0) + 1):
        left = kept
        expected = []
        for state in states:
            expected.append(1 if state == 0 and not left else state)
            left -= state == 0 and left > 0
        found = without_data(page_map, kept, 1)
        assert [found[n] for n in range(pages)] == expected
        assert found.canonical
    twice = joined([turned, turned, PageMap.uniform(2, 3)])
    assert [twice[n] for n in range(twice.pages)] == [turned[n] for n in range(pages)] * 2 + [3, 3]


def test_pages_pass_in_pieces(tmp_path: Path) -> None:
    """A region of 96 MiB costs no more memory than a few pieces of it."""
    old, new = tmp_path / "old.msl", tmp_path / "new.msl"
    size = 96 << 20
    with (
        live(old, LE11, "memory_regions") as writer,
        writer.region(base_addr=0x10000, region_size=size) as region,
    ):
        for _ in range(size >> 20):
            region.captured(bytes(1 << 20))
    with msl_construct.open(old) as dump, open(new, "w+b") as file:
        tracemalloc.start()
        try:
            found = convert(dump, file)
            with msl_construct.open(new) as after:
                assert list(differences(dump, after, found)) == []
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert most < 16 << 20


# -- the command ----------------------------------------------------------------------------


def test_the_command_says_what_it_did(tmp_path: Path) -> None:
    old, new = DATA / "memdiver-1.0.2/api-basic-zstd.msl", tmp_path / "new.msl"
    done = run("convert", old, "-o", new)
    assert done.returncode == 0, done.stderr
    assert done.stdout == b""
    assert "says everything" in one_line(done.stderr)
    assert run("check", new).returncode == 0
    assert run("verify", new).returncode == 0


def test_losses_are_told_and_written(tmp_path: Path) -> None:
    old, new = DATA / "memslicer-0.5.2/sh-gdb-scope.msl", tmp_path / "new.msl"
    told = tmp_path / "losses.json"
    done = run("convert", old, "-o", new, "--to-draft", OLD, "--losses", told, "--quiet")
    assert done.returncode == 4
    assert "region_omission_manifest" in one_line(done.stderr)
    document = json.loads(told.read_text())
    assert (document["count"], document["draft"]) == (1, OLD)
    assert document["losses"][0]["kind"] == "draft"
    assert run("check", new).returncode == 0


def test_what_stands_there_is_not_replaced(tmp_path: Path) -> None:
    old, new = tmp_path / "old.msl", tmp_path / "new.msl"
    data = capture(LE11).data()
    old.write_bytes(data)
    new.write_bytes(b"something")
    assert run("convert", old, "-o", new).returncode == 2
    assert new.read_bytes() == b"something"
    assert run("convert", old, "-o", old, "--force").returncode == 2
    assert old.read_bytes() == data
    assert run("convert", old, "-o", new, "--force").returncode == 0


def test_an_encrypted_file_needs_its_key(tmp_path: Path) -> None:
    old, new = DATA / "memslicer-0.5.2/api-encrypted-zstd.msl", tmp_path / "new.msl"
    assert run("convert", old, "-o", new).returncode == 5
    assert not new.exists()


def test_what_is_no_dump_becomes_none(tmp_path: Path) -> None:
    new = tmp_path / "new.msl"
    assert run("convert", Path(__file__), "-o", new).returncode == 3
    assert not new.exists()


def test_a_copy_that_differs_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Were the translation to make something else of a block, nobody would get that file."""
    from click.testing import CliRunner

    from msl_construct.cli.convert import convert as command
    from msl_construct.rewrite.translation import Translation

    right = Translation.code

    def wrong(self: Translation, value: int, registry: object, where: str) -> int:
        found = right(self, value, registry, where)  # type: ignore[arg-type]
        return 2 if where == "region_type" else found

    monkeypatch.setattr(Translation, "code", wrong)
    new = tmp_path / "new.msl"
    old = DATA / "memslicer-0.5.2/api-basic-lz4.msl"
    done = CliRunner().invoke(command, [str(old), "-o", str(new)])
    assert done.exit_code == 1
    assert not new.exists()


# -- whatever the file is like ---------------------------------------------------------------

MUTATED = (
    DATA / "memslicer-0.5.2/api-investigation-all-tables.msl",
    DATA / "memdiver-1.0.2/api-extension-segments-2.msl",
    DATA / "memdiver-1.0.2/api-basic-lz4.msl",
    DATA / "memslicer-0.2.7/api-basic-zstd.msl",
    PLACE / "samples/valid/fragments-unordered-11-le.msl",
    PLACE / "samples/valid/segment-of-every-type-11-le.msl",
    PLACE / "samples/live-be.msl",
)


@pytest.mark.parametrize("path", MUTATED, ids=_label)
def test_a_damaged_file_becomes_one_that_conforms(path: Path) -> None:
    """What is left of it is the same in the new file; only what is no dump at all is refused."""
    rounds = int(os.environ.get("MSL_FUZZ", "60")) // 6
    original = path.read_bytes()
    for number in part_of(range(rounds)):
        random = Random(f"{path.name} {number}")
        data = bytearray(original)
        for _ in range(random.choice((1, 2, 5))):
            at = random.randrange(64, len(data))
            kind = random.randrange(4)
            if kind == 0:
                del data[at : at + random.choice((1, 8, 80))]
            elif kind == 1:
                data[at:at] = random.randbytes(random.choice((1, 8)))
            else:
                data[at] = random.choice((0, 1, 255, random.randrange(256)))
        try:
            found = converted(bytes(data), DRAFTS[number % 2])
        except FormatError:
            continue
        assert found.differences == [], number
        assert found.findings == [], number


def test_what_does_not_inflate_has_no_bytes() -> None:
    """The pages are known, and what they hold is not: they become failed."""
    data = bytearray((DATA / "memslicer-0.2.7/api-basic-zstd.msl").read_bytes())
    with msl_construct.open(bytes(data)) as dump:
        block = next(dump.blocks.of_type("memory_region"))
        place = block.offset + block.length - 12
    data[place : place + 8] = bytes(8)
    found = converted(bytes(data), NEW)
    assert found.differences == []
    assert any("inflate" in loss or "zstd" in loss for loss in found.losses)


def test_an_encrypted_dump_becomes_a_plain_one(tmp_path: Path) -> None:
    pytest.importorskip("cryptography")
    old = DATA / "memslicer-0.5.2/api-encrypted-zstd.msl"
    new = tmp_path / "new.msl"
    done = run("convert", old, "-o", new, "--passphrase-env", "WORD", WORD="peerpass")
    assert done.returncode == 4
    assert b"the new file is not encrypted" in done.stderr
    assert run("check", new).returncode == 0
    assert b"source_format=msl" in new.read_bytes()


@pytest.mark.parametrize("draft", DRAFTS)
def test_a_hint_that_is_dropped_is_nobody_s_child(draft: str) -> None:
    """It points at bytes that its region does not have; the region has no child then."""
    builder = start(LE11)
    region = builder.add(wire.MEMORY_REGION, wire.memory_region("<", [1]), flags=wire.HAS_CHILDREN)
    builder.add(wire.KEY_HINT, wire.key_hint("<", region_uuid=region), parent_uuid=region)
    builder.end_capture(block_count=3)
    found = converted(builder.data(), draft)
    assert found.differences == []
    assert found.findings == []
    assert not any(block["block_type"] == "key_hint" for block in decode(found.data)["blocks"])


def test_a_code_without_a_name_stays_what_it_is() -> None:
    """0x000C is registered in the later draft alone."""
    old = PLACE / "samples/invalid/MSLX-5.6-KEY-HINT-UNREGISTERED-CODE-10-le.msl"
    found = converted(old, NEW)
    assert found.differences == []
    with msl_construct.open(found.data) as dump:
        (hint,) = dump.capture_blocks.of_type("key_hint")
        assert hint.payload["key_type"] == 0x0C
