"""Programs that hold secrets and structures which are known: what `msl candidates` must find.

A target is a context manager that gives the process and what is true of it: for each secret the
shape and the bytes that begin it, in hexadecimal; for each structure ``kind count address size``.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from acquire_targets import SOURCES, Running, compiled, started

__all__ = ["TARGETS", "Truth", "confirmed", "lacking", "memory_of"]

PATIENCE = 120.0


@dataclass
class Truth:
    """What is known of a process.

    Attributes:
        pid: its number.
        secrets: shape and bytes.
        structures: kind, count, address of one, size.
        counted: shapes, and how many of them there are, where their bytes are not known.
        peer: the number of another process that has what is counted as well; 0: none has.
        wrapped: text that is in it only encrypted, with the key of what is counted, as RFC 3394
            has it.
    """

    pid: int
    secrets: list[tuple[str, bytes]] = field(default_factory=list)
    structures: list[tuple[str, int, int, int]] = field(default_factory=list)
    counted: dict[str, int] = field(default_factory=dict)
    peer: int = 0
    wrapped: bytes = b""


Target = Callable[[Path], "contextlib.AbstractContextManager[Truth]"]
KEYLOG = {
    "CLIENT_RANDOM": "tls_1_2_master_secret",
    "CLIENT_TRAFFIC_SECRET_0": "tls_1_3_secret",
    "SERVER_TRAFFIC_SECRET_0": "tls_1_3_secret",
    "EXPORTER_SECRET": "tls_1_3_secret",
}
"""Lines of a key log whose secrets stay in memory when the handshake is over (OpenSSL 3)."""


def _said(process: Running, lines: list[str]) -> Truth:
    truth = Truth(process.pid)
    for line in lines:
        word, *rest = line.split()
        if len(rest) == 3:
            truth.structures.append((word, int(rest[0]), int(rest[1], 16), int(rest[2])))
        elif KEYLOG.get(word, word) in KEYLOG.values() or word not in _UNTOLD:
            truth.secrets.append((KEYLOG.get(word, word), bytes.fromhex(rest[0])))
    return truth


_UNTOLD = ("CLIENT_HANDSHAKE_TRAFFIC_SECRET", "SERVER_HANDSHAKE_TRAFFIC_SECRET")


@contextlib.contextmanager
def _program(command: list[str], environment: list[str] = []) -> Iterator[Truth]:  # noqa: B006
    with started([*environment, *command]) as (process, lines):
        yield _said(process, lines)


def _python(name: str, *arguments: str, prefix: tuple[str, ...] = ()) -> Target:
    def begin(folder: Path) -> contextlib.AbstractContextManager[Truth]:
        words = [word.format(folder=folder) for word in arguments]
        return _program([*prefix, sys.executable, str(SOURCES / f"{name}.py"), *words])

    return begin


def _c(name: str) -> Target:
    return lambda folder: _program([str(compiled(name))])


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate and its key, made once in a folder."""
    made, key = folder / "cert.pem", folder / "key.pem"
    if not made.exists():
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-keyout", key, "-out", made, "-subj", "/CN=test", "-days", "30"],
            check=True, capture_output=True, timeout=PATIENCE,
        )  # fmt: skip
    return made, key


def _tls(version: str) -> Target:
    @contextlib.contextmanager
    def begin(folder: Path) -> Iterator[Truth]:
        made, key = certificate(folder)
        program = str(SOURCES / "tls_session.py")
        with _program([sys.executable, program, version, str(made), str(key)]) as truth:
            yield truth

    return begin


def _openssl(side: str) -> Target:
    """``openssl s_server`` and ``s_client`` that talk to each other; one of them is the target."""

    @contextlib.contextmanager
    def begin(folder: Path) -> Iterator[Truth]:
        made, key = certificate(folder)
        log = folder / f"keylog-{os.getpid()}-{time.monotonic_ns()}"
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            port = str(one.getsockname()[1])
        server = ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", str(made),
                  "-key", str(key), "-quiet"]  # fmt: skip
        client = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-quiet",
                  "-keylogfile", str(log)]  # fmt: skip
        with started(server, ready="") as (far, _):
            _listens(port)
            until = time.monotonic() + PATIENCE
            with started(client, ready="") as (near, _):
                while not log.exists() or "EXPORTER_SECRET" not in log.read_text():
                    assert time.monotonic() < until, "openssl s_client does not connect"
                    time.sleep(0.02)
                assert near.stdin is not None
                near.stdin.write(b"a line\n")
                assert far.line() == "a line"
                lines = [
                    f"{words[0]} {words[2]}"
                    for words in map(str.split, log.read_text().splitlines())
                    if len(words) == 3
                ]
                yield _said(near if side == "client" else far, lines)

    return begin


def _listens(port: str) -> None:
    """Wait until somebody does."""
    until = time.monotonic() + PATIENCE
    while True:
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", int(port)), 0.2),
        ):
            return
        assert time.monotonic() < until, f"nobody listens at {port}"
        time.sleep(0.02)


