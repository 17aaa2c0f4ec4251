"""What the operating system said of a target, in words that no operating system owns.

A backend fills these; the session turns them into blocks and into the report. Names of
fields and of their values are those of the schema wherever it has one.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable, Sequence
from collections.abc import Mapping as Dict
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, NamedTuple

from msl_construct.schema import Layout

from .machine import Machine

__all__ = [
    "COPY_ON_WRITE",
    "EXECUTE",
    "GUARD",
    "READ",
    "WRITE",
    "Action",
    "Failure",
    "Identity",
    "Known",
    "Limit",
    "Mapping",
    "Module",
    "Register",
    "Shared",
    "StoredRegisters",
    "Stretch",
    "Thread",
]

READ, WRITE, EXECUTE, GUARD, COPY_ON_WRITE = 1, 2, 4, 8, 16
"""Bits of a mapping's protection, as in the schema's Protection (§5.1)."""


class Mapping(NamedTuple):
    """One mapping of the target's address space.

    Attributes:
        start, end: addresses; `end` is the first one behind it.
        protection: bits, see `READ` and its like.
        region_type: the schema's name of what backs it: ``heap``, ``stack``, ``image``,
            ``mapped_file``, ``anonymous``, ``shared_mem``, ``other`` or ``unknown``.
        name: path or other name, as the system gives it; empty if it has none.
        native: the system's own description, byte for byte (Linux: the maps line, no newline).
    """

    start: int
    end: int
    protection: int
    region_type: str
    name: str
    native: bytes

    @property
    def size(self) -> int:
        """Bytes that it spans."""
        return self.end - self.start


class Action(IntEnum):
    """What to do about pages."""

    READ = 0
    """Read them."""
    UNTOUCHED = 1
    """Provably zero and without memory of their own: reading would give them some."""
    SKIP = 2
    """Mapped, and known to be unreadable, or not to be read: Failed."""
    LATER = 3
    """Read them when the target has been let go; see `backend.Target.readable_later`."""


LATER_AMONG = 1024
"""Only so many of a mapping's first stretches can be `Action.LATER`: there may be millions."""


class Stretch(NamedTuple):
    """Pages of one mapping, one behind the other, that are treated alike.

    Attributes:
        pages: how many; never 0.
        action: what to do.
        cause: for `Action.UNTOUCHED` and `Action.SKIP`: why, as a word of the report
            (``untouched``, ``no_access``, ``guard``, ``device``, ``beyond_end_of_file`` …).
        errno: what reading would say, or 0 where it was not asked.
    """

    pages: int
    action: Action
    cause: str = ""
    errno: int = 0


class Failure(NamedTuple):
    """Why a page could not be read.

    Attributes:
        state: ``failed`` (still mapped) or ``unmapped`` (gone).
        cause: a word of the report, as in `Stretch`.
        errno: what the system said.
        pages: how many pages from there on share it; at least 1.
    """

    state: str
    cause: str
    errno: int
    pages: int


class Shared(NamedTuple):
    """Memory that several processes may have mapped, whatever the system tells it by.

    Attributes:
        written: what this process has mapped so that others see what it writes.
        mapped: all that it has mapped and others may write to.
    """

    written: frozenset[Hashable]
    mapped: frozenset[Hashable]

    def touches(self, other: Shared) -> bool:
        """Whether one of the two may see what the other writes."""
        return bool(self.written & other.mapped or self.mapped & other.written)


@dataclass(frozen=True)
class Identity:
    """Who the target is.

    Attributes:
        pid: in the namespace of the acquirer.
        ppid, session_id: 0 where unknown.
        start_time: nanoseconds since the Unix epoch; 0 where unknown.
        exe_path, cmd_line: as the target sees them; empty where unknown.
        name: the short name that the system shows.
        os_type, arch_type: the schema's names, for example ``linux`` and ``x86_64``.
        page_size: bytes.
    """

    pid: int
    ppid: int
    session_id: int
    start_time: int
    exe_path: str
    cmd_line: str
    name: str
    os_type: str
    arch_type: str
    page_size: int


@dataclass(frozen=True)
class Module:
    """A file mapped as code: the executable, a library, [vdso].

    Attributes:
        base_addr, module_size: the span of its mappings.
        path: as the target sees it.
        version: empty where nothing says it.
        disk_hash: hash of the file, 32 bytes; None where there is no file to hash.
        native_blob: what the system says of it (Linux: its maps line).
        build_id: from its notes; empty where there is none.
    """

    base_addr: int
    module_size: int
    path: str
    version: str = ""
    disk_hash: bytes | None = None
    native_blob: bytes = b""
    build_id: bytes = b""


class Register(NamedTuple):
    """One register.

    Attributes:
        name: lower case, as debuggers write it.
        value: as the target stores it; its length is the register's width.
        flags: the schema's names of its roles: ``pc``, ``sp``, ``fp``, ``flags``,
            ``thread_pointer``, ``link_register``.
    """

    name: str
    value: bytes
    flags: tuple[str, ...] = ()


class StoredRegisters(Sequence[Register]):
    """Registers of a thread that need not be looked at one by one to be stored.

    Attributes:
        roles: the schema's names of all roles that they have.
    """

    __slots__ = ("roles",)
    roles: frozenset[str]

    @abstractmethod
    def stored(self, layout: Layout) -> bytes:
        """The Registers of a Thread Context (§5.7), as its layout has them."""


@dataclass(frozen=True)
class Thread:
    """One thread, as it was when the target stood still.

    Attributes:
        thread_id: the system's number.
        start_time: nanoseconds since the Unix epoch; 0 where unknown.
        name: empty where unknown.
        thread_state: the schema's name: ``running``, ``sleeping``, ``stopped`` …
        registers: empty where they could not be read. Some are `StoredRegisters`, too.
        flags: the schema's names: ``suspended``, ``partial``.
    """

    thread_id: int
    start_time: int = 0
    name: str = ""
    thread_state: str = "unknown"
    registers: Sequence[Register] = ()
    flags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Limit:
    """Something that this process can't have more of, however much the machine has.

    Attributes:
        kind: ``memory``, ``address_space``, ``file_size`` (bytes), ``tasks`` (processes and
            threads) or ``descriptors``.
        name: the system's name of it.
        place: the file that holds it, or the command that shows it.
        most: how much there can be.
        used: how much of it is in use, what the system takes back at once not counted.
        shared: whether the target uses up the same.
    """

    kind: str
    name: str
    place: str
    most: int
    used: int
    shared: bool = False

    @property
    def left(self) -> int:
        """How much can still be had."""
        return max(0, self.most - self.used)


@dataclass
class Outcome:
    """Something that was tried besides memory, and what came of it."""

    what: str
    result: str
    detail: str = ""
    errno: int = 0
    facts: Dict[str, Any] = field(default_factory=dict)


@dataclass
class Known:
    """What was learnt of a target while it stood still.

    Attributes:
        mappings: its whole address space, in address order.
        facts: everything else, for the report.
        outcomes: what became of it in the dump, where it could not be stored as it is.
        machine: what it runs on, where that is wanted.
    """

    identity: Identity
    mappings: list[Mapping]
    threads: list[Thread]
    modules: list[Module]
    facts: dict[str, Any]
    outcomes: list[Outcome] = field(default_factory=list)
    machine: Machine | None = None

    def stack_pointers(self) -> list[int]:
        """Of all threads whose registers are known."""
        return [
            int.from_bytes(register.value, "little")
            for thread in self.threads
            for register in thread.registers
            if "sp" in register.flags
        ]
