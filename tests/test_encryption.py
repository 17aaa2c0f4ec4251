"""Encrypted files: opened, refused, and never shown before their tag was verified."""

from __future__ import annotations

import io
import json
import struct
from pathlib import Path
from typing import Any

import pytest
from commands import one_line, run
from comparing import assert_same, sample
from conftest import shared
from independent import encryption as by_hand
from independent import wire
from independent.decode import decode

import msl_construct
from msl_construct.document.build import build
from msl_construct.document.load import load
from msl_construct.document.render import Renderer
from msl_construct.encryption import Keys
from msl_construct.encryption.changed import _searched
from msl_construct.encryption.derive import cost_of, is_derivable
from msl_construct.encryption.private_keys import PrivateKeys
from msl_construct.errors import EncryptedError, LimitError, TamperedError, WrongKeyError
from msl_construct.rules import check

pytest.importorskip("cryptography")

PASSPHRASE = b"peerpass"
CHEAP = {"kdf_type": 1, "kdf_time": 1, "kdf_memory": 64, "kdf_lanes": 1}
CIPHERS = pytest.mark.parametrize(
    "cipher", [by_hand.GCM, by_hand.XCHACHA], ids=["aes_256_gcm", "xchacha20_poly1305"]
)


def small(**options: Any) -> bytes:
    return by_hand.EncryptedBuilder(**options).small().sealed()


def smallest(**options: Any) -> bytes:
    builder = by_hand.EncryptedBuilder(**options)
    builder.add(wire.PROCESS_IDENTITY, wire.process_identity("<"))
    builder.end_capture(block_count=2)
    return builder.sealed()


def by_passphrase(**extension: Any) -> bytes:
    """A file whose key is one of a passphrase, derived cheaply."""
    builder = by_hand.EncryptedBuilder(**{**CHEAP, **extension})
    builder.key = by_hand.argon2id(PASSPHRASE, builder.extension)
    return builder.small().sealed()


def document(data: bytes, key: Any) -> dict[str, Any]:
    with msl_construct.open(data, key=key, dialect="none") as dump:
        shown = Renderer(with_data=True).document(dump)
    shown["file"]["name"] = "x.msl"
    found: dict[str, Any] = json.loads(json.dumps(shown))
    return found


def expected(data: bytes, key: bytes) -> dict[str, Any]:
    return decode(data, key=key)


# -- what is opened ----------------------------------------------------------------------


@CIPHERS
@pytest.mark.parametrize("sized", [True, False], ids=["sized", "unsized"])
def test_read_as_an_independent_decoder_reads_it(cipher: int, sized: bool) -> None:
    data = small(enc_algo=cipher, sized=sized)
    with msl_construct.open(data, key=by_hand.KEY, dialect="none") as dump:
        ours = Renderer().document(dump)
    ours["file"]["name"] = "x.msl"
    assert_same(json.loads(json.dumps(ours)), expected(data, by_hand.KEY), "encrypted")
    assert len(ours["blocks"]) == 4


@CIPHERS
@pytest.mark.parametrize("algorithm", [0, 1, 2], ids=["blake3", "sha_256", "sha_512_256"])
def test_verified(cipher: int, algorithm: int) -> None:
    names = ("blake3", "sha_256", "sha_512_256")
    builder = by_hand.EncryptedBuilder(
        enc_algo=cipher, algorithm=names[algorithm], header={"hash_algo": algorithm}
    )
    with msl_construct.open(builder.small().sealed(), key=by_hand.KEY) as dump:
        verdict = dump.verify()
    assert str(verdict).startswith("intact and complete")
    assert (verdict.file_hash, verdict.authenticated, verdict.unprotected) == ("match", True, None)


def test_a_prev_hash_that_is_not_zero_is_a_finding() -> None:
    builder = by_hand.EncryptedBuilder()
    builder.add(wire.PROCESS_IDENTITY, wire.process_identity("<"), prev_hash=bytes(range(32)))
    builder.end_capture(block_count=2)
    with msl_construct.open(builder.sealed(), key=by_hand.KEY) as dump:
        verdict = dump.verify()
    assert [(one.kind, one.block) for one in verdict.findings] == [("chain", 0)]


