"""The report of an acquisition as a file: there from the first page on, whole at any moment."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
from pathlib import Path
from typing import Any

import pytest
from acquire_targets import Running, target
from acquiring import (
    PATIENCE,
    Dump,
    acquire,
    as_found,
    launched,
    linux_only,
    report_of,
    wait_until,
)
from sampling import sampled
from test_acquire_killed import _small_disk, complete, fill, stopped_early, when_written

import msl_acquire
from msl_acquire.report_file import ReportFile

pytestmark = linux_only

FILLER = 192
"""MiB that the target holds."""


@pytest.fixture(name="worker", scope="module")
def large_target() -> Any:
    with target("e2e_counter", "2", "64", str(FILLER), "200") as (process, _):
        yield process


def running(path: Path) -> dict[str, Any]:
    """A report that is being worked on: whole, and with all that is known by then."""
    told = dict(json.loads(path.read_text("utf-8")))
    assert told["status"] == "running"
    assert told["ended"] == "0"
    assert int(told["written"]) > int(told["started"])
    assert told["options"]["compress"]
    assert told["host"]["boot_id"]
    return told


SEED = 20261
MOMENTS = [random.Random(SEED).randrange(1, FILLER << 19) for _ in range(6)]
"""Sizes of the dump at which the acquirer is killed."""


@sampled()
@pytest.mark.parametrize("size", MOMENTS)
def test_what_is_known_outlives_the_acquirer(size: int, worker: Running, tmp_path: Path) -> None:
    out, report = tmp_path / "out.msl", tmp_path / "out.msl.report.json"
    for _ in range(8):
        with launched(worker.pid, "-o", out, "--case", "7") as tool:
            with contextlib.suppress(AssertionError):  # it had ended already
                when_written(out, size, tool)
                # Of the very first moments it says what was known right before the stop.
                wait_until(lambda: "freeze" in running(report), "all of it")
            tool.kill()
            if tool.wait(PATIENCE) and not complete(out):
                break
        out.unlink(missing_ok=True)
        report.unlink(missing_ok=True)
    else:
        pytest.fail("it always ends before it can be killed")
    as_found(worker.pid)
    told = running(report)
    assert told["case"] == "7"
    assert told["target"]["pid"] == worker.pid
    assert len(told["target"]["threads"]) >= 2
    assert told["target"]["modules"][0]["disk_hash"]
    assert told["target"]["descriptors"]
    assert told["target"]["environment"]
    assert told["freeze"]["method"] == "ptrace"
    assert told["dump"]["dump_uuid"] == Dump(out, whole=False).header["dump_uuid"]
    assert told["dump"]["file_hash"] is None
    named = {path.name for path in tmp_path.iterdir() if not path.name.startswith(".")}
    assert named == {"out.msl", "out.msl.report.json"}
    assert os.stat(report).st_mode & 0o777 == 0o600


def test_it_is_renewed_while_memory_is_read(worker: Running, tmp_path: Path) -> None:
    """Nobody takes the dump for a while; what is said of it changes all the same."""
    path = tmp_path / "report.json"
    with launched(worker.pid, "-o", "-", "--freeze", "none", "--report", path) as tool:
        wait_until(path.exists, "there is a report")
        first = running(path)["written"]
        assert tool.stdout is not None
        got = len(tool.stdout.read(20 << 20))
        wait_until(
            lambda: running(path)["dump"]["size"] >= got and running(path)["written"] > first,
            "it is renewed",
        )
        assert running(path)["memory"]["pages"]["captured"] > 0
        tool.kill()


def test_no_report_where_nobody_was_acquired(tmp_path: Path) -> None:
    out = tmp_path / "out.msl"
    acquire(2**22 + 1, "-o", out, code=6)
    assert list(tmp_path.iterdir()) == []
    old = tmp_path / "old.json"
    old.write_text("evidence")
    acquire(2**22 + 1, "-o", out, "--report", old, "--force", code=6)
    assert old.read_text() == "evidence"
    assert list(tmp_path.iterdir()) == [old]


def test_a_refusal_behind_the_preflight_leaves_nothing(worker: Running, tmp_path: Path) -> None:
    """A limit that can't be kept is only seen when the target stands still."""
    acquire(worker.pid, "-o", tmp_path / "out.msl", "--max-bytes", "4096", code=6)
    assert list(tmp_path.iterdir()) == []
    as_found(worker.pid)


def test_a_link_is_not_followed(worker: Running, tmp_path: Path) -> None:
    victim, link = tmp_path / "victim", tmp_path / "link.json"
    victim.write_text("evidence")
    link.symlink_to(victim)
    out = tmp_path / "out.msl"
    acquire(worker.pid, "-o", out, "--report", link, "--force", code=2)
    assert victim.read_text() == "evidence"
    assert link.is_symlink()
    assert not out.exists()


def test_somebody_elses_file_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    file = ReportFile(path)
    file.begin(msl_acquire.Report())
    path.unlink()
    path.write_text("evidence")
    with pytest.raises(FileExistsError):
        file.finish(msl_acquire.Report())
    assert path.read_text() == "evidence"
    assert list(tmp_path.iterdir()) == [path]


