"""Lists of samples: those that are not run, and those that are known to fail."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from ..errors import HarnessError
from .judging import FAILURES

__all__ = ["Entry", "failed_before", "first_match", "read_list"]

_REASON = "#"


@dataclass(frozen=True)
class Entry:
    """A line of a list.

    Attributes:
        pattern: a sample's name, or a pattern of names: ``invalid/*-be``; ``*`` stands for
            any characters, slashes included.
        reason: why it is there, for people.
        source: name of the list and number of the line.
    """

    pattern: str
    reason: str = ""
    source: str = ""

    def matches(self, name: str) -> bool:
        """Whether a sample's name is meant."""
        return fnmatchcase(name, self.pattern)


def read_list(path: Path) -> tuple[Entry, ...]:
    """The entries of a list: on each line ``name-or-pattern  # reason``.

    Empty lines, and lines that begin with ``#``, say nothing.

    Raises:
        HarnessError: it is no such list.
        OSError: it can't be read.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise HarnessError(f"{path}: expected UTF-8, found other bytes at {error.start}") from None
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        pattern, _, reason = (part.strip() for part in line.partition(_REASON))
        if not pattern:
            continue
        if len(pattern.split()) > 1:
            raise HarnessError(
                f"{path}:{number}: expected one name and then # with the reason, found {pattern!r}"
            )
        found.append(Entry(pattern, reason, f"{path.name}:{number}"))
    return tuple(found)


def first_match(entries: Iterable[Entry], name: str) -> Entry | None:
    """The first entry that means a sample."""
    return next((entry for entry in entries if entry.matches(name)), None)


def failed_before(path: Path) -> tuple[str, ...]:
    """The names of the samples that failed in an earlier run.

    Args:
        path: what ``msl samples run --format json`` printed then.

    Raises:
        HarnessError: it is no such report, or nothing failed.
        OSError: it can't be read.
    """
    try:
        report = json.loads(path.read_bytes())
        rows = [(str(row["name"]), str(row["outcome"])) for row in report["samples"]]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise HarnessError(f"{path}: no report of msl samples run --format json") from None
    failures = {outcome.value for outcome in FAILURES}
    found = tuple(name for name, outcome in rows if outcome in failures)
    if not found:
        raise HarnessError(f"{path}: nothing failed in this run")
    return found
