"""Acquiring a copy-on-write snapshot: the dump is of one moment, and the target notices nothing."""

from __future__ import annotations

import contextlib
import os
import platform
import select
import shutil
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from acquire_targets import Running, target
from acquiring import (
    PAGE,
    Dump,
    acquire,
    addresses,
    as_found,
    kilobytes,
    launched,
    nobody_left,
    report_of,
    root_only,
    status,
    stopped,
    tasks,
    verified,
    wait_until,
)
from sampling import sampled
from test_acquire_freeze import PROGRAMS, counting

if sys.platform != "linux" or platform.machine() != "x86_64":
    pytest.skip("needs Linux on x86-64", allow_module_level=True)

from msl_acquire.linux.freeze import fitness
from msl_acquire.linux.freeze.guardian import injection, trace_calls
from msl_acquire.linux.freeze.guardian.catcher import Catcher
from msl_acquire.linux.freeze.guardian.copying import Copy
from msl_acquire.linux.freeze.guardian.method import Limits, SharedMemory
from msl_acquire.linux.freeze.guardian.program import Guardian
from msl_acquire.linux.target import LinuxTarget

FEW = 16 * PAGE
"""Bytes of the small mappings of the target."""
EINTR, ETIMEDOUT, ECHILD = 4, 110, 10

BLOCKED = {
    **dict.fromkeys(("nanosleep", "clock_nanosleep", "poll", "ppoll", "select"), ("0", "0")),
    "futex": ("-1", str(ETIMEDOUT)),
    **dict.fromkeys(("read", "inotify", "waitpid"), ("1", "0")),
    "sigsuspend": ("-1", str(EINTR)),
    "busy": ("0", "0"),
    "epoll": ("-1", str(EINTR)),  # as after any stop
}
TIMED = ("nanosleep", "clock_nanosleep", "poll", "ppoll", "select", "futex")
SECONDS = 1.5


@contextlib.contextmanager
def turning(
    signals: str = "default", filtered: str = "none", pages: int = 64, threads: int = 0
) -> Iterator[tuple[Running, dict[str, int]]]:
    """The target of all these tests, and where what is in its memory."""
    given = (signals, filtered, str(pages), str(threads))
    with target("snapshot_target", *given) as (process, lines):
        yield process, addresses(lines)


def snapshot(process: Running, dump: Path, *more: Any, code: int = 0) -> dict[str, Any]:
    """Acquire a snapshot; the report."""
    acquire(process.pid, "--freeze", "snapshot", "-o", dump, *more, code=code)
    verified(dump, code)
    return report_of(dump)


