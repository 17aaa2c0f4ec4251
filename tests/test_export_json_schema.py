"""The exported JSON Schema: it takes every document there is, and nothing that is wrong."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from commands import run
from comparing import document_of, gallery_part
from independent import decode, wire
from independent.specimens import BE10, LE10, LE11, Kind, capture, finish, start, typical_payloads
from sampling import part_of, sampled

from msl_construct.drafts import DRAFTS, PUBLIC
from msl_construct.exports import EXPORTS, exported
from msl_construct.schema.vocabulary import Fixed

jsonschema = pytest.importorskip("jsonschema", reason="needs the jsonschema library (test extra)")

ROOT = Path(__file__).parents[1]
FILES = sorted([*(ROOT / "samples").glob("*.msl"), *(ROOT / "tests" / "data").rglob("*.msl")])
OPTIONS: tuple[dict[str, bool], ...] = ({}, {"with_data": True}, {"offsets": True})
PARTS = 4
"""The gallery's specimens are taken in so many tests side by side, every fourth of them."""

Document = dict[str, Any]


@cache
def validator(draft: str) -> Any:
    schema = json.loads(EXPORTS["json"].export(DRAFTS[draft]))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def complaint(document: Document) -> str | None:
    """What the schema has against a document, in one line."""
    errors = validator(document["format"]["draft"]).iter_errors(document)
    worst = jsonschema.exceptions.best_match(errors)
    return None if worst is None else f"{worst.json_path}: {worst.message[:200]}"


def plain(document: Document) -> Document:
    """As a JSON parser would give it."""
    found: Document = json.loads(json.dumps(document))
    return found


def test_one_entry_point_chooses_by_the_draft() -> None:
    referencing = pytest.importorskip("referencing", reason="needs jsonschema's referencing")
    texts = {name: json.loads(text) for name, text in exported("json", "json-entry").items()}
    assert len({schema["$id"] for schema in texts.values()}) == len(texts) == len(PUBLIC) + 1
    registry = referencing.Registry().with_resources(
        (schema["$id"], referencing.Resource.from_contents(schema)) for schema in texts.values()
    )
    entry = texts["msl-any.schema.json"]
    jsonschema.Draft202012Validator.check_schema(entry)
    chosen = jsonschema.Draft202012Validator(entry, registry=registry)
    for path in (ROOT / "samples" / "live-le.msl", ROOT / "samples" / "regions-1.1.msl"):
        document = plain(document_of(path.read_bytes()))
        assert chosen.is_valid(document)
        for other in {*PUBLIC, "draft-2001-01"} - {document["format"]["draft"]}:
            wrong = copy.deepcopy(document)
            wrong["format"]["draft"] = other
            assert not chosen.is_valid(wrong), "it is in no other draft's form"
        assert not chosen.is_valid({**document, "more": 1})
    assert not chosen.is_valid({})


# -- what is right ---------------------------------------------------------------------------


@pytest.mark.parametrize("draft", list(DRAFTS))
def test_it_is_a_json_schema(draft: str) -> None:
    schema = validator(draft).schema
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert draft in schema["title"]


@sampled()
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_samples_and_foreign_files(path: Path) -> None:
    for options in part_of(OPTIONS):
        document = plain(document_of(path.read_bytes(), path.name, **options))
        assert complaint(document) is None


def test_there_are_samples_and_foreign_files() -> None:
    assert len(FILES) >= 6


def test_what_the_command_prints() -> None:
    for name, words in (
        ("live-be", ()),
        ("regions-1.1", ("--with-data",)),
        ("regions-1.1", ("--offsets",)),
    ):
        done = run("inspect", ROOT / "samples" / f"{name}.msl", "--json", *words)
        assert complaint(json.loads(done.stdout)) is None


@pytest.mark.parametrize("part", range(PARTS))
def test_the_gallery(part: int) -> None:
    """Ours, and what the independent decoder makes of the same file."""
    seen = 0
    for index, (name, data) in enumerate(gallery_part()[part::PARTS]):
        document = plain(document_of(data, **OPTIONS[index % len(OPTIONS)]))
        assert complaint(document) is None, name
        assert complaint(plain(decode.decode(data))) is None, name
        seen += 1
    assert seen >= len(gallery_part()) // PARTS > 20


