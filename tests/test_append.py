"""``msl append`` and ``msl enrich``: a segment behind a dump, which itself stays as it is."""

from __future__ import annotations

import io
import json
import os
import random
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from commands import one_line, run
from independent import encryption as by_hand
from independent.decode import decode
from independent.specimens import LE10, LE11, capture
from writing import live
from writing import writer as plain

import msl_construct
from msl_construct.builder.segment import append_segment
from msl_construct.document.append import append
from msl_construct.errors import ConformanceError, DocumentError
from msl_construct.rewrite.enriching import build_ids
from msl_construct.rewrite.images import RewriteImageError, build_id_of
from msl_construct.space import Memory

DATA = Path(__file__).parent / "data"
RELATED = "8c2f7e10-93a4-4d5b-a1c6-0b7d2e4f6a81"
PARENT = {
    "block_type": "related_dump",
    "payload": {"related_dump_uuid": RELATED, "related_pid": 7, "relationship": "parent"},
}


def document(*blocks: dict[str, Any]) -> str:
    return json.dumps({"document": 1, "blocks": list(blocks)})


@pytest.fixture(name="dump")
def finished(tmp_path: Path) -> Path:
    path = tmp_path / "dump.msl"
    path.write_bytes(capture(LE11).data())
    return path


def appended(dump: Path, text: str, *options: str) -> Any:
    doc = dump.parent / "doc.json"
    doc.write_text(text)
    return run("append", dump, doc, *options)


# -- append -------------------------------------------------------------------------------


def test_a_segment_stands_behind_what_was_there(dump: Path) -> None:
    before = dump.read_bytes()
    done = appended(dump, document(PARENT), "--producer", "a person")
    assert done.returncode == 0, done.stderr
    assert "extension segment 1, 2 blocks" in one_line(done.stderr)
    after = dump.read_bytes()
    assert after.startswith(before)
    (segment,) = decode(after)["segments"]
    related, closing = segment["blocks"]
    assert related["payload"]["related_dump_uuid"] == RELATED
    assert related["payload"]["relationship"] == "parent"
    assert closing["payload"]["producer"] == "a person"
    assert segment["verdict"] == {"intact": True}
    assert run("verify", dump).returncode == 0
    assert run("check", dump).returncode == 0


def test_a_second_one_stands_behind_the_first(dump: Path) -> None:
    assert appended(dump, document(PARENT)).returncode == 0
    first = dump.read_bytes()
    assert appended(dump, document(PARENT, PARENT)).returncode == 0
    assert dump.read_bytes().startswith(first)
    assert [len(one["blocks"]) for one in decode(dump.read_bytes())["segments"]] == [2, 3]


def test_what_inspect_shows_of_a_segment_can_be_appended(dump: Path) -> None:
    shown = json.loads(
        run("inspect", DATA / "memslicer-0.5.2/api-extension-segments-2.msl", "--json").stdout
    )
    block = shown["segments"][1]["blocks"][0]
    done = appended(dump, document(block))
    assert done.returncode == 0, done.stderr
    (segment,) = decode(dump.read_bytes())["segments"]
    assert segment["blocks"][0]["payload"] == block["payload"]


@pytest.mark.parametrize("cut", [1, 70, 79, 80, 81, 200])
def test_an_interrupted_append_leaves_the_old_part_as_it_was(dump: Path, cut: int) -> None:
    before = dump.read_bytes()
    assert appended(dump, document(PARENT)).returncode == 0
    dump.write_bytes(dump.read_bytes()[: len(before) + cut])
    with msl_construct.open(dump) as opened:
        verdict = opened.verify()
        assert verdict.findings == []
        assert opened.trailing is not None
        assert opened.trailing.offset == len(before)
        assert len(opened.capture_blocks) == len(decode(before)["blocks"])
    done = appended(dump, document(PARENT))
    assert done.returncode == 4
    assert "bytes behind" in one_line(done.stderr)
    assert len(dump.read_bytes()) == len(before) + cut


@pytest.mark.parametrize(
    ("block", "said"),
    [
        ({"block_type": "end_of_extension", "payload": {}}, "blocks[1].block_type: end_of_ext"),
        ({"block_type": "memory_region", "payload": {}}, "must not hold such blocks"),
        ({"block_type": "nothing", "payload": {}}, "no block type 'nothing'"),
        ({"block_type": "related_dump", "payload": {"pid": 1}}, "no field 'pid'"),
        ({**PARENT, "colour": 1}, "nothing else, found 'colour'"),
        ({"block_type": "key_hint", "payload": {"region_uuid": RELATED}}, "no such region"),
        ({**PARENT, "parent_uuid": RELATED}, "there is no such block"),
    ],
)
def test_what_can_not_stand_there_changes_nothing(
    dump: Path, block: dict[str, Any], said: str
) -> None:
    before = dump.read_bytes()
    done = appended(dump, document(PARENT, block))
    assert done.returncode == 3
    assert said in one_line(done.stderr)
    assert dump.read_bytes() == before