def children(pid: int) -> dict[int, str]:
    """State letters of its children, by number."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                if int(fields[1]) == pid:
                    found[int(entry.name)] = fields[0]
    return found


def alive(process: Running) -> None:
    """It runs, turns, and has no child of ours."""
    before = turns(process)
    wait_until(lambda: turns(process) > before, "the target goes on")
    as_found(process.pid)
    assert not children(process.pid)


def turns(process: Running) -> int:
    return int(process.ask("turns").split()[1])


def generations(dump: Dump, start: int, pages: int) -> list[int]:
    """What stands at the start of each page."""
    data = dump.read(start, pages * PAGE)
    return [struct.unpack_from("=Q", data, page * PAGE)[0] for page in range(pages)]


def of_one_moment(found: list[int]) -> bool:
    """Whether the target can have held these generations at one moment: see its source."""
    return found == sorted(found, reverse=True) and found[0] - found[-1] <= 1


# --- what is captured ------------------------------------------------------------------------


def slowly(process: Running, dump: Path, *options: str) -> Dump:
    """Acquire through a pipe that takes a piece only when the target has written all once more."""
    pipe = dump.with_suffix(".pipe")
    os.mkfifo(pipe)
    with launched(process.pid, *options, "-o", pipe) as acquirer:
        with pipe.open("rb", 0) as source, dump.open("wb") as sink:
            left = 0
            while piece := source.read(1 << 16):
                sink.write(piece)
                left -= len(piece)
                if left < 0:
                    left = 8 << 20
                    written = turns(process) + 2
                    wait_until(lambda: turns(process) > written, "all is written again")  # noqa: B023
        assert acquirer.wait(60) == 0
    return Dump(dump)


@sampled()
@pytest.mark.parametrize("place", ["turning", "shared"])
def test_memory_that_is_written_all_the_time_is_of_one_moment(tmp_path: Path, place: str) -> None:
    pages = 16384
    with turning(pages=pages) as (process, where):
        snapped = slowly(process, tmp_path / "snapshot.msl", "--freeze", "snapshot")
        assert of_one_moment(generations(snapped, where[place], pages))
        alive(process)
        running = slowly(process, tmp_path / "none.msl", "--freeze", "none")
        assert not of_one_moment(generations(running, where[place], pages))


def test_every_kind_of_mapping_has_its_own_bytes(tmp_path: Path) -> None:
    with turning() as (process, where):
        report = snapshot(process, tmp_path / "dump.msl", "--draft", "draft-2026-10")
        alive(process)
    dump = Dump(tmp_path / "dump.msl")
    assert dump.read(where["still"], FEW) == b"s" * FEW
    assert dump.read(where["alone"], FEW) == b"d" * FEW  # not there in the copy
    assert dump.read(where["wiped"], FEW) == b"w" * FEW  # zeros in the copy
    assert dump.read(where["whole"], FEW) == b"m" * FEW
    assert dump.read(where["half"], FEW) == b"p" * (FEW // 2) + b"m" * (FEW // 2)
    assert dump.states(where["untouched"], where["untouched"] + FEW) == {"not_resident": FEW}
    kept = report["freeze"]["snapshot"]["read_in_stop"]
    assert 4 * FEW <= kept < 16 << 20
    causes = {row["cause"]: row["pages"] for row in report["memory"]["causes"]}
    assert causes["read_in_stop"] * PAGE == kept


def test_the_report_says_what_was_done(tmp_path: Path) -> None:
    with turning() as (process, _):
        found = snapshot(process, tmp_path / "dump.msl")["freeze"]["snapshot"]
    page = (Path(__file__).parents[1] / "spec-docs" / "snapshot.rst").read_text("utf-8")
    told = page.partition("report-snapshot")[2].partition("What is refused")[0]
    assert {key for key in found if f"``{key}``" not in told} == set()
    assert found["why_ended"] == "done"
    assert found["zombie_left"] is False


def test_what_is_left_out_is_not_read_in_the_stop(tmp_path: Path) -> None:
    with turning(pages=4096) as (process, where):
        report = snapshot(process, tmp_path / "dump.msl", "--exclude", "type:shared_mem")
    assert report["freeze"]["snapshot"]["read_in_stop"] < 1 << 20
    assert of_one_moment(generations(Dump(tmp_path / "dump.msl"), where["turning"], 4096))


def test_the_copy_grows_no_memory_of_its_own_by_being_read(tmp_path: Path) -> None:
    with target("e2e_idle") as (process, _):
        before = kilobytes(process.pid, "RssAnon")
        report = snapshot(process, tmp_path / "dump.msl")
        assert kilobytes(process.pid, "RssAnon") == before
    found = report["freeze"]["snapshot"]
    assert found["copied"] < 1 << 20
    assert found["page_tables"] > 0


@sampled()
@pytest.mark.parametrize("threads", [0, 15, 255])
def test_all_threads_have_registers_and_go_on(tmp_path: Path, threads: int) -> None:
    with turning(threads=threads) as (process, _):
        numbers = tasks(process.pid)
        wait_until(lambda: len(masks_of(process.pid)) == 1, "all threads have begun")
        masks = masks_of(process.pid)
        report = snapshot(process, tmp_path / "dump.msl")
        assert tasks(process.pid) == numbers
        assert masks_of(process.pid) == masks
        alive(process)
    assert {row["thread_id"] for row in report["target"]["threads"] if row["stored"]} == numbers


def masks_of(pid: int) -> set[str]:
    """What its threads do about signals, and their filters."""
    found = set()
    for number in tasks(pid):
        lines = Path(f"/proc/{pid}/task/{number}/status").read_text().splitlines()
        found.add(" ".join(x for x in lines if x.startswith(("SigB", "SigI", "SigC", "Secc"))))
    return found


# --- what the target sees --------------------------------------------------------------------


@pytest.mark.parametrize("name", BLOCKED)
def test_every_blocked_call_ends_as_if_nothing_had_happened(name: str) -> None:
    """The call is injected into this very thread, whatever it does."""
    with target("snapshot_blocked", str(SECONDS)) as (process, lines):
        numbers = addresses(lines)
        wait_until(lambda: blocked(process.pid, numbers), "all are in their calls")
        catcher = Catcher(process.pid)
        catcher.catch(time.monotonic() + 10)
        copy = Copy(process.pid)
        try:
            chosen = numbers[f"thread_{name}"]
            copy.make(injection.find_gadget(chosen), [chosen], 10.0, lambda _: None)
            assert copy.thread_id == chosen
        finally:
            catcher.let_go()
            copy.end()
        assert copy.reap() == ""
        check_calls(process)


def blocked(pid: int, numbers: dict[str, int]) -> bool:
    for name, number in numbers.items():
        call = Path(f"/proc/{pid}/task/{number}/syscall").read_text().split()[0]
        if (call == "running") != (name == "thread_busy"):
            return False
    return True


def check_calls(process: Running) -> None:
    assert process.stdin is not None
    process.stdin.write(b"go on\n")
    seen = {}
    while (line := process.line()) != "done":
        name, returned, failed, took = line.split()
        seen[name] = (returned, failed)
        if name in TIMED:
            # Not sooner than asked for, and not never; how late depends on what else runs.
            assert SECONDS * 1000 - 5 <= int(took) < SECONDS * 1000 + 5_000, line
    if seen["epoll"] == ("0", "0"):  # its time was over before the stop
        seen["epoll"] = BLOCKED["epoll"]
    assert seen == BLOCKED


def test_blocked_calls_survive_the_whole_acquisition(tmp_path: Path) -> None:
    with target("snapshot_blocked", str(SECONDS)) as (process, _):
        snapshot(process, tmp_path / "dump.msl")
        found = children(process.pid)
        assert "Z" not in found.values()
        assert len(found) <= 1  # its own
        check_calls(process)


@sampled("kind")
@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("kind", ["default", "handler", "ignored"])
def test_no_child_signal_and_no_zombie(tmp_path: Path, kind: str, own: bool) -> None:
    with turning(kind) as (process, _):
        child = int(process.ask("child").split()[1]) if own and kind != "ignored" else 0
        snapshot(process, tmp_path / "dump.msl")
        assert process.ask("signals") == f"signals {1 if child and kind == 'handler' else 0}"
        if child:
            assert process.ask("wait") == f"wait {child} 0"
        assert process.ask("wait") == f"wait -1 {ECHILD}"
        alive(process)


def test_a_process_that_was_stopped_stays_stopped(tmp_path: Path) -> None:
    with turning() as (process, where):
        with stopped(process.pid):
            report = snapshot(process, tmp_path / "dump.msl")
            wait_until(lambda: status(process.pid, "State").startswith("T"), "still stopped")
            assert report["freeze"]["found_stopped"] is True
            assert not children(process.pid)
        alive(process)
    assert of_one_moment(generations(Dump(tmp_path / "dump.msl"), where["turning"], 64))


@root_only
def test_a_filter_that_kills_for_clone_is_suspended(tmp_path: Path) -> None:
    with turning(filtered="kill") as (process, _):
        snapshot(process, tmp_path / "dump.msl")
        alive(process)


@root_only
def test_a_filter_that_may_not_be_suspended_is_refused(tmp_path: Path) -> None:
    setpriv = shutil.which("setpriv") or pytest.skip("needs setpriv")
    with turning(filtered="kill") as (process, _):
        from acquiring import command, environment

        done = subprocess.run(
            [
                *(setpriv, "--bounding-set", "-sys_admin", "--"),
                *command(process.pid, "--freeze", "snapshot", "-o", tmp_path / "dump.msl"),
            ],
            capture_output=True,
            env=environment(),
            timeout=60,
            check=False,
        )
        assert done.returncode == 6, done.stderr
        assert b"seccomp" in done.stderr
        alive(process)
    assert not (tmp_path / "dump.msl").exists()


def test_a_thread_that_has_just_ended_does_not_stand_for_its_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    answers = iter((ended.pid, ended.pid, os.getpid()))
    monkeypatch.setattr(fitness, "living_thread", lambda _: next(answers))
    assert fitness._status(os.getpid())["Pid"] == str(os.getpid())


def test_a_program_that_keeps_replacing_itself_is_not_held_up(tmp_path: Path) -> None:
    """Who replaces a program waits for the tracer of the threads that he ends."""
    with counting(tmp_path, "exec", 6) as (process, counters):
        for _ in range(12):
            opened = LinuxTarget(process.pid)
            try:
                hold = opened.freeze("snapshot", 30.0)
                opened.copy(list)
                opened.run_on()
                assert counters.all_move([PROGRAMS])
                hold.thaw()
                assert hold.facts["snapshot"]["zombie_left"] is False
                assert hold.facts["snapshot"]["why_ended"] in ("executed", "done")
            finally:
                opened.close()
        assert counters.all_move([PROGRAMS])
        assert not children(process.pid)


# --- what is refused, and what ends it --------------------------------------------------------


def refused(process: Running, tmp_path: Path, word: bytes) -> None:
    """It is refused for this reason, and goes on."""
    done = acquire(process.pid, "--freeze", "snapshot", "-o", tmp_path / "dump.msl", code=6)
    assert word in done.stderr
    assert not (tmp_path / "dump.msl").exists()
    before = turns(process)
    wait_until(lambda: turns(process) > before, "the target goes on")
    assert not children(process.pid)


def test_memory_that_a_userfaultfd_watches_is_refused(tmp_path: Path) -> None:
    with turning() as (process, _):
        if (answer := process.ask("watch")) != "watch 0":
            pytest.skip(f"needs a userfaultfd: {answer}")
        refused(process, tmp_path, b"userfaultfd")


def test_a_target_that_is_traced_is_refused(tmp_path: Path) -> None:
    with turning() as (process, _):
        catcher = Catcher(process.pid)
        catcher.catch(time.monotonic() + 10)
        catcher.let_go()
        trace_calls.seize(process.pid)  # it runs on
        refused(process, tmp_path, b"traced")


@root_only
def test_huge_pages_of_a_pool_are_read_in_the_stop(tmp_path: Path) -> None:
    pool = Path("/proc/sys/vm/nr_hugepages")
    before = pool.read_text()
    try:
        pool.write_text(str(int(before) + 2))
        with turning() as (process, _):
            place = int(process.ask("huge").split()[1], 16)
            if not place:
                pytest.skip("needs two huge pages in the pool")
            report = snapshot(process, tmp_path / "dump.msl")
        assert Dump(tmp_path / "dump.msl").read(place, 4 << 20) == b"h" * (4 << 20)
        assert report["freeze"]["snapshot"]["read_in_stop"] > 4 << 20
    finally:
        pool.write_text(before)


def test_an_expected_time_above_the_bound_is_refused(tmp_path: Path) -> None:
    with turning(pages=8192) as (process, _):
        done = acquire(
            *(process.pid, "--freeze", "snapshot", "--max-freeze", "0.0001"),
            *("-o", tmp_path / "dump.msl"),
            code=6,
        )
        assert b"--max-freeze" in done.stderr
        alive(process)


def test_code_of_32_bits_is_refused(tmp_path: Path) -> None:
    options = ("-m32", "-static")
    (tmp_path / "empty.c").write_text("int main(void) { return 0; }")
    compiler = shutil.which("gcc") or pytest.skip("needs gcc")
    tried = [compiler, *options, "-o", str(tmp_path / "empty"), str(tmp_path / "empty.c")]
    if subprocess.run(tried, capture_output=True, check=False, timeout=60).returncode:
        pytest.skip("needs a compiler that makes 32-bit programs (gcc -m32)")
    with target("freeze_i386", options=options) as (process, _):
        done = acquire(process.pid, "--freeze", "snapshot", "-o", tmp_path / "dump.msl", code=6)
        assert b"32-bit" in done.stderr
        as_found(process.pid)


@contextlib.contextmanager
def held(process: Running, tmp_path: Path, *more: Any) -> Iterator[tuple[Any, int]]:
    """An acquisition that has made its copy and can't write it: (it, the copy)."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    report = ("--report", tmp_path / "report.json")
    try:
        with launched(
            *(process.pid, "--freeze", "snapshot", "-o", pipe, *report, *more)
        ) as acquirer:
            seen: list[int] = []
            wait_until(
                lambda: seen.extend(copies(process.pid)) or seen or acquirer.poll() is not None,
                "a copy",
            )
            assert seen, acquirer.communicate()[1]
            assert select.select([reader], [], [], 60)[0], "nothing is written"
            assert status(process.pid, "TracerPid") == "0"
            yield acquirer, seen[0]
    finally:
        os.close(reader)


