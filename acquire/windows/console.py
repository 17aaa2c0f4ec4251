"""What Windows says before it ends a program: the console is closed, the user logs off."""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Callable
from typing import Any

__all__ = ["EVENTS", "hear_console", "heard"]

EVENTS = {
    2: "the console was closed",
    5: "the user logs off",
    6: "the machine shuts down",
}
"""CTRL_CLOSE_EVENT and its kin; Ctrl-C and Ctrl-Break come as signals."""
_PATIENCE = 4.5
"""Seconds: Windows ends who has heard of it when he says that he has, or 5 seconds later."""


def heard(event: int, request: Callable[[str], None], over: threading.Event) -> bool:
    """Ask for the end, and wait for it; whether the event is one of ours.

    Args:
        event: its number.
        request: asks; told why.
        over: is set when all has been done.
    """
    if event not in EVENTS:
        return False
    request(EVENTS[event])
    over.wait(_PATIENCE)
    return True


def hear_console(request: Callable[[str], None]) -> Callable[[], None]:
    """Have `request` called, with the reason, when Windows is about to end us; what undoes that.

    Elsewhere signals say the same.
    """
    if sys.platform != "win32":
        return _nothing
    over = threading.Event()
    set_handler: Any = ctypes.WinDLL("kernel32").SetConsoleCtrlHandler
    handler: Any = ctypes.WINFUNCTYPE(ctypes.c_int, ctypes.c_uint32)(
        lambda event: heard(event, request, over)
    )
    set_handler(handler, 1)

    def undo() -> None:
        over.set()
        set_handler(handler, 0)

    return undo


def _nothing() -> None:
    """There is nothing to undo."""
