"""Asking rules of buffers, and what they could not be asked."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from threading import Lock

from ...errors import DamageError, LimitError, MslError, PatternError
from ...reader.dump import Dump
from ..hits import Hit, Searched, first_unreadable, hit_at
from ..locations import Locations
from .buffers import ScannedBuffer
from .crew import Crew
from .engines import (
    MOST_MATCHES,
    CompiledRules,
    Engine,
    Match,
    RuleMistakeError,
    ScanStoppedError,
)
from .rule_texts import RuleText, asked_attributes, closure
from .worker import Asked, Scanner

__all__ = ["Asking", "RuleGap", "RuleScan", "Settings"]

_TOGETHER = 4 << 20
"""Bytes of small buffers that are handed over at a time."""
_STRIKES = 3
"""How often a rule may take too long before it is asked no more."""
_NOT_WHOLE = "this image is not captured as a whole: its rules saw a part"
_HEADS = 1 << 16
"""Hits in images that are remembered, so as not to be told twice."""


@dataclass(frozen=True)
class RuleGap:
    """Something that rules were not asked of, or not as a whole.

    Attributes:
        address, length: of what.
        why: the reason, for people.
        rule: which one; None: all that are asked of such things.
    """

    address: int
    length: int
    why: str
    rule: str | None = None


@dataclass
class RuleScan(Searched):
    """What was asked; complete when the scan has ended.

    Attributes:
        gaps: what was not.
    """

    gaps: list[RuleGap] = field(default_factory=list)


@dataclass(frozen=True)
class Settings:
    """How rules are asked; see `scan_rules`."""

    engine: Engine
    externals: Mapping[str, str | int | bool]
    seconds: int
    fill: int | None


class RuleSet:
    """Rules that are asked of one kind of buffers."""

    def __init__(self, number: int, rules: list[RuleText], compiled: CompiledRules) -> None:
        self.number = number
        self.rules = rules
        self.names = {(rule.namespace, rule.name) for rule in rules}
        self.compiled = compiled


class Asking:
    """Rules, and a dump that they are asked of; see `scan_rules`."""

    def __init__(
        self,
        dump: Dump,
        places: Locations,
        rules: Sequence[RuleText],
        settings: Settings,
        told: RuleScan,
    ) -> None:
        self._dump, self._places, self._rules = dump, places, rules
        self._settings, self._told = settings, told
        self._lock = Lock()
        self._strikes: dict[tuple[str, str], int] = {}
        self._taught: dict[int, set[int]] = {}
        self._numbers = 0
        self._attributes = asked_attributes(rules)
        self._parts: dict[tuple[tuple[str, str], ...], RuleSet] = {}
        self._sets: dict[str, RuleSet] = {}
        wanted = {
            "island": [one for one in rules if not one.of_image and not one.of_region],
            "region": [one for one in rules if one.of_region and not one.of_image],
            "image": [one for one in rules if one.of_image or (one.of_file and not one.of_region)],
        }
        for kind, some in wanted.items():
            if some:
                self._sets[kind] = self._compiled(some)

    @property
    def compiled(self) -> dict[int, CompiledRules]:
        """All rules, by the numbers of their sets."""
        return {one.number: one.compiled for one in self._sets.values()}

    @property
    def kinds(self) -> frozenset[str]:
        return frozenset(self._sets) or frozenset(("island",))

    def _compiled(self, rules: list[RuleText]) -> RuleSet:
        externals = {**dict.fromkeys(self._attributes, ""), **self._settings.externals}
        try:
            compiled = self._settings.engine.compile(closure(rules, self._rules), externals)
        except RuleMistakeError as error:
            raise PatternError(str(error)) from None
        self._numbers += 1
        return RuleSet(self._numbers, rules, compiled)

    # -- the way through memory --------------------------------------------------------

    def hits(self, found: Iterator[ScannedBuffer], crew: Crew) -> Iterator[Hit]:
        """All of them, in the order of the buffers."""
        seen: dict[tuple[int, int, str, str], int] = {}
        for buffer, matches in self._answers(found, crew):
            if seen and buffer.kind != "image" and max(seen.values()) <= buffer.start:
                seen.clear()
            for hit, name in self._hits_of(buffer, matches):
                key = (hit.address, hit.length, name, hit.pattern)
                if key in seen:
                    continue
                if buffer.kind == "image" and len(seen) < _HEADS:
                    seen[key] = buffer.end
                self._told.hits += 1
                yield hit

    def _answers(
        self, found: Iterator[ScannedBuffer], crew: Crew
    ) -> Iterator[tuple[ScannedBuffer, list[Match]]]:
        if crew.threads is None:
            for batch in self._batches(found):
                yield from self._ask(batch, crew)
            return
        waiting: deque[Future[list[tuple[ScannedBuffer, list[Match]]]]] = deque()
        for batch in self._batches(found):
            waiting.append(crew.threads.submit(self._ask, batch, crew))
            if len(waiting) > len(crew.workers):
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()

    def _batches(self, found: Iterator[ScannedBuffer]) -> Iterator[list[ScannedBuffer]]:
        batch: list[ScannedBuffer] = []
        size = 0
        while True:
            with self._lock:  # its states are read while others read bytes
                buffer = next(found, None)
            if buffer is None:
                break
            if batch and size + buffer.end - buffer.start > _TOGETHER:
                yield batch
                batch, size = [], 0
            batch.append(buffer)
            size += buffer.end - buffer.start
        if batch:
            yield batch

    def _ask(
        self, batch: list[ScannedBuffer], crew: Crew
    ) -> list[tuple[ScannedBuffer, list[Match]]]:
        scanner = crew.free.get()
        try:
            found = []
            for whole in batch:
                if scanner.reads and (rules := self._sets.get(whole.kind)) is not None:
                    try:
                        place = whole.start, whole.end
                        matches = (
                            self._scan(scanner, rules, whole, place) if place[1] > place[0] else []
                        )
                        if not whole.whole:
                            self._gap(whole, _NOT_WHOLE)
                        found.append((whole, matches))
                        continue
                    except LookupError:
                        pass  # something of it can't be had: what, is found out here
                for buffer, data in self._read(whole):
                    rules = self._sets.get(buffer.kind)
                    if rules is not None and len(data):
                        found.append((buffer, self._scan(scanner, rules, buffer, data)))
            return found
        finally:
            crew.free.put(scanner)

    # -- bytes -------------------------------------------------------------------------

    def _read(self, buffer: ScannedBuffer) -> Iterator[tuple[ScannedBuffer, bytes | memoryview]]:
        """Its bytes; of one that can't be read, those around what can't."""
        start = buffer.start
        if buffer.kind == "image" and (not buffer.whole or buffer.end == start):
            self._gap(buffer, _NOT_WHOLE)
        while start < buffer.end:
            stop, behind, why = buffer.end, buffer.end, ""
            with self._lock:
                try:
                    data = self.bytes_at(start, stop)
                except (DamageError, LimitError):
                    memory = self._dump.memory
                    stop, behind, why = first_unreadable(memory, self._places, start, buffer.end)
                    data = self._in_front(start, stop)
            yield replace(buffer, start=start, end=stop, stop=min(stop, buffer.stop)), data
            if why and buffer.kind == "image":
                self._gap(buffer, f"this image could not be read: {why}")
                return
            if why and buffer.kind == ("island" if "island" in self._sets else "region"):
                self._told.failed.append(
                    f"{behind - stop} bytes at {stop:#x} were not searched: {why}"
                )
                self._told.coverage.captured -= behind - stop
            start = behind

    def _in_front(self, start: int, end: int) -> bytes | memoryview:
        """What stands in front of what can't be read."""
        try:
            return self.bytes_at(start, end)
        except (DamageError, LimitError):
            return b""

    def bytes_at(self, start: int, end: int) -> bytes | memoryview:
        """Bytes of a range, with what is filled in."""
        memory = self._dump.memory.read(start, end - start)
        if self._settings.fill is not None and not memory.complete:
            return memory.filled(self._settings.fill)
        return memory.data

    # -- rules -------------------------------------------------------------------------

    def _scan(
        self, scanner: Scanner, rules: RuleSet, buffer: ScannedBuffer, data: Asked
    ) -> list[Match]:
        try:
            return self._ask_one(scanner, rules, buffer, data)
        except ScanStoppedError as error:
            if len(rules.rules) == 1:
                self._strike(rules.rules[0], buffer, str(error))
                return []
        # One of them: which, is found by halves.
        middle = len(rules.rules) // 2
        return [
            match
            for some in (rules.rules[:middle], rules.rules[middle:])
            for match in self._scan(scanner, self._part(some), buffer, data)
        ]

    def _ask_one(
        self, scanner: Scanner, rules: RuleSet, buffer: ScannedBuffer, data: Asked
    ) -> list[Match]:
        taught = self._taught.setdefault(id(scanner), set())
        if rules.number not in taught:
            scanner.learn(rules.number, rules.compiled)
            taught.add(rules.number)
        values = {key: value for key, value in buffer.values if key in self._attributes}
        found = scanner.scan(rules.number, data, values, self._settings.seconds)
        return [match for match in found if match[:2] in rules.names]

    def _part(self, rules: list[RuleText]) -> RuleSet:
        key = tuple((rule.namespace, rule.name) for rule in rules)
        with self._lock:
            if key not in self._parts:
                self._parts[key] = self._compiled(rules)
            return self._parts[key]

    def _strike(self, rule: RuleText, buffer: ScannedBuffer, why: str) -> None:
        """A rule was stopped: it is asked no more if that is not the first time."""
        key = rule.namespace, rule.name
        with self._lock:
            strikes = self._strikes[key] = self._strikes.get(key, 0) + 1
            if strikes == _STRIKES:
                why += f", {_STRIKES} times: it is asked no more"
                for kind, held in list(self._sets.items()):
                    left = [one for one in held.rules if (one.namespace, one.name) != key]
                    if not left:
                        del self._sets[kind]
                    elif len(left) != len(held.rules):
                        self._sets[kind] = self._compiled(left)
        self._gap(buffer, why, rule.name)

    def _gap(self, buffer: ScannedBuffer, why: str, rule: str | None = None) -> None:
        self._told.gaps.append(RuleGap(buffer.start, buffer.end - buffer.start, why, rule))

    # -- hits --------------------------------------------------------------------------

    def _hits_of(self, buffer: ScannedBuffer, matches: list[Match]) -> Iterator[tuple[Hit, str]]:
        counts: dict[tuple[str, str, str], int] = {}
        found = []
        for namespace, rule, pattern, offset, length in matches:
            key = namespace, rule, pattern
            counts[key] = counts.get(key, 0) + 1
            if counts[key] == MOST_MATCHES:
                self._gap(buffer, f"{pattern} matches {MOST_MATCHES} times or more here", rule)
            if buffer.start + offset < buffer.stop or not pattern:
                found.append((buffer.start + offset, length, rule, pattern, namespace))
        if buffer.windowed:
            self._say_windows(buffer)
        for address, length, rule, pattern, namespace in sorted(found):
            island = buffer.start, buffer.end
            try:
                with self._lock:
                    hit = hit_at(
                        self._dump.memory, self._places, island, address, length, "yara", pattern
                    )
            except MslError:
                self._gap(buffer, "a match holds bytes that are not known, and is not told", rule)
                continue
            yield replace(hit, rule=rule, text=_readable(hit.data)), f"{namespace}:{rule}"

    def _say_windows(self, buffer: ScannedBuffer) -> None:
        rules = self._sets.get(buffer.kind)
        several = 0 if rules is None else sum(not rule.one_place for rule in rules.rules)
        if several:
            self._gap(
                buffer,
                f"a part of more memory than is asked as a whole: {several} rules that depend on "
                "more than one match saw it on its own",
            )


def _readable(data: bytes) -> str | None:
    """Bytes as text, of one byte a character or of two, where that is what they are."""
    if len(data) > 2 and not any(data[1::2]) and len(data) % 2 == 0:
        data = data[::2]
    if data and data.isascii() and data.decode("ascii").isprintable():
        return data.decode("ascii")
    return None
