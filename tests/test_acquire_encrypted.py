"""Dumps that are encrypted while they are acquired."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from acquire_targets import target
from acquiring import acquire, linux_only
from commands import run
from independent.decode import decode
from independent.encryption import argon2id

import msl_construct
from msl_acquire.options import Options
from msl_construct.encryption.sealing import Encryption
from msl_construct.errors import TargetError

pytest.importorskip("cryptography")

pytestmark = linux_only


@pytest.mark.parametrize("compress", ["none", "zstd"])
def test_a_process(compress: str, tmp_path: Path) -> None:
    (tmp_path / "pass").write_text("a long secret\n")
    out = tmp_path / "out.msl"
    with target("e2e_counter", "2", "64", "8", "100") as (process, _):
        acquire(
            process.pid, "-o", out, "--compress", compress,
            "--encrypt", "--passphrase-file", tmp_path / "pass",
        )  # fmt: skip
    data = out.read_bytes()
    found = decode(data, key=argon2id(b"a long secret", data[64:128]))
    assert found["trailing"] is None
    assert found["blocks"][-1]["block_type"] == "end_of_capture"
    assert found["header"]["encryption"]["cipher_len"] == len(data) - 144
    text = (tmp_path / "out.msl.report.json").read_text()
    assert "a long secret" not in text
    report = json.loads(text)
    assert report["dump"]["encryption"] == {"cipher": "aes_256_gcm", "opened_by": "passphrase"}
    done = run(
        "verify", out, "--report", f"{out}.report.json", "--passphrase-file", tmp_path / "pass"
    )
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
    assert b"agrees: dump_uuid, file_hash, size, blake3, sha256" in done.stdout
    with pytest.raises(msl_construct.errors.WrongKeyError):
        msl_construct.open(out, key="another secret")


def test_a_key_and_the_word_belong_together(tmp_path: Path) -> None:
    (tmp_path / "pass").write_text("x\n")
    for words in (
        ("--encrypt",),
        ("--passphrase-file", "pass"),
        ("--encrypt", "--passphrase-file", "pass", "--kdf-time", "1"),
        ("--encrypt", "--passphrase-file", "pass", "--draft", "draft-2026-03"),
    ):
        done = run("acquire", "1", "-o", "x.msl", *words, folder=tmp_path)
        assert done.returncode == 2, done.stderr.decode()
        assert not (tmp_path / "x.msl").exists()


def test_a_draft_without_encryption() -> None:
    with pytest.raises(TargetError, match="no encrypted files"):
        Options(draft="draft-2026-03", encryption=Encryption(raw=bytes(32)))
