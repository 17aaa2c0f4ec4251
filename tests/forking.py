"""Commands as processes of their own, without a new interpreter for each of them.

A server process imports the package once. Whatever command it is asked for runs in a child
that it forks, on descriptors, with an environment and in a folder of its own, and ends as an
interpreter ends: what is printed, raised, flushed and returned is the command's. Only starting
and importing is left out; tests of that, of signals or of output that nobody takes start the
command themselves.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

__all__ = ["CAN_FORK", "Server"]

CAN_FORK = hasattr(os, "fork") and hasattr(socket, "send_fds")
_LONGEST = 1 << 20
_STANDARD = (0, 1, 2)


class Server:
    """Runs modules in children of one process.

    Args:
        environment: of that process; it must have all that an interpreter reads when it starts.

    Attributes:
        taken: seconds of processor time of all that ran to its end, of all servers.
    """

    taken: ClassVar[float] = 0.0

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # Pipes, as the children's will be: the interpreter looks at them when it starts.
        self._process = subprocess.Popen(
            [sys.executable, __file__, str(theirs.fileno())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=[theirs.fileno()],
            env=dict(environment),
            start_new_session=True,
        )
        theirs.close()
        atexit.register(self.stop)

    def stop(self) -> None:
        """End the process and whatever it runs."""
        self._socket.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def run(
        self,
        words: Sequence[str],
        *,
        data: bytes,
        folder: Path,
        environment: Mapping[str, str],
        seconds: float,
    ) -> subprocess.CompletedProcess[bytes]:
        """What became of ``python -m`` with these words.

        Raises:
            subprocess.TimeoutExpired: it takes longer than that; nothing of it runs any more.
        """
        asked = json.dumps([list(words), str(folder), dict(environment)]).encode()
        pipes = [os.pipe() for _ in _STANDARD]
        (stdin, feed), (out, stdout), (errors, stderr) = pipes
        socket.send_fds(self._socket, [asked], [stdin, stdout, stderr])
        for end in (stdin, stdout, stderr):
            os.close(end)
        said: dict[int, bytes] = {}
        threads = [threading.Thread(target=_feed, args=(feed, data))]
        threads += [threading.Thread(target=_drain, args=(end, said)) for end in (out, errors)]
        late = threading.Timer(seconds, os.killpg, (self._process.pid, signal.SIGKILL))
        for thread in (*threads, late):
            thread.start()
        for thread in threads:
            thread.join()
        answer = self._socket.recv(100)  # nothing, once the process is gone
        late.cancel()
        late.join()
        if not answer:
            raise subprocess.TimeoutExpired(list(words), seconds, said[out], said[errors])
        status, took = answer.split()
        Server.taken += float(took)
        code = os.waitstatus_to_exitcode(int(status))
        return subprocess.CompletedProcess(list(words), code, said[out], said[errors])


def _feed(end: int, data: bytes) -> None:
    with contextlib.suppress(BrokenPipeError), open(end, "wb", buffering=0) as pipe:
        rest = memoryview(data)
        while rest:
            rest = rest[pipe.write(rest) :]


def _drain(end: int, into: dict[int, bytes]) -> None:
    with open(end, "rb") as pipe:
        into[end] = pipe.read()


# -- the other side ----------------------------------------------------------------------------


def _prepare() -> None:
    """Import what commands import."""
    import gc
    import importlib
    import pkgutil

    for name in ("msl_construct", "msl_acquire"):
        package = importlib.import_module(name)
        for module in pkgutil.walk_packages(package.__path__, f"{name}."):
            if module.name.endswith(".__main__"):  # is run, and by each child for itself
                continue
            with contextlib.suppress(ImportError):  # of another system
                importlib.import_module(module.name)
    gc.freeze()


def _serve(connection: socket.socket) -> list[str] | None:
    """Answer until nobody asks any more.

    Returns:
        In a child: the words of its command. Else None.
    """
    while True:
        asked, descriptors, _, _ = socket.recv_fds(connection, _LONGEST, len(_STANDARD))
        if not asked:
            return None
        child = os.fork()
        if not child:
            words, folder, environment = json.loads(asked)
            for end, standard in zip(descriptors, _STANDARD):
                os.dup2(end, standard)
                os.close(end)
            connection.close()
            os.chdir(folder)
            os.environ.clear()
            os.environ.update(environment)
            return list(words)
        for end in descriptors:
            os.close(end)
        _, status, used = os.wait4(child, 0)
        connection.send(f"{status} {used.ru_utime + used.ru_stime:.3f}".encode())


if __name__ == "__main__":
    import runpy

    sys.path[0] = ""  # as ``python -m`` has it: not the folder of the tests
    _prepare()
    command = _serve(socket.socket(fileno=int(sys.argv[1])))
    if command is not None:
        sys.argv = command
        runpy.run_module(command[0], run_name="__main__", alter_sys=True)
