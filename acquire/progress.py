"""A progress bar on a terminal, and nothing anywhere else."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any

__all__ = ["Bar"]

_EVERY = 0.1


class Bar:
    """One line on stderr that says how far an acquisition is; a context manager.

    Args:
        label: what stands in front of it.
        shown: whether to show it at all.
    """

    def __init__(self, label: str, *, shown: bool) -> None:
        self._label = label
        self._shown = shown and sys.stderr.isatty()
        self._bar: Any = None
        self._last = 0.0
        self._done = 0

    def __enter__(self) -> Bar:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.render_finish()

    @property
    def shown(self) -> bool:
        """Whether there is a terminal to show it on."""
        return self._shown

    def __call__(self, done: int, whole: int) -> None:
        """So many bytes of so many are done."""
        now = time.monotonic()
        if now - self._last < _EVERY and done < whole:
            return
        self._last = now
        if self._bar is None:
            import click

            self._bar = click.progressbar(length=max(1, whole), label=self._label, file=sys.stderr)
        self._bar.update(done - self._done)
        self._done = done
