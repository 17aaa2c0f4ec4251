"""Adapters of other readers, held against the struct-only decoder.

memslicer and MemDiver are no dependencies. Name interpreters that have them in
MSL_MEMSLICER_PYTHON and MSL_MEMDIVER_PYTHON, or install them into this one.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import rules_files
from conftest import SHARED
from harness_corpus import small
from independent.decode import NotMsl, decode
from independent.specimens import KINDS, LE11
from sampling import EVERYTHING, SAMPLE, Part, part_of, subject

ADAPTERS = Path(__file__).parent / "adapters"
ROOT = ADAPTERS.parents[1]
sys.path.append(str(ADAPTERS))

import matrix  # noqa: E402 - scripts, in no package
from readers import READERS, Missing, Reader  # noqa: E402

from msl_construct.corpus import Consumer, Manifest  # noqa: E402
from msl_construct.corpus.manifest import MANIFEST  # noqa: E402
from msl_construct.harness.judging import SampleOutcome  # noqa: E402
from msl_construct.harness.lacking import without_lacks  # noqa: E402
from msl_construct.harness.lists import first_match, read_list  # noqa: E402

TOOLS = {"batch.py", "matrix.py", "page.py", "readers.py"}
LIMIT = 60
BY_KEY = {reader.key: reader for reader in READERS}
PATIENCE = 60

READ, REFUSED, INCOMPLETE, ENCRYPTED, DEFECT = 0, 3, 4, 5, 70


class Known(NamedTuple):
    """What a reader is known to say otherwise: of which files, at which path, and why."""

    files: str
    path: str
    why: str


CONTINUED = "continued regions are refused"
NO_ENDIANNESS = "Endianness is not looked at: it reads big-endian numbers as little-endian ones"
NO_BIG_ENDIAN = "version 1.0 may be big-endian; it demands little-endian"
NO_SEGMENTS = "it can't hash: blocks of segments are blocks, and there are no segments"
NOT_INFLATED = "a .ksy does not inflate"
NO_TAIL = "it reads no fields behind DiskHash, so it does not miss them"
NO_DAMAGE = "Kaitai has no damaged structures: of one that ends early it shows nothing"
DOUBLES = "a number is a double: of a u8 above 2^53 it is the nearest one"
EMPTY = "a text that is stored as a NUL and one that is not stored are the same to it"

KNOWN = {
    "memslicer": (
        Known("live-*-le", "exit", CONTINUED),
        Known("investigation-*", "exit", CONTINUED),
        Known("extended-*", "exit", CONTINUED),
        Known("*-10-be", "exit", NO_ENDIANNESS),
        Known("live-be", "exit", NO_ENDIANNESS),
        Known("memslicer-0.5.2/api-header-big-endian-flag", "*", NO_ENDIANNESS),
        Known(
            "memslicer-0.2.7/api-investigation-all-tables",
            "$.*",
            "it looks at no version: codes that version 1.0 does not register have 1.1's names",
        ),
    ),
    "memdiver": (
        Known("*-10-be", "exit", NO_BIG_ENDIAN),
        Known("live-be", "exit", NO_BIG_ENDIAN),
        Known("memslicer-0.5.2/api-header-big-endian-flag", "exit", NO_BIG_ENDIAN),
        Known("memdiver-1.0.2/*", "$.blocks.*.damage", NO_TAIL),
        Known("memslicer-*/*", "$.blocks.*path", EMPTY),
    ),
    "kaitai-python": (
        Known("extended-*", "$.segments", NO_SEGMENTS),
        Known("extended-*", "$.blocks", NO_SEGMENTS),
        Known("*/*-segments-2", "$.segments", NO_SEGMENTS),
        Known("*/*-segments-2", "$.blocks", NO_SEGMENTS),
        Known("*/*-extension", "$.segments", NO_SEGMENTS),
        Known("*/*-extension", "$.blocks", NO_SEGMENTS),
        Known("regions-1.1", "$.segments", NO_SEGMENTS),
        Known("regions-1.1", "$.blocks", NO_SEGMENTS),
        Known("regions-1.1", "$.blocks.*.compression", NOT_INFLATED),
        Known("regions-1.1", "$.blocks.*.payload.*", NOT_INFLATED),
        Known("*/*zstd", "$.blocks.*.compression", NOT_INFLATED),
        Known("*/*zstd", "$.blocks.*.payload.*", NOT_INFLATED),
        Known("*/*lz4", "$.blocks.*.compression", NOT_INFLATED),
        Known("*/*lz4", "$.blocks.*.payload.*", NOT_INFLATED),
        Known("memdiver-1.0.2/*", "$.blocks.*.damage", NO_DAMAGE),
        Known("memdiver-1.0.2/*", "$.blocks.*.rest", NO_DAMAGE),
        Known("memdiver-1.0.2/api-investigation-all-tables", "$.blocks.*.payload.*", NO_DAMAGE),
    ),
}
KNOWN["kaitai-javascript"] = (
    *KNOWN["kaitai-python"],
    Known("*/api-vas-map", "$.blocks.*.region_size", DOUBLES),
    Known("*/api-key-hints", "$.blocks.*.region_offset", DOUBLES),
)


def files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Conformant files of both drafts, those of this repository, and those of other tools."""
    makes = [rules_files.live, rules_files.imported, rules_files.raw_stream]
    later = [rules_files.investigation, rules_files.extended, rules_files.encrypted]
    for kind in KINDS:
        for make in makes + (later if kind.revised else []):
            path = folder / f"{make.__name__}-{kind.name}.msl"
            path.write_bytes(make(kind).build())
            yield path.stem, path
    for path in sorted((ROOT / "samples").glob("*.msl")):
        yield path.stem, path
    for path in sorted((SHARED / "samples").glob("mem*/api-*.msl")):
        yield f"{path.parent.name}/{path.stem}", path


