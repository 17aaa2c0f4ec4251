"""verify, check, the stream reader and an independent judge say the same of the same file.

Over the whole corpus, foreign files and mutants; ``MSL_AGREE`` says how many mutants.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from independent.decode import NotMsl
from independent.judge import Judged, judge
from mutations import mutated
from sampling import part_of, subject
from test_fuzz import Pipe, pool, samples

import msl_construct
from msl_construct.errors import MslError
from msl_construct.reader.regions import fragment_of
from msl_construct.reader.stream import PassingDump
from msl_construct.rules import Check, Level
from msl_construct.rules.engine import gaps

MUTANTS = int(os.environ.get("MSL_AGREE", "400"))
SHARDS = 20
INFLATE = 1 << 16
FOLDER = Path(__file__).parents[1] / "samples"
DATA = Path(__file__).parent / "data"
SAME = {
    "chain": {"MSL-4.4-PREV-HASH-MISMATCH"},
    "file_hash": {"MSL-4.5-FILE-HASH-MISMATCH"},
    "block_count": {"MSL-3-BLOCK-COUNT-MISMATCH", "MSL-4.5-BLOCK-COUNT-MISMATCH"},
}
LATER = ("is not known", "PayloadVersion")
"""What is a gap for whoever judges a file by a draft, and none for whoever hashes it."""


def agree(data: bytes) -> None:
    """Hold everybody who says something of a file against each other."""
    options: Any = {"dialect": "none", "max_inflate": INFLATE}
    try:
        dump = msl_construct.open(data, **options)
    except MslError:
        return
    if dump.header.encrypted:
        return
    verdict = dump.verify()
    under_way = Check(dump)
    found = list(under_way)
    counting = {f.rule.id for f in found if f.rule.level is Level.MUST}
    missing = [*gaps(dump), *under_way.unchecked]
    # verify and check
    for kind, rules in SAME.items():
        said = [f for f in verdict.findings if f.kind == kind]
        readable = kind != "file_hash" or not all("found none" in f.text for f in said)
        if readable:
            assert bool(said) == bool(counting & rules), kind
    if verdict.findings:
        assert counting, "not intact for verify, fine for check"
    if verdict.gaps:
        assert counting or missing, "a gap for verify, fine for check"
    if any(not any(word in gap for word in LATER) for gap in missing):
        assert verdict.gaps or verdict.findings, "a gap for check, fine for verify"
    # inspect
    for block in dump.blocks:
        block.hold()
    if dump.problems.unread:
        assert any(gap.kind == "not_inflated" for gap in verdict.gaps)
        assert {gap.block for gap in verdict.gaps} >= dump.problems.unread
    # the stream reader
    with PassingDump(Pipe(data), **options) as passing:
        streamed = passing.verify()
    assert (streamed.findings, streamed.gaps) == (verdict.findings, verdict.gaps)
    assert (streamed.intact, streamed.file_hash) == (verdict.intact, verdict.file_hash)
    # an independent judge
    try:
        independent = judge(data)
    except NotMsl:
        return
    compare(dump, verdict, independent)


def compare(dump: Any, verdict: Any, independent: Judged) -> None:
    at: dict[str, list[int]] = {}
    for one in (*verdict.findings, *verdict.gaps):
        at.setdefault(one.kind, []).append(one.block)
    assert verdict.blocks == independent.blocks
    assert (dump.trailing.length if dump.trailing is not None else 0) == independent.left
    assert (dump.end_of_capture is not None) == independent.ended
    assert at.get("chain", []) == independent.links
    assert sorted(set(at.get("file_hash", [])) & set(independent.closings)) == independent.closings
    assert ("hash_algo" in at) == independent.unknown_hash
    unsure = independent.unsure
    assert set(at.get("not_inflated", [])) - unsure == independent.not_inflated
    short = set()
    for block in dump.blocks:
        fragment = fragment_of(block) if block.key == "memory_region" else None
        if fragment is not None and (fragment.damaged or fragment.missing):
            short.add(block.index)
    # Of what does not inflate to its end a listing sees the beginning, and the other judge nothing.
    unsure = unsure | independent.not_inflated
    assert short - unsure == independent.short - unsure


@pytest.mark.parametrize("shard", range(SHARDS))
def test_over_the_corpus(shard: int) -> None:
    files = [*sorted(FOLDER.glob("**/*.msl")), *sorted(DATA.glob("**/*.msl"))]
    for path in part_of(files, lambda path: subject(path.stem))[shard::SHARDS]:
        try:
            agree(path.read_bytes())
        except AssertionError as error:
            raise AssertionError(f"{path}: {error}") from error


def test_over_files_of_others() -> None:
    for data in samples():
        agree(data)


@pytest.mark.parametrize("shard", range(SHARDS))
def test_over_mutants(shard: int) -> None:
    for number in part_of(range(shard, MUTANTS, SHARDS)):
        seed = f"agree:{number}"
        try:
            agree(mutated(seed, pool(), samples()))
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error
