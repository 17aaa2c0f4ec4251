"""Control groups of a test's own; whatever can't be made skips the test, by name."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

_ROOT = Path("/sys/fs/cgroup")


class ControlGroup:
    """One control group, of one controller.

    Attributes:
        version: 1 or 2.
        path: its folder.
    """

    def __init__(self, version: int, path: Path) -> None:
        self.version = version
        self.path = path

    def limit(self, name: str, value: int) -> Path:
        """Set a limit; its file."""
        file = self.path / name
        file.write_text(str(value))
        return file

    def number(self, name: str) -> int:
        return int((self.path / name).read_text())

    def enter(self) -> Callable[[], None]:
        """What a child has to do to be in it, before it executes anything."""
        place = str(self.path / "cgroup.procs")

        def enter() -> None:
            descriptor = os.open(place, os.O_WRONLY)
            os.write(descriptor, b"0")
            os.close(descriptor)

        return enter

    def take(self, pid: int) -> None:
        (self.path / "cgroup.procs").write_text(str(pid))


def _made(version: int, controller: str, name: str) -> Path:
    if version == 1:
        parent = _ROOT / controller
        if not (parent / "cgroup.procs").exists():
            pytest.skip(f"needs the control groups of version 1 ({controller})")
    else:
        for parent in (_ROOT / "unified", _ROOT):
            try:
                if controller in (parent / "cgroup.controllers").read_text().split():
                    break
            except OSError:
                continue
        else:
            pytest.skip(f"needs the control groups of version 2 ({controller})")
        with contextlib.suppress(OSError):
            (parent / "cgroup.subtree_control").write_text(f"+{controller}")
    path = parent / name
    try:
        path.mkdir()
    except OSError as error:
        pytest.skip(f"no control group can be made in {parent}: {error}")
    return path


@contextlib.contextmanager
def control_group(version: int, controller: str) -> Iterator[ControlGroup]:
    """A control group that goes, with whatever is in it, at the end of the with block."""
    path = _made(version, controller, f"msl-test-{os.getpid()}-{time.monotonic_ns():x}")
    try:
        if version == 2 and not (path / f"{controller}.max").exists():
            pytest.skip(f"{controller} is not passed on to groups of version 2 here")
        yield ControlGroup(version, path)
    finally:
        until = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError):
                for pid in (path / "cgroup.procs").read_text().split():
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(int(pid), signal.SIGKILL)
            try:
                path.rmdir()
                break
            except OSError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.01)
