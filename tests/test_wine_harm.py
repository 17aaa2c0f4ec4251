"""Under Wine: whatever becomes of the acquirer, its target runs on."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from sampling import sampled
from windows.environment import Wine
from windows.targets import Target, guardian_of, started, wait_for


@pytest.fixture(scope="module")
def target(wine: Wine) -> Iterator[Target]:
    with started(wine, wine.folder) as target:
        yield target


def held(wine: Wine, target: Target, *words: str) -> subprocess.Popen[bytes]:
    """An acquirer that holds its target: nobody reads what it writes."""
    command = wine.msl("acquire", str(target.pid), "-o", "-", "--no-report", *words)
    acquirer = wine.start(command)
    wait_for(lambda: acquirer.poll() is not None or target.stands_still(), "the stop")
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
    acquirer = held(wine, target, "--max-freeze", "5")
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


@sampled()
@pytest.mark.parametrize("seed", range(16))
def test_killed_at_random_moments(wine: Wine, target: Target, seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    how = ("--freeze", chance.choice(METHODS))
    command = wine.msl("acquire", str(target.pid), "-o", str(tmp_path / "out.msl"), *how)
    acquirer = wine.start(command)
    if chance.random() < 0.7:  # else while it still starts
        wait_for(
            lambda: guardian_of(target.process.pid) or acquirer.poll() is not None, "a guardian"
        )
    time.sleep(chance.uniform(0, 1.5))
    victims = [acquirer.pid, guardian_of(acquirer.pid)]
    victim = chance.choice([pid for pid in victims if pid])
    with suppress(ProcessLookupError):
        os.kill(victim, signal.SIGKILL)
    if victim != acquirer.pid:
        assert acquirer.wait(240) in (0, 4, 6)
    acquirer.communicate()
    runs_on(target)


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
