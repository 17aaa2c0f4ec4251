"""``python -m msl_acquire.trial``: what it tries works here, and what it prints names nobody."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest
from windows.environment import Wine

METHODS = {"suspend", "none"} if sys.platform == "win32" else {"ptrace", "none"}


def held(summary: dict[str, object], said: str, methods: set[str]) -> None:
    assert summary["passed"], said
    rows = summary["rows"]
    assert isinstance(rows, list)
    tried = [row["tried"] for row in rows]
    assert {f"acquire, {method}" for method in methods} <= set(tried)
    assert tried.count("kill an acquirer") == 3
    assert all(row["stood_still"] for row in rows if row["tried"] == "kill an acquirer")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_here(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "msl_acquire.trial"],
        capture_output=True,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        timeout=300,
    )
    summary = json.loads(done.stdout)
    held(summary, done.stdout + done.stderr, METHODS)
    assert done.returncode == 0
    for secret in (str(tmp_path), platform.node(), str(Path.home())):
        assert secret not in done.stdout


@pytest.mark.parametrize(("word", "code"), [("--help", 0), ("4242", 2)])
def test_nothing_is_tried_on_whom_it_is_told(word: str, code: int) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "msl_acquire.trial", word],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == code
    assert "usage: python -m msl_acquire.trial" in done.stdout + done.stderr


def test_under_wine(wine: Wine) -> None:
    done = wine.run(wine.python("-m", "msl_acquire.trial"), seconds=600)
    summary = json.loads(done.stdout)
    held(summary, done.stdout.decode() + done.stderr.decode(), {"suspend", "none"})
    assert done.returncode == 0
    assert str(wine.folder).encode() not in done.stdout
