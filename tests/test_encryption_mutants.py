"""Changed encrypted files are refused; changed plaintext under a good tag is read as any other."""

from __future__ import annotations

import os
import random
from typing import Any

import pytest
from independent import encryption as by_hand
from independent import wire
from mutations import mutated

import msl_construct
from msl_construct.document.render import Renderer
from msl_construct.encryption import Keys
from msl_construct.errors import MslError

pytest.importorskip("cryptography")

MUTANTS = int(os.environ.get("MSL_FUZZ", "2000")) // 4


def opened(data: bytes, key: Any = by_hand.KEY) -> Any:
    """What a file shows, or that it was refused on purpose."""
    try:
        with msl_construct.open(data, key=key, max_inflate=1 << 20) as dump:
            view = bytes(dump.source.view(0, dump.size or 0))
            document = Renderer().document(dump)
            verdict = dump.verify()
            return view, document["blocks"], verdict.intact
    except MslError:
        return None


@pytest.mark.parametrize("cipher", [by_hand.GCM, by_hand.XCHACHA], ids=["gcm", "xchacha"])
def test_changed_ciphertext_is_never_shown(cipher: int) -> None:
    data = by_hand.EncryptedBuilder(enc_algo=cipher).small().sealed()
    right = opened(data)
    assert right is not None
    rng = random.Random(f"encrypted {cipher}")
    refused = 0
    for number in range(MUTANTS):
        other = bytearray(data)
        for _ in range(rng.choice((1, 1, 2, 8))):
            other[rng.randrange(len(other))] ^= 1 << rng.randrange(8)
        if rng.random() < 0.2:
            del other[rng.randrange(64, len(other)) :]
        elif rng.random() < 0.2:
            other += rng.randbytes(rng.randrange(1, 200))
        found = opened(bytes(other))
        if bytes(other) == data:
            continue
        refused += found is None
        if found is not None:  # what the tag covers is all there, and something behind it
            assert found[1] == right[1], number
    assert refused > 0.9 * MUTANTS


def test_plaintext_that_somebody_with_the_key_has_changed() -> None:
    """What is authentic need not be a dump: it is read like a file that is not encrypted."""
    builder = by_hand.EncryptedBuilder().small()
    builder.add(wire.KEY_HINT, wire.key_hint("<"))
    builder.end_segment()
    plain = builder.data()
    seen = 0
    for number in range(MUTANTS):
        other = mutated(f"plaintext {number}", [plain])
        builder.parts = [plain[:128], other[128:] or b"\0"]
        found = opened(builder.sealed())
        assert found is not None, number
        seen += len(found[1]) > 1
    assert seen > MUTANTS // 10


def test_headers_that_cost_nothing() -> None:
    """Whatever a header asks for to derive a key: no more than is allowed."""
    rng = random.Random("headers")
    keys = Keys(passphrase=b"x", max_kdf_memory=1 << 20)
    data = by_hand.EncryptedBuilder(kdf_type=1, kdf_time=1, kdf_memory=8).small().sealed()
    for _ in range(MUTANTS // 4):
        other = bytearray(data)
        for _ in range(4):
            other[rng.randrange(0x40, 0x80)] = rng.randrange(256)
        assert opened(bytes(other), keys) is None
