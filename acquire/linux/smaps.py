"""The flags of mappings that only /proc/PID/smaps tells.

Reading it costs five times as much as maps and more the more memory there is: look first
whether the question arises at all.
"""

from __future__ import annotations

import os
from itertools import pairwise

from .maps import read_whole

__all__ = ["FAULT_HANDLER", "NO_PAGES", "fault_handlers_possible", "flags"]

FAULT_HANDLER = frozenset((b"um", b"ui"))
"""A userfaultfd provides the pages that are missing."""
NO_PAGES = frozenset((b"io", b"pf"))
"""There are no pages behind it: registers of a device, rings of the kernel."""
_INTERESTING = FAULT_HANDLER | NO_PAGES
_PIECE = 1 << 20


def fault_handlers_possible() -> bool:
    """Whether any process on this machine can have registered a userfaultfd.

    The process itself need not hold it: it may have sent it away, or have inherited the
    registration. But as long as one is registered somewhere, the kernel keeps an object of
    this cache, which is never merged with another.
    """
    try:
        for line in read_whole("/proc/slabinfo").split(b"\n"):
            if line.startswith(b"userfaultfd_ctx_cache "):
                return int(line.split()[1]) > 0
    except (OSError, ValueError, IndexError):
        return True
    return False  # the kernel was built without


def flags(tid: int) -> dict[int, frozenset[bytes]]:
    """The flags in `FAULT_HANDLER` and `NO_PAGES` of the mappings that have any, by start.

    Raises:
        OSError: as reading smaps does.
    """
    found: dict[int, frozenset[bytes]] = {}
    descriptor = os.open(f"/proc/{tid}/smaps", os.O_RDONLY | os.O_CLOEXEC)
    try:
        rest = b"\n"
        while piece := os.read(descriptor, _PIECE):
            # Each part: the flags of one mapping, then the header of the next one.
            *parts, rest = (rest + piece).split(b"VmFlags:")
            if parts and b"\n" not in rest:
                # These flags are not complete: keep them, and the header in front of them.
                rest = parts.pop() + b"VmFlags:" + rest
            parts.append(rest)
            for part, following in pairwise(parts):
                words = _INTERESTING.intersection(following.partition(b"\n")[0].split())
                if words:
                    header = part.partition(b"\n")[2]
                    found[int(header.partition(b"-")[0], 16)] = words
    finally:
        os.close(descriptor)
    return found
