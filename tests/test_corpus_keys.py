"""Encrypted samples and their keys: what an independent decoder finds with them, and a run."""

from __future__ import annotations

import json
import struct
import sys
from pathlib import Path
from typing import Any

import pytest
from commands import PLACE, run
from comparing import assert_same
from independent import encryption as by_hand
from independent.decode import decode

from msl_construct.corpus import Manifest
from msl_construct.errors import HarnessError
from msl_construct.harness import run as run_samples

pytest.importorskip("cryptography")

MANIFEST = Manifest.load(PLACE / "samples")
KEYED = [sample for sample in MANIFEST if sample.key is not None]
INSPECT = f"{sys.executable} -m msl_construct inspect --json --with-data"
COMMANDS = {
    "raw": f"{INSPECT} {{}} --key-file {{key}}",
    "passphrase": f"{INSPECT} {{}} --passphrase-file {{key}}",
    "private": f"{INSPECT} {{}} --private-key {{key}}",
}


def content_key(data: bytes, kind: str, key: bytes) -> bytes:
    """By hand, from what opens a sample."""
    if kind == "raw":
        return key
    if kind == "passphrase":
        return by_hand.argon2id(key, data[64:128])
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

    (length,) = struct.unpack_from("<H", data, 0x4E)
    enclosed, secret, seed = data[128 : 128 + length], b"", key
    if len(key) % 64:
        public = X25519PublicKey.from_public_bytes(enclosed[:32])
        secret = X25519PrivateKey.from_private_bytes(key[:32]).exchange(public)
        enclosed, seed = enclosed[32:], key[32:]
    if seed:
        mlkem = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.mlkem")
        size = {1088: "768", 1568: "1024"}[len(enclosed)]
        owner = getattr(mlkem, f"MLKEM{size}PrivateKey").from_seed_bytes(seed)
        secret += owner.decapsulate(enclosed)
    return by_hand.hkdf(secret, data[0x18:0x28], b"MSL-CEK-v1")


def test_there_is_one_of_every_kind() -> None:
    assert {one.key.kind for one in KEYED if one.key is not None} == set(COMMANDS)
    documents = [MANIFEST.expected(one, opened=True) for one in KEYED]
    headers = [found["header"]["encryption"] for found in documents if found is not None]
    assert {one["enc_algo"] for one in headers} == {"aes_256_gcm", "xchacha20_poly1305"}
    assert {one["key_encap"] for one in headers} == {
        *("none", "x25519", "ml_kem_768", "ml_kem_1024", "x25519_ml_kem_768")
    }
    assert any(found["segments"] for found in documents if found is not None)


@pytest.mark.parametrize("sample", KEYED, ids=lambda one: one.name.rpartition("/")[2])
def test_the_document_of_who_opens_it_is_what_an_independent_decoder_finds(sample: Any) -> None:
    data = MANIFEST.data(sample)
    key = content_key(data, sample.key.kind, sample.key.data)
    expected = MANIFEST.expected(sample, opened=True)
    assert expected is not None
    found = decode(data, expected["file"]["name"], key=key)
    for part in (expected, *expected["segments"]):
        for block in part["blocks"]:
            block["payload"].get("page_data", {}).pop("data", None)  # of which it shows the place
    assert_same(expected, json.loads(json.dumps(found)), sample.name)


def test_a_decoder_is_given_the_keys() -> None:
    names = [one.name for one in KEYED]
    results = run_samples(MANIFEST, f"{INSPECT} {{}}", only=names, keyed=COMMANDS)
    assert results.ok
    assert {one.code for one in results} == {0}
    results = run_samples(MANIFEST, f"{INSPECT} {{}}", only=names)
    assert results.ok  # the header is all that is expected
    assert {one.code for one in results} == {5}
    some = {"raw": COMMANDS["raw"]}
    results = run_samples(MANIFEST, f"{INSPECT} {{}}", only=names, keyed=some)
    assert results.ok
    assert {one.code for one in results} == {0, 5}


def test_a_decoder_that_can_not_open_it_fails() -> None:
    names = [one.name for one in KEYED][:1]
    wrong = {"raw": f"{INSPECT} {{}} --passphrase-env HOME --quiet {{key}}"}
    assert not run_samples(MANIFEST, f"{INSPECT} {{}}", only=names, keyed=wrong).ok
    blind = {"raw": f"{INSPECT} {{}} --private-key {{key}}"}
    assert not run_samples(MANIFEST, f"{INSPECT} {{}}", only=names, keyed=blind).ok


@pytest.mark.parametrize("keyed", [{"none": "x {key}"}, {"raw": "x {}"}, {"raw": "'{key}"}])
def test_what_is_no_command_for_keys_is_refused(keyed: dict[str, str]) -> None:
    with pytest.raises(HarnessError):
        run_samples(MANIFEST, "true", only=[KEYED[0].name], keyed=keyed)


def test_the_command_takes_them(tmp_path: Path) -> None:
    words = ["samples", "run", "--samples", PLACE / "samples", "--only", KEYED[0].name]
    done = run(*words, "--decoder", f"{INSPECT} {{}}", "--with-key", f"raw={COMMANDS['raw']}", "-q")
    assert done.returncode == 0, done.stdout + done.stderr
    assert run(*words, "--decoder", "true", "--with-key", "raw").returncode == 2
