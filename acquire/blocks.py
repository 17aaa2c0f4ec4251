"""Blocks of what the operating system knows, through the builder."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

from msl_construct import Writer
from msl_construct.drafts import layout_of
from msl_construct.schema import Schema, Table
from msl_construct.schema.packing import RowPacker

from .model import Identity, Known, Mapping, Module, Outcome, StoredRegisters, Thread

__all__ = [
    "Related",
    "add_identity",
    "add_modules",
    "add_threads",
    "add_vas_map",
    "capabilities",
    "check_thread",
    "stored_threads",
]

_LONGEST_TEXT = 0xFFFE  # what a u16 length that counts the NUL leaves
_NO_HASH = bytes(32)
_AT_ONCE = 256  # threads whose front is laid out together: that is quicker than one by one
_POINTERS = frozenset(("pc", "sp"))


@dataclass(frozen=True)
class Related:
    """Another dump that was taken along with this one (§5.5).

    Attributes:
        dump_uuid: its DumpUUID.
        pid: its target.
        relationship: the schema's name, seen from this dump's target: ``child`` says that
            the other one is a child of it.
    """

    dump_uuid: uuid.UUID
    pid: int
    relationship: str


def capabilities(
    *, regions: bool, threads: bool, related: bool, machine: Iterable[str] = ()
) -> list[str]:
    """CapBitmap (§8): exactly what will be written.

    Args:
        machine: bits of the tables of the machine.
    """
    found = ["module_list", "process_identity", *machine]
    found += ["memory_regions"] if regions else []
    found += ["thread_contexts"] if threads else []
    found += ["related_dumps"] if related else []
    return found


def storable(text: str, what: str, outcomes: list[Outcome]) -> str:
    """A text as the format can hold it: UTF-8 without NUL, at most 65,534 bytes.

    What had to be changed is said in the outcomes; the report has the whole text.
    """
    raw = text.encode("utf-8", "surrogateescape")
    found = raw.decode("utf-8", "replace")
    if "\0" in found:
        found = found.replace("\0", "\ufffd")
    if found != text:
        outcomes.append(Outcome(what, "changed", f"not UTF-8, or a NUL in it: {raw.hex()}"))
    cut = found.encode()[:_LONGEST_TEXT].decode("utf-8", "ignore")
    if cut != found:
        outcomes.append(Outcome(what, "cut", f"{len(raw)} bytes, stored are {_LONGEST_TEXT}"))
    return cut


def add_identity(writer: Writer, identity: Identity, outcomes: list[Outcome]) -> None:
    """Process Identity (§5.4)."""
    writer.add(
        "process_identity",
        ppid=identity.ppid,
        session_id=identity.session_id,
        start_time=identity.start_time,
        exe_path=storable(identity.exe_path, "exe_path", outcomes) or None,
        cmd_line=storable(identity.cmd_line, "cmd_line", outcomes) or None,
    )


def add_module_list(
    writer: Writer, modules: Sequence[Module], outcomes: list[Outcome]
) -> list[uuid.UUID]:
    """Module List Index (§5.3); the UUIDs of the entries to come."""
    return writer.add_module_list_index(
        [
            {
                "base_addr": module.base_addr,
                "module_size": module.module_size,
                "path": storable(module.path, f"module at {module.base_addr:#x}", outcomes),
            }
            for module in modules
        ]
    )


def add_modules(writer: Writer, modules: Sequence[Module], found: Iterable[uuid.UUID]) -> None:
    """Module Entries (§5.2), under the UUIDs that the Module List Index gave them."""
    for module, block_uuid in zip(modules, found):
        writer.add(
            "module_entry",
            block_uuid=block_uuid,
            base_addr=module.base_addr,
            module_size=module.module_size,
            path=storable(module.path, "", []),
            version=storable(module.version, "", []) or None,
            disk_hash=module.disk_hash or _NO_HASH,
            native_blob=module.native_blob,
        )


def complete(thread: Thread) -> bool:
    """Whether a Thread Context can be written of it: PC and SP are known (§5.7)."""
    registers = thread.registers
    if isinstance(registers, StoredRegisters):
        return registers.roles >= _POINTERS
    return {role for register in registers for role in register.flags} >= _POINTERS


def stored_threads(known: Known) -> list[Thread]:
    """The threads that a Thread Context is written of."""
    return [thread for thread in known.threads if complete(thread)]


def add_threads(writer: Writer, threads: Iterable[Thread]) -> bytes:
    """Thread Contexts (§5.7) of threads whose registers are known; the first is Current.

    A live target has no thread that the others wait for: its first one stands for it.

    Returns:
        the first payload, which is to be held against the draft when there is time; empty if
        there is none.
    """
    payloads = thread_contexts(threads, writer.schema)
    first = next(payloads, b"")
    if first:
        writer.add_stored("thread_context", chain((first,), payloads), check=False)
    return first


def check_thread(writer: Writer, payload: bytes) -> None:
    """Hold a Thread Context that `add_threads` has added against the draft.

    Raises:
        ConformanceError: it is a defect of ours.
    """
    if payload:
        writer.check_stored("thread_context", payload)


def thread_contexts(threads: Iterable[Thread], form: Schema) -> Iterator[bytes]:
    """Payloads of Thread Contexts, each when it is asked for: there may be tens of thousands."""
    layout = layout_of(form, "thread_context")
    assert layout is not None
    table = layout.field("registers").type
    assert isinstance(table, Table)
    entries = RowPacker(table.entry, "name", "width", "flags", "value")
    head = RowPacker(
        layout.before("registers"),
        *("thread_id", "start_time", "thread_state", "flags", "thread_name", "reg_count"),
    )
    rest, current = iter(threads), True
    while part := list(islice(rest, _AT_ONCE)):
        fronts = head.each(
            (
                thread.thread_id,
                thread.start_time,
                thread.thread_state,
                (*thread.flags, "current") if current and not index else thread.flags,
                storable(thread.name, "", []) or None,
                len(thread.registers),
            )
            for index, thread in enumerate(part)
        )
        for front, thread in zip(fronts, part):
            registers = thread.registers
            if isinstance(registers, StoredRegisters):
                yield front + registers.stored(layout)
            else:
                rows = [(r.name, len(r.value), r.flags, r.value) for r in registers]
                yield front + entries.rows(rows)
        current = False


def add_vas_map(writer: Writer, mappings: Iterable[Mapping]) -> None:
    """VAS Map (§5.8): the whole address space, captured or not."""
    columns = (
        "base_addr",
        "region_size",
        "protection",
        "region_type",
        "name_source",
        "mapped_path",
    )
    known: dict[str, str | None] = {"": None}

    def row(mapping: Mapping) -> tuple[Any, ...]:
        name = mapping.name
        if name not in known:
            known[name] = storable(name, "", [])
        return (
            mapping.start,
            mapping.end - mapping.start,
            mapping.protection,
            mapping.region_type,
            "live",
            known[name],
        )

    writer.add_table("vas_map", columns, map(row, mappings))


def add_related(writer: Writer, related: Iterable[Related]) -> None:
    """Related Dumps (§5.5)."""
    for other in related:
        writer.add(
            "related_dump",
            related_dump_uuid=other.dump_uuid,
            related_pid=other.pid,
            relationship=other.relationship,
        )
