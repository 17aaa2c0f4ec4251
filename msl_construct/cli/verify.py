"""``msl verify``."""

from __future__ import annotations

import errno
import sys
from typing import TYPE_CHECKING, Any

import click

from ..errors import MslError, TamperedError
from ..reader.acquisition_report import Tie, read_report, tie
from ..reader.verdict import Verdict, finding_rows
from ..source import is_remote
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
    say_version,
    text_out,
    whoever_reads,
)
from .error_text import error_text
from .measured import measured
from .text import as_json as json_text
from .text import many, printable
from .vouching import (
    Vouched,
    VouchingOptions,
    asked,
    check_options,
    statement_of,
    vouched,
    vouching_options,
)

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .common import ReadOptions

__all__ = ["verify"]

_UNSIGNED = (
    "no signature was given: the chain has no key, and whoever can write the file can make it anew"
)

_WORST = (Exit.FINE, Exit.INCOMPLETE, Exit.KEY, Exit.FINDINGS, Exit.UNREADABLE)
"""With several files the exit code is that of the worst; worse stands further right."""


@command()
@click.argument("dumps", metavar="DUMP...", nargs=-1, callback=paths, required=True)
@click.option(
    "--report",
    metavar="R.json",
    help="The report of the acquisition: check that it speaks of this very file.",
)
@vouching_options
@click.option("--json", "as_json", is_flag=True, help="One JSON object a file, one a line.")
@draft_options
def verify(
    dumps: tuple[str, ...],
    report: str | None,
    vouching: VouchingOptions,
    as_json: bool,
    quiet: bool,
    **options: Unpack[ReadOptions],
) -> int:
    """Check that dumps are intact and complete; by whom they are signed, and dated.

    Intact: the hash chain, FileHash, block counts and extension segments agree with the
    bytes. Complete: there is an End-of-Capture, nothing but blocks behind it, and what is
    compressed inflates. The chain
    has no key: it shows corruption and naive edits, not who wrote the file. No hash covers
    the last block. With --report, the report of its acquisition must name the file's DumpUUID,
    FileHash, size, BLAKE3 and SHA-256: then no byte of it has changed since, if none of the
    report has.

    Signed and dated: with --signature and --timestamp, the statement about the dump (its DumpUUID,
    size, FileHash, BLAKE3 and SHA-256) must be that of this file, and the signature or time stamp
    must be of that statement. A file of allowed signers says whose the key is (--signers),
    certificates whose time stamps count (--trusted); nothing is fetched. Without a signature nobody
    vouches for the dump, whatever its chain says.

    \b
    Example:
      msl verify dump.msl --report dump.msl.report.json
      msl verify dump.msl --signature dump.msl.statement.sig --signers allowed_signers
      ssh host cat dump.msl | msl verify -

    Exit codes: 0 intact and complete; 1 not intact, or not what the report speaks of, or what was
    signed or dated; 3 unreadable; 4 intact but incomplete, or the report is, or something could
    not be looked at (an unknown HashAlgo, a payload that does not inflate, whose a key is); 5
    encrypted, and no key or a wrong one.

    With several files, that of the worst of them (3, 1, 5, 4, 0).
    """
    if report is not None:
        if len(dumps) > 1:
            raise click.UsageError(f"--report speaks of one dump, {len(dumps)} are given")
        if report == STDIO == dumps[0]:
            raise click.UsageError("stdin is the dump or the report, not both")
    check_options(vouching, dumps)
    worst = Exit.FINE
    for path in dumps:
        code, text = _one(path, report, vouching, as_json, quiet, options)
        worst = max(worst, code, key=_WORST.index)
        with whoever_reads(), data_out() if as_json else text_out() as out:
            out.write(text)
    return worst


