"""A captured process, whatever file it is in: what importers give and exporters take."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, overload

from ..space import ADDRESSES_END, AddressSpace

if TYPE_CHECKING:
    import uuid

__all__ = [
    "EXECUTE",
    "READ",
    "ROLES",
    "WRITE",
    "CapturedProcess",
    "MappedRange",
    "Pointers",
    "ProcessException",
    "ProcessHandle",
    "ProcessModule",
    "ProcessRegister",
    "ProcessThread",
    "ThreadsOnDemand",
    "byte_order_of",
    "pointers_of",
]

READ, WRITE, EXECUTE = 1, 2, 4
"""Bits of an access right, as in Protection (§5.1)."""

ROLES = {
    "rip": "pc",
    "eip": "pc",
    "pc": "pc",
    "rsp": "sp",
    "esp": "sp",
    "sp": "sp",
    "rbp": "fp",
    "ebp": "fp",
    "eflags": "flags",
    "cpsr": "flags",
    "lr": "link_register",
}
"""Roles of registers whose name says them on every processor that has it (gdb's names)."""


_ORDERS = {
    **dict.fromkeys(("x86", "x86_64", "riscv32", "riscv64", "loongarch64"), "little"),
    "s390x": "big",
}
"""Byte orders of processors that have only one."""


def byte_order_of(arch_type: str, stated: str) -> tuple[str, str]:
    """The byte order of a process, and what contradicts it.

    Args:
        stated: what a file says, or how its own numbers stand in it.

    Returns:
        ``little`` or ``big``; and a sentence where the processor has no such order, else nothing.
    """
    found = _ORDERS.get(arch_type, stated)
    if found == stated:
        return found, ""
    return found, f"{stated}-endian, and of {arch_type}, which is {found}-endian"


class ProcessRegister(NamedTuple):
    """One register.

    Attributes:
        name: gdb's, in lower case.
        value: its content, little-endian.
        roles: ``pc``, ``sp``, ``fp``, ``flags``, ``thread_pointer``, ``link_register``.
    """

    name: str
    value: bytes
    roles: tuple[str, ...] = ()

    @property
    def number(self) -> int:
        """The value as a number."""
        return int.from_bytes(self.value, "little")


class ProcessThread(NamedTuple):
    """A thread and its registers; the names of flags and states are those of §5.7."""

    thread_id: int
    registers: tuple[ProcessRegister, ...] = ()
    name: str = ""
    start_time: int = 0
    state: str = "unknown"
    flags: tuple[str, ...] = ()

    @property
    def partial(self) -> bool:
        """Whether it has registers that its source does not hold, such as tiles of AMX (§5.7)."""
        return "partial" in self.flags

    def register(self, role: str) -> int | None:
        """The register that has a role."""
        return next((one.number for one in self.registers if role in one.roles), None)


@dataclass(frozen=True)
class ProcessModule:
    """An image in memory.

    Attributes:
        native: what the system itself keeps about it (§5.2).
        debug_record: a minidump's CodeView record, which names the file that has its symbols.
    """

    base: int
    size: int
    path: str
    version: str = ""
    native: bytes = b""
    debug_record: bytes = b""


class ProcessHandle(NamedTuple):
    """An open file, or whatever else the process holds by a number.

    Attributes:
        kind: what its system calls such a thing (``File``, ``Event``); empty: unknown.
        name: what it leads to; empty: nothing, or unknown.
    """

    number: int
    kind: str
    name: str


class ProcessException(NamedTuple):
    """What a thread was stopped by: an exception of Windows or Mach, or a signal.

    Attributes:
        code: of 32 bits; the number of a signal.
        flags: of 32 bits; what a signal was sent for (si_code).
        address: where, or on which address; None: unknown.
        parameters: what the system says besides, at most 15 numbers.
    """

    thread_id: int
    code: int
    flags: int = 0
    address: int | None = None
    parameters: tuple[int, ...] = ()


class Pointers(NamedTuple):
    """Where a thread is, and its stack; None: unknown."""

    thread_id: int
    counter: int | None
    stack: int | None

    @property
    def known(self) -> bool:
        """Whether both are, without which no Thread Context is (§5.7)."""
        return self.counter is not None and self.stack is not None


class ThreadsOnDemand(Sequence[ProcessThread]):
    """Threads of a file, each made when it is asked for. Who derives from it says how many."""

    @overload
    def __getitem__(self, index: int) -> ProcessThread: ...
    @overload
    def __getitem__(self, index: slice) -> list[ProcessThread]: ...
    def __getitem__(self, index: int | slice) -> ProcessThread | list[ProcessThread]:
        if isinstance(index, slice):
            return [self._thread(number) for number in range(*index.indices(len(self)))]
        return self._thread(range(len(self))[index])

    @abstractmethod
    def _thread(self, number: int) -> ProcessThread:
        """The thread of a number, from 0."""

    def pointers(self, number: int) -> Pointers:
        """Program counter and stack pointer of a thread, for less than the whole thread."""
        thread = self._thread(number)
        return Pointers(thread.thread_id, thread.register("pc"), thread.register("sp"))


def pointers_of(threads: Sequence[ProcessThread]) -> Iterator[Pointers]:
    """Program counters and stack pointers of threads, in their order."""
    if isinstance(threads, ThreadsOnDemand):
        yield from map(threads.pointers, range(len(threads)))
        return
    for one in threads:
        yield Pointers(one.thread_id, one.register("pc"), one.register("sp"))


class MappedRange(NamedTuple):
    """A stretch of the address space.

    Attributes:
        protection: bits of Protection (§5.1).
        region_type: the schema's name of a RegionType.
        name: of the file, or of the mapping.
        file_offset: where in the file it begins; None: unknown.
        rights_known: whether anybody said what `protection` is; it is 0 where nobody did.
    """

    start: int
    end: int
    protection: int = 0
    region_type: str = "unknown"
    name: str = ""
    file_offset: int | None = None
    rights_known: bool = True

    @classmethod
    def bare(cls, start: int, end: int) -> MappedRange:
        """A stretch of which nobody knows more than its addresses."""
        return cls(start, end, rights_known=False)


@dataclass(frozen=True)
class CapturedProcess:
    """A process, as some file has it.

    Attributes:
        os_type, arch_type: the schema's names (§3).
        byte_order: of the process, ``little`` or ``big``.
        page_size: bytes of a page, where that is known; else 4096.
        space: its memory.
        mappings: the stretches of its address space, by address; they share no address.
        modules: its images.
        handles: what it has open, as far as it is known.
        threads: the current one first, where that is known; may be made when asked for.
        pid, ppid, session_id: 0: unknown.
        exe_path, command_line: empty: unknown.
        timestamp: when it was captured, in ns; 0: unknown.
        start_time: when it was started, in ns; 0: unknown.
        remarks: what else is to be known of the capture, as key and value.
        faults: what is wrong with the file, a line each.
        dump_uuid: of the Memory Slice that it comes from.
        auxiliary: its auxiliary vector, as it stands in its memory; empty: unknown.
        signal: which one it was stopped by; 0: none, or unknown.
        exception: the same with what else is known of it; None: none, or unknown.
        threads_unread: how many threads there are besides, of which nothing can be read.
        identity: ``user``, ``group`` and ``process_group``, as far as they are known.
        noted: address and length of captured bytes that a Memory Slice has in the note of its
            import, not in a page: by address, none adjoining the next.
    """

    os_type: str
    arch_type: str
    space: AddressSpace
    byte_order: str = "little"
    page_size: int = 4096
    mappings: Sequence[MappedRange] = ()
    modules: Sequence[ProcessModule] = ()
    threads: Sequence[ProcessThread] = ()
    pid: int = 0
    ppid: int = 0
    session_id: int = 0
    exe_path: str = ""
    command_line: str = ""
    timestamp: int = 0
    start_time: int = 0
    remarks: Mapping[str, str] = field(default_factory=dict)
    faults: Sequence[str] = ()
    dump_uuid: uuid.UUID | None = None
    handles: Sequence[ProcessHandle] = ()
    auxiliary: bytes = b""
    signal: int = 0
    exception: ProcessException | None = None
    identity: Mapping[str, int] = field(default_factory=dict)
    threads_unread: int = 0
    noted: Sequence[tuple[int, int]] = ()

    def stretches(self) -> Iterator[MappedRange]:
        """The mappings, and whatever of the memory lies in none of them; by address."""
        mappings = iter(self.mappings)
        coming = next(mappings, None)
        for start, stop in self.space.ranges():
            at, end = start, min(stop, ADDRESSES_END)
            while coming is not None and coming.end <= at:
                yield coming
                coming = next(mappings, None)
            while at < end:
                if coming is None or coming.start >= end:
                    yield MappedRange.bare(at, end)
                    break
                if coming.start > at:
                    yield MappedRange.bare(at, coming.start)
                at = coming.end
                if at > end:
                    break
                yield coming
                coming = next(mappings, None)
        while coming is not None:
            yield coming
            coming = next(mappings, None)