def test_a_document_of_one_draft_is_none_of_the_other() -> None:
    document = plain(document_of(capture(LE10).data()))
    assert complaint(document) is None
    document["format"]["draft"] = "draft-2026-10"
    assert complaint(document) is not None


# -- what is wrong ---------------------------------------------------------------------------

FREE_TEXT = {
    *("name", "damage", "exe_path", "cmd_line", "path", "version", "note", "tool_name", "text"),
    *("thread_name", "mapped_path", "producer", "exe", "cmd", "user", "iface", "mib", "counter"),
    *("label", "scope", "patterns", "dialect"),
}
"""Where any text will do."""

MAY_BE_MISSING = {
    *("damage", "encryption", "extension", "rest", "data", "offsets"),
    ("end_of_capture", "reserved"),
    ("related_dump", "target_hash"),
}
"""Keys that a document may do without, with the block's type where it depends on that."""

Change = tuple[str, Callable[[Any], Any]]


def documents(kind: Kind) -> Iterator[tuple[str, Document]]:
    """One document a block, so that a change is judged by what it changes."""
    builder = start(kind, cap_bitmap=0x107)
    for block_type, body in typical_payloads(kind).values():
        if block_type != wire.END_OF_EXTENSION:
            builder.add(block_type, body)
    builder.add(wire.PROCESS_IDENTITY, wire.process_identity(kind.order), compression="zstd")
    builder.add(wire.PROCESS_IDENTITY, wire.process_identity(kind.order)[:30])
    builder.add(wire.PROCESS_IDENTITY, wire.process_identity(kind.order, exe_path=b"caf\xe9"))
    builder.add(0x2345, wire.opaque(5), flags=0x8000, reserved=7)
    builder.add(wire.KEY_HINT, wire.key_hint(kind.order), payload_version=2)
    data = finish(builder, kind)
    for options in part_of(OPTIONS):
        whole = plain(document_of(data, **options))
        for block in whole["blocks"]:
            yield f"{kind.name} {block['block_type']}", {**whole, "blocks": [block]}
    builder = capture(kind)
    if kind.revised:
        builder.add(wire.KEY_HINT, wire.key_hint("<"))
        builder.end_segment()
        header = wire.file_header(
            version=wire.V11, flags=4, header_size=128, extension=wire.encryption_extension()
        )
        yield "encrypted", plain(document_of(header + bytes(300)))
    builder.raw(b"tail")
    yield "with a tail", plain(document_of(builder.data()))


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Paths of all values, the document's own included."""
    yield path
    inner: Any = ()
    if isinstance(value, dict):
        inner = value.items()
    elif isinstance(value, list):
        inner = enumerate(value)
    for key, one in inner:
        yield from places(one, (*path, key))