def _one(
    path: str,
    report: str | None,
    vouching: VouchingOptions,
    as_json: bool,
    quiet: bool,
    options: ReadOptions,
) -> tuple[Exit, str]:
    """The exit code of one file, and what to print of it."""
    name = path
    found: Tie | None = None
    voucher: Vouched | None = None
    try:
        if report is None and not asked(vouching):
            with open_input(path, **options) as opened:
                say_version(path, opened)
                if is_remote(path):
                    note(f"msl: {path}: reads all of its {opened.size} bytes")
                verdict = opened.verify()
        else:
            name = ""  # what is wrong with the report names it
            told = None if report is None else _report(report)
            name = path
            dump = measured(path, options)
            verdict = dump.verdict
            if told is not None:
                found = tie(told, dump.uuid, verdict, dump.digests, dump.context)
            if asked(vouching):
                name = ""
                actual = statement_of(dump.uuid, dump.algorithm, verdict, dump.digests)
                voucher = vouched(vouching, path, actual)
    except (MslError, OSError) as error:
        code = complain(error, name)
        known = {"intact": False} if isinstance(error, TamperedError) else {}
        row = json_text({"file": path, **known, "error": error_text(error)}) + "\n"
        return code, row if as_json else ""
    code = _code(verdict, found, voucher)
    if code is Exit.INCOMPLETE:
        gaps = [*(found.gaps if found else ()), *(voucher.gaps if voucher else ())]
        gap = gaps[0].text if gaps and verdict.complete else verdict
        note(f"msl: {path}: {gap}")
    if as_json:
        return code, _as_json(path, verdict, report, found, voucher)
    return code, _as_text(path, verdict, quiet, report, found, voucher)


def _report(path: str) -> dict[str, Any]:
    if path == STDIO:
        if sys.stdin is None:
            raise OSError(errno.EBADF, "stdin is closed")
        return read_report(sys.stdin.buffer, path)
    with open(path, "rb") as file:
        return read_report(file, path)


def _code(verdict: Verdict, found: Tie | None, voucher: Vouched | None) -> Exit:
    others = [one for one in (found, voucher) if one is not None]
    if verdict.findings or any(one.findings for one in others):
        return Exit.FINDINGS
    whole = verdict.complete and not any(one.gaps for one in others)
    return Exit.FINE if whole else Exit.INCOMPLETE


def _as_json(
    name: str,
    verdict: Verdict,
    report: str | None,
    found: Tie | None,
    voucher: Vouched | None,
) -> str:
    shown = {"file": name, **verdict.as_json()}
    if found is not None:
        shown["report"] = {
            "file": report,
            "agrees": found.agrees,
            "findings": finding_rows(found.findings),
            "gaps": finding_rows(found.gaps),
        }
    shown |= (voucher or Vouched()).as_json()
    if voucher is not None:
        shown["vouching"] = {
            "findings": finding_rows(voucher.findings),
            "gaps": finding_rows(voucher.gaps),
        }
    return json_text(shown) + "\n"


def _as_text(
    path: str,
    verdict: Verdict,
    quiet: bool,
    report: str | None,
    found: Tie | None,
    voucher: Vouched | None,
) -> str:
    first = {True: "intact", False: "not intact", None: "hashes not checked"}[verdict.intact]
    second = "complete" if verdict.complete else "incomplete"
    lines = [
        f"{printable(path)}: {first}, {second}: {many(verdict.blocks, 'block')}, "
        f"{many(verdict.segments, 'extension segment')}, FileHash {verdict.file_hash}"
        f"{', tag match' if verdict.authenticated else ''}"
    ]
    if verdict.recognition.dialect is not None:
        lines.append(f"  {printable(str(verdict.recognition))}")
    elif verdict.recognition.untold and not quiet:
        lines.append(f"  note: {printable(verdict.recognition.untold)}")
    for finding in verdict.findings:
        lines.append(f"  {finding.kind}: {printable(finding.text)}")
    for gap in verdict.gaps:
        lines.append(f"  {gap.kind}: {printable(gap.text)}")
    if found is not None:
        same = f"agrees: {', '.join(found.agrees)}" if found.agrees else "agrees in nothing"
        lines.append(f"  report {printable(report or '')}: {same}")
        lines += [f"  {f.kind}: {printable(f.text)}" for f in (*found.findings, *found.gaps)]
    if voucher is not None:
        lines += [
            f"  {question}: {printable(answer)}"
            for question, answer in (("signed", voucher.signed), ("dated", voucher.dated))
            if answer
        ]
        lines += [f"  {f.kind}: {printable(f.text)}" for f in (*voucher.findings, *voucher.gaps)]
    if verdict.coverage:
        lines.append(f"  note: {verdict.coverage}")
    if not quiet and (voucher is None or not voucher.signed):
        lines.append(f"  note: {_UNSIGNED}")
    if not quiet and verdict.unprotected is not None and voucher is None:
        lines.append(f"  note: no hash covers the last block ({verdict.unprotected})")
    return "\n".join(lines) + "\n"
