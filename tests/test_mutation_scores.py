"""How much the rules notice of faulty files and the corpus of faulty schemas, and that it counts.

The engine is in `benchmarks/mutation`. It is tried on files of `independent.wire`; the scores
are those of the sample corpus.
"""

from __future__ import annotations

import random
import struct
import sys
from collections.abc import Iterable
from itertools import islice

import pytest
import rules_files
from commands import PLACE
from independent.hashing import digest
from independent.specimens import BE10, LE10, LE11, Kind
from sampling import part_of, sampled

from msl_construct.drafts import DRAFTS, schema
from msl_construct.rules import Rule, rules_for

sys.path.insert(0, str(PLACE / "benchmarks"))

from mutation import file_trial, repair, schema_trial, specimens, spots
from mutation.mutant import Mutant

CORPUS = PLACE / "samples"
FILES = 300


def as_read(**files: bytes) -> list[specimens.Specimen]:
    return specimens.as_read(files.items())


def live(kind: Kind = LE10, **header: object) -> bytes:
    plan = rules_files.live(kind)
    plan.header.update(header)
    return plan.build()


@pytest.fixture(scope="module")
def corpus() -> list[specimens.Specimen]:
    if not (CORPUS / "manifest.json").exists():
        pytest.skip("needs samples/manifest.json")
    return specimens.of_corpus(CORPUS)


@pytest.fixture(scope="module")
def mutants() -> list[Mutant]:
    return list(schema_trial.schema_mutants())


# -- the scores ------------------------------------------------------------------------------------


def test_the_corpus_notices_every_fault_of_the_schema(
    corpus: list[specimens.Specimen], mutants: list[Mutant]
) -> None:
    tried = part_of(mutants, lambda mutant: (mutant.operator, mutant.draft.name))
    score = schema_trial.Trial(corpus).run(tried)
    assert score.judged > len(tried) // 2
    assert [f"{mutant.text} | {mutant.lacks}" for mutant in score.survivors] == []


@sampled()
@pytest.mark.parametrize("seed", [1, 2])
def test_the_rules_notice_faults_of_valid_samples(
    corpus: list[specimens.Specimen], seed: int
) -> None:
    score = file_trial.run(corpus, seed=seed, count=FILES)
    assert score.judged > FILES // 2
    assert score.ratio >= 0.95, [mutant.text for mutant in score.survivors]


# -- faulty schemas --------------------------------------------------------------------------------


def chosen(mutants: Iterable[Mutant], operator: str, what: str, draft: str = "") -> list[Mutant]:
    found = [
        m
        for m in mutants
        if m.operator == operator and m.what == what and m.draft.name.endswith(draft)
    ]
    assert found
    return found


def test_a_value_that_no_sample_has_survives(mutants: list[Mutant]) -> None:
    tried = chosen(mutants, "code-removed", "no QueryPerformanceCounter", "03")
    files = {"one": live(clock_source=1), "other": live(clock_source=3)}
    assert schema_trial.Trial(as_read(**files)).run(tried).survivors == []
    del files["other"]
    (survivor,) = schema_trial.Trial(as_read(**files)).run(tried).survivors
    assert survivor.lacks == "ClockSource QueryPerformanceCounter"


def test_a_structure_that_no_sample_has_survives(mutants: list[Mutant]) -> None:
    tried = [
        m for m in mutants if m.structures[:1] == (("block", 0x0030),) and m.draft.version == 256
    ]
    files = {"live": live(), "imported": rules_files.imported(LE10).build()}
    some = schema_trial.Trial(as_read(**files)).run(tried)
    del files["imported"]
    none = schema_trial.Trial(as_read(**files)).run(tried)
    assert some.killed > 50
    assert none.killed == 0


def test_byte_order_is_told_in_either(mutants: list[Mutant]) -> None:
    tried = [m for m in mutants if m.operator == "byte-order" and m.where == "File Header.PID"]
    for kind in (LE10, BE10):
        score = schema_trial.Trial(as_read(one=live(kind))).run(tried[:1])
        assert (score.killed, score.judged) == (1, 1)


def test_a_corpus_that_is_not_read_as_expected_is_refused() -> None:
    (one,) = as_read(one=live())
    assert one.expected is not None
    one.expected["header"]["pid"] += 1
    with pytest.raises(ValueError, match="one: not read as"):
        schema_trial.Trial([one]).run([])


def test_the_schema_is_what_it_was_afterwards(mutants: list[Mutant]) -> None:
    before = dict(DRAFTS), schema()
    schema_trial.Trial(as_read(one=live())).run(random.Random(1).sample(mutants, 50))
    assert (dict(DRAFTS), schema()) == before


def test_both_drafts_are_mutated_in_every_way(mutants: list[Mutant]) -> None:
    for operator in {m.operator for m in mutants} - {"choice", "chain", "encryption"}:
        assert {m.draft.name for m in mutants if m.operator == operator} == set(DRAFTS), operator
    assert len({m.text for m in mutants}) == len(mutants)


def test_what_no_file_can_show_is_told_from_what_one_can(mutants: list[Mutant]) -> None:
    equivalent = [m for m in mutants if not m.stillborn and m.equivalent]
    assert {(m.operator, m.structures[0][0]) for m in equivalent} == {
        ("optional-tail", "file_header"),
        ("optional-tail", "block_header"),
        ("optional-tail", "encryption_header"),
    }
    reserved = [m for m in mutants if m.operator == "fields-swapped" and "Reserved2" in m.where]
    assert reserved
    assert not any(m.equivalent for m in reserved)


def test_a_length_behind_what_it_measures_is_no_declaration(mutants: list[Mutant]) -> None:
    (first, *_) = [
        m
        for m in mutants
        if m.operator == "fields-swapped" and m.where == "Process Identity.ExePathLen, ExePath"
    ]
    assert first.stillborn


