"""Running the commands as processes, and files of every fate to run them on."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from forking import CAN_FORK, Server
from independent import wire
from independent.specimens import LE10, LE11, capture

PLACE = Path(__file__).parents[1]
COMMAND = [sys.executable, "-m", "msl_construct"]
PATIENCE = 120.0


@cache
def _server() -> Server:
    return Server({**os.environ, "PYTHONPATH": str(PLACE)})


def run(
    *arguments: Any, data: bytes = b"", folder: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[bytes]:
    """Run a command to its end: a new interpreter only if that is told something of its own."""
    words = list(map(str, arguments))
    variables = {**os.environ, "PYTHONPATH": str(PLACE), **environment}
    if CAN_FORK and not any(name.startswith(("PYTHON", "LANG", "LC_")) for name in environment):
        return _server().run(
            [COMMAND[-1], *words],
            data=data,
            folder=folder or Path.cwd(),
            environment=variables,
            seconds=PATIENCE,
        )
    return subprocess.run(
        [*COMMAND, *words],
        input=data,
        capture_output=True,
        cwd=folder,
        env=variables,
        timeout=PATIENCE,
    )


def one_line(raw: bytes) -> str:
    """The single line that stderr must hold."""
    text = raw.decode()
    assert text.endswith("\n"), text
    assert text.count("\n") == 1, text
    assert text.startswith("msl: ")
    assert "Traceback" not in text
    return text


@pytest.fixture(name="files")
def files_of_every_fate(tmp_path: Path) -> dict[str, Path]:
    """Small files of every fate."""
    whole = capture(LE10).data()
    broken = bytearray(whole)
    broken[64 + 80 + 30] ^= 1
    segments = capture(LE11)
    segments.add(wire.KEY_HINT, wire.key_hint("<"))
    segments.end_segment()
    encrypted = wire.file_header(
        version=wire.V11, flags=4, header_size=128, extension=wire.encryption_extension()
    )
    contents = {
        "whole": whole,
        "segments": segments.data(),
        "broken": bytes(broken),
        "no-end": capture(LE10, end=False).data(),
        "cut": whole[:-9],
        "trailing": whole + b"tail",
        "encrypted": encrypted + bytes(300),
        "not": b"#!/bin/sh\necho this is no dump\n" * 10,
        "empty": b"",
        "short": whole[:40],
        "version": whole[:10] + b"\0\2" + whole[12:],
    }
    for name, data in contents.items():
        (tmp_path / f"{name}.msl").write_bytes(data)
    return {name: tmp_path / f"{name}.msl" for name in contents}
