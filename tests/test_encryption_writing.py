"""Encrypted files that we write: read by hand, by ourselves and by somebody else."""

from __future__ import annotations

import io
import json
import os
import stat
import struct
import subprocess
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from commands import one_line, run
from independent import encryption as by_hand
from independent import wire
from independent.decode import decode
from independent.specimens import BE10, LE10, LE11, capture, start
from writing import header

import msl_construct
from msl_construct import Writer
from msl_construct.builder.region_plan import READ
from msl_construct.cli.group import cli
from msl_construct.encryption.public_keys import read_public_keys
from msl_construct.encryption.sealing import Encryption
from msl_construct.errors import ConformanceError
from msl_construct.hashing import UNHASHED, new_hasher

pytest.importorskip("cryptography")

DRAFT = "draft-2026-10"
PAGE = bytes(range(256)) * 16
CIPHERS = pytest.mark.parametrize("cipher", ["aes_256_gcm", "xchacha20_poly1305"])


class Pipe(io.RawIOBase):
    """Takes bytes, and can't seek."""

    def __init__(self) -> None:
        self.data = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.data += bytes(data)
        return len(data)


def fill(out: Writer) -> None:
    out.add_process_identity(exe_path="/bin/x", cmd_line="x")
    out.add_module_list_index([])
    out.add_memory_region(base_addr=0x1000, data=PAGE * 3, protection=["read"])
    with out.region(base_addr=0x10000, region_size=0x2000, protection=["read"]) as region:
        region.captured(PAGE)
        region.mark("failed")


def written(file: Any, encryption: Encryption, **options: Any) -> None:
    given = header("process_identity", "module_list", "memory_regions")
    with Writer(file, given, draft=DRAFT, encryption=encryption, **options) as out:
        fill(out)


@CIPHERS
@pytest.mark.parametrize("compression", [None, "zstd"])
def test_written_as_an_independent_decoder_reads_it(cipher: str, compression: str | None) -> None:
    file = io.BytesIO()
    written(file, Encryption(raw=by_hand.KEY, cipher=cipher), compression=compression)
    data = file.getvalue()
    found = decode(data, key=by_hand.KEY)
    assert found["trailing"] is None
    kinds = [block["block_type"] for block in found["blocks"]]
    assert kinds[0], kinds[-1] == ("process_identity", "end_of_capture")
    assert {block["prev_hash"] for block in found["blocks"]} == {"00" * 32}
    assert found["header"]["encryption"]["cipher_len"] == len(data) - 128 - 16
    with msl_construct.open(data, key=by_hand.KEY) as dump:
        assert str(dump.verify()).startswith("intact and complete")
        assert dump.memory.read(0x1000, 3 * len(PAGE)).data == PAGE * 3


def test_nothing_is_hashed_for_a_chain_of_zeros(monkeypatch: pytest.MonkeyPatch) -> None:
    """A region that is read into the output's buffers: FileHash is all that is taken of it."""
    pages = b"\x5a" * 8192

    def read(base: int, into: memoryview) -> None:
        into[:] = pages[: len(into)]

    asked: list[str] = []
    monkeypatch.setattr(
        "msl_construct.builder.feed.new_hasher",
        lambda algorithm: asked.append(algorithm) or new_hasher(algorithm),
    )
    for encryption, hashes in ((None, "blake3"), (Encryption(raw=by_hand.KEY), UNHASHED)):
        file = io.BytesIO()
        given = header("process_identity", "module_list", "memory_regions")
        options: dict[str, Any] = {"draft": DRAFT, "encryption": encryption, "overlapped": True}
        with Writer(file, given, **options) as out:
            out.add_process_identity(exe_path="/bin/x", cmd_line=None)
            out.add_module_list_index([])
            feed = out.feed()
            feed.add(0x1000, 1, "heap", [(2, READ)], read)
            feed.finish()
        assert asked.pop() == hashes
        with msl_construct.open(file.getvalue(), key=encryption and by_hand.KEY) as dump:
            assert dump.verify().intact
            assert bytes(dump.memory.read(0x1000, 8192).data) == pages


