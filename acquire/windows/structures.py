"""Structures and constants of the 64-bit Windows interface.

Fixed-width types only: `ctypes.wintypes` follows the C compiler of the machine it runs on, so
that its DWORD has eight bytes on Linux, where the tests are. The members have the names of
Microsoft's documentation, spelled as Python does.
"""

from __future__ import annotations

import ctypes

__all__ = [
    "BasicInformation",
    "FileTime",
    "LuidAndAttributes",
    "MemoryBasicInformation",
    "MemoryStatus",
    "ModuleEntry",
    "ObjectType",
    "ProcessEntry",
    "ProcessHandleEntry",
    "ProcessMemoryCounters",
    "SystemHandle",
    "SystemInfo",
    "SystemProcess",
    "SystemThread",
    "ThreadEntry",
    "TokenPrivileges",
    "UnicodeString",
    "wide_text",
]

_U16, _U32, _U64 = ctypes.c_uint16, ctypes.c_uint32, ctypes.c_uint64
_PATH_LENGTH = 260

MEM_COMMIT, MEM_RESERVE, MEM_FREE = 0x1000, 0x2000, 0x10000
MEM_PRIVATE, MEM_MAPPED, MEM_IMAGE = 0x20000, 0x40000, 0x1000000

PAGE_NOACCESS = 0x01
PAGE_GUARD, PAGE_NOCACHE, PAGE_WRITECOMBINE = 0x100, 0x200, 0x400

ERROR_FILE_NOT_FOUND = 2
ERROR_ACCESS_DENIED = 5
ERROR_NO_MORE_FILES = 18
ERROR_BAD_LENGTH = 24
ERROR_INVALID_PARAMETER = 87
ERROR_INSUFFICIENT_BUFFER = 122
ERROR_PARTIAL_COPY = 299
ERROR_NOT_ALL_ASSIGNED = 1300

INVALID_HANDLE = (1 << 64) - 1

PROCESS_VM_READ = 0x0010
PROCESS_DUP_HANDLE = 0x0040
PROCESS_CREATE_PROCESS = 0x0080
PROCESS_QUERY_INFORMATION = 0x0400
PROCESS_SUSPEND_RESUME = 0x0800
PROCESS_QUERY_LIMITED_INFORMATION = 0x1000
PROCESS_SET_INFORMATION = 0x0200
SYNCHRONIZE = 0x0010_0000
DUPLICATE_SAME_ACCESS = 2
THREAD_SUSPEND_RESUME = 0x0002
THREAD_GET_CONTEXT = 0x0008
THREAD_QUERY_INFORMATION = 0x0040
THREAD_QUERY_LIMITED_INFORMATION = 0x0800

TH32CS_SNAPPROCESS, TH32CS_SNAPTHREAD = 0x2, 0x4
TH32CS_SNAPMODULE, TH32CS_SNAPMODULE32 = 0x8, 0x10

PROCESS_BASIC_INFORMATION = 0
PROCESS_COMMAND_LINE_INFORMATION = 60
THREAD_BASIC_INFORMATION = 0
THREAD_START_ADDRESS = 9
THREAD_SUSPEND_COUNT = 35
PROCESS_PROTECTION_INFORMATION = 61
PROCESS_WOW64_INFORMATION = 26
PROCESS_HANDLE_INFORMATION = 51
SYSTEM_PROCESS_INFORMATION = 5
SYSTEM_EXTENDED_HANDLES = 64
OBJECT_TYPES_INFORMATION = 3
TCP_TABLE_OWNER_PID_ALL, UDP_TABLE_OWNER_PID = 5, 1

MACHINES = {0x014C: "x86", 0x01C4: "arm32", 0x8664: "x86_64", 0xAA64: "arm64"}
"""IMAGE_FILE_MACHINE_* and what the schema calls them."""


class MemoryBasicInformation(ctypes.Structure):
    """MEMORY_BASIC_INFORMATION of a 64-bit caller."""

    _fields_ = (
        ("base_address", _U64),
        ("allocation_base", _U64),
        ("allocation_protect", _U32),
        ("partition_id", _U16),
        ("region_size", _U64),
        ("state", _U32),
        ("protect", _U32),
        ("type", _U32),
    )


class MemoryStatus(ctypes.Structure):
    """MEMORYSTATUSEX: bytes. The page file's are those that can be committed."""

    _fields_ = (
        ("length", _U32),
        ("memory_load", _U32),
        ("total_physical", _U64),
        ("available_physical", _U64),
        ("total_page_file", _U64),
        ("available_page_file", _U64),
        ("total_virtual", _U64),
        ("available_virtual", _U64),
        ("available_extended_virtual", _U64),
    )


class SystemInfo(ctypes.Structure):
    """SYSTEM_INFO."""

    _fields_ = (
        ("processor_architecture", _U16),
        ("reserved", _U16),
        ("page_size", _U32),
        ("minimum_application_address", _U64),
        ("maximum_application_address", _U64),
        ("active_processor_mask", _U64),
        ("number_of_processors", _U32),
        ("processor_type", _U32),
        ("allocation_granularity", _U32),
        ("processor_level", _U16),
        ("processor_revision", _U16),
    )


