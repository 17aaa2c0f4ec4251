"""Stopping by signal."""

from __future__ import annotations

import os

from .sighting import look

__all__ = ["Signalling"]


class Signalling:
    """Holds a process by one signal and lets it go by another.

    Args:
        pid: the target.
        start_ticks: tells it from another process that got its number later.
        stop, go_on: numbers of the signals.
    """

    ends_with_us = False

    def __init__(self, pid: str, start_ticks: str, stop: str, go_on: str) -> None:
        self._pid, self._start_ticks = int(pid), int(start_ticks)
        self._stop, self._go_on = int(stop), int(go_on)

    def _send(self, signal: int) -> None:
        leader = look(self._pid, self._pid)
        if leader is None or leader.start_ticks != self._start_ticks:
            raise ProcessLookupError(3, "it has ended")
        os.kill(self._pid, signal)

    def hold(self, until: float | None) -> None:
        """Send the signal that stops."""
        self._send(self._stop)

    def order(self, words: list[str]) -> None:
        """There is nothing else that it could do."""

    def let_go(self) -> None:
        """Send the signal that wakes."""
        self._send(self._go_on)

    def clean_up(self) -> None:
        """Nothing else is left behind."""
