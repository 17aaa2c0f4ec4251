"""Windows: `VirtualQueryEx`, `ReadProcessMemory`, toolhelp, `NtSuspendProcess`.

Written from Microsoft's documentation and exercised through a fake system library only: no
part of it has run on Windows yet. Every module can be imported anywhere; a `Windows` without
a system of its own can be had on Windows alone.
"""

from __future__ import annotations

from .backend import Windows

__all__ = ["Windows"]
