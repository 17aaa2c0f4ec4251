"""What is not known is read, and what several threads read at once is not mixed up."""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import sys
import threading
from collections.abc import Iterator

import pytest

if sys.platform != "linux":
    pytest.skip("needs Linux", allow_module_level=True)

from zoo import PAGE

from msl_acquire.linux.maps import mappings
from msl_acquire.linux.memory import LinuxMemory
from msl_acquire.linux.pagemap import Pagemap
from msl_acquire.linux.syscalls import PageScan
from msl_acquire.model import EXECUTE, READ, WRITE, Action, Mapping

BLOCK = 1 << 20


@pytest.fixture
def child() -> Iterator[tuple[int, int, int]]:
    """A child process with 8 MiB of numbered pages, and a page nobody can read behind it."""
    area = mmap.mmap(-1, 8 * BLOCK, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    for page in range(8 * BLOCK // PAGE):
        area[page * PAGE : (page + 1) * PAGE] = page.to_bytes(8, "little") * (PAGE // 8)
    start = ctypes.addressof(ctypes.c_char.from_buffer(area))
    pid = os.fork()
    if not pid:
        while True:
            threading.Event().wait()
    try:
        yield pid, start, 8 * BLOCK
    finally:
        os.kill(pid, 9)
        os.waitpid(pid, 0)


def the_mapping(pid: int, address: int) -> Mapping:
    (found,) = (m for m in mappings(pid) if m.start <= address < m.end)
    return found


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # fork, with threads of pytest's
@pytest.mark.parametrize("method", ["scan", "read"])
def test_pages_are_read_when_the_kernel_stops_answering(
    method: str, child: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    pid, start, _ = child
    with LinuxMemory(pid, pagemap_method=method) as memory:
        if memory.pagemap.method != method:
            pytest.skip(f"needs the pagemap by {method}")

        def refuse(*_: object) -> None:
            raise OSError(errno.ESRCH, "gone")

        if method == "scan":
            monkeypatch.setattr(PageScan, "ranges", refuse)
        else:
            monkeypatch.setattr("msl_acquire.linux.pagemap.os.pread", refuse)
        mapping = the_mapping(pid, start)
        (plan,) = memory.plans([mapping])
        assert {stretch.action for stretch in plan} == {Action.READ}
        assert sum(stretch.pages for stretch in plan) == mapping.size // PAGE


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_short_answer_leaves_the_rest_to_be_read(
    child: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    pid, start, size = child
    pagemap = Pagemap(pid, "read")
    whole = os.pread

    def short(descriptor: int, count: int, offset: int) -> bytes:
        return whole(descriptor, count, offset)[:80]

    monkeypatch.setattr("msl_acquire.linux.pagemap.os.pread", short)
    covered = list(pagemap.ranges(start, start + size))
    pagemap.close()
    assert covered == [(start, start + size, 0)]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_threads_read_into_their_own_buffers(child: tuple[int, int, int]) -> None:
    pid, start, size = child
    errors: list[str] = []
    line = b"400000000000-400000040000 rwxp 00000000 00:00 0 "
    nowhere = Mapping(1 << 46, (1 << 46) + PAGE * 64, READ | WRITE | EXECUTE, "anonymous", "", line)
    with LinuxMemory(pid) as memory:
        mapping = the_mapping(pid, start)

        def reader(length: int) -> None:
            buffer = memoryview(bytearray(length))
            for at in range(start, start + size - length, length):
                if memory.read(mapping, at, buffer) != length:
                    errors.append(f"short at {at - start:#x}")
                for page in range(0, length, PAGE):
                    number = (at - start + page) // PAGE
                    if buffer[page : page + 8] != number.to_bytes(8, "little"):
                        errors.append(f"page {number} of a reader of {length}")

        def stumbler() -> None:
            buffer = memoryview(bytearray(PAGE * 64))
            for _ in range(200):
                if memory.read(nowhere, nowhere.start, buffer):
                    errors.append("bytes from nowhere")
                elif memory.failure(nowhere, nowhere.start, 64).state != "unmapped":
                    errors.append("nowhere is mapped")

        threads = [threading.Thread(target=reader, args=(n * BLOCK // 4,)) for n in (1, 2, 3, 4)]
        threads.append(threading.Thread(target=stumbler))
        for thread in threads * 1:
            thread.start()
        for thread in threads:
            thread.join(60)
            assert not thread.is_alive()
    assert not errors
