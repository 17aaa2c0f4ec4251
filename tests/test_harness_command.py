"""``msl samples run``: what it prints and writes, and how it ends."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from commands import COMMAND, PLACE, one_line, run
from harness_corpus import Corpus, a_corpus, a_corpus_of_one, decoder, gone
from independent.specimens import LE10
from rules_files import live

from msl_construct.corpus import Manifest
from msl_construct.harness import FAILURES, SampleOutcome

__all__ = ["a_corpus", "a_corpus_of_one"]

LIVE = "valid/live-10-le"


def samples_run(
    *words: Any, code: int = 0, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    raw = run("samples", "run", *words, folder=cwd, COLUMNS="100")
    out, errors = raw.stdout.decode(), raw.stderr.decode()
    assert raw.returncode == code, out + errors
    assert "Traceback" not in errors
    return subprocess.CompletedProcess(raw.args, raw.returncode, out, errors)


@pytest.fixture(name="wrong")
def a_decoder_that_is_wrong_in_every_way(tmp_path: Path) -> str:
    return decoder(
        tmp_path,
        """
import os, time
sys.stderr.write("about " + name + " \\x1b[2J\\0\\n")
if name == "valid/live-10-le": document["header"]["pid"] = "<b>\\x1b[31m\\u0000&\\ud800"
if name == "valid/live-10-be": sys.stdout.flush(); os.kill(os.getpid(), 9)
if name == "valid/zstd-11-le": time.sleep(600)
if name == "valid/extended-11-le": code = 3
if name == "questionable/no-end-10-le": code = 0
if name == "questionable/unknown-10-le": document = None
if name == "valid/sealed-11-le": document["header"]["pid"] = 1
""",
    )


@pytest.fixture(name="lists")
def lists_of_samples(tmp_path: Path) -> list[str]:
    (tmp_path / "skip.txt").write_text("invalid/magic-10-le  # <later>\n")
    (tmp_path / "known.txt").write_text(
        "valid/sealed-11-le  # pid\ninvalid/length-79-10-le  # was read once\n"
    )
    return [f"--skip={tmp_path}/skip.txt", f"--known={tmp_path}/known.txt", "--timeout=8"]


EXPECTED = {
    "valid/live-10-le": "wrong-value",
    "valid/live-10-be": "crash",
    "valid/extended-11-le": "rejected-valid",
    "valid/zstd-11-le": "hang",
    "valid/sealed-11-le": "known",
    "questionable/no-end-10-le": "accepted-invalid",
    "questionable/unknown-10-le": "no-document",
    "invalid/magic-10-le": "skipped",
    "invalid/type-zero-10-le": "pass",
    "invalid/page-size-10-le": "pass",
    "invalid/length-79-10-le": "pass",
}
FAILING = {name for name, outcome in EXPECTED.items() if outcome in {o.value for o in FAILURES}}


ATTRIBUTES = ["id", "href", "class", "scope", "colspan", "lang", "charset", "name", "content"]


class Page(HTMLParser):
    """What an HTML page holds."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in ("meta", "br"):
            self.open.append(tag)
        for key, value in attrs:
            assert key in (
                "id",
                "href",
                "class",
                "scope",
                "lang",
                "charset",
                "name",
                "content",
                "colspan",
            )
            assert value is not None
            if key == "id":
                self.ids.append(value)
            if key == "href":
                self.links.append(value)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)


def test_everything_that_can_go_wrong(
    corpus: Manifest, wrong: str, lists: list[str], tmp_path: Path
) -> None:
    junit, html = tmp_path / "r.xml", tmp_path / "r.html"
    words = ["--samples", corpus.folder, "--decoder", wrong, *lists]
    done = samples_run(
        *words, "--format=json", f"--junit={junit}", f"--html={html}", "--jobs=4", code=1
    )
    assert done.stderr == ""
    found = json.loads(done.stdout)
    _json_is_right(found, corpus)
    _junit_is_right(junit.read_text("utf-8"))
    _html_is_right(html.read_text("utf-8"))
    # Nothing that a decoder prints acts on whoever reads it.
    for text in (done.stdout, junit.read_text("utf-8"), html.read_text("utf-8")):
        assert all(c == "\n" or c.isprintable() for c in text)


