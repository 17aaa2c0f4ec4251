"""More of a Windows of one process: its token, handles, sockets, and what newer processors have."""

from __future__ import annotations

import ctypes
import os
import struct
from dataclasses import dataclass, field
from typing import Any

__all__ = ["TABLE_PROTOTYPES", "FakeTables", "sid"]

_H = _P = ctypes.c_void_p
_B, _D = ctypes.c_int, ctypes.c_uint
TABLE_PROTOTYPES: dict[str, tuple[Any, ...]] = {
    "GetEnabledXStateFeatures": (ctypes.c_uint64,),
    "GetExtendedTcpTable": (_D, _P, _P, _B, _D, _D, _D),
    "GetExtendedUdpTable": (_D, _P, _P, _B, _D, _D, _D),
    "GetProcessIdOfThread": (_D, _H),
    "GetTokenInformation": (_B, _H, _D, _P, _D, _P),
    "GetXStateFeaturesMask": (_B, _P, _P),
    "InitializeContext": (_B, _P, _D, _P, _P),
    "LocateXStateFeature": (_P, _P, _D, _P),
    "LookupAccountSidW": (_B, _P, _P, _P, _P, _P, _P, _P),
    "LookupPrivilegeNameW": (_B, _P, _P, _P, _P),
    "NtQueryObject": (_B, _H, _D, _P, _D, _P),
    "NtQuerySystemInformation": (_B, _D, _P, _D, _P),
    "SetXStateFeaturesMask": (_B, _P, ctypes.c_uint64),
    "Wow64GetThreadContext": (_B, _H, _P),
}
TOO_SHORT = 0xC000_0004 - (1 << 32)
UNKNOWN_CLASS = 0xC000_0003 - (1 << 32)
CONTEXT_SIZE, STATE_SIZE = 1232, 1 << 14


def sid(authority: int, *parts: int) -> bytes:
    """A security identifier as it is stored."""
    return struct.pack(f"<BB6s{len(parts)}I", 1, len(parts), authority.to_bytes(6, "big"), *parts)


