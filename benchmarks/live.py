"""Processes to acquire from, and reading them by hand: what `acquire` is held against."""

from __future__ import annotations

import ctypes
import os
import select
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

from measure import KIB

__all__ = ["Live", "areas", "compiled", "each_piece", "script", "write_direct"]

_SOURCES = Path(__file__).resolve().parent / "targets"
_PATIENCE = 120.0
"""Seconds for a target to answer."""


def compiled(name: str, folder: Path) -> Path:
    """The program made of ``targets/NAME.c``, in `folder`.

    Raises:
        RuntimeError: there is no compiler.
    """
    program = folder / f"target-{name}"
    if not program.exists():
        compiler = shutil.which("cc") or shutil.which("gcc")
        if compiler is None:
            raise RuntimeError("the targets are C programs: needs cc or gcc")
        source = _SOURCES / f"{name}.c"
        command = [compiler, "-O2", "-std=gnu11", "-pthread", "-o", program, source]
        subprocess.run(command, check=True)
    return program


def script(name: str) -> Path:
    """A target that needs no compiler."""
    return _SOURCES / name


class Live:
    """A target, from its "ready" to the end of the ``with``; killed if it doesn't end by itself.

    Attributes:
        pid: its process.
    """

    def __init__(self, *command: str | Path | int) -> None:
        self._process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
        )
        self.pid = self._process.pid
        try:
            if self._line() != "ready":
                raise RuntimeError(f"{command[0]}: did not start")
        except BaseException:
            self._end()
            raise

    def __enter__(self) -> Live:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self._end()

    def beat(self) -> tuple[float, float]:
        """How long it stood still since the last time, in seconds.

        Returns:
            The longest gap of its heartbeat, and the sum of all gaps beyond 2 ms; zeros
            where it was started without one.
        """
        assert self._process.stdin is not None
        self._process.stdin.write(b"\n")
        longest, notable = (int(word) / 1e9 for word in self._line().split())
        return longest, notable

    def memory(self) -> dict[str, int]:
        """Its ``Vm…`` and ``Rss…`` lines in ``/proc``, in bytes."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        pairs = (line.split(":") for line in lines if line.startswith(("Vm", "Rss")))
        return {key: int(value.split()[0]) * KIB for key, value in pairs}

    def reset_peak(self) -> None:
        """Let ``VmHWM`` begin with what it occupies now."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def _line(self) -> str:
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], _PATIENCE)
        if not ready:
            raise RuntimeError(f"target {self.pid} does not answer")
        return self._process.stdout.readline().decode().strip()

    def _end(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()


def areas(pid: int, *, least: int = 256 * KIB, heap: bool = False) -> list[tuple[int, int]]:
    """Start and end of its private writable memory that is of no file.

    Args:
        least: bytes; smaller ones are left out.
        heap: only ``[heap]``.
    """
    found = []
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        span, protection, _, _, _, *name = line.split(None, 5)
        start, end = (int(word, 16) for word in span.split("-"))
        wanted = name == ["[heap]"] if heap else name in ([], ["[heap]"])
        if wanted and protection == "rw-p" and end - start >= least:
            found.append((start, end))
    return found


class _Iovec(ctypes.Structure):
    _fields_ = (("base", ctypes.c_size_t), ("length", ctypes.c_size_t))


_library = ctypes.CDLL(None, use_errno=True)
_readv = _library.process_vm_readv
_readv.restype = ctypes.c_ssize_t
_readv.argtypes = [ctypes.c_int] + 2 * [ctypes.POINTER(_Iovec), ctypes.c_ulong] + [ctypes.c_ulong]


def each_piece(
    pid: int,
    spans: Sequence[tuple[int, int]],
    buffer: memoryview,
    then: Callable[[memoryview], object] | None = None,
) -> int:
    """Read everything with ``process_vm_readv``, one piece after the other.

    Args:
        buffer: holds a piece; its length is the piece's.
        then: what to do with each.

    Returns:
        Bytes read.

    Raises:
        OSError: not everything could be read.
    """
    local = _Iovec(ctypes.addressof(ctypes.c_char.from_buffer(buffer)), 0)
    remote = _Iovec()
    total = 0
    for start, end in spans:
        for address in range(start, end, buffer.nbytes):
            length = min(buffer.nbytes, end - address)
            local.length = remote.length = length
            remote.base = address
            got = _readv(pid, ctypes.byref(local), 1, ctypes.byref(remote), 1, 0)
            if got != length:
                raise OSError(ctypes.get_errno(), f"read {got} of {length} at {address:#x}")
            total += got
            if then is not None:
                then(buffer if length == buffer.nbytes else buffer[:length])
    return total


def write_direct(path: Path, size: int, buffer: memoryview) -> None:
    """Write a new file past the page cache, as fast as a loop can.

    Args:
        size: bytes, rounded up to whole buffers.
        buffer: page aligned.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_DIRECT)
    try:
        for _ in range(-(-size // buffer.nbytes)):
            os.write(descriptor, buffer)
    finally:
        os.close(descriptor)
