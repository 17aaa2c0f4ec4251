"""Servers that people run, each with a client that never stops asking it.

What an acquisition does to its target is seen by whoever talks to it: `Client` asks the same
question over and over, checks every answer, and knows how long the longest one took. All of
them listen on sockets in a folder of ours; nothing is reached over a network.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

__all__ = ["PROGRAMS", "Client", "Missing", "Program", "Served"]

_TARGETS = Path(__file__).resolve().parent / "targets"
_PATIENCE = 60.0
"""Seconds for a server to start, and for an answer."""
_PAUSE = 0.0005
"""Seconds between an answer and the next question."""


class Missing(RuntimeError):
    """A program that is not installed, or can't be run by this user."""


class Client(threading.Thread):
    """Asks a server until it is told to stop; a context manager.

    Args:
        path: the server's socket.
        greet: what to do with a new connection before the first question.
        ask: one question and its answer; raises where the answer is wrong.

    Attributes:
        answers: how many came.
        errors: what went wrong, in words; the client ends with the first.
        pid: of the server process that answers, where that is told.
    """

    def __init__(
        self,
        path: Path,
        greet: Callable[[socket.socket], int],
        ask: Callable[[socket.socket, int], None],
    ) -> None:
        super().__init__(name="client", daemon=True)
        self._path, self._greet, self._ask = path, greet, ask
        self._over = threading.Event()
        self._ready = threading.Event()
        self._longest = 0.0
        self.answers = 0
        self.errors: list[str] = []
        self.pid = 0

    def run(self) -> None:
        """Ask."""
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(_PATIENCE)
                connection.connect(str(self._path))
                self.pid = self._greet(connection)
                self._ready.set()
                while not self._over.is_set():
                    begun = time.perf_counter()
                    self._ask(connection, self.answers)
                    self._longest = max(self._longest, time.perf_counter() - begun)
                    self.answers += 1
                    time.sleep(_PAUSE)
        except (OSError, ValueError) as error:
            self.errors.append(f"{type(error).__name__}: {error}")
        finally:
            self._ready.set()

    def longest(self) -> float:
        """Seconds that the longest answer took since the last time this was asked for."""
        found, self._longest = self._longest, 0.0
        return found

    def __enter__(self) -> Client:
        self.start()
        self._ready.wait(_PATIENCE)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self._over.set()
        self.join(_PATIENCE)


@dataclass(frozen=True)
class Served:
    """A server that runs.

    Attributes:
        pid: the process to acquire; 0: that of the client (`Client.pid`).
        client: makes a client of it.
    """

    pid: int
    client: Callable[[], Client]


Program = Callable[[Path], "contextlib.AbstractContextManager[Served]"]
"""Starts a server whose files lie in a folder.

Raises:
    Missing: it can't be had.
"""


def _listens(path: Path) -> Callable[[], bool]:
    """Whether somebody takes connections there."""

    def ready() -> bool:
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(path))
            return True
        return False

    return ready


def _found(*names: str) -> str:
    for name in names:
        path = shutil.which(name)
        if path:
            return path
    raise Missing(f"{names[0]} is not installed")


_PARENT_DEATH_SIGNAL = 1


