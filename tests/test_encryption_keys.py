"""Keys that are enclosed: X25519, ML-KEM and both, in every form that a private key comes in."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from commands import one_line, run
from independent import encryption as by_hand
from independent import wire

import msl_construct
from msl_construct.encryption import Keys
from msl_construct.encryption.private_keys import PrivateKeys, read_private_keys
from msl_construct.errors import EncryptedError, TamperedError, WrongKeyError

pytest.importorskip("cryptography")

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import x25519

FILE = by_hand.EncryptedBuilder().small().sealed()
UUID = by_hand.EncryptedBuilder().header[0x18:0x28]
NAMES = {
    by_hand.X25519: "x25519",
    by_hand.ML_KEM_768: "ml_kem_768",
    by_hand.ML_KEM_1024: "ml_kem_1024",
    by_hand.HYBRID: "x25519_ml_kem_768",
}
KINDS = pytest.mark.parametrize("kind", NAMES, ids=NAMES.values())


class Recipient:
    """Private keys of a kind, and a file that is encrypted for them by hand."""

    def __init__(self, kind: int) -> None:
        self.kind = kind
        self.keys: list[Any] = []
        if kind in (by_hand.X25519, by_hand.HYBRID):
            self.keys.append(x25519.X25519PrivateKey.generate())
        if kind != by_hand.X25519:
            mlkem = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.mlkem")
            size = "1024" if kind == by_hand.ML_KEM_1024 else "768"
            self.keys.append(getattr(mlkem, f"MLKEM{size}PrivateKey").generate())

    def file(self, **options: Any) -> bytes:
        enclosed, secret = b"", b""
        for key in self.keys:
            if isinstance(key, x25519.X25519PrivateKey):
                own = x25519.X25519PrivateKey.generate()
                enclosed += own.public_key().public_bytes_raw()
                secret += own.exchange(key.public_key())
            else:
                shared, text = key.public_key().encapsulate()
                enclosed += text
                secret += shared
        key = by_hand.hkdf(secret, UUID, b"MSL-CEK-v1")
        builder = by_hand.EncryptedBuilder(
            key=key, enclosed=enclosed, key_encap=self.kind, **options
        )
        assert builder.header[0x18:0x28] == UUID
        return builder.small().sealed()

    def pem(self) -> bytes:
        return b"".join(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            for key in self.keys
        )

    def raw(self) -> bytes:
        return b"".join(key.private_bytes_raw() for key in self.keys)


@KINDS
@pytest.mark.parametrize("form", ["pem", "raw"])
def test_opened_with_the_private_key(kind: int, form: str, tmp_path: Path) -> None:
    recipient = Recipient(kind)
    write: Callable[[], bytes] = getattr(recipient, form)
    (tmp_path / "key").write_bytes(write())
    keys = Keys(private=read_private_keys(str(tmp_path / "key")))
    for algorithm in (by_hand.GCM, by_hand.XCHACHA):
        with msl_construct.open(recipient.file(enc_algo=algorithm), key=keys) as dump:
            verdict = dump.verify()
        assert str(verdict).startswith("intact and complete"), str(verdict)


@KINDS
def test_another_private_key(kind: int) -> None:
    data = Recipient(kind).file()
    with pytest.raises(WrongKeyError, match="the enclosed key"):
        msl_construct.open(data, key=Keys(private=_keys(Recipient(kind))))


@KINDS
def test_a_key_of_another_kind(kind: int) -> None:
    data = Recipient(kind).file()
    with pytest.raises(EncryptedError, match="--private-key"):
        msl_construct.open(data, key="passphrase")
    with pytest.raises(EncryptedError, match="private key of"):
        msl_construct.open(data, key=Keys(private=PrivateKeys()))


@KINDS
def test_a_changed_file(kind: int) -> None:
    recipient = Recipient(kind)
    data = bytearray(recipient.file())
    data[-100] ^= 1
    with pytest.raises(TamperedError, match="the key is right"):
        msl_construct.open(bytes(data), key=Keys(private=_keys(recipient)))


@pytest.mark.parametrize("length", [0, 31, 33, 1088])
def test_an_enclosed_key_of_another_length(length: int) -> None:
    """KEMCtLen is what the header says, whatever KeyEncap demands."""
    recipient = Recipient(by_hand.X25519)
    data = bytearray(recipient.file())
    data[0x4E:0x50] = length.to_bytes(2, "little")
    with pytest.raises((EncryptedError, TamperedError)):
        msl_construct.open(bytes(data), key=Keys(private=_keys(recipient)))


def test_files_that_hold_no_private_key(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives.asymmetric import ed25519

    signing = ed25519.Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    locked = x25519.X25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"x"),
    )
    (tmp_path / "a.msl").write_bytes(Recipient(by_hand.X25519).file())
    for content, text in (
        (signing, "Ed25519"),
        (locked, "take that off"),
        (b"nonsense", "expected a private key"),
        (b"-----BEGIN X-----\nAAAA\n-----END X-----\n", "expected a private key"),
    ):
        (tmp_path / "key").write_bytes(content)
        done = run("verify", "a.msl", "--private-key", "key", folder=tmp_path)
        assert done.returncode == 5
        assert text in one_line(done.stderr)


def _keys(recipient: Recipient) -> PrivateKeys:
    raw = recipient.raw()
    if recipient.kind == by_hand.X25519:
        return PrivateKeys(x25519=raw)
    if recipient.kind == by_hand.HYBRID:
        return PrivateKeys(x25519=raw[:32], seed=raw[32:])
    return PrivateKeys(seed=raw)


@pytest.mark.parametrize(
    ("missing", "text"),
    [("cryptography", "needs the package"), ("cryptography.hazmat.primitives.ciphers", "later")],
)
def test_without_the_library(
    missing: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line that says what to install, and nothing of it is imported for other files."""
    for name in list(sys.modules):
        if name == missing or name.startswith(f"{missing}."):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    data = by_hand.FileBuilder(wire.file_header(version=wire.V11))
    data.end_capture(block_count=1)
    with msl_construct.open(data.data(), key=bytes(32)) as dump:
        assert dump.complete
    with pytest.raises(EncryptedError, match=rf"{text}.*pip install.*msl-construct\[crypto\]"):
        msl_construct.open(FILE, key=by_hand.KEY)
