"""One macOS process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msl_construct.errors import TargetError

from ..model import Identity, Mapping, Module, Thread
from ..plain_files import SECONDS, FileFound, GoOn, hash_file, look_at
from ..plain_target import PlainTarget
from .api import MacosCallFailed, MacosSystem
from .images import Image, cpu_of, images_at, modules_of
from .memory import MacosMemory
from .opening import open_task
from .threads import threads_of

__all__ = ["MacOSTarget"]


class MacOSTarget(PlainTarget):
    """Satisfies `Target`.

    The kernel ties the suspension to a right that this process holds: by Apple's sources it
    ends when the acquirer does.

    Raises:
        TargetError: the process is gone, or not ours to read.
    """

    system_name = "macOS"
    remedy_of_stopped = "it goes on when this program ends"

    def __init__(self, system: MacosSystem, pid: int, *, devices: bool = False) -> None:
        super().__init__(pid)
        self._system = system
        self._task = open_task(system, pid)
        try:
            self.page_size = system.page_size(self._task)
        except MacosCallFailed as error:
            system.release(self._task)
            raise TargetError(f"process {pid} can't be examined: {error}") from error
        self._memory = MacosMemory(system, self._task, pid, self.page_size, devices)

    def prepare(self, hash_algo: str = "blake3") -> None:
        """Hash the files of its images, in bounded time; those of the shared cache have none."""

        def one(path: str, go_on: GoOn) -> FileFound:
            return hash_file(path, hash_algo, go_on)

        paths = (image.path for image in self._images() if image.path not in self._hashes)
        for path, facts in look_at(paths, one, SECONDS).items():
            self._hashes[path] = facts.disk_hash
            if facts.problem:
                self._facts.setdefault("module_problems", {})[path] = facts.problem

    def _facts_before(self) -> dict[str, Any]:
        try:
            return {"suspend_count_before": int(self._system.basic_info(self._task).suspend_count)}
        except MacosCallFailed as error:
            self._unknown("suspend_count", error)
            return {}

    def _suspend(self) -> None:
        self._system.suspend(self._task)

    def _let_go(self) -> str:
        self._system.resume(self._task)
        return ""

    def _release(self) -> None:
        port, self._task = self._task, 0
        if port:
            self._system.release(port)

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
        arguments: list[bytes] = self._asked("cmd_line", [], self._system.arguments, self.pid)
        return Identity(
            pid=self.pid,
            ppid=parent,
            session_id=self._asked("session", 0, self._system.session, self.pid),
            start_time=start_time,
            exe_path=self._asked("exe_path", "", self._system.path, self.pid),
            cmd_line=b" ".join(arguments).decode("utf-8", "surrogateescape"),
            name=name,
            os_type="macos",
            arch_type=self._architecture(),
            page_size=self.page_size,
        )

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

    def modules(self, mappings: Sequence[Mapping]) -> list[Module]:
        """The dynamic linker's images."""
        images = self._images()
        self._facts["modules_from"] = "dyld" if images else "mappings"
        return modules_of(self._bytes, images, mappings, self._hashes)

    def threads(self, frozen: Any) -> list[Thread]:
        """Its threads; registers if it stands still."""
        stopped = frozen.method == "suspend" and not frozen.ended
        return threads_of(self._system, self._task, self._architecture(), stopped, frozen.facts)

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
