"""One macOS process."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence, Set
from typing import Any, NoReturn

from msl_construct.errors import TargetError

from ..backend import Chosen
from ..model import Failure, Identity, Mapping, Module, Stretch, Thread
from ..plain_target import PlainTarget
from ..reading import hash_file
from ..suspension import Suspension
from .api import MacosCallFailed, MacosSystem
from .images import Image, cpu_of, images_at, modules_of
from .memory import MacosMemory
from .opening import open_task
from .threads import threads_of

__all__ = ["MacOSTarget"]


class MacOSTarget(PlainTarget):
    """Satisfies `Target`.

    Raises:
        TargetError: the process is gone, or not ours to read.
    """

    def __init__(self, system: MacosSystem, pid: int, *, devices: bool = False) -> None:
        self.pid = pid
        self._system = system
        self._task = open_task(system, pid)
        try:
            self.page_size = system.page_size(self._task)
        except MacosCallFailed as error:
            system.release(self._task)
            raise TargetError(f"process {pid} can't be examined: {error}") from error
        self._memory = MacosMemory(system, self._task, pid, self.page_size, devices)
        self._suspension: Suspension | None = None
        self._hashes: dict[str, bytes | None] = {}
        self._facts: dict[str, Any] = {}

    def prepare(self, hash_algo: str = "blake3") -> None:
        """Hash the files of its images; those of the shared cache have none."""
        for image in self._images():
            if image.path not in self._hashes:
                self._hashes[image.path] = hash_file(image.path, hash_algo)

    def arm(self, method: str, max_freeze: float | None) -> None:
        """There is nobody to start: it is stopped by one call of ours.

        Raises:
            TargetError: the method is unknown.
        """
        if method not in ("suspend", "none"):
            raise TargetError(f"macOS has no freeze method {method}", remedy="suspend or none")

    def ready(self) -> None:
        """There is nobody to wait for."""

    def freeze(self, method: str, max_freeze: float | None) -> Suspension:
        """Stop the task (``suspend``), or not (``none``).

        The kernel ties the suspension to a right that this process holds: by Apple's sources
        it ends when the acquirer does.

        Raises:
            TargetError: the method is unknown, or refused by the system.
        """
        self.arm(method, max_freeze)
        self._suspension = Suspension(method, self._stop, self._resume, self.alive, max_freeze)
        try:
            count = int(self._system.basic_info(self._task).suspend_count)
            self._suspension.facts["suspend_count_before"] = count
        except MacosCallFailed as error:
            self._unknown("suspend_count", error)
        self._suspension.begin()
        return self._suspension

    def copy(self, chosen: Chosen, written: Set[Hashable] = frozenset()) -> None:
        """No method reads a copy."""

    def run_on(self) -> None:
        """No method reads a copy."""

    def _stop(self) -> None:
        try:
            self._system.suspend(self._task)
        except MacosCallFailed as error:
            raise TargetError(
                f"process {self.pid} can't be suspended: {error}",
                remedy="acquire it running, with the freeze method none",
            ) from error

    def _resume(self) -> None:
        try:
            self._system.resume(self._task)
        except MacosCallFailed as error:
            raise TargetError(
                f"process {self.pid} could not be resumed: {error}",
                remedy="it goes on when this program ends",
            ) from error

    def identity(self) -> Identity:
        """Who it is; what the system does not tell stays empty, and is listed in `facts`."""
        parent, start_time, name = 0, 0, ""
        try:
            info = self._system.process(self.pid)
        except MacosCallFailed as error:
            self._unknown("process", error)
        else:
            parent = int(info.ppid)
            start_time = (info.start_seconds * 1_000_000 + info.start_microseconds) * 1000
            name = bytes(info.name or info.comm).decode("utf-8", "surrogateescape")
        arguments = self._asked("cmd_line", [], self._system.arguments)
        return Identity(
            pid=self.pid,
            ppid=parent,
            session_id=self._asked("session", 0, self._system.session),
            start_time=start_time,
            exe_path=self._asked("exe_path", "", self._system.path),
            cmd_line=b" ".join(arguments).decode("utf-8", "surrogateescape"),
            name=name,
            os_type="macos",
            arch_type=self._architecture(),
            page_size=self.page_size,
        )

    def _asked(self, what: str, otherwise: Any, function: Any) -> Any:
        try:
            return function(self.pid)
        except MacosCallFailed as error:
            self._unknown(what, error)
            return otherwise

    def _unknown(self, what: str, error: MacosCallFailed) -> None:
        self._facts.setdefault("unknown", {})[what] = str(error)

    def _bytes(self, address: int, length: int) -> bytes:
        buffer = bytearray(length)
        if not length or self._system.read(self._task, address, memoryview(buffer))[0] != length:
            return b""
        return bytes(buffer)

    def _images(self) -> list[Image]:
        try:
            info = self._system.dyld_info(self._task)
        except MacosCallFailed as error:
            self._unknown("images", error)
            return []
        return images_at(self._bytes, int(info.address))

    def _architecture(self) -> str:
        # The machine's own would be wrong for an Intel program on an ARM machine.
        images = self._images()
        return cpu_of(self._bytes, images[0]) if images else "unknown"

    def mappings(self) -> list[Mapping]:
        """Its regions, in address order."""
        return self._memory.mappings()

    def modules(self, mappings: Sequence[Mapping]) -> list[Module]:
        """The dynamic linker's images."""
        images = self._images()
        self._facts["modules_from"] = "dyld" if images else "mappings"
        return modules_of(self._bytes, images, mappings, self._hashes)

    def threads(self, frozen: Any) -> list[Thread]:
        """Its threads; registers if it stands still."""
        stopped = frozen.method == "suspend" and not frozen.ended
        return threads_of(self._system, self._task, self._architecture(), stopped, frozen.facts)

    def plans(self, mappings: Sequence[Mapping]) -> Iterator[Sequence[Stretch]]:
        """For each mapping, in order, what to do about its pages."""
        return (self._memory.stretches(mapping) for mapping in mappings)

    def read(self, mapping: Mapping, address: int, into: memoryview) -> int:
        """Read whole pages up to the first that can't be read."""
        return self._memory.read(address, into)

    def failure(self, mapping: Mapping, address: int, pages: int) -> Failure:
        """Why the page at `address` can't be read; `errno` is a kern_return_t."""
        return self._memory.failure(address, pages)

    def resident(self) -> int:
        """Bytes of memory that it occupies."""
        try:
            return int(self._system.basic_info(self._task).resident_size)
        except MacosCallFailed:
            return 0

    def alive(self) -> bool:
        """Whether the task is still there."""
        try:
            self._system.basic_info(self._task)
        except MacosCallFailed as error:
            return not error.dead
        return True

    def facts(self) -> dict[str, Any]:
        """Where the modules came from, what stayed unknown."""
        return dict(self._facts)

    def evidence(self) -> NoReturn:
        """Not offered.

        Raises:
            TargetError: always.
        """
        raise TargetError("no evidence is kept on macOS", remedy="leave --evidence out")

    def close(self) -> None:
        """Let the target go, if it still stands still, and release its port."""
        try:
            if self._suspension is not None:
                self._suspension.thaw()
        finally:
            port, self._task = self._task, 0
            if port:
                self._system.release(port)
