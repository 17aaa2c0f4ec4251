"""Files to compare with the independent decoder, and a comparison that says where."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from conftest import SHARED, shared
from independent import gallery
from sampling import part_of, subject

import msl_construct
from msl_construct.document import emit
from msl_construct.document.build import build
from msl_construct.document.load import load
from msl_construct.document.render import Renderer

NOT_ITS_LAYOUT = {"api-header-big-endian-flag.msl"}
"""Declares big-endian and is written in little-endian: no draft describes it."""

DATA_BEHIND_ZSTD = {"stream-zstd-zeros-8", "stream-zstd-not-zeros"}
"""Bytes behind a whole zstd frame that are not the padding which must be tolerated: the frame
holds the payload all the same, so either answer will do."""

WRITERS = {"yaml": emit.write_yaml, "json": emit.write_json, "ndjson": emit.write_ndjson}


@lru_cache(maxsize=1)
def gallery_files() -> tuple[tuple[str, bytes], ...]:
    """Every generated file that has one right document."""
    return tuple(
        (name, data)
        for name, data in (*gallery.files(), *gallery.undecided())
        if name.rsplit("-", 2)[0] not in DATA_BEHIND_ZSTD
    )


def gallery_part() -> list[tuple[str, bytes]]:
    """Those that are in this run's part, with some of every structure."""
    return part_of(gallery_files(), lambda file: subject(file[0]))


def sample_names() -> list[str]:
    """Foreign files in a draft's layout, as folder/name; one that skips where there are none."""
    folders = ("memslicer-0.2.7", "memslicer-0.5.2", "memdiver-1.0.2")
    found = [
        f"{path.parent.name}/{path.name}"
        for folder in folders
        for path in sorted((SHARED / "samples" / folder).glob("*.msl"))
        if path.name not in NOT_ITS_LAYOUT
    ]
    return found or ["memslicer-0.5.2"]


def sample(name: str) -> bytes:
    path: Path = shared("samples", *name.split("/"))
    return path.read_bytes()


def document_of(
    data: bytes, name: str = "x.msl", *, dialect: str | None = None, **options: bool
) -> dict[str, Any]:
    with msl_construct.open(data, dialect=dialect) as dump:
        dump.name = name
        return Renderer(**options).document(dump)


def text_of(data: bytes, form: str, *, dialect: str | None = None, **options: bool) -> str:
    """What a file's document looks like as YAML, JSON or JSON lines."""
    out = io.StringIO()
    with msl_construct.open(data, dialect=dialect) as dump:
        WRITERS[form](Renderer(**options).parts(dump), out.write)
    return out.getvalue()


def built(text: str) -> bytes:
    """The file that a document in any of the forms describes."""
    out = io.BytesIO()
    size = build(load(io.StringIO(text)), out)
    assert size == len(out.getvalue())
    return out.getvalue()


def differences(got: Any, want: Any, path: str = "") -> Iterator[str]:
    """Where two documents differ, key order included; of `damage` only whether it is there."""
    if isinstance(want, dict) and isinstance(got, dict):
        if list(got) != list(want):
            yield f"{path}: keys {list(got)}, expected {list(want)}"
            return
        for key in want:
            if key == "damage":
                if not got[key] or not isinstance(got[key], str) or "\n" in got[key]:
                    yield f"{path}.damage: {got[key]!r} is not one line of text"
                continue
            yield from differences(got[key], want[key], f"{path}.{key}")
    elif isinstance(want, list) and isinstance(got, list):
        if len(got) != len(want):
            yield f"{path}: {len(got)} items, expected {len(want)}"
        for index, (left, right) in enumerate(zip(got, want)):
            yield from differences(left, right, f"{path}[{index}]")
    elif got != want or isinstance(got, str) != isinstance(want, str):
        yield f"{path}: {got!r}, expected {want!r}"


def assert_same(got: Any, want: Any, name: str) -> None:
    found = list(differences(got, want))
    if found:
        pytest.fail(f"{name}: " + "; ".join(found[:5]), pytrace=False)


def from_lines_of(text: str) -> dict[str, Any]:
    """JSON lines put together to one document again."""
    rows = [json.loads(line) for line in text.splitlines()]
    document: dict[str, Any] = rows.pop(0)
    assert document.pop("record") == "document"
    document.update(blocks=[], segments=[])
    for row in rows:
        record = row.pop("record")
        if record == "trailing":
            document["trailing"] = row["trailing"]
        elif record == "segment":
            verdict = row.pop("verdict")
            document["segments"].append({**row, "blocks": [], "verdict": verdict})
        else:
            assert record == "block"
            number = row.pop("segment", None)
            where = document if number is None else document["segments"][number - 1]
            where["blocks"].append(row)
    return document