def copies(pid: int) -> list[int]:
    return [number for number, state in children(pid).items() if state == "t"]


def test_the_target_runs_while_it_is_read(tmp_path: Path) -> None:
    with turning(pages=4096) as (process, _), held(process, tmp_path) as (acquirer, copy):
        before = turns(process)
        wait_until(lambda: turns(process) > before + 10, "the target goes on")
        assert Path(f"/proc/{copy}/oom_score_adj").read_text().strip() == "1000"
        os.kill(acquirer.pid, signal.SIGTERM)
        wait_until(lambda: not children(process.pid), "the copy has been reaped")


def test_nothing_is_left_when_the_acquirer_is_killed(tmp_path: Path) -> None:
    with turning(pages=4096) as (process, _), held(process, tmp_path) as (acquirer, _):
        acquirer.kill()
        acquirer.wait()
        wait_until(lambda: not children(process.pid), "the copy has been reaped")
        alive(process)
        nobody_left(acquirer.pid)


class Stopping:
    """A method whose guardian is stopped amid what must not be broken off."""

    ends_with_us = ends_with_both = True

    def as_deputy(self) -> None: ...

    def hold(self, until: float | None) -> object:
        return None

    def order(self, words: list[str], limits: Limits) -> object:
        with limits.suspended():
            os.kill(os.getpid(), signal.SIGSTOP)
        return words

    def look(self) -> str:
        return ""

    def let_go(self) -> None:
        os.kill(os.getpid(), signal.SIGSTOP)

    def clean_up(self) -> None: ...