def test_a_whole_document_is_none_of_a_segment(dump: Path) -> None:
    before = dump.read_bytes()
    text = json.dumps({"document": 1, "header": {}, "blocks": [PARENT]})
    done = appended(dump, text)
    assert done.returncode == 3
    assert "has blocks alone, found 'header'" in one_line(done.stderr)
    assert appended(dump, json.dumps({"document": 1, "blocks": []})).returncode == 3
    assert dump.read_bytes() == before


def test_a_wrong_field_is_named(dump: Path) -> None:
    text = "blocks:\n- block_type: related_dump\n  payload:\n    relationship: [1]\n"
    done = appended(dump, text)
    assert done.returncode == 3
    assert "blocks[0].payload.relationship: expected a name" in one_line(done.stderr)


def test_files_that_nothing_is_appended_to(tmp_path: Path) -> None:
    whole = capture(LE11).data()
    broken = bytearray(whole)
    broken[64 + 80 + 30] ^= 1
    files = {
        "unfinished": (capture(LE11, end=False).data(), 4),
        "trailing": (whole + b"garbage", 4),
        "broken": (bytes(broken), 1),
        "old": (capture(LE10).data(), 2),
        "none": (b"no dump at all", 3),
        "encrypted": ((DATA / "memslicer-0.5.2/api-encrypted-zstd.msl").read_bytes(), 5),
    }
    for name, (data, code) in files.items():
        path = tmp_path / f"{name}.msl"
        path.write_bytes(data)
        done = appended(path, document(PARENT))
        assert done.returncode == code, (name, done.stderr)
        assert path.read_bytes() == data
        assert run("enrich", path).returncode == code
        assert path.read_bytes() == data


def test_a_draft_makes_no_place_for_segments_where_the_file_says_of_none(tmp_path: Path) -> None:
    """Who goes by the file's version would find blocks behind the End-of-Capture."""
    path = tmp_path / "old.msl"
    data = capture(LE10).data()
    path.write_bytes(data)
    done = appended(path, document(PARENT), "--draft", "draft-2026-10")
    assert done.returncode == 2
    assert "draft-2026-03 has no extension segments" in one_line(done.stderr)
    assert run("enrich", path, "--draft", "draft-2026-10").returncode == 2
    with pytest.raises(ConformanceError, match="draft-2026-03 has no extension segments"):
        append_segment(path, draft="draft-2026-10")
    assert path.read_bytes() == data


def test_two_do_not_append_at_once(dump: Path) -> None:
    fcntl = pytest.importorskip("fcntl")
    before = dump.read_bytes()
    with dump.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        done = appended(dump, document(PARENT))
    assert done.returncode == 2
    assert b"somebody else is appending" in done.stderr
    assert dump.read_bytes() == before


def test_an_open_file_is_appended_to_and_stays_open() -> None:
    file = io.BytesIO(capture(LE11).data())
    before = file.getvalue()
    found = append([("blocks", [PARENT])], file, producer="somebody")
    assert (found.offset, found.blocks) == (len(before), 2)
    assert len(file.getvalue()) == found.offset + found.length
    with pytest.raises(DocumentError, match=r"blocks\[0\]"):
        append([("blocks", [{"block_type": "vas_map", "payload": {"x": 1}}])], file)
    assert len(file.getvalue()) == found.offset + found.length


def test_a_dialects_dump_gets_a_segment_of_the_draft(tmp_path: Path) -> None:
    path = tmp_path / "dump.msl"
    path.write_bytes((DATA / "memdiver-1.0.2/api-investigation-all-tables.msl").read_bytes())
    assert appended(path, document(PARENT)).returncode == 0
    with msl_construct.open(path) as dump:
        assert dump.dialect == "memdiver-1.0"
        assert dump.verify().intact


def test_memslicer_verifies_the_segment(dump: Path) -> None:
    python = os.environ.get("MSL_MEMSLICER_PYTHON")
    if not python:
        pytest.skip("needs memslicer: name an interpreter that has it in MSL_MEMSLICER_PYTHON")
    assert appended(dump, document(PARENT)).returncode == 0
    reader = Path(__file__).parent / "adapters" / "memslicer_reader.py"
    read = subprocess.run(
        [python, str(reader), str(dump)], capture_output=True, text=True, timeout=60, check=False
    )
    document_ = json.loads(read.stdout)
    (segment,) = document_["segments"]
    types = [block["block_type"] for block in segment["blocks"]]
    assert types == ["related_dump", "end_of_extension"]
    assert document_["trailing"] is None


