"""Which of several pipes have something to read."""

from __future__ import annotations

import selectors
import sys
import time
from collections.abc import Sequence
from typing import IO

__all__ = ["readable"]

_FIRST_PAUSE, _LAST_PAUSE = 0.001, 0.02


def readable(pipes: Sequence[IO[bytes]], seconds: float) -> list[IO[bytes]]:
    """Those that have bytes, or have come to their end; waits for one of them.

    Args:
        pipes: at least one.
        seconds: at most this long.
    """
    if sys.platform == "win32":
        return _polled(pipes, seconds)
    with selectors.DefaultSelector() as selector:
        for pipe in pipes:
            selector.register(pipe, selectors.EVENT_READ, pipe)
        return [key.data for key, _ in selector.select(seconds)]


def _polled(pipes: Sequence[IO[bytes]], seconds: float) -> list[IO[bytes]]:
    """On Windows nothing waits for pipes."""
    until, pause = time.monotonic() + seconds, _FIRST_PAUSE
    while True:
        found = [pipe for pipe in pipes if _has_bytes(pipe)]
        left = until - time.monotonic()
        if found or left <= 0:
            return found
        time.sleep(min(pause, left))
        pause = min(2 * pause, _LAST_PAUSE)


def _has_bytes(pipe: IO[bytes]) -> bool:
    if sys.platform != "win32":
        return False
    import _winapi
    import msvcrt

    try:
        return _winapi.PeekNamedPipe(msvcrt.get_osfhandle(pipe.fileno()), 0)[0] > 0
    except OSError:  # it has come to its end: reading says so
        return True
