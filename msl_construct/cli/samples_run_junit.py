"""The results of a run as JUnit XML: a suite for each kind of sample, a case for each sample."""

from __future__ import annotations

from collections.abc import Iterator

from ..harness import Result, Results, SampleOutcome
from .junit import DECLARATION, case, content, quoted
from .samples_run_text import happened, reproduce

__all__ = ["junit"]

_NOT_COUNTED = (SampleOutcome.KNOWN, SampleOutcome.SKIPPED, SampleOutcome.NOT_SUPPORTED)


def junit(results: Results, *, folder_stays: bool) -> Iterator[str]:
    """The file, piece by piece.

    What is known, skipped or not supported is skipped, with the reason; stale entries of
    lists are failures of a suite of their own.
    """
    yield f'{DECLARATION}<testsuites name="msl samples run">\n'
    kinds = dict.fromkeys(result.sample.kind for result in results)
    for kind in kinds:
        inside = [result for result in results if result.sample.kind is kind]
        failures = sum(result.failed for result in inside)
        skipped = sum(result.outcome in _NOT_COUNTED for result in inside)
        seconds = sum(result.seconds for result in inside)
        yield _suite(kind.value, len(inside), failures, skipped, seconds)
        for result in inside:
            within = _within(result, results, folder_stays)
            suite = f"{kind.value}.{result.sample.draft}"
            yield case(suite, result.sample.name, within, seconds=result.seconds)
        yield "</testsuite>\n"
    if results.stale:
        yield _suite("lists", len(results.stale), len(results.stale), 0, 0.0)
        for entry in results.stale:
            failure = f'<failure message={quoted(entry.why)} type="stale"/>'
            yield case("lists", f"{entry.source}: {entry.pattern}", failure)
        yield "</testsuite>\n"
    yield "</testsuites>\n"


def _suite(name: str, tests: int, failures: int, skipped: int, seconds: float) -> str:
    return (
        f'<testsuite name={quoted(name)} tests="{tests}" failures="{failures}" errors="0" '
        f'skipped="{skipped}" time="{seconds:.3f}">\n'
    )


def _within(result: Result, results: Results, folder_stays: bool) -> str:
    if result.outcome in _NOT_COUNTED:
        words = [result.outcome.value]
        if result.failure is not None:
            words.append(result.failure.value)
        if result.reason:
            words.append(result.reason)
        return f"<skipped message={quoted(': '.join(words))}/>"
    if not result.failed:
        return ""
    said = list(happened(result))
    lines = [*said, reproduce(result, results, folder_stays)]
    message = quoted(said[0] if said else result.outcome.value)
    failure = f"<failure message={message} type={quoted(result.outcome.value)}>"
    text = f"{failure}{content(lines)}</failure>"
    if result.stderr:
        text += f"<system-err>{content(result.stderr.splitlines())}</system-err>"
    return text
