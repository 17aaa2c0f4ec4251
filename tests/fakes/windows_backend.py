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
def system(fake: FakeWindows) -> WindowsSystem:
    return WindowsSystem(lambda _: fake, fake.last_error)


@pytest.fixture
def target(system: WindowsSystem, fake: FakeWindows) -> Iterator[WindowsTarget]:
    target = Windows(system).target(fake.pid)
    yield target
    target.close()
