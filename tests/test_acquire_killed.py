"""Acquisitions that end before their time: what is on disk, and how the target fares.

Whatever happens, the file is a valid beginning that does not pass for a whole one, the
target runs on as it was found, nothing hangs and nobody is left behind.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import resource
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from acquire_targets import Running, target
from acquiring import (
    PAGE,
    PATIENCE,
    Dump,
    acquire,
    addresses,
    as_found,
    launched,
    linux_only,
    nobody_left,
    report_of,
    root_only,
    states,
    status,
    stopped,
    verified,
    wait_until,
)
from commands import one_line
from sampling import sampled
from test_acquire_atomicity import freeze_or_skip

import msl_construct

pytestmark = linux_only

FILLER = 256
"""MiB that the target holds: some tenths of a second."""
FILLED: dict[int, int] = {}
"""Where they begin, by the target's PID."""


@pytest.fixture(name="worker")
def large_target_that_counts() -> Iterator[Running]:
    with target("e2e_counter", "2", "64", str(FILLER), "200") as (process, lines):
        FILLED[process.pid] = addresses(lines)["filler"]
        yield process


def runs_on(process: Running) -> None:
    """It counts, is not stopped, not traced, and has not died."""
    as_found(process.pid)
    first = int(process.ask("?"))
    wait_until(lambda: int(process.ask("?")) > first, "it counts on")
    assert process.poll() is None


def complete(out: Path) -> bool:
    """Whether there is a dump with all that belongs to it."""
    if not out.exists():
        return False
    with msl_construct.open(out) as dump:
        return dump.complete


def beginning(out: Path) -> None:
    """A valid beginning of a dump, with fewer bytes than there was memory; or no file."""
    if not out.exists():
        return  # it had not begun
    verified(out, code=4)
    dump = Dump(out, whole=False)
    assert [block["block_type"] for block in dump.blocks[:2]] in (
        ["process_identity"],
        ["process_identity", "module_list_index"],
    )
    captured = sum(len(region.data) for region in dump.regions)
    assert captured < FILLER << 20
    report = out.with_name(out.name + ".report.json")
    if report.exists():  # not of one that was killed outright
        told = report_of(out)
        assert told["status"] != "complete"
        assert not told["dump"]["file_hash"], "there is no End-of-Capture to hold one"


def with_its_tail(out: Path) -> None:
    """A beginning that was stopped in order: what stands behind the regions is there."""
    beginning(out)
    dump = Dump(out, whole=False)
    kinds = [block["block_type"] for block in dump.blocks]
    modules = len(dump.payload(dump.of("module_list_index")[0])["entries"])
    assert kinds[-modules - 1 :] == ["module_entry"] * modules + ["vas_map"]
    assert modules > 1
    assert len(dump.payload(dump.of("vas_map")[0])["entries"]) > modules


def counted(out: Path) -> None:
    """The report counts what is in the file."""
    told: dict[str, int] = {}
    for _, size, state, _ in Dump(out, whole=False).stretches():
        told[state] = told.get(state, 0) + size // PAGE
    report = report_of(out)
    assert report["memory"]["pages"] == told
    assert report["dump"]["size"] == out.stat().st_size
    assert report["dump"]["sha256"] == hashlib.sha256(out.read_bytes()).hexdigest()


def when_written(out: Path, size: int, tool: subprocess.Popen[bytes]) -> None:
    """Wait until this much of the dump is on disk, or until it is too late."""

    def there() -> bool:
        with contextlib.suppress(FileNotFoundError):
            if out.stat().st_size >= size:
                return True
        return tool.poll() is not None

    wait_until(there, f"{size} bytes written", PATIENCE)
    assert tool.returncode is None, "it had ended before it could be interrupted"


def stopped_early(
    tool: subprocess.Popen[bytes], out: Path, size: int = 10 << 20, most: int = FILLER // 2 << 20
) -> bool:
    """Whether an acquisition stands still now, with more of the dump written than `size`, and no
    more than `most`: who looks may be late."""
    with contextlib.suppress(AssertionError):  # it had ended already
        when_written(out, size, tool)
        tool.send_signal(signal.SIGSTOP)
        wait_until(lambda: status(tool.pid, "State")[0] in "TZ", "it is stopped")
        return tool.poll() is None and out.stat().st_size <= most
    return False


