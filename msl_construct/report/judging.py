"""What `msl check` finds, by rule, for people who don't know the rules."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ..analysis.forked import can_fork, meanwhile
from ..reader.dump import Dump
from ..rules import Check, Level, RuleFinding, gaps
from .damage import in_plain_words
from .model import BrokenRule, CheckedRules
from .redaction import Redaction

__all__ = ["checked_rules", "judged_meanwhile"]

_PLACES = 3
"""Places of each rule that are told."""
_WORTH_A_PROCESS = 5000
"""Blocks from which on another process judges them."""


@contextmanager
def judged_meanwhile(dump: Dump) -> Iterator[Callable[[], list[Any]]]:
    """Put the rules of its draft to a dump, of many blocks in a process of its own.

    What is given waits for what `checked_rules` takes.
    """
    if len(dump.index) >= _WORTH_A_PROCESS and can_fork() and (os.cpu_count() or 1) > 1:
        with meanwhile(lambda: _judged(dump)) as result:
            yield result
    else:
        yield lambda: _judged(dump)


def checked_rules(dump: Dump, judged: list[Any], redaction: Redaction) -> CheckedRules:
    """What is told of it.

    Args:
        judged: from `judged_meanwhile`.
    """
    rules, broken, lacking = judged
    found = CheckedRules(dump.draft, rules)
    for id_, level, section, wrong, counts, by, count, places in broken:
        texts = [_place(where, field, text, redaction) for where, field, text in places]
        found.broken.append(BrokenRule(id_, level, section, wrong, counts, by, count, texts))
    found.broken.sort(key=lambda one: (not one.counts, one.level))
    found.gaps = [redaction.sentence(text) for text in lacking]
    return found


def _judged(dump: Dump) -> list[Any]:
    """How many rules were put to a dump, those that it breaks, and what could not be looked at."""
    under_way = Check(dump)
    broken: dict[tuple[str, str], list[Any]] = {}
    for finding in under_way:
        one = _broken(broken, finding)
        one[-2] += 1
        if len(one[-1]) < _PLACES:
            found = finding.found
            where = "" if found.block is None else f"block {found.block}"
            where += f"{', ' if where else ''}{found.offset:#x}" if found.offset is not None else ""
            one[-1].append([where, found.field, found.text])
    return [len(under_way.rules), list(broken.values()), [*gaps(dump), *under_way.unchecked]]


def _broken(broken: dict[tuple[str, str], list[Any]], finding: RuleFinding) -> list[Any]:
    """The fields of a `BrokenRule`, with the places as they are."""
    rule, dialect = finding.rule, finding.explained_by
    by = "" if dialect is None else str(dialect.name)
    if (rule.id, by) not in broken:
        counts = rule.level is Level.MUST and not by
        level = str(rule.level.value)
        broken[rule.id, by] = [rule.id, level, rule.section, rule.wrong, counts, by, 0, []]
    return broken[rule.id, by]


def _place(where: str, field: str, text: str, redaction: Redaction) -> str:
    if redaction.field(field) or (redaction.hidden and "environ" in field):
        return f"{where}: {field} (its value is redacted)"
    text = in_plain_words(text)
    return redaction.sentence(f"{where}: {text}" if where else text)