def _json_is_right(found: dict[str, Any], corpus: Manifest) -> None:
    assert found["samples_run"] == 1
    assert found["ok"] is False
    assert {one["name"]: one["outcome"] for one in found["samples"]} == EXPECTED
    by_name = {one["name"]: one for one in found["samples"]}
    assert by_name[LIVE]["differences"] == [
        {
            "path": "$.header.pid",
            "expected": "4242",
            "found": '"<b>\\u001b[31m\\u0000&\\ud800"',
            "kind": "type",
            "place": "header.pid",
        }
    ]
    assert by_name[LIVE]["unread"] is None
    assert by_name["valid/live-10-be"]["code"] == -9
    assert by_name["valid/sealed-11-le"]["failure"] == "wrong-value"
    assert by_name["valid/sealed-11-le"]["reason"] == "pid"
    assert by_name[LIVE]["stderr"] == f"about {LIVE} \x1b[2J\0\n"
    assert [(one["pattern"], one["source"]) for one in found["stale"]] == [
        ("invalid/length-79-10-le", "known.txt:2")
    ]
    total = found["matrix"][-1]
    assert (total["group"], total["name"]) == ("total", "all")
    for outcome in SampleOutcome:
        count = list(EXPECTED.values()).count(outcome.value)
        assert total[outcome.value] == found["totals"][outcome.value] == count
    assert len(found["samples"]) == len(corpus)


def _junit_is_right(text: str) -> None:
    root = ElementTree.fromstring(text)
    suites = {suite.get("name"): suite for suite in root}
    assert list(suites) == ["valid", "questionable", "invalid", "lists"]
    cases = {case.get("name"): case for suite in root for case in suite}
    assert {name for name in cases if name in EXPECTED} == set(EXPECTED)
    failed = {name for name, case in cases.items() if case.find("failure") is not None}
    assert failed == FAILING | {"known.txt:2: invalid/length-79-10-le"}
    skipped = {n: c.find("skipped") for n, c in cases.items()}
    messages = {n: one.get("message") for n, one in skipped.items() if one is not None}
    assert messages == {
        "valid/sealed-11-le": "known: wrong-value: pid",
        "invalid/magic-10-le": "skipped: <later>",
    }
    for suite in root:
        assert int(suite.get("tests", "")) == len(suite)
        assert int(suite.get("failures", "")) == len(suite.findall("*/failure"))
        assert int(suite.get("skipped", "")) == len(suite.findall("*/skipped"))
    failure = cases[LIVE].find("failure")
    assert failure is not None
    assert failure.get("type") == "wrong-value"
    assert "$.header.pid: expected 4242" in (failure.get("message") or "")


def _html_is_right(text: str) -> None:
    page = Page(text)
    assert page.open == []
    assert not {"script", "link", "img", "iframe", "object"} & set(page.tags)
    assert page.tags.count("thead") == page.tags.count("table") == 1 + len(set(EXPECTED.values()))
    assert len(set(page.ids)) == len(page.ids)
    assert all(link.startswith("#") and link[1:] in page.ids for link in page.links)
    assert {f"sample-{name}" for name in EXPECTED} <= set(page.ids)
    assert {f"class-{outcome}" for outcome in EXPECTED.values()} <= set(page.ids)
    assert {f"feature-{code}" for code in ("be", "enc", "ext", "trunc", "unk", "zst")} <= set(
        page.ids
    )
    words = " ".join(" ".join(page.words).split())
    assert 'expected 4242, found "<b>' in words
    assert "known.txt:2: invalid/length-79-10-le : known to fail, but passes" in words
    assert not re.search(r"(?:https?:|url\(|@import|src=)", text)
    assert "prefers-color-scheme: dark" in text


