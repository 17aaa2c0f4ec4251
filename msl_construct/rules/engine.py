"""Putting the rules to a file, one block at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakKeyDictionary

from ..drafts import DIALECTS, PUBLIC, find, schema
from ..errors import MslError
from ..reader import Block
from ..reader.dialects import plain_schema, read_in
from ..reader.gaps import gap_of, gap_of_file_hash, gap_of_hashes, gap_of_link
from ..reader.header import FileHeader
from ..schema import Draft, Schema
from .compression import STREAM
from .consumers import CONSUMERS
from .declare import since
from .derived import Derived, derived
from .facts import Facts
from .faults import (
    Defect,
    Key,
    faults_of_block,
    faults_of_header,
    faults_of_seal_header,
)
from .model import PRODUCER_ROLES, Level, Role, Rule, RuleFinding, Scope
from .nil_uuids import Given
from .written import written

if TYPE_CHECKING:
    from ..drafts.dialects import Dialect
    from ..reader.dump import Dump

__all__ = [
    "Check",
    "binding",
    "check",
    "every_rule",
    "gaps",
    "known_ids",
    "known_rules",
    "rules_for",
]


_Subject = TypeVar("_Subject", FileHeader, Block)

_OTHERWISE = (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)
"""What a rule ends in that is put to values of another kind than it was written for."""

_MOST_KINDS = 4096
"""Of blocks, for which it is remembered which rules are put to them."""

_rules: WeakKeyDictionary[Draft, tuple[Rule, ...]] = WeakKeyDictionary()
_ids: WeakKeyDictionary[Draft, frozenset[str]] = WeakKeyDictionary()


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


def known_ids(draft: Draft) -> frozenset[str]:
    """The ids of `known_rules`, which every statement of a draft asks for."""
    found = _ids.get(draft)
    if found is None:
        found = _ids[draft] = frozenset(rule.id for rule in known_rules(draft))
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
        unchecked: what could not be looked at, and so was not judged, a line each; complete once
            the iteration is.
    """

    def __init__(
        self,
        dump: Dump,
        *,
        rules: Iterable[Rule] | None = None,
        roles: Iterable[Role] | None = None,
    ) -> None:
        self._plain = plain_schema(dump.schema)
        chosen = rules_for(self._plain.draft) if rules is None else tuple(rules)
        chosen = chosen if roles is None else binding(chosen, roles)
        chosen = tuple(rule for rule in chosen if rule.judges_files)
        if dump.locked:
            chosen = tuple(rule for rule in chosen if rule.scope is Scope.HEADER)
        self.rules = chosen
        self.unchecked: list[str] = []
        self._dump = dump
        self._roles = None if roles is None else tuple(roles)
        self._asked = None if rules is None else {rule.id for rule in self.rules}
        self._derived: dict[Key, Rule] = {}
        self._written: dict[Scope, list[Rule]] = {scope: [] for scope in Scope}
        for rule in self.rules:
            if isinstance(rule.find, Derived):
                self._derived[rule.find.key] = rule
            else:
                self._written[rule.scope].append(rule)
        self._of_dialects: dict[Draft, dict[Key, Rule]] = {self._plain.draft: self._derived}
        self._concerning: dict[tuple[Schema, int, int], list[Rule]] = {}

    def __iter__(self) -> Iterator[RuleFinding]:
        yield from self._all()
        self._dump.require_unchanged()

    def _all(self) -> Iterator[RuleFinding]:
        dump = self._dump
        yield from self._header()
        if dump.locked:
            return
        facts = Facts(dump) if self._written[Scope.WHOLE] else None
        given = Given()
        for block in dump.blocks:
            yield from self._block(block, given)
            if facts is not None:
                facts.take(block)
        for header in dump.seal_headers():
            yield from self._of(faults_of_seal_header(header), self._plain.draft)
            yield from self._found(Scope.SEALED, header)
        for finding in self._found(Scope.WHOLE, facts):
            place = finding.found.block
            name = dump.dialect if place is None else _dialect_of(dump, place)
            yield self._perhaps(finding) if name is None else _explained(finding, name)

    def _header(self) -> Iterator[RuleFinding]:
        header = self._dump.header
        plain = read_in(self._dump.stored, header, self._plain)

        def findings(one: FileHeader) -> Iterator[RuleFinding]:
            yield from self._of(faults_of_header(one), one.schema.draft)
            yield from self._found(Scope.HEADER, one)

        yield from self._compared(plain, header, findings, self._dump.dialect)

    def _block(self, block: Block, given: Given) -> Iterator[RuleFinding]:
        """What of a block breaks a rule of the draft, and of its dialect beside that."""
        dialect = block.schema.draft.dialect
        plain = block if dialect is None else self._dump.block_in(self._plain, block.index)
        faults = self._faults(plain)
        first = next(faults, None)
        faultless = first is None  # as nearly every block is, which is looked at once
        all_faults = () if first is None else chain((first,), faults)
        repeated = [fault for fault in all_faults if given.repeats(plain, fault)]
        given.take(block)

        if faultless and dialect is None and not self._rules_of(block):  # nearly every block again
            self.unchecked.extend(_unchecked(block, told=False))
            return

        def findings(one: Block) -> Iterator[RuleFinding]:
            if not (faultless and one is plain):
                faults = (fault for fault in self._faults(one) if fault not in repeated)
                yield from self._of(faults, one.schema.draft)
            yield from self._found(Scope.BLOCK, one, self._rules_of(one))

        told = False
        for finding in self._compared(plain, block, findings, dialect):
            told |= finding.rule.level is Level.MUST and finding.found.field == STREAM
            yield finding
        self.unchecked.extend(_unchecked(block, told))

    def _faults(self, block: Block) -> Iterator[Defect]:
        return faults_of_block(block) if self._derived else iter(())

    def _compared(
        self,
        plain: _Subject,
        own: _Subject,
        findings: Callable[[_Subject], Iterator[RuleFinding]],
        dialect: str | None,
    ) -> Iterator[RuleFinding]:
        """The findings of something as the draft has it, and those of its dialect that are new.

        What the dialect does not find, its layout explains. Findings are compared by their
        rules alone: however many there are, no more than the rules are remembered.
        """
        if dialect is None:
            yield from findings(own)
            return
        remaining = {finding.rule.id for finding in findings(own)}
        known = set()
        for finding in findings(plain):
            known.add(finding.rule.id)
            by_layout = finding.rule.id not in remaining
            yield _explained(finding, dialect, by_layout=by_layout, structure=own.key)
        for finding in findings(own):
            if finding.rule.id not in known:
                yield _explained(finding, dialect)

    def _perhaps(self, finding: RuleFinding) -> RuleFinding:
        """A finding in no dialect, with what is known of those who write files of its draft."""
        habits = [
            f"{dialect.producer}: {reason}"
            for dialect in DIALECTS.values()
            if dialect.draft.name == self._plain.name and (reason := _habit(dialect, finding))
        ]
        return replace(finding, explanation=" ".join(habits)) if habits else finding

    def _of(self, faults: Iterable[Defect], draft: Draft) -> Iterator[RuleFinding]:
        derived = self._derived_of(draft)
        for fault in faults:
            rule = derived.get(fault.key)
            if rule is not None:
                yield RuleFinding(rule, fault.found)

    def _derived_of(self, draft: Draft) -> dict[Key, Rule]:
        """The rules that follow from the declarations of the draft, or of a dialect of it."""
        found = self._of_dialects.get(draft)
        if found is None:
            found = self._of_dialects[draft] = {}
            rules = rules_for(draft)
            for rule in rules if self._roles is None else binding(rules, self._roles):
                asked = self._asked is None or rule.id in self._asked
                if asked and isinstance(rule.find, Derived):
                    found[rule.find.key] = rule
        return found

    def _rules_of(self, block: Block) -> list[Rule]:
        """The written rules that may have anything to say of a block of its type and flags."""
        code, flags, *_ = block.identity
        key = block.schema, code, flags
        found = self._concerning.get(key)
        if found is None:
            if len(self._concerning) >= _MOST_KINDS:
                self._concerning.clear()
            kind = block.type
            found = [one for one in self._written[Scope.BLOCK] if one.concerns(kind, flags)]
            self._concerning[key] = found
        return found

    def _found(
        self, scope: Scope, subject: Any, rules: Sequence[Rule] | None = None
    ) -> Iterator[RuleFinding]:
        """What the written rules find.

        Args:
            rules: those of them that may find anything; all of the scope by default.
        """
        for rule in self._written[scope] if rules is None else rules:
            try:
                for found in rule.find(subject):
                    yield RuleFinding(rule, found)
            except _OTHERWISE as error:
                if isinstance(error, MslError) or not self._inherits(rule):
                    raise
                # A field or code that it asks for is called otherwise, or is something else.
                self._written[scope] = [one for one in self._written[scope] if one is not rule]
                self._concerning.clear()
                name = self._plain.draft.name
                self.unchecked.append(
                    f"{rule.id} is not checked: it was written for a base of {name}, which has "
                    f"otherwise what it looks at ({type(error).__name__}: {error})"
                )

    def _inherits(self, rule: Rule) -> bool:
        """Whether a rule of ours is put to a draft that somebody else made of one of ours."""
        others = [
            one for one in self._plain.draft.lineage if one.name not in PUBLIC and not one.dialect
        ]
        return bool(others) and all(rule.id != own.id for one in others for own in one.rules)


