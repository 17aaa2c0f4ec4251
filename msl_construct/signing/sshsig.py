"""Signatures as OpenSSH makes them (PROTOCOL.sshsig), with Ed25519 keys."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import subprocess
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..abbreviated import abbreviated
from ..errors import SignatureError

__all__ = [
    "NAMESPACE",
    "Signature",
    "fingerprint",
    "read_signature",
    "sign",
    "sign_with_ssh_keygen",
]

NAMESPACE = "msl-dump"
"""What the signatures are for: one that was made for something else is none of a dump."""

_MAGIC, _VERSION = b"SSHSIG", 1
_TYPE = b"ssh-ed25519"
_HASHES = {b"sha512": hashlib.sha512, b"sha256": hashlib.sha256}
_BEGIN, _END = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"
_LONGEST = 1 << 16
_WIDTH = 70
_KEY, _SIGNED = 32, 64


@dataclass(frozen=True)
class Signature:
    """A signature, read and not yet believed.

    Attributes:
        public_key: as it stands in authorized_keys, without base64.
        namespace: what it was made for.
        hash_name: how the message was hashed.
        value: the Ed25519 signature.
    """

    public_key: bytes
    namespace: str
    hash_name: bytes
    value: bytes

    def holds(self, message: bytes) -> bool:
        """Whether the owner of the key signed this message, as one of a dump.

        Raises:
            SignatureError: cryptography is missing.
        """
        library = _library()
        if self.namespace != NAMESPACE:
            return False
        key = library.Ed25519PublicKey.from_public_bytes(_raw_key(self.public_key))
        try:
            key.verify(self.value, _signed(message, self.hash_name))
        except library.InvalidSignature:
            return False
        return True


def fingerprint(public_key: bytes) -> str:
    """A key as people compare it: ``SHA256:…``."""
    digest = base64.b64encode(hashlib.sha256(public_key).digest()).decode()
    return f"SHA256:{digest.rstrip('=')}"


def sign(message: bytes, key_file: Path, passphrase: Callable[[], bytes]) -> str:
    """Sign a message; the text of the signature's file.

    Args:
        key_file: a private Ed25519 key, as OpenSSH or PEM has it.
        passphrase: asked if the key is encrypted.

    Raises:
        SignatureError: it is no such key, or can't be opened.
        OSError: it can't be read.
    """
    library = _library()
    with key_file.open("rb") as file:
        raw = file.read(_LONGEST + 1)
    if len(raw) > _LONGEST:
        raise SignatureError(f"{key_file}: no private key: more than {_LONGEST} bytes")
    key = _private_key(library, raw, str(key_file), passphrase)
    public = _string(_TYPE) + _string(key.public_key().public_bytes_raw())
    value = key.sign(_signed(message, b"sha512"))
    blob = (
        _MAGIC
        + _VERSION.to_bytes(4, "big")
        + _string(public)
        + _string(NAMESPACE.encode())
        + _string(b"")
        + _string(b"sha512")
        + _string(_string(_TYPE) + _string(value))
    )
    lines = textwrap.wrap(base64.b64encode(blob).decode(), _WIDTH)
    return "\n".join((_BEGIN, *lines, _END)) + "\n"


def sign_with_ssh_keygen(message: bytes, key_file: Path) -> str:
    """The same by ``ssh-keygen -Y sign``: for keys of an agent or a token, by their public half.

    Raises:
        SignatureError: it is not there, or can't do it.
    """
    command = ["ssh-keygen", "-q", "-Y", "sign", "-n", NAMESPACE, "-f", os.fspath(key_file)]
    try:
        done = subprocess.run(command, input=message, capture_output=True, check=False)
    except OSError as error:
        raise SignatureError(f"ssh-keygen: {error.strerror}") from None
    if done.returncode or _BEGIN.encode() not in done.stdout:
        said = " ".join(done.stderr.decode(errors="replace").split())
        raise SignatureError(f"ssh-keygen: {said or f'exit code {done.returncode}'}")
    return done.stdout.decode()


def read_signature(raw: bytes, name: str = "") -> Signature:
    """The signature that a file holds.

    Raises:
        SignatureError: none that can be read, or of another kind of key.
    """
    if len(raw) > _LONGEST:
        raise SignatureError(f"{name}: no signature of OpenSSH: more than {_LONGEST} bytes")
    lines = raw.decode("ascii", "replace").split()
    text = " ".join(lines)
    if not text.startswith(_BEGIN) or not text.endswith(_END):
        raise SignatureError(f"{name}: no signature of OpenSSH: expected {_BEGIN}")
    try:
        body = text[len(_BEGIN) : -len(_END)].replace(" ", "")
        blob = base64.b64decode(body, validate=True)
        if blob[: len(_MAGIC)] != _MAGIC or blob[6:10] != _VERSION.to_bytes(4, "big"):
            raise ValueError("its beginning is another one")
        fields, rest = _strings(blob[10:], 5)
        key, namespace, _, hash_name, signature = fields
        (kind, value), behind = _strings(signature, 2)
        if rest or behind:
            raise ValueError("there are bytes behind it")
        if kind != _TYPE or len(value) != _SIGNED:
            raise ValueError(f"made with a key of type {abbreviated(kind)}, not {_TYPE.decode()}")
        if hash_name not in _HASHES:
            raise ValueError(f"hashed with {abbreviated(hash_name)}: expected sha512 or sha256")
        _raw_key(key)
        return Signature(key, namespace.decode(), hash_name, value)
    except (ValueError, binascii.Error) as error:
        raise SignatureError(f"{name}: no signature that can be checked: {error}") from None


def _signed(message: bytes, hash_name: bytes) -> bytes:
    """What is signed in fact."""
    digest = _HASHES[hash_name](message).digest()
    return _MAGIC + b"".join(map(_string, (NAMESPACE.encode(), b"", hash_name, digest)))


def _string(value: bytes) -> bytes:
    return len(value).to_bytes(4, "big") + value


def _strings(raw: bytes, count: int) -> tuple[list[bytes], bytes]:
    """So many strings, and what stands behind them.

    Raises:
        ValueError: they are not there.
    """
    found = []
    for _ in range(count):
        size = int.from_bytes(raw[:4], "big")
        if len(raw) < 4 + size:
            raise ValueError("it ends too early")
        found.append(raw[4 : 4 + size])
        raw = raw[4 + size :]
    return found, raw


def _raw_key(public_key: bytes) -> bytes:
    """The 32 bytes of an Ed25519 key.

    Raises:
        ValueError: it is another one.
    """
    (kind, key), rest = _strings(public_key, 2)
    if kind != _TYPE or len(key) != _KEY or rest:
        raise ValueError(f"a key of type {abbreviated(kind)}: expected {_TYPE.decode()}")
    return key


def _private_key(library: Any, raw: bytes, name: str, passphrase: Callable[[], bytes]) -> Any:
    load = library.load_ssh_private_key if b"OPENSSH" in raw else library.load_pem_private_key
    try:
        try:
            key = load(raw, None)
        except TypeError:  # it is encrypted
            key = load(raw, passphrase())
        except ValueError as error:
            if "encrypt" not in str(error).lower() and "password" not in str(error).lower():
                raise
            key = load(raw, passphrase())
    except (ValueError, TypeError, library.UnsupportedAlgorithm) as error:
        raise SignatureError(
            f"{name}: no private key that can be used: {error}; ssh-keygen may open it "
            "(--ssh-keygen)"
        ) from None
    if not isinstance(key, library.Ed25519PrivateKey):
        raise SignatureError(f"{name}: expected an Ed25519 key (ssh-keygen -t ed25519)")
    return key


class _Library:
    """What is used of cryptography."""

    def __init__(self) -> None:
        from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.ed25519 import (
            Ed25519PrivateKey,
            Ed25519PublicKey,
        )
        from cryptography.hazmat.primitives.serialization import (
            load_pem_private_key,
            load_ssh_private_key,
        )

        self.InvalidSignature = InvalidSignature
        self.UnsupportedAlgorithm = UnsupportedAlgorithm
        self.Ed25519PrivateKey = Ed25519PrivateKey
        self.Ed25519PublicKey = Ed25519PublicKey
        self.load_pem_private_key = load_pem_private_key
        self.load_ssh_private_key = load_ssh_private_key


def _library() -> _Library:
    try:
        return _Library()
    except ImportError:
        raise SignatureError(
            "signatures need cryptography: pip install 'msl-construct[crypto]'"
        ) from None
