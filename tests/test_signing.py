"""Who signed a dump and who dated it: held against OpenSSH's and OpenSSL's own tools."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from commands import one_line, run
from independent.specimens import LE10, LE11, capture

from msl_construct.errors import SignatureError
from msl_construct.signing import (
    DumpStatement,
    fingerprint,
    read_response,
    read_signature,
    read_signers,
    read_statement,
    sign,
)

pytest.importorskip("cryptography")

KEYGEN = shutil.which("ssh-keygen")
OPENSSL = shutil.which("openssl")
needs_ssh = pytest.mark.skipif(KEYGEN is None, reason="needs ssh-keygen")
needs_openssl = pytest.mark.skipif(OPENSSL is None, reason="needs openssl")
NAMESPACE = "msl-dump"
WHO = "examiner@lab"


def never() -> bytes:
    raise AssertionError("the key has no passphrase")


def new_key(path: Path, *, kind: str = "PEM", passphrase: bytes = b"") -> str:
    """A private key; its public half as authorized_keys has it."""
    from cryptography.hazmat.primitives import serialization as forms
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    form = forms.PrivateFormat.OpenSSH if kind == "OpenSSH" else forms.PrivateFormat.PKCS8
    closed = forms.BestAvailableEncryption(passphrase) if passphrase else forms.NoEncryption()
    path.write_bytes(key.private_bytes(forms.Encoding.PEM, form, closed))
    path.chmod(0o600)
    public = key.public_key().public_bytes(forms.Encoding.OpenSSH, forms.PublicFormat.OpenSSH)
    return public.decode()


class Lab:
    """A dump, a key, and who may sign."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.dump = folder / "dump.msl"
        self.dump.write_bytes(capture(LE11).data())
        self.key = folder / "key"
        self.public = new_key(self.key, kind="OpenSSH")
        self.signers = folder / "allowed_signers"
        self.signers.write_text(f'{WHO} namespaces="{NAMESPACE}" {self.public}\n')
        self.statement = folder / "dump.msl.statement"
        self.signature = folder / "dump.msl.statement.sig"

    def sign(self, *options: Any) -> Any:
        return run("sign", self.dump, "--signing-key", self.key, *options)

    def verify(self, *options: Any) -> Any:
        named = ("--signature", self.signature, "--signers", self.signers)
        return run("verify", self.dump, *named, *options)


