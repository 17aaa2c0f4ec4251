"""Windows' way to end a process with all that it has started: a job."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from typing import Any

from ..errors import HarnessError

__all__ = ["close_job", "start_in_job"]

_CREATE_SUSPENDED, _NEW_GROUP, _NO_WINDOW = 0x4, 0x200, 0x0800_0000
_EXTENDED_LIMITS, _KILL_ON_CLOSE = 9, 0x2000
_LIMITS_SIZE, _FLAGS_OFFSET = 144, 16
_jobs: dict[int, int] = {}
"""Handles, by the PID of the first process in each."""


def start_in_job(words: list[str], **streams: Any) -> subprocess.Popen[bytes]:
    """A process that is in a job of its own before it runs.

    Raises:
        HarnessError: there can be no job.
        OSError: it can't be started.
    """
    if sys.platform != "win32":
        raise HarnessError("jobs are for Windows")
    kernel32 = _typed("kernel32", "CreateJobObjectW", "AssignProcessToJobObject")
    job = kernel32.CreateJobObjectW(None, None)
    limits = ctypes.create_string_buffer(_LIMITS_SIZE)
    ctypes.c_uint32.from_buffer(limits, _FLAGS_OFFSET).value = _KILL_ON_CLOSE
    if not job or not kernel32.SetInformationJobObject(
        ctypes.c_void_p(job), _EXTENDED_LIMITS, limits, _LIMITS_SIZE
    ):
        raise HarnessError(f"no job can be made to run a decoder in: {ctypes.WinError()}")
    flags = _CREATE_SUSPENDED | _NEW_GROUP | _NO_WINDOW
    try:
        process = subprocess.Popen(words, creationflags=flags, **streams)
    except BaseException:
        _close(job)
        raise
    handle = int(vars(process)["_handle"])
    if not kernel32.AssignProcessToJobObject(ctypes.c_void_p(job), ctypes.c_void_p(handle)):
        why = ctypes.WinError()
        process.kill()
        process.wait()
        _close(job)
        raise HarnessError(f"the decoder can't be put into a job: {why}")
    _jobs[process.pid] = job
    ctypes.WinDLL("ntdll").NtResumeProcess(ctypes.c_void_p(handle))
    return process


def close_job(pid: int) -> None:
    """End all that is in the job of a process."""
    job = _jobs.pop(pid, None)
    if job is not None:
        _close(job)


def _close(job: int) -> None:
    if sys.platform == "win32":
        ctypes.WinDLL("kernel32").CloseHandle(ctypes.c_void_p(job))


def _typed(library: str, *names: str) -> Any:
    """A library of which these functions give handles."""
    if sys.platform != "win32":
        raise HarnessError("jobs are for Windows")
    found = ctypes.WinDLL(library, use_last_error=True)
    for name in names:
        getattr(found, name).restype = ctypes.c_void_p
    return found
