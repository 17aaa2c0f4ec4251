"""``msl sign``."""

from __future__ import annotations

import getpass
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import SignatureError
from ..outputs import whole_file
from .common import Exit, command, draft_options, note
from .stating import stated, written
from .vouching import SUFFIX
from .written_file import check_new

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .common import ReadOptions

__all__ = ["sign"]


@command()
@click.argument("dump", metavar="DUMP")
@click.option(
    "--signing-key",
    metavar="FILE",
    required=True,
    help="Private Ed25519 key, as ssh-keygen or PEM has it; its passphrase is asked for.",
)
@click.option(
    "--signing-passphrase-env",
    metavar="NAME",
    help="Environment variable with the passphrase of the signing key.",
)
@click.option(
    "--ssh-keygen",
    "by_ssh_keygen",
    is_flag=True,
    help="Let ssh-keygen sign: with a key of its agent or of a token, named by its public half.",
)
@click.option("--force", "-f", is_flag=True, help="Replace a signature that is there.")
@draft_options
def sign(
    dump: str,
    signing_key: str,
    signing_passphrase_env: str | None,
    by_ssh_keygen: bool,
    force: bool,
    quiet: bool,
    **options: Unpack[ReadOptions],
) -> int:
    """Sign a dump: beside it, in the format of OpenSSH.

    DUMP.statement is a short text with its DumpUUID, size and FileHash, and BLAKE3 and SHA-256 of
    the whole file; DUMP.statement.sig is the signature of that text, in the namespace msl-dump. The
    dump is verified first: one that is not intact is not signed. Anybody checks the signature with
    `msl verify`, or with OpenSSH alone.

    \b
    Example:
      msl sign dump.msl --signing-key ~/.ssh/id_ed25519
      msl verify dump.msl --signature dump.msl.statement.sig --signers allowed_signers
      ssh-keygen -Y verify -f allowed_signers -I examiner@lab -n msl-dump \\
        -s dump.msl.statement.sig < dump.msl.statement

    Exit codes: 0 signed; 1 DUMP is not intact; 2 a signature is there already; 3 DUMP or the key
    can't be read, or a statement about something else is there; 5 DUMP is encrypted, and no key
    or a wrong one.
    """
    from ..signing import sign as made
    from ..signing import sign_with_ssh_keygen

    place = f"{dump}{SUFFIX}.sig"
    check_new(place, force)
    text, refused = stated(dump, options)
    if refused is not None:
        note(f"msl: {dump}: is not signed")
        return refused
    key = Path(signing_key)
    if by_ssh_keygen:
        signature = sign_with_ssh_keygen(text, key)
    else:
        signature = made(text, key, lambda: _passphrase(signing_key, signing_passphrase_env))
    statement = written(dump, text)
    with whole_file(place, force=force, secret=False) as file:
        file.write(signature.encode())
    if not quiet:
        note(f"msl: {statement}: signed in {place}")
    return Exit.FINE


def _passphrase(key: str, name: str | None) -> bytes:
    """The passphrase of the signing key.

    Raises:
        SignatureError: there is none.
    """
    if name is not None:
        if name not in os.environ:
            raise SignatureError(f"{key}: {name}: no such environment variable")
        return (
            os.environb[name.encode()] if os.supports_bytes_environ else os.environ[name].encode()
        )
    try:
        return getpass.getpass(f"Passphrase of {key}: ").encode()
    except (EOFError, OSError):
        raise SignatureError(
            f"{key}: is encrypted: name its passphrase (--signing-passphrase-env)"
        ) from None
