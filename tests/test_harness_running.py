"""Running decoders of every kind over a small corpus, as a library."""

from __future__ import annotations

import dataclasses
import re
import shlex
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from commands import COMMAND, PLACE
from harness_corpus import Corpus, a_corpus, a_corpus_of_one, decoder, only
from independent.specimens import LE10
from open_files import descriptors
from rules_files import live
from sampling import sampled

from msl_construct.corpus import Consumer, Manifest
from msl_construct.errors import DocumentError, HarnessError
from msl_construct.harness import Entry, Result, Results, SampleOutcome, read_list, run

__all__ = ["a_corpus", "a_corpus_of_one"]

LIVE, BIG, EXTENDED, ZSTD, SEALED = (
    f"valid/{name}"
    for name in ("live-10-le", "live-10-be", "extended-11-le", "zstd-11-le", "sealed-11-le")
)
CUT, UNKNOWN = "questionable/no-end-10-le", "questionable/unknown-10-le"
MAGIC, ZERO, PAGE_SIZE, LENGTH = (
    f"invalid/{name}-10-le" for name in ("magic", "type-zero", "page-size", "length-79")
)
MAY_BE_REFUSED = {UNKNOWN, MAGIC, ZERO, PAGE_SIZE, LENGTH}


def outcomes(results: Results) -> dict[str, SampleOutcome]:
    return {result.sample.name: result.outcome for result in results}


def all_but(corpus: Manifest, outcome: SampleOutcome, names: set[str]) -> dict[str, SampleOutcome]:
    return {s.name: SampleOutcome.PASS if s.name in names else outcome for s in corpus}


# -- decoders that are right -----------------------------------------------------------------------


@pytest.mark.parametrize("level", ["blocks", "payloads", "full"])
def test_the_right_documents_pass(corpus: Manifest, tmp_path: Path, level: str) -> None:
    results = run(corpus, decoder(tmp_path, ""), level=level)
    assert outcomes(results) == all_but(corpus, SampleOutcome.PASS, set())
    assert results.ok
    assert results.data_hidden == 0
    assert [result.sample for result in results] == list(corpus)


@sampled()
@pytest.mark.parametrize("place", ["{}", "-"])
def test_our_own_decoder_passes(
    corpus: Manifest, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(PLACE))
    command = f"{shlex.join(COMMAND)} inspect --json --with-data {place}"
    results = run(corpus, command, timeout=60)
    assert [(r.sample.name, r.outcome, r.differences) for r in results if r.failed] == []
    assert len(results) == len(corpus)
    assert results.ok
    assert results.data_hidden == 0


def test_without_data_that_is_said(corpus: Manifest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(PLACE))
    results = run(corpus, f"{shlex.join(COMMAND)} inspect --json {{}}", timeout=60)
    assert results.ok
    assert results.data_hidden > 0
    assert run(
        corpus, f"{shlex.join(COMMAND)} inspect --json {{}}", timeout=60, level="payloads"
    ).data_hidden == 0  # fmt: skip


# -- decoders that fail in one way -----------------------------------------------------------------


def test_whoever_refuses_everything(corpus: Manifest) -> None:
    for command in (f"{sys.executable} -c 'raise SystemExit(3)'", "false"):
        results = run(corpus, command)
        assert outcomes(results) == all_but(corpus, SampleOutcome.REJECTED_VALID, MAY_BE_REFUSED)
    failure = results.failures[0]
    assert failure.detail == "exit code: expected 0 (read), found 1 (refused)"


def test_whoever_reads_everything_as_whole(corpus: Manifest, tmp_path: Path) -> None:
    found = outcomes(run(corpus, decoder(tmp_path, "code = 0; document = document or {}")))
    wrong = {name for name, outcome in found.items() if outcome is SampleOutcome.ACCEPTED_INVALID}
    assert wrong == {MAGIC, CUT, SEALED, LENGTH}
    assert set(found.values()) == {SampleOutcome.PASS, SampleOutcome.ACCEPTED_INVALID}


