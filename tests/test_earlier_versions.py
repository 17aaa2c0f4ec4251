"""Files of earlier versions: encrypted, hashed otherwise, not hashed, or big-endian by name."""

from __future__ import annotations

import hashlib
import random
import struct
from pathlib import Path

import pytest
from commands import run
from converting import DRAFTS, converted, is_faithful
from independent import wire
from independent.specimens import LE11, start
from sampling import part_of

import msl_construct
from msl_construct.encryption import Keys
from msl_construct.errors import EncryptedError, MslError, TamperedError
from msl_construct.rules import check

DATA = Path(__file__).parent / "data"
ENCRYPTED = [DATA / f"memslicer-{version}/api-encrypted-zstd.msl" for version in ("0.2.4", "0.4.0")]
SHA256 = DATA / "memslicer-0.3.0/api-hash-sha256.msl"
TURNED = DATA / "memslicer-0.4.0/api-header-big-endian-flag.msl"
EVERY = [*ENCRYPTED, SHA256, TURNED]
DIALECT = "memslicer-0.2"
PAGES = b"a" * 4096 + b"b" * 4096
STATES = [(0, 2, "captured"), (2, 1, "failed"), (3, 1, "unmapped"), (4, 1, "captured")]


def key_of(path: Path) -> Keys | None:
    if path not in ENCRYPTED:
        return None
    pytest.importorskip("cryptography")
    return Keys(passphrase=b"peerpass")


