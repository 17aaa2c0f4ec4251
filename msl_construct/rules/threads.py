"""Thread Contexts: what a thread's registers must show (§5.7)."""

from __future__ import annotations

from collections.abc import Iterator

from ..abbreviated import abbreviated
from ..reader import Block
from ..schema import Record
from .declare import of_types, rule, since
from .facts import Facts, has_surplus
from .model import Found, Level, Scope


def _registers(block: Block) -> list[Record] | None:
    """The registers of a Thread Context that could be read to its end."""
    if block.key != "thread_context" or not block.known_version or block.problem is not None:
        return None
    if has_surplus(block.payload):
        return None  # RegCount may be too small
    registers: list[Record] | None = block.payload.get("registers")
    return registers


def _missing(block: Block, role: str, name: str) -> Iterator[Found]:
    registers = _registers(block)
    if registers is None or any(role in register["flags"] for register in registers):
        return
    names = ", ".join(str(register["name"]) for register in registers[:8])
    yield Found(
        f"{block.describe()}: expected a register marked as {name}, found none among "
        f"{len(registers)} ({names or 'no registers'})",
        block.stored.offset,
        block.index,
        "registers",
    )


@rule(
    "MSL-5.7-PROGRAM-COUNTER-MISSING",
    Level.MUST,
    Scope.BLOCK,
    concerns=of_types("thread_context"),
    drafts=since("draft-2026-10"),
    requirement="A Thread Context has a register that is marked as the program counter.",
    wrong="A thread has no program counter.",
    why="Nobody can say what the thread was doing.",
)
def program_counter_missing(block: Block) -> Iterator[Found]:
    yield from _missing(block, "pc", "PC")


@rule(
    "MSL-5.7-STACK-POINTER-MISSING",
    Level.MUST,
    Scope.BLOCK,
    concerns=of_types("thread_context"),
    drafts=since("draft-2026-10"),
    requirement="A Thread Context has a register that is marked as the stack pointer.",
    wrong="A thread has no stack pointer.",
    why="The thread's stack can't be told from those of the others.",
)
def stack_pointer_missing(block: Block) -> Iterator[Found]:
    yield from _missing(block, "sp", "SP")


@rule(
    "MSL-5.7-REGISTER-NAME-NOT-LOWER-CASE",
    Level.MUST,
    Scope.BLOCK,
    concerns=of_types("thread_context"),
    drafts=since("draft-2026-10"),
    requirement="Register names are in lower case.",
    wrong="A register's name is not in lower case.",
    why="Readers that look a register up by its name don't find it.",
)
def register_name_not_lower_case(block: Block) -> Iterator[Found]:
    for index, register in enumerate(_registers(block) or ()):
        name = register["name"]
        if name is not None and name != name.lower():
            yield Found(
                f"{block.describe()}: registers[{index}].name: expected "
                f"{abbreviated(name.lower())}, found {abbreviated(name)}",
                block.stored.offset,
                block.index,
                f"registers[{index}].name",
            )


@rule(
    "MSL-5.7-NOT-ONE-CURRENT-THREAD",
    Level.SHOULD,
    Scope.WHOLE,
    drafts=since("draft-2026-10"),
    requirement="Exactly one thread is Current.",
    wrong="No thread is Current, or several are.",
    why="Debuggers open a dump at its current thread.",
)
def not_one_current_thread(facts: Facts) -> Iterator[Found]:
    current = [thread for thread in facts.threads if thread.current]
    if not facts.threads or len(current) == 1:
        return
    if not current and (not facts.finished or "thread_context" in facts.unread):
        return  # it may be one that was not written, or that can't be read
    where = current[1] if current else facts.threads[0]
    yield Found(
        f"{facts.describe(where.block)}: expected one Current thread among "
        f"{len(facts.threads)}, found {len(current)}",
        facts.at(where.block, "thread_id"),
        where.block,
    )


@rule(
    "MSLX-5.7-THREAD-ID-REPEATED",
    Level.OURS,
    Scope.WHOLE,
    drafts=since("draft-2026-10"),
    requirement="There is one Thread Context for each thread.",
    wrong="Two Thread Contexts have the same ThreadID.",
    why="A thread has two sets of registers, and readers differ in which they show.",
)
def thread_id_repeated(facts: Facts) -> Iterator[Found]:
    seen: dict[int, int] = {}
    for thread in facts.threads:
        earlier = seen.setdefault(thread.thread_id, thread.block)
        if earlier != thread.block:
            yield Found(
                f"{facts.describe(thread.block)}: ThreadID {thread.thread_id} is also that of "
                f"{facts.describe(earlier)}",
                facts.at(thread.block, "thread_id"),
                thread.block,
                "thread_id",
            )
