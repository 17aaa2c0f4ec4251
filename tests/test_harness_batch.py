"""Decoders that take the whole corpus in one process, well and badly behaved."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from harness_corpus import a_corpus, gone

from msl_construct.corpus import Manifest
from msl_construct.errors import HarnessError
from msl_construct.harness import FAILURES, Result, SampleOutcome, run

__all__ = ["a_corpus"]

ANSWER = """
import json, os, pathlib, sys, time
open({note!r}, "a").write(f"{{os.getpid()}} ")
for line in sys.stdin:
    path = pathlib.Path(line.rstrip("\\n"))
    folder, name = path.parents[1], path.parent.name + "/" + path.stem
    rows = json.loads((folder / "manifest.json").read_text())["samples"]
    (row,) = [row for row in rows if row["name"] == name]
    document = row["document"] and json.loads((folder / row["document"]).read_text())
    answer = {{"exit": row["verdict"]["exit"], "document": document}}
    {body}
    print(json.dumps(answer), flush=True)
"""


def batch(folder: Path, body: str = "pass") -> str:
    """The command of a decoder that takes batches."""
    script = folder / "batch.py"
    script.write_text(ANSWER.format(note=str(folder / "pids"), body=body), encoding="utf-8")
    return f"{sys.executable} -S -E {script}"


def test_all_samples_in_one_process(corpus: Manifest, tmp_path: Path) -> None:
    results = run(corpus, batch(tmp_path), batch=True, jobs=1)
    assert results.counts[SampleOutcome.PASS] == len(corpus)
    assert len((tmp_path / "pids").read_text().split()) == 1
    gone(tmp_path / "pids")


BAD = {
    "os._exit(9)": (SampleOutcome.REJECTED_VALID, "found 9 (refused)"),
    "os.kill(os.getpid(), 11)": (SampleOutcome.CRASH, "killed by SIGSEGV"),
    "print('{', flush=True); continue": (SampleOutcome.CRASH, "exit 70"),
    "print('[]', flush=True); continue": (SampleOutcome.CRASH, "exit 70"),
    "print(flush=True); continue": (SampleOutcome.CRASH, "exit 70"),
    "answer['exit'] = True": (SampleOutcome.CRASH, "exit 70"),
    "answer['exit'] = 256": (SampleOutcome.CRASH, "exit 70"),
    "answer['document'] = 7": (SampleOutcome.CRASH, "exit 70"),
    "answer['document'] = None": (SampleOutcome.NO_DOCUMENT, "nothing on stdout"),
    "answer['exit'] = 77": (SampleOutcome.CRASH, "exit 77"),
    "time.sleep(600)": (SampleOutcome.HANG, "not done after 5 s"),
    "sys.exit(0)": (SampleOutcome.NO_DOCUMENT, "nothing on stdout"),
    "while True: sys.stdout.write('x' * 4096)": (SampleOutcome.CRASH, "output too large"),
}


@pytest.mark.parametrize("body", BAD)
def test_a_sample_that_goes_wrong_spoils_no_other(
    corpus: Manifest, tmp_path: Path, body: str
) -> None:
    outcome, detail = BAD[body]
    command = batch(tmp_path, f"if name == 'valid/live-10-be':\n        {body}")
    patience = 5 if outcome is SampleOutcome.HANG else 60  # the others must have begun by then
    results = run(corpus, command, batch=True, jobs=2, timeout=patience, output_limit=1 << 20)
    failed = {one.sample.name: one for one in results if one.outcome in FAILURES}
    assert set(failed) == {"valid/live-10-be"}
    assert failed["valid/live-10-be"].outcome is outcome
    assert detail in failed["valid/live-10-be"].detail
    gone(tmp_path / "pids")


def test_an_answer_too_many_is_no_answer_to_the_next(corpus: Manifest, tmp_path: Path) -> None:
    twice = "print(json.dumps(answer), flush=True)"
    command = batch(tmp_path, f"if name == 'valid/live-10-be':\n        {twice}")
    results = list(run(corpus, command, batch=True, jobs=1))
    names = [one.sample.name for one in results]
    after = names[names.index("valid/live-10-be") + 1 :][:1]
    failed = {one.sample.name: one for one in results if one.outcome in FAILURES}
    assert list(failed) in ([], ["valid/live-10-be"], after), "both may come at once, or late"
    gone(tmp_path / "pids")


def test_an_answer_too_many_that_comes_late(corpus: Manifest, tmp_path: Path) -> None:
    """It is there when the next file was asked for, and is told by the name that it has."""
    late = "kept = json.dumps(answer)"
    command = batch(
        tmp_path,
        f"if name == 'valid/live-10-be':\n        {late}\n"
        "    elif kept := globals().pop('kept', ''):\n        print(kept, flush=True); continue",
    )
    results = list(run(corpus, command, batch=True, jobs=1))
    names = [one.sample.name for one in results]
    (after,) = names[names.index("valid/live-10-be") + 1 :][:1]
    (failed,) = [one for one in results if one.outcome in FAILURES]
    assert failed.sample.name == after
    assert failed.stderr == "no answer of a batch: a second one about the file before\n"


def test_what_is_said_belongs_to_the_file(corpus: Manifest, tmp_path: Path) -> None:
    command = batch(tmp_path, "answer.update(exit=3, error=f'about {name}')")
    results: list[Result] = list(run(corpus, command, batch=True, jobs=1))
    for result in results:
        assert result.stderr == f"about {result.sample.name}\n"


def test_a_file_that_it_changes_is_seen(corpus: Manifest, tmp_path: Path) -> None:
    command = batch(tmp_path, "path.chmod(0o644); path.write_bytes(b'')")
    results = run(corpus, command, batch=True, only=["valid/live-*"])
    assert {one.outcome for one in results} == {SampleOutcome.CRASH}
    assert "changed its file" in results.results[0].detail


@pytest.mark.parametrize("command", ["/no/such", "", "x 'y"])
def test_usage(corpus: Manifest, command: str) -> None:
    with pytest.raises(HarnessError):
        run(corpus, command, batch=True)


def test_the_command_that_is_shown_shows_it_again(corpus: Manifest, tmp_path: Path) -> None:
    import subprocess

    command = batch(tmp_path, "document and document['header'].update(pid=7)")
    results = run(corpus, command, batch=True, only=["valid/live-10-le"])
    (result,) = results
    done = subprocess.run(result.command, shell=True, capture_output=True, check=True)
    assert json.loads(done.stdout)["document"]["header"]["pid"] == 7
