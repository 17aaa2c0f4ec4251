"""The results of a run for people: the totals, then the causes, then what is asked for."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..harness import FAILURES, Cause, Result, Results, Row, SampleOutcome, causes
from .text import Style, many, printable

if TYPE_CHECKING:
    from .samples_run import RunDisplay

__all__ = ["happened", "lines", "reproduce"]

_NONE = "."
_WIDTH = 96
_PLACES = 3
_LINES = 4
_TITLES = {"feature": "feature", "draft": "draft", "kind": "kind", "total": ""}


def lines(results: Results, style: Style, shown: RunDisplay) -> Iterator[str]:
    """The report, a line at a time.

    Args:
        results: what came out.
        style: colour or none.
        shown: what is shown beside the totals and the causes.
    """
    yield _totals(results, style)
    found = causes(results)
    if found:
        yield ""
        yield "Why samples fail, the most frequent cause first:"
    for number, cause in enumerate(found, start=1):
        yield from _cause(number, cause, results, style, shown.folder_stays)
    if shown.matrix:
        yield ""
        yield from _matrix(results.matrix(), style)
    known = [result for result in results if result.outcome is SampleOutcome.KNOWN]
    failures = results.failures if shown.each else ()
    for title, listed in (("Failed", failures), ("Known differences", known)):
        if listed:
            yield ""
            yield f"{title}:"
        for result in listed:
            yield from _failure(result, results, style, shown.folder_stays)
    for outcome, title in (
        (SampleOutcome.SKIPPED, "Skipped"),
        (SampleOutcome.NOT_SUPPORTED, "Not supported"),
    ):
        passed_over = [result for result in results if result.outcome is outcome]
        if passed_over:
            yield ""
            yield f"{title}:"
        for result in passed_over:
            yield f"  {printable(result.sample.name)}{_because(result.reason)}"
    if results.stale:
        yield ""
        yield "Stale entries of lists:"
    for entry in results.stale:
        yield printable(f"  {entry.source}: {entry.pattern}: {entry.why}")


def _cause(
    number: int, cause: Cause, results: Results, style: Style, folder_stays: bool
) -> Iterator[str]:
    """A cause, and the sample with which to begin."""
    outcomes = style.paint(", ".join(one.value for one in cause.outcomes), fg="red")
    yield ""
    yield f"{number}. {many(len(cause.results), 'sample')}, {outcomes}: {printable(cause.what)}"
    if cause.hint:
        yield from textwrap.wrap(cause.hint, _WIDTH, initial_indent="   ", subsequent_indent="   ")
    places = [f"{name} ({count})" for name, count in cause.places[:_PLACES]]
    if len(cause.places) > 1:
        more = len(cause.places) - len(places)
        yield printable(f"   at {', '.join(places)}{f' and {more} more' if more else ''}")
    smallest = cause.smallest
    sample = smallest.sample
    yield f"   smallest: {printable(sample.name)} ({many(sample.size or 0, 'byte')})"
    for line in list(happened(smallest))[:_LINES]:
        yield f"     {line}"
    yield f"     {printable(reproduce(smallest, results, folder_stays))}"


def happened(result: Result) -> Iterator[str]:
    """What happened, in lines: the detail, the first block not shown, then the differences."""
    if result.detail:
        yield printable(result.detail)
    if result.unread is not None:
        yield printable(str(result.unread))
    for one in result.differences:
        yield printable(f"{one.path}: expected {one.expected}, found {one.found}")
    more = result.difference_count - len(result.differences)
    if more > 0:
        yield f"and {many(more, 'more difference')}"


def reproduce(result: Result, results: Results, folder_stays: bool) -> str:
    """The command that shows a failure again."""
    if folder_stays:
        return result.command
    decoder = shlex.quote(results.decoder)
    return f"msl samples run --decoder {decoder} --only {shlex.quote(result.sample.name)}"


def _failure(result: Result, results: Results, style: Style, folder_stays: bool) -> Iterator[str]:
    failure = result.failure or result.outcome
    said = list(happened(result))
    first = f": {said[0]}" if said else ""
    name = printable(result.sample.name)
    yield f"  {style.paint(failure.value, fg='red')} {name}{first}{_because(result.reason)}"
    if len(said) > 1:
        yield f"    {said[1]}" + (f" ({len(said) - 2} more)" if len(said) > 2 else "")
    yield f"    {printable(reproduce(result, results, folder_stays))}"


def _because(reason: str) -> str:
    return f"  # {printable(reason)}" if reason else ""


def _matrix(rows: list[Row], style: Style) -> Iterator[str]:
    """Two lines of heads, so that the table is no wider than it must be."""
    heads = [_head(outcome) for outcome in SampleOutcome]
    widths = [max(map(len, pair)) for pair in heads]
    name_width = max(len(printable(row.name)) for row in rows) + 2
    for line in (0, 1):
        titles = (f"{pair[line]:>{width}}" for pair, width in zip(heads, widths))
        yield f"{'':{name_width}}  {'  '.join(titles)}"
    group = ""
    for row in rows:
        if row.group != group:
            group = row.group
            if _TITLES[group]:
                yield _TITLES[group]
        cells = []
        for outcome, width in zip(SampleOutcome, widths):
            count = row.counts[outcome]
            text = f"{count or _NONE:>{width}}"
            bad = count and outcome in FAILURES
            cells.append(style.paint(text, fg="red") if bad else text)
        yield f"{'  ' + printable(row.name):{name_width}}  {'  '.join(cells)}"


def _head(outcome: SampleOutcome) -> tuple[str, str]:
    first, _, last = outcome.value.rpartition("-")
    return (f"{first}-" if first else "", last)


def _totals(results: Results, style: Style) -> str:
    counts = results.counts
    failed = len(results.failures)
    parts = [f"{counts[SampleOutcome.PASS]} passed", f"{failed} failed"]
    parts += [
        f"{counts[outcome]} {word}"
        for outcome, word in (
            (SampleOutcome.KNOWN, "known to fail"),
            (SampleOutcome.SKIPPED, "skipped"),
            (SampleOutcome.NOT_SUPPORTED, "not supported"),
        )
        if counts[outcome]
    ]
    if results.stale:
        parts.append(f"{len(results.stale)} stale in the lists")
    text = f"{many(len(results), 'sample')}, level {results.level.value}: {', '.join(parts)}"
    if results.data_hidden:
        text += f"; page data not shown, and not compared, in {results.data_hidden}"
    return style.paint(text, fg="green" if results.ok else "red")