def test_a_guardian_that_is_stopped_where_it_can_not_be_ended(tmp_path: Path) -> None:
    """The kernel wakes it: nobody else could end the target's stop."""
    orders, ordering = os.pipe()
    hearing, answers = os.pipe()
    shared = SharedMemory(os.open(tmp_path / "shared", os.O_RDWR | os.O_CREAT))
    guardian = os.fork()
    if guardian == 0:
        try:
            os.close(ordering)
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCONT])
            Guardian(Stopping(), shared, orders, answers).run()
        finally:
            os._exit(0)
    try:
        os.close(answers)
        os.write(ordering, b"hold -\ncopy\nrelease\n")
        heard = b""
        while select.select([hearing], [], [], 20)[0] and (got := os.read(hearing, 4096)):
            heard += got
        assert [line.split()[0] for line in heard.splitlines()] == [
            *(b"ready", b"held", b"did", b"released", b"cleaned")
        ]
    finally:
        os.kill(guardian, signal.SIGKILL)
        os.waitpid(guardian, 0)
        for descriptor in (orders, ordering, hearing):
            os.close(descriptor)


def test_the_copy_dies_with_the_guardian(tmp_path: Path) -> None:
    with turning(pages=4096) as (process, _), held(process, tmp_path) as (acquirer, copy):
        guardian = int(status(copy, "TracerPid"))
        os.kill(guardian, signal.SIGKILL)
        wait_until(lambda: children(process.pid).get(copy, "Z") == "Z", "the copy has ended")
        before = turns(process)
        wait_until(lambda: turns(process) > before, "the target goes on")
        acquirer.kill()


