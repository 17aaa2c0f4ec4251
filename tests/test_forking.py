"""A command that is forked is the same as one that is started."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from commands import COMMAND, PLACE, run
from forking import CAN_FORK, Server
from independent.specimens import LE10, capture

pytestmark = pytest.mark.skipif(not CAN_FORK, reason="needs fork and sockets that pass files")


@pytest.mark.parametrize(
    "words",
    ["--version", "--help", "inspect -", "inspect - --json", "inspect absent.msl", "verify", "x"],
)
def test_it_says_the_same(words: str, tmp_path: Path) -> None:
    data = capture(LE10).data()
    environment = {**os.environ, "PYTHONPATH": str(PLACE)}
    started = subprocess.run(
        [*COMMAND, *words.split()],
        input=data,
        capture_output=True,
        cwd=tmp_path,
        env=environment,
        timeout=60,
    )
    forked = run(*words.split(), data=data, folder=tmp_path)
    assert forked.stdout == started.stdout
    assert forked.stderr == started.stderr
    assert forked.returncode == started.returncode
    assert started.stdout + started.stderr


@pytest.fixture(name="server")
def server_that_finds(tmp_path: Path) -> Server:
    """A server with a module ``misbehaves`` to run."""
    code = (
        "import os, sys, time\n"
        "print('begun', flush=True)\n"
        "word = sys.argv[1]\n"
        "if word == 'raise': raise KeyError('lost')\n"
        "if word == 'kill': os.kill(os.getpid(), 9)\n"
        "if word == 'hang': time.sleep(600)\n"
        "while word == 'compute' and time.process_time() < 0.2: pass\n"
        "print(os.environ['WORD'], os.getcwd())\n"
    )
    (tmp_path / "misbehaves.py").write_text(code)
    return Server({**os.environ, "PYTHONPATH": f"{PLACE}{os.pathsep}{tmp_path}"})


def test_however_it_ends(server: Server, tmp_path: Path) -> None:
    def ended(word: str, seconds: float = 60) -> subprocess.CompletedProcess[bytes]:
        words = ["misbehaves", word]
        environment = {"WORD": word}
        return server.run(
            words, data=b"", folder=tmp_path, environment=environment, seconds=seconds
        )

    try:
        raised = ended("raise")
        assert (raised.returncode, raised.stdout) == (1, b"begun\n")
        assert raised.stderr.endswith(b"KeyError: 'lost'\n")
        killed = ended("kill")
        assert (killed.returncode, killed.stdout) == (-9, b"begun\n")
        good = ended("good")
        assert (good.returncode, good.stderr) == (0, b"")
        assert good.stdout == f"begun\ngood {tmp_path}\n".encode()
        with pytest.raises(subprocess.TimeoutExpired) as late:
            ended("hang", seconds=5)
        assert late.value.stdout == b"begun\n"
    finally:
        server.stop()


def test_what_a_command_took_is_counted(server: Server, tmp_path: Path) -> None:
    before = Server.taken
    try:
        for _ in range(2):
            server.run(
                ["misbehaves", "compute"],
                data=b"",
                folder=tmp_path,
                environment={"WORD": "compute"},
                seconds=300,
            )
    finally:
        server.stop()
    assert Server.taken - before > 0.3


def test_an_import_that_is_missing_is_not_hidden(tmp_path: Path) -> None:
    """What the server imported must not stand in for a module's own imports."""
    for words in ("inspect", "verify", "check", "build", "schema", "acquire", "generate"):
        code = f"import sys\nsys.argv = ['msl', {words!r}, '--help']\n"
        code += "from msl_construct.cli import main\nmain()"
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            env={**os.environ, "PYTHONPATH": str(PLACE)},
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        assert b"Usage: " in done.stdout
