"""Whether a process may have pages in common with another, though they are private.

After a fork both sides have the same pages, until one of them writes, or calls exec; and the
kernel merges pages that are alike (KSM). Reading such a page by process_vm_readv makes the kernel
copy it (since Linux 5.19): the target grows by all that is read. Reading /proc/PID/mem does not,
and is a quarter slower.
"""

from __future__ import annotations

import os

from .proc_text import KERNEL_THREAD, read_bytes, read_stat

__all__ = ["Kinship"]

_FORKED_WITHOUT_EXEC = 0x40
_MERGED_ANYWHERE = "/sys/kernel/mm/ksm/pages_shared"


class Kinship:
    """One process among all that we see.

    Args:
        pid: its number.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._strangers: set[str] = set()

    def shares_pages(self) -> bool:
        """Whether another process may have private pages of it; quick when asked again.

        What is found to be a stranger stays one: it has called exec, or is another program.
        """
        if _forked(f"/proc/{self._pid}") or _merged(f"/proc/{self._pid}"):
            return True
        program = _program(f"/proc/{self._pid}")
        try:
            names = os.listdir("/proc")
        except OSError:
            return True
        for name in names:
            if not name.isdigit() or name in self._strangers or int(name) == self._pid:
                continue
            if _forked(f"/proc/{name}"):
                other = _program(f"/proc/{name}")
                if not program or not other or other == program:
                    return True
            self._strangers.add(name)
        return False


def _forked(path: str) -> bool:
    """Whether a process was made by fork and has called no exec since."""
    try:
        seen = read_stat(path)
    except (OSError, ValueError):
        return False  # it is gone
    return (
        bool(seen.flags & _FORKED_WITHOUT_EXEC)
        and not seen.flags & KERNEL_THREAD
        and not seen.ended
    )


def _merged(path: str) -> bool:
    """Whether the kernel may have merged pages of a process with others."""
    try:
        if not int(read_bytes(_MERGED_ANYWHERE)):
            return False
    except (OSError, ValueError):
        return False  # the kernel was built without
    try:
        return int(read_bytes(f"{path}/ksm_merging_pages")) > 0
    except (OSError, ValueError):
        return True  # before Linux 5.18, or not ours to know


def _program(path: str) -> tuple[int, int] | None:
    """Device and inode of its program; None where they can't be had."""
    try:
        link = os.open(f"{path}/exe", getattr(os, "O_PATH", 0) | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        told = os.fstat(link)
        return told.st_dev, told.st_ino
    except OSError:
        return None
    finally:
        os.close(link)
