"""Secrets of command lines and environments, wherever else on a page the same words stand.

A password that was an argument may be the name of a thread, or part of a path. Only what is likely
to be a secret is looked for there: of every argument, half of the names would be gone.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeVar
from urllib.parse import quote, unquote

from .model import (
    Acquisition,
    Answer,
    BrokenRule,
    CheckedRules,
    DumpComparison,
    DumpReport,
    Fact,
    MemoryColumns,
    ShownBlock,
    ShownField,
    Suspicion,
    TableRows,
)
from .secret_forms import secrets_by_form
from .word_search import LEAST, WordSearch

__all__ = [
    "SecretWords",
    "is_path",
    "secrets_of_arguments",
    "secrets_of_variable",
    "texts_of",
]

_TELLING = re.compile(r"pass|pwd|secret|token|key|cred|auth|session|cookie", re.IGNORECASE)
_KIND_OF_SESSION = re.compile(r"XDG_SESSION_(?!COOKIE)\w+|DESKTOP_SESSION|GDMSESSION")
"""Variables whose values (``wayland``, ``ubuntu``) are in the names of every desktop's files."""
_USERINFO = re.compile(r"://[^/\s@:]*:([^/\s]+)@")
_TOKEN_OF_A_USER = re.compile(r"://(?=[^/\s@:]*\d)([^/\s@:]{12,})(?::[^/\s]*)?@")
"""In front of the ``@`` of an address: longer than names are, and with a digit."""
_OF_JSON = re.compile(
    rf"""(["'])[^"']{{0,64}}(?:{_TELLING.pattern})[^"']{{0,64}}\1\s?:\s?(["'])(?P<it>.{{1,4096}}?)\2""",
    re.IGNORECASE,
)
_IN_QUOTES = re.compile(
    rf"""(?:{_TELLING.pattern})[\w-]{{0,64}}\s?[=:]\s?(["'])(?P<it>.{{1,4096}}?)\1""", re.IGNORECASE
)
_HEADER = re.compile(r"""["']?([\w-]{1,64}):""")
_NAMED = re.compile(r"([\w-]{1,64}):(?!//)(.+)")
_OPTIONS_OF = (
    ("redis-cli", "-a"),
    ("ldap", "-w"),
    ("mosquitto_", "-P"),
    ("zip", "-P"),
    ("unzip", "-P"),
)
"""What programs begin with, and their option for a password that does not say so itself."""
_USER_AND = re.compile(r"[^:%/\s]+[:%](.+)")
_OF_A_USER = ("-u", "-U", "--user", "--proxy-user")
_BEFORE_A_TOKEN = ("bearer", "basic")
_OPTION = re.compile(r"-[^=]+")
_SLASH_AND_MORE = re.compile(r"/[^/.\s]{7,}|/(?=.*[+=])[A-Za-z0-9+/]{15,}={0,2}")
_SHORT = re.compile(r"-p(.{4,})")
_REDACTED = "(redacted)"
_APART = "bytes"
"""What is redacted of a block where no field is shown."""

_SHOWN = (
    *(Acquisition, BrokenRule, CheckedRules, DumpComparison, DumpReport, Fact, MemoryColumns),
    *(Answer, ShownBlock, ShownField, Suspicion, TableRows),
)

T = TypeVar("T", Acquisition, DumpReport)


def secrets_of_arguments(text: str) -> Iterable[str]:
    """What of a command line is likely to be a secret."""
    return dict.fromkeys(_of_arguments(text))


