"""What the system is asked of the memory of a process."""

from __future__ import annotations

import ctypes
from typing import ClassVar

from .. import structures as win
from .base import BOOL, DWORD, HANDLE, LONGEST_PATH, POINTER, SIZE, Calls, Prototypes

__all__ = ["MemoryCalls"]


class MemoryCalls(Calls):
    """Mappings, their names, and their bytes."""

    REQUIRED: ClassVar[Prototypes] = {
        "kernel32": {
            "K32GetMappedFileNameW": (DWORD, (HANDLE, POINTER, POINTER, DWORD)),
            "QueryDosDeviceW": (DWORD, (POINTER, POINTER, DWORD)),
            "ReadProcessMemory": (BOOL, (HANDLE, POINTER, POINTER, SIZE, POINTER)),
            "VirtualQueryEx": (SIZE, (HANDLE, POINTER, POINTER, SIZE)),
        },
    }

    def query(self, process: int, address: int) -> win.MemoryBasicInformation:
        """The pages alike from the one at `address` on."""
        info = win.MemoryBasicInformation()
        self._checked("VirtualQueryEx", process, address, ctypes.byref(info), ctypes.sizeof(info))
        return info

    def mapped_file(self, process: int, address: int) -> str:
        """The device path of the file that is mapped there; empty if none is."""
        buffer = (ctypes.c_uint16 * LONGEST_PATH)()
        length = self._call["K32GetMappedFileNameW"](process, address, buffer, LONGEST_PATH)
        return win.wide_text(buffer, min(length, LONGEST_PATH))

    def device(self, drive: str) -> str:
        """The device that a drive letter stands for now; empty if it stands for none."""
        buffer = (ctypes.c_uint16 * LONGEST_PATH)()
        name = ctypes.create_string_buffer(f"{drive}\0".encode("utf-16-le"))
        length = self._call["QueryDosDeviceW"](name, buffer, LONGEST_PATH)
        return win.wide_text(buffer) if length else ""

    def read(self, process: int, address: int, into: memoryview) -> tuple[int, int]:
        """How many bytes came, and the error (0: none) that ended it."""
        target = (ctypes.c_char * len(into)).from_buffer(into)
        came = ctypes.c_size_t()
        done = self._call["ReadProcessMemory"](
            process, address, target, len(into), ctypes.byref(came)
        )
        return min(came.value, len(into)), 0 if done else self._last_error()
