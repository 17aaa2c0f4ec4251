"""What a change does to files and readers: forty seeded ones, and those of the public drafts."""

from __future__ import annotations

import json
import shlex
from collections import Counter
from pathlib import Path

import pytest
import yaml
from commands import PLACE, run
from draft_changes.drafted import drafted, source_of
from draft_changes.seeded import BY_CLASS, CHANGES, HIDDEN
from sampling import sampled

from msl_construct.breaking.classes import ChangeClass
from msl_construct.breaking.classify import Classified, classified
from msl_construct.drafts import DRAFTS
from msl_construct.exports.difference import differences

OLD, NEW = DRAFTS["draft-2026-03"], DRAFTS["draft-2026-10"]


def gravest(changes: list[Classified]) -> list[Classified]:
    most = max(one.cls.severity for one in changes)
    return [one for one in changes if one.cls.severity == most]


def test_the_seeds_have_every_class_and_every_word() -> None:
    assert len(CHANGES) >= 40
    assert {one.expected for one in CHANGES.values()} == {cls.value for cls in ChangeClass}
    words = "widen rename renumber retype carve forbid give_payload redefine reword deprecate"
    text = " ".join(one.overlay for one in CHANGES.values())
    assert [word for word in words.split() if f"{word}(" not in text] == []
    assert len(HIDDEN) >= 5


@sampled("expected")
@pytest.mark.parametrize(("expected", "name"), BY_CLASS)
def test_a_seeded_change_has_its_class(expected: str, name: str, tmp_path: Path) -> None:
    with drafted(name, tmp_path) as (old, new):
        found = gravest(classified(old, new))
    assert found[0].cls.value == expected, found
    assert CHANGES[name].where in [one.where for one in found]
    assert all(one.reason for one in found)


@pytest.mark.parametrize("name", HIDDEN)
def test_names_and_numbers_do_not_show_what_is_hidden(name: str, tmp_path: Path) -> None:
    with drafted(name, tmp_path) as (old, new):
        (change,) = (one for one in differences(old, new) if one.kind != "draft"
                     and one.where != "file_header.version")  # fmt: skip
    assert set(change.before) == set(change.after) == {"text"}


def test_every_difference_of_the_public_drafts_has_a_class() -> None:
    found = classified(OLD, NEW)
    assert [(one.kind, one.where) for one in found] == [
        (one.kind, one.where) for one in differences(OLD, NEW)
    ]
    classes = {(one.kind, one.where): one.cls for one in found}
    expected = {
        ("field", "file_header.endianness"): "OLD_FILE_INVALID",
        ("field", "file_header.header_size"): "ADDITIVE",
        ("field", "file_header.block_count"): "ADDITIVE",
        ("field", "related_dump.target_hash"): "DEGRADED",
        ("structure", "file_descriptor"): "OLD_FILE_INVALID",
        ("structure", "pointer_graph"): "OLD_FILE_INVALID",
        ("structure", "process_table"): "ADDITIVE",
        ("field", "compressed_payload.stream"): "OLD_FILE_INVALID",
        ("field", "memory_region.page_state_map"): "COSMETIC",
        ("code", "PageState.0x03"): "DEGRADED",
        ("code", "KeyType.0x000c"): "ADDITIVE",
        ("flag", "HeaderFlags.2"): "ADDITIVE",
    }
    assert {key: classes[key].value for key in expected} == expected
    assert "SILENT_REINTERPRET" not in {cls.value for cls in classes.values()}


def test_a_draft_is_the_same_as_itself() -> None:
    assert classified(NEW, NEW) == []


# -- the command ---------------------------------------------------------------------------------

SILENT = "two codes are exchanged"


def said(folder: Path, *words: str, code: int = 1) -> str:
    (folder / "own.py").write_text(source_of(SILENT), "utf-8")
    both = ("draft-2026-10", "own.py:CHANGED", "--breaking")
    done = run("schema", "diff", *both, *words, folder=folder)
    assert done.returncode == code, done.stderr
    return done.stdout.decode()


def test_the_command_for_people(tmp_path: Path) -> None:
    text = said(tmp_path)
    assert "SILENT_REINTERPRET (2)" in text
    assert "an old reader takes the code for Windows, a new one for Linux" in text
    assert "| SILENT_REINTERPRET | changed code `OSType.0x0000` |" in said(
        tmp_path, "--format", "markdown"
    )


def test_the_command_for_programs(tmp_path: Path) -> None:
    found = json.loads(said(tmp_path, "--format", "json"))
    assert found["worst"] == "SILENT_REINTERPRET"
    assert found["counts"] == {
        cls.value: Counter(one["class"] for one in found["changes"])[cls.value]
        for cls in ChangeClass
    }
    lines = said(tmp_path, "--format", "github", "-q").splitlines()
    number = source_of(SILENT).count("\n")
    assert lines[0].startswith(f"::error file=own.py,line={number},title=SILENT_REINTERPRET::")
    report = json.loads(said(tmp_path, "--format", "sarif"))
    (one,) = report["runs"]
    assert len(one["tool"]["driver"]["rules"]) == len(ChangeClass)
    result = next(r for r in one["results"] if r["ruleId"] == "SILENT_REINTERPRET")
    place = result["locations"][0]["physicalLocation"]
    assert place == {"artifactLocation": {"uri": "own.py"}, "region": {"startLine": number}}
    assert result["level"] == "error"


def test_the_workflow_of_the_pages_is_a_gate(tmp_path: Path) -> None:
    """Its commands are run as they stand: on the draft of the tutorial, and on a silent one."""
    examples = PLACE / "spec-docs" / "examples"
    workflow = yaml.safe_load((examples / "draft-gate.yml").read_text("utf-8"))
    steps = [one.get("run", "") for one in workflow["jobs"]["breaking"]["steps"]]
    commands = [shlex.split(step)[1:] for step in steps if step.startswith("msl ")]
    assert len(commands) == 2
    own = tmp_path / "descriptors.py"
    own.write_text((examples / "descriptors.py").read_text("utf-8"), "utf-8")
    assert [run(*words, folder=tmp_path).returncode for words in commands] == [0, 0]
    own.write_text(source_of(SILENT).replace("CHANGED", "OPEN_FILES"), "utf-8")
    done = [run(*words, folder=tmp_path) for words in commands]
    assert [one.returncode for one in done] == [1, 1]
    assert b"::error file=descriptors.py,line=" in done[1].stdout


def test_the_gate(tmp_path: Path) -> None:
    said(tmp_path, "--fail-on", "SILENT_REINTERPRET", code=1)
    said(tmp_path, "--fail-on", "additive", code=1)
    both = ("schema", "diff", "draft-2026-03", "draft-2026-10")
    assert run(*both, "--breaking", "--fail-on", "SILENT_REINTERPRET").returncode == 0
    assert run(*both, "--fail-on", "SILENT_REINTERPRET").returncode == 2
    assert run(*both, "--breaking", "--fail-on", "FATAL").returncode == 2