def at(document: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        document = document[key]
    return document


def changes(document: Document, path: tuple[Any, ...], block: str) -> Iterator[Change]:
    """What makes the value at a path wrong, each with a name."""
    value = at(document, path)
    last = next((key for key in reversed(path) if isinstance(key, str)), "")
    if isinstance(value, dict):
        yield "an unknown key", lambda old: {**old, "no_such_key": 1}
        yield "a list for an object", lambda old: []
        for key in value:
            if key not in MAY_BE_MISSING and (block, key) not in MAY_BE_MISSING:
                if key == "compression" or last == "offsets":
                    continue  # what is stored uncompressed has the same fields
                yield f"without {key}", lambda old, k=key: {a: b for a, b in old.items() if a != k}
    elif isinstance(value, list):
        yield "an object for a list", lambda old: {}
        yield "a wrong item", lambda old: [*old, 1.5]
        yield "a number for a list", lambda old: 7
    elif isinstance(value, str):
        yield "a number for text", lambda old: 7
        if last not in FREE_TEXT:
            yield "text of another form", lambda old: "no such thing"
    elif value is None:
        yield "a number for null", lambda old: 7
    elif isinstance(value, bool):
        yield "the other truth", lambda old: not old
    else:
        assert isinstance(value, int)
        yield "text for a number", lambda old: str(old)
        yield "a negative number", lambda old: -1


def changed(document: Document, path: tuple[Any, ...], change: Change) -> Document:
    if not path:
        found: Document = change[1](document)
        return found
    twin = copy.deepcopy(document)
    at(twin, path[:-1])[path[-1]] = change[1](at(twin, path))
    return twin


@pytest.mark.parametrize("kind", [BE10, LE11], ids=lambda kind: kind.name)
def test_what_is_wrong_is_refused(kind: Kind) -> None:
    """Every kind of value at every place that a document has is broken once, in each way."""
    seen: set[tuple[Any, ...]] = set()
    taken: list[str] = []
    for name, document in documents(kind):
        check = validator(document["format"]["draft"])
        assert check.is_valid(document), f"{name}: {complaint(document)}"
        block = document["blocks"][0]["block_type"] if len(document["blocks"]) == 1 else ""
        draft = document["format"]["draft"]
        for path in places(document):
            shape = ["[]" if isinstance(key, int) else key for key in path]
            if "offsets" in shape:  # of the same form everywhere
                shape = shape[:1] + ["offsets"] * (len(shape) - shape.index("offsets"))
            inside = block if shape[:1] == ["blocks"] else ""
            for change in changes(document, path, block):
                place = (draft, inside, *shape, change[0], type(at(document, path)))
                if place in seen:
                    continue
                seen.add(place)
                wrong = changed(document, path, change)
                if isinstance(wrong, dict) and check.is_valid(wrong):
                    taken.append(f"{name}: {'.'.join(map(str, path))}: {change[0]}")
    assert taken == []
    assert len(seen) > 800


def test_what_no_single_value_shows_is_refused() -> None:
    """Payloads that are right in themselves, but not there."""
    whole = plain(document_of(capture(LE10).data()))
    identity, index, *_ = whole["blocks"]
    assert complaint({**whole, "blocks": [identity]}) is None
    wrong = {
        "the payload of another type": {**identity, "payload": index["payload"]},
        "undecoded without a reason": {**identity, "payload": {"raw": "00"}},
        "a registered code in hex": {**identity, "block_type": "0x0040", "payload": {"raw": ""}},
        "a layout for an unregistered type": {**identity, "block_type": "0x2345"},
        "decoded though of another version": {**identity, "payload_version": 2},
        "damage without anything left": {**identity, "damage": "something"},
        "a flag twice": {**identity, "flags": ["has_children", "has_children"]},
        "a named bit by its number": {**identity, "flags": ["bit_0"]},
        "a bit beyond the word": {**identity, "flags": ["bit_16"]},
        "an offset with a zero in front": {**identity, "offset": "0x040"},
        "capital digits": {**identity, "offset": "0xA0"},
        "a length beyond its field": {**identity, "block_length": 1 << 32},
    }
    for name, block in wrong.items():
        assert complaint({**whole, "blocks": [block]}) is not None, name


@pytest.mark.parametrize("draft", list(DRAFTS))
def test_every_field_of_constant_width_is_bounded(draft: str) -> None:
    """A field's width is in the schema: by its greatest value or its number of digits."""
    schema = validator(draft).schema
    bound = DRAFTS[draft].bound(DRAFTS[draft].byte_orders[0])
    seen = 0
    for key, layout in bound.layouts.items():
        properties = schema["$defs"].get(f"payload.{key}", {}).get("properties")
        if properties is None:
            continue
        assert list(properties) == [*(f.key for f in layout.fields), "rest", "offsets"]
        for field in layout.fields:
            if not isinstance(field.type, Fixed):
                continue
            form = properties[field.key]
            while "$ref" in form:
                form = schema["$defs"][form["$ref"].removeprefix("#/$defs/")]
            if form.get("type") == "integer":
                assert form["maximum"] == 256**field.type.width - 1, f"{key}.{field.key}"
                seen += 1
    assert seen >= 12
