"""Limits that hold for the acquirer, and for its target with it: refused, and nobody harmed."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from acquire_targets import Running, started, target
from acquiring import (
    Dump,
    as_found,
    command,
    environment,
    linux_only,
    report_of,
    root_only,
    verified,
)
from control_groups import ControlGroup, control_group
from sampling import sampled

from msl_acquire.linux import limits as linux_limits
from msl_acquire.linux.control_groups import levels
from msl_acquire.linux.freeze import freeze
from msl_acquire.model import Limit
from msl_acquire.needs import Needs, check_tasks, lacking
from msl_construct.errors import TargetError

pytestmark = linux_only

NOBODY = 65534
MIB = 1 << 20
DEFECT = 70


def run_limited(
    before: Callable[[], None], *arguments: object, **options: Any
) -> subprocess.CompletedProcess[bytes]:
    """Run ``msl acquire`` in a process that limits itself first."""
    return subprocess.run(
        command(*arguments),
        capture_output=True,
        stdin=subprocess.DEVNULL,
        env=environment(),
        timeout=60,
        preexec_fn=before,
        **options,
    )


def lives(process: Running) -> None:
    """It answers, as before, nobody holds it."""
    assert process.ask("?")
    as_found(process.pid)


def refused(done: subprocess.CompletedProcess[bytes], name: str) -> None:
    assert done.returncode == 6, (done.returncode, done.stderr)
    assert name in done.stderr.decode(), done.stderr
    assert done.stderr.count(b"\n") == 1, done.stderr


# -- memory ----------------------------------------------------------------------------

MEMORY = {
    1: ("memory.limit_in_bytes", "memory.usage_in_bytes"),
    2: ("memory.max", "memory.current"),
}


@root_only
@sampled("version", "more")
@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("room", [20, 30, 45, 60, 120])
@pytest.mark.parametrize("more", [(), ("--compress", "zstd", "--level", "19")], ids=["", "zstd"])
def test_one_memory_group(version: int, room: int, more: tuple[str, ...], tmp_path: Path) -> None:
    """The target lives, whatever becomes of the acquirer."""
    with control_group(version, "memory") as group:
        maximum, usage = MEMORY[version]
        with started_in(group, "48") as process:
            file = group.limit(maximum, group.number(usage) + room * MIB)
            dump = tmp_path / "a.msl"
            done = run_limited(group.enter(), process.pid, "-o", dump, *more)
            lives(process)
            assert done.returncode in (0, 6, -signal.SIGKILL), done.stderr
            if done.returncode == 6:
                refused(done, str(file))
                assert f"which process {process.pid} shares".encode() in done.stderr
                assert not dump.exists()
            elif done.returncode == 0:
                verified(dump)
            if room == 120 and not more:
                assert done.returncode == 0, done.stderr


@root_only
def test_a_dump_on_a_tmpfs_counts_as_memory() -> None:
    folder = Path("/dev/shm")
    if not folder.is_dir():
        pytest.skip("needs /dev/shm")
    with control_group(1, "memory") as group, started_in(group, "200") as process:
        group.limit("memory.limit_in_bytes", group.number("memory.usage_in_bytes") + 150 * MIB)
        done = run_limited(group.enter(), process.pid, "-o", folder / f"msl-{os.getpid()}.msl")
        refused(done, "memory.limit_in_bytes")
        lives(process)


@root_only
def test_a_limit_of_a_group_around_holds() -> None:
    with control_group(1, "memory") as group, started_in(group, "48") as process:
        inner = ControlGroup(1, group.path / "inner")
        inner.path.mkdir()
        try:
            group.limit("memory.limit_in_bytes", group.number("memory.usage_in_bytes") + 50 * MIB)
            done = run_limited(inner.enter(), process.pid, "-o", "/dev/null")
            refused(done, f"{group.path}/memory.limit_in_bytes")
            lives(process)
        finally:
            inner.path.rmdir()


def started_in(group: ControlGroup, *arguments: str) -> Any:
    """A target in a control group; its memory is charged there."""
    from acquire_targets import compiled

    # Where tests themselves are the kernel's first choice the target would be another one.
    script = (
        f"echo $$ > {group.path}/cgroup.procs; "
        '{ echo 0 > /proc/self/oom_score_adj; } 2> /dev/null; exec "$@"'
    )
    return _only_process(["sh", "-c", script, "sh", str(compiled("limits_heap")), *arguments])


class _only_process:
    """`started`, without what it said."""

    def __init__(self, words: list[str]) -> None:
        self._manager = started(words)

    def __enter__(self) -> Running:
        return self._manager.__enter__()[0]

    def __exit__(self, *error: Any) -> None:
        self._manager.__exit__(*error)


@root_only
def test_the_first_to_die_is_the_acquirer(not_chosen: None) -> None:
    """Before anything else is imported, and those that it starts with it."""
    code = (
        "import sys\n"
        "from msl_construct.cli import start\n"
        "start.begin(acquiring=True)\n"
        "assert 'click' not in sys.modules\n"
        "print(open('/proc/self/oom_score_adj').read())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, env=environment())
    assert done.stdout.split() == [b"1000"], done.stderr
    code = (
        "import subprocess, sys, msl_acquire\n"
        "target = subprocess.Popen(['sleep', '60'])\n"
        "before = open('/proc/self/oom_score_adj').read()\n"
        "msl_acquire.acquire(target.pid, '/dev/null')\n"
        "target.kill(); target.wait()\n"
        "assert open('/proc/self/oom_score_adj').read() == before\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, env=environment())
    assert done.returncode == 0, done.stderr


@pytest.fixture(name="not_chosen")
def not_the_kernels_first_choice() -> Iterator[None]:
    """Whoever runs the tests may be that, and what is started inherits it."""
    own = Path("/proc/self/oom_score_adj")
    before = own.read_text()
    try:
        own.write_text("0")
    except OSError as error:
        pytest.skip(f"needs an oom_score_adj of 0: {error}")
    yield
    own.write_text(before)


@pytest.mark.parametrize("method", ["ptrace", "sigstop"])
def test_who_guards_the_target_dies_before_it(method: str, idle: Running, not_chosen: None) -> None:
    """Whoever called us stays as it is."""
    before = Path("/proc/self/oom_score_adj").read_text()
    hold = freeze(idle.pid, method, 20.0)
    try:
        guards = [hold.facts["guardian"], hold.facts["deputy"]]
        found = [Path(f"/proc/{pid}/oom_score_adj").read_text().strip() for pid in guards if pid]
    finally:
        hold.thaw()
    assert found == ["1000"] * 2
    assert Path("/proc/self/oom_score_adj").read_text() == before
    lives(idle)


# -- processes and threads -------------------------------------------------------------


@root_only
@sampled("version", "method")
@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("room", [1, 2, 3, 4, 5, 6])
@pytest.mark.parametrize("method", ["ptrace", "sigstop"])
def test_few_tasks_are_left(version: int, room: int, method: str, tmp_path: Path) -> None:
    with control_group(version, "pids") as group, started_in(group, "1") as process:
        file = group.limit("pids.max", group.number("pids.current") + room)
        dump = tmp_path / "a.msl"
        done = run_limited(
            group.enter(), process.pid, "-o", dump, "--freeze", method, "--compress", "lz4"
        )
        refused(done, str(file))
        lives(process)
        assert not dump.exists()


@root_only
def test_enough_tasks_are_left(tmp_path: Path) -> None:
    with control_group(1, "pids") as group, started_in(group, "1") as process:
        group.limit("pids.max", group.number("pids.current") + 16)
        done = run_limited(group.enter(), process.pid, "-o", tmp_path / "a.msl")
        assert done.returncode == 0, done.stderr
        lives(process)
        limits = report_of(tmp_path / "a.msl")["preflight"]["limits"]
        assert any(one["name"] == "pids.max" and one["shared"] for one in limits)


@root_only
@sampled()
@pytest.mark.parametrize("room", range(1, 7))
def test_a_users_tasks(room: int) -> None:
    """ulimit -u, which does not hold for root."""
    dropped = shutil.which("setpriv")
    if dropped is None:
        pytest.skip("needs setpriv")
    user = str(54321 + room)  # nobody else counts
    reads = "+dac_read_search"  # the interpreter may lie where only root may look
    become = [dropped, "--reuid", user, "--regid", user, "--clear-groups", "--inh-caps", reads]
    become += ["--ambient-caps", reads, "--bounding-set", f"-all,{reads}", "--"]
    with started([*become, sys.executable, "-c", _ACQUIRES_A_CHILD, str(room + 2), *command()],
                 ready="") as (process, _):  # fmt: skip
        assert process.wait(60) in (0, 6)
        assert process.stdout is not None
        out = process.stdout.read()
        assert b"alive" in out, out
        if room < 5:
            assert b"RLIMIT_NPROC" in out, out


_ACQUIRES_A_CHILD = """
import os, resource, subprocess, sys
most = int(sys.argv[1])
target = subprocess.Popen(["sleep", "60"])
resource.setrlimit(resource.RLIMIT_NPROC, (most, most))
done = subprocess.run([*sys.argv[2:], str(target.pid), "-o", "/dev/null"], stderr=1)
print("alive" if target.poll() is None else "dead", flush=True)
target.kill()
sys.exit(done.returncode)
"""


def test_threads_that_cant_be_started_are_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    real = threading.Thread.start
    begun: list[threading.Thread] = []

    def start(self: threading.Thread) -> None:
        if len(begun) == 2:
            raise RuntimeError("can't start new thread")
        real(self)
        begun.append(self)

    monkeypatch.setattr(threading.Thread, "start", start)
    with pytest.raises(TargetError, match=r"8 threads are needed.*lets us have 2.*/some/pids.max"):
        check_tasks(8, [Limit("tasks", "pids.max", "/some/pids.max", 9, 2)])
    assert [thread.is_alive() for thread in begun] == [False] * 2


# -- ulimit ----------------------------------------------------------------------------


@pytest.fixture(name="idle")
def an_idle_target() -> Iterator[Running]:
    with target("limits_heap", "8") as (process, _):
        yield process


@sampled()
@pytest.mark.parametrize("most", [5, 6, 7, 8, 10, 16, 20, 30, 33])
def test_few_descriptors(most: int, idle: Running, tmp_path: Path) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

    done = run_limited(limit, idle.pid, "-o", tmp_path / "a.msl")
    lives(idle)
    if done.returncode:
        assert done.returncode == 6, done.stderr
        assert b"descriptors" in done.stderr or b"RLIMIT_NOFILE" in done.stderr, done.stderr
        assert not (tmp_path / "a.msl").exists()
    else:
        assert most > 30
        verified(tmp_path / "a.msl")


def test_a_file_that_may_not_be_so_large(idle: Running, tmp_path: Path) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4 * MIB, 4 * MIB))

    refused(run_limited(limit, idle.pid, "-o", tmp_path / "a.msl"), "RLIMIT_FSIZE")
    lives(idle)
    # Compressed it might fit, and does not.
    dump = tmp_path / "b.msl"

    def less() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (MIB, MIB))

    done = run_limited(less, idle.pid, "-o", dump, "--compress", "lz4")
    lives(idle)
    assert done.returncode == 4, done.stderr
    assert b"too large" in done.stderr
    Dump(dump, whole=False)


@sampled("option")
@pytest.mark.parametrize("option", ["RLIMIT_AS", "RLIMIT_DATA"])
@pytest.mark.parametrize("most", [24, 32, 48, 64, 96, 128, 192, 1024])
def test_few_addresses(option: str, most: int, idle: Running, tmp_path: Path) -> None:
    def limit() -> None:
        resource.setrlimit(getattr(resource, option), (most * MIB, most * MIB))

    done = run_limited(limit, idle.pid, "-o", tmp_path / "a.msl")
    lives(idle)
    assert done.returncode in (0, 6), (done.returncode, done.stderr)
    if done.returncode == 6:
        assert b"memory" in done.stderr or option.encode() in done.stderr, done.stderr
        assert not (tmp_path / "a.msl").exists()
    assert most < 1024 or done.returncode == 0


def test_the_processor_time_is_up(tmp_path: Path) -> None:
    """The first SIGXCPU ends it orderly."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (2, 30))  # starting takes its part

    with target("limits_heap", "64") as (process, _):
        dump = tmp_path / "a.msl"
        words = ("--compress", "zstd", "--level", "19", "--max-freeze", "60")
        done = run_limited(limit, process.pid, "-o", dump, *words)
        lives(process)
        assert done.returncode == 4, (done.returncode, done.stderr)
        assert b"SIGXCPU" in done.stderr
        Dump(dump, whole=False)