def test_whoever_calls_everything_incomplete(corpus: Manifest, tmp_path: Path) -> None:
    found = outcomes(run(corpus, decoder(tmp_path, "code = 4; document = document or {}")))
    passed = {name for name, outcome in found.items() if outcome is SampleOutcome.PASS}
    assert passed == {CUT, LENGTH, UNKNOWN, ZERO, PAGE_SIZE}
    assert found[MAGIC] is SampleOutcome.ACCEPTED_INVALID
    assert found[SEALED] is found[LIVE] is SampleOutcome.REJECTED_VALID


def test_a_bad_block_that_looks_good(corpus: Manifest, tmp_path: Path) -> None:
    body = """
for block in document["blocks"] if document else ():
    block.pop("damage", None)
    if block["block_type"] == "invalid": block["block_type"] = "0x0000"
"""
    results = run(corpus, decoder(tmp_path, body))
    found = outcomes(results)
    assert {name for name in found if found[name] is not SampleOutcome.PASS} == {ZERO, PAGE_SIZE}
    assert found[ZERO] is found[PAGE_SIZE] is SampleOutcome.ACCEPTED_INVALID
    assert all("looks good" in result.detail for result in results.failures)
    shallow = outcomes(run(corpus, decoder(tmp_path, body), level="blocks"))
    assert {name for name in shallow if shallow[name] is not SampleOutcome.PASS} == {ZERO}


def test_stopping_at_a_bad_block(corpus: Manifest, tmp_path: Path) -> None:
    body = """
bad = [i for i, b in enumerate(document["blocks"] if document else ())
       if "damage" in b or b["block_type"] == "invalid"]
if bad:
    del document["blocks"][bad[0]:]
    code = 4
"""
    assert run(corpus, decoder(tmp_path, body)).ok
    wrong = decoder(tmp_path, body + "    document['blocks'][0]['payload']['ppid'] = 'x'")
    found = outcomes(run(corpus, wrong))
    assert {n for n in found if found[n] is SampleOutcome.WRONG_VALUE} == {ZERO, PAGE_SIZE}


def test_one_wrong_value(corpus: Manifest, tmp_path: Path) -> None:
    body = f"if name == {LIVE!r}: document['blocks'][0]['payload']['ppid'] = 77"
    results = run(corpus, decoder(tmp_path, body))
    assert outcomes(results) == {
        **all_but(corpus, SampleOutcome.PASS, set()),
        LIVE: SampleOutcome.WRONG_VALUE,
    }
    (failure,) = results.failures
    (one,) = failure.differences
    assert (one.path, one.expected, one.found) == ("$.blocks[0].payload.ppid", "1", "77")
    assert failure.command.endswith(str((corpus.folder / failure.sample.file).absolute()))
    assert run(corpus, decoder(tmp_path, body), level="blocks").ok


@pytest.mark.parametrize(
    "body",
    ["print('{')", "pass", "sys.stdout.buffer.write(bytes(range(256)) * 99)", "print('[' * 10**6)"],
    ids=["half", "nothing", "bytes", "nested"],
)
def test_garbage(one: Manifest, tmp_path: Path, body: str) -> None:
    result = only(run(one, decoder(tmp_path, f"import sys\n{body}", right=False)))
    assert result.outcome is SampleOutcome.NO_DOCUMENT
    assert result.detail


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ("os.kill(os.getpid(), 11)", "killed by SIGSEGV"),
        ("os.kill(os.getpid(), 40)", "killed by signal 40"),
        ("os._exit(70)", "exit 70"),
        ("os._exit(134)", "exit 134"),
    ],
)
def test_crashes(one: Manifest, tmp_path: Path, body: str, detail: str) -> None:
    result = only(run(one, decoder(tmp_path, f"import os\n{body}", right=False)))
    assert result.outcome is SampleOutcome.CRASH
    assert result.detail.split("(")[0].strip() in (detail, "killed by SIGRTMIN+6")


