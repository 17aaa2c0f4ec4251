"""A draft of one's own in every command."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest
from acquire_targets import started
from acquiring import acquire, linux_only
from authoring import BASE, DOCUMENT, FILE, MINE, RULE, a_dump, known_as_before, said  # noqa: F401
from commands import PLACE, run

import msl_acquire
import msl_construct
from msl_construct.drafts.authored import load
from msl_construct.errors import TargetError
from msl_construct.exports import EXPORTS
from msl_construct.rules import rules_for


def test_inspect(dump: Path) -> None:
    found = json.loads(said("inspect", "--json", "--draft", MINE, dump))
    assert found["format"]["draft"] == "mine"
    assert found["header"]["version"] == "0x0102"
    identity, _, remark, _ = found["blocks"]
    assert identity["payload"]["session_id"] == 1 << 40
    assert remark["block_type"] == "analyst_remark"
    assert remark["payload"]["places"] == [{"address": "0x400000"}]
    offset = msl_construct.schema(BASE).file_header.offset_of("os_type")
    assert dump.read_bytes()[offset] == 0, "the codes of the two systems are swapped"
    assert found["header"]["os_type"] == "linux"


def test_without_it_a_file_is_read_with_the_newest_public_draft(dump: Path) -> None:
    found = json.loads(said("inspect", "--json", dump))
    assert found["format"]["draft"] == BASE
    assert found["blocks"][2]["block_type"] == "0x1002"
    assert found["header"]["os_type"] == "windows"


def test_documents_name_no_file(dump: Path, tmp_path: Path) -> None:
    """A document comes from anybody: nothing that it says is run."""
    document = {**DOCUMENT, "format": {"draft": MINE, "byte_order": "little"}}
    done = run("build", "-", "-o", tmp_path / "out", data=json.dumps(document).encode())
    assert done.returncode == 3
    assert b"unknown draft" in done.stderr


def test_build_is_the_reverse_of_inspect(dump: Path, tmp_path: Path) -> None:
    text = said("inspect", "--json", "--with-data", "--draft", MINE, dump)
    said("build", "-", "--draft", MINE, "-o", tmp_path / "out", "-q", data=text.encode())
    assert (tmp_path / "out").read_bytes() == dump.read_bytes()


def test_verify(dump: Path) -> None:
    assert json.loads(said("verify", "--json", "--draft", MINE, dump))["intact"] is True


def test_check(dump: Path, tmp_path: Path) -> None:
    said("check", "--draft", MINE, dump)
    bad = json.loads(json.dumps(DOCUMENT))
    bad["blocks"][2]["payload"]["places"] = []
    path = tmp_path / "bad.msl"
    said("build", "-", "--draft", MINE, "-o", path, "-q", data=json.dumps(bad).encode())
    found = json.loads(said("check", "--format", "json", "--draft", MINE, path, code=1))
    assert RULE in json.dumps(found)
    listed = said("check", "--list", "--draft", MINE)
    ids = {line.split()[0] for line in listed.splitlines()}
    base = {rule.id for rule in rules_for(BASE)}
    assert ids >= base - {"MSLX-5.1-REGION-EMPTY"}, "an overlay has the rules of its base"
    assert "MSLX-5.1-REGION-EMPTY" not in ids
    own = {rule for rule in ids - base if "-lab-" not in rule}
    assert own == set()
    assert "MSL-lab-ANALYST-REMARK-COUNT-TOO-LARGE" in ids, "rules follow from a new block"
    assert "An Analyst Remark names no address." in said(
        "check", "--explain", RULE, "--draft", MINE
    )


def test_schema(tmp_path: Path) -> None:
    assert said("schema", "list", MINE).startswith("mine  1.2")
    shown = said("schema", "show", MINE, "process_identity")
    assert re.search(r"0x4 +8 +SessionID", shown)
    assert "Since mine." in said("schema", "show", MINE, "analyst_remark")
    changed = said("schema", "diff", BASE, MINE, code=1)
    for what in (
        "field process_identity.session_id",
        "structure analyst_remark",
        "code OSType.0x0000",
        "structure pointer_graph",
    ):
        assert what in changed
    assert "second-meaning: OSType.0x0000" in said("schema", "check", MINE, code=1)
    for form in EXPORTS:
        assert said("schema", "export", "--to", form, "--draft", MINE), form


def test_samples(tmp_path: Path) -> None:
    done = run("samples", "generate", "--draft", MINE, "-o", tmp_path)
    assert done.returncode == 0
    *left_out, _ = done.stderr.decode().splitlines()
    assert all(line.startswith("msl: left out: ") for line in left_out)
    assert len(left_out) < 20
    manifest = json.loads((tmp_path / "manifest.json").read_text("utf-8"))
    names = {row["name"] for row in manifest["samples"]}
    assert {row["draft"] for row in manifest["samples"]} == {"mine"}
    assert len(names) > 500
    assert {"valid/alone-analyst-remark-12-le", "valid/live-12-le"} <= names
    assert "invalid/MSL-lab-ANALYST-REMARK-PADDING-NOT-ZERO-12-le" in names
    assert "questionable/region-of-nothing-12-le" not in names, "it breaks a rule that is waived"
    decoder = f"{sys.executable} -m msl_construct inspect --json --with-data --draft {MINE} {{}}"
    words = ("samples", "run", "--samples", tmp_path, "--decoder", decoder, "--format", "json")
    said(*words, "--only", "valid/alone-*", folder=PLACE)


@linux_only
def test_acquire(tmp_path: Path) -> None:
    with started(["sleep", "600"], ready="") as (process, _):
        acquire(process.pid, "-o", tmp_path / "a.msl", "--draft", MINE)
    with msl_construct.open(tmp_path / "a.msl", draft=load(MINE)) as dump:
        assert dump.draft == "mine"
        assert dump.header.record["version"] == 0x0102
        assert dump.verify().intact
    found = said("check", "--format", "json", "--draft", MINE, tmp_path / "a.msl")
    assert RULE not in found


@linux_only
def test_acquire_takes_a_draft_as_well_as_its_name(tmp_path: Path) -> None:
    with started(["sleep", "600"], ready="") as (process, _):
        report = msl_acquire.acquire(process.pid, tmp_path / "a.msl", draft=load(MINE))
    assert report["dump"]["draft"] == "mine"
    with msl_construct.open(tmp_path / "a.msl", draft=load(MINE)) as dump:
        assert dump.header.record["version"] == 0x0102
        assert dump.verify().intact
    with pytest.raises(TargetError, match="draft 'none'"):
        msl_acquire.Options(draft="none")


def test_generate(tmp_path: Path) -> None:
    done = run("generate", "python", "--draft", MINE, "-o", tmp_path / "parser", "-q")
    if done.returncode == 3:
        pytest.skip("no compiler for Kaitai Struct")
    assert done.returncode == 0, done.stderr
    text = "".join(path.read_text("utf-8") for path in (tmp_path / "parser").rglob("*.py"))
    assert "class AnalystRemark" in text


def test_append(dump: Path, tmp_path: Path) -> None:
    """A block of one's own goes behind a dump; without the draft nobody knows it."""
    remark = {"text": "a thought", "certainty": "confirmed", "places": [{"address": "0x400000"}]}
    document = tmp_path / "more.json"
    document.write_text(
        json.dumps({"blocks": [{"block_type": "analyst_remark", "payload": remark}]})
    )
    before = dump.read_bytes()
    refused = run("append", dump, document)
    assert refused.returncode == 3
    assert b"analyst_remark" in refused.stderr
    assert dump.read_bytes() == before
    said("append", "--draft", MINE, dump, document)
    (segment,) = json.loads(said("inspect", "--json", "--draft", MINE, dump))["segments"]
    assert segment["blocks"][0]["payload"]["text"] == "a thought"
    assert dump.read_bytes().startswith(before)
    said("verify", "--draft", MINE, dump)


