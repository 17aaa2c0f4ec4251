"""From an open dump to what its page says."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .. import analysis
from ..analysis.identity import environment
from ..document.render import Renderer
from ..hashing import Digests
from ..reader.acquisition_report import tie
from ..reader.dump import Dump
from ..reader.unread import unread
from ..reader.verdict import Finding, Verdict
from ..source import Extent
from .acquisition import acquisition_of
from .answers import answers_of
from .block_bytes import shown_blocks
from .comparing import comparison
from .damage import contradicted_blocks
from .entropy import MOST_PAGES, entropy_sample
from .facts import facts_of
from .judging import checked_rules, judged_meanwhile
from .memory import memory_columns, regions_by_address
from .model import DumpComparison, DumpReport, Vouching
from .redaction import Redaction
from .secret_words import texts_of
from .suspicion import suspicions_of
from .tables import shown_tables

__all__ = ["compared", "report_of"]

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
    found.facts = facts_of(dump, found)
    found.suspicions = list(suspicions_of(found, dump))
    found.answers = list(answers_of(found))
    redaction.look_at(texts_of(found))
    if redaction.gap:
        found.gaps.append(redaction.gap)
        found.answers = list(answers_of(found))
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
