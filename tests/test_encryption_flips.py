"""One flipped bit of an encrypted file: every command that reads it ends with 1, without output."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from shutil import rmtree
from typing import Any, NamedTuple

import pytest
from commands import run
from independent import encryption as by_hand
from independent import wire
from sampling import part_of

import msl_construct
from msl_construct.encryption import Keys
from msl_construct.encryption.private_keys import PrivateKeys
from msl_construct.errors import TamperedError

pytest.importorskip("cryptography")

PASSPHRASE = b"peerpass"
KDF_MEMORY = 256 << 10
CHEAP = {"kdf_type": 1, "kdf_time": 1, "kdf_memory": 64, "kdf_lanes": 1}
SECRET = b"/opt/plaintext-that-nobody-may-see"
HEADER, EXTENSION = 64, 128
CODES = {"x25519": 1, "ml_kem_768": 2, "ml_kem_1024": 3, "x25519_ml_kem_768": 4}
KINDS = ("raw", "passphrase", *CODES)
COMMANDS = (
    "inspect {}",
    "inspect {} --json --with-data",
    "inspect {} --csv --show regions",
    "verify {}",
    "verify {} --json",
    "check {}",
    "check {} --format json",
    "read {} 0x7f0000000000 16",
    "search {} --text plain",
    "strings {}",
    "extract {} -o OUT --all",
    "diff {} {}",
    "recover {} -o OUT",
    "decrypt {} -o OUT",
    "convert {} -o OUT",
    "export {} --to elf-core -o OUT",
    "sign {} --signing-key none",
    "enrich {}",
    "append {} doc.yaml",
)


class Made(NamedTuple):
    """An encrypted file, what opens it, and the same as options of a command."""

    data: bytes
    keys: Keys
    options: tuple[str, ...]


def filled(builder: by_hand.EncryptedBuilder) -> bytes:
    builder.add(
        wire.PROCESS_IDENTITY, wire.process_identity("<", exe_path=SECRET, cmd_line=b"plain x")
    )
    builder.add(wire.MODULE_LIST_INDEX, wire.module_list_index("<", []))
    builder.add(wire.MEMORY_REGION, wire.memory_region("<", (0, 1, 0), page_size_log2=10))
    builder.end_capture(block_count=builder.count + 1)
    return builder.sealed()


def made(kind: str, folder: Path) -> Made:
    """A small file whose key is of a kind, its key in `folder`."""
    place = folder / f"{kind}.key"
    if kind == "raw":
        place.write_bytes(by_hand.KEY)
        return Made(
            filled(by_hand.EncryptedBuilder()), Keys(raw=by_hand.KEY), ("--key-file", place.name)
        )
    if kind == "passphrase":
        place.write_bytes(PASSPHRASE)
        builder = by_hand.EncryptedBuilder(**CHEAP)
        builder.key = by_hand.argon2id(PASSPHRASE, builder.extension)
        keys = Keys(passphrase=PASSPHRASE, max_kdf_memory=KDF_MEMORY, search=lambda text: True)
        options = ("--passphrase-file", place.name, "--max-kdf-memory", str(KDF_MEMORY))
        return Made(filled(builder), keys, options)
    mlkem = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.mlkem")
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    enclosed, secret, own, raw = b"", b"", {}, b""
    if "x25519" in kind:
        own["x25519"], other = X25519PrivateKey.generate(), X25519PrivateKey.generate()
        enclosed += other.public_key().public_bytes_raw()
        secret += other.exchange(own["x25519"].public_key())
        raw += own["x25519"].private_bytes_raw()
    if "ml_kem" in kind:
        half = kind[kind.index("ml_kem") :]
        own[half] = getattr(mlkem, f"MLKEM{half[7:]}PrivateKey").generate()
        found, text = own[half].public_key().encapsulate()
        enclosed, secret = enclosed + text, secret + found
        raw += own[half].private_bytes_raw()
    place.write_bytes(raw)
    if kind == "ml_kem_1024":  # a raw seed is one of ML-KEM-768 or ML-KEM-1024
        place.write_bytes(_pem(own[kind]))
    builder = by_hand.EncryptedBuilder(enclosed=enclosed, key_encap=CODES[kind])
    builder.key = by_hand.hkdf(secret, builder.header[0x18:0x28], b"MSL-CEK-v1")
    return Made(
        filled(builder), Keys(private=PrivateKeys(loaded=own)), ("--private-key", place.name)
    )


def _pem(key: Any) -> bytes:
    from cryptography.hazmat.primitives import serialization as form

    return bytes(
        key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
    )


def places(data: bytes) -> Iterator[tuple[str, int]]:
    """Every byte of the header, and bytes of each class behind it, with the name of the class."""
    enclosed = int.from_bytes(data[0x4E:0x50], "little")
    start = EXTENSION + enclosed
    for offset in range(EXTENSION):
        yield "header" if offset < HEADER else "encryption header", offset
    for part in range(8) if enclosed else ():
        yield "enclosed key", EXTENSION + (enclosed - 1) * part // 7
    for part in range(16):
        yield "ciphertext", start + (len(data) - by_hand.TAG - 1 - start) * part // 15
    for offset in range(len(data) - by_hand.TAG, len(data), 5):
        yield "tag", offset


def flipped(data: bytes, offset: int, bit: int) -> bytes:
    other = bytearray(data)
    other[offset] ^= 1 << bit
    return bytes(other)


@pytest.mark.parametrize("kind", KINDS)
def test_a_library_opens_none(kind: str, tmp_path: Path) -> None:
    """Every bit of the first bytes, one bit of each other place."""
    one = made(kind, tmp_path)
    with msl_construct.open(one.data, key=one.keys) as dump:
        assert dump.verify().intact
        assert SECRET.decode() in str(dump.blocks[0].payload)
    bits = random.Random(f"bits {kind}")
    cases = [(offset, bit) for offset in range(12) for bit in range(8)]
    cases += [(offset, bits.randrange(8)) for _, offset in places(one.data)]
    for offset, bit in part_of(cases, lambda case: case[0] // 16):
        with pytest.raises(TamperedError):
            dump = msl_construct.open(flipped(one.data, offset, bit), key=one.keys)
            pytest.fail(f"bit {bit} of {offset:#x} was changed and {dump!r} opened")


@pytest.mark.parametrize("kind", KINDS)
def test_every_command_ends_with_1(kind: str, tmp_path: Path) -> None:
    one = made(kind, tmp_path)
    (tmp_path / "doc.yaml").write_text("document: 1\nblocks: []\n")
    chance = random.Random(f"commands {kind}")
    first = chance.randrange(3)
    cases = list(places(one.data))[first::3]
    names = [COMMANDS[number % len(COMMANDS)] for number in range(len(cases))]
    chance.shuffle(names)
    for number, (offset, command) in part_of(
        list(enumerate(zip((offset for _, offset in cases), names))), lambda case: cases[case[0]][0]
    ):
        before = set(tmp_path.iterdir())
        place = tmp_path / f"{number}.msl"
        place.write_bytes(flipped(one.data, offset, chance.randrange(8)))
        words = [place.name if word == "{}" else word for word in command.split()]
        done = run(*words, *one.options, folder=tmp_path)
        what = (command, hex(offset), done)
        if not command.startswith(("check", "verify")):  # these have a line of each file
            assert done.stdout == b"", what
        assert SECRET not in done.stdout + done.stderr, what
        assert done.returncode == 1, what
        assert b"not intact" in done.stderr, what
        assert set(tmp_path.iterdir()) == {*before, place}, what
        assert place.read_bytes() != one.data
        place.unlink()


ADDED = b"a note that was sealed"


def added(data: bytes) -> bytes:
    """A sealed segment for the end of a file."""
    inner = by_hand.EncryptedBuilder()
    inner.parts = []
    inner.add(wire.KEY_HINT, wire.key_hint("<", note=ADDED), block_uuid=wire.uuid4(500))
    inner.segment_part, inner.segment_count = 0, 1
    inner.end_segment(block={"block_uuid": wire.uuid4(600)})
    return by_hand.seal_segment(data, by_hand.KEY, 1, inner.data(), bytes(range(12)) + bytes(12))


SEALED_COMMANDS = (*COMMANDS, "export {} --to csv -o OUT", "report {} -o OUT", "candidates {}")


SEAL_PLACES = (0, 4, 6, 8, 15, 16, 40, 63, 64, 100, -1)
"""Bytes of a Seal Header, of what stands behind it, and of its tag."""


def test_a_changed_sealed_segment_is_told_in_every_command(tmp_path: Path) -> None:
    """The capture before it is intact, and shown by those that show anything."""
    one = made("raw", tmp_path)
    (tmp_path / "doc.yaml").write_text("document: 1\nblocks: []\n")
    segment = added(one.data)
    chance = random.Random("sealed")
    for command, place in part_of(list(product(SEALED_COMMANDS, SEAL_PLACES)), lambda case: 0):
        data = one.data + flipped(segment, place, chance.randrange(8))
        (tmp_path / "bad.msl").write_bytes(data)
        words = ["bad.msl" if word == "{}" else word for word in command.split()]
        done = run(*words, *one.options, folder=tmp_path)
        what = (command, place, done)
        assert done.returncode == 1, what
        assert b"sealed segment" in done.stdout + done.stderr, what
        assert ADDED not in done.stdout + done.stderr, what
        assert (tmp_path / "bad.msl").read_bytes() == data
        for path in tmp_path.glob("OUT*"):
            files = [path] if path.is_file() else [f for f in path.rglob("*") if f.is_file()]
            assert not any(ADDED in f.read_bytes() for f in files), what
            path.unlink() if path.is_file() else rmtree(path)


def test_the_first_line_of_a_check_soothes_nobody(tmp_path: Path) -> None:
    one = made("raw", tmp_path)
    (tmp_path / "bad.msl").write_bytes(one.data + flipped(added(one.data), 70, 1))
    done = run("check", "bad.msl", *one.options, folder=tmp_path)
    assert done.returncode == 1, done
    first, *others = done.stdout.decode().splitlines()
    assert first.startswith("bad.msl: not intact; ")
    assert "no findings" not in done.stdout.decode()
    assert any(line.startswith("  not intact: ") for line in others), others


def test_a_sealed_segment_that_is_as_it_was(tmp_path: Path) -> None:
    one = made("raw", tmp_path)
    (tmp_path / "good.msl").write_bytes(one.data + added(one.data))
    done = run("inspect", "good.msl", "--json", *one.options, folder=tmp_path)
    assert done.returncode == 0, done
    assert ADDED in done.stdout


def _piped(data: bytes, one: Made, folder: Path) -> Any:
    return run("inspect", "-", *one.options, data=data, folder=folder)


@pytest.mark.parametrize("offset", [0, 7, 8, 9, 10, 11, 200])
def test_from_a_pipe(offset: int, tmp_path: Path) -> None:
    one = made("raw", tmp_path)
    done = _piped(flipped(one.data, offset, 1), one, tmp_path)
    assert (done.returncode, done.stdout) == (1, b""), done


def test_what_no_key_opens_is_no_dump(tmp_path: Path) -> None:
    """A header that can't be read is that of no dump (3), unless the key says otherwise."""
    one = made("raw", tmp_path)
    (tmp_path / "other.key").write_bytes(bytes(32))
    (tmp_path / "bad.msl").write_bytes(flipped(one.data, 3, 4))
    for words in ((), ("--key-file", "other.key")):
        assert run("inspect", "bad.msl", *words, folder=tmp_path).returncode == 3
    two = bytearray(one.data)
    two[0] ^= 1
    two[3] ^= 1
    assert _piped(bytes(two), one, tmp_path).returncode == 3


def test_recovering_what_is_encrypted(tmp_path: Path) -> None:
    """What stands under a tag that matches is there; a sealed segment that was changed is lost."""
    one = made("raw", tmp_path)
    (tmp_path / "whole.msl").write_bytes(one.data)
    assert run("recover", "whole.msl", "-o", "none.msl", folder=tmp_path).returncode == 5
    done = run("recover", "whole.msl", "-o", "good.msl", *one.options, folder=tmp_path)
    assert done.returncode == 4, done  # the new file is not encrypted, which is said
    assert b"lost:" not in done.stderr
    sealed = by_hand.seal_segment(one.data, by_hand.KEY, 1, bytes(100), bytes(24))
    (tmp_path / "more.msl").write_bytes(one.data + flipped(sealed, 70, 1))
    done = run("recover", "more.msl", "-o", "rest.msl", *one.options, folder=tmp_path)
    assert done.returncode == 1, done
    assert f"lost: {len(sealed)} bytes at {len(one.data):#x}".encode() in done.stderr
    for name in ("good.msl", "rest.msl"):
        with msl_construct.open(tmp_path / name) as dump:
            assert dump.verify().intact
            assert [region.base_addr for region in dump.regions] == [0x7F0000000000]