def _label(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


@pytest.mark.parametrize("path", EVERY, ids=_label)
def test_it_is_read_to_its_last_byte_and_explained(path: Path) -> None:
    with msl_construct.open(path, key=key_of(path)) as dump:
        assert dump.dialect == DIALECT
        assert dump.producer == "memslicer 0.2 to 0.4 or memslicer 0.5"
        assert str(dump.verify()).startswith("intact and complete: 7 blocks")
        assert dump.trailing is None
        for number, region in enumerate(dump.regions):
            assert (region.base_addr, list(region.runs())) == (0x10000 * (number + 1), STATES)
            assert bytes(dump.memory.read(region.base_addr, 8192).data) == PAGES
            assert bytes(dump.memory.read(region.base_addr + 0x4000, 4096).data) == b"c" * 4096
        assert [module["path"] for module in dump.modules] == ["/lib/x0.so", "/lib/x1.so"]
        assert all(one.explained_by is not None for one in check(dump))


@pytest.mark.parametrize("path", EVERY, ids=_label)
@pytest.mark.parametrize("draft", DRAFTS)
def test_it_becomes_a_conforming_one(path: Path, draft: str) -> None:
    assert is_faithful(converted(path, draft, key=key_of(path)))


UNHASHED = [DATA / f"memdiver-{version}/api-live.msl" for version in ("0.5.6", "0.7.0")]


@pytest.mark.parametrize("path", UNHASHED, ids=_label)
def test_a_hash_that_was_never_recorded_is_no_damage(path: Path) -> None:
    """MemDiver did not hash the header: nothing covers that, all else is as it was written."""
    data = path.read_bytes()
    assert data[64 + 0x30 : 64 + 0x50] == bytes(32)
    with msl_construct.open(path) as dump:
        assert dump.dialect == "memdiver-1.0"
        verdict = dump.verify()
        assert (verdict.intact, verdict.file_hash) == (True, "match")
        assert [gap.kind for gap in verdict.gaps] == ["unrecorded"]
        assert bytes(dump.memory.read(0x40000, 4096).data) == b"b" * 4096
        assert all(one.explained_by is not None for one in check(dump))
    done = run("check", path)
    assert (done.returncode, done.stdout.count(b"nothing covers the header")) == (4, 1)
    for draft in DRAFTS:
        assert is_faithful(converted(path, draft))
    for place in (20, len(data) // 2):  # FileHash covers the header, the chain the rest
        changed = bytearray(data)
        changed[place] ^= 1
        with msl_construct.open(bytes(changed)) as dump:
            assert dump.verify().intact is False


def test_two_readings_of_a_hash_of_zeros_are_both_named(tmp_path: Path) -> None:
    """Where no layout tells MemDiver, somebody may have put the zeros there: the choice is said."""
    builder = start(LE11)
    builder.add(wire.PROCESS_IDENTITY, wire.process_identity("<"), prev_hash=bytes(32))
    builder.add(wire.MODULE_LIST_INDEX, wire.module_list_index("<", []))
    builder.add(wire.MEMORY_REGION, wire.memory_region("<", (0, 1, 0), page_size_log2=10))
    builder.end_capture(block_count=0)
    path = tmp_path / "zeros.msl"
    path.write_bytes(builder.data())
    for command in ("verify", "check"):
        done = run(command, path)
        assert done.returncode == 4, done
    said = b"draft-2026-10 would fit as well, with these taken out: --dialect none"
    assert said in run("verify", path).stdout
    assert said in run("inspect", path).stdout
    assert run("verify", path, "--dialect", "none").returncode == 1


def test_what_stood_behind_the_end_before_there_were_segments_is_no_damage() -> None:
    """A Pointer Graph with a PrevHash of zeros: trailing bytes, for which nothing vouches."""
    path = DATA / "memdiver-0.7.0/api-pointer-graph.msl"
    data = path.read_bytes()
    at = data.rindex(b"MSLC")
    assert struct.unpack_from("<H", data, at + 4) == (0x1003,)
    assert data[at + 0x30 : at + 0x50] == bytes(32)
    with msl_construct.open(path) as dump:
        assert dump.trailing is not None
        assert (dump.trailing.offset, dump.segments) == (at, [])
        verdict = dump.verify()
        assert verdict.intact
        assert {gap.kind for gap in verdict.gaps} == {"unrecorded", "trailing"}
        found = {one.rule.id for one in check(dump) if one.explained_by is None}
        assert found == {"MSLX-6-PROCESS-TABLE-WITHOUT-TARGET"}  # none of its rows is the target


def test_which_hash_is_told_by_the_header_s_own() -> None:
    """Another algorithm's name alone is a reserved byte that holds something."""
    data = SHA256.read_bytes()
    assert hashlib.sha256(data[:64]).digest() == data[64 + 0x30 : 64 + 0x50]
    for code in (0, 2, 9):
        other = bytearray(data)
        other[0x3D] = code
        with msl_construct.open(bytes(other)) as dump:
            assert dump.header.hash_algorithm == "blake3"
            assert dump.verify().findings


@pytest.mark.parametrize("path", ENCRYPTED, ids=_label)
def test_without_its_key_the_header_is_shown(path: Path) -> None:
    (start,) = struct.unpack_from("<B", path.read_bytes(), 9)
    assert start == 128
    done = run("inspect", path, "--json")
    assert done.returncode == 5
    assert b'"enc_algo":"aes_256_gcm"' in done.stdout.replace(b" ", b"")
    assert run("inspect", path, "--json", "--draft", DRAFTS[0]).returncode != 70
    with pytest.raises(EncryptedError), msl_construct.open(path) as dump:
        dump.require_key()


@pytest.mark.parametrize("path", ENCRYPTED, ids=_label)
@pytest.mark.parametrize("draft", DRAFTS)
def test_read_as_what_has_no_encryption_it_is_not_called_changed(path: Path, draft: str) -> None:
    with pytest.raises(EncryptedError, match="read it without --draft"):
        msl_construct.open(path, key=key_of(path), draft=draft)


@pytest.mark.parametrize("path", ENCRYPTED, ids=_label)
def test_one_changed_bit_of_it_is_told(path: Path) -> None:
    data = path.read_bytes()
    key = key_of(path)
    with msl_construct.open(path, key=key) as dump:
        assert dump.unlocked is not None
        raw = dump.unlocked.candidate.key
    bits = random.Random(_label(path))
    places = [*range(0x70), *range(0x80, len(data), 97)]
    for place in [9, *part_of(places, lambda place: place // 16)]:
        other = bytearray(data)
        other[place] ^= 1 << bits.randrange(8)
        with pytest.raises(TamperedError):
            msl_construct.open(bytes(other), key=raw).close()
            pytest.fail(f"{place:#x} was changed")


@pytest.mark.parametrize("path", ENCRYPTED, ids=_label)
def test_decrypted_and_encrypted_again(path: Path, tmp_path: Path) -> None:
    key_of(path)
    plain, again = tmp_path / "plain.msl", tmp_path / "again.msl"
    (tmp_path / "key").write_bytes(bytes(32))
    words = ("--passphrase-env", "WORD")
    done = run("decrypt", path, "-o", plain, *words, WORD="peerpass")
    assert done.returncode == 0, done
    assert run("verify", plain).returncode == 0
    # 1.0 has no encryption: who wants that converts first.
    done = run("encrypt", plain, "-o", again, "--key-file", tmp_path / "key")
    assert done.returncode in (0, 2, 3), done
    with pytest.raises(MslError):
        msl_construct.open(again if again.exists() else path, key=b"\1" * 32).close()


@pytest.mark.parametrize("encrypted", [False, True])
def test_nothing_encrypted_is_written_as_a_file_of_1_0(tmp_path: Path, encrypted: bool) -> None:
    """Only the dialect has that, and not even `--dialect none` reads it."""
    path, key, out = SHA256, tmp_path / "key", tmp_path / "out.msl"
    key.write_bytes(bytes(range(32)))
    if encrypted:  # what was opened is written in the open, and that is not sealed again
        path = tmp_path / "open.msl"
        phrase = tmp_path / "phrase"
        phrase.write_text("peerpass")
        assert run("decrypt", ENCRYPTED[0], "--passphrase-file", phrase, "-o", path).returncode == 0
    done = run("encrypt", path, "--key-file", key, "-o", out)
    assert done.returncode == 3
    assert b"draft-2026-03 has no encrypted files" in done.stderr
    assert not out.exists()