def test_segments_inside_of_the_message() -> None:
    builder = by_hand.EncryptedBuilder().small()
    builder.add(wire.KEY_HINT, wire.key_hint("<"))
    builder.end_segment()
    data = builder.sealed()
    with msl_construct.open(data, key=by_hand.KEY) as dump:
        assert dump.complete
        assert [segment.count for segment in dump.segments] == [2]
        assert dump.verify().intact


@CIPHERS
def test_every_range_of_the_plaintext(cipher: int) -> None:
    """Ranges that begin and end anywhere, across the parts and the pieces."""
    builder = by_hand.EncryptedBuilder(enc_algo=cipher)
    builder.add(0x2345, bytes(i * 7 % 251 for i in range(3000)))
    builder.end_capture(block_count=2)
    plain = builder.data()
    with msl_construct.open(builder.sealed(), key=by_hand.KEY) as dump:
        source = dump.source
        for start in (*range(100, 170), 1000, 1023, 1024, len(plain) - 5):
            for length in (0, 1, 15, 16, 17, 63, 64, 65, 200, 2000):
                want = plain[start : start + length]
                stop = min(start + length, len(plain))
                assert source.read(start, stop - start) == want
                assert source.view(start, stop - start) == want
                assert b"".join(map(bytes, source.pieces(start, stop - start, 33))) == want


def test_a_passphrase() -> None:
    data = by_passphrase()
    for key in ("peerpass", Keys(passphrase=PASSPHRASE), Keys(passphrase=lambda: PASSPHRASE)):
        with msl_construct.open(data, key=key) as dump:
            assert dump.verify().intact
    with pytest.raises(WrongKeyError, match="passphrase does not open it"):
        msl_construct.open(data, key="peerpasS")


def test_a_raw_key_opens_a_file_whose_header_speaks_of_a_passphrase() -> None:
    data = small(kdf_type=1)
    with msl_construct.open(data, key=Keys(raw=by_hand.KEY, passphrase=lambda: b"x")) as dump:
        assert dump.verify().intact


def test_a_file_that_is_not_encrypted_does_not_care() -> None:
    plain = by_hand.FileBuilder(wire.file_header(version=wire.V11))
    plain.end_capture(block_count=1)
    with msl_construct.open(plain.data(), key=bytes(32)) as dump:
        assert not dump.verify().authenticated


ENCRYPTED = [
    ("memdiver-1.0.2/api-encrypted-rawkey-aesgcm.msl", by_hand.KEY),
    ("memdiver-1.0.2/api-encrypted-passphrase-xchacha20.msl", "peerpass"),
    ("memdiver-1.0.2/api-encrypted-passphrase-aesgcm-zstd.msl", "peerpass"),
    ("memslicer-0.5.2/api-encrypted-zstd.msl", "peerpass"),
    ("memslicer-0.5.2/api-sealed-segment.msl", "peerpass"),
    ("memslicer-0.5.2/sh-gdb-encrypted.msl", "peerpass"),
]


@pytest.mark.parametrize(("name", "key"), ENCRYPTED, ids=[name for name, _ in ENCRYPTED])
def test_files_of_other_producers(name: str, key: bytes | str) -> None:
    shared("samples")
    data = sample(name)
    raw = key if isinstance(key, bytes) else by_hand.argon2id(key.encode(), data[64:128])
    with msl_construct.open(data, key=key, dialect="none") as dump:
        ours = Renderer().document(dump)
        assert dump.verify().intact
        assert dump.trailing is None
    assert_same(json.loads(json.dumps(ours)), decode(data, "", key=raw), name)


def with_segments(*reserved: bytes) -> bytes:
    """A small file with a sealed segment for each of these reserved bytes of their headers."""
    data = small()
    for index, filling in enumerate(reserved, 1):
        inner = by_hand.EncryptedBuilder()
        inner.parts = []
        inner.add(wire.KEY_HINT, wire.key_hint("<"), block_uuid=wire.uuid4(500 + index))
        inner.segment_part = 0
        inner.segment_count = 1
        inner.end_segment(block={"block_uuid": wire.uuid4(600 + index)})
        nonce = bytes([index] * 12) + bytes(12)
        data += by_hand.seal_segment(
            data, by_hand.KEY, index, inner.data(), nonce, reserved=filling
        )
    return data