def test_a_copy_that_somebody_kills_is_said(tmp_path: Path) -> None:
    with turning(pages=4096) as (process, _), held(process, tmp_path) as (acquirer, copy):
        os.kill(copy, signal.SIGKILL)
        assert ended(acquirer, tmp_path)["status"] == "snapshot_lost"
        wait_until(lambda: not children(process.pid), "the copy has been reaped")
        alive(process)


def test_the_copy_goes_when_the_target_executes_another_program(tmp_path: Path) -> None:
    with turning(pages=4096) as (process, _), held(process, tmp_path) as (acquirer, _):
        assert process.stdin is not None
        process.stdin.write(b"exec\n")
        while process.line() != "ready":
            pass
        wait_until(lambda: not children(process.pid), "the copy has been reaped")
        assert ended(acquirer, tmp_path)["status"] == "target_replaced"
        alive(process)


def test_the_copy_goes_when_the_target_ends(tmp_path: Path) -> None:
    with turning(pages=4096) as (process, _), held(process, tmp_path) as (acquirer, copy):
        process.kill()
        process.wait()
        wait_until(lambda: not Path(f"/proc/{copy}/exe").is_symlink(), "the copy has ended")
        assert ended(acquirer, tmp_path)["status"] == "target_gone"


def ended(acquirer: subprocess.Popen[bytes], tmp_path: Path) -> dict[str, Any]:
    """Take what an acquisition still has to say, and its report."""
    import json

    with (tmp_path / "pipe").open("rb") as pipe:
        while pipe.read(1 << 20):
            pass
    assert acquirer.wait(60) == 4
    return dict(json.loads((tmp_path / "report.json").read_text("utf-8")))