# -- what is read of them --------------------------------------------------------------


def fake(tmp_path: Path, root: str = "/") -> Path:
    """A /proc of one process in nested groups of both versions, with a space in a name."""
    unified, memory = tmp_path / "uni fied", tmp_path / "memory"
    shown = str(unified).replace(" ", "\\040")
    own = tmp_path / "proc" / "self"
    own.mkdir(parents=True)
    (own / "mountinfo").write_text(
        f"40 39 0:30 {root} {shown} rw - cgroup2 cgroup2 rw\n"
        f"41 39 0:31 {root} {memory} rw - cgroup cgroup rw,memory\n"
        "42 39 0:32 / /nowhere rw - tmpfs tmpfs rw\n"
    )
    inside = root.rstrip("/") + "/outer/inner"
    (own / "cgroup").write_text(f"0::{inside}\n3:memory:{inside}\n")
    other = tmp_path / "proc" / "77"
    other.mkdir()
    (unified / "outer" / "sibling").mkdir(parents=True)
    (other / "cgroup").write_text(f"0::{root.rstrip('/')}/outer/sibling\n3:memory:/elsewhere\n")
    files = {
        unified / "outer" / "memory.max": "1000000",
        unified / "outer" / "memory.current": "400000",
        unified / "outer" / "memory.stat": "anon 1\ninactive_file 100000\n",
        unified / "outer" / "pids.max": "max",
        unified / "outer" / "pids.current": "4",
        unified / "outer" / "inner" / "memory.max": "max",
        unified / "outer" / "inner" / "memory.high": "900000",
        unified / "outer" / "inner" / "memory.current": "300000",
        unified / "outer" / "inner" / "pids.max": "10",
        unified / "outer" / "inner" / "pids.current": "12",
        memory / "outer" / "inner" / "memory.limit_in_bytes": "9223372036854771712",
        memory / "outer" / "inner" / "memory.usage_in_bytes": "5",
        memory / "outer" / "memory.limit_in_bytes": "2000000",
        memory / "outer" / "memory.usage_in_bytes": "1500000",
        memory / "outer" / "memory.stat": "inactive_file 1\ntotal_inactive_file 600000\n",
    }
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    return tmp_path / "proc"


