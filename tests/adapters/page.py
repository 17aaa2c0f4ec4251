"""The page with the conformance matrix."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from readers import Reader

from msl_construct.corpus import Manifest
from msl_construct.harness.judging import FAILURES, SampleOutcome
from msl_construct.harness.results import Result, Results

__all__ = ["Column", "page"]

_TITLE = "Conformance matrix"
_HEAD = """\
.. Made by tests/adapters/matrix.py; changes here are lost.

{title}
{line}

What readers of Memory Slice files make of the sample corpus: {count} samples, each with one thing
to show (:doc:`conformance`). Made on {day} with the versions named here; later ones may do better.
Which samples fail, why, and what is not compared, stands below for each reader. How the readers
are run is in ``tests/adapters`` of the repository, with the adapters between them and the harness.

A reader is held to what it offers. Fields that it gives nobody are not compared: a count of
passes says nothing about them. *Level* is how deep its documents go. Many of the invalid samples
may be refused, so a reader that refuses much passes those. Samples that are too large to be stored
are not run: ``skipped``.
"""
_DONE = (SampleOutcome.NOT_SUPPORTED, SampleOutcome.SKIPPED)


@dataclass(frozen=True)
class Column:
    """What came out for one reader."""

    reader: Reader
    version: str
    results: Results


def page(manifest: Manifest, columns: Iterable[Column], day: datetime.date) -> str:
    """The whole page, as reStructuredText."""
    columns = list(columns)
    head = {"title": _TITLE, "line": "=" * len(_TITLE), "count": len(manifest), "day": day}
    return "\n".join(
        [_HEAD.format(**head), *_totals(columns), *_features(columns), *_each(columns)]
    )


def _class(result: Result) -> SampleOutcome:
    """What became of a sample; of a known difference the class that it fails with."""
    return result.failure or result.outcome


def _totals(columns: list[Column]) -> Iterator[str]:
    outcomes = (SampleOutcome.PASS, *FAILURES, *_DONE)
    yield from _heading("All samples")
    rows = [["Reader", "Version", "Level", *(f"``{one.value}``" for one in outcomes)]]
    for column in columns:
        counts = Counter(map(_class, column.results))
        shown = [str(counts[one]) if counts[one] else "" for one in outcomes]
        rows.append([column.reader.title, column.version, column.reader.level, *shown])
    yield from _table(rows)


def _features(columns: list[Column]) -> Iterator[str]:
    yield from _heading("By feature")
    yield "Samples passed of those that were run; empty where the reader declares no support."
    yield ""
    rows = [["Draft or feature", *(column.reader.title for column in columns)]]
    by_column = [_passes(column) for column in columns]
    for key in dict.fromkeys(key for found in by_column for key in sorted(found)):
        rows.append([f"``{key[1]}``", *(found.get(key, "") for found in by_column)])
    yield from _table(rows)


def _passes(column: Column) -> dict[tuple[int, str], str]:
    ran: Counter[tuple[int, str]] = Counter()
    passed: Counter[tuple[int, str]] = Counter()
    for result in column.results:
        sample = result.sample
        keys = [(0, f"{sample.draft} {sample.byte_order}"), (1, sample.kind.value)]
        keys += [(2, feature) for feature in sample.features]
        if result.outcome not in _DONE:
            ran.update(keys)
            passed.update(keys if result.outcome is SampleOutcome.PASS else ())
    return {key: f"{passed[key]}/{count}" for key, count in ran.items()}


def _each(columns: list[Column]) -> Iterator[str]:
    for column in columns:
        yield from _heading(f"{column.reader.title} {column.version}")
        lacks = column.reader.list("lacks")
        if lacks.is_file():
            yield "Not compared, because the reader does not expose it::"
            yield ""
            yield from (f"   {line}".rstrip() for line in lacks.read_text("utf-8").splitlines())
            yield ""
        if column.reader.without:
            yield f"Features that it does not support: {', '.join(column.reader.without)}."
            yield ""
        rows = [["Samples", "Class", "Why"], *_reasons(column.results)]
        if len(rows) > 1:
            yield from _table(rows)
        else:
            yield "All samples that were run pass."
            yield ""


def _reasons(results: Results) -> Iterator[list[str]]:
    """The samples that fail, by the reason that the list of known differences gives."""
    groups: dict[tuple[str, str], list[str]] = {}
    for result in results:
        if result.failed or result.outcome is SampleOutcome.KNOWN:
            reason = result.reason if result.outcome is SampleOutcome.KNOWN else "not looked into"
            groups.setdefault((reason, _class(result).value), []).append(result.sample.name)
    for (reason, outcome), names in groups.items():
        shown = ", ".join(f"``{name.partition('/')[2]}``" for name in names[:4])
        more = f" and {len(names) - 4} more" if len(names) > 4 else ""
        yield [f"{len(names)}: {shown}{more}", f"``{outcome}``", reason]


def _heading(text: str) -> list[str]:
    return [text, "-" * len(text), ""]


def _table(rows: list[list[str]]) -> Iterator[str]:
    yield ".. list-table::"
    yield "   :header-rows: 1"
    yield ""
    for row in rows:
        for index, cell in enumerate(row):
            yield f"   {'* -' if index == 0 else '  -'} {cell}".rstrip()
    yield ""
