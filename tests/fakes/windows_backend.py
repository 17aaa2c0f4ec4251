"""Fixtures of the backend on a fake of Windows' libraries; each module has a `fake` of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from msl_acquire.windows import Windows
from msl_acquire.windows.calls import WindowsSystem
from msl_acquire.windows.target import WindowsTarget

from .windows import FakeWindows

__all__ = ["checked", "system", "target"]


@contextmanager
def checked(fake: FakeWindows) -> Iterator[FakeWindows]:
    """A Windows: whatever was opened must have been closed in the end, and no copy be left."""
    yield fake
    assert fake.handles == {}
    assert fake.bad_arguments == []
    assert fake.guards_raised == []
    assert fake.ended_copies == set(fake.copies)


@pytest.fixture
def system(fake: FakeWindows, monkeypatch: pytest.MonkeyPatch) -> WindowsSystem:
    # Who is asked for the name of an account answers; on a busy machine that may take its time.
    monkeypatch.setattr("msl_acquire.windows.credentials._PATIENCE", 60.0)
    return WindowsSystem(lambda _: fake, fake.last_error)


@pytest.fixture
def target(system: WindowsSystem, fake: FakeWindows) -> Iterator[WindowsTarget]:
    target = Windows(system).target(fake.pid)
    yield target
    target.close()
