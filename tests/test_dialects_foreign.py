"""Files that other programs wrote, each read to its last byte in the dialect of its producer."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from comparing import assert_same, built, document_of, text_of
from conftest import SHARED, shared
from independent import wire
from independent.decode import decode
from independent.dialects import DIALECTS, block_in, decode_early, early_pages, in_dialect
from independent.specimens import LE10, LE11, start
from test_export_json_schema import complaint, plain
from writing import live

import msl_construct
from msl_construct.cli.text import Style
from msl_construct.cli.tree import tree as draw
from msl_construct.document.render import Renderer
from msl_construct.encryption import Keys
from msl_construct.reader.stream import PassingDump
from msl_construct.rules import check
from msl_construct.schema.layout import REST

MEMDIVER, MEMSLICER, OLDER = "memdiver-1.0", "memslicer-0.5", "memslicer-0.2"

EXPECTED: dict[str, str | None] = {
    **{
        f"samples/memdiver-1.0.2/{name}": MEMDIVER
        for name in (
            "api-basic-lz4",
            "api-basic-none",
            "api-basic-zstd",
            "api-extension-segments-2",
            "api-import-provenance-note-hash",
            "api-investigation-all-tables",
            "api-key-hints",
            "api-pagestates-all",
            "api-pointer-graph-extension",
            "api-region-split-cap-16k",
            "api-related-dump-with-hash",
            "api-thread-contexts",
            "api-vas-map",
        )
    },
    "more-samples/memdiver-1.0.2/import-minidump-test": MEMDIVER,
    "samples/memslicer-0.2.7/api-basic-none": None,
    # Of 62 streams each has zeros behind it, up to the next multiple of 8.
    "samples/memslicer-0.2.7/sleep-frida-zstd": OLDER,
    "samples/memslicer-0.2.7/api-investigation-all-tables": OLDER,
    "samples/memslicer-0.2.7/api-key-hints": OLDER,
    "samples/memslicer-0.2.7/api-pagestates-all": OLDER,
    "samples/memslicer-0.5.2/api-header-version-1.0": OLDER,
    "samples/memslicer-0.5.2/api-investigation-all-tables": MEMSLICER,
    "samples/memslicer-0.5.2/api-key-hints": MEMSLICER,
    "samples/memslicer-0.5.2/api-thread-contexts": MEMSLICER,
    # Nothing is laid out otherwise, but what their writer lets pass shows who wrote them.
    "samples/memslicer-0.5.2/api-module-native-blob-odd-length": MEMSLICER,
    "samples/memslicer-0.5.2/api-vas-map": MEMSLICER,
    "samples/memslicer-0.5.2/api-extension-segments-2": None,
    # Live captures through gdb: nothing is laid out otherwise, but who wrote them shows.
    "samples/memslicer-0.5.2/sleep-gdb-zstd": MEMSLICER,
    "samples/memslicer-0.5.2/sh-gdb-scope": MEMSLICER,
    "more-samples/memslicer-0.5.2/android-fixture": None,
    "more-samples/radare2/r2-genmsl": "radare2",
    "more-samples/radare2/r2-genmsl-pe": "radare2",
}

IN_SEGMENTS = {
    0x0020: "key_hint",
    0x005A: "module_build_id_manifest",
    0x0FFE: "end_of_extension",
    0x1001: "vas_map",
    0x1003: "pointer_graph",
}
OTHER_SEGMENTS = {"samples/memslicer-0.5.2/api-extension-segments-2": MEMSLICER}
"""Files of which a segment tells who wrote it, and the capture does not."""

EARLY = (
    "samples/early/chrome_min",
    "more-samples/memslicer-rs/libmsl-states-none",
    "more-samples/memslicer-rs/libmsl-states-zstd",
    "more-samples/memslicer-rs/rs-sleep-heap-lz4",
    "more-samples/memslicer-rs/rs-sleep-heap-none",
)
EXPECTED |= dict.fromkeys(EARLY, "early")

EVERY = pytest.mark.parametrize("name", EXPECTED)


DATA = Path(__file__).parent / "data"


def path_of(name: str) -> Path:
    """A file of these, from the repository if it has it."""
    parts = f"{name}.msl".split("/")
    kept = DATA.joinpath(*parts[1:])
    found: Path = kept if kept.exists() else shared(*parts)
    return found


def file_of(name: str) -> bytes:
    return path_of(name).read_bytes()


@EVERY
def test_the_dialect_is_recognised_and_every_byte_accounted_for(name: str) -> None:
    data = file_of(name)
    with msl_construct.open(data) as dump:
        assert dump.dialect == EXPECTED[name]
        assert (dump.producer is None) == (dump.dialect is None)
        assert dump.trailing is None
        for block in dump.blocks:
            assert block.problem is None
            assert "raw" not in block.payload
            rest = block.payload.get(REST)
            # Zeros that align the next block are all that may be left, and no layout's fault.
            assert rest is None or (rest.length < 8 and not any(bytes(rest)))
            if dump.dialect is not None and block.index < len(dump.capture_blocks):
                assert rest is None


@EVERY
def test_as_an_independent_decoder_reads_it(name: str) -> None:
    data = file_of(name)
    dialect, got = EXPECTED[name], document_of(data)
    want = decode_early(data, "x.msl") if dialect == "early" else decode(data)
    if dialect not in (None, "early"):
        want = in_dialect(data, want, dialect)
        readers, names, _ = DIALECTS[dialect]
        for segment in want["segments"]:
            types = {**IN_SEGMENTS, **names}
            segment["blocks"] = [block_in(data, b, readers, types, "<") for b in segment["blocks"]]
    for segment, found in zip(want["segments"], got["segments"]):
        if dialect is None and "dialect" in found:  # its capture has nothing that tells
            rest = {key: segment.pop(key) for key in ("blocks", "verdict")}
            segment |= {"dialect": found["dialect"], "producer": found["producer"], **rest}
            readers, names, _ = DIALECTS[OTHER_SEGMENTS[name]]
            assert found["dialect"] == OTHER_SEGMENTS[name]
            types = {**IN_SEGMENTS, **names}
            segment["blocks"] = [block_in(data, b, readers, types, "<") for b in segment["blocks"]]
    for key in ("producer", "recognised_by"):
        assert (got["format"].pop(key, None) is None) == (dialect is None)
    assert_same(got, want, name)


@EVERY
def test_from_a_pipe_and_from_its_document_it_is_the_same(name: str) -> None:
    data = file_of(name)
    whole = document_of(data, "-")
    with PassingDump(io.BytesIO(data)) as dump:
        passing: dict[str, Any] = Renderer().document(dump)
    assert_same({**passing, "file": None}, {**whole, "file": None}, name)
    assert complaint(plain(whole)) is None
    for form in ("json", "yaml"):
        assert built(text_of(data, form, with_data=True)) == data


@pytest.mark.parametrize("name", EARLY)
def test_pages_of_early_files_are_inflated_though_nothing_says_that_they_must(name: str) -> None:
    data = file_of(name)
    want = decode_early(data, name)
    regions = [b["payload"] for b in want["blocks"] if b["block_type"] == "memory_region"]
    with msl_construct.open(data) as dump:
        assert len(dump.regions) == len(regions)
        for region, told in zip(dump.regions, regions):
            pages = early_pages(told, data)
            assert bytes(region.page_data) == pages
            captured = [run for run in told["page_state_map"] if run[2] == "captured"]
            done = 0
            for first, count, _ in captured:
                size = count * told["page_size"]
                found = dump.memory.read(region.base_addr + first * told["page_size"], size)
                assert bytes(found.data) == pages[done : done + size]
                done += size
            assert done == len(pages)
        assert dump.verify().intact


def test_the_same_capture_is_the_same_memory_however_it_was_compressed() -> None:
    plainly, packed = (file_of(EARLY[number]) for number in (4, 3))
    with msl_construct.open(plainly) as one, msl_construct.open(packed) as other:
        assert bytes(one.regions[0].page_data) == bytes(other.regions[0].page_data)


def test_a_byte_order_that_only_the_header_has() -> None:
    data = file_of("samples/memslicer-0.5.2/api-header-big-endian-flag")
    little = file_of("samples/memslicer-0.5.2/api-basic-none")
    found = document_of(data)
    assert found["format"]["dialect"] == MEMSLICER
    assert (found["format"]["byte_order"], found["header"]["endianness"]) == ("little", "big")
    assert complaint(plain(found)) is None
    assert built(text_of(data, "json", with_data=True)) == data
    keys = [block["block_type"] for block in document_of(little)["blocks"]]
    assert [block["block_type"] for block in found["blocks"]] == keys


@pytest.mark.parametrize("first", ["samples/memslicer-0.5.2/api-investigation-all-tables", None])
def test_a_file_of_several_dialects_is_read_part_by_part(first: str | None) -> None:
    """A capture by memslicer, or by ourselves, and behind it a segment by MemDiver."""
    capture = file_of(first) if first else start_of_ours()
    document = json.loads(text_of(capture, "json", with_data=True))
    other = json.loads(
        text_of(
            file_of("samples/memdiver-1.0.2/api-pointer-graph-extension"), "json", with_data=True
        )
    )
    (segment,) = other["segments"]
    for block in segment["blocks"]:
        for key in ("prev_hash", "offset", "index", "block_length"):
            block.pop(key)
        if block["block_type"] == "end_of_extension":
            block["payload"].pop("segment_hash")
    segment["dialect"] = MEMDIVER
    document["segments"] = [segment]
    data = built(json.dumps(document))
    found = document_of(data)
    assert found["format"]["dialect"] == (MEMSLICER if first else None)
    (part,) = found["segments"]
    assert (part["dialect"], part["producer"]) == (MEMDIVER, "MemDiver 1.0")
    graph = part["blocks"][0]
    assert (graph["block_type"], graph["payload"]["node_count"]) == ("pointer_graph", 3)
    assert complaint(plain(found)) is None
    for form in ("json", "yaml", "ndjson"):
        assert built(text_of(data, form, with_data=True)) == data
    with PassingDump(io.BytesIO(data)) as dump:
        passing: dict[str, Any] = Renderer().document(dump)
    assert_same({**passing, "file": None}, {**found, "file": None}, "from a pipe")
    with msl_construct.open(data) as whole:
        assert whole.verify().intact
        rules = [one for one in check(whole) if one.found.block == graph["index"]]
        assert rules == []
        tree = io.StringIO()
        draw(whole, tree.write, Style(False, False))
    assert "intact, dialect memdiver-1.0, as MemDiver 1.0 writes it" in tree.getvalue()
    with msl_construct.open(data, dialect="none") as plainly:
        assert plainly.dialect is None
        (block,) = plainly.blocks.of_type("pointer_graph")
        assert "raw" in block.payload


def start_of_ours() -> bytes:
    out = io.BytesIO()
    with live(out, LE11):
        pass
    return out.getvalue()


def test_who_may_have_written_a_file_is_said_of_each() -> None:
    """By its dialect, or as one of several who write such files; never another."""
    told = []
    for path in sorted(SHARED.glob("*samples/mem*-[0-9]*/*.msl")):
        if "rawkey" in path.name:
            key: Keys | bytes | None = bytes(range(32))
        else:
            locked = "encrypted" in path.name or "sealed" in path.name
            key = Keys(passphrase=b"peerpass") if locked else None
        with msl_construct.open(path, key=key) as dump:
            found = dump.recognition
        name, _, version = path.parent.name.partition("-")
        wanted = f"{name} {version[:3]}".lower()
        if found.dialect is not None:
            assert wanted in (found.producer or "").lower(), path
        else:
            (possible,) = found.possible
            assert f"{possible} ".lower().startswith(f"{wanted} "), path  # "memslicer 0.2 to 0.4"
            assert f"{found.possible[0]} and msl-construct write such files" in found.untold
        told.append(found.dialect is not None)
    if not told:
        shared("samples")  # which skips
    assert told.count(True) > 25


def padded_streams(contents: Iterable[bytes], algorithm: str = "zstd") -> str | None:
    """The dialect of a file with such pages, compressed, and zeros behind each stream."""
    builder = start(LE10)
    for number, pages in enumerate(contents):
        states = [0] * (len(pages) // 4096)
        payload = wire.memory_region(
            "<", states, page_data=pages, base_addr=0x100000 * (number + 1)
        )
        stored = wire.compress("<", payload, algorithm)
        stored += bytes(-len(stored) % 8)
        codec = wire.ZSTD if algorithm == "zstd" else wire.LZ4
        builder.add(wire.MEMORY_REGION, stored, flags=wire.COMPRESSED | codec)
    builder.end_capture()
    with msl_construct.open(builder.data()) as dump:
        return dump.dialect


def test_eight_streams_tell_and_seven_do_not() -> None:
    """Which 8 divides by chance once in 16 million files."""
    noise = random.Random(8).randbytes(4096)
    pages = [noise[: 37 * number].ljust(4096, b"\0") for number in range(1, 9)]
    assert padded_streams(pages[:7]) is None
    assert padded_streams(pages) == OLDER


def test_streams_that_are_equal_or_grow_by_sixteen_do_not_tell() -> None:
    """Anybody's streams of one content have one length, which 8 may divide."""
    noise = random.Random(8).randbytes(4096)
    assert padded_streams([noise[:40].ljust(4096, b"\0")] * 20) is None
    grown = [noise[: 16 * number].ljust(4096, b"\0") for number in range(1, 13)]
    assert padded_streams(grown, "lz4") is None


def test_no_file_of_memdiver_is_left_out() -> None:
    shared("samples")
    found = {
        f"{path.parent.parent.name}/{path.parent.name}/{path.stem}"
        for path in SHARED.glob("*samples/memdiver*/*.msl")
        if "encrypted" not in path.stem
    }
    assert found == {name for name in EXPECTED if "memdiver" in name}
