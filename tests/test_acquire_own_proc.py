"""A /proc that shows other processes than the system's calls reach: refused, nobody is touched."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from acquire_targets import started
from acquiring import PATIENCE, as_found, command, environment, linux_only, root_only
from sampling import sampled

pytestmark = [linux_only, root_only]

METHODS = ("ptrace", "sigstop", "cgroup", "none")
PRIVATE = ["unshare", "--mount", "--propagation", "private"]


@pytest.fixture(name="pair", scope="module")
def two_processes_that_sleep() -> Iterator[tuple[int, int]]:
    with started(["sleep", "1000"], "") as (one, _), started(["sleep", "1000"], "") as (two, _):
        yield one.pid, two.pid
        for process in (one, two):
            assert process.poll() is None
            as_found(process.pid)


def within(
    prefix: list[str], script: str, arguments: list[str]
) -> subprocess.CompletedProcess[str]:
    """Run a shell script in namespaces of its own; `"$@"` in it is `arguments`."""
    if not shutil.which("unshare"):
        pytest.skip("needs unshare")
    probe = subprocess.run([*prefix, "true"], capture_output=True, check=False)
    if probe.returncode:
        pytest.skip(f"needs to be allowed {' '.join(prefix)}: {probe.stderr!r}")
    return subprocess.run(
        [*prefix, "sh", "-c", script, "sh", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=environment(),
        timeout=PATIENCE,
        check=False,
    )


def refused(done: subprocess.CompletedProcess[str], out: Path, *said: str) -> None:
    """One clear refusal, and nothing written."""
    assert done.returncode == 6, (done.returncode, done.stdout, done.stderr)
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    for text in said:
        assert text in lines[0]
    assert not out.exists()
    assert not out.with_name(out.name + ".report.json").exists()


LAID_OVER = {
    "an empty file system on its folder": "mount -t tmpfs none /proc/{target}",
    "another process's folder on its folder": "mount --bind /proc/{other} /proc/{target}",
    "another process's memory on its memory": "mount --bind /proc/{other}/mem /proc/{target}/mem",
    "a file on its mappings": "mount --bind /etc/passwd /proc/{target}/maps",
    "another's threads on its threads": "mount --bind /proc/{other}/task /proc/{target}/task",
    "another's environment on its own": (
        "mount --bind /proc/{other}/environ /proc/{target}/environ"
    ),
    "another's folder on that of one of its threads": (
        "mount --bind /proc/{other}/task/{other} /proc/{target}/task/{target}"
    ),
}


@sampled()
@pytest.mark.parametrize("what", LAID_OVER)
def test_something_lies_over_the_target(what: str, pair: tuple[int, int], tmp_path: Path) -> None:
    out = tmp_path / "out.msl"
    setup = LAID_OVER[what].format(target=pair[0], other=pair[1])
    for method in ("ptrace", "none"):
        words = command(pair[0], "-o", out, "--freeze", method)
        done = within(PRIVATE, f'{setup} && exec "$@"', words)
        refused(done, out, f"something is mounted over /proc/{pair[0]}", "umount")
    # What it says helps.
    undone = f"{setup} && mount -t proc proc /proc"
    done = within(PRIVATE, f'{undone} && exec "$@"', command(pair[0], "-o", out))
    assert done.returncode == 0, done.stderr


NOT_PROC = {
    "an empty file system": "mount -t tmpfs none /proc",
    "a folder": "mkdir /run/ours && mount --bind /run/ours /proc",
    "nothing is mounted": "umount -l /proc",
    "only a list of numbers": "mount -t tmpfs none /proc && mkdir /proc/self /proc/{target}",
}


@sampled()
@pytest.mark.parametrize("what", NOT_PROC)
def test_it_is_not_the_kernels(what: str, pair: tuple[int, int], tmp_path: Path) -> None:
    out = tmp_path / "out.msl"
    setup = f"mount -t tmpfs none /run && {NOT_PROC[what].format(target=pair[0])}"
    for who in (str(pair[0]), "sleep"):
        done = within(PRIVATE, f'{setup}; exec "$@"', command(who, "-o", out))
        refused(done, out, "/proc is not the kernel's", "mount -t proc proc /proc")
    done = within(
        PRIVATE, f'{setup}; mount -t proc proc /proc && exec "$@"', command(pair[0], "-o", out)
    )
    assert done.returncode == 0, done.stderr


@sampled()
@pytest.mark.parametrize("method", METHODS)
def test_it_is_of_another_namespace(method: str, pair: tuple[int, int], tmp_path: Path) -> None:
    """The same number is another process here and there."""
    out = tmp_path / "out.msl"
    prefix = ["unshare", "--pid", "--fork", "--kill-child"]
    own = "/proc/sys/kernel/ns_last_pid"
    setup = f"""
        echo $(({pair[0]} - 1)) > {own} || exit 77
        sleep 1000 & bystander=$!
        [ $bystander = {pair[0]} ] || exit 78
        "$@"; code=$?
        kill -0 $bystander || exit 79
        exit $code
    """
    done = within(prefix, setup, command(pair[0], "-o", out, "--freeze", method))
    if done.returncode in (77, 78):
        pytest.skip("needs numbers of processes that can be chosen")
    refused(done, out, "/proc is that of another PID namespace", "mount -t proc proc /proc")


def test_by_name_it_is_refused_in_the_same_way(pair: tuple[int, int], tmp_path: Path) -> None:
    out = tmp_path / "out.msl"
    done = within(
        ["unshare", "--pid", "--fork", "--kill-child"], '"$@"', command("sleep", "-o", out)
    )
    refused(done, out, "/proc is that of another PID namespace")


def test_its_remedy_helps(tmp_path: Path) -> None:
    """The very words of the message, in the place where it was said."""
    out = tmp_path / "out.msl"
    prefix = ["unshare", "--pid", "--fork", "--kill-child"]
    script = 'sleep 1000 & exec "$@"'
    first = within(prefix, script, command("2", "-o", out))
    found = re.search(r"unshare --mount sh -c '([^']*)'", first.stderr)
    assert found, first.stderr
    remedy = found[1].replace("msl acquire …", shlex.join(command("2", "-o", out)))
    done = within(prefix, script, ["unshare", "--mount", "sh", "-c", remedy])
    assert done.returncode == 0, done.stderr
    assert out.exists()


def test_a_proc_of_a_namespace_below(pair: tuple[int, int], tmp_path: Path) -> None:
    """The acquirer itself does not exist there."""
    out = tmp_path / "out.msl"
    inside = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "sleep", "1000"]
    with started(inside, "") as (holder, _):
        child = Path(f"/proc/{holder.pid}/task/{holder.pid}/children")
        while not child.read_text().split():
            pass
        first = child.read_text().split()[0]
        while Path(f"/proc/{first}/comm").read_text() != "sleep\n":
            pass
        done = within(
            [*PRIVATE, "nsenter", f"--mount=/proc/{first}/ns/mnt"],
            'exec "$@"',
            command(1, "-o", out),
        )
        refused(done, out, "/proc is that of another PID namespace")


def test_whoever_we_start_is_in_another_namespace(pair: tuple[int, int], tmp_path: Path) -> None:
    out = tmp_path / "out.msl"
    words = command(pair[0], "-o", out, "--freeze", "sigstop")
    done = within(["unshare", "--pid"], 'exec "$@"', words)
    refused(done, out, "is in another PID namespace than this program itself", "--fork")


def test_our_own_folder_is_covered(pair: tuple[int, int], tmp_path: Path) -> None:
    out = tmp_path / "out.msl"
    for setup in ("mount --bind /proc/1 /proc/$$", "mount -t tmpfs none /proc/$$"):
        done = within(PRIVATE, f'{setup} && exec "$@"', command(pair[0], "-o", out))
        refused(done, out, "something is mounted over /proc/")


def test_hidden(pair: tuple[int, int]) -> None:
    """It is there and not shown, which is not the same as not being there."""
    if not shutil.which("setpriv"):
        pytest.skip("needs setpriv")
    user = "setpriv --reuid=65534 --regid=65534 --clear-groups"
    mounted = "mount -t proc -o hidepid=2 proc /proc"
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o777)
        out = Path(place) / "out.msl"
        script = f'{mounted} && exec {user} "$@"'
        done = within(PRIVATE, script, command(pair[0], "-o", out))
        if done.returncode not in (6, 70):
            pytest.skip(f"needs a Python that everybody may run: {done.stderr}")
        refused(done, out, f"process {pair[0]} is there", "hidepid", "run as root")
        done = within(PRIVATE, script, command(4194304, "-o", out))
        refused(done, out, "there is no process 4194304")
        # What it says helps, either way.
        done = within(PRIVATE, f'{mounted} && exec "$@"', command(pair[0], "-o", out))
        assert done.returncode == 0, done.stderr
        again = f'{mounted} && mount -o remount,hidepid=0 /proc && exec {user} "$@"'
        done = within(PRIVATE, again, command(pair[0], "-o", f"{out}2"))
        refused(done, Path(f"{out}2"), "belongs to user 0")


def test_a_proc_without_anything_else_will_do(pair: tuple[int, int], tmp_path: Path) -> None:
    """Where only processes are shown (a container may have it so)."""
    out = tmp_path / "out.msl"
    script = 'mount -t proc -o subset=pid proc /proc || exit 77; exec "$@"'
    done = within(PRIVATE, script, command(pair[0], "-o", out))
    if done.returncode == 77:
        pytest.skip("needs Linux 5.8")
    assert done.returncode == 0, done.stderr
