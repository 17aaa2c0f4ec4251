"""The exported ImHex pattern, read by a small interpreter of the language's part that it uses.

ImHex itself has no runner that can be installed here, so `hexpat` stands in for it: written from
the language's documentation, it knows nothing of our schema and refuses what it does not know.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from comparing import gallery_files, gallery_part, sample, sample_names
from hexpat.grammar import UNITS, Parser, Program
from hexpat.machine import Bits, Machine, Number, Run, Struct
from independent import names
from independent.decode import NotMsl, all_blocks, decode
from mutations import mutated
from sampling import part_of

from msl_construct.drafts import DRAFTS, NEWEST_DRAFT
from msl_construct.errors import MslError
from msl_construct.exports.imhex import export
from msl_construct.schema import ByteOrder, Layout, Table
from msl_construct.schema.choice import Choice
from msl_construct.schema.vocabulary import Fixed, Flags

NEWEST = DRAFTS[NEWEST_DRAFT]
STORED = Path(__file__).parents[1] / "schema" / "msl.hexpat"
SAMPLES = sorted((Path(__file__).parents[1] / "samples").glob("*.msl"))
LARGEST = 48 << 10
MUTANTS = 60
STATES = ("page_0", "page_1", "page_2", "page_3")


@lru_cache
def parsed(draft: str) -> Program:
    return Parser(export(DRAFTS[draft])).parse()


def test_it_is_what_schema_holds() -> None:
    if not STORED.exists():
        pytest.fail("schema/msl.hexpat is not there")
    assert STORED.read_text(encoding="utf-8") == export(NEWEST)


def test_it_is_the_same_every_time() -> None:
    assert export(NEWEST) == export(NEWEST)
    assert export(NEWEST).endswith(";\n")
    assert "\r" not in export(NEWEST)


@pytest.mark.parametrize("draft", DRAFTS)
def test_brackets_are_balanced(draft: str) -> None:
    text = re.sub(r'"(?:[^"\\]|\\.)*"|//[^\n]*', "", export(DRAFTS[draft]))
    for pair in ("()", "[]", "{}"):
        assert text.count(pair[0]) == text.count(pair[1]), pair


@pytest.mark.parametrize("draft", DRAFTS)
def test_registries_are_complete(draft: str) -> None:
    program, bound = parsed(draft), DRAFTS[draft].bound(ByteOrder.LITTLE)
    for registry in (*bound.enumerations.values(), bound.page_states):
        unit, values = program.enums[registry.name.replace(" ", "")]
        assert UNITS[unit] == registry.width
        assert values == {value.name.upper(): value.code for value in registry.values}
    for word in bound.flags.values():
        members, order, width = program.bitfields[word.name]
        assert (order, width) == ("LeastToMostSignificant", 8 * word.width)
        position, found = 0, {}
        for name, _, bits in members:
            if name:
                found[name] = (position, bits)
            position += bits
        assert found == {bit.name: (bit.bit, getattr(bit, "bits", 1)) for bit in word.bits}
    assert program.pragmas["magic"] == f"[ {bound.file_magic.hex(' ').upper()} ] @ 0x00"


def layouts(layout: Layout) -> Iterator[Layout]:
    yield layout
    for field in layout.fields:
        if isinstance(field.type, Table):
            yield from layouts(field.type.entry)
        elif isinstance(field.type, Choice):
            for case in field.type.cases.values():
                yield from layouts(case)


def members(body: list[Any]) -> Iterator[Any]:
    """Every member that a structure can place, in the order of the text."""
    for node in body:
        if node[0] == "if":
            yield from members(node[2])
            yield from members(node[3])
        elif node[0] == "member":
            yield node


@pytest.mark.parametrize("draft", DRAFTS)
def test_fields_stand_in_stored_order_with_their_widths(draft: str) -> None:
    program, bound = parsed(draft), DRAFTS[draft].bound(ByteOrder.LITTLE)
    seen = 0
    names = {name.lower(): name for name in program.structs}
    for layout in (inner for one in bound.layouts.values() for inner in layouts(one)):
        name = names[re.sub(r"\W+", "", layout.title).lower()]
        placed = [node for node in members(program.structs[name][1]) if node[3] != "rest"]
        keys = list(dict.fromkeys(node[3] for node in placed))
        assert keys == [field.key for field in layout.fields]
        for field in layout.fields:
            if not isinstance(field.type, Fixed):
                continue
            ((_, kind, _, _, size, _, attributes),) = [n for n in placed if n[3] == field.key]
            width = UNITS.get(kind) or (
                UNITS[program.enums[kind][0]]
                if kind in program.enums
                else program.bitfields[kind][2] // 8
            )
            assert width * (size[1] if size else 1) == field.type.width, field.name
            assert (kind in program.bitfields) is isinstance(field.type, Flags)
            assert field.text in attributes[0][1][0][1].replace('\\"', '"')
            seen += 1
    assert seen > 60


# -- values ---------------------------------------------------------------------------------------


def differences(machine: Machine, document: Mapping[str, Any]) -> Iterator[str]:
    """Where the pattern and the independent decoder disagree."""
    root: Struct = machine.globals.members["memory_slice"]
    header = dict(document["header"])
    encryption = header.pop("encryption", {})
    extension = header.pop("extension", "")
    yield from _struct("header", root.members["header"], header, machine)
    if encryption:
        yield from _struct("encryption", root.members["encryption"], encryption, machine)
    yield from _leaf("extension", root.members.get("extension"), extension, machine)
    expected = all_blocks(document)
    blocks = root.members.get("blocks", [])
    if len(blocks) < len(expected):
        yield f"{len(blocks)} blocks, expected {len(expected)}"
    for block, theirs in zip(blocks, expected):
        where = f"block {theirs['index']} ({theirs['block_type']})"
        if block.offset != int(theirs["offset"], 16):
            yield f"{where}: at {block.offset:#x}"
        fields = {key: theirs[key] for key in block.members["header"].members if key != "magic"}
        yield from _struct(where, block.members["header"], fields, machine)
        payload = theirs["payload"]
        if "compression" in theirs:
            payload = {"uncompressed_size": theirs["compression"]["uncompressed_size"]}
        ours = block.members.get("payload")
        if isinstance(ours, Struct) and "raw" not in payload:
            damaged = "damage" in theirs or "compression" in theirs
            yield from _struct(where, ours, payload, machine, damaged=damaged)
        elif isinstance(ours, Run):
            yield from _leaf(where, ours, payload.get("raw", ""), machine)


def _struct(
    where: str, ours: Struct, theirs: Mapping[str, Any], machine: Machine, *, damaged: bool = False
) -> Iterator[str]:
    for key, value in theirs.items():
        if damaged and (key == "rest" or isinstance(value, list)):
            continue  # a run of fields is there as a whole or not at all
        if key not in ours.members and damaged:
            continue
        yield from _leaf(f"{where}.{key}", ours.members.get(key), value, machine)
    extra = [key for key in ours.members if key not in theirs and key not in ("magic", "rest")]
    if extra and not damaged:
        yield f"{where}: {extra} expected nowhere"


def _leaf(where: str, ours: Any, theirs: Any, machine: Machine) -> Iterator[str]:
    if not _same(ours, theirs, machine):
        stored = b""
        if isinstance(ours, Run):
            stored = machine.data[ours.offset : ours.offset + ours.length]
        yield f"{where}: {ours!r:.300} {stored!r:.100}, expected {theirs!r:.300}"


def _same(ours: Any, theirs: Any, machine: Machine) -> bool:
    if ours is None:  # no bytes are stored
        empty = isinstance(theirs, Mapping) and theirs.get("length") == 0
        return empty or theirs in (None, "", [], "0x", {"raw": ""})
    if isinstance(ours, Number):
        if ours.enum and ours.name:
            return bool(ours.name.lower() == theirs)
        return bool(ours.value == (theirs if isinstance(theirs, int) else int(theirs, 0)))
    if isinstance(ours, Bits):
        names = [
            f"{name}_{bit.name.lower()}" if bit.enum else name
            for name, bit in ours.members.items()
            if bit.value
        ]
        return names == [name for name in theirs if not name.startswith("bit_")]
    if isinstance(ours, Run) and isinstance(theirs, list):  # a map too long to be listed
        stored = machine.data[ours.offset : ours.offset + ours.length]
        states = [byte >> shift & 3 for byte in stored for shift in (6, 4, 2, 0)]
        values = machine.program.enums["PageState"][1]
        expected = [values[state.upper()] for _, count, state in theirs for _ in range(count)]
        return states[: len(expected)] == expected and len(states) - len(expected) < 4
    if isinstance(ours, Run):
        return _same_bytes(machine.data[ours.offset : ours.offset + ours.length], ours, theirs)
    if isinstance(ours, list) and ours and isinstance(ours[0], Bits):
        return _same_states(ours, theirs)
    if isinstance(ours, list):
        return len(ours) == len(theirs) and not any(
            text for row, entry in zip(ours, theirs) for text in _struct("row", row, entry, machine)
        )
    return not list(_struct("", ours, theirs, machine))


def _same_bytes(data: bytes, ours: Run, theirs: Any) -> bool:
    if isinstance(theirs, Mapping):
        if isinstance(theirs.get("raw"), Mapping):
            theirs = theirs["raw"]
        if "length" in theirs:
            return bool(ours.length == theirs["length"])
        raw = bytes.fromhex(theirs["raw"]) if "raw" in theirs else b""
        return raw[: len(data)] == data or bool(theirs.get("raw") == data.hex())
    if theirs == "MEMSLICE" or (ours.unit == "char" and isinstance(theirs, str)):
        return data in (theirs.encode(), theirs.encode() + b"\0")
    digits = str(theirs).replace("-", "").removeprefix("0x")
    return digits in (data.hex(), data[::-1].hex())


def _same_states(ours: list[Bits], theirs: Any) -> bool:
    states = [bits.members[page].name.lower() for bits in ours for page in STATES]
    runs = theirs["runs"] if isinstance(theirs, Mapping) else theirs
    expected = [state for _, count, state in runs for _ in range(count)]
    return states[: len(expected)] == expected and len(states) - len(expected) < 4


def check(name: str, data: bytes) -> int:
    document = decode(data, name)
    machine = Machine(parsed(document["format"]["draft"]), data)
    assert list(differences(machine, document)) == [], name
    return len(machine.globals.members["memory_slice"].members.get("blocks", []))


def test_our_samples() -> None:
    assert {path.read_bytes()[8] for path in SAMPLES} == {1, 2}
    assert sum(check(path.name, path.read_bytes()) for path in SAMPLES) > 20


def test_foreign_samples() -> None:
    assert sum(check(name, sample(name)) for name in sample_names()) > 200


def test_every_feature() -> None:
    files = [(name, data) for name, data in gallery_part() if len(data) <= LARGEST]
    assert sum(check(name, data) for name, data in files) > len(files)


def test_damaged_files_are_never_read_outside() -> None:
    pool = [path.read_bytes() for path in SAMPLES]
    pool += [data for name, data in gallery_files() if len(data) <= LARGEST and "cut" not in name]
    blocks = 0
    for seed in range(MUTANTS):
        data = mutated(f"hexpat:{seed}", pool)
        try:
            decode(data)
        except NotMsl:
            continue
        root = Machine(parsed(NEWEST_DRAFT), data).globals.members["memory_slice"]
        blocks += len(root.members.get("blocks", []))
    assert blocks > MUTANTS


def test_the_interpreter_notices_a_read_outside() -> None:
    text = export(NEWEST).replace("u8 rest[end - $];", "u8 rest[end - $ + 1];")
    program = Parser(text).parse()
    data = SAMPLES[0].read_bytes() + b"trailing"
    with pytest.raises(AssertionError):
        for cut in range(len(data) - 200, len(data)):
            machine = Machine(program, data[:cut])
            assert not list(differences(machine, decode(data[:cut])))


def test_names_that_the_language_reserves_are_refused() -> None:
    (block,) = (one for one in NEWEST.blocks if one.key == "process_identity")
    assert block.layout is not None
    odd = block.layout.appending("", replace(block.layout.fields[0], name="Parent"))
    blocks = tuple(replace(one, layout=odd) if one is block else one for one in NEWEST.blocks)
    with pytest.raises(MslError, match="'parent' is no name in the pattern language"):
        export(replace(NEWEST, blocks=blocks))


# -- files that the newest pattern has other words for ---------------------------------------------

VALID = Path(__file__).parents[1] / "samples" / "valid"


def as_of_1_1(document: Mapping[str, Any]) -> dict[str, Any]:
    """A document of version 1.0 with the fields that the newest draft sees in reserved bytes."""
    order: Any = document["format"]["byte_order"]

    def counted(raw: bytes) -> int:
        return int.from_bytes(raw[:4], order)

    header = dict(document["header"])
    reserved = bytes.fromhex(header.pop("reserved"))
    header |= {"block_count": counted(reserved), "reserved": reserved[5:].hex()}
    header["hash_algo"] = names.enum(reserved[4], names.HASH_ALGO, 1)
    blocks = []
    for block in document["blocks"]:
        payload = dict(block["payload"])
        if block["block_type"] == "end_of_capture" and "reserved" in payload:
            raw = bytes.fromhex(payload["reserved"])
            payload |= {"block_count": counted(raw), "reserved": raw[4:].hex()}
        for runs in payload.get("page_state_map", ()):
            runs[2:] = ["not_resident" if state == "reserved" else state for state in runs[2:]]
        blocks.append({**block, "payload": payload})
    return {**document, "header": header, "blocks": blocks}


def test_the_newest_pattern_reads_files_of_version_1_0() -> None:
    """What came with 1.1 is not read into bytes that a 1.0 file has in its place."""
    paths = [one for one in sorted(VALID.glob("*-10-[bl]e.msl")) if one.stat().st_size <= LARGEST]
    paths = part_of(paths, lambda path: path.stem[-2:])
    paths += [VALID / "alone-thread-context-10-be.msl", VALID / "alone-vas-map-10-le.msl"]
    for path in paths:
        data = path.read_bytes()
        document = as_of_1_1(decode(data, path.name))
        machine = Machine(parsed(NEWEST_DRAFT), data)
        assert list(differences(machine, document)) == [], path.name
        blocks = machine.globals.members["memory_slice"].members.get("blocks", [])
        for block in blocks:
            if block.members["header"].members["block_type"].name in ("THREAD_CONTEXT", "VAS_MAP"):
                assert isinstance(block.members.get("payload"), Run), path.name


def test_ciphertext_and_sealed_segments_are_told_apart() -> None:
    data = (VALID / "encrypted-with-sealed-segment-11-le.msl").read_bytes()
    root = Machine(parsed(NEWEST_DRAFT), data).globals.members["memory_slice"].members
    (enclosed,) = struct.unpack_from("<H", data, 64 + 14)
    (length,) = struct.unpack_from("<Q", data, 128 - 8)
    assert root["ciphertext"] == Run("u8", data[9] + enclosed, length)
    tag = Run("u8", data[9] + enclosed + length, 16)
    assert root["tag"] == tag
    position = tag.offset + 16
    (sealed,) = root["sealed_segments"]
    assert data[position : position + 4] == b"MSLS"
    size, index, length = struct.unpack_from("<HHQ", data, position + 4)
    header = sealed.members["header"]
    assert header.offset == position
    assert header.members["seg_index"].value == index == 1
    assert sealed.members["ciphertext"] == Run("u8", position + size, length)
    assert sealed.members["tag"] == Run("u8", position + size + length, 16)
    assert position + size + length + 16 == len(data)
    assert "trailing_data" not in root
    for cut in (1, 17, length, length + size + 16):  # what is not whole is shown as bytes
        root = Machine(parsed(NEWEST_DRAFT), data[:-cut]).globals.members["memory_slice"].members
        assert root["sealed_segments"] == []


@pytest.mark.parametrize("draft", DRAFTS)
def test_every_payload_with_a_layout_is_placed(draft: str) -> None:
    text = "".join(export(DRAFTS[draft]).split("struct Block {")[1].split("struct ")[:1])
    for block in DRAFTS[draft].bound(ByteOrder.LITTLE).blocks.values():
        placed = f"header.block_type == BlockType::{block.key.upper()}) {{" in text
        assert placed == (block.layout is not None), block.key
