"""``msl verify --report``: whether a dump is the one that an acquisition's report speaks of."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from acquire_targets import Running, target
from acquiring import PATIENCE, acquire, launched, linux_only, report_of
from blake3 import blake3
from commands import PLACE, one_line, run

import msl_construct

SAMPLE = PLACE / "samples" / "live-le.msl"


def report_on(dump: Path) -> dict[str, Any]:
    """What a report says of a dump, made by hand."""
    data = dump.read_bytes()
    with msl_construct.open(dump) as opened:
        header = opened.header.record
    return {
        "report": 1,
        "status": "complete",
        "detail": "",
        "dump": {
            "dump_uuid": str(header["dump_uuid"]),
            # FileHash is the first field of the last block's payload.
            "file_hash": blake3(data[: _last_block(data)]).hexdigest(),
            "size": len(data),
            "blake3": blake3(data).hexdigest(),
            "sha256": hashlib.sha256(data).hexdigest(),
        },
    }


def _last_block(data: bytes) -> int:
    offset = 64
    while True:
        length = int.from_bytes(data[offset + 8 : offset + 12], "little")
        if offset + length >= len(data):
            return offset
        offset += length


def verify(
    *arguments: Any, stdin: bytes | None = None, code: int = 0
) -> subprocess.CompletedProcess[bytes]:
    done = run("verify", *arguments, data=stdin or b"")
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    assert b"Traceback" not in done.stderr
    return done


def told(path: Path, report: Any) -> Path:
    path.write_text(report if isinstance(report, str) else json.dumps(report))
    return path


@pytest.fixture(name="report")
def report_file(tmp_path: Path) -> Path:
    return told(tmp_path / "r.json", report_on(SAMPLE))


def tied(path: Any, report: Any, *, code: int, stdin: bytes | None = None) -> dict[str, Any]:
    done = verify("--json", path, "--report", report, stdin=stdin, code=code)
    return dict(json.loads(done.stdout)["report"])


ALL = ["dump_uuid", "file_hash", "size", "blake3", "sha256"]


@pytest.mark.parametrize("passing", [False, True], ids=["file", "stdin"])
def test_the_report_speaks_of_it(passing: bool, report: Path) -> None:
    data = SAMPLE.read_bytes() if passing else None
    found = tied("-" if passing else SAMPLE, report, code=0, stdin=data)
    assert found == {"file": str(report), "agrees": ALL, "findings": [], "gaps": []}
    text = verify(SAMPLE, "--report", report).stdout.decode()
    assert "agrees: dump_uuid, file_hash, size, blake3, sha256" in text


@pytest.mark.parametrize("key", ALL)
@pytest.mark.parametrize("passing", [False, True], ids=["file", "stdin"])
def test_it_speaks_of_another(key: str, passing: bool, tmp_path: Path) -> None:
    changed = report_on(SAMPLE)
    was = changed["dump"][key]
    changed["dump"][key] = was + 1 if isinstance(was, int) else f"{int(was[0], 16) ^ 1:x}" + was[1:]
    path = told(tmp_path / "r.json", changed)
    data = SAMPLE.read_bytes() if passing else None
    found = tied("-" if passing else SAMPLE, path, code=1, stdin=data)
    assert [row["kind"] for row in found["findings"]] == [f"report_{key}"]
    assert str(was) in found["findings"][0]["text"]
    assert found["agrees"] == [name for name in ALL if name != key]
    assert b"report_" + key.encode() in verify(SAMPLE, "--report", path, code=1).stdout


def test_hashes_in_capitals(tmp_path: Path) -> None:
    """As other tools write them, and people who copy them."""
    told_of = report_on(SAMPLE)
    for key in ("dump_uuid", "file_hash", "blake3", "sha256"):
        told_of["dump"][key] = told_of["dump"][key].upper()
    assert tied(SAMPLE, told(tmp_path / "r.json", told_of), code=0)["agrees"] == ALL


@pytest.mark.parametrize("passing", [False, True], ids=["file", "stdin"])
def test_a_byte_that_no_hash_of_the_dump_covers(
    passing: bool, report: Path, tmp_path: Path
) -> None:
    """Of the last block the dump itself says nothing; the report does."""
    data = bytearray(SAMPLE.read_bytes())
    with msl_construct.open(SAMPLE) as dump:
        last = dump.blocks[len(dump.blocks) - 1]
        at = last.offset + 80 + 32  # AcqEnd
    data[at] ^= 1
    changed = tmp_path / "changed.msl"
    changed.write_bytes(data)
    verify(changed)
    found = tied(
        "-" if passing else changed, report, code=1, stdin=bytes(data) if passing else None
    )
    kinds = [row["kind"] for row in found["findings"]]
    assert kinds == ["report_blake3", "report_sha256"]


def test_bytes_behind_it(report: Path, tmp_path: Path) -> None:
    longer = tmp_path / "longer.msl"
    longer.write_bytes(SAMPLE.read_bytes() + b"x")
    for path, data in ((longer, None), ("-", longer.read_bytes())):
        found = tied(path, report, code=1, stdin=data)
        kinds = [row["kind"] for row in found["findings"]]
        assert kinds == ["report_size", "report_blake3", "report_sha256"]


@pytest.mark.parametrize("status", ["running", "timeout", "output_failed"])
def test_a_report_of_what_was_not_finished(status: str, tmp_path: Path) -> None:
    path = told(tmp_path / "r.json", {**report_on(SAMPLE), "status": status, "detail": "why"})
    done = verify("--json", SAMPLE, "--report", path, code=4)
    found = json.loads(done.stdout)["report"]
    assert [row["kind"] for row in found["gaps"]] == ["report_incomplete"]
    assert status in one_line(done.stderr)
    assert found["agrees"] == (["dump_uuid"] if status == "running" else ALL)


@pytest.mark.parametrize("key", ["size", "blake3", "sha256"])
def test_a_report_without_a_hash(key: str, tmp_path: Path) -> None:
    for absent in (None, ...):
        lacking = report_on(SAMPLE)
        if absent is None:
            lacking["dump"][key] = None
            lacking["dump"]["not_hashed"] = "a device"
        else:
            del lacking["dump"][key]
        path = told(tmp_path / "r.json", lacking)
        done = verify("--json", SAMPLE, "--report", path, code=4)
        found = json.loads(done.stdout)["report"]
        assert [row["kind"] for row in found["gaps"]] == ["report_hashes"]
        assert found["agrees"] == [name for name in ALL if name != key]
        assert key in one_line(done.stderr)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "null",
        '"report"',
        "{}",
        '{"report": 2, "status": "complete"}',
        '{"report": 1, "status": "complete", "dump": []}',
        "[" * 100_000,
    ],
)
def test_no_report(content: str, tmp_path: Path) -> None:
    path = told(tmp_path / "r.json", content)
    done = verify(SAMPLE, "--report", path, code=3)
    assert one_line(done.stderr).count("r.json") == 1


def test_where_there_is_none(tmp_path: Path) -> None:
    done = verify(SAMPLE, "--report", tmp_path / "none.json", code=3)
    assert one_line(done.stderr).count("none.json") == 1
    done = verify("-", "--report", tmp_path, stdin=SAMPLE.read_bytes(), code=3)


def test_values_of_other_kinds(tmp_path: Path) -> None:
    """A report is input like any other."""
    for value in (True, [], {}, "x" * 100_000, 1e308, -1):
        odd = {**report_on(SAMPLE), "dump": dict.fromkeys(ALL, value), "detail": value}
        found = tied(SAMPLE, told(tmp_path / "r.json", odd), code=1)
        assert {row["kind"] for row in found["findings"]} == {f"report_{key}" for key in ALL}


def test_usage(report: Path) -> None:
    verify(SAMPLE, SAMPLE, "--report", report, code=2)
    verify("-", "--report", "-", stdin=b"", code=2)


def test_the_report_from_stdin(report: Path) -> None:
    found = tied(SAMPLE, "-", code=0, stdin=report.read_bytes())
    assert found["agrees"] == ALL


# --- with what `msl acquire` writes ----------------------------------------------------------


@pytest.fixture(name="worker", scope="module")
def small_target() -> Any:
    with target("e2e_counter", "2", "64", "24", "200") as (process, _):
        yield process


@linux_only
@pytest.mark.parametrize(
    "options",
    [["--hash", "sha256"], ["--draft", "draft-2026-03"], ["--compress", "zstd"]],
    ids=["sha256", "older", "zstd"],
)
def test_a_dump_and_its_report(options: list[str], worker: Running, tmp_path: Path) -> None:
    out = tmp_path / "out.msl"
    acquire(worker.pid, "-o", out, *options)
    dump, data = report_of(out)["dump"], out.read_bytes()
    assert dump["hashed"] == "read_back"
    assert dump["sha256"] == hashlib.sha256(data).hexdigest()
    assert dump["blake3"] == blake3(data).hexdigest()
    assert tied(out, f"{out}.report.json", code=0)["agrees"] == ALL


@linux_only
def test_a_dump_that_passes(worker: Running, tmp_path: Path) -> None:
    report, data = tmp_path / "r.json", b""
    with launched(worker.pid, "-o", "-", "--report", report) as tool:
        data, _ = tool.communicate(timeout=PATIENCE)
    assert json.loads(report.read_text())["dump"]["hashed"] == "streamed"
    assert tied("-", report, code=0, stdin=data)["agrees"] == ALL


@linux_only
def test_a_dump_in_a_file_that_can_only_be_written(worker: Running, tmp_path: Path) -> None:
    """As a shell opens it: it can't be read back."""
    out, report = tmp_path / "out.msl", tmp_path / "r.json"
    with out.open("wb") as file:
        acquire(worker.pid, "-o", "-", "--report", report, stdout=file)
    assert json.loads(report.read_text())["dump"]["hashed"] == "streamed"
    assert tied(out, report, code=0)["agrees"] == ALL