def test_to_a_pipe() -> None:
    pipe = Pipe()
    written(pipe, Encryption(raw=by_hand.KEY))
    data = bytes(pipe.data)
    assert decode(data, key=by_hand.KEY)["header"]["encryption"]["cipher_len"] == 0
    with msl_construct.open(data, key=by_hand.KEY) as dump:
        assert dump.verify().intact


def test_nonces_and_salts_are_never_the_same() -> None:
    files = []
    for _ in range(2):
        file = io.BytesIO()
        written(file, Encryption(raw=by_hand.KEY))
        files.append(file.getvalue())
    assert files[0][0x50:0x5C] != files[1][0x50:0x5C]
    assert files[0][0x5C:0x68] == bytes(12)


def test_a_file_that_was_given_up_is_authentic_and_incomplete() -> None:
    file = io.BytesIO()
    given = header("process_identity", "module_list", "memory_regions")
    with (
        pytest.raises(KeyError),
        Writer(file, given, draft=DRAFT, encryption=Encryption(raw=by_hand.KEY)) as out,
    ):
        out.add_process_identity(exe_path="/bin/x", cmd_line="x")
        raise KeyError
    with msl_construct.open(file.getvalue(), key=by_hand.KEY) as dump:
        assert [gap.kind for gap in dump.verify().gaps] == ["no_end_of_capture"]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({}, "found 0 of them"),
        ({"raw": bytes(32), "passphrase": b"x"}, "found 2 of them"),
        ({"raw": bytes(31)}, "expected 32 bytes"),
        ({"raw": bytes(32), "cipher": "rot13"}, "EncAlgo"),
        ({"passphrase": b""}, "empty"),
        ({"passphrase": b"x", "kdf_time": 2}, "kdf_time: expected at least 3"),
        ({"passphrase": b"x", "kdf_memory": 65535}, "kdf_memory: expected at least 65536"),
        ({"passphrase": b"x", "kdf_lanes": 3}, "kdf_lanes: expected at least 4"),
    ],
)
def test_what_is_refused(options: dict[str, Any], text: str) -> None:
    with pytest.raises(ConformanceError, match=text):
        Encryption(**options)


def test_a_draft_without_encryption() -> None:
    with pytest.raises(ConformanceError, match="draft-2026-03 has no encrypted files"):
        Writer(io.BytesIO(), header(), encryption=Encryption(raw=bytes(32)))


# -- the commands ------------------------------------------------------------------------


@pytest.fixture(name="place")
def _place(tmp_path: Path) -> Path:
    builder = capture(LE11)
    builder.add(wire.KEY_HINT, wire.key_hint("<"))
    builder.end_segment()
    (tmp_path / "plain.msl").write_bytes(builder.data())
    (tmp_path / "old.msl").write_bytes(capture(LE10).data())
    (tmp_path / "key").write_bytes(by_hand.KEY)
    (tmp_path / "pass").write_text("correct horse\n")
    return tmp_path


