"""The sample corpus: made again byte for byte, and right by other measures than the package's.

Expected documents are held against a decoder that shares no code with the package, page data
against the file's own bytes, streams against the codecs.
"""

from __future__ import annotations

import base64
import io
import json
import struct
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import commands
import lz4.block
import pytest
import zstandard
from comparing import assert_same
from independent.decode import NotMsl, decode
from independent.dialects import in_dialect
from independent.hashing import digest

import msl_construct
from msl_construct.corpus import Consumer, Kind, Manifest, Sample
from msl_construct.corpus.base_plans import live
from msl_construct.corpus.features import FEATURES, TYPE
from msl_construct.corpus.generate import CorpusError, made
from msl_construct.corpus.large import LARGE
from msl_construct.corpus.plan import forms_of
from msl_construct.corpus.recipe import Recipe, Where, field_of, payload_at
from msl_construct.corpus.recipes import fixed_recipes
from msl_construct.corpus.stream_table import STREAMS
from msl_construct.document.build import build
from msl_construct.document.load import load
from msl_construct.drafts import DRAFTS, PUBLIC
from msl_construct.errors import NoFieldError
from msl_construct.rules import check, rules_for

FORMS = forms_of(*PUBLIC)

FOLDER = Path(__file__).parents[1] / "samples"
CORPUS = Manifest.load(FOLDER)
STORED = [sample for sample in CORPUS if sample.stored]
READABLE = [sample for sample in STORED if sample.document]
KEYED = [s for s in STORED if s.key is not None]
BEFORE_THE_DRAFTS = "before-first-draft"
"""Of the sample that no reader must know; its dialect's layouts are held by hand elsewhere."""

TURNED = "BYTE-ORDER-NOT-AS-STATED"
"""Of the sample whose header is misread by all who believe what it says of the byte order."""

EITHER_ANSWER = ("two-frames", "STREAM-SURPLUS")
"""Bytes behind a whole zstd frame: the frame holds the payload all the same, so a decoder may
show it or call it damaged."""


def expected(sample: Sample) -> dict[str, Any]:
    found = CORPUS.expected(sample)
    assert found is not None
    return found


def without_data(value: Any) -> Any:
    """A document as it is without --with-data."""
    if isinstance(value, dict):
        return {k: without_data(v) for k, v in value.items() if k != "data"}
    return [without_data(item) for item in value] if isinstance(value, list) else value