@linux_only
def test_a_dump_that_was_stopped(worker: Running, tmp_path: Path) -> None:
    out = tmp_path / "out.msl"
    acquire(worker.pid, "-o", out, "--max-bytes", "8M", code=4)
    found = tied(out, f"{out}.report.json", code=4)
    assert found["agrees"] == ALL
    assert [row["kind"] for row in found["gaps"]] == ["report_incomplete"]


@linux_only
def test_a_pipe_that_was_closed_has_no_hashes(worker: Running, tmp_path: Path) -> None:
    report = tmp_path / "r.json"
    with launched(worker.pid, "-o", "-", "--report", report) as tool:
        assert tool.stdout is not None
        tool.stdout.read(1 << 20)
        tool.stdout.close()
        assert tool.wait(PATIENCE) == 4
    dump = json.loads(report.read_text())["dump"]
    assert dump["sha256"] is None
    assert dump["blake3"] is None
    assert dump["not_hashed"]


@linux_only
def test_of_a_device_there_are_none(worker: Running, tmp_path: Path) -> None:
    report = tmp_path / "r.json"
    acquire(worker.pid, "-o", "/dev/null", "--report", report)
    dump = json.loads(report.read_text())["dump"]
    assert (dump["blake3"], dump["hashed"], dump["not_hashed"]) == (None, "not", "a device")
