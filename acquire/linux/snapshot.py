"""Memory of a target that runs on, as it was at one moment: from a copy, and from what was kept.

The copy is another process (see `.freeze.guardian.copying`) that stands still for as long as it
exists. It is read through /proc/PID/mem and never by process_vm_readv: that call makes the kernel
give the copy pages of its own, as many as are read.
"""

from __future__ import annotations

import contextlib
import errno
import os
import time
from collections.abc import Hashable, Iterator, Sequence, Set

from msl_construct.errors import TargetError

from ..bounds import Stopped, gone
from ..model import Failure, Mapping, Stretch
from . import maps
from .freeze.copied import Copied
from .freeze.fitness import limiting
from .freeze.guardian.headroom import groups, room
from .freeze.guardian.refusals import Refusal
from .kept_memory import KeptPages, file_of, not_copied, only_shared
from .memory import LinuxMemory
from .shared_ancestry import Kinship
from .syscalls import PAGE_SIZE

__all__ = ["Snapshot"]

_RATE = 1 << 30
"""Bytes that are surely read in a second."""
_SETTLING = 1.0
"""Seconds within which the guardian has noticed why the copy is gone."""
_WHY = {
    "memory_short": "what the target wrote meanwhile left too little memory",
    "copy_killed": "somebody killed it",
    "guardian_ended": "the process that held it was killed",
}
"""By `Copied.lost`."""


class Snapshot:
    """The memory of one moment; offers what `LinuxMemory` does.

    Args:
        target: the target's memory.
        hold: the target, which stands still until `run_on`.
        vdso: the target's mapping of that name.
        kinship: the target's.

    Attributes:
        path: the copy's folder in /proc.

    Raises:
        Refusal: it can't be copied.
    """

    def __init__(
        self, target: LinuxMemory, hold: Copied, vdso: Mapping | None, kinship: Kinship
    ) -> None:
        self._target = target
        self._hold = hold
        copy = hold.make(vdso)
        self.path = f"/proc/{copy}"
        with self._named():
            self._copy = LinuxMemory(copy, by_call=False, kinship=kinship)
        self._kept = KeptPages()

    def take(self, mappings: Sequence[Mapping], written: Set[Hashable] = frozenset()) -> None:
        """Read from the target what the copy doesn't hold.

        Args:
            mappings: those that are to be captured.
            written: files, by device and inode, that others write who stand still as well.

        Raises:
            TargetError: that is more than may be read while the target stands still.
            Refusal: the copy is gone, or the time was up.
        """
        with self._named():
            copied = maps.read_whole(f"{self.path}/maps")
            elsewhere = [
                *only_shared(mappings),
                *not_copied(mappings, copied, self._target, self._copy.pagemap),
            ]
        starts = {one.start for one in elsewhere}
        elsewhere += (
            one for one in mappings if one.start not in starts and file_of(one) in written
        )
        self._hold.refuse_let_go()
        if elsewhere:
            self._target.look_ahead()
            self._kept.take(self._target, sorted(elsewhere), self._most(), written)

    def run_on(self) -> None:
        """Let the target run.

        Raises:
            Refusal: the time was up.
        """
        self._hold.run()
        self._hold.facts["snapshot"].update(
            read_in_stop=self._kept.size, nanoseconds_to_read_in_stop=self._kept.nanoseconds
        )

    @contextlib.contextmanager
    def _named(self) -> Iterator[None]:
        """Say why a copy is gone that can't be looked at.

        Raises:
            Refusal: it is.
        """
        try:
            yield
        except (TargetError, OSError) as error:
            self._hold.refuse_let_go()
            raise Refusal(
                f"process {self._hold.pid} could not be copied: its copy can't be read: {error}",
                remedy="try again, or use --freeze ptrace",
            ) from error

    def _most(self) -> int:
        """Bytes that may be kept: within half of the time that is left, and half of the memory
        that we have."""
        least = room(groups(limiting(os.getpid())))
        most = max(0, least.free - least.kept) // 2
        left = self._hold.left()
        return most if left is None else min(most, max(0, int(left / 2 * _RATE)))

    def plans(self, mappings: Sequence[Mapping]) -> Iterator[Sequence[Stretch]]:
        """For each mapping what to do about its pages; see `msl_acquire.backend.Target`."""
        kept = self._kept
        copied = self._copy.plans([one for one in mappings if one not in kept])
        for mapping in mappings:
            yield kept.plan(mapping) if mapping in kept else next(copied)

    def read(self, mapping: Mapping, address: int, into: memoryview) -> int:
        """Read whole pages; how many bytes came. See `msl_acquire.backend.Target`."""
        if mapping in self._kept:
            return self._kept.read(mapping, address, into)
        return self._copy.read(mapping, address, into)

    def failure(self, mapping: Mapping, address: int, pages: int) -> Failure:
        """Why the page at `address` can't be read; see `msl_acquire.backend.Target`."""
        if mapping in self._kept:
            return self._kept.failure(mapping, address, pages)
        if not self.alive():
            pages = min(pages, (mapping.end - address) // PAGE_SIZE)
            return Failure("failed", "snapshot_lost", errno.ESRCH, pages)
        return self._copy.failure(mapping, address, pages)

    def alive(self) -> bool:
        """Whether the copy is still there."""
        return not self._copy.gone and self._copy.alive()

    def ending(self) -> Stopped:
        """Why it isn't."""
        until = time.monotonic() + _SETTLING
        while not self._hold.look() and time.monotonic() < until:
            time.sleep(0.01)
        lost = self._hold.look()
        if lost == "gone":
            return gone()
        if lost == "executed":
            return Stopped(
                "target_replaced", "the target executed another program while its copy was read"
            )
        return Stopped(
            "snapshot_lost", f"the copy that was being read had to go: {_WHY.get(lost, 'it ended')}"
        )

    def close(self) -> None:
        """Close every file; more than once does no harm."""
        self._copy.close()
        self._kept.close()