@dataclass
class FakeTables:
    """What `FakeWindows` has besides."""

    error: int = 0
    states: dict[int, tuple[int, int]] = field(default_factory=dict)
    """KTHREAD_STATE and KWAIT_REASON of threads."""
    open_handles: list[tuple[int, int, int, int]] = field(default_factory=list)
    """Value, type, access, attributes."""
    handles_of_processes: bool = True
    """Whether it is as new as Windows 8."""
    types: tuple[str, ...] = ("Event", "File", "Key", "Process")
    type_numbers: bool = True
    type_shift: int = 0
    """How much less handles say of their type than the list of types does, as Wine's do."""
    tables: dict[tuple[str, int], list[bytes]] = field(default_factory=dict)
    """Rows by protocol and family."""
    tables_error: int = 0
    user: bytes = sid(5, 21, 1, 2, 3, 1001)
    groups: list[tuple[bytes, int]] = field(default_factory=list)
    integrity: int = 0x3000
    privileges: list[tuple[int, int]] = field(default_factory=list)
    accounts: dict[bytes, tuple[str, str]] = field(default_factory=dict)
    token_errors: dict[int, int] = field(default_factory=dict)
    features: int = 0
    in_use: dict[int, dict[int, bytes]] = field(default_factory=dict)
    """Registers of features by thread and bit."""
    narrow_contexts: dict[int, bytes] = field(default_factory=dict)
    masks: dict[int, int] = field(default_factory=dict)
    masks_told: dict[int, int] = field(default_factory=dict)
    words: dict[int, bytes] = field(default_factory=dict)
    """What stands at addresses of the process."""

    def word_at(self, address: int, size: int) -> bytes | None:
        for start, data in self.words.items():
            if start <= address and address + size <= start + len(data):
                return data[address - start : address - start + size]
        return None

    # Lists -----------------------------------------------------------------------------------

    @staticmethod
    def _told(raw: bytes, into: int, size: int) -> int:
        if size < len(raw):
            return TOO_SHORT
        ctypes.memmove(into, raw, len(raw))
        return 0

    def _NtQuerySystemInformation(self, kind: int, into: int, size: int, _: int | None) -> int:
        if kind == 5:
            other = bytearray(0x100 + 0x50)
            struct.pack_into("<II", other, 0, len(other), 1)
            struct.pack_into("<Q", other, 0x50, 99)
            return self._told(bytes(other) + self._process_information(), into, size)
        assert kind == 64
        rows = [(99, 0x10, 1, 0, 0), *((self.pid, *one) for one in self.open_handles)]  # type: ignore[attr-defined]
        rows += [(os.getpid(), *one) for one in self._our_own()]
        raw = struct.pack("<QQ", len(rows), 0)
        for pid, value, number, access, attributes in rows:
            place = 0xFFFF_8000_0000_0000 | value
            raw += struct.pack("<QQQIHHII", place, pid, value, access, 0, number, attributes, 0)
        return self._told(raw, into, size)

    def _process_information(self) -> bytes:
        threads: Any = self.threads  # type: ignore[attr-defined]
        pid: int = self.pid  # type: ignore[attr-defined]
        head = bytearray(0x100)
        struct.pack_into("<II", head, 0, 0, len(threads))
        struct.pack_into("<Q", head, 0x50, pid)
        raw = bytes(head)
        for number in threads:
            row = bytearray(0x50)
            struct.pack_into("<QQ", row, 0x28, pid, number)
            struct.pack_into("<II", row, 0x44, *self.states.get(number, (0, 0)))
            raw += bytes(row)
        return raw

    def _our_own(self) -> list[tuple[int, int, int, int]]:
        """Those of processes, which are the last type; and one of another."""
        number = len(self.types) + (6 if self.type_numbers else 1) - self.type_shift
        handles: Any = self.handles  # type: ignore[attr-defined]
        ours = [value for value, what in handles.items() if what[0] == "process"]
        return [(4, 1, 0, 0), *((value, number, 0, 0) for value in ours)]

    def _handle_information(self, handle: int, into: int, size: int) -> int:
        if not self.handles_of_processes:
            return UNKNOWN_CLASS
        rows = self._our_own() if handle == (1 << 64) - 1 else self.open_handles
        raw = struct.pack("<QQ", len(rows), 0)
        for value, number, access, attributes in rows:
            raw += struct.pack("<QQQIIII", value, 1, 1, access, number, attributes, 0)
        return self._told(raw, into, size)

    def _NtQueryObject(
        self, handle: int | None, kind: int, into: int, size: int, _: int | None
    ) -> int:
        assert (handle, kind) == (None, 3)
        raw = struct.pack("<I4x", len(self.types))
        for order, name in enumerate(self.types):
            text = name.encode("utf-16-le")
            one = bytearray(0x68)
            struct.pack_into("<HH", one, 0, len(text), len(text) + 2)
            one[0x5A] = order + 7 if self.type_numbers else 0
            raw += bytes(one) + text + b"\0\0"
            raw += bytes(-len(raw) % 8)
        return self._told(raw, into, size)

    def _table(self, protocol: str, into: int, length: int, family: int, kind: int) -> int:
        assert kind == {"tcp": 5, "udp": 1}[protocol]
        if self.tables_error:
            return self.tables_error
        rows = self.tables.get((protocol, family), [])
        raw = struct.pack("<I", len(rows)) + b"".join(rows)
        room = ctypes.c_uint.from_address(length)
        size, room.value = room.value, len(raw)
        if size < len(raw):
            return 122
        ctypes.memmove(into, raw, len(raw))
        return 0

    def _GetExtendedTcpTable(self, into: int, length: int, _: int, *what: int) -> int:
        return self._table("tcp", into, length, what[0], what[1])

    def _GetExtendedUdpTable(self, into: int, length: int, _: int, *what: int) -> int:
        return self._table("udp", into, length, what[0], what[1])

    # Tokens ----------------------------------------------------------------------------------

    def _GetTokenInformation(self, token: int, kind: int, into: int, size: int, length: int) -> int:
        assert self.handles[token] == ("token",)  # type: ignore[attr-defined]
        if kind in self.token_errors:
            self.error = self.token_errors[kind]
            return 0
        if kind in (1, 25):
            found = self.user if kind == 1 else sid(16, self.integrity)
            raw = struct.pack("<QQ", into + 16, 7) + found
        elif kind == 2:
            start = 8 + 16 * len(self.groups)
            raw, names = struct.pack("<Q", len(self.groups)), b""
            for one, bits in self.groups:
                raw += struct.pack("<QQ", into + start + len(names), bits)
                names += one
            raw += names
        elif kind == 3:
            raw = struct.pack("<I", len(self.privileges))
            for luid, bits in self.privileges:
                raw += struct.pack("<QI", luid, bits)
        else:
            raw = struct.pack("<I", kind == 20)
        ctypes.c_uint.from_address(length).value = len(raw)
        if size < len(raw):
            self.error = 122
            return 0
        ctypes.memmove(into, raw, len(raw))
        return 1

    @staticmethod
    def _text(into: int, text: str) -> None:
        raw = text.encode("utf-16-le") + b"\0\0"
        ctypes.memmove(into, raw, len(raw))

    def _LookupPrivilegeNameW(self, _: int | None, luid: int, text: int, length: int) -> int:
        (number,) = struct.unpack("<Q", ctypes.string_at(luid, 8))
        names = {20: "SeDebugPrivilege", 23: "SeChangeNotifyPrivilege"}
        if number not in names:
            self.error = 1313
            return 0
        self._text(text, names[number])
        return 1

    def _LookupAccountSidW(
        self, _: int | None, who: int, name: int, __: int, domain: int, ___: int, use: int
    ) -> int:
        count = ctypes.string_at(who, 2)[1]
        found = self.accounts.get(ctypes.string_at(who, 8 + 4 * count))
        if found is None:
            self.error = 1332
            return 0
        self._text(domain, found[0])
        self._text(name, found[1])
        return 1

    # Threads ---------------------------------------------------------------------------------

    def _GetProcessIdOfThread(self, handle: int) -> int:
        kind, number, access = self.handles[handle]  # type: ignore[attr-defined]
        assert kind == "thread"
        assert access & 0x840
        return int(self.threads[number].owner or self.pid)  # type: ignore[attr-defined]

    def _GetEnabledXStateFeatures(self) -> int:
        return self.features | 3

    def _InitializeContext(
        self, room: int | None, flags: int, into: int | None, length: int
    ) -> int:
        assert flags & 0x10_0040 == 0x10_0040
        if room is None:
            ctypes.c_uint.from_address(length).value = CONTEXT_SIZE + STATE_SIZE
            self.error = 122
            return 0
        context = room + -room % 16 + 64
        ctypes.c_uint.from_address(context + 0x30).value = flags
        assert into is not None
        ctypes.c_uint64.from_address(into).value = context
        self.masks[context] = 0
        return 1

    def _SetXStateFeaturesMask(self, context: int, mask: int) -> int:
        assert not mask & ~self.features
        self.masks[context] = mask
        return 1

    def _GetXStateFeaturesMask(self, context: int, mask: int) -> int:
        ctypes.c_uint64.from_address(mask).value = self.masks_told[context]
        return 1

    @staticmethod
    def _state_at(context: int, bit: int) -> int:
        return context + CONTEXT_SIZE + 0x100 + 0x500 * bit  # each somewhere

    def _LocateXStateFeature(self, context: int, bit: int, length: int) -> int:
        if not self.masks[context] >> bit & 1:
            return 0
        ctypes.c_uint.from_address(length).value = {2: 256, 5: 64, 6: 512, 7: 1024, 9: 8}[bit]
        return self._state_at(context, bit)

    def _fill_features(self, number: int, context: int) -> None:
        if context not in self.masks:
            return
        self.masks_told[context] = 3
        for bit, part in self.in_use.get(number, {}).items():
            if self.masks[context] >> bit & 1:
                self.masks_told[context] |= 1 << bit
                ctypes.memmove(self._state_at(context, bit), part, len(part))

    def _Wow64GetThreadContext(self, handle: int, context: int) -> int:
        _, number, access = self.handles[handle]  # type: ignore[attr-defined]
        assert access & 0x48 == 0x48
        assert ctypes.c_uint.from_address(context).value == 0x1003F
        ctypes.memmove(context, self.narrow_contexts[number], 716)
        return 1