def test_stdin(one: Manifest, tmp_path: Path) -> None:
    """The file is there, whoever reads it."""
    sample = (one.folder / one.samples[0].file).absolute()
    script = tmp_path / "reads.py"
    script.write_text(
        "import sys, pathlib\n"
        f"path = pathlib.Path({str(sample)!r})\n"
        "if sys.argv[1:] == ['read']: assert sys.stdin.buffer.read() == path.read_bytes()\n"
        "print(path.with_suffix('.json').read_text())\n"
    )
    for words in ("read", "ignore"):
        result = only(run(one, f"{sys.executable} {script} {words}"))
        assert result.outcome is SampleOutcome.PASS, result.stderr
        assert result.command.endswith(f"< {sample}")
    nothing = tmp_path / "nothing.py"
    nothing.write_text("import sys\nsys.exit(3 if sys.stdin.buffer.read() == b'' else 0)\n")
    result = only(run(one, f"{sys.executable} {nothing} {{}}"))
    assert result.outcome is SampleOutcome.REJECTED_VALID


def test_no_shell_and_every_place(one: Manifest, tmp_path: Path) -> None:
    note = tmp_path / "words"
    script = tmp_path / "words.py"
    script.write_text(f"import sys; open({str(note)!r}, 'w').write('|'.join(sys.argv[1:]))\n")
    run(one, f"{sys.executable} {script} --in={{}} 'a b' '$HOME;ls' {{}}")
    first, *others, last = note.read_text().split("|")
    assert others == ["a b", "$HOME;ls"]
    assert first == f"--in={last}"
    assert Path(last).is_absolute()
    assert last.endswith(f"/{one.samples[0].file}")


def test_a_folder_that_looks_like_an_option(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    corpus = Corpus(Path("-c"))
    corpus.add(LIVE, live(LE10).build(), LE10)
    result = only(run(corpus.manifest(), "cat {}"))
    assert result.outcome is SampleOutcome.NO_DOCUMENT
    assert result.stderr == ""
    assert result.command == f"cat ./-c/{LIVE}.msl"


def test_several_at_a_time(corpus: Manifest, tmp_path: Path) -> None:
    command = decoder(tmp_path, "import time; time.sleep(0.3)")
    seen: list[str] = []
    threads = set()

    def progress(result: Result) -> None:
        threads.add(threading.current_thread())
        seen.append(result.sample.name)

    results = run(corpus, command, jobs=8, progress=progress)
    assert results.ok
    assert sorted(seen) == sorted(sample.name for sample in corpus)
    assert len(threads) > 1
    assert [result.sample for result in results] == list(corpus)


def test_nothing_is_left_open(corpus: Manifest, tmp_path: Path) -> None:
    before = descriptors()
    run(corpus, decoder(tmp_path, ""))
    assert not descriptors() - before


# -- what can't be run -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("/no/such/decoder {}", "can't be started: /no/such/decoder: No such file"),
        ("/etc/passwd {}", "can't be started: /etc/passwd: Permission denied"),
        ("", "empty"),
        ("decode 'x", "can't be split"),
    ],
)
def test_a_decoder_that_cant_be_started(corpus: Manifest, command: str, message: str) -> None:
    with pytest.raises(HarnessError, match=re.escape(message)):
        run(corpus, command)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"only": ["valid/nope"]}, "no sample is called valid/nope"),
        ({"without": ["zst", "nope"]}, "'nope'; there are be, enc, ext, trunc, unk, zst"),
    ],
)
def test_what_names_nothing(corpus: Manifest, options: dict[str, Any], message: str) -> None:
    with pytest.raises(HarnessError, match=re.escape(message)):
        run(corpus, "true", **options)


def test_an_empty_corpus_passes_nobody(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="no samples"):
        run(Manifest(tmp_path, ()), "true")