def kind_of(file: tuple[str, Path]) -> str:
    """What a file is an instance of: of other tools' the tool, of ours the subject."""
    producer, slash, name = file[0].rpartition("/")
    return producer if slash else subject(name)


def run(command: list[str], path: Path) -> tuple[int, Any, str]:
    """Exit code, document and what was said to people."""
    words = [word.replace("{}", str(path)) for word in command]
    done = subprocess.run(words, capture_output=True, timeout=PATIENCE, check=False)
    document = json.loads(done.stdout) if done.stdout else None
    return done.returncode, document, done.stderr.decode()


def located(reader: Reader, folder: Path) -> list[str]:
    """The reader's command; skips the test, by name, without the reader."""
    try:
        return reader.locate(folder)[0]
    except Missing as missing:
        pytest.skip(str(missing))


def expected(path: Path, lacks: tuple[str, ...]) -> tuple[int, Any]:
    """What the struct-only decoder finds, without what a reader does not expose."""
    data = path.read_bytes()
    try:
        document = decode(data, path.name)
    except NotMsl:
        return REFUSED, None
    for block in (*document["blocks"], *(b for s in document["segments"] for b in s["blocks"])):
        pages = block["payload"].get("page_data")
        if pages and pages["offset"] and "compression" not in block:
            start = int(pages["offset"], 16)
            stored = data[start : start + pages["length"]]
            pages["data"] = base64.b64encode(stored).decode()
    del document["file"]
    code = READ
    if "encrypted" in document["header"]["flags"]:
        code = ENCRYPTED
    elif document["trailing"] or "end_of_capture" not in [
        block["block_type"] for block in document["blocks"]
    ]:
        code = INCOMPLETE
    return code, without_lacks(document, lacks)


def differences(one: Any, other: Any, path: str, hidden: frozenset[str]) -> Iterator[str]:
    """Paths at which two documents differ; bytes that just one of them shows do not count."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in {**one, **other}:
            inner = f"{path}.{key}"
            if key in hidden or (key == "data" and key not in {**one}.keys() & {**other}.keys()):
                continue
            if key in one and key in other:
                yield from differences(one[key], other[key], inner, hidden)
            else:
                yield inner
    elif isinstance(one, list) and isinstance(other, list):
        if len(one) != len(other):
            yield path
        for index, (left, right) in enumerate(zip(one, other)):
            yield from differences(left, right, f"{path}.{index}", hidden)
    elif one != other or type(one) is not type(other):
        yield path


HIDDEN = {"blocks": frozenset({"payload", "compression", "damage"}), "full": frozenset[str]()}


@pytest.mark.parametrize("key", KNOWN)
def test_a_reader_says_what_the_independent_decoder_says(key: str, tmp_path: Path) -> None:
    reader = BY_KEY[key]
    command = located(reader, tmp_path)
    path = reader.list("lacks")
    lacks = tuple(entry.pattern for entry in read_list(path)) if path.is_file() else ()
    unexplained, used, compared = [], set(), 0
    whole = list(files(tmp_path))
    taken = part_of(whole, kind_of)
    batch = answers(reader.batch(command), [str(path) for _, path in taken])
    for (name, path), answer in zip(taken, batch, strict=True):
        code, right = expected(path, lacks)
        found_code, found, said = (answer[part] for part in ("exit", "document", "error"))
        wrong = [] if code == found_code else ["exit"]
        if right is not None and found is not None:
            compared += 1
            found = without_lacks(found, lacks)
            wrong += differences(right, found, "$", HIDDEN[reader.level])
        for place in wrong:
            reasons = [k for k in KNOWN[key] if _explains(k, name, place)]
            used.update(reasons)
            if not reasons:
                unexplained.append(f"{name}: {place} (exit {found_code}) {said[-200:]}")
    assert unexplained == []
    assert compared >= min(7, len(taken) // 2)
    if SHARED.is_dir() and taken == whole:
        assert [k for k in KNOWN[key] if k not in used] == [], "nothing needs these any more"


PORTIONS = {
    "independent": 12,
    "memslicer": 16,
    "memdiver": 60,
    "kaitai-python": 40,
    "kaitai-javascript": 72,
    "kaitai-java": 90,
    "kaitai-go": 24,
}
"""Of the corpus each reader gets one sample in so many, and what must be rejected.