@pytest.mark.parametrize("cipher", ["aes-256-gcm", "xchacha20-poly1305"])
@pytest.mark.parametrize("kind", ["key", "pass", "x25519", "ml-kem-768", "x25519-ml-kem-768"])
def test_there_and_back_again(cipher: str, kind: str, place: Path) -> None:
    own = ["--key-file", "key"]
    theirs = own
    if kind == "pass":
        own = theirs = ["--passphrase-file", "pass"]
    elif kind != "key":
        if "kem" in kind:
            pytest.importorskip("cryptography.hazmat.primitives.asymmetric.mlkem")
        assert run("keygen", "--kind", kind, "-o", "pair", folder=place).returncode == 0
        own, theirs = ["--public-key", "pair.pub"], ["--private-key", "pair"]
    done = run("encrypt", "plain.msl", "-o", "e.msl", *own, "--cipher", cipher, folder=place)
    assert done.returncode == 0, done.stderr.decode()
    data = (place / "e.msl").read_bytes()
    assert stat.S_IMODE(os.stat(place / "e.msl").st_mode) == 0o600
    (length,) = struct.unpack_from("<Q", data, 0x78)
    (enclosed,) = struct.unpack_from("<H", data, 0x4E)
    assert 128 + enclosed + length + 16 == len(data)
    done = run("verify", "e.msl", *theirs, folder=place)
    assert (done.returncode, b"1 extension segment," in done.stdout) == (0, True), done.stderr
    done = run("decrypt", "e.msl", "-o", "d.msl", *theirs, folder=place)
    assert done.returncode == 0, done.stderr.decode()
    assert (place / "d.msl").read_bytes() == (place / "plain.msl").read_bytes()


def test_commands_that_refuse(place: Path) -> None:
    broken = bytearray((place / "plain.msl").read_bytes())
    broken[300] ^= 1
    (place / "broken.msl").write_bytes(broken)
    (place / "trailing.msl").write_bytes(capture(LE11).data() + b"tail")
    done = run("encrypt", "plain.msl", "-o", "e.msl", "--key-file", "key", folder=place)
    assert done.returncode == 0
    key = ("--key-file", "key")
    weak = ("--passphrase-file", "pass", "--kdf-time", "1")
    for words, code in (
        (("encrypt", "plain.msl", "-o", "x.msl"), 2),
        (("encrypt", "plain.msl", "-o", "x.msl", *key, "--passphrase-file", "pass"), 2),
        (("encrypt", "plain.msl", "-o", "x.msl", *weak), 2),
        (("encrypt", "plain.msl", "-o", "plain.msl", "--force", *key), 2),
        (("encrypt", "plain.msl", "-o", "e.msl", *key), 2),
        (("encrypt", "broken.msl", "-o", "x.msl", *key), 1),
        (("encrypt", "trailing.msl", "-o", "x.msl", *key), 4),
        (("encrypt", "old.msl", "-o", "x.msl", *key), 3),
        (("encrypt", "e.msl", "-o", "x.msl", *key), 5),
        (("encrypt", "plain.msl", "-o", "x.msl", "--public-key", "pass"), 5),
        (("decrypt", "plain.msl", "-o", "x.msl", *key), 2),
        (("decrypt", "e.msl", "-o", "x.msl"), 5),
        (("decrypt", "e.msl", "-o", "x.msl", "--passphrase-file", "pass"), 5),
        (("keygen", "-o", "key", "--kind", "raw"), 2),
    ):
        done = run(*words, folder=place)
        assert done.returncode == code, (words, done.stderr.decode())
        if code != 2:
            one_line(done.stderr)
        assert not (place / "x.msl").exists()


