"""The page: one file, in which nothing but its own script runs, and which asks for nothing."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence
from importlib.resources import files
from string import Template

from ..words import many
from .elements import Element, Node, element, foreign, rendered
from .embedding import embedded, embedded_json
from .facts import NOT_SAID
from .headline import (
    LEVEL_WORDS,
    QUESTIONS,
    caution,
    facts_of_the_changed,
    headline,
    identity_of,
    left_out_of_comparison,
    nothing_stood_out,
    secrets_line,
    title_of,
    worst_level,
)
from .model import Answer, BrokenRule, DumpComparison, DumpReport, Fact, Suspicion
from .redaction import Redaction

__all__ = ["html_page"]

_SCRIPTS = (
    "data.js",
    "dom.js",
    "table.js",
    "regions.js",
    "map_view.js",
    "map.js",
    "entropy.js",
    "hex.js",
    "start.js",
)
_STYLES = ("style.css", "parts.css", "tables.css", "print.css")
_SENTENCES = 1500
"""Characters of several sentences of ours, and of a name that they quote."""
_UTC = "Times are UTC (Z)."
_MARKS = {"good": "✔", "bad": "✘", "warn": "!", "open": "?", "note": "i"}
_GROUPS = {
    "what": "The file",
    "target": "The process",
    "when": "When",
    "who": "By whom",
    "how": "How",
}


def html_page(
    dumps: Sequence[DumpReport],
    comparisons: Sequence[DumpComparison] = (),
    *,
    redaction: Redaction,
    made: str = "",
) -> str:
    """The page of one dump or several.

    Args:
        comparisons: of each with the next.
        made: when and with what the page was made, in words.
    """
    words = redaction.secret_words()
    dumps = [words.without(one) for one in dumps]
    comparisons = [words.without_in(one) for one in comparisons]
    script = "".join(_asset(name) for name in _SCRIPTS)
    style = "".join(_asset(name) for name in _STYLES)
    body = [
        element(
            "header",
            element("h1", title_of(dumps)),
            element("p", foreign(made), class_="quiet"),
            element("p", secrets_line(redaction), class_="secrets"),
        ),
        _contents(dumps, comparisons),
        element(
            "main",
            element(
                "div", (_verdict(number, one) for number, one in enumerate(dumps)), class_="dumps"
            ),
            _facts(dumps),
            (_comparison(one, dumps) for one in comparisons),
            (
                element("p", foreign(name), " is compared with nothing: it is encrypted.")
                for name in left_out_of_comparison(dumps)
            ),
            element(
                "div",
                (_details(number, one, len(dumps)) for number, one in enumerate(dumps)),
                class_="dumps wide",
            ),
            id="top",
        ),
        element("footer", _about(redaction)),
    ]
    return Template(_asset("page.html")).substitute(
        title=rendered([title_of(dumps)]),
        script_hash=_hash(script),
        style_hash=_hash(style),
        style=style,
        body=rendered(body),
        data=embedded_json(embedded(dumps, comparisons, redaction)),
        script=script,
    )


def _asset(name: str) -> str:
    return (files(__package__) / "assets" / name).read_text("utf-8")


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _contents(dumps: Sequence[DumpReport], comparisons: Sequence[DumpComparison]) -> Element:
    links = [("#verdict-0", "Verdict"), ("#facts", "Facts")]
    if comparisons:
        links.append(("#comparison-0", "Differences"))
    for number, one in enumerate(dumps):
        if not one.locked:
            links.append(
                (f"#details-{number}", "Details" if len(dumps) == 1 else f"Dump {number + 1}")
            )
    return element(
        "nav", (element("a", text, href=place) for place, text in links), aria_label="Contents"
    )


def _verdict(number: int, found: DumpReport) -> Element:
    level = worst_level(found)
    return element(
        "section",
        element("h2", foreign(found.name)),
        element("p", foreign(identity_of(found)), class_="identity"),
        element("p", f"DumpUUID {found.dump_uuid}", class_="quiet uuid"),
        element(
            "p",
            element("span", _MARKS[level], class_="mark", aria_hidden="true"),
            element("span", headline(found)),
            class_=f"banner {level}",
        ),
        _caution(number, found),
        element("div", (_answer(number, one) for one in found.answers), class_="answers"),
        element("h3", "What to look at"),
        _suspicions(found),
        id=f"verdict-{number}",
        class_="card",
    )


def _caution(number: int, found: DumpReport) -> list[Node]:
    text = caution(found)
    if not text:
        return []
    before, link, after = text.partition("see Signed")
    place = f"#answer-{number}-signed"
    return [element("p", before, element("a", link, href=place) if link else "", after)]


def _answer(number: int, answer: Answer) -> Element:
    more: list[Node] = []
    if answer.more:
        more = [element("ul", (element("li", foreign(text, _SENTENCES)) for text in answer.more))]
    return element(
        "details",
        element(
            "summary",
            element(
                "span", _MARKS[answer.level], class_=f"mark {answer.level}", aria_hidden="true"
            ),
            element("span", QUESTIONS[answer.question], class_="question"),
            element("strong", foreign(answer.word)),
            element("span", f" ({LEVEL_WORDS[answer.level]})", class_="unseen"),
        ),
        element("p", foreign(answer.text, _SENTENCES)),
        more,
        id=f"answer-{number}-{answer.question}",
        open=True,
    )


def _suspicions(found: DumpReport) -> Element:
    if not found.suspicions:
        return element("p", nothing_stood_out(found), class_="quiet")
    return element("ul", (_suspicion(one) for one in found.suspicions), class_="suspicions")


def _suspicion(one: Suspicion) -> Element:
    places: list[Node] = [element("li", foreign(text)) for text in one.places]
    if one.more:
        places.append(element("li", f"and {one.more:,} more"))
    return element(
        "li",
        element("span", _MARKS[one.level], class_=f"mark {one.level}", aria_hidden="true"),
        element("strong", one.title),
        element("p", foreign(one.text)),
        [element("ul", places, class_="places")] if places else [],
    )


def _facts(dumps: Sequence[DumpReport]) -> Element:
    """A table with a column for each dump."""
    sections: list[Node] = []
    for group, title in _GROUPS.items():
        labels = dict.fromkeys(
            (one.label, one.source == "report")
            for found in dumps
            for one in found.facts
            if one.group == group
        )
        rows = [
            element(
                "tr",
                element("th", label, scope="row"),
                (
                    _fact(known, not found.locked and any(_unsaid(one) for one in row))
                    for found, known in zip(dumps, row)
                ),
            )
            for key in labels
            for row in [[_facts_like(found, group, key) for found in dumps]]
            for label in [f"{key[0]}{' (report)' if key[1] else ''}"]
        ]
        if rows:
            head = element("th", title, scope="rowgroup", colspan=str(len(dumps) + 1))
            sections.append(element("tbody", element("tr", head, class_="group"), rows))
    names = (element("th", foreign(one.name), scope="col") for one in dumps)
    top: list[Node] = []
    if len(dumps) > 1:
        top = [element("thead", element("tr", element("td"), names))]
    return element(
        "section",
        element("h2", "What was captured, when, by whom and how"),
        element("p", _UTC, class_="quiet"),
        (
            element("p", foreign(one.name), f" {text}", class_="warned")
            for one in dumps
            if (text := facts_of_the_changed(one))
        ),
        element("div", element("table", top, sections), class_="scroll", tabindex="0"),
        id="facts",
        class_="card",
    )


def _facts_like(found: DumpReport, group: str, key: tuple[str, bool]) -> list[Fact]:
    return [
        one
        for one in found.facts
        if one.group == group and (one.label, one.source == "report") == key
    ]


def _unsaid(found: Sequence[Fact]) -> bool:
    """Whether it is asked because nothing says it: of a dump of which something does, it is not."""
    return any(one.text == NOT_SAID for one in found)


def _fact(found: Sequence[Fact], unsaid: bool) -> Element:
    if not found:
        text = "said in another row" if unsaid else "not known"
        return element("td", element("span", text, class_="quiet"))
    note = found[0].note
    return element(
        "td",
        foreign(found[0].text),
        element("span", f" ({note})", class_="quiet") if note else "",
    )


def _comparison(found: DumpComparison, dumps: Sequence[DumpReport]) -> Element:
    difference, number = found.difference, found.a
    pages = difference.pages
    counted = (
        ("same", pages.same, "same"),
        ("changed", pages.changed, "changed"),
        ("not known", pages.unknown, "one of the two did not capture them, or neither did"),
        ("only before", pages.only_a, "only the first dump has them"),
        ("only after", pages.only_b, "only the second dump has them"),
    )
    return element(
        "section",
        element(
            "h2",
            "From ",
            foreign(dumps[found.a].name),
            " to ",
            foreign(dumps[found.b].name),
        ),
        element(
            "dl",
            (
                node
                for label, count, text in counted
                for node in (
                    element("dt", label),
                    element(
                        "dd", f"{count:,} ", element("span", _pages(label, text), class_="quiet")
                    ),
                )
            ),
            class_="counts",
        ),
        _not_compared(found),
        element("div", data_part="comparison", data_number=str(number)),
        id=f"comparison-{number}",
        class_="card",
    )


def _not_compared(found: DumpComparison) -> list[Node]:
    if not found.gaps:
        return []
    return [
        element("h3", "What could not be compared"),
        element("ul", (element("li", foreign(text)) for text in found.gaps)),
    ]


def _pages(label: str, text: str) -> str:
    return "pages" if label == text else f"pages: {text}"


def _details(number: int, found: DumpReport, dumps: int) -> Element:
    """What the script fills: maps, tables, blocks."""
    head: list[Node] = (
        [] if dumps == 1 else [element("h2", f"Dump {number + 1}: ", foreign(found.name))]
    )
    parts = ("memory", "tables", "blocks") if not found.locked else ("blocks",)
    return element(
        "div",
        head,
        _broken(found),
        (
            element("section", data_part=part, data_dump=str(number), class_="card")
            for part in parts
        ),
        id=f"details-{number}",
        class_="details",
    )


def _broken(found: DumpReport) -> Element:
    checked = found.checked
    if checked is None or not checked.broken:
        return element("div")
    return element(
        "section",
        element("h3", "Rules of the specification"),
        element(
            "p", f"{many(len(checked.broken), 'rule')} that the file breaks, or is unusual by."
        ),
        element(
            "ul",
            (
                element(
                    "li",
                    element("strong", one.id),
                    f" ({one.level}, {one.section}, {many(one.count, 'place')}{_explained(one)}) ",
                    foreign(one.wrong),
                    element(
                        "ul",
                        (element("li", foreign(text, _SENTENCES)) for text in one.places),
                        class_="places",
                    ),
                )
                for one in checked.broken
            ),
            class_="rules",
        ),
        class_="card",
    )


def _explained(rule: BrokenRule) -> str:
    return f"; explained by the dialect {rule.explained_by}" if rule.explained_by else ""


def _about(redaction: Redaction) -> Iterator[Node]:
    hidden = " and ".join(one.replace("-", " ") + "s" for one in redaction.hidden)
    if hidden:
        yield element("p", f"Redacted on this page: {hidden}. The dump itself holds them.")
    yield element(
        "p",
        "This page is one file. It asks nothing of any network, and runs no code but its own. "
        "Texts from the dump are shown as they are, with characters that can't be seen written as "
        "\\u202e and the like.",
    )