def test_a_corpus_that_was_changed(one: Manifest, tmp_path: Path) -> None:
    path = one.folder / one.samples[0].file
    data = path.read_bytes()
    path.write_bytes(data + b"x")
    with pytest.raises(DocumentError, match=f"expected {len(data)} bytes, found {len(data) + 1}"):
        run(one, "true")
    path.write_bytes(b"x" + data[1:])
    with pytest.raises(DocumentError, match="expected BLAKE3"):
        run(one, "true")
    path.unlink()
    with pytest.raises(FileNotFoundError):
        run(one, "true")


@pytest.mark.parametrize("text", ["", "{", "7", "{}", '{"document": 1, "blocks": 7}'])
def test_a_document_that_is_none(one: Manifest, tmp_path: Path, text: str) -> None:
    (one.folder / one.samples[0].name).with_suffix(".json").write_text(text)
    with pytest.raises(DocumentError, match="no canonical document"):
        run(one, f"{sys.executable} -c 'print(dict())'")


def test_a_verdict_that_contradicts_itself(tmp_path: Path) -> None:
    corpus = Corpus(tmp_path)
    corpus.add(LIVE, live(LE10).build(), LE10, exit_code=3)
    with pytest.raises(DocumentError, match="contradictory"):
        run(corpus.manifest(), "false")
    corpus = Corpus(tmp_path)
    corpus.add(LIVE, live(LE10).build(), LE10, document=False, consumer=Consumer.REJECT_BLOCK)
    with pytest.raises(DocumentError, match="no expected document"):
        run(corpus.manifest(), "false")


# -- lists -----------------------------------------------------------------------------------------


def test_skipped_and_not_supported_is_never_passed(corpus: Manifest, tmp_path: Path) -> None:
    results = run(
        corpus,
        decoder(tmp_path, ""),
        skip=[Entry("invalid/*", "later")],
        without=["zst", "ext"],
    )
    found = outcomes(results)
    assert {n for n in found if found[n] is SampleOutcome.SKIPPED} == {
        MAGIC,
        ZERO,
        PAGE_SIZE,
        LENGTH,
    }
    assert {n for n in found if found[n] is SampleOutcome.NOT_SUPPORTED} == {EXTENDED, ZSTD}
    assert results.ok
    assert {r.reason for r in results} == {"", "later", "without zst", "without ext"}
    assert all(not r.command for r in results if r.outcome is not SampleOutcome.PASS)


def test_known_differences(corpus: Manifest, tmp_path: Path) -> None:
    body = f"if name == {LIVE!r}: document['header']['pid'] = 0"
    command = decoder(tmp_path, body)
    results = run(corpus, command, known=[Entry("valid/live-10-le", "reads pid wrongly")])
    assert results.ok
    (known,) = [result for result in results if result.outcome is SampleOutcome.KNOWN]
    assert known.failure is SampleOutcome.WRONG_VALUE
    assert known.reason == "reads pid wrongly"
    assert known.differences
    assert not run(corpus, command).ok


def test_stale_entries(corpus: Manifest, tmp_path: Path) -> None:
    command = decoder(tmp_path, "")
    results = run(
        corpus, command, known=[Entry(LIVE, "", "known.txt:1"), Entry("valid/gone", "", "k:2")]
    )
    assert not results.failures
    assert not results.ok
    assert {(entry.pattern, entry.source) for entry in results.stale} == {
        (LIVE, "known.txt:1"),
        ("valid/gone", "k:2"),
    }
    assert not run(corpus, command, skip=[Entry("valid/gone")]).ok
    # What was not run says nothing about an entry.
    assert run(corpus, command, known=[Entry(LIVE)], only=["invalid/*"]).ok
    assert run(corpus, command, known=[Entry(LIVE)], skip=[Entry(LIVE)]).ok
    assert run(corpus, command, known=[Entry(ZSTD)], without=["zst"]).ok


