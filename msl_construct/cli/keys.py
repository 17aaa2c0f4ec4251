"""Options that say which key opens an encrypted file; none takes the key itself."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar

import click

from ..errors import EncryptedError

if TYPE_CHECKING:
    from ..encryption import Keys

__all__ = ["KeyOptions", "key_options", "keys_of"]

F = TypeVar("F", bound=Callable[..., object])

_asked: list[bytes] = []
"""The passphrase that was typed, so that it is for all files of a command."""


class KeyOptions(TypedDict, total=False):
    """What `key_options` adds to a command."""

    key_file: str | None
    passphrase_file: str | None
    passphrase_env: str | None
    private_key: str | None
    ask_passphrase: bool | None
    max_kdf_memory: int | None


_NAMES = tuple(KeyOptions.__annotations__)


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
    found = keys.Keys()
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


def _from_environment(name: str) -> bytes:
    value = os.environ.get(name)
    if not value:
        raise EncryptedError(f"--passphrase-env {name}: there is no such variable, or it is empty")
    return os.fsencode(value)


def _asked_for() -> bytes:
    """What somebody types, unseen; asked once."""
    if not _asked:
        try:
            typed = getpass.getpass("Passphrase: ", stream=sys.stderr)
        except EOFError:
            typed = ""
        if not typed:
            raise EncryptedError("no passphrase was typed")
        _asked.append(typed.encode("utf-8", "surrogateescape"))
    return _asked[0]
