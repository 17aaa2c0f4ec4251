"""Drafts of one's own: loading the Python file that declares one, and saying what is wrong in it.

The file is run like a program. It is not looked for anywhere else than where it is named, and
nothing is written beside it.
"""

from __future__ import annotations

import ast
import os
import re
import sys
from collections.abc import Callable, Iterator
from functools import cache
from types import FunctionType, ModuleType, TracebackType
from typing import TYPE_CHECKING, NamedTuple

from ..errors import DraftError, MslError
from .registry import DRAFTS, register

if TYPE_CHECKING:
    from ..schema import Draft

__all__ = [
    "SourceLine",
    "blamed",
    "is_authored",
    "is_loaded",
    "is_said",
    "line_of",
    "load",
    "origins",
    "place_of",
    "renaming",
    "responsible",
    "said",
]

_SUFFIX = ".py"
_OURS = ("msl_construct.", "msl_acquire.")
_OF_ARGUMENTS = (MslError, ValueError, TypeError, KeyError)


class SourceLine(NamedTuple):
    """A line of an author's file."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


_files: dict[str, str] = {}
"""The files that were run, by what their code calls them, as their users named them."""

_origins: dict[str, tuple[str, str]] = {}
"""By the names of the drafts that were loaded: file and name in it."""


def is_authored(text: str) -> bool:
    """Whether a text is no draft's name but a file's: ``FILE.py:NAME`` or ``FILE.py``."""
    return text.rpartition(":")[0].endswith(_SUFFIX) or text.endswith(_SUFFIX)


def load(text: str) -> Draft:
    """The draft that ``FILE.py:NAME`` names; from now on it is known by its own name.

    Runs the file, once however often it is named.

    Raises:
        DraftError: the file can't be read or fails, there is no such draft in it, or another
            draft has its name.
    """
    from ..schema import Draft

    file, _, name = text.rpartition(":") if not text.endswith(_SUFFIX) else (text, "", "")
    path = os.path.realpath(file)
    _files[path] = file
    module = _run(path)
    drafts = [key for key, value in vars(module).items() if isinstance(value, Draft)]
    if not name:
        raise DraftError(f"{file}: expected {file}:NAME; its drafts are {', '.join(drafts)}")
    if name not in vars(module):
        raise DraftError(
            f"{file}: there is no {name}, but {', '.join(drafts) or 'no draft at all'}"
        )
    draft = vars(module)[name]
    if not isinstance(draft, Draft):
        line = _assignment(module.__file__ or file, name)
        raise DraftError(f"{SourceLine(file, line)}: {name} is no draft but {type(draft).__name__}")
    try:
        register(draft)
    except ValueError as error:
        line = _assignment(module.__file__ or file, name)
        raise DraftError(f"{SourceLine(file, line)}: {error}; expected a name of its own") from None
    _origins.setdefault(draft.name, (file, name))
    return draft


@cache
def _run(path: str) -> ModuleType:
    shown = _files[path]
    try:
        with open(path, "rb") as source:
            code = compile(source.read(), path, "exec", dont_inherit=True)
    except OSError as error:
        raise DraftError(f"{shown}: {error.strerror}") from None
    except SyntaxError as error:
        raise DraftError(f"{SourceLine(shown, error.lineno or 1)}: {error.msg}") from None
    except ValueError as error:
        raise DraftError(f"{shown}: {error}") from None
    module = ModuleType(f"msl_draft_{len(_files)}_{os.path.basename(path)[: -len(_SUFFIX)]}")
    module.__file__ = path
    sys.modules[module.__name__] = module  # dataclasses look there for the file's names
    try:
        exec(code, vars(module))
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        del sys.modules[module.__name__]
        place = _of_word(error) or blamed(error.__traceback__) or SourceLine(shown, 1)
        raise DraftError(f"{place}: {said(error)}") from error
    return module


def _of_word(error: BaseException) -> SourceLine | None:
    """The line of the word that a draft is refused for."""
    from ..schema.amendments import AmendmentError

    if not isinstance(error, AmendmentError) or error.place[0] not in _files:
        return None
    return SourceLine(_files[error.place[0]], error.place[1])


def said(error: BaseException) -> str:
    """What an exception says, with its type where the text alone would not do."""
    text = _text(error)
    shown = text if is_said(error) and text else f"{type(error).__name__}: {text}"
    return " ".join(shown.split())


def is_said(error: BaseException) -> bool:
    """Whether an exception is what this package says of a mistake: a sentence that it raises."""
    found = isinstance(error, KeyError) and " " in _text(error)
    return found or isinstance(error, (MslError, ValueError))


def _text(error: BaseException) -> str:
    return str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)


def blamed(traceback: TracebackType | None) -> SourceLine | None:
    """The innermost line of an author's file that a traceback goes through."""
    found = None
    while traceback is not None:
        shown = _files.get(traceback.tb_frame.f_code.co_filename)
        if shown is not None:
            found = SourceLine(shown, traceback.tb_lineno)
        traceback = traceback.tb_next
    return found


