"""``msl encrypt``."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any

import click

from .common import Exit, command, note, open_input
from .keys import encryption_of, encryption_options
from .written_file import refuse_itself, write_out

if TYPE_CHECKING:
    from ..reader.dump import Dump

__all__ = ["encrypt", "say_whether_finished", "why_not_copied"]


@command()
@click.argument("dump", metavar="DUMP")
@click.option("--output", "-o", metavar="OUT", required=True, help="File to write; - is stdout.")
@encryption_options
@click.option("--force", "-f", is_flag=True, help="Replace OUT if it exists.")
def encrypt(dump: str, output: str, force: bool, quiet: bool, **options: Any) -> int:
    """Encrypt a dump: everything behind its header, as one message (draft 2026-10 §10).

    DUMP stays as it is. It is verified first: what is not intact is not encrypted, since OUT gets
    hashes of its own. OUT says who can open it: whoever has the raw key, knows the passphrase, or
    owns the private key. Nobody can without. The nonce is a new one every time.

    \b
    Example:
      msl encrypt dump.msl -o sealed.msl --passphrase-file pass.txt
      msl keygen -o examiner.pem; msl encrypt dump.msl -o sealed.msl --public-key examiner.pem.pub

    Exit codes: 0 fine; 1 DUMP is not intact; 2 OUT exists, no key or less than the draft demands; 3
    DUMP is unreadable, or of a draft without encryption; 4 bytes of DUMP are no blocks, or DUMP,
    and so OUT, has no End-of-Capture; 5 DUMP is encrypted already, or what was given is no key.
    """
    from ..builder.rewrapping import write_encrypted

    encryption = encryption_of(options)
    if encryption is None:
        raise click.UsageError("with which key? --key-file, --passphrase-file or --public-key")
    refuse_itself(dump, output)
    with open_input(dump, passing=False) as opened:
        if opened.header.encrypted:
            note(f"msl: {dump}: encrypted already; msl decrypt comes before")
            return Exit.KEY
        code, text = why_not_copied(opened)
        if text:
            note(f"msl: {dump}: {text}")
            return code
        made = encryption

        def written(file: IO[bytes]) -> int:
            size = write_encrypted(opened, file, made)
            opened.require_unchanged()  # else OUT is not kept
            return size

        size = write_out(output, force, written)
        code = say_whether_finished(dump, opened)
    if not quiet:
        note(f"msl: {size} bytes and their tag written to {output}")
    return code


def say_whether_finished(path: str, dump: Dump) -> Exit:
    """Say of a dump that was copied whether it is a whole one; the exit code for that."""
    if dump.end_of_capture is not None:
        return Exit.FINE
    note(
        f"msl: {path}: incomplete: no End-of-Capture: the acquirer did not finish (§4.5), and what "
        "was written has none either"
    )
    return Exit.INCOMPLETE


def why_not_copied(dump: Dump) -> tuple[Exit, str]:
    """What keeps a dump from getting hashes anew; an empty text: nothing."""
    verdict = dump.verify()
    if verdict.findings or verdict.intact is None:
        code = Exit.FINDINGS if verdict.findings else Exit.INCOMPLETE
        return code, f"{verdict}; its hashes are not made anew"
    if dump.trailing is not None:
        text = f"{dump.trailing.length} bytes from {dump.trailing.offset:#x} on are no blocks"
        return Exit.INCOMPLETE, f"{text}, and can't be copied: {dump.ending.text}"
    return Exit.FINE, ""
