"""``msl decrypt``."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

import click

from .common import command, draft_options, note, open_input
from .encrypt import say_whether_finished, why_not_copied
from .written_file import refuse_itself, write_out

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .common import ReadOptions

__all__ = ["decrypt"]


@command()
@click.argument("dump", metavar="DUMP")
@click.option("--output", "-o", metavar="OUT", required=True, help="File to write; - is stdout.")
@click.option("--force", "-f", is_flag=True, help="Replace OUT if it exists.")
@draft_options
def decrypt(
    dump: str,
    output: str,
    force: bool,
    quiet: bool,
    **options: Unpack[ReadOptions],
) -> int:
    """Write an encrypted dump in the open, with the chain of hashes that it had or would have.

    DUMP stays as it is. Its tag is verified before the first byte is written. Sealed segments
    become extension segments. OUT is for its owner only: it holds what the process held.

    \b
    Example:
      msl decrypt sealed.msl -o dump.msl --passphrase-file pass.txt
      msl decrypt sealed.msl -o dump.msl --private-key examiner.pem

    Exit codes: 0 fine; 1 DUMP is not what was written; 2 OUT exists, or DUMP is not encrypted; 3
    DUMP is unreadable; 4 bytes of DUMP are no blocks, or DUMP, and so OUT, has no End-of-Capture;
    5 no key, or a wrong one.
    """
    from ..builder.rewrapping import write_decrypted

    refuse_itself(dump, output)
    with open_input(dump, passing=False, **options) as opened:
        if not opened.header.encrypted:
            raise click.UsageError(f"{dump} is not encrypted")
        opened.require_key()
        code, text = why_not_copied(opened)
        if text:
            note(f"msl: {dump}: {text}")
            return code

        def written(file: IO[bytes]) -> int:
            size = write_decrypted(opened, file)
            opened.require_unchanged()  # else OUT is not kept
            return size

        size = write_out(output, force, written)
        code = say_whether_finished(dump, opened)
    if not quiet:
        note(f"msl: {size} bytes written to {output}")
    return code
