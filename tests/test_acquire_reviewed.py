"""Defects that were found by reading the code, each held by a test."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

if sys.platform != "linux":
    pytest.skip("needs Linux", allow_module_level=True)

from acquiring import acquire, as_found
from commands import COMMAND, PLACE, one_line, run

import msl_acquire
import msl_construct
from msl_construct.errors import ConformanceError, TargetError

PAGE = 4096
RESERVING = """
import ctypes, sys
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + [ctypes.c_int] * 3 + [ctypes.c_long]
assert libc.mmap(None, (5 << 30) + 12288, 0, 0x4022, -1, 0) not in (None, 2**64 - 1)
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def reserving() -> Iterator[int]:
    """A process with a reservation of more than 5 GiB that nobody may touch."""
    process = subprocess.Popen(
        [sys.executable, "-c", RESERVING], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        yield process.pid
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def sleeping() -> Iterator[int]:
    process = subprocess.Popen(["sleep", "300"])
    time.sleep(0.05)
    try:
        yield process.pid
    finally:
        process.kill()
        process.wait()


def state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


@pytest.mark.parametrize(
    ("draft", "state"), [("draft-2026-03", "failed"), ("draft-2026-10", "not_resident")]
)
def test_a_reservation_is_counted_in_the_pages_of_the_target(
    draft: str, state: str, reserving: int
) -> None:
    out = io.BytesIO()
    report = msl_acquire.acquire(reserving, out, draft=draft)
    assert report.complete
    assert all(row.get("finished", True) for row in report["regions"])
    assert report["memory"]["pages"][state] >= (5 << 30) // PAGE
    by_cause = {row["cause"]: row["pages"] for row in report["memory"]["causes"]}
    assert by_cause["untouched_no_access"] >= (5 << 30) // PAGE
    assert len(out.getvalue()) < 1 << 30


@pytest.mark.parametrize(
    ("target", "bound"),
    [("reserving", []), ("sleeping", ["--max-bytes", "400k"])],  # the latter fits our buffers
)
def test_a_reader_that_takes_nothing_holds_nobody(
    target: str, bound: list[str], request: pytest.FixtureRequest
) -> None:
    pid: int = request.getfixturevalue(target)
    reading, writing = os.pipe()
    try:
        began = time.monotonic()
        done = subprocess.run(
            [*COMMAND, "acquire", str(pid), "-o", "-", "--timeout", "0.5", *bound],
            stdout=writing,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(PLACE)},
            timeout=60,
            check=False,
        )
        assert done.returncode == 4, done.stderr
        assert b"no page is certain to be in it" in done.stderr
        assert time.monotonic() - began < 30
        assert state(pid) in "SR"
    finally:
        os.close(reading)
        os.close(writing)


def test_nobody_reads_the_pipe_that_is_the_output(sleeping: int, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    tool = subprocess.Popen(
        [*COMMAND, "acquire", str(sleeping), "-o", str(pipe)],
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(PLACE)},
    )
    try:
        wait_until_idle(tool.pid)
        tool.send_signal(signal.SIGINT)
        _, errors = tool.communicate(timeout=60)
    finally:
        tool.kill()
    assert tool.returncode == 3, errors
    assert pipe.is_fifo()


