"""The backend of the system that this runs on."""

from __future__ import annotations

import sys

from msl_construct.errors import TargetError

from .backend import Backend

__all__ = ["backend"]


def backend(*, devices: bool = False, touch_shared: bool = False) -> Backend:
    """The backend of this operating system, loaded when asked for.

    Args:
        devices: read device memory as well, where the system tells it from other memory.
        touch_shared: see `Options`; only Linux has anything to touch.

    Raises:
        TargetError: there is none.
    """
    if sys.platform == "linux":
        from .linux.system import Linux

        return Linux(devices=devices, touch_shared=touch_shared)
    if sys.platform == "win32":
        from .windows import Windows

        return Windows(devices=devices)
    if sys.platform == "darwin":
        from .macos import MacOS

        return MacOS(devices=devices)
    raise TargetError(
        f"{sys.platform}: processes can be acquired on Linux, Windows and macOS",
        remedy="acquire on one of these, or import a core dump",
    )
