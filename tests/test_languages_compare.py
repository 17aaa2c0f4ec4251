"""The comparison itself: what it must notice, and what it lets pass for which language."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from languages.compare import Comparison, Ours, ours
from languages.run import ROOT

from msl_construct.drafts import DRAFTS

SAMPLE = ROOT / "samples" / "live-le.msl"
DRAFT = DRAFTS["draft-2026-10"]
Shown = dict[str, Any]


@pytest.fixture(scope="module")
def expected() -> Ours:
    return ours(SAMPLE, DRAFT)


def as_shown(expected: Ours) -> Shown:
    """What a parser without a fault would show."""
    blocks = [
        {k: v for k, v in block.items() if k not in ("index", "compression", "damage")}
        for block in expected.blocks
    ]
    shown = {"header": expected.header, "blocks": blocks, "trailing": expected.trailing}
    return dict(copy.deepcopy(json.loads(json.dumps(shown))))


def differences(expected: Ours, shown: Shown, language: str = "python") -> list[str]:
    return list(Comparison(language).differences(expected, shown))


def test_the_same_is_the_same(expected: Ours) -> None:
    assert differences(expected, as_shown(expected)) == []


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [leaf for key, inner in value.items() for leaf in leaves(inner, (*path, key))]
    if isinstance(value, list):
        return [leaf for i, inner in enumerate(value) for leaf in leaves(inner, (*path, i))]
    return [path]


def changed(shown: Shown, path: tuple[Any, ...], change: Callable[[Any], Any]) -> Shown:
    shown = copy.deepcopy(shown)
    holder: Any = shown
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = change(holder[path[-1]])
    return shown


@pytest.mark.parametrize("language", ["python", "javascript", "java", "go"])
def test_every_value_counts(expected: Ours, language: str) -> None:
    """Whatever leaf is another one, there is a difference."""
    shown = as_shown(expected)
    paths = leaves(shown)
    assert len(paths) > 100
    for path in paths:
        other = changed(shown, path, lambda value: 7 if value != 7 else 8)
        assert differences(expected, other, language), path


def test_a_missing_and_a_surplus_field_count(expected: Ours) -> None:
    shown = as_shown(expected)
    del shown["header"]["pid"]
    shown["blocks"][0]["payload"]["more"] = 1
    assert differences(expected, shown) == [
        "header.pid: expected 4242, not there",
        "blocks[0].payload.more: found 1, not expected",
    ]


def test_blocks_and_trailing_bytes_count(expected: Ours) -> None:
    shown = as_shown(expected)
    shown["blocks"].pop()
    count = len(expected.blocks)
    assert differences(expected, shown) == [f"blocks: expected {count}, found {count - 1}"]
    shown = as_shown(expected) | {"trailing": {"offset": "0x1", "length": 1, "data": "AA=="}}
    assert differences(expected, shown)[0].startswith("trailing: expected None")


def test_a_refusal_counts_unless_ours_finds_damage(expected: Ours) -> None:
    assert differences(expected, {"error": "EOF"}) == ["refused: EOF"]
    refused = Ours(refused="no header")
    assert differences(refused, {"error": "EOF"}) == []
    assert differences(refused, as_shown(expected)) == ["accepted; ours refuses it: no header"]


def test_a_refused_payload_counts_unless_ours_finds_damage(expected: Ours) -> None:
    shown = as_shown(expected)
    stored = b"as it stands"
    shown["blocks"][1] |= {"error": "EOF", "payload": {"raw": stored.hex()}}
    assert differences(expected, shown) == ["blocks[1].payload: refused: EOF"]
    assert differences(replace(expected, stored={1: stored}), shown) == []
    other = replace(expected, stored={1: stored + b"."})
    assert differences(other, shown) == ["blocks[1].payload: refused, and not what is stored"]


def test_a_text_that_runs_on_is_the_stored_one(expected: Ours) -> None:
    def both(mine: str, other: str, raw: bytes) -> list[str]:
        payloads = [{"path": {"text": text, "raw": raw.hex()}} for text in (mine, other)]
        blocks = [{"block_type": "process_identity", "payload": one} for one in payloads]
        known = Ours(header=expected.header, blocks=(blocks[0],), schema=expected.schema)
        return differences(known, as_shown(known) | {"blocks": [blocks[1]]})

    assert both("abcd", "abcdefg", b"abcdefg\0") == []
    assert both("abcd", "abcdefx", b"abcdefg\0") != []
    assert both("abcdefg", "abcd", b"abcdefg\0") != []


@pytest.mark.parametrize(
    ("language", "found", "right"),
    [
        ("javascript", "1773528836124456704", True),
        ("javascript", "1773528836124456960", False),  # a double, but not the nearest one
        ("java", "1773528836124456704", False),
    ],
)
def test_rounding_is_for_javascript_and_must_be_exact(
    expected: Ours, language: str, found: str, right: bool
) -> None:
    shown = changed(as_shown(expected), ("header", "timestamp"), lambda _: found)
    assert expected.header["timestamp"] == "1773528836124456789"
    assert (differences(expected, shown, language) == []) is right


def test_a_number_below_the_limit_is_not_rounded(expected: Ours) -> None:
    shown = changed(as_shown(expected), ("header", "pid"), lambda pid: pid + 0.25)
    assert differences(expected, shown, "javascript")


def test_a_compressed_stream_counts(tmp_path: Path) -> None:
    path = next((ROOT / "tests" / "data").rglob("api-basic-zstd.msl"))
    expected = ours(path, DRAFT)
    index, block = next((i, b) for i, b in enumerate(expected.blocks) if "compression" in b)
    shown = as_shown(expected)
    for one, mine in zip(shown["blocks"], expected.blocks):
        if "compression" in mine:
            stream = {"length": 0, "data": mine["compression"]["data"]}
            size = mine["compression"]["uncompressed_size"]
            one["payload"] = {"uncompressed_size": size, "stream": stream}
    assert differences(expected, shown) == []
    assert block["compression"]["uncompressed_size"] > 0
    where = ("blocks", index, "payload", "stream", "data")
    wrong = changed(
        shown, where, lambda data: data[:4] + ("A" if data[4] != "A" else "B") + data[5:]
    )
    assert len(differences(expected, wrong)) == 1
    where = ("blocks", index, "payload", "uncompressed_size")
    assert len(differences(expected, changed(shown, where, lambda size: size + 1))) == 1
