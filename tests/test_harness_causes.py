"""Decoders with one mistake each: what the report says of them, first of all.

``MSL_GOLDEN=write`` writes tests/golden/causes anew. Look at every change before keeping it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from harness_corpus import a_corpus, decoder
from seeded_decoder import MISTAKES

from msl_construct.cli.samples_run import RunDisplay
from msl_construct.cli.samples_run_text import lines
from msl_construct.cli.text import Style
from msl_construct.corpus import Manifest
from msl_construct.harness import Results, SampleOutcome, causes, run
from msl_construct.harness.kinds import DifferenceKind, kind_of

__all__ = ["a_corpus"]

HERE = Path(__file__).parent
GOLDEN = HERE / "golden" / "causes"
SAMPLES = HERE.parent / "samples"
PROGRAM = HERE / "seeded_decoder.py"
CHOSEN = tuple(
    f"valid/{name}-1?-?e"  # of each version, in each byte order
    for name in (
        "all-captured",
        "all-failed",
        "all-unmapped",
        "blocks-behind-end",
        "encrypted",
        "everything-zst",
        "fragments-of-two",
        "header-alone",
        "last-address",
        "later-block-types",
        "later-header-size",
        "later-minor-version",
        "later-payload-versions",
        "map-02-pages",
        "map-05-pages",
        "map-09-pages",
        "strings-absent",
        "strings-utf-8",
        "worked-example",
    )
)
IN_WORDS = {
    "byte-order": "Numbers have their bytes in the other order",
    "shifted-map": "Page states are off by one page",
    "no-continuation": "Continuation is ignored",
    "no-padding": "Padding is not passed over",
    "other-names": "Names of enumerations' codes are others",
    "texts-with-nul": "Texts end with the NUL",
    "stops-at-unknown": "Reading ends at block types that are unknown",
    "no-header-size": "HeaderSize is ignored",
    "flags-as-numbers": "Flags are shown as a number",
    "guids": "Words of UUIDs are swapped",
    "never-inflates": "Compressed payloads are read as they are stored",
    "failed-as-captured": "A state of pages is shown as another",
    "signed-addresses": "Numbers have a sign",
}


def shown(results: Results) -> str:
    text = "".join(f"{line}\n" for line in lines(results, Style(False), RunDisplay(True)))
    for word, name in ((str(SAMPLES), "samples"), (results.decoder, "DECODER")):
        text = text.replace(word, name)
    return text


def test_every_mistake_has_its_words() -> None:
    assert set(IN_WORDS) == set(MISTAKES)
    assert len(MISTAKES) == 13


@pytest.mark.parametrize("mistake", MISTAKES)
def test_the_first_cause_names_the_mistake(mistake: str) -> None:
    command = f"{sys.executable} {PROGRAM} {mistake}"
    manifest = Manifest.load(SAMPLES)
    results = run(manifest, command, only=CHOSEN, batch=True, jobs=1, timeout=60)
    first = causes(results)[0]
    assert IN_WORDS[mistake] in first.hint
    assert len(first.results) * 2 > len(results.failures), "most failures have this cause"
    assert first.smallest.sample.size == min(one.sample.size or 0 for one in first.results)
    assert SampleOutcome.CRASH not in first.outcomes
    path = GOLDEN / f"{mistake}.txt"
    if os.environ.get("MSL_GOLDEN") == "write":
        path.parent.mkdir(exist_ok=True)
        path.write_text(shown(results), encoding="utf-8")
    assert path.read_text(encoding="utf-8") == shown(results)


def test_a_decoder_says_the_same_in_a_batch_and_alone() -> None:
    command = f"{sys.executable} {PROGRAM} guids"
    manifest, only = Manifest.load(SAMPLES), ("valid/later-minor-*",)
    batch = run(manifest, command, only=only, batch=True)
    alone = run(manifest, f"{command} {{}}", only=only)
    assert [one.differences for one in batch] == [one.differences for one in alone]
    assert batch.failures


REFUSES_BIG_ENDIAN = """
if document and document["format"]["byte_order"] == "big":
    sys.stderr.write(f"{path}: version 0x0001 at {id(path)}\\n"); sys.exit(3)
