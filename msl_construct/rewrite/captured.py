"""A dump as the `CapturedProcess` that other formats are written from."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ..convert.process import (
    CapturedProcess,
    MappedRange,
    ProcessHandle,
    ProcessModule,
    ProcessRegister,
    ProcessThread,
    ThreadsOnDemand,
    byte_order_of,
)
from ..convert.provenance import IMPORTER, debug_records, kept_edges, noted, noted_exception
from ..drafts.handle_types import agreed_handle_types
from ..reader.block import Block
from ..reader.dump import Dump
from ..schema import Layout, Record
from ..schema.codes import Code
from ..source import Cursor, Extent
from ..space import ADDRESSES_END, AddressSpace
from .edged_space import EdgedSpace

if TYPE_CHECKING:
    from ..records import ModuleEntry

__all__ = ["captured"]

_CURRENT, _PARTIAL, _REGISTERS = "current", "partial", "registers"
_IDENTITY = ("user", "group", "process_group")
_RIGHTS = 7
_LARGEST_NUMBER = 0xFFFFFFFF


class _Threads(ThreadsOnDemand):
    """The threads of a dump, made when they are asked for; the current one first.

    Nothing is kept of any: a dump may have a hundred thousand, and what is decoded of each is much.

    Attributes:
        unread: how many Thread Contexts can't be read.
    """

    def __init__(self, dump: Dump) -> None:
        self._dump = dump
        self._order = dump.schema.byte_order.value
        self._indexes = array("Q")
        self.unread = first = 0
        current = False
        for index in dump.capture_blocks.indexes_of_type("thread_context"):
            head = _front(dump.block(index))
            if "thread_id" not in head:
                self.unread += 1
                continue
            if not current and _is_current(head):
                current, first = True, len(self._indexes)
            self._indexes.append(index)
        if first:
            self._indexes.insert(0, self._indexes.pop(first))

    def __len__(self) -> int:
        return len(self._indexes)

    def _thread(self, number: int) -> ProcessThread:
        block = self._dump.block(self._indexes[number])
        payload = block.payload
        flags = tuple(payload["flags"].names) if "flags" in payload else ()
        if block.problem and _PARTIAL not in flags:  # its registers are not all there
            flags += (_PARTIAL,)
        return ProcessThread(
            payload["thread_id"],
            tuple(self._registers(payload.get("registers", ()))),
            payload.get("thread_name") or "",
            payload.get("start_time", 0),
            payload["thread_state"].name if "thread_state" in payload else "unknown",
            flags,
        )

    def _registers(self, rows: Sequence[Record]) -> Iterator[ProcessRegister]:
        for row in rows:
            value = _bytes(row.get("value", b""))
            little = value if self._order == "little" else value[::-1]
            roles = tuple(row["flags"].names) if "flags" in row else ()
            yield ProcessRegister(str(row.get("name") or ""), little, roles)


def _front(block: Block) -> Record:
    """What stands in front of the registers of a Thread Context; of compressed ones, all of it."""
    layout = None if block.type is None else block.type.layout
    if layout is None or block.compressed or not block.known_version:
        return block.payload
    if all(field.key != _REGISTERS for field in layout.fields):
        return block.payload
    stored = block.stored
    end = stored.offset + stored.length
    return _before_registers(layout).decode(Cursor(stored.source, stored.offset, end))


@lru_cache(maxsize=16)
def _before_registers(layout: Layout) -> Layout:
    return layout.before(_REGISTERS)


def _is_current(front: Record) -> bool:
    flags = front.get("flags")
    return flags is not None and _CURRENT in flags.names


def _bytes(value: Any) -> bytes:
    return bytes(value.view()) if isinstance(value, Extent) else bytes(value)


def captured(dump: Dump) -> CapturedProcess:
    """What a dump says of its process.

    Raises:
        EncryptedError: the blocks are ciphertext.
    """
    dump.require_key()
    header = dump.header.record
    identity = next(dump.capture_blocks.of_type("process_identity"), None)
    who = identity.payload if identity is not None else Record()
    threads = _Threads(dump)
    note = _note(dump)
    records = debug_records(note)
    space = _with_edges(dump)
    faults = []
    if isinstance(space, EdgedSpace) and space.unplaced:
        faults.append(
            f"the note of its import has {space.unplaced} bytes of memory at addresses without "
            "a Failed page: they are left out"
        )
    if threads.unread:
        faults.append(f"{threads.unread} Thread Contexts can't be read: they are left out")
    arch_type = _name(header["arch_type"])
    stated = "big" if note.get("byte_order") == "big" else str(dump.schema.byte_order.value)
    byte_order, contradiction = byte_order_of(arch_type, stated)
    if contradiction and "byte_order" in note:  # else it is how the file's own numbers stand
        faults.append(f"the note of its import calls it {contradiction}: taken as that")
    return CapturedProcess(
        os_type=_name(header["os_type"]),
        arch_type=arch_type,
        space=space,
        byte_order=byte_order,
        page_size=min((region.page_size for region in dump.regions), default=4096),
        mappings=_mappings(dump),
        modules=[_module(one, records) for one in dump.modules if "module_size" in one],
        threads=threads,
        handles=_handles(dump, header["pid"], note),
        pid=header["pid"],
        ppid=who.get("ppid", 0),
        session_id=who.get("session_id", 0),
        exe_path=who.get("exe_path") or "",
        command_line=who.get("cmd_line") or "",
        timestamp=header["timestamp"],
        start_time=who.get("start_time", 0),
        faults=faults,
        dump_uuid=header["dump_uuid"],
        remarks={key: note[key] for key in ("os_version",) if key in note},
        auxiliary=_auxiliary(note),
        signal=_number(note.get("signal", "")) or 0,
        exception=noted_exception(note),
        threads_unread=threads.unread,
        noted=space.noted if isinstance(space, EdgedSpace) else (),
        identity={
            key: number for key in _IDENTITY if (number := _number(note.get(key, ""))) is not None
        },
    )


def _provenance(dump: Dump) -> Record:
    for block in dump.capture_blocks.of_type("import_provenance"):
        return block.payload
    return Record()


def _note(dump: Dump) -> Mapping[str, str]:
    """What the note of an import says: a dump of a big-endian process is little-endian, too."""
    return noted(_provenance(dump).get("note") or "")


def _with_edges(dump: Dump) -> AddressSpace:
    """The memory of a dump, and what the note of its import has of pages not held whole."""
    provenance = _provenance(dump)
    if not str(provenance.get("tool_name") or "").startswith(IMPORTER):
        return dump.memory
    edges = list(kept_edges(provenance.get("note") or ""))
    return EdgedSpace(dump.memory, edges) if edges else dump.memory


def _auxiliary(note: Mapping[str, str]) -> bytes:
    with suppress(ValueError):
        return bytes.fromhex(note.get("auxiliary", ""))
    return b""


def _number(text: str) -> int | None:
    """What a note says; None of what is no number of 32 bits."""
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 11 else None
    return None if number is None or number > _LARGEST_NUMBER else number


def _handles(dump: Dump, pid: int, note: Mapping[str, str]) -> list[ProcessHandle]:
    """The process's own rows of the Handle Table."""
    others = _kinds(note.get("handle_types", ""))
    agreed = agreed_handle_types()
    found = []
    for block in dump.capture_blocks.of_type("handle_table"):
        for row in block.payload.get("entries", ()):
            if row["pid"] != pid:
                continue
            code, number = row["handle_type"], row["fd"]
            kind = str(code.name) if isinstance(code, Code) else agreed.get(int(code), "")
            plain = "" if kind == "unknown" else kind.capitalize()
            found.append(ProcessHandle(number, others.get(number, plain), row.get("path") or ""))
    return found


