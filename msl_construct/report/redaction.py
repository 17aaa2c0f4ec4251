"""What of a dump is not shown unless somebody asks for it: environments and command lines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from ..convert.provenance import without_memory, without_texts
from ..words import binary_size
from .secret_forms import secrets_by_form
from .secret_words import SecretWords, is_path, secrets_of_arguments, secrets_of_variable
from .word_search import LEAST, WordSearch

__all__ = ["COMMAND_LINE", "ENVIRONMENT", "KINDS", "REDACTED", "Redaction"]

ENVIRONMENT, COMMAND_LINE = "environment", "command-line"
KINDS = (ENVIRONMENT, COMMAND_LINE)
"""What may be asked for."""

REDACTED = "(redacted)"

_COLUMNS = {("process", "cmd_line"), ("processes", "cmd")}
"""Tables and columns that hold command lines."""
_NOTE = ("origin", "note")
"""Table and column that may hold bytes of pages that the source of an import had not whole."""
_FIELDS = ("cmd_line", "cmd")
"""Fields of blocks that do."""
_TELLING = re.compile(r"environ|cmd|command|arg", re.IGNORECASE)
_LONG = 120
_WORD = 8
"""The same of an argument."""
_QUOTED = 48
"""Characters that a sentence quotes of a long text."""
_MOST = 100_000
"""Texts that are looked for, and `_MOST_TEXT` characters of them all together."""
_MOST_TEXT = 4 << 20


class Redaction:
    """What is shown, and what is not.

    What was redacted is remembered, and is taken out of sentences that quote it.

    Args:
        show: `KINDS` that are shown.
    """

    def __init__(self, show: Iterable[str] = ()) -> None:
        self.shown = frozenset(show)
        self._secrets = _Texts()
        self._search: WordSearch[str] | None = None
        self._words = _Texts()

    def hides(self, kind: str) -> bool:
        """Whether something of this kind is not shown."""
        return kind not in self.shown

    @property
    def hidden(self) -> list[str]:
        """The kinds that are not shown."""
        return [kind for kind in KINDS if kind not in self.shown]

    @property
    def gap(self) -> str:
        """What of what is redacted is not looked for elsewhere; empty: all of it is."""
        if self._secrets.all_here and self._words.all_here:
            return ""
        return (
            f"redaction: of what is redacted {_MOST:,} texts at most, of {binary_size(_MOST_TEXT)} "
            "together, are looked for in names, paths and findings: others may stand there"
        )

    def command_line(self, text: str | None, *, arguments: bool = True) -> str | None:
        """A command line, or in its place how long it is; nothing where there is none.

        Args:
            arguments: whether its arguments are taken out of sentences, too. Those of the
                acquisition are none of the process's, and say what its report says: who, which
                case.
        """
        if not text or not self.hides(COMMAND_LINE):
            return text
        self.remember(text)
        self.remember(text[:_QUOTED])
        if arguments:
            self._look_for(secrets_of_arguments(text))
        for argument in re.split(r"[\s\0]+", text)[1:] if arguments else ():
            _, equals, value = argument.partition("=")
            self.remember(value if equals else argument, _WORD)
        return f"(redacted: {len(text)} characters)"

    def variable(self, value: str, name: str = "") -> str:
        """The value of a variable of the environment."""
        if not self.hides(ENVIRONMENT):
            return value
        self.remember(value)
        self._look_for(secrets_of_variable(name, value))
        return REDACTED

    def secret_words(self) -> SecretWords:
        """What of all that was redacted is to be seen nowhere else on the page, either."""
        return SecretWords(self._words)

    def look_at(self, texts: Iterable[str]) -> None:
        """Remember what of texts that are to be shown is a secret by its form; see `secret_forms`.

        Whoever asks for all that is redacted asks for these as well.
        """
        if self.hidden:
            for text in texts:
                self._look_for(secrets_by_form(text))

    def _look_for(self, words: Iterable[str]) -> None:
        for word in words:
            self._words.add(word)

    def remember(self, text: str, least: int = LEAST) -> None:
        """Take a text out of all sentences, unless it is a path or a word of few letters."""
        if len(text) >= least and not is_path(text) and self._secrets.add(text):
            self._search = None

    def note(self, text: str) -> str:
        """The note of an import; bytes of memory are never shown."""
        text = without_memory(text)
        return without_texts(text) if self.hidden else text

    def cell(self, table: str, column: str, row: dict[str, Any]) -> Any:
        """A value of a table's row."""
        value = row[column]
        if (table, column) in _COLUMNS:
            return self.command_line(value if isinstance(value, str) else _text(value))
        if (table, column) == _NOTE:
            text = value if isinstance(value, str) else _text(value)
            return value if text is None or self.note(text) == text else self.note(text)
        if column in ("value", "text", "raw") and "fact" in row and value is not None:
            return self._fact(str(row["fact"]), value)
        return value

    def field(self, path: str, value: Any = None) -> bool:
        """Whether the bytes of a block's field are not shown; bytes of memory never are."""
        text = value if isinstance(value, str) else _text(value)
        if text is not None and path.rpartition(".")[2] == _NOTE[1]:
            return self.note(text) != text
        return path.rpartition(".")[2] in _FIELDS and self.hides(COMMAND_LINE)

    def sentence(self, text: str) -> str:
        """A text of ours, which may quote what is redacted."""
        if self._search is None:
            self._search = WordSearch(self._secrets)
        return self._search.without(text, REDACTED)

    def _fact(self, fact: str, value: Any) -> Any:
        """What was found of the target or of the kernel; texts of any kind may hold anything."""
        if not self.hidden or isinstance(value, (int, float)):
            return value
        text = value if isinstance(value, str) else str(value)
        if _TELLING.search(fact) or len(text) > _LONG or "\n" in text or "=" in text:
            if _TELLING.search(fact):
                for line in text.split("\n"):
                    self.remember(line.partition("=")[2])
            return f"(redacted: {len(text)} characters)"
        return value


class _Texts:
    """Texts, each once, as many as there is room for.

    Attributes:
        all_here: whether there was room for every one.
    """

    def __init__(self) -> None:
        self.all_here = True
        self._texts: dict[str, None] = {}
        self._size = 0

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def add(self, text: str) -> bool:
        """Take one more; False: it was there, or there is no room for it."""
        if text in self._texts:
            return False
        if len(self._texts) >= _MOST or self._size + len(text) > _MOST_TEXT:
            self.all_here = False
            return False
        self._texts[text] = None
        self._size += len(text)
        return True


def _text(value: Any) -> str | None:
    """The text of a value of the document, of which the stored bytes may stand beside it."""
    return str(value["text"]) if isinstance(value, dict) and "text" in value else None