The generated parsers are of one schema: only the fastest gets what must be rejected. The whole
corpus is for matrix.py. What this package's own reader finds in it test_corpus.py says.
"""
SLOW = ("kaitai-python", "kaitai-javascript", "kaitai-java")
CORPUS = Manifest.load(ROOT / "samples")
REJECTED = (Consumer.REJECT_FILE, Consumer.REJECT_BLOCK)


PART = Part.parse(os.environ.get(SAMPLE, str(EVERYTHING)))
"""Of which a reader gets a quarter: a process for each sample is slow."""


def portion(key: str, folder: Path) -> Manifest:
    """A corpus of the samples that a reader gets here."""
    stored = [sample for sample in CORPUS if sample.stored]
    taken = {sample.name for sample in stored[:: PORTIONS[key]]}
    if key not in SLOW:
        taken |= {sample.name for sample in stored if sample.verdict.consumer in REJECTED}
    chosen = part_of(
        [sample for sample in stored if sample.name in taken],
        lambda sample: sample.verdict.consumer,
        part=Part(PART.number, 4 * PART.of) if PART != EVERYTHING else PART,
    )
    folder.mkdir()
    for kind in ("valid", "invalid", "questionable"):
        (folder / kind).symlink_to(CORPUS.folder / kind)
    (folder / MANIFEST).write_text(Manifest.text(chosen), encoding="utf-8")
    return Manifest.load(folder)


@pytest.mark.parametrize("key", PORTIONS)
def test_a_part_of_the_corpus_comes_out_as_the_lists_say(key: str, tmp_path: Path) -> None:
    reader = BY_KEY[key]
    located(reader, tmp_path)
    corpus = portion(key, tmp_path / "part")
    found = matrix.column(reader, corpus, tmp_path).results
    assert [(one.sample.name, one.outcome, one.detail) for one in found.failures] == []
    assert found.counts[SampleOutcome.PASS] >= min(9, len(list(corpus)) // 3)
    known = read_list(reader.list("known"))
    # An entry that is too wide would hide what goes wrong later.
    passes = [one.sample.name for one in found if one.outcome is SampleOutcome.PASS]
    assert [name for name in passes if first_match(known, name)] == []


@pytest.mark.parametrize("key", BY_KEY)
def test_lists_and_features_mean_samples(key: str) -> None:
    reader = BY_KEY[key]
    names = [sample.name for sample in CORPUS]
    for path in filter(Path.is_file, (reader.list("known"), reader.list("skip"))):
        for entry in read_list(path):
            assert any(map(entry.matches, names)), entry.source
    assert {*reader.without} <= {feature for sample in CORPUS for feature in sample.features}


def _explains(known: Known, name: str, place: str) -> bool:
    return fnmatchcase(name, known.files) and fnmatchcase(place, known.path)


@pytest.mark.parametrize("key", [*KNOWN, "independent"])
def test_exit_codes(key: str, tmp_path: Path) -> None:
    command = located(BY_KEY[key], tmp_path)
    whole = rules_files.imported(LE11).build()
    cases = {
        "whole": (whole, READ),
        "no-end": (rules_files.imported(LE11).build()[: -(80 + 48)], INCOMPLETE),
        "not-msl": (b"ELF" * 100, REFUSED),
        "encrypted": (rules_files.encrypted(LE11).build(), ENCRYPTED),
    }
    for name, (data, code) in cases.items():
        path = tmp_path / f"{name}.msl"
        path.write_bytes(data)
        found, document, said = run(command, path)
        assert found == code, (name, said)
        assert (document is None) == (code == REFUSED), name
        assert bool(said.strip()) or code == READ, name


ODD = """
import sys
sys.path.insert(0, {folder!r})
from ending import run
def main(path):
    raise {error}("read\\nby nobody")