def _kinds(text: str) -> Mapping[int, str]:
    """What the note says of handles for whose kind there is no HandleType."""
    found = {}
    for part in text.split(", "):
        kind, between, numbers = part.partition(": ")
        for number in numbers.split() if between else ():
            with suppress(ValueError):
                found[int(number, 16)] = kind
    return found


def _name(code: Any) -> str:
    return str(code.name) if code.name else "unknown"


def _module(record: ModuleEntry, records: Mapping[int, bytes]) -> ProcessModule:
    return ProcessModule(
        record["base_addr"],
        record["module_size"],
        record.get("path") or "",
        record.get("version") or "",
        _bytes(record.get("native_blob", b"")),
        records.get(record["base_addr"], b""),
    )


def _mappings(dump: Dump) -> list[MappedRange]:
    """The last VAS Map's entries, with what the regions say where it says nothing."""
    found: list[MappedRange] = []
    last: Block | None = None
    for block in dump.capture_blocks.of_type("vas_map"):
        last = block
    for entry in last.payload.get("entries", ()) if last is not None else ():
        start, size = entry["base_addr"], entry["region_size"]
        kind, rights = _name(entry["region_type"]), int(entry["protection"]) & _RIGHTS
        found.append(MappedRange(start, start + size, rights, kind, entry["mapped_path"] or ""))
    for region in dump.regions:
        for one in region.fragments:
            name = dump.memory.name_of(one.base) or ""
            plain = "" if name.startswith("[") else name
            kind = region.region_type.name
            rights = int(region.protection) & _RIGHTS
            found.append(MappedRange(one.base, one.end, rights, kind, plain))
    return _without_overlaps(found)


def _without_overlaps(given: list[MappedRange]) -> list[MappedRange]:
    """By address; where two share addresses, the first of them keeps these.

    What lies beyond the last address is none of it, whatever a size says.
    """
    found: list[MappedRange] = []
    ordered = sorted(enumerate(given), key=lambda one: (one[1].start, one[0]))
    end = 0
    for _, one in ordered:
        start, stop = max(one.start, end), min(one.end, ADDRESSES_END)
        if stop <= start:
            continue
        found.append(
            one
            if (start, stop) == (one.start, one.end)
            else MappedRange(start, stop, one.protection, one.region_type, one.name)
        )
        end = stop
    return found