def _habit(dialect: Dialect, finding: RuleFinding) -> str:
    """Why files of a dialect's producers break a rule; empty where that is not known."""
    for pattern, reason in dialect.explains.items():
        text = finding.rule.id
        if ":" in pattern:
            text = f"{text}:{finding.found.field}"
        if fnmatchcase(text, pattern):
            return reason
    return ""


def _dialect_of(dump: Dump, index: int) -> str | None:
    if index >= len(dump.index):  # of a segment that does not verify
        return dump.dialect
    return dump.block(index).schema.draft.dialect


def _explained(
    finding: RuleFinding, name: str | None, *, by_layout: bool = False, structure: str = ""
) -> RuleFinding:
    """A finding with what its dialect has to say of it."""
    if name is None:
        return finding
    dialect = DIALECTS[name]
    reason = _habit(dialect, finding)
    if reason:
        return replace(finding, explained_by=dialect, explanation=reason)
    if by_layout:
        reason = dialect.differences.get(structure, dialect.text)
        return replace(finding, explained_by=dialect, explanation=reason)
    return finding


def _unchecked(block: Block, told: bool) -> Iterator[str]:
    """Why a payload, or part of it, was not judged.

    Args:
        told: whether a rule that counts has said that it does not inflate: that is no gap then,
            unless a limit kept us from looking.
    """
    gap = gap_of(block)
    if gap is not None:
        if not told or block.beyond_limit:
            yield gap.text
    elif not block.known_version and block.type is not None and block.type.layout is not None:
        version = block.header["payload_version"]
        yield f"{block.describe()}: not checked: PayloadVersion {version} is not known"


def gaps(dump: Dump) -> list[str]:
    """Why a file is not complete, a line each; none when it is.

    These are no findings: nothing in the file is wrong, something is missing, or is of a later
    version, or can't be looked at. What `Check.unchecked` has comes with it.
    """
    found = [dump.header.unknown_version] if dump.header.unknown_version else []
    if dump.locked:
        return found
    hashes = gap_of_hashes(dump.header)
    if hashes is not None:
        found.append(hashes.text)
    first = gap_of_link(dump, dump.block(0)) if len(dump.index) else None
    last = None if dump.end_of_capture is None else gap_of_file_hash(dump, dump.end_of_capture)
    found.extend(one.text for one in (first, last) if one is not None)
    if dump.end_of_capture is None:
        found.append("no End-of-Capture: the acquirer did not finish (§4.5)")
    if dump.trailing is not None:
        found.append(
            f"{dump.trailing.length} bytes from {dump.trailing.offset:#x} on are not part of the "
            f"dump: {dump.ending.text}"
        )
    return found
