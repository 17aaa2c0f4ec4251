"""Who holds a Windows process still, and what it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from . import structures as win
from .calls import WindowsSystem

__all__ = ["CALLS", "THREAD_ACCESS", "Hold", "Holder"]

CALLS = {
    ("suspend", "suspend"): "NtSuspendProcess",
    ("suspend", "resume"): "NtResumeProcess",
    ("threads", "suspend"): "SuspendThread",
    ("threads", "resume"): "ResumeThread",
    ("suspend", "copy"): "PssCaptureSnapshot",
}
THREAD_ACCESS = win.THREAD_SUSPEND_RESUME | win.THREAD_QUERY_LIMITED_INFORMATION


class Holder(Protocol):
    """Stops one process, and lets it go.

    Attributes:
        facts: for the report.
    """

    facts: dict[str, Any]

    def ready(self) -> None:
        """Wait until it can. Raises `TargetError`."""

    def suspend(self) -> None:
        """Stop it. Raises `CallFailed`."""

    def resume(self) -> str:
        """Let it go; why it had been already, or nothing. Raises `CallFailed`."""

    def copy(self) -> int:
        """A handle to a copy of its memory, to be closed by us. Raises `CallFailed`."""

    def discard(self) -> None:
        """End the copy, if there is one."""

    def close(self) -> None:
        """It is over."""


Hold = Callable[[WindowsSystem, int, str, "float | None", Callable[[], None]], Holder]
"""Makes one: of a handle that permits suspending, for a method and ``--max-freeze``. The last is
called, in a thread, when whoever holds the process has ended and the process runs on."""
