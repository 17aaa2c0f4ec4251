"""Running what the documentation shows: shell sessions and Python sessions.

Nothing here needs Sphinx, so that the tests run the same examples where it isn't installed.
Every page has a scratch directory and a Python interpreter of its own; in the directory,
``samples/`` is the repository's.
"""

from __future__ import annotations

import ast
import atexit
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

__all__ = ["ROOT", "Example", "ExampleError", "Scratch", "examples"]

ROOT = Path(__file__).resolve().parents[2]
_TIMEOUT = 60
_FORKED = Path(__file__).with_name("forked.py")
_COMMANDS = {
    "msl-inspect": "-c 'from msl_construct.cli import main_inspect; main_inspect()'",
    "python": "",
}
_INTERPRETER = """
import contextlib, io, json, sys, traceback
names = {"__name__": "__main__"}
sys.displayhook = lambda value: None if value is None else print(repr(value))
for line in sys.stdin:
    out, error = io.StringIO(), None
    try:
        with contextlib.redirect_stdout(out):
            exec(compile(json.loads(line), "<example>", "single"), names)
    except Exception as found:
        last = "".join(traceback.format_exception_only(type(found), found))
        error = [type(found).__name__, last, traceback.format_exc()]
    print(json.dumps([out.getvalue(), error]), flush=True)
"""
_DIRECTIVE = re.compile(r"^( *)\.\. (msl-session|msl-python)::\s*$")
_OPTION = re.compile(r"^:([a-z-]+):\s*(.*)$")


class ExampleError(Exception):
    """An example does not do what the page says."""


@dataclass
class Example:
    """One directive of a page."""

    kind: str
    options: dict[str, str]
    content: str
    line: int


def examples(text: str) -> Iterator[Example]:
    """The sessions in the source of a page, in order."""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        found = _DIRECTIVE.match(line)
        if found is None:
            continue
        indent = len(found[1])
        body: list[str] = []
        for inner in lines[number + 1 :]:
            if inner.strip() and len(inner) - len(inner.lstrip()) <= indent:
                break
            body.append(inner[indent + 3 :])
        options: dict[str, str] = {}
        while body and (option := _OPTION.match(body[0])):
            options[option[1]] = option[2]
            body.pop(0)
        yield Example(found[2], options, "\n".join(body).strip("\n"), number + 1)


