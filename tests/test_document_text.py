"""The document as YAML, JSON and JSON lines: read back by readers that are not ours."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import pytest
import yaml
from comparing import (
    assert_same,
    document_of,
    from_lines_of,
    gallery_part,
    sample,
    sample_names,
    text_of,
)
from independent import names, names_dialects, wire
from independent.specimens import KINDS, LE10, LE11, Kind, capture, one
from independent.specimens import typical_payloads as typical

SHARDS = 8
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TOKENS: Any = getattr(yaml, "CLoader", yaml.Loader)

_KEY = re.compile("[a-z][a-z0-9_]*")
_BARE = re.compile("-?[0-9]+|null|true|false|bit_[0-9]+")


def schema_names() -> set[str]:
    """Every name of a code, a flag or a page state, from the independent tables."""
    found = {"draft-2026-03", "draft-2026-10", "little", "big", "zstd", "lz4", "comp_algo_zstd",
             "comp_algo_lz4", "comp_algo_reserved", "compressed", "has_key_hints", "has_children",
             "continuation"}  # fmt: skip
    for value in (*vars(names).values(), *vars(names_dialects).values()):
        if isinstance(value, dict):
            found.update(str(name) for name in value.values())
        elif isinstance(value, tuple):
            found.update(value)
    return found


NAMES = schema_names()


def plain_values(text: str) -> list[str]:
    """Scalars without quotes that are not keys."""
    found, key = [], False
    for token in yaml.scan(text, Loader=_TOKENS):
        if isinstance(token, yaml.KeyToken):
            key = True
        elif isinstance(token, yaml.ScalarToken):
            if key:
                assert _KEY.fullmatch(token.value), token.value
            elif token.plain:
                found.append(token.value)
            key = False
    return found


def unruly(text: str) -> list[str]:
    return [v for v in plain_values(text) if not _BARE.fullmatch(v) and v not in NAMES]


def assert_reads_back(data: bytes, name: str) -> None:
    want = document_of(data, "")
    text = text_of(data, "yaml")
    assert_same(yaml.load(text, Loader=_LOADER), want, f"{name} as YAML")
    assert not unruly(text), f"{name}: bare in YAML: {unruly(text)[:5]}"
    assert_same(json.loads(text_of(data, "json")), want, f"{name} as JSON")
    assert_same(from_lines_of(text_of(data, "ndjson")), want, f"{name} as JSON lines")


@pytest.mark.parametrize("shard", range(SHARDS))
def test_gallery_reads_back(shard: int) -> None:
    for name, data in gallery_part()[shard::SHARDS]:
        assert_reads_back(data, name)


@pytest.mark.parametrize("name", sample_names())
def test_sample_reads_back(name: str) -> None:
    assert_reads_back(sample(name), name)


AWKWARD = [
    "yes", "no", "on", "off", "y", "n", "null", "~", "true", "12:30:45", "1773528836123456789",
    "0x10", "1e3", ".5", "-", "- a", "a: b", "a #b", "'", '"', "\\", "[", "{", "&a", "*a", "!t",
    "%d", "@", "`", "|", ">", "?", "=", "<<", "2026-03-14", " lead", "trail ", "two\nlines",
    "tab\t", "\x1b[31mred", "\u2028", "\x85", "\ufeff", "\x7f", "\U0001f600", "Grüße", "---", "...",
]  # fmt: skip


@pytest.mark.parametrize("text", AWKWARD)
def test_awkward_strings_stay_strings(text: str) -> None:
    body = wire.process_identity("<", exe_path=text, cmd_line=text)
    data = one(LE10, wire.PROCESS_IDENTITY, body)
    for form, read in (("yaml", lambda t: yaml.load(t, Loader=_LOADER)), ("json", json.loads)):
        payload = read(text_of(data, form))["blocks"][0]["payload"]
        assert (payload["exe_path"], payload["cmd_line"]) == (text, text)
    assert not unruly(text_of(data, "yaml"))
    assert all(c.isprintable() or c == "\n" for c in text_of(data, "yaml"))


def test_text_that_an_integer_reader_would_take_is_quoted() -> None:
    digits = bytes.fromhex("11111111222243338444555555555555")
    body = wire.related_dump("<", related_dump_uuid=digits)
    text = text_of(one(LE10, wire.RELATED_DUMP, body, block_uuid=digits), "yaml")
    spelled = "11111111-2222-4333-8444-555555555555"
    assert text.count(f'"{spelled}"') == 2 == text.count(spelled)


def test_the_scan_finds_what_is_bare() -> None:
    assert unruly("a: 12:30:45\nb: [1, read, 0x10]\nc: 'x'\n") == ["12:30:45", "0x10"]


@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.name)
@pytest.mark.parametrize("form", ["yaml", "json", "ndjson"])
def test_with_data_base64_is_the_files_bytes(kind: Kind, form: str) -> None:
    body = wire.memory_region(kind.order, (0, 2, 0, 0), page_size_log2=10)
    data = one(kind, wire.MEMORY_REGION, body) + b"tail"
    text = text_of(data, form, with_data=True)
    read = {"yaml": lambda t: yaml.load(t, Loader=_LOADER), "json": json.loads}
    document = read.get(form, from_lines_of)(text)
    page_data = document["blocks"][0]["payload"]["page_data"]
    stored = base64.b64decode(page_data["data"], validate=True)
    at = int(page_data["offset"], 16)
    assert stored == data[at : at + page_data["length"]]
    assert len(stored) == 3 * 1024
    assert base64.b64decode(document["trailing"]["data"]) == b"tail"


def test_base64_of_large_data_has_no_seams(tmp_path: Any) -> None:
    """Data longer than what is written at a time, of a length that is no multiple of three."""
    pages = 700
    body = wire.memory_region("<", [0] * pages, page_data=bytes(range(251)) * 4 * pages * 4)
    path = tmp_path / "large.msl"
    path.write_bytes(one(LE10, wire.MEMORY_REGION, body))
    raw = path.read_bytes()
    shown = json.loads(text_of(raw, "json", with_data=True))["blocks"][0]["payload"]["page_data"]
    at = int(shown["offset"], 16)
    assert base64.b64decode(shown["data"], validate=True) == raw[at : at + shown["length"]]


def test_large_numbers_survive_a_reader_with_doubles() -> None:
    """Times, addresses and hashes are text; what is a number is a size, a count or a code."""
    for kind in KINDS:
        for data in [capture(kind).data(), *(one(kind, t, p) for t, p in typical(kind).values())]:
            as_doubles = json.loads(text_of(data, "json"), parse_int=lambda d: int(float(d)))
            assert as_doubles == json.loads(text_of(data, "json"))


def test_numbers_at_their_limits_are_exact() -> None:
    top = (1 << 64) - 1
    body = wire.process_identity("<", start_time=top)
    payload = json.loads(text_of(one(LE11, wire.PROCESS_IDENTITY, body), "json"))["blocks"][0]
    assert payload["payload"]["start_time"] == str(top)
