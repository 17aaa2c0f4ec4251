"""Commands of examples as processes of their own, without a new interpreter for each of them.

A process that has imported the package forks for each command: what it reads, prints and ends with
goes where the shell has put it, in its folder and environment. Commands of one pipe run at the
same time.

As a program: ``forked.py PATH`` asks the process that listens at PATH to run a command, with the
words that follow, and ends as that does.
"""

import json
import os
import socket
import sys

_STANDARD = (0, 1, 2)
_LONGEST = 1 << 20


def _ask(path: str, words: "list[str]") -> int:
    """What the command ended with, as a shell says it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
        connection.connect(path)
        asked = json.dumps([words, os.getcwd(), dict(os.environ)]).encode()
        socket.send_fds(connection, [asked], _STANDARD)
        for end in _STANDARD:
            os.close(end)  # whoever reads what the command writes waits for nobody else
        return int(connection.recv(100) or 70)


def _serve(listener: socket.socket, life: int) -> "list[str] | None":
    """Answer until the other end of `life` is closed.

    Returns:
        In a child: the words of its command. Else None.
    """
    import select
    import signal

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that answer
    while life not in select.select([listener, life], [], [])[0]:
        connection, _ = listener.accept()
        if os.fork():
            connection.close()
            continue
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        listener.close()
        os.close(life)
        asked, descriptors, _, _ = socket.recv_fds(connection, _LONGEST, len(_STANDARD))
        child = os.fork()
        if child:
            for end in (*descriptors, *_STANDARD):
                os.close(end)
            code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            connection.send(str(code if code >= 0 else 128 - code).encode())
            os._exit(0)
        connection.close()
        for end, standard in zip(descriptors, _STANDARD):
            os.dup2(end, standard)
            os.close(end)
        words, folder, environment = json.loads(asked)
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
        return list(words)
    return None


def _listen(number: str, life: str) -> None:
    """Import what commands import, then serve."""
    import gc
    import importlib
    import pkgutil

    for name in ("msl_construct", "msl_acquire"):
        package = importlib.import_module(name)
        for module in pkgutil.walk_packages(package.__path__, f"{name}."):
            if not module.name.endswith(".__main__"):
                try:
                    importlib.import_module(module.name)
                except ImportError:  # of another system, or of an extra that is not here
                    continue
    gc.freeze()
    words = _serve(socket.socket(fileno=int(number)), int(life))
    if words is not None:
        import runpy

        sys.argv = words
        sys.path[0] = ""  # as ``python -m`` has it
        runpy.run_module(words[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    if sys.argv[1] == "--listen":
        _listen(*sys.argv[2:])
    else:
        sys.exit(_ask(sys.argv[1], sys.argv[2:]))