def test_every_command_that_reads_a_dump_takes_it() -> None:
    """Those above have tests of what they do with it; the others open a dump in the same way."""
    commands = re.findall(r"^  ([a-z-]+) {2,}[A-Z]", said("--help").split("Commands:")[1], re.M)
    assert len(commands) > 25
    without = [name for name in commands if "FILE.py:NAME" not in said(name, "--help")]
    # Groups take it in their commands; keys, paths and ciphertext have no draft, and what is
    # imported is a dump of a public one.
    others = ["encrypt", "import", "keygen", "samples", "schema", "volatility-path"]
    assert without == others, "draft_options of cli/common.py is for what reads a dump"


# -- as a library ----------------------------------------------------------------------------


def test_a_draft_is_taken_wherever_a_name_is(dump: Path, tmp_path: Path) -> None:
    mine = load(MINE)
    schema = msl_construct.schema(mine)
    assert schema is msl_construct.schema("mine", "little")
    header = {"cap_bitmap": ["process_identity", "module_list"], "pid": 7}
    with msl_construct.Writer(
        tmp_path / "out.msl", {**header, "os_type": "linux", "arch_type": "x86_64"}, draft=mine
    ) as writer:
        writer.add_process_identity(exe_path="/bin/true", cmd_line=None)
        writer.add_module_list_index([])
        writer.add_analyst_remark(text="x", places=[{"address": 1}])
    with msl_construct.open(tmp_path / "out.msl") as read:  # by its version, as it is registered
        assert read.schema is schema
    assert [one.name for one in mine.lineage] == ["mine", BASE, "draft-2026-03"]
    assert mine.since(BASE)
    assert not mine.has_state("swapped")


def test_the_help_says_that_the_file_is_run() -> None:
    commands = (
        "inspect", "verify", "check", "build", "acquire", "generate", "samples generate",
        "samples list", "samples run", "schema list", "schema show", "schema diff",
        "schema check", "schema export",
    )  # fmt: skip
    for command in commands:
        text = " ".join(said(*command.split(), "--help").split())
        assert "FILE.py:NAME is a draft of your own; FILE.py is run for it." in text, command
