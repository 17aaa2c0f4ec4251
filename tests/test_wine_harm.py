"""Under Wine: whatever becomes of the acquirer, its target runs on."""

from __future__ import annotations

import fcntl
import json
import os
import random
import resource
import select
import signal
import subprocess
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from sampling import sampled
from windows.environment import Wine
from windows.targets import PATIENCE, Target, guardian_of, started, wait_for


@pytest.fixture(scope="module")
def target(wine: Wine) -> Iterator[Target]:
    with started(wine, wine.folder) as target:
        yield target


def held(wine: Wine, target: Target, *words: str) -> subprocess.Popen[bytes]:
    """An acquirer that holds its target: nobody reads what it writes."""
    # A busy machine may take longer to see that it stands still than the default bound lasts.
    bound = ("--max-freeze", "200")
    command = wine.msl("acquire", str(target.pid), "-o", "-", "--no-report", *bound, *words)
    acquirer = wine.start(command)
    assert acquirer.stdout is not None
    # What it writes first it writes when it has stopped the target.
    select.select([acquirer.stdout], [], [], PATIENCE)
    try:
        wait_for(lambda: acquirer.poll() is not None or target.stands_still(), "the stop")
    except AssertionError as error:
        acquirer.kill()
        raise AssertionError(f"{error}: {acquirer.communicate()[1].decode()}") from None
    assert acquirer.poll() is None, acquirer.communicate()
    return acquirer


def runs_on(target: Target) -> None:
    before = target.time()
    wait_for(lambda: target.time() > before, "the target's processor time", 30)
    assert target.ask().startswith("tick ")


METHODS = ("suspend", "threads")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_killed_acquirer(wine: Wine, target: Target, number: int, method: str) -> None:
    acquirer = held(wine, target, "--freeze", method)
    acquirer.send_signal(number)
    acquirer.communicate()
    runs_on(target)
    assert wait_for(lambda: not guardian_of(target.process.pid), "the guardian's end", 60)


@pytest.mark.parametrize("method", METHODS)
def test_killed_guardian(wine: Wine, target: Target, method: str) -> None:
    acquirer = held(wine, target, "--freeze", method)
    os.kill(guardian_of(acquirer.pid), signal.SIGKILL)
    runs_on(target)
    out, err = acquirer.communicate(timeout=240)
    assert acquirer.returncode == 0, err
    assert out.startswith(b"MEMSLICE")


def test_stopped_acquirer(wine: Wine, target: Target) -> None:
    """The bound holds though nobody is there who could keep it."""
    acquirer = held(wine, target, "--max-freeze", "15")
    acquirer.send_signal(signal.SIGSTOP)
    assert target.stands_still()
    runs_on(target)
    acquirer.kill()
    acquirer.communicate()


@pytest.mark.parametrize("method", METHODS)
def test_both_killed_and_resumed(wine: Wine, target: Target, method: str) -> None:
    acquirer = held(wine, target, "--freeze", method)
    guardian = guardian_of(acquirer.pid)
    acquirer.send_signal(signal.SIGSTOP)
    os.kill(guardian, signal.SIGKILL)
    acquirer.kill()
    acquirer.communicate()
    assert target.stands_still(1)
    done = wine.run(wine.msl("acquire", "--resume", str(target.pid)))
    assert done.returncode == 0
    assert done.stderr.decode() == f"msl: process {target.pid} was resumed\n"
    runs_on(target)
    done = wine.run(wine.msl("acquire", "--resume", str(target.pid)))
    # target.c has suspended one of its threads itself.
    said = "is not suspended (1 of its"
    assert said in done.stderr.decode()
    assert done.stderr.decode().endswith("threads are): nothing was done\n")


def test_full_disk(wine: Wine, target: Target) -> None:
    done = wine.run(wine.msl("acquire", str(target.pid), "-o", "/dev/full", "--no-report"))
    assert done.returncode == 4, done.stderr
    runs_on(target)


