"""The libraries that know YARA's rules: YARA-X, or YARA where only that is there.

This file is also loaded by the processes that scan; it imports nothing of the package.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, Protocol

__all__ = ["CompiledRules", "Engine", "Match", "RuleMistakeError", "ScanStoppedError"]
__all__ += ["has_scanned"]
__all__ += ["MOST_MATCHES", "yara_engine"]

Match = tuple[str, str, str, int, int]
"""Namespace, rule, pattern, offset, length; of a rule that needs no pattern ``""``, 0, 0."""

MOST_MATCHES = 10_000
"""Of one pattern in one buffer."""


class RuleMistakeError(Exception):
    """Rules that can't be compiled."""


class ScanStoppedError(Exception):
    """A scan that took too long, or that the library gave up."""


class CompiledRules(Protocol):
    """Rules, ready to be asked."""

    def scan(self, data: bytes, values: Mapping[str, str], seconds: int) -> list[Match]:
        """What matches in a buffer.

        Raises:
            ScanStoppedError: it took too long.
        """

    def stored(self) -> bytes:
        """As `Engine.load` takes them."""


class Engine(Protocol):
    """A library."""

    name: str

    def compile(
        self, sources: Sequence[tuple[str, str]], externals: Mapping[str, str | int | bool]
    ) -> CompiledRules:
        """Rules of texts, each with its namespace.

        Raises:
            RuleMistakeError: they have a mistake.
        """

    def load(self, stored: bytes) -> CompiledRules:
        """Rules that were compiled elsewhere."""


_scanned: list[bool] = []


def has_scanned() -> bool:
    """Whether this process has: the library then has a thread that a copy would lack."""
    return bool(_scanned)


def yara_engine(name: str | None = None) -> Engine | None:
    """The library that is there; None: none is.

    Args:
        name: ``yara_x`` or ``yara``; None: the first of them.
    """
    for engine in (_YaraX, _Yara):
        if name in (None, engine.name):
            try:
                return engine(import_module(engine.name))
            except ImportError:
                continue
    return None


class _YaraX:
    name = "yara_x"

    def __init__(self, library: Any) -> None:
        self._library = library

    def compile(
        self, sources: Sequence[tuple[str, str]], externals: Mapping[str, str | int | bool]
    ) -> CompiledRules:
        compiler = self._library.Compiler()
        compiler.enable_includes(False)  # they stand in the text
        for key, value in externals.items():
            compiler.define_global(key, value)
        try:
            for namespace, text in sources:
                compiler.new_namespace(namespace)
                compiler.add_source(text, origin=namespace)
            return _YaraXRules(self._library, compiler.build())
        except self._library.CompileError as error:
            raise RuleMistakeError(str(error)) from None

    def load(self, stored: bytes) -> CompiledRules:
        return _YaraXRules(self._library, self._library.Rules.deserialize_from(io.BytesIO(stored)))


class _YaraXRules:
    def __init__(self, library: Any, rules: Any) -> None:
        self._library = library
        self._rules = rules
        self._scanner: Any = None  # belongs to the thread that makes it

    def scan(self, data: bytes, values: Mapping[str, str], seconds: int) -> list[Match]:
        if self._scanner is None:
            self._scanner = self._library.Scanner(self._rules)
            self._scanner.max_matches_per_pattern(MOST_MATCHES)
            _scanned.append(True)
        for key, value in values.items():
            self._scanner.set_global(key, value)
        self._scanner.set_timeout(seconds)
        try:
            result = self._scanner.scan(data)
        except self._library.TimeoutError:
            raise ScanStoppedError(f"took longer than {seconds} s") from None
        except self._library.ScanError as error:
            raise ScanStoppedError(str(error)) from None
        found: list[Match] = []
        for rule in result.matching_rules:
            before = len(found)
            found += (
                (rule.namespace, rule.identifier, pattern.identifier, match.offset, match.length)
                for pattern in rule.patterns
                for match in pattern.matches
            )
            if len(found) == before:
                found.append((rule.namespace, rule.identifier, "", 0, 0))
        return found

    def stored(self) -> bytes:
        held = io.BytesIO()
        self._rules.serialize_into(held)
        return held.getvalue()


class _Yara:
    name = "yara"

    def __init__(self, library: Any) -> None:
        self._library = library
        library.set_config(max_match_data=0)

    def compile(
        self, sources: Sequence[tuple[str, str]], externals: Mapping[str, str | int | bool]
    ) -> CompiledRules:
        try:
            rules = self._library.compile(
                sources=dict(sources), externals=dict(externals), includes=False
            )
        except self._library.Error as error:
            raise RuleMistakeError(str(error)) from None
        return _YaraRules(self._library, rules)

    def load(self, stored: bytes) -> CompiledRules:
        return _YaraRules(self._library, self._library.load(file=io.BytesIO(stored)))


class _YaraRules:
    def __init__(self, library: Any, rules: Any) -> None:
        self._library = library
        self._rules = rules

    def scan(self, data: bytes, values: Mapping[str, str], seconds: int) -> list[Match]:
        try:
            matched = self._rules.match(data=data, externals=dict(values), timeout=seconds)
        except self._library.TimeoutError:
            raise ScanStoppedError(f"took longer than {seconds} s") from None
        except self._library.Error as error:
            raise ScanStoppedError(str(error)) from None
        found: list[Match] = []
        for rule in matched:
            before = len(found)
            for pattern in rule.strings:
                for match in pattern.instances[:MOST_MATCHES]:
                    length = match.matched_length
                    found.append(
                        (rule.namespace, rule.rule, pattern.identifier, match.offset, length)
                    )
            if len(found) == before:
                found.append((rule.namespace, rule.rule, "", 0, 0))
        return found

    def stored(self) -> bytes:
        held = io.BytesIO()
        self._rules.save(file=held)
        return held.getvalue()