# -- enrich -------------------------------------------------------------------------------

BUILD_ID = bytes(range(20))


def elf(order: str, *, wide: bool, address: int = 0, build_id: bytes = BUILD_ID) -> bytes:
    """Two pages of an image: an ELF header, a segment to load and its note."""
    word = "Q" if wide else "I"
    identity = b"\x7fELF" + bytes([2 if wide else 1, 1 if order == "<" else 2, 1]) + bytes(9)
    size = 64 if wide else 52
    entry = 56 if wide else 32
    head = struct.pack(
        f"{order}HHI{word}{word}{word}IHHHHHH", 3, 62, 1, 0, size, 0, 0, size, entry, 2, 0, 0, 0
    )
    note = struct.pack(f"{order}III4s", 4, len(build_id), 3, b"GNU\0") + build_id
    rows = [(1, 0, address, 0x2000), (4, 0x400, address + 0x400, len(note))]
    table = b""
    for kind, offset, place, length in rows:
        if wide:
            table += struct.pack(
                f"{order}IIQQQQQQ", kind, 4, offset, place, place, length, length, 4
            )
        else:
            table += struct.pack(
                f"{order}IIIIIIII", kind, offset, place, place, length, length, 4, 4
            )
    return ((identity + head + table).ljust(0x400, b"\0") + note).ljust(0x2000, b"\0")


def pe(guid: bytes) -> bytes:
    """An image with a debug directory of one entry."""
    image = bytearray(0x2000)
    image[:2] = b"MZ"
    struct.pack_into("<I", image, 0x3C, 0x80)
    image[0x80:0x84] = b"PE\0\0"
    struct.pack_into("<H", image, 0x98, 0x20B)
    struct.pack_into("<II", image, 0x98 + 112 + 48, 0x600, 28)
    struct.pack_into("<IIHHIIII", image, 0x600, 0, 0, 0, 0, 2, 0x30, 0x700, 0x100)
    image[0x700:0x714] = b"RSDS" + guid
    return bytes(image)


def mach_o(found: bytes) -> bytes:
    head = struct.pack("<IIIIIIII", 0xFEEDFACF, 0, 0, 2, 2, 8 + 24, 0, 0)
    commands = struct.pack("<II", 0x26, 8) + struct.pack("<II", 0x1B, 24) + found
    return (head + commands).ljust(0x1000, b"\0")


class Space:
    """An address space of one image."""

    def __init__(self, base: int, data: bytes) -> None:
        self.base, self.data = base, data

    def read(self, address: int, size: int) -> Memory:
        at = address - self.base
        part = self.data[at : at + size] if 0 <= at <= len(self.data) else b""
        runs = [(address, len(part), "captured"), (address + len(part), size - len(part), "absent")]
        return Memory(address, size, memoryview(part), tuple(run for run in runs if run[1]))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("address", [0, 0x400000])
def test_the_build_id_of_an_elf_image(order: str, wide: bool, address: int) -> None:
    space = Space(0x7F00_0000, elf(order, wide=wide, address=address))
    assert build_id_of(space, 0x7F00_0000) == BUILD_ID  # type: ignore[arg-type]


def test_what_identifies_images_of_other_systems() -> None:
    guid = bytes(range(16))
    assert build_id_of(Space(0x1000, pe(guid)), 0x1000) == guid  # type: ignore[arg-type]
    assert build_id_of(Space(0x1000, mach_o(guid)), 0x1000) == guid  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [0, 3, 4, 6, 40, 63, 64, 100, 0x400, 0x404, 0x410])
def test_bytes_that_are_missing_are_said_to_be(size: int) -> None:
    space = Space(0x1000, elf("<", wide=True)[:size])
    with pytest.raises(RewriteImageError):
        build_id_of(space, 0x1000)  # type: ignore[arg-type]


def test_no_image_makes_it_fail_otherwise() -> None:
    """Every single byte of the headers, replaced: a build-id or a reason, in the end."""
    image = elf("<", wide=True)
    for at in range(0x420):
        for value in (0, 0xFF):
            bent = bytearray(image)
            bent[at] = value
            try:
                found = build_id_of(Space(0x1000, bytes(bent)), 0x1000)  # type: ignore[arg-type]
                assert len(found) <= 20
            except RewriteImageError:
                pass