# --- control groups ---------------------------------------------------------------------------


@contextlib.contextmanager
def group(controller: str, **limits: str) -> Iterator[Path]:
    """A control group of version 1 of the test's own; skips by name where there can't be one."""
    place = Path(f"/sys/fs/cgroup/{controller}/msl-snapshot-{os.getpid()}")
    try:
        place.mkdir()
        for name, value in limits.items():
            (place / f"{controller}.{name}").write_text(value)
    except OSError as error:
        with contextlib.suppress(OSError):
            place.rmdir()
        pytest.skip(f"needs a control group ({controller}, version 1) of its own: {error}")
    try:
        yield place
    finally:
        until = time.monotonic() + 60
        while place.exists() and time.monotonic() < until:
            with contextlib.suppress(OSError):
                place.rmdir()
            time.sleep(0.01)


PAGES = 16384
ROOM = 2 * PAGES * PAGE + (44 << 20)
"""64 MiB of private and as many of shared memory, and less than what copying the first takes."""


def enter(place: Path, process: Running) -> None:
    (place / "cgroup.procs").write_text(str(process.pid))


TIGHT = 'echo "$0" >/proc/self/oom_score_adj && echo $$ >"$1" && shift && exec "$@"'


def lowered() -> bool:
    """Whether a process of ours may be as unlikely to be ended for want of memory as others."""
    script = "echo 0 >/proc/self/oom_score_adj"
    return subprocess.run(["sh", "-c", script], capture_output=True).returncode == 0


@contextlib.contextmanager
def tight(room: int = ROOM, adjusted: int = 0) -> Iterator[tuple[Running, dict[str, int]]]:
    """The target in a control group that has no room for all of its memory twice."""
    if int(Path("/proc/self/oom_score_adj").read_text()) > adjusted and not lowered():
        pytest.skip("needs a lower oom_score_adj than this process may have")
    with group("memory", limit_in_bytes=str(room)) as place:
        program = [*("sh", "-c", TIGHT), str(adjusted), str(place / "cgroup.procs")]
        from acquire_targets import compiled, started

        arguments = [str(compiled("snapshot_target")), "default", "none", str(PAGES)]
        with started([*program, *arguments]) as (process, lines):
            yield process, addresses(lines)


