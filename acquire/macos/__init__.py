"""macOS: `mach_vm_region_recurse`, `mach_vm_read_overwrite`, `task_suspend`, libproc.

Written from Apple's headers and exercised through a fake system library only: no part of it
has run on macOS yet. Every module can be imported anywhere; a `MacOS` without a system of
its own can be had on macOS alone.
"""

from __future__ import annotations

from .backend import MacOS

__all__ = ["MacOS"]