"""


def test_what_only_failing_samples_have_is_named(corpus: Manifest, tmp_path: Path) -> None:
    (cause,) = causes(run(corpus, decoder(tmp_path, REFUSES_BIG_ENDIAN)))
    assert cause.what == "… version N at N"
    assert cause.hint.startswith("Every one is big-endian, and no such sample passes: Endianness")


ONE_NUMBER = """
for one in (document or {"blocks": []})["blocks"]:
    for of in [one["payload"], *one["payload"].get("entries", [])]:
        if "module_size" in of:
            of["module_size"] = int.from_bytes(of["module_size"].to_bytes(8, "little"), "big")
"""


def test_who_misreads_one_number_is_told_which(corpus: Manifest, tmp_path: Path) -> None:
    (cause,) = causes(run(corpus, decoder(tmp_path, ONE_NUMBER), only=["valid/live-1*"]))
    assert cause.what == "bytes reversed"
    assert cause.hint.startswith("Of module_size alone the bytes stand in the other order")


def test_a_wrong_exit_code_is_said_with_its_number(corpus: Manifest, tmp_path: Path) -> None:
    (cause,) = causes(run(corpus, decoder(tmp_path, "sys.exit(3)"), only=["valid/live-1*"]))
    assert cause.what == "exit code: expected 0 (read), found 3 (refused)"


def test_a_refusal_does_not_hide_how_far_it_came(corpus: Manifest, tmp_path: Path) -> None:
    body = "if document: document['blocks'] = document['blocks'][:1]\ncode = code or 3"
    results = run(corpus, decoder(tmp_path, body), only=["valid/live-10-le"])
    (result,) = results
    assert result.outcome is SampleOutcome.REJECTED_VALID
    assert str(result.unread) == "first block not read: block 1 (module_list_index) at 0xc8"
    assert "first block not read: block 1 (module_list_index) at 0xc8" in shown(results)


def test_who_can_not_hash_shows_segments_as_blocks(corpus: Manifest, tmp_path: Path) -> None:
    flat = (
        "for one in (document or {}).get('segments', []): document['blocks'] += one['blocks']\n"
        "if document: document['segments'] = []"
    )
    only = ["valid/extended-11-le"]
    for level in ("blocks", "regions", "payloads"):
        results = run(corpus, decoder(tmp_path, flat), only=only, level=level)
        assert results.counts[SampleOutcome.PASS] == 1, level
    assert run(corpus, decoder(tmp_path, flat), only=only).failures
    wrong = f"{flat}\ndocument['blocks'][-1]['block_length'] += 8"
    assert run(corpus, decoder(tmp_path, wrong), only=only, level="blocks").failures


BIG = "12345678-1234-5678-9abc-def012345678"
KINDS = [
    ("version", "0x0100", "0x0001", DifferenceKind.BYTES_REVERSED),
    ("base_addr", "0xffff800000000000", "-0x800000000000", DifferenceKind.SIGNED),
    ("timestamp", str((1 << 64) - 7), "-7", DifferenceKind.SIGNED),
    ("pid", 0xFFFFFFFE, -2, DifferenceKind.SIGNED),
    ("pid", 7, -2, DifferenceKind.VALUE),
    ("pid", 0x12345678, 0x78563412, DifferenceKind.BYTES_REVERSED),
    ("timestamp", "256", "72057594037927936", DifferenceKind.VALUE),
    ("timestamp", str(1 << 40), str(1 << 16), DifferenceKind.BYTES_REVERSED),
    ("pid", 0x1111, 0x1111 + 1, DifferenceKind.OFF_BY_ONE),
    ("path_len", 15, 14, DifferenceKind.LENGTH_WITHOUT_NUL),
    ("path_len", 15, 16, DifferenceKind.OFF_BY_ONE),
    ("u", BIG, "78563412-3412-7856-9abc-def012345678", DifferenceKind.UUID_WORDS),
    ("u", BIG, "78563412-3412-7856-9abc-def012345679", DifferenceKind.VALUE),
    ("u", BIG, "no", DifferenceKind.VALUE),
    ("flags", ["read"], 1, DifferenceKind.FLAGS_AS_NUMBER),
    ("flags", [], "0x0", DifferenceKind.FLAGS_AS_NUMBER),
    ("flags", ["read"], ["READ"], DifferenceKind.CODE_NAME),
    ("flags", ["read"], ["write"], DifferenceKind.FLAGS),
    ("entries", [{}], 1, DifferenceKind.TYPE),
    ("os_type", "linux", 1, DifferenceKind.CODE_AS_NUMBER),
    ("os_type", "linux", "Linux", DifferenceKind.CODE_NAME),
    ("os_type", "linux", "windows", DifferenceKind.VALUE),
    ("path", "/bin/ls", "/bin/ls\0", DifferenceKind.TEXT_WITH_NUL),
    ("path", "/bin/ls", "/bin/l", DifferenceKind.TEXT_CUT),
    ("u", BIG, BIG.upper().replace("-", ""), DifferenceKind.ANOTHER_BASE),
    ("u", BIG, f"{{{BIG}}}", DifferenceKind.ANOTHER_BASE),
    ("prev_hash", "00ab", "00AB", DifferenceKind.ANOTHER_BASE),
    ("prev_hash", "00ab", "ab00", DifferenceKind.VALUE),
    ("pid", 7, "7", DifferenceKind.NUMBER_AS_TEXT),
    ("pid", 7, "x", DifferenceKind.TYPE),
    ("base_addr", "0xab", "0x00ab", DifferenceKind.ANOTHER_BASE),
    ("base_addr", "0xab", 171, DifferenceKind.NUMBER_AS_TEXT),
    ("pid", 7, None, DifferenceKind.TYPE),
    ("pid", 7, True, DifferenceKind.TYPE),
]


@pytest.mark.parametrize(("key", "expected", "found", "kind"), KINDS)
def test_kinds(key: str, expected: object, found: object, kind: DifferenceKind) -> None:
    assert kind_of(key, expected, found) is kind


def test_a_text_is_no_name() -> None:
    assert kind_of("tool", "corpus", "corpu") is DifferenceKind.CODE_NAME
    assert kind_of("tool", "corpus", "corpu", is_text=True) is DifferenceKind.TEXT_CUT
    assert kind_of("tool", "abcd", "ABCD", is_text=True) is DifferenceKind.VALUE


def test_why_reading_ends_stands_before_where_it_ends(corpus: Manifest, tmp_path: Path) -> None:
    """A block's length is read in the wrong order: the next one is not found."""
    body = (
        "if document and len(document['blocks']) > 1:\n"
        "    document['blocks'] = document['blocks'][:1]\n"
        "    length = document['blocks'][0]['block_length']\n"
        "    turned = int.from_bytes(length.to_bytes(4, 'big'), 'little')\n"
        "    document['blocks'][0]['block_length'] = turned"
    )
    results = run(corpus, decoder(tmp_path, body), only=["valid/live-*"])
    (cause,) = causes(results)
    assert cause.what == "bytes reversed"
    assert cause.places == (("process_identity.block_length", 2),)


