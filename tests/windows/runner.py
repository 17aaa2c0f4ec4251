"""Runs commands one after the other in one Python, which is a program of Wine's.

A line of JSON on stdin for each: ``folder``, ``arguments``, and ``stdin`` (base64). The answer is a
line on stdout: ``code``, ``out`` and ``err`` (base64).
"""

from __future__ import annotations

import base64
import gc
import io
import json
import os
import sys
import tempfile
from contextlib import ExitStack
from typing import IO, Any


def run(arguments: list[str], given: bytes) -> dict[str, Any]:
    """One command."""
    from msl_construct.cli import main

    kept = sys.stdin, sys.stdout, sys.stderr
    with ExitStack() as opened:
        taken, out, err = (opened.enter_context(tempfile.TemporaryFile()) for _ in range(3))
        taken.write(given)
        taken.seek(0)
        sys.stdin = _text(taken, "rb")
        sys.stdout, sys.stderr = _text(out, "wb"), _text(err, "wb")
        sys.argv = ["msl", *arguments]
        code: Any = 0
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        sys.stdin, sys.stdout, sys.stderr = kept
        _collect()
        answer: dict[str, Any] = {"code": code}
        for name, file in (("out", out), ("err", err)):
            file.seek(0)
            answer[name] = base64.b64encode(file.read()).decode("ascii")
        return answer


_imported: set[int] = set()


def _collect() -> None:
    """Close what a command has left open. What was imported is not gone through each time."""
    gc.collect()
    if len(sys.modules) not in _imported:
        _imported.add(len(sys.modules))
        gc.freeze()


def _text(file: IO[bytes], mode: str) -> io.TextIOWrapper:
    return io.TextIOWrapper(open(os.dup(file.fileno()), mode))  # type: ignore[arg-type]


def _main() -> None:
    out = sys.stdout
    for line in sys.stdin:
        asked = json.loads(line)
        os.chdir(asked["folder"])
        answer = run(asked["arguments"], base64.b64decode(asked.get("stdin", "")))
        out.write(json.dumps(answer) + "\n")
        out.flush()


if __name__ == "__main__":
    _main()
