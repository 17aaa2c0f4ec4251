"""From an open dump to what its page says."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from .. import analysis
from ..analysis.identity import environment
from ..document import readable
from ..document.render import Renderer
from ..hashing import Digests
from ..reader.acquisition_report import TIED, tie
from ..reader.dump import Dump
from ..reader.unread import unread
from ..reader.verdict import Finding, Verdict
from ..source import Extent
from ..words import binary_size
from .acquisition import acquisition_of
from .answers import answers_of
from .block_bytes import shown_blocks
from .comparing import comparison
from .damage import contradicted_blocks
from .entropy import MOST_PAGES, entropy_sample
from .judging import checked_rules, judged_meanwhile
from .memory import memory_columns, regions_by_address
from .model import DumpComparison, DumpReport, Fact, Vouching
from .redaction import Redaction
from .suspicion import suspicions_of
from .tables import shown_tables

__all__ = ["compared", "report_of"]

NOT_SAID = "not said"
_GIVE_REPORT = "the report of its acquisition may say it, and was not given"
_CUSTODY = "of the whole file: the one for a custody record"
_AS_IT_IS = "of the file as it is now, which is not intact: not that of the file that was written"
_FILE_HASH = (
    "recorded in the file: of all that is before its last block, not of the whole file",
    "recorded in the file, of all that is before its last block, and not what that has now",
)
_TIED = "of what it says of the process; msl report DUMP REPORT.json compares the two"
_ALIKE = 24
"""Characters that sentences of two parts of the package about one thing begin with alike."""

Vouch = Callable[[uuid.UUID, str, Verdict, Digests], Vouching]


def report_of(
    dump: Dump,
    *,
    name: str = "",
    redaction: Redaction | None = None,
    acquisition: Mapping[str, Any] | None = None,
    acquisition_file: str = "",
    vouch: Vouch | None = None,
    entropy_pages: int = MOST_PAGES,
) -> DumpReport:
    """Everything that a page says of a dump; reads all of it.

    Args:
        name: what the file is called; that of the dump by default.
        redaction: what is not shown; environments and command lines by default.
        acquisition: the report of its acquisition, from `read_report`; acquisition_file: where
            that came from.
        vouch: what to hold against a signature or a time stamp, with DumpUUID, HashAlgo, verdict
            and hashes.
        entropy_pages: the most captured pages whose entropy is told.

    Raises:
        MslError: the file can't be read, or was changed meanwhile.
        OSError: likewise.
    """
    redaction = redaction or Redaction()
    with judged_meanwhile(dump) as judged:
        found = _all_but_rules(
            dump, name, redaction, acquisition, acquisition_file, vouch, entropy_pages
        )
        found.checked = checked_rules(dump, judged(), redaction)
    verdict = found.verdict
    if verdict is not None:
        known = [*(one.text for one in verdict.gaps), *found.checked.gaps]
        found.gaps += dict.fromkeys(known)
        beginnings = {text[:_ALIKE] for text in known}
        found.gaps += [text for text in unread(dump) if text[:_ALIKE] not in beginnings]
    if redaction.gap:
        found.gaps.append(redaction.gap)
    found.facts = _facts(dump, found)
    found.answers = list(answers_of(found))
    found.suspicions = list(suspicions_of(found, dump))
    dump.require_unchanged()
    return found


def _all_but_rules(
    dump: Dump,
    name: str,
    redaction: Redaction,
    acquisition: Mapping[str, Any] | None,
    acquisition_file: str,
    vouch: Vouch | None,
    entropy_pages: int,
) -> DumpReport:
    digests = Digests()
    try:
        verdict = None if dump.locked else dump.verify()
        for piece in Extent(dump.stored, 0, dump.size or 0).chunks():
            digests.update(piece)
    finally:
        digests.close()
    renderer = Renderer()
    identity = dump.header.record["dump_uuid"]
    found = DumpReport(
        name or dump.name,
        digests.size,
        digests.blake3,
        digests.sha256,
        dump.draft,
        renderer.format(dump),
        renderer.header(dump.header),
        str(identity),
        locked=dump.encryption().text if dump.locked else "",
        verdict=verdict,
    )
    if verdict is not None:
        _look_inside(dump, found, redaction, entropy_pages)
    if acquisition is not None:
        context = next(dump.capture_blocks.of_type("system_context"), None)
        stored = b"" if context is None else bytes(context.stored.view())
        held = tie(acquisition, identity, verdict or Verdict(), digests, stored)
        if verdict is None:  # nobody has seen FileHash
            held.findings = [one for one in held.findings if one.kind != "report_file_hash"]
            held.gaps.append(Finding("report_file_hash", "file_hash: not compared: encrypted"))
        found.acquisition = acquisition_of(acquisition, acquisition_file, held, redaction)
    found.not_vouched = vouch is not None and verdict is None
    if vouch is not None and verdict is not None:
        found.vouching = vouch(identity, dump.header.hash_algorithm, verdict, digests)
    found.blocks, found.blocks_left_out = shown_blocks(dump, redaction)
    return found


def _look_inside(dump: Dump, found: DumpReport, redaction: Redaction, pages: int) -> None:
    found.tables = shown_tables(dump, redaction)
    known = environment(dump)
    if known is not None:
        found.environment = [
            (key, redaction.variable(text, key)) for key, text in known.variables.items()
        ]
        if known.left:
            found.gaps.append(f"environment: {known.left} bytes at its end were not looked at")
    regions = regions_by_address(dump)
    altered = contradicted_blocks(found.verdict)
    found.memory = memory_columns(dump, regions, altered)
    found.entropy = entropy_sample(regions, most=pages)


def _facts(dump: Dump, found: DumpReport) -> list[Fact]:
    """What, of whom, when, who and how: of the dump first, then of the acquisition's report."""
    header = dump.header.record

    def fact(group: str, label: str, value: Any, source: str = "dump", note: str = "") -> None:
        if value not in (None, ""):
            facts.append(Fact(group, label, str(value), source, note))

    facts: list[Fact] = []
    fact("what", "file", found.name, "file")
    fact("what", "size", f"{binary_size(found.size)} ({found.size} bytes)", "file")
    broken = bool(found.verdict and found.verdict.findings)
    as_it_is = _AS_IT_IS if broken else ""
    fact("what", "SHA-256", found.sha256, "file", as_it_is or _CUSTODY)
    fact("what", "BLAKE3", found.blake3, "file", as_it_is or "of the whole file, too")
    fact("what", "DumpUUID", found.dump_uuid)
    dialect = found.format.get("dialect")
    fact(
        "what",
        "format",
        f"Memory Slice, {found.draft}{f', as {dialect} writes it' if dialect else ''}",
    )
    if found.verdict and found.verdict.stored_file_hash is not None:
        fact(
            "what",
            "FileHash",
            f"{found.verdict.stored_file_hash.hex()} ({dump.header.hash_algorithm})",
            note=_FILE_HASH[found.verdict.file_hash == "mismatch"],
        )
    fact("target", "process", header["pid"] and f"pid {header['pid']}")
    process = _first(found, "process")
    fact("target", "program", process.get("exe_path"))
    fact("target", "command line", process.get("cmd_line"))
    fact("target", "parent", f"pid {process['ppid']}" if process.get("ppid") else None)
    fact("target", "started", process.get("start_time_utc"))
    fact("target", "user", "" if dump.locked else _user(found, header["pid"]))
    fact("target", "platform", f"{header['os_type'].name} {header['arch_type'].name}")
    system = _first(found, "system")
    fact("when", "captured", readable.as_date(header["timestamp"]))
    end = None if dump.locked else dump.end_of_capture
    if end is not None:
        fact("when", "finished", readable.as_date(end.payload.get("acq_end", 0)))
    fact("when", "machine started", system.get("boot_time_utc"))
    fact("who", "captured by", system.get("acq_user"))
    fact("who", "case", system.get("case_ref"))
    fact("who", "machine", system.get("hostname"))
    detail, _, tied = str(system.get("os_detail") or "").partition(f"; {TIED}")
    fact("who", "operating system", detail)
    fact("how", "hash of the report", tied, note=_TIED)
    origin = _first(found, "origin")
    if origin:
        fact(
            "how",
            "imported",
            f"from {origin['source_format']}, {origin['import_time_utc'] or 'unknown time'}",
        )
        fact("how", "imported by", origin.get("tool_name"))
        fact("how", "note", origin.get("note"))
    fact("how", "written by", found.format.get("producer"))
    if not dump.locked:
        for label in _unsaid(facts, found):
            fact("how", label, NOT_SAID, note="" if found.acquisition else _GIVE_REPORT)
    said = {(one.group, one.label, one.text) for one in facts}
    if found.acquisition is not None:
        facts += [
            one for one in found.acquisition.facts if (one.group, one.label, one.text) not in said
        ]
    return facts


def _user(found: DumpReport, pid: int) -> str:
    """As whom the process ran, as the table of processes has it."""
    table = found.table("processes")
    if table is None:
        return ""
    rows = (dict(zip(table.columns, row)) for row in table.rows)
    row = next((one for one in rows if one.get("pid") == pid and one.get("is_target")), {})
    uid, user = row.get("uid"), row.get("user")
    if not user:
        return ""
    return f"{user} (uid {uid})" if uid is not None else str(user)


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


def compared(dumps: Iterable[Dump], redaction: Redaction) -> list[DumpComparison]:
    """Each dump with the next; a dump of which only the header can be read is left out."""
    found: list[DumpComparison] = []
    before: tuple[int, Dump] | None = None
    for number, dump in enumerate(dumps):
        if dump.locked:
            continue
        if before is not None:
            difference = analysis.diff(before[1], dump)
            found.append(comparison(before[0], number, before[1], difference, redaction))
        before = number, dump
    return found
