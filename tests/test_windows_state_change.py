"""The newest way of stopping a Windows process, which Wine 8 lacks, and what stands behind it."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import pytest

from msl_acquire.windows.guardian_calls import ProcessSystem

TARGET, HELD = 0x44, 0x55
REFUSED = 0xC000_0022 - (1 << 32)  # STATUS_ACCESS_DENIED
SUSPEND, RESUME = 0, 1  # PROCESS_STATE_CHANGE_TYPE


class Ntdll:
    """The native calls, and what a kernel makes of them: a stop ends with its last handle."""

    def __init__(self) -> None:
        self.created = self.changed = 0
        self.resumed = 0
        self.handles: set[int] = set()
        self.by_handle = False
        self.count = 0
        for function in (
            *(self._NtSuspendProcess, self._NtResumeProcess, self._NtClose),
            *(self._NtCreateProcessStateChange, self._NtChangeProcessState),
        ):
            setattr(self, function.__name__[1:], _callable(function))

    def stands_still(self) -> bool:
        return self.by_handle or self.count > 0

    def _NtSuspendProcess(self, process: Any) -> int:
        assert process.value == TARGET
        self.count += 1
        return 0

    def _NtResumeProcess(self, process: Any) -> int:
        assert process.value == TARGET
        self.count -= 1
        return 0

    def _NtCreateProcessStateChange(
        self, into: Any, access: int, attributes: Any, process: Any, reserved: int
    ) -> int:
        assert (access, attributes, process.value, reserved) == (0x0200_0000, None, TARGET, 0)
        if self.created < 0:
            return self.created
        self.handles.add(HELD)
        into._obj.value = HELD
        return 0

    def _NtChangeProcessState(
        self, held: Any, process: Any, change: int, extended: Any, length: int, reserved: int
    ) -> int:
        assert held.value in self.handles
        assert (process.value, extended, length, reserved) == (TARGET, None, 0, 0)
        status = self.changed if change == SUSPEND else self.resumed
        if status >= 0:
            assert self.by_handle == (change == RESUME)
            self.by_handle = change == SUSPEND
        return status

    def _NtClose(self, handle: Any) -> int:
        self.handles.remove(handle.value)
        self.by_handle = False
        return 0


def _callable(function: Callable[..., int]) -> Callable[..., int]:
    """One that takes a prototype, as those of ctypes do."""
    return lambda *arguments: function(*arguments)


@pytest.fixture
def ntdll(monkeypatch: pytest.MonkeyPatch) -> Ntdll:
    ntdll = Ntdll()
    monkeypatch.setattr(ctypes, "WinDLL", lambda _: ntdll, raising=False)
    return ntdll


def test_a_stop_that_ends_with_its_holder(ntdll: Ntdll) -> None:
    calls = ProcessSystem(TARGET)
    for _ in range(2):
        assert calls.suspend() == 0
        assert (calls.way, ntdll.by_handle, ntdll.count) == ("state_change", True, 0)
        assert calls.resume() == 0
        assert not ntdll.stands_still()
        assert not ntdll.handles


def test_that_can_not_be_changed_back(ntdll: Ntdll) -> None:
    """Closing its handle ends it."""
    ntdll.resumed = REFUSED
    calls = ProcessSystem(TARGET)
    assert calls.suspend() == 0
    assert calls.resume() == 0
    assert not ntdll.stands_still()


@pytest.mark.parametrize("refused", ["created", "changed", "lacking"])
def test_where_that_is_refused(ntdll: Ntdll, refused: str) -> None:
    if refused == "lacking":
        del ntdll.NtChangeProcessState
    else:
        setattr(ntdll, refused, REFUSED)
    calls = ProcessSystem(TARGET)
    assert calls.suspend() == 0
    assert (calls.way, ntdll.by_handle, ntdll.count) == ("suspend_process", False, 1)
    assert not ntdll.handles
    assert calls.resume() == 0
    assert not ntdll.stands_still()
