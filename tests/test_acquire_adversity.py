"""Whatever befalls the acquirer, at random moments: the target runs on, what is on disk is a valid
beginning, and there is a report of it.

Each attempt names its seed; ``MSL_ADVERSITY=500`` makes more of them.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import resource
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from acquire_targets import Running, target
from acquiring import (
    PATIENCE,
    Dump,
    acquire,
    launched,
    linux_only,
    nobody_left,
    verified,
)
from control_groups import control_group
from sampling import sampled
from test_acquire_killed import _small_disk, complete, runs_on

pytestmark = linux_only

ATTEMPTS = int(os.environ.get("MSL_ADVERSITY", "5"))
SEEDS = [7000 + number for number in range(ATTEMPTS)]
FILLER = 48
"""MiB that the target holds."""


@pytest.fixture(name="worker", scope="module")
def a_target() -> Iterator[Running]:
    with target("e2e_counter", "2", "64", str(FILLER), "200") as (process, _):
        yield process


@pytest.fixture(name="usual", scope="module")
def how_long_it_takes(worker: Running, tmp_path_factory: pytest.TempPathFactory) -> float:
    began = time.monotonic()
    acquire(worker.pid, "-o", tmp_path_factory.mktemp("usual") / "out.msl")
    return time.monotonic() - began


def judge(out: Path, report: Path, worker: Running) -> str:
    """Check all that must hold; the status that the report has, or nothing."""
    runs_on(worker)
    status = ""
    if report.exists():
        told = json.loads(report.read_text("utf-8"))
        status = told["status"]
        assert report.stat().st_mode & 0o777 == 0o600
    if not out.exists():
        assert status in ("", "running", "output_failed")
        return status
    whole = complete(out)
    verified(out, code=0 if whole else 4)
    dump = Dump(out, whole=whole)
    if status == "complete":
        assert whole
    assert dump.blocks[0]["block_type"] == "process_identity"
    assert status, "there is a dump, and no report"
    assert told["target"]["pid"] == worker.pid
    assert told["target"]["threads"]
    assert told["dump"]["dump_uuid"] == dump.header["dump_uuid"]
    if status not in ("", "running", "complete"):
        kinds = [block["block_type"] for block in dump.blocks]
        if "memory_region" in kinds:
            assert kinds[-1] == "vas_map", status
    return status


@sampled("options")
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("options", [(), ("--compress", "zstd")], ids=["plain", "zstd"])
def test_killed(
    seed: int, options: tuple[str, ...], worker: Running, usual: float, tmp_path: Path
) -> None:
    out = tmp_path / "out.msl"
    with launched(worker.pid, "-o", out, *options) as tool:
        time.sleep(random.Random(seed).uniform(0, usual))
        tool.kill()
        tool.wait(PATIENCE)
        nobody_left(tool.pid)
    judge(out, tmp_path / "out.msl.report.json", worker)


@sampled()
@pytest.mark.parametrize("seed", SEEDS)
def test_stopped_and_continued(seed: int, worker: Running, usual: float, tmp_path: Path) -> None:
    numbers = random.Random(seed)
    out = tmp_path / "out.msl"
    with launched(worker.pid, "-o", out) as tool:
        time.sleep(numbers.uniform(0, usual))
        for _ in range(numbers.randrange(1, 4)):
            with contextlib.suppress(ProcessLookupError):
                tool.send_signal(signal.SIGSTOP)
                time.sleep(numbers.uniform(0, 0.3))
                tool.send_signal(signal.SIGCONT)
                time.sleep(numbers.uniform(0, 0.05))
        _, errors = tool.communicate(timeout=PATIENCE)
        nobody_left(tool.pid)
    assert tool.returncode == 0, errors
    assert judge(out, tmp_path / "out.msl.report.json", worker) == "complete"


@sampled()
@pytest.mark.parametrize("seed", SEEDS)
def test_asked_to_end(seed: int, worker: Running, usual: float, tmp_path: Path) -> None:
    numbers = random.Random(seed)
    out = tmp_path / "out.msl"
    with launched(worker.pid, "-o", out) as tool:
        time.sleep(numbers.uniform(0, usual))
        tool.send_signal(numbers.choice((signal.SIGINT, signal.SIGTERM, signal.SIGHUP)))
        _, errors = tool.communicate(timeout=PATIENCE)
        nobody_left(tool.pid)
    status = judge(out, tmp_path / "out.msl.report.json", worker)
    # So early that nobody was there yet to hear it: the interpreter, while it starts, says 1.
    if tool.returncode < 0 or b"Fatal Python error: init_import_site" in errors:
        assert not out.exists()
        return
    assert (tool.returncode, status) in (
        (0, "complete"),
        (4, "interrupted"),
        (6, ""),
        (130, ""),
    ), errors


@sampled()
@pytest.mark.parametrize("seed", SEEDS)
def test_a_limit_on_files(seed: int, worker: Running, tmp_path: Path) -> None:
    """Compressed, so that nobody can say beforehand that it will not fit."""
    limit = random.Random(seed).randrange(1 << 12, FILLER << 20)
    out = tmp_path / "out.msl"
    with launched(
        *(worker.pid, "-o", out, "--compress", "lz4"),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    ) as tool:
        _, errors = tool.communicate(timeout=PATIENCE)
        nobody_left(tool.pid)
    status = judge(out, tmp_path / "out.msl.report.json", worker)
    assert (tool.returncode, status) in ((4, "output_failed"), (3, ""), (6, "")) or (
        tool.returncode == 4 and b"the report can't be written" in errors
    ), (limit, tool.returncode, status, errors)
    assert b"Traceback" not in errors


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to mount a small disk")
@sampled()
@pytest.mark.parametrize("seed", SEEDS)
def test_a_disk_that_fills_up(seed: int, worker: Running, usual: float, tmp_path: Path) -> None:
    numbers = random.Random(seed)
    with _small_disk(tmp_path / "disk", FILLER + 16) as disk:
        out = disk / "out.msl"
        with launched(worker.pid, "-o", out, "--min-free", "0") as tool:
            time.sleep(numbers.uniform(0, usual))
            with (disk / "other").open("wb") as other:
                for size in (FILLER << 20, 8 << 20, 1 << 20, 1 << 16, 1 << 12):
                    with contextlib.suppress(OSError):
                        os.posix_fallocate(other.fileno(), other.tell(), size)
                        other.seek(size, os.SEEK_CUR)
            _, errors = tool.communicate(timeout=PATIENCE)
            nobody_left(tool.pid)
        status = judge(out, disk / "out.msl.report.json", worker)
        assert b"Traceback" not in errors
        assert (tool.returncode, status) in (
            (0, "complete"),
            (4, "output_failed"),
            (3, ""),
            (6, ""),
            (3, "running"),
            (4, "running"),
        ), errors
        if status == "running":
            assert b"still says that it is running" in errors


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, for a control group")
@sampled("version")
@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("seed", SEEDS)
def test_no_more_threads_are_to_be_had(
    seed: int, version: int, worker: Running, usual: float, tmp_path: Path
) -> None:
    """From some moment on, whatever was left before."""
    numbers = random.Random(seed)
    out = tmp_path / "out.msl"
    options = ("--compress", "zstd", "--evidence", tmp_path / "evidence")
    with (
        control_group(version, "pids") as group,
        launched(worker.pid, "-o", out, *options, preexec_fn=group.enter()) as tool,
    ):
        time.sleep(numbers.uniform(0, usual))
        group.limit("pids.max", numbers.choice((1, group.number("pids.current"))))
        _, errors = tool.communicate(timeout=PATIENCE)
        nobody_left(tool.pid)
    status = judge(out, tmp_path / "out.msl.report.json", worker)
    assert b"Traceback" not in errors
    assert (tool.returncode, status) in ((0, "complete"), (3, "complete"), (6, "")), errors
    assert (tool.returncode == 3) is (b"the evidence is incomplete" in errors), errors


@sampled()
@pytest.mark.parametrize("seed", SEEDS)
def test_a_target_that_dies(seed: int, usual: float, tmp_path: Path) -> None:
    out = tmp_path / "out.msl"
    with (
        target("e2e_counter", "2", "64", str(FILLER), "200") as (process, _),
        launched(process.pid, "-o", out, "--no-report") as tool,
    ):
        time.sleep(random.Random(seed).uniform(0, usual))
        os.kill(process.pid, signal.SIGKILL)
        _, errors = tool.communicate(timeout=PATIENCE)
        nobody_left(tool.pid)
    assert tool.returncode in (0, 4, 6), errors
    assert b"Traceback" not in errors
    if out.exists():
        verified(out, code=0 if complete(out) else 4)
    else:
        assert tool.returncode in (4, 6)


def test_the_tools_of_this_file_can_fail(worker: Running, tmp_path: Path) -> None:
    """A dump without a report is found out."""
    out = tmp_path / "out.msl"
    acquire(worker.pid, "-o", out, "--no-report", "--include", "type:stack")
    with pytest.raises(AssertionError, match="no report"):
        judge(out, tmp_path / "out.msl.report.json", worker)