@pytest.fixture(name="lab")
def lab_fixture(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


# -- the statement ------------------------------------------------------------------------


def test_the_statement_says_what_the_file_is(lab: Lab) -> None:
    from blake3 import blake3

    assert lab.sign().returncode == 0
    data = lab.dump.read_bytes()
    lines = lab.statement.read_text().splitlines()
    assert lines[2] == f"Size: {len(data)}"
    assert lines[5] == f"BLAKE3: {blake3(data).hexdigest()}"
    assert lines[6] == f"SHA-256: {hashlib.sha256(data).hexdigest()}"
    found = read_statement(lab.statement.read_bytes())
    assert found.text() == lab.statement.read_text()


@pytest.mark.parametrize(
    "bent",
    [
        b"",
        b"Memory Slice dump, statement 2\n",
        b"\xff\n",
        b"x" * 5000,
        b"Memory Slice dump, statement 1\nSize: 1\n",
    ],
)
def test_what_is_no_statement(bent: bytes) -> None:
    with pytest.raises(SignatureError, match="no statement about a dump"):
        read_statement(bent)


def test_a_statement_means_one_thing(lab: Lab) -> None:
    assert lab.sign().returncode == 0
    text = lab.statement.read_bytes()
    for bent in (text + b"\n", text.replace(b"Size: ", b"Size: 0"), text[:-1], text.upper()):
        with pytest.raises(SignatureError):
            read_statement(bent)


# -- the signature ------------------------------------------------------------------------


@needs_ssh
def test_openssh_accepts_it(lab: Lab) -> None:
    assert lab.sign().returncode == 0
    command = [str(KEYGEN), "-Y", "verify", "-f", str(lab.signers), "-I", WHO, "-n", NAMESPACE]
    command += ["-s", str(lab.signature)]
    text = lab.statement.read_bytes()
    good = subprocess.run(command, input=text, capture_output=True, check=False, timeout=60)
    assert good.returncode == 0, good.stderr
    assert WHO.encode() in good.stdout
    bad = subprocess.run(command, input=text + b" ", capture_output=True, check=False, timeout=60)
    assert bad.returncode != 0


@needs_ssh
def test_openssh_makes_the_same(lab: Lab) -> None:
    """An Ed25519 signature is the same whoever makes it."""
    assert lab.sign().returncode == 0
    first = lab.signature.read_bytes()
    assert lab.sign("--ssh-keygen", "--force").returncode == 0
    assert lab.signature.read_bytes() == first
    assert lab.verify().returncode == 0


@pytest.mark.parametrize("kind", ["PEM", "OpenSSH"])
def test_a_key_with_a_passphrase(lab: Lab, kind: str) -> None:
    if kind == "OpenSSH":
        pytest.importorskip("bcrypt")
    lab.public = new_key(lab.key, kind=kind, passphrase=b"open")
    lab.signers.write_text(f"{WHO} {lab.public}\n")
    done = run(
        "sign", lab.dump, "--signing-key", lab.key, "--signing-passphrase-env", "WORD", WORD="shut"
    )
    assert done.returncode == 3
    assert not lab.signature.exists()
    done = run(
        "sign", lab.dump, "--signing-key", lab.key, "--signing-passphrase-env", "WORD", WORD="open"
    )
    assert done.returncode == 0, done.stderr
    assert lab.verify().returncode == 0


def test_another_kind_of_key_is_refused(lab: Lab) -> None:
    from cryptography.hazmat.primitives import serialization as forms
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    lab.key.write_bytes(
        key.private_bytes(forms.Encoding.PEM, forms.PrivateFormat.PKCS8, forms.NoEncryption())
    )
    done = lab.sign()
    assert done.returncode == 3
    assert "expected an Ed25519 key" in one_line(done.stderr)
    lab.key.write_bytes(b"no key at all")
    assert lab.sign().returncode == 3


def test_every_flipped_bit_of_a_signature_is_seen(lab: Lab) -> None:
    text = sign(b"a message", lab.key, never)
    assert read_signature(text.encode()).holds(b"a message")
    assert not read_signature(text.encode()).holds(b"a message ")
    body = base64.b64decode("".join(text.splitlines()[1:-1]))
    for at in range(len(body)):
        bent = bytearray(body)
        bent[at] ^= 1 << at % 8
        encoded = base64.b64encode(bytes(bent)).decode()
        raw = f"-----BEGIN SSH SIGNATURE-----\n{encoded}\n-----END SSH SIGNATURE-----\n".encode()
        try:
            held = read_signature(raw).holds(b"a message")
        except SignatureError:
            continue
        # The reserved field is not signed, and means nothing (PROTOCOL.sshsig).
        assert not held, at
    for cut in range(0, len(body), 7):
        encoded = base64.b64encode(body[:cut]).decode()
        raw = f"-----BEGIN SSH SIGNATURE-----\n{encoded}\n-----END SSH SIGNATURE-----\n".encode()
        with pytest.raises(SignatureError):
            read_signature(raw)


# -- who it is ----------------------------------------------------------------------------


def test_who_may_sign(lab: Lab) -> None:
    key = read_signature(sign(b"", lab.key, never).encode()).public_key
    now = datetime.now(timezone.utc)
    past, future = ((now + timedelta(days=days)).strftime("%Y%m%d%H%M%SZ") for days in (-1, 1))
    rows = {
        f"a {lab.public}": ["a"],
        f'"a b,c" {lab.public} a comment': ["a b,c"],
        f'a namespaces="git,msl-*" {lab.public}': ["a"],
        f'a namespaces="git" {lab.public}': [],
        f'a valid-after="{past}",valid-before="{future}" {lab.public}': ["a"],
        f'a valid-before="{past}" {lab.public}': [],
        f'a valid-after="{future}" {lab.public}': [],
        f"a cert-authority {lab.public}": [],
        "# nothing": [],
        "a ssh-rsa AAAA": [],
    }
    for row, expected in rows.items():
        assert read_signers(row.encode()).of_key(key) == expected, row
    for bad in ("a", "a b c", f'a colour="x" {lab.public}', "a ssh-ed25519 %%%"):
        with pytest.raises(SignatureError, match="line 1: no signer"):
            read_signers(bad.encode())


def test_verify_answers_who(lab: Lab) -> None:
    assert lab.sign().returncode == 0
    done = lab.verify()
    assert done.returncode == 0
    assert f"signed: by {WHO}" in done.stdout.decode()
    row = json.loads(lab.verify("--json").stdout)
    key = base64.b64decode(lab.public.split()[1])
    assert row["signed"]["by"] == [WHO]
    assert row["signed"]["key"] == fingerprint(key)
    assert row["dated"] is None
    unknown = run("verify", lab.dump, "--signature", lab.signature)
    assert unknown.returncode == 4
    assert "whose it is was not asked" in unknown.stdout.decode()
    lab.signers.write_text(f"{WHO} {new_key(lab.folder / 'other')}\n")
    other = lab.verify()
    assert other.returncode == 1
    assert "which is nobody's" in other.stdout.decode()


def test_an_unsigned_dump_is_not_called_more_than_it_is(lab: Lab) -> None:
    done = run("verify", lab.dump)
    assert done.returncode == 0
    text = done.stdout.decode()
    assert "no signature was given: the chain has no key" in text
    for word in ("tamper", "forensic", "authentic", "signed:"):
        assert word not in text
    row = json.loads(run("verify", lab.dump, "--json").stdout)
    assert row["signed"] is None
    assert row["dated"] is None


def test_a_dump_that_was_made_anew_is_not_the_signed_one(lab: Lab) -> None:
    """Its chain is right: only the signature shows it."""
    assert lab.sign().returncode == 0
    lab.dump.write_bytes(capture(LE11, pid=5).data())
    assert run("verify", lab.dump).returncode == 0
    done = lab.verify()
    assert done.returncode == 1
    text = done.stdout.decode()
    assert "intact" in text
    assert "signed: another dump" in text
    assert "SHA-256: the statement says" in text
    assert json.loads(lab.verify("--json").stdout)["signed"]["by"] == []


def test_the_last_block_is_covered_too(lab: Lab) -> None:
    """The one that no hash of the chain covers."""
    assert lab.sign().returncode == 0
    data = bytearray(lab.dump.read_bytes())
    data[-9] ^= 1  # of AcqEnd
    lab.dump.write_bytes(data)
    assert run("verify", lab.dump).returncode in (0, 1)
    assert lab.verify().returncode == 1


def test_a_signature_for_something_else_is_none(lab: Lab, monkeypatch: Any) -> None:
    from msl_construct.signing import sshsig

    assert lab.sign().returncode == 0
    with monkeypatch.context() as patched:
        patched.setattr(sshsig, "NAMESPACE", "git")
        lab.signature.write_text(sign(lab.statement.read_bytes(), lab.key, never))
    done = lab.verify()
    assert done.returncode == 1
    assert "by nobody" in done.stdout.decode()


def test_what_is_there_is_not_replaced(lab: Lab) -> None:
    assert lab.sign().returncode == 0
    before = lab.signature.read_bytes()
    assert lab.sign().returncode == 2
    lab.dump.write_bytes(capture(LE10).data())
    done = lab.sign("--force")
    assert done.returncode == 3
    assert "no statement about" in one_line(done.stderr)
    assert lab.signature.read_bytes() == before


def test_a_broken_dump_is_not_signed(lab: Lab) -> None:
    data = bytearray(lab.dump.read_bytes())
    data[64 + 80 + 30] ^= 1
    lab.dump.write_bytes(data)
    assert lab.sign().returncode == 1
    assert not lab.statement.exists()
    assert not lab.signature.exists()


def test_a_dump_from_a_pipe(lab: Lab) -> None:
    assert lab.sign().returncode == 0
    data = lab.dump.read_bytes()
    named = ("--signature", lab.signature, "--signers", lab.signers)
    assert run("verify", "-", *named, data=data).returncode == 0
    assert run("verify", "-", *named, data=data[:-1]).returncode == 1
    assert run("sign", "-", "--signing-key", lab.key, data=data).returncode == 2


@pytest.mark.parametrize(
    "options",
    [("--signers", "x"), ("--trusted", "x")],
)
def test_options_that_need_others(lab: Lab, options: tuple[str, str]) -> None:
    assert run("verify", lab.dump, *options).returncode == 2


# -- the time stamp -----------------------------------------------------------------------

CONFIGURATION = """
[req]
distinguished_name=dn
[dn]
[ca]
basicConstraints=critical,CA:TRUE
keyUsage=critical,keyCertSign
[leaf]
basicConstraints=CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=critical,timeStamping
[tsa]
default_tsa=authority
[authority]
serial=serial
crypto_device=builtin
signer_cert=tsa.crt
signer_key=tsa.key
signer_digest=sha256
default_policy=1.2.3.4.1
digests=sha256,sha384,sha512
ess_cert_id_alg=sha256
tsa_name=yes
"""


class Authority:
    """A time stamp authority of our own: OpenSSL's."""

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir()
        self.folder, self.root = folder, folder / "ca.crt"
        (folder / "tsa.cnf").write_text(CONFIGURATION)
        (folder / "serial").write_text("01\n")
        new = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -config tsa.cnf"
        self._openssl(
            f"req -x509 {new} -keyout ca.key -out ca.crt -subj /CN={name} -days 9 -extensions ca"
        )
        self._openssl(f"req {new} -keyout tsa.key -out tsa.csr -subj /CN={name}-clock")
        self._openssl(
            "x509 -req -in tsa.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out tsa.crt -days 9 "
            "-extfile tsa.cnf -extensions leaf"
        )

    def answer(self, request: Path, response: Path) -> Path:
        self._openssl(f"ts -reply -config tsa.cnf -queryfile {request} -out {response}")
        return response

    def _openssl(self, words: str) -> None:
        command = [str(OPENSSL), *words.split()]
        done = subprocess.run(
            command, cwd=self.folder, capture_output=True, check=False, timeout=120
        )
        assert done.returncode == 0, done.stderr


@pytest.fixture(name="authority", scope="module")
def authority_fixture(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    pytest.importorskip("rfc3161_client")
    if OPENSSL is None:
        pytest.skip("needs openssl")
    return Authority(tmp_path_factory.mktemp("tsa") / "one", "one")


def test_a_time_stamp_of_the_statement(lab: Lab, authority: Authority) -> None:
    assert run("timestamp", lab.dump).returncode == 0
    request = lab.folder / "dump.msl.statement.tsq"
    response = authority.answer(request, lab.folder / "r.tsr")
    done = run("timestamp", lab.dump, "--response", response, "--trusted", authority.root)
    assert done.returncode == 0, done.stderr
    assert "the statement: " in done.stdout.decode()
    assert "by CN=one-clock" in done.stdout.decode()
    untrusted = run("timestamp", lab.dump, "--response", response)
    assert untrusted.returncode == 4
    named = ("--timestamp", response, "--trusted", authority.root)
    row = json.loads(run("verify", lab.dump, *named, "--json").stdout)
    assert row["signed"] is None
    when = datetime.fromisoformat(row["dated"]["when"])
    assert abs(datetime.now(timezone.utc) - when) < timedelta(hours=1)
    assert row["dated"]["by"] == "CN=one-clock"
    assert run("timestamp", lab.dump).returncode == 2  # the request is there


def test_a_time_stamp_of_the_signature(lab: Lab, authority: Authority) -> None:
    assert lab.sign().returncode == 0
    assert run("timestamp", lab.dump, "--signature", lab.signature).returncode == 0
    request = lab.folder / "dump.msl.statement.tsq"
    response = authority.answer(request, lab.folder / "r.tsr")
    done = lab.verify("--timestamp", response, "--trusted", authority.root)
    assert done.returncode == 0, done.stdout
    assert f"signed: by {WHO}" in done.stdout.decode()
    assert "dated: the signature, " in done.stdout.decode()
    # Nobody said that there is a signature: it is of something else than the statement.
    alone = run("verify", lab.dump, "--timestamp", response, "--trusted", authority.root)
    assert alone.returncode == 1


def test_time_stamps_that_do_not_hold(lab: Lab, authority: Authority) -> None:
    assert run("timestamp", lab.dump).returncode == 0
    request = lab.folder / "dump.msl.statement.tsq"
    response = authority.answer(request, lab.folder / "r.tsr")
    other = Authority(lab.folder / "other", "two")
    foreign = run("timestamp", lab.dump, "--response", response, "--trusted", other.root)
    assert foreign.returncode == 1
    assert "does not hold" in one_line(foreign.stderr)
    bent = lab.folder / "bent.tsr"
    lab.dump.write_bytes(capture(LE11, pid=9).data())
    assert run("timestamp", lab.dump, "--response", response).returncode == 1
    bent.write_bytes(b"nothing")
    assert run("timestamp", lab.dump, "--response", bent).returncode == 3


def test_no_flipped_bit_says_another_time(lab: Lab, authority: Authority) -> None:
    """What is not signed says nothing: version numbers, and what the key says anyhow."""
    assert run("timestamp", lab.dump).returncode == 0
    request = lab.folder / "dump.msl.statement.tsq"
    raw = authority.answer(request, lab.folder / "r.tsr").read_bytes()
    messages, roots = {"it": lab.statement.read_bytes()}, authority.root.read_bytes()
    right = read_response(raw, messages, roots)
    held = 0
    for at in range(len(raw)):
        changed = bytearray(raw)
        changed[at] ^= 1 << at % 8
        try:
            assert read_response(bytes(changed), messages, roots) == right
            held += 1
        except SignatureError:
            pass
    assert held < len(raw) // 20


def test_a_statement_without_file_hash(lab: Lab) -> None:
    """Of a capture that was not finished; the hashes of the whole file say enough."""
    lab.dump.write_bytes(capture(LE11, end=False).data())
    assert lab.sign().returncode == 0
    assert "FileHash: none" in lab.statement.read_text()
    assert lab.verify().returncode == 4  # incomplete, and signed
    assert isinstance(read_statement(lab.statement.read_bytes()), DumpStatement)
