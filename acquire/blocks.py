"""Blocks of what the operating system knows, through the builder."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from msl_construct import Writer

from .model import Identity, Mapping, Module, Outcome, Thread

__all__ = ["Related", "add_identity", "add_modules", "add_threads", "add_vas_map", "capabilities"]

_LONGEST_TEXT = 0xFFFE  # what a u16 length that counts the NUL leaves
_NO_HASH = bytes(32)


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


def capabilities(*, regions: bool, threads: bool, related: bool) -> list[str]:
    """CapBitmap (§8): exactly what will be written."""
    found = ["module_list", "process_identity"]
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
    roles = {role for register in thread.registers for role in register.flags}
    return {"pc", "sp"} <= roles


def add_threads(writer: Writer, threads: Iterable[Thread]) -> None:
    """Thread Contexts (§5.7) of threads whose registers are known; the first is Current.

    A live target has no thread that the others wait for: its first one stands for it.
    """
    for index, thread in enumerate(threads):
        rows = [
            (register.name, len(register.value), register.flags, register.value)
            for register in thread.registers
        ]
        writer.add_table(
            "thread_context",
            ("name", "width", "flags", "value"),
            rows,
            thread_id=thread.thread_id,
            start_time=thread.start_time,
            thread_state=thread.thread_state,
            flags=[*thread.flags, *(["current"] if not index else [])],
            thread_name=storable(thread.name, "", []) or None,
        )


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
    rows: list[tuple[Any, ...]] = []
    for mapping in mappings:
        name = mapping.name
        if name not in known:
            known[name] = storable(name, "", [])
        rows.append(
            (
                mapping.start,
                mapping.end - mapping.start,
                mapping.protection,
                mapping.region_type,
                "live",
                known[name],
            )
        )
    writer.add_table("vas_map", columns, rows)


def add_related(writer: Writer, related: Iterable[Related]) -> None:
    """Related Dumps (§5.5)."""
    for other in related:
        writer.add(
            "related_dump",
            related_dump_uuid=other.dump_uuid,
            related_pid=other.pid,
            relationship=other.relationship,
        )
