"""How much may still be written to the file system that a file lies on."""

from __future__ import annotations

import ctypes
import os
import sys
from typing import Any

__all__ = ["free_at", "free_behind"]


def free_at(folder: str) -> int:
    """Bytes that we may still write below a folder.

    Raises:
        OSError: that can't be learnt.
    """
    if sys.platform != "win32":
        return _free(os.statvfs(folder))
    free = ctypes.c_uint64()  # what a quota leaves us, unlike shutil's
    ask: Any = ctypes.WinDLL("kernel32", use_last_error=True).GetDiskFreeSpaceExW
    if not ask(ctypes.c_wchar_p(folder), ctypes.byref(free), None, None):
        raise ctypes.WinError(ctypes.get_last_error())
    return free.value


def free_behind(descriptor: int) -> int:
    """Bytes that we may still write where an open file is, whatever its name is by now.

    Raises:
        OSError: that can't be learnt.
    """
    if sys.platform != "win32":
        return _free(os.fstatvfs(descriptor))
    from msl_construct.windows_files import path_of

    return free_at(os.path.dirname(path_of(descriptor)))


def _free(found: Any) -> int:
    return int(found.f_bavail * found.f_frsize)