def test_reserved_bytes_of_seal_headers_are_judged() -> None:
    """Each of them, in each header; what they hold hinders nobody from reading the segments."""
    rule = "MSL-10.8-SEAL-HEADER-RESERVED-NOT-ZERO"
    zeros = bytes(24)

    def found(data: bytes) -> list[Any]:
        with msl_construct.open(data, key=by_hand.KEY) as dump:
            assert len(dump.segments) == 2
            return [one.found for one in check(dump) if one.rule.id == rule]

    assert found(with_segments(zeros, zeros)) == []
    for place in range(24):
        filled = zeros[:place] + b"\1" + zeros[place + 1 :]
        (first,) = found(with_segments(filled, zeros))
        assert (first.offset, first.field) == (len(small()) + 40, "seal_header.reserved")
        assert first.text.startswith(f"sealed segment 1 at {len(small()):#x}: reserved: ")
        assert filled.hex() in first.text
    data = with_segments(filled, filled)
    assert [one.offset for one in found(data)] == [at + 40 for at in _starts(data)]
    with msl_construct.open(data) as locked:  # nobody sees it without the key
        assert not any(one.rule.id == rule for one in check(locked))


def _starts(data: bytes) -> list[int]:
    return [at for at in range(len(data)) if data.startswith(b"MSLS", at)]


def test_sealed_segments() -> None:
    data = with_segments(bytes(24), bytes(24))
    ours = document(data, by_hand.KEY)
    with msl_construct.open(data, key=by_hand.KEY) as dump:
        assert [segment.count for segment in dump.segments] == [2, 2]
        verdict = dump.verify()
        assert str(verdict).startswith("intact and complete"), str(verdict)
    for block in (block for segment in ours["segments"] for block in segment["blocks"]):
        assert "damage" not in block
    theirs = decode(data, key=by_hand.KEY)
    assert [len(one["blocks"]) for one in theirs["segments"]] == [2, 2]
    for position in range(len(small()), len(data)):
        changed = bytearray(data)
        changed[position] ^= 1 << position % 8
        with msl_construct.open(bytes(changed), key=by_hand.KEY) as dump:
            assert dump.verify().findings, hex(position)
            assert len(dump.segments) < 2
    with msl_construct.open(small() + b"something else", key=by_hand.KEY) as dump:
        verdict = dump.verify()
        assert verdict.intact
        assert [gap.kind for gap in verdict.gaps] == ["trailing"]


# -- what is refused ---------------------------------------------------------------------


def test_no_key() -> None:
    with msl_construct.open(small()) as dump:
        assert dump.locked
        assert not len(dump.blocks)
        with pytest.raises(EncryptedError, match=r"0x80 .*--key-file"):
            dump.verify()


@CIPHERS
def test_a_wrong_key(cipher: int) -> None:
    with pytest.raises(WrongKeyError, match="raw key does not open it"):
        msl_construct.open(small(enc_algo=cipher), key=bytes(32))


def test_a_key_of_another_kind() -> None:
    with pytest.raises(EncryptedError, match="raw key"):
        msl_construct.open(small(), key="passphrase")
    with pytest.raises(EncryptedError, match="expected 32 bytes, found 31"):
        msl_construct.open(small(), key=bytes(31))


@CIPHERS
def test_a_bit_flipped_anywhere(cipher: int) -> None:
    """No byte of any such file is shown; that it was changed is said wherever it can be known."""
    data = smallest(enc_algo=cipher)
    for position in range(len(data)):
        changed = bytearray(data)
        changed[position] ^= 1 << position % 8
        try:
            dump = msl_construct.open(bytes(changed), key=by_hand.KEY)
        except TamperedError:
            continue
        except msl_construct.errors.FormatError:
            assert position < 0x0C, position  # no longer an .msl, or none that can be read
            continue
        pytest.fail(f"{position:#x} was changed and {dump!r} opened")


def test_every_bit_of_nonce_and_codes() -> None:
    """Where a change makes the right key look wrong, what was changed is looked for."""
    data = small()
    places = [*range(64 + 16, 64 + 40), *range(64, 68), *range(0x4E, 0x50), *range(0x78, 0x80)]
    for position in places:
        for bit in range(8):
            changed = bytearray(data)
            changed[position] ^= 1 << bit
            with pytest.raises(TamperedError):
                msl_construct.open(bytes(changed), key=by_hand.KEY)


