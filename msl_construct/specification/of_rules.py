"""What is demanded, what changed, what is open, and who writes otherwise."""

from __future__ import annotations

from fnmatch import filter as matching
from html import escape

from ..breaking.classes import ChangeClass
from ..breaking.classify import classified
from ..corpus.plan import forms_of
from ..corpus.questionable import QUESTIONS
from ..drafts import DIALECTS
from ..rules.engine import rules_for
from ..rules.statements import every_statement
from ..schema import Draft
from .marking import Page, anchor, code, row, table

__all__ = ["changes", "dialects", "questions", "statements"]

_SHOWN = 3
"""Rules of a statement that stand in its row."""


def statements(page: Page, draft: Draft) -> None:
    """The statements of the draft with the rules that come of them, to be filtered."""
    rules = [rule.id for rule in rules_for(draft)]
    rows = []
    for one in every_statement(draft):
        at = anchor(one.id)
        page.findable("statement", one.id, at, one.text)
        found = [rule for pattern in one.rules for rule in matching(rules, pattern)]
        rows.append(
            row(
                (
                    code(one.id),
                    escape(one.text),
                    escape(one.word.value),
                    escape(", ".join(role.value for role in one.who)),
                    escape(one.section_in(draft)),
                    _rules(list(dict.fromkeys(found))),
                ),
                at,
            )
        )
    page.text(
        f"{len(rows)} statements. Rules that begin with MSLX are ours: no draft demands them. "
        "`msl check` puts every rule to a file."
    )
    page.add(
        '<input type="search" data-filters="statements" placeholder="Filter: MUST, producer, §5.1" '
        'aria-label="Filter statements">'
    )
    heads = ("Statement", "Demand", "Level", "Who", "Section", "Rules")
    page.add(table(heads, rows, "statements"))


def _rules(found: list[str]) -> str:
    """Many rules are folded away; the filter finds them all the same."""
    shown = " ".join(map(code, found))
    if len(found) <= _SHOWN:
        return f'<div class="rules">{shown}</div>'
    return f'<details class="rules"><summary>{len(found)} rules</summary>{shown}</details>'


def changes(page: Page, draft: Draft) -> None:
    """What the draft changes in its base, gravest first."""
    if draft.base is None:
        page.text(f"{draft.name} follows from no other draft.")
        return
    found = sorted(classified(draft.base, draft), key=lambda one: -one.cls.severity)
    page.text(f"Against {draft.base.name}, as `msl schema diff --breaking` has it.")
    for cls in ChangeClass:
        some = [one for one in found if one.cls is cls]
        if some:
            page.heading(3, f"{cls.value} ({len(some)})", anchor("changes", cls.value))
            page.text(cls.text)
            rows = (
                row((escape(one.change), escape(one.kind), code(one.where), escape(one.reason)))
                for one in some
            )
            page.add(table(("Change", "Of", "Where", "Why"), rows))


def questions(page: Page, draft: Draft) -> None:
    """What the draft leaves open, with what a sample of the corpus has."""
    forms = forms_of(draft.name)
    rows = [
        row((escape(one.question), escape(one.shows), code(one.name)))
        for one in QUESTIONS
        if any(one.forms(form) for form in forms)
    ]
    page.text("A reader takes such files; the samples show our reading of each.")
    page.add(table(("Question", "What a sample has", "Sample"), rows))


def dialects(page: Page, draft: Draft) -> None:
    """Who writes otherwise than the draft, and how."""
    rows = [
        row(
            (
                code(name),
                escape(one.title),
                escape(one.text),
                escape(", ".join(map(str, one.producers))),
            )
        )
        for name, one in DIALECTS.items()
        if one.draft.name == draft.name
    ]
    if not rows:
        page.text("No dialect of this draft is known.")
        return
    page.text("Files of producers that write something else where the draft says what to write.")
    page.add(table(("Dialect", "Title", "What differs", "Producers"), rows))
