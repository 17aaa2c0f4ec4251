"""``msl samples generate`` and ``msl samples list`` as commands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import commands
import pytest

from msl_construct.corpus import Manifest
from msl_construct.corpus.features import FEATURES


class Done(NamedTuple):
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


def run(*words: str | Path) -> Done:
    done = commands.run(*map(str, words))
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


FOLDER = Path(__file__).parents[1] / "samples"


@pytest.fixture(scope="module")
def corpus() -> Manifest:
    return Manifest.load(FOLDER)


def test_list_says_what_each_sample_is() -> None:
    done = run("samples", "list", "--samples", FOLDER, "valid/minimal-*")
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        f"valid/minimal-{form}  416  0 accept  -  The smallest live acquisition: an identity and "
        "an empty list of modules."
        for form in ("10-be", "10-le", "11-le")
    ]


def test_list_by_rule_and_feature(corpus: Manifest) -> None:
    rule = "MSL-4.4-PREV-HASH-MISMATCH"
    done = run("samples", "list", "--samples", FOLDER, "--rule", rule, "--json")
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert found == [s.to_json() for s in corpus if rule in s.verdict.rules]
    assert len(found) > 2
    done = run("samples", "list", "--samples", FOLDER, "--feature", "be", "--feature", "lz4")
    names = [line.partition("  ")[0] for line in done.stdout.splitlines()]
    assert names == [s.name for s in corpus if {"be", "lz4"} <= set(s.features)]
    assert names


def test_list_without_a_folder_lists_what_would_be_made(corpus: Manifest) -> None:
    done = run("samples", "list", "--json", "--draft", "draft-2026-03")
    made = [sample for sample in corpus if sample.draft == "draft-2026-03"]
    assert done.stdout.splitlines() == [json.dumps(s.to_json(), ensure_ascii=False) for s in made]


def test_list_of_nothing() -> None:
    done = run("samples", "list", "--samples", FOLDER, "nothing-*")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "msl: no sample fits\n")
    assert run("samples", "list", "-q", "--samples", FOLDER, "nothing-*").stderr == ""


def test_codes_are_explained() -> None:
    done = run("samples", "list", "--codes")
    assert done.returncode == 0
    for code, meaning in FEATURES.items():
        assert f"{code} " in done.stdout
        assert meaning in done.stdout


def test_a_folder_without_a_corpus(tmp_path: Path) -> None:
    done = run("samples", "list", "--samples", tmp_path)
    assert done.returncode == 3
    assert done.stderr.count("\n") == 1
    (tmp_path / "manifest.json").write_text('{"manifest": 1, "samples": [{}]}')
    done = run("samples", "list", "--samples", tmp_path)
    assert done.returncode == 3
    assert "no manifest of a sample corpus" in done.stderr
    (tmp_path / "manifest.json").write_text('{"manifest": 2, "samples": []}')
    done = run("samples", "list", "--samples", tmp_path)
    assert "expected version 1, found 2" in done.stderr


def test_generate_needs_a_folder_that_can_be_written(tmp_path: Path) -> None:
    assert run("samples", "generate").returncode == 2
    (tmp_path / "file").write_text("")
    assert run("samples", "generate", "-o", tmp_path / "file").returncode == 2
    done = run("samples", "generate", "-o", tmp_path / "file" / "below")
    assert done.returncode == 3
    assert done.stderr.count("\n") == 1
