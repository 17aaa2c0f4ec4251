"""``msl acquire`` as a command: whom it takes, what it refuses, what it says and writes."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from acquire_targets import Running, compiled, started, target
from acquiring import (
    PAGE,
    PATIENCE,
    Dump,
    acquire,
    addresses,
    as_found,
    command,
    environment,
    kilobytes,
    linux_only,
    maps,
    report_of,
    root_only,
    stopped,
    verified,
)
from commands import COMMAND, one_line, run
from independent.hashing import digest
from sampling import sampled

pytestmark = linux_only


@pytest.fixture(name="idle")
def process_that_waits() -> Iterator[Running]:
    with target("e2e_idle") as (process, _):
        yield process


@contextlib.contextmanager
def _named(name: str, place: Path, *arguments: str) -> Iterator[Running]:
    """A process of this name."""
    program = place / name
    if not program.exists():
        shutil.copy(compiled("e2e_idle"), program)
    with started([str(program), *arguments]) as (process, _):
        yield process


def unique() -> str:
    """A process name that nobody else has; 15 bytes are what Linux keeps."""
    return "m" + uuid.uuid4().hex[:12]


def refused(*arguments: Any, code: int = 6, **options: Any) -> str:
    """The line that an acquisition is refused with: cause, then remedy."""
    done = acquire(*arguments, code=code, **options)
    assert done.stdout == b""
    return one_line(done.stderr)


# --- whom ------------------------------------------------------------------------------------


def test_a_name_that_one_process_has(tmp_path: Path) -> None:
    name, out = unique(), tmp_path / "out.msl"
    with _named(name, tmp_path) as process:
        acquire(name, "-o", out)
        as_found(process.pid)
        assert Dump(out).header["pid"] == process.pid


def test_a_name_that_two_processes_have(tmp_path: Path) -> None:
    name, out = unique(), tmp_path / "out.msl"
    with _named(name, tmp_path) as first, _named(name, tmp_path) as second:
        text = refused(name, "-o", out)
        assert str(first.pid) in text
        assert str(second.pid) in text
    assert list(tmp_path.iterdir()) == [tmp_path / name]


def test_a_name_that_nobody_has(tmp_path: Path) -> None:
    name = unique()
    assert name in refused(name, "-o", tmp_path / "out.msl")
    assert list(tmp_path.iterdir()) == []


def test_a_process_that_is_gone(tmp_path: Path) -> None:
    with target("e2e_idle") as (process, _):
        pid = process.pid
    text = refused(pid, "-o", tmp_path / "out.msl")
    assert str(pid) in text
    assert ";" in text, "the remedy is missing"
    assert list(tmp_path.iterdir()) == []


def test_a_zombie(tmp_path: Path) -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    try:
        time.sleep(0.1)
        text = refused(child, "-o", tmp_path / "out.msl")
        assert str(child) in text
    finally:
        os.waitpid(child, 0)
    assert list(tmp_path.iterdir()) == []


def test_a_kernel_thread(tmp_path: Path) -> None:
    if not Path("/proc/2/comm").exists() or Path("/proc/2/comm").read_text() != "kthreadd\n":
        pytest.skip("needs to see a kernel thread")
    assert "kernel" in refused(2, "-o", tmp_path / "out.msl")
    assert list(tmp_path.iterdir()) == []


def test_itself(tmp_path: Path) -> None:
    words = " ".join(f"'{word}'" for word in command("-o", tmp_path / "out.msl"))
    done = _run(["sh", "-c", f"exec {words} $$"])
    assert done.returncode in (2, 6), done.stderr
    assert "itself" in one_line(done.stderr) or "own" in one_line(done.stderr)
    assert list(tmp_path.iterdir()) == []


@sampled()
@pytest.mark.parametrize("pid", ["0", "-1", "99999999999999999999", "0x10", ""])
def test_what_is_no_pid(pid: str, tmp_path: Path) -> None:
    done = _run([*COMMAND, "acquire", "-o", str(tmp_path / "out.msl"), "--", pid])
    assert done.returncode in (2, 6), done
    assert done.stdout == b""
    assert b"Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_somebody_traces_it_already(idle: Running, tmp_path: Path) -> None:
    strace = shutil.which("gdb")
    if strace is None:
        pytest.skip("needs gdb")
    with subprocess.Popen(
        [strace, "--nx", "-q", "-p", str(idle.pid)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as debugger:
        try:
            until = time.monotonic() + 60
            while f"TracerPid:\t{debugger.pid}" not in Path(f"/proc/{idle.pid}/status").read_text():
                assert time.monotonic() < until
                time.sleep(0.01)
            text = refused(idle.pid, "-o", tmp_path / "out.msl", "--freeze", "ptrace")
            assert str(debugger.pid) in text
            assert "--freeze" in text, "the remedy is another way of freezing, or none"
            acquire(idle.pid, "-o", tmp_path / "none.msl", "--freeze", "none")
        finally:
            debugger.kill()
    as_found(idle.pid)
    verified(tmp_path / "none.msl")


@contextlib.contextmanager
def _nobody() -> Iterator[tuple[list[str], Path]]:
    """How to run a command as the user nobody, and a folder that everybody may write to."""
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        pytest.skip("needs setpriv")
    prefix = [setpriv, "--reuid=65534", "--regid=65534", "--clear-groups"]
    with tempfile.TemporaryDirectory() as place:
        os.chmod(place, 0o777)
        if _run([*prefix, *COMMAND, "--version"]).returncode:
            pytest.skip("needs the package to be readable by everybody")
        yield prefix, Path(place)


def _run(words: list[str]) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        words, capture_output=True, env=environment(), timeout=PATIENCE, check=False
    )


@root_only
def test_somebody_elses_process_without_privileges(idle: Running) -> None:
    with _nobody() as (prefix, place):
        done = _run([*prefix, *command(idle.pid, "-o", place / "out.msl")])
        assert done.returncode == 6, done.stderr
        text = one_line(done.stderr)
        assert re.search(r"root|uid|user|CAP_SYS_PTRACE", text), text
        assert ";" in text, "the remedy is missing"
        assert list(place.iterdir()) == []


@root_only
def test_ones_own_process_without_privileges() -> None:
    scope = Path("/proc/sys/kernel/yama/ptrace_scope")
    if scope.exists() and scope.read_text().strip() != "0":
        pytest.skip(f"needs {scope} to be 0")
    sleep = shutil.which("sleep")
    if sleep is None:
        pytest.skip("needs sleep")
    with _nobody() as (prefix, place), started([*prefix, sleep, "1000"], "") as (process, _):
        time.sleep(0.2)
        done = _run([*prefix, *command(process.pid, "-o", place / "out.msl")])
        assert done.returncode == 0, done.stderr
        as_found(process.pid)
        verified(place / "out.msl")
        assert len(Dump(place / "out.msl").of("thread_context")) == 1


# --- where to --------------------------------------------------------------------------------


def test_what_exists_is_not_overwritten(idle: Running, tmp_path: Path) -> None:
    out = tmp_path / "out.msl"
    out.write_bytes(b"evidence")
    assert b"--force" in acquire(idle.pid, "-o", out, code=2).stderr
    assert out.read_bytes() == b"evidence"
    acquire(idle.pid, "-o", out, "--force")
    verified(out)
    assert Dump(out).header["pid"] == idle.pid


def test_a_report_that_exists_is_not_overwritten(idle: Running, tmp_path: Path) -> None:
    report = tmp_path / "out.msl.report.json"
    report.write_bytes(b"evidence")
    acquire(idle.pid, "-o", tmp_path / "out.msl", code=2)
    assert report.read_bytes() == b"evidence"
    assert not (tmp_path / "out.msl").exists()


def test_a_link_is_not_followed_into_what_exists(idle: Running, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_bytes(b"evidence")
    (tmp_path / "out.msl").symlink_to(precious)
    acquire(idle.pid, "-o", tmp_path / "out.msl", code=2)
    assert precious.read_bytes() == b"evidence"


def test_a_place_that_is_not_there(idle: Running, tmp_path: Path) -> None:
    done = acquire(idle.pid, "-o", tmp_path / "missing" / "out.msl", code=3)
    assert "missing" in one_line(done.stderr)
    as_found(idle.pid)


def test_a_stream_is_nothing_but_the_dump(idle: Running, tmp_path: Path) -> None:
    done = acquire(idle.pid, "-o", "-", "--quiet")
    assert done.stderr == b""
    out = tmp_path / "out.msl"
    out.write_bytes(done.stdout)
    verified(out)
    assert Dump(out).header["pid"] == idle.pid


def test_a_stream_may_have_a_report(idle: Running, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    done = acquire(idle.pid, "-o", "-", "--report", report)
    out = tmp_path / "out.msl"
    out.write_bytes(done.stdout)
    dump = Dump(out)
    found = json.loads(report.read_text())
    assert found["dump"]["file_hash"] == dump.blocks[-1]["payload"]["file_hash"]


def test_the_report_goes_where_it_is_told(idle: Running, tmp_path: Path) -> None:
    out, report = tmp_path / "out.msl", tmp_path / "elsewhere.json"
    acquire(idle.pid, "-o", out, "--report", report)
    assert json.loads(report.read_text())["dump"]["dump_uuid"] == Dump(out).header["dump_uuid"]
    assert sorted(tmp_path.iterdir()) == [report, out]


def test_the_other_name_of_the_command(idle: Running, tmp_path: Path) -> None:
    code = "from msl_construct.cli import main_acquire; main_acquire()"
    out = str(tmp_path / "out.msl")
    done = _run([sys.executable, "-c", code, str(idle.pid), "-o", out, "--quiet"])
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    verified(tmp_path / "out.msl")


def test_usage() -> None:
    for arguments in (
        [],
        ["1"],
        ["-o", "x.msl"],
        ["1", "-o", "x.msl", "--freeze", "ice"],
        ["1", "-o", "x.msl", "--draft", "draft-1999-01"],
        ["1", "-o", "x.msl", "--compress", "rar"],
        ["1", "-o", "x.msl", "--untouched", "perhaps"],
        ["1", "-o", "x.msl", "--include", "colour:red"],
        ["1", "-o", "x.msl", "--include", "address:zzz"],
        ["1", "-o", "x.msl", "--exclude", "address:0x2000-0x1000"],
        ["1", "-o", "x.msl", "--max-freeze", "-1"],
        ["1", "-o", "x.msl", "--max-bytes", "many"],
        ["1", "2", "-o", "-"],
    ):
        done = run("acquire", *arguments)
        assert done.returncode == 2, (arguments, done)
        assert done.stdout == b""
        assert done.stderr
        assert b"Traceback" not in done.stderr
    assert not Path("x.msl").exists()


def test_help_shows_an_example_and_the_exit_codes() -> None:
    text = run("acquire", "--help").stdout.decode()
    assert "msl acquire" in text
    assert re.search(r"\b6\b", text)
    named = set(re.findall(r"--[a-z-]+", text))
    assert {"--freeze", "--max-freeze", "--compress", "--include", "--exclude"} <= named
    assert {"--untouched", "--max-bytes", "--timeout", "--min-free", "--draft"} <= named
    assert {"--examiner", "--case", "--note", "--children", "--force", "--report"} <= named


# --- several ---------------------------------------------------------------------------------


def _dumps(place: Path) -> dict[int, Dump]:
    """The dumps in a folder by PID."""
    out = {}
    for path in place.glob("*.msl"):
        verified(path)
        dump = Dump(path)
        assert report_of(path)["dump"]["dump_uuid"] == dump.header["dump_uuid"]
        out[dump.header["pid"]] = dump
    return out


def _related(dump: Dump) -> dict[int, dict[str, Any]]:
    return {
        fields["related_pid"]: fields
        for fields in (dump.payload(block) for block in dump.of("related_dump"))
    }


@sampled()
@pytest.mark.parametrize("draft", ["draft-2026-03", "draft-2026-10"])
def test_several_at_once_name_each_other(draft: str, tmp_path: Path) -> None:
    with (
        target("e2e_idle") as (one, _),
        target("e2e_idle") as (two, _),
        target("e2e_idle") as (three, _),
    ):
        pids = {one.pid, two.pid, three.pid}
        acquire(*pids, "-o", tmp_path / "out.msl", "--draft", draft)
        for pid in pids:
            as_found(pid)
    dumps = _dumps(tmp_path)
    assert set(dumps) == pids
    assert len({dump.header["dump_uuid"] for dump in dumps.values()}) == 3
    for pid, dump in dumps.items():
        assert "related_dumps" in dump.header["cap_bitmap"]
        related = _related(dump)
        assert set(related) == pids - {pid}
        for other, fields in related.items():
            assert fields["related_dump_uuid"] == dumps[other].header["dump_uuid"]
            assert fields["relationship"] not in ("parent", "child")


def test_a_process_and_its_children(tmp_path: Path) -> None:
    with target("e2e_idle", "2") as (process, lines):
        children = {int(line.split()[1]) for line in lines if line.startswith("child ")}
        assert len(children) == 2
        acquire(process.pid, "--children", "-o", tmp_path / "out.msl")
        for pid in (process.pid, *children):
            as_found(pid)
    dumps = _dumps(tmp_path)
    assert set(dumps) == {process.pid, *children}
    related = _related(dumps[process.pid])
    assert {pid: fields["relationship"] for pid, fields in related.items()} == dict.fromkeys(
        children, "child"
    )
    for child in children:
        fields = _related(dumps[child])[process.pid]
        assert fields["relationship"] == "parent"
        assert fields["related_dump_uuid"] == dumps[process.pid].header["dump_uuid"]
        assert dumps[child].payload(dumps[child].blocks[0])["ppid"] == process.pid


def test_one_of_several_is_missing(idle: Running, tmp_path: Path) -> None:
    """Whatever is made of the others: no dump names one that was never made."""
    with target("e2e_idle") as (process, _):
        gone = process.pid
    done = acquire(idle.pid, gone, "-o", tmp_path / "out.msl", code=6)
    assert str(gone).encode() in done.stderr
    as_found(idle.pid)
    for pid, dump in _dumps(tmp_path).items():
        assert pid == idle.pid
        assert _related(dump) == {}


# --- what ------------------------------------------------------------------------------------


class Picked:
    """A process, and a dump of a part of it."""

    def __init__(self, place: Path, *options: str) -> None:
        self.out = place / "out.msl"
        with target("e2e_counter", "1", "64", "1", "1000") as (process, lines):
            where = addresses(lines)
            where["end"] = where["pages"] + 64 * PAGE
            with stopped(process.pid):
                filled = [option.format(**where) for option in options]
                acquire(process.pid, "-o", self.out, *filled)
                self.lines = maps(process.pid)
            self.pages = where["pages"]
        verified(self.out)
        self.dump = Dump(self.out)

    def captured(self, start: int, end: int) -> bool:
        """Whether all (True) or none (False) of what the process has of it has bytes."""
        states = self.dump.states(start, end)
        assert set(states) <= {"captured", "not_resident"} or set(states) == {"absent"}, states
        return "absent" not in states


def _readable(picked: Picked) -> list[Any]:
    return [line for line in picked.lines if "r" in line.permissions and not line.special]


def test_include_by_protection(tmp_path: Path) -> None:
    picked = Picked(tmp_path, "--include", "protection:r-x")
    for line in _readable(picked):
        assert picked.captured(line.start, line.end) is line.permissions.startswith("r-x"), line
    # The whole address space is still listed, and the modules.
    (block,) = picked.dump.of("vas_map")
    listed = {int(row["base_addr"], 16) for row in picked.dump.payload(block)["entries"]}
    assert {line.start for line in picked.lines if line.name != "[vsyscall]"} <= listed
    assert picked.dump.of("module_entry")


def test_include_by_type(tmp_path: Path) -> None:
    picked = Picked(tmp_path, "--include", "type:stack", "--include", "type:heap")
    kinds = {line.name for line in _readable(picked) if picked.captured(line.start, line.end)}
    assert {"[stack]", "[heap]"} <= kinds
    assert not any(name.startswith("/") for name in kinds)


def test_exclude_by_path(tmp_path: Path) -> None:
    picked = Picked(tmp_path, "--exclude", "path:*/libc*")
    for line in _readable(picked):
        assert picked.captured(line.start, line.end) is ("/libc" not in line.name), line
    assert any("/libc" in line.name for line in picked.lines)


def test_include_by_address(tmp_path: Path) -> None:
    picked = Picked(tmp_path, "--include", "address:{pages:#x}-{end:#x}")
    start, end = picked.pages, picked.pages + 64 * PAGE
    assert picked.dump.states(start, end) == {"captured": end - start}
    for line in _readable(picked):
        if line.end <= start or end <= line.start:
            assert not picked.captured(line.start, line.end), line


def test_include_then_exclude(tmp_path: Path) -> None:
    picked = Picked(tmp_path, "--include", "protection:rw-", "--exclude", "type:stack")
    for line in _readable(picked):
        expected = line.permissions.startswith("rw-") and line.name != "[stack]"
        if line.name == "" and picked.captured(line.start, line.end) != expected:
            continue  # the stack of a thread, for whoever finds out
        assert picked.captured(line.start, line.end) is expected, line


def test_what_was_left_out_is_told(tmp_path: Path) -> None:
    picked = Picked(tmp_path, "--exclude", "type:stack")
    report = json.dumps(report_of(picked.out))
    stack = next(line for line in picked.lines if line.name == "[stack]")
    assert f"{stack.start:#x}" in report
    assert "type:stack" in report


def test_untouched_pages_in_the_draft_that_has_no_word_for_them(tmp_path: Path) -> None:
    with target("e2e_untouched", "private", "16") as (process, lines):
        space = addresses(lines)["space"]
        for choice, expected in (("failed", "failed"), ("zeros", "captured")):
            out = tmp_path / f"{choice}.msl"
            acquire(process.pid, "-o", out, "--untouched", choice, "--draft", "draft-2026-03")
            verified(out)
            dump = Dump(out)
            size = 8 << 20  # its first half; three pages behind that are written
            assert dump.states(space, space + size) == {expected: size}
            if choice == "zeros":
                assert dump.read(space, size) == bytes(size)


def test_what_is_written_unless_another_draft_is_asked_for(tmp_path: Path) -> None:
    from msl_acquire import acquire as call

    with target("e2e_untouched", "private", "16") as (process, lines):
        out, called = tmp_path / "out.msl", tmp_path / "called.msl"
        acquire(process.pid, "-o", out)
        assert call(process.pid, called)["dump"]["draft"] == "draft-2026-10"
        space = addresses(lines)["space"]
    assert report_of(out)["dump"]["draft"] == "draft-2026-10"
    for dump in (Dump(out), Dump(called)):
        assert dump.revised
        assert dump.states(space, space + (8 << 20)) == {"not_resident": 8 << 20}
    assert "draft-2026-10" in acquire("--help").stdout.decode()


@sampled("stored")
@pytest.mark.parametrize(
    ("named", "stored"),
    [((), "blake3"), (("--hash", "blake3"), "blake3")]
    + [(("--hash", "sha256", *more), "sha_256") for more in ((), ("--compress", "lz4"))],
)
def test_what_the_hashes_are_made_with(
    named: tuple[str, ...], stored: str, idle: Running, tmp_path: Path
) -> None:
    out = tmp_path / "out.msl"
    acquire(idle.pid, "-o", out, *named)
    assert verified(out)["findings"] == []
    dump = Dump(out)  # recomputes the chain and FileHash
    assert dump.hash_algo == stored
    program = os.readlink(f"/proc/{idle.pid}/exe")
    (found,) = [
        fields["disk_hash"]
        for fields in map(dump.payload, dump.of("module_entry"))
        if fields["path"] == program
    ]
    assert found == digest(stored, Path(program).read_bytes()).hex()
    assert report_of(out)["dump"]["hash"] == (named[1] if named else "blake3")
    done = run("check", str(out))
    assert done.returncode == 0, done.stdout


def test_a_hash_that_the_draft_cannot_name(idle: Running, tmp_path: Path) -> None:
    out = tmp_path / "out.msl"
    done = acquire(idle.pid, "-o", out, "--hash", "sha256", "--draft", "draft-2026-03", code=2)
    assert b"draft-2026-03" in done.stderr
    assert not out.exists()
    acquire(idle.pid, "-o", out, "--hash", "blake3", "--draft", "draft-2026-03")


def test_the_least_that_must_stay_free(idle: Running, tmp_path: Path) -> None:
    text = refused(idle.pid, "-o", tmp_path / "out.msl", "--min-free", str(1 << 60))
    assert "free" in text or "space" in text
    assert list(tmp_path.iterdir()) == []


# --- the report ------------------------------------------------------------------------------


def test_the_report_says_everything(tmp_path: Path) -> None:
    out = tmp_path / "out.msl"
    with target("e2e_counter", "2", "64", "4", "100") as (process, _):
        pid = process.pid
        resident = kilobytes(pid, "VmRSS") * 1024
        lines = maps(pid)
        began = time.time_ns()
        acquire(
            pid,
            "-o",
            out,
            "--examiner",
            "E. Xaminer",
            "--case",
            "2026/17",
            "--note",
            "found running – “as is”",
        )
        ended = time.time_ns()
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        exe = os.readlink(f"/proc/{pid}/exe")
    dump, report = Dump(out), report_of(out)

    assert report["status"] == "complete"
    assert report["dump"]["dump_uuid"] == dump.header["dump_uuid"]
    assert report["dump"]["file_hash"] == dump.blocks[-1]["payload"]["file_hash"]
    assert verified(out)["file_hash"] == "match"

    assert report["tool"]["name"]
    assert report["tool"]["version"] == run("--version").stdout.decode().split()[1]
    assert str(pid) in report["command_line"]
    assert report["examiner"] == "E. Xaminer"
    assert report["case"] == "2026/17"
    assert report["note"] == "found running – “as is”"
    host = report["host"]
    assert host["name"] == socket.gethostname()
    assert host["kernel"] == platform.release()
    assert host["boot_id"] == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    clocks = {name: int(value) for name, value in host["clocks"].items()}
    assert began <= clocks["realtime"] <= ended
    assert clocks["realtime_minus_monotonic"] == clocks["realtime"] - clocks["monotonic"]
    assert host["acquirer"]["effective_uid"] == os.geteuid()

    subject = report["target"]
    assert subject["pid"] == pid
    assert subject["exe_path"] == exe
    assert int(subject["start"]["ticks_since_boot"]) == int(fields[19])
    assert abs(report["resident"]["before"] - resident) < 1 << 17  # the kernel counts coarsely
    assert abs(report["resident"]["after"] - resident) < 1 << 20

    freeze, memory = report["freeze"], report["memory"]
    assert freeze["method"] == "ptrace"
    frozen, released = int(freeze["began"]), int(freeze["ended"])
    assert int(freeze["duration"]) == released - frozen
    first, last = int(memory["first_page_time"]), int(memory["last_page_time"])
    assert began <= int(report["started"]) <= frozen <= first <= last <= released
    assert released <= int(report["ended"]) <= ended

    counted: Counter[str] = Counter()
    for _, size, state, _ in dump.stretches():
        counted[state] += size // PAGE
    assert memory["pages"] == counted
    # Every outcome other than captured has a cause, and the errno where one was met.
    failed = [row for row in memory["causes"] if row["state"] == "failed"]
    assert sum(row["pages"] for row in failed) == counted["failed"]
    assert all(row["cause"] and "errno" in row for row in failed)
    told = {int(row["base_addr"], 16): row for row in report["regions"]}
    spans = {line.start: line.end - line.start for line in lines if line.name != "[vsyscall]"}
    assert set(spans) <= set(told)
    for start, size in spans.items():
        states = dump.states(start, start + size)
        assert told[start]["region_size"] == size
        assert told[start]["pages"] == {state: n // PAGE for state, n in states.items()}


def test_times_of_the_dump_are_those_of_the_report(idle: Running, tmp_path: Path) -> None:
    out = tmp_path / "out.msl"
    began = time.time_ns()
    acquire(idle.pid, "-o", out)
    ended = time.time_ns()
    dump = Dump(out)
    assert dump.header["clock_source"] == "clock_realtime"
    started_at = int(dump.header["timestamp"])
    over = int(dump.blocks[-1]["payload"]["acq_end"])
    assert began <= started_at <= min(region.timestamp for region in dump.regions)
    assert max(region.timestamp for region in dump.regions) <= over <= ended


def test_the_library_call(idle: Running, tmp_path: Path) -> None:
    from msl_acquire import acquire as call

    out = tmp_path / "out.msl"
    report = call(idle.pid, out, draft="draft-2026-10", compress="zstd")
    as_found(idle.pid)
    verified(out)
    assert report["dump"]["dump_uuid"] == Dump(out).header["dump_uuid"]
    assert report.status == "complete"


def test_the_library_refuses_with_an_error_of_ours(tmp_path: Path) -> None:
    from msl_acquire import acquire as call
    from msl_construct.errors import TargetError

    with target("e2e_idle") as (process, _):
        pid = process.pid
    with pytest.raises(TargetError, match=str(pid)) as caught:
        call(pid, tmp_path / "out.msl")
    assert caught.value.remedy
    assert list(tmp_path.iterdir()) == []
