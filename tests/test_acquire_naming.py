"""Targets as people name them: all of a name, a container's, a unit's, and what they started."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from acquire_targets import Running, compiled, started
from acquiring import Dump, acquire, as_found, command, environment, linux_only, root_only
from sampling import sampled

pytestmark = linux_only

from msl_acquire.linux.find import members  # noqa: E402

_HIERARCHIES = ("/sys/fs/cgroup/unified", "/sys/fs/cgroup", "/sys/fs/cgroup/pids")


def unique() -> str:
    """A name that nobody else has; 15 bytes are what Linux keeps."""
    return "m" + uuid.uuid4().hex[:12]


@contextlib.contextmanager
def named(name: str, place: Path) -> Iterator[Running]:
    program = place / name
    if not program.exists():
        shutil.copy(compiled("e2e_idle"), program)
    with started([str(program)]) as (process, _):
        yield process


@contextlib.contextmanager
def grouped(path: str, *pids: int) -> Iterator[None]:
    """Move processes into a control group, in whatever hierarchy there is one to be made."""
    for hierarchy in _HIERARCHIES:
        procs = Path(hierarchy, "cgroup.procs")
        if not procs.exists() or not os.access(hierarchy, os.W_OK):
            continue
        folder = Path(hierarchy, path)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for pid in pids:
                (folder / "cgroup.procs").write_text(str(pid))
        except OSError:
            continue
        try:
            yield
        finally:
            for pid in pids:
                with contextlib.suppress(OSError):
                    procs.write_text(str(pid))
            while folder != Path(hierarchy):
                with contextlib.suppress(OSError):
                    folder.rmdir()
                folder = folder.parent
        return
    pytest.skip("needs a control group in which it can make others")


def line_of(done: subprocess.CompletedProcess[bytes]) -> str:
    (line,) = done.stderr.decode().strip().splitlines()
    return line


def dumped(place: Path) -> set[int]:
    return {int(Dump(path).header["pid"]) for path in place.glob("*.msl")}


# --- names -----------------------------------------------------------------------------------


def test_several_of_a_name_are_shown_and_the_remedy_takes_them(tmp_path: Path) -> None:
    name, place = unique(), tmp_path / "dumps"
    with named(name, tmp_path) as one, named(name, tmp_path) as two:
        text = line_of(acquire(name, "-o", tmp_path / "out.msl", code=6))
        for pid in (one.pid, two.pid):
            assert f"{pid} (" in text
        assert f"{tmp_path / name}" in text or f"{tmp_path}"[:30] in text, "what they are"
        assert time.strftime("since %Y-") in text
        assert f"--all-of {name}" in text
        acquire("--all-of", name, "-o", f"{place}/")
        for process in (one, two):
            as_found(process.pid)
        assert dumped(place) == {one.pid, two.pid}


def test_all_of_one_is_named_as_if_there_were_more(tmp_path: Path) -> None:
    """So that a script finds it, however many there are that day."""
    name = unique()
    with named(name, tmp_path) as one:
        acquire("--all-of", name, "-o", tmp_path / "out.msl", "--no-report")
        assert {path.name for path in tmp_path.glob("*.msl")} == {f"out-{one.pid}.msl"}


def test_several_names_at_once_each_process_once(tmp_path: Path) -> None:
    first, second, place = unique(), unique(), tmp_path / "dumps"
    with named(first, tmp_path) as one, named(second, tmp_path) as two:
        words = ["--all-of", first, "--all-of", second, "--all-of", first, one.pid]
        acquire(*words, "-o", f"{place}/")
        assert dumped(place) == {one.pid, two.pid}


@pytest.mark.parametrize("name", ["١", "１", "1²"])
def test_digits_of_other_scripts_are_a_name(name: str) -> None:
    done = acquire(name, "--dry-run", code=6)  # whoever takes it for process 1 touches nobody
    assert f"is called '{name}'" in line_of(done)


def test_nobody_of_a_name(tmp_path: Path) -> None:
    text = line_of(acquire("--all-of", unique(), "-o", f"{tmp_path}/", code=6))
    assert "no process is called" in text
    assert "ps" in text
    assert not list(tmp_path.iterdir())


def test_nothing_is_named() -> None:
    done = subprocess.run(
        command("-o", "out.msl"), capture_output=True, env=environment(), check=False
    )
    assert done.returncode == 2
    assert b"--all-of" in done.stderr


def test_zombies_and_threads_of_the_kernel_are_left_out_by_name(tmp_path: Path) -> None:
    name, place = unique(), tmp_path / "dumps"
    shutil.copy(compiled("e2e_idle"), tmp_path / name)
    dead = subprocess.Popen([str(tmp_path / name)], stdout=subprocess.DEVNULL)
    try:
        while Path(f"/proc/{dead.pid}/comm").read_text() != f"{name}\n":
            time.sleep(0.001)
        os.kill(dead.pid, signal.SIGKILL)
        while ") Z " not in Path(f"/proc/{dead.pid}/stat").read_text():
            time.sleep(0.001)
        text = line_of(acquire("--all-of", name, "-o", f"{place}/", code=6))
        assert f"{dead.pid} is a zombie" in text
        with named(name, tmp_path) as living:
            done = acquire("--all-of", name, "-o", f"{place}/")
            assert f"process {dead.pid} is a zombie" in done.stderr.decode()
            assert dumped(place) == {living.pid}
    finally:
        dead.kill()
        dead.wait()
    if Path("/proc/2/comm").read_text() == "kthreadd\n":
        text = line_of(acquire("--all-of", "kthreadd", "-o", f"{place}/", code=6))
        assert "2 is a thread of the kernel" in text


def test_the_acquirer_is_none_of_its_targets(tmp_path: Path) -> None:
    """Named by the name that it has itself, and asked for the children of its parent."""
    place = tmp_path / "dumps"
    script = (
        f'sleep 1000 & other=$!; "$@" --children $$ -o {place}/; code=$?; kill $other; exit $code'
    )
    done = subprocess.run(
        ["sh", "-c", script, "sh", *command()],
        capture_output=True,
        env=environment(),
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = [Dump(path) for path in place.glob("*.msl")]
    paths = {Path(dump.payload(dump.of("process_identity")[0])["exe_path"]).name for dump in found}
    assert len(found) == 2, paths
    assert "sleep" in paths
    assert not any("python" in path for path in paths)


# --- control groups --------------------------------------------------------------------------

SHARED = uuid.uuid4().hex[:11]
"""Nobody else's: others may run this beside us, and control groups are the machine's."""
ONE, TWO = f"{SHARED}d{'0' * 52}", f"{SHARED}e{'1' * 52}"


@root_only
@sampled()
@pytest.mark.parametrize(
    "path",
    [
        "docker/{one}",
        "system.slice/docker-{one}.scope",
        "machine.slice/libpod-{one}.scope/container",
        "kubepods.slice/kubepods-burstable.slice/cri-containerd-{one}.scope",
        "kubepods/besteffort/pod6f1c/{one}",
        "docker/{two}/docker/{one}",
    ],
)
def test_a_container(path: str, tmp_path: Path) -> None:
    place = tmp_path / "dumps"
    path = path.format(one=ONE, two=TWO)
    with (
        started(["sleep", "1000"], "") as (one, _),
        started(["sleep", "1000"], "") as (two, _),
        started(["sleep", "1000"], "") as (outside, _),
        grouped(path, one.pid, two.pid),
    ):
        for name in (ONE, ONE[:20], ONE[:12]):
            assert members("container", name) == sorted((one.pid, two.pid))
        acquire("--container", ONE[:12], "-o", f"{place}/")
        assert dumped(place) == {one.pid, two.pid}
        assert outside.poll() is None


@root_only
def test_a_beginning_that_two_containers_share(tmp_path: Path) -> None:
    with (
        started(["sleep", "1000"], "") as (one, _),
        started(["sleep", "1000"], "") as (two, _),
        grouped(f"docker/{ONE}", one.pid),
        grouped(f"docker/{TWO}", two.pid),
    ):
        text = line_of(acquire("--container", SHARED, "-o", f"{tmp_path}/", code=6))
        assert ONE in text
        assert TWO in text
        assert members("container", TWO[:12]) == [two.pid]


def test_no_such_container(tmp_path: Path) -> None:
    text = line_of(acquire("--container", "f" * 64, "-o", f"{tmp_path}/", code=6))
    assert "no process is in container" in text
    assert "docker ps" in text


@root_only
@sampled()
@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("system.slice/{}.service", ("{}", "{}.service")),
        ("system.slice/system-{}.slice/{}@1.service", ("{}@1",)),
        ("user.slice/user-7.slice/user@7.service/app.slice/{}.service/sub", ("{}",)),
        ("user.slice/user-7.slice/{}.scope", ("{}.scope",)),
    ],
)
def test_a_unit(path: str, names: tuple[str, ...], tmp_path: Path) -> None:
    place, unit = tmp_path / "dumps", unique()
    path = path.replace("{}", unit)
    with (
        started(["sleep", "1000"], "") as (one, _),
        started(["sleep", "1000"], "") as (two, _),
        grouped(path, one.pid, two.pid),
    ):
        for name in names:
            assert members("unit", name.format(unit)) == sorted((one.pid, two.pid))
        assert members("unit", unit[:-1]) == []
        acquire("--unit", names[0].format(unit), "-o", f"{place}/")
        assert dumped(place) == {one.pid, two.pid}


def test_no_such_unit(tmp_path: Path) -> None:
    text = line_of(acquire("--unit", unique(), "-o", f"{tmp_path}/", code=6))
    assert "no process belongs to unit" in text
    assert "systemctl" in text