def test_text(corpus: Manifest, wrong: str, lists: list[str]) -> None:
    words = ["--samples", corpus.folder, "--decoder", wrong, *lists]
    brief = samples_run(*words, code=1).stdout
    assert "Failed:\n" not in brief
    assert "not-" not in brief
    done = samples_run(*words, "--matrix", "--each", code=1)
    assert done.stderr == ""
    assert all(c == "\n" or c.isprintable() for c in done.stdout)
    text = done.stdout.splitlines()
    table = text[next(i for i, line in enumerate(text) if "accepted-" in line and "not-" in line) :]
    heads = table[1].split()
    assert " ".join(heads) == (
        "pass crash hang invalid valid value document known skipped supported"
    )
    rows = {row.split()[0]: row.split()[1:] for row in table if row.startswith("  ")}
    assert rows["all"] == ["3", "1", "1", "1", "1", "1", "1", "1", "1", "."]
    assert rows["zst"] == [".", ".", "1", ".", ".", ".", ".", ".", ".", "."]
    failed = done.stdout.partition("Failed:\n")[2].partition("\n\n")[0].splitlines()
    named = [line for line in failed if re.match("  [a-z]", line)]
    assert {line.split()[1].rstrip(":") for line in named} == FAILING
    assert all(line.split()[0] == EXPECTED[line.split()[1].rstrip(":")] for line in named)
    assert len(failed) <= 3 * len(named)
    assert f"{corpus.folder}/{LIVE}.msl" in done.stdout
    assert "# <later>" in done.stdout
    assert "known.txt:2: invalid/length-79-10-le: known to fail, but passes" in done.stdout
    assert text[0] == (
        "11 samples, level full: 3 passed, 6 failed, 1 known to fail, 1 skipped, "
        "1 stale in the lists"
    )


def test_fine(corpus: Manifest, tmp_path: Path) -> None:
    html = tmp_path / "r.html"
    words = ["--samples", corpus.folder, "--decoder", decoder(tmp_path, ""), "--html", html]
    done = samples_run(*words, "--without=zst, ext", "--level=payloads")
    assert done.stdout.splitlines()[0] == (
        "11 samples, level payloads: 9 passed, 0 failed, 2 not supported"
    )
    assert "Why samples fail" not in done.stdout
    assert "none failed" in " ".join(Page(html.read_text("utf-8")).words)


def test_what_is_not_shown_is_said(one: Manifest, tmp_path: Path) -> None:
    body = "for b in document['blocks']: b['payload'].get('page_data', {}).pop('data', 0)"
    done = samples_run("--samples", one.folder, "--decoder", decoder(tmp_path, body))
    assert "page data not shown, and not compared, in 1" in done.stdout


def test_the_command_that_is_shown_shows_it_again(one: Manifest, tmp_path: Path) -> None:
    command = decoder(tmp_path, "document['header']['pid'] = 7")
    done = samples_run("--samples", one.folder, "--decoder", command, code=1)
    line = done.stdout.splitlines()[-1].strip()
    again = subprocess.run(line, shell=True, capture_output=True, check=True)
    assert json.loads(again.stdout)["header"]["pid"] == 7


def test_only_what_failed_before(corpus: Manifest, tmp_path: Path) -> None:
    body = "if name in ('valid/live-10-le', 'valid/zstd-11-le'): document['header']['pid'] = 7"
    words = ["--samples", corpus.folder, "--decoder", decoder(tmp_path, body)]
    report = tmp_path / "report.json"
    report.write_text(samples_run(*words, "--format=json", code=1).stdout)
    again = samples_run(*words, "--only-failed", report, code=1).stdout
    assert again.startswith("2 samples, level full: 0 passed, 2 failed")
    report.write_text(
        samples_run(*words[:2], "--decoder", decoder(tmp_path, ""), "--format=json").stdout
    )
    none = samples_run(*words, "--only-failed", report, code=2)
    assert "nothing failed in this run" in one_line(none.stderr.encode())
    report.write_text("{}")
    none = samples_run(*words, "--only-failed", report, code=2)
    assert "no report of msl samples run" in one_line(none.stderr.encode())


def test_nothing_is_begun_behind_the_first_failure(corpus: Manifest) -> None:
    words = ["--samples", corpus.folder, "--decoder", "false {}", "--first", "--jobs=1"]
    done = samples_run(*words, code=1)
    assert "1 failed" in done.stdout.splitlines()[0]
    assert "# another sample had failed" in done.stdout


