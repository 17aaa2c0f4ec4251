"""Tokens: what this process may do, and on whose behalf another runs."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from ...plain_target import CallFailed
from .. import structures as win
from .base import BOOL, DWORD, HANDLE, POINTER, Prototypes
from .processes import ProcessCalls

__all__ = ["TokenCalls"]

_TOKEN_QUERY = 0x08
_TOKEN_ADJUST_PRIVILEGES_AND_QUERY = 0x28
_SE_PRIVILEGE_ENABLED = 2
_LONGEST_ACCOUNT = 1024
_LARGEST_ANSWER = 1 << 20


class TokenCalls(ProcessCalls):
    """Privileges and accounts."""

    REQUIRED: ClassVar[Prototypes] = {
        "advapi32": {
            "AdjustTokenPrivileges": (BOOL, (HANDLE, BOOL, POINTER, DWORD, POINTER, POINTER)),
            "LookupPrivilegeValueW": (BOOL, (POINTER, POINTER, POINTER)),
            "OpenProcessToken": (BOOL, (HANDLE, DWORD, POINTER)),
        },
    }
    OPTIONAL: ClassVar[Prototypes] = {
        "advapi32": {
            "GetTokenInformation": (BOOL, (HANDLE, DWORD, POINTER, DWORD, POINTER)),
            "LookupAccountSidW": (BOOL, (*(POINTER,) * 7,)),
            "LookupPrivilegeNameW": (BOOL, (POINTER, POINTER, POINTER, POINTER)),
        },
    }

    def __init__(self, library: Callable[[str], Any], last_error: Callable[[], int]) -> None:
        super().__init__(library, last_error)
        self._privilege_lock = threading.Lock()
        self._privilege_users = 0
        self._privileged = self._privilege_before = False

    @contextmanager
    def debug_privilege(self) -> Iterator[bool]:
        """SeDebugPrivilege for as long as this lasts, where the account holds it; whether it does.

        Several may use it at once: the last to leave turns it off, if it was off before.
        """
        with self._privilege_lock:
            self._privilege_users += 1
            if self._privilege_users == 1:
                self._privileged, self._privilege_before = self._set_privilege(on=True)
            held = self._privileged
        try:
            yield held
        finally:
            with self._privilege_lock:
                self._privilege_users -= 1
                if not self._privilege_users and held and not self._privilege_before:
                    self._set_privilege(on=False)

    def _set_privilege(self, *, on: bool) -> tuple[bool, bool]:
        """Whether it is held, and whether it was turned on before."""
        try:
            token = self._open_token(self.own_process(), _TOKEN_ADJUST_PRIVILEGES_AND_QUERY)
        except CallFailed:
            return False, False
        try:
            wanted, before = win.TokenPrivileges(count=1), win.TokenPrivileges()
            wanted.privilege.attributes = _SE_PRIVILEGE_ENABLED if on else 0
            name = ctypes.create_string_buffer("SeDebugPrivilege\0".encode("utf-16-le"))
            luid = (ctypes.c_uint32 * 2)()
            self._checked("LookupPrivilegeValueW", None, name, luid)
            wanted.privilege.luid = luid
            size, length = ctypes.sizeof(before), ctypes.c_uint32()
            self._checked(
                "AdjustTokenPrivileges",
                *(token, 0, ctypes.byref(wanted), size, ctypes.byref(before)),
                ctypes.byref(length),
            )
            # It succeeds even if the account does not hold the privilege, and what it gives back
            # are those that it has changed.
            held = self._last_error() != win.ERROR_NOT_ALL_ASSIGNED
            return held, held and before.count == 0
        except CallFailed:
            return False, False
        finally:
            self.close(token)

    def _open_token(self, process: int, access: int) -> int:
        token = ctypes.c_void_p()
        self._checked("OpenProcessToken", process, access, ctypes.byref(token))
        return int(token.value or 0)

    @contextmanager
    def token(self, process: int) -> Iterator[int]:
        """The token of a process, for as long as this lasts."""
        token = self._open_token(process, _TOKEN_QUERY)
        try:
            yield token
        finally:
            self.close(token)

    def of_token(self, token: int, kind: int) -> ctypes.Array[ctypes.c_char]:
        """What GetTokenInformation says; addresses in it lead into it.

        Raises:
            CallFailed: it says nothing of the kind.
        """
        function, length, size = self._optional("GetTokenInformation"), ctypes.c_uint32(), 1 << 12
        while True:
            room = ctypes.create_string_buffer(size)
            if function(token, kind, room, size, ctypes.byref(length)):
                return room
            code = self._last_error()
            if code != win.ERROR_INSUFFICIENT_BUFFER or size >= _LARGEST_ANSWER:
                raise CallFailed("GetTokenInformation", code)
            size *= 4

    def privilege_name(self, luid: bytes) -> str:
        """What a privilege is called.

        Raises:
            CallFailed: there is none.
        """
        self._optional("LookupPrivilegeNameW")
        text, length = (ctypes.c_uint16 * _LONGEST_ACCOUNT)(), ctypes.c_uint32(_LONGEST_ACCOUNT)
        number = ctypes.create_string_buffer(luid, len(luid))
        self._checked("LookupPrivilegeNameW", None, number, text, ctypes.byref(length))
        return win.wide_text(text)

    def account(self, sid: bytes) -> str:
        """``DOMAIN\\NAME`` of an account; a domain's may be asked for over the network.

        Raises:
            CallFailed: nobody knows it.
        """
        self._optional("LookupAccountSidW")
        name, domain = ((ctypes.c_uint16 * _LONGEST_ACCOUNT)() for _ in range(2))
        rooms = [ctypes.c_uint32(_LONGEST_ACCOUNT) for _ in range(2)]
        use = ctypes.c_uint32()
        self._checked(
            "LookupAccountSidW",
            *(None, ctypes.create_string_buffer(sid, len(sid))),
            *(name, ctypes.byref(rooms[0]), domain, ctypes.byref(rooms[1]), ctypes.byref(use)),
        )
        found = win.wide_text(name)
        where = win.wide_text(domain)
        return f"{where}\\{found}" if where else found