@contextlib.contextmanager
def _ssh_agent(folder: Path) -> Iterator[Truth]:
    place = folder / f"agent-{time.monotonic_ns()}"
    with started(["ssh-agent", "-D", "-a", str(place)], ready="") as (process, _):
        until = time.monotonic() + PATIENCE
        while not _answers(place):  # its file is there before it listens
            assert time.monotonic() < until, "ssh-agent does not start"
            time.sleep(0.02)
        for kind in ("ed25519", "rsa", "ecdsa"):
            key = folder / f"id_{kind}"
            if not key.exists():
                words = ["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", str(key)]
                subprocess.run(words, check=True, timeout=PATIENCE)
            subprocess.run(
                ["ssh-add", "-q", str(key)], check=True, timeout=PATIENCE,
                env={**os.environ, "SSH_AUTH_SOCK": str(place)},
            )  # fmt: skip
        yield Truth(process.pid, counted={"ssh_shielded_key": 3})


def _answers(place: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as asked, contextlib.suppress(OSError):
        asked.connect(str(place))
        return True
    return False


@contextlib.contextmanager
def _gpg_agent(folder: Path) -> Iterator[Truth]:
    """An agent that keeps a passphrase, which it encrypts with a key of its own."""
    home = folder / "gnupg"
    home.mkdir(mode=0o700, exist_ok=True)
    command = ["gpg-agent", "--homedir", str(home), "--allow-preset-passphrase", "--server"]
    passphrase = b"correct horse battery staple"
    with started(command, ready="") as (process, _):
        assert process.line().startswith("OK")
        keygrip = "0123456789ABCDEF0123456789ABCDEF01234567"
        assert process.ask(f"PRESET_PASSPHRASE {keygrip} -1 {passphrase.hex()}") == "OK"
        yield Truth(process.pid, counted={"aes_128_key_schedule": 1}, wrapped=passphrase)


def _ssh(side: str) -> Target:
    """``ssh`` and ``sshd`` in a session; one of them is the target."""

    @contextlib.contextmanager
    def begin(folder: Path) -> Iterator[Truth]:
        key = folder / "id_session"
        if not key.exists():
            words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)]
            subprocess.run(words, check=True, timeout=PATIENCE)
        Path("/run/sshd").mkdir(exist_ok=True)
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            port = str(one.getsockname()[1])
        sshd = str(shutil.which("sshd"))
        server = [sshd, "-D", "-q", "-f", "/dev/null", "-h", str(key), "-p", port, "-o",
                  "ListenAddress=127.0.0.1", "-o", f"AuthorizedKeysFile={key}.pub", "-o",
                  "StrictModes=no", "-o", "PidFile=none"]  # fmt: skip
        client = ["ssh", "-q", "-F", "none", "-i", str(key), "-p", port, "-o", "BatchMode=yes",
                  "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
                  "127.0.0.1", "echo $PPID; echo ready; cat"]  # fmt: skip
        with started(server, ready=""):
            _listens(port)
            with started(client) as (near, lines):
                far = int(lines[0])
                own, other = (near.pid, far) if side == "client" else (far, near.pid)
                yield Truth(own, counted={"ssh_session_key": 2}, peer=other)

    return begin


TARGETS: dict[str, tuple[tuple[str, ...], Target]] = {
    "python ssl, TLS 1.3": (("openssl",), _tls("1.3")),
    "python ssl, TLS 1.2": (("openssl",), _tls("1.2")),
    "openssl s_client": (("openssl",), _openssl("client")),
    "openssl s_server": (("openssl",), _openssl("server")),
    "ssh-agent": (("ssh-agent", "ssh-add", "ssh-keygen"), _ssh_agent),
    "ssh": (("ssh", "sshd", "ssh-keygen"), _ssh("client")),
    "sshd": (("ssh", "sshd", "ssh-keygen"), _ssh("server")),
    "gpg-agent": (("gpg-agent",), _gpg_agent),
    "private keys": ((), _python("private_keys")),
    "key schedules": (("gcc",), _c("aes_schedules")),
    "tokens": ((), _python("tokens")),
    "structures": (("gcc",), _c("structures")),
}
"""By name: the programs that it needs, and how it is started."""


def memory_of(pid: int) -> Iterator[bytes]:
    """Mappings of a process that it can write to, as its system shows them."""
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb") as memory:
        for line in maps:
            words = line.split()
            start, end = (int(word, 16) for word in words[0].split("-"))
            if words[1].startswith("rw"):
                with contextlib.suppress(OSError, ValueError):
                    memory.seek(start)
                    yield memory.read(end - start)


def confirmed(truth: Truth, found: bytes) -> bool:
    """Whether what was found is what is counted: as something else than our own search says.

    Another process has the same bytes; or they are a key that opens what was known before.
    """
    if truth.peer:
        return any(found in data for data in memory_of(truth.peer))
    size = -(-(len(truth.wrapped) + 9) // 32) * 32  # as gpg-agent pads it
    mark = size.to_bytes(4, sys.byteorder)
    for data in memory_of(truth.pid):
        at = data.find(mark)
        while at >= 0:
            some = data[at + 4 : at + 4 + size]
            if len(set(some)) > size // 2 and _opened(found[:16], some).startswith(truth.wrapped):
                return True
            at = data.find(mark, at + 1)
    return False


def _opened(key: bytes, wrapped: bytes) -> bytes:
    from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap

    try:
        return aes_key_unwrap(key, wrapped)
    except (InvalidUnwrap, ValueError):
        return b""


def lacking(name: str) -> list[str]:
    """Programs that a target needs and that are not there."""
    return [program for program in TARGETS[name][0] if shutil.which(program) is None]