def blocks_of(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from document["blocks"]
    for segment in document["segments"]:
        yield from segment["blocks"]


# -- the files -------------------------------------------------------------------------------------


def test_a_place_in_another_structure_is_no_defect() -> None:
    plan = live(FORMS[0])
    assert payload_at(plan, "hint", "key_len").offset > field_of(plan, "hint", "flags").offset
    with pytest.raises(NoFieldError, match="Block Header has no field key_len: `field_of` names"):
        field_of(plan, "hint", "key_len")
    with pytest.raises(NoFieldError, match="Key Hint has no field flags"):
        payload_at(plan, "hint", "flags")


def test_the_manifest_lists_what_is_there() -> None:
    files = {s.file for s in STORED} | {s.document_file for s in READABLE}
    files |= {s.opened_file for s in KEYED}
    there = {f"{kind.value}/{p.name}" for kind in Kind for p in (FOLDER / kind.value).iterdir()}
    assert there == files
    assert [s.name for s in CORPUS] == sorted(s.name for s in CORPUS)


def test_sizes_and_hashes() -> None:
    for sample in STORED:
        data = CORPUS.data(sample)
        assert (len(data), digest("blake3", data).hex()) == (sample.size, sample.blake3)


def test_most_are_small() -> None:
    sizes = [sample.size for sample in STORED if sample.size is not None]
    assert sum(size <= 8192 for size in sizes) > 0.95 * len(sizes)


def test_no_byte_depends_on_the_machines_byte_order(monkeypatch: pytest.MonkeyPatch) -> None:
    other = "big" if sys.byteorder == "little" else "little"
    monkeypatch.setattr(sys, "byteorder", other)
    for recipe in list(fixed_recipes(FORMS))[::25]:
        each = made(recipe)
        assert each.data == (FOLDER / each.sample.file).read_bytes()


# -- what is in them -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", Kind)
def test_documents_are_what_an_independent_decoder_reads(kind: Kind) -> None:
    for sample in READABLE:
        if BEFORE_THE_DRAFTS in sample.name or TURNED in sample.name:
            with pytest.raises(NotMsl):
                decode(CORPUS.data(sample))
        elif sample.kind is kind and not any(word in sample.name for word in EITHER_ANSWER):
            want = without_data(expected(sample))
            dialect = want["format"]["dialect"]
            got = decode(CORPUS.data(sample), Path(sample.file).name)
            if dialect is not None:
                got = in_dialect(CORPUS.data(sample), got, dialect)
                for key in ("producer", "recognised_by"):  # in words of our own
                    assert want["format"].pop(key)
            assert_same(got, want, sample.name)


def test_the_sample_whose_header_says_the_other_byte_order() -> None:
    (sample,) = (one for one in CORPUS if TURNED in one.name)
    data = bytearray(CORPUS.data(sample))
    assert struct.unpack_from("<BBH", data, 8) == (2, 64, 0x0100)
    data[8] = 1
    got, want = decode(bytes(data), "mended"), expected(sample)
    assert [one["block_type"] for one in want["blocks"]] == [
        "process_identity", "module_list_index", "end_of_capture",
    ]  # fmt: skip
    assert want["blocks"][:2] == got["blocks"][:2]


def test_the_sample_from_before_the_drafts() -> None:
    """By hand: its region counts its pages, of which two are there."""
    (sample,) = (one for one in CORPUS if BEFORE_THE_DRAFTS in one.name)
    data = CORPUS.data(sample)
    assert struct.unpack_from("<4sHHIHH", data, 64) == (b"MSLC", 1, 0, 2168, 0, 0)
    region = struct.unpack_from("<QQBBHIQB", data, 144)
    assert region[2:6] == (3, 1, 1024, 4)
    assert region[7] == 0b00010010  # captured, failed, captured, unmapped
    document = expected(sample)
    shown = document["blocks"][0]["payload"]
    assert (shown["base_addr"], shown["region_size"]) == (hex(region[0]), region[1])
    assert (shown["page_data"]["offset"], shown["page_data"]["length"]) == ("0xb8", 2048)
    assert base64.b64decode(shown["page_data"]["data"]) == data[184 : 184 + 2048]
    assert data[184:190] == b"page 0"


def test_an_independent_decoder_refuses_what_must_be_refused() -> None:
    refused = [s for s in STORED if s.verdict.consumer is Consumer.REJECT_FILE]
    assert len(refused) > 10
    for sample in refused:
        if "major" in sample.name:
            continue  # the decoder knows no versions: whether to refuse is a SHOULD
        with pytest.raises(NotMsl):
            decode(CORPUS.data(sample), sample.file)


def inflated(algorithm: str, stream: bytes, size: int) -> bytes:
    if algorithm == "zstd":
        return zstandard.ZstdDecompressor().decompress(stream)
    return bytes(lz4.block.decompress(stream))


def test_page_data_is_what_stands_in_the_file() -> None:
    seen: Counter[bool] = Counter()
    for sample in READABLE:
        file = CORPUS.data(sample)
        for block in blocks_of(expected(sample)):
            data = block["payload"].get("page_data")
            if data is None or "damage" in block:
                continue
            start = int(data["offset"], 16)
            source, compression = file, block.get("compression")
            if compression is not None:
                stream = base64.b64decode(compression["data"])
                assert stream in file
                size = compression["uncompressed_size"]
                source = inflated(compression["algorithm"], stream, size)
                assert len(source) == size
            seen[compression is not None] += 1
            shown = base64.b64decode(data["data"])
            assert shown == source[start : start + data["length"]], sample.name
    assert min(seen[True], seen[False]) > 10


def test_streams_inflate_to_what_they_stand_for() -> None:
    for key, stream in STREAMS.items():
        codec, _, stated = key.partition("-")
        payload = inflated(codec, bytes.fromhex(stream), 0)
        assert digest("blake3", payload).hex()[:16] == stated


def test_built_from_their_documents_they_are_the_same_files() -> None:
    for sample in READABLE:
        out = io.BytesIO()
        build(load(io.StringIO(json.dumps(expected(sample)))), out)
        assert out.getvalue() == CORPUS.data(sample), sample.name


# -- what the rules find ---------------------------------------------------------------------------


def findings(sample: Sample) -> list[tuple[str, int | None]]:
    broken = sample.verdict.rules and sample.key is not None  # what nobody without it sees
    key = sample.key.data if broken and sample.key is not None else None
    with msl_construct.open(FOLDER / sample.file, key=key) as dump:
        return [(finding.rule.id, finding.found.offset) for finding in check(dump)]


def test_findings_are_those_of_the_verdicts() -> None:
    for sample in READABLE:
        found = findings(sample)
        assert tuple(rule for rule, _ in found) == sample.verdict.rules, sample.name
        assert (found[0][1] if found else None) == sample.verdict.offset, sample.name


def test_nobody_must_accept_what_is_damaged() -> None:
    # Where it stands makes no difference: a segment's block may be refused as any other.
    damaged = [s for s in READABLE if any("damage" in one for one in blocks_of(expected(s)))]
    assert len(damaged) > 100
    assert any("END-OF-EXTENSION-TOO-SHORT" in sample.name for sample in damaged)
    for sample in damaged:
        assert sample.verdict.consumer is not Consumer.ACCEPT, sample.name


def test_an_invalid_sample_breaks_the_rule_in_its_name_and_its_base_does_not() -> None:
    for sample in READABLE:
        if sample.kind is Kind.INVALID:
            (rule,) = sample.verdict.rules
            name = sample.name.removeprefix("invalid/")
            assert name.startswith((f"{rule}-10-", f"{rule}-11-", f"{rule}--"))
            assert sample.base is not None
            base = CORPUS.sample(sample.base)
            assert base.draft == sample.draft
            assert rule not in base.verdict.rules
            assert base.kind is Kind.VALID


def test_every_rule_has_a_sample_that_breaks_it_in_each_of_its_drafts() -> None:
    broken = {(rule, s.draft) for s in CORPUS for rule in s.verdict.rules if s.kind is Kind.INVALID}
    held = {(r.id, draft) for draft in DRAFTS for r in rules_for(draft) if r.judges_files}
    missing = sorted(" in ".join(pair) for pair in held - broken)
    assert not missing, (
        f"no fault in msl_construct/corpus/faults_*.py breaks {missing}; with one, run "
        "msl samples generate -o samples"
    )


def test_valid_samples_break_no_rule_unless_they_are_of_later_versions() -> None:
    breaking = {s.name.rpartition("/")[2][:-6] for s in CORPUS.of(Kind.VALID) if s.verdict.rules}
    assert breaking == {
        "later-block-types",
        "later-payload-versions",
        "later-region-type",
        "later-minor-version",
        "later-header-size",
        "later-header-fields",
        "end-absent",
        "header-alone",
        "blocks-behind-end",
        "end-of-40-bytes",
        "segment-and-trailing",
    }


EXPLAINED = (
    "system-context-aligned",
    "module-without-blob-len",
    "thread-and-no-modules",
    BEFORE_THE_DRAFTS,
)
"""Samples that break a rule of the draft, and whose dialect explains it."""


def test_questionable_samples_ask_something() -> None:
    for sample in CORPUS:
        assert (sample.kind is Kind.QUESTIONABLE) == (sample.question is not None)
        if sample.question is not None:
            assert "?" in sample.question
            # What a dialect explains is in doubt as well: two producers, two layouts.
            explained = any(name in sample.name for name in EXPLAINED)
            ours = [rule for rule in sample.verdict.rules if rule.startswith("MSLX-")]
            assert explained or ours == list(sample.verdict.rules)


def test_exit_codes_are_those_of_inspect() -> None:
    for sample in STORED[::40]:
        ended = commands.run("inspect", "--json", sample.file, folder=FOLDER)
        assert ended.returncode == sample.verdict.exit, sample.name


def test_features_and_sentences_are_there() -> None:
    for sample in CORPUS:
        assert sample.shows.endswith("."), sample.name
        assert sample.shows[0].isupper() or not sample.shows[0].isalpha(), sample.name
        assert list(sample.features) == sorted(set(sample.features))
        assert ("be" in sample.features) == (sample.byte_order == "big")
    assert {form.name for form in FORMS} == {s.name[-5:] for s in CORPUS}


def test_every_feature_code_means_something_and_is_used() -> None:
    used = {code for sample in CORPUS for code in sample.features}
    assert {code for code in used if not code.startswith(TYPE)} == set(FEATURES)
    types = {kind.key.replace("_", "-") for d in DRAFTS.values() for kind in d.blocks}
    assert {code.removeprefix(TYPE) for code in used if code.startswith(TYPE)} == types - {
        "invalid"
    }


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("valid/live-11-le", "cont failed hints rel24 threads unmapped vas"),
        ("valid/live-10-be", "be cont failed hints rel24 unmapped"),
        ("valid/segment-compressed-11-le", "ext tables zst"),
        ("valid/page-sizes-captured-10-le", "failed multi pagesize zst"),
        ("valid/encrypted-11-le", "encrypted hdr128"),
        ("valid/all-not-resident-11-le", "notres"),
        ("invalid/MSL-3-HEADER-SIZE-NOT-AS-ENCRYPTED-11-le", "hdr128 threads"),
        ("invalid/MSL-5.1-MEMORY-REGION-VALUE-NOT-PERMITTED-10-le", "pagesize"),
        ("invalid/MSL-6-MEMORY-REGION-RESERVED-PAGE-STATE-10-le", "reserved-state"),
        ("invalid/MSL-9-IMPORTED-FLAG-MISSING-10-le", "failed"),
    ],
)
def test_features_are_what_is_in_the_file(name: str, codes: str) -> None:
    assert set(codes.split()) <= set(CORPUS.sample(name).features)