@contextlib.contextmanager
def caught(worker: Running, out: Path, size: int, *words: Any) -> Iterator[subprocess.Popen[bytes]]:
    """An acquisition that stands still amid its dump, until it gets a SIGCONT, or is killed."""
    for _ in range(8):
        with launched(worker.pid, "-o", out, *words) as tool:
            if stopped_early(tool, out, size, FILLER * 3 // 4 << 20):
                yield tool
                return
        nobody_left(tool.pid)
        for path in (out, out.with_name(f"{out.name}.report.json")):
            path.unlink(missing_ok=True)
    pytest.fail("it always ends before it can be stopped")


MOMENTS = [0, 1, *(random.Random(1).randrange(1 << 20, FILLER // 2 << 20) for _ in range(3))]
"""Sizes of the file at which the blow falls; 0: as soon as the file is there."""


@sampled()
@pytest.mark.parametrize("size", MOMENTS)
def test_killed_outright(size: int, worker: Running, tmp_path: Path) -> None:
    out = tmp_path / "out.msl"
    with caught(worker, out, size) as tool:
        tool.kill()
        assert tool.wait(PATIENCE) == -signal.SIGKILL
        nobody_left(tool.pid)
    runs_on(worker)
    beginning(out)


@sampled()
@pytest.mark.parametrize("method", ["ptrace", "sigstop", "cgroup", "none"])
def test_killed_outright_whatever_the_freeze(method: str, worker: Running, tmp_path: Path) -> None:
    freeze_or_skip(method)
    groups = Path(f"/proc/{worker.pid}/cgroup").read_text()
    out = tmp_path / "out.msl"
    with caught(worker, out, 20 << 20, "--freeze", method) as tool:
        tool.kill()
        tool.wait(PATIENCE)
        nobody_left(tool.pid)
    runs_on(worker)
    wait_until(
        lambda: Path(f"/proc/{worker.pid}/cgroup").read_text() == groups,
        "it is back in its control group",
    )
    beginning(out)


def test_killed_while_the_target_was_stopped_by_somebody_else(
    worker: Running, tmp_path: Path
) -> None:
    for method in ("ptrace", "sigstop"):
        out = tmp_path / f"{method}.msl"
        with stopped(worker.pid):
            with caught(worker, out, 20 << 20, "--freeze", method) as tool:
                tool.kill()
                tool.wait(PATIENCE)
                nobody_left(tool.pid)
            wait_until(lambda: states(worker.pid) == {"T"}, "stopped as it was found")
            time.sleep(0.1)
            assert states(worker.pid) == {"T"}, method
        runs_on(worker)


@sampled()
@pytest.mark.parametrize("delay", [0.0, 0.1, 0.2, 0.3, 0.4])
def test_killed_before_anything_is_written_or_after(
    delay: float, worker: Running, tmp_path: Path
) -> None:
    """Moments by the clock: start, preflight, freeze, enumeration."""
    out = tmp_path / "out.msl"
    with launched(worker.pid, "-o", out) as tool:
        time.sleep(delay)
        tool.kill()
        tool.wait(PATIENCE)
        nobody_left(tool.pid)
    runs_on(worker)
    if complete(out):  # where it starts fast it is done by then, the dump at least
        verified(out)
        assert sum(len(region.data) for region in Dump(out).regions) >= FILLER << 20
        return
    assert tool.returncode != 0
    beginning(out)


@sampled("size", "number")
@pytest.mark.parametrize(
    "number", [signal.SIGINT, signal.SIGTERM, signal.SIGQUIT], ids=lambda n: n.name
)
@pytest.mark.parametrize("size", MOMENTS)
def test_interrupted(number: signal.Signals, size: int, worker: Running, tmp_path: Path) -> None:
    out = tmp_path / "out.msl"
    with caught(worker, out, size, "--quiet") as tool:
        tool.send_signal(number)
        tool.send_signal(signal.SIGCONT)
        _, errors = tool.communicate(timeout=PATIENCE)
        nobody_left(tool.pid)
    assert number.name in one_line(errors)
    runs_on(worker)
    if not size and tool.returncode == 6:  # so early that the target had not been touched
        assert b"was touched" in errors
        assert not out.exists()
        return
    assert tool.returncode == 4, errors
    assert out.exists()
    with_its_tail(out)
    assert report_of(out)["status"] == "interrupted"


@sampled()
@pytest.mark.parametrize("delay", [0.0, 0.08, 0.16, 0.24, 0.32])
def test_interrupted_by_the_clock(delay: float, worker: Running, tmp_path: Path) -> None:
    """Even where the interpreter has hardly started: no file that claims to be whole."""
    out = tmp_path / "out.msl"
    with launched(worker.pid, "-o", out, "--compress", "zstd") as tool:
        time.sleep(delay)
        tool.send_signal(signal.SIGINT)
        tool.communicate(timeout=PATIENCE)
        nobody_left(tool.pid)
    assert tool.returncode != 0
    runs_on(worker)
    beginning(out)


def test_the_report_counts_what_is_in_the_file(worker: Running, tmp_path: Path) -> None:
    """Not what was planned, nor what was read and never stored."""
    out = tmp_path / "out.msl"
    acquire(worker.pid, "-o", out, "--max-bytes", 60 << 20, code=4)
    beginning(out)
    stored = sum(len(region.data) for region in Dump(out, whole=False).regions)
    assert report_of(out)["memory"]["pages"].get("captured", 0) * PAGE == stored


def test_interrupted_twice(worker: Running, tmp_path: Path) -> None:
    """Impatience changes nothing."""
    out = tmp_path / "out.msl"
    with caught(worker, out, 1 << 20, "--compress", "zstd") as tool:
        for _ in range(3):
            with contextlib.suppress(ProcessLookupError):
                tool.send_signal(signal.SIGINT)
                tool.send_signal(signal.SIGCONT)
            time.sleep(0.01)
        tool.communicate(timeout=PATIENCE)
        nobody_left(tool.pid)
    assert tool.returncode not in (0, 70)
    runs_on(worker)
    beginning(out)


@sampled()
@pytest.mark.parametrize("size", [1, 100_000, 5 << 20, 60 << 20])
def test_the_pipe_is_closed(size: int, worker: Running, tmp_path: Path) -> None:
    with launched(worker.pid, "-o", "-", "--quiet") as tool:
        assert tool.stdout is not None
        assert tool.stderr is not None
        got = bytearray()
        while len(got) < size and (piece := tool.stdout.read(min(size - len(got), 1 << 20))):
            got += piece
        tool.stdout.close()
        assert tool.wait(PATIENCE) == 4
        nobody_left(tool.pid)
        errors = tool.stderr.read()
    assert b"Traceback" not in errors
    assert errors.count(b"\n") <= 1, errors
    runs_on(worker)
    out = tmp_path / f"{size}.msl"
    out.write_bytes(got)
    if size > 64:
        beginning(out)


def test_a_reader_that_does_not_read_blocks_nothing_for_ever(worker: Running) -> None:
    """The pipe is full and nobody empties it: the freeze ends all the same."""
    with launched(worker.pid, "-o", "-", "--max-freeze", "3") as tool:
        wait_until(lambda: "t" in states(worker.pid) or tool.poll() is not None, "frozen", PATIENCE)
        assert tool.returncode is None, tool.communicate()
        as_found(worker.pid)
        runs_on(worker)
        tool.send_signal(signal.SIGINT)
        assert tool.stdout is not None
        while tool.stdout.read(1 << 20):
            pass
        tool.wait(PATIENCE)
        nobody_left(tool.pid)
    runs_on(worker)


@contextlib.contextmanager
def _small_disk(place: Path, mebibytes: int) -> Iterator[Path]:
    """A file system of its own."""
    place.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "tmpfs", str(place)],
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"needs to mount a tmpfs: {done.stderr.decode().strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], timeout=PATIENCE, check=True)


def fill(disk: Path) -> None:
    """Take all the room that is left."""
    with (disk / "other").open("wb") as other:
        size, step = 0, 16 << 20
        while step >= 4096:  # what does not fit is not taken at all
            try:
                os.posix_fallocate(other.fileno(), size, step)
            except OSError:
                step //= 2
            else:
                size += step


@root_only
def test_the_disk_fills_up(worker: Running, tmp_path: Path) -> None:
    """There was room when it began; then somebody else takes it."""
    with _small_disk(tmp_path / "disk", 2 * FILLER + 64) as disk:
        out, words = disk / "out.msl", ("--min-free", "0", "--quiet", "--force")
        for _ in range(8):
            with launched(worker.pid, "-o", out, *words) as tool:
                if not stopped_early(tool, out):
                    continue
                fill(disk)
                tool.send_signal(signal.SIGCONT)
                _, errors = tool.communicate(timeout=PATIENCE)
                nobody_left(tool.pid)
                break
        else:
            pytest.fail("it always ends before it can be stopped")
        assert tool.returncode == 4, errors
        assert "space" in one_line(errors).lower()
        runs_on(worker)
        with_its_tail(out)
        counted(out)


@root_only
def test_a_disk_that_is_too_small_is_refused_before_the_target_is_touched(
    worker: Running, tmp_path: Path
) -> None:
    with _small_disk(tmp_path / "disk", 16) as disk:
        out = disk / "out.msl"
        done = acquire(worker.pid, "-o", out, code=6)
        text = one_line(done.stderr)
        assert "free" in text
        assert ";" in text, "the remedy is missing"
        assert list(disk.iterdir()) == []
    runs_on(worker)


def test_the_file_may_not_grow(worker: Running, tmp_path: Path) -> None:
    """A limit that the preflight can't hold against what compression will leave: EFBIG."""
    out = tmp_path / "out.msl"
    limit = (20 << 20) + 123
    done = acquire(
        worker.pid,
        "-o",
        out,
        "--quiet",
        "--compress",
        "lz4",
        code=4,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    assert "large" in one_line(done.stderr)  # File too large, in the system's words
    runs_on(worker)
    assert out.stat().st_size <= limit
    with_its_tail(out)


@sampled()
@pytest.mark.parametrize("method", ["ptrace", "sigstop", "none"])
def test_the_target_is_killed(method: str, worker: Running, tmp_path: Path) -> None:
    out = tmp_path / "out.msl"
    with caught(worker, out, 20 << 20, "--freeze", method, "--quiet") as tool:
        os.kill(worker.pid, signal.SIGKILL)
        tool.send_signal(signal.SIGCONT)
        _, errors = tool.communicate(timeout=PATIENCE)
        nobody_left(tool.pid)
    assert tool.returncode == 4, errors
    one_line(errors)
    verified(out, code=4)
    dump = Dump(out, whole=False)
    # What was not read is not there: its pages held noise, and none is said to be zero.
    assert sum(len(region.data) for region in dump.regions) < FILLER << 20
    seen, filler = 0, FILLED[worker.pid]
    for region in dump.regions:
        if region.base <= filler < region.base + region.size:
            for offset in range(0, len(region.data), PAGE):
                assert region.data[offset : offset + 8] != bytes(8), hex(offset)
                seen += 1
    assert seen > 0
    with_its_tail(out)
    report = report_of(out)
    assert report["status"] != "complete"


def test_the_limits_end_it_like_an_interruption(worker: Running, tmp_path: Path) -> None:
    for number, options in enumerate((["--max-bytes", 40 << 20], ["--timeout", "0.2"])):
        out = tmp_path / f"{number}.msl"
        compress = ["--compress", "zstd"] if number else []
        done = acquire(worker.pid, "-o", out, *options, *compress, "--quiet", code=4)
        one_line(done.stderr)
        runs_on(worker)
        with_its_tail(out)
        assert report_of(out)["status"] != "complete"
        if number == 0:
            assert out.stat().st_size <= 40 << 20