@root_only
def test_the_copy_goes_before_memory_is_short(tmp_path: Path) -> None:
    with tight() as (process, _), held(process, tmp_path) as (acquirer, _):
        wait_until(lambda: not children(process.pid), "the copy has gone")
        report = ended(acquirer, tmp_path)
        assert report["status"] == "snapshot_lost"
        assert "memory" in report["detail"]
        alive(process)


@root_only
def test_the_kernel_takes_the_copy_where_memory_is_short(tmp_path: Path) -> None:
    with tight() as (process, _):
        # It writes nothing until nobody watches its copy.
        with stopped(process.pid), held(process, tmp_path) as (acquirer, copy):
            guardian = int(status(copy, "TracerPid"))
            os.kill(guardian, signal.SIGSTOP)
            os.kill(process.pid, signal.SIGCONT)
            try:
                wait_until(lambda: children(process.pid).get(copy) == "Z", "it was taken")
            finally:
                os.kill(guardian, signal.SIGCONT)
            report = ended(acquirer, tmp_path)
            assert report["status"] == "snapshot_lost"
            assert "memory" in report["detail"]
        alive(process)


@root_only
def test_a_control_group_without_room_is_refused(tmp_path: Path) -> None:
    with tight(2 * PAGES * PAGE + (16 << 20)) as (process, _):
        refused(process, tmp_path, b"control group")


@root_only
def test_a_target_that_would_be_ended_before_its_copy_needs_room_for_all(tmp_path: Path) -> None:
    with tight(adjusted=1000) as (process, _):
        refused(process, tmp_path, b"control group")
    with tight(ROOM + PAGES * PAGE, adjusted=1000) as (process, _):
        snapshot(process, tmp_path / "roomy.msl")
        alive(process)


@root_only
def test_a_control_group_without_room_for_page_tables_is_refused(tmp_path: Path) -> None:
    """Of memory that lies scattered they take as much as itself: here 48 MiB."""
    from acquire_targets import target

    room = 48 << 20
    with group("memory") as place, target("limits_sparse", str(room // PAGE)) as (process, _):
        limit = place / "memory.limit_in_bytes"
        enter(place, process)  # what it has stays counted elsewhere, what is copied is not
        used = int((place / "memory.usage_in_bytes").read_text())
        limit.write_text(str(used + room // 2))
        done = acquire(process.pid, "--freeze", "snapshot", "-o", tmp_path / "dump.msl", code=6)
        assert b"control group" in done.stderr
        assert process.ask("?") == "alive"


@root_only
def test_a_limit_of_processes_is_refused(tmp_path: Path) -> None:
    with turning() as (process, _), group("pids") as place:
        enter(place, process)
        (place / "pids.max").write_text(str(len(tasks(process.pid))))
        refused(process, tmp_path, b"limit of processes")
        Path("/sys/fs/cgroup/pids/cgroup.procs").write_text(str(process.pid))


def test_a_copy_gives_its_memory_back_while_it_is_the_kernels_first_choice() -> None:
    """While a process ends its memory is still in use, and another is ended where it is short."""
    pages = 65536
    with turning(pages=pages) as (process, _):
        catcher = Catcher(process.pid)
        catcher.catch(time.monotonic() + 10)
        chosen = next(number for number, _ in catcher.stops())
        copy = Copy(process.pid)
        try:
            copy.make(injection.find_gadget(chosen), [chosen], 10.0, lambda _: None)
        finally:
            catcher.let_go()
        held: list[int] = []

        def kill(pid: int, number: int) -> None:
            assert pid == copy.pid
            held.append(kilobytes(pid, "VmRSS"))
            os_kill(pid, number)

        assert kilobytes(copy.pid, "VmRSS") > pages * PAGE >> 10
        os_kill = os.kill
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, "kill", kill)
            copy.end()
        assert len(held) == 1
        assert held[0] < 1024
        assert copy.reap() == ""
        alive(process)
