"""On whose behalf a Windows process runs: user, groups, integrity, privileges."""

from __future__ import annotations

import ctypes
import struct
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from ..plain_target import CallFailed
from .calls import WindowsSystem
from .calls.base import Room

__all__ = ["AccountNames", "credentials", "user_of"]

_USER, _GROUPS, _PRIVILEGES = 1, 2, 3
_ELEVATION, _INTEGRITY, _APP_CONTAINER = 20, 25, 29
_MOST = 4096
_PATIENCE = 0.5
_LEVELS = (
    (0x5000, "protected"),
    (0x4000, "system"),
    (0x3000, "high"),
    (0x2100, "medium_plus"),
    (0x2000, "medium"),
    (0x1000, "low"),
    (0x0000, "untrusted"),
)
_GROUP_WORDS = ((0x4, "enabled"), (0x10, "deny_only"), (0x20, "integrity"))
_ENABLED, _REMOVED, _BY_DEFAULT = 2, 4, 1
_SID_HEAD = struct.Struct(">BBHI")
_LONGEST_SID = 8 + 4 * 15


class AccountNames:
    """Names of accounts by their SIDs, and of privileges; each is asked for once.

    Who knows an account may be a server that does not answer: nobody waits for long, and only
    once.

    Args:
        system: the calls.
    """

    def __init__(self, system: WindowsSystem) -> None:
        self._system = system
        self._known: dict[bytes, str] = {}
        self._privileges: dict[bytes, str] = {}
        self._silent = False

    def privilege(self, luid: bytes) -> str:
        """The name of a privilege; its number where it has none."""
        if luid not in self._privileges:
            try:
                name = self._system.privilege_name(luid)
            except CallFailed:
                name = f"luid {int.from_bytes(luid, 'little'):#x}"
            self._privileges[luid] = name
        return self._privileges[luid]

    def of(self, sid: bytes) -> str:
        """``DOMAIN\\NAME``; empty where it is not told, or not in time."""
        if sid not in self._known and not self._silent:
            asked = threading.Thread(target=self._ask, args=(sid,), daemon=True)
            try:
                asked.start()
            except RuntimeError:  # no more threads
                return ""
            asked.join(_PATIENCE)
            self._silent = asked.is_alive()
        return self._known.get(sid, "")

    def _ask(self, sid: bytes) -> None:
        try:
            self._known[sid] = self._system.account(sid)
        except CallFailed:
            self._known[sid] = ""


def _sid_at(room: Room, at: int) -> bytes:
    """The SID that the address at this place leads to; empty if it leads out of the answer."""
    place = int.from_bytes(room.raw[at : at + 8], "little") - ctypes.addressof(room)
    if not 0 <= place <= len(room) - 8:
        return b""
    sid = room.raw[place : place + _LONGEST_SID]
    return sid[: 8 + 4 * min(sid[1], 15)]


def _sid_text(sid: bytes) -> str:
    """``S-1-5-18``."""
    if len(sid) < _SID_HEAD.size:
        return ""
    revision, _, high, low = _SID_HEAD.unpack_from(sid)
    parts = struct.unpack_from(f"<{(len(sid) - 8) // 4}I", sid, 8)
    return "-".join(["S", *map(str, (revision, high << 32 | low, *parts))])


def user_of(system: WindowsSystem, process: int) -> bytes:
    """The SID of its user.

    Raises:
        CallFailed: it is not told.
    """
    with system.token(process) as token:
        return _sid_at(system.of_token(token, _USER), 0)


def credentials(system: WindowsSystem, process: int, names: AccountNames) -> dict[str, Any]:
    """User, groups, integrity, whether it is elevated, and privileges; what is told of them.

    Raises:
        CallFailed: its token can't be opened.
    """
    with system.token(process) as token:
        user = _sid_at(system.of_token(token, _USER), 0)
        found: dict[str, Any] = {"user": {"sid": _sid_text(user), "name": names.of(user)}}
        with suppress(CallFailed):
            found["groups"] = list(_groups(system.of_token(token, _GROUPS), names))
        with suppress(CallFailed):
            sid = _sid_at(system.of_token(token, _INTEGRITY), 0)
            if len(sid) >= 12:
                level = int.from_bytes(sid[-4:], "little")
                word = next(word for least, word in _LEVELS if level >= least)
                found["integrity"] = {"level": word, "rid": f"{level:#x}"}
        for name, kind in (("elevated", _ELEVATION), ("app_container", _APP_CONTAINER)):
            with suppress(CallFailed):
                found[name] = any(system.of_token(token, kind).raw[:4])
        with suppress(CallFailed):
            found["privileges"] = list(_privileges(system.of_token(token, _PRIVILEGES), names))
    return found


def _groups(room: Room, names: AccountNames) -> Iterator[dict[str, Any]]:
    count = min(int.from_bytes(room.raw[:4], "little"), _MOST, (len(room) - 8) // 16)
    for at in range(8, 8 + 16 * count, 16):
        sid, bits = _sid_at(room, at), int.from_bytes(room.raw[at + 8 : at + 12], "little")
        yield {
            "sid": _sid_text(sid),
            "name": names.of(sid),
            "attributes": [word for bit, word in _GROUP_WORDS if bits & bit],
        }


def _privileges(room: Room, names: AccountNames) -> Iterator[dict[str, Any]]:
    raw = room.raw
    count = min(int.from_bytes(raw[:4], "little"), _MOST, (len(raw) - 4) // 12)
    for at in range(4, 4 + 12 * count, 12):
        bits = int.from_bytes(raw[at + 8 : at + 12], "little")
        yield {
            "name": names.privilege(raw[at : at + 8]),
            "enabled": bool(bits & _ENABLED),
            "by_default": bool(bits & _BY_DEFAULT),
            "removed": bool(bits & _REMOVED),
        }
