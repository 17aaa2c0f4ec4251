"""What, of whom, when, by whom and how: the facts of a page, and what is to be thought of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ..document import readable
from ..reader.acquisition_report import TIED
from ..reader.dump import Dump
from ..words import binary_size
from .damage import IN_THE_HEADER, standing_of_blocks
from .model import DumpReport, Fact

__all__ = ["NOT_SAID", "clock_of", "facts_of", "fits"]

NOT_SAID = "not said"
_GIVE_REPORT = "the report of its acquisition may say it, and was not given"
_CUSTODY = "of the whole file: the one for a custody record"
_AS_IT_IS = "of the file as it is now, which is not intact: not that of the file that was written"
_FILE_HASH = (
    "recorded in the file: of all that is before its last block, not of the whole file",
    "recorded in the file, of all that is before its last block, and not what that has now",
)
_TIED = "of what it says of the process; msl report DUMP REPORT.json compares the two"
_NOT_SYNCHRONISED = "by a clock that was not synchronised"
_OF_ANOTHER = ("report_dump_uuid", "report_target")
_TIMES = (("target", "started"), ("when", ""))
"""Groups and labels of facts that are times; an empty label is every one of the group."""


def facts_of(dump: Dump, found: DumpReport) -> list[Fact]:
    """All of them, of the dump first, then of the acquisition's report."""
    facts = list(_of_the_dump(dump, found))
    if not dump.locked:
        facts += [
            Fact("how", label, NOT_SAID, note="" if found.acquisition else _GIVE_REPORT)
            for label in _unsaid(facts, found)
        ]
    said = {(one.group, one.label, one.text) for one in facts}
    if found.acquisition is not None:
        facts += [
            one for one in found.acquisition.facts if (one.group, one.label, one.text) not in said
        ]
    return [_clocked(one, found) for one in facts]


def fits(found: DumpReport) -> bool:
    """Whether there is a report of an acquisition, and it is that of this dump."""
    told = found.acquisition
    return told is not None and all(one.kind not in _OF_ANOTHER for one in told.tie.findings)


def clock_of(found: DumpReport) -> bool | None:
    """Whether the clock that the times of a dump are from was synchronised; None: nobody says."""
    return found.acquisition.synchronised if found.acquisition and fits(found) else None


def _clocked(one: Fact, found: DumpReport) -> Fact:
    """A time with what is to be thought of the clock that it is from."""
    is_time = one.label != "clock" and {(one.group, one.label), (one.group, "")} & {*_TIMES}
    told = found.acquisition.synchronised if found.acquisition else None
    if not is_time or told is not False or (one.source != "report" and not fits(found)):
        return one
    return replace(one, note="; ".join(filter(None, (one.note, _NOT_SYNCHRONISED))))


def _of_the_dump(dump: Dump, found: DumpReport) -> Iterator[Fact]:
    """What the file is, and what it says, with what is to be thought of the block that says it."""
    yield from _of_the_file(dump, found)
    standing = standing_of_blocks(found.verdict)
    for block, group, label, value, note in _stated(dump, found):
        if value not in (None, ""):
            notes = (note, "" if block is None else standing(block))
            yield Fact(group, label, str(value), note="; ".join(filter(None, notes)))


def _of_the_file(dump: Dump, found: DumpReport) -> Iterator[Fact]:
    broken = bool(found.verdict and found.verdict.findings)
    as_it_is = _AS_IT_IS if broken else ""
    yield Fact("what", "file", found.name, "file")
    yield Fact("what", "size", f"{binary_size(found.size)} ({found.size} bytes)", "file")
    yield Fact("what", "SHA-256", found.sha256, "file", as_it_is or _CUSTODY)
    yield Fact("what", "BLAKE3", found.blake3, "file", as_it_is or "of the whole file, too")


_Stated = tuple[int | None, str, str, Any, str]
"""The index of the block that says it, group, label, what it says, and a note."""


def _stated(dump: Dump, found: DumpReport) -> Iterator[_Stated]:
    header = dump.header.record
    end = None if dump.locked else dump.end_of_capture
    ends = None if end is None else end.index
    dialect = found.format.get("dialect")
    form = f"Memory Slice, {found.draft}{f', as {dialect} writes it' if dialect else ''}"
    yield IN_THE_HEADER, "what", "DumpUUID", found.dump_uuid, ""
    yield IN_THE_HEADER, "what", "format", form, ""
    if found.verdict and found.verdict.stored_file_hash is not None:
        text = f"{found.verdict.stored_file_hash.hex()} ({dump.header.hash_algorithm})"
        yield ends, "what", "FileHash", text, _FILE_HASH[found.verdict.file_hash == "mismatch"]
    pid = header["pid"]
    yield IN_THE_HEADER, "target", "process", f"pid {pid}" if pid else None, ""
    process = _first(found, "process")
    block, parent = process.get("block"), process.get("ppid")
    yield block, "target", "program", process.get("exe_path"), ""
    yield block, "target", "command line", process.get("cmd_line"), ""
    yield block, "target", "parent", f"pid {parent}" if parent else None, ""
    yield block, "target", "started", process.get("start_time_utc"), ""
    if not dump.locked:
        yield _user(found, pid)
    platform = f"{header['os_type'].name} {header['arch_type'].name}"
    yield IN_THE_HEADER, "target", "platform", platform, ""
    yield IN_THE_HEADER, "when", "captured", readable.as_date(header["timestamp"]), ""
    if end is not None:
        yield ends, "when", "finished", readable.as_date(end.payload.get("acq_end", 0)), ""
    system = _first(found, "system")
    block = system.get("block")
    detail, _, tied = str(system.get("os_detail") or "").partition(f"; {TIED}")
    yield block, "when", "machine started", system.get("boot_time_utc"), ""
    yield block, "who", "captured by", system.get("acq_user"), ""
    yield block, "who", "case", system.get("case_ref"), ""
    yield block, "who", "machine", system.get("hostname"), ""
    yield block, "who", "operating system", detail, ""
    yield block, "how", "hash of the report", tied, _TIED
    origin = _first(found, "origin")
    if origin:
        block = origin.get("block")
        text = f"from {origin['source_format']}, {origin['import_time_utc'] or 'unknown time'}"
        yield block, "how", "imported", text, ""
        yield block, "how", "imported by", origin.get("tool_name"), ""
        yield block, "how", "note", origin.get("note"), ""
    yield None, "how", "written by", found.format.get("producer"), ""


def _user(found: DumpReport, pid: int) -> _Stated:
    """As whom the process ran, as the table of processes has it."""
    table = found.table("processes")
    rows = (dict(zip(table.columns, row)) for row in table.rows) if table else iter(())
    row = next((one for one in rows if one.get("pid") == pid and one.get("is_target")), {})
    uid, user = row.get("uid"), row.get("user")
    text = f"{user} (uid {uid})" if user and uid is not None else user
    return row.get("block"), "target", "user", text, ""


def _unsaid(facts: list[Fact], found: DumpReport) -> Iterator[str]:
    """What everybody asks of how it was captured, and nothing that was given says."""
    facts = [*facts, *(found.acquisition.facts if found.acquisition else ())]
    known = {one.label for one in facts if one.group == "how"}
    if not known & {"tool", "written by", "imported by"}:
        yield "tool and version"
    if "target stopped" not in known:
        yield "how long the process stood still"
    if not any(one.group == "target" and one.label == "user" for one in facts):
        yield "user of the process"


def _first(found: DumpReport, name: str) -> dict[str, Any]:
    table = found.table(name)
    return {} if table is None else dict(zip(table.columns, table.rows[0]))