def for_owner(kind: str) -> tuple[bytes, Keys]:
    """A file whose key is enclosed, and what opens it."""
    mlkem = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.mlkem")
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    enclosed, secret, own = b"", b"", {}
    if "x25519" in kind:
        own["x25519"], other = X25519PrivateKey.generate(), X25519PrivateKey.generate()
        enclosed += other.public_key().public_bytes_raw()
        secret += other.exchange(own["x25519"].public_key())
    if "ml_kem" in kind:
        half = kind[kind.index("ml_kem") :]
        own[half] = getattr(mlkem, f"MLKEM{half[7:]}PrivateKey").generate()
        found, text = own[half].public_key().encapsulate()
        enclosed, secret = enclosed + text, secret + found
    code = ("", "x25519", "ml_kem_768", "ml_kem_1024", "x25519_ml_kem_768").index(kind)
    builder = by_hand.EncryptedBuilder(enclosed=enclosed, key_encap=code)
    builder.key = by_hand.hkdf(secret, builder.header[0x18:0x28], b"MSL-CEK-v1")
    return builder.small().sealed(), Keys(private=PrivateKeys(loaded=own))


@pytest.mark.parametrize("kind", ["x25519", "ml_kem_1024", "x25519_ml_kem_768"])
def test_a_bit_of_what_the_key_is_made_with(kind: str) -> None:
    """DumpUUID, KeyEncap, KEMCtLen and the enclosed key: a changed one is no wrong key."""
    data, keys = for_owner(kind)
    end = 128 + int.from_bytes(data[0x4E:0x50], "little")
    with msl_construct.open(data, key=keys) as dump:
        assert dump.complete
    places = [0x18, 0x27, 0x40, 0x41, 0x42, 0x4E, 0x4F, 0x50, 128, (128 + end) // 2, end - 1, end]
    for position in places:
        for bit in (0, 1, 4) if position < 0x80 else (position % 7,):
            changed = bytearray(data)
            changed[position] ^= 1 << bit
            with pytest.raises(TamperedError):
                msl_construct.open(bytes(changed), key=keys)
    other = for_owner(kind)[1]
    with pytest.raises(WrongKeyError):
        msl_construct.open(data, key=other)


def test_a_bit_of_what_a_passphrase_is_used_with() -> None:
    """From Python nobody is made to wait for it; commands look."""
    data = by_passphrase()
    asked: list[str] = []

    def search(text: str) -> bool:
        asked.append(text)
        return True

    def keys(look: Any = search) -> Keys:
        return Keys(passphrase=PASSPHRASE, search=look, max_kdf_memory=256 << 10)

    # KDFTime 1 to 3, lanes 1 to 0 (none such), memory 64 to 192 and beyond all bounds, KDFSalt.
    for position, bit in ((0x44, 1), (0x4C, 0), (0x48, 7), (0x4B, 7), (0x68, 0), (0x77, 7)):
        changed = bytearray(data)
        changed[position] ^= 1 << bit
        asked.clear()
        with pytest.raises(TamperedError, match="opens the file if"):
            msl_construct.open(bytes(changed), key=keys())
        assert len(asked) == 1
        for look in (None, lambda text: False):
            with pytest.raises((EncryptedError, LimitError)) as caught:
                msl_construct.open(bytes(changed), key=keys(look))
            assert not isinstance(caught.value, TamperedError)
    for position, bit in ((0x41, 0), (0x41, 5), (0x42, 2), (0x42, 7)):  # KDFType and KeyEncap
        changed = bytearray(data)
        changed[position] ^= 1 << bit
        with pytest.raises(TamperedError):
            msl_construct.open(bytes(changed), key=keys(None))
    with pytest.raises(WrongKeyError, match="in more than a bit"):
        other = Keys(passphrase=b"another", search=search, max_kdf_memory=256 << 10)
        msl_construct.open(data, key=other)


def test_a_search_is_bounded() -> None:
    """Parameters of a hostile header cost no more than a minute, be it one try or none."""
    for stated in ({"kdf_memory": 1 << 20, "kdf_time": 16}, {"kdf_memory": 1 << 20}):
        fields = {"kdf_lanes": 4, "kdf_time": 3, "kdf_salt": bytes(16), **stated}
        tries = list(_searched(fields, 1 << 30))
        assert sum(cost_of(one) for _, one in tries) <= 48 << 30
        assert all(is_derivable(one, 1 << 30) for _, one in tries)


def test_commands_look_for_it_in_a_few_files(place: Path) -> None:
    """A passphrase that was mistyped is wrong for all files of a command."""
    changed = bytearray((place / "p.msl").read_bytes())
    changed[0x6A] ^= 4
    (place / "salt.msl").write_bytes(changed)
    limit = ("--max-kdf-memory", str(256 << 10))
    given = ("salt.msl", "--passphrase-file", "pass", *limit)
    for command in ("inspect", "verify", "check"):
        done = run(command, *given, folder=place)
        assert (done.returncode, b"of KDFSalt is another" in done.stderr) == (1, True)
    (place / "wrong").write_bytes(b"wrong")
    done = run("verify", *["salt.msl"] * 5, "--passphrase-file", "wrong", *limit, folder=place)
    lines = done.stderr.splitlines()
    assert (done.returncode, len(lines)) == (5, 5)
    looked = [b"in more than a bit" in line for line in lines]
    assert looked == [True, True, True, False, False]
    assert all(b"nobody looked" in line for line in lines[3:])


def test_a_file_that_was_cut() -> None:
    data = small()
    for length in range(128, len(data), 7):
        with pytest.raises(TamperedError):
            msl_construct.open(data[:length], key=by_hand.KEY)


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({"kdf_memory": 0xFFFFFFFF}, "KDFMemory"),
        ({"kdf_memory": (1 << 20) + 1}, "KDFMemory"),
        ({"kdf_time": 0xFFFFFFFF, "kdf_memory": 1 << 19}, "KDFTime"),
        ({"kdf_time": 17, "kdf_memory": 1 << 20}, "KDFTime"),
    ],
)
def test_derivations_are_bounded(parameters: dict[str, int], field: str) -> None:
    data = small(kdf_type=1, **parameters)
    with pytest.raises(LimitError, match=rf"{field} asks .*max_kdf_memory"):
        msl_construct.open(data, key="x")


