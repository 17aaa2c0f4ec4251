"""What every call goes through: prototypes, and failures that raise."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from msl_construct.errors import TargetError

from ...plain_target import CallFailed

__all__ = [
    "BOOL",
    "DWORD",
    "HANDLE",
    "LONGEST_PATH",
    "POINTER",
    "SIZE",
    "STATUS",
    "Calls",
    "Prototypes",
    "Room",
]

HANDLE = POINTER = ctypes.c_void_p
BOOL = ctypes.c_int32
STATUS = ctypes.c_int32
DWORD = ctypes.c_uint32
SIZE = ctypes.c_size_t

LONGEST_PATH = 32768

Room = ctypes.Array[ctypes.c_char]
"""A buffer."""

Prototypes = Mapping[str, Mapping[str, tuple[Any, tuple[Any, ...]]]]
"""By library and function: what it gives, and what it takes."""

_KERNEL32, _KERNELBASE = "kernel32", "kernelbase"
_FIRST_ROOM, _LARGEST_ROOM = 1 << 16, 1 << 28
_TOO_SHORT = (0xC000_0004, 0xC000_0023, 0x8000_0005)
"""STATUS_INFO_LENGTH_MISMATCH, STATUS_BUFFER_TOO_SMALL, STATUS_BUFFER_OVERFLOW."""


class Calls:
    """Functions of Windows' libraries; each part of the interface declares those that it takes.

    Args:
        library: gives a loaded library by its name, or something that looks like one; raises an
            `OSError` where there is none.
        last_error: what GetLastError said after the last call of this thread.

    Attributes:
        REQUIRED: without these nothing works.
        OPTIONAL: what newer systems have, or not all.

    Raises:
        TargetError: a required function is missing.
    """

    REQUIRED: ClassVar[Prototypes] = {_KERNEL32: {"CloseHandle": (BOOL, (HANDLE,))}}
    OPTIONAL: ClassVar[Prototypes] = {}

    def __init__(self, library: Callable[[str], Any], last_error: Callable[[], int]) -> None:
        self._library = library
        self._last_error = last_error
        self._call: dict[str, Any] = {}
        for part in type(self).__mro__:
            for where, functions in vars(part).get("REQUIRED", {}).items():
                for name, prototype in functions.items():
                    if not self._found((where,), name, prototype):
                        raise TargetError(
                            f"this Windows has no {name}",
                            remedy="Windows 10 version 1709 or later is needed",
                        )
            for where, functions in vars(part).get("OPTIONAL", {}).items():
                places = (where, _KERNELBASE) if where == _KERNEL32 else (where,)
                for name, prototype in functions.items():
                    self._found(places, name, prototype)

    def _found(self, places: tuple[str, ...], name: str, prototype: tuple[Any, Any]) -> bool:
        for where in places:
            try:
                function = getattr(self._library(where), name)
            except (AttributeError, OSError):
                continue
            function.restype, function.argtypes = prototype
            self._call[name] = function
            return True
        return False

    def has(self, name: str) -> bool:
        """Whether this system has an optional function."""
        return name in self._call

    def close(self, handle: int) -> None:
        """Close a handle."""
        self._call["CloseHandle"](handle)

    def _checked(self, name: str, *arguments: Any) -> int:
        result = self._call[name](*arguments)
        if not result:
            raise CallFailed(name, self._last_error())
        return int(result)

    def _status(self, name: str, *arguments: Any) -> None:
        status = int(self._call[name](*arguments))
        if status < 0:
            raise CallFailed(name, status & 0xFFFF_FFFF)

    def _optional(self, name: str) -> Any:
        """A function that may be missing.

        Raises:
            CallFailed: it is.
        """
        try:
            return self._call[name]
        except KeyError:
            raise CallFailed(name, 0xC000_0002) from None  # STATUS_NOT_IMPLEMENTED

    def _filled(
        self, name: str, *arguments: Any, what: Callable[[Room, int], tuple[Any, ...]]
    ) -> Room:
        """A buffer that was large enough for an answer of unknown length.

        Args:
            name: a function that gives an NTSTATUS.
            arguments: those in front of the buffer.
            what: the buffer and its size as further arguments.

        Raises:
            CallFailed: it fails, or the answer is too long to be believed.
        """
        function, size = self._optional(name), _FIRST_ROOM
        while True:
            room = ctypes.create_string_buffer(size)
            status = int(function(*arguments, *what(room, size))) & 0xFFFF_FFFF
            if status not in _TOO_SHORT or size >= _LARGEST_ROOM:
                break
            size *= 4
        if status >> 31:
            raise CallFailed(name, status)
        return room
