"""Documents that can't become a file: each is refused with the path of what is wrong."""

from __future__ import annotations

import io
import json
import random
from typing import Any

import pytest
import yaml
from comparing import built, document_of, text_of
from independent.specimens import KINDS, LE10, Kind, capture

from msl_construct.document.build import build
from msl_construct.document.load import load
from msl_construct.errors import DocumentError


def editing(change: Any, kind: Kind = LE10) -> str:
    """The message about a document that was changed and not made to fit."""
    document = document_of(capture(kind).data(), with_data=True)
    change(document)
    with pytest.raises(DocumentError) as caught:
        built(json.dumps(document))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def put(*path: Any) -> Any:
    *way, key, value = path

    def change(document: dict[str, Any]) -> None:
        place: Any = document
        for step in way:
            place = place[step]
        place[key] = value

    return change


MISFITS = [
    (("blocks", 0, "payload", "exe_path_len", 9), "blocks[0].payload.exe_path"),
    (("blocks", 0, "payload", "exe_path", "/longer/than/it/was"), "blocks[0].payload.exe_path"),
    (("blocks", 0, "block_length", 81), "blocks[0].block_length"),
    (("blocks", 1, "payload", "entry_count", 2), "blocks[1].payload.entry_count"),
    (("blocks", 1, "payload", "entries", 0, "path", "/b"), "blocks[1].payload.entries[0].path:"),
    (("blocks", 2, "payload", "path_len", 3), "blocks[2].payload.path:"),
    (("blocks", 2, "payload", "blob_len", 3), "blocks[2].payload.native_blob:"),
    (("blocks", 3, "payload", "page_data", "length", 3), "blocks[3].payload.page_data"),
    (("blocks", 3, "payload", "region_size", 4096), "blocks[3].payload.page_state_map"),
    (("blocks", 3, "payload", "page_data", {"offset": "0x0", "length": 9}), "--with-data"),
    (("blocks", 3, "payload", "protection", ["fly"]), "blocks[3].payload.protection"),
    (("blocks", 3, "payload", "region_type", "cloud"), "blocks[3].payload.region_type"),
    (("blocks", 3, "payload", "unheard_of", 1), "unheard_of"),
    (("blocks", 3, "block_uuid", "not-a-uuid"), "blocks[3].block_uuid"),
    (("blocks", 3, "block_type", "nonsense"), "blocks[3].block_type"),
    (("blocks", 3, "prev_hash", "00"), "blocks[3].prev_hash"),
    (("blocks", 3, "flags", ["sideways"]), "blocks[3].flags"),
    (("header", "pid", 1 << 32), "header.pid"),
    (("header", "pid", "many"), "header.pid"),
    (("header", "header_size", 72), "header.header_size"),
    (("header", "cap_bitmap", ["everything"]), "header.cap_bitmap"),
    (("header", "reserved", "00"), "header.reserved"),
    (("header", "timestamp", True), "header.timestamp"),
    (("document", 2), "document"),
    (("format", "draft", "draft-1999-01"), "format"),
    (("format", "byte_order", "middle"), "format"),
    (("blocks", 3, "payload", []), "blocks[3].payload"),
    (("blocks", 3, "text"), "blocks[3]"),
    (("trailing", {"offset": "0x0", "length": 4}), "trailing"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "where"), MISFITS, ids=lambda v: str(v)[:60])
def test_misfit_is_named_by_its_path(change: tuple[Any, ...], where: str) -> None:
    assert where in editing(put(*change))


NOT_DOCUMENTS = [
    "", "\n\n", "[]", "- a\n- b\n", "plain text", "{", "{}", '{"document": 1}', "a: [", "\t- x",
    "document: 1\n", "document: 1\nblocks: []\n", "blocks: []\nheader: {}\n", '{"record": "block"}',
    '{"record": "document"}\n[1]\n', '{"record": "document"}\nx\n', "header: {}\nblocks: 5\n",
    "header: {}\nblocks: [5]\n", "header: {}\nsegments: 5\n", "&a [*a]", "!!python/object:os.x {}",
    "header: {}\nblocks:\n- block_type: [\n", "header: {}\nsegments:\n- blocks: {\n",
    "header: {}\nblocks:\n- {block_type: '\n",
    "a: &x [*x]\n", "header: 7\n", "header: {}\nwhat: 1\n", "\x00", "header: {}\nblocks: null\n",
    "header: {}\nsegments: null\n", "[" * 100_000, '{"header": ' * 50_000,
]  # fmt: skip


@pytest.mark.parametrize("text", NOT_DOCUMENTS, ids=lambda t: repr(t[:24]))
def test_what_is_no_document_is_refused(text: str) -> None:
    with pytest.raises(DocumentError):
        build(load(io.StringIO(text)), io.BytesIO())


@pytest.mark.parametrize("number", range(20))
def test_damaged_document_never_ends_in_another_error(number: int) -> None:
    """Values replaced at random places: a file comes out, or a DocumentError."""
    rng = random.Random(f"document:{number}")
    strange = (None, True, -1, 1 << 70, 1.5, "", "x", "0x", "no", [], {}, [[]], {"raw": 5}, [1, 2])
    for _ in range(40):
        kind = rng.choice(KINDS)
        document = json.loads(text_of(capture(kind).data(), "json", with_data=True))
        place: Any = document
        while True:
            key = rng.choice(list(place) if isinstance(place, dict) else range(len(place)))
            if isinstance(place[key], (dict, list)) and place[key] and rng.random() < 0.8:
                place = place[key]
                continue
            place[key] = rng.choice(strange)
            break
        text = yaml.safe_dump(document) if rng.random() < 0.3 else json.dumps(document)
        try:
            built(text)
        except DocumentError:
            continue
        except Exception as error:
            pytest.fail(f"{key} = {place[key]!r}: {type(error).__name__}: {error}")


def test_size_that_does_not_fit_a_compressed_payload_is_named() -> None:
    text = {
        "header": {
            "cap_bitmap": [],
            "timestamp": "0",
            "os_type": "linux",
            "arch_type": "x86",
            "pid": 1,
        },
        "blocks": [
            {
                "block_type": "process_identity",
                "flags": ["compressed", "comp_algo_zstd"],
                "compression": {"algorithm": "zstd", "uncompressed_size": None, "data": "AAAA"},
            }
        ],
    }
    with pytest.raises(DocumentError, match=r"blocks\[0\]"):
        built(json.dumps(text))


def test_page_map_that_no_block_could_hold_is_refused() -> None:
    pages = 1 << 50
    change = put("blocks", 3, "payload", "page_state_map", [[0, pages, "failed"]])

    def both(document: dict[str, Any]) -> None:
        change(document)
        document["blocks"][3]["payload"]["region_size"] = pages << 10
        del document["blocks"][3]["block_length"]

    assert "blocks[3]" in editing(both)
