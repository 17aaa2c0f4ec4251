"""One sample put to a decoder, and what becomes of it."""

from __future__ import annotations

import hashlib
import shlex
import signal
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..corpus.manifest import Consumer, ExpectedVerdict, Manifest, Sample, TestKey
from ..errors import DialectError, DocumentError
from .by_draft import by_draft
from .comparing import Comparison, compare, expected_so_far
from .flat_blocks import is_flat
from .handing_out import handed_out
from .judging import FAILURES, Said, SampleOutcome, Shown, judge, said_by
from .lacking import without_lacks
from .levels import ComparisonLevel, shows_fault
from .output import NoDocument, parse
from .process import Decoder, ProcessEnd, Runs
from .results import Result

__all__ = ["ENDED_OTHERWISE", "KEY_PLACE", "OUTPUT_LIMIT", "Trial", "demanded"]

KEY_PLACE = "{key}"
"""Stands in a command for the path of a file with the key."""

OUTPUT_LIMIT = 64 << 20
"""Bytes that a decoder may print for a sample, unless told otherwise."""

ENDED_OTHERWISE = "exit code"
"""How the detail of a sample begins of which the exit code alone is wrong."""
_WORDS = {0: "read", 3: "refused", 4: "incomplete", 5: "encrypted"}
_REFUSED = 3
_PARTS = ("document", "file", "format", "header", "blocks", "segments", "trailing")


def demanded(
    consumer: Consumer, expected: dict[str, Any] | None, level: ComparisonLevel
) -> Consumer:
    """What a consumer has to do as far as a level looks.

    A fault that only somebody who looks deeper can see is not demanded to be seen.
    """
    if consumer is not Consumer.REJECT_BLOCK:
        return consumer
    seen = expected is not None and shows_fault(expected, level)
    return consumer if seen else Consumer.EITHER


