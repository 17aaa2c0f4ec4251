"""Rules from files: folders, includes, and mistakes told with the file they are in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from ...errors import PatternError
from .engines import Engine, RuleMistakeError
from .rule_texts import TOKEN, RuleText, asked_attributes, rule_texts

__all__ = ["load_rules"]

_SUFFIXES = (".yar", ".yara")
_DEEPEST = 16
"""Files that include each other."""


def load_rules(
    paths: Sequence[str | Path],
    engine: Engine,
    externals: Mapping[str, str | int | bool] | None = None,
) -> list[RuleText]:
    """The rules of files, and of all files ``.yar`` and ``.yara`` in folders.

    Args:
        paths: of both; each file is a namespace of its own.
        engine: what they must compile with.
        externals: values of one's own.

    Raises:
        OSError: one can't be read.
        PatternError: a rule has a mistake, or there is none.
    """
    found: list[RuleText] = []
    taken: set[str] = set()
    for path in _files(paths):
        text = _source(path)
        namespace = _namespace(path, taken)
        rules = rule_texts(text, namespace)
        values = {**dict.fromkeys(asked_attributes(rules), ""), **(externals or {})}
        try:
            engine.compile([(namespace, text)], values)
        except RuleMistakeError as error:
            raise PatternError(f"{path}: {error}") from None
        found += rules
    if not found:
        raise PatternError("no rule in what was given")
    return found


def _namespace(path: Path, taken: set[str]) -> str:
    name = re.sub(r"\W", "_", path.stem) or "rules"
    free, number = name, 1
    while free in taken:
        number += 1
        free = f"{name}_{number}"
    taken.add(free)
    return free


def _files(paths: Iterable[str | Path]) -> list[Path]:
    """The files among these, and those in the folders among them.

    Raises:
        PatternError: a folder holds none.
    """
    found: list[Path] = []
    for given in paths:
        path = Path(given)
        if not path.is_dir():
            found.append(path)
            continue
        inside = sorted(one for one in path.rglob("*") if one.suffix in _SUFFIXES and one.is_file())
        if not inside:
            raise PatternError(f"{path}: expected files {' or '.join(_SUFFIXES)} in this folder")
        found += inside
    return found


def _source(path: Path, _within: tuple[Path, ...] = ()) -> str:
    """The text of a file, with what it includes in the place of that.

    Raises:
        OSError: it can't be read.
        PatternError: it is no text, or includes itself.
    """
    if path.resolve() in _within or len(_within) >= _DEEPEST:
        raise PatternError(f"{path}: includes itself, or more than {_DEEPEST} files deep")
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise PatternError(f"{path}: expected rules in UTF-8, found {error}") from None
    parts, at = [], 0
    tokens = [token for token in TOKEN.finditer(text) if token.lastgroup != "passed"]
    for token, following in pairwise(tokens):
        if token["word"] == "include" and following["text"]:
            inner = _source(path.parent / following[0][1:-1], (*_within, path.resolve()))
            parts += [text[at : token.start()], inner]
            at = following.end()
    return "".join([*parts, text[at:]])
