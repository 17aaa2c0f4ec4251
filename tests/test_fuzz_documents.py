"""Mutated documents by the thousand: a file, or a `DocumentError` of one line, and nothing else.

MSL_FUZZ sets how many there are in all; a failure names its seed, and
``MSL_FUZZ_SEED=3:17`` runs that document alone.
"""

from __future__ import annotations

import io
import os
import tracemalloc
from functools import lru_cache
from pathlib import Path

import pytest
from comparing import text_of
from document_mutations import mutated_document
from hypothesis import given
from hypothesis import strategies as st
from independent.specimens import KINDS, LE11, capture, one, typical_payloads
from sampling import part_of
from test_fuzz import DEADLINE, deadline

from msl_construct.document.build import build
from msl_construct.document.load import load
from msl_construct.errors import DocumentError

DOCUMENTS = int(os.environ.get("MSL_FUZZ", "1500"))
SHARDS = 20
MEMORY = 24 << 20
MEMORY_PER_CHARACTER = 60
MEMORY_EVERY = 5  # tracing costs, so only each fifth document is measured
LONGEST_MESSAGE = 2000


@lru_cache(maxsize=1)
def pool() -> tuple[str, ...]:
    whole = [capture(kind).data() for kind in KINDS]
    parts = [one(LE11, *typical) for typical in typical_payloads(LE11).values()]
    forms = ("yaml", "json", "ndjson")
    texts = [text_of(data, form, with_data=True) for data in whole for form in forms]
    return (*texts, *(text_of(data, forms[n % 3], with_data=True) for n, data in enumerate(parts)))


def attempt(text: str) -> DocumentError | None:
    try:
        size = build(load(io.StringIO(text)), file := io.BytesIO())
        assert size == len(file.getvalue())
    except DocumentError as error:
        return error
    return None


def check(text: str, *, measured: bool) -> bool:
    """Whether a document was refused, as it must be."""
    if measured:
        tracemalloc.start()
    try:
        with deadline(DEADLINE):
            error = attempt(text)
        if measured:
            peak = tracemalloc.get_traced_memory()[1]
            allowed = MEMORY + MEMORY_PER_CHARACTER * len(text)
            assert peak <= allowed, f"{peak} bytes in use for {len(text)} characters"
    finally:
        if measured:
            tracemalloc.stop()
    if error is not None:
        said = str(error)
        assert said.isprintable(), said
        assert len(said) <= LONGEST_MESSAGE, f"{len(said)} characters"
        assert error.line is not None, said
        assert 1 <= error.line <= text.count("\n") + 1, said
    return error is not None


def run_one(seed: str, number: int, folder: Path) -> bool:
    text = mutated_document(seed, pool())
    try:
        return check(text, measured=number % MEMORY_EVERY == 0)
    except BaseException as error:
        path = folder / f"fuzz-{seed.replace(':', '-')}.txt"
        path.write_text(text, encoding="utf-8", errors="surrogatepass")
        raise AssertionError(f"fuzz seed {seed}: {error!r}, kept as {path}") from error


@pytest.mark.parametrize("shard", range(SHARDS))
def test_mutated_documents(shard: int, tmp_path: Path) -> None:
    for number in part_of(range(DOCUMENTS // SHARDS + (shard < DOCUMENTS % SHARDS))):
        run_one(f"{shard}:{number}", number, tmp_path)


@pytest.mark.skipif("MSL_FUZZ_SEED" not in os.environ, reason="MSL_FUZZ_SEED names one document")
def test_one_seed(tmp_path: Path) -> None:
    run_one(os.environ["MSL_FUZZ_SEED"], 0, tmp_path)


def test_mutations_reach_both_ends() -> None:
    """The fuzz is worth something only if some documents still build and most do not."""
    refused = sum(check(mutated_document(f"reach:{n}", pool()), measured=False) for n in range(100))
    assert 30 < refused < 95


@given(st.text(max_size=200))
def test_any_text(text: str) -> None:
    check(text, measured=False)


@given(st.integers(0, 10**6), st.text(max_size=5), st.integers(0, 5), st.data())
def test_any_text_inside_of_a_document(
    at: int, inside: str, less: int, data: st.DataObject
) -> None:
    text = data.draw(st.sampled_from(pool()))
    at %= len(text) + 1
    check(text[:at] + inside + text[at + less :], measured=False)


@pytest.mark.parametrize("text", ["{;", "{? ", "a: [", "? ", "- ", "header: {a", "a:\n ? "])
def test_what_ends_too_early_is_in_its_last_line(text: str) -> None:
    check(text, measured=False)
