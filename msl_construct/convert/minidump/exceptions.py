"""The exception stream: what a thread was stopped by, in and out."""

from __future__ import annotations

from collections.abc import Mapping
from struct import Struct

from ..process import CapturedProcess, ProcessException
from ..told import Told
from .structures import EXCEPTION, Exception_

__all__ = ["exception_in", "signal_in", "told_exception", "write_exception"]

_MOST = 15
_PARAMETERS = f"I4x{_MOST}Q"
_LAST_SIGNAL = 64


def told_exception(row: Exception_ | None, order: str) -> ProcessException | None:
    """What a stream says; None where there is none."""
    if row is None:
        return None
    count, *parameters = Struct(order + _PARAMETERS).unpack(row.parameters)
    return ProcessException(
        row.thread_id, row.code, row.flags, row.address, tuple(parameters[: min(count, _MOST)])
    )


def signal_in(exception: ProcessException | None, os_type: str) -> int:
    """The signal that an exception is; 0 of one that is none.

    Breakpad says by 0xffffffff that somebody asked for the dump.
    """
    if exception is None or os_type not in ("linux", "android"):
        return 0
    return exception.code if exception.code <= _LAST_SIGNAL else 0


def exception_in(process: CapturedProcess) -> ProcessException | None:
    """What a process was stopped by: its exception, or the signal of its current thread."""
    if process.exception is not None or not process.signal or not process.threads:
        return process.exception
    return ProcessException(process.threads[0].thread_id, process.signal)


def write_exception(
    exception: ProcessException, contexts: Mapping[int, tuple[int, int]], told: Told
) -> bytes:
    """The stream of an exception.

    Args:
        contexts: size and offset of each thread's.
        told: takes what is not known.
    """
    told.fields += [] if exception.address is not None else ["exception.address"]
    given = exception.parameters[:_MOST]
    parameters = Struct("<" + _PARAMETERS).pack(len(given), *given, *[0] * (_MOST - len(given)))
    return EXCEPTION.write(
        "<",
        exception.thread_id & 0xFFFFFFFF,
        0,
        exception.code,
        exception.flags,
        0,
        exception.address or 0,
        parameters,
        *contexts.get(exception.thread_id, (0, 0)),
    )
