"""What is different in two dumps, in rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..analysis import DumpDifference, Locations, RegionPair
from ..document.region_marks import rights_of
from ..reader.dump import Dump
from ..words import binary_size
from .model import DumpComparison
from .redaction import REDACTED, Redaction
from .secret_words import texts_of

__all__ = ["comparison"]

_MOST_CHANGES = 5000
_MOST_ROWS = 5000
_SECRET = {"environment": ("value", "other_value"), "processes": ("cmd", "other_cmd")}


def comparison(
    a: int, b: int, first: Dump, difference: DumpDifference, redaction: Redaction
) -> DumpComparison:
    """The rows of a difference.

    Args:
        a, b: numbers of the dumps.
        first: the first of them.
    """
    locations = Locations(first)
    largest = sorted(difference.changes, key=lambda one: -one.size)[:_MOST_CHANGES]
    changes = [
        (one.address, one.size, locations.text(one.address), one.rebased)
        for one in sorted(largest, key=lambda one: one.address)
    ]
    rows: list[tuple[str, str, str]] = []
    left_out = 0
    for row in _rows(difference, redaction):
        if len(rows) < _MOST_ROWS:
            rows.append(row)
        else:
            left_out += 1
    gaps = [
        redaction.sentence(text) for text in (*difference.pages.failed, *difference.not_compared)
    ]
    redaction.look_at(texts_of([changes, rows, gaps]))
    return DumpComparison(a, b, difference, changes, rows, left_out, gaps)


def _rows(difference: DumpDifference, redaction: Redaction) -> Iterator[tuple[str, str, str]]:
    for what, pairs in difference.regions.items():
        for pair in pairs:
            yield "regions", what, _pair(what, pair)
    parts: list[tuple[str, Mapping[str, list[dict[str, Any]]]]] = [
        ("process", difference.process),
        ("environment", difference.environment),
        ("modules", difference.modules),
        ("threads", difference.threads),
        *difference.system.items(),
    ]
    for part, kinds in parts:
        for what, listed in kinds.items():
            for row in listed:
                yield part, what, _row(part, row, redaction)


def _row(part: str, row: Mapping[str, Any], redaction: Redaction) -> str:
    hidden = part == "environment" and redaction.hides("environment")
    secret = _SECRET.get(part, ()) if part != "environment" or hidden else ()
    if part == "process" and row.get("name") == "cmd_line":
        secret = ("value", "other_value")
    if part != "environment" and not redaction.hides("command-line"):
        secret = ()
    told = (
        f"{key} {REDACTED if key in secret else value}"
        for key, value in row.items()
        if value not in (None, "", [])
        and key not in ("block", "block_uuid", "start_time_unit")
        and f"{key}_utc" not in row
    )
    return "  ".join(told)


def _pair(what: str, pair: RegionPair) -> str:
    one = pair.a or pair.b
    assert one is not None
    text = (
        f"{one.base_addr:#x}  {binary_size(one.region_size)}  {rights_of(one)}  "
        f"{one.region_type.name}"
    )
    if pair.a is None or pair.b is None:
        return text
    now = {
        "resized": binary_size(pair.b.region_size),
        "reprotected": rights_of(pair.b),
        "retyped": pair.b.region_type.name,
    }
    return f"{text}  → {now.get(what, '')}"
