"""The thin layer above Windows' libraries: prototypes, and calls that raise when they fail."""

from __future__ import annotations

import ctypes
import sys
from functools import cache
from typing import Any, ClassVar

from msl_construct.errors import TargetError

from ...plain_target import CallFailed
from .. import structures as win
from .base import POINTER, Prototypes
from .copies import CopyingCalls
from .memory import MemoryCalls
from .threads import ThreadCalls
from .tokens import TokenCalls

__all__ = ["CallFailed", "WindowsSystem", "load_system"]


class WindowsSystem(ThreadCalls, MemoryCalls, TokenCalls, CopyingCalls):
    """The calls that the backend makes, and the machine itself."""

    REQUIRED: ClassVar[Prototypes] = {
        "kernel32": {
            "GetNativeSystemInfo": (None, (POINTER,)),
            "GetTickCount64": (ctypes.c_uint64, ()),
        },
    }

    def system_info(self) -> win.SystemInfo:
        """Page size and the range of addresses."""
        info = win.SystemInfo()
        self._call["GetNativeSystemInfo"](ctypes.byref(info))
        return info

    def uptime(self) -> int:
        """Milliseconds since the machine started."""
        return int(self._call["GetTickCount64"]())


def load_system() -> WindowsSystem:
    """Open the libraries.

    Raises:
        TargetError: this is not a 64-bit Python on Windows.
    """
    if sys.platform != "win32":
        raise TargetError("the Windows backend needs Windows", remedy=f"this is {sys.platform}")
    if ctypes.sizeof(ctypes.c_void_p) != 8:
        raise TargetError(
            "a 32-bit Python can't read 64-bit processes", remedy="use a 64-bit Python"
        )

    @cache
    def library(name: str) -> Any:
        return ctypes.WinDLL(name, use_last_error=True)

    return WindowsSystem(library, ctypes.get_last_error)