class ProcessEntry(ctypes.Structure):
    """PROCESSENTRY32W."""

    _fields_ = (
        ("size", _U32),
        ("usage", _U32),
        ("process_id", _U32),
        ("default_heap_id", _U64),
        ("module_id", _U32),
        ("threads", _U32),
        ("parent_process_id", _U32),
        ("base_priority", ctypes.c_int32),
        ("flags", _U32),
        ("exe_file", _U16 * _PATH_LENGTH),
    )


class ThreadEntry(ctypes.Structure):
    """THREADENTRY32."""

    _fields_ = (
        ("size", _U32),
        ("usage", _U32),
        ("thread_id", _U32),
        ("owner_process_id", _U32),
        ("base_priority", ctypes.c_int32),
        ("delta_priority", ctypes.c_int32),
        ("flags", _U32),
    )


class ModuleEntry(ctypes.Structure):
    """MODULEENTRY32W."""

    _fields_ = (
        ("size", _U32),
        ("module_id", _U32),
        ("process_id", _U32),
        ("global_usage", _U32),
        ("process_usage", _U32),
        ("base_address", _U64),
        ("base_size", _U32),
        ("handle", _U64),
        ("module", _U16 * 256),
        ("exe_path", _U16 * _PATH_LENGTH),
    )


class FileTime(ctypes.Structure):
    """FILETIME: two halves, so that it needs no alignment of eight."""

    _fields_ = (("low", _U32), ("high", _U32))

    @property
    def unix_nanoseconds(self) -> int:
        """Nanoseconds since the Unix epoch; 0 for no time at all."""
        ticks = int(self.high) << 32 | int(self.low)
        return (ticks - 116_444_736_000_000_000) * 100 if ticks else 0


class ProcessMemoryCounters(ctypes.Structure):
    """PROCESS_MEMORY_COUNTERS."""

    _fields_ = (
        ("size", _U32),
        ("page_fault_count", _U32),
        ("peak_working_set_size", _U64),
        ("working_set_size", _U64),
        ("quota", _U64 * 4),
        ("pagefile_usage", _U64),
        ("peak_pagefile_usage", _U64),
    )


class UnicodeString(ctypes.Structure):
    """UNICODE_STRING: lengths in bytes."""

    _fields_ = (("length", _U16), ("maximum_length", _U16), ("buffer", _U64))


class BasicInformation(ctypes.Structure):
    """PROCESS_BASIC_INFORMATION, and THREAD_BASIC_INFORMATION: alike up to the address."""

    _fields_ = (("status", _U64), ("address", _U64), ("rest", _U64 * 4))


class LuidAndAttributes(ctypes.Structure):
    """LUID_AND_ATTRIBUTES."""

    _fields_ = (("luid", _U32 * 2), ("attributes", _U32))


class TokenPrivileges(ctypes.Structure):
    """TOKEN_PRIVILEGES with room for one."""

    _fields_ = (("count", _U32), ("privilege", LuidAndAttributes))


class SystemProcess(ctypes.Structure):
    """SYSTEM_PROCESS_INFORMATION, behind which its threads stand."""

    _fields_ = (
        ("next_entry_offset", _U32),
        ("number_of_threads", _U32),
        ("times", _U64 * 6),
        ("image_name", UnicodeString),
        ("base_priority", _U64),
        ("process_id", _U64),
        ("rest", _U64 * 21),
    )


class SystemThread(ctypes.Structure):
    """SYSTEM_THREAD_INFORMATION."""

    _fields_ = (
        ("times", _U64 * 3),
        ("wait_time", _U32),
        ("start_address", _U64),
        ("process_id", _U64),
        ("thread_id", _U64),
        ("priorities", _U32 * 2),
        ("context_switches", _U32),
        ("thread_state", _U32),
        ("wait_reason", _U32),
    )


class SystemHandle(ctypes.Structure):
    """SYSTEM_HANDLE_TABLE_ENTRY_INFO_EX."""

    _fields_ = (
        ("object", _U64),
        ("process_id", _U64),
        ("value", _U64),
        ("access", _U32),
        ("creator", _U16),
        ("type_index", _U16),
        ("attributes", _U32),
        ("reserved", _U32),
    )


class ProcessHandleEntry(ctypes.Structure):
    """PROCESS_HANDLE_TABLE_ENTRY_INFO."""

    _fields_ = (
        ("value", _U64),
        ("handle_count", _U64),
        ("pointer_count", _U64),
        ("access", _U32),
        ("type_index", _U32),
        ("attributes", _U32),
        ("reserved", _U32),
    )


class ObjectType(ctypes.Structure):
    """OBJECT_TYPE_INFORMATION, behind which its name stands."""

    _fields_ = (
        ("name", UnicodeString),
        ("counts", _U32 * 18),
        ("security_required", ctypes.c_uint8),
        ("maintains_count", ctypes.c_uint8),
        ("type_index", ctypes.c_uint8),
        ("reserved", ctypes.c_uint8),
        ("pool_type", _U32),
        ("charges", _U32 * 2),
    )


def wide_text(units: ctypes.Array[ctypes.c_uint16], length: int | None = None) -> str:
    """The text in an array of UTF-16 units: `length` of them, or up to the first 0.

    Windows does not promise pairs of surrogates; a lone one is shown as its bytes.
    """
    raw = bytes(units) if length is None else bytes(units)[: 2 * length]
    text = raw.decode("utf-16-le", errors="backslashreplace")
    return text.partition("\0")[0] if length is None else text