# -- faulty files ----------------------------------------------------------------------------------


def without(*ids: str) -> file_trial.Rules:
    def rules(draft: str) -> list[Rule]:
        kept = [rule for rule in rules_for(draft) if rule.id not in ids]
        assert len(kept) < len(rules_for(draft))
        return kept

    return rules


@sampled()
@pytest.mark.parametrize(
    ("rule", "operator"),
    [
        ("MSL-4.1-BLOCK-UUID-REPEATED", "block-repeated"),
        ("MSL-4.1-BLOCK-HEADER-RESERVED-NOT-ZERO", "bit"),
        ("MSL-4.4-PREV-HASH-MISMATCH", "any-bit"),
    ],
)
def test_a_rule_less_leaves_survivors(rule: str, operator: str) -> None:
    files = as_read(one=live(), other=rules_files.imported(LE10).build())
    # Without the chain, FileHash still tells.
    rules = without(rule, "MSL-4.5-FILE-HASH-MISMATCH")
    score = file_trial.run(files, seed=3, count=1500, rules=rules)
    every = file_trial.run(files, seed=3, count=1500)
    assert every.judged == score.judged
    more = {m.text for m in score.survivors} - {m.text for m in every.survivors}
    assert any(f": {operator}, " in text for text in more)


def test_a_seed_gives_the_same_mutants() -> None:
    from mutation.file_mutants import file_mutants

    files = as_read(one=live())
    texts = [[m.text for m in islice(file_mutants(files, seed), 60)] for seed in (5, 5, 6)]
    assert texts[0] == texts[1] != texts[2]


@pytest.mark.parametrize("kind", [LE10, BE10, LE11])
def test_hashes_are_made_right_again_and_nothing_else(kind: Kind) -> None:
    data = live(kind)
    assert repair.repaired(data) == data
    bent = bytearray(data)
    bent[0x34] ^= 1  # PID
    first = 64
    found = repair.repaired(bytes(bent))
    assert found is not None
    assert found[first + 0x30 : first + 0x50] == digest("blake3", bytes(bent[:64]))
    (length,) = struct.unpack_from(kind.order + "I", data, first + 8)
    second = first + length
    assert found[second + 0x30 : second + 0x50] == digest("blake3", found[first:second])
    end = len(data) - 80 - 48
    assert found[end + 80 : end + 112] == digest("blake3", found[:end])
    others = [i for i in range(len(data)) if found[i] != data[i]]
    assert set(others) - {0x34} <= {
        *range(first + 0x30, first + 0x50),
        *range(second + 0x30, end + 112),
    }


def test_a_segment_is_made_right_again() -> None:
    data = rules_files.extended(LE11).build()
    assert repair.repaired(data) == data


@pytest.mark.parametrize(
    ("offset", "new", "structural"),
    [
        (0x18, b"\xff", False),  # DumpUUID, a random byte
        (0x1E, b"\x14", True),  # its version
        (0x28, b"\xff", False),  # Timestamp
        (0x30, b"\x02", False),  # OSType: macOS
        (0x30, b"\x0a", True),  # OSType: reserved
        (0x31, b"\x01", False),  # OSType: of a vendor
        (0x34, b"\xff", False),  # PID
        (0x38, b"\x05", True),  # ClockSource: reserved
        (0x39, b"\x01", True),  # Reserved
        (0x10, b"\x40", True),  # CapBitmap
        (0x09, b"\x41", True),  # HeaderSize
        (0x0A, b"\x01", True),  # Version
        (0x40 + 0x10, b"\xff", False),  # BlockUUID that nobody refers to
        (0x40 + 0x20, b"\xff", True),  # ParentUUID: none
        (0x40 + 0x08, b"\xff", True),  # BlockLength
        (0x40 + 0x50, b"\xff", False),  # PPID
        (0x40 + 0x50 + 0x10, b"\xff", True),  # ExePathLen
        (0x40 + 0x50 + 0x14, b"\xff", True),  # Reserved
        (0x40 + 0x50 + 0x18, b"X", False),  # ExePath
        (0x40 + 0x50 + 0x18, b"\xff", True),  # ExePath: no UTF-8
        (0x40 + 0x50 + 0x18, b"\0", True),  # ExePath: a NUL inside
    ],
)
def test_what_is_structural(offset: int, new: bytes, structural: bool) -> None:
    data = live(os_type=1, clock_source=1)
    assert data[offset : offset + 1] != new
    changed = data[:offset] + new + data[offset + 1 :]
    assert spots.Spots(data).structural(changed) == structural


def test_every_byte_of_a_file_is_somewhere() -> None:
    for data in (live(LE10), live(LE11), rules_files.investigation(LE11).build()):
        covered = bytearray(len(data))
        found = spots.Spots(data)
        for spot in found.all:
            assert not any(covered[spot.offset : spot.end]), spot.name
            covered[spot.offset : spot.end] = b"\1" * spot.width
        opaque = [
            place for place, key in zip(found.blocks, found.keys) if key in ("system_context",)
        ]
        for offset, length in opaque:
            covered[offset + 80 : offset + length] = b"\1" * (length - 80)
        assert all(covered)


def test_blocks_in_another_order() -> None:
    from mutation.rearranged import Blocks

    found = Blocks(spots.Spots(live(LE11)))
    rng = random.Random(7)
    swaps = {(s.what, s.free) for s in (found.swapped(rng) for _ in range(300)) if s is not None}
    assert ("thread_context and thread_context swapped", True) in swaps
    assert ("process_identity and module_list_index swapped", False) in swaps
    assert ("thread_context and memory_region swapped", False) in swaps
    assert {free for what, free in swaps if "end_of_capture" in what} == {False}