@dataclass(frozen=True)
class Trial:
    """How every sample of a run is put to the decoder.

    Attributes:
        decoder: the command.
        level: how much of the document is compared.
        timeout: seconds that it may take for a sample.
        limit: bytes that it may print for one.
        stop: when set, the run is given up.
        place: a folder for the copies that it is given.
        lacks: patterns of what the decoder shows to nobody.
        keyed: commands that take a key, by its kind; see `msl_construct.harness.run`.
    """

    decoder: Runs
    level: ComparisonLevel
    timeout: float
    limit: int
    stop: threading.Event
    place: Path
    lacks: tuple[str, ...] = ()
    keyed: Mapping[str, str] = field(default_factory=dict)

    def run(self, manifest: Manifest, sample: Sample) -> Result:
        """Put a sample to the decoder.

        Raises:
            HarnessError: the decoder can't be started.
            DocumentError: the corpus is not what its manifest says.
            OSError: a file of it can't be read.
        """
        original = manifest.folder / sample.file
        key = sample.key if sample.key is not None and sample.key.kind in self.keyed else None
        with handed_out(manifest, sample, self.place) as given:
            expected = _expected(manifest, sample, opened=key is not None)
            decoder = self.decoder if key is None else self._with(key)
            ended = decoder.run(given.path, timeout=self.timeout, limit=self.limit, stop=self.stop)
            changes = given.changes()
        told = sample if key is None else replace(sample, verdict=ExpectedVerdict())
        result = self._judge(told, expected, ended, original)
        if key is not None:
            result = replace(result, command=decoder.shown(original))
        if not changes:
            return result
        if not result.failed:
            return replace(result, outcome=SampleOutcome.CRASH, detail=changes)
        return replace(result, detail="; ".join(filter(None, (result.detail, changes))))

    def _with(self, key: TestKey) -> Decoder:
        """The decoder that is given a key, in a file that nobody else reads."""
        name = hashlib.sha256(f"{key.kind} {key.value}".encode()).hexdigest()[:16]
        place = self.place / f"{key.kind}-{name}.key"
        if not place.exists():
            scratch = place.with_suffix(f".{threading.get_ident()}")
            scratch.write_bytes(key.data)  # in a folder that only its owner can enter
            scratch.replace(place)
        return Decoder(self.keyed[key.kind].replace(KEY_PLACE, shlex.quote(str(place))))

    def _judge(
        self, sample: Sample, expected: dict[str, Any] | None, ended: ProcessEnd, original: Path
    ) -> Result:
        verdict = sample.verdict
        consumer = demanded(verdict.consumer, expected, self.level)
        said = self._said(ended)
        shown, comparison, why = Shown.NONE, Comparison(), ""
        due = verdict.exit
        if said in (Said.READ, Said.INCOMPLETE, Said.ENCRYPTED):
            shown, comparison, why, flat = self._shown(
                ended, expected, consumer, said, sample, original
            )
            if flat and said in (Said.READ, Said.INCOMPLETE):
                due = ended.code or 0  # whether segments are whole is seen by who hashes
        elif said is not Said.HUNG and not ended.too_large:
            # It counts for nothing, and may say where the decoder gave up.
            refused = self._shown(ended, expected, Consumer.ACCEPT, said, sample, original)
            comparison = refused[1]
        try:
            outcome = judge(consumer, due, said, shown)
        except ValueError as error:
            raise DocumentError(f"{sample.name}: contradictory verdict: {error}") from None
        detail = ""
        if outcome in (SampleOutcome.CRASH, SampleOutcome.HANG):
            detail = self._end(ended)
        elif outcome is SampleOutcome.NO_DOCUMENT:
            detail = why
        elif outcome in (SampleOutcome.REJECTED_VALID, SampleOutcome.ACCEPTED_INVALID):
            detail = _exits(consumer, due, ended.code)
            if shown is Shown.UNMARKED and ended.code == due:
                detail = "a block that is not what it says looks good"
        wrong = outcome in FAILURES
        return Result(
            sample,
            outcome,
            detail=detail,
            differences=tuple(comparison.differences) if wrong else (),
            difference_count=comparison.count if wrong else 0,
            unread=comparison.unread if wrong else None,
            data_hidden=comparison.data_hidden,
            code=ended.code,
            seconds=ended.seconds,
            stderr=ended.err.decode("utf-8", "replace"),
            command=self.decoder.shown(original),
        )

    def _said(self, ended: ProcessEnd) -> Said:
        if ended.too_large:
            return Said.CRASHED
        return Said.HUNG if ended.code is None else said_by(ended.code)

    def _shown(
        self,
        ended: ProcessEnd,
        expected: dict[str, Any] | None,
        consumer: Consumer,
        said: Said,
        sample: Sample,
        path: Path,
    ) -> tuple[Shown, Comparison, str, bool]:
        """What the output is; where no document is expected any will do.

        With it, what differs, why it is no document, and whether segments are not told apart.
        """
        try:
            found = parse(ended.out) if ended.document is None else ended.document
        except NoDocument as error:
            return Shown.NONE, Comparison(), str(error), False
        if expected is None:
            return Shown.RIGHT, Comparison(), "", False
        if self.lacks:
            expected = without_lacks(expected, self.lacks)
            found = without_lacks(found, self.lacks)
        flat = self.level is not ComparisonLevel.FULL and is_flat(expected, found)
        early = said is Said.INCOMPLETE and sample.verdict.exit == 0
        if early and consumer is not Consumer.ACCEPT:
            expected = expected_so_far(expected, found)
        try:
            comparison = compare(expected, found, self.level)
        except (AttributeError, KeyError, TypeError) as error:
            # Only the expected document is walked, and believed: it is no document.
            raise DocumentError(
                f"{sample.document_file}: no canonical document: {type(error).__name__}: {error}"
            ) from None
        if comparison.count and self._dialect_is_deeper(expected):
            # Whoever knows no dialects reads the file as its draft has it.
            with suppress(DialectError):  # to them it is no dump at all
                plain = without_lacks(by_draft(path), self.lacks)
                other = compare(plain, found, self.level)
                comparison = min(comparison, other, key=lambda one: one.count)
        if comparison.unmarked:
            return Shown.UNMARKED, comparison, "", flat
        return (Shown.WRONG if comparison.count else Shown.RIGHT), comparison, "", flat

    def _dialect_is_deeper(self, expected: dict[str, Any]) -> bool:
        """Whether a document is in a dialect, and the level does not look at that."""
        return self.level is not ComparisonLevel.FULL and bool(expected["format"].get("dialect"))

    def _end(self, ended: ProcessEnd) -> str:
        if ended.too_large:
            return f"output too large: more than {self.limit} bytes"
        if ended.code is None:
            left = "; it had ended, a process that it left held its output" if ended.held else ""
            return f"not done after {self.timeout:g} s{left}"
        if ended.code >= 0:
            return f"exit {ended.code}"
        try:
            return f"killed by {signal.Signals(-ended.code).name}"
        except ValueError:
            return f"killed by signal {-ended.code}"


def _exits(consumer: Consumer, due: int, found: int | None) -> str:
    """The exit codes that are right, and the one that came."""
    right = [] if consumer is Consumer.REJECT_FILE else [due]
    if consumer is not Consumer.ACCEPT and _REFUSED not in right:
        right.append(_REFUSED)
    words = " or ".join(f"{code} ({_WORDS[code]})" for code in right)
    word = _WORDS[found] if found in _WORDS else _WORDS[_REFUSED]
    return f"{ENDED_OTHERWISE}: expected {words}, found {found} ({word})"


def _expected(manifest: Manifest, sample: Sample, *, opened: bool = False) -> dict[str, Any] | None:
    """The expected document; `opened`: that of whoever has the key.

    Raises:
        DocumentError: it is none, or one is missing.
    """
    try:
        found = manifest.expected(sample, opened=opened)
    except (ValueError, RecursionError) as error:
        raise DocumentError(f"{sample.document_file}: no canonical document: {error}") from None
    if found is not None and not _is_document(found):
        raise DocumentError(f"{sample.document_file}: no canonical document: parts are missing")
    if found is None and sample.verdict.consumer in (Consumer.ACCEPT, Consumer.REJECT_BLOCK):
        raise DocumentError(f"{sample.name}: may be read, and has no expected document")
    return found


def _is_document(found: Any) -> bool:
    """Whether the parts are there; one without blocks would let everything pass."""
    return (
        isinstance(found, dict)
        and all(key in found for key in _PARTS)
        and isinstance(found["blocks"], list)
        and isinstance(found["segments"], list)
    )