def test_reader_gone(wine: Wine, target: Target) -> None:
    with held(wine, target) as acquirer:
        assert acquirer.stdout is not None
        acquirer.stdout.close()
        assert acquirer.stderr is not None
        said = acquirer.stderr.read().decode()
        assert acquirer.wait(240) == 4, said
    assert "the output failed: Broken pipe" in said
    runs_on(target)


MOMENTS = int(os.environ.get("MSL_MOMENTS", "16"))
ENDS = ("acquirer", "guardian", "reader", "disk", "console")


@sampled()
@pytest.mark.parametrize("seed", range(MOMENTS))
def test_at_random_moments(wine: Wine, target: Target, seed: int, tmp_path: Path) -> None:
    """Acquirer or guardian killed, reader or console gone, disk full: the target runs on."""
    chance = random.Random(seed)
    method, end = METHODS[seed % 2], ENDS[seed // 2 % len(ENDS)]
    out = "-" if end == "reader" else str(tmp_path / "out.msl")
    words = ("acquire", str(target.pid), "-o", out, "--no-report", "--freeze", method)
    command = wine.msl(*words)
    if end == "console":
        with terminal() as console:
            acquirer = wine.start(command, terminal=console, before=own_terminal)
            some_time(acquirer, target, chance)
    else:
        room = chance.randrange(1 << 16, 32 << 20)
        acquirer = wine.start(command, before=(lambda: limit(room)) if end == "disk" else None)
        some_time(acquirer, target, chance)
        if end == "reader":
            acquirer.stdout.close()  # type: ignore[union-attr]
        elif end != "disk":
            victim = guardian_of(target.process.pid) if end == "guardian" else acquirer.pid
            with suppress(ProcessLookupError):
                os.kill(victim or acquirer.pid, signal.SIGKILL)
    # Not for the end of its pipes: of a guardian that is killed while it starts, Wine's console
    # host stays, and has them.
    acquirer.wait(240)
    for stream in (acquirer.stdin, acquirer.stdout, acquirer.stderr):
        if stream is not None:
            with suppress(OSError):
                stream.close()
    runs_on(target)
    wait_for(lambda: not guardian_of(target.process.pid), "the guardian's end", 60)


def some_time(acquirer: subprocess.Popen[bytes], target: Target, chance: random.Random) -> None:
    """Until a moment that nobody has chosen, of the acquisition or while it still starts."""
    if chance.random() < 0.8:
        wait_for(
            lambda: guardian_of(target.process.pid) or acquirer.poll() is not None, "a guardian"
        )
    end = time.monotonic() + chance.uniform(0, 2)
    while (left := end - time.monotonic()) > 0:
        if acquirer.stdout is None or not select.select([acquirer.stdout], [], [], left)[0]:
            time.sleep(max(0, end - time.monotonic()))
        elif not os.read(acquirer.stdout.fileno(), 1 << 20):
            break


@contextmanager
def terminal() -> Iterator[int]:
    """One that is gone afterwards."""
    ours, theirs = os.openpty()
    try:
        yield theirs
    finally:
        os.close(theirs)
        os.close(ours)


def own_terminal() -> None:
    """Make stdin the terminal that this session hangs on."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def limit(size: int) -> None:
    """No file of this process grows larger."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def test_every_file_is_its_owners(wine: Wine, target: Target, tmp_path: Path) -> None:
    done = wine.run(wine.msl("acquire", str(target.pid), "-o", str(tmp_path / "a.msl")))
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "a.msl.report.json").read_text())
    assert report["status"] == "complete"
    assert report["freeze"]["guardian"]
    assert report["freeze"]["held_by"] == "suspend_process"
    for name in ("a.msl", "a.msl.report.json"):
        # Wine shows administrators, who can take any file, as the group.
        assert (tmp_path / name).stat().st_mode & 0o007 == 0