def _of_arguments(text: str) -> Iterator[str]:
    program, *words = re.split(r"[\s\0]+", text)
    options = [one for name, one in _OPTIONS_OF if program.rpartition("/")[2].startswith(name)]
    for before, word in zip(["", *words], words):
        name, equals, value = word.partition("=")
        if equals and _TELLING.search(name):
            yield value
        elif (
            before == "-p"
            or before in options
            or (_OPTION.fullmatch(before) and _TELLING.search(before))
        ):
            yield word
        elif before.lower() in _BEFORE_A_TOKEN:
            yield word.rstrip("\"'")
        elif (header := _HEADER.fullmatch(before)) is not None and _TELLING.search(header[1]):
            if word.lower() not in _BEFORE_A_TOKEN:
                yield word.strip("\"'")
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
        named = _NAMED.fullmatch(part)
        if named is not None and _TELLING.search(named[1]):
            yield named[2]
    for secret in _USERINFO.findall(text):
        yield secret
        first, at, _ = secret.partition("@")  # it has one itself, or what is behind it has
        if at and len(first) >= LEAST:
            yield first
    yield from _TOKEN_OF_A_USER.findall(text)
    for form in (_OF_JSON, _IN_QUOTES):
        yield from (found["it"] for found in form.finditer(text))
    yield from secrets_by_form(text)


def is_path(text: str) -> bool:
    """Whether a text is more likely to be a path than a secret, of which one in 64 of those in
    base64 begins with a slash as well."""
    return text.startswith("/") and not _SLASH_AND_MORE.fullmatch(text)


def _written(word: str) -> Iterator[str]:
    """How a secret may be written elsewhere, besides as it is."""
    raw = word.encode("utf-8", "surrogatepass")
    yield raw.hex()
    yield base64.b64encode(raw).decode()
    if "%" in word:
        yield unquote(word)
    if not word.isalnum():
        yield quote(raw, safe="")


def texts_of(value: Any) -> Iterator[str]:
    """Every text of what is shown: of a report, a comparison, or whatever they are made of.

    Bytes of blocks are texts of as many characters.
    """
    if isinstance(value, str):
        yield value
    elif isinstance(value, bytes):
        yield value.decode("latin-1")
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from texts_of(one)
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from texts_of(one)
    elif isinstance(value, _SHOWN):
        for name in vars(value):
            yield from texts_of(getattr(value, name))


class SecretWords:
    """Takes words out of everything that is shown of a dump.

    Words of letters alone are left in longer ones: they may be any, and ``thread`` is no secret
    in the name of a library of threads. Words are also taken out where they are written in hex,
    base64 or with ``%``.

    Args:
        words: those that are to be seen nowhere; paths and short ones are left in.
    """

    def __init__(self, words: Iterable[str]) -> None:
        stored = {
            one: one.encode("utf-8", "surrogatepass")
            for one in words
            if len(one) >= LEAST and not is_path(one)
        }
        letters = [one for one in stored if one.isalpha()]
        others = [one for one in stored if not one.isalpha()]
        forms = (form for one in stored for form in _written(one))
        self._texts = WordSearch([*others, *forms], letters)
        self._stored = WordSearch((stored[one] for one in others), (stored[one] for one in letters))
        """The same in bytes of blocks."""

    def without(self, found: DumpReport) -> DumpReport:
        """A report that has none of them; itself where there are none."""
        if not self._texts:
            return found
        memory = replace(found.memory, texts=self._plain(found.memory.texts))
        own = self._parts(found)
        told = found.acquisition
        acquisition = told and replace(
            self._parts(told),
            detail=self._plain(told.detail),
            causes=self._plain(told.causes),
            why=self._plain(told.why),
            parents=self._plain(told.parents),
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
        if not self._texts:
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
        fields: list[ShownField] = []
        data = bytearray(block.data)
        for one in block.fields:
            raw = block.data[one.start : one.start + one.length]
            if self._texts.found_in(one.text) or self._stored.found_in(raw):
                data[one.start : one.start + one.length] = bytes(one.length)
                one = replace(one, text="", redacted=True)
            fields.append(one)
        for start, end in self._stored.spans(bytes(data)):
            data[start:end] = bytes(end - start)
            fields.append(ShownField(_APART, start, end - start, "", redacted=True))
        return replace(block, data=bytes(data), fields=tuple(fields))

    def _plain(self, value: Any) -> Any:
        """Texts, and lists, tuples and mappings of them, as deep as rows of tables are."""
        if isinstance(value, str):
            return self._texts.without(value, _REDACTED)
        if isinstance(value, Mapping):
            return {key: self._plain(one) for key, one in value.items()}
        if isinstance(value, (list, tuple)):
            return type(value)(self._plain(one) for one in value)
        return value