@pytest.mark.parametrize(
    "parameters",
    [{"kdf_time": 0}, {"kdf_lanes": 0}, {"kdf_memory": 8, "kdf_lanes": 2}, {"kdf_memory": 0}],
)
def test_derivations_that_are_none(parameters: dict[str, int]) -> None:
    data = small(**{**CHEAP, **parameters})
    with pytest.raises(EncryptedError, match="Argon2id"):
        msl_construct.open(data, key="x")


def test_the_bound_can_be_moved() -> None:
    data = by_passphrase()
    with pytest.raises(LimitError):
        msl_construct.open(data, key=Keys(passphrase=PASSPHRASE, max_kdf_memory=63 << 10))
    with msl_construct.open(data, key=Keys(passphrase=PASSPHRASE, max_kdf_memory=64 << 10)) as dump:
        assert dump.complete


def test_no_secret_is_printed() -> None:
    assert "peerpass" not in repr(Keys(raw=bytes(32), passphrase=b"peerpass"))
    with msl_construct.open(small(), key=by_hand.KEY) as dump:
        assert by_hand.KEY.hex() not in repr(dump.unlocked)
        assert repr(by_hand.KEY) not in repr(dump.unlocked)


# -- the commands ------------------------------------------------------------------------


@pytest.fixture(name="place")
def _place(tmp_path: Path) -> Path:
    (tmp_path / "a.msl").write_bytes(small())
    (tmp_path / "raw").write_bytes(by_hand.KEY)
    (tmp_path / "hex").write_text(by_hand.KEY.hex() + "\n")
    (tmp_path / "wrong").write_bytes(bytes(32))
    (tmp_path / "p.msl").write_bytes(by_passphrase())
    (tmp_path / "pass").write_bytes(PASSPHRASE + b"\n")
    changed = bytearray(small())
    changed[-20] ^= 1
    (tmp_path / "changed.msl").write_bytes(changed)
    return tmp_path


COMMANDS = pytest.mark.parametrize(
    "words", [["inspect"], ["inspect", "--json"], ["verify"], ["check"]], ids=" ".join
)


