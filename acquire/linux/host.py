"""The machine that the target runs on, its clocks, and who acquires."""

from __future__ import annotations

import ctypes
import os
import platform
import sys
import time
from typing import Any

from .facts.items import item, link
from .facts.security import credentials
from .proc_text import read_text

__all__ = ["clocks", "host"]


def host() -> dict[str, Any]:
    """Facts about the machine and the acquirer, for the report; raises nothing."""
    kernel = os.uname()
    return {
        "name": kernel.nodename,
        "system": kernel.sysname,
        "kernel": kernel.release,
        "kernel_version": kernel.version,
        "machine": kernel.machine,
        "boot_id": item(_stripped, "/proc/sys/kernel/random/boot_id"),
        "machine_id": item(_stripped, "/etc/machine-id"),
        "distribution": item(_distribution, None),
        "python": platform.python_version(),
        "page_size": os.sysconf("SC_PAGE_SIZE"),
        "processors": os.cpu_count(),
        "clocks": clocks(),
        "time_zone": _time_zone(),
        "time_synchronisation": item(_synchronisation, None),
        "acquirer": _acquirer(),
    }


def _stripped(path: str) -> str:
    return read_text(path, 4096).strip()


def _distribution(_: None) -> str:
    return platform.freedesktop_os_release().get("PRETTY_NAME", "")


def clocks() -> dict[str, str]:
    """The clocks at one moment, in nanoseconds as decimal strings.

    ``realtime`` counts from the Unix epoch, the others from a moment near boot;
    ``realtime_minus_…`` is the difference, ``uncertainty`` how far apart the readings lie.
    """
    if sys.platform != "linux":
        return {"realtime": str(time.time_ns())}
    best: tuple[int, ...] = ()
    # The closest of a few: a single round may be interrupted in the middle.
    for _ in range(5):
        before = time.clock_gettime_ns(time.CLOCK_REALTIME)
        monotonic = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        boot = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        raw = time.clock_gettime_ns(time.CLOCK_MONOTONIC_RAW)
        after = time.clock_gettime_ns(time.CLOCK_REALTIME)
        spread = abs(after - before)
        if not best or spread < best[0]:
            best = (spread, (before + after) // 2, monotonic, boot, raw)
    spread, realtime, monotonic, boot, raw = best
    return {
        "realtime": str(realtime),
        "monotonic": str(monotonic),
        "boottime": str(boot),
        "monotonic_raw": str(raw),
        "realtime_minus_monotonic": str(realtime - monotonic),
        "realtime_minus_boottime": str(realtime - boot),
        "realtime_minus_monotonic_raw": str(realtime - raw),
        "uncertainty": str(spread),
    }


def _time_zone() -> dict[str, Any]:
    now = time.localtime()
    return {"name": now.tm_zone, "seconds_east_of_utc": now.tm_gmtoff}


_UNSYNCHRONISED = 0x40
_TIME_ERROR = 5


class _Timex(ctypes.Structure):
    """The front of struct timex; the kernel fills 208 bytes on 64-bit systems."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("frequency", ctypes.c_long),
        ("maximum_error", ctypes.c_long),
        ("estimated_error", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_char * 256),
    )


def _synchronisation(_: None) -> dict[str, Any]:
    """What the kernel's clock discipline says; nothing is set (modes is 0).

    ``maximum_error`` and ``estimated_error`` are nanoseconds, as decimal strings.
    """
    library = ctypes.CDLL(None, use_errno=True)
    told = _Timex()
    state = library.adjtimex(ctypes.byref(told))
    if state < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return {
        "synchronised": state != _TIME_ERROR and not told.status & _UNSYNCHRONISED,
        "maximum_error": str(told.maximum_error * 1000),
        "estimated_error": str(told.estimated_error * 1000),
    }


def _acquirer() -> dict[str, Any]:
    """Who runs us: process, user, and the credentials as those of a target."""
    return {
        "pid": os.getpid(),
        "parent": os.getppid(),
        "user": item(_user_name, os.geteuid()),
        "login": item(_login, None),
        "uid": os.getuid(),
        "effective_uid": os.geteuid(),
        "pid_namespace": item(link, "/proc/self/ns/pid"),
        "user_namespace": item(link, "/proc/self/ns/user"),
        "mount_namespace": item(link, "/proc/self/ns/mnt"),
        "working_directory": item(link, "/proc/self/cwd"),
        "credentials": item(credentials, "/proc/self"),
    }


def _user_name(uid: int) -> str:
    import pwd

    return pwd.getpwuid(uid).pw_name


def _login(_: None) -> str:
    """The name that was logged in with, which sudo leaves as it was."""
    return os.getlogin()
