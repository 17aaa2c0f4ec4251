"""What a decoder lacks is taken out of both documents; the rest is compared."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from harness_corpus import a_corpus_of_one, decoder, only

from msl_construct.corpus import Manifest
from msl_construct.harness import SampleOutcome, run
from msl_construct.harness.lacking import without_lacks

__all__ = ["a_corpus_of_one"]


def test_what_is_lacked_is_taken_out_and_no_more() -> None:
    block = {"block_type": "key_hint", "reserved": "0000", "payload": {"note": "x", "note_len": 2}}
    document: dict[str, Any] = {"header": {"magic": "MEMSLICE", "flags": []}, "blocks": [block]}
    segment = {"index": 1, "offset": "0x1", "blocks": [block]}
    document |= {"segments": [segment], "trailing": {"length": 1}}
    lacks = ("header.magic", "*_len", "segments.offset", "blocks.memory_region.reserved")
    left = {**block, "payload": {"note": "x"}}
    kept = {"header": {"flags": []}, "blocks": [left], "trailing": {"length": 1}}
    assert without_lacks(document, lacks) == {
        **kept,
        "segments": [{"index": 1, "blocks": [left]}],
    }
    assert without_lacks(document, ()) == document
    gone = without_lacks(document, ("*.payload", "encrypted.trailing"))
    assert gone["blocks"][0]["payload"] == {}
    assert gone["trailing"] == {"length": 1}
    document["header"] = {"flags": ["encrypted"]}
    assert without_lacks(document, ("encrypted.trailing",))["trailing"] is None


def test_documents_of_any_shape_are_taken(tmp_path: Path) -> None:
    for text in ('{"header": 7}', '{"header": {"flags": "encrypted"}}', '{"blocks": {"a": [1]}}'):
        document = json.loads(text)
        assert without_lacks(document, ("x.y",)) == document
    deep: Any = {}
    for _ in range(100_000):
        deep = {"a": deep}
    without_lacks(deep, ("*.b",))
    while deep:  # or the interpreter takes it apart recursively
        deep = deep.pop("a")


def test_only_what_is_lacked_may_differ(one: Manifest, tmp_path: Path) -> None:
    wrong = "for block in document['blocks']: block['payload'].pop('reserved', 0)"
    command = decoder(tmp_path, wrong)
    assert only(run(one, command)).outcome is SampleOutcome.WRONG_VALUE
    lacks = ("blocks.*.payload.reserved",)
    assert only(run(one, command, lacks=lacks)).outcome is SampleOutcome.PASS
    command = decoder(tmp_path, f"{wrong}; document['header']['pid'] = 1")
    (difference,) = only(run(one, command, lacks=lacks)).differences
    assert difference.path == "$.header.pid"
