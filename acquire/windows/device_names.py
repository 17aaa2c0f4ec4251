"""Paths of devices, which the kernel speaks of, as paths with drive letters, which people do."""

from __future__ import annotations

from string import ascii_uppercase

from .calls import WindowsSystem

__all__ = ["DeviceNames"]

_OF_DOS = ("\\??\\UNC\\", "\\??\\", "\\\\?\\UNC\\", "\\\\?\\")
_SHARES = ("\\Device\\Mup\\", "\\Device\\LanmanRedirector\\")


class DeviceNames:
    """The drives of this system.

    Args:
        system: is asked for them once.
    """

    def __init__(self, system: WindowsSystem) -> None:
        self._letters = {
            device.casefold(): f"{letter}:"
            for letter in reversed(ascii_uppercase)  # the first of several wins
            if (device := system.device(f"{letter}:"))
        }

    def path(self, name: str) -> str:
        """The path with a drive letter, or of a share; as it is where it has neither.

        What follows a NUL is dropped: some systems count that as part of the name.
        """
        name = name.partition("\0")[0]
        for prefix in _OF_DOS:
            if name.startswith(prefix):
                rest = name[len(prefix) :]
                return f"\\\\{rest}" if prefix.endswith("UNC\\") else rest
        for prefix in _SHARES:
            if name.startswith(prefix):
                return f"\\\\{name[len(prefix) :]}"
        parts = name.split("\\", 4)  # "", Device, HarddiskVolume3, …; or one level deeper
        for depth in (3, 4):
            letter = self._letters.get("\\".join(parts[:depth]).casefold())
            if letter is not None and parts[depth:]:
                return "\\".join([letter, *parts[depth:]])
        return name