def test_levels_nest_and_lists_are_taken(one: Manifest, tmp_path: Path) -> None:
    wrong = decoder(
        tmp_path,
        "for b in document['blocks']:\n"
        "    if b['block_type'] != 'memory_region': b['payload'] = {}\n",
    )
    words = ["--samples", one.folder, "--decoder", wrong]
    samples_run(*words, "--level=regions")
    samples_run(*words, "--level=payloads", code=1)
    lacks = tmp_path / "lacks.txt"
    types = {b["block_type"] for b in one.expected(next(iter(one)))["blocks"]}  # type: ignore[index]
    keys = [f"blocks.{name}.payload" for name in types - {"memory_region"}]
    lacks.write_text("\n".join(f"{key}  # not shown" for key in keys))
    samples_run(*words, "--level=full", "--lacks", lacks)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--decoder", "/no/such {}"], "the decoder can't be started: /no/such: No such file"),
        (["--decoder", "x 'y"], "can't be split"),
        (["--decoder", "true", "--only", "nope"], "no sample is called nope"),
        (["--decoder", "true", "--without", "nope"], "no sample has the feature 'nope'"),
        (["--decoder", "true", "--skip", "{list}"], "list:1: expected one name"),
    ],
)
def test_usage(one: Manifest, tmp_path: Path, words: list[str], message: str) -> None:
    (tmp_path / "list").write_text("one two\n")
    words = [word.replace("{list}", str(tmp_path / "list")) for word in words]
    if "nope" in words:
        corpus = Corpus(one.folder)
        corpus.add(LIVE, live(LE10).build(), LE10, "be")
        corpus.manifest()
    done = samples_run("--samples", one.folder, *words, code=2)
    assert done.stdout == ""
    assert message in one_line(done.stderr.encode())


@pytest.mark.parametrize(
    "words",
    [[], ["--decoder=true", "--level=deep"], ["--decoder=true", "--timeout=0"],
     ["--decoder=true", "--jobs=0"], ["--decoder=true", "--known=no-such-file"],
     ["--decoder=true", "--samples=no-such-folder"]],
)  # fmt: skip
def test_usage_of_options(words: list[str], tmp_path: Path) -> None:
    done = samples_run(*words, code=2, cwd=tmp_path)
    assert done.stdout == ""
    assert "Usage:" in done.stderr


@pytest.mark.parametrize("text", [None, "{", '{"manifest": 2, "samples": []}'])
def test_a_corpus_that_cant_be_read(text: str | None, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "manifest.json").write_text(text)
    done = samples_run("--samples", tmp_path, "--decoder", "true", code=3)
    assert "manifest.json" in one_line(done.stderr.encode())


def test_a_report_that_cant_be_written(one: Manifest, tmp_path: Path) -> None:
    words = ["--samples", one.folder, "--decoder", "true", "--junit", tmp_path / "no" / "r.xml"]
    done = samples_run(*words, code=3)
    assert "r.xml" in one_line(done.stderr.encode())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupt_leaves_nothing_behind(
    one: Manifest, tmp_path: Path, number: signal.Signals
) -> None:
    note = tmp_path / "pids"
    body = f"import os, time; open({str(note)!r}, 'w').write(f'{{os.getpid()}} '); time.sleep(600)"
    command = decoder(tmp_path, body, right=False)
    words = ["samples", "run", "--samples", str(one.folder), "--decoder", command, "--timeout=300"]
    running = subprocess.Popen(
        [*COMMAND, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(PLACE)},
    )
    try:
        deadline = time.monotonic() + 60
        while not (note.exists() and note.read_text().endswith(" ")):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        running.send_signal(number)
        out, errors = running.communicate(timeout=60)
    finally:
        running.kill()
    assert running.returncode == 130
    assert out == b""
    assert errors == b"msl: interrupted\n"
    gone(note)


def test_a_reader_that_goes_away(corpus: Manifest, wrong: str, lists: list[str]) -> None:
    """A failed run stays failed."""
    words = ["samples", "run", "--samples", str(corpus.folder), "--decoder", wrong, *lists]
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [*COMMAND, *words],
        stdout=writing,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(PLACE)},
        timeout=120,
    )
    os.close(writing)
    assert done.returncode == 1
    assert done.stderr == b""
