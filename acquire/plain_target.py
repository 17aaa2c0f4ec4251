"""What targets answer of which little more is known than whether they are there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .bounds import Stopped, gone
from .model import Mapping, Shared

__all__ = ["PlainTarget"]


class PlainTarget:
    """The part of a `Target` that asks no system for more than `alive`."""

    pid: int

    def alive(self) -> bool:
        """Whether it has not ended."""
        raise NotImplementedError

    def ending(self) -> Stopped:
        """Why it isn't."""
        return gone()

    def afterwards(self) -> dict[str, Any]:
        """Whether it is still there; more is not looked at here."""
        if self.alive():
            return {"verdict": "as_found", "detail": ""}
        detail = f"process {self.pid} has not outlived its acquisition"
        return {"verdict": "ended", "detail": detail}

    def shared_memory(self, mappings: Sequence[Mapping]) -> Shared | None:
        """Not known here."""
        return None

    def another_program(self) -> str:
        """Never said here."""
        return ""
