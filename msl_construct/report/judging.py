"""What `msl check` finds, by rule, for people who don't know the rules."""

from __future__ import annotations

from ..reader.dump import Dump
from ..rules import Check, Level, RuleFinding, gaps
from .model import BrokenRule, CheckedRules
from .redaction import Redaction

__all__ = ["checked_rules"]

_PLACES = 3
"""Places of each rule that are told."""


def checked_rules(dump: Dump, redaction: Redaction) -> CheckedRules:
    """Put the rules of its draft to a dump."""
    under_way = Check(dump)
    found = CheckedRules(dump.draft, len(under_way.rules))
    broken: dict[tuple[str, str], BrokenRule] = {}
    for finding in under_way:
        one = _broken(broken, finding)
        one.count += 1
        if len(one.places) < _PLACES:
            one.places.append(_place(finding, redaction))
    found.broken = sorted(broken.values(), key=lambda one: (not one.counts, one.level))
    found.gaps = [redaction.sentence(text) for text in (*gaps(dump), *under_way.unchecked)]
    return found


def _broken(broken: dict[tuple[str, str], BrokenRule], finding: RuleFinding) -> BrokenRule:
    rule, dialect = finding.rule, finding.explained_by
    by = "" if dialect is None else str(dialect.name)
    if (rule.id, by) not in broken:
        broken[rule.id, by] = BrokenRule(
            rule.id,
            rule.level.value,
            rule.section,
            rule.wrong,
            rule.level is Level.MUST and not by,
            by,
        )
    return broken[rule.id, by]


def _place(finding: RuleFinding, redaction: Redaction) -> str:
    found = finding.found
    where = "" if found.block is None else f"block {found.block}"
    where += f"{', ' if where else ''}{found.offset:#x}" if found.offset is not None else ""
    if redaction.field(found.field) or (redaction.hidden and "environ" in found.field):
        return f"{where}: {found.field} (its value is redacted)"
    return redaction.sentence(f"{where}: {found.text}" if where else found.text)
