"""One Windows process."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence, Set
from contextlib import ExitStack
from itertools import islice
from typing import Any

from msl_construct.errors import TargetError

from ..backend import Chosen
from ..bounds import Stopped, gone
from ..model import Identity, Mapping, Module, Thread
from ..plain_target import CallFailed, PlainMemory, PlainTarget
from ..suspension import Suspension
from . import structures as win
from .calls import WindowsSystem
from .calls.lists import ThreadNow
from .connections import connections, rows_of
from .credentials import AccountNames, credentials
from .handles import descriptors
from .heaps import MOST_PARTS, heaps
from .holding import Hold, Holder
from .memory import WindowsMemory
from .modules import ModuleFiles, modules_of
from .opening import architecture, open_target, open_to_copy, open_to_stop
from .own_calls import OwnCalls
from .peb import Stack, command_line, environment, stack_of, stack_of_32_bits
from .target_copy import TargetCopy, check_room
from .threads import ThreadReader, states_of

__all__ = ["FREEZERS", "WindowsTarget"]

FREEZERS = ("suspend", "threads", "snapshot", "none")
"""The methods of freezing: NtSuspendProcess or better; SuspendThread for each; the first for as
long as a copy takes, which is read then; not at all."""


class WindowsTarget(PlainTarget):
    """Satisfies `Target`.

    Windows keeps the suspend counts of whoever ends: so a guardian stops the target.

    Raises:
        TargetError: the process is gone, or not ours to read.
    """

    system_name = "Windows"
    freezers = FREEZERS
    remedy_of_stopped = "msl acquire --resume lets it go"

    def __init__(
        self, system: WindowsSystem, pid: int, *, devices: bool = False, hold: Hold = OwnCalls
    ) -> None:
        super().__init__(pid)
        self._system = system
        self._hold = hold
        self._holder: Holder | None = None
        self._to_stop = 0
        self._armed: tuple[str, float | None] | None = None
        self._files = ModuleFiles()
        self._names = AccountNames(system)
        self._before: dict[int, ThreadNow] = {}
        with ExitStack() as opened:
            opened.enter_context(system.debug_privilege())
            self._process = open_target(system, pid)
            self._privilege = opened.pop_all()
        self.page_size = int(system.system_info().page_size)
        self._devices = devices
        self._live = WindowsMemory(system, self._process, self.page_size, devices)
        self._memory: PlainMemory = self._live
        self._copy: TargetCopy | None = None

    def arm(self, method: str, max_freeze: float | None) -> None:
        """Start whoever will stop it.

        Raises:
            TargetError: the method is unknown, it is not ours to stop, or nobody can be started.
        """
        super().arm(method, max_freeze)
        if method == "none" or (self._holder is not None and self._armed == (method, max_freeze)):
            return
        self._disarm()
        opened = open_to_copy if method == "snapshot" else open_to_stop
        self._to_stop = opened(self._system, self.pid)
        self._holder = self._hold(self._system, self._to_stop, method, max_freeze, self._lost)
        self._armed = (method, max_freeze)

    def ready(self) -> None:
        """Wait for whoever will stop it.

        Raises:
            TargetError: he could not be started.
        """
        if self._holder is not None:
            self._holder.ready()

    def _lost(self) -> None:
        if self._suspension is not None:
            self._suspension.lost("guardian_ended")

    def _disarm(self) -> None:
        holder, self._holder = self._holder, None
        try:
            if holder is not None:
                holder.close()
        finally:
            handle, self._to_stop = self._to_stop, 0
            if handle:
                self._system.close(handle)

    def prepare(self, hash_algo: str = "blake3") -> None:
        """Hash the files of its modules, and look for their versions, in bounded time."""
        try:
            paths = [win.wide_text(entry.exe_path) for entry in self._system.modules(self.pid)]
        except CallFailed:
            # `modules` meets the same error, and says so.
            return
        self._files.look(paths, hash_algo)

    def _facts_before(self) -> dict[str, Any]:
        """How its threads are: when they are stopped, that is all that the system says of them.
        And its sockets: the tables are those of the whole machine."""
        try:
            self._before = states_of(self._system, self.pid)
        except CallFailed as error:
            self._unknown("thread_states", error)
        self._ask("connections", self._connections)
        return {}

    def _descriptors(self) -> list[dict[str, Any]]:
        rows, left_out = descriptors(self._system, self._process, self.pid)
        if left_out:
            self._too_many("descriptors", f"{left_out} more than the {len(rows)} that are listed")
        return rows

    def _too_many(self, what: str, words: str) -> None:
        self._facts.setdefault("unknown", {})[what] = words

    def _connections(self) -> list[dict[str, Any]]:
        return rows_of(connections(self._system), self.pid)

    def _ask(self, name: str, ask: Callable[[], Any]) -> None:
        try:
            self._facts[name] = ask()
        except CallFailed as error:
            self._facts.pop(name, None)
            self._unknown(name, error)

    def _suspend(self) -> None:
        assert self._holder is not None
        self._holder.ready()
        self._holder.suspend()
        if self._suspension is not None:
            self._suspension.facts.update(self._holder.facts)

    def _let_go(self) -> str:
        assert self._holder is not None
        return self._holder.resume()

    def copy(self, chosen: Chosen, written: Set[Hashable] = frozenset()) -> None:
        """Make a copy of its memory, where that is the method; keep what that doesn't hold.

        Raises:
            TargetError: it can't be; the target is let go.
        """
        frozen = self._suspension
        if frozen is None or frozen.method != "snapshot":
            return
        try:
            self._take_copy(chosen, frozen)
        except BaseException as error:
            try:
                frozen.thaw()
            finally:
                self._end_copy()
            if isinstance(error, CallFailed):
                raise TargetError(
                    f"process {self.pid} can't be copied: {error}", remedy="use --freeze suspend"
                ) from error
            raise

    def _take_copy(self, chosen: Chosen, frozen: Suspension) -> None:
        assert self._holder is not None
        check_room(self._system, self._process, self.pid)
        mappings, threads = self.mappings(), self.threads(frozen)
        self._copy = copy = TargetCopy(
            self._system,
            self._process,
            self._holder.copy,
            self._live,
            mappings,
            threads,
            self.modules(mappings),
            self._devices,
        )
        frozen.facts["snapshot"] = copy.keep(chosen, frozen)
        self._memory = copy.memory

    def run_on(self) -> None:
        """Let it run on, where a copy of it is read.

        Raises:
            TargetError: it ran already: what was read is not of one moment.
        """
        frozen = self._suspension
        if frozen is None or self._copy is None:
            return
        frozen.thaw()
        if frozen.why_ended not in ("done", "gone"):
            self._end_copy()
            raise TargetError(
                f"process {self.pid} ran again before it was copied ({frozen.why_ended})",
                remedy="allow a longer stop (--max-freeze), or use --freeze suspend",
            )

    def _end_copy(self) -> None:
        """End the copy, of which nothing may be left: the guardian does, or else we do."""
        copy, self._copy = self._copy, None
        self._memory = self._live
        try:
            if self._holder is not None:
                self._holder.discard()
        finally:
            if copy is not None:
                ended = copy.end(self._asked("copy", 0, self._system.started, copy.handle))
                if self._suspension is not None and "snapshot" in self._suspension.facts:
                    self._suspension.facts["snapshot"] |= ended

    def afterwards(self) -> dict[str, Any]:
        """How it is when it was let go, and the copy has ended."""
        self._end_copy()
        return super().afterwards()

    def _release(self) -> None:
        with ExitStack() as left:
            left.enter_context(self._privilege)
            handle, self._process = self._process, 0
            if handle:
                left.callback(self._system.close, handle)
            left.callback(self._disarm)
            self._end_copy()

    def mappings(self) -> list[Mapping]:
        """What it has mapped; what lies in the allocations of heaps and stacks is called so."""
        if self._copy is not None:
            return self._copy.memory.mappings()
        known: dict[int, str] = {}
        for narrow in self._widths():
            name = "heaps_of_32_bits" if narrow else "heaps"
            try:
                places = heaps(self._system, self._process, narrow=narrow)
                known |= dict.fromkeys(islice(places, MOST_PARTS), "heap")
                if next(places, None) is not None:
                    self._too_many(name, f"more than the {MOST_PARTS} parts that were followed")
            except CallFailed as error:
                self._unknown(name, error)
        known |= {stack.base - 1: "stack" for stack in self._stacks()}
        return self._live.mappings(known)

    def _widths(self) -> tuple[bool, ...]:
        """What it keeps of itself as a 64-bit process; and what as a 32-bit one, if it is."""
        narrow = architecture(self._system, self._process) == "x86"
        return (False, True) if narrow else (False,)

    def _stacks(self) -> Iterator[Stack]:
        try:
            threads = self._system.threads(self.pid)
        except CallFailed:  # `threads` meets the same error, and says so
            return
        narrow, access = True in self._widths(), win.THREAD_QUERY_LIMITED_INFORMATION
        for number in threads:
            try:
                handle = self._system.open_thread(number, access, self.pid)
            except CallFailed:
                continue
            try:
                stack = stack_of(self._system, self._process, handle)
                yield stack
                if narrow and (other := stack_of_32_bits(self._system, self._process, stack.teb)):
                    yield other
            except CallFailed as error:
                self._unknown("stacks", error)
            finally:
                self._system.close(handle)

    def _command_line(self, process: int) -> str:
        try:
            return self._system.command_line(process)
        except CallFailed:  # Wine, and Windows before 8.1
            return command_line(self._system, process)

    def identity(self) -> Identity:
        """Who it is; what the system does not tell stays empty, and is listed in `facts`."""
        parent, name = 0, ""
        try:
            for entry in self._system.processes():
                if entry.process_id == self.pid:
                    parent, name = int(entry.parent_process_id), win.wide_text(entry.exe_file)
        except CallFailed as error:
            self._unknown("parent", error)
        return Identity(
            pid=self.pid,
            ppid=parent,
            session_id=self._asked("session", 0, self._system.session, self.pid),
            start_time=self._asked("start_time", 0, self._system.started, self._process),
            exe_path=self._asked("exe_path", "", self._system.image_path, self._process),
            cmd_line=self._asked("cmd_line", "", self._command_line, self._process),
            name=name,
            os_type="windows",
            arch_type=architecture(self._system, self._process),
            page_size=self.page_size,
        )

    def modules(self, mappings: Sequence[Mapping]) -> list[Module]:
        """The loader's modules; as they were when it was copied."""
        if self._copy is not None:
            return self._copy.modules
        return modules_of(self._system, self.pid, self._process, mappings, self._files, self._facts)

    def threads(self, frozen: Any) -> list[Thread]:
        """Its threads; registers where it stands still, or stood when it was copied."""
        if self._copy is not None:
            return self._copy.threads
        reader = ThreadReader(
            self._system,
            self.pid,
            self._process,
            architecture=architecture(self._system, self._process),
            stopped=frozen.method != "none" and not frozen.ended,
            before=self._before,
            facts=frozen.facts,
            known=self._facts,
        )
        return reader.all()

    def resident(self) -> int:
        """The working set."""
        try:
            return self._system.working_set(self._process)
        except CallFailed:
            return 0

    def lives(self) -> bool:
        """Whether it has not ended."""
        return not self._system.ended(self._process)

    def alive(self) -> bool:
        """Whether it has not ended, or the copy that is read has not."""
        return self.lives() if self._copy is None else self._copy.memory.alive()

    def ending(self) -> Stopped:
        """Why it is no longer alive."""
        if self._copy is None:
            return gone()
        return Stopped(
            "snapshot_lost", "the copy that was being read had to go: somebody killed it"
        )

    def facts(self) -> dict[str, Any]:
        """Environment, token, handles, sockets, reserved address space, what stayed unknown."""
        system, process = self._system, self._process
        asked: dict[str, Callable[[], Any]] = {
            "environment": lambda: environment(system, process),
            "credentials": lambda: credentials(system, process, self._names),
            "descriptors": self._descriptors,
        }
        for name, ask in asked.items():
            self._ask(name, ask)
        if self._suspension is None:  # else they were asked for right before the stop
            self._ask("connections", self._connections)
        return {**self._facts, **self._live.facts}