def test_nobody_reads_the_pipe_in_time(sleeping: int, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    done = acquire(sleeping, "-o", pipe, "--timeout", "0.5", code=3)
    assert "--timeout" in one_line(done.stderr)
    assert pipe.is_fifo()
    as_found(sleeping)


def wait_until_idle(pid: int) -> None:
    """Until a process has started, however busy the machine is, and has nothing more to do."""
    deadline = time.monotonic() + 60
    used, since = -1.0, 0.0
    while time.monotonic() < deadline:
        times = psutil.Process(pid).cpu_times()
        now = times.user + times.system
        if now != used:
            used, since = now, time.monotonic()
        elif used > 0 and time.monotonic() - since > 1.5:
            return
        time.sleep(0.1)
    raise AssertionError(f"process {pid} is still busy")


def test_the_report_never_replaces_the_dump(sleeping: int, tmp_path: Path) -> None:
    out = tmp_path / "x.msl"
    done = run("acquire", sleeping, "-o", out, "--report", tmp_path / "." / "x.msl", "--force")
    assert done.returncode == 2, done.stderr
    assert not out.exists()


def test_a_device_is_not_unlinked_by_a_report_that_fails(sleeping: int, tmp_path: Path) -> None:
    if os.geteuid():
        pytest.skip("needs root, to make a device node")
    full = tmp_path / "full"
    try:
        os.mknod(full, 0o600 | 0o020000, os.makedev(1, 7))
    except OSError as error:
        pytest.skip(f"no device node can be made: {error}")
    done = run("acquire", sleeping, "-o", tmp_path / "x.msl", "--report", full, "--force")
    assert done.returncode == 3, done.stderr
    assert full.is_char_device()


def test_what_was_ignored_stays_ignored(sleeping: int, tmp_path: Path) -> None:
    """nohup."""
    command = f"{sys.executable} -m msl_construct acquire {sleeping} -o {tmp_path}/x"
    script = f"trap '' HUP; echo ready; exec {command}"
    tool = subprocess.Popen(
        ["sh", "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(PLACE)},
    )
    assert tool.stdout is not None
    assert tool.stdout.readline() == b"ready\n"
    for _ in range(20):
        time.sleep(0.01)
        tool.send_signal(signal.SIGHUP)
    try:
        _, errors = tool.communicate(timeout=60)
    finally:
        tool.kill()
    assert tool.returncode == 0, errors


@pytest.mark.parametrize(
    "options",
    [
        ("--compress", "zstd", "--level", "99"),
        ("--level", "3"),
        ("--max-freeze", "inf"),
        ("--max-freeze", "nan"),
        ("--timeout", "1e11"),
        ("--max-bytes", "0"),
        ("--report", "r.json", "--no-report"),
        ("--include", "nonsense"),
    ],
    ids=" ".join,
)
def test_a_wrong_choice_is_usage_and_touches_nothing(
    options: tuple[str, ...], sleeping: int, tmp_path: Path
) -> None:
    out = tmp_path / "x.msl"
    out.write_bytes(b"an older dump")
    done = run("acquire", sleeping, "-o", out, "--force", *options)
    assert done.returncode == 2, done.stderr
    assert out.read_bytes() == b"an older dump"


def test_a_refused_target_leaves_the_older_dump(tmp_path: Path) -> None:
    out = tmp_path / "x.msl"
    out.write_bytes(b"an older dump")
    assert run("acquire", 2**22 + 5, "-o", out, "--force").returncode == 6
    assert out.read_bytes() == b"an older dump"


def test_a_limit_that_nothing_fits_is_refused(sleeping: int, tmp_path: Path) -> None:
    done = run("acquire", sleeping, "-o", tmp_path / "x.msl", "--max-bytes", "1k")
    assert done.returncode == 6
    assert b"--max-bytes" in done.stderr
    assert not (tmp_path / "x.msl").exists()


def test_page_maps_count_as_well(reserving: int, tmp_path: Path) -> None:
    for most in (120_000, 400_000, 2_000_000):
        out = tmp_path / f"{most}.msl"
        done = run("acquire", reserving, "-o", out, "--max-bytes", most)
        assert done.returncode in (4, 6), done.stderr
        assert not out.exists() or out.stat().st_size <= most


def test_an_incomplete_dump_is_told_though_nobody_reads_the_report(
    reserving: int, tmp_path: Path
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [
            *(*COMMAND, "acquire", str(reserving), "-o", str(tmp_path / "x.msl")),
            *("--max-bytes", "1M", "--report", "-"),
        ],
        stdout=writing,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(PLACE)},
        timeout=60,
        check=False,
    )
    os.close(writing)
    assert done.returncode == 4, done.stderr


def test_the_library_refuses_what_there_is_not(sleeping: int, tmp_path: Path) -> None:
    for options in ({"draft": "bad"}, {"compress": "lz4", "level": 99}, {"min_free": -1}):
        with pytest.raises(TargetError):
            msl_acquire.acquire(sleeping, tmp_path / "x.msl", **options)
        assert not (tmp_path / "x.msl").exists()


def test_addresses_beyond_64_bits_are_refused() -> None:
    header = {"os_type": "linux", "arch_type": "x86_64", "pid": 1}
    header["cap_bitmap"] = ["memory_regions", "module_list", "process_identity"]
    with msl_construct.Writer(io.BytesIO(), header, overlapped=True) as writer:
        writer.add("process_identity", ppid=1)
        writer.add_module_list_index([])
        feed = writer.feed()

        def read(_: int, view: memoryview) -> None:
            view[:] = bytes(view.nbytes)

        feed.add(0x1000, 3, "heap", [(1, "read")], read)
        for base in (-PAGE, 2**64, 2**64 - PAGE):
            with pytest.raises(ConformanceError):
                feed.add(base, 3, "heap", [(2, "read")], read)
        feed.close()
        with pytest.raises(ConformanceError):
            feed.add(0x3000, 3, "heap", [(1, "read")], read)


def test_a_file_that_appends_is_not_corrected_in_place(tmp_path: Path) -> None:
    descriptor = os.open(tmp_path / "x.msl", os.O_RDWR | os.O_CREAT | os.O_APPEND)
    pid = os.getppid()
    with os.fdopen(descriptor, "r+b", 0) as file:
        try:
            report = msl_acquire.acquire(pid, file, freeze="none", include=["type:stack"])
        except TargetError as error:
            pytest.skip(f"needs to read its parent: {error}")
    assert report.complete
    with msl_construct.open(tmp_path / "x.msl") as dump:
        verdict = dump.verify()
        assert (verdict.intact, verdict.complete) == (True, True)
