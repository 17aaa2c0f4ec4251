"""Targets with seccomp filters, for methods of freezing that can't look at registers."""

from __future__ import annotations

from collections.abc import Iterable

from .guardian.refusals import filtered
from .guardian.thread_state import status_value

__all__ = ["refuse_filtered", "with_filter"]

_MODE_FILTER = "2"
"""SECCOMP_MODE_FILTER. The strict mode (1) permits no call that would be made again by
restart_syscall."""


def with_filter(pid: int, thread_ids: Iterable[int]) -> list[int]:
    """Those of the threads that have a seccomp filter; each may have its own."""
    return [one for one in thread_ids if status_value(pid, one, "Seccomp") == _MODE_FILTER]


def refuse_filtered(pid: int, thread_ids: Iterable[int], method: str) -> None:
    """Refuse a target whom letting go may kill.

    Raises:
        Refusal: a thread of it has a seccomp filter.
    """
    found = with_filter(pid, thread_ids)
    if found:
        raise filtered(pid, found, method)