@pytest.mark.parametrize("command", ["encrypt", "decrypt"])
def test_of_a_dump_that_changes_meanwhile_nothing_is_kept(
    command: str, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from msl_construct.builder import rewrapping

    dump, out = place / "plain.msl", place / "out.msl"
    key = ("--key-file", str(place / "key"))
    if command == "decrypt":
        assert run("encrypt", dump, "-o", place / "sealed.msl", *key).returncode == 0
        dump = place / "sealed.msl"
    real = getattr(rewrapping, f"write_{command}ed")

    def slow(opened: Any, *more: Any) -> int:
        size = int(real(opened, *more))
        with dump.open("ab") as file:
            file.write(b"x")
        return size

    monkeypatch.setattr(rewrapping, f"write_{command}ed", slow)
    done = CliRunner().invoke(cli, [command, str(dump), "-o", str(out), *key])
    assert done.exit_code == 3, done.output
    assert "while it was read" in done.output
    assert not out.exists()


def test_a_file_of_the_other_byte_order_can_be_opened_again(place: Path) -> None:
    """Draft 2026-10 is little-endian; a file that is not all the same is read, and kept so."""
    plain = start(BE10, version=wire.V11)
    plain.add(wire.KEY_HINT, wire.key_hint(">"))
    plain.end_capture(block_count=2)
    (place / "b.msl").write_bytes(plain.data())
    for words in (("encrypt", "b.msl", "-o", "c.msl"), ("decrypt", "c.msl", "-o", "d.msl")):
        done = run(*words, "--key-file", "key", folder=place)
        assert done.returncode == 0, done.stderr.decode()
    assert (place / "d.msl").read_bytes() == plain.data()


def test_of_a_dump_that_was_not_finished_that_is_said(place: Path) -> None:
    plain = start(LE11)
    plain.add(wire.KEY_HINT, wire.key_hint("<"))
    (place / "u.msl").write_bytes(plain.data())
    for words in (("encrypt", "u.msl", "-o", "v.msl"), ("decrypt", "v.msl", "-o", "w.msl")):
        done = run(*words, "--key-file", "key", "--quiet", folder=place)
        assert done.returncode == 4
        assert f"{words[1]}: incomplete: no End-of-Capture" in one_line(done.stderr)
    assert (place / "w.msl").read_bytes() == plain.data()


def test_sealed_segments_are_decrypted_to_segments(place: Path) -> None:
    data = by_hand.EncryptedBuilder().small().sealed()
    inner = by_hand.EncryptedBuilder()
    inner.parts = []
    inner.add(wire.KEY_HINT, wire.key_hint("<"), block_uuid=wire.uuid4(500))
    inner.segment_part, inner.segment_count = 0, 1
    inner.end_segment(block={"block_uuid": wire.uuid4(501)})
    nonce = bytes(range(12)) + bytes(12)
    data += by_hand.seal_segment(data, by_hand.KEY, 1, inner.data(), nonce)
    (place / "s.msl").write_bytes(data)
    done = run("decrypt", "s.msl", "-o", "d.msl", "--key-file", "key", folder=place)
    assert done.returncode == 0, done.stderr.decode()
    plain = decode((place / "d.msl").read_bytes())
    assert len(plain["segments"]) == 1
    assert plain["trailing"] is None
    assert run("verify", "d.msl", folder=place).returncode == 0


@pytest.mark.parametrize("cipher", ["aes-256-gcm", "xchacha20-poly1305"])
def test_segments_are_appended_sealed(cipher: str, place: Path) -> None:
    (place / "whole.msl").write_bytes(capture(LE11).data())
    key = ("--key-file", "key")
    run("encrypt", "whole.msl", "-o", "e.msl", *key, "--cipher", cipher, folder=place)
    before = (place / "e.msl").read_bytes()
    vas = "blocks:\n- block_type: vas_map\n  payload: {entries: []}\n"
    (place / "doc.yaml").write_text(vas)
    for number in (1, 2):
        done = run("append", "e.msl", "doc.yaml", *key, folder=place)
        assert done.returncode == 0, done.stderr.decode()
        data = (place / "e.msl").read_bytes()
        assert data.startswith(before)
        found = decode(data, key=by_hand.KEY)
        assert len(found["segments"]) == number
        assert found["trailing"] is None
        assert found["segments"][-1]["blocks"][0]["block_type"] == "vas_map"
        assert by_hand.opened(data, by_hand.KEY).behind == len(data)
        done = run("verify", "e.msl", *key, folder=place)
        assert done.returncode == 0, done.stdout.decode()
    assert run("append", "e.msl", "doc.yaml", folder=place).returncode == 5
    assert (place / "e.msl").read_bytes() == data
    done = run("decrypt", "e.msl", "-o", "d.msl", *key, folder=place)
    assert done.returncode == 0
    assert len(decode((place / "d.msl").read_bytes())["segments"]) == 2


def test_nothing_is_appended_where_the_tag_can_not_be_found_again(place: Path) -> None:
    (place / "u.msl").write_bytes(by_hand.EncryptedBuilder(sized=False).small().sealed())
    (place / "doc.yaml").write_text("blocks:\n- block_type: vas_map\n  payload: {entries: []}\n")
    before = (place / "u.msl").read_bytes()
    done = run("append", "u.msl", "doc.yaml", "--key-file", "key", folder=place)
    assert done.returncode == 3
    assert "CipherLen" in one_line(done.stderr)
    assert (place / "u.msl").read_bytes() == before


def test_raw_public_keys(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    (tmp_path / "p").write_bytes(X25519PrivateKey.generate().public_key().public_bytes_raw())
    assert read_public_keys(str(tmp_path / "p")).enclosure == "x25519"


# -- somebody else -----------------------------------------------------------------------

READER = """
import json, sys
from memslicer.msl.verify import verify_slice
with open(sys.argv[1], "rb") as file:
    report = verify_slice(file, sys.argv[2])
print(json.dumps({"valid": report.valid, "errors": report.errors,
                  "trailing": report.trailing_bytes}))
"""

WRITER = """
import sys, uuid
from memslicer.msl.constants import FLAG_ENCRYPTED, ArchType, OSType
from memslicer.msl.encryption import EncryptionParams, derive_key
from memslicer.msl.types import FileHeader, ProcessIdentity
from memslicer.msl.writer import MSLWriter
params = EncryptionParams()
key = bytes(range(32)) if sys.argv[2] == "raw" else derive_key(sys.argv[2], params)
with open(sys.argv[1], "w+b") as file:
    header = FileHeader(
        pid=7, os_type=OSType.Linux, arch_type=ArchType.x86_64, flags=FLAG_ENCRYPTED
    )
    writer = MSLWriter(file, header, encryption_key=key, encryption_params=params)
    writer.write_process_identity(ProcessIdentity(exe_path="/bin/theirs", cmd_line="theirs"))
    writer.finalize()
"""


def _memslicer() -> str:
    named = os.environ.get("MSL_MEMSLICER_PYTHON")
    if not named:
        pytest.skip("needs memslicer: name an interpreter that has it in MSL_MEMSLICER_PYTHON")
    return named


def test_memslicer_reads_ours(place: Path) -> None:
    python = _memslicer()
    done = run("encrypt", "plain.msl", "-o", "e.msl", "--passphrase-file", "pass", folder=place)
    assert done.returncode == 0
    found = _run(python, READER, place / "e.msl", "correct horse")
    assert json.loads(found) == {"valid": True, "errors": [], "trailing": 0}
    (place / "doc.yaml").write_text("blocks:\n- block_type: vas_map\n  payload: {entries: []}\n")
    words = ("append", "e.msl", "doc.yaml", "--passphrase-file", "pass")
    assert run(*words, folder=place).returncode == 0
    found = _run(python, READER, place / "e.msl", "correct horse")
    assert json.loads(found) == {"valid": True, "errors": [], "trailing": 0}


@pytest.mark.parametrize("key", ["raw", "correct horse"])
def test_we_read_what_memslicer_writes(key: str, place: Path) -> None:
    _run(_memslicer(), WRITER, place / "t.msl", key)
    own = ("--key-file", "key") if key == "raw" else ("--passphrase-file", "pass")
    done = run("verify", "t.msl", *own, folder=place)
    assert (done.returncode, b"tag match" in done.stdout) == (0, True), done.stderr.decode()
    done = run("inspect", "--json", "t.msl", *own, folder=place)
    assert json.loads(done.stdout)["blocks"][0]["payload"]["exe_path"] == "/bin/theirs"


def _run(python: str, program: str, *arguments: object) -> bytes:
    found = subprocess.run(
        [python, "-c", program, *map(str, arguments)],
        capture_output=True,
        check=False,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
    )
    assert found.returncode == 0, found.stderr.decode()
    return found.stdout