@pytest.mark.parametrize("root", ["/", "/docker/0123"])
def test_both_versions_up_the_tree(root: str, tmp_path: Path) -> None:
    proc = str(fake(tmp_path, root))
    found = linux_limits.group_limits("self", 77, proc)
    by_place = {limit.place.removeprefix(str(tmp_path)): limit for limit in found}
    assert {place: (limit.left, limit.shared) for place, limit in by_place.items()} == {
        "/uni fied/outer/inner/memory.high": (600_000, False),
        "/uni fied/outer/memory.max": (700_000, True),
        "/memory/outer/memory.limit_in_bytes": (1_100_000, False),
        "/uni fied/outer/inner/pids.max": (0, False),
    }


def test_a_group_outside_of_what_is_mounted_is_not_seen(tmp_path: Path) -> None:
    proc = fake(tmp_path)
    (proc / "self" / "cgroup").write_text("0::/../elsewhere\n")
    assert levels("self", "memory", str(proc)) == []
    assert levels(78, "memory", str(proc)) == []


def test_the_tightest_limit_is_named() -> None:
    limits = [
        Limit("memory", "a", "/a", 500, 400),
        Limit("memory", "b", "/b", 90, 60),
        Limit("tasks", "c", "/c", 10, 9, shared=True),
    ]
    wanted = Needs(memory=50, tasks=1, descriptors=5, address_space=5, file_size=5)
    texts = [str(error) for error in lacking(limits, wanted, 7)]
    assert len(texts) == 2
    assert "50 bytes of memory" in texts[0]
    assert "/b says 90" in texts[0]
    assert "which process 7 shares" in texts[1]
    assert not lacking([Limit("memory", "b", "/b", 90, 40)], wanted, 7)
