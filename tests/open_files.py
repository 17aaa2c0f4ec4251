"""What this process has open, whoever opened it.

Tests share a process with threads of others, so that they hold sets against each other and not
numbers: what another has closed meanwhile is no matter.
"""

from __future__ import annotations

import os

__all__ = ["descriptors"]


def descriptors() -> set[str]:
    """What is open in this process, by number and target."""
    found = set()
    for number in os.listdir("/proc/self/fd"):
        try:
            found.add(f"{number} {os.readlink(f'/proc/self/fd/{number}')}")
        except OSError:  # the one that listed them
            continue
    return found
