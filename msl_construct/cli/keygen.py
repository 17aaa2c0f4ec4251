"""``msl keygen``."""

from __future__ import annotations

import os

import click

from .common import Exit, command, note
from .written_file import check_new, write_new

__all__ = ["keygen"]

_KINDS = {
    "x25519": "x25519",
    "ml-kem-768": "ml_kem_768",
    "ml-kem-1024": "ml_kem_1024",
    "x25519-ml-kem-768": "x25519_ml_kem_768",
}
_RAW = "raw"
_PUBLIC = ".pub"


@command()
@click.option(
    "--kind",
    type=click.Choice([*_KINDS, _RAW]),
    default="x25519-ml-kem-768",
    show_default=True,
    help="What to make: a pair of keys, or a raw key.",
)
@click.option(
    "--output",
    "-o",
    metavar="KEY",
    required=True,
    help="File of the key; KEY.pub is the public one.",
)
@click.option("--force", "-f", is_flag=True, help="Replace them if they exist.")
def keygen(kind: str, output: str, force: bool, quiet: bool) -> int:
    """Make a key for encrypted dumps: a private key and its public key, or a raw key.

    Who encrypts needs the public key alone (--public-key), who opens the file the private one
    (--private-key). It is written as PEM, for its owner only, and under no passphrase. A raw key
    does both (--key-file).

    \b
    Example:
      msl keygen -o examiner.pem
      msl keygen --kind raw -o case.key

    Exit codes: 0 fine; 2 KEY or KEY.pub exists; 3 it can't be written; 5 the package cryptography
    is missing, or too old for ML-KEM.
    """
    check_new(output, force)
    if kind == _RAW:
        write_new(output, force, lambda file: file.write(os.urandom(32)))
    else:
        from ..encryption.public_keys import generated_pair

        check_new(output + _PUBLIC, force)
        private, public = generated_pair(_KINDS[kind])
        write_new(output, force, lambda file: file.write(private))
        write_new(output + _PUBLIC, force, lambda file: file.write(public), secret=False)
    if not quiet:
        also = "" if kind == _RAW else f", its public key to {output}{_PUBLIC}"
        note(f"msl: a key was written to {output}{also}")
    return Exit.FINE
