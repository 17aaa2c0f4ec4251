"""A decoder's command as a process with a group of its own: started, looked at, ended."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from contextlib import suppress
from typing import IO

from ..errors import HarnessError
from .windows_job import close_job, start_in_job

__all__ = ["command_words", "end_group", "has_ended", "start_group"]

_REAP = 5.0
"""Seconds that a killed process gets to be gone."""


def command_words(command: str) -> list[str]:
    """A decoder's command, split as a shell does it.

    Raises:
        HarnessError: it has no words, or quotes that are not closed.
    """
    try:
        words = _split(command)
    except ValueError as error:
        raise HarnessError(f"the decoder's command can't be split: {error}") from None
    if not words:
        raise HarnessError("the decoder's command is empty")
    return words


def _split(command: str) -> list[str]:
    """As a shell does it; on Windows a backslash separates folders and quotes nothing."""
    words = shlex.shlex(command, posix=True, punctuation_chars=False)
    words.whitespace_split, words.commenters = True, ""
    if sys.platform == "win32":
        words.escape = ""
    return list(words)


def start_group(words: list[str], given: IO[bytes] | int) -> subprocess.Popen[bytes]:
    """A process with these words, its output in pipes.

    Args:
        given: its stdin.

    Raises:
        HarnessError: it can't be started.
    """
    try:
        if sys.platform == "win32":
            pipe = subprocess.PIPE
            return start_in_job(words, stdin=given, stdout=pipe, stderr=pipe)
        # A session of its own has a process group of its own, and no terminal to ask.
        return subprocess.Popen(
            words,
            stdin=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise HarnessError(f"the decoder can't be started: {words[0]}: {why}") from None


def has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Whether a child has ended; it stays a zombie, so that its group keeps its number."""
    if sys.platform == "win32":
        return process.poll() is not None
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def end_group(process: subprocess.Popen[bytes]) -> None:
    """Kill the whole group and take leave of the process."""
    if sys.platform == "win32":
        close_job(process.pid)
    else:
        with suppress(ProcessLookupError, PermissionError):  # the latter on macOS, of a zombie
            os.killpg(process.pid, signal.SIGKILL)
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            with suppress(OSError):  # of what was to be written still
                pipe.close()
    with suppress(subprocess.TimeoutExpired):
        process.wait(_REAP)
