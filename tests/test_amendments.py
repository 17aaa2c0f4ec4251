"""The words in which a draft changes its base: what each does, and what it refuses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from authoring import known_as_before  # noqa: F401

from msl_construct.author import (
    DRAFTS,
    U8,
    U32,
    U64,
    Amendment,
    Bytes,
    Draft,
    Field,
    Layout,
    carve,
    deprecate,
    forbid,
    give_payload,
    redefine,
    rename,
    renumber,
    retype,
    reword,
    widen,
)
from msl_construct.drafts.authored import load
from msl_construct.errors import DraftError
from msl_construct.exports.consistency import findings

BASE = DRAFTS["draft-2026-10"]
WEIGHT = Field("Weight", U8, "How much it counts; 0: unknown.", default=0)
PAYLOAD = Layout("Pointer Graph", "§lab", (Field("Target", U64, "Where it leads."),))

GOOD = {
    "widen": "widen('connection_table.Entries', 'LocalPort', U32, out_of='Reserved2', reason='r')",
    "rename a field": "rename('process_identity', 'ExePathLen', 'PathLength')",
    "rename a code": "rename('OSType', 'macOS', 'Darwin')",
    "rename a flag": "rename('Protection', 'Guard', 'Fence')",
    "renumber a code": "renumber('RegionType', 'Stack', 0x22, reason='r')",
    "renumber a bit": "renumber('Protection', 'Guard', 6, reason='r')",
    "renumber a block": "renumber('BlockType', 'key_hint', 0x0021, reason='r')",
    "retype": "retype('connection_table.Entries', 'LocalPort', Bytes(2), reason='r')",
    "carve": "carve('key_hint', 'Reserved', Field('Weight', U8, 'Its weight.', default=0))",
    "forbid a code": "forbid('RegionType', 'Other')",
    "forbid a block": "forbid('BlockType', 'related_dump')",
    "forbid a value": "forbid('file_header', 'HeaderSize', 128)",
    "give a payload": "give_payload('pointer_graph', Layout('Pointer Graph', '§lab', ("
    "Field('Target', U64, 'Where it leads.'),)))",
    "redefine": "redefine('key_hint', 'KeyLen', 'Length in bits.', reason='r')",
    "redefine a block": "redefine('BlockType', 'key_hint', 'A key.', reason='r')",
    "reword": "reword('OSType', 'Linux', 'Linux, the kernel.')",
    "a kind of rows by its name": "rename('connectivity_table.Rows.Body<arp>', 'HwType', 'Kind')",
    "a kind by its code": "deprecate('connectivity_table.Rows.Body<3>', 'HwType', reason='r')",
    "deprecate": "deprecate('Protection', 'Guard', reason='r')",
}

REFUSED = {
    "no wider": ("widen('key_hint', 'KeyLen', U32, out_of='Reserved', reason='r')", "not more"),
    "a body without its kind": (
        "rename('connectivity_table.Rows.Body', 'HwType', 'Kind')",
        "Body is laid out by RowType: say Body<…> with a code",
    ),
    "a kind that nobody lays out": (
        "rename('connectivity_table.Rows.Body<0x33>', 'HwType', 'Kind')",
        "no body is laid out for a RowType of 0x33",
    ),
    "something between": (
        "widen('key_hint', 'KeyLen', U64, out_of='Reserved', reason='r')",
        "what stands between would move",
    ),
    "too little room": (
        "widen('connection_table.Entries', 'State', U32, out_of='Reserved', reason='r')",
        "has 1 bytes, 3 are needed",
    ),
    "widen silently": (
        "widen('connection_table.Entries', 'LocalPort', U32, out_of='Reserved2', reason='')",
        "expected a reason",
    ),
    "a taken name": ("rename('process_identity', 'PPID', 'SessionID')", "has a SessionID already"),
    "a taken code name": ("rename('OSType', 'macOS', 'Linux')", "has a linux already"),
    "a hash of the chain": ("rename('block_header', 'PrevHash', 'Link')", "chain names it"),
    "a taken code": ("renumber('RegionType', 'Stack', 1, reason='r')", "0x1 is Heap"),
    "a taken bit": ("renumber('BlockFlags', 'Continuation', 2, reason='r')", "0x2 is CompAlgo"),
    "a taken block": ("renumber('BlockType', 'key_hint', 0x51, reason='r')", "Process Table"),
    "a code out of range": ("renumber('RegionType', 'Stack', 256, reason='r')", "does not fit"),
    "renumber silently": ("renumber('RegionType', 'Stack', 9, reason=' ')", "expected a reason"),
    "another width": ("retype('key_hint', 'KeyLen', U64, reason='r')", "what follows would move"),
    "retype silently": ("retype('key_hint', 'KeyLen', Bytes(4), reason='')", "expected a reason"),
    "no room": (
        "carve('key_hint', 'Reserved', Field('Weight', U64, 'Its weight.', default=0))",
        "6 too few",
    ),
    "what zero means": (
        "carve('key_hint', 'Reserved', Field('Weight', U8, 'Its weight.'))",
        "is zero in every file of the base",
    ),
    "not reserved": ("carve('key_hint', 'KeyLen')", "is not reserved"),
    "a default": ("forbid('RegionType', 'Unknown')", "where nothing else is given"),
    "forbidden twice": ("forbid('BlockType', 'file_descriptor')", "forbidden already"),
    "a flag forbidden": ("forbid('Protection', 'Guard')", "can't be forbidden"),
    "a payload twice": (
        "give_payload('key_hint', Layout('Key Hint', '§lab', ()))",
        "it has a payload",
    ),
    "redefine silently": ("redefine('key_hint', 'KeyLen', 'In bits.', reason='')", "a reason"),
    "the same words": ("reword('process_identity', 'ExePath', "
                       "'The process\\'s executable.')", "is what it was"),
    "no such field": ("reword('key_hint', 'Colour', 'Red.')", "has no field Colour"),
    "no such table": ("reword('key_hint.Note', 'Colour', 'Red.')", "is no table"),
    "no such registry": ("reword('Colours', 'Red', 'Red.')", "no registry is called Colours"),
    "no such block": ("forbid('BlockType', 'colour')", "no block type colour"),
    "no such code": ("forbid('OSType', 'BeOS')", "OSType has no BeOS"),
    "no word": ("'rename'", "expected a word"),
}  # fmt: skip


def _draft(tmp_path: Path, amendment: str) -> Draft:
    path = tmp_path / "own.py"
    path.write_text(
        "from msl_construct.author import *\n"
        "MINE = DRAFTS['draft-2026-10'].overlay(\n"
        "    'worded', version=0x0102, status='ours',\n"
        "    amendments=[\n"
        f"        {amendment},\n"
        "    ],\n"
        ")\n",
        "utf-8",
    )
    return load(f"{path}:MINE")


@pytest.mark.parametrize("what", GOOD)
def test_a_word_gives_a_draft_that_can_be_used(what: str, tmp_path: Path) -> None:
    draft = _draft(tmp_path, GOOD[what])
    assert [one for one in findings(draft) if not one.remark] == []
    assert all(schema.settled for schema in map(draft.bound, draft.byte_orders))
    (word,) = draft.amendments
    assert word.draft == "worded"
    assert word.place == (str((tmp_path / "own.py").resolve()), 5)


@pytest.mark.parametrize("what", REFUSED)
def test_a_word_that_is_refused_names_file_and_line(what: str, tmp_path: Path) -> None:
    amendment, words = REFUSED[what]
    with pytest.raises(DraftError) as caught:
        _draft(tmp_path, amendment)
    line = 2 if what == "no word" else 5
    assert str(caught.value).startswith(f"{tmp_path / 'own.py'}:{line}: worded: ")
    assert words in str(caught.value)


def test_in_big_endian_files_nothing_can_be_widened() -> None:
    word = widen("related_dump", "RelatedPID", U64, out_of="Reserved", reason="r")
    with pytest.raises(ValueError, match="big-endian"):
        DRAFTS["draft-2026-03"].overlay("x", 0x0101, "x", amendments=[word])


def _overlaid(*words: Amendment) -> Draft:
    return BASE.overlay("x", 0x0102, "x", amendments=words)


def _fields(draft: Draft, key: str) -> Iterator[tuple[str, int | None]]:
    layout = next(block.layout for block in draft.blocks if block.key == key)
    assert layout is not None
    return ((field.name, getattr(field.type, "width", None)) for field in layout.fields)


def test_what_the_words_do() -> None:
    draft = _overlaid(
        carve("key_hint", "Reserved", WEIGHT),
        rename("key_hint", "NoteLen", "RemarkSize"),
        forbid("file_header", "HeaderSize", 128),
        renumber("BlockType", "key_hint", 0x0021, reason="r"),
        give_payload("pointer_graph", PAYLOAD, example={"target": 1}),
        deprecate("BlockType", "related_dump", reason="nobody reads it"),
    )
    fields = dict(_fields(draft, "key_hint"))
    assert fields["Weight"] == fields["Reserved"] == 1
    blocks = {block.key: block for block in draft.blocks}
    assert blocks["key_hint"].code == 0x0021
    assert blocks["related_dump"].deprecated == "since x: nobody reads it"
    assert blocks["pointer_graph"].instance() == {"target": 1}
    layout = draft.bound(draft.byte_orders[0]).key_hint
    note = layout.build({**layout.example(), "note": "x", "remark_size": 2, "weight": 7})
    assert note[34] == 7
    assert note[36:40] == b"\2\0\0\0"


def test_a_meaning_survives_its_words() -> None:
    was = next(one for one in BASE.enumerations if one.name == "OSType").values[1]
    draft = _overlaid(reword("OSType", "Linux", "A kernel."), rename("OSType", "Linux", "Lx"))
    now = next(one for one in draft.enumerations if one.name == "OSType").values[1]
    assert (now.label, now.name, now.text) == ("Lx", "lx", "A kernel.")
    assert now.meaning == was.meaning == "Linux"
    other = _overlaid(redefine("OSType", "Linux", "Any Unix.", reason="r"))
    assert next(one for one in other.enumerations if one.name == "OSType").values[1].meaning == (
        "Any Unix."
    )


def test_bytes_take_the_place_of_a_number() -> None:
    word = retype("connection_table.Entries", "LocalPort", Bytes(2), reason="network order")
    layout = _overlaid(word).bound(BASE.byte_orders[0]).connection_table
    entry = layout.field("entries").type.inner()[None]
    assert (entry.field("local_port").type.width, entry.field("local_port").default) == (2, b"\0\0")
    assert U32.width == 4
