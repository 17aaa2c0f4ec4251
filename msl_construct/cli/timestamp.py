"""``msl timestamp``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import SignatureError
from ..outputs import whole_file
from .common import (
    Exit,
    command,
    draft_options,
    note,
    whoever_reads,
)
from .stating import stated, written
from .vouching import SUFFIX
from .written_file import check_new

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .common import ReadOptions

__all__ = ["timestamp"]

_LONGEST = 1 << 20


@command()
@click.argument("dump", metavar="DUMP")
@click.option(
    "--signature", metavar="S.sig", help="Have the signature dated, instead of the statement."
)
@click.option("--response", metavar="R.tsr", help="Check this answer, instead of asking.")
@click.option("--trusted", metavar="CA.pem", help="Certificates of whose time stamps count.")
@click.option("--force", "-f", is_flag=True, help="Replace a request that is there.")
@draft_options
def timestamp(
    dump: str,
    signature: str | None,
    response: str | None,
    trusted: str | None,
    force: bool,
    quiet: bool,
    **options: Unpack[ReadOptions],
) -> int:
    """Have a dump dated by a time stamp authority (RFC 3161), and check its answer.

    Without --response, DUMP.statement.tsq is written: a request to date the statement about the
    dump (see `msl sign`), or with --signature its signature. Nothing is sent: you send it to the
    authority of your choice. With --response its answer is held against the dump, offline, with the
    certificates of --trusted; `msl verify --timestamp` does the same beside everything else.

    \b
    Example:
      msl timestamp dump.msl
      curl -s -H 'Content-Type: application/timestamp-query' --data-binary \\
        @dump.msl.statement.tsq https://tsa.example/tsr -o dump.msl.statement.tsr
      msl timestamp dump.msl --response dump.msl.statement.tsr --trusted ca.pem

    Exit codes: 0 the request is written, or the answer holds; 1 DUMP is not intact, or the answer
    does not hold for it; 2 a request is there already; 3 something can't be read; 4 nobody said
    whose time stamps count (--trusted); 5 DUMP is encrypted, and no key or a wrong one.
    """
    if trusted is not None and response is None:
        raise click.UsageError("--trusted goes with --response")
    place = f"{dump}{SUFFIX}.tsq"
    if response is None:
        check_new(place, force)
    text, refused = stated(dump, options)
    if refused is not None:
        return refused
    signed = None if signature is None else _read(signature)
    if response is not None:
        return _checked(dump, text, signed, response, trusted)
    from ..signing import make_request

    request = make_request(text if signed is None else signed)
    statement = written(dump, text)
    with whole_file(place, force=force, secret=False) as file:
        file.write(request)
    if not quiet:
        note(f"msl: {signature or statement}: to be dated by whom you send {place}")
    return Exit.FINE


def _checked(
    dump: str, text: bytes, signed: bytes | None, response: str, trusted: str | None
) -> int:
    """Hold an answer against the dump, and print what it says."""
    from ..signing import read_response

    messages = {"the statement": text, **({} if signed is None else {"the signature": signed})}
    roots = None if trusted is None else _read(trusted)
    try:
        what, dated = read_response(_read(response), messages, roots, response)
    except SignatureError as error:
        if not error.disproved:
            raise
        note(f"msl: {error}")
        return Exit.FINDINGS
    with whoever_reads():
        click.echo(f"{dump}: {what}: {dated.when.isoformat()}, by {dated.by}")
    if dated.trusted:
        return Exit.FINE
    note(f"msl: {response}: its signature was not checked: nobody said whom to trust (--trusted)")
    return Exit.INCOMPLETE


def _read(path: str) -> bytes:
    with Path(path).open("rb") as file:
        return file.read(_LONGEST + 1)
