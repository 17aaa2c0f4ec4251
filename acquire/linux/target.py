"""A Linux process, as the session asks for it."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Hashable, Iterator, Sequence, Set
from contextlib import suppress
from typing import Any

from msl_construct.errors import TargetError

from ..backend import Chosen, Frozen, Pageable
from ..bounds import Stopped, gone
from ..model import Failure, Identity, Mapping, Module, Shared, Stretch, Thread
from . import identity as identities
from . import maps, threads
from .afterwards import StateBefore, afterwards, found
from .evidence import LinuxEvidence
from .facts import Sockets, facts, sockets
from .files_later import FilesLater
from .freeze import Hold, arm, in_words, stop
from .freeze.copied import Copied
from .freeze.guardian.refusals import being_traced, process_of, tracer_of
from .handle import Handle, program
from .maps import living_thread
from .memory import LinuxMemory
from .modules import ModuleCache, modules, prehash
from .shared_ancestry import Kinship
from .snapshot import Snapshot

__all__ = ["LinuxTarget"]

_EARLIER = 0.2
"""Seconds before the time is up from which on the target is taken to run."""
_LOOK_EVERY = 0.05
_LOOKS = 5
"""How often a program is opened that is replaced meanwhile."""


class LinuxTarget:
    """One process.

    Args:
        pid: its number in our PID namespace.
        devices: read device memory as well.
        touch_shared: read through it what can't be read without making it grow.
        caches: by hash, what is known of files: filled, for the next target to profit from.

    Raises:
        TargetError: it is gone, or not ours to read.
    """

    def __init__(
        self,
        pid: int,
        *,
        devices: bool = False,
        touch_shared: bool = False,
        caches: dict[str, ModuleCache] | None = None,
    ) -> None:
        self._caches = {} if caches is None else caches
        self.pid = pid
        self.page_size = os.sysconf("SC_PAGESIZE")
        self._devices = devices
        self._touch_shared = touch_shared
        self._kinship = Kinship(pid)
        self._handle = Handle(pid)
        self._cache: ModuleCache | None = None
        self._listed: list[Mapping] = []
        self._closed = False
        self._found: StateBefore | None = None
        self._armed: tuple[str, float | None, Hold] | None = None
        self._hold: Hold | None = None
        self._snapshot: Snapshot | None = None
        self._files_later: FilesLater | None = None
        self._sockets: Sockets | None = None
        try:
            self._open(certain=False)
        except BaseException:
            self._handle.close()
            raise
        self._memory.look_before()

    def _open(self, *, certain: bool) -> None:
        """Open the memory of the program that the process executes now.

        Args:
            certain: refuse what replaces its program without pause; it is opened again later
                otherwise.

        Raises:
            TargetError: it is gone, not ours to read, or refused.
        """
        for left in reversed(range(_LOOKS)):
            found = program(f"/proc/{living_thread(self.pid)}")
            try:
                memory = LinuxMemory(
                    self.pid,
                    devices=self._devices,
                    touch_shared=self._touch_shared,
                    kinship=self._kinship,
                )
            except TargetError:
                # A thread that replaces the program ends all others, whose files end with them.
                if not left or not self._handle.same():
                    raise
                continue
            path = f"/proc/{memory.tid}"
            settled = memory.alive() and found is not None and program(path) == found
            if settled or not (certain or left):
                break
            memory.close()
        else:
            living_thread(self.pid)
            raise TargetError(
                f"process {self.pid} executes one program after the other, faster than it can be "
                "looked at",
                remedy="stop it: --freeze ptrace",
            )
        self._memory, self._path, self._program = memory, path, found
        memory.stands = _runs
        self.read = memory.read  # without a call in between: there may be very many

    def prepare(self, hash_algo: str = "blake3") -> None:
        """Read and hash the files of all modules: that takes long, and need not be frozen."""
        earlier = self._caches.setdefault(hash_algo, ModuleCache(hash_algo=hash_algo))
        mappings = self._listed or maps.mappings(self.pid)
        self._cache = prehash(
            self.pid,
            mappings,
            path=self._path,
            hash_algo=hash_algo,
            earlier=earlier,
            stop=lambda: self._closed,
        )
        self._memory.open_files(mappings)

    def arm(self, method: str, max_freeze: float | None) -> None:
        """Start the guardian that will hold it; see `linux.freeze.arm`."""
        self._disarm()
        self._handle.check()
        if method == "snapshot" and self._memory.reduced:
            raise TargetError(
                f"a copy of process {self.pid} would be duplicated by being read: its files in "
                "/proc are not ours to open, and process_vm_readv is all there is",
                remedy="run with CAP_DAC_READ_SEARCH, or use --freeze ptrace",
            )
        self._armed = method, max_freeze, arm(self.pid, method, max_freeze)

    def _disarm(self) -> None:
        armed, self._armed = self._armed, None
        if armed is not None:
            armed[2].thaw()

    def ready(self) -> None:
        """Wait for the guardian."""
        if self._armed is not None:
            self._armed[2].ready()

    def freeze(self, method: str, max_freeze: float | None) -> Hold:
        """Stop every thread; see `linux.freeze.freeze`."""
        self._forget_snapshot()
        if self._armed is None or self._armed[:2] != (method, max_freeze):
            self.arm(method, max_freeze)
        self.ready()
        self._handle.check()  # as late as can be
        self._found = self._found or found(self.pid)
        with suppress(OSError):
            self._sockets = sockets(self._path)
        until = time.monotonic() + (float("inf") if max_freeze is None else max_freeze - _EARLIER)
        assert self._armed is not None
        hold = self._armed[2]
        try:
            stop(hold)
        finally:
            self._armed = None
        self._hold = hold
        try:
            self._look_again(hold)
        except BaseException:
            hold.thaw()
            raise
        self._memory.stands = _runs if method == "none" else _Stands(hold, until)
        self._memory.forks = method == "none"
        return hold

    def copy(self, chosen: Chosen, written: Set[Hashable] = frozenset()) -> None:
        """Make a snapshot of its memory, where that is the method."""
        hold = self._hold
        if not isinstance(hold, Copied):
            self._memory.look_ahead()
            return
        self._memory.stands = _stands
        try:
            with in_words():
                self._snapshot = self._taken(hold, chosen, written)
        except BaseException:
            hold.thaw()
            raise
        self.read = self._snapshot.read

    def _taken(self, hold: Copied, chosen: Chosen, written: Set[Hashable]) -> Snapshot:
        """A snapshot.

        Raises:
            TargetError, Refusal: it can't be made.
        """
        mappings = self.mappings()
        vdso = next((one for one in mappings if one.name == "[vdso]"), None)
        snapshot = Snapshot(self._memory, hold, vdso, self._kinship)
        try:
            snapshot.take(chosen(mappings), written)
        except BaseException:
            snapshot.close()
            raise
        return snapshot

    def run_on(self) -> None:
        """Let it run on, where a snapshot is read."""
        if self._snapshot is None or self._hold is None:
            return
        try:
            with in_words():
                self._snapshot.run_on()
        except BaseException:
            self._hold.thaw()
            raise
        self._memory.stands = _runs
        self._memory.forks = True

    def _forget_snapshot(self) -> None:
        if self._snapshot is not None:
            self._snapshot.close()
        self._snapshot = None

    def _look_again(self, hold: Hold) -> None:
        """Open what was opened before the process stood still once more, as what it is now.

        Raises:
            TargetError: it is another process, is held by somebody else, or executes a program
                that is not ours to read.
        """
        self._handle.check()
        if hold.method in ("ptrace", "snapshot") and not hold.ended:
            tracer = process_of(tracer_of(self.pid, self._memory.tid))
            ours = (0, os.getpid(), hold.facts.get("guardian"), hold.facts.get("deputy"))
            if tracer not in ours:
                found = being_traced(self.pid, tracer)
                raise TargetError(found.message, remedy=found.remedy)
        same = not self.another_program()
        try:
            self._open_again()
        except TargetError:
            if not same:
                raise
            return  # it has forbidden only now to be looked into
        if not same:
            hold.facts["executed"] = identities.executable(self._path)

    def shared_memory(self, mappings: Sequence[Mapping]) -> Shared:
        """What it writes for others to see, and every file that it sees, by device and inode."""
        return maps.shared_memory(mappings)

    def another_program(self) -> str:
        """What it executes instead of the program that was opened; empty if it still does that,
        or nothing any more."""
        if not self._handle.same():
            return ""
        try:
            path = f"/proc/{living_thread(self.pid)}"
        except TargetError:
            return ""
        now = program(path)
        if now is None or (now == self._program and self._memory.alive()):
            return ""
        return identities.executable(path) or "one that can't be seen"

    def _open_again(self) -> None:
        """Open the program that it executes now, and forget what is known of another one.

        Raises:
            TargetError: it is gone, or that is not ours to read.
        """
        old, another = self._memory, self.another_program()
        try:
            self._open(certain=True)
        except TargetError as error:
            if another:
                raise TargetError(
                    f"process {self.pid} executes another program than a moment ago "
                    f"({another}): {error}",
                    remedy=error.remedy,
                ) from error
            raise
        if not another:
            self._memory.learnt_from(old)
        else:
            self._listed = []
            if self._cache is not None:
                self._cache.problems.clear()  # of files: what is known of them stays true
        old.close()

    def identity(self) -> Identity:
        """Who it is."""
        return identities.identity(self.pid, self._path)

    def mappings(self) -> list[Mapping]:
        """Its address space, in address order; of a snapshot, as it was then."""
        if self._snapshot is not None:
            return self._listed
        self._listed = []  # there may be very many: not twice
        self._listed = maps.mappings(self.pid)
        return self._listed

    def modules(self, mappings: Sequence[Mapping]) -> list[Module]:
        """What is mapped as code."""
        path = self._snapshot.path if self._snapshot else self._path
        return modules(self.pid, mappings, self._cache, path=path)

    def threads(self, frozen: Frozen) -> list[Thread]:
        """Its threads, with registers where the freeze permits."""
        assert isinstance(frozen, Hold)
        return threads.threads(frozen)

    def plans(self, mappings: Sequence[Mapping]) -> Iterator[Sequence[Stretch]]:
        """For each mapping what to do about its pages."""
        return (self._snapshot or self._memory).plans(mappings)

    def readable_later(
        self, mappings: Sequence[Mapping], *, alone: bool
    ) -> tuple[Sequence[Mapping], Pageable | None]:
        """Those that hold nothing but what their files hold, and what reads these."""
        hold = self._hold
        if hold is None or self._snapshot is not None or hold.method == "none":
            return (), None
        self._files_later = reader = self._memory.files_later(self._listed or mappings, alone=alone)
        return reader.take(mappings), reader

    def failure(self, mapping: Mapping, address: int, pages: int) -> Failure:
        """Why a page can't be read."""
        return (self._snapshot or self._memory).failure(mapping, address, pages)

    def resident(self) -> int:
        """Bytes of memory that the target occupies now."""
        try:
            with open(f"{self._path}/statm", "rb") as file:
                return int(file.read().split()[1]) * self.page_size
        except (OSError, IndexError, ValueError):
            return 0

    def alive(self) -> bool:
        """Whether its address space, or the copy that is read, is still there."""
        if self._snapshot is not None:
            return self._snapshot.alive()
        return self._memory.alive() and not self._memory.gone

    def ending(self) -> Stopped:
        """Why it isn't."""
        return self._snapshot.ending() if self._snapshot else gone()

    def afterwards(self) -> dict[str, Any]:
        """How it fares when it has been let go; see `linux.afterwards.afterwards`."""
        assert self._hold is not None
        assert self._found is not None
        return afterwards(self._handle, self._program, self._found, self._hold)

    def facts(self) -> dict[str, Any]:
        """Everything else that Linux knows of it."""
        found = facts(self.pid, self._path, self._sockets)
        found["means"] = self._means()
        if self._cache is not None and self._cache.problems:
            found["module_problems"] = self._cache.problems
        return found

    def _means(self) -> dict[str, str]:
        """How its memory is read and its pages are looked at; with less, more of them fail."""
        try:
            with os.scandir(f"{self._path}/map_files") as entries:
                entry = next(entries, None)
            if entry is not None:
                os.close(os.open(entry.path, os.O_PATH | os.O_CLOEXEC))  # asks no server
            files = "permitted"
        except OSError as error:
            files = errno.errorcode.get(error.errno or 0, str(error.errno))
        return {
            "memory": "reduced" if self._memory.reduced else "permitted",
            "pagemap": self._memory.pagemap.method,
            "map_files": files,
        }

    def evidence(self) -> LinuxEvidence:
        """What collects the files of /proc, and copies of its own."""
        return LinuxEvidence(self._path)

    def close(self) -> None:
        """Let go of everything but the target."""
        self._disarm()
        self._closed = True
        self._forget_snapshot()
        if self._files_later is not None:
            self._files_later.close()
        self._memory.close()
        self._handle.close()


def _stands() -> bool:
    return True


def _runs() -> bool:
    return False


class _Stands:
    """Whether a target stands still for certain; asked for every stretch of pages.

    Args:
        hold: what holds it; whether that has ended is looked at now and then.
        until: of `time.monotonic`; from then on it may run.
    """

    def __init__(self, hold: Hold, until: float) -> None:
        self._hold = hold
        self._until = until
        self._looked = 0.0
        self._ended = False

    def __call__(self) -> bool:
        now = time.monotonic()
        if now - self._looked > _LOOK_EVERY:
            self._looked = now
            self._ended = bool(self._hold.ended)
        return now < self._until and not self._ended
