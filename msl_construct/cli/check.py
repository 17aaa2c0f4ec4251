"""``msl check``."""

from __future__ import annotations

import errno
import os
import stat
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import IO, TYPE_CHECKING

import click

from .common import (
    STDIO,
    Exit,
    command,
    complain,
    data_out,
    draft_options,
    note,
    open_input,
    paths,
    text_out,
    whoever_reads,
)
from .error_text import error_text

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ..rules import Role
    from .check_data import KnownFindings
    from .check_outcome import CheckReport, FileOutcome
    from .common import ReadOptions

__all__ = ["check"]

_WORST = (
    Exit.FINE,
    Exit.INCOMPLETE,
    Exit.KEY,
    Exit.FINDINGS,
    Exit.UNREADABLE,
    Exit.USAGE,
    Exit.DEFECT,
)
"""With several files the exit code is that of the worst; worse stands further right."""

_READERS = "consumer"
_ROLES = ("producer", "live-acquirer", "importer", "appender", _READERS)
_FORMATS = ("text", "json", "ndjson", "junit", "sarif")
_SUFFIX = ".msl"
_PIECE = 1 << 16


@command()
@click.argument("dumps", metavar="DUMP...", nargs=-1, callback=paths)
@click.option(
    "--format",
    "form",
    type=click.Choice(_FORMATS),
    default="text",
    show_default=True,
    help="How the findings are printed.",
)
@click.option("--all", "everything", is_flag=True, help="Text: each finding, not the first few.")
@click.option(
    "--strict", is_flag=True, help="Let SHOULD, our own rules and what a dialect explains count."
)
@click.option(
    "--role",
    "roles",
    type=click.Choice(_ROLES),
    multiple=True,
    help="Only rules that bind this role, which all producers' rules do; repeatable. "
    "Rules for consumers are only listed: no file breaks them.",
)
@click.option(
    "--baseline",
    type=click.Path(exists=True, dir_okay=False),
    metavar="OLD.json",
    help="Only findings that this older --format json report does not have.",
)
@click.option("--list", "listing", is_flag=True, help="List the rules and end.")
@click.option("--explain", metavar="RULE", help="Explain a rule and end.")
@draft_options
def check(
    dumps: tuple[str, ...],
    form: str,
    everything: bool,
    strict: bool,
    roles: tuple[str, ...],
    baseline: str | None,
    listing: bool,
    explain: str | None,
    no_color: bool,
    **options: Unpack[ReadOptions],
) -> int:
    """Check dumps against the rules of the specification.

    Each file is judged by the draft of its version. What is found is grouped by rule: MUST
    counts, SHOULD and our own doubts (MSLX-...) are shown and count with --strict only. What
    the dialect of a file explains is told apart and does not count, unless --strict or --role
    asks for every deviation from the draft. A directory stands for every *.msl below it, but
    for those behind links to directories; a pipe, socket or device there is not looked at,
    which is a gap. Every file is checked, whatever became of the others.

    \b
    Example:
      msl check dump.msl
      msl check --format sarif dumps/ > findings.sarif
      msl check --format json dumps/ > old.json; msl check --baseline old.json dumps/
      msl check --explain MSL-4.4-PREV-HASH-MISMATCH

    Exit codes: 0 no findings that count; 1 findings; 2 usage; 3 not an .msl, or unreadable;
    4 no findings, but incomplete (no End-of-Capture, truncated, trailing bytes), or something
    could not be looked at (a limit, a payload that does not inflate, an unknown HashAlgo or
    version); 5 encrypted, no key or a wrong one, and no findings in the header. With several
    files, that of the worst of them (3, 1, 5, 4, 0).
    """
    from ..rules import Role

    chosen = tuple(Role(name.replace("-", " ")) for name in roles) or None
    if listing or explain is not None:
        from . import check_rules

        with whoever_reads(), data_out() if form in ("json", "ndjson") else text_out() as out:
            if explain is not None:
                check_rules.explain(out, explain, form, options["draft"])
            else:
                check_rules.listing(out, form, options["draft"], chosen)
        return Exit.FINE
    if not dumps:
        raise click.UsageError("Missing argument 'DUMP...'.")
    if set(roles) == {_READERS}:
        raise click.UsageError(
            "--role consumer: no file breaks a rule for consumers; expected --list or --explain"
        )
    from .check_data import KnownFindings
    from .check_report import report

    known = KnownFindings.read(baseline) if baseline is not None else None
    sink = CheckOutput(text_out if form == "text" else data_out)
    shown = report(form, sink.write, everything, strict, no_color)
    try:
        return _check_all(dumps, shown, strict, chosen, known, options)
    finally:
        sink.flush()


