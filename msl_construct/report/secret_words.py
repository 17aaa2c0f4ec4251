"""Secrets of command lines and environments, wherever else on a page the same words stand.

A password that was an argument may be the name of a thread, or part of a path. Only what is likely
to be a secret is looked for there: of every argument, half of the names would be gone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from .model import Acquisition, DumpComparison, DumpReport, ShownBlock, ShownField, TableRows

__all__ = ["SecretWords", "secrets_of_arguments", "secrets_of_variable"]

_TELLING = re.compile(r"pass|pwd|secret|token|key|cred|auth|session|cookie", re.IGNORECASE)
_USERINFO = re.compile(r"://[^/\s@:]*:([^/\s@]+)@")
_OPTION = re.compile(r"-[^=]+")
_SHORT = re.compile(r"-p(.{4,})")
_LEAST = 6
_REDACTED = "(redacted)"

T = TypeVar("T", Acquisition, DumpReport)


def secrets_of_arguments(text: str) -> Iterator[str]:
    """What of a command line is likely to be a secret."""
    words = re.split(r"[\s\0]+", text)[1:]
    for before, word in zip(["", *words], words):
        name, equals, value = word.partition("=")
        if equals and _TELLING.search(name):
            yield value
        elif before == "-p" or (_OPTION.fullmatch(before) and _TELLING.search(before)):
            yield word
        found = _SHORT.fullmatch(word)
        if found is not None:
            yield found[1]
        yield from _USERINFO.findall(word)


def secrets_of_variable(name: str, value: str) -> Iterator[str]:
    """What of a variable of the environment is likely to be one."""
    if _TELLING.search(name):
        yield value
    yield from _USERINFO.findall(value)


class SecretWords:
    """Takes words out of everything that is shown of a dump.

    Args:
        words: those that are to be seen nowhere; paths and short ones are left in.
    """

    def __init__(self, words: Iterable[str]) -> None:
        some = {one for one in words if len(one) >= _LEAST and not one.startswith("/")}
        longest = sorted(some, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest))) if longest else None

    def without(self, found: DumpReport) -> DumpReport:
        """A report that has none of them; itself where there are none."""
        if self._pattern is None:
            return found
        memory = replace(found.memory, texts=self._plain(found.memory.texts))
        own = self._parts(found)
        acquisition = found.acquisition and self._parts(found.acquisition)
        return replace(
            own,
            name=self._plain(found.name),
            memory=memory,
            acquisition=acquisition,
            answers=[
                replace(one, text=self._plain(one.text), more=self._plain(one.more))
                for one in found.answers
            ],
            blocks=[self._block(one) for one in found.blocks],
            gaps=self._plain(found.gaps),
        )

    def without_in(self, found: DumpComparison) -> DumpComparison:
        """The same of a comparison."""
        if self._pattern is None:
            return found
        return replace(
            found,
            changes=self._plain(found.changes),
            rows=self._plain(found.rows),
            gaps=self._plain(found.gaps),
        )

    def _parts(self, found: T) -> T:
        """What a dump and the report of its acquisition both have."""
        return replace(
            found,
            facts=[replace(one, text=self._plain(one.text)) for one in found.facts],
            tables=[self._table(one) for one in found.tables],
            environment=self._plain(found.environment),
            suspicions=[replace(one, places=self._plain(one.places)) for one in found.suspicions],
        )

    def _table(self, table: TableRows) -> TableRows:
        return replace(table, rows=self._plain(table.rows))

    def _block(self, block: ShownBlock) -> ShownBlock:
        """A block without the bytes of fields that hold one of them."""
        assert self._pattern is not None
        fields: list[ShownField] = []
        data = bytearray(block.data)
        for one in block.fields:
            raw = block.data[one.start : one.start + one.length].decode("latin-1")
            if self._pattern.search(one.text) or self._pattern.search(raw):
                data[one.start : one.start + one.length] = bytes(one.length)
                one = replace(one, text="", redacted=True)
            fields.append(one)
        return replace(block, data=bytes(data), fields=tuple(fields))

    def _plain(self, value: Any) -> Any:
        """Texts, and lists, tuples and mappings of them, as deep as rows of tables are."""
        assert self._pattern is not None
        if isinstance(value, str):
            return self._pattern.sub(_REDACTED, value) if self._pattern.search(value) else value
        if isinstance(value, Mapping):
            return {key: self._plain(one) for key, one in value.items()}
        if isinstance(value, (list, tuple)):
            return type(value)(self._plain(one) for one in value)
        return value
