"""The results of a run as one HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from ..harness import FAILURES, Result, Results, Row, SampleOutcome
from .samples_run_text import happened, reproduce
from .text import many, printable

__all__ = ["html"]

_STYLE = """
:root { color-scheme: light dark; --bad: #c62828; --good: #2e7d32; --line: #8886; --soft: #8881; }
@media (prefers-color-scheme: dark) { :root { --bad: #ff8a80; --good: #81c784; } }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 80rem; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
table { border-collapse: collapse; }
th, td { border-bottom: 1px solid var(--line); padding: .25rem .6rem; text-align: left;
  vertical-align: top; }
thead th { background: var(--soft); }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
td.bad, td.bad a, .bad { color: var(--bad); font-weight: 600; }
.good { color: var(--good); font-weight: 600; }
td.zero { opacity: .35; }
tbody th { font-weight: 400; }
th.group { font-weight: 600; padding-top: .8rem; }
tr:target, h3:target { background: var(--soft); }
.wide { overflow-x: auto; }
code, pre { font: 13px/1.4 ui-monospace, monospace; overflow-wrap: anywhere; }
pre { margin: .2rem 0; white-space: pre-wrap; }
summary { cursor: pointer; }
a { color: inherit; }
"""
_TITLES = {"feature": "Features", "draft": "Drafts", "kind": "Kinds", "total": "Total"}


def html(results: Results, *, folder_stays: bool) -> Iterator[str]:
    """The file, piece by piece: the matrix, then every sample with what happened.

    Whatever a decoder printed is text here and nothing else.
    """
    verdict = "good" if results.ok else "bad"
    failed = len(results.failures)
    word = f"{failed} failed" if failed else "none failed"
    yield (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Memory Slice conformance: {_text(results.decoder)}</title>\n"
        f"<style>{_STYLE}</style>\n</head>\n<body>\n<h1>Memory Slice conformance</h1>\n"
        f"<p><code>{_text(results.decoder)}</code>, level {_text(results.level.value)}, "
        f"{many(len(results), 'sample')}: "
        f'<span class="{verdict}">{word}</span></p>\n'
    )
    if results.data_hidden:
        yield (
            f"<p>Page data was not shown, and not compared, in "
            f"{many(results.data_hidden, 'sample')}.</p>\n"
        )
    yield from _matrix(results.matrix())
    yield from _stale(results)
    yield "<h2>Samples</h2>\n"
    for outcome in SampleOutcome:
        listed = [result for result in results if result.outcome is outcome]
        if listed:
            yield from _samples(outcome, listed, results, folder_stays)
    yield "</body>\n</html>\n"


def _matrix(rows: list[Row]) -> Iterator[str]:
    heads = "".join(f'<th class="n" scope="col">{outcome.value}</th>' for outcome in SampleOutcome)
    yield '<h2>Matrix</h2>\n<div class="wide"><table>\n'
    yield f'<thead><tr><th scope="col">Samples</th>{heads}</tr></thead>\n'
    group = ""
    for row in rows:
        if row.group != group:
            if group:
                yield "</tbody>\n"
            group = row.group
            span = len(SampleOutcome) + 1
            title = f'<th class="group" scope="rowgroup" colspan="{span}">{_TITLES[group]}</th>'
            yield f"<tbody>\n<tr>{title}</tr>\n"
        name = _text(row.name)
        cells = "".join(_cell(outcome, row.counts[outcome]) for outcome in SampleOutcome)
        yield f'<tr id="{row.group}-{name}"><th scope="row">{name}</th>{cells}</tr>\n'
    yield "</tbody>\n</table></div>\n"


def _cell(outcome: SampleOutcome, count: int) -> str:
    if not count:
        return '<td class="n zero">0</td>'
    look = "n bad" if outcome in FAILURES else "n"
    return f'<td class="{look}"><a href="#class-{outcome.value}">{count}</a></td>'


def _stale(results: Results) -> Iterator[str]:
    if not results.stale:
        return
    yield '<h2 class="bad">Stale entries of lists</h2>\n<ul>\n'
    for entry in results.stale:
        yield (
            f"<li>{_text(entry.source)}: <code>{_text(entry.pattern)}</code>: "
            f"{_text(entry.why)}</li>\n"
        )
    yield "</ul>\n"


def _samples(
    outcome: SampleOutcome, listed: list[Result], results: Results, folder_stays: bool
) -> Iterator[str]:
    look = ' class="bad"' if outcome in FAILURES else ""
    yield f'<h3 id="class-{outcome.value}"{look}>{outcome.value} ({len(listed)})</h3>\n'
    yield '<div class="wide"><table>\n<thead><tr><th scope="col">Sample</th>'
    yield '<th scope="col">Features</th><th scope="col">What happened</th></tr></thead>\n<tbody>\n'
    for result in listed:
        sample = result.sample
        name = _text(sample.name)
        features = " ".join(
            f'<a href="#feature-{_text(one)}">{_text(one)}</a>' for one in sample.features
        )
        yield (
            f'<tr id="sample-{name}"><th scope="row"><code>{name}</code><br>'
            f"{_text(sample.shows)}</th><td>{features}</td>"
            f"<td>{''.join(_about(result, results, folder_stays))}</td></tr>\n"
        )
    yield "</tbody>\n</table></div>\n"


def _about(result: Result, results: Results, folder_stays: bool) -> Iterator[str]:
    if result.reason:
        yield f"<div>{_text(result.reason)}</div>"
    if result.failure is not None:
        yield f"<div>{result.failure.value}</div>"
    for line in happened(result):
        yield f"<div>{_text(line)}</div>"
    if result.failed or result.failure is not None:
        yield f"<pre>{_text(reproduce(result, results, folder_stays))}</pre>"
        if result.stderr:
            said = "\n".join(_text(line) for line in result.stderr.splitlines())
            yield f"<details><summary>stderr</summary><pre>{said}</pre></details>"
    elif result.data_hidden:
        yield "<div>page data not shown</div>"


def _text(text: str) -> str:
    return escape(printable(text))