def _end_with(parent: int) -> Callable[[], None]:
    """What a child does to end when its parent is gone, however that ended."""
    library = ctypes.CDLL(None)

    def prepare() -> None:
        library.prctl(_PARENT_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # it is gone already
            os._exit(1)

    return prepare


@contextlib.contextmanager
def _running(
    command: list[str], ready: Callable[[], bool], user: int | None = None
) -> Iterator[int]:
    """A server, from the moment it is ready."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        user=user,
        preexec_fn=_end_with(os.getpid()),
    )
    try:
        until = time.monotonic() + _PATIENCE
        while not ready():
            if process.poll() is not None or time.monotonic() > until:
                raise Missing(f"{command[0]} does not start")
            time.sleep(0.01)
        yield process.pid
    finally:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _exactly(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = connection.recv(size - len(data))
        if not piece:
            raise ValueError(f"the server hung up after {data!r}")
        data += piece
    return data


def _expect(connection: socket.socket, wanted: bytes) -> None:
    found = _exactly(connection, len(wanted))
    if found != wanted:
        raise ValueError(f"expected {wanted!r}, found {found!r}")


def _nothing(_: socket.socket) -> int:
    return 0


def _echo(connection: socket.socket, number: int) -> None:
    line = b"line %d\n" % number
    connection.sendall(line)
    _expect(connection, line)


# -- redis -----------------------------------------------------------------------------


def _redis_value(connection: socket.socket, number: int) -> None:
    value = b"%020d" % number
    connection.sendall(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$20\r\n" + value + b"\r\n")
    _expect(connection, b"+OK\r\n")
    connection.sendall(b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n")
    _expect(connection, b"$20\r\n" + value + b"\r\n")


def _redis_fill(connection: socket.socket) -> int:
    for number in range(64):  # 64 MiB of values
        connection.sendall(b"*3\r\n$3\r\nSET\r\n$4\r\nb%03d\r\n$1048576\r\n" % number)
        connection.sendall(os.urandom(1 << 20) + b"\r\n")
        _expect(connection, b"+OK\r\n")
    return 0


@contextlib.contextmanager
def _redis(folder: Path) -> Iterator[Served]:
    path = folder / "redis"
    command = [_found("redis-server"), "--port", "0", "--unixsocket", str(path)]
    command += ["--save", "", "--dir", str(folder)]
    with _running(command, _listens(path)) as pid:
        yield Served(pid, lambda: Client(path, _redis_fill, _redis_value))


# -- nginx -----------------------------------------------------------------------------

_NGINX = """
daemon off; master_process off; worker_processes 1;
pid {folder}/nginx.pid; error_log {folder}/nginx.log;
events {{ worker_connections 64; }}
http {{
  access_log off; keepalive_requests 1000000000;
  client_body_temp_path {folder}/t; proxy_temp_path {folder}/t; fastcgi_temp_path {folder}/t;
  uwsgi_temp_path {folder}/t; scgi_temp_path {folder}/t;
  server {{ listen unix:{folder}/nginx; location / {{ return 200 "hello"; }} }}
}}
"""


def _http(connection: socket.socket, number: int) -> None:
    connection.sendall(b"GET /%d HTTP/1.1\r\nHost: here\r\n\r\n" % number)
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += _exactly(connection, 1)
    if not head.startswith(b"HTTP/1.1 200 "):
        raise ValueError(f"expected 200, found {head!r}")
    _expect(connection, b"hello")


@contextlib.contextmanager
def _nginx(folder: Path) -> Iterator[Served]:
    program = shutil.which("nginx") or _found("/usr/sbin/nginx")
    configuration = folder / "nginx.conf"
    configuration.write_text(_NGINX.format(folder=folder))
    with _running([program, "-c", str(configuration)], _listens(folder / "nginx")) as pid:
        yield Served(pid, lambda: Client(folder / "nginx", _nothing, _http))


# -- PostgreSQL: the process that answers is one of its own for each connection ----------


def _messages(connection: socket.socket) -> list[tuple[bytes, bytes]]:
    """The server's messages until it is ready for a query."""
    found = []
    while not found or found[-1][0] != b"Z":
        kind, length = struct.unpack(">cI", _exactly(connection, 5))
        found.append((kind, _exactly(connection, length - 4)))
        if kind == b"E":
            raise ValueError(f"an error: {found[-1][1]!r}")
    return found


def _query(connection: socket.socket, text: bytes) -> bytes:
    """The first value of the first row."""
    connection.sendall(struct.pack(">cI", b"Q", len(text) + 5) + text + b"\0")
    rows = [body for kind, body in _messages(connection) if kind == b"D"]
    return rows[-1][6:] if rows else b""


def _postgres_greet(connection: socket.socket) -> int:
    words = b"user\0msl\0database\0postgres\0\0"
    connection.sendall(struct.pack(">II", len(words) + 8, 196608) + words)
    _messages(connection)
    _query(connection, b"create table if not exists t as select generate_series(1, 200000) as n")
    _query(connection, b"select sum(n) from t")
    return int(_query(connection, b"select pg_backend_pid()"))


def _postgres_sum(connection: socket.socket, number: int) -> None:
    found = _query(connection, b"select sum(n) + %d from t where n < 100" % number)
    if int(found) != 4950 + number:
        raise ValueError(f"expected {4950 + number}, found {found!r}")


@contextlib.contextmanager
def _postgres(folder: Path) -> Iterator[Served]:
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not places:
        raise Missing("postgresql is not installed")
    user = None
    if os.geteuid() == 0:  # it refuses to run as root
        import pwd

        user = pwd.getpwnam("postgres").pw_uid
        os.chown(folder, user, -1)
    data = folder / "data"
    made = subprocess.run(
        [places[-1] / "initdb", "-D", data, "-U", "msl", "-A", "trust", "--no-sync"],
        capture_output=True,
        user=user,
        check=False,
    )
    if made.returncode:
        raise Missing(f"initdb: {made.stderr.decode(errors='replace')}")
    command = [str(places[-1] / "postgres"), "-D", str(data), "-k", str(folder)]
    command += ["-c", "listen_addresses=", "-c", "shared_buffers=128MB", "-c", "fsync=off"]
    path, state = folder / ".s.PGSQL.5432", data / "postmaster.pid"

    def ready() -> bool:
        with contextlib.suppress(OSError):
            return state.read_text().rstrip().endswith("ready")
        return False

    with _running(command, ready, user):
        yield Served(0, lambda: Client(path, _postgres_greet, _postgres_sum))


# -- node and java -----------------------------------------------------------------------


@contextlib.contextmanager
def _node(folder: Path) -> Iterator[Served]:
    path = folder / "node"
    command = [_found("node"), str(_TARGETS / "serve.js"), str(path), "48"]
    with _running(command, _listens(path)) as pid:
        yield Served(pid, lambda: Client(path, _nothing, _echo))


@contextlib.contextmanager
def _java(folder: Path) -> Iterator[Served]:
    path = folder / "java"
    command = [_found("java"), "-Xms256m", "-Xmx256m", str(_TARGETS / "Serve.java")]
    with _running([*command, str(path), "48"], _listens(path)) as pid:
        yield Served(pid, lambda: Client(path, _nothing, _echo))


PROGRAMS: dict[str, Program] = {
    "postgres": _postgres,
    "redis": _redis,
    "nginx": _nginx,
    "node": _node,
    "java": _java,
}
"""By name."""
