"""Running a command as the user nobody."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from acquiring import environment
from commands import COMMAND


@contextlib.contextmanager
def as_nobody() -> Iterator[tuple[list[str], Path]]:
    """How to run a command as the user nobody, and a folder that everybody may write to."""
    scope = Path("/proc/sys/kernel/yama/ptrace_scope")
    if scope.exists() and scope.read_text().strip() != "0":
        pytest.skip(f"needs {scope} to be 0")
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        pytest.skip("needs setpriv")
    prefix = [setpriv, "--reuid=65534", "--regid=65534", "--clear-groups"]
    with tempfile.TemporaryDirectory() as place:
        os.chmod(place, 0o777)
        tried = subprocess.run(
            [*prefix, *COMMAND, "--version"], capture_output=True, env=environment(), check=False
        )
        if tried.returncode:
            pytest.skip("needs the package to be readable by everybody")
        yield prefix, Path(place)