def test_a_pattern_is_stale_when_nothing_of_it_fails(corpus: Manifest, tmp_path: Path) -> None:
    command = decoder(tmp_path, f"if name == {LIVE!r}: code = 3")
    assert run(corpus, command, known=[Entry("valid/*")]).ok
    assert not run(corpus, command, known=[Entry("valid/*"), Entry("invalid/*")]).ok
    assert run(corpus, command, known=[Entry("valid/*"), Entry(LIVE)]).ok


def test_only(corpus: Manifest, tmp_path: Path) -> None:
    results = run(corpus, decoder(tmp_path, ""), only=["questionable/*", LIVE])
    assert set(outcomes(results)) == {CUT, UNKNOWN, LIVE}


def test_lists_are_text(tmp_path: Path) -> None:
    path = tmp_path / "known.txt"
    path.write_text("# differences\n\nvalid/live-10-le  # reads # wrongly\n  invalid/*-be\n")
    first, second = read_list(path)
    assert (first.pattern, first.reason) == ("valid/live-10-le", "reads # wrongly")
    assert first.source == "known.txt:3"
    assert (second.pattern, second.reason) == ("invalid/*-be", "")
    assert second.matches("invalid/MSL-4.1-x-10-be")
    assert not second.matches("valid/x-be")
    path.write_text("valid/live-10-le reads wrongly\n")
    with pytest.raises(HarnessError, match=r"known\.txt:1: expected one name"):
        read_list(path)
    path.write_bytes(b"\xff\n")
    with pytest.raises(HarnessError, match="UTF-8"):
        read_list(path)


def test_what_a_folder_does_not_store_is_skipped(one: Manifest, tmp_path: Path) -> None:
    (sample,) = one
    (one.folder / sample.file).unlink()
    manifest = Manifest(one.folder, (dataclasses.replace(sample, stored=False),))
    result = only(run(manifest, decoder(tmp_path, "")))
    assert result.outcome is SampleOutcome.SKIPPED
    assert "generated" in result.reason


def test_the_matrix_counts_every_sample(corpus: Manifest, tmp_path: Path) -> None:
    rows = run(corpus, decoder(tmp_path, ""), without=["be"]).matrix()
    assert [(row.group, row.name) for row in rows] == [
        *(("feature", name) for name in ("be", "enc", "ext", "trunc", "unk", "zst")),
        ("draft", "draft-2026-03"),
        ("draft", "draft-2026-10"),
        ("kind", "valid"),
        ("kind", "questionable"),
        ("kind", "invalid"),
        ("total", "all"),
    ]
    for group in ("draft", "kind", "total"):
        found = [row for row in rows if row.group == group]
        assert sum(row.counts[SampleOutcome.NOT_SUPPORTED] for row in found) == 1
        assert sum(sum(row.counts.values()) for row in found) == len(corpus)
    assert rows[0].counts[SampleOutcome.NOT_SUPPORTED] == 1
    assert rows[0].counts[SampleOutcome.PASS] == 0


def test_a_wrong_value_in_what_only_its_dialect_reads(tmp_path: Path) -> None:
    """Below full a file is compared as its draft has it, too: these are no dumps by theirs."""
    script = tmp_path / "wrong.py"
    script.write_text(
        "import json, sys\n"
        "document = json.load(open(sys.argv[1].replace('.msl', '.json')))\n"
        "document['header']['pid'] += 1\n"
        "print(json.dumps(document))\n"
    )
    corpus = Manifest.load(PLACE / "samples")
    names = [
        "questionable/before-first-draft-10-le",
        "invalid/MSL-1.3-BYTE-ORDER-NOT-AS-STATED-10-le",
    ]
    command = shlex.join([sys.executable, str(script), "{}"])
    found = run(corpus, command, level="blocks", only=names)
    assert {one.outcome for one in found} == {SampleOutcome.WRONG_VALUE}
    assert {one.differences[0].path for one in found} == {"$.header.pid"}