def line_of(function: Callable[..., object]) -> SourceLine:
    """Where an author's file defines a function."""
    code = function.__code__ if isinstance(function, FunctionType) else None
    if code is None:
        return SourceLine(function.__module__, 1)
    return SourceLine(_files.get(code.co_filename, code.co_filename), code.co_firstlineno)


def responsible(error: BaseException) -> SourceLine | None:
    """The line of an author's file that an exception comes of; None: it is a defect of ours.

    Who raised it decides. Where that is a function of ours that an author's line called, the
    line is to blame for what we say of arguments, and for nothing else.
    """
    found, ours = None, False
    traceback = error.__traceback__
    while traceback is not None:
        file = traceback.tb_frame.f_code.co_filename
        if file in _files:
            found, ours = SourceLine(_files[file], traceback.tb_lineno), False
        elif traceback.tb_frame.f_globals.get("__name__", "").startswith(_OURS):
            ours = True
        traceback = traceback.tb_next
    return None if ours and not isinstance(error, _OF_ARGUMENTS) else found


def renaming(error: BaseException) -> str:
    """Of an error about a name: the words that took it away, with their line; or nothing.

    This package asks for fields, codes and block types by the names of the public drafts.
    """
    from ..schema.names import snake_case

    said_words = set(re.findall(r"\w+", str(error)))
    loaded = [draft for name in _origins if (draft := DRAFTS.get(name)) is not None]
    for given in loaded:
        for word in (one for draft in given.lineage for one in draft.amendments):
            known = word.word == "rename" and word.place[0] in _files
            if known and {word.what, snake_case(word.what)} & said_words:
                line = SourceLine(_files[word.place[0]], word.place[1])
                return f"{line}: {given.name}: rename {word.where} {word.what}"
    return ""


def is_loaded(draft: Draft) -> bool:
    """Whether a draft is of an author's file."""
    return draft.name in _origins


def origins() -> Iterator[str]:
    """``FILE.py:NAME`` of everything that was loaded."""
    return (":".join(each) for each in _origins.values())


def place_of(draft: str, where: str, text: str = "") -> SourceLine:
    """The line of its file that declares a part of a draft, as far as that can be told.

    Args:
        draft: name of a draft that was loaded.
        where: names and keys from the outside inwards, joined by dots: ``header.pid``.
        text: what is said of it, for names where `where` has none that the file has.
    """
    file, name = _origins[draft]
    path = os.path.realpath(file)
    literals = list(_texts(path))
    for words in (re.split(r"[.\[\]]+", where), re.findall(r"[\w-]+", text)):
        found = 0
        for word in words:
            lines = [line for line, literal in literals if _same(literal, word)]
            found = next((line for line in lines if line >= found), lines[0] if lines else found)
        if found:
            return SourceLine(file, found)
    return SourceLine(file, _assignment(path, name))


def _same(text: str, word: str) -> bool:
    from ..schema.names import snake_case

    return text == word or snake_case(text) == word


def _tree(path: str) -> ast.Module:
    with open(path, "rb") as source:
        return ast.parse(source.read())


def _texts(path: str) -> Iterator[tuple[int, str]]:
    nodes = [node for node in ast.walk(_tree(path)) if isinstance(node, ast.Constant)]
    for node in sorted(nodes, key=lambda node: (node.lineno, node.col_offset)):
        if isinstance(node.value, str) and node.value:
            yield node.lineno, node.value


def _assignment(path: str, name: str) -> int:
    """The line of the last assignment to a name."""
    line = 1
    for node in ast.walk(_tree(path)):
        targets: list[ast.expr] = []
        if isinstance(node, ast.Assign):
            targets = node.targets
        elif isinstance(node, ast.AnnAssign):
            targets = [node.target]
        named = (one.lineno for one in targets if isinstance(one, ast.Name) and one.id == name)
        line = max(line, *named, 1)
    return line
