"""Putting the rules to a file, one block at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from ..drafts import find, schema
from ..schema import Draft
from .consumers import CONSUMERS
from .declare import since
from .derived import Derived, derived
from .facts import Facts
from .faults import Defect, Key, faults_of_block, faults_of_header, unchecked
from .model import PRODUCER_ROLES, Role, Rule, RuleFinding, Scope
from .nil_uuids import Given
from .written import written

if TYPE_CHECKING:
    from ..reader.dump import Dump

__all__ = ["Check", "binding", "check", "every_rule", "gaps", "known_rules", "rules_for"]


_rules: WeakKeyDictionary[Draft, tuple[Rule, ...]] = WeakKeyDictionary()


def rules_for(draft: str | Draft) -> tuple[Rule, ...]:
    """The rules of a draft: what its declarations amount to, what is written, what binds readers.

    A draft has the rules of the one that it is an overlay of, but for those that it is without,
    and its own.

    Raises:
        ValueError: no such draft, two rules of the same id, or no rule that it is without.
    """
    chosen = find(draft)
    found = _rules.get(chosen)
    if found is None:
        found = _rules[chosen] = tuple(_remaining(chosen))
    return found


def known_rules(draft: Draft) -> tuple[Rule, ...]:
    """The rules of a draft, with those that it is without."""
    bound = schema(draft)
    found: dict[str, Rule] = {}
    for rule in (*derived(bound), *written(bound), *CONSUMERS, *_own(draft)):
        if not rule.applies(draft):
            continue
        if rule.id in found:
            raise ValueError(f"{draft.name}: two rules are called {rule.id}")
        found[rule.id] = rule
    return tuple(found.values())


def _remaining(draft: Draft) -> Iterator[Rule]:
    known = known_rules(draft)
    waived: set[str] = set()
    for one in draft.lineage:
        for pattern in one.without_rules:
            matching = {rule.id for rule in known if fnmatchcase(rule.id, pattern)}
            if not matching:
                raise ValueError(f"{one.name}: there is no rule {pattern} to be without")
            waived |= matching
    return (rule for rule in known if rule.id not in waived)


def _own(draft: Draft) -> Iterator[Rule]:
    """The rules that a draft, and those it is an overlay of, add by themselves."""
    for one in reversed(tuple(draft.lineage)):
        for rule in one.rules:
            if not isinstance(rule, Rule):
                raise ValueError(f"{one.name}: expected a rule, as @rule makes it, found {rule!r}")
            yield replace(rule, applies=since(one.name))


def every_rule(drafts: Iterable[str | Draft]) -> tuple[Rule, ...]:
    """The rules of several drafts, each id once: as the last of the drafts has it."""
    found: dict[str, Rule] = {}
    for draft in drafts:
        found.update((rule.id, rule) for rule in rules_for(draft))
    return tuple(found.values())


def binding(rules: Iterable[Rule], roles: Iterable[Role]) -> tuple[Rule, ...]:
    """The rules that bind one of the roles.

    Live acquirers, importers and appenders are producers: what binds every producer binds
    them as well.
    """
    wanted = set(roles)
    if wanted & set(PRODUCER_ROLES):
        wanted.add(Role.PRODUCER)
    return tuple(rule for rule in rules if wanted & set(rule.who))


def check(
    dump: Dump, *, rules: Iterable[Rule] | None = None, roles: Iterable[Role] | None = None
) -> Iterator[RuleFinding]:
    """Every place in a file that breaks a rule: of the header, of each block, of the whole.

    Nothing is kept of the blocks but what the rules about the whole file need, so that a
    file of any size takes bounded memory. Of an encrypted file only the header is judged.

    Args:
        rules: the rules to put to it; those of the draft that it is read with by default.
            Those that bind readers are left out.
        roles: only the rules that bind one of these.

    Raises:
        ChangedError: behind the last finding, where somebody wrote to the file meanwhile.
    """
    return iter(Check(dump, rules=rules, roles=roles))


class Check:
    """A check that is under way: iterate over it once.

    Attributes:
        rules: what is put to the file.
        unchecked: payloads that a limit of this program kept from being judged, and which
            limit; complete once the iteration is.
    """

    def __init__(
        self,
        dump: Dump,
        *,
        rules: Iterable[Rule] | None = None,
        roles: Iterable[Role] | None = None,
    ) -> None:
        chosen = rules_for(dump.schema.draft) if rules is None else tuple(rules)
        chosen = chosen if roles is None else binding(chosen, roles)
        chosen = tuple(rule for rule in chosen if rule.judges_files)
        if dump.header.encrypted:
            chosen = tuple(rule for rule in chosen if rule.scope is Scope.HEADER)
        self.rules = chosen
        self.unchecked: list[str] = []
        self._dump = dump
        self._derived: dict[Key, Rule] = {}
        self._written: dict[Scope, list[Rule]] = {scope: [] for scope in Scope}
        for rule in self.rules:
            if isinstance(rule.find, Derived):
                self._derived[rule.find.key] = rule
            else:
                self._written[rule.scope].append(rule)

    def __iter__(self) -> Iterator[RuleFinding]:
        yield from self._all()
        self._dump.require_unchanged()

    def _all(self) -> Iterator[RuleFinding]:
        dump = self._dump
        yield from self._of(faults_of_header(dump.header))
        yield from self._found(Scope.HEADER, dump.header)
        if dump.header.encrypted:
            return
        facts = Facts(dump) if self._written[Scope.WHOLE] else None
        given = Given()
        for block in dump.blocks:
            if self._derived:
                faults = faults_of_block(block)
                yield from self._of(fault for fault in faults if not given.repeats(block, fault))
                given.take(block)
                reason = unchecked(block)
                if reason is not None:
                    self.unchecked.append(reason)
            yield from self._found(Scope.BLOCK, block)
            if facts is not None:
                facts.take(block)
        yield from self._found(Scope.WHOLE, facts)

    def _of(self, faults: Iterable[Defect]) -> Iterator[RuleFinding]:
        for fault in faults:
            rule = self._derived.get(fault.key)
            if rule is not None:
                yield RuleFinding(rule, fault.found)

    def _found(self, scope: Scope, subject: Any) -> Iterator[RuleFinding]:
        for rule in self._written[scope]:
            for found in rule.find(subject):
                yield RuleFinding(rule, found)


def gaps(dump: Dump) -> list[str]:
    """Why a file is not complete, a line each; none when it is.

    These are no findings: nothing in the file is wrong, something is missing.
    """
    if dump.header.encrypted:
        return []
    found = []
    if dump.end_of_capture is None:
        found.append("no End-of-Capture: the acquirer did not finish (§4.5)")
    if dump.trailing is not None:
        found.append(
            f"{dump.trailing.length} bytes from {dump.trailing.offset:#x} on are not part of the "
            f"dump: {dump.ending.text}"
        )
    return found
