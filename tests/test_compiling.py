"""Test modules are compiled before a run's processes want them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import compiling
import pytest


def test_what_is_missing_is_compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiling, "FEW", 0)
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path / "kept"))
    monkeypatch.setenv("PYTHONPYCACHEPREFIX", str(tmp_path / "kept"))
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    monkeypatch.setenv("PYTEST_ADDOPTS", f"--junitxml={tmp_path}/of-the-run.xml")
    texts = {"one": "assert 1", "two": "assert 2", "wrong": "assert ("}
    modules = [tmp_path / f"test_{name}.py" for name in texts]
    for path, text in zip(modules, texts.values(), strict=True):
        path.write_text(f"def test_it():\n    {text}\n", "utf-8")
    assert compiling.not_compiled(modules) == modules
    compiling.compile_once(modules, 2)
    assert compiling.not_compiled(modules) == modules[2:]
    assert not (tmp_path / "of-the-run.xml").exists()

    later = modules[0].stat().st_mtime + 3600
    os.utime(modules[0], (later, later))
    assert compiling.not_compiled(modules) == [modules[0], modules[2]]
