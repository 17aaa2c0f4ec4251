"""Who a process is, and processes by name: real programs, compared with psutil and with /proc
read by hand."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from acquire_targets import compiled, started, target

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")

from msl_acquire.linux.find import children, find  # noqa: E402
from msl_acquire.linux.identity import identity  # noqa: E402
from msl_acquire.linux.maps import living_thread  # noqa: E402
from msl_acquire.linux.proc_text import read_stat, without_root  # noqa: E402
from msl_construct.errors import TargetError  # noqa: E402


def test_of_an_ordinary_program() -> None:
    before = time.time_ns()
    with target("meta_program", "name", "a) R (b c") as (process, _):
        after = time.time_ns()
        told = identity(process.pid)
        other = psutil.Process(process.pid)
        assert told.pid == process.pid
        assert told.ppid == os.getpid()
        assert told.session_id == os.getsid(process.pid) == process.pid
        assert told.name == "a) R (b c"
        assert told.exe_path == other.exe() == str(compiled("meta_program"))
        assert told.cmd_line == f"{compiled('meta_program')} name a) R (b c"
        assert (told.os_type, told.arch_type) == ("linux", _own_architecture())
        assert told.page_size == os.sysconf("SC_PAGE_SIZE")
        # Good to a tick of ten milliseconds, and between what we saw before and after.
        assert before - 20_000_000 <= told.start_time <= after + 20_000_000
        assert identity(process.pid).start_time == told.start_time
        # psutil knows the time of boot to a second only.
        assert abs(told.start_time / 1e9 - other.create_time()) < 1.1


def _own_architecture() -> str:
    names = {"x86_64": "x86_64", "aarch64": "arm64", "riscv64": "riscv64", "s390x": "s390x"}
    return names.get(os.uname().machine, "unknown")


def test_arguments_may_be_empty_or_hold_blanks() -> None:
    with target("meta_program", "argv0", "shown") as (process, _):
        assert identity(process.pid).cmd_line == "shown  two words "


def test_of_a_32_bit_program(tmp_path: Path) -> None:
    if os.uname().machine != "x86_64" or shutil.which("gcc") is None:
        pytest.skip("needs gcc on x86_64")
    source = tmp_path / "small.c"
    source.write_text('void _start(void){for(;;)__asm__ volatile("int $0x80"::"a"(29));}')
    program = tmp_path / "small"
    options = ["-m32", "-nostdlib", "-static", "-ffreestanding", "-fno-pie", "-no-pie"]
    built = subprocess.run(["gcc", *options, str(source), "-o", str(program)], check=False)
    if built.returncode:
        pytest.skip("needs a gcc that makes 32-bit programs")
    with started([str(program)], "") as (process, _):
        _until_executed(process.pid, "small")
        assert identity(process.pid).arch_type == "x86"


def _until_executed(pid: int, name: str) -> None:
    until = time.monotonic() + 60
    while Path(f"/proc/{pid}/comm").read_text().strip() != name:
        assert time.monotonic() < until, f"{name} never started"
        time.sleep(0.01)


def test_of_a_deleted_and_of_a_memfd_program(tmp_path: Path) -> None:
    program = tmp_path / "short-lived"
    shutil.copy(compiled("meta_program"), program)
    with started([str(program)]) as (process, _):
        program.unlink()
        told = identity(process.pid)
        assert told.exe_path == f"{program} (deleted)"
        assert told.arch_type == _own_architecture()
    with target("meta_program", "memfd") as (process, _):
        assert identity(process.pid).exe_path == "/memfd:ghost (deleted)"


def test_of_a_thread_of_the_kernel() -> None:
    for name in ("2", "3"):
        stat = Path(f"/proc/{name}/stat")
        if stat.exists() and int(stat.read_text().rpartition(")")[2].split()[6]) & 0x200000:
            told = identity(int(name))
            assert (told.exe_path, told.cmd_line) == ("", "")
            assert told.arch_type == "unknown"
            assert told.name
            return
    pytest.skip("needs to see threads of the kernel")


def test_of_a_zombie_and_of_nobody() -> None:
    process = subprocess.Popen(["true"])
    try:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        told = identity(process.pid)
        assert (told.exe_path, told.cmd_line, told.ppid) == ("", "", os.getpid())
        assert read_stat(f"/proc/{process.pid}").ended
    finally:
        process.wait(60)
    with pytest.raises(TargetError, match=f"process {process.pid} is gone"):
        identity(process.pid)


def test_whose_first_thread_has_ended() -> None:
    with target("meta_leader") as (process, _):
        until = time.monotonic() + 60
        while read_stat(f"/proc/{process.pid}").state != "Z":
            assert time.monotonic() < until
            time.sleep(0.01)
        other = living_thread(process.pid)
        assert other != process.pid
        told = identity(process.pid, f"/proc/{other}")
        assert told.pid == process.pid
        assert told.exe_path == str(compiled("meta_leader"))
        assert told.cmd_line == str(compiled("meta_leader"))
        assert not read_stat(f"/proc/{process.pid}").ended
        assert process.pid in find("meta_leader")


@pytest.mark.parametrize(
    ("path", "root", "seen"),
    [
        ("/usr/bin/a", "/", "/usr/bin/a"),
        ("/srv/jail/bin/a", "/srv/jail", "/bin/a"),
        ("/srv/jail", "/srv/jail", "/"),
        ("/srv/jailer/a", "/srv/jail", "/srv/jailer/a"),
        ("/memfd:a (deleted)", "/srv/jail", "/memfd:a (deleted)"),
        ("", "/srv/jail", ""),
    ],
)
def test_paths_below_another_root(path: str, root: str, seen: str) -> None:
    assert without_root(path, root) == seen


def test_finding_by_any_of_its_names(tmp_path: Path) -> None:
    # Unlike any other test's: they may run side by side.
    mark = f"m{os.getpid()}-{time.monotonic_ns() % 10**6}"
    program = tmp_path / f"{mark}-program-with-a-long-name"
    shutil.copy(compiled("meta_program"), program)
    with started([str(program)]) as (first, _):
        assert find(program.name) == [first.pid]
        assert find(program.name[:15]) == [first.pid]
        assert find(program.name[:14]) == []
        with target("meta_program", "argv0", f"/nowhere/{mark}-shown") as (second, _):
            assert find(f"{mark}-shown") == [second.pid]
        with target("meta_program", "name", f"{mark[:11]}-cm") as (third, _):
            assert find(f"{mark[:11]}-cm") == [third.pid]
    assert find(program.name) == []


def test_the_acquirer_itself_is_never_found() -> None:
    own = Path("/proc/self/comm").read_text().rstrip("\n")
    assert os.getpid() not in find(own)


def test_descendants() -> None:
    script = "sleep 1000 & sh -c 'sleep 1001 & echo ready; wait' & wait"
    with started(["sh", "-c", script]) as (process, _):
        until = time.monotonic() + 60
        while len(expected := psutil.Process(process.pid).children(recursive=True)) < 3:
            assert time.monotonic() < until
            time.sleep(0.01)
        found = children(process.pid)
        assert sorted(found) == sorted(child.pid for child in expected)
        for child in expected:
            if child.ppid() != process.pid:
                assert found.index(child.ppid()) < found.index(child.pid)
        leaf = next(child.pid for child in expected if not child.children())
        assert children(leaf) == []
