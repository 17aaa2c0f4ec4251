"""``msl report``."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import IO, TYPE_CHECKING, Any

import click

from .. import __version__
from ..errors import FormatError, MslError
from ..reader.acquisition_report import read_report
from .common import (
    STDIO,
    Exit,
    command,
    complain,
    draft_options,
    note,
    open_input,
    paths,
    say_version,
)
from .text import many
from .vouching import (
    Vouched,
    VouchingOptions,
    asked,
    check_options,
    statement_of,
    vouched,
    vouching_files,
    vouching_options,
)
from .written_file import check_new, refuse_itself, write_out

if TYPE_CHECKING:
    import uuid

    from typing_extensions import Unpack

    from ..hashing import Digests
    from ..reader.dump import Dump
    from ..reader.verdict import Verdict
    from ..report import DumpReport, Redaction
    from .common import ReadOptions

__all__ = ["report"]

_WORST = (Exit.FINE, Exit.INCOMPLETE, Exit.KEY, Exit.FINDINGS, Exit.UNREADABLE)
"""With several files the exit code is that of the worst; worse stands further right."""
_BEGINNING = 64
_MOST_DUMPS = 16
"""Side by side; of more nobody sees anything."""


@dataclass
class _Given:
    """The report of an acquisition that was given."""

    file: str
    report: dict[str, Any]
    used: bool = False


def _show(_: click.Context, __: click.Parameter, value: str | None) -> list[str]:
    from ..report import KINDS

    names = [name.strip() for name in (value or "").split(",") if name.strip()]
    for name in names:
        if name not in KINDS:
            raise click.BadParameter(f"{name!r} is not one of {', '.join(KINDS)}")
    return names


@command()
@click.argument(
    "files", metavar="DUMP... [REPORT.json...]", nargs=-1, callback=paths, required=True
)
@click.option("-o", "--output", metavar="OUT", required=True, help="The page; - is stdout.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["html", "md"]),
    default="html",
    show_default=True,
    help="One page for a browser, or Markdown for a ticket.",
)
@click.option(
    "--show",
    metavar="NAMES",
    callback=_show,
    help="Show what is redacted otherwise, separated by commas: environment, command-line.",
)
@vouching_options
@click.option("--force", "-f", is_flag=True, help="Replace a file that is there.")
@draft_options
def report(
    files: tuple[str, ...],
    output: str,
    form: str,
    show: list[str],
    vouching: VouchingOptions,
    force: bool,
    quiet: bool,
    **options: Unpack[ReadOptions],
) -> int:
    """Make one page about a dump, or about several, to look at and to hand on.

    The page says what was captured, when, by whom and how, whether the file is intact and
    complete, signed and dated, and what to look at. It has a map of the address space, tables that
    can be filtered, the bytes of the small blocks, and of several dumps what differs from each to
    the next. It is one file, asks nothing of any network, and shows texts from the dump as texts.

    A REPORT.json, which is what the acquisition wrote, goes to the dump whose DumpUUID it names.
    Values of the environment and command lines are redacted, unless --show asks for them; what the
    process had in memory is never on the page.

    \b
    Example:
      msl report dump.msl -o dump.html
      msl report dump.msl dump.msl.report.json -o dump.html
      msl report before.msl after.msl -o both.html
      msl report dump.msl --format md -o - | pbcopy

    Exit codes: those of verify and check: 0 intact, complete and conforming; 1 not intact, not
    conforming, or not what the report speaks of, or what was signed or dated; 2 usage; 3 not an
    .msl or unreadable; 4 incomplete, or something could not be looked at; 5 encrypted, and no key
    or a wrong one. The page is written with 0, 1, 4 and 5, as far as anything could be read; that
    dumps differ does not count. With several, that of the worst of them (3, 1, 5, 4, 0).
    """
    from ..report import Redaction, compared, html_page, markdown_page, report_of

    dumps, given = _sorted(files)
    check_options(vouching, dumps)
    for path in (*files, *vouching_files(vouching)):
        if path is not None:
            refuse_itself(path, output)
    if output != STDIO:
        check_new(output, force)
    redaction = Redaction(show)
    worst = Exit.FINE
    with ExitStack() as stack:
        opened: list[Dump] = []
        reports: list[DumpReport] = []
        for path in dumps:
            try:
                dump = stack.enter_context(open_input(path, passing=False, **options))
                say_version(path, dump)
                acquisition = _of(dump, given, len(dumps))
                made = report_of(
                    dump,
                    name="stdin" if path == STDIO else os.path.basename(path) or path,
                    redaction=redaction,
                    acquisition=acquisition.report if acquisition else None,
                    acquisition_file=os.path.basename(acquisition.file) if acquisition else "",
                    vouch=_voucher(vouching, path) if asked(vouching) else None,
                )
            except (MslError, OSError) as error:
                worst = max(worst, complain(error, path), key=_WORST.index)
                continue
            opened.append(dump)
            reports.append(made)
            worst = max(worst, _code(path, made), key=_WORST.index)
        if not reports:
            return worst
        _refuse_unused(given)
        comparisons = compared(opened, redaction) if len(opened) > 1 else []
        for one in comparisons:
            for line in one.gaps:
                note(f"msl: {reports[one.a].name}, {reports[one.b].name}: {line}")
                worst = max(worst, Exit.INCOMPLETE, key=_WORST.index)
        make = html_page if form == "html" else markdown_page
        text = make(reports, comparisons, redaction=redaction, made=_made())
        _write(output, force, text, reports, redaction, quiet)
    return worst


def _sorted(files: tuple[str, ...]) -> tuple[tuple[str, ...], list[_Given]]:
    """Dumps, and reports of acquisitions, told apart by what the files begin with."""
    dumps, given = [], []
    for path in files:
        if path != STDIO and _is_json(path):
            with open(path, "rb") as file:
                given.append(_Given(path, read_report(file, path)))
        else:
            dumps.append(path)
    if not dumps:
        raise click.UsageError("there is no dump among the files")
    if len(dumps) > _MOST_DUMPS:
        raise click.UsageError(f"at most {_MOST_DUMPS} dumps go on a page, {len(dumps)} are given")
    if dumps.count(STDIO) > 1:
        raise click.UsageError("stdin can be one of them only")
    return tuple(dumps), given


def _is_json(path: str) -> bool:
    if not os.path.isfile(path):
        return False
    with open(path, "rb") as file:
        return file.read(_BEGINNING).lstrip()[:1] == b"{"


def _of(dump: Dump, given: list[_Given], dumps: int) -> _Given | None:
    """The report that names a dump; of one dump and one report, that."""
    identity = str(dump.header.record["dump_uuid"])
    for one in given:
        named = one.report.get("dump", {}).get("dump_uuid")
        if not one.used and (str(named).lower() == identity or dumps == len(given) == 1):
            one.used = True
            return one
    return None


def _refuse_unused(given: list[_Given]) -> None:
    for one in given:
        if not one.used:
            raise FormatError(f"{one.file}: the report of an acquisition of none of these dumps")


class _Voucher:
    """Holds a dump against its signature and its time stamp."""

    def __init__(self, options: VouchingOptions, path: str) -> None:
        self._options = options
        self._path = path

    def __call__(
        self, identity: uuid.UUID, algorithm: str, verdict: Verdict, digests: Digests
    ) -> Vouched:
        actual = statement_of(identity, algorithm, verdict, digests)
        return vouched(self._options, self._path, actual)


def _voucher(options: VouchingOptions, path: str) -> _Voucher:
    return _Voucher(options, path)


def _code(path: str, found: DumpReport) -> Exit:
    """What verify and check would end with, and the one line that goes with it."""
    held = [one for one in (found.acquisition and found.acquisition.tie, found.vouching) if one]
    against = [
        *(found.verdict.findings if found.verdict else ()),
        *(finding for one in held for finding in one.findings),
    ]
    counted = found.checked.counted if found.checked else 0
    if against or counted:
        first = against[0].text if against else f"{many(counted, 'finding')} of msl check"
        note(f"msl: {path}: {first}")
        return Exit.FINDINGS
    if found.locked:
        note(f"msl: {path}: {found.locked}; only the header is on the page")
        return Exit.KEY
    gaps = [*found.gaps, *(gap.text for one in held for gap in one.gaps)]
    if gaps:
        note(f"msl: {path}: incomplete: {gaps[0]}")
        return Exit.INCOMPLETE
    return Exit.FINE


def _made() -> str:
    """When the page was made, and with what."""
    now = int(os.environ.get("SOURCE_DATE_EPOCH", "") or time.time())
    moment = datetime.fromtimestamp(now, timezone.utc)
    return f"Page made {moment:%Y-%m-%d %H:%M:%S} UTC by msl {__version__}"


def _write(
    output: str,
    force: bool,
    text: str,
    reports: list[DumpReport],
    redaction: Redaction,
    quiet: bool,
) -> None:
    raw = text.encode("utf-8", "backslashreplace")

    def write(file: IO[bytes]) -> None:
        file.write(raw)

    write_out(output, force, write)
    if not quiet and output != STDIO:
        hidden = " and ".join(f"{kind}s" for kind in redaction.hidden)
        said = f"; {hidden} redacted (--show)" if hidden else ""
        note(f"msl: {output}: {many(len(reports), 'dump')}, {len(raw)} bytes{said}")
