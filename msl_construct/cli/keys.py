"""Options that say which key opens an encrypted file; none takes the key itself."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar

import click

from ..errors import ConformanceError, EncryptedError

if TYPE_CHECKING:
    from ..encryption import Keys
    from ..encryption.sealing import Encryption

__all__ = [
    "EncryptionOptions",
    "KeyOptions",
    "encryption_of",
    "encryption_options",
    "key_options",
    "keys_of",
]

F = TypeVar("F", bound=Callable[..., object])

_asked: list[bytes] = []
"""The passphrase that was typed, so that it is for all files of a command."""


_looked: list[str] = []
"""What was looked for, where a passphrase seemed wrong."""

_MOST_LOOKED = 3
"""Files for which that is done: a passphrase that was mistyped is wrong for all of a command."""


class KeyOptions(TypedDict, total=False):
    """What `key_options` adds to a command."""

    key_file: str | None
    passphrase_file: str | None
    passphrase_env: str | None
    private_key: str | None
    ask_passphrase: bool | None
    max_kdf_memory: int | None


_NAMES = tuple(KeyOptions.__annotations__)


_CIPHERS = {"aes-256-gcm": "aes_256_gcm", "xchacha20-poly1305": "xchacha20_poly1305"}
_KDF = ("kdf_time", "kdf_memory", "kdf_lanes")


class EncryptionOptions(TypedDict, total=False):
    """What `encryption_options` adds to a command."""

    key_file: str | None
    passphrase_file: str | None
    passphrase_env: str | None
    ask_passphrase: bool | None
    public_key: str | None
    cipher: str | None
    kdf_time: int | None
    kdf_memory: int | None
    kdf_lanes: int | None


_ENCRYPTION_NAMES = tuple(EncryptionOptions.__annotations__)


def key_options(function: F) -> F:
    """``--key-file`` and the others, which every command has that reads dumps."""
    options = (
        click.option(
            "--key-file",
            metavar="FILE",
            help="Raw key of an encrypted file: 32 bytes, or hexadecimal.",
        ),
        click.option(
            "--passphrase-file",
            metavar="FILE",
            help="Passphrase of an encrypted file, in a file or a pipe such as /dev/fd/3; a line "
            "end behind it does not count.",
        ),
        click.option(
            "--passphrase-env", metavar="NAME", help="The same, in an environment variable."
        ),
        click.option("--ask-passphrase", is_flag=True, help="The same, asked for on the terminal."),
        click.option(
            "--private-key",
            metavar="FILE",
            help="Private key of whom the file is encrypted for: PEM, or raw (X25519, ML-KEM, or "
            "both).",
        ),
        click.option(
            "--max-kdf-memory",
            type=click.IntRange(min=0),
            metavar="BYTES",
            help="Most memory that the key of a passphrase may take (1 GiB), at most 16 times "
            "over.",
        ),
    )
    for option in reversed(options):
        function = option(function)
    return function


def keys_of(options: dict[str, Any]) -> Keys | None:
    """The keys that were given, taken out of a command's options; None: there are none.

    Raises:
        EncryptedError: what was given can't be a key.
        OSError: a file can't be read.
    """
    given = {name: options.pop(name, None) for name in _NAMES}
    wanted = given["max_kdf_memory"]
    if not any(value for name, value in given.items() if name != "max_kdf_memory"):
        return None
    from ..encryption import keys, private_keys

    ways = ("passphrase_file", "passphrase_env", "ask_passphrase")
    if sum(bool(given[name]) for name in ways) > 1:
        raise click.UsageError("one passphrase, please: from a file, the environment or a prompt")
    found = keys.Keys(search=_may_look)
    if wanted is not None:
        found.max_kdf_memory = wanted
    if given["key_file"]:
        found.raw = keys.read_raw_key(given["key_file"])
    if given["private_key"]:
        found.private = private_keys.read_private_keys(given["private_key"])
    if given["passphrase_file"]:
        found.passphrase = keys.read_passphrase(given["passphrase_file"])
    elif given["passphrase_env"]:
        found.passphrase = _from_environment(given["passphrase_env"])
    elif given["ask_passphrase"]:
        found.passphrase = _asked_for
    return found


def _may_look(text: str) -> bool:
    """Whether to look for a changed bit where a passphrase seems wrong; who waits is told."""
    if len(_looked) >= _MOST_LOOKED:
        return False
    _looked.append(text)
    if sys.stderr is not None and sys.stderr.isatty():
        print(
            f"msl: it does not open the file; {text}, up to a minute (if it was mistyped: Ctrl-C)",
            file=sys.stderr,
        )
    return True


def encryption_options(function: F) -> F:
    """``--key-file`` and the others of a command that encrypts what it writes."""
    options = (
        click.option(
            "--key-file",
            metavar="FILE",
            help="Encrypt with this raw key: 32 bytes, or hexadecimal.",
        ),
        click.option(
            "--passphrase-file",
            metavar="FILE",
            help="Encrypt by this passphrase, in a file or a pipe such as /dev/fd/3; a line end "
            "behind it does not count.",
        ),
        click.option(
            "--passphrase-env", metavar="NAME", help="The same, in an environment variable."
        ),
        click.option(
            "--ask-passphrase", is_flag=True, help="The same, asked for on the terminal, twice."
        ),
        click.option(
            "--public-key",
            metavar="FILE",
            help="Encrypt for the owner of the private key to this one; see msl keygen.",
        ),
        click.option(
            "--cipher",
            type=click.Choice(list(_CIPHERS)),
            help="Cipher of the blocks (aes-256-gcm).",
        ),
        click.option(
            "--kdf-time", type=int, metavar="N", help="Passes to derive a key of a passphrase (3)."
        ),
        click.option(
            "--kdf-memory", type=int, metavar="KIB", help="Memory for it, in KiB (65536)."
        ),
        click.option("--kdf-lanes", type=int, metavar="N", help="Lanes for it (4)."),
    )
    for option in reversed(options):
        function = option(function)
    return function


def encryption_of(options: dict[str, Any]) -> Encryption | None:
    """What was asked for, taken out of a command's options; None: nothing was.

    Raises:
        click.UsageError: it is not one key, or less than the draft demands.
        EncryptedError: what was given can't be a key.
        OSError: a file can't be read.
    """
    given = {name: options.pop(name, None) for name in _ENCRYPTION_NAMES}
    ways = ("key_file", "public_key", "passphrase_file", "passphrase_env", "ask_passphrase")
    chosen = [name for name in ways if given[name]]
    words = {name: given[name] for name in _KDF if given[name] is not None}
    if not chosen:
        if words or given["cipher"]:
            raise click.UsageError("with which key? --key-file, --passphrase-file or --public-key")
        return None
    if len(chosen) > 1:
        raise click.UsageError("one key, please: --key-file, --passphrase-... or --public-key")
    from ..encryption import keys, public_keys
    from ..encryption.sealing import Encryption

    made: dict[str, Any] = {"cipher": _CIPHERS[given["cipher"] or "aes-256-gcm"], **words}
    if given["key_file"]:
        made["raw"] = keys.read_raw_key(given["key_file"])
    elif given["public_key"]:
        made["public"] = public_keys.read_public_keys(given["public_key"])
    elif given["passphrase_file"]:
        made["passphrase"] = keys.read_passphrase(given["passphrase_file"])
    elif given["passphrase_env"]:
        made["passphrase"] = _from_environment(given["passphrase_env"])
    else:
        made["passphrase"] = _asked_for(twice=True)
    try:
        return Encryption(**made)
    except ConformanceError as error:
        raise click.UsageError(str(error)) from None


def _from_environment(name: str) -> bytes:
    value = os.environ.get(name)
    if not value:
        raise EncryptedError(f"--passphrase-env {name}: there is no such variable, or it is empty")
    return os.fsencode(value)


def _asked_for(twice: bool = False) -> bytes:
    """What somebody types, unseen; asked once, or twice if nobody could tell a slip otherwise."""
    if not _asked:
        try:
            typed = getpass.getpass("Passphrase: ", stream=sys.stderr)
            if twice and typed != getpass.getpass("Once more: ", stream=sys.stderr):
                raise EncryptedError("two passphrases were typed that are not the same")
        except EOFError:
            typed = ""
        if not typed:
            raise EncryptedError("no passphrase was typed")
        _asked.append(typed.encode("utf-8", "surrogateescape"))
    return _asked[0]
