"""Other readers: commands that print the canonical document, on the same files."""

from __future__ import annotations

import io
import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..document import Renderer
from ..document.emit import write_json
from ..errors import MslError
from ..harness.batch import BatchDecoder
from ..harness.comparing import Comparison, compare
from ..harness.kinds import DifferenceKind
from ..harness.levels import ComparisonLevel
from ..harness.output import NoDocument, parse
from ..harness.process import Decoder, ProcessEnd, Runs
from ..reader import open_dump
from .classes import ChangeClass
from .classify import Classified
from .evidence import ImpactEvidence, ReaderOutcome
from .making import ImpactSample
from .places import NOT_THERE, DocumentPlace, LookedAt, value_at

__all__ = ["OtherReader"]

_LIMIT = 16 << 20
_REFUSED = 3
_KEPT = 10_000
"""Differences of a file that are looked at."""
_STARTING = 600.0
"""Seconds more that the first file may take: some commands compile before they run."""


class OtherReader:
    """A decoder that is asked of files what it makes of them, beside what their writer meant.

    Args:
        command: as of ``msl samples run --decoder``.
        timeout: seconds for a file.
        name: what it is called; the command by default.
        level: how much of a document it prints.
        batch: whether it takes many files in one process.

    Attributes:
        name: what it is called.
    """

    def __init__(
        self,
        command: str,
        timeout: float,
        name: str = "",
        *,
        level: ComparisonLevel = ComparisonLevel.PAYLOADS,
        batch: bool = False,
    ) -> None:
        self.name = name or command
        self._runs: Runs = BatchDecoder(command) if batch else Decoder(command)
        self._timeout = timeout
        self._level = level
        self._patience = _STARTING
        self._looked_at: tuple[ImpactSample, LookedAt] | None = None

    def read(self, sample: ImpactSample) -> list[ImpactEvidence] | None:
        """What it makes of a file, place by place.

        None: nobody can say what its writer meant, and the decoder is not asked.
        """
        expected = _document(sample)
        if expected is None:
            return None
        self._looked_at = sample, LookedAt(expected, sample.draft, self._level)
        with tempfile.TemporaryDirectory(prefix="msl-impact-") as folder:
            path = Path(folder) / "sample.msl"
            path.write_bytes(sample.data)
            end = self._runs.run(path, timeout=self._timeout + self._patience, limit=_LIMIT)
        self._patience = 0.0
        return list(self._judged(sample, expected, end))

    def looks_at(self, sample: ImpactSample, change: Classified) -> bool:
        """Whether it was asked of a change: of the file that it read last.

        What a document of its level does not show, or the file does not hold, it was not.
        """
        assert self._looked_at is not None
        assert self._looked_at[0] is sample
        return self._looked_at[1].has(change)

    def close(self) -> None:
        """End what still runs of it."""
        self._runs.close()

    def _judged(
        self, sample: ImpactSample, expected: dict[str, Any], end: ProcessEnd
    ) -> Iterator[ImpactEvidence]:
        if end.code == _REFUSED or end.code is None or end.code < 0:
            said = end.err.decode("utf-8", "replace").strip().splitlines()
            text = said[-1] if said else f"exit code {end.code}"
            yield self._evidence(sample, ReaderOutcome.REFUSED, (), "a file", text)
            return
        try:
            found = end.document if end.document is not None else parse(end.out)
        except NoDocument as error:
            yield self._evidence(sample, ReaderOutcome.REFUSED, (), "a document", str(error))
            return
        compared = compare(expected, found, self._level, limit=_KEPT)
        complaints = _complaints(compared)
        blocks = found.get("blocks")
        more = isinstance(blocks, list) and len(blocks) > len(expected["blocks"])
        for one in compared.differences:
            if value_at(one.path, expected) in (NOT_THERE, None, []):
                continue  # it shows more than its writer's draft has, or complains
            if one.path == "$.trailing" and more:
                continue  # it shows blocks there
            place = DocumentPlace.of(one.path, expected, found, sample.draft)
            outcome = ReaderOutcome.LESS if place.is_less else ReaderOutcome.WRONG
            block = _BLOCK.match(one.path)
            noticed = complaints.get(block[0], "") if block else ""
            yield self._evidence(sample, outcome, place.paths, one.expected, one.found, noticed)

    def _evidence(
        self,
        sample: ImpactSample,
        outcome: ReaderOutcome,
        paths: tuple[str, ...],
        meant: str,
        found: str,
        noticed: str = "",
    ) -> ImpactEvidence:
        wrong = ChangeClass.WIRE_BREAK if noticed else ChangeClass.SILENT_REINTERPRET
        classes = {
            ReaderOutcome.REFUSED: ChangeClass.OLD_READER_REJECTS,
            ReaderOutcome.WRONG: wrong,
            ReaderOutcome.LESS: ChangeClass.DEGRADED,
        }
        cls = classes[outcome]
        return ImpactEvidence(self.name, sample, cls, outcome, paths, meant, found, noticed)


_BLOCK = re.compile(r"\$\.(?:segments\[\d+\]\.)?blocks\[\d+\]")


def _complaints(compared: Comparison) -> dict[str, str]:
    """What it says of blocks that are whole to their writer, by the path of the block."""
    return {
        one.path.removesuffix(".damage"): one.found
        for one in compared.differences
        if one.kind is DifferenceKind.DAMAGE_MADE_UP
    }


def _document(sample: ImpactSample) -> dict[str, Any] | None:
    """The file as its writer's draft has it; None where that needs a key."""
    text = io.StringIO()
    try:
        with open_dump(sample.data, draft=sample.draft) as dump:
            write_json(Renderer().parts(dump), text.write)
    except MslError:
        return None
    document: dict[str, Any] = json.loads(text.getvalue())
    return document
