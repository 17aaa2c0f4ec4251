"""Whether a dump says what the process says that it was imported from."""

from __future__ import annotations

from collections.abc import Iterator

from ..builder.region_plan import READ
from ..convert.importing import distinct_modules
from ..convert.process import CapturedProcess, ProcessThread
from ..convert.provenance import clean_text
from ..convert.region_plan import planned
from ..reader.dump import Dump
from ..space import ADDRESSES_END, CAPTURED, AddressSpace
from .captured import captured

__all__ = ["differences"]

_PIECE = 1 << 20


def differences(process: CapturedProcess, dump: Dump) -> Iterator[str]:
    """Where they differ, a line each: memory and states, modules, threads, identity.

    What an import says that it leaves out is no difference. Bytes of pages that are not held whole
    are those that the note has.
    """
    found = captured(dump)
    yield from _of_memory(process, dump, found.space)
    for key in ("os_type", "arch_type", "pid", "ppid", "session_id", "signal", "exception"):
        before, now = getattr(process, key), getattr(found, key)
        if before != now:
            yield f"{key}: expected {before}, found {now}"
    modules = {(one.base, one.size, one.path, one.debug_record) for one in found.modules}
    for module in distinct_modules(process.modules, []):
        path = clean_text(module.path)
        if (module.base, module.size, path, module.debug_record) not in modules:
            yield f"module {module.path} at {module.base:#x}: not as it was"
    yield from _of_threads(process, found)


def _of_memory(process: CapturedProcess, dump: Dump, edged: AddressSpace) -> Iterator[str]:
    """States are held against the plan of the import, bytes against the source alone."""
    for region in planned(process):
        at = region.base
        for pages, what in region.plan:
            length = pages << region.page_size_log2
            expected = CAPTURED if what == READ else what
            for address, size, state in dump.memory.states(at, at + length):
                if state != expected:
                    yield f"{size} bytes at {address:#x}: expected {expected}, found {state}"
            at += length
    held = 0
    for address, length in _captured_runs(process.space):
        held += length
        yield from _of_bytes(process, edged, address, length)
    more = sum(length for _, length in _captured_runs(edged)) - held
    if more > 0:
        yield f"{more} bytes more are captured than the source has"


def _captured_runs(space: AddressSpace) -> Iterator[tuple[int, int]]:
    for start, stop in space.ranges():
        for address, length, state in space.states(start, min(stop, ADDRESSES_END)):
            if state == CAPTURED:
                yield address, length


def _of_bytes(
    process: CapturedProcess, memory: AddressSpace, address: int, length: int
) -> Iterator[str]:
    for at in range(address, address + length, _PIECE):
        size = min(_PIECE, address + length - at)
        before, now = process.space.read(at, size), memory.read(at, size)
        if not now.complete:
            missing = sum(run[1] for run in now.runs if run[2] != CAPTURED)
            yield f"{size} bytes at {at:#x}: {missing} of them are not captured"
        elif bytes(before.data) != bytes(now.data):
            yield f"{size} bytes at {at:#x}: not the same"


def _of_threads(process: CapturedProcess, found: CapturedProcess) -> Iterator[str]:
    rest, passed = iter(found.threads), dict[int, ProcessThread]()
    seen: set[int] = set()
    for thread in process.threads:
        if thread.thread_id in seen:
            continue
        if thread.register("pc") is None or thread.register("sp") is None:
            continue
        seen.add(thread.thread_id)
        # They stand in the same order, but for the current one.
        while thread.thread_id not in passed and (one := next(rest, None)) is not None:
            passed[one.thread_id] = one
        now = passed.pop(thread.thread_id, None)
        if now is None:
            yield f"thread {thread.thread_id}: missing"
            continue
        before = {one.name: one.value for one in thread.registers if one.value}
        if before != {one.name: one.value for one in now.registers}:
            yield f"thread {thread.thread_id}: other registers"
