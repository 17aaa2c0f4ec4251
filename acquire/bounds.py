"""What may end an acquisition early: the user, the clock, the disk."""

from __future__ import annotations

import time
from typing import Any

from msl_construct.builder import RegionFeed
from msl_construct.builder.overlapped_output import Conveyor

from .free_space import free_behind
from .options import Options

__all__ = ["Bounds", "Interrupt", "Stopped", "gone"]

_PATIENCE = 3.0  # seconds beyond the limit for whoever takes the output
_LOOK_EVERY = 32 << 20  # bytes read between two looks at the disk


class Stopped(Exception):
    """The acquisition ends here; `status` and `detail` are for the report."""

    def __init__(self, status: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


def gone() -> Stopped:
    """Because there is nothing left to read."""
    return Stopped("target_gone", "the target ended while it was being read")


class Interrupt:
    """How a signal handler, or another thread, asks an acquisition to end.

    Attributes:
        reason: of the first request; empty until then.
        requests: how many there were.
    """

    def __init__(self) -> None:
        self.reason = ""
        self.requests = 0
        self._outputs: list[Conveyor] = []

    def request(self, reason: str) -> None:
        """Ask for a valid, incomplete file; asked twice, or after some seconds, wait for nobody
        who reads it."""
        self.requests += 1
        after = 0.0 if self.reason else _PATIENCE
        self.reason = self.reason or reason
        for output in self._outputs:
            output.give_up(after)

    def watch(self, output: Conveyor) -> None:
        """Take note of the output that is to be given up when asked twice."""
        self._outputs.append(output)
        if self.reason:  # asked while it was being opened
            output.give_up(_PATIENCE)


class Bounds:
    """Looks, before every part of a region, whether to go on.

    Args:
        options: the limits.
        interrupt: the user's way to stop it.
    """

    def __init__(self, options: Options, interrupt: Interrupt) -> None:
        self._options = options
        self.interrupt = interrupt
        self._deadline = None if options.timeout is None else time.monotonic() + options.timeout
        self._feed: RegionFeed | None = None
        self._output: Conveyor | None = None
        self._descriptor: int | None = None
        self._tail = self._looked = 0

    def watch(self, output: Conveyor, file: Any) -> None:
        """Take note of the output whose file system is bounded."""
        self._output = output
        self.interrupt.watch(output)
        if self._deadline is not None:
            output.give_up(max(0.0, self._deadline - time.monotonic()) + _PATIENCE)
        try:
            if output.revisable:
                self._descriptor = file.fileno()
        except (AttributeError, OSError, ValueError):
            self._descriptor = None

    def bound(self, feed: RegionFeed, tail: int) -> None:
        """Look before every part that `feed` reads.

        Args:
            tail: bytes that must still fit the dump behind the regions.
        """
        self._feed, self._tail = feed, tail
        feed.before = self.check

    def close(self) -> None:
        """It is over: nobody is given up any more."""
        if self._output is not None:
            self._output.be_patient()

    def look(self, _: int = 0) -> None:
        """Look whether to go on, whatever is written; from any thread.

        Raises:
            Stopped: no.
        """
        if self.interrupt.reason:
            raise Stopped("interrupted", self.interrupt.reason)
        if self._deadline is not None and time.monotonic() > self._deadline:
            raise Stopped("timeout", f"the {self._options.timeout:g} seconds of --timeout are over")

    def check(self, size: int = 0) -> None:
        """Look whether a block of `size` bytes may be written, or just whether to go on.

        Raises:
            Stopped: no.
        """
        self.look()
        if self._feed is not None and self._options.max_bytes is not None:
            self._check_size(self._feed, size + self._tail, self._options.max_bytes)
        self._looked += size
        if self._looked > _LOOK_EVERY and self._descriptor is not None:
            self._looked = 0
            self._check_free()

    def _check_size(self, feed: RegionFeed, wanted: int, most: int) -> None:
        if feed.sink.position + feed.pending + wanted > most:
            feed.finish()
            if feed.sink.position + wanted > most:
                raise Stopped("max_bytes", f"the dump would exceed the {most} bytes of --max-bytes")

    def _check_free(self) -> None:
        assert self._descriptor is not None
        try:
            free = free_behind(self._descriptor)
        except OSError:  # writing will say what is wrong
            return
        if free < self._options.min_free:
            raise Stopped(
                "min_free",
                f"less than {self._options.min_free} bytes are free where the dump is written "
                "(--min-free)",
            )
