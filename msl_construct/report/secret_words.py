"""Secrets of command lines and environments, wherever else on a page the same words stand.

A password that was an argument may be the name of a thread, or part of a path. Only what is likely
to be a secret is looked for there: of every argument, half of the names would be gone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from .model import (
    Acquisition,
    CheckedRules,
    DumpComparison,
    DumpReport,
    ShownBlock,
    ShownField,
    TableRows,
)

__all__ = ["SecretWords", "secrets_of_arguments", "secrets_of_variable"]

_TELLING = re.compile(r"pass|pwd|secret|token|key|cred|auth|session|cookie", re.IGNORECASE)
_KIND_OF_SESSION = re.compile(r"XDG_SESSION_(?!COOKIE)\w+|DESKTOP_SESSION|GDMSESSION")
"""Variables whose values (``wayland``, ``ubuntu``) are in the names of every desktop's files."""
_USERINFO = re.compile(r"://[^/\s@:]*:([^/\s@]+)@")
_OF_JSON = re.compile(
    rf'"[^"]{{0,64}}(?:{_TELLING.pattern})[^"]{{0,64}}"\s?:\s?"([^"]+)"', re.IGNORECASE
)
_USER_AND = re.compile(r"[^:%/\s]+[:%](.+)")
_OF_A_USER = ("-u", "-U", "--user", "--proxy-user")
_BEFORE_A_TOKEN = ("bearer", "basic")
_OPTION = re.compile(r"-[^=]+")
_SHORT = re.compile(r"-p(.{4,})")
_LEAST = 6
_REDACTED = "(redacted)"
_APART = "bytes"
"""What is redacted of a block where no field is shown."""

T = TypeVar("T", Acquisition, DumpReport)


def secrets_of_arguments(text: str) -> Iterable[str]:
    """What of a command line is likely to be a secret."""
    return dict.fromkeys(_of_arguments(text))


def _of_arguments(text: str) -> Iterator[str]:
    words = re.split(r"[\s\0]+", text)[1:]
    for before, word in zip(["", *words], words):
        name, equals, value = word.partition("=")
        if equals and _TELLING.search(name):
            yield value
        elif before == "-p" or (_OPTION.fullmatch(before) and _TELLING.search(before)):
            yield word
        elif before.lower() in _BEFORE_A_TOKEN:
            yield word.rstrip("\"'")
        elif before in _OF_A_USER and (pair := _USER_AND.fullmatch(word)) is not None:
            yield pair[1]
        found = _SHORT.fullmatch(word)
        if found is not None:
            yield found[1]
    yield from _inside(text)


def secrets_of_variable(name: str, value: str) -> Iterable[str]:
    """What of a variable of the environment is likely to be one."""
    return dict.fromkeys(_of_variable(name, value))


def _of_variable(name: str, value: str) -> Iterator[str]:
    if _TELLING.search(name) and not _KIND_OF_SESSION.fullmatch(name):
        yield value
    yield from _inside(value)


def _inside(text: str) -> Iterator[str]:
    """What a text says of itself to be one."""
    for part in re.split(r"[\s\0;&?,\"']+", text):
        name, equals, value = part.partition("=")
        if equals and _TELLING.search(name):
            yield value
    for form in (_USERINFO, _OF_JSON):
        yield from form.findall(text)


def _bounded(form: str, word: str) -> str:
    """An expression for a word, which of one of letters alone finds no part of a longer one."""
    if not word.isalpha():
        return form
    return rf"{form}(?![0-9A-Za-z])(?<![0-9A-Za-z]{form})"  # begins with what is quickly found


class SecretWords:
    """Takes words out of everything that is shown of a dump.

    Words of letters alone are left in longer ones: they may be any, and ``thread`` is no secret
    in the name of a library of threads. Words are also taken out where they are written in hex.

    Args:
        words: those that are to be seen nowhere; paths and short ones are left in.
    """

    def __init__(self, words: Iterable[str]) -> None:
        some = {one for one in words if len(one) >= _LEAST and not one.startswith("/")}
        longest = sorted(some, key=len, reverse=True)
        self._pattern: re.Pattern[str] | None = None
        self._stored: re.Pattern[bytes] | None = None
        """The same in bytes of blocks."""
        if longest:
            stored = [one.encode("utf-8", "surrogatepass") for one in longest]
            forms = [_bounded(re.escape(one), one) for one in longest]
            forms += [one.hex() for one in stored]
            self._pattern = re.compile("|".join(forms))
            self._stored = re.compile(
                b"|".join(
                    _bounded(re.escape(raw.decode("latin-1")), one).encode("latin-1")
                    for raw, one in zip(stored, longest)
                )
            )

    def without(self, found: DumpReport) -> DumpReport:
        """A report that has none of them; itself where there are none."""
        if self._pattern is None:
            return found
        memory = replace(found.memory, texts=self._plain(found.memory.texts))
        own = self._parts(found)
        acquisition = found.acquisition and replace(
            self._parts(found.acquisition), detail=self._plain(found.acquisition.detail)
        )
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
            format=self._plain(found.format),
            checked=found.checked and self._rules(found.checked),
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

    def _rules(self, found: CheckedRules) -> CheckedRules:
        broken = [replace(one, places=self._plain(one.places)) for one in found.broken]
        return replace(found, broken=broken, gaps=self._plain(found.gaps))

    def _block(self, block: ShownBlock) -> ShownBlock:
        """A block without the bytes of fields that hold one of them, and without themselves where
        no field is shown."""
        assert self._pattern is not None
        assert self._stored is not None
        fields: list[ShownField] = []
        data = bytearray(block.data)
        for one in block.fields:
            raw = block.data[one.start : one.start + one.length]
            if self._pattern.search(one.text) or self._stored.search(raw):
                data[one.start : one.start + one.length] = bytes(one.length)
                one = replace(one, text="", redacted=True)
            fields.append(one)
        for match in self._stored.finditer(bytes(data)):
            start, length = match.start(), len(match[0])
            data[start : start + length] = bytes(length)
            fields.append(ShownField(_APART, start, length, "", redacted=True))
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
