"""``msl verify``."""

from __future__ import annotations

import json
from typing import Any

import click

from ..errors import MslError
from ..reader.verify import Verdict
from .common import (
    Exit,
    command_options,
    complain,
    data_out,
    discard_stdout,
    draft_options,
    error_text,
    note,
    open_input,
    run,
)
from .text import many, printable

__all__ = ["verify"]

_WORST = (Exit.FINE, Exit.INCOMPLETE, Exit.KEY, Exit.FINDINGS, Exit.UNREADABLE)
"""With several files the exit code is that of the worst; worse stands further right."""


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("dumps", metavar="DUMP...", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a file, one a line.")
@draft_options
@command_options
@run
def verify(
    dumps: tuple[str, ...], as_json: bool, quiet: bool, no_color: bool, **options: Any
) -> int:
    """Check that dumps are intact and complete.

    Intact: the hash chain, FileHash, block counts and extension segments agree with the
    bytes. Complete: there is an End-of-Capture, and nothing but blocks behind it. The chain
    has no key: it shows corruption and naive edits, not who wrote the file. No hash covers
    the last block.

    \b
    Example:
      msl verify dump.msl
      ssh host cat dump.msl | msl verify -

    Exit codes: 0 intact and complete; 1 not intact; 3 unreadable; 4 intact but incomplete;
    5 encrypted. With several files, that of the worst of them (3, 1, 5, 4, 0).
    """
    worst = Exit.FINE
    readers = True
    for path in dumps:
        code, text = _one(path, as_json, quiet, options)
        worst = max(worst, code, key=_WORST.index)
        if readers:
            try:
                with data_out() as out:
                    out.write(text)
            except BrokenPipeError:  # the exit code must still say what was found
                discard_stdout()
                readers = False
    return worst


def _one(path: str, as_json: bool, quiet: bool, options: dict[str, Any]) -> tuple[Exit, str]:
    """The exit code of one file, and what to print of it."""
    try:
        with open_input(path, **options) as dump:
            verdict = dump.verify()
    except (MslError, OSError) as error:
        code = complain(error, path)
        row = json.dumps({"file": path, "error": error_text(error)}) + "\n"
        return code, row if as_json else ""
    code = _code(verdict)
    if code is Exit.INCOMPLETE:
        note(f"msl: {path}: {verdict}")
    return code, _as_json(path, verdict) if as_json else _as_text(path, verdict, quiet)


def _code(verdict: Verdict) -> Exit:
    if not verdict.intact:
        return Exit.FINDINGS
    return Exit.FINE if verdict.complete else Exit.INCOMPLETE


def _as_json(name: str, verdict: Verdict) -> str:
    def rows(findings: Any) -> list[dict[str, Any]]:
        return [
            {
                "kind": f.kind,
                "offset": None if f.offset is None else f"{f.offset:#x}",
                "block": f.block,
                "text": f.text,
            }
            for f in findings
        ]

    shown = {
        "file": name,
        "intact": verdict.intact,
        "complete": verdict.complete,
        "blocks": verdict.blocks,
        "segments": verdict.segments,
        "file_hash": verdict.file_hash,
        "unprotected_block": verdict.unprotected,
        "findings": rows(verdict.findings),
        "gaps": rows(verdict.gaps),
    }
    return json.dumps(shown) + "\n"


def _as_text(path: str, verdict: Verdict, quiet: bool) -> str:
    first = "not intact" if not verdict.intact else "intact"
    second = "complete" if verdict.complete else "incomplete"
    lines = [
        f"{printable(path)}: {first}, {second}: {many(verdict.blocks, 'block')}, "
        f"{many(verdict.segments, 'extension segment')}, FileHash {verdict.file_hash}"
    ]
    for finding in verdict.findings:
        lines.append(f"  {finding.kind}: {finding.text}")
    for gap in verdict.gaps:
        lines.append(f"  {gap.kind}: {gap.text}")
    if not quiet and verdict.unprotected is not None:
        lines.append(f"  note: no hash covers the last block ({verdict.unprotected})")
    return "\n".join(lines) + "\n"