@dataclass
class Scratch:
    """The directory that the examples of one page run in.

    Args:
        samples: what ``samples/`` stands for.
    """

    samples: Path = ROOT / "samples"

    def __post_init__(self) -> None:
        if not self.samples.is_dir():
            raise ExampleError(f"{self.samples}: no such directory")
        self._python: subprocess.Popen[str] | None = None
        forks = commands_by_forking()
        self._base = Path(tempfile.mkdtemp(prefix="msl-docs-"))
        self.directory = self._base / "work"
        self.directory.mkdir()
        (self.directory / "samples").symlink_to(self.samples.resolve())
        for example in (ROOT / "spec-docs" / "examples").iterdir():
            shutil.copy(example, self.directory)
        bin_ = self._base / "bin"
        bin_.mkdir()
        every = {**_COMMANDS, "msl": f"-S -E {_FORKED} {forks} msl_construct"}
        for name, arguments in every.items():
            script = bin_ / name
            script.write_text(f'#!/bin/sh\nexec "{sys.executable}" {arguments} "$@"\n')
            script.chmod(0o755)
        self._environment = {
            **_environment(),
            "PATH": f"{bin_}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        }

    def close(self) -> None:
        """Remove the directory."""
        if self._python is not None:
            self._python.communicate()
        shutil.rmtree(self._base, ignore_errors=True)

    def run(self, example: Example) -> str:
        """What the page shows for an example: its input with its output.

        Where a program that it ``needs`` isn't installed, its input alone.

        Raises:
            ExampleError: another exit code or exception than the page says.
        """
        needs = example.options.get("needs")
        if needs and shutil.which(needs) is None:
            return example.content
        if example.kind == "msl-session":
            return self.session(example.content, int(example.options.get("exit", "0")))
        return self.python(example.content, example.options.get("raises"))

    def session(self, content: str, exit_code: int = 0) -> str:
        """Commands after ``$``, one a line; the last one ends with `exit_code`, the others with 0.

        A line that ends in a backslash goes on in the next.
        """
        shown: list[str] = []
        commands = _commands(content)
        for number, command in enumerate(commands):
            expected = exit_code if number == len(commands) - 1 else 0
            ran = subprocess.run(
                ["sh", "-c", command],
                cwd=self.directory,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=_TIMEOUT,
                check=False,
            )
            output = ran.stdout.decode("utf-8", "replace")
            if ran.returncode != expected:
                raise ExampleError(
                    f"$ {command}\nended with {ran.returncode}, expected {expected}:\n{output}"
                )
            shown.append("$ " + command.replace("\n", "\n  "))
            shown.extend(output.splitlines())
            if expected:
                shown += ["$ echo $?", str(expected)]
        return "\n".join(shown)

    def python(self, content: str, raises: str | None = None) -> str:
        """Statements as a Python session shows them; the last one raises `raises`, if given.

        The statements of a page share their names.
        """
        shown: list[str] = []
        statements = _statements(content)
        for number, (source, show) in enumerate(statements):
            expected = raises if number == len(statements) - 1 else None
            first, *rest = show.splitlines()
            shown.append(f">>> {first}")
            shown.extend(f"... {line}".rstrip() for line in rest)
            shown.extend(self._execute(source, expected).splitlines())
        return "\n".join(shown)

    def _execute(self, source: str, raises: str | None) -> str:
        output, error = self._ask(source)
        if error is None and raises is not None:
            raise ExampleError(f"{source}\nraised nothing, expected {raises}")
        if error is None:
            return output
        name, last, trace = error
        if name != raises:
            raise ExampleError(f"{source}\n{trace}")
        return f"{output}Traceback (most recent call last):\n  ...\n{last}"

    def _ask(self, source: str) -> tuple[str, list[str] | None]:
        """What a statement prints, and what it raises, in the page's own interpreter."""
        if self._python is None:
            self._python = subprocess.Popen(
                [sys.executable, "-c", _INTERPRETER],
                cwd=self.directory,
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                encoding="utf-8",
            )
        assert self._python.stdin is not None
        assert self._python.stdout is not None
        self._python.stdin.write(json.dumps(source) + "\n")
        self._python.stdin.flush()
        answer = self._python.stdout.readline()
        if not answer:
            raise ExampleError(f"{source}\nended the interpreter")
        output, error = json.loads(answer)
        return output, error


def _environment() -> dict[str, str]:
    """What examples find there, whoever builds the pages."""
    path = os.environ.get("PYTHONPATH", "")
    return {
        **os.environ,
        "PYTHONPATH": f"{ROOT}{os.pathsep}{path}" if path else str(ROOT),
        "PYTHONUTF8": "1",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "NO_COLOR": "1",
        "COLUMNS": "80",
    }


_running: list[subprocess.Popen[bytes]] = []


@cache
def commands_by_forking() -> str:
    """Where the process listens that forks for each command; it ends when all who know it have.

    Whoever builds pages in several processes calls it in their parent.
    """
    folder = tempfile.mkdtemp(prefix="msl-docs-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = f"{folder}/forks"
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(path)
        listener.listen(64)
        life, _ = os.pipe()  # its other end is closed when we end
        numbers = [listener.fileno(), life]
        # Pipes, as the children's will be: the interpreter looks at them when it starts.
        _running.append(
            subprocess.Popen(
                [sys.executable, str(_FORKED), "--listen", *map(str, numbers)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=numbers,
                env=_environment(),
                start_new_session=True,
            )
        )
        os.close(life)
    return path


def _commands(content: str) -> list[str]:
    commands: list[str] = []
    for line in content.splitlines():
        if line.startswith("$ "):
            commands.append(line[2:])
        elif line.strip():
            if not commands or not commands[-1].endswith("\\"):
                raise ExampleError(f"{line!r}: expected a command after '$ '")
            commands[-1] += "\n" + line.strip()
    return commands


def _statements(content: str) -> list[tuple[str, str]]:
    """Top-level statements: what is executed, and what is shown (comments before it as well)."""
    lines = content.splitlines()
    found: list[tuple[str, str]] = []
    done = 0
    for node in ast.parse(content).body:
        assert node.end_lineno is not None
        text = "\n".join(lines[done : node.end_lineno]).strip("\n")
        found.append((text + "\n", text))
        done = node.end_lineno
    return found
