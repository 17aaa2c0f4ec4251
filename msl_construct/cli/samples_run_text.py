"""The results of a run for people: the matrix, then what failed, then the totals."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from ..harness import FAILURES, Result, Results, Row, SampleOutcome
from .text import Style, many, printable

__all__ = ["happened", "lines", "reproduce"]

_NONE = "."
_TITLES = {"feature": "feature", "draft": "draft", "kind": "kind", "total": ""}


def lines(results: Results, style: Style, *, folder_stays: bool) -> Iterator[str]:
    """The report, a line at a time.

    Args:
        results: what came out.
        style: colour or none.
        folder_stays: whether the samples' folder is there after the run; without it the
            command that reproduces a failure runs the harness again.
    """
    yield from _matrix(results.matrix(), style)
    known = [result for result in results if result.outcome is SampleOutcome.KNOWN]
    for title, listed in (("Failed", results.failures), ("Known differences", known)):
        if listed:
            yield ""
            yield f"{title}:"
        for result in listed:
            yield from _failure(result, results, style, folder_stays)
    for outcome, title in (
        (SampleOutcome.SKIPPED, "Skipped"),
        (SampleOutcome.NOT_SUPPORTED, "Not supported"),
    ):
        listed = [result for result in results if result.outcome is outcome]
        if listed:
            yield ""
            yield f"{title}:"
        for result in listed:
            yield f"  {printable(result.sample.name)}{_because(result.reason)}"
    if results.stale:
        yield ""
        yield "Stale entries of lists:"
    for entry in results.stale:
        yield printable(f"  {entry.source}: {entry.pattern}: {entry.why}")
    yield ""
    yield _totals(results, style)


def happened(result: Result) -> Iterator[str]:
    """What happened, in lines: the detail, then the differences."""
    if result.detail:
        yield printable(result.detail)
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
