"""A run: all samples of a corpus put to a decoder, several at a time."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from ..corpus.manifest import KINDS, Manifest, Sample
from ..errors import HarnessError
from .batch import BatchDecoder
from .handing_out import prepare
from .judging import FAILURES, SampleOutcome
from .levels import ComparisonLevel
from .lists import Entry, first_match
from .process import Decoder
from .results import Result, Results, Stale
from .trial import KEY_PLACE, OUTPUT_LIMIT, Trial

__all__ = ["chosen", "run"]

_BEHIND_THE_FIRST = "another sample had failed"


def run(
    manifest: Manifest,
    command: str,
    *,
    level: ComparisonLevel | str = ComparisonLevel.FULL,
    timeout: float = 10.0,
    jobs: int | None = None,
    skip: Iterable[Entry] = (),
    known: Iterable[Entry] = (),
    without: Iterable[str] = (),
    only: Iterable[str] = (),
    lacks: Iterable[str] = (),
    keyed: Mapping[str, str] | None = None,
    batch: bool = False,
    first: bool = False,
    output_limit: int = OUTPUT_LIMIT,
    progress: Callable[[Result], object] | None = None,
) -> Results:
    """Put the samples of a corpus to a decoder and judge what it finds.

    The decoder is given copies, and one that changes them has failed.

    Args:
        manifest: the corpus.
        command: words as a shell splits them; ``{}`` stands for the file's path, without it
            the file is on stdin.
        level: how much of the document is compared.
        timeout: seconds that the decoder may take for a sample.
        jobs: samples at a time; the number of processors unless told.
        skip: samples that are not run.
        known: samples that are run and may fail; that one does not is reported.
        without: features that the decoder does not support.
        only: names, or patterns of names, that narrow the run.
        lacks: patterns of what the decoder shows to nobody; it is compared with nothing.
        keyed: by the kind of a key (``raw``, ``passphrase``, ``private``), the command that is run
            on encrypted samples of that kind; ``{key}`` stands for the path of a file with the
            key. Of the others the header is all that is expected.
        batch: the decoder takes paths on stdin and prints a line for each; see `BatchDecoder`.
        first: after the first failure no further sample is begun.
        output_limit: bytes that the decoder may print for a sample.
        progress: called with each result as it comes, one at a time.

    Raises:
        HarnessError: the decoder can't be started; no sample has such a name or feature.
        DocumentError: the corpus is not what its manifest says.
        OSError: a file of it can't be read.
    """
    skip, known, only = tuple(skip), tuple(known), tuple(only)
    without = frozenset(without)
    level = ComparisonLevel(level)
    wanted = chosen(manifest, only)
    _known_features(manifest, without)
    with_keys = dict(keyed or {})
    _known_kinds(with_keys)
    stop = threading.Event()
    decoder = BatchDecoder(command) if batch else Decoder(command)
    copies = tempfile.TemporaryDirectory(prefix="msl-samples-", ignore_cleanup_errors=True)
    place = Path(copies.name)
    prepare(manifest, place)
    trial = Trial(decoder, level, timeout, output_limit, stop, place, tuple(lacks), with_keys)
    one_at_a_time = threading.Lock()
    enough = threading.Event()

    def each(sample: Sample) -> Result:
        if enough.is_set():
            return Result(sample, SampleOutcome.SKIPPED, reason=_BEHIND_THE_FIRST)
        result = _passed_over(manifest, sample, skip, without) or trial.run(manifest, sample)
        entry = first_match(known, sample.name)
        if result.failed and entry is not None:
            reason = entry.reason
            result = replace(
                result, outcome=SampleOutcome.KNOWN, failure=result.outcome, reason=reason
            )
        if first and result.failed:
            enough.set()
        if progress is not None:
            with one_at_a_time:
                progress(result)
        return result

    pool = ThreadPoolExecutor(jobs or os.cpu_count() or 1)
    waiting: list[Future[Result]] = []
    try:
        waiting = [pool.submit(each, sample) for sample in wanted]
        results = tuple(future.result() for future in waiting)
    finally:
        stop.set()  # after a failure, or ^C, what still runs is killed
        pool.shutdown(cancel_futures=True)
        decoder.close()
        copies.cleanup()
    stale = _stale(manifest, results, skip, known)
    return Results(command, level, timeout, results, stale)


def chosen(manifest: Manifest, only: tuple[str, ...]) -> list[Sample]:
    """The samples that a run is narrowed to; all of them if `only` is empty.

    Args:
        manifest: the corpus.
        only: names, or patterns of names.

    Raises:
        HarnessError: the corpus has no samples, or none has such a name.
    """
    if not len(manifest):
        raise HarnessError(f"{manifest.folder}: the corpus has no samples")
    if not only:
        return list(manifest)
    for pattern in only:
        if not any(Entry(pattern).matches(sample.name) for sample in manifest):
            raise HarnessError(f"no sample is called {pattern}; msl samples list shows the names")
    return [s for s in manifest if any(Entry(pattern).matches(s.name) for pattern in only)]


def _known_kinds(keyed: Mapping[str, str]) -> None:
    for kind, command in keyed.items():
        if kind not in KINDS:
            raise HarnessError(f"there are keys of the kinds {', '.join(KINDS)}, found {kind!r}")
        if KEY_PLACE not in command:
            raise HarnessError(f"the command for keys of kind {kind} does not say {KEY_PLACE}")
        Decoder(command)


def _known_features(manifest: Manifest, without: frozenset[str]) -> None:
    there = sorted({feature for sample in manifest for feature in sample.features})
    for feature in sorted(without):
        if feature not in there:
            raise HarnessError(
                f"no sample has the feature {feature!r}; there are {', '.join(there) or 'none'}"
            )


def _passed_over(
    manifest: Manifest, sample: Sample, skip: tuple[Entry, ...], without: frozenset[str]
) -> Result | None:
    """The result of a sample that is not run."""
    entry = first_match(skip, sample.name)
    if entry is not None:
        return Result(sample, SampleOutcome.SKIPPED, reason=entry.reason)
    missing = [feature for feature in sample.features if feature in without]
    if missing:
        return Result(sample, SampleOutcome.NOT_SUPPORTED, reason=f"without {', '.join(missing)}")
    if not sample.stored and not (manifest.folder / sample.file).exists():
        return Result(
            sample, SampleOutcome.SKIPPED, reason="not in the folder: it has to be generated"
        )
    return None


def _stale(
    manifest: Manifest,
    results: tuple[Result, ...],
    skip: tuple[Entry, ...],
    known: tuple[Entry, ...],
) -> tuple[Stale, ...]:
    """Entries that mean no sample, and known differences of which none is left."""
    found = [
        Stale(entry.pattern, entry.source, "no sample is called so")
        for entry in (*skip, *known)
        if not any(entry.matches(sample.name) for sample in manifest)
    ]
    for entry in known:
        ran = [r.outcome for r in results if entry.matches(r.sample.name)]
        ran = [
            one for one in ran if one not in (SampleOutcome.SKIPPED, SampleOutcome.NOT_SUPPORTED)
        ]
        if ran and not any(one is SampleOutcome.KNOWN or one in FAILURES for one in ran):
            found.append(Stale(entry.pattern, entry.source, "known to fail, but passes"))
    return tuple(found)
