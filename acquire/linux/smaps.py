"""What only /proc/PID/smaps tells of mappings: some of their flags, and how much is there.

Reading it costs five times as much as maps and more the more memory there is: look first
whether the question arises at all.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise
from typing import NamedTuple

from .maps import read_whole

__all__ = [
    "FAULT_HANDLER",
    "NO_PAGES",
    "Share",
    "fault_handlers_possible",
    "flags",
    "holds_fault_handler",
    "registered",
    "shares",
]

FAULT_HANDLER = frozenset((b"um", b"ui"))
"""A userfaultfd provides the pages that are missing."""
NO_PAGES = frozenset((b"io", b"pf"))
"""There are no pages behind it: registers of a device, rings of the kernel."""
_INTERESTING = FAULT_HANDLER | NO_PAGES
_ANY_INTERESTING = re.compile(rb"\nVmFlags:[^\n]* (?:um|ui|io|pf)\b")
_REGISTERED = re.compile(rb"\nVmFlags:[^\n]* (?:um|uw|ui)\b")
_FIELD = re.compile(
    rb"\n(Rss|Anonymous|Swap|Shared_Clean|Shared_Dirty|Shared_Hugetlb|Private_Hugetlb): +(\d+) kB"
)
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


def holds_fault_handler(tid: int) -> bool:
    """Whether the process itself holds a userfaultfd, so that it can register it any time."""
    folder = f"/proc/{tid}/fd".encode()
    try:
        for number in os.listdir(folder):
            with suppress(FileNotFoundError):  # closed meanwhile
                if os.readlink(folder + b"/" + number) == b"anon_inode:[userfaultfd]":
                    return True
    except OSError:
        return True  # not ours to know
    return False


def registered(tid: int) -> bool:
    """Whether a userfaultfd is registered for any mapping, for whatever purpose.

    Raises:
        OSError: as reading smaps does.
    """
    return any(_REGISTERED.search(text) for text in _texts(tid))


def flags(tid: int) -> dict[int, frozenset[bytes]]:
    """The flags in `FAULT_HANDLER` and `NO_PAGES` of the mappings that have any, by start.

    Raises:
        OSError: as reading smaps does.
    """
    found: dict[int, frozenset[bytes]] = {}
    for text in _texts(tid):
        if _ANY_INTERESTING.search(text):  # else, nearly always, nothing need be taken apart
            for start, _, words in _parts(text):
                if words:
                    found[start] = words
    return found


class Share(NamedTuple):
    """How much of a mapping the process has.

    Attributes:
        resident: bytes in memory or swapped out.
        own: how many of them are copies of its own, not a file's.
        common: how many of those in memory other processes have, too.
    """

    resident: int
    own: int
    common: int


def shares(tid: int) -> dict[int, Share]:
    """How much of each mapping is there, by start.

    Raises:
        OSError: as reading smaps does.
    """
    found: dict[int, Share] = {}
    for text in _texts(tid):
        for start, fields, _ in _parts(text):
            kib = {name: int(size) for name, size in _FIELD.findall(fields)}
            swapped = kib.get(b"Swap", 0)
            huge = kib.get(b"Shared_Hugetlb", 0) + kib.get(b"Private_Hugetlb", 0)
            found[start] = Share(
                (kib.get(b"Rss", 0) + huge + swapped) << 10,
                (kib.get(b"Anonymous", 0) + swapped) << 10,
                (kib.get(b"Shared_Clean", 0) + kib.get(b"Shared_Dirty", 0)) << 10,
            )
    return found


def _texts(tid: int) -> Iterator[bytes]:
    """Smaps in pieces of whole mappings; each begins with a newline."""
    descriptor = os.open(f"/proc/{tid}/smaps", os.O_RDONLY | os.O_CLOEXEC)
    try:
        rest = b"\n"
        while piece := os.read(descriptor, _PIECE):
            text = rest + piece
            end = text.find(b"\n", text.rfind(b"\nVmFlags:") + 1)
            if end <= 0:
                rest = text
                continue
            yield text[: end + 1]
            rest = text[end:]
    finally:
        os.close(descriptor)


def _parts(text: bytes) -> Iterator[tuple[int, bytes, frozenset[bytes]]]:
    """Of each mapping: start, everything but the flags, and the interesting flags."""
    # Each part: the flags of one mapping, then the header and the fields of the next one.
    for part, following in pairwise((b"\n" + text[1:]).split(b"\nVmFlags:")):
        words = _INTERESTING.intersection(following.partition(b"\n")[0].split())
        entry = part.partition(b"\n")[2]
        yield int(entry.partition(b"-")[0], 16), entry, words
