"""The same for a ticket: Markdown, in which no text from a dump is markup."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ..characters import escape_for_people
from ..words import binary_size, many
from .headline import (
    QUESTIONS,
    caution,
    facts_of_the_changed,
    headline,
    identity_of,
    left_out_of_comparison,
    nothing_stood_out,
    secrets_line,
    title_of,
)
from .model import DumpComparison, DumpReport
from .redaction import Redaction

__all__ = ["markdown_page"]

_MARKUP = re.compile(r"([\\`*_\[\]<>|~&@#]|(?<=:)/(?=/)|(?<=www)\.)")
_LONG = 300
_OURS = 1500
"""Characters of a sentence of ours, and of a text from a dump that a sentence quotes."""
_ROWS = 20


def markdown_page(
    dumps: Sequence[DumpReport],
    comparisons: Sequence[DumpComparison] = (),
    *,
    redaction: Redaction,
    made: str = "",
) -> str:
    """The page of one dump or several, for a ticket."""
    words = redaction.secret_words()
    dumps = [words.without(one) for one in dumps]
    comparisons = [words.without_in(one) for one in comparisons]
    return "\n".join(_lines(dumps, comparisons, redaction, made)) + "\n"


def _lines(
    dumps: Sequence[DumpReport],
    comparisons: Sequence[DumpComparison],
    redaction: Redaction,
    made: str,
) -> Iterator[str]:
    yield f"# {title_of(dumps)}"
    yield ""
    if made:
        yield _plain(made)
        yield ""
    yield _plain(secrets_line(redaction))
    yield ""
    for one in dumps:
        yield from _dump(one)
    for found in comparisons:
        yield from _comparison(found, dumps)
    for name in left_out_of_comparison(dumps):
        yield f"{_code(name)} is compared with nothing: it is encrypted."
        yield ""
    if redaction.hidden:
        hidden = " and ".join(f"{one.replace('-', ' ')}s" for one in redaction.hidden)
        yield f"Redacted: {hidden}."


def _dump(found: DumpReport) -> Iterator[str]:
    yield f"## {_code(found.name)}"
    yield ""
    yield f"**{_plain(headline(found), _OURS)}** {_code(identity_of(found))}"
    yield ""
    yield f"DumpUUID {_code(found.dump_uuid)}"
    yield ""
    if caution(found):
        yield _plain(caution(found))
        yield ""
    yield "| question | answer | |"
    yield "|---|---|---|"
    for answer in found.answers:
        text = _plain(answer.text, _OURS)
        yield f"| {QUESTIONS[answer.question]} | **{_plain(answer.word)}** | {text} |"
    yield ""
    for answer in found.answers:
        if answer.more:
            yield f"{QUESTIONS[answer.question]}"
            yield ""
            yield from (f"- {_code(text)}" for text in answer.more)
            yield ""
    yield "### What to look at"
    yield ""
    for one in found.suspicions:
        yield f"- **{_plain(one.title)}** {_plain(one.text)}"
        yield from (f"  - {_code(text)}" for text in one.places)
        if one.more:
            yield f"  - and {one.more} more"
    if not found.suspicions:
        yield _plain(nothing_stood_out(found))
    yield ""
    yield "### What, when, by whom and how"
    yield ""
    yield "Times are UTC (Z)."
    yield ""
    if facts_of_the_changed(found):
        yield _plain(f"The file {facts_of_the_changed(found)}")
        yield ""
    yield "| | | |"
    yield "|---|---|---|"
    for fact in found.facts:
        where = "; ".join(filter(None, ("report" * (fact.source == "report"), fact.note)))
        yield f"| {_plain(fact.label)} | {_code(fact.text)} | {_plain(where)} |"
    yield ""
    yield from _tables(found)


def _tables(found: DumpReport) -> Iterator[str]:
    """Few rows of the tables that a ticket has use for."""
    for name, columns in (
        ("modules", ("base_addr", "module_size", "path")),
        ("threads", ("thread_id", "thread_name", "thread_state", "pc")),
        ("connections", ("protocol", "local", "remote", "state_name", "pid")),
        ("handles", ("fd", "handle_type", "path")),
    ):
        table = found.table(name)
        if table is None:
            continue
        total = len(table.rows) + table.left_out
        yield f"### {name} ({total})"
        yield ""
        yield f"| {' | '.join(columns)} |"
        yield f"|{'---|' * len(columns)}"
        places = [table.columns.index(column) for column in columns]
        for row in table.rows[:_ROWS]:
            yield f"| {' | '.join(_cell(column, row[at]) for column, at in zip(columns, places))} |"
        if total > _ROWS:
            yield ""
            yield f"and {many(total - _ROWS, 'row')} more"
        yield ""


def _comparison(found: DumpComparison, dumps: Sequence[DumpReport]) -> Iterator[str]:
    pages = found.difference.pages
    yield f"## From {_code(dumps[found.a].name)} to {_code(dumps[found.b].name)}"
    yield ""
    yield (
        f"{pages.same} pages are the same, {pages.changed} changed, {pages.unknown} are not known, "
        f"{pages.only_a} are only in the first, {pages.only_b} only in the second."
    )
    yield ""
    for gap in found.gaps[:_ROWS]:
        yield f"- not compared: {_code(gap)}"
    for part, what, text in found.rows[:_ROWS]:
        yield f"- {part} {what}: {_code(text)}"
    more = len(found.rows) - _ROWS + found.rows_left_out
    if more > 0:
        yield f"- and {many(more, 'row')} more"
    yield ""


def _cell(column: str, value: object) -> str:
    if column.endswith("size") and isinstance(value, int):
        return binary_size(value)
    return "" if value in (None, "") else _code(value)


def _plain(text: object, longest: int = _LONG) -> str:
    """A text in which nothing is markup."""
    return _MARKUP.sub(r"\\\1", _short(text, longest)).replace("\n", " ")


def _code(text: object) -> str:
    """A text from a dump: code, which no markup of it ends."""
    shown = _short(text).replace("\n", " ")
    longest = max((len(run) for run in re.findall("`+", shown)), default=0)
    fence = "`" * (longest + 1)
    space = " " if shown[:1] in ("`", "") or shown[-1:] == "`" else ""
    return f"{fence}{space}{shown}{space}{fence}".replace("|", "\\|")


def _short(text: object, longest: int = _LONG) -> str:
    shown = escape_for_people(str(text))
    return shown if len(shown) <= longest else f"{shown[:longest]}… ({len(shown)} characters)"