@COMMANDS
def test_commands_with_a_key(words: list[str], place: Path) -> None:
    for key in ("raw", "hex"):
        done = run(*words, "a.msl", "--key-file", key, folder=place)
        assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
        assert not done.stderr
    done = run(*words, "p.msl", "--passphrase-file", "pass", folder=place)
    assert done.returncode == (1 if words == ["check"] else 0)  # its derivation is too weak
    done = run(*words, "p.msl", "--passphrase-env", "P", folder=place, P="peerpass")
    assert done.returncode == (1 if words == ["check"] else 0)
    done = run(*words, "-", "--key-file", "raw", folder=place, data=small())
    assert done.returncode == 0, done.stderr.decode()


@COMMANDS
def test_commands_without_the_right_key(words: list[str], place: Path) -> None:
    texts = set()
    for file, options, code in (
        ("a.msl", (), 5),
        ("a.msl", ("--key-file", "wrong"), 5),
        ("changed.msl", ("--key-file", "raw"), 1),
    ):
        done = run(*words, file, *options, folder=place)
        assert done.returncode == code, done.stderr.decode()
        texts.add(one_line(done.stderr).split(":", 2)[2])
        assert b"exe_path" not in done.stdout
        assert b"process " not in done.stdout
    assert len(texts) == 3


def test_a_changed_file_is_not_intact_in_json(place: Path) -> None:
    done = run("verify", "--json", "changed.msl", "--key-file", "raw", folder=place)
    shown = json.loads(done.stdout)
    assert (done.returncode, shown["intact"]) == (1, False)


def test_what_was_given_is_no_key(place: Path) -> None:
    (place / "empty").write_bytes(b"")
    (place / "line").write_bytes(b"\n")
    for options, code in (
        (("--key-file", "a.msl"), 5),
        (("--key-file", "empty"), 5),
        (("--key-file", "absent"), 3),
        (("--passphrase-file", "line"), 5),
        (("--passphrase-env", "MSL_NO_SUCH_VARIABLE"), 5),
        (("--private-key", "a.msl"), 5),
    ):
        done = run("inspect", "a.msl", *options, folder=place)
        assert done.returncode == code, (options, done.stderr.decode())
        assert "Traceback" not in one_line(done.stderr)
    for command in ("inspect", "verify", "check", "report -o page.html"):
        done = run(*command.split(), "a.msl", "--key-file", "absent", folder=place)
        assert done.returncode == 3, done
        assert b"absent: No such file" in done.stderr, done
    done = run("inspect", "a.msl", "--passphrase-file", "pass", "--ask-passphrase", folder=place)
    assert done.returncode == 2


def test_two_flips_of_many_bytes_are_noticed() -> None:
    """Block 0 is garbage all but its first bytes: still the key is known to be right."""
    data = bytearray(small())
    for position in range(132, 190):
        data[position] ^= 0xFF
    with pytest.raises(TamperedError, match="the key is right"):
        msl_construct.open(bytes(data), key=by_hand.KEY)


def test_plaintext_that_is_no_block() -> None:
    """Whoever has the key may encrypt anything: it is authentic and has no blocks."""
    covered = by_hand.EncryptedBuilder().header
    message = by_hand.encrypt(1, by_hand.KEY, bytes(range(12)), b"no block at all", covered)
    sized = covered[:0x78] + struct.pack("<Q", len(message) - 16) + covered[0x80:]
    with msl_construct.open(sized + message, key=by_hand.KEY) as dump:
        assert not len(dump.blocks)
        assert dump.trailing is not None
        assert bytes(dump.trailing) == b"no block at all"


def test_a_document_of_plaintext_is_built_as_no_encrypted_file() -> None:
    text = document(small(), by_hand.KEY)
    with pytest.raises(msl_construct.errors.DocumentError, match="in the clear"):
        build(load(io.StringIO(json.dumps(text))), io.BytesIO())


def test_a_header_that_says_another_byte_order_is_not_sealed(tmp_path: Path) -> None:
    """Which one the blocks have is known by Block 0 alone, which nobody could see."""
    source = shared("samples", "memslicer-0.5.2", "api-header-big-endian-flag.msl")
    key, sealed = tmp_path / "key", tmp_path / "sealed.msl"
    key.write_bytes(bytes(32))
    done = run("encrypt", source, "--key-file", key, "-o", sealed)
    assert done.returncode == 3
    assert b"msl convert comes before" in done.stderr
    assert not sealed.exists()