def test_a_report_that_appears_meanwhile_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    file = ReportFile(path)
    path.write_text("evidence")
    with pytest.raises(FileExistsError):
        file.begin(msl_acquire.Report())
    assert path.read_text() == "evidence"
    assert list(tmp_path.iterdir()) == [path]


def test_without_files_that_have_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on file systems that know none, and on other systems."""
    monkeypatch.delattr(os, "O_TMPFILE")
    path = tmp_path / "report.json"
    file, report = ReportFile(path), msl_acquire.Report(sections={"ended": "1"})
    file.begin(report)
    assert json.loads(path.read_text())["status"] == "running"
    file.renew(report, lambda: {"memory": {"pages": {"captured": 1}}}, 0)
    wait_until(lambda: "memory" in json.loads(path.read_text()), "it was renewed")
    file.finish(report)
    assert json.loads(path.read_text())["status"] == "complete"
    assert list(tmp_path.iterdir()) == [path]


def test_a_device_gets_the_finished_one(worker: Running, tmp_path: Path) -> None:
    out = tmp_path / "out.msl"
    acquire(worker.pid, "-o", out, "--report", "/dev/null", "--include", "type:stack")
    done = acquire(
        *(worker.pid, "-o", tmp_path / "b.msl", "--report", "/dev/full", "--include", "type:stack"),
        code=3,
    )
    assert b"the report can't be written: No space left" in done.stderr


def test_no_report_at_all(worker: Running, tmp_path: Path) -> None:
    out = tmp_path / "out.msl"
    acquire(worker.pid, "-o", out, "--no-report", "--include", "type:stack")
    assert list(tmp_path.iterdir()) == [out]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_where_no_report_can_be_nobody_is_touched(worker: Running, tmp_path: Path) -> None:
    with _small_disk(tmp_path / "disk", 1) as disk:
        (disk / "full").write_bytes(bytes(os.statvfs(disk).f_bavail * 4096))
        out = tmp_path / "out.msl"
        done = acquire(worker.pid, "-o", out, "--report", disk / "r.json", code=3)
        assert b"r.json" in done.stderr
        assert {path.name for path in disk.iterdir()} == {"full"}
    assert not out.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_room_for_the_report_was_kept(worker: Running, tmp_path: Path) -> None:
    """A disk that fills up with the dump itself still takes what is to be said of it."""
    with _small_disk(tmp_path / "disk", FILLER + 32) as disk:
        out, words = disk / "out.msl", ("--min-free", "0", "--force")
        for _ in range(8):
            with launched(worker.pid, "-o", out, *words) as tool:
                if not stopped_early(tool, out):
                    continue
                assert (disk / "out.msl.report.json").exists()
                fill(disk)
                tool.send_signal(signal.SIGCONT)
                _, errors = tool.communicate(timeout=PATIENCE)
            break
        else:
            pytest.fail("it always ends before it can be stopped")
        assert tool.returncode == 4, errors
        assert report_of(out)["status"] == "output_failed"
    as_found(worker.pid)


def test_a_defect_is_no_acquisition_that_runs(
    worker: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from msl_acquire.pages import Pages

    def broken(*_: Any) -> None:
        raise RuntimeError("this is a test")

    monkeypatch.setattr(Pages, "capture", broken)
    monkeypatch.setattr("msl_acquire.session.warm", lambda *_: None)
    path = tmp_path / "report.json"
    with pytest.raises(RuntimeError, match="a test"):
        msl_acquire.acquire(worker.pid, tmp_path / "out.msl", report=path)
    told = json.loads(path.read_text())
    assert told["status"] == "defect"
    assert "this is a test" in told["detail"]
    assert told["target"]["threads"]
    as_found(worker.pid)


def test_both_are_said(worker: Running, tmp_path: Path) -> None:
    """That the dump is incomplete, and that the report can't be written."""
    out = tmp_path / "out.msl"
    done = acquire(
        *(worker.pid, "-o", out, "--max-bytes", "4M", "--report", "/dev/full", "--quiet"), code=4
    )
    first, second = done.stderr.decode().splitlines()
    assert "out.msl: incomplete: " in first
    assert "/dev/full: the report can't be written: No space left" in second


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_no_empty_dump_stays(worker: Running, tmp_path: Path) -> None:
    with _small_disk(tmp_path / "disk", 1) as disk:
        (disk / "full").write_bytes(bytes(os.statvfs(disk).f_bavail * 4096))
        out, report = disk / "out.msl", tmp_path / "r.json"
        done = acquire(
            *(worker.pid, "-o", out, "--report", report, "--min-free", "0", "--compress", "zstd"),
            code=4,
        )
        assert b"No space left" in done.stderr
        assert {path.name for path in disk.iterdir()} == {"full"}
    told = json.loads(report.read_text())
    assert told["status"] == "output_failed"
    assert told["target"]["threads"]
    as_found(worker.pid)
