"""Under Wine: what one system makes with keys, clocks and names of its own, the other reads."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import NamedTuple, Protocol

import commands
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from sampling import sampled
from windows.environment import ROOT
from windows.targets import Runner

SAMPLE = ROOT / "samples" / "regions-1.1.msl"
RELATED = {
    "block_type": "related_dump",
    "payload": {
        "related_dump_uuid": "8c2f7e10-93a4-4d5b-a1c6-0b7d2e4f6a81",
        "related_pid": 7,
        "relationship": "parent",
    },
}


class Command(Protocol):
    """Runs ``msl`` in the folder: its exit code, and what it has said."""

    def __call__(self, *words: str) -> tuple[int, bytes]: ...


class Systems(NamedTuple):
    """Who makes something, and who reads it."""

    makes: Command
    reads: Command


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ways")
    shutil.copy(SAMPLE, folder / "a.msl")
    return folder


@pytest.fixture(scope="module", params=["made there", "made here"])
def systems(request: pytest.FixtureRequest, under_wine: Runner, folder: Path) -> Systems:
    def there(*words: str) -> tuple[int, bytes]:
        answer = under_wine(*words)
        return answer.code, answer.out + answer.err.encode()

    def here(*words: str) -> tuple[int, bytes]:
        done = commands.run(*words, folder=folder)
        out, err = (s if isinstance(s, bytes) else s.encode() for s in (done.stdout, done.stderr))
        return done.returncode, out + err

    return Systems(there, here) if request.param == "made there" else Systems(here, there)


def fine(answer: tuple[int, bytes]) -> bytes:
    assert answer[0] == 0, answer
    return answer[1]


@sampled("kind")
@pytest.mark.parametrize("kind", ["x25519", "x25519-ml-kem-768", "raw", "passphrase"])
def test_encrypted(systems: Systems, folder: Path, kind: str) -> None:
    if kind == "passphrase":
        (folder / "phrase").write_bytes("ein Satz ä 名\n".encode())
        public = private = ("--passphrase-file", "phrase")
    else:
        fine(systems.makes("keygen", "--kind", kind, "-f", "-o", "key"))
        private = ("--key-file" if kind == "raw" else "--private-key", "key")
        public = private if kind == "raw" else ("--public-key", "key.pub")
    fine(systems.makes("encrypt", "a.msl", "-f", "-o", "sealed.msl", *public))
    assert systems.reads("verify", "sealed.msl")[0] == 5
    fine(systems.reads("verify", "sealed.msl", *private))
    fine(systems.reads("decrypt", "sealed.msl", "-f", "-o", "plain.msl", *private))
    fine(systems.makes("decrypt", "sealed.msl", "-f", "-o", "again.msl", *private))
    assert (folder / "plain.msl").read_bytes() == (folder / "again.msl").read_bytes()
    shown = ("--json", "--show", "regions")
    there, here = (
        json.loads(fine(command("inspect", name, *shown)))["regions"]
        for command, name in ((systems.reads, "plain.msl"), (systems.makes, "a.msl"))
    )
    assert there == here


def test_signed_and_dated(systems: Systems, folder: Path) -> None:
    key = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    (folder / "signing.pem").write_bytes(key)
    fine(systems.makes("sign", "a.msl", "--signing-key", "signing.pem", "-f"))
    made = (folder / "a.msl.statement.sig").read_bytes()
    # Nobody says yet whose the key is: that is not looked at, and not wrong.
    assert systems.reads("verify", "a.msl", "--signature", "a.msl.statement.sig")[0] in (0, 4)
    fine(systems.reads("sign", "a.msl", "--signing-key", "signing.pem", "-f"))
    assert (folder / "a.msl.statement.sig").read_bytes() == made
    (folder / "a.msl.statement.tsq").unlink(missing_ok=True)
    fine(systems.makes("timestamp", "a.msl", "-f"))
    statement = (folder / "a.msl.statement").read_bytes()
    asked = (folder / "a.msl.statement.tsq").read_bytes()
    imprints = (hashlib.new(name, statement).digest() for name in ("sha256", "sha384", "sha512"))
    assert any(imprint in asked for imprint in imprints)


def test_appended(systems: Systems, folder: Path) -> None:
    before = (folder / "a.msl").read_bytes()
    (folder / "grown.msl").write_bytes(before)
    (folder / "doc.json").write_text(json.dumps({"document": 1, "blocks": [RELATED]}))
    fine(systems.makes("append", "grown.msl", "doc.json", "--draft", "draft-2026-10"))
    after = (folder / "grown.msl").read_bytes()
    assert after.startswith(before)
    assert len(after) > len(before)
    shown = json.loads(fine(systems.reads("inspect", "grown.msl", "--json")))
    *_, segment = shown["segments"]
    assert RELATED["block_type"] in {block["block_type"] for block in segment["blocks"]}


@sampled("form")
@pytest.mark.parametrize("form", ["elf-core", "minidump"])
def test_imported(systems: Systems, folder: Path, form: str) -> None:
    assert systems.makes("export", "a.msl", "--to", form, "-f", "-o", "core")[0] in (0, 4)
    ours, theirs = (
        command("import", "core", "-f", "-o", name, "--check")
        for command, name in ((systems.makes, "one.msl"), (systems.reads, "two.msl"))
    )
    assert ours[0] == theirs[0]
    assert ours[0] in (0, 4), ours
    assert (folder / "one.msl").stat().st_size == (folder / "two.msl").stat().st_size
