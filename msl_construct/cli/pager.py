"""What is longer than a screen, through a pager: on a terminal alone, as git does it."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO

from .common import text_out

__all__ = ["paged_out"]

_LESS = "FRX"
"""Ends by itself where all fits one screen, shows colours, and leaves the screen as it is."""


def _pager() -> list[str] | None:
    """The command of the pager; None: there is none, or none is wanted."""
    for name in ("MSL_PAGER", "PAGER"):
        stated = os.environ.get(name)
        if stated is not None:
            try:
                words = shlex.split(stated)
            except ValueError:
                return None
            return words if words and words != ["cat"] and shutil.which(words[0]) else None
    return ["less"] if shutil.which("less") else None


@contextmanager
def paged_out(wanted: bool | None) -> Iterator[IO[str]]:
    """stdout for people; through ``$MSL_PAGER``, ``$PAGER`` or less if it is a terminal.

    Args:
        wanted: whether through a pager; None: if stdout is a terminal.

    Raises:
        BrokenPipeError: whoever read it has gone.
    """
    is_terminal = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
    command = _pager() if wanted or (wanted is None and is_terminal) else None
    if command is None:
        with text_out() as out:
            yield out
        return
    sys.stdout.flush()
    environment = {"LESS": _LESS, "LV": "-c", **os.environ}
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            env=environment,
            encoding=sys.stdout.encoding or "utf-8",
            errors="backslashreplace",
        )
    except OSError:  # a pager that can't be started is no reason to show nothing
        with text_out() as out:
            yield out
        return
    assert process.stdin is not None
    try:
        with suppress(BrokenPipeError):  # the reader has seen enough
            yield process.stdin
    finally:
        with suppress(BrokenPipeError):
            process.stdin.close()
        _wait(process)


def _wait(process: subprocess.Popen[str]) -> None:
    """Until the reader is done: what is typed to interrupt us is meant for the pager."""
    while True:
        try:
            process.wait()
            return
        except KeyboardInterrupt:
            continue