run(main, (ValueError,))
"""


@pytest.mark.parametrize(("error", "code"), [("ValueError", REFUSED), ("KeyError", DEFECT)])
def test_a_defect_is_no_refusal(error: str, code: int, tmp_path: Path) -> None:
    script = ODD.format(folder=str(ADAPTERS), error=error)
    found, document, said = run([sys.executable, "-c", script, "{}"], tmp_path / "x.msl")
    assert (found, document) == (code, None)
    assert len(said.splitlines()) == 1
    assert said.startswith(error)


BATCHED = """
import os, signal, sys
sys.path.insert(0, {folder!r})
from batch import serve
def show(path):
    print('{{"file":\\n "' + path + '"}}')
    if path == "killed":
        sys.stdout.flush()
        os.kill(os.getpid(), signal.SIGSEGV)
    if path == "raises":
        raise KeyError(path)
    sys.exit(4)
serve(show)
"""


def answers(command: list[str], paths: list[str]) -> list[Any]:
    """What a decoder of many files says of each."""
    given = "".join(f"{path}\n" for path in paths).encode()
    done = subprocess.run(
        command, input=given, capture_output=True, timeout=10 * PATIENCE, check=True
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_batch_outlives_each_of_its_files() -> None:
    script = BATCHED.format(folder=str(ADAPTERS))
    found = answers([sys.executable, "-c", script], ["one", "killed", "raises", "two"])
    assert [one["exit"] for one in found] == [4, 128 + signal.SIGSEGV, 1, 4]
    assert found[0]["document"] == {"file": "one"}
    assert found[2]["error"].endswith("KeyError: 'raises'\n")


@pytest.mark.parametrize("key", BY_KEY)
def test_a_batch_says_what_a_process_for_each_file_says(key: str, tmp_path: Path) -> None:
    reader = BY_KEY[key]
    command = located(reader, tmp_path)
    paths = [ROOT / "samples" / "live-le.msl", tmp_path / "cut.msl", tmp_path / "not.msl"]
    paths[1].write_bytes(paths[0].read_bytes()[:-9])
    paths[2].write_bytes(b"ELF" * 100)
    found = answers(reader.batch(command), [*map(str, paths)])
    alone = [run(command, path) for path in paths]
    assert [(one["exit"], one["document"]) for one in found] == [one[:2] for one in alone]
    assert [bool(one["error"]) for one in found] == [False, True, True]


def test_adapters_are_short() -> None:
    lengths = {
        path.name: len(path.read_text(encoding="utf-8").splitlines())
        for path in ADAPTERS.iterdir()
        if path.suffix in (".py", ".js") and path.name not in TOOLS
    }
    assert len(lengths) >= 9
    assert {name: count for name, count in lengths.items() if count >= LIMIT} == {}


@pytest.mark.parametrize("suffix", ["lacks", "known", "skip"])
def test_lists_give_reasons_and_belong_to_readers(suffix: str) -> None:
    for path in ADAPTERS.glob(f"*.{suffix}"):
        assert path.stem in BY_KEY
        text = path.read_text(encoding="utf-8")
        assert "#" in text.splitlines()[0]
        if suffix != "lacks":
            for line in filter(None, text.splitlines()):
                assert line.startswith("#") or line.partition("#")[2].strip(), line


def test_the_matrix_counts_what_comes_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Lists are of the whole corpus: of a part of it their entries are stale.
    monkeypatch.setattr(matrix, "_entries", lambda path: ())
    samples, page = tmp_path / "samples", tmp_path / "page.rst"
    samples.mkdir()
    count = len(small(samples))
    command = ["--samples", str(samples), "--readers", "independent", "-o", str(page)]
    assert matrix.main(command) == 0
    text = page.read_text(encoding="utf-8")
    assert f"corpus: {count} samples" in text
    row = ("* - tests/independent", "  - as in this repository", "  - full", f"  - {count}")
    assert "\n   ".join(row) in text
    assert "All samples that were run pass." in text
    assert capsys.readouterr().out == ""

    stated = samples / "valid" / "live-10-be.json"
    document = json.loads(stated.read_text(encoding="utf-8"))
    document["header"]["pid"] += 1
    stated.write_text(json.dumps(document), encoding="utf-8")
    assert matrix.main(command) == 1
    said = "tests/independent: valid/live-10-be: wrong-value: $.header.pid\n"
    assert capsys.readouterr().out == said
    text = page.read_text(encoding="utf-8")
    assert "   * - 1: ``live-10-be``\n     - ``wrong-value``\n     - not looked into\n" in text


def test_a_reader_that_is_not_here_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    samples = tmp_path / "samples"
    samples.mkdir()
    small(samples)
    monkeypatch.delenv("MSL_MEMDIVER_PYTHON", raising=False)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert matrix.main(["--samples", str(samples), "--readers", "memdiver"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("skipped: MemDiver: needs memdiver: name an interpreter")
    with pytest.raises(SystemExit):
        matrix.main(["--readers", "cobol"])