def test_maps() -> None:
    due = [[0, 1, "a"], [1, 2, "b"], [3, 1, "c"], [4, 1, "a"]]  # abbca
    shifted = [[0, 2, "a"], [2, 2, "b"], [4, 1, "c"]]  # aabbc
    turned = [[0, 1, "c"], [1, 2, "b"], [3, 1, "a"], [4, 1, "x"]]
    huge = [[0, 1 << 62, "a"], [1 << 62, 1 << 62, "b"]]
    key = "page_state_map"
    assert kind_of(key, due, shifted) is DifferenceKind.MAP_SHIFTED
    assert kind_of(key, due, {"runs": shifted}) is DifferenceKind.MAP_SHIFTED
    assert kind_of(key, due, turned) is DifferenceKind.MAP_ORDER
    merged = [[0, 3, "a"], [3, 1, "c"], [4, 1, "a"]]  # aaaca
    assert kind_of(key, due, merged) is DifferenceKind.MAP_STATES
    assert kind_of("runs", due, merged) is DifferenceKind.MAP_STATES
    assert kind_of(key, [[0, 5, "b"]], [[0, 5, "a"]]) is DifferenceKind.MAP_STATES
    assert kind_of(key, [[0, 1, "b"]], [[0, 1, "a"]]) is DifferenceKind.MAP_STATES
    few = [[0, 1, "a"], [1, 1, "b"]], [[0, 2, "a"]]
    assert kind_of(key, *few) is DifferenceKind.MAP_SHIFTED_OR_STATES
    spelled = [[0, 1, "A"], [1, 2, "B"], [3, 1, "C"], [4, 1, "A"]]
    assert kind_of(key, due, spelled) is DifferenceKind.VALUE
    for odd in ([[0, "1", "a"]], [7], [[0, -1, "a"]], huge, [], {}):
        assert kind_of(key, due, odd) in (DifferenceKind.VALUE, DifferenceKind.TYPE)
    assert kind_of(key, huge, [[0, 1 << 60, "b"]]) is DifferenceKind.MAP_STATES
