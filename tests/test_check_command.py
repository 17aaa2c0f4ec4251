"""``msl check``: what it prints in each format, and how it ends."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import rules_files
from commands import COMMAND, PLACE, files_of_every_fate, run
from independent import wire
from independent.specimens import LE10, LE11

from msl_construct.rules import Level, every_rule, rules_for

__all__ = ["files_of_every_fate"]

GOLDEN = Path(__file__).parent / "golden" / "check"
DRAFTS = ("draft-2026-03", "draft-2026-10")
RESERVED = "MSL-5.4-PROCESS-IDENTITY-RESERVED-NOT-ZERO"
HIDDEN = "MSL-5.2-MODULE-ENTRY-PADDING-NOT-ZERO"
UNLISTED = "MSLX-5.1-MEMORY-REGION-UNREGISTERED-CODE"


def plain() -> bytes:
    """A file that conforms."""
    return rules_files.live(LE10).build()


def faulty() -> bytes:
    """Reserved bytes in use, padding in six modules, a region type that nobody registered."""
    plan = rules_files.live(LE10)
    plan.values("identity", reserved=7)
    for name in ("module", "other"):
        plan.values(name, native_blob=b"ab\0", blob_padding=b"\0\0\0\0\1")
    plan.values("region", region_type=9)
    return plan.build()


def doubtful() -> bytes:
    """Nothing that counts."""
    plan = rules_files.live(LE10)
    plan.values("region", region_type=9)
    return plan.build()


MAKERS: dict[str, Callable[[], bytes]] = {"plain": plain, "faulty": faulty, "doubtful": doubtful}


@pytest.fixture(name="place")
def a_folder(tmp_path: Path) -> Path:
    for name, make in MAKERS.items():
        (tmp_path / f"{name}.msl").write_bytes(make())
    return tmp_path


def check(
    place: Path, *words: Any, code: int = 0, data: bytes = b""
) -> subprocess.CompletedProcess[str]:
    """The command in a folder, so that its output has no absolute paths."""
    done = run("check", *words, data=data, folder=place)
    text = done.stdout.decode()
    errors = done.stderr.decode()
    assert done.returncode == code, text + errors
    assert "Traceback" not in errors
    return subprocess.CompletedProcess(done.args, done.returncode, text, errors)


# -- exit codes ------------------------------------------------------------------------------------

FATES = {
    "not": 3,
    "empty": 3,
    "short": 3,
    "version": 3,
    "encrypted": 5,
    "missing": 3,
}


@pytest.mark.parametrize("name", FATES)
def test_exit_code_of_a_hopeless_file(name: str, files: dict[str, Path]) -> None:
    path = files.get(name, Path("missing.msl"))
    done = run("check", path)
    assert done.returncode == FATES[name]
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith("msl: ")


@pytest.mark.parametrize(
    ("bend", "code"),
    [
        (lambda plan: None, 0),
        (lambda plan: setattr(plan, "end", None), 4),
        (lambda plan: setattr(plan, "tail", b"tail"), 4),
        (lambda plan: plan.values("identity", reserved=1), 1),
        (lambda plan: (plan.values("identity", reserved=1), setattr(plan, "end", None)), 1),
    ],
    ids=["plain", "no end", "trailing", "findings", "findings and no end"],
)
def test_exit_code_of_a_file(bend: Callable[[Any], Any], code: int, tmp_path: Path) -> None:
    plan = rules_files.live(LE10)
    bend(plan)
    (tmp_path / "one.msl").write_bytes(plan.build())
    done = check(tmp_path, "one.msl", code=code)
    assert len(done.stderr.splitlines()) == (code == 4)


def test_the_worst_of_several_decides(files: dict[str, Path], place: Path) -> None:
    for names, code in (
        (("plain.msl", "doubtful.msl"), 0),
        (("plain.msl", files["encrypted"]), 5),
        ((files["encrypted"], "faulty.msl", "plain.msl"), 1),
        ((files["not"], "faulty.msl"), 3),
    ):
        done = check(place, *names, code=code)
        assert len([row for row in done.stdout.splitlines() if not row.startswith(" ")]) == len(
            names
        )


def test_strict_lets_everything_count(place: Path) -> None:
    assert "does not count" in check(place, "doubtful.msl").stdout
    assert "doubtful.msl: 1 finding (" in check(place, "doubtful.msl", "--strict", code=1).stdout


def test_the_header_of_an_encrypted_file_is_judged(tmp_path: Path) -> None:
    header = wire.file_header(
        version=wire.V11, flags=4, header_size=128, extension=wire.encryption_extension(reserved=1)
    )
    (tmp_path / "sealed.msl").write_bytes(header + bytes(200))
    done = check(tmp_path, "sealed.msl", code=1)
    assert "MSL-3-ENCRYPTION-HEADER-RESERVED-NOT-ZERO" in done.stdout
    assert "encrypted" in done.stderr


def test_stdin(place: Path) -> None:
    done = check(place, "-", data=faulty(), code=1)
    assert done.stdout.startswith("-: 3 findings")


def test_a_limit_that_was_reached_is_no_finding(tmp_path: Path) -> None:
    plan = rules_files.live(LE11)
    plan.fields("region", compression="zstd")
    (tmp_path / "packed.msl").write_bytes(plan.build())
    check(tmp_path, "packed.msl")
    done = check(tmp_path, "packed.msl", "--max-inflate", 500, code=4)
    assert "packed.msl: incomplete; nothing found in what was checked" in done.stdout
    assert "no findings" not in done.stdout
    assert "--max-inflate" in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--format", "yaml", "plain.msl"),
        ("--role", "reader", "plain.msl"),
        ("--draft", "draft-1999-01", "plain.msl"),
        ("--explain", "MSL-9.9-NOTHING"),
        ("--list", "--format", "junit"),
        ("--baseline", "plain.msl", "plain.msl"),
        ("--baseline", "nothing.json", "plain.msl"),
    ],
    ids=lambda words: " ".join(words) or "nothing",
)
def test_usage(words: tuple[str, ...], place: Path) -> None:
    assert check(place, *words, code=2).stdout == ""


# -- directories -----------------------------------------------------------------------------------


def test_every_file_below_a_directory(place: Path) -> None:
    deep = place / "dumps" / "b" / "c"
    deep.mkdir(parents=True)
    (deep / "deep.MSL").write_bytes(plain())
    (place / "dumps" / "a.msl").write_bytes(b"no dump at all")
    (place / "dumps" / "z.msl").write_bytes(faulty())
    (place / "dumps" / "notes.txt").write_bytes(b"not looked at")
    done = check(place, "dumps", code=3)
    heads = [line.partition(":")[0] for line in done.stdout.splitlines() if line[0] != " "]
    assert heads == [str(Path("dumps", p)) for p in ("a.msl", "z.msl", "b/c/deep.MSL")]
    assert "no findings" in done.stdout
    assert HIDDEN in done.stdout


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_a_pipe_in_a_directory_is_not_waited_for(place: Path) -> None:
    os.mkfifo(place / "pipe.msl")
    (place / "gone.msl").symlink_to("nowhere.msl")
    done = run("check", "--format", "ndjson", place)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    names = {Path(row["file"]).name for row in rows if row["type"] == "file"}
    assert names == {*(f"{name}.msl" for name in MAKERS), "gone.msl", "pipe.msl"}
    assert done.returncode == 3


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
@pytest.mark.parametrize("form", ["text", "json", "ndjson", "sarif", "junit"])
def test_what_is_left_out_of_a_directory_is_a_gap(tmp_path: Path, form: str) -> None:
    """A line for each on either stream; whatever it is, it is not opened."""
    (tmp_path / "fine.msl").write_bytes(plain())
    os.mkfifo(tmp_path / "a.msl")
    (tmp_path / "b.msl").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(os.path.relpath(tmp_path / "c.msl"))
        done = run("check", "--format", form, tmp_path)
    assert done.returncode == 4
    errors = done.stderr.decode().splitlines()
    assert len(errors) == 3, errors
    for name, what, error in zip("abc", ("named pipe", "device", "socket"), errors):
        assert f"{name}.msl: a {what} in a directory is not looked at" in error
        assert f"a {what} in a directory is not looked at" in done.stdout.decode()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_a_directory_with_nothing_but_a_pipe_is_no_success(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.msl")
    done = run("check", tmp_path)
    assert done.returncode == 4
    assert done.stderr.count(b"\n") == 1


def test_a_directory_without_dumps_is_no_success(tmp_path: Path) -> None:
    done = check(tmp_path, ".", code=3)
    assert "no *.msl" in done.stderr


# -- text ------------------------------------------------------------------------------------------

SESSIONS = {
    "plain": ("plain.msl", 0),
    "faulty": ("faulty.msl", 1),
    "doubtful-strict": ("--strict doubtful.msl", 1),
    "explain": (f"--explain {HIDDEN}", 0),
}


@pytest.mark.parametrize("name", SESSIONS)
def test_session(name: str, place: Path) -> None:
    words, code = SESSIONS[name]
    text = f"$ msl check {words}\n{check(place, *words.split(), code=code).stdout}"
    text = re.sub(r"\d+ rules", "N rules", text)  # there will be more
    kept = GOLDEN / f"{name}.txt"
    if os.environ.get("MSL_GOLDEN") == "write":
        kept.write_text(text, encoding="utf-8", newline="\n")
    assert text == kept.read_text(encoding="utf-8")


def test_all_shows_each(tmp_path: Path) -> None:
    plan = rules_files.live(LE10)
    rows = [{"module_uuid": wire.uuid4(900 + n), "reserved": 1} for n in range(8)]
    plan.values("index", rows=rows)
    (tmp_path / "many.msl").write_bytes(plan.build())
    rule = "MSL-5.3-MODULE-LIST-ENTRY-RESERVED-NOT-ZERO"
    few = check(tmp_path, "many.msl", code=1).stdout
    assert f"{rule}: 8 findings" in few
    assert few.count("].reserved: expected zero") == 3
    assert "and 5 more (--all)" in few
    everything = check(tmp_path, "--all", "many.msl", code=1).stdout
    assert everything.count("].reserved: expected zero") == 8
    assert "(--all)" not in everything


def test_text_from_the_file_does_not_act_on_the_terminal(tmp_path: Path) -> None:
    name = "esc\x1b[31m.msl"
    (tmp_path / name).write_bytes(faulty())
    done = check(tmp_path, name, code=1)
    assert "\x1b" not in done.stdout
    assert "\x1b" not in check(tmp_path, name, "--format", "junit", code=1).stdout


def test_another_draft(place: Path) -> None:
    done = check(place, "--draft", DRAFTS[1], "plain.msl", code=1)
    assert "MSL-3-FILE-HEADER-VALUE-NOT-PERMITTED" in done.stdout
    assert DRAFTS[1] in done.stdout


def test_roles(tmp_path: Path) -> None:
    plan = rules_files.live(LE10)
    plan.move("region", before="identity")
    (tmp_path / "moved.msl").write_bytes(plan.build())
    rule = "MSL-5.4-PROCESS-IDENTITY-NOT-FIRST"
    for words, found in (
        ((), True),
        (("--role", "live-acquirer"), True),
        (("--role", "importer"), False),
        (("--role", "importer", "--role", "live-acquirer"), True),
    ):
        done = check(tmp_path, *words, "moved.msl", code=int(found))
        assert (rule in done.stdout) == found


def test_nobody_reads(place: Path) -> None:
    """The exit code still says what was found."""
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [*COMMAND, "check", "--format", "ndjson", "faulty.msl"],
        stdout=writing,
        stderr=subprocess.PIPE,
        cwd=place,
        env={**os.environ, "PYTHONPATH": str(PLACE)},
        timeout=60,
    )
    os.close(writing)
    assert done.returncode == 1
    assert done.stderr == b""


# -- data ------------------------------------------------------------------------------------------


def test_json(place: Path, files: dict[str, Path]) -> None:
    done = check(place, "--format", "json", "faulty.msl", "plain.msl", files["not"], code=3)
    report = json.loads(done.stdout)
    assert (report["check"], report["exit_code"]) == (1, 3)
    bad, good, hopeless = report["files"]
    assert bad["file"] == "faulty.msl"
    assert (bad["exit_code"], bad["draft"], bad["complete"]) == (1, DRAFTS[0], True)
    assert bad["counts"] == {RESERVED: 1, HIDDEN: 2, UNLISTED: 1}
    assert bad["counted"] == 3
    first = bad["findings"][0]
    # Behind the file header (64) and the block header (80), Reserved stands at +0x14 (§5.4).
    assert first["offset"] == f"{64 + 80 + 0x14:#x}"
    assert (first["rule"], first["block"], first["field"]) == (RESERVED, 0, "reserved")
    assert (first["level"], first["section"]) == ("MUST", "§5.4")
    assert (good["exit_code"], good["findings"], good["error"]) == (0, [], None)
    assert (hopeless["exit_code"], hopeless["draft"]) == (3, None)
    assert "not a Memory Slice file" in hopeless["error"]
    assert {rule["id"] for rule in report["rules"]} == set(bad["counts"])


def test_ndjson(place: Path) -> None:
    done = check(place, "--format", "ndjson", "faulty.msl", "plain.msl", code=1)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["type"] for row in rows] == ["finding"] * 4 + ["file"] * 2
    whole = json.loads(check(place, "--format", "json", "faulty.msl", code=1).stdout)
    assert [
        {key: value for key, value in row.items() if key not in ("type", "file")}
        for row in rows[:4]
    ] == whole["files"][0]["findings"]


def test_junit(place: Path, files: dict[str, Path]) -> None:
    words = ("faulty.msl", "doubtful.msl", files["not"], files["no-end"], files["encrypted"])
    done = check(place, "--format", "junit", *words, code=3)
    root = ElementTree.fromstring(done.stdout)
    assert root.tag == "testsuites"
    suites = root.findall("testsuite")
    assert len(suites) == len(words)
    for suite in suites:
        cases = suite.findall("testcase")
        assert int(suite.get("tests", "")) == len(cases)
        assert int(suite.get("failures", "")) == len(suite.findall("testcase/failure"))
        assert int(suite.get("errors", "")) == len(suite.findall("testcase/error"))
        assert len({case.get("name") for case in cases}) == len(cases)
    bad, odd, hopeless, open_, sealed = suites
    failed = {case.get("name"): case for case in bad if case.find("failure") is not None}
    assert set(failed) == {RESERVED, HIDDEN}
    assert "0xa4: block 0" in (failed[RESERVED].findtext("failure") or "")
    names = {case.get("name") for case in bad}
    assert names >= {rule.id for rule in rules_for(DRAFTS[0]) if rule.judges_files}
    assert not names & {rule.id for rule in rules_for(DRAFTS[0]) if not rule.judges_files}
    assert odd.get("failures") == "0"
    assert "region_type" in (odd.findtext(f"testcase[@name='{UNLISTED}']/system-out") or "")
    assert (hopeless.get("tests"), hopeless.get("errors")) == ("1", "1")
    assert open_.find("testcase[@name='complete']/failure") is not None
    assert sealed.find("testcase[@name='readable']/error") is not None


def test_sarif(place: Path, files: dict[str, Path]) -> None:
    words = ("faulty.msl", files["not"], files["no-end"])
    report = json.loads(check(place, "--format", "sarif", *words, code=3).stdout)
    assert report["version"] == "2.1.0"
    assert report["$schema"].endswith("sarif-2.1.0.json")
    (single,) = report["runs"]
    driver = single["tool"]["driver"]
    assert driver["name"] == "msl-construct"
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", driver["version"])
    for rule in driver["rules"]:
        for part in ("shortDescription", "fullDescription", "help"):
            assert rule[part]["text"]
        assert rule["defaultConfiguration"]["level"] in ("error", "warning", "note")
    assert len({rule["id"] for rule in driver["rules"]}) == len(driver["rules"])
    for result in single["results"]:
        assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["message"]["text"]
        (location,) = result["locations"]
        physical = location["physicalLocation"]
        assert physical["artifactLocation"]["uri"]
        assert physical.get("region", {"byteOffset": 0})["byteOffset"] >= 0
    by_rule = {result["ruleId"]: result for result in single["results"]}
    assert by_rule[RESERVED]["level"] == "error"
    assert by_rule[UNLISTED]["level"] == "note"
    place_ = by_rule[RESERVED]["locations"][0]
    assert place_["physicalLocation"]["region"] == {"byteOffset": 0xA4}
    assert place_["physicalLocation"]["artifactLocation"] == {"uri": "faulty.msl"}
    (invocation,) = single["invocations"]
    assert invocation["executionSuccessful"] is False
    assert invocation["exitCode"] == 3
    levels = [one["level"] for one in invocation["toolExecutionNotifications"]]
    assert levels == ["error", "warning"]


def test_sarif_without_findings_is_whole(place: Path) -> None:
    report = json.loads(check(place, "--format", "sarif", "plain.msl").stdout)
    assert report["runs"][0]["results"] == []
    assert report["runs"][0]["invocations"][0]["executionSuccessful"] is True


def test_a_path_becomes_a_uri(tmp_path: Path) -> None:
    (tmp_path / "a b%.msl").write_bytes(faulty())
    report = json.loads(check(tmp_path, "--format", "sarif", "a b%.msl", code=1).stdout)
    uris = {
        result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        for result in report["runs"][0]["results"]
    }
    assert uris == {"a%20b%25.msl"}
    absolute = check(tmp_path, "--format", "sarif", tmp_path / "a b%.msl", code=1).stdout
    assert f"file://{tmp_path}/a%20b%25.msl" in absolute


# -- baseline --------------------------------------------------------------------------------------


def test_baseline(place: Path) -> None:
    old = check(place, "--format", "json", "faulty.msl", "plain.msl", code=1).stdout
    (place / "old.json").write_text(old, encoding="utf-8")
    same = check(place, "--baseline", "old.json", "./faulty.msl", "plain.msl")
    assert "./faulty.msl: no findings, 4 known before" in same.stdout
    # The same findings elsewhere, as a path grew; and one more.
    plan = rules_files.live(LE10)
    plan.values("identity", reserved=9, cmd_line="sleep a good deal longer than before")
    for name in ("module", "other"):
        plan.values(name, native_blob=b"ab\0", blob_padding=b"\0\0\0\1\1")
    plan.values("region", region_type=10)
    plan.values("first", reserved=b"\1\0\0\0\0")
    (place / "faulty.msl").write_bytes(plan.build())
    done = check(place, "--baseline", "old.json", "faulty.msl", code=1)
    assert "faulty.msl: 1 finding, 4 known before" in done.stdout
    assert "MSL-5.1-MEMORY-REGION-RESERVED-NOT-ZERO: 1 finding" in done.stdout
    assert RESERVED not in done.stdout


def test_a_baseline_knows_each_finding_once(tmp_path: Path) -> None:
    plan = rules_files.live(LE10)
    plan.values("index", reserved=1)
    (tmp_path / "one.msl").write_bytes(plan.build())
    report = json.loads(check(tmp_path, "--format", "json", "one.msl", code=1).stdout)
    finding = report["files"][0]["findings"][0]
    report["files"][0]["findings"] = [finding | {"field": "elsewhere"}]
    (tmp_path / "old.json").write_text(json.dumps(report), encoding="utf-8")
    check(tmp_path, "--baseline", "old.json", "one.msl", code=1)


# -- the rules -------------------------------------------------------------------------------------


def test_list(place: Path) -> None:
    lines = check(place, "--list").stdout.splitlines()
    ids = [line.split()[0] for line in lines]
    assert ids == [rule.id for rule in every_rule(DRAFTS)]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"MSLX?-[0-9.]+-[A-Z0-9-]+", one) for one in ids)
    old = check(place, "--list", "--draft", DRAFTS[0]).stdout.splitlines()
    assert [line.split()[0] for line in old] == [rule.id for rule in rules_for(DRAFTS[0])]
    live = check(place, "--list", "--role", "importer").stdout
    assert "live acquirer" not in live
    rows = json.loads(check(place, "--list", "--format", "json").stdout)
    assert [row["id"] for row in rows] == ids
    assert {row["level"] for row in rows} == {level.value for level in Level}


def test_explain(place: Path) -> None:
    for rule in every_rule(DRAFTS)[::17]:
        shown = " ".join(check(place, "--explain", rule.id.lower()).stdout.split())
        for text in (rule.id, rule.requirement, rule.wrong, rule.why, rule.section):
            assert " ".join(text.split()) in shown
    done = check(place, "--explain", "MSL-4.4-PREV-HASH-MISMATCHED", code=2)
    assert "did you mean MSL-4.4-PREV-HASH-MISMATCH" in done.stderr