# -- recipes that are wrong ------------------------------------------------------------------------


@cache
def honest(name: str) -> Recipe:
    return next(recipe for recipe in fixed_recipes(FORMS) if recipe.name == name)


@pytest.mark.parametrize(
    ("name", "change", "complaint"),
    [
        ("valid/live-10-le", {"rules": ("MSL-4.4-PREV-HASH-MISMATCH",)}, "found \\[\\]"),
        ("valid/live-10-le", {"exit": 4}, "expected exit code 4, found 0"),
        ("valid/live-10-le", {"exit": 3}, "expected exit code 3, found 0"),
        ("valid/live-10-le", {"consumer": Consumer.REJECT_FILE}, "does not go with its document"),
        ("invalid/MSL-4.4-PREV-HASH-MISMATCH-10-le", {"rules": ()}, "PREV-HASH"),
        ("invalid/refuse-magic-10-le", {"exit": 0}, "can't be opened"),
    ],
)
def test_a_recipe_that_says_something_else_is_refused(
    name: str, change: dict[str, Any], complaint: str
) -> None:
    recipe = honest(name)
    with pytest.raises(CorpusError, match=complaint):
        made(Recipe(**{**vars(recipe), **change}))


def test_a_fault_elsewhere_than_the_recipe_says_is_refused() -> None:
    recipe = honest("invalid/MSL-4.4-PREV-HASH-MISMATCH-10-le")
    plan, where = recipe.make()
    assert where is not None
    moved = {**vars(recipe), "make": lambda: (plan, Where(where.block, where.offset + 1))}
    with pytest.raises(CorpusError, match="expected"):
        made(Recipe(**moved))


# -- on demand -------------------------------------------------------------------------------------


def test_large_ones_are_listed_and_not_stored() -> None:
    names = {f"valid/{each.name}-{each.form.name}" for each in LARGE}
    assert {sample.name for sample in CORPUS if not sample.stored} == names