def _check_all(
    dumps: tuple[str, ...],
    shown: CheckReport,
    strict: bool,
    roles: tuple[Role, ...] | None,
    known: KnownFindings | None,
    options: ReadOptions,
) -> Exit:
    from .check_outcome import FileOutcome

    worst = Exit.FINE
    shown.begin()
    for name, reason in _files(dumps):
        outcome = FileOutcome(name, strict, shown.keep)
        if isinstance(reason, OSError):
            outcome.fail(complain(reason, name), error_text(reason))
            shown.file(outcome)
        elif reason is not None:
            note(f"msl: {name}: {reason}")
            outcome.fail(Exit.INCOMPLETE, reason)
            shown.file(outcome)
        else:
            _check_one(outcome, shown, strict, roles, known, options)
        shown.done(outcome)
        worst = max(worst, outcome.code, key=_WORST.index)
    shown.end(worst)
    return worst


def _files(dumps: Iterable[str]) -> Iterator[tuple[str, OSError | str | None]]:
    """The files that the arguments stand for, or why one stands for none, or is left out."""
    for name in dumps:
        if name == STDIO or not os.path.isdir(name):
            yield name, None
            continue
        errors: list[OSError] = []
        empty = True
        for folder, folders, files in os.walk(name, onerror=errors.append):
            folders.sort()
            for file in sorted(files):
                path = os.path.join(folder, file).replace(os.sep, "/")
                if file.lower().endswith(_SUFFIX):
                    empty = False
                    yield path, _left_out(path)
        for error in errors:
            yield str(error.filename or name), error
        if empty and not errors:
            yield name, FileNotFoundError(errno.ENOENT, f"no *{_SUFFIX} in this directory")


def _left_out(path: str) -> str | None:
    """Why something in a directory is not looked at: nobody knows how long it would take."""
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return None  # whoever opens it says what is wrong
    kinds = ((stat.S_ISFIFO, "named pipe"), (stat.S_ISSOCK, "socket"))
    if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
        return None
    what = next((name for is_such, name in kinds if is_such(mode)), "device")
    return f"a {what} in a directory is not looked at; name it by itself to have it checked"


def _check_one(
    outcome: FileOutcome,
    shown: CheckReport,
    strict: bool,
    roles: tuple[Role, ...] | None,
    known: KnownFindings | None,
    options: ReadOptions,
) -> None:
    """Put the rules to one file; whatever happens is told to the outcome."""
    from ..rules import Check, gaps

    begun = False
    try:
        with open_input(outcome.name, passing=False, **options) as dump:
            under_way = Check(dump, roles=roles)
            outcome.opened(dump, under_way.rules)
            shown.file(outcome)
            begun = True
            for finding in under_way:
                if known is not None and known.has(outcome.name, finding):
                    outcome.known += 1
                    continue
                if finding.explained_by is not None and not (strict or roles):
                    outcome.explain(finding)
                    shown.explained(outcome, finding)
                    continue
                outcome.take(finding)
                shown.finding(outcome, finding)
            outcome.gaps = [*gaps(dump), *under_way.unchecked]
            if dump.tampered:
                outcome.fail(Exit.FINDINGS, f"not intact: {dump.ending.text}")
            if dump.locked:
                outcome.encrypted = f"encrypted: {dump.encryption().text}; the header was checked"
    except Exception as error:  # one hopeless file must not keep the others from being checked
        if click.get_current_context().params.get("debug"):
            traceback.print_exc()
        outcome.fail(complain(error, outcome.name), error_text(error))
        if not begun:
            shown.file(outcome)
        return
    if outcome.encrypted:
        note(f"msl: {outcome.name}: {outcome.encrypted}")
    elif outcome.error:
        note(f"msl: {outcome.name}: {outcome.error}")
    elif outcome.code is Exit.INCOMPLETE:
        note(f"msl: {outcome.name}: incomplete: {outcome.gaps[0]}")


class CheckOutput:
    """stdout; when its reader has gone, the check goes on, for the exit code's sake."""

    def __init__(self, out: Callable[[], AbstractContextManager[IO[str]]]) -> None:
        self._out = out
        self._pieces: list[str] = []
        self._size = 0
        self._read = True

    def write(self, text: str) -> None:
        """Write now or later."""
        self._pieces.append(text)
        self._size += len(text)
        if self._size > _PIECE:
            self.flush()

    def flush(self) -> None:
        """Write what is left."""
        text, self._pieces, self._size = "".join(self._pieces), [], 0
        if not self._read or not text:
            return
        self._read = False
        with whoever_reads(), self._out() as out:
            out.write(text)
            out.flush()
            self._read = True