def test_build_ids_stand_in_a_segment(tmp_path: Path) -> None:
    path = tmp_path / "dump.msl"
    with live(path, LE11, "memory_regions") as writer:
        writer.add_memory_region(base_addr=0x400000, data=elf("<", wide=True))
    assert run("enrich", path).returncode == 4  # no module
    path.unlink()
    made = [(0x400000, "/bin/a"), (0x600000, "/bin/b")]
    header = ("process_identity", "module_list", "memory_regions")
    with plain(path, LE11, *header) as out:
        out.add_process_identity()
        rows = [{"base_addr": b, "module_size": 0x2000, "path": p} for b, p in made]
        for found, row in zip(out.add_module_list_index(rows), rows):
            out.add_module_entry(block_uuid=found, **row)
        out.add_memory_region(base_addr=0x400000, data=elf("<", wide=True))
    before = path.read_bytes()
    done = run("enrich", path)
    assert done.returncode == 4  # of the second one nothing was captured
    assert b"/bin/b: not captured" in done.stderr
    after = path.read_bytes()
    assert after.startswith(before)
    (segment,) = decode(after)["segments"]
    (row,) = segment["blocks"][0]["payload"]["entries"]
    assert row["base_addr"] == "0x400000"
    assert (row["build_id"], row["build_id_len"]) == (BUILD_ID.hex(), 20)
    assert row["build_id_source"] == "retroactive"
    assert run("enrich", path).returncode == 4
    assert path.read_bytes() == after  # it is known now
    with msl_construct.open(path) as dump:
        assert [one.known for one in build_ids(dump)] == [True, False]
    assert run("check", path).returncode == 0


# -- killed -------------------------------------------------------------------------------

MANY = 12_000
APPENDER = """
import sys
from msl_construct import append_segment
key = bytes(range(32)) if sys.argv[2] == "sealed" else None
with append_segment(sys.argv[1], producer="killed", key=key) as segment:
    for number in range(int(sys.argv[3])):
        segment.add("related_dump", related_pid=number, relationship="child",
                    related_dump_uuid=sys.argv[4])
"""


def killed_behind(path: Path, kind: str, growth: int) -> int:
    """Append, and kill who does it as soon as the file has grown by so many bytes."""
    before = path.stat().st_size
    words = [sys.executable, "-c", APPENDER, str(path), kind, str(MANY), RELATED]
    with subprocess.Popen(words) as appender:
        while appender.poll() is None and path.stat().st_size < before + growth:
            time.sleep(0.001)
        appender.kill()
    return path.stat().st_size - before


@pytest.mark.parametrize("kind", ["plain", "sealed"])
@pytest.mark.parametrize("moment", [1, 2])
def test_whoever_appends_is_killed(kind: str, moment: int, tmp_path: Path) -> None:
    """The dump stays what it was up to its old end, whenever that is; nobody calls it whole."""
    path = tmp_path / "dump.msl"
    key: tuple[object, ...] = ()
    if kind == "sealed":
        pytest.importorskip("cryptography")
        path.write_bytes(by_hand.EncryptedBuilder().small().sealed())
        (tmp_path / "key").write_bytes(by_hand.KEY)
        key = ("--key-file", tmp_path / "key")
    else:
        path.write_bytes(capture(LE11).data())
    before = path.read_bytes()
    growth = random.Random(f"{kind}{moment}").randrange(1, 120 * MANY)
    grown = killed_behind(path, kind, growth)
    after = path.read_bytes()
    assert after.startswith(before)
    assert grown  # it was at it
    done = run("verify", "--json", path, *key)
    verdict = json.loads(done.stdout)
    assert verdict["intact"] is True, verdict
    if verdict["segments"]:  # it was done before anybody could kill it
        assert (done.returncode, verdict["segments"]) == (0, 1)
        return
    assert done.returncode == 4
    (gap,) = verdict["gaps"]
    assert gap["kind"] == "trailing"
    assert f"{grown} bytes from {len(before):#x} on" in gap["text"]
    shown = json.loads(run("inspect", "--json", path, *key).stdout)
    assert shown["trailing"]["length"] == grown
    text = path.parent / "again.json"
    text.write_text(document(PARENT))
    refused = run("append", path, text, *key)
    assert refused.returncode == 4
    assert b"bytes behind" in refused.stderr
    assert path.read_bytes() == after
    if not key:
        good = tmp_path / "good.msl"
        recovered = run("recover", path, "-o", good)
        assert recovered.returncode == 4  # what was lost is told
        assert run("verify", good).returncode == 0
        assert path.read_bytes() == after
        assert run("append", good, text).returncode == 0
        assert run("verify", good).returncode == 0
